//! What a call costs: processor time of a whole scripted call, requests of the API beside 240 calls, a live change,
//! memory. Processor time is the service's threads' alone; the far end, the application and whoever measures are left
//! out.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tipring_sim::Step;

use super::application::{Answer, Answers};
use super::figures::{Goal, Row, Sorted, round, slope};
use super::process::{load, rss, service_cpu};
use super::world::{Size, World, prompt};
use crate::daemon::serve::StartError;

/// Calls of `call.cpu`, one every [`EVERY`].
const CALLS: u32 = 240;
const EVERY: Duration = Duration::from_millis(125);
const WARM_UP: u32 = 24;
/// Callers of the API rows: eight E1 spans.
const UP: usize = 240;
/// How long requests are counted.
const READS: Duration = Duration::from_secs(8);
/// Live changes.
const CHANGES: usize = 500;
/// A live change comes this often.
const CHANGE_EVERY: Duration = Duration::from_millis(20);
/// A steady state is reached after so long.
const SETTLE: Duration = Duration::from_secs(3);
/// A caller that stays.
const STAYS_MS: u32 = 600_000;

/// The prompt of a scripted call: a spoken one where there is a voice, else a sound of the application.
fn script() -> Arc<Answers> {
    Arc::new(|path, _| match path {
        "/call" => Answer::document(
            "<Response><Gather numDigits=\"1\" timeout=\"3\" action=\"/pressed\"><Say>Press one.</Say></Gather></Response>",
        ),
        "/pressed" => Answer::document("<Response><Hangup/></Response>"),
        "/prompt.wav" => prompt(100),
        // A pause alone answers nobody.
        _ => Answer::document("<Response><Gather timeout=\"3600\"/></Response>"),
    })
}

/// Answer, fetch, say from the cache, gather a key, fetch, hang up.
pub(super) fn call() -> Result<Row, StartError> {
    let world = World::start(Size { spans: 1, analog: 0 }, script())?;
    world.number("100", "/call")?;
    let ring = |number: u32| {
        let steps = vec![
            Step::AwaitAnswer { limit_ms: 5_000 },
            Step::Wait { ms: 900 },
            Step::press("1"),
            Step::AwaitHangup { limit_ms: 5_000 },
        ];
        world.ring(&number.to_string(), &format!("20255{number:05}"), "100", steps)
    };
    let run = |from: u32, calls: u32| {
        let begun = Instant::now();
        for number in 0..calls {
            ring(from + number)?;
            std::thread::sleep((EVERY * (number + 1)).saturating_sub(begun.elapsed()));
            world.take_finished();
        }
        world.wait_for_calls(|calls| calls == 0, Duration::from_secs(10));
        // The last records and what the blocking pool still does.
        std::thread::sleep(Duration::from_millis(300));
        Ok::<_, StartError>(begun.elapsed())
    };
    run(0, WARM_UP)?;
    world.app.take_visits();
    let loaded = load();
    let (before, wall) = (service_cpu(), run(WARM_UP, CALLS)?);
    let busy = service_cpu() - before;
    let asked = world.app.take_visits().len();
    let before = service_cpu();
    std::thread::sleep(wall);
    let idle = service_cpu() - before;
    world.stop();
    let ms = |cpu: Duration| cpu.as_secs_f64() * 1e3 / f64::from(CALLS);
    Ok(Row::new("call.cpu", ms(busy.saturating_sub(idle)), "ms CPU a call", Goal::AtMost(1.0))
        .note("with_idle_ticks", round(ms(busy)))
        .note("calls", CALLS)
        .note("requests", asked)
        .note("load", loaded))
}

/// 240 calls that stay.
pub(super) fn full_house() -> Result<World, StartError> {
    let world = World::start(Size { spans: 8, analog: 0 }, script())?;
    world.number("200", "/stays")?;
    fill(&world, 0, UP)?;
    Ok(world)
}

/// Callers of number 200 who stay and are silent.
fn fill(world: &World, from: usize, to: usize) -> Result<(), StartError> {
    fill_with(world, from, to, &[])
}

