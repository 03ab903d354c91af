//! Samples of one rate as samples of another, by a windowed sinc: the kernel that every conversion shares, the history it
//! reads, and a converter between two rates whose ratio is exact. It knows no clock: rates that drift against each other
//! are [`crate::elastic`]'s.
//!
//! The kernel reaches over 24 zero crossings to each side (Kaiser window, β = 7). At 8 kHz it passes up to 3.3 kHz and
//! stops from 4.06 kHz; between its table's entries a straight line goes, which costs
//! less than -80 dB. Whole numbers only: a small processor without a floating point unit is as fast.

use crate::math::{sin_turns, sqrt};

/// Zero crossings of the kernel on each side.
pub(crate) const HALF: usize = 24;
/// Entries of the table from one zero crossing to the next.
const STEPS: usize = 64;
/// The kernel's length on each side, in entries.
const REACH: u32 = ((HALF * STEPS) as u32) << PART_BITS;
/// Bits of a place between two entries, or between two samples.
pub(crate) const PART_BITS: u32 = 16;
/// Bits behind the point of a weight.
const WEIGHT_BITS: u32 = 20;
/// The kernel's corner, as a part of half the lower rate: 3.7 of 4 kHz.
const CORNER: f64 = 0.925;
/// Kaiser's β.
const BETA: f64 = 7.0;

/// The highest rate that can be converted from or to, in samples a second.
pub const HIGHEST: u32 = 48_000;

static KERNEL: [i32; HALF * STEPS + 2] = {
    let mut table = [0; HALF * STEPS + 2];
    let mut n = 0;
    while n < HALF * STEPS {
        let x = n as f64 / STEPS as f64;
        let place = x / HALF as f64;
        let angle = core::f64::consts::PI * CORNER * x;
        let sinc = if n == 0 { 1.0 } else { sin_turns(CORNER * x / 2.0) / angle };
        let weight = CORNER * sinc * bessel(BETA * sqrt(1.0 - place * place)) / bessel(BETA);
        table[n] = (weight * (1 << WEIGHT_BITS) as f64 + if weight < 0.0 { -0.5 } else { 0.5 }) as i32;
        n += 1;
    }
    table
};

/// The modified Bessel function of the first kind, of order 0.
const fn bessel(x: f64) -> f64 {
    let quarter = x * x / 4.0;
    let (mut term, mut sum, mut n) = (1.0, 1.0, 1);
    while n < 25 {
        term *= quarter / (n * n) as f64;
        sum += term;
        n += 1;
    }
    sum
}

/// The last `N` samples that came, by their number since the start. `N` is a power of two.
#[derive(Clone, Debug)]
pub(crate) struct History<const N: usize> {
    samples: [i16; N],
    written: u64,
}

impl<const N: usize> History<N> {
    pub fn new() -> Self {
        History { samples: [0; N], written: 0 }
    }

    /// Samples that have come.
    pub fn written(&self) -> u64 {
        self.written
    }

    pub fn push(&mut self, samples: &[i16]) {
        for sample in samples {
            self.samples[self.written as usize % N] = *sample;
            self.written += 1;
        }
    }

    /// The sample of this number; silence where it is not there.
    #[inline]
    fn sample(&self, number: u64) -> i16 {
        let kept = number < self.written && number + N as u64 >= self.written;
        if kept { self.samples[number as usize % N] } else { 0 }
    }

    /// The sound between the samples `place` and `place + 1`, `part` of the way in [`PART_BITS`], with nothing above
    /// `scale` (in as many bits) of half the rate at which they came.
    pub fn between(&self, place: u64, part: u32, scale: u32) -> i16 {
        let stretch = scale * STEPS as u32;
        let from = |part: u32| ((u64::from(part) * u64::from(stretch)) >> PART_BITS) as u32;
        let mut sum = 0_i64;
        let (mut x, mut number) = (from(part), place.wrapping_add(1));
        while x < REACH && number > 0 {
            number -= 1;
            sum += i64::from(self.sample(number)) * kernel(x);
            x += stretch;
        }
        (x, number) = (from((1 << PART_BITS) - part), place);
        while x < REACH {
            number += 1;
            sum += i64::from(self.sample(number)) * kernel(x);
            x += stretch;
        }
        let bits = WEIGHT_BITS + PART_BITS;
        let sample = (sum * i64::from(scale) + (1 << (bits - 1))) >> bits;
        sample.clamp(i16::MIN.into(), i16::MAX.into()) as i16
    }
}

/// The kernel so far from its middle, less than `REACH`.
#[inline]
fn kernel(x: u32) -> i64 {
    let entry = (x >> PART_BITS) as usize;
    let (low, high) = (i64::from(KERNEL[entry]), i64::from(KERNEL[entry + 1]));
    low + (((high - low) * i64::from(x & ((1 << PART_BITS) - 1))) >> PART_BITS)
}

/// Samples kept by a [`Resampler`]: the kernel's reach at the highest rate, and a block of 20 ms.
const KEPT: usize = 2_048;

/// A converter between two rates of one clock. Nothing is lost: what goes in comes out, a kernel's reach later.
#[derive(Clone, Debug)]
pub struct Resampler {
    history: History<KEPT>,
    from: u32,
    to: u32,
    place: u64,
    /// Of `to`.
    part: u32,
}

