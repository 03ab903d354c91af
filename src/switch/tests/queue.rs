//! The event queue when nobody fetches events.

use crate::world::{World, octets, port};
use tipring_card::Law;
use tipring_switch::{Command, Event, PlayId, TAPS};

#[test]
fn last_words_survive_a_queue_that_nobody_fetches() {
    let mut world = World::new(&[Law::A; 3]);
    for index in 0..3u16 {
        for tap in 0..TAPS as u64 {
            world.tap(index, u64::from(index) * 10 + tap, false, 0);
        }
        world.play(index, u64::from(index));
        world.feed(index, u64::from(index), &octets(400, 1));
        world.feed_end(index, u64::from(index));
    }
    // 12 blocks a tick, nobody listens.
    for _ in 0..1000 {
        world.switch.tick(&mut world.lines);
    }
    assert!(world.switch.counters().dropped_events > 11_000);
    for index in 0..3 {
        world.tell(Command::Detach { port: port(index) });
    }
    world.drain();
    let played = world.events.iter().filter(|e| matches!(e, Event::Played { .. })).count();
    assert_eq!(played, 3);
    let mut told = 0;
    for event in &world.events {
        if let Event::TapEnded { blocks, lost, .. } = event {
            assert_eq!(blocks + lost, 1000);
            told += blocks;
        }
    }
    let audio = world.events.iter().filter(|e| matches!(e, Event::Audio { .. })).count();
    assert_eq!(audio, told as usize);
    assert_eq!(world.events.iter().filter(|e| matches!(e, Event::TapEnded { .. })).count(), 3 * TAPS);
}

#[test]
fn keys_and_starts_have_room_when_audio_has_none() {
    let mut world = World::new(&[Law::A]);
    world.tap(0, 1, false, 0);
    for _ in 0..1000 {
        world.switch.tick(&mut world.lines);
    }
    world.play(0, 1);
    world.feed(0, 1, &octets(400, 1));
    world.switch.tick(&mut world.lines);
    world.drain();
    assert!(world.story().contains(&Event::Started { port: port(0), play: PlayId(1) }));
}

#[test]
fn every_playing_that_was_admitted_is_told_to_its_end() {
    let mut world = World::new(&[Law::A]);
    for play in 0..5000 {
        world.play(0, play);
    }
    world.tell(Command::Detach { port: port(0) });
    let refused = world.switch.counters().refused;
    world.drain();
    let played = world.events.iter().filter(|e| matches!(e, Event::Played { .. })).count() as u64;
    assert_eq!(played + refused, 5000);
    assert!(refused > 0 && played > 250, "{played} {refused}");
}

#[test]
fn an_offer_that_found_no_room_comes_later() {
    let mut world = World::new(&[Law::A; 2]);
    // Fill what ordinary events may fill.
    for play in 0..2000 {
        world.play(1, play);
    }
    world.play(0, 9999);
    world.drain();
    let offered = |world: &World| world.events.iter().any(|e| matches!(e, Event::Room { play: PlayId(9999), .. }));
    let admitted = world.switch.counters().refused == 0;
    assert!(!admitted || !offered(&world));
    world.play(0, 9999);
    world.ticks(1);
    assert!(offered(&world));
}
