//! `Start` and `Stop`: something runs beside the call while the document goes on.

use std::fmt;

use crate::attributes::Attributes;
use crate::diagnostic::{Diagnostic, Notes};
use crate::dial::Track;
use crate::parameter::{self, only};
use crate::record::RecordingEvents;
use crate::stream::{self, MAX_NAME, Stream, StreamTrack, TRACKS};
use crate::transcription::{self, Transcription};
use crate::verb::{Method, text_only};
use crate::xml::{Content, Element};

/// Begin something beside the call.
#[derive(Clone, Debug, PartialEq)]
pub struct Start {
    /// Asked at once; `None`: the next verb.
    pub action: Option<String>,
    /// How.
    pub method: Method,
    /// What.
    pub noun: StartNoun,
}

/// What runs beside a call.
#[derive(Clone, Debug, PartialEq)]
pub enum StartNoun {
    /// Its audio goes to a server.
    Stream(Box<Stream>),
    /// It is recorded.
    Recording(StartRecording),
    /// What is said is written down.
    Transcription(Box<Transcription>),
    /// Its audio goes to a recording server.
    Siprec(Box<Siprec>),
}

/// A recording beside the call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartRecording {
    /// Told of the recording.
    pub callback: Option<String>,
    /// How.
    pub callback_method: Method,
    /// Of what.
    pub callback_events: RecordingEvents,
    /// Cut silence at both ends.
    pub trim: bool,
    /// Whose voice.
    pub track: Track,
    /// Each side in a channel of its own.
    pub dual: bool,
}

/// Audio for a recording server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Siprec {
    /// Unique within its call.
    pub name: Option<String>,
    /// The recording server, as the configuration names it.
    pub connector: String,
    /// Whose voice.
    pub track: StreamTrack,
    /// Told when it starts, stops, fails.
    pub callback: Option<String>,
    /// How.
    pub callback_method: Method,
    /// Told to the server.
    pub parameters: Vec<(String, String)>,
}

/// End something beside the call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// What.
    pub kind: StopKind,
    /// Under which name it was begun; `None`: none was given.
    pub name: Option<String>,
}

/// What is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopKind {
    /// A stream.
    Stream,
    /// Audio for a recording server.
    Siprec,
    /// A transcription.
    Transcription,
    /// A recording.
    Recording,
}

impl fmt::Display for Start {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.noun {
            StartNoun::Stream(stream) => write!(f, "Start {stream}"),
            StartNoun::Recording(_) => f.write_str("Start Recording"),
            StartNoun::Transcription(text) => write!(f, "Start Transcription {}", text.language),
            StartNoun::Siprec(siprec) => write!(f, "Start Siprec {}", siprec.connector),
        }
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stop {:?}", self.kind)?;
        if let Some(name) = &self.name { write!(f, " name={name}") } else { Ok(()) }
    }
}

/// A wrong noun.
const WRONG_NOUN: u32 = 14300;
/// The nouns of both.
const NOUNS: [&str; 4] = ["Stream", "Siprec", "Transcription", "Recording"];

/// `None`: its noun cannot be begun, a warning says why.
pub(crate) fn read(element: &Element, notes: &mut Notes<'_>) -> Result<Option<Start>, Diagnostic> {
    let mut attributes = Attributes::of(element, "Start");
    let action = attributes.given("action");
    let method = attributes.method("method", 11100, notes);
    attributes.finish(notes);
    let noun = noun(element, notes)?;
    let noun = match noun.name.as_str() {
        "Stream" => stream::started(noun, notes).map(|stream| StartNoun::Stream(Box::new(stream))),
        "Siprec" => Some(StartNoun::Siprec(Box::new(siprec(noun, notes)))),
        "Transcription" => Some(StartNoun::Transcription(Box::new(transcription::read(noun, notes)))),
        _ => Some(StartNoun::Recording(recording(noun, notes))),
    };
    Ok(noun.map(|noun| Start { action, method, noun }))
}

