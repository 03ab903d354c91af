//! How long a caller waits for us: from a SETUP that has come to the request that it brings, and from a document that has
//! come to the first block of its prompt in the switch's queue. Both moments of each are taken on one clock in this
//! process; the network between the service and the application is loopback.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tipring_sim::{Side, Step};

use super::application::{Answer, Answers};
use super::figures::{Goal, Row, Sorted};
use super::process::load;
use super::world::{Size, World, prompt};
use crate::daemon::serve::StartError;

/// Calls of `call.request`, one every [`CALL_EVERY`]: ten a second keep about ten up.
const CALLS: usize = 400;
const CALL_EVERY: Duration = Duration::from_millis(100);
/// Calls at the beginning that are not counted.
const WARM_UP: usize = 20;
/// Documents of `call.audio`.
const DOCUMENTS: usize = 400;
/// A bench that takes longer has hung.
const LIMIT: Duration = Duration::from_secs(180);
/// Callers' numbers begin so; five digits follow.
const CALLERS: &[u8] = b"20255";
const CALLER_DIGITS: usize = 10;
/// The event that the conductor gives when the first sound of a playing is in the switch's queue.
const FIRST_SOUND: &str = "tipring::first_sound";
/// The event that the media layer was asked for it.
const ASKED: &str = "tipring::first_sound::asked";

/// SETUP that has come to the first octets of the request at the application.
pub(super) fn request() -> Result<Row, StartError> {
    let answers: Arc<Answers> = Arc::new(|path, _| match path {
        "/prompt.wav" => prompt(500),
        _ => Answer::document("<Response><Play>/prompt.wav</Play><Hangup/></Response>"),
    });
    let world = World::start(Size { spans: 1, analog: 0 }, answers)?;
    world.number("100", "/call")?;
    let setups: Arc<Mutex<HashMap<String, Instant>>> = Arc::default();
    let seen = setups.clone();
    world.wire.watch_frames(move |to, frame| {
        let now = Instant::now();
        if to == Side::Near
            && is_setup(frame)
            && let Some(from) = caller(frame)
            && let Ok(mut seen) = seen.lock()
        {
            seen.entry(from).or_insert(now);
        }
    });
    let (loaded, begun) = (load(), Instant::now());
    for number in 0..CALLS + WARM_UP {
        let steps = vec![Step::AwaitAnswer { limit_ms: 5_000 }, Step::AwaitHangup { limit_ms: 5_000 }];
        world.ring(&number.to_string(), &format!("20255{number:05}"), "100", steps)?;
        let next = CALL_EVERY * u32::try_from(number + 1).unwrap_or(u32::MAX);
        std::thread::sleep(next.saturating_sub(begun.elapsed()));
        world.take_finished();
    }
    world.wait_for_calls(|calls| calls == 0, Duration::from_secs(10));
    let setups = setups.lock().map(|setups| setups.clone()).unwrap_or_default();
    let waits = world.app.take_visits().into_iter().filter_map(|visit| {
        let from = visit.form.split('&').find_map(|pair| pair.strip_prefix("From="))?;
        let digits: String = from.chars().filter(char::is_ascii_digit).collect();
        let tail = digits.get(digits.len().checked_sub(CALLER_DIGITS)?..)?;
        let counted = tail.get(5..)?.parse::<usize>().ok()? >= WARM_UP;
        let wait = visit.came.saturating_duration_since(*setups.get(tail)?);
        counted.then_some(wait.as_secs_f64() * 1e3)
    });
    let waits = Sorted::new(waits.collect());
    world.stop();
    Ok(of(&waits, "call.request", Goal::AtMost(1.0), loaded))
}

/// A row of waits: its figure is the median.
pub(super) fn of(waits: &Sorted, name: &'static str, goal: Goal, loaded: f64) -> Row {
    let round = super::figures::round;
    Row::new(name, waits.at(0.5), "ms p50", goal)
        .note("p90", round(waits.at(0.9)))
        .note("p99", round(waits.at(0.99)))
        .note("worst", round(waits.at(1.0)))
        .note("samples", waits.count())
        .note("load", loaded)
}

/// The ninety-ninth percentile of the same waits as a row of its own.
pub(super) fn p99(row: &Row, name: &'static str, goal: f64) -> Row {
    let measured = row.notes.get("p99").and_then(serde_json::Value::as_f64).unwrap_or(f64::MAX);
    Row::new(name, measured, "ms p99", Goal::AtMost(goal))
}

/// An information frame with a SETUP in it: Q.921 address and control, then Q.931.
fn is_setup(frame: &[u8]) -> bool {
    frame.len() > 9 && frame[4] == 0x08 && frame.get(6 + usize::from(frame[5])) == Some(&0x05)
}

fn caller(frame: &[u8]) -> Option<String> {
    let at = frame.windows(CALLERS.len()).position(|octets| octets == CALLERS)?;
    let digits = frame.get(at..at + CALLER_DIGITS)?;
    String::from_utf8(digits.to_vec()).ok()
}

