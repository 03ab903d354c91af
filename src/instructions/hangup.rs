//! `Hangup`: the call ends.

use crate::attributes::Attributes;
use crate::diagnostic::Notes;
use crate::parameter;
use crate::verb::text_only;
use crate::xml::Element;

/// Nothing is to be read, only complained of.
pub(crate) fn read(element: &Element, notes: &mut Notes<'_>) {
    Attributes::of(element, "Hangup").finish(notes);
    parameter::all(element, "Hangup>Parameter", 12200, notes);
    text_only(element, &["Parameter"], notes);
}
