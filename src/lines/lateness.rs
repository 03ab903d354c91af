//! How late the audio side was, without a clock: ticks that wait tell it.

use tipring_card::BLOCK_US;

/// Bounds of the classes of [`Lateness`].
pub const LATE_BOUNDS_MS: [u64; 4] = [10, 20, 50, 200];
/// And one for all that is later.
pub const LATE_CLASSES: usize = LATE_BOUNDS_MS.len() + 1;

/// How late ticks were run that were run late: a tick that waits for the one after it is 10 ms late, and so on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lateness {
    /// Late ticks up to each bound of [`LATE_BOUNDS_MS`] (and above the one before), then those above the last.
    pub ticks: [u64; LATE_CLASSES],
    /// All of them together.
    pub sum_ms: u64,
}

impl Lateness {
    /// `ticks` were due when the first of them was run: all but the last are late.
    pub(crate) fn note(&mut self, ticks: u32) {
        for behind in 1..u64::from(ticks) {
            let ms = behind * BLOCK_MS;
            self.ticks[LATE_BOUNDS_MS.iter().position(|bound| ms <= *bound).unwrap_or(LATE_BOUNDS_MS.len())] += 1;
            self.sum_ms += ms;
        }
    }
}

/// Length of a block.
const BLOCK_MS: u64 = BLOCK_US / 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_run_back_to_back_are_late_by_what_waits_behind_them() {
        let mut late = Lateness::default();
        late.note(0);
        late.note(1);
        assert_eq!(late, Lateness::default(), "a tick in time is not late");
        late.note(2);
        assert_eq!((late.ticks, late.sum_ms), ([1, 0, 0, 0, 0], 10));
        late.note(100);
        assert_eq!((late.ticks, late.sum_ms), ([2, 1, 3, 15, 79], 10 + 10 * (99 * 100 / 2)));
    }
}
