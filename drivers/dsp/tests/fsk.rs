//! Keying at 1200 bit/s over what lines do to it: level, noise, a clock that is off, a slope, both laws.

use crate::speaker::Speaker;
use crate::world::{Dice, through};
use tipring_dsp::fsk::{BIT_RATE, MAX_BYTES, Standard};
use tipring_dsp::level::peak_at;
use tipring_dsp::{Demodulator, Modulator};

const STANDARDS: [Standard; 2] = [Standard::Bell202, Standard::V23];

/// How a transmission comes over.
#[derive(Clone, Copy, Debug)]
struct Way {
    standard: Standard,
    dbm0: f32,
    snr_db: Option<f32>,
    clock: f32,
    mu: bool,
    /// What space is weaker than mark, in dB; negative: stronger.
    slope_db: f32,
}

impl Way {
    fn of(standard: Standard) -> Way {
        Way { standard, dbm0: -15.0, snr_db: None, clock: 1.0, mu: true, slope_db: 0.0 }
    }

    fn sound(&self, bytes: &[u8], dice: &mut Dice) -> Vec<i16> {
        let sent = Modulator::new(self.standard, self.dbm0, bytes).expect("it fits");
        self.come(sent.at_rate(BIT_RATE * self.clock), dice)
    }

    /// Half a second of line, the transmission, a tenth of a second of line.
    fn come(&self, mut sent: Modulator, dice: &mut Dice) -> Vec<i16> {
        let mut clean = vec![0; 4000 + dice.next() as usize % 80];
        loop {
            let mut block = [0; 80];
            let count = sent.fill(&mut block);
            clean.extend(&block[..count]);
            if count < 80 {
                assert!(sent.is_over());
                break;
            }
        }
        clean.extend([0; 800]);
        let noise = self.snr_db.map_or(0.0, |db| peak_at(self.dbm0) / 2f32.sqrt() / 10f32.powf(db / 20.0));
        // A slope by a first-order filter: it changes the two levels by `slope_db` against each other.
        let tilt = tilt_of(self.slope_db, self.standard);
        let mut before = 0.0;
        clean
            .into_iter()
            .map(|sample| {
                let sample = f32::from(sample);
                let tilted = sample + tilt * before;
                before = sample;
                through(self.mu, (tilted + if noise > 0.0 { noise * dice.gauss() } else { 0.0 }) as i16)
            })
            .collect()
    }
}

/// Coefficient of `1 + t z⁻¹` that makes space weaker than mark by so much.
fn tilt_of(slope_db: f32, standard: Standard) -> f32 {
    let gain = |t: f32, hz: f32| 1.0 + t * t + 2.0 * t * (core::f32::consts::TAU * hz / 8000.0).cos();
    let slope = |t: f32| 10.0 * (gain(t, standard.hz(true)) / gain(t, standard.hz(false))).log10();
    (-95..=95)
        .map(|n| n as f32 / 100.0)
        .min_by(|a, b| (slope(*a) - slope_db).abs().total_cmp(&(slope(*b) - slope_db).abs()))
        .unwrap_or(0.0)
}

fn heard(sound: &[i16], block: usize) -> Vec<u8> {
    let mut ear = Demodulator::new();
    let mut bytes = Vec::new();
    sound.chunks(block).for_each(|piece| ear.feed(piece, |byte| bytes.push(byte)));
    bytes
}

/// A message of random bytes.
fn message(dice: &mut Dice) -> Vec<u8> {
    (0..20 + dice.next() % 40).map(|_| dice.next() as u8).collect()
}

/// Messages of 40 that came over whole.
fn whole(seed: u64, way: impl Fn(&mut Dice, usize) -> Way) -> usize {
    let mut dice = Dice::new(seed);
    (0..40)
        .filter(|n| {
            let bytes = message(&mut dice);
            let way = way(&mut dice, *n);
            let sound = way.sound(&bytes, &mut dice);
            heard(&sound, 80) == bytes
        })
        .count()
}

