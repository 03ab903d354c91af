//! Rooms by seats, voices of the box in them, marks in what is fed, and the word that somebody speaks.

use crate::world::{World, decoded, octets, port, tone};
use tipring_card::{BLOCK, Law};
use tipring_dsp::level::dbm0_at;
use tipring_switch::{Command, Event, PlayId, RoomId, TapId};

const ROOM: RoomId = RoomId(1);
const OTHER: RoomId = RoomId(2);

/// A frequency for each party, a whole number of turns in a block.
fn hz(party: u16) -> f32 {
    300.0 + 100.0 * f32::from(party)
}

fn sits(world: &mut World, party: u16, room: RoomId, hears: bool, talks: bool) {
    world.tell(Command::Join { port: port(party), room, hears, talks });
}

/// Who is heard by whom in the next 30 ms, everybody speaking: rows of listeners.
fn heard(world: &mut World, parties: u16) -> Vec<Vec<bool>> {
    for party in 0..parties {
        let law = world.lines.0[usize::from(party)].law;
        world.says(party, &tone(law, hz(party), -20.0, 3 * BLOCK));
        world.heard(party);
    }
    world.ticks(3);
    let rows = (0..parties).map(|listener| {
        let law = world.lines.0[usize::from(listener)].law;
        let samples = decoded(law, &world.heard(listener));
        (0..parties).map(|talker| dbm0_at(&samples, hz(talker)) > -40.0).collect()
    });
    rows.collect()
}

#[test]
fn b15_seats_decide_who_hears_whom() {
    let mut world = World::new(&[Law::A; 5]);
    for (party, hears, talks) in
        [(0, true, true), (1, true, true), (2, true, false), (3, false, true), (4, false, false)]
    {
        sits(&mut world, party, ROOM, hears, talks);
    }
    let rows = heard(&mut world, 5);
    for (listener, row) in rows.iter().enumerate() {
        for (talker, hears) in row.iter().enumerate() {
            let expected = listener != talker && listener < 3 && matches!(talker, 0 | 1 | 3);
            assert_eq!(*hears, expected, "{listener} hears {talker}");
        }
    }
}

/// The same as rows computed from the seats, whatever is done in whatever order.
#[test]
fn c6_any_order_of_seats_and_crosspoints_is_heard_as_it_was_told() {
    let mut world = World::new(&[Law::A; 7]);
    let mut seats = [None; 7];
    let mut wired = [[false; 7]; 7];
    for (step, die) in octets(400, 5).into_iter().enumerate() {
        let party = u16::from(die % 7);
        let [flags, choice] = octets(2, 100 + step as u64)[..] else { panic!("two") };
        match choice % 5 {
            0 => {
                world.tell(Command::Leave { port: port(party) });
                seats[usize::from(party)] = None;
            }
            1 => {
                // A crosspoint beside the seats: from one who sits in no room to one who does not either.
                let talker = u16::from(flags % 7);
                if talker != party && seats[usize::from(party)].is_none() && seats[usize::from(talker)].is_none() {
                    world.connect(party, talker);
                    wired[usize::from(party)][usize::from(talker)] = true;
                    let all = heard(&mut world, 7);
                    assert!(all[usize::from(party)][usize::from(talker)]);
                    world.disconnect(party, talker);
                    wired[usize::from(party)][usize::from(talker)] = false;
                }
            }
            _ => {
                let room = if flags & 4 == 0 { ROOM } else { OTHER };
                let seat = (room, flags & 1 == 0, flags & 2 == 0);
                sits(&mut world, party, seat.0, seat.1, seat.2);
                seats[usize::from(party)] = Some(seat);
            }
        }
        let rows = heard(&mut world, 7);
        for listener in 0..7 {
            for talker in 0..7 {
                let together = |(a, b): ((RoomId, bool, bool), (RoomId, bool, bool))| a.0 == b.0 && a.1 && b.2;
                let seated = seats[listener].zip(seats[talker]).is_some_and(together);
                let expected = listener != talker && (seated || wired[listener][talker]);
                assert_eq!(rows[listener][talker], expected, "step {step}: {listener} hears {talker}");
            }
        }
    }
}

#[test]
fn a_port_that_leaves_the_matrix_leaves_its_room() {
    let mut world = World::new(&[Law::A; 3]);
    (0..3).for_each(|party| sits(&mut world, party, ROOM, true, true));
    world.tell(Command::Detach { port: port(2) });
    let again = tipring_switch::Port { index: 2, generation: 2 };
    world.tell(Command::Attach { port: again, law: Law::A });
    let rows = heard(&mut world, 3);
    assert_eq!(rows, [[false, true, false], [true, false, false], [false; 3]]);
    // The old use of the place has no seat to give back.
    world.tell(Command::Leave { port: port(2) });
    assert!(world.switch.counters().stale > 0);
}

