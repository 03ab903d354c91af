//! What a task holds of the router: its name and the shared world. Here are the few things that a story can await; all
//! else is built from them.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::MutexGuard;
use std::task::Poll;

use tipring_card::{Cause, Micros};
use tipring_resources::{Call, CallStatus, Code, Number, Sid};

use crate::effects::{Effect, LineCommand, TraceKind, WriteId};
use crate::fault::Fault;
use crate::limits::{ANSWER_LIMIT, CARD_TAIL, CLEAR_LIMIT};
use crate::outgoing::Outward;
use crate::session::End;
use crate::world::{Input, Shared, TaskId, World, lock};

/// Why a verb stops in the middle: whoever gets it hands it on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The call is over. Everything that was under way is already taken back.
    Over,
    /// The API has another document for the call. What the verb began it takes back itself, or the story does.
    Redirected,
    /// What the leg has waited for has come: the verb that waits looks, and goes on.
    CalledAway,
}

/// A task's hold on the router.
#[derive(Clone)]
pub(crate) struct Leg {
    shared: Shared,
    pub(crate) task: TaskId,
}

impl World {
    /// The next request of a leg tells of this.
    pub(crate) fn keep_failure(&mut self, task: TaskId, code: Code, url: String) {
        if let Some(session) = self.sessions.get_mut(&task) {
            session.failed = Some((code, url));
        }
    }

    /// A call has lasted as long as it may.
    fn time_is_up(&mut self, task: TaskId) {
        if let Some(call) = self.sessions.get(&task).map(|session| session.call.sid) {
            self.trace(Some(call), TraceKind::Line, "the call has lasted as long as it may");
        }
        self.end_call(task, End::OURS);
    }
}

impl Leg {
    pub(crate) fn new(shared: Shared, task: TaskId) -> Self {
        Leg { shared, task }
    }

