//! A port for a telephone on its card. At rest its channel is held open and only its events are fetched; while the
//! telephone rings, dials or speaks it goes to the media side with a handset, and the loop is moved from here.
//! Ring, tones, digits and hang-up are [`Fxs`]'s.
//!
//! To the router a number that is dialled on the telephone is a call that comes in on this port, for the number that was
//! dialled; a call that goes out to the port rings the telephone.

use tipring_analog::fxs::{Command, Event, Fxs, Input, Judgement, Output, Reason, Telling, Tone};
use tipring_analog::{CallerId, Handset, Heard, Listen, Manner};
use tipring_card::{Cause, Event as ChannelEvent, Micros, Supervision};
use tipring_numbering::Dialled;
use tipring_router::{LineCommand, LineEvent, LineKind, LineNumber, Outgoing};
use tipring_switch::Port;

use super::held::{Held, Tidings};
use super::line::Line;
use super::settings::Settings;
use super::{Signalling, SignallingAction};
use crate::config::Telephone;
use crate::flight::{self, Flight, Kind, PhoneMoments, What};
use crate::gain::Gains;
use crate::groups::Availability;

/// Lines of which it is remembered that messages wait; of others only their telephones know.
const MESSAGES: usize = 4096;
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
    pub held: Held,
    /// Its number is shown as the caller of its calls.
    pub settings: Settings<Telephone>,
    fxs: Fxs,
    pub flight: Flight,
    moments: PhoneMoments,
    used: Use,
    keys: bool,
    rested_since: Micros,
}

impl Phoned {
    pub fn new(held: Held, telephone: Telephone) -> Self {
        Phoned {
            held,
            fxs: Fxs::new(telephone.config.clone()),
            settings: Settings::new(telephone),
            flight: Flight::default(),
            moments: PhoneMoments::default(),
            used: Use::Nothing,
            keys: false,
            rested_since: Micros::ZERO,
        }
    }

    /// Messages wait for its user; it is told when its channel is open.
    pub fn learns_of_messages(&mut self) {
        self.fxs.handle(Micros::ZERO, Input::Command(Command::MessageWaiting(true)));
    }

    pub fn port(&self) -> Port {
        self.held.port()
    }

    pub fn is_in_order(&self) -> bool {
        !self.held.is_gone()
    }

    pub fn is_busy(&self) -> bool {
        self.used != Use::Nothing
    }

    pub fn counters(&self) -> tipring_analog::fxs::Counters {
        self.fxs.counters()
    }

    pub fn word(&self) -> &'static str {
        match self.used {
            _ if self.held.is_gone() => "down",
            Use::Calling { answered: true } | Use::Called { answered: true } => "in call",
            Use::Called { .. } => "ringing",
            Use::Dialling | Use::Calling { .. } => "dialling",
            Use::Nothing if self.fxs.is_lifted() => "off hook",
            Use::Nothing => "idle",
        }
    }

    pub fn availability(&self) -> Availability {
        match self.used {
            _ if self.held.is_gone() => Availability::Down,
            Use::Nothing if self.held.is_at_rest() && self.fxs.is_idle() => Availability::Free(self.rested_since),
            _ => Availability::Busy,
        }
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

    fn is_told(&self) -> bool {
        matches!(self.used, Use::Calling { .. } | Use::Called { .. })
    }

    /// A new use begins, with a lease of its own.
    fn begin(&mut self, now: Micros, used: Use, actions: &mut Vec<SignallingAction>) {
        self.used = used;
        let lease = self.held.renew(actions);
        self.flight.begins(now, lease.generation);
    }

    /// How the telephone is told who calls.
    fn manner(&self) -> Manner {
        match self.settings.config.caller_id {
            Telling::AfterRing(manner) | Telling::BeforeRing(manner) => manner,
            Telling::Never => Manner::default(),
        }
    }
}

impl Line for Phoned {
    type Output = Output;
    const HAS_ALARMS: bool = false;

    fn of(signalling: &mut Signalling, at: usize) -> &mut Self {
        &mut signalling.phones[at]
    }

    fn held(&self) -> &Held {
        &self.held
    }

    fn held_mut(&mut self) -> &mut Held {
        &mut self.held
    }

    fn takes(&mut self, now: Micros, tidings: Tidings) {
        let input = match tidings {
            Tidings::Opened => Input::Opened,
            Tidings::Lost => Input::Lost,
            Tidings::Line(event) => Input::Line(event),
            Tidings::HookFailed => Input::HookFailed,
            Tidings::Timer => Input::Timer,
        };
        self.give(now, input);
    }

    fn hears(&mut self, now: Micros, heard: Heard) {
        match heard {
            Heard::Key(key) => self.give(now, Input::Key(key)),
            Heard::Told => self.give(now, Input::Told),
            // For the recorder alone: the hook of a telephone is seen.
            Heard::Level(level) => self.flight.level(now, level),
            _ => {}
        }
    }

    fn wants(&mut self, now: Micros) -> Option<Output> {
        let output = self.fxs.poll()?;
        self.flight.phone_gives(now, &output);
        self.moments.gives(now, &output);
        Some(output)
    }

    fn timer(&self) -> Option<Micros> {
        self.fxs.deadline()
    }

