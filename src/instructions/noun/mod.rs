//! What stands inside `Dial`: whom it calls. A file for each noun; nouns of the dialect that this box does not have are
//! named, so that the router can say what it cannot do. Whether a number exists, is open and has a line is the router's
//! matter.

mod client;
mod conference;
mod number;
mod queue;
mod sip;

pub use client::ClientNoun;
pub use conference::{Beep, JitterBuffer, Room, RoomEvents};
pub use number::{DialNumber, NumberType, Presentation};
pub use queue::QueueNoun;
pub use sip::{SipNoun, SipUri};

pub(crate) use queue::MAX_QUEUE_NAME;
pub(crate) use sip::uri_of_text;

use crate::catalogue;
use crate::diagnostic::{Diagnostic, Notes};
use crate::dial::{MAX_TARGETS, Target};
use crate::nearest::nearest;
use crate::verb::misplaced;
use crate::xml::{Content, Element};

use number::written;

/// Nouns that must be alone.
const ALONE: [&str; 2] = ["Conference", "Queue"];

/// Whom a Dial calls, in order; at most [`MAX_TARGETS`].
pub(crate) fn targets(dial: &Element, notes: &mut Notes<'_>) -> Result<Vec<Target>, Diagnostic> {
    let mut nouns: Vec<&Element> = Vec::new();
    for content in &dial.content {
        let Content::Element(inner) = content else { continue };
        if catalogue::element("Dial", &inner.name).is_some() {
            nouns.push(inner);
        } else {
            not_a_noun(inner, notes);
        }
    }
    if nouns.is_empty() {
        return Ok(of_text(dial, notes).into_iter().collect());
    }
    stray_text(dial, notes);
    let others = nouns.iter().any(|noun| !ALONE.contains(&noun.name.as_str()));
    let mut targets = Vec::new();
    for noun in nouns {
        if ALONE.contains(&noun.name.as_str()) && (others || !targets.is_empty()) {
            let text = format!("<{}> must be alone in its <Dial>: passed over", noun.name);
            notes.warn(13000, noun.at, text);
            continue;
        }
        if targets.len() >= MAX_TARGETS {
            let text = format!("<Dial> calls {MAX_TARGETS} targets at most: this and what follows is passed over");
            notes.warn(13215, noun.at, text);
            break;
        }
        targets.extend(target(noun, notes)?);
    }
    Ok(targets)
}

/// One noun. `None`: it is no target, a warning says why.
fn target(noun: &Element, notes: &mut Notes<'_>) -> Result<Option<Target>, Diagnostic> {
    Ok(match noun.name.as_str() {
        "Number" => number::read(noun, notes).map(Target::Number),
        "Conference" => conference::read(noun, notes)?.map(|room| Target::Conference(Box::new(room))),
        "Queue" => queue::read(noun, notes).map(Target::Queue),
        "Sip" => sip::read(noun, notes).map(|sip| Target::Sip(Box::new(sip))),
        "Client" => client::read(noun, notes).map(|client| Target::Client(Box::new(client))),
        name => {
            let why = catalogue::element("Dial", name).map_or("", |row| row.why);
            notes.warn(12200, noun.at, format!("<{name}> cannot be called: {why}"));
            Some(Target::Unsupported(name.to_owned()))
        }
    })
}

/// A `Dial` that holds text alone is one number.
fn of_text(dial: &Element, notes: &mut Notes<'_>) -> Option<Target> {
    let mut words = Vec::new();
    let mut at = None;
    for content in &dial.content {
        if let Content::Text { text, at: start } = content {
            words.extend(text.split_whitespace());
            if !text.trim().is_empty() {
                at = at.or(Some(start + text.len() - text.trim_start().len()));
            }
        }
    }
    let Some(at) = at else {
        notes.warn(13223, dial.at, "<Dial> names nobody to be called; put a number into it".to_owned());
        return None;
    };
    let number = written(&words.join(" "), "Dial", at, notes)?;
    Some(Target::Number(DialNumber { number, place: notes.source().place(at), ..DialNumber::default() }))
}

/// Complains of what is no noun: a verb, or a name that nobody knows.
fn not_a_noun(inner: &Element, notes: &mut Notes<'_>) {
    if catalogue::element("", &inner.name).is_some() {
        return misplaced(inner, "Dial", notes);
    }
    notes.warn_with(12200, inner.at, || {
        let names: Vec<&str> = catalogue::elements("Dial").map(|(name, _)| name).collect();
        let hint = nearest(&inner.name, &names).map(|near| format!("; did you mean {near}?"));
        let hint = hint.unwrap_or_else(|| format!("; the nouns are {}", names.join(", ")));
        let name: String = inner.name.chars().take(40).collect();
        format!("<Dial> calls no <{name}>: passed over{hint}")
    });
}

/// Complains of text beside nouns.
fn stray_text(dial: &Element, notes: &mut Notes<'_>) {
    for content in &dial.content {
        if let Content::Text { text, at } = content
            && !text.trim().is_empty()
        {
            let at = at + text.len() - text.trim_start().len();
            notes.warn(13215, at, "text beside the nouns of <Dial> is passed over; put it into <Number>".to_owned());
        }
    }
}
