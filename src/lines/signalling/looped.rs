//! An analogue line on its card. At rest the channel is held open here and only its events are fetched; for the length
//! of a call it goes to the media side with a handset, and a [`Control`] left here moves the hook. Ring, dial and
//! hang-up are [`Fxo`]'s.
//!
//! Taking the channel back means closing and opening it: a close puts it on hook and forgets all, and the kernel does
//! not tell rings for two seconds after. The machine does not hear of it: to it the channel was there all the time.

use tipring_analog::{Command, Config, Digits, Event, Fxo, Handset, Input, Listen, Output, Sign};
use tipring_card::{
    BLOCK, CardError, Cause, Channel, ChannelId, ChannelInfo, Control, Event as ChannelEvent, Hook, Law, Micros,
    Progress, Setup, SpanId, Supervision,
};
use tipring_router::{LineCommand, LineEvent, LineKind, LineNumber};
use tipring_switch::Port;

use super::outward::INVALID_NUMBER;
use super::{EVENTS_A_STEP, REOPEN_EVERY, Signalling, SignallingAction};
use crate::groups::Availability;
use crate::media::LineNews;

/// Rings are not told for this long after an opening: a line that may be ringing is not seized.
const DEAF: Micros = Micros::from_s(2);
/// The media side closes the channel a moment after it was asked to; until then it is busy.
const REOPEN_AFTER_CALL: Micros = Micros::from_ms(20);
/// It is looked for so often before the line counts as lost: a second.
const REOPEN_TRIES: u8 = 50;
/// Outputs that one input may bring: a machine that gives more is broken and is not listened to for ever.
const OUTPUTS_A_STEP: usize = 64;
/// Timers that may be due at one moment.
const TIMERS_A_STEP: usize = 16;

/// What the line is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    Nothing,
    /// It rings, or did and was answered. `told`: the router knows of it.
    Incoming {
        told: bool,
        answered: bool,
    },
    Outgoing {
        early: bool,
        ringing: bool,
        answered: bool,
    },
}

pub(super) struct Looped {
    pub span: String,
    pub name: String,
    pub timeslot: u8,
    pub law: Law,
    id: ChannelId,
    span_id: SpanId,
    zone: tipring_analog::ZoneId,
    fxo: Fxo,
    port: Port,
    used: Use,
    /// The channel, at rest.
    channel: Option<Box<dyn Channel>>,
    /// The hook, while the channel is open anywhere.
    control: Option<Box<dyn Control>>,
    at_media: bool,
    listen: Listen,
    /// The machine knows of no channel: it was never opened, or is gone.
    lost: bool,
    /// A use is over, and nobody was told yet that the line may be taken again.
    resting: bool,
    rested_since: Micros,
    /// Rings would not be told before then.
    deaf_until: Option<Micros>,
    /// By its events: a port without battery.
    port_alarm: bool,
    /// As its span was last seen.
    span_alarm: bool,
    reopen_at: Micros,
    reopen_tries: u8,
}

impl Looped {
    pub fn new(span: String, name: String, channel: &ChannelInfo, index: u16, config: Config) -> Self {
        Looped {
            span,
            name,
            timeslot: channel.timeslot,
            law: channel.law,
            id: channel.id,
            span_id: channel.span,
            zone: config.zone,
            fxo: Fxo::new(config),
            port: Port { index, generation: 0 },
            used: Use::Nothing,
            channel: None,
            control: None,
            at_media: false,
            listen: Listen::Off,
            lost: true,
            resting: false,
            rested_since: Micros::ZERO,
            deaf_until: None,
            port_alarm: false,
            span_alarm: false,
            reopen_at: Micros::ZERO,
            reopen_tries: 0,
        }
    }

    pub fn port(&self) -> Port {
        self.port
    }

    pub fn idle_channel(&self) -> Option<&dyn Channel> {
        self.channel.as_deref()
    }

    fn is_open(&self) -> bool {
        self.channel.is_some() || self.at_media
    }

    fn alarm(&self) -> bool {
        self.port_alarm || self.span_alarm
    }

    pub fn is_in_order(&self) -> bool {
        self.is_open() && !self.alarm()
    }

    pub fn is_busy(&self) -> bool {
        self.used != Use::Nothing || self.resting
    }

