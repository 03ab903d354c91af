//! The router's only way in and out: events that happened, effects to be carried out. All plain data; whoever carries
//! them out (the conductor) owns every socket, file, process and clock.

use tipring_card::{Cause, Law, Micros, Supervision};
use tipring_numbering::TypeOfNumber;
use tipring_resources::{Account, CallerId, Code, Message, MessageStatus, Method, Number, Queue, Record, Sid};
use tipring_switch::{Port, TapId};

use crate::config::Reconfiguration;
use crate::requests::{Reply, Request};

use crate::beside::{Listen, ListenHeard, MessageIn, StreamEvent, StreamOrder};
pub use tipring_instructions::{CallEvents, MachineDetection, MachineMode, RecordingEvents, Track};
pub use tipring_switch::{Command as SwitchCommand, Event as SwitchEvent, PlayId, ZoneId};

/// Names one [`Effect::Http`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HttpId(pub u64);
/// Names one [`Effect::Media`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MediaId(pub u64);
/// Names one [`Effect::Write`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WriteId(pub u64);
/// Names one [`Event::Request`]; chosen by the asker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);
/// Names one [`LineCommand::Dial`] until its line is seized or refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttemptId(pub u64);

/// Names one [`Effect::Listen`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListenId(pub u64);
/// Names one [`Effect::OpenStream`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub u64);

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// On a line.
    Line(LineEvent),
    /// In the switch ([`SwitchEvent::Audio`] and [`SwitchEvent::Room`] never come here).
    Switch(SwitchEvent),
    /// An HTTP effect ended.
    Http {
        /// Which.
        id: HttpId,
        /// How.
        answer: HttpAnswer,
    },
    /// A media effect failed, wholly or in the middle. Its playing, if it began, ends with [`SwitchEvent::Played`].
    MediaFailed {
        /// Which.
        id: MediaId,
        /// Error code, e.g. 13420.
        code: Code,
        /// In words.
        text: String,
    },
    /// A medium is heard, and something is to be known of it.
    MediaNoted {
        /// Which.
        id: MediaId,
        /// In words.
        text: String,
    },
    /// The disk takes no more of a recording that is being made; what it took before is kept. Told once.
    RecordingBroken {
        /// Which recording.
        sid: Sid,
        /// Why.
        text: String,
    },
    /// A recording's file is closed, whole and safe on the disk.
    RecordingClosed {
        /// Which recording.
        sid: Sid,
        /// Length of the sound after trimming; `None`: it could not be written, `text` says why.
        duration_ms: Option<u32>,
        /// Why it could not be written.
        text: String,
    },
    /// A recognizer heard something, or has ended.
    Heard {
        /// Which.
        id: ListenId,
        /// What.
        heard: ListenHeard,
    },
    /// It is known who answered. An [`Effect::Classify`] ends with it, unless its tap ends before.
    Classified {
        /// On which tap.
        tap: TapId,
        /// One word: `human`, `machine_start`, `machine_end_beep`, `machine_end_silence`, `machine_end_other`, `fax`,
        /// `unknown`.
        verdict: String,
        /// How long it took from the answer on.
        after_ms: u32,
    },
    /// An [`Effect::Transcribe`] ended.
    Transcribed {
        /// Which transcription.
        sid: Sid,
        /// The text, or why there is none.
        result: Result<String, (Code, String)>,
    },
    /// Something happened to a stream.
    Stream {
        /// Which.
        id: StreamId,
        /// What.
        event: StreamEvent,
    },
    /// An [`Effect::SendMessage`] ended, or the gateway told more of it later.
    MessageSent {
        /// Which message.
        sid: Sid,
        /// How far it is.
        status: MessageStatus,
        /// Why it failed.
        fault: Option<(Code, String)>,
    },
    /// A message came in.
    MessageIn(Box<MessageIn>),
    /// A write is committed (or was refused, with the reason).
    Written {
        /// Which.
        id: WriteId,
        /// How it ended.
        result: Result<(), String>,
    },
    /// The API wants something of a live call.
    Request {
        /// The asker's name for it: the reply carries it.
        id: RequestId,
        /// What.
        request: Request,
    },
    /// Accounts and numbers as the router is to know them from now on.
    Directory(DirectoryChange),
    /// Another configuration, effective with the next use of each part.
    Configure(Box<Reconfiguration>),
    /// No new calls from now on.
    Drain,
    /// The time for calls is nearly up: who has been answered hears this text, in place of everything else, and is hung up
    /// after it; other calls are ended at once.
    Notice(String),
    /// The time for calls is up: those that are left are ended.
    EndAll,
    /// Nothing but that the deadline has come.
    Timer,
}

