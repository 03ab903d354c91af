//! One frequency that is listened for: how much of it there is, and how far off it is. It knows no tone and no country.
//!
//! A block's samples are correlated with the frequency in two halves of 5 ms. A narrow atom puts four halves together
//! (20 ms, so that 50 Hz away nothing is heard) and measures the frequency by the turn of phase from block to block; a
//! wide one takes each half by itself, so that a beating or modulated tone around the frequency counts as one.

use crate::RATE;
use crate::math::{atan2_turns, cos_turns, sin_turns};

/// Samples of half a block.
pub(super) const HALF: usize = 40;

/// A complex number.
type Complex = [f32; 2];

/// One frequency and what was heard of it.
#[derive(Clone, Debug)]
pub(super) struct Atom {
    pub hz: f32,
    pub wide: bool,
    /// Cosine and minus sine.
    taps: [[f32; HALF]; 2],
    /// Turn of the frequency in half a block, and in a whole one, backwards.
    turn: Complex,
    turn_twice: Complex,
    /// Of the block before: the sum of both halves, the second half, the window.
    block: Complex,
    half: Complex,
    window: Complex,
    /// Of the block before: the power of either half.
    halves: [f32; 2],
    /// Of the running block: its mean square of this frequency, and phase step times power.
    pub now: Part,
    /// The same of the block before, which becomes part of a burst when the burst goes on after it.
    before: Part,
    /// Sums over the running burst; and over its last blocks, of which it is not known yet whether it goes on after them.
    pub sum: Part,
    open: Part,
}

/// A share of a sound at one frequency.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Part {
    /// Mean square.
    pub power: f32,
    /// Its square, for the steadiness; of a wide atom the square of its change in 10 ms, for the beating.
    pub square: f32,
    /// Power in the direction of the phase's turn.
    pub step: Complex,
}

impl Part {
    const NONE: Part = Part { power: 0.0, square: 0.0, step: [0.0; 2] };

    fn add(&mut self, other: Part) {
        self.power += other.power;
        self.square += other.square;
        self.step[0] += other.step[0];
        self.step[1] += other.step[1];
    }

    /// How much the power changes in 10 ms: its square by the square of the mean. A note that fades has next to none, a
    /// beating or modulated tone has 0.4 and more.
    pub fn beating(&self, count: u32) -> f32 {
        if self.power > 0.0 { self.square * count as f32 / (self.power * self.power) } else { 0.0 }
    }

    /// How unsteady: the variance of the power by its mean's square.
    pub fn unsteadiness(&self, count: u32) -> f32 {
        if self.power > 0.0 { self.square * count as f32 / (self.power * self.power) - 1.0 } else { 0.0 }
    }
}

impl Atom {
    pub fn new(hz: f32, wide: bool) -> Atom {
        let turns = |samples: usize| f64::from(hz) * samples as f64 / f64::from(RATE);
        let back = |samples: usize| [cos_turns(turns(samples)) as f32, -(sin_turns(turns(samples)) as f32)];
        let mut taps = [[0.0; HALF]; 2];
        let [cosines, sines] = &mut taps;
        for (n, (cosine, sine)) in cosines.iter_mut().zip(sines).enumerate() {
            [*cosine, *sine] = back(n);
        }
        Atom {
            hz,
            wide,
            taps,
            turn: back(HALF),
            turn_twice: back(2 * HALF),
            block: [0.0; 2],
            half: [0.0; 2],
            window: [0.0; 2],
            halves: [0.0; 2],
            now: Part::NONE,
            before: Part::NONE,
            sum: Part::NONE,
            open: Part::NONE,
        }
    }

    /// Forgets all it has heard.
    pub fn forget(&mut self) {
        (self.block, self.half, self.window, self.halves) = ([0.0; 2], [0.0; 2], [0.0; 2], [0.0; 2]);
        (self.now, self.before, self.sum, self.open) = (Part::NONE, Part::NONE, Part::NONE, Part::NONE);
    }