    pub fn word(&self) -> &'static str {
        match self.used {
            Use::Incoming { answered: true, .. } | Use::Outgoing { answered: true, .. } => "in call",
            Use::Incoming { .. } => "ringing",
            Use::Outgoing { ringing: true, .. } => "ringing",
            Use::Outgoing { .. } => "dialling",
            Use::Nothing if self.lost => "down",
            Use::Nothing if self.alarm() => "alarm",
            Use::Nothing if self.resting => "resting",
            Use::Nothing => "idle",
        }
    }

    pub fn availability(&self, now: Micros) -> Availability {
        let deaf = self.deaf_until.is_some_and(|until| now < until);
        match self.used {
            _ if self.alarm() || self.lost => Availability::Down,
            Use::Nothing if self.channel.is_some() && self.fxo.is_idle() && !deaf => {
                Availability::Free(self.rested_since)
            }
            _ => Availability::Busy,
        }
    }

    pub fn deadline(&self) -> Option<Micros> {
        let reopen = (!self.is_open()).then_some(self.reopen_at);
        self.fxo.deadline().into_iter().chain(reopen).chain(self.deaf_until).min()
    }

    /// The router knows of the present use by its lease.
    fn is_told(&self) -> bool {
        matches!(self.used, Use::Incoming { told: true, .. } | Use::Outgoing { .. })
    }

    /// A new use begins; what is on the media side goes along.
    fn begin(&mut self, used: Use, actions: &mut Vec<SignallingAction>) {
        let from = self.port;
        self.port.generation = self.port.generation.wrapping_add(1);
        self.used = used;
        if self.at_media {
            actions.push(SignallingAction::Rename { from, to: self.port });
        }
    }

    /// The use is over; the machine keeps the line from the next one for a while.
    fn rest(&mut self, now: Micros) {
        self.used = Use::Nothing;
        self.resting = true;
        self.rested_since = now;
    }
}

impl Signalling {
    pub(super) fn step_loop(&mut self, now: Micros, at: usize, look: bool, actions: &mut Vec<SignallingAction>) {
        if !self.loops[at].is_open() && now >= self.loops[at].reopen_at {
            self.open_loop(now, at, actions);
        }
        self.idle_events(now, at, actions);
        if look {
            self.look_loop(now, at, actions);
        }
        for _ in 0..TIMERS_A_STEP {
            if self.loops[at].fxo.deadline().is_none_or(|deadline| deadline > now) {
                break;
            }
            self.loops[at].fxo.handle(now, Input::Timer);
            self.loop_outputs(now, at, actions);
        }
        let looped = &mut self.loops[at];
        let hears = looped.deaf_until.is_some_and(|until| until <= now);
        if hears {
            looped.deaf_until = None;
        }
        if looped.resting && matches!(looped.availability(now), Availability::Free(_)) {
            looped.resting = false;
            looped.rested_since = now;
            self.tell(LineEvent::LineFree, actions);
        } else if hears {
            self.restored(actions);
        }
    }

    fn open_loop(&mut self, now: Micros, at: usize, actions: &mut Vec<SignallingAction>) {
        let looped = &mut self.loops[at];
        let opened = self.card.open(looped.id).and_then(|channel| channel.control().map(|control| (channel, control)));
        match opened {
            Ok((channel, control)) => {
                (looped.channel, looped.control) = (Some(channel), Some(control));
                looped.deaf_until = Some(now + DEAF);
                looped.port_alarm = false;
                looped.reopen_tries = 0;
                if std::mem::take(&mut looped.lost) {
                    looped.fxo.handle(now, Input::Opened);
                    self.loop_outputs(now, at, actions);
                }
            }
            Err(_) if looped.lost => looped.reopen_at = now + REOPEN_EVERY,
            Err(CardError::Busy) if looped.reopen_tries < REOPEN_TRIES => {
                looped.reopen_tries += 1;
                looped.reopen_at = now + REOPEN_AFTER_CALL;
            }
            Err(error) => {
                let text = format!("{}: cannot be opened again: {error}", looped.name);
                actions.push(SignallingAction::Note(text));
                self.loop_lost(now, at, actions);
            }
        }
    }

    fn idle_events(&mut self, now: Micros, at: usize, actions: &mut Vec<SignallingAction>) {
        for _ in 0..EVENTS_A_STEP {
            let Some(channel) = &mut self.loops[at].channel else {
                return;
            };
            match channel.event() {
                Ok(Some(event)) => self.loop_event_of_channel(now, at, event, actions),
                Ok(None) => return,
                Err(CardError::Gone) => return self.loop_lost(now, at, actions),
                Err(_) => return,
            }
        }
    }

