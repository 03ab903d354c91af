//! Status callbacks of calls: which, in which order, with what; and that nothing they do changes a call.

use tipring_resources::CallStatus;

use crate::bench::*;

const STATUS: &str = "http://app.test/status";

fn statuses(bench: &Bench) -> Vec<(String, String)> {
    let get = |request, name| value(request, name).unwrap_or_default().to_owned();
    let told = bench.callbacks().into_iter().filter(|request| request.url == STATUS);
    told.map(|request| (get(request, "CallStatus"), get(request, "SequenceNumber"))).collect()
}

fn pairs(wanted: &[(&str, &str)]) -> Vec<(String, String)> {
    wanted.iter().map(|(status, number)| ((*status).to_owned(), (*number).to_owned())).collect()
}

#[test]
fn a23_progress_is_told_in_order_beside_the_call() {
    let mut bench = Bench::bare(1);
    bench.app(APP, &[xml("<Pause length='10'/>")]);
    bench.app(STATUS, &[App::Says("", String::new())]);
    let mut order = Bench::order_url();
    order.callback = Some(callback(true));
    bench.creates(order);
    bench.run_out();
    let wanted = [("initiated", "0"), ("ringing", "1"), ("in-progress", "2"), ("completed", "3")];
    assert_eq!(statuses(&bench), pairs(&wanted));
    let callbacks = bench.callbacks();
    assert!(callbacks.iter().all(|told| value(told, "CallbackSource") == Some("call-progress-events")));
    assert_eq!(value(callbacks[0], "Timestamp"), Some("Sun, 22 Nov 2026 20:00:00 +0000"));
    let last = callbacks[3];
    assert_eq!((value(last, "CallDuration"), value(last, "Duration")), (Some("11"), Some("1")));
    assert_eq!((value(last, "HangupCause"), value(last, "LineName")), (Some("16"), Some("sim 2/1")));
    assert!(callbacks[..3].iter().all(|told| value(told, "CallDuration").is_none()));
}

/// A server of twenty seconds that answers with XML: the call is as it would be without it, and the order stays.
#[test]
fn a23_a_slow_server_delays_only_its_own_events() {
    let run = |told: bool| {
        let mut bench = Bench::bare(1);
        bench.app(APP, &[xml("<Say>hello</Say><Record timeout='2' recordingStatusCallback='/slow'/>")]);
        bench.app("http://app.test/slow", &[App::After(20_000, Box::new(xml("<Say>never</Say><Hangup/>")))]);
        bench.app(STATUS, &[App::After(15_000, Box::new(xml("<Hangup/>")))]);
        let mut order = Bench::order_url();
        order.callback = told.then(|| callback(true));
        bench.creates(order);
        bench.run_out();
        bench
    };
    let (with, without) = (run(true), run(false));
    assert_eq!(with.heard, without.heard);
    assert_eq!(with.call_to(BOB).ended, without.call_to(BOB).ended);
    with.ended(CallStatus::Completed, 16);
    let wanted = [("initiated", "0"), ("ringing", "1"), ("in-progress", "2"), ("completed", "3")];
    assert_eq!(statuses(&with), pairs(&wanted));
    assert!(!with.words().contains(&"never"));
    // A server that takes 20 s is told of each recording once.
    let slow = with.requests.iter().filter(|(_, request)| request.url.ends_with("/slow"));
    let told: Vec<_> = slow.filter_map(|(_, request)| value(request, "RecordingSid")).collect();
    let recordings: std::collections::BTreeSet<_> = told.iter().collect();
    assert!(!told.is_empty() && recordings.len() == told.len());
}

#[test]
fn a23_a_callback_that_fails_is_tried_again_and_the_next_ones_wait_for_it() {
    let mut bench = Bench::bare(1);
    bench.app(APP, &[xml("")]);
    bench.app(STATUS, &[App::Fails(11200), App::Fails(11200), App::Says("", String::new())]);
    let mut order = Bench::order_url();
    order.callback = Some(callback(true));
    bench.creates(order);
    bench.run_out();
    let numbers: Vec<_> = statuses(&bench).into_iter().map(|(_, number)| number).collect();
    assert_eq!(numbers, ["0", "0", "0", "1", "2", "3"]);
    assert!(bench.callbacks().last().is_some_and(|told| value(told, "CallStatus") == Some("completed")));
}

#[test]
fn a24_a_callback_is_for_all_calls_of_a_number_or_for_one() {
    let mut bench = Bench::with("<Hangup/>");
    let mut every = number("100");
    every.status_callback = "http://app.test/every".into();
    bench.knows(every);
    bench.app("http://app.test/every", &[App::Says("", String::new())]);
    bench.app(STATUS, &[App::Says("", String::new())]);
    for _ in 0..2 {
        bench.rings();
        bench.run_out();
    }
    let urls: Vec<_> = bench.callbacks().iter().map(|told| told.url.clone()).collect();
    assert_eq!(urls, ["http://app.test/every", "http://app.test/every"], "of the end only");

    // By the API, and by an instruction, for one call.
    let mut order = Bench::order_url();
    order.callback = Some(callback(false));
    bench.creates(order);
    bench.run_out();
    bench.creates(Bench::order_url());
    bench.run_out();
    assert_eq!(statuses(&bench), pairs(&[("completed", "0")]));
    let events = "statusCallback='/status' statusCallbackEvent='initiated answered'";
    bench.app(APP, &[xml(&format!("<Dial><Number {events}>{BOB}</Number><Number>{EVE}</Number></Dial>"))]);
    bench.far_end(EVE, FarEnd::rings());
    bench.rings();
    bench.wait_ms(5_000);
    assert_eq!(statuses(&bench)[1..], pairs(&[("initiated", "0"), ("in-progress", "1")]));
    let child = bench.callbacks().into_iter().rfind(|told| told.url == STATUS).expect("told");
    assert_eq!((value(child, "To"), value(child, "Direction")), (Some(BOB), Some("outbound-dial")));
    assert_eq!(value(child, "ParentCallSid"), Some(bench.call_to("100").sid.to_string().as_str()));
}

#[test]
fn a25_the_next_call_begins_at_the_numbers_own_url_again() {
    let mut bench = Bench::with("<Redirect>/second</Redirect>");
    bench.app("http://app.test/second", &[xml("<Pause length='5'/>")]);
    bench.rings();
    bench.wait_ms(1_000);
    let call = bench.router.live_calls().next().expect("a live call").sid;
    bench.redirects(call, url("http://app.test/second"));
    bench.run_out();
    bench.rings();
    bench.run_out();
    let second = "http://app.test/second";
    assert_eq!(bench.asked(), [APP, second, second, APP, second]);
}

/// The last word comes after the commit of the final record, also long after the caller has gone.
#[test]
fn the_end_is_told_after_its_commit() {
    let mut bench = Bench::bare(1);
    bench.app(APP, &[xml("<Pause length='60'/>")]);
    bench.app(STATUS, &[App::Says("", String::new())]);
    let mut order = Bench::order_url();
    order.callback = Some(callback(false));
    bench.creates(order);
    bench.wait_ms(5_000);
    bench.store_commits = false;
    bench.hangs_up(bench.lease_to(BOB));
    bench.wait_ms(30_000);
    assert!(statuses(&bench).is_empty());
    let write = bench.log.iter().rev().find_map(|(_, effect)| match effect {
        tipring_router::Effect::Write { id, .. } => Some(*id),
        _ => None,
    });
    bench.event(tipring_router::Event::Written { id: write.expect("a write"), result: Ok(()) });
    bench.run_out();
    assert_eq!(statuses(&bench), pairs(&[("completed", "0")]));
}
