//! `Say`: text to be spoken. Speech markup inside is flattened to its words.

use std::fmt;

use crate::attributes::Attributes;
use crate::diagnostic::{Diagnostic, Notes};
use crate::xml::{Content, Element};

/// Characters that are spoken at most.
pub const MAX_TEXT: usize = 4_096;
/// Speech markup that is understood well enough to be left out.
const SPEECH_MARKUP: [&str; 10] = ["break", "emphasis", "lang", "p", "phoneme", "prosody", "s", "say-as", "sub", "w"];
const ATTRIBUTES: [&str; 3] = ["voice", "language", "loop"];

/// Speak.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Say {
    /// What; at most [`MAX_TEXT`] characters, blanks collapsed.
    pub text: String,
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
    let mut attributes = Attributes::of(element);
    let voice = name_of(&mut attributes, "voice", 13511, notes);
    let language = name_of(&mut attributes, "language", 13512, notes);
    let rounds = attributes.rounds(13510, notes);
    attributes.finish(&ATTRIBUTES, notes);
    let mut text = String::new();
    flatten(element, &mut text, notes);
    Ok(of_text(&text, element.at, notes)?.map(|say| Say { voice, language, rounds, ..say }))
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

/// A name of a voice or language: letters, digits and a few signs, so that it can be shown and looked up safely.
fn name_of(attributes: &mut Attributes<'_>, name: &str, code: u32, notes: &mut Notes<'_>) -> String {
    let Some(attribute) = attributes.take(name) else {
        return String::new();
    };
    let value = attribute.value.trim();
    if value.len() <= 64 && value.chars().all(|c| c.is_ascii_alphanumeric() || "-_.:".contains(c)) {
        return value.to_owned();
    }
    notes.warn(code, attribute.at, format!("<Say {name}>: this is no name of a {name}; the default is used"));
    String::new()
}

fn flatten(element: &Element, words: &mut String, notes: &mut Notes<'_>) {
    for content in &element.content {
        match content {
            Content::Text { text, .. } => words.push_str(text),
            Content::Element(inner) => {
                if !SPEECH_MARKUP.contains(&inner.name.as_str()) {
                    let name: String = inner.name.chars().take(40).collect();
                    let text = format!("<{name}> inside <Say> is no known speech markup: only its text is spoken");
                    notes.warn(12200, inner.at, text);
                }
                match inner.attributes.iter().find(|a| inner.name == "sub" && a.name == "alias") {
                    Some(alias) => words.push_str(&alias.value),
                    None => {
                        let apart = matches!(inner.name.as_str(), "break" | "p" | "s");
                        words.push_str(if apart { " " } else { "" });
                        flatten(inner, words, notes);
                        words.push_str(if apart { " " } else { "" });
                    }
                }
            }
        }
    }
}
