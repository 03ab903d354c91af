//! A tone in its rhythm: dial tone, ringback, busy and the like as a network sends them, and the information tones. It
//! chooses no country.

use crate::tone::rounded;
use crate::{Cadence, Information, RATE, Tone};

/// A tone with its rhythm, without end. Copy it to have the same again.
#[derive(Clone, Copy, Debug)]
pub struct CadenceTone {
    cadence: Cadence,
    first: Tone,
    second: Option<Tone>,
    /// Place in the rhythm and samples left of it.
    at: usize,
    left: u32,
}

impl CadenceTone {
    /// From the beginning of the rhythm. The level is that of the whole sound while it sounds.
    pub fn new(cadence: Cadence, dbm0: f32) -> CadenceTone {
        let [first, second] = cadence.hz;
        // Two equal tones are each 3 dB lower; a carrier modulated to the full is 1.76 dB lower.
        let each = match (second, cadence.modulated) {
            (0, _) => dbm0,
            (_, false) => dbm0 - 3.01,
            (_, true) => dbm0 - 1.76,
        };
        let second_level = if cadence.modulated { UNITY_DBM0 } else { each };
        CadenceTone {
            cadence,
            first: Tone::new(f32::from(first), each),
            second: (second != 0).then(|| Tone::new(f32::from(second), second_level)),
            at: 0,
            left: samples_of(cadence.on_off_ms.first().copied().unwrap_or(0)),
        }
    }

    /// The next samples, sound or silence, written over what is there.
    pub fn fill(&mut self, samples: &mut [i16]) {
        for sample in samples {
            *sample = self.next_sample();
        }
    }

    fn next_sample(&mut self) -> i16 {
        let count = self.cadence.on_off_ms.len();
        let mut turns = 0;
        while self.left == 0 && turns < count {
            self.at = (self.at + 1) % count;
            self.left = samples_of(self.cadence.on_off_ms[self.at]);
            turns += 1;
        }
        self.left = self.left.saturating_sub(1);
        if self.at % 2 == 1 {
            return 0;
        }
        let first = self.first.next_sample();
        rounded(match &mut self.second {
            None => first,
            Some(second) if self.cadence.modulated => first * (1.0 + second.next_sample() / UNITY_PEAK),
            Some(second) => first + second.next_sample(),
        })
    }
}

/// The information tones of a network, again and again without end.
#[derive(Clone, Copy, Debug)]
pub struct InformationTone(Form);

#[derive(Clone, Copy, Debug)]
enum Form {
    Rhythm(CadenceTone),
    Rising { tone: Tone, hz: [u16; 3], spans: [u16; 6], at: usize, left: u32 },
}

impl InformationTone {
    /// From their beginning.
    pub fn new(information: Information, dbm0: f32) -> InformationTone {
        InformationTone(match information {
            Information::Rhythm(cadence) => Form::Rhythm(CadenceTone::new(cadence, dbm0)),
            Information::Rising { hz, ms, gap_ms, pause_ms } => {
                let last = if ms[2] == 0 { [0, 0] } else { [ms[2], pause_ms] };
                let gap = if ms[2] == 0 { pause_ms } else { gap_ms };
                let spans = [ms[0], gap_ms, ms[1], gap, last[0], last[1]];
                Form::Rising { tone: Tone::new(f32::from(hz[0]), dbm0), hz, spans, at: 0, left: samples_of(ms[0]) }
            }
        })
    }

    /// The next samples, sound or silence, written over what is there.
    pub fn fill(&mut self, samples: &mut [i16]) {
        match &mut self.0 {
            Form::Rhythm(tone) => tone.fill(samples),
            Form::Rising { tone, hz, spans, at, left } => {
                for sample in samples {
                    // No span may be zero for more than one turn.
                    for _ in 0..spans.len() {
                        if *left > 0 {
                            break;
                        }
                        *at = (*at + 1) % spans.len();
                        *left = samples_of(spans[*at]);
                        if *at % 2 == 0 {
                            tone.set_hz(f32::from(hz[*at / 2]));
                        }
                    }
                    *left = left.saturating_sub(1);
                    *sample = if *at % 2 == 0 { rounded(tone.next_sample()) } else { 0 };
                }
            }
        }
    }
}

