//! The switch: a matrix of ports that plays, records, hears keys, mixes and is re-wired while audio flows. It knows no
//! card, no call and no file: whoever ticks it brings the blocks ([`PortIo`]), whoever commands it knows the calls.
//!
//! One tick is one block of 10 ms for every attached port: read all, hear keys, make what each port hears, write all,
//! feed the taps. Everything is allocated in [`Switch::new`]; commands, ticks and events allocate nothing.
//!
//! Bounds, each with what happens at it: [`PLAY_BUFFER`] octets a player (the rest of a feed is dropped, `overflow`),
//! [`SEGMENTS`] pieces a player (dropped, `overflow`), [`TAPS`] taps a port (`refused`), the event queue
//! (`dropped_events`; never a last word: a playing or a tap begins only if the place for its last word can be kept).
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod command;
mod counters;
mod ears;
mod matrix;
mod outbox;
mod player;
mod room;
mod tap;
mod tick;
mod words;

use alloc::vec::Vec;

use tipring_card::{Block, Law};
use tipring_dsp::{Detector, Limiter};

use ears::Ears;
use matrix::Matrix;
use outbox::Outbox;
use player::Player;
use room::Seat;
use tap::Tap;

pub use counters::Counters;
pub use player::SEGMENTS;
pub use tap::TAPS;
pub use tipring_dsp::ZoneId;
pub use words::{Command, Event, FEED, PLAY_BUFFER, PlayId, Port, RoomId, TapId, Tone};

/// Where the blocks come from and go to.
pub trait PortIo {
    /// The next block of a port. `false`: there is none in time; the port is taken to be silent and `late` counted.
    fn read(&mut self, index: u16, into: &mut Block) -> bool;
    /// What the port's channel hears next.
    fn write(&mut self, index: u16, block: &Block);
}

/// The switch.
pub struct Switch {
    places: Vec<Place>,
    ears: Ears,
    matrix: Matrix,
    outbox: Outbox,
    counters: Counters,
}

/// One place of the matrix.
struct Place {
    /// Who has it.
    port: Option<Port>,
    /// The last use, so that an older one cannot come back.
    last_generation: Option<u32>,
    law: Law,
    /// It has no channel: what is played here is what it says.
    source: bool,
    seat: Option<Seat>,
    keys: bool,
    detector: Detector,
    /// Of what this port hears where many speak.
    limiter: Limiter,
    player: Player,
    taps: [Option<Tap>; TAPS],
}

impl Switch {
    /// A switch of so many places, all empty; at most [`MOST_PORTS`].
    pub fn new(capacity: usize) -> Switch {
        let capacity = capacity.min(MOST_PORTS);
        Switch {
            places: (0..capacity).map(|_| Place::new()).collect(),
            ears: Ears::new(capacity),
            matrix: Matrix::new(capacity),
            outbox: Outbox::new(capacity * (1 + TAPS), capacity),
            counters: Counters::default(),
        }
    }

    /// The oldest event that has not been told. Drain it after every tick.
    pub fn poll(&mut self) -> Option<Event> {
        self.outbox.poll()
    }

    /// What went wrong so far, in numbers.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Places that there are.
    pub fn capacity(&self) -> usize {
        self.places.len()
    }

    /// Whether this use of a place is the current one.
    pub fn is_attached(&self, port: Port) -> bool {
        self.places.get(usize::from(port.index)).is_some_and(|place| place.port == Some(port))
    }
}

impl Place {
    fn new() -> Place {
        Place {
            port: None,
            last_generation: None,
            law: Law::A,
            source: false,
            seat: None,
            keys: false,
            detector: Detector::new(),
            limiter: Limiter::new(),
            player: Player::new(),
            taps: [None; TAPS],
        }
    }
}

/// Most places: 128 E1 lines. The matrix grows with the square of it.
pub const MOST_PORTS: usize = 4096;
