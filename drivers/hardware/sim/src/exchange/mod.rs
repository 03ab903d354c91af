//! The other end of the lines: an exchange with telephones. It rings the box, takes the box's calls, carries each
//! telephone's blocks on its B channel, and tells afterwards what came of every call. It speaks through the same Q.921
//! and Q.931 machines as the box, in the other role; given the near card and the user's role it is a PBX instead.
//!
//! It has no clock and no thread: [`Exchange::step`] after every step of the wire.
//! Source: Q.931 §5 for the order of a call; the machines know the rest.

mod call;
mod finished;
mod link;
mod report;
mod trace;

use std::collections::VecDeque;

use tipring_card::{BLOCK_US, Card, Cause, ChannelId, Law, Micros, Signalling, SpanId, SpanKind};
use tipring_isdn::{
    By, CallId, Calling, ChannelState, Command, Config, Event, IncomingCall, Number, Presentation, Role, Screening,
    SetupRequest, Text, Timers,
};

use tipring_dsp::ZoneId;

pub use report::{CallReport, Dialled};
pub use trace::{MAX_TRACE, TraceLine};

pub(crate) use finished::Finished;
pub(crate) use trace::Trace;

use self::{call::ActiveCall, link::Link};
use crate::{
    card::SimCard,
    script::{MAX_STEPS, Step},
    tones::{OfficeTone, Playing},
};

/// Calls that may wait for their moment: more than an hour of load tests.
pub const MAX_WAITING: usize = 100_000;
/// Reports that are kept until they are taken; the oldest goes first.
pub const MAX_FINISHED: usize = 100_000;
/// Octets that all these reports together keep of what was heard: 256 MiB, nine hours. The oldest goes first.
pub const MAX_FINISHED_OCTETS: usize = 256 << 20;

/// How an exchange works.
#[derive(Clone, Debug)]
pub struct ExchangeConfig {
    /// Network: an exchange. User: a PBX.
    pub role: Role,
    /// The law of its telephones.
    pub law: Law,
    /// Other timers than the role's.
    pub timers: Option<Timers>,
    /// It does nothing before this moment.
    pub starts_at: Micros,
    /// How long a call waits for the link before it fails with cause 38.
    pub link_wait: Micros,
    /// Who answers calls that arrive: the first entry that fits. A call that fits none is refused with cause 1.
    pub subscribers: Vec<Subscriber>,
    /// The country's tones are heard in band, and said so (progress indicator 8): ringback while a called telephone
    /// rings. None: a called telephone rings in silence, and the caller's own side makes the tone.
    pub tones: Option<ZoneId>,
    /// How long it lets a caller of its own listen to the tones of a refusal before it gives the channel up.
    pub hears_refusals: Micros,
    /// Keeps a line for every message and every turn of a call.
    pub keeps_trace: bool,
    /// Its telephones keep what they hear.
    pub keeps_sound: bool,
}

impl Default for ExchangeConfig {
    fn default() -> Self {
        ExchangeConfig {
            role: Role::Network,
            law: Law::A,
            timers: None,
            starts_at: Micros::ZERO,
            link_wait: Micros::from_s(30),
            subscribers: Vec::new(),
            tones: None,
            hears_refusals: Micros::ZERO,
            keeps_trace: true,
            keeps_sound: true,
        }
    }
}

/// Somebody who can be called.
#[derive(Clone, Debug)]
pub struct Subscriber {
    /// The number; empty: every number.
    pub number: String,
    /// What happens when it is called.
    pub reply: Reply,
}

/// What happens when a subscriber is called.
#[derive(Clone, Debug)]
pub enum Reply {
    /// The telephone rings, is picked up, and does its steps.
    Answer {
        /// How long it rings.
        rings: Micros,
        /// What it does then.
        steps: Vec<Step>,
    },
    /// It rings until the caller gives up.
    RingForever,
    /// The call is refused. On an analogue line the caller hears it: busy for 17, congestion for 34 to 47, information
    /// for any other cause.
    Refuse(Cause),
    /// The call is refused, and an exchange of spans lets the caller hear the tone of the cause in band before the
    /// channel goes (Q.931 §5.3.4). On an analogue line the same as [`Reply::Refuse`].
    RefuseWithTone(Cause),
    /// Something is said without an answer (a recording, early media), then the call is refused: over spans with
    /// PROGRESS and a progress indicator 8 before it, on an analogue line with the tone of the cause after it.
    Announce {
        /// What is said and done.
        steps: Vec<Step>,
        /// Why the call is refused.
        cause: Cause,
    },
    /// Nothing is said at all.
    Ignore,
}

