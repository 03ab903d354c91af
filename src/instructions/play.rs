//! `Play`: a sound by its URL, or keys.

use std::fmt;

use crate::attributes::Attributes;
use crate::diagnostic::Notes;
use crate::shown;
use crate::verb::text_only;
use crate::xml::Element;

/// Keys and pauses of one `digits`: three minutes of tones at most.
pub(crate) const MAX_KEYS: usize = 256;
/// What may stand among keys.
pub(crate) const KEYS: &str = "0123456789*#ABCDwW";

/// Play.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Play {
    /// What.
    pub sound: Sound,
    /// How often.
    pub rounds: u32,
}

/// What is played.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sound {
    /// Absolute or relative.
    Url(String),
    /// `0-9 * # A-D`, `w` for half a second of silence and `W` for a second.
    Keys(String),
}

impl fmt::Display for Play {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.sound {
            Sound::Url(url) => write!(f, "Play {}", shown::url(url))?,
            Sound::Keys(keys) => write!(f, "Play digits={keys}")?,
        }
        if self.rounds != 1 { write!(f, " loop={}", self.rounds) } else { Ok(()) }
    }
}

pub(crate) fn read(element: &Element, notes: &mut Notes<'_>) -> Option<Play> {
    let mut attributes = Attributes::of(element, "Play");
    let rounds = attributes.rounds(13410, notes);
    let digits = attributes.take("digits");
    attributes.finish(notes);
    let url = text_only(element, &[], notes);
    if !url.is_empty() {
        if let Some(digits) = digits {
            let text = "<Play> has a URL and digits: the digits are passed over; use two <Play>".to_owned();
            notes.warn(13430, digits.at, text);
        }
        return Some(Play { sound: Sound::Url(url), rounds });
    }
    let Some(digits) = digits else {
        notes.warn(11100, element.at, "<Play> has no URL: passed over".to_owned());
        return None;
    };
    let keys = digits.value.trim();
    if keys.is_empty() || keys.len() > MAX_KEYS || !keys.chars().all(|c| KEYS.contains(c)) {
        let text = format!("<Play digits>: 1 to {MAX_KEYS} of 0-9 * # A-D w W are expected; passed over");
        notes.warn(13430, digits.at, text);
        return None;
    }
    Some(Play { sound: Sound::Keys(keys.to_owned()), rounds })
}
