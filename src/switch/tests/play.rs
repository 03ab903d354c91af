//! Playing: exactly what was fed, from two blocks on, with every kind of end.

use crate::world::{World, decoded, octets, port, tone};
use tipring_card::{BLOCK, Law};
use tipring_dsp::level::dbm0_at;
use tipring_switch::{Command, Event, PLAY_BUFFER, PlayId, Tone};

const PORT: tipring_switch::Port = tipring_switch::Port { index: 0, generation: 1 };

#[test]
fn b2_what_is_fed_is_heard_octet_by_octet_then_silence() {
    for law in [Law::A, Law::Mu] {
        let mut world = World::new(&[law]);
        let prompt = octets(4017, 1);
        world.play(0, 5);
        world.feed(0, 5, &prompt);
        world.feed_end(0, 5);
        world.ticks(60);
        let heard = world.heard(0);
        assert_eq!(heard[..4017], prompt);
        assert!(heard[4017..].iter().all(|o| *o == law.silence()));
        assert_eq!(
            world.story(),
            [
                Event::Started { port: PORT, play: PlayId(5) },
                Event::Played { port: PORT, play: PlayId(5), octets: 4017, whole: true },
            ]
        );
    }
}

#[test]
fn b2_a_playing_starts_at_two_blocks() {
    let mut world = World::new(&[Law::A]);
    world.play(0, 1);
    world.feed(0, 1, &octets(159, 2));
    world.ticks(5);
    assert!(world.heard(0).iter().all(|o| *o == Law::A.silence()));
    assert_eq!(world.story(), []);
    world.feed(0, 1, &octets(1, 3));
    world.ticks(1);
    assert_eq!(world.heard(0), octets(159, 2)[..80]);
    assert_eq!(world.story(), [Event::Started { port: PORT, play: PlayId(1) }]);
}

#[test]
fn b2_a_prompt_shorter_than_two_blocks_starts_at_its_end() {
    let mut world = World::new(&[Law::Mu]);
    world.play(0, 1);
    world.feed(0, 1, &octets(33, 2));
    world.ticks(3);
    world.heard(0);
    world.feed_end(0, 1);
    world.ticks(1);
    let heard = world.heard(0);
    assert_eq!(heard[..33], octets(33, 2));
    assert!(heard[33..].iter().all(|o| *o == 0xFF));
    assert_eq!(world.story()[1], Event::Played { port: PORT, play: PlayId(1), octets: 33, whole: true });
}

#[test]
fn an_empty_playing_ends_without_having_started() {
    let mut world = World::new(&[Law::A]);
    world.play(0, 1);
    world.feed_end(0, 1);
    world.ticks(1);
    assert_eq!(world.story(), [Event::Played { port: PORT, play: PlayId(1), octets: 0, whole: true }]);
}

#[test]
fn a_mark_on_an_idle_player_is_no_gap() {
    let mut world = World::new(&[Law::A]);
    world.play(0, 1);
    world.ticks(1);
    world.tell(Command::Mark { play: PlayId(1), port: PORT, mark: 7 });
    world.ticks(1);
    assert_eq!(world.story(), [Event::Marked { port: PORT, play: PlayId(1), mark: 7 }]);
    // It waits for two blocks as before.
    world.feed(0, 1, &octets(80, 2));
    world.ticks(2);
    assert_eq!(world.story(), []);
    world.feed(0, 1, &octets(80, 3));
    world.ticks(3);
    let gap = Event::Starved { port: PORT, play: PlayId(1) };
    assert_eq!(world.story(), [Event::Started { port: PORT, play: PlayId(1) }, gap]);
}

#[test]
fn a_gap_is_told_once_and_counted() {
    let mut world = World::new(&[Law::A]);
    let prompt = octets(500, 9);
    world.play(0, 1);
    world.feed(0, 1, &prompt[..200]);
    world.ticks(10);
    // Less than two blocks do not end the gap.
    world.feed(0, 1, &prompt[200..300]);
    world.ticks(5);
    world.feed(0, 1, &prompt[300..]);
    world.feed_end(0, 1);
    world.ticks(10);
    let heard = world.heard(0);
    assert_eq!(heard[..200], prompt[..200]);
    assert!(heard[200..15 * BLOCK].iter().all(|o| *o == Law::A.silence()));
    assert_eq!(heard[15 * BLOCK..15 * BLOCK + 300], prompt[200..]);
    assert_eq!(
        world.story(),
        [
            Event::Started { port: PORT, play: PlayId(1) },
            Event::Starved { port: PORT, play: PlayId(1) },
            Event::Played { port: PORT, play: PlayId(1), octets: 500, whole: true },
        ]
    );
    assert_eq!(world.switch.counters().starved, 1);
}

#[test]
fn a_stop_is_silence_at_once_and_drops_what_was_fed() {
    let mut world = World::new(&[Law::A]);
    world.play(0, 1);
    world.feed(0, 1, &octets(1001, 4));
    world.ticks(3);
    world.tell(Command::Stop { port: PORT, play: PlayId(1) });
    world.ticks(3);
    let heard = world.heard(0);
    assert_eq!(heard[..240], octets(1001, 4)[..240]);
    assert!(heard[240..].iter().all(|o| *o == Law::A.silence()));
    assert_eq!(world.story()[1], Event::Played { port: PORT, play: PlayId(1), octets: 240, whole: false });
    // The next one has nothing of it.
    world.play(0, 2);
    world.feed(0, 2, &octets(160, 5));
    world.ticks(2);
    assert_eq!(world.heard(0), octets(160, 5));
}