/// A document that is about to be written by the application to the first block of its prompt, which is in the cache, in
/// the switch's queue.
pub(super) fn audio(sounds: &FirstSounds) -> Result<Row, StartError> {
    let answers: Arc<Answers> = Arc::new(|path, _| match path {
        "/prompt.wav" => prompt(100),
        _ => Answer::document("<Response><Play>/prompt.wav</Play><Redirect>/again</Redirect></Response>"),
    });
    let world = World::start(Size { spans: 1, analog: 0 }, answers)?;
    world.number("100", "/call")?;
    let loaded = load();
    let steps = || vec![Step::AwaitAnswer { limit_ms: 5_000 }, Step::AwaitHangup { limit_ms: 600_000 }];
    world.ring("one", "2025500001", "100", steps())?;
    let begun = Instant::now();
    while sounds.count() < DOCUMENTS + WARM_UP && begun.elapsed() < LIMIT {
        std::thread::sleep(Duration::from_millis(100));
        // Documents in a row that do little end a call for good: a fresh one goes on.
        if world.under_way() == 0 {
            world.take_finished();
            world.ring("one", "2025500001", "100", steps())?;
        }
    }
    let visits = world.app.take_visits();
    let documents = visits.iter().filter(|visit| visit.path != "/prompt.wav");
    let mut documents: Vec<(Instant, bool)> = documents.map(|visit| (visit.answered, visit.path == "/again")).collect();
    documents.sort();
    let waits = sounds.take().into_iter().skip(WARM_UP).filter_map(|sound| {
        // One call: the last document before a sound is the one that asked for it. Between a call's first and its sound
        // lies the answer, which is the line's time: it is left out.
        let before = documents.partition_point(|(answered, _)| *answered <= sound);
        let (answered, counts) = *documents.get(before.checked_sub(1)?)?;
        counts.then_some((sound - answered).as_secs_f64() * 1e3)
    });
    let waits = Sorted::new(waits.collect());
    world.stop();
    Ok(of(&waits, "call.audio", Goal::AtMost(2.0), loaded))
}

/// The moments of first sounds, and how long each was waited for, as a layer of the log.
#[derive(Clone, Default)]
pub struct FirstSounds(Arc<Mutex<Moments>>);

#[derive(Default)]
struct Moments {
    /// When the media layer was asked for a playing that has no sound yet.
    asked: HashMap<u64, Instant>,
    /// First sounds.
    came: Vec<Instant>,
    /// From the asking to the first sound.
    waits: Vec<Duration>,
}

impl FirstSounds {
    /// Makes it the log of this process, with nothing else in it.
    pub fn watch(self) {
        use tracing_subscriber::layer::SubscriberExt as _;
        use tracing_subscriber::util::SubscriberInitExt as _;
        let filter = tracing_subscriber::EnvFilter::new(format!("{FIRST_SOUND}=trace"));
        // A second start in one process (a test) keeps the first one's log.
        let _ = tracing_subscriber::registry().with(filter).with(self).try_init();
    }

    pub(super) fn count(&self) -> usize {
        self.0.lock().map_or(0, |moments| moments.came.len())
    }

    pub(super) fn take(&self) -> Vec<Instant> {
        self.0.lock().map(|mut moments| std::mem::take(&mut moments.came)).unwrap_or_default()
    }

    /// Milliseconds from each asking of the media layer to the first sound in the switch's queue, since the last time.
    pub(super) fn take_waits(&self) -> Vec<f64> {
        let waits = self.0.lock().map(|mut moments| std::mem::take(&mut moments.waits)).unwrap_or_default();
        waits.into_iter().map(|wait| wait.as_secs_f64() * 1e3).collect()
    }
}

impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for FirstSounds {
    fn on_event(&self, event: &tracing::Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
        let now = Instant::now();
        let target = event.metadata().target();
        if target != FIRST_SOUND && target != ASKED {
            return;
        }
        let mut play = Play(0);
        event.record(&mut play);
        let Ok(mut moments) = self.0.lock() else { return };
        if target == ASKED {
            moments.asked.insert(play.0, now);
            return;
        }
        moments.came.push(now);
        if let Some(asked) = moments.asked.remove(&play.0) {
            moments.waits.push(now - asked);
        }
    }
}

/// The playing that an event is of.
struct Play(u64);

impl tracing::field::Visit for Play {
    fn record_u64(&mut self, _: &tracing::field::Field, value: u64) {
        self.0 = value;
    }

    fn record_debug(&mut self, _: &tracing::field::Field, _: &dyn std::fmt::Debug) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setup_is_told_from_other_frames_and_its_caller_is_read() {
        let mut frame = vec![0, 1, 2, 4, 0x08, 2, 0x00, 0x07, 0x05, 0x6C, 12, 0x00, 0x81];
        frame.extend_from_slice(b"2025500042\x70\x04\x80100");
        assert!(is_setup(&frame));
        assert_eq!(caller(&frame).as_deref(), Some("2025500042"));
        frame[8] = 0x5A;
        assert!(!is_setup(&frame), "a RELEASE COMPLETE");
        assert!(!is_setup(&[0, 1, 2, 4]), "a frame of the link");
    }
}
