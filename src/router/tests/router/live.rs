//! The API in the middle of live calls: the rule of `live.rs`, verb by verb, twenty moments each by seed.

use tipring_resources::{CallStatus, Code, RecordingStatus, Sid};
use tipring_router::{CallChange, Effect, Reply, Request, SwitchCommand};
use tipring_switch::Port;

use crate::bench::*;

const OTHER: &str = "http://other.test/";

/// Twenty moments between two times, by seed.
fn moments(seed: u64, from_ms: u64, to_ms: u64) -> impl Iterator<Item = u64> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..20).map(move |_| {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        from_ms + (state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % (to_ms - from_ms)
    })
}

/// A live call with this document, redirected at this moment.
fn redirected(inner: &str, at_ms: u64, before: impl Fn(&mut Bench, Port)) -> (Bench, Port, Sid) {
    let mut bench = Bench::with(inner);
    bench.app(OTHER, &[xml("<Say>other</Say><Pause length='5'/>")]);
    bench.app("http://app.test/action", &[xml("<Say>never</Say>")]);
    bench.app("http://app.test/cb", &[App::Says("", String::new())]);
    bench.sound("long", SoundIs::Long(30_000));
    let lease = bench.rings();
    let call = bench.router.live_calls().next().expect("a live call").sid;
    before(&mut bench, lease);
    bench.wait_ms(at_ms - bench.now.as_ms());
    let id = bench.redirects(call, url(OTHER));
    let asked = bench.requests.iter().rev().find(|(_, request)| request.url == OTHER).expect("asked at once");
    assert_eq!(asked.0.as_ms(), at_ms);
    let foreign = ["Digits", "RecordingUrl", "RecordingSid", "DialCallStatus", "DialCallSid", "LastErrorCode"];
    assert!(asked.1.params.iter().all(|(name, _)| !foreign.contains(&name.as_str())), "{:?}", asked.1.params);
    bench.wait_ms(100);
    assert!(matches!(bench.reply(id), Some(Reply::Call(changed)) if changed.sid == call), "{:?}", bench.replies());
    (bench, lease, call)
}

/// To its end: the other document ran, and nothing of the cut verb came after.
#[track_caller]
fn check(mut bench: Bench, at_ms: u64) -> Bench {
    bench.run_out();
    assert_eq!(bench.words().last(), Some(&"other"), "{at_ms}: {:#?}", bench.lines());
    assert!(!bench.requests.iter().any(|(_, request)| request.url.ends_with("/action")), "{at_ms}");
    let after: Vec<_> = bench.heard.iter().filter(|heard| heard.from_ms > at_ms).map(|h| h.what.as_str()).collect();
    assert_eq!(after, ["other"], "{at_ms}");
    assert!(bench.connected.is_empty() && bench.router.live_calls().count() == 0);
    assert_eq!((bench.router.deadline(), bench.router.counters().redirects), (None, 1));
    let finals = bench.call_records().iter().filter(|call| call.status.is_final()).count();
    let sids: std::collections::BTreeSet<Sid> = bench.call_records().iter().map(|call| call.sid).collect();
    assert_eq!(finals, sids.len());
    bench
}

#[test]
fn c9_say_play_and_pause_are_cut_at_once() {
    for verb in [
        "<Say>long</Say>",
        "<Play loop='0'>/long.wav</Play>",
        "<Pause length='60'/>",
        "<Play digits='1w2w3w4w5w6w7w8w9w1w2w3w4w5w6w7w8w'/>",
    ] {
        for at_ms in moments(1, 100, 9_000) {
            let (bench, _, _) = redirected(&format!("{verb}<Say>never</Say>"), at_ms, |_, _| ());
            let cut = bench.heard.iter().find(|heard| heard.what != "other");
            assert!(cut.is_none_or(|heard| !heard.whole && heard.to_ms == at_ms), "{at_ms}: {cut:?}");
            check(bench, at_ms);
        }
    }
}

#[test]
fn c9_a_gather_is_cut_and_its_keys_are_never_delivered() {
    for at_ms in moments(2, 2_000, 5_000) {
        let gather = "<Gather numDigits='4' action='/action'><Say>long</Say></Gather>";
        let (mut bench, lease, _) = redirected(gather, at_ms, |bench, lease| {
            bench.wait_ms(1_500);
            bench.presses(lease, "12");
        });
        // Keys that come later belong to nothing.
        bench.presses(lease, "34");
        check(bench, at_ms);
    }
}

