//! Keys at every edge of what must be accepted and what must be refused. Levels, times and offsets are seeded; each test
//! states how many presses it makes.

use crate::world::{Dice, Press, keys_in, through};
use tipring_dsp::{Cadence, CadenceTone, KEYS, KeyTone, Tone, ZoneId, frequencies_of};

/// Presses that were told as exactly the one key.
fn share(presses: usize, seed: u64, press: impl Fn(&mut Dice, u8) -> Press) -> f32 {
    let mut dice = Dice::new(seed);
    let mut right = 0;
    for n in 0..presses {
        let key = KEYS[n % 16];
        let mut press = press(&mut dice, key);
        press.before = 80 + (dice.next() % 80) as usize;
        let sound = press.sound(&mut dice);
        right += usize::from(keys_in(&sound, 80) == [key]);
    }
    right as f32 / presses as f32
}

#[test]
fn every_key_at_every_edge_of_level_twist_and_frequency() {
    for level in [0.0f32, -3.0, -10.0, -18.0, -25.0] {
        for twist in [-8.0f32, -4.0, 0.0, 2.0, 4.0] {
            for (low_off, high_off) in [(1.0, 1.0), (1.015, 1.015), (0.985, 0.985), (1.015, 0.985), (0.985, 1.015)] {
                let got = share(32, level.to_bits() as u64 ^ 7, |_, key| Press {
                    low_dbm0: level - twist.max(0.0),
                    high_dbm0: level + twist.min(0.0),
                    low_off,
                    high_off,
                    ..Press::of(key)
                });
                assert_eq!(got, 1.0, "level {level} twist {twist} off {low_off} {high_off}");
            }
        }
    }
}

/// A press by chance within what must be accepted, 40 ms long, with noise 15 dB down.
fn within_limits(dice: &mut Dice, key: u8) -> Press {
    let (level, twist) = (dice.between(-25.0, 0.0), dice.between(-8.0, 4.0));
    Press {
        low_dbm0: level - twist.max(0.0),
        high_dbm0: level + twist.min(0.0),
        low_off: dice.between(0.985, 1.015),
        high_off: dice.between(0.985, 1.015),
        snr_db: Some(15.0),
        ..Press::of(key)
    }
}

#[test]
fn twenty_thousand_keys_within_limits_and_noise_at_15_db() {
    for mu in [false, true] {
        let law = if mu { "mu-law" } else { "A-law" };
        let got = share(10_000, 1, |dice, key| Press { mu: Some(mu), ..within_limits(dice, key) });
        std::println!("keys of 40 ms in {law} with noise at 15 dB: {:.2} % of 10,000", 100.0 * got);
        assert!(got >= 0.999, "{law}: {got}");
    }
}

#[test]
fn still_heard_26_db_below_the_usual_level() {
    let got = share(800, 2, |_, key| Press { low_dbm0: -37.0, high_dbm0: -35.0, ..Press::of(key) });
    assert_eq!(got, 1.0);
}

#[test]
fn a_frequency_three_and_a_half_percent_off_is_refused() {
    for (n, off) in [0.965f32, 1.035, 0.96, 1.04, 0.95, 1.05].into_iter().enumerate() {
        for which in 0..3 {
            let told = 1.0
                - refused(1600, 31 + n as u64, |_, key| Press {
                    low_off: if which != 1 { off } else { 1.0 },
                    high_off: if which != 0 { off } else { 1.0 },
                    on: 800,
                    ..Press::of(key)
                });
            std::println!("told at {off}, group {which}: {told}");
            assert!(told <= 0.01, "off {off}, group {which}: {told}");
        }
    }
}

#[test]
fn a_frequency_three_and_a_half_percent_off_is_refused_at_every_level_and_twist_and_with_noise() {
    let told = 1.0
        - refused(4_000, 35, |dice, key| {
            let mut press = Press { on: 800, ..within_limits(dice, key) };
            let off = if dice.next() & 1 == 0 { 0.965 } else { 1.035 };
            match dice.next() % 3 {
                0 => press.low_off = off,
                1 => press.high_off = off,
                _ => (press.low_off, press.high_off) = (off, off),
            }
            press
        });
    std::println!("told of 4000 keys 3.5 % off: {:.2} %", 100.0 * told);
    assert!(told <= 0.01, "{told}");
}

