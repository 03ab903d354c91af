use tipring_analog::fxs::Input as PhoneInput;
use tipring_analog::{CallerId, Command, Evidence, Heard, Input, Output, Sign};
use tipring_card::Event as ChannelEvent;

use super::*;

fn s(s: u64) -> Micros {
    Micros::from_s(s)
}

fn texts(flight: &Flight) -> Vec<String> {
    flight.entries().map(Entry::text).collect()
}

fn level(from_line: i8, to_line: i8) -> Input {
    Input::Heard(Heard::Level(Level { from_line, to_line }))
}

#[test]
fn a_ring_of_entries_is_bounded_and_the_oldest_go_and_are_counted() {
    let mut flight = Flight::default();
    let room = flight.entries.capacity();
    for n in 0..1_000_u64 {
        let event = if n % 2 == 0 { ChannelEvent::RingBegin } else { ChannelEvent::RingOffHook };
        flight.line_takes(s(n), &Input::Line(event));
    }
    assert_eq!((flight.entries().count(), flight.gone()), (ENTRIES, 1_000 - ENTRIES as u64));
    assert_eq!(flight.entries().next().map(|entry| entry.at), Some(s(1_000 - ENTRIES as u64)));
    assert_eq!(flight.entries().last().map(|entry| entry.at), Some(s(999)));
    assert_eq!(flight.entries.capacity(), room, "noting allocates nothing");
}

#[test]
fn a_thing_that_is_told_again_is_one_entry_with_a_count_and_both_ends_of_its_time() {
    let mut flight = Flight::default();
    for n in 1..=3 {
        flight.line_takes(s(n), &Input::Heard(Heard::DialTone));
    }
    flight.line_takes(s(4), &Input::Heard(Heard::Busy));
    flight.line_takes(s(5), &Input::Heard(Heard::DialTone));
    assert_eq!(texts(&flight), ["dial tone ×3", "busy tone", "dial tone"]);
    let first = flight.entries().next().expect("the first");
    assert_eq!((first.at, first.last, first.times), (s(1), s(3), 3));
}

#[test]
fn an_hour_of_silence_is_three_entries_and_levels_that_change_are_one_each_ten_seconds() {
    let mut flight = Flight::default();
    for n in 1..=3_600_u32 {
        flight.line_takes(s(n.into()), &level(-96, -96));
        flight.line_takes(s(n.into()), &Input::Heard(Heard::Silence(n * 1_000)));
        flight.line_takes(s(n.into()), &Input::Heard(Heard::BothSilent(n * 1_000)));
    }
    let quiet = [
        "level from the line -96, to the line -96 dBm0",
        "silence of the far end for 3600 s",
        "silence of both sides for 3600 s",
    ];
    assert_eq!(texts(&flight), quiet);
    let mut flight = Flight::default();
    for n in 0..100_u64 {
        let spoken = if n % 2 == 0 { -20 } else { -60 };
        flight.line_takes(s(n), &level(spoken, -96));
    }
    assert_eq!(flight.entries().count(), 10, "{:?}", texts(&flight));
    assert_eq!(
        flight.entries().next().map(Entry::text).as_deref(),
        Some("level from the line -60 to -20, to the line -96 dBm0")
    );
}

#[test]
fn a_silence_that_begins_anew_is_an_entry_of_its_own() {
    let mut flight = Flight::default();
    for ms in [1_000, 2_000, 1_000] {
        flight.line_takes(s(1), &Input::Heard(Heard::Silence(ms)));
    }
    assert_eq!(texts(&flight), ["silence of the far end for 2 s", "silence of the far end for 1 s"]);
}

