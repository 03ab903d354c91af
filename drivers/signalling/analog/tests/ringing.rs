//! Calls that ring, and how every call ends.

use tipring_analog::{CallerId, Command, Config, Event, Heard, Input, Listen, Output, Sign};
use tipring_card::{Event as LineEvent, Supervision};

use crate::support::*;

fn plain() -> Config {
    Config { caller_id: false, ..Config::default() }
}

fn incoming(caller: CallerId) -> Event {
    Event::Incoming { caller }
}

#[test]
fn a2_the_number_is_told_when_it_is_complete() {
    let mut bench = Bench::new(Config::default());
    bench.sees(LineEvent::RingBegin).puts(&[Output::Audio(true)]);
    bench.passes(2_050).sees(LineEvent::RingOffHook).puts(&[listen(Listen::CallerId)]);
    bench.passes(1_200).hears(Heard::CallerId(caller("3015550123")));
    bench.puts(&[listen(Listen::Off), event(incoming(caller("3015550123")))]).is("offered");
    assert_eq!(bench.line.record().caller_id, Some(ms(13_250)));
}

#[test]
fn a2_the_second_ring_is_offered_without_a_number() {
    let mut bench = Bench::new(Config::default());
    bench.rings().passes(3_950).hears(Heard::BadCallerId).tells(&[]);
    bench.sees(LineEvent::RingBegin).tells(&[incoming(CallerId::default())]);
    assert_eq!(bench.line.record().bad_caller_ids, 1);
    bench.hears(Heard::CallerId(caller("1"))).tells(&[]);
}

#[test]
fn a2_a_double_ring_is_one_ring() {
    let mut bench = Bench::new(Config::default());
    bench.sees(LineEvent::RingBegin).passes(450).sees(LineEvent::RingOffHook);
    bench.puts(&[Output::Audio(true), listen(Listen::CallerId)]);
    bench.passes(150).sees(LineEvent::RingBegin).puts(&[listen(Listen::Off)]);
    bench.passes(450).sees(LineEvent::RingOffHook).puts(&[listen(Listen::CallerId)]);
    bench.passes(900).hears(Heard::CallerId(caller("12"))).tells(&[incoming(caller("12"))]);
}

#[test]
fn a2_without_caller_id_it_is_offered_at_once() {
    Bench::new(plain()).sees(LineEvent::RingBegin).tells(&[incoming(CallerId::default())]).is("offered");
}

#[test]
fn a2_one_ring_alone_is_offered_after_a_limit_and_missed() {
    let mut bench = Bench::new(Config::default());
    bench.rings().passes(4_999).tells(&[]).passes(1).tells(&[incoming(CallerId::default())]);
    bench.passes(2_999).tells(&[]).passes(1);
    bench.puts(&[Output::Audio(false), event(Event::Missed), event(Event::Idle)]).is("idle");
}

#[test]
fn a2_the_end_of_a_burst_alone_is_a_ring_and_so_is_its_beginning() {
    let mut bench = Bench::new(Config::default());
    bench.sees(LineEvent::RingOffHook).puts(&[Output::Audio(true), listen(Listen::CallerId)]);
    bench.passes(5_000).tells(&[incoming(CallerId::default())]);
    // The next end: the ear begins afresh, as it has heard a burst.
    let mut bench = Bench::new(Config::default());
    bench.sees(LineEvent::RingOffHook).passes(3_000).outputs();
    bench.sees(LineEvent::RingOffHook).puts(&[listen(Listen::CallerId)]);
    let mut bench = Bench::new(Config::default());
    bench.sees(LineEvent::RingBegin).passes(7_000).tells(&[incoming(CallerId::default())]);
    bench.passes(1_000).tells(&[Event::Missed, Event::Idle]);
}

#[test]
fn a2_a_reversal_announces_caller_id_before_the_ring() {
    let mut bench = Bench::new(Config::default());
    bench.sees(LineEvent::Polarity).puts(&[Output::Audio(true), listen(Listen::CallerId)]);
    bench.passes(2_900).hears(Heard::CallerId(caller("07")));
    bench.sees(LineEvent::Polarity).passes(3_500).sees(LineEvent::RingBegin).tells(&[incoming(caller("07"))]);
    let mut bench = Bench::new(Config::default());
    bench.sees(LineEvent::Polarity).hears(Heard::CallerId(caller("07"))).outputs();
    bench.passes(4_000).puts(&[listen(Listen::Off), Output::Audio(false)]).is("idle");
    bench.rings().hears(Heard::CallerId(caller("9"))).tells(&[incoming(caller("9"))]);
    Bench::new(plain()).sees(LineEvent::Polarity).puts(&[]).is("idle");
    // Nobody rings: the line can be dialled.
    let mut bench = Bench::new(Config::default());
    bench.sees(LineEvent::Polarity).outputs();
    assert!(bench.line.is_idle());
    bench.commands(Command::Dial(digits("1"))).puts(&[listen(Listen::Off), START]);
}

