//! The relay that the audio path's beat holds: it lets go in time when the beat stands still, and never while it advances.

use tipring_controller::Millis;
use tipring_controller::codec::{Frame, Payload};
use tipring_controller::firmware::{self, Firmware};
use tipring_controller::host::{Event, Input};
use tipring_controller::leds::{Appliance, Look};
use tipring_controller::words::{Reset, ToChip};

use crate::line::{BOARD, Pair, Seed};

fn up(watchdog_ms: u16, seed: u64) -> Pair {
    let mut pair = Pair::new(watchdog_ms, seed);
    pair.wants();
    pair.until(1000, "begun", Pair::is_as_wanted);
    pair
}

#[test]
fn relays_let_go_within_the_watchdogs_time_when_the_beat_stands_still() {
    for watchdog_ms in [500, 777, 2000, 10_000, 60_000] {
        for phase_ms in [0, 13, 77, 131, 200] {
            let mut pair = up(watchdog_ms, phase_ms);
            pair.pass(1000 + phase_ms);
            pair.beat_every_ms = 0;
            let took_ms = pair.until(watchdog_ms.into(), "released", |pair| pair.chip.relays() == 0);
            assert!(took_ms + 500 >= u64::from(watchdog_ms), "much too early: {took_ms} of {watchdog_ms}");
            pair.pass(watchdog_ms.into());
            assert_eq!(pair.chip.relays(), 0, "and stays so");
            assert_eq!(pair.chip.look(0), Appliance::RelayReleased.look());
            assert!((1..24).all(|led| pair.chip.look(led) == Look::DARK), "nothing is known of the lines");
            let told = pair.told();
            assert!(told.contains(&Event::Tripped) && told.contains(&Event::Relays(0)), "{told:?}");
        }
    }
}

#[test]
fn relays_hold_while_the_beat_advances_however_slowly() {
    for (watchdog_ms, beat_every_ms) in [(500, 10), (500, 100), (2000, 1000), (10_000, 4000)] {
        let mut pair = up(watchdog_ms, 5);
        pair.beat_every_ms = beat_every_ms;
        pair.pass(100);
        for _ in 0..120_000 {
            pair.step();
            assert_eq!(pair.chip.relays(), 0b101, "{watchdog_ms} {beat_every_ms} at {:?}", pair.now);
        }
    }
}

#[test]
fn relays_hold_while_the_beat_advances_on_a_line_that_loses_one_octet_in_two_hundred() {
    let mut pair = up(2000, 6);
    (pair.to_chip.faults.lost, pair.to_host.faults.lost) = (200, 200);
    for _ in 0..600_000 {
        pair.step();
        assert_eq!(pair.chip.relays(), 0b101, "at {:?}", pair.now);
    }
    assert!(pair.host.counters().retries > 100, "the line was hurt");
}

#[test]
fn a_beat_that_goes_on_has_the_lines_again_by_itself() {
    let mut pair = up(1000, 7);
    pair.beat_every_ms = 0;
    pair.until(1000, "released", |pair| pair.chip.relays() == 0);
    pair.pass(4000);
    pair.beat_every_ms = 10;
    pair.until(500, "back", Pair::is_as_wanted);
}

#[test]
fn a_beat_that_begins_anew_is_food_again_from_its_second_on() {
    let mut pair = up(1000, 8);
    pair.beat = 0;
    for _ in 0..5000 {
        pair.step();
        assert_eq!(pair.chip.relays(), 0b101);
    }
}

#[test]
fn a_host_without_a_beat_energises_nothing() {
    let mut pair = Pair::new(1000, 9);
    pair.beat_every_ms = 0;
    pair.wants();
    pair.pass(20_000);
    assert_eq!((pair.chip.relays(), pair.host.link()), (0, "up"));
    assert_eq!(pair.chip.look(0), Appliance::Starting.look());
    assert_eq!(pair.host.counters().refused, 0, "it does not even try");
}

#[test]
fn a_beat_that_is_fed_again_and_again_is_no_food() {
    let mut chip = Firmware::new(Millis(0), BOARD, Reset::PowerOn);
    let mut sequence = 0;
    let mut say = |chip: &mut Firmware, now: u64, session: u16, message: &ToChip| {
        sequence += 1;
        let (kind, payload) = message.encode();
        let frame = Frame { version: 1, session, sequence, kind, payload }.encode();
        chip.handle(Millis(now), firmware::Input::Octets(&frame));
        while chip.poll().is_some() {}
    };
    let hello = ToChip::Hello { service: 5, oldest: 1, newest: 1, watchdog_ms: 1000 };
    let energise = ToChip::SetRelay { relay: 1, energised: true };
    say(&mut chip, 0, 1, &hello);
    say(&mut chip, 1, 1, &ToChip::Feed { beat: 100, lasts_ms: 1000 });
    say(&mut chip, 2, 1, &energise);
    assert_eq!(chip.relays(), 0, "the first beat is none: it only says where counting begins");
    say(&mut chip, 3, 1, &ToChip::Feed { beat: 101, lasts_ms: u16::MAX });
    say(&mut chip, 4, 1, &energise);
    assert_eq!(chip.relays(), 2);
    for (now, session, beat) in (100..1003).step_by(50).zip(2..).flat_map(|(at, n)| [(at, n, 101), (at + 1, n, 99)]) {
        say(&mut chip, now, session, &hello);
        say(&mut chip, now, session, &ToChip::Feed { beat, lasts_ms: 1000 });
        assert_eq!(chip.relays(), 2, "sessions of the same service keep relays");
    }
    chip.handle(Millis(1003), firmware::Input::Timer);
    assert_eq!(chip.relays(), 0, "not more than the watchdog's own time, whatever the frame said");
    assert!(chip.status().tripped);
}

#[test]
fn a_frame_that_is_not_whole_and_right_moves_no_relay_whatever_it_was_before() {
    let mut seed = Seed(44);
    let mut pair = up(60_000, 10);
    for _ in 0..3000 {
        let energised = seed.next(2) == 0;
        let (kind, payload) = ToChip::SetRelay { relay: seed.next(4) as u8, energised }.encode();
        let session = if seed.next(2) == 0 { 0xfff1 } else { seed.next(1 << 16) as u16 };
        let good = Frame { version: 1, session, sequence: seed.next(256) as u8, kind, payload };
        let mut wrong = good.encode().to_vec();
        match seed.next(3) {
            0 => wrong.truncate(seed.next(wrong.len() as u64 - 1) as usize),
            1 => {
                let at = 1 + seed.next(wrong.len() as u64 - 2) as usize;
                wrong[at] ^= 1 << seed.next(8);
            }
            _ => {
                let payload: Vec<u8> = (0..4).map(|_| seed.next(256) as u8).collect();
                wrong = Frame { payload: Payload::from_slice(&payload).expect("four"), ..good }.encode().to_vec();
            }
        }
        pair.noise(&wrong);
        pair.noise(&[0]);
    }
    pair.pass(500);
    assert!(pair.is_as_wanted());
}

#[test]
fn a_release_is_obeyed_without_food_and_a_trip_is_told_once() {
    let mut pair = up(1000, 11);
    pair.told();
    pair.beat_every_ms = 0;
    pair.tell(Input::Relay { relay: 0, energised: false });
    pair.pass(20);
    assert_eq!(pair.chip.relays(), 0b100);
    pair.pass(5000);
    let trips = pair.told().iter().filter(|event| **event == Event::Tripped).count();
    assert_eq!((pair.chip.relays(), trips), (0, 1));
}
