//! One span of the exchange: its D channel and the trunk on it. Frames go between card and trunk, alarms too; calls are
//! the exchange's.

use std::collections::VecDeque;

use tipring_card::{Card, CardError, Channel, ChannelId, Micros, Setup, SpanId};
use tipring_isdn::{Command, Config, Event, Input, Output, Role, Trunk};

use super::trace::Trace;
use crate::{
    card::SimCard,
    frames::{FCS_OCTETS, FRAME_BUFFERS, FRAME_OCTETS},
    port::EVENTS_KEPT,
};

/// Frames that wait for room on the card; more means that nobody takes them, and Q.921 repeats.
const MAX_OUTBOX: usize = 64;
/// How long after a failed open the next is tried.
const OPEN_AGAIN: Micros = Micros::from_s(1);

/// A D channel with its trunk.
pub(super) struct Link {
    pub span: SpanId,
    pub trunk: Box<Trunk>,
    /// The last moment at which it worked.
    pub seen: Micros,
    d: ChannelId,
    role: Role,
    channel: Option<Box<dyn Channel>>,
    open_at: Micros,
    is_up: bool,
    outbox: VecDeque<Vec<u8>>,
    events: VecDeque<Event>,
}

impl Link {
    pub fn new(span: SpanId, d: ChannelId, config: Config) -> Link {
        Link {
            span,
            trunk: Box::new(Trunk::new(config)),
            seen: Micros::ZERO,
            d,
            role: config.role,
            channel: None,
            open_at: Micros::ZERO,
            is_up: false,
            outbox: VecDeque::new(),
            events: VecDeque::new(),
        }
    }

    /// Takes what the card has: alarms, frames; and lets the trunk's timers run out.
    pub fn receive(&mut self, now: Micros, card: &mut SimCard, trace: &mut Trace) {
        self.seen = now;
        if self.channel.is_none() && now >= self.open_at {
            self.open(now, card);
        }
        let is_up = self.channel.is_some() && card.span_status(self.span).is_ok_and(|s| !s.alarms.is_down());
        if is_up != self.is_up {
            self.is_up = is_up;
            self.give(now, if is_up { Input::LayerOneUp } else { Input::LayerOneDown }, trace);
        }
        self.read_frames(now, trace);
        if self.trunk.deadline().is_some_and(|at| at <= now) {
            self.give(now, Input::Timer, trace);
        }
        self.send_frames();
    }

    pub fn command(&mut self, now: Micros, command: Command, trace: &mut Trace) {
        self.give(now, Input::Command(command), trace);
        self.send_frames();
    }

    pub fn next_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    pub fn deadline(&self) -> Option<Micros> {
        let open = self.channel.is_none().then_some(self.open_at);
        self.trunk.deadline().into_iter().chain(open).min()
    }

    /// Whether a call can be placed here.
    pub fn can_take_call(&self, wish: Option<SpanId>) -> bool {
        self.trunk.link_is_up() && wish.is_none_or(|span| span == self.span)
    }

    fn open(&mut self, now: Micros, card: &mut SimCard) {
        self.open_at = now + OPEN_AGAIN;
        let Ok(mut channel) = card.open(self.d) else {
            return;
        };
        if channel.setup(Setup::Frames).is_ok() {
            self.channel = Some(channel);
        }
    }

    fn read_frames(&mut self, now: Micros, trace: &mut Trace) {
        let mut frame = [0; FRAME_OCTETS];
        for _ in 0..FRAME_BUFFERS + EVENTS_KEPT {
            let Some(channel) = &mut self.channel else {
                return;
            };
            match channel.read(&mut frame) {
                Ok(length) if length > FCS_OCTETS => {
                    let frame = &frame[..length - FCS_OCTETS];
                    trace.frame(now, self.span, self.role, false, frame);
                    self.give(now, Input::Frame(frame), trace);
                }
                Ok(_) => {}
                Err(CardError::EventPending) => {
                    let _ = channel.event(); // aborts and bad check sums are the wire's business, alarms the status's
                }
                Err(CardError::Gone) => self.channel = None,
                Err(_) => return,
            }
        }
    }

    fn give(&mut self, now: Micros, input: Input<'_>, trace: &mut Trace) {
        self.trunk.handle(now, input);
        while let Some(output) = self.trunk.poll() {
            match output {
                Output::Event(event) => self.events.push_back(event),
                Output::Frame(frame) => {
                    trace.frame(now, self.span, self.role, true, &frame);
                    if self.outbox.len() < MAX_OUTBOX {
                        let mut with_room = frame.to_vec();
                        with_room.extend([0; FCS_OCTETS]);
                        self.outbox.push_back(with_room);
                    }
                }
            }
        }
    }

    fn send_frames(&mut self) {
        let Some(channel) = &mut self.channel else {
            return self.outbox.clear();
        };
        while let Some(frame) = self.outbox.front() {
            match channel.write(frame) {
                Ok(_) => {
                    self.outbox.pop_front();
                }
                Err(CardError::EventPending) => {
                    let _ = channel.event();
                }
                Err(_) => return,
            }
        }
    }
}
