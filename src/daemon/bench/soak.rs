//! Thousands of mixed calls against one service: what grows with them? Memory, files, threads and the database are read
//! as the calls go by; the slope over all that came after the warm-up is what one call leaves behind.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::json;
use tipring_sim::Step;

use super::cost::{Client, Connection};
use super::figures::{round, slope};
use super::kinds::{self, KINDS};
use super::process::{files, load, octets_in, rss, threads};
use super::world::{SHOWN, Size, World};
use crate::daemon::serve::StartError;

/// Spans and analogue lines of the soak.
const SIZE: Size = Size { spans: 4, analog: 4 };
/// A sample is taken after so many calls.
const SAMPLE_EVERY: u64 = 500;
/// Of so many calls one is a program's, and one rings on an analogue line.
const PROGRAM_EVERY: u64 = 15;
const ANALOG_EVERY: u64 = 20;
/// A program ends or changes its call after this long.
const PROGRAM_WAITS: Duration = Duration::from_millis(1_500);
/// At rest the runtime gives idle threads up after ten seconds, connections are closed after two.
const REST: Duration = Duration::from_secs(13);
/// More calls than so many at once do not begin: the exchange is not asked for more than it has.
const AT_ONCE: usize = 100;
/// What one call may leave behind, in octets.
const RSS_LIMIT: f64 = 1_024.0;
const DATABASE_LIMIT: f64 = 4_096.0;
/// Open files may differ so much at rest.
const FILES_LIMIT: u64 = 2;
/// Calls that may end otherwise than their kind says: a machine that stalls for seconds.
const SURPRISES_LIMIT: f64 = 0.01;

/// How a soak runs.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Calls that are counted.
    pub calls: u64,
    /// Calls before them.
    pub warm_up: u64,
    /// Calls that begin a second.
    pub rate: u32,
    /// One JSON object a sample and one at the end.
    pub json: bool,
}

/// What was seen at one moment.
#[derive(Clone, Copy, Debug)]
struct Sample {
    calls: u64,
    rss: u64,
    files: u64,
    threads: u64,
    database: u64,
}

struct Soak {
    world: World,
    client: Client,
    connection: Option<Connection>,
    base: String,
    begun: u64,
    analog_under_way: usize,
    surprises: BTreeMap<&'static str, u64>,
    ended: u64,
    /// Calls of programs, and when they are changed; by turns by another document and by an end.
    programs: Vec<(Instant, String, bool)>,
    refused_programs: u64,
}

/// Runs it; true if everything stayed within its limits.
pub(super) fn run(options: &Options) -> Result<bool, StartError> {
    let world = World::start(SIZE, kinds::answers())?;
    kinds::numbers(&world)?;
    for line in 1..=SIZE.analog {
        world.number(&format!("sim {}/{line}", SIZE.spans + 1), "/gather")?;
    }
    let account = &world.service().account;
    let client = Client::new(world.service().api, &account.sid.to_string(), &account.token);
    let base = format!("/2010-04-01/Accounts/{}", account.sid);
    let mut soak = Soak {
        world,
        client,
        connection: None,
        base,
        begun: 0,
        analog_under_way: 0,
        surprises: BTreeMap::new(),
        ended: 0,
        programs: Vec::new(),
        refused_programs: 0,
    };
    let started = Instant::now();
    soak.calls(options.warm_up, options.rate)?;
    soak.rest();
    let mut samples = vec![soak.sample(options)];
    let mut left = options.calls;
    while left > 0 {
        let next = left.min(SAMPLE_EVERY);
        soak.calls(next, options.rate)?;
        left -= next;
        samples.push(soak.sample(options));
    }
    soak.rest();
    let last = soak.sample(options);
    Ok(soak.judge(options, &samples, last, started.elapsed()))
}

