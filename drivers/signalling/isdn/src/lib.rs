//! ISDN primary rate signalling: Q.921 (the data link of a D channel) and Q.931 (basic call control) in both roles,
//! as user (a PBX) and as network (an exchange). It knows no card, no clock, no thread: frames without their FCS
//! octets and moments go in, frames, events and a deadline come out.
//!
//! Start with [`Trunk`]: one D channel with all its calls. `codec` modules turn octets into values and back and
//! decide nothing; `layer` modules decide and never touch an octet. Nothing here allocates, nothing here panics on
//! what the line brings; every table has a named bound and every refusal a counter.
//!
//! Source: ITU-T Q.921 (09/97), Q.931 (05/98), Q.850; ETS 300 402 and EN 300 403-1 for EuroISDN.
#![no_std]

#[cfg(test)]
extern crate std;

mod config;
pub mod q921;
pub mod q931;
mod trunk;
mod words;

pub use config::{ChannelMap, Config, Role, Timers};
pub use q921::FrameBuf;
pub use q931::describe::describe;
pub use trunk::{Counters, Input, Output, Trunk};
pub use words::{
    Bearer, By, CallId, Calling, ChannelState, Command, Digits, Event, Fault, IncomingCall, Npi, Number, Presentation,
    Redirecting, Screening, SetupRequest, Text, Ton,
};
