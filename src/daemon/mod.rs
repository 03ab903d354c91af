//! The running service: wires rooms together, carries the router's effects out, in real time (`conductor`) and on
//! virtual time (`simulation`).

pub mod app;
pub mod asks;
pub mod bench;
pub mod beyond;
mod callbook;
mod callers;
pub mod conductor;
pub mod control;
pub mod dev;
mod directory;
mod ears;
pub mod entrance;
mod far;
mod feeder;
mod gateway;
mod hands;
mod inbox;
mod listening;
pub mod log;
pub mod media;
mod mouth;
mod neighbours;
pub(crate) mod outcome;
mod programs;
mod recorder;
mod reload;
pub mod run;
pub mod scenario;
pub mod serve;
pub mod settings;
pub mod simulation;
mod streaming;
pub mod supervisor;
pub mod telephones;
pub mod timeline;
mod watch;
