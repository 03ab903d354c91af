//! Paths: what a request names. `/2010-04-01/Accounts/{Sid}/…`, with `.json` or without; and the monitor's `/v1/…`.

use tipring_resources::{Sid, SidKind};

use crate::form::{decode, encode};

/// Whose recordings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Of {
    Account,
    Call(Sid),
    Conference(Sid),
}

/// What a path names below the account. A room, a participant and a member may be named by other things than a SID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Accounts,
    Account,
    Balance,
    Calls,
    Call(Sid),
    Recordings(Of),
    /// With what the path says it is of.
    Recording(Of, Sid),
    /// The one recording that is under way: `Twilio.CURRENT`.
    CurrentRecording(Of),
    RecordingLinks(Sid),
    Transcriptions(Option<Sid>),
    Transcription(Option<Sid>, Sid),
    Notifications(Option<Sid>),
    Notification(Option<Sid>, Sid),
    CallEvents(Sid),
    /// What is begun beside a call: streams and the like; with the name of one.
    Beside(Beside, Sid, Option<String>),
    Conferences,
    Conference(String),
    Participants(String),
    Participant(String, String),
    Queues,
    Queue(Sid),
    Members(Sid),
    Member(Sid, String),
    Numbers,
    Number(Sid),
    Countries,
    Available(String, Kind),
    Applications,
    Application(Sid),
    CallerIds,
    CallerId(Sid),
    /// True: by the older name.
    Keys(bool),
    Key(bool, Sid),
    Messages,
    Message(Sid),
    Media(Sid),
    Usage(Span),
    /// A list of SIP things, which this box has none of.
    Sip(&'static str),
    /// The lines of the box, or one by its name.
    Lines(Option<String>),
    /// The spans of the box, or one by its name.
    Spans(Option<String>),
    /// What happens, as it happens.
    EventStream,
    Alerts,
    Alert(Sid),
    Events,
    Event(Sid),
    /// Something that is not there.
    Nothing,
}

/// What is begun beside a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Beside {
    Streams,
    Siprec,
    Transcriptions,
}

/// Kinds of numbers, as a shop has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Local,
    Mobile,
    TollFree,
}

/// How usage is cut into spans of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Span {
    All,
    Daily,
    Monthly,
    Yearly,
    Today,
    Yesterday,
    ThisMonth,
    LastMonth,
}

/// In which form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Suffix {
    None,
    Json,
    Xml,
    Csv,
    Wav,
    Mp3,
    Txt,
    /// Another one, known by name so that the error can say it.
    Other,
}

/// A path, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Path {
    /// The account in it, unless it is the list of accounts or the monitor's.
    pub(crate) account: Option<Sid>,
    pub(crate) place: Place,
    pub(crate) suffix: Suffix,
    /// As links repeat it: percent-encoded, with its suffix.
    pub(crate) link: String,
}

impl Place {
    /// The name of one resource here, and of a list's member.
    pub(crate) fn names(&self) -> (&'static str, &'static str) {
        match self {
            Place::Accounts | Place::Account => ("Account", "accounts"),
            Place::Balance => ("Balance", "balances"),
            Place::Calls | Place::Call(_) => ("Call", "calls"),
            Place::Recordings(_) | Place::Recording(..) | Place::CurrentRecording(_) => ("Recording", "recordings"),
            Place::RecordingLinks(_) => ("Link", "links"),
            Place::Transcriptions(_) | Place::Transcription(..) => ("Transcription", "transcriptions"),
            Place::Notifications(_) | Place::Notification(..) => ("Notification", "notifications"),
            Place::CallEvents(_) => ("Event", "events"),
            Place::Beside(Beside::Streams, ..) => ("Stream", "streams"),
            Place::Beside(Beside::Siprec, ..) => ("Siprec", "siprec"),
            Place::Beside(Beside::Transcriptions, ..) => ("Transcription", "transcriptions"),
            Place::Conferences | Place::Conference(_) => ("Conference", "conferences"),
            Place::Participants(_) | Place::Participant(..) => ("Participant", "participants"),
            Place::Queues | Place::Queue(_) => ("Queue", "queues"),
            Place::Members(_) | Place::Member(..) => ("QueueMember", "queue_members"),
            Place::Numbers | Place::Number(_) => ("IncomingPhoneNumber", "incoming_phone_numbers"),
            Place::Countries => ("Country", "countries"),
            Place::Available(..) => ("AvailablePhoneNumber", "available_phone_numbers"),
            Place::Applications | Place::Application(_) => ("Application", "applications"),
            Place::CallerIds | Place::CallerId(_) => ("OutgoingCallerId", "outgoing_caller_ids"),
            Place::Keys(false) | Place::Key(false, _) => ("Key", "keys"),
            Place::Keys(true) | Place::Key(true, _) => ("SigningKey", "signing_keys"),
            Place::Messages | Place::Message(_) => ("Message", "messages"),
            Place::Media(_) => ("Media", "media_list"),
            Place::Usage(_) => ("UsageRecord", "usage_records"),
            Place::Sip(member) => ("Resource", member),
            Place::Lines(_) => ("Line", "lines"),
            Place::Spans(_) => ("Span", "spans"),
            Place::EventStream => ("Event", "events"),
            Place::Alerts | Place::Alert(_) => ("Alert", "alerts"),
            Place::Events | Place::Event(_) => ("Event", "events"),
            Place::Nothing => ("Resource", "resources"),
        }
    }

