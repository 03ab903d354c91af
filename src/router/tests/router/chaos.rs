//! Everything at once, by seed: many calls, keys, hang-ups, stale and repeated events, failing applications. Whatever
//! happens, every call ends once, every channel is cleared once, and the same seed gives the same effects.

use std::collections::BTreeMap;

use tipring_card::Cause;
use tipring_resources::Sid;
use tipring_router::{Effect, Event, LineCommand, LineEvent, Purpose, SwitchEvent};
use tipring_switch::Port;

use crate::bench::*;

/// xorshift64*.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from(self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33).unwrap_or(0) % bound
    }
}

#[test]
fn the_same_events_give_the_same_effects_and_another_seed_other_sids() {
    let story = |seed: u64| {
        let mut bench = Bench::bare(seed);
        bench.knows(number("100"));
        bench.app(APP, &[xml("<Gather numDigits='1'><Say>m</Say></Gather><Record timeout='2'/>")]);
        let lease = bench.rings();
        bench.wait_ms(300);
        bench.presses(lease, "1");
        bench.wait_ms(2_000);
        bench.hangs_up(lease);
        bench.run_out();
        bench.transcript()
    };
    assert_eq!(story(1), story(1));
    let (one, two) = (story(1), story(2));
    assert_ne!(one, two);
    let without_ids =
        |text: &str| text.lines().map(|line| line.split(' ').next().unwrap_or("").to_owned()).collect::<Vec<_>>();
    assert_eq!(without_ids(&one), without_ids(&two), "only names differ");
}

fn documents(dice: &mut Dice) -> App {
    let verbs = [
        "<Say>a</Say>",
        "<Play>/b.wav</Play>",
        "<Play>/gone.wav</Play>",
        "<Play digits='12'/>",
        "<Pause/>",
        "<Gather numDigits='2' timeout='1'><Say>m</Say></Gather>",
        "<Gather timeout='1' bargeIn='false'><Play>/b.wav</Play></Gather>",
        "<Record timeout='1' maxLength='3' recordingStatusCallback='/cb'/>",
        "<Record maxLength='2' action='/none'/>",
        "<Redirect/>",
        "<Redirect>/none</Redirect>",
        "<Hangup/>",
        "<Reject/>",
        "<Dial>1</Dial>",
        "<broken",
    ];
    let count = dice.below(5);
    let inner: String = (0..count).map(|_| verbs[dice.below(verbs.len())]).collect();
    match dice.below(12) {
        0 => App::Fails(11200),
        1 => App::Hangs,
        2 => App::Says("text/plain", "hello".into()),
        3 => App::Says("audio/wav", String::new()),
        _ => xml(&inner),
    }
}

fn chaos(seed: u64) -> Bench {
    let mut dice = Dice(seed | 1);
    let mut bench = Bench::bare(seed);
    let mut number = number("100");
    number.voice_fallback_url = "http://spare.test/".into();
    number.status_callback = "http://app.test/status".into();
    bench.knows(number);
    let answers: Vec<App> = (0..40).map(|_| documents(&mut dice)).chain([xml("")]).collect();
    bench.app(APP, &answers);
    bench.app("http://spare.test/", &[App::Fails(11200), xml("<Say>spare</Say>")]);
    bench.app("http://app.test/status", &[App::Fails(11200), App::Says("", String::new())]);
    bench.sound("gone", SoundIs::Broken(13420));
    bench.sound("b.wav", SoundIs::BreaksAfter(300));
    bench.caller_speaks = dice.below(2) == 0;
    let mut leases: Vec<Port> = Vec::new();
    for _ in 0..120 {
        let lease = match leases.len() {
            0 => bench.rings(),
            n => leases[dice.below(n)],
        };
        if !leases.contains(&lease) {
            leases.push(lease);
        }
        match dice.below(18) {
            0 => leases.push(bench.rings()),
            1 => leases.push(bench.rings_for("999")),
            2..=4 => bench.presses(lease, ["1", "#", "12", "*0#"][dice.below(4)]),
            5 => bench.hangs_up(lease),
            6 => stale(&mut bench, lease, &mut dice),
            7 => {
                let live = bench.router.live_calls().next().map(|call| call.sid);
                if let Some(call) = live {
                    bench.asks_to_end(call, dice.below(2) == 0);
                }
            }
            8 => bench.store_commits = dice.below(3) > 0,
            9 => bench.line_answers = dice.below(6) > 0,
            _ => bench.wait_ms([1, 10, 500, 1_500, 4_000][dice.below(5)]),
        }
    }
    bench.store_commits = true;
    bench.run_out();
    bench
}

