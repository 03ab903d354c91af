//! The slow side of a card: its D channels and spans, and its analogue lines. Reads frames and events, feeds the
//! machines, carries their outputs out. It is stepped, not threaded: [`crate::Engine`] gives it a thread, a simulation
//! its own loop.
//!
//! `trunked` is what a PRI span needs of the card, `looped` what an analogue line needs, `phoned` a port for a telephone.
//! The latter two are each a [`Line`] (`line`: the steps that every kind of line goes through) on a channel that is `held`.
//! `listed` says which lines there are, and makes one of another kind of them;
//! `settings` keeps what waits for the end of a call, `outward` finds lines for outgoing calls, `lent` keeps a line that
//! the doctor has from everybody else; here is what they share.

mod held;
mod lent;
mod line;
mod listed;
mod looped;
mod outward;
mod phoned;
mod settings;
mod trunked;

use std::collections::BTreeSet;
use std::os::fd::BorrowedFd;

use tipring_analog::fxs::{News, Tone};
use tipring_analog::{Digits, Handset, Listen, Manner};
use tipring_card::{
    Card, CardError, Channel, ChannelId, ChannelInfo, Event, Law, Micros, Setup, Signalling as Kind, SpanId, SpanInfo,
    SpanKind, SpanStatus,
};
use tipring_doctor::Examined;
use tipring_router::{LineCommand, LineEvent};
use tipring_switch::Port;

use self::held::Held;
use self::line::Line;
use self::listed::Spot;
use self::looped::Looped;
use self::outward::Outward;
use self::phoned::Phoned;
use self::trunked::Trunked;
use crate::config::LinesConfig;
use crate::flight::FlightGauge;
use crate::gain::Gains;
use crate::gauges::Counted;
use crate::groups::{LineRef, Named};
use crate::media::LineNews;
use crate::span::{Span, SpanCounters, SpanInput};

/// A change of one alarm into another is not told by an event: spans are looked at this often.
const STATUS_EVERY: Micros = Micros::from_s(1);
/// A channel that could not be opened, or was taken away, is tried again this often.
const REOPEN_EVERY: Micros = Micros::from_s(2);
/// A channel has eight buffers; one of them is being sent.
const PREFILL_MAX: u8 = 7;
/// A channel keeps at most 63 events.
const EVENTS_A_STEP: usize = 64;
/// Where a descriptor knows no priority, analogue lines are looked at this often.
const LOOPS_EVERY: Micros = Micros::from_ms(20);

/// What the owner of the two sides has to do, in this order.
pub enum SignallingAction {
    /// Hand an opened channel to the media side; one with a handset is primed.
    Attach {
        /// The lease.
        port: Port,
        /// Its law.
        law: Law,
        /// The channel.
        channel: Box<dyn Channel>,
        /// Ear and mouth of an analogue line.
        handset: Option<Box<Handset>>,
        /// What it is made louder by.
        gains: Gains,
    },
    /// The channel on the media side goes on under another lease.
    Rename {
        /// The lease that is over.
        from: Port,
        /// The new one.
        to: Port,
    },
    /// Take the channel back from the media side and drop it.
    Detach {
        /// The lease.
        port: Port,
    },
    /// For the handset of a port.
    Listen {
        /// Which.
        port: Port,
        /// For what it listens.
        listen: Listen,
    },
    /// For the handset of a port.
    Send {
        /// Which.
        port: Port,
        /// What it sends.
        digits: Digits,
    },
    /// For the handset of a port: its telephone hears this tone, or none.
    Play {
        /// Which.
        port: Port,
        /// What.
        tone: Option<Tone>,
    },
    /// For the handset of a port: its telephone is told this.
    TellTelephone {
        /// Which.
        port: Port,
        /// What.
        news: News,
        /// How.
        manner: Manner,
    },
    /// For the router.
    Event(LineEvent),
    /// For the doctor, of a line that is lent to it.
    Examined(Box<Examined>),
    /// A line for the timeline.
    Note(String),
}