    /// Methods that are known here.
    pub(crate) fn allow(&self, suffix: Suffix) -> &'static str {
        match self {
            Place::Recording(..) if matches!(suffix, Suffix::Wav | Suffix::Mp3) => "GET, HEAD",
            Place::Recording(Of::Account, _) => "GET, HEAD, DELETE",
            Place::Recording(..) => "GET, HEAD, POST, DELETE",
            Place::Accounts
            | Place::Account
            | Place::Calls
            | Place::Numbers
            | Place::Applications
            | Place::CallerIds
            | Place::Keys(_)
            | Place::Conferences
            | Place::Conference(_)
            | Place::Participants(_)
            | Place::Queues
            | Place::Member(..)
            | Place::Messages
            | Place::Sip(_)
            | Place::Lines(Some(_))
            | Place::Recordings(Of::Call(_) | Of::Conference(_))
            | Place::Transcriptions(Some(_)) => "GET, POST",
            Place::Call(_)
            | Place::Number(_)
            | Place::Application(_)
            | Place::CallerId(_)
            | Place::Key(..)
            | Place::Participant(..)
            | Place::Queue(_)
            | Place::Message(_) => "GET, POST, DELETE",
            Place::CurrentRecording(_) | Place::RecordingLinks(_) | Place::Beside(..) => "POST",
            Place::Transcription(..) => "GET, DELETE",
            _ => "GET",
        }
    }

    /// Whether a list of it can be had as `.csv`.
    pub(crate) fn has_csv(&self) -> bool {
        use Place::{Calls, Messages, Notifications, Recordings, Usage};
        matches!(self, Calls | Messages | Notifications(_) | Recordings(_) | Usage(_))
    }
}

/// Takes a path apart. What cannot be understood is [`Place::Nothing`].
pub(crate) fn parse(raw: &str) -> Path {
    understood(raw).unwrap_or(Path { account: None, place: Place::Nothing, suffix: Suffix::None, link: String::new() })
}

fn understood(raw: &str) -> Option<Path> {
    let raw = raw.strip_prefix("/.twilio.com").unwrap_or(raw);
    if let Some(below) = raw.strip_prefix("/v1/") {
        let segments = segments(below)?;
        let place = monitor(&segments.iter().map(String::as_str).collect::<Vec<_>>());
        return Some(Path { account: None, place, suffix: Suffix::None, link: link("/v1", &segments, "") });
    }
    let mut segments = segments(raw.strip_prefix(BASE)?.strip_prefix('/')?)?;
    let suffix = split_suffix(segments.last_mut()?);
    let end = match suffix {
        Suffix::Xml => ".xml",
        Suffix::Csv => ".csv",
        _ => ".json",
    };
    let link = link(BASE, &segments, end);
    match segments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["Accounts"] => Some(Path { account: None, place: Place::Accounts, suffix, link }),
        ["Accounts", account, rest @ ..] => {
            let account = sid(account, SidKind::Account)?;
            Some(Path { account: Some(account), place: place(rest), suffix, link })
        }
        _ => None,
    }
}

