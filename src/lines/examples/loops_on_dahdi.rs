//! Analogue lines on real DAHDI nodes, in the lab (`lab run --t1 1`): an engine on the lines of span 3 (or the span
//! given), and `fxo-peer`, an exchange of its own making, at the other end of the first line. A call in with caller id
//! and a battery drop, a call out that is answered, one that is busy. One JSON line an event, exit status 1 when
//! something is not as it should be.

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
/// Channels of a T1 span; the far end's come right after ours.
const T1: u16 = 24;

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

    fn dial(&mut self, to: &str) -> Result<Port, String> {
        for _ in 0..10 {
            self.attempts += 1;
            let call = Outgoing { to: to.into(), ..Outgoing::default() };
            self.command(LineCommand::Dial { attempt: AttemptId(self.attempts), call: Box::new(call) })?;
            let lease = self.wait_for("an answer to Dial", |event| match event {
                LineEvent::Seized { lease, .. } => Some(Some(*lease)),
                LineEvent::NoLine { .. } => Some(None),
                _ => None,
            })?;
            if let Some(lease) = lease {
                return Ok(lease);
            }
            self.wait_for("LineFree", |event| (*event == LineEvent::LineFree).then_some(()))?;
        }
        Err("no line in ten tries".into())
    }
}

fn main() -> ExitCode {
    let span: u16 = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(3);
    match run(span) {
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

fn run(span: u16) -> Result<(), String> {
    let card = DahdiCard::open(Config { spans: vec![SpanId(span)], ..Config::default() });
    let card = card.map_err(|error| error.to_string())?;
    let first = tipring_card::Card::channels(&card).first().ok_or("no line")?.id.0;
    let far = (first + T1).to_string();
    let groups = vec![Group { name: "first".into(), lines: vec![format!("dahdi {span}/1")], ..Group::default() }];
    let lines = LinesConfig { groups, prefill: 4, ..LinesConfig::default() };
    let config = EngineConfig { lines, priority: 20, epoch: Instant::now() };
    let (engine, mut handle) = Engine::start(Box::new(card), config).map_err(|error| error.to_string())?;
    let events = handle.line_events.take().ok_or("no events")?;
    let mut lab = Lab { handle, events, begin: Instant::now(), attempts: 0 };
    let told = a_call_in(&lab, &far).and_then(|()| a_call_out(&mut lab, &far)).and_then(|()| busy(&mut lab, &far));
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

/// It rings with caller id, is answered, and the far end drops the battery.
fn a_call_in(lab: &Lab, far: &str) -> Result<(), String> {
    let rings = ["--ring-after", "3500", "--cid", "2025550100", "--cid-name", "ADA", "--hangup-after", "2500"];
    let mut peer = peer(far, &rings)?;
    let (lease, calling) = lab.wait_for("Incoming", |event| match event {
        LineEvent::Incoming { lease, calling, .. } => Some((*lease, calling.clone())),
        _ => None,
    })?;
    lab.command(LineCommand::Answer { lease })?;
    lab.wait_for_lease("Answered", lease, answered)?;
    let (cause, by_far_end) = lab.end(lease)?;
    let _ = peer.kill();
    let _ = peer.wait();
    match calling {
        Some(number) if number.digits == "2025550100" && cause == Cause::NORMAL && by_far_end => Ok(()),
        other => Err(format!("caller {other:?}, cause {}, by the far end: {by_far_end}", cause.0)),
    }
}

/// Dial tone, digits, ringback, an answer that is guessed by its voice, and our own hang-up.
fn a_call_out(lab: &mut Lab, far: &str) -> Result<(), String> {
    let mut peer = peer(far, &["--then", "answer", "--digits", "7", "--ringback", "5000", "--tone", "600"])?;
    let lease = lab.dial("5550100")?;
    lab.wait_for_lease("EarlyMedia", lease, |event| match event {
        LineEvent::EarlyMedia { lease } => Some(*lease),
        _ => None,
    })?;
    lab.wait_for_lease("Answered", lease, answered)?;
    lab.command(LineCommand::Clear { lease, cause: Cause::NORMAL })?;
    lab.end(lease)?;
    let _ = peer.kill();
    let _ = peer.wait();
    Ok(())
}

fn busy(lab: &mut Lab, far: &str) -> Result<(), String> {
    let mut peer = peer(far, &["--then", "busy", "--digits", "7"])?;
    let lease = lab.dial("5550100")?;
    let end = lab.end(lease)?;
    let _ = peer.kill();
    let _ = peer.wait();
    if end == (Cause::USER_BUSY, true) { Ok(()) } else { Err(format!("busy: {end:?}")) }
}

fn answered(event: &LineEvent) -> Option<Port> {
    match event {
        LineEvent::Answered { lease, .. } => Some(*lease),
        _ => None,
    }
}

fn peer(line: &str, arguments: &[&str]) -> Result<Child, String> {
    let mut command = Command::new("fxo-peer");
    command.args(["--line", line, "--calls", "1", "--timeout", "90"]).args(arguments);
    command.stdin(Stdio::null()).spawn().map_err(|error| format!("fxo-peer: {error}"))
}
