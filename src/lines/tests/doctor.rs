//! The doctor's visits: two lines of the box, lent to it, call each other through an exchange that has its own ideas.

use tipring_analog::{AnswerSign, Config, Reversal, Trusted};
use tipring_doctor::{Effect, Event as Happened, Order, Report, Visit};
use tipring_dsp::{Cadence, ZoneId};
use tipring_lines::{AnalogLine, Group};
use tipring_sim::{CallerIdForm, Clearing, Echo, LineFault};

use super::*;

const A: &str = "sim 1/1";
const B: &str = "sim 1/2";
const NUMBER_A: &str = "5550101";
const NUMBER_B: &str = "5550102";

fn order() -> Order {
    Order { line: A.into(), number: NUMBER_A.into(), with: B.into(), with_number: NUMBER_B.into() }
}

/// A box in Britain with two lines of one exchange.
fn bench(office: OfficeConfig, config: Config) -> Bench {
    let zone = ZoneId::of("gb").expect("a zone");
    let wire = WireConfig { spans: 0, analog_ports: 2, ..WireConfig::default() };
    let line_numbers = vec![(NUMBER_A.into(), 1), (NUMBER_B.into(), 2)];
    let office = OfficeConfig { zone, line_numbers, ..office };
    let groups = vec![Group { name: "a".into(), lines: vec![A.into()], ..Group::default() }];
    let lines = LinesConfig { analog: Config { zone, ..config }, groups, ..LinesConfig::default() };
    let mut bench = Bench::of(Setting { wire, office, lines, ..Setting::default() });
    bench.run_ms(READY_MS);
    bench
}

impl Bench {
    /// Plays a visit to its end.
    fn visit(&mut self, order: Order) -> Report {
        self.visit_amid(order, |_, _| {})
    }

    /// The same, with something that happens meanwhile; it gets the number of the block.
    fn visit_amid(&mut self, order: Order, mut amid: impl FnMut(&mut Bench, u64)) -> Report {
        self.examined.clear();
        self.heard.clear();
        let mut visit = Visit::new(self.now, order.clone());
        for block in 0..20_000 {
            self.carry(&mut visit);
            if let Some(outcome) = visit.outcome() {
                let report = Report::of(&order, outcome);
                self.run_ms(3_000);
                return report;
            }
            amid(self, block);
            self.run_ms(10);
        }
        panic!("no end");
    }

    fn carry(&mut self, visit: &mut Visit) {
        loop {
            let examined: Vec<_> = self.examined.drain(..).collect();
            let heard: Vec<_> = self.heard.drain(..).filter(Visit::is_concerned).collect();
            let quiet = examined.is_empty() && heard.is_empty();
            examined.into_iter().for_each(|it| visit.handle(self.now, Happened::Examined(Box::new(it))));
            heard.into_iter().for_each(|it| visit.handle(self.now, Happened::Switch(it)));
            if visit.deadline().is_some_and(|at| at <= self.now) {
                visit.handle(self.now, Happened::Timer);
            }
            let mut effects = Vec::new();
            effects.extend(std::iter::from_fn(|| visit.poll()));
            if quiet && effects.is_empty() {
                return;
            }
            for effect in effects {
                match effect {
                    Effect::Examine(examine) => {
                        let mut actions = Vec::new();
                        self.signalling.examine(self.now, examine, &mut actions);
                        self.carry_out(actions);
                    }
                    Effect::Switch(command) => self.media.command(command),
                    Effect::Progress(_) => {}
                }
            }
        }
    }
}

fn proposed(report: &Report) -> Vec<(&str, &str)> {
    report.proposals.iter().map(|it| (it.key.as_str(), it.to.as_str())).collect()
}

#[test]
fn inst5_a_line_that_is_as_it_was_set_is_told_nothing() {
    let mut bench = bench(OfficeConfig::default(), Config::default());
    let report = bench.visit(order());
    assert_eq!(report.failure, None, "{}", report.text());
    assert_eq!(proposed(&report), [], "{}", report.text());
    assert!(report.line_time_s < 90.0, "{}", report.text());
    println!("{}", report.text());
}

