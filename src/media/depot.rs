//! The depot: a store behind the disk that several boxes share, an S3 bucket or a mounted folder. What one box has fetched or
//! spoken the others find there. The disk stays the first layer; a depot that is away is as if there were none.
//!
//! `heads/ab/<name>` is an entry's head as it lies on a disk and names its body, `bodies/ab/<name>-…`. The body is there before the
//! head, and a head is only replaced by who has seen it (`If-Match`), so that of two boxes that bring the same at once one
//! whole entry stays. `gone/` has what was removed, `leases/` who is just fetching what. With a seal key all of it is
//! ciphertext and all names are keyed hashes.

mod bounds;
mod find;
mod gone;
mod keep;
mod lease;

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ClientOptions, Error, ObjectStore, ObjectStoreExt, RetryConfig};
use ring::rand::{SecureRandom, SystemRandom};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub(crate) use self::find::Brought;
use self::gone::Gone;
use self::keep::Work;
pub(crate) use self::lease::{Lease, Turn};
use crate::cache::Cache;
use crate::counters::{Tally, count};
use crate::rules::millis;
use crate::wire::hex;

/// A store that several boxes share.
#[derive(Clone)]
pub struct StoreConfig {
    /// `s3://bucket/prefix`, or `file:///folder`.
    pub url: String,
    /// Where the bucket is asked, `https://host:port`; empty: where its region says.
    pub endpoint: String,
    /// Its region.
    pub region: String,
    /// The access key, its name and its secret.
    pub credentials: (String, String),
    /// The endpoint may be asked without TLS.
    pub plain: bool,
    /// Octets of all that is in it; beyond, the oldest goes.
    pub octets: u64,
    /// How long what nobody confirms stays in it.
    pub age: Duration,
    /// How long it is waited for where a caller waits.
    pub patience: Duration,
    /// How long the other box is waited for that is just fetching the same.
    pub other_box: Duration,
    /// How often it is asked what was removed.
    pub look_every: Duration,
}

/// How the depot is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct StoreState {
    /// There is one.
    pub used: bool,
    /// It does not answer at the moment.
    pub away: bool,
    /// Works that wait: what is to be brought there or removed.
    pub queued: usize,
}

pub(crate) struct Depot {
    store: Box<dyn ObjectStore>,
    base: Path,
    pub(crate) config: StoreConfig,
    cache: Arc<Cache>,
    tally: Arc<Tally>,
    /// It is not asked until then.
    away: Mutex<Option<Instant>>,
    gone: Mutex<Gone>,
    /// Names that are about to be removed, and how many times.
    leaving: Mutex<HashMap<String, usize>>,
    works: mpsc::Sender<Work>,
    waiting: watch::Sender<usize>,
    serial: AtomicU64,
    start: String,
}

impl StoreConfig {
    /// Usual bounds.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            endpoint: String::new(),
            region: "us-east-1".into(),
            credentials: (String::new(), String::new()),
            plain: false,
            octets: 10 << 30,
            age: Duration::from_secs(30 * 24 * 3600),
            patience: Duration::from_secs(1),
            other_box: Duration::from_secs(2),
            look_every: Duration::from_secs(5),
        }
    }

    /// The store, and the folder in it.
    pub(crate) fn opened(&self) -> io::Result<(Box<dyn ObjectStore>, Path)> {
        let url = url::Url::parse(&self.url).map_err(io::Error::other)?;
        if url.scheme() == "file" {
            let folder = url.to_file_path().map_err(|()| io::Error::other("file:///folder is wanted"))?;
            std::fs::create_dir_all(&folder)?;
            let store = LocalFileSystem::new_with_prefix(folder).map_err(io::Error::other)?;
            return Ok((Box::new(store), Path::default()));
        }
        let retry = RetryConfig { max_retries: 1, retry_timeout: RETRY_TIME, ..RetryConfig::default() };
        let client = ClientOptions::new()
            .with_connect_timeout(CONNECT_TIME)
            .with_read_timeout(READ_TIME)
            .with_timeout(WHOLE_TIME)
            .with_allow_http(self.plain);
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(url.host_str().unwrap_or_default())
            .with_region(&self.region)
            .with_access_key_id(&self.credentials.0)
            .with_secret_access_key(&self.credentials.1)
            .with_retry(retry)
            .with_client_options(client);
        if !self.endpoint.is_empty() {
            builder = builder.with_endpoint(&self.endpoint);
        }
        let store = builder.build().map_err(io::Error::other)?;
        Ok((Box::new(store), Path::from(url.path())))
    }
}

