//! What the API asks of the router, and what it answers: plain data. All that has a form is checked already; whether it
//! can be done is the router's to say.

use tipring_card::Micros;
use tipring_resources::{Call, Code, Conference, Member, Message, Method, Participant, Queue, Recording, Sid};

use crate::beside::{StreamWish, TranscriptionWish};
use crate::effects::{CallEvents, MachineDetection, RecordingEvents, Track};

/// What the API may ask of the router.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// Call somebody.
    CreateCall(Box<NewCall>),
    /// Another document for a live call, in the middle of whatever it does; other fields change what is asked later.
    ChangeCall(Box<CallChange>),
    /// Tell the telephone at a port of the box that messages wait for its user, or wait no more.
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
    /// End a call: `Status=completed` or `Status=canceled`.
    EndCall {
        /// Of this account.
        account: Sid,
        /// Which.
        call: Sid,
        /// `canceled`: only while it is not answered.
        only_unanswered: bool,
    },
    /// Call somebody into a room; the room is made if there is none of that name.
    CreateParticipant(Box<NewParticipant>),
    /// Bring live calls into a room, each out of whatever it does; the room is made if there is none of that name.
    Gather(Box<Gathering>),
    /// Change how somebody is in a room.
    ChangeParticipant(Box<ParticipantChange>),
    /// Take somebody out of a room.
    RemoveParticipant {
        /// Whose.
        account: Sid,
        /// SID or name of a live room.
        conference: String,
        /// SID or label.
        call: String,
    },
    /// End a room, or announce something there.
    ChangeConference {
        /// Whose.
        account: Sid,
        /// SID or name of a live room.
        conference: String,
        /// It is over for everybody.
        end: bool,
        /// Everybody hears this.
        announce: Option<Announce>,
    },
    /// Everybody in a call hears this: its caller, and whom he is connected with. The connection stays.
    Notice {
        /// Whose.
        account: Sid,
        /// Which call.
        call: Sid,
        /// What.
        announce: Announce,
    },
    /// A queue.
    CreateQueue {
        /// Whose.
        account: Sid,
        /// Unique in its account.
        name: String,
        /// How many may wait.
        max_size: u32,
    },
    /// Another name or size for a queue.
    ChangeQueue {
        /// Whose.
        account: Sid,
        /// Which.
        queue: Sid,
        /// The new name.
        name: Option<String>,
        /// The new size.
        max_size: Option<u32>,
    },
    /// Delete a queue in which nobody waits.
    DeleteQueue {
        /// Whose.
        account: Sid,
        /// Which.
        queue: Sid,
    },
    /// Take somebody out of a queue: he goes on with this.
    MoveMember {
        /// Whose.
        account: Sid,
        /// SID or name.
        queue: String,
        /// `None`: who waits longest.
        call: Option<Sid>,
        /// What he does then.
        instructions: Instructions,
    },
    /// Record a live call, or a live room.
    StartRecording {
        /// Whose.
        account: Sid,
        /// The call, or the room.
        of: Sid,
        /// How.
        record: CallRecord,
    },
    /// Change a recording that is being made.
    ChangeRecording {
        /// Whose.
        account: Sid,
        /// Of this call or room.
        of: Option<Sid>,
        /// `None`: the one that is being made.
        recording: Option<Sid>,
        /// What.
        change: RecordingChange,
    },
    /// Begin a stream of a live call.
    StartStream {
        /// Whose.
        account: Sid,
        /// Which call.
        call: Sid,
        /// What.
        wish: Box<StreamWish>,
    },
    /// End a stream.
    StopStream {
        /// Whose.
        account: Sid,
        /// Of which call.
        call: Sid,
        /// SID or name.
        stream: String,
    },
    /// Begin to write down a live call.
    StartTranscription {
        /// Whose.
        account: Sid,
        /// Which call.
        call: Sid,
        /// How.
        wish: Box<TranscriptionWish>,
    },
    /// End that.
    StopTranscription {
        /// Whose.
        account: Sid,
        /// Of which call.
        call: Sid,
        /// SID or name.
        transcription: String,
    },
    /// Write down a recording that is complete.
    Transcribe {
        /// Which.
        recording: Box<Recording>,
        /// Language tag; empty: default.
        language: String,
        /// Told the text; empty: nobody.
        callback: String,
        /// How.
        callback_method: Method,
    },
    /// Send a message.
    SendMessage(Box<NewMessage>),
    /// Prove by a call that a number may be shown: the called party enters the code.
    VerifyCallerId(Box<Verification>),
}

