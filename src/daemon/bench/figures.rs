//! Rows of the bench: what was measured, beside which goal, in one JSON object a row. Percentiles are of the sorted
//! samples, nearest rank. Nothing is measured here.

use serde_json::{Map, Value, json};

/// On which side of its goal a figure must be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Goal {
    /// At most so much.
    AtMost(f64),
    /// It is only stated.
    Stated,
}

/// One row.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// Its name in the table.
    pub(super) name: &'static str,
    /// The figure.
    pub(super) measured: f64,
    /// Its unit.
    pub(super) unit: &'static str,
    /// The goal.
    pub(super) goal: Goal,
    /// What else was seen: spread, number of samples.
    pub(super) notes: Map<String, Value>,
}

impl Row {
    /// A row without notes.
    pub(super) fn new(name: &'static str, measured: f64, unit: &'static str, goal: Goal) -> Row {
        Row { name, measured, unit, goal, notes: Map::new() }
    }

    /// Says more about it.
    pub(super) fn note(mut self, name: &str, value: impl Into<Value>) -> Row {
        self.notes.insert(name.into(), value.into());
        self
    }

    /// Whether the goal is met; true where there is none.
    pub(super) fn is_met(&self) -> bool {
        match self.goal {
            Goal::AtMost(goal) => self.measured <= goal,
            Goal::Stated => true,
        }
    }

    /// For programs.
    pub(super) fn json(&self) -> Value {
        let mut row = json!({"row": self.name, "measured": round(self.measured), "unit": self.unit});
        match self.goal {
            Goal::AtMost(goal) => {
                row["goal"] = json!(goal);
                row["goal_kind"] = json!("at_most");
                row["met"] = json!(self.is_met());
            }
            Goal::Stated => row["goal_kind"] = json!("stated"),
        }
        for (name, value) in &self.notes {
            row[name] = value.clone();
        }
        row
    }

    /// For people.
    pub(super) fn text(&self) -> String {
        let goal = match self.goal {
            Goal::AtMost(goal) if self.is_met() => format!(" (goal {goal}: met)"),
            Goal::AtMost(goal) => format!(" (goal {goal}: MISSED)"),
            Goal::Stated => String::new(),
        };
        let notes: Vec<_> = self.notes.iter().map(|(name, value)| format!("{name} {value}")).collect();
        let notes = if notes.is_empty() { String::new() } else { format!("  [{}]", notes.join(", ")) };
        format!("{:<16} {} {}{goal}{notes}", self.name, round(self.measured), self.unit)
    }
}

/// Three places behind the point are more than any of this is worth.
pub(super) fn round(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}

/// Samples in order.
pub(super) struct Sorted(Vec<f64>);

impl Sorted {
    /// Sorts them.
    pub(super) fn new(mut samples: Vec<f64>) -> Sorted {
        samples.sort_by(f64::total_cmp);
        Sorted(samples)
    }

    /// The sample below which a share of all lies, nearest rank; 0 without samples.
    pub(super) fn at(&self, share: f64) -> f64 {
        let rank = (share * self.0.len() as f64).ceil() as usize;
        self.0.get(rank.clamp(1, self.0.len().max(1)) - 1).copied().unwrap_or(0.0)
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }
}

/// The slope of the line through points, least squares; 0 with fewer than two.
pub(super) fn slope(points: &[(f64, f64)]) -> f64 {
    let count = points.len() as f64;
    let (mean_x, mean_y) = (
        points.iter().map(|point| point.0).sum::<f64>() / count,
        points.iter().map(|point| point.1).sum::<f64>() / count,
    );
    let over = points.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum::<f64>();
    let under = points.iter().map(|(x, _)| (x - mean_x) * (x - mean_x)).sum::<f64>();
    if under > 0.0 { over / under } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_samples_of_the_nearest_rank() {
        let sorted = Sorted::new((1..=200).rev().map(f64::from).collect());
        assert_eq!((sorted.at(0.5), sorted.at(0.99), sorted.at(1.0), sorted.at(0.0)), (100.0, 198.0, 200.0, 1.0));
        assert_eq!(Sorted::new(Vec::new()).at(0.5), 0.0);
    }

    #[test]
    fn a_slope_is_that_of_the_line_whatever_it_starts_from() {
        assert_eq!(slope(&[(0.0, 7.0), (2.0, 8.0), (4.0, 9.0)]), 0.5);
        assert_eq!(slope(&[(1.0, 7.0)]), 0.0);
    }

    #[test]
    fn a_missed_goal_is_said() {
        let row = Row::new("x", 3.0, "ms", Goal::AtMost(2.0));
        assert!(!row.is_met() && row.text().contains("MISSED"));
        assert_eq!((row.json()["goal"].as_f64(), row.json()["goal_kind"].as_str()), (Some(2.0), Some("at_most")));
    }
}
