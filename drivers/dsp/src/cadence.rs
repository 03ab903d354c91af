//! A tone in its rhythm: dial tone, ringback, busy and the like as a network sends them. It chooses no country.

use crate::tone::rounded;
use crate::{Cadence, RATE, Tone};

/// A tone with its rhythm, without end. Copy it to have the same again.
#[derive(Clone, Copy, Debug)]
pub struct CadenceTone {
    cadence: Cadence,
    first: Tone,
    second: Option<Tone>,
    /// Place in the rhythm and samples left of it.
    at: usize,
    left: u32,
}

impl CadenceTone {
    /// From the beginning of the rhythm. The level is that of the whole sound while it sounds.
    pub fn new(cadence: Cadence, dbm0: f32) -> CadenceTone {
        let [first, second] = cadence.hz;
        // Two equal tones are each 3 dB lower; a carrier modulated to the full is 1.76 dB lower.
        let each = match (second, cadence.modulated) {
            (0, _) => dbm0,
            (_, false) => dbm0 - 3.01,
            (_, true) => dbm0 - 1.76,
        };
        let second_level = if cadence.modulated { UNITY_DBM0 } else { each };
        CadenceTone {
            cadence,
            first: Tone::new(f32::from(first), each),
            second: (second != 0).then(|| Tone::new(f32::from(second), second_level)),
            at: 0,
            left: samples_of(cadence.on_off_ms.first().copied().unwrap_or(0)),
        }
    }

    /// The next samples, sound or silence, written over what is there.
    pub fn fill(&mut self, samples: &mut [i16]) {
        for sample in samples {
            *sample = self.next_sample();
        }
    }

    fn next_sample(&mut self) -> i16 {
        let count = self.cadence.on_off_ms.len();
        let mut turns = 0;
        while self.left == 0 && turns < count {
            self.at = (self.at + 1) % count;
            self.left = samples_of(self.cadence.on_off_ms[self.at]);
            turns += 1;
        }
        self.left = self.left.saturating_sub(1);
        if self.at % 2 == 1 {
            return 0;
        }
        let first = self.first.next_sample();
        rounded(match &mut self.second {
            None => first,
            Some(second) if self.cadence.modulated => first * (1.0 + second.next_sample() / UNITY_PEAK),
            Some(second) => first + second.next_sample(),
        })
    }
}

fn samples_of(ms: u16) -> u32 {
    u32::from(ms) * (RATE / 1000)
}

/// The level at which the modulating tone is made, and the peak that it then has.
const UNITY_DBM0: f32 = 0.0;
const UNITY_PEAK: f32 = crate::level::peak_at(UNITY_DBM0);
