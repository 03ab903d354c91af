//! A box with two accounts, a router played by the test, and requests that read like a client's.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use base64::Engine;
use serde_json::Value;
use tipring_api::{Later, Live, State, app};
use tipring_resources::{
    Account, AccountStatus, Call, CallStatus, Code, Direction, Method, Number, NumberOrigin, Record, Recording,
    RecordingStatus, Sid, SidKind, Stamp,
};
use tipring_router::{CallChange, DirectoryChange, NewCall, Reply, Request as Ask};
use tipring_store::{Config, Store};
use tower::ServiceExt;

/// The router: knows which calls live, and what it was told.
pub struct Played {
    pub store: Store,
    pub living: Mutex<BTreeMap<Sid, Call>>,
    /// What it was told, and whether the store had it already.
    pub told: Mutex<Vec<(DirectoryChange, bool)>>,
    /// The router does not answer until it is released.
    pub hangs: AtomicBool,
    /// What the next request is answered, whatever it is.
    pub answers: Mutex<Option<Reply>>,
    pub released: tokio::sync::Notify,
    /// How often it was asked.
    pub asked: AtomicU64,
    /// What it was asked.
    pub requests: Mutex<Vec<Ask>>,
    /// It says no to everything, with this code and text.
    pub refuses: Mutex<Option<(u32, &'static str)>>,
    /// And in how many seconds it may be asked again.
    pub again_s: Mutex<Option<u64>>,
    /// The store goes away while the router works.
    pub closes_store: AtomicBool,
    /// Something is badly wrong.
    pub panics: AtomicBool,
    /// The card.
    pub spans: Mutex<Vec<tipring_api::SpanState>>,
    /// How often wrong credentials were shown.
    pub refused: AtomicU64,
    /// What else there is: a store that boxes share, other boxes.
    pub beside: Beside,
    next: AtomicU64,
}

/// Other boxes and what they share, played.
#[derive(Default)]
pub struct Beside {
    /// What the shared store has, or why it says nothing; `None`: there is no such store.
    pub sounds: Mutex<Option<Result<Option<Vec<u8>>, String>>>,
    /// There are other boxes.
    pub boxes: AtomicBool,
    /// What was passed on to one: where, method, target.
    pub passed_on: Mutex<Vec<(String, String, String)>>,
}

impl tipring_api::SharedSounds for Beside {
    fn fetch(&self, recording: Sid) -> Later<'_, Result<Option<tipring_api::Fetched>, String>> {
        let found = self.sounds.lock().unwrap().clone().expect("there is a store");
        let file = |octets: Vec<u8>| {
            let path = std::env::temp_dir().join(format!("tipring-api-{}-{recording}", std::process::id()));
            std::fs::write(&path, octets).unwrap();
            let file = std::fs::File::open(&path).unwrap();
            std::fs::remove_file(path).unwrap();
            tipring_api::Fetched { file, held: None }
        };
        Box::pin(std::future::ready(found.map(|octets| octets.map(file))))
    }
}

impl tipring_api::Neighbours for Beside {
    fn pass_on(
        &self,
        address: String,
        request: Request<Bytes>,
    ) -> Later<'_, Result<axum::http::Response<Body>, String>> {
        let away = address.contains("away");
        self.passed_on.lock().unwrap().push((address, request.method().to_string(), request.uri().to_string()));
        let answer = axum::http::Response::new(Body::from("the other box's sound"));
        Box::pin(std::future::ready(if away { Err("no connection".into()) } else { Ok(answer) }))
    }
}

impl Live for Played {
    fn shared_sounds(&self) -> Option<&dyn tipring_api::SharedSounds> {
        let there = self.beside.sounds.lock().unwrap().is_some();
        there.then_some(&self.beside as &dyn tipring_api::SharedSounds)
    }

    fn neighbours(&self) -> Option<&dyn tipring_api::Neighbours> {
        let there = self.beside.boxes.load(Ordering::Relaxed);
        there.then_some(&self.beside as &dyn tipring_api::Neighbours)
    }

