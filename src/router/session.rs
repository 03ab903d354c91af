//! A session: one use of one channel and the call on it. Here it begins, is answered and ends; every end goes through
//! [`World::end_call`], which takes back what is under way, clears the channel once and writes the final record once.

use std::sync::Arc;

use tipring_card::{Cause, Law, Micros};
use tipring_resources::{AccountStatus, Call, CallStatus, Code, Direction, Number, Record, Sid, SidKind};
use tipring_switch::{Command as SwitchCommand, PlayId, Port};

use crate::effects::{
    Effect, HttpId, LineCommand, LineEvent, LineNumber, MediaId, Reply, RequestId, TraceKind, WriteId,
};
use crate::errand::Errand;
use crate::fault::Fault;
use crate::limits::{MAX_LINE_TEXT, MAX_SESSIONS};
use crate::params::ANONYMOUS;
use crate::world::{Input, TaskId, World};

/// One use of one channel and the call on it.
pub(crate) struct Session {
    pub(crate) call: Call,
    pub(crate) lease: Port,
    pub(crate) law: Law,
    /// As it was when the call came in.
    pub(crate) number: Option<Arc<Number>>,
    /// We have told the line to answer.
    pub(crate) answering: bool,
    /// Audio flows.
    pub(crate) answered: bool,
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
}

/// How a call ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct End {
    /// `None`: completed.
    pub(crate) status: Option<CallStatus>,
    pub(crate) cause: Cause,
    /// We clear the line; else it is clear already.
    pub(crate) clear: bool,
    /// The other side wished it so; else the line, or we.
    pub(crate) by_far_end: bool,
}

/// Why a call is not taken.
struct Refusal {
    cause: Cause,
    fault: Option<Fault>,
}

impl World {
    /// A call comes in.
    pub(crate) fn incoming(&mut self, event: LineEvent) {
        let LineEvent::Incoming { lease, line, law, called, calling, caller_name, redirecting, .. } = event else {
            return;
        };
        self.counters.calls += 1;
        if self.routes.leases.contains_key(&lease) {
            self.counters.duplicate_leases += 1;
            return;
        }
        let (called, line) = (clean_number(&called), clean(&line));
        let to = self.config.plan.e164(&called.digits, called.ton);
        let number = self.directory.find(&[&to, &called.digits, &line]);
        let owner = number.as_ref().map(|number| number.account);
        let owner = owner.or(self.config.owner).or(self.directory.first_account());
        let Some(account) = owner else {
            self.counters.refused_unknown += 1;
            self.trace(None, TraceKind::Line, format!("in on {line}: refused, there is no account"));
            self.emit(Effect::Line(LineCommand::Clear { lease, cause: Cause::UNALLOCATED }));
            return;
        };
        let call = self.new_call(account, number.as_deref(), to, called.digits, line);
        let call = Call {
            forwarded_from: redirecting.as_ref().map(|n| self.party(Some(n))).filter(|n| !n.is_empty()),
            from: self.party(calling.as_ref()),
            from_raw: calling.as_ref().filter(|n| !n.restricted).map(|n| clean(&n.digits)).unwrap_or_default(),
            caller_name: caller_name
                .filter(|_| calling.as_ref().is_none_or(|n| !n.restricted))
                .map(|name| clean(&name))
                .filter(|name| !name.is_empty()),
            ..call
        };
        let refusal = self.refusal(account, number.as_deref());
        self.begin_session(
            Session {
                call,
                lease,
                law,
                number,
                answering: false,
                answered: false,
                over: false,
                cleared: false,
                http: None,
                sound: None,
                sounded: None,
                failed: None,
            },
            refusal,
        );
    }

    fn new_call(&mut self, account: Sid, number: Option<&Number>, to: String, raw: String, line: String) -> Call {
        let now = self.stamp();
        Call {
            sid: self.sid(SidKind::Call),
            account,
            parent: None,
            number: number.map(|number| number.sid),
            to: number.map_or(to, |number| number.phone_number.clone()),
            from: String::new(),
            to_raw: raw,
            from_raw: String::new(),
            caller_name: None,
            forwarded_from: None,
            direction: Direction::Inbound,
            status: CallStatus::Ringing,
            created: now,
            updated: now,
            started: Some(now),
            answered: None,
            ended: None,
            cause: None,
            line,
            supervision: None,
            queued_ms: 0,
        }
    }