/// A call to make.
#[derive(Clone, Debug, Default)]
pub struct Call {
    /// By which reports name it.
    pub id: String,
    /// When to ring.
    pub at: Micros,
    /// The caller's number; none: no number is sent.
    pub from: Option<String>,
    /// The caller's name; sent by an exchange only.
    pub name: Option<String>,
    /// The number is withheld.
    pub restricted: bool,
    /// The number called.
    pub to: String,
    /// On which span; any when none.
    pub span: Option<SpanId>,
    /// On which timeslot; any when none.
    pub timeslot: Option<u8>,
    /// On which analogue line, for an [`crate::Office`]; any idle one when none. An exchange does not look at it.
    pub line: Option<ChannelId>,
    /// What the telephone does.
    pub steps: Vec<Step>,
}

impl Call {
    /// What is wrong with it, whoever makes it; `waiting` calls wait already.
    pub(crate) fn check(&self, waiting: usize) -> Result<(), RingError> {
        let refuse = |why: String| Err(RingError(format!("call '{}': {why}", self.id)));
        if waiting >= MAX_WAITING {
            return refuse(format!("{MAX_WAITING} calls wait already: ring later"));
        }
        if self.steps.len() > MAX_STEPS {
            return refuse(format!("{} steps: at most {MAX_STEPS}, split the call", self.steps.len()));
        }
        for number in self.from.iter().chain([&self.to]) {
            if Number::unknown(number).is_none() {
                return refuse(format!("'{number}' is no number: use at most 40 of 0-9, *, #, A-D"));
            }
        }
        for (nth, step) in self.steps.iter().enumerate() {
            if let Some(complaint) = step.complaint() {
                return refuse(format!("step {}: {complaint}", nth + 1));
            }
        }
        Ok(())
    }
}

/// Why a call cannot be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RingError(pub String);

impl std::fmt::Display for RingError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for RingError {}

/// An exchange on a simulated card.
pub struct Exchange {
    card: SimCard,
    config: ExchangeConfig,
    links: Vec<Link>,
    waiting: VecDeque<Call>,
    calls: Vec<ActiveCall>,
    finished: Finished,
    trace: Trace,
    named: u32,
}

impl Exchange {
    /// An exchange on all E1 spans of a card. It opens nothing before its first step.
    pub fn new(card: SimCard, config: ExchangeConfig) -> Exchange {
        let mut isdn = Config { law: config.law, ..Config::e1(config.role) };
        if let Some(timers) = config.timers {
            isdn.timers = timers;
        }
        let links = card.spans().iter().filter(|span| span.kind == SpanKind::E1).filter_map(|span| {
            let d = card.channels().iter().find(|c| c.span == span.id && c.signalling == Signalling::Hdlc)?;
            Some(Link::new(span.id, d.id, isdn))
        });
        let links = links.collect();
        let trace = Trace::new(config.keeps_trace);
        Exchange {
            card,
            config,
            links,
            waiting: VecDeque::new(),
            calls: Vec::new(),
            finished: Finished::default(),
            trace,
            named: 0,
        }
    }

    /// How it works from now on. A call that is under way goes on as it began.
    pub fn config_mut(&mut self) -> &mut ExchangeConfig {
        &mut self.config
    }

    /// Has a telephone ring the other side at its moment (or at once, when that has passed).
    pub fn ring(&mut self, call: Call) -> Result<(), RingError> {
        call.check(self.waiting.len())?;
        if call.span.is_some_and(|span| self.links.iter().all(|link| link.span != span)) {
            let why = "there is no such E1 span: leave it out, or give the wire more spans";
            return Err(RingError(format!("call '{}': {why}", call.id)));
        }
        let place = self.waiting.partition_point(|waiting| waiting.at <= call.at);
        self.waiting.insert(place, call);
        Ok(())
    }

