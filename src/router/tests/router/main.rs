//! The router against a scripted world in virtual time: nothing sleeps, nothing is random but by seed.

mod bench;
mod calls;
mod chaos;
mod dial;
mod documents;
mod ends;
mod errors;
mod live;
mod outgoing;
mod progress;
mod queues;
mod recordings;
mod rooms;
