//! `tipring sound list`: the sound devices that are there, by names that stay; it opens none, so it may run beside the
//! service. `tipring lines lift` and `put-down`: the hands of the telephone that a sound device is; they ask the running
//! service by its control socket.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use serde_json::json;
use tipring_sound::{Found, found, names};

use super::{block_on, running};
use crate::config::Sources;
use crate::daemon::control;

/// The service answers within this, or does not run.
const PATIENCE: Duration = Duration::from_secs(3);
/// Wrong usage: there is no such line.
const USAGE: u8 = 2;

/// Shows the devices: 0 shown, 69 there is none.
pub fn list(as_json: bool) -> ExitCode {
    let devices = found(Path::new(names::SYSFS));
    let text = if as_json { as_value(&devices) } else { as_text(&devices) };
    // A reader that went away has seen enough.
    let _ = std::io::stdout().write_all(text.as_bytes());
    if !devices.is_empty() {
        return ExitCode::SUCCESS;
    }
    if !as_json {
        eprintln!("tipring: the kernel shows no sound device: is it plugged in, and its driver there?");
    }
    ExitCode::from(69)
}

fn as_value(devices: &[Found]) -> String {
    let row = |found: &Found| json!({"title": found.title, "plays": found.plays, "captures": found.captures, "names": found.names});
    format!("{}\n", json!({"devices": devices.iter().map(row).collect::<Vec<_>>()}))
}

/// A line a device: its best name, what it can, what it is; its other names behind.
fn as_text(devices: &[Found]) -> String {
    let mut text = String::new();
    for found in devices {
        let can = match (found.captures, found.plays) {
            (true, true) => "hears and plays",
            (true, false) => "hears",
            (false, _) => "plays",
        };
        let (best, others) = found.names.split_first().map_or(("", &[][..]), |(best, others)| (best.as_str(), others));
        text += &format!("{best:<40}  {can:<15}  {}\n", found.title);
        others.iter().for_each(|name| text += &format!("  or {name}\n"));
    }
    text
}

/// Lifts, or puts down: 0 done, 2 no such line, 69 nobody answers.
pub fn lift(sources: &Sources, line: &str, lifted: bool) -> ExitCode {
    let socket = running::socket(sources);
    let mut asked = url::form_urlencoded::Serializer::new(String::new());
    asked.append_pair("line", line).append_pair("lifted", if lifted { "true" } else { "false" });
    let answer = block_on(control::ask(&socket, "POST", &format!("/lines/lift?{}", asked.finish()), PATIENCE));
    let (text, exit) = match answer {
        Ok((200, _)) => return ExitCode::SUCCESS,
        Ok((404, body)) => (body, USAGE),
        Ok((status, body)) => (format!("the service answers {status}: {body}"), 69),
        Err(error) => (error.to_string(), error.exit),
    };
    eprintln!("tipring: {text}");
    ExitCode::from(exit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_shown_by_its_best_name_first_and_by_all_of_them() {
        let device = Found {
            card: 1,
            title: "USB Audio Device".into(),
            device: 0,
            plays: true,
            captures: false,
            names: vec!["usb:1-1.4,DEV=0".into(), "hw:CARD=Device,DEV=0".into()],
        };
        let text = as_text(std::slice::from_ref(&device));
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].starts_with("usb:1-1.4,DEV=0 ") && lines[0].ends_with("plays            USB Audio Device"));
        assert_eq!(lines[1..], ["  or hw:CARD=Device,DEV=0"]);
        let value: serde_json::Value = serde_json::from_str(&as_value(&[device])).expect("JSON");
        assert_eq!(value["devices"][0]["names"][0], "usb:1-1.4,DEV=0");
    }
}
