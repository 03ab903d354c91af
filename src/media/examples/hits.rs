//! What a hit through the media face costs: processor time of the serving process for 1,000 answers of two seconds of
//! telephone sound over a Unix socket, a connection each, beside nginx that serves the same octets from a file the same
//! way (where it is installed). Both are asked by the same blocking client; rounds of both take turns, the median counts.
//! Prints one JSON line.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tipring_media::{Config, MediaService};

const ROUNDS: usize = 9;
const HITS: usize = 1_000;
/// Two seconds of A-law.
const OCTETS: usize = 16_000;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let [word, dir] = words.as_slice()
        && word == "serve"
    {
        return serve(Path::new(dir));
    }
    let dir = std::env::temp_dir().join(format!("tipring-hits-{}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("a folder");
    let (mut face, origin) = start(&dir);
    let ask = format!(
        "GET http://{origin}/prompt.wav HTTP/1.1\r\nHost: {origin}\r\nAccept: audio/x-alaw;rate=8000\r\n\
         Connection: close\r\n\r\n"
    );
    let socket = dir.join("media.sock");
    // The first one makes the entry; until it is stored others read along.
    assert_eq!(hit(&socket, &ask), OCTETS);
    std::thread::sleep(Duration::from_millis(500));
    let nginx = nginx(&dir);
    let plain = "GET /prompt.alaw HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(round(&[face.id()], &socket, &ask));
        if let Some((master, socket)) = &nginx {
            theirs.push(round(&workers(master.id()), socket, plain));
        }
    }
    let _ = face.kill();
    let _ = face.wait();
    let [cpu, wall] = median(&mut ours);
    let mut row = serde_json::json!({
        "row": "media.hit", "measured": cpu, "unit": "ms CPU per 1000", "goal_kind": "stated", "wall_ms": wall,
        "octets": OCTETS, "rounds": ROUNDS,
    });
    if let Some((mut master, _)) = nginx {
        let _ = Command::new("kill").arg(master.id().to_string()).status();
        let _ = master.wait();
        let [their_cpu, their_wall] = median(&mut theirs);
        row["peer"] = "nginx".into();
        row["peer_measured"] = their_cpu.into();
        row["peer_wall_ms"] = their_wall.into();
        row["ratio"] = (cpu / their_cpu).into();
    }
    println!("{row}");
    let _ = std::fs::remove_dir_all(&dir);
}

/// Asks and reads to the end; how many octets of sound came.
fn hit(socket: &Path, ask: &str) -> usize {
    let mut stream = UnixStream::connect(socket).expect("a connection");
    stream.write_all(ask.as_bytes()).expect("it is asked");
    let mut read = Vec::with_capacity(20_000);
    stream.read_to_end(&mut read).expect("an answer");
    assert!(read.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&read));
    let head = read.windows(4).position(|four| four == b"\r\n\r\n").expect("a head") + 4;
    // Ours comes in chunks, with their lengths between them.
    if read[..head].windows(7).any(|it| it.eq_ignore_ascii_case(b"chunked")) {
        unchunked(&read[head..])
    } else {
        read.len() - head
    }
}

fn unchunked(mut read: &[u8]) -> usize {
    let mut octets = 0;
    while let Some(end) = read.windows(2).position(|two| two == b"\r\n") {
        let length = usize::from_str_radix(&String::from_utf8_lossy(&read[..end]), 16).expect("a length");
        octets += length;
        read = read.get(end + 2 + length + 2..).unwrap_or_default();
    }
    octets
}

/// CPU of the serving processes, and wall time, for all hits, in milliseconds.
fn round(pids: &[u32], socket: &Path, ask: &str) -> [f64; 2] {
    let (before, begun) = (cpu_ms(pids), Instant::now());
    for _ in 0..HITS {
        assert_eq!(hit(socket, ask), OCTETS);
    }
    let wall = begun.elapsed().as_secs_f64() * 1e3;
    [cpu_ms(pids) - before, wall]
}

