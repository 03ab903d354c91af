//! The examples of `docs/hardware/controller-protocol.md` against what is built here: what a firmware author reads is what
//! the host does.

use std::collections::BTreeMap;
use std::string::String;
use std::vec::Vec;

use crate::codec::{Decoder, Fault, Frame, stuffed, unstuff};
use crate::firmware::{self, Firmware};
use crate::leds::{Colour, Look, Pattern};
use crate::time::Millis;
use crate::words::{self, Board, Outcome, Reading, Refusal, Reset, State, Status, ToChip, ToHost};

const DOCUMENT: &str = include_str!("../../../docs/hardware/controller-protocol.md");

/// Rows of tables whose second cell is octets: the first cell, without its marks, and the octets.
fn rows() -> Vec<(String, Vec<u8>)> {
    let octets = |cell: &str| -> Option<Vec<u8>> {
        let inside = cell.trim().strip_prefix('`')?.strip_suffix('`')?;
        inside.split(' ').map(|pair| u8::from_str_radix(pair, 16).ok().filter(|_| pair.len() == 2)).collect()
    };
    let row = |line: &str| {
        let mut cells = line.strip_prefix('|')?.split('|');
        let name = cells.next()?.trim().trim_matches('`').into();
        Some((name, octets(cells.next()?)?))
    };
    DOCUMENT.lines().filter_map(row).collect()
}

fn vectors() -> BTreeMap<String, Vec<u8>> {
    rows().into_iter().filter(|(name, _)| name.chars().all(|c| c.is_ascii_lowercase() || c == '-')).collect()
}

fn decoded(octets: &[u8]) -> Vec<Result<Frame, Fault>> {
    let mut decoder = Decoder::default();
    octets.iter().filter_map(|octet| decoder.push(*octet)).collect()
}

const BOARD: Board = Board {
    firmware: [1, 4, 2],
    leds: 8,
    relays: 4,
    buttons: 1,
    sensed: 0x0f,
    has_temperature: true,
    has_supply: true,
};
const NOTHING: Status = Status { energised: 0, fed: false, tripped: false, testing: false };
const ENERGISED: Status = Status { energised: 4, fed: true, ..NOTHING };

