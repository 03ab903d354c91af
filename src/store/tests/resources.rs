//! Rooms, queues, keys, texts: they read back, they are found, and a dead box holds nobody.

use tipring_resources::{
    Application, AuditEvent, CallEvent, CallStatus, CallerId, Conference, ConferenceStatus, Key, Member, Message,
    MessageDirection, MessageStatus, Method, Participant, ParticipantStatus, Queue, Record, RecordingStatus, Scope,
    Sid, SidKind, Transcription, TranscriptionStatus,
};
use tipring_store::{Anchor, Column, KeptEvent, Page, PageStart, QueueState, Store, Tally, TimeRange, Waiting, Where};

use crate::support::*;

pub fn conference(id: u128, name: &str) -> Conference {
    Conference {
        sid: sid(SidKind::Conference, id),
        account: me(),
        friendly_name: name.into(),
        status: ConferenceStatus::InProgress,
        region: String::new(),
        created: at(i64::try_from(id).unwrap()),
        updated: at(5),
        started: Some(at(6)),
        ended: None,
        reason_ended: None,
        ended_by: None,
    }
}

pub fn participant(conference: u128, call: u128) -> Participant {
    Participant {
        conference: sid(SidKind::Conference, conference),
        account: me(),
        call: sid(SidKind::Call, call),
        label: format!("agent {call}"),
        muted: call.is_multiple_of(2),
        hold: false,
        coaching: true,
        coached: Some(sid(SidKind::Call, 99)),
        start_on_enter: true,
        end_on_exit: false,
        status: ParticipantStatus::Connected,
        created: at(i64::try_from(call).unwrap()),
        updated: at(5),
        queue_ms: 7,
    }
}

fn member(call: u128, seconds: i64) -> Member {
    let queue = sid(SidKind::Queue, 1);
    Member { queue, account: me(), call: sid(SidKind::Call, call), enqueued: at(seconds) }
}

fn queue() -> Queue {
    let (sid, friendly_name) = (sid(SidKind::Queue, 1), "support".into());
    Queue { sid, account: me(), friendly_name, max_size: 1000, created: at(1), updated: at(2) }
}

fn key() -> Key {
    let (sid, friendly_name, secret_hash) = (sid(SidKind::Key, 1), "robot".into(), "00ff".into());
    Key { sid, account: me(), friendly_name, secret_hash, scope: Scope::Read, created: at(1), updated: at(2) }
}

fn caller_id(id: u128, digits: &str) -> CallerId {
    let (sid, friendly_name) = (sid(SidKind::Number, id), "shop".into());
    CallerId { sid, account: me(), phone_number: digits.into(), friendly_name, created: at(1), updated: at(2) }
}

fn application() -> Application {
    Application {
        sid: sid(SidKind::Application, 1),
        account: me(),
        friendly_name: "desk".into(),
        voice_url: "http://a/".into(),
        voice_method: Method::Get,
        voice_fallback_url: "http://b/".into(),
        voice_fallback_method: Method::Post,
        status_callback: "http://c/".into(),
        status_callback_method: Method::Get,
        sms_url: "http://d/".into(),
        sms_method: Method::Post,
        sms_fallback_url: "http://e/".into(),
        sms_fallback_method: Method::Get,
        sms_status_callback: "http://f/".into(),
        message_status_callback: "http://g/".into(),
        created: at(1),
        updated: at(2),
    }
}

fn transcription(id: u128, status: TranscriptionStatus) -> Transcription {
    Transcription {
        sid: sid(SidKind::Transcription, id),
        account: me(),
        recording: sid(SidKind::Recording, 1),
        call: sid(SidKind::Call, 1),
        status,
        text: "hello".into(),
        duration_ms: Some(61_000),
        language: "en".into(),
        created: at(1),
        updated: at(2),
    }
}

