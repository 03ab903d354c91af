//! A Q.931 message as values: reference, type, the elements of codeset 0 that basic calls use. No octets, no decisions.
//!
//! Source: Q.931 §3 (messages and their elements), tables 4-2 (types) and 4-3 (elements).

use tipring_card::Cause;

use super::ie::{Channel, Ie, Location, Progress, RestartClass};
use crate::words::{Bearer, Calling, Digits, Number, Redirecting, Text};

/// A call reference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reference {
    /// 0 is the global one.
    pub value: u16,
    /// Set in messages **to** the side that chose the value.
    pub to_origin: bool,
    /// The dummy reference, no value at all.
    pub dummy: bool,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $octet:literal $text:literal,)*) => {
        /// Message types.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub enum Kind {
            $($(#[$doc])* $name,)*
            /// 0: an escape to national types.
            #[default]
            Escape,
            /// A type that is not known, with its octet.
            Unknown(u8),
        }
        impl Kind {
            /// All that are known.
            pub const ALL: &'static [Kind] = &[$(Kind::$name,)*];

            /// From the octet on the wire.
            pub const fn from_octet(octet: u8) -> Kind {
                match octet {
                    $($octet => Kind::$name,)*
                    0 => Kind::Escape,
                    other => Kind::Unknown(other),
                }
            }

            /// The octet on the wire.
            pub const fn octet(self) -> u8 {
                match self {
                    $(Kind::$name => $octet,)*
                    Kind::Escape => 0,
                    Kind::Unknown(octet) => octet,
                }
            }

            /// The name in the standard.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Kind::$name => $text,)*
                    Kind::Escape => "ESCAPE",
                    Kind::Unknown(_) => "UNKNOWN",
                }
            }
        }
    };
}

kinds! {
    /// The called party rings.
    Alerting = 0x01 "ALERTING",
    /// The call is under way.
    CallProceeding = 0x02 "CALL PROCEEDING",
    /// News on the way.
    Progress = 0x03 "PROGRESS",
    /// A call.
    Setup = 0x05 "SETUP",
    /// Answered.
    Connect = 0x07 "CONNECT",
    /// More digits, please.
    SetupAck = 0x0D "SETUP ACKNOWLEDGE",
    /// Answer confirmed.
    ConnectAck = 0x0F "CONNECT ACKNOWLEDGE",
    /// User information.
    UserInformation = 0x20 "USER INFORMATION",
    /// Suspension refused.
    SuspendReject = 0x21 "SUSPEND REJECT",
    /// Resumption refused.
    ResumeReject = 0x22 "RESUME REJECT",
    /// Hold.
    Hold = 0x24 "HOLD",
    /// Suspend.
    Suspend = 0x25 "SUSPEND",
    /// Resume.
    Resume = 0x26 "RESUME",
    /// Held.
    HoldAck = 0x28 "HOLD ACKNOWLEDGE",
    /// Suspended.
    SuspendAck = 0x2D "SUSPEND ACKNOWLEDGE",
    /// Resumed.
    ResumeAck = 0x2E "RESUME ACKNOWLEDGE",
    /// Hold refused.
    HoldReject = 0x30 "HOLD REJECT",
    /// Retrieve.
    Retrieve = 0x31 "RETRIEVE",
    /// Retrieved.
    RetrieveAck = 0x33 "RETRIEVE ACKNOWLEDGE",
    /// Retrieval refused.
    RetrieveReject = 0x37 "RETRIEVE REJECT",
    /// Please clear.
    Disconnect = 0x45 "DISCONNECT",
    /// Channels back to idle.
    Restart = 0x46 "RESTART",
    /// Channel and reference are given up.
    Release = 0x4D "RELEASE",
    /// Restarted.
    RestartAck = 0x4E "RESTART ACKNOWLEDGE",
    /// Given up on both sides.
    ReleaseComplete = 0x5A "RELEASE COMPLETE",
    /// A part of a message.
    Segment = 0x60 "SEGMENT",
    /// Supplementary services.
    Facility = 0x62 "FACILITY",
    /// Supplementary services without a call.
    Register = 0x64 "REGISTER",
    /// A notification.
    Notify = 0x6E "NOTIFY",
    /// What state is the call in?
    StatusEnquiry = 0x75 "STATUS ENQUIRY",
    /// Flow control of user information.
    CongestionControl = 0x79 "CONGESTION CONTROL",
    /// Digits and other additions.
    Information = 0x7B "INFORMATION",
    /// The state of the call, or what was wrong with a message.
    Status = 0x7D "STATUS",
}

/// A message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// Of which call.
    pub reference: Reference,
    /// What.
    pub kind: Kind,
    /// 04.
    pub bearer: Ie<Bearer>,
    /// 08.
    pub cause: Ie<(Cause, Location)>,
    /// 14.
    pub call_state: Ie<u8>,
    /// 18.
    pub channel: Ie<Channel>,
    /// 1E, all of them.
    pub progress: Progress,
    /// Where our progress arises.
    pub location: Location,
    /// 28.
    pub display: Option<Text>,
    /// 2C.
    pub keypad: Ie<Digits>,
    /// 6C.
    pub calling: Ie<Calling>,
    /// 70.
    pub called: Ie<Number>,
    /// 74.
    pub redirecting: Ie<Redirecting>,
    /// 79.
    pub restart: Ie<RestartClass>,
    /// A1.
    pub sending_complete: bool,
    /// The first element that must be understood and is not known.
    pub must_understand: Option<u8>,
    /// Known optional elements with senseless contents, or the last one cut off.
    pub bad_elements: u8,
    /// Elements that are not known, repeated, of other codesets or out of order.
    pub passed_over: u8,
}

impl Message {
    /// An empty message of a type.
    pub fn new(kind: Kind) -> Self {
        Message { kind, ..Message::default() }
    }
}