/// The same, who do something before.
pub(super) fn fill_with(world: &World, from: usize, to: usize, does: &[Step]) -> Result<(), StartError> {
    for number in from..to {
        let mut steps = vec![Step::AwaitAnswer { limit_ms: 20_000 }];
        steps.extend_from_slice(does);
        steps.extend([Step::AwaitHangup { limit_ms: STAYS_MS }, Step::hangup()]);
        world.ring(&number.to_string(), &format!("20255{number:05}"), "200", steps)?;
        std::thread::sleep(Duration::from_millis(10));
    }
    if !world.wait_for_calls(|calls| calls >= to, Duration::from_secs(20)) {
        let up = world.runtime.block_on(world.service().live.live_calls());
        for report in world.take_finished().iter().take(3) {
            eprintln!("tipring: bench: {report}");
        }
        let text = format!("bench: {to} calls did not come up: {up} did, the exchange has {}", world.under_way());
        return Err(StartError { exit: 1, text });
    }
    std::thread::sleep(SETTLE);
    Ok(())
}

/// Requests a second of processor time, lists and single calls in turn, and the live change.
pub(super) fn api() -> Result<Vec<Row>, StartError> {
    let world = full_house()?;
    let loaded = load();
    let before = service_cpu();
    std::thread::sleep(READS);
    let beside = service_cpu() - before;
    let account = &world.service().account;
    let client = Client::new(world.service().api, &account.sid.to_string(), &account.token);
    let base = format!("/2010-04-01/Accounts/{}", account.sid);
    let calls = live(&client, &base)?;
    let before = service_cpu();
    let (requests, wall) = read(&client, &base, &calls)?;
    let reads = (service_cpu() - before).saturating_sub(beside);
    let mut waits = Vec::with_capacity(CHANGES);
    let mut connection = client.connect()?;
    for change in 0..CHANGES {
        let path = format!("{base}/Calls/{}.json", calls[change % calls.len()]);
        let form = "Twiml=%3CResponse%3E%3CPause+length%3D%223600%22%2F%3E%3C%2FResponse%3E";
        let begun = Instant::now();
        connection.ask("POST", &path, form)?;
        waits.push(begun.elapsed().as_secs_f64() * 1e3);
        std::thread::sleep(CHANGE_EVERY.saturating_sub(begun.elapsed()));
    }
    let still = world.runtime.block_on(world.service().live.live_calls());
    world.stop();
    let waits = Sorted::new(waits);
    let read = Row::new("api.read", requests as f64 / reads.as_secs_f64(), "requests/CPU-second", Goal::Stated)
        .note("requests", requests)
        .note("per_second", round(requests as f64 / wall.as_secs_f64()))
        .note("calls_up", calls.len())
        .note("cpu_of_calls_alone_percent", round(beside.as_secs_f64() / READS.as_secs_f64() * 100.0))
        .note("load", loaded);
    let live = Row::new("api.live", waits.at(0.99), "ms p99", Goal::AtMost(20.0))
        .note("p50", round(waits.at(0.5)))
        .note("worst", round(waits.at(1.0)))
        .note("samples", waits.count())
        .note("calls_still_up", still)
        .note("load", loaded);
    Ok(vec![read, live])
}

/// The calls that are up, as the API has them.
pub(super) fn live(client: &Client, base: &str) -> Result<Vec<String>, StartError> {
    let text = client.connect()?.ask("GET", &format!("{base}/Calls.json?PageSize=1000"), "")?;
    let listed: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
    let calls = listed["calls"].as_array().cloned().unwrap_or_default();
    let sid = |call: &serde_json::Value| call["sid"].as_str().map(str::to_owned);
    let calls: Vec<String> = calls.iter().filter(|call| call["status"] == "in-progress").filter_map(sid).collect();
    if calls.is_empty() { Err(StartError { exit: 1, text: "bench: the API lists no call".into() }) } else { Ok(calls) }
}

