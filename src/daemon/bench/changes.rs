//! How soon what happens shows: an event of a line at the application's status callback, another document of a program in
//! what its call does.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tipring_sim::Side;

use super::application::{Answer, Answers};
use super::cost::{Client, full_house, live};
use super::figures::{Goal, Row, Sorted};
use super::process::load;
use super::waits::{FirstSounds, of};
use super::world::{SHOWN, Size, World};
use crate::daemon::serve::StartError;

/// Calls of `call.event`, one every [`CALL_EVERY`]; each tells of three events.
const CALLS: usize = 200;
const CALL_EVERY: Duration = Duration::from_millis(100);
/// Calls, and documents, at the beginning that are not counted.
const WARM_UP: usize = 20;
/// Called numbers begin so; five digits follow.
const CALLED: &str = "20255";
const CALLED_DIGITS: usize = 10;
/// Documents of `call.change`, and how often one comes.
const DOCUMENTS: usize = 500;
const DOCUMENT_EVERY: Duration = Duration::from_millis(30);
/// A change that has no effect for so long has none.
const EFFECT_LIMIT: Duration = Duration::from_secs(5);

/// Who is called, and what has come from the line: the callback's word for it.
type Event = (String, &'static str);

fn failed(what: &str) -> StartError {
    StartError { exit: 1, text: format!("bench: {what}") }
}

/// ALERTING, CONNECT or DISCONNECT that becomes readable at the card to the first octets of its status callback at the
/// application; and to its event at whoever reads the event stream.
pub(super) fn events() -> Result<Vec<Row>, StartError> {
    let answers: Arc<Answers> = Arc::new(|path, _| match path {
        "/call" => Answer::document("<Response><Pause length=\"30\"/></Response>"),
        _ => Answer { status: 204, headers: String::new(), body: Vec::new(), pace: None },
    });
    let world = World::start(Size { spans: 1, analog: 0 }, answers)?;
    let seen = watched(&world);
    let account = &world.service().account;
    let client = Client::new(world.service().api, &account.sid.to_string(), &account.token);
    let path = format!("/2010-04-01/Accounts/{}/Calls.json", account.sid);
    let heard =
        listen(client.connect()?.stream(&format!("/2010-04-01/Accounts/{}/EventStream?Types=call", account.sid))?);
    let mut connection = client.connect()?;
    let (loaded, begun, app) = (load(), Instant::now(), world.app.address);
    for number in 0..CALLS + WARM_UP {
        let form = format!(
            "To=%2B1{CALLED}{number:05}&From=%2B{}&Url=http%3A%2F%2F{app}%2Fcall&StatusCallback=http%3A%2F%2F{app}%2Fstatus\
             &StatusCallbackEvent=ringing&StatusCallbackEvent=answered&StatusCallbackEvent=completed",
            &SHOWN[1..]
        );
        connection.ask("POST", &path, &form)?;
        let next = CALL_EVERY * u32::try_from(number + 1).unwrap_or(u32::MAX);
        std::thread::sleep(next.saturating_sub(begun.elapsed()));
        world.take_finished();
    }
    world.wait_for_calls(|calls| calls == 0, Duration::from_secs(10));
    // The last callbacks.
    std::thread::sleep(Duration::from_millis(500));
    let seen = seen.lock().map(|seen| seen.events.clone()).unwrap_or_default();
    let visits = world.app.take_visits();
    let told = visits.iter().filter(|visit| visit.path == "/status");
    let waits = told.filter_map(|visit| {
        let value = |name: &str| visit.form.split('&').find_map(|pair| pair.strip_prefix(name));
        wait(&seen, value("To=")?, value("CallStatus=")?, visit.came)
    });
    let told = Sorted::new(waits.collect());
    world.stop();
    let heard = heard.lock().map(|heard| heard.clone()).unwrap_or_default();
    let heard = Sorted::new(heard.iter().filter_map(|((to, status), came)| wait(&seen, to, status, *came)).collect());
    let row = |waits: &Sorted, name: &'static str| {
        if waits.count() < CALLS * 3 * 9 / 10 {
            return Err(failed(&format!("{name}: {} came for {CALLS} calls", waits.count())));
        }
        Ok(worst_share(of(waits, name, Goal::Stated, loaded), waits, 100.0))
    };
    Ok(vec![row(&told, "call.event")?, row(&heard, "call.event.stream")?])
}

