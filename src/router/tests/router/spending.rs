//! What calls out may cost: rates, minutes, lines and turns, on the whole router. The rules themselves are tested where
//! they live, in the guard.

use tipring_card::Micros;
use tipring_guard::spending::Limits;
use tipring_numbering::Class;
use tipring_resources::{Account, CallStatus, Code, Sid, SidKind};
use tipring_router::{
    DirectoryChange, Effect, Event, NewCall, NewMessage, Outbound, Reconfiguration, Reply, Request, TraceKind,
};

use crate::bench::*;

/// As a configuration has them that says nothing, with minutes for calls abroad.
fn shipped() -> Limits {
    Limits {
        calls_per_second: 0,
        calls_per_minute: 10,
        lines_percent: 50,
        longest: Micros::from_s(3_600),
        minutes_per_day: 120,
        international_minutes_per_day: 30,
        stop_patterns: true,
    }
}

/// A reload with these limits.
fn limits(limits: Limits) -> Event {
    let mut known = config(1);
    let open: std::collections::BTreeSet<Class> =
        [Class::National, Class::Mobile, Class::TollFree, Class::Short, Class::International].into();
    known.outbound = Outbound { open, limits, queue_limit: Micros::from_s(86_400), ..known.outbound };
    Event::Configure(Box::new(Reconfiguration { plan: known.plan, zone: known.zone, outbound: known.outbound }))
}

fn bench(with: Limits) -> Bench {
    let mut bench = Bench::bare(1);
    bench.event(limits(with));
    bench
}

/// A call to a number, which lasts so long.
fn order(to: &str, seconds: u32) -> NewCall {
    NewCall { to: to.into(), ..Bench::order(inline(&format!("<Pause length='{seconds}'/>"))) }
}

/// Code and text of a refusal; 0: there was none.
fn refusal(bench: &Bench, id: tipring_router::RequestId) -> (u32, String) {
    match bench.reply(id) {
        Some(Reply::Refused { code: Code(code), text, .. }) => (*code, text.clone()),
        _ => (0, String::new()),
    }
}

/// What the owner was told, with its minute.
fn alerts(bench: &Bench) -> Vec<(u64, &str)> {
    let told = bench.log.iter().filter_map(|(at, effect)| match effect {
        Effect::Trace(trace) if trace.kind == TraceKind::Guard => Some((at.as_s() / 60, trace.text.as_str())),
        _ => None,
    });
    told.collect()
}

/// A call for help is made.
#[track_caller]
fn help_is_called(bench: &mut Bench) {
    let before = bench.orders().len();
    let id = bench.creates(order("911", 5));
    bench.wait_ms(20_000);
    assert!(matches!(bench.reply(id), Some(Reply::Call(_))), "{:?}", bench.reply(id));
    assert_eq!(bench.orders().len(), before + 1);
    assert_eq!(bench.call_to("911").status, CallStatus::Completed);
}

#[test]
fn a_hundred_posts_are_ten_calls_in_the_first_minute() {
    let mut bench = bench(shipped());
    let ids: Vec<_> = (0..100)
        .map(|_| {
            let id = bench.creates(order(BOB, 1));
            bench.wait_ms(590);
            id
        })
        .collect();
    assert_eq!(bench.orders().len(), 10);
    assert!(
        matches!(bench.reply(ids[10]), Some(Reply::Refused { again_s: Some(55), .. })),
        "a whole second at most late"
    );
    let (code, text) = refusal(&bench, ids[10]);
    assert!(code == 20429 && text.contains("outbound.calls_per_minute") && text.contains("in 55 s"), "{code} {text}");
    assert_eq!(bench.router.counters().refused_rate, 90);
    help_is_called(&mut bench);
    // What costs nothing is not counted.
    bench.wait_ms(60_000);
    for _ in 0..20 {
        bench.creates(order("+18005550123", 1));
    }
    bench.wait_ms(1_000);
    assert_eq!(bench.orders().len(), 31);
}

#[test]
fn messages_of_an_account_have_the_same_rate() {
    let mut bench = bench(shipped());
    let id = (0..11).map(|_| {
        bench.request_of_api(Request::SendMessage(Box::new(NewMessage {
            account: account().sid,
            from: SHOWN.into(),
            to: BOB.into(),
            body: "x".into(),
            callback: String::new(),
        })))
    });
    let last = id.last().expect("eleven");
    assert_eq!(refusal(&bench, last).0, 20429);
    assert_eq!(bench.router.counters().refused_rate, 1);
    bench.creates(order(BOB, 1));
    bench.wait_ms(1_000);
    assert_eq!(bench.orders().len(), 1, "calls are counted for themselves");
}

