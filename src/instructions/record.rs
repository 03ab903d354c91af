//! `Record`: the caller's voice becomes a recording.

use std::fmt;

use crate::attributes::{Attributes, Keys, Number};
use crate::diagnostic::Notes;
use crate::verb::{Method, text_only};
use crate::xml::Element;

/// Record the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Asked with the recording's URL; `None`: the current document.
    pub action: Option<String>,
    /// How it is asked.
    pub method: Method,
    /// Seconds of silence that end it; 0: silence does not.
    pub timeout_s: u32,
    /// Keys that end it; empty: none.
    pub finish_on_key: String,
    /// Seconds at most.
    pub max_length_s: u32,
    /// Beep before.
    pub play_beep: bool,
    /// Cut silence at both ends.
    pub trim: bool,
    /// Told of the recording.
    pub callback: Option<String>,
    /// How it is told.
    pub callback_method: Method,
    /// Of what it is told.
    pub callback_events: RecordingEvents,
    /// What is said is to be written down.
    pub transcribe: bool,
    /// Told what was written down; it implies `transcribe`.
    pub transcribe_callback: Option<String>,
    /// Our own: its language, a tag such as `en-GB`; empty: the default.
    pub transcribe_language: String,
}

/// Of what a recording's callback is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordingEvents {
    /// It began.
    pub in_progress: bool,
    /// It can be had.
    pub completed: bool,
    /// There is none.
    pub absent: bool,
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Record maxLength={} timeout={}", self.max_length_s, self.timeout_s)?;
        if self.finish_on_key != "1234567890*#" { write!(f, " finishOnKey={:?}", self.finish_on_key) } else { Ok(()) }
    }
}

pub(crate) fn read(element: &Element, notes: &mut Notes<'_>) -> Record {
    let mut attributes = Attributes::of(element, "Record");
    let action = attributes.given("action");
    let method = attributes.method("method", 13611, notes);
    let timeout_s = attributes.number_up_to("timeout", Number { code: 13610, range: 0..=14_400, default: 5 }, notes);
    let finish = Keys { code: 13613, allowed: "0123456789*#", most: 12, default: "1234567890*#" };
    let finish_on_key = attributes.keys("finishOnKey", finish, notes);
    let length = Number { code: 13612, range: 2..=14_400, default: 3_600 };
    let max_length_s = attributes.number("maxLength", length, notes);
    let play_beep = attributes.flag("playBeep", 13616, true, notes);
    let trim_words = [("trim-silence", true), ("do-not-trim", false)];
    let trim = attributes.one_of("trim", 13699, &trim_words, true, notes);
    let callback = attributes.given("recordingStatusCallback");
    let callback_method = attributes.method("recordingStatusCallbackMethod", 13611, notes);
    let callback_events = events(&mut attributes, 13620, notes);
    let asked = attributes.flag("transcribe", 13614, false, notes);
    let transcribe_callback = attributes.given("transcribeCallback");
    let transcribe_language = attributes.tag("transcribeLanguage", 13614, notes);
    attributes.finish(notes);
    text_only(element, &[], notes);
    Record {
        action,
        method,
        timeout_s,
        finish_on_key,
        max_length_s,
        play_beep,
        trim,
        callback,
        callback_method,
        callback_events,
        transcribe: asked || transcribe_callback.is_some(),
        transcribe_callback,
        transcribe_language,
    }
}

/// Of what a recording's callback wants to be told; completed, where nothing is said.
pub(crate) fn events(attributes: &mut Attributes<'_>, code: u32, notes: &mut Notes<'_>) -> RecordingEvents {
    let words = ["in-progress", "completed", "absent"];
    let found = attributes.several("recordingStatusCallbackEvent", code, words, notes);
    let [in_progress, completed, absent] = found.unwrap_or([false, true, false]);
    RecordingEvents { in_progress, completed, absent }
}
