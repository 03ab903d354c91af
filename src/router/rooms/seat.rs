//! Taking a seat, leaving it, changing what it may; and how the switch is told. A member is not heard and hears nothing
//! of the room while it has not begun, and on hold. Who coaches is heard by one other alone.

use tipring_instructions::RoomEvents;
use tipring_resources::{Participant, ParticipantStatus, Record, Sid};
use tipring_switch::{Command as SwitchCommand, PlayId, Port, TapId, Tone};

use super::events::RoomEvent;
use super::{Awaited, Seat, Wish};
use crate::effects::{Effect, TraceKind, Track, WriteId};
use crate::limits::SPEAKER_QUIET_MS;
use crate::nested::Background;
use crate::recording::{Ear, Side, Take, Wish as RecordingWish};
use crate::world::{Input, TaskId, World};

/// Why somebody may not sit down, as a code and in words.
pub(super) type Refusal = (u32, String);

/// Why somebody has left a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// The call is over.
    HungUp,
    /// The API gave the call something else to do, or moved it.
    Updated,
    /// The API took it out.
    Removed,
    /// The room is over.
    RoomEnded,
    /// The Dial that brought it there has ended.
    Verb,
}

impl Left {
    /// In the words of the callback.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Left::HungUp => "participant_hung_up",
            Left::Updated => "participant_updated_via_api",
            Left::Removed => "participant_removed_via_api",
            Left::RoomEnded => "moderator_ended_conference",
            Left::Verb => "participant_left",
        }
    }
}

impl World {
    /// A leg that is answered takes a seat in a room of that name. Refused with a code and words; then the room is as it
    /// was.
    pub(crate) fn take_seat(&mut self, task: TaskId, name: &str, wish: Wish) -> Result<Sid, Refusal> {
        let session = self.sessions.get_mut(&task).ok_or((16003, String::new()))?;
        let (account, law, call) = (session.call.account, session.law, session.call.sid);
        let awaited = session.awaited.take();
        let awaited = awaited.and_then(|sid| Some((sid, self.rooms.live.get_mut(&sid)?.awaited.remove(&call)?.wish)));
        if let Some((sid, wish)) = awaited {
            let sat = self.sit(task, sid, wish);
            if sat.is_err() {
                self.write(Record::ParticipantGone { conference: sid, call });
                self.end_if_empty(sid, Some(task));
            }
            return sat.map(|_| sid);
        }
        // Who may not sit there makes no room.
        self.may_sit(task, self.rooms.find(account, name), &wish)?;
        let sid = self.room_of(account, name, &wish, law);
        self.sit(task, sid, wish).map(|_| sid)
    }

    /// Whether a leg may sit down in a live room; `None`: in one that is still to be made.
    pub(super) fn may_sit(&self, task: TaskId, sid: Option<Sid>, wish: &Wish) -> Result<(), Refusal> {
        let session = self.sessions.get(&task).ok_or((16003, String::new()))?;
        if session.lease.is_none() {
            return Err((16003, "the call has no line".to_owned()));
        }
        let room = match sid {
            Some(sid) => Some(self.rooms.live.get(&sid).ok_or_else(|| (16022, "the room is over".to_owned()))?),
            None => None,
        };
        if let Some(room) = room.filter(|room| room.seats.len() >= room.most) {
            let text = format!("the room \"{}\" is full: {} are there", room.record.friendly_name, room.seats.len());
            return Err((16020, text));
        }
        let there = |call: Sid| room.is_some_and(|r| r.seats.values().any(|seat| seat.participant.call == call));
        match wish.coached.filter(|coached| !there(*coached)) {
            Some(coached) => Err((16027, format!("{coached}, who is to be coached, is not in the room"))),
            None => Ok(()),
        }
    }

