//! What lines tell, as far as it changes a leg: seized, moved, ringing, heard early, answered, cleared. A word that does
//! not fit the leg's state is stale: counted, and a channel that nobody wants is cleared.

use tipring_card::{Cause, Law, Supervision};
use tipring_resources::{Call, CallStatus, Direction, ParticipantStatus, Record};
use tipring_switch::Port;

use crate::bridge::ChildState;
use crate::effects::{AttemptId, Effect, LineCommand, LineEvent, LineKind, TraceKind};
use crate::incoming::{clean, clean_to};
use crate::limits::{MAX_LINE_REASON, MAX_LOST_LINES};
use crate::outgoing::NoLine;
use crate::progress::Progress;
use crate::session::{End, Session};
use crate::world::{Input, TaskId, World};

impl World {
    pub(crate) fn line_event(&mut self, event: LineEvent) {
        match event {
            LineEvent::Incoming { .. } => self.incoming(event),
            LineEvent::Seized { attempt, lease, line, law, kind } => {
                self.line_seized(attempt, lease, &line, law);
                self.is_dialling(lease, kind == LineKind::Analog);
            }
            LineEvent::NoLine { attempt, cause, may_wait, text } => {
                self.no_line(attempt, NoLine { cause, may_wait, text: clean_to(&text, MAX_LINE_REASON) });
            }
            LineEvent::Moved { from, lease, line, law, kind } => {
                self.line_moved(from, lease, &line, law);
                self.is_dialling(lease, kind == LineKind::Analog);
            }
            LineEvent::Ringing { lease } => {
                self.is_dialling(lease, false);
                self.line_ringing(lease);
            }
            LineEvent::EarlyMedia { lease } => {
                self.is_dialling(lease, false);
                self.line_early(lease);
            }
            LineEvent::LineFree => self.line_free(),
            LineEvent::Answered { lease, by } => self.line_answered(lease, by),
            LineEvent::Told { lease, text } => self.line_told(lease, &text),
            LineEvent::EndedBy { lease, sign } => self.line_ended_by(lease, sign),
            LineEvent::Cleared { lease, cause, by_far_end } => self.line_cleared(lease, cause, by_far_end),
        }
    }

    /// Whether a leg's line is still busy with its digits.
    fn is_dialling(&mut self, lease: Port, dialling: bool) {
        let task = self.routes.leases.get(&lease).copied();
        let outward = task.and_then(|task| self.sessions.get_mut(&task)?.outward.as_mut());
        let (Some(task), Some(outward)) = (task, outward) else { return };
        if std::mem::replace(&mut outward.dialling, dialling) != dialling {
            self.deliver(task, Input::Line);
        }
    }

    /// The attempt is on its way.
    fn line_seized(&mut self, attempt: AttemptId, lease: Port, line: &str, law: Law) {
        if self.routes.leases.contains_key(&lease) {
            self.counters.duplicate_leases += 1;
            return;
        }
        let now = self.stamp();
        let task = self.routes.attempts.remove(&attempt);
        let Some((task, session)) = task.and_then(|task| Some((task, self.sessions.get_mut(&task)?))) else {
            return self.clear_unwanted(lease);
        };
        session.lease = Some(lease);
        session.law = law;
        let over = session.over;
        let is_first = session.outward.as_ref().is_none_or(|outward| outward.lost == 0);
        if !over {
            let waited_us = now.0.saturating_sub(session.call.created.0);
            session.call.line = clean(line);
            session.call.started = Some(now);
            session.call.queued_ms = u32::try_from(waited_us / 1_000).unwrap_or(u32::MAX);
            session.call.updated = now;
        }
        let call = session.call.clone();
        self.routes.leases.insert(lease, task);
        self.had_turn(task);
        self.leave_queue(task);
        self.awaited_is(task, ParticipantStatus::Connecting);
        if over {
            self.trace(Some(call.sid), TraceKind::Line, "a line came too late: cleared");
            self.emit(Effect::Line(LineCommand::Clear { lease, cause: Cause::NORMAL }));
        } else {
            let text = format!("out to {} on {}", call.to, call.line);
            self.tell_line(&call, text);
            if is_first {
                self.progress(task, Progress::Initiated, None);
            }
        }
        self.deliver(task, Input::Line);
    }

