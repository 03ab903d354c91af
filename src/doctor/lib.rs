//! The doctor of analogue lines. It calls one line of the box from another one, measures what comes, and says what the
//! settings of the line ought to be. It knows no card and keeps no clock: lines are lent to it ([`words`]), what it hears
//! comes from the switch, and [`Visit`] is a machine of events and effects like the router.

pub mod advice;
pub mod found;
pub mod probe;
pub mod report;
pub mod tone;
pub mod visit;
pub mod words;

pub use report::Report;
pub use tone::{Measured, Sound, measure};
pub use visit::{Effect, Event, Order, Outcome, Visit};
pub use words::{Examine, Examined, Lent, Seen, Wish};
