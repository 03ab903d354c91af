//! The flight record of one call: when what happened, so that "why did it hang?" can be answered afterwards. Moments
//! only; it decides nothing.

use tipring_card::{Micros, Supervision};

use crate::words::Sign;

/// The moments of one call on a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// The first ring began.
    pub first_ring: Option<Micros>,
    /// The last event of the ring.
    pub last_ring: Option<Micros>,
    /// Bursts that began.
    pub bursts: u16,
    /// Caller id was complete.
    pub caller_id: Option<Micros>,
    /// Caller id messages that made no sense.
    pub bad_caller_ids: u16,
    /// Our loop was closed, or the seizure begun.
    pub off_hook: Option<Micros>,
    /// The card had finished the seizure.
    pub seized: Option<Micros>,
    /// Dial tone was certain.
    pub dial_tone: Option<Micros>,
    /// The digits began to go out.
    pub sent: Option<Micros>,
    /// The last digit was out.
    pub dialled: Option<Micros>,
    /// The first burst of ringback ended.
    pub ringback: Option<Micros>,
    /// What was taken for the answer; for a call that rang in, our own answer has no evidence.
    pub answer: Option<(Micros, Option<Supervision>)>,
    /// Changes of polarity, of whatever meaning.
    pub reversals: u16,
    /// What told the end.
    pub hang_up: Option<(Micros, Sign)>,
    /// Our loop was opened.
    pub on_hook: Option<Micros>,
}
