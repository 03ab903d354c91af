//! An echo canceller for a device whose microphone hears its loudspeaker: what was played, through a filter that learns the
//! room, is taken away from what is heard. 1024 taps, so 128 ms from the loudspeaker's buffer to the last reflection. It
//! is no canceller of a network's hybrid, and keeps no clock: block by block, what was played goes with what was heard.
//!
//! Two filters (Ochiai's two paths): one learns all the time (NLMS), the other one cancels. It takes over what was learnt
//! only where that is better for a while. So somebody who speaks at the same time spoils the learner and not what is
//! heard, and no threshold has to say who speaks. Both work on sound whose lower part is made softer, on which speech is
//! learnt faster. What is left of an echo that is well known is made softer still, down to the noise of the room.
//!
//! Source: the principles of ITU-T G.168 and P.340; K. Ochiai et al., Echo canceler with two echo path models (1977).

use crate::math::log10;
use crate::tone::rounded;

/// Taps: 128 ms.
pub const TAPS: usize = 1_024;
/// How much of a sample is taken from the next one, before it is learnt from.
const EMPHASIS: f32 = 0.9;
/// How fast is learnt.
const STEP: f32 = 0.7;
/// Power of what is played, over all taps, from which on it is worth learning from; and below which it divides no more.
const QUIET: f32 = TAPS as f32 * 100.0;
/// Powers are means over 50 ms.
const MEAN: f32 = 1.0 / 400.0;
/// What was learnt is taken over where it leaves less than so much of what the other one leaves.
const BETTER: f32 = 0.7;
/// The learner begins anew from the other one where it leaves so much more.
const SPOILT: f32 = 4.0;
/// A filter that adds instead of taking away, for so many blocks, is forgotten: the room is another one.
const WRONG: f32 = 1.5;
const WRONG_BLOCKS: u32 = 30;
/// An echo of which less than so much is left is known well; what is left is made softer by so much.
const KNOWN: f32 = 0.05;
const SOFTER: f32 = 0.125;
/// The suppression comes and goes within some milliseconds.
const COME: f32 = 0.02;
const GO: f32 = 0.2;

/// A canceller.
#[derive(Clone, Debug)]
pub struct Canceller {
    /// What was played, newest first from `at`, twice in a row.
    played: [f32; 2 * TAPS],
    at: usize,
    power: f32,
    learns: [f32; TAPS],
    cancels: [f32; TAPS],
    before: (f32, f32),
    out: f32,
    /// Mean powers: of what is heard, left by the learner, left by the canceller, and of the echo that it knows.
    heard: f32,
    left_learning: f32,
    left: f32,
    echo: f32,
    gain: f32,
    /// The room's own noise, as the softest that was left.
    floor: f32,
    wrong: u32,
    noise: u32,
    suppresses: bool,
}

impl Default for Canceller {
    fn default() -> Self {
        Canceller {
            played: [0.0; 2 * TAPS],
            at: 0,
            power: 0.0,
            learns: [0.0; TAPS],
            cancels: [0.0; TAPS],
            before: (0.0, 0.0),
            out: 0.0,
            heard: 0.0,
            left_learning: 0.0,
            left: 0.0,
            echo: 0.0,
            gain: 1.0,
            floor: 0.0,
            wrong: 0,
            noise: 1,
            suppresses: true,
        }
    }
}

impl Canceller {
    /// One that knows nothing of the room.
    pub fn new() -> Canceller {
        Canceller::default()
    }

    /// One that cancels only, and makes nothing softer besides: for measurements.
    pub fn without_suppression() -> Canceller {
        Canceller { suppresses: false, ..Canceller::default() }
    }

