//! Octets as they stand on real lines, read and written; and the line for people.

use tipring_card::{Cause, Law};
use tipring_isdn::q931::codec::{self, MessageError};
use tipring_isdn::q931::ie::{Channel, Form, Ie, Location, Progress, RestartClass, Selection};
use tipring_isdn::q931::message::{Kind, Message, Reference};
use tipring_isdn::{Bearer, Calling, Npi, Number, Presentation, Redirecting, Screening, Text, Ton, describe};

use crate::support::number;

/// A SETUP as an exchange sends it: speech A-law, channel 7 exclusive, name, 2025550100 calls 100, complete.
const SETUP: &[u8] = &[
    0x08, 0x02, 0x00, 0x01, 0x05, // SETUP, reference 1
    0x04, 0x03, 0x80, 0x90, 0xA3, // bearer
    0x18, 0x03, 0xA9, 0x83, 0x87, // channel
    0x1E, 0x02, 0x82, 0x83, // progress: origin is not ISDN
    0x28, 0x05, b'A', b'L', b'I', b'C', b'E', // display
    0x6C, 0x0C, 0x21, 0x83, b'2', b'0', b'2', b'5', b'5', b'5', b'0', b'1', b'0', b'0', // calling
    0x70, 0x04, 0x81, b'1', b'0', b'0', // called
    0x74, 0x07, 0x21, 0x00, 0x8F, b'4', b'0', b'0', b'1', // redirecting, always
    0xA1, // sending complete
];

fn setup() -> Message {
    Message {
        reference: Reference { value: 1, to_origin: false, dummy: false },
        bearer: Ie::Is(Bearer::Speech(Law::A)),
        channel: Ie::Is(Channel::slot(7, true)),
        progress: Progress::one(3),
        location: Location(2),
        display: Some(Text::try_from("ALICE").unwrap()),
        calling: Ie::Is(Calling {
            number: Number::of("2025550100", Ton::National, Npi::E164).unwrap(),
            presentation: Presentation::Allowed,
            screening: Screening::Network,
        }),
        called: Ie::Is(Number::of("100", Ton::Unknown, Npi::E164).unwrap()),
        redirecting: Ie::Is(Redirecting {
            number: Number::of("4001", Ton::National, Npi::E164).unwrap(),
            presentation: Presentation::Allowed,
            reason: 15,
        }),
        sending_complete: true,
        ..Message::new(Kind::Setup)
    }
}

#[test]
fn a_setup_is_written_octet_by_octet_in_ascending_order() {
    assert_eq!(codec::encode(&setup()).unwrap().as_slice(), SETUP);
}

#[test]
fn a_setup_is_read() {
    let read = codec::decode(SETUP).unwrap();
    assert_eq!(read, Message { location: Location(0), ..setup() });
}

#[test]
fn messages_as_libpri_sends_them() {
    // CALL PROCEEDING to reference 1 with channel 7 exclusive.
    let m = codec::decode(&[8, 2, 0x80, 1, 2, 0x18, 3, 0xA9, 0x83, 0x87]).unwrap();
    assert_eq!(m.kind, Kind::CallProceeding);
    assert_eq!(m.reference, Reference { value: 1, to_origin: true, dummy: false });
    assert_eq!(m.channel, Ie::Is(Channel::slot(7, true)));
    // DISCONNECT, user busy, with tones.
    let m = codec::decode(&[8, 2, 0, 5, 0x45, 8, 2, 0x81, 0x91, 0x1E, 2, 0x81, 0x88]).unwrap();
    assert_eq!(m.cause, Ie::Is((Cause(17), Location(1))));
    assert!(m.progress.is_inband());
    // RESTART of channel 1 and its acknowledgement's answer.
    let restart = [8, 2, 0, 0, 0x46, 0x18, 3, 0xA1, 0x83, 0x81, 0x79, 1, 0x80];
    let m = codec::decode(&restart).unwrap();
    assert_eq!((m.reference.value, &m.restart), (0, &Ie::Is(RestartClass::Channels)));
    assert_eq!(codec::encode(&m).unwrap().as_slice(), restart);
    // STATUS, response to enquiry, active.
    let status = [8, 2, 0x80, 9, 0x7D, 8, 2, 0x80, 0x9E, 0x14, 1, 0x0A];
    let m = codec::decode(&status).unwrap();
    assert_eq!((m.cause.value().unwrap().0, &m.call_state), (Cause(30), &Ie::Is(10)));
    assert_eq!(codec::encode(&m).unwrap().as_slice(), status);
}