#[test]
fn a2_a_short_pulse_of_ringing_announces_caller_id_before_the_ring() {
    let mut bench = Bench::new(Config::default());
    bench.sees(LineEvent::RingBegin).puts(&[Output::Audio(true)]);
    bench.passes(250).sees(LineEvent::RingOffHook).puts(&[listen(Listen::CallerId)]);
    bench.passes(1_100).hears(Heard::CallerId(caller("0401234567")));
    bench.puts(&[listen(Listen::Off), event(incoming(caller("0401234567")))]).is("offered");
    bench.passes(800).rings().tells(&[]).is("offered");
}

#[test]
fn every_ring_puts_off_the_missing() {
    let mut bench = Bench::new(plain());
    bench.rings().tells(&[incoming(CallerId::default())]);
    for _ in 0..10 {
        bench.passes(3_950).rings().tells(&[]);
    }
    bench.passes(7_999).tells(&[]).passes(1).tells(&[Event::Missed, Event::Idle]);
    assert_eq!(bench.line.record().bursts, 11);
}

#[test]
fn an_answer_moves_the_hook_and_is_told_when_it_was_not_refused() {
    let mut bench = Bench::new(plain());
    bench.sees(LineEvent::RingBegin).outputs();
    bench.commands(Command::Answer).puts(&[OFF_HOOK]).is("answering");
    bench.passes(20).puts(&[listen(Listen::Hangup), event(Event::Answered)]).is("in call");
    // The tail of the ring, a second answer, a battery drop's end: nothing.
    bench.sees(LineEvent::RingOffHook).commands(Command::Answer).sees(LineEvent::HookComplete).puts(&[]).is("in call");
    let mut bench = Bench::new(plain());
    bench.sees(LineEvent::RingBegin).commands(Command::Answer).outputs();
    bench.sees(LineEvent::HookComplete).tells(&[Event::Answered]).is("in call");
}

#[test]
fn a_ring_that_goes_on_after_the_answer_is_noted_and_changes_nothing() {
    let mut bench = Bench::new(plain());
    bench.sees(LineEvent::RingBegin).commands(Command::Answer).sees(LineEvent::RingOffHook).passes(20).outputs();
    bench.passes(3_900).sees(LineEvent::RingBegin).passes(2_000).sees(LineEvent::RingOffHook).puts(&[]).is("in call");
    assert_eq!(bench.line.counters().unexpected, 0);
    assert_eq!(bench.line.record().bursts, 2);
}

#[test]
fn a_refused_answer_ends_the_call() {
    let mut bench = Bench::new(plain());
    bench.sees(LineEvent::RingBegin).commands(Command::Answer).outputs();
    bench.does(Input::HookFailed).puts(&[ON_HOOK, Output::Audio(false), event(ended(41, Sign::Refused))]);
    bench.passes(2_000).tells(&[Event::Idle]);
    assert_eq!(bench.line.counters().hook_refused, 1);
    // A slow card refuses after we have told the answer.
    let mut bench = Bench::answered(Config::default());
    bench.does(Input::HookFailed).tells(&[ended(41, Sign::Refused)]);
}

#[test]
fn b17_every_sign_ends_an_answered_call_and_frees_the_line_after_a_rest() {
    let signs = [
        (Input::Line(LineEvent::OnHook), Sign::BatteryDrop),
        (Input::Heard(Heard::Busy), Sign::BusyTone),
        (Input::Heard(Heard::Congestion), Sign::CongestionTone),
        (Input::Heard(Heard::DialTone), Sign::DialTone),
        (Input::Command(Command::Hangup), Sign::Ours),
    ];
    let clears = |sign| [ON_HOOK, listen(Listen::Off), Output::Audio(false), event(ended(16, sign))];
    for (input, sign) in signs {
        let mut bench = Bench::answered(Config::default());
        bench.does(input.clone()).puts(&clears(sign)).is("clearing");
        bench.does(input).passes(1_999).puts(&[]).passes(1).tells(&[Event::Idle]).is("idle");
        assert_eq!(bench.line.record().hang_up.map(|h| h.1), Some(sign));
        bench.sees(LineEvent::RingBegin).tells(&[incoming(CallerId::default())]);
    }
    // What is no sign.
    let mut bench = Bench::answered(Config::default());
    bench.hears(Heard::Voice).hears(Heard::Silence(60_000)).hears(Heard::Ringback);
    bench.sees(LineEvent::WinkFlash).passes(3_600_000).puts(&[]).is("in call");
}

#[test]
fn b17_a_reversal_back_is_the_hang_up_and_a_bounce_is_not() {
    for way in ["in", "reversal", "voice", "dialled"] {
        let mut bench = match way {
            "in" => Bench::answered(Config::default()),
            "voice" => Bench::connected(Supervision::GuessedVoice),
            "dialled" => Bench::connected(Supervision::GuessedDialled),
            _ => Bench::dialled(tipring_analog::AnswerSign::Reversal),
        };
        // The answer's own reversal, and its bounce.
        bench.sees(LineEvent::Polarity).outputs();
        bench.passes(599).sees(LineEvent::Polarity).tells(&[]).is("in call");
        bench.passes(1).sees(LineEvent::Polarity).tells(&[ended(16, Sign::Reversal)]);
    }
    // But after a guess it is the answer at last.
    let mut bench = Bench::connected(Supervision::GuessedVoice);
    bench.passes(30_000).sees(LineEvent::Polarity).tells(&[]).is("in call");
}

