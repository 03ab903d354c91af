//! Conference rooms. One owner: a room is here, and whoever changes it does it through the functions of this folder; a
//! leg knows only which room it sits in. Who hears whom is told to the switch seat by seat ([`seat`]), what happens is told
//! to the room's callback in order ([`events`]), the API's wishes are in [`requests`].
//!
//! A room is made by the first who comes, or is called into it. It begins when two are there and one of them may begin
//! it; it is over when the last one has left, when one leaves whose leaving ends it, or when the API says so.

mod events;
mod requests;
mod seat;
mod wish;

use std::collections::BTreeMap;

use tipring_card::Law;
use tipring_resources::{Call, Conference, ConferenceStatus, Participant, Record, Sid, SidKind};
use tipring_switch::{Port, RoomId, TapId};

use crate::effects::TraceKind;
use crate::nested::Background;
use crate::requests::Announce;
use crate::session::End;
use crate::world::{TaskId, World};

pub(crate) use events::RoomEvent;
pub(crate) use seat::Left;
pub(crate) use wish::Wish;

/// A live room.
pub(crate) struct Room {
    pub(crate) record: Conference,
    /// Its name in the switch.
    room: RoomId,
    pub(crate) seats: BTreeMap<TaskId, Seat>,
    /// Calls that are on their way to it.
    awaited: BTreeMap<Sid, Awaited>,
    /// The box's voice and ear in it.
    voice: Option<Port>,
    /// Law of that.
    law: Law,
    callback: Option<wish::Callback>,
    /// The call that was last seen there: for what is told of the room and of nobody in it.
    last_call: Option<Box<Call>>,
    /// Events told so far.
    told: u32,
    /// Who may be there at most.
    most: usize,
    recording: Option<wish::Recording>,
    /// Looks after its recordings.
    pub(crate) recorders: Vec<TaskId>,
}

/// Somebody in a room.
pub(crate) struct Seat {
    pub(crate) participant: Participant,
    port: Port,
    beep_on_exit: bool,
    /// Heard until the room begins.
    pub(crate) wait: Background,
    /// Heard on hold.
    pub(crate) hold: Background,
    /// To be heard by this one alone, next.
    pub(crate) announce: Option<Announce>,
    /// What the switch was told: hears, talks.
    wired: Option<(bool, bool)>,
    /// Whom alone it speaks to, as the switch was told.
    whispers_to: Option<Port>,
    /// Tells when it speaks.
    speech: Option<TapId>,
}

/// Somebody on the way to a room.
struct Awaited {
    participant: Participant,
    wish: Wish,
}

impl Room {
    /// Whether those in it hear each other.
    pub(crate) fn has_begun(&self) -> bool {
        self.record.status == ConferenceStatus::InProgress
    }

    /// Whether nobody is there and nobody is on the way.
    fn is_empty(&self) -> bool {
        self.seats.is_empty() && self.awaited.is_empty()
    }
}

/// All live rooms.
#[derive(Default)]
pub(crate) struct Rooms {
    pub(crate) live: BTreeMap<Sid, Room>,
    names: BTreeMap<(Sid, String), Sid>,
}

impl Rooms {
    /// A live room of an account, by its SID or its name.
    fn find(&self, account: Sid, named: &str) -> Option<Sid> {
        let by_sid = named.parse::<Sid>().ok().filter(|sid| sid.kind == SidKind::Conference);
        let by_sid = by_sid.filter(|sid| self.live.get(sid).is_some_and(|room| room.record.account == account));
        by_sid.or_else(|| self.names.get(&(account, named.to_owned())).copied())
    }
}

impl World {
    /// A live room of that name, made if there is none.
    fn room_of(&mut self, account: Sid, name: &str, wish: &Wish, law: Law) -> Sid {
        if let Some(sid) = self.rooms.find(account, name) {
            return sid;
        }
        let now = self.stamp();
        let sid = self.sid(SidKind::Conference);
        let id = self.id();
        let record = Conference {
            sid,
            account,
            friendly_name: name.to_owned(),
            status: ConferenceStatus::Init,
            region: String::new(),
            created: now,
            updated: now,
            started: None,
            ended: None,
            reason_ended: None,
            ended_by: None,
        };
        self.write(Record::Conference(record.clone()));
        let room = Room {
            record,
            room: RoomId(u32::try_from(id).unwrap_or(u32::MAX)),
            seats: BTreeMap::new(),
            awaited: BTreeMap::new(),
            voice: None,
            law,
            callback: wish.callback.clone(),
            last_call: None,
            told: 0,
            most: wish.most,
            recording: wish.recording.clone(),
            recorders: Vec::new(),
        };
        self.rooms.live.insert(sid, room);
        self.rooms.names.insert((account, name.to_owned()), sid);
        self.counters.rooms += 1;
        sid
    }

