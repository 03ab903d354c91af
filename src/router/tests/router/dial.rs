//! Dial: two legs and a bridge, every outcome, several targets, the number shown; and that nothing of it stays.

use tipring_card::{Cause, Supervision};
use tipring_resources::{CallStatus, Direction, RecordingStatus};
use tipring_router::{Effect, Event, LineCommand, LineEvent, SwitchCommand};
use tipring_switch::Port;

use crate::bench::*;

/// A caller whose document is this Dial, with an action.
fn dialling(attributes: &str, inner: &str) -> (Bench, Port) {
    let mut bench = Bench::with(&format!("<Dial action='/done' {attributes}>{inner}</Dial>"));
    bench.app("http://app.test/done", &[xml("<Say>done</Say>")]);
    bench.app("http://app.test/status", &[App::Says("", String::new())]);
    let lease = bench.rings();
    (bench, lease)
}

fn number_of(number: &str) -> String {
    format!("<Number>{number}</Number>")
}

/// What the action was told: status and whether there was a bridge.
#[track_caller]
fn told(bench: &Bench) -> (String, String) {
    let done = bench.requests.iter().find(|(_, request)| request.url.ends_with("/done")).expect("the action was asked");
    let get = |name| value(&done.1, name).unwrap_or_default().to_owned();
    (get("DialCallStatus"), get("DialBridged"))
}

#[test]
fn b11_a_dialled_leg_is_bridged_to_the_caller() {
    let (mut bench, caller) = dialling("", BOB);
    bench.wait_ms(1_000);
    let parent = bench.call_to("100");
    let child = bench.call_to(BOB);
    assert_eq!(
        (child.parent, child.direction, child.status),
        (Some(parent.sid), Direction::OutboundDial, CallStatus::Ringing)
    );
    assert_eq!(child.from, "+12025550100");
    assert_eq!(parent.status, CallStatus::InProgress, "the caller is answered first");
    bench.wait_ms(1_500);
    let callee = bench.lease_to(BOB);
    assert!(bench.are_bridged(caller, callee));
    assert_eq!(bench.words(), ["ringback us"]);
    bench.wait_ms(10_000);
    bench.hangs_up(callee);
    assert!(bench.connected.is_empty(), "at once");
    bench.run_out();
    assert_eq!(told(&bench), ("completed".into(), "true".into()));
    let done = bench.request(1).clone();
    assert_eq!(value(&done, "DialCallSid"), Some(child.sid.to_string().as_str()));
    assert_eq!(value(&done, "DialCallDuration"), Some("11"));
    assert_eq!((value(&done, "CallStatus"), value(&done, "ParentCallSid")), (Some("in-progress"), None));
    assert_eq!(bench.words(), ["ringback us", "done"]);
    assert_eq!(bench.call_to(BOB).status, CallStatus::Completed);

    // The caller hangs up: the called leg is cleared, and the action still hears of it.
    let (mut bench, caller) = dialling("", BOB);
    bench.wait_ms(5_000);
    bench.hangs_up(caller);
    assert!(bench.connected.is_empty());
    assert_eq!(bench.cleared(), [16]);
    bench.run_out();
    assert_eq!(told(&bench), ("completed".into(), "true".into()));
    let done = bench.request(1);
    assert_eq!((value(done, "CallStatus"), done.purpose), (Some("completed"), tipring_router::Purpose::Callback));
    assert_eq!(bench.words(), ["ringback us"]);
    assert_eq!(bench.router.live_calls().count(), 0);
}