#[test]
fn every_way_to_name_a_channel() {
    let read = |octets: &[u8]| {
        let mut m = vec![8, 2, 0, 1, 1, 0x18, octets.len() as u8];
        m.extend_from_slice(octets);
        codec::decode(&m).unwrap().channel
    };
    let slots = |bits, exclusive| Ie::Is(Channel::of(Selection::Slots(bits), exclusive));
    let map = |form| Ie::Is(Channel { form, ..Channel::slot(7, false) });
    assert_eq!(read(&[0xA1, 0x83, 0x87]), slots(1 << 7, false));
    assert_eq!(read(&[0xA9, 0x83, 0x9F]), slots(1 << 31, true));
    assert_eq!(read(&[0xA9, 0x83, 0x07]), slots(1 << 7, true)); // extension bit forgotten
    assert_eq!(read(&[0xA1, 0x83, 0x03, 0x84]), slots(0b11000, false)); // two channels
    assert_eq!(read(&[0xE1, 0x80, 0x83, 0x87]), slots(1 << 7, false)); // explicit interface
    assert_eq!(read(&[0xA1, 0x93, 0x00, 0x00, 0x00, 0x80]), map(Form::Map2048)); // E1 map
    assert_eq!(read(&[0xA1, 0x93, 0x00, 0x00, 0x40]), map(Form::Map1544)); // T1 map
    assert_eq!(read(&[0xA3]), Ie::Is(Channel::of(Selection::Any, false)));
    assert_eq!(read(&[0xA0]), Ie::Is(Channel::of(Selection::None, false)));
    for bad in [&[][..], &[0x81], &[0xA1], &[0xA1, 0x83], &[0xA1, 0x83, 0xA0], &[0xA5, 0x83, 0x81], &[0xA2], &[0xE1]] {
        assert_eq!(read(bad), Ie::Bad, "{bad:02x?}");
    }
}

#[test]
fn codesets_are_passed_over() {
    // Locking shift to 6, an element there, then one that would be a cause in codeset 0.
    let m = codec::decode(&[8, 2, 0, 1, 0x45, 8, 2, 0x80, 0x90, 0x96, 0x08, 2, 0x80, 0x91]).unwrap();
    assert_eq!(m.cause, Ie::Is((Cause(16), Location(0))));
    assert_eq!(m.passed_over, 1);
    // Non-locking: one element only.
    let m = codec::decode(&[8, 2, 0, 1, 0x45, 0x9D, 0x01, 1, 0xFF, 8, 2, 0x80, 0x91]).unwrap();
    assert_eq!(m.cause, Ie::Is((Cause(17), Location(0))));
    // A locking shift back down is no shift.
    let m = codec::decode(&[8, 2, 0, 1, 0x45, 0x96, 0x90, 8, 2, 0x80, 0x91]).unwrap();
    assert_eq!(m.cause, Ie::Absent);
}

#[test]
fn what_must_be_understood_is_noted() {
    let m = codec::decode(&[8, 2, 0, 1, 1, 0x05, 1, 0xFF]).unwrap();
    assert_eq!(m.must_understand, Some(5));
    let m = codec::decode(&[8, 2, 0, 1, 1, 0x15, 1, 0xFF, 0x00, 1, 0]).unwrap();
    assert_eq!((m.must_understand, m.passed_over), (None, 2));
}

#[test]
fn order_and_repetition_are_tolerated() {
    let m = codec::decode(&[8, 2, 0, 1, 0x4D, 0x1E, 2, 0x80, 0x88, 8, 2, 0x80, 0x91, 8, 2, 0x80, 0x90]).unwrap();
    assert_eq!(m.cause, Ie::Is((Cause(17), Location(0))));
    assert_eq!(m.passed_over, 1);
}

