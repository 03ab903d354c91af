//! One PRI span as a machine: the trunk's signalling on one side, the router's sessions on the other, and the state of
//! every bearer channel between them. No thread, no card, no clock: frames and commands in, frames, bearer actions and
//! line events out.
//!
//! A channel is idle, held by a call (until the signalling has let go of it), or gone. A lease (port index and
//! generation) is one use of a channel; a command with an old lease is dropped and counted. A call has a lease from its
//! first sign to its clearing, also while the network has not settled its channel.
//!
//! `incoming` is the called side, `outgoing` the calling one; here is what both share.

mod incoming;
mod outgoing;

use std::collections::VecDeque;

use tipring_card::{Cause, ChannelId, Law, Micros, Supervision};
use tipring_isdn::{By, CallId, ChannelState, Command, Config, Event, Input, Trunk};
use tipring_router::{LineCommand, LineEvent};
use tipring_switch::Port;

use crate::groups::Availability;

pub(crate) use outgoing::Request;

/// What a span is made of.
#[derive(Clone, Debug)]
pub struct SpanConfig {
    /// Card and span for people: `sim 1`.
    pub name: String,
    /// Bearer channels: timeslot, channel of the card.
    pub bearers: Vec<(u8, ChannelId)>,
    /// Law of its channels.
    pub law: Law,
    /// The first port index of the span; it has as many ports as bearers.
    pub first_port: u16,
    /// The signalling.
    pub trunk: Config,
}

/// What happens to a span.
#[derive(Debug)]
pub enum SpanInput<'a> {
    /// The receiver is in order.
    Up,
    /// The receiver is in alarm.
    Down,
    /// A frame of the D channel, without its FCS octets.
    Frame(&'a [u8]),
    /// The router wants something.
    Command(LineCommand),
    /// A bearer that [`Output::OpenBearer`] asked for is open and primed, or could not be opened.
    Bearer {
        /// The lease.
        port: Port,
        /// Whether it worked.
        open: bool,
    },
    /// The card of a bearer is gone.
    BearerLost {
        /// The lease.
        port: Port,
    },
    /// The whole card is gone.
    CardGone,
    /// The deadline has come.
    Timer,
}

/// What a span wants.
#[derive(Debug)]
pub enum Output {
    /// Send this frame (append room for the FCS).
    Frame(tipring_isdn::FrameBuf),
    /// Open the channel as audio, prime it and give it to the media side under `port`.
    OpenBearer {
        /// The lease.
        port: Port,
        /// The card's channel.
        channel: ChannelId,
        /// Its law.
        law: Law,
    },
    /// Take the channel back from the media side and close it.
    CloseBearer {
        /// The lease.
        port: Port,
    },
    /// For the router.
    Event(LineEvent),
    /// The network would not have a call of ours on this channel and nothing was heard of it: worth another line. The
    /// lease is void.
    Refused {
        /// The lease.
        port: Port,
        /// Why.
        cause: Cause,
    },
    /// A channel can be taken that could not before, without a call having left it.
    Restored,
    /// A line for the timeline: something the router does not hear of.
    Note(String),
}

/// What a span notes when its D channel is established …
pub const D_CHANNEL_UP: &str = "D channel up";
/// … and when it is lost.
pub const D_CHANNEL_DOWN: &str = "D channel down";

/// What a span has seen, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpanCounters {
    /// Calls offered to us.
    pub incoming: u64,
    /// Calls refused for want of a free channel.
    pub refused: u64,
    /// Calls that we made.
    pub outgoing: u64,
    /// Calls of ours whose channel an incoming call took at the same moment.
    pub glares: u64,
    /// Commands with a lease that was over.
    pub stale_commands: u64,
}
tipring_card::name_counters!(SpanCounters: incoming, refused, outgoing, glares, stale_commands);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SlotState {
    Idle,
    /// By a call, also while it clears.
    Held(CallId),
    Gone,
}

struct Slot {
    timeslot: u8,
    channel: ChannelId,
    state: SlotState,
    rested_since: Micros,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bearer {
    Closed,
    Opening,
    Open,
}

/// A call with a lease.
struct Call {
    id: CallId,
    port: Port,
    is_ours: bool,
    /// The slot it holds; `None` while the network has not said where it goes on.
    slot: Option<usize>,
    bearer: Bearer,
    connected: bool,
    answer_told: bool,
    /// The network has taken our call up: another line would not do better.
    taken_up: bool,
    ringing_told: bool,
    early: Early,
}

/// What can be heard before the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Early {
    Nothing,
    /// There is something; the bearer is not open yet.
    Wanted,
    Told,
}