#[test]
fn b12_every_outcome_has_its_word_and_without_an_action_the_next_verb_runs() {
    for (far_end, wanted, code) in [
        (FarEnd { cleared_ms: Some((5_000, 16)), ..FarEnd::answers(2_000) }, ("completed", "true"), None),
        (FarEnd::refuses(300, 17), ("busy", "false"), None),
        (FarEnd::rings(), ("no-answer", "false"), None),
        (FarEnd::refuses(300, 19), ("no-answer", "false"), None),
        (FarEnd::refuses(300, 1), ("failed", "false"), None),
        (FarEnd::no_line(34, true), ("failed", "false"), Some(13224)),
        (FarEnd { seized_ms: None, ..FarEnd::rings() }, ("failed", "false"), Some(13224)),
    ] {
        let (mut bench, _) = dialling("timeout='10'", BOB);
        bench.far_end(BOB, far_end.clone());
        bench.run_out();
        let (status, bridged) = told(&bench);
        assert_eq!((status.as_str(), bridged.as_str()), wanted, "{far_end:?}");
        assert_eq!(bench.codes(), code.into_iter().collect::<Vec<_>>(), "{far_end:?}");
        assert_eq!(bench.words().last(), Some(&"done"));

        let mut bench = Bench::with(&format!("<Dial timeout='10'>{BOB}</Dial><Say>next</Say>"));
        bench.far_end(BOB, far_end);
        bench.rings();
        bench.run_out();
        assert_eq!(bench.words().last(), Some(&"next"));
        assert_eq!(bench.asked(), [APP]);
    }

    // How long it rings, and how long they speak.
    let (mut bench, _) = dialling("timeout='10' timeLimit='60'", BOB);
    bench.run_out();
    let child = bench.call_to(BOB);
    assert_eq!(child.duration_s(), Some(60));
    assert_eq!(told(&bench), ("completed".into(), "true".into()));
    let (mut bench, _) = dialling("timeout='10'", BOB);
    bench.far_end(BOB, FarEnd::rings());
    bench.run_out();
    let child = bench.call_to(BOB);
    let rang = child.started.zip(child.ended).map(|(started, ended)| (ended.0 - started.0) / 1_000_000);
    assert_eq!((rang, child.status), (Some(10), CallStatus::NoAnswer));
}

#[test]
fn b13_the_first_to_answer_is_bridged_and_the_others_stop_within_a_second() {
    let (mut bench, caller) = dialling("", &(number_of(BOB) + &number_of(EVE)));
    bench.far_end(BOB, FarEnd::rings());
    bench.far_end(EVE, FarEnd::answers(4_000));
    bench.wait_ms(3_000);
    assert_eq!(bench.orders().len(), 2, "both at once");
    bench.wait_ms(1_100);
    assert!(bench.are_bridged(caller, bench.lease_to(EVE)));
    assert_eq!((bench.call_to(BOB).status, bench.call_to(EVE).status), (CallStatus::Canceled, CallStatus::InProgress));
    bench.hangs_up(bench.lease_to(EVE));
    bench.run_out();
    assert_eq!(told(&bench), ("completed".into(), "true".into()));
    assert_eq!(value(bench.request(1), "DialCallSid"), Some(bench.call_to(EVE).sid.to_string().as_str()));

    // In turn: the next one when the one before has not answered.
    let (mut bench, caller) = dialling("sequential='true' timeout='5'", &(number_of(BOB) + &number_of(EVE)));
    bench.far_end(BOB, FarEnd::rings());
    bench.far_end(EVE, FarEnd::answers(2_000));
    bench.wait_ms(4_000);
    assert_eq!(bench.orders().len(), 1);
    bench.wait_ms(4_000);
    assert!(bench.are_bridged(caller, bench.lease_to(EVE)));
    assert_eq!(bench.call_to(BOB).status, CallStatus::NoAnswer);
    bench.hangs_up(caller);
    bench.run_out();
    assert_eq!(bench.router.live_calls().count(), 0);

    // Of several that do not answer the nearest counts, of several in turn the last.
    let (mut bench, _) = dialling("timeout='5'", &(number_of(BOB) + &number_of(EVE)));
    bench.far_end(BOB, FarEnd::rings());
    bench.far_end(EVE, FarEnd::refuses(100, 17));
    bench.run_out();
    assert_eq!(told(&bench).0, "no-answer");
    let (mut bench, _) = dialling("sequential='true' timeout='5'", &(number_of(BOB) + &number_of(EVE)));
    bench.far_end(BOB, FarEnd::rings());
    bench.far_end(EVE, FarEnd::refuses(100, 17));
    bench.run_out();
    assert_eq!(told(&bench).0, "busy");
}

