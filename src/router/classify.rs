//! Who answered: a person, a machine or a fax (row C17, twiml.md §5). An ear on what the called party says, and whoever
//! carries effects out gives the verdict; beyond the document's limit it is `unknown`.

use tipring_card::Micros;
use tipring_resources::{Method, Record};
use tipring_switch::{Command as SwitchCommand, Port, TapId};

use crate::effects::{Effect, MachineDetection, TraceKind};
use crate::errand::{Errand, Whose, callback};
use crate::leg::{Leg, Stop};
use crate::limits::VERDICT_TAIL;
use crate::params::{Params, param};
use crate::requests::MachineWish;
use crate::running::{Heard, Kind, Running};
use crate::world::{Input, TaskId, World};

/// What an outgoing leg wants to know of who answers.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    pub(crate) how: MachineDetection,
    /// The call goes on meanwhile.
    pub(crate) beside: bool,
    /// Absolute; empty: nobody.
    pub(crate) callback: String,
    pub(crate) callback_method: Method,
}

impl From<MachineWish> for Machine {
    fn from(wish: MachineWish) -> Machine {
        let MachineWish { how, beside, callback, callback_method } = wish;
        Machine { how, beside, callback, callback_method }
    }
}

/// The errand of a verdict that nobody waits for.
pub(crate) struct Classifier {
    heard: Heard,
    machine: Machine,
}

/// An ear that finds out.
struct Ear {
    tap: TapId,
    port: Port,
    began: Micros,
    until: Micros,
}

/// What was found out.
struct Verdict {
    answered_by: String,
    after_ms: u32,
}

impl Verdict {
    fn told(&self) -> Params {
        vec![param("AnsweredBy", &self.answered_by), param("MachineDetectionDuration", self.after_ms)]
    }
}

impl Ear {
    fn open(world: &mut World, task: TaskId, heard: &Heard, how: MachineDetection) -> Ear {
        let tap = world.tap_side(task, heard.port, false);
        world.emit(Effect::Classify { tap, law: heard.law, how });
        let limit = Micros::from_s(u64::from(how.timeout_s)) + VERDICT_TAIL;
        Ear { tap, port: heard.port, began: world.now, until: world.now + limit }
    }

    fn close(&self, world: &mut World) {
        world.routes.taps.remove(&self.tap);
        world.emit(Effect::Switch(SwitchCommand::Untap { tap: self.tap, port: self.port }));
    }

    /// What an input means for it: a verdict, at last that there is none.
    fn input(&self, now: Micros, input: &Input) -> Option<Verdict> {
        match input {
            Input::Classified { tap, verdict, after_ms } if *tap == self.tap => {
                Some(Verdict { answered_by: verdict.clone(), after_ms: *after_ms })
            }
            Input::Timeout if now >= self.until => {
                let after_ms = u32::try_from((now - self.began).as_ms()).unwrap_or(u32::MAX);
                Some(Verdict { answered_by: "unknown".to_owned(), after_ms })
            }
            _ => None,
        }
    }
}

impl World {
    /// It is known who answered: the record says so, unless the call is over.
    fn classified(&mut self, task: TaskId, verdict: &Verdict) {
        let now = self.stamp();
        let Some(session) = self.sessions.get_mut(&task).filter(|session| !session.over) else {
            return;
        };
        session.call.answered_by = Some(verdict.answered_by.clone());
        session.call.updated = now;
        let call = session.call.clone();
        let text = format!("answered by: {}, after {} ms", verdict.answered_by, verdict.after_ms);
        self.trace(Some(call.sid), TraceKind::Line, text);
        self.changed.push(call.clone());
        self.write(Record::Call(call));
    }
}

/// Finds out who answered, right after the answer. What the first request says of it; nothing if the call goes on
/// meanwhile.
pub(crate) async fn find_out(leg: &Leg, machine: Machine) -> Result<Params, Stop> {
    let heard = leg.world().audible(leg.task).ok_or(Stop::Over)?;
    if machine.beside {
        let mut world = leg.world();
        let running = Running {
            call: heard.call.sid,
            kind: Kind::Classifier,
            sid: heard.call.sid,
            name: String::new(),
            tracks: 0,
            stop: false,
        };
        // It is refused only where there is no room for any errand.
        let _refused = world.run_beside(running, Errand::Classifier(Box::new(Classifier { heard, machine })));
        return Ok(Vec::new());
    }
    let ear = Ear::open(&mut leg.world(), leg.task, &heard, machine.how);
    let verdict = loop {
        match leg.next(ear.until).await {
            Err(stop) => {
                ear.close(&mut leg.world());
                return Err(stop);
            }
            Ok(Input::Key(_)) => leg.world().counters.keys_unheard += 1,
            Ok(input) => {
                if let Some(verdict) = ear.input(leg.now(), &input) {
                    break verdict;
                }
            }
        }
    };
    let mut world = leg.world();
    ear.close(&mut world);
    world.classified(leg.task, &verdict);
    Ok(verdict.told())
}

/// The errand: until there is a verdict, or the call is over.
pub(crate) async fn run_beside(leg: &Leg, classifier: Classifier) {
    let Classifier { heard, machine } = classifier;
    let ear = Ear::open(&mut leg.world(), leg.task, &heard, machine.how);
    let verdict = loop {
        if leg.is_stopped() {
            return ear.close(&mut leg.world());
        }
        let input = leg.next_after_all(ear.until).await;
        if let Some(verdict) = ear.input(leg.now(), &input) {
            break verdict;
        }
    };
    {
        let mut world = leg.world();
        ear.close(&mut world);
        world.classified(heard.task, &verdict);
    }
    if !machine.callback.is_empty() {
        let mut params = vec![param("CallSid", heard.call.sid), param("AccountSid", heard.call.account)];
        params.extend(verdict.told());
        callback(leg, Whose::of(&heard.call), &machine.callback, machine.callback_method, params).await;
    }
}
