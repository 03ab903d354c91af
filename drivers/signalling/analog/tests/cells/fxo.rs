//! The line towards an exchange against its table.

use std::collections::BTreeMap;

use tipring_analog::{CallerId, Command, Config, Event, Fxo, Heard, Input, Level, Listen, Output};
use tipring_card::{Event as LineEvent, Hook, Micros};

use super::{compare, read};
use crate::support::{caller, digits};

const TABLE: &str = include_str!("fxo.table");

/// Every input by its name in the table; `timer` comes at the deadline.
fn inputs() -> Vec<(&'static str, Input)> {
    let lines = [
        ("removed", LineEvent::Removed),
        ("on hook", LineEvent::OnHook),
        ("ring", LineEvent::RingBegin),
        ("ring end", LineEvent::RingOffHook),
        ("flash", LineEvent::WinkFlash),
        ("polarity", LineEvent::Polarity),
        ("hook done", LineEvent::HookComplete),
        ("alarm", LineEvent::Alarm),
        ("alarm over", LineEvent::AlarmCleared),
        ("bits", LineEvent::BitsChanged),
    ];
    let heard = [
        ("caller", Heard::CallerId(caller("1"))),
        ("bad caller", Heard::BadCallerId),
        ("messages", Heard::MessageWaiting(true)),
        ("dial tone", Heard::DialTone),
        ("dialled", Heard::Dialled),
        ("broken", Heard::Broken),
        ("ringback", Heard::Ringback),
        ("level", Heard::Level(Level { from_line: -20, to_line: -96 })),
        ("busy", Heard::Busy),
        ("congestion", Heard::Congestion),
        ("information", Heard::Information),
        ("howler", Heard::Howler),
        ("voice", Heard::Voice),
        ("silence", Heard::Silence(2_000)),
        ("long silence", Heard::Silence(7_000)),
        ("both silent", Heard::BothSilent(60_000)),
    ];
    let commands = [
        ("answer", Command::Answer),
        ("dial", Command::Dial(digits("123"))),
        ("dial nothing", Command::Dial(digits(""))),
        ("hang up", Command::Hangup),
        ("silence counts", Command::SilenceCounts(true)),
        ("silence does not", Command::SilenceCounts(false)),
    ];
    let mut all = vec![("opened", Input::Opened), ("lost", Input::Lost), ("hook failed", Input::HookFailed)];
    all.push(("timer", Input::Timer));
    all.extend(lines.map(|(name, event)| (name, Input::Line(event))));
    all.extend(heard.map(|(name, heard)| (name, Input::Heard(heard))));
    all.extend(commands.map(|(name, command)| (name, Input::Command(command))));
    all
}

/// A way into every state.
fn ways() -> Vec<(&'static str, Vec<&'static str>)> {
    let seized = ["opened", "dial", "hook done"];
    let offered = ["opened", "ring", "caller"];
    let after = |before: &[&'static str], more: &[&'static str]| [before, more].concat();
    vec![
        ("closed", vec![]),
        ("idle", vec!["opened"]),
        ("forewarned", vec!["opened", "polarity"]),
        ("ringing", vec!["opened", "ring"]),
        ("offered", offered.to_vec()),
        ("ignored", vec!["opened", "ring", "hang up"]),
        ("answering", after(&offered, &["answer"])),
        ("met", vec!["opened", "dial", "ring"]),
        ("in call", after(&offered, &["answer", "hook done"])),
        ("seizing", vec!["opened", "dial"]),
        ("awaiting dial tone", seized.to_vec()),
        ("pausing", seized.to_vec()),
        ("dialling", after(&seized, &["dial tone"])),
        ("progress", after(&seized, &["dial tone", "dialled"])),
        ("clearing", vec!["opened", "dial", "hang up"]),
        ("lost", vec!["opened", "lost"]),
    ]
}

fn word(output: &Output) -> String {
    match output {
        Output::Hook(Hook::OnHook) => "on hook".to_owned(),
        Output::Hook(Hook::OffHook) => "off hook".to_owned(),
        Output::Hook(Hook::Start) => "start".to_owned(),
        Output::Hook(other) => format!("{other:?}"),
        Output::Audio(audio) => format!("audio {}", if *audio { "on" } else { "off" }),
        Output::Listen(Listen::Off) => "listen off".to_owned(),
        Output::Listen(Listen::CallerId) => "listen caller id".to_owned(),
        Output::Listen(Listen::DialTone) => "listen dial tone".to_owned(),
        Output::Listen(Listen::Progress) => "listen progress".to_owned(),
        Output::Listen(_) => "listen hang up".to_owned(),
        Output::Send(digits) => format!("send {digits}"),
        Output::Event(Event::Incoming { caller }) if *caller == CallerId::default() => "incoming".to_owned(),
        Output::Event(Event::Incoming { .. }) => "incoming with number".to_owned(),
        Output::Event(Event::Connected(by)) => format!("connected {}", by.as_str()),
        Output::Event(Event::Ended { cause, sign }) => format!("ended {} {}", cause.0, sign.text()),
        Output::Event(Event::Suspected(evidence)) => format!("suspected {} {}", evidence.sign.text(), evidence.sum),
        Output::Event(event) => format!("{event:?}").to_lowercase(),
    }
}

fn does(line: &mut Fxo, now: Micros, input: &str, inputs: &BTreeMap<&str, Input>) -> Micros {
    let at = if input == "timer" { line.deadline().unwrap_or(now) } else { now };
    line.handle(at, inputs[input].clone());
    at
}

#[test]
fn every_cell_of_the_fxo_table_is_what_the_machine_does() {
    let table = read(TABLE).expect("the table can be read");
    let inputs: BTreeMap<&str, Input> = inputs().into_iter().collect();
    let ways: BTreeMap<&str, Vec<&str>> = ways().into_iter().collect();
    let states: Vec<&str> = ways.keys().copied().collect();
    let names: Vec<&str> = inputs.keys().copied().collect();
    let pairs = compare(&table, &states, &names, |state, input| {
        let dial_tone_limit = if state == "pausing" { Micros::ZERO } else { Micros::from_s(5) };
        let mut line = Fxo::new(Config { dial_tone_limit, ..Config::default() });
        let mut now = Micros::from_s(1);
        for input in &ways[state] {
            now = does(&mut line, now, input, &inputs);
            while line.poll().is_some() {}
        }
        assert_eq!(line.state(), state);
        let before = line.counters();
        does(&mut line, now, input, &inputs);
        let outputs = std::iter::from_fn(|| line.poll()).map(|output| word(&output)).collect();
        assert_eq!(line.counters().overruns, 0);
        (line.state().to_owned(), outputs, line.counters().unexpected > before.unexpected)
    });
    assert_eq!(pairs, 16 * 36);
}
