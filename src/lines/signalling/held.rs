//! A channel that is held: open at rest for as long as the card has it, lent to the media side for the length of a call,
//! taken back, lost and found again. With it go its hook, its place in the switch, and the alarms of its port and span.
//! It knows no machine and no call: what its line has to do is what the methods return.
//!
//! A channel that comes back from the media side is closed there and opened here, since a close alone puts it on hook and
//! forgets all. The machine does not hear of that: to it the channel is there all the time.

use tipring_analog::Handset;
use tipring_card::{
    BLOCK, CardError, Channel, ChannelId, ChannelInfo, Control, Event, Hook, Law, Micros, Progress, Setup, SpanId,
};
use tipring_switch::Port;

use super::{EVENTS_A_STEP, REOPEN_EVERY, SignallingAction};
use crate::gain::Gains;

/// The media side closes the channel a moment after it was asked to; until then it is busy.
const REOPEN_AFTER_CALL: Micros = Micros::from_ms(20);
/// It is looked for so often before it counts as lost: a second.
const REOPEN_TRIES: u8 = 50;

/// What a channel and the clock tell the machine of a line, whichever machine that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tidings {
    /// There is a channel now.
    Opened,
    /// It is gone.
    Lost,
    /// It has an event.
    Line(Event),
    /// It refused to move its hook.
    HookFailed,
    /// A timer is due.
    Timer,
}

/// What became of an opening.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opened {
    /// There was none: the machine hears of it.
    Found,
    /// It is back from the media side.
    Again,
    /// It will be tried again.
    NotYet,
    /// It does not come back: it is to be lost.
    Lost,
}

/// Why a line carries nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Alarms {
    /// By the channel's events: a port without battery.
    pub port: bool,
    /// As the span was last seen.
    pub span: bool,
}

impl Alarms {
    pub fn is_on(self) -> bool {
        self.port || self.span
    }
}

/// Where the channel is.
enum Place {
    /// Never opened, or gone: the machine knows of no channel.
    Gone,
    /// The media side is about to close it.
    OnItsWay,
    AtRest {
        channel: Box<dyn Channel>,
        control: Box<dyn Control>,
    },
    AtMedia {
        control: Box<dyn Control>,
    },
}

/// The channel of one line.
pub(super) struct Held {
    pub span: String,
    pub name: String,
    pub timeslot: u8,
    pub law: Law,
    id: ChannelId,
    span_id: SpanId,
    port: Port,
    place: Place,
    alarms: Alarms,
    reopen_at: Micros,
    reopen_tries: u8,
    /// The last opening failed, and that was said.
    complained: bool,
}

impl Held {
    /// A channel that is still to be opened, of the card of this name, with this place in the switch.
    pub fn new(card: &str, channel: &ChannelInfo, index: u16) -> Self {
        let span = format!("{card} {}", channel.span.0);
        Held {
            name: format!("{span}/{}", channel.timeslot),
            span,
            timeslot: channel.timeslot,
            law: channel.law,
            id: channel.id,
            span_id: channel.span,
            port: Port { index, generation: 0 },
            place: Place::Gone,
            alarms: Alarms::default(),
            reopen_at: Micros::ZERO,
            reopen_tries: 0,
            complained: false,
        }
    }

    /// The lease: the present one, or the last.
    pub fn port(&self) -> Port {
        self.port
    }

    pub fn id(&self) -> ChannelId {
        self.id
    }

    pub fn span_id(&self) -> SpanId {
        self.span_id
    }

    /// The channel, while it is held here.
    pub fn channel(&self) -> Option<&dyn Channel> {
        match &self.place {
            Place::AtRest { channel, .. } => Some(&**channel),
            Place::Gone | Place::OnItsWay | Place::AtMedia { .. } => None,
        }
    }

    pub fn is_at_rest(&self) -> bool {
        matches!(self.place, Place::AtRest { .. })
    }

    pub fn is_at_media(&self) -> bool {
        matches!(self.place, Place::AtMedia { .. })
    }

    pub fn is_open(&self) -> bool {
        self.is_at_rest() || self.is_at_media()
    }

    pub fn is_gone(&self) -> bool {
        matches!(self.place, Place::Gone)
    }

    pub fn in_alarm(&self) -> bool {
        self.alarms.is_on()
    }

    /// When it is to be opened, unless it is open.
    pub fn reopens(&self) -> Option<Micros> {
        (!self.is_open()).then_some(self.reopen_at)
    }

    /// Another lease begins; what is on the media side goes along.
    pub fn renew(&mut self, actions: &mut Vec<SignallingAction>) -> Port {
        let from = self.port;
        self.port.generation = self.port.generation.wrapping_add(1);
        if self.is_at_media() {
            actions.push(SignallingAction::Rename { from, to: self.port });
        }
        self.port
    }

