//! Files that mean harm: each is a fault with a code, soon, and the layer goes on. Lists of addresses are followed by nobody.

use std::time::{Duration, Instant};

use tipring_media::{Decoder, MediaFault};

use crate::decoders::{Bench, can_make, notes_heard};
use crate::origin::{Origin, Reply};
use crate::room::{Room, fixture, wave};

/// A WAVE with this `fmt ` chunk and `rest` behind it.
fn wave_with(fmt: &[u8], rest: &[u8]) -> Vec<u8> {
    let mut out = b"RIFF\xFF\xFF\xFF\xFFWAVEfmt ".to_vec();
    out.extend_from_slice(&(fmt.len() as u32).to_le_bytes());
    out.extend_from_slice(fmt);
    out.extend_from_slice(rest);
    out
}

fn fmt(tag: u16, channels: u16, rate_hz: u32, frame: u16, bits: u16) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend_from_slice(&tag.to_le_bytes());
    out.extend_from_slice(&channels.to_le_bytes());
    out.extend_from_slice(&rate_hz.to_le_bytes());
    out.extend_from_slice(&rate_hz.wrapping_mul(frame.into()).to_le_bytes());
    out.extend_from_slice(&frame.to_le_bytes());
    out.extend_from_slice(&bits.to_le_bytes());
    out
}

fn data(octets: usize) -> Vec<u8> {
    let mut out = b"data\xFF\xFF\xFF\xFF".to_vec();
    out.resize(8 + octets, 0x55);
    out
}

/// A box of an ISO file.
fn boxed(kind: &[u8; 4], claimed: u32, inside: &[u8]) -> Vec<u8> {
    let mut out = claimed.to_be_bytes().to_vec();
    out.extend_from_slice(kind);
    out.extend_from_slice(inside);
    out
}

fn nested(kind: &[u8; 4], depth: u32) -> Vec<u8> {
    let sizes = (1..=depth).rev().map(|it| it * 8);
    sizes.flat_map(|size| boxed(kind, size, &[])).collect()
}

