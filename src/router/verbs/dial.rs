//! Dial: calls others, lets the caller hear how it goes, and connects him with the first who answers. The legs that it
//! calls are legs like all others, each with its own record and task; the bridge is this verb's alone.
//!
//! Whatever ends it (an outcome, the caller's hang-up, another document from the API), its legs are ended, its
//! crosspoints taken back, its ringback stopped and its recording kept.

use tipring_card::Micros;
use tipring_instructions::{Dial, DialNumber, Target};
use tipring_resources::{Call, CallStatus};
use tipring_switch::{Command as SwitchCommand, PlayId, Port, Tone};

use crate::bridge::ChildState;
use crate::effects::{CallCallback, Effect, Outgoing, TraceKind, Track, ZoneId};
use crate::errand::Errand;
use crate::fault::Fault;
use crate::fetch::{Page, method_of};
use crate::leg::{Leg, Stop};
use crate::outgoing::{Barred, Callee, Outward};
use crate::params::{ANONYMOUS, Params, param};
use crate::recording::{Ear, Side, Take, Wish};
use crate::session::{End, Session};
use crate::verbs::Flow;
use crate::world::{Input, TaskId};

/// A Dial that is being carried out.
struct Dialling<'a> {
    leg: &'a Leg,
    page: &'a Page,
    dial: &'a Dial,
    /// The legs called so far, in order, with what is known of them.
    legs: Vec<(TaskId, Call)>,
    ringback: Option<PlayId>,
    take: Option<Take>,
}

/// The number to be shown.
struct Shown {
    number: String,
    restricted: bool,
    name: String,
}

/// How a Dial ended.
struct Outcome {
    status: &'static str,
    /// The leg that answered, else the one that says most.
    call: Option<Call>,
    bridged: bool,
}

pub(super) async fn run(leg: &Leg, page: &Page, dial: &Dial) -> Result<Flow, Stop> {
    let mut dialling = Dialling { leg, page, dial, legs: Vec::new(), ringback: None, take: None };
    let ended = dialling.carry_out().await;
    dialling.take_back();
    if ended.as_ref().is_err_and(|stop| *stop == Stop::Redirected) {
        if let Some(take) = dialling.take.take() {
            take.run_beside(&mut leg.world(), true);
        }
        return Err(Stop::Redirected);
    }
    let outcome = ended.unwrap_or_else(|_| dialling.abandoned());
    dialling.finish(&outcome).await
}

