//! Where figures meet that no room keeps by itself. Everything here is an atomic: whoever counts waits for nobody. The
//! media thread does not come here at all; it has its gauges.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tipring_resources::{Call, CallStatus, Direction};
use tipring_router::HttpAnswer;

use super::events;
use super::names::{ANSWER_MS, WEBHOOK_MS};

/// Figures of calls, requests, credentials and the configuration. Cheap to clone.
#[derive(Clone, Default)]
pub struct Meters(Arc<Figures>);

struct Figures {
    calls: [[AtomicU64; RESULTS.len()]; DIRECTIONS.len()],
    answer: Histogram<{ ANSWER_MS.len() + 1 }>,
    webhook: Histogram<{ WEBHOOK_MS.len() + 1 }>,
    outcomes: [AtomicU64; OUTCOMES.len()],
    auth_failures: [AtomicU64; SURFACES.len()],
    streams: [AtomicU64; STREAMS.len()],
    recognitions: [AtomicU64; RECOGNITIONS.len()],
    sharing: [AtomicU64; SHARING.len()],
    reload_ok: AtomicBool,
    reload_at_s: AtomicI64,
}

impl Default for Figures {
    fn default() -> Self {
        Figures {
            calls: Default::default(),
            answer: Histogram::default(),
            webhook: Histogram::default(),
            outcomes: Default::default(),
            auth_failures: Default::default(),
            streams: Default::default(),
            recognitions: Default::default(),
            sharing: Default::default(),
            // A service that runs has taken the configuration that it was started with.
            reload_ok: AtomicBool::new(true),
            reload_at_s: AtomicI64::new(unix_now_s()),
        }
    }
}

/// Labels of `tipring_calls_total` and `tipring_calls_active`.
pub const DIRECTIONS: [&str; 2] = ["inbound", "outbound"];
/// How calls end.
pub const RESULTS: [&str; 5] = ["completed", "busy", "failed", "no-answer", "canceled"];
/// How requests to application servers end.
pub const OUTCOMES: [&str; 5] = ["ok", "error_status", "timeout", "unreachable", "invalid"];
/// What is counted of media streams: opened, closed in order, failed, and words of their servers that were dropped.
pub const STREAMS: [&str; 4] = ["opened", "closed", "failed", "words_dropped"];
/// What is counted of recognizers on live calls: begun, ended in order, failed, and blocks that came too early for them.
pub const RECOGNITIONS: [&str; 4] = ["begun", "ended", "failed", "blocks_lost"];
/// What is counted of recordings and the store that boxes share, in the order of [`Sharing`].
pub const SHARING: [&str; 4] = ["brought", "fetched", "removed", "failed"];
/// Labels of `tipring_beside_active`.
pub const BESIDE: [&str; 2] = ["stream", "recognition"];
/// Where credentials are shown.
pub const SURFACES: [&str; 1] = ["api"];

/// What becomes of a recording in the store that boxes share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// It was brought there.
    Brought,
    /// It was fetched from there, whole.
    Fetched,
    /// It was removed there.
    Removed,
    /// One of these was not possible.
    Failed,
}

impl Meters {
    /// A call is over, with this final record.
    pub fn call_ended(&self, call: &Call) {
        let result = match call.status {
            CallStatus::Completed => 0,
            CallStatus::Busy => 1,
            CallStatus::NoAnswer => 3,
            CallStatus::Canceled => 4,
            CallStatus::Failed | CallStatus::Queued | CallStatus::Ringing | CallStatus::InProgress => 2,
        };
        self.0.calls[direction(call.direction)][result].fetch_add(1, Relaxed);
        if let Some(answered) = call.answered {
            let began = call.started.unwrap_or(call.created);
            self.0.answer.note(&ANSWER_MS, u64::try_from(answered.0 - began.0).unwrap_or(0));
        }
    }

