//! Simulated telephone lines: two cards joined by a wire, and at its far end an exchange with telephones. The near card
//! does to its user what a DAHDI card does; the contract suite of `tipring-card` proves it. Nothing here touches a
//! device, and on virtual time nothing asks for the time: the same seed gives the same world, octet by octet.
//!
//! `wire` is the middle of everything, `line` what it is made of. `card` is what a user opens, `port` one end of a
//! channel, `audio` and `frames` its queues, `looped` an analogue line, `lossy` what its sound suffers, `faults` what goes wrong, `wall` the host's
//! clock, `exchange` the far end of the digital spans, `office` that of the analogue lines, `phone` and `script` their
//! telephones, `tones` what they play, `emergency` the numbers that only a simulation may dial.

mod audio;
mod card;
mod dial;
mod emergency;
mod exchange;
mod faults;
mod frames;
mod line;
mod looped;
mod lossy;
mod office;
mod phone;
mod port;
pub mod script;
mod seed;
mod telephone;
mod tones;
mod wall;
mod wire;

pub use audio::BUFFERS;
pub use card::{SimCard, SimChannel, SimPace};
pub use emergency::{EmergencyNumber, MAX_EMERGENCY_DIGITS};
pub use exchange::{
    Call, CallReport, Dialled, Exchange, ExchangeConfig, MAX_FINISHED, MAX_FINISHED_OCTETS, MAX_TRACE, MAX_WAITING,
    Reply, RingError, Subscriber, TraceLine,
};
pub use faults::{Faults, FirstFrame, Planned, Trouble};
pub use frames::{FRAME_BUFFERS, FRAME_OCTETS, fcs};
pub use lossy::{Echo, LineFault, MAX_ECHO_MS};
pub use office::{CallerIdForm, Clearing, DialTone, Office, OfficeConfig};
pub use phone::{MAX_HEARD, MAX_KEYS, Phone, StepEnd, StepReport};
pub use port::EVENTS_KEPT;
pub use script::Step;
pub use seed::Seed;
pub use telephone::Telephone;
pub use tones::OfficeTone;
pub use wall::WallClock;
pub use wire::{D_TIMESLOT, E1_TIMESLOTS, MAX_ANALOG_PORTS, MAX_SPANS, Side, Wire, WireConfig, WireCounters};
