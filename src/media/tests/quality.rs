//! How good converted sound is: beside sox, after companding, above half the rate, and how loud.

use std::io::Write as _;
use std::process::{Command, Stdio};

use tipring_media::Engine;

use crate::decoders::{Bench, can_make};
use crate::judge::{active_db, band, difference_db, l16, power_db, wave_mono};
use crate::origin::Origin;
use crate::room::{Room, linear};

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

#[tokio::test]
async fn d14_prompts_come_out_equally_loud() {
    if !can_make() || !Engine::espeak().installed() {
        return;
    }
    let bench = Bench::new("loud");
    let spoken = bench.0.join("spoken.wav");
    let words = "Welcome. Our office is open from nine to five. Please hold the line, or call again tomorrow.";
    assert!(Command::new("espeak-ng").args(["-w", spoken.to_str().unwrap(), words]).status().unwrap().success());
    for (n, effect) in
        [vec!["vol", "-16dB"], vec!["vol", "-8dB"], vec!["vol", "2dB"], vec!["pad", "1", "1"], vec!["trim", "0", "2.5"]]
            .iter()
            .enumerate()
    {
        let made = bench.0.join("made.wav");
        let rate: &[&str] = if n % 2 == 0 { &["-r", "44100", "-c", "2"] } else { &[] };
        let sox = Command::new("sox").arg(&spoken).args(rate).arg(&made).args(effect).status().unwrap();
        assert!(sox.success());
        for level_db in [-22.0, -28.0] {
            let room = Room::with(|it| it.level_db = level_db).await;
            let origin = Origin::always("audio/wav", std::fs::read(&made).unwrap()).await;
            let (_, octets) = room.raw(&origin.url("/a.wav"), &[("Accept", "audio/l16;rate=8000")]).await;
            let level = active_db(&l16(&octets));
            println!("{effect:?}: {level:.1} dBov for {level_db}");
            assert!((level - f64::from(level_db)).abs() <= 2.0, "{effect:?}: {level} dBov for {level_db}");
        }
    }
}
