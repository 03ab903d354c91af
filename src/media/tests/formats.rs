//! What goes in and what comes out: forms of originals, conversion, types.

use tipring_card::Law;
use tipring_media::Source;

use crate::origin::{Origin, Reply};
use crate::room::{Room, fixture, linear, purity_db, wave, wave_of};

#[track_caller]
fn is_tone(octets: &[u8], at_least: usize, what: &str) {
    assert!(octets.len() >= at_least, "{what}: {} octets", octets.len());
    let samples = linear(octets);
    // Codecs and the level's first moments aside.
    let middle = &samples[samples.len() / 4..samples.len() * 3 / 4];
    let purity = purity_db(middle, 1_000.0);
    assert!(purity > -0.1, "{what}: {purity} dB");
}

#[tokio::test]
async fn d4_a_stereo_mp3_at_44_khz_is_heard_clean_and_stored_at_8_khz_mono() {
    let origin = Origin::always("audio/mpeg", fixture("tone.mp3")).await;
    let room = Room::with(|it| it.seal_key = None).await;
    let heard = room.plays(&origin.url("/menu.mp3")).await.unwrap();
    is_tone(&heard.octets, 11_900, "mp3");
    assert_eq!(std::fs::read(&room.bodies()[0]).unwrap(), heard.octets);
    assert!((11_900..12_700).contains(&heard.octets.len()), "1.5 s: {}", heard.octets.len());
}

#[tokio::test]
async fn d5_the_original_url_answers_telephone_audio_not_the_mp3() {
    let mp3 = fixture("tone.mp3");
    let origin = Origin::always("audio/mpeg", mp3.clone()).await;
    let room = Room::open().await;
    let (head, body) = room.raw(&origin.url("/menu.mp3"), &[("Accept", "audio/x-alaw;rate=8000")]).await;
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert!(head.contains("content-type: audio/x-alaw;rate=8000"), "{head}");
    assert!(head.contains("x-original-type: audio/mpeg") && head.contains("x-cache: miss"), "{head}");
    assert_ne!(body, mp3);
    is_tone(&body, 11_900, "raw");
}

#[tokio::test]
async fn d6_a_law_and_mu_law_are_two_entries_of_one_sound() {
    let origin = Origin::always("audio/wav", wave(16_000, 1, 1_000.0, 1.0)).await;
    let room = Room::open().await;
    let source = || Source::Url(origin.url("/a.wav"));
    let a = room.hears("AC1", source(), Law::A).await.unwrap();
    let mu = room.hears("AC1", source(), Law::Mu).await.unwrap();
    assert_eq!((a.octets.len(), mu.octets.len()), (8_000, 8_000));
    assert_ne!(a.octets, mu.octets);
    assert_eq!(room.handle.entries(None, "").len(), 2);
    let worst = a.octets.iter().zip(&mu.octets).map(|(&a, &mu)| {
        let (a, mu) = (tipring_dsp::alaw_decode(a), tipring_dsp::ulaw_decode(mu));
        (i32::from(a) - i32::from(mu)).abs() - i32::from(a).abs() / 16
    });
    assert!(worst.max().unwrap() < 80, "the laws disagree");
}

#[tokio::test]
async fn d14_the_need_for_conversion_is_seen_in_the_data() {
    let origin = Origin::always("application/octet-stream", fixture("tone.mp3")).await;
    let room = Room::open().await;
    is_tone(&room.plays(&origin.url("/x")).await.unwrap().octets, 11_900, "octet-stream");
    let origin = Origin::always("audio/mpeg", b"<!DOCTYPE html><html><body>Sign in</body></html>".to_vec()).await;
    let fault = room.plays(&origin.url("/y.mp3")).await.unwrap_err();
    assert_eq!(fault.code, 13420);
    assert!(fault.text.contains("web page"), "{fault}");
    assert_eq!(room.handle.entries(None, "").len(), 1);
}

#[tokio::test]
async fn d14_ready_g711_passes_byte_for_byte() {
    let ready: Vec<u8> = (0..4_000_u32).map(|it| (it * 7 % 256) as u8).collect();
    let mut in_wave = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x06\0\x01\0\x40\x1f\0\0\x40\x1f\0\0\x01\0\x08\0data".to_vec();
    in_wave.extend_from_slice(&4_000_u32.to_le_bytes());
    in_wave.extend_from_slice(&ready);
    in_wave.extend_from_slice(b"LIST\x04\0\0\0junk");
    let room = Room::open().await;
    for (mime, data) in [("audio/x-alaw", ready.clone()), ("audio/wav", in_wave)] {
        let origin = Origin::always(mime, data).await;
        assert_eq!(room.plays(&origin.url("/a")).await.unwrap().octets, ready, "{mime}");
    }
    let mut au = b".snd\0\0\0\x1c\0\0\x0f\xa0\0\0\0\x01\0\0\x1f\x40\0\0\0\x01menu".to_vec();
    au.extend_from_slice(&ready);
    for data in [ready.clone(), au] {
        let origin = Origin::always("audio/basic", data).await;
        let heard = room.hears("AC1", Source::Url(origin.url("/b")), Law::Mu).await.unwrap();
        assert_eq!(heard.octets, ready);
    }
    let counters = room.handle.counters();
    assert_eq!((counters.conversions, counters.passed), (0, 4));
}

