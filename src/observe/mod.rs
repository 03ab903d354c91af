//! What the box shows of itself: figures ([`Meters`], `/metrics`), health, the state for `tipring top`, and its log. It
//! looks at rooms and changes none; calls go on without it.
//!
//! In the order of use: rooms count; [`Meters`] counts what no room keeps; [`Observer`] looks at all of them at one
//! moment; `figures` makes pages of that, `health` judges it; [`face`] answers. `log`, `fold` and `events` are the log.

pub mod board;
pub mod events;
mod exposition;
pub mod face;
mod figures;
mod fold;
pub mod habits;
mod health;
pub mod log;
pub mod meters;
mod names;
mod observer;
mod process;
pub mod state;
pub mod trace;
mod watch;

pub use figures::{COMMIT, VERSION, alarms};
pub use meters::{Meters, Sharing};
pub use observer::{Calls, CardFace, Observer, Parts, Snapshot};
