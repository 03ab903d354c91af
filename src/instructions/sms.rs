//! `Sms` and `Message`: a short message goes out. Whether a gateway is there is the router's matter.

use std::fmt;

use crate::attributes::Attributes;
use crate::diagnostic::Notes;
use crate::parameter::only;
use crate::verb::{Method, text_only};
use crate::xml::{Content, Element};

/// Characters of a message, as twiml allows.
pub const MAX_BODY: usize = 1_600;
/// Pictures and sounds of one message, as twiml allows.
pub const MAX_MEDIA: usize = 10;
/// Characters of a sender or receiver.
const MAX_PARTY: usize = 64;

/// Send a short message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sms {
    /// What is written, at most [`MAX_BODY`] characters; empty only beside media.
    pub body: String,
    /// URLs of pictures and sounds (`Message` only).
    pub media: Vec<String>,
    /// Who gets it; `None`: the caller.
    pub to: Option<String>,
    /// Who sends it; `None`: the called number.
    pub from: Option<String>,
    /// Asked for what came of it; `None`: the next verb.
    pub action: Option<String>,
    /// How.
    pub method: Method,
    /// Told when it is sent, or has failed.
    pub status_callback: Option<String>,
}

impl fmt::Display for Sms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: String = self.body.chars().take(32).collect();
        let more = if words.len() < self.body.len() { "…" } else { "" };
        write!(f, " \"{words}{more}\"")?;
        if let Some(to) = &self.to { write!(f, " to={to}") } else { Ok(()) }
    }
}

/// `Sms`: the text is the message.
pub(crate) fn read(element: &Element, notes: &mut Notes<'_>) -> Option<Sms> {
    let sms = attributes(element, "Sms", notes);
    let body = text_only(element, &[], notes);
    whole(Sms { body, ..sms }, element, notes)
}

/// `Message`: the message is in `Body`, or the text is it.
pub(crate) fn message(element: &Element, notes: &mut Notes<'_>) -> Option<Sms> {
    let sms = attributes(element, "Message", notes);
    let mut media = Vec::new();
    let mut bodies = Vec::new();
    for content in &element.content {
        match content {
            Content::Element(inner) if inner.name == "Body" => {
                Attributes::of(inner, "Message>Body").finish(notes);
                bodies.push(text_only(inner, &[], notes));
            }
            Content::Element(inner) if inner.name == "Media" => {
                Attributes::of(inner, "Message>Media").finish(notes);
                let url = text_only(inner, &[], notes);
                if url.is_empty() || media.len() >= MAX_MEDIA {
                    let text = format!("<Media>: 1 to {MAX_MEDIA} URLs are expected: this one is passed over");
                    notes.warn(14103, inner.at, text);
                } else {
                    media.push(url);
                }
            }
            _ => {}
        }
    }
    if bodies.is_empty() {
        bodies.push(text_only(element, &["Body", "Media"], notes));
    } else {
        only(element, &["Body", "Media"], notes);
    }
    whole(Sms { body: bodies.join(" "), media, ..sms }, element, notes)
}

fn attributes(element: &Element, path: &'static str, notes: &mut Notes<'_>) -> Sms {
    let mut attributes = Attributes::of(element, path);
    let to = attributes.label("to", 14101, MAX_PARTY, notes);
    let from = attributes.label("from", 14102, MAX_PARTY, notes);
    let action = attributes.given("action");
    let method = attributes.method("method", 14104, notes);
    let status_callback = attributes.given("statusCallback");
    attributes.finish(notes);
    Sms { to, from, action, method, status_callback, ..Sms::default() }
}

/// The message, if there is one.
fn whole(mut sms: Sms, element: &Element, notes: &mut Notes<'_>) -> Option<Sms> {
    if sms.body.is_empty() && sms.media.is_empty() {
        let text = format!("<{}> has no text: passed over", element.name);
        notes.warn(14103, element.at, text);
        return None;
    }
    if let Some((end, _)) = sms.body.char_indices().nth(MAX_BODY) {
        notes.warn(14103, element.at, format!("the message is cut at {MAX_BODY} characters; send several"));
        sms.body.truncate(end);
    }
    Some(sms)
}