/// A span as people see it.
#[derive(Clone, Debug, Default)]
pub struct SpanGauge {
    /// `sim 1`.
    pub name: String,
    /// Its lines are analogue.
    pub analog: bool,
    /// It is an E1 or a T1, also where it carries analogue lines: it has alarms and errors of its own.
    pub digital: bool,
    /// D channel established; of analogue lines: one of them is in order.
    pub up: bool,
    /// Alarms and errors of a digital span, at the last look.
    pub status: SpanStatus,
    /// Timeslot and state.
    pub channels: Vec<(u8, &'static str)>,
    /// Those of them that have a telephone.
    pub telephones: Vec<u8>,
    /// Names of those that are not named by span and timeslot.
    pub names: Vec<(u8, String)>,
}

impl SpanGauge {
    /// The name of one of its lines.
    pub fn line_name(&self, timeslot: u8) -> String {
        let own = self.names.iter().find(|(of, _)| *of == timeslot);
        own.map_or_else(|| format!("{}/{timeslot}", self.name), |(_, name)| name.clone())
    }
}

/// The signalling of one card.
pub struct Signalling {
    card: Box<dyn Card>,
    spans: Vec<Trunked>,
    loops: Vec<Looped>,
    phones: Vec<Phoned>,
    /// Channels that have, or may get, a line of their own.
    spots: Vec<Spot>,
    /// Lines for whose telephones messages wait, whether or not there is one now.
    messages: BTreeSet<String>,
    /// Digital spans that carry analogue lines, as they were at the last look.
    carriers: Vec<(SpanId, SpanStatus)>,
    /// One of the spots is not as it is to be.
    unsettled: bool,
    config: LinesConfig,
    outward: Outward,
    prefill: usize,
    status_at: Micros,
    frames_lost: u64,
    /// Commands to analogue lines with a lease that was over.
    stale_commands: u64,
    /// Steps in which a machine wanted more than it may.
    runaways: u64,
    /// Complaints about the configuration, told at the first step.
    complaints: Vec<String>,
}

impl Signalling {
    /// A card whose spans with a D channel and whose ports towards an exchange are driven. All else is left alone.
    pub fn new(card: Box<dyn Card>, config: impl Into<LinesConfig>) -> Self {
        let config = config.into();
        let mut spans: Vec<Trunked> = Vec::new();
        let mut first_port = 0_u16;
        for span in card.spans() {
            let of_span = || card.channels().iter().filter(|channel| channel.span == span.id);
            let Some(d) = of_span().find(|channel| channel.signalling == Kind::Hdlc) else {
                continue;
            };
            let bearers: Vec<&ChannelInfo> = of_span().filter(|c| c.signalling == Kind::Bearer).collect();
            let name = card.span_name(span.id);
            let trunked = Trunked::new(name, span.id, d, &bearers, first_port, config.role);
            first_port = first_port.saturating_add(trunked.ports);
            spans.push(trunked);
        }
        let mut signalling = Signalling {
            card,
            spans,
            loops: Vec::new(),
            phones: Vec::new(),
            spots: Vec::new(),
            messages: BTreeSet::new(),
            carriers: Vec::new(),
            unsettled: false,
            outward: Outward::new(&config),
            prefill: usize::from(config.prefill.clamp(1, PREFILL_MAX)),
            status_at: Micros::ZERO,
            frames_lost: 0,
            stale_commands: 0,
            runaways: 0,
            complaints: Vec::new(),
            config,
        };
        signalling.find_spots(first_port);
        let carries = |span: &&SpanInfo| {
            span.kind != SpanKind::Analog && signalling.spots.iter().any(|spot| spot.span() == span.id)
        };
        signalling.carriers =
            signalling.card.spans().iter().filter(carries).map(|span| (span.id, SpanStatus::default())).collect();
        signalling.complaints = signalling.take_names();
        signalling
    }