    fn ask(&self, request: Ask) -> Later<'_, Reply> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.requests.lock().unwrap().push(request.clone());
        Box::pin(async move {
            if self.hangs.load(Ordering::Relaxed) {
                self.released.notified().await;
            }
            if let Some((code, text)) = *self.refuses.lock().unwrap() {
                return Reply::Refused { code: Code(code), text: text.into(), again_s: *self.again_s.lock().unwrap() };
            }
            if self.closes_store.load(Ordering::Relaxed) {
                self.store.close().await;
            }
            if let Some(reply) = self.answers.lock().unwrap().take() {
                return reply;
            }
            match request {
                Ask::CreateCall(new) => Reply::Call(Box::new(self.make(&new))),
                Ask::ChangeCall(change) => self.living_call(change.account, change.call),
                Ask::EndCall { account, call, .. } => self.end(account, call),
                Ask::VerifyCallerId(_) => Reply::Call(Box::new(call(901, CallStatus::Queued))),
                // Nothing else lives here.
                _ => Reply::Refused { code: Code(20503), text: "nothing lives here".into(), again_s: None },
            }
        })
    }

    fn directory_changed(&self, change: DirectoryChange) -> Later<'_, ()> {
        Box::pin(async move {
            let committed = match &change {
                // An application's URLs stand in place of the number's own: its date tells whether it is this one.
                DirectoryChange::Number(number) => {
                    self.store.number(number.sid).await.unwrap().is_some_and(|kept| kept.updated == number.updated)
                }
                DirectoryChange::NumberGone(sid) => self.store.number(*sid).await.unwrap().is_none(),
                DirectoryChange::Account(account) => {
                    self.store.account(account.sid).await.unwrap().as_ref() == Some(account)
                }
                DirectoryChange::CallerId(one) => {
                    self.store.one(one.account, one.sid).await.unwrap().as_ref() == Some(one)
                }
                DirectoryChange::Queue(one) => {
                    self.store.one(one.account, one.sid).await.unwrap().as_ref() == Some(one)
                }
                DirectoryChange::CallerIdGone(sid) => {
                    self.store.one::<tipring_resources::CallerId>(me(), *sid).await.unwrap().is_none()
                }
            };
            self.told.lock().unwrap().push((change, committed));
        })
    }

    fn spans(&self) -> Vec<tipring_api::SpanState> {
        self.spans.lock().unwrap().clone()
    }

    fn calls_on_lines(&self) -> Later<'_, Vec<(String, Sid)>> {
        let living = self.living.lock().unwrap();
        Box::pin(std::future::ready(living.values().map(|call| (call.line.clone(), call.sid)).collect()))
    }

    fn new_sid(&self, kind: SidKind) -> Sid {
        assert!(!self.panics.load(Ordering::Relaxed), "as the test wants it");
        Sid::new(kind, 0xabc0 + u128::from(self.next.fetch_add(1, Ordering::Relaxed)))
    }

    fn now(&self) -> Stamp {
        at(1500)
    }

    fn credentials_refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }
}

impl Played {
    /// A call that waits for its line.
    fn make(&self, new: &NewCall) -> Call {
        let made = Call {
            sid: self.new_sid(SidKind::Call),
            account: new.account,
            to: new.to.clone(),
            from: new.from.clone(),
            to_raw: String::new(),
            from_raw: String::new(),
            direction: Direction::OutboundApi,
            line: String::new(),
            ..call(900, CallStatus::Queued)
        };
        self.goes_on(made.clone());
        made
    }

    /// A call as it is now.
    pub fn goes_on(&self, now: Call) {
        drop(self.store.put(Record::Call(now.clone())));
        self.living.lock().unwrap().insert(now.sid, now);
    }

    fn living_call(&self, account: Sid, call: Sid) -> Reply {
        let found = self.living.lock().unwrap().get(&call).cloned();
        found.filter(|call| call.account == account).map_or(Reply::NotLive, |call| Reply::Call(Box::new(call)))
    }

