//! Call progress over what lines make of it: every country's tones, off in frequency and rhythm, weak, with noise.

use crate::world::{Dice, through};
use tipring_dsp::level::peak_at;
use tipring_dsp::progress::{BLOCK, Mode};
use tipring_dsp::zone::Information;
use tipring_dsp::{Cadence, Progress, Progressing, Tone, ZoneId};

/// How a network's tone comes over.
#[derive(Clone, Copy, Debug)]
pub struct Way {
    pub dbm0: f32,
    /// Factors on the frequencies and on the times.
    pub off: f32,
    pub time: f32,
    /// A further factor on the pauses alone.
    pub pause: f32,
    pub snr_db: Option<f32>,
    /// Part of the rhythm that is over when we begin to listen.
    pub begun: f32,
    /// Every second burst is so much stronger.
    pub step_db: f32,
    /// What the second of two tones is weaker than the first.
    pub twist_db: f32,
}

impl Default for Way {
    fn default() -> Self {
        Way { dbm0: -10.0, off: 1.0, time: 1.0, pause: 1.0, snr_db: None, begun: 0.0, step_db: 0.0, twist_db: 0.0 }
    }
}

/// The tone of a cadence, as long as is asked for, through mu-law.
pub fn sound(cadence: &Cadence, way: Way, ms: f32, dice: &mut Dice) -> Vec<i16> {
    let [a, b] = cadence.hz.map(|hz| f32::from(hz) * way.off);
    let level = match (cadence.hz[1], cadence.modulated) {
        (0, _) => way.dbm0,
        (_, false) => way.dbm0 - 3.01,
        (_, true) => way.dbm0 - 1.76,
    };
    let second_level = if cadence.modulated { 0.0 } else { level - way.twist_db };
    let (mut first, mut second) = (Tone::new(a, level), Tone::new(b, second_level));
    for _ in 0..dice.next() % 400 {
        first.next_sample();
        second.next_sample();
    }
    let span = |(n, ms): (usize, &u16)| f32::from(*ms) * 8.0 * way.time * if n % 2 == 1 { way.pause } else { 1.0 };
    let spans: Vec<f32> = cadence.on_off_ms.iter().enumerate().map(span).collect();
    let turn: f32 = spans.iter().sum();
    let noise = way.snr_db.map_or(0.0, |db| peak_at(way.dbm0) / 2f32.sqrt() / 10f32.powf(db / 20.0));
    (0..(ms * 8.0) as usize)
        .map(|n| {
            let from_begin = n as f32 + way.begun * turn;
            let mut at = if turn > 0.0 { from_begin % turn } else { 0.0 };
            let span = spans.iter().position(|span| {
                at -= span;
                at < 0.0
            });
            let burst =
                span.unwrap_or(0) / 2 + if turn > 0.0 { (from_begin / turn) as usize * (spans.len() / 2) } else { 0 };
            let gain = if burst % 2 == 1 { 10f32.powf(way.step_db / 20.0) } else { 1.0 };
            let (x, y) = (first.next_sample(), second.next_sample());
            let tone = match (cadence.hz[1], cadence.modulated) {
                (0, _) => x,
                (_, false) => x + y,
                (_, true) => x * (1.0 + y / peak_at(0.0)),
            };
            let tone = if span.unwrap_or(0) % 2 == 0 { tone * gain } else { 0.0 };
            through(true, (tone + if noise > 0.0 { noise * dice.hiss() } else { 0.0 }) as i16)
        })
        .collect()
}

/// What is heard, and after how many milliseconds.
pub fn heard_in(zone: ZoneId, mode: Mode, sound: &[i16]) -> Vec<(u32, Progressing)> {
    let mut ear = Progress::new(zone);
    ear.listen(mode);
    let mut heard = Vec::new();
    for (n, block) in sound.chunks_exact(BLOCK).enumerate() {
        let block: &[i16; BLOCK] = block.try_into().expect("a whole block");
        heard.extend(ear.block(block).map(|what| (n as u32 * 10 + 10, what)));
    }
    heard
}

