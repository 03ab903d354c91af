//! What changes of a card while calls go on: the use of a channel, a telephone on a port, a device that is taken away and
//! comes back.

use tipring_card::{Maintenance, Use};
use tipring_lines::{Group, Telephone as Plugged};

use super::*;

fn answers() -> Reply {
    Reply::Answer { rings: Micros::from_ms(500), steps: vec![Step::AwaitHangup { limit_ms: 600_000 }] }
}

/// An E1 with an exchange and as many lines with an office, all with groups of their own.
fn setting(analog_ports: u16) -> Setting {
    let group = |name: &str, line: &str| Group { name: name.into(), lines: vec![line.into()], ..Group::default() };
    let lines = LinesConfig {
        groups: vec![group("pri", "sim 1"), group("first", "sim 2/1"), group("second", "sim 2/2")],
        analog: dialled_is_answered(),
        ..LinesConfig::default()
    };
    Setting { wire: WireConfig { analog_ports, ..WireConfig::default() }, lines, ..Setting::default() }
}

/// A line counts as answered when its digits are out, and nobody needs to speak: what the far end says is not what these
/// tests are about.
fn dialled_is_answered() -> tipring_analog::Config {
    tipring_analog::Config {
        answer: tipring_analog::AnswerSign::Dialled,
        silence_limit: Micros::ZERO,
        ..tipring_analog::Config::default()
    }
}

impl Bench {
    #[track_caller]
    fn speaks(&mut self, group: &str) -> Port {
        self.dial_with(Outgoing { to: "5550100".into(), group: group.into(), ..Outgoing::default() });
        self.run_ms(12_000);
        let lease = self.seized().0;
        assert_eq!(self.story(lease).last(), Some(&"answered"), "{group}: {:?} {:?}", self.told, self.notes);
        lease
    }

    fn word(&self, line: &str) -> Option<&'static str> {
        let (span, timeslot) = line.split_once('/').expect("span/timeslot");
        let gauges = self.signalling.gauges();
        let span = gauges.iter().find(|gauge| gauge.name == span)?;
        span.channels.iter().find(|(at, _)| at.to_string() == timeslot).map(|(_, word)| *word)
    }

    fn uses(&mut self, setting: &LinesConfig, to: Use) -> Vec<String> {
        self.signalling.configure(&LinesConfig { uses: vec![(SpanId(2), 2, to)], ..setting.clone() })
    }
}

#[test]
fn a_channel_gets_another_use_while_calls_go_on_and_is_what_it_was_again() {
    let mut bench = Bench::calling(vec![("5550100", answers())], setting(2));
    let lines = setting(2).lines;
    let others = [bench.speaks("pri"), bench.speaks("first")];
    assert_eq!(bench.word("sim 2/2"), Some("idle"));
    let before = bench.media.counters();
    for _ in 0..3 {
        assert!(bench.uses(&lines, Use::Unused).iter().all(|complaint| complaint.contains("second")));
        bench.run_ms(1_500);
        assert_eq!(bench.word("sim 2/2"), None, "{:?}", bench.notes);
        bench.dial_with(Outgoing { to: "5550100".into(), group: "second".into(), ..Outgoing::default() });
        bench.run_ms(100);
        assert!(matches!(bench.told.last(), Some(LineEvent::NoLine { .. })), "{:?}", bench.told.last());
        assert_eq!(bench.uses(&lines, Use::Fxo), Vec::<String>::new());
        bench.run_ms(1_500);
        assert_eq!(bench.word("sim 2/2"), Some("idle"), "{:?}", bench.notes);
        assert!(bench.signalling.waiting().is_empty());
    }
    bench.run_ms(3_000);
    let third = bench.speaks("second");
    assert!(others.iter().all(|other| other.index != third.index), "a place of its own in the switch");
    let after = bench.media.counters();
    assert_eq!((after.late_blocks, after.lost_blocks), (before.late_blocks, before.lost_blocks), "nobody noticed");
    for lease in others {
        assert_eq!(bench.story(lease).last(), Some(&"answered"), "{:?}", bench.notes);
    }
}

