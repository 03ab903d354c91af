//! The API alone, on a port of loopback, with one account, some past calls, a recording, and calls that can be made: for SDKs to try it.
//! `cargo run -p tipring-api --example serve -- FOLDER [PORT]` prints base, account and token, and serves until Ctrl-C.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tipring_api::{Later, Live, State, app};
use tipring_resources::{
    Account, AccountStatus, Call, CallStatus, Direction, Record, Recording, RecordingStatus, Sid, SidKind, Stamp,
};
use tipring_router::{DirectoryChange, NewCall, Reply, Request};
use tipring_store::{Config, Store};

/// A router without a line: calls are answered by nobody, but look as if. After an instant they ring, after another they
/// are answered, after [`LONGEST`] or when they are told to they end. No application is asked.
struct NoLines {
    store: Store,
    living: Arc<Mutex<BTreeMap<Sid, Call>>>,
    sids: AtomicU64,
}

/// A step of a call's life.
const STEP: Duration = Duration::from_millis(200);
/// Calls end by themselves.
const LONGEST: Duration = Duration::from_secs(60);

impl NoLines {
    fn make(&self, new: &NewCall) -> Call {
        let made = Call {
            sid: self.new_sid(SidKind::Call),
            account: new.account,
            to: new.to.clone(),
            from: new.from.clone(),
            direction: Direction::OutboundApi,
            status: CallStatus::Queued,
            created: now(),
            updated: now(),
            ..nobody(new.account)
        };
        self.living.lock().unwrap_or_else(PoisonError::into_inner).insert(made.sid, made.clone());
        drop(self.store.put(Record::Call(made.clone())));
        let (store, living, sid) = (self.store.clone(), Arc::clone(&self.living), made.sid);
        tokio::spawn(async move {
            for (wait, status) in
                [(STEP, CallStatus::Ringing), (STEP, CallStatus::InProgress), (LONGEST, CallStatus::Completed)]
            {
                tokio::time::sleep(wait).await;
                if go_on(&store, &living, sid, status).is_none() {
                    break;
                }
            }
        });
        made
    }
}

/// A living call's next step.
fn go_on(store: &Store, living: &Mutex<BTreeMap<Sid, Call>>, sid: Sid, status: CallStatus) -> Option<Call> {
    let mut living = living.lock().unwrap_or_else(PoisonError::into_inner);
    let call = living.get_mut(&sid)?;
    (call.status, call.updated) = (status, now());
    call.started = call.started.or(Some(now()));
    if status == CallStatus::InProgress {
        (call.answered, call.supervision) = (Some(now()), Some("connect".into()));
    }
    if status.is_final() {
        (call.ended, call.cause) = (Some(now()), Some(16));
    }
    let call = call.clone();
    if status.is_final() {
        living.remove(&sid);
    }
    drop(store.put(Record::Call(call.clone())));
    Some(call)
}

impl Live for NoLines {
    fn ask(&self, request: Request) -> Later<'_, Reply> {
        let of = |account: Sid, call: Sid| {
            let living = self.living.lock().unwrap_or_else(PoisonError::into_inner);
            living.get(&call).filter(|call| call.account == account).cloned()
        };
        let done = match request {
            Request::CreateCall(new) => Some(self.make(&new)),
            Request::ChangeCall(change) => of(change.account, change.call),
            Request::EndCall { account, call, .. } => of(account, call).and_then(|call| {
                let end = if call.answered.is_some() { CallStatus::Completed } else { CallStatus::Canceled };
                go_on(&self.store, &self.living, call.sid, end)
            }),
            // Nothing else lives here.
            _ => None,
        };
        Box::pin(async move { done.map_or(Reply::NotLive, |call| Reply::Call(Box::new(call))) })
    }

    fn directory_changed(&self, change: DirectoryChange) -> Later<'_, ()> {
        eprintln!("{change:?}");
        Box::pin(async {})
    }

    fn new_sid(&self, kind: SidKind) -> Sid {
        let count = self.sids.fetch_add(1, Ordering::Relaxed);
        Sid::new(kind, u128::from(now().0.unsigned_abs()) << 64 | u128::from(count))
    }

    fn now(&self) -> Stamp {
        now()
    }
}

fn now() -> Stamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Stamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let data_dir = arguments.next().ok_or("usage: serve FOLDER [PORT]")?.into();
    let port = arguments.next().unwrap_or_else(|| "0".into());
    let store = Store::open(Config { url: None, box_name: "example".into(), data_dir, now: now() }).await?;
    let account = Account {
        sid: Sid::new(SidKind::Account, 0x7470),
        friendly_name: "example".into(),
        status: AccountStatus::Active,
        token: "0123456789abcdef0123456789abcdef".into(),
        created: now(),
        updated: now(),
        parent: None,
        contact: String::new(),
        voice: tipring_resources::VoiceSettings::default(),
        public_media: false,
    };
    store.put_account(account.clone()).await?;
    past(&store, account.sid).await?;
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    let base = format!("http://{}", listener.local_addr()?);
    println!("{base} {} {}", account.sid, account.token);
    let live = Arc::new(NoLines { store: store.clone(), living: Arc::default(), sids: AtomicU64::new(1) });
    axum::serve(listener, app(State { store, live, base, options: tipring_api::Options::default() })).await?;
    Ok(())
}

/// A call of which nothing is known.
fn nobody(account: Sid) -> Call {
    Call {
        sid: Sid::new(SidKind::Call, 0),
        account,
        parent: None,
        number: None,
        to: String::new(),
        from: String::new(),
        to_raw: String::new(),
        from_raw: String::new(),
        caller_name: None,
        forwarded_from: None,
        direction: Direction::Inbound,
        status: CallStatus::Ringing,
        created: Stamp(0),
        updated: Stamp(0),
        started: None,
        answered: None,
        ended: None,
        cause: None,
        line: "sim 1/1".into(),
        supervision: None,
        hangup_evidence: None,
        queued_ms: 0,
        answered_by: None,
        group: String::new(),
    }
}

/// Five calls of the past, and what one of them said.
async fn past(store: &Store, account: Sid) -> Result<(), Box<dyn std::error::Error>> {
    for id in 1..=5u8 {
        let began = Stamp(now().0 - i64::from(id) * 60_000_000);
        let call = Call {
            sid: Sid::new(SidKind::Call, u128::from(id)),
            to: "+12025550100".into(),
            from: format!("+1202555015{id}"),
            to_raw: "100".into(),
            status: CallStatus::Completed,
            created: began,
            updated: began,
            started: Some(began),
            answered: Some(began),
            ended: Some(Stamp(began.0 + 4_200_000)),
            cause: Some(16),
            ..nobody(account)
        };
        store.put(Record::Call(call)).await?;
    }
    let sid = Sid::new(SidKind::Recording, 1);
    store.blobs().delete(sid)?;
    let mut writer = store.blobs().create(sid, tipring_store::Law::A)?;
    writer.write(&[0x33; 8000])?;
    let recording = Recording {
        sid,
        account,
        call: Sid::new(SidKind::Call, 1),
        status: RecordingStatus::Completed,
        channels: 1,
        source: "RecordVerb".into(),
        duration_ms: Some(writer.finish(false, 0)?),
        error_code: None,
        started: now(),
        created: now(),
        updated: now(),
        conference: None,
        track: String::new(),
    };
    store.put(Record::Recording(recording)).await?;
    Ok(())
}