/// The first thing that is told but silence.
fn first(zone: ZoneId, mode: Mode, sound: &[i16]) -> (u32, Option<Progressing>) {
    let heard = heard_in(zone, mode, sound);
    let first = heard.iter().find(|(_, what)| !matches!(what, Progressing::Silence { .. }));
    first.map_or((0, None), |(ms, what)| (*ms, Some(*what)))
}

/// Ways that every country's tone is tried in: level, frequency, rhythm.
fn ways(dice: &mut Dice) -> Vec<Way> {
    let mut ways = Vec::new();
    for dbm0 in [-10.0, -30.0] {
        for off in [0.985, 1.0, 1.015] {
            for time in [0.9, 1.0, 1.1] {
                ways.push(Way { dbm0, off, time, begun: dice.part(), ..Way::default() });
            }
        }
    }
    ways
}

/// Six of them, each frequency with each rhythm's error and each level at least once.
fn few_ways(dice: &mut Dice) -> Vec<Way> {
    let ways = ways(dice).into_iter().enumerate();
    ways.filter(|(n, _)| n % 3 == (n / 3 + n / 9) % 3).map(|(_, way)| way).collect()
}

fn turn_ms(cadence: &Cadence, way: Way) -> f32 {
    cadence.on_off_ms.iter().map(|ms| f32::from(*ms)).sum::<f32>() * way.time
}

#[test]
fn busy_tone_of_46_countries_is_certain_in_four_cycles() {
    let mut dice = Dice::new(17);
    let mut wrong = Vec::new();
    let (mut tried, mut cycles, mut most) = (0, 0.0f32, 0.0f32);
    for zone in ZoneId::all() {
        let code = zone.tones().code;
        for (form, cadence) in zone.tones().busy.iter().enumerate() {
            for way in ways(&mut dice) {
                let turn = turn_ms(cadence, way);
                let sound = sound(cadence, way, 5.0 * turn + 200.0, &mut dice);
                let (ms, what) = first(zone, Mode::Call, &sound);
                // The other source's form of busy may be the commoner form of congestion.
                let right = what == Some(Progressing::Busy) || form > 0 && what == Some(Progressing::Congestion);
                tried += 1;
                let took = (ms as f32 - 50.0) / turn;
                cycles += took;
                most = most.max(took);
                if !right || took > 4.0 {
                    wrong.push((code, form, way, what, took));
                }
            }
        }
    }
    std::println!(
        "busy: {tried} tried, {} wrong, {} cycles on average, {most} at most",
        wrong.len(),
        cycles / tried as f32
    );
    for one in wrong.iter().take(20) {
        std::println!("{one:?}");
    }
    assert!(wrong.is_empty());
}

#[test]
fn congestion_of_every_country_is_told_as_congestion_or_as_busy_where_it_is_the_same() {
    let mut dice = Dice::new(18);
    let mut wrong = Vec::new();
    for zone in ZoneId::all() {
        let tones = zone.tones();
        for (form, cadence) in tones.congestion.iter().enumerate() {
            for way in ways(&mut dice) {
                let way = Way { step_db: f32::from(tones.congestion_step_db), ..way };
                let turn = turn_ms(cadence, way);
                let sound = sound(cadence, way, 4.0 * turn + 2000.0, &mut dice);
                let (_, what) = first(zone, Mode::Call, &sound);
                let same = tones.busy.contains(cadence) && tones.congestion_step_db == 0;
                let right = match what {
                    Some(Progressing::Congestion) => !same || form > 0 || tones.busy[0] != *cadence,
                    Some(Progressing::Busy) => same,
                    _ => false,
                };
                if !right {
                    wrong.push((tones.code, form, way, what));
                }
            }
        }
    }
    std::println!("congestion: {} wrong", wrong.len());
    for one in wrong.iter().take(20) {
        std::println!("{one:?}");
    }
    assert!(wrong.is_empty());
}