    /// Groups are of the lines that there are, or will be when calls are over. What of the configuration fits none of them is returned.
    fn take_names(&mut self) -> Vec<String> {
        let names = self.names_to_be();
        let mut complaints = self.outward.configure(&self.config, &names);
        let loops = names.iter().filter(|name| matches!(name.line, LineRef::Loop(_)));
        complaints.extend(self.config.lines_that_are_not(loops.map(|name| (name.span.as_str(), name.name.as_str()))));
        complaints
    }

    /// What of the configuration fits no line of the card.
    pub fn complaints(&self) -> &[String] {
        &self.complaints
    }

    /// Goes on as `config` says: groups, plan and prefill from the next call on; the role of a span, the settings of an
    /// analogue line, the use of its channel and whether a port has a telephone as soon as it has no call. Returns what fits
    /// no line.
    pub fn configure(&mut self, config: &LinesConfig) -> Vec<String> {
        self.prefill = usize::from(config.prefill.clamp(1, PREFILL_MAX));
        for trunked in &mut self.spans {
            trunked.want(config.role);
        }
        for looped in &mut self.loops {
            looped.settings.want(config.analog_line(&looped.held.span, &looped.held.name));
        }
        for phone in &mut self.phones {
            if let Some(telephone) = config.telephone(&phone.held.span, &phone.held.name) {
                phone.settings.want(telephone);
            }
        }
        self.config = config.clone();
        let mut complaints = self.want_uses(config);
        complaints.extend(self.take_names());
        complaints
    }

    /// Spans and lines whose new settings wait for the end of their calls.
    pub fn waiting(&self) -> Vec<String> {
        let spans =
            self.spans.iter().filter(|trunked| trunked.trunk.waits()).map(|trunked| trunked.span.name().to_owned());
        let loops = self.live_loops().filter(|looped| looped.settings.waits()).map(|looped| looped.held.name.clone());
        let phones = self.live_phones().filter(|phone| phone.settings.waits()).map(|phone| phone.held.name.clone());
        let mut waiting: Vec<String> = spans.chain(loops).chain(phones).collect();
        waiting.extend(self.unsettled());
        waiting.sort();
        waiting.dedup();
        waiting
    }

    /// Primes analogue channels with this many blocks (1 to 7) instead of what the configuration says.
    pub fn with_prefill(mut self, blocks: u8) -> Self {
        self.prefill = usize::from(blocks.clamp(1, PREFILL_MAX));
        self
    }

    /// Ports that the media side must have room for.
    pub fn ports(&self) -> usize {
        self.spans.iter().map(|trunked| usize::from(trunked.ports)).sum::<usize>() + self.spots.len()
    }

    /// The card.
    pub fn card(&mut self) -> &mut dyn Card {
        &mut *self.card
    }

    /// The PRI spans.
    pub fn spans(&self) -> impl Iterator<Item = &Span> {
        self.spans.iter().map(|trunked| &trunked.span)
    }

    /// PRI spans and spans of analogue lines, as people see them.
    pub fn gauges(&self) -> Vec<SpanGauge> {
        let of_trunk = |trunked: &Trunked| SpanGauge {
            name: trunked.span.name().to_string(),
            analog: false,
            digital: true,
            up: trunked.span.link_is_up(),
            status: trunked.status,
            channels: trunked.span.channels().collect(),
            telephones: Vec::new(),
            names: Vec::new(),
        };
        let mut gauges: Vec<SpanGauge> = self.spans.iter().map(of_trunk).collect();
        let loops = self.live_loops().map(|l| (&l.held, l.word(), l.is_in_order()));
        let phones = self.live_phones().map(|p| (&p.held, p.word(), p.is_in_order()));
        for (held, word, in_order) in loops.chain(phones) {
            let known = gauges.iter().position(|gauge| gauge.name == held.span);
            let at = known.unwrap_or_else(|| {
                let carrier = self.carriers.iter().find(|carrier| carrier.0 == held.span_id());
                let (digital, status) = (carrier.is_some(), carrier.map(|carrier| carrier.1).unwrap_or_default());
                let name = held.span.clone();
                gauges.push(SpanGauge { name, analog: true, digital, status, ..SpanGauge::default() });
                gauges.len() - 1
            });
            gauges[at].up |= in_order;
            gauges[at].channels.push((held.timeslot, word));
            if gauges[at].line_name(held.timeslot) != held.name {
                gauges[at].names.push((held.timeslot, held.name.clone()));
            }
        }
        for phone in self.live_phones() {
            let of_span = gauges.iter_mut().find(|gauge| gauge.name == phone.held.span);
            of_span.into_iter().for_each(|gauge| gauge.telephones.push(phone.held.timeslot));
        }
        gauges
    }