#[test]
fn digits_and_callers_are_noted_by_their_number_alone() {
    let mut flight = Flight::default();
    let digits = |of: &str| of.try_into().expect("few enough");
    let caller = CallerId {
        number: Some(digits("2025550147")),
        name: Some("LOVELACE".try_into().expect("short")),
        ..CallerId::default()
    };
    flight.line_takes(s(1), &Input::Heard(Heard::CallerId(caller.clone())));
    flight.line_takes(s(2), &Input::Command(Command::Dial(digits("w5550147"))));
    flight.line_gives(s(3), &Output::Send(digits("w5550147")));
    flight.line_gives(s(4), &Output::Event(tipring_analog::Event::Incoming { caller }));
    for (n, key) in (5..).zip(b"5550147") {
        flight.phone_takes(s(n), &PhoneInput::Key(*key));
        flight.phone_takes(s(n), &PhoneInput::Line(ChannelEvent::Pulse(*key)));
    }
    flight.phone_gives(
        s(20),
        &tipring_analog::fxs::Output::Event(tipring_analog::fxs::Event::Dialled(digits("5550147"))),
    );
    flight.phone_gives(s(20), &tipring_analog::fxs::Output::Judge(digits("5550147")));
    let all = format!("{:?} {:?}", texts(&flight), flight.entries);
    assert!(all.contains("caller id: a number of 10 digits and a name"), "{all}");
    assert!(all.contains("7 digits to be dialled") && all.contains("7 digits are sent"), "{all}");
    assert!(all.contains("7 digits were dialled"), "{all}");
    for secret in ["5550147", "LOVELACE", "Pulse", "53", "0147"] {
        assert!(!all.contains(secret), "{secret} in {all}");
    }
}

#[test]
fn a_summary_is_one_line_of_bounded_length_whatever_a_call_had() {
    let mut flight = Flight::default();
    flight.begins(s(1), 1);
    flight.line_takes(s(2), &level(-21, -96));
    let at = |n: u64| Some(s(10_000_000 + n));
    let record = tipring_analog::Record {
        first_ring: at(1),
        bursts: u16::MAX,
        caller_id: at(2),
        bad_caller_ids: u16::MAX,
        off_hook: at(3),
        dial_tone: at(4),
        sent: at(5),
        ringback: at(6),
        answer: at(7).map(|at| (at, Some(tipring_card::Supervision::GuessedVoice))),
        reversals: u16::MAX,
        hang_up: at(8).map(|at| (at, Sign::BrokenDigits)),
        on_hook: at(9),
        ..tipring_analog::Record::default()
    };
    let text = of_line(&flight, &record, CallOver { now: s(10_000_009), dialled: false });
    assert!(text.chars().count() <= 360 && !text.contains('\n'), "{text}");
    assert!(text.starts_with("line: rang 65535 times, caller id at 10000001.0 s"), "{text}");
}

#[test]
fn a_dial_that_was_refused_has_none_of_the_moments_of_the_call_before() {
    let mut flight = Flight::default();
    flight.begins(s(100), 2);
    let record = tipring_analog::Record {
        off_hook: Some(s(50)),
        hang_up: Some((s(60), Sign::BusyTone)),
        ..tipring_analog::Record::default()
    };
    let text = of_line(&flight, &record, CallOver { now: s(100), dialled: true });
    assert_eq!(text, "line: not answered, over at 0.0 s");
}

#[test]
fn a_gauge_copies_only_what_has_changed() {
    let mut flight = Flight::default();
    flight.note(s(1), Kind::Sign, What::Weighed(Evidence { sign: Sign::Reversal, weight: 60, sum: 60 }));
    let mut gauge = FlightGauge::default();
    gauge.take("dahdi 1/1", &flight);
    assert_eq!(gauge.entries.len(), 1);
    assert_eq!(gauge.entries[0].text(), "polarity reversal: 60 of 100 for a hang-up, 60 in all");
    gauge.entries.clear();
    gauge.take("dahdi 1/1", &flight);
    assert!(gauge.entries.is_empty(), "nothing has changed");
    flight.line_takes(s(2), &Input::Lost);
    gauge.take("dahdi 1/1", &flight);
    assert_eq!(gauge.entries.len(), 2);
}
