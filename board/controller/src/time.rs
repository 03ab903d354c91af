//! The time of both machines: milliseconds, as a chip's own tick counts them.

use core::ops::Add;

/// A moment, or a length of time, in milliseconds since whoever counts it has begun.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Millis(pub u64);

impl Millis {
    /// From `earlier` to `self`; zero when `earlier` is later.
    pub const fn since(self, earlier: Millis) -> Millis {
        Millis(self.0.saturating_sub(earlier.0))
    }

    /// The same in two octets of a message; what is longer is the most that they hold.
    pub const fn short(self) -> u16 {
        if self.0 > u16::MAX as u64 { u16::MAX } else { self.0 as u16 }
    }
}

impl Add for Millis {
    type Output = Millis;
    fn add(self, other: Millis) -> Millis {
        Millis(self.0.saturating_add(other.0))
    }
}
