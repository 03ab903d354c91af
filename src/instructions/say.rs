//! `Say`: text to be spoken, with the markup that says how.

use std::fmt;

use crate::attributes::Attributes;
use crate::diagnostic::{Diagnostic, Notes};
use crate::markup;
use crate::xml::Element;

/// Characters that are spoken at most.
pub const MAX_TEXT: usize = 4_096;

/// Speak.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Say {
    /// What; at most [`MAX_TEXT`] characters, blanks collapsed.
    pub text: String,
    /// The same with its speech markup, made safe: the inside of an SSML document. `None`: there is none.
    pub markup: Option<String>,
    /// As the document names it; empty: default.
    pub voice: String,
    /// Language tag; empty: default.
    pub language: String,
    /// How often.
    pub rounds: u32,
}

impl fmt::Display for Say {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: String = self.text.chars().take(48).collect();
        let more = if words.len() < self.text.len() { "…" } else { "" };
        write!(f, "Say \"{words}{more}\"")?;
        for (name, value) in [("voice", &self.voice), ("language", &self.language)] {
            if !value.is_empty() {
                write!(f, " {name}={value}")?;
            }
        }
        if self.rounds != 1 { write!(f, " loop={}", self.rounds) } else { Ok(()) }
    }
}

pub(crate) fn read(element: &Element, notes: &mut Notes<'_>) -> Result<Option<Say>, Diagnostic> {
    let mut attributes = Attributes::of(element, "Say");
    let voice = attributes.name("voice", 13511, notes);
    let language = attributes.tag("language", 13512, notes);
    let rounds = attributes.rounds(13510, notes);
    attributes.finish(notes);
    let spoken = markup::read(element, notes);
    // Markup cannot be cut where its text is.
    let markup = spoken.markup.filter(|_| spoken.text.chars().count() <= MAX_TEXT);
    Ok(of_text(&spoken.text, element.at, notes)?.map(|say| Say { markup, voice, language, rounds, ..say }))
}

/// A text as a `Say`; `None` with a warning if there is nothing to be said.
pub(crate) fn of_text(text: &str, at: usize, notes: &mut Notes<'_>) -> Result<Option<Say>, Diagnostic> {
    let mut text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.is_empty() {
        notes.warn(13520, at, "<Say> has no text: passed over".to_owned());
        return Ok(None);
    }
    if let Some((end, _)) = text.char_indices().nth(MAX_TEXT) {
        notes.warn(13521, at, format!("the text is cut at {MAX_TEXT} characters; spread it over several <Say>"));
        text.truncate(end);
    }
    Ok(Some(Say { text, rounds: 1, ..Say::default() }))
}
