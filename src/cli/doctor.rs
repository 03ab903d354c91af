//! `tipring doctor line`: has the running service examine an analogue line with another one, shows what it does meanwhile
//! and what came of it; without another line, what was noticed of the line in use. The service measures; here is asked,
//! shown, and, where that is wanted, written down.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use tipring_doctor::Report;

use super::asked::Asked;
use super::{block_on, reload, running};
use crate::config::Sources;
use crate::daemon::control;
use crate::daemon::doctor::Seen;
use crate::daemon::serve::StartError;
use crate::observe::habits::Habits;
use crate::observe::trace::Unknown;

/// The service answers within this, or does not run.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often a visit is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Something else has the line: worth another try.
const IN_USE: u8 = 75;
/// The visit broke off.
const BROKEN_OFF: u8 = 1;
/// There are proposals, and nobody has taken them.
const PROPOSED: u8 = 3;
/// What is refused.
const USAGE: u8 = 2;

/// What is examined.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// An analogue line: with another line of the box, which it calls and is called by (a minute, both must be idle);
    /// without one, what was noticed while it was in use
    Line(Box<Line>),
}

/// A line.
#[derive(Debug, clap::Args)]
pub struct Line {
    /// Which, as lines are named: "dahdi 3/1"
    name: String,
    /// The line that helps: "dahdi 3/2"
    #[arg(long, value_name = "NAME")]
    with: Option<String>,
    /// The number of the examined line, where no [[line]] of the configuration has it
    #[arg(long, default_value = "", hide_default_value = true)]
    number: String,
    /// The number of the line that helps, likewise
    #[arg(long, value_name = "NUMBER", default_value = "", hide_default_value = true)]
    with_number: String,
    /// Write what is proposed into a file beside the configuration, and have the service take it over
    #[arg(long, requires = "with")]
    apply: bool,
    /// Also write the report as a page, to be printed or kept
    #[arg(long, value_name = "FILE", requires = "with")]
    html: Option<PathBuf>,
    /// As JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    asked: Asked,
}

/// Examines: 0 the settings fit or were written, 3 others are proposed, 75 a line is in use, 1 it broke off, 2 refused, 69
/// nobody answers.
pub fn run(command: Command) -> ExitCode {
    let Command::Line(line) = command;
    let sources = line.asked.clone().sources();
    let exit = match &line.with {
        Some(with) => block_on(visit(&line, with, &sources)).map(|report| told(&line, &report, &sources)),
        None => block_on(habits(&line, &sources)),
    };
    match exit {
        Ok(exit) => ExitCode::from(exit),
        Err(StartError { exit, text }) => {
            eprintln!("tipring: {text}");
            ExitCode::from(exit)
        }
    }
}

fn failed(exit: u8, text: impl Into<String>) -> StartError {
    StartError { exit, text: text.into() }
}

fn query(pairs: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

fn read<T: serde::de::DeserializeOwned>(body: &str) -> Result<T, StartError> {
    serde_json::from_str(body).map_err(|error| failed(1, format!("the service's answer cannot be read: {error}")))
}

/// Begins a visit, and waits for its end. Whoever interrupts it ends it: the lines go back at once.
async fn visit(line: &Line, with: &str, sources: &Sources) -> Result<Report, StartError> {
    let socket = running::socket(sources);
    let wanted = [
        ("line", line.name.as_str()),
        ("with", with),
        ("number", line.number.as_str()),
        ("with_number", line.with_number.as_str()),
    ];
    let (status, body) = control::ask(&socket, "POST", &format!("/doctor?{}", query(&wanted)), PATIENCE).await?;
    if status != 202 {
        let refused: serde_json::Value = serde_json::from_str(&body).unwrap_or_default();
        let why = refused["error"].as_str().map_or_else(|| format!("the service answers {status}"), str::to_owned);
        return Err(failed(USAGE, why));
    }
    let mut interrupted = std::pin::pin!(tokio::signal::ctrl_c());
    let (mut shown, mut method) = (0, "GET");
    loop {
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            _ = &mut interrupted, if method == "GET" => method = "DELETE",
        }
        let (_, body) = control::ask(&socket, method, "/doctor", PATIENCE).await?;
        let seen: Seen = read(&body)?;
        for text in seen.progress.iter().skip(shown) {
            eprintln!("{text} …");
        }
        shown = seen.progress.len();
        match seen.report {
            Some(report) if !seen.runs => return Ok(report),
            None if !seen.runs => return Err(failed(BROKEN_OFF, "the service knows nothing of the visit any more")),
            _ => {}
        }
    }
}

