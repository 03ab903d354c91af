//! The running service: wires rooms together, carries the router's effects out, in real time (`conductor`) and on
//! virtual time (`simulation`).

pub mod app;
pub mod bench;
mod callers;
pub mod conductor;
pub mod dev;
mod doors;
mod far;
mod feeder;
mod hands;
mod outcome;
mod programs;
mod recorder;
pub mod scenario;
pub mod serve;
pub mod settings;
pub mod simulation;
pub mod telephones;
pub mod timeline;
