//! The client against scripted servers on loopback: real sockets, real TLS, no network.

mod answers;
mod credentials;
mod gzip;
mod limits;
mod server;
mod tls;

use tipring_egress::{Client, Config, Limits, Request};
use url::Url;

/// A client without extra CAs.
fn client() -> Client {
    Client::new(Config::default()).expect("a client")
}

fn url(text: &str) -> Url {
    Url::parse(text).expect("a URL")
}

fn get(text: &str) -> Request {
    Request::get(url(text))
}

/// A GET under limits so short that a test of a hanging server ends in milliseconds.
fn hasty(text: &str) -> Request {
    let limits =
        Limits { connect_ms: 3_000, first_byte_ms: 60, between_ms: 60, total_ms: 5_000, attempts: 1, max_body: 4_096 };
    Request { limits, ..get(text) }
}
