//! The engine's two threads on the host's clock: the only test here that takes real time (some seconds, most of them
//! the pauses that an analogue line needs). It waits for what is told, with a limit, and never sleeps.

use std::time::{Duration, Instant};

use tipring_analog::AnswerSign;
use tipring_lines::{Engine, EngineConfig, EngineEvent, EngineHandle, Group};

use super::*;

/// A busy host is slow; a call that does not come at all is longer than this.
const LIMIT: Duration = Duration::from_secs(30);

struct Told {
    events: std::sync::mpsc::Receiver<EngineEvent>,
    all: Vec<LineEvent>,
}

impl Told {
    #[track_caller]
    fn wait_for(&mut self, what: &str, wanted: impl Fn(&LineEvent) -> bool) {
        let begin = Instant::now();
        while let Some(left) = LIMIT.checked_sub(begin.elapsed()) {
            match self.events.recv_timeout(left) {
                Ok(EngineEvent::Line(event)) => {
                    self.all.push(event.clone());
                    if wanted(&event) {
                        return;
                    }
                }
                Ok(EngineEvent::Note(_) | EngineEvent::Examined(_)) => {}
                Err(_) => break,
            }
        }
        panic!("{what} did not come: {:?}", self.all);
    }

    /// Dials until a line is found: lines hear nothing for two seconds after the start.
    #[track_caller]
    fn dials(&mut self, handle: &EngineHandle, group: &str) -> Port {
        for n in 0..100 {
            let call = Outgoing { to: "5550100".into(), group: group.into(), ..Outgoing::default() };
            assert!(handle.line(LineCommand::Dial { attempt: AttemptId(n), call: Box::new(call) }));
            self.wait_for("an answer to Dial", |event| {
                matches!(event, LineEvent::Seized { .. } | LineEvent::NoLine { .. })
            });
            match self.all.last() {
                Some(LineEvent::Seized { lease, .. }) => return *lease,
                Some(LineEvent::NoLine { may_wait: true, .. }) => {
                    self.wait_for("a free line", |event| *event == LineEvent::LineFree);
                }
                // The link is not up yet: there is nothing to wait for but time.
                _ => drop(self.events.recv_timeout(Duration::from_millis(100))),
            }
        }
        panic!("no line in a hundred tries: {:?}", self.all);
    }
}

#[test]
fn both_kinds_of_lines_carry_a_call_out_on_the_hosts_clock() {
    let wire = Wire::new(WireConfig { spans: 1, analog_ports: 1, ..WireConfig::default() });
    let answers = Reply::Answer { rings: Micros::from_ms(100), steps: stays() };
    let subscribers = vec![Subscriber { number: "5550100".into(), reply: answers }];
    let mut exchange =
        Exchange::new(wire.far(), ExchangeConfig { subscribers: subscribers.clone(), ..ExchangeConfig::default() });
    let mut office = Office::new(wire.far(), OfficeConfig { subscribers, ..OfficeConfig::default() });
    let clock = wire.run_wall(move |now| {
        exchange.step(now);
        office.step(now);
    });
    let clock = clock.expect("a thread");
    let group = |name: &str, line: &str| Group { name: name.into(), lines: vec![line.into()], ..Group::default() };
    let mut lines =
        LinesConfig { groups: vec![group("span", "sim 1"), group("line", "sim 2")], ..LinesConfig::default() };
    lines.groups.push(group("none", "sim 9"));
    lines.analog.answer = AnswerSign::Dialled;
    let config = EngineConfig { lines, priority: 0, epoch: Instant::now() };
    let (engine, mut handle) = Engine::start(Box::new(wire.near()), config).expect("an engine");
    assert!(matches!(&handle.complaints[..], [one] if one.contains("group none: the card has no line 'sim 9'")));
    let mut told = Told { events: handle.line_events.take().expect("once"), all: Vec::new() };
    for name in ["span", "line", "line"] {
        let lease = told.dials(&handle, name);
        told.wait_for("the answer", |event| matches!(event, LineEvent::Answered { lease: of, .. } if *of == lease));
        assert!(handle.line(LineCommand::Clear { lease, cause: Cause::NORMAL }));
        told.wait_for("the end", |event| matches!(event, LineEvent::Cleared { lease: of, .. } if *of == lease));
    }
    let gauges = handle.gauges();
    assert_eq!(gauges.queue_losses(), 0);
    let names: Vec<String> = gauges.spans().into_iter().map(|gauge| gauge.name).collect();
    assert_eq!(names, ["sim 1", "sim 2"]);
    // Three calls are seconds of audio and dozens of turns of the signalling thread.
    assert!(gauges.beat() > 100 && gauges.signalling_beat() > 30, "{} {}", gauges.beat(), gauges.signalling_beat());
    assert!(!gauges.media_ended(), "the card is there");
    let (audio, switch) = (gauges.audio(), gauges.switch());
    assert!(audio.blocks > 100 && switch.ticks > 100 && switch.ticks == audio.ticks, "{audio:?} {switch:?}");
    let counted = gauges.signalling();
    let figure = |room, name| counted.iter().find(|known| (known.0, known.1) == (room, name)).map(|known| known.2);
    assert_eq!((figure("signalling", "outgoing"), figure("q921", "ups")), (Some(1), Some(1)));
    assert_eq!((figure("q931", "dropped"), figure("analog", "overruns")), (Some(0), Some(0)));
    drop(engine);
    let (beat, signalling) = (gauges.beat(), gauges.signalling_beat());
    drop(clock);
    assert_eq!((gauges.beat(), gauges.signalling_beat()), (beat, signalling), "nobody beats for a thread that ended");
}

#[test]
fn the_beat_of_the_media_thread_stands_when_its_card_is_gone() {
    let wire = Wire::new(WireConfig { spans: 1, ..WireConfig::default() });
    let clock = wire.run_wall(|_| {}).expect("a thread");
    let config = EngineConfig { lines: LinesConfig::default(), priority: 0, epoch: Instant::now() };
    let (engine, handle) = Engine::start(Box::new(wire.near()), config).expect("an engine");
    let gauges = handle.gauges();
    drop(clock);
    let begin = Instant::now();
    while !gauges.media_ended() {
        assert!(begin.elapsed() < LIMIT, "the thread goes on without a clock");
        std::thread::yield_now();
    }
    let beat = gauges.beat();
    drop(engine);
    assert_eq!(gauges.beat(), beat);
}
