//! A simulated card as its user sees it: [`Card`], [`Channel`] and [`Pace`] on one end of a [`crate::Wire`].

use std::{
    os::fd::{AsFd, BorrowedFd},
    sync::Arc,
    time::Duration,
};

use nix::sys::eventfd::EventFd;
use tipring_card::{
    BLOCK_US, Card, CardError, Channel, ChannelId, ChannelInfo, ClockDomain, Control, Event, Hook, Micros, Pace,
    Progress, Setup, Signalling, SpanId, SpanInfo, SpanStatus, Use,
};

use crate::{
    dial::Dialler,
    line::Line,
    looped::Loop,
    lossy::{LineFault, Lossy},
    port::Port,
    wire::{Shared, Side, World},
};

/// A pace that hears nothing for this long says so instead of waiting for ever.
const TICK_LIMIT: Duration = Duration::from_secs(1);

/// One end of a wire.
pub struct SimCard {
    shared: Arc<Shared>,
    side: Side,
    spans: Vec<SpanInfo>,
    /// What is used of [`SimCard::all`].
    channels: Vec<ChannelInfo>,
    all: Vec<ChannelInfo>,
}

impl SimCard {
    pub(crate) fn new(shared: Arc<Shared>, side: Side) -> SimCard {
        let world = shared.world();
        let spans = world.spans.iter().map(|span| span.info.clone()).collect();
        let all: Vec<ChannelInfo> = world.lines.iter().map(|line| line.ports[side.index()].info.clone()).collect();
        drop(world);
        SimCard { shared, side, spans, channels: all.clone(), all }
    }

    /// Which end it is.
    pub fn side(&self) -> Side {
        self.side
    }

    /// Reverses the polarity of a loop, or puts it back; only the exchange's end can. The other end is told a little
    /// later ([`Event::Polarity`]).
    pub fn reverse(&mut self, channel: ChannelId, reversed: bool) -> Result<(), CardError> {
        self.with_loop(channel, |looped, now| looped.reverse(reversed, now))
    }

    /// Gives the ringer of a loop another cadence, on and off in turn in milliseconds; only the exchange's end has one.
    pub fn ring_cadence(&mut self, channel: ChannelId, on_off_ms: &'static [u16]) -> Result<(), CardError> {
        self.with_loop(channel, |looped, _| looped.ring_cadence(on_off_ms))
    }

    /// What the sound of a loop suffers from now on; only the exchange's end can say it.
    pub(crate) fn suffers(&mut self, channel: ChannelId, fault: &LineFault) -> Result<(), CardError> {
        self.with_exchange(channel, |line, _| {
            line.lossy = Lossy::new(fault, &line.noise).map(Box::new);
            Some(())
        })
    }

    fn with_loop(&mut self, channel: ChannelId, act: impl FnOnce(&mut Loop, Micros)) -> Result<(), CardError> {
        self.with_exchange(channel, |line, now| line.looped.as_mut().map(|looped| act(looped, now)))
    }

    fn with_exchange(
        &mut self,
        channel: ChannelId,
        act: impl FnOnce(&mut Line, Micros) -> Option<()>,
    ) -> Result<(), CardError> {
        let side = self.side;
        let mut world = self.shared.world();
        if world.gone[self.side.index()] {
            return Err(CardError::Gone);
        }
        let now = world.now;
        let line = usize::from(channel.0).checked_sub(1).and_then(|line| world.lines.get_mut(line));
        let line = line.ok_or(CardError::NoSuchChannel)?;
        let is_exchange = line.looped.as_ref().is_some_and(|looped| looped.exchange() == side);
        is_exchange.then_some(()).and_then(|()| act(line, now)).ok_or(CardError::Invalid)
    }
}

impl Card for SimCard {
    fn name(&self) -> &str {
        match self.side {
            Side::Near => "sim",
            Side::Far => "sim-far",
        }
    }

    fn clock(&self) -> ClockDomain {
        ClockDomain::Sim
    }

    fn spans(&self) -> &[SpanInfo] {
        &self.spans
    }

    fn channels(&self) -> &[ChannelInfo] {
        &self.channels
    }