    fn loop_event_of_channel(
        &mut self,
        now: Micros,
        at: usize,
        event: ChannelEvent,
        actions: &mut Vec<SignallingAction>,
    ) {
        match event {
            ChannelEvent::Removed => return self.loop_lost(now, at, actions),
            ChannelEvent::Alarm => self.alarm(now, at, |looped| looped.port_alarm = true, actions),
            ChannelEvent::AlarmCleared => self.alarm(now, at, |looped| looped.port_alarm = false, actions),
            _ => {}
        }
        self.loops[at].fxo.handle(now, Input::Line(event));
        self.loop_outputs(now, at, actions);
    }

    /// Takes over the alarm state of the line's span.
    fn look_loop(&mut self, now: Micros, at: usize, actions: &mut Vec<SignallingAction>) {
        if !self.loops[at].is_open() {
            return;
        }
        match self.card.span_status(self.loops[at].span_id) {
            Ok(status) => self.alarm(now, at, |looped| looped.span_alarm = status.alarms.is_down(), actions),
            Err(CardError::Gone | CardError::NoSuchChannel) => self.loop_lost(now, at, actions),
            Err(_) => {}
        }
    }

    /// A line in alarm carries nothing: its call is over.
    fn alarm(&mut self, now: Micros, at: usize, change: impl FnOnce(&mut Looped), actions: &mut Vec<SignallingAction>) {
        let looped = &mut self.loops[at];
        let before = looped.alarm();
        change(looped);
        let on = looped.alarm();
        if before == on {
            return;
        }
        let text = format!("{}: {}", looped.name, if on { "alarm" } else { "alarm cleared" });
        actions.push(SignallingAction::Note(text));
        if !on {
            return self.restored(actions);
        }
        if self.loops[at].used != Use::Nothing {
            self.loop_over(now, at, Cause::OUT_OF_ORDER, false, actions);
            self.loops[at].fxo.handle(now, Input::Command(Command::Hangup));
            self.loop_outputs(now, at, actions);
        }
    }

    /// The channel is gone, wherever it is.
    pub(super) fn loop_lost(&mut self, now: Micros, at: usize, actions: &mut Vec<SignallingAction>) {
        let looped = &mut self.loops[at];
        if std::mem::replace(&mut looped.lost, true) {
            return;
        }
        actions.push(SignallingAction::Note(format!("{}: the channel is gone", looped.name)));
        if std::mem::take(&mut looped.at_media) {
            actions.push(SignallingAction::Detach { port: looped.port });
        }
        (looped.channel, looped.control) = (None, None);
        looped.reopen_at = now + REOPEN_EVERY;
        looped.reopen_tries = 0;
        looped.fxo.handle(now, Input::Lost);
        self.loop_outputs(now, at, actions);
        self.loop_over(now, at, Cause::OUT_OF_ORDER, false, actions);
    }

    pub(super) fn loop_news(
        &mut self,
        now: Micros,
        at: usize,
        port: Port,
        news: LineNews,
        actions: &mut Vec<SignallingAction>,
    ) {
        if port != self.loops[at].port || !self.loops[at].at_media {
            return;
        }
        match news {
            LineNews::Event(event) => self.loop_event_of_channel(now, at, event, actions),
            LineNews::Heard(heard) => {
                self.loops[at].fxo.handle(now, Input::Heard(heard));
                self.loop_outputs(now, at, actions);
            }
        }
    }

    /// Seizes a line. `None`: it rings, as its last events say; closing the loop now would answer that ring.
    pub(super) fn loop_dial(
        &mut self,
        now: Micros,
        at: usize,
        digits: Digits,
        actions: &mut Vec<SignallingAction>,
    ) -> Option<Port> {
        self.idle_events(now, at, actions);
        let looped = &mut self.loops[at];
        if !matches!(looped.availability(now), Availability::Free(_)) {
            return None;
        }
        looped.begin(Use::Outgoing { early: false, ringing: false, answered: false }, actions);
        looped.fxo.handle(now, Input::Command(Command::Dial(digits)));
        Some(looped.port)
    }

