//! The records themselves. Dates are [`Stamp`]s; a field that is not true yet is `None`, never a zero date.

use serde::{Deserialize, Serialize};

use crate::{CallEvent, CallerId, Code, Conference, Level, Member, Message, Participant, Queue, Sid, Transcription};

/// Microseconds since 1970-01-01 UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Stamp(pub i64);

impl Stamp {
    /// Whole seconds since 1970.
    pub const fn unix_s(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }
}

/// GET or POST, as an application server is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// Parameters in the query.
    Get,
    /// Parameters in a form body.
    #[default]
    Post,
}

impl Method {
    /// As on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
        }
    }
}

/// Whether an account may do anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccountStatus {
    /// Yes.
    #[default]
    Active,
    /// Not for now.
    Suspended,
    /// Never again.
    Closed,
}

/// A tenant of the box.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// `AC…`
    pub sid: Sid,
    /// For people.
    pub friendly_name: String,
    /// Active, suspended, closed.
    pub status: AccountStatus,
    /// Password of the API and key of the signatures.
    pub token: String,
    /// Made.
    pub created: Stamp,
    /// Changed.
    pub updated: Stamp,
    /// The account that made this one: its credentials work here too.
    #[serde(default)]
    pub parent: Option<Sid>,
    /// Whom to ask about it, for people.
    #[serde(default)]
    pub contact: String,
    /// For numbers that have no application of their own.
    #[serde(default)]
    pub voice: VoiceSettings,
    /// Recordings can be had at their URI without credentials: the SID is not to be guessed.
    #[serde(default)]
    pub public_media: bool,
}

/// The application that answers when nothing nearer names one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct VoiceSettings {
    /// Asked when a call comes in; empty: none.
    pub url: String,
    /// How it is asked.
    pub method: Method,
    /// Asked when that fails.
    pub fallback_url: String,
    /// How that is asked.
    pub fallback_method: Method,
    /// Told of the call's end.
    pub status_callback: String,
    /// How it is told.
    pub status_callback_method: Method,
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account").field("sid", &self.sid).field("status", &self.status).finish_non_exhaustive()
    }
}

/// Where a number was set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NumberOrigin {
    /// By the API: the API may change it.
    #[default]
    Api,
    /// In a configuration file: read-only in the API.
    File {
        /// Which file.
        file: String,
        /// Where in it.
        line: u32,
    },
}

/// An inbound address and the application that answers it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Number {
    /// `PN…`
    pub sid: Sid,
    /// Whose.
    pub account: Sid,
    /// E.164, or the digits as the line gives them (a DDI such as `100`), or the name of an analogue port.
    pub phone_number: String,
    /// For people.
    pub friendly_name: String,
    /// Asked when a call comes in; empty: the built-in message answers.
    pub voice_url: String,
    /// How it is asked.
    pub voice_method: Method,
    /// Asked when that fails; several, separated by blanks, are tried in turn.
    pub voice_fallback_url: String,
    /// How those are asked.
    pub voice_fallback_method: Method,
    /// Told of the call's end.
    pub status_callback: String,
    /// How it is told.
    pub status_callback_method: Method,
    /// An unknown verb or attribute is an error (true) or passed over with a notification (false).
    pub strict_documents: bool,
    /// Where it was set.
    pub origin: NumberOrigin,
    /// Made.
    pub created: Stamp,
    /// Changed.
    pub updated: Stamp,
    /// The application whose settings stand in place of the voice URLs.
    #[serde(default)]
    pub voice_application: Option<Sid>,
    /// Asked when a message comes in; empty: nobody.
    #[serde(default)]
    pub sms_url: String,
    /// How it is asked.
    #[serde(default)]
    pub sms_method: Method,
    /// Asked when that fails.
    #[serde(default)]
    pub sms_fallback_url: String,
    /// How that is asked.
    #[serde(default)]
    pub sms_fallback_method: Method,
    /// The application whose settings stand in place of the message URLs.
    #[serde(default)]
    pub sms_application: Option<Sid>,
}

/// Who began a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// A line rang.
    Inbound,
    /// The API.
    OutboundApi,
    /// A Dial verb.
    OutboundDial,
}

