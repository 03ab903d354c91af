//! What a fraud looks like: many calls to one range of numbers, or many that are cut as soon as they are answered. Only calls
//! to dear numbers are looked at; people call the same number of their own town often.

use std::collections::VecDeque;
use std::fmt;

use tipring_card::Micros;

/// How long calls are stopped.
pub const FREEZE: Micros = Micros::from_s(24 * 3_600);
/// Calls that are remembered; more within ten minutes stop them too, wherever they go.
pub const MAX_RECENT: usize = 4_096;

/// Digits of a range of numbers.
const PREFIX: usize = 6;
/// So many calls to one range…
const SAME: usize = 5;
/// …within so long.
const SAME_SPAN: Micros = Micros::from_s(600);
/// A call is short below this.
const SHORT: Micros = Micros::from_s(15);
/// So many short calls…
const SHORTS: usize = 10;
/// …within so long.
const SHORT_SPAN: Micros = Micros::from_s(3_600);

/// What was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// The fifth call to numbers that begin alike.
    SamePrefix(String),
    /// The tenth short one.
    ShortCalls,
    /// More than can be remembered.
    Flood,
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Pattern::SamePrefix(prefix) => write!(f, "{SAME} calls within 10 minutes to numbers with {prefix}"),
            Pattern::ShortCalls => write!(f, "{SHORTS} calls within an hour that were shorter than 15 s"),
            Pattern::Flood => write!(f, "{MAX_RECENT} calls within 10 minutes"),
        }
    }
}

/// What was dialled of late.
#[derive(Clone, Debug, Default)]
pub(super) struct Patterns {
    recent: VecDeque<(Micros, String)>,
    /// Ends of short calls; at most [`SHORTS`].
    shorts: VecDeque<Micros>,
    frozen: Option<(Pattern, Micros)>,
}

impl Patterns {
    /// What has stopped the calls, and until when.
    pub fn frozen(&mut self, now: Micros) -> Option<(&Pattern, Micros)> {
        if self.frozen.as_ref().is_some_and(|(_, until)| now >= *until) {
            *self = Patterns::default();
        }
        self.frozen.as_ref().map(|(pattern, until)| (pattern, *until))
    }

    /// A call begins; the pattern that it completes, if it does: then it must not.
    pub fn begins(&mut self, now: Micros, number: &str) -> Option<Pattern> {
        while self.recent.front().is_some_and(|(at, _)| now.since(*at) >= SAME_SPAN) {
            self.recent.pop_front();
        }
        let prefix: String = number.chars().filter(char::is_ascii_digit).take(PREFIX).collect();
        let same = self.recent.iter().filter(|(_, other)| *other == prefix).count();
        let pattern = match () {
            () if same + 1 >= SAME => Pattern::SamePrefix(prefix),
            () if self.recent.len() >= MAX_RECENT => Pattern::Flood,
            () => {
                self.recent.push_back((now, prefix));
                return None;
            }
        };
        Some(self.freeze(now, pattern))
    }

    /// A call of this length ends; the pattern that it completes, if it does.
    pub fn ends(&mut self, now: Micros, length: Micros) -> Option<Pattern> {
        if length >= SHORT {
            return None;
        }
        while self.shorts.front().is_some_and(|at| now.since(*at) >= SHORT_SPAN) {
            self.shorts.pop_front();
        }
        self.shorts.push_back(now);
        if self.shorts.len() < SHORTS {
            return None;
        }
        self.shorts.pop_front();
        self.frozen.is_none().then(|| self.freeze(now, Pattern::ShortCalls))
    }

    fn freeze(&mut self, now: Micros, pattern: Pattern) -> Pattern {
        self.frozen = Some((pattern.clone(), now + FREEZE));
        pattern
    }
}
