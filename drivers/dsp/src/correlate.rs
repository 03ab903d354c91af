//! Is this sound that prompt? Normalised cross-correlation with a search over the lag. Meant for tests and line checks:
//! it costs lags × length, so it does not belong on an audio thread.

use crate::math::sqrt;

/// Where and how well a reference fits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Match {
    /// Samples of what was heard before the reference begins.
    pub lag: usize,
    /// 1 = the same but for its loudness, 0 = unrelated, -1 = the same upside down.
    pub coefficient: f32,
}

/// Correlation coefficient of two stretches of sound, over the shorter of them. 0 if one of them is silent.
pub fn correlation(a: &[i16], b: &[i16]) -> f32 {
    let (mut product, mut a_square, mut b_square) = (0i64, 0i64, 0i64);
    for (a, b) in a.iter().zip(b) {
        let (a, b) = (i32::from(*a), i32::from(*b));
        product += i64::from(a * b);
        a_square += i64::from(a * a);
        b_square += i64::from(b * b);
    }
    let scale = sqrt(a_square as f64) * sqrt(b_square as f64);
    if scale > 0.0 { (product as f64 / scale) as f32 } else { 0.0 }
}

/// The lag, up to and with `most_lag`, at which `reference` fits best into `heard`. Only lags at which the whole
/// reference lies in what was heard are tried; if there is none, the coefficient is 0.
pub fn best_match(heard: &[i16], reference: &[i16], most_lag: usize) -> Match {
    let mut best = Match { lag: 0, coefficient: 0.0 };
    let Some(room) = heard.len().checked_sub(reference.len()) else {
        return best;
    };
    for lag in 0..=most_lag.min(room) {
        let coefficient = correlation(&heard[lag..lag + reference.len()], reference);
        if coefficient > best.coefficient {
            best = Match { lag, coefficient };
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Tone, alaw_decode, alaw_encode, apply_gain};
    use std::{vec, vec::Vec};

    fn prompt() -> Vec<i16> {
        let mut samples = vec![0; 1600];
        let mut tone = Tone::new(300.0, -12.0);
        for (n, piece) in samples.chunks_mut(80).enumerate() {
            tone.set_hz(300.0 + 37.0 * ((n * n) % 23) as f32);
            tone.fill(piece);
        }
        samples
    }

    #[test]
    fn finds_a_prompt_through_a_law_and_a_gain() {
        let prompt = prompt();
        let mut heard = vec![0; 617];
        heard.extend(prompt.iter().map(|s| alaw_decode(alaw_encode(*s))));
        heard.extend([0; 300]);
        apply_gain(&mut heard, 0.4);
        let found = best_match(&heard, &prompt, 2000);
        assert_eq!(found.lag, 617);
        assert!(found.coefficient > 0.99, "{found:?}");
    }

    #[test]
    fn does_not_find_it_in_silence_or_in_another_sound() {
        let prompt = prompt();
        assert_eq!(best_match(&[0; 3000], &prompt, 3000).coefficient, 0.0);
        let mut other = vec![0; 3000];
        Tone::new(1100.0, -12.0).fill(&mut other);
        assert!(best_match(&other, &prompt, 3000).coefficient < 0.5);
        assert_eq!(best_match(&prompt[..10], &prompt, 3000).coefficient, 0.0);
    }

    #[test]
    fn full_scale_does_not_overflow() {
        assert!((correlation(&[i16::MIN; 8000], &[i16::MIN; 8000]) - 1.0).abs() < 1e-6);
        assert!((correlation(&[i16::MIN; 8], &[i16::MAX; 8]) + 1.0).abs() < 1e-6);
    }
}
