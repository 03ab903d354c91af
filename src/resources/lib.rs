//! The records that outlive a call: accounts and what they have, calls, rooms, queues, recordings, texts, notifications.
//! Plain values, written by the router, kept by the store, shown by the API. No SQL, no HTTP, no JSON shape of the API here.

mod code;
mod record;
mod room;
mod sid;
mod table;
mod tenant;
mod text;

pub use code::{Code, Level};
pub use record::{
    Account, AccountStatus, Call, CallStatus, Direction, Method, Notification, Number, NumberOrigin, Record, Recording,
    RecordingStatus, Stamp, VoiceSettings,
};
pub use room::{Conference, ConferenceStatus, Member, Participant, ParticipantStatus, Queue};
pub use sid::{Sid, SidKind};
pub use tenant::{Application, AuditEvent, CallerId, Key, Scope};
pub use text::{CallEvent, Message, MessageDirection, MessageStatus, Transcription, TranscriptionStatus};
