//! The board controller: a small chip on the appliance's board, behind a serial line, that has the LEDs, the failover
//! relays, a sensor or two, buttons, and a watchdog that the audio path feeds. Here is its protocol: [`codec`] frames on
//! octets, [`words`] what they say, [`Host`] the machine of our end, [`Firmware`] that of the chip's end, [`leds`] what
//! is shown for which state. It opens no port, keeps no clock and allocates nothing; a chip without an allocator can run
//! it as it is.
//!
//! Source: `docs/hardware/controller-protocol.md`, which is ours; a test takes the examples out of it.
#![no_std]

#[cfg(test)]
extern crate std;

pub mod codec;
#[cfg(test)]
mod document;
pub mod firmware;
pub mod host;
pub mod leds;
mod time;
pub mod words;

pub use firmware::Firmware;
pub use host::Host;
pub use time::Millis;
