//! The verbs of a document: which there are, which are known but not carried out here, and where each stands.

use std::fmt;

use crate::attributes::Attributes;
use crate::catalogue::{self, Standing};
use crate::diagnostic::{Diagnostic, Notes};
use crate::nearest::nearest;
use crate::xml::{Content, Element};
use crate::{Connect, Dial, Enqueue, Gather, Pause, Play, Record, Redirect, Refer, Reject, Say, Sms, Start, Stop};

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
    /// Collect keys or speech.
    Gather(Box<Gather>),
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
    /// Wait in a queue.
    Enqueue(Enqueue),
    /// Leave the queue, and go on behind its Enqueue.
    Leave,
    /// Send the far end elsewhere.
    Refer(Refer),
    /// Send a short message.
    Sms(Sms),
    /// Send a short message, as documents for messages write it.
    Message(Sms),
    /// Join with what is no telephone.
    Connect(Connect),
    /// Begin something beside the call.
    Start(Start),
    /// End something beside the call.
    Stop(Stop),
    /// Let the caller hear himself.
    Echo,
    /// A verb of the dialect that this box does not carry out: passed over.
    Unsupported {
        /// Its name.
        name: String,
        /// Why, and what to do.
        reason: &'static str,
    },
}

impl Verb {
    /// The element that it is.
    pub fn name(&self) -> &str {
        match self {
            Verb::Say(_) => "Say",
            Verb::Play(_) => "Play",
            Verb::Gather(_) => "Gather",
            Verb::Record(_) => "Record",
            Verb::Dial(_) => "Dial",
            Verb::Pause(_) => "Pause",
            Verb::Redirect(_) => "Redirect",
            Verb::Reject(_) => "Reject",
            Verb::Hangup => "Hangup",
            Verb::Enqueue(_) => "Enqueue",
            Verb::Leave => "Leave",
            Verb::Refer(_) => "Refer",
            Verb::Sms(_) => "Sms",
            Verb::Message(_) => "Message",
            Verb::Connect(_) => "Connect",
            Verb::Start(_) => "Start",
            Verb::Stop(_) => "Stop",
            Verb::Echo => "Echo",
            Verb::Unsupported { name, .. } => name,
        }
    }
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
            Verb::Enqueue(enqueue) => enqueue.fmt(f),
            Verb::Refer(refer) => refer.fmt(f),
            Verb::Sms(sms) | Verb::Message(sms) => write!(f, "{}{sms}", self.name()),
            Verb::Connect(connect) => connect.fmt(f),
            Verb::Start(start) => start.fmt(f),
            Verb::Stop(stop) => stop.fmt(f),
            Verb::Hangup | Verb::Leave | Verb::Echo => f.write_str(self.name()),
            Verb::Unsupported { name, .. } => write!(f, "{name} (not available)"),
        }
    }
}

/// Reads one verb; `None`: it cannot be carried out, a warning says why.
pub(crate) fn read(element: &Element, notes: &mut Notes<'_>) -> Result<Option<Verb>, Diagnostic> {
    Ok(match element.name.as_str() {
        "Say" => crate::say::read(element, notes)?.map(Verb::Say),
        "Play" => crate::play::read(element, notes).map(Verb::Play),
        "Gather" => Some(Verb::Gather(Box::new(crate::gather::read(element, notes)?))),
        "Record" => Some(Verb::Record(crate::record::read(element, notes))),
        "Dial" => Some(Verb::Dial(Box::new(crate::dial::read(element, notes)?))),
        "Pause" => Some(Verb::Pause(crate::pause::read(element, notes))),
        "Redirect" => Some(Verb::Redirect(crate::redirect::read(element, notes))),
        "Reject" => Some(Verb::Reject(crate::reject::read(element, notes))),
        "Hangup" => {
            crate::hangup::read(element, notes);
            Some(Verb::Hangup)
        }
        "Enqueue" => crate::enqueue::read(element, notes).map(Verb::Enqueue),
        "Leave" => Some(bare(element, "Leave", Verb::Leave, notes)),
        "Refer" => crate::refer::read(element, notes).map(Verb::Refer),
        "Sms" => crate::sms::read(element, notes).map(Verb::Sms),
        "Message" => crate::sms::message(element, notes).map(Verb::Message),
        "Connect" => crate::connect::read(element, notes).map(Verb::Connect),
        "Start" => crate::start::read(element, notes)?.map(Verb::Start),
        "Stop" => Some(Verb::Stop(crate::start::stop(element, notes)?)),
        "Echo" => Some(bare(element, "Echo", Verb::Echo, notes)),
        _ => other(element, notes),
    })
}

/// A verb without attributes and content.
fn bare(element: &Element, path: &'static str, verb: Verb, notes: &mut Notes<'_>) -> Verb {
    Attributes::of(element, path).finish(notes);
    text_only(element, &[], notes);
    verb
}

/// A verb of the dialect that is not here, or none at all.
fn other(element: &Element, notes: &mut Notes<'_>) -> Option<Verb> {
    let name = element.name.as_str();
    if let Some(row) = catalogue::element("", name) {
        notes.warn(12200, element.at, format!("<{name}> is not available on this box: {}", row.why));
        return Some(Verb::Unsupported { name: name.to_owned(), reason: row.why });
    }
    notes.warn_with(12200, element.at, || {
        let verbs = catalogue::elements("").filter(|(_, row)| row.standing != Standing::Absent).map(|(verb, _)| verb);
        let verbs: Vec<&str> = verbs.collect();
        let hint = nearest(name, &verbs).map(|near| format!("; did you mean {near}?"));
        let hint = hint.unwrap_or_else(|| format!("; the verbs are {}", verbs.join(", ")));
        let name: String = name.chars().take(40).collect();
        format!("there is no verb <{name}>: passed over{hint}")
    });
    None
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