    /// Two are there, and one of them may begin: they hear each other from now on.
    fn begin_room(&mut self, sid: Sid, by: TaskId) {
        let now = self.stamp();
        let Some(room) = self.rooms.live.get_mut(&sid) else { return };
        let may = room.seats.values().any(|seat| seat.participant.start_on_enter);
        if room.has_begun() || !may || room.seats.len() < 2 {
            return;
        }
        room.record.status = ConferenceStatus::InProgress;
        room.record.started = Some(now);
        room.record.updated = now;
        let record = room.record.clone();
        let members: Vec<TaskId> = room.seats.keys().copied().collect();
        self.write(Record::Conference(record));
        self.tell_room(sid, RoomEvent::Start, Some(by));
        for member in members {
            self.rewire(member);
            let holds = self.seat_of(member).is_some_and(|seat| seat.participant.hold);
            if !holds {
                self.call_away(member);
            }
        }
        self.begin_room_recording(sid, by);
    }

    /// Where a leg sits.
    pub(crate) fn seat_of(&self, task: TaskId) -> Option<&Seat> {
        let sid = self.sessions.get(&task)?.seat?;
        self.rooms.live.get(&sid)?.seats.get(&task)
    }

    /// The same, to be changed.
    pub(crate) fn seat_of_mut(&mut self, task: TaskId) -> Option<&mut Seat> {
        let sid = self.sessions.get(&task)?.seat?;
        self.rooms.live.get_mut(&sid)?.seats.get_mut(&task)
    }

    /// The room is over for everybody: who is there goes on behind its Dial, who is on the way is hung up, what is
    /// announced there ends.
    pub(crate) fn end_room(&mut self, sid: Sid, reason: &'static str, by: Option<TaskId>) {
        let now = self.stamp();
        let by_call = by.and_then(|task| self.sessions.get(&task)).map(|session| session.call.sid);
        let Some(room) = self.rooms.live.get_mut(&sid) else { return };
        room.record.status = ConferenceStatus::Completed;
        room.record.ended = Some(now);
        room.record.updated = now;
        room.record.reason_ended = Some(reason.to_owned());
        room.record.ended_by = by_call;
        let record = room.record.clone();
        let members: Vec<TaskId> = room.seats.keys().copied().collect();
        let (voice, recorders) = (room.voice.take(), std::mem::take(&mut room.recorders));
        let awaited = std::mem::take(&mut room.awaited);
        // No new member finds it, and nobody who leaves it ends it again.
        self.rooms.names.remove(&(record.account, record.friendly_name.clone()));
        for member in members {
            self.vacate(member, Left::RoomEnded);
            self.call_away(member);
        }
        self.silence_voices(sid);
        for recorder in recorders {
            self.deliver(recorder, crate::world::Input::Line);
        }
        if let Some(voice) = voice {
            self.end_source(voice);
        }
        self.write(Record::Conference(record));
        self.tell_room(sid, RoomEvent::End { by: by_call }, by);
        self.rooms.live.remove(&sid);
        if let Some(call) = by_call {
            self.trace(Some(call), TraceKind::Verb, format!("the room is over: {reason}"));
        }
        for call in awaited.into_keys() {
            self.turn_away(sid, call);
        }
    }

    /// A call that was on the way to a room that is over is on its way to nothing.
    fn turn_away(&mut self, sid: Sid, call: Sid) {
        self.write(Record::ParticipantGone { conference: sid, call });
        let task = self.routes.calls.get(&call).copied();
        let session = task.and_then(|task| self.sessions.get_mut(&task));
        if let (Some(task), Some(session)) = (task, session.filter(|session| session.awaited == Some(sid))) {
            session.awaited = None;
            self.trace(Some(call), TraceKind::Line, "the room that it was called into is over");
            self.end_call(task, End::OURS);
        }
    }
}

impl Rooms {
    /// The law of a live room's voice.
    pub(crate) fn law(&self, sid: Sid) -> Law {
        self.live.get(&sid).map_or(Law::A, |room| room.law)
    }

    /// A live room's name in the switch.
    pub(crate) fn switch_room(&self, sid: Sid) -> Option<RoomId> {
        self.live.get(&sid).map(|room| room.room)
    }
}
