//! `Client` in `Dial`: somebody who is registered by name.

use crate::attributes::Attributes;
use crate::called::{CalledLeg, called_leg};
use crate::diagnostic::Notes;
use crate::parameter;
use crate::verb::{Place, text_only};
use crate::xml::{Content, Element};

/// Characters of an identity.
const MAX_IDENTITY: usize = 128;

/// A client of a registrar.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientNoun {
    /// Its name.
    pub identity: String,
    /// What is told to it.
    pub parameters: Vec<(String, String)>,
    /// The document and the callbacks of the leg.
    pub leg: CalledLeg,
    /// Where it stands.
    pub place: Place,
}

pub(super) fn read(noun: &Element, notes: &mut Notes<'_>) -> Option<ClientNoun> {
    let mut attributes = Attributes::of(noun, "Dial>Client");
    let leg = called_leg(&mut attributes, 13221, notes);
    attributes.finish(notes);
    let parameters = parameter::all(noun, "Dial>Client>Parameter", 13224, notes);
    let text = text_only(noun, &["Identity", "Parameter"], notes);
    let child = noun.content.iter().find_map(|content| match content {
        Content::Element(inner) if inner.name == "Identity" => Some(inner),
        _ => None,
    });
    let identity = child.map_or(text, |child| {
        Attributes::of(child, "Dial>Client>Identity").finish(notes);
        text_only(child, &[], notes)
    });
    if identity.is_empty() || identity.chars().count() > MAX_IDENTITY || identity.chars().any(char::is_control) {
        let text = format!("<Client>: a name of 1 to {MAX_IDENTITY} characters is expected: passed over");
        notes.warn(13224, noun.at, text);
        return None;
    }
    Some(ClientNoun { identity, parameters, leg, place: notes.source().place(noun.at) })
}
