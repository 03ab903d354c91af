//! How soon a caller hears a sound: one that is kept, beside 240 calls; and one of ten minutes that comes as slowly as it
//! is played.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tipring_sim::Step;

use super::application::{Answer, Answers};
use super::cost::fill_with;
use super::figures::{Goal, Row, Sorted, round};
use super::process::load;
use super::waits::{FirstSounds, of, p99};
use super::world::{Size, World, prompt};
use crate::daemon::serve::StartError;

/// Callers: eight E1 spans.
const UP: usize = 240;
/// Hits that are measured.
const HITS: usize = 4_000;
/// A bench that takes longer has hung.
const LIMIT: Duration = Duration::from_secs(120);
/// Calls that hear the long sound, one after another, each another copy of it.
const LONG: usize = 5;
/// The long sound's length, and what it and its way carry in a second.
const LONG_S: u32 = 600;
const LONG_BITS: usize = 128_000;
/// A call that has heard nothing by then hears nothing; and how long gaps are counted.
const LISTENS: Duration = Duration::from_secs(10);

fn failed(why: &str) -> StartError {
    StartError { exit: 1, text: format!("bench: prompts: {why}") }
}

/// The media layer is asked for a sound that is kept to its first block in the port's queue, beside 240 calls that hear it
/// too, each one of two seconds again and again.
pub(super) fn first(sounds: &FirstSounds) -> Result<Vec<Row>, StartError> {
    let answers: Arc<Answers> = Arc::new(|path, _| match path {
        "/prompt.wav" => prompt(2_000),
        _ => Answer::document("<Response><Play loop=\"0\">/prompt.wav</Play></Response>"),
    });
    let world = World::start(Size { spans: 8, analog: 0 }, answers)?;
    world.number("200", "/stays")?;
    fill_with(&world, 0, UP, &[])?;
    let loaded = load();
    sounds.take_waits();
    let (mut waits, begun) = (Vec::new(), Instant::now());
    while waits.len() < HITS && begun.elapsed() < LIMIT {
        std::thread::sleep(Duration::from_millis(200));
        waits.extend(sounds.take_waits());
    }
    let up = world.runtime.block_on(world.service().live.live_calls());
    let fetched = world.app.take_visits().iter().filter(|visit| visit.path == "/prompt.wav").count();
    world.stop();
    if fetched != 1 || waits.len() < HITS {
        return Err(failed(&format!("the prompt was fetched {fetched} times, {} began", waits.len())));
    }
    let row = of(&Sorted::new(waits), "media.first", Goal::AtMost(1.0), loaded).note("calls", up);
    let worst = p99(&row, "media.first.p99", 5.0);
    Ok(vec![row, worst])
}

/// The media layer is asked for an MP3 of ten minutes, whose origin sends it at 128 kbit/s, to its first block in the port's
/// queue; then gaps are counted for ten seconds.
pub(super) fn slow(sounds: &FirstSounds) -> Result<Row, StartError> {
    let long = long()?;
    let (calls, copies) = (AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)));
    let fetched = copies.clone();
    let answers: Arc<Answers> = Arc::new(move |path, _| {
        if path.starts_with("/long.mp3") {
            fetched.fetch_add(1, Ordering::Relaxed);
            return Answer::slow_sound("audio/mpeg", long.clone(), LONG_BITS / 8);
        }
        let call = calls.fetch_add(1, Ordering::Relaxed);
        Answer::document(format!("<Response><Play>/long.mp3?{call}</Play></Response>"))
    });
    let world = World::start(Size { spans: 1, analog: 0 }, answers)?;
    world.number("200", "/call")?;
    let (loaded, mut waits) = (load(), Vec::new());
    let gauges = world.service().gauges.clone().ok_or_else(|| failed("the box has no card"))?;
    for number in 0..LONG {
        let steps = vec![Step::AwaitAnswer { limit_ms: 5_000 }, Step::Wait { ms: 60_000 }];
        world.ring(&number.to_string(), &format!("20255{number:05}"), "200", steps)?;
        let begun = Instant::now();
        while waits.len() <= number && begun.elapsed() < LISTENS {
            std::thread::sleep(Duration::from_millis(20));
            waits.extend(sounds.take_waits());
        }
    }
    let before = gauges.switch().starved;
    std::thread::sleep(LISTENS);
    let gaps = gauges.switch().starved - before;
    world.stop();
    let copies = copies.load(Ordering::Relaxed);
    if (waits.len(), copies) != (LONG, LONG) {
        return Err(failed(&format!("{} of {LONG} began, {copies} were fetched", waits.len())));
    }
    let waits = Sorted::new(waits);
    Ok(Row::new("media.slow", waits.at(1.0), "ms, the longest", Goal::AtMost(2_000.0))
        .note("p50", round(waits.at(0.5)))
        .note("samples", waits.count())
        .note("gaps", gaps)
        .note("load", loaded))
}

/// Ten minutes of a tone that moves, as an MP3.
fn long() -> Result<Vec<u8>, StartError> {
    let source = format!("aevalsrc=0.2*sin(2*PI*(300+100*sin(t))*t):s=44100:d={LONG_S}");
    let made = Command::new("ffmpeg")
        .args(["-nostdin", "-loglevel", "error", "-f", "lavfi", "-i", &source, "-c:a", "libmp3lame"])
        .args(["-b:a", &LONG_BITS.to_string(), "-f", "mp3", "-"])
        .stdin(Stdio::null())
        .output();
    match made {
        Ok(made) if made.status.success() => Ok(made.stdout),
        Ok(made) => Err(failed(&format!("ffmpeg made no MP3: {}", String::from_utf8_lossy(&made.stderr)))),
        Err(error) => Err(failed(&format!("ffmpeg makes the MP3 and cannot be run ({error}); install it"))),
    }
}
