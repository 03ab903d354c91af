//! The three rising tones, told block by block: each alone, in order, for its time. Nothing of a country in it, but that
//! two of them do in Finland and Estonia.
//!
//! Source: ITU-T E.180 (950, 1400, 1800 Hz, 330 ms each); the variants of the zone table and of North America.

use super::atom::Atom;

/// How far the three have come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rising {
    /// Which of the three was heard last, for how many blocks, and how many were none since.
    stage: usize,
    run: u32,
    gap: u32,
    told: bool,
}

impl Rising {
    pub const fn new() -> Rising {
        Rising { stage: 0, run: 0, gap: 0, told: false }
    }

    /// Takes the block that the three atoms have heard; `true` once, when it is certain.
    pub fn block(&mut self, atoms: [Option<&Atom>; 3], energy: f32, two: bool) -> bool {
        let Some(heard) = atoms.iter().position(|atom| atom.is_some_and(|atom| is_heard(atom, energy))) else {
            self.gap += 1;
            if self.gap > GAP_BLOCKS {
                *self = Rising::new();
            }
            return false;
        };
        let whole = (LEAST_BLOCKS..=MOST_BLOCKS).contains(&self.run);
        if heard == self.stage && self.gap <= DROPOUT_BLOCKS {
            self.run = (self.run + 1 + self.gap).min(u32::from(u16::MAX));
        } else if heard == self.stage + 1 && whole {
            (self.stage, self.run) = (heard, 1);
        } else {
            // Only the first begins: after the wrong one nothing follows on.
            let run = if heard == 0 { 1 } else { 0 };
            *self = Rising { run, ..Rising::new() };
        }
        self.gap = 0;
        let last = self.stage == 2 && self.run >= LEAST_BLOCKS;
        let certain = (last || two && self.stage == 1 && self.run >= TWO_BLOCKS) && !self.told;
        self.told |= certain;
        certain
    }
}

/// The tone alone, within 7.5 % of the middle of its band: countries differ by 5 %.
fn is_heard(atom: &Atom, energy: f32) -> bool {
    energy > 0.0 && atom.off_hz(&atom.now).abs() <= atom.hz * 0.075 && atom.whole(&atom.now) >= energy * 0.85
}

/// Each tone lasts from 200 to 460 ms; the block in which it changes to the next is heard as none.
const LEAST_BLOCKS: u32 = 20;
const MOST_BLOCKS: u32 = 46;
/// Silence between two of them: 60 ms.
const GAP_BLOCKS: u32 = 6;
/// Inside one of them.
const DROPOUT_BLOCKS: u32 = 2;
/// The second of two lasts for more than a second.
const TWO_BLOCKS: u32 = 90;