/// Name and octets. `SPY` in them is the address of a server that must not be asked.
fn files() -> Vec<(&'static str, Vec<u8>)> {
    let text = |text: &str| text.as_bytes().to_vec();
    let mp4 = |rest: Vec<u8>| [boxed(b"ftyp", 16, b"isom\0\0\0\0"), rest].concat();
    let ebml = |rest: &[u8]| [b"\x1A\x45\xDF\xA3\x8BB\x86\x81\x01B\x82\x84webm".as_slice(), rest].concat();
    vec![
        ("page", text("<!DOCTYPE html><html><body>503</body></html>")),
        ("json", text("{\"error\": \"gone\"}")),
        ("hls", text("#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nhttp://SPY/a.ts\n#EXT-X-ENDLIST\n")),
        ("m3u", text("#EXTM3U\nhttp://SPY/a.mp3\n")),
        ("pls", text("[playlist]\nFile1=http://SPY/a.mp3\nNumberOfEntries=1\n")),
        ("asx", text("<asx version=\"3.0\"><entry><ref href=\"http://SPY/a.wma\"/></entry></asx>")),
        ("concat", text("ffconcat version 1.0\nfile 'http://SPY/a.mp3'\n")),
        ("concat-file", text("ffconcat version 1.0\nfile 'subfile,,start,0,end,99,,:/etc/passwd'\n")),
        ("dash", text("<?xml version=\"1.0\"?><MPD><Period><BaseURL>http://SPY/</BaseURL></Period></MPD>")),
        ("sdp", text("v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\nc=IN IP4 127.0.0.1\r\nm=audio 9 RTP/AVP 0\r\n")),
        ("url-file", text("[InternetShortcut]\r\nURL=file:///etc/passwd\r\n")),
        ("zip", [b"PK\x03\x04".as_slice(), &[0; 3_000]].concat()),
        ("gzip", [b"\x1F\x8B\x08\0".as_slice(), &[0; 3_000]].concat()),
        ("midi", [b"MThd\0\0\0\x06\0\0\0\x01\0\x60".as_slice(), &[0; 300]].concat()),
        ("zero-rate", wave_with(&fmt(1, 1, 0, 2, 16), &data(4_000))),
        ("huge-rate", wave_with(&fmt(1, 1, u32::MAX, 2, 16), &data(4_000))),
        ("255-channels", wave_with(&fmt(1, 255, 8_000, 510, 16), &data(51_000))),
        ("no-channels", wave_with(&fmt(1, 0, 8_000, 2, 16), &data(4_000))),
        ("no-frame", wave_with(&fmt(1, 1, 8_000, 0, 16), &data(4_000))),
        ("wide-frame", wave_with(&fmt(1, 1, 8_000, u16::MAX, 16), &data(70_000))),
        ("no-tag", wave_with(&fmt(0xABCD, 1, 8_000, 2, 16), &data(4_000))),
        ("adpcm-frame", wave_with(&fmt(0x11, 1, 8_000, 1, 4), &data(4_000))),
        ("long-chunk", wave_with(&fmt(1, 1, 8_000, 2, 16), b"LIST\xFF\xFF\xFF\x7Fabcd")),
        ("short-fmt", wave_with(b"\x01\0", &data(4_000))),
        ("au-header", b".snd\xFF\xFF\xFF\xFF\0\0\x0f\xa0\0\0\0\x01\0\0\x1f\x40\0\0\0\x01menu".to_vec()),
        (
            "au-channels",
            [b".snd\0\0\0\x18\xFF\xFF\xFF\xFF\0\0\0\x03\0\0\x1f\x40\xFF\xFF\xFF\xFF".as_slice(), &[0; 900]].concat(),
        ),
        ("id3-length", [b"ID3\x04\0\0\x7F\x7F\x7F\x7F".as_slice(), &[0; 900]].concat()),
        ("id3-only", [b"ID3\x04\0\0\0\0\x07\x68".as_slice(), &[0; 4_000]].concat()),
        ("id3-in-id3", b"ID3\x04\0\0\0\0\0\0".repeat(400)),
        ("flac-head", [b"fLaC\x84\xFF\xFF\xFF".as_slice(), &[0xFF; 4_000]].concat()),
        ("flac-picture", [b"fLaC\x06\xFF\xFF\xFF\0\0\0\x03\xFF\xFF\xFF\xFF".as_slice(), &[0; 4_000]].concat()),
        (
            "ogg-lacing",
            [b"OggS\0\x02\0\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\xFF".as_slice(), &[0xFF; 9_000]].concat(),
        ),
        ("aiff-common", [b"FORM\x7F\xFF\xFF\xFFAIFFCOMM\0\0\0\x12\xFF\xFF".as_slice(), &[0xFF; 4_000]].concat()),
        ("mp4-nested", mp4(nested(b"moov", 4_000))),
        ("mp4-long", mp4(boxed(b"moov", u32::MAX, &[0; 4_000]))),
        ("mp4-empty", mp4(boxed(b"mdat", 0, &[0; 4_000]))),
        ("mp4-drm-and-reference", mp4(boxed(b"moov", 4_008, &b"dref\0\0\0\0url http://SPY/a.m4a\0\0\0\0".repeat(125)))),
        ("webm-endless", ebml(&[0x18, 0x53, 0x80, 0x67, 1, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF])),
        ("webm-nested", ebml(&b"\x18\x53\x80\x67\x01\xFF\xFF\xFF\xFF\xFF\xFF\xFF".repeat(900))),
        ("asf", [b"\x30\x26\xB2\x75\x8E\x66\xCF\x11\xA6\xD9\0\xAA\0b\xCEl".as_slice(), &[0xFF; 6_000]].concat()),
        ("realmedia", [b".RMF\0\0\0\x12\0\x01\0\0\0\0\xFF\xFF\xFF\xFF".as_slice(), &[0xFF; 4_000]].concat()),
        ("avi", [b"RIFF\xFF\xFF\xFF\xFFAVI LIST\xFF\xFF\xFF\xFFhdrl".as_slice(), &[0xFF; 4_000]].concat()),
        ("transport-stream", [0x47_u8; 188 * 40].to_vec()),
        ("flv", [b"FLV\x01\x05\0\0\0\x09\0\0\0\0".as_slice(), &[0xFF; 4_000]].concat()),
        ("caf", [b"caff\0\x01\0\0desc\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF".as_slice(), &[0; 4_000]].concat()),
    ]
}

#[tokio::test]
async fn d17_hostile_files_are_faults_soon_and_the_layer_lives() {
    let spy = Origin::always("audio/mpeg", fixture("tone.mp3")).await;
    let at = spy.address.to_string();
    let spied = |octets: &[u8]| {
        let parts: Vec<&[u8]> = split(octets, b"SPY");
        parts.join(at.as_bytes())
    };
    let files = files();
    assert!(files.len() >= 30);
    let served: Vec<Vec<u8>> = files.iter().map(|it| spied(&it.1)).collect();
    let origin = Origin::start(move |asked| {
        let (mime, at) = asked.path.trim_start_matches('/').split_once('-').unwrap();
        let mime = if mime == "wrong" { "audio/mpeg" } else { "application/octet-stream" };
        Reply::ok(mime, served[at.parse::<usize>().unwrap()].clone())
    })
    .await;
    let room = Room::open().await;
    for (n, (name, _)) in files.iter().enumerate() {
        for mime in ["wrong", "none"] {
            let began = Instant::now();
            let fault = room.plays(&origin.url(&format!("/{mime}-{n}"))).await.err();
            let took = began.elapsed();
            let fault: MediaFault = fault.unwrap_or_else(|| panic!("{name} {mime}: it was played"));
            assert_eq!(fault.code, 13420, "{name} {mime}: {fault}");
            assert!(took < Duration::from_secs(15), "{name} {mime}: {took:?}");
        }
    }
    spy.was_asked(0);
    let names = ["hls", "m3u", "pls"];
    for name in names {
        let n = files.iter().position(|it| it.0 == name).unwrap();
        let fault = room.plays(&origin.url(&format!("/none-{n}"))).await.unwrap_err();
        assert!(fault.text.contains("a playlist") && fault.text.contains("address"), "{fault}");
    }
    assert_eq!(room.handle.counters().decoder_panics, 0);
    assert!(room.files().is_empty(), "{:?}", room.files());
    let origin = Origin::always("audio/wav", wave(8_000, 1, 1_000.0, 0.5)).await;
    assert_eq!(room.plays(&origin.url("/well.wav")).await.unwrap().octets.len(), 4_000);
}