impl Direction {
    /// As on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Direction::Inbound => "inbound",
            Direction::OutboundApi => "outbound-api",
            Direction::OutboundDial => "outbound-dial",
        }
    }
}

/// Where a call is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CallStatus {
    /// Waits for a line.
    Queued,
    /// Alerting.
    Ringing,
    /// Answered.
    InProgress,
    /// Was answered, is over.
    Completed,
    /// The far end was busy (or we refused as busy).
    Busy,
    /// Could not be made, or broke before its end could be told.
    Failed,
    /// Nobody answered.
    NoAnswer,
    /// Taken back before the answer.
    Canceled,
}

impl CallStatus {
    /// All of them.
    pub const ALL: [CallStatus; 8] = [
        CallStatus::Queued,
        CallStatus::Ringing,
        CallStatus::InProgress,
        CallStatus::Completed,
        CallStatus::Busy,
        CallStatus::Failed,
        CallStatus::NoAnswer,
        CallStatus::Canceled,
    ];

    /// As on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            CallStatus::Queued => "queued",
            CallStatus::Ringing => "ringing",
            CallStatus::InProgress => "in-progress",
            CallStatus::Completed => "completed",
            CallStatus::Busy => "busy",
            CallStatus::Failed => "failed",
            CallStatus::NoAnswer => "no-answer",
            CallStatus::Canceled => "canceled",
        }
    }

    /// From the wire.
    pub fn from_wire(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// Whether nothing comes after it.
    pub const fn is_final(self) -> bool {
        !matches!(self, CallStatus::Queued | CallStatus::Ringing | CallStatus::InProgress)
    }
}

/// One leg.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// `CA…`
    pub sid: Sid,
    /// Whose.
    pub account: Sid,
    /// The leg that made this one.
    pub parent: Option<Sid>,
    /// The number that was called, if it is one of ours.
    pub number: Option<Sid>,
    /// Called.
    pub to: String,
    /// Caller; `anonymous` when withheld.
    pub from: String,
    /// The called digits as the line gave them.
    pub to_raw: String,
    /// The calling digits as the line gave them.
    pub from_raw: String,
    /// The caller's name as the line gave it.
    pub caller_name: Option<String>,
    /// The number that redirected the call to us.
    pub forwarded_from: Option<String>,
    /// Who began it.
    pub direction: Direction,
    /// Where it is.
    pub status: CallStatus,
    /// Made.
    pub created: Stamp,
    /// Changed.
    pub updated: Stamp,
    /// The attempt began.
    pub started: Option<Stamp>,
    /// Answered.
    pub answered: Option<Stamp>,
    /// Over.
    pub ended: Option<Stamp>,
    /// Q.850 cause of the end.
    pub cause: Option<u8>,
    /// The line: card, span and timeslot, e.g. `sim 1/7`; empty while none is found.
    pub line: String,
    /// What told us that the called party has answered: a word of `Supervision`. Of outgoing calls only.
    #[serde(default)]
    pub supervision: Option<String>,
    /// What told the line that the far end had gone, in a word such as `busy-tone`. Of analogue lines only.
    #[serde(default)]
    pub hangup_evidence: Option<String>,
    /// How long it waited for a line.
    #[serde(default)]
    pub queued_ms: u32,
    /// What answered, where that was listened for: `human`, `machine_start`, `machine_end_beep`, `unknown`….
    #[serde(default)]
    pub answered_by: Option<String>,
    /// The group of lines that it was made on or came in by; empty: the default one, or unknown.
    #[serde(default)]
    pub group: String,
}

impl Call {
    /// Seconds from answer to end, rounded up to a whole second as peers bill it; `None` before the end.
    pub fn duration_s(&self) -> Option<i64> {
        let ended = self.ended?;
        let length_us = self.answered.map_or(0, |answered| ended.0.saturating_sub(answered.0).max(0));
        Some((length_us + 999_999) / 1_000_000)
    }
}