    /// A leg sits down in a live room.
    pub(super) fn sit(&mut self, task: TaskId, sid: Sid, wish: Wish) -> Result<WriteId, Refusal> {
        self.may_sit(task, Some(sid), &wish)?;
        let now = self.stamp();
        let session = self.sessions.get(&task).ok_or((16003, String::new()))?;
        let port = session.lease.ok_or((16003, String::new()))?;
        let (call, law) = (session.call.clone(), session.law);
        let room = self.rooms.live.get(&sid).ok_or((16022, String::new()))?;
        let taken = |label: &str| room.seats.values().any(|seat| seat.participant.label == label);
        let label = if wish.label.is_empty() || taken(&wish.label) { String::new() } else { wish.label.clone() };
        if label.is_empty() && !wish.label.is_empty() {
            let text = format!("somebody in the room has the label \"{}\" already: this one gets none", wish.label);
            self.fault(call.account, call.sid, crate::fault::Fault::warning(16025, "", text));
        }
        let participant = Participant {
            conference: sid,
            account: call.account,
            call: call.sid,
            label,
            muted: wish.muted,
            hold: false,
            coaching: wish.coached.is_some(),
            coached: wish.coached,
            start_on_enter: wish.start_on_enter,
            end_on_exit: wish.end_on_exit,
            status: ParticipantStatus::Connected,
            created: now,
            updated: now,
            queue_ms: call.queued_ms,
        };
        let write = self.write(Record::Participant(participant.clone()));
        let seat = Seat {
            participant,
            port,
            beep_on_exit: wish.beep_on_exit,
            wait: wish.wait,
            hold: Background::Music,
            announce: None,
            wired: None,
            whispers_to: None,
            speech: None,
        };
        if let Some(room) = self.rooms.live.get_mut(&sid) {
            room.seats.insert(task, seat);
            room.last_call = Some(Box::new(call.clone()));
            if room.callback.is_none() {
                room.callback.clone_from(&wish.callback);
            }
            if room.voice.is_none() {
                room.law = law;
            }
        }
        if let Some(session) = self.sessions.get_mut(&task) {
            session.seat = Some(sid);
        }
        self.watch_silence(task);
        self.trace(Some(call.sid), TraceKind::Verb, format!("sits down in room {sid}"));
        self.hear_speaker(sid, task);
        self.tell_room(sid, RoomEvent::Join, Some(task));
        self.rewire(task);
        self.begin_room(sid, task);
        if wish.beep_on_enter {
            self.beep(sid);
        }
        Ok(write)
    }

    /// A leg leaves its room, if it is in one; the room is over if it was the last, or its leaving ends it.
    pub(crate) fn leave_seat(&mut self, task: TaskId, left: Left) {
        let Some(sid) = self.sessions.get(&task).and_then(|session| session.seat) else {
            return;
        };
        let seat = self.rooms.live.get(&sid).and_then(|room| room.seats.get(&task));
        let Some((ends, beeps)) = seat.map(|seat| (seat.participant.end_on_exit, seat.beep_on_exit)) else {
            return;
        };
        self.vacate(task, left);
        let kicked = left == Left::Removed;
        let empty = self.rooms.live.get(&sid).is_some_and(super::Room::is_empty);
        if ends && (left != Left::Updated || empty) {
            let reason = match kicked {
                true => "participant-with-end-conference-on-exit-kicked",
                false => "participant-with-end-conference-on-exit-left",
            };
            self.end_room(sid, reason, Some(task));
        } else if empty {
            let reason = if kicked { "last-participant-kicked" } else { "last-participant-left" };
            self.end_room(sid, reason, Some(task));
        } else if beeps {
            self.beep(sid);
        }
    }

    /// A seat becomes free; what becomes of the room is the caller's to see to.
    pub(super) fn vacate(&mut self, task: TaskId, left: Left) {
        let Some(session) = self.sessions.get_mut(&task) else { return };
        let call = session.call.sid;
        let Some(sid) = session.seat.take() else { return };
        self.watch_silence(task);
        self.tell_room(sid, RoomEvent::Leave(left), Some(task));
        let Some(seat) = self.rooms.live.get_mut(&sid).and_then(|room| room.seats.remove(&task)) else { return };
        if seat.wired.is_some() {
            self.emit(Effect::Switch(SwitchCommand::Leave { port: seat.port }));
        }
        if let Some(coached) = seat.whispers_to {
            self.disconnect_pair(task, coached, seat.port);
        }
        if let Some(tap) = seat.speech {
            self.routes.taps.remove(&tap);
            self.emit(Effect::Switch(SwitchCommand::Untap { tap, port: seat.port }));
        }
        self.write(Record::ParticipantGone { conference: sid, call });
        self.trace(Some(call), TraceKind::Verb, format!("leaves room {sid}: {}", left.reason()));
        // Who has coached this one speaks to nobody now.
        let coaches = self.rooms.live.get(&sid).map(|room| {
            let of = |seat: &&Seat| seat.participant.coached == Some(call);
            room.seats.iter().filter(|(_, seat)| of(seat)).map(|(coach, _)| *coach).collect::<Vec<_>>()
        });
        coaches.unwrap_or_default().into_iter().for_each(|coach| self.rewire(coach));
    }

