//! The application of the callers. It lives in the test's process, so that what it was told outlives the box. It notes
//! every SID before it answers, and may pull the trigger in that moment. Who calls decides what happens:
//!
//! | caller's last digit | |
//! | --- | --- |
//! | 0 | leaves a message as long as the call |
//! | 1 | leaves messages of two seconds, one after another |
//! | 2 | hears sound that comes from here, each time under a name that the cache has not seen |
//! | 3 | waits until the API ends the call |

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use tipring_resources::Sid;

use crate::facts::{Facts, sids};

/// Different sounds: one in the place of another would be noticed.
pub const SOUNDS: u64 = 4;
/// A sound comes in so many pieces with a pause after each, so that a kill finds it on its way.
const PIECES: usize = 8;
const PIECE_EVERY: Duration = Duration::from_millis(40);

/// A running application.
pub struct Application {
    /// Where it listens.
    pub address: SocketAddr,
    shared: Arc<Shared>,
    task: tokio::task::JoinHandle<()>,
}

/// What everybody who sees SIDs shares.
#[derive(Default)]
pub struct Shared {
    address: Mutex<String>,
    facts: Mutex<Facts>,
    /// Every SID of every life.
    seen: Mutex<BTreeSet<Sid>>,
    /// Calls that the API is to end.
    to_end: Mutex<Vec<Sid>>,
    /// Sounds that documents named.
    sounds: Mutex<Vec<u64>>,
    next_sound: AtomicU64,
    at_once: AtomicBool,
    trigger: Mutex<Option<Trigger>>,
}

/// Something that happens at the n-th new SID from now on, before whoever saw it does anything else.
pub struct Trigger {
    /// n.
    pub left: u32,
    /// What happens.
    pub then: Box<dyn FnOnce() + Send>,
}

impl Application {
    pub async fn start() -> std::io::Result<Application> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        *shared.address.lock().unwrap() = address.to_string();
        let router = axum::Router::new().fallback(answer).with_state(shared.clone());
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Ok(Application { address, shared, task })
    }

    pub fn shared(&self) -> Arc<Shared> {
        self.shared.clone()
    }

    /// The voice URL of the number.
    pub fn voice_url(&self) -> String {
        format!("http://{}/voice", self.address)
    }

    pub fn sound_url(&self, sound: u64) -> String {
        format!("http://{}/sound/{sound}.wav", self.address)
    }
}

impl Drop for Application {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    /// Somebody is told something of these SIDs; the trigger counts those that nobody has seen before, in no life.
    pub fn tell(&self, sids: &[Sid], told: impl FnOnce(&mut Facts)) {
        told(&mut self.facts.lock().unwrap());
        let mut seen = self.seen.lock().unwrap();
        let new = sids.iter().filter(|sid| seen.insert(**sid)).count();
        drop(seen);
        for _ in 0..new {
            self.count();
        }
    }

    fn count(&self) {
        let mut trigger = self.trigger.lock().unwrap();
        let due = trigger.as_mut().is_some_and(|trigger| {
            trigger.left = trigger.left.saturating_sub(1);
            trigger.left == 0
        });
        if due && let Some(trigger) = trigger.take() {
            (trigger.then)();
        }
    }

    pub fn set_trigger(&self, trigger: Option<Trigger>) {
        *self.trigger.lock().unwrap() = trigger;
    }

    /// A call that the API is to end.
    pub fn next_to_end(&self) -> Option<Sid> {
        self.to_end.lock().unwrap().pop()
    }

    /// Calls and recordings that were told to have ended and that nobody wanted deleted.
    pub fn deletable(&self) -> Vec<Sid> {
        let facts = self.facts.lock().unwrap();
        let calls = facts.calls.iter().filter(|(_, told)| told.end.is_some() && !told.deletion_asked);
        let recordings = facts.recordings.iter().filter(|(_, told)| told.seconds.is_some() && !told.deletion_asked);
        calls.map(|(sid, _)| *sid).chain(recordings.map(|(sid, _)| *sid)).collect()
    }

