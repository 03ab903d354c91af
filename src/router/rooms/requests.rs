//! What the API wants of rooms and of those in them: rows C5 (join, merge), C6 (split), C10 (hold), C12 (aside), C31. A call
//! keeps its SID and its line through all of it; who is moved from one room to another hears both in no moment.

use tipring_resources::{Call, Participant, ParticipantStatus, Record, Sid, SidKind};

use super::{Left, RoomEvent, Wish};
use crate::announce::Audience;
use crate::effects::{Effect, RequestId, TraceKind};
use crate::errand::Errand;
use crate::nested::Background;
use crate::outgoing::TOO_MUCH;
use crate::requests::{Announce, CallRecord, Gathering, Instructions, NewParticipant, ParticipantChange, Reply};
use crate::session::End;
use crate::world::{Input, TaskId, World};

impl World {
    /// A live room by SID or name; one that is not there may be made if it is a name.
    fn room_for(&mut self, id: RequestId, account: Sid, named: &str, wish: &Wish, call: &Call) -> Option<Sid> {
        let sid = named.parse::<Sid>().ok().filter(|sid| sid.kind == SidKind::Conference);
        if sid.is_some() && self.rooms.find(account, named).is_none() {
            self.emit(Effect::Reply { id, reply: Reply::NotLive });
            return None;
        }
        if named.trim().is_empty() || named.chars().count() > MAX_NAME || named.chars().any(char::is_control) {
            self.refuse(id, 13237, format!("a room's name has 1 to {MAX_NAME} characters"));
            return None;
        }
        let law = tipring_card::Law::A;
        let sid = self.room_of(account, named, wish, law);
        if let Some(room) = self.rooms.live.get_mut(&sid)
            && room.last_call.is_none()
        {
            room.last_call = Some(Box::new(call.clone()));
        }
        Some(sid)
    }

    /// Calls somebody into a room.
    pub(crate) fn create_participant(&mut self, id: RequestId, new: NewParticipant) {
        let wish = Wish::of_api(&new.seat);
        let account = new.call.account;
        let mut call = new.call;
        call.instructions = Instructions::Document(into_room(&self.room_name(account, &new.conference)));
        // The call is judged first: a call that is refused makes no room.
        let (call, task, _) = match self.place(call) {
            Ok(placed) => placed,
            Err(no) => {
                self.counters.refused_outgoing += 1;
                return self.refuse_for(id, no);
            }
        };
        let Some(sid) = self.room_for(id, account, &new.conference, &wish, &call) else {
            self.end_call(task, End::OURS);
            return;
        };
        self.await_in_room(sid, task, wish, ParticipantStatus::Queued);
        self.reply_with_awaited(id, sid, &call);
    }

    fn reply_with_awaited(&mut self, id: RequestId, sid: Sid, call: &Call) {
        let awaited = self.rooms.live.get(&sid).and_then(|room| room.awaited.get(&call.sid));
        let Some(participant) = awaited.map(|awaited| awaited.participant.clone()) else { return };
        let write = self.write(Record::Participant(participant.clone()));
        self.reply_with(id, call.sid, Reply::Participant(Box::new(participant)), write);
    }

    /// The name of a live room that may be named by its SID.
    fn room_name(&self, account: Sid, named: &str) -> String {
        let room = self.rooms.find(account, named).and_then(|sid| self.rooms.live.get(&sid));
        room.map_or_else(|| named.to_owned(), |room| room.record.friendly_name.clone())
    }