    /// A channel of which no leg knows.
    fn clear_unwanted(&mut self, lease: Port) {
        self.counters.stale_events += 1;
        self.emit(Effect::Line(LineCommand::Clear { lease, cause: Cause::NORMAL }));
    }

    /// The attempt goes on on another line.
    fn line_moved(&mut self, from: Port, lease: Port, line: &str, law: Law) {
        if self.routes.leases.contains_key(&lease) {
            self.counters.duplicate_leases += 1;
            return;
        }
        let now = self.stamp();
        let task = self.routes.leases.get(&from).copied();
        let session = task.and_then(|task| Some((task, self.sessions.get(&task)?)));
        // An answered leg stays where it is: crosspoints and taps are there.
        let Some((task, _)) = session.filter(|(_, s)| s.outward.is_some() && !s.answered) else {
            return self.clear_unwanted(lease);
        };
        self.routes.leases.remove(&from);
        self.part(task);
        let Some(session) = self.sessions.get_mut(&task) else { return };
        session.lease = Some(lease);
        session.law = law;
        session.call.line = clean(line);
        session.call.updated = now;
        let (over, call) = (session.over, session.call.clone());
        self.routes.leases.insert(lease, task);
        if over {
            // Our clear met a lease that was void already.
            self.emit(Effect::Line(LineCommand::Clear { lease, cause: Cause::NORMAL }));
        } else {
            let text = format!("moved to {}", call.line);
            self.tell_line(&call, text);
        }
    }

    /// The leg on a lease, if it is one that calls out and waits for its answer.
    fn calling_out(&mut self, lease: Port) -> Option<(TaskId, &mut Session)> {
        let task = self.routes.leases.get(&lease).copied();
        let session = task.and_then(|task| self.sessions.get_mut(&task));
        match session.filter(|session| session.outward.is_some() && !session.answered && !session.over) {
            Some(session) => task.map(|task| (task, session)),
            None => {
                self.counters.stale_events += 1;
                None
            }
        }
    }

    fn line_ringing(&mut self, lease: Port) {
        let now = self.stamp();
        let Some((task, session)) = self.calling_out(lease) else {
            return;
        };
        if session.call.status == CallStatus::Ringing {
            return;
        }
        session.call.status = CallStatus::Ringing;
        session.call.updated = now;
        let call = session.call.clone();
        self.tell_line(&call, "it rings");
        self.awaited_is(task, ParticipantStatus::Ringing);
        self.progress(task, Progress::Ringing, None);
        self.deliver(task, Input::Line);
    }

    fn line_early(&mut self, lease: Port) {
        let Some((task, session)) = self.calling_out(lease) else {
            return;
        };
        let call = session.call.sid;
        self.trace(Some(call), TraceKind::Line, "the far end can be heard");
        self.child_is(task, ChildState::Heard);
    }

    /// Audio flows.
    fn line_answered(&mut self, lease: Port, by: Supervision) {
        let (stamp, now) = (self.stamp(), self.now);
        let task = self.routes.leases.get(&lease).copied();
        let session = task.and_then(|task| self.sessions.get_mut(&task));
        let expected = session.filter(|s| (s.answering || s.outward.is_some()) && !s.answered && !s.over);
        let (Some(task), Some(session)) = (task, expected) else {
            self.counters.stale_events += 1;
            return;
        };
        session.answered = true;
        session.call.status = CallStatus::InProgress;
        session.call.answered = Some(stamp);
        session.call.updated = stamp;
        if let Some(limit) = session.time_limit {
            session.ends_at = now + limit;
        }
        self.pays_from_now(task);
        let Some(session) = self.sessions.get_mut(&task) else { return };
        let mut text = "answered".to_owned();
        if session.outward.is_some() {
            session.call.supervision = Some(by.as_str().to_owned());
            text.push_str(&format!(", told by {}", by.as_str()));
            if by > Supervision::Reversal {
                text.push_str(&format!(": a guess, {} % sure", by.certainty_percent()));
            }
        }
        let call = session.call.clone();
        self.tell_line(&call, text);
        self.progress(task, Progress::Answered, None);
        self.watch_silence(task);
        let screened = self.children.get(&task).is_some_and(|child| child.screened);
        self.child_is(task, if screened { ChildState::Screening } else { ChildState::Answered });
        self.deliver(task, Input::Line);
    }