    /// Calls that have a line, PRI and analogue; analogue lines that rest after a call count.
    pub fn busy(&self) -> usize {
        let loops = self.loops.iter().filter(|looped| looped.is_busy()).count();
        let phones = self.phones.iter().filter(|phone| phone.is_busy()).count();
        self.spans().map(Span::busy).sum::<usize>() + loops + phones
    }

    /// The same of one span.
    fn busy_on(&self, span: &str) -> usize {
        let trunks = self.spans().filter(|known| known.name() == span).map(Span::busy).sum::<usize>();
        let loops = self.live_loops().filter(|looped| looped.held.span == span && looped.is_busy()).count();
        let phones = self.live_phones().filter(|phone| phone.held.span == span && phone.is_busy()).count();
        trunks + loops + phones
    }

    /// Frames that the card did not take.
    pub fn frames_lost(&self) -> u64 {
        self.frames_lost
    }

    /// Commands with a lease that was over, PRI and analogue.
    pub fn stale_commands(&self) -> u64 {
        self.stale_commands + self.spans().map(|span| span.counters().stale_commands).sum::<u64>()
    }

    /// Everything that the signalling side counts, summed over the card's lines.
    pub fn counted(&self) -> Vec<Counted> {
        let mut counted: Vec<Counted> =
            vec![("signalling", "frames_lost", self.frames_lost), ("signalling", "runaways", self.runaways)];
        let mut sums = |room: &'static str, figures: &[(&'static str, u64)]| {
            for (name, figure) in figures {
                match counted.iter_mut().find(|known| (known.0, known.1) == (room, *name)) {
                    Some(known) => known.2 += figure,
                    None => counted.push((room, name, *figure)),
                }
            }
        };
        sums("signalling", &[("stale_commands", self.stale_commands)]);
        // The rooms are there with or without lines of theirs, so that whoever shows them shows the same names always.
        sums("signalling", &SpanCounters::default().named());
        sums("q921", &tipring_isdn::q921::Counters::default().named());
        sums("q931", &tipring_isdn::q931::Counters::default().named());
        sums("analog", &tipring_analog::Counters::default().named());
        sums("telephones", &tipring_analog::fxs::Counters::default().named());
        for span in self.spans() {
            let trunk = span.trunk_counters();
            sums("signalling", &span.counters().named());
            sums("q921", &trunk.link.named());
            sums("q931", &trunk.calls.named());
        }
        for looped in &self.loops {
            sums("analog", &looped.counters().named());
        }
        for phone in &self.phones {
            sums("telephones", &phone.counters().named());
        }
        counted.extend(self.card.counted());
        counted
    }

    /// What happened on each analogue line and port for a telephone, into `flights`: only what has changed is copied.
    pub fn show_flights(&self, flights: &mut Vec<FlightGauge>) {
        let loops = self.live_loops().map(|looped| (&looped.held.name, &looped.flight));
        let all = loops.chain(self.live_phones().map(|phone| (&phone.held.name, &phone.flight)));
        flights.resize_with(self.live_loops().count() + self.live_phones().count(), FlightGauge::default);
        for (gauge, (name, flight)) in flights.iter_mut().zip(all) {
            gauge.take(name, flight);
        }
    }

    /// Steps in which an analogue line's machine wanted more than it may: always 0.
    pub fn runaways(&self) -> u64 {
        self.runaways
    }

    /// File descriptors of the D channels, to wait on for frames and events.
    pub fn fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.spans.iter().filter_map(|trunked| trunked.channel.as_ref()?.fd())
    }

    /// File descriptors of the analogue lines at rest, to wait on for events only: nobody reads their audio.
    pub fn event_fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.held().filter_map(|held| held.channel()?.fd())
    }

    /// When to step at the latest.
    pub fn deadline(&self, now: Micros) -> Micros {
        let of_spans = self.spans.iter().filter_map(Trunked::deadline);
        let of_loops = self.loops.iter().filter_map(Looped::deadline);
        let of_phones = self.phones.iter().filter_map(Line::due);
        let has_no_priority = |held: &Held| held.channel().map_or(!held.is_gone(), |channel| channel.fd().is_none());
        let looking = self.held().any(has_no_priority).then_some(now + LOOPS_EVERY);
        of_spans.chain(of_loops).chain(of_phones).chain(looking).chain([self.status_at]).min().unwrap_or(self.status_at)
    }

    /// A command of the router.
    pub fn command(&mut self, now: Micros, command: LineCommand, actions: &mut Vec<SignallingAction>) {
        let lease = match command {
            LineCommand::Dial { attempt, call } => return self.dial(now, attempt, call, actions),
            LineCommand::MessagesWait { line, waiting } => return self.messages_wait(now, &line, waiting, actions),
            LineCommand::Lift { line, lifted } => return self.lift(now, &line, lifted, actions),
            LineCommand::Alert { lease }
            | LineCommand::Answer { lease }
            | LineCommand::SilenceCounts { lease, .. }
            | LineCommand::Clear { lease, .. } => lease,
        };
        if let Some(at) = self.span_of(lease) {
            self.spans[at].span.handle(now, SpanInput::Command(command));
            self.outputs(now, at, actions);
        } else if let Some(at) = self.loop_of(lease) {
            self.loop_command(now, at, &command, actions);
            self.show_lent(actions);
        } else if let Some(at) = self.phone_of(lease) {
            self.phone_command(now, at, &command, actions);
        }
    }

    /// The media side found a bearer's card gone.
    pub fn bearer_lost(&mut self, now: Micros, port: Port, actions: &mut Vec<SignallingAction>) {
        if let Some(at) = self.span_of(port) {
            self.spans[at].span.handle(now, SpanInput::BearerLost { port });
            self.outputs(now, at, actions);
        } else if let Some(at) = self.loop_of(port) {
            self.lose_line::<Looped>(now, at, actions);
            self.show_lent(actions);
        } else if let Some(at) = self.phone_of(port) {
            self.lose_line::<Phoned>(now, at, actions);
        }
    }

    /// The media side heard something on an analogue line, or its channel has an event.
    pub fn heard(&mut self, now: Micros, port: Port, news: LineNews, actions: &mut Vec<SignallingAction>) {
        if let Some(at) = self.loop_of(port) {
            self.line_news::<Looped>(now, at, port, news, actions);
            self.show_lent(actions);
        } else if let Some(at) = self.phone_of(port) {
            self.line_news::<Phoned>(now, at, port, news, actions);
        }
    }

    /// Looks at everything once: D channels, events of analogue lines, alarms, timers.
    pub fn step(&mut self, now: Micros, actions: &mut Vec<SignallingAction>) {
        actions.extend(self.complaints.drain(..).map(SignallingAction::Note));
        let look = now >= self.status_at;
        if look {
            self.status_at = now + STATUS_EVERY;
        }
        if look {
            // Of the start, and of a card that came back.
            actions.extend(self.card.complaints().into_iter().map(SignallingAction::Note));
            self.settle(now, actions);
            for (span, status) in &mut self.carriers {
                *status = self.card.span_status(*span).unwrap_or_default();
            }
        }
        for at in 0..self.spans.len() {
            self.step_span(now, at, look, actions);
        }
        for at in 0..self.loops.len() {
            self.step_loop(now, at, look, actions);
        }
        for at in 0..self.phones.len() {
            self.step_line::<Phoned>(now, at, look, actions);
        }
        self.show_lent(actions);
    }

    /// An event on its way to the router; attempts that are decided are forgotten.
    fn tell(&mut self, event: LineEvent, actions: &mut Vec<SignallingAction>) {
        let Some(event) = self.unless_lent(event) else {
            return;
        };
        self.outward.note(&event);
        actions.push(SignallingAction::Event(event));
    }

    /// A line may be taken that could not before: told only where somebody was turned away since.
    fn restored(&mut self, actions: &mut Vec<SignallingAction>) {
        if self.outward.somebody_waits() {
            actions.push(SignallingAction::Event(LineEvent::LineFree));
        }
    }

    fn live_loops(&self) -> impl Iterator<Item = &Looped> + Clone {
        self.loops.iter().filter(|looped| !looped.held.is_retired())
    }

    fn live_phones(&self) -> impl Iterator<Item = &Phoned> + Clone {
        self.phones.iter().filter(|phone| !phone.held.is_retired())
    }

    /// The channels of all lines that have one of their own: analogue lines, then telephones.
    fn held(&self) -> impl Iterator<Item = &Held> {
        self.loops.iter().map(|looped| &looped.held).chain(self.phones.iter().map(|phone| &phone.held))
    }

    fn span_of(&self, port: Port) -> Option<usize> {
        self.spans.iter().position(|t| (t.first_port..t.first_port.saturating_add(t.ports)).contains(&port.index))
    }

    fn phone_of(&self, port: Port) -> Option<usize> {
        self.phones.iter().position(|phone| phone.port().index == port.index)
    }

    fn loop_of(&self, port: Port) -> Option<usize> {
        self.loops.iter().position(|looped| looped.port().index == port.index)
    }
}

