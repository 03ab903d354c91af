//! Recorded speech and music that Debian packages bring, at other pitches and levels: hours out of twenty minutes.
//! Where the packages are not installed there is nothing, and whoever asks has to say so. Also taken by the benches.
//!
//! Speech: `pocketsphinx-testdata`, several readers, 45 s in all. Music: `asterisk-moh-opsound-wav`, five pieces, 19
//! min. Both are read where they lie; nothing of them is kept.

use crate::world::{Dice, through};
use tipring_dsp::level::{peak_at, power_of};

/// Samples as they were recorded.
pub struct Recording {
    rate: f32,
    samples: Vec<i16>,
    /// Their root of the mean square.
    loudness: f32,
}

impl Recording {
    fn of(rate: f32, samples: Vec<i16>) -> Recording {
        let loudness = power_of(&samples).sqrt().max(1.0);
        Recording { rate, samples, loudness }
    }

    /// How it sounds at 8000 samples a second, so much faster, at a level, through one of the laws.
    fn played(&self, pitch: f32, dbm0: f32, mu: bool) -> Vec<i16> {
        let gain = peak_at(dbm0) / 2f32.sqrt() / self.loudness;
        let mut sound = resampled(&self.samples, self.rate / 8000.0 * pitch);
        for sample in &mut sound {
            *sample = through(mu, (f32::from(*sample) * gain).clamp(-32_000.0, 32_000.0) as i16);
        }
        sound
    }
}

/// Recordings one after another, again and again, each time at another pitch, level and law.
pub struct Tape {
    recordings: Vec<Recording>,
    dice: Dice,
    next: usize,
}

impl Tape {
    /// Everything that is installed; `None` if one of the two packages is missing.
    pub fn all(seed: u64) -> Option<Tape> {
        let (speech, music) = (Tape::speech(seed)?, Tape::music(seed)?);
        Some(Tape { recordings: speech.recordings.into_iter().chain(music.recordings).collect(), ..music })
    }

    /// The speech.
    pub fn speech(seed: u64) -> Option<Tape> {
        let waves =
            files(&format!("{SPEECH}/cards"), "wav").into_iter().chain(files(&format!("{SPEECH}/librivox"), "wav"));
        let raws = ["goforward", "numbers", "something"].map(|name| format!("{SPEECH}/{name}.raw"));
        let raws = raws.iter().filter_map(|path| Some(Recording::of(16_000.0, samples_of(&std::fs::read(path).ok()?))));
        Tape::of(waves.filter_map(|path| wave(&path)).chain(raws).collect(), seed)
    }

    /// The music.
    pub fn music(seed: u64) -> Option<Tape> {
        Tape::of(files(MUSIC, "wav").into_iter().filter_map(|path| wave(&path)).collect(), seed)
    }

    fn of(recordings: Vec<Recording>, seed: u64) -> Option<Tape> {
        (!recordings.is_empty()).then(|| Tape { recordings, dice: Dice::new(seed), next: 0 })
    }

    /// The next recording's sound: 0.75 to 1.35 times its pitch, -30 to -5 dBm0.
    pub fn piece(&mut self) -> Vec<i16> {
        let recording = &self.recordings[self.next % self.recordings.len()];
        self.next += 1;
        let (pitch, dbm0) = (self.dice.between(0.75, 1.35), self.dice.between(-30.0, -5.0));
        recording.played(pitch, dbm0, self.dice.next() & 1 == 0)
    }

    /// So many seconds of pieces, the last one cut.
    pub fn seconds(&mut self, seconds: usize, mut hear: impl FnMut(&[i16])) {
        let mut left = seconds * 8000;
        while left > 0 {
            let piece = self.piece();
            let count = piece.len().min(left);
            hear(&piece[..count]);
            left -= count;
        }
    }
}

/// What is missing where there is no tape.
pub const MISSING: &str =
    "pocketsphinx-testdata and asterisk-moh-opsound-wav are not both installed (scripts/setup soak)";

const SPEECH: &str = "/usr/share/pocketsphinx/test/data";
const MUSIC: &str = "/usr/share/asterisk/moh";

/// The files of a folder with an ending, in order.
fn files(folder: &str, ending: &str) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    let mut found: Vec<_> = entries.filter(|path| path.extension().is_some_and(|it| it == ending)).collect();
    found.sort();
    found
}

/// A file of one channel of 16 bits with the plain header of 44 octets; others are passed over.
fn wave(path: &std::path::Path) -> Option<Recording> {
    let octets = std::fs::read(path).ok()?;
    let (header, body) = octets.split_at_checked(44)?;
    let plain = header.starts_with(b"RIFF") && header[36..40] == *b"data" && header[22] == 1 && header[34] == 16;
    let rate = u32::from_le_bytes(header[24..28].try_into().ok()?);
    plain.then(|| Recording::of(rate as f32, samples_of(body)))
}

fn samples_of(octets: &[u8]) -> Vec<i16> {
    octets.as_chunks::<2>().0.iter().map(|pair| i16::from_le_bytes(*pair)).collect()
}

/// Every `step`th sample, by a windowed sinc of twelve turns.
pub fn resampled(samples: &[i16], step: f32) -> Vec<i16> {
    let kernel: Vec<f32> = (0..=REACH * FINE + 1).map(|n| tap(n as f32 / FINE as f32)).collect();
    let wide = step.max(1.0);
    let reach = (REACH as f32 * wide) as isize;
    let count = (samples.len() as f64 / f64::from(step)) as usize;
    let mut out = Vec::with_capacity(count);
    for n in 0..count {
        let centre = n as f64 * f64::from(step);
        let (first, part) = (centre as isize, centre.fract() as f32);
        let (mut sum, mut weight) = (0.0, 0.0);
        for off in -reach..=reach {
            let Some(sample) = usize::try_from(first + off).ok().and_then(|at| samples.get(at)) else { continue };
            let place = (off as f32 - part).abs() / wide * FINE as f32;
            let tap = kernel.get(place as usize).copied().unwrap_or(0.0);
            sum += tap * f32::from(*sample);
            weight += tap;
        }
        out.push((sum / if weight == 0.0 { 1.0 } else { weight }).clamp(-32_000.0, 32_000.0) as i16);
    }
    out
}

/// The kernel at so many samples from its middle.
fn tap(at: f32) -> f32 {
    let x = core::f32::consts::PI * at * 0.9;
    let sinc = if x < 1e-3 { 1.0 } else { x.sin() / x };
    if at >= REACH as f32 { 0.0 } else { sinc * (0.5 + 0.5 * (core::f32::consts::PI * at / REACH as f32).cos()) }
}

/// Samples that the kernel reaches, and its entries a sample.
const REACH: usize = 12;
const FINE: usize = 512;
