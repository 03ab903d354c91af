//! What both ends say to each other on a line that is well.

use tipring_controller::codec::Frame;
use tipring_controller::firmware;
use tipring_controller::host::{Config, Event, Heat, Host, Input, Output, Supply};
use tipring_controller::leds::{Appliance, Line};
use tipring_controller::words::{Board, Refusal, Reset, Status, ToChip, ToHost};
use tipring_controller::{Firmware, Millis};

use crate::line::{BOARD, Pair, config};

fn begun(seed: u64) -> Pair {
    let mut pair = Pair::new(2000, seed);
    pair.until(1000, "fed", |pair| pair.chip.status().fed);
    pair.told();
    pair
}

#[test]
fn lamps_show_every_state_of_a_line_and_of_the_box() {
    let mut pair = begun(1);
    for (led, state) in (1..).zip(Line::ALL) {
        pair.tell(Input::Led { led, look: state.look() });
        pair.until(100, state.word(), |pair| pair.chip.look(led) == state.look());
    }
    for state in Appliance::ALL {
        pair.tell(Input::Led { led: 0, look: state.look() });
        pair.until(100, state.word(), |pair| pair.chip.look(0) == state.look());
    }
}

#[test]
fn a_change_of_mind_before_the_answer_ends_as_it_was_meant_last() {
    let mut pair = begun(2);
    for _ in 0..50 {
        pair.tell(Input::Relay { relay: 1, energised: true });
        pair.step();
        pair.tell(Input::Relay { relay: 1, energised: false });
        pair.tell(Input::Led { led: 3, look: Line::InCall.look() });
        pair.step();
        pair.tell(Input::Led { led: 3, look: Line::Idle.look() });
        pair.pass(3);
    }
    pair.pass(100);
    assert_eq!((pair.chip.relays(), pair.chip.look(3)), (0, Line::Idle.look()));
}

#[test]
fn presses_are_told_though_their_own_word_was_lost() {
    let mut pair = begun(3);
    pair.to_host.faults.cut = true;
    for _ in 0..3 {
        pair.happens(firmware::Input::Button { button: 1, down: true });
        pair.happens(firmware::Input::Button { button: 1, down: true });
        pair.happens(firmware::Input::Button { button: 1, down: false });
    }
    pair.pass(20);
    pair.to_host.faults.cut = false;
    pair.happens(firmware::Input::Button { button: 0, down: true });
    pair.pass(600);
    let told = pair.told();
    let pressed: Vec<_> = told.iter().filter(|event| matches!(event, Event::Pressed { .. })).collect();
    assert_eq!(
        pressed,
        [&Event::Pressed { button: 0, times: 1 }, &Event::Pressed { button: 1, times: 3 }],
        "the first by its own word, the others by the next report"
    );
}

#[test]
fn presses_before_the_service_began_are_none_of_its_own() {
    let mut pair = Pair::new(2000, 4);
    pair.happens(firmware::Input::Button { button: 0, down: true });
    pair.pass(3000);
    assert!(!pair.told().iter().any(|event| matches!(event, Event::Pressed { .. })));
}

#[test]
fn heat_and_supply_are_told_when_they_pass_a_limit() {
    let mut pair = begun(5);
    pair.reading(420, 12_000);
    pair.pass(2500);
    let reading = pair.host.chip().expect("up").reading;
    assert_eq!((reading.temperature_c10, reading.supply_mv), (Some(420), Some(12_000)));
    assert!(!pair.told().iter().any(|event| matches!(event, Event::Heat(_) | Event::Supply(_))));
    pair.reading(720, 10_000);
    pair.pass(2500);
    let told = pair.told();
    assert!(told.contains(&Event::Heat(Heat::Warm)) && told.contains(&Event::Supply(Supply::Low)), "{told:?}");
}

#[test]
fn a_relay_whose_contact_does_not_follow_is_told_once() {
    let mut pair = begun(6);
    pair.dead = 0b10;
    pair.tell(Input::Relay { relay: 1, energised: true });
    pair.tell(Input::Relay { relay: 2, energised: true });
    pair.pass(5000);
    let told = pair.told();
    let disagrees: Vec<_> = told.iter().filter(|event| matches!(event, Event::ContactDisagrees { .. })).collect();
    assert_eq!(disagrees, [&Event::ContactDisagrees { relay: 1, energised: true }]);
    pair.dead = 0;
    pair.pass(2000);
    pair.welded = 0b1000;
    pair.pass(2000);
    assert!(pair.told().contains(&Event::ContactDisagrees { relay: 3, energised: false }));
}