/// From the line to where it was told, in milliseconds. What belongs to the warming up has none.
fn wait(seen: &HashMap<Event, Instant>, to: &str, status: &str, told: Instant) -> Option<f64> {
    let digits: String = to.chars().filter(char::is_ascii_digit).collect();
    let called = digits.get(digits.len().checked_sub(CALLED_DIGITS)?..)?.to_owned();
    let counted = called.get(CALLED.len()..)?.parse::<usize>().ok()? >= WARM_UP;
    let (_, came) = seen.iter().find(|((of, what), _)| *of == called && *what == status)?;
    counted.then_some(told.saturating_duration_since(*came).as_secs_f64() * 1e3)
}

/// Who was called and as what, with when it was first heard.
type Heard = Arc<Mutex<HashMap<(String, String), Instant>>>;

/// Reads an event stream on a thread of its own, to its end.
fn listen(stream: TcpStream) -> Heard {
    let heard = Heard::default();
    let noting = heard.clone();
    std::thread::spawn(move || {
        let mut stream = BufReader::new(stream);
        let mut text = String::new();
        while let Some(piece) = chunk(&mut stream) {
            let now = Instant::now();
            text.push_str(&piece);
            while let Some((line, rest)) = text.split_once('\n') {
                if let (Some(event), Ok(mut heard)) = (event(line), noting.lock()) {
                    heard.entry(event).or_insert(now);
                }
                text = rest.to_owned();
            }
        }
    });
    heard
}

/// The next chunk of an answer (RFC 9112 §7.1); lines of its head, and what ends a chunk, are none.
fn chunk(stream: &mut impl BufRead) -> Option<String> {
    let mut line = String::new();
    loop {
        line.clear();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if let Ok(size) = usize::from_str_radix(line.trim_end(), 16) {
            let mut octets = vec![0; size];
            stream.read_exact(&mut octets).ok()?;
            return String::from_utf8(octets).ok();
        }
    }
}

/// Who was called and as what, of the line of an event that says so.
fn event(line: &str) -> Option<(String, String)> {
    let told: serde_json::Value = serde_json::from_str(line.strip_prefix("data: ")?).ok()?;
    let (to, status) = (told["data"]["to"].as_str()?, told["data"]["status"].as_str()?);
    Some((to.to_owned(), status.to_owned()))
}

/// A row whose figure is the ninety-ninth percentile.
fn worst_share(row: Row, waits: &Sorted, goal: f64) -> Row {
    let mut notes = row.notes;
    notes.remove("p99");
    notes.insert("p50".into(), super::figures::round(waits.at(0.5)).into());
    Row { name: row.name, measured: waits.at(0.99), unit: "ms p99", goal: Goal::AtMost(goal), notes }
}

/// What was seen on the wire.
#[derive(Default)]
struct Seen {
    /// Who is called under a call reference.
    called: HashMap<u16, String>,
    events: HashMap<Event, Instant>,
}

