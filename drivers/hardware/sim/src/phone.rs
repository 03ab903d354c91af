//! A telephone in a call: does its steps, keeps what it hears, notes what came of it. It works in blocks of 10 ms, one
//! heard for one spoken, and knows neither card nor signalling; the exchange carries its blocks and its wishes.

use std::collections::VecDeque;

use tipring_card::{BLOCK, BLOCK_US, Block, Cause, Law, Micros};
use tipring_dsp::{Detector, Tone, g711::Companding, level::power_at, level::power_of};

use crate::{
    dial::{Dialler, KeySound, companding},
    script::Step,
};

/// Octets that a telephone keeps of what it hears: twenty minutes. The rest is heard, but not kept.
pub const MAX_HEARD: usize = 20 * 60 * 8_000;
/// Keys that a telephone notes.
pub const MAX_KEYS: usize = 1_000;
/// A block at least this loud is sound.
const SOUND_DBM0: f32 = -45.0;
/// Octets of a second.
const OCTETS_A_SECOND: usize = 8_000;

/// How a step came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepEnd {
    /// It was done.
    Done,
    /// Its limit ran out.
    TimedOut,
    /// It makes no sense (see [`Step::complaint`]), or names a file that nobody loaded.
    Refused,
}

/// A step that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepReport {
    /// When it ended.
    pub at: Micros,
    /// How.
    pub end: StepEnd,
}

/// A telephone.
pub struct Phone {
    law: Law,
    steps: VecDeque<Step>,
    ended: Vec<StepReport>,
    doing: Doing,
    step_began: Option<Micros>,
    begins_at: Micros,
    connected_at: Option<Micros>,
    hangup: Option<Cause>,
    ears: Ears,
}

/// What is being sent at the moment.
enum Doing {
    Nothing,
    Keys(Dialler),
    Tone { tone: Tone, left: usize },
    Speech { octets: Vec<u8>, sent: usize },
}

/// What is heard.
struct Ears {
    keeps: bool,
    heard: Vec<u8>,
    heard_from: Option<Micros>,
    first_sound_at: Option<Micros>,
    keys: String,
    detector: Detector,
    coding: Companding,
    sounds: bool,
    sound_since_mark: bool,
    quiet_blocks: u64,
}

impl Phone {
    /// A telephone whose script begins at `begins_at` (when it dials or picks up).
    pub fn new(law: Law, steps: Vec<Step>, begins_at: Micros) -> Phone {
        let mut steps = VecDeque::from(steps);
        steps.truncate(crate::script::MAX_STEPS);
        Phone {
            law,
            steps,
            ended: Vec::new(),
            doing: Doing::Nothing,
            step_began: None,
            begins_at,
            connected_at: None,
            hangup: None,
            ears: Ears {
                keeps: true,
                heard: Vec::new(),
                heard_from: None,
                first_sound_at: None,
                keys: String::new(),
                detector: Detector::new(),
                coding: companding(law),
                sounds: false,
                sound_since_mark: false,
                quiet_blocks: 0,
            },
        }
    }

    /// Whether it keeps what it hears; it does unless told otherwise.
    pub(crate) fn keeps_sound(&mut self, keeps: bool) {
        self.ears.keeps = keeps;
    }

    /// The call is answered.
    pub fn connected(&mut self, now: Micros) {
        self.connected_at.get_or_insert(now);
    }

    /// The call is over.
    pub fn released(&mut self, now: Micros) {
        self.doing = Doing::Nothing;
        if self.awaits_hangup() {
            self.end_step(now, StepEnd::Done);
        }
    }

    /// Whether it waits for the other side to hang up.
    pub(crate) fn awaits_hangup(&self) -> bool {
        matches!(self.steps.front(), Some(Step::AwaitHangup { .. }))
    }

    /// Takes the block that arrived.
    pub fn hear(&mut self, now: Micros, block: &Block) {
        self.ears.hear(now, block);
    }

    /// Does its steps up to `now`, and gives the block to send.
    pub fn speak(&mut self, now: Micros, block: &mut Block) {
        block.fill(self.law.silence());
        self.advance(now);
        let law = self.law;
        let over = match &mut self.doing {
            Doing::Nothing => false,
            Doing::Keys(dialler) => !dialler.fill(block, law),
            Doing::Tone { tone, left } => {
                let take = (*left).min(BLOCK);
                let mut samples = [0; BLOCK];
                tone.fill(&mut samples[..take]);
                companding(law).encode_into(&samples, block);
                *left -= take;
                *left == 0
            }
            Doing::Speech { octets, sent } => {
                let rest = &octets[*sent..];
                let take = rest.len().min(BLOCK);
                block[..take].copy_from_slice(&rest[..take]);
                *sent += take;
                *sent == octets.len()
            }
        };
        if over {
            self.doing = Doing::Nothing;
            self.ears.mark();
            self.end_step(now, StepEnd::Done);
            self.advance(now);
        }
    }

