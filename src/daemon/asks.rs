//! What a program of a scenario asks of the API beside calls and their documents: rooms, queues, recordings, streams,
//! messages. As the file names it, and as the router is asked.

use serde::Deserialize;
use tipring_resources::{Method, Sid};
use tipring_router::{
    Announce, CallRecord, Gathering, Instructions, NewMessage, NewParticipant, ParticipantChange, RecordingChange,
    RecordingEvents, Request, SeatWish, StreamWish, Track, Track3, TranscriptionWish,
};

use super::programs::instructions;

/// `[[ask]]`: one of its kinds, at a moment.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ask {
    /// When, as for `[[call]]`.
    pub at_ms: u64,
    /// The error code that the API answers with; 0: it is done.
    pub refused: u32,
    /// Brings calls together in a room.
    pub join: Option<Join>,
    /// Calls somebody into a room.
    pub add: Option<Add>,
    /// Changes how somebody is in a room.
    pub participant: Option<Participant>,
    /// Takes somebody out of a room.
    pub remove: Option<Remove>,
    /// Ends a room, or announces something there.
    pub room: Option<Room>,
    /// Everybody in a call hears this.
    pub notice: Option<Notice>,
    /// Makes a queue.
    pub queue: Option<NewQueue>,
    /// Takes somebody out of a queue.
    pub member: Option<Member>,
    /// Records a call.
    pub record: Option<Record>,
    /// Changes its recording.
    pub recording: Option<Recording>,
    /// Begins a stream.
    pub stream: Option<Stream>,
    /// Ends it.
    pub stop_stream: Option<Stop>,
    /// Begins to write a call down.
    pub transcribe: Option<Transcribe>,
    /// Ends that.
    pub stop_transcription: Option<Stop>,
    /// Sends a message.
    pub message: Option<Message>,
}

/// How somebody is to be in a room.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Join {
    /// Its name.
    pub room: String,
    /// Ids of `[[call]]` or `[[dial]]`; `>id` is the leg that it dialled.
    pub calls: Vec<String>,
    /// Are not heard.
    pub muted: bool,
    /// `true`, `false`, `onEnter`, `onExit`.
    pub beep: Option<String>,
    /// The room starts with them.
    pub start_on_enter: Option<bool>,
    /// The room ends with them.
    pub end_on_exit: bool,
    /// Heard before the room starts; empty: silence.
    pub wait_url: Option<String>,
    /// Told of the room's events.
    pub callback: String,
    /// Of which.
    pub events: Vec<String>,
}

/// Somebody is called into a room.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Add {
    /// Its name.
    pub room: String,
    /// Whom.
    pub to: String,
    /// The number shown; the scenario's own when empty.
    pub from: String,
    /// Another name for it in the room.
    pub label: String,
    /// Is not heard.
    pub muted: bool,
}

/// A change of a participant.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Participant {
    /// Name of the room.
    pub room: String,
    /// Whom.
    pub of: String,
    /// Is not heard.
    pub muted: Option<bool>,
    /// Hears the hold sound.
    pub hold: Option<bool>,
    /// What that is.
    pub hold_url: Option<String>,
    /// This one alone hears this.
    pub announce: Option<String>,
    /// The room ends with this one.
    pub end_on_exit: Option<bool>,
    /// Is heard by one other alone.
    pub coaching: Option<bool>,
    /// By whom.
    pub coached: Option<String>,
    /// Goes to another room.
    pub move_to: Option<String>,
}

/// Somebody goes out of a room.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Remove {
    /// Its name.
    pub room: String,
    /// Who.
    pub of: String,
}

/// A change of a room.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Room {
    /// Its name.
    pub room: String,
    /// It is over.
    pub end: bool,
    /// Everybody there hears this.
    pub announce: Option<String>,
}

/// Something to be heard in a call.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Notice {
    /// Which call.
    pub of: String,
    /// What.
    pub url: String,
}

/// A queue.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewQueue {
    /// Its name.
    pub name: String,
    /// How many may wait.
    #[serde(default = "hundred")]
    pub max_size: u32,
}

fn hundred() -> u32 {
    100
}

/// Who waits goes on with a document.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Member {
    /// Name of the queue.
    pub queue: String,
    /// Who; left out: who waits longest.
    pub of: Option<String>,
    /// This one…
    pub url: String,
    /// …or this.
    pub twiml: String,
}

/// A recording.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Record {
    /// Of which call.
    pub of: String,
    /// Each side in a channel of its own.
    pub dual: bool,
    /// `inbound`, `outbound`; both when left out.
    pub track: String,
    /// Cut silence at both ends.
    pub trim: bool,
    /// Told of it.
    pub callback: String,
}

/// A change of a recording.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recording {
    /// Of which call.
    pub of: String,
    /// What.
    pub change: Change,
}