#[test]
fn c9_a_record_keeps_what_was_said_and_does_not_ask_its_action() {
    for at_ms in moments(3, 1_000, 4_000) {
        let record = "<Record action='/action' recordingStatusCallback='/cb'/>";
        let (bench, _, _) = redirected(record, at_ms, |_, _| ());
        let closed = bench.log.iter().find(|(_, effect)| matches!(effect, Effect::CloseRecording { .. }));
        assert_eq!(closed.map(|(at, _)| at.as_ms()), Some(at_ms), "at once");
        let bench = check(bench, at_ms);
        let last = bench.recordings()[1];
        assert_eq!((last.status, last.duration_ms), (RecordingStatus::Completed, Some(4_000)));
        let told: Vec<_> = bench.callbacks().iter().map(|request| request.url.as_str()).collect();
        assert_eq!(told, ["http://app.test/cb"]);
    }
}

/// While the file of a recording is being closed, by a store that is not in a hurry.
#[test]
fn c9_a_record_that_is_being_closed_does_not_hold_the_call() {
    for at_ms in 3_000..3_060 {
        let record = "<Record action='/action' recordingStatusCallback='/cb'/>";
        let (bench, _, _) = redirected(record, at_ms, |bench, lease| {
            bench.wait_ms(2_990);
            bench.presses(lease, "#");
        });
        let asked = bench.requests.iter().any(|(_, request)| request.url.ends_with("/action"));
        if !asked {
            let bench = check(bench, at_ms);
            assert_eq!(bench.recordings().last().map(|recording| recording.status), Some(RecordingStatus::Completed));
            assert_eq!(bench.callbacks().len(), 1, "{at_ms}");
            assert!(!bench.has_open_recording());
        } else {
            assert!(at_ms >= 3_035, "the recording was closed before");
        }
    }
}

#[test]
fn c9_a_dial_cancels_who_rings_and_hangs_up_who_is_bridged() {
    for (from_ms, to_ms, status) in [(200, 1_900, CallStatus::Canceled), (2_200, 9_000, CallStatus::Completed)] {
        for at_ms in moments(4, from_ms, to_ms) {
            let dial = format!("<Dial action='/action' record='record-from-answer'>{BOB}</Dial><Say>never</Say>");
            let (bench, _, _) = redirected(&dial, at_ms, |_, _| ());
            assert_eq!(bench.call_to(BOB).status, status);
            assert_eq!(bench.cleared(), [16]);
            let bench = check(bench, at_ms);
            let kept: Vec<_> = bench.recordings().iter().map(|recording| recording.status).collect();
            let bridged = status == CallStatus::Completed;
            assert_eq!(
                kept,
                if bridged { vec![RecordingStatus::InProgress, RecordingStatus::Completed] } else { vec![] }
            );
        }
    }
}

#[test]
fn c9_a_request_under_way_is_cancelled_and_its_answer_ignored() {
    for at_ms in moments(5, 1, 4_900) {
        let mut bench = Bench::with("<Say>never</Say>");
        bench.app(OTHER, &[xml("<Say>other</Say>")]);
        bench.app_latency_ms = 5_000;
        bench.rings();
        let call = bench.router.live_calls().next().expect("a live call").sid;
        bench.wait_ms(at_ms);
        bench.app_latency_ms = 3;
        bench.redirects(call, url(OTHER));
        assert!(bench.log.iter().any(|(_, effect)| matches!(effect, Effect::CancelHttp { .. })));
        bench.run_out();
        assert_eq!(bench.words(), ["other"]);
        bench.ended(CallStatus::Completed, 16);
    }
}

/// The caller's answer is on its way when the other document comes: the line is not asked twice.
#[test]
fn c9_a_redirect_while_the_line_answers() {
    let mut bench = Bench::with("<Say>never</Say>");
    bench.rings();
    bench.wait_ms(5);
    assert!(bench.was_answered());
    let call = bench.router.live_calls().next().expect("a live call").sid;
    bench.redirects(call, inline("<Say>other</Say>"));
    bench.run_out();
    assert_eq!(bench.words(), ["other"]);
    let answers = bench
        .log
        .iter()
        .filter(|(_, effect)| matches!(effect, Effect::Line(tipring_router::LineCommand::Answer { .. })));
    assert_eq!(answers.count(), 1);
}