    /// A request to an application server has ended.
    pub fn requested(&self, answer: &HttpAnswer, took: Duration) {
        let outcome = match answer {
            HttpAnswer::Document { .. } => 0,
            HttpAnswer::Failed { exchange, code, .. } => match (code.0, exchange.status) {
                (11201 | 11203, _) => 2,
                (11200, Some(_)) => 1,
                (11202 | 11205 | 11206 | 11210 | 11220..=11239, _) => 3,
                _ => 4,
            },
        };
        self.0.outcomes[outcome].fetch_add(1, Relaxed);
        self.0.webhook.note(&WEBHOOK_MS, u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }

    /// Somebody asked the API with wrong credentials or none.
    pub fn credentials_refused(&self) {
        self.0.auth_failures[0].fetch_add(1, Relaxed);
    }

    /// A media stream is being opened.
    pub fn stream_opened(&self) {
        self.0.streams[0].fetch_add(1, Relaxed);
    }

    /// A media stream is over: in order, or not.
    pub fn stream_ended(&self, in_order: bool) {
        self.0.streams[if in_order { 1 } else { 2 }].fetch_add(1, Relaxed);
    }

    /// Sound or a mark of a stream's server was dropped.
    pub fn stream_word_dropped(&self) {
        self.0.streams[3].fetch_add(1, Relaxed);
    }

    /// A recognizer begins to hear a call.
    pub fn recognition_begun(&self) {
        self.0.recognitions[0].fetch_add(1, Relaxed);
    }

    /// It does not hear it any more: in order, or not.
    pub fn recognition_ended(&self, in_order: bool) {
        self.0.recognitions[if in_order { 1 } else { 2 }].fetch_add(1, Relaxed);
    }

    /// A block was lost: its recognizer is too far behind.
    pub fn recognition_block_lost(&self) {
        self.0.recognitions[3].fetch_add(1, Relaxed);
    }

    /// Something became of a recording in the store that boxes share, or did not.
    pub fn shared(&self, what: Sharing) {
        self.0.sharing[what as usize].fetch_add(1, Relaxed);
    }

    /// The configuration was read again: taken at this moment, or refused.
    pub fn config_reloaded(&self, taken: bool, unix_s: i64) {
        self.0.reload_ok.store(taken, Relaxed);
        if taken {
            self.0.reload_at_s.store(unix_s, Relaxed);
        }
    }

    /// The configuration was read again and taken; told in the log.
    pub fn config_taken(&self, file: &str) {
        self.config_reloaded(true, unix_now_s());
        tracing::info!(message_id = events::RELOADED.id, "{file}: taken");
    }

    /// The configuration was read again and refused, `why` with place and remedy; told in the log.
    pub fn config_refused(&self, why: &str) {
        self.config_reloaded(false, unix_now_s());
        tracing::error!(message_id = events::RELOAD_FAILED.id, "not reloaded, the old configuration goes on: {why}");
    }

    /// At the start the configuration was bad, and the last good one is used; told in the log.
    pub fn config_last_good(&self, why: &str) {
        self.0.reload_ok.store(false, Relaxed);
        tracing::error!(message_id = events::CONFIG_LAST_GOOD.id, "the last good configuration is used: {why}");
    }

    pub(super) fn calls(&self, direction: usize, result: usize) -> u64 {
        self.0.calls[direction][result].load(Relaxed)
    }

    pub(super) fn outcome(&self, outcome: usize) -> u64 {
        self.0.outcomes[outcome].load(Relaxed)
    }

    pub(super) fn auth_failures(&self, surface: usize) -> u64 {
        self.0.auth_failures[surface].load(Relaxed)
    }

    /// By [`STREAMS`].
    pub(super) fn streams(&self) -> [u64; STREAMS.len()] {
        std::array::from_fn(|at| self.0.streams[at].load(Relaxed))
    }

    /// By [`RECOGNITIONS`].
    pub(super) fn recognitions(&self) -> [u64; RECOGNITIONS.len()] {
        std::array::from_fn(|at| self.0.recognitions[at].load(Relaxed))
    }

    /// By [`SHARING`].
    pub(super) fn sharing(&self) -> [u64; SHARING.len()] {
        std::array::from_fn(|at| self.0.sharing[at].load(Relaxed))
    }

    /// One figure of [`STREAMS`] (`streams`) or [`RECOGNITIONS`] (`recognition`).
    #[cfg(test)]
    pub fn figure(&self, room: &str, name: &str) -> Option<u64> {
        let named = |names: [&str; 4], figures: [u64; 4]| names.iter().position(|it| *it == name).map(|at| figures[at]);
        match room {
            "streams" => named(STREAMS, self.streams()),
            _ => named(RECOGNITIONS, self.recognitions()),
        }
    }

    /// What runs beside calls at the moment, by [`BESIDE`].
    pub(super) fn beside(&self) -> [u64; BESIDE.len()] {
        // The ends are read first: whoever begins meanwhile is there, and nobody is there less than not at all.
        let running = |figures: &[AtomicU64; 4]| {
            let ended = figures[1].load(Relaxed) + figures[2].load(Relaxed);
            figures[0].load(Relaxed).saturating_sub(ended)
        };
        [running(&self.0.streams), running(&self.0.recognitions)]
    }

    pub(super) fn reload(&self) -> (bool, i64) {
        (self.0.reload_ok.load(Relaxed), self.0.reload_at_s.load(Relaxed))
    }

    /// Classes and sum in seconds.
    pub(super) fn answer(&self) -> (Vec<u64>, f64) {
        self.0.answer.read()
    }

    /// Classes and sum in seconds.
    pub(super) fn webhook(&self) -> (Vec<u64>, f64) {
        self.0.webhook.read()
    }
}

/// Which of [`DIRECTIONS`].
pub fn direction(direction: Direction) -> usize {
    match direction {
        Direction::Inbound => 0,
        Direction::OutboundApi | Direction::OutboundDial => 1,
    }
}

/// The host's date in whole seconds.
pub fn unix_now_s() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

struct Histogram<const N: usize> {
    classes: [AtomicU64; N],
    sum_us: AtomicU64,
}

impl<const N: usize> Default for Histogram<N> {
    fn default() -> Self {
        Histogram { classes: [const { AtomicU64::new(0) }; N], sum_us: AtomicU64::new(0) }
    }
}

impl<const N: usize> Histogram<N> {
    fn note(&self, bounds_ms: &[u64], us: u64) {
        let class = bounds_ms.iter().position(|bound| us <= bound * 1_000).unwrap_or(N - 1);
        self.classes[class].fetch_add(1, Relaxed);
        self.sum_us.fetch_add(us, Relaxed);
    }