    fn carry_out(
        signalling: &mut Signalling,
        now: Micros,
        at: usize,
        output: Output,
        actions: &mut Vec<SignallingAction>,
    ) {
        let phone = &mut signalling.phones[at];
        let port = phone.port();
        match output {
            Output::Hook(hook) => signalling.move_hook::<Phoned>(now, at, hook),
            Output::Audio(true) => {
                if !matches!(phone.used, Use::Called { .. }) {
                    // Lifted, or told of its messages: a lease begins, and the router hears of it when a number was
                    // dialled.
                    phone.begin(now, phone.used, actions);
                }
                signalling.hand_over::<Phoned>(now, at, actions);
            }
            Output::Audio(false) => {
                phone.held.take_back(now, actions);
            }
            Output::Keys(keys) => {
                phone.keys = keys;
                actions.push(SignallingAction::Listen { port, listen: listens(keys) });
            }
            Output::Play(tone) => actions.push(SignallingAction::Play { port, tone }),
            Output::Tell(news) => {
                let manner = phone.manner();
                actions.push(SignallingAction::TellTelephone { port, news, manner });
            }
            Output::Judge(digits) => {
                let judgement = signalling.judge(&digits);
                signalling.phones[at].give(now, Input::Judged(judgement));
            }
            Output::Event(event) => signalling.phone_event(now, at, event, actions),
        }
    }

    fn take_settings(&mut self) -> bool {
        if self.used != Use::Nothing || !(self.held.is_gone() || self.fxs.is_idle()) {
            return false;
        }
        let Some(telephone) = self.settings.take() else {
            return false;
        };
        self.fxs.configure(telephone.config.clone());
        true
    }

    fn missed(&mut self) -> Option<ChannelEvent> {
        let unseen = self.held.is_lifted()? && !self.fxs.is_lifted();
        unseen.then_some(ChannelEvent::RingOffHook)
    }

    fn equip(&mut self, _now: Micros) -> (Box<Handset>, Gains) {
        let mut handset = Box::new(Handset::new(self.held.law, self.settings.config.zone));
        handset.listen(listens(self.keys));
        (handset, Gains::default())
    }
}

impl Signalling {
    /// Rings the telephone. `None`: it cannot be rung at the moment.
    pub(super) fn phone_dial(
        &mut self,
        now: Micros,
        at: usize,
        call: &Outgoing,
        actions: &mut Vec<SignallingAction>,
    ) -> Option<Port> {
        self.idle_events::<Phoned>(now, at, actions);
        let is_inside =
            self.phones.iter().any(|other| !other.settings.number.is_empty() && other.settings.number == call.from);
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
        let rhythm_ms = if is_inside { phone.settings.inside_ring_ms } else { &[] };
        phone.give(now, Input::Command(Command::Ring { caller, rhythm_ms }));
        Some(phone.port())
    }

    /// Messages wait for the user of a telephone, or wait no more.
    pub(super) fn messages_wait(
        &mut self,
        now: Micros,
        line: &str,
        waiting: bool,
        actions: &mut Vec<SignallingAction>,
    ) {
        if !waiting {
            self.messages.remove(line);
        } else if self.messages.len() < MESSAGES {
            self.messages.insert(line.into());
        }
        match self.phones.iter().position(|phone| phone.held.name == line && !phone.held.is_retired()) {
            Some(at) => {
                self.phones[at].give(now, Input::Command(Command::MessageWaiting(waiting)));
                self.line_outputs::<Phoned>(now, at, actions);
            }
            None => self.stale_commands += 1,
        }
    }

    /// Lifts a telephone that the card's driver plays, or puts it down.
    pub(super) fn lift(&mut self, now: Micros, line: &str, lifted: bool, actions: &mut Vec<SignallingAction>) {
        let at = self.phones.iter().position(|phone| phone.held.name == line);
        let done = at.is_some_and(|at| self.phones[at].held.lift(lifted));
        match (at, done) {
            (Some(at), true) => self.idle_events::<Phoned>(now, at, actions),
            (Some(at), false) => actions.push(self.phones[at].held.note("a person's hand is needed to lift it")),
            (None, _) => self.stale_commands += 1,
        }
    }

    pub(super) fn phone_command(
        &mut self,
        now: Micros,
        at: usize,
        command: &LineCommand,
        actions: &mut Vec<SignallingAction>,
    ) {
        let phone = &mut self.phones[at];
        let (lease, used) = (phone.port(), phone.used);
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
            LineCommand::Dial { .. } | LineCommand::MessagesWait { .. } | LineCommand::Lift { .. } => {}
        }
        self.line_outputs::<Phoned>(now, at, actions);
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
        let (told, lease) = (phone.is_told(), phone.port());
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

    /// What a telephone has dialled so far, by the plan.
    fn judge(&self, digits: &str) -> Judgement {
        match self.outward.dialled(digits) {
            Dialled::Whole => Judgement::Whole,
            Dialled::Perhaps => Judgement::Perhaps,
            Dialled::Beginning => Judgement::Beginning,
        }
    }

    fn phone_event(&mut self, now: Micros, at: usize, event: Event, actions: &mut Vec<SignallingAction>) {
        let phone = &mut self.phones[at];
        let lease = phone.port();
        match (event, phone.used) {
            (Event::Lifted, _) => phone.used = Use::Dialling,
            (Event::Dialled(digits), Use::Dialling) => {
                phone.used = Use::Calling { answered: false };
                let number = LineNumber { digits: phone.settings.number.clone(), ..LineNumber::default() };
                let event = LineEvent::Incoming {
                    lease,
                    line: phone.held.name.clone(),
                    law: phone.held.law,
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