    /// Brings live calls into one room: those who sit in another one are moved at once, the others are taken out of what
    /// they do.
    pub(crate) fn gather_calls(&mut self, id: RequestId, wanted: Gathering) {
        let mut tasks = Vec::new();
        for call in &wanted.calls {
            match self.live(wanted.account, *call) {
                Some(task) if !tasks.contains(&task) => tasks.push(task),
                Some(_) => {}
                None => return self.refuse(id, 21220, format!("{call} is not a live call: nobody was moved")),
            }
        }
        let Some(first) = tasks.first().and_then(|task| self.sessions.get(task)).map(|s| s.call.clone()) else {
            return self.refuse(id, 21220, "name at least one live call");
        };
        let wish = Wish::of_api(&wanted.seat);
        let Some(sid) = self.room_for(id, wanted.account, &wanted.conference, &wish, &first) else {
            return;
        };
        let document = into_room(&self.room_name(wanted.account, &wanted.conference));
        // Who was dialled leaves his bridge first, so that the Dial does not hang him up.
        tasks.sort_by_key(|task| !self.children.contains_key(task));
        for task in tasks {
            let seat = self.sessions.get(&task).and_then(|session| session.seat);
            if seat == Some(sid) {
                continue;
            }
            if seat.is_some() {
                if let Err((code, text)) = self.change_seat(task, sid, wish.clone()) {
                    return self.refuse(id, code, text);
                }
                continue;
            }
            self.await_in_room(sid, task, wish.clone(), ParticipantStatus::Connecting);
            let now = self.stamp();
            let Some(session) = self.sessions.get_mut(&task) else { continue };
            session.call.updated = now;
            match &mut session.outward {
                Some(outward) if !session.answered => {
                    outward.instructions = Some(Instructions::Document(document.clone()));
                }
                _ => session.redirect = Some(Instructions::Document(document.clone())),
            }
            let call = session.call.sid;
            self.trace(Some(call), TraceKind::Line, format!("is brought into room {sid} by the API"));
            self.deliver(task, Input::Line);
        }
        let Some(room) = self.rooms.live.get(&sid) else { return };
        let record = room.record.clone();
        let there = room.seats.values().map(|seat| seat.participant.clone());
        let participants: Vec<Participant> =
            there.chain(room.awaited.values().map(|awaited| awaited.participant.clone())).collect();
        let write = self.write(Record::Conference(record.clone()));
        self.reply_with(id, first.sid, Reply::Participants(Box::new(record), participants), write);
    }

    /// A member goes from its room to another one; its Dial goes on. The old room is over if nobody is left.
    fn change_seat(&mut self, task: TaskId, sid: Sid, wish: Wish) -> Result<(), (u32, String)> {
        if let Err(refusal) = self.may_sit(task, Some(sid), &wish) {
            // It may have been made for this one.
            self.end_if_empty(sid, None);
            return Err(refusal);
        }
        self.leave_seat(task, Left::Updated);
        let sat = self.sit(task, sid, wish);
        // Whatever it heard belongs to the old room.
        self.call_away(task);
        sat.map(|_| ())
    }

    /// The task of somebody in a room: by SID or label.
    fn in_room(&self, account: Sid, conference: &str, call: &str) -> Option<(Sid, TaskId)> {
        let sid = self.rooms.find(account, conference)?;
        let room = self.rooms.live.get(&sid)?;
        let named = |participant: &Participant| {
            participant.call.to_string() == call || (!call.is_empty() && participant.label == call)
        };
        let seat = room.seats.iter().find(|(_, seat)| named(&seat.participant)).map(|(task, _)| *task);
        let awaited = || {
            let awaited = room.awaited.values().find(|awaited| named(&awaited.participant))?;
            self.routes.calls.get(&awaited.participant.call).copied()
        };
        Some((sid, seat.or_else(awaited)?))
    }

    /// Takes somebody out of a room: the Dial goes on behind it. Who has not come yet is hung up.
    pub(crate) fn remove_participant(&mut self, id: RequestId, account: Sid, conference: &str, call: &str) {
        let Some((sid, task)) = self.in_room(account, conference, call) else {
            return self.emit(Effect::Reply { id, reply: Reply::NotLive });
        };
        let Some(call) = self.sessions.get(&task).map(|session| session.call.clone()) else { return };
        if self.seat_of(task).is_some() {
            self.leave_seat(task, Left::Removed);
            self.call_away(task);
        } else {
            self.end_call(task, End::OURS);
        }
        // Said already; once more is the same, and the answer waits for it.
        let write = self.write(Record::ParticipantGone { conference: sid, call: call.sid });
        self.reply_with(id, call.sid, Reply::Done, write);
    }

