//! The board controller on a serial port of this box: a thread that runs the host's machine on it, opens it again when it
//! goes, and never has anybody wait. It decides nothing about relays and LEDs; what they are to be stands on a [`Desk`]
//! that the service writes on and the thread reads.
//!
//! With the feature `fake` there is a board controller that is not there, on a pseudo-terminal.

mod desk;
#[cfg(feature = "fake")]
pub mod fake;
mod port;
mod runner;

pub use desk::{Desk, Shown};
pub use port::{BAUD, PortError};
pub use runner::{Serial, Setup};
pub use tipring_controller as controller;
