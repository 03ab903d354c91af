//! The wire between two simulated cards: spans of 31 timeslots and analogue lines, moved by a clock that somebody else
//! turns ([`Wire::step`]) or the host's ([`Wire::run_wall`]). Its lock stands for the kernel. It knows no calls.
//!
//! What it does to the users of its cards is what DAHDI does: see the contract suite in `tipring-card`.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use tipring_card::{BLOCK, Event, Law, Micros, Signalling, SpanId};

use crate::{
    card::SimCard,
    emergency::EmergencyNumber,
    faults::{Faults, Trouble},
    line::{Line, Moves, Span, build, tell_all},
};

/// Most E1 spans of one wire: 30 calls each, more than one box is meant for.
pub const MAX_SPANS: u16 = 16;
/// Most analogue lines of one wire.
pub const MAX_ANALOG_PORTS: u16 = 64;
/// Timeslots of an E1 span that its user sees.
pub const E1_TIMESLOTS: u8 = 31;
/// The D channel of an E1 span.
pub const D_TIMESLOT: u8 = 16;
/// The longest stretch of time that is moved at once.
const STRETCH: Micros = Micros(10_000);
/// Octets of one channel in a millisecond.
const OCTETS_A_MS: usize = 8;

/// An end of the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// The card of the box.
    Near,
    /// The card of the exchange.
    Far,
}

impl Side {
    /// The other end.
    pub const fn other(self) -> Side {
        match self {
            Side::Near => Side::Far,
            Side::Far => Side::Near,
        }
    }

    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

/// What a wire is made of.
#[derive(Clone, Debug)]
pub struct WireConfig {
    /// E1 spans, D channel at timeslot 16; at most [`MAX_SPANS`].
    pub spans: u16,
    /// Analogue lines, in one span of their own after the E1 spans; at most [`MAX_ANALOG_PORTS`].
    pub analog_ports: u16,
    /// Ports for telephones, in one span of their own after those; at most [`MAX_ANALOG_PORTS`].
    pub phone_ports: u16,
    /// The law of the E1 channels.
    pub law: Law,
    /// The law of the analogue lines, at both ends; µ-law as a rule, as DAHDI's analogue cards have it.
    pub analog_law: Law,
    /// Decides every fault.
    pub seed: u64,
    /// What goes wrong.
    pub faults: Faults,
}

impl Default for WireConfig {
    fn default() -> Self {
        WireConfig {
            spans: 1,
            analog_ports: 0,
            phone_ports: 0,
            law: Law::A,
            analog_law: Law::Mu,
            seed: 1,
            faults: Faults::default(),
        }
    }
}

/// What a wire has counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WireCounters {
    /// Frames that arrived.
    pub frames: u64,
    /// Frames that were lost: by fault, by a full receiver, in an alarm.
    pub frames_lost: u64,
    /// Slips of bearer channels.
    pub slips: u64,
    /// Octets that a receiver did not fetch in time.
    pub overrun_octets: u64,
    /// Octets of silence sent because a sender was late.
    pub underrun_octets: u64,
}

/// Two cards and what is between them.
#[derive(Clone)]
pub struct Wire {
    pub(crate) shared: Arc<Shared>,
}

/// The world under its lock, and the bell that the wall clock rings.
pub(crate) struct Shared {
    world: Mutex<World>,
    pub ticked: Condvar,
}

impl Shared {
    pub fn world(&self) -> MutexGuard<'_, World> {
        // A user that panicked cannot leave the world half changed: every change is complete before user code runs.
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn wait_tick<'a>(&self, world: MutexGuard<'a, World>, limit: std::time::Duration) -> MutexGuard<'a, World> {
        self.ticked.wait_timeout(world, limit).unwrap_or_else(PoisonError::into_inner).0
    }
}

impl Wire {
    /// A wire at time zero. More spans or lines than allowed are cut to the bound.
    pub fn new(config: WireConfig) -> Wire {
        Wire { shared: Arc::new(Shared { world: Mutex::new(World::new(config)), ticked: Condvar::new() }) }
    }

    /// The card of the box.
    pub fn near(&self) -> SimCard {
        SimCard::new(self.shared.clone(), Side::Near)
    }

    /// The card of the exchange.
    pub fn far(&self) -> SimCard {
        SimCard::new(self.shared.clone(), Side::Far)
    }

    /// The wire's clock.
    pub fn now(&self) -> Micros {
        self.shared.world().now
    }

    /// Lets time pass up to `to`, in whole milliseconds: octets, frames and events move.
    pub fn step(&self, to: Micros) {
        self.shared.world().step(to);
        self.shared.ticked.notify_all();
    }

    /// When something on the wire moves next; none: nothing will until somebody writes, opens or moves a hook. Time may
    /// be stepped there at once.
    pub fn deadline(&self) -> Option<Micros> {
        self.shared.world().deadline()
    }

