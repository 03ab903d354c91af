//! The queue of events. Bounded, in order, and it keeps its promise about last words: a playing or a tap is admitted only
//! if there is a place for the event that ends it, and nothing else may take that place. Audio yields first: it may fill
//! three quarters of what ordinary events may.

use alloc::collections::VecDeque;

use crate::Event;

pub(crate) struct Outbox {
    queue: VecDeque<Event>,
    /// Places in all.
    total: usize,
    /// Places that ordinary events may fill.
    ordinary: usize,
    /// Last words that will come.
    owed: usize,
}

impl Outbox {
    /// Room for so many last words, and for a good second of events of so many ports.
    pub(crate) fn new(last_words: usize, ports: usize) -> Outbox {
        let ordinary = LEAST_ORDINARY.max(ports * ORDINARY_A_PORT);
        let total = ordinary + 2 * last_words + SPARE_LAST_WORDS;
        Outbox { queue: VecDeque::with_capacity(total), total, ordinary, owed: 0 }
    }

    /// Keeps a place for a last word. `false`: there is none, so the thing must not begin.
    pub(crate) fn admit(&mut self) -> bool {
        let room = self.queue.len() + self.owed < self.total;
        self.owed += usize::from(room);
        room
    }

    /// The event that ends what was admitted.
    pub(crate) fn tell_last(&mut self, event: Event) {
        debug_assert!(self.owed > 0 && self.queue.len() < self.total);
        self.owed = self.owed.saturating_sub(1);
        self.queue.push_back(event);
    }

    /// An ordinary event. `false`: no room.
    pub(crate) fn tell(&mut self, event: Event) -> bool {
        self.tell_within(self.ordinary, event)
    }

    /// A block of audio. `false`: no room.
    pub(crate) fn tell_audio(&mut self, event: Event) -> bool {
        self.tell_within(self.ordinary / 4 * 3, event)
    }

    pub(crate) fn poll(&mut self) -> Option<Event> {
        self.queue.pop_front()
    }

    fn tell_within(&mut self, limit: usize, event: Event) -> bool {
        let room = self.queue.len() < limit && self.queue.len() + self.owed < self.total;
        if room {
            self.queue.push_back(event);
        }
        room
    }
}

/// Ordinary events a port, three quarters of them for audio: at one tap each 120 ms of it, with all eight a block.
const ORDINARY_A_PORT: usize = 16;
/// A small switch has room for a burst as well.
const LEAST_ORDINARY: usize = 256;
/// Playings that may begin and end between two polls, beyond one for each player and tap.
const SPARE_LAST_WORDS: usize = 256;
