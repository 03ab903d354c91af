//! What runs beside calls while their documents go on: streams, transcriptions, the ear that finds out who answered. One
//! table of all of it, bounded, so that it can be found by its name, ended, and is ended with its call. Recordings have a
//! table of their own ([`LiveTake`](crate::recording::LiveTake)), because verbs make them too.

use tipring_card::Law;
use tipring_resources::{Call, Code, Sid};
use tipring_switch::Port;

use crate::effects::{Effect, RequestId};
use crate::errand::Errand;
use crate::leg::Leg;
use crate::limits::{MAX_BESIDE, MAX_TRACKS};
use crate::outgoing::TOO_MUCH;
use crate::recording::LiveTake;
use crate::requests::Reply;
use crate::world::{Input, TaskId, World};

/// Something that runs beside a call.
#[derive(Clone, Debug)]
pub(crate) struct Running {
    pub(crate) call: Sid,
    pub(crate) kind: Kind,
    pub(crate) sid: Sid,
    /// Empty: none.
    pub(crate) name: String,
    /// Tracks that go to a server.
    pub(crate) tracks: usize,
    /// It is to end.
    pub(crate) stop: bool,
}

/// What runs beside a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Stream,
    Transcription,
    Classifier,
}

/// Why something does not begin.
pub(crate) struct Refused(pub(crate) Code, pub(crate) String);

/// A live, answered leg, as what listens to it needs it.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    pub(crate) task: TaskId,
    pub(crate) call: Box<Call>,
    pub(crate) port: Port,
    pub(crate) law: Law,
}

impl World {
    /// The leg of a task, if it can be listened to.
    pub(crate) fn audible(&self, task: TaskId) -> Option<Heard> {
        let session = self.sessions.get(&task).filter(|session| session.answered && !session.over)?;
        let (call, port, law) = (Box::new(session.call.clone()), session.lease?, session.law);
        Some(Heard { task, call, port, law })
    }

    /// The leg of a call that the API names, or the answer that it cannot be listened to.
    pub(crate) fn audible_by_name(&self, account: Sid, call: Sid) -> Result<Heard, Reply> {
        let task = self.routes.calls.get(&call).copied();
        let session = task.and_then(|task| self.sessions.get(&task)).filter(|s| s.call.account == account && !s.over);
        let Some(task) = task.filter(|_| session.is_some()) else {
            return Err(Reply::NotLive);
        };
        let unheard = "the call is not answered yet: nothing can be heard of it; wait for in-progress";
        self.audible(task).ok_or_else(|| Reply::refused(21220, unheard))
    }

    /// Begins something beside a call.
    pub(crate) fn run_beside(&mut self, running: Running, errand: Errand) -> Result<TaskId, Refused> {
        let of_call = || self.running.values().filter(|other| other.call == running.call && !other.stop);
        if of_call().count() >= MAX_BESIDE {
            let text = format!("{MAX_BESIDE} streams and transcriptions run beside the call already; stop one first");
            return Err(Refused(Code(20503), text));
        }
        if of_call().map(|other| other.tracks).sum::<usize>() + running.tracks > MAX_TRACKS {
            let text = format!("at most {MAX_TRACKS} tracks of a call go to streams; stop one first");
            return Err(Refused(Code(31941), text));
        }
        let same = |other: &Running| other.kind == running.kind && other.name == running.name;
        if !running.name.is_empty() && of_call().any(same) {
            let text = format!("\"{}\" runs beside the call already; choose another name", running.name);
            return Err(Refused(Code(14300), text));
        }
        let task = self.begin(running.call, errand);
        let task = task.ok_or_else(|| Refused(Code(20503), TOO_MUCH.to_owned()))?;
        self.running.insert(task, running);
        Ok(task)
    }

    /// What runs beside a call under a SID or a name; without both the newest of its kind.
    pub(crate) fn running_of(&self, call: Sid, kind: Kind, name: Option<&str>) -> Option<TaskId> {
        let named = |running: &Running| name.is_none_or(|n| running.name == n || running.sid.to_string() == n);
        let of_kind = |running: &Running| running.call == call && running.kind == kind && !running.stop;
        self.running.iter().rev().find(|(_, running)| of_kind(running) && named(running)).map(|(task, _)| *task)
    }

    /// Ends what a task does beside a call; `None`: it does nothing.
    pub(crate) fn stop_running(&mut self, task: TaskId) -> Option<Running> {
        let running = self.running.get_mut(&task)?;
        running.stop = true;
        let running = running.clone();
        self.deliver(task, Input::Line);
        Some(running)
    }

    /// A call is over: so is what runs beside it.
    pub(crate) fn end_beside(&mut self, leg: TaskId, call: Sid) {
        let tasks: Vec<TaskId> = self.running.iter().filter(|(_, r)| r.call == call).map(|(task, _)| *task).collect();
        for task in tasks {
            self.stop_running(task);
        }
        // A room's recording is the room's, whoever began it.
        let of_call = |take: &&LiveTake| take.call == call && take.recording.conference.is_none();
        let takes = self.takes.values().filter(of_call).filter(|take| take.task != leg);
        for task in takes.map(|take| take.task).collect::<Vec<_>>() {
            self.deliver(task, Input::Line);
        }
    }

    /// The API ends a stream or a transcription.
    pub(crate) fn stop_by_request(&mut self, id: RequestId, account: Sid, call: Sid, (kind, name): (Kind, &str)) {
        let task = self.routes.calls.get(&call).copied();
        let live = task.and_then(|task| self.sessions.get(&task)).is_some_and(|s| s.call.account == account && !s.over);
        let reply = match self.running_of(call, kind, Some(name)).filter(|_| live) {
            _ if !live => Reply::NotLive,
            None => Reply::refused(20404, "nothing of that name runs beside the call"),
            Some(task) => match self.stop_running(task) {
                Some(running) => Reply::Beside { sid: running.sid, name: running.name, running: false },
                None => Reply::NotLive,
            },
        };
        self.emit(Effect::Reply { id, reply });
    }

    /// Answers the API that something runs now, or why not.
    pub(crate) fn reply_running(&mut self, id: RequestId, begun: Result<(Sid, String), Refused>) {
        let reply = match begun {
            Ok((sid, name)) => Reply::Beside { sid, name, running: true },
            Err(Refused(code, text)) => Reply::refused(code.0, text),
        };
        self.emit(Effect::Reply { id, reply });
    }

    /// Whether nothing is kept beside calls.
    #[cfg(test)]
    pub(crate) fn is_idle(&self) -> bool {
        self.running.is_empty() && self.takes.is_empty() && self.telling.is_empty() && self.logged.is_empty()
    }
}

impl Leg {
    /// Whether what this task does beside a call is to end.
    pub(crate) fn is_stopped(&self) -> bool {
        self.world().running.get(&self.task).is_none_or(|running| running.stop)
    }
}
