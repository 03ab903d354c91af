//! The flight recorder of analogue lines and of ports for telephones: what it has after a call, and what the call's
//! timeline is told of it.

use tipring_lines::{Entry, FLIGHT_ENTRIES, FlightGauge, Kind};
use tipring_sim::Clearing;

use super::*;

/// The kernel tells no ring before then.
const HEARS_MS: u64 = 2_500;

fn lines(office: OfficeConfig) -> Setting {
    Setting { wire: WireConfig { spans: 0, analog_ports: 1, ..WireConfig::default() }, office, ..Setting::default() }
}

fn phones() -> Setting {
    let telephone = tipring_lines::Telephone { line: "sim 1".into(), number: "21".into(), ..Default::default() };
    let plan = tipring_numbering::Plan::preset("us").expect("a plan");
    Setting {
        wire: WireConfig { spans: 0, phone_ports: 1, ..WireConfig::default() },
        lines: LinesConfig { plan, telephones: vec![telephone], ..LinesConfig::default() },
        ..Setting::default()
    }
}

impl Bench {
    fn flight(&self) -> FlightGauge {
        let mut flights = Vec::new();
        self.signalling.show_flights(&mut flights);
        assert_eq!((flights.len(), flights[0].line.as_str()), (1, "sim 1/1"));
        flights.remove(0)
    }

    fn office_calls(&mut self, steps: Vec<Step>) {
        let from = Some("2025550147".into());
        let call = Call { id: "a".into(), at: self.now, from, name: Some("LOVELACE".into()), steps, ..Call::default() };
        self.office.ring(call).expect("a good call");
    }

    /// What the timelines were told by the recorder, and what came right after it.
    fn summaries(&self) -> Vec<(&str, &LineEvent)> {
        let pairs = self.told.windows(2).filter_map(|pair| match &pair[0] {
            LineEvent::Told { text, .. } if text.starts_with("line: ") || text.starts_with("telephone: ") => {
                Some((text.as_str(), &pair[1]))
            }
            _ => None,
        });
        pairs.collect()
    }
}

/// Where these stand, in this order; their moments.
#[track_caller]
fn in_order(flight: &FlightGauge, wanted: &[(Kind, &str)]) -> Vec<Micros> {
    let mut entries = flight.entries.iter();
    let mut find = |(kind, text): &(Kind, &str)| {
        let found = entries.find(|entry| entry.kind == *kind && entry.text().starts_with(text));
        found.unwrap_or_else(|| panic!("{text} is not there, or not in its place: {:#?}", texts(flight))).at
    };
    wanted.iter().map(&mut find).collect()
}

fn texts(flight: &FlightGauge) -> Vec<String> {
    let text = |entry: &Entry| format!("{} {}: {}", entry.at.as_ms(), entry.kind.as_str(), entry.text());
    flight.entries.iter().map(text).collect()
}

