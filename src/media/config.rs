//! What the media layer is started with. Plain data; reading it from a file is not its business.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tipring_card::Law;

use crate::decoders::Decoder;
use crate::depot::StoreConfig;
use crate::listen::Recognizer;
use crate::network::Remote;
use crate::preset::Preset;
use crate::seal::SEAL_OCTETS;
use crate::speech::Engine;

/// How the media layer is started.
#[derive(Clone)]
pub struct Config {
    /// The Unix socket it answers on.
    pub socket: PathBuf,
    /// Where the cache lives. Made if absent; nothing else may live in it.
    pub cache_dir: PathBuf,
    /// The way out.
    pub egress: tipring_egress::Client,
    /// Speech engines in order of preference; one that is not installed is left out at start.
    pub engines: Vec<Engine>,
    /// Recognizers in order of preference; one that is not installed is left out at start.
    pub recognizers: Vec<Recognizer>,
    /// Decoders of further kinds of media; one that is not installed is left out at start.
    pub decoders: Vec<Decoder>,
    /// ffmpeg, by name or path: what no library of ours reads.
    pub transcoder: PathBuf,
    /// This program and the arguments that make it a decoder ([`crate::decode_alone`]), so that what strangers have coded is
    /// read in children. Without it, it is read in this process.
    pub own_decoder: Option<(PathBuf, Vec<String>)>,
    /// Bounds.
    pub limits: Limits,
    /// Where the layer keeps what is not a copy of something: plans, phrases and their recordings. Made when needed.
    pub state_dir: PathBuf,
    /// What lies in the cache is sealed with this key.
    pub seal_key: Option<[u8; SEAL_OCTETS]>,
    /// A store behind the disk that several boxes share.
    pub store: Option<StoreConfig>,
    /// Media layers that are asked, in this order, what they have before an origin is.
    pub ask_first: Vec<Remote>,
    /// What `Accept: audio/*` stands for.
    pub default_preset: Preset,
    /// A text that was said so often is listed for recording; 0: none is.
    pub phrase_threshold: u64,
    /// The time zone of plans.
    pub zone: jiff::tz::TimeZone,
    /// What `Accept: audio/*;preset=NAME` stands for.
    pub presets: Vec<(String, Preset)>,
    /// The loudness that converted sound is brought to, in LUFS; 0: it stays as it is.
    pub level_db: f32,
    /// What time it is; dates of cache entries are reckoned with it.
    pub clock: Clock,
}

/// Tells what time it is.
pub type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

impl Config {
    /// The usual engines, limits and clock.
    pub fn new(socket: impl Into<PathBuf>, cache_dir: impl Into<PathBuf>, egress: tipring_egress::Client) -> Self {
        let cache_dir = cache_dir.into();
        Self {
            socket: socket.into(),
            state_dir: cache_dir.with_extension("state"),
            cache_dir,
            egress,
            engines: Engine::usual(),
            recognizers: Recognizer::usual(),
            decoders: Vec::new(),
            transcoder: "ffmpeg".into(),
            own_decoder: None,
            limits: Limits::default(),
            seal_key: None,
            store: None,
            ask_first: Vec::new(),
            default_preset: Preset::telephone(Law::A),
            phrase_threshold: 25,
            zone: jiff::tz::TimeZone::system(),
            presets: Vec::new(),
            level_db: LEVEL_DB,
            clock: Arc::new(SystemTime::now),
        }
    }
}

/// Bounds of the media layer. What happens beyond: the request answers a fault, or the entry of least worth goes.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Octets of one original.
    pub original_bytes: usize,
    /// Length of one converted medium.
    pub audio: Duration,
    /// Octets of the whole cache on disk; beyond, what is worth least goes.
    pub cache_bytes: u64,
    /// Octets that the cache leaves free on its file system.
    pub reserve_bytes: u64,
    /// Workers that convert sounds, each a thread: conversions at the same time. One that reads a slow origin, or feeds a
    /// listener past the cache, is one of them.
    pub sound_workers: usize,
    /// Workers for speech, each a thread with an engine: texts spoken at the same time.
    pub speech_workers: usize,
    /// Sounds that wait for a worker; as many texts. Who comes then is turned away.
    pub waiting: usize,
    /// A worker that had nothing to do for so long leaves.
    pub rest: Duration,
    /// Connections at the same time.
    pub connections: usize,
    /// How long the first sound of a short original waits until all of it is there and its loudness is known.
    pub gather: Duration,
    /// Time of one synthesis child.
    pub synthesis: Duration,
    /// Time of an engine to its first sample, where another one could speak in its place.
    pub first_word: Duration,
    /// Time of an engine to its first sample, where none is left to speak: so long a caller hears nothing.
    pub last_word: Duration,
    /// Recognitions at the same time, each with a child.
    pub recognitions: usize,
    /// Length of one sound that is listened to; what is longer is not heard, and a fault says so behind the results.
    pub listened: Duration,
    /// Time of a recognizer after the sound's end; the sound's own length is added.
    pub recognition: Duration,
    /// How long a medium is fresh whose origin says nothing about it.
    pub unsaid_fresh: Duration,
    /// How long an entry that can be checked with its origin is kept after it went stale.
    pub stale_kept: Duration,
    /// How long an origin is waited for where a stale entry may stand in: a caller hears every second.
    pub patience: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            original_bytes: 50 << 20,
            audio: Duration::from_secs(2 * 3600),
            cache_bytes: 1 << 30,
            reserve_bytes: 64 << 20,
            sound_workers: 64,
            speech_workers: 8,
            waiting: 256,
            rest: Duration::from_secs(30),
            connections: 256,
            gather: Duration::from_secs(1),
            synthesis: Duration::from_secs(60),
            first_word: Duration::from_secs(8),
            last_word: Duration::from_secs(20),
            recognitions: 32,
            listened: Duration::from_secs(600),
            recognition: Duration::from_secs(60),
            unsaid_fresh: Duration::from_secs(600),
            stale_kept: Duration::from_secs(30 * 24 * 3600),
            patience: Duration::from_secs(1),
        }
    }
}

/// Between the customary -26 and loud announcements.
pub(crate) const LEVEL_DB: f32 = -22.0;
