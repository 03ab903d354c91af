//! What a Dial came to, in the words of its action.

use tipring_resources::{Call, CallStatus, Stamp};

use super::Dialling;
use crate::bridge::ChildState;
use crate::params::{Params, param};
use crate::world::TaskId;

/// How a Dial ended.
pub(super) struct Outcome {
    pub(super) status: &'static str,
    /// The leg that answered, else the one that says most.
    call: Option<Call>,
    bridged: bool,
    /// How long that leg was there for the Dial.
    lasted_s: i64,
}

/// With whom the caller was connected.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bridge {
    pub(super) with: TaskId,
    pub(super) began: Stamp,
}

impl Dialling<'_> {
    pub(super) fn talked(&self, winner: TaskId) -> Outcome {
        match self.state(winner) {
            ChildState::Left(call) => self.outcome("answered", Some(*call)),
            ChildState::Ended(call) => self.outcome(call.status.as_str(), Some(*call)),
            _ => self.outcome("completed", None),
        }
    }

    /// What it came to if nobody answered: of those called in turn the last one counts, of those called at once the one
    /// that came nearest to an answer.
    pub(super) fn unanswered(&self) -> Outcome {
        let calls: Vec<Call> = (self.legs.iter())
            .filter_map(|(task, _)| match self.state(*task) {
                ChildState::Ended(call) => Some(*call),
                _ => None,
            })
            .collect();
        let near = |call: &&Call| match call.status {
            CallStatus::NoAnswer => 3,
            _ if call.answered.is_some() => 3,
            CallStatus::Busy => 2,
            CallStatus::Canceled => 1,
            _ => 0,
        };
        let call = if self.dial.sequential { calls.last() } else { calls.iter().max_by_key(near) };
        let status = match call {
            None => "failed",
            // It heard its document when the caller pressed the star.
            Some(call) if call.answered.is_some() && self.starred => "canceled",
            // It was answered, and declined in the document that it heard.
            Some(call) if call.answered.is_some() => "no-answer",
            Some(call) => call.status.as_str(),
        };
        self.outcome(status, call.cloned())
    }

    /// What it came to when the caller hung up.
    pub(super) fn abandoned(&self) -> Outcome {
        let of = |what: fn(&Call) -> bool| self.legs.iter().map(|(_, call)| call).find(|call| what(call));
        let last = self.legs.last().map(|(_, call)| call);
        // A caller of a queue was answered long before; with whom the agent never spoke is none of his.
        if self.serves_queue() && self.bridge.is_none() {
            return self.outcome("canceled", last.cloned());
        }
        let bridged = self.bridge.and_then(|bridge| self.legs.iter().find(|(task, _)| *task == bridge.with));
        let answered = bridged.map(|(_, call)| call).or(of(|call| call.answered.is_some()));
        let rang = of(|call| call.status == CallStatus::Canceled);
        let call = answered.or(rang).or(last);
        let status = match call.map(|call| call.status) {
            None => "canceled",
            Some(status) if status.is_final() => status.as_str(),
            Some(_) => "answered",
        };
        self.outcome(status, call.cloned())
    }

    fn outcome(&self, status: &'static str, call: Option<Call>) -> Outcome {
        let lasted_s = call.as_ref().map_or(0, |call| self.lasted_s(call));
        Outcome { status, call, bridged: self.bridge.is_some(), lasted_s }
    }

    /// How long a leg was there for this Dial: a caller of a queue since he was connected, a leg that it has called since
    /// its answer; until now if it goes its own way.
    fn lasted_s(&self, call: &Call) -> i64 {
        let began = if self.serves_queue() { self.bridge.map(|bridge| bridge.began) } else { call.answered };
        let ended = call.ended.unwrap_or(self.leg.world().stamp());
        let length_us = began.map_or(0, |began| ended.0.saturating_sub(began.0).max(0));
        (length_us + 999_999) / 1_000_000
    }
}

impl Outcome {
    /// There was nobody at all.
    pub(super) fn without_call(status: &'static str) -> Outcome {
        Outcome { status, call: None, bridged: false, lasted_s: 0 }
    }

    /// What the action is told.
    pub(super) fn told(&self) -> Params {
        let mut told = vec![param("DialCallStatus", self.status), param("DialBridged", self.bridged)];
        if let Some(call) = &self.call {
            told.push(param("DialCallSid", call.sid));
            told.push(param("DialCallDuration", self.lasted_s));
        }
        told
    }
}
