//! Every state against every input: nothing panics, and what must hold after any step holds.

use tipring_analog::{AnswerSign, CallerId, Command, Config, Fxo, Heard, Input, Level, Output};
use tipring_card::{Event as LineEvent, Hook, Micros};

use crate::support::*;

pub fn inputs() -> Vec<Input> {
    let lines = [
        LineEvent::OnHook,
        LineEvent::RingOffHook,
        LineEvent::WinkFlash,
        LineEvent::Alarm,
        LineEvent::AlarmCleared,
        LineEvent::DialComplete,
        LineEvent::HookComplete,
        LineEvent::BitsChanged,
        LineEvent::Polarity,
        LineEvent::RingBegin,
        LineEvent::Removed,
        LineEvent::Other(19),
    ];
    let heard = [
        Heard::CallerId(CallerId::default()),
        Heard::CallerId(caller("1")),
        Heard::BadCallerId,
        Heard::MessageWaiting(true),
        Heard::DialTone,
        Heard::Dialled,
        Heard::Ringback,
        Heard::Busy,
        Heard::Congestion,
        Heard::Information,
        Heard::Howler,
        Heard::Voice,
        Heard::Silence(0),
        Heard::Silence(u32::MAX),
        Heard::BothSilent(0),
        Heard::BothSilent(u32::MAX),
        Heard::Level(Level { from_line: -96, to_line: 3 }),
    ];
    let commands = [
        Command::Answer,
        Command::Dial(digits("12w3")),
        Command::Dial(digits("")),
        Command::Hangup,
        Command::SilenceCounts(true),
        Command::SilenceCounts(false),
    ]
    .map(Input::Command);
    let mut all = vec![Input::Opened, Input::HookFailed, Input::Lost, Input::Timer];
    all.extend(lines.map(Input::Line));
    all.extend(heard.map(Input::Heard));
    all.extend(commands);
    all
}

/// A way into every state.
fn ways() -> Vec<(&'static str, Vec<Input>)> {
    let ring = Input::Line(LineEvent::RingBegin);
    let dial = Input::Command(Command::Dial(digits("123")));
    let seized = Input::Line(LineEvent::HookComplete);
    let known = Input::Heard(Heard::CallerId(caller("1")));
    let (answer, hang_up) = (Input::Command(Command::Answer), Input::Command(Command::Hangup));
    let tone = Input::Heard(Heard::DialTone);
    let out = Input::Heard(Heard::Dialled);
    let open = Input::Opened;
    vec![
        ("closed", vec![]),
        ("idle", vec![open.clone()]),
        ("forewarned", vec![open.clone(), Input::Line(LineEvent::Polarity)]),
        ("ringing", vec![open.clone(), ring.clone()]),
        ("offered", vec![open.clone(), ring.clone(), known.clone()]),
        ("ignored", vec![open.clone(), ring.clone(), hang_up.clone()]),
        ("answering", vec![open.clone(), ring.clone(), known.clone(), answer.clone()]),
        ("met", vec![open.clone(), dial.clone(), ring.clone()]),
        ("in call", vec![open.clone(), ring, known, answer, seized.clone()]),
        ("seizing", vec![open.clone(), dial.clone()]),
        ("awaiting dial tone", vec![open.clone(), dial.clone(), seized.clone()]),
        ("dialling", vec![open.clone(), dial.clone(), seized.clone(), tone.clone()]),
        ("progress", vec![open.clone(), dial.clone(), seized.clone(), tone, out]),
        ("clearing", vec![open.clone(), dial, seized, hang_up]),
        ("lost", vec![open, Input::Lost]),
    ]
}

fn line(config: &Config, way: &[Input]) -> Fxo {
    let mut line = Fxo::new(config.clone());
    for input in way {
        line.handle(Micros::from_s(1), input.clone());
        while line.poll().is_some() {}
    }
    line
}

const OFF_HOOK_STATES: [&str; 8] =
    ["met", "answering", "in call", "seizing", "awaiting dial tone", "pausing", "dialling", "progress"];

#[test]
fn every_state_takes_every_input() {
    let mut pairs = 0;
    for answer in [AnswerSign::Reversal, AnswerSign::Voice, AnswerSign::Dialled] {
        let config = answering_by(answer);
        for (state, way) in ways() {
            if state == "progress" && answer == AnswerSign::Dialled {
                continue;
            }
            assert_eq!(line(&config, &way).state(), state);
            for input in inputs() {
                for now in [Micros::ZERO, Micros::from_ms(1_001), Micros::from_s(9), Micros(u64::MAX)] {
                    let mut line = line(&config, &way);
                    let was_off = OFF_HOOK_STATES.contains(&state);
                    line.handle(now, input.clone());
                    let outputs: Vec<Output> = std::iter::from_fn(|| line.poll()).collect();
                    assert_eq!(line.counters().overruns, 0);
                    let is_off = OFF_HOOK_STATES.contains(&line.state());
                    let hook = outputs.iter().rev().find_map(|o| match o {
                        Output::Hook(hook) => Some(*hook != Hook::OnHook),
                        _ => None,
                    });
                    let gone = line.state() == "lost" || input == Input::Opened;
                    assert!(gone || hook.unwrap_or(was_off) == is_off, "{state} {input:?} {now:?}: {outputs:?}");
                    pairs += 1;
                }
            }
        }
    }
    assert_eq!(pairs, (3 * 15 - 1) * 39 * 4);
}

#[test]
fn every_state_but_rest_and_a_call_has_a_way_out_by_itself() {
    for (state, way) in ways() {
        let mut line = line(&Config::default(), &way);
        for _ in 0..20 {
            let Some(at) = line.deadline() else { break };
            line.handle(at, Input::Timer);
            while line.poll().is_some() {}
        }
        let rests = ["closed", "idle", "in call", "lost"];
        assert_eq!(
            line.state(),
            if rests.contains(&state) {
                state
            } else if state == "answering" {
                "in call"
            } else {
                "idle"
            }
        );
    }
}
