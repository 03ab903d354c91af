//! Messages of a call that exists: one `match` over the type, one function for each step of a call. STATUS and what is
//! wrong are `status`'s.
//!
//! Source: Q.931 §5.1–§5.3, annex A.

use tipring_card::{Cause, Micros};

use super::call::{Guard, State};
use super::ie::{Ie, Progress};
use super::layer::{Layer, bump};
use super::message::{Kind, Message};
use crate::words::{By, Digits, Event};

impl Layer {
    /// A message of a call.
    pub(super) fn call_message(&mut self, now: Micros, index: usize, message: &Message) {
        if message.must_understand.is_some() && self.not_understood(now, index, message) {
            return;
        }
        match message.kind {
            Kind::SetupAck => self.setup_acknowledged(now, index, message),
            Kind::CallProceeding => self.proceeding(now, index, message),
            Kind::Progress => self.progress(index, message),
            Kind::Alerting => self.alerting(now, index, message),
            Kind::Connect => self.connected(now, index, message),
            Kind::ConnectAck => self.connect_acknowledged(index, message),
            Kind::Information => self.information(now, index, message),
            Kind::Disconnect => self.disconnected(now, index, message),
            Kind::Release => self.released(index, message),
            Kind::ReleaseComplete => self.release_completed(index, message),
            Kind::Status => self.status(now, index, message),
            Kind::StatusEnquiry => self.send_status(index, ANSWER_TO_ENQUIRY),
            Kind::Setup => bump(&mut self.counters.crossed_messages), // §5.8.3.2 e: a repetition
            Kind::Notify | Kind::Facility | Kind::Register | Kind::UserInformation | Kind::CongestionControl => {
                bump(&mut self.counters.unused_messages);
            }
            Kind::Hold => self.refuse_service(index, Kind::HoldReject),
            Kind::Retrieve => self.refuse_service(index, Kind::RetrieveReject),
            Kind::Suspend => self.refuse_service(index, Kind::SuspendReject),
            Kind::Segment => self.segment(index),
            Kind::Restart | Kind::RestartAck => bump(&mut self.counters.bad_references),
            Kind::Resume
            | Kind::SuspendAck
            | Kind::ResumeAck
            | Kind::ResumeReject
            | Kind::SuspendReject
            | Kind::HoldAck
            | Kind::HoldReject
            | Kind::RetrieveAck
            | Kind::RetrieveReject => self.unexpected(index, message),
            Kind::Escape | Kind::Unknown(_) => self.unknown_type(index, message),
        }
    }

    /// Whether an answer of the called side to our SETUP fits; one that does not is dealt with.
    fn fits_caller(&mut self, index: usize, message: &Message, latest: State) -> bool {
        let call = &self.calls[index];
        let order = [State::Offered, State::Overlap, State::Proceeding, State::Alerting];
        let position = |state| order.iter().position(|&step| step == state);
        let fits = call.placed && position(call.state).is_some_and(|at| Some(at) <= position(latest));
        if fits {
            return true;
        }
        if call.state.is_clearing() && call.state != State::TheyDisconnect {
            bump(&mut self.counters.crossed_messages);
        } else {
            self.unexpected(index, message);
        }
        false
    }

    /// Takes the channel of an answer; `false` when the call is broken off instead.
    fn takes_channel(&mut self, now: Micros, index: usize, message: &Message) -> bool {
        match self.adopt_channel(index, message.channel.value().copied()) {
            Ok(()) => true,
            Err(cause) => {
                self.break_off(now, index, cause, By::Local);
                false
            }
        }
    }

    fn setup_acknowledged(&mut self, now: Micros, index: usize, message: &Message) {
        if !self.fits_caller(index, message, State::Offered) || !self.takes_channel(now, index, message) {
            return;
        }
        self.calls[index].enter(State::Overlap);
        self.guard(now, index, Guard::T304, self.config.timers.t304);
        let (call, timeslot) = (self.calls[index].id, self.calls[index].timeslot);
        self.event(Event::SetupAck { call, timeslot, inband: message.progress.is_inband() });
    }

