//! kill -9, at fifty seeded moments, under four calls, two on the PRI and two on analogue lines, and under calls that go
//! out: made by the API or dialled by documents, waiting for a line, ringing, bridged, recorded. The box is a process of
//! its own and runs in real time on a simulated card; its application and its API's client live here, so that what they
//! were told outlives it. Afterwards everything that was told has to be true: see `check`. A box dies many times: what it
//! said in earlier lives has to stay true as well.
//!
//! The moments are a wait, the n-th SID that anybody was shown, the n-th request to the application, or the n-th that
//! tells it an end: in that instant, before the request is answered. They are counted from when all four callers are there; in some lives from the start,
//! so that calls go out before anybody has rung. Real time does not repeat itself: a seed gives the moment, not the run.
//! `TIPRING_SOAK=1` makes it two hundred kills.
//!
//! Not here: that every line is on-hook afterwards. The far ends live in the box's process and die with it; the lab's
//! exchanges, which outlive the box, prove it.

mod application;
mod check;
mod client;
mod facts;
mod orders;
mod sharing;
mod victim;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tipring_resources::Sid;

use application::{Application, Counted, JOBS, Trigger};
use check::Found;
use client::Api;
use facts::Facts;
use orders::Orders;
use victim::{Cut, FOUR, Home, NOBODY, Victim};

/// Boxes that live and die beside each other: as many as a small machine carries in real time.
const BOXES: u64 = 8;
/// Kills, and kills under `TIPRING_SOAK`.
const KILLS: u64 = 50;
const SOAK_KILLS: u64 = 200;
/// Waits after all callers are there.
const WAIT_MS: std::ops::RangeInclusive<u64> = 100..=4_500;
/// Waits after the first call of all, which goes out: an analogue line is dialled slowly and rings slowly.
const EARLY_WAIT_MS: std::ops::RangeInclusive<u64> = 50..=9_000;
/// One life of so many begins with calls that go out.
const EARLY: u64 = 4;
/// What a start takes, more or less: opening and repairing the store, the cache, the line.
const START_MS: std::ops::RangeInclusive<u64> = 5..=400;
/// A box's first starts, on nothing, are cut so often before one may come to its end.
const STILLBORN: u64 = 3;
/// SIDs until a kill.
const SIDS: std::ops::RangeInclusive<u64> = 1..=16;
/// Requests to the application until a kill.
const REQUESTS: std::ops::RangeInclusive<u64> = 1..=40;
/// Ends told to the application until a kill.
const ENDS: std::ops::RangeInclusive<u64> = 1..=8;
/// A kill at something that nobody comes to see happens after this time all the same.
const AT_LATEST: Duration = Duration::from_secs(8);

/// When a box dies.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// So long after its calls are there.
    After(Duration),
    /// When somebody sees the n-th SID.
    AtSid(u32),
    /// When the application is asked or told for the n-th time.
    AtRequest(u32),
    /// When the application is told for the n-th time that a call is over.
    AtEnd(u32),
}

impl Moment {
    fn trigger(self, then: impl FnOnce() + Send + 'static) -> Option<Trigger> {
        let (counted, left) = match self {
            Moment::After(_) => return None,
            Moment::AtSid(left) => (Counted::Sids, left),
            Moment::AtRequest(left) => (Counted::Requests, left),
            Moment::AtEnd(left) => (Counted::Ends, left),
        };
        Some(Trigger { counted, left, then: Box::new(then) })
    }
}

/// The plan of one kill.
#[derive(Clone, Copy, Debug)]
struct Plan {
    /// Calls go out before anybody rings; else when all callers are there.
    early: bool,
    /// Which caller has which job.
    shift: u64,
    moment: Moment,
    after: After,
}

/// What happens before the dead box is looked at.
#[derive(Clone, Copy, Debug)]
enum After {
    /// Nothing: the look repairs it.
    Rest,
    /// It starts again, repairs itself and shows what it knows.
    Rise,
    /// It starts again and dies so soon that it may be in the middle of the repair.
    RiseAndFall(Duration),
}

impl Plan {
    fn of(seed: u64) -> Plan {
        let draw = |nth: u64, range: std::ops::RangeInclusive<u64>| {
            range.start() + mix(seed.wrapping_mul(7).wrapping_add(nth)) % (range.end() - range.start() + 1)
        };
        let early = draw(4, 0..=EARLY - 1) == 0;
        let count = |range| u32::try_from(draw(1, range)).unwrap_or(1);
        let moment = match draw(0, 0..=5) {
            0 | 1 => Moment::After(Duration::from_millis(draw(1, if early { EARLY_WAIT_MS } else { WAIT_MS }))),
            2 => Moment::AtSid(count(SIDS)),
            3 => Moment::AtRequest(count(REQUESTS)),
            _ => Moment::AtEnd(count(ENDS)),
        };
        let after = match draw(2, 0..=3) {
            0 => After::Rest,
            1 | 2 => After::Rise,
            _ => After::RiseAndFall(Duration::from_millis(draw(3, START_MS))),
        };
        Plan { early, shift: draw(5, 0..=JOBS - 1), moment, after }
    }
}

