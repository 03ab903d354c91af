//! Sounds by which an exchange calls somebody's attention: the howler for a telephone that was left off hook, and the
//! signal of a call that waits. Not when they are sent. [`crate::Progress`] hears the howler.
//!
//! Source: Telcordia GR-506-CORE (howler; call waiting 440 Hz, 300 ms every 10 s); the German network (425 Hz, 200 ms
//! on, off and on, every 5 s).

use crate::tone::rounded;
use crate::zone::Cadence;
use crate::{RATE, Tone, ZoneId};

/// The four tones of the howler.
pub const HOWLER_HZ: [f32; 4] = [1400.0, 2060.0, 2450.0, 2600.0];
/// How long they sound, and how long they are silent after.
pub const HOWLER_MS: u16 = 100;

/// The howler, without end.
#[derive(Clone, Copy, Debug)]
pub struct HowlerTone {
    tones: [Tone; 4],
    /// Samples since a burst began.
    at: u32,
}

impl HowlerTone {
    /// From its beginning; each of the four at this level.
    pub fn new(each_dbm0: f32) -> HowlerTone {
        HowlerTone { tones: HOWLER_HZ.map(|hz| Tone::new(hz, each_dbm0)), at: 0 }
    }

    /// The next samples, sound or silence, written over what is there.
    pub fn fill(&mut self, samples: &mut [i16]) {
        for sample in samples {
            let sounds = self.at < HOWLER_SAMPLES;
            self.at = (self.at + 1) % (2 * HOWLER_SAMPLES);
            *sample = if sounds { rounded(self.tones.iter_mut().map(Tone::next_sample).sum()) } else { 0 };
        }
    }
}

/// The signal of a call that waits. North America has its own; for everybody else it is Germany's rhythm at the
/// frequency of the country's busy tone, since no table of the world's is at hand.
pub fn call_waiting(zone: ZoneId) -> Cadence {
    let tones = zone.tones();
    if tones.busy.iter().any(|busy| busy.hz == AMERICAN_BUSY_HZ) {
        return Cadence { hz: [440, 0], modulated: false, on_off_ms: &[300, 10_000] };
    }
    let hz = tones.busy.first().map_or(425, |busy| busy.hz[0]);
    Cadence { hz: [hz, 0], modulated: false, on_off_ms: &[200, 200, 200, 5_000] }
}

const HOWLER_SAMPLES: u32 = HOWLER_MS as u32 * RATE / 1000;
const AMERICAN_BUSY_HZ: [u16; 2] = [480, 620];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::dbm0_at;
    use crate::{CadenceTone, Mode, Progress, Progressing};
    use std::vec;
    use std::vec::Vec;

    /// What the listener of a call tells of ten seconds but silence.
    fn heard(zone: ZoneId, mut fill: impl FnMut(&mut [i16])) -> Vec<Progressing> {
        let mut ear = Progress::new(zone);
        ear.listen(Mode::Call);
        let mut told = Vec::new();
        for _ in 0..1_000 {
            let mut block = [0; 80];
            fill(&mut block);
            told.extend(ear.block(&block).filter(|what| !matches!(what, Progressing::Silence { .. })));
        }
        told
    }

    #[test]
    fn the_howler_has_its_tones_and_its_pauses_and_is_heard_in_every_country() {
        let mut samples = vec![0; 1_600];
        HowlerTone::new(-15.0).fill(&mut samples);
        for hz in HOWLER_HZ {
            assert!((dbm0_at(&samples[..800], hz) + 15.0).abs() < 0.1, "{hz}");
        }
        assert!(samples[800..].iter().all(|sample| *sample == 0));
        for zone in ZoneId::all() {
            let mut tone = HowlerTone::new(-15.0);
            assert_eq!(heard(zone, |block| tone.fill(block)), [Progressing::Howler], "{}", zone.tones().code);
        }
    }

    #[test]
    fn a_call_that_waits_ends_no_call() {
        for zone in ZoneId::all() {
            let mut tone = CadenceTone::new(call_waiting(zone), -13.0);
            let told = heard(zone, |block| tone.fill(block));
            assert_eq!(told, [], "{}", zone.tones().code);
        }
        let of = |code: &str| call_waiting(ZoneId::of(code).expect("a zone"));
        assert_eq!((of("us").hz, of("de").hz, of("nz").hz), ([440, 0], [425, 0], [400, 0]));
    }
}
