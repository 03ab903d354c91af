//! Ends: by the caller, by the API, by the box, by silence of everybody; and what is told of them.

use tipring_card::Cause;
use tipring_resources::{AccountStatus, CallStatus, Code, Sid, SidKind};
use tipring_router::{DirectoryChange, Effect, Event, LineCommand, LineEvent, Reply, SwitchCommand};

use crate::bench::*;

fn with_callback() -> Bench {
    let mut bench = Bench::with("<Say>hello</Say><Pause length='60'/>");
    let mut number = number("100");
    number.status_callback = "http://app.test/status".into();
    bench.knows(number);
    bench.app("http://app.test/status", &[App::Says("", String::new())]);
    bench
}

#[test]
fn c4_the_api_ends_a_live_call() {
    let mut bench = with_callback();
    bench.rings();
    bench.wait_ms(10_000);
    let call = bench.router.live_calls().next().expect("a live call").sid;
    bench.asks_to_end(call, false);
    assert_eq!(bench.cleared(), [16], "at once");
    assert!(bench.replies().is_empty(), "not before the commit");
    bench.wait_ms(100);
    assert!(matches!(bench.replies()[..], [Reply::Call(call)] if call.status == CallStatus::Completed));
    let told = bench.callbacks()[0];
    assert_eq!((value(told, "CallStatus"), value(told, "CallDuration")), (Some("completed"), Some("10")));
    assert_eq!((value(told, "Duration"), value(told, "SequenceNumber")), (Some("1"), Some("0")));
    assert_eq!(value(told, "HangupCause"), Some("16"));
    assert_eq!(value(told, "CallbackSource"), Some("call-progress-events"));
    assert_eq!(value(told, "Timestamp"), Some("Sun, 22 Nov 2026 20:00:10 +0000"));
    bench.asks_to_end(call, false);
    assert_eq!(bench.replies().last(), Some(&&Reply::NotLive));
    bench.ended(CallStatus::Completed, 16);
}

#[test]
fn the_api_ends_only_what_it_may() {
    let mut bench = with_callback();
    bench.rings();
    bench.wait_ms(2_000);
    let call = bench.router.live_calls().next().expect("a live call").sid;
    bench.asks_to_end(Sid::new(SidKind::Call, 1), false);
    bench.asks_to_end(call, true);
    let stranger = Event::Request {
        id: tipring_router::RequestId(3),
        request: tipring_router::Request::EndCall {
            account: Sid::new(SidKind::Account, 1),
            call,
            only_unanswered: false,
        },
    };
    bench.event(stranger);
    let replies = bench.replies();
    assert!(matches!(replies[..], [Reply::NotLive, Reply::Refused { code: Code(21220), .. }, Reply::NotLive]));
    assert!(bench.cleared().is_empty());

    let mut bench = Bench::with("<Pause length='60'/>");
    bench.rings();
    bench.wait_ms(2_000);
    let call = bench.router.live_calls().next().expect("a live call").sid;
    bench.asks_to_end(call, true);
    bench.run_out();
    bench.ended(CallStatus::Canceled, 16);

    let mut bench = Bench::with("<Pause length='60'/>");
    bench.rings();
    bench.wait_ms(2_000);
    bench.store_commits = false;
    let call = bench.router.live_calls().next().expect("a live call").sid;
    bench.asks_to_end(call, false);
    bench.run_out();
    assert!(matches!(bench.replies()[..], [Reply::Refused { code: Code(20503), .. }]), "no yes without a commit");
}

/// At every moment of a call the caller may go: what is under way is taken back, and nothing else happens.
#[test]
fn the_caller_may_hang_up_at_any_moment() {
    for at_ms in (0..9_000).step_by(7) {
        let mut bench = Bench::with(
            "<Pause/><Gather timeout='2'><Say>a</Say></Gather><Play digits='12'/><Record timeout='2' action='/d'/>",
        );
        let lease = bench.rings();
        bench.wait_ms(at_ms);
        bench.hangs_up(lease);
        let mark = bench.log.len();
        bench.run_out();
        let answered = bench.last_call().answered.is_some();
        bench.ended(if answered { CallStatus::Completed } else { CallStatus::Canceled }, 16);
        assert!(bench.cleared().is_empty(), "it is clear already");
        let begins =
            |effect: &Effect| matches!(effect, Effect::Media { .. } | Effect::Line(_) | Effect::OpenRecording { .. });
        assert!(!bench.log[mark..].iter().any(|(_, effect)| begins(effect)), "{at_ms}");
        let finals = bench.call_records().iter().filter(|call| call.status.is_final()).count();
        assert_eq!(finals, 1);
        assert!(matches!(bench.log.last(), Some((_, Effect::ForgetSession { .. }))), "{at_ms}: {:?}", bench.log.last());
        assert_eq!((bench.router.deadline(), bench.router.live_calls().count()), (None, 0));
    }
}

