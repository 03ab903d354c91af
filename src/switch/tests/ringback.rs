//! The country's ringback for a caller while a dialled leg rings: from the beginning of its rhythm, until it is stopped.

use crate::world::{World, decoded, octets, port};
use tipring_card::{BLOCK, Law};
use tipring_dsp::level::dbm0_of;
use tipring_dsp::{ZoneId, zone};
use tipring_switch::{Command, Event, PlayId, Tone};

fn ringing(law: Law, code: &str) -> World {
    let mut world = World::new(&[law]);
    world.play(0, 7);
    let zone = ZoneId::of(code).expect("a zone");
    world.tell(Command::Tone { play: PlayId(7), port: port(0), tone: Tone::Ringback(zone) });
    world
}

/// Whether each 10 ms sound.
fn rhythm(samples: &[i16]) -> Vec<bool> {
    samples.chunks(BLOCK).map(|block| block.iter().any(|sample| sample.unsigned_abs() > 500)).collect()
}

#[test]
fn b11_each_countrys_ringback_has_its_rhythm_from_the_first_block_for_minutes() {
    for law in [Law::A, Law::Mu] {
        for code in ["us", "gb", "de", "fr", "jp", "in", "mx", "us-old"] {
            let mut world = ringing(law, code);
            world.ticks(1);
            assert_eq!(world.story(), [Event::Started { port: port(0), play: PlayId(7) }], "it is begun at once");
            world.ticks(8_999);
            let heard = decoded(law, &world.heard(0));
            let on_off = ZoneId::of(code).expect("a zone").tones().ringback[0].on_off_ms;
            let mut expected = Vec::new();
            for (n, ms) in on_off.iter().enumerate().cycle() {
                expected.extend(std::iter::repeat_n(n % 2 == 0, usize::from(*ms) / 10));
                if expected.len() >= 9_000 {
                    break;
                }
            }
            let heard_rhythm = rhythm(&heard);
            // A modulated or beating tone may be all but nothing for a block.
            let differing = heard_rhythm.iter().zip(&expected).filter(|(heard, is)| heard != is).count();
            let in_pauses = heard_rhythm.iter().zip(&expected).filter(|(heard, is)| **heard && !**is).count();
            assert_eq!(in_pauses, 0, "{code}: the pauses are silent");
            assert!(differing < 900, "{code}: {differing} of 9,000 blocks");
            let burst = usize::from(on_off[0]) * 8;
            let level = dbm0_of(&heard[..burst]);
            assert!((level - zone::LEVEL_DBM0).abs() < 0.6, "{code}: {level} dBm0");
            assert_eq!(world.story(), [], "{code}: it neither ends nor runs dry");
        }
    }
}

#[test]
fn b11_ringback_ends_mid_block_when_it_is_stopped_and_not_before() {
    let mut world = ringing(Law::A, "us");
    world.feed_end(0, 7);
    world.ticks(100);
    world.story();
    world.heard(0);
    world.tell(Command::Stop { play: PlayId(7), port: port(0) });
    world.ticks(10);
    assert!(world.heard(0).iter().all(|octet| *octet == Law::A.silence()));
    assert_eq!(world.story(), [Event::Played { port: port(0), play: PlayId(7), octets: 8_000, whole: false }]);
}

#[test]
fn a_new_playing_takes_over_from_ringback() {
    let mut world = ringing(Law::Mu, "de");
    world.ticks(50);
    world.heard(0);
    let prompt = octets(800, 3);
    world.play(0, 8);
    world.feed(0, 8, &prompt);
    world.feed_end(0, 8);
    world.ticks(10);
    assert_eq!(world.heard(0), prompt);
}

#[test]
fn ringback_begins_anew_with_each_playing() {
    let mut world = ringing(Law::A, "gb");
    world.ticks(73);
    let first = world.heard(0);
    world.play(0, 7);
    let tone = Tone::Ringback(ZoneId::of("uk").expect("a zone"));
    world.tell(Command::Tone { play: PlayId(7), port: port(0), tone });
    world.ticks(73);
    assert_eq!(world.heard(0), first);
}

#[test]
fn congestion_sounds_in_its_rhythm_until_it_is_stopped() {
    let mut world = World::new(&[Law::A]);
    world.play(0, 7);
    let zone = ZoneId::of("us").expect("a zone");
    world.tell(Command::Tone { play: PlayId(7), port: port(0), tone: Tone::Congestion(zone) });
    world.feed_end(0, 7);
    world.ticks(200);
    let heard = rhythm(&decoded(Law::A, &world.heard(0)));
    let on = heard.iter().filter(|on| **on).count();
    assert!((90..=110).contains(&on), "{on} of 200 blocks: 250 ms on, 250 ms off");
    world.tell(Command::Stop { play: PlayId(7), port: port(0) });
    world.ticks(50);
    assert!(rhythm(&decoded(Law::A, &world.heard(0))).iter().all(|on| !on), "it is silent after the stop");
}
