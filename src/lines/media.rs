//! The audio side of a card: the switch and the opened bearer channels. One tick reads a block of every channel, runs
//! the switch and writes a block back: **read paces write**, so that the delay of a channel is constant once two blocks
//! are primed. Nothing here allocates, locks or logs after construction.

use tipring_card::{BLOCK, Block, CardError, Channel, Law};
use tipring_switch::{Command, Event, Port, PortIo, Switch};

/// A channel keeps at most 63 events; a driver that gives more is broken and is not listened to for ever.
const EVENTS_A_TICK: usize = 64;

/// What went wrong with audio, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MediaCounters {
    /// Ticks run.
    pub ticks: u64,
    /// Blocks of audio that were read, over all channels.
    pub blocks: u64,
    /// Ticks that were run late, back to back with the one before.
    pub late_ticks: u64,
    /// Blocks that were not there when their tick came: the switch got silence.
    pub late_blocks: u64,
    /// Blocks that the channel had no room for.
    pub lost_blocks: u64,
    /// Events fetched from bearer channels.
    pub events: u64,
}

struct Bearer {
    channel: Box<dyn Channel>,
    port: Port,
    /// A block was read in this tick, so one is owed.
    owes: bool,
    /// The first block has arrived: from now on a missing one is late.
    flowing: bool,
    /// The card is gone: told once, then the channel is left alone.
    lost: bool,
    told: bool,
}

/// The switch with its channels.
pub struct Media {
    switch: Switch,
    io: Io,
}

struct Io {
    bearers: Vec<Option<Bearer>>,
    counters: MediaCounters,
    untold: bool,
}

impl Media {
    /// Room for `capacity` ports, all of it allocated now.
    pub fn new(capacity: usize) -> Self {
        let mut bearers = Vec::with_capacity(capacity);
        bearers.resize_with(capacity, || None);
        Media { switch: Switch::new(capacity), io: Io { bearers, counters: MediaCounters::default(), untold: false } }
    }

    /// A primed channel joins under `port`; the channel that was there before, if any, is given back.
    pub fn add(&mut self, port: Port, law: Law, channel: Box<dyn Channel>) -> Option<Box<dyn Channel>> {
        let Some(place) = self.io.bearers.get_mut(usize::from(port.index)) else {
            return Some(channel);
        };
        let bearer = Bearer { channel, port, owes: false, flowing: false, lost: false, told: false };
        let before = place.replace(bearer).map(|bearer| bearer.channel);
        self.switch.command(Command::Attach { port, law });
        before
    }

    /// The channel leaves; it is given back to be closed where closing may take its time.
    pub fn remove(&mut self, port: Port) -> Option<Box<dyn Channel>> {
        self.switch.command(Command::Detach { port });
        let place = self.io.bearers.get_mut(usize::from(port.index))?;
        if place.as_ref().is_some_and(|bearer| bearer.port == port) {
            return place.take().map(|bearer| bearer.channel);
        }
        None
    }

    /// A command of the router.
    pub fn command(&mut self, command: Command) {
        self.switch.command(command);
    }

    /// Runs `ticks` blocks back to back; more than one means that we were late.
    pub fn tick(&mut self, ticks: u32) {
        for n in 0..ticks {
            self.io.counters.ticks += 1;
            self.io.counters.late_ticks += u64::from(n > 0);
            self.switch.tick(&mut self.io);
        }
    }

    /// What the switch has to tell.
    pub fn poll(&mut self) -> Option<Event> {
        self.switch.poll()
    }

    /// A port whose card is gone, told once a port.
    pub fn lost(&mut self) -> Option<Port> {
        if !self.io.untold {
            return None;
        }
        let next = self.io.bearers.iter_mut().flatten().find(|bearer| bearer.lost && !bearer.told);
        self.io.untold = next.is_some();
        next.map(|bearer| {
            bearer.told = true;
            bearer.port
        })
    }

    /// Counters of the audio path.
    pub fn counters(&self) -> MediaCounters {
        self.io.counters
    }

    /// Counters of the switch.
    pub fn switch_counters(&self) -> &tipring_switch::Counters {
        self.switch.counters()
    }
}

impl Io {
    /// Fetches the events that block a channel's audio.
    fn events(counters: &mut MediaCounters, bearer: &mut Bearer) {
        for _ in 0..EVENTS_A_TICK {
            match bearer.channel.event() {
                Ok(Some(_)) => counters.events += 1,
                Ok(None) | Err(_) => return,
            }
        }
    }
}

impl PortIo for Io {
    fn read(&mut self, index: u16, into: &mut Block) -> bool {
        let Some(Some(bearer)) = self.bearers.get_mut(usize::from(index)) else {
            return false;
        };
        bearer.owes = false;
        if bearer.lost {
            return false;
        }
        let mut got = bearer.channel.read(into);
        if got == Err(CardError::EventPending) {
            Io::events(&mut self.counters, bearer);
            got = bearer.channel.read(into);
        }
        match got {
            Ok(BLOCK) => {
                self.counters.blocks += 1;
                bearer.owes = true;
                bearer.flowing = true;
                return true;
            }
            Err(CardError::Gone) => {
                bearer.lost = true;
                self.untold = true;
            }
            Ok(_) | Err(_) => self.counters.late_blocks += u64::from(bearer.flowing),
        }
        false
    }

    fn write(&mut self, index: u16, block: &Block) {
        let Some(Some(bearer)) = self.bearers.get_mut(usize::from(index)) else {
            return;
        };
        if !bearer.owes {
            return;
        }
        let mut put = bearer.channel.write(block);
        if put == Err(CardError::EventPending) {
            Io::events(&mut self.counters, bearer);
            put = bearer.channel.write(block);
        }
        self.counters.lost_blocks += u64::from(put != Ok(BLOCK));
    }
}