/// Two answers in one moment: one is bridged, the other one cleared.
#[test]
fn b13_two_who_answer_at_once_are_not_both_bridged() {
    let (mut bench, caller) = dialling("", &(number_of(BOB) + &number_of(EVE)));
    bench.run_out_to_answer();
    assert!(bench.are_bridged(caller, bench.lease_to(BOB)));
    assert_eq!(bench.call_to(EVE).status, CallStatus::Canceled);
    assert_eq!(bench.bridges.len(), 2);
    bench.hangs_up(caller);
    bench.run_out();
    assert!(bench.connected.is_empty());
}

#[test]
fn b14_the_number_shown_is_the_callers_or_a_verified_one() {
    let shown = |attributes: &str| {
        let (mut bench, _) = dialling(attributes, BOB);
        bench.run_out();
        (bench.orders().first().map(|order| order.from.clone()), bench.codes(), told(&bench).0)
    };
    assert_eq!(shown(""), (Some("+12025550100".into()), vec![], "completed".into()));
    assert_eq!(shown(&format!("callerId='{SHOWN}'")), (Some(SHOWN.into()), vec![], "completed".into()));
    assert_eq!(shown("callerId='100'"), (Some("100".into()), vec![], "completed".into()), "another party's");
    assert_eq!(shown("callerId='+12025550000'"), (None, vec![13214], "failed".into()));

    let mut bench = Bench::with(&format!("<Dial>{BOB}</Dial>"));
    let hidden = line_number("2025550100", tipring_numbering::TypeOfNumber::National, true);
    bench.rings_from("100", Some(hidden), Some("Ann Example"));
    bench.run_out();
    let order = bench.orders()[0].clone();
    assert_eq!((order.from.as_str(), order.restricted, order.name.as_str()), ("", true, ""));
    assert_eq!(bench.call_to(BOB).from, "anonymous");
    assert!(!bench.transcript().contains("5550100"), "a withheld number goes nowhere");
}

#[test]
fn b14_what_cannot_be_called_is_said() {
    for (target, code) in
        [("<Number>hello</Number>", 13223), ("<Number>+442079460000</Number>", 13227), ("<Sip>sip:a@b</Sip>", 13224)]
    {
        let (mut bench, _) = dialling("", target);
        bench.run_out();
        assert!(bench.codes().contains(&code), "{target}: {:?}", bench.codes());
        assert_eq!((told(&bench), bench.orders().len()), (("failed".into(), "false".into()), 0), "{target}");
    }
    // Help may be called under any number.
    let (mut bench, _) = dialling("callerId='+12025550000'", "911");
    bench.run_out();
    assert_eq!((bench.orders()[0].emergency, bench.orders()[0].from.as_str()), (true, "+12025550100"));
}

#[test]
fn b22_the_failure_of_any_action_is_told_with_the_next_request() {
    let mut bench = Bench::with("<Play>/gone.wav</Play><Redirect>/next</Redirect>");
    bench.app("http://app.test/next", &[xml("")]);
    bench.sound("gone", SoundIs::Broken(13420));
    bench.rings();
    bench.run_out();
    assert_eq!(value(bench.request(1), "LastErrorCode"), Some("13420"));
    // A Dial tells its own.
    let (mut bench, _) = dialling("", BOB);
    bench.far_end(BOB, FarEnd::refuses(10, 1));
    bench.run_out();
    assert_eq!(told(&bench).0, "failed");
    let (mut bench, _) = dialling("callerId='+12025550000'", BOB);
    bench.run_out();
    assert_eq!(value(bench.request(1), "LastErrorCode"), Some("13214"));
}