/// From 20:00 on, one call after the other.
#[test]
fn the_minutes_of_a_day_end_and_the_owner_is_told_before() {
    let mut bench = bench(Limits { international_minutes_per_day: 0, ..shipped() });
    let mut last = (0, String::new());
    for _ in 0..20 {
        let id = bench.creates(order(BOB, 590));
        bench.wait_ms(600_000);
        last = refusal(&bench, id);
        if last.0 != 0 {
            break;
        }
    }
    let told = alerts(&bench);
    assert!(
        (95..=97).contains(&told[0].0) && told[0].1.ends_with("96 of the 120 of outbound.minutes_per_day"),
        "{told:?}"
    );
    assert!((119..=121).contains(&told[1].0) && told[1].1.contains("all 120 of"), "{told:?}");
    assert_eq!((bench.orders().len(), told.len(), last.0), (12, 2, 21216));
    assert!(last.1.starts_with("the 120 minutes of outbound.minutes_per_day are spent"), "{}", last.1);
    assert_eq!(bench.codes(), [21216, 21216], "a notification for each alert");
    assert_eq!(bench.router.counters().refused_spent, 1);
    help_is_called(&mut bench);
    bench.wait_ms(2 * 3_600_000);
    bench.creates(order(BOB, 1));
    bench.wait_ms(1_000);
    assert_eq!(bench.orders().len(), 14, "a new day");
}

#[test]
fn a_call_that_is_up_ends_with_the_last_minute_and_help_does_not() {
    let mut bench = bench(Limits { minutes_per_day: 3, ..shipped() });
    bench.creates(order("911", 600));
    bench.creates(order(BOB, 600));
    bench.wait_ms(400_000);
    let call = bench.call_to(BOB);
    assert_eq!((call.status, call.duration_s()), (CallStatus::Completed, Some(180)));
    assert_eq!(bench.call_to("911").status, CallStatus::InProgress);
    assert!(bench.notifications().iter().any(|it| it.text.starts_with("the call is ended: ") && it.call.is_some()));
    assert_eq!(bench.router.counters().cut_spent, 1);
    bench.run_out();
    bench.nothing_is_left();
}

#[test]
fn what_was_spent_before_the_start_is_spent_and_a_reload_with_more_opens_at_once() {
    let mut bench = Bench::bare(1);
    bench.event(limits(shipped()));
    bench.router.has_spent(120, 0);
    let id = bench.creates(order(BOB, 1));
    assert_eq!(refusal(&bench, id).0, 21216);
    bench.event(limits(Limits { minutes_per_day: 121, ..shipped() }));
    bench.creates(order(BOB, 1));
    bench.wait_ms(10_000);
    assert_eq!(bench.call_to(BOB).status, CallStatus::Completed);
}

#[test]
fn no_call_is_longer_than_the_longest() {
    let mut bench = bench(Limits { longest: Micros::from_s(90), ..shipped() });
    bench.knows(number("100"));
    bench.app(APP, &[xml("<Dial><Number>+12025550124</Number></Dial>")]);
    bench.creates(order(BOB, 600));
    bench.rings();
    bench.wait_ms(20_000);
    let change = tipring_router::CallChange {
        account: account().sid,
        call: bench.call_to(BOB).sid,
        instructions: None,
        fallback: None,
        callback: None,
        time_limit_s: Some(600),
    };
    bench.request_of_api(Request::ChangeCall(Box::new(change)));
    bench.wait_ms(200_000);
    for to in [BOB, EVE] {
        assert_eq!(bench.call_to(to).duration_s(), Some(90), "{to}");
    }
}

#[test]
fn a_night_of_fraud_is_stopped() {
    let mut bench = bench(shipped());
    bench.wait_ms(2 * 3_600_000);
    let began = bench.now;
    for attempt in 0..3_000_u64 {
        bench.creates(order(&format!("+2526{:08}", attempt * 37 % 100), 100));
        bench.wait_ms(9_600);
    }
    assert_eq!(bench.now.since(began).as_s(), 8 * 3_600);
    let minutes: i64 = bench.call_records().iter().filter_map(|call| call.duration_s()).map(|s| (s + 59) / 60).sum();
    assert!(bench.orders().len() <= 10 && minutes <= 12, "{} legs, {minutes} minutes", bench.orders().len());
    assert!(alerts(&bench).iter().any(|(at, text)| *at <= 121 && text.starts_with("calls are stopped: 5 calls")));
    assert!(bench.router.counters().refused_frozen > 2_900);
    help_is_called(&mut bench);
    let id = bench.creates(order("+4930123456", 1));
    let (code, text) = refusal(&bench, id);
    assert!(
        code == 21216 && text.contains("outbound.stop_patterns") && text.contains("open again in"),
        "{code} {text}"
    );
    bench.event(limits(shipped()));
    let id = bench.creates(order("+4930123456", 1));
    bench.wait_ms(1_000);
    assert_eq!(refusal(&bench, id).0, 0, "a reload opens them");
}

