//! A SETUP from the far end: what must be in it, which channel it gets, or why it is refused at once with RELEASE
//! COMPLETE. What becomes of an accepted call is the owner's.
//!
//! Source: Q.931 §5.1.1, §5.2.1–§5.2.3, §5.8.6 (mandatory elements).

use tipring_card::{Cause, Micros};

use super::call::{Call, Guard, State};
use super::ie::{Channel, Ie};
use super::layer::{Layer, bump};
use super::message::{Kind, Message};
use crate::Role;
use crate::q921::Info;
use crate::words::{Bearer, Event, Fault, IncomingCall, Number};

impl Layer {
    /// A SETUP with a reference that is not in use.
    pub(super) fn incoming(&mut self, now: Micros, message: &Message) {
        if let Err(cause) = self.admit(now, message) {
            bump(&mut self.counters.refused_setups);
            let answer = self.with_cause(Kind::ReleaseComplete, cause);
            self.answer(message.reference, answer);
        }
    }

    fn admit(&mut self, now: Micros, message: &Message) -> Result<(), Cause> {
        let bearer = self.check(message)?;
        if self.calls.is_full() {
            return Err(Cause::CONGESTION);
        }
        let timeslot = self.choose_incoming(message.channel.value().copied())?;
        let id = self.fresh_id();
        self.hold(timeslot, id);
        let call = Call {
            id,
            reference: message.reference.value,
            placed: false,
            state: State::Offered,
            timeslot: Some(timeslot),
            settled: false,
            exclusive: false,
            guard: Some((Guard::Offer, now + self.config.timers.offer)),
            repeated: false,
            enquiry: None,
            clearing: None,
            setup: Info::new(),
        };
        // There is room: a full table was refused above.
        let _ = self.calls.push(call);
        self.event(Event::Incoming(IncomingCall {
            call: id,
            timeslot,
            called: message.called.value().cloned().unwrap_or_else(Number::default),
            calling: message.calling.value().cloned(),
            name: message.display.clone().filter(|name| !name.is_empty()),
            redirecting: message.redirecting.value().cloned(),
            bearer,
            sending_complete: message.sending_complete || !self.config.overlap,
        }));
        Ok(())
    }

    /// What must be there and sound.
    fn check(&mut self, message: &Message) -> Result<Bearer, Cause> {
        let channel_may_be_absent = self.config.role == Role::Network;
        let no_channel = matches!(message.channel, Ie::<Channel>::Absent) && !channel_may_be_absent;
        if message.must_understand.is_some() || matches!(message.bearer, Ie::Absent) || no_channel {
            bump(&mut self.counters.missing_elements);
            self.fault(None, Fault::MissingElement);
            return Err(Cause(96));
        }
        if matches!(message.channel, Ie::Bad) || matches!(message.bearer, Ie::Bad) {
            self.fault(None, Fault::BadElement);
            return Err(Cause(100));
        }
        if matches!(message.called, Ie::Bad) {
            self.fault(None, Fault::BadElement);
            return Err(Cause(28)); // invalid number format: better than a call to nowhere
        }
        match message.bearer.value() {
            Some(Bearer::Other(_)) | None => Err(Cause(65)), // bearer capability not implemented
            Some(bearer) => Ok(*bearer),
        }
    }
}

/// What the first answer to a SETUP says about the channel: this one and no other.
pub(super) fn settled_channel(call: &mut Call) -> Ie<Channel> {
    if call.settled {
        return Ie::Absent;
    }
    call.settled = true;
    Ie::of(call.timeslot.map(|slot| Channel::slot(slot, true)))
}
