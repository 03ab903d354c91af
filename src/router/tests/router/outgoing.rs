//! Calls that the API makes: whom it may call and as whom, what is told when, and how each of them ends.

use tipring_card::{Micros, Supervision};
use tipring_resources::{AccountStatus, CallStatus, Code, Direction};
use tipring_router::{DirectoryChange, Effect, Event, LineCommand, LineEvent, LineKind, Reply};

use crate::bench::*;

fn bench() -> Bench {
    let mut bench = Bench::bare(1);
    bench.app(APP, &[xml("<Say>hello</Say><Hangup/>")]);
    bench
}

#[test]
fn a15_a_call_of_the_api_is_like_an_incoming_one_once_it_is_answered() {
    let mut bench = bench();
    bench.app(APP, &[xml("<Gather numDigits='1' action='/key'><Say>menu</Say></Gather>")]);
    bench.app("http://app.test/key", &[xml("<Say>thanks</Say>")]);
    bench.creates(Bench::order_url());
    bench.wait_ms(5_000);
    bench.presses(bench.lease_to(BOB), "7");
    bench.run_out();
    assert_eq!(bench.asked(), [APP, "http://app.test/key"]);
    let first = bench.request(0);
    for (name, wanted) in [
        ("From", SHOWN),
        ("To", BOB),
        ("Direction", "outbound-api"),
        ("CallStatus", "in-progress"),
        ("AnswerSupervision", "connect"),
        ("LineName", "sim 2/1"),
    ] {
        assert_eq!(value(first, name), Some(wanted), "{name}");
    }
    assert_eq!(value(bench.request(1), "Digits"), Some("7"));
    assert_eq!(bench.words(), ["menu", "thanks"]);
    bench.ended(CallStatus::Completed, 16);
    let order = bench.orders()[0];
    assert_eq!((order.to.as_str(), order.from.as_str(), order.emergency), (BOB, SHOWN, false));
}

#[test]
fn a16_the_application_is_asked_only_after_the_answer() {
    for by in Supervision::ALL {
        let mut bench = bench();
        bench.far_end(BOB, FarEnd { by, ..FarEnd::answers(8_000) });
        bench.creates(Bench::order_url());
        bench.wait_ms(8_000);
        assert!(bench.requests.is_empty());
        bench.run_out();
        let (at, request) = &bench.requests[0];
        assert!(at.as_ms() < 9_000, "within a second of the answer");
        assert_eq!(value(request, "AnswerSupervision"), Some(by.as_str()));
        assert_eq!(bench.call_to(BOB).supervision.as_deref(), Some(by.as_str()));
    }
    let mut bench = bench();
    bench.far_end(BOB, FarEnd::rings());
    bench.creates(Bench::order_url());
    bench.run_out();
    assert!(bench.requests.is_empty());
    bench.ended(CallStatus::NoAnswer, 19);
    assert_eq!(bench.cleared(), [19]);
    let call = bench.call_to(BOB);
    let rang_us = call.ended.zip(call.started).map(|(ended, started)| ended.0 - started.0);
    assert_eq!(rang_us, Some(60_000_000), "as long as it may ring, from the seizure on");
}

#[test]
fn a31_every_way_out_has_its_word() {
    for (far_end, status, cause) in [
        (FarEnd::answers(500), CallStatus::Completed, 16),
        (FarEnd::refuses(300, 17), CallStatus::Busy, 17),
        (FarEnd::refuses(300, 21), CallStatus::Busy, 21),
        (FarEnd::refuses(300, 18), CallStatus::NoAnswer, 18),
        (FarEnd::refuses(300, 19), CallStatus::NoAnswer, 19),
        (FarEnd::refuses(300, 20), CallStatus::NoAnswer, 20),
        (FarEnd::refuses(300, 1), CallStatus::Failed, 1),
        (FarEnd::refuses(300, 28), CallStatus::Failed, 28),
        (FarEnd::refuses(300, 34), CallStatus::Failed, 34),
        (FarEnd::refuses(300, 16), CallStatus::Failed, 16),
        (FarEnd::rings(), CallStatus::NoAnswer, 19),
        (FarEnd::no_line(27, false), CallStatus::Failed, 27),
        (FarEnd { seized_ms: None, ..FarEnd::rings() }, CallStatus::Failed, 102),
    ] {
        let mut bench = bench();
        bench.app("http://app.test/status", &[App::Says("", String::new())]);
        bench.far_end(BOB, far_end.clone());
        let mut order = Bench::order_url();
        order.callback = Some(callback(true));
        bench.creates(order);
        bench.run_out();
        bench.ended(status, cause);
        let callbacks = bench.callbacks();
        let last = callbacks.last().expect("a callback");
        assert_eq!(value(last, "CallStatus"), Some(status.as_str()), "{far_end:?}");
        assert_eq!(value(last, "HangupCause"), Some(cause.to_string().as_str()));
        let told = bench.notifications().iter().any(|it| it.text.contains(NO_LINE));
        assert_eq!(told, cause == 27, "the lines' reason is told whole");
        assert_eq!(bench.router.live_calls().count(), 0);
    }
}

