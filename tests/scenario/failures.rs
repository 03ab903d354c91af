//! `docs/reference/failures.md`: what happens when something fails, as it was measured. The file is made here; a row
//! without a scenario, or a file that says something else, fails.

use std::fmt::Write as _;
use std::path::Path;

use crate::failures_outbound;
use crate::failures_rows::{ROWS, SCENARIOS};
use crate::sound::in_words;
use crate::world::{Run, run};
use tipring::daemon::simulation::Told;

/// A group of rows: title, and rows as id and description.
pub type Group = (&'static str, &'static [(&'static str, &'static str)]);

const FILE: &str = "docs/reference/failures.md";
const HEAD: &str = "\
# When something fails

What a caller hears, and what a developer finds, when an application, a sound, the box or the line fails. Every row is
a scenario on virtual time (`tests/scenario/failures_rows.rs`); the table is written from what was measured there and
the tests fail when it says something else. `TIPRING_BLESS=1 cargo test --test scenario failures` writes it anew.

*The caller hears*: known sounds, found in the octets that the telephone received; *nothing* means silence or no answer.
*Status*: the call's final status. *Cause*: the Q.850 cause at the far end. *Codes*: of the notifications, in order.
*Timeline*: the first fault of the call, else its last line.
Where a Dial called somebody, status and cause of that leg stand behind the caller's own, and the timeline is the leg's.
A call of a program has no caller: the column has what the called telephone heard, if it answered, and the rest is the
call's record.
";

/// The scenario of every row, or the rows that have none.
fn scenarios<'a>(groups: &[Group], known: &[(&str, &'a str)]) -> Result<Vec<(&'static str, &'a str)>, Vec<String>> {
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for (id, _) in groups.iter().flat_map(|(_, rows)| rows.iter()) {
        match known.iter().find(|(of, _)| of == id) {
            Some((_, text)) => found.push((*id, *text)),
            None => missing.push(format!("the row `{id}` of {FILE} has no scenario")),
        }
    }
    if missing.is_empty() { Ok(found) } else { Err(missing) }
}

fn table(groups: &[Group], known: &[(&str, &str)]) -> Result<String, Vec<String>> {
    let scenarios = scenarios(groups, known)?;
    let mut text = HEAD.to_string();
    for (title, rows) in groups {
        let _ = writeln!(text, "\n## {title}\n");
        text += "| What fails | The caller hears | Status | Cause | Codes | Timeline |\n|---|---|---|---|---|---|\n";
        for (id, what) in *rows {
            let scenario = scenarios.iter().find(|(of, _)| of == id).map_or("", |(_, text)| text);
            let _ = writeln!(text, "| {what} | {} |", cells(&run(scenario)).join(" | "));
        }
    }
    Ok(text)
}

/// All rows, and their scenarios.
fn everything() -> (Vec<Group>, Vec<(&'static str, String)>) {
    let mut scenarios: Vec<_> = SCENARIOS.iter().map(|(id, text)| (*id, (*text).to_string())).collect();
    scenarios.extend(failures_outbound::scenarios());
    (ROWS.iter().chain(failures_outbound::ROWS).copied().collect(), scenarios)
}

/// What is told of the last call of a scenario: of the last that a program made, if one did.
fn cells(run: &Run) -> [String; 5] {
    let outcome = &run.outcome;
    let told = outcome.made.last().or(outcome.told.last()).expect("a call");
    let heard = match (outcome.made.is_empty(), outcome.heard.last(), outcome.called.last()) {
        (true, Some((_, heard)), _) => in_words(heard),
        (false, _, Some(called)) if called.answered_after_ms.is_some() => {
            format!("called: {}", in_words(&called.heard))
        }
        _ => String::new(),
    };
    let legs = run.legs_of(&told.sid);
    let of_leg = |what: Option<String>| what.map(|what| format!("; the leg {what}")).unwrap_or_default();
    let leg_status = of_leg(legs.first().map(|leg| leg.status.as_str().to_string()));
    let leg_cause = of_leg(legs.first().and_then(|leg| leg.cause).map(|cause| cause.to_string()));
    let status = told.status.clone().unwrap_or("no call".into()) + &leg_status;
    let cause = told.cause.map(|cause| cause.to_string()).unwrap_or_default() + &leg_cause;
    let leg = legs.first().map(|leg| leg.sid.to_string());
    let or_none = |text: String| if text.is_empty() { "–".to_string() } else { text };
    let line = or_none(steady(line_of(run, &told.sid, leg.as_deref())));
    [or_none(heard), status, or_none(cause), or_none(codes(run, told, leg.as_deref())), line]
}

/// Codes of a call and of the leg that it called; what repeats is told once.
fn codes(run: &Run, told: &Told, leg: Option<&str>) -> String {
    let of_leg = run.lines.iter().filter(|line| line["kind"] == "fault" && leg.is_some_and(|leg| line["call"] == leg));
    let of_leg = of_leg.filter_map(|line| line["text"].as_str()?.split(' ').nth(1).map(str::to_string));
    let mut short: Vec<String> = Vec::new();
    for code in told.errors.iter().map(u32::to_string).chain(of_leg) {
        match short.last_mut().filter(|last| last.starts_with(code.as_str())) {
            Some(last) => *last = format!("{code} (more than once)"),
            None => short.push(code),
        }
    }
    short.join(", ")
}

/// The first fault of a call or of its leg, else the last line of the leg, else of the call.
fn line_of<'a>(run: &'a Run, sid: &str, leg: Option<&str>) -> &'a str {
    let of = |sid: &str, kind: &str| {
        let fits = |line: &&serde_json::Value| !sid.is_empty() && line["call"] == sid && line["kind"] == kind;
        run.lines.iter().filter(fits).filter_map(|line| line["text"].as_str()).collect::<Vec<_>>()
    };
    let fault = of(sid, "fault").first().copied().or_else(|| of(leg.unwrap_or_default(), "fault").first().copied());
    // What an analogue line sums up comes behind the end: the end says why.
    let last = || of(leg.unwrap_or(sid), "line").into_iter().rfind(|text| !text.starts_with("line: "));
    fault.or_else(last).unwrap_or("")
}

