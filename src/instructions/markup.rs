//! Speech markup inside `Say`: the elements of SSML 1.0 that speech engines agree on, with their attributes checked and
//! everything written anew, so that what reaches an engine is well-formed whatever the document held. Beside it the
//! plain words, for an engine that reads no markup.

use crate::attributes::{Attributes, is_tag};
use crate::catalogue::{self, Standing};
use crate::diagnostic::Notes;
use crate::shown;
use crate::xml::{Content, Element};

/// Octets of markup: four times the text that is spoken at most. More markup than that is no text any more.
pub const MAX_MARKUP: usize = 16 * 1024;
/// Characters of one attribute.
const MAX_VALUE: usize = 256;
/// Longest `break`, in milliseconds.
const MAX_BREAK_MS: f64 = 10_000.0;
/// A wrong attribute, or one that is missing.
const BAD_MARKUP: u32 = 13520;

/// What a `Say` holds.
pub(crate) struct Spoken {
    /// The words alone, blanks collapsed.
    pub(crate) text: String,
    /// With markup; `None`: there is none.
    pub(crate) markup: Option<String>,
}

pub(crate) fn read(say: &Element, notes: &mut Notes<'_>) -> Spoken {
    let mut writer = Writer { text: String::new(), markup: String::new(), elements: 0 };
    writer.inside(say, notes);
    let markup = writer.markup.trim().to_owned();
    let sound = writer.elements > 0 && markup.len() <= MAX_MARKUP;
    if markup.len() > MAX_MARKUP {
        let text = format!("<Say>: the markup is longer than {MAX_MARKUP} octets: the words are spoken without it");
        notes.warn(13521, say.at, text);
    }
    let text = writer.text.split_whitespace().collect::<Vec<_>>().join(" ");
    Spoken { text, markup: sound.then_some(markup) }
}

struct Writer {
    text: String,
    markup: String,
    elements: usize,
}

impl Writer {
    fn inside(&mut self, element: &Element, notes: &mut Notes<'_>) {
        for content in &element.content {
            match content {
                Content::Text { text, .. } => {
                    self.text.push_str(text);
                    self.words(text);
                }
                Content::Element(inner) => self.element(inner, notes),
            }
        }
    }

    /// One element; an unknown or useless one gives its words alone.
    fn element(&mut self, element: &Element, notes: &mut Notes<'_>) {
        let Some(row) = catalogue::element("Say", &element.name) else {
            let name: String = element.name.chars().take(40).collect();
            let text = format!("<{name}> inside <Say> is no known speech markup: only its text is spoken");
            notes.warn(12200, element.at, text);
            return self.inside(element, notes);
        };
        let name = element.name.as_str();
        let attributes = attributes(element, row.element, notes);
        if let Some(needed) = needed(name)
            && !attributes.iter().any(|(name, _)| *name == needed)
        {
            let text = format!("<{name}> without {needed} says nothing: only its text is spoken");
            notes.warn(BAD_MARKUP, element.at, text);
            return self.inside(element, notes);
        }
        self.elements += 1;
        let apart = if matches!(name, "break" | "p" | "s") { " " } else { "" };
        self.text.push_str(apart);
        self.open(name, &attributes);
        let before = self.text.len();
        if name == "break" {
            self.markup.push_str("/>");
            self.inside(element, notes);
        } else {
            self.markup.push('>');
            self.inside(element, notes);
            self.markup.push_str("</");
            self.markup.push_str(name);
            self.markup.push('>');
        }
        if let Some((_, alias)) = attributes.iter().find(|(name, _)| *name == "alias") {
            self.text.truncate(before);
            self.text.push_str(alias);
        }
        self.text.push_str(apart);
    }

