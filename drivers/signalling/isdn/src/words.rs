//! The words between a trunk and whoever owns it: commands down, events up, and the nouns in them. No behaviour.
//!
//! Source: Q.931 §4.5 for the values of the information elements.

use tipring_card::{Cause, Law};

/// Longest number that is taken or sent. E.164 has 15 digits, prefixes and private plans add; longer is refused.
pub const MAX_DIGITS: usize = 40;
/// Longest display text in octets of UTF-8. The element has at most 82 octets.
pub const MAX_TEXT: usize = 96;

/// Digits of a number: `0`–`9`, `*`, `#`, `A`–`D`; `+` as many gateways write international numbers of unknown type.
pub type Digits = heapless::String<MAX_DIGITS>;
/// A name for people.
pub type Text = heapless::String<MAX_TEXT>;

/// A call of one trunk. Unique over the trunk's life, never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u32);

/// Type of number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ton {
    /// Unknown: the dialling plan of the line decides.
    #[default]
    Unknown,
    /// With country code.
    International,
    /// With area code.
    National,
    /// Special to the network.
    NetworkSpecific,
    /// Subscriber number, no area code.
    Subscriber,
    /// Abbreviated.
    Abbreviated,
    /// A reserved value, as received.
    Reserved(u8),
}

/// Numbering plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Npi {
    /// Unknown.
    #[default]
    Unknown,
    /// Telephony, E.164.
    E164,
    /// Private plan.
    Private,
    /// National standard plan.
    National,
    /// Any other value, as received.
    Other(u8),
}

/// A number with its type and plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Number {
    /// Its digits.
    pub digits: Digits,
    /// Type of number.
    pub ton: Ton,
    /// Numbering plan.
    pub npi: Npi,
}

impl Number {
    /// A number of unknown type; `None` when it is too long or has a character that is no digit.
    pub fn unknown(digits: &str) -> Option<Number> {
        Number::of(digits, Ton::Unknown, Npi::Unknown)
    }

    /// A number with type and plan; `None` when it is too long or has a character that is no digit.
    pub fn of(digits: &str, ton: Ton, npi: Npi) -> Option<Number> {
        if !digits.bytes().all(is_digit) {
            return None;
        }
        Some(Number { digits: Digits::try_from(digits).ok()?, ton, npi })
    }
}

/// Whether an octet may stand in a number.
pub const fn is_digit(octet: u8) -> bool {
    matches!(octet, b'0'..=b'9' | b'*' | b'#' | b'+' | b'A'..=b'D' | b'a'..=b'd')
}

/// Whether a number may be shown to the called party.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Presentation {
    /// It may.
    #[default]
    Allowed,
    /// The caller withholds it.
    Restricted,
    /// There is none, e.g. for interworking.
    Unavailable,
}

/// Who vouches for a calling number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Screening {
    /// The user says so, nobody checked.
    #[default]
    UserNotScreened,
    /// The user says so, the network checked.
    UserPassed,
    /// The user says so, the check failed.
    UserFailed,
    /// The network provides it.
    Network,
}

/// The calling number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calling {
    /// The number; may be empty when restricted.
    pub number: Number,
    /// Whether it may be shown.
    pub presentation: Presentation,
    /// Who vouches for it.
    pub screening: Screening,
}

/// The number that forwarded the call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Redirecting {
    /// The number.
    pub number: Number,
    /// Whether it may be shown.
    pub presentation: Presentation,
    /// 1 busy, 2 no reply, 15 always; others as Q.952 has them; 0 when unknown.
    pub reason: u8,
}

/// What a call wants of the bearer channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bearer {
    /// Speech in a law.
    Speech(Law),
    /// 3.1 kHz audio in a law: speech, fax, modems.
    Audio(Law),
    /// 64 kbit/s unrestricted: no voice.
    Unrestricted,
    /// Anything else, with the information transfer capability as received. Never reaches the owner.
    Other(u8),
}

/// What to dial out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetupRequest {
    /// Id from [`crate::Trunk::next_call_id`].
    pub call: CallId,
    /// The wished timeslot; any when `None`.
    pub timeslot: Option<u8>,
    /// Only the wished timeslot will do.
    pub exclusive: bool,
    /// The number to reach; empty with overlap sending.
    pub called: Number,
    /// The number to show.
    pub calling: Option<Calling>,
    /// The name to show. Sent by the network only: EuroISDN users send no display.
    pub name: Option<Text>,
    /// Who forwarded the call to us.
    pub redirecting: Option<Redirecting>,
    /// What is to be carried. The law that is named is always the trunk's, [`crate::Config::law`].
    pub bearer: Bearer,
    /// No further digits follow, and we say so.
    pub sending_complete: bool,
    /// The caller is not on an ISDN (progress indicator 3), e.g. a bridged analogue line.
    pub origin_not_isdn: bool,
}

impl SetupRequest {
    /// Speech to a number, complete, any channel, no calling number.
    pub fn speech(call: CallId, called: Number, law: Law) -> Self {
        SetupRequest {
            call,
            timeslot: None,
            exclusive: false,
            called,
            calling: None,
            name: None,
            redirecting: None,
            bearer: Bearer::Speech(law),
            sending_complete: true,
            origin_not_isdn: false,
        }
    }
}

/// A call that the far end offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncomingCall {
    /// Its id.
    pub call: CallId,
    /// The bearer channel, already seized for it.
    pub timeslot: u8,
    /// The number dialled so far.
    pub called: Number,
    /// The number calling, when there is one.
    pub calling: Option<Calling>,
    /// The name calling, when there is one.
    pub name: Option<Text>,
    /// Who forwarded the call.
    pub redirecting: Option<Redirecting>,
    /// What is to be carried.
    pub bearer: Bearer,
    /// No further digits follow: said by the caller, or by [`crate::Config::overlap`] being off.
    pub sending_complete: bool,
}

