//! Dial into a room. The leg sits there until it hangs up, the room is over, the API takes it out or gives it something
//! else to do. While the room has not begun, and on hold, it hears what it waits with.

use tipring_card::Micros;
use tipring_instructions::{Dial, DocumentPlace, Room};
use tipring_resources::Sid;

use crate::effects::TraceKind;
use crate::fault::Fault;
use crate::fetch::Page;
use crate::leg::{Leg, Stop};
use crate::nested::Background;
use crate::params::{Params, param};
use crate::rooms::{Left, Wish};
use crate::verbs::Flow;
use crate::world::{Input, World};

pub(super) async fn run(leg: &Leg, page: &Page, dial: &Dial, noun: &Room) -> Result<Flow, Stop> {
    leg.answer().await?;
    let seated = leg.world().take_seat(leg.task, &noun.name, Wish::of_noun(noun, page));
    let (status, sid) = match seated {
        Err((code, text)) => {
            leg.failed(Fault::warning(code, &page.url, format!("{}: {text}", noun.place)));
            ("failed", None)
        }
        Ok(sid) => {
            let until = leg.now() + Micros::from_s(u64::from(dial.time_limit_s));
            leg.away_at(until);
            let stayed = stay(leg, until).await;
            leg.away_at(Micros::FOREVER);
            leg.heed();
            match stayed {
                Err(Stop::Redirected) => return Err(Stop::Redirected),
                Err(_) => ("completed", Some(sid)),
                Ok(()) => {
                    leg.world().leave_seat(leg.task, Left::Verb);
                    ("answered", Some(sid))
                }
            }
        }
    };
    leg.trace(TraceKind::Verb, format!("Dial ended: {status}"));
    after(leg, page, dial, status, sid)
}

/// Until the leg sits in no room any more.
async fn stay(leg: &Leg, until: Micros) -> Result<(), Stop> {
    loop {
        let Some(next) = leg.world().occupation(leg) else {
            return Ok(());
        };
        let tells = |world: &mut World| in_room(world, leg);
        let stopped = match next {
            Occupation::Hears(background) => leg.hear_background(&background, DocumentPlace::RoomWait, &tells).await,
            Occupation::Announcement(url, method) => {
                leg.run_nested(&url, method, DocumentPlace::Announce, &tells).await.map(drop)
            }
            Occupation::Talks => talk(leg).await,
        };
        match stopped {
            Ok(()) => {}
            Err(Stop::CalledAway) if leg.now() >= until => {
                leg.trace(TraceKind::Verb, "Dial ended: timeLimit");
                return Ok(());
            }
            Err(Stop::CalledAway) => leg.heed(),
            Err(stop) => return Err(stop),
        }
    }
}

/// What a member of a room does.
enum Occupation {
    Hears(Background),
    Announcement(String, tipring_resources::Method),
    Talks,
}

impl World {
    /// `None`: the leg sits in no room.
    fn occupation(&mut self, leg: &Leg) -> Option<Occupation> {
        let begun = {
            let sid = self.sessions.get(&leg.task)?.seat?;
            self.rooms.live.get(&sid)?.has_begun()
        };
        let seat = self.seat_of_mut(leg.task)?;
        if let Some(announce) = seat.announce.take() {
            return Some(Occupation::Announcement(announce.url, announce.method));
        }
        Some(match seat.participant.hold {
            true => Occupation::Hears(seat.hold.clone()),
            false if begun => Occupation::Talks,
            false => Occupation::Hears(seat.wait.clone()),
        })
    }
}

/// Until the leg is called away.
async fn talk(leg: &Leg) -> Result<(), Stop> {
    loop {
        match leg.next(Micros::FOREVER).await? {
            Input::Room => return Ok(()),
            Input::Key(_) => leg.world().counters.keys_unheard += 1,
            Input::Speaks(tap) => leg.world().speaker(leg.task, tap, true),
            Input::Quiet(tap) => leg.world().speaker(leg.task, tap, false),
            _ => {}
        }
    }
}

/// What the document for those who wait is told beside what all are told.
fn in_room(world: &mut World, leg: &Leg) -> Params {
    let sid = world.sessions.get(&leg.task).and_then(|session| session.seat);
    let Some(room) = sid.and_then(|sid| world.rooms.live.get(&sid)) else { return Params::new() };
    vec![param("ConferenceSid", room.record.sid), param("FriendlyName", &room.record.friendly_name)]
}

/// Asks the action, or goes on behind the Dial.
fn after(leg: &Leg, page: &Page, dial: &Dial, status: &str, sid: Option<Sid>) -> Result<Flow, Stop> {
    let mut told = vec![param("DialCallStatus", status), param("DialBridged", sid.is_some())];
    if let Some(sid) = sid {
        told.push(param("ConferenceSid", sid));
    }
    leg.ask_or_notice(page.ask_action(dial.action.as_deref(), dial.method, told))
}
