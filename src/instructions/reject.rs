//! `Reject`: refuse a call that is not answered yet.

use std::fmt;

use crate::attributes::Attributes;
use crate::diagnostic::Notes;
use crate::verb::text_only;
use crate::xml::Element;

/// Refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reject {
    /// What the caller's network is told.
    pub reason: RejectReason,
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
        })
    }
}

pub(crate) fn read(element: &Element, notes: &mut Notes<'_>) -> Reject {
    let mut attributes = Attributes::of(element);
    let words = [("rejected", RejectReason::Rejected), ("busy", RejectReason::Busy)];
    let reason = attributes.one_of("reason", 13810, &words, RejectReason::Rejected, notes);
    attributes.finish(&["reason"], notes);
    text_only(element, &["Parameter"], notes);
    Reject { reason }
}
