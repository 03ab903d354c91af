//! Bursts and pauses, and which of a country's rhythms they are. Tolerance: 15 % of each, and 10 ms for
//! the two edges, which lie in steps of 5 ms and are late in noise.

use super::sounds::{Kind, Mask, Rhythm, Sounds};

/// Bursts and pauses that are kept: more than the longest rhythm needs.
const KEPT: usize = 12;

/// The last bursts and pauses in turn.
#[derive(Clone, Copy, Debug)]
pub(super) struct History {
    spans: [Span; KEPT],
    count: usize,
    /// The newest is a burst.
    burst_last: bool,
}

/// A burst or a pause.
#[derive(Clone, Copy, Debug)]
struct Span {
    ms: u32,
    mask: Mask,
    power: f32,
}

impl History {
    pub const fn new() -> History {
        History { spans: [Span { ms: 0, mask: 0, power: 0.0 }; KEPT], count: 0, burst_last: false }
    }

    pub fn forget(&mut self) {
        self.count = 0;
    }

    /// A burst ended. One that is no tone of the network parts what was before from what comes.
    pub fn burst(&mut self, ms: u32, mask: Mask, power: f32) {
        if mask == 0 {
            self.count = 0;
            return;
        }
        self.push(Span { ms, mask, power });
        self.burst_last = true;
    }

    /// A pause ended.
    pub fn pause(&mut self, ms: u32) {
        if self.count > 0 {
            self.push(Span { ms, mask: 0, power: 0.0 });
            self.burst_last = false;
        }
    }

    fn push(&mut self, span: Span) {
        self.spans.rotate_right(1);
        self.spans[0] = span;
        self.count = (self.count + 1).min(KEPT);
    }

    /// The rhythm that fits best, of those of which enough was heard.
    pub fn rhythm<'a>(&self, sounds: &'a Sounds, needed: impl Fn(&Rhythm) -> Option<usize>) -> Option<&'a Rhythm> {
        let mut best: Option<(f32, &Rhythm)> = None;
        for rhythm in sounds.rhythms() {
            let Some(needed) = needed(rhythm) else { continue };
            let Some(off) = self.deviation(rhythm, needed) else { continue };
            if best.is_none_or(|(least, _)| off + EQUAL < least) {
                best = Some((off, rhythm));
            }
        }
        best.map(|(_, rhythm)| rhythm)
    }

    /// How far the last spans are from a rhythm, on the average; `None`: too far, too few, another sound.
    fn deviation(&self, rhythm: &Rhythm, needed: usize) -> Option<f32> {
        let heard = self.spans.get(..needed)?;
        if self.count < needed || rhythm.on_off_ms.is_empty() || !self.is_even(heard, rhythm) {
            return None;
        }
        let length = rhythm.on_off_ms.len();
        let newest = usize::from(!self.burst_last);
        (newest..length)
            .step_by(2)
            .filter_map(|at| {
                let mut sum = 0.0;
                for (back, span) in heard.iter().enumerate() {
                    let ms = f32::from(rhythm.on_off_ms[(at + KEPT * length - back) % length]);
                    let off = (span.ms as f32 - ms).abs();
                    if off > ms * TOLERANCE + EDGE_MS {
                        return None;
                    }
                    sum += off / ms;
                }
                Some(sum / needed as f32)
            })
            .min_by(f32::total_cmp)
    }

    /// All bursts are the rhythm's sound, and as strong as they are to be.
    fn is_even(&self, heard: &[Span], rhythm: &Rhythm) -> bool {
        let bursts = || heard.iter().filter(|span| span.power > 0.0);
        if !bursts().all(|span| span.mask >> rhythm.sound & 1 == 1) {
            return false;
        }
        if rhythm.step_db == 0 {
            return bursts().zip(bursts().skip(1)).all(|(a, b)| is_within(a.power, b.power, LEVEL_RATIO));
        }
        // Up and down in turn by at least half of the step.
        bursts().zip(bursts().skip(2)).all(|(a, b)| is_within(a.power, b.power, LEVEL_RATIO))
            && bursts().zip(bursts().skip(1)).all(|(a, b)| !is_within(a.power, b.power, STEP_RATIO))
    }

    /// Whether the last burst ends a group of a rhythm's bursts: the pauses before it were none of the longest.
    pub fn is_group(&self, rhythm: &Rhythm) -> bool {
        if rhythm.on_off_ms.len() == 2 {
            return true;
        }
        let longest = rhythm.on_off_ms.iter().skip(1).step_by(2).copied().max().map_or(0, u32::from);
        self.spans[1].ms < longest / 2
    }

    /// Whether the burst that has just ended may be one of this rhythm.
    pub fn is_burst_of(&self, rhythm: &Rhythm) -> bool {
        let newest = self.spans[0];
        self.count > 0
            && self.burst_last
            && newest.mask >> rhythm.sound & 1 == 1
            && rhythm
                .on_off_ms
                .iter()
                .step_by(2)
                .any(|ms| (newest.ms as f32 - f32::from(*ms)).abs() <= f32::from(*ms) * TOLERANCE + EDGE_MS)
    }
}

/// Spans by which a rhythm is certain: three cycles of a simple one; a whole turn and a burst more of another.
pub(super) fn spans_needed(rhythm: &Rhythm) -> usize {
    (rhythm.on_off_ms.len() + 2).max(6)
}

/// Spans by which a dial tone with a rhythm is certain when it is expected.
pub(super) const DIAL_SPANS: usize = 3;

impl Rhythm {
    /// Its longest burst.
    pub fn longest_ms(&self) -> u32 {
        self.on_off_ms.iter().step_by(2).copied().max().map_or(0, u32::from)
    }

    pub fn is(&self, kinds: &[Kind]) -> bool {
        kinds.contains(&self.kind)
    }
}

fn is_within(a: f32, b: f32, ratio: f32) -> bool {
    a <= b * ratio && b <= a * ratio
}

const TOLERANCE: f32 = 0.15;
const EDGE_MS: f32 = 10.0;
/// Two rhythms that are so nearly as good are equally good.
const EQUAL: f32 = 0.01;
/// Bursts of one rhythm are equally strong within 3 dB; those that are not to be differ by 5 dB.
const LEVEL_RATIO: f32 = 2.0;
const STEP_RATIO: f32 = 3.16;