/// What is between the slashes, each decoded for itself: the name of a room may have a slash.
fn segments(path: &str) -> Option<Vec<String>> {
    path.trim_end_matches('/').split('/').map(|segment| decode(segment.replace('+', "%2B").as_bytes())).collect()
}

fn link(base: &str, segments: &[String], end: &str) -> String {
    let coded: String = segments.iter().map(|segment| format!("/{}", encode(segment))).collect();
    format!("{base}{coded}{end}")
}

/// The part of every path before `Accounts`.
const BASE: &str = "/2010-04-01";

fn monitor(segments: &[&str]) -> Place {
    let found = match segments {
        ["Alerts"] => Some(Place::Alerts),
        ["Alerts", one] => sid(one, SidKind::Notification).map(Place::Alert),
        ["Events"] => Some(Place::Events),
        ["Events", one] => sid(one, SidKind::Event).map(Place::Event),
        _ => None,
    };
    found.unwrap_or(Place::Nothing)
}

fn place(segments: &[&str]) -> Place {
    let found = match segments {
        [] => Some(Place::Account),
        ["Balance"] => Some(Place::Balance),
        ["Calls"] => Some(Place::Calls),
        ["Calls", call] => sid(call, SidKind::Call).map(Place::Call),
        ["Calls", call, rest @ ..] => sid(call, SidKind::Call).and_then(|call| below_call(call, rest)),
        ["Recordings"] => Some(Place::Recordings(Of::Account)),
        ["Recordings", one] => sid(one, SidKind::Recording).map(|one| Place::Recording(Of::Account, one)),
        ["Recordings", one, rest @ ..] => sid(one, SidKind::Recording).and_then(|one| below_recording(one, rest)),
        ["Transcriptions"] => Some(Place::Transcriptions(None)),
        ["Transcriptions", one] => sid(one, SidKind::Transcription).map(|one| Place::Transcription(None, one)),
        ["Notifications"] => Some(Place::Notifications(None)),
        ["Notifications", one] => sid(one, SidKind::Notification).map(|one| Place::Notification(None, one)),
        ["Conferences"] => Some(Place::Conferences),
        ["Conferences", room] => Some(Place::Conference((*room).to_string())),
        ["Conferences", room, rest @ ..] => below_conference(room, rest),
        ["Queues"] => Some(Place::Queues),
        ["Queues", queue] => sid(queue, SidKind::Queue).map(Place::Queue),
        ["Queues", queue, "Members"] => sid(queue, SidKind::Queue).map(Place::Members),
        ["Queues", queue, "Members", one] => {
            sid(queue, SidKind::Queue).map(|queue| Place::Member(queue, (*one).to_string()))
        }
        _ => below_tenant(segments),
    };
    found.unwrap_or(Place::Nothing)
}

/// What belongs to the account itself.
fn below_tenant(segments: &[&str]) -> Option<Place> {
    match segments {
        ["IncomingPhoneNumbers"] | ["IncomingPhoneNumbers", "Local" | "Mobile" | "TollFree"] => Some(Place::Numbers),
        ["IncomingPhoneNumbers", one] => sid(one, SidKind::Number).map(Place::Number),
        ["AvailablePhoneNumbers"] => Some(Place::Countries),
        ["AvailablePhoneNumbers", country, kind] => {
            let kind = match *kind {
                "Local" => Kind::Local,
                "Mobile" => Kind::Mobile,
                "TollFree" => Kind::TollFree,
                _ => return None,
            };
            Some(Place::Available((*country).to_string(), kind))
        }
        ["Applications"] => Some(Place::Applications),
        ["Applications", one] => sid(one, SidKind::Application).map(Place::Application),
        ["OutgoingCallerIds"] => Some(Place::CallerIds),
        ["OutgoingCallerIds", one] => sid(one, SidKind::Number).map(Place::CallerId),
        ["Keys"] => Some(Place::Keys(false)),
        ["SigningKeys"] => Some(Place::Keys(true)),
        ["Keys", one] => sid(one, SidKind::Key).map(|one| Place::Key(false, one)),
        ["SigningKeys", one] => sid(one, SidKind::Key).map(|one| Place::Key(true, one)),
        ["Messages"] | ["SMS", "Messages"] => Some(Place::Messages),
        ["Messages", one] | ["SMS", "Messages", one] => sid(one, SidKind::Message).map(Place::Message),
        ["Messages", one, "Media"] => sid(one, SidKind::Message).map(Place::Media),
        ["Usage", "Records"] => Some(Place::Usage(Span::All)),
        ["Usage", "Records", span] => span_named(span).map(Place::Usage),
        ["Lines"] => Some(Place::Lines(None)),
        ["Lines", one] => Some(Place::Lines(Some((*one).to_string()))),
        ["Spans"] => Some(Place::Spans(None)),
        ["Spans", one] => Some(Place::Spans(Some((*one).to_string()))),
        ["EventStream"] => Some(Place::EventStream),
        ["SIP", "Domains"] => Some(Place::Sip("domains")),
        ["SIP", "CredentialLists"] => Some(Place::Sip("credential_lists")),
        ["SIP", "IpAccessControlLists"] => Some(Place::Sip("ip_access_control_lists")),
        _ => None,
    }
}

