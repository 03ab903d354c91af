//! One corpus for every detector: keys within the limits of Q.24, and sound that is no key. Seeded, and made without
//! spandsp; all of it has passed one of the two laws.

use std::process::Command;

use tipring_dsp::KEYS;

use crate::recordings::resampled;
use crate::speaker::{Chords, Speaker};
use crate::world::{Dice, Press, through};

/// Keys with their sounds, one after another.
pub struct Keys {
    pub sound: Vec<i16>,
    /// Where each key's sound ends, with the pause behind it.
    pub ends: Vec<(usize, u8)>,
}

/// What is no key, by kind.
pub struct Others {
    pub kinds: Vec<(&'static str, Vec<i16>)>,
}

/// Keys pressed 45 to 100 ms with pauses of 50 to 100 ms, -25 to 0 dBm0, twist -8 to 4 dB, each frequency up to 1.5 %
/// off, noise 15 to 30 dB down.
pub fn keys(count: usize) -> Keys {
    let mut dice = Dice::new(4733);
    let (mut sound, mut ends) = (Vec::new(), Vec::new());
    for _ in 0..count {
        let key = KEYS[(dice.next() % 16) as usize];
        let (level, twist) = (dice.between(-25.0, 0.0), dice.between(-8.0, 4.0));
        let press = Press {
            low_dbm0: level - twist.max(0.0),
            high_dbm0: level + twist.min(0.0),
            low_off: dice.between(0.985, 1.015),
            high_off: dice.between(0.985, 1.015),
            on: dice.between(360.0, 800.0) as usize,
            off: dice.between(400.0, 800.0) as usize,
            snr_db: Some(dice.between(15.0, 30.0)),
            ..Press::of(key)
        };
        sound.extend(press.sound(&mut dice));
        ends.push((sound.len(), key));
    }
    Keys { sound, ends }
}

/// Synthetic speech, speech of espeak-ng where that is installed, synthetic music, noise.
pub fn others() -> Others {
    let mut speech = Vec::new();
    for seed in 0..6 {
        let mut speaker = Speaker::new(500 + seed);
        speech.extend((0..300 * 8000).map(|n| through(n % 2 == 0, speaker.sample())));
    }
    let mut music = Vec::new();
    for seed in 0..4 {
        let mut chords = Chords::new(77 + seed);
        music.extend((0..900 * 8000).map(|n| through(n % 2 == 0, chords.sample())));
    }
    let mut dice = Dice::new(8);
    let noise = (0..300 * 8000).map(|_| through(true, (dice.gauss() * 3000.0) as i16)).collect();
    let mut kinds = vec![("formants", speech), ("chords", music), ("noise", noise)];
    let spoken = all_spoken();
    if spoken.is_empty() {
        eprintln!("dsp.dtmf: espeak-ng is not installed: its speech is not in the corpus");
    } else {
        kinds.push(("espeak-ng", spoken));
    }
    Others { kinds }
}

/// The text read by every voice that there is, one after another; empty without espeak-ng.
pub fn all_spoken() -> Vec<i16> {
    VOICES.iter().filter_map(|voice| spoken(voice)).flatten().collect()
}

/// The text read by one voice.
fn spoken(voice: &str) -> Option<Vec<i16>> {
    let text: String = TEXT.chars().take(1500).collect();
    let out = Command::new("espeak-ng").args(["-v", voice, "-s", "165", "--stdout", &text]).output().ok()?;
    let (header, body) = out.stdout.split_at_checked(44)?;
    let rate = u32::from_le_bytes(header[24..28].try_into().ok()?);
    let samples: Vec<i16> = body.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect();
    let sound = resampled(&samples, rate as f32 / 8000.0);
    Some(sound.into_iter().enumerate().map(|(n, sample)| through(n % 2 == 0, sample)).collect())
}

const VOICES: [&str; 8] = ["en", "en+f2", "en+m3", "de", "de+f3", "fr+f1", "es+m2", "it"];
/// What the voices read: many vowels.
const TEXT: &str = include_str!("../../../README.md");