/// A call to be made: what the API has read, unchecked but for its form.
#[derive(Clone, Debug, PartialEq)]
pub struct NewCall {
    /// Whose.
    pub account: Sid,
    /// Whom: as the asker wrote it.
    pub to: String,
    /// The number to show: as the asker wrote it.
    pub from: String,
    /// The group of lines; empty: the default route.
    pub group: String,
    /// What happens once it is answered.
    pub instructions: Instructions,
    /// Asked when the instructions fail; may be several, divided by blanks.
    pub fallback_url: String,
    /// How.
    pub fallback_method: Method,
    /// Told of the call's progress.
    pub callback: Option<CallCallback>,
    /// How long it may ring.
    pub timeout_s: u32,
    /// How long it may last, from the answer on.
    pub time_limit_s: u32,
    /// Keys that are sent after the answer; `w` half a second, `W` a second.
    pub send_digits: String,
    /// Record it from the answer on.
    pub record: Option<CallRecord>,
    /// Find out whether a machine answers.
    pub machine: Option<MachineWish>,
}

/// Whether a machine answers, and who is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachineWish {
    /// How it is found out.
    pub how: MachineDetection,
    /// The call goes on meanwhile, and the callback is told.
    pub beside: bool,
    /// Absolute; empty: nobody.
    pub callback: String,
    /// How.
    pub callback_method: Method,
}

/// What a call does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Instructions {
    /// Ask there.
    Url {
        /// Absolute.
        url: String,
        /// How.
        method: Method,
    },
    /// Carry this document out; it has no URL, so its references must be absolute.
    Document(String),
    /// Ask for this code, and let the account show the number if it is keyed.
    Proof {
        /// The digits.
        code: String,
    },
}

/// Who is told of a call's progress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallCallback {
    /// Absolute.
    pub url: String,
    /// How.
    pub method: Method,
    /// Of what.
    pub events: CallEvents,
}

/// How a call of the API is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallRecord {
    /// Each side in a channel of its own.
    pub dual: bool,
    /// Whose voice.
    pub track: Track,
    /// Cut silence at both ends.
    pub trim: bool,
    /// Told of the recording; empty: nobody.
    pub callback: String,
    /// How.
    pub callback_method: Method,
    /// Of what.
    pub events: RecordingEvents,
}

/// A change of a live call. What is `None` stays.
#[derive(Clone, Debug, PartialEq)]
pub struct CallChange {
    /// Whose.
    pub account: Sid,
    /// Which.
    pub call: Sid,
    /// Goes on with this at once.
    pub instructions: Option<Instructions>,
    /// The fallback from now on.
    pub fallback: Option<(String, Method)>,
    /// Who is told of progress from now on.
    pub callback: Option<CallCallback>,
    /// How long the call may last, from the answer on.
    pub time_limit_s: Option<u32>,
}

/// The router's answer to a [`Request`].
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// Done; the call as it is now.
    Call(Box<Call>),
    /// Done; the room as it is now.
    Conference(Box<Conference>),
    /// Done; the participant as it is now.
    Participant(Box<Participant>),
    /// Done; the participants as they are now.
    Participants(Box<Conference>, Vec<Participant>),
    /// Done; the queue as it is now, and who waits there.
    Queue(Box<Queue>, Vec<Member>),
    /// Done; the member as it was, with its place from 1.
    Member(Box<Member>, u32),
    /// Done; the recording as it is now.
    Recording(Box<Recording>),
    /// Done; what runs beside the call.
    Beside {
        /// `MZ…` or `GT…`
        sid: Sid,
        /// Its name; empty: none.
        name: String,
        /// Whether it still runs.
        running: bool,
    },
    /// Done; the text is being made.
    Transcription(Box<tipring_resources::Transcription>),
    /// Done; the message as it is now.
    Message(Box<Message>),
    /// Done; nothing is left of it to show.
    Done,
    /// Not done: no such live call (the asker looks in the store whether it ended: 21220, or never was: 20404).
    NotLive,
    /// Not done.
    Refused {
        /// The error code.
        code: Code,
        /// In words, with remedy.
        text: String,
        /// In how many whole seconds the same may be asked again; `None`: that is not known.
        again_s: Option<u64>,
    },
}

/// Why something is not done.
#[derive(Clone, Debug)]
pub(crate) struct No {
    /// The error code.
    pub(crate) code: u32,
    /// In words, with remedy; empty: those of the code.
    pub(crate) text: String,
    /// When the same may be asked again.
    pub(crate) opens_in: Option<Micros>,
}

impl From<(u32, String)> for No {
    fn from((code, text): (u32, String)) -> No {
        No { code, text, opens_in: None }
    }
}

impl From<No> for Reply {
    fn from(no: No) -> Reply {
        match Reply::refused(no.code, no.text) {
            // Not a moment too early.
            Reply::Refused { code, text, .. } => {
                Reply::Refused { code, text, again_s: no.opens_in.map(|wait| wait.0.div_ceil(1_000_000).max(1)) }
            }
            other => other,
        }
    }
}