#[test]
fn a_channel_with_a_call_keeps_its_use_until_the_call_is_over() {
    let mut bench = Bench::calling(vec![("5550100", answers())], setting(2));
    let lines = setting(2).lines;
    let lease = bench.speaks("second");
    bench.uses(&lines, Use::Unused);
    bench.run_ms(5_000);
    assert_eq!((bench.signalling.waiting(), bench.word("sim 2/2")), (vec!["sim 2/2".to_string()], Some("in call")));
    bench.clear(lease, Cause::NORMAL);
    bench.run_ms(6_000);
    assert!(bench.signalling.waiting().is_empty() && bench.word("sim 2/2").is_none(), "{:?}", bench.notes);
    // A stale word for the line that is no more reaches nobody.
    bench.command(LineCommand::Answer { lease });
    bench.run_ms(100);
    assert_eq!(bench.signalling.runaways(), 0);
}

#[test]
fn what_a_card_cannot_make_of_a_channel_is_said_and_the_channel_stays() {
    let mut bench = Bench::calling(vec![("5550100", answers())], setting(2));
    bench.uses(&setting(2).lines, Use::Fxs);
    bench.run_ms(3_000);
    let said = "sim 2/2: cannot become fxs now: the channel cannot do this; it stays as it is";
    assert_eq!(bench.notes.iter().filter(|note| *note == said).count(), 1, "{:?}", bench.notes);
    assert_eq!((bench.word("sim 2/2"), bench.signalling.waiting().len()), (Some("idle"), 0));
    bench.run_ms(3_000);
    bench.speaks("second");
}

#[test]
fn a_port_gets_a_telephone_and_loses_it_while_the_box_runs() {
    let wire = WireConfig { spans: 0, phone_ports: 2, ..WireConfig::default() };
    let mut bench = Bench::of(Setting { wire, ..Setting::default() });
    bench.run_ms(READY_MS);
    assert_eq!(bench.word("sim 1/1"), None, "a port without a telephone is left alone");
    let telephone = Plugged { line: "sim 1/1".into(), number: "21".into(), ..Plugged::default() };
    let with = LinesConfig { telephones: vec![telephone], ..LinesConfig::default() };
    bench.signalling.configure(&with);
    bench.run_ms(READY_MS);
    assert_eq!((bench.word("sim 1/1"), bench.word("sim 1/2")), (Some("idle"), None));
    let now = bench.now;
    bench.telephones[0].lift(now, vec![Step::Wait { ms: 600 }, Step::press("911"), Step::Wait { ms: 600_000 }]);
    bench.run_ms(1_500);
    let lease = bench.lease();
    bench.signalling.configure(&LinesConfig::default());
    bench.run_ms(3_000);
    assert_eq!(bench.signalling.waiting(), ["sim 1/1"]);
    let now = bench.now;
    bench.telephones[0].put_down(now);
    bench.run_ms(5_000);
    assert_eq!(bench.story(lease).last(), Some(&"cleared"));
    assert_eq!((bench.word("sim 1/1"), bench.signalling.waiting().len()), (None, 0));
}

#[test]
fn messages_wait_for_a_telephone_whether_or_not_it_is_there_yet() {
    let wire = WireConfig { spans: 0, phone_ports: 1, ..WireConfig::default() };
    let mut bench = Bench::of(Setting { wire, ..Setting::default() });
    bench.run_ms(READY_MS);
    let wait = |waiting| LineCommand::MessagesWait { line: "sim 1/1".into(), waiting };
    let telephone = Plugged { line: "sim 1/1".into(), number: "21".into(), ..Plugged::default() };
    let with = LinesConfig { telephones: vec![telephone], ..LinesConfig::default() };
    bench.command(wait(true));
    bench.signalling.configure(&with);
    bench.run_ms(READY_MS + 4_000);
    assert_eq!(bench.telephones[0].messages(), Some(true));
    // Taken away and given back, with none waiting any more: nothing is told of old.
    bench.signalling.configure(&LinesConfig::default());
    bench.run_ms(5_000);
    bench.command(wait(false));
    bench.signalling.configure(&with);
    bench.run_ms(READY_MS + 4_000);
    // What changes while the telephone is being told is told behind it.
    bench.command(wait(true));
    bench.command(wait(false));
    bench.run_ms(8_000);
    assert_eq!(bench.telephones[0].messages(), Some(false));
}

