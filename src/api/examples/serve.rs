//! The API alone, on a port of loopback, with one account, some past calls and a recording: for SDKs to try it.
//! `cargo run -p tipring-api --example serve -- FOLDER [PORT]` prints base, account and token, and serves until Ctrl-C.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use tipring_api::{Later, Live, State, app};
use tipring_resources::{
    Account, AccountStatus, Call, CallStatus, Direction, Record, Recording, RecordingStatus, Sid, SidKind, Stamp,
};
use tipring_router::{DirectoryChange, Reply, Request};
use tipring_store::{Config, Store};

/// A router without a line: nothing lives.
struct NoLines(AtomicU64);

impl Live for NoLines {
    fn ask(&self, _: Request) -> Later<'_, Reply> {
        Box::pin(async { Reply::NotLive })
    }

    fn directory_changed(&self, change: DirectoryChange) -> Later<'_, ()> {
        eprintln!("{change:?}");
        Box::pin(async {})
    }

    fn new_sid(&self, kind: SidKind) -> Sid {
        let count = self.0.fetch_add(1, Ordering::Relaxed);
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
    };
    store.put_account(account.clone()).await?;
    past(&store, account.sid).await?;
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    let base = format!("http://{}", listener.local_addr()?);
    println!("{base} {} {}", account.sid, account.token);
    let live = Arc::new(NoLines(AtomicU64::new(1)));
    axum::serve(listener, app(State { store, live, base })).await?;
    Ok(())
}

/// Five calls of the past, and what one of them said.
async fn past(store: &Store, account: Sid) -> Result<(), Box<dyn std::error::Error>> {
    for id in 1..=5u8 {
        let began = Stamp(now().0 - i64::from(id) * 60_000_000);
        let call = Call {
            sid: Sid::new(SidKind::Call, u128::from(id)),
            account,
            parent: None,
            number: None,
            to: "+12025550100".into(),
            from: format!("+1202555015{id}"),
            to_raw: "100".into(),
            from_raw: String::new(),
            caller_name: None,
            forwarded_from: None,
            direction: Direction::Inbound,
            status: CallStatus::Completed,
            created: began,
            updated: began,
            started: Some(began),
            answered: Some(began),
            ended: Some(Stamp(began.0 + 4_200_000)),
            cause: Some(16),
            line: "sim 1/1".into(),
            supervision: None,
            queued_ms: 0,
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
    };
    store.put(Record::Recording(recording)).await?;
    Ok(())
}
