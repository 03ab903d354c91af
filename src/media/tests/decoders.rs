//! Kinds of media that programs decode, made here by ffmpeg and sox from one sound that can be recognised: ten notes.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use tipring_media::{Cage, Decoder, Magic};

use crate::origin::Origin;
use crate::room::{Room, linear, purity_db};

/// Kind, declared type, and ffmpeg's arguments that make it; with `sox` first, sox does. `video` puts a picture beside it.
const KINDS: &[(&str, &str, &str)] = &[
    ("wav", "audio/wav", ""),
    ("wav", "audio/wav", "-c:a pcm_u8"),
    ("wav", "audio/wav", "-c:a pcm_s24le"),
    ("wav", "audio/wav", "-c:a pcm_s32le"),
    ("wav", "audio/wav", "-c:a pcm_f32le"),
    ("wav", "audio/wav", "-c:a pcm_f64le"),
    ("wav", "audio/wav", "-ac 6"),
    ("wav", "audio/wav", "-rf64 always"),
    ("wav", "audio/wav", "-c:a adpcm_ms"),
    ("wav", "audio/wav", "-c:a adpcm_ima_wav"),
    ("wav", "audio/wav", "-c:a pcm_alaw -ar 8000 -ac 1"),
    ("wav", "audio/wav", "-c:a g726 -ar 8000 -ac 1"),
    ("wav", "audio/wav", "-c:a libgsm_ms -ar 8000 -ac 1"),
    ("wav", "audio/wav", "-c:a libmp3lame"),
    ("w64", "audio/x-w64", ""),
    ("mp3", "audio/mpeg", "-c:a libmp3lame"),
    ("mp2", "audio/mpeg", ""),
    ("aac", "audio/aac", ""),
    ("m4a", "audio/mp4", ""),
    ("m4a", "audio/mp4", "-movflags +faststart"),
    ("m4a", "audio/mp4", "-c:a alac"),
    ("ogg", "audio/ogg", "-c:a libvorbis"),
    ("ogg", "audio/ogg", "-c:a flac"),
    ("opus", "audio/ogg", "-c:a libopus"),
    ("spx", "audio/ogg", "-c:a libspeex -ar 16000 -ac 1"),
    ("flac", "audio/flac", ""),
    ("aiff", "audio/aiff", ""),
    ("aiff", "audio/aiff", "-c:a adpcm_ima_qt"),
    ("caf", "audio/x-caf", ""),
    ("au", "audio/basic", "-c:a pcm_s16be"),
    ("au", "audio/basic", "-c:a pcm_f64be"),
    ("gsm", "audio/x-gsm", "-c:a libgsm -ar 8000 -ac 1"),
    ("gsm", "application/octet-stream", "-c:a libgsm -ar 8000 -ac 1"),
    ("s16le", "audio/x-sln16", "-ar 16000 -ac 1"),
    ("s16be", "audio/l16;rate=44100;channels=2", ""),
    ("alaw", "audio/x-alaw", "-ar 8000 -ac 1"),
    ("wma", "audio/x-ms-wma", ""),
    ("rm", "audio/x-pn-realaudio", "-c:a real_144 -ar 8000 -ac 1"),
    ("rm", "audio/x-pn-realaudio", "-c:a ac3"),
    ("ac3", "audio/ac3", ""),
    ("voc", "audio/x-voc", ""),
    ("amr-nb", "audio/amr", "sox -r 8000 -c 1"),
    ("mp4", "video/mp4", "video -c:v mpeg4 -c:a aac"),
    ("mp4", "video/mp4", "video -c:v mpeg4 -c:a aac -movflags +faststart"),
    ("3gp", "video/3gpp", "video -c:v mpeg4 -c:a aac"),
    ("webm", "video/webm", "video -c:v libvpx -c:a libvorbis"),
    ("mkv", "video/x-matroska", "video -c:v mpeg4 -c:a libmp3lame"),
    ("avi", "video/x-msvideo", "video -c:v mpeg4 -c:a libmp3lame"),
    ("mpegts", "video/mp2t", "video -c:v mpeg2video -c:a mp2"),
    ("mpg", "video/mpeg", "video -c:v mpeg2video -c:a mp2"),
    ("flv", "video/x-flv", "video -c:v flv -c:a libmp3lame"),
];

/// Whether the programs that make originals are here; else it is said that nothing was tested.
pub fn can_make() -> bool {
    let there = ["ffmpeg", "sox"].iter().all(|it| Command::new(it).arg("--help").output().is_ok());
    if !there {
        drop(writeln!(
            std::io::stderr(),
            "SKIPPED: ffmpeg and sox are not installed; further kinds are not tested here"
        ));
    }
    there
}

/// A folder with the ten notes, which goes with this.
pub struct Bench(pub PathBuf);

impl Bench {
    pub fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("tipring-kinds-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::write(dir.join("notes.wav"), notes()).unwrap();
        Self(dir)
    }