/// What the owner wants done. A command for a call that is gone is ignored and counted.
#[allow(clippy::large_enum_variant)] // no allocator here: the variant cannot be boxed
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Call out.
    Setup(SetupRequest),
    /// Take an incoming call whose number is not complete; digits follow as [`Event::Digits`].
    SetupAck(CallId),
    /// Send further digits of an outgoing call.
    Information(CallId, Digits),
    /// Show a text during a call (network only).
    Display(CallId, Text),
    /// The incoming call is complete and under way.
    Proceeding(CallId),
    /// Tones or announcements can be heard (progress indicator 8).
    Progress(CallId),
    /// The called party rings; with `true` a tone can be heard in band.
    Alerting(CallId, bool),
    /// The called party answered.
    Connect(CallId),
    /// End the call in the ordinary way. A call that we have not answered in any way is rejected.
    Disconnect(CallId, Cause),
    /// End the call but keep the channel for tones or an announcement, until T306 at most (network only).
    DisconnectWithTones(CallId, Cause),
    /// Give the channel up: the answer to [`Event::Disconnecting`] when tones were to be heard first.
    Release(CallId, Cause),
    /// Refuse an offered call with RELEASE COMPLETE.
    Reject(CallId, Cause),
    /// Restart one timeslot, or all, one after another. Calls on them end.
    Restart(Option<u8>),
    /// Ask the far end what it thinks of a call.
    StatusEnquiry(CallId),
}

/// Who or what ended a call first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// Our own command, or a command that could not be carried out.
    Local,
    /// The far end.
    Remote,
    /// A timer ran out.
    Timer,
    /// The data link was lost.
    Link,
    /// The channel was restarted by either end.
    Restart,
}

/// What was wrong with something received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A frame that Q.921 does not know.
    BadFrame,
    /// A command frame with our own command bit: a loop, or both ends set to the same role.
    SameRole,
    /// A message that is cut off or has another protocol discriminator or a long call reference.
    BadMessage,
    /// A message for a call that does not exist.
    UnknownCall,
    /// A message type that is not known, with its octet.
    UnknownType(u8),
    /// A message that does not fit the state of the call, with its octet.
    UnexpectedMessage(u8),
    /// A mandatory element is missing, or one that must be understood is not known.
    MissingElement,
    /// An element has contents that make no sense.
    BadElement,
    /// A segmented message: not supported.
    Segmented,
    /// The far end's call state contradicts ours.
    StateMismatch(u8),
}

/// What the owner is told.
#[allow(clippy::large_enum_variant)] // no allocator here: the variant cannot be boxed
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The data link is established.
    LinkUp,
    /// The data link is lost. Active calls stay until T309 runs out.
    LinkDown,
    /// A call is offered. Answer it within [`crate::Timers::offer`].
    Incoming(IncomingCall),
    /// Further digits of an incoming call, or keys during a call. `complete`: no more will come (T302 or said so).
    Digits {
        /// The call.
        call: CallId,
        /// The new digits only.
        digits: Digits,
        /// The number is complete as far as the line can tell.
        complete: bool,
    },
    /// The exchange wants more digits.
    SetupAck {
        /// The call.
        call: CallId,
        /// Its channel, when settled.
        timeslot: Option<u8>,
        /// Dial tone can be heard.
        inband: bool,
    },
    /// The call is under way.
    Proceeding {
        /// The call.
        call: CallId,
        /// Its channel, when settled.
        timeslot: Option<u8>,
        /// Tones can be heard.
        inband: bool,
    },
    /// Something happened on the way.
    Progress {
        /// The call.
        call: CallId,
        /// Tones can be heard.
        inband: bool,
    },
    /// The called party rings.
    Alerting {
        /// The call.
        call: CallId,
        /// Its channel, when settled.
        timeslot: Option<u8>,
        /// Tones can be heard.
        inband: bool,
    },
    /// The call is active: CONNECT came for the caller, CONNECT ACK for a called user. A called network is active as
    /// soon as it has sent CONNECT (Q.931 §5.1.8).
    Connected {
        /// The call.
        call: CallId,
        /// Its channel.
        timeslot: u8,
    },
    /// The call is ending. With `inband` tones can be heard until the owner releases or T306 runs out; without, the
    /// trunk releases by itself. Comes too when one of our timers ends the call.
    Disconnecting {
        /// The call.
        call: CallId,
        /// Why.
        cause: Cause,
        /// Tones can be heard.
        inband: bool,
    },
    /// The call is gone, its id too. The last event of every call.
    Released {
        /// The call.
        call: CallId,
        /// The first cause that was given.
        cause: Cause,
        /// Who ended it first.
        by: By,
    },
    /// A restart of ours was acknowledged, or the far end restarted the channel: it is idle.
    ChannelRestarted {
        /// The channel.
        timeslot: u8,
    },
    /// A restart of ours was not acknowledged: the channel is in maintenance.
    RestartFailed {
        /// The channel.
        timeslot: u8,
    },
    /// Something received was wrong. It was dealt with and counted; this is for the log.
    ProtocolError {
        /// The call, when it belongs to one.
        call: Option<CallId>,
        /// What was wrong.
        fault: Fault,
    },
}

/// What a bearer channel does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelState {
    /// No such channel on this trunk.
    Absent,
    /// Free.
    Idle,
    /// Held by a call.
    InCall(CallId),
    /// A restart of ours waits or is unanswered.
    Restarting,
    /// The far end did not confirm that it is free. Left by a restart only.
    Maintenance,
}
