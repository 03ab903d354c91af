//! How good converted sound is: beside sox, after companding, above half the rate, and how loud.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use tipring_media::Engine;

use crate::decoders::{Bench, can_make};
use crate::judge::{band, difference_db, l16, power_db, wave_mono};
use crate::origin::Origin;
use crate::room::{Room, linear};
use crate::speaking::installed;

/// Linear samples that the layer makes of a WAVE, at 8 kHz, its level as it is.
async fn converted(wave: Vec<u8>) -> Vec<f64> {
    let room = Room::with(|it| it.level_db = 0.0).await;
    let origin = Origin::always("audio/wav", wave).await;
    l16(&room.raw(&origin.url("/a.wav"), &[("Accept", "audio/l16;rate=8000")]).await.1)
}

#[tokio::test]
async fn d4_a_converted_sound_is_what_sox_makes_of_it() {
    if !can_make() {
        return;
    }
    for rate_hz in [16_000, 22_050, 44_100, 48_000] {
        let wave = wave_mono(rate_hz, &band(rate_hz, 4.0));
        let mut sox = Command::new("sox");
        sox.args(["-D", "-t", "wav", "-", "-t", "raw", "-e", "signed", "-b", "16", "-B", "-"]);
        sox.args(["rate", "-v", "8000", "highpass", "120"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut sox = sox.spawn().unwrap();
        let mut stdin = sox.stdin.take().unwrap();
        let given = wave.clone();
        let feed = std::thread::spawn(move || stdin.write_all(&given).unwrap());
        let theirs = l16(&sox.wait_with_output().unwrap().stdout);
        feed.join().unwrap();
        let ours = converted(wave).await;
        let difference = difference_db(&ours, &theirs);
        println!("{rate_hz} Hz: {difference:.1} dB from sox");
        assert!(difference <= -50.0, "{rate_hz} Hz: {difference} dB");
    }
}

#[tokio::test]
async fn d6_companding_keeps_thirty_five_decibels() {
    let wave = wave_mono(44_100, &band(44_100, 4.0));
    let before = converted(wave.clone()).await;
    let room = Room::with(|it| it.level_db = 0.0).await;
    let origin = Origin::always("audio/wav", wave).await;
    let after: Vec<f64> = linear(&room.plays(&origin.url("/a.wav")).await.unwrap().octets)
        .iter()
        .map(|it| f64::from(*it) / 32_768.0)
        .collect();
    let difference = difference_db(&after, &before);
    assert!(difference <= -35.0, "{difference} dB");
}

#[tokio::test]
async fn d4_what_would_alias_is_sixty_decibels_down() {
    for (rate_hz, hz) in
        [(16_000, 4_700.0), (44_100, 4_700.0), (44_100, 7_000.0), (48_000, 9_300.0), (44_100, 15_500.0)]
    {
        let step = hz / f64::from(rate_hz) * std::f64::consts::TAU;
        let tone: Vec<f64> = (0..rate_hz * 2).map(|n| (f64::from(n) * step).sin() * 0.5).collect();
        let left = converted(wave_mono(rate_hz, &tone)).await;
        let down = power_db(&left[4_000..12_000]) - power_db(&tone);
        assert!(down <= -60.0, "{hz} Hz at {rate_hz}: {down} dB");
    }
}

/// Loudness of octets of linear sound at 8 kHz, in LUFS, as ffmpeg measures it (EBU R 128).
fn lufs(octets: &[u8]) -> f64 {
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-hide_banner", "-nostats", "-f", "s16be", "-ar", "8000", "-ac", "1", "-i", "-"]);
    ffmpeg.args(["-af", "ebur128", "-f", "null", "-"]);
    let mut ffmpeg = ffmpeg.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (mut stdin, given) = (ffmpeg.stdin.take().unwrap(), octets.to_vec());
    let feed = std::thread::spawn(move || stdin.write_all(&given).unwrap());
    let said = String::from_utf8_lossy(&ffmpeg.wait_with_output().unwrap().stderr).into_owned();
    feed.join().unwrap();
    let summary = said.rsplit("Integrated loudness:").next().unwrap();
    let figure = summary.split("I:").nth(1).and_then(|it| it.split_whitespace().next()).unwrap();
    figure.parse().unwrap()
}

#[tokio::test]
async fn d14_prompts_of_a_second_and_more_are_equally_loud_as_ffmpeg_measures_it() {
    if !can_make() || !installed(&Engine::espeak(), "espeak-ng") {
        return;
    }
    let bench = Bench::new("loud");
    let (spoken, music, made) = (bench.0.join("spoken.wav"), bench.0.join("music.wav"), bench.0.join("made.wav"));
    let words = "Welcome. Our office is open from nine to five. Please hold the line, or call again tomorrow.";
    assert!(Command::new("espeak-ng").args(["-w", spoken.to_str().unwrap(), words]).status().unwrap().success());
    let chord = ["synth", "3.5", "pluck", "C3", "pluck", "E3", "pluck", "G4", "remix", "-", "fade", "0", "3.5", "1"];
    let sox = Command::new("sox")
        .args(["-n", "-r", "44100", "-c", "1", "-b", "16"])
        .arg(&music)
        .args(chord)
        .status()
        .unwrap();
    assert!(sox.success());
    let effects = [
        "vol -12dB",
        "vol -8dB",
        "vol 2dB",
        "pad 1 1",
        "trim 0 1",
        "trim 0 1.2",
        "trim 0.6 1.1",
        "trim 0 1.6",
        "trim 1 2",
        "trim 0 2.5",
        "trim 0 3.5",
        "trim 2",
        "trim 0 1.4 fade l 1",
        "fade l 2",
        "treble 12",
        "bass 12",
        "pitch 400",
        "pitch -300 vol -6dB",
    ];
    for (n, effect) in effects.iter().flat_map(|effect| [(0, *effect), (1, *effect)]) {
        let original = if n == 0 { &spoken } else { &music };
        let stereo: &[&str] = if effect.len() % 2 == 0 { &["-r", "16000", "-c", "2"] } else { &[] };
        let sox = Command::new("sox").arg(original).args(stereo).arg(&made).args(effect.split(' ')).status().unwrap();
        assert!(sox.success());
        for level_db in [-22.0, -28.0] {
            let room = Room::with(|it| {
                it.level_db = level_db;
                // However busy the machine is.
                it.limits.gather = Duration::from_secs(10);
            })
            .await;
            let origin = Origin::always("audio/wav", std::fs::read(&made).unwrap()).await;
            let (_, octets) = room.raw(&origin.url("/a.wav"), &[("Accept", "audio/l16;rate=8000")]).await;
            let level = lufs(&octets);
            println!("{n} {effect}: {level:.1} LUFS for {level_db}");
            assert!((level - f64::from(level_db)).abs() <= 2.0, "{n} {effect}: {level} LUFS for {level_db}");
        }
    }
}

#[tokio::test]
async fn d14_what_engines_speak_is_as_loud() {
    if !can_make() {
        return;
    }
    for (name, engine, least) in [("espeak-ng", Engine::espeak(), 5), ("flite", Engine::flite(), 3)] {
        if !installed(&engine, name) {
            continue;
        }
        let room = Room::with(|it| it.engines = vec![engine.clone()]).await;
        let mut spoken = 0;
        for (voice, language, text) in [
            ("man", "en-US", "Please hold the line."),
            ("woman", "en-US", "Hello, and welcome to our office."),
            ("man", "en-US", "You are number three in the queue. Please wait for the next free line, or press one."),
            ("woman", "de-DE", "Bitte warten Sie einen Augenblick."),
            ("man", "fr-FR", "Un moment, s'il vous plait."),
        ] {
            // flite speaks English alone.
            let Ok(heard) = room.says(text, voice, language).await else { continue };
            spoken += 1;
            let linear: Vec<u8> = linear(&heard.octets).iter().flat_map(|it| it.to_be_bytes()).collect();
            let level = lufs(&linear);
            println!("{} {language} {voice}, {} ms: {level:.1} LUFS", name, heard.octets.len() / 8);
            assert!((level + 22.0).abs() <= 2.0, "{}: {text}: {level} LUFS", name);
        }
        assert_eq!(spoken, least, "{name}");
    }
}
