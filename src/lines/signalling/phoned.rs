//! A port for a telephone on its card. At rest the channel is held open here and only its events are fetched; while the
//! telephone rings, dials or speaks it goes to the media side with a handset, and a [`Control`] left here moves the loop.
//! Ring, tones, digits and hang-up are [`Fxs`]'s.
//!
//! To the router a number that is dialled on the telephone is a call that comes in on this port, for the number that was
//! dialled; a call that goes out to the port rings the telephone.

use tipring_analog::fxs::{Command, Config, Event, Fxs, Input, Judgement, Output, Reason, Telling, Tone};
use tipring_analog::{CallerId, Handset, Heard, Listen, Manner};
use tipring_card::{
    BLOCK, CardError, Cause, Channel, ChannelId, ChannelInfo, Control, Event as ChannelEvent, Law, Micros, Setup,
    Supervision,
};
use tipring_numbering::Dialled;
use tipring_router::{LineCommand, LineEvent, LineKind, LineNumber, Outgoing};
use tipring_switch::Port;

use super::{EVENTS_A_STEP, REOPEN_EVERY, Signalling, SignallingAction};
use crate::config::Telephone;
use crate::flight::{self, Flight, Kind, PhoneMoments, What};
use crate::gain::Gains;
use crate::groups::Availability;
use crate::media::LineNews;

/// The media side closes the channel a moment after it was asked to; until then it is busy.
const REOPEN_AFTER_CALL: Micros = Micros::from_ms(20);
/// It is looked for so often before the port counts as lost: a second.
const REOPEN_TRIES: u8 = 50;
/// Outputs that one input may bring: a machine that gives more is broken and is not listened to for ever.
const OUTPUTS_A_STEP: usize = 64;
/// Timers that may be due at one moment.
const TIMERS_A_STEP: usize = 16;

/// Characters of a name that a telephone shows (GR-30).
const SHOWN: usize = 15;

/// What the port is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    Nothing,
    /// The telephone was lifted and dials; the router does not know of it.
    Dialling,
    /// It called; `answered`: the far end is there.
    Calling {
        answered: bool,
    },
    /// It is called.
    Called {
        answered: bool,
    },
}

pub(super) struct Phoned {
    pub span: String,
    pub name: String,
    pub timeslot: u8,
    pub law: Law,
    id: ChannelId,
    /// Shown as the caller of its calls.
    number: String,
    config: Config,
    wanted: Option<Telephone>,
    fxs: Fxs,
    pub flight: Flight,
    moments: PhoneMoments,
    port: Port,
    used: Use,
    channel: Option<Box<dyn Channel>>,
    control: Option<Box<dyn Control>>,
    at_media: bool,
    keys: bool,
    /// The machine knows of no channel: it was never opened, or is gone.
    lost: bool,
    rested_since: Micros,
    reopen_at: Micros,
    reopen_tries: u8,
    complained: bool,
}

impl Phoned {
    pub fn new(span: String, name: String, channel: &ChannelInfo, index: u16, telephone: Telephone) -> Self {
        Phoned {
            span,
            name,
            timeslot: channel.timeslot,
            law: channel.law,
            id: channel.id,
            number: telephone.number,
            fxs: Fxs::new(telephone.config.clone()),
            flight: Flight::default(),
            moments: PhoneMoments::default(),
            config: telephone.config,
            wanted: None,
            port: Port { index, generation: 0 },
            used: Use::Nothing,
            channel: None,
            control: None,
            at_media: false,
            keys: false,
            lost: true,
            rested_since: Micros::ZERO,
            reopen_at: Micros::ZERO,
            reopen_tries: 0,
            complained: false,
        }
    }

    /// Other settings, or the old ones again.
    pub fn want(&mut self, telephone: Telephone) {
        let same = telephone.config == self.config && telephone.number == self.number;
        self.wanted = (!same).then_some(telephone);
    }

    /// Something is wanted that waits for the end of a call.
    pub fn waits(&self) -> bool {
        self.wanted.is_some()
    }