fn span_named(name: &str) -> Option<Span> {
    Some(match name {
        "AllTime" => Span::All,
        "Daily" => Span::Daily,
        "Monthly" => Span::Monthly,
        "Yearly" => Span::Yearly,
        "Today" => Span::Today,
        "Yesterday" => Span::Yesterday,
        "ThisMonth" => Span::ThisMonth,
        "LastMonth" => Span::LastMonth,
        _ => return None,
    })
}

fn below_call(call: Sid, segments: &[&str]) -> Option<Place> {
    match segments {
        ["Notifications"] => Some(Place::Notifications(Some(call))),
        ["Notifications", one] => sid(one, SidKind::Notification).map(|one| Place::Notification(Some(call), one)),
        ["Events"] => Some(Place::CallEvents(call)),
        ["Streams"] => Some(Place::Beside(Beside::Streams, call, None)),
        ["Streams", one] => Some(Place::Beside(Beside::Streams, call, Some((*one).to_string()))),
        ["Siprec"] => Some(Place::Beside(Beside::Siprec, call, None)),
        ["Siprec", one] => Some(Place::Beside(Beside::Siprec, call, Some((*one).to_string()))),
        ["Transcriptions"] => Some(Place::Beside(Beside::Transcriptions, call, None)),
        ["Transcriptions", one] => Some(Place::Beside(Beside::Transcriptions, call, Some((*one).to_string()))),
        _ => recordings(Of::Call(call), segments),
    }
}

fn below_conference(room: &str, segments: &[&str]) -> Option<Place> {
    match segments {
        ["Participants"] => Some(Place::Participants(room.to_string())),
        ["Participants", one] => Some(Place::Participant(room.to_string(), (*one).to_string())),
        _ => recordings(Of::Conference(sid(room, SidKind::Conference)?), segments),
    }
}

fn recordings(of: Of, segments: &[&str]) -> Option<Place> {
    match segments {
        ["Recordings"] => Some(Place::Recordings(of)),
        ["Recordings", CURRENT] => Some(Place::CurrentRecording(of)),
        ["Recordings", one] => sid(one, SidKind::Recording).map(|one| Place::Recording(of, one)),
        _ => None,
    }
}

fn below_recording(recording: Sid, segments: &[&str]) -> Option<Place> {
    match segments {
        ["Links"] => Some(Place::RecordingLinks(recording)),
        ["Transcriptions"] => Some(Place::Transcriptions(Some(recording))),
        ["Transcriptions", one] => {
            sid(one, SidKind::Transcription).map(|one| Place::Transcription(Some(recording), one))
        }
        _ => None,
    }
}

/// The recording that is under way.
const CURRENT: &str = "Twilio.CURRENT";

/// Takes the suffix from the last name of a path.
fn split_suffix(last: &mut String) -> Suffix {
    let Some(dot) = last.rfind('.').filter(|_| last != CURRENT) else {
        return Suffix::None;
    };
    let suffix = match &last[dot..] {
        ".json" => Suffix::Json,
        ".xml" => Suffix::Xml,
        ".csv" => Suffix::Csv,
        ".wav" => Suffix::Wav,
        ".mp3" => Suffix::Mp3,
        ".txt" => Suffix::Txt,
        _ => Suffix::Other,
    };
    last.truncate(dot);
    suffix
}