    /// A calling or redirecting number: E.164 where that is certain, withheld or not given is said so.
    fn party(&self, number: Option<&LineNumber>) -> String {
        match number {
            None => String::new(),
            Some(number) if number.restricted => ANONYMOUS.to_owned(),
            Some(number) => {
                let number = clean_number(number);
                self.config.plan.e164(&number.digits, number.ton)
            }
        }
    }

    /// Whether the call is to be refused before anybody is asked.
    fn refusal(&mut self, account: Sid, number: Option<&Number>) -> Option<Refusal> {
        let refuse = |cause, text: &str| {
            Some(Refusal { cause, fault: (!text.is_empty()).then(|| Fault::error(10003, "", text)) })
        };
        if self.draining {
            self.counters.refused_draining += 1;
            return refuse(Cause::CONGESTION, "");
        }
        if self.sessions.len() >= MAX_SESSIONS {
            self.counters.refused_full += 1;
            return refuse(Cause::CONGESTION, "the box has too many calls");
        }
        if number.is_none() {
            self.counters.refused_unknown += 1;
            return refuse(Cause::UNALLOCATED, "nobody has the number that was called; set it with an application");
        }
        match self.directory.account(account).map(|account| account.status) {
            Some(AccountStatus::Active) => None,
            Some(_) => refuse(Cause::REJECTED, "the account of the number is not active"),
            None => refuse(Cause::REJECTED, "the account of the number is not known"),
        }
    }

    fn begin_session(&mut self, session: Session, refusal: Option<Refusal>) {
        let (call, lease) = (session.call.clone(), session.lease);
        let Some(task) = self.begin(call.sid, Errand::Session) else {
            self.emit(Effect::Line(LineCommand::Clear { lease, cause: Cause::CONGESTION }));
            return;
        };
        self.routes.leases.insert(lease, task);
        self.routes.calls.insert(call.sid, task);
        self.sessions.insert(task, session);
        let shown = |party: &str| {
            if party.is_empty() { "unknown".to_owned() } else { party.to_owned() }
        };
        let text = format!("in from {} to {} on {}", shown(&call.from), shown(&call.to), call.line);
        match refusal {
            None => {
                self.write(Record::Call(call.clone()));
                self.emit(Effect::Line(LineCommand::Alert { lease }));
                self.trace(Some(call.sid), TraceKind::Line, text);
                self.changed.push(call);
            }
            Some(refusal) => {
                self.trace(Some(call.sid), TraceKind::Line, text);
                if let Some(fault) = refusal.fault {
                    self.fault(call.account, call.sid, fault);
                }
                self.end_call(
                    task,
                    End { status: Some(CallStatus::Failed), cause: refusal.cause, clear: true, by_far_end: false },
                );
            }
        }
    }

    /// Audio flows.
    pub(crate) fn line_answered(&mut self, lease: Port) {
        let now = self.stamp();
        let task = self.routes.leases.get(&lease).copied();
        let session = task.and_then(|task| self.sessions.get_mut(&task));
        let expected = session.filter(|session| session.answering && !session.answered && !session.over);
        let (Some(task), Some(session)) = (task, expected) else {
            self.counters.stale_events += 1;
            return;
        };
        session.answered = true;
        session.call.status = CallStatus::InProgress;
        session.call.answered = Some(now);
        session.call.updated = now;
        let call = session.call.clone();
        self.trace(Some(call.sid), TraceKind::Line, "answered");
        self.changed.push(call.clone());
        self.write(Record::Call(call));
        self.deliver(task, Input::Line);
    }