    /// Tells the switch what a member hears and who hears it, as far as that has changed.
    pub(crate) fn rewire(&mut self, task: TaskId) {
        let Some(sid) = self.sessions.get(&task).and_then(|session| session.seat) else { return };
        let Some(room) = self.rooms.live.get_mut(&sid) else { return };
        let (begun, id) = (room.has_begun(), room.room);
        let Some(seat) = room.seats.get(&task) else { return };
        let (is, port) = (&seat.participant, seat.port);
        let there = begun && !is.hold;
        let wired = (there, there && !is.muted && !is.coaching);
        let of_coached = |seat: &&Seat| Some(seat.participant.call) == is.coached && !seat.participant.hold;
        let whispers_to = match there && !is.muted && is.coaching {
            true => room.seats.values().find(of_coached).map(|seat| seat.port),
            false => None,
        };
        let Some(seat) = room.seats.get_mut(&task) else { return };
        let before = std::mem::replace(&mut seat.whispers_to, whispers_to);
        let changed = seat.wired != Some(wired);
        seat.wired = Some(wired);
        let call = seat.participant.call;
        if let Some(coached) = before.filter(|_| before != whispers_to) {
            self.disconnect_pair(task, coached, port);
        }
        if changed {
            let (hears, talks) = wired;
            self.emit(Effect::Switch(SwitchCommand::Join { port, room: id, hears, talks }));
        }
        if let Some(coached) = whispers_to.filter(|_| before != whispers_to) {
            self.connect(task, coached, port);
        }
        // Who coaches this one hears nothing of its hold.
        let coaches: Vec<TaskId> = self.rooms.live.get(&sid).map_or_else(Vec::new, |room| {
            let of = |seat: &Seat| seat.participant.coached == Some(call);
            room.seats.iter().filter(|(other, seat)| **other != task && of(seat)).map(|(other, _)| *other).collect()
        });
        if changed {
            coaches.into_iter().for_each(|coach| self.rewire(coach));
        }
    }

    /// Somebody is on the way to a room: it is kept for him. Who was on the way there already still is, as it is wished
    /// now.
    pub(super) fn await_in_room(&mut self, sid: Sid, task: TaskId, wish: Wish, status: ParticipantStatus) {
        let now = self.stamp();
        let Some(session) = self.sessions.get_mut(&task) else { return };
        let before = session.awaited.replace(sid).filter(|before| *before != sid);
        let call = session.call.clone();
        let known = self.rooms.live.get(&sid).and_then(|room| room.awaited.get(&call.sid));
        let known = known.map(|known| (known.participant.status, known.participant.created));
        let (status, created) = known.unwrap_or((status, now));
        let participant = Participant {
            conference: sid,
            account: call.account,
            call: call.sid,
            label: wish.label.clone(),
            muted: wish.muted,
            hold: false,
            coaching: wish.coached.is_some(),
            coached: wish.coached,
            start_on_enter: wish.start_on_enter,
            end_on_exit: wish.end_on_exit,
            status,
            created,
            updated: now,
            queue_ms: call.queued_ms,
        };
        self.write(Record::Participant(participant.clone()));
        if let Some(room) = self.rooms.live.get_mut(&sid) {
            room.awaited.insert(call.sid, Awaited { participant, wish });
        }
        // It is on the way to one room at most.
        if let Some(before) = before {
            self.forget_awaited(before, call.sid);
            self.end_if_empty(before, Some(task));
        }
    }

    /// Who was on the way will not come.
    fn forget_awaited(&mut self, sid: Sid, call: Sid) {
        if let Some(room) = self.rooms.live.get_mut(&sid)
            && room.awaited.remove(&call).is_some()
        {
            self.write(Record::ParticipantGone { conference: sid, call });
        }
    }

    /// A call that was on the way to a room is over, or goes elsewhere: an empty room is over with it.
    pub(crate) fn awaited_is_over(&mut self, task: TaskId) {
        let session = self.sessions.get_mut(&task);
        let Some((sid, call)) = session.and_then(|s| Some((s.awaited.take()?, s.call.sid))) else { return };
        self.forget_awaited(sid, call);
        self.end_if_empty(sid, Some(task));
    }

    /// A room in which nobody is, and to which nobody is on the way, is over.
    pub(super) fn end_if_empty(&mut self, sid: Sid, by: Option<TaskId>) {
        if self.rooms.live.get(&sid).is_some_and(super::Room::is_empty) {
            self.end_room(sid, "last-participant-left", by);
        }
    }

    /// How far a call is that is on the way to a room.
    pub(crate) fn awaited_is(&mut self, task: TaskId, status: ParticipantStatus) {
        let now = self.stamp();
        let Some(session) = self.sessions.get(&task) else { return };
        let (Some(sid), call, queue_ms) = (session.awaited, session.call.sid, session.call.queued_ms) else { return };
        let awaited = self.rooms.live.get_mut(&sid).and_then(|room| room.awaited.get_mut(&call));
        if let Some(awaited) = awaited.filter(|awaited| awaited.participant.status != status) {
            (awaited.participant.status, awaited.participant.updated) = (status, now);
            awaited.participant.queue_ms = queue_ms;
            let participant = awaited.participant.clone();
            self.write(Record::Participant(participant));
        }
    }

