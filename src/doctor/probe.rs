//! What the doctor sends over a line, and what is learned from what comes back: a tone of a known level, and noise, whose
//! echo betrays itself by being like it.

use serde::{Deserialize, Serialize};
use tipring_card::Law;
use tipring_dsp::g711::Companding;
use tipring_dsp::{RATE, Tone, level::dbm0_at, level::power_of, peak_at};

use crate::tone::round_db;

/// The frequency of a level measurement: near 1 kHz, and no divisor of the sample rate (ITU-T O.41, O.131).
pub const TONE_HZ: f32 = 1020.0;
/// Its level.
pub const TONE_DBM0: f32 = -10.0;
/// Level of the noise.
const NOISE_DBM0: f32 = -14.0;
/// An echo comes within this time; the box's own buffers are in it.
const ECHO_MS: usize = 160;
/// An echo is as like the noise as this at least.
const LIKE: f64 = 0.06;

/// What of our own voice comes back.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Echo {
    /// So much weaker than it was sent.
    pub loss_db: f32,
    /// So late, from the switch and back to it.
    pub delay_ms: u32,
}

/// A tone for a level measurement.
pub fn tone(law: Law, ms: usize) -> Vec<u8> {
    let mut samples = vec![0; ms * RATE as usize / 1_000];
    Tone::new(TONE_HZ, TONE_DBM0).fill(&mut samples);
    encoded(law, &samples)
}

/// Noise in the telephone band, always the same: octets, and samples to compare with.
pub fn noise(law: Law, ms: usize) -> (Vec<u8>, Vec<i16>) {
    let peak = peak_at(NOISE_DBM0);
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut before = 0.0;
    let samples: Vec<i16> = (0..ms * RATE as usize / 1_000)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let white = ((state >> 40) as f32 / (1_u32 << 23) as f32 - 1.0) * peak;
            // The low half of the band is what lines carry best.
            before = 0.6 * white + 0.4 * before;
            before as i16
        })
        .collect();
    let octets = encoded(law, &samples);
    (octets, samples)
}

fn encoded(law: Law, samples: &[i16]) -> Vec<u8> {
    let mut octets = vec![0; samples.len()];
    companding(law).encode_into(samples, &mut octets);
    octets
}

/// The coding of a law.
pub fn companding(law: Law) -> Companding {
    match law {
        Law::A => Companding::A,
        Law::Mu => Companding::Mu,
    }
}

/// The level of the measuring tone in what was heard.
pub fn received_dbm0(heard: &[i16]) -> f32 {
    round_db(dbm0_at(heard, TONE_HZ))
}

/// The echo of what was sent in what came meanwhile; `None`: nothing of it came back.
pub fn echo(sent: &[i16], heard: &[i16], quiet: &[i16]) -> Option<Echo> {
    let lags = ECHO_MS * RATE as usize / 1_000;
    let length = sent.len().min(heard.len().saturating_sub(lags));
    if length < RATE as usize / 4 {
        return None;
    }
    let mean = |samples: &[i16]| samples.iter().map(|sample| f64::from(*sample)).sum::<f64>() / samples.len() as f64;
    let (bias_sent, bias_heard) = (mean(&sent[..length]), mean(heard));
    let power_sent: f64 = sent[..length].iter().map(|sample| (f64::from(*sample) - bias_sent).powi(2)).sum();
    let likeness = |lag: usize| {
        let heard = &heard[lag..lag + length];
        let (mut product, mut power) = (0.0, 0.0);
        for (sent, heard) in sent.iter().zip(heard) {
            let heard = f64::from(*heard) - bias_heard;
            product += (f64::from(*sent) - bias_sent) * heard;
            power += heard * heard;
        }
        product.abs() / (power_sent * power).sqrt().max(1.0)
    };
    let (lag, likeness) = (0..lags).map(|lag| (lag, likeness(lag))).max_by(|a, b| a.1.total_cmp(&b.1))?;
    if likeness < LIKE {
        return None;
    }
    // All of the echo counts, however it is smeared; what the line hisses by itself does not.
    let returned = power_of(&heard[lag..lag + length]) - power_of(quiet);
    let loss_db = 10.0 * (power_of(&sent[..length]) / returned.max(1.0)).log10();
    Some(Echo { loss_db: round_db(loss_db), delay_ms: (lag * 1_000 / RATE as usize) as u32 })
}
