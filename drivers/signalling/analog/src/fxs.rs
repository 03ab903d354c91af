//! The machine of a port for a telephone (FXS): it feeds the loop, rings, tells who calls, gives dial tone and the other
//! tones, collects digits, notices flash and hang-up, and tells the telephone when the far end has gone. It moves the
//! loop and says what is to be heard; it hears nothing itself, knows no card and keeps no clock. Drain [`Fxs::poll`] to
//! `None` after every [`Fxs::handle`], and handle [`Input::Timer`] at [`Fxs::deadline`].
//!
//! What the owner is told, in order:
//! * a lifted telephone: `Lifted`, then `Dialled` if a number comes, which begins a call;
//! * a rung one: `Answered` when it is lifted; `Busy` alone where it could not be rung;
//! * a call: `Flash` now and then, `Ended` once; `Idle` when the telephone is on hook again.
//!
//! Source: ITU-T Q.552, GR-506 (loop start towards a subscriber), GR-30 and ETSI EN 300 659-1 (when caller id is sent);
//! how DAHDI's ports signalled as an exchange behave.

mod digits;
mod state;
mod words;

pub use words::*;

use heapless::Deque;
use tipring_card::{Event as LineEvent, Hook, Micros};

use crate::words::CallerId;
use state::State;

/// One port.
pub struct Fxs {
    config: Config,
    state: State,
    audio: bool,
    keys: bool,
    playing: Option<Tone>,
    /// Messages wait for the telephone's user.
    waiting: bool,
    /// The telephone was not told so yet.
    untold: bool,
    /// When it was put on hook last, and when it is told while it stays so.
    rested_at: Micros,
    tell_at: Option<Micros>,
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
    /// Outputs lost because nobody polled: the oldest go.
    pub overruns: u32,
}
tipring_card::name_counters!(Counters: unexpected, hook_refused, overruns);

impl Fxs {
    /// A port that is not open yet.
    pub fn new(config: Config) -> Self {
        Fxs {
            config,
            state: State::Closed,
            audio: false,
            keys: false,
            playing: None,
            waiting: false,
            untold: false,
            rested_at: Micros::ZERO,
            tell_at: None,
            counters: Counters::default(),
            outputs: Deque::new(),
        }
    }

    /// Goes on with other settings. For a port without a call.
    pub fn configure(&mut self, config: Config) {
        self.config = config;
    }

    /// Something happened. What is overdue is done first.
    pub fn handle(&mut self, now: Micros, input: Input) {
        self.expire(now);
        match input {
            Input::Opened => self.opened(now),
            Input::Lost | Input::Line(LineEvent::Removed) => self.lost(),
            Input::Line(LineEvent::RingOffHook) => self.lifted(now),
            Input::Line(LineEvent::OnHook) => self.put_down(now),
            Input::Line(LineEvent::WinkFlash) => self.flashed(now),
            Input::Line(LineEvent::Pulse(digit)) => self.key(now, digit),
            // The card's word for its ringer and for a move that it has finished: nothing hangs on them.
            Input::Line(LineEvent::HookComplete | LineEvent::RingerOn | LineEvent::RingerOff) => {}
            Input::Line(_) => self.unexpected(),
            Input::HookFailed => self.hook_failed(now),
            Input::Key(key) => self.key(now, key),
            Input::Told => self.told(now),
            Input::Judged(judgement) => self.judged(now, judgement),
            Input::Command(Command::Ring { caller, rhythm_ms }) => self.ring(now, caller, rhythm_ms),
            Input::Command(Command::Alerting) => self.alerting(),
            Input::Command(Command::Through) => self.through(),
            Input::Command(Command::Hangup(tone)) => self.hang_up(now, tone),
            Input::Command(Command::MessageWaiting(waiting)) => self.message_waiting(now, waiting),
            Input::Timer => {}
        }
    }

    /// What is to be done, until `None`.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to handle [`Input::Timer`].
    pub fn deadline(&self) -> Option<Micros> {
        if self.state == State::Idle { self.tell_at } else { self.state.deadline() }
    }