fn message(id: u128, direction: MessageDirection) -> Message {
    Message {
        sid: sid(SidKind::Message, id),
        account: me(),
        call: None,
        direction,
        from: "+1".into(),
        to: "+2".into(),
        body: "hi".into(),
        status: MessageStatus::Failed,
        error_code: Some(30007),
        error_message: Some("no".into()),
        segments: 2,
        created: at(1),
        updated: at(2),
        sent: Some(at(3)),
    }
}

fn event(seconds: i64) -> CallEvent {
    CallEvent {
        call: sid(SidKind::Call, 1),
        account: me(),
        at: at(seconds),
        method: Method::Post,
        url: "http://a/".into(),
        request_variables: "A=1".into(),
        status: Some(200),
        response_headers: "a: b".into(),
        response_body: "<Response/>".into(),
        duration_ms: 12,
        error_code: None,
    }
}

pub async fn every_resource_reads_back(store: &Store) {
    let audit = AuditEvent {
        sid: sid(SidKind::Event, 1),
        account: me(),
        actor: key().sid,
        kind: "call.created".into(),
        resource: None,
        source: "10.0.0.1".into(),
        at: at(9),
    };
    let mut owner = account();
    (owner.contact, owner.public_media) = ("A. Person".into(), true);
    (owner.parent, owner.voice.url) = (Some(sid(SidKind::Account, 9)), "http://first/".into());
    store.put_account(owner.clone()).await.unwrap();
    assert_eq!(store.account(me()).await.unwrap(), Some(owner));
    let mut own = number(7, "100");
    (own.voice_application, own.sms_url) = (Some(application().sid), "http://sms/".into());
    store.put_number(own.clone()).await.unwrap();
    assert_eq!(store.number(own.sid).await.unwrap(), Some(own));
    let mut told = call(1, CallStatus::Completed);
    (told.answered_by, told.group) = (Some("human".into()), "trunk a".into());
    store.put(Record::Call(told.clone())).await.unwrap();
    assert_eq!(store.call(me(), told.sid).await.unwrap(), Some(told));
    let mut kept = recording(3, RecordingStatus::Paused);
    (kept.conference, kept.track) = (Some(conference(1, "").sid), "both".into());
    store.put(Record::Recording(kept.clone())).await.unwrap();
    assert_eq!(store.recording(me(), kept.sid).await.unwrap(), Some(kept));
    store.put_key(key()).await.unwrap();
    store.put_application(application()).await.unwrap();
    store.put_audit(audit.clone()).await.unwrap();
    let (text, sms) = (transcription(1, TranscriptionStatus::Completed), message(1, MessageDirection::Inbound));
    let room = conference(1, "room");
    for record in [
        Record::CallerId(caller_id(2, "+3")),
        Record::Transcription(text.clone()),
        Record::Message(sms.clone()),
        Record::Conference(room.clone()),
        Record::Participant(participant(1, 4)),
        Record::Queue(queue()),
        Record::CallEvent(event(5)),
    ] {
        store.put(record).await.unwrap();
    }
    assert_eq!(store.one(me(), key().sid).await.unwrap(), Some(key()));
    assert_eq!(store.one(me(), application().sid).await.unwrap(), Some(application()));
    assert_eq!(store.one(me(), audit.sid).await.unwrap(), Some(audit));
    assert_eq!(store.one(me(), caller_id(2, "").sid).await.unwrap(), Some(caller_id(2, "+3")));
    assert_eq!(store.one(me(), text.sid).await.unwrap(), Some(text));
    assert_eq!(store.one(me(), sms.sid).await.unwrap(), Some(sms));
    assert_eq!(store.one(me(), room.sid).await.unwrap(), Some(room));
    assert_eq!(store.one(me(), queue().sid).await.unwrap(), Some(queue()));
    let there = Where::of(me()).equal(Column::Label, "agent 4").flag(Column::Muted, Some(true));
    assert_eq!(store.find(there.clone()).await.unwrap(), Some(participant(1, 4)));
    assert_eq!(store.find::<Participant>(there.flag(Column::Hold, Some(true))).await.unwrap(), None);
    let exchanged = store.list::<KeptEvent>(Where::of(me()), Page::default()).await.unwrap();
    assert_eq!(exchanged.items.into_iter().map(|one| one.event).collect::<Vec<_>>(), [event(5)]);
    assert_eq!(store.one::<Key>(sid(SidKind::Account, 2), key().sid).await.unwrap(), None, "a foreign account");
    assert!(!store.delete::<Key>(sid(SidKind::Account, 2), key().sid).await.unwrap());
    assert!(store.delete::<Key>(me(), key().sid).await.unwrap());
    assert_eq!(store.all::<Key>().await.unwrap(), []);
    store.put(Record::CallerId(caller_id(3, "+3"))).await.unwrap_err();
}

