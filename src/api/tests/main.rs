//! The API against a real store and a router that the test plays.

mod auth;
mod calls;
mod catalogue;
mod conformance;
mod errors;
mod feed;
mod furnished;
mod hostile;
mod numbers;
mod openapi;
mod outgoing;
mod recordings;
mod rooms;
mod support;
mod tenants;
