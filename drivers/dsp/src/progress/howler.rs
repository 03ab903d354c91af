//! The howler: four tones at once, ten times in two seconds, that tell a telephone's owner that it was left off hook.
//! On a line that has a call it says that the exchange knows of none any more. It is the same in the whole of North
//! America, and where an exchange of such a make stands.
//!
//! It costs next to nothing: only after a burst and a pause of its rhythm are the next bursts measured.
//!
//! Source: Telcordia GR-506-CORE (receiver off-hook tone): 1400, 2060, 2450 and 2600 Hz, 100 ms on, 100 ms off.

use super::BLOCK;
use crate::alert::{HOWLER_HZ, HOWLER_MS};
use crate::level::{Meter, power_of};

/// Listens for the howler, burst by burst.
#[derive(Clone, Debug)]
pub(super) struct Howler {
    meters: [Meter; 4],
    /// Bursts and pauses of its rhythm in a row, the running pause or burst not counted.
    spans: u32,
    /// Of the running burst: blocks measured, and blocks that were the four tones.
    measured: u32,
    right: u32,
    /// Bursts in a row that were.
    heard: u32,
}

impl Howler {
    pub fn new() -> Howler {
        Howler { meters: HOWLER_HZ.map(Meter::new), spans: 0, measured: 0, right: 0, heard: 0 }
    }

    /// A burst has begun after a pause.
    pub fn begun(&mut self, off_ms: u32) {
        self.span(off_ms);
        (self.measured, self.right) = (0, 0);
    }

    /// A block in the middle of a burst.
    pub fn block(&mut self, samples: &[i16; BLOCK]) {
        if self.spans < SPANS || self.measured >= MEASURED_BLOCKS {
            return;
        }
        self.measured += 1;
        let needed = power_of(samples);
        let mut sum = 0.0;
        for meter in &mut self.meters {
            meter.reset();
            meter.feed(samples);
            let power = meter.peak() * meter.peak() / 2.0;
            if power < needed * LEAST_PART {
                return;
            }
            sum += power;
        }
        self.right += u32::from(sum >= needed * SHARE);
    }

    /// A burst has ended; `true` when it is certain that they are the howler's. Told once for as long as it lasts.
    pub fn ended(&mut self, on_ms: u32) -> bool {
        self.span(on_ms);
        let is_one = self.spans > SPANS && self.measured > 0 && self.right + 1 >= self.measured && self.right > 0;
        self.heard = if is_one { self.heard.saturating_add(1) } else { 0 };
        self.heard == BURSTS
    }

    /// One of its bursts was heard at least: what comes is no voice.
    pub fn is_likely(&self) -> bool {
        self.heard > 0
    }

    fn span(&mut self, ms: u32) {
        self.spans = if ms.abs_diff(SPAN_MS) <= SPAN_OFF_MS { self.spans.saturating_add(1) } else { 0 };
        if self.spans == 0 {
            self.heard = 0;
        }
    }
}

/// A burst, and a pause; as far as both may be off, with the steps of the levels.
const SPAN_MS: u32 = HOWLER_MS as u32;
const SPAN_OFF_MS: u32 = 25;
/// A burst and a pause before any is measured.
const SPANS: u32 = 2;
/// Bursts by which it is certain.
const BURSTS: u32 = 2;
/// Blocks of a burst that are measured: they lie inside it.
const MEASURED_BLOCKS: u32 = 4;
/// The four tones' share of a block's energy, and that of each: in 10 ms a tone 1.5 % off keeps half of its own.
const SHARE: f32 = 0.6;
const LEAST_PART: f32 = 0.03;
