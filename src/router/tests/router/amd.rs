//! Who answered: before the first request, beside it, and of the legs of a Dial.

use tipring_resources::Method;
use tipring_router::{Effect, MachineDetection, MachineMode, MachineWish, NewCall};

use crate::bench::*;

const CB: &str = "http://app.test/amd";

fn how() -> MachineDetection {
    MachineDetection {
        mode: MachineMode::Enable,
        timeout_s: 10,
        speech_threshold_ms: 2_400,
        speech_end_threshold_ms: 1_200,
        silence_timeout_ms: 5_000,
    }
}

fn order(beside: bool) -> NewCall {
    let machine = MachineWish { how: how(), beside, callback: CB.into(), callback_method: Method::Post };
    NewCall { machine: Some(machine), callback: Some(callback(false)), ..Bench::order_url() }
}

fn called(new: NewCall, verdict: Option<(&'static str, u64)>) -> Bench {
    let mut bench = Bench::bare(1);
    bench.app(APP, &[xml("<Pause length='20'/>")]);
    bench.app(CB, &[App::Says("", String::new())]);
    bench.app("http://app.test/status", &[App::Says("", String::new())]);
    bench.far_end(BOB, FarEnd::answers(1_000));
    bench.beside.verdict = verdict;
    bench.creates(new);
    bench
}

/// The record, the first request, and the callback of the end say the same.
#[test]
fn c17_the_first_request_waits_for_the_verdict_and_carries_it() {
    for (verdict, word, ms) in [
        (Some(("machine_start", 3_000)), "machine_start", 3_000),
        (Some(("human", 800)), "human", 800),
        (None, "unknown", 11_000),
    ] {
        let mut bench = called(order(false), verdict);
        bench.run_out();
        let (at, request) = &bench.requests[0];
        assert_eq!((request.url.as_str(), at.as_ms()), (APP, 1_015 + ms), "{word}");
        assert_eq!(value(request, "AnsweredBy"), Some(word));
        assert_eq!(value(request, "MachineDetectionDuration"), Some(ms.to_string().as_str()));
        assert_eq!(bench.last_call().answered_by.as_deref(), Some(word));
        assert_eq!(value(bench.asked_of("http://app.test/status")[0], "AnsweredBy"), Some(word));
        assert!(bench.asked_of(CB).is_empty());
        bench.nothing_is_left();
    }
}

#[test]
fn c17_beside_the_call_the_callback_is_told() {
    let mut bench = called(order(true), Some(("machine_start", 4_000)));
    bench.run_out();
    assert_eq!((bench.requests[0].1.url.as_str(), bench.requests[0].0.as_ms()), (APP, 1_015), "not delayed");
    assert_eq!(value(&bench.requests[0].1, "AnsweredBy"), None);
    let told = bench.asked_of(CB)[0];
    let names: Vec<&str> = told.params.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["CallSid", "AccountSid", "AnsweredBy", "MachineDetectionDuration"]);
    assert_eq!(
        (value(told, "AnsweredBy"), value(told, "MachineDetectionDuration")),
        (Some("machine_start"), Some("4000"))
    );
    assert_eq!(bench.last_call().answered_by.as_deref(), Some("machine_start"));
    bench.nothing_is_left();
}

#[test]
fn c17_a_call_that_ends_before_the_verdict_has_none() {
    for beside in [false, true] {
        let mut bench = called(order(beside), Some(("human", 5_000)));
        bench.wait_ms(3_000);
        let call = bench.call_to(BOB).sid;
        bench.asks_to_end(call, false);
        bench.run_out();
        assert_eq!((bench.last_call().answered_by.as_deref(), bench.asked_of(CB).len()), (None, 0));
        bench.nothing_is_left();
    }
}

#[test]
fn c9_a_redirect_does_not_wait_for_the_verdict() {
    let mut bench = called(order(false), Some(("human", 5_000)));
    bench.wait_ms(3_000);
    let call = bench.call_to(BOB).sid;
    bench.redirects(call, inline("<Say>other</Say>"));
    bench.run_out();
    assert_eq!((bench.words(), bench.asked().len()), (vec!["other"], 0));
    bench.nothing_is_left();
}

#[test]
fn keys_after_the_answer_turn_the_detection_off() {
    let new = NewCall { send_digits: "12".into(), ..order(false) };
    let mut bench = called(new, Some(("human", 500)));
    bench.run_out();
    assert_eq!(bench.count(|effect| matches!(effect, Effect::Classify { .. })), 0);
    assert_eq!(value(bench.asked_of(APP)[0], "AnsweredBy"), None);
}

#[test]
fn c17_of_a_leg_of_a_dial_the_callbacks_are_told_and_the_bridge_is_not_delayed() {
    let mut bench = Bench::with(&format!(
        "<Dial><Number machineDetection='Enable' amdStatusCallback='/amd' statusCallback='/status'>{BOB}</Number></Dial>"
    ));
    bench.app(CB, &[App::Says("", String::new())]);
    bench.app("http://app.test/status", &[App::Says("", String::new())]);
    bench.beside.verdict = Some(("machine_start", 3_000));
    let lease = bench.rings();
    bench.wait_ms(2_500);
    let bob = bench.lease_to(BOB);
    assert!(bench.are_bridged(lease, bob));
    bench.wait_ms(5_000);
    bench.hangs_up(lease);
    bench.run_out();
    let child = bench.call_to(BOB);
    assert_eq!(child.answered_by.as_deref(), Some("machine_start"));
    assert_eq!(value(bench.asked_of(CB)[0], "CallSid"), Some(child.sid.to_string().as_str()));
    assert_eq!(value(bench.asked_of("http://app.test/status")[0], "AnsweredBy"), Some("machine_start"));
    bench.nothing_is_left();
}
