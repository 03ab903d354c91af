//! Frequency-shift keying at 1200 bit/s, as the caller's number is sent over a telephone line: bytes with a start and a
//! stop bit, lowest bit first. Not the message in those bytes.
//!
//! The demodulator compares the energy of a bit's length at the two frequencies, sample by sample, each by its own
//! level, so that a line that weakens the higher one does no harm. A start bit's edge sets the clock of its byte.
//! Bell 202 and V.23 have the same middle (1700 Hz), so one demodulator between the two hears both.
//!
//! Source: ITU-T V.23 (1300 Hz mark, 2100 Hz space), Bell 202 (1200 and 2200 Hz); GR-30 and ETSI EN 300 659-1 for the
//! seizure and the mark before the bytes.

use crate::level::power_at;
use crate::math::{cos_turns, sin_turns};
use crate::tone::rounded;
use crate::{RATE, Tone};

/// Which pair of frequencies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standard {
    /// 1200 Hz mark, 2200 Hz space.
    #[default]
    Bell202,
    /// 1300 Hz mark, 2100 Hz space.
    V23,
}

impl Standard {
    /// The frequency of a one (mark) or of a zero (space).
    pub const fn hz(self, mark: bool) -> f32 {
        match (self, mark) {
            (Standard::Bell202, true) => 1200.0,
            (Standard::Bell202, false) => 2200.0,
            (Standard::V23, true) => 1300.0,
            (Standard::V23, false) => 2100.0,
        }
    }
}

/// Most bytes of one transmission: a message has a type, a length of one octet, that many octets and a check sum.
pub const MAX_BYTES: usize = 258;
/// Bits of the channel seizure, alternating, before an on-hook message.
pub const SEIZURE_BITS: u16 = 300;
/// Bits of mark after it.
pub const MARK_BITS: u16 = 180;
/// Bits a second.
pub const BIT_RATE: f32 = 1200.0;

/// One transmission: seizure, mark, bytes.
#[derive(Clone, Debug)]
pub struct Modulator {
    standard: Standard,
    /// A factor on both frequencies.
    detuned: f32,
    tone: Tone,
    bytes: [u8; MAX_BYTES],
    len: usize,
    preamble: [u16; 2],
    /// Bits begun, and the part of a bit that one sample is.
    bit: usize,
    bits_a_sample: f32,
    /// Of the running bit: how much is left, and whether it is mark.
    left: f32,
    mark: bool,
}

impl Modulator {
    /// A transmission of these bytes with the usual seizure and mark. `None`: more than [`MAX_BYTES`].
    pub fn new(standard: Standard, dbm0: f32, bytes: &[u8]) -> Option<Modulator> {
        Modulator::with_preamble(standard, dbm0, bytes, SEIZURE_BITS, MARK_BITS)
    }

    /// The same with another preamble, in bits.
    pub fn with_preamble(standard: Standard, dbm0: f32, bytes: &[u8], seizure: u16, mark: u16) -> Option<Modulator> {
        let mut held = [0; MAX_BYTES];
        held.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(Modulator {
            standard,
            detuned: 1.0,
            tone: Tone::new(standard.hz(true), dbm0),
            bytes: held,
            len: bytes.len(),
            preamble: [seizure, mark],
            bit: 0,
            bits_a_sample: BIT_RATE / RATE as f32,
            left: 0.0,
            mark: true,
        })
    }

    /// Another bit rate, as of an exchange whose clock is off.
    pub fn at_rate(mut self, bits_a_second: f32) -> Modulator {
        self.bits_a_sample = bits_a_second.clamp(1.0, RATE as f32 / 2.0) / RATE as f32;
        self
    }

    /// Both frequencies off by a factor, as of a sender whose oscillator is.
    pub fn detuned(mut self, factor: f32) -> Modulator {
        self.detuned = factor;
        self.tone.set_hz(self.standard.hz(true) * factor);
        self
    }

