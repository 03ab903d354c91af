//! The doors, asked by real clients over loopback.

mod bounds;
mod certificates;
mod proxy;
mod shared;
mod support;
