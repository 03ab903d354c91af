//! Analogue loop signalling, both ends. [`Fxo`] is the machine of our end of a line towards an exchange: ring in, answer,
//! dial out, hang up, and every sign that the far end has gone. [`fxs::Fxs`] is that of a port for a telephone. [`Handset`]
//! is ear and mouth of either on the audio side: it turns blocks into what was heard, and digits and tones into blocks.
//! [`CallerIdTone`] tells a telephone who calls. None of them knows a card, a thread or a clock.
#![no_std]

#[cfg(test)]
extern crate std;

pub mod callerid;
mod fxo;
pub mod fxs;
mod handset;
mod teller;
mod words;

pub use fxo::{Counters, Fxo, Record};
pub use handset::Handset;
pub use teller::{CallerIdTone, Codes, Manner};
pub use tipring_dsp::ZoneId;
pub use words::*;
