//! Dial: call others and connect them. Attributes and nouns as read; what can be reached is the router's matter.

use std::fmt;

use crate::record::RecordingEvents;
use crate::verb::{Method, Place};

/// Targets of one Dial, as twiml allows.
pub const MAX_TARGETS: usize = 10;

/// Call others and connect the first who answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Dial {
    /// Asked when the dialled leg is over; `None`: the next verb.
    pub action: Option<String>,
    /// How.
    pub method: Method,
    /// How long it may ring.
    pub timeout_s: u32,
    /// How long they may speak, from the bridge on.
    pub time_limit_s: u32,
    /// The number to show; `None`: the caller's.
    pub caller_id: Option<String>,
    /// `*` pressed by the caller ends the dialled leg.
    pub hangup_on_star: bool,
    /// The caller is answered only when a dialled leg is.
    pub answer_on_bridge: bool,
    /// Whose ringback the caller hears, a country's code; `None`: the far end's sound, else the box's country.
    pub ring_tone: Option<String>,
    /// One after the other instead of all at once.
    pub sequential: bool,
    /// What is recorded.
    pub record: DialRecord,
    /// Cut silence at both ends of the recording.
    pub trim: bool,
    /// Told of the recording.
    pub recording_callback: Option<String>,
    /// How.
    pub recording_callback_method: Method,
    /// Of what.
    pub recording_events: RecordingEvents,
    /// Who is called, in order; may be empty.
    pub targets: Vec<Target>,
}

/// What a Dial records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DialRecord {
    /// At all.
    pub on: bool,
    /// From ringing on; else from the answer.
    pub from_ringing: bool,
    /// Each side in a channel of its own.
    pub dual: bool,
    /// Whose voice.
    pub track: Track,
}

/// Whose voice is recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Track {
    /// Both.
    #[default]
    Both,
    /// What the caller says.
    Inbound,
    /// What the caller hears.
    Outbound,
}

/// Somebody to be called.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// A telephone number.
    Number(DialNumber),
    /// A noun that this box cannot call: its name.
    Unsupported(String),
}

/// A telephone number to be called.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DialNumber {
    /// As written, blanks at the ends removed.
    pub number: String,
    /// Keys that are sent after the answer: `0-9 * # A-D`, `w` half a second, `W` a second.
    pub send_digits: String,
    /// The group of lines (`byoc`, or our own `trunk`); empty: the default route.
    pub group: String,
    /// Told of the leg's progress.
    pub callback: Option<String>,
    /// How.
    pub callback_method: Method,
    /// Of what.
    pub callback_events: CallEvents,
    /// Where it stands.
    pub place: Place,
}

/// Which events of a call a callback wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallEvents {
    /// The attempt begins.
    pub initiated: bool,
    /// It rings.
    pub ringing: bool,
    /// It is answered.
    pub answered: bool,
    /// It is over.
    pub completed: bool,
}

impl Default for CallEvents {
    fn default() -> Self {
        CallEvents { initiated: false, ringing: false, answered: false, completed: true }
    }
}

impl fmt::Display for Dial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Dial")?;
        for target in &self.targets {
            match target {
                Target::Number(number) => write!(f, " {}", number.number)?,
                Target::Unsupported(name) => write!(f, " <{name}>")?,
            }
        }
        Ok(())
    }
}