#[test]
fn c13_a_call_is_made_and_its_record_is_the_answer() {
    let mut bench = bench();
    bench.store_commits = false;
    let id = bench.creates(Bench::order_url());
    bench.wait_ms(1_000);
    assert!(bench.reply(id).is_none() && bench.orders().is_empty(), "nothing is seized before the record is kept");
    let write = bench.log.iter().find_map(|(_, effect)| match effect {
        Effect::Write { id, .. } => Some(*id),
        _ => None,
    });
    bench.store_commits = true;
    bench.event(Event::Written { id: write.expect("a write"), result: Ok(()) });
    let Some(Reply::Call(call)) = bench.reply(id) else { panic!("no call: {:?}", bench.replies()) };
    assert_eq!((call.status, call.direction), (CallStatus::Queued, Direction::OutboundApi));
    assert_eq!((call.to.as_str(), call.from.as_str(), call.to_raw.as_str()), (BOB, SHOWN, BOB));
    let sid = call.sid;
    bench.wait_ms(1_000);
    assert!(bench.router.live_calls().any(|call| call.sid == sid));
    bench.run_out();
    assert_eq!(bench.call_to(BOB).sid, sid);
    bench.ended(CallStatus::Completed, 16);

    // A store that does not commit: no, and no call either.
    let mut bench = Bench::bare(1);
    bench.store_commits = false;
    let id = bench.creates(Bench::order_url());
    bench.run_out();
    assert!(matches!(bench.reply(id), Some(Reply::Refused { code: Code(20503), .. })));
    assert!(bench.orders().is_empty());
    bench.ended(CallStatus::Failed, 41);
}

#[test]
fn c14_an_inline_document_runs_on_the_answer_and_nobody_is_asked() {
    let mut bench = bench();
    bench.creates(Bench::order(inline("<Say>inline</Say><Play>http://sounds.test/a.wav</Play>")));
    bench.run_out();
    assert_eq!((bench.words(), bench.requests.len()), (vec!["inline", "http://sounds.test/a.wav"], 0));
    bench.ended(CallStatus::Completed, 16);

    // Its references must be absolute: there is nothing that they could be relative to.
    let mut bench = Bench::bare(1);
    bench.creates(Bench::order(inline("<Play>/a.wav</Play><Redirect>/next</Redirect>")));
    bench.run_out();
    assert_eq!(bench.codes(), [15004, 15004]);
    assert_eq!(bench.words(), ["sorry"]);

    // What cannot be read leads to the fallback.
    let mut bench = Bench::bare(1);
    bench.app("http://spare.test/", &[xml("<Say>spare</Say>")]);
    let mut order = Bench::order(inline("<Say>"));
    order.fallback_url = "http://spare.test/".into();
    bench.creates(order);
    bench.run_out();
    assert_eq!((bench.words(), bench.codes()), (vec!["spare"], vec![12100]));
    assert_eq!(value(bench.request(0), "ErrorCode"), Some("12100"));
}

/// Dial tone and digits take their time on an analogue line, and nobody can answer before.
#[test]
fn b12_the_time_to_ring_begins_when_the_exchange_has_the_number() {
    let line = FarEnd { kind: LineKind::Analog, ringing_ms: None, early_ms: Some(6_000), ..FarEnd::rings() };
    let ends_at = |far_end: FarEnd| {
        let mut bench = bench();
        bench.far_end(BOB, far_end);
        let mut order = Bench::order_url();
        order.timeout_s = 5;
        bench.creates(order);
        bench.wait_ms(60_000);
        let call = bench.call_to(BOB);
        assert_eq!(call.status, CallStatus::NoAnswer);
        (call.ended.expect("an end").0 - call.started.expect("a beginning").0) / 1_000
    };
    assert_eq!(ends_at(line.clone()), 11_000);
    assert_eq!(ends_at(FarEnd { early_ms: None, ..line.clone() }), 30_000, "a line that never gets so far");
    assert_eq!(ends_at(FarEnd { kind: LineKind::Isdn, ..line }), 5_000);
}