impl Soak {
    /// So many calls, at a steady rate.
    fn calls(&mut self, count: u64, rate: u32) -> Result<(), StartError> {
        let begun = Instant::now();
        for number in 0..count {
            self.begin()?;
            let next = Duration::from_secs_f64((number + 1) as f64 / f64::from(rate));
            loop {
                self.look()?;
                if begun.elapsed() >= next && self.world.under_way() < AT_ONCE {
                    break;
                }
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        Ok(())
    }

    /// The next call, of whatever kind is its turn.
    fn begin(&mut self) -> Result<(), StartError> {
        let number = self.begun;
        self.begun += 1;
        if number % PROGRAM_EVERY == 7 {
            return self.program(number);
        }
        if number % ANALOG_EVERY == 3 && self.analog_under_way < usize::from(SIZE.analog) {
            self.analog_under_way += 1;
            let steps = vec![
                Step::AwaitAnswer { limit_ms: 20_000 },
                Step::Wait { ms: 600 },
                Step::press("1"),
                Step::AwaitHangup { limit_ms: 20_000 },
            ];
            return self.world.ring_analog(&format!("analog-{number}"), steps);
        }
        let kind = (number % KINDS.len() as u64) as usize;
        let id = format!("{kind}-{number}");
        self.world.ring(&id, &format!("2025{:06}", number % 1_000_000), KINDS[kind].number, kinds::steps(&KINDS[kind]))
    }

    /// A program makes a call that is connected with somebody, or is changed while it lives.
    fn program(&mut self, number: u64) -> Result<(), StartError> {
        let (path, changes) = (format!("{}/Calls.json", self.base), number.is_multiple_of(2));
        let to = "%2B12025550142";
        let what = if changes {
            "Twiml=%3CResponse%3E%3CPause+length%3D%2230%22%2F%3E%3C%2FResponse%3E".to_owned()
        } else {
            format!("Url=http%3A%2F%2F{}%2Fprogram", self.world.app.address)
        };
        let form = format!("To={to}&From=%2B{}&{what}", &SHOWN[1..]);
        let Some(answer) = self.ask(&path, &form) else {
            self.refused_programs += 1;
            return Ok(());
        };
        let call: serde_json::Value = serde_json::from_slice(&answer).unwrap_or_default();
        if changes && let Some(sid) = call["sid"].as_str() {
            self.programs.push((Instant::now() + PROGRAM_WAITS / 2, sid.to_owned(), false));
            self.programs.push((Instant::now() + PROGRAM_WAITS, sid.to_owned(), true));
        }
        Ok(())
    }

    fn ask(&mut self, path: &str, form: &str) -> Option<Vec<u8>> {
        if self.connection.is_none() {
            self.connection = self.client.connect().ok();
        }
        let answer = self.connection.as_mut()?.ask("POST", path, form);
        if answer.is_err() {
            self.connection = None;
        }
        answer.ok()
    }

    /// What ended, and what programs do meanwhile.
    fn look(&mut self) -> Result<(), StartError> {
        for report in self.world.take_finished() {
            let Some((of, _)) = report.id.split_once('-').filter(|(of, _)| *of != "in") else {
                continue;
            };
            self.ended += 1;
            let answered = report.connected_at.is_some();
            let (name, wanted) = if of == "analog" {
                self.analog_under_way = self.analog_under_way.saturating_sub(1);
                ("analog", Some(true))
            } else {
                let kind = of.parse::<usize>().ok().and_then(|kind| KINDS.get(kind));
                kind.map_or(("?", None), |kind| (kind.name, kind.answered))
            };
            if wanted.is_some_and(|wanted| wanted != answered) {
                *self.surprises.entry(name).or_default() += 1;
                if self.surprises.values().sum::<u64>() <= 10 {
                    eprintln!("tipring: bench: {report}");
                }
            }
        }
        let now = Instant::now();
        while let Some(at) = self.programs.iter().position(|(due, ..)| *due <= now) {
            let (_, sid, ends) = self.programs.remove(at);
            let path = format!("{}/Calls/{sid}.json", self.base);
            let again = format!(
                "Twiml=%3CResponse%3E%3CPlay%3Ehttp%3A%2F%2F{}%2Fprompt.wav%3C%2FPlay%3E%3CPause+length%3D%225%22%2F%3E%3C%2FResponse%3E",
                self.world.app.address
            );
            let form = if ends { "Status=completed" } else { again.as_str() };
            // The other party may have hung up before: that is its right.
            let _ = self.ask(&path, form);
        }
        Ok(())
    }

    /// Lets everything end, and what idles go.
    fn rest(&mut self) {
        let until = Instant::now() + Duration::from_secs(60);
        while (self.world.under_way() > 0 || self.analog_under_way > 0) && Instant::now() < until {
            let _ = self.look();
            std::thread::sleep(Duration::from_millis(50));
        }
        self.world.wait_for_calls(|calls| calls == 0, Duration::from_secs(60));
        self.programs.clear();
        self.connection = None;
        std::thread::sleep(REST);
    }

    fn sample(&mut self, options: &Options) -> Sample {
        self.world.app.take_visits();
        let pid = std::process::id();
        let sample = Sample {
            calls: self.begun,
            rss: rss(pid),
            files: files(pid),
            threads: threads(pid),
            database: octets_in(&self.world.state, "tipring.db"),
        };
        if options.json {
            println!(
                "{}",
                json!({"calls": sample.calls, "rss_kib": sample.rss / 1024, "files": sample.files,
                    "threads": sample.threads, "database_kib": sample.database / 1024, "load": load()})
            );
        } else {
            let Sample { calls, rss, files, threads, database } = sample;
            println!(
                "{calls:>6} calls: {:>7} KiB resident, {files} files, {threads} threads, database {} KiB",
                rss / 1024,
                database / 1024
            );
        }
        sample
    }

    fn judge(self, options: &Options, samples: &[Sample], last: Sample, took: Duration) -> bool {
        let first = samples[0];
        // The first was taken at rest, the others in motion: the slope is of the latter.
        let moving = samples.get(1..).filter(|rest| rest.len() > 2).unwrap_or(samples);
        let by = |value: fn(&Sample) -> u64| {
            slope(&moving.iter().map(|it| (it.calls as f64, value(it) as f64)).collect::<Vec<_>>())
        };
        let (rss, database) = (by(|it| it.rss), by(|it| it.database));
        let at_rest = (last.rss as f64 - first.rss as f64) / (last.calls - first.calls).max(1) as f64;
        let surprises: u64 = self.surprises.values().sum::<u64>() + self.refused_programs;
        let files_apart = last.files.abs_diff(first.files);
        let ok = rss <= RSS_LIMIT
            && database <= DATABASE_LIMIT
            && files_apart <= FILES_LIMIT
            && last.threads == first.threads
            && surprises as f64 <= SURPRISES_LIMIT * self.begun as f64;
        let end = json!({
            "row": "soak", "calls": last.calls - first.calls, "warm_up": first.calls,
            "rss_octets_a_call": round(rss), "rss_octets_a_call_at_rest": round(at_rest), "rss_goal": RSS_LIMIT,
            "database_octets_a_call": round(database), "database_goal": DATABASE_LIMIT,
            "files": [first.files, last.files], "threads": [first.threads, last.threads],
            "surprises": self.surprises, "programs_refused": self.refused_programs, "ended": self.ended,
            "seconds": took.as_secs(), "ok": ok,
        });
        if options.json {
            println!("{end}");
        } else {
            println!("{end:#}");
        }
        self.world.stop();
        ok
    }
}
