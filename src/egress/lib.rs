//! The only HTTP client that leaves the box.
//!
//! One request, one answer: allowed destinations ([`tipring_guard`]), private CAs, limits on every phase and on the
//! body, credentials from the URL answered on a challenge and never shown. It keeps no cookies, follows no redirects
//! and caches nothing; `webhook` and `media` do what they need of that on top.
//! Sources: RFC 9110, RFC 9112, RFC 7617 (Basic), RFC 7616 (Digest); error codes as TwiML users know them.

mod auth;
mod client;
mod connect;
mod dial;
mod fault;
mod names;
mod plain;
mod request;
mod response;
mod secret;

pub use client::{Client, Config};
pub use dial::Connection;
pub use fault::{Fault, Stage};
pub use request::{Limits, Method, Request};
pub use response::Response;
pub use secret::{Credentials, hidden, redacted};

/// Installs the process's TLS provider (ring). Safe to call any number of times, from any thread.
pub fn install_provider() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // A second caller in the same instant loses the race and finds the same provider installed.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}
