//! One tick: 10 ms of every attached port. All are read before any is written, so that what a talker says now is what
//! his listeners hear now.

use tipring_card::{BLOCK, Block};
use tipring_dsp::mix::mix_into;

use crate::ears::{Linear, companding};
use crate::matrix::Hears;
use crate::player::Played;
use crate::tap::Side;
use crate::{Event, Place, PortIo, Switch};

impl Switch {
    /// Carries one block for each attached port.
    pub fn tick(&mut self, io: &mut impl PortIo) {
        self.counters.ticks += 1;
        self.matrix.begin();
        self.read_all(io);
        for index in 0..self.places.len() {
            if self.places[index].port.is_some() {
                self.hear_keys(index);
                let block = self.sound_for(index);
                if !self.places[index].source {
                    io.write(index as u16, &block);
                }
                self.feed_taps(index, &block);
            }
        }
    }

    fn read_all(&mut self, io: &mut impl PortIo) {
        for index in 0..self.places.len() {
            if self.places[index].port.is_some() && self.places[index].source {
                self.say(index);
            }
        }
        for (index, place) in self.places.iter().enumerate() {
            if place.port.is_some() && !place.source {
                let octets = self.ears.refill(index, place.law);
                if !io.read(index as u16, octets) {
                    octets.fill(place.law.silence());
                    self.counters.late += 1;
                }
            }
        }
    }

    /// What a source says: its playing.
    fn say(&mut self, index: usize) {
        let law = self.places[index].law;
        let mut block = [law.silence(); BLOCK];
        self.play_into(index, &mut block);
        *self.ears.refill(index, law) = block;
    }

    fn hear_keys(&mut self, index: usize) {
        let Place { port: Some(port), keys: true, detector, .. } = &mut self.places[index] else {
            return;
        };
        let (port, outbox, counters) = (*port, &mut self.outbox, &mut self.counters);
        detector.feed(self.ears.linear(index), |key| {
            if !outbox.tell(Event::Key { port, key }) {
                counters.dropped_events += 1;
            }
        });
    }

    /// What a port hears: its own playing and its talkers, mixed only if there is more than one of them.
    fn sound_for(&mut self, index: usize) -> Block {
        let law = self.places[index].law;
        let mut block = [law.silence(); BLOCK];
        let plays = !self.places[index].source && self.play_into(index, &mut block);
        let mut linear: Linear = [0; BLOCK];
        match self.matrix.hears(index) {
            Hears::Nobody => return block,
            Hears::One(talker) if !plays => {
                let talker = usize::from(talker);
                let theirs = companding(self.ears.law(talker));
                theirs.transcode_into(companding(law), self.ears.octets(talker), &mut block);
                return block;
            }
            Hears::One(talker) => linear = *self.ears.linear(usize::from(talker)),
            Hears::Group { group, without_own } => {
                let (own, limiter) = (without_own.then_some(index), &mut self.places[index].limiter);
                let limited = self.matrix.mixed(group, own, &mut self.ears, limiter, &mut linear);
                self.counters.limited += u64::from(limited);
            }
        }
        if plays {
            let mut own: Linear = [0; BLOCK];
            companding(law).decode_into(&block, &mut own);
            mix_into(&mut linear, &own);
        }
        companding(law).encode_into(&linear, &mut block);
        block
    }

    /// The running playing's next block; `false` if none of it is sound.
    fn play_into(&mut self, index: usize, block: &mut Block) -> bool {
        let place = &mut self.places[index];
        let (Some(port), Some(play)) = (place.port, place.player.play()) else {
            return false;
        };
        let Played { sound, started, starved, ended } = place.player.next(place.law, block);
        if started {
            self.tell(Event::Started { port, play });
        }
        self.tell_marks(index);
        if starved {
            self.counters.starved += 1;
            self.tell(Event::Starved { port, play });
        }
        if ended {
            self.end_play(index, true);
        } else {
            self.offer_room(index);
        }
        sound > 0
    }

    fn feed_taps(&mut self, index: usize, heard: &Block) {
        let place = &mut self.places[index];
        let Some(port) = place.port else { return };
        let law = companding(place.law);
        for tap in place.taps.iter_mut().flatten() {
            let mut said = *self.ears.linear(index);
            let mut data = *self.ears.octets(index);
            match tap.side {
                Side::Said => {}
                Side::Heard => {
                    law.decode_into(heard, &mut said);
                    data = *heard;
                }
                Side::Both => {
                    let mut mixed: Linear = [0; BLOCK];
                    law.decode_into(heard, &mut mixed);
                    mix_into(&mut mixed, &said);
                    law.encode_into(&mixed, &mut data);
                }
            }
            let told = self.outbox.tell_audio(Event::Audio { port, tap: tap.id, data });
            self.counters.dropped_events += u64::from(!told);
            tap.count(told);
            let quiet = tap.hear(&said);
            if tap.begins() && self.outbox.tell(Event::Speaks { port, tap: tap.id }) {
                tap.told_speech();
            }
            if quiet && self.outbox.tell(tap.quiet(port)) {
                tap.told_quiet();
            }
        }
    }

    fn tell(&mut self, event: Event) {
        if !self.outbox.tell(event) {
            self.counters.dropped_events += 1;
        }
    }
}
