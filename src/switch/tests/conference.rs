//! The matrix: two parties, three, thirty, and re-wiring while all of them speak.

use crate::world::{World, decoded, octets, port, tone};
use tipring_card::{BLOCK, Law};
use tipring_dsp::level::dbm0_at;
use tipring_dsp::{a_to_mu, mu_to_a};
use tipring_switch::{Command, Port};

/// A frequency for each party, a whole number of turns in a block.
fn hz(party: u16) -> f32 {
    300.0 + 100.0 * f32::from(party)
}

/// Each party says its own tone from now on.
fn all_speak(world: &mut World, parties: u16, dbm0: f32, blocks: usize) {
    for party in 0..parties {
        let law = world.lines.0[usize::from(party)].law;
        world.says(party, &tone(law, hz(party), dbm0, blocks * BLOCK));
    }
}

#[test]
fn two_of_one_law_hear_each_others_octets_unchanged() {
    for law in [Law::A, Law::Mu] {
        let mut world = World::new(&[law, law]);
        world.connect(0, 1);
        world.connect(1, 0);
        world.says(0, &octets(800, 1));
        world.says(1, &octets(800, 2));
        world.ticks(10);
        assert_eq!(world.heard(0), octets(800, 2));
        assert_eq!(world.heard(1), octets(800, 1));
    }
}

#[test]
fn two_of_different_laws_are_transcoded() {
    let mut world = World::new(&[Law::A, Law::Mu]);
    world.connect(0, 1);
    world.connect(1, 0);
    world.says(0, &octets(800, 1));
    world.says(1, &octets(800, 2));
    world.ticks(10);
    assert_eq!(world.heard(0), octets(800, 2).iter().map(|o| mu_to_a(*o)).collect::<Vec<_>>());
    assert_eq!(world.heard(1), octets(800, 1).iter().map(|o| a_to_mu(*o)).collect::<Vec<_>>());
}

#[test]
fn b15_of_three_each_hears_the_two_others_and_not_himself() {
    let mut world = World::new(&[Law::A, Law::Mu, Law::A]);
    for listener in 0..3 {
        for talker in (0..3).filter(|talker| *talker != listener) {
            world.connect(listener, talker);
        }
    }
    all_speak(&mut world, 3, -15.0, 100);
    world.ticks(100);
    for listener in 0..3u16 {
        let law = world.lines.0[usize::from(listener)].law;
        let heard = decoded(law, &world.heard(listener));
        for talker in 0..3u16 {
            let level = dbm0_at(&heard, hz(talker));
            assert!(
                if talker == listener { level < -60.0 } else { (level + 15.0).abs() < 0.3 },
                "{listener} {talker} {level}"
            );
        }
    }
}

#[test]
fn b15_a_muted_member_hears_and_is_not_heard() {
    let mut world = World::new(&[Law::A; 4]);
    for listener in 0..4 {
        for talker in (0..3).filter(|talker| *talker != listener) {
            world.connect(listener, talker);
        }
    }
    all_speak(&mut world, 4, -18.0, 50);
    world.ticks(50);
    for listener in 0..4u16 {
        let heard = decoded(Law::A, &world.heard(listener));
        assert!(dbm0_at(&heard, hz(3)) < -60.0);
        for talker in (0..3).filter(|talker| *talker != listener) {
            assert!((dbm0_at(&heard, hz(talker)) + 18.0).abs() < 0.3);
        }
    }
}

#[test]
fn c6_re_wiring_in_mid_speech_lets_no_foreign_block_through() {
    // Eight parties speak all the time, each its own tone; the wiring changes every three blocks by chance.
    let mut world = World::new(&[Law::A; 8]);
    all_speak(&mut world, 8, -20.0, 900);
    let mut wired = [[false; 8]; 8];
    for (step, die) in octets(300, 17).into_iter().enumerate() {
        for flip in octets(6, 1000 + step as u64) {
            let (listener, talker) = (usize::from(flip & 7), usize::from(flip >> 3 & 7));
            if listener != talker {
                wired[listener][talker] = die & 1 == 0;
                let (listener, talker) = (listener as u16, talker as u16);
                if die & 1 == 0 { world.connect(listener, talker) } else { world.disconnect(listener, talker) }
            }
        }
        world.ticks(3);
        for (listener, row) in wired.iter().enumerate() {
            // Blocks are 10 ms and the tones 100 Hz apart: one block tells them all apart.
            let heard = decoded(Law::A, &world.heard(listener as u16));
            for block in heard.chunks(BLOCK) {
                for (talker, is_wired) in row.iter().enumerate() {
                    let level = dbm0_at(block, hz(talker as u16));
                    let right = if *is_wired { (level + 20.0).abs() < 1.0 } else { level < -45.0 };
                    assert!(right, "step {step}: {listener} hears {talker} at {level}");
                }
            }
        }
    }
}