    fn open(&mut self, name: &str, attributes: &[(&'static str, String)]) {
        self.markup.push('<');
        self.markup.push_str(name);
        for (name, value) in attributes {
            self.markup.push(' ');
            self.markup.push_str(name);
            self.markup.push_str("=\"");
            value.chars().for_each(|c| self.escaped(c));
            self.markup.push('"');
        }
    }

    /// Text, blanks collapsed.
    fn words(&mut self, text: &str) {
        for c in text.chars() {
            if !c.is_whitespace() {
                self.escaped(c);
            } else if !self.markup.ends_with(' ') {
                self.markup.push(' ');
            }
        }
    }

    fn escaped(&mut self, c: char) {
        match c {
            '&' => self.markup.push_str("&amp;"),
            '<' => self.markup.push_str("&lt;"),
            '>' => self.markup.push_str("&gt;"),
            '"' => self.markup.push_str("&quot;"),
            c => self.markup.push(c),
        }
    }
}

/// The attributes that are known and sound; the others are complained of.
fn attributes(element: &Element, path: &'static str, notes: &mut Notes<'_>) -> Vec<(&'static str, String)> {
    let mut attributes = Attributes::of(element, path);
    let mut sound = Vec::new();
    for row in catalogue::attributes(path).filter(|row| row.standing != Standing::Absent) {
        let Some(attribute) = attributes.take(row.attribute) else {
            continue;
        };
        let value = attribute.value.trim();
        match wanted(&element.name, row.attribute, value) {
            Ok(()) => sound.push((row.attribute, value.to_owned())),
            Err(wanted) => {
                let shown: String = shown::text(value).chars().take(40).collect();
                let text = format!("<{} {}=\"{shown}\">: {wanted} is expected; left out", element.name, row.attribute);
                notes.warn(BAD_MARKUP, attribute.at, text);
            }
        }
    }
    attributes.finish(notes);
    sound
}

/// The attribute without which an element says nothing.
fn needed(element: &str) -> Option<&'static str> {
    match element {
        "lang" => Some("xml:lang"),
        "phoneme" => Some("ph"),
        "say-as" => Some("interpret-as"),
        "sub" => Some("alias"),
        _ => None,
    }
}

/// Whether a value is as SSML 1.0 has it; else what is expected.
fn wanted(element: &str, attribute: &str, value: &str) -> Result<(), &'static str> {
    let one_of = |words: &str| words.split(' ').any(|word| word == value);
    let (sound, wanted) = match (element, attribute) {
        ("break", "strength") => {
            (one_of("none x-weak weak medium strong x-strong"), "none, x-weak, weak, medium, strong or x-strong")
        }
        ("break", "time") => {
            (milliseconds(value).is_some_and(|ms| ms <= MAX_BREAK_MS), "a time up to 10s, such as 500ms")
        }
        ("emphasis", "level") => (one_of("strong moderate none reduced"), "strong, moderate, none or reduced"),
        ("phoneme", "alphabet") => {
            (one_of("ipa x-sampa") || (value.starts_with("x-") && is_name(value)), "ipa or x-sampa")
        }
        ("prosody", "volume") => {
            let change = value.strip_suffix("dB").is_some_and(is_number) || is_number(value);
            (one_of("silent x-soft soft medium loud x-loud default") || change, "a word such as soft, or +6dB")
        }
        ("prosody", "rate") => {
            let change = is_number(value.strip_suffix('%').unwrap_or(value));
            (one_of("x-slow slow medium fast x-fast default") || change, "a word such as slow, or 80%")
        }
        ("prosody", _) if attribute != "duration" => {
            let change = ["%", "Hz", "st"].iter().any(|unit| value.strip_suffix(unit).is_some_and(is_number));
            (one_of("x-low low medium high x-high default") || change, "a word such as low, or +10%")
        }
        ("prosody", _) => (milliseconds(value).is_some(), "a time such as 2s"),
        (_, "xml:lang") => (is_tag(value), "a language tag such as en-GB"),
        ("say-as", _) | ("w", _) => (is_name(value), "a name"),
        _ => (true, ""),
    };
    if value.chars().count() > MAX_VALUE || value.is_empty() {
        return Err("a text of 1 to 256 characters");
    }
    if sound { Ok(()) } else { Err(wanted) }
}

/// A time designation: a number without sign, `s` or `ms`.
fn milliseconds(value: &str) -> Option<f64> {
    let (number, factor) = match value.strip_suffix("ms") {
        Some(number) => (number, 1.0),
        None => (value.strip_suffix('s')?, 1_000.0),
    };
    (is_number(number) && !number.starts_with(['+', '-']))
        .then(|| number.parse::<f64>().ok())
        .flatten()
        .map(|n| n * factor)
}

/// Digits with a sign and a point, at most.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    let all = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    text.len() <= 12 && !(whole.is_empty() && part.is_empty()) && all(whole) && all(part)
}

/// Letters, digits and the signs that names have.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.:".contains(c))
}