#[test]
fn c9_a_bridged_child_goes_its_own_way_and_the_dial_goes_on() {
    for at_ms in moments(6, 2_200, 9_000) {
        let mut bench = Bench::with(&format!("<Dial action='/done'>{BOB}</Dial>"));
        bench.app("http://app.test/done", &[xml("<Say>parent goes on</Say>")]);
        bench.app(OTHER, &[xml("<Say>child alone</Say>")]);
        bench.rings();
        bench.wait_ms(at_ms);
        let child = bench.call_to(BOB).sid;
        bench.redirects(child, url(OTHER));
        assert!(bench.connected.is_empty());
        let parted =
            bench.log.iter().rev().find(|(_, e)| matches!(e, Effect::Switch(SwitchCommand::Disconnect { .. })));
        assert_eq!(parted.map(|(at, _)| at.as_ms()), Some(at_ms));
        bench.run_out();
        let done = bench.requests.iter().find(|(_, request)| request.url.ends_with("/done")).expect("asked");
        assert_eq!((value(&done.1, "DialCallStatus"), value(&done.1, "DialBridged")), (Some("answered"), Some("true")));
        let own = bench.requests.iter().find(|(_, request)| request.url == OTHER).expect("asked");
        assert_eq!(value(&own.1, "CallSid"), Some(child.to_string().as_str()));
        assert_eq!(value(&own.1, "Direction"), Some("outbound-dial"));
        assert!(value(&own.1, "ParentCallSid").is_some());
        let mut words = bench.words();
        words.sort_unstable();
        assert_eq!(words, ["child alone", "parent goes on", "ringback us"]);
        assert_eq!(bench.call_to(BOB).status, CallStatus::Completed);
        assert_eq!(bench.router.live_calls().count(), 0);
    }
}

#[test]
fn c9_a_call_that_is_not_answered_yet_keeps_ringing() {
    for at_ms in moments(7, 1, 1_900) {
        let mut bench = Bench::bare(1);
        bench.app(OTHER, &[xml("<Say>other</Say>")]);
        bench.creates(Bench::order_url());
        bench.wait_ms(at_ms);
        let call = bench.call_to(BOB).sid;
        bench.redirects(call, url(OTHER));
        bench.run_out();
        assert_eq!((bench.asked(), bench.words()), (vec![OTHER], vec!["other"]));
        assert_eq!(bench.orders().len(), 1);
        bench.ended(CallStatus::Completed, 16);
    }
    // A leg of a Dial that rings: it leaves the Dial with its answer.
    let mut bench = Bench::with(&format!("<Dial action='/done'>{BOB}</Dial>"));
    bench.app("http://app.test/done", &[xml("")]);
    bench.app(OTHER, &[xml("<Say>child alone</Say>")]);
    bench.rings();
    bench.wait_ms(1_000);
    let child = bench.call_to(BOB).sid;
    bench.redirects(child, url(OTHER));
    bench.run_out();
    assert!(bench.bridges.is_empty() && bench.words().contains(&"child alone"));
    let done = bench.requests.iter().find(|(_, request)| request.url.ends_with("/done")).expect("asked");
    assert_eq!((value(&done.1, "DialCallStatus"), value(&done.1, "DialBridged")), (Some("answered"), Some("false")));
}

#[test]
fn c8_a_live_call_goes_to_another_application_and_back_again() {
    let mut bench = Bench::with("<Play loop='0'>/long.wav</Play>");
    bench.sound("long", SoundIs::Long(30_000));
    bench.app(OTHER, &[xml("<Play loop='0'>http://other.test/long.wav</Play>")]);
    bench.rings();
    bench.wait_ms(5_000);
    let call = bench.router.live_calls().next().expect("a live call").sid;
    bench.redirects(call, url(OTHER));
    bench.wait_ms(5_000);
    bench.redirects(call, url(APP));
    bench.wait_ms(5_000);
    bench.asks_to_end(call, false);
    bench.run_out();
    assert_eq!(bench.asked(), [APP, OTHER, APP]);
    assert_eq!(bench.words(), ["http://app.test/long.wav", "http://other.test/long.wav", "http://app.test/long.wav"]);
    assert_eq!(value(bench.request(2), "CallSid"), Some(call.to_string().as_str()));
    bench.ended(CallStatus::Completed, 16);
}

