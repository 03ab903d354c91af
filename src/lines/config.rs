//! What an installer says about the lines of a card: role, plan, groups, analogue lines. Values only; what of it fits
//! the card is found out by `groups`.

use tipring_card::{PREFILL, SpanId, Use};
use tipring_isdn::Role;
use tipring_numbering::{Form, Plan};

/// The lines of a card and how calls go out on them.
#[derive(Clone, Debug)]
pub struct LinesConfig {
    /// Our end of every PRI span.
    pub role: Role,
    /// Blocks that a channel is primed with (1 to 7): more delay, and more lateness of the media thread that nobody hears.
    pub prefill: u8,
    /// How numbers are dialled where the box stands.
    pub plan: Plan,
    /// Groups of lines for outgoing calls. The first one is the default. None at all: one group of all lines, PRI spans
    /// first.
    pub groups: Vec<Group>,
    /// Analogue lines.
    pub analog: tipring_analog::Config,
    /// Ports with a telephone: `dahdi 4/1`, or a whole span `dahdi 4`. Others are left alone.
    pub telephones: Vec<Telephone>,
    /// What channels are used as, where the configuration says it: span, timeslot, use.
    pub uses: Vec<(SpanId, u8, Use)>,
    /// Analogue lines that differ: `dahdi 3/2` or a whole span `dahdi 3`; the last entry that fits a line counts.
    pub analog_lines: Vec<AnalogLine>,
}

impl Default for LinesConfig {
    fn default() -> Self {
        LinesConfig {
            role: Role::User,
            prefill: PREFILL as u8,
            plan: Plan::default(),
            groups: Vec::new(),
            analog: tipring_analog::Config::default(),
            telephones: Vec::new(),
            uses: Vec::new(),
            analog_lines: Vec::new(),
        }
    }
}

/// All else at its default.
impl From<Role> for LinesConfig {
    fn from(role: Role) -> Self {
        LinesConfig { role, ..LinesConfig::default() }
    }
}

impl LinesConfig {
    /// The telephone of a port, if it is to have one. The entry of the port itself goes before that of its span.
    pub(crate) fn telephone(&self, span: &str, line: &str) -> Option<Telephone> {
        let of = |name: &str| self.telephones.iter().find(|telephone| telephone.line == name);
        let telephone = of(line).or_else(|| of(span))?;
        Some(Telephone { line: line.into(), ..telephone.clone() })
    }

    /// The settings of one analogue line.
    pub(crate) fn analog_line(&self, span: &str, line: &str) -> AnalogLine {
        let fitting = self.analog_lines.iter().rev().find(|entry| entry.line == line || entry.line == span);
        let usual = || AnalogLine { config: self.analog.clone(), ..AnalogLine::default() };
        AnalogLine { line: line.into(), ..fitting.cloned().unwrap_or_else(usual) }
    }

    /// A complaint for each entry that fits none of the analogue lines of the card, of span and name each.
    pub(crate) fn lines_that_are_not<'a>(
        &self,
        lines: impl Iterator<Item = (&'a str, &'a str)> + Clone,
    ) -> Vec<String> {
        let fits = |entry: &&AnalogLine| !lines.clone().any(|(span, name)| entry.line == name || entry.line == span);
        let nowhere = self.analog_lines.iter().filter(fits);
        nowhere.map(|entry| format!("line {}: the card has no such analogue line", entry.line)).collect()
    }
}

/// How an analogue line is used.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AnalogLine {
    /// `dahdi 3/2`, or a whole span: `dahdi 3`.
    pub line: String,
    /// Its own number, as others dial it: whom incoming calls call. Empty: nobody knows.
    pub number: String,
    /// How its machine works.
    pub config: tipring_analog::Config,
    /// Decibels by which what comes is made louder.
    pub receive_gain_db: i8,
    /// Decibels by which what goes is made louder.
    pub send_gain_db: i8,
}

/// A port with a telephone.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Telephone {
    /// `dahdi 4/1`, or a whole span: `dahdi 4`.
    pub line: String,
    /// Shown as the caller of its calls; empty: none.
    pub number: String,
    /// On and off in turn when another telephone of the box rings it, in milliseconds; empty: as for everybody.
    pub inside_ring_ms: &'static [u16],
    /// How the port works.
    pub config: tipring_analog::fxs::Config,
}

/// Lines that outgoing calls may choose from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// By which calls name it.
    pub name: String,
    /// Its lines, in the order in which they are asked: `dahdi 1` a whole span, `dahdi 3/2` one line of it.
    pub lines: Vec<String>,
    /// The order within one entry of [`Group::lines`].
    pub order: Order,
    /// How numbers are written towards the network. Analogue lines always dial as a person would.
    pub form: Form,
    /// Dialled before everything: `9`, or `9w` where the exchange wants a pause (analogue lines only; others pass `w` over).
    pub prefix: String,
}

/// In which order lines are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// Where the network takes the lowest channel first, we take the highest, and the other way round: both ends seldom
    /// meet on one. Of analogue lines the one that has rested longest.
    #[default]
    OppositeToNetwork,
    /// The lowest first.
    Ascending,
    /// The highest first.
    Descending,
}
