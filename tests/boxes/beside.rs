//! What stands beside boxes: a web server with a tone and an access log, an S3 server of the tests, a way to it that can be closed.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Frequency of the server's tone.
pub const TONE_HZ: f64 = 700.0;

/// A web server that has a tone of two seconds at every path.
pub struct Origin {
    at: SocketAddr,
    asked: Arc<AtomicUsize>,
}

impl Origin {
    pub fn start() -> Origin {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let at = listener.local_addr().expect("an address");
        let asked = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let counted = Arc::clone(&counted);
                std::thread::spawn(move || answer(&stream, &counted));
            }
        });
        Origin { at, asked }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.at)
    }

    /// How often it was asked.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

fn answer(mut stream: &TcpStream, asked: &AtomicUsize) {
    let mut lines = BufReader::new(stream).lines();
    // A connection that nothing came over is no request.
    if !lines.next().is_some_and(|line| line.is_ok_and(|line| line.starts_with("GET "))) {
        return;
    }
    while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
    asked.fetch_add(1, Ordering::Relaxed);
    let sound = tone();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: audio/wav\r\nCache-Control: max-age=600\r\nConnection: close\r\n\
         Content-Length: {}\r\n\r\n",
        sound.len()
    );
    let _ = stream.write_all(&[head.as_bytes(), &sound].concat());
}

fn tone() -> Vec<u8> {
    let samples = (0..16_000).map(|n| (f64::from(n) * TONE_HZ * std::f64::consts::TAU / 8_000.0).sin() * 9_000.0);
    wave(&samples.map(|it| it as i16).collect::<Vec<i16>>())
}

/// Samples as a WAVE of one channel.
pub fn wave(samples: &[i16]) -> Vec<u8> {
    let octets = samples.len() as u32 * 2;
    let mut wave = b"RIFF".to_vec();
    wave.extend((36 + octets).to_le_bytes());
    wave.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    wave.extend(8_000u32.to_le_bytes());
    wave.extend(16_000u32.to_le_bytes());
    wave.extend(b"\x02\0\x10\0data");
    wave.extend(octets.to_le_bytes());
    wave.extend(samples.iter().flat_map(|it| it.to_le_bytes()));
    wave
}

/// How much of the tone is in the loudest second of a WAVE, whatever its channels: 1 is nothing else.
pub fn toneness(wave: &[u8]) -> f64 {
    let channels = usize::from(wave[22]);
    let samples: Vec<f64> =
        wave[44..].chunks_exact(2).map(|it| f64::from(i16::from_le_bytes([it[0], it[1]]))).collect();
    let mut best = 0.0_f64;
    for channel in 0..channels {
        let one: Vec<f64> = samples.iter().skip(channel).step_by(channels).copied().collect();
        for second in one.windows(8_000).step_by(1_000) {
            let power: f64 = second.iter().map(|it| it * it).sum::<f64>() / 8_000.0;
            let step = TONE_HZ * std::f64::consts::TAU / 8_000.0;
            let part = |wave: fn(f64) -> f64| {
                second.iter().enumerate().map(|(n, it)| it * wave(n as f64 * step)).sum::<f64>() / 8_000.0
            };
            let tone = 2.0 * (part(f64::sin).powi(2) + part(f64::cos).powi(2));
            if power > 10_000.0 {
                best = best.max(tone / power);
            }
        }
    }
    best
}

/// The S3 server of the tests.
#[derive(Clone)]
pub struct Bucket {
    endpoint: String,
    bucket: String,
    /// Below which this test's objects lie.
    prefix: String,
}

impl Bucket {
    /// Without one the tests say that they are skipped.
    pub fn find(prefix: &str) -> Option<Bucket> {
        let required = std::env::var("TIPRING_REQUIRE").is_ok_and(|list| list.split(',').any(|part| part == "s3"));
        let named = std::env::var("TIPRING_TEST_S3").ok();
        assert!(named.is_some() || !required, "TIPRING_REQUIRE names s3, but TIPRING_TEST_S3 names no server");
        let Some(named) = named else {
            let skipped = "SKIPPED: boxes that share sounds are not tested: there is no S3 server (scripts/with-s3)";
            drop(writeln!(std::io::stderr(), "{skipped}"));
            return None;
        };
        let (endpoint, bucket) = named.rsplit_once('/').expect("endpoint/bucket");
        let prefix = format!("{prefix}-{}", std::process::id());
        Some(Bucket { endpoint: endpoint.into(), bucket: bucket.into(), prefix })
    }

    pub fn address(&self) -> SocketAddr {
        self.endpoint.trim_start_matches("http://").parse().expect("an address")
    }

    /// What a box's media layer is told of it.
    pub fn config(&self, seal: &str, key: &str, endpoint: Option<SocketAddr>) -> String {
        let endpoint = endpoint.map_or_else(|| self.endpoint.clone(), |at| format!("http://{at}"));
        format!(
            "[media]\nstore = \"s3://{}/{}\"\nstore_endpoint = \"{endpoint}\"\nstore_plain = true\n\
             seal_key_file = \"{seal}\"\nstore_key_file = \"{key}\"\n",
            self.bucket, self.prefix
        )
    }

    /// Names of objects in a folder.
    pub fn objects(&self, folder: &str) -> Vec<String> {
        let path = format!("/{}?list-type=2&prefix={}/{folder}/", self.bucket, self.prefix);
        let (_, text) = self.ask("GET", &path, b"");
        let keys = text.split("<Key>").skip(1);
        keys.filter_map(|it| it.split("</Key>").next()).map(str::to_owned).collect()
    }

    /// Puts other octets in the place of an object.
    pub fn spoil(&self, object: &str) {
        let (status, text) = self.ask("PUT", &format!("/{}/{object}", self.bucket), b"spoiled");
        assert_eq!(status, 200, "{text}");
    }

    fn ask(&self, method: &str, path: &str, body: &[u8]) -> (u16, String) {
        let mut stream = TcpStream::connect(self.address()).expect("the S3 server");
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {}\r\n\
             Authorization: AWS4-HMAC-SHA256 Credential=tipring/20260101/us-east-1/s3/aws4_request, \
             SignedHeaders=host, Signature=0\r\n\r\n",
            self.address(),
            body.len()
        );
        stream.write_all(&[head.as_bytes(), body].concat()).expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        let status = answer.split(' ').nth(1).and_then(|it| it.parse().ok()).expect("a status");
        (status, answer)
    }
}

/// A way to the S3 server that can be opened: until then it hangs up on everybody.
pub struct Way {
    pub at: SocketAddr,
    open: Arc<AtomicBool>,
}

impl Way {
    pub fn closed(to: SocketAddr) -> Way {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let at = listener.local_addr().expect("an address");
        let open = Arc::new(AtomicBool::new(false));
        let opened = Arc::clone(&open);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if opened.load(Ordering::Relaxed) {
                    std::thread::spawn(move || forward(stream, to));
                }
            }
        });
        Way { at, open }
    }

    pub fn open(&self) {
        self.open.store(true, Ordering::Relaxed);
    }
}

fn forward(near: TcpStream, to: SocketAddr) {
    let Ok(far) = TcpStream::connect(to) else { return };
    let (mut back, mut to_near) = (far.try_clone().expect("a copy"), near.try_clone().expect("a copy"));
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut back, &mut to_near);
        let _ = to_near.shutdown(std::net::Shutdown::Write);
    });
    let (mut near, mut far) = (near, far);
    let _ = std::io::copy(&mut near, &mut far);
    let _ = far.shutdown(std::net::Shutdown::Write);
}
