//! The machine of a line towards an exchange (FXO): ring in, answer, dial out, hang up. It moves the hook and says what
//! is to be listened for; it hears nothing itself, knows no card and keeps no clock. Drain [`Fxo::poll`] to `None` after
//! every [`Fxo::handle`], and handle [`Input::Timer`] at [`Fxo::deadline`].
//!
//! What the owner is told, in order:
//! * a ringing call: `Incoming`, then `Missed` and `Idle`, or (after `Answer`) `Answered` … `Ended` … `Idle`;
//! * a dialled call: `Dialled`, `Ringback`, `Connected` as far as it gets, then `Ended` … `Idle`; or `Glare` alone, which
//!   ends the dialled call and is followed by `Incoming`: our seizure has answered a ring, and the loop stays closed;
//! * `Hangup` of a ring that was not answered: nothing but `Idle`, when the ring has stopped;
//! * a refused `Dial` leaves the line as it is: `Ended` alone, no `Idle` after it.
//!
//! Source: ITU-T Q.23, E.180; the behaviour of DAHDI's kewlstart signalling and of the exchanges behind it.

mod evidence;
mod incoming;
mod outgoing;
mod record;
mod state;

pub use record::Record;

use heapless::Deque;
use tipring_card::{Cause, Event as LineEvent, Hook, Micros};

use crate::words::{CallerId, Command, Config, Event, Heard, Input, Listen, Output, Sign};
use evidence::Silence;
use state::{State, Way};

/// One line.
pub struct Fxo {
    config: Config,
    state: State,
    /// What is known of the caller who rings.
    caller: CallerId,
    /// Whether the channel is on the audio side.
    audio: bool,
    listen: Listen,
    /// The card says that the line has no battery.
    dead: bool,
    silence: Silence,
    record: Record,
    counters: Counters,
    outputs: Deque<Output, OUTPUTS>,
}

/// What went by without effect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Inputs that make no sense in the state they came in.
    pub unexpected: u32,
    /// Hook actions that the card refused.
    pub hook_refused: u32,
    /// Signs of a hang-up that a voice took back.
    pub dispelled: u32,
    /// Outputs lost because nobody polled: the oldest go.
    pub overruns: u32,
}
tipring_card::name_counters!(Counters: unexpected, hook_refused, dispelled, overruns);

impl Fxo {
    /// A line that is not open yet.
    pub fn new(config: Config) -> Self {
        Fxo {
            config,
            state: State::Closed,
            caller: CallerId::default(),
            audio: false,
            listen: Listen::Off,
            dead: false,
            silence: Silence::default(),
            record: Record::default(),
            counters: Counters::default(),
            outputs: Deque::new(),
        }
    }

    /// Goes on with other settings. For a line without a call: what a call began with is what it ends with.
    pub fn configure(&mut self, config: Config) {
        self.config = config;
    }

    /// Something happened. What is overdue is done first.
    pub fn handle(&mut self, now: Micros, input: Input) {
        self.expire(now);
        match input {
            Input::Opened => self.opened(now),
            Input::Lost | Input::Line(LineEvent::Removed) => self.lost(now),
            Input::Line(event) => self.line(now, event),
            Input::HookFailed => self.hook_failed(now),
            Input::Heard(heard) => self.heard(now, heard),
            Input::Command(Command::Answer) => self.answer(now),
            Input::Command(Command::Dial(digits)) => self.dial(now, digits),
            Input::Command(Command::Hangup) => self.hang_up(now),
            Input::Command(Command::SilenceCounts(counts)) => self.silence_counts(now, counts),
            Input::Timer => {}
        }
    }

    /// What is to be done, until `None`.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to handle [`Input::Timer`].
    pub fn deadline(&self) -> Option<Micros> {
        self.state.deadline()
    }

