//! Sound in numbers: G.711 both ways, levels, tones, DTMF both ways, the networks' tones and rhythms both ways, the
//! howler, keying at 1200 bit/s both ways, speech or silence, who has answered, mixing, the joining of clocks, echo, and the
//! comparison that tests use to recognise a prompt. It reads no card, keeps no clock and allocates nothing; every state is a plain value.
//!
//! Linear samples are `i16` at 8 kHz. G.711 A-law (13 bits) is scaled by 8 and µ-law (14 bits) by 4, as in ITU-T G.191,
//! so both laws share one scale within 0.07 dB.
#![no_std]

#[cfg(test)]
extern crate std;

pub mod alert;
pub mod answer;
pub mod cadence;
pub mod correlate;
pub mod dtmf;
pub mod echo;
pub mod elastic;
pub mod fsk;
pub mod g711;
pub mod level;
mod math;
pub mod mix;
pub mod progress;
pub mod resample;
pub mod speech;
pub mod tone;
pub mod zone;

pub use alert::HowlerTone;
pub use answer::{Answered, Answering, Verdict};
pub use cadence::{CadenceTone, InformationTone};
pub use correlate::{Match, best_match, correlation};
pub use dtmf::{Detector, KEYS, KeyTone, frequencies_of};
pub use echo::Canceller;
pub use elastic::{Elastic, Slips};
pub use fsk::{Demodulator, Modulator};
pub use g711::{a_to_mu, alaw_decode, alaw_encode, mu_to_a, ulaw_decode, ulaw_encode};
pub use level::{Meter, dbm0_of, dbm0_of_power, peak_at};
pub use mix::{Limiter, Sum, apply_gain, gain_of_db};
pub use progress::{Mode, Progress, Progressing};
pub use resample::Resampler;
pub use speech::Speech;
pub use tone::Tone;
pub use zone::{Cadence, Information, Zone, ZoneId};

/// Samples a second.
pub const RATE: u32 = 8000;