/// `Stop`.
pub(crate) fn stop(element: &Element, notes: &mut Notes<'_>) -> Result<Stop, Diagnostic> {
    Attributes::of(element, "Stop").finish(notes);
    let noun = noun(element, notes)?;
    let (kind, path) = match noun.name.as_str() {
        "Stream" => (StopKind::Stream, "Stop>Stream"),
        "Siprec" => (StopKind::Siprec, "Stop>Siprec"),
        "Transcription" => (StopKind::Transcription, "Stop>Transcription"),
        _ => (StopKind::Recording, "Stop>Recording"),
    };
    let mut attributes = Attributes::of(noun, path);
    let name = attributes.label("name", WRONG_NOUN, MAX_NAME, notes);
    attributes.finish(notes);
    text_only(noun, &[], notes);
    Ok(Stop { kind, name })
}

/// The one noun inside; a wrong one, or none, ends the document.
fn noun<'e>(element: &'e Element, notes: &mut Notes<'_>) -> Result<&'e Element, Diagnostic> {
    let mut found: Option<&Element> = None;
    for content in &element.content {
        match content {
            Content::Text { text, at } => notes.stray_text(text, *at, &element.name),
            Content::Element(inner) if !NOUNS.contains(&inner.name.as_str()) => {
                let name: String = inner.name.chars().take(40).collect();
                let text = format!("<{name}> may not stand inside <{}>, only {}", element.name, NOUNS.join(", "));
                return Err(notes.source().error(WRONG_NOUN, inner.at, text));
            }
            Content::Element(inner) if found.is_some() => {
                let text = format!("<{}> has one noun: this <{}> is passed over", element.name, inner.name);
                notes.warn(12200, inner.at, text);
            }
            Content::Element(inner) => found = Some(inner),
        }
    }
    found.ok_or_else(|| {
        let text = format!("<{}> names nothing; put one of {} into it", element.name, NOUNS.join(", "));
        notes.source().error(WRONG_NOUN, element.at, text)
    })
}

fn recording(element: &Element, notes: &mut Notes<'_>) -> StartRecording {
    let mut attributes = Attributes::of(element, "Start>Recording");
    let callback = attributes.given("recordingStatusCallback");
    let callback_method = attributes.method("recordingStatusCallbackMethod", 13611, notes);
    let callback_events = crate::record::events(&mut attributes, 13620, notes);
    let trims = [("trim-silence", true), ("do-not-trim", false)];
    let trim = attributes.one_of("trim", 13699, &trims, true, notes);
    let tracks = [("both", Track::Both), ("inbound", Track::Inbound), ("outbound", Track::Outbound)];
    let track = attributes.one_of("track", 13620, &tracks, Track::Both, notes);
    let dual = attributes.one_of("channels", 13620, &[("dual", true), ("mono", false)], true, notes);
    attributes.finish(notes);
    text_only(element, &[], notes);
    StartRecording { callback, callback_method, callback_events, trim, track, dual }
}

fn siprec(element: &Element, notes: &mut Notes<'_>) -> Siprec {
    let mut attributes = Attributes::of(element, "Start>Siprec");
    let name = attributes.label("name", WRONG_NOUN, MAX_NAME, notes);
    let connector = attributes.label("connectorName", WRONG_NOUN, MAX_NAME, notes);
    let track = attributes.one_of("track", WRONG_NOUN, &TRACKS, StreamTrack::Both, notes);
    let callback = attributes.given("statusCallback");
    let callback_method = attributes.method("statusCallbackMethod", WRONG_NOUN, notes);
    attributes.finish(notes);
    let parameters = parameter::all(element, "Start>Siprec>Parameter", WRONG_NOUN, notes);
    only(element, &["Parameter"], notes);
    let connector = connector.unwrap_or_else(|| "Default".to_owned());
    Siprec { name, connector, track, callback, callback_method, parameters }
}
