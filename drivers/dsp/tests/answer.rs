//! Who has answered, over greetings of synthetic speech with noise, levels, beeps and the network's own tones. The
//! speech is **synthetic**: it has a voice's rhythm and colour, and says nothing about a recorded corpus.

use crate::network::{Way, sound};
use crate::speaker::Speaker;
use crate::world::{Dice, through};
use tipring_dsp::answer::{Answering, Expected, Settings, Verdict};
use tipring_dsp::level::peak_at;
use tipring_dsp::progress::BLOCK;
use tipring_dsp::{Tone, ZoneId};

/// What was at the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Party {
    Person,
    MachineWithBeep,
    MachineWithout,
    ShortMachine,
    Fax,
    Nobody,
    RingsThenPerson,
}

const PARTIES: [Party; 7] = [
    Party::Person,
    Party::MachineWithBeep,
    Party::MachineWithout,
    Party::ShortMachine,
    Party::Fax,
    Party::Nobody,
    Party::RingsThenPerson,
];

/// One far end's sound without its noise, and where it is.
struct Far {
    zone: ZoneId,
    samples: Vec<i16>,
}

impl Far {
    fn pause(&mut self, ms: f32) {
        self.samples.extend(std::iter::repeat_n(0, (ms * 8.0) as usize));
    }

    fn says(&mut self, ms: f32, gain: f32, seed: u64) {
        let mut speaker = Speaker::new(seed);
        // Its level control settles, and a greeting begins with a sound, not with a pause.
        (0..4000).for_each(|_| _ = speaker.sample());
        let first = (0..40_000).map(|_| speaker.sample()).find(|it| it.unsigned_abs() > 1500).unwrap_or(0);
        self.samples.push(first);
        self.samples.extend((0..(ms * 8.0) as usize).map(|_| (f32::from(speaker.sample()) * gain) as i16));
    }

    fn whistles(&mut self, hz: f32, ms: f32, dbm0: f32) {
        let mut tone = Tone::new(hz, dbm0);
        self.samples.extend((0..(ms * 8.0) as usize).map(|_| tone.next_sample() as i16));
    }
}

fn far(party: Party, seed: u64) -> Far {
    let mut dice = Dice::new(seed * 7 + 1);
    let zones: Vec<_> = ["us", "de", "gb", "fr", "au"].iter().filter_map(|code| ZoneId::of(code)).collect();
    let mut far = Far { zone: zones[(dice.next() % 5) as usize], samples: Vec::new() };
    let gain = 10f32.powf(dice.between(-18.0, 3.0) / 20.0);
    let beep = [1000.0, 1400.0, 800.0, 2000.0, 620.0][(dice.next() % 5) as usize];
    far.pause(dice.between(50.0, 1500.0));
    match party {
        Party::Person => far.says(dice.between(250.0, 1700.0), gain, seed),
        Party::MachineWithBeep | Party::MachineWithout => {
            for part in 0..1 + dice.next() % 3 {
                let least = if part == 0 { 3200.0 } else { 800.0 };
                far.says(dice.between(least, 6000.0), gain, seed + part);
                far.pause(dice.between(100.0, 700.0));
            }
            if party == Party::MachineWithBeep {
                far.pause(dice.between(100.0, 800.0));
                far.whistles(beep, dice.between(130.0, 1200.0), dice.between(-25.0, -5.0));
            }
        }
        Party::ShortMachine => {
            far.says(dice.between(600.0, 1600.0), gain, seed);
            far.pause(dice.between(100.0, 500.0));
            far.whistles(beep, dice.between(130.0, 1200.0), dice.between(-25.0, -5.0));
        }
        Party::Fax => {
            let (hz, ms) = if dice.next() & 1 == 0 { (2100.0, 3000.0) } else { (1100.0, 500.0) };
            far.whistles(hz * dice.between(0.995, 1.005), ms, dice.between(-25.0, -8.0));
        }
        Party::Nobody => {}
        Party::RingsThenPerson => {
            let ringback = &far.zone.tones().ringback[0];
            let way = Way { dbm0: dice.between(-22.0, -8.0), begun: dice.part(), ..Way::default() };
            let rings = sound(ringback, way, dice.between(3000.0, 14_000.0), &mut dice);
            far.samples.extend(rings);
            far.pause(dice.between(150.0, 600.0));
            far.says(dice.between(300.0, 1500.0), gain, seed);
        }
    }
    far
}

