//! kill -9, at fifty seeded moments, under four calls. The box is a process of its own and runs in real time on a
//! simulated card; its application and its API's client live here, so that what they were told outlives it. Afterwards
//! everything that was told has to be true: see `check`. A box dies many times: what it said in earlier lives has to
//! stay true as well.
//!
//! The moments are a wait after the first call, or the n-th SID that anybody was shown: in that instant, before the
//! request that showed it is answered. Real time does not repeat itself: a seed gives the moment, not the run.
//! `TIPRING_SOAK=1` makes it two hundred kills.

mod application;
mod check;
mod client;
mod facts;
mod victim;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tipring_resources::Sid;

use application::{Application, Trigger};
use check::Found;
use client::Api;
use facts::Facts;
use victim::{Home, Victim};

/// Boxes that live and die beside each other: as many as a small machine carries in real time.
const BOXES: u64 = 4;
/// Callers at each.
const CALLERS: u8 = 4;
/// Kills, and kills under `TIPRING_SOAK`.
const KILLS: u64 = 50;
const SOAK_KILLS: u64 = 200;
/// Waits after the first call.
const WAIT_MS: std::ops::RangeInclusive<u64> = 200..=6_000;
/// What a start takes, more or less: opening and repairing the store, the cache, the line.
const START_MS: std::ops::RangeInclusive<u64> = 5..=400;
/// A box's first starts, on nothing, are cut so often before one may come to its end.
const STILLBORN: u64 = 3;
/// SIDs until a kill.
const SIDS: std::ops::RangeInclusive<u64> = 1..=20;
/// A kill at a SID that nobody comes to see happens after this time all the same.
const AT_LATEST: Duration = Duration::from_secs(12);

/// When a box dies.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// So long after its first call is there.
    After(Duration),
    /// When somebody sees the n-th SID.
    AtSid(u32),
}

/// The plan of one kill.
#[derive(Clone, Copy, Debug)]
struct Plan {
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
        let moment = match draw(0, 0..=1) {
            0 => Moment::After(Duration::from_millis(draw(1, WAIT_MS))),
            _ => Moment::AtSid(u32::try_from(draw(1, SIDS)).unwrap_or(1)),
        };
        let after = match draw(2, 0..=3) {
            0 => After::Rest,
            1 | 2 => After::Rise,
            _ => After::RiseAndFall(Duration::from_millis(draw(3, START_MS))),
        };
        Plan { moment, after }
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
}

impl Patient {
    async fn live_and_die(&mut self, plan: Plan) -> Result<Figures, String> {
        let shared = self.application.shared();
        let mut victim = Victim::start(&self.home.0, &self.application.voice_url(), CALLERS).map_err(text)?;
        let state = victim.ready(&self.home.0).await?;
        let account: Sid = state["account"].as_str().and_then(|sid| sid.parse().ok()).ok_or("no account")?;
        let api = Api::new(&state, shared.clone())?;
        let number = api.set_callback(&format!("http://{}/status", self.application.address)).await?;
        if let Moment::AtSid(left) = plan.moment {
            shared.set_trigger(Some(Trigger { left, then: Box::new(victim.killer()) }));
        }
        let client = tokio::spawn(api.clone().pester());
        let killed = self.kill(&mut victim, plan.moment).await;
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
        // Its next start sets the number anew.
        let number = Some(number).filter(|_| matches!(plan.after, After::Rest));
        let (store, mut found) = check::store(&self.home.0, account, number, &self.past).await?;
        if matches!(plan.after, After::Rise) {
            check::was_repaired_before(&found)?;
        }
        check::cut_recordings(&store, account, &heard, &mut found).await?;
        store.close().await;
        check::cache(&self.home.0, account, &self.application, &sounds, &self.reference, &mut found).await?;
        Ok(figures(&new, &found, api.answers.load(Ordering::Relaxed)))
    }

    async fn kill(&self, victim: &mut Victim, moment: Moment) -> Result<(), String> {
        match moment {
            Moment::After(wait) => {
                victim.rung().await?;
                // A random moment is the subject here; nothing waits for anything to be done by then.
                tokio::time::sleep(wait).await;
                Ok(())
            }
            Moment::AtSid(_) => {
                victim.dies_within(AT_LATEST).await;
                Ok(())
            }
        }
    }

    /// The box starts again, shows what it knows, and is killed once more.
    async fn rise(&self, facts: &Facts) -> Result<(), String> {
        let mut risen = Victim::start(&self.home.0, &self.application.voice_url(), 0).map_err(text)?;
        let state = risen.ready(&self.home.0).await?;
        let shown = check::api(&Api::new(&state, self.application.shared())?, facts).await;
        risen.bury().await?;
        shown
    }

    /// The box starts again and is killed while it does.
    async fn rise_and_fall(&self, wait: Duration) -> Result<(), String> {
        let risen = Victim::start(&self.home.0, &self.application.voice_url(), 0).map_err(text)?;
        // A random moment again.
        tokio::time::sleep(wait).await;
        risen.bury().await.map(drop)
    }
}

fn text(error: std::io::Error) -> String {
    error.to_string()
}

fn figures(new: &Facts, found: &Found, answers: u64) -> Figures {
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
    assert!(sum.cut > kills / 4 && sum.hits > 0 && sum.misses > 0, "too little was being written: {sum:?}");
}
