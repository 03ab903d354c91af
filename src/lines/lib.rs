//! Lines: runs the signalling machines on a card and turns "span 1 channel 7: SETUP for 123" into a new session of the
//! router. It alone changes a channel's state. It parses no document and speaks no HTTP.
//!
//! [`Span`] is the machine (no thread, no clock), [`Media`] the audio side of a card (a switch and the opened bearers).
//! [`Engine`] runs both on two threads for a card in real time; a simulation steps them itself, on virtual time.

mod engine;
mod media;
mod ring;
mod signalling;
mod span;

pub use engine::{Engine, EngineConfig, EngineEvent, EngineHandle};
pub use media::{Media, MediaCounters};
pub use signalling::{Signalling, SignallingAction, open_bearer};
pub use span::{Output, Span, SpanConfig, SpanCounters, SpanInput};
