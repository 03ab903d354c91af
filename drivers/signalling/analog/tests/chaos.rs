//! Any input at any time, by seed. After a hang-up and silence the line is idle within a bound, and the hook is on.

use std::collections::BTreeSet;

use tipring_analog::{AnswerSign, Command, Config, Event, Fxo, Input, Output, Sign};
use tipring_card::{Hook, Micros};

use crate::support::*;
use crate::table::inputs;

pub struct Seed(pub u64);

impl Seed {
    pub fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}

/// So many runs of a fuzz; a million with `TIPRING_SOAK`.
pub fn runs(few: u64) -> u64 {
    if std::env::var_os("TIPRING_SOAK").is_some() { 1_000_000 } else { few }
}

/// What the outside can know of a line.
struct Watch {
    off_hook: bool,
    audio: bool,
    /// A call was begun and not ended.
    call: bool,
    incoming: bool,
}

impl Watch {
    fn sees(&mut self, line: &mut Fxo, seed: u64) {
        while let Some(output) = line.poll() {
            match output {
                Output::Hook(hook) => {
                    self.off_hook = hook != Hook::OnHook;
                    self.call |= self.off_hook;
                }
                Output::Audio(audio) => {
                    assert_ne!(audio, self.audio, "said twice, seed {seed}");
                    self.audio = audio;
                }
                Output::Event(Event::Ended { sign: Sign::Glare, .. }) => assert!(!self.call, "seed {seed}"),
                // A refused dial ends nothing.
                Output::Event(Event::Ended { sign, .. }) if !self.call && sign != Sign::Lost => {}
                Output::Event(Event::Ended { sign, .. }) => {
                    // A channel that is gone or opened anew is on hook by itself; else we did it before we said it.
                    assert!(sign == Sign::Lost || !self.off_hook, "seed {seed}");
                    *self = Watch { off_hook: false, call: false, incoming: false, ..*self };
                }
                Output::Event(Event::Glare) => (self.call, self.incoming) = (false, false),
                Output::Event(Event::Idle) => {
                    assert!(!self.off_hook && !self.call && !self.audio, "seed {seed}");
                    self.incoming = false;
                }
                Output::Event(Event::Incoming { .. }) => {
                    assert!(!self.call && !self.incoming, "seed {seed}");
                    self.incoming = true;
                }
                Output::Event(Event::Missed) => assert!(std::mem::take(&mut self.incoming), "seed {seed}"),
                Output::Event(Event::Answered) => {
                    assert!(self.off_hook && self.incoming && self.audio, "seed {seed}");
                    self.call = true;
                }
                Output::Event(Event::Dialled | Event::Ringback | Event::Connected(_)) | Output::Send(_) => {
                    assert!(self.off_hook && self.audio && !self.incoming, "seed {seed}");
                }
                Output::Event(Event::Suspected(evidence)) => {
                    assert!(self.off_hook && self.call, "seed {seed}");
                    assert!(evidence.weight <= evidence.sum && evidence.sum <= 100, "seed {seed}: {evidence:?}");
                }
                Output::Event(Event::Messages(_)) => assert!(!self.off_hook, "seed {seed}"),
                Output::Event(Event::Dispelled | Event::Silent { .. }) => {
                    assert!(self.off_hook && self.call, "seed {seed}");
                }
                Output::Listen(_) => {}
            }
        }
        assert!(!self.off_hook || self.call || self.incoming, "the hook stays off after the end, seed {seed}");
        assert_eq!(line.counters().overruns, 0);
    }
}

fn config(seed: &mut Seed) -> Config {
    Config {
        answer: [AnswerSign::Reversal, AnswerSign::Voice, AnswerSign::Dialled][seed.next(3) as usize],
        dial_tone_limit: ms(seed.next(3) * 3_000),
        dial_anyway: seed.next(2) == 0,
        caller_id: seed.next(2) == 0,
        guard: ms(seed.next(5_000)),
        ..Config::default()
    }
}

#[test]
fn whatever_happens_a_hang_up_ends_it() {
    let inputs = inputs();
    let mut seen = BTreeSet::new();
    for number in 0..runs(20_000) {
        let mut seed = Seed(number);
        let mut line = Fxo::new(config(&mut seed));
        let mut watch = Watch { off_hook: false, audio: false, call: false, incoming: false };
        let mut now = Micros::from_s(1);
        line.handle(now, Input::Opened);
        watch.sees(&mut line, number);
        for _ in 0..seed.next(120) {
            now = now + ms([0, 1, 30, 700, 2_500, 9_000][seed.next(6) as usize]);
            // Timers as the owner would, most of the time.
            if let Some(at) = line.deadline().filter(|at| *at < now && number % 4 != 0) {
                line.handle(at, Input::Timer);
                watch.sees(&mut line, number);
            }
            let pick = &inputs[seed.next(inputs.len() as u64) as usize];
            // Losses are rare, or nothing else would be seen.
            let input = if *pick == Input::Lost && seed.next(10) > 0 { &Input::Timer } else { pick };
            line.handle(now, input.clone());
            seen.insert(line.state());
            watch.sees(&mut line, number);
            if matches!(line.state(), "lost") && seed.next(3) == 0 {
                line.handle(now, Input::Opened);
                watch.sees(&mut line, number);
            }
        }
        line.handle(now, Input::Command(Command::Hangup));
        watch.sees(&mut line, number);
        let bound = now + Micros::from_s(20);
        while let Some(at) = line.deadline() {
            assert!(at <= bound, "{} at {at:?}, seed {number}", line.state());
            line.handle(at, Input::Timer);
            watch.sees(&mut line, number);
        }
        assert!(matches!(line.state(), "idle" | "lost"), "{} seed {number}", line.state());
        assert!(!watch.off_hook && !watch.call && !watch.audio, "seed {number}");
    } // Fifteen states can be reached once the channel was open.
    assert_eq!(seen.len(), 15, "{seen:?}");
}