/// A busy tone that Britain does not have.
const FOREIGN_BUSY: Cadence = Cadence { hz: [425, 0], modulated: false, on_off_ms: &[500, 500] };

/// An exchange that hangs up with a foreign tone and reverses nothing, and a long line to it.
fn ill() -> OfficeConfig {
    let weak = LineFault { line: 1, loss_db: 6.0, ..LineFault::default() };
    OfficeConfig {
        clearing: Clearing::BusyTone,
        busy_tone: Some(FOREIGN_BUSY),
        lines_differ: vec![weak],
        ..OfficeConfig::default()
    }
}

#[test]
fn inst5_a_foreign_busy_tone_a_missing_reversal_and_a_weak_line_are_found_in_ninety_seconds() {
    let config = Config {
        answer: AnswerSign::Reversal,
        trusted: Trusted { reversal: Reversal::Certain, ..Trusted::default() },
        ..Config::default()
    };
    let mut bench = bench(ill(), config);
    let report = bench.visit(order());
    assert_eq!(
        proposed(&report),
        [
            ("answer", "\"voice\""),
            ("hang_up_reversal", "\"doubted\""),
            ("hang_up_tone", "\"425 500/500\""),
            ("receive_gain_db", "6"),
        ],
        "{}",
        report.text()
    );
    assert!(report.line_time_s < 90.0, "{}", report.text());
    for call in &report.calls {
        let level = call.received_dbm0.expect("measured");
        assert!((level + 16.0).abs() < 0.3, "{level}");
        assert!((call.sent_dbm0.expect("measured") + 10.0).abs() < 0.3);
    }
    for figure in ["425 500/500", "-16.0 dBm0", "not marked by a reversal"] {
        assert!(report.text().contains(figure) && report.html().contains(figure), "{figure}: {}", report.text());
    }
}

#[test]
fn inst5_the_second_visit_proposes_nothing() {
    let zone = *ZoneId::of("gb").expect("a zone").tones();
    let busy = [zone.busy, &[FOREIGN_BUSY]].concat().leak();
    let zone = ZoneId::made(Box::leak(Box::new(tipring_dsp::Zone { busy, ..zone })));
    let mut bench = bench(ill(), Config::default());
    let config = Config { zone, ..Config::default() };
    let cured = AnalogLine { line: A.into(), config: config.clone(), receive_gain_db: 6, ..AnalogLine::default() };
    let other = AnalogLine { line: B.into(), config, ..AnalogLine::default() };
    bench.signalling.configure(&LinesConfig { analog_lines: vec![cured, other], ..LinesConfig::default() });
    bench.run_ms(100);
    let report = bench.visit(order());
    assert_eq!((report.failure.as_deref(), proposed(&report)), (None, vec![]), "{}", report.text());
    assert!((report.calls[0].received_dbm0.expect("measured") + 10.0).abs() < 0.3, "{}", report.text());
    assert_eq!(report.calls[0].end.as_ref().and_then(|end| end.heard_as.as_deref()), Some("busy tone"));
    assert!(report.text().contains("nothing to change") && report.html().contains("nothing to change"));
}

#[test]
fn inst5_every_way_in_which_an_exchange_ends_a_call_is_told_apart() {
    let drop = Clearing::BatteryDrop;
    for (clearing, battery, reversal, tone, heard_as) in [
        (drop, true, false, Some("350+440"), Some("dial tone")),
        (Clearing::BatteryDropThenBusyTone, true, false, Some("400 375/375"), Some("busy tone")),
        (Clearing::BusyTone, false, false, Some("400 375/375"), Some("busy tone")),
        (Clearing::Reversal, false, true, None, None),
        (Clearing::ReversalThenBusyTone, false, true, Some("400 375/375"), Some("busy tone")),
        (Clearing::DialTone, false, false, Some("350+440"), Some("dial tone")),
        (Clearing::Nothing, false, false, None, None),
    ] {
        let mut bench = bench(OfficeConfig { clearing, ..OfficeConfig::default() }, Config::default());
        let report = bench.visit(order());
        assert_eq!((report.failure.as_deref(), report.calls.len()), (None, 2), "{clearing:?}: {}", report.text());
        assert!(report.line_time_s < 90.0, "{clearing:?}: {}", report.text());
        for call in &report.calls {
            let end = call.end.as_ref().expect("an end");
            let told = end.tone.as_ref().and_then(|it| it.tone.as_ref()).map(ToString::to_string);
            let seen = (end.battery_ms.is_some(), end.reversal_ms.is_some(), told.as_deref(), end.heard_as.as_deref());
            assert_eq!(seen, (battery, reversal, tone, heard_as), "{clearing:?}: {}", report.text());
        }
        // A reversal alone is not sure under the usual settings; all else is.
        let wanted: &[(&str, &str)] =
            if clearing == Clearing::Reversal { &[("hang_up_reversal", "\"certain\"")] } else { &[] };
        assert_eq!(proposed(&report), wanted, "{clearing:?}: {}", report.text());
        let silent = report.remarks.iter().any(|it| it.contains("Nothing told of the end"));
        assert_eq!(silent, clearing == Clearing::Nothing, "{clearing:?}: {}", report.text());
    }
}