/// A voice of the box: everybody in the room hears it, it hears everybody, and no channel is asked for it.
#[test]
fn a_source_speaks_into_a_room_and_its_tap_has_all_of_it() {
    let mut world = World::new(&[Law::A, Law::Mu, Law::A]);
    world.tell(Command::Detach { port: port(2) });
    let source = tipring_switch::Port { index: 2, generation: 2 };
    world.tell(Command::AttachSource { port: source, law: Law::A });
    (0..2).for_each(|party| sits(&mut world, party, ROOM, true, true));
    world.tell(Command::Join { port: source, room: ROOM, hears: true, talks: true });
    world.tell(Command::TapHeard { port: source, tap: TapId(9) });
    world.tell(Command::Play { port: source, play: PlayId(1) });
    let mut data = [0; tipring_switch::FEED];
    for piece in tone(Law::A, hz(2), -20.0, 5 * tipring_switch::FEED).chunks(tipring_switch::FEED) {
        data.copy_from_slice(piece);
        world.tell(Command::Feed { play: PlayId(1), port: source, len: 160, data });
    }
    world.tell(Command::FeedEnd { play: PlayId(1), port: source });
    for party in 0..2 {
        let law = world.lines.0[usize::from(party)].law;
        world.says(party, &tone(law, hz(party), -20.0, 10 * BLOCK));
    }
    world.ticks(10);
    for party in 0..2u16 {
        let samples = decoded(world.lines.0[usize::from(party)].law, &world.heard(party));
        let levels = [dbm0_at(&samples, hz(2)), dbm0_at(&samples, hz(1 - party)), dbm0_at(&samples, hz(party))];
        assert!(levels[0] > -21.0 && levels[1] > -21.0 && levels[2] < -60.0, "{party}: {levels:?}");
    }
    let tapped = decoded(Law::A, &world.audio());
    assert!(dbm0_at(&tapped, hz(0)) > -21.0 && dbm0_at(&tapped, hz(1)) > -21.0 && dbm0_at(&tapped, hz(2)) < -60.0);
    assert!(world.heard(2).is_empty() && world.switch.counters().late == 0);
    let story = world.story();
    assert!(story.contains(&Event::Played { port: source, play: PlayId(1), octets: 800, whole: true }), "{story:?}");
}

#[test]
fn marks_are_told_when_what_was_fed_before_them_is_out() {
    let mut world = World::new(&[Law::A]);
    world.play(0, 1);
    world.feed(0, 1, &octets(5 * BLOCK, 1));
    world.tell(Command::Mark { play: PlayId(1), port: port(0), mark: 7 });
    world.feed(0, 1, &octets(3 * BLOCK, 2));
    world.tell(Command::Mark { play: PlayId(1), port: port(0), mark: 8 });
    world.tell(Command::Mark { play: PlayId(1), port: port(0), mark: 9 });
    let mut told = Vec::new();
    for tick in 1..=10 {
        world.ticks(1);
        told.extend(world.story().into_iter().filter_map(|event| match event {
            Event::Marked { mark, .. } => Some((tick, mark)),
            _ => None,
        }));
    }
    assert_eq!(told, [(5, 7), (8, 8), (8, 9)]);
    // Of an empty playing a mark is told at once, and less than two blocks before one are played.
    world.feed(0, 1, &[0x55; 10]);
    world.tell(Command::Mark { play: PlayId(1), port: port(0), mark: 10 });
    world.ticks(1);
    assert!(world.story().contains(&Event::Marked { port: port(0), play: PlayId(1), mark: 10 }));
}

#[test]
fn what_is_flushed_is_not_heard_its_marks_are_told_and_the_room_is_offered_again() {
    let mut world = World::new(&[Law::A]);
    world.play(0, 1);
    world.drain();
    world.story();
    for round in 0..50_u8 {
        world.feed(0, 1, &vec![0x10 + round; tipring_switch::PLAY_BUFFER]);
        world.tell(Command::Mark { play: PlayId(1), port: port(0), mark: u32::from(round) });
        world.ticks(3);
        world.tell(Command::Flush { play: PlayId(1), port: port(0) });
        world.ticks(2);
        let heard = world.heard(0);
        assert!(heard[..3 * BLOCK].iter().all(|octet| *octet == 0x10 + round), "{round}");
        assert!(heard[3 * BLOCK..].iter().all(|octet| *octet == Law::A.silence()), "{round}");
        let story = world.story();
        assert!(story.contains(&Event::Marked { port: port(0), play: PlayId(1), mark: u32::from(round) }), "{story:?}");
    }
    assert_eq!(world.switch.counters().overflow, 0);
}

#[test]
fn b7_a_listening_tap_tells_when_speech_begins_and_when_it_has_ended() {
    let mut world = World::new(&[Law::A]);
    world.tell(Command::Listen { port: port(0), tap: TapId(3), quiet_ms: 300 });
    let silence = vec![Law::A.silence(); 50 * BLOCK];
    for _ in 0..2 {
        world.says(0, &silence);
        world.says(0, &tone(Law::A, 600.0, -15.0, 40 * BLOCK));
    }
    world.says(0, &silence);
    world.ticks(230);
    let story: Vec<&str> = world
        .story()
        .iter()
        .filter_map(|event| match event {
            Event::Speaks { .. } => Some("speaks"),
            Event::Quiet { .. } => Some("quiet"),
            _ => None,
        })
        .collect();
    assert_eq!(story, ["quiet", "speaks", "quiet", "speaks", "quiet"]);
}