    /// Ends a room, or announces something there.
    pub(crate) fn change_conference(
        &mut self,
        id: RequestId,
        account: Sid,
        conference: &str,
        end: bool,
        announce: Option<Announce>,
    ) {
        let Some(sid) = self.rooms.find(account, conference) else {
            return self.emit(Effect::Reply { id, reply: Reply::NotLive });
        };
        let Some(room) = self.rooms.live.get(&sid) else { return };
        let (mut record, call) = (room.record.clone(), room.last_call.clone());
        if let (Some(announce), Some(call)) = (announce, call) {
            let errand = Errand::Announce { to: Audience::Room(sid), announce, call };
            self.begin(record.sid, errand);
        }
        if end {
            self.end_room(sid, "conference-ended-via-api", None);
            let now = self.stamp();
            record.status = tipring_resources::ConferenceStatus::Completed;
            (record.updated, record.ended) = (now, Some(now));
            record.reason_ended = Some("conference-ended-via-api".to_owned());
        }
        let write = self.write(Record::Conference(record.clone()));
        self.reply_with(id, record.sid, Reply::Conference(Box::new(record)), write);
    }

    /// Changes how somebody is in a room. It has taken effect when this returns.
    pub(crate) fn change_participant(&mut self, id: RequestId, change: ParticipantChange) {
        let account = change.account.unwrap_or(Sid::new(SidKind::Account, 0));
        let found = self.in_room(account, &change.conference, &change.call);
        let Some((sid, task)) = found.filter(|(_, task)| self.seat_of(*task).is_some()) else {
            return self.emit(Effect::Reply { id, reply: Reply::NotLive });
        };
        if let Some(to) = &change.move_to {
            let Some(call) = self.sessions.get(&task).map(|session| session.call.clone()) else { return };
            let wish = self.wish_of_seat(task);
            let Some(to) = self.room_for(id, account, to, &wish, &call) else { return };
            if to != sid
                && let Err((code, text)) = self.change_seat(task, to, wish)
            {
                return self.refuse(id, code, text);
            }
        }
        if change.coaching == Some(true) || change.coached.is_some() {
            let room = self.sessions.get(&task).and_then(|s| s.seat).and_then(|sid| self.rooms.live.get(&sid));
            let coached = change.coached.or_else(|| self.seat_of(task).and_then(|seat| seat.participant.coached));
            let there = |sid: Sid| room.is_some_and(|r| r.seats.values().any(|seat| seat.participant.call == sid));
            if !coached.is_some_and(there) {
                return self.refuse(id, 16027, "CallSidToCoach names nobody in the room");
            }
        }
        let events = self.apply(task, &change);
        self.rewire(task);
        let now = self.stamp();
        let Some(seat) = self.seat_of_mut(task) else { return };
        seat.participant.updated = now;
        let participant = seat.participant.clone();
        if let Some(sid) = self.sessions.get(&task).and_then(|session| session.seat) {
            events.into_iter().for_each(|event| self.tell_room(sid, event, Some(task)));
        }
        let write = self.write(Record::Participant(participant.clone()));
        self.trace(Some(participant.call), TraceKind::Verb, "is changed in its room by the API");
        self.look_again(task);
        self.reply_with(id, participant.call, Reply::Participant(Box::new(participant)), write);
    }

