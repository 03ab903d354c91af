//! `Reject`: refuse a call that is not answered yet.

use std::fmt;

use crate::attributes::{Attributes, Number};
use crate::diagnostic::Notes;
use crate::parameter;
use crate::verb::text_only;
use crate::xml::Element;

/// Refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reject {
    /// What the caller's network is told.
    pub reason: RejectReason,
    /// Our own: the Q.850 cause, in place of the reason's.
    pub cause: Option<u8>,
}

/// What the caller's network is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RejectReason {
    /// Call rejected.
    Rejected,
    /// User busy.
    Busy,
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.reason {
            RejectReason::Rejected => "Reject",
            RejectReason::Busy => "Reject reason=busy",
        })?;
        if let Some(cause) = self.cause { write!(f, " cause={cause}") } else { Ok(()) }
    }
}

pub(crate) fn read(element: &Element, notes: &mut Notes<'_>) -> Reject {
    let mut attributes = Attributes::of(element, "Reject");
    let words = [("rejected", RejectReason::Rejected), ("busy", RejectReason::Busy)];
    let reason = attributes.one_of("reason", 13810, &words, RejectReason::Rejected, notes);
    let cause = attributes.number("cause", Number { code: 13810, range: 1..=127, default: 0 }, notes);
    attributes.finish(notes);
    parameter::all(element, "Reject>Parameter", 13810, notes);
    text_only(element, &["Parameter"], notes);
    Reject { reason, cause: u8::try_from(cause).ok().filter(|cause| *cause > 0) }
}