    /// Locked: not to be held across an await.
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        lock(&self.shared)
    }

    pub(crate) fn now(&self) -> Micros {
        self.world().now
    }

    /// The next input, or [`Input::Timeout`] at `until`. Fails once the call is over.
    pub(crate) async fn next(&self, until: Micros) -> Result<Input, Stop> {
        poll_fn(|_| {
            let mut world = self.world();
            if !world.is_paid(self.task) {
                return Poll::Ready(Err(Stop::Over));
            }
            let Some(session) = world.sessions.get(&self.task).filter(|session| !session.over) else {
                return Poll::Ready(Err(Stop::Over));
            };
            if world.now >= session.ends_at {
                world.time_is_up(self.task);
                return Poll::Ready(Err(Stop::Over));
            }
            if session.redirect.is_some() {
                return Poll::Ready(Err(Stop::Redirected));
            }
            let away_at = session.away_at;
            if session.called_away || world.now >= away_at {
                return Poll::Ready(Err(Stop::CalledAway));
            }
            let (end, paid_until) = (session.ends_at, session.paid_until);
            match self.poll_input(&mut world, until.min(end).min(away_at).min(paid_until)) {
                Poll::Ready(Input::Timeout) if world.now >= end => {
                    world.time_is_up(self.task);
                    Poll::Ready(Err(Stop::Over))
                }
                Poll::Ready(Input::Timeout) if world.now >= away_at => Poll::Ready(Err(Stop::CalledAway)),
                polled => polled.map(Ok),
            }
        })
        .await
    }

    /// The next input even after the call is over, for what must still be brought to its end.
    pub(crate) async fn next_after_all(&self, until: Micros) -> Input {
        poll_fn(|_| self.poll_input(&mut self.world(), until)).await
    }

    /// The next input even after the call is over, but not once the API has another document for it.
    pub(crate) async fn next_unless_redirected(&self, until: Micros) -> Result<Input, Stop> {
        poll_fn(|_| {
            let mut world = self.world();
            if world.sessions.get(&self.task).is_some_and(|session| !session.over && session.redirect.is_some()) {
                return Poll::Ready(Err(Stop::Redirected));
            }
            self.poll_input(&mut world, until).map(Ok)
        })
        .await
    }

    fn poll_input(&self, world: &mut World, until: Micros) -> Poll<Input> {
        if let Some(input) = world.take_input(self.task) {
            world.set_timer(self.task, Micros::FOREVER);
            return Poll::Ready(input);
        }
        if world.now >= until {
            world.set_timer(self.task, Micros::FOREVER);
            return Poll::Ready(Input::Timeout);
        }
        world.set_timer(self.task, until);
        Poll::Pending
    }

    /// Waits, whatever happens.
    pub(crate) async fn sleep(&self, length: Micros) {
        let until = self.now() + length;
        while !matches!(self.next_after_all(until).await, Input::Timeout) {}
    }

    /// Waits for a commit; an error says why it did not come. The write must be routed here.
    pub(crate) async fn committed(&self, write: WriteId, limit: Micros) -> Result<(), String> {
        let until = self.now() + limit;
        loop {
            match self.next_after_all(until).await {
                Input::Written { id, result } if id == write => return result,
                Input::Timeout => {
                    let mut world = self.world();
                    world.counters.writes_failed += 1;
                    return Err("the store did not confirm it in time".to_owned());
                }
                _ => {}
            }
        }
    }

    /// Whether the call is over.
    pub(crate) fn is_over(&self) -> bool {
        self.world().sessions.get(&self.task).is_none_or(|session| session.over)
    }

    pub(crate) fn is_answered(&self) -> bool {
        self.world().sessions.get(&self.task).is_some_and(|session| session.answered)
    }

    /// Looks at, or takes from, what an outgoing leg is to do.
    pub(crate) fn outward<T>(&self, look: impl FnOnce(&mut Outward) -> T) -> Result<T, Stop> {
        let mut world = self.world();
        let session = world.sessions.get_mut(&self.task).filter(|session| !session.over).ok_or(Stop::Over)?;
        session.outward.as_deref_mut().map(look).ok_or(Stop::Over)
    }

    /// The call as it is now, and whose number was called. Fails only when the session is gone.
    pub(crate) fn call(&self) -> Result<(Call, Option<Arc<Number>>), Stop> {
        let world = self.world();
        let session = world.sessions.get(&self.task).ok_or(Stop::Over)?;
        Ok((session.call.clone(), session.number.clone()))
    }

    pub(crate) fn trace(&self, kind: TraceKind, text: impl Into<String>) {
        let mut world = self.world();
        let call = world.sessions.get(&self.task).map(|session| session.call.sid);
        world.trace(call, kind, text);
    }

    /// Notes an error or warning.
    pub(crate) fn fault(&self, fault: Fault) {
        let mut world = self.world();
        let whose: Option<(Sid, Sid)> = world.sessions.get(&self.task).map(|s| (s.call.account, s.call.sid));
        if let Some((account, call)) = whose {
            world.fault(account, call, fault);
        }
    }

    /// Notes that an action failed, and keeps it for the next request (row B22).
    pub(crate) fn failed(&self, fault: Fault) {
        let (code, url) = (fault.code, fault.url.clone());
        self.fault(fault);
        self.world().keep_failure(self.task, code, url);
    }

    /// Answers, if that is not done, and waits until audio flows.
    pub(crate) async fn answer(&self) -> Result<(), Stop> {
        {
            let mut world = self.world();
            let session = world.sessions.get_mut(&self.task).ok_or(Stop::Over)?;
            if session.over {
                return Err(Stop::Over);
            }
            if session.answered {
                return Ok(());
            }
            if session.redirect.is_some() {
                return Err(Stop::Redirected);
            }
            // A verb that was cut may have asked already.
            let asked = std::mem::replace(&mut session.answering, true);
            if let Some(lease) = session.lease.filter(|_| !asked) {
                world.emit(Effect::Line(LineCommand::Answer { lease }));
            }
        }
        let until = self.now() + ANSWER_LIMIT;
        while !self.is_answered() {
            if let Input::Timeout = self.next(until).await? {
                self.world().counters.answers_unconfirmed += 1;
                self.fault(Fault::error(12400, "", "the line did not confirm that it is answered"));
                return Err(self.end(Some(CallStatus::Failed), Cause::TIMER_EXPIRY));
            }
        }
        Ok(())
    }

    /// Ends the call from our side. `status`: by whether it was answered, if `None`.
    pub(crate) fn end(&self, status: Option<CallStatus>, cause: Cause) -> Stop {
        self.world().end_call(self.task, End { status, cause, clear: true, by_far_end: false });
        Stop::Over
    }

    /// Ends the call in the ordinary way, once its last sound is heard to the end.
    pub(crate) async fn finish(&self) -> Stop {
        let sounded = self.world().sessions.get(&self.task).and_then(|session| session.sounded);
        let until = sounded.map_or(Micros::ZERO, |at| at + CARD_TAIL);
        while self.now() < until {
            if let Err(over) = self.next(until).await {
                return over;
            }
        }
        self.end(None, Cause::NORMAL)
    }

    /// Waits until the line is clear, and forgets the session.
    pub(crate) async fn line_is_clear(&self) {
        let until = self.now() + CLEAR_LIMIT;
        while self.world().sessions.get(&self.task).is_some_and(|session| !session.cleared) {
            if let Input::Timeout = self.next_after_all(until).await {
                self.world().counters.clears_unconfirmed += 1;
                self.trace(TraceKind::Fault, "the line did not confirm that it is clear");
                break;
            }
        }
        self.world().sessions.remove(&self.task);
    }
}
