//! Keys through the switch.

use crate::world::{World, encoded, port, tone};
use tipring_card::Law;
use tipring_dsp::{KEYS, KeyTone};
use tipring_switch::{Command, Event};

fn pressed(key: u8, law: Law) -> Vec<u8> {
    let mut samples = [0; 1280];
    let mut tone = KeyTone::new(key).expect("a key");
    tone.fill(&mut samples);
    encoded(law, &samples)
}

fn keys(world: &mut World) -> Vec<u8> {
    world.story().iter().filter_map(|e| if let Event::Key { key, .. } = e { Some(*key) } else { None }).collect()
}

#[test]
fn b4_each_key_is_told_once_in_both_laws() {
    for law in [Law::A, Law::Mu] {
        let mut world = World::new(&[law]);
        for key in KEYS {
            world.says(0, &pressed(key, law));
        }
        world.ticks(16 * 16 + 5);
        assert_eq!(keys(&mut world), KEYS);
    }
}

#[test]
fn b4_a_key_is_told_within_five_blocks() {
    let mut world = World::new(&[Law::A]);
    world.says(0, &pressed(b'7', Law::A));
    world.ticks(5);
    assert_eq!(keys(&mut world), [b'7']);
}

#[test]
fn b4_keys_are_heard_during_own_playing_with_its_echo_20_db_down() {
    let mut world = World::new(&[Law::A]);
    world.play(0, 1);
    world.feed(0, 1, &tone(Law::A, 610.0, -10.0, 14_000));
    let mut sound = vec![0i16; 1280];
    let mut expected = Vec::new();
    for key in *b"8520*" {
        let mut press = KeyTone::new(key).expect("a key");
        press.fill(&mut sound);
        let mut echo = tipring_dsp::Tone::new(610.0, -30.0);
        echo.add_to(&mut sound);
        world.says(0, &encoded(Law::A, &sound));
        expected.push(key);
    }
    world.ticks(90);
    assert_eq!(keys(&mut world), expected);
}

#[test]
fn what_a_port_hears_is_not_its_key() {
    let mut world = World::new(&[Law::A, Law::A]);
    world.connect(0, 1);
    world.says(1, &pressed(b'3', Law::A));
    world.ticks(20);
    assert_eq!(world.story(), [Event::Key { port: port(1), key: b'3' }]);
}

#[test]
fn a_detector_that_is_off_tells_nothing_and_forgets() {
    let mut world = World::new(&[Law::A]);
    world.tell(Command::Keys { port: port(0), on: false });
    world.says(0, &pressed(b'3', Law::A));
    world.ticks(20);
    assert_eq!(world.story(), []);
    world.tell(Command::Keys { port: port(0), on: true });
    world.says(0, &pressed(b'4', Law::A));
    world.ticks(20);
    assert_eq!(keys(&mut world), [b'4']);
}

#[test]
fn a_key_held_while_its_detector_is_turned_off_and_on_is_a_new_key() {
    let mut world = World::new(&[Law::A]);
    let mut samples = [0; 8000];
    KeyTone::with(b'9', -10.0, -10.0, 1000, 0).expect("a key").fill(&mut samples);
    world.says(0, &encoded(Law::A, &samples));
    world.ticks(20);
    for on in [true, false, true] {
        world.tell(Command::Keys { port: port(0), on });
    }
    world.ticks(20);
    assert_eq!(keys(&mut world), [b'9', b'9']);
}
