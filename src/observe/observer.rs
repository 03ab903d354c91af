//! Looks at all rooms at one moment: for metrics, health and state. Every answer is kept for a second, so that whoever asks
//! without end costs no more than who asks once a second.

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tipring_lines::Gauges;
use tipring_media::MediaClient;
use tipring_store::Store;

use super::board::{BoardFace, BoardState};
use super::exposition::Form;
use super::figures::{self, COMMIT, CardFigures, Figures, VERSION};
use super::habits::{self, Habits};
use super::health::{self, ANSWER_TIME, CardCondition, Condition, Pulse, Verdict};
use super::meters::{Meters, unix_now_s};
use super::process::Process;
use super::state::{Line, LiveCall, Span, State};
use super::trace::{self, LineTrace, Unknown};
use super::watch::{self, Seen};

/// An answer is given again for so long.
const KEPT: Duration = Duration::from_secs(1);
/// The media layer tells its counters within this, or they are left out: a scrape must not wait for it.
const MEDIA_TIME: Duration = Duration::from_millis(500);

/// What comes later.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The living calls, as far as they are looked at.
pub trait Calls: Send + Sync + 'static {
    /// As they are now; `None`: whoever has them has stopped.
    fn snapshot(&self) -> Later<'_, Option<Snapshot>>;
}

/// The living calls at one moment.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Those that are up, oldest first.
    pub calls: Vec<LiveCall>,
    /// How many, by [`super::meters::DIRECTIONS`].
    pub active: [u64; 2],
    /// The router's counters.
    pub router: tipring_router::Counters,
}

/// What is looked at.
pub struct Parts {
    /// What no room keeps.
    pub meters: Meters,
    /// The living calls.
    pub calls: Arc<dyn Calls>,
    /// The records.
    pub store: Store,
    /// The media layer, here or in another process.
    pub media: MediaClient,
    /// The card, if one is configured.
    pub card: Option<CardFace>,
    /// Folders whose disk is looked at: `state` and `cache`.
    pub areas: Vec<(&'static str, PathBuf)>,
    /// The board controller, if one is configured.
    pub board: Option<BoardFace>,
}

/// A card.
#[derive(Clone)]
pub struct CardFace {
    /// Its gauges.
    pub gauges: Arc<Gauges>,
    /// It is the simulator.
    pub simulated: bool,
}

/// Looks at the box. Cheap to clone; the last clone that goes ends the watching.
#[derive(Clone)]
pub struct Observer(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub parts: Parts,
    pub since_unix_s: i64,
    pub seen: Mutex<Seen>,
    /// The service is being stopped: what goes away now is no news.
    pub stopped: AtomicBool,
    closed: Mutex<Vec<&'static str>>,
    live: Kept<Verdict>,
    ready: Kept<Verdict>,
    figures: Kept<Arc<Figures>>,
    state: Kept<Arc<State>>,
}

impl Observer {
    /// Begins to watch, on the current runtime.
    pub fn start(parts: Parts) -> Observer {
        let inner = Inner {
            parts,
            since_unix_s: unix_now_s(),
            seen: Mutex::new(Seen::new(Instant::now())),
            stopped: AtomicBool::new(false),
            closed: Mutex::default(),
            live: Kept::default(),
            ready: Kept::default(),
            figures: Kept::default(),
            state: Kept::default(),
        };
        let inner = Arc::new(inner);
        tokio::spawn(watch::run(Arc::downgrade(&inner)));
        Observer(inner)
    }

    /// What no room keeps: for who counts.
    pub fn meters(&self) -> &Meters {
        &self.0.parts.meters
    }

    /// A listener has stopped: the box is not ready any more.
    pub fn closed(&self, listener: &'static str) {
        self.0.closed.lock().unwrap_or_else(PoisonError::into_inner).push(listener);
    }

    /// Watches no longer: the service is being stopped.
    pub fn stop(&self) {
        self.0.stopped.store(true, Ordering::Relaxed);
        super::log::tell_folded();
    }

    /// Does it live?
    pub async fn lives(&self) -> Verdict {
        self.0.live.fresh(async { health::lives(&self.pulse(self.snapshot().await.is_some())) }).await
    }

    /// Can it take calls?
    pub async fn is_ready(&self) -> Verdict {
        self.0.ready.fresh(async { self.judge(self.snapshot().await.is_some()).await }).await
    }

    /// All figures.
    pub async fn figures(&self) -> Arc<Figures> {
        self.0.figures.fresh(async { Arc::new(self.gather(self.snapshot().await.as_ref()).await) }).await
    }

    /// The page of metrics.
    pub async fn metrics(&self, form: Form) -> String {
        self.figures().await.metrics(form).0
    }

    /// The page of every counter.
    pub async fn bounds(&self, form: Form) -> String {
        self.figures().await.bounds_page(form)
    }

    /// The box at one moment.
    pub async fn state(&self) -> Arc<State> {
        self.0.state.fresh(async { Arc::new(self.show().await) }).await
    }

    /// What happened on one analogue line or port for a telephone. It is not kept: it costs a copy, and no look at calls.
    pub fn line_trace(&self, line: &str) -> Result<LineTrace, Unknown> {
        let gauges = self.0.parts.card.as_ref().map(|card| &*card.gauges);
        trace::of(gauges, line, unix_now_ms())
    }

