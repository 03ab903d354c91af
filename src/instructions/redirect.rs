//! `Redirect`: the rest of the document is another document.

use std::fmt;

use crate::attributes::Attributes;
use crate::diagnostic::Notes;
use crate::shown;
use crate::verb::{Method, text_only};
use crate::xml::Element;

/// Go on elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirect {
    /// Absolute or relative; empty: the current document again.
    pub url: String,
    /// How it is asked.
    pub method: Method,
}

impl fmt::Display for Redirect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redirect {}", shown::url(&self.url))
    }
}

pub(crate) fn read(element: &Element, notes: &mut Notes<'_>) -> Redirect {
    let mut attributes = Attributes::of(element, "Redirect");
    let method = attributes.method("method", 13710, notes);
    attributes.finish(notes);
    Redirect { url: text_only(element, &[], notes), method }
}
