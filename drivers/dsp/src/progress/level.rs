//! Sound and pauses by level alone, in steps of 5 ms: when a burst begins and ends. It asks for no frequency.
//!
//! A burst's own level sets what a pause is: 10 dB below it. Gaps of up to 40 ms do not end a burst (a beating tone has
//! such), and 25 ms of sound do not make one (a click). The line's noise sets the floor.

use crate::level::power_at;

/// Milliseconds of one step.
pub(super) const STEP_MS: u32 = 5;

/// Where a line is between sound and pause.
#[derive(Clone, Copy, Debug)]
pub(super) struct Levels {
    on: bool,
    told: bool,
    /// Steps since the burst began, and how many of the last of them were low.
    length: u32,
    low: u32,
    /// Steps of pause.
    quiet: u32,
    /// Sum and count of the burst's steps.
    sum: f32,
    count: u32,
    /// Mean of the burst before, and for how many steps of pause it counts.
    reference: f32,
    kept: u32,
    noise: Noise,
}

/// What one step brought.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Edge {
    None,
    /// A burst has begun (25 ms ago) after this long a pause.
    Begun {
        off_ms: u32,
    },
    /// A burst has ended (40 ms ago).
    Ended {
        on_ms: u32,
        power: f32,
    },
}

impl Levels {
    pub const fn new() -> Levels {
        Levels {
            on: false,
            told: false,
            length: 0,
            low: 0,
            quiet: 0,
            sum: 0.0,
            count: 0,
            reference: 0.0,
            kept: 0,
            noise: Noise::new(),
        }
    }

    /// As new on the same line: its noise is known.
    pub fn anew(&self) -> Levels {
        Levels { noise: self.noise, ..Levels::new() }
    }

    /// Whether the line has been heard for long enough to tell its noise from a sound.
    pub fn knows_noise(&self) -> bool {
        self.noise.known
    }

    /// Takes the mean square of the next 5 ms, and whether there is a tone, which is no noise.
    pub fn step(&mut self, power: f32, tone: bool) -> Edge {
        let floor = self.noise.floor(power, tone);
        if !self.on {
            let needed = if self.quiet < self.kept { floor.max(self.reference * RISE) } else { floor };
            if power < needed {
                self.quiet = self.quiet.saturating_add(1);
                return Edge::None;
            }
            (self.on, self.told) = (true, false);
            (self.length, self.low, self.sum, self.count) = (0, 0, 0.0, 0);
        }
        self.length = self.length.saturating_add(1);
        let mean = if self.count > 0 { self.sum / self.count as f32 } else { 0.0 };
        if power < (floor / 2.0).max(mean * FALL) {
            self.low += 1;
            return if self.low > BRIDGED_STEPS { self.end(mean) } else { Edge::None };
        }
        self.low = 0;
        if self.count >= MEAN_STEPS {
            // The mean follows a sound that changes, over about half a second.
            (self.sum, self.count) = (self.sum / 2.0, self.count / 2);
        }
        self.sum += power;
        self.count += 1;
        if !self.told && self.length >= BURST_STEPS {
            self.told = true;
            return Edge::Begun { off_ms: self.quiet.saturating_mul(STEP_MS) };
        }
        Edge::None
    }

    fn end(&mut self, mean: f32) -> Edge {
        self.on = false;
        if !self.told {
            self.quiet = self.quiet.saturating_add(self.length);
            return Edge::None;
        }
        self.quiet = self.low;
        (self.reference, self.kept) = (mean, KEPT_STEPS);
        Edge::Ended { on_ms: (self.length - self.low).saturating_mul(STEP_MS), power: mean }
    }

    /// The burst that has just ended was a tone: what is far below it is its pause for long.
    pub fn was_tone(&mut self) {
        self.kept = TONE_KEPT_STEPS;
    }

    /// Sound, a gap that may yet be bridged included.
    pub fn is_on(&self) -> bool {
        self.on
    }

    /// Sound right now: a tone that swells in the measure of the steps has every second one low.
    pub fn is_loud(&self) -> bool {
        self.on && self.low <= 1
    }

    /// A burst has begun for certain, and nothing says yet that it has ended.
    pub fn is_told(&self) -> bool {
        self.on && self.told && self.low == 0
    }

    /// How long nothing was heard; 0 while a burst lasts.
    pub fn quiet_ms(&self) -> u32 {
        if self.on && self.told { 0 } else { self.quiet.saturating_mul(STEP_MS) }
    }
}

/// The quietest 40 ms of the last seconds, tones left out: 2 s at least, 4 s at most; of less at the very beginning.
#[derive(Clone, Copy, Debug)]
struct Noise {
    sum: f32,
    summed: u32,
    /// The last 40 ms but those: they count if no tone follows on them, since a tone is known late.
    held: Option<f32>,
    steps: u32,
    /// Lowest of this stretch and of the one before, as far as any was measured.
    lowest: Option<f32>,
    before: Option<f32>,
    known: bool,
}

impl Noise {
    const fn new() -> Noise {
        Noise { sum: 0.0, summed: 0, held: None, steps: 0, lowest: None, before: None, known: false }
    }

    /// Takes a step; what is below is no sound.
    fn floor(&mut self, power: f32, tone: bool) -> f32 {
        self.steps += 1;
        if tone {
            (self.sum, self.summed, self.held) = (0.0, 0, None);
        } else {
            self.sum += power;
            self.summed += 1;
        }
        if self.summed == NOISE_STEPS {
            if let Some(held) = self.held.replace(self.sum / NOISE_STEPS as f32) {
                self.lowest = Some(self.lowest.map_or(held, |lowest| lowest.min(held)));
            }
            (self.sum, self.summed) = (0.0, 0);
        }
        self.known |= self.steps >= KNOWN_STEPS;
        if self.steps >= STRETCH_STEPS {
            self.steps = 0;
            self.before = self.lowest.take();
        }
        let lowest = match (self.lowest, self.before) {
            (Some(now), Some(before)) => now.min(before),
            (now, before) => now.or(before).filter(|_| self.known).unwrap_or(0.0),
        };
        (lowest * ABOVE_NOISE).clamp(FLOOR_LOW, FLOOR_HIGH)
    }
}

/// A pause is 10 dB below its burst; sound, 12 dB below the burst before (a second one may be 10 dB weaker).
const FALL: f32 = 0.1;
const RISE: f32 = 0.063;
/// The burst before counts for 300 ms; a tone for longer than any pause of busy and congestion.
const KEPT_STEPS: u32 = 60;
const TONE_KEPT_STEPS: u32 = 180;
const BRIDGED_STEPS: u32 = 8;
const BURST_STEPS: u32 = 6;
const MEAN_STEPS: u32 = 100;
const NOISE_STEPS: u32 = 8;
const STRETCH_STEPS: u32 = 400;
/// The noise is known after half a second.
const KNOWN_STEPS: u32 = 100;
const ABOVE_NOISE: f32 = 8.0;
/// The floor is between these: the quiet line, and one so bad that only strong tones are heard.
const FLOOR_LOW: f32 = power_at(-45.0);
const FLOOR_HIGH: f32 = power_at(-22.0);
