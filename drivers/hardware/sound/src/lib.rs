//! Sound devices as [`tipring_card::Card`]: each is a port with a telephone on it, and the driver plays the telephone. It
//! rings, is lifted and put down like one, so that whoever drives ports drives it. It knows no exchange and no call.
//!
//! - [`Device`] and [`found`]: which device is meant, by names that stay; through sysfs ([`names`]).
//! - `set`: the telephone that is played, as one word of state ([`Use`]).
//! - `sound`, `pcm`: a device's thread, which is its clock domain; opening, reading, writing, and what can go wrong.
//! - `voice`: what goes into the loudspeaker besides the call: ring and chime.
//! - `channel`, `card`: the two traits. Between a channel and its device's thread lie two bounded queues; the one who takes
//!   from a queue has an elastic buffer behind it.
//! - `key`: the key of a device, through evdev.
//!
//! Source: the ALSA library's documentation of PCM (states, xruns, suspend), the kernel's `input.rst` for keys.

mod card;
mod channel;
mod key;
pub mod names;
mod pcm;
mod set;
mod shared;
mod sound;
mod voice;

pub use card::{DeviceFigures, Figures, MOST_DEVICES, SoundCard, SoundConfig};
pub use channel::{SoundChannel, SoundControl};
pub use names::{Device, Found, NameFault, found};
pub use set::Use;
pub use shared::{Counters, FEWEST_DELAY_MS, MOST_DELAY_MS};
