//! Taps: what was said, block by block, and when nobody speaks.

use crate::world::{World, decoded, octets, port, tone};
use tipring_card::{BLOCK, Law};
use tipring_dsp::level::dbm0_at;
use tipring_switch::{Command, Event, TAPS, TapId};

const PORT: tipring_switch::Port = tipring_switch::Port { index: 0, generation: 1 };

#[test]
fn b8_a_tap_is_what_was_said_octet_by_octet() {
    let mut world = World::new(&[Law::Mu]);
    world.ticks(3);
    world.tap(0, 7, false, 0);
    let said = octets(50 * BLOCK, 3);
    world.says(0, &said);
    world.ticks(50);
    world.tell(Command::Untap { port: PORT, tap: TapId(7) });
    world.says(0, &said);
    world.ticks(5);
    assert_eq!(world.audio(), said);
    let ended = Event::TapEnded { port: PORT, tap: TapId(7), blocks: 50, lost: 0, spoken: true };
    assert_eq!(world.story(), [ended]);
}

#[test]
fn b8_a_tap_of_both_sides_has_both_voices() {
    let mut world = World::new(&[Law::A, Law::Mu]);
    world.connect(0, 1);
    world.tap(0, 7, true, 0);
    world.says(0, &tone(Law::A, 400.0, -15.0, 8000));
    world.says(1, &tone(Law::Mu, 1700.0, -20.0, 8000));
    world.ticks(100);
    let linear = decoded(Law::A, &world.audio());
    assert!((dbm0_at(&linear, 400.0) + 15.0).abs() < 0.2);
    assert!((dbm0_at(&linear, 1700.0) + 20.0).abs() < 0.2);
}

/// The right channel of a recording of two: nothing of the left one is in it.
#[test]
fn b8_a_tap_of_what_is_heard_has_only_that() {
    let mut world = World::new(&[Law::A, Law::A]);
    world.connect(0, 1);
    world.tell(Command::TapHeard { port: PORT, tap: TapId(7) });
    let theirs = octets(50 * BLOCK, 4);
    world.says(0, &tone(Law::A, 400.0, -15.0, 4000));
    world.says(1, &theirs);
    world.ticks(50);
    world.tell(Command::Untap { port: PORT, tap: TapId(7) });
    world.ticks(1);
    assert_eq!(world.audio(), theirs);
    assert_eq!(world.story(), [Event::TapEnded { port: PORT, tap: TapId(7), blocks: 50, lost: 0, spoken: true }]);
}

#[test]
fn b9_silence_is_told_from_the_start_to_a_block() {
    for ms in [500u32, 1000, 5005] {
        let mut world = World::new(&[Law::A]);
        world.tap(0, 7, false, ms);
        let blocks = ms.div_ceil(10) as usize;
        world.ticks(blocks - 1);
        assert_eq!(world.story(), []);
        world.ticks(1);
        assert_eq!(world.story(), [Event::Quiet { port: PORT, tap: TapId(7), spoken: false }]);
        world.ticks(2 * blocks);
        assert_eq!(world.story(), [], "told once");
    }
}

#[test]
fn b9_silence_is_told_after_the_last_speech_to_a_block() {
    let mut world = World::new(&[Law::A]);
    world.tap(0, 7, false, 800);
    world.ticks(50);
    world.says(0, &tone(Law::A, 300.0, -20.0, 100 * BLOCK));
    world.ticks(100 + 78);
    assert_eq!(world.story(), []);
    world.ticks(3);
    assert_eq!(world.story(), [Event::Quiet { port: PORT, tap: TapId(7), spoken: true }]);
    // Again after more speech.
    world.says(0, &tone(Law::A, 300.0, -20.0, 30 * BLOCK));
    world.ticks(30 + 81);
    assert_eq!(world.story(), [Event::Quiet { port: PORT, tap: TapId(7), spoken: true }]);
}

#[test]
fn a_late_port_is_silent_in_its_tap_and_counted() {
    let mut world = World::new(&[Law::A, Law::A]);
    world.connect(1, 0);
    world.tap(0, 7, false, 0);
    world.lines.0[0].late = true;
    world.ticks(4);
    assert_eq!(world.audio(), [Law::A.silence(); 4 * BLOCK]);
    assert_eq!(world.heard(1), [Law::A.silence(); 4 * BLOCK]);
    assert_eq!(world.switch.counters().late, 4);
}

#[test]
fn one_tap_more_than_fits_ends_at_once() {
    let mut world = World::new(&[Law::A]);
    for tap in 0..=TAPS as u64 {
        world.tap(0, tap, false, 0);
    }
    world.ticks(1);
    let tap = TapId(TAPS as u64);
    assert_eq!(world.story(), [Event::TapEnded { port: PORT, tap, blocks: 0, lost: 0, spoken: false }]);
    assert_eq!(world.switch.counters().refused, 1);
    world.tell(Command::Detach { port: port(0) });
    world.drain();
    assert_eq!(world.story().len(), TAPS);
}