#[test]
fn what_the_board_has_not_is_refused_and_not_tried_again() {
    let mut pair = begun(7);
    let before = pair.host.counters().refused;
    pair.tell(Input::Relay { relay: 6, energised: true });
    pair.tell(Input::Led { led: 30, look: Line::Idle.look() });
    pair.tell(Input::Relay { relay: 200, energised: true });
    pair.tell(Input::Led { led: 200, look: Line::Idle.look() });
    pair.pass(2000);
    assert_eq!((pair.host.counters().refused, pair.chip.relays()), (before, 0), "the host knows what there is");
}

fn greeted(host: &mut Host) -> (u16, Vec<Event>) {
    let mut session = 0;
    let mut events = Vec::new();
    while let Some(output) = host.poll() {
        match output {
            Output::Send(wire) => session = u16::from_be_bytes([wire[3], wire[4]]),
            Output::Event(event) => events.push(event),
        }
    }
    (session, events)
}

fn says(host: &mut Host, now: u64, session: u16, sequence: u8, message: &ToHost) {
    let (kind, payload) = message.encode();
    let wire = Frame { version: 1, session, sequence, kind, payload }.encode();
    host.handle(Millis(now), Input::Octets(&wire));
}

fn welcome(version: u8, theirs: [u8; 2]) -> ToHost {
    let [oldest, newest] = theirs;
    let (board, reset) = (BOARD, Reset::PowerOn);
    ToHost::Welcome { version, oldest, newest, board, reset, watchdog_ms: 2000, status: Status::default() }
}

#[test]
fn versions_that_have_nothing_in_common_are_refused_in_so_many_words() {
    let mut host = Host::new(config(2000));
    host.handle(Millis(0), Input::Opened);
    let (session, _) = greeted(&mut host);
    says(&mut host, 1, session, 1, &welcome(0, [2, 3]));
    let (_, events) = greeted(&mut host);
    assert_eq!(events, [Event::Refused { ours: [1, 1], theirs: [2, 3] }]);
    assert_eq!((host.link(), host.deadline()), ("refused", Some(Millis(5001))));
    // It may get another program meanwhile.
    host.handle(Millis(5001), Input::Timer);
    let (session, _) = greeted(&mut host);
    says(&mut host, 5002, session, 1, &welcome(1, [1, 3]));
    assert_eq!(host.link(), "up");
}

#[test]
fn a_chip_of_this_version_tells_a_later_host_what_it_speaks() {
    let mut chip = Firmware::new(Millis(0), BOARD, Reset::PowerOn);
    let (kind, payload) = ToChip::Hello { service: 1, oldest: 2, newest: 9, watchdog_ms: 2000 }.encode();
    let wire = Frame { version: 1, session: 4, sequence: 1, kind, payload }.encode();
    chip.handle(Millis(1), firmware::Input::Octets(&wire));
    let said = heard(&mut chip);
    assert!(said.iter().any(|(_, said)| matches!(said, ToHost::Welcome { version: 0, oldest: 1, newest: 1, .. })));
}

fn heard(chip: &mut Firmware) -> Vec<(u16, ToHost)> {
    let mut decoder = tipring_controller::codec::Decoder::default();
    let mut heard = Vec::new();
    while let Some(wire) = chip.poll() {
        for octet in wire {
            if let Some(Ok(frame)) = decoder.push(octet) {
                heard.push((frame.session, ToHost::decode(frame.kind, &frame.payload).expect("a message")));
            }
        }
    }
    heard
}

#[test]
fn answers_that_come_too_late_or_again_are_passed_over() {
    let mut host = Host::new(config(2000));
    host.handle(Millis(0), Input::Opened);
    let (session, _) = greeted(&mut host);
    let fed = Status { fed: true, ..Status::default() };
    says(&mut host, 1, session, 1, &welcome(1, [1, 1]));
    host.handle(Millis(2), Input::Relay { relay: 0, energised: true });
    greeted(&mut host);
    let lies = Status { energised: 1, ..fed };
    let stale = host.counters().stale;
    says(&mut host, 3, session, 2, &ToHost::Ack { of: 200, status: lies });
    says(&mut host, 4, session, 1, &ToHost::Ack { of: 2, status: lies });
    says(&mut host, 5, session ^ 1, 3, &ToHost::Ack { of: 2, status: lies });
    assert_eq!(host.counters().stale, stale + 3);
    assert_eq!(host.chip().expect("up").state.status.energised, 0);
}

