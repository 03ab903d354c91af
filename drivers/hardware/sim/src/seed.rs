//! The one source of chance in the simulated world: a small generator, started by a number. It is not secret and not
//! meant to be.
//!
//! Source: the 64-bit mixing generator of Steele, Lea and Flood, "Fast splittable pseudorandom number generators".

/// A stream of numbers that is the same for the same start.
#[derive(Clone, Debug)]
pub struct Seed(u64);

impl Seed {
    /// The stream that belongs to `seed`.
    pub fn new(seed: u64) -> Self {
        Seed(seed ^ 0x6A09_E667_F3BC_C908)
    }

    /// A stream of its own for part `part`: what one part draws does not move the others.
    pub fn part(&self, part: u64) -> Seed {
        let mut stream = Seed(self.0.wrapping_add(part.wrapping_mul(0xD1B5_4A32_D192_ED03)));
        stream.draw();
        stream
    }

    /// The next 64 bits.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `bound`; 0 when the bound is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.draw() % bound }
    }

    /// True `ppm` times in a million.
    pub fn happens(&mut self, ppm: u32) -> bool {
        ppm > 0 && self.below(1_000_000) < u64::from(ppm)
    }

    /// A distance to the next happening, `mean` on average and at least 1.
    pub fn gap(&mut self, mean: u64) -> u64 {
        1 + self.below(mean.max(1).saturating_mul(2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_seeds_draw_equally_and_parts_differ() {
        let (mut a, mut b) = (Seed::new(7), Seed::new(7));
        assert!((0..100).all(|_| a.draw() == b.draw()));
        assert_ne!(Seed::new(7).part(1).draw(), Seed::new(7).part(2).draw());
        assert_ne!(Seed::new(7).draw(), Seed::new(8).draw());
    }

    #[test]
    fn chance_keeps_its_rate() {
        let mut seed = Seed::new(1);
        let hits = (0..100_000).filter(|_| seed.happens(10_000)).count();
        assert!((800..1_200).contains(&hits), "{hits}");
        assert!(!(0..1_000).any(|_| seed.happens(0)));
    }
}
