//! Records as events: the same members that their resources have, but for those that only a look at all of them can tell.

use serde_json::{Value, json};
use tipring_resources::{Record, Sid};
use tipring_store::{QueueState, Waiting};

use crate::lines::{LineState, SpanState, shown_line, shown_span};
use crate::path::Of;
use crate::{
    State, call_events, caller_ids, conferences, members, messages, participants, queues, show, transcriptions,
};

/// Kinds of events.
pub(crate) const TYPES: [&str; 17] = [
    "call",
    "recording",
    "notification",
    "conference",
    "participant",
    "participant-gone",
    "queue",
    "queue-gone",
    "member",
    "member-gone",
    "transcription",
    "message",
    "exchange",
    "caller-id",
    "span",
    "line",
    "reset",
];

/// A record's type, whose it is, and its members. Of something that is gone the record does not say whose it was: `owner`
/// knows.
pub(crate) fn of_record(
    state: &State,
    record: &Record,
    owner: impl Fn(Sid) -> Option<Sid>,
) -> (&'static str, Option<Sid>, Value) {
    let now = state.live.now();
    match record {
        Record::Call(it) => ("call", Some(it.account), show::call(it)),
        Record::Recording(it) => ("recording", Some(it.account), show::recording(it, Of::Account, &state.base)),
        Record::Notification(it) => {
            ("notification", Some(it.account), show::notification(it, false, false, &state.base))
        }
        Record::Conference(it) => ("conference", Some(it.account), conferences::shown(it)),
        Record::Participant(it) => ("participant", Some(it.account), participants::shown(it)),
        Record::ParticipantGone { conference, call } => {
            ("participant-gone", owner(*conference), json!({ "conference_sid": conference, "call_sid": call }))
        }
        Record::Queue(it) => {
            let whole = queues::shown(&QueueState { queue: it.clone(), size: 0, mean_enqueued: None }, now);
            ("queue", Some(it.account), without(whole, &["current_size", "average_wait_time"]))
        }
        Record::QueueGone(sid) => ("queue-gone", owner(*sid), json!({ "queue_sid": sid })),
        Record::Member(it) => {
            let whole = members::shown(&Waiting { member: it.clone(), position: 0 }, now);
            ("member", Some(it.account), without(whole, &["position", "wait_time"]))
        }
        Record::MemberGone { queue, call } => {
            ("member-gone", owner(*queue), json!({ "queue_sid": queue, "call_sid": call }))
        }
        Record::Transcription(it) => ("transcription", Some(it.account), transcriptions::shown(it, false)),
        Record::Message(it) => ("message", Some(it.account), messages::shown(it)),
        Record::CallEvent(it) => {
            let mut whole = call_events::shown(it);
            whole["call_sid"] = json!(it.call);
            ("exchange", Some(it.account), whole)
        }
        Record::CallerId(it) => ("caller-id", Some(it.account), caller_ids::shown(it)),
    }
}

pub(crate) fn of_span(span: &SpanState) -> Value {
    shown_span(span)
}

pub(crate) fn of_line(span: &SpanState, line: LineState) -> Value {
    shown_line(span, line)
}

fn without(mut value: Value, members: &[&str]) -> Value {
    if let Some(object) = value.as_object_mut() {
        object.retain(|name, _| !members.contains(&name.as_str()));
    }
    value
}
