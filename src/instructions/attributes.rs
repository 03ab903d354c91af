//! The attributes of one element: taken by name with their kind checked; what is left over is unknown and said so, with
//! the nearest name that is known.

use crate::catalogue::{self, Standing};
use crate::diagnostic::{Diagnostic, Notes};
use crate::nearest::nearest;
use crate::shown;
use crate::verb::Method;
use crate::xml::{Attribute, Element};

/// Characters of a language tag: no registered one is longer.
const MAX_TAG: usize = 35;
/// Characters of a name of a voice, a model, a recognizer.
const MAX_NAME: usize = 64;

pub(crate) struct Attributes<'a> {
    /// The element's name in the catalogue, e.g. `Dial>Number`.
    path: &'static str,
    element: &'a str,
    left: Vec<&'a Attribute>,
}

impl<'a> Attributes<'a> {
    /// Those of an element that stands in the catalogue as `path`.
    pub(crate) fn of(element: &'a Element, path: &'static str) -> Self {
        Attributes { path, element: &element.name, left: element.attributes.iter().collect() }
    }

    /// The attribute of this name, if it is there.
    pub(crate) fn take(&mut self, name: &str) -> Option<&'a Attribute> {
        debug_assert!(catalogue::row(self.path, name).is_some(), "{} {name} is not in the catalogue", self.path);
        let at = self.left.iter().position(|attribute| attribute.name == name)?;
        Some(self.left.remove(at))
    }

    /// Whether the attribute is there and holds this word.
    pub(crate) fn is(&self, name: &str, word: &str) -> bool {
        self.left.iter().any(|attribute| attribute.name == name && attribute.value.trim() == word)
    }

    /// A text without blanks around it.
    pub(crate) fn text(&mut self, name: &str) -> Option<String> {
        self.take(name).map(|attribute| attribute.value.trim().to_owned())
    }

    /// A whole number within `range`, else a warning and the default.
    pub(crate) fn number(&mut self, name: &str, rule: Number, notes: &mut Notes<'_>) -> u32 {
        let Some(attribute) = self.take(name) else {
            return rule.default;
        };
        match attribute.value.trim().parse::<u32>() {
            Ok(value) if rule.range.contains(&value) => value,
            _ => {
                let (low, high) = (rule.range.start(), rule.range.end());
                let text = self.bad(attribute, &format!("a whole number from {low} to {high}"));
                notes.warn(rule.code, attribute.at, text);
                rule.default
            }
        }
    }

    /// The same where only this box has an upper end: more than that is taken for it, with a warning.
    pub(crate) fn number_up_to(&mut self, name: &str, rule: Number, notes: &mut Notes<'_>) -> u32 {
        let (element, most) = (self.element, *rule.range.end());
        let given = self.left.iter().find(|attribute| attribute.name == name);
        match given.filter(|attribute| exceeds(attribute.value.trim(), most)) {
            Some(attribute) => {
                let text = format!("<{element} {name}>: {most} at most: that is used");
                notes.warn(rule.code, attribute.at, text);
                self.take(name);
                most
            }
            None => self.number(name, rule, notes),
        }
    }

    /// A round count: 0 is [`crate::MAX_LOOP`], and so is more, with a warning.
    pub(crate) fn rounds(&mut self, code: u32, notes: &mut Notes<'_>) -> u32 {
        let rounds = self.number_up_to("loop", Number { code, range: 0..=crate::MAX_LOOP, default: 1 }, notes);
        if rounds == 0 { crate::MAX_LOOP } else { rounds }
    }

    /// `true` or `false`.
    pub(crate) fn flag(&mut self, name: &str, code: u32, default: bool, notes: &mut Notes<'_>) -> bool {
        self.one_of(name, code, &[("true", true), ("false", false)], default, notes)
    }

    /// GET or POST, in any case.
    pub(crate) fn method(&mut self, name: &str, code: u32, notes: &mut Notes<'_>) -> Method {
        let Some(attribute) = self.take(name) else {
            return Method::Post;
        };
        match attribute.value.trim().to_ascii_uppercase().as_str() {
            "GET" => Method::Get,
            "POST" => Method::Post,
            _ => {
                notes.warn(code, attribute.at, self.bad(attribute, "GET or POST"));
                Method::Post
            }
        }
    }

    /// One word of a list.
    pub(crate) fn one_of<T: Copy>(
        &mut self,
        name: &str,
        code: u32,
        words: &[(&str, T)],
        default: T,
        notes: &mut Notes<'_>,
    ) -> T {
        let Some(attribute) = self.take(name) else {
            return default;
        };
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == attribute.value.trim()) {
            return *value;
        }
        let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        notes.warn(code, attribute.at, self.bad(attribute, &names.join(" or ")));
        default
    }

    /// Which words of a list stand in the attribute, parted by blanks. `None`: none, or a wrong one and a warning.
    pub(crate) fn several<const N: usize>(
        &mut self,
        name: &str,
        code: u32,
        words: [&str; N],
        notes: &mut Notes<'_>,
    ) -> Option<[bool; N]> {
        let attribute = self.take(name)?;
        let mut found = [false; N];
        for word in attribute.value.split_whitespace() {
            let Some(at) = words.iter().position(|known| *known == word) else {
                notes.warn(code, attribute.at, self.bad(attribute, &format!("a list of {}", words.join(", "))));
                return None;
            };
            found[at] = true;
        }
        found.contains(&true).then_some(found)
    }

    /// A text that is not empty.
    pub(crate) fn given(&mut self, name: &str) -> Option<String> {
        self.text(name).filter(|text| !text.is_empty())
    }

    /// The keys of an attribute that holds keys, each of `allowed`; else a warning and the default.
    pub(crate) fn keys(&mut self, name: &str, rule: Keys<'_>, notes: &mut Notes<'_>) -> String {
        let Some(attribute) = self.take(name) else {
            return rule.default.to_owned();
        };
        let keys = attribute.value.trim();
        if keys.len() <= rule.most && keys.chars().all(|c| rule.allowed.contains(c)) {
            return keys.to_owned();
        }
        let wanted = format!("{} of {}, or empty", if rule.most == 1 { "one" } else { "any" }, rule.allowed);
        notes.warn(rule.code, attribute.at, self.bad(attribute, &wanted));
        rule.default.to_owned()
    }

    /// Complains of everything that was not taken and that the catalogue does not know, or knows as absent. What it knows
    /// otherwise has no effect here. Namespaces are not attributes.
    pub(crate) fn finish(self, notes: &mut Notes<'_>) {
        for attribute in &self.left {
            let name = attribute.name.as_str();
            let row = catalogue::row(self.path, name);
            let space = name == "xmlns" || ["xmlns:", "xml:", "xsi:"].iter().any(|space| name.starts_with(space));
            if row.map_or(space, |row| row.standing != Standing::Absent) {
                continue;
            }
            notes.warn_with(12200, attribute.at, || match row {
                Some(row) => format!("<{} {name}> is passed over: {}", self.element, row.why),
                None => self.unknown(name),
            });
        }
    }

    /// The complaint about a name that the catalogue does not have.
    fn unknown(&self, name: &str) -> String {
        let known: Vec<&str> = catalogue::attributes(self.path).map(|row| row.attribute).collect();
        let hint = nearest(name, &known).map(|near| format!("; did you mean {near}?")).unwrap_or_default();
        let name: String = name.chars().take(40).collect();
        format!("<{}> has no attribute {name}: passed over{hint}", self.element)
    }

    /// One word of a list; a wrong one ends the document.
    pub(crate) fn must_be<T: Copy>(
        &mut self,
        name: &str,
        code: u32,
        words: &[(&str, T)],
        default: T,
        notes: &Notes<'_>,
    ) -> Result<T, Diagnostic> {
        let Some(attribute) = self.take(name) else {
            return Ok(default);
        };
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == attribute.value.trim()) {
            return Ok(*value);
        }
        let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let text = format!("<{} {name}>: {} is expected", self.element, names.join(" or "));
        Err(notes.source().error(code, attribute.at, text))
    }

    /// A name of a voice, a model, a recognizer: letters, digits and a few signs, so that it can be shown and looked up
    /// safely. Empty: none.
    pub(crate) fn name(&mut self, name: &str, code: u32, notes: &mut Notes<'_>) -> String {
        let Some(attribute) = self.take(name) else {
            return String::new();
        };
        let value = attribute.value.trim();
        if value.len() <= MAX_NAME && value.chars().all(|c| c.is_ascii_alphanumeric() || "-_.:".contains(c)) {
            return value.to_owned();
        }
        let text = format!("<{} {name}>: this is no name of a {name}; the default is used", self.element);
        notes.warn(code, attribute.at, text);
        String::new()
    }

    /// A language tag such as `en-GB`; an underscore in place of the hyphen is understood. Empty: none, or a wrong one and a
    /// warning.
    pub(crate) fn tag(&mut self, name: &str, code: u32, notes: &mut Notes<'_>) -> String {
        let Some(attribute) = self.take(name) else {
            return String::new();
        };
        let value = attribute.value.trim().replace('_', "-");
        if !value.is_empty() && !is_tag(&value) {
            notes.warn(code, attribute.at, self.bad(attribute, "a language tag such as en-GB"));
            return String::new();
        }
        value
    }

    /// A text of `most` characters at most without control characters; `None`: none, empty, or a wrong one and a warning.
    pub(crate) fn label(&mut self, name: &str, code: u32, most: usize, notes: &mut Notes<'_>) -> Option<String> {
        let attribute = self.take(name)?;
        let value = attribute.value.trim();
        if value.chars().count() > most || value.chars().any(char::is_control) {
            let text = self.bad(attribute, &format!("a text of {most} characters at most"));
            notes.warn(code, attribute.at, text);
            return None;
        }
        (!value.is_empty()).then(|| value.to_owned())
    }

    /// The same of what nobody may see, so that not even a wrong one is told.
    pub(crate) fn secret(&mut self, name: &str, code: u32, most: usize, notes: &mut Notes<'_>) -> Option<String> {
        let attribute = self.take(name)?;
        let value = attribute.value.trim();
        if value.chars().count() > most || value.chars().any(char::is_control) {
            let text = format!("<{} {name}>: a text of {most} characters at most is expected; left out", self.element);
            notes.warn(code, attribute.at, text);
            return None;
        }
        (!value.is_empty()).then(|| value.to_owned())
    }

    pub(crate) fn bad(&self, attribute: &Attribute, wanted: &str) -> String {
        let value: String = shown::text(&attribute.value).chars().take(40).collect();
        format!("<{} {}=\"{value}\">: {wanted} is expected; the default is used", self.element, attribute.name)
    }
}