/// A change of what the router knows of tenants.
#[derive(Clone, Debug, PartialEq)]
pub enum DirectoryChange {
    /// New or changed.
    Account(Account),
    /// New or changed; effective with the next call.
    Number(Number),
    /// Deleted.
    NumberGone(Sid),
    /// A queue that the store has: told at the start.
    Queue(Queue),
    /// A number that an account may show from now on.
    CallerId(CallerId),
    /// It may not any more.
    CallerIdGone(Sid),
}

/// A number as it came over a line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineNumber {
    /// Digits as they came.
    pub digits: String,
    /// Type of number.
    pub ton: TypeOfNumber,
    /// The caller does not want it shown.
    pub restricted: bool,
}

/// A call to be made on a line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outgoing {
    /// The group of lines; empty: the default one.
    pub group: String,
    /// E.164 with plus, or digits to be dialled as they are. The line writes it in its own form.
    pub to: String,
    /// The number to show, E.164 or as the network knows it; an analogue line shows its own, whatever is asked.
    pub from: String,
    /// It is not to be shown to the called party.
    pub restricted: bool,
    /// The name to show, where the line can.
    pub name: String,
    /// The type of number that an ISDN line is told; `None`: as its plan says.
    pub ton: Option<TypeOfNumber>,
    /// Help is called: a line is found, if need be at another call's expense.
    pub emergency: bool,
}

/// What kind of line a call is on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LineKind {
    /// Every step is told by the network.
    #[default]
    Isdn,
    /// A loop: no refusal, no called number, answer and end are partly guessed.
    Analog,
    /// A port of ours with a telephone: it calls whatever is dialled on it, in the name of the port.
    Telephone,
}

/// What happens on lines. `lease` is the port too: one use of one channel.
#[derive(Clone, Debug, PartialEq)]
pub enum LineEvent {
    /// A call comes in, complete with its number. The line has told the network that it proceeds.
    Incoming {
        /// One use of a channel, valid until [`LineEvent::Cleared`].
        lease: Port,
        /// For people and records: `card span/timeslot`, e.g. `sim 1/7`.
        line: String,
        /// Law of the channel.
        law: Law,
        /// What kind of line.
        kind: LineKind,
        /// Called; empty on an analogue line, whose number is the line's.
        called: LineNumber,
        /// Calling, if the network gave it.
        calling: Option<LineNumber>,
        /// The caller's name, if the network gave it.
        caller_name: Option<String>,
        /// The redirecting number, if the network gave it.
        redirecting: Option<LineNumber>,
    },
    /// A line was found for [`LineCommand::Dial`]; the attempt is on its way.
    Seized {
        /// Which attempt.
        attempt: AttemptId,
        /// One use of a channel, valid until [`LineEvent::Cleared`].
        lease: Port,
        /// For people and records.
        line: String,
        /// Law of the channel.
        law: Law,
        /// What kind of line.
        kind: LineKind,
    },
    /// No line was found for [`LineCommand::Dial`].
    NoLine {
        /// Which attempt.
        attempt: AttemptId,
        /// Why, e.g. 34: all lines are in use.
        cause: Cause,
        /// A line of the group will be free again: worth another try at [`LineEvent::LineFree`].
        may_wait: bool,
        /// In words.
        text: String,
    },
    /// The attempt has moved to another line before anything was heard of it: the first one was taken by an incoming
    /// call, or refused by the network. The old lease is void.
    Moved {
        /// The old lease.
        from: Port,
        /// The new one.
        lease: Port,
        /// For people and records.
        line: String,
        /// Law of the channel.
        law: Law,
        /// What kind of line.
        kind: LineKind,
    },
    /// The called party rings.
    Ringing {
        /// Which.
        lease: Port,
    },
    /// What the far end sends before the answer can be heard: the port is attached to the switch.
    EarlyMedia {
        /// Which.
        lease: Port,
    },
    /// A line is free again: who waits for one may try.
    LineFree,
    /// Answered, by us or by the called party, and audio flows: the port is attached to the switch.
    Answered {
        /// Which.
        lease: Port,
        /// What told us; of a call that we answered it is always [`Supervision::Connect`].
        by: Supervision,
    },
    /// Something of the line's own that belongs into the call's timeline: what it hears, and what it takes it for.
    Told {
        /// Which.
        lease: Port,
        /// In words.
        text: String,
    },
    /// What told the line that the far end has gone, or that the called party cannot be had; [`LineEvent::Cleared`]
    /// follows at once.
    EndedBy {
        /// Which.
        lease: Port,
        /// In a word, such as `busy-tone`.
        sign: &'static str,
    },
    /// The call is over and the channel no longer ours; the lease is void. Also sent after our own clear.
    Cleared {
        /// Which.
        lease: Port,
        /// Why.
        cause: Cause,
        /// The far end or the network began it; else we, or the line died.
        by_far_end: bool,
    },
}

