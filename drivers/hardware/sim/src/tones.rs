//! The tones that an exchange plays: a country's cadences and its information tone, block by block. It listens to
//! nothing and decides nothing.
//!
//! Source: the dsp's zone table; ITU-T E.180 for the usual information tone.

use tipring_card::{BLOCK, Block, Cause, Law};
use tipring_dsp::{Cadence, CadenceTone, Information, InformationTone, ZoneId};

use crate::dial::companding;

/// Level of a tone while it sounds.
const TONE_DBM0: f32 = -10.0;
/// The three rising tones of E.180.
const USUAL_INFORMATION: Information =
    Information::Rising { hz: [950, 1400, 1800], ms: [330; 3], gap_ms: 0, pause_ms: 1_000 };

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
    Rhythm(Box<CadenceTone>),
    Information(Box<InformationTone>),
}

impl Playing {
    /// The country's tone, the first form that it has. Where it has no congestion tone it has busy tone, and a country
    /// without an information tone has the usual one.
    pub fn new(tone: OfficeTone, zone: ZoneId) -> Playing {
        let zone = zone.tones();
        let forms = match tone {
            OfficeTone::Dial => zone.dial,
            OfficeTone::Ringback => zone.ringback,
            OfficeTone::Congestion if !zone.congestion.is_empty() => zone.congestion,
            OfficeTone::Busy | OfficeTone::Congestion => zone.busy,
            OfficeTone::Information => &[],
        };
        match forms.first() {
            Some(cadence) => Playing::of(*cadence),
            None => {
                let information = zone.information.first().copied().unwrap_or(USUAL_INFORMATION);
                Playing::Information(Box::new(InformationTone::new(information, TONE_DBM0)))
            }
        }
    }

    /// A tone of no country.
    pub fn of(cadence: Cadence) -> Playing {
        Playing::Rhythm(Box::new(CadenceTone::new(cadence, TONE_DBM0)))
    }

    /// The next block.
    pub fn fill(&mut self, block: &mut Block, law: Law) {
        let mut samples = [0_i16; BLOCK];
        match self {
            Playing::Rhythm(cadence) => cadence.fill(&mut samples),
            Playing::Information(tone) => tone.fill(&mut samples),
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
        let sounds = play(OfficeTone::Information, 1_300);
        let level = |from_ms: usize| dbm0_of(&sounds[from_ms * 8..(from_ms + 200) * 8]);
        assert!([50, 400, 750].iter().all(|&ms| level(ms) > -15.0));
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
