//! What it costs to ask an application and to read its document, over one kept connection, beside a peer program that
//! does the same with libcurl and libxml2 (`tests/peers/fetch_parse.c`, its path as the only argument; without it only
//! our own figure is given). Both ask the same server, which is a process of its own; rounds of both take turns, and the
//! median of the rounds counts. Prints one JSON line.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use tipring_egress::{Client, Config};
use tipring_resources::{Method, Sid, SidKind};
use tipring_router::{HttpAnswer, HttpRequest, Purpose};
use tipring_webhook::Webhook;

/// Rounds of each, and requests of a round.
const ROUNDS: usize = 9;
const REQUESTS: u32 = 2_000;
/// A menu as applications write it.
const DOCUMENT: &str = r##"<?xml version="1.0" encoding="UTF-8"?>
<Response>
  <Gather input="dtmf" numDigits="1" timeout="5" action="/menu?step=2" method="POST">
    <Say voice="alice" language="en-GB">Welcome to the company. For sales press 1, for support press 2.</Say>
    <Play loop="1">https://app.example.com/prompts/menu.mp3</Play>
    <Pause length="1"/>
  </Gather>
  <Say>We did not hear a key.</Say>
  <Dial timeout="20" callerId="+15005550006" action="/dialled">
    <Number statusCallback="/events" statusCallbackEvent="answered completed">+12025550142</Number>
  </Dial>
  <Record action="/recorded" maxLength="60" finishOnKey="#" playBeep="true"/>
  <Redirect method="POST">/menu</Redirect>
</Response>
"##;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.first().is_some_and(|word| word == "serve") {
        return serve();
    }
    let (mut server, address) = start();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let webhook = Webhook::new(Client::new(Config::default()).expect("a client"));
    let request = request(&format!("http://{address}/menu?step=1"));
    let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&request.params).finish();
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let (webhook, request) = (webhook.clone(), request.clone());
        ours.push(runtime.block_on(async { tokio::spawn(round(webhook, request)).await.expect("a round") }));
        if let Some(peer) = words.first() {
            theirs.push(peer_round(peer, &request_url(&address), &form));
        }
    }
    let _ = server.kill();
    let _ = server.wait();
    let [cpu, wall] = median(&mut ours);
    let mut row = serde_json::json!({
        "row": "fetch.parse", "measured": cpu, "unit": "us CPU a request", "wall": wall, "rounds": ROUNDS,
        "requests": REQUESTS, "cpu_of_rounds": spread(&ours),
    });
    if !theirs.is_empty() {
        let [their_cpu, their_wall] = median(&mut theirs);
        row["peer"] = "libcurl + libxml2".into();
        row["peer_measured"] = their_cpu.into();
        row["peer_wall"] = their_wall.into();
        row["ratio"] = (cpu / their_cpu).into();
        row["goal"] = their_cpu.into();
        row["goal_kind"] = "at_most".into();
    }
    println!("{row}");
}

fn request_url(address: &str) -> String {
    format!("http://{address}/menu?step=1")
}

fn request(url: &str) -> HttpRequest {
    let (account, call) = (Sid::new(SidKind::Account, 1), Sid::new(SidKind::Call, 2));
    let params = [
        ("CallSid", call.to_string()),
        ("AccountSid", account.to_string()),
        ("From", "+12025550100".into()),
        ("To", "+12025550199".into()),
        ("CallStatus", "ringing".into()),
        ("ApiVersion", "2010-04-01".into()),
        ("Direction", "inbound".into()),
        ("ForwardedFrom", String::new()),
        ("CallerName", "A CALLER".into()),
        ("Called", "+12025550199".into()),
        ("Caller", "+12025550100".into()),
        ("Digits", "1".into()),
    ];
    HttpRequest {
        session: call,
        account,
        method: Method::Post,
        url: url.into(),
        params: params.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        purpose: Purpose::Document,
        idempotency: "0123456789abcdef0123456789abcdef".into(),
    }
}

/// CPU of this process and wall time a request, in microseconds.
async fn round(webhook: Webhook, request: HttpRequest) -> [f64; 2] {
    for _ in 0..REQUESTS / 10 {
        once(&webhook, &request).await;
    }
    let (cpu, wall) = (process_cpu(), Instant::now());
    for _ in 0..REQUESTS {
        once(&webhook, &request).await;
    }
    let each = |seconds: f64| seconds * 1e6 / f64::from(REQUESTS);
    [each(process_cpu() - cpu), each(wall.elapsed().as_secs_f64())]
}

async fn once(webhook: &Webhook, request: &HttpRequest) {
    let answer = webhook.perform(request, "a-token-of-an-account").await;
    let HttpAnswer::Document { body, content_type, .. } = answer else { panic!("{answer:?}") };
    let document = tipring_instructions::parse(&body, content_type.as_deref()).expect("a document");
    assert_eq!(document.verbs.len(), 5);
}

/// Seconds of processor time that this process has used; `/proc` counts in nanoseconds a thread.
fn process_cpu() -> f64 {
    let tasks = std::fs::read_dir("/proc/self/task").expect("threads");
    let of = |path: std::path::PathBuf| {
        let text = std::fs::read_to_string(path.join("schedstat")).unwrap_or_default();
        text.split(' ').next().and_then(|word| word.parse::<u64>().ok()).unwrap_or(0)
    };
    tasks.flatten().map(|task| of(task.path())).sum::<u64>() as f64 / 1e9
}

fn peer_round(peer: &str, url: &str, form: &str) -> [f64; 2] {
    let out = Command::new(peer).args([url, form, &REQUESTS.to_string()]).output().expect("the peer runs");
    assert!(out.status.success(), "the peer failed: {}", String::from_utf8_lossy(&out.stderr));
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    let mut figures = text.split_whitespace().map(|word| word.parse::<f64>().expect("a figure"));
    [figures.next().expect("CPU"), figures.next().expect("wall")]
}

fn median(rounds: &mut [[f64; 2]]) -> [f64; 2] {
    [0, 1].map(|which| {
        rounds.sort_by(|a, b| a[which].total_cmp(&b[which]));
        rounds[rounds.len() / 2][which]
    })
}

fn spread(rounds: &[[f64; 2]]) -> [f64; 2] {
    let cpu = rounds.iter().map(|round| round[0]);
    [cpu.clone().fold(f64::MAX, f64::min), cpu.fold(0.0, f64::max)]
}

fn start() -> (Child, String) {
    let program = std::env::current_exe().expect("this program");
    let mut child = Command::new(program).arg("serve").stdout(Stdio::piped()).spawn().expect("the server starts");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("its output")).read_line(&mut line).expect("its address");
    (child, line.trim().to_owned())
}

/// The server: a thread a connection, the same document for everybody.
fn serve() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    println!("{}", listener.local_addr().expect("an address"));
    for stream in listener.incoming().flatten() {
        std::thread::spawn(move || answer(stream));
    }
}

fn answer(mut stream: TcpStream) {
    let _ = stream.set_nodelay(true);
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: {}\r\n\r\n", DOCUMENT.len());
    let whole = head + DOCUMENT;
    let (mut read, mut piece) = (Vec::new(), [0; 8192]);
    loop {
        match stream.read(&mut piece) {
            Ok(0) | Err(_) => return,
            Ok(got) => read.extend_from_slice(&piece[..got]),
        }
        let Some(head) = read.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4) else { continue };
        let text = String::from_utf8_lossy(&read[..head]).to_ascii_lowercase();
        let length = text.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
        if read.len() >= head + length.unwrap_or(0) {
            read.clear();
            if stream.write_all(whole.as_bytes()).is_err() {
                return;
            }
        }
    }
}