    fn take_settings(&mut self) -> bool {
        if self.used != Use::Nothing || !(self.lost || self.fxs.is_idle()) {
            return false;
        }
        let Some(telephone) = self.wanted.take() else { return false };
        self.fxs.configure(telephone.config.clone());
        (self.config, self.number) = (telephone.config, telephone.number);
        true
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

    pub fn is_in_order(&self) -> bool {
        !self.lost
    }

    pub fn is_busy(&self) -> bool {
        self.used != Use::Nothing
    }

    pub fn counters(&self) -> tipring_analog::fxs::Counters {
        self.fxs.counters()
    }

    pub fn word(&self) -> &'static str {
        match self.used {
            _ if self.lost => "down",
            Use::Calling { answered: true } | Use::Called { answered: true } => "in call",
            Use::Called { .. } => "ringing",
            Use::Dialling | Use::Calling { .. } => "dialling",
            Use::Nothing if self.fxs.is_lifted() => "off hook",
            Use::Nothing => "idle",
        }
    }

    pub fn availability(&self) -> Availability {
        match self.used {
            _ if self.lost => Availability::Down,
            Use::Nothing if self.channel.is_some() && self.fxs.is_idle() => Availability::Free(self.rested_since),
            _ => Availability::Busy,
        }
    }

    pub fn deadline(&self) -> Option<Micros> {
        let reopen = (!self.is_open()).then_some(self.reopen_at);
        self.fxs.deadline().into_iter().chain(reopen).min()
    }

    /// The machine takes this; the recorder too.
    fn give(&mut self, now: Micros, input: Input) {
        let before = self.fxs.state();
        let timed = input == Input::Timer;
        self.flight.phone_takes(now, &input);
        self.moments.takes(now, &input);
        self.fxs.handle(now, input);
        self.flight.state(now, before, self.fxs.state(), timed);
    }

    /// What the machine wants next.
    fn wants(&mut self, now: Micros) -> Option<Output> {
        let output = self.fxs.poll()?;
        self.flight.phone_gives(now, &output);
        self.moments.gives(now, &output);
        Some(output)
    }

    fn is_told(&self) -> bool {
        matches!(self.used, Use::Calling { .. } | Use::Called { .. })
    }

    /// A new use begins; what is on the media side goes along.
    fn begin(&mut self, now: Micros, used: Use, actions: &mut Vec<SignallingAction>) {
        let from = self.port;
        self.port.generation = self.port.generation.wrapping_add(1);
        self.used = used;
        self.flight.begins(now, self.port.generation);
        if self.at_media {
            actions.push(SignallingAction::Rename { from, to: self.port });
        }
    }

    /// How the telephone is told who calls.
    fn manner(&self) -> Manner {
        match self.config.caller_id {
            Telling::AfterRing(manner) | Telling::BeforeRing(manner) => manner,
            Telling::Never => Manner::default(),
        }
    }
}

impl Signalling {
    pub(super) fn step_phone(&mut self, now: Micros, at: usize, actions: &mut Vec<SignallingAction>) {
        let phone = &mut self.phones[at];
        if phone.take_settings() {
            actions.push(SignallingAction::Note(format!("{}: goes on with its new settings", phone.name)));
        }
        if !phone.is_open() && now >= phone.reopen_at {
            self.open_phone(now, at, actions);
        }
        self.phone_events(now, at, actions);
        for _ in 0..TIMERS_A_STEP {
            if self.phones[at].fxs.deadline().is_none_or(|deadline| deadline > now) {
                break;
            }
            self.phones[at].give(now, Input::Timer);
            self.phone_outputs(now, at, actions);
        }
    }