/// One PRI span.
pub struct Span {
    name: String,
    law: Law,
    is_network: bool,
    trunk: Box<Trunk>,
    slots: Vec<Slot>,
    first_port: u16,
    /// Of each port, the generation of its last lease.
    generations: Vec<u32>,
    /// Calls with a lease: never more than ports.
    calls: Vec<Call>,
    out: VecDeque<Output>,
    counters: SpanCounters,
    /// Every channel was restarted once: what an earlier life of ours left at the far end is gone.
    restarted: bool,
}

impl Span {
    /// A span whose link is not up yet.
    pub fn new(config: SpanConfig) -> Self {
        let slot = |&(timeslot, channel): &(u8, ChannelId)| Slot {
            timeslot,
            channel,
            state: SlotState::Idle,
            rested_since: Micros::ZERO,
        };
        Span {
            name: config.name,
            law: config.law,
            is_network: config.trunk.role == tipring_isdn::Role::Network,
            trunk: Box::new(Trunk::new(config.trunk)),
            slots: config.bearers.iter().map(slot).collect(),
            first_port: config.first_port,
            generations: vec![0; config.bearers.len()],
            calls: Vec::new(),
            out: VecDeque::new(),
            counters: SpanCounters::default(),
            restarted: false,
        }
    }

    /// Something happened.
    pub fn handle(&mut self, now: Micros, input: SpanInput<'_>) {
        match input {
            SpanInput::Up => self.trunk.handle(now, Input::LayerOneUp),
            SpanInput::Down => self.trunk.handle(now, Input::LayerOneDown),
            SpanInput::Frame(octets) => self.trunk.handle(now, Input::Frame(octets)),
            SpanInput::Command(command) => self.command(now, command),
            SpanInput::Bearer { port, open } => self.bearer(now, port, open),
            SpanInput::BearerLost { port } => self.bearer_lost(now, port),
            SpanInput::CardGone => self.card_gone(now),
            SpanInput::Timer => self.trunk.handle(now, Input::Timer),
        }
        self.drain(now);
    }

