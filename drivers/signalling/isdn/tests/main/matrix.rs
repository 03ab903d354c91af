//! Every state of a call against every message and every command, in both roles. Each pair is handled or counted, none
//! panics, and what each does is committed as a table: `matrix.txt`. With `TIPRING_BLESS=1` it is written anew.

use std::collections::BTreeMap;
use std::fmt::Write;

use tipring_card::{Cause, Law};
use tipring_isdn::q931::ie::{Channel, Ie, Location, Progress};
use tipring_isdn::q931::message::{Kind, Message, Reference};
use tipring_isdn::{Bearer, CallId, Command, Config, Event, Role, Text};

use crate::support::*;

/// The state's name, who made the call, and the way there.
const STATES: &[(&str, bool, &[Step])] = &[
    ("offered", true, &[]),
    ("overlap", true, &[Hear(Kind::SetupAck)]),
    ("proceeding", true, &[Hear(Kind::CallProceeding)]),
    ("alerting", true, &[Hear(Kind::Alerting)]),
    ("active", true, &[Hear(Kind::Connect)]),
    ("we disconnect", true, &[Hear(Kind::CallProceeding), Do(hang_up)]),
    ("they disconnect", true, &[Hear(Kind::CallProceeding), Tones]),
    ("release request", true, &[Hear(Kind::CallProceeding), Do(give_up)]),
    ("offered", false, &[]),
    ("overlap", false, &[Do(Command::SetupAck)]),
    ("proceeding", false, &[Do(Command::Proceeding)]),
    ("alerting", false, &[Do(ring)]),
    ("connect request", false, &[Do(Command::Connect)]),
    ("active", false, &[Do(Command::Connect), Hear(Kind::ConnectAck)]),
    ("we disconnect", false, &[Do(Command::Proceeding), Do(hang_up)]),
    ("they disconnect", false, &[Do(Command::Proceeding), Tones]),
    ("release request", false, &[Do(Command::Proceeding), Do(give_up)]),
];

enum Step {
    Hear(Kind),
    Do(fn(CallId) -> Command),
    Tones,
}
use Step::{Do, Hear, Tones};

fn hang_up(call: CallId) -> Command {
    Command::Disconnect(call, Cause::NORMAL)
}

fn give_up(call: CallId) -> Command {
    Command::Release(call, Cause::NORMAL)
}

fn ring(call: CallId) -> Command {
    Command::Alerting(call, false)
}

/// A trunk whose one call is in a state.
fn brought(role: Role, placed: bool, steps: &[Step]) -> (Solo, CallId, Reference) {
    let mut config = Config::e1(role);
    config.overlap = true;
    config.heal = false;
    let mut solo = Solo::up(config);
    let (call, reference) = if placed { solo.trunk_calls() } else { solo.script_calls() };
    for step in steps {
        match step {
            Hear(kind) => solo.say(&plain(reference, *kind)),
            Do(command) => solo.command(command(call)),
            Tones => {
                let progress = Progress::one(Progress::IN_BAND);
                solo.say(&Message { progress, ..with_cause(reference, Kind::Disconnect, 17) });
            }
        }
    }
    solo.hear();
    solo.take();
    (solo, call, reference)
}

/// A message with every element that its type may need.
fn sound(reference: Reference, kind: Kind, solo: &Solo, call: CallId) -> Message {
    let base = plain(reference, kind);
    let cause = Ie::Is((Cause::NORMAL, Location(0)));
    match kind {
        Kind::Setup => Message {
            bearer: Ie::Is(Bearer::Speech(Law::A)),
            channel: Ie::Is(Channel::slot(3, true)),
            called: Ie::Is(number("1")),
            ..base
        },
        Kind::Progress => Message { progress: Progress::one(8), ..base },
        Kind::Disconnect | Kind::Release | Kind::ReleaseComplete => Message { cause, ..base },
        Kind::Status => {
            let state = solo.trunk.call_state(call).unwrap_or(0);
            Message { call_state: Ie::Is(state), cause: Ie::Is((Cause(98), Location(0))), ..base }
        }
        Kind::Information => Message { called: Ie::Is(number("5")), ..base },
        _ => base,
    }
}

fn told(events: &[Event]) -> String {
    let mut all = String::new();
    for event in events {
        let text = format!("{event:?}");
        let name = text.split([' ', '(']).next().unwrap_or_default();
        match event {
            Event::Released { cause, by, .. } => write!(all, " {name}({} {by:?})", cause.0).unwrap(),
            Event::ProtocolError { fault, .. } => {
                let fault = format!("{fault:?}");
                write!(all, " {}", fault.split('(').next().unwrap_or_default()).unwrap();
            }
            Event::Disconnecting { cause, inband, .. } => write!(all, " {name}({} {inband})", cause.0).unwrap(),
            _ => write!(all, " {name}").unwrap(),
        }
    }
    all
}

/// What became of the call, what was said and told; asserts that something was handled or counted.
#[track_caller]
fn outcome(solo: &mut Solo, call: CallId, act: impl FnOnce(&mut Solo)) -> String {
    let before = (solo.trunk.call_state(call), solo.trunk.counters().calls, solo.trunk.deadline());
    act(solo);
    let after = solo.trunk.call_state(call);
    let (heard, events) = (solo.hear(), solo.take());
    let counted = solo.trunk.counters().calls != before.1;
    let silent = heard.is_empty() && events.is_empty() && after == before.0;
    assert!(!silent || counted || solo.trunk.deadline() != before.2, "neither handled nor counted");
    let mut text = after.map_or("gone".to_string(), |state| state.to_string());
    for message in &heard {
        write!(text, ", says {}", message.kind.name()).unwrap();
        if let Some((cause, _)) = message.cause.value() {
            write!(text, " {}", cause.0).unwrap();
        }
    }
    text + &if events.is_empty() { String::new() } else { format!(", tells{}", told(&events)) }
        + if silent && counted { ", counted" } else { "" }
}

