//! Speech or silence, block by block, for Record's silence and talk detection. Not a recogniser: a loud dial tone counts
//! as speech. A block is active when it is 6 dB above the floor, the floor being the quietest block of the last 2.5 s
//! (speech has pauses, hum has none), held between two fixed levels. Three active blocks in a row begin speech, so that
//! a click does not; afterwards every active block prolongs it until the hangover is over.

use crate::level::{power_at, power_of};

/// State of one detector. Feed it blocks of one size; times below are for 10 ms.
#[derive(Clone, Copy, Debug)]
pub struct Speech {
    buckets: [f32; BUCKETS],
    bucket: usize,
    blocks_in_bucket: u8,
    run: u8,
    since_active: u8,
    speaking: bool,
}

/// What one block was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Voice {
    /// No speech, nor the rest of one.
    Silent,
    /// This block is speech.
    Active,
    /// This block is quiet, but speech was a moment ago.
    Hangover,
}

impl Speech {
    /// A detector that has heard nothing yet.
    pub const fn new() -> Speech {
        let buckets = [f32::MAX; BUCKETS];
        Speech { buckets, bucket: 0, blocks_in_bucket: 0, run: 0, since_active: 0, speaking: false }
    }

    /// Takes one block.
    pub fn feed(&mut self, samples: &[i16]) -> Voice {
        let power = power_of(samples);
        let active = power > self.threshold();
        self.note(power);
        self.run = if active { self.run.saturating_add(1) } else { 0 };
        if active && (self.speaking || self.run >= ONSET_BLOCKS) {
            self.speaking = true;
            self.since_active = 0;
            return Voice::Active;
        }
        if self.speaking {
            self.since_active += 1;
            if self.since_active <= HANGOVER_BLOCKS {
                return Voice::Hangover;
            }
            self.speaking = false;
        }
        Voice::Silent
    }

    /// Mean square of the quietest block of the last 2.5 s; very large before the first.
    pub fn floor(&self) -> f32 {
        self.buckets.iter().copied().fold(f32::MAX, f32::min)
    }

    /// Mean square that a block must exceed.
    fn threshold(&self) -> f32 {
        (self.floor() * ABOVE_FLOOR).clamp(LOWEST, HIGHEST)
    }

    fn note(&mut self, power: f32) {
        let bucket = &mut self.buckets[self.bucket];
        *bucket = bucket.min(power);
        self.blocks_in_bucket += 1;
        if self.blocks_in_bucket == BUCKET_BLOCKS {
            self.blocks_in_bucket = 0;
            self.bucket = (self.bucket + 1) % BUCKETS;
            self.buckets[self.bucket] = f32::MAX;
        }
    }
}

impl Default for Speech {
    fn default() -> Self {
        Speech::new()
    }
}

/// Memory of the floor: 8 times 32 blocks.
const BUCKETS: usize = 8;
const BUCKET_BLOCKS: u8 = 32;
/// 6 dB.
const ABOVE_FLOOR: f32 = 4.0;
/// A quiet voice on a long line; below it is line noise whatever the floor.
const LOWEST: f32 = power_at(-46.0);
/// Above this is speech however steady it is. Also where a detector begins that has not yet heard a floor.
const HIGHEST: f32 = power_at(-34.0);
/// Longer than a click or a hook transient.
const ONSET_BLOCKS: u8 = 3;
/// Pauses between words.
const HANGOVER_BLOCKS: u8 = 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tone;

    fn blocks_of(voice: Voice, seen: &[Voice]) -> usize {
        seen.iter().filter(|v| **v == voice).count()
    }

    fn feed(speech: &mut Speech, tone: Option<f32>, blocks: usize) -> std::vec::Vec<Voice> {
        let mut tone = tone.map(|dbm0| Tone::new(330.0, dbm0));
        (0..blocks)
            .map(|_| {
                let mut block = [0; 80];
                if let Some(tone) = &mut tone {
                    tone.fill(&mut block);
                }
                speech.feed(&block)
            })
            .collect()
    }

    #[test]
    fn a_voice_is_active_then_hangs_over_then_is_silent() {
        let mut speech = Speech::new();
        assert_eq!(blocks_of(Voice::Silent, &feed(&mut speech, None, 50)), 50);
        assert_eq!(blocks_of(Voice::Active, &feed(&mut speech, Some(-20.0), 30)), 28);
        let after = feed(&mut speech, None, 60);
        assert_eq!((blocks_of(Voice::Hangover, &after), blocks_of(Voice::Silent, &after)), (20, 40));
    }

    #[test]
    fn a_click_is_not_speech() {
        let mut speech = Speech::new();
        feed(&mut speech, None, 50);
        assert_eq!(blocks_of(Voice::Silent, &feed(&mut speech, Some(-5.0), 2)), 2);
        assert_eq!(blocks_of(Voice::Silent, &feed(&mut speech, None, 10)), 10);
    }

    #[test]
    fn steady_noise_becomes_the_floor() {
        let mut speech = Speech::new();
        feed(&mut speech, Some(-42.0), 300);
        assert_eq!(blocks_of(Voice::Silent, &feed(&mut speech, Some(-42.0), 50)), 50);
        assert!(blocks_of(Voice::Active, &feed(&mut speech, Some(-25.0), 20)) >= 18);
    }

    #[test]
    fn a_quiet_voice_on_a_quiet_line_counts() {
        let mut speech = Speech::new();
        feed(&mut speech, None, 10);
        assert!(blocks_of(Voice::Active, &feed(&mut speech, Some(-40.0), 20)) >= 18);
    }

    #[test]
    fn a_loud_tone_never_becomes_the_floor() {
        let mut speech = Speech::new();
        let seen = feed(&mut speech, Some(-15.0), 1000);
        assert_eq!(blocks_of(Voice::Active, &seen), 998);
    }
}