#[tokio::test]
async fn every_resource_reads_back_on_sqlite() {
    let dir = Dir::new();
    every_resource_reads_back(&open(&dir.0).await).await;
}

pub async fn who_came_first_is_first_in_the_queue(store: &Store) {
    store.put(Record::Queue(queue())).await.unwrap();
    for (call, seconds) in [(1, 30), (2, 10), (3, 20), (4, 20)] {
        store.put(Record::Member(member(call, seconds))).await.unwrap();
    }
    let here = || Where::of(me()).equal(Column::Queue, queue().sid);
    let places = |got: Vec<Waiting>| got.iter().map(|one| (one.member.call.id, one.position)).collect::<Vec<_>>();
    let front = store.find::<Waiting>(here()).await.unwrap().unwrap();
    assert_eq!((front.member, front.position), (member(2, 10), 1));
    let first = store.list(here(), Page { size: 2, start: PageStart::Newest }).await.unwrap();
    assert!(first.older && !first.newer);
    assert_eq!(places(first.items), [(2, 1), (3, 2)]);
    let anchor = Anchor { created: at(20), sid: sid(SidKind::Call, 3) };
    let next = store.list(here(), Page { size: 2, start: PageStart::OlderThan(anchor) }).await.unwrap();
    assert_eq!(places(next.items), [(4, 3), (1, 4)]);
    let anchor = Anchor { created: at(20), sid: sid(SidKind::Call, 4) };
    let back = store.list(here(), Page { size: 2, start: PageStart::NewerThan(anchor) }).await.unwrap();
    assert_eq!(places(back.items), [(2, 1), (3, 2)]);
    let state = store.one::<QueueState>(me(), queue().sid).await.unwrap().unwrap();
    assert_eq!((state.size, state.mean_enqueued), (4, Some(at(20))));
    for call in 1..=4 {
        let gone = Record::MemberGone { queue: queue().sid, call: sid(SidKind::Call, call) };
        store.put(gone).await.unwrap();
    }
    let state = store.one::<QueueState>(me(), queue().sid).await.unwrap().unwrap();
    assert_eq!((state.size, state.mean_enqueued), (0, None));
    store.put(Record::QueueGone(queue().sid)).await.unwrap();
    assert_eq!(store.one::<Queue>(me(), queue().sid).await.unwrap(), None);
}

#[tokio::test]
async fn who_came_first_is_first_on_sqlite() {
    let dir = Dir::new();
    who_came_first_is_first_in_the_queue(&open(&dir.0).await).await;
}