    pub(super) fn loop_command(
        &mut self,
        now: Micros,
        at: usize,
        command: &LineCommand,
        actions: &mut Vec<SignallingAction>,
    ) {
        let looped = &mut self.loops[at];
        match *command {
            LineCommand::Answer { lease }
                if lease == looped.port && matches!(looped.used, Use::Incoming { told: true, answered: false }) =>
            {
                looped.fxo.handle(now, Input::Command(Command::Answer));
            }
            LineCommand::Clear { lease, cause } if lease == looped.port && looped.is_told() => {
                self.loop_over(now, at, cause, false, actions);
                self.loops[at].fxo.handle(now, Input::Command(Command::Hangup));
            }
            LineCommand::Answer { .. } | LineCommand::Clear { .. } => self.stale_commands += 1,
            // A line cannot say that it rings, and dialling is no command to one line.
            LineCommand::Alert { .. } | LineCommand::Dial { .. } => {}
        }
        self.loop_outputs(now, at, actions);
    }

    /// The present use ends: the router is told, if it knew of it.
    fn loop_over(
        &mut self,
        now: Micros,
        at: usize,
        cause: Cause,
        by_far_end: bool,
        actions: &mut Vec<SignallingAction>,
    ) {
        let looped = &mut self.loops[at];
        if looped.used == Use::Nothing {
            return;
        }
        let (told, lease) = (looped.is_told(), looped.port);
        looped.rest(now);
        if told {
            self.tell(LineEvent::Cleared { lease, cause, by_far_end }, actions);
        }
    }

    pub(super) fn loop_outputs(&mut self, now: Micros, at: usize, actions: &mut Vec<SignallingAction>) {
        for _ in 0..OUTPUTS_A_STEP {
            let Some(output) = self.loops[at].fxo.poll() else {
                return;
            };
            match output {
                Output::Hook(hook) => self.move_hook(now, at, hook),
                Output::Audio(true) => self.to_media(now, at, actions),
                Output::Audio(false) => self.from_media(now, at, actions),
                Output::Listen(listen) => {
                    let looped = &mut self.loops[at];
                    looped.listen = listen;
                    if looped.at_media {
                        actions.push(SignallingAction::Listen { port: looped.port, listen });
                    }
                }
                Output::Send(digits) => {
                    let port = self.loops[at].port;
                    actions.push(SignallingAction::Send { port, digits });
                }
                Output::Event(event) => self.loop_event(now, at, event, actions),
            }
        }
        self.runaways += 1;
    }

    fn move_hook(&mut self, now: Micros, at: usize, hook: Hook) {
        let looped = &mut self.loops[at];
        // Without a channel the line is on hook, and the machine hears of the loss.
        let Some(control) = &mut looped.control else {
            return;
        };
        match control.hook(hook) {
            // A card that seizes at once has nothing to report later.
            Ok(Progress::Done) if hook == Hook::Start => {
                looped.fxo.handle(now, Input::Line(ChannelEvent::HookComplete));
            }
            Ok(_) => {}
            Err(_) => looped.fxo.handle(now, Input::HookFailed),
        }
    }

    /// The channel goes to the media side, primed, with ear and mouth.
    fn to_media(&mut self, now: Micros, at: usize, actions: &mut Vec<SignallingAction>) {
        if self.loops[at].used == Use::Nothing && !self.loops[at].at_media {
            // A ring whose caller is still to be heard: the lease begins, the router hears of it later.
            self.loops[at].begin(Use::Incoming { told: false, answered: false }, actions);
        }
        let Some(mut channel) = self.loops[at].channel.take() else {
            return;
        };
        let primed = channel.setup(Setup::Audio(self.loops[at].law)).and_then(|()| {
            let silence = [self.loops[at].law.silence(); BLOCK];
            for _ in 0..self.prefill {
                if channel.write(&silence) == Err(CardError::EventPending) {
                    // Not thrown away: the ring or the seizure that brought us here goes on.
                    for _ in 0..EVENTS_A_STEP {
                        let Ok(Some(event)) = channel.event() else {
                            break;
                        };
                        self.loops[at].fxo.handle(now, Input::Line(event));
                    }
                    channel.write(&silence)?;
                }
            }
            Ok(())
        });
        if let Err(error) = primed {
            actions.push(SignallingAction::Note(format!("{}: no audio: {error}", self.loops[at].name)));
            self.loops[at].channel = Some(channel);
            return self.loop_lost(now, at, actions);
        }
        let looped = &mut self.loops[at];
        let mut handset = Box::new(Handset::new(looped.law, looped.zone));
        handset.listen(looped.listen);
        looped.at_media = true;
        let (port, law) = (looped.port, looped.law);
        actions.push(SignallingAction::Attach { port, law, channel, handset: Some(handset) });
    }

