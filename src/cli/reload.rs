//! `tipring reload`: has the running service take over its configuration anew, waits, and tells how that went.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use serde_json::Value;

use super::block_on;
use crate::config::{Config, Sources, last_good};
use crate::daemon::control;

/// Longer than a reload takes on a slow disk with many numbers.
const PATIENCE: Duration = Duration::from_secs(60);

/// Asks, and shows the outcome: 0 taken over, 78 refused, 69 nobody answers.
pub fn run(sources: &Sources, as_json: bool) -> ExitCode {
    let socket = control::socket_of(&runtime_dir(sources));
    let (status, text) = match block_on(control::ask(&socket, "POST", "/reload", PATIENCE)) {
        Ok(answer) => answer,
        Err(error) => {
            eprintln!("tipring: {error}");
            return ExitCode::from(error.exit);
        }
    };
    if as_json {
        println!("{}", text.trim_end());
    } else {
        show(&serde_json::from_str(&text).unwrap_or_default());
    }
    if status == 200 { ExitCode::SUCCESS } else { ExitCode::from(78) }
}

fn show(outcome: &Value) {
    let of = |key: &str| outcome[key].as_array().cloned().unwrap_or_default();
    let each = |key: &str, what: &str| {
        for entry in of(key) {
            println!("{what}: {}", entry.as_str().unwrap_or_default());
        }
    };
    if outcome["ok"] != true {
        eprintln!("tipring: refused, the service goes on as before:");
        for fault in of("faults") {
            eprintln!("{}", fault.as_str().unwrap_or_default());
        }
        return;
    }
    each("applied", "counts now");
    each("waiting", "when its calls are over");
    each("at_next_start", "at the next start");
    each("complaints", "fits nothing");
    if ["applied", "waiting", "at_next_start", "complaints"].iter().all(|key| of(key).is_empty()) {
        println!("nothing has changed");
    }
}

/// A planted fault, for tests of the supervision.
pub fn stall_media(sources: &Sources, seconds: u64) -> ExitCode {
    let socket = control::socket_of(&runtime_dir(sources));
    let target = format!("/debug/stall-media/{}", seconds.saturating_mul(1_000));
    match block_on(control::ask(&socket, "POST", &target, PATIENCE)) {
        Ok((200, _)) => ExitCode::SUCCESS,
        Ok((_, text)) => {
            eprintln!("tipring: the service does not plant faults (TIPRING_DEBUG=1 allows it): {text}");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("tipring: {error}");
            ExitCode::from(error.exit)
        }
    }
}

/// The service runs on what it took last. A file that is refused now still says best where that is.
fn runtime_dir(sources: &Sources) -> PathBuf {
    if let Ok(loaded) = last_good::load(sources) {
        return loaded.config.this.runtime_dir;
    }
    let text = std::fs::read_to_string(&sources.file).unwrap_or_default();
    let named =
        text.parse::<toml::Table>().ok().and_then(|all| Some(all.get("box")?.get("runtime_dir")?.as_str()?.into()));
    named.unwrap_or_else(|| Config::default().this.runtime_dir)
}
