//! The router against a scripted world in virtual time: nothing sleeps, nothing is random but by seed.

mod amd;
mod bench;
mod beside;
mod calls;
mod chaos;
mod dial;
mod documents;
mod ends;
mod errors;
mod live;
mod messages;
mod outgoing;
mod progress;
mod proofs;
mod queues;
mod recordings;
mod room_ends;
mod rooms;
mod speech;
mod spending;
mod streams;
mod templates;