/// What the router tells lines. A stale lease is dropped and counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LineCommand {
    /// Call out: ends with [`LineEvent::Seized`] or [`LineEvent::NoLine`]. Cleared before that by clearing the lease
    /// that comes.
    Dial {
        /// Its name.
        attempt: AttemptId,
        /// What to call.
        call: Box<Outgoing>,
    },
    /// Tell the network that it rings.
    Alert {
        /// Which.
        lease: Port,
    },
    /// Answer.
    Answer {
        /// Which.
        lease: Port,
    },
    /// Whether a line that can only guess may take silence of both sides for the end of the call: not while nobody is
    /// expected to speak. It may, until it is told otherwise.
    SilenceCounts {
        /// Which.
        lease: Port,
        /// Whether it may.
        counts: bool,
    },
    /// Clear with this cause, answered or not.
    Clear {
        /// Which.
        lease: Port,
        /// Why.
        cause: Cause,
    },
    /// Whether messages wait for the user of a telephone: its lamp, and dial tone that stutters.
    MessagesWait {
        /// Its port: `dahdi 4/1`.
        line: String,
        /// Whether they do.
        waiting: bool,
    },
    /// Lift a telephone that the box itself plays, or put it down.
    Lift {
        /// Its line: `sound door`.
        line: String,
        /// Whether it is to be off hook.
        lifted: bool,
    },
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Ask an application server. Ends with [`Event::Http`], unless cancelled.
    Http {
        /// Its name.
        id: HttpId,
        /// What to ask.
        request: HttpRequest,
    },
    /// Give up an HTTP effect: its answer no longer interests.
    CancelHttp {
        /// Which.
        id: HttpId,
    },
    /// Fetch audio through the media face and feed it to a port: [`SwitchCommand::Play`], `Feed`…, `FeedEnd`.
    Media {
        /// Its name.
        id: MediaId,
        /// Who hears it, or which voice of the box says it.
        port: Port,
        /// Under which playing.
        play: PlayId,
        /// Law of the port.
        law: Law,
        /// Whose cache.
        account: Sid,
        /// What.
        source: MediaSource,
    },
    /// Stop fetching and feeding (the router stops the playing itself).
    CancelMedia {
        /// Which.
        id: MediaId,
    },
    /// For the switch.
    Switch(SwitchCommand),
    /// For lines.
    Line(LineCommand),
    /// Open a recording's file: audio of `tap` goes into it from now on.
    OpenRecording {
        /// The recording, and its file's name.
        sid: Sid,
        /// Which tap.
        tap: TapId,
        /// Law of its octets.
        law: Law,
        /// A second tap: the file has two channels, this is the right one.
        second: Option<(TapId, Law)>,
    },
    /// Close it (after [`SwitchEvent::TapEnded`]): ends with [`Event::RecordingClosed`].
    CloseRecording {
        /// The recording.
        sid: Sid,
        /// Cut silence at both ends.
        trim: bool,
        /// Leave out this much at the very end (the sound of the key that ended it).
        drop_tail_ms: u32,
        /// Throw the sound away: it was silent.
        discard: bool,
    },
    /// Leave out what comes from now on, or go on.
    PauseRecording {
        /// The recording.
        sid: Sid,
        /// Leave it out.
        paused: bool,
        /// Put silence in its place; else the recording becomes shorter.
        silence: bool,
    },
    /// Let a recognizer hear a tap from now on; ends with the last [`Event::Heard`].
    Listen {
        /// Its name.
        id: ListenId,
        /// What is to be understood.
        tap: TapId,
        /// How.
        listen: Box<Listen>,
    },
    /// The tap of a recognizer has ended: its final word is waited for. `dropped`: it is not, and nothing more is told.
    EndListen {
        /// Which.
        id: ListenId,
        /// Its word does not interest.
        dropped: bool,
    },
    /// Find out from a tap who has answered, from now on.
    Classify {
        /// What the called party says.
        tap: TapId,
        /// Law of its octets.
        law: Law,
        /// How.
        how: MachineDetection,
    },
    /// Write down what a recording has. Ends with [`Event::Transcribed`].
    Transcribe {
        /// The transcription.
        sid: Sid,
        /// Of which recording.
        recording: Sid,
        /// Whose.
        account: Sid,
        /// Language tag; empty: default.
        language: String,
    },
    /// Open a WebSocket and send what taps hear; ends with [`StreamEvent::Stopped`] or [`StreamEvent::Failed`].
    OpenStream {
        /// Its name.
        id: StreamId,
        /// What.
        stream: Box<StreamOrder>,
    },
    /// Tell a stream's server that a key was pressed.
    StreamKey {
        /// Which.
        id: StreamId,
        /// ASCII.
        key: u8,
    },
    /// Tell a stream's server that it is over, and close.
    CloseStream {
        /// Which.
        id: StreamId,
    },
    /// Hand a message to the gateway. Ends with [`Event::MessageSent`].
    SendMessage(Box<Message>),
    /// Keep a record. Ends with [`Event::Written`]. Writes are carried out in order.
    Write {
        /// Its name.
        id: WriteId,
        /// What.
        record: Box<Record>,
    },
    /// The answer to a [`Event::Request`].
    Reply {
        /// The asker's name for it.
        id: RequestId,
        /// The answer.
        reply: Reply,
    },
    /// Forget a call's cookies: it is over.
    ForgetSession {
        /// Which call.
        session: Sid,
    },
    /// A line of the timeline.
    Trace(Trace),
}