/// Splitmix64: neighbouring seeds give unlike numbers.
fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// One box, over all its lives.
struct Patient {
    home: Home,
    application: Application,
    past: Facts,
    reference: Arc<BTreeMap<u64, Vec<u8>>>,
}

/// What came of all kills.
#[derive(Debug, Default)]
struct Figures {
    kills: u64,
    calls: usize,
    recordings: usize,
    answers: u64,
    journaled: u64,
    failed: u64,
    cut: u64,
    lost: u64,
    worst_short_ms: u64,
    hits: u64,
    misses: u64,
    /// Calls that the API made.
    made: usize,
    /// Calls that documents dialled.
    children: usize,
    /// Boxes that died under two calls on the PRI and two on analogue lines, or more.
    full: u64,
    queued: u64,
    ringing: u64,
    talking: u64,
    bridged: u64,
}

impl Patient {
    async fn live_and_die(&mut self, plan: Plan) -> Result<Figures, String> {
        let shared = self.application.shared();
        shared.set_shift(plan.shift);
        let mut victim = Victim::start(&self.home.0, &self.application.voice_url(), FOUR).map_err(text)?;
        let state = victim.ready(&self.home.0).await?;
        let account: Sid = state["account"].as_str().and_then(|sid| sid.parse().ok()).ok_or("no account")?;
        let api = Api::new(&state, shared.clone())?;
        let numbers = api.set_callback(&self.application.url("status")).await?;
        let waited = if plan.early { victim.line_up().await } else { victim.full().await };
        shared.set_trigger(plan.moment.trigger(victim.killer()));
        let client = tokio::spawn(api.clone().pester(Orders::new(&self.application)));
        let killed = match waited {
            Ok(()) => self.kill(&mut victim, plan.moment).await,
            Err(why) => Err(why),
        };
        let heard = victim.bury().await;
        shared.set_trigger(None);
        client.abort();
        let _ = client.await;
        killed?;
        let heard = heard?;
        let (new, sounds) = shared.take();
        match plan.after {
            After::Rest => {}
            After::Rise => self.rise(&new).await?,
            After::RiseAndFall(wait) => self.rise_and_fall(wait).await?,
        }
        self.past.add(&new);
        // Its next start sets the numbers anew.
        let numbers = if matches!(plan.after, After::Rest) { numbers } else { Vec::new() };
        let (store, mut found) = check::store(&self.home.0, account, &numbers, &self.past).await?;
        if matches!(plan.after, After::Rise) {
            check::was_repaired_before(&found)?;
        }
        check::cut_recordings(&store, account, &heard, &mut found).await?;
        store.close().await;
        check::cache(&self.home.0, account, &self.application, &sounds, &self.reference, &mut found).await?;
        Ok(figures(&new, &found, &heard.cut(), api.answers.load(Ordering::Relaxed)))
    }

    async fn kill(&self, victim: &mut Victim, moment: Moment) -> Result<(), String> {
        match moment {
            Moment::After(wait) => {
                victim.rung().await?;
                // A random moment is the subject here; nothing waits for anything to be done by then.
                tokio::time::sleep(wait).await;
                Ok(())
            }
            Moment::AtSid(_) | Moment::AtRequest(_) | Moment::AtEnd(_) => {
                victim.dies_within(AT_LATEST).await;
                Ok(())
            }
        }
    }

    /// The box starts again, shows what it knows, and is killed once more.
    async fn rise(&self, facts: &Facts) -> Result<(), String> {
        let mut risen = Victim::start(&self.home.0, &self.application.voice_url(), NOBODY).map_err(text)?;
        let state = risen.ready(&self.home.0).await?;
        let shown = check::api(&Api::new(&state, self.application.shared())?, facts).await;
        risen.bury().await?;
        shown
    }

    /// The box starts again and is killed while it does.
    async fn rise_and_fall(&self, wait: Duration) -> Result<(), String> {
        let risen = Victim::start(&self.home.0, &self.application.voice_url(), NOBODY).map_err(text)?;
        // A random moment again.
        tokio::time::sleep(wait).await;
        risen.bury().await.map(drop)
    }
}

