//! Who has answered: a person, a machine, a fax? Fed with the called party's sound from the answer on, by the block. It
//! recognises no word: a person says something short and waits, a machine speaks long or beeps, a fax whistles.
//!
//! Speech is what [`Speech`] calls active and what is louder than the line's own noise, however loud that is, and no
//! tone: neither of the country's network (its ringback, when a line tells the answer too early) nor a steady one. The
//! length of speech runs from its first sound to its last, pauses shorter than the end threshold among them.
//!
//! Sources: ITU-T T.30 (1100 Hz of a calling, 2100 Hz of a called fax), V.25; thresholds as users of the dialect know
//! them.

mod settings;
mod steady;

pub use settings::{Expected, Settings};
use steady::Steady;

use crate::level::power_of;
use crate::progress::{BLOCK, Progress};
use crate::speech::{Speech, Voice};
use crate::{Cadence, Zone, ZoneId};

/// What has answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// A person: a short greeting, then silence.
    Human,
    /// A fax.
    Fax,
    /// Nothing was said, or the time was over before anything was certain.
    Unknown,
    /// A machine; told as soon as it is certain.
    MachineStart,
    /// A machine, and its beep is over.
    MachineEndBeep,
    /// A machine, and it is silent without a beep.
    MachineEndSilence,
    /// A machine that had not ended when the time was over.
    MachineEndOther,
}

impl Verdict {
    /// The word of the dialect for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Verdict::Human => "human",
            Verdict::Fax => "fax",
            Verdict::Unknown => "unknown",
            Verdict::MachineStart => "machine_start",
            Verdict::MachineEndBeep => "machine_end_beep",
            Verdict::MachineEndSilence => "machine_end_silence",
            Verdict::MachineEndOther => "machine_end_other",
        }
    }
}

/// A verdict and how long it took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answered {
    /// What has answered.
    pub verdict: Verdict,
    /// Since the answer.
    pub after_ms: u32,
}

/// A listener to one called party. Feed it every block from the answer on until it has a verdict.
#[derive(Clone, Debug)]
pub struct Answering {
    settings: Settings,
    zone: &'static Zone,
    progress: Progress,
    speech: Speech,
    steady: Steady,
    /// Blocks since the answer.
    now: u32,
    /// Since when nothing was heard that is a sign of somebody or of the network.
    waiting_since: u32,
    stretch: Stretch,
    /// Blocks of tone in a row.
    tones: u32,
    /// It is a machine; what is awaited is its end.
    machine: bool,
    /// A beep sounds, or has sounded with nothing after it yet: when it ended.
    beep: Beep,
    done: bool,
}

/// Speech with its short pauses, in blocks.
#[derive(Clone, Copy, Debug, Default)]
struct Stretch {
    first: u32,
    last: u32,
    /// Blocks of speech in it.
    voiced: u32,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Beep {
    None,
    Sounding,
    /// Over before anybody spoke: a machine, if nobody speaks now.
    Over {
        at: u32,
    },
}

impl Answering {
    /// A listener on a line of this country.
    pub fn new(zone: ZoneId, settings: Settings) -> Answering {
        Answering {
            settings: settings.within_bounds(),
            zone: zone.tones(),
            progress: Progress::new(zone),
            speech: Speech::new(),
            steady: Steady::new(),
            now: 0,
            waiting_since: 0,
            stretch: Stretch::default(),
            tones: 0,
            machine: false,
            beep: Beep::None,
            done: false,
        }
    }

    /// Takes the next 10 ms. The verdict is told once; what comes after it is not looked at.
    pub fn block(&mut self, samples: &[i16; BLOCK]) -> Option<Answered> {
        if self.done {
            return None;
        }
        self.now = self.now.saturating_add(1);
        let power = power_of(samples);
        self.progress.block(samples);
        let active = self.speech.feed(samples) == Voice::Active;
        // The floor that has no upper limit: a room as loud as a voice is no voice.
        let active = active && power > self.speech.floor() * ABOVE_NOISE;
        self.steady.hear(samples, power);
        let tone = self.progress.hears_tone() || self.steady.blocks() > 1;
        self.hear(active, tone);
        let verdict = self.tone_verdict().or_else(|| self.speech_verdict()).or_else(|| self.late_verdict())?;
        self.done = true;
        Some(Answered { verdict, after_ms: self.now * BLOCK_MS })
    }

    /// Whether it has told its verdict.
    pub fn is_done(&self) -> bool {
        self.done
    }

    /// Keeps the account of speech and of tones.
    fn hear(&mut self, active: bool, tone: bool) {
        self.tones = if tone { self.tones + 1 } else { 0 };
        if self.tones >= TONE_BLOCKS && !self.stretch.is_speech() {
            // What was heard was the beginning of this tone. While the network sounds nobody is silent.
            self.stretch = Stretch::default();
            self.waiting_since = self.now;
        }
        if active && !tone {
            let stretch = &mut self.stretch;
            if stretch.voiced == 0 {
                stretch.first = self.now.saturating_sub(ONSET_BLOCKS);
            }
            stretch.last = self.now;
            stretch.voiced += 1;
        }
        if !self.stretch.is_speech() && self.since_speech_ms() >= self.settings.speech_end_threshold_ms {
            self.stretch = Stretch::default();
        }
    }

    fn since_speech_ms(&self) -> u32 {
        if self.stretch.voiced == 0 { 0 } else { (self.now - self.stretch.last) * BLOCK_MS }
    }