#[test]
fn the_caller_hears_the_far_end_before_the_answer_or_a_countrys_ringback() {
    let early = FarEnd { early_ms: Some(500), ..FarEnd::answers(4_000) };
    let (mut bench, caller) = dialling("", BOB);
    bench.far_end(BOB, early.clone());
    bench.wait_ms(1_500);
    let callee = bench.lease_to(BOB);
    assert!(bench.connected.contains(&(caller, callee)) && !bench.connected.contains(&(callee, caller)), "one way");
    assert_eq!(bench.words(), ["ringback us"], "until then");
    bench.wait_ms(4_000);
    assert!(bench.are_bridged(caller, callee));

    let (mut bench, _) = dialling("ringTone='us'", BOB);
    bench.far_end(BOB, early.clone());
    bench.wait_ms(1_500);
    assert!(bench.connected.is_empty());

    // Two that can be heard: ringback, until one of them is alone.
    let (mut bench, caller) = dialling("", &(number_of(BOB) + &number_of(EVE)));
    bench.far_end(BOB, early.clone());
    bench.far_end(EVE, FarEnd { early_ms: Some(500), ..FarEnd::refuses(2_000, 17) });
    bench.wait_ms(1_500);
    assert!(bench.connected.is_empty());
    bench.wait_ms(1_000);
    assert_eq!(bench.connected.iter().collect::<Vec<_>>(), [&(caller, bench.lease_to(BOB))]);

    // In turn: the ringback comes back.
    let (mut bench, caller) = dialling("sequential='true'", &(number_of(BOB) + &number_of(EVE)));
    bench.far_end(BOB, FarEnd { early_ms: Some(100), ..FarEnd::refuses(2_000, 17) });
    bench.far_end(EVE, FarEnd::rings());
    bench.wait_ms(4_000);
    assert!(bench.connected.is_empty());
    bench.hangs_up(caller);
    bench.run_out();
    assert_eq!(bench.words(), ["ringback us", "ringback us"]);
    assert_eq!(bench.cleared(), [16]);
}

#[test]
fn the_caller_may_be_answered_only_by_the_bridge() {
    let (mut bench, caller) = dialling("answerOnBridge='true'", BOB);
    bench.wait_ms(1_900);
    assert!(!bench.was_answered() && bench.words().is_empty());
    bench.wait_ms(600);
    assert!(bench.was_answered() && bench.are_bridged(caller, bench.lease_to(BOB)));

    let (mut bench, caller) = dialling("answerOnBridge='true'", BOB);
    bench.wait_ms(1_000);
    bench.hangs_up(caller);
    bench.run_out();
    assert_eq!((bench.call_to("100").status, bench.call_to(BOB).status), (CallStatus::Canceled, CallStatus::Canceled));
    assert_eq!(bench.cleared(), [16], "the one who still rang");

    let (mut bench, _) = dialling("answerOnBridge='true'", BOB);
    bench.far_end(BOB, FarEnd::refuses(100, 17));
    bench.run_out();
    assert_eq!(told(&bench).0, "busy");
    assert_eq!(value(bench.request(1), "CallStatus"), Some("ringing"), "and he is not answered for that");
}

#[test]
fn keys_are_sent_to_the_called_leg_before_the_bridge_and_a_star_ends_it() {
    let (mut bench, caller) = dialling("hangupOnStar='true'", &format!("<Number sendDigits='12'>{BOB}</Number>"));
    bench.wait_ms(2_200);
    assert!(bench.bridges.is_empty() && bench.call_to(BOB).answered.is_some());
    bench.wait_ms(500);
    assert!(bench.are_bridged(caller, bench.lease_to(BOB)));
    assert!(bench.words().contains(&"12"));
    bench.presses(caller, "1*");
    assert!(bench.connected.is_empty());
    bench.run_out();
    assert_eq!(told(&bench), ("completed".into(), "true".into()));
    assert_eq!(bench.words().last(), Some(&"done"));

    // The caller hangs up while keys are sent: nor bridged either.
    let (mut bench, caller) = dialling("", &format!("<Number sendDigits='12345'>{BOB}</Number>"));
    bench.wait_ms(2_200);
    bench.hangs_up(caller);
    bench.run_out();
    assert_eq!(told(&bench), ("completed".into(), "false".into()));

    // He hangs up while keys are sent: answered, but never bridged.
    let (mut bench, _) = dialling("", &format!("<Number sendDigits='12345'>{BOB}</Number>"));
    bench.far_end(BOB, FarEnd { cleared_ms: Some((2_100, 16)), ..FarEnd::answers(2_000) });
    bench.run_out();
    assert_eq!(told(&bench), ("completed".into(), "false".into()));

    // While it rings: nobody else is called.
    let two = number_of(EVE) + &number_of(BOB);
    let (mut bench, caller) = dialling("hangupOnStar='true' sequential='true'", &two);
    bench.far_end(EVE, FarEnd::rings());
    bench.wait_ms(3_000);
    bench.presses(caller, "*");
    bench.run_out();
    assert_eq!((told(&bench).0.as_str(), bench.orders().len()), ("canceled", 1));

    let (mut bench, caller) = dialling("", BOB);
    bench.wait_ms(3_000);
    bench.presses(caller, "*");
    assert!(bench.are_bridged(caller, bench.lease_to(BOB)));
}

