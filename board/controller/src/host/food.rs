//! The watchdog's food: made of the audio path's beat, and of nothing else. A beat that stands still makes none, whoever
//! asks; what it made before lasts only as long as if it had been eaten at once.

use crate::time::Millis;

/// Between two feedings of a chip that has food: an eighth of the watchdog's time, within these.
const LEAST: Millis = Millis(50);
const MOST: Millis = Millis(250);
/// What a frame may take over the line; food lasts so much less, and the relays let go in time nevertheless.
const ON_THE_LINE: Millis = Millis(50);

/// What there is to feed.
pub(super) struct Food {
    watchdog: Millis,
    every: Millis,
    /// The last beat that was seen, and when.
    beat: Option<u64>,
    beat_at: Millis,
    /// Counts beats that advanced: what the chip is fed. The beat itself begins anew with the engine, this does not.
    made: u32,
    /// The last that the chip has eaten.
    eaten: u32,
    /// Not before.
    at: Millis,
}

impl Food {
    pub(super) fn new(watchdog_ms: u16) -> Self {
        let watchdog = Millis(watchdog_ms.into());
        let every = Millis(watchdog.0 / 8).clamp(LEAST, MOST);
        Food { watchdog, every, beat: None, beat_at: Millis(0), made: 0, eaten: 0, at: Millis(0) }
    }

    pub(super) fn beat(&mut self, now: Millis, beat: u64) {
        if self.beat.is_some_and(|last| beat > last) {
            self.made = self.made.wrapping_add(1);
            self.beat_at = now;
        }
        self.beat = Some(beat);
    }

    /// What to feed now, and how long it lasts.
    pub(super) fn portion(&self, now: Millis) -> Option<(u32, u16)> {
        let lasts = self.watchdog.since(now.since(self.beat_at) + ON_THE_LINE);
        (self.made != self.eaten && self.at <= now && lasts > Millis(0)).then(|| (self.made, lasts.short()))
    }

    /// The chip has taken it. One that is hungry nevertheless knew no beat of ours: it gets the next as soon as there is one.
    pub(super) fn eaten(&mut self, now: Millis, portion: u32, fed: bool) {
        self.eaten = portion;
        self.at = if fed { now + self.every } else { now };
    }

    /// When there is something to feed, if there is.
    pub(super) fn next_at(&self) -> Option<Millis> {
        (self.made != self.eaten).then_some(self.at)
    }

    /// What is too old to last is thrown away.
    pub(super) fn spoil(&mut self, now: Millis) {
        if now.since(self.beat_at) + ON_THE_LINE >= self.watchdog {
            self.eaten = self.made;
        }
    }
}
