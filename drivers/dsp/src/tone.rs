//! Sines with a steady phase, from a table. Not a cadence: whoever wants on and off times counts blocks. Distortion is
//! below -100 dB, so G.711 is what limits a tone's purity.

use crate::RATE;
use crate::level::peak_at;
use crate::math::sin_turns;

/// One sine. Frequency and level may be changed while it sounds; the phase goes on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tone {
    phase: u32,
    step: u32,
    peak: f32,
}

impl Tone {
    /// A sine of a frequency and a level, beginning at a zero crossing.
    pub fn new(hz: f32, dbm0: f32) -> Tone {
        Tone { phase: 0, step: step_of(hz), peak: peak_at(dbm0) }
    }

    /// Another frequency from the next sample on.
    pub fn set_hz(&mut self, hz: f32) {
        self.step = step_of(hz);
    }

    /// Another level from the next sample on.
    pub fn set_dbm0(&mut self, dbm0: f32) {
        self.peak = peak_at(dbm0);
    }

    /// The next sample, not rounded.
    pub fn next_sample(&mut self) -> f32 {
        let value = self.peak * sine(self.phase);
        self.phase = self.phase.wrapping_add(self.step);
        value
    }

    /// The next samples, written over what is there.
    pub fn fill(&mut self, samples: &mut [i16]) {
        for sample in samples {
            *sample = rounded(self.next_sample());
        }
    }

    /// The next samples, added to what is there, saturating.
    pub fn add_to(&mut self, samples: &mut [i16]) {
        for sample in samples {
            *sample = sample.saturating_add(rounded(self.next_sample()));
        }
    }
}

/// Nearest sample; what does not fit is clipped.
pub(crate) fn rounded(value: f32) -> i16 {
    (if value < 0.0 { value - 0.5 } else { value + 0.5 }) as i16
}

/// Sine of a phase of 2³² a turn, between two table entries by a straight line.
fn sine(phase: u32) -> f32 {
    let place = (phase >> SHIFT) as usize;
    let part = (phase & ((1 << SHIFT) - 1)) as f32 / (1u32 << SHIFT) as f32;
    let from = SINE[place];
    from + (SINE[place + 1] - from) * part
}

fn step_of(hz: f32) -> u32 {
    (f64::from(hz) * 4_294_967_296.0 / f64::from(RATE) + 0.5) as u32
}

/// Table entries a turn.
const ENTRIES: usize = 1024;
/// Bits of the phase below the table's index.
const SHIFT: u32 = 22;

static SINE: [f32; ENTRIES + 1] = {
    let mut table = [0.0; ENTRIES + 1];
    let mut n = 0;
    while n <= ENTRIES {
        table[n] = sin_turns(n as f64 / ENTRIES as f64) as f32;
        n += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stays_a_sine_for_a_minute() {
        let mut tone = Tone::new(425.0, 0.0);
        for n in 0..480_000u32 {
            let exact = f64::from(peak_at(0.0)) * (core::f64::consts::TAU * 425.0 * f64::from(n) / 8000.0).sin();
            assert!((f64::from(tone.next_sample()) - exact).abs() < 10.0, "{n}");
        }
    }

    #[test]
    fn blocks_of_any_size_make_one_tone() {
        let (mut whole, mut parts) = ([0; 400], [0; 400]);
        Tone::new(1477.0, -3.0).fill(&mut whole);
        let mut tone = Tone::new(1477.0, -3.0);
        for piece in parts.chunks_mut(37) {
            tone.fill(piece);
        }
        assert_eq!(whole, parts);
    }

    #[test]
    fn a_change_of_frequency_has_no_step() {
        let mut tone = Tone::new(400.0, 0.0);
        let mut samples = [0i16; 400];
        for (n, piece) in samples.chunks_mut(40).enumerate() {
            tone.set_hz(if n % 2 == 0 { 400.0 } else { 500.0 });
            tone.fill(piece);
        }
        let jump = samples.windows(2).map(|w| (i32::from(w[1]) - i32::from(w[0])).abs()).max();
        assert!(jump < Some(9200), "{jump:?}");
    }
}