    /// Does the steps that need no sound, for as long as no channel carries blocks.
    pub fn advance(&mut self, now: Micros) {
        // Each turn ends a step, so there are at most as many turns as steps.
        while matches!(self.doing, Doing::Nothing) && self.hangup.is_none() && now >= self.begins_at {
            let Some(step) = self.steps.front() else {
                self.hangup = Some(Cause::NORMAL);
                return;
            };
            let began = *self.step_began.get_or_insert(now);
            let passed_ms = now.since(began).as_ms();
            let end = match step {
                _ if step.complaint().is_some() => Some(StepEnd::Refused),
                Step::SayFile { .. } => Some(StepEnd::Refused),
                Step::Wait { ms } => (passed_ms >= u64::from(*ms)).then_some(StepEnd::Done),
                Step::AwaitAnswer { limit_ms } => {
                    if self.connected_at.is_none() && passed_ms >= u64::from(*limit_ms) {
                        self.end_step(now, StepEnd::TimedOut);
                        self.hangup = Some(Cause::NORMAL);
                        return;
                    }
                    self.connected_at.map(|_| StepEnd::Done)
                }
                Step::AwaitSound { limit_ms } => {
                    let done = self.ears.sounds.then_some(StepEnd::Done);
                    done.or((passed_ms >= u64::from(*limit_ms)).then_some(StepEnd::TimedOut))
                }
                Step::AwaitQuiet { ms, limit_ms } => {
                    if self.ears.is_quiet_after_sound(*ms) {
                        self.ears.mark();
                        Some(StepEnd::Done)
                    } else {
                        (passed_ms >= u64::from(*limit_ms)).then_some(StepEnd::TimedOut)
                    }
                }
                Step::AwaitHangup { limit_ms } => (passed_ms >= u64::from(*limit_ms)).then_some(StepEnd::TimedOut),
                Step::Hangup { cause } => {
                    self.hangup = Some(Cause(*cause));
                    Some(StepEnd::Done)
                }
                Step::Press { .. } | Step::Tone { .. } | Step::Say { .. } => {
                    if self.connected_at.is_some() {
                        self.begin_sound();
                    }
                    None
                }
            };
            match end {
                Some(end) => self.end_step(now, end),
                None => return,
            }
        }
    }

    fn begin_sound(&mut self) {
        self.doing = match self.steps.front() {
            Some(Step::Press { keys, tone_ms, gap_ms, level_dbm0 }) => {
                let sound =
                    KeySound { tone_ms: *tone_ms, gap_ms: *gap_ms, low_dbm0: level_dbm0 - 2.0, high_dbm0: *level_dbm0 };
                Dialler::of(keys, sound).map_or(Doing::Nothing, Doing::Keys)
            }
            Some(Step::Tone { hz, ms, level_dbm0 }) => {
                let left = *ms as usize * OCTETS_A_SECOND / 1_000;
                Doing::Tone { tone: Tone::new(*hz, *level_dbm0), left }
            }
            Some(Step::Say { octets }) => Doing::Speech { octets: octets.clone(), sent: 0 },
            _ => Doing::Nothing,
        };
    }

    fn end_step(&mut self, at: Micros, end: StepEnd) {
        self.steps.pop_front();
        self.step_began = None;
        self.ended.push(StepReport { at, end });
    }

    /// Whether the telephone wants to end the call, and why.
    pub fn wants_to_hang_up(&self) -> Option<Cause> {
        self.hangup
    }

    /// When the call was answered.
    pub fn connected_at(&self) -> Option<Micros> {
        self.connected_at
    }

    /// Everything heard, as G.711 octets in [`Phone::law`].
    pub fn heard(&self) -> &[u8] {
        &self.ears.heard
    }

    /// When the first octet of [`Phone::heard`] came.
    pub fn heard_from(&self) -> Option<Micros> {
        self.ears.heard_from
    }

    /// When the first sound came.
    pub fn first_sound_at(&self) -> Option<Micros> {
        self.ears.first_sound_at
    }

    /// Keys heard, in order.
    pub fn keys_heard(&self) -> &str {
        &self.ears.keys
    }

    /// The law of what is heard and said.
    pub fn law(&self) -> Law {
        self.law
    }

    /// The steps that have ended, in order.
    pub fn steps_ended(&self) -> &[StepReport] {
        &self.ended
    }

    /// How many steps were not reached.
    pub fn steps_left(&self) -> usize {
        self.steps.len()
    }
}

