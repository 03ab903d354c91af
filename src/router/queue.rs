//! Who waits for a free line, group by group: accounts have theirs by turns, however many calls each of them has there,
//! and of one account the first comes first. A try is made when a line is said to be free, and
//! again after each success, because one word may stand for several lines. Calls of the API wait here; a Dial does not,
//! its caller is already there; a call for help asks again
//! and again beside the queue (`outgoing`).

use std::collections::BTreeSet;

use tipring_card::Micros;
use tipring_resources::Sid;

use crate::effects::{AttemptId, Effect, LineCommand};
use crate::outgoing::NoLine;
use crate::world::{Input, TaskId, World};

/// A leg that waits for a line.
pub(crate) struct Waiter {
    task: TaskId,
    account: Option<Sid>,
    group: String,
    /// It has asked at this moment, and not been answered yet.
    trying: Option<Micros>,
    /// A line was said to be free meanwhile.
    freed: bool,
}

/// What a leg waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waits {
    /// For its turn.
    ForTurn,
    /// For the answer of the lines, since then.
    ForLines(Micros),
}

impl World {
    /// Asks for a line at once.
    pub(crate) fn dial(&mut self, task: TaskId) {
        let attempt = AttemptId(self.id());
        let Some(outward) = self.sessions.get(&task).and_then(|session| session.outward.as_ref()) else {
            return;
        };
        let call = Box::new(outward.order.clone());
        let no_line = self.no_line_to_spare(&call);
        self.routes.attempts.insert(attempt, task);
        match no_line {
            Some(why) => self.no_line(attempt, why),
            None => self.emit(Effect::Line(LineCommand::Dial { attempt, call })),
        }
    }

    /// A leg has a line: if it has waited for it, that was its account's turn.
    pub(crate) fn had_turn(&mut self, task: TaskId) {
        let account = self.queue.iter().find(|waiter| waiter.task == task).and_then(|waiter| waiter.account);
        if let Some(account) = account {
            self.turns.had(account);
        }
    }

    /// Asks for a line when it is this leg's turn. At most one entry a leg, so at most `MAX_SESSIONS`.
    pub(crate) fn dial_in_turn(&mut self, task: TaskId, group: &str) {
        let alone = !self.queue.iter().any(|waiter| waiter.group == group);
        let account = self.sessions.get(&task).map(|session| session.call.account);
        self.queue.push_back(Waiter { task, account, group: group.to_owned(), trying: None, freed: false });
        if alone {
            self.serve_queue(group);
        }
    }

    /// Lets the one of a group try whose turn it is, if nobody of it is trying.
    fn serve_queue(&mut self, group: &str) {
        let now = self.now;
        let is_of = |waiter: &&Waiter| waiter.group == group;
        if self.draining || self.queue.iter().filter(is_of).any(|waiter| waiter.trying.is_some()) {
            return;
        }
        let account = self.turns.next(self.queue.iter().filter(is_of).filter_map(|waiter| waiter.account));
        let next = self.queue.iter_mut().find(|waiter| waiter.group == group && waiter.account == account);
        if let Some(waiter) = next {
            waiter.trying = Some(now);
            let task = waiter.task;
            self.dial(task);
            self.deliver(task, Input::Line);
        }
    }

    /// What a leg of the queue waits for; `None`: it is not there.
    pub(crate) fn waits(&self, task: TaskId) -> Option<Waits> {
        let waiter = self.queue.iter().find(|waiter| waiter.task == task)?;
        Some(waiter.trying.map_or(Waits::ForTurn, Waits::ForLines))
    }

    /// A line is free again, in which group is not said.
    pub(crate) fn line_free(&mut self) {
        for waiter in self.queue.iter_mut().filter(|waiter| waiter.trying.is_some()) {
            waiter.freed = true;
        }
        let groups: BTreeSet<String> = self.queue.iter().map(|waiter| waiter.group.clone()).collect();
        for group in groups {
            self.serve_queue(&group);
        }
    }

    /// The box is being stopped: nobody is to wait for a line that would come too late.
    pub(crate) fn drain(&mut self) {
        self.draining = true;
        let waiting: Vec<TaskId> = self.queue.iter().map(|waiter| waiter.task).collect();
        for task in waiting {
            self.deliver(task, Input::Line);
        }
    }

    /// A leg waits no longer: it has a line, or is over.
    pub(crate) fn leave_queue(&mut self, task: TaskId) {
        if let Some(at) = self.queue.iter().position(|waiter| waiter.task == task)
            && let Some(waiter) = self.queue.remove(at)
        {
            self.serve_queue(&waiter.group);
        }
        if self.queue.is_empty() {
            self.turns.forget();
        }
    }

    /// There is no line for an attempt.
    pub(crate) fn no_line(&mut self, attempt: AttemptId, why: NoLine) {
        let Some(task) = self.routes.attempts.remove(&attempt) else {
            self.counters.stale_events += 1;
            return;
        };
        let waiter = self.queue.iter_mut().find(|waiter| waiter.task == task);
        if let Some(waiter) = waiter.filter(|_| why.may_wait) {
            waiter.trying = None;
            if std::mem::take(&mut waiter.freed) {
                let group = waiter.group.clone();
                self.serve_queue(&group);
            }
        } else {
            self.leave_queue(task);
        }
        let Some(session) = self.sessions.get_mut(&task) else {
            return;
        };
        if session.over {
            session.cleared = true;
        } else if let Some(outward) = &mut session.outward {
            outward.no_line = Some(why);
        }
        self.deliver(task, Input::Line);
    }
}
