//! The flight recorder of an analogue line: what happened on it and when, in plain values, so that "why did it hang?" can
//! be answered afterwards, with or without a call. A ring of the newest entries a line, kept over calls; it decides
//! nothing, and lives on the signalling side alone.
//!
//! It knows how many digits went and came, never which; of a caller only that a number and a name came.
//!
//! Here is the ring, `words` puts what machines take and give into entries, `summary` makes one line of a call.

mod summary;
mod words;

pub(crate) use summary::{CallOver, PhoneMoments, of_line, of_phone};

use std::collections::VecDeque;
use std::fmt::{self, Display, Formatter};

use tipring_analog::{Evidence, Level};
use tipring_card::{Cause, Micros};

/// Entries of a line; the oldest go. An answered call has 20 to 30, and one more every ten seconds while it is spoken.
pub const ENTRIES: usize = 256;
/// What is told again is looked for among so many of the newest entries.
const FOLD_BACK: usize = 4;
/// Levels of so long are one entry, however they differ; those that differ little are one for as long as they do.
const LEVEL_SPAN: Micros = Micros::from_s(10);
/// Levels differ little.
const LEVEL_WIDTH_DB: i8 = 6;
/// The level of no sound at all.
const NOTHING_DBM0: i8 = -96;

/// What an entry is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A call has the line, or has it no longer.
    Call,
    /// The box wants something of the line.
    Wish,
    /// An event of the channel.
    Event,
    /// Our side of the loop moved.
    Hook,
    /// Something was heard.
    Heard,
    /// What is listened for, where the audio is.
    Audio,
    /// Digits, by their number.
    Digits,
    /// How loud it was.
    Level,
    /// What spoke for or against the end of a call.
    Sign,
    /// The machine's state.
    State,
    /// The channel was opened or is gone.
    Channel,
}

impl Kind {
    /// As programs have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Kind::Call => "call",
            Kind::Wish => "wish",
            Kind::Event => "event",
            Kind::Hook => "hook",
            Kind::Heard => "heard",
            Kind::Audio => "audio",
            Kind::Digits => "digits",
            Kind::Level => "level",
            Kind::Sign => "sign",
            Kind::State => "state",
            Kind::Channel => "channel",
        }
    }
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// In a word or a few.
    Word(&'static str),
    /// So many digits, and what became of them.
    Digits(u8, &'static str),
    /// A caller id came.
    Caller {
        /// Digits of the number.
        digits: u8,
        /// There was a name.
        name: bool,
        /// The caller withholds the number.
        restricted: bool,
    },
    /// Silence, so many milliseconds of it by now.
    Silent {
        /// Of both sides.
        both: bool,
        /// By now.
        ms: u32,
    },
    /// The quietest and the loudest second.
    Loud {
        /// Each way the quietest.
        least: Level,
        /// Each way the loudest.
        most: Level,
    },
    /// One sign of the far end's hang-up.
    Weighed(Evidence),
    /// A call begins under this generation of the line's lease.
    Lease(u32),
    /// The call is over.
    Cleared {
        /// Q.850 cause.
        cause: Cause,
        /// The far end has gone.
        by_far_end: bool,
    },
}

impl Display for What {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match *self {
            What::Word(word) => f.write_str(word),
            What::Digits(n, what) => write!(f, "{n} {}{what}", if n == 1 { "digit" } else { "digits" }),
            What::Caller { restricted: true, .. } => f.write_str("caller id: withheld"),
            What::Caller { digits, name, .. } => {
                write!(f, "caller id: a number of {digits} digits{}", if name { " and a name" } else { "" })
            }
            What::Silent { both, ms } => {
                write!(f, "silence of {} for {} s", if both { "both sides" } else { "the far end" }, ms / 1_000)
            }
            What::Loud { least, most } => {
                let way = |f: &mut Formatter<'_>, least: i8, most: i8| match least == most {
                    true => write!(f, "{most}"),
                    false => write!(f, "{least} to {most}"),
                };
                f.write_str("level from the line ")?;
                way(f, least.from_line, most.from_line)?;
                f.write_str(", to the line ")?;
                way(f, least.to_line, most.to_line)?;
                f.write_str(" dBm0")
            }
            What::Weighed(evidence) => {
                write!(f, "{}: {} of 100 for a hang-up, {} in all", evidence.sign.text(), evidence.weight, evidence.sum)
            }
            What::Lease(generation) => write!(f, "a call has the line (lease {generation})"),
            What::Cleared { cause, by_far_end } => {
                let whose = if by_far_end { "the far end's" } else { "ours" };
                write!(f, "the call is over: {} ({}), {whose}", cause.text(), cause.0)
            }
        }
    }
}

/// One thing that happened, or the same thing several times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When, the first time.
    pub at: Micros,
    /// When, the last time.
    pub last: Micros,
    /// How often.
    pub times: u32,
    /// What it is about.
    pub kind: Kind,
    /// What it was.
    pub what: What,
}

