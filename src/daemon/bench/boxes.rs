//! The service as a process of its own, as an installation runs it: how soon it is ready, and what it takes when nothing
//! rings.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::figures::{Goal, Row, Sorted, round};
use super::process::{files, load, rss, threads};
use crate::daemon::outcome::ScratchDir;
use crate::daemon::serve::StartError;

/// Starts that are counted; one before them makes the database and the first account.
const STARTS: usize = 20;
/// A start that takes longer has failed.
const IDLE_FOR: Duration = Duration::from_secs(8);
/// What the service says when it is ready.
const READY: &str = "the API listens";

fn failed(what: &str, why: &dyn std::fmt::Display) -> StartError {
    StartError { exit: 1, text: format!("bench: {what}: {why}") }
}

struct Running {
    child: Child,
    ready_after: Duration,
}

/// Starts `tipring serve` on a configuration and waits for its word.
fn start(dir: &ScratchDir) -> Result<Running, StartError> {
    let file = dir.path.join("tipring.toml");
    let at = |name: &str| dir.path.join(name).display().to_string();
    let text = format!(
        "[box]\ncountry = \"us\"\nstate_dir = \"{}\"\ncache_dir = \"{}\"\nruntime_dir = \"{}\"\n\n\
         [listen]\napi = \"127.0.0.1:0\"\nmetrics = \"127.0.0.2:0\"\n\n[[card]]\nkind = \"sim\"\n",
        at("state"),
        at("cache"),
        at("run")
    );
    std::fs::write(&file, text).map_err(|error| failed("the configuration", &error))?;
    let program = std::env::current_exe().map_err(|error| failed("the program", &error))?;
    let begun = Instant::now();
    let mut child = Command::new(program)
        .args(["serve", "--config"])
        .arg(&file)
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| failed("tipring serve", &error))?;
    let Some(out) = child.stdout.take() else {
        return Err(failed("tipring serve", &"has no output"));
    };
    let ready = BufReader::new(out).lines().map_while(Result::ok).any(|line| line.contains(READY));
    let ready_after = begun.elapsed();
    if !ready {
        let _ = child.kill();
        let _ = child.wait();
        return Err(failed("tipring serve", &"ended before it was ready"));
    }
    Ok(Running { child, ready_after })
}

impl Running {
    /// Asks it to end, and waits for that.
    fn stop(mut self) -> Result<(), StartError> {
        let pid = nix::unistd::Pid::from_raw(i32::try_from(self.child.id()).unwrap_or(i32::MAX));
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).map_err(|error| failed("SIGTERM", &error))?;
        self.child.wait().map_err(|error| failed("tipring serve", &error))?;
        Ok(())
    }
}

/// From the start of the process to its word that it is ready, on state of an earlier start.
pub(super) fn starts() -> Result<Row, StartError> {
    let dir = ScratchDir::new()?;
    start(&dir)?.stop()?;
    let loaded = load();
    let mut waits = Vec::with_capacity(STARTS);
    for _ in 0..STARTS {
        let running = start(&dir)?;
        waits.push(running.ready_after.as_secs_f64() * 1e3);
        running.stop()?;
    }
    let waits = Sorted::new(waits);
    Ok(Row::new("start", waits.at(0.5), "ms p50", Goal::AtMost(200.0))
        .note("worst", round(waits.at(1.0)))
        .note("starts", waits.count())
        .note("load", loaded))
}

/// Resident memory of the service on a simulated card when nothing rings.
pub(super) fn idle() -> Result<Row, StartError> {
    let dir = ScratchDir::new()?;
    let running = start(&dir)?;
    std::thread::sleep(IDLE_FOR);
    let pid = running.child.id();
    let row = Row::new("memory.idle", rss(pid) as f64 / 1024.0 / 1024.0, "MiB", Goal::AtMost(40.0))
        .note("threads", threads(pid))
        .note("files", files(pid));
    running.stop()?;
    Ok(row)
}
