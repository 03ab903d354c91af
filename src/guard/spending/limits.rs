//! The limits, and what is said where one is reached. Every text names the key that is to be changed and when the way is
//! open again.

use std::fmt;

use tipring_card::Micros;

use super::pattern::Pattern;

/// What a call costs, as far as the guard cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tariff {
    /// Help: always passes and counts nowhere.
    Help,
    /// Short codes and free numbers: nothing but a line is taken.
    Free,
    /// Numbers of the own country.
    Home,
    /// Other countries.
    Abroad,
    /// Paid services, satellites, and what nobody can place.
    Dear,
}

impl Tariff {
    /// Whether minutes and rates are counted.
    pub const fn costs(self) -> bool {
        matches!(self, Tariff::Home | Tariff::Abroad | Tariff::Dear)
    }

    /// Whether it is worth a fraud's while.
    pub const fn is_dear(self) -> bool {
        matches!(self, Tariff::Abroad | Tariff::Dear)
    }
}

/// The limits. The default has none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Calls that an account may begin within a second; 0: any number.
    pub calls_per_second: u32,
    /// Calls that an account may begin within a minute, and messages that it may send; 0: any number.
    pub calls_per_minute: u32,
    /// Of a hundred lines of the box, those that calls out may have at once; at least one line.
    pub lines_percent: u32,
    /// The longest call.
    pub longest: Micros,
    /// Minutes that calls out may take in a day.
    pub minutes_per_day: u32,
    /// Those of them that may be calls abroad.
    pub international_minutes_per_day: u32,
    /// Calls to dear numbers are stopped where they look like a fraud.
    pub stop_patterns: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            calls_per_second: 0,
            calls_per_minute: 0,
            lines_percent: 100,
            longest: Micros::FOREVER,
            minutes_per_day: u32::MAX,
            international_minutes_per_day: u32::MAX,
            stop_patterns: false,
        }
    }
}

impl Limits {
    /// The share of so many lines, rounded up.
    pub(super) fn most_lines(&self, lines: u32) -> u32 {
        let share = (u64::from(lines) * u64::from(self.lines_percent)).div_ceil(100);
        u32::try_from(share).unwrap_or(u32::MAX).max(1)
    }
}

/// A sum of minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Budget {
    /// Of all calls that cost something.
    All,
    /// Of calls abroad.
    Abroad,
}

impl Budget {
    /// Its key in the configuration.
    pub const fn key(self) -> &'static str {
        match self {
            Budget::All => "outbound.minutes_per_day",
            Budget::Abroad => "outbound.international_minutes_per_day",
        }
    }
}

/// Why a call does not begin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The account has begun too many within a second or a minute.
    #[error("the account has begun {limit} within {}, as many as {key} allows; the next may begin in {}", of(key), Time(*opens_in))]
    Rate {
        /// The key of the limit.
        key: &'static str,
        /// The limit.
        limit: u32,
        /// When the next may begin.
        opens_in: Micros,
    },
    /// No minute of a day is left.
    #[error("{}", spent(*budget, *limit, *opens_in))]
    Spent {
        /// Of which budget.
        budget: Budget,
        /// How many there were.
        limit: u32,
        /// When the next day begins.
        opens_in: Micros,
    },
    /// Somebody dials like a fraud.
    #[error(
        "calls to international, premium and unknown numbers are stopped: {pattern}; they are open again in {}, or once \
         the configuration is read again; outbound.stop_patterns = false turns this off",
        Time(*opens_in)
    )]
    Frozen {
        /// What was seen.
        pattern: Pattern,
        /// When they are open again.
        opens_in: Micros,
    },
}

impl Refusal {
    /// When the same may be asked again; `None`: no time brings minutes that were never set aside.
    pub const fn opens_in(&self) -> Option<Micros> {
        match self {
            Refusal::Spent { limit: 0, .. } => None,
            Refusal::Rate { opens_in, .. } | Refusal::Spent { opens_in, .. } | Refusal::Frozen { opens_in, .. } => {
                Some(*opens_in)
            }
        }
    }
}

fn of(key: &str) -> &'static str {
    if key.ends_with("second") { "a second" } else { "a minute" }
}

fn spent(budget: Budget, limit: u32, opens_in: Micros) -> String {
    let key = budget.key();
    match limit {
        0 => format!("{key} is 0: no minutes are set aside for such calls; set it to as many as a day may cost"),
        _ => format!(
            "the {limit} minutes of {key} are spent; there are new ones in {}, or with a larger limit",
            Time(opens_in)
        ),
    }
}

/// Something that a person should be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Alert {
    /// Four of five minutes of a day are spent.
    Near {
        /// Of which budget.
        budget: Budget,
        /// So many.
        spent: u32,
        /// Of so many.
        limit: u32,
    },
    /// All minutes of a day are spent.
    Spent {
        /// Of which budget.
        budget: Budget,
        /// So many.
        limit: u32,
    },
    /// Calls to dear numbers are stopped.
    Frozen(Pattern),
}

impl Alert {
    /// The beginning of the text of [`Alert::Near`].
    pub const NEAR: &'static str = "minutes are nearly spent: ";
    /// The beginning of the text of [`Alert::Spent`].
    pub const SPENT: &'static str = "minutes are spent: ";
    /// The beginning of the text of [`Alert::Frozen`].
    pub const FROZEN: &'static str = "calls are stopped: ";
}

impl fmt::Display for Alert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Alert::Near { budget, spent, limit } => {
                write!(f, "{}{spent} of the {limit} of {}", Self::NEAR, budget.key())
            }
            Alert::Spent { budget, limit } => {
                write!(f, "{}all {limit} of {}; such calls are refused until the day ends", Self::SPENT, budget.key())
            }
            Alert::Frozen(pattern) => write!(
                f,
                "{}{pattern}; international, premium and unknown numbers are refused for a day, or until the \
                 configuration is read again",
                Self::FROZEN
            ),
        }
    }
}

/// A length of time for people.
struct Time(Micros);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.0.div_ceil(1_000_000);
        match seconds {
            0..=119 => write!(f, "{seconds} s"),
            120..=7_199 => write!(f, "{} min", seconds.div_ceil(60)),
            _ => write!(f, "{} h", seconds.div_ceil(3_600)),
        }
    }
}
