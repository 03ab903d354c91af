//! Digits going out: tones and pauses one after the other, at the sample. Bad characters are passed over; whoever takes
//! digits from outside has refused them before.

use tipring_dsp::KeyTone;
use tipring_dsp::dtmf::{HIGH_DBM0, KEYS, LOW_DBM0};

use crate::words::Digits;

/// A string of digits on its way.
#[derive(Clone, Debug, Default)]
pub(super) struct Dialler {
    digits: Digits,
    next: usize,
    now: Sound,
}

/// What is being sent.
#[derive(Clone, Debug, Default)]
enum Sound {
    #[default]
    Nothing,
    Key(KeyTone),
    /// Samples of silence that are left.
    Pause(usize),
}

impl Dialler {
    /// These digits in place of what was on its way.
    pub(super) fn begin(&mut self, digits: &Digits) {
        let is_sound = |c: &char| matches!(c, 'w' | 'W') || u8::try_from(*c).is_ok_and(|c| KEYS.contains(&c));
        *self = Dialler { digits: digits.chars().filter(is_sound).collect(), next: 0, now: Sound::Nothing };
    }

    /// Whether there is anything left to send.
    pub(super) fn is_busy(&self) -> bool {
        !matches!(self.now, Sound::Nothing) || self.next < self.digits.len()
    }

    /// Fills all samples, with silence after the last digit.
    pub(super) fn fill(&mut self, samples: &mut [i16], on_ms: u16, off_ms: u16) {
        let mut done = 0;
        while let Some(rest) = samples.get_mut(done..).filter(|rest| !rest.is_empty()) {
            let room = rest.len();
            let written = match &mut self.now {
                Sound::Nothing => match self.digits.as_bytes().get(self.next) {
                    Some(digit) => {
                        self.next += 1;
                        self.now = sound_of(*digit, on_ms, off_ms);
                        continue;
                    }
                    None => return rest.fill(0),
                },
                Sound::Key(tone) => tone.fill(rest),
                Sound::Pause(left) => {
                    let written = room.min(*left);
                    *left -= written;
                    rest[..written].fill(0);
                    written
                }
            };
            done += written;
            let over = match &self.now {
                Sound::Key(tone) => tone.left() == 0,
                Sound::Pause(left) => *left == 0,
                Sound::Nothing => false,
            };
            if over {
                self.now = Sound::Nothing;
            }
        }
    }
}

fn sound_of(digit: u8, on_ms: u16, off_ms: u16) -> Sound {
    match digit {
        b'w' => Sound::Pause(HALF_SECOND),
        b'W' => Sound::Pause(2 * HALF_SECOND),
        _ => KeyTone::with(digit, LOW_DBM0, HIGH_DBM0, on_ms, off_ms).map_or(Sound::Nothing, Sound::Key),
    }
}

/// Samples.
const HALF_SECOND: usize = 4_000;

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    /// What goes out, in blocks of 80 samples: `true` where something sounds.
    fn blocks(digits: &str, on_ms: u16, off_ms: u16) -> Vec<bool> {
        let mut dialler = Dialler::default();
        dialler.begin(&digits.try_into().unwrap());
        let mut all = Vec::new();
        while dialler.is_busy() {
            let mut block = [99; 80];
            dialler.fill(&mut block, on_ms, off_ms);
            all.push(block.iter().any(|s| *s != 0));
        }
        all
    }

    #[test]
    fn tones_and_pauses_have_their_lengths() {
        let sent = blocks("1w2W3", 100, 100);
        assert_eq!(sent.len(), 3 * 20 + 50 + 100);
        assert_eq!(sent.iter().filter(|b| **b).count(), 30);
        assert!(sent[..10].iter().all(|b| *b) && !sent[10] && !sent[69] && sent[70]);
    }

    #[test]
    fn times_that_are_no_blocks_lose_no_sample() {
        // 33 + 34 ms a key: 20 keys are 1340 ms.
        assert_eq!(blocks("12345678901234567890", 33, 34).len(), 134);
    }

    #[test]
    fn what_is_no_key_is_passed_over_and_nothing_ends_at_once() {
        assert_eq!(blocks("x1?", 100, 100).len(), 20);
        assert_eq!(blocks("", 100, 100).len(), 0);
        assert_eq!(blocks("1", 0, 0).len(), 1);
    }
}
