//! One frequency alone, steady in pitch and level: a beep, a fax. It has no list of frequencies.
//!
//! The pitch of a block follows from the correlation of neighbouring samples (a sine is the sum of its neighbours over
//! twice the cosine of its turn), which noise pulls towards 2 kHz; the turn of phase between the block's halves puts
//! that right. The block counts when nearly all its energy lies there.

use crate::RATE;
use crate::level::{Meter, power_at};
use crate::math::{atan2_turns, cos_turns, sin_turns, sqrt};
use crate::progress::BLOCK;

/// A running tone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Steady {
    hz: f32,
    power: f32,
    blocks: u32,
    gap: u32,
}

impl Steady {
    pub const fn new() -> Steady {
        Steady { hz: 0.0, power: 0.0, blocks: 0, gap: 0 }
    }

    /// Takes a block and its mean square.
    pub fn hear(&mut self, samples: &[i16; BLOCK], power: f32) {
        let Some(hz) = pitch(samples, power) else { return self.miss() };
        let same = (hz - self.hz).abs() <= (self.hz * PITCH_OFF).max(LEAST_OFF_HZ)
            && power <= self.power * LEVEL_OFF
            && power >= self.power / LEVEL_OFF;
        if self.blocks == 0 || !same && self.blocks == 1 {
            *self = Steady { hz, power, blocks: 1, gap: 0 };
            return;
        }
        if !same {
            return self.miss();
        }
        self.blocks = self.blocks.saturating_add(1);
        self.gap = 0;
        let part = 1.0 / self.blocks.min(MEAN_BLOCKS) as f32;
        self.hz += (hz - self.hz) * part;
        self.power += (power - self.power) * part;
    }

    /// One block may be missed: the turn of a fax's phase.
    fn miss(&mut self) {
        self.gap += 1;
        if self.gap > GAP_BLOCKS {
            *self = Steady::new();
        }
    }

    /// Its mean pitch; 0 for none.
    pub fn hz(&self) -> f32 {
        self.hz
    }

    /// Blocks of it so far; 0 when it is over.
    pub fn blocks(&self) -> u32 {
        self.blocks
    }
}

/// The pitch of a block that is one frequency.
fn pitch(samples: &[i16; BLOCK], power: f32) -> Option<f32> {
    if power < FLOOR {
        return None;
    }
    let (mut product, mut square) = (0.0f32, 0.0f32);
    for three in samples.windows(3) {
        let [before, here, after] = [three[0], three[1], three[2]].map(f32::from);
        product += here * (before + after);
        square += here * here;
    }
    if square <= 0.0 {
        return None;
    }
    let cosine = (product / square / 2.0).clamp(-1.0, 1.0);
    let sine = sqrt(f64::from(1.0 - cosine * cosine)) as f32;
    let rough = f64::from(atan2_turns(sine, cosine)) * f64::from(RATE);
    let (first, second) = samples.split_at(BLOCK / 2);
    let (a, b) = (correlate(first, 0, rough), correlate(second, BLOCK / 2, rough));
    let off = atan2_turns(b[1] * a[0] - b[0] * a[1], b[0] * a[0] + b[1] * a[1]) * (2 * RATE) as f32 / BLOCK as f32;
    let hz = rough as f32 + off;
    let mut meter = Meter::new(hz);
    meter.feed(samples);
    let peak = meter.peak();
    (peak * peak / 2.0 >= power * SHARE && (LOWEST_HZ..=HIGHEST_HZ).contains(&hz)).then_some(hz)
}

/// Samples times a frequency that turns since `from` samples.
fn correlate(samples: &[i16], from: usize, hz: f64) -> [f32; 2] {
    let turn = hz / f64::from(RATE);
    let step = [cos_turns(turn), -sin_turns(turn)];
    let begin = turn * from as f64;
    let mut at = [cos_turns(begin), -sin_turns(begin)];
    let mut sum = [0.0f64; 2];
    for sample in samples {
        let sample = f64::from(*sample);
        sum[0] += sample * at[0];
        sum[1] += sample * at[1];
        at = [at[0] * step[0] - at[1] * step[1], at[0] * step[1] + at[1] * step[0]];
    }
    sum.map(|it| it as f32)
}

/// A quiet beep on a long line.
const FLOOR: f32 = power_at(-42.0);
/// Of all energy at one frequency: noise 9 dB below it. Half a beat of two tones that are 50 Hz apart has 0.84.
const SHARE: f32 = 0.88;
/// From block to block.
const PITCH_OFF: f32 = 0.015;
const LEAST_OFF_HZ: f32 = 10.0;
/// 2 dB up or down: noise does that, and a beat does more.
const LEVEL_OFF: f32 = 1.6;
/// The mean's memory.
const MEAN_BLOCKS: u32 = 16;
const GAP_BLOCKS: u32 = 1;
/// Where a telephone line carries a tone.
const LOWEST_HZ: f32 = 250.0;
const HIGHEST_HZ: f32 = 3400.0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tone;
    use crate::level::power_of;

    fn blocks_of(mut fill: impl FnMut(&mut [i16]), blocks: usize) -> Steady {
        let mut steady = Steady::new();
        for _ in 0..blocks {
            let mut block = [0; BLOCK];
            fill(&mut block);
            steady.hear(&block, power_of(&block));
        }
        steady
    }

    #[test]
    fn every_pitch_is_found_within_four_hertz() {
        for hz in (300..3300).step_by(37) {
            let mut tone = Tone::new(hz as f32, -20.0);
            let steady = blocks_of(|block| tone.fill(block), 20);
            assert!(steady.blocks() >= 19, "{hz}: {steady:?}");
            assert!((steady.hz() - hz as f32).abs() < 4.0, "{hz}: {steady:?}");
        }
    }

    #[test]
    fn two_frequencies_and_silence_are_none() {
        let (mut a, mut b) = (Tone::new(697.0, -10.0), Tone::new(1209.0, -10.0));
        let both = |block: &mut [i16]| {
            a.fill(block);
            b.add_to(block);
        };
        assert!(blocks_of(both, 20).blocks() < 3);
        assert_eq!(blocks_of(|_| {}, 20).blocks(), 0);
    }

    #[test]
    fn a_pitch_that_glides_is_not_steady() {
        let mut tone = Tone::new(500.0, -10.0);
        let mut hz = 500.0;
        let glide = |block: &mut [i16]| {
            hz *= 1.03;
            tone.set_hz(hz);
            tone.fill(block);
        };
        assert!(blocks_of(glide, 40).blocks() < 3);
    }
}
