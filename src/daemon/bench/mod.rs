//! Figures of the whole service in real time (`tipring bench`): how soon a call is answered, what one costs, what stays
//! behind after thousands. Each row runs in a process of its own, so that none is measured in the leavings of another.
//! Figures of single rooms (switch, detector, signalling) are not here: their crates have them as examples.

mod application;
mod boxes;
mod changes;
mod cost;
mod figures;
mod kept;
mod kinds;
mod media;
mod process;
mod prompts;
mod soak;
mod storm;
mod waits;
mod world;

use std::process::{Command, Stdio};

pub use soak::Options as SoakOptions;
pub use waits::FirstSounds;

use self::figures::Row;
use super::serve::StartError;

/// Rows that can be asked for, in the order of the table, each with the measurement that it comes from.
const ROWS: [(&str, &str); 22] = [
    ("call.request", "call.request"),
    ("call.request.p99", "call.request"),
    ("call.audio", "call.audio"),
    ("call.event", "call.event"),
    ("call.event.stream", "call.event"),
    ("call.change", "call.change"),
    ("call.cpu", "call.cpu"),
    ("api.read", "api.read"),
    ("api.live", "api.read"),
    ("room.storm", "room.storm"),
    ("media.load", "media.load"),
    ("media.wait", "media.load"),
    ("media.wait.speech", "media.load"),
    ("media.first", "media.first"),
    ("media.first.p99", "media.first"),
    ("media.slow", "media.slow"),
    ("cache.find", "cache.find"),
    ("cache.start", "cache.find"),
    ("cache.seal", "cache.seal"),
    ("memory.idle", "memory.idle"),
    ("memory.call", "memory.call"),
    ("start", "start"),
];

/// Runs rows, all if none is named. False if one could not be measured, or if `check` and a goal was missed.
pub fn run(rows: &[String], json: bool, check: bool, sounds: &FirstSounds) -> Result<bool, StartError> {
    let mut wanted = Vec::new();
    for row in if rows.is_empty() { ROWS.map(|(row, _)| row.to_owned()).to_vec() } else { rows.to_vec() } {
        let Some((_, from)) = ROWS.iter().find(|(known, _)| *known == row) else {
            let known = ROWS.map(|(row, _)| row).join(", ");
            return Err(StartError { exit: 2, text: format!("bench: no row {row}; there are {known}") });
        };
        if !wanted.contains(from) {
            wanted.push(*from);
        }
    }
    if let [row] = wanted[..] {
        let measured = measure(row, sounds)?;
        for row in &measured {
            if json {
                println!("{}", row.json());
            } else {
                println!("{}", row.text());
            }
        }
        return Ok(!check || measured.iter().all(Row::is_met));
    }
    let program = std::env::current_exe().map_err(|error| alone(&error))?;
    let mut good = true;
    for row in wanted {
        let mut child = Command::new(&program);
        child.args(["bench", row]).args(json.then_some("--json")).args(check.then_some("--check"));
        child.stdin(Stdio::null());
        good &= child.status().map_err(|error| alone(&error))?.success();
    }
    Ok(good)
}

fn alone(error: &std::io::Error) -> StartError {
    StartError { exit: 1, text: format!("bench: a row cannot be run: {error}") }
}

fn measure(row: &str, sounds: &FirstSounds) -> Result<Vec<Row>, StartError> {
    Ok(match row {
        "call.request" => {
            let row = waits::request()?;
            let worst = waits::p99(&row, "call.request.p99", 3.0);
            vec![row, worst]
        }
        "call.audio" => vec![waits::audio(sounds)?],
        "call.event" => changes::events()?,
        "call.change" => vec![changes::documents(sounds)?],
        "room.storm" => vec![storm::run()?],
        "media.load" => media::load()?,
        "media.first" => prompts::first(sounds)?,
        "media.slow" => vec![prompts::slow(sounds)?],
        "cache.find" => kept::many()?,
        "cache.seal" => vec![kept::seal()?],
        "call.cpu" => vec![cost::call()?],
        "api.read" => cost::api()?,
        "memory.idle" => vec![boxes::idle()?],
        "memory.call" => vec![cost::memory_of_calls()?],
        _ => vec![boxes::starts()?],
    })
}

/// Thousands of mixed calls; true if nothing grows beyond its limit.
pub fn soak(options: &SoakOptions) -> Result<bool, StartError> {
    soak::run(options)
}
