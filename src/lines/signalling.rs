//! The slow side of a card: its D channels and their spans. Reads frames and events, feeds the span machines, carries
//! their outputs out. It is stepped, not threaded: [`crate::Engine`] gives it a thread, a simulation its own loop.

use std::os::fd::BorrowedFd;

use tipring_card::{
    BLOCK, Card, CardError, Channel, ChannelId, ChannelInfo, Event, Law, Micros, PREFILL, Setup, Signalling as Kind,
    SpanId,
};
use tipring_isdn::{ChannelMap, Config, Role};
use tipring_router::{LineCommand, LineEvent};
use tipring_switch::Port;

use crate::span::{Output, Span, SpanConfig, SpanInput};

/// Frames taken from one D channel in one step: a babbling far end must not keep us from the others.
const FRAMES_A_STEP: usize = 32;
/// A D-channel frame has at most 260 octets (Q.921 N201) and two of FCS; longer ones are cut and refused by Q.921.
const FRAME: usize = 300;
/// A change of one alarm into another is not told by an event: spans are looked at this often.
const STATUS_EVERY: Micros = Micros::from_s(1);
/// A D channel that could not be opened, or was taken away, is tried again this often.
const REOPEN_EVERY: Micros = Micros::from_s(2);
/// A channel has eight buffers; one of them is being sent.
const PREFILL_MAX: u8 = 7;
/// A channel keeps at most 63 events.
const EVENTS_A_STEP: usize = 64;

/// What the owner of the two sides has to do.
pub enum SignallingAction {
    /// Hand an opened and primed channel to the media side.
    Attach {
        /// The lease.
        port: Port,
        /// Its law.
        law: Law,
        /// The channel.
        channel: Box<dyn Channel>,
    },
    /// Take the channel back from the media side and drop it.
    Detach {
        /// The lease.
        port: Port,
    },
    /// For the router.
    Event(LineEvent),
    /// A line for the timeline.
    Note(String),
}

struct Trunked {
    span: Span,
    id: SpanId,
    d: ChannelId,
    channel: Option<Box<dyn Channel>>,
    up: bool,
    reopen_at: Micros,
    first_port: u16,
    ports: u16,
}

/// The signalling of one card.
pub struct Signalling {
    card: Box<dyn Card>,
    spans: Vec<Trunked>,
    prefill: usize,
    status_at: Micros,
    frames_lost: u64,
}

impl Signalling {
    /// A card whose PRI spans are driven in `role`. A span without a D channel is left alone.
    pub fn new(card: Box<dyn Card>, role: Role) -> Self {
        let mut spans = Vec::new();
        let mut first_port = 0_u16;
        for span in card.spans() {
            let of_span = || card.channels().iter().filter(|channel| channel.span == span.id);
            let Some(d) = of_span().find(|channel| channel.signalling == Kind::Hdlc) else {
                continue;
            };
            let bearers: Vec<&ChannelInfo> = of_span().filter(|c| c.signalling == Kind::Bearer).collect();
            let ports = u16::try_from(bearers.len()).unwrap_or(0);
            let timeslots: Vec<u8> = bearers.iter().map(|channel| channel.timeslot).collect();
            let law = bearers.first().map_or(d.law, |channel| channel.law);
            let trunk = Config { channels: ChannelMap::of(&timeslots), law, ..Config::e1(role) };
            let config = SpanConfig {
                name: format!("{} {}", card.name(), span.id.0),
                bearers: bearers.iter().map(|channel| (channel.timeslot, channel.id)).collect(),
                law,
                first_port,
                trunk,
            };
            spans.push(Trunked {
                span: Span::new(config),
                id: span.id,
                d: d.id,
                channel: None,
                up: false,
                reopen_at: Micros::ZERO,
                first_port,
                ports,
            });
            first_port = first_port.saturating_add(ports);
        }
        Signalling { card, spans, prefill: PREFILL, status_at: Micros::ZERO, frames_lost: 0 }
    }

    /// Primes bearers with this many blocks (1 to 7) instead of [`PREFILL`]: more delay, and more lateness of the media
    /// thread that nobody hears.
    pub fn with_prefill(mut self, blocks: u8) -> Self {
        self.prefill = usize::from(blocks.clamp(1, PREFILL_MAX));
        self
    }

    /// Ports that the media side must have room for.
    pub fn ports(&self) -> usize {
        self.spans.iter().map(|trunked| usize::from(trunked.ports)).sum()
    }

    /// The card.
    pub fn card(&mut self) -> &mut dyn Card {
        &mut *self.card
    }

    /// The spans.
    pub fn spans(&self) -> impl Iterator<Item = &Span> {
        self.spans.iter().map(|trunked| &trunked.span)
    }

    /// Frames that the card did not take.
    pub fn frames_lost(&self) -> u64 {
        self.frames_lost
    }

