//! Calls that we dial: seizure, glare, dial tone, digits, and what is taken for the answer.

use tipring_analog::{AnswerSign, CallerId, Command, Config, Event, Heard, Input, Listen, Output, Sign};
use tipring_card::{Event as LineEvent, Hook, Micros, Supervision};

use crate::support::*;

fn dial(bench: &mut Bench) -> &mut Bench {
    bench.commands(Command::Dial(digits("5550123")))
}

/// Seized, and waiting for dial tone.
fn seized(config: Config) -> Bench {
    let mut bench = Bench::new(config);
    dial(&mut bench).passes(2_000).sees(LineEvent::HookComplete).outputs();
    bench
}

#[test]
fn digits_that_may_have_a_gap_end_the_call_on_hook_before_the_exchange_has_a_number() {
    let mut bench = Bench::new(Config::default());
    bench.commands(Command::Dial(digits("5550123"))).passes(2_000).sees(LineEvent::HookComplete);
    bench.hears(Heard::DialTone).outputs();
    bench.passes(600).hears(Heard::Broken);
    let outputs = bench.outputs();
    assert_eq!(outputs.first(), Some(&Output::Hook(Hook::OnHook)), "before all else: {outputs:?}");
    assert!(outputs.contains(&Output::Event(ended(41, Sign::BrokenDigits))), "{outputs:?}");
    bench.hears(Heard::Dialled).hears(Heard::Broken).puts(&[]).is("clearing");
}

#[test]
fn a_call_goes_out_step_by_step() {
    let mut bench = Bench::new(Config::default());
    dial(&mut bench).puts(&[START]).is("seizing");
    bench.passes(2_000).sees(LineEvent::HookComplete);
    bench.puts(&[Output::Audio(true), listen(Listen::DialTone)]).is("awaiting dial tone");
    bench.passes(600).hears(Heard::DialTone);
    bench.puts(&[listen(Listen::Off), Output::Send(digits("5550123"))]).is("dialling");
    bench.passes(1_400).hears(Heard::Dialled);
    bench.puts(&[event(Event::Dialled), listen(Listen::Progress)]).is("progress");
    bench.passes(3_000).hears(Heard::Ringback).passes(6_000).hears(Heard::Ringback).tells(&[Event::Ringback]);
    bench.passes(900).sees(LineEvent::Polarity);
    bench.puts(&[listen(Listen::Hangup), event(Event::Connected(Supervision::Reversal))]).is("in call");
    let record = bench.line.record();
    assert_eq!((record.off_hook, record.seized), (Some(ms(10_000)), Some(ms(12_000))));
    assert_eq!((record.dial_tone, record.dialled), (Some(ms(12_600)), Some(ms(14_000))));
    assert_eq!((record.ringback, record.answer.map(|a| a.0)), (Some(ms(17_000)), Some(ms(23_900))));
}

#[test]
fn without_dial_tone_the_call_fails_or_is_dialled_all_the_same() {
    let mut bench = seized(Config::default());
    bench.passes(4_999).tells(&[]).passes(1).tells(&[ended(27, Sign::NoDialTone)]).passes(2_000).tells(&[Event::Idle]);
    let mut bench = seized(Config { dial_anyway: true, ..Config::default() });
    bench.passes(5_000).puts(&[listen(Listen::Off), Output::Send(digits("5550123"))]);
    let mut bench = seized(Config { dial_tone_limit: Micros::ZERO, ..Config::default() });
    bench.hears(Heard::DialTone).passes(999).puts(&[]).passes(1).puts(&[Output::Send(digits("5550123"))]);
}

#[test]
fn a_seizure_that_is_refused_or_never_done_ends() {
    let mut bench = Bench::new(Config::default());
    dial(&mut bench).outputs();
    bench.does(Input::HookFailed).puts(&[ON_HOOK, event(ended(44, Sign::Refused))]).is("clearing");
    let mut bench = Bench::new(Config::default());
    dial(&mut bench).passes(4_999).tells(&[]).passes(1).tells(&[ended(44, Sign::Refused)]);
    let mut bench = Bench::new(Config::default());
    dial(&mut bench).sees(LineEvent::OnHook).tells(&[ended(27, Sign::BatteryDrop)]);
}

#[test]
fn digits_that_never_get_out_end_the_call() {
    let mut bench = seized(Config::default());
    bench.hears(Heard::DialTone).outputs();
    bench.passes(11_999).tells(&[]).passes(1).tells(&[ended(41, Sign::Refused)]);
}

#[test]
fn what_cannot_be_dialled_is_refused_and_moves_no_hook() {
    for bad in ["", "w", "12 3", "+49", "12a", "\u{661}\u{662}", "1\0"] {
        Bench::new(Config::default())
            .commands(Command::Dial(digits(bad)))
            .puts(&[event(ended(28, Sign::Refused))])
            .is("idle");
    }
    for good in ["1", "0w5550123", "*21#W9", "ABCD"] {
        Bench::new(Config::default()).commands(Command::Dial(digits(good))).puts(&[START]);
    }
}

