//! What a Dial came to, in the words of its action.

use tipring_resources::{Call, CallStatus};

use super::Dialling;
use crate::bridge::ChildState;
use crate::params::{Params, param};
use crate::world::TaskId;

/// How a Dial ended.
pub(super) struct Outcome {
    pub(super) status: &'static str,
    /// The leg that answered, else the one that says most.
    pub(super) call: Option<Call>,
    pub(super) bridged: bool,
}

impl Dialling<'_> {
    pub(super) fn talked(&mut self, winner: TaskId, bridged: bool) -> Outcome {
        match self.state(winner) {
            ChildState::Left(call) => Outcome { status: "answered", call: Some(*call), bridged },
            ChildState::Ended(call) => Outcome { status: call.status.as_str(), call: Some(*call), bridged },
            _ => Outcome { status: "completed", call: None, bridged },
        }
    }

    /// What it came to if nobody answered: of those called in turn the last one counts, of those called at once the one
    /// that came nearest to an answer.
    pub(super) fn unanswered(&mut self) -> Outcome {
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
            // It was answered, and declined in the document that it heard.
            Some(call) if call.answered.is_some() => "no-answer",
            Some(call) => call.status.as_str(),
        };
        Outcome { status, call: call.cloned(), bridged: false }
    }

    /// What it came to when the caller hung up.
    pub(super) fn abandoned(&self) -> Outcome {
        let of = |what: fn(&Call) -> bool| self.legs.iter().map(|(_, call)| call).find(|call| what(call));
        let answered = of(|call| call.answered.is_some());
        let rang = of(|call| call.status == CallStatus::Canceled);
        let call = answered.or(rang).or(self.legs.last().map(|(_, call)| call));
        let status = match call.map(|call| call.status) {
            None => "canceled",
            Some(status) if status.is_final() => status.as_str(),
            Some(_) => "answered",
        };
        Outcome { status, bridged: self.bridged, call: call.cloned() }
    }
}

impl Outcome {
    /// What the action is told.
    pub(super) fn told(&self) -> Params {
        let mut told = vec![param("DialCallStatus", self.status), param("DialBridged", self.bridged)];
        if let Some(call) = &self.call {
            told.push(param("DialCallSid", call.sid));
            told.push(param("DialCallDuration", call.duration_s().unwrap_or(0)));
        }
        told
    }
}