#[test]
fn keying_of_both_standards_is_heard_at_every_level_in_both_laws() {
    for standard in STANDARDS {
        for dbm0 in [-36.0, -30.0, -20.0, -13.5, -6.0] {
            for mu in [false, true] {
                let got = whole(1, |_, _| Way { dbm0, mu, ..Way::of(standard) });
                assert_eq!(got, 40, "{standard:?} at {dbm0} dBm0, mu-law {mu}");
            }
        }
    }
}

#[test]
fn keying_is_heard_through_noise_15_decibels_down_with_a_clock_one_percent_off() {
    for standard in STANDARDS {
        for clock in [0.99, 1.0, 1.01] {
            for dbm0 in [-30.0, -15.0] {
                let got = whole(2, |_, n| Way { snr_db: Some(15.0), clock, dbm0, mu: n % 2 == 0, ..Way::of(standard) });
                std::println!("{standard:?} clock {clock} at {dbm0} dBm0: {got} of 40");
                assert!(got >= 39, "{standard:?} clock {clock}, {dbm0} dBm0: {got}");
            }
        }
    }
}

#[test]
fn keying_is_heard_over_a_line_that_weakens_one_frequency() {
    for standard in STANDARDS {
        for slope_db in [-6.0, 6.0] {
            let got = whole(3, |_, _| Way { slope_db, snr_db: Some(25.0), ..Way::of(standard) });
            assert_eq!(got, 40, "{standard:?}, {slope_db} dB");
        }
    }
}

#[test]
fn noise_as_strong_as_the_carrier_is_not_understood() {
    // Shows that the tests above can fail.
    let got = whole(4, |_, _| Way { snr_db: Some(0.0), ..Way::of(Standard::Bell202) });
    assert!(got < 20, "{got}");
}

#[test]
fn blocks_of_any_size_make_one_message_and_the_longest_fits() {
    let mut dice = Dice::new(5);
    let bytes: Vec<u8> = (0..MAX_BYTES).map(|_| dice.next() as u8).collect();
    let sound = Way::of(Standard::V23).sound(&bytes, &mut dice);
    for block in [1, 7, 80, 160, 100_000] {
        assert_eq!(heard(&sound, block), bytes, "blocks of {block}");
    }
    assert!(Modulator::new(Standard::V23, -10.0, &[0; MAX_BYTES + 1]).is_none());
}

#[test]
fn a_message_needs_its_mark_but_no_seizure() {
    let mut dice = Dice::new(6);
    let way = Way::of(Standard::Bell202);
    let sent = |mark| Modulator::with_preamble(Standard::Bell202, -15.0, b"call waiting", 0, mark).expect("it fits");
    assert_eq!(heard(&way.come(sent(80), &mut dice), 80), b"call waiting");
    assert_eq!(heard(&way.come(sent(10), &mut dice), 80), b"");
}

#[test]
fn what_goes_out_has_its_length_and_its_level() {
    let mut sent = Modulator::new(Standard::Bell202, -10.0, &[0x55; 30]).expect("it fits");
    let mut samples = vec![0; 20_000];
    let count = sent.fill(&mut samples);
    let bits = 300 + 180 + 300 + 1;
    assert!((count as i64 - bits * 8000 / 1200).abs() <= 1, "{count}");
    let level = tipring_dsp::dbm0_of(&samples[..count]);
    assert!((level + 10.0).abs() < 0.1, "{level}");
    assert_eq!(sent.fill(&mut samples), 0);
}

#[test]
fn speech_and_noise_have_hardly_a_byte() {
    let mut ear = Demodulator::new();
    let mut bytes = 0;
    let mut speaker = Speaker::new(3);
    let mut dice = Dice::new(8);
    for n in 0..120_000 {
        let block: [i16; 80] =
            core::array::from_fn(|_| if n < 60_000 { speaker.sample() } else { (dice.gauss() * 2000.0) as i16 });
        ear.feed(&block, |_| bytes += 1);
    }
    std::println!("bytes in 20 min of speech and noise: {bytes}");
    assert!(bytes <= 10, "{bytes}");
}
