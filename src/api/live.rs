//! What programs want of rooms, queues, recordings, streams and transcriptions that live: parameters become the router's
//! requests, its answers become JSON. Only form is judged here.

use axum::http::StatusCode;
use serde_json::json;
use tipring_resources::{Method, Sid, SidKind};
use tipring_router::{
    Announce, CallRecord, Gathering, Instructions, MachineDetection, MachineMode, MachineWish, NewParticipant,
    ParticipantChange, RecordingChange, RecordingEvents, Reply, Request, SeatWish, StreamWish, Track, Track3,
    TranscriptionWish,
};

use crate::calls::{ask, refused};
use crate::dates::rfc2822;
use crate::fault::Fault;
use crate::form::Form;
use crate::path::Beside;
use crate::serve::{Answer, Asking};
use crate::warnings::Warnings;
use crate::{create, show, wishes};

/// Asks, and gives back what is not a refusal. Who is not there is 404.
pub(crate) async fn done(asking: &Asking, request: Request) -> Result<Reply, Fault> {
    match ask(asking, request).await? {
        Reply::Refused { code, text, again_s } => Err(refused(code, text, again_s)),
        Reply::NotLive => Err(Fault::not_found_because("there is no such live call, room, queue or recording")),
        reply => Ok(reply),
    }
}

/// An answer that the router does not give to such a request.
pub(crate) fn odd(reply: &Reply) -> Fault {
    tracing::error!(?reply, "the router's answer does not fit its request");
    Fault::internal()
}

/// `AnnounceUrl` and `AnnounceMethod`.
pub(crate) fn announce(form: &Form) -> Result<Option<Announce>, Fault> {
    let url = form.url("AnnounceUrl")?.filter(|url| !url.is_empty());
    let method = form.method("AnnounceMethod")?.unwrap_or_default();
    Ok(url.map(|url| Announce { url, method }))
}

/// A document's URL and method; empty: silence.
fn document(form: &Form, url: &str, method: &str, usual: Method) -> Result<Option<(String, Method)>, Fault> {
    let how = form.method(method)?.unwrap_or(usual);
    Ok(form.url(url)?.map(|url| (url, how)))
}

/// Whether a parameter has one of the first words; the others, and nothing, mean that it has not.
fn one_of(form: &Form, name: &str, yes: &[&str], no: &[&str]) -> Result<bool, Fault> {
    match form.text(name) {
        None => Ok(false),
        Some(word) if no.contains(&word) => Ok(false),
        Some(word) if yes.contains(&word) => Ok(true),
        Some(_) => Err(Fault::parameter(name, &[yes, no].concat().join(", "))),
    }
}

/// What a room tells of itself.
const ROOM_EVENTS: [&str; 9] = ["start", "end", "join", "leave", "mute", "hold", "modify", "speaker", "announcement"];

/// How somebody is to be in a room.
pub(crate) fn seat(form: &Form, warnings: &mut Warnings) -> Result<SeatWish, Fault> {
    let label = form.text("Label").unwrap_or_default();
    if label.chars().count() > LABEL_MAX || label.contains('/') || label.chars().any(char::is_control) {
        return Err(Fault::bad(16023, "Label is invalid: at most 128 characters without a slash are expected"));
    }
    let beep = form.text("Beep").unwrap_or_default();
    if !["", "true", "false", "onEnter", "onExit"].contains(&beep) {
        return Err(Fault::parameter("Beep", "true, false, onEnter or onExit"));
    }
    let most = form.text("MaxParticipants").map(|text| text.parse::<u32>().ok().filter(|n| (2..=250).contains(n)));
    if most == Some(None) {
        return Err(Fault::parameter("MaxParticipants", "a whole number from 2 to 250"));
    }
    let mut events = Vec::new();
    wishes::each_event(form, "ConferenceStatusCallbackEvent", warnings, |word| {
        let known = ROOM_EVENTS.contains(&word);
        events.extend(known.then(|| word.to_owned()));
        known
    });
    let mut recorded = RecordingEvents { in_progress: false, completed: false, absent: false };
    wishes::each_event(form, "ConferenceRecordingStatusCallbackEvent", warnings, |word| {
        match word {
            "in-progress" => recorded.in_progress = true,
            "completed" => recorded.completed = true,
            "absent" => recorded.absent = true,
            _ => return false,
        }
        true
    });
    let said = recorded.in_progress || recorded.completed || recorded.absent;
    let coached = form.sid("CallSidToCoach", SidKind::Call)?;
    let coaching = form.boolean("Coaching")?;
    let wait = document(form, "WaitUrl", "WaitMethod", Method::Post)?;
    Ok(SeatWish {
        label: label.to_owned(),
        muted: form.boolean("Muted")?.unwrap_or(false),
        beep: beep.to_owned(),
        start_on_enter: form.boolean("StartConferenceOnEnter")?,
        end_on_exit: form.boolean("EndConferenceOnExit")?.unwrap_or(false),
        wait_method: wait.as_ref().map_or(Method::Post, |(_, method)| *method),
        wait_url: wait.map(|(url, _)| url),
        max_participants: most.flatten(),
        coached: coached.filter(|_| coaching != Some(false)),
        record: one_of(form, "ConferenceRecord", &["true", "record-from-start"], &["false", "do-not-record"])?,
        trim: !one_of(form, "ConferenceTrim", &["do-not-trim"], &["trim-silence"])?,
        callback: form.url("ConferenceStatusCallback")?.unwrap_or_default(),
        callback_method: form.method("ConferenceStatusCallbackMethod")?.unwrap_or_default(),
        callback_events: events,
        recording_callback: form.url("ConferenceRecordingStatusCallback")?.unwrap_or_default(),
        recording_callback_method: form.method("ConferenceRecordingStatusCallbackMethod")?.unwrap_or_default(),
        recording_events: said.then_some(recorded),
    })
}

