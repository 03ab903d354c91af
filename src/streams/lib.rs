//! Media streams: a call's sound over a WebSocket to a server of the user's, and the server's sound back.
//!
//! [`Talk`] is the protocol as a machine without socket and clock: blocks, keys and marks become texts, texts become
//! sound, marks and `clear`. [`Stream`] carries it over a connection of `egress`. Who hears the server, and when a mark has
//! been played, is the caller's. Sources: the dialect's media stream messages; RFC 6455 through the library.

mod client;
mod fault;
mod incoming;
mod outgoing;
mod talk;

pub use client::{CLOSE_LIMIT, MAX_WARNINGS, Order, Stream, TO_SERVER, Told};
pub use fault::Fault;
pub use incoming::{Incoming, MAX_MARK, Warning};
pub use talk::{Talk, Talking, Track};

/// Texts of the server that are longer break the stream: 96 s of sound in one message.
pub const MAX_MESSAGE: usize = 1024 * 1024;