    /// The next thing to do.
    pub fn poll(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// When to call [`SpanInput::Timer`].
    pub fn deadline(&self) -> Option<Micros> {
        self.trunk.deadline()
    }

    /// Whether calls are possible.
    pub fn link_is_up(&self) -> bool {
        self.trunk.link_is_up()
    }

    /// Begins anew in this role, if no channel has a call. The D channel is to be opened again. Leases of before stay over.
    pub fn begin_anew(&mut self, trunk: tipring_isdn::Config) -> bool {
        if self.busy() > 0 || !self.calls.is_empty() {
            return false;
        }
        self.is_network = trunk.role == tipring_isdn::Role::Network;
        *self.trunk = Trunk::new(trunk);
        self.out.clear();
        self.restarted = false;
        true
    }

    /// Channels with a call, or still clearing one.
    pub fn busy(&self) -> usize {
        self.slots.iter().filter(|slot| slot.state != SlotState::Idle).count()
    }

    /// For people: `sim 1`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Each bearer's timeslot with its state in one word.
    pub fn channels(&self) -> impl Iterator<Item = (u8, &'static str)> + '_ {
        self.slots.iter().map(|slot| {
            let word = match slot.state {
                SlotState::Idle if self.trunk.link_is_up() => "idle",
                SlotState::Idle => "down",
                SlotState::Held(id) => match self.calls.iter().find(|call| call.id == id) {
                    Some(call) if call.connected => "in call",
                    Some(call) if call.is_ours && !call.ringing_told => "dialling",
                    Some(_) => "ringing",
                    None => "clearing",
                },
                SlotState::Gone => "gone",
            };
            (slot.timeslot, word)
        })
    }

    /// The law of its channels.
    pub(crate) fn law(&self) -> Law {
        self.law
    }

    /// What was seen.
    pub fn counters(&self) -> SpanCounters {
        self.counters
    }

    /// What its data link and its calls have seen.
    pub fn trunk_counters(&self) -> tipring_isdn::Counters {
        self.trunk.counters()
    }

    /// Whether a call may go out on a timeslot.
    pub(crate) fn availability(&self, timeslot: u8) -> Availability {
        let Some(slot) = self.slots.iter().find(|slot| slot.timeslot == timeslot) else {
            return Availability::Down;
        };
        match (slot.state, self.trunk.channel_state(timeslot)) {
            (SlotState::Gone, _) | (_, ChannelState::Absent | ChannelState::Maintenance) => Availability::Down,
            _ if !self.trunk.link_is_up() => Availability::Down,
            (SlotState::Idle, ChannelState::Idle) => Availability::Free(slot.rested_since),
            _ => Availability::Busy,
        }
    }

    fn drain(&mut self, now: Micros) {
        while let Some(output) = self.trunk.poll() {
            match output {
                tipring_isdn::Output::Frame(frame) => self.out.push_back(Output::Frame(frame)),
                tipring_isdn::Output::Event(event) => self.event(now, event),
            }
        }
    }

    fn event(&mut self, now: Micros, event: Event) {
        match event {
            Event::Incoming(call) => self.incoming(now, &call),
            Event::SetupAck { call, timeslot, inband } | Event::Proceeding { call, timeslot, inband } => {
                self.goes_on(call, timeslot, inband);
            }
            Event::Progress { call, inband } => self.goes_on(call, None, inband),
            Event::Alerting { call, timeslot, inband } => {
                self.goes_on(call, timeslot, inband);
                self.rings(call);
            }
            Event::Connected { call, timeslot } => {
                self.goes_on(call, Some(timeslot), false);
                self.connected(call);
            }
            Event::Disconnecting { call, cause, inband } => {
                if inband {
                    self.trunk.handle(now, Input::Command(Command::Release(call, cause)));
                }
                // Said of our own timers too, and those have one cause of their own.
                let by = if cause == Cause::TIMER_EXPIRY { By::Timer } else { By::Remote };
                self.ends(call, cause, by);
            }
            Event::Released { call, cause, by } => {
                self.ends(call, cause, by);
                self.free(now, call);
            }
            Event::LinkUp => {
                self.note(D_CHANNEL_UP);
                self.card_is_back();
                if std::mem::replace(&mut self.restarted, true) {
                    self.out.push_back(Output::Restored);
                } else {
                    self.trunk.handle(now, Input::Command(Command::Restart(None)));
                }
            }
            Event::LinkDown => self.note(D_CHANNEL_DOWN),
            Event::ChannelRestarted { .. } => self.out.push_back(Output::Restored),
            Event::RestartFailed { timeslot } => self.note(&format!("channel {timeslot}: RESTART is not answered")),
            Event::Digits { .. } | Event::ProtocolError { .. } => {}
        }
    }

    fn note(&mut self, text: &str) {
        self.out.push_back(Output::Note(format!("{}: {text}", self.name)));
    }

    fn tell(&mut self, event: LineEvent) {
        self.out.push_back(Output::Event(event));
    }

    fn order(&mut self, now: Micros, command: Command) {
        self.trunk.handle(now, Input::Command(command));
    }

    fn command(&mut self, now: Micros, command: LineCommand) {
        // The network tells a trunk that the far end has gone: silence decides nothing, and dialling is another way in.
        let (LineCommand::Alert { lease } | LineCommand::Answer { lease } | LineCommand::Clear { lease, .. }) = command
        else {
            return;
        };
        let Some(at) = self.leased(lease) else {
            self.counters.stale_commands += 1;
            return;
        };
        let call = self.calls[at].id;
        match command {
            LineCommand::Alert { .. } => self.order(now, Command::Alerting(call, false)),
            LineCommand::Answer { .. } => self.answer(now, at),
            LineCommand::Dial { .. }
            | LineCommand::SilenceCounts { .. }
            | LineCommand::MessagesWait { .. }
            | LineCommand::Lift { .. } => {}
            LineCommand::Clear { cause, .. } => {
                self.order(now, Command::Disconnect(call, cause));
                self.end(call, cause, false);
            }
        }
    }

    /// Has the bearer opened, if it is not and the call has one.
    fn open_bearer(&mut self, at: usize) {
        let call = &mut self.calls[at];
        if let (Bearer::Closed, Some(slot)) = (call.bearer, call.slot) {
            call.bearer = Bearer::Opening;
            let (port, channel) = (call.port, self.slots[slot].channel);
            self.out.push_back(Output::OpenBearer { port, channel, law: self.law });
        }
    }

    fn bearer(&mut self, now: Micros, port: Port, open: bool) {
        let Some(at) = self.leased(port) else {
            if open {
                self.out.push_back(Output::CloseBearer { port });
            }
            return;
        };
        if !open {
            let timeslot = self.calls[at].slot.map_or(0, |slot| self.slots[slot].timeslot);
            self.note(&format!("channel {timeslot}: cannot be opened"));
            return self.break_off(now, at, Cause::TEMPORARY_FAILURE);
        }
        self.calls[at].bearer = Bearer::Open;
        self.tell_heard(at);
    }

    /// Tells what an open bearer makes true: early media, or the answer.
    fn tell_heard(&mut self, at: usize) {
        let call = &mut self.calls[at];
        if call.bearer != Bearer::Open {
            return;
        }
        let lease = call.port;
        if call.connected {
            if !std::mem::replace(&mut call.answer_told, true) {
                self.tell(LineEvent::Answered { lease, by: Supervision::Connect });
            }
        } else if call.early == Early::Wanted {
            call.early = Early::Told;
            self.tell(LineEvent::EarlyMedia { lease });
        }
    }

    fn connected(&mut self, id: CallId) {
        let Some(at) = self.calls.iter().position(|call| call.id == id) else {
            return;
        };
        self.calls[at].connected = true;
        self.open_bearer(at);
        self.tell_heard(at);
    }

    fn bearer_lost(&mut self, now: Micros, port: Port) {
        if let Some(at) = self.leased(port) {
            self.break_off(now, at, Cause::OUT_OF_ORDER);
        }
    }

    fn break_off(&mut self, now: Micros, at: usize, cause: Cause) {
        let call = self.calls[at].id;
        self.order(now, Command::Disconnect(call, cause));
        self.end(call, cause, false);
    }

    fn card_gone(&mut self, now: Micros) {
        self.note("the card was removed");
        self.trunk.handle(now, Input::LayerOneDown);
        while let Some(call) = self.calls.first() {
            self.end(call.id, Cause::OUT_OF_ORDER, false);
        }
        for slot in &mut self.slots {
            slot.state = SlotState::Gone;
        }
    }

    /// A link on a card that was gone: its channels are used again, after a restart.
    fn card_is_back(&mut self) {
        for slot in self.slots.iter_mut().filter(|slot| slot.state == SlotState::Gone) {
            slot.state = SlotState::Idle;
            self.restarted = false;
        }
    }

    /// The far end, the network or the trunk itself has ended a call.
    fn ends(&mut self, id: CallId, cause: Cause, by: By) {
        if self.is_worth_another_line(id, cause, by) {
            if let Some(port) = self.forget(id) {
                self.out.push_back(Output::Refused { port, cause });
            }
        } else {
            self.end(id, cause, by == By::Remote);
        }
    }

    /// Ends the lease of a call; the channel stays held until the signalling lets go of it.
    fn end(&mut self, id: CallId, cause: Cause, by_far_end: bool) {
        if let Some(lease) = self.forget(id) {
            self.tell(LineEvent::Cleared { lease, cause, by_far_end });
        }
    }

    fn forget(&mut self, id: CallId) -> Option<Port> {
        let at = self.calls.iter().position(|call| call.id == id)?;
        let call = self.calls.remove(at);
        if call.bearer != Bearer::Closed {
            self.out.push_back(Output::CloseBearer { port: call.port });
        }
        Some(call.port)
    }

    /// The signalling has let go of a call.
    fn free(&mut self, now: Micros, id: CallId) {
        if let Some(slot) = self.slots.iter_mut().find(|slot| slot.state == SlotState::Held(id)) {
            slot.state = SlotState::Idle;
            slot.rested_since = now;
            self.tell(LineEvent::LineFree);
        }
    }

    /// A call takes a slot: its lease, on the slot's own port if that is free. `None`: every port has a lease.
    fn lease(&mut self, id: CallId, slot: usize, is_ours: bool) -> Option<Port> {
        let taken =
            |index: usize| self.calls.iter().any(|call| usize::from(call.port.index - self.first_port) == index);
        let at =
            Some(slot).filter(|&slot| !taken(slot)).or_else(|| (0..self.generations.len()).find(|&n| !taken(n)))?;
        self.generations[at] = self.generations[at].wrapping_add(1);
        let port = Port { index: self.first_port + at as u16, generation: self.generations[at] };
        self.slots[slot].state = SlotState::Held(id);
        self.calls.push(Call {
            id,
            port,
            is_ours,
            slot: Some(slot),
            bearer: Bearer::Closed,
            connected: false,
            answer_told: false,
            taken_up: false,
            ringing_told: false,
            early: Early::Nothing,
        });
        Some(port)
    }

    fn leased(&self, lease: Port) -> Option<usize> {
        self.calls.iter().position(|call| call.port == lease)
    }

    fn slot_of(&self, timeslot: u8) -> Option<usize> {
        self.slots.iter().position(|slot| slot.timeslot == timeslot)
    }

    fn line_name(&self, slot: usize) -> String {
        format!("{}/{}", self.name, self.slots[slot].timeslot)
    }
}