    /// The next samples; tells how many were written. Fewer than asked for: it is over.
    pub fn fill(&mut self, samples: &mut [i16]) -> usize {
        for (n, sample) in samples.iter_mut().enumerate() {
            let from = self.standard.hz(self.mark) * self.detuned;
            // A sample in which a bit ends has a part of either frequency, so that the clock does not jitter.
            let old = self.left.min(self.bits_a_sample) / self.bits_a_sample;
            if self.left < self.bits_a_sample {
                let Some(mark) = self.next_bit() else { return n };
                self.mark = mark;
                self.left += 1.0;
            }
            self.left -= self.bits_a_sample;
            self.tone.set_hz(old * from + (1.0 - old) * self.standard.hz(self.mark) * self.detuned);
            *sample = rounded(self.tone.next_sample());
        }
        samples.len()
    }

    /// Nothing more comes.
    pub fn is_over(&self) -> bool {
        self.bit >= self.bits() && self.left < self.bits_a_sample
    }

    /// All bits: the preamble, ten a byte, and one of mark at the end, so that the last stop bit is whole.
    fn bits(&self) -> usize {
        self.before() + 10 * self.len + 1
    }

    fn before(&self) -> usize {
        usize::from(self.preamble[0]) + usize::from(self.preamble[1])
    }

    fn next_bit(&mut self) -> Option<bool> {
        let at = self.bit;
        if at >= self.bits() {
            return None;
        }
        self.bit += 1;
        if at < usize::from(self.preamble[0]) {
            return Some(at % 2 == 1);
        }
        let Some(at) = at.checked_sub(self.before()) else { return Some(true) };
        if at >= 10 * self.len {
            return Some(true);
        }
        let byte = self.bytes[at / 10];
        Some(match at % 10 {
            0 => false,
            9 => true,
            place => byte >> (place - 1) & 1 == 1,
        })
    }
}

/// Hears both standards. Feed it any number of samples at a time.
#[derive(Clone, Debug)]
pub struct Demodulator {
    /// The last samples from `place` on, the newest first; all of it twice, so that they lie in one piece. One more
    /// place makes the number of taps even.
    window: [f32; 2 * WINDOW + 1],
    place: usize,
    /// Samples without a carrier since one was looked at.
    idle: u32,
    /// The sum of their squares: whole numbers, so that nothing is lost by adding and taking away.
    squares: f64,
    /// Highest energy of late at mark and at space.
    peaks: [f32; 2],
    /// Smoothed: energy at the two frequencies, and all energy.
    inside: f32,
    all: f32,
    /// Highest of that sum since the carrier came.
    loudest: f32,
    carrier: bool,
    /// The mark before the bytes was there.
    ready: bool,
    /// How much more mark than space the last sample was.
    last: f32,
    /// Samples of mark in a row.
    marks: u32,
    /// The last correlation with mark, and what it turned from sample to sample while mark was steady, summed up.
    mark: [f32; 2],
    turn: [f32; 2],
    byte: Byte,
}

/// The byte that is being read.
#[derive(Clone, Copy, Debug)]
enum Byte {
    /// None: an edge to space begins one.
    None,
    /// Bits read, start bit included; samples until the middle of the next.
    Bits { count: u32, bits: u16, wait: f32 },
}

impl Demodulator {
    /// A demodulator that has heard nothing.
    pub const fn new() -> Demodulator {
        Demodulator {
            window: [0.0; 2 * WINDOW + 1],
            place: 0,
            idle: 0,
            squares: 0.0,
            peaks: [0.0; 2],
            inside: 0.0,
            all: 0.0,
            loudest: 0.0,
            carrier: false,
            ready: false,
            last: 0.0,
            marks: 0,
            mark: [0.0; 2],
            turn: [0.0; 2],
            byte: Byte::None,
        }
    }

    /// Takes samples; calls `told` for each byte that comes after a carrier's first 25 ms of mark. A byte without its
    /// stop bit is left out: the check sum will miss it.
    pub fn feed(&mut self, samples: &[i16], mut told: impl FnMut(u8)) {
        for sample in samples {
            if let Some(byte) = self.sample(f32::from(*sample)) {
                told(byte);
            }
        }
    }

    /// Whether a carrier is there.
    pub fn carrier(&self) -> bool {
        self.carrier
    }

