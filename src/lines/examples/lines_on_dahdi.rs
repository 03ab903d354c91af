//! Lines on real DAHDI nodes, in the lab (`lab run --e1 1 --t1 1`): an engine on span 1 (E1, against `pri-peer`, which
//! is libpri) and span 3 (analogue lines, against `fxo-peer`). Calls out on the E1 that are answered, heard early,
//! refused, and refused for their channel; on the first line a call in with caller id and a battery drop, a call out
//! that is answered, and one that is busy. One JSON line an event, exit status 1 when something is not as it should be.

use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use tipring_card::{Cause, SpanId};
use tipring_dahdi::{Config, DahdiCard};
use tipring_lines::{Engine, EngineConfig, EngineEvent, EngineHandle, Group, LinesConfig};
use tipring_router::{AttemptId, LineCommand, LineEvent, Outgoing};
use tipring_switch::Port;

/// Under emulation everything is slow.
const LIMIT: Duration = Duration::from_secs(60);
/// The E1 under test, the D channel of its far end, the lines, and the far end of the first one.
const E1: u16 = 1;
const FAR_D: &str = "47";
const T1: u16 = 3;
const FAR_LINE: &str = "87";

struct Lab {
    handle: EngineHandle,
    events: Receiver<EngineEvent>,
    begin: Instant,
    attempts: u64,
}

impl Lab {
    /// The first event that fits.
    fn wait_for<T>(&self, what: &str, wanted: impl Fn(&LineEvent) -> Option<T>) -> Result<T, String> {
        let begin = Instant::now();
        while let Some(left) = LIMIT.checked_sub(begin.elapsed()) {
            let Ok(event) = self.events.recv_timeout(left) else { break };
            println!(
                "{{\"ev\":\"told\",\"ms\":{},\"text\":{:?}}}",
                self.begin.elapsed().as_millis(),
                format!("{event:?}")
            );
            if let EngineEvent::Line(event) = event
                && let Some(found) = wanted(&event)
            {
                return Ok(found);
            }
        }
        Err(format!("{what}: not within {} s", LIMIT.as_secs()))
    }

    fn wait_for_lease(&self, what: &str, of: Port, wanted: fn(&LineEvent) -> Option<Port>) -> Result<(), String> {
        self.wait_for(what, |event| wanted(event).filter(|lease| *lease == of)).map(drop)
    }

    /// The cause of a lease's end.
    fn end(&self, of: Port) -> Result<(Cause, bool), String> {
        self.wait_for("Cleared", |event| match event {
            LineEvent::Cleared { lease, cause, by_far_end } if *lease == of => Some((*cause, *by_far_end)),
            _ => None,
        })
    }

    fn command(&self, command: LineCommand) -> Result<(), String> {
        self.handle.line(command).then_some(()).ok_or_else(|| "the engine takes no command".into())
    }

