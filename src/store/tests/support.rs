//! Temporary folders and records that read like the story that they tell.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use tipring_resources::{
    Account, AccountStatus, Call, CallStatus, Code, Direction, Level, Method, Notification, Number, NumberOrigin,
    Record, Recording, RecordingStatus, Sid, SidKind, Stamp,
};
use tipring_store::{Config, Store};

/// A folder that goes with the test.
pub struct Dir(pub PathBuf);

impl Dir {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("tipring-store-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Dir(path)
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub fn config(dir: &Path) -> Config {
    Config { url: None, box_name: "box-a".into(), data_dir: dir.to_path_buf(), now: at(1_000_000) }
}

pub async fn open(dir: &Path) -> Store {
    Store::open(config(dir)).await.unwrap()
}

pub fn at(seconds: i64) -> Stamp {
    Stamp(seconds * 1_000_000)
}

pub fn sid(kind: SidKind, id: u128) -> Sid {
    Sid::new(kind, id)
}

pub fn me() -> Sid {
    sid(SidKind::Account, 1)
}

pub fn account() -> Account {
    Account {
        sid: me(),
        friendly_name: "shop".into(),
        status: AccountStatus::Active,
        token: "secret".into(),
        created: at(1),
        updated: at(1),
        parent: None,
        contact: String::new(),
        voice: tipring_resources::VoiceSettings::default(),
        public_media: false,
    }
}

pub fn number(id: u128, digits: &str) -> Number {
    Number {
        sid: sid(SidKind::Number, id),
        account: me(),
        phone_number: digits.into(),
        friendly_name: "front desk".into(),
        voice_url: "http://app/voice".into(),
        voice_method: Method::Post,
        voice_fallback_url: String::new(),
        voice_fallback_method: Method::Post,
        status_callback: String::new(),
        status_callback_method: Method::Get,
        strict_documents: true,
        origin: NumberOrigin::Api,
        created: at(i64::try_from(id).unwrap()),
        updated: at(5),
        voice_application: None,
        sms_url: String::new(),
        sms_method: tipring_resources::Method::Post,
        sms_fallback_url: String::new(),
        sms_fallback_method: tipring_resources::Method::Post,
        sms_application: None,
    }
}

pub fn call(id: u128, status: CallStatus) -> Call {
    let created = at(i64::try_from(id).unwrap());
    Call {
        sid: sid(SidKind::Call, id),
        account: me(),
        parent: None,
        number: Some(sid(SidKind::Number, 7)),
        to: "+12025550100".into(),
        from: format!("+120255501{:02}", id % 100),
        to_raw: "100".into(),
        from_raw: "2025550123".into(),
        caller_name: Some("A. Caller".into()),
        forwarded_from: None,
        direction: Direction::Inbound,
        status,
        created,
        updated: created,
        started: Some(created),
        answered: None,
        ended: status.is_final().then_some(Stamp(created.0 + 4_000_000)),
        cause: status.is_final().then_some(16),
        line: "sim 1/7".into(),
        supervision: None,
        hangup_evidence: None,
        queued_ms: 0,
        answered_by: None,
        group: String::new(),
    }
}

pub fn recording(id: u128, status: RecordingStatus) -> Recording {
    Recording {
        sid: sid(SidKind::Recording, id),
        account: me(),
        call: sid(SidKind::Call, 1),
        status,
        channels: 1,
        source: "RecordVerb".into(),
        duration_ms: (status == RecordingStatus::Completed).then_some(4_200),
        error_code: None,
        started: at(2),
        created: at(i64::try_from(id).unwrap()),
        updated: at(3),
        conference: None,
        track: String::new(),
    }
}

pub fn notification(id: u128) -> Notification {
    Notification {
        sid: sid(SidKind::Notification, id),
        account: me(),
        call: Some(sid(SidKind::Call, 1)),
        level: Level::Error,
        code: Code(12100),
        text: "line 3, column 7: </Say> is missing".into(),
        at: at(i64::try_from(id).unwrap()),
        request_url: "http://app/voice".into(),
        request_method: Some(Method::Post),
        request_variables: "CallSid=CA1&From=%2B1".into(),
        response_headers: "Content-Type: text/xml".into(),
        response_body: "<Response><Say>…".into(),
    }
}

pub fn put_of(call: Call) -> Record {
    Record::Call(call)
}