/// Shows a report, keeps it, and takes it over. The exit code.
fn told(line: &Line, report: &Report, sources: &Sources) -> u8 {
    let text = if line.json { serde_json::to_string(report).unwrap_or_default() + "\n" } else { report.text() };
    // A reader that went away has seen enough.
    let _ = std::io::stdout().write_all(text.as_bytes());
    if let Some(file) = &line.html
        && let Err(error) = std::fs::write(file, report.html())
    {
        eprintln!("tipring: {}: {error}", file.display());
        return 1;
    }
    match &report.failure {
        Some(_) if report.in_use => IN_USE,
        // No call was begun: the lines could not be had.
        Some(_) if report.calls.is_empty() => USAGE,
        Some(_) => BROKEN_OFF,
        None if report.proposals.is_empty() => 0,
        None if line.apply => match applied(report, &sources.drop_ins()) {
            Ok(Applied { file, before }) => match reload::take_over(sources) {
                Ok(()) => {
                    eprintln!("written: {}", file.display());
                    0
                }
                Err(exit) => {
                    // What the service does not take must not stand in the way of its next start.
                    let undone = if before.is_empty() { std::fs::remove_file(&file) } else { put(&file, &before) };
                    match undone {
                        Ok(()) => eprintln!("tipring: {}: as it was before", file.display()),
                        Err(error) => eprintln!("tipring: {}: {error}; take it away by hand", file.display()),
                    }
                    exit
                }
            },
            Err(text) => {
                eprintln!("tipring: {text}");
                1
            }
        },
        None => PROPOSED,
    }
}

/// What was written, and what stood there before.
struct Applied {
    file: PathBuf,
    before: String,
}

/// The doctor's own file of a line, the last of all that are read: what it has proposed before stays, what it proposes
/// now is put in or changed.
fn applied(report: &Report, folder: &Path) -> Result<Applied, String> {
    let file = folder.join(format!("zz-doctor-{}.toml", report.line.replace([' ', '/'], "-")));
    let failed = |error: std::io::Error| format!("{}: {error}; are you root?", file.display());
    std::fs::create_dir_all(folder).map_err(failed)?;
    let before = match std::fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(failed(error)),
    };
    let text = merged(&before, report).map_err(|why| format!("{}: {why}", file.display()))?;
    put(&file, &text).map_err(failed)?;
    Ok(Applied { file, before })
}

/// The old file or the new one, whole, whatever happens; the service's user can read it.
fn put(file: &Path, text: &str) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let part = file.with_extension("part");
    let mut out = std::fs::File::create(&part)?;
    out.write_all(text.as_bytes())?;
    out.set_permissions(std::fs::Permissions::from_mode(0o644))?;
    out.sync_all()?;
    std::fs::rename(&part, file)
}

fn merged(before: &str, report: &Report) -> Result<String, String> {
    let known: toml::Table = before.parse().map_err(|error| format!("it is no TOML any more: {error}"))?;
    let entries = known.get("line").and_then(toml::Value::as_array);
    let entry = entries.and_then(|entries| entries.first()).and_then(toml::Value::as_table);
    let own = known.len() == 1
        && entries.is_some_and(|entries| entries.len() == 1)
        && entry.and_then(|entry| entry.get("line")).and_then(toml::Value::as_str) == Some(&report.line);
    if !known.is_empty() && !own {
        return Err(format!("it has more than one [[line]] of {}: move the rest to another file", report.line));
    }
    let mut keys: BTreeMap<String, (String, String)> = BTreeMap::new();
    for (key, value) in entry.into_iter().flatten().filter(|(key, _)| *key != "line") {
        keys.insert(key.clone(), (value.to_string(), String::new()));
    }
    for proposal in &report.proposals {
        keys.insert(proposal.key.clone(), (proposal.to.clone(), format!("    # {}", proposal.why)));
    }
    let mut text = String::from(
        "# Written by `tipring doctor line`, which changes it with --apply and keeps\n\
         # values, not comments. It may be changed or deleted.\n",
    );
    let _ = write!(text, "[[line]]\nline = \"{}\"\n", report.line);
    for (key, (value, why)) in keys {
        let _ = writeln!(text, "{key} = {value}{why}");
    }
    Ok(text)
}