    /// Has every frame that arrives looked at, in the moment in which it becomes readable; the side is the receiver's.
    /// Nobody else works on the wire meanwhile, so the look must be short.
    pub fn watch_frames(&self, watch: impl FnMut(Side, &[u8]) + Send + 'static) {
        self.shared.world().watch = Some(Box::new(watch));
    }

    /// Makes trouble now.
    pub fn trouble(&self, what: Trouble) {
        let mut world = self.shared.world();
        world.trouble(what);
        world.review_alarms();
    }

    /// Pulls (`plugged` false) or replugs the cable of a span.
    pub fn plug(&self, span: SpanId, plugged: bool) {
        let mut world = self.shared.world();
        if let Some(state) = world.span_mut(span) {
            state.unplugged = !plugged;
        }
        world.review_alarms();
    }

    /// A number for help that may be dialled, because it leads into this wire and nowhere else.
    pub fn emergency_number(&self, digits: &str) -> EmergencyNumber {
        EmergencyNumber::on_a_simulation(digits)
    }

    /// Takes a card away for good.
    pub fn remove(&self, side: Side) {
        self.trouble(Trouble::Remove(side));
    }

    /// Takes the device of one span away from one end: each of its channels has [`Event::Removed`], and a block later it is
    /// gone. The other spans go on.
    pub fn take_span(&self, side: Side, span: SpanId) {
        let mut world = self.shared.world();
        let gone_from = world.now + STRETCH;
        let number = world.spans.iter().position(|known| known.info.id == span);
        if let Some(state) = world.span_mut(span) {
            state.gone_from[side.index()] = Some(gone_from);
        }
        for line in world.lines.iter_mut().filter(|line| Some(line.span) == number) {
            line.ports[side.index()].tell(Event::Removed);
            line.ports[side.index()].wake_for_good();
        }
    }

    /// The device of a span is back.
    pub fn give_span_back(&self, side: Side, span: SpanId) {
        if let Some(state) = self.shared.world().span_mut(span) {
            state.gone_from[side.index()] = None;
        }
    }

    /// What has been counted so far.
    pub fn counters(&self) -> WireCounters {
        self.shared.world().counters()
    }
}

/// Everything behind the lock.
pub(crate) struct World {
    pub now: Micros,
    pub lines: Vec<Line>,
    pub spans: Vec<Span>,
    pub gone: [bool; 2],
    pub has_fds: bool,
    pub wall_ended: bool,
    pub faults: Faults,
    openings: u64,
    next_planned: usize,
    counters: WireCounters,
    watch: Option<Watch>,
}

/// What looks at arriving frames.
pub(crate) type Watch = Box<dyn FnMut(Side, &[u8]) + Send>;

impl World {
    fn new(config: WireConfig) -> World {
        let mut faults = config.faults.clone();
        faults.planned.sort_by_key(|planned| planned.at);
        let (spans, lines) = build(&config, &faults);
        let mut world = World {
            now: Micros::ZERO,
            lines,
            spans,
            gone: [false; 2],
            has_fds: false,
            wall_ended: false,
            faults,
            openings: 0,
            next_planned: 0,
            counters: WireCounters::default(),
            watch: None,
        };
        world.review_alarms();
        world
    }

    /// Opens one end of a line; the number of the opening.
    pub fn open(&mut self, side: Side, line: usize) -> Result<u64, tipring_card::CardError> {
        self.openings += 1;
        let (opening, with_fd, first) = (self.openings, self.has_fds, self.faults.first_frame);
        let line = &mut self.lines[line];
        let port = &mut line.ports[side.index()];
        port.open(opening, with_fd)?;
        port.loses_first_frame = line.ways[side.other().index()].first_frame_is_lost(first);
        if let Some(looped) = &mut line.looped {
            looped.opened(side, self.now);
        }
        Ok(opening)
    }

    /// Closes one end of a line.
    pub fn close(&mut self, side: Side, line: usize) {
        let (now, line) = (self.now, &mut self.lines[line]);
        let port = &mut line.ports[side.index()];
        self.counters.overrun_octets += port.overrun_octets;
        self.counters.underrun_octets += port.underrun_octets;
        let cut = port.close();
        if cut && !self.spans[line.span].is_down {
            line.ports[side.other().index()].tell(Event::HdlcAbort);
        }
        if let Some(looped) = &mut line.looped {
            looped.closed(side, now);
            tell_all(looped, &mut line.ports);
        }
    }

    /// Whether the card at this end, or the device of this line, is away.
    pub fn is_gone(&self, side: Side, line: usize) -> bool {
        let span = self.lines.get(line).and_then(|line| self.spans.get(line.span));
        self.gone[side.index()] || span.is_some_and(|span| span.is_gone(side, self.now))
    }