/// Fetches and sounds do not outlive their call; on a line that we clear ourselves the sound stops first.
#[test]
fn what_is_under_way_is_taken_back_at_the_end() {
    let position = |bench: &Bench, what: fn(&Effect) -> bool| bench.log.iter().position(|(_, effect)| what(effect));
    let cancel_http: fn(&Effect) -> bool = |e| matches!(e, Effect::CancelHttp { .. });
    let cancel_media: fn(&Effect) -> bool = |e| matches!(e, Effect::CancelMedia { .. });
    let stop: fn(&Effect) -> bool = |e| matches!(e, Effect::Switch(SwitchCommand::Stop { .. }));
    let clear: fn(&Effect) -> bool = |e| matches!(e, Effect::Line(LineCommand::Clear { .. }));

    let mut bench = with_callback();
    bench.app_latency_ms = 5_000;
    let lease = bench.rings();
    bench.wait_ms(100);
    bench.hangs_up(lease);
    assert!(position(&bench, cancel_http).is_some());
    bench.run_out();
    assert_eq!((bench.words().len(), bench.codes().len(), bench.callbacks().len()), (0, 0, 1));
    bench.ended(CallStatus::Canceled, 16);

    let mut bench = with_callback();
    let lease = bench.rings();
    bench.wait_ms(500);
    bench.hangs_up(lease);
    assert!(position(&bench, cancel_media).is_some());
    assert_eq!((position(&bench, stop), position(&bench, clear)), (None, None), "there is no port any more");

    let mut bench = with_callback();
    bench.rings();
    bench.wait_ms(500);
    let call = bench.router.live_calls().next().expect("a live call").sid;
    bench.asks_to_end(call, false);
    let (cancelled, stopped, cleared) =
        (position(&bench, cancel_media), position(&bench, stop), position(&bench, clear));
    assert!(cancelled.is_some() && cancelled < stopped && stopped < cleared);

    // While a document is carried out nothing of its fetch is left to be cancelled.
    assert!(position(&bench, cancel_http).is_none());
}

/// The switch may know that a port is gone before the line says so: nothing begins in between.
#[test]
fn the_switch_may_tell_of_the_end_before_the_line_does() {
    let mut bench = Bench::with("<Say>a</Say><Redirect>/never</Redirect>");
    let lease = bench.rings();
    bench.wait_ms(500);
    bench.detach(lease);
    bench.wait_ms(50);
    bench.hangs_up(lease);
    bench.run_out();
    assert_eq!((bench.asked(), bench.codes().len()), (vec![APP], 0));
    bench.ended(CallStatus::Completed, 16);

    let mut bench = Bench::with("<Record action='/done'/>");
    let lease = bench.rings();
    bench.wait_ms(3_000);
    bench.detach(lease);
    bench.wait_ms(50);
    bench.hangs_up(lease);
    bench.run_out();
    let done = bench.request(1);
    assert_eq!((value(done, "Digits"), value(done, "CallStatus")), (Some("hangup"), Some("completed")));

    // The port is gone and the line says nothing: the call still goes on to an end of its own.
    let mut bench = Bench::with("<Record action='/done'/>");
    let lease = bench.rings();
    bench.wait_ms(3_000);
    bench.detach(lease);
    bench.run_out();
    assert_eq!(value(bench.request(1), "Digits"), None);
    assert_eq!(bench.cleared().len(), 1);
}

#[test]
fn a_line_that_dies_before_the_answer_has_failed() {
    let mut bench = Bench::with("<Pause length='9'/>");
    let lease = bench.rings();
    bench.wait_ms(500);
    bench.clears(lease, Cause::NETWORK_OUT_OF_ORDER);
    bench.run_out();
    bench.ended(CallStatus::Failed, 38);
}

#[test]
fn unknown_numbers_and_sleeping_accounts_get_a_cause() {
    let mut bench = Bench::with("");
    bench.rings_for("999");
    bench.run_out();
    bench.ended(CallStatus::Failed, 1);
    assert_eq!((bench.cleared(), bench.codes(), bench.requests.len()), (vec![1], vec![10003], 0));

    let mut bench = Bench::with("");
    let mut asleep = account();
    asleep.status = AccountStatus::Suspended;
    bench.event(Event::Directory(DirectoryChange::Account(asleep)));
    bench.rings();
    bench.run_out();
    bench.ended(CallStatus::Failed, 21);
    assert_eq!((bench.cleared(), bench.codes()), (vec![21], vec![10003]));

    let mut bench = Bench::with("");
    bench.event(Event::Directory(DirectoryChange::NumberGone(number("100").sid)));
    bench.rings();
    bench.run_out();
    bench.ended(CallStatus::Failed, 1);

    // A box without any account can keep no record, but it can still say no.
    let mut bench = Bench::bare(1);
    bench.router = tipring_router::Router::new(config(1));
    bench.rings();
    bench.run_out();
    assert_eq!((bench.cleared(), bench.call_records().len()), (vec![1], 0));
}

#[test]
fn a_draining_box_refuses_new_calls_and_keeps_the_old() {
    let mut bench = with_callback();
    bench.rings();
    bench.wait_ms(500);
    bench.event(Event::Drain);
    bench.rings();
    bench.wait_ms(500);
    assert_eq!(bench.cleared(), [42]);
    assert_eq!(bench.router.live_calls().count(), 1);
}

