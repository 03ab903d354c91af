//! Several callers at once, each whistling his own tone without a pause, and who hears whom between two moments.

use crate::legs::level_between;
use crate::world::{Run, document, run};

/// The tones: far from each other and from keys, whole turns in a block of 10 ms.
pub const HZ: [f32; 4] = [400.0, 500.0, 600.0, 1_100.0];
/// As loud as each whistles.
const DBM0: f32 = -20.0;
/// What is not heard is below this, what is heard is within 3 dB of how it was said.
const SILENT_DBM0: f32 = -50.0;

/// So many callers of `100`, a second apart, who whistle for `ms`. `path`: each asks `/` unless it is his own number.
pub fn crowd(callers: usize, ms: u64, rest: &str) -> Run {
    let mut text = String::from("limit_s = 200\n");
    for n in 0..callers {
        text += &format!("\n[[number]]\nnumber = \"{}\"\nurl = \"http://app.example/{n}\"\n", 101 + n);
    }
    for (n, hz) in HZ.iter().enumerate().take(callers) {
        text += &format!(
            "\n[[call]]\nid = \"{n}\"\nfrom = \"202555010{n}\"\nto = \"{}\"\nat_ms = {}\ndoes = [{{ await_answer = {{}} }}, \
             {{ tone = {{ hz = {hz:.1}, ms = {ms}, level_dbm0 = {DBM0:.1} }} }}, \
             {{ await_hangup = {{ limit_ms = 1000 }} }}]\n",
            101 + n,
            n * 1_000
        );
    }
    run(&(text + rest))
}

/// All of them are in the room `talk` from their answer on.
pub fn in_a_room(callers: usize) -> String {
    (0..callers).map(|n| document(&format!("/{n}"), ROOM)).collect()
}

/// The room, without beeps and music.
pub const ROOM: &str = "<Response><Dial><Conference beep='false' waitUrl=''>talk</Conference></Dial></Response>";

/// What a program asks of the API, `ms` after the lines are ready.
pub fn ask(ms: u64, what: &str) -> String {
    format!("\n[[ask]]\nat_ms = {ms}\n{what}\n")
}

/// From the start of a scenario to the moment when its lines are ready and its times begin.
pub const READY_MS: u64 = 2_500;

/// Who hears whom between two moments of the scenario, as rows of listeners.
#[track_caller]
pub fn rows(run: &Run, from_ms: u64, to_ms: u64) -> Vec<Vec<bool>> {
    let (from, to) = (READY_MS + from_ms, READY_MS + to_ms);
    let heard = |listener: usize, talker: usize| {
        let (told, octets) = (&run.outcome.told[listener], &run.outcome.heard[listener].1);
        if told.moments.ended_ms.is_some_and(|ended| ended < to) {
            return false;
        }
        let dbm0 = level_between(octets, &told.moments, HZ[talker], from, to);
        assert!(
            !(SILENT_DBM0..DBM0 - 3.0).contains(&dbm0),
            "{listener} hears half of {talker} from {from_ms} to {to_ms} ms: {dbm0} dBm0"
        );
        dbm0 >= DBM0 - 3.0
    };
    let callers = run.outcome.told.len();
    (0..callers).map(|listener| (0..callers).map(|talker| heard(listener, talker)).collect()).collect()
}

/// Everybody hears all others but himself.
pub fn everybody(callers: usize) -> Vec<Vec<bool>> {
    (0..callers).map(|listener| (0..callers).map(|talker| listener != talker).collect()).collect()
}

/// Every call ended as `completed`, once, under the SID that it was born with.
#[track_caller]
pub fn all_completed(run: &Run) {
    for told in &run.outcome.told {
        assert_eq!(told.status.as_deref(), Some("completed"));
        assert_eq!(run.outcome.records.iter().filter(|call| call.sid.to_string() == told.sid).count(), 1);
    }
}
