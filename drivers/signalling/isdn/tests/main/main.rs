//! Whole trunks in virtual time: both roles back to back, and each role against a scripted far end.
#![allow(clippy::unwrap_used)]

mod calls;
mod clearing;
mod codec;
mod fuzz;
mod link;
mod matrix;
mod restart;
mod support;
mod timers;