    /// What was told and which sounds were named since the last time; the box is dead.
    pub fn take(&self) -> (Facts, Vec<u64>) {
        self.to_end.lock().unwrap().clear();
        (std::mem::take(&mut self.facts.lock().unwrap()), std::mem::take(&mut self.sounds.lock().unwrap()))
    }

    /// Sounds come at once from now on, or dribble.
    pub fn sounds_at_once(&self, at_once: bool) {
        self.at_once.store(at_once, Ordering::Relaxed);
    }
}

async fn answer(State(shared): State<Arc<Shared>>, uri: Uri, body: Bytes) -> Response {
    if let Some(sound) = uri.path().strip_prefix("/sound/").and_then(|name| name.strip_suffix(".wav")) {
        return match sound.parse() {
            Ok(sound) => shared.sound(sound),
            Err(_) => StatusCode::NOT_FOUND.into_response(),
        };
    }
    let query = uri.query().unwrap_or_default().as_bytes();
    let pairs = url::form_urlencoded::parse(query).chain(url::form_urlencoded::parse(&body));
    let params = pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
    shared.tell(&sids(&params), |facts| facts.request(&params));
    let document = shared.document(uri.path(), &params);
    ([(header::CONTENT_TYPE, "text/xml")], document).into_response()
}

impl Shared {
    fn document(&self, path: &str, params: &BTreeMap<String, String>) -> String {
        let caller = params.get("From").and_then(|from| from.chars().last());
        let record = |length_s: u32, action: &str| {
            format!(
                "<Response><Record playBeep=\"false\" timeout=\"0\" trim=\"do-not-trim\" maxLength=\"{length_s}\" \
                 action=\"{action}\" recordingStatusCallback=\"/recorded\" \
                 recordingStatusCallbackEvent=\"in-progress completed absent\"/></Response>"
            )
        };
        match (path, caller) {
            ("/voice", Some('0')) => record(60, "/kept"),
            ("/voice" | "/again", Some('1')) => record(2, "/again"),
            ("/voice", Some('2')) => {
                let sound = self.next_sound.fetch_add(1, Ordering::Relaxed);
                self.sounds.lock().unwrap().push(sound);
                let address = self.address.lock().unwrap();
                format!("<Response><Play>http://{address}/sound/{sound}.wav</Play><Redirect/></Response>")
            }
            ("/voice", _) => {
                let call = params.get("CallSid").and_then(|sid| sid.parse::<Sid>().ok());
                self.to_end.lock().unwrap().extend(call);
                "<Response><Pause length=\"60\"/></Response>".to_string()
            }
            _ => "<Response/>".to_string(),
        }
    }

    fn sound(&self, sound: u64) -> Response {
        let whole = Bytes::from(wave(300.0 + 200.0 * (sound % SOUNDS) as f32));
        let headers = [(header::CONTENT_TYPE, "audio/wav"), (header::CACHE_CONTROL, "max-age=86400")];
        if self.at_once.load(Ordering::Relaxed) {
            return (headers, whole).into_response();
        }
        let length = whole.len().div_ceil(PIECES);
        let pieces = futures_util::stream::unfold(whole, move |mut rest| async move {
            if rest.is_empty() {
                return None;
            }
            let piece = rest.split_to(length.min(rest.len()));
            // How an origin behaves; nothing waits for it to be over.
            tokio::time::sleep(PIECE_EVERY).await;
            Some((Ok::<_, std::io::Error>(piece), rest))
        });
        (headers, Body::from_stream(pieces)).into_response()
    }
}

/// A second and a half of a tone, to be resampled: 16 kHz, 16 bits.
fn wave(hz: f32) -> Vec<u8> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 16_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut out = std::io::Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut out, spec).unwrap();
    for n in 0..24_000_u16 {
        let sample = 8_000.0 * (f32::from(n) / 16_000.0 * hz * std::f32::consts::TAU).sin();
        writer.write_sample(sample as i16).unwrap();
    }
    writer.finalize().unwrap();
    out.into_inner()
}