    fn span_status(&mut self, span: SpanId) -> Result<SpanStatus, CardError> {
        let mut world = self.shared.world();
        if world.gone[self.side.index()] {
            return Err(CardError::Gone);
        }
        let now = world.now;
        let state = world.span_mut(span).ok_or(CardError::Invalid)?;
        if state.is_gone(self.side, now) {
            return Err(CardError::Gone);
        }
        Ok(SpanStatus { alarms: state.alarms(), errors: state.errors[self.side.index()], ..SpanStatus::default() })
    }

    fn open(&mut self, channel: ChannelId) -> Result<Box<dyn Channel>, CardError> {
        let line = usize::from(channel.0).checked_sub(1).ok_or(CardError::NoSuchChannel)?;
        let info = self.channels.iter().find(|known| known.id == channel).ok_or(CardError::NoSuchChannel)?.clone();
        let mut world = self.shared.world();
        if world.is_gone(self.side, line) {
            return Err(CardError::Gone);
        }
        let opening = world.open(self.side, line)?;
        let wake = world.lines[line].ports[self.side.index()].wake();
        drop(world);
        let handle = Handle { shared: self.shared.clone(), side: self.side, line, opening };
        Ok(Box::new(SimChannel { handle, info, wake }))
    }

    /// A channel is what it is made for, or unused.
    fn assign(&mut self, span: SpanId, timeslot: u8, to: Use) -> Result<(), CardError> {
        let line = self.all.iter().position(|known| (known.span, known.timeslot) == (span, timeslot));
        let line = line.ok_or(CardError::NoSuchChannel)?;
        let world = self.shared.world();
        if world.is_gone(self.side, line) {
            return Err(CardError::Gone);
        }
        if world.lines[line].ports[self.side.index()].holder.is_some() {
            return Err(CardError::Busy);
        }
        drop(world);
        let info = &self.all[line];
        if to != Use::Unused && to.signalling() != Some(info.signalling) {
            return Err(CardError::Invalid);
        }
        self.channels.retain(|known| known.id != info.id);
        if to != Use::Unused {
            self.channels.push(info.clone());
            self.channels.sort_by_key(|known| known.id);
        }
        Ok(())
    }

    fn pace(&mut self) -> Result<Box<dyn Pace>, CardError> {
        let last = ticks(&self.shared.world());
        Ok(Box::new(SimPace { shared: self.shared.clone(), side: self.side, last }))
    }
}

/// One opening of one end of a line. Whoever has a stale one, of an opening that is over, reaches nothing.
#[derive(Clone)]
struct Handle {
    shared: Arc<Shared>,
    side: Side,
    line: usize,
    opening: u64,
}

impl Handle {
    /// Does something with our end while the world stands still.
    fn with<T>(&self, act: impl FnOnce(&mut Port) -> Result<T, CardError>) -> Result<T, CardError> {
        let side = self.side.index();
        self.with_line(|line, _| act(&mut line.ports[side]))
    }

    fn with_line<T>(&self, act: impl FnOnce(&mut Line, Micros) -> Result<T, CardError>) -> Result<T, CardError> {
        let mut world = self.shared.world();
        if world.is_gone(self.side, self.line) {
            return Err(CardError::Gone);
        }
        let now = world.now;
        let line = &mut world.lines[self.line];
        if line.ports[self.side.index()].holder != Some(self.opening) {
            return Err(CardError::Gone);
        }
        act(line, now)
    }

    fn is_open(&self) -> bool {
        self.shared.world().lines[self.line].ports[self.side.index()].holder == Some(self.opening)
    }

    fn hook(&self, hook: Hook) -> Result<Progress, CardError> {
        let side = self.side;
        self.with_line(|line, now| {
            let looped = line.looped.as_mut().ok_or(CardError::Invalid)?;
            let progress = looped.hook(side, hook, now)?;
            line.ports[side.index()].dialler = None; // any hook movement ends dialling
            line.tell_loop();
            Ok(progress)
        })
    }

    fn lifted(&self) -> Result<bool, CardError> {
        self.with_line(|line, _| {
            line.looped.as_ref().and_then(|looped| looped.lifted(self.side)).ok_or(CardError::Invalid)
        })
    }

