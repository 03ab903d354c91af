//! How near the media layer's conversion is to sox's, and what a minute of each format costs through the whole layer, beside
//! ffmpeg and sox on the same file: real-time factors by the clock, medians of rounds that take turns. Prints JSON lines.

#[path = "../tests/judge.rs"]
#[allow(dead_code)]
mod judge;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;
use tipring_media::{Config, MediaService};

const ROUNDS: usize = 5;
const SECONDS: f64 = 60.0;
/// Formats, ffmpeg's arguments that make them, and whether sox reads them.
const FORMATS: [(&str, &[&str], bool); 13] = [
    ("wav", &[], true),
    ("aiff", &[], true),
    ("au", &[], true),
    ("mp3", &["-c:a", "libmp3lame"], true),
    ("mp2", &["-b:a", "192k"], true),
    ("aac", &[], false),
    ("ogg", &["-c:a", "libvorbis"], true),
    ("flac", &[], true),
    ("m4a", &["-movflags", "+faststart"], false),
    ("opus", &["-c:a", "libopus"], false),
    ("wma", &[], false),
    ("gsm", &["-c:a", "libgsm", "-ar", "8000", "-ac", "1"], true),
    ("mkv", &["-f", "lavfi", "-i", "testsrc=s=320x240:r=10:d=60", "-c:v", "mpeg4", "-c:a", "libvorbis"], false),
];

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.first().map(String::as_str) {
        Some("decode") => {
            let container = words.get(1).map_or("", String::as_str);
            if let Err(text) = tipring_media::decode_alone(container, std::io::stdin(), &mut std::io::stdout()) {
                eprintln!("{text}");
                std::process::exit(1);
            }
        }
        _ => measure(),
    }
}