    fn open_phone(&mut self, now: Micros, at: usize, actions: &mut Vec<SignallingAction>) {
        let phone = &mut self.phones[at];
        let opened = self.card.open(phone.id).and_then(|channel| channel.control().map(|control| (channel, control)));
        match opened {
            Ok((channel, control)) => {
                (phone.channel, phone.control) = (Some(channel), Some(control));
                (phone.reopen_tries, phone.complained) = (0, false);
                if std::mem::take(&mut phone.lost) {
                    phone.give(now, Input::Opened);
                    self.phone_outputs(now, at, actions);
                }
            }
            Err(error) if phone.lost => {
                phone.reopen_at = now + REOPEN_EVERY;
                if !std::mem::replace(&mut phone.complained, true) {
                    actions.push(SignallingAction::Note(format!("{}: cannot be opened yet: {error}", phone.name)));
                }
            }
            Err(CardError::Busy) if phone.reopen_tries < REOPEN_TRIES => {
                phone.reopen_tries += 1;
                phone.reopen_at = now + REOPEN_AFTER_CALL;
            }
            Err(error) => {
                actions.push(SignallingAction::Note(format!("{}: cannot be opened again: {error}", phone.name)));
                self.phone_lost(now, at, actions);
            }
        }
    }

    fn phone_events(&mut self, now: Micros, at: usize, actions: &mut Vec<SignallingAction>) {
        for _ in 0..EVENTS_A_STEP {
            let Some(channel) = &mut self.phones[at].channel else {
                return;
            };
            match channel.event() {
                Ok(Some(event)) => self.phone_event_of_channel(now, at, event, actions),
                Err(CardError::Gone) => return self.phone_lost(now, at, actions),
                Ok(None) | Err(_) => return,
            }
        }
    }

    fn phone_event_of_channel(
        &mut self,
        now: Micros,
        at: usize,
        event: ChannelEvent,
        actions: &mut Vec<SignallingAction>,
    ) {
        if event == ChannelEvent::Removed {
            return self.phone_lost(now, at, actions);
        }
        self.phones[at].give(now, Input::Line(event));
        self.phone_outputs(now, at, actions);
    }

    /// The channel is gone, wherever it is.
    pub(super) fn phone_lost(&mut self, now: Micros, at: usize, actions: &mut Vec<SignallingAction>) {
        let phone = &mut self.phones[at];
        if std::mem::replace(&mut phone.lost, true) {
            return;
        }
        actions.push(SignallingAction::Note(format!("{}: the channel is gone", phone.name)));
        if std::mem::take(&mut phone.at_media) {
            actions.push(SignallingAction::Detach { port: phone.port });
        }
        (phone.channel, phone.control) = (None, None);
        (phone.reopen_at, phone.reopen_tries) = (now + REOPEN_EVERY, 0);
        phone.give(now, Input::Lost);
        self.phone_outputs(now, at, actions);
    }

    pub(super) fn phone_news(
        &mut self,
        now: Micros,
        at: usize,
        port: Port,
        news: LineNews,
        actions: &mut Vec<SignallingAction>,
    ) {
        let phone = &mut self.phones[at];
        if port != phone.port || !phone.at_media {
            return;
        }
        match news {
            LineNews::Event(event) => return self.phone_event_of_channel(now, at, event, actions),
            LineNews::Heard(Heard::Key(key)) => phone.give(now, Input::Key(key)),
            LineNews::Heard(Heard::Told) => phone.give(now, Input::Told),
            // For the recorder alone: the hook of a telephone is seen.
            LineNews::Heard(Heard::Level(level)) => return phone.flight.level(now, level),
            LineNews::Heard(_) => {}
        }
        self.phone_outputs(now, at, actions);
    }

    /// Rings the telephone. `None`: it cannot be rung at the moment.
    pub(super) fn phone_dial(
        &mut self,
        now: Micros,
        at: usize,
        call: &Outgoing,
        actions: &mut Vec<SignallingAction>,
    ) -> Option<Port> {
        self.phone_events(now, at, actions);
        let phone = &mut self.phones[at];
        if !matches!(phone.availability(), Availability::Free(_)) {
            return None;
        }
        phone.moments = PhoneMoments::default();
        phone.begin(now, Use::Called { answered: false }, actions);
        let named = !call.restricted;
        let number = self.outward.shown(&call.from);
        let name: String = call.name.chars().take(SHOWN).collect();
        let caller = CallerId {
            number: (named && !number.is_empty()).then(|| number.as_str().try_into().ok()).flatten(),
            name: (named && !name.is_empty()).then(|| name.as_str().try_into().ok()).flatten(),
            restricted: call.restricted,
            ..CallerId::default()
        };
        phone.give(now, Input::Command(Command::Ring { caller, rhythm_ms: &[] }));
        Some(phone.port)
    }

