//! Who has answered, by greetings that espeak-ng speaks and the telephone carries.

use std::io::Write as _;
use tipring_card::Law;
use tipring_dsp::answer::{Answering, Expected, Settings, Verdict};
use tipring_dsp::progress::BLOCK;
use tipring_dsp::{Tone, ZoneId};
use tipring_media::{Engine, Source};

use crate::room::{Room, linear};

const PEOPLE: [&str; 3] = ["Hello", "Hello, this is Miller", "Yes, hello, who is this"];
const MACHINES: [&str; 2] = [
    "Hi, we cannot take your call right now. Please leave a message after the tone and we will call you back.",
    "Thank you for calling. Our office hours are from nine to five. Please leave your name and number after the beep.",
];

fn verdict(samples: &[i16], expected: Expected) -> Verdict {
    let mut listener = Answering::new(ZoneId::default(), Settings::new(expected));
    let mut samples = samples.iter().copied();
    let mut next = || {
        let mut block = [0; BLOCK];
        block.iter_mut().for_each(|it| *it = samples.next().unwrap_or(0));
        block
    };
    (0..6_100).find_map(|_| listener.block(&next())).expect("a verdict within a minute").verdict
}

#[tokio::test]
async fn c17_spoken_greetings_are_told_apart() {
    if !Engine::espeak().installed() {
        drop(writeln!(std::io::stderr(), "SKIPPED: espeak-ng is not installed; its greetings are not tested here"));
        return;
    }
    let room = Room::with(|it| it.engines = vec![Engine::espeak()]).await;
    let (mut all, mut right) = (0, 0);
    for (voice, language) in [("man", "en-US"), ("woman", "en-US"), ("man", "en-GB"), ("woman", "en-GB")] {
        for text in PEOPLE.iter().chain(&MACHINES) {
            let source =
                Source::Speech { text: (*text).into(), voice: voice.into(), language: language.into(), markup: None };
            let mut samples = vec![0; 4_000];
            samples.extend(linear(&room.hears("AC1", source, Law::A).await.unwrap().octets));
            let machine = MACHINES.contains(text);
            if machine {
                samples.extend([0; 6_000]);
                let mut beep = Tone::new(1_000.0, -12.0);
                samples.extend((0..3_200).map(|_| beep.next_sample() as i16));
            }
            for expected in [Expected::Start, Expected::MessageEnd] {
                let wanted = match (machine, expected) {
                    (false, _) => Verdict::Human,
                    (true, Expected::Start) => Verdict::MachineStart,
                    (true, Expected::MessageEnd) => Verdict::MachineEndBeep,
                };
                let told = verdict(&samples, expected);
                println!("{voice} {language} {text:?}: {}", told.as_str());
                all += 1;
                right += u32::from(told == wanted);
            }
        }
    }
    assert!(right * 100 >= all * 95, "{right} of {all}");
}
