//! Streams over real sockets, against a server of the WebSocket library.

mod server;
mod streams;