/// Words about what is over, or never was, or is said twice.
fn stale(bench: &mut Bench, lease: Port, dice: &mut Dice) {
    let play = tipring_router::PlayId(u64::try_from(dice.below(60)).unwrap_or(0));
    let event = match dice.below(5) {
        0 => Event::Line(LineEvent::Answered { lease, by: tipring_card::Supervision::Connect }),
        1 => Event::Line(LineEvent::Cleared { lease, cause: Cause::NORMAL, by_far_end: true }),
        2 => Event::Switch(SwitchEvent::Played { port: lease, play, octets: 0, whole: true }),
        3 => Event::Written { id: tipring_router::WriteId(play.0), result: Err("stale".into()) },
        _ => Event::Timer,
    };
    bench.event(event);
}

#[track_caller]
fn check(bench: &Bench, seed: u64) {
    assert_eq!(bench.router.live_calls().count(), 0, "seed {seed}");
    assert_eq!(bench.router.deadline(), None, "seed {seed}");
    let mut finals: BTreeMap<Sid, usize> = BTreeMap::new();
    for call in bench.call_records() {
        *finals.entry(call.sid).or_default() += usize::from(call.status.is_final());
    }
    assert!(finals.values().all(|count| *count == 1), "seed {seed}: a call has one final record: {finals:?}");
    let mut clears: BTreeMap<Port, usize> = BTreeMap::new();
    for (_, effect) in &bench.log {
        if let Effect::Line(LineCommand::Clear { lease, .. }) = effect {
            *clears.entry(*lease).or_default() += 1;
        }
    }
    assert!(clears.values().all(|count| *count == 1), "seed {seed}: a channel is cleared once");
    check_order(bench, seed);
}

/// After a call's final record nothing is asked but notices, and after it is forgotten nothing at all.
#[track_caller]
fn check_order(bench: &Bench, seed: u64) {
    let (mut over, mut forgotten) = (Vec::new(), Vec::new());
    for (_, effect) in &bench.log {
        match effect {
            Effect::Write { record, .. } => {
                if let tipring_resources::Record::Call(call) = record.as_ref() {
                    assert!(!over.contains(&call.sid), "seed {seed}: written after its end");
                    if call.status.is_final() {
                        over.push(call.sid);
                    }
                }
            }
            Effect::Http { request, .. } => {
                assert!(!forgotten.contains(&request.session), "seed {seed}: asked after it was forgotten");
                let ended = over.contains(&request.session);
                assert!(!ended || request.purpose == Purpose::Callback, "seed {seed}: a document for a dead call");
            }
            Effect::ForgetSession { session } => {
                assert!(over.contains(session) && !forgotten.contains(session), "seed {seed}");
                forgotten.push(*session);
            }
            _ => {}
        }
    }
    assert_eq!(over.len(), forgotten.len(), "seed {seed}");
}

/// What happened over all seeds.
#[derive(Debug, Default)]
struct Seen {
    calls: u64,
    documents: u64,
    recordings: u64,
    failures: u64,
    stale: u64,
}

#[test]
fn whatever_happens_every_call_ends_once() {
    let mut seen = Seen::default();
    for seed in 1..=300 {
        let bench = chaos(seed);
        check(&bench, seed);
        let counters = bench.router.counters();
        seen.calls += counters.calls;
        seen.documents += counters.documents;
        seen.recordings += counters.recordings;
        seen.failures += counters.sounds_failed.min(1) + counters.http_timeouts.min(1);
        seen.stale += counters.stale_events;
    }
    // It was worth something only if all of it happened.
    assert!(seen.calls > 3_000 && seen.documents > 500 && seen.recordings > 50, "{seen:?}");
    assert!(seen.failures > 100 && seen.stale > 1_000, "{seen:?}");
}

#[test]
fn chaos_is_the_same_twice() {
    for seed in [3, 77, 1_234] {
        assert!(chaos(seed).transcript() == chaos(seed).transcript(), "seed {seed}");
    }
}
