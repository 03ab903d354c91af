//! The states of a port for a telephone, with what each must remember. No behaviour but its time limit.

use tipring_card::Micros;

use super::words::Tone;
use crate::words::{CallerId, Digits};

/// What a port does.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum State {
    /// The channel is not open.
    Closed,
    /// On hook and quiet.
    Idle,
    /// On hook; the telephone is told whether messages wait.
    Telling {
        /// It cannot take longer.
        until: Micros,
    },
    /// On hook; the telephone is told who calls, then it rings.
    Announcing {
        /// On and off in turn.
        rhythm_ms: &'static [u16],
        /// It cannot take longer.
        until: Micros,
    },
    /// The telephone rings.
    Ringing {
        /// On and off in turn.
        rhythm_ms: &'static [u16],
        /// Where in it; it sounds at the even places.
        place: usize,
        /// The next place comes then.
        next_at: Micros,
        /// Who calls, as long as that is not told.
        caller: Option<CallerId>,
        /// It is told then.
        tell_at: Option<Micros>,
    },
    /// Off hook with dial tone.
    Prompted {
        /// Nobody waits longer for a digit.
        until: Micros,
    },
    /// Digits come.
    Collecting {
        /// So far.
        digits: Digits,
        /// Then the number is taken as it is.
        until: Micros,
    },
    /// The number is the owner's; nothing is heard of the far end yet.
    Called,
    /// The telephone and the far end are connected.
    Talking,
    /// The far end has gone; the battery is taken away.
    Cutting {
        /// Then it is given back.
        until: Micros,
        /// Heard afterwards.
        tone: Tone,
    },
    /// Off hook without a call; a tone tells why.
    Warned {
        /// Then the howler.
        until: Micros,
    },
    /// Off hook without a call for long.
    Howling {
        /// Then nobody tries longer.
        until: Micros,
    },
    /// Off hook, given up.
    LockedOut,
    /// The channel is gone.
    Lost,
}

impl State {
    pub(super) fn deadline(&self) -> Option<Micros> {
        match self {
            State::Closed | State::Idle | State::Called | State::Talking | State::LockedOut | State::Lost => None,
            State::Ringing { next_at, tell_at, .. } => Some(tell_at.map_or(*next_at, |at| at.min(*next_at))),
            State::Telling { until }
            | State::Announcing { until, .. }
            | State::Prompted { until }
            | State::Collecting { until, .. }
            | State::Cutting { until, .. }
            | State::Warned { until }
            | State::Howling { until } => Some(*until),
        }
    }

    /// Whether the owner has a call on it.
    pub(super) fn is_call(&self) -> bool {
        matches!(self, State::Announcing { .. } | State::Ringing { .. } | State::Called | State::Talking)
    }

    /// Whether the telephone is off hook, as far as is known.
    pub(super) fn is_lifted(&self) -> bool {
        matches!(
            self,
            State::Prompted { .. }
                | State::Collecting { .. }
                | State::Called
                | State::Talking
                | State::Cutting { .. }
                | State::Warned { .. }
                | State::Howling { .. }
                | State::LockedOut
        )
    }

    pub(super) fn name(&self) -> &'static str {
        match self {
            State::Closed => "closed",
            State::Idle => "idle",
            State::Telling { .. } => "telling",
            State::Announcing { .. } => "announcing",
            State::Ringing { .. } => "ringing",
            State::Prompted { .. } => "prompted",
            State::Collecting { .. } => "collecting",
            State::Called => "called",
            State::Talking => "talking",
            State::Cutting { .. } => "cutting",
            State::Warned { .. } => "warned",
            State::Howling { .. } => "howling",
            State::LockedOut => "locked out",
            State::Lost => "lost",
        }
    }
}
