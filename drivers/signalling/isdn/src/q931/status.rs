//! What is wrong: messages without a call, of the wrong time, unknown, incomplete; and STATUS, by which both ends
//! compare notes. A STATUS never causes a STATUS, so two confused ends fall silent.
//!
//! Source: Q.931 §5.8.

use tipring_card::{Cause, Micros};

use super::call::State;
use super::ie::Ie;
use super::layer::{Layer, bump};
use super::message::{Kind, Message};
use crate::words::{By, Fault};

impl Layer {
    /// A message with a reference that is not in use (§5.8.3.2).
    pub(super) fn stray_message(&mut self, now: Micros, message: &Message) {
        let fresh = !message.reference.to_origin;
        match message.kind {
            Kind::Setup if fresh => return self.incoming(now, message),
            Kind::ReleaseComplete => return bump(&mut self.counters.late_clearings),
            Kind::Status if message.call_state == Ie::Is(0) => {
                return bump(&mut self.counters.late_clearings);
            }
            _ => {}
        }
        bump(&mut self.counters.unknown_calls);
        self.fault(None, Fault::UnknownCall);
        let answer = match message.kind {
            Kind::Setup => return, // it cannot come to the side that chose the reference
            Kind::Status => self.with_cause(Kind::ReleaseComplete, STATE_MISMATCH),
            Kind::StatusEnquiry => {
                Message { call_state: Ie::Is(0), ..self.with_cause(Kind::Status, ANSWER_TO_ENQUIRY) }
            }
            Kind::Resume if fresh => {
                bump(&mut self.counters.refused_services);
                self.with_cause(Kind::ResumeReject, NOT_SUSPENDED)
            }
            _ => self.with_cause(Kind::ReleaseComplete, INVALID_REFERENCE),
        };
        self.answer(message.reference, answer);
    }

    /// A known type at the wrong time (§5.8.4).
    pub(super) fn unexpected(&mut self, index: usize, message: &Message) {
        bump(&mut self.counters.unexpected_messages);
        self.fault(Some(self.calls[index].id), Fault::UnexpectedMessage(message.kind.octet()));
        self.send_status(index, NOT_NOW);
    }

    /// A type that is not known (§5.8.4).
    pub(super) fn unknown_type(&mut self, index: usize, message: &Message) {
        bump(&mut self.counters.unknown_types);
        self.fault(Some(self.calls[index].id), Fault::UnknownType(message.kind.octet()));
        self.send_status(index, UNKNOWN_TYPE);
    }

    /// A mandatory element is missing where nothing is cleared for it (§5.8.6.1).
    pub(super) fn missing(&mut self, index: usize) {
        bump(&mut self.counters.missing_elements);
        self.fault(Some(self.calls[index].id), Fault::MissingElement);
        self.send_status(index, MISSING_ELEMENT);
    }

    /// An element that must be understood is not (§5.8.7.1). `true`: the message is dealt with.
    pub(super) fn not_understood(&mut self, now: Micros, index: usize, message: &Message) -> bool {
        match message.kind {
            Kind::ReleaseComplete | Kind::Setup | Kind::Status | Kind::StatusEnquiry => {
                return false;
            }
            Kind::Disconnect => {
                bump(&mut self.counters.missing_elements);
                if self.calls[index].state == State::ReleaseRequest {
                    return true;
                }
                let cause = message.cause.value().map_or(MISSING_ELEMENT, |(cause, _)| *cause);
                self.calls[index].clear_for(cause, By::Remote);
                self.break_off(now, index, MISSING_ELEMENT, By::Remote);
            }
            Kind::Release => {
                bump(&mut self.counters.missing_elements);
                let cause = message.cause.value().map_or(MISSING_ELEMENT, |(cause, _)| *cause);
                self.calls[index].clear_for(cause, By::Remote);
                self.complete(index, MISSING_ELEMENT, By::Remote);
            }
            _ => self.missing(index),
        }
        true
    }

    /// A service that is not offered.
    pub(super) fn refuse_service(&mut self, index: usize, answer: Kind) {
        bump(&mut self.counters.refused_services);
        let message = self.with_cause(answer, FACILITY_NOT_IMPLEMENTED);
        self.send(index, message);
    }

    /// A part of a message: none is put together here.
    pub(super) fn segment(&mut self, index: usize) {
        bump(&mut self.counters.segments);
        self.fault(Some(self.calls[index].id), Fault::Segmented);
        self.send_status(index, UNKNOWN_TYPE);
    }

    /// The far end's view of a call (§5.8.11).
    pub(super) fn status(&mut self, now: Micros, index: usize, message: &Message) {
        let Some(&theirs) = message.call_state.value() else {
            bump(&mut self.counters.missing_elements);
            return;
        };
        let cause = message.cause.value().map_or(STATE_MISMATCH, |(cause, _)| *cause);
        if cause == ANSWER_TO_ENQUIRY {
            self.calls[index].enquiry = None;
        } else {
            bump(&mut self.counters.status_errors);
        }
        let call = &self.calls[index];
        if theirs == 0 {
            // The far end has no such call: nothing is left to clear.
            let reason = if cause == ANSWER_TO_ENQUIRY { STATE_MISMATCH } else { cause };
            bump(&mut self.counters.state_mismatches);
            return self.finish(index, reason, By::Remote);
        }
        if call.fits(self.config.role, theirs) {
            return;
        }
        bump(&mut self.counters.state_mismatches);
        self.fault(Some(call.id), Fault::StateMismatch(theirs));
        self.break_off(now, index, STATE_MISMATCH, By::Remote);
    }

    /// Asks the far end for its view of a call; T322 repeats it.
    pub(super) fn enquire(&mut self, now: Micros, index: usize) {
        let times = self.calls[index].enquiry.map_or(0, |(_, times)| times);
        self.calls[index].enquiry = Some((now + self.config.timers.t322, times.saturating_add(1)));
        self.send(index, Message::new(Kind::StatusEnquiry));
    }
}

/// 30: response to STATUS ENQUIRY.
const ANSWER_TO_ENQUIRY: Cause = Cause(30);
/// 69: requested facility not implemented.
const FACILITY_NOT_IMPLEMENTED: Cause = Cause(69);
/// 81: invalid call reference value.
const INVALID_REFERENCE: Cause = Cause(81);
/// 85: no call suspended.
const NOT_SUSPENDED: Cause = Cause(85);
/// 96: mandatory information element is missing.
const MISSING_ELEMENT: Cause = Cause(96);
/// 97: message type non-existent or not implemented.
const UNKNOWN_TYPE: Cause = Cause(97);
/// 98: message not compatible with call state.
const NOT_NOW: Cause = Cause(98);
/// 101: message not compatible with call state.
const STATE_MISMATCH: Cause = Cause(101);