fn sid(text: &str, kind: SidKind) -> Option<Sid> {
    text.parse().ok().filter(|sid: &Sid| sid.kind == kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    const AC: &str = "/2010-04-01/Accounts/AC00000000000000000000000000000001";
    const RE: &str = "RE00000000000000000000000000000002";

    #[test]
    fn a_path_names_its_resource_with_and_without_suffix() {
        let call = Sid::new(SidKind::Call, 3);
        let recording = sid(RE, SidKind::Recording).unwrap();
        for (path, place, suffix) in [
            (format!("{AC}.json"), Place::Account, Suffix::Json),
            (format!("{AC}/Calls"), Place::Calls, Suffix::None),
            (format!("{AC}/Calls.csv"), Place::Calls, Suffix::Csv),
            (format!("{AC}/Calls/{call}%2Ejson"), Place::Call(call), Suffix::Json),
            (format!("{AC}/Calls/{call}/Recordings.json"), Place::Recordings(Of::Call(call)), Suffix::Json),
            (
                format!("{AC}/Calls/{call}/Recordings/Twilio.CURRENT.json"),
                Place::CurrentRecording(Of::Call(call)),
                Suffix::Json,
            ),
            (
                format!("{AC}/Calls/{call}/Recordings/Twilio.CURRENT"),
                Place::CurrentRecording(Of::Call(call)),
                Suffix::None,
            ),
            (format!("{AC}/Recordings/{RE}.wav"), Place::Recording(Of::Account, recording), Suffix::Wav),
            (format!("{AC}/Recordings/{RE}.xml"), Place::Recording(Of::Account, recording), Suffix::Xml),
            (format!("{AC}/Recordings/{RE}.mp3"), Place::Recording(Of::Account, recording), Suffix::Mp3),
            (format!("{AC}/Recordings/{RE}.ogg"), Place::Recording(Of::Account, recording), Suffix::Other),
            (format!("{AC}/IncomingPhoneNumbers/Local.json"), Place::Numbers, Suffix::Json),
            (
                format!("{AC}/Conferences/My%20Room.b/Participants/an%20agent.json"),
                Place::Participant("My Room.b".into(), "an agent".into()),
                Suffix::Json,
            ),
            (format!("{AC}/Usage/Records/Daily.json"), Place::Usage(Span::Daily), Suffix::Json),
            (format!("/.twilio.com{AC}/Queues.json"), Place::Queues, Suffix::Json),
            (format!("{AC}/Calls/{RE}.json"), Place::Nothing, Suffix::Json),
            (format!("{AC}/Calls/../Calls.json"), Place::Nothing, Suffix::Json),
        ] {
            let found = parse(&path);
            assert_eq!((found.place, found.suffix), (place, suffix), "{path}");
            assert!(found.account.is_some());
        }
        assert_eq!(parse("/v1/Alerts").place, Place::Alerts);
    }

    #[test]
    fn what_cannot_be_understood_is_nothing() {
        for path in
            ["", "/", "/2010-04-01", "/2010-04-01/", "/2010-04-01/Accounts/x.json", "/2010-04-01/%ff", "/2010-04-01x"]
        {
            assert_eq!(parse(path).place, Place::Nothing, "{path}");
        }
        assert_eq!(parse(&format!("{AC}/Calls.json")).link, format!("{AC}/Calls.json"));
    }

    #[test]
    fn a_link_leads_back_to_where_it_came_from() {
        for room in ["a?b#c%", "a/b", "a b+c", "日本", "x&y=z"] {
            let path = parse(&format!("{AC}/Conferences/{}/Participants", encode(room)));
            assert_eq!(path.place, Place::Participants(room.into()));
            assert!(
                path.link.bytes().all(|octet| octet.is_ascii_graphic() && !b"?#&".contains(&octet)),
                "{}",
                path.link
            );
            assert_eq!(parse(&path.link).place, path.place, "{}", path.link);
        }
        assert_eq!(parse("/v1/Events").link, "/v1/Events");
    }
}