#[test]
fn a_command_of_no_session_or_an_unknown_kind_is_refused_with_its_reason() {
    let mut chip = Firmware::new(Millis(0), BOARD, Reset::PowerOn);
    let mut sequence = 0;
    let mut say = |chip: &mut Firmware, version: u8, session: u16, kind: u8, octets: &[u8]| {
        sequence += 1;
        let payload = tipring_controller::codec::Payload::from_slice(octets).expect("short");
        let wire = Frame { version, session, sequence, kind, payload }.encode();
        chip.handle(Millis(1), firmware::Input::Octets(&wire));
        let said = heard(chip);
        said.into_iter().find_map(|(_, said)| match said {
            ToHost::Nak { reason, of, .. } if of == sequence => Some(reason),
            _ => None,
        })
    };
    let hello = ToChip::Hello { service: 1, oldest: 1, newest: 1, watchdog_ms: 2000 }.encode().1;
    assert_eq!(say(&mut chip, 1, 3, 0x06, &[]), Some(Refusal::NoSession));
    assert_eq!(say(&mut chip, 1, 3, 0x01, &hello), None);
    assert_eq!(say(&mut chip, 1, 3, 0x06, &[]), None);
    assert_eq!(say(&mut chip, 1, 4, 0x06, &[]), Some(Refusal::NoSession));
    assert_eq!(say(&mut chip, 2, 3, 0x06, &[]), Some(Refusal::Version));
    assert_eq!(say(&mut chip, 1, 3, 0x4f, &[]), Some(Refusal::Kind));
    assert_eq!(say(&mut chip, 1, 3, 0x03, &[0, 0xa5, 0xff, 0x5b]), Some(Refusal::Payload));
    assert_eq!(say(&mut chip, 1, 3, 0x03, &[0, 0xa5, 0xff, 0x5a]), Some(Refusal::Hungry));
    assert_eq!(say(&mut chip, 1, 3, 0x03, &[4, 0x5a, 0xfb, 0xa5]), Some(Refusal::Number));
    assert_eq!(say(&mut chip, 1, 3, 0x04, &[23, 2, 1, 1, 1, 1]), Some(Refusal::Number));
    assert_eq!(say(&mut chip, 1, 3, 0x05, &[0, 1, 0xff, 0xfe]), Some(Refusal::Hungry));
}

#[test]
fn a_line_that_gives_back_what_is_sent_is_told_as_such() {
    let mut host = Host::new(config(2000));
    host.handle(Millis(0), Input::Opened);
    let mut echoes = 0;
    for now in 0..500 {
        while let Some(output) = host.poll() {
            match output {
                Output::Send(wire) => host.handle(Millis(now), Input::Octets(&wire)),
                Output::Event(event) => {
                    assert_eq!(event, Event::Echo);
                    echoes += 1;
                }
            }
        }
        host.handle(Millis(now), Input::Timer);
    }
    assert_eq!((echoes, host.link()), (1, "silent"));
}

#[test]
fn a_chip_that_hears_itself_does_not_talk_with_itself() {
    let mut chip = Firmware::new(Millis(0), BOARD, Reset::PowerOn);
    let mut sent = 0;
    for now in 0..10_000 {
        chip.handle(Millis(now), firmware::Input::Timer);
        while let Some(wire) = chip.poll() {
            sent += 1;
            chip.handle(Millis(now), firmware::Input::Octets(&wire));
        }
    }
    assert_eq!((sent, chip.counters().echoes), (20, 20), "one Started every half second");
}

#[test]
fn a_board_without_anything_and_one_with_everything_are_both_in_order() {
    let none = Board::default();
    let all = Board { leds: 255, relays: 255, buttons: 255, sensed: 255, ..BOARD };
    for board in [none, all] {
        let mut pair = Pair::of(Config { self_test: Default::default(), ..config(2000) }, board, 9);
        for led in 0..32 {
            pair.tell(Input::Led { led, look: Line::Idle.look() });
        }
        for relay in 0..8 {
            pair.tell(Input::Relay { relay, energised: true });
        }
        pair.tell(Input::Today(crate::line::day(2026, 1, 1)));
        pair.pass(5000);
        assert_eq!((pair.host.link(), pair.host.counters().losses), ("up", 0));
        assert_eq!(pair.chip.relays(), if board == none { 0 } else { 0xff });
    }
}