#[test]
fn inst5_tones_of_ones_own_are_proposed_in_the_files_notation() {
    let office = OfficeConfig {
        dial_tone_form: Some(Cadence { hz: [425, 0], modulated: false, on_off_ms: &[] }),
        ringback_tone: Some(Cadence { hz: [425, 0], modulated: false, on_off_ms: &[1_000, 4_000] }),
        clearing: Clearing::BusyTone,
        busy_tone: Some(Cadence { hz: [480, 620], modulated: false, on_off_ms: &[240, 260] }),
        reversal_on_answer: true,
        ..OfficeConfig::default()
    };
    let mut bench = bench(office, Config::default());
    let report = bench.visit(order());
    assert_eq!(
        proposed(&report),
        [("dial_tone", "\"425\""), ("ringback_tone", "\"425 1000/4000\""), ("hang_up_tone", "\"480+620 240/260\""),],
        "{}",
        report.text()
    );
    assert!(report.calls[1].answer_reversal_ms.is_some_and(|ms| ms < 300), "{}", report.text());
    assert!(report.remarks[0].contains("marked the answer"), "{:?}", report.remarks);
}

/// An exchange that knows how long its numbers are rings at once, and for a card that is a while before the digits count as
/// out (here a pause behind them is that while). So the ring begins before it is waited for, and ringback is heard from the
/// middle of a burst on.
#[test]
fn inst5_an_exchange_that_rings_at_the_last_digit_is_examined_like_any_other() {
    let office = OfficeConfig {
        number_length: Some(NUMBER_A.len()),
        switching: Micros::ZERO,
        ringback_tone: Some(Cadence { hz: [425, 0], modulated: false, on_off_ms: &[1_000, 4_000] }),
        ..OfficeConfig::default()
    };
    let mut bench = bench(office, Config::default());
    let and_a_second = |number: &str| format!("{number}W");
    let order = Order { number: and_a_second(NUMBER_A), with_number: and_a_second(NUMBER_B), ..order() };
    let report = bench.visit(order);
    assert_eq!(report.failure, None, "{}", report.text());
    let told = report.calls[0].caller_id.as_ref().expect("a caller id");
    assert!(told.number && !told.before_ring, "{}", report.text());
    let rang: Vec<_> = report.calls.iter().map(|call| call.rang_after_ms).collect();
    assert_eq!(rang, [Some(0), Some(0)], "{}", report.text());
    assert_eq!(proposed(&report), [("ringback_tone", "\"425 1000/4000\"")], "{}", report.text());
    assert!(report.line_time_s < 90.0, "{}", report.text());
}