#[test]
fn c15_later_reads_show_how_far_it_is() {
    let mut bench = bench();
    bench.app(APP, &[xml("<Pause length='5'/>")]);
    bench.far_end(BOB, FarEnd { ringing_ms: Some(1_000), ..FarEnd::answers(3_000) });
    bench.creates(Bench::order_url());
    let mut seen = Vec::new();
    for _ in 0..100 {
        bench.wait_ms(100);
        let status = bench.router.live_calls().next().map(|call| call.status);
        if seen.last() != Some(&status) {
            seen.push(status);
        }
    }
    use CallStatus::{InProgress, Queued, Ringing};
    assert_eq!(seen, [Some(Queued), Some(Ringing), Some(InProgress), None]);
    let statuses: Vec<_> = bench.call_records().iter().map(|call| call.status).collect();
    assert_eq!(statuses, [Queued, Queued, Ringing, InProgress, CallStatus::Completed]);
}

#[test]
fn c16_a_record_has_only_what_is_true_already() {
    let mut bench = bench();
    bench.far_end(BOB, FarEnd::no_line(34, true));
    bench.creates(Bench::order_url());
    bench.wait_ms(10_000);
    let call = bench.call_to(BOB);
    assert_eq!((call.started, call.answered, call.ended, call.duration_s()), (None, None, None, None));
    bench.far_end(BOB, FarEnd::answers(2_000));
    bench.event(Event::Line(LineEvent::LineFree));
    bench.wait_ms(500);
    let call = bench.call_to(BOB);
    assert!(call.started.is_some() && call.answered.is_none() && call.ended.is_none() && call.duration_s().is_none());
    assert!((9_900..10_100).contains(&call.queued_ms), "{}", call.queued_ms);
    bench.wait_ms(2_000);
    let call = bench.call_to(BOB);
    assert!(call.answered.is_some() && call.ended.is_none() && call.duration_s().is_none());
    bench.run_out();
    let call = bench.call_to(BOB);
    assert!(call.ended.is_some() && call.duration_s().is_some());
}

#[test]
fn c20_a_foreign_number_is_refused_and_nothing_is_seized() {
    let refused = |change: &dyn Fn(&mut Bench, &mut tipring_router::NewCall)| {
        let mut bench = Bench::bare(1);
        bench.knows(number("+12025550111"));
        let mut order = Bench::order_url();
        change(&mut bench, &mut order);
        let id = bench.creates(order);
        bench.wait_ms(1_000);
        let code = match bench.reply(id) {
            Some(Reply::Refused { code, text, .. }) => {
                assert!(text.len() > 20, "with a remedy: {text}");
                code.0
            }
            _ => 0,
        };
        assert_eq!(code == 0, !bench.orders().is_empty());
        assert_eq!(code == 0, !bench.call_records().is_empty());
        code
    };
    assert_eq!(refused(&|_, order| order.from = "+12025550000".into()), 21210);
    assert_eq!(refused(&|_, order| order.from = "+12025550111".into()), 0, "a number of the account");
    assert_eq!(refused(&|_, _| ()), 0, "one that the configuration has verified");
    assert_eq!(
        refused(&|bench, order| {
            let mut theirs = number("+12025550112");
            theirs.account = tipring_resources::Sid::new(tipring_resources::SidKind::Account, 5);
            bench.knows(theirs);
            order.from = "+12025550112".into();
        }),
        21210,
        "another account's"
    );
    let proven = |account| tipring_resources::CallerId {
        sid: tipring_resources::Sid::new(tipring_resources::SidKind::Number, 77),
        account,
        phone_number: "+12025550777".into(),
        friendly_name: String::new(),
        created: tipring_resources::Stamp(0),
        updated: tipring_resources::Stamp(0),
    };
    let shows = |bench: &mut Bench, order: &mut tipring_router::NewCall, account| {
        bench.event(Event::Directory(DirectoryChange::CallerId(proven(account))));
        order.from = "+12025550777".into();
    };
    assert_eq!(refused(&|bench, order| shows(bench, order, account().sid)), 0, "a caller id of the account");
    let other = tipring_resources::Sid::new(tipring_resources::SidKind::Account, 5);
    assert_eq!(refused(&|bench, order| shows(bench, order, other)), 21210, "another account's caller id");
    assert_eq!(
        refused(&|bench, order| {
            shows(bench, order, account().sid);
            bench.event(Event::Directory(DirectoryChange::CallerIdGone(proven(account().sid).sid)));
        }),
        21210,
        "deleted"
    );
    assert_eq!(refused(&|_, order| order.to = "+8821612345678".into()), 21215, "premium is closed");
    assert_eq!(refused(&|_, order| order.to = "hello".into()), 21211);
    assert_eq!(refused(&|_, order| order.from = "hello".into()), 21212);
    assert_eq!(refused(&|bench, _| bench.event(Event::Drain)), 20503);
    assert_eq!(
        refused(&|bench, _| {
            let mut asleep = account();
            asleep.status = AccountStatus::Suspended;
            bench.event(Event::Directory(DirectoryChange::Account(asleep)));
        }),
        20005
    );
}

