//! Mixing: the sum of all talkers is made once, each listener takes his own voice out of it. Gain is plain linear gain;
//! there is no limiter other than saturation and no level control.

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
    fn six_decibels_are_a_factor_of_two() {
        let mut samples = [1000, -1000, 32000];
        apply_gain(&mut samples, gain_of_db(6.0206));
        assert_eq!(samples, [2000, -2000, i16::MAX]);
        mix_into(&mut samples, &[5, -5, 5]);
        assert_eq!(samples, [2005, -2005, i16::MAX]);
    }
}