/// Whether a text has the form of a language tag: subtags of letters and digits, the first one of letters (RFC 5646, 2.1).
pub(crate) fn is_tag(text: &str) -> bool {
    let mut subtags = text.split('-');
    let language = subtags.next().unwrap_or_default();
    let sound = |subtag: &str| (1..=8).contains(&subtag.len()) && subtag.bytes().all(|it| it.is_ascii_alphanumeric());
    let private = matches!(language, "x" | "X" | "i" | "I");
    let named = (2..=8).contains(&language.len()) && language.bytes().all(|it| it.is_ascii_alphabetic());
    let more = subtags.all(sound);
    text.len() <= MAX_TAG && more && (named || private && text.len() > 1)
}

/// Whether a text is a whole number that is greater.
fn exceeds(text: &str, most: u32) -> bool {
    let digits = !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    digits && text.parse::<u32>().map_or(true, |number| number > most)
}

/// The rule of a whole number.
pub(crate) struct Number {
    pub(crate) code: u32,
    pub(crate) range: std::ops::RangeInclusive<u32>,
    pub(crate) default: u32,
}

/// The rule of an attribute that holds keys.
pub(crate) struct Keys<'a> {
    pub(crate) code: u32,
    pub(crate) allowed: &'a str,
    pub(crate) most: usize,
    pub(crate) default: &'a str,
}
