//! The records that outlive a call: accounts, numbers, calls, recordings, notifications. Plain values, written by the
//! router, kept by the store, shown by the API. No SQL, no HTTP, no JSON shape of the API here.

mod code;
mod record;
mod sid;

pub use code::{Code, Level};
pub use record::{
    Account, AccountStatus, Call, CallStatus, Direction, Method, Notification, Number, NumberOrigin, Record, Recording,
    RecordingStatus, Stamp,
};
pub use sid::{Sid, SidKind};