fn text(error: std::io::Error) -> String {
    error.to_string()
}

fn figures(new: &Facts, found: &Found, cut: &Cut, answers: u64) -> Figures {
    let repaired = &found.repaired;
    Figures {
        kills: 1,
        calls: new.calls.len(),
        recordings: new.recordings.len(),
        answers,
        journaled: repaired.journaled_calls,
        failed: repaired.failed_calls,
        cut: found.cut,
        lost: repaired.lost_files,
        worst_short_ms: found.short_ms,
        hits: found.hits,
        misses: found.misses,
        made: new.calls.values().filter(|told| told.made).count(),
        children: new.calls.values().filter(|told| told.parent.is_some()).count(),
        full: u64::from(cut.is_full()),
        queued: cut.queued,
        ringing: cut.ringing,
        talking: cut.talking,
        bridged: cut.bridged,
    }
}

impl Figures {
    fn add(&mut self, other: &Figures) {
        self.kills += other.kills;
        self.calls += other.calls;
        self.recordings += other.recordings;
        self.answers += other.answers;
        self.journaled += other.journaled;
        self.failed += other.failed;
        self.cut += other.cut;
        self.lost += other.lost;
        self.worst_short_ms = self.worst_short_ms.max(other.worst_short_ms);
        self.hits += other.hits;
        self.misses += other.misses;
        self.made += other.made;
        self.children += other.children;
        self.full += other.full;
        self.queued += other.queued;
        self.ringing += other.ringing;
        self.talking += other.talking;
        self.bridged += other.bridged;
    }
}

/// All kills of one box; the first failure ends it and leaves its folder.
async fn box_of(nth: u64, kills: u64, reference: Arc<BTreeMap<u64, Vec<u8>>>) -> Result<Figures, String> {
    let home = Home::new(&nth.to_string()).map_err(text)?;
    let application = Application::start().await.map_err(text)?;
    let mut patient = Patient { home, application, past: Facts::default(), reference };
    for stillborn in 0..STILLBORN {
        let wait = START_MS.start() + mix(nth * STILLBORN + stillborn) % (START_MS.end() - START_MS.start() + 1);
        let fell = patient.rise_and_fall(Duration::from_millis(wait)).await;
        fell.map_err(|why| format!("first start of box {nth}, cut after {wait} ms: {why}"))?;
    }
    let mut sum = Figures::default();
    for seed in (1..=kills).filter(|seed| seed % BOXES == nth) {
        let plan = Plan::of(seed);
        match patient.live_and_die(plan).await {
            Ok(figures) => {
                println!("seed {seed}, {plan:?}: {figures:?}");
                sum.add(&figures);
            }
            Err(why) => {
                let place = patient.home.0.display();
                return Err(format!("seed {seed}, {plan:?}: {why} (its state is in {place})"));
            }
        }
    }
    let log = std::fs::read_to_string(patient.home.0.join("stderr.log")).map_err(text)?;
    if let Some(line) = log.lines().find(|line| line.contains("panicked")) {
        return Err(format!("box {nth} panicked: {line} (its state is in {})", patient.home.0.display()));
    }
    patient.home.remove();
    Ok(sum)
}

#[tokio::test(flavor = "multi_thread")]
async fn c28_what_was_told_is_true_after_kill_9_at_any_moment() {
    let kills = if std::env::var_os("TIPRING_SOAK").is_some() { SOAK_KILLS } else { KILLS };
    let home = Home::new("reference").unwrap();
    let reference = Arc::new(check::reference(&home.0).await.unwrap());
    home.remove();
    let boxes: Vec<_> = (0..BOXES).map(|nth| tokio::spawn(box_of(nth, kills, reference.clone()))).collect();
    let mut sum = Figures::default();
    let mut failures = Vec::new();
    for it in boxes {
        match it.await.unwrap() {
            Ok(figures) => sum.add(&figures),
            Err(why) => failures.push(why),
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    println!("{sum:?}");
    assert_eq!(sum.kills, kills);
    // The kills have to have found something under way, or they prove nothing.
    assert!(sum.calls as u64 > kills * 3 && sum.failed > kills / 3, "too few calls were under way: {sum:?}");
    assert!(sum.full > kills * 2 / 5, "too few boxes died under two calls on each kind of line: {sum:?}");
    let states = [sum.queued, sum.ringing, sum.talking, sum.bridged];
    assert!(states.iter().all(|cut| *cut > kills / 5), "a state was cut too seldom: {sum:?}");
    assert!(sum.cut > kills / 4 && sum.hits > 0 && sum.misses > 0, "too little was being written: {sum:?}");
}
