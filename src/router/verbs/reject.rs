//! Reject: the call is refused, unanswered. An answered call cannot be refused any more: it is ended.

use tipring_card::Cause;
use tipring_instructions::{Reject, RejectReason};
use tipring_resources::CallStatus;

use crate::leg::{Leg, Stop};

pub(super) fn run(leg: &Leg, reject: Reject) -> Stop {
    if leg.is_answered() {
        return leg.end(None, Cause::NORMAL);
    }
    // Our own: the cause that the network is told.
    if let Some(cause) = reject.cause {
        let status = if cause == Cause::USER_BUSY.0 { CallStatus::Busy } else { CallStatus::NoAnswer };
        return leg.end(Some(status), Cause(cause));
    }
    match reject.reason {
        RejectReason::Rejected => leg.end(Some(CallStatus::NoAnswer), Cause::REJECTED),
        RejectReason::Busy => leg.end(Some(CallStatus::Busy), Cause::USER_BUSY),
    }
}