/// Somebody is called into a room, or (with `CallSid`, our own) a live call is brought there.
pub(crate) async fn into_room(asking: &Asking, room: &str) -> Result<Reply, Fault> {
    let mut warnings = Warnings::default();
    let seat = seat(&asking.form, &mut warnings)?;
    let calls = sids(&asking.form)?;
    if !calls.is_empty() {
        return gather(asking, room, calls, seat).await;
    }
    let call = create::into_room(asking, &mut warnings)?;
    let new = NewParticipant { call, conference: room.to_owned(), seat };
    let reply = done(asking, Request::CreateParticipant(Box::new(new))).await?;
    if let Reply::Participant(participant) = &reply {
        asking.state.store.settled().await?;
        warnings.keep(asking, participant.call).await;
    }
    Ok(reply)
}

/// Live calls are brought together in a room.
pub(crate) async fn gather(asking: &Asking, room: &str, calls: Vec<Sid>, seat: SeatWish) -> Result<Reply, Fault> {
    let gathering = Gathering { account: asking.account.sid, conference: room.to_owned(), calls, seat };
    done(asking, Request::Gather(Box::new(gathering))).await
}

/// Every `CallSid`.
pub(crate) fn sids(form: &Form) -> Result<Vec<Sid>, Fault> {
    let all: Vec<Option<Sid>> = form
        .all("CallSid")
        .flat_map(|text| text.split([' ', ',']))
        .filter(|text| !text.is_empty())
        .map(|text| text.parse().ok().filter(|sid: &Sid| sid.kind == SidKind::Call))
        .collect();
    if all.len() > CALLS_MAX || all.contains(&None) {
        return Err(Fault::parameter("CallSid", "CA and 32 hex digits, at most 250 of them"));
    }
    Ok(all.into_iter().flatten().collect())
}

/// A change of somebody in a room.
pub(crate) fn participant_change(asking: &Asking, room: &str, key: &str) -> Result<ParticipantChange, Fault> {
    let form = &asking.form;
    let hold = form.boolean("Hold")?;
    Ok(ParticipantChange {
        account: Some(asking.account.sid),
        conference: room.to_owned(),
        call: key.to_owned(),
        muted: form.boolean("Muted")?,
        hold,
        hold_document: document(form, "HoldUrl", "HoldMethod", Method::Get)?,
        announce: announce(form)?,
        wait_document: document(form, "WaitUrl", "WaitMethod", Method::Post)?,
        beep_on_exit: form.boolean("BeepOnExit")?,
        end_on_exit: form.boolean("EndConferenceOnExit")?,
        coaching: form.boolean("Coaching")?,
        coached: form.sid("CallSidToCoach", SidKind::Call)?,
        move_to: form.text("MoveTo").map(str::to_owned),
    })
}

/// How a live call or room is to be recorded.
pub(crate) fn recording(form: &Form) -> Result<CallRecord, Fault> {
    let dual = match form.text("RecordingChannels") {
        None | Some("mono") => false,
        Some("dual") => true,
        Some(_) => return Err(Fault::parameter("RecordingChannels", "mono or dual")),
    };
    let track = match form.text("RecordingTrack") {
        None | Some("both") => Track::Both,
        Some("inbound") => Track::Inbound,
        Some("outbound") => Track::Outbound,
        Some(_) => return Err(Fault::parameter("RecordingTrack", "inbound, outbound or both")),
    };
    let trim = match form.text("Trim") {
        None | Some("do-not-trim") => false,
        Some("trim-silence") => true,
        Some(_) => return Err(Fault::parameter("Trim", "trim-silence or do-not-trim")),
    };
    let mut events = RecordingEvents { in_progress: false, completed: false, absent: false };
    for word in form.all("RecordingStatusCallbackEvent").flat_map(str::split_whitespace) {
        match word {
            "in-progress" => events.in_progress = true,
            "completed" => events.completed = true,
            "absent" => events.absent = true,
            _ => return Err(Fault::parameter("RecordingStatusCallbackEvent", "in-progress, completed or absent")),
        }
    }
    events.completed |= !events.in_progress && !events.absent;
    let callback = form.url("RecordingStatusCallback")?.unwrap_or_default();
    let callback_method = form.method("RecordingStatusCallbackMethod")?.unwrap_or_default();
    Ok(CallRecord { dual, track, trim, callback, callback_method, events })
}

