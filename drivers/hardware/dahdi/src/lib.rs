//! DAHDI cards as [`tipring_card::Card`]: the kernel's channels, their events, and its clock. It knows no signalling. It
//! takes spans and channels as it finds them, brings up those that it is told to ([`setup`]), and refuses those that are
//! not what the configuration says. Which card a span is of it reads in sysfs ([`known`]).
//!
//! What a DAHDI device does to its user, and where it is handled:
//! - errno 500 from read and write means "fetch the events first" ([`channel`]);
//! - EINPROGRESS from a hook action is success ([`channel`]);
//! - a close resets everything, so every open sets everything up again ([`channel`]);
//! - one opener a channel; a channel is bound to its descriptor for life ([`card`]);
//! - channel numbers 250 and 253 to 255 alias special nodes, so channels are opened by number on the generic node
//!   ([`card`]);
//! - an underrun sends the law's zero: 0xD5 in A-law, in µ-law 0x7F (the other zero, not 0xFF);
//! - requests of the same number differ by their argument's size only ([`raw`]).
//!
//! Source: `include/dahdi/user.h` of DAHDI-Linux for numbers and layouts, its kernel part for the behaviour.
#![deny(unsafe_code)]

mod bring_up;
mod card;
mod channel;
mod clock;
mod decode;
mod fault;
mod known;
#[allow(unsafe_code)]
mod raw;
mod setup;

pub use card::{Config, DahdiCard, Echo, Expect, Refusal};
pub use channel::{DahdiChannel, DahdiControl};
pub use clock::DahdiPace;
pub use fault::OpenError;
pub use known::Identity;
pub use setup::{Coding, Framing, Line, Place, SpanSetup};