fn split<'a>(mut octets: &'a [u8], at: &[u8]) -> Vec<&'a [u8]> {
    let mut parts = Vec::new();
    while let Some(found) = octets.windows(at.len()).position(|it| it == at) {
        parts.push(&octets[..found]);
        octets = &octets[found + at.len()..];
    }
    parts.push(octets);
    parts
}

/// What is left of it is played or refused, never more than there was.
#[tokio::test]
async fn d17_a_file_that_is_cut_anywhere_ends_soon() {
    if !can_make() {
        return;
    }
    let (bench, room) = (Bench::new("cut"), Room::open().await);
    let kinds = [
        ("mp3", "-c:a libmp3lame"),
        ("m4a", ""),
        ("opus", "-c:a libopus"),
        ("webm", "video -c:v libvpx -c:a libvorbis"),
    ];
    for (kind, arguments) in kinds {
        let whole = bench.make(kind, arguments);
        let cuts: Vec<Vec<u8>> = (0..16).map(|it| whole[..whole.len() * it / 16].to_vec()).collect();
        let origin = Origin::start(move |asked| {
            Reply::ok("audio/mpeg", cuts[asked.path.trim_start_matches('/').parse::<usize>().unwrap()].clone())
        })
        .await;
        for n in 0..16 {
            let began = Instant::now();
            if let Ok(heard) = room.plays(&origin.url(&format!("/{n}"))).await {
                assert!(heard.octets.len() <= 17_000 * (n + 2) / 16, "{kind} {n}: {} octets", heard.octets.len());
            }
            assert!(began.elapsed() < Duration::from_secs(10), "{kind} {n}");
        }
    }
    assert_eq!(room.handle.counters().decoder_panics, 0);
}

#[tokio::test]
async fn d17_a_decoder_that_is_stuck_is_killed_and_others_go_on() {
    let bench = Bench::new("stuck");
    let stuck = |lines: &str| {
        use std::os::unix::fs::PermissionsExt;
        let program = bench.0.join(format!("stuck-{}", lines.len()));
        std::fs::write(&program, format!("#!/bin/sh\n{lines}\n")).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700)).unwrap();
        Decoder {
            name: "stuck".into(),
            types: vec!["audio/x-stuck".into()],
            magic: Vec::new(),
            program,
            arguments: Vec::new(),
            cage: tipring_media::Cage { processor: Duration::from_secs(1), ..Default::default() },
        }
    };
    for (lines, part) in [("exec sleep 600", "gives nothing for 10 s"), ("while :; do :; done", "gave up")] {
        let room = Room::with(|it| it.decoders = vec![stuck(lines)]).await;
        let origin = Origin::always("audio/x-stuck", vec![7; 300_000]).await;
        let began = Instant::now();
        let url = origin.url("/a");
        let (fault, other) = tokio::join!(room.plays(&url), async {
            let origin = Origin::always("audio/wav", wave(8_000, 1, 1_000.0, 0.5)).await;
            room.client
                .fetch(tipring_media::MediaRequest {
                    account: "AC1".into(),
                    source: tipring_media::Source::Url(origin.url("/other.wav")),
                    law: tipring_card::Law::A,
                })
                .await
                .map(|_| began.elapsed())
        });
        let fault = fault.unwrap_err();
        assert!(fault.text.contains(part), "{fault}");
        assert!(began.elapsed() < Duration::from_secs(20));
        assert!(other.unwrap() < Duration::from_secs(5), "a stuck decoder holds others up");
    }
}

#[tokio::test]
async fn d18_a_coded_sound_begins_before_it_has_come_whole() {
    if !can_make() {
        return;
    }
    let bench = Bench::new("begins");
    for (kind, arguments) in [("mp3", "-c:a libmp3lame"), ("m4a", "-movflags +faststart"), ("wma", "")] {
        let made = bench.make(kind, arguments);
        let half = made.len() * 3 / 4;
        let (go, held) = std::sync::mpsc::channel();
        let origin = Origin::start(move |_| {
            let (reply, permission) = Reply::ok("audio/mpeg", made.clone()).held_after(half);
            go.send(permission).unwrap();
            reply
        })
        .await;
        let room = Room::open().await;
        let request = tipring_media::MediaRequest {
            account: "AC1".into(),
            source: tipring_media::Source::Url(origin.url("/a")),
            law: tipring_card::Law::A,
        };
        let mut stream = room.client.fetch(request).await.unwrap();
        let mut octets = stream.next().await.unwrap().unwrap().to_vec();
        held.recv().unwrap().send(()).unwrap();
        while let Some(piece) = stream.next().await {
            octets.extend_from_slice(&piece.unwrap());
        }
        assert!(notes_heard(&octets) >= 9, "{kind}");
        room.handle.idle().await;
    }
}