#[test]
fn help_may_always_be_called() {
    let mut bench = bench();
    bench.store_commits = false;
    bench.event(Event::Drain);
    let mut order = Bench::order_url();
    order.to = "911".into();
    bench.creates(order);
    assert_eq!(bench.orders().len(), 1, "at once, whatever the store and the box do");
    assert!(bench.orders()[0].emergency);
}

/// Neither a number nor an application, an account that sleeps, a box that is being stopped, a store that keeps nothing:
/// any other number is refused there.
#[test]
fn help_that_is_dialled_on_a_telephone_of_the_box_asks_nobody_and_rings_for_minutes() {
    let mut bench = bench();
    bench.store_commits = false;
    let mut asleep = account();
    asleep.status = AccountStatus::Suspended;
    bench.event(Event::Directory(DirectoryChange::Account(asleep)));
    bench.event(Event::Drain);
    bench.telephone_dials(BOB);
    assert!(bench.orders().is_empty());
    bench.far_end("911", FarEnd::answers(90_000));
    bench.telephone_dials("911");
    bench.wait_ms(200);
    let [order] = bench.orders()[..] else { panic!("{}", bench.transcript()) };
    assert!(order.emergency && order.to == "911", "{order:?}");
    bench.wait_ms(91_000);
    assert_eq!(bench.call_to("911").status, CallStatus::InProgress);
    assert_eq!((bench.asked().len(), bench.codes().len()), (0, 0));
}

/// A line that rests after a call, or is not ready yet, is no reason to give help up.
#[test]
fn help_asks_for_a_line_again_until_there_is_one() {
    let mut bench = bench();
    bench.far_end("911", FarEnd::no_line(34, true));
    let mut order = Bench::order_url();
    order.to = "911".into();
    bench.creates(order.clone());
    bench.wait_ms(3_000);
    assert!(bench.orders().len() > 8, "{} orders in three seconds", bench.orders().len());
    bench.far_end("911", FarEnd::answers(500));
    bench.run_out();
    bench.ended(CallStatus::Completed, 16);

    let mut bench = Bench::bare(2);
    bench.far_end("911", FarEnd::no_line(34, true));
    bench.creates(order);
    bench.run_out();
    bench.ended(CallStatus::Failed, 34);
    assert!((40..=42).contains(&bench.orders().len()), "{} orders in ten seconds", bench.orders().len());
}

#[test]
fn help_is_not_refused_for_the_number_it_shows() {
    for from in ["+442079460999", "no number"] {
        let mut bench = bench();
        let mut order = Bench::order_url();
        (order.to, order.from) = ("911".into(), from.into());
        bench.creates(order);
        let order = bench.orders()[0];
        assert_eq!((order.to.as_str(), order.from.as_str()), ("911", SHOWN), "one that may be shown");
    }
}