fn kinds() -> impl Iterator<Item = Kind> {
    Kind::ALL.iter().copied().chain([Kind::Unknown(0x55), Kind::Escape])
}

fn commands(call: CallId) -> Vec<(&'static str, Command)> {
    vec![
        ("SetupAck", Command::SetupAck(call)),
        ("Information", Command::Information(call, digits("7"))),
        ("Display", Command::Display(call, Text::try_from("x").unwrap())),
        ("Proceeding", Command::Proceeding(call)),
        ("Progress", Command::Progress(call)),
        ("Alerting", Command::Alerting(call, true)),
        ("Connect", Command::Connect(call)),
        ("Disconnect", Command::Disconnect(call, Cause::NORMAL)),
        ("DisconnectWithTones", Command::DisconnectWithTones(call, Cause::NORMAL)),
        ("Release", Command::Release(call, Cause::NORMAL)),
        ("Reject", Command::Reject(call, Cause::USER_BUSY)),
        ("StatusEnquiry", Command::StatusEnquiry(call)),
    ]
}

fn table() -> String {
    let mut table = String::new();
    for role in [Role::User, Role::Network] {
        for (name, placed, steps) in STATES {
            let (solo, call, _) = brought(role, *placed, steps);
            let number = solo.trunk.call_state(call);
            let side = if *placed { "caller" } else { "called" };
            writeln!(table, "\n{role:?}, {side}, {name} ({})", number.unwrap_or(0)).unwrap();
            let mut rows: BTreeMap<String, Vec<&str>> = BTreeMap::new();
            for kind in kinds() {
                let (mut solo, call, reference) = brought(role, *placed, steps);
                let message = sound(reference, kind, &solo, call);
                let outcome = outcome(&mut solo, call, |solo| solo.say(&message));
                rows.entry(outcome).or_default().push(kind.name());
            }
            for (outcome, kinds) in rows {
                writeln!(table, "  {}\n    -> {outcome}", kinds.join(", ")).unwrap();
            }
            let mut rows: BTreeMap<String, Vec<&str>> = BTreeMap::new();
            for (name, command) in commands(call) {
                let (mut solo, call, _) = brought(role, *placed, steps);
                let ends = matches!(
                    command,
                    Command::Disconnect(..)
                        | Command::DisconnectWithTones(..)
                        | Command::Release(..)
                        | Command::Reject(..)
                );
                let ending = ends && solo.trunk.call_state(call).is_some_and(|state| matches!(state, 11 | 12 | 19));
                let outcome = if ending {
                    solo.command(command); // hanging up twice is no error and not counted
                    solo.trunk.call_state(call).map_or("gone".to_string(), |state| state.to_string())
                } else {
                    outcome(&mut solo, call, |solo| solo.command(command))
                };
                rows.entry(outcome).or_default().push(name);
            }
            for (outcome, commands) in rows {
                writeln!(table, "  command {}\n    -> {outcome}", commands.join(", ")).unwrap();
            }
        }
    }
    table
}

#[test]
fn every_state_meets_every_message_and_command() {
    let table = table();
    if std::env::var_os("TIPRING_BLESS").is_some() {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/main/matrix.txt"), &table).unwrap();
        return;
    }
    let committed = include_str!("matrix.txt");
    for (line, (ours, theirs)) in table.lines().zip(committed.lines()).enumerate() {
        assert_eq!(ours, theirs, "line {} of matrix.txt", line + 1);
    }
    assert_eq!(table.lines().count(), committed.lines().count());
}

#[test]
fn every_state_survives_messages_without_elements_and_with_unknown_ones() {
    for role in [Role::User, Role::Network] {
        for (_, placed, steps) in STATES {
            for kind in kinds() {
                for tail in
                    [&[][..], &[0x05, 1, 0xFF], &[0x08, 9, 1], &[0x18, 0, 0x08, 0, 0x14, 0, 0x1E, 0], &[0x91, 0x99]]
                {
                    let (mut solo, call, reference) = brought(role, *placed, steps);
                    let flag = if reference.to_origin { 0x80 } else { 0 };
                    let [high, low] = reference.value.to_be_bytes();
                    let octets = [&[8, 2, high | flag, low, kind.octet()], tail].concat();
                    outcome(&mut solo, call, |solo| solo.say_octets(&octets));
                    // Whatever it was, the call can be ended.
                    solo.command(Command::Release(call, Cause::NORMAL));
                    solo.run_ms(60_000);
                    assert_eq!(solo.trunk.call_state(call), None, "{role:?} {placed} {kind:?} {tail:02x?}");
                }
            }
        }
    }
}

#[test]
fn every_state_has_a_defined_end_when_the_link_is_lost() {
    for role in [Role::User, Role::Network] {
        for (_, placed, steps) in STATES {
            let (mut solo, call, _) = brought(role, *placed, steps);
            solo.input(tipring_isdn::Input::LayerOneDown);
            solo.run_ms(91_000);
            let ends = solo.take().iter().filter(|event| is_release_of(event, call)).count();
            assert_eq!((ends, solo.trunk.call_count()), (1, 0));
        }
    }
}