#[test]
fn a_star_in_the_document_of_a_called_party_cancels_it() {
    let (mut bench, caller) = dialling("hangupOnStar='true'", &format!("<Number url='/screen'>{BOB}</Number>"));
    bench.app("http://app.test/screen", &[xml("<Say>press one</Say><Pause length='9'/>")]);
    bench.wait_ms(2_500);
    bench.presses(caller, "*");
    bench.wait_ms(500);
    assert_eq!(told(&bench), ("canceled".into(), "false".into()), "{:#?}", bench.lines());
    assert!(bench.call_to(BOB).ended.is_some() && bench.bridges.is_empty());
    bench.run_out();
    assert_eq!(bench.words().last(), Some(&"done"));
}

#[test]
fn a_bridge_is_recorded() {
    for (record, channels, both) in
        [("record-from-answer", 1, true), ("record-from-answer-dual", 2, false), ("record-from-ringing", 1, true)]
    {
        let attributes = format!("record='{record}' recordingStatusCallback='/status'");
        let (mut bench, caller) = dialling(&attributes, BOB);
        bench.wait_ms(1_000);
        assert_eq!(bench.has_open_recording(), record.contains("ringing"));
        bench.wait_ms(5_000);
        let taps: Vec<_> = bench
            .log
            .iter()
            .filter_map(|(_, effect)| match effect {
                Effect::Switch(SwitchCommand::Tap { port, both, .. }) => Some((*port, *both)),
                Effect::Switch(SwitchCommand::TapHeard { port, .. }) => Some((*port, true)),
                _ => None,
            })
            .collect();
        assert_eq!(taps[0], (caller, both), "the caller is the first channel");
        assert_eq!(taps.len(), channels);
        bench.hangs_up(bench.lease_to(BOB));
        bench.run_out();
        let done = bench.requests.iter().find(|(_, request)| request.url.ends_with("/done")).expect("asked").1.clone();
        assert!(value(&done, "RecordingUrl").is_some() && value(&done, "RecordingDuration") == Some("4"));
        let last = bench.recordings()[1];
        assert_eq!((last.status, usize::from(last.channels)), (RecordingStatus::Completed, channels));
        assert_eq!((last.source.as_str(), last.call), ("DialVerb", bench.call_to("100").sid));
        assert_eq!(value(bench.callbacks()[0], "RecordingSource"), Some("DialVerb"));
        assert_eq!(bench.call_to("100").status, CallStatus::Completed);
    }
    // The caller hangs up: what was said is kept, and the action is told.
    let (mut bench, caller) = dialling("record='true'", BOB);
    bench.wait_ms(5_000);
    bench.hangs_up(caller);
    bench.run_out();
    assert_eq!(bench.recordings()[1].status, RecordingStatus::Completed);
    assert!(value(bench.request(1), "RecordingUrl").is_some());
}

#[test]
fn an_answer_that_was_guessed_is_noted() {
    let (mut bench, _) = dialling("", BOB);
    bench.far_end(BOB, FarEnd { by: Supervision::GuessedVoice, ..FarEnd::answers(1_000) });
    bench.wait_ms(2_000);
    assert_eq!(bench.call_to(BOB).supervision.as_deref(), Some("guessed-voice"));
    assert!(bench.lines().iter().any(|line| line.contains("a guess")));
}