    /// The state in a word, for people.
    pub fn state(&self) -> &'static str {
        self.state.name()
    }

    /// Whether a call may be dialled now.
    pub fn is_idle(&self) -> bool {
        self.state.is_free() && !self.dead
    }

    /// The moments of the present call, or of the last one.
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// What went by without effect.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    fn line(&mut self, now: Micros, event: LineEvent) {
        match event {
            LineEvent::RingBegin => self.ring(now, true),
            LineEvent::RingOffHook => self.ring(now, false),
            LineEvent::OnHook => self.battery_dropped(now),
            LineEvent::Polarity => self.reversed(now),
            LineEvent::HookComplete => self.hook_complete(now),
            LineEvent::Alarm => {
                self.dead = true;
                if self.state.is_off_hook() {
                    self.finish(now, Cause::OUT_OF_ORDER, Sign::BatteryDrop);
                }
            }
            LineEvent::AlarmCleared => self.dead = false,
            _ => self.unexpected(),
        }
    }

    fn heard(&mut self, now: Micros, heard: Heard) {
        match (&self.state, heard) {
            // For people; the last one of a call may come after its end.
            (_, Heard::Level(_)) => {}
            (State::Ringing { .. } | State::Forewarned { .. }, Heard::CallerId(caller)) => {
                self.caller_known(now, caller)
            }
            (State::Ringing { .. } | State::Forewarned { .. }, Heard::BadCallerId) => {
                self.record.bad_caller_ids = self.record.bad_caller_ids.saturating_add(1);
            }
            (State::Ringing { .. } | State::Forewarned { .. }, Heard::MessageWaiting(waiting)) => {
                self.tell(Event::Messages(waiting));
            }
            (State::Met { .. }, Heard::Busy | Heard::Congestion | Heard::DialTone | Heard::Howler) => {
                self.met_in_vain(now)
            }
            (State::InCall { .. }, heard) => self.heard_in_call(now, &heard),
            (State::AwaitingTone { .. }, Heard::DialTone) => self.dial_tone(now),
            (State::Dialling { .. }, Heard::Dialled) => self.dialled(now),
            // The loop is opened before the exchange can make a number of what it has.
            (State::Dialling { .. }, Heard::Broken) => {
                self.finish(now, Cause::TEMPORARY_FAILURE, Sign::BrokenDigits);
            }
            (State::Progress { .. }, heard) => self.progress(now, heard),
            _ => self.unexpected(),
        }
    }

    /// The exchange opened the loop. An idle line has no battery to lose.
    fn battery_dropped(&mut self, now: Micros) {
        let cause = match self.state {
            State::Met { .. } => return self.met_in_vain(now),
            State::InCall { .. } => return self.drop_in_call(now),
            State::Answering { .. } => Cause::NORMAL,
            State::Seizing { .. } | State::AwaitingTone { .. } | State::Pausing { .. } => Cause::OUT_OF_ORDER,
            // The exchange ends a call that nobody answers after some minutes; before any ringing it is a failure.
            State::Progress { rang: true, .. } => Cause::NO_ANSWER,
            State::Progress { .. } | State::Dialling { .. } => Cause::TEMPORARY_FAILURE,
            _ => return self.unexpected(),
        };
        self.finish(now, cause, Sign::BatteryDrop);
    }

    /// Polarity changed. What it means depends on who called whom and whether it changed before.
    fn reversed(&mut self, now: Micros) {
        self.record.reversals = self.record.reversals.saturating_add(1);
        match &mut self.state {
            State::Idle => self.forewarned(now),
            State::Progress { .. } => self.connected(now, tipring_card::Supervision::Reversal),
            State::InCall { way, since, reversed, .. } => match *reversed {
                Some(at) if now.since(at) < REVERSAL_DEBOUNCE => {}
                None if *way == Way::Out || now.since(*since) < ANSWER_REVERSAL => *reversed = Some(now),
                marked => self.reversal_in_call(now, marked.is_some()),
            },
            // The seizure itself may reverse the line, and so may caller id and the ring.
            _ => {}
        }
    }

    fn hook_complete(&mut self, now: Micros) {
        match self.state {
            State::Answering { .. } => self.answered(now),
            State::Seizing { .. } => self.seized(now),
            _ => self.unexpected(),
        }
    }

    fn hook_failed(&mut self, now: Micros) {
        self.counters.hook_refused = self.counters.hook_refused.saturating_add(1);
        match &mut self.state {
            State::Answering { .. } | State::InCall { way: Way::In, .. } => {
                self.finish(now, Cause::TEMPORARY_FAILURE, Sign::Refused);
            }
            State::Seizing { .. } => self.finish(now, Cause::CHANNEL_UNAVAILABLE, Sign::Refused),
            State::Clearing { again, .. } => *again = true,
            // The seizure that a ring met was refused: it rings on.
            State::Met { .. } => {
                self.hook(now, Hook::OnHook);
                self.set_listen(Listen::Off);
                self.state = State::Offered { stops_at: now + RING_STOPS };
            }
            _ => self.unexpected(),
        }
    }

    fn hang_up(&mut self, now: Micros) {
        match self.state {
            State::Ringing { stops_at, .. } | State::Offered { stops_at } => {
                self.set_listen(Listen::Off);
                self.set_audio(false);
                self.state = State::Ignored { stops_at };
            }
            State::Met { .. } => self.let_go(now),
            _ if self.state.is_off_hook() => self.finish(now, Cause::NORMAL, Sign::Ours),
            _ => {}
        }
    }

    fn opened(&mut self, now: Micros) {
        if self.state.is_off_hook() {
            self.end(now, Cause::OUT_OF_ORDER, Sign::Lost);
        } else if matches!(self.state, State::Offered { .. }) {
            self.tell(Event::Missed);
        }
        self.set_listen(Listen::Off);
        self.set_audio(false);
        self.dead = false;
        self.free(now, None);
    }

    fn lost(&mut self, now: Micros) {
        if self.state != State::Lost {
            self.set_listen(Listen::Off);
            self.set_audio(false);
            self.state = State::Lost;
            self.end(now, Cause::OUT_OF_ORDER, Sign::Lost);
        }
    }

    /// The call is over from our side of the loop: on hook, silence, and a rest.
    fn finish(&mut self, now: Micros, cause: Cause, sign: Sign) {
        self.let_go(now);
        self.end(now, cause, sign);
    }

    fn let_go(&mut self, now: Micros) {
        self.hook(now, Hook::OnHook);
        self.set_listen(Listen::Off);
        self.set_audio(false);
        self.state = State::Clearing { until: now + self.guard(), again: false, ring: None };
    }

    fn end(&mut self, now: Micros, cause: Cause, sign: Sign) {
        self.record.hang_up = Some((now, sign));
        self.tell(Event::Ended { cause, sign });
    }

    /// The line may be used; or a ring that began meanwhile has it.
    fn free(&mut self, now: Micros, ring: Option<Micros>) {
        self.state = State::Idle;
        self.tell(Event::Idle);
        if let Some(at) = ring.filter(|at| now.since(*at) < RING_STOPS) {
            self.first_ring(at, true);
        }
    }

    /// Does what is overdue. Each step moves on, so few are needed.
    fn expire(&mut self, now: Micros) {
        for _ in 0..EXPIRIES {
            match self.deadline() {
                Some(at) if at <= now => self.timeout(now),
                _ => break,
            }
        }
    }

    fn timeout(&mut self, now: Micros) {
        match self.state {
            State::Forewarned { .. } => {
                self.set_listen(Listen::Off);
                self.set_audio(false);
                self.state = State::Idle;
            }
            State::Ringing { stops_at, .. } => self.present(stops_at),
            State::Offered { .. } => {
                self.set_audio(false);
                self.tell(Event::Missed);
                self.free(now, None);
            }
            State::Met { .. } => self.met_in_vain(now),
            State::Ignored { .. } => self.free(now, None),
            State::Answering { .. } => self.answered(now),
            State::Seizing { .. } => self.finish(now, Cause::CHANNEL_UNAVAILABLE, Sign::Refused),
            State::AwaitingTone { .. } if !self.config.dial_anyway => {
                self.finish(now, Cause::OUT_OF_ORDER, Sign::NoDialTone);
            }
            State::AwaitingTone { .. } | State::Pausing { .. } => self.send(now),
            State::Dialling { .. } => self.finish(now, Cause::TEMPORARY_FAILURE, Sign::Refused),
            State::Progress { .. } => self.finish(now, Cause::NO_ANSWER, Sign::Ours),
            State::Clearing { again: true, ring, .. } => {
                self.put(Output::Hook(Hook::OnHook));
                self.state = State::Clearing { until: now + self.guard(), again: false, ring };
            }
            State::Clearing { ring, .. } => self.free(now, ring),
            State::Closed | State::Idle | State::InCall { .. } | State::Lost => {}
        }
    }

    fn guard(&self) -> Micros {
        self.config.guard.clamp(GUARD_LEAST, WAIT_MOST)
    }

    fn hook(&mut self, now: Micros, hook: Hook) {
        if hook == Hook::OnHook {
            self.record.on_hook = Some(now);
        } else {
            self.record.off_hook = Some(now);
        }
        self.put(Output::Hook(hook));
    }

    fn set_audio(&mut self, audio: bool) {
        if self.audio != audio {
            self.audio = audio;
            self.put(Output::Audio(audio));
        }
    }

    fn set_listen(&mut self, listen: Listen) {
        if self.listen != listen {
            self.listen = listen;
            self.put(Output::Listen(listen));
        }
    }

    fn tell(&mut self, event: Event) {
        self.put(Output::Event(event));
    }

    fn put(&mut self, output: Output) {
        if let Err(output) = self.outputs.push_back(output) {
            self.counters.overruns = self.counters.overruns.saturating_add(1);
            let _ = self.outputs.pop_front();
            let _ = self.outputs.push_back(output);
        }
    }

    fn unexpected(&mut self) {
        self.counters.unexpected = self.counters.unexpected.saturating_add(1);
    }
}

/// Outputs that wait to be polled. One input gives six at most, and an overdue step as many again.
const OUTPUTS: usize = 24;
/// Overdue steps in one go: offer, miss and one to spare.
const EXPIRIES: usize = 3;
/// A ring without an event for so long has stopped: longer than any country's pause.
const RING_STOPS: Micros = Micros::from_s(8);
/// The card debounces rings for so long after an on-hook, and the exchange releases.
const GUARD_LEAST: Micros = Micros::from_s(2);
/// Longest wait that a configuration can ask for.
const WAIT_MOST: Micros = Micros::from_s(60);
/// A second reversal sooner than this is the first one's bounce.
const REVERSAL_DEBOUNCE: Micros = Micros::from_ms(600);
/// The exchange acknowledges our answer with a reversal within this time; later ones are the caller's hang-up.
const ANSWER_REVERSAL: Micros = Micros::from_s(2);
