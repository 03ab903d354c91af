//! One PRI span as a machine: the trunk's signalling on one side, the router's sessions on the other, and the state of
//! every bearer channel between them. No thread, no card, no clock: frames and commands in, frames, bearer actions and
//! line events out.
//!
//! A channel is idle, seized by a call, clearing, or blocked with a reason. A lease (port index and generation) is one
//! use of it; a command with an old lease is dropped and counted.

use std::collections::VecDeque;

use tipring_card::{Cause, ChannelId, Law, Micros};
use tipring_isdn::{By, CallId, Command, Config, Event, IncomingCall, Input, Number, Presentation, Ton, Trunk};
use tipring_numbering::TypeOfNumber;
use tipring_router::{LineCommand, LineEvent, LineNumber};
use tipring_switch::Port;

/// What a span is made of.
#[derive(Clone, Debug)]
pub struct SpanConfig {
    /// Card and span for people: `sim 1`.
    pub name: String,
    /// Bearer channels: timeslot, channel of the card.
    pub bearers: Vec<(u8, ChannelId)>,
    /// Law of its channels.
    pub law: Law,
    /// The first port index of the span: bearer n has `first_port + n`.
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
    /// A line for the timeline: something the router does not hear of.
    Note(String),
}

/// What a span has seen, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpanCounters {
    /// Calls offered to us.
    pub incoming: u64,
    /// Calls refused for want of a free channel.
    pub refused: u64,
    /// Commands with a lease that was over.
    pub stale_commands: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Idle,
    Seized {
        call: CallId,
        bearer: Bearer,
        connected: bool,
        told: bool,
    },
    /// The lease is over, the signalling is not.
    Clearing {
        call: CallId,
    },
    Gone,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bearer {
    Closed,
    Opening,
    Open,
}

struct Slot {
    timeslot: u8,
    channel: ChannelId,
    port: Port,
    state: State,
}

/// One PRI span.
pub struct Span {
    name: String,
    law: Law,
    trunk: Trunk,
    slots: Vec<Slot>,
    out: VecDeque<Output>,
    counters: SpanCounters,
    /// Every channel was restarted once: what an earlier life of ours left at the far end is gone.
    restarted: bool,
}