/// `Status` and `PauseBehavior`.
pub(crate) fn recording_change(form: &Form) -> Result<RecordingChange, Fault> {
    let silence = match form.text("PauseBehavior") {
        None | Some("silence") => true,
        Some("skip") => false,
        Some(_) => return Err(Fault::parameter("PauseBehavior", "skip or silence")),
    };
    match form.text("Status") {
        Some("paused") => Ok(RecordingChange::Pause { silence }),
        Some("in-progress") => Ok(RecordingChange::Resume),
        Some("stopped") => Ok(RecordingChange::Stop),
        _ => Err(Fault::parameter("Status", "paused, in-progress or stopped")),
    }
}

/// Begins, or (with its SID or name) ends what runs beside a call.
pub(crate) async fn beside(asking: &Asking, kind: Beside, call: Sid, name: Option<&str>) -> Result<Answer, Fault> {
    let account = asking.account.sid;
    if name.is_some() && asking.form.text("Status") != Some("stopped") {
        return Err(Fault::parameter("Status", "stopped"));
    }
    let request = match (kind, name) {
        (Beside::Siprec, _) => return Err(Fault::unavailable("there is no recorder to fork to: SIPREC needs SIP")),
        (Beside::Streams, None) => Request::StartStream { account, call, wish: Box::new(stream(&asking.form)?) },
        (Beside::Streams, Some(stream)) => Request::StopStream { account, call, stream: stream.to_owned() },
        (Beside::Transcriptions, None) => {
            Request::StartTranscription { account, call, wish: Box::new(transcription(&asking.form)?) }
        }
        (Beside::Transcriptions, Some(one)) => {
            Request::StopTranscription { account, call, transcription: one.to_owned() }
        }
    };
    let folder = if kind == Beside::Streams { "Streams" } else { "Transcriptions" };
    match done(asking, request).await? {
        Reply::Beside { sid, name, running } => {
            let path = format!("{}/Calls/{call}/{folder}", show::account_path(account));
            let body = json!({
                "sid": sid,
                "account_sid": account,
                "call_sid": call,
                "name": Some(name).filter(|name| !name.is_empty()),
                "status": if running { "in-progress" } else { "stopped" },
                "date_updated": rfc2822(asking.state.live.now()),
                "uri": format!("{path}/{sid}.json"),
            });
            Ok(Answer::Json(StatusCode::OK, body))
        }
        reply => Err(odd(&reply)),
    }
}

fn track3(form: &Form, usual: Track3) -> Result<Track3, Fault> {
    match form.text("Track") {
        None => Ok(usual),
        Some("inbound_track") => Ok(Track3::Inbound),
        Some("outbound_track") => Ok(Track3::Outbound),
        Some("both_tracks") => Ok(Track3::Both),
        Some(_) => Err(Fault::parameter("Track", "inbound_track, outbound_track or both_tracks")),
    }
}

fn name_of(form: &Form) -> Result<String, Fault> {
    let name = form.text("Name").unwrap_or_default();
    if name.chars().count() > LABEL_MAX || name.contains('/') || name.chars().any(char::is_control) {
        return Err(Fault::parameter("Name", "at most 128 characters without a slash"));
    }
    Ok(name.to_owned())
}

