//! The same file and the same seed give the same lines, octet by octet, whatever the threads and the machine do.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tipring::daemon::scenario::Scenario;

use crate::world::{render, run_scenario};

/// Runs of the short example.
const RUNS: u64 = 20;

fn example(name: &str) -> Scenario {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/sim").join(name);
    Scenario::load(&file).unwrap_or_else(|error| panic!("{error}"))
}

/// A core that has something else to do for as long as this lives.
struct Busy(Arc<AtomicBool>);

impl Busy {
    fn begin() -> Busy {
        let on = Arc::new(AtomicBool::new(true));
        let spinning = on.clone();
        std::thread::spawn(move || {
            while spinning.load(Ordering::Relaxed) {
                std::hint::spin_loop();
            }
        });
        Busy(on)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

fn first_difference(one: &[u8], other: &[u8]) -> String {
    let (one, other) = (String::from_utf8_lossy(one), String::from_utf8_lossy(other));
    let pair = one.lines().zip(other.lines()).find(|(a, b)| a != b);
    pair.map_or("one is longer".into(), |(a, b)| format!("\n{a}\n{b}"))
}

#[track_caller]
fn assert_same(one: &[u8], other: &[u8], what: &str) {
    assert!(one == other, "{what}: {}", first_difference(one, other));
}

#[test]
fn determinism_twenty_runs_are_equal_whatever_the_threads_do() {
    twenty("menu.toml");
}

#[test]
fn determinism_twenty_runs_of_two_calls_at_once_are_equal() {
    twenty("two-applications.toml");
}

#[test]
fn determinism_twenty_runs_of_two_legs_on_both_kinds_of_line_are_equal() {
    twenty("connect.toml");
}

/// Calls of programs, a collision on a line, changes of live calls, and frames that are lost.
#[test]
fn determinism_programs_changes_and_collisions_are_equal() {
    use crate::legs::{BOB, both_kinds, dial, program, subscriber, telephone};
    let hold = "twiml = \"<Response><Pause length='4'/></Response>\"\ngroup = \"one\"";
    let speaks = "rings_ms = 3000\ndoes = [{ tone = { hz = 700.0, ms = 900 } }, { await_hangup = {} }]";
    let text = "[exchange]\nring_delay_ms = 1000\n[faults]\nframe_loss_one_in = 12\n".to_string()
        + &crate::world::document("/", &dial("pri", "record=\"record-from-answer-dual\""))
        + &program("first", &format!("at_ms = 980\n{hold}"))
        + &program("second", &format!("at_ms = 1500\n{hold}"))
        + &subscriber(BOB, speaks)
        + &telephone("analog", "fxo", "{ wait = { ms = 9000 } }, { tone = { hz = 900.0, ms = 500 } }, { hangup = {} }")
        + &telephone("span", "pri", "{ await_hangup = {} }")
        + "\n[[change]]\nof = \"span\"\nat_ms = 9000\ndialled = true\ntwiml = \"<Response><Pause/></Response>\"\n\
           [[change]]\nof = \"first\"\nat_ms = 5000\ntwiml = \"<Response><Pause length='2'/></Response>\"\n";
    let scenario = crate::world::scenario(&both_kinds("", &text));
    let (first, outcome) = render(&scenario, 1, 1);
    assert_eq!((outcome.failures, outcome.called.len()), (vec![], 4));
    for workers in [2, 4, 1, 4] {
        let _busy = (workers == 4).then(Busy::begin);
        assert_same(&first, &render(&scenario, 1, workers).0, &format!("{workers} workers"));
    }
}

fn twenty(name: &str) {
    let scenario = example(name);
    let (first, outcome) = render(&scenario, 1, 1);
    assert_eq!(outcome.failures, [""; 0]);
    for run in 1..RUNS {
        let busy = (run % 4 == 3).then(Busy::begin);
        let workers = [1, 2, 4][run as usize % 3];
        let (again, _) = render(&scenario, 1, workers);
        assert_same(&first, &again, &format!("run {run}, {workers} workers, busy: {}", busy.is_some()));
    }
}

#[test]
fn determinism_a_whole_span_runs_the_same_twice_and_tells_much() {
    let scenario = example("thirty.toml");
    let (one, outcome) = render(&scenario, 3, 1);
    assert_eq!(outcome.failures, [""; 0]);
    assert_eq!(outcome.calls, 30);
    let lines = one.iter().filter(|&&octet| octet == b'\n').count();
    assert!(lines >= 200, "{lines} lines");
    assert!(outcome.channel_seconds > 600.0, "{} channel-seconds", outcome.channel_seconds);
    let _busy = Busy::begin();
    let (other, _) = render(&scenario, 3, 4);
    assert_same(&one, &other, "thirty calls");
}

#[test]
fn determinism_two_seeds_differ() {
    let scenario = example("menu.toml");
    let (one, other) = (render(&scenario, 1, 1), render(&scenario, 2, 1));
    assert!(one.0 != other.0, "two seeds give the same lines");
    assert_ne!(one.1.told[0].sid, other.1.told[0].sid);
    // What a seed decides is names and faults: what is heard stays.
    assert!(one.1.heard == other.1.heard, "without faults a seed changes no sound");
}

#[test]
fn determinism_a_seed_decides_which_frames_are_lost() {
    let mut scenario = example("menu.toml");
    scenario.faults.frame_loss_one_in = 10;
    let runs: Vec<_> = (1..=3).map(|seed| render(&scenario, seed, 1)).collect();
    for (seed, (text, outcome)) in (1..).zip(&runs) {
        assert_eq!(outcome.failures, [""; 0], "seed {seed}: the line makes good what is lost");
        assert_same(text, &render(&scenario, seed, 2).0, "a lossy line");
    }
    let answered = runs.iter().map(|(_, outcome)| outcome.told[0].answered_after_ms);
    let mut answered: Vec<_> = answered.collect();
    answered.dedup();
    assert!(answered.len() > 1, "every seed loses the same frames: {answered:?}");
}

#[test]
fn determinism_two_applications_answer_in_the_opposite_order() {
    let run = run_scenario(&example("two-applications.toml"));
    assert_eq!(run.outcome.failures, [""; 0]);
    let told = &run.outcome.told;
    let of_call = |line: &&serde_json::Value| told.iter().position(|told| line["call"] == told.sid.as_str());
    let order = |kind: &str, begins: &str| -> Vec<usize> {
        let fits = |line: &&serde_json::Value| line["text"].as_str().is_some_and(|text| text.starts_with(begins));
        let of_kind = run.lines.iter().filter(|line| line["kind"] == kind).filter(fits);
        of_kind.filter_map(|line| of_call(&line)).collect()
    };
    assert_eq!(order("line", "in from"), [0, 1], "the first caller rings first");
    assert_eq!(order("http", "POST"), [1, 0], "the second caller's application answers first");
    assert_eq!(order("line", "answered"), [1, 0]);
    let asked: Vec<_> = run.outcome.asked.iter().map(|asked| asked.path.as_str()).collect();
    assert_eq!(asked, ["/slow", "/quick"]);
}

/// The command line gives what the library gives.
#[test]
fn determinism_the_binary_writes_the_same_lines() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/sim/menu.toml");
    let mut command = Command::new(env!("CARGO_BIN_EXE_tipring"));
    let output = command.arg("sim").arg("run").arg(file).args(["--seed", "5", "--json"]).output().expect("it starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_same(&output.stdout, &render(&example("menu.toml"), 5, 1).0, "binary and library");
}