impl Resampler {
    /// From a rate to another, in samples a second. Rates beyond [`HIGHEST`] are taken for it.
    pub fn new(from: u32, to: u32) -> Resampler {
        let (from, to) = (from.clamp(1, HIGHEST), to.clamp(1, HIGHEST));
        Resampler { history: History::new(), from, to, place: 0, part: 0 }
    }

    /// Takes samples; at most 20 ms of them before they are pulled.
    pub fn push(&mut self, samples: &[i16]) {
        self.history.push(samples);
    }

    /// Fills as much as there is sound for, and says how much that was.
    pub fn pull(&mut self, samples: &mut [i16]) -> usize {
        if self.from == self.to {
            return self.copy(samples);
        }
        let scale = self.scale();
        let reach = self.reach();
        for (n, sample) in samples.iter_mut().enumerate() {
            if self.place + reach >= self.history.written() {
                return n;
            }
            let part = (u64::from(self.part) << PART_BITS) / u64::from(self.to);
            *sample = self.history.between(self.place, part as u32, scale);
            self.part += self.from;
            self.place += u64::from(self.part / self.to);
            self.part %= self.to;
        }
        samples.len()
    }

    /// Delay of what comes out against what went in, in samples of the rate that goes in.
    pub fn delay_samples(&self) -> usize {
        if self.from == self.to { 0 } else { self.reach() as usize }
    }

    fn scale(&self) -> u32 {
        let scale = (u64::from(self.to) << PART_BITS) / u64::from(self.from);
        scale.min(1 << PART_BITS) as u32
    }

    /// Samples on each side that one needs.
    fn reach(&self) -> u64 {
        ((HALF as u64) << PART_BITS) / u64::from(self.scale().max(1)) + 1
    }

    /// Equal rates: sample by sample.
    fn copy(&mut self, samples: &mut [i16]) -> usize {
        let ready = usize::try_from(self.history.written().saturating_sub(self.place)).unwrap_or(usize::MAX);
        let count = ready.min(samples.len());
        for sample in &mut samples[..count] {
            *sample = self.history.sample(self.place);
            self.place += 1;
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    fn tone(hz: f64, rate: f64, n: u64) -> f64 {
        10_000.0 * (core::f64::consts::TAU * hz * n as f64 / rate).sin()
    }

    /// What is not of the tone's frequency in it, against it, in decibels.
    fn purity_db(samples: &[i16], hz: f64, rate: f64) -> (f64, f64) {
        let (mut c, mut s, mut all) = (0.0, 0.0, 0.0);
        for (n, sample) in samples.iter().enumerate() {
            let angle = core::f64::consts::TAU * hz * n as f64 / rate;
            c += f64::from(*sample) * angle.cos();
            s += f64::from(*sample) * angle.sin();
            all += f64::from(*sample) * f64::from(*sample);
        }
        let tone = (c * c + s * s) * 2.0 / samples.len() as f64;
        (10.0 * (tone / (all - tone).max(1.0)).log10(), (2.0 * tone / samples.len() as f64).sqrt())
    }

    fn converted(from: u32, to: u32, hz: f64) -> Vec<i16> {
        let mut resampler = Resampler::new(from, to);
        let mut out = Vec::new();
        let (block, mut n) = (from as usize / 100, 0);
        for _ in 0..100 {
            let piece: Vec<i16> = (0..block).map(|k| tone(hz, f64::from(from), n + k as u64).round() as i16).collect();
            n += block as u64;
            resampler.push(&piece);
            let mut got = [0; 960];
            let count = resampler.pull(&mut got);
            out.extend_from_slice(&got[..count]);
        }
        out
    }

    #[test]
    fn a_tone_of_any_card_rate_becomes_the_same_tone_and_back() {
        for (from, to) in [(48_000, 8_000), (8_000, 48_000), (44_100, 8_000), (8_000, 44_100), (16_000, 8_000)] {
            for hz in [300.0, 1_000.0, 3_000.0] {
                let out = converted(from, to, hz);
                let least = to as usize - to as usize / 50;
                assert!(out.len() > least, "{from} {to}: {} of {to}", out.len());
                let whole = &out[to as usize / 10..];
                let (snr_db, peak) = purity_db(&whole[..to as usize * 4 / 5], hz, f64::from(to));
                assert!(snr_db > 60.0, "{from} to {to}, {hz} Hz: {snr_db:.1} dB");
                assert!((peak / 10_000.0 - 1.0).abs() < 0.02, "{from} to {to}, {hz} Hz: {peak:.0}");
            }
        }
    }

    #[test]
    fn what_the_lower_rate_cannot_carry_is_stopped_and_not_folded() {
        for hz in [4_400.0, 5_000.0, 7_000.0, 9_000.0, 20_000.0] {
            let out = converted(48_000, 8_000, hz);
            let loudest = out[800..].iter().map(|s| s.unsigned_abs()).max().expect("samples");
            assert!(loudest < 12, "{hz} Hz: {loudest}");
        }
    }

    #[test]
    fn equal_rates_are_copied() {
        let out = converted(8_000, 8_000, 440.0);
        assert!(out.iter().enumerate().all(|(n, s)| *s == tone(440.0, 8_000.0, n as u64).round() as i16));
    }

    #[test]
    fn rates_that_no_card_has_are_taken_for_some_that_can_be() {
        for (from, to) in [(0, 8_000), (8_000, 0), (u32::MAX, 8_000), (8_000, u32::MAX)] {
            let mut resampler = Resampler::new(from, to);
            resampler.push(&[i16::MAX; 480]);
            assert!(resampler.pull(&mut [0; 960]) <= 960);
        }
    }
}