    /// The state in a word, for people.
    pub fn state(&self) -> &'static str {
        self.state.name()
    }

    /// Whether the telephone may be rung now.
    pub fn is_idle(&self) -> bool {
        matches!(self.state, State::Idle | State::Telling { .. })
    }

    /// Whether the telephone is off hook, as far as is known.
    pub fn is_lifted(&self) -> bool {
        self.state.is_lifted()
    }

    /// What went by without effect.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    fn opened(&mut self, now: Micros) {
        if self.state.is_call() {
            self.tell(Event::Ended(Reason::Lost));
        }
        self.rest(now);
    }

    fn lost(&mut self) {
        if self.state == State::Lost {
            return;
        }
        if self.state.is_call() {
            self.tell(Event::Ended(Reason::Lost));
        }
        self.quiet();
        self.state = State::Lost;
    }

    fn hook_failed(&mut self, now: Micros) {
        self.counters.hook_refused = self.counters.hook_refused.saturating_add(1);
        if matches!(self.state, State::Ringing { .. }) {
            // A telephone that cannot be rung is nobody's answer; the owner looks for another.
            self.tell(Event::Ended(Reason::Lost));
            self.rest(now);
        }
    }

    /// The telephone was lifted.
    fn lifted(&mut self, now: Micros) {
        match self.state {
            State::Idle | State::Telling { .. } => {
                self.hook(Hook::OffHook);
                self.tell(Event::Lifted);
                if self.config.hotline.is_empty() {
                    self.prompt(now);
                } else {
                    self.set_audio(true);
                    self.dialled(self.config.hotline.clone());
                }
            }
            State::Announcing { .. } | State::Ringing { .. } => {
                self.hook(Hook::OffHook);
                self.tell(Event::Answered);
                self.talk();
            }
            // What the card says of a telephone that was off hook already, as after our own cut.
            State::Cutting { .. } => {}
            _ => self.unexpected(),
        }
    }

    /// The telephone was put down.
    fn put_down(&mut self, now: Micros) {
        match self.state {
            State::Called | State::Talking => {
                self.tell(Event::Ended(Reason::OnHook));
                self.rest(now);
            }
            _ if self.state.is_lifted() => self.rest(now),
            _ => self.unexpected(),
        }
    }

    /// During a call the flash is the owner's; before one it asks for dial tone again.
    fn flashed(&mut self, now: Micros) {
        match self.state {
            State::Talking => self.tell(Event::Flash),
            State::Prompted { .. } | State::Collecting { .. } | State::Warned { .. } => self.prompt(now),
            _ => self.unexpected(),
        }
    }

    fn ring(&mut self, now: Micros, caller: CallerId, rhythm_ms: &'static [u16]) {
        if !self.is_idle() {
            return self.tell(Event::Busy);
        }
        let country = self.config.zone.tones().ring_ms;
        let rhythm_ms = [rhythm_ms, country, ANY_RING].into_iter().find(|rhythm| is_rhythm(rhythm)).unwrap_or(ANY_RING);
        self.set_audio(true);
        match self.config.caller_id {
            Telling::BeforeRing(_) => {
                self.put(Output::Tell(News::Caller(caller)));
                self.state = State::Announcing { rhythm_ms, until: now + TELLING_MOST };
            }
            Telling::AfterRing(_) => self.begin_ring(now, rhythm_ms, Some(caller)),
            Telling::Never => self.begin_ring(now, rhythm_ms, None),
        }
    }

    fn begin_ring(&mut self, now: Micros, rhythm_ms: &'static [u16], caller: Option<CallerId>) {
        self.hook(Hook::Ring);
        let next_at = now + place_of(rhythm_ms, 0);
        self.state = State::Ringing { rhythm_ms, place: 0, next_at, caller, tell_at: None };
    }

    /// The ring's next place: sound or pause.
    fn ring_on(&mut self, now: Micros) {
        let State::Ringing { rhythm_ms, place, next_at, caller, tell_at } = &mut self.state else { return };
        if tell_at.take_if(|at| *at <= now).is_some() {
            if let Some(caller) = caller.take() {
                self.put(Output::Tell(News::Caller(caller)));
            }
            return;
        }
        *place = (*place + 1) % rhythm_ms.len();
        let length = place_of(rhythm_ms, *place);
        *next_at = now + length;
        let sounds = place.is_multiple_of(2);
        if !sounds && caller.is_some() && length >= TELLING_LEAST {
            *tell_at = Some(now + TELLING_AFTER);
        }
        self.hook(if sounds { Hook::Ring } else { Hook::RingOff });
    }

    fn told(&mut self, now: Micros) {
        match &mut self.state {
            // The end of the message is on its way to the wire still.
            State::Announcing { until, .. } | State::Telling { until } => *until = now + TELLING_TAIL,
            // Behind the first ring nothing waits for it; a telephone that was lifted has not heard the rest.
            State::Ringing { .. } => {}
            state if state.is_lifted() => {}
            _ => self.unexpected(),
        }
    }

    fn alerting(&mut self) {
        match self.state {
            State::Called => self.play(Some(Tone::Ringback)),
            _ => self.unexpected(),
        }
    }

    fn through(&mut self) {
        match self.state {
            State::Called => self.talk(),
            State::Talking => {}
            _ => self.unexpected(),
        }
    }

    fn hang_up(&mut self, now: Micros, tone: Tone) {
        match self.state {
            State::Announcing { .. } | State::Ringing { .. } => {
                self.hook(Hook::RingOff);
                self.tell(Event::Ended(Reason::Ours));
                self.rest(now);
            }
            // Nobody was there yet who could have gone.
            State::Called => {
                self.tell(Event::Ended(Reason::Ours));
                self.warn(now, tone);
            }
            State::Talking => {
                self.tell(Event::Ended(Reason::Ours));
                self.cut(now, tone);
            }
            _ => {}
        }
    }

    fn cut(&mut self, now: Micros, tone: Tone) {
        let length = self.cut_length();
        if length == Micros::ZERO {
            return self.warn(now, tone);
        }
        self.play(None);
        self.set_keys(false);
        self.hook(Hook::OnHook);
        self.state = State::Cutting { until: now + length, tone };
    }

    fn cut_length(&self) -> Micros {
        let least = if self.config.hands_free { CUT_LEAST } else { Micros::ZERO };
        self.config.disconnect.clamp(least, CUT_MOST)
    }

    fn message_waiting(&mut self, now: Micros, waiting: bool) {
        self.untold |= self.waiting != waiting;
        self.waiting = waiting;
        if self.state == State::Idle {
            self.tell_soon(now);
        }
    }

    /// Tells of messages once the channel is back from the call that was: one that is being given back cannot be taken.
    fn tell_soon(&mut self, now: Micros) {
        let at = self.rested_at + GIVEN_BACK;
        if at > now {
            self.tell_at = self.untold.then_some(at);
        } else {
            self.tell_at = None;
            self.tell_of_messages(now);
        }
    }

    /// Tells the telephone of its messages, where that is news and it can hear it.
    fn tell_of_messages(&mut self, now: Micros) {
        if self.untold && self.config.caller_id != Telling::Never {
            self.set_audio(true);
            self.put(Output::Tell(News::Waiting(self.waiting)));
            self.untold = false;
            self.state = State::Telling { until: now + TELLING_MOST };
        }
    }

    fn told_of_messages(&mut self, now: Micros) {
        self.state = State::Idle;
        self.tell_of_messages(now);
        // It is told anew on the same audio: a channel that is being given back cannot be taken at once.
        if self.state == State::Idle {
            self.set_audio(false);
        }
    }

    fn prompt(&mut self, now: Micros) {
        self.set_audio(true);
        self.set_keys(true);
        self.play(Some(if self.waiting { Tone::Stutter } else { Tone::Dial }));
        self.state = State::Prompted { until: now + self.config.first_digit.min(WAIT_MOST) };
    }

    fn talk(&mut self) {
        self.set_keys(false);
        self.play(None);
        self.state = State::Talking;
    }

    /// Off hook without a call.
    fn warn(&mut self, now: Micros, tone: Tone) {
        self.set_keys(false);
        self.play(Some(tone));
        let length = if self.config.hands_free { SHORT_WARNING } else { WARNING };
        self.state = State::Warned { until: now + length };
    }

    /// On hook, nothing.
    fn rest(&mut self, now: Micros) {
        self.hook(Hook::OnHook);
        self.quiet();
        self.state = State::Idle;
        self.tell(Event::Idle);
        self.rested_at = now;
        self.tell_soon(now);
    }

    fn quiet(&mut self) {
        self.set_keys(false);
        self.play(None);
        self.set_audio(false);
    }

    /// Does what is overdue. Each step moves on.
    fn expire(&mut self, now: Micros) {
        for _ in 0..EXPIRIES {
            match self.deadline() {
                Some(at) if at <= now => self.timeout(now),
                _ => break,
            }
        }
    }

    fn timeout(&mut self, now: Micros) {
        match &mut self.state {
            State::Idle => self.tell_soon(now),
            State::Telling { .. } => self.told_of_messages(now),
            State::Announcing { rhythm_ms, .. } => {
                let rhythm_ms = *rhythm_ms;
                self.begin_ring(now, rhythm_ms, None);
            }
            State::Ringing { .. } => self.ring_on(now),
            State::Prompted { .. } => self.warn(now, Tone::Congestion),
            State::Collecting { digits, .. } => {
                let digits = core::mem::take(digits);
                self.dialled(digits);
            }
            State::Cutting { tone, .. } => {
                let tone = *tone;
                self.hook(Hook::OffHook);
                self.warn(now, tone);
            }
            State::Warned { .. } if self.config.hands_free => self.cut(now, Tone::Congestion),
            State::Warned { .. } => {
                self.play(Some(Tone::Howler));
                self.state = State::Howling { until: now + HOWLING };
            }
            State::Howling { .. } => {
                self.quiet();
                self.state = State::LockedOut;
            }
            State::Closed | State::Called | State::Talking | State::LockedOut | State::Lost => {}
        }
    }

    fn hook(&mut self, hook: Hook) {
        self.put(Output::Hook(hook));
    }

    fn set_audio(&mut self, audio: bool) {
        if self.audio != audio {
            self.audio = audio;
            self.put(Output::Audio(audio));
        }
    }

    fn set_keys(&mut self, keys: bool) {
        if self.keys != keys {
            self.keys = keys;
            self.put(Output::Keys(keys));
        }
    }

    fn play(&mut self, tone: Option<Tone>) {
        if self.playing != tone {
            self.playing = tone;
            self.put(Output::Play(tone));
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

/// Whether it is on and off in turn, and time moves on in it.
fn is_rhythm(rhythm_ms: &[u16]) -> bool {
    !rhythm_ms.is_empty() && rhythm_ms.len().is_multiple_of(2) && rhythm_ms.iter().all(|ms| *ms >= 50)
}

fn place_of(rhythm_ms: &[u16], place: usize) -> Micros {
    Micros::from_ms(u64::from(rhythm_ms.get(place).copied().unwrap_or(1_000)))
}

/// Outputs that wait to be polled. One input gives seven at most, and an overdue step as many again.
const OUTPUTS: usize = 32;
/// Overdue steps in one go: a number that was whole, its tone, and one to spare.
const EXPIRIES: usize = 3;
/// Where neither the owner nor the country has a rhythm.
const ANY_RING: &[u16] = &[1_000, 4_000];
/// From the end of the first ring to the message: half a second, as in GR-30.
const TELLING_AFTER: Micros = Micros::from_ms(500);
/// A pause between two rings that has room for a message.
const TELLING_LEAST: Micros = Micros::from_ms(1_900);
/// From the end of a message to a ring, or to the end of the sound: the buffers on the way, and the pause that
/// EN 300 659-1 wants before a ring.
const TELLING_TAIL: Micros = Micros::from_ms(250);
/// Longest message with its alert tone, and something more.
const TELLING_MOST: Micros = Micros::from_s(6);
/// A channel is given back from a call within this.
const GIVEN_BACK: Micros = Micros::from_s(1);
/// Longest cut of the battery: a telephone left without it is dead.
const CUT_MOST: Micros = Micros::from_s(3);
/// Shortest cut for a telephone that hangs up at one.
const CUT_LEAST: Micros = Micros::from_ms(250);
/// A tone to a telephone without a call that hangs up by itself behind it.
const SHORT_WARNING: Micros = Micros::from_s(3);
/// A tone to a telephone without a call.
const WARNING: Micros = Micros::from_s(20);
/// The howler.
const HOWLING: Micros = Micros::from_s(60);
/// Longest wait that a configuration can ask for.
const WAIT_MOST: Micros = Micros::from_s(60);