fn heard(far: &Far, expected: Expected, seed: u64) -> Verdict {
    let mut dice = Dice::new(seed + 99);
    let (mu, noise) = (dice.next() & 1 == 0, peak_at(dice.between(-70.0, -40.0)) / 1.414);
    let mut listener = Answering::new(far.zone, Settings::new(expected));
    let mut samples = far.samples.iter().copied();
    for _ in 0..6100 {
        let mut block = [0; BLOCK];
        let one = |dice: &mut Dice, it: i16| through(mu, it.saturating_add((dice.gauss() * noise) as i16));
        block.iter_mut().for_each(|it| *it = one(&mut dice, samples.next().unwrap_or(0)));
        if let Some(answered) = listener.block(&block) {
            return answered.verdict;
        }
    }
    panic!("no verdict in a minute")
}

fn right(party: Party, expected: Expected) -> Verdict {
    match (party, expected) {
        (Party::Person | Party::RingsThenPerson, _) => Verdict::Human,
        (Party::Fax, _) => Verdict::Fax,
        (Party::Nobody, _) => Verdict::Unknown,
        (_, Expected::Start) => Verdict::MachineStart,
        (Party::MachineWithout, Expected::MessageEnd) => Verdict::MachineEndSilence,
        (_, Expected::MessageEnd) => Verdict::MachineEndBeep,
    }
}

#[test]
fn c17_greetings_are_told_apart_in_nineteen_of_twenty() {
    let (mut all, mut good) = (0, 0);
    for expected in [Expected::Start, Expected::MessageEnd] {
        for party in PARTIES {
            let mut row = std::collections::BTreeMap::<&str, u32>::new();
            for seed in 0..20 {
                let verdict = heard(&far(party, 1000 + seed), expected, seed);
                *row.entry(verdict.as_str()).or_default() += 1;
                all += 1;
                good += u32::from(verdict == right(party, expected));
            }
            println!("{expected:?} {party:?} ({}): {row:?}", right(party, expected).as_str());
        }
    }
    println!("{good} of {all} right");
    assert!(all >= 200 && good * 100 >= all * 95, "{good} of {all}");
}

#[test]
fn nothing_that_is_heard_panics_and_there_is_always_a_verdict() {
    let mut dice = Dice::new(17);
    for _ in 0..30 {
        let number = |dice: &mut Dice| dice.next() as u32 >> (dice.next() % 32);
        let settings = Settings {
            expected: if dice.next() & 1 == 0 { Expected::Start } else { Expected::MessageEnd },
            timeout_ms: number(&mut dice),
            speech_threshold_ms: number(&mut dice),
            speech_end_threshold_ms: number(&mut dice),
            silence_timeout_ms: number(&mut dice),
        };
        let zones: Vec<_> = ZoneId::all().collect();
        let mut listener = Answering::new(zones[dice.next() as usize % zones.len()], settings);
        let mut verdicts = 0;
        let (mut kind, mut tone) = (0, Tone::new(0.0, 0.0));
        for n in 0..6050 {
            if n % 23 == 0 {
                (kind, tone) = (dice.next() % 5, Tone::new(dice.between(0.0, 4000.0), dice.between(-60.0, 3.0)));
            }
            let mut block = [0; BLOCK];
            match kind {
                0 => {}
                1 => block.iter_mut().for_each(|it| *it = dice.next() as i16),
                2 => block.iter_mut().for_each(|it| *it = if dice.next() & 1 == 0 { i16::MIN } else { i16::MAX }),
                3 => block = [i16::MIN; BLOCK],
                _ => tone.fill(&mut block),
            }
            verdicts += u32::from(listener.block(&block).is_some());
        }
        assert_eq!(verdicts, 1);
    }
}