#[test]
fn a_dial_fails_where_its_call_may_not_begin() {
    let mut bench = bench(Limits { minutes_per_day: 0, ..shipped() });
    bench.knows(number("100"));
    bench.app(APP, &[xml("<Dial action='/dialled'><Number>+12025550123</Number></Dial>")]);
    bench.app("http://app.test/dialled", &[xml("<Dial><Number>911</Number></Dial>")]);
    bench.rings();
    bench.wait_ms(5_000);
    assert_eq!(value(bench.request(1), "DialCallStatus"), Some("failed"));
    assert_eq!(bench.codes(), [13225]);
    assert!(bench.notifications()[0].text.contains("outbound.minutes_per_day is 0"));
    assert_eq!(bench.orders().iter().map(|order| order.to.as_str()).collect::<Vec<_>>(), ["911"]);
}

fn other(id: u128) -> Account {
    Account { sid: Sid::new(SidKind::Account, id), ..account() }
}

/// Of four lines two are for calls out.
#[test]
fn e18_a_queue_of_five_hundred_calls_keeps_no_other_account_waiting() {
    let mut bench = bench(Limits { lines_percent: 50, ..Limits::default() });
    bench.router.has_lines(4);
    bench.event(Event::Directory(DirectoryChange::Account(other(0xb0b))));
    for _ in 0..500 {
        bench.creates(order(BOB, 30));
    }
    bench.wait_ms(10_000);
    assert_eq!(bench.orders().len(), 2, "who rings finds the other two");
    bench.creates(NewCall { account: other(0xb0b).sid, ..order(EVE, 30) });
    bench.wait_ms(10_000);
    assert_eq!(bench.orders().len(), 2);
    bench.creates(order("911", 5));
    bench.wait_ms(1_000);
    assert_eq!(bench.orders().len(), 3, "help stands in no queue");
    bench.wait_ms(19_000);
    let called: Vec<_> = bench.orders().iter().map(|order| order.to.clone()).collect();
    assert_eq!(called[3..], [EVE, BOB], "the next line is the other account's");
    bench.run_out();
    assert_eq!(bench.orders().len(), 502, "everybody has had a line in the end");
    let calls = bench.call_records();
    let most = (0..20_000_i64).step_by(7).map(|s| {
        let at = tipring_resources::Stamp(EPOCH.0 + s * 1_000_000);
        let is_up = |call: &&&tipring_resources::Call| {
            call.started.is_some_and(|began| began <= at)
                && call.ended.is_some_and(|ended| ended > at)
                && call.to != "911"
        };
        calls.iter().filter(is_up).count()
    });
    assert_eq!(most.max(), Some(2));
    bench.nothing_is_left();
}

#[test]
fn a_dial_does_not_take_the_lines_that_are_kept_for_who_rings() {
    let mut bench = bench(Limits { lines_percent: 50, ..Limits::default() });
    bench.router.has_lines(1);
    bench.knows(number("100"));
    bench.app(APP, &[xml("<Dial><Number>+12025550123</Number><Number>+12025550124</Number></Dial>")]);
    bench.rings();
    bench.wait_ms(5_000);
    assert_eq!(bench.orders().len(), 1, "the only line may be used");
    assert_eq!(bench.codes(), [13224]);
    assert!(bench.notifications()[0].text.contains("outbound.lines_percent"), "{:?}", bench.notifications());
    // More of them with a reload.
    let mut bench = Bench::bare(1);
    bench.router.has_lines(2);
    bench.event(limits(Limits { lines_percent: 50, ..Limits::default() }));
    bench.creates(order(BOB, 60));
    bench.creates(order(EVE, 60));
    bench.wait_ms(5_000);
    assert_eq!(bench.orders().len(), 1);
    bench.event(limits(Limits::default()));
    bench.wait_ms(5_000);
    assert_eq!(bench.orders().len(), 2);
}
