//! The tones that an exchange plays: a country's cadences and the three rising tones of an information, block by block.
//! It listens to nothing and decides nothing.
//!
//! Source: ITU-T E.180 for the information tone (950, 1400, 1800 Hz, 330 ms each, then a pause of a second).

use tipring_card::{BLOCK, Block, Cause, Law};
use tipring_dsp::{Cadence, Tone, ZoneId};

use crate::dial::companding;

/// Level of each frequency of a tone.
const TONE_DBM0: f32 = -13.0;
/// The information tone.
const INFORMATION_HZ: [u16; 3] = [950, 1400, 1800];
const INFORMATION_MS: u16 = 330;
const INFORMATION_PAUSE_MS: u16 = 1_000;
/// Samples of a millisecond.
const SAMPLES_A_MS: u32 = 8;

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
pub(crate) struct Playing {
    parts: Vec<Part>,
    part: usize,
    /// Samples that are left of the part; none: it has no end.
    left: Option<u32>,
}

/// One on or off.
#[derive(Clone, Copy)]
struct Part {
    tones: [Option<Tone>; 2],
    modulated: bool,
    ms: u16,
}

impl Playing {
    pub fn new(tone: OfficeTone, zone: ZoneId) -> Playing {
        let zone = zone.tones();
        let first = |forms: &'static [Cadence]| forms.first().copied();
        let cadence = match tone {
            OfficeTone::Dial => first(zone.dial),
            OfficeTone::Ringback => first(zone.ringback),
            OfficeTone::Busy => first(zone.busy),
            OfficeTone::Congestion => first(zone.congestion),
            OfficeTone::Information => None,
        };
        Playing::of(cadence.map_or_else(information, |cadence| parts(&cadence)))
    }

    fn of(parts: Vec<Part>) -> Playing {
        let mut playing = Playing { parts, part: 0, left: None };
        playing.enter(0);
        playing
    }

    fn enter(&mut self, part: usize) {
        self.part = part;
        let ms = self.parts.get(part).map_or(0, |part| part.ms);
        self.left = (ms > 0).then_some(u32::from(ms) * SAMPLES_A_MS);
    }

    /// The next block.
    pub fn fill(&mut self, block: &mut Block, law: Law) {
        let mut samples = [0_i16; BLOCK];
        for sample in &mut samples {
            if self.left == Some(0) {
                self.enter((self.part + 1) % self.parts.len().max(1));
            }
            *sample = self.parts.get_mut(self.part).map_or(0, Part::next);
            self.left = self.left.map(|left| left.saturating_sub(1));
        }
        companding(law).encode_into(&samples, block);
    }
}

impl Part {
    fn next(&mut self) -> i16 {
        let mut value = |at: usize| self.tones[at].as_mut().map(Tone::next_sample);
        let sum = match (value(0), value(1)) {
            (Some(first), Some(second)) if self.modulated => {
                let peak = tipring_dsp::peak_at(TONE_DBM0);
                first * (1.0 + second / peak) / 2.0
            }
            (first, second) => first.unwrap_or(0.0) + second.unwrap_or(0.0),
        };
        sum as i16
    }
}

fn parts(cadence: &Cadence) -> Vec<Part> {
    let tones = cadence.hz.map(|hz| (hz > 0).then(|| Tone::new(f32::from(hz), TONE_DBM0)));
    let on = |ms| Part { tones, modulated: cadence.modulated, ms };
    if cadence.on_off_ms.is_empty() {
        return vec![on(0)];
    }
    let turn = |(nth, &ms): (usize, &u16)| if nth % 2 == 0 { on(ms) } else { silence(ms) };
    cadence.on_off_ms.iter().enumerate().filter(|(_, ms)| **ms > 0).map(turn).collect()
}

fn silence(ms: u16) -> Part {
    Part { tones: [None; 2], modulated: false, ms }
}

fn information() -> Vec<Part> {
    let sounds = INFORMATION_HZ.map(|hz| Part {
        tones: [Some(Tone::new(f32::from(hz), TONE_DBM0)), None],
        modulated: false,
        ms: INFORMATION_MS,
    });
    sounds.into_iter().chain([silence(INFORMATION_PAUSE_MS)]).collect()
}
