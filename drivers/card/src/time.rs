//! One clock word for every machine: microseconds since the process (or the simulated world) began. Machines are
//! given it, they never ask for it.

use core::ops::{Add, Sub};

/// A moment, in microseconds since the start. Differences are plain microseconds too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Micros(pub u64);

impl Micros {
    /// The start of time.
    pub const ZERO: Micros = Micros(0);
    /// Later than anything that is ever scheduled.
    pub const FOREVER: Micros = Micros(u64::MAX);

    /// A length of `ms` milliseconds.
    pub const fn from_ms(ms: u64) -> Self {
        Micros(ms.saturating_mul(1_000))
    }

    /// A length of `s` seconds.
    pub const fn from_s(s: u64) -> Self {
        Micros(s.saturating_mul(1_000_000))
    }

    /// Whole milliseconds.
    pub const fn as_ms(self) -> u64 {
        self.0 / 1_000
    }

    /// Whole seconds.
    pub const fn as_s(self) -> u64 {
        self.0 / 1_000_000
    }

    /// Time from `earlier` to `self`; zero when `earlier` is later.
    pub const fn since(self, earlier: Micros) -> Micros {
        Micros(self.0.saturating_sub(earlier.0))
    }
}

impl Add for Micros {
    type Output = Micros;
    fn add(self, other: Micros) -> Micros {
        Micros(self.0.saturating_add(other.0))
    }
}

impl Sub for Micros {
    type Output = Micros;
    fn sub(self, other: Micros) -> Micros {
        self.since(other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates_at_both_ends() {
        assert_eq!(Micros::from_ms(5) - Micros::from_ms(7), Micros::ZERO);
        assert_eq!(Micros::FOREVER + Micros(1), Micros::FOREVER);
        assert_eq!(Micros::from_s(2).as_ms(), 2_000);
    }
}