impl Depot {
    /// Makes ready to ask the store. Nothing is asked yet.
    pub fn open(
        config: StoreConfig,
        cache: Arc<Cache>,
        tally: Arc<Tally>,
        stop: CancellationToken,
    ) -> io::Result<Arc<Self>> {
        let (store, base) = config.opened()?;
        let mut start = [0; 8];
        SystemRandom::new().fill(&mut start).map_err(|_| io::Error::other("no random numbers"))?;
        let (works, to_do) = mpsc::channel(WORKS);
        let depot = Arc::new(Self {
            store,
            base,
            config,
            cache,
            tally,
            away: Mutex::default(),
            gone: Mutex::default(),
            leaving: Mutex::default(),
            works,
            waiting: watch::Sender::new(0),
            serial: AtomicU64::new(0),
            start: hex(&start),
        });
        tokio::spawn(Arc::clone(&depot).work(to_do, stop.clone()));
        tokio::spawn(Arc::clone(&depot).watch(stop));
        Ok(depot)
    }

    pub fn state(&self) -> StoreState {
        StoreState { used: true, away: self.is_away(), queued: *self.waiting.borrow() }
    }

    /// Waits until nothing is to be brought there or removed.
    pub async fn idle(&self) {
        let _ = self.waiting.subscribe().wait_for(|it| *it == 0).await;
    }

    /// Looks for removals, and keeps the store's bounds, again and again.
    async fn watch(self: Arc<Self>, stop: CancellationToken) {
        let mut look = tokio::time::interval(self.config.look_every);
        let mut tidy = tokio::time::interval_at(Instant::now() + TIDY_FIRST, TIDY_EVERY);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let turn = async {
                tokio::select! {
                    _ = look.tick() => self.look().await,
                    _ = tidy.tick() => self.tidy().await,
                }
            };
            tokio::select! {
                () = turn => {}
                () = stop.cancelled() => return,
            }
        }
    }

    fn is_away(&self) -> bool {
        self.away().is_some_and(|until| Instant::now() < until)
    }

    /// The store's word, or none: then it is left alone for a while. That it has not what was asked for is no fault.
    fn heard<T>(&self, what: &str, answer: Result<T, Error>) -> Result<T, Option<Error>> {
        match answer {
            Ok(answer) => {
                if self.away().take().is_some() {
                    tracing::info!("the shared store answers again");
                }
                Ok(answer)
            }
            Err(error @ (Error::NotFound { .. } | Error::AlreadyExists { .. } | Error::Precondition { .. })) => {
                Err(Some(error))
            }
            Err(error) => {
                self.fault(what, &error);
                Err(None)
            }
        }
    }

    fn fault(&self, what: &str, error: &dyn std::fmt::Display) {
        count(&self.tally.store_faults);
        if self.away().replace(Instant::now() + AWAY).is_none() {
            tracing::warn!(
                %error, what, store = %self.config.url,
                "the shared store does not answer: sounds are kept and looked for on this box alone until it does; see \
                 media.store, and whether it can be reached from here"
            );
        }
    }

    /// A word of the store within the patience of a caller.
    async fn soon<T>(&self, what: &str, asked: impl Future<Output = Result<T, Error>>) -> Result<T, Option<Error>> {
        if self.is_away() {
            return Err(None);
        }
        match tokio::time::timeout(self.config.patience, asked).await {
            Ok(answer) => self.heard(what, answer),
            Err(_) => {
                self.fault(what, &"it took too long");
                Err(None)
            }
        }
    }

    fn place(&self, folder: &str, name: &str) -> Path {
        let start = name.get(..2).unwrap_or("00");
        self.base.clone().join(folder).join(start).join(name)
    }

    fn folder(&self, folder: &str) -> Path {
        self.base.clone().join(folder)
    }

    /// A word that no other box says, and this one never again.
    fn unique(&self) -> String {
        format!("{}-{:x}", self.start, self.serial.fetch_add(1, Ordering::Relaxed))
    }

    async fn delete(&self, what: &Path) {
        let deleted = self.store.delete(what).await;
        let _ = self.heard("removing", deleted);
    }

    fn away(&self) -> MutexGuard<'_, Option<Instant>> {
        self.away.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn leaving(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.leaving.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn gone(&self) -> MutexGuard<'_, Gone> {
        self.gone.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn now_ms() -> u64 {
    millis(SystemTime::now())
}

/// When an object was written, by the store's clock.
fn written_ms(meta: &object_store::ObjectMeta) -> u64 {
    u64::try_from(meta.last_modified.timestamp_millis()).unwrap_or(0)
}

const HEADS: &str = "heads";
const BODIES: &str = "bodies";
/// Works that wait for the store.
const WORKS: usize = 256;
/// A store that has not answered is left alone for so long.
const AWAY: Duration = Duration::from_secs(10);
/// Its bounds are looked at soon after the start, and then six times an hour.
const TIDY_FIRST: Duration = Duration::from_secs(60);
const TIDY_EVERY: Duration = Duration::from_secs(600);
/// A connection, a pause of a body, a whole request, and a second try.
const CONNECT_TIME: Duration = Duration::from_secs(2);
const READ_TIME: Duration = Duration::from_secs(10);
const WHOLE_TIME: Duration = Duration::from_secs(120);
const RETRY_TIME: Duration = Duration::from_secs(3);
/// A head is about 1 KiB.
const MAX_HEAD: u64 = 256 * 1024;
