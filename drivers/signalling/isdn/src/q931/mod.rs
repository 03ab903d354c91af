//! Q.931: basic call control over the D channel, user and network. Not here: supplementary services (Facility is
//! passed over), packet mode, call suspension, hold, broadcast set-up, segmentation. Each of them is refused with
//! the message or cause the standard has for it, and counted.
//!
//! Source: ITU-T Q.931 (05/98), Q.850 (causes).

mod call;
mod channels;
pub mod codec;
mod commands;
pub mod describe;
pub mod ie;
mod incoming;
pub mod layer;
pub mod message;
mod received;
mod restart;
mod status;
mod timers;

pub use call::MAX_CALLS;
pub use layer::{Counters, Layer};
