//! Callers who hang up at any moment of a Dial, on both kinds of line: whatever was under way, both lines are free again
//! and the next call on them works. Row B11.

use tipring_resources::CallStatus;

use crate::legs::{BOB, release_ms, subscriber, tones};
use crate::world::{Run, document, run};

/// Lines of each side.
const LINES: u64 = 12;
/// When the second call rings on each line: the first is over by then, ringing out of an analogue line included.
const SECOND_MS: u64 = 60_000;
/// A battery that is dropped is seen after half a second, a release on a span at once.
const NOTICED_MS: u64 = 1_000;
/// 2026-01-01 00:00 UTC: the scenario's start.
const EPOCH_US: i64 = 1_767_225_600_000_000;
/// How long a box may believe that an analogue line still rings: the longest pause of a cadence, and something more.
const RINGS_ON_MS: u64 = 9_000;

/// Numbers between two, by seed.
fn moments(seed: u64, from_ms: u64, to_ms: u64) -> Vec<u64> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        from_ms + (state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % (to_ms - from_ms)
    };
    (0..LINES).map(|_| next()).collect()
}

/// Callers over `from`, legs over `to`; each caller hangs up at a moment of its own, and calls again later.
fn callers(from: &str, to: &str, seed: u64) -> (Run, Vec<u64>) {
    let lines: Vec<_> = (LINES + 1..=2 * LINES).map(|n| format!("\"sim 3/{n}\"")).collect();
    let mut text = format!("limit_s = 200\nspans = 2\nanalog_lines = {}\ncountry = \"us\"\n", 2 * LINES)
        + "[[group]]\nname = \"pri\"\nlines = [\"sim 2\"]\n"
        + &format!("[[group]]\nname = \"fxo\"\nlines = [{}]\n", lines.join(", "))
        + &document("/", &format!("<Response><Dial><Number trunk=\"{to}\">{BOB}</Number></Dial></Response>"))
        + &subscriber(BOB, "rings_ms = 3000\ndoes = [{ tone = { hz = 700.0, ms = 1500 } }, { await_hangup = {} }]");
    let hangs_up = moments(seed, 50, 24_000);
    for (n, ms) in (1..).zip(&hangs_up) {
        let way = if from == "pri" { format!("to = \"1{n:02}\"") } else { format!("line = {n}") };
        let number = if from == "pri" { format!("1{n:02}") } else { format!("sim 3/{n}") };
        text += &format!("[[number]]\nnumber = \"{number}\"\nurl = \"http://app.example/\"\n");
        text += &format!(
            "[[call]]\nid = \"first-{n}\"\n{way}\ndoes = [{{ wait = {{ ms = {ms} }} }}, {{ hangup = {{}} }}]\n"
        );
        text += &format!("[[call]]\nid = \"second-{n}\"\nat_ms = {SECOND_MS}\n{way}\n");
        text += "does = [{ await_answer = {} }, { wait = { ms = 22000 } }, { hangup = {} }]\n";
        text += "expect = { status = \"completed\", errors = [] }\n";
    }
    (run(&text).met(), hangs_up)
}

#[test]
fn b11_a_caller_may_hang_up_at_any_moment_and_both_lines_work_again() {
    for (seed, from, to) in [(1, "pri", "pri"), (2, "pri", "fxo"), (3, "fxo", "pri"), (4, "fxo", "fxo")] {
        let (run, hangs_up) = callers(from, to, seed);
        let what = format!("{from} to {to}");
        assert!(run.outcome.records.iter().all(|call| call.status.is_final()), "{what}");
        // The second calls: every one is connected.
        for (id, heard) in run.outcome.heard.iter().filter(|(id, _)| id.starts_with("second")) {
            assert!(tones(heard, 700.0).iter().any(|tone| tone.ms > 1_000), "{what}, {id}: not connected");
        }
        // The first ones: the leg goes with its caller.
        for (at, ms) in (0..).zip(&hangs_up) {
            let told = &run.outcome.told[2 * at];
            for leg in run.legs_of(&told.sid) {
                assert!(matches!(leg.status, CallStatus::Canceled | CallStatus::Completed), "{what}: {:?}", leg.status);
                let over = leg.ended.map_or(u64::MAX, |at| (at.0 - EPOCH_US).unsigned_abs() / 1_000);
                let hung_up = told.moments.ended_ms.unwrap_or(0);
                // Who gives up between two rings has left a line that the box answers: it finds dial tone there.
                let noticed = if told.moments.answered_ms.is_some() { NOTICED_MS } else { RINGS_ON_MS };
                assert!(
                    over <= hung_up + noticed,
                    "{what}: hung up at {hung_up} after {ms} ms, the leg over at {over}"
                );
            }
        }
        let ended = |called: &tipring::daemon::simulation::Called| called.moments.ended_ms;
        assert!(run.outcome.called.iter().all(|called| ended(called).is_some()), "{what}: somebody still rings");
        let late =
            run.outcome.called.iter().filter(|called| called.moments.began_ms < SECOND_MS).filter_map(ended).max();
        let last = hangs_up.iter().max().copied().unwrap_or(0) + 2_500 + release_ms(to) + RINGS_ON_MS;
        assert!(late <= Some(last), "{what}: the last leg ended at {late:?}, wanted {last}");
    }
}