    fn from_media(&mut self, now: Micros, at: usize, actions: &mut Vec<SignallingAction>) {
        let looped = &mut self.loops[at];
        if std::mem::take(&mut looped.at_media) {
            actions.push(SignallingAction::Detach { port: looped.port });
            looped.control = None;
            looped.listen = Listen::Off;
            looped.reopen_at = now + REOPEN_AFTER_CALL;
            if looped.used == (Use::Incoming { told: false, answered: false }) {
                // Signs of a ring that did not come.
                looped.rest(now);
            }
        }
    }

    fn loop_event(&mut self, now: Micros, at: usize, event: Event, actions: &mut Vec<SignallingAction>) {
        let looped = &mut self.loops[at];
        let lease = looped.port;
        match (event, looped.used) {
            (Event::Incoming { caller }, Use::Nothing | Use::Incoming { told: false, .. }) => {
                if looped.used == Use::Nothing {
                    looped.begin(Use::Nothing, actions);
                }
                looped.used = Use::Incoming { told: true, answered: false };
                let event = incoming(looped, &caller);
                self.tell(event, actions);
            }
            (Event::Missed, _) => self.loop_over(now, at, Cause::NORMAL, true, actions),
            (Event::Answered, Use::Incoming { told: true, answered: false }) => {
                looped.used = Use::Incoming { told: true, answered: true };
                self.tell(LineEvent::Answered { lease, by: Supervision::Connect }, actions);
            }
            (Event::Glare, Use::Outgoing { .. }) => {
                looped.begin(Use::Incoming { told: false, answered: false }, actions);
                let text = format!("{}: an incoming call has the line, ours looks for another", looped.name);
                actions.push(SignallingAction::Note(text));
                self.moves(now, lease, Cause::CHANNEL_UNAVAILABLE, true, actions);
            }
            (Event::Dialled, Use::Outgoing { early: false, ringing, answered }) => {
                looped.used = Use::Outgoing { early: true, ringing, answered };
                self.tell(LineEvent::EarlyMedia { lease }, actions);
            }
            (Event::Ringback, Use::Outgoing { early, ringing: false, answered: false }) => {
                looped.used = Use::Outgoing { early, ringing: true, answered: false };
                self.tell(LineEvent::Ringing { lease }, actions);
            }
            (Event::Connected(by), Use::Outgoing { early, ringing, answered: false }) => {
                looped.used = Use::Outgoing { early, ringing, answered: true };
                self.tell(LineEvent::Answered { lease, by }, actions);
            }
            (Event::Ended { cause, sign }, Use::Incoming { .. } | Use::Outgoing { .. }) => {
                actions.push(SignallingAction::Note(format!("{}: ended: {}", looped.name, sign.text())));
                let by_far_end = !matches!(sign, Sign::Ours | Sign::Lost | Sign::Refused);
                if is_worth_another_line(looped.used, cause, sign) {
                    looped.rest(now);
                    self.moves(now, lease, cause, by_far_end, actions);
                } else {
                    self.loop_over(now, at, cause, by_far_end, actions);
                }
            }
            // What comes after our own clear, and what is told twice.
            _ => {}
        }
    }
}

/// A call that got no further than to the line itself may do better on another one.
fn is_worth_another_line(used: Use, cause: Cause, sign: Sign) -> bool {
    matches!(used, Use::Outgoing { early: false, answered: false, .. })
        && cause != INVALID_NUMBER
        && matches!(sign, Sign::NoDialTone | Sign::Refused | Sign::Lost | Sign::BatteryDrop | Sign::Glare)
}

fn incoming(looped: &Looped, caller: &tipring_analog::CallerId) -> LineEvent {
    let number = caller.number.as_ref().map(|digits| LineNumber {
        digits: digits.to_string(),
        restricted: caller.restricted,
        ..LineNumber::default()
    });
    let withheld = || LineNumber { restricted: true, ..LineNumber::default() };
    LineEvent::Incoming {
        lease: looped.port,
        line: looped.name.clone(),
        law: looped.law,
        kind: LineKind::Analog,
        called: LineNumber::default(),
        calling: number.or_else(|| caller.restricted.then(withheld)),
        caller_name: caller.name.as_ref().map(ToString::to_string).filter(|name| !name.is_empty()),
        redirecting: None,
    }
}
