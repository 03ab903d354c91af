//! CPU time of this thread, rounds that alternate between two contestants, and the line of JSON that a row is. It knows
//! no goal: a row's goal stands where the row is made.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use serde_json::{Map, Value, json};

/// CPU time that this thread has used: what else the machine does is not in it.
pub fn cpu() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID)
        .map(Duration::from)
        .expect("Linux has a clock of the thread's CPU time")
}

/// CPU time of one piece of work.
pub fn cpu_of(work: impl FnOnce()) -> Duration {
    let begin = cpu();
    work();
    cpu().saturating_sub(begin)
}

/// The middle one of some figures; the lower of two.
pub fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len().saturating_sub(1) / 2).copied().unwrap_or(f64::NAN)
}

/// Medians of as many rounds, the two in turn, so that a slow spell of the machine meets both.
pub fn in_turn(rounds: usize, mut ours: impl FnMut() -> f64, mut peer: impl FnMut() -> f64) -> (f64, f64) {
    let (mut a, mut b) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        a.push(ours());
        b.push(peer());
    }
    (median(a), median(b))
}

/// Rounds of a figure.
pub const ROUNDS: usize = 7;

/// One row of the table.
pub struct Row(Map<String, Value>);

impl Row {
    /// A figure and its unit.
    pub fn new(name: &str, measured: f64, unit: &str) -> Row {
        let Value::Object(fields) = json!({ "row": name, "measured": short(measured), "unit": unit }) else {
            unreachable!("an object was written")
        };
        Row(fields)
    }

    /// The figure may be this at most.
    pub fn at_most(self, goal: f64) -> Row {
        self.with("goal", json!(goal)).with("goal_kind", json!("at_most"))
    }

    /// The figure may be this much of the peer's at most.
    pub fn at_most_of_peer(self, goal: f64) -> Row {
        self.with("goal", json!(goal)).with("goal_kind", json!("ratio_at_most"))
    }

    /// Who does the same work, and his figure in the same unit.
    pub fn beside(mut self, peer: &str, figure: f64) -> Row {
        let ours = self.0["measured"].as_f64().unwrap_or(f64::NAN);
        self = self.with("peer", json!(peer)).with("peer_measured", json!(short(figure)));
        self.with("ratio", json!((ours / figure * 1000.0).round() / 1000.0))
    }

    /// Something else that must be so for the goal to be met.
    pub fn holds(mut self, what: &str, so: bool) -> Row {
        let all = self.0.entry("conditions").or_insert_with(|| json!([]));
        if let Value::Array(all) = all {
            all.push(json!({ "what": what, "holds": so }));
        }
        self
    }

    /// A word beside the figures.
    pub fn note(self, text: String) -> Row {
        self.with("note", json!(text))
    }

    /// Prints it.
    pub fn print(self) {
        println!("{}", Value::Object(self.0));
    }

    fn with(mut self, key: &str, value: Value) -> Row {
        self.0.insert(key.into(), value);
        self
    }
}

/// Four figures are enough.
fn short(figure: f64) -> f64 {
    if figure == 0.0 || !figure.is_finite() {
        return figure;
    }
    let scale = 10f64.powf(3.0 - figure.abs().log10().floor());
    (figure * scale).round() / scale
}