#[test]
fn headers_that_are_none() {
    assert_eq!(codec::decode(&[]), Err(MessageError::Short));
    assert_eq!(codec::decode(&[8, 2, 0]), Err(MessageError::Short));
    assert_eq!(codec::decode(&[8, 2, 0, 1]), Err(MessageError::Short));
    assert_eq!(codec::decode(&[3, 2, 0, 1, 0x0F]), Err(MessageError::Discriminator(3)));
    assert_eq!(codec::decode(&[8, 3, 0, 0, 1, 5]), Err(MessageError::Reference));
    assert_eq!(codec::decode(&[8, 0x12, 0, 0, 1, 5]), Err(MessageError::Reference));
    assert!(codec::decode(&[8, 0, 0x62]).unwrap().reference.dummy);
    assert_eq!(codec::decode(&[8, 1, 0x81, 5]).unwrap().reference.value, 1);
}

#[test]
fn cut_off_elements_are_bad_and_not_absent() {
    for end in 7..10 {
        let m = codec::decode(&SETUP[..end]).unwrap();
        assert_ne!(m.bearer, Ie::Absent, "cut at {end}");
    }
    for end in 0..SETUP.len() {
        let _ = codec::decode(&SETUP[..end]);
    }
}

#[test]
fn digits_that_are_none_are_refused() {
    assert!(Number::unknown("12a3").is_some());
    assert!(Number::unknown("12x3").is_none());
    assert!(Number::unknown(&"1".repeat(41)).is_none());
    let m = codec::decode(&[8, 2, 0, 1, 5, 0x70, 3, 0x80, b'1', 0x00]).unwrap();
    assert_eq!(m.called, Ie::Bad);
    let mut long = vec![8, 2, 0, 1, 5, 0x70, 60, 0x80];
    long.extend([b'1'; 59]);
    assert_eq!(codec::decode(&long).unwrap().called, Ie::Bad);
}

#[test]
fn names_are_latin_1() {
    let m = codec::decode(&[8, 2, 0, 1, 5, 0x28, 5, 0xB1, b'M', 0xFC, 0x07, b'l']).unwrap();
    assert_eq!(m.display.unwrap().as_str(), "Mül");
}

#[test]
fn every_kind_has_its_own_octet() {
    for octet in 0..=255 {
        assert_eq!(Kind::from_octet(octet).octet(), octet);
    }
    assert_eq!(Kind::ALL.len(), 33);
}

#[test]
fn the_longest_message_fits_a_frame() {
    let longest = "1".repeat(40);
    let message = Message {
        display: Some(Text::try_from("x".repeat(96).as_str()).unwrap()),
        called: Ie::Is(number(&longest)),
        keypad: Ie::Is(number(&longest).digits),
        calling: Ie::Is(Calling { number: number(&longest), ..Calling::default() }),
        redirecting: Ie::Is(Redirecting { number: number(&longest), ..Redirecting::default() }),
        ..setup()
    };
    assert!(codec::encode(&Message { keypad: Ie::Absent, ..message.clone() }).is_some());
    assert!(codec::encode(&message).is_none(), "and one that does not fit is refused");
}

#[test]
fn a_frame_as_one_line() {
    let line = |frame: &[u8]| {
        let mut text = String::new();
        describe(frame, &mut text);
        text
    };
    let frame = |info: &[u8]| [&[0x02, 0x01, 0x00, 0x00], info].concat();
    assert_eq!(
        line(&frame(SETUP)),
        "SETUP cr=1(from caller) channel 7! called 100 calling 2025550100 display \"ALICE\" redirected from 4001 complete"
    );
    assert_eq!(line(&frame(&[8, 2, 0x80, 5, 0x45, 8, 2, 0x81, 0x91])), "DISCONNECT cr=5(to caller) cause 17 user busy");
    assert_eq!(line(&[0, 1, 0x7F]), "SABME p/f");
    assert_eq!(line(&[2, 1, 1, 10]), "RR nr=5");
    assert_eq!(line(&[2]), "no frame: Short, 1 octets");
    assert_eq!(line(&frame(&[8])), "no message: Short, 1 octets");
    assert_eq!(line(&frame(&[8, 2, 0, 0, 0x46, 0x18, 3, 0xA1, 0x83, 0x81])), "RESTART cr=global channel 1");
}
