//! A tap: the blocks of one port's voice, told one by one, and how long nobody has spoken. It writes no file.

use tipring_dsp::Speech;
use tipring_dsp::speech::Voice;

use crate::{Port, TapId, words::Event};

/// Taps on one port: a message and a recording of the call of two channels, a stream of two tracks, a recognizer, a
/// classifier, and one to spare.
pub const TAPS: usize = 8;

/// What of a port a tap takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// What its channel says.
    Said,
    /// What it hears.
    Heard,
    /// Both, mixed; whether somebody speaks is told of what its channel says.
    Both,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Tap {
    pub(crate) id: TapId,
    pub(crate) side: Side,
    quiet_after: u32,
    quiet_for: u32,
    quiet_told: bool,
    /// Tells when speech begins.
    listens: bool,
    /// Somebody speaks, and it was told.
    speech_told: bool,
    spoken: bool,
    blocks: u32,
    lost: u32,
    speech: Speech,
}

impl Tap {
    pub(crate) fn new(id: TapId, side: Side, quiet_ms: u32) -> Tap {
        Tap {
            id,
            side,
            quiet_after: quiet_ms.div_ceil(BLOCK_MS),
            quiet_for: 0,
            quiet_told: false,
            listens: false,
            speech_told: false,
            spoken: false,
            blocks: 0,
            lost: 0,
            speech: Speech::new(),
        }
    }

    /// It tells when speech begins.
    pub(crate) fn listening(mut self) -> Tap {
        self.listens = true;
        self
    }

    /// Whether speech has begun and was not told.
    pub(crate) fn begins(&self) -> bool {
        self.listens && self.spoken && self.quiet_for == 0 && !self.speech_told
    }

    /// It was told.
    pub(crate) fn told_speech(&mut self) {
        self.speech_told = true;
    }

    /// Takes a block of the port's voice. `true`: it is time to say that nobody speaks.
    pub(crate) fn hear(&mut self, samples: &[i16]) -> bool {
        if self.speech.feed(samples) == Voice::Active {
            self.spoken = true;
            self.quiet_for = 0;
            self.quiet_told = false;
        } else {
            self.quiet_for = self.quiet_for.saturating_add(1);
        }
        self.quiet_after > 0 && self.quiet_for >= self.quiet_after && !self.quiet_told
    }

    /// Silence was told: not again until somebody spoke.
    pub(crate) fn told_quiet(&mut self) {
        self.quiet_told = true;
        self.speech_told = false;
    }

    /// One block was told, or there was no room for it.
    pub(crate) fn count(&mut self, told: bool) {
        if told {
            self.blocks = self.blocks.saturating_add(1);
        } else {
            self.lost = self.lost.saturating_add(1);
        }
    }

    pub(crate) fn quiet(&self, port: Port) -> Event {
        Event::Quiet { port, tap: self.id, spoken: self.spoken }
    }

    pub(crate) fn last_word(&self, port: Port) -> Event {
        Event::TapEnded { port, tap: self.id, blocks: self.blocks, lost: self.lost, spoken: self.spoken }
    }
}

const BLOCK_MS: u32 = 10;
