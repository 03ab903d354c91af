//! The box at one moment, for people: what `GET /state` answers on the control socket and `tipring top` shows. Numbers
//! are in it, so it is for the box's owner alone.

use serde::{Deserialize, Serialize};

/// The box at one moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    /// Of the program.
    pub version: String,
    /// From which it was built; empty if that was not said.
    pub commit: String,
    /// When the service was started, seconds since 1970.
    pub since_unix_s: i64,
    /// It can take calls.
    pub ready: bool,
    /// One sentence: how it is.
    pub status: String,
    /// Spans, and analogue lines by the span that they are on.
    pub spans: Vec<Span>,
    /// Calls that are up, oldest first.
    pub calls: Vec<LiveCall>,
    /// What went wrong since the start, and how much was done.
    pub counters: Counters,
}

/// A span.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Span {
    /// `sim 1`.
    pub name: String,
    /// `isdn` or `analog`.
    pub kind: String,
    /// D channel established; of analogue lines: one of them is in order.
    pub up: bool,
    /// `red`, `yellow`, `blue`, `other`.
    pub alarms: Vec<String>,
    /// Its lines.
    pub lines: Vec<Line>,
}

/// A line.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Line {
    /// Timeslot or port.
    pub slot: u8,
    /// In a word, e.g. `idle`.
    pub state: String,
    /// SID of the call on it.
    pub call: Option<String>,
}

/// A call that is up.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LiveCall {
    /// `CA…`
    pub sid: String,
    /// `inbound`, `outbound-api`, `outbound-dial`.
    pub direction: String,
    /// Caller.
    pub from: String,
    /// Called.
    pub to: String,
    /// `sim 1/7`; empty while there is none.
    pub line: String,
    /// `queued`, `ringing`, `in-progress`.
    pub status: String,
    /// What it does at the moment, e.g. `Gather numDigits=1 (1:30)`: the verb, and where it stands; empty: it asks its application, or rings.
    pub verb: String,
    /// Since its begin.
    pub seconds: u64,
}

/// Figures of the whole box since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counters {
    /// Calls that came in and went out.
    pub calls: u64,
    /// Audio ticks run late.
    pub late_ticks: u64,
    /// Blocks that were not there in time.
    pub late_blocks: u64,
    /// Blocks that the card had no room for.
    pub lost_blocks: u64,
    /// Gaps in what callers heard.
    pub underruns: u64,
    /// Requests to application servers.
    pub requests: u64,
    /// Fallbacks that were asked.
    pub fallbacks: u64,
    /// Times that a bound was reached.
    pub bounds_reached: u64,
}
