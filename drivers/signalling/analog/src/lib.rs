//! Analogue loop signalling: our end of a line towards an exchange (FXO). [`Fxo`] is the machine: ring in, answer, dial
//! out, hang up, and every sign that the far end has gone. [`Handset`] is its ear and mouth on the audio side: it turns
//! blocks into what was heard, and digits into tones. [`CallerIdTone`] tells a telephone who calls. None of them knows
//! a card, a thread or a clock.
#![no_std]

#[cfg(test)]
extern crate std;

pub mod callerid;
mod fxo;
mod handset;
mod teller;
mod words;

pub use fxo::{Counters, Fxo, Record};
pub use handset::Handset;
pub use teller::{CallerIdTone, Codes, Manner};
pub use tipring_dsp::ZoneId;
pub use words::*;