#[test]
fn a_ringing_line_is_not_seized() {
    let mut bench = Bench::new(Config::default());
    bench.sees(LineEvent::RingBegin).outputs();
    dial(&mut bench).puts(&[event(ended(44, Sign::Glare))]).is("ringing");
    bench.passes(2_050).sees(LineEvent::RingOffHook).hears(Heard::CallerId(caller("9")));
    bench.tells(&[Event::Incoming { caller: caller("9") }]);
    dial(&mut bench).puts(&[event(ended(44, Sign::Glare))]).is("offered");
    bench.commands(Command::Hangup).outputs();
    dial(&mut bench).puts(&[event(ended(44, Sign::Glare))]).is("ignored");
}

#[test]
fn a_line_at_rest_or_in_a_call_is_not_seized() {
    let mut bench = Bench::answered(Config::default());
    dial(&mut bench).puts(&[]).is("in call");
    bench.commands(Command::Hangup).outputs();
    dial(&mut bench).puts(&[event(ended(44, Sign::Refused))]).is("clearing");
    let mut closed = tipring_analog::Fxo::new(Config::default());
    closed.handle(ms(0), Input::Command(Command::Dial(digits("1"))));
    assert_eq!(closed.poll(), Some(event(ended(27, Sign::Lost))));
}

#[test]
fn a_ring_that_meets_the_seizure_is_answered_by_it() {
    let wait = Config { dial_tone_limit: Micros::ZERO, ..Config::default() };
    let met = [Event::Glare, Event::Incoming { caller: CallerId::default() }];
    for (config, seized) in [(Config::default(), false), (Config::default(), true), (wait, true)] {
        let mut bench = Bench::new(config);
        dial(&mut bench).passes(100);
        if seized {
            bench.passes(1_900).sees(LineEvent::HookComplete);
        }
        bench.outputs();
        bench.sees(LineEvent::RingBegin);
        let told = bench.outputs();
        assert!(!told.iter().any(|output| matches!(output, Output::Hook(_))), "the caller is let down: {told:?}");
        assert_eq!(told.first(), Some(&event(Event::Glare)));
        assert!(told.ends_with(&[Output::Listen(Listen::Hangup), event(met[1].clone())]), "{told:?}");
        assert!(seized || told.contains(&Output::Audio(true)));
        // What the card still tells of seizure and ring changes nothing; the answer moves no hook.
        bench.sees(LineEvent::HookComplete).sees(LineEvent::RingOffHook).passes(6_000).puts(&[]).is("met");
        bench.commands(Command::Answer).puts(&[event(Event::Answered)]).is("in call");
        bench.sees(LineEvent::OnHook).tells(&[ended(16, Sign::BatteryDrop)]);
    }
}

#[test]
fn a_caller_met_by_the_seizure_who_goes_is_missed() {
    let signs = [
        Input::Line(LineEvent::OnHook),
        Input::Heard(Heard::Busy),
        Input::Heard(Heard::Congestion),
        Input::Heard(Heard::DialTone),
    ];
    for sign in signs {
        let mut bench = Bench::new(Config::default());
        dial(&mut bench).sees(LineEvent::RingBegin).outputs();
        bench.does(sign).puts(&[ON_HOOK, Output::Listen(Listen::Off), Output::Audio(false), event(Event::Missed)]);
        bench.is("clearing").passes(2_000).puts(&[event(Event::Idle)]);
    }
    // Nobody wants him, or nobody says so for a minute.
    let mut bench = Bench::new(Config::default());
    dial(&mut bench).sees(LineEvent::RingBegin).outputs();
    bench.commands(Command::Hangup).puts(&[ON_HOOK, Output::Listen(Listen::Off), Output::Audio(false)]);
    bench.passes(2_000).puts(&[event(Event::Idle)]);
    dial(&mut bench).sees(LineEvent::RingBegin).outputs();
    bench.passes(60_000).tells(&[Event::Missed]).is("clearing");
}

#[test]
fn after_dial_tone_a_ring_event_is_noise() {
    let mut bench = seized(Config::default());
    bench.hears(Heard::DialTone).outputs();
    bench.sees(LineEvent::RingOffHook).sees(LineEvent::RingBegin).puts(&[]).is("dialling");
    bench.hears(Heard::Dialled).sees(LineEvent::RingBegin).tells(&[Event::Dialled]).is("progress");
}

#[test]
fn a_refused_seizure_that_met_a_ring_lets_it_ring_on() {
    let mut bench = Bench::new(Config::default());
    dial(&mut bench).sees(LineEvent::RingBegin).outputs();
    bench.does(Input::HookFailed).puts(&[ON_HOOK, Output::Listen(Listen::Off)]).is("offered");
    bench.commands(Command::Answer).puts(&[OFF_HOOK]);
}

