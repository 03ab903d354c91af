//! What the network says in tones: dial tone, ringback, busy, congestion, the information tones, a voice, silence. It
//! decides nothing about the call. Source: ITU-T E.180 and E.182; the zone table.

use crate::{RATE, ZoneId};

/// Samples of one block: 10 ms.
pub const BLOCK: usize = 80;

/// What is expected, as far as it changes how soon a thing is believed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// We have just gone off hook and wait for dial tone: believed after about half a second.
    BeforeDialling,
    /// After dialling and during a call: dial tone must last for more than 2 s.
    #[default]
    Call,
}

/// What was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progressing {
    /// Dial tone. Told once for as long as it lasts.
    DialTone,
    /// A burst of ringback (of a double ring: both) has ended.
    Ringback,
    /// Busy tone, by frequency and rhythm. Told again every three cycles while it lasts.
    Busy,
    /// Congestion tone, likewise. Where a country has one signal for both, it is [`Progressing::Busy`].
    Congestion,
    /// Three rising tones, or the country's own information tone.
    Information,
    /// Sound that is none of the network's tones has lasted long enough to be a voice. Told at the beginning of each
    /// stretch; a second of none parts two stretches.
    Voice,
    /// Nothing at all for this long, told every second.
    Silence {
        /// Since when.
        ms: u32,
    },
}

/// A listener to one line. Feed it every block.
#[derive(Clone, Debug)]
pub struct Progress {
    zone: ZoneId,
    mode: Mode,
    quiet: u32,
}

impl Progress {
    /// A listener for one country's tones, in [`Mode::Call`].
    pub fn new(zone: ZoneId) -> Progress {
        Progress { zone, mode: Mode::Call, quiet: 0 }
    }

    /// Listens in this mode from now on; what was half heard is forgotten.
    pub fn listen(&mut self, mode: Mode) {
        *self = Progress { mode, ..Progress::new(self.zone) };
    }

    /// Takes the next 10 ms; tells what has become certain. What becomes certain in the same block comes with the next.
    pub fn block(&mut self, samples: &[i16; BLOCK]) -> Option<Progressing> {
        if samples.iter().any(|sample| sample.unsigned_abs() > 100) {
            self.quiet = 0;
            return None;
        }
        self.quiet += BLOCK as u32;
        self.quiet.is_multiple_of(RATE).then(|| Progressing::Silence { ms: self.quiet / (RATE / 1000) })
    }
}
