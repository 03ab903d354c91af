//! Scenarios with two kinds of line and two legs, and how a tone is found in what a telephone heard. No tests here but
//! of the measuring itself.

use tipring::daemon::simulation::{Called, Moments};
use tipring_dsp::{dbm0_of, dbm0_of_power};

use crate::sound::linear;

/// The number that documents and programs call, and its digits on a line in the United States.
pub const BOB: &str = "+12025550142";
/// Its digits on a line.
pub const BOB_DIGITS: &str = "12025550142";
/// A second one.
pub const CAROL: &str = "+12025550143";
/// The shortest tone that counts.
const SHORTEST_MS: usize = 60;
/// A block of 10 ms has a tone that is this loud in it.
const TONE_DBM0: f32 = -30.0;
/// And that much of all that is heard: two tones at once are 3 dB below their sum, a neighbour's edge is far below.
const NEXT_TO_ANOTHER_DB: f32 = 7.0;

const GROUPS: &str = "
[[group]]\nname = \"pri\"\nlines = [\"sim 1\"]
[[group]]\nname = \"fxo\"\nlines = [\"sim 2\"]
[[group]]\nname = \"one\"\nlines = [\"sim 2/1\"]
[[number]]\nnumber = \"100\"\nurl = \"http://app.example/\"
[[number]]\nnumber = \"+12025550190\"\nurl = \"http://app.example/\"
[[number]]\nnumber = \"sim 2/1\"\nurl = \"http://app.example/\"
[[number]]\nnumber = \"sim 2/2\"\nurl = \"http://app.example/\"
";

/// A box in the United States with an E1 and two analogue lines; `100` and both lines ask `/`. `top`: keys that stand
/// before all tables.
pub fn both_kinds(top: &str, rest: &str) -> String {
    format!("{top}\nanalog_lines = 2\ncountry = \"us\"\n{GROUPS}{rest}")
}

/// Somebody who can be called: number, what the entry says.
pub fn subscriber(number: &str, entry: &str) -> String {
    format!("\n[[subscriber]]\nnumber = \"{}\"\n{entry}\n", number.trim_start_matches('+'))
}

/// An exchange takes an on-hook of the box for the end only after 1.25 s, because a shorter one is a flash.
pub fn release_ms(way: &str) -> u64 {
    if way == "fxo" { 1_500 } else { 1_000 }
}

/// A telephone that calls the box: over the E1, or `line` it.
pub fn telephone(id: &str, way: &str, does: &str) -> String {
    let way = if way == "pri" { "to = \"100\"" } else { "line = 1" };
    format!("\n[[call]]\nid = \"{id}\"\nfrom = \"2025550100\"\n{way}\ndoes = [{{ await_answer = {{}} }}, {does}]\n")
}

/// A call of a program.
pub fn program(id: &str, more: &str) -> String {
    format!("\n[[dial]]\nid = \"{id}\"\nto = \"{BOB}\"\n{more}\n")
}

/// `<Dial …><Number trunk=…>BOB</Number></Dial>`, then a word.
pub fn dial(group: &str, attributes: &str) -> String {
    format!("<Response><Dial {attributes}><Number trunk=\"{group}\">{BOB}</Number></Dial></Response>")
}

/// A tone in what was heard.
#[derive(Clone, Copy, Debug)]
pub struct Heard {
    /// From the first octet.
    pub from_ms: usize,
    /// How long.
    pub ms: usize,
    /// In its middle.
    pub dbm0: f32,
    /// Of everything in its middle.
    pub all_dbm0: f32,
}

/// Level of one frequency: Goertzel's sum over all of the samples, so that neighbours at whole periods are not in it.
pub fn dbm0_at(samples: &[i16], hz: f32) -> f32 {
    let step = std::f64::consts::TAU * f64::from(hz) / 8_000.0;
    let (sine, cosine) = samples.iter().enumerate().fold((0.0, 0.0), |(sine, cosine), (n, &sample)| {
        let (s, c) = (step * n as f64).sin_cos();
        (sine + s * f64::from(sample), cosine + c * f64::from(sample))
    });
    let peak_square = (sine * sine + cosine * cosine) * 4.0 / (samples.len().max(1) as f64).powi(2);
    dbm0_of_power((peak_square / 2.0) as f32)
}

