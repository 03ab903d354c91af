//! How long the ticks of the audio side took, in classes of a tenth of a millisecond: a block has ten of them.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Width of a class.
const CLASS_US: u64 = 100;
/// Classes: up to 100 ms, ten blocks; the last has all that took longer.
const CLASSES: usize = 1_000;

/// How many ticks took how long, by the wall's clock; every turn of the media thread is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Work([u64; CLASSES]);

impl Work {
    /// Ticks since an earlier look.
    pub fn since(&self, earlier: &Work) -> Work {
        Work(std::array::from_fn(|class| self.0[class].saturating_sub(earlier.0[class])))
    }

    /// How many.
    pub fn ticks(&self) -> u64 {
        self.0.iter().sum()
    }

    /// A share of all took at most so many milliseconds: the upper end of the class that it lies in; 0 without ticks.
    pub fn at_ms(&self, share: f64) -> f64 {
        let rank = ((share * self.ticks() as f64).ceil() as u64).max(1);
        let mut below = 0;
        let class = self.0.iter().position(|ticks| {
            below += ticks;
            below >= rank
        });
        class.map_or(0.0, |class| (class as u64 + 1) as f64 * CLASS_US as f64 / 1_000.0)
    }
}

/// Where the media thread notes it: plain atomics, as it must wait for nobody.
pub(crate) struct Worked([AtomicU64; CLASSES]);

impl Default for Worked {
    fn default() -> Self {
        Worked([const { AtomicU64::new(0) }; CLASSES])
    }
}

impl Worked {
    pub(crate) fn note(&self, us: u64) {
        let class = usize::try_from(us / CLASS_US).unwrap_or(CLASSES).min(CLASSES - 1);
        self.0[class].fetch_add(1, Relaxed);
    }

    pub(crate) fn read(&self) -> Work {
        Work(std::array::from_fn(|class| self.0[class].load(Relaxed)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_ticks_is_told_by_its_class() {
        let worked = Worked::default();
        assert_eq!(worked.read().at_ms(0.99), 0.0);
        worked.note(5_000_000);
        let before = worked.read();
        assert_eq!(before.at_ms(1.0), 100.0, "what took longer is in the last class");
        (0..99).for_each(|_| worked.note(250));
        worked.note(9_949);
        let work = worked.read().since(&before);
        assert_eq!((work.ticks(), work.at_ms(0.5), work.at_ms(0.99), work.at_ms(1.0)), (100, 0.3, 0.3, 10.0));
    }
}
