//! What the API does to a live call (rows C4, C8, C9): ends it, or gives it another document at any moment.
//!
//! The rule for another document, for each verb in the middle of which it may come:
//!
//! - **Say, Play, Pause** are cut at once.
//! - **Gather** is cut; the keys pressed so far are dropped and never delivered.
//! - **Record** ends at once; what was said is kept as a completed recording, whose callback is sent; its action is not
//!   asked.
//! - **Dial**: legs that ring are canceled, a bridged leg is hung up, its recording is kept; its action is not asked.
//! - **Gather that listens**: the ear is taken away, the recognizer dropped, its words are never delivered.
//! - **Dial into a room**: the leg leaves the room in this moment; the others hear each other on; its action is not asked.
//! - **Enqueue**: the caller leaves the queue, or the agent who has him; its action is told `redirected` or
//!   `redirected-from-bridged`, and what it answers is not carried out.
//! - **Dial a queue**: the caller goes on behind his Enqueue; its action is not asked.
//! - **Connect** ends: the stream is closed, its callback told, its action not asked. **Echo** ends.
//! - **Start**: what runs beside the call runs on until Stop, the API or the end of the call.
//! - **Sms, Message**: the message goes out; its action is not asked.
//! - **The wait for who answered** ends without a verdict; detection beside the call goes on.
//! - **A request for a document** that is under way is cancelled, and its answer ignored.
//! - The request for the new document carries nothing of the verb that was cut: no `Digits`, no `RecordingUrl`, no
//!   `DialCallStatus`.
//! - **A bridged leg that was dialled** leaves the bridge and carries out its own document; the Dial that called it ends
//!   with `DialCallStatus=answered` and goes on.
//! - **A call that we make and that is not answered yet** keeps ringing; the new document replaces the one for its
//!   answer.
//! - **A call that is over** cannot be changed.

use tipring_resources::{CallStatus, Record, Sid};

use crate::effects::{Effect, RequestId, TraceKind};
use crate::fetch::Wanted;
use crate::leg::{Leg, Stop};
use crate::requests::{CallChange, Instructions, Reply};
use crate::rooms::Left;
use crate::session::End;
use crate::world::{Input, TaskId, World};

impl World {
    /// The task of an account's call that is not over.
    pub(crate) fn live(&self, account: Sid, call: Sid) -> Option<TaskId> {
        let task = self.routes.calls.get(&call).copied()?;
        let session = self.sessions.get(&task)?;
        (session.call.account == account && !session.over).then_some(task)
    }

    /// The API ends a call. The answer waits for the commit.
    pub(crate) fn end_by_request(&mut self, id: RequestId, account: Sid, call: Sid, only_unanswered: bool) {
        let Some(task) = self.live(account, call) else {
            self.emit(Effect::Reply { id, reply: Reply::NotLive });
            return;
        };
        let answered = self.sessions.get(&task).is_some_and(|session| session.answered);
        if only_unanswered && answered {
            return self.refuse(id, 21220, "");
        }
        let status = if answered { CallStatus::Completed } else { CallStatus::Canceled };
        self.trace(Some(call), TraceKind::Line, "ended by the API");
        match self.end_call(task, End { status: Some(status), ..End::OURS }) {
            Some((ended, write)) => self.reply_after(id, ended, write),
            None => self.emit(Effect::Reply { id, reply: Reply::NotLive }),
        }
    }

    /// Tells everybody that it is over: whoever was answered gets a document with the words and a hang-up, as the API
    /// would give it; other calls end. Who was dialled first, so that a Dial does not hang him up before he has heard.
    pub(crate) fn notice_all(&mut self, text: &str) {
        let document = notice(text);
        let (dialled, callers): (Vec<TaskId>, Vec<TaskId>) =
            self.sessions.keys().partition(|task| self.children.contains_key(task));
        for task in dialled.into_iter().chain(callers) {
            let Some(session) = self.sessions.get_mut(&task).filter(|session| !session.over && !session.voice) else {
                continue;
            };
            let sid = session.call.sid;
            if session.answered {
                session.redirect = Some(Instructions::Document(document.clone()));
                self.trace(Some(sid), TraceKind::Line, "hears that the box is being stopped");
                self.deliver(task, Input::Line);
            } else {
                self.trace(Some(sid), TraceKind::Line, "ended: the box is being stopped");
                self.end_call(task, End::OURS);
            }
        }
    }