/// A line without what differs from run to run, fit for a cell: SIDs lose their digits, addresses their ports, files
/// their folders.
fn steady(line: &str) -> String {
    let mut text = String::new();
    let mut rest = line;
    while let Some(next) = rest.chars().next() {
        let sid = rest.get(..34).filter(|sid| {
            sid[..2].chars().all(|c| c.is_ascii_uppercase()) && sid[2..].chars().all(|c| c.is_ascii_hexdigit())
        });
        if let Some(sid) = sid {
            text += &sid[..2];
            text.push('…');
            rest = &rest[34..];
        } else if let Some(after) = rest.strip_prefix("127.0.0.1:") {
            text += "127.0.0.1";
            rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
        } else {
            text.push(next);
            rest = &rest[next.len_utf8()..];
        }
    }
    // Folders of one run.
    let words = text.split(' ').map(|word| match word.rsplit_once('/') {
        Some((folder, file)) if folder.contains("/tipring-sim-") => format!("…/{file}"),
        _ => word.to_string(),
    });
    words.collect::<Vec<_>>().join(" ").replace('|', "\\|").replace('<', "&lt;")
}

#[test]
fn failures_the_table_says_what_was_measured() {
    let (rows, scenarios) = everything();
    let known: Vec<_> = scenarios.iter().map(|(id, text)| (*id, text.as_str())).collect();
    let made = table(&rows, &known).unwrap_or_else(|missing| panic!("{}", missing.join("\n")));
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
    if std::env::var_os("TIPRING_BLESS").is_some() {
        std::fs::write(&file, &made).expect("the file is written");
        return;
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    for (kept, made) in kept.lines().zip(made.lines()) {
        assert_eq!(kept, made, "{FILE} says something else than the tests; TIPRING_BLESS=1 writes it anew");
    }
    assert!(kept == made, "{FILE} has another length than the tests make it; TIPRING_BLESS=1 writes it anew");
}

#[test]
fn failures_a_row_without_a_scenario_fails() {
    const PLANTED: &[Group] = &[("A group", &[("refused", "known"), ("nobody-thought-of-it", "not known")])];
    let missing = table(PLANTED, &[("refused", "")]).expect_err("it has no scenario");
    assert_eq!(missing, ["the row `nobody-thought-of-it` of docs/reference/failures.md has no scenario"]);
}

#[test]
fn failures_every_scenario_has_a_row() {
    let (groups, scenarios) = everything();
    let rows: Vec<_> = groups.iter().flat_map(|(_, rows)| rows.iter().map(|(id, _)| *id)).collect();
    for (id, _) in &scenarios {
        assert_eq!(rows.iter().filter(|row| *row == id).count(), 1, "{id} stands in the table once");
    }
}

#[test]
fn failures_lines_are_steady() {
    let line = "recording RE7609dfe07eff8a1727143f42b5c5488e from 127.0.0.1:43211 | x";
    assert_eq!(steady(line), "recording RE… from 127.0.0.1 \\| x");
    assert_eq!(steady("a /tmp/tipring-sim-12-9a/run/media.sock: b"), "a …/media.sock: b");
}
