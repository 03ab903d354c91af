//! What a telephone on a port of ours hears of its exchange: the country's tones, the howler, and who calls. It decides
//! nothing about when.
//!
//! Source: ITU-T E.180 (tones, by the zone table); GR-506 (stutter dial tone: three breaks of 100 ms).

use tipring_dsp::zone::{Cadence, LEVEL_DBM0};
use tipring_dsp::{CadenceTone, HowlerTone, ZoneId};

use crate::fxs::Tone;
use crate::teller::CallerIdTone;

/// What is being sent to a telephone.
#[derive(Debug)]
pub(super) struct Mouth {
    zone: ZoneId,
    tone: Option<CadenceTone>,
    howler: Option<HowlerTone>,
    /// Samples of stutter that are left before a dial tone without breaks.
    stutter: usize,
    news: Option<CallerIdTone>,
}

impl Mouth {
    pub(super) fn new(zone: ZoneId) -> Mouth {
        Mouth { zone, tone: None, howler: None, stutter: 0, news: None }
    }

    pub(super) fn play(&mut self, tone: Option<Tone>) {
        let tones = self.zone.tones();
        (self.tone, self.howler, self.stutter) = (None, None, 0);
        let Some(tone) = tone else { return };
        let first = |cadences: &'static [Cadence]| cadences.first().copied();
        let cadence = match tone {
            Tone::Dial | Tone::Stutter => first(tones.dial),
            Tone::Ringback => first(tones.ringback),
            Tone::Busy => first(tones.busy),
            // Some countries say both with busy tone.
            Tone::Congestion => first(tones.congestion).or(first(tones.busy)),
            Tone::Howler => None,
        };
        self.tone = cadence.map(|cadence| CadenceTone::new(cadence, LEVEL_DBM0));
        self.howler = (tone == Tone::Howler).then(|| HowlerTone::new(HOWLER_DBM0));
        self.stutter = if tone == Tone::Stutter { STUTTER_SAMPLES } else { 0 };
    }

    pub(super) fn tell(&mut self, news: CallerIdTone) {
        self.news = Some(news);
    }

    /// Whether it has something to say in place of the call.
    pub(super) fn is_busy(&self) -> bool {
        self.tone.is_some() || self.howler.is_some() || self.news.is_some()
    }

    /// Fills all samples; `true` when what was to be told is out.
    pub(super) fn fill(&mut self, samples: &mut [i16]) -> bool {
        samples.fill(0);
        if let Some(news) = &mut self.news {
            let over = news.fill(samples) < samples.len();
            if over {
                self.news = None;
            }
            return over;
        }
        if let Some(tone) = &mut self.tone {
            tone.fill(samples);
        }
        if let Some(howler) = &mut self.howler {
            howler.fill(samples);
        }
        for sample in samples {
            if self.stutter > 0 {
                self.stutter -= 1;
                if !(self.stutter / STUTTER_TURN).is_multiple_of(2) {
                    *sample = 0;
                }
            }
        }
        false
    }
}

/// Each of its four frequencies, as loud as a telephone channel allows without harm.
const HOWLER_DBM0: f32 = -9.0;
/// A break of the stutter, and what is between two.
const STUTTER_TURN: usize = 800;
/// Three of each.
const STUTTER_SAMPLES: usize = 6 * STUTTER_TURN;

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;
    use tipring_dsp::level::power_of;

    /// Of each 10 ms, whether anything sounds.
    fn sounds(mouth: &mut Mouth, blocks: usize) -> Vec<bool> {
        let block = |_| {
            let mut samples = [0; 80];
            mouth.fill(&mut samples);
            power_of(&samples) > 1_000.0
        };
        (0..blocks).map(block).collect()
    }

    #[test]
    fn stutter_is_three_breaks_and_then_dial_tone() {
        let mut mouth = Mouth::new(ZoneId::default());
        mouth.play(Some(Tone::Stutter));
        let heard = sounds(&mut mouth, 200);
        let breaks: Vec<usize> = (1..200).filter(|n| heard[n - 1] && !heard[*n]).collect();
        assert!(breaks.len() <= 3 && !heard[..60].iter().all(|sounds| *sounds), "{breaks:?}");
        assert!(heard[60..].iter().all(|sounds| *sounds));
    }

    #[test]
    fn every_tone_sounds_in_every_country_and_none_after_it_was_taken_back() {
        for zone in ZoneId::all() {
            let mut mouth = Mouth::new(zone);
            for tone in [Tone::Dial, Tone::Stutter, Tone::Ringback, Tone::Busy, Tone::Congestion, Tone::Howler] {
                mouth.play(Some(tone));
                assert!(sounds(&mut mouth, 200).contains(&true), "{} {tone:?}", zone.tones().code);
            }
            mouth.play(None);
            assert!(!mouth.is_busy());
        }
    }
}
