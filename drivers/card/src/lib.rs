//! The words that everybody shares: time, channels, laws, events, alarms, causes, and the two traits that a card
//! driver implements. It is not a driver, knows no signalling and no operating system.
//!
//! A card is shown **raw**: samples as G.711 octets, ABCD bits, HDLC frames with their FCS octets, hook states and
//! events, alarms. Whoever wants calls puts a signalling machine on top. What a real card does to its user (events
//! that block audio, a close that forgets everything, a first frame that is lost) is part of the trait's contract and
//! is proven for every driver by [`contract`].
#![no_std]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod channel;
#[cfg(feature = "contract")]
pub mod contract;
mod counters;
mod line;
mod time;

pub use channel::{Card, CardError, Channel, ClockDomain, Control, Pace, Progress, Setup};
pub use line::{
    Alarms, Cause, ChannelId, ChannelInfo, Event, Hook, Law, Maintenance, Signalling, SpanErrors, SpanId, SpanInfo,
    SpanKind, SpanStatus, Supervision, Use,
};
pub use time::Micros;

/// Samples (and, in G.711, octets) in one block of the audio path: 10 ms at 8 kHz.
pub const BLOCK: usize = 80;

/// One block of one channel's audio as G.711 octets in the channel's law.
pub type Block = [u8; BLOCK];

/// Length of a block in microseconds.
pub const BLOCK_US: u64 = 10_000;

/// Blocks that a writer queues before the first read, so that read can pace write ever after.
pub const PREFILL: usize = 2;
