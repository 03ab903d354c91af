//! What the owner wants. A command for a call that is gone is counted and ignored: it crossed with the end of the
//! call. One that does not fit the state is counted and ignored too.
//!
//! Source: Q.931 §5.1–§5.3.

use tipring_card::{Cause, Micros};

use super::call::{Call, Guard, State};
use super::codec;
use super::ie::{Channel, Ie, Progress};
use super::incoming::settled_channel;
use super::layer::{Layer, bump};
use super::message::{Kind, Message, Reference};
use crate::Role;
use crate::words::{Bearer, By, CallId, Command, Digits, Event, Number, SetupRequest, Text};

impl Layer {
    /// Carries a command out.
    pub(super) fn obey(&mut self, now: Micros, command: Command) {
        let call = match &command {
            Command::Setup(request) => return self.setup(now, request),
            Command::Restart(timeslot) => return self.restart(now, *timeslot),
            Command::SetupAck(call)
            | Command::Information(call, _)
            | Command::Display(call, _)
            | Command::Proceeding(call)
            | Command::Progress(call)
            | Command::Alerting(call, _)
            | Command::Connect(call)
            | Command::Disconnect(call, _)
            | Command::DisconnectWithTones(call, _)
            | Command::Release(call, _)
            | Command::Reject(call, _)
            | Command::StatusEnquiry(call) => *call,
        };
        let Some(index) = self.calls.iter().position(|held| held.id == call) else {
            return bump(&mut self.counters.stale_commands);
        };
        if !self.is_link_up() {
            return self.obey_without_link(index, &command);
        }
        match command {
            Command::SetupAck(_) => self.want_digits(now, index),
            Command::Information(_, digits) => self.more_digits(now, index, digits),
            Command::Display(_, text) => self.show(index, text),
            Command::Proceeding(_) => {
                self.advance(index, Kind::CallProceeding, State::Proceeding, State::Overlap, false);
            }
            Command::Alerting(_, inband) => {
                self.advance(index, Kind::Alerting, State::Alerting, State::Proceeding, inband);
            }
            Command::Progress(_) => self.tell_progress(index),
            Command::Connect(_) => self.answer_call(now, index),
            Command::Disconnect(_, cause) | Command::Reject(_, cause) => self.hang_up(now, index, cause),
            Command::DisconnectWithTones(_, cause) => self.play_out(now, index, cause),
            Command::Release(_, cause) => self.give_up(now, index, cause),
            Command::StatusEnquiry(_) if self.calls[index].state.is_clearing() => {
                bump(&mut self.counters.misplaced_commands); // its end is under way already
            }
            Command::StatusEnquiry(_) => self.enquire(now, index),
            Command::Setup(_) | Command::Restart(_) => {}
        }
    }

    /// Calls of a lost link are active: they can end. RELEASE goes out when the link is back within T309.
    fn obey_without_link(&mut self, index: usize, command: &Command) {
        match command {
            Command::Disconnect(_, cause)
            | Command::DisconnectWithTones(_, cause)
            | Command::Release(_, cause)
            | Command::Reject(_, cause) => {
                let call = &mut self.calls[index];
                call.clear_for(*cause, By::Local);
                call.enter(State::ReleaseRequest);
            }
            _ => bump(&mut self.counters.misplaced_commands),
        }
    }

    // --- calling out

    fn setup(&mut self, now: Micros, request: &SetupRequest) {
        let Some(at) = self.reserved.iter().position(|&id| id == request.call.0) else {
            return bump(&mut self.counters.stale_commands);
        };
        self.reserved.swap_remove(at);
        if let Err((cause, by)) = self.place(now, request) {
            self.event(Event::Released { call: request.call, cause, by });
        }
    }

    fn place(&mut self, now: Micros, request: &SetupRequest) -> Result<(), (Cause, By)> {
        if !self.is_link_up() {
            return Err((Cause::NETWORK_OUT_OF_ORDER, By::Link));
        }
        if self.calls.is_full() {
            return Err((Cause::CONGESTION, By::Local));
        }
        let timeslot = self.choose_outgoing(request.timeslot, request.exclusive).map_err(|cause| (cause, By::Local))?;
        let reference = self.fresh_reference();
        let message = self.setup_message(request, timeslot, reference);
        let Some(octets) = codec::encode(&message) else {
            return Err((INVALID_NUMBER, By::Local));
        };
        self.hold(timeslot, request.call);
        self.transmit_octets(&octets);
        let call = Call {
            id: request.call,
            reference,
            placed: true,
            state: State::Offered,
            timeslot: Some(timeslot),
            settled: false,
            exclusive: request.exclusive,
            guard: Some((Guard::T303, now + self.config.timers.t303)),
            repeated: false,
            enquiry: None,
            clearing: None,
            setup: octets,
        };
        // There is room: a full table was refused above.
        let _ = self.calls.push(call);
        Ok(())
    }

    fn setup_message(&self, request: &SetupRequest, timeslot: u8, reference: u16) -> Message {
        let network = self.config.role == Role::Network;
        let number = |number: &Number| !number.digits.is_empty();
        Message {
            reference: Reference { value: reference, to_origin: false, dummy: false },
            bearer: Ie::Is(match request.bearer {
                Bearer::Speech(_) => Bearer::Speech(self.config.law),
                Bearer::Audio(_) => Bearer::Audio(self.config.law),
                other => other,
            }),
            channel: Ie::Is(Channel::slot(timeslot, request.exclusive)),
            progress: if request.origin_not_isdn {
                Progress::one(Progress::ORIGIN_NOT_ISDN)
            } else {
                Progress::default()
            },
            display: request.name.clone().filter(|_| network),
            calling: Ie::of(request.calling.clone()),
            called: Ie::of(Some(request.called.clone()).filter(number)),
            redirecting: Ie::of(request.redirecting.clone()),
            sending_complete: request.sending_complete,
            ..Message::new(Kind::Setup)
        }
    }