    /// Takes the next block, half by half.
    pub fn hear(&mut self, halves: &[[f32; HALF]; 2]) {
        let first = correlate(&self.taps, &halves[0]);
        let second = correlate(&self.taps, &halves[1]);
        self.before = self.now;
        if self.wide {
            let (a, b) = (self.step_to(self.half, first), self.step_to(first, second));
            let halves = [power(first, HALF), power(second, HALF)];
            let changes = [halves[0] - self.halves[0], halves[1] - self.halves[1]];
            self.now = Part {
                power: (halves[0] + halves[1]) / 2.0,
                square: (changes[0] * changes[0] + changes[1] * changes[1]) / 2.0,
                step: [a[0] + b[0], a[1] + b[1]],
            };
            (self.half, self.halves) = (second, halves);
            return;
        }
        let block = add(first, times(second, self.turn));
        let window = add(self.block, times(block, self.turn_twice));
        let level = power(window, 4 * HALF);
        let step = times(times(window, conjugate(self.window)), self.turn_twice);
        self.now = Part { power: level, square: level * level, step };
        (self.block, self.window) = (block, window);
    }

    fn step_to(&self, from: Complex, to: Complex) -> Complex {
        times(times(to, conjugate(from)), self.turn)
    }

    /// Mean square of this frequency in the last 20 ms.
    pub fn lately(&self) -> f32 {
        if self.wide { (self.now.power + self.before.power) / 2.0 } else { self.now.power }
    }

    /// Begins a burst.
    pub fn begin(&mut self) {
        (self.sum, self.open) = (Part::NONE, Part::NONE);
    }

    /// Makes the block before part of the burst: at once if the burst goes on, else when it does.
    pub fn commit(&mut self, goes_on: bool) {
        self.open.add(self.before);
        if goes_on {
            self.sum.add(self.open);
            self.open = Part::NONE;
        }
    }

    /// How far the frequency is off, in Hz, as the phase turns.
    pub fn off_hz(&self, part: &Part) -> f32 {
        let blocks_a_second = if self.wide { 200.0 } else { 100.0 };
        atan2_turns(part.step[1], part.step[0]) * blocks_a_second
    }

    /// The power as if the frequency were met exactly.
    pub fn whole(&self, part: &Part) -> f32 {
        let span = if self.wide { HALF } else { 4 * HALF };
        part.power / passed(self.off_hz(part), span).max(0.3)
    }
}

/// How much of a tone passes that is so many Hz off, in power.
pub(super) fn passed(off_hz: f32, samples: usize) -> f32 {
    let x = core::f32::consts::PI * off_hz * samples as f32 / RATE as f32;
    let square = x * x;
    // sin(x)/x by its first terms: x is below 2.
    let sinc = 1.0 - square / 6.0 * (1.0 - square / 20.0 * (1.0 - square / 42.0));
    sinc * sinc
}

fn correlate(taps: &[[f32; HALF]; 2], samples: &[f32; HALF]) -> Complex {
    let mut sums = [[0.0f32; LANES]; 2];
    for at in (0..HALF).step_by(LANES) {
        for lane in 0..LANES {
            sums[0][lane] += samples[at + lane] * taps[0][at + lane];
            sums[1][lane] += samples[at + lane] * taps[1][at + lane];
        }
    }
    [sums[0].iter().sum(), sums[1].iter().sum()]
}

/// Sums side by side, so that the processor can do them at once.
const LANES: usize = 8;

/// Mean square of the tone whose correlation over so many samples this is.
fn power(of: Complex, samples: usize) -> f32 {
    2.0 * (of[0] * of[0] + of[1] * of[1]) / (samples * samples) as f32
}

fn add(a: Complex, b: Complex) -> Complex {
    [a[0] + b[0], a[1] + b[1]]
}

fn times(a: Complex, b: Complex) -> Complex {
    [a[0] * b[0] - a[1] * b[1], a[0] * b[1] + a[1] * b[0]]
}

fn conjugate(a: Complex) -> Complex {
    [a[0], -a[1]]
}
