//! The API against a real store and a router that the test plays.

mod auth;
mod calls;
mod conformance;
mod errors;
mod numbers;
mod outgoing;
mod recordings;
mod support;