/// Notes what comes from the exchange for calls that the box has made.
fn watched(world: &World) -> Arc<Mutex<Seen>> {
    let seen: Arc<Mutex<Seen>> = Arc::default();
    let noting = seen.clone();
    world.wire.watch_frames(move |to, frame| {
        let now = Instant::now();
        let (Some((reference, kind)), Ok(mut seen)) = (message(frame), noting.lock()) else {
            return;
        };
        match (to, kind) {
            (Side::Far, SETUP) => {
                if let Some(called) = called(frame) {
                    seen.called.insert(reference, called);
                }
            }
            (Side::Near, kind) => {
                let what = match kind {
                    ALERTING => "ringing",
                    CONNECT => "in-progress",
                    DISCONNECT => "completed",
                    _ => return,
                };
                if let Some(called) = seen.called.get(&reference).cloned() {
                    seen.events.entry((called, what)).or_insert(now);
                }
            }
            _ => {}
        }
    });
    seen
}

const ALERTING: u8 = 0x01;
const SETUP: u8 = 0x05;
const CONNECT: u8 = 0x07;
const DISCONNECT: u8 = 0x45;

/// Call reference, without the flag of its side, and type of a message: Q.921 address and control, then Q.931.
fn message(frame: &[u8]) -> Option<(u16, u8)> {
    if frame.len() <= 8 || frame[4] != 0x08 || frame[5] != 2 {
        return None;
    }
    Some((u16::from_be_bytes([frame[6] & 0x7f, frame[7]]), frame[8]))
}

fn called(frame: &[u8]) -> Option<String> {
    let begins = CALLED.as_bytes();
    let at = frame.windows(begins.len()).position(|octets| octets == begins)?;
    String::from_utf8(frame.get(at..at + CALLED_DIGITS)?.to_vec()).ok()
}

/// A client that is about to write another document for a living call to the first block of its sound, which is in the
/// cache, in the switch's queue; beside 240 calls.
pub(super) fn documents(sounds: &FirstSounds) -> Result<Row, StartError> {
    let world = full_house()?;
    let account = &world.service().account;
    let client = Client::new(world.service().api, &account.sid.to_string(), &account.token);
    let base = format!("/2010-04-01/Accounts/{}", account.sid);
    let calls = live(&client, &base)?;
    let mut connection = client.connect()?;
    let form = format!(
        "Twiml=%3CResponse%3E%3CPlay%3Ehttp%3A%2F%2F{}%2Fprompt.wav%3C%2FPlay%3E%3CPause+length%3D%223600%22%2F%3E%3C%2FResponse%3E",
        world.app.address
    );
    let loaded = load();
    let mut waits = Vec::with_capacity(DOCUMENTS);
    for change in 0..DOCUMENTS + WARM_UP {
        let path = format!("{base}/Calls/{}.json", calls[change % calls.len()]);
        sounds.take();
        let begun = Instant::now();
        connection.ask("POST", &path, &form)?;
        while sounds.count() == 0 {
            if begun.elapsed() > EFFECT_LIMIT {
                return Err(failed("call.change: another document has no effect"));
            }
            std::thread::sleep(Duration::from_micros(500));
        }
        let effect = sounds.take().first().map(|sound| sound.saturating_duration_since(begun).as_secs_f64() * 1e3);
        waits.extend(effect.filter(|_| change >= WARM_UP));
        std::thread::sleep(DOCUMENT_EVERY.saturating_sub(begun.elapsed()));
    }
    let still = world.runtime.block_on(world.service().live.live_calls());
    world.stop();
    let waits = Sorted::new(waits);
    let row = of(&waits, "call.change", Goal::Stated, loaded).note("calls_still_up", still);
    Ok(worst_share(row, &waits, 20.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_both_sides_of_a_call_have_one_reference() {
        let setup = [&[0, 1, 2, 4, 0x08, 2, 0x00, 0x07, SETUP, 0x70, 12, 0x80, b'1'], &b"2025500042"[..]].concat();
        assert_eq!((message(&setup), called(&setup).as_deref()), (Some((7, SETUP)), Some("2025500042")));
        assert_eq!(message(&[2, 1, 2, 4, 0x08, 2, 0x80, 0x07, CONNECT]), Some((7, CONNECT)));
        assert_eq!(message(&[0, 1, 2, 4]), None, "a frame of the link");
    }
}