    fn end(&self, account: Sid, call: Sid) -> Reply {
        let Reply::Call(mut ended) = self.living_call(account, call) else { return Reply::NotLive };
        self.living.lock().unwrap().remove(&call);
        ended.status = if ended.answered.is_some() { CallStatus::Completed } else { CallStatus::Canceled };
        ended.ended = Some(at(2000));
        drop(self.store.put(Record::Call((*ended).clone())));
        Reply::Call(ended)
    }

    /// The last call that was asked for.
    #[track_caller]
    pub fn last_new(&self) -> NewCall {
        match self.requests.lock().unwrap().last() {
            Some(Ask::CreateCall(new)) => (**new).clone(),
            other => panic!("the router was asked {other:?}"),
        }
    }

    /// The last change that was asked for.
    #[track_caller]
    pub fn last_change(&self) -> CallChange {
        match self.requests.lock().unwrap().last() {
            Some(Ask::ChangeCall(change)) => (**change).clone(),
            other => panic!("the router was asked {other:?}"),
        }
    }
}

/// The box under test.
pub struct Desk {
    pub app: Router,
    pub live: Arc<Played>,
    pub store: Store,
    pub dir: PathBuf,
}

impl Drop for Desk {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

/// An answer, whole.
#[derive(Debug)]
pub struct Got {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Got {
    #[track_caller]
    pub fn json(&self) -> Value {
        assert_eq!(self.headers[header::CONTENT_TYPE], "application/json", "{self:?}");
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The error code of an answer whose body is the error shape.
    #[track_caller]
    pub fn fault(&self) -> (u16, u64) {
        let body = self.json();
        assert_eq!(body["status"], self.status.as_u16());
        assert!(body["message"].is_string() && body["more_info"].is_string(), "{body}");
        assert_eq!(body.as_object().unwrap().len(), 4, "nothing else: {body}");
        (self.status.as_u16(), body["code"].as_u64().unwrap())
    }
}

impl Desk {
    pub async fn new() -> Self {
        Self::with(tipring_api::Options::default()).await
    }

    /// A box with these settings.
    pub async fn with(options: tipring_api::Options) -> Self {
        Self::made(options, "http://box").await
    }

    /// A box that nobody has told its address.
    pub async fn nameless() -> Self {
        Self::made(tipring_api::Options::default(), "").await
    }

    async fn made(options: tipring_api::Options, base: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("tipring-api-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let dir = std::env::temp_dir().join(name);
        let config = Config { url: None, box_name: "box".into(), data_dir: dir.clone(), now: at(1) };
        let store = Store::open(config).await.unwrap();
        for id in [1, 2] {
            store.put_account(account(id)).await.unwrap();
        }
        let live = Arc::new(Played {
            store: store.clone(),
            living: Mutex::default(),
            told: Mutex::default(),
            hangs: AtomicBool::new(false),
            answers: Mutex::new(None),
            released: tokio::sync::Notify::new(),
            asked: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            beside: Beside::default(),
            requests: Mutex::default(),
            refuses: Mutex::default(),
            again_s: Mutex::default(),
            closes_store: AtomicBool::new(false),
            panics: AtomicBool::new(false),
            spans: Mutex::default(),
            next: AtomicU64::new(0),
        });
        let state =
            State { store: store.clone(), live: Arc::clone(&live) as Arc<dyn Live>, base: base.into(), options };
        Desk { app: app(state), live, store, dir }
    }

    pub async fn send(&self, request: Request<Body>) -> Got {
        let response = self.app.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, 16 << 20).await.unwrap();
        Got { status: parts.status, headers: parts.headers, body }
    }

    pub async fn get(&self, path: &str) -> Got {
        self.send(request("GET", path).body(Body::empty()).unwrap()).await
    }

    pub async fn delete(&self, path: &str) -> Got {
        self.send(request("DELETE", path).body(Body::empty()).unwrap()).await
    }

    pub async fn post(&self, path: &str, form: &str) -> Got {
        let request = request("POST", path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(form.to_string())).unwrap()).await
    }