/// A sound to be made.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum MediaSource {
    /// The box's own music for those who wait.
    Music,
    /// An absolute URL.
    Url(String),
    /// Text to be spoken.
    Speech {
        /// At most 4096 characters.
        text: String,
        /// The same with speech markup, for engines that understand it.
        markup: Option<String>,
        /// As the document names it; empty: default.
        voice: String,
        /// Language tag; empty: default.
        language: String,
    },
}

/// What is asked of an application server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpRequest {
    /// Cookie jar and log: the call.
    pub session: Sid,
    /// Whose key signs it.
    pub account: Sid,
    /// GET or POST.
    pub method: Method,
    /// Absolute; may hold credentials and `#ct=…` overrides.
    pub url: String,
    /// In the order in which they are sent.
    pub params: Vec<(String, String)>,
    /// What for.
    pub purpose: Purpose,
    /// The same over all tries of one request.
    pub idempotency: String,
}

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// The answer is a document to be carried out.
    Document,
    /// A notice; the answer is ignored.
    Callback,
}

/// How an HTTP effect ended.
#[derive(Clone, Debug, PartialEq)]
pub enum HttpAnswer {
    /// A 2xx answer, whole and within bounds.
    Document {
        /// Where it came from at last, credentials removed: base of relative URLs.
        url: String,
        /// As the server said it.
        content_type: Option<String>,
        /// At most 64 KiB; an audio answer's body may be cut or empty: it is played by its URL.
        body: Vec<u8>,
        /// For the notification and the timeline.
        exchange: Exchange,
    },
    /// Anything else.
    Failed {
        /// 11200 and its kin.
        code: Code,
        /// In words, with remedy.
        text: String,
        /// For the notification and the timeline.
        exchange: Exchange,
    },
}

/// What went over the wire, for people. Credentials are removed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Exchange {
    /// How.
    pub method: Method,
    /// Where, at last.
    pub url: String,
    /// Form-encoded.
    pub request_variables: String,
    /// If there was an answer.
    pub status: Option<u16>,
    /// `name: value` lines.
    pub response_headers: String,
    /// Cut at 64 KiB, not UTF-8 replaced.
    pub response_body: String,
    /// Redirects followed.
    pub redirects: u8,
    /// From the first try to the end.
    pub duration_ms: u32,
    /// How a document that was kept from an earlier request came in; `None`: nothing kept took part.
    pub cached: Option<Cached>,
}

/// How a kept document came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cached {
    /// It is fresh: its application was not asked.
    Hit,
    /// Its application was asked whether it has changed, and it has not.
    Revalidated,
    /// It is stale; its application failed, and allows that for such a time.
    Stale,
}

impl Cached {
    /// As it stands in the header `x-tipring-cached` of a call's event.
    pub const fn as_str(self) -> &'static str {
        match self {
            Cached::Hit => "hit",
            Cached::Revalidated => "revalidated",
            Cached::Stale => "stale",
        }
    }

    /// In words, for the timeline.
    pub const fn told(self) -> &'static str {
        match self {
            Cached::Hit => "kept, the application was not asked",
            Cached::Revalidated => "kept, the application says that it is unchanged",
            Cached::Stale => "kept and stale, the application failed",
        }
    }
}

/// One line of a call's timeline.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// When.
    pub at: Micros,
    /// Of which call.
    pub call: Option<Sid>,
    /// What kind of thing.
    pub kind: TraceKind,
    /// In words, one line.
    pub text: String,
}

/// What kind of thing a timeline shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TraceKind {
    /// Signalling.
    Line,
    /// A request or its answer.
    Http,
    /// A verb begins or ends.
    Verb,
    /// A key.
    Key,
    /// A sound.
    Media,
    /// A recording.
    File,
    /// An error or warning with its code.
    Fault,
    /// What the owner should know of the cost of calls.
    Guard,
}

impl TraceKind {
    /// One word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            TraceKind::Line => "line",
            TraceKind::Http => "http",
            TraceKind::Verb => "verb",
            TraceKind::Key => "key",
            TraceKind::Media => "media",
            TraceKind::File => "file",
            TraceKind::Fault => "fault",
            TraceKind::Guard => "guard",
        }
    }
}
