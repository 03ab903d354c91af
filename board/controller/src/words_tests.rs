//! Every message with its octets, typed by hand.

use std::vec::Vec;

use super::*;

const STATUS: Status = Status { energised: 0b0000_0101, fed: true, tripped: false, testing: true };

fn looks() -> Looks {
    let look = |pattern, colour| Look { pattern, colour };
    Looks::from_slice(&[look(Pattern::Steady, Colour::Green), look(Pattern::Flash3, Colour::Red)]).expect("two")
}

fn to_chip() -> Vec<(ToChip, u8, Vec<u8>)> {
    let hello = ToChip::Hello { service: 0x0102_0304, oldest: 1, newest: 2, watchdog_ms: 10_000 };
    [
        (hello, 0x01, &[1, 2, 3, 4, 0xfe, 0xfd, 0xfc, 0xfb, 1, 2, 0x27, 0x10][..]),
        (ToChip::Feed { beat: 0x0a0b_0c0d, lasts_ms: 9950 }, 0x02, &[0x0a, 0x0b, 0x0c, 0x0d, 0x26, 0xde]),
        (ToChip::SetRelay { relay: 2, energised: true }, 0x03, &[2, 0xa5, 0xfd, 0x5a]),
        (ToChip::SetRelay { relay: 0, energised: false }, 0x03, &[0, 0x5a, 0xff, 0xa5]),
        (ToChip::SetLed { first: 4, looks: looks() }, 0x04, &[4, 2, 0x01, 1, 0x13, 3]),
        (ToChip::TestRelay { relay: 1, test: 7 }, 0x05, &[1, 7, 0xfe, 0xf8]),
        (ToChip::Ask, 0x06, &[]),
    ]
    .map(|(message, kind, octets)| (message, kind, octets.to_vec()))
    .into()
}

fn to_host() -> Vec<(ToHost, u8, Vec<u8>)> {
    let board = Board {
        firmware: [1, 4, 2],
        leds: 8,
        relays: 4,
        buttons: 1,
        sensed: 0x0f,
        has_temperature: true,
        has_supply: false,
    };
    let reset = Reset::Brownout;
    let welcome =
        ToHost::Welcome { version: 1, oldest: 1, newest: 3, board, reset, watchdog_ms: 10_000, status: STATUS };
    let state = State {
        status: STATUS,
        contacts: 5,
        uptime_s: 0x0001_0002,
        trips: 3,
        faults: 0x0104,
        down: 1,
        presses: [9, 0, 0, 0, 0, 0, 0, 8],
    };
    let refused = ToHost::Nak { of: 9, kind: 3, reason: Refusal::Hungry, status: Status::default() };
    let nothing = Reading { temperature_c10: None, supply_mv: None };
    [
        (welcome, 0x81, &[1, 1, 3, 1, 4, 2, 8, 4, 1, 0x0f, 1, 2, 0x27, 0x10, 5, 5][..]),
        (ToHost::Ack { of: 8, status: STATUS }, 0x82, &[8, 5, 5]),
        (refused, 0x83, &[9, 3, 6, 0, 0]),
        (ToHost::State(state), 0x84, &[5, 5, 5, 0, 1, 0, 2, 0, 3, 1, 4, 1, 9, 0, 0, 0, 0, 0, 0, 8]),
        (
            ToHost::Sensor(Reading { temperature_c10: Some(-55), supply_mv: Some(12_040) }),
            0x85,
            &[0xff, 0xc9, 0x2f, 0x08],
        ),
        (ToHost::Sensor(nothing), 0x85, &[0x80, 0, 0xff, 0xff]),
        (ToHost::Button { button: 0, down: true, presses: 9 }, 0x86, &[0, 1, 9]),
        (ToHost::TestResult { relay: 1, test: 7, outcome: Outcome::StuckReleased }, 0x87, &[1, 7, 3]),
        (ToHost::Started(Reset::PowerOn), 0x88, &[1]),
    ]
    .map(|(message, kind, octets)| (message, kind, octets.to_vec()))
    .into()
}

#[test]
fn every_message_has_the_octets_that_are_written_down_for_it() {
    for (message, kind, octets) in to_chip() {
        let (its_kind, payload) = message.encode();
        assert_eq!((its_kind, payload.as_slice()), (kind, octets.as_slice()), "{message:?}");
        assert_eq!(ToChip::decode(kind, &octets), Ok(message));
    }
    for (message, kind, octets) in to_host() {
        let (its_kind, payload) = message.encode();
        assert_eq!((its_kind, payload.as_slice()), (kind, octets.as_slice()), "{message:?}");
        assert_eq!(ToHost::decode(kind, &octets), Ok(message));
    }
}

#[test]
fn what_a_later_version_appends_is_passed_over_and_what_is_missing_is_a_fault() {
    for (message, kind, octets) in to_chip() {
        let longer = [octets.as_slice(), &[0xee, 0xee]].concat();
        assert_eq!(ToChip::decode(kind, &longer), Ok(message));
        for length in 0..octets.len() {
            assert_eq!(ToChip::decode(kind, &octets[..length]), Err(Fault::Payload));
        }
    }
    for (message, kind, octets) in to_host() {
        let longer = [octets.as_slice(), &[0xee, 0xee]].concat();
        assert_eq!(ToHost::decode(kind, &longer), Ok(message));
        for length in 0..octets.len() {
            assert_eq!(ToHost::decode(kind, &octets[..length]), Err(Fault::Payload));
        }
    }
}

#[test]
fn what_moves_a_relay_is_no_message_unless_it_is_said_twice() {
    let moving = to_chip().into_iter().filter(|(_, kind, _)| [0x01, 0x03, 0x05].contains(kind));
    for (message, kind, octets) in moving {
        let said = octets.len().min(8);
        for bit in 0..said * 8 {
            let mut wrong = octets.clone();
            wrong[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(ToChip::decode(kind, &wrong), Err(Fault::Payload), "{message:?} bit {bit}");
        }
    }
    for state in (0..=u8::MAX).filter(|state| ![ENERGISE, RELEASE].contains(state)) {
        assert_eq!(ToChip::decode(0x03, &[1, state, !1, !state]), Err(Fault::Payload));
    }
}

#[test]
fn the_longest_message_fits_into_a_frame() {
    let looks = Looks::from_slice(&[Look::DARK; MAX_LOOKS]).expect("as many");
    let (kind, payload) = ToChip::SetLed { first: 1, looks: looks.clone() }.encode();
    assert_eq!(payload.len(), MAX_PAYLOAD);
    assert_eq!(ToChip::decode(kind, &payload), Ok(ToChip::SetLed { first: 1, looks }));
}

#[test]
fn kinds_of_one_direction_are_unknown_in_the_other() {
    for kind in 0..=u8::MAX {
        let host = ToChip::decode(kind, &[0; MAX_PAYLOAD]) != Err(Fault::Kind);
        let chip = ToHost::decode(kind, &[0; MAX_PAYLOAD]) != Err(Fault::Kind);
        assert!(!(host && chip), "{kind:#x}");
        assert!(!host || is_to_chip(kind));
        assert!(!chip || !is_to_chip(kind));
    }
}