impl Ears {
    fn hear(&mut self, now: Micros, block: &Block) {
        self.heard_from.get_or_insert(Micros(now.0.saturating_sub(BLOCK_US)));
        let room = if self.keeps { MAX_HEARD - self.heard.len() } else { 0 };
        self.heard.extend_from_slice(&block[..room.min(BLOCK)]);
        let mut samples = [0; BLOCK];
        self.coding.decode_into(block, &mut samples);
        self.sounds = power_of(&samples) >= power_at(SOUND_DBM0);
        if self.sounds {
            self.first_sound_at.get_or_insert(now);
            self.sound_since_mark = true;
            self.quiet_blocks = 0;
        } else {
            self.quiet_blocks += 1;
        }
        let keys = &mut self.keys;
        self.detector.feed(&samples, |key| {
            if keys.len() < MAX_KEYS {
                keys.push(char::from(key));
            }
        });
    }

    /// What was heard so far is settled: the next wait for quiet wants new sound.
    fn mark(&mut self) {
        self.sound_since_mark = self.sounds;
    }

    fn is_quiet_after_sound(&self, ms: u32) -> bool {
        self.sound_since_mark && self.quiet_blocks * (BLOCK_US / 1_000) >= u64::from(ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lets the telephone hear `sounds(ms)` and gives what it said, block by block.
    fn run(phone: &mut Phone, ms: u64, sounds: impl Fn(u64) -> bool) -> Vec<u8> {
        let mut said = Vec::new();
        for t in (0..ms).step_by(10) {
            let octet = if sounds(t) { 0x34 } else { 0xD5 };
            let mut block = [octet; BLOCK];
            block[0] ^= 0x80; // something that is not a constant
            phone.hear(Micros::from_ms(t), if sounds(t) { &block } else { &[0xD5; BLOCK] });
            phone.speak(Micros::from_ms(t), &mut block);
            said.extend_from_slice(&block);
        }
        said
    }

    #[test]
    fn it_waits_for_the_end_of_what_is_said_and_presses_keys() {
        let steps = vec![
            Step::AwaitAnswer { limit_ms: 1_000 },
            Step::AwaitQuiet { ms: 500, limit_ms: 5_000 },
            Step::press("2#"),
            Step::AwaitHangup { limit_ms: 1_000 },
        ];
        let mut phone = Phone::new(Law::A, steps, Micros::ZERO);
        phone.connected(Micros::ZERO);
        let said = run(&mut phone, 3_000, |t| (300..1_000).contains(&t));
        let first = said.iter().position(|&o| o != 0xD5).unwrap() / 8;
        assert!((1_480..=1_510).contains(&first), "{first}");
        let mut keys = String::new();
        let mut detector = Detector::new();
        for block in said.chunks(BLOCK) {
            let mut samples = [0; BLOCK];
            Companding::A.decode_into(block, &mut samples);
            detector.feed(&samples, |key| keys.push(char::from(key)));
        }
        assert_eq!(keys, "2#");
        assert_eq!(phone.wants_to_hang_up(), Some(Cause::NORMAL));
        assert_eq!(phone.steps_ended().last().map(|s| s.end), Some(StepEnd::TimedOut));
    }

    #[test]
    fn quiet_needs_new_sound_after_our_own_keys() {
        let steps =
            vec![Step::AwaitSound { limit_ms: 900 }, Step::press("1"), Step::AwaitQuiet { ms: 200, limit_ms: 900 }];
        let mut phone = Phone::new(Law::A, steps, Micros::ZERO);
        phone.connected(Micros::ZERO);
        run(&mut phone, 1_500, |t| t < 50);
        assert_eq!(phone.steps_ended().last().map(|s| s.end), Some(StepEnd::TimedOut), "the old sound was settled");
    }

    #[test]
    fn no_answer_ends_the_script() {
        let steps = vec![Step::AwaitAnswer { limit_ms: 100 }, Step::press("1")];
        let mut phone = Phone::new(Law::A, steps, Micros::ZERO);
        for t in 0..20 {
            phone.advance(Micros::from_ms(t * 10));
        }
        assert_eq!(phone.wants_to_hang_up(), Some(Cause::NORMAL));
        assert_eq!((phone.steps_left(), phone.steps_ended().len()), (1, 1));
    }

    #[test]
    fn steps_without_sense_are_refused_not_obeyed() {
        let steps = vec![Step::press("x"), Step::SayFile { file: "none".into() }];
        let mut phone = Phone::new(Law::A, steps, Micros::ZERO);
        phone.advance(Micros::ZERO);
        assert!(phone.steps_ended().iter().all(|s| s.end == StepEnd::Refused));
        assert_eq!(phone.wants_to_hang_up(), Some(Cause::NORMAL));
    }
}