#[tokio::test]
async fn d14_the_other_law_is_translated_octet_by_octet() {
    let ready: Vec<u8> = (0..=255).collect();
    let origin = Origin::always("audio/basic", ready.clone()).await;
    let room = Room::open().await;
    let heard = room.plays(&origin.url("/a")).await.unwrap();
    let expected: Vec<u8> = ready.iter().map(|&it| tipring_dsp::mu_to_a(it)).collect();
    assert_eq!(heard.octets, expected);
}

#[tokio::test]
async fn d15_the_type_names_the_form_that_is_sent() {
    let origin = Origin::always("audio/wav", wave(8_000, 1, 1_000.0, 0.5)).await;
    let room = Room::open().await;
    for wanted in ["audio/x-alaw;rate=8000", "audio/basic", "audio/x-mulaw;rate=8000", "audio/l16;rate=16000"] {
        for _ in 0..2 {
            let (head, _) = room.raw(&origin.url("/a.wav"), &[("Accept", wanted)]).await;
            assert!(head.contains(&format!("content-type: {wanted}\r\n")), "{wanted}: {head}");
            assert!(head.contains("x-original-type: audio/"), "{head}");
        }
    }
}

#[tokio::test]
async fn d16_the_target_comes_from_the_header_or_from_the_table() {
    let origin = Origin::always("audio/wav", wave(44_100, 2, 1_000.0, 1.0)).await;
    let room = Room::open().await;
    let (_, wide) = room.raw(&origin.url("/a.wav"), &[("Accept", "audio/l16;rate=16000")]).await;
    assert_eq!(wide.len(), 32_000);
    let (head, default) = room.raw(&origin.url("/a.wav"), &[("Accept", "audio/*")]).await;
    assert!(head.contains("audio/x-alaw"), "{head}");
    assert_eq!(default.len(), 8_000);
    let other = Room::with(|it| it.default_preset = tipring_media::Preset::parse("audio/l16;rate=8000").unwrap()).await;
    let (head, default) = other.raw(&origin.url("/a.wav"), &[("Accept", "audio/*")]).await;
    assert!(head.contains("audio/l16;rate=8000"), "{head}");
    assert_eq!(default.len(), 16_000);
    let wide = ("wide".to_owned(), tipring_media::Preset::parse("audio/l16;rate=16000").unwrap());
    let named = Room::with(|it| it.presets = vec![wide]).await;
    for accept in ["audio/*;preset=wide", "audio/*; preset=\"Wide\"", "audio/*;q=1;preset=wide, */*"] {
        let (head, body) = named.raw(&origin.url("/a.wav"), &[("Accept", accept)]).await;
        assert!(head.contains("audio/l16;rate=16000"), "{accept}: {head}");
        assert_eq!(body.len(), 32_000);
    }
    let (head, body) = named.raw(&origin.url("/a.wav"), &[("Accept", "audio/*;preset=none")]).await;
    assert!(head.starts_with("http/1.1 502") && String::from_utf8_lossy(&body).contains("no preset none"), "{head}");
}

#[tokio::test]
async fn d14_the_level_of_what_is_converted_is_a_setting() {
    let origin = Origin::always("audio/wav", wave(16_000, 1, 1_000.0, 2.0)).await;
    let mut levels = Vec::new();
    for level_db in [-22.0, -30.0] {
        let room = Room::with(|it| it.level_db = level_db).await;
        let samples = linear(&room.plays(&origin.url("/a.wav")).await.unwrap().octets);
        let power = samples.iter().map(|it| f64::from(*it).powi(2)).sum::<f64>() / samples.len() as f64;
        levels.push(10.0 * (power / 32_768_f64.powi(2)).log10());
    }
    assert!((levels[0] + 22.0).abs() < 1.0 && (levels[1] + 30.0).abs() < 1.0, "{levels:?}");
}

