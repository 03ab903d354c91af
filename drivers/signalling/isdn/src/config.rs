//! What an installer may set for one D channel: role, timeslots, law, timers. It holds no state.
//!
//! Source: Q.921 §5.9 (link parameters), Q.931 tables 9-1 (network) and 9-2 (user).

use tipring_card::{Law, Micros};

/// Which end of the interface we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// The subscriber's end, a PBX. Yields when both ends seize a channel.
    User,
    /// The exchange's end. Chooses channels.
    Network,
}

/// The timeslots that are bearer channels of this D channel; bit n is timeslot n.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelMap(u32);

impl ChannelMap {
    /// A whole E1: timeslots 1–15 and 17–31.
    pub const E1: ChannelMap = ChannelMap(0xFFFE_FFFE);
    /// A whole T1: timeslots 1–23.
    pub const T1: ChannelMap = ChannelMap(0x00FF_FFFE);

    /// The given timeslots; numbers outside 1–31 are passed over.
    pub fn of(timeslots: &[u8]) -> Self {
        let mut bits = 0;
        for &slot in timeslots {
            if (1..=31).contains(&slot) {
                bits |= 1 << slot;
            }
        }
        ChannelMap(bits)
    }

    /// Whether the timeslot is one of them.
    pub const fn contains(self, timeslot: u8) -> bool {
        timeslot < 32 && self.0 & (1 << timeslot) != 0
    }

    /// All of them, lowest first.
    pub fn iter(self) -> impl DoubleEndedIterator<Item = u8> {
        (1..32u8).filter(move |&slot| self.contains(slot))
    }

    /// How many there are.
    pub const fn count(self) -> u32 {
        self.0.count_ones()
    }
}

/// Every timer and retry count. [`Timers::of`] gives the defaults of a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timers {
    /// Q.921: a frame waits for its acknowledgement. 1 s.
    pub t200: Micros,
    /// Q.921: silence after which the far end is polled. 10 s.
    pub t203: Micros,
    /// Q.921: how often a frame is repeated. 3.
    pub n200: u8,
    /// Q.921: frames that may be unacknowledged. 7, at most 127.
    pub k: u8,
    /// Pause after a failed establishment before the next SABME. Not of the standard. 2 s.
    pub establish_again: Micros,
    /// Alerting, caller's side. Network 180 s; a user leaves it to the exchange (`None`).
    pub t301: Option<Micros>,
    /// Gap between digits, called side. 15 s.
    pub t302: Micros,
    /// SETUP sent. 4 s, once repeated.
    pub t303: Micros,
    /// Overlap sending. User 30 s, network 20 s.
    pub t304: Micros,
    /// DISCONNECT sent. 30 s.
    pub t305: Micros,
    /// DISCONNECT with tones sent or received, nobody released yet. 30 s.
    pub t306: Micros,
    /// RELEASE sent. 4 s, once repeated.
    pub t308: Micros,
    /// The link is lost while calls are active. 90 s, the most that both tables allow: a call that people talk on
    /// is not cut because signalling had a hiccup.
    pub t309: Micros,
    /// CALL PROCEEDING received. User 60 s, network 10 s.
    pub t310: Micros,
    /// CONNECT sent, user's side only. 4 s.
    pub t313: Micros,
    /// RESTART sent. 2 min, sent `n316` times.
    pub t316: Micros,
    /// How often a RESTART is sent in all. 2.
    pub n316: u8,
    /// STATUS ENQUIRY sent. 4 s, sent `n322` times.
    pub t322: Micros,
    /// How often a STATUS ENQUIRY is sent in all before the call is given up. 3.
    pub n322: u8,
    /// An offered call that our own side neither takes nor refuses. Not of the standard: twice T303 and a little,
    /// by then the caller has given up. 9 s.
    pub offer: Micros,
}

impl Timers {
    /// The defaults of a role.
    pub const fn of(role: Role) -> Self {
        let network = matches!(role, Role::Network);
        Timers {
            t200: Micros::from_s(1),
            t203: Micros::from_s(10),
            n200: 3,
            k: 7,
            establish_again: Micros::from_s(2),
            t301: if network { Some(Micros::from_s(180)) } else { None },
            t302: Micros::from_s(15),
            t303: Micros::from_s(4),
            t304: Micros::from_s(if network { 20 } else { 30 }),
            t305: Micros::from_s(30),
            t306: Micros::from_s(30),
            t308: Micros::from_s(4),
            t309: Micros::from_s(90),
            t310: Micros::from_s(if network { 10 } else { 60 }),
            t313: Micros::from_s(4),
            t316: Micros::from_s(120),
            n316: 2,
            t322: Micros::from_s(4),
            n322: 3,
            offer: Micros::from_s(9),
        }
    }
}

/// The settings of one D channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Which end we are.
    pub role: Role,
    /// The bearer channels.
    pub channels: ChannelMap,
    /// The law that our SETUPs name in the bearer capability.
    pub law: Law,
    /// Timers and retry counts.
    pub timers: Timers,
    /// Numbers arrive digit by digit. When false, an incoming SETUP counts as complete whether it says so or not.
    pub overlap: bool,
    /// A channel that went to maintenance is restarted by itself: at once and again whenever the link comes up.
    pub heal: bool,
}

impl Config {
    /// A whole E1, A-law.
    pub const fn e1(role: Role) -> Self {
        Config { role, channels: ChannelMap::E1, law: Law::A, timers: Timers::of(role), overlap: false, heal: true }
    }

    /// A whole T1, µ-law.
    pub const fn t1(role: Role) -> Self {
        Config { channels: ChannelMap::T1, law: Law::Mu, ..Config::e1(role) }
    }
}