    fn proceeding(&mut self, now: Micros, index: usize, message: &Message) {
        if !self.fits_caller(index, message, State::Overlap) || !self.takes_channel(now, index, message) {
            return;
        }
        self.calls[index].enter(State::Proceeding);
        // T310 does not guard a call that left the ISDN (table 9-2, note 5).
        if !leaves_isdn(message.progress) {
            self.guard(now, index, Guard::T310, self.config.timers.t310);
        }
        let (call, timeslot) = (self.calls[index].id, self.calls[index].timeslot);
        self.event(Event::Proceeding { call, timeslot, inband: message.progress.is_inband() });
    }

    fn progress(&mut self, index: usize, message: &Message) {
        let state = self.calls[index].state;
        if state.is_clearing() {
            bump(&mut self.counters.crossed_messages);
            return;
        }
        if message.progress == Progress::default() {
            return self.missing(index);
        }
        if matches!(state, State::ConnectRequest | State::Active) {
            bump(&mut self.counters.unused_messages);
            return;
        }
        // Tones instead of ALERTING: the call is in people's hands now.
        if self.calls[index].guard.is_some_and(|(guard, _)| guard == Guard::T310) {
            self.calls[index].guard = None;
        }
        let call = self.calls[index].id;
        self.event(Event::Progress { call, inband: message.progress.is_inband() });
    }

    fn alerting(&mut self, now: Micros, index: usize, message: &Message) {
        if !self.fits_caller(index, message, State::Proceeding) || !self.takes_channel(now, index, message) {
            return;
        }
        self.calls[index].enter(State::Alerting);
        if let Some(t301) = self.config.timers.t301 {
            self.guard(now, index, Guard::T301, t301);
        }
        let (call, timeslot) = (self.calls[index].id, self.calls[index].timeslot);
        self.event(Event::Alerting { call, timeslot, inband: message.progress.is_inband() });
    }

    fn connected(&mut self, now: Micros, index: usize, message: &Message) {
        if self.calls[index].placed && self.calls[index].state == State::Active {
            // Ours may have been lost in a reset of the link.
            bump(&mut self.counters.unexpected_messages);
            return self.send(index, Message::new(Kind::ConnectAck));
        }
        if !self.fits_caller(index, message, State::Alerting) || !self.takes_channel(now, index, message) {
            return;
        }
        let Some(timeslot) = self.calls[index].timeslot else {
            bump(&mut self.counters.missing_elements);
            return self.break_off(now, index, MISSING_ELEMENT, By::Local);
        };
        self.calls[index].enter(State::Active);
        self.send(index, Message::new(Kind::ConnectAck));
        let call = self.calls[index].id;
        self.event(Event::Connected { call, timeslot });
    }

    fn connect_acknowledged(&mut self, index: usize, message: &Message) {
        match self.calls[index].state {
            State::ConnectRequest => {
                self.calls[index].enter(State::Active);
                let call = self.calls[index].id;
                if let Some(timeslot) = self.calls[index].timeslot {
                    self.event(Event::Connected { call, timeslot });
                }
            }
            // A user may acknowledge the network's CONNECT, and some networks acknowledge the acknowledgement.
            State::Active => bump(&mut self.counters.unused_messages),
            State::WeDisconnect | State::ReleaseRequest => bump(&mut self.counters.crossed_messages),
            _ => self.unexpected(index, message),
        }
    }

