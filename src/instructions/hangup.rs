//! `Hangup`: the call ends.

use crate::attributes::Attributes;
use crate::diagnostic::Notes;
use crate::verb::text_only;
use crate::xml::Element;

/// Nothing is to be read, only complained of.
pub(crate) fn read(element: &Element, notes: &mut Notes<'_>) {
    Attributes::of(element).finish(&[], notes);
    text_only(element, &["Parameter"], notes);
}
