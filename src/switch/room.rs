//! Rooms: ports that hear each other without a crosspoint being ordered for each pair. A seat says what its port may; who
//! hears whom follows from the seats, and goes into the matrix as crosspoints do, one change at a time, so that whoever
//! moves from one room to another is never heard in both. A seat takes back only what it has made: crosspoints of
//! `Connect` beside it (a coach's, an announcement's) stay, unless they are the same ones.

use crate::{RoomId, Switch};

/// A port's place in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seat {
    pub(crate) room: RoomId,
    pub(crate) hears: bool,
    pub(crate) talks: bool,
}

impl Seat {
    /// Whether who sits here hears who sits there.
    fn hears(self, other: Seat) -> bool {
        self.room == other.room && self.hears && other.talks
    }
}

impl Switch {
    /// Gives a place another seat, or none.
    pub(crate) fn seat(&mut self, index: usize, new: Option<Seat>) {
        let old = self.places[index].seat;
        for other in 0..self.places.len() {
            let Some(theirs) = self.places[other].seat.filter(|_| other != index) else {
                continue;
            };
            let hears = |seat: Option<Seat>| seat.is_some_and(|seat| seat.hears(theirs));
            if hears(old) != hears(new) {
                self.matrix.wire(index, other, hears(new));
            }
            let heard = |seat: Option<Seat>| seat.is_some_and(|seat| theirs.hears(seat));
            if heard(old) != heard(new) {
                self.matrix.wire(other, index, heard(new));
            }
        }
        self.places[index].seat = new;
    }
}