impl Dialling<'_> {
    async fn carry_out(&mut self) -> Result<Outcome, Stop> {
        let callees = self.callees();
        let Some(shown) = self.shown(&callees)? else {
            return Ok(Outcome { status: "failed", call: None, bridged: false });
        };
        if callees.is_empty() {
            return Ok(Outcome { status: "failed", call: None, bridged: false });
        }
        if !self.dial.answer_on_bridge {
            self.leg.answer().await?;
        }
        let at_once = if self.dial.sequential { 1 } else { callees.len() };
        for round in callees.chunks(at_once) {
            let first = self.legs.len();
            for (number, callee) in round {
                self.call(number, callee, &shown);
            }
            if let Some(winner) = self.race(first).await? {
                return self.talk(winner).await;
            }
        }
        Ok(self.unanswered())
    }

    /// Who can be called at all; a notification says why somebody cannot.
    fn callees(&self) -> Vec<(DialNumber, Callee)> {
        let mut callees = Vec::new();
        for target in &self.dial.targets {
            match target {
                Target::Unsupported(name) => {
                    let text = format!("<{name}> cannot be reached from this box; use <Number>");
                    self.leg.failed(Fault::warning(13224, &self.page.url, text));
                }
                Target::Number(number) => {
                    let callee = self.leg.world().callee(&number.number);
                    match callee {
                        Ok(callee) => callees.push((number.clone(), callee)),
                        Err(barred) => {
                            let code = if barred == Barred::NoNumber { 13223 } else { 13227 };
                            let text = format!("{}: {}", number.place, barred.text(&number.number));
                            self.leg.failed(Fault::warning(code, &self.page.url, text));
                        }
                    }
                }
            }
        }
        callees
    }

    /// The number to be shown; `None`: it may not be, a notification is written.
    fn shown(&self, callees: &[(DialNumber, Callee)]) -> Result<Option<Shown>, Stop> {
        let (call, _) = self.leg.call()?;
        let callers = Shown {
            number: if call.from == ANONYMOUS { String::new() } else { call.from.clone() },
            restricted: call.from == ANONYMOUS,
            name: call.caller_name.clone().unwrap_or_default(),
        };
        let Some(wished) = self.dial.caller_id.as_deref() else {
            return Ok(Some(callers));
        };
        let number = {
            let world = self.leg.world();
            let number = world.config.plan.normal(wished).filter(|number| !number.is_empty());
            // A party of the call may be shown to the other ones.
            number.filter(|n| *n == call.from || *n == call.to || world.may_show(call.account, n))
        };
        if let Some(number) = number {
            return Ok(Some(Shown { number, restricted: false, name: String::new() }));
        }
        let wished: String = wished.chars().filter(|c| !c.is_control()).take(64).collect();
        let text = format!(
            "callerId=\"{wished}\" is not a number of the account, nor in outbound.caller_ids, nor a party of the call"
        );
        self.leg.failed(Fault::warning(13214, &self.page.url, text));
        // A call for help is not refused for a number that it shows.
        Ok(callees.iter().any(|(_, callee)| callee.emergency).then_some(callers))
    }

    /// Begins a leg.
    fn call(&mut self, number: &DialNumber, callee: &Callee, shown: &Shown) {
        let Ok((parent, _)) = self.leg.call() else {
            return;
        };
        let mut world = self.leg.world();
        let from = if shown.restricted { ANONYMOUS } else { shown.number.as_str() };
        let call = world.outgoing_call(parent.account, &callee.number, from);
        let call = Call { parent: Some(parent.sid), to_raw: number.number.clone(), ..call };
        let outward = Outward {
            order: Outgoing {
                group: number.group.clone(),
                to: callee.number.clone(),
                from: shown.number.clone(),
                restricted: shown.restricted,
                name: shown.name.clone(),
                emergency: callee.emergency,
            },
            born: None,
            may_queue: false,
            no_line: None,
            ring_limit: Micros::from_s(u64::from(self.dial.timeout_s)),
            send_digits: number.send_digits.clone(),
            record: None,
            instructions: None,
        };
        let callback = number.callback.as_deref().map(|url| CallCallback {
            url: self.page.resolve(url),
            method: method_of(number.callback_method),
            events: number.callback_events,
        });
        let session = Session { callback, ..Session::new(call.clone()) };
        if let Some(task) = world.begin_child(self.leg.task, session, outward) {
            self.legs.push((task, call));
        }
    }

    /// Until one of the legs from `first` on has answered, or none is left.
    async fn race(&mut self, first: usize) -> Result<Option<TaskId>, Stop> {
        loop {
            let states = self.states(first);
            let won = |state: &ChildState| {
                matches!(state, ChildState::Answered | ChildState::Ready | ChildState::Left(_)) || answered(state)
            };
            if let Some((winner, _)) = states.iter().find(|(_, state)| won(state)) {
                return Ok(Some(*winner));
            }
            let live: Vec<_> = states.iter().filter(|(_, state)| !state.is_gone()).collect();
            match live[..] {
                [] => return Ok(None),
                [(only, ChildState::Heard)] if self.dial.ring_tone.is_none() => self.let_hear(*only),
                _ => self.ring_back(),
            }
            self.next(Micros::FOREVER).await?;
        }
    }

    /// The next input, after what is to be done about any.
    async fn next(&mut self, until: Micros) -> Result<Input, Stop> {
        let input = self.leg.next(until).await?;
        if let Some(take) = &mut self.take {
            take.input(&input);
        }
        match input {
            Input::Key(b'*') if self.dial.hangup_on_star => {
                self.leg.trace(TraceKind::Verb, "Dial ended: star");
                self.end_legs(None);
            }
            Input::Key(_) => self.leg.world().counters.keys_unheard += 1,
            _ => {}
        }
        Ok(input)
    }

    /// From the answer to the end of the bridge.
    async fn talk(&mut self, winner: TaskId) -> Result<Outcome, Stop> {
        self.end_legs(Some(winner));
        self.leg.answer().await?;
        while matches!(self.state(winner), ChildState::Answered) {
            self.next(Micros::FOREVER).await?;
        }
        self.stop_ringback();
        let Some((ours, theirs)) = self.ports(winner).filter(|_| !self.state(winner).is_gone()) else {
            return Ok(self.talked(winner, false));
        };
        self.leg.trace(TraceKind::Verb, "bridged");
        {
            let mut world = self.leg.world();
            world.connect(self.leg.task, ours, theirs);
            world.connect(self.leg.task, theirs, ours);
            world.counters.bridges += 1;
        }
        if self.take.is_none() {
            self.record();
        }
        let until = self.leg.now() + Micros::from_s(u64::from(self.dial.time_limit_s));
        while !self.state(winner).is_gone() {
            if let Input::Timeout = self.next(until).await? {
                self.leg.trace(TraceKind::Verb, "Dial ended: timeLimit");
                self.end_legs(None);
            }
        }
        Ok(self.talked(winner, true))
    }

    fn talked(&mut self, winner: TaskId, bridged: bool) -> Outcome {
        match self.state(winner) {
            ChildState::Left(call) => Outcome { status: "answered", call: Some(*call), bridged },
            ChildState::Ended(call) => Outcome { status: call.status.as_str(), call: Some(*call), bridged },
            _ => Outcome { status: "completed", call: None, bridged },
        }
    }

    fn ring_back(&mut self) {
        if self.ringback.is_some() || !self.leg.is_answered() {
            return;
        }
        let mut world = self.leg.world();
        world.unbridge(self.leg.task);
        let zone = self.dial.ring_tone.as_deref().and_then(ZoneId::of).unwrap_or(world.config.zone);
        let play = PlayId(world.id());
        let Some(session) = world.sessions.get_mut(&self.leg.task).filter(|session| !session.over) else {
            return;
        };
        let Some(port) = session.lease else { return };
        session.sound = Some((None, play));
        world.routes.plays.insert(play, self.leg.task);
        world.emit(Effect::Switch(SwitchCommand::Play { port, play }));
        world.emit(Effect::Switch(SwitchCommand::Tone { play, port, tone: Tone::Ringback(zone) }));
        drop(world);
        self.ringback = Some(play);
        if self.dial.record.from_ringing && self.take.is_none() {
            self.record();
        }
    }

    fn stop_ringback(&mut self) {
        if let Some(play) = self.ringback.take() {
            let mut world = self.leg.world();
            world.routes.plays.remove(&play);
            if let Some(session) = world.sessions.get_mut(&self.leg.task)
                && session.sound.is_some_and(|(_, sounding)| sounding == play)
            {
                session.sound = None;
                if let Some(port) = session.lease {
                    world.emit(Effect::Switch(SwitchCommand::Stop { play, port }));
                }
            }
        }
    }

    /// The caller hears what the only leg's far end sends.
    fn let_hear(&mut self, child: TaskId) {
        if !self.leg.is_answered() {
            return;
        }
        self.stop_ringback();
        if let Some((ours, theirs)) = self.ports(child) {
            self.leg.world().connect(self.leg.task, ours, theirs);
        }
    }

    fn record(&mut self) {
        let record = self.dial.record;
        if !record.on {
            return;
        }
        let mut world = self.leg.world();
        let Some(session) = world.sessions.get(&self.leg.task).filter(|session| !session.over) else {
            return;
        };
        let Some(port) = session.lease else { return };
        let (law, call) = (session.law, session.call.clone());
        let ear = |side| Ear { port, law, side };
        // The caller is the first channel; the second is what he hears, ringback and all.
        let ears = match record.track {
            Track::Inbound => vec![ear(Side::Said)],
            Track::Outbound => vec![ear(Side::Heard)],
            Track::Both if record.dual => vec![ear(Side::Said), ear(Side::Heard)],
            Track::Both => vec![ear(Side::Both)],
        };
        let wish = Wish {
            source: "DialVerb",
            ears,
            quiet_ms: 0,
            silent_too: true,
            track: record.track,
            trim: self.dial.trim,
            callback: self.dial.recording_callback.as_deref().map(|url| self.page.resolve(url)).unwrap_or_default(),
            callback_method: method_of(self.dial.recording_callback_method),
            events: self.dial.recording_events,
            url: self.page.url.clone(),
        };
        self.take = Take::begin(&mut world, self.leg.task, &call, wish);
    }

    /// The ports of both legs, the caller's first.
    fn ports(&self, child: TaskId) -> Option<(Port, Port)> {
        let world = self.leg.world();
        let port = |task: TaskId| world.sessions.get(&task).filter(|session| !session.over)?.lease;
        Some((port(self.leg.task)?, port(child)?))
    }

    fn state(&self, child: TaskId) -> ChildState {
        let world = self.leg.world();
        world.children.get(&child).map_or(ChildState::Trying, |child| child.state.clone())
    }

    fn states(&self, first: usize) -> Vec<(TaskId, ChildState)> {
        self.legs.iter().skip(first).map(|(task, _)| (*task, self.state(*task))).collect()
    }

    /// Ends all legs but one.
    fn end_legs(&mut self, but: Option<TaskId>) {
        let mut world = self.leg.world();
        for (task, _) in self.legs.iter().filter(|(task, _)| Some(*task) != but) {
            let ours = world.children.get(task).is_some_and(|child| !child.state.is_gone());
            if ours {
                world.end_call(*task, End::OURS);
            }
        }
    }

    /// Nothing of it stays: no leg, no crosspoint, no ringback. What became of the legs is kept.
    fn take_back(&mut self) {
        self.end_legs(None);
        self.stop_ringback();
        let mut world = self.leg.world();
        world.unbridge(self.leg.task);
        for (task, call) in &mut self.legs {
            if let Some(child) = world.children.remove(task)
                && let ChildState::Left(last) | ChildState::Ended(last) = child.state
            {
                *call = *last;
            }
        }
    }

    /// What it came to if nobody answered: of those called in turn the last one counts, of those called at once the one
    /// that came nearest to an answer.
    fn unanswered(&mut self) -> Outcome {
        let calls: Vec<Call> = (self.legs.iter())
            .filter_map(|(task, _)| match self.state(*task) {
                ChildState::Ended(call) => Some(*call),
                _ => None,
            })
            .collect();
        let near = |call: &&Call| match call.status {
            CallStatus::NoAnswer => 3,
            CallStatus::Busy => 2,
            CallStatus::Canceled => 1,
            _ => 0,
        };
        let call = if self.dial.sequential { calls.last() } else { calls.iter().max_by_key(near) };
        let status = call.map_or("failed", |call| call.status.as_str());
        Outcome { status, call: call.cloned(), bridged: false }
    }

    /// What it came to when the caller hung up.
    fn abandoned(&self) -> Outcome {
        let answered = self.legs.iter().find(|(_, call)| call.answered.is_some());
        let call = answered.or(self.legs.last()).map(|(_, call)| call.clone());
        let status = call.as_ref().map_or("canceled", |call| call.status.as_str());
        Outcome { status, bridged: answered.is_some(), call }
    }

    /// Keeps the recording and goes on.
    async fn finish(&mut self, outcome: &Outcome) -> Result<Flow, Stop> {
        self.leg.trace(TraceKind::Verb, format!("Dial ended: {}", outcome.status));
        let mut told = outcome.told();
        if let Some(take) = self.take.take()
            && let Some(take) = take.finish(self.leg, 0).await?
        {
            told.extend(take.told(&self.leg.world().config));
        }
        let over = self.leg.is_over();
        let Some(action) = self.dial.action.as_deref().filter(|action| !action.is_empty()) else {
            return if over { Err(Stop::Over) } else { Ok(Flow::Next) };
        };
        let ask = self.page.ask(Some(action), self.dial.method, told);
        if over {
            let call = self.leg.call()?.0;
            self.leg.world().begin(call.sid, Errand::Notice { call: Box::new(call), ask });
            return Err(Stop::Over);
        }
        Ok(Flow::Ask(ask))
    }
}

impl Outcome {
    /// What the action is told.
    fn told(&self) -> Params {
        let mut told = vec![param("DialCallStatus", self.status), param("DialBridged", self.bridged)];
        if let Some(call) = &self.call {
            told.push(param("DialCallSid", call.sid));
            told.push(param("DialCallDuration", call.duration_s().unwrap_or(0)));
        }
        told
    }
}

/// A leg that was answered, and is over already.
fn answered(state: &ChildState) -> bool {
    matches!(state, ChildState::Ended(call) if call.answered.is_some())
}