impl Reply {
    /// It is not done, and why; without words those of the code.
    pub(crate) fn refused(code: u32, text: impl Into<String>) -> Reply {
        let (code, text) = (Code(code), text.into());
        let text = if text.is_empty() { format!("{}: {}", code.meaning(), code.remedy()) } else { text };
        Reply::Refused { code, text, again_s: None }
    }
}

/// Something to be heard: a document, or a sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announce {
    /// Absolute.
    pub url: String,
    /// How it is asked.
    pub method: Method,
}

/// How somebody is to be in a room. What is `None` is as the dialect has it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SeatWish {
    /// Another name for it in the room; empty: none.
    pub label: String,
    /// Is not heard.
    pub muted: bool,
    /// `true`, `false`, `onEnter` or `onExit`; empty: `true`.
    pub beep: String,
    /// The room starts when this one comes.
    pub start_on_enter: Option<bool>,
    /// The room ends when this one leaves.
    pub end_on_exit: bool,
    /// Heard while the room has not started; `None`: music; empty: silence.
    pub wait_url: Option<String>,
    /// How that is asked.
    pub wait_method: Method,
    /// Who may be there at most.
    pub max_participants: Option<u32>,
    /// Heard by this one alone.
    pub coached: Option<Sid>,
    /// The room is recorded from its start.
    pub record: bool,
    /// Cut silence at both ends of that.
    pub trim: bool,
    /// Told of the room's events; empty: nobody.
    pub callback: String,
    /// How.
    pub callback_method: Method,
    /// Of what: words of the dialect.
    pub callback_events: Vec<String>,
    /// Told of the room's recording; empty: nobody.
    pub recording_callback: String,
    /// How.
    pub recording_callback_method: Method,
    /// Of what.
    pub recording_events: Option<RecordingEvents>,
}

/// Somebody to be called into a room.
#[derive(Clone, Debug, PartialEq)]
pub struct NewParticipant {
    /// The call; its instructions are not looked at.
    pub call: NewCall,
    /// Name of a room, or SID of a live one.
    pub conference: String,
    /// How it is to be there.
    pub seat: SeatWish,
}

/// Live calls to be brought together.
#[derive(Clone, Debug, PartialEq)]
pub struct Gathering {
    /// Whose.
    pub account: Sid,
    /// Name of a room, or SID of a live one.
    pub conference: String,
    /// Which calls, in this order.
    pub calls: Vec<Sid>,
    /// How they are to be there.
    pub seat: SeatWish,
}

/// A change of how somebody is in a room. What is `None` stays.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ParticipantChange {
    /// Whose.
    pub account: Option<Sid>,
    /// SID or name of a live room.
    pub conference: String,
    /// SID or label.
    pub call: String,
    /// Is not heard.
    pub muted: Option<bool>,
    /// Hears the hold sound and is not heard.
    pub hold: Option<bool>,
    /// What the hold sound is; empty: silence.
    pub hold_document: Option<(String, Method)>,
    /// This one alone hears this.
    pub announce: Option<Announce>,
    /// What is heard while the room has not started.
    pub wait_document: Option<(String, Method)>,
    /// Those inside hear a beep when this one leaves.
    pub beep_on_exit: Option<bool>,
    /// The room ends when this one leaves.
    pub end_on_exit: Option<bool>,
    /// Is heard by one other alone.
    pub coaching: Option<bool>,
    /// By whom.
    pub coached: Option<Sid>,
    /// Goes to another room at once: a name, or the SID of a live one.
    pub move_to: Option<String>,
}

/// What is to become of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordingChange {
    /// Leave out what comes.
    Pause {
        /// Put silence in its place.
        silence: bool,
    },
    /// Go on.
    Resume,
    /// It ends.
    Stop,
}

/// A message to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMessage {
    /// Whose.
    pub account: Sid,
    /// To whom: as the asker wrote it.
    pub to: String,
    /// From which number: as the asker wrote it.
    pub from: String,
    /// What it says.
    pub body: String,
    /// Told what becomes of it; empty: nobody.
    pub callback: String,
}

/// A number that is to be proved by a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verification {
    /// Whose.
    pub account: Sid,
    /// E.164, or the digits as the line knows them.
    pub phone_number: String,
    /// For people.
    pub friendly_name: String,
    /// How long the call waits before it goes out.
    pub call_delay_s: u32,
    /// Keys that are sent after the answer; empty: none.
    pub extension: String,
    /// The six digits that are to be keyed.
    pub code: String,
    /// Told how it ended; empty: nobody.
    pub callback: String,
    /// How.
    pub method: Method,
}