impl Span {
    /// A span whose link is not up yet.
    pub fn new(config: SpanConfig) -> Self {
        let slots = (config.first_port..)
            .zip(&config.bearers)
            .map(|(index, &(timeslot, channel))| Slot {
                timeslot,
                channel,
                port: Port { index, generation: 0 },
                state: State::Idle,
            })
            .collect();
        Span {
            name: config.name,
            law: config.law,
            trunk: Trunk::new(config.trunk),
            slots,
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

    /// Channels with a call, or still clearing one.
    pub fn busy(&self) -> usize {
        self.slots.iter().filter(|slot| !matches!(slot.state, State::Idle)).count()
    }

    /// For people: `sim 1`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Each bearer's timeslot with its state in one word.
    pub fn channels(&self) -> impl Iterator<Item = (u8, &'static str)> + '_ {
        self.slots.iter().map(|slot| {
            let word = match slot.state {
                State::Idle if self.trunk.link_is_up() => "idle",
                State::Idle => "down",
                State::Seized { connected: true, .. } => "in call",
                State::Seized { .. } => "ringing",
                State::Clearing { .. } => "clearing",
                State::Gone => "gone",
            };
            (slot.timeslot, word)
        })
    }

    /// What was seen.
    pub fn counters(&self) -> SpanCounters {
        self.counters
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
            Event::Connected { call, .. } => self.connected(call),
            Event::Disconnecting { call, cause, inband } => {
                if inband {
                    self.trunk.handle(now, Input::Command(Command::Release(call, cause)));
                }
                self.end(call, cause, true);
            }
            Event::Released { call, cause, by } => {
                self.end(call, cause, by == By::Remote);
                self.free(call);
            }
            Event::LinkUp => {
                self.note("D channel up");
                if !std::mem::replace(&mut self.restarted, true) {
                    self.trunk.handle(now, Input::Command(Command::Restart(None)));
                }
            }
            Event::LinkDown => self.note("D channel down"),
            Event::RestartFailed { timeslot } => self.note(&format!("channel {timeslot}: RESTART is not answered")),
            _ => {}
        }
    }

    fn note(&mut self, text: &str) {
        self.out.push_back(Output::Note(format!("{}: {text}", self.name)));
    }

    fn incoming(&mut self, now: Micros, call: &IncomingCall) {
        self.counters.incoming += 1;
        let id = call.call;
        let free = self.slots.iter_mut().find(|s| s.timeslot == call.timeslot && s.state == State::Idle);
        let Some(slot) = free else {
            self.counters.refused += 1;
            self.trunk.handle(now, Input::Command(Command::Reject(id, Cause::CHANNEL_UNAVAILABLE)));
            return;
        };
        slot.port.generation = slot.port.generation.wrapping_add(1);
        slot.state = State::Seized { call: id, bearer: Bearer::Closed, connected: false, told: false };
        let event = LineEvent::Incoming {
            lease: slot.port,
            line: format!("{}/{}", self.name, slot.timeslot),
            law: self.law,
            kind: tipring_router::LineKind::Isdn,
            called: number(&call.called, Presentation::Allowed),
            calling: call.calling.as_ref().map(|calling| number(&calling.number, calling.presentation)),
            caller_name: call.name.as_ref().map(ToString::to_string).filter(|name| !name.is_empty()),
            redirecting: call.redirecting.as_ref().map(|by| number(&by.number, by.presentation)),
        };
        self.trunk.handle(now, Input::Command(Command::Proceeding(id)));
        self.out.push_back(Output::Event(event));
    }

    fn command(&mut self, now: Micros, command: LineCommand) {
        let (LineCommand::Alert { lease } | LineCommand::Answer { lease } | LineCommand::Clear { lease, .. }) = command
        else {
            return;
        };
        let Some((at, call)) = self.leased(lease) else {
            self.counters.stale_commands += 1;
            return;
        };
        match command {
            LineCommand::Alert { .. } => self.trunk.handle(now, Input::Command(Command::Alerting(call, false))),
            LineCommand::Answer { .. } => self.answer(now, at),
            LineCommand::Dial { .. } => {}
            LineCommand::Clear { cause, .. } => {
                self.trunk.handle(now, Input::Command(Command::Disconnect(call, cause)));
                self.end(call, cause, false);
            }
        }
    }

    fn answer(&mut self, now: Micros, at: usize) {
        let slot = &mut self.slots[at];
        let State::Seized { call, bearer, .. } = &mut slot.state else {
            return;
        };
        if *bearer != Bearer::Closed {
            return;
        }
        *bearer = Bearer::Opening;
        let call = *call;
        self.out.push_back(Output::OpenBearer { port: slot.port, channel: slot.channel, law: self.law });
        self.trunk.handle(now, Input::Command(Command::Connect(call)));
    }

    fn bearer(&mut self, now: Micros, port: Port, open: bool) {
        let Some((at, call)) = self.leased(port) else {
            if open {
                self.out.push_back(Output::CloseBearer { port });
            }
            return;
        };
        if !open {
            self.note(&format!("channel {}: cannot be opened", self.slots[at].timeslot));
            self.trunk.handle(now, Input::Command(Command::Disconnect(call, Cause::TEMPORARY_FAILURE)));
            self.end(call, Cause::TEMPORARY_FAILURE, false);
            return;
        }
        if let State::Seized { bearer, .. } = &mut self.slots[at].state {
            *bearer = Bearer::Open;
        }
        self.tell_answered(at);
    }

    fn connected(&mut self, id: CallId) {
        let found = self.slots.iter_mut().position(|slot| match &mut slot.state {
            State::Seized { call, connected, .. } if *call == id => {
                *connected = true;
                true
            }
            _ => false,
        });
        if let Some(at) = found {
            self.tell_answered(at);
        }
    }

    fn tell_answered(&mut self, at: usize) {
        let slot = &mut self.slots[at];
        if let State::Seized { bearer: Bearer::Open, connected: true, told, .. } = &mut slot.state
            && !*told
        {
            *told = true;
            self.out.push_back(Output::Event(LineEvent::Answered {
                lease: slot.port,
                by: tipring_card::Supervision::Connect,
            }));
        }
    }

    fn bearer_lost(&mut self, now: Micros, port: Port) {
        if let Some((_, call)) = self.leased(port) {
            self.trunk.handle(now, Input::Command(Command::Disconnect(call, Cause::OUT_OF_ORDER)));
            self.end(call, Cause::OUT_OF_ORDER, false);
        }
    }

    fn card_gone(&mut self, now: Micros) {
        self.note("the card was removed");
        self.trunk.handle(now, Input::LayerOneDown);
        for at in 0..self.slots.len() {
            if let State::Seized { call, .. } = self.slots[at].state {
                self.end(call, Cause::OUT_OF_ORDER, false);
            }
            self.slots[at].state = State::Gone;
        }
    }

    /// Ends the lease of a call; the channel stays ours until the signalling lets go of it.
    fn end(&mut self, id: CallId, cause: Cause, by_far_end: bool) {
        let seized = |slot: &&mut Slot| matches!(slot.state, State::Seized { call, .. } if call == id);
        let Some(slot) = self.slots.iter_mut().find(seized) else {
            return;
        };
        let opened = !matches!(slot.state, State::Seized { bearer: Bearer::Closed, .. });
        slot.state = State::Clearing { call: id };
        let lease = slot.port;
        if opened {
            self.out.push_back(Output::CloseBearer { port: lease });
        }
        self.out.push_back(Output::Event(LineEvent::Cleared { lease, cause, by_far_end }));
    }

    fn free(&mut self, id: CallId) {
        let clearing = |slot: &&mut Slot| matches!(slot.state, State::Clearing { call } if call == id);
        if let Some(slot) = self.slots.iter_mut().find(clearing) {
            slot.state = State::Idle;
        }
    }

    fn leased(&self, lease: Port) -> Option<(usize, CallId)> {
        self.slots.iter().enumerate().find_map(|(at, slot)| match slot.state {
            State::Seized { call, .. } if slot.port == lease => Some((at, call)),
            _ => None,
        })
    }
}

/// A number of the network as the router knows it.
fn number(number: &Number, presentation: Presentation) -> LineNumber {
    let ton = match number.ton {
        Ton::International => TypeOfNumber::International,
        Ton::National => TypeOfNumber::National,
        Ton::NetworkSpecific => TypeOfNumber::Network,
        Ton::Subscriber => TypeOfNumber::Subscriber,
        Ton::Abbreviated => TypeOfNumber::Abbreviated,
        Ton::Unknown | Ton::Reserved(_) => TypeOfNumber::Unknown,
    };
    LineNumber { digits: number.digits.to_string(), ton, restricted: presentation == Presentation::Restricted }
}