/// Every tone of a frequency, in order. Gaps of one block are none.
pub fn tones(heard: &[u8], hz: f32) -> Vec<Heard> {
    let samples = linear(heard);
    let has_tone = |block: &[i16]| {
        let dbm0 = dbm0_at(block, hz);
        dbm0 > TONE_DBM0 && dbm0 > dbm0_of(block) - NEXT_TO_ANOTHER_DB
    };
    let has: Vec<bool> = samples.chunks_exact(80).map(has_tone).collect();
    let (mut found, mut at) = (Vec::new(), 0);
    while at < has.len() {
        if !has[at] {
            at += 1;
            continue;
        }
        let is_on = |at: usize| has[at] || (has[at - 1] && has.get(at + 1).copied().unwrap_or(false));
        let length = 1 + (at + 1..has.len()).take_while(|&at| is_on(at)).count();
        if length * 10 >= SHORTEST_MS {
            let middle = &samples[(at + length / 4) * 80..(at + length * 3 / 4) * 80];
            let (dbm0, all_dbm0) = (dbm0_at(middle, hz), dbm0_of(middle));
            found.push(Heard { from_ms: at * 10, ms: length * 10, dbm0, all_dbm0 });
        }
        at += length;
    }
    found
}

/// The level of a frequency in what a telephone heard from one moment to another, both on the scenario's clock.
pub fn level_between(heard: &[u8], moments: &Moments, hz: f32, from_ms: u64, to_ms: u64) -> f32 {
    let octet = |ms: u64| (ms.saturating_sub(moments.heard_from_ms.unwrap_or(0)) * 8) as usize;
    dbm0_at(&linear(&heard[octet(from_ms)..octet(to_ms)]), hz)
}

/// The last tone of a frequency, which must be alone, `ms` long and of `dbm0`.
#[track_caller]
pub fn only_tone(heard: &[u8], hz: f32, ms: usize, dbm0: f32) -> Heard {
    let all = tones(heard, hz);
    let tone = all.last().unwrap_or_else(|| panic!("{hz} Hz was not heard"));
    assert!(tone.ms.abs_diff(ms) <= 30, "{hz} Hz for {} ms, wanted {ms}: {all:?}", tone.ms);
    assert!((tone.dbm0 - dbm0).abs() < 1.0, "{hz} Hz with {} dBm0, wanted {dbm0}", tone.dbm0);
    assert!((tone.all_dbm0 - tone.dbm0).abs() < 0.5, "{hz} Hz is not alone: {tone:?}");
    *tone
}

/// When a tone reached a telephone, on the scenario's clock.
pub fn at(moments: &Moments, tone: &Heard) -> u64 {
    moments.heard_from_ms.unwrap_or(0) + tone.from_ms as u64
}

/// The telephone that was called with these digits.
#[track_caller]
pub fn called_of<'a>(called: &'a [Called], digits: &str) -> &'a Called {
    let digits = digits.trim_start_matches('+');
    let found = called.iter().find(|called| called.to.ends_with(digits));
    found.unwrap_or_else(|| {
        panic!("nobody was called as {digits}: {:?}", called.iter().map(|c| &c.to).collect::<Vec<_>>())
    })
}

#[test]
fn tones_are_found_with_place_length_and_level() {
    let mut samples = vec![0_i16; 8_000];
    let mut tone = tipring_dsp::Tone::new(500.0, -12.0);
    tone.fill(&mut samples[1_600..4_000]);
    let octets: Vec<u8> = samples.iter().map(|&sample| tipring_dsp::alaw_encode(sample)).collect();
    let [found] = tones(&octets, 500.0)[..] else { panic!("{:?}", tones(&octets, 500.0)) };
    assert_eq!((found.from_ms, found.ms), (200, 300));
    assert!((found.dbm0 + 12.0).abs() < 0.2 && (found.all_dbm0 + 12.0).abs() < 0.2, "{found:?}");
    assert!(tones(&octets, 900.0).is_empty());
}
