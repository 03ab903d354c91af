//! Seeded noise and keys for the tests: what a line makes of a telephone's sound.

use tipring_dsp::dtmf::frequencies_of;
use tipring_dsp::level::peak_at;
use tipring_dsp::{Detector, Tone, alaw_decode, alaw_encode, ulaw_decode, ulaw_encode};

/// A small generator, so that a seed is the whole story.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// Evenly from 0 up to 1.
    pub fn part(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1u64 << 24) as f32
    }

    pub fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.part()
    }

    /// Hardly Gaussian, of variance 1: four even parts of one draw, for noise by the hour.
    pub fn hiss(&mut self) -> f32 {
        let draw = self.next();
        let parts = (0..4).map(|n| (draw >> (16 * n) & 0xFFFF) as f32).sum::<f32>();
        (parts - 131_070.0) / 37_836.0
    }

    /// Nearly Gaussian, of variance 1.
    pub fn gauss(&mut self) -> f32 {
        ((0..12).map(|_| self.part()).sum::<f32>()) - 6.0
    }
}

/// How one key is pressed.
#[derive(Clone, Copy, Debug)]
pub struct Press {
    pub key: u8,
    pub low_dbm0: f32,
    pub high_dbm0: f32,
    /// Factors on the two frequencies.
    pub low_off: f32,
    pub high_off: f32,
    pub on: usize,
    pub off: usize,
    /// White noise over all of it, of this level below the two tones together.
    pub snr_db: Option<f32>,
    /// Samples of silence before.
    pub before: usize,
    /// Its law; by chance if none is named.
    pub mu: Option<bool>,
}

impl Press {
    pub fn of(key: u8) -> Press {
        Press {
            key,
            low_dbm0: -10.0,
            high_dbm0: -10.0,
            low_off: 1.0,
            high_off: 1.0,
            on: 320,
            off: 320,
            snr_db: None,
            before: 0,
            mu: None,
        }
    }

    /// Its sound, each phase by chance, through one of the laws.
    pub fn sound(&self, dice: &mut Dice) -> Vec<i16> {
        let (low, high) = frequencies_of(self.key).expect("a key");
        let mut low = Tone::new(low * self.low_off, self.low_dbm0);
        let mut high = Tone::new(high * self.high_off, self.high_dbm0);
        for _ in 0..dice.next() % 40 {
            low.next_sample();
        }
        for _ in 0..dice.next() % 40 {
            high.next_sample();
        }
        let both = (peak_at(self.low_dbm0).powi(2) + peak_at(self.high_dbm0).powi(2)) / 2.0;
        let noise = self.snr_db.map_or(0.0, |db| (both / 10f32.powf(db / 10.0)).sqrt());
        let chance = dice.next() & 1 == 0;
        let mu = self.mu.unwrap_or(chance);
        (0..self.before + self.on + self.off)
            .map(|n| {
                let sounds = n >= self.before && n < self.before + self.on;
                let tones = if sounds { low.next_sample() + high.next_sample() } else { 0.0 };
                let noise = if noise > 0.0 { noise * dice.gauss() } else { 0.0 };
                through(mu, (tones + noise) as i16)
            })
            .collect()
    }
}

/// One sample through a law.
pub fn through(mu: bool, sample: i16) -> i16 {
    if mu { ulaw_decode(ulaw_encode(sample)) } else { alaw_decode(alaw_encode(sample)) }
}

/// The keys that a fresh detector tells, fed in blocks of a given size.
pub fn keys_in(sound: &[i16], block: usize) -> Vec<u8> {
    let mut detector = Detector::new();
    let mut keys = Vec::new();
    for piece in sound.chunks(block) {
        detector.feed(piece, |key| keys.push(key));
    }
    keys
}
