//! The texts that the server gets, member by member as its libraries know them.

use serde::Serialize;
use serde::ser::{SerializeMap as _, Serializer};

/// The first text.
#[derive(Serialize)]
pub(crate) struct Connected {
    event: &'static str,
    protocol: &'static str,
    version: &'static str,
}

impl Connected {
    pub(crate) const NEW: Connected = Connected { event: "connected", protocol: "Call", version: "1.0.0" };
}

/// Every other text.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Message<'a> {
    pub(crate) event: &'static str,
    pub(crate) sequence_number: String,
    #[serde(flatten)]
    pub(crate) body: Body<'a>,
    pub(crate) stream_sid: &'a str,
}

/// What it is about.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Body<'a> {
    Start(Start<'a>),
    Media(Media<'a>),
    Dtmf(Dtmf),
    Mark(Mark<'a>),
    Stop(Stop<'a>),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Start<'a> {
    pub(crate) account_sid: &'a str,
    pub(crate) stream_sid: &'a str,
    pub(crate) call_sid: &'a str,
    pub(crate) tracks: Vec<&'static str>,
    pub(crate) media_format: Format,
    pub(crate) custom_parameters: Parameters<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Format {
    encoding: &'static str,
    sample_rate: u32,
    channels: u8,
}

impl Format {
    pub(crate) const ONLY: Format = Format { encoding: "audio/x-mulaw", sample_rate: 8000, channels: 1 };
}

/// An object whose members keep their order; of two with one name the last counts.
pub(crate) struct Parameters<'a>(pub(crate) &'a [(String, String)]);

impl Serialize for Parameters<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        for (at, (name, value)) in self.0.iter().enumerate() {
            if !self.0[at + 1..].iter().any(|(later, _)| later == name) {
                map.serialize_entry(name, value)?;
            }
        }
        map.end()
    }
}

#[derive(Serialize)]
pub(crate) struct Media<'a> {
    pub(crate) track: &'static str,
    pub(crate) chunk: String,
    pub(crate) timestamp: String,
    pub(crate) payload: &'a str,
}

#[derive(Serialize)]
pub(crate) struct Dtmf {
    pub(crate) track: &'static str,
    pub(crate) digit: String,
}

#[derive(Serialize)]
pub(crate) struct Mark<'a> {
    pub(crate) name: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Stop<'a> {
    pub(crate) account_sid: &'a str,
    pub(crate) call_sid: &'a str,
}