#[test]
fn a_new_playing_ends_the_old_one_first() {
    let mut world = World::new(&[Law::A]);
    world.play(0, 1);
    world.feed(0, 1, &octets(800, 4));
    world.ticks(1);
    world.play(0, 2);
    world.feed(0, 1, &octets(160, 6));
    world.feed(0, 2, &octets(160, 7));
    world.ticks(1);
    assert_eq!(world.heard(0)[80..], octets(160, 7)[..80]);
    let story = world.story();
    assert_eq!(story[1], Event::Played { port: PORT, play: PlayId(1), octets: 80, whole: false });
    assert_eq!(story[2], Event::Started { port: PORT, play: PlayId(2) });
    assert_eq!(world.switch.counters().stale, 1);
}

#[test]
fn too_much_is_dropped_and_counted_and_room_is_offered_again() {
    let mut world = World::new(&[Law::A]);
    world.play(0, 1);
    world.feed(0, 1, &octets(PLAY_BUFFER + 1000, 8));
    assert_eq!(world.switch.counters().overflow, 1000);
    world.drain();
    assert_eq!(world.events, [Event::Room { port: PORT, play: PlayId(1), octets: PLAY_BUFFER as u16 }]);
    world.ticks(99);
    assert_eq!(world.events.len(), 2);
    world.ticks(1);
    assert_eq!(world.events[2], Event::Room { port: PORT, play: PlayId(1), octets: PLAY_BUFFER as u16 / 2 });
}

#[test]
fn tones_stand_between_octets_in_order() {
    let mut world = World::new(&[Law::A]);
    let speech = octets(161, 3);
    world.play(0, 1);
    world.feed(0, 1, &speech);
    for tone in [Tone::Silence(2), Tone::Beep, Tone::Key(b'5'), Tone::Key(b'x')] {
        world.tell(Command::Tone { port: PORT, play: PlayId(1), tone });
    }
    world.feed(0, 1, &speech);
    world.feed_end(0, 1);
    world.ticks(60);
    let heard = world.heard(0);
    assert_eq!(heard[..161], speech);
    assert!(heard[161..321].iter().all(|o| *o == Law::A.silence()));
    let linear = decoded(Law::A, &heard);
    assert!((dbm0_at(&linear[321..2321], 1000.0) + 12.0).abs() < 0.2);
    let key = &linear[2321..2961];
    assert!((dbm0_at(key, 770.0) + 11.0).abs() < 0.3 && (dbm0_at(key, 1336.0) + 9.0).abs() < 0.3);
    assert!(linear[2961..3601].iter().all(|s| s.abs() <= 8));
    assert_eq!(heard[3601..3762], speech);
    let octets = 161 + 160 + 2000 + 1280 + 161;
    assert_eq!(world.story().pop(), Some(Event::Played { port: PORT, play: PlayId(1), octets, whole: true }));
    assert_eq!(world.switch.counters().refused, 1);
}

#[test]
fn own_playing_is_mixed_with_what_is_heard_in_the_matrix() {
    let mut world = World::new(&[Law::A, Law::Mu]);
    world.connect(0, 1);
    world.says(1, &tone(Law::Mu, 500.0, -15.0, 8000));
    world.play(0, 1);
    world.feed(0, 1, &tone(Law::A, 1300.0, -15.0, 8000));
    world.feed_end(0, 1);
    world.ticks(100);
    let linear = decoded(Law::A, &world.heard(0));
    assert!((dbm0_at(&linear, 500.0) + 15.0).abs() < 0.2);
    assert!((dbm0_at(&linear, 1300.0) + 15.0).abs() < 0.2);
    // Nothing of the playing goes to the other side.
    assert!(world.heard(1).iter().all(|o| *o == 0xFF));
}

#[test]
fn a_detached_port_ends_its_playing_and_is_not_written() {
    let mut world = World::new(&[Law::A]);
    world.play(0, 1);
    world.feed(0, 1, &octets(800, 4));
    world.ticks(2);
    world.tell(Command::Detach { port: port(0) });
    world.ticks(2);
    assert_eq!(world.heard(0).len(), 160);
    assert_eq!(world.story()[1], Event::Played { port: PORT, play: PlayId(1), octets: 160, whole: false });
}

#[test]
fn a_playing_of_whole_blocks_ends_with_its_last_block() {
    let mut world = World::new(&[Law::A]);
    world.play(0, 1);
    world.feed(0, 1, &octets(160, 4));
    world.feed_end(0, 1);
    world.ticks(1);
    assert_eq!(world.story().len(), 1);
    world.ticks(1);
    assert_eq!(world.story(), [Event::Played { port: PORT, play: PlayId(1), octets: 160, whole: true }]);
}

#[test]
fn a_playing_that_waits_leaves_what_is_heard_untouched() {
    let mut world = World::new(&[Law::A, Law::A]);
    world.connect(0, 1);
    world.play(0, 1);
    world.says(1, &octets(800, 6));
    world.ticks(10);
    assert_eq!(world.heard(0), octets(800, 6));
}