    /// By whose frequencies the bytes of the last carrier were keyed, as its mark tells it: 1200 or 1300 Hz. `None`
    /// until there was a mark.
    pub fn standard(&self) -> Option<Standard> {
        let [re, im] = self.turn;
        let (middle_re, middle_im) = MIDDLE_TURN;
        let faster = im * middle_re - re * middle_im;
        (re != 0.0 || im != 0.0).then_some(if faster > 0.0 { Standard::V23 } else { Standard::Bell202 })
    }

    /// Forgets all.
    pub fn reset(&mut self) {
        *self = Demodulator::new();
    }

    fn sample(&mut self, sample: f32) -> Option<u8> {
        self.place = if self.place == 0 { WINDOW - 1 } else { self.place - 1 };
        let gone = f64::from(self.window[self.place]);
        self.squares += f64::from(sample) * f64::from(sample) - gone * gone;
        (self.window[self.place], self.window[self.place + WINDOW]) = (sample, sample);
        if !self.carrier {
            // Until a carrier is there, every fourth sample is enough to see one come.
            self.idle = (self.idle + 1) % IDLE_HOP;
            if self.idle != 0 {
                return None;
            }
        }
        let before = self.mark;
        let [mark, space, all] = self.energies();
        self.listen_for_carrier(mark + space, all);
        if !self.carrier {
            return None;
        }
        self.peaks[0] = greater(mark, self.peaks[0] * FADE);
        self.peaks[1] = greater(space, self.peaks[1] * FADE);
        let floor = greater(self.peaks[0], self.peaks[1]) * MAX_TWIST;
        let (most_mark, most_space) = (greater(self.peaks[0], floor), greater(self.peaks[1], floor));
        let now = (mark * most_space - space * most_mark) / (most_mark * most_space);
        if all < self.loudest * CARRIER_DROP {
            // The carrier has ended, or was interrupted: what remains of it is no bit.
            self.byte = Byte::None;
        }
        let told = self.bit(now);
        self.last = now;
        self.marks = if now > 0.0 { self.marks.saturating_add(1) } else { 0 };
        let begins = !self.ready && self.marks >= READY_SAMPLES;
        self.ready |= begins;
        if self.ready && self.marks >= STEADY_SAMPLES {
            let ([re, im], [re_before, im_before]) = (self.mark, before);
            // What the last carrier's mark was is known until the next one's is.
            let sum = if begins { [0.0; 2] } else { self.turn };
            self.turn = [sum[0] + re * re_before + im * im_before, sum[1] + im * re_before - re * im_before];
        }
        told
    }

    /// Share of the two frequencies and the whole, all in the same measure: a steady tone's own is the whole.
    fn energies(&mut self) -> [f32; 3] {
        let Some(window) = self.window[self.place..].first_chunk::<{ WINDOW + 1 }>() else { return [0.0; 3] };
        // Two sums in turn: neither waits for the other.
        let (mut even, mut odd) = ([0.0f32; 4], [0.0f32; 4]);
        for (samples, taps) in window.as_chunks::<2>().0.iter().zip(TAPS.as_chunks::<2>().0) {
            for n in 0..4 {
                even[n] += samples[0] * taps[0][n];
                odd[n] += samples[1] * taps[1][n];
            }
        }
        let [mark_re, mark_im, space_re, space_im] = core::array::from_fn(|n| even[n] + odd[n]);
        self.mark = [mark_re, mark_im];
        let of = |re: f32, im: f32| 2.0 / WINDOW as f32 * (re * re + im * im);
        [of(mark_re, mark_im), of(space_re, space_im), self.squares as f32]
    }

