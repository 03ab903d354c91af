//! Commands, one small act each. A command for something that is over is dropped and counted, whatever it is.

use tipring_card::Law;
use tipring_dsp::dtmf::frequencies_of;
use tipring_dsp::{Detector, Limiter};

use crate::room::Seat;
use crate::tap::{Side, Tap};
use crate::{Command, Event, FEED, Place, PlayId, Port, Switch, TapId, Tone};

impl Switch {
    /// Does what it is told, at once; what can be heard of it is heard from the next tick on.
    pub fn command(&mut self, command: Command) {
        match command {
            Command::Attach { port, law } => self.attach(port, law, false),
            Command::AttachSource { port, law } => self.attach(port, law, true),
            Command::Join { port, room, hears, talks } => {
                if self.place(port).is_some() {
                    self.seat(usize::from(port.index), Some(Seat { room, hears, talks }));
                }
            }
            Command::Leave { port } => {
                if self.place(port).is_some() {
                    self.seat(usize::from(port.index), None);
                }
            }
            Command::Detach { port } => self.detach(port),
            Command::Play { port, play } => self.play(port, play),
            Command::Feed { play, port, len, data } => self.feed(port, play, &data[..usize::from(len).min(FEED)]),
            Command::FeedEnd { play, port } => {
                if let Some(place) = self.playing(port, play) {
                    place.player.complete();
                }
            }
            Command::Tone { play, port, tone } => self.tone(port, play, tone),
            Command::Mark { play, port, mark } => self.mark(port, play, mark),
            Command::Flush { play, port } => {
                if let Some(place) = self.playing(port, play) {
                    place.player.flush();
                    self.tell_marks(usize::from(port.index));
                    self.offer_room(usize::from(port.index));
                }
            }
            Command::Stop { play, port } => {
                if self.playing(port, play).is_some() {
                    self.end_play(usize::from(port.index), false);
                }
            }
            Command::Tap { port, tap, both, quiet_ms } => {
                let side = if both { Side::Both } else { Side::Said };
                self.tap(port, Tap::new(tap, side, quiet_ms));
            }
            Command::Listen { port, tap, quiet_ms } => self.tap(port, Tap::new(tap, Side::Said, quiet_ms).listening()),
            Command::TapHeard { port, tap } => self.tap(port, Tap::new(tap, Side::Heard, 0)),
            Command::Untap { tap, port } => self.untap(port, tap),
            Command::Connect { listener, talker } => self.wire(listener, talker, true),
            Command::Disconnect { listener, talker } => self.wire(listener, talker, false),
            Command::Keys { port, on } => {
                if let Some(place) = self.place(port)
                    && place.keys != on
                {
                    place.keys = on;
                    place.detector = Detector::new();
                }
            }
        }
    }

    fn attach(&mut self, port: Port, law: Law, source: bool) {
        let index = usize::from(port.index);
        let Some(place) = self.places.get(index) else {
            self.counters.stale += 1;
            return;
        };
        if place.last_generation.is_some_and(|last| !is_later(port.generation, last)) {
            self.counters.stale += 1;
            return;
        }
        self.empty(index);
        let place = &mut self.places[index];
        place.port = Some(port);
        place.last_generation = Some(port.generation);
        place.law = law;
        place.source = source;
        place.keys = !source;
        place.detector = Detector::new();
        place.limiter = Limiter::new();
    }

    fn detach(&mut self, port: Port) {
        if self.place(port).is_some() {
            self.empty(usize::from(port.index));
        }
    }

    /// Ends all that goes on at a place.
    fn empty(&mut self, index: usize) {
        let Some(port) = self.places[index].port else {
            return;
        };
        self.end_play(index, false);
        for slot in 0..self.places[index].taps.len() {
            if let Some(tap) = self.places[index].taps[slot].take() {
                self.outbox.tell_last(tap.last_word(port));
            }
        }
        self.matrix.unwire(index);
        self.places[index].seat = None;
        self.places[index].port = None;
    }

    fn play(&mut self, port: Port, play: PlayId) {
        if self.place(port).is_none() {
            return;
        }
        let index = usize::from(port.index);
        self.end_play(index, false);
        if !self.outbox.admit() {
            self.counters.refused += 1;
            return;
        }
        self.places[index].player.begin(play);
        self.offer_room(index);
    }