#[test]
fn dial_tone_of_every_country_is_certain_in_time() {
    let mut dice = Dice::new(19);
    let mut wrong = Vec::new();
    let (mut latest, mut latest_call) = (0, 0);
    for zone in ZoneId::all() {
        for cadence in zone.tones().dial {
            for way in few_ways(&mut dice) {
                let way = Way { begun: 0.0, ..way };
                let endless = cadence.on_off_ms.is_empty();
                let sound = sound(cadence, way, if endless { 4500.0 } else { 8000.0 }, &mut dice);
                let (ms, what) = first(zone, Mode::BeforeDialling, &sound);
                let (call_ms, in_call) = first(zone, Mode::Call, &sound);
                let within = if endless { 950 } else { 4000 };
                latest = latest.max(if endless { ms } else { 0 });
                latest_call = latest_call.max(if endless { call_ms } else { 0 });
                let dial = Some(Progressing::DialTone);
                if what != dial || ms > within || in_call != dial || call_ms < 2000 {
                    wrong.push((zone.tones().code, way, what, ms, in_call, call_ms));
                }
            }
        }
    }
    std::println!("dial tone: latest {latest} ms, in a call {latest_call} ms, {} wrong", wrong.len());
    for one in wrong.iter().take(20) {
        std::println!("{one:?}");
    }
    assert!(wrong.is_empty());
}

#[test]
fn ringback_of_every_country_is_told_burst_by_burst() {
    let mut dice = Dice::new(20);
    let mut wrong = Vec::new();
    for zone in ZoneId::all() {
        for cadence in zone.tones().ringback {
            for way in few_ways(&mut dice) {
                let way = Way { begun: 0.0, ..way };
                let turn = turn_ms(cadence, way);
                let sound = sound(cadence, way, 3.0 * turn, &mut dice);
                let heard = heard_in(zone, Mode::Call, &sound);
                let rings = heard.iter().filter(|(_, what)| *what == Progressing::Ringback).count();
                let others =
                    heard.iter().any(|(_, what)| !matches!(what, Progressing::Ringback | Progressing::Silence { .. }));
                if rings != 3 || others {
                    wrong.push((zone.tones().code, way, heard));
                }
            }
        }
    }
    std::println!("ringback: {} wrong", wrong.len());
    for one in wrong.iter().take(20) {
        std::println!("{one:?}");
    }
    assert!(wrong.is_empty());
}

/// The three rising tones, with silence before and after.
fn rising(hz: [f32; 3], ms: [u16; 3], gap_ms: u16, way: Way, dice: &mut Dice) -> Vec<i16> {
    let mut all = vec![0; 800 + dice.next() as usize % 80];
    for (hz, ms) in hz.iter().zip(ms).filter(|(_, ms)| *ms > 0) {
        let one = Cadence { hz: [0, 0], modulated: false, on_off_ms: &[] };
        let mut tone = Tone::new(hz * way.off, way.dbm0);
        let mut samples = sound(&one, Way { dbm0: -90.0, ..way }, f32::from(ms) * way.time, dice);
        tone.fill(&mut samples);
        all.extend(samples.iter().map(|sample| through(true, *sample)));
        all.extend(vec![0; usize::from(gap_ms) * 8]);
    }
    all.extend([0; 4000]);
    all
}

#[test]
fn information_tones_of_every_country_are_told() {
    let mut dice = Dice::new(21);
    let mut wrong = Vec::new();
    for zone in ZoneId::all() {
        for information in zone.tones().information {
            for way in ways(&mut dice) {
                let sound = match information {
                    Information::Rising { hz, ms, gap_ms, .. } => {
                        rising(hz.map(f32::from), *ms, *gap_ms, way, &mut dice)
                    }
                    Information::Rhythm(cadence) => {
                        sound(cadence, way, (4.0 * turn_ms(cadence, way) + 200.0).max(3000.0), &mut dice)
                    }
                };
                let heard = heard_in(zone, Mode::Call, &sound);
                let told = heard.iter().filter(|(_, what)| *what == Progressing::Information).count();
                let others = heard
                    .iter()
                    .any(|(_, what)| !matches!(what, Progressing::Information | Progressing::Silence { .. }));
                if told == 0 || others {
                    wrong.push((zone.tones().code, information, way, heard));
                }
            }
        }
    }
    std::println!("information: {} wrong", wrong.len());
    for one in wrong.iter().take(20) {
        std::println!("{one:?}");
    }
    assert!(wrong.is_empty());
}

