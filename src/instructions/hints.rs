//! `hints`: words that the caller is likely to say.

use crate::attributes::Attributes;
use crate::diagnostic::Notes;

/// Phrases of one list, as twiml allows.
pub const MAX_HINTS: usize = 500;
/// Characters of a phrase.
pub const MAX_HINT: usize = 100;

/// The phrases between commas. Those that are too long or too many are left out, with a warning.
pub(crate) fn read(attributes: &mut Attributes<'_>, code: u32, notes: &mut Notes<'_>) -> Vec<String> {
    let Some(attribute) = attributes.take("hints") else {
        return Vec::new();
    };
    let phrases = attribute.value.split(',').map(str::trim).filter(|phrase| !phrase.is_empty());
    let mut left_out = 0_usize;
    let mut hints = Vec::new();
    for phrase in phrases {
        if hints.len() >= MAX_HINTS || phrase.chars().count() > MAX_HINT || phrase.chars().any(char::is_control) {
            left_out += 1;
        } else {
            hints.push(phrase.to_owned());
        }
    }
    if left_out > 0 {
        let text =
            format!("hints: {left_out} phrases are left out; {MAX_HINTS} of {MAX_HINT} characters are kept at most");
        notes.warn(code, attribute.at, text);
    }
    hints
}