    /// Ends every call, in the ordinary way. A caller goes before whom it dialled, so that no document goes on.
    pub(crate) fn end_all(&mut self) {
        let (dialled, callers): (Vec<TaskId>, Vec<TaskId>) =
            self.sessions.keys().partition(|task| self.children.contains_key(task));
        for task in callers.into_iter().chain(dialled) {
            let Some(session) = self.sessions.get(&task).filter(|session| !session.over && !session.voice) else {
                continue;
            };
            let sid = session.call.sid;
            self.trace(Some(sid), TraceKind::Line, "ended: the box is being stopped");
            self.end_call(task, End::OURS);
        }
    }

    /// The API changes a call. It has taken effect when this returns; the answer waits for the commit.
    pub(crate) fn change_by_request(&mut self, id: RequestId, change: CallChange) {
        let (now, at, longest) = (self.now, self.stamp(), self.spending.limits().longest);
        let task = self.live(change.account, change.call);
        let Some((task, session)) = task.and_then(|task| Some((task, self.sessions.get_mut(&task)?))) else {
            self.emit(Effect::Reply { id, reply: Reply::NotLive });
            return;
        };
        if let Some(fallback) = change.fallback {
            session.fallback = fallback;
        }
        if let Some(callback) = change.callback {
            session.callback = Some(callback);
        }
        if let Some(limit_s) = change.time_limit_s {
            let limit = tipring_card::Micros::from_s(u64::from(limit_s));
            let costs = session.outward.as_ref().is_some_and(|outward| outward.tariff.costs());
            let limit = if costs { limit.min(longest) } else { limit };
            let lasted_us = session.call.answered.map_or(0, |answered| at.0.saturating_sub(answered.0).max(0));
            let lasted = tipring_card::Micros(lasted_us.unsigned_abs());
            session.time_limit = Some(limit);
            if session.answered {
                session.ends_at = now + limit.since(lasted);
            }
        }
        session.call.updated = at;
        let mut text = "changed by the API";
        let elsewhere = change.instructions.is_some();
        if let Some(instructions) = change.instructions {
            text = "gets another document from the API";
            match &mut session.outward {
                Some(outward) if !session.answered => outward.instructions = Some(instructions),
                _ => session.redirect = Some(instructions),
            }
        }
        let call = session.call.clone();
        self.trace(Some(call.sid), TraceKind::Line, text);
        if elsewhere {
            self.awaited_is_over(task);
        }
        self.changed.push(call.clone());
        let write = self.write(Record::Call(call.clone()));
        self.deliver(task, Input::Line);
        self.reply_after(id, call, write);
    }
}

impl Leg {
    /// Takes back what the cut verb has under way, and returns what the call goes on with.
    pub(crate) fn take_redirect(&self) -> Result<Wanted, Stop> {
        let mut world = self.world();
        world.take_back(self.task, true);
        world.leave_seat(self.task, Left::Updated);
        world.unbridge(self.task);
        world.child_leaves(self.task);
        world.empty_inbox(self.task);
        world.counters.redirects += 1;
        let session = world.sessions.get_mut(&self.task).filter(|session| !session.over).ok_or(Stop::Over)?;
        session.failed = None;
        session.redirect.take().map(Wanted::from).ok_or(Stop::Over)
    }
}

/// A document that says `text` and hangs up.
fn notice(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!("<Response><Say>{text}</Say><Hangup/></Response>")
}
