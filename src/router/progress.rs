//! Status callbacks of a leg (twiml.md §2.4): initiated, ringing, answered, completed, as they were wished. They are sent
//! beside the call, one after the other in the order of their numbers: a slow server delays only its own events. What
//! it answers is looked at by nobody. Whatever else is told in order (what a recognizer understands) has a thread of its
//! own here.

use std::collections::VecDeque;

use tipring_resources::{Call, Direction, Method, Sid, SidKind};

use crate::date::rfc2822;
use crate::effects::{CallEvents, WriteId};
use crate::errand::{Errand, callback_failed};
use crate::fault::Fault;
use crate::limits::{MAX_PROGRESS, MAX_ROOM_TOLD, MAX_TOLD};
use crate::params::{Params, of_call, param};
use crate::recording::recording_url;
use crate::world::{TaskId, World};

/// What happened to a leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    Initiated,
    Ringing,
    Answered,
    Completed,
}

/// Callbacks that are sent one after the other: of which call, and of what in it; 0: of its progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Thread(pub(crate) Sid, pub(crate) u64);

impl Thread {
    /// Callbacks that may wait.
    const fn most(self) -> usize {
        match self.0.kind {
            SidKind::Conference => MAX_ROOM_TOLD,
            _ if self.1 == 0 => MAX_PROGRESS,
            _ => MAX_TOLD,
        }
    }
}

/// Callbacks of one thread that wait for their turn.
#[derive(Default)]
pub(crate) struct Telling {
    waiting: VecDeque<Told>,
    /// One was left out since all of them were sent, and that is noted.
    overflowed: bool,
}

/// A callback that is to be sent.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) call: Box<Call>,
    /// Told in order with what else is about this: a call, or a room.
    pub(crate) about: Sid,
    pub(crate) url: String,
    pub(crate) method: Method,
    pub(crate) params: Params,
}

impl Progress {
    fn is_wished(self, events: CallEvents) -> bool {
        match self {
            Progress::Initiated => events.initiated,
            Progress::Ringing => events.ringing,
            Progress::Answered => events.answered,
            Progress::Completed => events.completed,
        }
    }
}

impl World {
    /// Tells a leg's callback, if it wants to know; `write`: once that is committed.
    pub(crate) fn progress(&mut self, task: TaskId, progress: Progress, write: Option<WriteId>) {
        let now = self.stamp();
        let Some(session) = self.sessions.get_mut(&task) else {
            return;
        };
        let Some(callback) = session.callback.clone().filter(|callback| progress.is_wished(callback.events)) else {
            return;
        };
        let mut extra = vec![
            param("SequenceNumber", session.told),
            param("CallbackSource", "call-progress-events"),
            param("Timestamp", rfc2822(now)),
        ];
        session.told += 1;
        let call = Box::new(session.call.clone());
        if progress == Progress::Completed {
            extra.extend(of_end(&call));
            if let Some(recording) = session.recordings.first().copied() {
                extra.push(param("RecordingSid", recording));
                extra.push(param("RecordingUrl", recording_url(&self.config, call.account, recording)));
            }
        }
        let mut params = of_call(&call, &self.config, &extra);
        if progress == Progress::Initiated
            && let Some(status) = params.iter_mut().find(|(name, _)| name == "CallStatus")
        {
            status.1 = "initiated".to_owned();
        }
        let sid = call.sid;
        let told = Told { about: call.sid, call, url: callback.url, method: callback.method, params };
        match write {
            None => self.tell(told),
            Some(write) => {
                if let Some(errand) = self.begin(sid, Errand::Final { told, write }) {
                    self.routes.await_write(write, errand);
                }
            }
        }
    }

    /// Appends to a leg's callbacks; an errand sends them as long as there are any.
    pub(crate) fn tell(&mut self, told: Told) {
        self.tell_in(Thread(told.about, 0), told);
    }

    /// Appends to a thread of callbacks.
    pub(crate) fn tell_in(&mut self, thread: Thread, told: Told) {
        if let Some(telling) = self.telling.get_mut(&thread) {
            if telling.waiting.len() < thread.most() {
                return telling.waiting.push_back(told);
            }
            self.counters.errands_dropped += 1;
            if !std::mem::replace(&mut telling.overflowed, true) {
                self.callbacks_left_out(thread, &told);
            }
        } else if self.begin(thread.0, Errand::Progress { thread }).is_some() {
            self.telling.insert(thread, Telling { waiting: VecDeque::from([told]), overflowed: false });
        }
    }

    /// The server of a thread takes its callbacks too slowly: noted once, until it has caught up.
    fn callbacks_left_out(&mut self, thread: Thread, told: &Told) {
        let text = format!("{} callbacks wait for the server already: the next ones are left out", thread.most());
        self.fault(told.call.account, told.about, Fault::warning(callback_failed(thread.0), &told.url, text));
    }

    /// The next callback of a thread; `None`: there is none, and the errand is over.
    pub(crate) fn next_told(&mut self, thread: Thread) -> Option<Told> {
        let told = self.telling.get_mut(&thread).and_then(|telling| telling.waiting.pop_front());
        if told.is_none() {
            self.telling.remove(&thread);
        }
        told
    }
}

/// What is said of a leg that is over.
fn of_end(call: &Call) -> Params {
    let seconds = call.duration_s().unwrap_or(0);
    let mut params = vec![param("CallDuration", seconds), param("Duration", (seconds + 59) / 60)];
    if let Some(cause) = call.cause {
        params.push(param("HangupCause", cause));
    }
    if let Some(answered_by) = &call.answered_by {
        params.push(param("AnsweredBy", answered_by));
    }
    if call.direction == Direction::OutboundApi {
        params.push(param("QueueTime", call.queued_ms));
    }
    params
}