    /// What fax tones and beeps say.
    fn tone_verdict(&mut self) -> Option<Verdict> {
        let (hz, blocks) = (self.steady.hz(), self.steady.blocks());
        let fax = match hz {
            hz if (hz - CALLED_FAX_HZ).abs() <= CALLED_FAX_OFF_HZ => blocks >= CALLED_FAX_BLOCKS,
            hz if (hz - CALLING_FAX_HZ).abs() <= CALLING_FAX_OFF_HZ => blocks >= CALLING_FAX_BLOCKS,
            _ => false,
        };
        if fax && !self.machine && !self.stretch.is_speech() {
            return Some(Verdict::Fax);
        }
        if blocks >= BEEP_BLOCKS && BEEP_HZ.contains(&hz) && !self.is_network(hz) {
            self.beep = Beep::Sounding;
            return None;
        }
        let spoken = self.machine || self.stretch.is_speech();
        match self.beep {
            Beep::Sounding if blocks > 0 => None,
            Beep::Sounding if spoken => Some(self.machine_by(Verdict::MachineEndBeep)),
            Beep::Sounding => {
                self.beep = Beep::Over { at: self.now };
                None
            }
            Beep::Over { .. } if self.stretch.voiced > 0 || self.tones > 0 => {
                self.beep = Beep::None;
                None
            }
            Beep::Over { at } if (self.now - at) * BLOCK_MS >= self.settings.speech_end_threshold_ms => {
                Some(self.machine_by(Verdict::MachineEndBeep))
            }
            Beep::Over { .. } | Beep::None => None,
        }
    }

    /// What the length of speech and of the silence after it say.
    fn speech_verdict(&mut self) -> Option<Verdict> {
        if !self.stretch.is_speech() || self.beep == Beep::Sounding {
            return None;
        }
        let spoken_ms = (self.stretch.last - self.stretch.first) * BLOCK_MS;
        if !self.machine && spoken_ms > self.settings.speech_threshold_ms {
            self.machine = true;
            if self.settings.expected == Expected::Start {
                return Some(Verdict::MachineStart);
            }
        }
        // A steady tone that may yet become a beep is no silence.
        let silent_ms = if self.steady.blocks() > 1 { 0 } else { self.since_speech_ms() };
        let end_ms = self.settings.speech_end_threshold_ms;
        match self.machine {
            true if silent_ms >= end_ms.max(BEFORE_BEEP_MS) => Some(Verdict::MachineEndSilence),
            false if silent_ms >= end_ms => Some(Verdict::Human),
            _ => None,
        }
    }

    /// What the time says.
    fn late_verdict(&self) -> Option<Verdict> {
        if self.now * BLOCK_MS >= self.settings.timeout_ms {
            return Some(if self.machine { Verdict::MachineEndOther } else { Verdict::Unknown });
        }
        let quiet = !self.machine && self.stretch.voiced == 0 && self.beep == Beep::None;
        let waited_ms = (self.now - self.waiting_since) * BLOCK_MS;
        (quiet && waited_ms >= self.settings.silence_timeout_ms).then_some(Verdict::Unknown)
    }

    fn machine_by(&self, end: Verdict) -> Verdict {
        if self.settings.expected == Expected::Start { Verdict::MachineStart } else { end }
    }

    /// Whether what sounds like one frequency is a tone of the country's network. Two that beat slowly sound, between
    /// their dips, like one in their middle.
    fn is_network(&self, hz: f32) -> bool {
        let near = |cadence: &Cadence| {
            let first = f32::from(cadence.hz[0]);
            let second = if cadence.hz[1] == 0 || cadence.modulated { first } else { f32::from(cadence.hz[1]) };
            let (low, high) = (first.min(second), first.max(second));
            high - low <= SLOW_BEAT_HZ && (low * (1.0 - NETWORK_OFF)..=high * (1.0 + NETWORK_OFF)).contains(&hz)
        };
        [self.zone.dial, self.zone.ringback, self.zone.busy, self.zone.congestion]
            .iter()
            .any(|cadences| cadences.iter().any(near))
    }
}

impl Stretch {
    fn is_speech(&self) -> bool {
        self.voiced >= LEAST_VOICED
    }
}

/// Milliseconds of a block.
const BLOCK_MS: u32 = 10;
/// 5 dB: what is nearer to the noise than that is noise.
const ABOVE_NOISE: f32 = 3.2;
/// Blocks that [`Speech`] has waited when it tells the first.
const ONSET_BLOCKS: u32 = 3;
/// 80 ms of sound: a short "hi" has more, a cough's beginning or a click has less.
const LEAST_VOICED: u32 = 8;
/// Tone in a row that is no vowel near a frequency of the network: shorter than the shortest burst there is.
const TONE_BLOCKS: u32 = 10;
/// A beep of 120 ms has so many whole blocks, wherever it begins.
const BEEP_BLOCKS: u32 = 11;
/// Beeps of machines.
const BEEP_HZ: core::ops::RangeInclusive<f32> = 400.0..=2500.0;
/// Machines wait up to two seconds before they beep.
const BEFORE_BEEP_MS: u32 = 2000;
/// A called fax: 2100 Hz for 2.6 s and more, its phase perhaps turned every 450 ms.
const CALLED_FAX_HZ: f32 = 2100.0;
const CALLED_FAX_OFF_HZ: f32 = 20.0;
const CALLED_FAX_BLOCKS: u32 = 60;
/// A calling fax: 1100 Hz for 425 ms at least. A beep of that pitch is seldom as long, and comes after a greeting.
const CALLING_FAX_HZ: f32 = 1100.0;
const CALLING_FAX_OFF_HZ: f32 = 40.0;
const CALLING_FAX_BLOCKS: u32 = 40;
/// Networks are within 1.5 % of their frequencies; the rest is noise's.
const NETWORK_OFF: f32 = 0.025;
/// A beat of more than this has a dip in every block.
const SLOW_BEAT_HZ: f32 = 60.0;

#[cfg(test)]
mod tests;