#[test]
fn a_call_that_ended_by_busy_tone_shows_ring_off_hook_busy_and_on_hook_with_their_times() {
    let mut bench =
        Bench::calling(Vec::new(), lines(OfficeConfig { clearing: Clearing::BusyTone, ..OfficeConfig::default() }));
    let rang = bench.now;
    let tone = Step::Tone { hz: 900.0, ms: 3_000, level_dbm0: -12.0 };
    bench.office_calls(vec![tone, Step::hangup()]);
    bench.run_ms(6_000);
    let (lease, answered) = (bench.lease(), bench.now);
    bench.command(LineCommand::Answer { lease });
    bench.run_ms(15_000);
    let flight = bench.flight();
    let at = in_order(
        &flight,
        &[
            (Kind::Channel, "opened"),
            (Kind::Event, "a ring begins"),
            (Kind::State, "ringing"),
            (Kind::Call, "a call has the line"),
            (Kind::Heard, "caller id: a number of 10 digits and a name"),
            (Kind::Wish, "answer"),
            (Kind::Hook, "off hook"),
            (Kind::State, "in call"),
            (Kind::Level, "level from the line -"),
            (Kind::Heard, "busy tone"),
            (Kind::State, "clearing"),
            (Kind::Hook, "on hook"),
            (Kind::Sign, "busy tone"),
            (Kind::Call, "the call is over: normal call clearing (16), the far end's"),
            (Kind::State, "idle"),
        ],
    );
    assert!(at.is_sorted(), "{:#?}", texts(&flight));
    assert!(at[1].since(rang).as_ms() <= 20, "the ring, when it was rung: {:#?}", texts(&flight));
    assert_eq!(at[6], answered, "off hook, when the box wanted it");
    let busy = at[9].since(answered).as_ms();
    assert!((4_000..10_000).contains(&busy), "three seconds of sound and three cycles of a tone: {busy}");
    assert_eq!((at[9], at[9]), (at[11], at[12]), "on hook at once");
    assert!(at[7].since(at[6]).as_ms() <= 20, "the hook takes no longer");
    // The same, for the call's timeline, in front of its end.
    let [(text, next)] = bench.summaries()[..] else { panic!("{:?}", bench.told) };
    assert_eq!(next, &LineEvent::Cleared { lease, cause: Cause::NORMAL, by_far_end: true });
    let (answer, end) = (seconds(at[7].since(at[1])), seconds(at[9].since(at[1])));
    for part in [
        "line: rang ",
        ", caller id at ",
        &format!(", answered at {answer}"),
        &format!(", busy tone at {end}, on hook at {end}; loudest -12/nothing dBm0"),
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert_eq!(
        bench.signalling.counted().iter().find(|c| c.0 == "analog" && c.1 == "unexpected").map(|c| c.2),
        Some(0)
    );
}

fn seconds(time: Micros) -> String {
    format!("{}.{} s", time.as_ms() / 1_000, time.as_ms() % 1_000 / 100)
}

#[test]
fn a_dialled_call_shows_how_many_digits_went_and_none_of_them() {
    let reply = Reply::Answer { rings: Micros::from_s(3), steps: stays() };
    let mut bench = Bench::calling(vec![("5550147", reply)], lines(OfficeConfig::default()));
    bench.dial("5550147");
    bench.run_ms(15_000);
    let lease = bench.seized().0;
    bench.clear(lease, Cause::NORMAL);
    bench.run_ms(4_000);
    let flight = bench.flight();
    in_order(
        &flight,
        &[
            (Kind::Call, "a call has the line (lease 1)"),
            (Kind::Wish, "7 digits to be dialled"),
            (Kind::Hook, "seizes the line"),
            (Kind::Heard, "dial tone"),
            (Kind::Digits, "7 digits are sent"),
            (Kind::Heard, "the digits are out"),
            (Kind::Heard, "ringback"),
            (Kind::Call, "the call is over: normal call clearing (16), ours"),
            (Kind::Wish, "hang up"),
            (Kind::Hook, "on hook"),
        ],
    );
    let [(text, LineEvent::Cleared { by_far_end: false, .. })] = bench.summaries()[..] else {
        panic!("{:?}", bench.told);
    };
    assert!(text.contains(", dial tone at ") && text.contains(", 7 digits sent at "), "{text}");
    assert!(!format!("{:?} {:?} {text}", texts(&flight), flight).contains("5550147"));
}

#[test]
fn a_recorder_keeps_the_newest_over_many_calls_and_no_more_than_its_bound() {
    let mut bench = Bench::calling(Vec::new(), lines(OfficeConfig::default()));
    for n in 1..=14 {
        bench.dial("5550147");
        bench.run_ms(9_000);
        let lease = bench.seized().0;
        assert_eq!(lease.generation, n);
        bench.clear(lease, Cause::NORMAL);
        bench.run_ms(6_000);
    }
    let flight = bench.flight();
    assert_eq!(flight.entries.len(), FLIGHT_ENTRIES, "{:#?}", texts(&flight));
    assert!(flight.gone > 0);
    in_order(
        &flight,
        &[(Kind::Call, "a call has the line (lease 13)"), (Kind::Call, "a call has the line (lease 14)")],
    );
    assert!(flight.entries.iter().map(|entry| entry.at).is_sorted());
}

#[test]
fn a_telephone_shows_hook_number_of_digits_and_its_end() {
    let mut bench = Bench::of(phones());
    bench.run_ms(HEARS_MS);
    let now = bench.now;
    let talks = Step::Tone { hz: 900.0, ms: 60_000, level_dbm0: -20.0 };
    bench.telephones[0]
        .lift(now, vec![Step::Wait { ms: 1_000 }, Step::press("5550147#"), Step::Wait { ms: 500 }, talks]);
    bench.run_ms(4_000);
    let lease = bench.lease();
    bench.command(LineCommand::Answer { lease });
    bench.run_ms(4_000);
    let now = bench.now;
    bench.telephones[0].put_down(now);
    bench.run_ms(2_000);
    let flight = bench.flight();
    in_order(
        &flight,
        &[
            (Kind::Event, "the telephone is lifted"),
            (Kind::Audio, "plays dial tone"),
            (Kind::Digits, "a key"),
            (Kind::Digits, "a key ×7"),
            (Kind::Digits, "7 digits were dialled"),
            (Kind::Wish, "through"),
            (Kind::Level, "level from the line -96 to -20, to the line -96 dBm0"),
            (Kind::Event, "the telephone is put down"),
            (Kind::Call, "the call is over"),
        ],
    );
    let [(text, LineEvent::Cleared { by_far_end: true, .. })] = bench.summaries()[..] else {
        panic!("{:?}", bench.told);
    };
    assert!(
        text.starts_with("telephone: lifted at 0.0 s, 7 digits dialled at ") && text.contains(", put down at "),
        "{text}"
    );
    assert!(text.contains("; loudest -") && text.ends_with("/nothing dBm0"), "{text}");
    assert!(!format!("{:?} {:?} {text}", texts(&flight), flight).contains("5550147"));
}