    /// File descriptors of the D channels, to wait on.
    pub fn fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.spans.iter().filter_map(|trunked| trunked.channel.as_ref()?.fd())
    }

    /// When to step at the latest.
    pub fn deadline(&self) -> Micros {
        let reopen = |t: &Trunked| t.channel.is_none().then_some(t.reopen_at);
        let of_span = |t: &Trunked| t.span.deadline().into_iter().chain(reopen(t)).min();
        self.spans.iter().filter_map(of_span).chain([self.status_at]).min().unwrap_or(self.status_at)
    }

    /// A command of the router.
    pub fn command(&mut self, now: Micros, command: LineCommand, actions: &mut Vec<SignallingAction>) {
        let (LineCommand::Alert { lease } | LineCommand::Answer { lease } | LineCommand::Clear { lease, .. }) = command
        else {
            return;
        };
        if let Some(at) = self.span_of(lease) {
            self.spans[at].span.handle(now, SpanInput::Command(command));
            self.outputs(now, at, actions);
        }
    }

    /// The media side found a bearer's card gone.
    pub fn bearer_lost(&mut self, now: Micros, port: Port, actions: &mut Vec<SignallingAction>) {
        if let Some(at) = self.span_of(port) {
            self.spans[at].span.handle(now, SpanInput::BearerLost { port });
            self.outputs(now, at, actions);
        }
    }

    /// Looks at everything once: D channels, alarms, timers.
    pub fn step(&mut self, now: Micros, actions: &mut Vec<SignallingAction>) {
        let look = now >= self.status_at;
        if look {
            self.status_at = now + STATUS_EVERY;
        }
        for at in 0..self.spans.len() {
            if self.spans[at].channel.is_none() && now >= self.spans[at].reopen_at {
                self.open(now, at);
            }
            let mut look = look;
            self.receive(now, at, &mut look, actions);
            if look {
                self.look(now, at);
            }
            if self.spans[at].span.deadline().is_some_and(|deadline| deadline <= now) {
                self.spans[at].span.handle(now, SpanInput::Timer);
            }
            self.outputs(now, at, actions);
        }
    }

    fn span_of(&self, port: Port) -> Option<usize> {
        self.spans.iter().position(|t| (t.first_port..t.first_port.saturating_add(t.ports)).contains(&port.index))
    }

    fn open(&mut self, now: Micros, at: usize) {
        let d = self.spans[at].d;
        let opened = self.card.open(d).and_then(|mut channel| channel.setup(Setup::Frames).map(|()| channel));
        match opened {
            Ok(channel) => {
                self.spans[at].channel = Some(channel);
                self.look(now, at);
            }
            Err(_) => self.spans[at].reopen_at = now + REOPEN_EVERY,
        }
    }

    fn receive(&mut self, now: Micros, at: usize, look: &mut bool, actions: &mut Vec<SignallingAction>) {
        let mut frame = [0; FRAME];
        for _ in 0..FRAMES_A_STEP {
            let Some(channel) = &mut self.spans[at].channel else {
                return;
            };
            match channel.read(&mut frame) {
                Ok(len) if len > 2 => {
                    self.spans[at].span.handle(now, SpanInput::Frame(&frame[..len - 2]));
                    self.outputs(now, at, actions);
                }
                Ok(_) => {}
                Err(CardError::EventPending) => *look |= drain_events(&mut **channel),
                Err(CardError::Gone) => return self.gone(now, at),
                Err(_) => return,
            }
        }
    }

    fn gone(&mut self, now: Micros, at: usize) {
        let trunked = &mut self.spans[at];
        trunked.channel = None;
        trunked.up = false;
        trunked.reopen_at = now + REOPEN_EVERY;
        trunked.span.handle(now, SpanInput::CardGone);
    }

    /// Takes over the span's alarm state.
    fn look(&mut self, now: Micros, at: usize) {
        let trunked = &mut self.spans[at];
        if trunked.channel.is_none() {
            return;
        }
        let up = match self.card.span_status(trunked.id) {
            Ok(status) => !status.alarms.is_down(),
            Err(CardError::Gone | CardError::NoSuchChannel) => return self.gone(now, at),
            Err(_) => return,
        };
        if up != trunked.up {
            trunked.up = up;
            trunked.span.handle(now, if up { SpanInput::Up } else { SpanInput::Down });
        }
    }

    fn outputs(&mut self, now: Micros, at: usize, actions: &mut Vec<SignallingAction>) {
        while let Some(output) = self.spans[at].span.poll() {
            match output {
                Output::Frame(frame) => self.send(at, &frame),
                Output::OpenBearer { port, channel, law } => {
                    match open_bearer(&mut *self.card, channel, law, self.prefill) {
                        Ok(channel) => {
                            actions.push(SignallingAction::Attach { port, law, channel });
                            self.spans[at].span.handle(now, SpanInput::Bearer { port, open: true });
                        }
                        Err(error) => {
                            actions.push(SignallingAction::Note(format!("channel {}: {error}", channel.0)));
                            self.spans[at].span.handle(now, SpanInput::Bearer { port, open: false });
                        }
                    }
                }
                Output::CloseBearer { port } => actions.push(SignallingAction::Detach { port }),
                Output::Event(event) => actions.push(SignallingAction::Event(event)),
                Output::Note(text) => actions.push(SignallingAction::Note(text)),
            }
        }
    }

    /// A frame that the card does not take is lost like one on the wire: Q.921 repeats it.
    fn send(&mut self, at: usize, frame: &[u8]) {
        let mut octets = [0; FRAME];
        let len = frame.len() + 2;
        let (Some(room), Some(channel)) = (octets.get_mut(..len), &mut self.spans[at].channel) else {
            self.frames_lost += 1;
            return;
        };
        room[..frame.len()].copy_from_slice(frame);
        let mut sent = channel.write(room);
        if sent == Err(CardError::EventPending) {
            drain_events(&mut **channel);
            sent = channel.write(room);
        }
        self.frames_lost += u64::from(sent.is_err());
    }
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

/// Opens a bearer for audio and primes it, so that from its first block on read paces write.
pub fn open_bearer(
    card: &mut dyn Card,
    id: ChannelId,
    law: Law,
    prefill: usize,
) -> Result<Box<dyn Channel>, CardError> {
    let mut channel = card.open(id)?;
    channel.setup(Setup::Audio(law))?;
    channel.flush()?;
    let silence = [law.silence(); BLOCK];
    for _ in 0..prefill {
        if channel.write(&silence) == Err(CardError::EventPending) {
            drain_events(&mut *channel);
            channel.write(&silence)?;
        }
    }
    Ok(channel)
}