    fn more_digits(&mut self, now: Micros, index: usize, digits: Digits) {
        let call = &self.calls[index];
        let message = Message::new(Kind::Information);
        match (call.placed, call.state) {
            (true, State::Overlap) => {
                let called = Number { digits, ..Number::default() };
                self.send(index, Message { called: Ie::Is(called), ..message });
                self.guard(now, index, Guard::T304, self.config.timers.t304);
            }
            (_, State::Active) => self.send(index, Message { keypad: Ie::Is(digits), ..message }),
            _ => bump(&mut self.counters.misplaced_commands),
        }
    }

    // --- being called

    fn want_digits(&mut self, now: Micros, index: usize) {
        if self.advance(index, Kind::SetupAck, State::Overlap, State::Offered, false) {
            self.guard(now, index, Guard::T302, self.config.timers.t302);
        }
    }

    /// A step of the called side: sends the message and enters the state if the call is not beyond `latest`.
    fn advance(&mut self, index: usize, kind: Kind, next: State, latest: State, inband: bool) -> bool {
        let order = [State::Offered, State::Overlap, State::Proceeding, State::Alerting];
        let position = |state| order.iter().position(|&step| step == state);
        let call = &mut self.calls[index];
        let fits = !call.placed && position(call.state).is_some_and(|at| Some(at) <= position(latest));
        if !fits {
            bump(&mut self.counters.misplaced_commands);
            return false;
        }
        call.enter(next);
        let channel = settled_channel(call);
        let progress = if inband { Progress::one(Progress::IN_BAND) } else { Progress::default() };
        self.send(index, Message { channel, progress, ..Message::new(kind) });
        true
    }

    fn tell_progress(&mut self, index: usize) {
        let call = &self.calls[index];
        if call.placed || !matches!(call.state, State::Overlap | State::Proceeding | State::Alerting) {
            return bump(&mut self.counters.misplaced_commands);
        }
        let progress = Progress::one(Progress::IN_BAND);
        self.send(index, Message { progress, ..Message::new(Kind::Progress) });
    }

    fn answer_call(&mut self, now: Micros, index: usize) {
        if !self.advance(index, Kind::Connect, State::ConnectRequest, State::Alerting, false) {
            return;
        }
        let call = &mut self.calls[index];
        match self.config.role {
            Role::User => self.guard(now, index, Guard::T313, self.config.timers.t313),
            // The network waits for nothing: a user need not acknowledge (§5.1.8).
            Role::Network => {
                call.enter(State::Active);
                if let (call, Some(timeslot)) = (call.id, call.timeslot) {
                    self.event(Event::Connected { call, timeslot });
                }
            }
        }
    }

    fn show(&mut self, index: usize, text: Text) {
        if self.config.role == Role::User || self.calls[index].state.is_clearing() {
            return bump(&mut self.counters.misplaced_commands);
        }
        self.send(index, Message { display: Some(text), ..Message::new(Kind::Information) });
    }

    // --- ending

    fn hang_up(&mut self, now: Micros, index: usize, cause: Cause) {
        let call = &self.calls[index];
        match call.state {
            // Nothing was answered yet: one message is enough.
            State::Offered if !call.placed => self.complete(index, cause, By::Local),
            State::TheyDisconnect => self.release(now, index, cause),
            State::WeDisconnect | State::ReleaseRequest => {}
            _ => self.disconnect(now, index, cause, By::Local),
        }
    }

    /// DISCONNECT with progress indicator 8: the caller hears why (§5.4). A call that was not answered in any way has no
    /// channel to hear on yet: it gets CALL PROCEEDING first.
    fn play_out(&mut self, now: Micros, index: usize, cause: Cause) {
        let call = &self.calls[index];
        let before_answer = matches!(call.state, State::Offered | State::Overlap) && !call.placed;
        if self.config.role == Role::User || call.state.is_clearing() {
            return self.hang_up(now, index, cause);
        }
        if before_answer {
            self.advance(index, Kind::CallProceeding, State::Proceeding, State::Overlap, false);
        }
        let progress = Progress::one(Progress::IN_BAND);
        let message = Message { progress, ..self.with_cause(Kind::Disconnect, cause) };
        self.send(index, message);
        let call = &mut self.calls[index];
        call.clear_for(cause, By::Local);
        call.enquiry = None;
        call.enter(State::WeDisconnect);
        self.guard(now, index, Guard::T306, self.config.timers.t306);
    }

    fn give_up(&mut self, now: Micros, index: usize, cause: Cause) {
        let call = &mut self.calls[index];
        match call.state {
            State::Offered if !call.placed => self.complete(index, cause, By::Local),
            State::ReleaseRequest => {}
            _ => {
                call.clear_for(cause, By::Local);
                self.release(now, index, cause);
            }
        }
    }

    /// Whether an id is of a call that exists.
    pub fn knows(&self, call: CallId) -> bool {
        self.calls.iter().any(|held| held.id == call)
    }
}

/// 28: invalid number format.
const INVALID_NUMBER: Cause = Cause(28);
