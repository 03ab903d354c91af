//! Calls out on PRI spans: what the router is told and what the exchange sees, from the choice of the line to its
//! release.

use tipring_card::{Law, Supervision};
use tipring_isdn::{Presentation, Screening};
use tipring_lines::{Group, Order};
use tipring_router::LineKind;

use super::*;

fn answers(rings_ms: u64, steps: Vec<Step>) -> Reply {
    Reply::Answer { rings: Micros::from_ms(rings_ms), steps }
}

fn two_spans(groups: Vec<Group>) -> Setting {
    let lines = LinesConfig { groups, ..LinesConfig::default() };
    Setting { wire: WireConfig { spans: 2, ..WireConfig::default() }, lines, ..Setting::default() }
}

fn group(name: &str, lines: &[&str]) -> Group {
    Group { name: name.into(), lines: lines.iter().map(ToString::to_string).collect(), ..Group::default() }
}

fn to_group(group: &str) -> Outgoing {
    Outgoing { to: "5550100".into(), group: group.into(), ..Outgoing::default() }
}

impl Bench {
    /// Why the last attempt found no line.
    #[track_caller]
    fn no_line(&self) -> (Cause, bool, &str) {
        match self.told.last() {
            Some(LineEvent::NoLine { cause, may_wait, text, .. }) => (*cause, *may_wait, text),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a15_a_call_goes_out_with_its_numbers_rings_and_is_answered() {
    let mut bench = Bench::calling(vec![("5550100", answers(500, stays()))], Setting::default());
    let attempt = bench.dial("5550100");
    let lease = bench.seized().0;
    let line = "sim 1/31".to_string();
    let seized = LineEvent::Seized { attempt, lease, line, law: Law::A, kind: LineKind::Isdn };
    assert_eq!(bench.told, [seized], "at once");
    bench.run_ms(300);
    assert_eq!(bench.story(lease), ["seized", "ringing"], "nobody has answered");
    bench.run_ms(600);
    assert_eq!(bench.story(lease), ["seized", "ringing", "answered"]);
    assert_eq!(bench.told.last(), Some(&LineEvent::Answered { lease, by: Supervision::Connect }));
    let report = bench.arrived();
    assert_eq!(
        (report.to.as_str(), report.from.as_deref(), report.timeslot),
        ("5550100", Some("2025550123"), Some(31))
    );
    let calling = report.calling.as_ref().expect("a calling number");
    assert_eq!((calling.presentation, calling.screening), (Presentation::Allowed, Screening::UserNotScreened));
    assert!(report.has_audio);
    bench.clear(lease, Cause::NORMAL);
    assert_eq!(bench.cleared(), [&LineEvent::Cleared { lease, cause: Cause::NORMAL, by_far_end: false }]);
    bench.run_ms(300);
    assert_eq!(bench.told.last(), Some(&LineEvent::LineFree));
    assert_eq!(bench.arrived().cause, Some(Cause::NORMAL));
    bench.assert_clear();
}

#[test]
fn b11_both_ways_are_heard_on_a_call_that_went_out() {
    let tone = vec![Step::Tone { hz: 800.0, ms: 2_000, level_dbm0: -10.0 }, Step::AwaitHangup { limit_ms: 60_000 }];
    let mut bench = Bench::calling(vec![("5550100", answers(100, tone))], Setting::default());
    bench.dial("5550100");
    let port = bench.seized().0;
    bench.run_ms(400);
    let play = PlayId(1);
    bench.media.command(Command::Play { port, play });
    bench.media.command(Command::Feed { play, port, len: FEED as u8, data: [0x11; FEED] });
    bench.media.command(Command::FeedEnd { play, port });
    let tap = tipring_switch::TapId(1);
    bench.media.command(Command::Tap { port, tap, both: false, quiet_ms: 0 });
    bench.run_ms(500);
    assert!(bench.arrived().phone.heard().windows(FEED).any(|window| window == [0x11; FEED]));
    let loud = bench.heard.iter().any(|event| matches!(event, Event::Audio { data, .. } if data[3] != 0xD5));
    assert!(loud, "the called party's tone is heard here");
}

#[test]
fn b12_a_call_that_is_refused_ends_with_the_networks_cause() {
    let refuse = |cause: u8| Reply::Refuse(Cause(cause));
    let replies = vec![
        ("17", refuse(17)),
        ("21", refuse(21)),
        ("42", refuse(42)),
        ("27", refuse(27)),
        ("170", Reply::RefuseWithTone(Cause::USER_BUSY)),
    ];
    let mut bench = Bench::calling(replies, Setting::default());
    for (number, cause) in [("17", 17), ("21", 21), ("42", 42), ("27", 27), ("170", 17), ("99", 1)] {
        bench.dial(number);
        let lease = bench.seized().0;
        bench.run_ms(1_000);
        assert_eq!(bench.cleared().last(), Some(&&LineEvent::Cleared { lease, cause: Cause(cause), by_far_end: true }));
        assert!(!bench.story(lease).contains(&"answered"), "{number}");
        bench.assert_clear();
    }
}

#[test]
fn b12_a_call_that_nobody_answers_is_given_up_by_us() {
    let mut bench = Bench::calling(vec![("5550100", Reply::RingForever)], Setting::default());
    bench.dial("5550100");
    let lease = bench.seized().0;
    bench.run_ms(20_000);
    assert_eq!(bench.story(lease), ["seized", "ringing"]);
    bench.clear(lease, Cause::NORMAL);
    bench.run_ms(300);
    assert_eq!(bench.arrived().connected_at, None);
    bench.assert_clear();
}

#[test]
fn b12_a_network_that_says_nothing_is_given_up_after_two_tries() {
    let mut bench = Bench::calling(vec![("5550100", Reply::Ignore)], Setting::default());
    bench.dial("5550100");
    let lease = bench.seized().0;
    bench.run_ms(7_500);
    assert_eq!(bench.story(lease), ["seized"], "T303 runs twice");
    bench.run_ms(1_500);
    let cause = Cause::TIMER_EXPIRY;
    assert_eq!(bench.cleared(), [&LineEvent::Cleared { lease, cause, by_far_end: false }]);
}

#[test]
fn a31_a_call_can_be_cleared_in_every_state() {
    for (number, after_ms) in [("1", 0), ("1", 20), ("2", 100), ("3", 400), ("1", 9_000)] {
        let replies = vec![("1", Reply::Ignore), ("2", Reply::RingForever), ("3", answers(100, stays()))];
        let mut bench = Bench::calling(replies, Setting::default());
        bench.dial(number);
        let lease = bench.seized().0;
        bench.run_ms(after_ms);
        bench.clear(lease, Cause::NORMAL);
        bench.run_ms(12_000);
        assert_eq!(bench.cleared().len(), 1, "{number} after {after_ms} ms: {:?}", bench.told);
        bench.assert_clear();
        assert_eq!(bench.told.last(), Some(&LineEvent::LineFree));
    }
}

#[test]
fn what_the_far_end_sends_before_the_answer_is_heard() {
    let exchange = ExchangeConfig { tones: Some(tipring_analog::ZoneId::default()), ..ExchangeConfig::default() };
    let setting = Setting { exchange, ..Setting::default() };
    let mut bench = Bench::calling(vec![("5550100", answers(3_000, stays()))], setting);
    bench.dial("5550100");
    let lease = bench.seized().0;
    bench.run_ms(2_000);
    assert_eq!(bench.story(lease).last(), Some(&"early media"));
    assert!(bench.story(lease).contains(&"ringing"), "{:?}", bench.told);
    assert!(bench.media.counters().blocks > 100, "the bearer is open");
    bench.run_ms(2_000);
    assert_eq!(bench.story(lease).last(), Some(&"answered"));
    assert_eq!(bench.count(|event| matches!(event, LineEvent::EarlyMedia { .. })), 1);
    assert_eq!(bench.media.counters().late_blocks, 0, "opened once, and kept");
}

#[test]
fn a_withheld_number_is_sent_as_withheld_and_none_is_not_sent() {
    let mut bench = Bench::calling(vec![("5550100", answers(100, stays()))], Setting::default());
    bench.dial_with(Outgoing { to: "5550100".into(), from: "123".into(), restricted: true, ..Outgoing::default() });
    bench.run_ms(100);
    let calling = bench.arrived().calling.clone().expect("the network must know it");
    assert_eq!((calling.number.digits.as_str(), calling.presentation), ("123", Presentation::Restricted));
    bench.dial_with(Outgoing { to: "5550100".into(), ..Outgoing::default() });
    bench.run_ms(100);
    assert_eq!(bench.arrived().calling, None);
}

#[test]
fn a15_lines_are_taken_from_the_end_where_the_network_does_not_begin() {
    let mut bench = Bench::calling(vec![("", Reply::RingForever)], Setting::default());
    bench.rings("a", stays());
    bench.run_ms(100);
    let mut lines = Vec::new();
    for _ in 0..3 {
        bench.dial("1");
        lines.push(bench.seized().1.to_string());
    }
    assert_eq!(lines, ["sim 1/31", "sim 1/30", "sim 1/29"]);
    let ascending = Group { order: Order::Ascending, ..group("up", &["sim 1"]) };
    let lines = LinesConfig { groups: vec![ascending], ..LinesConfig::default() };
    let mut bench = Bench::calling(vec![("", Reply::RingForever)], Setting { lines, ..Setting::default() });
    bench.dial("1");
    assert_eq!(bench.seized().1, "sim 1/1");
}

#[test]
fn a_full_span_says_so_and_a_line_that_goes_free_may_be_taken() {
    let mut bench = Bench::calling(vec![("", Reply::RingForever)], Setting::default());
    for _ in 0..30 {
        bench.dial("1");
    }
    bench.run_ms(1_000);
    assert_eq!(bench.count(|event| matches!(event, LineEvent::Seized { .. })), 30);
    bench.dial("1");
    let (cause, may_wait, text) = bench.no_line();
    assert_eq!((cause, may_wait), (Cause::NO_CHANNEL, true));
    assert!(text.contains("all 30 lines"), "{text}");
    let before = bench.count(|event| matches!(event, LineEvent::LineFree));
    let lease = bench.seized().0;
    bench.clear(lease, Cause::NORMAL);
    bench.run_ms(300);
    assert_eq!(bench.count(|event| matches!(event, LineEvent::LineFree)), before + 1);
    bench.dial("1");
    assert_eq!(bench.seized().0, Port { generation: lease.generation + 1, ..lease });
}

#[test]
fn a_call_before_the_channels_are_restarted_may_wait_and_is_told_when() {
    let mut bench = Bench::new();
    bench.dial("1");
    let (cause, may_wait, _) = bench.no_line();
    assert_eq!((cause, may_wait), (Cause::NETWORK_OUT_OF_ORDER, false), "the link is not up");
    while !bench.signalling.spans().all(tipring_lines::Span::link_is_up) {
        bench.run_ms(10);
    }
    bench.dial("1");
    assert_eq!((bench.no_line().0, bench.no_line().1), (Cause::NO_CHANNEL, true), "channels are being restarted");
    bench.run_ms(READY_MS);
    assert!(bench.count(|event| matches!(event, LineEvent::LineFree)) > 0);
    bench.dial("1");
    bench.seized();
}

#[test]
fn a_group_has_its_own_lines_and_an_unknown_one_is_named() {
    let groups = vec![group("first", &["sim 2/5", "sim 2/6"]), group("second", &["sim 1"])];
    let mut bench = Bench::calling(vec![("", Reply::RingForever)], two_spans(groups));
    for (name, line) in [("", "sim 2/5"), ("first", "sim 2/6"), ("second", "sim 1/31")] {
        bench.dial_with(to_group(name));
        assert_eq!(bench.seized().1, line);
    }
    bench.dial_with(to_group("first"));
    assert_eq!((bench.no_line().0, bench.no_line().1), (Cause::NO_CHANNEL, true));
    bench.dial_with(to_group("third"));
    let (cause, may_wait, text) = bench.no_line();
    assert_eq!((cause, may_wait), (Cause(3), false));
    assert!(text.contains("first, second"), "{text}");
    bench.dial_with(Outgoing { emergency: true, ..to_group("first") });
    assert_eq!(bench.seized().1, "sim 1/30", "help is called on any line");
}

#[test]
fn a_span_in_alarm_is_passed_over_and_a_box_without_lines_says_what_is_wrong() {
    let mut bench = Bench::calling(vec![("", Reply::RingForever)], two_spans(vec![group("all", &["sim 1", "sim 2"])]));
    bench.wire.plug(SpanId(1), false);
    bench.run_ms(2_000);
    bench.dial("1");
    assert_eq!(bench.seized().1, "sim 2/31");
    bench.wire.plug(SpanId(2), false);
    bench.run_ms(2_000);
    bench.dial("1");
    // The call of before still has its channel: it is not free, and nobody knows whether it will be.
    assert!(!bench.no_line().1 || bench.no_line().0 == Cause::NO_CHANNEL);
    let lines = LinesConfig { groups: vec![group("none", &["sim 7"])], ..LinesConfig::default() };
    let mut bench = Bench::calling(Vec::new(), Setting { lines, ..Setting::default() });
    bench.dial("1");
    assert_eq!((bench.no_line().0, bench.no_line().1), (Cause::OUT_OF_ORDER, false));
    assert!(bench.notes.iter().any(|note| note.contains("'sim 7'")), "{:?}", bench.notes);
}

#[test]
fn a_call_that_the_network_has_no_channel_for_moves_twice_and_then_ends() {
    let mut bench = Bench::calling(vec![("", Reply::Refuse(Cause::NO_CHANNEL))], two_spans(Vec::new()));
    bench.dial("1");
    let first = bench.seized().0;
    bench.run_ms(1_000);
    let lines: Vec<&str> = bench
        .told
        .iter()
        .filter_map(|event| match event {
            LineEvent::Seized { line, .. } | LineEvent::Moved { line, .. } => Some(line.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(lines, ["sim 1/31", "sim 1/30", "sim 1/29"]);
    let last = bench.seized().0;
    assert_ne!(first, last);
    let cleared = LineEvent::Cleared { lease: last, cause: Cause::NO_CHANNEL, by_far_end: true };
    assert_eq!(bench.cleared(), [&cleared], "the leases that it moved from are void without a word");
    bench.assert_clear();
}

#[test]
fn a_number_that_cannot_be_sent_takes_no_line() {
    let mut bench = Bench::calling(Vec::new(), Setting::default());
    for number in ["", "12x4", &"1".repeat(41)] {
        bench.dial(number);
        assert_eq!((bench.no_line().0, bench.no_line().1), (Cause(28), false), "{number}");
    }
    bench.assert_clear();
}

#[test]
fn a_prefix_is_dialled_before_everything_and_a_pause_is_passed_over() {
    let prefixed = Group { prefix: "9w".into(), ..group("out", &["sim 1"]) };
    let lines = LinesConfig { groups: vec![prefixed], ..LinesConfig::default() };
    let mut bench = Bench::calling(vec![("", Reply::RingForever)], Setting { lines, ..Setting::default() });
    bench.dial("5550100");
    bench.run_ms(100);
    assert_eq!((bench.arrived().to.as_str(), bench.arrived().from.as_deref()), ("95550100", Some("2025550123")));
}

#[test]
fn both_ends_that_take_one_channel_at_the_same_moment_both_get_through() {
    let mut bench = Bench::calling(vec![("5550100", answers(200, stays()))], Setting::default());
    let call = Call {
        id: "in".into(),
        at: bench.now,
        to: "100".into(),
        timeslot: Some(31),
        steps: stays(),
        ..Call::default()
    };
    bench.exchange.ring(call).expect("a good call");
    bench.exchange.step(bench.now); // its SETUP is on the wire
    bench.dial("5550100");
    let ours = bench.seized().0;
    bench.run_ms(200);
    let theirs = bench.lease();
    assert_ne!(ours, theirs);
    bench.command(LineCommand::Answer { lease: theirs });
    bench.run_ms(500);
    assert_eq!(bench.story(theirs), ["incoming", "answered"]);
    assert_eq!(bench.story(ours), ["seized", "ringing", "answered"], "{:?}", bench.notes);
    assert_eq!(bench.signalling.spans().map(|span| span.counters().glares).sum::<u64>(), 1);
    let slots = (bench.exchange.call("in").and_then(|call| call.timeslot), bench.arrived().timeslot);
    assert!(slots.0 == Some(31) && slots.1.is_some_and(|slot| slot != 31), "{slots:?}");
    bench.clear(ours, Cause::NORMAL);
    bench.clear(theirs, Cause::NORMAL);
    bench.run_ms(500);
    bench.assert_clear();
    assert_eq!(bench.cleared().len(), 2);
}

#[test]
fn a_collision_on_the_last_channel_leaves_it_to_the_incoming_call() {
    let mut bench = Bench::calling(vec![("", Reply::RingForever)], Setting::default());
    for _ in 0..29 {
        bench.dial("1");
    }
    bench.run_ms(500);
    let call =
        Call { id: "in".into(), at: bench.now, to: "100".into(), timeslot: Some(1), steps: stays(), ..Call::default() };
    bench.exchange.ring(call).expect("a good call");
    bench.exchange.step(bench.now);
    bench.dial("1");
    let ours = bench.seized();
    assert_eq!(ours.1, "sim 1/1");
    let ours = ours.0;
    bench.run_ms(500);
    let theirs = bench.lease();
    assert!(bench.story(theirs).contains(&"incoming"));
    assert_eq!(bench.story(ours).last(), Some(&"cleared"), "{:?}", bench.told);
    assert_eq!(bench.cleared().len(), 1);
}

#[test]
fn a_card_that_is_taken_out_ends_calls_in_every_state() {
    let replies = vec![("1", Reply::Ignore), ("2", Reply::RingForever), ("3", answers(100, stays()))];
    let mut bench = Bench::calling(replies, Setting::default());
    for number in ["1", "2", "3"] {
        bench.dial(number);
    }
    bench.run_ms(500);
    bench.wire.remove(Side::Near);
    bench.run_ms(2_000);
    assert_eq!(bench.cleared().len(), 3);
    let out_of_order = |event: &&LineEvent| matches!(event, LineEvent::Cleared { cause: Cause::OUT_OF_ORDER, .. });
    assert!(bench.cleared().iter().all(out_of_order), "{:?}", bench.cleared());
    bench.dial("1");
    assert!(!bench.no_line().1);
}

#[test]
fn each_form_of_a_number_reaches_the_network_as_it_was_meant() {
    use tipring_isdn::Ton;
    use tipring_numbering::{Form, Plan};
    let plan =
        Plan { country: "44".into(), trunk_prefix: "0".into(), international_prefix: "00".into(), ..Plan::default() };
    for (plan, form, called, calling, ton) in [
        (plan.clone(), Form::Dialled, "0012025550100", "02079460000", Ton::Unknown),
        (plan.clone(), Form::Typed, "12025550100", "2079460000", Ton::National),
        (plan.clone(), Form::Digits, "12025550100", "442079460000", Ton::Unknown),
        (plan, Form::Plus, "+12025550100", "+442079460000", Ton::Unknown),
        (Plan::default(), Form::Dialled, "12025550100", "442079460000", Ton::International),
    ] {
        let lines =
            LinesConfig { plan, groups: vec![Group { form, ..group("out", &["sim 1"]) }], ..LinesConfig::default() };
        let mut bench = Bench::calling(vec![("", Reply::RingForever)], Setting { lines, ..Setting::default() });
        let (to, from) = ("+12025550100".into(), "+442079460000".into());
        bench.dial_with(Outgoing { to, from, ..Outgoing::default() });
        bench.run_ms(100);
        let number = bench.arrived().calling.clone().expect("a calling number").number;
        assert_eq!(
            (bench.arrived().to.as_str(), number.digits.as_str(), number.ton),
            (called, calling, ton),
            "{form:?}"
        );
    }
}

#[test]
fn as_the_network_we_begin_below_vouch_for_the_number_and_keep_a_disputed_channel() {
    let exchange = ExchangeConfig { role: Role::User, ..ExchangeConfig::default() };
    let setting = Setting { exchange, lines: Role::Network.into(), ..Setting::default() };
    let mut bench = Bench::calling(vec![("5550100", answers(200, stays()))], setting);
    let call =
        Call { id: "in".into(), at: bench.now, to: "100".into(), timeslot: Some(1), steps: stays(), ..Call::default() };
    bench.exchange.ring(call).expect("a good call");
    bench.exchange.step(bench.now);
    let name = "Reception".to_string();
    bench.dial_with(Outgoing { to: "5550100".into(), from: "2025550123".into(), name, ..Outgoing::default() });
    let (ours, line) = (bench.seized().0, bench.seized().1.to_string());
    assert_eq!(line, "sim 1/1");
    bench.run_ms(1_000);
    assert_eq!(bench.story(ours), ["seized", "ringing", "answered"]);
    let report = bench.arrived();
    assert_eq!((report.timeslot, report.name.as_deref()), (Some(1), Some("Reception")));
    assert_eq!(report.calling.as_ref().map(|calling| calling.screening), Some(Screening::Network));
    assert!(bench.count(|event| matches!(event, LineEvent::Incoming { .. })) <= 1);
    assert_eq!(bench.signalling.spans().map(|span| span.counters().glares).sum::<u64>(), 0, "the user yields");
}

#[test]
fn an_emergency_call_waits_for_nobody_but_cuts_nobody_off() {
    let mut bench = Bench::calling(vec![("", Reply::RingForever)], two_spans(vec![group("one", &["sim 1/3"])]));
    bench.dial_with(to_group("one"));
    bench.run_ms(100);
    let number = bench.wire.emergency_number("112");
    let help = || Outgoing { to: number.digits().into(), group: "one".into(), emergency: true, ..Outgoing::default() };
    bench.dial_with(help());
    assert_eq!(bench.seized().1, "sim 1/31", "a line of no group at all");
    bench.run_ms(100);
    assert_eq!(bench.arrived().to, "112");
    for _ in 0..58 {
        bench.dial_with(help());
        bench.run_ms(20);
    }
    bench.dial_with(help());
    assert_eq!((bench.no_line().0, bench.no_line().1), (Cause::NO_CHANNEL, true), "{}", bench.no_line().2);
    assert!(bench.cleared().is_empty());
}

#[test]
fn a_link_that_goes_before_the_network_has_answered_sends_the_call_to_another_span() {
    let mut bench = Bench::calling(vec![("", Reply::Ignore)], two_spans(Vec::new()));
    bench.dial("1");
    let first = bench.seized().0;
    assert_eq!(bench.seized().1, "sim 1/31");
    bench.wire.plug(SpanId(1), false);
    bench.run_ms(2_000);
    let Some(LineEvent::Moved { from, line, .. }) = bench.told.iter().find(|e| matches!(e, LineEvent::Moved { .. }))
    else {
        panic!("{:?} {:?}", bench.told, bench.notes);
    };
    assert_eq!((*from, line.as_str()), (first, "sim 2/31"));
    assert!(bench.cleared().is_empty());
}