#[test]
fn a_tone_of_20_ms_is_refused_at_every_level_and_twist_and_with_noise() {
    let told = 1.0 - refused(4_000, 36, |dice, key| Press { on: 160, ..within_limits(dice, key) });
    std::println!("told of 4000 keys of 20 ms: {:.2} %", 100.0 * told);
    assert_eq!(told, 0.0);
}

#[test]
fn a_tone_of_23_ms_or_less_is_refused() {
    for ms in [5, 10, 15, 20, 23] {
        let got = refused(1600, ms as u64, |_, key| Press { on: ms * 8, ..Press::of(key) });
        std::println!("refused at {ms} ms: {got}");
        assert_eq!(got, 1.0, "{ms} ms");
    }
}

#[test]
fn one_tone_alone_is_no_key() {
    for (low, high) in [(-5.0, -60.0), (-60.0, -5.0), (-20.0, -40.0), (-40.0, -20.0)] {
        let got = refused(160, 5, |_, key| Press { low_dbm0: low, high_dbm0: high, on: 1600, ..Press::of(key) });
        assert_eq!(got, 1.0, "{low} {high}");
    }
}

/// Presses of which nothing was told.
fn refused(presses: usize, seed: u64, press: impl Fn(&mut Dice, u8) -> Press) -> f32 {
    let mut dice = Dice::new(seed);
    let mut quiet = 0;
    for n in 0..presses {
        let mut press = press(&mut dice, KEYS[n % 16]);
        press.before = 80 + (dice.next() % 80) as usize;
        let sound = press.sound(&mut dice);
        quiet += usize::from(keys_in(&sound, 80).is_empty());
    }
    quiet as f32 / presses as f32
}

#[test]
fn a_string_of_keys_is_told_key_by_key_in_any_block_size() {
    let mut dice = Dice::new(9);
    let string = b"159D*0#2468A3B7C11002299##";
    let mut sound = vec![0; 100];
    for key in string {
        sound.extend(Press::of(*key).sound(&mut dice));
    }
    for block in [1, 7, 40, 80, 160, 205, 100_000] {
        assert_eq!(keys_in(&sound, block), string, "blocks of {block}");
    }
}

#[test]
fn a_long_key_is_told_once_also_through_dropouts() {
    for gap in [8, 40, 80, 120, 160] {
        for key in KEYS {
            let mut dice = Dice::new(gap as u64);
            let mut sound = Press { on: 8000, ..Press::of(key) }.sound(&mut dice);
            for hole in [1003, 2511, 4000, 6060] {
                sound[hole..hole + gap].fill(0);
            }
            assert_eq!(keys_in(&sound, 80), [key], "gap of {gap} samples");
        }
    }
}

#[test]
fn a_pause_of_40_ms_parts_two_equal_keys() {
    let mut dice = Dice::new(40);
    for n in 0..320 {
        let key = KEYS[n % 16];
        let mut sound = vec![0; n];
        for _ in 0..2 {
            sound.extend(Press { snr_db: Some(20.0), ..Press::of(key) }.sound(&mut dice));
        }
        assert_eq!(keys_in(&sound, 80), [key, key]);
    }
}

#[test]
fn heard_over_the_echo_of_our_own_prompt() {
    // The prompt at -10 dBm0 comes back 20 dB weaker; keys are at -10 dBm0 as well.
    let mut dice = Dice::new(77);
    let mut prompt = crate::speaker::Speaker::new(4);
    let mut right = 0;
    for n in 0..1600 {
        let key = KEYS[n % 16];
        let mut sound = Press { on: 400, before: 400, ..Press::of(key) }.sound(&mut dice);
        for sample in &mut sound {
            *sample = through(false, sample.saturating_add((f32::from(prompt.sample()) * 0.1) as i16));
        }
        right += usize::from(keys_in(&sound, 80) == [key]);
    }
    std::println!("keys over echo: {right} of 1600");
    assert!(right >= 1598);
}