    /// The channel is no longer ours.
    pub(crate) fn line_cleared(&mut self, lease: Port, cause: Cause, by_far_end: bool) {
        let Some(task) = self.routes.leases.remove(&lease) else {
            self.counters.stale_events += 1;
            return;
        };
        let Some(session) = self.sessions.get_mut(&task) else {
            return;
        };
        session.cleared = true;
        let given_up = by_far_end && (16..=31).contains(&cause.0);
        let status = match session.answered {
            true => CallStatus::Completed,
            false if given_up => CallStatus::Canceled,
            false => CallStatus::Failed,
        };
        self.end_call(task, End { status: Some(status), cause, clear: false, by_far_end });
        self.deliver(task, Input::Line);
    }

    /// Ends a call, once: what is under way is taken back, the line cleared, the final record written.
    pub(crate) fn end_call(&mut self, task: TaskId, end: End) -> Option<(Call, WriteId)> {
        let now = self.stamp();
        let session = self.sessions.get_mut(&task).filter(|session| !session.over)?;
        session.over = true;
        let (lease, http, sound) = (session.lease, session.http.take(), session.sound.take());
        session.call.status = end.status.unwrap_or(CallStatus::Completed);
        session.call.cause = Some(end.cause.0);
        session.call.ended = Some(now);
        session.call.updated = now;
        let (call, number) = (session.call.clone(), session.number.clone());
        if let Some(id) = http {
            self.routes.http.remove(&id);
            self.emit(Effect::CancelHttp { id });
        }
        if let Some((media, play)) = sound {
            if let Some(id) = media {
                self.routes.media.remove(&id);
                self.emit(Effect::CancelMedia { id });
            }
            if end.clear {
                self.emit(Effect::Switch(SwitchCommand::Stop { play, port: lease }));
            }
        }
        if end.clear {
            self.emit(Effect::Line(LineCommand::Clear { lease, cause: end.cause }));
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
        if let Some(number) = number.filter(|number| !number.status_callback.is_empty()) {
            let errand = Errand::CallEnded { call: Box::new(call.clone()), number, write };
            if let Some(errand) = self.begin(call.sid, errand) {
                self.routes.await_write(write, errand);
            }
        }
        self.routes.calls.remove(&call.sid);
        self.deliver(task, Input::Line);
        Some((call, write))
    }

    /// The API ends a call. The answer waits for the commit.
    pub(crate) fn end_by_request(&mut self, id: RequestId, account: Sid, call: Sid, only_unanswered: bool) {
        let task = self.routes.calls.get(&call).copied();
        let session = task.and_then(|task| self.sessions.get(&task)).filter(|s| s.call.account == account);
        let (Some(task), Some(session)) = (task, session) else {
            self.emit(Effect::Reply { id, reply: Reply::NotLive });
            return;
        };
        if only_unanswered && session.answered {
            self.emit(Effect::Reply { id, reply: refused(21220) });
            return;
        }
        let status = if session.answered { CallStatus::Completed } else { CallStatus::Canceled };
        self.trace(Some(call), TraceKind::Line, "ended by the API");
        let ended =
            self.end_call(task, End { status: Some(status), cause: Cause::NORMAL, clear: true, by_far_end: false });
        let Some((ended, write)) = ended else {
            self.emit(Effect::Reply { id, reply: Reply::NotLive });
            return;
        };
        match self.begin(call, Errand::Reply { id, call: Box::new(ended), write }) {
            Some(errand) => self.routes.await_write(write, errand),
            None => self.emit(Effect::Reply { id, reply: refused(20503) }),
        }
    }
}

/// A refusal in the words of its code.
fn refused(code: u32) -> Reply {
    let code = Code(code);
    Reply::Refused { code, text: format!("{}: {}", code.meaning(), code.remedy()) }
}

/// Text from a line, made harmless: no control characters, not too long.
fn clean(text: &str) -> String {
    let kept: String = text.chars().filter(|c| !c.is_control()).take(MAX_LINE_TEXT).collect();
    kept.trim().to_owned()
}

fn clean_number(number: &LineNumber) -> LineNumber {
    LineNumber { digits: clean(&number.digits), ..number.clone() }
}
