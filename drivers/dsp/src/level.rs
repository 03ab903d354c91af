//! Levels in dBm0, and the level of one frequency. Not a power meter with a time constant: it measures what it is given.
//! Source: ITU-T G.711 (a sine at the virtual decision value is +3.14 dBm0 in A-law, +3.17 dBm0 in µ-law).

use crate::RATE;
use crate::g711::Companding;
use crate::math::{cos_turns, exp10, log10, sqrt};

/// Peak of a sine of 0 dBm0 as A-law has it: 32768, 3.14 dB lower.
pub const PEAK_0_DBM0_A: f64 = 32768.0 * exp10(-314.0 / 2000.0);

/// Peak of a sine of 0 dBm0 as µ-law has it: 4 × 8159, 3.17 dB lower.
pub const PEAK_0_DBM0_MU: f64 = 4.0 * 8159.0 * exp10(-317.0 / 2000.0);

/// What "no signal" is reported as.
pub const SILENCE_DBM0: f32 = -96.0;

/// Peak of a sine of this level (A-law's reference; µ-law's is 0.065 dB lower).
pub const fn peak_at(dbm0: f32) -> f32 {
    (PEAK_0_DBM0_A * exp10(dbm0 as f64 / 20.0)) as f32
}

/// Mean square of a signal of this level.
pub const fn power_at(dbm0: f32) -> f32 {
    (PEAK_0_DBM0_A * PEAK_0_DBM0_A / 2.0 * exp10(dbm0 as f64 / 10.0)) as f32
}

/// Level of a mean square; never below [`SILENCE_DBM0`].
pub fn dbm0_of_power(mean_square: f32) -> f32 {
    dbm0_of_power_in(mean_square, Companding::A)
}

/// Level of a mean square by the reference of one law.
pub fn dbm0_of_power_in(mean_square: f32, law: Companding) -> f32 {
    let peak = match law {
        Companding::A => PEAK_0_DBM0_A,
        Companding::Mu => PEAK_0_DBM0_MU,
    };
    let level = 10.0 * log10(f64::from(mean_square) / (peak * peak / 2.0));
    if level < f64::from(SILENCE_DBM0) { SILENCE_DBM0 } else { level as f32 }
}

/// Mean square of samples; 0 for none.
pub fn power_of(samples: &[i16]) -> f32 {
    if samples.is_empty() {
        return 0.0;
    }
    let sum: i64 = samples.iter().map(|s| i64::from(i32::from(*s) * i32::from(*s))).sum();
    sum as f32 / samples.len() as f32
}

/// Level of samples.
pub fn dbm0_of(samples: &[i16]) -> f32 {
    dbm0_of_power(power_of(samples))
}

/// Level of one frequency, by Goertzel's recursion over any number of samples. Width: the sample rate over that number.
#[derive(Clone, Copy, Debug)]
pub struct Meter {
    twice_cos: f64,
    last: f64,
    before: f64,
    samples: u32,
}

impl Meter {
    /// A meter for one frequency.
    pub fn new(hz: f32) -> Meter {
        let twice_cos = 2.0 * cos_turns(f64::from(hz) / f64::from(RATE));
        Meter { twice_cos, last: 0.0, before: 0.0, samples: 0 }
    }

    /// Takes samples into the measurement.
    pub fn feed(&mut self, samples: &[i16]) {
        for sample in samples {
            let next = f64::from(*sample) + self.twice_cos * self.last - self.before;
            self.before = self.last;
            self.last = next;
        }
        self.samples = self.samples.saturating_add(samples.len() as u32);
    }

    /// Peak amplitude of the frequency in what was fed.
    pub fn peak(&self) -> f32 {
        if self.samples == 0 {
            return 0.0;
        }
        let power = self.last * self.last + self.before * self.before - self.twice_cos * self.last * self.before;
        (2.0 * sqrt(power) / f64::from(self.samples)) as f32
    }

    /// Level of the frequency in what was fed.
    pub fn dbm0(&self) -> f32 {
        let peak = self.peak();
        dbm0_of_power(peak * peak / 2.0)
    }

    /// Begins a new measurement.
    pub fn reset(&mut self) {
        (self.last, self.before, self.samples) = (0.0, 0.0, 0);
    }
}

/// Level of one frequency in samples.
pub fn dbm0_at(samples: &[i16], hz: f32) -> f32 {
    let mut meter = Meter::new(hz);
    meter.feed(samples);
    meter.dbm0()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tone;

    #[test]
    fn a_full_sine_is_three_decibels_above_the_reference() {
        assert!((100.0 * dbm0_of_power(32768f32 * 32768.0 / 2.0) - 314.0).abs() < 0.1);
        let mu = 4f32 * 8159.0;
        assert!((dbm0_of_power_in(mu * mu / 2.0, Companding::Mu) - 3.17).abs() < 0.001);
    }

    #[test]
    fn what_is_made_at_a_level_measures_that_level() {
        for dbm0 in [-45.0f32, -30.0, -10.0, 0.0, 3.0] {
            let mut samples = [0; 8000];
            Tone::new(1000.0, dbm0).add_to(&mut samples);
            assert!((dbm0_of(&samples) - dbm0).abs() < 0.1, "{dbm0}: {}", dbm0_of(&samples));
            assert!((dbm0_at(&samples, 1000.0) - dbm0).abs() < 0.1);
            assert!(dbm0_at(&samples, 1300.0) < dbm0 - 40.0 || dbm0 < -30.0);
        }
    }

    #[test]
    fn silence_has_a_level_too() {
        assert_eq!(dbm0_of(&[]), SILENCE_DBM0);
        assert_eq!(dbm0_of(&[0; 80]), SILENCE_DBM0);
        assert_eq!(Meter::new(1000.0).dbm0(), SILENCE_DBM0);
        assert_eq!(dbm0_of_power(f32::NAN), SILENCE_DBM0);
    }
}