#[test]
fn a_box_whose_time_is_up_ends_its_calls_and_says_so() {
    let mut bench = with_callback();
    bench.rings();
    bench.wait_ms(500);
    bench.event(Event::Drain);
    bench.event(Event::EndAll);
    assert!(bench.router.busy() > 0, "the callback is not sent yet");
    bench.run_out();
    bench.ended(CallStatus::Completed, 16);
    assert_eq!(bench.callbacks().len(), 1);
    assert_eq!((bench.router.live_calls().count(), bench.router.busy()), (0, 0));
}

#[test]
fn a_call_that_is_not_answered_yet_ends_without_the_notice() {
    let mut bench = Bench::with("");
    bench.app(APP, &[App::Hangs]);
    bench.rings();
    bench.wait_ms(500);
    bench.event(Event::Drain);
    bench.event(Event::Notice("Closing.".into()));
    bench.run_out();
    assert!(bench.words().is_empty(), "{:?}", bench.words());
    assert_eq!((bench.cleared().len(), bench.router.busy()), (1, 0));
}

#[test]
fn another_configuration_counts_from_the_next_use() {
    let mut bench = Bench::bare(1);
    let all = config(1);
    let open = tipring_router::Reconfiguration { plan: all.plan, zone: all.zone, outbound: all.outbound };
    let mut closed = open.clone();
    closed.outbound.open.clear();
    bench.event(Event::Configure(Box::new(closed)));
    let refused = bench.creates(Bench::order_url());
    bench.wait_ms(100);
    assert!(matches!(bench.reply(refused), Some(Reply::Refused { .. })), "nothing is open");
    bench.event(Event::Configure(Box::new(open)));
    let made = bench.creates(Bench::order_url());
    bench.wait_ms(100);
    assert!(matches!(bench.reply(made), Some(Reply::Call(_))), "{:?}", bench.reply(made));
}

#[test]
fn a_status_callback_is_tried_again_and_changes_nothing() {
    let mut bench = with_callback();
    bench.app("http://app.test/status", &[App::Fails(11200), App::Hangs, xml("<Say>never</Say>")]);
    let lease = bench.rings();
    bench.wait_ms(500);
    bench.hangs_up(lease);
    bench.run_out();
    let times: Vec<u64> = bench.requests[1..].iter().map(|(at, _)| at.as_ms()).collect();
    assert_eq!(times, [505, 505 + 3 + 1_000, 505 + 3 + 1_000 + 31_000 + 5_000]);
    let tokens: Vec<_> = bench.callbacks().iter().map(|request| request.idempotency.clone()).collect();
    assert!(tokens.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!((bench.words(), bench.router.counters().callbacks_failed), (vec!["hello"], 0));

    let mut bench = with_callback();
    bench.app("http://app.test/status", &[App::Fails(11200)]);
    let lease = bench.rings();
    bench.wait_ms(500);
    bench.hangs_up(lease);
    bench.run_out();
    assert_eq!((bench.callbacks().len(), bench.codes()), (3, vec![15003]));
    assert_eq!(bench.router.counters().callbacks_failed, 1);
}

/// Nobody but the exchange does anything: application, line, store, voice, files.
#[test]
fn a_ringing_line_always_gets_a_defined_end() {
    for silent in 0..32_u32 {
        let is = |bit: u32| silent & (1 << bit) != 0;
        let mut bench = with_callback();
        bench.app(APP, &[if is(0) { App::Hangs } else { xml("<Say>a</Say><Record timeout='2' action='/d'/>") }]);
        bench.line_answers = !is(1);
        bench.store_commits = !is(2);
        if is(3) {
            bench.sound("", SoundIs::Silent);
        }
        bench.files_close = !is(4);
        bench.line_clears = !is(4);
        bench.rings();
        bench.run_out();
        assert_eq!(bench.cleared().len(), 1, "{silent:05b}: {:#?}", bench.lines());
        assert!(bench.last_call().ended.is_some(), "{silent:05b}");
        assert_eq!((bench.router.deadline(), bench.router.live_calls().count()), (None, 0), "{silent:05b}");
        let ended = bench.last_call().ended.map_or(0, |at| at.0 - EPOCH.0);
        assert!(ended < 90_000_000, "{silent:05b}: after {ended} µs");
    }
}

#[test]
fn stale_and_repeated_words_of_a_line_do_nothing() {
    let mut bench = with_callback();
    let lease = bench.rings();
    bench.wait_ms(500);
    let before = bench.log.len();
    bench.event(Event::Line(LineEvent::Answered { lease, by: tipring_card::Supervision::Connect }));
    let ghost = tipring_switch::Port { index: 7, generation: 99 };
    bench.event(Event::Line(LineEvent::Cleared { lease: ghost, cause: Cause::NORMAL, by_far_end: true }));
    assert_eq!((bench.log.len(), bench.router.counters().stale_events), (before, 2));
    bench.hangs_up(lease);
    bench.run_out();
    bench.event(Event::Line(LineEvent::Cleared { lease, cause: Cause::NORMAL, by_far_end: true }));
    assert_eq!(bench.call_records().iter().filter(|call| call.status.is_final()).count(), 1);
}