    /// Ends a call of ours or of the box. One that still waits for its moment is forgotten, without a report.
    pub fn hang_up(&mut self, now: Micros, id: &str, cause: Cause) {
        self.waiting.retain(|call| call.id != id);
        if let Some(call) = self.calls.iter().find(|call| call.report.id == id) {
            let (link, isdn) = (call.link, call.isdn);
            self.command(now, link, Command::Disconnect(isdn, cause));
        }
    }

    /// Restarts one timeslot of a span, or all.
    pub fn restart(&mut self, now: Micros, span: SpanId, timeslot: Option<u8>) {
        if let Some(link) = self.links.iter().position(|link| link.span == span) {
            self.command(now, link, Command::Restart(timeslot));
        }
    }

    /// Works: frames, timers, calls, telephones. Call it after every step of the wire.
    pub fn step(&mut self, now: Micros) {
        if now < self.config.starts_at {
            return;
        }
        for link in 0..self.links.len() {
            self.links[link].receive(now, &mut self.card, &mut self.trace);
            self.drain(now, link);
        }
        self.place_calls(now);
        self.work_on_calls(now);
    }

    /// When [`Exchange::step`] has something to do of itself. Frames and audio come with the wire's steps.
    pub fn deadline(&self) -> Option<Micros> {
        let timers = self.links.iter().filter_map(Link::deadline);
        let seen = self.links.iter().map(|link| link.seen).max();
        let next_block = seen.map(|seen| seen + Micros(BLOCK_US));
        // A call that is due waits for its link, block by block.
        let is_due = |at: Micros| seen.is_some_and(|seen| at <= seen);
        let waiting = self.waiting.front().and_then(|call| if is_due(call.at) { next_block } else { Some(call.at) });
        let next_block = next_block.filter(|_| !self.calls.is_empty());
        let first = timers.chain(waiting).chain(next_block).min();
        first.map(|at| at.max(self.config.starts_at))
    }

    /// Whether the link of a span is established.
    pub fn link_is_up(&self, span: SpanId) -> bool {
        self.links.iter().any(|link| link.span == span && link.trunk.link_is_up())
    }

    /// Every B channel that is not idle, as the exchange sees it.
    pub fn busy_channels(&self) -> Vec<(SpanId, u8)> {
        let all = self.links.iter().flat_map(|link| (1..=31).map(move |slot| (link, slot)));
        let busy = all.filter(|(link, slot)| {
            !matches!(link.trunk.channel_state(*slot), ChannelState::Idle | ChannelState::Absent)
        });
        busy.map(|(link, slot)| (link.span, slot)).collect()
    }

    /// The state of one B channel.
    pub fn channel_state(&self, span: SpanId, timeslot: u8) -> ChannelState {
        let link = self.links.iter().find(|link| link.span == span);
        link.map_or(ChannelState::Absent, |link| link.trunk.channel_state(timeslot))
    }