    /// The same, counted.
    pub fn line_habits(&self, line: &str) -> Result<Habits, Unknown> {
        habits::of(self.0.parts.card.as_ref().map(|card| &*card.gauges), line)
    }

    /// The board controller, if one is configured.
    pub fn board(&self) -> Option<BoardState> {
        self.0.parts.board.as_ref().map(BoardFace::state)
    }

    async fn snapshot(&self) -> Option<Snapshot> {
        tokio::time::timeout(ANSWER_TIME, self.0.parts.calls.snapshot()).await.ok().flatten()
    }

    fn pulse(&self, conductor: bool) -> Pulse {
        let turning = self.0.parts.card.as_ref().filter(|card| !card.gauges.media_ended());
        let seen = self.0.seen.lock().unwrap_or_else(PoisonError::into_inner);
        Pulse { conductor, media_still: turning.map(|card| seen.still(card.gauges.beat(), Instant::now())) }
    }

    async fn judge(&self, conductor: bool) -> Verdict {
        let store = tokio::time::timeout(ANSWER_TIME, self.0.parts.store.answers()).await.is_ok_and(|it| it.is_ok());
        let card = self.0.parts.card.as_ref().map(|card| CardCondition {
            gone: card.gauges.media_ended(),
            simulated: card.simulated,
            spans: card.gauges.spans(),
        });
        let closed = self.0.closed.lock().unwrap_or_else(PoisonError::into_inner).clone();
        health::is_ready(&self.pulse(conductor), &Condition { store, closed, card })
    }

    async fn gather(&self, snapshot: Option<&Snapshot>) -> Figures {
        let parts = &self.0.parts;
        let media = tokio::time::timeout(MEDIA_TIME, parts.media.status()).await.ok().and_then(Result::ok);
        let seen = self.0.seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Figures {
            meters: parts.meters.clone(),
            since_unix_s: self.0.since_unix_s,
            active: snapshot.map(|snapshot| snapshot.active).unwrap_or_default(),
            router: snapshot.map(|snapshot| snapshot.router),
            card: parts.card.as_ref().map(|card| of_card(&card.gauges)),
            media,
            store: parts.store.writer_counters(),
            recordings: seen.recordings,
            disk_free: seen.disk_free(),
            process: Process::now(),
            board: self.board(),
            board_counters: parts.board.as_ref().map(BoardFace::counters).unwrap_or_default(),
        }
    }

    async fn show(&self) -> State {
        let snapshot = self.snapshot().await;
        let verdict = self.judge(snapshot.is_some()).await;
        let figures = self.gather(snapshot.as_ref()).await;
        let calls = snapshot.unwrap_or_default().calls;
        let spans: Vec<Span> =
            figures.card.iter().flat_map(|card| &card.spans).map(|span| shown(span, &calls)).collect();
        let up = spans.iter().filter(|span| span.up).count();
        let status = match (verdict.is_good(), spans.len()) {
            (false, _) => verdict.reasons.join("; "),
            (true, 0) => format!("no lines, {} up", counted(calls.len(), "call")),
            (true, all) => format!("{up} of {} up, {} up", counted(all, "span"), counted(calls.len(), "call")),
        };
        State {
            version: VERSION.into(),
            commit: COMMIT.into(),
            since_unix_s: self.0.since_unix_s,
            ready: verdict.is_good(),
            status,
            spans,
            calls,
            counters: figures.counters(),
        }
    }
}

fn unix_now_ms() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_millis()).unwrap_or(i64::MAX)
}

fn counted(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

fn of_card(gauges: &Gauges) -> CardFigures {
    CardFigures {
        audio: gauges.audio(),
        switch: gauges.switch(),
        late: gauges.lateness(),
        queues: gauges.queues(),
        signalling: gauges.signalling(),
        spans: gauges.spans(),
    }
}

fn shown(span: &tipring_lines::SpanGauge, calls: &[LiveCall]) -> Span {
    let line = |(slot, word): &(u8, &str)| {
        let name = span.line_name(*slot);
        let call = calls.iter().find(|call| call.line == name).map(|call| call.sid.clone());
        Line { slot: *slot, state: (*word).to_owned(), call }
    };
    Span {
        name: span.name.clone(),
        kind: figures::kind(span).into(),
        up: span.up,
        alarms: figures::alarms(span).iter().filter(|alarm| alarm.1).map(|alarm| alarm.0.into()).collect(),
        lines: span.channels.iter().map(line).collect(),
    }
}

/// An answer and when it was made. Who asks while it is being made waits for it.
struct Kept<T>(tokio::sync::Mutex<Option<(Instant, T)>>);

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Kept(tokio::sync::Mutex::new(None))
    }
}

impl<T: Clone> Kept<T> {
    async fn fresh(&self, make: impl Future<Output = T>) -> T {
        let mut kept = self.0.lock().await;
        if let Some((at, answer)) = &*kept
            && at.elapsed() < KEPT
        {
            return answer.clone();
        }
        let answer = make.await;
        *kept = Some((Instant::now(), answer.clone()));
        answer
    }
}

#[cfg(test)]
#[path = "observer_tests.rs"]
mod tests;