#[tokio::test]
async fn e20_a_crash_leaves_nobody_in_rooms_and_queues_and_ends_the_rooms() {
    let dir = Dir::new();
    let store = open(&dir.0).await;
    let mut past = conference(1, "past");
    (past.status, past.ended) = (ConferenceStatus::Completed, Some(at(8)));
    let unread = transcription(1, TranscriptionStatus::InProgress);
    let mut unsent = message(1, MessageDirection::OutboundApi);
    unsent.status = MessageStatus::Queued;
    for record in [
        Record::Conference(past.clone()),
        Record::Conference(conference(2, "room")),
        Record::Participant(participant(2, 1)),
        Record::Queue(queue()),
        Record::Member(member(2, 10)),
        Record::Transcription(unread.clone()),
        Record::Message(unsent.clone()),
    ] {
        store.put(record).await.unwrap();
    }
    drop(store);
    let store = open(&dir.0).await;
    assert_eq!((store.repaired().ended_conferences, store.repaired().failed_transcriptions), (1, 1));
    let room: Conference = store.one(me(), conference(2, "").sid).await.unwrap().unwrap();
    assert_eq!((room.status, room.ended), (ConferenceStatus::Completed, Some(config(&dir.0).now)));
    assert_eq!(store.one(me(), past.sid).await.unwrap(), Some(past));
    assert_eq!(store.all::<Participant>().await.unwrap(), []);
    assert_eq!(store.all::<Waiting>().await.unwrap(), []);
    assert_eq!(store.all::<Queue>().await.unwrap(), [queue()], "the queue itself stays");
    let failed: Transcription = store.one(me(), unread.sid).await.unwrap().unwrap();
    assert_eq!(failed.status, TranscriptionStatus::Failed);
    let failed: Message = store.one(me(), unsent.sid).await.unwrap().unwrap();
    assert_eq!((failed.status, failed.error_code), (MessageStatus::Failed, Some(30008)));
    store.put(Record::Conference(conference(2, "room"))).await.unwrap();
    let room: Conference = store.one(me(), conference(2, "").sid).await.unwrap().unwrap();
    assert_eq!(room.status, ConferenceStatus::Completed, "a late write does not bring it back");
}

#[tokio::test]
async fn a_text_that_was_taken_away_does_not_come_back_with_its_receipt() {
    let dir = Dir::new();
    let store = open(&dir.0).await;
    let put = async |status: MessageStatus, body: &str| {
        let mut one = message(1, MessageDirection::OutboundApi);
        (one.status, one.body) = (status, body.into());
        store.put(Record::Message(one)).await.unwrap();
    };
    let kept = async || store.one::<Message>(me(), message(1, MessageDirection::OutboundApi).sid).await.unwrap();
    put(MessageStatus::Queued, "secret").await;
    put(MessageStatus::Sent, "secret").await;
    put(MessageStatus::Sent, "").await;
    put(MessageStatus::Delivered, "secret").await;
    let now = kept().await.unwrap();
    assert_eq!((now.status, now.body.as_str()), (MessageStatus::Delivered, ""));
    assert!(store.delete::<Message>(me(), now.sid).await.unwrap());
    put(MessageStatus::Undelivered, "secret").await;
    assert_eq!(kept().await, None);
}

#[tokio::test]
async fn what_is_kept_for_90_days_goes_after_them_and_no_clock_that_is_ahead_takes_it() {
    let dir = Dir::new();
    let store = open(&dir.0).await;
    let day = 24 * 3600;
    for days in [0, 1, 91] {
        let mut one = event(1);
        one.at = at(days * day);
        store.put(Record::CallEvent(one)).await.unwrap();
    }
    let kept = async || store.list::<KeptEvent>(Where::of(me()), Page::default()).await.unwrap().items.len();
    store.forget_old(at(30 * day)).await.unwrap();
    assert_eq!(kept().await, 3);
    store.forget_old(at(2_000 * day)).await.unwrap();
    assert_eq!(kept().await, 1 + 1, "the first alone is 90 days older than the newest");
    store.forget_old(at(2_000 * day)).await.unwrap();
    assert_eq!(kept().await, 2);
}

