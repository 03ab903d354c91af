//! Dial: calls others, lets the caller hear how it goes, and connects him with the first who answers. The legs that it
//! calls are legs like all others, each with its own record and task; the bridge is this verb's alone.
//!
//! Whatever ends it (an outcome, the caller's hang-up, another document from the API), its legs are ended, its
//! crosspoints taken back, its ringback stopped and its recording kept.

mod callees;
mod conference;
mod heard;
mod outcome;
mod waiting;

use tipring_card::Micros;
use tipring_instructions::{Dial, Target};
use tipring_resources::Call;
use tipring_switch::PlayId;

use crate::bridge::ChildState;
use crate::effects::TraceKind;
use crate::fetch::Page;
use crate::leg::{Leg, Stop};
use crate::recording::Take;
use crate::session::End;
use crate::verbs::Flow;
use crate::world::{Input, TaskId};
use outcome::{Bridge, Outcome};

/// A Dial that is being carried out.
struct Dialling<'a> {
    leg: &'a Leg,
    page: &'a Page,
    dial: &'a Dial,
    /// The legs called so far, in order, with what is known of them.
    legs: Vec<(TaskId, Call)>,
    ringback: Option<PlayId>,
    take: Option<Take>,
    /// The caller has pressed the star: nobody else is called.
    starred: bool,
    /// There was a bridge.
    bridge: Option<Bridge>,
}

pub(super) async fn run(leg: &Leg, page: &Page, dial: &Dial) -> Result<Flow, Stop> {
    // A room stands alone.
    if let [Target::Conference(room)] = &dial.targets[..] {
        return conference::run(leg, page, dial, room).await;
    }
    let mut dialling =
        Dialling { leg, page, dial, legs: Vec::new(), ringback: None, take: None, starred: false, bridge: None };
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
        // A queue stands alone.
        if let [Target::Queue(queue)] = &self.dial.targets[..] {
            return self.serve(queue).await;
        }
        let callees = self.callees();
        let Some(shown) = self.shown(&callees)? else {
            return Ok(Outcome::without_call("failed"));
        };
        if callees.is_empty() {
            return Ok(Outcome::without_call("failed"));
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
            if self.starred {
                break;
            }
        }
        Ok(self.unanswered())
    }

    /// Until one of the legs from `first` on has answered, or none is left.
    async fn race(&mut self, first: usize) -> Result<Option<TaskId>, Stop> {
        loop {
            let states = self.states(first);
            let won =
                |state: &ChildState| matches!(state, ChildState::Answered | ChildState::Ready | ChildState::Left(_));
            let won = |leg: TaskId, state: &ChildState| won(state) || (answered(state) && !self.is_screened(leg));
            if let Some((winner, _)) = states.iter().find(|(leg, state)| won(*leg, state)) {
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
            if take.has_ended()
                && take.is_stopped(self.leg)
                && let Some(take) = self.take.take()
            {
                // Ended by the API: it is brought to its end while the bridge goes on.
                take.run_beside(&mut self.leg.world(), true);
            }
        }
        match input {
            Input::Key(b'*') if self.dial.hangup_on_star => {
                self.leg.trace(TraceKind::Verb, "Dial ended: star");
                self.starred = true;
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
        if !self.state(winner).is_gone() {
            self.leg.answer().await?;
        }
        while matches!(self.state(winner), ChildState::Answered) {
            self.next(Micros::FOREVER).await?;
        }
        self.stop_ringback();
        let Some((ours, theirs)) = self.ports(winner).filter(|_| !self.state(winner).is_gone()) else {
            return Ok(self.talked(winner));
        };
        self.leg.trace(TraceKind::Verb, "bridged");
        {
            let mut world = self.leg.world();
            self.bridge = Some(Bridge { with: winner, began: world.stamp() });
            if let Some(queued) = world.sessions.get_mut(&winner).and_then(|session| session.queued.as_mut()) {
                queued.bridged = true;
            }
            world.watch_silence(winner);
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
        Ok(self.talked(winner))
    }

    /// Whether callers of a queue are taken, and nobody called.
    fn serves_queue(&self) -> bool {
        matches!(self.dial.targets[..], [Target::Queue(_)])
    }

    /// How far a leg is. One that another Dial has now has left this one.
    fn state(&self, child: TaskId) -> ChildState {
        if let Some(child) = self.leg.world().child_of(self.leg.task, child) {
            return child.state.clone();
        }
        let known = self.legs.iter().find(|(task, _)| *task == child).map(|(_, call)| Box::new(call.clone()));
        known.map_or(ChildState::Trying, ChildState::Left)
    }

    /// Whether a leg hears a document before it is connected.
    fn is_screened(&self, child: TaskId) -> bool {
        self.leg.world().child_of(self.leg.task, child).is_some_and(|child| child.screened)
    }

    fn states(&self, first: usize) -> Vec<(TaskId, ChildState)> {
        self.legs.iter().skip(first).map(|(task, _)| (*task, self.state(*task))).collect()
    }

    /// Ends all legs but one.
    fn end_legs(&mut self, but: Option<TaskId>) {
        let mut world = self.leg.world();
        for (task, _) in self.legs.iter().filter(|(task, _)| Some(*task) != but) {
            let live = world.child_of(self.leg.task, *task).filter(|child| !child.state.is_gone());
            match live.map(|child| child.lent) {
                Some(true) => world.give_back(*task),
                Some(false) => drop(world.end_call(*task, End::OURS)),
                None => {}
            }
        }
    }

    /// Nothing of it stays: no leg, no crosspoint, no ringback. What became of the legs is kept.
    fn take_back(&mut self) {
        self.end_legs(None);
        self.stop_ringback();
        let mut world = self.leg.world();
        world.unbridge(self.leg.task);
        world.agent_leaves(self.leg.task);
        for (task, call) in &mut self.legs {
            if let Some(child) = world.release_child(self.leg.task, *task)
                && let ChildState::Left(last) | ChildState::Ended(last) = child.state
            {
                *call = *last;
            }
        }
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
        self.leg.ask_or_notice(self.page.ask_action(self.dial.action.as_deref(), self.dial.method, told))
    }
}

/// A leg that was answered, and is over already.
fn answered(state: &ChildState) -> bool {
    matches!(state, ChildState::Ended(call) if call.answered.is_some())
}
