//! A session: one leg with its call record, on a line or not yet. Every end goes through [`World::end_call`], which
//! takes back what is under way, clears the channel once and writes the final record once.

use std::sync::Arc;

use tipring_card::{Cause, Law, Micros};
use tipring_resources::{Call, CallStatus, Code, Direction, Method, Number, Record, Sid};
use tipring_switch::{Command as SwitchCommand, PlayId, Port};

use crate::effects::{Effect, HttpId, LineCommand, MediaId, TraceKind, WriteId};
use crate::errand::Errand;
use crate::limits::MAX_CALL_RECORDINGS;
use crate::outgoing::Outward;
use crate::params::Params;
use crate::progress::Progress;
use crate::queues::Queued;
use crate::requests::{CallCallback, Instructions, Verification};
use crate::rooms::Left;
use crate::world::{Input, TaskId, World};

/// One leg and its call record.
pub(crate) struct Session {
    pub(crate) call: Call,
    /// The channel, once there is one.
    pub(crate) lease: Option<Port>,
    pub(crate) law: Law,
    /// As it was when the call came in.
    pub(crate) number: Option<Arc<Number>>,
    /// We call: how. `None`: a line rang.
    pub(crate) outward: Option<Box<Outward>>,
    /// Asked when a document fails; several, divided by blanks.
    pub(crate) fallback: (String, Method),
    /// Told of the call's progress.
    pub(crate) callback: Option<CallCallback>,
    /// Callbacks of progress so far.
    pub(crate) told: u32,
    /// The number that this call is to prove.
    pub(crate) proof: Option<Box<Verification>>,
    /// A telephone of the box calls help: no application is asked.
    pub(crate) calls_help: bool,
    /// It is the box's own voice: no line, no record, no caller.
    pub(crate) voice: bool,
    /// The room that it sits in.
    pub(crate) seat: Option<Sid>,
    /// The room that it is on its way to.
    pub(crate) awaited: Option<Sid>,
    /// The queue that it waits in, or was taken from.
    pub(crate) queued: Option<Queued>,
    /// The caller that a queue has for it.
    pub(crate) offered: Option<TaskId>,
    /// It is called away at this moment.
    pub(crate) away_at: Micros,
    /// What it hears while it waits is to be cut: there is something to be looked at.
    pub(crate) called_away: bool,
    /// The API wants the call to go on with this.
    pub(crate) redirect: Option<Instructions>,
    /// How long the call may last, from the answer on.
    pub(crate) time_limit: Option<Micros>,
    /// The call ends at this moment.
    pub(crate) ends_at: Micros,
    /// It has paid for its minutes until then; at this moment another one begins.
    pub(crate) paid_until: Micros,
    /// We have told the line to answer.
    pub(crate) answering: bool,
    /// Audio flows.
    pub(crate) answered: bool,
    /// The line may take silence of both sides for the end, as far as it was told.
    pub(crate) silence_counts: bool,
    /// The final record is written; nothing begins any more.
    pub(crate) over: bool,
    /// The lease is void.
    pub(crate) cleared: bool,
    /// The document that is being fetched.
    pub(crate) http: Option<HttpId>,
    /// The sound that is being played.
    pub(crate) sound: Option<(Option<MediaId>, PlayId)>,
    /// The last octet of a sound has left the switch at this moment.
    pub(crate) sounded: Option<Micros>,
    /// The last verb's failure, told with the next request.
    pub(crate) failed: Option<(Code, String)>,
    /// Listener and talker: what this leg's Dial has connected.
    pub(crate) crosspoints: Vec<(Port, Port)>,
    /// Recordings of the whole call, the first first; at most [`MAX_CALL_RECORDINGS`] are remembered.
    pub(crate) recordings: Vec<Sid>,
    /// What the last request for a document told beside the call's own parameters: names for templates.
    pub(crate) asked: Params,
}

/// How a call ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct End {
    /// `None`: completed if it was answered, else canceled.
    pub(crate) status: Option<CallStatus>,
    pub(crate) cause: Cause,
    /// We clear the line; else it is clear already.
    pub(crate) clear: bool,
    /// The other side wished it so; else the line, or we.
    pub(crate) by_far_end: bool,
}

impl End {
    /// By us, in the ordinary way.
    pub(crate) const OURS: End = End { status: None, cause: Cause::NORMAL, clear: true, by_far_end: false };
}

