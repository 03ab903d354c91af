//! What happened on one analogue line or port for a telephone, for people: what `GET /lines/trace?line=…` answers on the
//! control socket and `tipring lines trace` shows. No digits and no callers are in it, but it is for the box's owner alone.

use serde::{Deserialize, Serialize};
use tipring_card::Micros;
use tipring_lines::{FlightGauge, Gauges};

/// A line's recorder at one moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LineTrace {
    /// `dahdi 3/2`.
    pub line: String,
    /// Entries that were kept no longer, since the start.
    pub gone: u64,
    /// Oldest first.
    pub entries: Vec<Moment>,
}

/// One thing that happened.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Moment {
    /// Microseconds since the service was started, the first time.
    pub at_us: u64,
    /// The same, the last time.
    pub last_us: u64,
    /// The first time, as the host's clock has it: milliseconds since 1970.
    pub unix_ms: i64,
    /// How often.
    pub times: u32,
    /// `event`, `hook`, `heard`, `state`, `level`, `digits`, `call`, `wish`, `audio`, `sign`, `channel`.
    pub kind: String,
    /// In words.
    pub text: String,
}

/// A line that has no recorder, and those that have.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Unknown {
    /// Their names.
    pub known: Vec<String>,
}

/// The recorder of `line`, if the card has such a line.
pub(super) fn of(gauges: Option<&Gauges>, line: &str, unix_now_ms: i64) -> Result<LineTrace, Unknown> {
    let flight = gauges.and_then(|gauges| Some((gauges.flight(line)?, gauges.now().unwrap_or_default())));
    match flight {
        Some((flight, now)) => Ok(shown(&flight, now, unix_now_ms)),
        None => Err(Unknown { known: gauges.map(Gauges::flight_lines).unwrap_or_default() }),
    }
}

fn shown(flight: &FlightGauge, now: Micros, unix_now_ms: i64) -> LineTrace {
    let moment = |entry: &tipring_lines::Entry| Moment {
        at_us: entry.at.0,
        last_us: entry.last.0,
        unix_ms: unix_now_ms.saturating_sub(i64::try_from(now.since(entry.at).as_ms()).unwrap_or(i64::MAX)),
        times: entry.times,
        kind: entry.kind.as_str().into(),
        text: entry.text(),
    };
    LineTrace { line: flight.line.clone(), gone: flight.gone, entries: flight.entries.iter().map(moment).collect() }
}
