//! Calls that the network offers: a channel and a lease for them, and their answer.

use tipring_card::{Cause, Micros};
use tipring_isdn::{Command, IncomingCall, Number, Presentation, Ton};
use tipring_numbering::TypeOfNumber;
use tipring_router::{LineEvent, LineKind, LineNumber};

use super::{Bearer, SlotState, Span};

impl Span {
    pub(super) fn incoming(&mut self, now: Micros, call: &IncomingCall) {
        self.counters.incoming += 1;
        let id = call.call;
        let slot = self.slot_of(call.timeslot);
        if let Some(slot) = slot {
            self.yield_slot(now, slot);
        }
        let free = slot.filter(|&slot| self.slots[slot].state == SlotState::Idle);
        let Some((slot, lease)) = free.and_then(|slot| Some((slot, self.lease(id, slot, false)?))) else {
            self.counters.refused += 1;
            return self.order(now, Command::Reject(id, Cause::CHANNEL_UNAVAILABLE));
        };
        self.order(now, Command::Proceeding(id));
        self.tell(LineEvent::Incoming {
            lease,
            line: self.line_name(slot),
            law: self.law,
            kind: LineKind::Isdn,
            called: number(&call.called, Presentation::Allowed),
            calling: call.calling.as_ref().map(|calling| number(&calling.number, calling.presentation)),
            caller_name: call.name.as_ref().map(ToString::to_string).filter(|name| !name.is_empty()),
            redirecting: call.redirecting.as_ref().map(|by| number(&by.number, by.presentation)),
        });
    }

    pub(super) fn answer(&mut self, now: Micros, at: usize) {
        let call = &self.calls[at];
        if call.is_ours || call.bearer != Bearer::Closed {
            return;
        }
        let id = call.id;
        self.open_bearer(at);
        self.order(now, Command::Connect(id));
    }
}

/// A number of the network as the router knows it.
fn number(number: &Number, presentation: Presentation) -> LineNumber {
    let ton = match number.ton {
        Ton::International => TypeOfNumber::International,
        Ton::National => TypeOfNumber::National,
        Ton::NetworkSpecific => TypeOfNumber::Network,
        Ton::Subscriber => TypeOfNumber::Subscriber,
        Ton::Abbreviated => TypeOfNumber::Abbreviated,
        Ton::Unknown | Ton::Reserved(_) => TypeOfNumber::Unknown,
    };
    LineNumber { digits: number.digits.to_string(), ton, restricted: presentation == Presentation::Restricted }
}
