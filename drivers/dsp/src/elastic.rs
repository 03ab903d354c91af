//! An elastic buffer between two clocks of 8 kHz that are not the same: blocks come at one clock's pace and leave at the
//! other's. What leaves is taken from between the samples, a little closer or wider than they came, so that the delay
//! stays where it is. Only where that is not enough a piece is left out or said twice, with a cross-fade, and counted.
//!
//! The delay is measured as an age: of the sample that is read next, at the moment it is read. The moment of the last
//! arrival counts in it, so that it does not jump with every block, and the delay does not follow the beat of the two
//! clocks. Arrivals and readings that come late by some milliseconds are noise to the loop: two low passes and a
//! proportional-integral controller take it away. It begins fast and becomes slow within a minute; then it is deaf to
//! everything but drift. The correction is bounded to 1000 parts in a million.
//!
//! It keeps no clock: moments are arguments, in microseconds, and may be late but not early. One owner, no allocation.

use crate::RATE;
use crate::resample::{HALF, History, PART_BITS};
use crate::tone::rounded;

/// The most by which what leaves is closer or wider than what came.
pub const MOST_PPM: f64 = 1_000.0;
/// The delay that is kept, unless another is asked for: the kernel's reach, two blocks, and 8 ms for who comes late.
pub const USUAL_MS: u8 = 31;
/// Shortest and longest delay that can be asked for.
const DELAYS_MS: (u8, u8) = (24, 120);
/// Samples kept: the longest delay, and what a sender may bring at once behind a pause.
const KEPT: usize = 2_048;
/// Samples of a cross-fade: 5 ms.
const FADE: usize = 40;
/// The kernel's reach and a block: what of the delay is not there for who comes late.
const NEEDED: f64 = (HALF + 64) as f64;
/// Behind the delay itself, nothing has come for so long: the sender has stopped. What leaves is silence until it comes
/// again.
const STOPPED_US: u64 = 30_000;
/// A minute at the start, in which the loop becomes slow: its frequency at first and at last, in turns a second,
/// how long it stays fast, and how fast it becomes slow.
const FAST_HZ: f64 = 0.03;
const SLOW_HZ: f64 = 0.005;
const FAST_S: f64 = 12.0;
const SLOWING_S: f64 = 20.0;
/// What drift makes of the delay is less than this, in samples. Beyond it somebody stood still, which says nothing about
/// drift: it counts for no more.
const CALM: f64 = 40.0;
/// An error that lasts for a second and is larger than this, in samples, is none of drift's: it is put right at once.
const LASTING: f64 = 80.0;
/// Said twice where nothing new is there, in samples: 20 ms.
const PIECE: u64 = 160;
/// Behind a slip the delay may be anything for a while: who stood still brings all at once. It says nothing about drift.
const HELD_S: f64 = 2.0;
/// The low passes' corner against the loop's frequency.
const PASSES: f64 = 6.0;
/// A sample in its parts.
const ONE: f64 = 4_294_967_296.0;
const TAU: f64 = core::f64::consts::TAU;

/// What went wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Slips {
    /// Pieces said twice, since nothing new was there in time.
    pub repeated: u32,
    /// Pieces left out, since too much was there.
    pub dropped: u32,
    /// Times that the sender had stopped.
    pub stopped: u32,
}

/// The buffer.
#[derive(Clone, Debug)]
pub struct Elastic {
    history: History<KEPT>,
    /// The sample that is read next, and how far from it to the one behind it, in parts of 2³².
    place: u64,
    part: u32,
    target: f64,
    came_us: Option<u64>,
    /// The age of what was read last, in samples.
    age: f64,
    state: State,
    control: Control,
    slips: Slips,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing has come, or not enough yet.
    Filling,
    Flowing,
    /// The sender has stopped.
    Dry,
}

impl Elastic {
    /// An empty buffer that keeps this delay, in milliseconds.
    pub fn new(delay_ms: u8) -> Elastic {
        let delay_ms = delay_ms.clamp(DELAYS_MS.0, DELAYS_MS.1);
        Elastic {
            history: History::new(),
            place: 0,
            part: 0,
            target: f64::from(delay_ms) * f64::from(RATE) / 1_000.0,
            came_us: None,
            age: 0.0,
            state: State::Filling,
            control: Control::default(),
            slips: Slips::default(),
        }
    }