impl Session {
    /// A leg that has nothing yet but its record.
    pub(crate) fn new(call: Call) -> Self {
        Session {
            call,
            lease: None,
            law: Law::A,
            number: None,
            outward: None,
            fallback: (String::new(), Method::Post),
            callback: None,
            told: 0,
            proof: None,
            calls_help: false,
            voice: false,
            seat: None,
            awaited: None,
            queued: None,
            offered: None,
            away_at: Micros::FOREVER,
            called_away: false,
            redirect: None,
            time_limit: None,
            ends_at: Micros::FOREVER,
            paid_until: Micros::FOREVER,
            answering: false,
            answered: false,
            silence_counts: true,
            over: false,
            cleared: false,
            http: None,
            sound: None,
            sounded: None,
            failed: None,
            crosspoints: Vec::new(),
            recordings: Vec::new(),
            asked: Vec::new(),
        }
    }
}

impl Session {
    /// A recording of the whole call began.
    pub(crate) fn is_recorded(&mut self, recording: Sid) {
        if self.recordings.len() < MAX_CALL_RECORDINGS {
            self.recordings.push(recording);
        }
    }
}

impl World {
    /// A leg's task begins. `None`: there are too many.
    pub(crate) fn begin_leg(&mut self, session: Session) -> Option<TaskId> {
        let (call, lease) = (session.call.sid, session.lease);
        let task = self.begin(call, Errand::Session)?;
        if let Some(lease) = lease {
            self.routes.leases.insert(lease, task);
        }
        self.routes.calls.insert(call, task);
        self.sessions.insert(task, session);
        Some(task)
    }

    /// Gives up the fetch and the sound that a leg has under way. `stop`: there still is a port to be silenced.
    pub(crate) fn take_back(&mut self, task: TaskId, stop: bool) {
        let Some(session) = self.sessions.get_mut(&task) else {
            return;
        };
        let (lease, http, sound) = (session.lease, session.http.take(), session.sound.take());
        if let Some(id) = http {
            self.routes.http.remove(&id);
            self.emit(Effect::CancelHttp { id });
        }
        let Some((media, play)) = sound else { return };
        if let Some(id) = media {
            self.routes.media.remove(&id);
            self.emit(Effect::CancelMedia { id });
        }
        if let Some(port) = lease.filter(|_| stop) {
            self.emit(Effect::Switch(SwitchCommand::Stop { play, port }));
        }
    }

    /// Ends a call, once: what is under way is taken back, the line cleared, the final record written.
    pub(crate) fn end_call(&mut self, task: TaskId, end: End) -> Option<(Call, WriteId)> {
        let now = self.stamp();
        let session = self.sessions.get_mut(&task).filter(|session| !session.over)?;
        session.over = true;
        session.redirect = None;
        let usual = if session.answered || session.call.direction == Direction::Inbound {
            CallStatus::Completed
        } else {
            CallStatus::Canceled
        };
        session.call.status = end.status.unwrap_or(usual);
        session.call.cause = Some(end.cause.0);
        session.call.ended = Some(now);
        session.call.updated = now;
        let (call, lease) = (session.call.clone(), session.lease);
        self.pays_no_more(task, call.account, call.sid);
        self.take_back(task, end.clear);
        self.leave_seat(task, Left::HungUp);
        self.awaited_is_over(task);
        self.leave_queues(task);
        self.silence_voices(call.sid);
        self.proof_failed(task);
        self.unbridge(task);
        self.child_ended(task, &call);
        if end.clear {
            self.give_line_back(task, lease, end.cause);
        }
        let who = match (end.clear, end.by_far_end) {
            (true, _) => "cleared",
            (false, true) => "cleared by the far end",
            (false, false) => "lost by the line",
        };
        let text = format!("{who}: {} ({}), {}", end.cause.text(), end.cause.0, call.status.as_str());
        self.trace(Some(call.sid), TraceKind::Line, text);
        let write = self.write(Record::Call(call.clone()));
        self.changed.push(call.clone());
        self.progress(task, Progress::Completed, Some(write));
        self.routes.calls.remove(&call.sid);
        self.end_beside(task, call.sid);
        self.deliver(task, Input::Line);
        Some((call, write))
    }

    /// Clears the channel of a leg that ends; if it has none yet, the one that may still come is cleared when it does.
    fn give_line_back(&mut self, task: TaskId, lease: Option<Port>, cause: Cause) {
        match lease {
            Some(lease) => self.emit(Effect::Line(LineCommand::Clear { lease, cause })),
            None => {
                self.leave_queue(task);
                let coming = self.routes.attempts.values().any(|waiter| *waiter == task);
                if let Some(session) = self.sessions.get_mut(&task) {
                    session.cleared = !coming;
                }
            }
        }
    }
}