#[test]
fn a16_a_reversal_is_the_answer_and_those_of_the_seizure_are_not() {
    for answer in [AnswerSign::Reversal, AnswerSign::Voice] {
        let mut bench = Bench::new(answering_by(answer));
        dial(&mut bench).passes(100).sees(LineEvent::Polarity).passes(1_900).sees(LineEvent::HookComplete);
        bench.sees(LineEvent::Polarity).hears(Heard::DialTone).sees(LineEvent::Polarity).hears(Heard::Dialled);
        bench.tells(&[Event::Dialled]).is("progress");
        bench.sees(LineEvent::Polarity).tells(&[Event::Connected(Supervision::Reversal)]);
        assert_eq!(bench.line.record().reversals, 4);
    }
}

#[test]
fn a16_by_reversal_alone_nothing_is_guessed() {
    let mut bench = Bench::dialled(AnswerSign::Reversal);
    bench.hears(Heard::Ringback).hears(Heard::Voice);
    for s in 1..60 {
        bench.passes(1_000).hears(Heard::Silence(s * 1_000));
    }
    bench.tells(&[Event::Ringback]).is("progress");
}

#[test]
fn a16_a_voice_is_taken_for_the_answer() {
    for rings in 0..3 {
        let mut bench = Bench::dialled(AnswerSign::Voice);
        for _ in 0..rings {
            bench.passes(6_000).hears(Heard::Ringback);
        }
        bench.outputs();
        bench.passes(900).hears(Heard::Voice);
        bench.puts(&[listen(Listen::Hangup), event(Event::Connected(Supervision::GuessedVoice))]);
    }
}

#[test]
fn a16_silence_is_taken_for_the_answer_only_after_ringback() {
    let mut bench = Bench::dialled(AnswerSign::Voice);
    bench.hears(Heard::Silence(60_000)).tells(&[]);
    bench.hears(Heard::Ringback).hears(Heard::Silence(6_599)).tells(&[Event::Ringback]);
    bench.hears(Heard::Silence(6_600)).tells(&[Event::Connected(Supervision::GuessedSilence)]);
}

#[test]
fn a16_the_end_of_dialling_does_where_it_is_to_do() {
    let mut bench = seized(answering_by(AnswerSign::Dialled));
    bench.hears(Heard::DialTone).hears(Heard::Dialled);
    bench.tells(&[Event::Dialled, Event::Connected(Supervision::GuessedDialled)]).is("in call");
}

#[test]
fn a31_what_the_network_says_has_its_cause() {
    let said = [
        (Input::Heard(Heard::Busy), 17, Sign::BusyTone),
        (Input::Heard(Heard::Congestion), 34, Sign::CongestionTone),
        (Input::Heard(Heard::Information), 1, Sign::InformationTone),
        (Input::Heard(Heard::DialTone), 41, Sign::DialTone),
        (Input::Line(LineEvent::OnHook), 41, Sign::BatteryDrop),
        (Input::Command(Command::Hangup), 16, Sign::Ours),
    ];
    for answer in [AnswerSign::Reversal, AnswerSign::Voice] {
        for (input, cause, sign) in &said {
            let mut bench = Bench::dialled(answer);
            bench.does(input.clone());
            let off = [ON_HOOK, listen(Listen::Off), Output::Audio(false), event(ended(*cause, *sign))];
            bench.puts(&off).passes(2_000).tells(&[Event::Idle]);
        }
    }
}

#[test]
fn a31_nobody_answers() {
    let mut bench = Bench::dialled(AnswerSign::Reversal);
    bench.hears(Heard::Ringback).passes(299_999).tells(&[Event::Ringback]);
    bench.passes(1).tells(&[ended(19, Sign::Ours)]);
    let mut bench = Bench::dialled(AnswerSign::Reversal);
    bench.hears(Heard::Ringback).passes(180_000).sees(LineEvent::OnHook);
    bench.tells(&[Event::Ringback, ended(19, Sign::BatteryDrop)]);
}

#[test]
fn b17_a_dialled_call_can_be_given_up_at_any_moment() {
    let steps: [&dyn Fn(&mut Bench); 6] = [
        &|_| {},
        &|bench| _ = bench.sees(LineEvent::HookComplete),
        &|bench| _ = bench.hears(Heard::DialTone),
        &|bench| _ = bench.hears(Heard::Dialled),
        &|bench| _ = bench.hears(Heard::Ringback),
        &|bench| _ = bench.hears(Heard::Voice),
    ];
    for last in 0..steps.len() {
        let mut bench = Bench::new(Config::default());
        dial(&mut bench);
        steps[..=last].iter().for_each(|step| step(&mut bench));
        bench.outputs();
        bench.commands(Command::Hangup);
        let told = bench.outputs();
        assert_eq!((told.first(), told.last()), (Some(&ON_HOOK), Some(&event(ended(16, Sign::Ours)))));
        bench.passes(2_000).tells(&[Event::Idle]).is("idle");
    }
}
