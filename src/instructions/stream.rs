//! `Stream`: the audio of a call goes to a server over a WebSocket, and back if it is connected.

use std::fmt;

use crate::attributes::Attributes;
use crate::diagnostic::Notes;
use crate::parameter::{self, only};
use crate::shown;
use crate::verb::{Method, Place};
use crate::xml::Element;

/// Characters of a name of something that runs beside a call, and of a label.
pub(crate) const MAX_NAME: usize = 128;
/// A wrong attribute of a stream.
const BAD_URL: u32 = 31923;

/// Audio over a WebSocket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream {
    /// `ws:` or `wss:`, or relative to the document; without a query.
    pub url: String,
    /// Unique within its call; `None`: it cannot be stopped by name.
    pub name: Option<String>,
    /// Whose voice.
    pub track: StreamTrack,
    /// Told when it starts, stops, fails.
    pub callback: Option<String>,
    /// How.
    pub callback_method: Method,
    /// Told to the server at the start.
    pub parameters: Vec<(String, String)>,
    /// Where it stands.
    pub place: Place,
}

/// Whose voice goes out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StreamTrack {
    /// What the caller says.
    #[default]
    Inbound,
    /// What the caller hears.
    Outbound,
    /// Both, each for itself.
    Both,
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stream {}", shown::url(&self.url))
    }
}

/// The words for a track.
pub(crate) const TRACKS: [(&str, StreamTrack); 3] = [
    ("inbound_track", StreamTrack::Inbound),
    ("outbound_track", StreamTrack::Outbound),
    ("both_tracks", StreamTrack::Both),
];

/// In `Connect`, where only the caller's voice goes out. `None`: it has no usable URL.
pub(crate) fn connected(element: &Element, notes: &mut Notes<'_>) -> Option<Stream> {
    read(element, ("Connect>Stream", "Connect>Stream>Parameter"), &TRACKS[..1], notes)
}

/// In `Start`.
pub(crate) fn started(element: &Element, notes: &mut Notes<'_>) -> Option<Stream> {
    read(element, ("Start>Stream", "Start>Stream>Parameter"), &TRACKS, notes)
}

fn read(
    element: &Element,
    (path, parameter): (&'static str, &'static str),
    tracks: &[(&str, StreamTrack)],
    notes: &mut Notes<'_>,
) -> Option<Stream> {
    let mut attributes = Attributes::of(element, path);
    let url = attributes.take("url");
    let name = attributes.label("name", BAD_URL, MAX_NAME, notes);
    let track = attributes.one_of("track", 31941, tracks, StreamTrack::Inbound, notes);
    let callback = attributes.given("statusCallback");
    let callback_method = attributes.method("statusCallbackMethod", BAD_URL, notes);
    attributes.finish(notes);
    let parameters = parameter::all(element, parameter, BAD_URL, notes);
    only(element, &["Parameter"], notes);
    let (at, url) = url.map_or((element.at, ""), |url| (url.at, url.value.trim()));
    if let Err((code, words)) = sound(url) {
        notes.warn(code, at, format!("<Stream url>: {words}; the stream is passed over"));
        return None;
    }
    let place = notes.source().place(element.at);
    Some(Stream { url: url.to_owned(), name, track, callback, callback_method, parameters, place })
}

/// Whether a stream can go there; a relative URL is resolved later.
fn sound(url: &str) -> Result<(), (u32, &'static str)> {
    if url.is_empty() {
        return Err((BAD_URL, "the server's URL is expected, such as wss://host/path"));
    }
    if url.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err((BAD_URL, "there is a blank in the URL"));
    }
    let address = url.split('#').next().unwrap_or_default();
    if address.contains('?') {
        return Err((BAD_URL, "a query is not allowed; hand values over with <Parameter>"));
    }
    let scheme = address.split_once(':').map(|(scheme, _)| scheme).filter(|scheme| !scheme.contains('/'));
    match scheme.map(str::to_ascii_lowercase).as_deref() {
        Some("ws" | "wss") if address.split_once("://").is_none_or(|(_, rest)| rest.is_empty()) => {
            Err((BAD_URL, "the URL has no host"))
        }
        None | Some("ws" | "wss") => Ok(()),
        Some(_) => Err((31922, "the scheme is ws or wss")),
    }
}