    pub(super) fn phone_command(
        &mut self,
        now: Micros,
        at: usize,
        command: &LineCommand,
        actions: &mut Vec<SignallingAction>,
    ) {
        let phone = &mut self.phones[at];
        let (lease, used) = (phone.port, phone.used);
        match *command {
            LineCommand::Alert { lease: of } if of == lease && used == (Use::Calling { answered: false }) => {
                phone.give(now, Input::Command(Command::Alerting));
            }
            LineCommand::Answer { lease: of } if of == lease && used == (Use::Calling { answered: false }) => {
                phone.used = Use::Calling { answered: true };
                phone.give(now, Input::Command(Command::Through));
                self.tell(LineEvent::Answered { lease, by: Supervision::Connect }, actions);
            }
            LineCommand::Clear { lease: of, cause } if of == lease && phone.is_told() => {
                self.phone_over(now, at, cause, false, actions);
                self.phones[at].give(now, Input::Command(Command::Hangup(tone_of(cause))));
            }
            // The hook of a telephone is seen: silence decides nothing.
            LineCommand::SilenceCounts { .. } => {}
            LineCommand::Alert { lease: of }
            | LineCommand::Answer { lease: of }
            | LineCommand::Clear { lease: of, .. } => {
                self.stale_commands += u64::from(of != lease || used == Use::Nothing);
            }
            LineCommand::Dial { .. } => {}
        }
        self.phone_outputs(now, at, actions);
    }

    /// The present use ends: the router is told, if it knew of it.
    fn phone_over(
        &mut self,
        now: Micros,
        at: usize,
        cause: Cause,
        by_far_end: bool,
        actions: &mut Vec<SignallingAction>,
    ) {
        let phone = &mut self.phones[at];
        let (told, lease) = (phone.is_told(), phone.port);
        if phone.used != Use::Nothing {
            phone.flight.note(now, Kind::Call, What::Cleared { cause, by_far_end });
        }
        let text = told.then(|| flight::of_phone(&phone.flight, &phone.moments, now));
        (phone.used, phone.rested_since) = (Use::Nothing, now);
        if let Some(text) = text {
            phone.moments = PhoneMoments::default();
            self.tell(LineEvent::Told { lease, text }, actions);
            self.tell(LineEvent::Cleared { lease, cause, by_far_end }, actions);
        }
    }

    pub(super) fn phone_outputs(&mut self, now: Micros, at: usize, actions: &mut Vec<SignallingAction>) {
        for _ in 0..OUTPUTS_A_STEP {
            let Some(output) = self.phones[at].wants(now) else {
                return;
            };
            let port = self.phones[at].port;
            match output {
                Output::Hook(hook) => {
                    let phone = &mut self.phones[at];
                    let refused = phone.control.as_mut().is_some_and(|control| control.hook(hook).is_err());
                    if refused {
                        phone.give(now, Input::HookFailed);
                    }
                }
                Output::Audio(true) => self.phone_hand_over(now, at, actions),
                Output::Audio(false) => {
                    let phone = &mut self.phones[at];
                    if std::mem::take(&mut phone.at_media) {
                        actions.push(SignallingAction::Detach { port });
                        (phone.control, phone.reopen_at) = (None, now + REOPEN_AFTER_CALL);
                    }
                }
                Output::Keys(keys) => {
                    self.phones[at].keys = keys;
                    actions.push(SignallingAction::Listen { port, listen: listens(keys) });
                }
                Output::Play(tone) => actions.push(SignallingAction::Play { port, tone }),
                Output::Tell(news) => {
                    let manner = self.phones[at].manner();
                    actions.push(SignallingAction::TellTelephone { port, news, manner });
                }
                Output::Judge(digits) => {
                    let judgement = self.judge(&digits);
                    self.phones[at].give(now, Input::Judged(judgement));
                }
                Output::Event(event) => self.phone_event(now, at, event, actions),
            }
        }
        self.runaways += 1;
    }