    /// Makes an original of one kind.
    pub fn make(&self, kind: &str, arguments: &str) -> Vec<u8> {
        let (notes, out) = (self.0.join("notes.wav"), self.0.join(format!("made.{kind}")));
        let mut words: Vec<&str> = arguments.split_whitespace().collect();
        let video = words.first() == Some(&"video");
        let mut command = if words.first() == Some(&"sox") {
            let mut sox = Command::new("sox");
            sox.arg("-D").arg(&notes).args(&words[1..]).arg(&out);
            sox
        } else {
            let mut ffmpeg = Command::new("ffmpeg");
            ffmpeg.args(["-y", "-nostdin", "-loglevel", "error", "-i"]).arg(&notes);
            if video {
                words.remove(0);
                ffmpeg.args(["-f", "lavfi", "-i", "testsrc=s=64x48:r=10:d=2", "-shortest"]);
            }
            if matches!(kind, "s16le" | "s16be" | "alaw" | "mpegts") {
                ffmpeg.args(["-f", kind]);
            }
            ffmpeg.args(words).arg(&out);
            ffmpeg
        };
        let made = command.output().unwrap();
        assert!(made.status.success(), "{kind} {arguments}: {}", String::from_utf8_lossy(&made.stderr));
        std::fs::read(out).unwrap()
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Two seconds at 44.1 kHz, two channels, a note a fifth of a second.
fn notes() -> Vec<u8> {
    let spec = hound::WavSpec {
        channels: 2,
        sample_rate: 44_100,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut out = std::io::Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut out, spec).unwrap();
    let mut phase = 0.0_f64;
    for n in 0..88_200_usize {
        phase += std::f64::consts::TAU * HZ[n / 8_820] / 44_100.0;
        for _ in 0..2 {
            writer.write_sample((phase.sin() * 9_000.0) as i16).unwrap();
        }
    }
    writer.finalize().unwrap();
    out.into_inner()
}

const HZ: [f64; 10] = [500.0, 1_500.0, 900.0, 2_500.0, 700.0, 2_000.0, 400.0, 1_200.0, 3_000.0, 600.0];

/// How many of the ten notes are heard in their places, at the best of some delays.
pub fn notes_heard(octets: &[u8]) -> usize {
    let samples = linear(octets);
    let at = |lag: usize, note: usize| samples.get(lag + note * 1_600 + 500..lag + note * 1_600 + 1_100);
    let heard =
        |lag: usize| (0..10).filter(|it| at(lag, *it).is_some_and(|part| purity_db(part, HZ[*it]) > -3.0)).count();
    (0..1_200).step_by(100).map(heard).max().unwrap_or(0)
}

#[track_caller]
fn recognisable(octets: &[u8], what: &str) {
    let heard = notes_heard(octets);
    assert!(heard >= 9, "{what}: {heard} of 10 notes in {} octets", octets.len());
    assert!((15_000..19_000).contains(&octets.len()), "{what}: {} octets", octets.len());
}

#[tokio::test]
async fn d17_a_sample_of_each_kind_is_recognisable() {
    if !can_make() {
        return;
    }
    let (bench, room) = (Bench::new("each"), Room::open().await);
    for (n, (kind, mime, arguments)) in KINDS.iter().enumerate() {
        let what = format!("{n}: {kind} {arguments}");
        let origin = Origin::always(mime, bench.make(kind, arguments)).await;
        let heard = room.plays(&origin.url("/a")).await.unwrap_or_else(|fault| panic!("{what}: {fault}"));
        recognisable(&heard.octets, &what);
    }
    assert_eq!(room.handle.counters().decoder_panics, 0);
    assert!(!room.files().iter().any(|it| it.extension().is_some_and(|it| it == "original")), "{:?}", room.files());
}

#[tokio::test]
async fn d7_the_sound_of_a_video_is_heard_whatever_it_is_called() {
    if !can_make() {
        return;
    }
    let (bench, room) = (Bench::new("video"), Room::open().await);
    let video = bench.make("mp4", "video -c:v mpeg4 -c:a aac");
    for mime in ["video/mp4", "application/octet-stream", "audio/mpeg", "text/plain"] {
        let origin = Origin::always(mime, video.clone()).await;
        let (head, body) = room.raw(&origin.url("/a.mp4"), &[("Accept", "audio/x-alaw;rate=8000")]).await;
        assert!(head.contains("content-type: audio/x-alaw;rate=8000"), "{mime}: {head}");
        assert!(head.contains("x-original-type: audio/mp4"), "{mime}: {head}");
        recognisable(&body, mime);
    }
    let silent = bench.make("avi", "video -c:v mpeg4 -an");
    let origin = Origin::always("video/x-msvideo", silent).await;
    let fault = room.plays(&origin.url("/silent.avi")).await.unwrap_err();
    assert_eq!(fault.code, 13420);
    assert!(fault.text.contains("AVI cannot be decoded: ffmpeg"), "{fault}");
}

#[tokio::test]
async fn d17_without_ffmpeg_the_fault_says_what_to_install() {
    if !can_make() {
        return;
    }
    let room = Room::with(|it| it.transcoder = "/nonexistent/ffmpeg".into()).await;
    let bench = Bench::new("without");
    for (kind, what) in [("m4a", "MP4 or M4A"), ("aac", "AAC"), ("wma", "Windows Media"), ("opus", "Opus")] {
        let origin = Origin::always("audio/mpeg", bench.make(kind, "")).await;
        let fault = room.plays(&origin.url("/a")).await.unwrap_err();
        assert_eq!(fault.code, 13420);
        assert!(fault.text.contains(what) && fault.text.contains("install the package ffmpeg"), "{fault}");
    }
    let origin = Origin::always("audio/mpeg", bench.make("mp3", "-c:a libmp3lame")).await;
    recognisable(&room.plays(&origin.url("/a.mp3")).await.unwrap().octets, "mp3");
}

/// A decoder for a kind that nobody knows: every octet of a WAVE turned round.
fn decoder(dir: &Path, lines: &str, argument: &str) -> Decoder {
    use std::os::unix::fs::PermissionsExt;
    let program = dir.join("decoder");
    std::fs::write(&program, format!("#!/bin/sh\n{lines}\n")).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700)).unwrap();
    Decoder {
        name: "turned".into(),
        types: vec!["audio/x-turned".into()],
        magic: Vec::new(),
        program,
        arguments: vec![argument.into()],
        cage: Cage::usual(),
    }
}