/// What becomes of a recording.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// Leave out what comes.
    Pause,
    /// Put silence in its place.
    Silence,
    /// Go on.
    Resume,
    /// It ends.
    Stop,
}

/// A stream.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Stream {
    /// Of which call.
    pub of: String,
    /// Where.
    pub url: String,
    /// Its name.
    pub name: String,
    /// `inbound`, `outbound`, `both`; inbound when left out.
    pub track: String,
    /// Told of it.
    pub callback: String,
}

/// The end of what runs beside a call.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Stop {
    /// Of which call.
    pub of: String,
    /// Its name.
    pub name: String,
}

/// A call is written down.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Transcribe {
    /// Which call.
    pub of: String,
    /// Its name.
    pub name: String,
    /// `inbound`, `outbound`, `both`; both when left out.
    pub track: String,
    /// Told what is said.
    pub callback: String,
    /// What is understood before the end of a sentence is told too.
    pub partial: bool,
}

/// A message.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Message {
    /// To whom.
    pub to: String,
    /// From which number.
    pub from: String,
    /// What it says.
    pub body: String,
    /// Told what becomes of it.
    pub callback: String,
}

/// Whom a name in the file means at this moment; an error names it.
type Known<'a> = &'a dyn Fn(&str) -> Result<Sid, String>;

impl Ask {
    /// How many kinds it has: one is right.
    pub fn kinds(&self) -> usize {
        let people = [self.join.is_some(), self.add.is_some(), self.participant.is_some(), self.remove.is_some()];
        let rooms = [self.room.is_some(), self.notice.is_some(), self.queue.is_some(), self.member.is_some()];
        let sound =
            [self.record.is_some(), self.recording.is_some(), self.stream.is_some(), self.stop_stream.is_some()];
        let words = [self.transcribe.is_some(), self.stop_transcription.is_some(), self.message.is_some()];
        [&people[..], &rooms, &sound, &words].concat().into_iter().filter(|given| *given).count()
    }

    /// Every URL in it.
    pub fn urls(&self) -> Vec<&str> {
        let mut urls = Vec::new();
        if let Some(it) = &self.join {
            urls.extend([it.callback.as_str()].into_iter().chain(it.wait_url.as_deref()));
        }
        if let Some(it) = &self.participant {
            urls.extend(it.hold_url.as_deref().into_iter().chain(it.announce.as_deref()));
        }
        urls.extend(self.room.as_ref().and_then(|it| it.announce.as_deref()));
        urls.extend(self.notice.as_ref().map(|it| it.url.as_str()));
        urls.extend(self.member.iter().flat_map(|it| [it.url.as_str(), it.twiml.as_str()]));
        urls.extend(self.record.as_ref().map(|it| it.callback.as_str()));
        urls.extend(self.stream.as_ref().map(|it| it.callback.as_str()));
        urls.extend(self.transcribe.as_ref().map(|it| it.callback.as_str()));
        urls.extend(self.message.as_ref().map(|it| it.callback.as_str()));
        urls
    }

    /// What the router is asked; `new_call` makes one to a number that shows another.
    pub(super) fn request(
        &self,
        account: Sid,
        known: Known<'_>,
        new_call: impl Fn(&str, &str) -> tipring_router::NewCall,
    ) -> Result<Request, String> {
        if let Some(request) = self.in_rooms(account, known, new_call)? {
            return Ok(request);
        }
        if let Some(request) = self.beside(account, known)? {
            return Ok(request);
        }
        Err("an ask has one of its kinds".into())
    }

    fn in_rooms(
        &self,
        account: Sid,
        known: Known<'_>,
        new_call: impl Fn(&str, &str) -> tipring_router::NewCall,
    ) -> Result<Option<Request>, String> {
        let request = if let Some(it) = &self.join {
            let calls = it.calls.iter().map(|id| known(id)).collect::<Result<_, _>>()?;
            Request::Gather(Box::new(Gathering { account, conference: it.room.clone(), calls, seat: it.seat() }))
        } else if let Some(it) = &self.add {
            let (label, muted) = (it.label.clone(), it.muted);
            let seat = SeatWish { label, muted, ..SeatWish::default() };
            let call = new_call(&it.to, &it.from);
            Request::CreateParticipant(Box::new(NewParticipant { call, conference: it.room.clone(), seat }))
        } else if let Some(it) = &self.participant {
            Request::ChangeParticipant(Box::new(it.change(account, known)?))
        } else if let Some(it) = &self.remove {
            let call = known(&it.of)?.to_string();
            Request::RemoveParticipant { account, conference: it.room.clone(), call }
        } else if let Some(it) = &self.room {
            let announce = it.announce.as_deref().map(sound);
            Request::ChangeConference { account, conference: it.room.clone(), end: it.end, announce }
        } else if let Some(it) = &self.queue {
            Request::CreateQueue { account, name: it.name.clone(), max_size: it.max_size }
        } else if let Some(it) = &self.member {
            let call = it.of.as_deref().map(known).transpose()?;
            let instructions = instructions(&it.url, &it.twiml);
            Request::MoveMember { account, queue: it.queue.clone(), call, instructions }
        } else {
            return Ok(None);
        };
        Ok(Some(request))
    }