#[test]
fn c6_two_pairs_out_of_four_hear_nothing_of_each_other() {
    let mut world = World::new(&[Law::A; 4]);
    let pairs = |world: &mut World, on: bool| {
        for listener in 0..4u16 {
            for talker in (0..4).filter(|talker| *talker != listener && talker / 2 != listener / 2) {
                if on { world.connect(listener, talker) } else { world.disconnect(listener, talker) }
            }
        }
    };
    for (listener, talker) in [(0u16, 1u16), (1, 0), (2, 3), (3, 2)] {
        world.connect(listener, talker);
    }
    pairs(&mut world, true);
    for party in 0..4u16 {
        world.says(party, &octets(40 * BLOCK, u64::from(party)));
    }
    world.ticks(20);
    pairs(&mut world, false);
    (0..4).for_each(|party| drop(world.heard(party)));
    world.ticks(20);
    for (listener, talker) in [(0u16, 1u16), (1, 0), (2, 3), (3, 2)] {
        assert_eq!(world.heard(listener), octets(40 * BLOCK, u64::from(talker))[20 * BLOCK..]);
    }
}

#[test]
fn thirty_shouting_parties_do_not_wrap_round() {
    let mut world = World::new(&[Law::A; 30]);
    for listener in 0..30 {
        for talker in (0..30).filter(|talker| *talker != listener) {
            world.connect(listener, talker);
        }
        world.says(listener, &[0xAA; 2 * BLOCK]);
    }
    world.ticks(2);
    for listener in 0..30 {
        assert_eq!(world.heard(listener), [0xAA; 2 * BLOCK]);
    }
}

#[test]
fn thirty_who_shout_are_turned_down_and_not_clipped() {
    // Together 11 dB too loud. Clipped, their sum would have products at every multiple of 100 Hz: also where the one
    // voice is missing that a listener must not hear, his own.
    let mut world = World::new(&[Law::A; 30]);
    for listener in 0..30 {
        for talker in (0..30).filter(|talker| *talker != listener) {
            world.connect(listener, talker);
        }
    }
    all_speak(&mut world, 30, -3.0, 150);
    world.ticks(100);
    (0..30).for_each(|listener| drop(world.heard(listener)));
    world.ticks(50);
    assert!(world.switch.counters().limited > 4000, "{:?}", world.switch.counters());
    for listener in 0..30u16 {
        let heard = decoded(Law::A, &world.heard(listener));
        let levels: Vec<f32> = (0..30).map(|talker| dbm0_at(&heard, hz(talker))).collect();
        let of_others: Vec<f32> = (0..30).filter(|n| *n != usize::from(listener)).map(|n| levels[n]).collect();
        let (least, most) = of_others.iter().fold((0f32, -99f32), |(a, b), level| (a.min(*level), b.max(*level)));
        assert!(most - least < 0.5, "{listener}: {least} to {most}");
        assert!(levels[usize::from(listener)] < least - 30.0, "{listener}: {levels:?}");
    }
}

#[test]
fn a_place_taken_by_the_next_call_has_nothing_of_the_last() {
    let mut world = World::new(&[Law::A, Law::A]);
    world.connect(0, 1);
    world.connect(1, 0);
    world.tap(0, 3, false, 0);
    let next = Port { index: 0, generation: 2 };
    world.tell(Command::Attach { port: next, law: Law::A });
    world.says(0, &octets(160, 1));
    world.says(1, &octets(160, 2));
    world.ticks(2);
    assert_eq!(world.heard(0), [Law::A.silence(); 160]);
    assert_eq!(world.heard(1), [Law::A.silence(); 160]);
    assert_eq!(world.story().len(), 1, "the tap of the last call has ended");
    // Late words for the last call change nothing.
    let stale = world.switch.counters().stale;
    world.connect(0, 1);
    world.play(0, 9);
    world.tell(Command::Attach { port: port(0), law: Law::A });
    world.tell(Command::Attach { port: next, law: Law::A });
    world.tell(Command::Detach { port: port(0) });
    world.tell(Command::Attach { port: port(77), law: Law::A });
    assert_eq!(world.switch.counters().stale, stale + 6);
    assert!(world.switch.is_attached(next));
}
