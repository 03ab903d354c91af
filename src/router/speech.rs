//! Speech as an input of Gather: an ear from the verb's begin, a recognizer behind it, and what ends it. The ear tells
//! when somebody speaks and when he has stopped; the recognizer tells what it was.

use tipring_card::Micros;
use tipring_instructions::{Gather, SpeechTimeout};
use tipring_switch::{Command as SwitchCommand, Port, TapId};

use crate::beside::{Listen, ListenHeard};
use crate::effects::{Effect, ListenId, TraceKind};
use crate::fault::Fault;
use crate::fetch::{Page, method_of};
use crate::leg::{Leg, Stop};
use crate::limits::{FINAL_LIMIT, SPEECH_AUTO};
use crate::params::{Params, of_call, param};
use crate::progress::{Thread, Told};
use crate::world::Input;

/// From here on what is understood so far is told as stable.
const STABLE: f32 = 0.9;

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nobody has spoken.
    Waiting,
    /// Somebody speaks.
    Speaking,
    /// Speech is over: the recognizer's last word is waited for.
    Ending,
    /// There is a result, or there will be none.
    Done,
}

/// An ear with a recognizer.
pub(crate) struct Speech<'a> {
    gather: &'a Gather,
    page: &'a Page,
    id: ListenId,
    tap: TapId,
    port: Port,
    state: State,
    /// Speech may last, or the last word may come, until then.
    pub(crate) until: Micros,
    /// What was understood, and how certainly.
    result: Option<(String, Option<f32>)>,
    partials: u32,
}

