//! A PRI span on its card: the D channel is opened, read and written, alarms are looked at, bearers are opened. The
//! signalling itself is [`Span`]'s.

use tipring_card::{CardError, Channel, ChannelId, ChannelInfo, Maintenance, Micros, Setup, SpanId, SpanStatus};
use tipring_isdn::{ChannelMap, Config, Role};

use super::settings::Settings;
use super::{REOPEN_EVERY, Signalling, SignallingAction, drain_events, open_bearer};
use crate::gain::Gains;
use crate::span::{Output, Span, SpanConfig, SpanInput};

/// Frames taken from one D channel in one step: a babbling far end must not keep us from the others.
const FRAMES_A_STEP: usize = 32;
/// A D-channel frame has at most 260 octets (Q.921 N201) and two of FCS; longer ones are cut and refused by Q.921.
const FRAME: usize = 300;

pub(super) struct Trunked {
    pub span: Span,
    id: SpanId,
    d: ChannelId,
    pub channel: Option<Box<dyn Channel>>,
    up: bool,
    pub status: SpanStatus,
    reopen_at: Micros,
    /// The last opening failed, and that was said.
    complained: bool,
    /// Others count as soon as no channel has a call.
    pub trunk: Settings<Config>,
    pub first_port: u16,
    pub ports: u16,
}

impl Trunked {
    pub fn new(
        name: String,
        id: SpanId,
        d: &ChannelInfo,
        bearers: &[&ChannelInfo],
        first_port: u16,
        role: Role,
    ) -> Self {
        let ports = u16::try_from(bearers.len()).unwrap_or(0);
        let timeslots: Vec<u8> = bearers.iter().map(|channel| channel.timeslot).collect();
        let law = bearers.first().map_or(d.law, |channel| channel.law);
        let trunk = Config { channels: ChannelMap::of(&timeslots), law, ..Config::e1(role) };
        let bearers = bearers.iter().map(|channel| (channel.timeslot, channel.id)).collect();
        Trunked {
            span: Span::new(SpanConfig { name, bearers, law, first_port, trunk }),
            id,
            d: d.id,
            channel: None,
            up: false,
            status: SpanStatus::default(),
            reopen_at: Micros::ZERO,
            complained: false,
            trunk: Settings::new(trunk),
            first_port,
            ports,
        }
    }

    /// Another role for our end, or the old one again.
    pub fn want(&mut self, role: Role) {
        self.trunk.want(Config { role, ..*self.trunk });
    }

    pub fn deadline(&self) -> Option<Micros> {
        let reopen = self.channel.is_none().then_some(self.reopen_at);
        self.span.deadline().into_iter().chain(reopen).min()
    }
}

impl Signalling {
    pub(super) fn step_span(&mut self, now: Micros, at: usize, look: bool, actions: &mut Vec<SignallingAction>) {
        self.take_role(now, at, actions);
        if self.spans[at].channel.is_none() && now >= self.spans[at].reopen_at {
            self.open_d(now, at, actions);
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

    /// The link begins anew in another role, once the span has no call.
    fn take_role(&mut self, now: Micros, at: usize, actions: &mut Vec<SignallingAction>) {
        let trunked = &mut self.spans[at];
        let Some(&trunk) = trunked.trunk.wanted() else {
            return;
        };
        if !trunked.span.begin_anew(trunk) {
            return;
        }
        trunked.trunk.take();
        (trunked.channel, trunked.up, trunked.reopen_at) = (None, false, now);
        actions.push(SignallingAction::Note(format!("{}: begins anew, as {:?}", trunked.span.name(), trunk.role)));
    }

    fn open_d(&mut self, now: Micros, at: usize, actions: &mut Vec<SignallingAction>) {
        let d = self.spans[at].d;
        let opened = self.card.open(d).and_then(|mut channel| channel.setup(Setup::Frames).map(|()| channel));
        match opened {
            Ok(channel) => {
                self.spans[at].channel = Some(channel);
                self.spans[at].complained = false;
                self.look(now, at);
            }
            Err(error) => {
                let trunked = &mut self.spans[at];
                trunked.reopen_at = now + REOPEN_EVERY;
                if !std::mem::replace(&mut trunked.complained, true) {
                    let text = format!("{}: the D channel cannot be opened yet: {error}", trunked.span.name());
                    actions.push(SignallingAction::Note(text));
                }
            }
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
        trunked.status = SpanStatus::default();
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
            Ok(status) => {
                trunked.status = status;
                !status.alarms.is_down()
            }
            Err(CardError::Gone | CardError::NoSuchChannel) => return self.gone(now, at),
            Err(_) => return,
        };
        if up != trunked.up {
            trunked.up = up;
            trunked.span.handle(now, if up { SpanInput::Up } else { SpanInput::Down });
        }
    }

    /// A loop or a test on a span, by its name. One that would disturb calls waits for nobody: it is refused while there are
    /// any.
    pub fn maintain(
        &mut self,
        name: &str,
        what: Maintenance,
        actions: &mut Vec<SignallingAction>,
    ) -> Result<(), String> {
        let spans: Vec<(SpanId, String)> =
            self.card.spans().iter().map(|span| (span.id, self.card.span_name(span.id))).collect();
        let Some((id, _)) = spans.iter().find(|(_, known)| known == name) else {
            let known: Vec<&str> = spans.iter().map(|(_, name)| name.as_str()).collect();
            return Err(format!("{name}: no span has this name; there are {}", known.join(", ")));
        };
        let calls = self.busy_on(name);
        if what.disturbs() && calls > 0 {
            let calls = if calls == 1 { "a call".to_owned() } else { format!("{calls} calls") };
            return Err(format!("{name} has {calls}, which {} would end: wait, or end them", what.as_str()));
        }
        self.card.maintain(*id, what).map_err(|error| match error {
            CardError::Invalid => format!("{name}: its card has no {}", what.as_str()),
            error => format!("{name}: {error}"),
        })?;
        actions.push(SignallingAction::Note(format!("{name}: maintenance: {}", what.as_str())));
        Ok(())
    }

    pub(super) fn outputs(&mut self, now: Micros, at: usize, actions: &mut Vec<SignallingAction>) {
        while let Some(output) = self.spans[at].span.poll() {
            match output {
                Output::Frame(frame) => self.send(at, &frame),
                Output::OpenBearer { port, channel, law } => match open_bearer(&mut *self.card, channel, law) {
                    Ok(channel) => {
                        actions.push(SignallingAction::Attach {
                            port,
                            law,
                            channel,
                            handset: None,
                            gains: Gains::default(),
                        });
                        self.spans[at].span.handle(now, SpanInput::Bearer { port, open: true });
                    }
                    Err(error) => {
                        actions.push(SignallingAction::Note(format!("channel {}: {error}", channel.0)));
                        self.spans[at].span.handle(now, SpanInput::Bearer { port, open: false });
                    }
                },
                Output::CloseBearer { port } => actions.push(SignallingAction::Detach { port }),
                Output::Event(event) => self.tell(event, actions),
                Output::Refused { port, cause } => self.moves(now, port, cause, true, actions),
                Output::Restored => self.restored(actions),
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