fn stream(form: &Form) -> Result<StreamWish, Fault> {
    let url = form.text("Url").map(str::trim).unwrap_or_default();
    let host = url.strip_prefix("wss://").or_else(|| url.strip_prefix("ws://")).unwrap_or_default();
    let scheme = url.split_once(':').map(|(scheme, _)| scheme).filter(|s| s.chars().all(|c| c.is_ascii_alphanumeric()));
    if let Some(scheme) = scheme.filter(|scheme| !["", "ws", "wss"].contains(scheme)) {
        return Err(Fault::bad(31922, format!("Url is invalid: its scheme is {scheme:?}, ws or wss is expected")));
    }
    if host.is_empty() || url.contains('?') || url.len() > 2_000 || url.chars().any(|c| c.is_control() || c == ' ') {
        return Err(Fault::bad(31923, "Url is invalid: an absolute ws or wss URL without a query is expected"));
    }
    let parameters = (1..=PARAMETERS_MAX).filter_map(|n| {
        let name = form.text(&format!("Parameter{n}.Name"))?;
        Some((name.to_owned(), form.given(&format!("Parameter{n}.Value")).unwrap_or_default().to_owned()))
    });
    let parameters: Vec<(String, String)> = parameters.collect();
    if parameters.iter().any(|(name, value)| name.chars().count() + value.chars().count() > 500) {
        return Err(Fault::bad(31951, "a Parameter is too long: 500 characters for name and value are expected"));
    }
    if let Some((name, _)) =
        parameters.iter().find(|(name, value)| [name, value].iter().any(|t| t.contains(char::is_control)))
    {
        return Err(Fault::parameter("Parameter", &format!("text without control characters in {name:?}")));
    }
    Ok(StreamWish {
        url: url.to_owned(),
        name: name_of(form)?,
        track: track3(form, Track3::Inbound)?,
        callback: form.url("StatusCallback")?.unwrap_or_default(),
        callback_method: form.method("StatusCallbackMethod")?.unwrap_or_default(),
        parameters,
    })
}

fn transcription(form: &Form) -> Result<TranscriptionWish, Fault> {
    let text = |name: &str| match form.text(name).unwrap_or_default() {
        text if text.chars().count() > LABEL_MAX || text.chars().any(char::is_control) => {
            Err(Fault::parameter(name, "at most 128 characters"))
        }
        text => Ok(text.to_owned()),
    };
    let hints = form.text("Hints").unwrap_or_default();
    if hints.chars().any(char::is_control) {
        return Err(Fault::parameter("Hints", "words and phrases between commas"));
    }
    let hints = hints.split(',').map(|hint| hint.trim().chars().take(100).collect::<String>());
    Ok(TranscriptionWish {
        name: name_of(form)?,
        track: track3(form, Track3::Both)?,
        callback: form.url("StatusCallbackUrl")?.unwrap_or_default(),
        callback_method: form.method("StatusCallbackMethod")?.unwrap_or_default(),
        language: text("LanguageCode")?,
        partial: form.boolean("PartialResults")?.unwrap_or(false),
        hints: hints.filter(|hint| !hint.is_empty()).take(500).collect(),
        inbound_label: text("InboundTrackLabel")?,
        outbound_label: text("OutboundTrackLabel")?,
    })
}

/// What a member of a queue goes on with.
pub(crate) fn instructions(form: &Form) -> Result<Instructions, Fault> {
    wishes::instructions(form, &mut Warnings::default())?.ok_or_else(|| Fault::bad(20001, "Url is missing"))
}

/// Whether a machine answers is to be found out.
pub(crate) fn machine(form: &Form) -> Result<Option<MachineWish>, Fault> {
    let mode = match form.text("MachineDetection") {
        None => None,
        Some("Enable" | "true") => Some(MachineMode::Enable),
        Some("DetectMessageEnd") => Some(MachineMode::DetectMessageEnd),
        Some(_) => {
            return Err(Fault::bad(21234, "MachineDetection is invalid: Enable or DetectMessageEnd is expected"));
        }
    };
    let number = |name: &str, range: std::ops::RangeInclusive<u32>, usual: u32| match form.text(name) {
        None => Ok(usual),
        Some(text) => text.parse().ok().filter(|n| range.contains(n)).ok_or_else(|| {
            let (low, high) = (range.start(), range.end());
            Fault::bad(21234, format!("{name} is invalid: a whole number from {low} to {high} is expected"))
        }),
    };
    // A wrong number is wrong also where nothing asks for it.
    let wish = MachineWish {
        how: MachineDetection {
            mode: mode.unwrap_or(MachineMode::Enable),
            timeout_s: number("MachineDetectionTimeout", 3..=60, 30)?,
            speech_threshold_ms: number("MachineDetectionSpeechThreshold", 1_000..=6_000, 2_400)?,
            speech_end_threshold_ms: number("MachineDetectionSpeechEndThreshold", 500..=5_000, 1_200)?,
            silence_timeout_ms: number("MachineDetectionSilenceTimeout", 2_000..=10_000, 5_000)?,
        },
        beside: form.boolean("AsyncAmd")?.unwrap_or(false),
        callback: form.url("AsyncAmdStatusCallback")?.unwrap_or_default(),
        callback_method: form.method("AsyncAmdStatusCallbackMethod")?.unwrap_or_default(),
    };
    Ok(mode.map(|_| wish))
}

/// Characters of a label, and of a name of what runs beside a call.
const LABEL_MAX: usize = 128;
/// Calls that one request may bring together: a room's members.
const CALLS_MAX: usize = 250;
/// Parameters of a stream.
const PARAMETERS_MAX: usize = 99;