#[tokio::test]
async fn d17_every_supported_form_is_recognisable() {
    let int = hound::SampleFormat::Int;
    let spec = |bits, format| hound::WavSpec {
        channels: 2,
        sample_rate: 22_050,
        bits_per_sample: bits,
        sample_format: format,
    };
    let scaled = |bits: u32| move |it: f64| (it * f64::from(1_u32 << (bits - 1))) as i32;
    let cases: Vec<(&str, Vec<u8>, usize)> = vec![
        ("audio/mpeg", fixture("tone.mp3"), 11_900),
        ("audio/mpeg", fixture("tone.mp2"), 11_900),
        ("audio/ogg", fixture("tone.ogg"), 11_000),
        ("audio/flac", fixture("tone.flac"), 2_400),
        ("audio/aiff", fixture("tone.aiff"), 3_200),
        ("audio/wav", fixture("tone-adpcm.wav"), 7_900),
        ("audio/wav", wave_of(spec(8, int), 1_000.0, 0.5, scaled(8)), 4_000),
        ("audio/x-wav", wave(22_050, 2, 1_000.0, 0.5), 4_000),
        ("audio/wav", wave_of(spec(24, int), 1_000.0, 0.5, scaled(24)), 4_000),
        ("audio/wav", wave_of(spec(32, int), 1_000.0, 0.5, scaled(32)), 4_000),
        ("audio/wav", wave_of(spec(32, hound::SampleFormat::Float), 1_000.0, 0.5, scaled(16)), 4_000),
    ];
    let room = Room::open().await;
    for (n, (mime, data, at_least)) in cases.into_iter().enumerate() {
        let origin = Origin::always(mime, data).await;
        let heard = room.plays(&origin.url("/a")).await.unwrap_or_else(|fault| panic!("case {n} {mime}: {fault}"));
        is_tone(&heard.octets, at_least, &format!("case {n} {mime}"));
    }
}

#[tokio::test]
async fn d17_layer_2_of_every_bit_rate_and_number_of_channels_is_heard() {
    if !crate::decoders::can_make() {
        return;
    }
    let room = Room::open().await;
    for (rate_hz, channels, kbps) in [
        (44_100, 1, 64),
        (44_100, 1, 192),
        (44_100, 1, 224),
        (48_000, 1, 384),
        (44_100, 2, 48),
        (44_100, 2, 64),
        (32_000, 2, 80),
        (44_100, 2, 384),
        (22_050, 1, 160),
        (24_000, 2, 32),
        (24_000, 2, 80),
        (16_000, 2, 96),
    ] {
        let case = format!("{rate_hz} Hz, {channels} channels, {kbps} kbit/s");
        let made = std::process::Command::new("ffmpeg")
            .args(["-nostdin", "-loglevel", "error", "-f", "lavfi", "-i", "sine=f=1000:d=1.5"])
            .args([
                "-ar",
                &rate_hz.to_string(),
                "-ac",
                &channels.to_string(),
                "-b:a",
                &format!("{kbps}k"),
                "-f",
                "mp2",
                "-",
            ])
            .output()
            .unwrap();
        assert!(made.status.success(), "{case}");
        let origin = Origin::always("audio/mpeg", made.stdout).await;
        let heard = room.plays(&origin.url("/a.mp2")).await.unwrap_or_else(|fault| panic!("{case}: {fault}"));
        is_tone(&heard.octets, 11_500, &case);
    }
}

#[tokio::test]
async fn d17_an_unsupported_or_damaged_file_is_an_error_not_noise() {
    let room = Room::open().await;
    let mut header_only = fixture("tone.ogg");
    header_only.truncate(100);
    let cases = [
        fixture("tone.m4a")[..20_000.min(fixture("tone.m4a").len() / 2)].to_vec(),
        vec![0xFF; 5_000],
        b"RIFF\x10\0\0\0WAVEfmt \xff\xff\xff\xff".to_vec(),
        header_only,
        Vec::new(),
    ];
    for (n, data) in cases.into_iter().enumerate() {
        let origin = Origin::always("audio/mpeg", data).await;
        assert_eq!(room.plays(&origin.url("/a")).await.unwrap_err().code, 13420, "case {n}");
    }
    assert!(room.files().is_empty(), "{:?}", room.files());
}

/// `MEDIA_MUTANTS=3000` makes it a longer search.
#[tokio::test]
async fn any_octets_end_in_an_answer() {
    let rounds: usize = std::env::var("MEDIA_MUTANTS").ok().and_then(|it| it.parse().ok()).unwrap_or(140);
    let mut seeds: Vec<Vec<u8>> =
        ["tone.mp3", "tone.mp2", "tone.ogg", "tone.flac", "tone.aiff", "tone-adpcm.wav"].map(fixture).into();
    seeds.push(wave(8_000, 1, 1_000.0, 0.3));
    let mut state = 7_u32;
    let mut next = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state >> 8
    };
    let mutants: Vec<Vec<u8>> = (0..rounds)
        .map(|round| {
            let mut data = seeds[round % seeds.len()].clone();
            for _ in 0..1 + round % 40 {
                let near = if round % 2 == 0 { 200 } else { data.len() };
                let at = next() as usize % near.min(data.len());
                data[at] = next() as u8;
            }
            data
        })
        .collect();
    let origin = Origin::start(move |asked| {
        let at: usize = asked.path.trim_start_matches('/').parse().unwrap();
        Reply::ok("audio/mpeg", mutants[at].clone())
    })
    .await;
    let room = Room::open().await;
    for n in 0..rounds {
        let _ = room.plays(&origin.url(&format!("/{n}"))).await;
    }
    let counters = room.handle.counters();
    assert_eq!(counters.fetches, rounds as u64);
    println!("{} of {rounds} mutants were refused, {} decoder panics", counters.faults, counters.decoder_panics);
}