#[test]
fn who_came_first_gets_the_first_free_line() {
    let mut bench = bench();
    bench.far_end(BOB, FarEnd::no_line(34, true));
    bench.far_end(EVE, FarEnd::no_line(34, true));
    bench.creates(Bench::order_url());
    bench.wait_ms(100);
    let mut second = Bench::order_url();
    second.to = EVE.into();
    bench.creates(second.clone());
    second.group = "other".into();
    bench.creates(second);
    bench.wait_ms(100);
    assert_eq!(bench.orders().len(), 2, "the second of the group waits for the first; another group has its own queue");
    bench.far_end(BOB, FarEnd::answers(500));
    bench.far_end(EVE, FarEnd::answers(500));
    bench.event(Event::Line(LineEvent::LineFree));
    bench.run_out();
    let order: Vec<_> = bench.orders().iter().map(|order| order.to.clone()).collect();
    assert_eq!(order[2..], [BOB, EVE, EVE], "one word may stand for several lines");
    assert_eq!(bench.router.live_calls().count(), 0);

    // For as long as the configuration lets it wait.
    let mut bench = Bench::bare(1);
    bench.far_end(BOB, FarEnd::no_line(34, true));
    bench.creates(Bench::order_url());
    bench.run_out();
    bench.ended(CallStatus::Failed, 34);
    assert!(bench.notifications()[0].text.contains("outbound.queue_s"));
    let call = bench.call_to(BOB);
    assert_eq!(call.ended.map(|ended| (ended.0 - call.created.0) / 1_000_000), Some(60));
    assert_eq!((bench.codes(), bench.cleared().len(), call.started), (vec![10004], 0, None));
    assert_eq!(bench.router.counters().queue_expired, 1);

    // The word comes while the refusal is on its way: it is not lost.
    let mut bench = Bench::bare(1);
    bench.far_end(BOB, FarEnd::no_line(34, true));
    bench.creates(Bench::order_url());
    bench.wait_ms(7);
    bench.far_end(BOB, FarEnd::answers(500));
    bench.event(Event::Line(LineEvent::LineFree));
    bench.wait_ms(1_000);
    assert_eq!((bench.orders().len(), bench.call_to(BOB).status), (2, CallStatus::InProgress));

    // A box that is being stopped keeps nobody waiting.
    let mut bench = Bench::bare(1);
    bench.far_end(BOB, FarEnd::no_line(34, true));
    bench.creates(Bench::order_url());
    bench.creates(Bench::order_url());
    bench.wait_ms(1_000);
    bench.event(Event::Drain);
    assert_eq!(bench.router.live_calls().count(), 0);
    bench.run_out();
    bench.ended(CallStatus::Failed, 42);

    // Who waits behind another one has waited for a line, too.
    let mut bench = Bench::bare(1);
    bench.far_end(BOB, FarEnd::no_line(34, true));
    bench.creates(Bench::order_url());
    bench.creates(Bench::order_url());
    bench.run_out();
    let causes: Vec<_> = bench.call_records().iter().filter_map(|call| call.cause).collect();
    assert_eq!((causes, bench.router.counters().queue_expired), (vec![34, 34], 2));
}

#[test]
fn an_attempt_that_moves_goes_on_on_its_new_line() {
    let mut bench = bench();
    bench.far_end(BOB, FarEnd { moved_ms: Some(50), ..FarEnd::answers(2_000) });
    bench.creates(Bench::order_url());
    bench.run_out();
    assert_eq!(bench.call_to(BOB).line, "sim 2/2");
    assert_eq!(bench.words(), ["hello"]);
    bench.ended(CallStatus::Completed, 16);
}

/// A call that is taken back while its line is being found: the line that comes is cleared, and so is one that moves.
#[test]
fn a_line_that_comes_too_late_is_cleared() {
    let mut bench = bench();
    bench.far_end(BOB, FarEnd { seized_ms: Some(3_000), ..FarEnd::rings() });
    bench.creates(Bench::order_url());
    bench.wait_ms(1_000);
    let call = bench.call_to(BOB).sid;
    bench.asks_to_end(call, true);
    bench.wait_ms(100);
    assert!(bench.cleared().is_empty() && bench.call_to(BOB).status == CallStatus::Canceled);
    bench.run_out();
    assert_eq!(bench.cleared(), [16]);
    assert_eq!(bench.router.deadline(), None);

    let mut bench = bench_moving();
    bench.creates(Bench::order_url());
    bench.wait_ms(100);
    let call = bench.call_to(BOB).sid;
    bench.line_clears = false;
    bench.asks_to_end(call, true);
    bench.wait_ms(1_000);
    let leases: Vec<_> = bench
        .log
        .iter()
        .filter_map(|(_, effect)| match effect {
            Effect::Line(LineCommand::Clear { lease, .. }) => Some(lease.index),
            _ => None,
        })
        .collect();
    assert_eq!(leases, [20, 21], "our clear met a lease that was void: the new one is cleared too");
}

fn bench_moving() -> Bench {
    let mut bench = bench();
    bench.far_end(BOB, FarEnd { moved_ms: Some(500), ..FarEnd::rings() });
    bench
}

