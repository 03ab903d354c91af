//! tipring holds telephone lines and runs web applications on them. The rooms, in the order of a call:
//! `hardware` → `lines` → `router` ⇄ `instructions` → `webhook` → `egress`; `switch` and `media` make and carry sound;
//! `resources` in `store` are what `api` shows. Most rooms are crates of their own; here is what ties them together.

pub mod cli;
pub mod config;
pub mod daemon;
pub mod observe;