/// At every moment of a Dial either side may go: both lines are clear, nothing stays connected, one outcome is told.
#[test]
fn a_box_whose_time_is_up_ends_both_legs_and_no_document_goes_on() {
    let (mut bench, _) = dialling("record='record-from-answer'", &number_of(BOB));
    bench.far_end(BOB, FarEnd::answers(1_000));
    bench.wait_ms(3_000);
    bench.event(Event::Drain);
    bench.event(Event::EndAll);
    bench.run_out();
    assert!(bench.call_records().iter().rev().take(2).all(|call| call.status == CallStatus::Completed));
    assert_eq!(bench.cleared(), [16, 16]);
    assert!(bench.connected.is_empty() && !bench.has_open_recording());
    assert_eq!((bench.router.busy(), bench.words()), (0, vec!["ringback us"]));
}

/// The notice interrupts a bridge: both hear it whole, then both lines are clear; the Dial's action asks for nothing.
#[test]
fn both_legs_of_a_bridge_hear_that_the_box_is_being_stopped() {
    let (mut bench, _) = dialling("record='record-from-answer'", &number_of(BOB));
    bench.far_end(BOB, FarEnd::answers(1_000));
    bench.wait_ms(3_000);
    bench.event(Event::Drain);
    bench.event(Event::Notice("Closing <now> & good bye.".into()));
    bench.run_out();
    assert_eq!(bench.words().iter().filter(|words| **words == "Closing <now> & good bye.").count(), 2);
    assert_eq!(bench.cleared(), [16, 16]);
    assert!(bench.requests.iter().all(|(_, request)| !request.url.ends_with("/done")));
    assert!(bench.connected.is_empty() && !bench.has_open_recording());
    assert_eq!((bench.router.busy(), bench.router.live_calls().count()), (0, 0));
}

#[test]
fn either_side_may_hang_up_at_any_moment() {
    for at_ms in (0..6_000).step_by(37) {
        for caller_goes in [true, false] {
            let (mut bench, caller) =
                dialling("record='record-from-ringing'", &format!("<Number sendDigits='1'>{BOB}</Number>"));
            bench.far_end(BOB, FarEnd { early_ms: Some(300), ..FarEnd::answers(2_000) });
            bench.wait_ms(at_ms);
            if caller_goes {
                bench.hangs_up(caller);
            } else if let Some((callee, _)) = bench.called.first().cloned() {
                bench.event(Event::Line(LineEvent::Cleared { lease: callee, cause: Cause::NORMAL, by_far_end: true }));
                bench.detach(callee);
            }
            bench.run_out();
            assert!(bench.connected.is_empty(), "{at_ms} {caller_goes}");
            assert_eq!((bench.router.deadline(), bench.router.live_calls().count()), (None, 0), "{at_ms}");
            assert!(!bench.has_open_recording(), "{at_ms}");
            let dones = bench.requests.iter().filter(|(_, request)| request.url.ends_with("/done")).count();
            let dialled = !bench.orders().is_empty();
            assert_eq!(dones, usize::from(dialled), "{at_ms} {caller_goes}");
            let finals = bench.call_records().iter().filter(|call| call.status.is_final()).count();
            assert_eq!(finals, 1 + usize::from(dialled), "{at_ms}");
            let clears = bench.log.iter().filter(|(_, e)| matches!(e, Effect::Line(LineCommand::Clear { .. }))).count();
            assert!(clears <= 2);
        }
    }
}

/// Our own: the type of number and the presentation that a line is told.
#[test]
fn b14_a_number_says_its_type_and_whether_the_caller_is_shown() {
    for (attributes, restricted, ton) in [
        ("", false, None),
        ("type='national' presentation='allowed'", false, Some(tipring_numbering::TypeOfNumber::National)),
        ("type='subscriber' presentation='restricted'", true, Some(tipring_numbering::TypeOfNumber::Subscriber)),
    ] {
        let mut bench = Bench::with(&format!("<Dial><Number {attributes}>{BOB}</Number></Dial>"));
        bench.rings();
        bench.run_out();
        let dialled = bench.log.iter().find_map(|(_, effect)| match effect {
            tipring_router::Effect::Line(tipring_router::LineCommand::Dial { call, .. }) => Some(call.clone()),
            _ => None,
        });
        let dialled = dialled.expect("somebody is called");
        assert_eq!((dialled.restricted, dialled.ton), (restricted, ton), "{attributes}");
        assert_eq!(bench.call_to(BOB).from == "anonymous", restricted);
    }
}