    /// What the line noticed, into the timeline.
    fn line_told(&mut self, lease: Port, text: &str) {
        let session = self.routes.leases.get(&lease).and_then(|task| self.sessions.get(task));
        let Some(call) = session.map(|session| session.call.sid) else { return };
        self.trace(Some(call), TraceKind::Line, clean_to(text, MAX_LINE_REASON));
    }

    /// What has told the line of the end that comes next.
    fn line_ended_by(&mut self, lease: Port, sign: &str) {
        let task = self.routes.leases.get(&lease).copied();
        let Some(session) = task.and_then(|task| self.sessions.get_mut(&task)).filter(|session| !session.over) else {
            return;
        };
        session.call.hangup_evidence = Some(sign.to_owned());
        let call = session.call.sid;
        self.trace(Some(call), TraceKind::Line, format!("the end, told by {sign}"));
    }

    /// Silence ends no call of somebody who waits in a queue or sits in a room: the line is told when that changes.
    pub(crate) fn watch_silence(&mut self, task: TaskId) {
        let Some(session) = self.sessions.get_mut(&task) else { return };
        let waits = session.queued.as_ref().is_some_and(|queued| !queued.bridged);
        let counts = session.seat.is_none() && !waits;
        let (Some(lease), true) = (session.lease, session.answered && !session.over && !session.cleared) else {
            return;
        };
        if std::mem::replace(&mut session.silence_counts, counts) != counts {
            self.emit(Effect::Line(LineCommand::SilenceCounts { lease, counts }));
        }
    }

    /// A change of a leg on its line: seen by everybody.
    fn tell_line(&mut self, call: &Call, text: impl Into<String>) {
        self.trace(Some(call.sid), TraceKind::Line, text);
        self.changed.push(call.clone());
        self.write(Record::Call(call.clone()));
    }

    /// The line of a call that may wait was taken by another call before anything came of it: it looks for one again.
    /// `false`: it may not, and is over.
    fn line_lost(&mut self, task: TaskId) -> bool {
        let now = self.stamp();
        let waits = |session: &&mut Session| {
            let queued = session.call.status == CallStatus::Queued && !session.over;
            queued && session.outward.as_ref().is_some_and(|o| o.may_queue && o.lost < MAX_LOST_LINES)
        };
        let Some(session) = self.sessions.get_mut(&task).filter(waits) else {
            return false;
        };
        if let Some(outward) = &mut session.outward {
            outward.lost += 1;
        }
        session.lease = None;
        session.call.line.clear();
        session.call.started = None;
        session.call.updated = now;
        let call = session.call.clone();
        self.tell_line(&call, "the line is another call's: waits for the next");
        self.deliver(task, Input::Line);
        true
    }

    /// The channel is no longer ours.
    fn line_cleared(&mut self, lease: Port, cause: Cause, by_far_end: bool) {
        let Some(task) = self.routes.leases.remove(&lease) else {
            self.counters.stale_events += 1;
            return;
        };
        if cause == Cause::CHANNEL_UNAVAILABLE && self.line_lost(task) {
            return;
        }
        let Some(session) = self.sessions.get_mut(&task) else {
            return;
        };
        session.cleared = true;
        let status = match session.answered {
            true => CallStatus::Completed,
            false if session.call.direction == Direction::Inbound => unanswered_in(cause, by_far_end),
            false => unanswered_out(cause),
        };
        self.end_call(task, End { status: Some(status), cause, clear: false, by_far_end });
        self.share_lines();
        self.deliver(task, Input::Line);
    }
}

/// What an incoming call was that ended before we answered.
fn unanswered_in(cause: Cause, by_far_end: bool) -> CallStatus {
    if by_far_end && (16..=31).contains(&cause.0) { CallStatus::Canceled } else { CallStatus::Failed }
}

/// What an outgoing call was that ended before it was answered (twiml.md §2.1).
pub(crate) fn unanswered_out(cause: Cause) -> CallStatus {
    match cause.0 {
        17 | 21 => CallStatus::Busy,
        18..=20 => CallStatus::NoAnswer,
        _ => CallStatus::Failed,
    }
}
