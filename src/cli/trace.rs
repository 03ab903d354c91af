//! `tipring lines trace`: what happened on one analogue line or port for a telephone, as the recorder of the running
//! service has it. It asks the control socket and knows nothing of its own.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use super::{block_on, running};
use crate::config::Sources;
use crate::daemon::control;
use crate::observe::trace::{LineTrace, Moment, Unknown};

/// The service answers within this, or does not run.
const PATIENCE: Duration = Duration::from_secs(3);
/// Wrong usage: there is no such line.
const USAGE: u8 = 2;

/// Asks, and shows: 0 shown, 2 no such line, 69 nobody answers.
pub fn run(sources: &Sources, line: &str, as_json: bool) -> ExitCode {
    let socket = running::socket(sources);
    let asked: String = url::form_urlencoded::Serializer::new(String::new()).append_pair("line", line).finish();
    let answer = block_on(control::ask(&socket, "GET", &format!("/lines/trace?{asked}"), PATIENCE));
    let (text, exit) = match answer {
        Err(error) => (Err(error.to_string()), error.exit),
        Ok((200, body)) if as_json => (Ok(body + "\n"), 0),
        Ok((200, body)) => match serde_json::from_str(&body) {
            Ok(trace) => (Ok(draw(&trace)), 0),
            Err(error) => (Err(format!("the service's answer cannot be read: {error}")), 1),
        },
        Ok((404, body)) => (Err(unknown(line, &serde_json::from_str(&body).unwrap_or_default())), USAGE),
        Ok((status, _)) => (Err(format!("the service answers {status}")), 1),
    };
    match text {
        // A reader that went away has seen enough.
        Ok(text) => drop(std::io::stdout().write_all(text.as_bytes())),
        Err(text) => eprintln!("tipring: {text}"),
    }
    ExitCode::from(exit)
}

/// That there is no such line, and which there are.
pub(super) fn unknown(line: &str, unknown: &Unknown) -> String {
    let known = match &unknown.known[..] {
        [] => "the box drives no analogue line".to_owned(),
        known => format!("there are {}", known.join(", ")),
    };
    format!("{line}: no analogue line or telephone has this name; {known}")
}

/// A line an entry, newest last: seconds since the service's start, the host's time, what it is about, what it was.
fn draw(trace: &LineTrace) -> String {
    let mut text = String::new();
    if trace.gone > 0 {
        let _ = writeln!(text, "… {} older ones are kept no longer", trace.gone);
    }
    for moment in &trace.entries {
        let _ = writeln!(text, "{:>12}  {}  {:<8} {}", seconds(moment.at_us), wall(moment), moment.kind, words(moment));
    }
    if text.is_empty() {
        let _ = writeln!(text, "{}: nothing has happened yet", trace.line);
    }
    text
}

/// What was told again says until when.
fn words(moment: &Moment) -> String {
    match moment.times {
        1 => moment.text.clone(),
        _ => format!("{} (until {})", moment.text, seconds(moment.last_us)),
    }
}

fn seconds(us: u64) -> String {
    format!("{}.{:03}", us / 1_000_000, us % 1_000_000 / 1_000)
}

/// In the zone of whoever asks.
fn wall(moment: &Moment) -> String {
    let at = jiff::Timestamp::from_millisecond(moment.unix_ms).unwrap_or_default();
    at.to_zoned_datetime(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S%.3f").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_a_line_an_entry_with_seconds_and_the_time_of_day() {
        let moment = |at_us, times, kind: &str, text: &str| Moment {
            at_us,
            last_us: at_us + 2_000_000,
            unix_ms: 1_700_000_000_123,
            times,
            kind: kind.into(),
            text: text.into(),
        };
        let entries = vec![moment(6_200_000, 3, "heard", "dial tone ×3"), moment(41_012_345, 1, "hook", "on hook")];
        let text = draw(&LineTrace { line: "dahdi 3/2".into(), gone: 7, entries });
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "… 7 older ones are kept no longer");
        assert!(lines[1].starts_with("       6.200  2023-11-1"), "{text}");
        assert!(lines[1].ends_with(":20.123  heard    dial tone ×3 (until 8.200)"), "{text}");
        assert!(lines[2].starts_with("      41.012  ") && lines[2].ends_with("hook     on hook"), "{text}");
        assert_eq!(lines.len(), 3);
    }

    #[test]
    fn a_name_that_no_line_has_is_told_with_those_that_there_are() {
        let known = Unknown { known: vec!["dahdi 3/1".into(), "dahdi 3/2".into()] };
        let text = unknown("dahdi 9/9", &known);
        assert!(
            text.starts_with("dahdi 9/9: no analogue line") && text.ends_with("there are dahdi 3/1, dahdi 3/2"),
            "{text}"
        );
        assert!(unknown("x", &Unknown::default()).ends_with("the box drives no analogue line"));
    }
}