    /// What a telephone has dialled so far, by the plan.
    fn judge(&self, digits: &str) -> Judgement {
        match self.outward.dialled(digits) {
            Dialled::Whole => Judgement::Whole,
            Dialled::Perhaps => Judgement::Perhaps,
            Dialled::Beginning => Judgement::Beginning,
        }
    }

    /// The channel goes to the media side, primed, with ear and mouth.
    fn phone_hand_over(&mut self, now: Micros, at: usize, actions: &mut Vec<SignallingAction>) {
        if !matches!(self.phones[at].used, Use::Called { .. }) {
            // Lifted, or told of its messages: a lease begins, and the router hears of it when a number was dialled.
            let used = self.phones[at].used;
            self.phones[at].begin(now, used, actions);
        }
        let Some(mut channel) = self.phones[at].channel.take() else {
            return;
        };
        let law = self.phones[at].law;
        let primed = channel.setup(Setup::Audio(law)).and_then(|()| {
            for _ in 0..self.prefill {
                if channel.write(&[law.silence(); BLOCK]) == Err(CardError::EventPending) {
                    for _ in 0..EVENTS_A_STEP {
                        let Ok(Some(event)) = channel.event() else {
                            break;
                        };
                        self.phones[at].give(now, Input::Line(event));
                    }
                    channel.write(&[law.silence(); BLOCK])?;
                }
            }
            Ok(())
        });
        if let Err(error) = primed {
            actions.push(SignallingAction::Note(format!("{}: no audio: {error}", self.phones[at].name)));
            self.phones[at].channel = Some(channel);
            return self.phone_lost(now, at, actions);
        }
        let phone = &mut self.phones[at];
        let mut handset = Box::new(Handset::new(law, phone.config.zone));
        handset.listen(listens(phone.keys));
        phone.at_media = true;
        actions.push(SignallingAction::Attach {
            port: phone.port,
            law,
            channel,
            handset: Some(handset),
            gains: Gains::default(),
        });
    }

    fn phone_event(&mut self, now: Micros, at: usize, event: Event, actions: &mut Vec<SignallingAction>) {
        let phone = &mut self.phones[at];
        let lease = phone.port;
        match (event, phone.used) {
            (Event::Lifted, _) => phone.used = Use::Dialling,
            (Event::Dialled(digits), Use::Dialling) => {
                phone.used = Use::Calling { answered: false };
                let number = LineNumber { digits: phone.number.clone(), ..LineNumber::default() };
                let event = LineEvent::Incoming {
                    lease,
                    line: phone.name.clone(),
                    law: phone.law,
                    kind: LineKind::Telephone,
                    called: LineNumber { digits: digits.to_string(), ..LineNumber::default() },
                    calling: Some(number).filter(|number| !number.digits.is_empty()),
                    caller_name: None,
                    redirecting: None,
                };
                self.tell(event, actions);
            }
            (Event::Answered, Use::Called { answered: false }) => {
                phone.used = Use::Called { answered: true };
                self.tell(LineEvent::Answered { lease, by: Supervision::Connect }, actions);
            }
            (Event::Ended(reason), _) => {
                let (cause, by_far_end) = match reason {
                    Reason::OnHook | Reason::Ours => (Cause::NORMAL, true),
                    Reason::Lost => (Cause::OUT_OF_ORDER, false),
                };
                self.phone_over(now, at, cause, by_far_end, actions);
            }
            (Event::Flash, _) => self.tell(LineEvent::Told { lease, text: "the hook was flashed".to_owned() }, actions),
            (Event::Idle, _) => {
                self.phone_over(now, at, Cause::NORMAL, true, actions);
                self.restored(actions);
            }
            (Event::Busy | Event::Answered | Event::Dialled(_), _) => {}
        }
    }
}

/// What is listened for on a telephone: keys, or how loud its call is.
fn listens(keys: bool) -> Listen {
    if keys { Listen::Keys } else { Listen::Level }
}

/// What a telephone hears of the end of its call.
fn tone_of(cause: Cause) -> Tone {
    if cause == Cause::USER_BUSY { Tone::Busy } else { Tone::Congestion }
}