pub async fn c18_usage_adds_up(store: &Store) {
    for (id, seconds, direction) in [(1, 0, "in"), (2, 1, "in"), (3, 60, "out"), (4, 61, "dial")] {
        let mut one = call(id, CallStatus::Completed);
        one.direction = match direction {
            "in" => tipring_resources::Direction::Inbound,
            "out" => tipring_resources::Direction::OutboundApi,
            _ => tipring_resources::Direction::OutboundDial,
        };
        one.answered = (seconds > 0).then_some(at(100));
        one.ended = Some(at(100 + seconds));
        store.put(Record::Call(one)).await.unwrap();
    }
    // What came in costs nothing; of a call that was up at the moment only the rest counts.
    let to = || "+12025550100".to_owned();
    assert_eq!(store.minutes_out(at(0)).await.unwrap(), [(to(), 3)]);
    assert_eq!(store.minutes_out(at(101)).await.unwrap(), [(to(), 2)]);
    assert_eq!(store.minutes_out(at(160)).await.unwrap(), [(to(), 1)]);
    assert_eq!(store.minutes_out(at(161)).await.unwrap(), []);
    store.put(Record::Recording(recording(3, RecordingStatus::Completed))).await.unwrap();
    store.put(Record::Transcription(transcription(1, TranscriptionStatus::Completed))).await.unwrap();
    store.put(Record::Message(message(1, MessageDirection::OutboundCall))).await.unwrap();
    let tally = |count, usage| Tally { count, usage };
    let all = store.usage(me(), false, TimeRange::default()).await.unwrap();
    assert_eq!((all.calls_inbound, all.calls_outbound), (tally(2, 1), tally(2, 3)));
    assert_eq!((all.recordings, all.transcriptions, all.sms_outbound), (tally(1, 1), tally(1, 2), tally(1, 2)));
    assert_eq!(all.sms_inbound, Tally::default());
    let early = TimeRange { from: Some(at(1)), until: Some(at(2)) };
    assert_eq!(store.usage(me(), true, early).await.unwrap().calls_inbound, tally(1, 0));
    store.put_account(account()).await.unwrap();
    let nobody: Sid = sid(SidKind::Account, 2);
    let mut branch = account();
    (branch.sid, branch.parent) = (sid(SidKind::Account, 3), Some(me()));
    store.put_account(branch.clone()).await.unwrap();
    let mut theirs = call(9, CallStatus::Completed);
    theirs.account = branch.sid;
    store.put(Record::Call(theirs)).await.unwrap();
    let count = async |family| store.usage(me(), family, TimeRange::default()).await.unwrap().calls_inbound.count;
    assert_eq!((count(false).await, count(true).await), (2, 3));
    assert_eq!(store.usage(nobody, true, TimeRange::default()).await.unwrap(), tipring_store::Usage::default());
}

#[tokio::test]
async fn c18_usage_adds_up_on_sqlite() {
    let dir = Dir::new();
    c18_usage_adds_up(&open(&dir.0).await).await;
}

#[tokio::test]
async fn a_long_exchange_is_cut_between_characters() {
    let dir = Dir::new();
    let store = open(&dir.0).await;
    let mut long = event(1);
    long.response_body = "é".repeat(10_000);
    store.put(Record::CallEvent(long.clone())).await.unwrap();
    store.put(Record::CallEvent(long)).await.unwrap();
    let kept = store.list::<KeptEvent>(Where::of(me()), Page::default()).await.unwrap().items;
    assert_eq!(kept.len(), 2, "two exchanges of the same moment are two");
    assert_eq!(kept[0].event.response_body, "é".repeat(4096));
}

#[tokio::test]
async fn news_are_told_after_the_commit_and_only_of_what_changed_something() {
    let dir = Dir::new();
    let store = open(&dir.0).await;
    let mut news = store.news();
    let mut room = conference(1, "room");
    store.put(Record::Conference(room.clone())).await.unwrap();
    (room.status, room.ended) = (ConferenceStatus::Completed, Some(at(8)));
    store.put(Record::Conference(room.clone())).await.unwrap();
    // Too late: it changes nothing.
    store.put(Record::Conference(conference(1, "room"))).await.unwrap();
    assert_eq!(*news.recv().await.unwrap(), Record::Conference(conference(1, "room")));
    assert_eq!(*news.recv().await.unwrap(), Record::Conference(room));
    assert!(news.try_recv().is_err());
}
