//! Each rule by itself, with tones for voices; the mixture is in `tests/answer.rs`.

use super::*;
use crate::{Tone, ZoneId};
use std::vec;
use std::vec::Vec;

/// A voice of syllables: 130 ms of two tones that move, 70 ms of pause.
fn voice(ms: u32, sound: &mut Vec<i16>) {
    let (mut low, mut high) = (Tone::new(300.0, -18.0), Tone::new(1100.0, -20.0));
    for n in 0..ms * 8 {
        let at = n % 1600;
        low.set_hz(260.0 + (n % 400) as f32 / 2.0);
        high.set_hz(1100.0 + (n % 640) as f32);
        let sample = low.next_sample() + high.next_sample();
        sound.push(if at < 1040 { sample as i16 } else { 0 });
    }
}

fn pause(ms: u32, sound: &mut Vec<i16>) {
    sound.extend(std::iter::repeat_n(0, (ms * 8) as usize));
}

fn tone(hz: f32, ms: u32, sound: &mut Vec<i16>) {
    let mut tone = Tone::new(hz, -12.0);
    sound.extend((0..ms * 8).map(|_| tone.next_sample() as i16));
}

fn verdict(zone: &str, settings: Settings, sound: &[i16]) -> (Verdict, u32) {
    let mut listener = Answering::new(ZoneId::of(zone).unwrap(), settings);
    let padded = sound.iter().copied().chain(std::iter::repeat_n(0, 61 * 8000)).collect::<Vec<_>>();
    let blocks = padded.as_chunks::<BLOCK>().0;
    let answered = blocks.iter().find_map(|block| listener.block(block)).expect("there is always a verdict");
    assert!(listener.is_done() && listener.block(&[0; BLOCK]).is_none());
    (answered.verdict, answered.after_ms)
}

fn sound(parts: &[(char, u32)]) -> Vec<i16> {
    let mut sound = Vec::new();
    for (kind, ms) in parts {
        match kind {
            'v' => voice(*ms, &mut sound),
            'b' => tone(1000.0, *ms, &mut sound),
            'r' => tone(425.0, *ms, &mut sound),
            _ => pause(*ms, &mut sound),
        }
    }
    sound
}

const START: Settings = Settings::new(Expected::Start);
const END: Settings = Settings::new(Expected::MessageEnd);

#[test]
fn c17_a_short_hello_is_human_and_a_long_greeting_a_machine() {
    let (who, ms) = verdict("de", START, &sound(&[('p', 400), ('v', 800)]));
    assert_eq!(who, Verdict::Human);
    assert!((2_200..2_500).contains(&ms), "{ms}");
    let (who, ms) = verdict("de", START, &sound(&[('p', 400), ('v', 6_000)]));
    assert_eq!(who, Verdict::MachineStart);
    assert!((2_800..3_000).contains(&ms), "{ms}");
    let longer = Settings { speech_threshold_ms: 6_000, ..START };
    assert_eq!(verdict("de", longer, &sound(&[('v', 5_000)])).0, Verdict::Human);
}

#[test]
fn c17_the_end_of_a_message_is_its_beep_or_silence() {
    let greeting = [('p', 300), ('v', 5_000), ('p', 900)];
    let (who, ms) = verdict("de", END, &sound(&[&greeting[..], &[('b', 300), ('p', 900)]].concat()));
    assert_eq!(who, Verdict::MachineEndBeep);
    assert!((6_500..6_560).contains(&ms), "the end of the beep, not its beginning: {ms}");
    let (who, ms) = verdict("de", END, &sound(&greeting));
    assert_eq!(who, Verdict::MachineEndSilence);
    assert!((7_000..7_400).contains(&ms), "{ms}");
    assert_eq!(verdict("de", END, &sound(&[('v', 40_000)])), (Verdict::MachineEndOther, 30_000));
    assert_eq!(verdict("de", END, &sound(&[('v', 700)])).0, Verdict::Human);
}

#[test]
fn a_beep_makes_a_short_greeting_a_machines() {
    let short = sound(&[('p', 300), ('v', 1_000), ('p', 500), ('b', 400)]);
    assert_eq!(verdict("de", START, &short).0, Verdict::MachineStart);
    assert_eq!(verdict("de", END, &short).0, Verdict::MachineEndBeep);
    assert_eq!(verdict("de", END, &sound(&[('p', 900), ('b', 400)])).0, Verdict::MachineEndBeep);
}

#[test]
fn silence_is_unknown_and_in_time() {
    assert_eq!(verdict("de", START, &[]), (Verdict::Unknown, 5_000));
    let patient = Settings { silence_timeout_ms: 10_000, timeout_ms: 3_000, ..START };
    assert_eq!(verdict("de", patient, &[]), (Verdict::Unknown, 3_000));
}

#[test]
fn the_networks_tones_are_neither_speech_nor_silence() {
    // The line told the answer at the end of dialling: it rings, then somebody says hello.
    let mut parts = vec![('r', 1_000), ('p', 4_000), ('r', 1_000), ('p', 4_000), ('r', 400), ('p', 200)];
    parts.push(('v', 700));
    assert_eq!(verdict("de", START, &sound(&parts)).0, Verdict::Human);
    let busy: Vec<_> = (0..40).flat_map(|_| [('r', 480), ('p', 480)]).collect();
    assert_eq!(verdict("de", START, &sound(&busy)), (Verdict::Unknown, 30_000));
}

#[test]
fn faxes_are_heard_and_a_beep_of_their_pitch_after_a_greeting_is_a_beep() {
    let mut called = sound(&[('p', 1_500)]);
    tone(2100.0, 3_000, &mut called);
    let (who, ms) = verdict("us", START, &called);
    assert_eq!(who, Verdict::Fax);
    assert!((2_090..2_150).contains(&ms), "{ms}");
    let mut turned = sound(&[('p', 200)]);
    for turn in 0..6 {
        let from = turned.len();
        tone(2100.0, 450, &mut turned);
        turned[from..].iter_mut().for_each(|it| *it = if turn % 2 == 1 { -*it } else { *it });
    }
    assert_eq!(verdict("us", START, &turned).0, Verdict::Fax);
    let mut calling = sound(&[('p', 500)]);
    tone(1100.0, 500, &mut calling);
    assert_eq!(verdict("us", START, &calling).0, Verdict::Fax);
    let mut machine = sound(&[('v', 4_000), ('p', 400)]);
    tone(1100.0, 600, &mut machine);
    assert_eq!(verdict("us", END, &machine).0, Verdict::MachineEndBeep);
}

#[test]
fn a_click_is_no_greeting() {
    let mut click = sound(&[('p', 1_000)]);
    tone(3000.0, 25, &mut click);
    assert_eq!(verdict("de", START, &click), (Verdict::Unknown, 5_000));
}
