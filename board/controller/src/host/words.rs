//! The words between our end of the line and whoever owns it: plain values, no behaviour.

use super::{Date, Heat, Limits, Policy, Report, Supply};
use crate::codec::Wire;
use crate::leds::Look;
use crate::words::{Board, Reading, Refusal, Reset, State};

/// How a board is to be used.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Config {
    /// Names this run of the service to the chip: any number, another one at each start.
    pub service: u32,
    /// Numbers of sessions are counted from here: any number.
    pub first_session: u16,
    /// Relays let go when the audio path has stood still for so long; 500 to 60 000.
    pub watchdog_ms: u16,
    /// When relays are tested.
    pub self_test: Policy,
    /// The day of the last test.
    pub last_test: Option<Date>,
    /// What is too warm, too low, too high.
    pub limits: Limits,
}

/// What happens to our end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Input<'a> {
    /// The port is open, and empty.
    Opened,
    /// The port is gone.
    Closed,
    /// Octets from the line.
    Octets(&'a [u8]),
    /// The audio path's beat, whenever somebody has looked. One that is higher than the last is food for the watchdog.
    Beat(u64),
    /// What an LED is to show.
    Led {
        /// Which.
        led: u8,
        /// What.
        look: Look,
    },
    /// How a relay is to be.
    Relay {
        /// Which.
        relay: u8,
        /// The box has the line.
        energised: bool,
    },
    /// So many calls are up or on their way.
    Calls(u32),
    /// What day it is, told at least once an hour.
    Today(Date),
    /// Somebody wants the relays tested as soon as nobody is on the phone.
    TestNow,
    /// The deadline has come.
    Timer,
}

/// What our end wants done.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Octets for the line.
    Send(Wire),
    /// For the owner.
    Event(Event),
}

/// What the owner is told.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A session began.
    Up {
        /// What the board has.
        board: Board,
        /// Why the chip began last.
        reset: Reset,
        /// The protocol's version.
        version: u8,
    },
    /// All that is wanted is so, for the first time in this session.
    Restored {
        /// Since the session began.
        after_ms: u64,
    },
    /// The session is over; a new one is sought.
    Down(Down),
    /// The chip speaks versions of the protocol that are not ours: another program is needed on one of the sides.
    Refused {
        /// Oldest and newest of ours.
        ours: [u8; 2],
        /// Oldest and newest of the chip's.
        theirs: [u8; 2],
    },
    /// The line gives back what is sent: it is another port, or its wires are joined.
    Echo,
    /// Relays that are energised now, a bit each.
    Relays(u8),
    /// The watchdog has released the relays.
    Tripped,
    /// The watchdog has food, or none any more.
    Fed(bool),
    /// A contact says something else than its relay was told, at two reports.
    ContactDisagrees {
        /// Which.
        relay: u8,
        /// What it was told.
        energised: bool,
    },
    /// The chip does not do what is wanted.
    NotDone {
        /// Kind of the command.
        kind: u8,
        /// Why.
        reason: Refusal,
    },
    /// A button was pressed so many times since the last word.
    Pressed {
        /// Which.
        button: u8,
        /// How often.
        times: u8,
    },
    /// The temperature has passed a limit.
    Heat(Heat),
    /// The supply has passed a limit.
    Supply(Supply),
    /// The relays' test is due, and waits for the end of calls.
    SelfTestWaits,
    /// The relays' test is over.
    SelfTest(Report),
}

/// Why a session is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Down {
    /// Nothing was heard from the chip.
    Silent,
    /// It was heard, and answered nothing.
    Unanswered,
    /// It began anew.
    Restarted(Reset),
    /// It knows nothing of the session: it began anew, or somebody else has spoken with it.
    Forgotten,
    /// The port is gone.
    Closed,
    /// The port was opened anew.
    Reopened,
}

impl Down {
    /// In words.
    pub const fn text(self) -> &'static str {
        match self {
            Down::Silent => "the board controller is silent",
            Down::Unanswered => "the board controller answers nothing",
            Down::Restarted(_) => "the board controller has started anew",
            Down::Forgotten => "the board controller knows nothing of us any more",
            Down::Closed => "its port is gone",
            Down::Reopened => "its port was opened anew",
        }
    }
}

/// What is known of a chip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chip {
    /// What its board has.
    pub board: Board,
    /// Its last report, and what its answers said since.
    pub state: State,
    /// The protocol's version.
    pub version: u8,
    /// What the sensors said last.
    pub reading: Reading,
    /// How warm that is.
    pub heat: Heat,
    /// How its supply is.
    pub supply: Supply,
}

/// What went wrong on the line, seen from here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Octets that were no frame.
    pub bad_frames: u32,
    /// Frames that were no message: of a later version, or wrong.
    pub bad_messages: u32,
    /// Frames and answers that came again, too late, or for another session.
    pub stale: u32,
    /// Frames of our own that came back.
    pub echoes: u32,
    /// Commands that were not answered in time.
    pub retries: u32,
    /// Commands that were refused.
    pub refused: u32,
    /// Sessions that were lost.
    pub losses: u32,
    /// Outputs that nobody polled.
    pub overruns: u32,
}

impl Counters {
    /// How many figures these are.
    pub const COUNT: usize = 8;

    /// Every figure with its name.
    pub fn named(&self) -> [(&'static str, u64); Self::COUNT] {
        let Counters { bad_frames, bad_messages, stale, echoes, retries, refused, losses, overruns } = *self;
        [
            ("bad_frames", bad_frames),
            ("bad_messages", bad_messages),
            ("stale", stale),
            ("echoes", echoes),
            ("retries", retries),
            ("refused", refused),
            ("losses", losses),
            ("overruns", overruns),
        ]
        .map(|(name, figure)| (name, u64::from(figure)))
    }
}