    /// The card was asked for it. It is held at rest now, if it came.
    pub fn open(
        &mut self,
        now: Micros,
        opened: Result<Box<dyn Channel>, CardError>,
        actions: &mut Vec<SignallingAction>,
    ) -> Opened {
        let gone = self.is_gone();
        match opened.and_then(|channel| channel.control().map(|control| (channel, control))) {
            Ok((channel, control)) => {
                self.place = Place::AtRest { channel, control };
                self.alarms.port = false;
                (self.reopen_tries, self.complained) = (0, false);
                if gone { Opened::Found } else { Opened::Again }
            }
            Err(error) if gone => {
                self.reopen_at = now + REOPEN_EVERY;
                if !std::mem::replace(&mut self.complained, true) {
                    actions.push(self.note(format_args!("cannot be opened yet: {error}")));
                }
                Opened::NotYet
            }
            Err(CardError::Busy) if self.reopen_tries < REOPEN_TRIES => {
                self.reopen_tries += 1;
                self.reopen_at = now + REOPEN_AFTER_CALL;
                Opened::NotYet
            }
            Err(error) => {
                actions.push(self.note(format_args!("cannot be opened again: {error}")));
                Opened::Lost
            }
        }
    }

    /// The oldest event of a channel at rest; that it was removed, if it is found gone.
    pub fn event(&mut self) -> Option<Event> {
        let Place::AtRest { channel, .. } = &mut self.place else {
            return None;
        };
        match channel.event() {
            Ok(event) => event,
            Err(CardError::Gone) => Some(Event::Removed),
            Err(_) => None,
        }
    }

    /// Sets a channel at rest up for audio and queues this many blocks of silence. Events that were in the way are told:
    /// the ring or the seizure that needs the audio goes on.
    pub fn prime(&mut self, blocks: usize, mut event: impl FnMut(Event)) -> Result<(), CardError> {
        let Place::AtRest { channel, .. } = &mut self.place else {
            return Err(CardError::Invalid);
        };
        let silence = [self.law.silence(); BLOCK];
        channel.setup(Setup::Audio(self.law))?;
        for _ in 0..blocks {
            if channel.write(&silence) == Err(CardError::EventPending) {
                for _ in 0..EVENTS_A_STEP {
                    let Ok(Some(pending)) = channel.event() else {
                        break;
                    };
                    event(pending);
                }
                channel.write(&silence)?;
            }
        }
        Ok(())
    }

    /// A channel at rest goes to the media side, with ear and mouth.
    pub fn attach(&mut self, handset: Box<Handset>, gains: Gains, actions: &mut Vec<SignallingAction>) {
        self.place = match std::mem::replace(&mut self.place, Place::Gone) {
            Place::AtRest { channel, control } => {
                let (port, law) = (self.port, self.law);
                actions.push(SignallingAction::Attach { port, law, channel, handset: Some(handset), gains });
                Place::AtMedia { control }
            }
            elsewhere => elsewhere,
        };
    }

    /// Asks for it back. False: it is not at the media side.
    pub fn take_back(&mut self, now: Micros, actions: &mut Vec<SignallingAction>) -> bool {
        if !self.is_at_media() {
            return false;
        }
        actions.push(SignallingAction::Detach { port: self.port });
        self.place = Place::OnItsWay;
        self.reopen_at = now + REOPEN_AFTER_CALL;
        true
    }

    /// It is gone, wherever it is. False: that is known.
    pub fn lose(&mut self, now: Micros, actions: &mut Vec<SignallingAction>) -> bool {
        if self.is_gone() {
            return false;
        }
        actions.push(self.note(format_args!("the channel is gone")));
        if self.is_at_media() {
            actions.push(SignallingAction::Detach { port: self.port });
        }
        self.place = Place::Gone;
        (self.reopen_at, self.reopen_tries) = (now + REOPEN_EVERY, 0);
        true
    }

    /// Alarms change. `Some`: the line is in alarm now, or no longer.
    pub fn alarm(&mut self, change: impl FnOnce(&mut Alarms), actions: &mut Vec<SignallingAction>) -> Option<bool> {
        let before = self.in_alarm();
        change(&mut self.alarms);
        let on = self.in_alarm();
        if before == on {
            return None;
        }
        actions.push(self.note(format_args!("{}", if on { "alarm" } else { "alarm cleared" })));
        Some(on)
    }

    /// Moves the hook. What the machine is to hear of that at once: a card that is ready at once has nothing to report
    /// later. Without a channel the line is on hook, and the machine hears of the loss.
    pub fn hook(&mut self, hook: Hook) -> Option<Tidings> {
        let (Place::AtRest { control, .. } | Place::AtMedia { control }) = &mut self.place else {
            return None;
        };
        match control.hook(hook) {
            Ok(Progress::Done) if hook == Hook::Start => Some(Tidings::Line(Event::HookComplete)),
            Ok(_) => None,
            Err(_) => Some(Tidings::HookFailed),
        }
    }

    /// A line for the timeline.
    pub fn note(&self, text: impl std::fmt::Display) -> SignallingAction {
        SignallingAction::Note(format!("{}: {text}", self.name))
    }
}
