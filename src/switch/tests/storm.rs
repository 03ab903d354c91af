//! A hundred thousand commands by chance, sensible and not, with events fetched by chance: whatever is told, every
//! playing and every tap that began ends exactly once, in order, and nothing panics.

use std::collections::HashMap;

use crate::world::{World, octets};
use tipring_card::Law;
use tipring_switch::{Command, Event, FEED, PlayId, Port, RoomId, TapId, Tone};

/// What has been told about a playing or a tap.
#[derive(Default)]
struct Life {
    begun: bool,
    ended: bool,
}

struct Story {
    plays: HashMap<u64, Life>,
    taps: HashMap<u64, Life>,
}

impl Story {
    fn hear(&mut self, event: Event) {
        match event {
            Event::Started { play, .. }
            | Event::Room { play, .. }
            | Event::Starved { play, .. }
            | Event::Marked { play, .. } => {
                assert!(!self.plays.entry(play.0).or_default().ended, "{event:?} after the end");
            }
            Event::Played { play, .. } => {
                let life = self.plays.entry(play.0).or_default();
                assert!(life.begun && !life.ended, "{event:?}");
                life.ended = true;
            }
            Event::Audio { tap, .. } | Event::Quiet { tap, .. } | Event::Speaks { tap, .. } => {
                assert!(!self.taps.entry(tap.0).or_default().ended, "{event:?} after the end");
            }
            Event::TapEnded { tap, .. } => {
                let life = self.taps.entry(tap.0).or_default();
                assert!(life.begun && !life.ended, "{event:?}");
                life.ended = true;
            }
            Event::Key { .. } => {}
        }
    }
}

fn command(dice: &mut impl FnMut(u64) -> u64, next: &mut u64) -> Command {
    let port = Port { index: dice(6) as u16, generation: dice(4) as u32 };
    let other = Port { index: dice(6) as u16, generation: dice(4) as u32 };
    let (play, tap) = (PlayId(next.saturating_sub(dice(12))), TapId(next.saturating_sub(dice(12))));
    match dice(22) {
        16 if dice(30) == 0 => Command::AttachSource { port, law: Law::A },
        17 => Command::Join { port, room: RoomId(dice(2) as u32), hears: dice(3) > 0, talks: dice(3) > 0 },
        18 => Command::Leave { port },
        19 => Command::Mark { play, port, mark: dice(100) as u32 },
        20 if dice(4) == 0 => Command::Flush { play, port },
        21 => {
            *next += 1;
            Command::Listen { port, tap: TapId(*next), quiet_ms: dice(300) as u32 }
        }
        0 if dice(30) == 0 => Command::Attach { port, law: if dice(2) == 0 { Law::A } else { Law::Mu } },
        1 if dice(30) == 0 => Command::Detach { port },
        2 | 3 => {
            *next += 1;
            Command::Play { port, play: PlayId(*next) }
        }
        4 => {
            *next += 1;
            Command::Tap { port, tap: TapId(*next), both: dice(2) == 0, quiet_ms: dice(300) as u32 }
        }
        5 => Command::Untap { tap, port },
        6 => Command::FeedEnd { play, port },
        7 => Command::Stop { play, port },
        8 => Command::Tone {
            play,
            port,
            tone: [Tone::Beep, Tone::Key(dice(256) as u8), Tone::Silence(dice(9) as u16)][dice(3) as usize],
        },
        9 => Command::Connect { listener: port, talker: other },
        10 => Command::Disconnect { listener: port, talker: other },
        11 => Command::Keys { port, on: dice(2) == 0 },
        _ => Command::Feed { play, port, len: dice(256) as u8, data: [dice(256) as u8; FEED] },
    }
}

#[test]
fn whatever_is_commanded_all_that_began_ends_once() {
    for seed in 1..=10u64 {
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let mut dice = |below: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 16) % below
        };
        let mut world = World::new(&[Law::A, Law::Mu, Law::A, Law::Mu, Law::A]);
        let mut story = Story { plays: HashMap::new(), taps: HashMap::new() };
        let mut next = 0;
        for _ in 0..10_000 {
            let command = command(&mut dice, &mut next);
            let before = *world.switch.counters();
            world.tell(command);
            let after = *world.switch.counters();
            let accepted = before.stale == after.stale && before.refused == after.refused;
            match command {
                Command::Play { play, .. } => story.plays.entry(play.0).or_default().begun = accepted,
                // A tap too many begins and ends at once.
                Command::Tap { tap, .. } | Command::Listen { tap, .. } => {
                    story.taps.entry(tap.0).or_default().begun = before.stale == after.stale
                }
                _ => {}
            }
            if dice(3) == 0 {
                world.says(dice(5) as u16, &octets(80, seed));
                world.switch.tick(&mut world.lines);
            }
            if dice(40) == 0 {
                world.drain();
                world.events.drain(..).for_each(|event| story.hear(event));
            }
        }
        for index in 0..5 {
            (0..4).for_each(|generation| world.tell(Command::Detach { port: Port { index, generation } }));
        }
        world.drain();
        world.events.drain(..).for_each(|event| story.hear(event));
        for (id, life) in story.plays.iter().chain(&story.taps) {
            assert_eq!(life.begun, life.ended, "seed {seed}, {id}");
        }
        assert!(story.plays.values().filter(|life| life.ended).count() > 100);
    }
}
