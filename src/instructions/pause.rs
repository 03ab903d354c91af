//! `Pause`: wait, and say nothing.

use std::fmt;

use crate::attributes::{Attributes, Number};
use crate::diagnostic::Notes;
use crate::verb::text_only;
use crate::xml::Element;

/// A day; a longer silence is a mistake.
const MAX_LENGTH: u32 = 86_400;

/// Wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pause {
    /// Seconds.
    pub length_s: u32,
}

impl fmt::Display for Pause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pause length={}", self.length_s)
    }
}

pub(crate) fn read(element: &Element, notes: &mut Notes<'_>) -> Pause {
    let mut attributes = Attributes::of(element, "Pause");
    let length_s = attributes.number_up_to("length", Number { code: 13910, range: 1..=MAX_LENGTH, default: 1 }, notes);
    attributes.finish(notes);
    text_only(element, &[], notes);
    Pause { length_s }
}
