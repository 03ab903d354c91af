//! DTMF: sixteen keys, two frequencies each. Here are the keys and their sound; [`Detector`] hears them. Source: ITU-T
//! Q.23 (frequencies) and Q.24 (reception).

mod detector;

pub use detector::Detector;

use crate::Tone;
use crate::tone::rounded;

/// The keys, row by row.
pub const KEYS: [u8; 16] = *b"123A456B789C*0#D";
/// Low group, one a row.
pub const ROWS_HZ: [f32; 4] = [697.0, 770.0, 852.0, 941.0];
/// High group, one a column.
pub const COLUMNS_HZ: [f32; 4] = [1209.0, 1336.0, 1477.0, 1633.0];
/// Level at which the low group is sent.
pub const LOW_DBM0: f32 = -11.0;
/// Level at which the high group is sent: 2 dB more, as a line takes more of it.
pub const HIGH_DBM0: f32 = -9.0;
/// How long a key sounds, and how long it is silent after.
pub const ON_MS: u16 = 80;
/// Silence after a key.
pub const OFF_MS: u16 = 80;

/// The two frequencies of a key, low first. `a` to `d` may be small. Nothing for what is no key.
pub fn frequencies_of(key: u8) -> Option<(f32, f32)> {
    let place = KEYS.iter().position(|known| *known == key.to_ascii_uppercase())?;
    Some((ROWS_HZ[place / 4], COLUMNS_HZ[place % 4]))
}

/// One key being sent: its two tones, then silence.
#[derive(Clone, Copy, Debug)]
pub struct KeyTone {
    low: Tone,
    high: Tone,
    on: u32,
    off: u32,
}

impl KeyTone {
    /// A key at the usual times and levels. Nothing for what is no key.
    pub fn new(key: u8) -> Option<KeyTone> {
        KeyTone::with(key, LOW_DBM0, HIGH_DBM0, ON_MS, OFF_MS)
    }

    /// A key at given levels of its two tones and given times.
    pub fn with(key: u8, low_dbm0: f32, high_dbm0: f32, on_ms: u16, off_ms: u16) -> Option<KeyTone> {
        let (low, high) = frequencies_of(key)?;
        let (low, high) = (Tone::new(low, low_dbm0), Tone::new(high, high_dbm0));
        Some(KeyTone { low, high, on: u32::from(on_ms) * 8, off: u32::from(off_ms) * 8 })
    }

    /// Samples that are still to come.
    pub fn left(&self) -> u32 {
        self.on + self.off
    }

    /// Writes the next samples; tells how many. Fewer than there is room for: the key is over.
    pub fn fill(&mut self, samples: &mut [i16]) -> usize {
        let mut written = 0;
        for sample in samples {
            if self.on > 0 {
                self.on -= 1;
                *sample = rounded(self.low.next_sample() + self.high.next_sample());
            } else if self.off > 0 {
                self.off -= 1;
                *sample = 0;
            } else {
                break;
            }
            written += 1;
        }
        written
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::dbm0_at;

    #[test]
    fn every_key_has_its_two_frequencies_at_their_levels() {
        for key in KEYS {
            let mut samples = [1; 2000];
            let written = KeyTone::new(key).map(|mut tone| tone.fill(&mut samples));
            assert_eq!(written, Some(1280));
            let (low, high) = frequencies_of(key).unwrap_or_default();
            assert!((dbm0_at(&samples[..640], low) - LOW_DBM0).abs() < 0.3);
            assert!((dbm0_at(&samples[..640], high) - HIGH_DBM0).abs() < 0.3);
            assert!(samples[640..1280].iter().all(|s| *s == 0));
        }
        assert_eq!(frequencies_of(b'5'), Some((770.0, 1336.0)));
        assert_eq!(frequencies_of(b'd'), Some((941.0, 1633.0)));
        assert!(KeyTone::new(b'E').is_none() && KeyTone::new(0).is_none());
    }
}
