//! Any fault at any time, by seed: noise, halves, flips, doubles, slow octets, cuts, resets, silence, a beat that stands
//! still. The eye of [`Pair`] is on the relays throughout; when the line is well again all is as wanted within a second.

use tipring_controller::host::Input;
use tipring_controller::words::Reset;

use crate::line::{Faults, Pair, Seed, runs};

fn faults(seed: &mut Seed) -> Faults {
    let mut rarely = |one_in: u64| if seed.next(3) == 0 { 1 + seed.next(one_in) } else { 0 };
    Faults {
        flipped: rarely(300),
        lost: rarely(300),
        noise: rarely(100),
        twice: rarely(10),
        half: rarely(20),
        cut: rarely(4) == 1,
        slow_us: rarely(2000),
        delay_us: rarely(40_000),
    }
}

#[test]
fn whatever_befalls_the_line_no_relay_moves_wrongly_and_all_is_restored_within_a_second() {
    for story in 0..runs(3000) / 50 {
        let mut pair = Pair::new(1500, story);
        let mut seed = Seed(story ^ 0x5eed);
        pair.wants();
        for _ in 0..4 {
            (pair.to_chip.faults, pair.to_host.faults) = (faults(&mut seed), faults(&mut seed));
            pair.beat_every_ms = if seed.next(4) == 0 { 0 } else { 10 };
            let pieces = 1 + seed.next(6);
            for _ in 0..pieces {
                pair.pass(seed.next(900));
                match seed.next(6) {
                    0 => pair.reset(Reset::Watchdog),
                    1 => {
                        let octets: Vec<u8> = (0..seed.next(200)).map(|_| seed.next(256) as u8).collect();
                        pair.noise(&octets);
                    }
                    2 => pair.tell(Input::Opened),
                    _ => {}
                }
            }
            pair.to_chip.heal();
            pair.to_host.heal();
            pair.beat_every_ms = 10;
            let story = format!("story {story}");
            pair.until(1000, &story, Pair::is_as_wanted);
        }
    }
}

#[test]
fn the_same_seed_makes_the_same_story() {
    let story = |seed| {
        let mut pair = Pair::new(1500, seed);
        pair.to_chip.faults = Faults { flipped: 40, noise: 30, twice: 3, ..Faults::default() };
        pair.to_host.faults = Faults { lost: 50, half: 9, ..Faults::default() };
        pair.wants();
        pair.pass(20_000);
        (pair.events, pair.host.counters(), pair.chip.counters())
    };
    assert_eq!(story(5), story(5));
    assert_ne!(story(5).1, story(6).1);
}

#[test]
fn on_a_line_that_doubles_every_frame_nothing_is_done_twice_or_undone() {
    let mut pair = Pair::new(1500, 3);
    (pair.to_chip.faults.twice, pair.to_host.faults.twice) = (1, 1);
    pair.wants();
    pair.until(1000, "begun", Pair::is_as_wanted);
    for round in 0..100 {
        pair.tell(Input::Relay { relay: 3, energised: round % 2 == 0 });
        pair.pass(40);
        assert_eq!(pair.chip.relays() & 8 != 0, round % 2 == 0, "round {round}");
    }
    assert!(pair.chip.counters().stale > 100 && pair.host.counters().losses == 0);
}
