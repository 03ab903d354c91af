//! `tipring reload`: has the running service take over its configuration anew, waits, and tells how that went.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use serde_json::Value;

use super::{block_on, running};
use crate::config::Sources;
use crate::daemon::control;

/// Longer than a reload takes on a slow disk with many numbers.
const PATIENCE: Duration = Duration::from_secs(60);

/// Asks, and shows the outcome: 0 taken over, 78 refused, 69 nobody answers.
pub fn run(sources: &Sources, as_json: bool) -> ExitCode {
    ExitCode::from(run_with(sources, |text| {
        if as_json {
            println!("{}", text.trim_end());
        } else {
            show(text, &mut std::io::stdout());
        }
    }))
}

fn run_with(sources: &Sources, shows: impl FnOnce(&str)) -> u8 {
    let socket = running::socket(sources);
    let (status, text) = match block_on(control::ask(&socket, "POST", "/reload", PATIENCE)) {
        Ok(answer) => answer,
        Err(error) => {
            eprintln!("tipring: {error}");
            return error.exit;
        }
    };
    shows(&text);
    if status == 200 { 0 } else { 78 }
}

/// Has a change taken over that a command has just written, and tells it on standard error: the command's own output may be
/// for a program. The exit code where it is not.
pub fn take_over(sources: &Sources) -> Result<(), u8> {
    match run_with(sources, |text| show(text, &mut std::io::stderr())) {
        0 => Ok(()),
        exit => Err(exit),
    }
}

fn show(text: &str, out: &mut impl Write) {
    let outcome: Value = serde_json::from_str(text).unwrap_or_default();
    let of = |key: &str| outcome[key].as_array().cloned().unwrap_or_default();
    if outcome["ok"] != true {
        eprintln!("tipring: refused, the service goes on as before:");
        for fault in of("faults") {
            eprintln!("{}", fault.as_str().unwrap_or_default());
        }
        return;
    }
    // A reader that went away has seen enough.
    for (key, what) in TOLD {
        for entry in of(key) {
            let _ = writeln!(out, "{what}: {}", entry.as_str().unwrap_or_default());
        }
    }
    if TOLD.iter().all(|(key, _)| of(key).is_empty()) {
        let _ = writeln!(out, "nothing has changed");
    }
}

/// What became of each change, and how it is said.
const TOLD: [(&str, &str); 4] = [
    ("applied", "counts now"),
    ("waiting", "when its calls are over"),
    ("at_next_start", "at the next start"),
    ("complaints", "fits nothing"),
];

/// A planted fault, for tests of the supervision.
pub fn stall_media(sources: &Sources, seconds: u64) -> ExitCode {
    let socket = running::socket(sources);
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
