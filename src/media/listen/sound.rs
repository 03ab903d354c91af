//! Telephone audio as recognizers take it: linear, 16 bits, least significant octet first, at 8 or 16 kHz.
//!
//! Between the two rates stands a half-band filter of eight taps: flat to 3 kHz, which is all a telephone has.

use tipring_card::Law;

use crate::fault::MediaFault;
use crate::preset::{Coding, Preset};

/// Makes samples of octets, piece by piece.
pub(crate) struct Intake {
    coding: Coding,
    /// The first octet of a sample whose second is in the next piece.
    half: Option<u8>,
    rates: Rates,
    past: [f32; TAPS * 2],
    odd: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Rates {
    Same,
    Double,
    Halve,
}

impl Intake {
    /// From this form to this rate.
    pub fn new(from: Preset, to_hz: u32) -> Result<Self, MediaFault> {
        let rates = match (from.rate_hz, to_hz) {
            (8_000, 16_000) => Rates::Double,
            (16_000, 8_000) => Rates::Halve,
            (a, b) if a == b && LISTENED_HZ.contains(&a) => Rates::Same,
            _ => {
                let text = format!("{from}: recognizers listen at 8000 or 16000 Hz");
                return Err(MediaFault::request(text));
            }
        };
        Ok(Self { coding: from.coding, half: None, rates, past: [0.0; TAPS * 2], odd: false })
    }

    /// The next piece.
    pub fn take(&mut self, octets: &[u8]) -> Vec<i16> {
        let samples: Vec<i16> = match self.coding {
            Coding::G711(Law::A) => octets.iter().map(|it| tipring_dsp::alaw_decode(*it)).collect(),
            Coding::G711(Law::Mu) => octets.iter().map(|it| tipring_dsp::ulaw_decode(*it)).collect(),
            Coding::L16 => {
                let mut samples = Vec::with_capacity(octets.len() / 2 + 1);
                for octet in octets {
                    match self.half.take() {
                        Some(first) => samples.push(i16::from_be_bytes([first, *octet])),
                        None => self.half = Some(*octet),
                    }
                }
                samples
            }
        };
        match self.rates {
            Rates::Same => samples,
            Rates::Double => samples.into_iter().flat_map(|it| self.doubled(it)).collect(),
            Rates::Halve => samples.into_iter().filter_map(|it| self.halved(it)).collect(),
        }
    }

    /// A sample and the one between it and the next, both some samples late.
    fn doubled(&mut self, sample: i16) -> [i16; 2] {
        self.past.rotate_left(1);
        self.past[TAPS * 2 - 1] = f32::from(sample);
        let last = &self.past[TAPS..];
        let between = last.iter().zip(HALF_BAND).map(|(sample, tap)| sample * tap).sum::<f32>();
        [last[TAPS / 2 - 1] as i16, between.round() as i16]
    }

    /// Every second sample, with what lies above the new band taken out.
    fn halved(&mut self, sample: i16) -> Option<i16> {
        self.past.rotate_left(1);
        self.past[TAPS * 2 - 1] = f32::from(sample);
        self.odd = !self.odd;
        if self.odd {
            return None;
        }
        let neighbours = self.past.iter().step_by(2).zip(HALF_BAND).map(|(sample, tap)| sample * tap).sum::<f32>();
        Some(((self.past[TAPS - 1] + neighbours) / 2.0).round() as i16)
    }
}

/// As octets of a pipe.
pub(crate) fn little_endian(samples: &[i16]) -> Vec<u8> {
    samples.iter().flat_map(|it| it.to_le_bytes()).collect()
}

/// Rates that recognizers are given.
pub(crate) const LISTENED_HZ: [u32; 2] = [8_000, 16_000];
const TAPS: usize = 8;
/// sin(πx)/πx at half samples, under a Kaiser window, its sum 1.
const HALF_BAND: [f32; TAPS] = [-0.010_0, 0.045_5, -0.150_5, 0.615_0, 0.615_0, -0.150_5, 0.045_5, -0.010_0];

#[cfg(test)]
mod tests {
    use super::*;
    use tipring_dsp::level::dbm0_at;

    fn tone(hz: f32, rate_hz: u32) -> Vec<u8> {
        let one = |n: u32| (core::f32::consts::TAU * hz * n as f32 / rate_hz as f32).sin() * 8_000.0;
        (0..rate_hz).flat_map(|n| (one(n) as i16).to_be_bytes()).collect()
    }

    fn through(octets: &[u8], from_hz: u32, to_hz: u32) -> Vec<i16> {
        let mut intake = Intake::new(Preset { coding: Coding::L16, rate_hz: from_hz }, to_hz).unwrap();
        // Pieces that cut samples in two.
        octets.chunks(333).flat_map(|it| intake.take(it)).collect()
    }

    #[test]
    fn a_rate_that_is_doubled_or_halved_keeps_what_a_telephone_has() {
        // A meter for 8 kHz sees half the frequency at 16 kHz.
        for hz in [300.0, 1_000.0, 2_500.0] {
            let plain = dbm0_at(&through(&tone(hz, 8_000), 8_000, 8_000), hz);
            let doubled = through(&tone(hz, 8_000), 8_000, 16_000);
            assert_eq!(doubled.len(), 16_000);
            assert!((dbm0_at(&doubled, hz / 2.0) - plain).abs() < 0.5, "{hz}");
            assert!(dbm0_at(&doubled, 4_000.0 - hz / 2.0) < plain - 20.0, "{hz}: its image");
            let halved = through(&tone(hz, 16_000), 16_000, 8_000);
            assert_eq!(halved.len(), 8_000);
            assert!((dbm0_at(&halved, hz) - plain).abs() < 0.5, "{hz}");
        }
        assert!(dbm0_at(&through(&tone(6_500.0, 16_000), 16_000, 8_000), 1_500.0) < -30.0);
    }

    #[test]
    fn foreign_rates_are_refused() {
        let preset = Preset { coding: Coding::L16, rate_hz: 44_100 };
        assert!(Intake::new(preset, 16_000).is_err() && Intake::new(preset, 44_100).is_err());
    }
}
