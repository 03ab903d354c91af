//! Numbers as people and programs write them. Source: ITU-T E.123 (spaces, hyphens, brackets, the plus sign); the rest is
//! what address books hold. Letters are not translated to keys, digits of other scripts are not read.

use alloc::string::String;

use crate::plan::{Plan, Reading};

/// Digits of a number as dialled: E.164, the longest prefixes, and a service code before it.
pub(crate) const MAX_DIGITS: usize = 24;
/// Characters of a number as written; more is no number.
const MAX_WRITTEN: usize = 64;
/// Digits of a country code.
const MAX_COUNTRY: usize = 3;

impl Plan {
    /// What a person or program means by `number`: E.164 with plus where that is certain (`+44 20…`, `0044…`, `020…`);
    /// emergency numbers, short codes and what is not certain stay, without blanks, dashes, dots, slashes and brackets.
    /// `None`: it cannot be a number at all: empty, too long, or with letters in it. What it gives, it gives again.
    pub fn normal(&self, number: &str) -> Option<String> {
        let (plus, digits) = digits_of(number)?;
        if plus {
            return self.tidy(&digits);
        }
        if !crate::plan::is_digits(&digits) {
            return Some(digits);
        }
        match self.by_prefix(&digits) {
            Reading::Certain(number) => Some(number),
            Reading::Raw => Some(digits),
            Reading::TooLong => None,
        }
    }
}

/// Whether a plus stands before, and digits, `*` and `#`.
fn digits_of(number: &str) -> Option<(bool, String)> {
    let mut digits = String::new();
    let mut plus = false;
    let mut bracket = None;
    for (count, c) in number.trim().chars().enumerate() {
        if count >= MAX_WRITTEN || digits.len() > MAX_DIGITS {
            return None;
        }
        match c {
            '0'..='9' => digits.push(c),
            '*' | '#' if !plus => digits.push(c),
            '+' if digits.is_empty() && !plus => plus = true,
            '(' => bracket = Some(digits.len()),
            ')' => {
                if let Some(at) = bracket.take()
                    && plus
                    && is_trunk_zero(&digits, at)
                {
                    digits.truncate(at);
                }
            }
            c if is_blank(c) => {}
            _ => return None,
        }
    }
    (!digits.is_empty() && digits.len() <= MAX_DIGITS).then_some((plus, digits))
}

/// Of `+44 (0)20` the 0 in brackets is dialled inside the country alone. In Italy it belongs to the number.
fn is_trunk_zero(digits: &str, at: usize) -> bool {
    let (code, inside) = (digits.get(..at).unwrap_or_default(), digits.get(at..).unwrap_or_default());
    inside == "0" && (1..=MAX_COUNTRY).contains(&code.len()) && code != "39"
}

/// What parts a number for the eye: white space, dashes, dots, slashes, and the marks of direction that are copied along
/// from pages.
fn is_blank(c: char) -> bool {
    matches!(
        c,
        '-' | '.'
            | '/'
            | '\u{2010}'..='\u{2015}'
            | '\u{2212}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'
            | '\u{2066}'..='\u{2069}'
            | '\u{feff}'
    ) || (c.is_whitespace() && !c.is_control())
        || c == '\t'
}
