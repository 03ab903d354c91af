//! What came of a call, as the exchange and its telephone saw it.

use tipring_card::{Cause, Law, Micros, SpanId};
use tipring_isdn::{By, IncomingCall, Presentation};

use super::Call;
use crate::{phone::Phone, script::Step};

/// Who dialled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialled {
    /// A telephone of this exchange.
    Here,
    /// The other side.
    There,
}

/// A call: under way or over.
pub struct CallReport {
    /// Its id: the one given, or `in-1`, `in-2`… for calls that arrive.
    pub id: String,
    /// Who dialled.
    pub dialled: Dialled,
    /// The calling number, when one was sent.
    pub from: Option<String>,
    /// The calling name, when one was sent.
    pub name: Option<String>,
    /// Whether the calling number is withheld.
    pub restricted: bool,
    /// The number called.
    pub to: String,
    /// Its span.
    pub span: Option<SpanId>,
    /// Its timeslot.
    pub timeslot: Option<u8>,
    /// When SETUP went out or came in.
    pub began_at: Micros,
    /// When the other side said that it is under way.
    pub proceeding_at: Option<Micros>,
    /// When the other side said that it rings.
    pub alerting_at: Option<Micros>,
    /// When it was answered.
    pub connected_at: Option<Micros>,
    /// When it was over.
    pub released_at: Option<Micros>,
    /// Why.
    pub cause: Option<Cause>,
    /// Who ended it.
    pub by: Option<By>,
    /// Whether its B channel could be opened.
    pub has_audio: bool,
    /// Blocks that found no room on the card.
    pub blocks_lost: u64,
    /// The telephone: what it heard, which steps it did.
    pub phone: Phone,
}

impl CallReport {
    pub(super) fn of(call: &Call, law: Law, now: Micros) -> CallReport {
        CallReport {
            id: call.id.clone(),
            dialled: Dialled::Here,
            from: call.from.clone(),
            name: call.name.clone(),
            restricted: call.restricted,
            to: call.to.clone(),
            span: None,
            timeslot: None,
            began_at: now,
            proceeding_at: None,
            alerting_at: None,
            connected_at: None,
            released_at: None,
            cause: None,
            by: None,
            has_audio: false,
            blocks_lost: 0,
            phone: Phone::new(law, call.steps.clone(), now),
        }
    }

    pub(super) fn incoming(
        id: String,
        incoming: &IncomingCall,
        law: Law,
        steps: Vec<Step>,
        now: Micros,
        begins_at: Micros,
    ) -> CallReport {
        let calling = incoming.calling.as_ref();
        let call = Call {
            id,
            from: calling.map(|calling| calling.number.digits.to_string()),
            name: incoming.name.as_ref().map(ToString::to_string),
            restricted: calling
                .is_some_and(|calling| calling.presentation == Presentation::Restricted),
            to: incoming.called.digits.to_string(),
            ..Call::default()
        };
        CallReport {
            dialled: Dialled::There,
            phone: Phone::new(law, steps, begins_at),
            ..CallReport::of(&call, law, now)
        }
    }
}