    fn read(&self) -> (Vec<u64>, f64) {
        let classes = self.classes.iter().map(|class| class.load(Relaxed)).collect();
        (classes, self.sum_us.load(Relaxed) as f64 / 1e6)
    }
}

/// A call for tests.
#[cfg(test)]
pub fn a_call(direction: Direction, status: CallStatus, answered_ms: Option<i64>) -> Call {
    use tipring_resources::{Sid, SidKind, Stamp};
    Call {
        sid: Sid::new(SidKind::Call, 1),
        account: Sid::new(SidKind::Account, 1),
        parent: None,
        number: None,
        to: "+12025550100".into(),
        from: "+12025550199".into(),
        to_raw: String::new(),
        from_raw: String::new(),
        caller_name: None,
        forwarded_from: None,
        direction,
        status,
        created: Stamp(0),
        updated: Stamp(0),
        started: Some(Stamp(1_000_000)),
        answered: answered_ms.map(|ms| Stamp(1_000_000 + ms * 1_000)),
        ended: None,
        cause: None,
        line: "sim 1/7".into(),
        supervision: None,
        hangup_evidence: None,
        queued_ms: 0,
        answered_by: None,
        group: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use tipring_resources::{Code, Method};
    use tipring_router::Exchange;

    use super::*;

    #[test]
    fn calls_are_counted_by_direction_and_result_and_timed_to_their_answer() {
        let meters = Meters::default();
        meters.call_ended(&a_call(Direction::Inbound, CallStatus::Completed, Some(1_000)));
        meters.call_ended(&a_call(Direction::OutboundDial, CallStatus::NoAnswer, None));
        meters.call_ended(&a_call(Direction::OutboundApi, CallStatus::Completed, Some(61_000)));
        assert_eq!((meters.calls(0, 0), meters.calls(1, 3), meters.calls(1, 0)), (1, 1, 1));
        assert_eq!(meters.answer(), (vec![1, 0, 0, 0, 1], 62.0));
    }

    #[test]
    fn requests_are_counted_by_what_came_of_them() {
        let meters = Meters::default();
        let failed = |code, status| HttpAnswer::Failed {
            code: Code(code),
            text: String::new(),
            exchange: Exchange { method: Method::Get, status, ..Exchange::default() },
        };
        let all = [(11200, Some(500)), (11203, None), (11201, None), (11202, None), (11236, None), (11750, Some(200))];
        for (code, status) in all {
            meters.requested(&failed(code, status), Duration::from_millis(51));
        }
        assert_eq!([0, 1, 2, 3, 4].map(|outcome| meters.outcome(outcome)), [0, 1, 2, 2, 1]);
        assert_eq!(meters.webhook().0, [0, 6, 0, 0, 0]);
    }

    #[test]
    fn what_runs_beside_calls_is_what_began_and_has_not_ended() {
        let meters = Meters::default();
        (0..3).for_each(|_| meters.stream_opened());
        meters.stream_ended(true);
        meters.stream_ended(false);
        meters.stream_word_dropped();
        meters.recognition_begun();
        meters.recognition_begun();
        meters.recognition_ended(false);
        meters.recognition_block_lost();
        assert_eq!((meters.streams(), meters.recognitions()), ([3, 1, 1, 1], [2, 0, 1, 1]));
        assert_eq!(meters.beside(), [1, 1]);
    }

    #[test]
    fn a_refused_configuration_does_not_move_the_date_of_the_last_good_one() {
        let meters = Meters::default();
        assert!(meters.reload().0, "a service that runs has a configuration");
        meters.config_reloaded(true, 7);
        meters.config_reloaded(false, 9);
        assert_eq!(meters.reload(), (false, 7));
    }
}