    fn information(&mut self, now: Micros, index: usize, message: &Message) {
        let call = &self.calls[index];
        let collecting = !call.placed && call.state == State::Overlap;
        let digits: Digits = match (message.called.value(), message.keypad.value()) {
            (Some(called), _) => called.digits.clone(),
            (None, Some(keys)) => keys.clone(),
            (None, None) => Digits::new(),
        };
        if collecting {
            let complete = message.sending_complete;
            let call = call.id;
            if complete {
                self.calls[index].guard = None;
                self.guard(now, index, Guard::Offer, self.config.timers.offer);
            } else {
                self.calls[index].repeated = false;
                self.guard(now, index, Guard::T302, self.config.timers.t302);
            }
            self.event(Event::Digits { call, digits, complete });
        } else if call.state == State::Active && !digits.is_empty() {
            let call = call.id;
            self.event(Event::Digits { call, digits, complete: false });
        } else if call.state.is_clearing() {
            bump(&mut self.counters.crossed_messages);
        } else {
            bump(&mut self.counters.unused_messages); // a display, or digits behind a complete number
        }
    }

    fn disconnected(&mut self, now: Micros, index: usize, message: &Message) {
        match self.calls[index].state {
            // Both ends at the same moment (§5.3.5).
            State::WeDisconnect => {
                let cause = self.calls[index].end(Cause::NORMAL, By::Remote).0;
                return self.release(now, index, cause);
            }
            State::TheyDisconnect | State::ReleaseRequest => {
                bump(&mut self.counters.crossed_messages);
                return;
            }
            _ => {}
        }
        let call = self.calls[index].id;
        let (cause, answer) = match &message.cause {
            Ie::Is((cause, _)) => (*cause, *cause),
            Ie::Absent => (NORMAL_UNSPECIFIED, MISSING_ELEMENT),
            Ie::Bad => (NORMAL_UNSPECIFIED, BAD_ELEMENT),
        };
        let sound = message.cause.value().is_some();
        if !sound {
            bump(&mut self.counters.missing_elements);
        }
        let inband = sound && message.progress.has(Progress::IN_BAND);
        self.calls[index].clear_for(cause, By::Remote);
        self.calls[index].enquiry = None;
        self.calls[index].enter(State::TheyDisconnect);
        self.event(Event::Disconnecting { call, cause, inband });
        if inband {
            self.guard(now, index, Guard::T306, self.config.timers.t306);
        } else {
            self.release(now, index, answer);
        }
    }

    fn released(&mut self, index: usize, message: &Message) {
        let cause = message.cause.value().map(|(cause, _)| *cause);
        match self.calls[index].state {
            // Both ends at the same moment: no answer is due (§5.3.5).
            State::ReleaseRequest => self.finish(index, cause.unwrap_or(Cause::NORMAL), By::Remote),
            State::WeDisconnect => self.complete_plain(index),
            _ => match cause {
                Some(cause) => {
                    self.calls[index].clear_for(cause, By::Remote);
                    self.complete_plain(index);
                }
                None => {
                    // As the first message of clearing it must say why (§5.8.6.1).
                    bump(&mut self.counters.missing_elements);
                    self.calls[index].clear_for(NORMAL_UNSPECIFIED, By::Remote);
                    let answer = if matches!(message.cause, Ie::Bad) { BAD_ELEMENT } else { MISSING_ELEMENT };
                    self.complete(index, answer, By::Remote);
                }
            },
        }
    }

    /// RELEASE COMPLETE without a cause: the far end named it first, or knows ours.
    fn complete_plain(&mut self, index: usize) {
        self.send(index, Message::new(Kind::ReleaseComplete));
        self.finish(index, NORMAL_UNSPECIFIED, By::Remote);
    }

    fn release_completed(&mut self, index: usize, message: &Message) {
        let cause = message.cause.value().map_or(NORMAL_UNSPECIFIED, |(cause, _)| *cause);
        self.finish(index, cause, By::Remote);
    }
}

fn leaves_isdn(progress: Progress) -> bool {
    progress.has(1) || progress.has(2) || progress.has(8)
}

/// 30: response to STATUS ENQUIRY.
const ANSWER_TO_ENQUIRY: Cause = Cause(30);
/// 31: normal, unspecified.
const NORMAL_UNSPECIFIED: Cause = Cause(31);
/// 96: mandatory information element is missing.
const MISSING_ELEMENT: Cause = Cause(96);
/// 100: invalid information element contents.
const BAD_ELEMENT: Cause = Cause(100);
