//! The tones that an exchange plays: a country's cadences and the three rising tones of an information, block by block.
//! It listens to nothing and decides nothing.
//!
//! Source: ITU-T E.180 for the information tone (950, 1400, 1800 Hz, 330 ms each, then a pause of a second).

use tipring_card::{BLOCK, Block, Cause, Law};
use tipring_dsp::{CadenceTone, Tone, ZoneId};

use crate::dial::companding;

/// Level of a tone while it sounds.
const TONE_DBM0: f32 = -10.0;
/// The information tone: its frequencies, and samples of each and of the pause.
const INFORMATION_HZ: [f32; 3] = [950.0, 1400.0, 1800.0];
const INFORMATION_PART: u32 = 330 * 8;
const INFORMATION_PAUSE: u32 = 1_000 * 8;

/// What an exchange plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OfficeTone {
    /// Dial.
    Dial,
    /// The called telephone rings.
    Ringback,
    /// It is busy.
    Busy,
    /// There is no way to it.
    Congestion,
    /// It cannot be reached: three rising tones.
    Information,
}

impl OfficeTone {
    /// The tone that tells a caller of a refusal.
    pub fn of_refusal(cause: Cause) -> OfficeTone {
        match cause {
            Cause::USER_BUSY => OfficeTone::Busy,
            // 34 to 47: the network's resources.
            Cause(34..=47) => OfficeTone::Congestion,
            _ => OfficeTone::Information,
        }
    }
}

/// A tone that sounds.
pub(crate) enum Playing {
    /// A country's tone.
    Cadence(Box<CadenceTone>),
    /// The information tone.
    Information { tones: [Tone; 3], sample: u32 },
}

impl Playing {
    pub fn new(tone: OfficeTone, zone: ZoneId) -> Playing {
        let zone = zone.tones();
        let forms = match tone {
            OfficeTone::Dial => zone.dial,
            OfficeTone::Ringback => zone.ringback,
            OfficeTone::Busy => zone.busy,
            OfficeTone::Congestion => zone.congestion,
            OfficeTone::Information => &[],
        };
        match forms.first() {
            Some(cadence) => Playing::Cadence(Box::new(CadenceTone::new(*cadence, TONE_DBM0))),
            None => Playing::Information { tones: INFORMATION_HZ.map(|hz| Tone::new(hz, TONE_DBM0)), sample: 0 },
        }
    }

    /// The next block.
    pub fn fill(&mut self, block: &mut Block, law: Law) {
        let mut samples = [0_i16; BLOCK];
        match self {
            Playing::Cadence(cadence) => cadence.fill(&mut samples),
            Playing::Information { tones, sample } => {
                for out in &mut samples {
                    if let Some(tone) = tones.get_mut((*sample / INFORMATION_PART) as usize) {
                        tone.fill(core::slice::from_mut(out));
                    }
                    *sample = (*sample + 1) % (3 * INFORMATION_PART + INFORMATION_PAUSE);
                }
            }
        }
        companding(law).encode_into(&samples, block);
    }
}

#[cfg(test)]
mod tests {
    use tipring_dsp::{g711::Companding, level::dbm0_of};

    use super::*;

    fn play(tone: OfficeTone, ms: usize) -> Vec<i16> {
        let mut playing = Playing::new(tone, ZoneId::default());
        let mut all = Vec::new();
        for _ in 0..ms / 10 {
            let (mut block, mut samples) = ([0; BLOCK], [0; BLOCK]);
            playing.fill(&mut block, Law::Mu);
            Companding::Mu.decode_into(&block, &mut samples);
            all.extend(samples);
        }
        all
    }

    #[test]
    fn a_tone_has_its_rhythm_and_level() {
        let busy = play(OfficeTone::Busy, 1_500);
        let level = |from_ms: usize, to_ms: usize| dbm0_of(&busy[from_ms * 8..to_ms * 8]);
        assert!((level(50, 450) - TONE_DBM0).abs() < 1.0, "{}", level(50, 450));
        assert!(level(510, 990) < -60.0 && level(1_050, 1_450) > -15.0);
    }

    #[test]
    fn the_information_tone_rises_three_times_and_rests() {
        let sounds = play(OfficeTone::Information, 2_320);
        let level = |from_ms: usize| dbm0_of(&sounds[from_ms * 8..(from_ms + 200) * 8]);
        assert!([50, 400, 750, 2_050].iter().all(|&ms| level(ms) > -15.0));
        assert!(level(1_100) < -60.0);
    }

    #[test]
    fn a_refusal_has_the_tone_of_its_cause() {
        let tone = |cause| OfficeTone::of_refusal(Cause(cause));
        assert_eq!(tone(17), OfficeTone::Busy);
        assert_eq!([tone(34), tone(42)], [OfficeTone::Congestion; 2]);
        assert_eq!([tone(1), tone(21), tone(27)], [OfficeTone::Information; 3]);
    }
}