    /// Writes a change into a seat; what the room's callback is to hear of it.
    fn apply(&mut self, task: TaskId, change: &ParticipantChange) -> Vec<RoomEvent> {
        let mut events = Vec::new();
        let mut away = false;
        let Some(seat) = self.seat_of_mut(task) else { return events };
        if let Some(muted) = change.muted.filter(|muted| *muted != seat.participant.muted) {
            seat.participant.muted = muted;
            events.push(RoomEvent::Mute(muted));
        }
        if let Some((url, method)) = &change.hold_document {
            seat.hold = Background::of(Some(url.clone()), *method);
            away |= seat.participant.hold;
        }
        if let Some(hold) = change.hold.filter(|hold| *hold != seat.participant.hold) {
            seat.participant.hold = hold;
            events.push(RoomEvent::Hold(hold));
            away = true;
        }
        if let Some((url, method)) = &change.wait_document {
            seat.wait = Background::of(Some(url.clone()), *method);
            away = true;
        }
        if let Some(announce) = &change.announce {
            seat.announce = Some(announce.clone());
            away = true;
        }
        if let Some(beep) = change.beep_on_exit {
            seat.beep_on_exit = beep;
        }
        let before = (seat.participant.end_on_exit, seat.participant.coaching, seat.participant.coached);
        seat.participant.end_on_exit = change.end_on_exit.unwrap_or(seat.participant.end_on_exit);
        seat.participant.coached = change.coached.or(seat.participant.coached);
        seat.participant.coaching = change.coaching.unwrap_or(seat.participant.coaching);
        if before != (seat.participant.end_on_exit, seat.participant.coaching, seat.participant.coached) {
            events.push(RoomEvent::Modify);
        }
        if away {
            self.call_away(task);
        }
        events
    }

    /// How a member is in its room, as a wish for another one.
    fn wish_of_seat(&self, task: TaskId) -> Wish {
        let mut wish = Wish::of_api(&crate::requests::SeatWish::default());
        if let Some(seat) = self.seat_of(task) {
            wish.label.clone_from(&seat.participant.label);
            wish.muted = seat.participant.muted;
            wish.end_on_exit = seat.participant.end_on_exit;
            wish.start_on_enter = true;
            wish.wait = seat.wait.clone();
            (wish.beep_on_enter, wish.beep_on_exit) = (false, false);
        }
        wish
    }

    /// Records a live room from now on, beside what records it already.
    pub(crate) fn record_room_by_request(&mut self, id: RequestId, account: Sid, of: Sid, record: CallRecord) {
        let room = self.rooms.live.get(&of).filter(|room| room.record.account == account && room.has_begun());
        let Some(by) = room.and_then(|room| room.seats.keys().next().copied()) else {
            return self.emit(Effect::Reply { id, reply: Reply::NotLive });
        };
        let told = (record.callback, record.callback_method, record.events);
        match self.record_room(of, by, "StartConferenceRecordingAPI", record.trim, told) {
            Some(recording) => {
                let write = self.write(Record::Recording(recording.clone()));
                self.reply_with(id, of, Reply::Recording(Box::new(recording)), write);
            }
            None => self.refuse(id, 20503, "all voices of the box are in use; try again later"),
        }
    }

    /// Everybody in a call hears something: the caller, and whom he is connected with, in a room or by a Dial.
    pub(crate) fn notice_by_request(&mut self, id: RequestId, account: Sid, call: Sid, announce: Announce) {
        let task = self.live(account, call);
        let session = task.and_then(|task| self.sessions.get(&task)).filter(|session| session.answered);
        let Some((task, call)) = task.zip(session.map(|session| session.call.clone())) else {
            return self.emit(Effect::Reply { id, reply: Reply::NotLive });
        };
        let to = match self.sessions.get(&task).and_then(|session| session.seat) {
            Some(sid) => Audience::Room(sid),
            None => Audience::Ports(self.parties_of(task)),
        };
        let errand = Errand::Announce { to, announce, call: Box::new(call.clone()) };
        if self.begin(call.sid, errand).is_none() {
            return self.refuse(id, 20503, TOO_MUCH);
        }
        self.trace(Some(call.sid), TraceKind::Verb, "a notice of the API is heard");
        self.emit(Effect::Reply { id, reply: Reply::Call(Box::new(call)) });
    }
}

/// A document that brings its call into a room.
fn into_room(name: &str) -> String {
    let name = name.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!("<Response><Dial><Conference>{name}</Conference></Dial></Response>")
}

/// Characters of a room's name.
const MAX_NAME: usize = 128;
