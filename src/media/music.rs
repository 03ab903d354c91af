//! The box's own music for those who wait: a quiet melody over broken chords, 30 s that join on to themselves without a
//! seam. It is computed, note by note, from the tables below; the same octets on every machine.
//!
//! The piece is ours: sixteen bars in C, composed for this table.

use std::sync::OnceLock;

use bytes::Bytes;
use tipring_card::Law;
use tipring_dsp::{Tone, alaw_encode, peak_at, ulaw_encode};

/// The whole piece as a telephone plays it; made at its first use.
pub(crate) fn octets(law: Law) -> Bytes {
    static MADE: [OnceLock<Bytes>; 2] = [const { OnceLock::new() }; 2];
    let (at, encode): (_, fn(i16) -> u8) = match law {
        Law::A => (0, alaw_encode),
        Law::Mu => (1, ulaw_encode),
    };
    MADE[at].get_or_init(|| samples().into_iter().map(encode).collect()).clone()
}

/// The whole piece, linear.
fn samples() -> Vec<i16> {
    let mut mix = vec![0f32; LENGTH];
    for (bar, (root, third, fifth)) in CHORDS.into_iter().enumerate() {
        let tones = [root, fifth, third + 12, fifth, root + 12, fifth, third + 12, fifth];
        for (eighth, tone) in tones.into_iter().enumerate() {
            pluck(&mut mix, bar * BAR + eighth * EIGHTH, tone, CHORD_DB, CHORD_FADE);
        }
    }
    for (beat, tone) in MELODY {
        pluck(&mut mix, beat * 2 * EIGHTH, tone, MELODY_DB, MELODY_FADE);
    }
    let power = mix.iter().map(|it| f64::from(it * it)).sum::<f64>() / LENGTH as f64;
    // A sine of this level has its peak by the square root of two above its mean.
    let gain = peak_at(LEVEL_DBM0) / std::f32::consts::SQRT_2 / (power.sqrt() as f32).max(1.0);
    mix.into_iter().map(|it| (it * gain) as i16).collect()
}

/// Adds one note. What sounds on beyond the end is the beginning's: so there is no seam.
fn pluck(mix: &mut [f32], from: usize, semitone: usize, level_db: f32, fade: f32) {
    let hz = C4_HZ * (1 << (semitone / 12)) as f32 * RATIOS[semitone % 12];
    for (harmonic, less_db) in HARMONICS {
        let mut tone = Tone::new(hz * harmonic, level_db - less_db);
        let mut size = 1.0f32;
        let fade = 1.0 - (1.0 - fade) * harmonic;
        for n in 0..NOTE {
            let attack = if n < ATTACK { n as f32 / ATTACK as f32 } else { 1.0 };
            let release = if n > NOTE - RELEASE { (NOTE - n) as f32 / RELEASE as f32 } else { 1.0 };
            mix[(from + n) % LENGTH] += tone.next_sample() * size * attack * release;
            size *= fade;
        }
    }
}

