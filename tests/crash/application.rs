//! The application of the callers, and of the calls that the API makes. It lives in the test's process, so that what it
//! was told outlives the box. It notes every SID before it answers, and may pull the trigger in that moment. Each caller
//! has a job, another one in each life:
//!
//! | job | |
//! | --- | --- |
//! | 0 | leaves a message as long as the call |
//! | 1 | leaves messages of two seconds, one after another |
//! | 2 | hears sound that comes from here, each time under a name that the cache has not seen |
//! | 3 | waits until the API ends the call |
//! | 4 | is connected with somebody, and when that is over, with the next |

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use tipring_resources::{CallStatus, Sid};

use crate::facts::{Facts, sids};

/// Different sounds: one in the place of another would be noticed.
pub const SOUNDS: u64 = 4;
/// A sound comes in so many pieces with a pause after each, so that a kill finds it on its way.
const PIECES: usize = 8;
const PIECE_EVERY: Duration = Duration::from_millis(40);

/// Jobs of callers.
pub const JOBS: u64 = 5;
/// A caller waits so long until the API ends his call.
const ENDED_AFTER: Duration = Duration::from_millis(2_500);
/// Seconds that two are connected.
const CONNECTED_S: u32 = 2;
/// Whom documents dial, and the number that is shown: one that may be.
const DIALLED: &str = "+12025550142";
pub const SHOWN: &str = "+15005550006";

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
    /// Calls that the API is to end, and since when they are there.
    to_end: Mutex<Vec<(Sid, Instant)>>,
    /// Sounds that documents named.
    sounds: Mutex<Vec<u64>>,
    next_sound: AtomicU64,
    /// Dials so far.
    next_dial: AtomicU64,
    /// Added to a caller's number, it is his job.
    shift: AtomicU64,
    at_once: AtomicBool,
    trigger: Mutex<Option<Trigger>>,
}

/// What a trigger counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// SIDs that nobody has seen before, in no life.
    Sids,
    /// Requests to the application, callbacks among them.
    Requests,
    /// Those that tell that a call is over, the request's own or one that it dialled.
    Ends,
}

/// Something that happens at the n-th from now on, before whoever saw it does anything else.
pub struct Trigger {
    /// Of what.
    pub counted: Counted,
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

    /// Where calls of the API ask and tell.
    pub fn url(&self, path: &str) -> String {
        self.shared.url(path)
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
    fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address.lock().unwrap())
    }

    /// Callers get other jobs.
    pub fn set_shift(&self, shift: u64) {
        self.shift.store(shift, Ordering::Relaxed);
    }

    /// Somebody is told something of these SIDs.
    pub fn tell(&self, sids: &[Sid], told: impl FnOnce(&mut Facts)) {
        told(&mut self.facts.lock().unwrap());
        let mut seen = self.seen.lock().unwrap();
        let new = sids.iter().filter(|sid| seen.insert(**sid)).count();
        drop(seen);
        for _ in 0..new {
            self.count(Counted::Sids);
        }
    }

    fn count(&self, counted: Counted) {
        let mut trigger = self.trigger.lock().unwrap();
        let due = trigger.as_mut().filter(|trigger| trigger.counted == counted).is_some_and(|trigger| {
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

    /// A call that the API is to end, once it has waited for that.
    pub fn next_to_end(&self) -> Option<Sid> {
        let mut waiting = self.to_end.lock().unwrap();
        let at = waiting.iter().position(|(_, since)| since.elapsed() > ENDED_AFTER)?;
        Some(waiting.swap_remove(at).0)
    }

    /// Whether a call was told to have ended.
    pub fn has_ended(&self, call: Sid) -> bool {
        self.facts.lock().unwrap().calls.get(&call).is_some_and(|told| told.end.is_some())
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
    shared.count(Counted::Requests);
    let ended = ["CallStatus", "DialCallStatus"].iter().filter_map(|name| params.get(*name));
    if ended.filter_map(|status| CallStatus::from_wire(status)).any(CallStatus::is_final) {
        shared.count(Counted::Ends);
    }
    let document = shared.document(uri.path(), &params);
    ([(header::CONTENT_TYPE, "text/xml")], document).into_response()
}

impl Shared {
    fn document(&self, path: &str, params: &BTreeMap<String, String>) -> String {
        let record = |length_s: u32, action: &str| {
            format!(
                "<Response><Record playBeep=\"false\" timeout=\"0\" trim=\"do-not-trim\" maxLength=\"{length_s}\" \
                 action=\"{action}\" recordingStatusCallback=\"/recorded\" \
                 recordingStatusCallbackEvent=\"in-progress completed absent\"/></Response>"
            )
        };
        let job = params.get("From").and_then(|from| caller(from));
        let job = job.map(|caller| (caller + self.shift.load(Ordering::Relaxed)) % JOBS);
        match (path, job) {
            ("/voice", Some(0)) => record(60, "/kept"),
            ("/voice" | "/again", Some(1)) => record(2, "/again"),
            ("/voice", Some(2)) => {
                let sound = self.next_sound.fetch_add(1, Ordering::Relaxed);
                self.sounds.lock().unwrap().push(sound);
                let url = self.url(&format!("sound/{sound}.wav"));
                format!("<Response><Play>{url}</Play><Redirect/></Response>")
            }
            ("/voice", Some(4)) | ("/dialled", _) => self.dial(),
            ("/voice", _) => {
                let call = params.get("CallSid").and_then(|sid| sid.parse::<Sid>().ok());
                self.to_end.lock().unwrap().extend(call.map(|call| (call, Instant::now())));
                "<Response><Pause length=\"60\"/></Response>".to_string()
            }
            ("/out", _) => "<Response><Pause length=\"60\"/></Response>".to_string(),
            _ => "<Response/>".to_string(),
        }
    }

    /// Connects with somebody, recorded in one of several ways, mostly over the PRI: a Dial waits for no line.
    pub fn dial(&self) -> String {
        let nth = self.next_dial.fetch_add(1, Ordering::Relaxed);
        let record = ["do-not-record", "record-from-answer-dual", "do-not-record", "record-from-ringing"];
        let record = record[(nth % 4) as usize];
        let group = if nth % 5 == 4 { "analog" } else { "isdn" };
        let (action, told, recorded) = (self.url("dialled"), self.url("told"), self.url("recorded"));
        format!(
            "<Response><Dial record=\"{record}\" timeLimit=\"{CONNECTED_S}\" callerId=\"{SHOWN}\" \
             action=\"{action}\" recordingStatusCallback=\"{recorded}\" \
             recordingStatusCallbackEvent=\"in-progress completed absent\"><Number trunk=\"{group}\" \
             statusCallback=\"{told}\" statusCallbackEvent=\"initiated ringing answered completed\">{DIALLED}\
             </Number></Dial></Response>"
        )
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

/// Which of the four callers this is: two on the PRI, then two on analogue lines.
fn caller(from: &str) -> Option<u64> {
    match from.strip_prefix("+12025550")? {
        "100" => Some(0),
        "101" => Some(1),
        "200" => Some(2),
        "201" => Some(3),
        _ => None,
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
