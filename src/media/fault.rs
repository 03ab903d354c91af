//! Why a medium could not be had: one code of the TwiML dialect and one sentence. It is what crosses the wire as JSON.
//!
//! Codes: <https://www.twilio.com/docs/api/errors> as summarised for this product: 11200-series (fetch), 13420
//! (content type), 13512/13520/13521 (speech), 13335 and 94000 (recognition).

use serde::{Deserialize, Serialize};

/// A medium that could not be had, or that broke off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{code}: {text}")]
pub struct MediaFault {
    /// The code for alerts and `ErrorCode`.
    pub code: u32,
    /// Place, what is wrong, and what helps.
    #[serde(rename = "message")]
    pub text: String,
}

impl MediaFault {
    /// A fault of this code.
    pub fn new(code: u32, text: impl Into<String>) -> Self {
        Self { code, text: text.into() }
    }

    pub(crate) fn unsupported(text: impl Into<String>) -> Self {
        Self::new(CONTENT_TYPE, text)
    }

    pub(crate) fn request(text: impl Into<String>) -> Self {
        Self::new(BAD_REQUEST, text)
    }

    pub(crate) fn recognizer(text: impl Into<String>) -> Self {
        Self::new(RECOGNIZER, text)
    }

    /// The disk or the machine itself failed.
    pub(crate) fn local(what: &str, error: &std::io::Error) -> Self {
        tracing::error!(%error, what, "media layer");
        Self::new(FETCH, format!("media layer: {what}: {}", error.kind()))
    }
}

impl From<tipring_egress::Fault> for MediaFault {
    fn from(fault: tipring_egress::Fault) -> Self {
        Self::new(fault.code(), fault.to_string())
    }
}

/// A fetch failed, in general.
pub const FETCH: u32 = 11200;
/// Too many redirects.
pub const REDIRECTS: u32 = 11215;
/// The request to the media layer itself is wrong.
pub const BAD_REQUEST: u32 = 11100;
/// The medium is larger than allowed.
pub const TOO_LARGE: u32 = 11750;
/// Not audio, or audio of a kind that cannot be played.
pub const CONTENT_TYPE: u32 = 13420;
/// No installed voice speaks the language.
pub const LANGUAGE: u32 = 13512;
/// Nothing to say, or synthesis failed.
pub const SPEECH: u32 = 13520;
/// More text than is spoken at once.
pub const TEXT_LENGTH: u32 = 13521;
/// No recognizer hears the language: speech cannot be gathered here.
pub const NO_RECOGNIZER: u32 = 13335;
/// Recognition failed, or there is no place for it.
pub const RECOGNIZER: u32 = 94000;