/// Every line for outgoing calls, PRI first, telephones last.
fn named(spans: &[Trunked], loops: &[Looped], phones: &[Phoned]) -> Vec<Named> {
    let mut names = Vec::new();
    for (at, trunked) in spans.iter().enumerate() {
        let span = trunked.span.name();
        names.extend(trunked.span.channels().map(|(timeslot, _)| Named {
            line: LineRef::Bearer(at, timeslot),
            span: span.to_string(),
            name: format!("{span}/{timeslot}"),
        }));
    }
    let of = |held: &Held, line| Named { line, span: held.span.clone(), name: held.name.clone() };
    let loops = loops.iter().enumerate().filter(|(_, looped)| !looped.held.is_retired());
    names.extend(loops.map(|(at, looped)| of(&looped.held, LineRef::Loop(at))));
    let phones = phones.iter().enumerate().filter(|(_, phone)| !phone.held.is_retired());
    names.extend(phones.map(|(at, phone)| of(&phone.held, LineRef::Telephone(at))));
    names
}

/// Fetches all events of a D channel; true if one of them was about an alarm.
fn drain_events(channel: &mut dyn Channel) -> bool {
    let mut alarm = false;
    for _ in 0..EVENTS_A_STEP {
        match channel.event() {
            Ok(Some(Event::Alarm | Event::AlarmCleared | Event::Removed)) => alarm = true,
            Ok(Some(_)) => {}
            Ok(None) | Err(_) => break,
        }
    }
    alarm
}

/// Opens a bearer for audio. It is primed at its first tick, by the media side.
pub fn open_bearer(card: &mut dyn Card, id: ChannelId, law: Law) -> Result<Box<dyn Channel>, CardError> {
    let mut channel = card.open(id)?;
    channel.setup(Setup::Audio(law))?;
    channel.flush()?;
    Ok(channel)
}
