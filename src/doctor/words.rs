//! The words between the doctor and whoever has the lines: a line is lent, and as long as it is, nothing of it reaches the
//! router; its ring, its events and what is heard on it come here.

use tipring_analog::{Config, Digits, Event, Heard};
use tipring_card::{Cause, Event as LineEvent, Law, Micros};
use tipring_switch::Port;

/// What the doctor wants of a line.
#[derive(Clone, Debug, PartialEq)]
pub struct Examine {
    /// Which: `dahdi 3/1`.
    pub line: String,
    /// What.
    pub wish: Wish,
}

/// What is wanted of a line. All but [`Wish::Lend`] is passed over on a line that is not lent.
#[derive(Clone, Debug, PartialEq)]
pub enum Wish {
    /// To have it: ends with [`Seen::Lent`] or [`Seen::Refused`]. While it is lent no sign ends a call on it.
    Lend,
    /// Seize it and dial.
    Dial(Digits),
    /// Answer its ring.
    Answer,
    /// Give up its call.
    HangUp,
    /// Done with it. A ring that nobody has answered goes to the router now, a call ends.
    Return,
}

/// Something happened on a line that is lent, or is to be.
#[derive(Clone, Debug, PartialEq)]
pub struct Examined {
    /// Which.
    pub line: String,
    /// Its place in the switch, and the present use of it.
    pub port: Port,
    /// When.
    pub at: Micros,
    /// What.
    pub seen: Seen,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Seen {
    /// The line is lent.
    Lent(Box<Lent>),
    /// It cannot be had now.
    Refused {
        /// It has a call: later it can.
        in_use: bool,
        /// Why, and what helps.
        text: String,
    },
    /// Its sound goes to the switch from now on.
    Attached,
    /// An event of its channel.
    Line(LineEvent),
    /// Something was heard on it.
    Heard(Heard),
    /// Its machine says so.
    Told(Event),
    /// A use of it is over, whoever ended it.
    Over(Cause),
    /// The channel is gone.
    Lost,
}

/// A line as it is when it is lent.
#[derive(Clone, Debug, PartialEq)]
pub struct Lent {
    /// The law of its octets.
    pub law: Law,
    /// Its settings when it is not lent.
    pub config: Config,
    /// What is added to what comes from it, dB.
    pub receive_gain_db: i8,
}
