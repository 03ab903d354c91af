//! The media layer under load: thirty calls hear a prompt while eight conversions run without a pause. Counted are blocks
//! that were late and gaps in what callers heard; measured is how soon a kept sound and a new text begin beside all that.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tipring_card::Law;
use tipring_media::{MediaClient, MediaRequest, Source};

use super::application::{Answer, Answers};
use super::cost::fill_with;
use super::figures::{Goal, Row, Sorted, round};
use super::process;
use super::world::{Size, World, prompt};
use crate::daemon::serve::StartError;

/// Callers: a whole E1.
const CALLERS: usize = 30;
/// Conversions at the same time.
const CONVERSIONS: usize = 8;
/// How long late blocks are counted at least.
const COUNTED: Duration = Duration::from_secs(20);
/// Kept sounds that are asked for.
const KEPT: usize = 400;
/// New texts.
const TEXTS: usize = 60;
/// From the calls' begin to the first figure.
const SETTLE: Duration = Duration::from_secs(2);
/// Goals: a kept prompt and the first words of a text begin within these, ms.
const KEPT_MS: f64 = 150.0;
const TEXT_MS: f64 = 300.0;
/// Length of an original, and its rate.
const ORIGINAL_S: usize = 60;
const ORIGINAL_HZ: usize = 44_100;

fn failed(why: &dyn std::fmt::Display) -> StartError {
    StartError { exit: 1, text: format!("bench: the media layer: {why}") }
}

fn answers() -> Arc<Answers> {
    let heavy = original();
    Arc::new(move |path, _| match path.split('?').next() {
        Some("/heavy.wav") => Answer::sound(heavy.clone()),
        Some("/prompt.wav") => prompt(4_000),
        _ => Answer::document(
            "<Response><Gather timeout=\"3600\"><Play loop=\"0\">/prompt.wav</Play></Gather></Response>",
        ),
    })
}

/// A minute of stereo as music comes: 16 bits.
fn original() -> Vec<u8> {
    let samples = (0..ORIGINAL_S * ORIGINAL_HZ).flat_map(|n| {
        let at = n as f32 / ORIGINAL_HZ as f32 * std::f32::consts::TAU;
        let sample = ((at * 440.0).sin() * 9_000.0 + (at * 3_100.0).sin() * 3_000.0) as i16;
        [sample, sample / 2]
    });
    let data: Vec<u8> = samples.flat_map(i16::to_le_bytes).collect();
    let length = data.len() as u32;
    let mut wav = Vec::with_capacity(44 + data.len());
    wav.extend_from_slice(b"RIFF");
    wav.extend_from_slice(&(36 + length).to_le_bytes());
    wav.extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0\x02\0");
    wav.extend_from_slice(&(ORIGINAL_HZ as u32).to_le_bytes());
    wav.extend_from_slice(&(ORIGINAL_HZ as u32 * 4).to_le_bytes());
    wav.extend_from_slice(b"\x04\0\x10\0data");
    wav.extend_from_slice(&length.to_le_bytes());
    wav.extend_from_slice(&data);
    wav
}

/// The three rows.
pub(super) fn load() -> Result<Vec<Row>, StartError> {
    let world = World::start(Size { spans: 1, analog: 0 }, answers())?;
    world.number("200", "/stays")?;
    fill_with(&world, 0, CALLERS, &[])?;
    if !world.wait_for_calls(|calls| calls == CALLERS, Duration::from_secs(20)) {
        return Err(failed(&"not all calls are up"));
    }
    let client = MediaClient::new(world.media_socket());
    let base = format!("http://{}", world.app.address);
    let (stop, made) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    for worker in 0..CONVERSIONS {
        let (client, base, stop, made) = (client.clone(), base.clone(), stop.clone(), made.clone());
        world.runtime.spawn(async move {
            let mut turn = 0;
            while !stop.load(Ordering::Relaxed) {
                turn += 1;
                let url = format!("{base}/heavy.wav?{worker}-{turn}");
                let Ok(mut stream) = client.fetch(asked(Source::Url(url))).await else { continue };
                while let Some(Ok(_)) = stream.next().await {}
                made.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    std::thread::sleep(SETTLE);
    let gauges = world.service().gauges.clone().ok_or_else(|| failed(&"the box has no card"))?;
    let (audio, switch, loaded, begun) = (gauges.audio(), gauges.switch(), process::load(), Instant::now());
    let kept = world.runtime.block_on(waits(&client, KEPT, |_| Source::Url(format!("{base}/prompt.wav"))))?;
    let spoken = world.runtime.block_on(waits(&client, TEXTS, text))?;
    std::thread::sleep(COUNTED.saturating_sub(begun.elapsed()));
    let (audio_after, switch_after, lasted) = (gauges.audio(), gauges.switch(), begun.elapsed());
    stop.store(true, Ordering::Relaxed);
    let still = world.runtime.block_on(world.service().live.live_calls());
    let (late, gaps) = (audio_after.late_blocks - audio.late_blocks, switch_after.starved - switch.starved);
    let row = Row::new("media.load", (late + gaps) as f64, "late blocks and under-runs", Goal::AtMost(0.0))
        .note("late_blocks", late)
        .note("underruns", gaps)
        .note("late_ticks", audio_after.late_ticks - audio.late_ticks)
        .note("lost_blocks", audio_after.lost_blocks - audio.lost_blocks)
        .note("calls_still_up", still)
        .note("conversions", made.load(Ordering::Relaxed))
        .note("seconds", round(lasted.as_secs_f64()))
        .note("load", loaded);
    world.stop();
    Ok(vec![row, wait("media.wait", &kept, KEPT_MS), wait("media.wait.speech", &spoken, TEXT_MS)])
}

fn wait(name: &'static str, waits: &Sorted, goal_ms: f64) -> Row {
    Row::new(name, waits.at(0.99), "ms p99", Goal::AtMost(goal_ms))
        .note("p50", round(waits.at(0.5)))
        .note("worst", round(waits.at(1.0)))
        .note("samples", waits.count())
}

fn asked(source: Source) -> MediaRequest {
    MediaRequest { account: "AC1".into(), source, law: Law::A }
}

fn text(number: usize) -> Source {
    let text = format!("You are number {number} in the queue. Please wait for the next free line.");
    Source::Speech { text, voice: "man".into(), language: "en-US".into(), markup: None }
}

/// From each request to its first octets, one after another; the first one is not counted.
async fn waits(client: &MediaClient, count: usize, source: impl Fn(usize) -> Source) -> Result<Sorted, StartError> {
    let mut waits = Vec::with_capacity(count);
    for number in 0..=count {
        let begun = Instant::now();
        let mut stream = client.fetch(asked(source(number))).await.map_err(|fault| failed(&fault))?;
        match stream.next().await {
            Some(Ok(_)) => waits.push(begun.elapsed().as_secs_f64() * 1e3),
            Some(Err(fault)) => return Err(failed(&fault)),
            None => return Err(failed(&"a sound is empty")),
        }
        while let Some(Ok(_)) = stream.next().await {}
    }
    waits.remove(0);
    Ok(Sorted::new(waits))
}
