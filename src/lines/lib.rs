//! Lines: runs the signalling machines on a card and turns "span 1 channel 7: SETUP for 123" into a new session of the
//! router. It alone changes a channel's state. It parses no document and speaks no HTTP.
//!
//! Calls out are given to a group of lines ([`LinesConfig`]); analogue lines towards an exchange are driven beside PRI
//! spans, by the machines of `tipring-analog`.
//!
//! [`Span`] is the machine (no thread, no clock), [`Media`] the audio side of a card (a switch and the opened bearers).
//! [`Engine`] runs both on two threads for a card in real time; a simulation steps them itself, on virtual time.
//!
//! Without threads, for each block: [`Signalling::step`]; [`Media::tick`]; each [`Media::heard`] into
//! [`Signalling::heard`] and each [`Media::lost`] into [`Signalling::bearer_lost`]; [`Media::poll`] for the router. After
//! every call of the signalling its [`SignallingAction`]s are carried out, in order.

mod config;
mod cushion;
mod engine;
mod flight;
mod gain;
mod gauges;
mod groups;
mod joined;
mod lateness;
mod lead;
mod media;
mod ring;
mod signalling;
mod span;
mod work;

pub use config::{AnalogLine, Group, LinesConfig, Order, Telephone};
pub use engine::{Configured, Engine, EngineConfig, EngineEvent, EngineHandle};
pub use flight::{ENTRIES as FLIGHT_ENTRIES, Entry, FlightGauge, Kind, What};
pub use gain::Gains;
pub use gauges::{Counted, Gauges};
pub use joined::Joined;
pub use lateness::{LATE_BOUNDS_MS, LATE_CLASSES, Lateness};
pub use media::{LineNews, Media, MediaCounters, Returned};
pub use signalling::{Signalling, SignallingAction, SpanGauge, open_bearer};
pub use span::{D_CHANNEL_DOWN, D_CHANNEL_UP, Output, Span, SpanConfig, SpanCounters, SpanInput};
pub use work::Work;