    fn beside(&self, account: Sid, known: Known<'_>) -> Result<Option<Request>, String> {
        let request = if let Some(it) = &self.notice {
            Request::Notice { account, call: known(&it.of)?, announce: sound(&it.url) }
        } else if let Some(it) = &self.record {
            Request::StartRecording { account, of: known(&it.of)?, record: it.wanted() }
        } else if let Some(it) = &self.recording {
            let change = match it.change {
                Change::Pause => RecordingChange::Pause { silence: false },
                Change::Silence => RecordingChange::Pause { silence: true },
                Change::Resume => RecordingChange::Resume,
                Change::Stop => RecordingChange::Stop,
            };
            Request::ChangeRecording { account, of: Some(known(&it.of)?), recording: None, change }
        } else if let Some(it) = &self.stream {
            Request::StartStream { account, call: known(&it.of)?, wish: Box::new(it.wish()) }
        } else if let Some(it) = &self.stop_stream {
            Request::StopStream { account, call: known(&it.of)?, stream: it.name.clone() }
        } else if let Some(it) = &self.transcribe {
            Request::StartTranscription { account, call: known(&it.of)?, wish: Box::new(it.wish()) }
        } else if let Some(it) = &self.stop_transcription {
            Request::StopTranscription { account, call: known(&it.of)?, transcription: it.name.clone() }
        } else if let Some(it) = &self.message {
            let (to, from) = (it.to.clone(), it.from.clone());
            let (body, callback) = (it.body.clone(), it.callback.clone());
            Request::SendMessage(Box::new(NewMessage { account, to, from, body, callback }))
        } else {
            return Ok(None);
        };
        Ok(Some(request))
    }
}

impl Join {
    fn seat(&self) -> SeatWish {
        SeatWish {
            muted: self.muted,
            beep: self.beep.clone().unwrap_or_default(),
            start_on_enter: self.start_on_enter,
            end_on_exit: self.end_on_exit,
            wait_url: self.wait_url.clone(),
            callback: self.callback.clone(),
            callback_events: self.events.clone(),
            ..SeatWish::default()
        }
    }
}

impl Participant {
    fn change(&self, account: Sid, known: Known<'_>) -> Result<ParticipantChange, String> {
        Ok(ParticipantChange {
            account: Some(account),
            conference: self.room.clone(),
            call: known(&self.of)?.to_string(),
            muted: self.muted,
            hold: self.hold,
            hold_document: self.hold_url.clone().map(|url| (url, Method::Post)),
            announce: self.announce.as_deref().map(sound),
            end_on_exit: self.end_on_exit,
            coaching: self.coaching,
            coached: self.coached.as_deref().map(known).transpose()?,
            move_to: self.move_to.clone(),
            ..ParticipantChange::default()
        })
    }
}

impl Record {
    fn wanted(&self) -> CallRecord {
        CallRecord {
            dual: self.dual,
            track: match self.track.as_str() {
                "inbound" => Track::Inbound,
                "outbound" => Track::Outbound,
                _ => Track::Both,
            },
            trim: self.trim,
            callback: self.callback.clone(),
            callback_method: Method::Post,
            events: RecordingEvents { in_progress: true, completed: true, absent: true },
        }
    }
}

impl Stream {
    fn wish(&self) -> StreamWish {
        StreamWish {
            url: self.url.clone(),
            name: self.name.clone(),
            track: track(&self.track, Track3::Inbound),
            callback: self.callback.clone(),
            callback_method: Method::Post,
            parameters: Vec::new(),
        }
    }
}

impl Transcribe {
    fn wish(&self) -> TranscriptionWish {
        TranscriptionWish {
            name: self.name.clone(),
            track: track(&self.track, Track3::Both),
            callback: self.callback.clone(),
            callback_method: Method::Post,
            language: String::new(),
            partial: self.partial,
            hints: Vec::new(),
            inbound_label: String::new(),
            outbound_label: String::new(),
        }
    }
}

fn track(word: &str, otherwise: Track3) -> Track3 {
    match word {
        "inbound" => Track3::Inbound,
        "outbound" => Track3::Outbound,
        "both" => Track3::Both,
        _ => otherwise,
    }
}

fn sound(url: &str) -> Announce {
    Announce { url: url.to_owned(), method: Method::Get }
}

/// What a call into a room does: the router does not look at it.
pub(super) fn nothing() -> Instructions {
    Instructions::Document("<Response/>".into())
}