    /// Whether no call waits and none is under way.
    pub fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.calls.is_empty()
    }

    /// Calls under way.
    pub fn calls(&self) -> impl Iterator<Item = &CallReport> {
        self.calls.iter().map(|call| &call.report)
    }

    /// A call by its id: under way, or over and not yet taken.
    pub fn call(&self, id: &str) -> Option<&CallReport> {
        self.calls().chain(self.finished.iter()).find(|report| report.id == id)
    }

    /// The calls that are over, in the order of their end; they are given once.
    pub fn take_finished(&mut self) -> Vec<CallReport> {
        self.finished.take()
    }

    /// Every message and every turn of a call so far; empty when no trace is kept.
    pub fn trace(&self) -> &[TraceLine] {
        self.trace.lines()
    }

    fn command(&mut self, now: Micros, link: usize, command: Command) {
        self.links[link].command(now, command, &mut self.trace);
        self.drain(now, link);
    }

    /// Does what the link has to say. A command may bring more, hence the loop; every turn takes one event away.
    fn drain(&mut self, now: Micros, link: usize) {
        while let Some(event) = self.links[link].next_event() {
            self.obey(now, link, event);
        }
    }

    fn obey(&mut self, now: Micros, link: usize, event: Event) {
        self.trace.event(now, self.links[link].span, &event);
        match event {
            Event::Incoming(incoming) => self.take_call(now, link, incoming),
            Event::Proceeding { call, timeslot, inband } | Event::SetupAck { call, timeslot, inband } => {
                self.with_call(link, call, |call, card| {
                    call.report.proceeding_at.get_or_insert(now);
                    call.hears(now, inband);
                    call.use_channel(card, timeslot);
                });
            }
            Event::Alerting { call, timeslot, inband } => self.with_call(link, call, |call, card| {
                call.report.alerting_at.get_or_insert(now);
                call.hears(now, inband);
                call.use_channel(card, timeslot);
            }),
            Event::Progress { call, inband } => self.with_call(link, call, |call, _| call.hears(now, inband)),
            Event::Connected { call, timeslot } => self.with_call(link, call, |call, card| {
                call.use_channel(card, Some(timeslot));
                call.report.connected_at.get_or_insert(now);
                call.report.phone.connected(now);
            }),
            Event::Disconnecting { call, cause, inband } => {
                let hears = self.config.hears_refusals;
                if inband && hears > Micros::ZERO {
                    self.with_call(link, call, |call, _| {
                        call.hears(now, true);
                        call.release_at = Some((now + hears, cause));
                    });
                    return;
                }
                self.with_call(link, call, |call, _| call.ends(now));
                if inband {
                    self.links[link].command(now, Command::Release(call, cause), &mut self.trace);
                }
            }
            Event::Released { call, cause, by } => self.finish(now, link, call, cause, by),
            Event::LinkUp
            | Event::LinkDown
            | Event::Digits { .. }
            | Event::ChannelRestarted { .. }
            | Event::RestartFailed { .. }
            | Event::ProtocolError { .. } => {}
        }
    }

    fn with_call(&mut self, link: usize, isdn: CallId, act: impl FnOnce(&mut ActiveCall, &mut SimCard)) {
        if let Some(call) = self.calls.iter_mut().find(|call| call.link == link && call.isdn == isdn) {
            act(call, &mut self.card);
        }
    }

    fn place_calls(&mut self, now: Micros) {
        // Each turn takes a waiting call away or ends.
        let mut passed_over = 0;
        while self.waiting.get(passed_over).is_some_and(|call| call.at <= now) {
            let wish = self.waiting[passed_over].span;
            match self.links.iter().position(|link| link.can_take_call(wish)) {
                Some(link) => {
                    if let Some(call) = self.waiting.remove(passed_over) {
                        self.place(now, link, call);
                    }
                }
                None if now.since(self.waiting[passed_over].at) < self.config.link_wait => passed_over += 1,
                None => {
                    if let Some(call) = self.waiting.remove(passed_over) {
                        let mut report = CallReport::of(&call, self.config.law, now);
                        report.released_at = Some(now);
                        report.cause = Some(Cause::NETWORK_OUT_OF_ORDER);
                        report.by = Some(By::Link);
                        self.finished.keep(report);
                    }
                }
            }
        }
    }

    fn place(&mut self, now: Micros, link: usize, call: Call) {
        let mut report = CallReport::of(&call, self.config.law, now);
        report.phone.keeps_sound(self.config.keeps_sound);
        let isdn = self.links[link].trunk.next_call_id();
        let number = |digits: &str| Number::unknown(digits).unwrap_or_default();
        let mut request = SetupRequest::speech(isdn, number(&call.to), self.config.law);
        request.timeslot = call.timeslot;
        request.exclusive = call.timeslot.is_some();
        let presentation = if call.restricted { Presentation::Restricted } else { Presentation::Allowed };
        request.calling = call.from.as_deref().map(|from| Calling {
            number: number(from),
            presentation,
            screening: Screening::Network,
        });
        request.name = call.name.as_deref().map(text);
        self.calls.push(ActiveCall::new(link, isdn, self.links[link].span, report));
        self.command(now, link, Command::Setup(request));
        let timeslot = self.links[link].trunk.timeslot(isdn);
        self.with_call(link, isdn, |call, card| call.use_channel(card, timeslot));
    }

    fn take_call(&mut self, now: Micros, link: usize, incoming: IncomingCall) {
        let called = incoming.called.digits.as_str();
        let fits = |subscriber: &&Subscriber| subscriber.number.is_empty() || subscriber.number == called;
        let reply = self.config.subscribers.iter().find(fits).map(|subscriber| subscriber.reply.clone());
        self.named += 1;
        let id = format!("in-{}", self.named);
        let isdn = incoming.call;
        let reply = reply.unwrap_or(Reply::Refuse(Cause::UNALLOCATED));
        let (answer_after, steps) = match &reply {
            Reply::Answer { rings, steps } => (Some(*rings), steps.clone()),
            Reply::Announce { steps, .. } => (None, steps.clone()),
            _ => (None, Vec::new()),
        };
        let says_at_once = matches!(reply, Reply::Announce { .. }).then_some(now);
        let begins_at = says_at_once.or(answer_after.map(|rings| now + rings)).unwrap_or(Micros::FOREVER);
        let mut report = CallReport::incoming(id, &incoming, self.config.law, steps, now, begins_at);
        report.phone.keeps_sound(self.config.keeps_sound);
        let mut call = ActiveCall::new(link, isdn, self.links[link].span, report);
        call.answer_at = answer_after.map(|rings| now + rings);
        call.use_channel(&mut self.card, Some(incoming.timeslot));
        let zone = self.config.tones;
        if let Reply::RefuseWithTone(cause) = reply {
            call.tone = Some(Playing::new(OfficeTone::of_refusal(cause), zone.unwrap_or_default()));
        } else if let Reply::Announce { cause, .. } = reply {
            call.announce(now, cause);
        } else if !matches!(reply, Reply::Refuse(_) | Reply::Ignore) {
            call.tone = zone.map(|zone| Playing::new(OfficeTone::Ringback, zone));
        }
        self.calls.push(call);
        match reply {
            Reply::Ignore => {}
            Reply::Refuse(cause) => self.command_quietly(now, link, Command::Reject(isdn, cause)),
            Reply::RefuseWithTone(cause) => {
                self.command_quietly(now, link, Command::Proceeding(isdn));
                self.command_quietly(now, link, Command::DisconnectWithTones(isdn, cause));
            }
            Reply::Announce { .. } => {
                self.command_quietly(now, link, Command::Proceeding(isdn));
                self.command_quietly(now, link, Command::Progress(isdn));
            }
            Reply::RingForever | Reply::Answer { .. } => {
                self.command_quietly(now, link, Command::Proceeding(isdn));
                self.command_quietly(now, link, Command::Alerting(isdn, zone.is_some()));
            }
        }
    }

    /// A command whose events the running drain will see.
    fn command_quietly(&mut self, now: Micros, link: usize, command: Command) {
        self.links[link].command(now, command, &mut self.trace);
    }

    fn work_on_calls(&mut self, now: Micros) {
        let mut wishes = Vec::new();
        for call in &mut self.calls {
            call.carry(now);
            if call.answer_at.is_some_and(|at| at <= now) {
                call.answer_at = None;
                call.tone = None;
                wishes.push((call.link, Command::Connect(call.isdn)));
            }
            if let Some((_, cause)) = call.release_at.filter(|(at, _)| *at <= now) {
                call.release_at = None;
                call.ends(now);
                wishes.push((call.link, Command::Release(call.isdn, cause)));
            } else if let Some(cause) = call.wish_to_end() {
                wishes.push((call.link, Command::Disconnect(call.isdn, cause)));
            }
        }
        for (link, command) in wishes {
            self.command(now, link, command);
        }
    }

    fn finish(&mut self, now: Micros, link: usize, isdn: CallId, cause: Cause, by: By) {
        let Some(place) = self.calls.iter().position(|call| call.link == link && call.isdn == isdn) else {
            return;
        };
        let mut call = self.calls.swap_remove(place);
        call.ends(now);
        call.report.released_at = Some(now);
        call.report.cause = Some(cause);
        call.report.by = Some(by);
        self.finished.keep(call.report);
    }
}

/// A name cut to what the element takes.
fn text(name: &str) -> Text {
    let mut text = Text::new();
    for letter in name.chars() {
        if text.push(letter).is_err() {
            break;
        }
    }
    text
}

/// The channel of a timeslot of a span.
fn channel_at(card: &SimCard, span: SpanId, timeslot: u8) -> Option<ChannelId> {
    card.channels().iter().find(|c| c.span == span && c.timeslot == timeslot).map(|c| c.id)
}
