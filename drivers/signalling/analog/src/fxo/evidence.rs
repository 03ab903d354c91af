//! The end of a call that the far end began: what speaks for it, how much, and when that is enough. A sign that is certain
//! decides alone; a weak one waits for another, and a voice takes it back. How a sign is heard stands elsewhere.
//!
//! Weights are hundredths of certainty. A tone comes with its own certainty, since its ear counts cycles in frequency and
//! rhythm before it speaks; an information tone may be part of what a far end plays to us. A reversal is the end where
//! one has marked the answer, and may be anything else where none has: metering, a ringing neighbour, a change over.

use tipring_card::{Cause, Micros};

use super::Fxo;
use super::state::State;
use crate::words::{Event, Evidence, Heard, Reversal, Sign};

/// What has been said for the end of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Scale {
    pieces: [Option<(Micros, Sign, u8)>; PIECES],
}

impl Scale {
    /// Puts one more piece on; one of the same sign is replaced by a heavier one, or by a later one of the same weight.
    fn put(&mut self, now: Micros, sign: Sign, weight: u8) {
        // What is forgotten makes room.
        for piece in &mut self.pieces {
            piece.take_if(|(at, _, _)| now.since(*at) > WINDOW);
        }
        if weight == 0 {
            return;
        }
        let same = self.pieces.iter().position(|piece| piece.is_some_and(|(_, known, _)| known == sign));
        let empty = self.pieces.iter().position(Option::is_none);
        // Signs that can come are fewer than places.
        if let Some(place) = same.or(empty).and_then(|at| self.pieces.get_mut(at))
            && place.is_none_or(|(_, _, known)| weight >= known)
        {
            *place = Some((now, sign, weight));
        }
    }

    /// What is not older than the window, summed.
    fn sum(&self, now: Micros) -> u8 {
        let fresh = self.pieces.iter().flatten().filter(|(at, _, _)| now.since(*at) <= WINDOW);
        fresh.fold(0, |sum: u8, (_, _, weight)| sum.saturating_add(*weight)).min(ENOUGH)
    }

    /// The heaviest piece, as [`Scale::put`] has left them: it decides.
    fn decider(&self) -> Option<Sign> {
        let first_of_heaviest = |best: Option<(Sign, u8)>, &(_, sign, weight): &(Micros, Sign, u8)| match best {
            Some((_, known)) if known >= weight => best,
            _ => Some((sign, weight)),
        };
        self.pieces.iter().flatten().fold(None, first_of_heaviest).map(|(sign, _)| sign)
    }
}

/// How long both sides have been silent, as far as it counts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Silence {
    counts: bool,
    since: Micros,
    warned: bool,
}

impl Default for Silence {
    fn default() -> Self {
        Silence { counts: true, since: Micros::ZERO, warned: false }
    }
}

impl Fxo {
    /// A call begins to be one: nothing speaks against it yet.
    pub(super) fn begin_watch(&mut self, now: Micros) {
        self.silence = Silence { counts: true, since: now, warned: false };
    }

    /// Whether silence may end the call from now on.
    pub(super) fn silence_counts(&mut self, now: Micros, counts: bool) {
        self.silence = Silence { counts, since: now, warned: false };
    }

