//! The states of a line towards an exchange, with what each must remember. No behaviour but its time limit.

use tipring_card::Micros;

use super::evidence::Scale;
use crate::words::Digits;

/// Which way a call goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// The exchange rang us.
    In,
    /// We dialled.
    Out,
}

/// What a line does.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum State {
    /// The channel is not open.
    Closed,
    /// On hook and quiet.
    Idle,
    /// On hook; polarity changed, which announces caller id and a ring in some countries.
    Forewarned {
        /// Without a ring it was something else.
        until: Micros,
    },
    /// It rings; who calls is not complete yet.
    Ringing {
        /// Then it is offered with what is known.
        present_at: Micros,
        /// Then it has stopped.
        stops_at: Micros,
        /// The last burst began then.
        began: Micros,
        /// The last burst ended then; `None`: it sounds.
        ended: Option<Micros>,
    },
    /// The owner knows that it rings.
    Offered {
        /// Then the caller has given up.
        stops_at: Micros,
    },
    /// Our seizure has answered a ring: the caller is there, and the owner has not said that it wants the call.
    Met {
        /// The owner cannot take longer.
        until: Micros,
    },
    /// The owner does not want this ring.
    Ignored {
        /// Then it has stopped.
        stops_at: Micros,
    },
    /// Off-hook was asked for; a refusal would come at once.
    Answering {
        /// Then it is taken for done.
        until: Micros,
    },
    /// Somebody is there.
    InCall {
        /// Who called.
        way: Way,
        /// Since the answer.
        since: Micros,
        /// When the reversal came that marks the answer.
        reversed: Option<Micros>,
        /// What speaks for its end.
        scale: Scale,
    },
    /// The seizure is under way.
    Seizing {
        /// To be dialled.
        digits: Digits,
        /// Longest wait for the card.
        until: Micros,
    },
    /// Seized; dial tone is awaited.
    AwaitingTone {
        /// To be dialled.
        digits: Digits,
        /// Longest wait for the exchange.
        until: Micros,
    },
    /// Seized; nobody listens for dial tone.
    Pausing {
        /// To be dialled.
        digits: Digits,
        /// Then they go out.
        until: Micros,
    },
    /// Digits go out.
    Dialling {
        /// They cannot take longer.
        until: Micros,
    },
    /// The exchange works on it.
    Progress {
        /// Nobody waits longer.
        until: Micros,
        /// Ringback was heard.
        rang: bool,
    },
    /// On hook; the exchange releases.
    Clearing {
        /// The end of the rest.
        until: Micros,
        /// The on-hook was refused and is asked for again then.
        again: bool,
        /// A ring began meanwhile.
        ring: Option<Micros>,
    },
    /// The channel is gone.
    Lost,
}

impl State {
    pub(super) fn deadline(&self) -> Option<Micros> {
        match self {
            State::Closed | State::Idle | State::InCall { .. } | State::Lost => None,
            State::Ringing { present_at, stops_at, .. } => Some(*present_at.min(stops_at)),
            State::Offered { stops_at } | State::Ignored { stops_at } => Some(*stops_at),
            State::Forewarned { until }
            | State::Met { until }
            | State::Answering { until }
            | State::Seizing { until, .. }
            | State::AwaitingTone { until, .. }
            | State::Pausing { until, .. }
            | State::Dialling { until }
            | State::Progress { until, .. }
            | State::Clearing { until, .. } => Some(*until),
        }
    }

    /// Whether a call may begin.
    pub(super) fn is_free(&self) -> bool {
        matches!(self, State::Idle | State::Forewarned { .. })
    }

    /// Whether our end of the loop is closed or about to be.
    pub(super) fn is_off_hook(&self) -> bool {
        matches!(
            self,
            State::Met { .. }
                | State::Answering { .. }
                | State::InCall { .. }
                | State::Seizing { .. }
                | State::AwaitingTone { .. }
                | State::Pausing { .. }
                | State::Dialling { .. }
                | State::Progress { .. }
        )
    }

    pub(super) fn name(&self) -> &'static str {
        match self {
            State::Closed => "closed",
            State::Idle => "idle",
            State::Forewarned { .. } => "forewarned",
            State::Ringing { .. } => "ringing",
            State::Offered { .. } => "offered",
            State::Met { .. } => "met",
            State::Ignored { .. } => "ignored",
            State::Answering { .. } => "answering",
            State::InCall { .. } => "in call",
            State::Seizing { .. } => "seizing",
            State::AwaitingTone { .. } => "awaiting dial tone",
            State::Pausing { .. } => "pausing",
            State::Dialling { .. } => "dialling",
            State::Progress { .. } => "progress",
            State::Clearing { .. } => "clearing",
            State::Lost => "lost",
        }
    }
}