fn cpu_ms(pids: &[u32]) -> f64 {
    let of = |path: PathBuf| {
        let text = std::fs::read_to_string(path.join("schedstat")).unwrap_or_default();
        text.split(' ').next().and_then(|word| word.parse::<u64>().ok()).unwrap_or(0)
    };
    let tasks = pids.iter().flat_map(|pid| std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten());
    tasks.flatten().map(|task| of(task.path())).sum::<u64>() as f64 / 1e6
}

fn median(rounds: &mut [[f64; 2]]) -> [f64; 2] {
    [0, 1].map(|which| {
        rounds.sort_by(|a, b| a[which].total_cmp(&b[which]));
        (rounds[rounds.len() / 2][which] * 1e3).round() / 1e3
    })
}

fn start(dir: &Path) -> (Child, String) {
    let program = std::env::current_exe().expect("this program");
    let mut child = Command::new(program).arg("serve").arg(dir).stdout(Stdio::piped()).spawn().expect("it starts");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("its output")).read_line(&mut line).expect("its word");
    (child, line.trim().to_owned())
}

/// The media layer, and an origin with one prompt.
fn serve(dir: &Path) {
    let origin = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = origin.local_addr().expect("an address");
    std::thread::spawn(move || {
        let wav = wav();
        for mut stream in origin.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: audio/wav\r\nCache-Control: max-age=3600\r\nContent-Length: {}\r\n\
                 Connection: close\r\n\r\n",
                wav.len()
            );
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&wav));
        }
    });
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let client = tipring_egress::Client::new(tipring_egress::Config::default()).expect("a client");
        let config = Config::new(dir.join("media.sock"), dir.join("cache"), client);
        let _service = MediaService::start(config).await.expect("the media layer");
        println!("{address}");
        std::future::pending::<()>().await
    })
}

fn wav() -> Vec<u8> {
    let mut wav = Vec::new();
    let length = (OCTETS * 2) as u32;
    wav.extend_from_slice(b"RIFF");
    wav.extend_from_slice(&(36 + length).to_le_bytes());
    wav.extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    wav.extend_from_slice(&8_000u32.to_le_bytes());
    wav.extend_from_slice(&16_000u32.to_le_bytes());
    wav.extend_from_slice(b"\x02\0\x10\0data");
    wav.extend_from_slice(&length.to_le_bytes());
    wav.extend((0..OCTETS).flat_map(|n| ((n as i16 % 80) * 100).to_le_bytes()));
    wav
}

/// A plain nginx with one worker; none where it is not installed.
fn nginx(dir: &Path) -> Option<(Child, PathBuf)> {
    let files = dir.join("files");
    std::fs::create_dir_all(&files).expect("a folder");
    std::fs::write(files.join("prompt.alaw"), vec![0xD5; OCTETS]).expect("a file");
    let socket = dir.join("nginx.sock");
    let config = format!(
        "daemon off; worker_processes 1; pid {0}/nginx.pid; error_log {0}/error.log;\n\
         events {{ worker_connections 256; }}\n\
         http {{ access_log off; sendfile on; open_file_cache max=64;\n\
         client_body_temp_path {0}/b; proxy_temp_path {0}/p; fastcgi_temp_path {0}/f; uwsgi_temp_path {0}/u;\n\
         scgi_temp_path {0}/s; default_type audio/x-alaw;\n\
         server {{ listen unix:{1}; root {2}; }} }}\n",
        dir.display(),
        socket.display(),
        files.display()
    );
    let file = dir.join("nginx.conf");
    std::fs::write(&file, config).expect("a file");
    let program = ["/usr/sbin/nginx", "/usr/local/sbin/nginx"].into_iter().find(|it| Path::new(it).exists());
    let Some(program) = program else {
        eprintln!("media.hit: nginx is not installed; no peer");
        return None;
    };
    let child = Command::new(program).arg("-c").arg(&file).stderr(Stdio::null()).spawn().ok()?;
    let until = Instant::now() + Duration::from_secs(5);
    while UnixStream::connect(&socket).is_err() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(50));
    }
    // As another user its worker may not enter our folder; it is root's or ours, both may.
    (!workers(child.id()).is_empty()).then_some((child, socket))
}

fn workers(master: u32) -> Vec<u32> {
    let text = std::fs::read_to_string(format!("/proc/{master}/task/{master}/children")).unwrap_or_default();
    text.split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}