/// Two clients read calls and lists of fifty for a while.
fn read(client: &Client, base: &str, calls: &[String]) -> Result<(u64, Duration), StartError> {
    let (stop, count) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let begun = Instant::now();
    let mut readers = Vec::new();
    for reader in 0..2 {
        let (stop, count, client) = (stop.clone(), count.clone(), client.clone());
        let (list, calls, base) = (format!("{base}/Calls.json?PageSize=50"), calls.to_vec(), base.to_owned());
        let work = move || -> Result<(), StartError> {
            let mut connection = client.connect()?;
            let mut turn = reader;
            while !stop.load(Ordering::Relaxed) {
                turn += 1;
                if turn % 5 == 0 {
                    connection.ask("GET", &list, "")?;
                } else {
                    connection.ask("GET", &format!("{base}/Calls/{}.json", calls[turn % calls.len()]), "")?;
                }
                count.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        };
        let spawned = std::thread::Builder::new().name("bench client".into()).spawn(work);
        readers.push(spawned.map_err(|error| refused(&error))?);
    }
    std::thread::sleep(READS);
    stop.store(true, Ordering::Relaxed);
    for reader in readers {
        reader.join().map_err(|_| StartError { exit: 1, text: "bench: a reader failed".into() })??;
    }
    Ok((count.load(Ordering::Relaxed), begun.elapsed()))
}

/// Resident memory beside the number of calls that are up: the slope is what one costs.
pub(super) fn memory_of_calls() -> Result<Row, StartError> {
    let answers: Arc<Answers> = Arc::new(|path, _| match path {
        "/prompt.wav" => prompt(30_000),
        _ => Answer::document(
            "<Response><Gather timeout=\"60\"><Play loop=\"100\">/prompt.wav</Play></Gather></Response>",
        ),
    });
    let world = World::start(Size { spans: 8, analog: 0 }, answers)?;
    world.number("200", "/stays")?;
    let (mut points, mut up) = (Vec::new(), 0);
    for calls in [30, 60, 90, 120, 150, 180, 210, 240] {
        fill(&world, up, calls)?;
        up = calls;
        points.push((calls as f64, rss(std::process::id()) as f64 / 1024.0));
    }
    world.stop();
    let (first, last) = (points[0].1, points[points.len() - 1].1);
    Ok(Row::new("memory.call", slope(&points), "KiB a call", Goal::AtMost(64.0))
        .note("at_30_mib", round(first / 1024.0))
        .note("at_240_mib", round(last / 1024.0))
        .note("with", "its far end in the same process"))
}

/// A client of the API: blocking, one connection at a time.
#[derive(Clone)]
pub(super) struct Client {
    address: SocketAddr,
    authorization: String,
}

/// Its connection.
pub(super) struct Connection {
    stream: TcpStream,
    authorization: String,
    read: Vec<u8>,
}

fn refused(error: &dyn std::fmt::Display) -> StartError {
    StartError { exit: 1, text: format!("bench: the API: {error}") }
}

impl Client {
    /// Asks as an account.
    pub(super) fn new(address: SocketAddr, sid: &str, token: &str) -> Client {
        use base64::Engine as _;
        let authorization = base64::engine::general_purpose::STANDARD.encode(format!("{sid}:{token}"));
        Client { address, authorization }
    }

    /// A connection.
    pub(super) fn connect(&self) -> Result<Connection, StartError> {
        let stream = TcpStream::connect(self.address).map_err(|error| refused(&error))?;
        stream.set_nodelay(true).map_err(|error| refused(&error))?;
        Ok(Connection { stream, authorization: self.authorization.clone(), read: Vec::new() })
    }
}

impl Connection {
    /// Asks for what has no end, and gives the connection to whoever reads it.
    pub(super) fn stream(mut self, path: &str) -> Result<TcpStream, StartError> {
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: box\r\nAuthorization: Basic {}\r\n\r\n", self.authorization);
        self.stream.write_all(request.as_bytes()).map_err(|error| refused(&error))?;
        Ok(self.stream)
    }

    /// Asks, and reads the whole answer; anything but success is an error.
    pub(super) fn ask(&mut self, method: &str, path: &str, form: &str) -> Result<Vec<u8>, StartError> {
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: box\r\nAuthorization: Basic {}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
            self.authorization,
            form.len()
        );
        self.stream.write_all(request.as_bytes()).map_err(|error| refused(&error))?;
        self.read.clear();
        let mut piece = [0; 32 * 1024];
        loop {
            let got = self.stream.read(&mut piece).map_err(|error| refused(&error))?;
            if got == 0 {
                return Err(refused(&"closed the connection"));
            }
            self.read.extend_from_slice(&piece[..got]);
            let Some(head) = self.read.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4) else {
                continue;
            };
            let text = String::from_utf8_lossy(&self.read[..head]).to_ascii_lowercase();
            let status = text.split(' ').nth(1).unwrap_or_default();
            let length = text.lines().find_map(|line| line.strip_prefix("content-length:"));
            let length = length.and_then(|length| length.trim().parse::<usize>().ok());
            // Where there is no content there is no length.
            let Some(length) = length.or((status == "204").then_some(0)) else {
                return Err(refused(&"an answer without a length"));
            };
            if self.read.len() >= head + length {
                if !status.starts_with('2') {
                    return Err(refused(&format!("{method} {path}: {}", String::from_utf8_lossy(&self.read))));
                }
                return Ok(self.read[head..head + length].to_vec());
            }
        }
    }
}