    fn listen_for_carrier(&mut self, inside: f32, all: f32) {
        let smoothing = if self.carrier { SMOOTHING } else { SMOOTHING * IDLE_HOP as f32 };
        self.inside += (inside - self.inside) * smoothing;
        self.all += (all - self.all) * smoothing;
        let share = if self.carrier { CARRIER_SHARE_OFF } else { CARRIER_SHARE_ON };
        let floor = if self.carrier { CARRIER_OFF } else { CARRIER_ON } * WINDOW as f32;
        let dropped = self.carrier && self.all < self.loudest * CARRIER_DROP;
        let carrier = self.all > floor && self.inside > self.all * share && !dropped;
        self.loudest = if carrier { greater(self.all, self.loudest * FADE) } else { 0.0 };
        if carrier != self.carrier {
            (self.carrier, self.ready, self.marks) = (carrier, false, 0);
            (self.last, self.peaks, self.byte) = (0.0, [0.0; 2], Byte::None);
        }
    }

    /// Takes one more decision into the byte; tells the byte when its stop bit was there.
    fn bit(&mut self, now: f32) -> Option<u8> {
        match &mut self.byte {
            Byte::None => {
                if self.last > 0.0 && now <= 0.0 {
                    let since = now / (now - self.last);
                    self.byte = Byte::Bits { count: 0, bits: 0, wait: BIT_SAMPLES / 2.0 - since };
                }
                None
            }
            Byte::Bits { count, bits, wait } => {
                *wait -= 1.0;
                if *wait > 0.0 {
                    return None;
                }
                // The middle of the bit lies between the last sample and this one.
                let middle = now + (now - self.last) * *wait;
                *wait += BIT_SAMPLES;
                *bits |= u16::from(middle > 0.0) << *count;
                *count += 1;
                let (count, bits) = (*count, *bits);
                if count == 1 && bits == 1 {
                    // No start bit after all.
                    self.byte = Byte::None;
                } else if count == 10 {
                    self.byte = Byte::None;
                    return (bits >> 9 == 1 && self.ready).then_some((bits >> 1) as u8);
                }
                None
            }
        }
    }
}

impl Default for Demodulator {
    fn default() -> Self {
        Demodulator::new()
    }
}

/// Of two numbers, neither of which is none: `f32::max` asks for that too.
fn greater(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

/// Samples of one bit.
const BIT_SAMPLES: f32 = RATE as f32 / BIT_RATE;
/// Samples whose energy is compared: nearest to one bit.
const WINDOW: usize = 7;
/// Mark before bytes are believed: 30 bits, 25 ms. What is sent has 80 at least.
const READY_SAMPLES: u32 = 200;
/// Mark in a row after which a window has nothing else in it.
const STEADY_SAMPLES: u32 = 10;
/// How fast a carrier is believed, and missed: within about 10 ms.
const SMOOTHING: f32 = 1.0 / 80.0;
const IDLE_HOP: u32 = 4;
/// A carrier that has become 8 dB weaker than it was is gone; noise is left.
const CARRIER_DROP: f32 = 0.158;
/// Share of the two frequencies in all energy. Noise has 0.57 of it there by the width of the window.
const CARRIER_SHARE_ON: f32 = 0.72;
const CARRIER_SHARE_OFF: f32 = 0.62;
/// Mean square below which there is no carrier.
const CARRIER_ON: f32 = power_at(-42.0);
const CARRIER_OFF: f32 = power_at(-45.0);
/// How the highest energy fades, each sample: to a third in about half a second.
const FADE: f32 = 0.99975;
/// The two frequencies are taken to be no more than 12 dB apart.
const MAX_TWIST: f32 = 0.063;

/// What a tone between the two standards' marks turns in one sample.
const MIDDLE_TURN: (f32, f32) = {
    let turns = 1250.0 / RATE as f64;
    (cos_turns(turns) as f32, sin_turns(turns) as f32)
};

/// Cosine and sine of mark, then of space, between the two standards, newest sample first; and nothing of one more.
static TAPS: [[f32; 4]; WINDOW + 1] = {
    let mut taps = [[0.0; 4]; WINDOW + 1];
    let mut n = 0;
    while n < WINDOW {
        let ([a, b], [c, d]) = (tap(1250.0, n), tap(2150.0, n));
        taps[n] = [a, b, c, d];
        n += 1;
    }
    taps
};

const fn tap(hz: f64, n: usize) -> [f32; 2] {
    let turns = hz * n as f64 / RATE as f64;
    [cos_turns(turns) as f32, sin_turns(turns) as f32]
}
