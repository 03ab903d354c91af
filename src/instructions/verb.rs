//! The verbs of a document: which there are, which are known but not carried out here, and where each stands.

use std::fmt;

use crate::attributes::nearest;
use crate::diagnostic::{Diagnostic, Notes};
use crate::xml::{Content, Element};
use crate::{Dial, Gather, Pause, Play, Record, Redirect, Reject, Say};

/// Verbs that are carried out.
pub(crate) const VERBS: [&str; 9] =
    ["Say", "Play", "Gather", "Record", "Dial", "Pause", "Redirect", "Reject", "Hangup"];
/// Verbs of the dialect that are passed over, with a notification.
const NOT_HERE: [&str; 11] =
    ["Enqueue", "Leave", "Refer", "Sms", "Message", "Connect", "Start", "Stop", "Prompt", "Pay", "Echo"];

/// GET or POST.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Method {
    /// Parameters in the query.
    Get,
    /// Parameters in a form body.
    #[default]
    Post,
}

/// Where something stands in its document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// From 1.
    pub line: u32,
    /// From 1, in characters.
    pub column: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// A verb and its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    /// What to do.
    pub verb: Verb,
    /// Where that is written.
    pub place: Place,
}

/// What to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Verb {
    /// Speak.
    Say(Say),
    /// Play a sound or keys.
    Play(Play),
    /// Collect keys.
    Gather(Gather),
    /// Record the caller.
    Record(Record),
    /// Call others.
    Dial(Box<Dial>),
    /// Wait.
    Pause(Pause),
    /// Go on with another document.
    Redirect(Redirect),
    /// Refuse the call.
    Reject(Reject),
    /// End the call.
    Hangup,
    /// A verb of the dialect that this box does not carry out: passed over.
    Unsupported {
        /// Its name.
        name: String,
    },
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verb::Say(say) => say.fmt(f),
            Verb::Play(play) => play.fmt(f),
            Verb::Gather(gather) => gather.fmt(f),
            Verb::Record(record) => record.fmt(f),
            Verb::Dial(dial) => dial.fmt(f),
            Verb::Pause(pause) => pause.fmt(f),
            Verb::Redirect(redirect) => redirect.fmt(f),
            Verb::Reject(reject) => reject.fmt(f),
            Verb::Hangup => f.write_str("Hangup"),
            Verb::Unsupported { name } => write!(f, "{name} (not available)"),
        }
    }
}

/// Reads one verb; `None`: it cannot be carried out, a warning says why.
pub(crate) fn read(element: &Element, notes: &mut Notes<'_>) -> Result<Option<Verb>, Diagnostic> {
    Ok(match element.name.as_str() {
        "Say" => crate::say::read(element, notes)?.map(Verb::Say),
        "Play" => crate::play::read(element, notes).map(Verb::Play),
        "Gather" => Some(Verb::Gather(crate::gather::read(element, notes)?)),
        "Record" => Some(Verb::Record(crate::record::read(element, notes))),
        "Dial" => Some(Verb::Dial(Box::new(crate::dial::read(element, notes)))),
        "Pause" => Some(Verb::Pause(crate::pause::read(element, notes))),
        "Redirect" => Some(Verb::Redirect(crate::redirect::read(element, notes))),
        "Reject" => Some(Verb::Reject(crate::reject::read(element, notes))),
        "Hangup" => {
            crate::hangup::read(element, notes);
            Some(Verb::Hangup)
        }
        name if NOT_HERE.contains(&name) => {
            notes.warn(12200, element.at, format!("<{name}> is not available on this box yet: passed over"));
            Some(Verb::Unsupported { name: name.to_owned() })
        }
        name => {
            let hint = nearest(name, &VERBS).map(|near| format!("; did you mean {near}?"));
            let hint = hint.unwrap_or_else(|| format!("; the verbs are {}", VERBS.join(", ")));
            let name: String = name.chars().take(40).collect();
            notes.warn(12200, element.at, format!("there is no verb <{name}>: passed over{hint}"));
            None
        }
    })
}

/// The text of an element that may hold nothing else, blanks collapsed. Elements in it are complained of, except those
/// in `allowed`.
pub(crate) fn text_only(element: &Element, allowed: &[&str], notes: &mut Notes<'_>) -> String {
    let mut words = String::new();
    for content in &element.content {
        match content {
            Content::Text { text, .. } => words.push_str(text),
            Content::Element(inner) if allowed.contains(&inner.name.as_str()) => {}
            Content::Element(inner) => misplaced(inner, &element.name, notes),
        }
    }
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Complains of an element where it may not stand.
pub(crate) fn misplaced(inner: &Element, outer: &str, notes: &mut Notes<'_>) {
    let name: String = inner.name.chars().take(40).collect();
    let text = format!("<{name}> may not stand inside <{outer}>: passed over; put it after </{outer}>");
    notes.warn(12200, inner.at, text);
}
