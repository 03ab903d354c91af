//! Mixing: the sum of all talkers is made once, each listener takes his own voice out of it. Gain is plain linear gain;
//! there is no level control. Where a sum is too loud for a line, a [`Limiter`] turns it down instead of clipping it.

use crate::math::exp10;

/// The sum of many parties over `N` samples, wide enough for 65,536 of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sum<const N: usize>([i32; N]);

impl<const N: usize> Sum<N> {
    /// Nobody speaks.
    pub const fn silence() -> Self {
        Sum([0; N])
    }

    /// Back to nobody.
    pub fn clear(&mut self) {
        self.0 = [0; N];
    }

    /// One more talker.
    pub fn add(&mut self, samples: &[i16; N]) {
        for (sum, sample) in self.0.iter_mut().zip(samples) {
            *sum += i32::from(*sample);
        }
    }

    /// What a listener hears through his limiter: the sum, without his own voice if he is one of the talkers. `true`: it
    /// was turned down.
    pub fn limited(&self, own: Option<&[i16; N]>, limiter: &mut Limiter, into: &mut [i16; N]) -> bool {
        match own {
            Some(own) => self.saturated_without(own, into),
            None => self.saturated(into),
        }
        let most = into.iter().fold(0, |most: i16, s| most.max(*s));
        let least = into.iter().fold(0, |least: i16, s| least.min(*s));
        if limiter.gain >= 1.0 && most <= CEILING && least >= -CEILING {
            return false;
        }
        // Exact: sums are far below 2²⁴.
        let mut wide = self.0.map(|sum| sum as f32);
        if let Some(own) = own {
            wide.iter_mut().zip(own).for_each(|(sum, own)| *sum -= f32::from(*own));
        }
        limiter.turn_down(&wide, into);
        true
    }

    /// What everybody hears.
    pub fn saturated(&self, into: &mut [i16; N]) {
        for (sample, sum) in into.iter_mut().zip(&self.0) {
            *sample = saturated(*sum);
        }
    }

    /// What one of the talkers hears: the sum without his own voice.
    pub fn saturated_without(&self, own: &[i16; N], into: &mut [i16; N]) {
        for ((sample, sum), own) in into.iter_mut().zip(&self.0).zip(own) {
            *sample = saturated(*sum - i32::from(*own));
        }
    }
}

/// Keeps one listener's mix at or below [`CEILING`]. A block that would be louder is turned down as a whole, so that its
/// shape is kept; then the gain comes back by a tenth of a decibel each block.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limiter {
    gain: f32,
}

impl Limiter {
    /// One that lets everything pass as it is.
    pub const fn new() -> Limiter {
        Limiter { gain: 1.0 }
    }

    fn turn_down<const N: usize>(&mut self, wide: &[f32; N], into: &mut [i16; N]) {
        let (pieces, rest) = wide.as_chunks::<PIECE>();
        // Positive numbers are in the order of their bits, and those are quicker to compare.
        let size = |sample: f32| sample.abs().to_bits() as i32;
        let mut peaks = [size(1.0); PIECE];
        for piece in pieces {
            for n in 0..PIECE {
                peaks[n] = peaks[n].max(size(piece[n]));
            }
        }
        let peak = rest.iter().map(|sample| size(*sample)).chain(peaks).fold(0, i32::max);
        let right = (f32::from(CEILING) / f32::from_bits(peak as u32)).min(1.0);
        let to = right.min(self.gain * COMING_BACK);
        // Down for the whole block, up little by little.
        let mut gain = self.gain.min(to);
        let step = (to - gain) / pieces.len().max(1) as f32;
        let (samples, last) = into.as_chunks_mut::<PIECE>();
        for (samples, wide) in samples.iter_mut().zip(pieces) {
            gain += step;
            *samples = wide.map(|wide| whole(wide * gain));
        }
        last.iter_mut().zip(rest).for_each(|(sample, wide)| *sample = whole(*wide * gain));
        self.gain = to;
    }
}