    /// What was heard in a call.
    pub(super) fn heard_in_call(&mut self, now: Micros, heard: &Heard) {
        let trusted = self.config.trusted;
        let of = |counts: bool, weight: u8| if counts { weight } else { 0 };
        match *heard {
            Heard::Busy => self.suspect(now, Sign::BusyTone, of(trusted.tones, ENOUGH)),
            Heard::Congestion => self.suspect(now, Sign::CongestionTone, of(trusted.tones, ENOUGH)),
            Heard::Information => self.suspect(now, Sign::InformationTone, of(trusted.tones, WEAK)),
            Heard::Howler => self.suspect(now, Sign::Howler, of(trusted.tones, ENOUGH)),
            Heard::DialTone => self.suspect(now, Sign::DialTone, of(trusted.dial_tone, ENOUGH)),
            Heard::Voice => self.dispel(),
            Heard::Silence(ms) if ms >= QUIET_MS => self.quiet(now),
            Heard::BothSilent(ms) => self.both_silent(now, ms),
            // A far end that is connected on may ring.
            Heard::Silence(_) | Heard::Ringback => {}
            Heard::Level(_) => {}
            Heard::CallerId(_)
            | Heard::BadCallerId
            | Heard::MessageWaiting(_)
            | Heard::Dialled
            | Heard::Broken
            | Heard::Key(_)
            | Heard::Told => {
                self.unexpected();
            }
        }
    }

    /// Polarity went back in a call whose answer was marked by a reversal (`marked`), or was not.
    pub(super) fn reversal_in_call(&mut self, now: Micros, marked: bool) {
        let weight = match (self.config.trusted.reversal, marked) {
            (Reversal::Ignored, _) => 0,
            (Reversal::Doubted, false) => WEAK,
            (Reversal::Doubted, true) | (Reversal::Certain, _) => ENOUGH,
        };
        self.suspect(now, Sign::Reversal, weight);
    }

    /// The exchange dropped the battery in a call.
    pub(super) fn drop_in_call(&mut self, now: Micros) {
        self.suspect(now, Sign::BatteryDrop, if self.config.trusted.battery { ENOUGH } else { 0 });
    }

    /// Weighs one more sign; ends the call when that is enough.
    fn suspect(&mut self, now: Micros, sign: Sign, weight: u8) {
        let State::InCall { scale, .. } = &mut self.state else { return };
        scale.put(now, sign, weight);
        let (sum, decider) = (scale.sum(now), scale.decider().unwrap_or(sign));
        if weight < ENOUGH {
            self.tell(Event::Suspected(Evidence { sign, weight, sum }));
        }
        if sum >= ENOUGH {
            self.finish(now, Cause::NORMAL, decider);
        }
    }

    /// Quiet counts only beside something else, and is told with that.
    fn quiet(&mut self, now: Micros) {
        let State::InCall { scale, .. } = &self.state else { return };
        if (WEAK..ENOUGH).contains(&scale.sum(now)) {
            self.suspect(now, Sign::Quiet, BESIDE);
        }
    }

    fn dispel(&mut self) {
        let State::InCall { scale, .. } = &mut self.state else { return };
        if core::mem::take(scale) != Scale::default() {
            self.counters.dispelled = self.counters.dispelled.saturating_add(1);
            self.tell(Event::Dispelled);
        }
    }

    fn both_silent(&mut self, now: Micros, ms: u32) {
        let limit = self.config.silence_limit;
        if !self.silence.counts || limit == Micros::ZERO {
            return;
        }
        let silent = Micros::from_ms(u64::from(ms)).min(now.since(self.silence.since));
        if silent >= limit {
            return self.suspect(now, Sign::Silence, ENOUGH);
        }
        let left = limit.since(silent);
        if left > WARNING {
            self.silence.warned = false;
        } else if !core::mem::replace(&mut self.silence.warned, true) {
            self.tell(Event::Silent { left_ms: u32::try_from(left.0 / 1_000).unwrap_or(u32::MAX) });
        }
    }
}

/// Signs that can come in one call: eight of the far end, and its quiet.
const PIECES: usize = 9;
/// The call is over.
const ENOUGH: u8 = 100;
/// Not alone.
const WEAK: u8 = 60;
/// What silence of the far end adds to a weak sign.
const BESIDE: u8 = 40;
/// Silence of the far end that adds something.
const QUIET_MS: u32 = 2_000;
/// A sign that nothing followed in this time was none.
const WINDOW: Micros = Micros::from_s(30);
/// So long before the end by silence it is told.
const WARNING: Micros = Micros::from_s(10);