fn measure() {
    let dir = std::env::temp_dir().join(format!("tipring-sounds-{}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("a folder");
    std::fs::write(dir.join("made.wav"), judge::wave_mono(44_100, &judge::band(44_100, SECONDS))).expect("a file");
    for (kind, arguments, _) in &FORMATS[1..] {
        let mut ffmpeg = Command::new("ffmpeg");
        ffmpeg.args(["-y", "-nostdin", "-loglevel", "error", "-i"]).arg(dir.join("made.wav")).args(*arguments);
        assert!(ffmpeg.arg(dir.join(format!("made.{kind}"))).status().expect("ffmpeg").success(), "{kind}");
    }
    let origin = serve_files(dir.clone());
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let handle = runtime.block_on(async {
        tipring_egress::install_provider();
        let egress = tipring_egress::Client::new(tipring_egress::Config::default()).expect("a client");
        let mut config = Config::new(dir.join("media.sock"), dir.join("cache"), egress);
        config.level_db = 0.0;
        config.own_decoder = Some((std::env::current_exe().expect("this program"), vec!["decode".into()]));
        MediaService::start(config).await.expect("it starts")
    });
    println!("{}", quality(&dir, &origin));
    for (kind, _, for_sox) in FORMATS {
        println!("{}", rtf(&dir, &origin, kind, for_sox));
    }
    runtime.block_on(handle.shutdown());
    let _ = std::fs::remove_dir_all(&dir);
}

fn quality(dir: &Path, origin: &str) -> serde_json::Value {
    let ours = judge::l16(&ask(dir, &format!("http://{origin}/made.wav"), "audio/l16;rate=8000").0);
    let sox = Command::new("sox")
        .arg("-D")
        .arg(dir.join("made.wav"))
        .args(["-t", "raw", "-e", "signed", "-b", "16", "-B", "-", "rate", "-v", "8000", "highpass", "120"])
        .output()
        .expect("sox");
    let theirs = judge::l16(&sox.stdout);
    let difference = judge::difference_db(&ours[..80_000], &theirs[..80_000]);
    json!({
        "row": "media.quality", "measured": round(difference), "unit": "dB from sox", "goal": -50.0, "goal_kind": "at_most",
        "met": difference <= -50.0,
    })
}

fn rtf(dir: &Path, origin: &str, kind: &str, for_sox: bool) -> serde_json::Value {
    let (mut ours, mut first, mut ffmpeg, mut sox) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let file = dir.join(format!("made.{kind}"));
    for turn in 0..ROUNDS {
        let begun = Instant::now();
        let (octets, begins) = ask(dir, &format!("http://{origin}/made.{kind}?{turn}"), "audio/x-alaw;rate=8000");
        ours.push(begun.elapsed());
        first.push(begins);
        assert!(octets.len() > 470_000, "{kind}: {}", octets.len());
        ffmpeg.push(run(Command::new("ffmpeg")
            .args(["-nostdin", "-loglevel", "error", "-i"])
            .arg(&file)
            .args(["-ac", "1", "-ar", "8000", "-f", "alaw", "-"])));
        if for_sox {
            sox.push(run(Command::new("sox").arg(&file).args(["-t", "al", "-r", "8000", "-c", "1", "-"])));
        }
    }
    let factor = |all: &mut Vec<Duration>| round(median(all) / SECONDS);
    let (own, theirs) = (factor(&mut ours), factor(&mut ffmpeg));
    let mut row = json!({
        "row": format!("media.rtf.{kind}"), "measured": own, "unit": "of real time", "goal_kind": "stated", "peer": "ffmpeg",
        "peer_measured": theirs, "ratio": round(own / theirs), "first_sound_ms": round(median(&mut first) * 1e3),
    });
    if for_sox {
        row["sox_measured"] = factor(&mut sox).into();
    }
    row
}

fn run(command: &mut Command) -> Duration {
    let begun = Instant::now();
    let done = command.stdin(Stdio::null()).stderr(Stdio::null()).output().expect("a program");
    assert!(done.status.success() && done.stdout.len() > 470_000);
    begun.elapsed()
}

fn median(all: &mut [Duration]) -> f64 {
    all.sort();
    all[all.len() / 2].as_secs_f64()
}

fn round(value: f64) -> f64 {
    (value * 1e5).round() / 1e5
}

/// Octets of sound, and when the first of them came.
fn ask(dir: &Path, url: &str, accept: &str) -> (Vec<u8>, Duration) {
    let begun = Instant::now();
    let mut stream = UnixStream::connect(dir.join("media.sock")).expect("a connection");
    let text = format!("GET {url} HTTP/1.1\r\nHost: x\r\nAccept: {accept}\r\nConnection: close\r\n\r\n");
    stream.write_all(text.as_bytes()).expect("it is asked");
    let (mut read, mut piece, mut first) = (Vec::new(), vec![0; 65_536], Duration::ZERO);
    loop {
        let some = stream.read(&mut piece).expect("an answer");
        if some == 0 {
            break;
        }
        read.extend_from_slice(&piece[..some]);
        if first.is_zero() && read.windows(4).position(|it| it == b"\r\n\r\n").is_some_and(|at| read.len() > at + 4) {
            first = begun.elapsed();
        }
    }
    assert!(read.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&read));
    let head = read.windows(4).position(|it| it == b"\r\n\r\n").expect("a head") + 4;
    let (mut body, mut rest) = (Vec::new(), &read[head..]);
    while let Some(end) = rest.windows(2).position(|it| it == b"\r\n") {
        let size = usize::from_str_radix(&String::from_utf8_lossy(&rest[..end]), 16).expect("a length");
        body.extend_from_slice(rest.get(end + 2..end + 2 + size).unwrap_or_default());
        rest = rest.get(end + 4 + size..).unwrap_or_default();
    }
    (body, first)
}

/// An origin with the files of a folder.
fn serve_files(dir: PathBuf) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut head = [0; 4096];
            let read = stream.read(&mut head).unwrap_or(0);
            let text = String::from_utf8_lossy(&head[..read]).into_owned();
            let path = text.split(' ').nth(1).unwrap_or("/").split('?').next().unwrap_or("/").trim_start_matches('/');
            let body = std::fs::read(dir.join(path)).unwrap_or_default();
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
        }
    });
    address
}