    fn dial(&mut self, group: &str) -> Result<Port, String> {
        for _ in 0..100 {
            self.attempts += 1;
            let call = Outgoing { to: "5550100".into(), group: group.into(), ..Outgoing::default() };
            self.command(LineCommand::Dial { attempt: AttemptId(self.attempts), call: Box::new(call) })?;
            let found = self.wait_for("an answer to Dial", |event| match event {
                LineEvent::Seized { lease, .. } => Some(Ok(*lease)),
                LineEvent::NoLine { may_wait, .. } => Some(Err(*may_wait)),
                _ => None,
            })?;
            match found {
                Ok(lease) => return Ok(lease),
                Err(true) => self.wait_for("LineFree", |event| (*event == LineEvent::LineFree).then_some(()))?,
                // The far end has just started: its link is not up yet.
                Err(false) => drop(self.events.recv_timeout(Duration::from_millis(300))),
            }
        }
        Err("no line in a hundred tries".into())
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => {
            println!("{{\"ev\":\"done\",\"ok\":true}}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            println!("{{\"ev\":\"done\",\"ok\":false,\"text\":{error:?}}}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    let card = DahdiCard::open(Config { spans: vec![SpanId(E1), SpanId(T1)], ..Config::default() });
    let card = card.map_err(|error| error.to_string())?;
    let group = |name: &str, line: String| Group { name: name.into(), lines: vec![line], ..Group::default() };
    let groups = vec![group("span", format!("dahdi {E1}")), group("line", format!("dahdi {T1}/1"))];
    let lines = LinesConfig { groups, prefill: 4, ..LinesConfig::default() };
    let config = EngineConfig { lines, priority: 20, epoch: Instant::now() };
    let (engine, mut handle) = Engine::start(Box::new(card), config).map_err(|error| error.to_string())?;
    let events = handle.line_events.take().ok_or("no events")?;
    let mut lab = Lab { handle, events, begin: Instant::now(), attempts: 0 };
    let told = answered_on_the_span(&mut lab)
        .and_then(|()| refused_on_the_span(&mut lab, &["--reject", "17"], Cause::USER_BUSY, 0))
        .and_then(|()| refused_on_the_span(&mut lab, &["--reject", "44", "--at-once"], Cause::CHANNEL_UNAVAILABLE, 2))
        .and_then(|()| a_call_in(&lab))
        .and_then(|()| a_call_out(&mut lab))
        .and_then(|()| busy(&mut lab));
    let gauges = lab.handle.gauges();
    println!(
        "{{\"ev\":\"gauges\",\"late_blocks\":{},\"lost_blocks\":{},\"queue_losses\":{},\"spans\":{:?}}}",
        gauges.late_blocks(),
        gauges.lost_blocks(),
        gauges.queue_losses(),
        format!("{:?}", gauges.spans())
    );
    drop(engine);
    told
}

/// libpri takes our SETUP, lets the caller hear something early, and answers.
fn answered_on_the_span(lab: &mut Lab) -> Result<(), String> {
    let mut peer = pri_peer(&["--early", "--alert-after", "300", "--answer-after", "2000", "--tone", "800"])?;
    let lease = lab.dial("span")?;
    lab.wait_for_lease("EarlyMedia", lease, early_media)?;
    lab.wait_for_lease("Answered", lease, answered)?;
    lab.command(LineCommand::Clear { lease, cause: Cause::NORMAL })?;
    lab.end(lease)?;
    lab.wait_for("LineFree", |event| (*event == LineEvent::LineFree).then_some(()))?;
    stop(&mut peer);
    Ok(())
}

/// Refused with a cause, after so many moves to other channels.
fn refused_on_the_span(lab: &mut Lab, how: &[&str], cause: Cause, moves: usize) -> Result<(), String> {
    let mut peer = pri_peer(how)?;
    lab.dial("span")?;
    let mut moved = 0;
    loop {
        let event = lab.wait_for("Moved or Cleared", |event| match event {
            LineEvent::Moved { .. } => Some(None),
            LineEvent::Cleared { cause, .. } => Some(Some(*cause)),
            _ => None,
        })?;
        match event {
            None => moved += 1,
            Some(found) if found == cause && moved == moves => break,
            Some(found) => return Err(format!("cause {} after {moved} moves: {how:?}", found.0)),
        }
    }
    stop(&mut peer);
    Ok(())
}

/// It rings with caller id, is answered, and the far end drops the battery.
fn a_call_in(lab: &Lab) -> Result<(), String> {
    let rings = ["--ring-after", "3500", "--cid", "2025550100", "--cid-name", "ADA", "--hangup-after", "2500"];
    let mut peer = fxo_peer(&rings)?;
    let (lease, calling) = lab.wait_for("Incoming", |event| match event {
        LineEvent::Incoming { lease, calling, .. } => Some((*lease, calling.clone())),
        _ => None,
    })?;
    lab.command(LineCommand::Answer { lease })?;
    lab.wait_for_lease("Answered", lease, answered)?;
    let (cause, by_far_end) = lab.end(lease)?;
    stop(&mut peer);
    match calling {
        Some(number) if number.digits == "2025550100" && cause == Cause::NORMAL && by_far_end => Ok(()),
        other => Err(format!("caller {other:?}, cause {}, by the far end: {by_far_end}", cause.0)),
    }
}

/// Dial tone, digits, ringback, an answer that is guessed by its voice, and our own hang-up.
fn a_call_out(lab: &mut Lab) -> Result<(), String> {
    let mut peer = fxo_peer(&["--then", "answer", "--digits", "7", "--ringback", "5000", "--tone", "600"])?;
    let lease = lab.dial("line")?;
    lab.wait_for_lease("EarlyMedia", lease, early_media)?;
    lab.wait_for_lease("Answered", lease, answered)?;
    lab.command(LineCommand::Clear { lease, cause: Cause::NORMAL })?;
    lab.end(lease)?;
    stop(&mut peer);
    Ok(())
}

fn busy(lab: &mut Lab) -> Result<(), String> {
    let mut peer = fxo_peer(&["--then", "busy", "--digits", "7"])?;
    let lease = lab.dial("line")?;
    let end = lab.end(lease)?;
    stop(&mut peer);
    if end == (Cause::USER_BUSY, true) { Ok(()) } else { Err(format!("busy: {end:?}")) }
}

fn answered(event: &LineEvent) -> Option<Port> {
    match event {
        LineEvent::Answered { lease, .. } => Some(*lease),
        _ => None,
    }
}

fn early_media(event: &LineEvent) -> Option<Port> {
    match event {
        LineEvent::EarlyMedia { lease } => Some(*lease),
        _ => None,
    }
}

fn fxo_peer(arguments: &[&str]) -> Result<Child, String> {
    peer(Command::new("fxo-peer").args(["--line", FAR_LINE, "--calls", "1", "--timeout", "90"]).args(arguments))
}

fn pri_peer(arguments: &[&str]) -> Result<Child, String> {
    peer(Command::new("pri-peer").args(["--dchan", FAR_D, "--net", "--calls", "9", "--timeout", "90"]).args(arguments))
}

fn peer(command: &mut Command) -> Result<Child, String> {
    command.stdin(Stdio::null()).spawn().map_err(|error| format!("{command:?}: {error}"))
}

fn stop(peer: &mut Child) {
    let _ = peer.kill();
    let _ = peer.wait();
}
