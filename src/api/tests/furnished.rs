//! A box with one of everything.

use tipring_resources::{
    Application, CallEvent, CallStatus, CallerId, Code, Conference, ConferenceStatus, Key, Level, Member, Message,
    MessageDirection, MessageStatus, Method, Notification, Participant, ParticipantStatus, Queue, Record,
    RecordingStatus, Scope, Sid, SidKind, Transcription, TranscriptionStatus,
};

use crate::support::*;

pub fn sid(kind: SidKind, id: u128) -> Sid {
    Sid::new(kind, id)
}

/// One of everything, each with the number 1; call 2 waits in the queue, room 2 is over, caller id is PN…2.
pub async fn furnished() -> Desk {
    let dids = vec!["+12025550100".to_string(), "+12025550101".into()];
    let desk = Desk::with(tipring_api::Options { dids, ..tipring_api::Options::default() }).await;
    let span = tipring_api::SpanState { name: "dahdi 1".into(), lines: vec![(1, "idle")], ..Default::default() };
    desk.live.spans.lock().unwrap().push(span);
    desk.put_calls(1..2, CallStatus::Completed).await;
    desk.put_calls(2..3, CallStatus::Queued).await;
    desk.store.put_number(number(1, 1, "+12025550100")).await.unwrap();
    desk.store.put_key(key()).await.unwrap();
    desk.store.put_application(application()).await.unwrap();
    let mut re = recording(1, RecordingStatus::Completed);
    re.conference = Some(sid(SidKind::Conference, 1));
    let (account, call) = (me(), sid(SidKind::Call, 2));
    for record in [
        Record::Recording(re),
        Record::Notification(notification()),
        Record::Conference(conference(1, "Room A", ConferenceStatus::InProgress)),
        Record::Conference(conference(2, "Room B", ConferenceStatus::Completed)),
        Record::Participant(participant()),
        Record::Queue(queue()),
        Record::Member(Member { queue: queue().sid, account, call, enqueued: at(1100) }),
        Record::Transcription(transcription()),
        Record::Message(Message { status: MessageStatus::Sent, ..message() }),
        Record::Message(message()),
        Record::CallEvent(call_event()),
        Record::CallerId(caller_id()),
    ] {
        desk.store.put(record).await.unwrap();
    }
    desk
}

fn key() -> Key {
    let (sid, friendly_name, secret_hash) = (sid(SidKind::Key, 1), "robot".into(), "00".into());
    Key { sid, account: me(), friendly_name, secret_hash, scope: Scope::Control, created: at(1), updated: at(1) }
}

fn queue() -> Queue {
    let (sid, friendly_name) = (sid(SidKind::Queue, 1), "support".into());
    Queue { sid, account: me(), friendly_name, max_size: 100, created: at(1), updated: at(1) }
}

fn caller_id() -> CallerId {
    let (sid, phone_number) = (sid(SidKind::Number, 2), "+12025550199".into());
    CallerId { sid, account: me(), phone_number, friendly_name: "till".into(), created: at(1), updated: at(1) }
}

fn application() -> Application {
    let url = |text: &str| text.to_string();
    Application {
        sid: sid(SidKind::Application, 1),
        account: me(),
        friendly_name: "desk".into(),
        voice_url: url("http://a/"),
        voice_method: Method::Post,
        voice_fallback_url: url("http://b/"),
        voice_fallback_method: Method::Post,
        status_callback: url("http://c/"),
        status_callback_method: Method::Post,
        sms_url: url("http://d/"),
        sms_method: Method::Post,
        sms_fallback_url: url("http://e/"),
        sms_fallback_method: Method::Post,
        sms_status_callback: url("http://f/"),
        message_status_callback: url("http://g/"),
        created: at(1),
        updated: at(1),
    }
}

pub fn conference(id: u128, name: &str, status: ConferenceStatus) -> Conference {
    let over = status == ConferenceStatus::Completed;
    Conference {
        sid: sid(SidKind::Conference, id),
        account: me(),
        friendly_name: name.into(),
        status,
        region: String::new(),
        created: at(1000),
        updated: at(1000),
        started: Some(at(1000)),
        ended: over.then(|| at(1001)),
        reason_ended: over.then(|| "last-participant-left".into()),
        ended_by: over.then(|| sid(SidKind::Call, 1)),
    }
}

pub fn participant() -> Participant {
    Participant {
        conference: sid(SidKind::Conference, 1),
        account: me(),
        call: sid(SidKind::Call, 1),
        label: "an agent".into(),
        muted: true,
        hold: false,
        coaching: false,
        coached: None,
        start_on_enter: true,
        end_on_exit: false,
        status: ParticipantStatus::Connected,
        created: at(1),
        updated: at(1),
        queue_ms: 0,
    }
}

pub fn transcription() -> Transcription {
    Transcription {
        sid: sid(SidKind::Transcription, 1),
        account: me(),
        recording: sid(SidKind::Recording, 1),
        call: sid(SidKind::Call, 1),
        status: TranscriptionStatus::Completed,
        text: "hello".into(),
        duration_ms: Some(1000),
        language: "en".into(),
        created: at(1),
        updated: at(1),
    }
}

fn message() -> Message {
    Message {
        sid: sid(SidKind::Message, 1),
        account: me(),
        call: None,
        direction: MessageDirection::OutboundApi,
        from: "+1".into(),
        to: "+2".into(),
        body: "hi".into(),
        status: MessageStatus::Delivered,
        error_code: None,
        error_message: None,
        segments: 1,
        created: at(1),
        updated: at(1),
        sent: Some(at(2)),
    }
}

fn call_event() -> CallEvent {
    CallEvent {
        call: sid(SidKind::Call, 1),
        account: me(),
        at: at(1001),
        method: Method::Post,
        url: "http://app/".into(),
        request_variables: "A=1&B=%2B2".into(),
        status: Some(200),
        response_headers: "content-type: text/xml".into(),
        response_body: "<Response/>".into(),
        duration_ms: 12,
        error_code: None,
    }
}

fn notification() -> Notification {
    Notification {
        sid: sid(SidKind::Notification, 1),
        account: me(),
        call: Some(sid(SidKind::Call, 1)),
        level: Level::Warning,
        code: Code(12200),
        text: "text".into(),
        at: at(1),
        request_url: "http://app/".into(),
        request_method: None,
        request_variables: String::new(),
        response_headers: String::new(),
        response_body: String::new(),
    }
}