#[test]
fn keys_are_sent_before_the_document_and_the_time_has_a_limit() {
    let mut bench = bench();
    bench.app(APP, &[xml("<Say>hello</Say><Pause length='600'/>")]);
    let mut order = Bench::order_url();
    order.send_digits = "12wW#".into();
    order.time_limit_s = 30;
    bench.creates(order);
    bench.run_out();
    assert_eq!(bench.words(), ["12ww#", "hello"]);
    assert!(bench.requests[0].0 >= Micros::from_ms(2_000 + 480 + 1_500));
    bench.ended(CallStatus::Completed, 16);
    assert_eq!(bench.call_to(BOB).duration_s(), Some(30));
}

#[test]
fn a_call_is_recorded_from_its_answer() {
    for dual in [false, true] {
        let mut bench = bench();
        bench.app(APP, &[xml("<Pause length='10'/>")]);
        bench.app("http://app.test/rec", &[App::Says("", String::new())]);
        let mut order = Bench::order_url();
        order.callback = Some(callback(false));
        order.record = Some(tipring_router::CallRecord {
            dual,
            track: tipring_router::Track::Both,
            trim: false,
            callback: "http://app.test/rec".into(),
            callback_method: tipring_resources::Method::Post,
            events: tipring_router::RecordingEvents { in_progress: true, completed: true, absent: true },
        });
        bench.creates(order);
        bench.wait_ms(1_000);
        assert!(bench.recordings().is_empty());
        bench.wait_ms(5_000);
        assert_eq!(bench.recordings().len(), 1);
        bench.run_out();
        let last = bench.recordings()[1];
        assert_eq!((last.source.as_str(), last.channels), ("OutboundAPI", 1 + u8::from(dual)));
        assert_eq!(last.status, tipring_resources::RecordingStatus::Completed);
        let (of_call, of_recording): (Vec<_>, Vec<_>) =
            bench.callbacks().into_iter().partition(|told| told.url.ends_with("/status"));
        let told: Vec<_> = of_recording.iter().map(|told| value(told, "RecordingStatus")).collect();
        assert_eq!(told, [Some("in-progress"), Some("completed")]);
        assert_eq!(value(of_call[0], "RecordingUrl"), value(of_recording[0], "RecordingUrl"));
        assert_eq!(value(of_call[0], "QueueTime"), Some("15"));
        assert!(!bench.has_open_recording());
    }
}

#[test]
fn c20_a_full_box_says_so() {
    let mut bench = bench();
    bench.far_end(BOB, FarEnd::rings());
    for _ in 0..2_000 {
        bench.creates(Bench::order_url());
    }
    let id = bench.creates(Bench::order_url());
    assert!(matches!(bench.reply(id), Some(Reply::Refused { code: Code(20503), .. })));
    let mut help = Bench::order_url();
    help.to = "911".into();
    bench.creates(help);
    assert_eq!((bench.router.counters().refused_full, bench.router.counters().calls_out), (1, 2_001));
}

#[test]
fn c15_a_call_whose_line_is_another_calls_waits_for_the_next() {
    let mut bench = bench();
    bench.app("http://app.test/status", &[App::Says("", String::new())]);
    bench.far_end(BOB, FarEnd::refuses(300, 44));
    let mut order = Bench::order_url();
    order.callback = Some(callback(true));
    bench.creates(order);
    bench.wait_ms(200);
    bench.far_end(BOB, FarEnd::no_line(34, true));
    bench.wait_ms(5_000);
    let call = bench.call_to(BOB);
    assert_eq!((call.status, call.started, call.line.as_str()), (CallStatus::Queued, None, ""));
    bench.far_end(BOB, FarEnd::answers(1_000));
    bench.event(Event::Line(LineEvent::LineFree));
    bench.run_out();
    bench.ended(CallStatus::Completed, 16);
    let callbacks = bench.callbacks();
    let told: Vec<_> = callbacks.iter().filter_map(|asked| value(asked, "CallStatus")).collect();
    assert_eq!(told.iter().filter(|status| **status == "initiated").count(), 1, "{told:?}");
    assert_eq!(bench.router.live_calls().count(), 0);

    // A network that refuses every channel is not asked for ever.
    let mut bench = Bench::bare(1);
    bench.far_end(BOB, FarEnd::refuses(300, 44));
    bench.creates(Bench::order_url());
    bench.run_out();
    bench.ended(CallStatus::Failed, 44);
    assert_eq!(bench.orders().len(), 4);

    // A Dial does not wait: its caller is there.
    let mut bench = Bench::with(&format!("<Dial><Number>{BOB}</Number></Dial>"));
    bench.far_end(BOB, FarEnd::refuses(300, 44));
    bench.rings();
    bench.run_out();
    assert_eq!(bench.orders().len(), 1);
}
