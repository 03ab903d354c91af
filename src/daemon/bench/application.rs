//! The bench's application server: a thread a connection, blocking, with the moments at which a request came in and its
//! answer went out. Its threads are named so that their work is not taken for the service's.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Octets of a request's head and body at most.
const MAX_REQUEST: usize = 256 * 1024;
/// Octets that a slow way lets through at a time.
const PIECE: usize = 1_024;
/// Requests whose moments are kept.
const MAX_KEPT: usize = 1_000_000;

/// What an application answers.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    /// HTTP status.
    pub(super) status: u16,
    /// Its type, and more headers, each with its line end.
    pub(super) headers: String,
    /// The body.
    pub(super) body: Vec<u8>,
    /// Octets a second that the way to it lets through; `None`: as fast as it goes.
    pub(super) pace: Option<usize>,
}

impl Answer {
    /// A document.
    pub(super) fn document(body: impl Into<String>) -> Answer {
        Answer { status: 200, headers: "Content-Type: text/xml\r\n".into(), body: body.into().into_bytes(), pace: None }
    }

    /// A sound that may be kept for an hour.
    pub(super) fn sound(wav: Vec<u8>) -> Answer {
        let headers = "Content-Type: audio/wav\r\nCache-Control: max-age=3600\r\n".into();
        Answer { status: 200, headers, body: wav, pace: None }
    }

    /// The same behind a slow way: octets a second.
    pub(super) fn slow_sound(kind: &str, sound: Vec<u8>, pace: usize) -> Answer {
        let headers = format!("Content-Type: {kind}\r\nCache-Control: max-age=3600\r\n");
        Answer { status: 200, headers, body: sound, pace: Some(pace) }
    }

    /// A failure of the application.
    pub(super) fn failure(status: u16) -> Answer {
        Answer { status, headers: "Content-Type: text/plain\r\n".into(), body: b"no".to_vec(), pace: None }
    }
}

/// A request's path with its query, and its form.
pub(super) type Answers = dyn Fn(&str, &str) -> Answer + Send + Sync;

/// When a request was here.
#[derive(Clone, Debug)]
pub(super) struct Visit {
    /// Path and query.
    pub(super) path: String,
    /// The form.
    pub(super) form: String,
    /// Its first octets were read.
    pub(super) came: Instant,
    /// Its answer was about to be written.
    pub(super) answered: Instant,
}

/// A running application; it lives as long as the process.
pub(super) struct Application {
    /// Where it listens.
    pub(super) address: SocketAddr,
    visits: Arc<Mutex<Vec<Visit>>>,
}

impl Application {
    /// Starts it on a free port of loopback.
    pub(super) fn start(answers: Arc<Answers>) -> std::io::Result<Application> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let visits: Arc<Mutex<Vec<Visit>>> = Arc::default();
        let kept = visits.clone();
        std::thread::Builder::new().name("bench app".into()).spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answers, kept) = (answers.clone(), kept.clone());
                let serve = move || {
                    let _ = serve(stream, &*answers, &kept);
                };
                // Without a thread the connection is closed, and the bench says that calls failed.
                let _ = std::thread::Builder::new().name("bench app".into()).spawn(serve);
            }
        })?;
        Ok(Application { address, visits })
    }

    /// All requests since the last time.
    pub(super) fn take_visits(&self) -> Vec<Visit> {
        self.visits.lock().map(|mut visits| std::mem::take(&mut *visits)).unwrap_or_default()
    }
}

fn serve(mut stream: TcpStream, answers: &Answers, kept: &Mutex<Vec<Visit>>) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut read = Vec::new();
    loop {
        read.clear();
        let (came, head, length) = request(&mut stream, &mut read)?;
        let text = String::from_utf8_lossy(&read[..head]);
        let path = text.split(' ').nth(1).unwrap_or("/").to_owned();
        let form = String::from_utf8_lossy(&read[head..head + length]).into_owned();
        let answer = answers(&path, &form);
        let mut out =
            format!("HTTP/1.1 {} x\r\n{}Content-Length: {}\r\n\r\n", answer.status, answer.headers, answer.body.len())
                .into_bytes();
        let (at_once, later) = answer.body.split_at(if answer.pace.is_some() { 0 } else { answer.body.len() });
        out.extend_from_slice(at_once);
        let visit = Visit { path, form, came, answered: Instant::now() };
        if let Ok(mut visits) = kept.lock()
            && visits.len() < MAX_KEPT
        {
            visits.push(visit);
        }
        stream.write_all(&out)?;
        let begun = Instant::now();
        for (piece, octets) in later.chunks(PIECE).enumerate() {
            let due = (piece + 1) as f64 * PIECE as f64 / answer.pace.unwrap_or(PIECE).max(1) as f64;
            std::thread::sleep(Duration::from_secs_f64(due).saturating_sub(begun.elapsed()));
            stream.write_all(octets)?;
        }
    }
}

/// Reads a request; when it came, where its body begins and how long that is.
fn request(stream: &mut TcpStream, read: &mut Vec<u8>) -> std::io::Result<(Instant, usize, usize)> {
    let mut came = None;
    let mut piece = [0; 16 * 1024];
    loop {
        let got = stream.read(&mut piece)?;
        let moment = *came.get_or_insert_with(Instant::now);
        if got == 0 || read.len() > MAX_REQUEST {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        read.extend_from_slice(&piece[..got]);
        let Some(head) = read.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4) else {
            continue;
        };
        let text = String::from_utf8_lossy(&read[..head]).to_ascii_lowercase();
        let length = text.lines().find_map(|line| line.strip_prefix("content-length:"));
        let length = length.and_then(|length| length.trim().parse().ok()).unwrap_or(0usize);
        if read.len() >= head + length {
            return Ok((moment, head, length));
        }
    }
}