#[test]
fn north_american_information_tones_of_either_length_are_told() {
    let mut dice = Dice::new(22);
    let us = ZoneId::default();
    for low in [913.8, 985.2] {
        for middle in [1370.6, 1428.5] {
            for ms in [[276, 276, 380], [380, 276, 380], [276, 380, 380], [380, 380, 380]] {
                let sound = rising([low, middle, 1776.7], ms, 0, Way::default(), &mut dice);
                let heard = heard_in(us, Mode::Call, &sound);
                assert_eq!(heard.len(), 1, "{low} {middle} {ms:?}: {heard:?}");
                assert_eq!(heard[0].1, Progressing::Information);
            }
        }
    }
}

#[test]
fn tones_that_fall_or_miss_one_are_no_information() {
    let mut dice = Dice::new(23);
    for hz in [[1800.0, 1400.0, 950.0], [950.0, 1800.0, 1400.0], [950.0, 950.0, 1400.0], [700.0, 1400.0, 1800.0]] {
        let sound = rising(hz, [330; 3], 0, Way::default(), &mut dice);
        let heard = heard_in(ZoneId::default(), Mode::Call, &sound);
        assert!(heard.iter().all(|(_, what)| *what != Progressing::Information), "{hz:?}: {heard:?}");
    }
}

#[test]
fn a_line_that_weakens_one_of_two_tones_hides_none_of_them() {
    let mut dice = Dice::new(24);
    let mut wrong = Vec::new();
    for zone in ZoneId::all() {
        let tones = zone.tones();
        let of = |cadences: &[Cadence], what| cadences.iter().map(|cadence| (*cadence, what)).collect::<Vec<_>>();
        let all = [
            of(tones.busy, Progressing::Busy),
            of(tones.ringback, Progressing::Ringback),
            of(tones.dial, Progressing::DialTone),
        ];
        for (cadence, expected) in all.concat().into_iter().filter(|(cadence, _)| cadence.hz[1] > 0) {
            for twist_db in [-6.0, 6.0] {
                let way = Way { dbm0: -16.0, twist_db, begun: 0.0, ..Way::default() };
                let sound = sound(&cadence, way, (3.6 * turn_ms(&cadence, way)).max(4000.0), &mut dice);
                let (_, what) = first(zone, Mode::Call, &sound);
                if what != Some(expected) && !cadence.modulated {
                    wrong.push((tones.code, cadence, twist_db, what));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn any_samples_at_all_are_borne() {
    let mut dice = Dice::new(25);
    for zone in ZoneId::all().step_by(5) {
        let mut ear = Progress::new(zone);
        for n in 0..3_000u64 {
            let block: [i16; BLOCK] = match dice.next() % 6 {
                0 => [i16::MIN; BLOCK],
                1 => [i16::MAX; BLOCK],
                2 => [0; BLOCK],
                3 => core::array::from_fn(|n| if n % 2 == 0 { i16::MIN } else { i16::MAX }),
                4 => core::array::from_fn(|n| if n % 19 < 9 { i16::MIN } else { i16::MAX }),
                _ => core::array::from_fn(|_| dice.next() as i16),
            };
            ear.block(&block);
            if n % 701 == 0 {
                ear.listen(if n % 2 == 0 { Mode::Call } else { Mode::BeforeDialling });
            }
        }
        // And it still hears.
        ear.listen(Mode::Call);
        let busy = sound(&zone.tones().busy[0], Way::default(), 8_000.0, &mut dice);
        let told = busy.chunks_exact(BLOCK).filter_map(|block| ear.block(block.try_into().expect("a whole block")));
        assert!(told.into_iter().any(|what| what == Progressing::Busy), "{}", zone.tones().code);
    }
}