impl Entry {
    /// In words: `dial tone ×3`.
    pub fn text(&self) -> String {
        match (self.times, self.is_running()) {
            (1, _) | (_, true) => self.what.to_string(),
            (times, false) => format!("{} ×{times}", self.what),
        }
    }

    /// It is told every second while it lasts.
    fn is_running(&self) -> bool {
        matches!(self.what, What::Loud { .. } | What::Silent { .. })
    }

    /// Takes `other` in, if that is the same thing going on.
    fn folds(&mut self, other: &Entry) -> bool {
        let what = match (self.what, other.what) {
            (What::Silent { both, ms }, What::Silent { both: of, ms: by_now }) if both == of && by_now > ms => {
                other.what
            }
            (What::Silent { .. }, What::Silent { .. }) => return false,
            (What::Loud { least, most }, What::Loud { least: low, most: high }) => {
                let (least, most) = (each(least, low, i8::min), each(most, high, i8::max));
                let width = each(most, least, i8::saturating_sub);
                let little = width.from_line <= LEVEL_WIDTH_DB && width.to_line <= LEVEL_WIDTH_DB;
                if !little && other.at.since(self.at) >= LEVEL_SPAN {
                    return false;
                }
                What::Loud { least, most }
            }
            (mine, theirs) if self.kind == other.kind && mine == theirs => mine,
            _ => return false,
        };
        (self.what, self.last, self.times) = (what, other.last, self.times.saturating_add(other.times));
        true
    }
}

fn each(one: Level, other: Level, of: fn(i8, i8) -> i8) -> Level {
    Level { from_line: of(one.from_line, other.from_line), to_line: of(one.to_line, other.to_line) }
}

/// The recorder of one line.
#[derive(Debug)]
pub(crate) struct Flight {
    entries: VecDeque<Entry>,
    /// Entries that have gone.
    gone: u64,
    /// Rises with every change.
    changes: u64,
    /// The present call, or the last one, began then.
    began: Micros,
    /// The loudest second of that call, each way.
    loudest: Option<Level>,
    /// Digits that were sent in it.
    digits: u8,
}

impl Default for Flight {
    fn default() -> Self {
        Flight {
            // At once and never again: noting allocates nothing.
            entries: VecDeque::with_capacity(ENTRIES),
            gone: 0,
            changes: 0,
            began: Micros::ZERO,
            loudest: None,
            digits: 0,
        }
    }
}

impl Flight {
    /// Something happened.
    pub fn note(&mut self, now: Micros, kind: Kind, what: What) {
        self.changes += 1;
        let entry = Entry { at: now, last: now, times: 1, kind, what };
        if let Some(known) = self.same_before(&entry)
            && known.folds(&entry)
        {
            return;
        }
        if self.entries.len() == ENTRIES {
            self.entries.pop_front();
            self.gone += 1;
        }
        self.entries.push_back(entry);
    }

    /// A call begins.
    pub fn begins(&mut self, now: Micros, generation: u32) {
        (self.began, self.loudest, self.digits) = (now, None, 0);
        self.note(now, Kind::Call, What::Lease(generation));
    }

    /// What was, oldest first.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }

    /// Those of the present call.
    fn of_call(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.at >= self.began)
    }

    /// How often it has changed.
    pub fn changes(&self) -> u64 {
        self.changes
    }

    /// Entries that have gone.
    pub fn gone(&self) -> u64 {
        self.gone
    }

    /// Where the same thing would stand: what goes on each second may stand between two that are the same, but not the
    /// other way round.
    fn same_before(&mut self, entry: &Entry) -> Option<&mut Entry> {
        let running = entry.is_running();
        for known in self.entries.iter_mut().rev().take(FOLD_BACK) {
            let of_its_kind = known.kind == entry.kind
                && std::mem::discriminant(&known.what) == std::mem::discriminant(&entry.what)
                && !is_other_silence(known.what, entry.what);
            match (running, known.is_running()) {
                (true, true) if of_its_kind => return Some(known),
                (_, true) => {}
                (true, false) => return None,
                (false, false) => return Some(known),
            }
        }
        None
    }
}

/// Silence of one side and of both go on beside each other.
fn is_other_silence(one: What, other: What) -> bool {
    matches!((one, other), (What::Silent { both, .. }, What::Silent { both: of, .. }) if both != of)
}

/// A recorder at one moment, for readers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FlightGauge {
    /// Whose: `dahdi 3/2`.
    pub line: String,
    /// Oldest first.
    pub entries: Vec<Entry>,
    /// Entries that have gone before the oldest.
    pub gone: u64,
    changes: u64,
}

impl FlightGauge {
    /// As the recorder is now; nothing is copied where it is as it was.
    pub(crate) fn take(&mut self, line: &str, flight: &Flight) {
        if self.line != line {
            self.line = line.to_owned();
        } else if self.changes == flight.changes() {
            return;
        }
        (self.gone, self.changes) = (flight.gone(), flight.changes());
        self.entries.clear();
        self.entries.extend(flight.entries());
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