    /// Samples that were whole at this moment.
    pub fn push(&mut self, at_us: u64, samples: &[i16]) {
        self.history.push(samples);
        self.came_us = Some(at_us);
        // A reader that stands still finds what is newest when it comes again.
        let oldest = self.history.written().saturating_sub((KEPT - 2 * HALF) as u64);
        if self.place < oldest {
            self.place = oldest;
        }
    }

    /// The next samples, of this moment.
    pub fn pull(&mut self, at_us: u64, samples: &mut [i16]) {
        let silent_us = self.silent_us(at_us);
        match self.state {
            State::Flowing if silent_us > self.patience_us() => return self.stop(samples),
            State::Filling | State::Dry if silent_us < self.patience_us() => self.begin(at_us),
            State::Filling | State::Dry | State::Flowing => {}
        }
        if self.state != State::Flowing {
            return samples.fill(0);
        }
        self.age = self.age(at_us);
        let error = (self.age - self.target).clamp(-2.0 * self.surplus(), 2.0 * self.surplus());
        self.control.take(error, samples.len() as f64 / f64::from(RATE));
        let needed = samples.len() as u64 + HALF as u64 + 2;
        if self.place + needed > self.history.written() {
            self.slips.repeated = self.slips.repeated.saturating_add(1);
            let back = PIECE.max(self.place + needed - self.history.written());
            return self.jump(self.place.saturating_sub(back), samples);
        }
        if let Some(error) = self.control.wrong(self.surplus()) {
            return if error > 0.0 {
                self.slips.dropped = self.slips.dropped.saturating_add(1);
                let ahead = (error as u64).min(self.history.written() - self.place - needed);
                self.jump(self.place + ahead, samples)
            } else {
                self.slips.repeated = self.slips.repeated.saturating_add(1);
                self.jump(self.place.saturating_sub(-error as u64), samples)
            };
        }
        self.read(samples);
    }

    /// So much more delay than is wanted, for a while, is left out: as much as there is for who comes late.
    fn surplus(&self) -> f64 {
        self.target - NEEDED
    }

    /// The sender has stopped when nothing came for longer.
    fn patience_us(&self) -> u64 {
        STOPPED_US + (self.target * 1e6 / f64::from(RATE)) as u64
    }

    /// How long nothing has come.
    fn silent_us(&self, at_us: u64) -> u64 {
        self.came_us.map_or(u64::MAX, |came_us| at_us.saturating_sub(came_us))
    }

    /// How old what is read now is, in samples.
    fn age(&self, at_us: u64) -> f64 {
        let since = self.silent_us(at_us).min(self.patience_us()) as f64 * f64::from(RATE) / 1e6;
        self.history.written() as f64 - self.place as f64 - f64::from(self.part) / ONE + since
    }

    /// The delay of what was read last, in milliseconds.
    pub fn delay_ms(&self) -> f64 {
        if self.state == State::Flowing { self.age * 1_000.0 / f64::from(RATE) } else { 0.0 }
    }

    /// By how much the sender's clock is faster than the reader's, in parts in a million, as far as is known.
    pub fn drift_ppm(&self) -> f64 {
        self.control.integral * 1e6
    }

    /// What went wrong so far.
    pub fn slips(&self) -> Slips {
        self.slips
    }

    /// Forgets the sound and begins anew; what was learnt of the drift is kept.
    pub fn clear(&mut self) {
        self.place = self.history.written();
        self.state = State::Filling;
        self.came_us = None;
    }

    /// Reads at the delay that is wanted, as soon as there is enough.
    fn begin(&mut self, at_us: u64) {
        let start = self.place.max(self.history.written().saturating_sub(KEPT as u64 / 2));
        self.place = start;
        self.part = 0;
        let surplus = self.age(at_us) - self.target;
        if surplus < 0.0 {
            return;
        }
        self.place += surplus as u64;
        self.part = ((surplus - surplus as u64 as f64) * ONE) as u32;
        self.state = State::Flowing;
        self.control.again();
    }

