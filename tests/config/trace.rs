//! `tipring lines trace` through the real command: against a service on the simulated card, and without one.

use super::exits::Serving;
use super::{Folder, text, tipring};

/// How often a service is asked that has only just begun to show its lines.
const ASKS: usize = 200;

/// Exit code, standard output, standard error.
fn trace(folder: &Folder, words: &[&str]) -> (Option<i32>, String, String) {
    let output = tipring(&folder.0).args(["lines", "trace"]).args(words).output().expect("it runs");
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_running_service_tells_what_happened_on_a_line_and_which_lines_there_are() {
    let folder = Folder::new("trace");
    folder.a_box("[[card]]\nkind = \"sim\"\n");
    let serving = Serving::start(&folder, "serve");
    let asked = ["sim 2/1", "--config", "box.toml"];
    let shown = (0..ASKS).map(|_| trace(&folder, &asked)).find(|(_, out, _)| out.contains("opened"));
    let (exit, out, complaint) = shown.unwrap_or_else(|| panic!("{:?}", trace(&folder, &asked)));
    assert_eq!((exit, complaint.as_str()), (Some(0), ""));
    assert!(out.lines().next().is_some_and(|line| line.ends_with("  channel  opened")), "{out}");
    assert!(out.lines().any(|line| line.ends_with("  state    idle")), "{out}");
    let (_, json, _) = trace(&folder, &["sim 2/1", "--json", "--config", "box.toml"]);
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!((json["line"].as_str(), json["entries"][0]["text"].as_str()), (Some("sim 2/1"), Some("opened")));
    assert!(json["entries"][0]["unix_ms"].as_i64().is_some_and(|ms| ms > 1_700_000_000_000), "{json}");
    let (exit, out, complaint) = trace(&folder, &["sim 9/9", "--config", "box.toml"]);
    assert_eq!((exit, out.as_str()), (Some(2), ""));
    assert!(complaint.contains("there are sim 2/1, sim 2/2"), "{complaint}");
    assert_eq!(serving.end().0, Some(0));
}

#[test]
fn a_trace_without_a_service_is_69_and_says_what_to_do() {
    let folder = Folder::new("trace-alone");
    folder.a_box("");
    let (exit, out, complaint) = trace(&folder, &["sim 2/1", "--config", "box.toml"]);
    assert_eq!((exit, out.as_str()), (Some(69), ""));
    assert!(complaint.contains("is tipring running"), "{complaint}");
}
