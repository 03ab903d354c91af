//! The port for a telephone against its table.

use std::collections::BTreeMap;

use tipring_analog::fxs::{Command, Config, Event, Fxs, Input, Judgement, News, Output, Reason, Telling, Tone};
use tipring_analog::{CallerId, Manner};
use tipring_card::{Event as LineEvent, Hook, Micros};

use super::{compare, read};

const TABLE: &str = include_str!("fxs.table");

fn ring() -> Input {
    Input::Command(Command::Ring { caller: CallerId::default(), rhythm_ms: &[] })
}

/// Every input by its name in the table; `timer` comes at the deadline.
fn inputs() -> Vec<(&'static str, Input)> {
    vec![
        ("opened", Input::Opened),
        ("lost", Input::Lost),
        ("removed", Input::Line(LineEvent::Removed)),
        ("lifted", Input::Line(LineEvent::RingOffHook)),
        ("put down", Input::Line(LineEvent::OnHook)),
        ("flash", Input::Line(LineEvent::WinkFlash)),
        ("pulse", Input::Line(LineEvent::Pulse(b'5'))),
        ("ringer", Input::Line(LineEvent::RingerOn)),
        ("moved", Input::Line(LineEvent::HookComplete)),
        ("alarm", Input::Line(LineEvent::Alarm)),
        ("hook failed", Input::HookFailed),
        ("key", Input::Key(b'5')),
        ("hash", Input::Key(b'#')),
        ("no key", Input::Key(b'?')),
        ("told", Input::Told),
        ("beginning", Input::Judged(Judgement::Beginning)),
        ("perhaps", Input::Judged(Judgement::Perhaps)),
        ("whole", Input::Judged(Judgement::Whole)),
        ("nothing", Input::Judged(Judgement::Nothing)),
        ("ring", ring()),
        ("alerting", Input::Command(Command::Alerting)),
        ("through", Input::Command(Command::Through)),
        ("hang up", Input::Command(Command::Hangup(Tone::Congestion))),
        ("messages", Input::Command(Command::MessageWaiting(true))),
        ("no messages", Input::Command(Command::MessageWaiting(false))),
        ("timer", Input::Timer),
    ]
}

/// A way into every state.
fn ways() -> Vec<(&'static str, Vec<&'static str>)> {
    let after = |before: &[&'static str], more: &[&'static str]| [before, more].concat();
    let prompted = after(&["opened"], &["lifted"]);
    let collecting = after(&prompted, &["key"]);
    let called = after(&collecting, &["whole"]);
    let talking = after(&called, &["through"]);
    let warned = after(&called, &["hang up"]);
    let howling = after(&warned, &["timer"]);
    vec![
        ("closed", vec![]),
        ("idle", vec!["opened"]),
        ("telling", vec!["opened", "messages"]),
        ("announcing", vec!["opened", "ring"]),
        ("ringing", vec!["opened", "ring"]),
        ("prompted", prompted),
        ("collecting", collecting),
        ("called", called),
        ("cutting", after(&talking, &["hang up"])),
        ("talking", talking),
        ("locked out", after(&howling, &["timer"])),
        ("warned", warned),
        ("howling", howling),
        ("lost", vec!["opened", "lost"]),
    ]
}

fn word(output: &Output) -> String {
    let on = |on: &bool| if *on { "on" } else { "off" };
    match output {
        Output::Hook(Hook::OnHook) => "feed off".to_owned(),
        Output::Hook(Hook::OffHook) => "feed on".to_owned(),
        Output::Hook(Hook::Ring) => "ring".to_owned(),
        Output::Hook(Hook::RingOff) => "ring off".to_owned(),
        Output::Hook(other) => format!("{other:?}"),
        Output::Audio(audio) => format!("audio {}", on(audio)),
        Output::Keys(keys) => format!("keys {}", on(keys)),
        Output::Play(None) => "play nothing".to_owned(),
        Output::Play(Some(tone)) => format!("play {}", format!("{tone:?}").to_lowercase()),
        Output::Tell(News::Caller(_)) => "tell caller".to_owned(),
        Output::Tell(News::Waiting(waiting)) => format!("tell messages {}", on(waiting)),
        Output::Judge(digits) => format!("judge {digits}"),
        Output::Event(Event::Dialled(digits)) => format!("dialled {digits}"),
        Output::Event(Event::Ended(Reason::OnHook)) => "ended on hook".to_owned(),
        Output::Event(Event::Ended(Reason::Ours)) => "ended ours".to_owned(),
        Output::Event(Event::Ended(Reason::Lost)) => "ended lost".to_owned(),
        Output::Event(event) => format!("{event:?}").to_lowercase(),
    }
}

/// A port in a state, by its way.
fn port_in(state: &str, way: &[&str], inputs: &BTreeMap<&str, Input>) -> (Fxs, Micros) {
    let caller_id = match state {
        "announcing" => Telling::BeforeRing(Manner::default()),
        _ => Telling::default(),
    };
    let mut port = Fxs::new(Config { caller_id, ..Config::default() });
    let mut now = Micros::from_s(1);
    for input in way {
        now = does(&mut port, now, input, inputs);
        while port.poll().is_some() {}
        if *input == "opened" {
            // On hook for a while: the channel is at rest.
            now = now + Micros::from_s(2);
        }
    }
    assert_eq!(port.state(), state);
    (port, now)
}

fn does(port: &mut Fxs, now: Micros, input: &str, inputs: &BTreeMap<&str, Input>) -> Micros {
    let at = if input == "timer" { port.deadline().unwrap_or(now) } else { now };
    port.handle(at, inputs[input].clone());
    at
}

#[test]
fn every_cell_of_the_fxs_table_is_what_the_machine_does() {
    let table = read(TABLE).expect("the table can be read");
    let inputs: BTreeMap<&str, Input> = inputs().into_iter().collect();
    let ways: BTreeMap<&str, Vec<&str>> = ways().into_iter().collect();
    let states: Vec<&str> = ways.keys().copied().collect();
    let names: Vec<&str> = inputs.keys().copied().collect();
    let pairs = compare(&table, &states, &names, |state, input| {
        let (mut port, now) = port_in(state, &ways[state], &inputs);
        let before = port.counters();
        does(&mut port, now, input, &inputs);
        let outputs = std::iter::from_fn(|| port.poll()).map(|output| word(&output)).collect();
        assert_eq!(port.counters().overruns, 0);
        (port.state().to_owned(), outputs, port.counters().unexpected > before.unexpected)
    });
    assert_eq!(pairs, 14 * 26);
}