/// Samples of an eighth: 128 quarters a minute.
const EIGHTH: usize = 1_875;
const BAR: usize = 8 * EIGHTH;
/// Sixteen bars: 30 s.
const LENGTH: usize = 16 * BAR;
/// A note is heard no longer than this: 2.2 s.
const NOTE: usize = 17_600;
/// 5 ms, without which a note clicks.
const ATTACK: usize = 40;
/// 50 ms.
const RELEASE: usize = 400;
/// Below speech, which has -12: who waits shall hear whoever speaks.
const LEVEL_DBM0: f32 = -18.0;
const CHORD_DB: f32 = -22.0;
const MELODY_DB: f32 = -16.0;
/// What is left of a note after a sample: half of it after 0.35 s and 0.6 s.
const CHORD_FADE: f32 = 0.999_75;
const MELODY_FADE: f32 = 0.999_855;
/// Harmonics and how much softer they are: a soft string.
const HARMONICS: [(f32, f32); 3] = [(1.0, 0.0), (2.0, 9.0), (3.0, 18.0)];
const C4_HZ: f32 = 261.625_58;
/// Equal temperament.
const RATIOS: [f32; 12] = [
    1.0,
    1.059_463,
    1.122_462,
    1.189_207,
    1.259_921,
    1.334_84,
    core::f32::consts::SQRT_2,
    1.498_307,
    1.587_401,
    1.681_793,
    1.781_797,
    1.887_749,
];
/// Root, third and fifth of each bar, in semitones above middle C.
const CHORDS: [(usize, usize, usize); 16] = [
    (0, 4, 7),
    (9, 12, 16),
    (5, 9, 12),
    (7, 11, 14),
    (4, 7, 11),
    (9, 12, 16),
    (2, 5, 9),
    (7, 11, 14),
    (0, 4, 7),
    (5, 9, 12),
    (9, 12, 16),
    (4, 7, 11),
    (5, 9, 12),
    (0, 4, 7),
    (2, 5, 9),
    (7, 11, 17),
];
/// Quarter at which a note begins, and the note.
const MELODY: [(usize, usize); 38] = [
    (0, 19),
    (2, 16),
    (3, 17),
    (4, 16),
    (6, 12),
    (8, 17),
    (10, 21),
    (11, 19),
    (12, 14),
    (16, 23),
    (18, 19),
    (19, 21),
    (20, 24),
    (22, 21),
    (24, 17),
    (26, 14),
    (27, 16),
    (28, 19),
    (30, 14),
    (32, 24),
    (34, 19),
    (35, 16),
    (36, 21),
    (38, 17),
    (40, 24),
    (42, 23),
    (43, 21),
    (44, 19),
    (46, 16),
    (48, 17),
    (50, 21),
    (51, 24),
    (52, 19),
    (54, 16),
    (56, 14),
    (58, 17),
    (60, 19),
    (62, 14),
];

#[cfg(test)]
mod tests {
    use super::*;
    use tipring_dsp::alaw_decode;

    #[test]
    fn it_is_half_a_minute_at_its_level_and_never_clipped() {
        let samples = samples();
        assert_eq!(samples.len(), 30 * 8_000);
        let level = tipring_dsp::dbm0_of(&samples);
        assert!((level - LEVEL_DBM0).abs() < 0.3, "{level} dBm0");
        let peak = samples.iter().map(|it| it.unsigned_abs()).max().unwrap();
        assert!(peak < 16_000, "{peak}");
        // Nowhere is it silent, and nowhere loud: who waits is to know that the line lives.
        for (at, second) in samples.chunks(8_000).enumerate() {
            let level = tipring_dsp::dbm0_of(second);
            assert!((LEVEL_DBM0 - 6.0..LEVEL_DBM0 + 4.0).contains(&level), "second {at}: {level} dBm0");
        }
    }

    #[test]
    fn its_end_joins_on_to_its_beginning() {
        let samples = samples();
        let jump = |a: i16, b: i16| (i32::from(a) - i32::from(b)).abs();
        let inside = samples.windows(2).map(|pair| jump(pair[0], pair[1])).max().unwrap();
        let seam = jump(samples[LENGTH - 1], samples[0]);
        assert!(seam <= inside, "{seam} at the seam, {inside} inside");
        // The last second's chords still sound when it begins again.
        assert!(tipring_dsp::dbm0_of(&samples[..ATTACK]) > -40.0);
    }

    #[test]
    fn both_laws_play_the_same_piece() {
        let (a, mu) = (octets(Law::A), octets(Law::Mu));
        let differs = a.iter().zip(mu.iter()).any(|(a, mu)| {
            let (a, mu) = (i32::from(alaw_decode(*a)), i32::from(tipring_dsp::ulaw_decode(*mu)));
            (a - mu).abs() > 1_024
        });
        assert!(!differs && a.len() == mu.len());
    }
}