const TURN: &str = "perl -e 'binmode STDIN; binmode STDOUT; local $/ = \\4096; while (<STDIN>) { print ~$_ }'";

#[tokio::test]
async fn d33_a_new_kind_is_added_by_the_configuration_alone() {
    let bench = Bench::new("new");
    let turned: Vec<u8> = notes().iter().map(|it| !it).collect();
    let origin = Origin::always("audio/x-turned", turned.clone()).await;
    let before = Room::open().await;
    assert_eq!(before.plays(&origin.url("/a")).await.unwrap_err().code, 13420);
    // By its type, from a pipe; by its first octets, whatever it is called.
    let by_type = decoder(&bench.0, TURN, "-");
    let by_magic = Decoder { magic: vec![Magic::parse("8:0xa8bea9ba").unwrap()], ..by_type.clone() };
    for (mime, decoder, works) in [
        ("audio/x-turned", &by_type, true),
        ("audio/x-turned; a=b", &by_type, true),
        ("application/octet-stream", &by_type, false),
        ("application/octet-stream", &by_magic, true),
    ] {
        let room = Room::with(|it| it.decoders = vec![decoder.clone()]).await;
        let origin = Origin::always(mime, turned.clone()).await;
        let heard = room.plays(&origin.url("/a")).await;
        match works {
            true => recognisable(&heard.unwrap().octets, mime),
            false => assert_eq!(heard.unwrap_err().code, 13420),
        }
    }
}

#[tokio::test]
async fn d33_a_decoder_that_wants_a_file_gets_one_and_no_other() {
    let (bench, turned) = (Bench::new("file"), notes().iter().map(|it| !it).collect::<Vec<_>>());
    let decoder = decoder(&bench.0, &format!("exec <\"$1\"; {TURN}"), "{input}");
    let room = Room::with(|it| it.decoders = vec![decoder]).await;
    let origin = Origin::always("audio/x-turned", turned).await;
    recognisable(&room.plays(&origin.url("/a")).await.unwrap().octets, "file");
    assert!(!room.files().iter().any(|it| it.extension().is_some_and(|it| it == "original")));
}

#[tokio::test]
async fn d33_a_decoder_that_fails_is_a_fault_that_names_it() {
    for (n, (lines, part)) in [
        ("cat >/dev/null; echo 'no such sound' >&2; exit 4", "turned: no such sound"),
        ("cat >/dev/null; exit 4", "ended with exit status: 4"),
        ("cat >/dev/null", "no sound"),
        ("yes", "neither WAVE nor AU"),
        ("kill -9 $$", "gave up"),
        ("cat /etc/shadow", "Permission denied"),
    ]
    .into_iter()
    .enumerate()
    {
        let bench = Bench::new(&format!("fails-{n}"));
        let decoder = decoder(&bench.0, lines, "-");
        let room = Room::with(|it| it.decoders = vec![decoder]).await;
        let origin = Origin::always("audio/x-turned", vec![1; 100_000]).await;
        let fault = room.plays(&origin.url("/a")).await.unwrap_err();
        assert_eq!(fault.code, 13420, "{fault}");
        assert!(fault.text.contains(part), "{lines}: {fault}");
        assert!(room.files().is_empty());
    }
}
