//! The call router: sessions and what they do, as one machine. `handle` what happened, `poll` what is to be done, call
//! again at `deadline`. It fetches nothing, opens nothing, knows no clock: see [`effects`](Effect) for its whole world.
//!
//! Inside, a call is an `async fn` over the router's own effects ([`story`]), polled by the machine itself; a verb is
//! one file under `verbs`. The one generator and the order of events decide everything: the same events give the same
//! effects, octet by octet.

mod address;
mod announce;
mod beforehand;
mod beside;
mod bridge;
mod classify;
mod config;
mod date;
mod dictation;
mod directory;
mod effects;
mod errand;
mod fault;
mod fetch;
mod incoming;
mod leg;
mod limits;
mod line;
mod live;
mod log;
mod machine;
mod messages;
mod nested;
mod order;
mod outgoing;
mod params;
mod progress;
mod proof;
mod queue;
mod queues;
mod recording;
mod requests;
mod rooms;
mod routes;
mod running;
mod session;
mod sound;
mod sources;
mod speech;
mod spending;
mod story;
mod stream;
mod templates;
mod verbs;
mod world;

pub use beforehand::sounds_of;
pub use beside::*;
pub use config::{Config, Outbound, Reconfiguration};
pub use effects::*;
pub use limits::Counters;
pub use machine::Router;
pub use params::certainty_percent;
pub use requests::*;
