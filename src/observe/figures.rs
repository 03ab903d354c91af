//! All figures of the box at one moment, and the two pages made of them: `/metrics`, whose size has a bound, and
//! `/metrics/bounds`, which has every counter of every room.

use std::collections::BTreeMap;

use tipring_lines::{Counted, LATE_BOUNDS_MS, Lateness, MediaCounters, SpanGauge};
use tipring_store::WriterCounters;

use super::board::{self, BoardState};
use super::exposition::{Form, Page};
use super::meters::{BESIDE, DIRECTIONS, Meters, OUTCOMES, RECOGNITIONS, RESULTS, SHARING, STREAMS, SURFACES};
use super::names::{self, ANSWER_MS, WEBHOOK_MS};
use super::process::Process;
use super::state::Counters;

/// All figures at one moment. What a part of the box does not tell is not there; the rest is.
#[derive(Clone, Default)]
pub struct Figures {
    /// What is counted without a room.
    pub meters: Meters,
    /// When the service was started.
    pub since_unix_s: i64,
    /// Calls that are up, by [`DIRECTIONS`].
    pub active: [u64; 2],
    /// The router; `None`: it did not answer.
    pub router: Option<tipring_router::Counters>,
    /// The card.
    pub card: Option<CardFigures>,
    /// The media layer, which may be another process; `None`: it did not answer.
    pub media: Option<tipring_media::Status>,
    /// The store's writer.
    pub store: WriterCounters,
    /// Octets of all recordings.
    pub recordings: Option<u64>,
    /// Free octets of each area.
    pub disk_free: Vec<(&'static str, u64)>,
    /// This process.
    pub process: Process,
    /// The board controller, if one is configured.
    pub board: Option<BoardState>,
    /// What went wrong on its line.
    pub board_counters: Vec<(&'static str, u64)>,
}

/// Figures of a card.
#[derive(Clone, Default)]
pub struct CardFigures {
    /// The audio side.
    pub audio: MediaCounters,
    /// The switch.
    pub switch: tipring_switch::Counters,
    /// How late it was.
    pub late: Lateness,
    /// Its queues.
    pub queues: [(&'static str, u64); 3],
    /// The signalling side.
    pub signalling: Vec<Counted>,
    /// The spans.
    pub spans: Vec<SpanGauge>,
}

/// Counters that tell of something left out or given up because a bound was reached. The others of
/// [`Figures::bounds`] tell how much was done, or what a far end did.
const REACHED: &[(&str, &[&str])] = &[
    ("audio", &["late_ticks", "late_blocks", "lost_blocks", "news_lost", "broken_sendings"]),
    ("engine", &["events_lost", "commands_lost", "to_media_lost"]),
    ("signalling", &["frames_lost", "runaways"]),
    ("q921", &["invalid_frames", "dropped_messages", "dropped_outputs"]),
    ("q931", &["refused_setups", "dropped", "bad_elements", "expired_timers", "failed_restarts"]),
    ("analog", &["overruns"]),
    ("switch", &["overflow", "dropped_events", "refused"]),
    (
        "router",
        &[
            "refused_full",
            "refused_rate",
            "refused_spent",
            "refused_frozen",
            "cut_spent",
            "queue_expired",
            "seizures_unanswered",
            "events_dropped",
            "traces_dropped",
            "notifications_dropped",
            "errands_dropped",
            "callbacks_failed",
            "keys_dropped",
            "documents_exceeded",
            "http_timeouts",
            "sounds_failed",
            "answers_unconfirmed",
            "clears_unconfirmed",
            "writes_failed",
        ],
    ),
    ("media", &["faults", "broken", "evictions", "unkept", "store_lost", "stale_used", "decoder_panics"]),
    ("store", &["turned_away", "refused"]),
    ("streams", &["words_dropped"]),
    ("board", &["overruns", "events_lost"]),
    ("sound", &["capture_xruns", "playback_xruns", "capture_dropped", "playback_dropped", "blocks_lost"]),
    ("recognition", &["blocks_lost"]),
];

/// Kinds of [`names::FALLBACK`], and of [`names::CALLS_BLOCKED`] and [`names::CACHE_REQUESTS`], with their counters.
type Reasons<const N: usize> = [(&'static str, u64); N];

impl Figures {
    /// Every counter of every room: room, name, figure.
    pub fn bounds(&self) -> Vec<Counted> {
        let mut all: Vec<Counted> = Vec::new();
        let mut room = |room: &'static str, figures: &[(&'static str, u64)]| {
            all.extend(figures.iter().map(|(name, figure)| (room, *name, *figure)));
        };
        if let Some(router) = &self.router {
            room("router", &router.named());
        }
        if let Some(card) = &self.card {
            room("audio", &card.audio.named());
            room("switch", &card.switch.named());
            room("engine", &card.queues);
        }
        if let Some(media) = &self.media {
            room("media", &media.counters.named());
        }
        room("store", &self.store.named());
        let (streams, recognitions) = (self.meters.streams(), self.meters.recognitions());
        room("streams", &std::array::from_fn::<_, { STREAMS.len() }, _>(|at| (STREAMS[at], streams[at])));
        room(
            "recognition",
            &std::array::from_fn::<_, { RECOGNITIONS.len() }, _>(|at| (RECOGNITIONS[at], recognitions[at])),
        );
        let sharing = self.meters.sharing();
        room("recordings", &std::array::from_fn::<_, { SHARING.len() }, _>(|at| (SHARING[at], sharing[at])));
        all.extend(self.card.iter().flat_map(|card| card.signalling.iter().copied()));
        all.extend(self.board_counters.iter().map(|(name, figure)| ("board", *name, *figure)));
        all
    }

    /// Times that something was left out or given up.
    pub fn bounds_reached(&self) -> u64 {
        let counts =
            |counted: &Counted| REACHED.iter().any(|(room, names)| *room == counted.0 && names.contains(&counted.1));
        self.bounds().iter().filter(|counted| counts(counted)).map(|counted| counted.2).sum()
    }

    /// What `tipring top` shows of all this.
    pub fn counters(&self) -> Counters {
        let router = self.router.unwrap_or_default();
        let card = self.card.clone().unwrap_or_default();
        Counters {
            calls: router.calls + router.calls_out,
            late_ticks: card.audio.late_ticks,
            late_blocks: card.audio.late_blocks,
            lost_blocks: card.audio.lost_blocks,
            underruns: card.switch.starved,
            requests: router.requests,
            fallbacks: fallbacks(&router).iter().map(|reason| reason.1).sum(),
            bounds_reached: self.bounds_reached(),
        }
    }

    /// The page `/metrics`, with how many series it has: at most 60, 12 a line, and 16 of a board.
    pub fn metrics(&self, form: Form) -> (String, usize) {
        let mut page = Page::new(form);
        page.head(&names::BUILD);
        page.sample(&names::BUILD, &[VERSION, COMMIT], 1.0);
        self.of_calls(&mut page);
        self.of_requests(&mut page);
        if let Some(card) = &self.card {
            of_lines(&mut page, card);
        }
        if let Some(media) = &self.media {
            let counters = media.counters;
            page.summary(&names::TTS, counters.synthesized, counters.synthesis_ms as f64 / 1e3);
            let results: Reasons<4> = [
                ("hit", counters.hits),
                ("miss", counters.misses),
                ("revalidated", counters.revalidations),
                ("stale", counters.stale_used),
            ];
            page.head(&names::CACHE_REQUESTS);
            results.iter().for_each(|(result, n)| page.sample(&names::CACHE_REQUESTS, &[result], *n as f64));
        }
        if let Some(recordings) = self.recordings {
            page.single(&names::RECORDINGS, recordings as f64);
        }
        page.head(&names::DISK_FREE);
        self.disk_free.iter().for_each(|(area, free)| page.sample(&names::DISK_FREE, &[area], *free as f64));
        page.head(&names::AUTH_FAILURES);
        for (at, surface) in SURFACES.iter().enumerate() {
            page.sample(&names::AUTH_FAILURES, &[surface], self.meters.auth_failures(at) as f64);
        }
        let (taken, at_s) = self.meters.reload();
        page.single(&names::RELOAD_OK, f64::from(u8::from(taken)));
        page.single(&names::RELOAD_AT, at_s as f64);
        page.single(&names::BOUNDS_REACHED, self.bounds_reached() as f64);
        self.of_process(&mut page);
        if let Some(board) = &self.board {
            board::metrics(&mut page, board);
        }
        let series = page.series();
        (page.finish(), series)
    }

    /// The page `/metrics/bounds`.
    pub fn bounds_page(&self, form: Form) -> String {
        let mut page = Page::new(form);
        page.head(&names::BESIDE);
        for (kind, running) in BESIDE.iter().zip(self.meters.beside()) {
            page.sample(&names::BESIDE, &[kind], running as f64);
        }
        if let Some(media) = &self.media {
            of_workers(&mut page, [("sound", media.sounds), ("speech", media.speech)]);
            let states = [
                ("sealed", media.sealed),
                ("short_of_room", media.room.short),
                ("store_used", media.store.used),
                ("store_away", media.store.away),
            ];
            page.head(&names::MEDIA_CACHE);
            states.iter().for_each(|(state, it)| page.sample(&names::MEDIA_CACHE, &[state], f64::from(u8::from(*it))));
        }
        page.head(&names::BOUNDS);
        for (room, counter, figure) in self.bounds() {
            page.sample(&names::BOUNDS, &[room, counter], figure as f64);
        }
        page.finish()
    }

    fn of_calls(&self, page: &mut Page) {
        page.head(&names::CALLS_ACTIVE);
        for (direction, active) in DIRECTIONS.iter().zip(self.active) {
            page.sample(&names::CALLS_ACTIVE, &[direction], active as f64);
        }
        page.head(&names::CALLS);
        for (way, direction) in DIRECTIONS.iter().enumerate() {
            for (how, result) in RESULTS.iter().enumerate() {
                page.sample(&names::CALLS, &[direction, result], self.meters.calls(way, how) as f64);
            }
        }
        let (classes, sum) = self.meters.answer();
        page.histogram(&names::ANSWER, &seconds(&ANSWER_MS), &classes, sum);
        let Some(router) = &self.router else { return };
        let blocked: Reasons<5> = [
            ("no_number", router.refused_unknown),
            ("closed", router.refused_outgoing),
            ("no_line", router.queue_expired),
            ("draining", router.refused_draining),
            ("full", router.refused_full),
        ];
        page.head(&names::CALLS_BLOCKED);
        blocked.iter().for_each(|(reason, n)| page.sample(&names::CALLS_BLOCKED, &[reason], *n as f64));
        page.head(&names::FALLBACK);
        fallbacks(router).iter().for_each(|(reason, n)| page.sample(&names::FALLBACK, &[reason], *n as f64));
    }

    fn of_requests(&self, page: &mut Page) {
        page.head(&names::WEBHOOK_REQUESTS);
        for (at, outcome) in OUTCOMES.iter().enumerate() {
            page.sample(&names::WEBHOOK_REQUESTS, &[outcome], self.meters.outcome(at) as f64);
        }
        let (classes, sum) = self.meters.webhook();
        page.histogram(&names::WEBHOOK_DURATION, &seconds(&WEBHOOK_MS), &classes, sum);
    }

    fn of_process(&self, page: &mut Page) {
        let process = &self.process;
        page.single(&names::PROCESS_CPU, process.cpu_s);
        page.single(&names::PROCESS_RSS, process.resident as f64);
        page.single(&names::PROCESS_FDS, process.fds as f64);
        page.single(&names::PROCESS_MAX_FDS, process.max_fds as f64);
        page.single(&names::PROCESS_THREADS, process.threads as f64);
        page.single(&names::PROCESS_START, self.since_unix_s as f64);
    }
}

/// The version of the program.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// What it was built from; empty where that was not said.
pub const COMMIT: &str = match option_env!("TIPRING_COMMIT") {
    Some(commit) => commit,
    None => "",
};

fn fallbacks(router: &tipring_router::Counters) -> Reasons<4> {
    [
        ("server", router.fallbacks_server),
        ("document", router.fallbacks_document),
        ("url", router.fallbacks_url),
        ("apology", router.apologies),
    ]
}

fn seconds(bounds_ms: &[u64]) -> Vec<f64> {
    bounds_ms.iter().map(|ms| *ms as f64 / 1e3).collect()
}

/// Who works for the media layer, what waits, and how long it had to.
fn of_workers(page: &mut Page, crews: [(&str, tipring_media::Crew); 2]) {
    page.head(&names::MEDIA_WORKERS);
    for (kind, crew) in &crews {
        page.sample(&names::MEDIA_WORKERS, &[kind, "busy"], crew.busy as f64);
        page.sample(&names::MEDIA_WORKERS, &[kind, "idle"], crew.workers.saturating_sub(crew.busy) as f64);
    }
    page.head(&names::MEDIA_QUEUED);
    crews.iter().for_each(|(kind, crew)| page.sample(&names::MEDIA_QUEUED, &[kind], crew.queued as f64));
    page.head(&names::MEDIA_WORKS);
    crews.iter().for_each(|(kind, crew)| page.sample(&names::MEDIA_WORKS, &[kind], crew.begun as f64));
    page.head(&names::MEDIA_WAITED);
    crews.iter().for_each(|(kind, crew)| page.sample(&names::MEDIA_WAITED, &[kind], crew.waited_ms as f64 / 1e3));
    page.head(&names::MEDIA_TURNED_AWAY);
    crews.iter().for_each(|(kind, crew)| page.sample(&names::MEDIA_TURNED_AWAY, &[kind], crew.turned_away as f64));
}

fn of_lines(page: &mut Page, card: &CardFigures) {
    let mut lines: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for span in &card.spans {
        for state in ["idle", "busy", "down", "resting"] {
            if span.analog || state != "resting" {
                lines.entry((kind(span), state)).or_default();
            }
        }
        for (_, word) in &span.channels {
            *lines.entry((kind(span), line_state(word))).or_default() += 1;
        }
    }
    page.head(&names::LINES);
    for ((kind, state), figure) in lines {
        page.sample(&names::LINES, &[kind, state], figure as f64);
    }
    let digital = || card.spans.iter().filter(|span| span.digital);
    page.head(&names::SPAN_ALARM);
    for span in digital() {
        for (alarm, has) in alarms(span) {
            page.sample(&names::SPAN_ALARM, &[&span.name, alarm], f64::from(u8::from(has)));
        }
    }
    page.head(&names::SPAN_ERRORS);
    for span in digital() {
        for (kind, figure) in span.status.kinds.named() {
            page.sample(&names::SPAN_ERRORS, &[&span.name, kind], figure as f64);
        }
    }
    page.single(&names::MEDIA_UNDERRUNS, card.switch.starved as f64);
    page.histogram(&names::MEDIA_LATE, &seconds(&LATE_BOUNDS_MS), &card.late.ticks, card.late.sum_ms as f64 / 1e3);
}

/// `isdn` or `analog`.
pub fn kind(span: &SpanGauge) -> &'static str {
    if span.analog { "analog" } else { "isdn" }
}

/// The alarms that there are, and whether the span has them.
pub fn alarms(span: &SpanGauge) -> [(&'static str, bool); 4] {
    use tipring_card::Alarms;
    let (named, has) = ([Alarms::RED, Alarms::YELLOW, Alarms::BLUE], span.status.alarms);
    let other = Alarms(has.0 & !named.iter().fold(0, |all, alarm| all | alarm.0));
    let [red, yellow, blue] = named.map(|alarm| has.0 & alarm.0 != 0);
    [("red", red), ("yellow", yellow), ("blue", blue), ("other", other.is_down())]
}

/// A line's word as one of few.
fn line_state(word: &str) -> &'static str {
    match word {
        "idle" => "idle",
        "resting" => "resting",
        "down" | "alarm" | "gone" => "down",
        _ => "busy",
    }
}

#[cfg(test)]
#[path = "figures_tests.rs"]
mod tests;