fn samples_of(ms: u16) -> u32 {
    u32::from(ms) * (RATE / 1000)
}

/// The level at which the modulating tone is made, and the peak that it then has.
const UNITY_DBM0: f32 = 0.0;
const UNITY_PEAK: f32 = crate::level::peak_at(UNITY_DBM0);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::{dbm0_at, dbm0_of};
    use crate::zone::LEVEL_DBM0;
    use crate::{Mode, Progress, Progressing, ZoneId};
    use std::vec;
    use std::vec::Vec;

    fn cadence(hz: [u16; 2], modulated: bool, on_off_ms: &'static [u16]) -> Cadence {
        Cadence { hz, modulated, on_off_ms }
    }

    #[test]
    fn sound_and_silence_are_exact_to_a_sample_in_blocks_of_any_size() {
        let double = cadence([400, 450], false, &[400, 200, 400, 2000]);
        let mut whole = vec![0; 24_000 * 2];
        CadenceTone::new(double, -10.0).fill(&mut whole);
        let mut parts = vec![0; whole.len()];
        let mut tone = CadenceTone::new(double, -10.0);
        parts.chunks_mut(77).for_each(|piece| tone.fill(piece));
        assert_eq!(whole, parts);
        for turn in whole.chunks(24_000) {
            assert!(turn[3_200..4_800].iter().chain(&turn[8_000..]).all(|sample| *sample == 0));
            assert!((dbm0_of(&turn[..3_200]) + 10.0).abs() < 0.2, "{}", dbm0_of(&turn[..3_200]));
            assert!((dbm0_of(&turn[4_800..8_000]) + 10.0).abs() < 0.2);
        }
    }

    #[test]
    fn each_form_has_the_level_and_the_frequencies_that_were_asked_for() {
        let forms: [(Cadence, &[(f32, f32)]); 3] = [
            (cadence([425, 0], false, &[]), &[(425.0, 0.0)]),
            (cadence([350, 440], false, &[]), &[(350.0, -3.01), (440.0, -3.01)]),
            (cadence([400, 25], true, &[]), &[(400.0, -1.76), (375.0, -7.78), (425.0, -7.78)]),
        ];
        for (cadence, parts) in forms {
            let mut second = vec![0; 8000];
            CadenceTone::new(cadence, -12.0).fill(&mut second);
            assert!((dbm0_of(&second) + 12.0).abs() < 0.1, "{cadence:?}: {}", dbm0_of(&second));
            for (hz, below) in parts {
                assert!((dbm0_at(&second, *hz) + 12.0 - below).abs() < 0.1, "{cadence:?} at {hz}");
            }
        }
    }

    #[test]
    fn a_rhythm_of_nothing_is_no_endless_loop() {
        let mut samples = [1; 80];
        CadenceTone::new(cadence([425, 0], false, &[0, 0]), -10.0).fill(&mut samples);
        let nothing = Information::Rising { hz: [0; 3], ms: [0; 3], gap_ms: 0, pause_ms: 0 };
        InformationTone::new(nothing, -10.0).fill(&mut samples);
    }

    #[test]
    fn every_countrys_own_tones_are_heard_by_the_listener() {
        for zone in ZoneId::all() {
            let tones = zone.tones();
            let heard = |fill: &mut dyn FnMut(&mut [i16; 80])| {
                let mut ear = Progress::new(zone);
                ear.listen(Mode::Call);
                let mut told = Vec::new();
                for _ in 0..1_400 {
                    let mut block = [0; 80];
                    fill(&mut block);
                    told.extend(ear.block(&block));
                }
                told
            };
            for information in tones.information {
                let mut tone = InformationTone::new(*information, LEVEL_DBM0);
                let told = heard(&mut |block| tone.fill(block));
                assert!(told.contains(&Progressing::Information), "{}: {told:?}", tones.code);
            }
            let mut busy = CadenceTone::new(tones.busy[0], LEVEL_DBM0);
            let told = heard(&mut |block| busy.fill(block));
            assert!(told.contains(&Progressing::Busy), "{}: {told:?}", tones.code);
            let mut ringback = CadenceTone::new(tones.ringback[0], LEVEL_DBM0);
            let told = heard(&mut |block| ringback.fill(block));
            assert!(told.contains(&Progressing::Ringback), "{}: {told:?}", tones.code);
        }
    }
}
