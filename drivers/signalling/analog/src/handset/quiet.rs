//! How long nothing has gone over a line either way, and how loud each second was. It knows no voice and no tone: whatever
//! is louder than -50 dBm0 for longer than a click is something.

use tipring_card::BLOCK;
use tipring_dsp::g711::Companding;
use tipring_dsp::level::{dbm0_of_power_in, power_at};

use crate::words::Level;

/// Silence of both sides of one line.
#[derive(Clone, Debug, Default)]
pub(super) struct Quiet {
    from_line: Side,
    to_line: Side,
    blocks: u32,
    /// Blocks from the line since the last level.
    measured: u32,
}

/// Blocks in a row in which one side was loud, and what it has sounded since the last level.
#[derive(Clone, Copy, Debug, Default)]
struct Side {
    loud: u8,
    sum: i64,
    blocks: u32,
}

impl Side {
    /// Whether this block, with those before it, is more than a click.
    fn is_heard(&mut self, samples: &[i16; BLOCK]) -> bool {
        let sum: i64 = samples.iter().map(|sample| i64::from(*sample) * i64::from(*sample)).sum();
        (self.sum, self.blocks) = (self.sum.saturating_add(sum), self.blocks.saturating_add(1));
        let loud = sum as f32 > FLOOR * BLOCK as f32;
        self.loud = if loud { self.loud.saturating_add(1) } else { 0 };
        self.loud > CLICK_BLOCKS
    }

    /// How loud it was since the last time.
    fn level(&mut self, law: Companding) -> i8 {
        let (sum, blocks) = (core::mem::take(&mut self.sum), core::mem::take(&mut self.blocks));
        let power = sum as f32 / (blocks.max(1) as f32 * BLOCK as f32);
        // Half a decibel either way: a cast cuts towards zero.
        (dbm0_of_power_in(power, law) - 0.5) as i8
    }
}

impl Quiet {
    /// A block from the line. Tells each whole second for how many milliseconds nothing has gone either way.
    pub(super) fn hears(&mut self, samples: &[i16; BLOCK]) -> Option<u32> {
        self.blocks = if self.from_line.is_heard(samples) { 0 } else { self.blocks.saturating_add(1) };
        let ms = self.blocks.saturating_mul(BLOCK_MS);
        (ms > 0 && ms.is_multiple_of(1_000)).then_some(ms)
    }

    /// How loud the last second was, each whole second.
    pub(super) fn level(&mut self, law: Companding) -> Option<Level> {
        self.measured = (self.measured + 1) % LEVEL_BLOCKS;
        (self.measured == 0).then(|| Level { from_line: self.from_line.level(law), to_line: self.to_line.level(law) })
    }

    /// A block to the line.
    pub(super) fn says(&mut self, samples: &[i16; BLOCK]) {
        if self.to_line.is_heard(samples) {
            self.blocks = 0;
        }
    }
}

/// What is weaker is silence.
const FLOOR: f32 = power_at(-50.0);
/// A click is no longer than this.
const CLICK_BLOCKS: u8 = 2;
const BLOCK_MS: u32 = 10;
/// A second.
const LEVEL_BLOCKS: u32 = 100;

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    /// What is told of so many blocks, each side of this amplitude (a square wave's power is its square).
    fn told(blocks: u32, line: impl Fn(u32) -> i16, ours: impl Fn(u32) -> i16) -> Vec<u32> {
        let mut quiet = Quiet::default();
        let both = |n: u32| {
            quiet.says(&[ours(n); BLOCK]);
            quiet.hears(&[line(n); BLOCK])
        };
        (0..blocks).filter_map(both).collect()
    }

    fn amplitude(dbm0: f32) -> i16 {
        f32::sqrt(power_at(dbm0)) as i16
    }

    #[test]
    fn silence_of_both_is_told_each_second_and_sound_of_either_begins_it_anew() {
        let (under, over) = (amplitude(-51.0), amplitude(-49.0));
        assert_eq!(told(350, |_| under, |_| under), [1_000, 2_000, 3_000]);
        assert_eq!(told(350, |_| over, |_| 0), []);
        assert_eq!(told(350, |_| 0, |_| over), []);
        assert_eq!(told(350, |_| 0, |n| if (150..170).contains(&n) { over } else { 0 }), [1_000, 1_000]);
    }

    #[test]
    fn a_level_is_the_mean_of_its_second_and_of_nothing_before_it() {
        let mut quiet = Quiet::default();
        let mut levels = Vec::new();
        for n in 0..300 {
            // The first second has sound in a half of it: 3 dB less. The last has none.
            let line = if (50..200).contains(&n) { amplitude(-20.0) } else { 0 };
            let _ = quiet.hears(&[line; BLOCK]);
            levels.extend(quiet.level(Companding::A));
            quiet.says(&[if n < 100 { amplitude(-31.0) } else { 0 }; BLOCK]);
        }
        let told: Vec<(i8, i8)> = levels.iter().map(|level| (level.from_line, level.to_line)).collect();
        assert_eq!(told, [(-23, -31), (-20, -51), (-96, -96)], "what is said is a block behind");
    }

    #[test]
    fn a_click_is_no_sound() {
        let click = amplitude(-10.0);
        assert_eq!(told(350, |n| if n % 50 < 2 { click } else { 0 }, |_| 0), [1_000, 2_000, 3_000]);
        assert_eq!(told(350, |n| if n % 50 < 3 { click } else { 0 }, |_| 0), []);
    }
}