#[test]
fn a_loop_is_refused_under_calls_on_an_unknown_span_and_where_the_card_has_none() {
    let mut bench = Bench::calling(vec![("5550100", answers())], setting(2));
    let asks = |bench: &mut Bench, span: &str, what| bench.signalling.maintain(span, what, &mut Vec::new());
    let (lookup, gone) = (asks(&mut bench, "sim 9", Maintenance::Off), "there are sim 1, sim 2");
    assert!(lookup.is_err_and(|why| why.contains("no span has this name") && why.contains(gone)));
    let lease = bench.speaks("first");
    let why = asks(&mut bench, "sim 2", Maintenance::LineLoop).expect_err("somebody speaks");
    assert_eq!(why, "sim 2 has a call, which line-loop would end: wait, or end them");
    // What disturbs nobody is the card's affair, and the other span has no call.
    for (span, what) in [("sim 2", Maintenance::ResetCounters), ("sim 1", Maintenance::LineLoop)] {
        let why = asks(&mut bench, span, what).expect_err("a simulated card has no such circuit");
        assert_eq!(why, format!("{span}: its card has no {}", what.as_str()));
    }
    assert_eq!(bench.story(lease).last(), Some(&"answered"));
}

/// Both spans have a call; the device of one goes and comes back.
fn a_device_goes(taken: SpanId, groups: [&str; 2]) {
    let mut bench = Bench::calling(vec![("5550100", answers())], setting(2));
    let [goes, stays] = groups.map(|group| bench.speaks(group));
    let names: Vec<String> = bench.signalling.gauges().iter().map(|gauge| gauge.name.clone()).collect();
    let before = bench.media.counters();
    bench.wire.take_span(Side::Near, taken);
    let taken_at = bench.now;
    while bench.story(goes).last() != Some(&"cleared") {
        bench.run_ms(10);
        assert!(bench.now.since(taken_at) <= Micros::from_ms(500), "{:?}", bench.notes);
    }
    let over = bench.told.iter().find_map(|event| match event {
        LineEvent::Cleared { lease, cause, .. } if *lease == goes => Some(*cause),
        _ => None,
    });
    assert_eq!(over, Some(Cause::OUT_OF_ORDER));
    bench.run_ms(20_000);
    let after = bench.media.counters();
    assert_eq!(bench.story(stays).last(), Some(&"answered"), "the other one goes on");
    // The one that is gone may miss the block in which it went.
    assert!(after.late_blocks - before.late_blocks <= 1 && after.lost_blocks == before.lost_blocks, "{after:?}");
    bench.dial_with(Outgoing { to: "5550100".into(), group: groups[0].into(), ..Outgoing::default() });
    bench.run_ms(100);
    assert!(matches!(bench.told.last(), Some(LineEvent::NoLine { .. })), "{:?}", bench.told.last());
    bench.wire.give_span_back(Side::Near, taken);
    bench.run_ms(30_000);
    let again: Vec<String> = bench.signalling.gauges().iter().map(|gauge| gauge.name.clone()).collect();
    assert_eq!(names, again, "the same names");
    bench.speaks(groups[0]);
    assert_eq!(bench.story(stays).last(), Some(&"answered"));
}

#[test]
fn the_device_of_analogue_lines_goes_its_call_ends_and_it_comes_back_under_its_name() {
    a_device_goes(SpanId(2), ["first", "pri"]);
}

#[test]
fn the_device_of_a_pri_goes_its_call_ends_and_it_comes_back_under_its_name() {
    a_device_goes(SpanId(1), ["pri", "first"]);
}
