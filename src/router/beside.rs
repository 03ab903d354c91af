//! What runs beside a call, as effects and events speak of it: recognizers, streams, messages. All plain data.

use tipring_card::Law;
use tipring_resources::{Code, Method, Sid};
use tipring_switch::{PlayId, Port, TapId};

/// How a recognizer is to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    /// Whose.
    pub account: Sid,
    /// Law of the tap's octets.
    pub law: Law,
    /// Language tag; empty: default.
    pub language: String,
    /// Words that are likely.
    pub hints: Vec<String>,
    /// As the document names it; empty: the engine's own.
    pub model: String,
    /// What is understood before the end is told too.
    pub partial: bool,
    /// It goes on after a final result, until it is ended.
    pub continuous: bool,
}

/// What a recognizer tells.
#[derive(Clone, Debug, PartialEq)]
pub enum ListenHeard {
    /// So far; it may still change.
    Partial {
        /// What.
        text: String,
        /// How certain it is not to change, 0 to 1.
        stability: Option<f32>,
    },
    /// For good. Of a recognizer that is not continuous it is the last word.
    Final {
        /// What; empty: nothing was understood.
        text: String,
        /// How certain, 0 to 1.
        confidence: Option<f32>,
    },
    /// It cannot listen, or not any more: the last word.
    Failed {
        /// Error code.
        code: Code,
        /// In words.
        text: String,
    },
    /// A continuous one has ended: the last word.
    Ended,
}

/// A stream to be opened.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamOrder {
    /// Whose key signs the upgrade.
    pub account: Sid,
    /// Of which call.
    pub call: Sid,
    /// `MZ…`
    pub sid: Sid,
    /// Absolute, `ws` or `wss`.
    pub url: String,
    /// What the server is told at the start, in order.
    pub parameters: Vec<(String, String)>,
    /// Taps that are sent.
    pub tracks: Vec<StreamTap>,
    /// What the server sends is heard here.
    pub heard: Option<StreamEar>,
}

/// One track of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamTap {
    /// Which tap.
    pub tap: TapId,
    /// Law of its octets.
    pub law: Law,
    /// What the caller hears; else what he says.
    pub outbound: bool,
}

/// Where a stream's server is heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamEar {
    /// On which port.
    pub port: Port,
    /// Under which playing, which is begun already.
    pub play: PlayId,
    /// Law of the port.
    pub law: Law,
}

/// What happens to a stream.
#[derive(Clone, Debug, PartialEq)]
pub enum StreamEvent {
    /// The server has taken it.
    Started,
    /// Something that the server sent was of no use; it goes on.
    Warned {
        /// Warning code, e.g. 31951.
        code: Code,
        /// In words.
        text: String,
    },
    /// It is over: closed by us or by the server.
    Stopped,
    /// It could not be opened, or broke.
    Failed {
        /// Error code, e.g. 31902.
        code: Code,
        /// In words.
        text: String,
    },
}

/// A stream that the API wants begun.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamWish {
    /// `ws` or `wss`, absolute.
    pub url: String,
    /// Unique within its call; empty: none.
    pub name: String,
    /// Whose voice.
    pub track: Track3,
    /// Told when it starts, stops, fails; empty: nobody.
    pub callback: String,
    /// How.
    pub callback_method: Method,
    /// What the server is told.
    pub parameters: Vec<(String, String)>,
}

/// Which tracks of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Track3 {
    /// What the caller says.
    #[default]
    Inbound,
    /// What the caller hears.
    Outbound,
    /// Both, each for itself.
    Both,
}

/// A transcription of a live call that the API wants begun.
#[derive(Clone, Debug, PartialEq)]
pub struct TranscriptionWish {
    /// Unique within its call; empty: none.
    pub name: String,
    /// Whose voice.
    pub track: Track3,
    /// Told what is said; empty: nobody.
    pub callback: String,
    /// How.
    pub callback_method: Method,
    /// Language tag; empty: default.
    pub language: String,
    /// What is understood before the end of a sentence is told too.
    pub partial: bool,
    /// Words that are likely.
    pub hints: Vec<String>,
    /// What the caller's track is called; empty: `inbound_track`.
    pub inbound_label: String,
    /// What the other track is called; empty: `outbound_track`.
    pub outbound_label: String,
}

/// A message that came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageIn {
    /// Who sent it.
    pub from: String,
    /// To which number.
    pub to: String,
    /// What it says.
    pub body: String,
}