#[test]
fn b17_a_call_that_ends_while_it_is_being_answered() {
    let mut bench = Bench::new(plain());
    bench.sees(LineEvent::RingBegin).commands(Command::Answer).sees(LineEvent::OnHook);
    bench.tells(&[incoming(CallerId::default()), ended(16, Sign::BatteryDrop)]);
    let mut bench = Bench::new(plain());
    bench.sees(LineEvent::RingBegin).commands(Command::Answer).commands(Command::Hangup);
    bench.tells(&[incoming(CallerId::default()), ended(16, Sign::Ours)]);
}

#[test]
fn b17_a_ring_that_nobody_wants_is_ignored_until_it_stops() {
    for config in [plain(), Config::default()] {
        let mut bench = Bench::new(config);
        bench.rings().outputs();
        bench.commands(Command::Hangup).is("ignored");
        assert_eq!(bench.outputs().last(), Some(&Output::Audio(false)));
        for _ in 0..5 {
            bench.passes(3_950).rings().hears(Heard::CallerId(caller("1"))).commands(Command::Answer);
            bench.commands(Command::Hangup).puts(&[]);
        }
        bench.passes(7_999).puts(&[]).passes(1).puts(&[event(Event::Idle)]).is("idle");
    }
}

#[test]
fn the_rest_is_never_shorter_than_the_card_needs_nor_longer_than_a_minute() {
    for (guard, length) in [(0, 2_000), (3_000, 3_000), (u64::MAX / 1_000, 60_000)] {
        let mut bench = Bench::answered(Config { guard: ms(guard), ..Config::default() });
        bench.commands(Command::Hangup).outputs();
        bench.passes(length - 1).tells(&[]).passes(1).tells(&[Event::Idle]);
    }
}

#[test]
fn a_ring_during_the_rest_is_offered_after_it() {
    let mut bench = Bench::answered(Config { guard: ms(5_000), ..Config::default() });
    bench.commands(Command::Hangup).outputs();
    bench.sees(LineEvent::RingOffHook).passes(3_000).sees(LineEvent::RingBegin).puts(&[]);
    bench.passes(2_000).tells(&[Event::Idle, incoming(CallerId::default())]).is("offered");
    // The end of a burst alone is the tail of the call before.
    let mut bench = Bench::answered(Config::default());
    bench.commands(Command::Hangup).sees(LineEvent::RingOffHook).outputs();
    bench.passes(2_000).tells(&[Event::Idle]).is("idle");
}

#[test]
fn a_refused_on_hook_is_asked_for_again_until_it_is_done() {
    let mut bench = Bench::answered(Config::default());
    bench.commands(Command::Hangup).outputs();
    for _ in 0..5 {
        bench.does(Input::HookFailed).passes(1_999).puts(&[]).passes(1).puts(&[ON_HOOK]);
    }
    bench.passes(2_000).puts(&[event(Event::Idle)]);
}

#[test]
fn a_lost_channel_is_told_once_and_may_come_back() {
    for lost in [Input::Lost, Input::Line(LineEvent::Removed)] {
        let mut bench = Bench::answered(Config::default());
        bench.does(lost.clone());
        bench.puts(&[listen(Listen::Off), Output::Audio(false), event(ended(27, Sign::Lost))]);
        bench.does(lost).passes(60_000).sees(LineEvent::RingBegin).commands(Command::Hangup).puts(&[]).is("lost");
        bench.commands(Command::Dial(digits("1"))).puts(&[event(ended(27, Sign::Lost))]);
        bench.does(Input::Opened).tells(&[Event::Idle]).rings().tells(&[incoming(CallerId::default())]);
    }
    Bench::new(plain()).does(Input::Lost).tells(&[ended(27, Sign::Lost)]);
}

#[test]
fn a_channel_that_is_opened_anew_has_lost_its_call() {
    let mut bench = Bench::answered(Config::default());
    bench.does(Input::Opened).tells(&[ended(27, Sign::Lost), Event::Idle]).is("idle");
    let mut bench = Bench::new(plain());
    bench.sees(LineEvent::RingBegin).outputs();
    bench.does(Input::Opened).tells(&[Event::Missed, Event::Idle]);
}

#[test]
fn a_line_without_battery_ends_its_call_and_dials_none() {
    let mut bench = Bench::answered(Config::default());
    bench.sees(LineEvent::Alarm).tells(&[ended(27, Sign::BatteryDrop)]).passes(2_000).tells(&[Event::Idle]);
    assert!(!bench.line.is_idle());
    bench.commands(Command::Dial(digits("1"))).puts(&[event(ended(27, Sign::BatteryDrop))]);
    bench.sees(LineEvent::AlarmCleared).commands(Command::Dial(digits("1"))).puts(&[START]);
}