    /// A request with other credentials than account 1's.
    pub async fn with_credentials(&self, method: &str, path: &str, user: &str, password: &str, form: &str) -> Got {
        let request = Request::builder().method(method).uri(path).header(header::AUTHORIZATION, basic(user, password));
        let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(form.to_string())).unwrap()).await
    }

    pub async fn put_calls(&self, ids: impl Iterator<Item = u128>, status: CallStatus) {
        let waiting: Vec<_> = ids.map(|id| self.store.put(Record::Call(call(id, status)))).collect();
        for write in waiting {
            write.await.unwrap();
        }
    }
}

/// A request below account 1, with its credentials.
pub fn request(method: &str, path: &str) -> axum::http::request::Builder {
    let uri = if path.starts_with("/2010") { path.to_string() } else { below(path) };
    Request::builder().method(method).uri(uri).header(header::AUTHORIZATION, basic(&me().to_string(), "token-1"))
}

pub fn basic(user: &str, token: &str) -> String {
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{user}:{token}")))
}

pub fn below(path: &str) -> String {
    format!("/2010-04-01/Accounts/{}{path}", me())
}

pub fn me() -> Sid {
    Sid::new(SidKind::Account, 1)
}

pub fn at(seconds: i64) -> Stamp {
    Stamp(seconds * 1_000_000)
}

pub fn account(id: u128) -> Account {
    Account {
        sid: Sid::new(SidKind::Account, id),
        friendly_name: format!("account {id}"),
        status: AccountStatus::Active,
        token: format!("token-{id}"),
        created: at(0),
        updated: at(0),
        parent: None,
        contact: String::new(),
        voice: tipring_resources::VoiceSettings::default(),
        public_media: false,
    }
}

pub fn call(id: u128, status: CallStatus) -> Call {
    let created = at(1000 + i64::try_from(id).unwrap());
    let answered = matches!(status, CallStatus::InProgress | CallStatus::Completed);
    Call {
        sid: Sid::new(SidKind::Call, id),
        account: me(),
        parent: None,
        number: None,
        to: "+12025550100".into(),
        from: "+12025550123".into(),
        to_raw: "100".into(),
        from_raw: "2025550123".into(),
        caller_name: None,
        forwarded_from: None,
        direction: Direction::Inbound,
        status,
        created,
        updated: created,
        started: (status != CallStatus::Queued).then_some(created),
        answered: answered.then_some(created),
        ended: status.is_final().then_some(Stamp(created.0 + 3_500_000)),
        cause: None,
        line: "sim 1/1".into(),
        supervision: None,
        hangup_evidence: None,
        queued_ms: 0,
        answered_by: None,
        group: String::new(),
    }
}

pub fn recording(id: u128, status: RecordingStatus) -> Recording {
    Recording {
        sid: Sid::new(SidKind::Recording, id),
        account: me(),
        call: Sid::new(SidKind::Call, 1),
        status,
        channels: 1,
        source: "RecordVerb".into(),
        duration_ms: (status == RecordingStatus::Completed).then_some(1000),
        error_code: None,
        started: at(1001),
        created: at(1001),
        updated: at(1001),
        conference: None,
        track: String::new(),
    }
}

pub fn number(id: u128, account: u128, digits: &str) -> Number {
    Number {
        sid: Sid::new(SidKind::Number, id),
        account: Sid::new(SidKind::Account, account),
        phone_number: digits.into(),
        friendly_name: digits.into(),
        voice_url: "http://app/voice".into(),
        voice_method: Method::Post,
        voice_fallback_url: String::new(),
        voice_fallback_method: Method::Post,
        status_callback: String::new(),
        status_callback_method: Method::Post,
        strict_documents: false,
        origin: NumberOrigin::Api,
        created: at(1),
        updated: at(1),
        voice_application: None,
        sms_url: String::new(),
        sms_method: tipring_resources::Method::Post,
        sms_fallback_url: String::new(),
        sms_fallback_method: tipring_resources::Method::Post,
        sms_application: None,
    }
}
