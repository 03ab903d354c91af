//! Other settings while calls are up: each line takes them when its call is over, and not before.

use tipring_lines::{AnalogLine, Group};
use tipring_numbering::TypeOfNumber;

use super::*;

fn configure(bench: &mut Bench, config: &LinesConfig) -> Vec<String> {
    bench.signalling.configure(config)
}

#[test]
fn a_span_takes_another_role_when_its_last_call_is_over() {
    let mut bench = Bench::calling(vec![("5550100", answers())], Setting::default());
    bench.dial("5550100");
    bench.run_ms(4_000);
    let lease = bench.seized().0;
    assert_eq!(bench.story(lease).last(), Some(&"answered"), "{:?}", bench.told);
    let network = LinesConfig::from(Role::Network);
    assert!(configure(&mut bench, &network).is_empty());
    bench.run_ms(4_000);
    assert_eq!(bench.signalling.waiting(), ["sim 1"]);
    assert_eq!(bench.story(lease).last(), Some(&"answered"), "the call goes on");
    bench.clear(lease, Cause::NORMAL);
    bench.run_ms(1_000);
    assert_eq!(bench.story(lease).last(), Some(&"cleared"));
    assert!(bench.signalling.waiting().is_empty(), "{:?}", bench.notes);
    assert!(bench.notes.iter().any(|note| note.contains("sim 1: begins anew, as Network")), "{:?}", bench.notes);
    bench.run_ms(20_000);
    assert!(!bench.signalling.spans().all(tipring_lines::Span::link_is_up), "both ends are the network now");
    // And back: nothing of the two changes is left.
    configure(&mut bench, &LinesConfig::default());
    bench.run_ms(READY_MS + 10_000);
    assert!(bench.signalling.spans().all(tipring_lines::Span::link_is_up));
    bench.dial("5550100");
    bench.run_ms(4_000);
    let again = bench.seized().0;
    assert_ne!(again, lease, "a lease is used once");
    assert_eq!(bench.story(again).last(), Some(&"answered"));
}

#[test]
fn a_wish_that_is_taken_back_waits_for_nothing() {
    let mut bench = Bench::calling(vec![("5550100", answers())], Setting::default());
    bench.dial("5550100");
    bench.run_ms(4_000);
    configure(&mut bench, &LinesConfig::from(Role::Network));
    configure(&mut bench, &LinesConfig::default());
    assert!(bench.signalling.waiting().is_empty());
    let lease = bench.seized().0;
    bench.clear(lease, Cause::NORMAL);
    bench.run_ms(5_000);
    assert!(bench.signalling.spans().all(tipring_lines::Span::link_is_up));
    assert!(!bench.notes.iter().any(|note| note.contains("begins anew")));
}

#[test]
fn an_analogue_line_takes_other_settings_when_its_call_is_over() {
    let wire = WireConfig { spans: 0, analog_ports: 2, ..WireConfig::default() };
    let mut bench = Bench::calling(vec![("5550100", answers())], Setting { wire, ..Setting::default() });
    let mut config = LinesConfig::default();
    bench.dial("5550100");
    bench.run_ms(15_000);
    let (lease, line) = (bench.seized().0, bench.seized().1.to_owned());
    assert_eq!(bench.story(lease).last(), Some(&"answered"), "{:?} {:?}", bench.told, bench.notes);
    config.analog.answer = tipring_analog::AnswerSign::Dialled;
    configure(&mut bench, &config);
    bench.run_ms(1_000);
    assert_eq!(bench.signalling.waiting(), [line.as_str()], "the other line has them already");
    bench.clear(lease, Cause::NORMAL);
    bench.run_ms(5_000);
    assert!(bench.signalling.waiting().is_empty(), "{:?}", bench.notes);
    bench.dial("5550100");
    bench.run_ms(6_000);
    let told = bench.told.iter().rev().find_map(|event| match event {
        LineEvent::Answered { by, .. } => Some(*by),
        _ => None,
    });
    assert_eq!(told, Some(tipring_card::Supervision::GuessedDialled), "{:?}", bench.told);
}

#[test]
fn other_groups_count_from_the_next_call_and_what_fits_no_line_is_said() {
    let mut bench = Bench::calling(vec![("5550100", answers())], Setting::default());
    let group = |line: &str| Group { name: "out".into(), lines: vec![line.into()], ..Group::default() };
    let config = LinesConfig { groups: vec![group("sim 1/7")], ..LinesConfig::default() };
    assert!(configure(&mut bench, &config).is_empty());
    bench.dial("5550100");
    bench.run_ms(500);
    assert_eq!(bench.seized().1, "sim 1/7");
    let nowhere = LinesConfig { groups: vec![group("sim 9")], ..LinesConfig::default() };
    let told = configure(&mut bench, &nowhere);
    assert!(told.len() == 1 && told[0].contains("the card has no line 'sim 9'"), "{told:?}");
    bench.dial("5550100");
    bench.run_ms(500);
    assert!(bench.told.iter().any(|event| matches!(event, LineEvent::NoLine { .. })), "{:?}", bench.told);
}

fn answers() -> Reply {
    let hello = Step::Say { octets: crate::loops::babble() };
    let listens = vec![hello, Step::AwaitHangup { limit_ms: 600_000 }];
    Reply::Answer { rings: Micros::from_ms(2_500), steps: listens }
}

fn line(name: &str, number: &str) -> AnalogLine {
    AnalogLine { line: name.into(), number: number.into(), ..AnalogLine::default() }
}

#[test]
fn a3_calls_on_an_analogue_line_are_to_its_own_number() {
    let wire = WireConfig { spans: 0, analog_ports: 3, ..WireConfig::default() };
    let mut bench = Bench::calling(Vec::new(), Setting { wire, ..Setting::default() });
    let analog_lines = vec![line("sim 1", "21"), line("sim 1/2", "+12025550102"), line("sim 7", "23")];
    let complaints = configure(&mut bench, &LinesConfig { analog_lines, ..LinesConfig::default() });
    assert_eq!(complaints, ["line sim 7: the card has no such analogue line"]);
    for id in ["a", "b", "c"] {
        let call = Call { id: id.into(), at: bench.now, to: "100".into(), steps: Vec::new(), ..Call::default() };
        bench.office.ring(call).expect("a good call");
    }
    bench.run_ms(12_000);
    let mut called: Vec<_> = bench
        .told
        .iter()
        .filter_map(|event| match event {
            LineEvent::Incoming { line, called, .. } => Some((line.as_str(), called.digits.as_str(), called.ton)),
            _ => None,
        })
        .collect();
    called.sort_by_key(|(line, ..)| *line);
    let (open, typed) = (TypeOfNumber::default(), TypeOfNumber::International);
    assert_eq!(called, [("sim 1/1", "21", open), ("sim 1/2", "12025550102", typed), ("sim 1/3", "21", open)]);
}
