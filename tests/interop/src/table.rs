//! Every row of the bench has a producer in scripts/bench and a word on how it is measured.

use std::path::Path;
use std::process::Command;

/// The rows of the table.
const ROWS: [&str; 22] = [
    "switch.ivr",
    "switch.bridge",
    "switch.conf30",
    "switch.tick",
    "dsp.dtmf",
    "dsp.talk_off",
    "dsp.progress",
    "dsp.fsk",
    "dsp.echo",
    "dsp.elastic",
    "isdn.call",
    "call.request",
    "call.audio",
    "call.cpu",
    "fetch.parse",
    "media.hit",
    "api.read",
    "api.live",
    "memory",
    "start",
    "lab.channels",
    "lab.delay",
];

/// Rows of which something is missing.
fn incomplete(rows: &[&str], produced: &str, page: &str) -> Vec<String> {
    let named = |row: &&str| {
        // A row may have parts: memory.idle and memory.call are memory.
        let is_it = |name: &str| name == *row || name.starts_with(&format!("{row}."));
        let listed = produced.lines().any(|line| line.split('\t').next().is_some_and(is_it));
        let told = page.split('`').skip(1).step_by(2).any(is_it);
        match (listed, told) {
            (true, true) => None,
            (false, _) => Some(format!("{row}: scripts/bench does not name it")),
            (true, false) => Some(format!("{row}: performance.md says nothing of it")),
        }
    };
    rows.iter().filter_map(named).collect()
}

#[test]
fn every_row_is_produced_and_explained() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let listed = Command::new(root.join("scripts/bench")).arg("--rows").output().expect("scripts/bench runs");
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    let page = std::fs::read_to_string(root.join("docs/explanation/performance.md")).expect("the page is there");
    assert_eq!(incomplete(&ROWS, &listed, &page), Vec::<String>::new());
    for (name, _) in crate::ROWS {
        assert!(ROWS.contains(&name), "{name} is in the table");
    }
    // What is missing is found.
    assert_eq!(incomplete(&["no.row"], &listed, &page), ["no.row: scripts/bench does not name it"]);
    let without = page.replace("`isdn.call`", "");
    assert_eq!(incomplete(&["isdn.call"], &listed, &without), ["isdn.call: performance.md says nothing of it"]);
}