/// Nearest whole number of a value that fits, without a branch: added to this, its last bit is worth one.
#[inline]
fn whole(value: f32) -> i16 {
    const SHIFT: f32 = 12_582_912.0;
    (value + SHIFT).to_bits() as i16
}

impl Default for Limiter {
    fn default() -> Self {
        Limiter::new()
    }
}

/// The loudest sample of a limited mix: within the last interval of both laws.
pub const CEILING: i16 = 32_000;
/// Samples that have the same gain: a step of a hundredth of a decibel is not heard.
const PIECE: usize = 8;
/// Factor by which the gain rises in a block: 0.1 dB.
const COMING_BACK: f32 = exp10(0.005) as f32;

/// Adds `more` to `samples`, saturating, as many as both hold.
pub fn mix_into(samples: &mut [i16], more: &[i16]) {
    for (sample, more) in samples.iter_mut().zip(more) {
        *sample = sample.saturating_add(*more);
    }
}

/// Factor of a gain in decibels.
pub fn gain_of_db(db: f32) -> f32 {
    exp10(f64::from(db) / 20.0) as f32
}

/// Multiplies samples by a factor, saturating.
pub fn apply_gain(samples: &mut [i16], factor: f32) {
    for sample in samples {
        *sample = crate::tone::rounded(f32::from(*sample) * factor);
    }
}

#[inline]
fn saturated(value: i32) -> i16 {
    value.clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_hears_all_but_himself() {
        let parties = [[100i16, -5], [20, -6], [3, -7]];
        let mut sum = Sum::silence();
        parties.iter().for_each(|party| sum.add(party));
        let mut heard = [0; 2];
        sum.saturated_without(&parties[1], &mut heard);
        assert_eq!(heard, [103, -12]);
        sum.saturated(&mut heard);
        assert_eq!(heard, [123, -18]);
    }

    #[test]
    fn thirty_shouting_parties_saturate_and_come_back() {
        let mut sum = Sum::silence();
        for _ in 0..30 {
            sum.add(&[i16::MAX, i16::MIN]);
        }
        let mut heard = [0; 2];
        sum.saturated(&mut heard);
        assert_eq!(heard, [i16::MAX, i16::MIN]);
        sum.clear();
        sum.saturated(&mut heard);
        assert_eq!(heard, [0, 0]);
    }

    #[test]
    fn a_mix_that_is_too_loud_keeps_its_shape_and_comes_back() {
        // Four at nearly full scale: three times too loud. Clipped, a sine would be a square of half its power.
        let tone = |n: usize| (30_000.0 * (n as f32 * core::f32::consts::TAU / 80.0).sin()) as i16;
        let block: [i16; 80] = core::array::from_fn(tone);
        let (mut sum, mut limiter, mut heard) = (Sum::silence(), Limiter::new(), [0; 80]);
        (0..5).for_each(|_| sum.add(&block));
        for _ in 0..3 {
            assert!(sum.limited(Some(&block), &mut limiter, &mut heard));
            let right = |n: usize| f32::from(block[n]) * 32_000.0 / 30_000.0;
            assert!((0..80).all(|n| (f32::from(heard[n]) - right(n)).abs() < 4.0), "{heard:?}");
        }
        // One voice of them is left: it is as it was after a second or two, and never louder on its way.
        let mut alone = Sum::silence();
        alone.add(&block);
        let mut before = 0;
        let blocks = (0..1000).position(|_| {
            let limited = alone.limited(None, &mut limiter, &mut heard);
            assert!(heard[20] >= before, "the gain only rises");
            before = heard[20];
            !limited
        });
        assert!(blocks.is_some_and(|blocks| (100..200).contains(&blocks)), "{blocks:?}");
        assert_eq!(heard, block);
    }

    #[test]
    fn six_decibels_are_a_factor_of_two() {
        let mut samples = [1000, -1000, 32000];
        apply_gain(&mut samples, gain_of_db(6.0206));
        assert_eq!(samples, [2000, -2000, i16::MAX]);
        mix_into(&mut samples, &[5, -5, 5]);
        assert_eq!(samples, [2005, -2005, i16::MAX]);
    }
}