/// What was noticed of a line in use.
async fn habits(line: &Line, sources: &Sources) -> Result<u8, StartError> {
    let socket = running::socket(sources);
    let target = format!("/lines/habits?{}", query(&[("line", &line.name)]));
    match control::ask(&socket, "GET", &target, PATIENCE).await? {
        (200, body) if line.json => println!("{}", body.trim_end()),
        (200, body) => print!("{}", drawn(&read(&body)?)),
        (404, body) => return Err(failed(USAGE, super::trace::unknown(&line.name, &read::<Unknown>(&body)?))),
        (status, _) => return Err(failed(1, format!("the service answers {status}"))),
    }
    Ok(0)
}

fn drawn(habits: &Habits) -> String {
    let mut text = format!("{}, in use: {} calls that are still known\n", habits.line, habits.calls);
    let mut part = |title: &str, counted: &[(String, u32)]| {
        let figures: Vec<String> = counted.iter().map(|(what, times)| format!("{what} ×{times}")).collect();
        let figures = if figures.is_empty() { "nothing".into() } else { figures.join(", ") };
        let _ = writeln!(text, "  {title:<24} {figures}");
    };
    part("events of the line", &habits.events);
    part("heard", &habits.heard);
    part("spoke for a hang-up", &habits.signs);
    part("ended", &habits.ends);
    let mut levels = |title: &str, levels: Option<[i8; 2]>| {
        if let Some([least, most]) = levels {
            let _ = writeln!(text, "  {title:<24} {least} to {most} dBm0");
        }
    };
    levels("level from the line", habits.from_line_dbm0);
    levels("level to the line", habits.to_line_dbm0);
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use tipring_doctor::advice::Proposal;

    fn report(proposals: &[(&str, &str)]) -> Report {
        let proposal = |(key, to): &(&str, &str)| Proposal {
            key: (*key).into(),
            from: String::new(),
            to: (*to).into(),
            why: "it was measured".into(),
        };
        Report {
            line: "dahdi 3/1".into(),
            with: "dahdi 3/2".into(),
            settings: None,
            calls: Vec::new(),
            proposals: proposals.iter().map(proposal).collect(),
            remarks: Vec::new(),
            failure: None,
            in_use: false,
            line_time_s: 40.0,
        }
    }

    #[test]
    fn inst5_what_is_applied_is_a_configuration_and_keeps_what_was_applied_before() {
        let dir = crate::daemon::outcome::ScratchDir::new().expect("a folder");
        let first = report(&[("answer", "\"voice\""), ("receive_gain_db", "6")]);
        let Applied { file, before } = applied(&first, &dir.path).expect("written");
        assert_eq!(before, "");
        assert_eq!(file.file_name().and_then(|name| name.to_str()), Some("zz-doctor-dahdi-3-1.toml"));
        applied(&report(&[("receive_gain_db", "4"), ("hang_up_tone", "\"425 500/500\"")]), &dir.path).expect("written");
        let text = std::fs::read_to_string(&file).expect("a file");
        let config = crate::config::Config::parse(&file, &text).expect("a good configuration");
        let [line] = &config.line[..] else { panic!("{text}") };
        assert_eq!(line.answer, Some(crate::config::AnswerSign::Voice), "{text}");
        assert_eq!((line.receive_gain_db, line.hang_up_tone.as_deref()), (Some(4), Some("425 500/500")), "{text}");
        assert!(text.contains("# it was measured"), "{text}");
        for (theirs, why) in [
            ("[[line", "no TOML"),
            ("[[line]]\nline = \"dahdi 3/1\"\n[[line]]\nline = \"dahdi 3/2\"\n", "more than one"),
            ("[[line]]\nline = \"dahdi 3/1\"\n[box]\nname = \"a\"\n", "more than one"),
        ] {
            std::fs::write(&file, theirs).expect("written");
            assert!(applied(&first, &dir.path).is_err_and(|told| told.contains(why)), "{theirs}");
            assert_eq!(std::fs::read_to_string(&file).expect("a file"), theirs, "nothing of it is lost");
        }
    }
}
