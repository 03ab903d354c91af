//! The media layer: a cache and a media processing server behind one HTTP face.
//!
//! `GET <persistent URI>` answers telephone-ready audio: from the cache, or by fetching, converting and speaking, from
//! the first octet while all that goes on. It knows no call and no channel; the router knows no file format. Documents
//! pass it unchanged; those that calls were given it keeps for later ones (`documents`).
//!
//! In the order of a request: [`MediaClient`] asks (`wire`), `face` reads, `service` decides, `cache` under `rules` has
//! it or `origin` or `speech` delivers it, `convert` runs `sniff`, `decode` and `shape`, and `spool` lets everybody
//! read while it grows.
//!
//! Whatever reads what strangers made is a child in a cage (`child`): engines, recognizers, ffmpeg and other programs
//! (`foreign`), and this program itself for coded sound. Conversions are on threads of their own (`workers`), of low priority
//! and under limits. Where there is no program for it, coded sound is decoded here, and a panic is caught.

mod answer;
mod cache;
mod child;
mod client;
mod coming;
mod config;
mod convert;
mod counters;
mod decode;
mod decoders;
mod depot;
mod desk;
mod documents;
mod face;
mod fault;
mod flights;
mod foreign;
mod formats;
mod late;
mod listen;
mod loudness;
mod markup;
mod microphone;
mod music;
mod neighbours;
mod network;
mod origin;
mod preset;
mod rules;
mod seal;
mod service;
mod shape;
mod shelf;
mod sniff;
mod speech;
mod spool;
mod transcript;
mod vault;
mod voices;
mod wave;
mod wire;
mod workers;

use std::io;
use std::sync::Arc;
use std::time::Duration;

pub use answer::Cached;
pub use cache::{EntryInfo, Room, Verified};
pub use child::Cage;
pub use client::{MediaClient, MediaStream};
pub use config::{Clock, Config, Limits};
pub use counters::Counters;
pub use decode::decode_alone;
pub use decoders::{Decoder, Magic};
pub use depot::{StoreConfig, StoreState};
pub use desk::{Filter, ItemState, JobState, JobStatus, Phrase, PhraseState, Plan, Recording, Spoken, Wish};
pub use documents::Document;
pub use face::Status;
pub use fault::{MediaFault, NO_RECOGNIZER, RECOGNIZER};
pub use listen::{Grammar, Heard, ListenRequest, Recognizer, RecognizerCommand, RecognizerUrl};
pub use microphone::{Microphone, Results};
pub use network::{Entry, Remote};
pub use preset::{Coding, Preset};
pub use seal::SEAL_OCTETS;
pub use speech::{Engine, EngineCommand, EngineUrl, EngineVoice};
pub use transcript::Transcript;
pub use vault::{Vault, VaultFault};
pub use voices::Gender;
pub use wire::{MAX_TEXT_CHARS, MediaRequest, Source, Start};
pub use workers::Crew;

/// The media layer as a set of tasks.
pub struct MediaService;

/// A running media layer. Dropped, it stops.
pub struct Handle {
    service: Arc<service::Service>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
    /// The socket's name was made by us and goes with us.
    own_name: bool,
    /// Where the network asks it.
    network: Option<std::net::SocketAddr>,
}

impl MediaService {
    /// Opens the cache, takes the socket, and answers until the handle is shut down or dropped.
    pub async fn start(config: Config) -> io::Result<Handle> {
        MediaService::open(config, None).await
    }

    /// The same on a socket that listens already and stays when this layer is gone: who asks meanwhile waits in its
    /// queue for the next one.
    pub async fn start_on(config: Config, listener: std::os::unix::net::UnixListener) -> io::Result<Handle> {
        listener.set_nonblocking(true)?;
        let listener = tokio::net::UnixListener::from_std(listener)?;
        MediaService::open(config, Some(listener)).await
    }

    async fn open(config: Config, listener: Option<tokio::net::UnixListener>) -> io::Result<Handle> {
        let tally = Arc::new(counters::Tally::default());
        let (dir, limits) = (config.cache_dir.clone(), config.limits.clone());
        let counted = Arc::clone(&tally);
        let bounds =
            cache::Bounds { octets: limits.cache_bytes, reserve: limits.reserve_bytes, stale_kept: limits.stale_kept };
        let seal = match &config.seal_key {
            Some(key) => {
                Some(Arc::new(seal::Seal::new(key).ok_or_else(|| io::Error::other("the seal key is refused"))?))
            }
            None => None,
        };
        let open = move || cache::Cache::open(&dir, bounds, seal, counted);
        let cache = tokio::task::spawn_blocking(open).await.map_err(io::Error::other)??;
        let own_name = listener.is_none();
        let listener = match listener {
            Some(listener) => listener,
            None => face::bind(&config.socket).await?,
        };
        let stop = tokio_util::sync::CancellationToken::new();
        let depot = match config.store.clone() {
            Some(store) => Some(depot::Depot::open(store, Arc::clone(&cache), Arc::clone(&tally), stop.clone())?),
            None => None,
        };
        let service = Arc::new(service::Service::new(config, cache, depot, tally, stop));
        let tasks =
            vec![tokio::spawn(face::serve(listener, Arc::clone(&service))), tokio::spawn(sweep(Arc::clone(&service)))];
        Ok(Handle { service, tasks, own_name, network: None })
    }
}

