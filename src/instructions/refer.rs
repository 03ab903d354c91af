//! `Refer`: the far end is to call somebody else itself.

use std::fmt;

use crate::attributes::Attributes;
use crate::diagnostic::Notes;
use crate::noun::uri_of_text;
use crate::parameter::only;
use crate::shown;
use crate::verb::Method;
use crate::xml::{Content, Element};

/// Send the far end elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refer {
    /// Asked for what came of it; `None`: the next verb.
    pub action: Option<String>,
    /// How.
    pub method: Method,
    /// A SIP address.
    pub target: String,
}

impl fmt::Display for Refer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Refer {}", shown::sip(&self.target))
    }
}

/// `None`: it names nobody.
pub(crate) fn read(element: &Element, notes: &mut Notes<'_>) -> Option<Refer> {
    let mut attributes = Attributes::of(element, "Refer");
    let action = attributes.given("action");
    let method = attributes.method("method", 13241, notes);
    attributes.finish(notes);
    only(element, &["Sip"], notes);
    let sip = element.content.iter().find_map(|content| match content {
        Content::Element(inner) if inner.name == "Sip" => Some(inner),
        _ => None,
    });
    let Some(sip) = sip else {
        notes.warn(13243, element.at, "<Refer> names nobody: passed over; put a <Sip> into it".to_owned());
        return None;
    };
    Attributes::of(sip, "Refer>Sip").finish(notes);
    Some(Refer { action, method, target: uri_of_text(sip, notes)? })
}