    /// Takes away from `heard` what it is of `played`, which went out at the same time or up to [`TAPS`] samples before.
    pub fn cancel(&mut self, played: &[i16], heard: &mut [i16]) {
        // What adding and taking away leaves behind is put right once a block.
        self.power = self.played[self.at..self.at + TAPS].iter().map(|sample| sample * sample).sum();
        for (n, heard) in heard.iter_mut().enumerate() {
            let played = played.get(n).copied().unwrap_or(0);
            *heard = rounded(self.sample(f32::from(played), f32::from(*heard)));
        }
        self.choose();
    }

    /// The present ratio of what is heard to what is left of it, in decibels, without the suppression.
    pub fn erle_db(&self) -> f32 {
        (10.0 * log10(f64::from((self.heard + 1.0) / (self.left + 1.0)))) as f32
    }

    fn sample(&mut self, played: f32, heard: f32) -> f32 {
        let (x, y) = (played - EMPHASIS * self.before.0, heard - EMPHASIS * self.before.1);
        self.before = (played, heard);
        self.at = if self.at == 0 { TAPS - 1 } else { self.at - 1 };
        self.power += x * x - self.played[self.at] * self.played[self.at];
        self.played[self.at] = x;
        self.played[self.at + TAPS] = x;
        let window = &self.played[self.at..self.at + TAPS];
        let echo = dot(&self.cancels, window);
        let (left, wrong) = (y - echo, y - dot(&self.learns, window));
        if self.power > QUIET {
            let step = STEP * wrong / (self.power + QUIET);
            self.learns.iter_mut().zip(window).for_each(|(tap, sample)| *tap += step * sample);
        }
        let mean = |power: &mut f32, value: f32| *power += (value * value - *power) * MEAN;
        mean(&mut self.heard, y);
        mean(&mut self.left, left);
        mean(&mut self.left_learning, wrong);
        mean(&mut self.echo, echo);
        self.out = left + EMPHASIS * self.out;
        self.softened(self.out)
    }

    /// What is left of an echo, softer; and in its place the room's noise, so that the line does not sound dead.
    fn softened(&mut self, left: f32) -> f32 {
        let known = self.suppresses && self.left < KNOWN * self.echo;
        let wanted = if known { SOFTER } else { 1.0 };
        self.gain += (wanted - self.gain) * if known { COME } else { GO };
        if self.gain > 0.999 {
            return left;
        }
        self.noise = self.noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let noise = (self.noise >> 8) as f32 / (1 << 23) as f32 - 1.0;
        left * self.gain + noise * self.floor * (1.0 - self.gain)
    }

    /// Behind a block: which filter is the better one?
    fn choose(&mut self) {
        if !(self.left.is_finite() && self.left_learning.is_finite() && self.out.is_finite()) {
            *self = Canceller { suppresses: self.suppresses, ..Canceller::default() };
            return;
        }
        if self.left_learning < BETTER * self.left && self.left_learning < self.heard {
            self.cancels = self.learns;
            self.left = self.left_learning;
        } else if self.left_learning > SPOILT * self.left {
            self.learns = self.cancels;
            self.left_learning = self.left;
        }
        self.wrong = if self.left > WRONG * self.heard { self.wrong + 1 } else { 0 };
        if self.wrong > WRONG_BLOCKS {
            (self.cancels, self.learns) = ([0.0; TAPS], [0.0; TAPS]);
            (self.left, self.left_learning, self.wrong) = (self.heard, self.heard, 0);
        }
        // An amplitude; it rises slowly and falls at once.
        let softest = crate::math::sqrt(f64::from(self.left)) as f32;
        self.floor = if softest < self.floor { softest } else { self.floor * 1.01 + 0.01 }.min(100.0);
    }
}

/// Eight sums side by side: the processor adds them at once.
fn dot(taps: &[f32; TAPS], window: &[f32]) -> f32 {
    let mut sums = [0.0_f32; 8];
    for (taps, samples) in taps.chunks_exact(8).zip(window.chunks_exact(8)) {
        for (sum, (tap, sample)) in sums.iter_mut().zip(taps.iter().zip(samples)) {
            *sum += tap * sample;
        }
    }
    sums.iter().sum()
}