/// Removes what has expired, now and then, and lets workers go who have nothing to do.
async fn sweep(service: Arc<service::Service>) {
    let mut sweep = tokio::time::interval(SWEEP_EVERY);
    let mut relieve = tokio::time::interval(RELIEVE_EVERY);
    let mut plans = tokio::time::interval(PLANS_EVERY);
    loop {
        tokio::select! {
            _ = sweep.tick() => sweep_once(&service).await,
            _ = relieve.tick() => service.relieve(),
            _ = plans.tick() => { begin_plans(&service).await; }
            () = service.stop.cancelled() => return,
        }
    }
}

async fn sweep_once(service: &Arc<service::Service>) {
    let (service, now) = (Arc::clone(service), service.now());
    let swept = move || {
        service.cache.sweep(now);
        service.phrases.save();
    };
    let _ = tokio::task::spawn_blocking(swept).await;
}

async fn begin_plans(service: &Arc<service::Service>) -> usize {
    let runtime = tokio::runtime::Handle::current();
    let service = Arc::clone(service);
    let begun = move || {
        let _inside = runtime.enter();
        service.begin_plans()
    };
    tokio::task::spawn_blocking(begun).await.unwrap_or_default()
}

impl Handle {
    /// Answers at a TCP address too, until it is shut down or dropped: for those who can enter.
    pub fn open_to_network(&mut self, listener: std::net::TcpListener, entry: Entry) -> io::Result<()> {
        listener.set_nonblocking(true)?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        self.network = Some(listener.local_addr()?);
        self.tasks.push(tokio::spawn(face::serve_network(listener, entry, Arc::clone(&self.service))));
        Ok(())
    }

    /// Where it is asked over the network, if it is.
    pub fn network(&self) -> Option<std::net::SocketAddr> {
        self.network
    }

    /// Counts since the start.
    pub fn counters(&self) -> Counters {
        self.service.tally.snapshot()
    }

    /// Counters and sizes.
    pub fn status(&self) -> Status {
        face::status(&self.service)
    }

    /// Stored media of this account (`None`: of all) whose URI begins so.
    pub fn entries(&self, account: Option<&str>, prefix: &str) -> Vec<EntryInfo> {
        self.service.cache.list(account, prefix)
    }

    /// Removes stored media of this account (`None`: of all) whose URI begins so; answers how many.
    pub fn remove(&self, account: Option<&str>, prefix: &str) -> usize {
        self.service.remove_now(account.map(str::to_owned), prefix.to_owned(), false)
    }

    /// Removes what has expired, now.
    pub async fn sweep(&self) {
        sweep_once(&self.service).await;
    }

    /// Other numbers of workers from now on: for sounds, and for speech. What is under way goes on.
    pub fn set_workers(&self, sounds: usize, speech: usize) {
        self.service.sounds.set_limit(sounds);
        self.service.speech.set_limit(speech);
    }

    /// Keeps all workers busy, and as many works waiting as may be, until what is answered is dropped: to see what goes
    /// on without them.
    pub fn occupy(&self) -> Occupied {
        let mut gates = self.service.sounds.occupy();
        gates.extend(self.service.speech.occupy());
        Occupied { _gates: gates }
    }

    /// Begins the plans whose hour has come, now; answers how many.
    pub async fn begin_plans(&self) -> usize {
        begin_plans(&self.service).await
    }

    /// Lets workers go who had nothing to do for long, now.
    pub fn relieve(&self) {
        self.service.relieve();
    }

    /// Waits until nothing is being fetched, made or stored.
    pub async fn idle(&self) {
        self.service.flights.idle().await;
    }

    /// Waits until the shared store has all that is on the way to it.
    pub async fn stored(&self) {
        if let Some(depot) = &self.service.depot {
            depot.idle().await;
        }
    }

    /// Asks the shared store what other boxes have removed, now.
    pub async fn look_at_store(&self) {
        if let Some(depot) = &self.service.depot {
            depot.look().await;
        }
    }

    /// Keeps the bounds of the shared store, now.
    pub async fn tidy_store(&self) {
        if let Some(depot) = &self.service.depot {
            depot.tidy().await;
        }
    }

    /// Stops: open answers break off, children are killed, the socket is removed.
    pub async fn shutdown(mut self) {
        self.service.end();
        for task in self.tasks.drain(..) {
            let _ = task.await;
        }
        self.service.flights.idle().await;
        let service = Arc::clone(&self.service);
        let _ = tokio::task::spawn_blocking(move || {
            service.phrases.save();
            service.cache.close();
        })
        .await;
    }
}

/// Keeps workers busy. Dropped, they are free.
pub struct Occupied {
    _gates: Vec<std::sync::mpsc::Sender<()>>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.service.end();
        if self.own_name {
            let _ = std::fs::remove_file(&self.service.config.socket);
        }
    }
}

/// Often enough to free the disk, seldom enough to cost nothing.
const SWEEP_EVERY: Duration = Duration::from_secs(60);
/// An hour is kept to the minute.
const PLANS_EVERY: Duration = Duration::from_secs(20);
/// Workers rest for tens of seconds.
const RELIEVE_EVERY: Duration = Duration::from_secs(5);
