//! A media thread that is late while digits go out on an analogue line: the office hears the right number or no call
//! comes about. Seeded: where it is late, how long, and whether the delay is before it reads or between two blocks.

use tipring_sim::Dialled;

use super::*;

const NUMBER: &str = "5550100";
const SEEDS: u64 = 400;
/// After the seizure, dial tone and a little.
const DIALLING_FROM_MS: u64 = 2_600;
const DIALLING_BLOCKS: u32 = 180;

/// Pseudo-random numbers of a seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % u64::from(bound)) as u32
    }
}

/// What came of one attempt.
#[derive(Default, Debug)]
struct Tally {
    right: u32,
    none: u32,
    wrong: Vec<(u64, String)>,
    broken: u64,
    moved: usize,
}

fn setting(ports: u16) -> Setting {
    let wire = WireConfig { spans: 0, analog_ports: ports, ..WireConfig::default() };
    Setting { wire, ..Setting::default() }
}

impl Bench {
    /// Runs so many blocks; the media thread misses `late` of them. `inside`: it is stopped when it has the first tick.
    pub fn runs_late(&mut self, late: u32, inside: bool) {
        for _ in 0..late {
            self.pass_block();
        }
        self.pass_block();
        if inside && late > 0 {
            self.media_ticks(1);
            self.media_ticks(late);
        } else {
            self.media_ticks(late + 1);
        }
    }

    /// Every number that the office has heard, of calls under way and of those that are over.
    fn heard_at_office(&self) -> Vec<String> {
        let calls = (1..=8).filter_map(|n| self.office.call(&format!("in-{n}")));
        calls.filter(|call| call.dialled == Dialled::There).map(|call| call.to.clone()).collect()
    }
}

/// Dials once; the media thread is late `times` times by one of `most` blocks at most.
fn attempt(seed: u64, ports: u16, times: u32, most: u32, tally: &mut Tally) {
    let mut dice = Dice(seed);
    let answers = Reply::Answer { rings: Micros::from_ms(60_000), steps: stays() };
    // The numbers that a doubled digit makes of ours are somebody’s too.
    let mut bench = Bench::calling(vec![(NUMBER, answers)], setting(ports));
    bench.dial(NUMBER);
    bench.run_ms(DIALLING_FROM_MS);
    let mut at: Vec<u32> = (0..times).map(|_| dice.below(DIALLING_BLOCKS)).collect();
    at.sort_unstable();
    for block in 0..DIALLING_BLOCKS {
        let late = if at.contains(&block) { 1 + dice.below(most) } else { 0 };
        bench.runs_late(late, dice.below(2) == 0);
    }
    bench.run_ms(14_000);
    // A number that is whole, and the exchange works on it; what was broken off is shorter or not connected.
    let heard = bench.heard_at_office();
    let early = bench.count(|event| matches!(event, LineEvent::EarlyMedia { .. })) > 0;
    match heard.iter().find(|number| !NUMBER.starts_with(number.as_str())) {
        Some(number) => tally.wrong.push((seed, number.clone())),
        None if early && heard.iter().any(|number| number == NUMBER) => tally.right += 1,
        None if early => tally.wrong.push((seed, format!("{heard:?} taken for the whole number"))),
        None => {
            tally.none += 1;
            assert_eq!(bench.cleared().len(), 1, "seed {seed}: {:?}", bench.told);
            let cause = |event: &&LineEvent| {
                matches!(event, LineEvent::Cleared { cause: Cause::TEMPORARY_FAILURE, by_far_end: false, .. })
            };
            assert!(bench.cleared().iter().all(cause), "seed {seed}: {:?}", bench.cleared());
            assert!(bench.notes.iter().any(|note| note.contains("the audio was late")), "{:?}", bench.notes);
        }
    }
    tally.broken += bench.media.counters().broken_sendings;
    tally.moved += bench.count(|event| matches!(event, LineEvent::Moved { .. }));
}

fn tally(ports: u16, times: u32, most: u32) -> Tally {
    let mut tally = Tally::default();
    for seed in 0..SEEDS {
        attempt(seed, ports, times, most, &mut tally);
    }
    println!("{ports} lines, {times} times late by up to {most} blocks: {tally:?}");
    tally
}

#[test]
fn a_late_media_thread_never_dials_a_wrong_number() {
    let tally = tally(1, 2, 20);
    assert!(tally.wrong.is_empty(), "{tally:?}");
    assert!(tally.right > 50 && tally.none > 50, "both are shown: {tally:?}");
    assert_eq!(u64::from(tally.none), tally.broken);
}

#[test]
fn forty_milliseconds_are_covered_by_the_buffers() {
    let tally = tally(1, 1, 4);
    assert!(tally.wrong.is_empty() && tally.right == SEEDS as u32 && tally.broken == 0, "{tally:?}");
}

#[test]
fn digits_that_are_broken_off_are_tried_on_two_other_lines_at_most() {
    let mut all = Tally::default();
    for seed in 0..20 {
        attempt(seed, 4, 3, 30, &mut all);
    }
    assert!(all.wrong.is_empty() && all.moved > 0 && all.right > 0, "{all:?}");
    let mut bench = Bench::calling(Vec::new(), setting(4));
    bench.dial(NUMBER);
    for _ in 0..60 {
        bench.run_ms(250);
        bench.runs_late(30, false);
    }
    assert_eq!(bench.count(|event| matches!(event, LineEvent::Moved { .. })), 2, "{:?}", bench.told);
    assert!(matches!(bench.cleared()[..], [LineEvent::Cleared { cause: Cause::TEMPORARY_FAILURE, .. }]));
    assert!(bench.heard_at_office().iter().all(|number| number != NUMBER && NUMBER.starts_with(number.as_str())));
}