#[test]
fn c8_other_changes_hold_from_now_on() {
    let mut bench = Bench::with("<Pause length='20'/><Redirect>/fails</Redirect>");
    bench.app("http://spare.test/", &[xml("<Say>spare</Say>")]);
    bench.app("http://app.test/status", &[App::Says("", String::new())]);
    bench.rings();
    bench.wait_ms(1_000);
    let call = bench.router.live_calls().next().expect("a live call").sid;
    let change = CallChange {
        account: account().sid,
        call,
        instructions: None,
        fallback: Some(("http://spare.test/".into(), tipring_resources::Method::Get)),
        callback: Some(callback(false)),
        time_limit_s: None,
    };
    bench.request_of_api(Request::ChangeCall(Box::new(change.clone())));
    bench.run_out();
    assert_eq!(bench.words(), ["spare"]);
    assert_eq!(bench.callbacks().len(), 1);
    let id = bench.request_of_api(Request::ChangeCall(Box::new(change.clone())));
    assert_eq!(bench.reply(id), Some(&Reply::NotLive), "it is over");

    // Longer than it has lasted: until then. Shorter: at once.
    for (limit_s, ends_s) in [(10, 10), (2, 4)] {
        let mut bench = Bench::bare(1);
        bench.app(APP, &[xml("<Pause length='600'/>")]);
        bench.far_end(BOB, FarEnd::answers(1_000));
        bench.creates(Bench::order_url());
        bench.wait_ms(1_015 + 4_000);
        let call = bench.call_to(BOB).sid;
        let change = CallChange { call, fallback: None, callback: None, time_limit_s: Some(limit_s), ..change.clone() };
        bench.request_of_api(Request::ChangeCall(Box::new(change)));
        bench.run_out();
        assert_eq!(bench.call_to(BOB).duration_s(), Some(ends_s));
    }
}

/// At any state of any leg: queued, ringing, bridged, parent and child.
#[test]
fn c4_every_leg_can_be_ended_in_every_state() {
    let mut queued = Bench::bare(1);
    queued.far_end(BOB, FarEnd::no_line(34, true));
    queued.creates(Bench::order_url());
    queued.wait_ms(1_000);
    let call = queued.call_to(BOB).sid;
    let id = queued.request_of_api(Request::EndCall { account: account().sid, call, only_unanswered: true });
    queued.run_out();
    assert!(matches!(queued.reply(id), Some(Reply::Call(call)) if call.status == CallStatus::Canceled));
    queued.ended(CallStatus::Canceled, 16);
    assert!(queued.cleared().is_empty(), "there was no line yet");
    assert_eq!(queued.router.deadline(), None);

    let mut ringing = Bench::bare(1);
    ringing.creates(Bench::order_url());
    ringing.wait_ms(1_000);
    let call = ringing.call_to(BOB).sid;
    ringing.asks_to_end(call, false);
    assert_eq!(ringing.cleared(), [16], "at once");
    ringing.run_out();
    ringing.ended(CallStatus::Canceled, 16);

    for (which, parent_goes_on) in [(BOB, true), ("100", false)] {
        let mut bridged = Bench::with(&format!("<Dial>{BOB}</Dial><Say>next</Say>"));
        bridged.rings();
        bridged.wait_ms(5_000);
        let call = bridged.call_to(which).sid;
        let id = bridged.request_of_api(Request::EndCall { account: account().sid, call, only_unanswered: true });
        assert!(matches!(bridged.reply(id), Some(Reply::Refused { code: Code(21220), .. })));
        let mark = bridged.log.len();
        bridged.asks_to_end(call, false);
        assert!(bridged.connected.is_empty());
        let position = |what: fn(&Effect) -> bool| bridged.log[mark..].iter().position(|(_, effect)| what(effect));
        let parted = position(|effect| matches!(effect, Effect::Switch(SwitchCommand::Disconnect { .. })));
        let cleared = position(|effect| matches!(effect, Effect::Line(tipring_router::LineCommand::Clear { .. })));
        assert!(parted.is_some() && parted < cleared, "parted while both lines are there");
        bridged.run_out();
        assert_eq!(bridged.words().contains(&"next"), parent_goes_on);
        assert_eq!(bridged.cleared(), [16, 16]);
        assert_eq!(
            (bridged.call_to(BOB).status, bridged.call_to("100").status),
            (CallStatus::Completed, CallStatus::Completed)
        );
    }
}

#[test]
fn c9_a_gather_that_listens_is_cut_and_its_words_are_never_delivered() {
    for at_ms in moments(8, 100, 4_000) {
        let gather = "<Gather input='dtmf speech' speechTimeout='auto' action='/action'><Say>long</Say></Gather>";
        let (bench, _, _) = redirected(gather, at_ms, |bench, _| {
            bench.beside.says = Some(Utterance { length_ms: 2_500, ..Utterance::of("yes") });
        });
        let bench = check(bench, at_ms);
        assert!(bench.requests.iter().all(|(_, request)| value(request, "SpeechResult").is_none()), "{at_ms}");
        bench.nothing_is_left();
    }
}
