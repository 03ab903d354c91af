//! `Transcription` in `Start`: what is said is written down while the call goes on.

use crate::attributes::Attributes;
use crate::diagnostic::Notes;
use crate::hints;
use crate::parameter::{self, only};
use crate::stream::{MAX_NAME, StreamTrack, TRACKS};
use crate::verb::Method;
use crate::xml::{Content, Element};

/// A wrong language, and a wrong setting of the recognizer.
const BAD_LANGUAGE: u32 = 94304;
const BAD_SETTING: u32 = 32651;

/// What is said is written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transcription {
    /// Unique within its call.
    pub name: Option<String>,
    /// Whose voice.
    pub track: StreamTrack,
    /// Told what was said, as it is said.
    pub callback: Option<String>,
    /// How.
    pub callback_method: Method,
    /// What the caller's track is called.
    pub inbound_label: Option<String>,
    /// What the other track is called.
    pub outbound_label: Option<String>,
    /// What may still change is told too.
    pub partial_results: bool,
    /// A tag such as `en-US`.
    pub language: String,
    /// For whoever listens; empty: its default.
    pub speech_model: String,
    /// Words that are likely.
    pub hints: Vec<String>,
    /// Told with every result.
    pub parameters: Vec<(String, String)>,
}

pub(crate) fn read(element: &Element, notes: &mut Notes<'_>) -> Transcription {
    let mut attributes = Attributes::of(element, "Start>Transcription");
    let name = attributes.label("name", BAD_SETTING, MAX_NAME, notes);
    let track = attributes.one_of("track", BAD_SETTING, &TRACKS, StreamTrack::Both, notes);
    let callback = attributes.given("statusCallbackUrl");
    let callback_method = attributes.method("statusCallbackMethod", BAD_SETTING, notes);
    let inbound_label = attributes.label("inboundTrackLabel", BAD_SETTING, MAX_NAME, notes);
    let outbound_label = attributes.label("outboundTrackLabel", BAD_SETTING, MAX_NAME, notes);
    let partial_results = attributes.flag("partialResults", BAD_SETTING, false, notes);
    let language = Some(attributes.tag("languageCode", BAD_LANGUAGE, notes)).filter(|tag| !tag.is_empty());
    let speech_model = attributes.name("speechModel", BAD_SETTING, notes);
    let hints = hints::read(&mut attributes, BAD_SETTING, notes);
    // Without effect here; a wrong value is said all the same.
    attributes.name("transcriptionEngine", BAD_SETTING, notes);
    for flag in ["profanityFilter", "enableAutomaticPunctuation"] {
        attributes.flag(flag, BAD_SETTING, true, notes);
    }
    attributes.finish(notes);
    let parameters = parameter::all(element, "Start>Transcription>Parameter", BAD_SETTING, notes);
    for content in &element.content {
        if let Content::Element(config) = content
            && config.name == "Config"
        {
            Attributes::of(config, "Start>Transcription>Config").finish(notes);
        }
    }
    only(element, &["Config", "Parameter"], notes);
    Transcription {
        name,
        track,
        callback,
        callback_method,
        inbound_label,
        outbound_label,
        partial_results,
        language: language.unwrap_or_else(|| "en-US".to_owned()),
        speech_model,
        hints,
        parameters,
    }
}
