//! What was noticed of an analogue line while it was in use, counted: what `GET /lines/habits?line=…` answers on the control
//! socket. It is the flight recorder's, so it goes back as far as that does.

use serde::{Deserialize, Serialize};
use tipring_lines::{Entry, Gauges, Kind, What};

use super::trace::Unknown;

/// A line's habits.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Habits {
    /// `dahdi 3/2`.
    pub line: String,
    /// Calls that the recorder still knows of.
    pub calls: u32,
    /// Events of the channel, and how often: rings, reversals, drops of the battery.
    pub events: Vec<(String, u32)>,
    /// What was heard: tones, caller ids.
    pub heard: Vec<(String, u32)>,
    /// What spoke for the far end's hang-up.
    pub signs: Vec<(String, u32)>,
    /// How calls ended.
    pub ends: Vec<(String, u32)>,
    /// The quietest and the loudest second that came.
    pub from_line_dbm0: Option<[i8; 2]>,
    /// And that went.
    pub to_line_dbm0: Option<[i8; 2]>,
}

/// The habits of `line`, if the card has such a line.
pub(super) fn of(gauges: Option<&Gauges>, line: &str) -> Result<Habits, Unknown> {
    match gauges.and_then(|gauges| gauges.flight(line)) {
        Some(flight) => Ok(counted(&flight.line, &flight.entries)),
        None => Err(Unknown { known: gauges.map(Gauges::flight_lines).unwrap_or_default() }),
    }
}

fn counted(line: &str, entries: &[Entry]) -> Habits {
    let mut habits = Habits { line: line.to_owned(), ..Habits::default() };
    for entry in entries {
        match entry.what {
            What::Lease(_) => habits.calls += 1,
            What::Loud { least, most } => {
                widen(&mut habits.from_line_dbm0, least.from_line, most.from_line);
                widen(&mut habits.to_line_dbm0, least.to_line, most.to_line);
            }
            What::Weighed(evidence) => count(&mut habits.signs, evidence.sign.text(), entry),
            What::Cleared { by_far_end: true, .. } => count(&mut habits.ends, "by the far end", entry),
            What::Cleared { by_far_end: false, .. } => count(&mut habits.ends, "by us", entry),
            What::Caller { restricted: true, .. } => count(&mut habits.heard, "caller id, withheld", entry),
            What::Caller { .. } => count(&mut habits.heard, "caller id", entry),
            What::Word(word) if entry.kind == Kind::Event => count(&mut habits.events, word, entry),
            What::Word(word) if entry.kind == Kind::Heard => count(&mut habits.heard, word, entry),
            What::Word(_) | What::Digits(..) | What::Silent { .. } => {}
        }
    }
    habits
}

fn count(figures: &mut Vec<(String, u32)>, what: &str, entry: &Entry) {
    match figures.iter_mut().find(|(known, _)| known == what) {
        Some((_, times)) => *times = times.saturating_add(entry.times),
        None => figures.push((what.to_owned(), entry.times)),
    }
}

fn widen(range: &mut Option<[i8; 2]>, least: i8, most: i8) {
    let [low, high] = range.unwrap_or([least, most]);
    *range = Some([low.min(least), high.max(most)]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use tipring_card::Micros;

    #[test]
    fn inst5_a_line_in_use_is_measured_by_what_it_does() {
        let entry = |kind, what, times| Entry { at: Micros::ZERO, last: Micros::ZERO, times, kind, what };
        let level = |from_line, to_line| tipring_analog::Level { from_line, to_line };
        let entries = vec![
            entry(Kind::Call, What::Lease(1), 1),
            entry(Kind::Event, What::Word("a ring begins"), 2),
            entry(Kind::Heard, What::Caller { digits: 10, name: false, restricted: false }, 1),
            entry(Kind::Level, What::Loud { least: level(-60, -20), most: level(-18, -12) }, 9),
            entry(Kind::Event, What::Word("a ring begins"), 1),
            entry(Kind::Call, What::Cleared { cause: tipring_card::Cause::NORMAL, by_far_end: true }, 1),
            entry(Kind::Level, What::Loud { least: level(-40, -25), most: level(-15, -14) }, 9),
        ];
        let habits = counted("dahdi 3/2", &entries);
        assert_eq!((habits.calls, habits.from_line_dbm0, habits.to_line_dbm0), (1, Some([-60, -15]), Some([-25, -12])));
        assert_eq!(habits.events, [("a ring begins".to_owned(), 3)]);
        assert_eq!(
            (habits.heard, habits.ends),
            (vec![("caller id".to_owned(), 1)], vec![("by the far end".to_owned(), 1)])
        );
    }
}
