//! One call's record: reference, state, channel, timers; the numbers of its state; which states of both ends fit each
//! other. It sends nothing and tells nobody.
//!
//! Source: Q.931 §2.1 (states), §4.5.7 (numbers), §5.8.11 (compatibility).

use tipring_card::{Cause, Micros};

use crate::Role;
use crate::q921::Info;
use crate::words::{By, CallId};

/// Calls at one time: 31 channels, as many that are being cleared or refused, rounded up.
pub const MAX_CALLS: usize = 64;

/// The state of a call as this end sees it. The standard numbers most of them twice, by who made the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// 1 call initiated, 6 call present: SETUP is out.
    Offered,
    /// 2 overlap sending, 25 overlap receiving.
    Overlap,
    /// 3 outgoing call proceeding, 9 incoming call proceeding.
    Proceeding,
    /// 4 call delivered, 7 call received.
    Alerting,
    /// 8 connect request: a called user waits for CONNECT ACKNOWLEDGE.
    ConnectRequest,
    /// 10.
    Active,
    /// 11 disconnect request, 12 disconnect indication: we sent DISCONNECT.
    WeDisconnect,
    /// 12, 11: the far end sent DISCONNECT.
    TheyDisconnect,
    /// 19: we sent RELEASE.
    ReleaseRequest,
}

impl State {
    /// How far a call has come, for those that are not being cleared.
    const fn rank(self) -> Option<u8> {
        match self {
            State::Offered => Some(0),
            State::Overlap => Some(1),
            State::Proceeding => Some(2),
            State::Alerting => Some(3),
            State::ConnectRequest => Some(4),
            State::Active => Some(5),
            State::WeDisconnect | State::TheyDisconnect | State::ReleaseRequest => None,
        }
    }

    /// Whether the call is being cleared.
    pub(crate) const fn is_clearing(self) -> bool {
        self.rank().is_none()
    }
}

/// The timer that guards the state of a call. One runs at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Guard {
    T301,
    T302,
    T303,
    T304,
    T305,
    T306,
    T308,
    T310,
    T313,
    /// Our own side neither takes nor refuses an offered call.
    Offer,
}

/// One call.
#[derive(Debug)]
pub(crate) struct Call {
    pub id: CallId,
    /// The reference's value.
    pub reference: u16,
    /// We made the call: we chose the reference and sent SETUP.
    pub placed: bool,
    pub state: State,
    pub timeslot: Option<u8>,
    /// The far end has answered SETUP, or we have: the channel does not change any more.
    pub settled: bool,
    /// A placed call whose SETUP allowed no other channel.
    pub exclusive: bool,
    pub guard: Option<(Guard, Micros)>,
    /// The guard ran out once and its message was repeated.
    pub repeated: bool,
    /// STATUS ENQUIRY is out: when to give up waiting, and how many were sent.
    pub enquiry: Option<(Micros, u8)>,
    /// The first reason to clear.
    pub clearing: Option<(Cause, By)>,
    /// The SETUP, for its repetition.
    pub setup: Info,
}

impl Call {
    /// The first cause and author, or these.
    pub(crate) fn end(&self, cause: Cause, by: By) -> (Cause, By) {
        self.clearing.unwrap_or((cause, by))
    }

    /// Remembers why the call is cleared, unless that is known.
    pub(crate) fn clear_for(&mut self, cause: Cause, by: By) {
        self.clearing.get_or_insert((cause, by));
    }

    /// Enters a state: its guard is stopped.
    pub(crate) fn enter(&mut self, state: State) {
        self.state = state;
        self.guard = None;
        self.repeated = false;
    }

    /// Whether the user's side made the call.
    const fn made_by_user(&self, role: Role) -> bool {
        self.placed == matches!(role, Role::User)
    }

    /// The standard's number of our state.
    pub(crate) const fn number(&self, role: Role) -> u8 {
        let by_user = self.made_by_user(role);
        let we_are_user = matches!(role, Role::User);
        match self.state {
            State::Offered => pick(by_user, 1, 6),
            State::Overlap => pick(by_user, 2, 25),
            State::Proceeding => pick(by_user, 3, 9),
            State::Alerting => pick(by_user, 4, 7),
            State::ConnectRequest => 8,
            State::Active => 10,
            State::WeDisconnect => pick(we_are_user, 11, 12),
            State::TheyDisconnect => pick(we_are_user, 12, 11),
            State::ReleaseRequest => 19,
        }
    }

    /// Whether a state that the far end reports can be true. What is under way towards us is ahead of what we know:
    /// the called side is never behind the caller, but for the one CONNECT ACKNOWLEDGE.
    pub(crate) fn fits(&self, role: Role, theirs: u8) -> bool {
        let Some(ours) = self.state.rank() else {
            return theirs != 0; // being cleared: anything but null crosses with our message
        };
        let (theirs, by_user) = match theirs {
            1 => (0, Some(true)),
            2 => (1, Some(true)),
            3 => (2, Some(true)),
            4 => (3, Some(true)),
            6 => (0, Some(false)),
            25 => (1, Some(false)),
            9 => (2, Some(false)),
            7 => (3, Some(false)),
            8 => (4, Some(false)),
            10 => (5, None),
            11 | 12 | 19 | 22 => return true, // a clearing message is under way
            _ => return false,
        };
        if by_user.is_some_and(|by_user| by_user != self.made_by_user(role)) {
            return false;
        }
        let (caller, called) = if self.placed { (ours, theirs) } else { (theirs, ours) };
        caller <= called || (caller, called) == (5, 4)
    }
}

const fn pick(first: bool, yes: u8, no: u8) -> u8 {
    if first { yes } else { no }
}
