//! `Queue` in `Dial`: whoever waits longest in a queue.

use crate::attributes::Attributes;
use crate::diagnostic::Notes;
use crate::verb::{Method, Place, text_only};
use crate::xml::Element;

/// Characters of a queue's name.
pub(crate) const MAX_QUEUE_NAME: usize = 64;

/// Whoever waits longest in a queue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueueNoun {
    /// The queue's name.
    pub name: String,
    /// A document for the one who waited, before both are connected.
    pub url: Option<String>,
    /// How it is asked.
    pub method: Method,
    /// Where it stands.
    pub place: Place,
}

pub(super) fn read(noun: &Element, notes: &mut Notes<'_>) -> Option<QueueNoun> {
    let mut attributes = Attributes::of(noun, "Dial>Queue");
    let url = attributes.given("url");
    let method = attributes.method("method", 14210, notes);
    attributes.finish(notes);
    let name = text_only(noun, &[], notes);
    if name.is_empty() || name.chars().count() > MAX_QUEUE_NAME || name.chars().any(char::is_control) {
        let text = format!("<Queue>: a name of 1 to {MAX_QUEUE_NAME} characters is expected: passed over");
        notes.warn(14212, noun.at, text);
        return None;
    }
    Some(QueueNoun { name, url, method, place: notes.source().place(noun.at) })
}