impl<'a> Speech<'a> {
    /// Begins to listen.
    pub(crate) fn begin(leg: &Leg, page: &'a Page, gather: &'a Gather) -> Result<Speech<'a>, Stop> {
        let mut world = leg.world();
        let session = world.sessions.get(&leg.task).filter(|session| !session.over).ok_or(Stop::Over)?;
        let (port, law, account) = (session.lease.ok_or(Stop::Over)?, session.law, session.call.account);
        let (tap, id) = (TapId(world.id()), ListenId(world.id()));
        world.routes.taps.insert(tap, leg.task);
        world.routes.listens.insert(id, leg.task);
        let quiet = match gather.speech_timeout {
            SpeechTimeout::Auto => SPEECH_AUTO,
            SpeechTimeout::Same => Micros::from_s(u64::from(gather.timeout_s)),
            SpeechTimeout::Secs(seconds) => Micros::from_s(u64::from(seconds)),
        };
        let quiet_ms = u32::try_from(quiet.as_ms()).unwrap_or(u32::MAX);
        world.emit(Effect::Switch(SwitchCommand::Listen { port, tap, quiet_ms }));
        let listen = Listen {
            account,
            law,
            language: language(gather, &world.config.default_language),
            hints: gather.hints.clone(),
            model: gather.speech_model.clone(),
            partial: gather.partial_callback.is_some(),
            continuous: false,
        };
        world.emit(Effect::Listen { id, tap, listen: Box::new(listen) });
        let (state, until) = (State::Waiting, Micros::FOREVER);
        Ok(Speech { gather, page, id, tap, port, state, until, result: None, partials: 0 })
    }

    /// What an input means for it.
    pub(crate) fn input(&mut self, leg: &Leg, input: &Input) {
        match (input, self.state) {
            (_, State::Done) => {}
            (Input::Speaks(tap), State::Waiting) if *tap == self.tap => {
                leg.trace(TraceKind::Verb, "the caller speaks");
                self.state = State::Speaking;
                self.until = leg.now() + Micros::from_s(u64::from(self.gather.max_speech_s));
            }
            (Input::Quiet(tap), State::Speaking) if *tap == self.tap => self.end(leg),
            (Input::TapEnded { tap, .. }, State::Waiting | State::Speaking) if *tap == self.tap => self.end(leg),
            (Input::Timeout, State::Speaking) if leg.now() >= self.until => self.end(leg),
            (Input::Timeout, State::Ending) if leg.now() >= self.until => {
                self.failed(leg, 94101, "the recognizer has not said what it heard in time");
                leg.world().emit(Effect::EndListen { id: self.id, dropped: true });
            }
            (Input::Heard { id, heard }, _) if *id == self.id => self.heard(leg, heard),
            _ => {}
        }
    }

    fn heard(&mut self, leg: &Leg, heard: &ListenHeard) {
        match heard {
            ListenHeard::Partial { text, stability } => self.partial(leg, text, *stability),
            ListenHeard::Final { text, confidence } => {
                if !text.trim().is_empty() {
                    self.result = Some((text.trim().to_owned(), *confidence));
                }
                self.done(leg);
            }
            ListenHeard::Failed { code, text } => self.failed(leg, code.0, text),
            ListenHeard::Ended => self.done(leg),
        }
    }

    /// There is no recognizer, or it is of no use: as if nothing had been said (row B6).
    fn failed(&mut self, leg: &Leg, code: u32, text: &str) {
        leg.failed(Fault::warning(code, &self.page.url, format!("<Gather input>: speech is not understood: {text}")));
        self.done(leg);
    }

    /// Speech is over.
    fn end(&mut self, leg: &Leg) {
        let mut world = leg.world();
        world.routes.taps.remove(&self.tap);
        world.emit(Effect::Switch(SwitchCommand::Untap { tap: self.tap, port: self.port }));
        world.emit(Effect::EndListen { id: self.id, dropped: false });
        (self.state, self.until) = (State::Ending, world.now + FINAL_LIMIT);
    }

    /// Nothing more comes: the ear is taken away.
    fn done(&mut self, leg: &Leg) {
        let mut world = leg.world();
        if matches!(self.state, State::Waiting | State::Speaking) {
            world.emit(Effect::Switch(SwitchCommand::Untap { tap: self.tap, port: self.port }));
        }
        world.routes.taps.remove(&self.tap);
        world.routes.listens.remove(&self.id);
        (self.state, self.until) = (State::Done, Micros::FOREVER);
    }

    /// What is said does not interest any more.
    pub(crate) fn give_up(&mut self, leg: &Leg) {
        if self.state != State::Done {
            leg.world().emit(Effect::EndListen { id: self.id, dropped: true });
            self.done(leg);
        }
    }

    /// Whether somebody has spoken.
    pub(crate) fn spoken(&self) -> bool {
        self.state == State::Speaking || self.state == State::Ending || self.result.is_some()
    }

    /// Whether there is something to be waited for beside the verb's own timeout.
    pub(crate) fn is_busy(&self) -> bool {
        matches!(self.state, State::Speaking | State::Ending)
    }

    /// Whether nothing more will come of it.
    pub(crate) fn is_over(&self) -> bool {
        self.state == State::Done
    }

    pub(crate) fn is_understood(&self) -> bool {
        self.result.is_some()
    }

    /// What the action is told; `None`: nothing was understood.
    pub(crate) fn told(&self, leg: &Leg) -> Option<Params> {
        let (text, confidence) = self.result.as_ref()?;
        let mut told = vec![param("SpeechResult", text)];
        told.extend(confidence.map(|confidence| param("Confidence", confidence.clamp(0.0, 1.0))));
        told.push(param("Language", language(self.gather, &leg.world().config.default_language)));
        Some(told)
    }

    /// Tells what is understood so far, in order and beside the call.
    fn partial(&mut self, leg: &Leg, text: &str, stability: Option<f32>) {
        let (Some(callback), Ok((call, _))) = (self.gather.partial_callback.as_deref(), leg.call()) else {
            return;
        };
        let stable = stability.is_some_and(|stability| stability >= STABLE);
        let mut extra = vec![
            param("UnstableSpeechResult", if stable { "" } else { text }),
            param("StableSpeechResult", if stable { text } else { "" }),
            param("SequenceNumber", self.partials),
        ];
        extra.extend(stability.map(|stability| param("Stability", stability.clamp(0.0, 1.0))));
        self.partials += 1;
        let mut world = leg.world();
        let params = of_call(&call, &world.config, &extra);
        let (url, method) = (self.page.resolve(callback), method_of(self.gather.partial_callback_method));
        world.tell_in(Thread(call.sid, self.id.0), Told { about: call.sid, call: Box::new(call), url, method, params });
    }
}

/// The language in which is listened.
fn language(gather: &Gather, default: &str) -> String {
    match (gather.language.as_str(), default) {
        ("", "") => "en-US".to_owned(),
        ("", default) => default.to_owned(),
        (language, _) => language.to_owned(),
    }
}
