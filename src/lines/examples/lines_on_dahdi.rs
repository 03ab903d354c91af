//! Lines on real DAHDI nodes, in the lab (`lab run --e1 1 --t1 1`): an engine on span 1 (E1, against `pri-peer`, which
//! is libpri) and span 3 (analogue lines, against `fxo-peer`). Calls out on the E1 that are answered, heard early,
//! refused, and refused for their channel; on the first line calls in (caller id and a battery drop, our own hang-up, a
//! caller who gives up) and out (answered, busy). After each of them the line is free again within five seconds, and
//! what the exchange was dialled is the number. One JSON line an event, exit status 1 when something is not as it should
//! be.

use std::io::{BufRead, BufReader};
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
/// What is called.
const NUMBER: &str = "5550100";
/// A line is usable again so soon after a call.
const FREE_AGAIN: Duration = Duration::from_secs(5);
/// A call whose digits are broken off, as the emulated machine was late, is tried again so often.
const BROKEN_TRIES: usize = 4;

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

    /// From its end on: how long the line rests.
    fn free_again(&self, after: &str) -> Result<(), String> {
        let begin = Instant::now();
        self.wait_for("LineFree", |event| (*event == LineEvent::LineFree).then_some(()))?;
        let rested = begin.elapsed();
        println!("{{\"ev\":\"free\",\"after\":{after:?},\"rested_ms\":{}}}", rested.as_millis());
        if rested <= FREE_AGAIN { Ok(()) } else { Err(format!("{after}: the line rested for {rested:?}")) }
    }

    /// A call out on the line that gets as far as the exchange; the peer is started anew for each try.
    fn dial_out(&mut self, how: &[&str]) -> Result<(Child, Port), String> {
        for _ in 0..BROKEN_TRIES {
            let mut peer = fxo_peer(how)?;
            let lease = self.dial("line")?;
            let heard = self.wait_for("EarlyMedia or Cleared", |event| match event {
                LineEvent::EarlyMedia { lease: of } if *of == lease => Some(Ok(())),
                LineEvent::Cleared { lease: of, cause, .. } if *of == lease => Some(Err(*cause)),
                _ => None,
            })?;
            match heard {
                Ok(()) => return Ok((peer, lease)),
                Err(Cause::TEMPORARY_FAILURE) => {
                    stop(&mut peer);
                    self.free_again("digits that were broken off")?;
                }
                Err(cause) => return Err(format!("a call out ends with cause {}", cause.0)),
            }
        }
        Err(format!("the digits were broken off {BROKEN_TRIES} times"))
    }

    fn dial(&mut self, group: &str) -> Result<Port, String> {
        for _ in 0..100 {
            self.attempts += 1;
            let call = Outgoing { to: NUMBER.into(), group: group.into(), ..Outgoing::default() };
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
        .and_then(|()| a_call_in_that_we_end(&lab))
        .and_then(|()| a_caller_who_gives_up(&lab))
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
    lab.free_again("a battery drop")?;
    stop(&mut peer);
    match calling {
        Some(number) if number.digits == "2025550100" && cause == Cause::NORMAL && by_far_end => Ok(()),
        other => Err(format!("caller {other:?}, cause {}, by the far end: {by_far_end}", cause.0)),
    }
}

/// We hang up on the caller; the exchange is told by nothing but our loop.
fn a_call_in_that_we_end(lab: &Lab) -> Result<(), String> {
    let mut peer = fxo_peer(&["--ring-after", "100"])?;
    let lease = lab.wait_for("Incoming", incoming)?;
    lab.command(LineCommand::Answer { lease })?;
    lab.wait_for_lease("Answered", lease, answered)?;
    lab.command(LineCommand::Clear { lease, cause: Cause::NORMAL })?;
    let end = lab.end(lease)?;
    lab.free_again("our hang-up of a call in")?;
    stop(&mut peer);
    if end == (Cause::NORMAL, false) { Ok(()) } else { Err(format!("our hang-up: {end:?}")) }
}

/// The ring stops before we answer.
fn a_caller_who_gives_up(lab: &Lab) -> Result<(), String> {
    let mut peer = fxo_peer(&["--ring-after", "100", "--rings", "2"])?;
    let lease = lab.wait_for("Incoming", incoming)?;
    let end = lab.end(lease)?;
    lab.free_again("a caller who gave up")?;
    stop(&mut peer);
    if end == (Cause::NORMAL, true) { Ok(()) } else { Err(format!("a caller who gives up: {end:?}")) }
}

/// Dial tone, digits, ringback, an answer that is guessed by its voice, and our own hang-up.
fn a_call_out(lab: &mut Lab) -> Result<(), String> {
    let how = ["--then", "answer", "--digits", "7", "--ringback", "5000", "--tone", "600"];
    let (mut peer, lease) = lab.dial_out(&how)?;
    lab.wait_for_lease("Answered", lease, answered)?;
    lab.command(LineCommand::Clear { lease, cause: Cause::NORMAL })?;
    lab.end(lease)?;
    lab.free_again("our hang-up of a call out")?;
    stop(&mut peer);
    Ok(())
}

fn busy(lab: &mut Lab) -> Result<(), String> {
    let (mut peer, lease) = lab.dial_out(&["--then", "busy", "--digits", "7"])?;
    let end = lab.end(lease)?;
    lab.free_again("busy tone")?;
    stop(&mut peer);
    if end == (Cause::USER_BUSY, true) { Ok(()) } else { Err(format!("busy: {end:?}")) }
}

fn incoming(event: &LineEvent) -> Option<Port> {
    match event {
        LineEvent::Incoming { lease, .. } => Some(*lease),
        _ => None,
    }
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

/// The exchange on the line, when it is ready: an off-hook that came before would be none to it.
fn fxo_peer(arguments: &[&str]) -> Result<Child, String> {
    let mut command = Command::new("fxo-peer");
    command.args(["--line", FAR_LINE, "--calls", "1", "--timeout", "90"]).args(arguments);
    let mut peer = peer(command.stdout(Stdio::piped()))?;
    let mut lines = BufReader::new(peer.stdout.take().ok_or("no output")?).lines().map_while(Result::ok);
    for line in lines.by_ref() {
        println!("{line}");
        if line.contains("\"ev\":\"ready\"") {
            std::thread::spawn(move || lines.for_each(|line| println!("{line}")));
            return Ok(peer);
        }
    }
    Err("fxo-peer has not begun".into())
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
