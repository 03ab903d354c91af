//! Frequency-shift keying at 1200 bit/s, as the caller's number is sent over a telephone line: bytes with a start and a
//! stop bit, lowest bit first. Not the message in those bytes.
//!
//! Source: ITU-T V.23 (1300 Hz mark, 2100 Hz space), Bell 202 (1200 and 2200 Hz); GR-30 and ETSI EN 300 659-1 for the
//! seizure and the mark before the bytes.

/// Which pair of frequencies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standard {
    /// 1200 Hz mark, 2200 Hz space.
    #[default]
    Bell202,
    /// 1300 Hz mark, 2100 Hz space.
    V23,
}

/// Most bytes of one transmission: a message has a type, a length of one octet, that many octets and a check sum.
pub const MAX_BYTES: usize = 258;
/// Bits of the channel seizure, alternating, before an on-hook message.
pub const SEIZURE_BITS: u16 = 300;
/// Bits of mark after it.
pub const MARK_BITS: u16 = 180;

/// One transmission: seizure, mark, bytes.
#[derive(Clone, Debug)]
pub struct Modulator {
    _standard: Standard,
}

impl Modulator {
    /// A transmission of these bytes with the usual seizure and mark. `None`: more than [`MAX_BYTES`].
    pub fn new(standard: Standard, dbm0: f32, bytes: &[u8]) -> Option<Modulator> {
        Modulator::with_preamble(standard, dbm0, bytes, SEIZURE_BITS, MARK_BITS)
    }

    /// The same with another preamble, in bits.
    pub fn with_preamble(standard: Standard, _dbm0: f32, bytes: &[u8], _seizure: u16, _mark: u16) -> Option<Modulator> {
        (bytes.len() <= MAX_BYTES).then_some(Modulator { _standard: standard })
    }

    /// The next samples; tells how many were written. Fewer than asked for: it is over.
    pub fn fill(&mut self, _samples: &mut [i16]) -> usize {
        0
    }

    /// Nothing more comes.
    pub fn is_over(&self) -> bool {
        true
    }
}

/// Hears both standards: they have the same middle.
#[derive(Clone, Debug)]
pub struct Demodulator {}

impl Demodulator {
    /// A demodulator that has heard nothing.
    pub fn new() -> Demodulator {
        Demodulator {}
    }

    /// Takes samples, any number at a time; calls `told` for each byte. The first after a carrier may be of the
    /// seizure: a message is looked for after the mark.
    pub fn feed(&mut self, _samples: &[i16], _told: impl FnMut(u8)) {}

    /// Whether a carrier is there.
    pub fn carrier(&self) -> bool {
        false
    }

    /// Forgets all.
    pub fn reset(&mut self) {}
}

impl Default for Demodulator {
    fn default() -> Self {
        Demodulator::new()
    }
}