    /// The last piece there is, fading, then nothing.
    fn stop(&mut self, samples: &mut [i16]) {
        self.slips.stopped = self.slips.stopped.saturating_add(1);
        self.read(samples);
        fade_out(samples);
        self.place = self.history.written();
        self.state = State::Dry;
    }

    fn read(&mut self, samples: &mut [i16]) {
        let step = ((1.0 + self.control.correction()) * ONE) as u64;
        for sample in samples {
            *sample = self.history.between(self.place, self.part >> (32 - PART_BITS), 1 << PART_BITS);
            let next = u64::from(self.part) + step;
            self.place += next >> 32;
            self.part = next as u32;
        }
    }

    /// Goes on reading at another place, and fades from here to there.
    fn jump(&mut self, to: u64, samples: &mut [i16]) {
        let mut before = [0; FADE];
        let fade = samples.len().min(FADE);
        self.read(&mut before[..fade]);
        self.place = to;
        self.read(samples);
        for (n, (sample, before)) in samples.iter_mut().zip(&before[..fade]).enumerate() {
            let part = (n + 1) as f32 / (fade + 1) as f32;
            *sample = rounded(f32::from(*sample) * part + f32::from(*before) * (1.0 - part));
        }
        self.control.again();
    }
}

fn fade_out(samples: &mut [i16]) {
    let length = samples.len().max(1) as f32;
    for (n, sample) in samples.iter_mut().enumerate() {
        *sample = rounded(f32::from(*sample) * (1.0 - (n + 1) as f32 / length));
    }
}

/// What keeps the delay where it is.
#[derive(Clone, Copy, Debug, Default)]
struct Control {
    /// Seconds since the flow began.
    age_s: f64,
    /// The error behind one low pass, and behind two.
    once: f64,
    twice: f64,
    /// The error behind a quick low pass and behind one of a second, for what is put right by a jump.
    quick: f64,
    lasting: f64,
    /// Behind a slip nothing is learnt for so long.
    held_s: f64,
    /// The drift, as a part of one.
    integral: f64,
    correction: f64,
}

impl Control {
    /// An error in samples, measured once in `passed_s`.
    fn take(&mut self, error: f64, passed_s: f64) {
        self.quick += (error - self.quick) * (passed_s * 4.0).min(0.5);
        self.lasting += (error - self.lasting) * passed_s.min(0.5);
        if self.held_s > 0.0 {
            self.held_s -= passed_s;
            return;
        }
        self.age_s += passed_s;
        let slow = (self.age_s - FAST_S).max(0.0) / SLOWING_S;
        // Half at every `SLOWING_S` and a little more: no exponential is needed for it.
        let hz = (FAST_HZ / (1.0 + slow * slow + slow)).max(SLOW_HZ);
        let pass = (TAU * hz * PASSES * passed_s).min(0.5);
        self.once += (error.clamp(-CALM, CALM) - self.once) * pass;
        self.twice += (self.once - self.twice) * pass;
        let (most, rate) = (MOST_PPM / 1e6, f64::from(RATE));
        let turns = TAU * hz;
        // What is at its bound already learns nothing more from an error that it does not master.
        let is_bound = self.correction.abs() >= most && self.correction * self.twice > 0.0;
        if !is_bound {
            self.integral = (self.integral + turns * turns / rate * self.twice * passed_s).clamp(-most, most);
        }
        self.correction = (self.integral + 2.0 * turns / rate * self.twice).clamp(-most, most);
    }

    /// An error that is to be put right by a jump: a large one soon, a smaller one when it lasts.
    fn wrong(&self, large: f64) -> Option<f64> {
        if self.quick > large {
            return Some(self.quick);
        }
        (self.lasting.abs() > LASTING && self.quick * self.lasting > 0.0).then_some(self.quick)
    }

    fn correction(&self) -> f64 {
        self.correction
    }

    /// The delay is as wanted again, or soon will be; the drift is what it was.
    fn again(&mut self) {
        (self.once, self.twice, self.quick, self.lasting) = (0.0, 0.0, 0.0, 0.0);
        self.correction = self.integral;
        self.held_s = HELD_S;
    }
}