    pub fn span_mut(&mut self, id: SpanId) -> Option<&mut Span> {
        self.spans.iter_mut().find(|span| span.info.id == id)
    }

    pub fn step(&mut self, to: Micros) {
        let to = Micros(to.0 / 1_000 * 1_000);
        while self.now < to {
            self.make_planned_trouble();
            self.review_alarms();
            let end = to.min(self.now + STRETCH).min(self.next_change());
            let octets = (end.since(self.now).as_ms() as usize * OCTETS_A_MS).min(BLOCK);
            self.now = end;
            self.move_octets(octets);
        }
        self.make_planned_trouble();
        self.review_alarms();
    }

    fn move_octets(&mut self, octets: usize) {
        let World { lines, spans, faults, counters, now, watch, .. } = self;
        for line in lines {
            let span = &mut spans[line.span];
            if let Some(looped) = &mut line.looped
                && !looped.is_at_rest()
            {
                looped.run(*now);
                tell_all(looped, &mut line.ports);
            }
            if line.ports.iter().all(|port| port.holder.is_none()) {
                continue;
            }
            if line.ports[0].info.signalling == Signalling::Hdlc {
                let moves = Moves { faults, counters, watch, now: *now };
                line.move_frames(octets, span, moves);
            } else {
                counters.slips += u64::from(line.move_audio(octets, span));
            }
        }
    }

    fn make_planned_trouble(&mut self) {
        while let Some(planned) = self.faults.planned.get(self.next_planned).filter(|p| p.at <= self.now).copied() {
            self.next_planned += 1;
            self.trouble(planned.what);
        }
    }

    fn trouble(&mut self, what: Trouble) {
        let now = self.now;
        match what {
            Trouble::SpanAlarm { span, lasts } => {
                if let Some(span) = self.span_mut(span) {
                    span.alarm_until = now + lasts;
                }
            }
            Trouble::FramesVanish { span, lasts } => {
                if let Some(span) = self.span_mut(span) {
                    span.deaf_until = now + lasts;
                }
            }
            Trouble::LineCut { line, lasts } => {
                let line = usize::from(line.0).checked_sub(1).and_then(|line| self.lines.get_mut(line));
                if let Some(line) = line {
                    if let Some(looped) = &mut line.looped {
                        looped.cut(now, lasts);
                    }
                    line.tell_loop();
                }
            }
            Trouble::Remove(side) => {
                self.gone[side.index()] = true;
                for line in &mut self.lines {
                    line.ports[side.index()].wake_for_good();
                }
            }
        }
    }

    /// The next moment at which a stretch of time must end, so that faults do not depend on the steps.
    fn next_change(&self) -> Micros {
        let planned = self.faults.planned.get(self.next_planned).map_or(Micros::FOREVER, |p| p.at);
        let spans = self.spans.iter().flat_map(|span| [span.alarm_until, span.deaf_until]);
        let next = spans.chain([planned, self.faults.far_starts_at]).filter(|&at| at > self.now).min();
        // Whole milliseconds: time moves in no smaller piece.
        next.map_or(Micros::FOREVER, |at| Micros(at.0.div_ceil(1_000).saturating_mul(1_000)))
    }

    fn deadline(&self) -> Option<Micros> {
        let next_block = self.now + STRETCH;
        let lines = self.lines.iter().filter_map(|line| {
            if line.looped.as_ref().is_some_and(|looped| !looped.is_at_rest()) {
                return Some(next_block);
            }
            line.ports
                .iter()
                .filter_map(|port| port.octets_to_next())
                .min()
                .map(|octets| self.now + Micros::from_ms(octets.div_ceil(OCTETS_A_MS) as u64))
        });
        let change = Some(self.next_change()).filter(|&at| at != Micros::FOREVER);
        lines.chain(change).min()
    }

    fn review_alarms(&mut self) {
        let far_is_absent = self.gone[0] || self.gone[1] || self.now < self.faults.far_starts_at;
        let now = self.now;
        for (number, span) in self.spans.iter_mut().enumerate() {
            let is_taken = span.is_gone(Side::Near, now) || span.is_gone(Side::Far, now);
            let is_down = far_is_absent || is_taken || span.unplugged || self.now < span.alarm_until;
            if is_down == span.is_down {
                continue;
            }
            span.is_down = is_down;
            let event = if is_down { Event::Alarm } else { Event::AlarmCleared };
            for line in self.lines.iter_mut().filter(|line| line.span == number) {
                for port in &mut line.ports {
                    port.tell(event);
                }
            }
        }
    }

    fn counters(&self) -> WireCounters {
        let mut counters = self.counters;
        for port in self.lines.iter().flat_map(|line| &line.ports) {
            counters.overrun_octets += port.overrun_octets;
            counters.underrun_octets += port.underrun_octets;
        }
        counters
    }
}