#[test]
fn inst5_an_echo_and_noise_are_measured_and_limit_the_gain() {
    let bad = LineFault {
        line: 1,
        loss_db: 9.0,
        echo: Some(Echo { loss_db: 8.0, delay_ms: 12 }),
        noise_dbm0: Some(-40.0),
        ..LineFault::default()
    };
    let mut bench = bench(OfficeConfig { lines_differ: vec![bad], ..OfficeConfig::default() }, Config::default());
    let report = bench.visit(order());
    let echo = report.calls[0].echo.expect("an echo");
    assert!((echo.loss_db - 8.0).abs() < 1.5 && (12..80).contains(&echo.delay_ms), "{}", report.text());
    let noise = report.calls[0].noise_dbm0.expect("noise");
    assert!((noise + 40.0).abs() < 1.5, "{}", report.text());
    assert_eq!(proposed(&report), [("receive_gain_db", "5")], "{}", report.text());
    for word in ["echo ring", "fxotune", "noise"] {
        assert!(report.remarks.iter().any(|it| it.contains(word)), "{word}: {:?}", report.remarks);
    }
}

#[test]
fn inst5_only_an_idle_line_is_examined_and_others_are_named() {
    let mut bench = bench(OfficeConfig::default(), Config::default());
    let report = bench.visit(Order { line: "sim 1/7".into(), ..order() });
    let failure = report.failure.expect("refused");
    assert!(failure.contains("sim 1/7 is no analogue line") && failure.contains("sim 1/1, sim 1/2"), "{failure}");
    let report = bench.visit(Order { with: A.into(), ..order() });
    assert!(report.failure.is_some_and(|why| why.contains("cannot call itself")));
    let report = bench.visit(Order { number: String::new(), with_number: String::new(), ..order() });
    assert!(report.failure.is_some_and(|why| why.contains("number")));
    // In a call.
    bench.dial_with(Outgoing { to: NUMBER_B.into(), ..Outgoing::default() });
    bench.run_ms(2_000);
    let report = bench.visit(order());
    let (in_use, failure) = (report.in_use, report.failure.expect("refused"));
    assert!(in_use && failure.contains("is in use") && failure.contains("idle"), "{failure}");
    assert_eq!(report.calls, []);
}

#[test]
fn inst5_a_wrong_number_is_told_with_what_was_heard() {
    let mut bench = bench(OfficeConfig::default(), Config::default());
    let report = bench.visit(Order { number: String::new(), with_number: "5550199".into(), ..order() });
    let failure = report.failure.expect("nobody rang");
    assert!(failure.contains("did not ring") && failure.contains("5550199"), "{failure}");
    assert_eq!(report.proposals, []);
}

#[test]
fn inst5_a_strangers_call_goes_to_the_router_and_ends_the_visit() {
    let mut bench = bench(OfficeConfig::default(), Config::default());
    let report = bench.visit_amid(order(), |bench, block| {
        if block == 100 {
            let line = bench.office.lines().next();
            let steps = vec![Step::AwaitAnswer { limit_ms: 30_000 }];
            let from = Some("2025550199".into());
            let call = Call { id: "stranger".into(), at: bench.now, from, line, steps, ..Call::default() };
            bench.office.ring(call).expect("a good call");
        }
    });
    let failure = report.failure.expect("broken off");
    assert!(failure.contains("a call came in on sim 1/1"), "{failure}");
    let lease = bench.lease();
    bench.command(LineCommand::Answer { lease });
    bench.run_ms(1_000);
    assert!(bench.office.call("stranger").is_some_and(|call| call.connected_at.is_some()), "{:?}", bench.told);
}

#[test]
fn inst5_a_visited_line_is_as_it_was_and_nobody_had_it_meanwhile() {
    let mut bench = bench(OfficeConfig { clearing: Clearing::BusyTone, ..OfficeConfig::default() }, Config::default());
    let mut words = std::collections::BTreeSet::new();
    let report = bench.visit_amid(order(), |bench, block| {
        if block % 500 == 250 {
            bench.dial_with(Outgoing { to: NUMBER_B.into(), ..Outgoing::default() });
        }
        words.extend(bench.signalling.gauges().iter().filter(|it| it.analog).flat_map(|it| it.channels.clone()));
    });
    assert_eq!(report.failure, None, "{}", report.text());
    assert_eq!(bench.count(|event| matches!(event, LineEvent::Seized { .. } | LineEvent::Incoming { .. })), 0);
    assert!(words.contains(&(1, "examined")), "{words:?}");
    // A call now, and its end is heard.
    bench.dial_with(Outgoing { to: NUMBER_B.into(), ..Outgoing::default() });
    bench.run_ms(14_000);
    let lease = bench.lease();
    bench.command(LineCommand::Answer { lease });
    bench.run_ms(2_000);
    bench.clear(lease, Cause::NORMAL);
    bench.run_ms(6_000);
    let over = bench.told.iter().any(|event| matches!(event, LineEvent::EndedBy { sign: "busy-tone", .. }));
    assert!(over, "{:?}", bench.told);
}

