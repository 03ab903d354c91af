//! Calls that we make: SETUP on a wished channel, the channel that the network settles, what is heard on the way, and
//! what is worth another line.
//!
//! Source: Q.931 §5.1 (the calling user), §5.1.2 (choice of the channel), §5.7 (both ends seize one).

use tipring_card::{Cause, Micros};
use tipring_isdn::{
    By, CallId, Calling, Command, Digits, Npi, Number, Presentation, Screening, SetupRequest, Text, Ton,
};
use tipring_numbering::{LineDigits, TypeOfNumber};
use tipring_router::LineEvent;
use tipring_switch::Port;

use super::{Bearer, Early, SlotState, Span};

/// A call to be made on one span.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// The wished channel.
    pub timeslot: u8,
    pub called: LineDigits,
    /// Empty: none is sent.
    pub calling: LineDigits,
    pub restricted: bool,
    pub name: String,
}

/// A call of ours that this refuses before the network has taken it up may succeed on another channel.
const WORTH_ANOTHER: [Cause; 4] = [
    Cause::NO_CHANNEL,
    Cause::CHANNEL_UNAVAILABLE,
    Cause(6),  // channel unacceptable
    Cause(82), // identified channel does not exist
];

impl Request {
    /// Whether its number can be sent at all.
    pub fn called_number(&self) -> Option<Number> {
        number(&self.called).filter(|number| !number.digits.is_empty())
    }

    fn calling_number(&self, is_network: bool) -> Option<Calling> {
        let number = number(&self.calling)?;
        if number.digits.is_empty() && !self.restricted {
            return None;
        }
        let presentation = if self.restricted { Presentation::Restricted } else { Presentation::Allowed };
        let screening = if is_network { Screening::Network } else { Screening::UserNotScreened };
        Some(Calling { number, presentation, screening })
    }
}

impl Span {
    /// Sends SETUP. The lease and the line's name; `None` when the number cannot be sent or the channel is not free.
    pub(crate) fn dial(&mut self, now: Micros, request: &Request) -> Option<(Port, String)> {
        let called = request.called_number()?;
        let slot = self.slot_of(request.timeslot).filter(|&slot| self.slots[slot].state == SlotState::Idle)?;
        let id = self.trunk.next_call_id();
        let lease = self.lease(id, slot, true)?;
        self.counters.outgoing += 1;
        let setup = SetupRequest {
            timeslot: Some(request.timeslot),
            calling: request.calling_number(self.is_network),
            name: Some(cut(&request.name)).filter(|name| !name.is_empty()),
            ..SetupRequest::speech(id, called, self.law)
        };
        let line = self.line_name(slot);
        self.order(now, Command::Setup(setup));
        if let Some(settled) = self.trunk.timeslot(id) {
            self.rebind(id, settled);
        }
        self.drain(now);
        Some((lease, line))
    }

    /// An incoming call has the channel that a call of ours had wished for: ours goes on without one.
    pub(super) fn yield_slot(&mut self, now: Micros, slot: usize) {
        let SlotState::Held(holder) = self.slots[slot].state else {
            return;
        };
        if self.trunk.timeslot(holder) == Some(self.slots[slot].timeslot) {
            return;
        }
        let Some(at) = self.calls.iter().position(|call| call.id == holder && call.is_ours) else {
            return;
        };
        self.counters.glares += 1;
        self.slots[slot].state = SlotState::Idle;
        self.calls[at].slot = None;
        self.note(&format!("channel {}: taken by an incoming call, ours goes on", self.slots[slot].timeslot));
        // Every port may have its lease: then there is no other channel for ours either.
        if self.calls.len() >= self.generations.len() {
            self.order(now, Command::Disconnect(holder, Cause::CHANNEL_UNAVAILABLE));
            if let Some(port) = self.forget(holder) {
                self.out.push_back(super::Output::Refused { port, cause: Cause::CHANNEL_UNAVAILABLE });
            }
        }
    }

    /// The network has taken a call up, may have settled its channel, and may have something to be heard on it.
    pub(super) fn goes_on(&mut self, id: CallId, timeslot: Option<u8>, inband: bool) {
        let Some(at) = self.calls.iter().position(|call| call.id == id) else {
            return;
        };
        if !self.calls[at].is_ours {
            return;
        }
        self.calls[at].taken_up = true;
        if let Some(settled) = timeslot.or_else(|| self.trunk.timeslot(id)) {
            self.rebind(id, settled);
        }
        if inband && self.calls[at].early == Early::Nothing {
            self.calls[at].early = Early::Wanted;
            self.open_bearer(at);
            self.tell_heard(at);
        }
    }

    pub(super) fn rings(&mut self, id: CallId) {
        if let Some(call) = self.calls.iter_mut().find(|call| call.id == id && call.is_ours)
            && !std::mem::replace(&mut call.ringing_told, true)
        {
            let lease = call.port;
            self.tell(LineEvent::Ringing { lease });
        }
    }

    /// The call goes on on another channel under the same lease: nothing of it was opened yet.
    fn rebind(&mut self, id: CallId, timeslot: u8) {
        let Some(at) = self.calls.iter().position(|call| call.id == id) else {
            return;
        };
        let Some(slot) = self.slot_of(timeslot) else {
            return;
        };
        let call = &mut self.calls[at];
        if call.slot == Some(slot) || call.bearer != Bearer::Closed || self.slots[slot].state != SlotState::Idle {
            return;
        }
        if let Some(before) = call.slot.replace(slot)
            && self.slots[before].state == SlotState::Held(id)
        {
            self.slots[before].state = SlotState::Idle;
            self.tell(LineEvent::LineFree);
        }
        self.slots[slot].state = SlotState::Held(id);
        let line = self.line_name(slot);
        self.note(&format!("the network has put a call of ours on {line}"));
    }

    /// Whether a call that ends so may succeed elsewhere without anybody having noticed.
    pub(super) fn is_worth_another_line(&self, id: CallId, cause: Cause, by: By) -> bool {
        let call = self.calls.iter().find(|call| call.id == id);
        call.is_some_and(|call| call.is_ours && !call.taken_up)
            && (WORTH_ANOTHER.contains(&cause) || by == By::Link || by == By::Restart)
    }
}

fn number(digits: &LineDigits) -> Option<Number> {
    let (ton, npi) = match digits.ton {
        TypeOfNumber::Unknown => (Ton::Unknown, Npi::Unknown),
        TypeOfNumber::International => (Ton::International, Npi::E164),
        TypeOfNumber::National => (Ton::National, Npi::E164),
        TypeOfNumber::Network => (Ton::NetworkSpecific, Npi::E164),
        TypeOfNumber::Subscriber => (Ton::Subscriber, Npi::E164),
        TypeOfNumber::Abbreviated => (Ton::Abbreviated, Npi::Unknown),
    };
    // A pause is for lines that are dialled on by tones.
    let sent: String = digits.digits.chars().filter(|c| !matches!(c, 'w' | 'W')).collect();
    Number::of(&sent, ton, npi).filter(|number| number.digits.len() <= Digits::new().capacity())
}

/// As much of a name as the network takes.
fn cut(name: &str) -> Text {
    let mut text = Text::new();
    for c in name.chars() {
        if text.push(c).is_err() {
            break;
        }
    }
    text
}
