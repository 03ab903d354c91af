//! What a room's callback is told, in order, beside the calls.

use tipring_instructions::RoomEvents;
use tipring_resources::{Participant, Sid};

use super::Left;
use crate::date::rfc2822;
use crate::params::{Params, param};
use crate::progress::Told;
use crate::world::{TaskId, World};

/// What happens in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RoomEvent {
    Start,
    End { by: Option<Sid> },
    Join,
    Leave(Left),
    Mute(bool),
    Hold(bool),
    Modify,
    Speech(bool),
    Announced(bool),
}

impl RoomEvent {
    fn name(self) -> &'static str {
        match self {
            RoomEvent::Start => "conference-start",
            RoomEvent::End { .. } => "conference-end",
            RoomEvent::Join => "participant-join",
            RoomEvent::Leave(_) => "participant-leave",
            RoomEvent::Mute(true) => "participant-mute",
            RoomEvent::Mute(false) => "participant-unmute",
            RoomEvent::Hold(true) => "participant-hold",
            RoomEvent::Hold(false) => "participant-unhold",
            RoomEvent::Modify => "participant-modify",
            RoomEvent::Speech(true) => "participant-speech-start",
            RoomEvent::Speech(false) => "participant-speech-stop",
            RoomEvent::Announced(true) => "announcement-end",
            RoomEvent::Announced(false) => "announcement-fail",
        }
    }

    fn is_wished(self, events: RoomEvents) -> bool {
        match self {
            RoomEvent::Start => events.start,
            RoomEvent::End { .. } => events.end,
            RoomEvent::Join => events.join,
            RoomEvent::Leave(_) => events.leave,
            RoomEvent::Mute(_) => events.mute,
            RoomEvent::Hold(_) => events.hold,
            RoomEvent::Modify => events.modify,
            RoomEvent::Speech(_) => events.speaker,
            RoomEvent::Announced(_) => events.announcement,
        }
    }
}

impl World {
    /// Tells the room's callback, if it wants to know; `task`: whom it is about, or who caused it.
    pub(crate) fn tell_room(&mut self, sid: Sid, event: RoomEvent, task: Option<TaskId>) {
        if !self.room_wants(sid, |events| event.is_wished(events)) {
            return;
        }
        let now = self.stamp();
        let call = task.and_then(|task| self.sessions.get(&task)).map(|session| session.call.clone());
        let Some(room) = self.rooms.live.get_mut(&sid) else { return };
        let call = call.or_else(|| room.last_call.as_deref().cloned());
        let (Some(callback), Some(call)) = (room.callback.clone(), call) else { return };
        room.told += 1;
        let mut params = vec![
            param("ConferenceSid", sid),
            param("FriendlyName", &room.record.friendly_name),
            param("AccountSid", room.record.account),
            param("SequenceNumber", room.told),
            param("Timestamp", rfc2822(now)),
            param("StatusCallbackEvent", event.name()),
        ];
        match event {
            RoomEvent::Start => {}
            RoomEvent::End { by } => {
                params.push(param("ReasonConferenceEnded", room.record.reason_ended.as_deref().unwrap_or_default()));
                if let Some(by) = by {
                    params.push(param("CallSidEndingConference", by));
                }
            }
            RoomEvent::Announced(_) => {}
            _ => {
                if let Some(seat) = task.and_then(|task| room.seats.get(&task)) {
                    params.extend(of_participant(&seat.participant));
                }
            }
        }
        if let RoomEvent::Leave(left) = event {
            params.push(param("ReasonParticipantLeft", left.reason()));
            params.push(param("ParticipantCallStatus", call.status.as_str()));
        }
        self.tell(Told { call: Box::new(call), about: sid, url: callback.url, method: callback.method, params });
    }
}

fn of_participant(participant: &Participant) -> Params {
    let mut params = vec![
        param("CallSid", participant.call),
        param("Muted", participant.muted),
        param("Hold", participant.hold),
        param("Coaching", participant.coaching),
        param("EndConferenceOnExit", participant.end_on_exit),
        param("StartConferenceOnEnter", participant.start_on_enter),
    ];
    if let Some(coached) = participant.coached {
        params.push(param("CallSidToCoach", coached));
    }
    if !participant.label.is_empty() {
        params.push(param("ParticipantLabel", &participant.label));
    }
    params
}