    fn dial(&self, digits: &str) -> Result<(), CardError> {
        self.with(|port| {
            if port.info.signalling == Signalling::Hdlc {
                return Err(CardError::Invalid);
            }
            port.dialler = Some(Dialler::new(digits)?);
            Ok(())
        })
    }

    fn dialing(&self) -> Result<bool, CardError> {
        self.with(|port| Ok(port.dialler.is_some()))
    }
}

/// An opened channel of a simulated card.
pub struct SimChannel {
    handle: Handle,
    info: ChannelInfo,
    wake: Option<Arc<EventFd>>,
}

/// Its hook and its digits, for another thread.
struct SimControl {
    handle: Handle,
}

impl SimControl {
    /// A handle of an opening that is over says `Gone`, as for a card that was taken away; here the two differ.
    fn told<T>(&self, did: Result<T, CardError>) -> Result<T, CardError> {
        did.map_err(|error| if self.handle.is_open() { error } else { CardError::Invalid })
    }
}

impl Control for SimControl {
    fn hook(&mut self, hook: Hook) -> Result<Progress, CardError> {
        self.told(self.handle.hook(hook))
    }

    fn dial(&mut self, digits: &str) -> Result<(), CardError> {
        self.told(self.handle.dial(digits))
    }

    fn dialing(&mut self) -> Result<bool, CardError> {
        self.told(self.handle.dialing())
    }

    fn lifted(&mut self) -> Result<bool, CardError> {
        self.told(self.handle.lifted())
    }
}

/// Its descriptor, on the host's clock, is readable when there is something to read **and** when an event waits: an eventfd
/// knows no priority.
impl Channel for SimChannel {
    fn info(&self) -> &ChannelInfo {
        &self.info
    }

    fn setup(&mut self, setup: Setup) -> Result<(), CardError> {
        self.handle.with(|port| port.setup(setup))
    }

    fn read(&mut self, into: &mut [u8]) -> Result<usize, CardError> {
        self.handle.with(|port| port.read(into))
    }

    fn write(&mut self, from: &[u8]) -> Result<usize, CardError> {
        self.handle.with(|port| port.write(from))
    }

    fn flush(&mut self) -> Result<(), CardError> {
        self.handle.with(|port| {
            port.flush();
            Ok(())
        })
    }

    fn event(&mut self) -> Result<Option<Event>, CardError> {
        self.handle.with(|port| Ok(port.event()))
    }

    fn hook(&mut self, hook: Hook) -> Result<Progress, CardError> {
        self.handle.hook(hook)
    }

    fn dial(&mut self, digits: &str) -> Result<(), CardError> {
        self.handle.dial(digits)
    }

    fn dialing(&mut self) -> Result<bool, CardError> {
        self.handle.dialing()
    }

    fn control(&self) -> Result<Box<dyn Control>, CardError> {
        match self.info.signalling {
            Signalling::FxsKs | Signalling::FxoKs => Ok(Box::new(SimControl { handle: self.handle.clone() })),
            _ => Err(CardError::Invalid),
        }
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.wake.as_ref().map(|wake| wake.as_fd())
    }
}

impl Drop for SimChannel {
    fn drop(&mut self) {
        let Handle { shared, side, line, opening } = &self.handle;
        let mut world = shared.world();
        if world.lines[*line].ports[side.index()].holder == Some(*opening) {
            world.close(*side, *line);
        }
    }
}

/// Ticks of the wire's clock. On the wall clock it waits; on virtual time it never does: it tells the ticks that have
/// passed, or `Again`.
pub struct SimPace {
    shared: Arc<Shared>,
    side: Side,
    last: u64,
}

impl Pace for SimPace {
    fn wait(&mut self) -> Result<u32, CardError> {
        let mut world = self.shared.world();
        if ticks(&world) == self.last && world.has_fds && !world.wall_ended {
            world = self.shared.wait_tick(world, TICK_LIMIT);
        }
        if world.gone[self.side.index()] {
            return Err(CardError::Gone);
        }
        let passed = ticks(&world) - self.last;
        if passed == 0 {
            return Err(if world.wall_ended { CardError::Gone } else { CardError::Again });
        }
        self.last += passed;
        Ok(u32::try_from(passed).unwrap_or(u32::MAX))
    }
}

fn ticks(world: &World) -> u64 {
    world.now.0 / BLOCK_US
}