#[test]
fn inst5_a_line_that_is_cut_or_taken_away_ends_the_visit() {
    let cut = |bench: &Bench| {
        let card = bench.wire.near();
        let line = card.channels().iter().find(|it| it.signalling == tipring_card::Signalling::FxsKs);
        Trouble::LineCut { line: line.expect("a line").id, lasts: Micros::from_s(60) }
    };
    let removed = |_: &Bench| Trouble::Remove(Side::Near);
    for trouble in [&cut as &dyn Fn(&Bench) -> Trouble, &removed] {
        let mut bench = bench(OfficeConfig::default(), Config::default());
        let report = bench.visit_amid(order(), |bench, block| {
            if block == 1_000 {
                bench.wire.trouble(trouble(bench));
            }
        });
        let failure = report.failure.as_deref().expect("broken off");
        assert!(failure.contains("broke off while") || failure.contains("is gone"), "{failure}");
        assert_eq!(report.proposals, []);
        let words: Vec<_> = bench.signalling.gauges().into_iter().flat_map(|it| it.channels).collect();
        assert!(words.iter().all(|(_, word)| *word != "examined"), "{words:?}");
    }
}

#[test]
fn inst5_an_end_that_sounds_like_ringing_is_a_note_and_no_setting() {
    let ringback = ZoneId::of("gb").expect("a zone").tones().ringback[0];
    let office = OfficeConfig { clearing: Clearing::BusyTone, busy_tone: Some(ringback), ..OfficeConfig::default() };
    let mut bench = bench(office, Config::default());
    let report = bench.visit(order());
    assert_eq!((report.failure.as_deref(), proposed(&report)), (None, vec![]), "{}", report.text());
    assert!(report.remarks.iter().any(|it| it.contains("is ringback on this line")), "{:?}", report.remarks);
}

#[test]
fn inst5_digits_that_were_late_end_the_visit_and_the_reason_is_told() {
    let mut bench = bench(OfficeConfig::default(), Config::default());
    let report = bench.visit_amid(order(), |bench, block| {
        if (100..300).contains(&block) && block % 20 == 0 {
            bench.runs_late(20, true);
        }
    });
    let failure = report.failure.as_deref().expect("broken off");
    assert!(failure.contains("while the number was dialled") && failure.contains("the audio was late"), "{failure}");
}

#[test]
fn inst5_a_caller_id_in_front_of_the_ring_is_told_and_a_stranger_on_the_other_line_yielded_to() {
    let office = || OfficeConfig {
        caller_id: CallerIdForm::Dtmf,
        switching: Micros::from_ms(10),
        number_length: Some(7),
        ..OfficeConfig::default()
    };
    let mut first = bench(office(), Config::default());
    let report = first.visit(order());
    assert_eq!(report.failure, None, "{}", report.text());
    let told = report.calls[0].caller_id.as_ref().expect("a caller id");
    assert_eq!((told.form.as_deref(), told.before_ring, told.number), (Some("dtmf"), true, true), "{}", report.text());
    // Of somebody else, long before our number is dialled.
    let mut second = bench(office(), Config::default());
    let report = second.visit_amid(order(), |bench, block| {
        if block == 5 {
            let line = bench.office.lines().next();
            let steps = vec![Step::AwaitAnswer { limit_ms: 30_000 }];
            let call = Call { id: "stranger".into(), at: bench.now, line, steps, ..Call::default() };
            bench.office.ring(call).expect("a good call");
        }
    });
    assert!(report.failure.is_some_and(|why| why.contains("a call came in on sim 1/1")));
    let lease = second.lease();
    second.command(LineCommand::Answer { lease });
    second.run_ms(1_000);
    assert!(second.office.call("stranger").is_some_and(|call| call.connected_at.is_some()), "{:?}", second.told);
}