    fn feed(&mut self, port: Port, play: PlayId, octets: &[u8]) {
        let Some(place) = self.playing(port, play) else {
            return;
        };
        if place.player.is_complete() {
            self.counters.stale += 1;
            return;
        }
        let dropped = place.player.feed(octets);
        self.counters.overflow += dropped as u64;
    }

    fn tone(&mut self, port: Port, play: PlayId, tone: Tone) {
        let Some(place) = self.playing(port, play) else {
            return;
        };
        if place.player.is_complete() {
            self.counters.stale += 1;
        } else if matches!(tone, Tone::Key(key) if frequencies_of(key).is_none()) {
            self.counters.refused += 1;
        } else if !place.player.tone(tone) {
            self.counters.overflow += 1;
        }
    }

    fn mark(&mut self, port: Port, play: PlayId, mark: u32) {
        let Some(place) = self.playing(port, play) else {
            return;
        };
        if place.player.is_complete() {
            self.counters.stale += 1;
        } else if !place.player.mark(mark) {
            self.counters.overflow += 1;
        }
    }

    /// Tells the marks that a playing has passed.
    pub(crate) fn tell_marks(&mut self, index: usize) {
        let place = &mut self.places[index];
        let (Some(port), Some(play)) = (place.port, place.player.play()) else {
            return;
        };
        while let Some(mark) = place.player.passed() {
            if !self.outbox.tell(Event::Marked { port, play, mark }) {
                self.counters.dropped_events += 1;
            }
        }
    }

    fn tap(&mut self, port: Port, tap: Tap) {
        if self.place(port).is_none() {
            return;
        }
        if !self.outbox.admit() {
            self.counters.refused += 1;
            return;
        }
        match self.places[usize::from(port.index)].taps.iter_mut().find(|slot| slot.is_none()) {
            Some(slot) => *slot = Some(tap),
            None => {
                self.counters.refused += 1;
                self.outbox.tell_last(tap.last_word(port));
            }
        }
    }

    fn untap(&mut self, port: Port, id: TapId) {
        let Some(place) = self.place(port) else {
            return;
        };
        let of_that_name = |slot: &&mut Option<Tap>| slot.as_ref().is_some_and(|tap| tap.id == id);
        match place.taps.iter_mut().find(of_that_name).and_then(Option::take) {
            Some(tap) => self.outbox.tell_last(tap.last_word(port)),
            None => self.counters.stale += 1,
        }
    }

    fn wire(&mut self, listener: Port, talker: Port, on: bool) {
        if self.is_attached(listener) && self.is_attached(talker) {
            self.matrix.wire(usize::from(listener.index), usize::from(talker.index), on);
        } else {
            self.counters.stale += 1;
        }
    }

    /// The running playing of a place is over.
    pub(crate) fn end_play(&mut self, index: usize, whole: bool) {
        let place = &mut self.places[index];
        if let (Some(port), Some(play)) = (place.port, place.player.play()) {
            let octets = place.player.octets();
            place.player.clear();
            self.outbox.tell_last(Event::Played { port, play, octets, whole });
        }
    }

    /// Offers the feeder what has become free, if it is worth it; without room for the event, later.
    pub(crate) fn offer_room(&mut self, index: usize) {
        let place = &mut self.places[index];
        if let (Some(port), Some(play), Some(octets)) = (place.port, place.player.play(), place.player.offer())
            && self.outbox.tell(Event::Room { port, play, octets })
        {
            place.player.offered();
        }
    }

    /// The place of a current port; a port that is over is counted.
    fn place(&mut self, port: Port) -> Option<&mut Place> {
        if !self.is_attached(port) {
            self.counters.stale += 1;
            return None;
        }
        self.places.get_mut(usize::from(port.index))
    }

    /// The place where this playing runs; one that is over is counted.
    fn playing(&mut self, port: Port, play: PlayId) -> Option<&mut Place> {
        let runs = self.is_attached(port) && self.places[usize::from(port.index)].player.play() == Some(play);
        if !runs {
            self.counters.stale += 1;
            return None;
        }
        self.places.get_mut(usize::from(port.index))
    }
}

/// Generations count on and may wrap.
fn is_later(generation: u32, than: u32) -> bool {
    (generation.wrapping_sub(than) as i32) > 0
}
