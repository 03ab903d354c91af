//! Digits on a line ↔ E.164, and what kind of number is called. Pure, no_std. What is not certain stays as it came, and
//! callers keep the raw digits beside. Not a phone-number library: it knows the plan of the place where the box stands,
//! not the world's, and never says whether a number exists.
//!
//! - in: [`Plan::e164`] for a calling number, [`Plan::called`] for a called one, with its type of number;
//! - from people and programs: [`Plan::normal`];
//! - out: [`Plan::on_line`];
//! - what it may cost: [`Plan::class`];
//! - what is wrong with a plan itself: [`Plan::fault`].
//!
//! Emergency numbers and short codes are never changed in any direction.
//!
//! Sources: ITU-T E.164 (15 digits at most; country codes), Q.931 4.5.8 (type of number), E.123 (how numbers are
//! written). The facts of each country stand in `country.rs`.
#![no_std]

extern crate alloc;

mod check;
mod class;
mod country;
mod dialled;
mod line;
mod normal;
mod plan;
mod ton;

pub use check::PlanFault;
pub use class::Class;
pub use dialled::Dialled;
pub use line::{Form, LineDigits};
pub use plan::Plan;
pub use ton::TypeOfNumber;

/// Digits of an E.164 number with its country code, E.164 6.2.
pub const MAX_E164: usize = 15;

#[cfg(test)]
mod tests;
