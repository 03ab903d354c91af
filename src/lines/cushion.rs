//! How late the media thread is, and what that does to the delay of a bearer.
//!
//! A bearer's delay is one block, the time from its end to the tick, and what the card still has to send when the next
//! block is written: its cushion. The cushion is made at the first tick, with silence, so that it does not depend on when
//! the channel was opened. A tick that is later than the cushion is long finds that the card has run dry and has sent
//! silence instead; as one block is written for each one read, the delay would be longer by that silence from then on. So
//! as much is left out of the next blocks. Where less had run dry than we thought, the cushion was longer than it should
//! be, and leaving out makes it right, too.
//!
//! Lateness is measured against the earliest ticks. It is not for analogue lines, whose digits have a lead of their own.

use tipring_card::{BLOCK, BLOCK_US};

/// A card's clock may be this much slower than ours: 500 parts in a million.
const SLOWER_US: u64 = BLOCK_US / 2_000;
/// A tick that is later than the next one would be, by more than a kernel's own steps, says that the clock stood.
const STOOD_US: u64 = 5_000;
/// Octets that the wire takes in a millisecond.
const OCTETS_A_MS: usize = 8;
/// A millisecond.
const MS_US: u64 = 1_000;
/// Octets by which the cushion is shorter than the blocks that were ordered: 2 ms.
const TRIM: usize = 16;

/// When ticks are due, on our own clock.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Due {
    next_us: Option<u64>,
}

impl Due {
    /// So many ticks were found at this time: by how much the last of them came late, and those before it with it.
    pub fn late_us(&mut self, now_us: u64, ticks: u32) -> u64 {
        let spans_us = u64::from(ticks) * BLOCK_US;
        let due_us = self.next_us.unwrap_or(now_us).min(now_us);
        let stood = now_us - due_us > spans_us + STOOD_US;
        let due_us = if stood { now_us - (spans_us - BLOCK_US).min(now_us) } else { due_us };
        self.next_us = Some(due_us + spans_us + SLOWER_US * u64::from(ticks));
        (now_us - due_us).min(spans_us)
    }
}

/// What a bearer is ahead of the wire.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cushion {
    octets: usize,
    /// Octets to be left out.
    surplus: usize,
    /// It was made.
    pub is_made: bool,
}

impl Cushion {
    /// That of a bearer which is to be so many blocks ahead once one was written.
    pub fn new(blocks: u8) -> Cushion {
        let octets = (usize::from(blocks).saturating_sub(1) * BLOCK).saturating_sub(TRIM).max(TRIM);
        Cushion { octets, surplus: 0, is_made: false }
    }

    /// How much silence goes in front of the first block, in a tick that comes so late.
    pub fn make(&mut self, late_us: u64) -> usize {
        self.is_made = true;
        self.octets.saturating_sub(octets(late_us))
    }

    /// A tick was late: what it is too late for the cushion has become delay.
    pub fn late(&mut self, late_us: u64) {
        if self.is_made {
            self.surplus += octets(late_us).saturating_sub(self.octets);
        }
    }

    /// Octets to leave out at the beginning of this block.
    pub fn leave_out(&mut self) -> usize {
        let out = self.surplus.min(BLOCK);
        self.surplus -= out;
        out
    }
}

/// The wire takes whole milliseconds.
fn octets(us: u64) -> usize {
    usize::try_from(us / MS_US).unwrap_or(usize::MAX / OCTETS_A_MS) * OCTETS_A_MS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_ticks_say_when_the_others_are_due() {
        let mut due = Due::default();
        assert_eq!(due.late_us(1_000_000, 1), 0);
        let late: Vec<u64> = [12, 20, 32, 40, 52].map(|ms| due.late_us(1_000_000 + ms * 1_000, 1)).to_vec();
        assert!(late.iter().zip([2_000, 0, 2_000, 0, 2_000]).all(|(a, b)| a.abs_diff(b) < 100), "{late:?}");
    }

    #[test]
    fn ticks_that_are_found_together_are_late_by_the_first_of_them() {
        let mut due = Due::default();
        due.late_us(1_000_000, 1);
        assert!(due.late_us(1_000_000 + 34_000, 3).abs_diff(24_000) < 100);
        assert!(due.late_us(1_000_000 + 40_000, 1) < 100);
    }

    #[test]
    fn a_slow_clock_and_one_that_stood_are_followed() {
        let mut due = Due::default();
        let most = (0..100_000_u64).map(|n| due.late_us(1_000_000 + n * 10_002, 1)).max();
        assert!(most < Some(10), "{most:?}");
        let mut due = Due::default();
        due.late_us(1_000_000, 1);
        assert_eq!(due.late_us(3_000_000, 1), 0, "two seconds without a tick are no backlog");
        assert!(due.late_us(3_010_000, 1) < 10);
    }

    /// The kernel's side of a bearer: what it has to send, and how much silence it has put in.
    fn run(lates_ms: &[u64]) -> (i64, i64) {
        let (mut cushion, mut ahead, mut put_in, mut left_out) = (Cushion::new(2), 0i64, 0i64, 0i64);
        for late_ms in lates_ms {
            // The ticks that are found: those missed, and the one that is due now.
            let ticks = 1 + late_ms / 10;
            ahead -= (ticks * 80 + late_ms % 10 * 8) as i64;
            if cushion.is_made {
                put_in += (-ahead).max(0);
            }
            ahead = ahead.max(0);
            cushion.late(*late_ms * 1_000);
            for _ in 0..ticks {
                if !cushion.is_made {
                    ahead += cushion.make(*late_ms * 1_000) as i64;
                }
                let out = cushion.leave_out() as i64;
                left_out += out;
                ahead += 80 - out;
            }
            // Until the time of the tick.
            ahead += (late_ms % 10 * 8) as i64;
        }
        (ahead, put_in - left_out)
    }

    #[test]
    fn what_has_run_dry_is_left_out_again_and_the_delay_stays() {
        let (steady, _) = run(&[0; 20]);
        for lates in [&[0, 0, 8, 0, 0][..], &[0, 0, 9, 0, 0], &[0, 0, 25, 0, 0, 13, 0, 0], &[0, 77, 0, 0, 0, 0, 0, 0]] {
            let (ahead, grown) = run(lates);
            assert_eq!((ahead, grown), (steady, 0), "{lates:?}");
        }
    }

    #[test]
    fn a_first_tick_that_is_late_makes_no_delay() {
        assert_eq!(run(&[3, 0, 0, 0]).0, run(&[0, 0, 0, 0]).0);
    }
}