    /// The box's voice in a room; `None`: there is none free.
    fn voice(&mut self, sid: Sid) -> Option<Port> {
        let room = self.rooms.live.get(&sid)?;
        if room.voice.is_some() {
            return room.voice;
        }
        let (law, id) = (room.law, room.room);
        let voice = self.begin_source(law)?;
        self.emit(Effect::Switch(SwitchCommand::Join { port: voice, room: id, hears: true, talks: true }));
        if let Some(room) = self.rooms.live.get_mut(&sid) {
            room.voice = Some(voice);
        }
        Some(voice)
    }

    /// Those inside hear a beep.
    fn beep(&mut self, sid: Sid) {
        if !self.rooms.live.get(&sid).is_some_and(super::Room::has_begun) {
            return;
        }
        if let Some(port) = self.voice(sid) {
            let play = PlayId(self.id());
            self.routes.beeps.insert(play);
            self.emit(Effect::Switch(SwitchCommand::Play { port, play }));
            self.emit(Effect::Switch(SwitchCommand::Tone { play, port, tone: Tone::Beep }));
            self.emit(Effect::Switch(SwitchCommand::FeedEnd { play, port }));
        }
    }

    /// Listens for the member's speech, if the callback wants to know of it.
    fn hear_speaker(&mut self, sid: Sid, task: TaskId) {
        let tap = TapId(self.id());
        let Some(room) = self.rooms.live.get_mut(&sid) else { return };
        let wanted = room.callback.as_ref().is_some_and(|callback| callback.events.speaker);
        let Some(seat) = room.seats.get_mut(&task).filter(|_| wanted) else { return };
        seat.speech = Some(tap);
        let port = seat.port;
        self.routes.taps.insert(tap, task);
        self.emit(Effect::Switch(SwitchCommand::Listen { port, tap, quiet_ms: SPEAKER_QUIET_MS }));
    }

    /// A member speaks, or speaks no more.
    pub(crate) fn speaker(&mut self, task: TaskId, tap: TapId, speaks: bool) {
        let Some(sid) = self.sessions.get(&task).and_then(|session| session.seat) else { return };
        let Some(room) = self.rooms.live.get(&sid).filter(|room| room.has_begun()) else { return };
        let heard = |seat: &Seat| seat.speech == Some(tap) && seat.wired.is_some_and(|(_, talks)| talks);
        if room.seats.get(&task).is_some_and(heard) {
            self.tell_room(sid, RoomEvent::Speech(speaks), Some(task));
        }
    }

    /// The room is recorded from now on, if that was wished.
    pub(super) fn begin_room_recording(&mut self, sid: Sid, by: TaskId) {
        let Some(wish) = self.rooms.live.get(&sid).and_then(|room| room.recording.clone()) else { return };
        let _ = self.record_room(sid, by, "Conference", wish.trim, (wish.callback, wish.callback_method, wish.events));
    }

    /// Records a live room: what its voice hears. Told of the member's call; `None`: there is no voice free.
    pub(crate) fn record_room(
        &mut self,
        sid: Sid,
        by: TaskId,
        source: &'static str,
        trim: bool,
        told: (String, tipring_resources::Method, crate::effects::RecordingEvents),
    ) -> Option<tipring_resources::Recording> {
        let call = self.sessions.get(&by)?.call.clone();
        let port = self.voice(sid)?;
        let law = self.rooms.live.get(&sid)?.law;
        let (callback, callback_method, events) = told;
        let wish = RecordingWish {
            source,
            ears: vec![Ear { port, law, side: Side::Heard }],
            quiet_ms: 0,
            silent_too: true,
            track: Track::Both,
            trim,
            callback,
            callback_method,
            events,
            url: String::new(),
            conference: Some(sid),
            text: None,
        };
        let take = Take::begin(self, by, &call, wish)?;
        let recording = take.recording.clone();
        let errand = take.run_beside(self, false)?;
        self.rooms.live.get_mut(&sid)?.recorders.push(errand);
        Some(recording)
    }

    /// Whether the callback of a room wants an event.
    pub(super) fn room_wants(&self, sid: Sid, wanted: impl Fn(RoomEvents) -> bool) -> bool {
        let callback = self.rooms.live.get(&sid).and_then(|room| room.callback.as_ref());
        callback.is_some_and(|callback| wanted(callback.events))
    }

    /// Any member's task; told to look at the room again.
    pub(super) fn look_again(&mut self, task: TaskId) {
        self.deliver(task, Input::Room);
    }
}