/// How far a network's tone must be below the two tones of a key together; one that is modulated, and so has peaks 4 dB
/// above its own level, more.
const TONE_BELOW_KEY_DB: f32 = 10.0;
const MODULATED_BELOW_KEY_DB: f32 = 13.0;

#[test]
fn heard_over_dial_tone_busy_and_ringback_of_every_country() {
    let mut dice = Dice::new(12);
    let (mut tried, mut wrong) = (0, Vec::new());
    for zone in ZoneId::all().map(ZoneId::tones) {
        let tones = [("dial tone", zone.dial), ("busy", zone.busy), ("ringback", zone.ringback)];
        for (what, cadence) in tones.into_iter().flat_map(|(what, forms)| forms.iter().map(move |form| (what, form))) {
            for key in KEYS {
                let mut sound = Press { before: 200, on: 400, ..Press::of(key) }.sound(&mut dice);
                // The two tones of the key together are at -7 dBm0; the network's sounds all the while.
                let endless = Cadence { on_off_ms: &[], ..*cadence };
                let below = if cadence.modulated { MODULATED_BELOW_KEY_DB } else { TONE_BELOW_KEY_DB };
                let mut tone = CadenceTone::new(endless, -7.0 - below);
                let mut under = vec![0; sound.len() + 400];
                tone.fill(&mut under);
                let begun = dice.next() as usize % 400;
                for (sample, under) in sound.iter_mut().zip(&under[begun..]) {
                    *sample = through(key % 2 == 0, sample.saturating_add(*under));
                }
                tried += 1;
                if keys_in(&sound, 80) != [key] {
                    wrong.push((zone.code, what, char::from(key)));
                }
            }
        }
    }
    std::println!("keys over networks' tones: {tried} tried, {} wrong", wrong.len());
    assert!(wrong.len() * 1000 <= tried, "{wrong:?}");
}

#[test]
fn a_note_with_an_overtone_is_no_key_and_a_telephone_with_a_hundredth_of_it_is() {
    for key in KEYS {
        let (low, high) = frequencies_of(key).expect("a key");
        for (below_db, told) in [(12.0, false), (15.0, false), (20.0, true), (26.0, true)] {
            let mut sound = vec![0; 1600];
            for (hz, dbm0) in [(low, -13.0), (high, -13.0), (2.0 * high, -13.0 - below_db)] {
                Tone::new(hz, dbm0).add_to(&mut sound[203..843]);
            }
            sound.iter_mut().for_each(|s| *s = through(key % 2 == 0, *s));
            assert_eq!(!keys_in(&sound, 80).is_empty(), told, "{} at {below_db} dB", key as char);
        }
    }
}

#[test]
fn hears_its_own_generator() {
    let mut sound = vec![0; 1280 * 16];
    for (place, key) in sound.chunks_mut(1280).zip(KEYS) {
        let mut tone = KeyTone::new(key).expect("a key");
        assert_eq!(tone.fill(place), 1280);
    }
    assert_eq!(keys_in(&sound, 80), KEYS);
}

#[test]
fn a_stream_of_twenty_thousand_keys_without_a_missing_or_doubled_one() {
    // 40 ms on, 40 ms off, noise at 15 dB, levels and frequencies by chance, one detector for all; equal keys follow
    // each other every now and then.
    let mut dice = Dice::new(20);
    let mut detector = tipring_dsp::Detector::new();
    let (mut wrong, mut key) = (0, b'1');
    for _ in 0..20_000 {
        if !dice.next().is_multiple_of(4) {
            key = KEYS[(dice.next() % 16) as usize];
        }
        let press = within_limits(&mut dice, key);
        let press = Press { off: 320 + (dice.next() % 40) as usize, ..press };
        let sound = press.sound(&mut dice);
        let mut told = Vec::new();
        sound.chunks(80).for_each(|block| detector.feed(block, |key| told.push(key)));
        wrong += usize::from(told != [key]);
    }
    std::println!("wrong keys in a stream of 20,000: {wrong}");
    assert!(wrong <= 20, "{wrong}");
}