/// Where a recording is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecordingStatus {
    /// Being made.
    InProgress,
    /// Being made, but nothing is written at the moment.
    Paused,
    /// Ended; the sound is being closed.
    Stopped,
    /// Whole, its sound can be had.
    Completed,
    /// There is no sound: too short, silent or broken.
    Absent,
    /// The sound was deleted.
    Deleted,
}

impl RecordingStatus {
    /// All of them.
    pub const ALL: [RecordingStatus; 6] = [
        RecordingStatus::InProgress,
        RecordingStatus::Paused,
        RecordingStatus::Stopped,
        RecordingStatus::Completed,
        RecordingStatus::Absent,
        RecordingStatus::Deleted,
    ];

    /// As on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            RecordingStatus::InProgress => "in-progress",
            RecordingStatus::Paused => "paused",
            RecordingStatus::Stopped => "stopped",
            RecordingStatus::Completed => "completed",
            RecordingStatus::Absent => "absent",
            RecordingStatus::Deleted => "deleted",
        }
    }

    /// From the wire.
    pub fn from_wire(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// Whether it is still being made.
    pub const fn is_live(self) -> bool {
        matches!(self, RecordingStatus::InProgress | RecordingStatus::Paused | RecordingStatus::Stopped)
    }
}

/// The sound of a call, or of a part of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recording {
    /// `RE…`; also the name of its blob.
    pub sid: Sid,
    /// Whose.
    pub account: Sid,
    /// Of which call.
    pub call: Sid,
    /// Where it is.
    pub status: RecordingStatus,
    /// 1 or 2.
    pub channels: u8,
    /// What made it, e.g. `RecordVerb`.
    pub source: String,
    /// Length; `None` until it is known.
    pub duration_ms: Option<u32>,
    /// Why it is absent.
    pub error_code: Option<u32>,
    /// Recording began.
    pub started: Stamp,
    /// Made.
    pub created: Stamp,
    /// Changed.
    pub updated: Stamp,
    /// Of which room, if it is a room's.
    #[serde(default)]
    pub conference: Option<Sid>,
    /// Whose voice: `both`, `inbound` or `outbound`; empty: as the channels say.
    #[serde(default)]
    pub track: String,
}

impl Recording {
    /// Length in whole seconds as peers show it: rounded, but what has a length has a second; `None` until it is known.
    pub fn duration_s(&self) -> Option<u32> {
        self.duration_ms.map(|ms| if ms == 0 { 0 } else { (ms.saturating_add(500) / 1000).max(1) })
    }
}

/// An error or warning with what was asked and answered: the developer's debugger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    /// `NO…`
    pub sid: Sid,
    /// Whose.
    pub account: Sid,
    /// During which call.
    pub call: Option<Sid>,
    /// Error or warning.
    pub level: Level,
    /// What.
    pub code: Code,
    /// In words, with place and remedy.
    pub text: String,
    /// When.
    pub at: Stamp,
    /// What was asked.
    pub request_url: String,
    /// How.
    pub request_method: Option<Method>,
    /// With which parameters, form-encoded.
    pub request_variables: String,
    /// What came back.
    pub response_headers: String,
    /// What came back, cut at 64 KiB.
    pub response_body: String,
}

/// A record to be put in the store: inserted, or replaced by its SID (or by the SIDs that name it together).
// Most records are calls, and effects box them all.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Record {
    /// A call.
    Call(Call),
    /// A recording.
    Recording(Recording),
    /// A notification.
    Notification(Notification),
    /// A conference room.
    Conference(Conference),
    /// A call in a room.
    Participant(Participant),
    /// It has left the room.
    ParticipantGone {
        /// The room.
        conference: Sid,
        /// The call.
        call: Sid,
    },
    /// A queue.
    Queue(Queue),
    /// It was deleted.
    QueueGone(Sid),
    /// A call that waits in a queue.
    Member(Member),
    /// It waits there no more.
    MemberGone {
        /// The queue.
        queue: Sid,
        /// The call.
        call: Sid,
    },
    /// The text of a recording.
    Transcription(Transcription),
    /// A text message.
    Message(Message),
    /// What was asked of an application during a call, and what it answered.
    CallEvent(CallEvent),
    /// A caller id that was verified by a call.
    CallerId(CallerId),
}