/// What the vectors of the host say by their words, typed by hand: sequence, message.
fn of_host() -> [(&'static str, u8, ToChip); 8] {
    let looks = [
        Look { pattern: Pattern::Steady, colour: Colour::Green },
        Look { pattern: Pattern::Flash3, colour: Colour::Red },
    ];
    [
        ("hello", 1, ToChip::Hello { service: 0x00c0_ffee, oldest: 1, newest: 1, watchdog_ms: 10_000 }),
        ("feed-first", 2, ToChip::Feed { beat: 1, lasts_ms: 9940 }),
        ("feed", 3, ToChip::Feed { beat: 2, lasts_ms: 9950 }),
        ("energise", 4, ToChip::SetRelay { relay: 2, energised: true }),
        ("release", 5, ToChip::SetRelay { relay: 2, energised: false }),
        ("leds", 6, ToChip::SetLed { first: 0, looks: looks.into_iter().collect() }),
        ("test", 7, ToChip::TestRelay { relay: 2, test: 9 }),
        ("ask", 8, ToChip::Ask),
    ]
}

/// Those of the chip.
fn of_chip() -> [(&'static str, u8, ToHost); 9] {
    let (board, reset) = (BOARD, Reset::PowerOn);
    let state = State {
        status: ENERGISED,
        contacts: 4,
        uptime_s: 3600,
        trips: 1,
        faults: 3,
        down: 0,
        presses: [2, 0, 0, 0, 0, 0, 0, 0],
    };
    let reading = Reading { temperature_c10: Some(412), supply_mv: Some(11_980) };
    let tripped = Status { tripped: true, ..NOTHING };
    [
        (
            "welcome",
            2,
            ToHost::Welcome { version: 1, oldest: 1, newest: 1, board, reset, watchdog_ms: 10_000, status: NOTHING },
        ),
        ("ack-feed", 6, ToHost::Ack { of: 3, status: Status { fed: true, ..NOTHING } }),
        ("ack-energise", 7, ToHost::Ack { of: 4, status: ENERGISED }),
        ("test-result", 9, ToHost::TestResult { relay: 2, test: 9, outcome: Outcome::Passed }),
        ("state", 11, ToHost::State(state)),
        ("sensor", 12, ToHost::Sensor(reading)),
        ("button", 13, ToHost::Button { button: 0, down: true, presses: 3 }),
        ("nak", 14, ToHost::Nak { of: 9, kind: 3, reason: Refusal::Hungry, status: tripped }),
        ("started", 1, ToHost::Started(Reset::Brownout)),
    ]
}

#[test]
fn every_vector_of_the_document_says_what_it_is_said_to_say() {
    let mut vectors = vectors();
    for (name, sequence, message) in of_host() {
        let octets = vectors.remove(name).expect(name);
        let (kind, payload) = message.encode();
        let frame = Frame { version: 1, session: 0x1234, sequence, kind, payload };
        assert_eq!(decoded(&octets), [Ok(frame.clone())], "{name}");
        assert_eq!(frame.encode().as_slice(), octets, "{name}");
        assert_eq!(ToChip::decode(kind, &frame.payload), Ok(message));
    }
    for (name, sequence, message) in of_chip() {
        let octets = vectors.remove(name).expect(name);
        let (kind, payload) = message.encode();
        let session = if name == "started" { 0 } else { 0x1234 };
        let frame = Frame { version: 1, session, sequence, kind, payload };
        assert_eq!(decoded(&octets), [Ok(frame.clone())], "{name}");
        assert_eq!(frame.encode().as_slice(), octets, "{name}");
        assert_eq!(ToHost::decode(kind, &frame.payload), Ok(message));
    }
    let wrong = [
        ("bad-check", Fault::Check),
        ("bad-half", Fault::Stuffing),
        ("bad-short", Fault::Short),
        ("bad-length", Fault::Length),
    ];
    for (name, fault) in wrong {
        assert_eq!(decoded(&vectors.remove(name).expect(name)), [Err(fault)], "{name}");
    }
    let twice = decoded(&vectors.remove("bad-twice").expect("it is there"));
    let Ok(frame) = &twice[0] else { panic!("{twice:?}") };
    assert_eq!(ToChip::decode(frame.kind, &frame.payload), Err(words::Fault::Payload));
    assert_eq!(vectors.keys().collect::<Vec<_>>(), Vec::<&String>::new(), "vectors that nobody tries");
}

#[test]
fn the_documents_examples_of_stuffing_are_right() {
    let mut tried = 0;
    for (plain, octets) in rows() {
        let pairs: Option<Vec<u8>> = plain.split(' ').map(|pair| u8::from_str_radix(pair, 16).ok()).collect();
        if let Some(plain) = pairs.filter(|_| plain.len() % 3 == 2 && octets.len() > 1) {
            assert_eq!(stuffed(&plain).as_slice(), octets);
            assert_eq!(unstuff(&octets).as_deref(), Ok(plain.as_slice()));
            tried += 1;
        }
    }
    assert_eq!(tried, 4);
}

#[test]
fn the_reference_chip_answers_the_documents_vectors_with_the_documents() {
    let vectors = vectors();
    let mut chip = Firmware::new(Millis(0), BOARD, Reset::PowerOn);
    chip.handle(Millis(0), firmware::Input::Timer);
    let mut answers = Vec::new();
    for (at, (name, ..)) in (1..).zip(of_host()) {
        chip.handle(Millis(at * 10), firmware::Input::Octets(&vectors[name]));
        while let Some(wire) = chip.poll() {
            answers.push(wire.to_vec());
        }
    }
    for name in ["welcome", "ack-feed", "ack-energise"] {
        assert!(answers.contains(&vectors[name]), "{name}");
    }
    for name in ["bad-check", "bad-half", "bad-short", "bad-length"] {
        let before = chip.counters().bad_frames;
        chip.handle(Millis(200), firmware::Input::Octets(&vectors[name]));
        assert_eq!((chip.poll(), chip.counters().bad_frames), (None, before + 1), "{name}");
    }
    assert_eq!(chip.relays() & 4, 4, "the test has energised it");
}

#[test]
fn figures_of_the_document_are_those_of_the_program() {
    use crate::host;
    for figure in [
        std::format!("State every {} ms", firmware::STATE_EVERY.0),
        std::format!("Sensor every {} s", firmware::SENSOR_EVERY.0 / 1000),
        std::format!("at least {} and at most 60,000 ms", firmware::WATCHDOG_MS.start()),
        std::format!("every {} ms while nobody answers", host::HELLO_EVERY.0),
        std::format!("{} ms, then 120, then {}", host::RETRY.0, host::RETRY_MOST.0),
        std::format!("| {} s | the session is lost", host::LOST_AFTER.0 / 1000),
        std::format!("{} ms after the last command", host::ASK_EVERY.0),
        std::format!("no version in common | {} s", host::REFUSED_FOR.0 / 1000),
        std::format!("wait {} ms, read the contact", firmware::SETTLE.0),
        std::format!("8 to {} octets, on the wire 11 to {}", crate::codec::MAX_FRAME, crate::codec::MAX_WIRE),
        std::format!("{} LEDs, {} relays, {} buttons", words::MAX_LEDS, words::MAX_RELAYS, words::MAX_BUTTONS),
    ] {
        assert!(DOCUMENT.contains(&figure), "the document does not say: {figure}");
    }
}
