//! What goes wrong on a wire: by chance (from a seed) and by plan (at a moment). It holds no clock: the wire asks it
//! octet by octet and frame by frame, so the same seed gives the same faults however time is cut into steps.

use tipring_card::{ChannelId, Law, Micros, SpanId};

use crate::{seed::Seed, wire::Side};

/// Whether the first frame that arrives after a D channel was opened is lost, as it may be on real hardware.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FirstFrame {
    /// The seed decides at each opening.
    #[default]
    Seeded,
    /// Never.
    Kept,
    /// Always.
    Lost,
}

/// Trouble of a kind that has a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The span's receivers at both ends lose frame for a while.
    SpanAlarm {
        /// Which span.
        span: SpanId,
        /// How long.
        lasts: Micros,
    },
    /// No frame arrives on the span's D channel in either direction for a while; audio goes on, no alarm.
    FramesVanish {
        /// Which span.
        span: SpanId,
        /// How long.
        lasts: Micros,
    },
    /// An analogue line is cut for a while: no battery, no ring, no sound.
    LineCut {
        /// Which line.
        line: ChannelId,
        /// How long.
        lasts: Micros,
    },
    /// A card is taken away for good; the other end of its spans goes into alarm.
    Remove(Side),
}

/// Trouble and its moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Planned {
    /// When.
    pub at: Micros,
    /// What.
    pub what: Trouble,
}

/// Everything that may go wrong. The default is a good wire.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// Frames in a million that vanish.
    pub frame_loss_ppm: u32,
    /// Frames in a million that arrive with a wrong check sum.
    pub frame_corrupt_ppm: u32,
    /// Frames in a million that are aborted.
    pub frame_abort_ppm: u32,
    /// The first frame after an opening.
    pub first_frame: FirstFrame,
    /// Octets of audio in a million that have one bit flipped.
    pub octet_errors_ppm: u32,
    /// Average time between two slips of a bearer channel; each loses or repeats one octet, turn about.
    pub slip_every: Option<Micros>,
    /// Level of noise on every bearer channel and line.
    pub noise_dbm0: Option<i8>,
    /// Until then the far card is not yet there: its spans are in alarm at both ends.
    pub far_starts_at: Micros,
    /// Trouble with a moment.
    pub planned: Vec<Planned>,
}

/// What becomes of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FrameFate {
    Arrives,
    Vanishes,
    BadFcs,
    Aborted,
}

/// The faults of one direction of one channel.
#[derive(Clone, Debug)]
pub(crate) struct Way {
    seed: Seed,
    error_mean: u64,
    next_error: u64,
    slip_mean: u64,
    next_slip: u64,
    slip_loses: bool,
    noise_peak: i32,
    last: u8,
}

/// Never, in octets.
const NEVER: u64 = u64::MAX;
/// Octets in a second of a channel.
const OCTETS_A_SECOND: u64 = 8_000;

impl Way {
    pub fn new(faults: &Faults, seed: &Seed, part: u64) -> Self {
        let mut seed = seed.part(part);
        let error_mean = 1_000_000_u64.checked_div(u64::from(faults.octet_errors_ppm)).unwrap_or(NEVER);
        let slip_mean = match faults.slip_every {
            Some(every) => (every.0.saturating_mul(OCTETS_A_SECOND) / 1_000_000).max(1),
            None => NEVER,
        };
        let next_error = if error_mean == NEVER { NEVER } else { seed.gap(error_mean) };
        let next_slip = if slip_mean == NEVER { NEVER } else { seed.gap(slip_mean) };
        let noise_peak = faults.noise_dbm0.map_or(0, noise_peak);
        Way { seed, error_mean, next_error, slip_mean, next_slip, slip_loses: false, noise_peak, last: 0 }
    }

    /// Whether the next `octets` pass unhurt and without a slip; they count as passed then.
    pub fn is_clear(&mut self, octets: usize) -> bool {
        let octets = octets as u64;
        if self.noise_peak != 0 || self.next_error <= octets || self.next_slip <= octets {
            return false;
        }
        self.next_error -= if self.next_error == NEVER { 0 } else { octets };
        self.next_slip -= if self.next_slip == NEVER { 0 } else { octets };
        true
    }

    /// Carries octets one by one, `next` giving the sender's; tells how many slips there were.
    pub fn carry(&mut self, into: &mut [u8], law: Law, mut next: impl FnMut() -> u8) -> u32 {
        let mut slips = 0;
        for octet in into {
            self.next_slip -= if self.next_slip == NEVER { 0 } else { 1 };
            if self.next_slip == 0 {
                self.next_slip = self.seed.gap(self.slip_mean);
                self.slip_loses = !self.slip_loses;
                slips += 1;
                if self.slip_loses {
                    next();
                    self.last = next();
                }
            } else {
                self.last = next();
            }
            *octet = self.hurt(self.last, law);
        }
        slips
    }

    /// What becomes of the next frame.
    pub fn frame_fate(&mut self, faults: &Faults) -> FrameFate {
        if self.seed.happens(faults.frame_loss_ppm) {
            FrameFate::Vanishes
        } else if self.seed.happens(faults.frame_corrupt_ppm) {
            FrameFate::BadFcs
        } else if self.seed.happens(faults.frame_abort_ppm) {
            FrameFate::Aborted
        } else {
            FrameFate::Arrives
        }
    }

    /// Whether this opening loses its first frame.
    pub fn first_frame_is_lost(&mut self, first: FirstFrame) -> bool {
        match first {
            FirstFrame::Kept => false,
            FirstFrame::Lost => true,
            FirstFrame::Seeded => self.seed.draw() & 1 == 1,
        }
    }

    fn hurt(&mut self, mut octet: u8, law: Law) -> u8 {
        if self.noise_peak != 0 {
            octet = self.add_noise(octet, law);
        }
        self.next_error -= if self.next_error == NEVER { 0 } else { 1 };
        if self.next_error == 0 {
            self.next_error = self.seed.gap(self.error_mean);
            octet ^= 1 << self.seed.below(8);
        }
        octet
    }

    fn add_noise(&mut self, octet: u8, law: Law) -> u8 {
        let clean = i32::from(match law {
            Law::A => tipring_dsp::alaw_decode(octet),
            Law::Mu => tipring_dsp::ulaw_decode(octet),
        });
        let noise = (self.seed.draw() >> 33) as i32 % (2 * self.noise_peak + 1) - self.noise_peak;
        let sum = (clean + noise).clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16;
        match law {
            Law::A => tipring_dsp::alaw_encode(sum),
            Law::Mu => tipring_dsp::ulaw_encode(sum),
        }
    }
}

/// The peak of even noise at a level; a level above full scale is held there.
fn noise_peak(dbm0: i8) -> i32 {
    // Even noise has a mean square of a third of its peak's square, a sine a half: its peak is 1.22 times higher.
    let sine_peak = tipring_dsp::peak_at(f32::from(dbm0.min(3)));
    (sine_peak * 1.225) as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(faults: &Faults, seed: u64, step: usize) -> (Vec<u8>, u32) {
        let mut way = Way::new(faults, &Seed::new(seed), 1);
        let (mut out, mut slips, mut sent) = (vec![0; 8_000], 0, 0_u32);
        for piece in out.chunks_mut(step) {
            let mut next = || {
                sent += 1;
                (sent % 200) as u8
            };
            if way.is_clear(piece.len()) {
                piece.fill_with(&mut next);
            } else {
                slips += way.carry(piece, Law::A, next);
            }
        }
        (out, slips)
    }

    #[test]
    fn faults_do_not_depend_on_the_step() {
        let faults = Faults { octet_errors_ppm: 2_000, slip_every: Some(Micros::from_ms(100)), ..Faults::default() };
        let (ones, slips) = run(&faults, 3, 8);
        assert_eq!((ones.clone(), slips), run(&faults, 3, 80));
        assert!((4..25).contains(&slips), "{slips}");
        assert_ne!(ones, run(&faults, 4, 80).0);
    }

    #[test]
    fn a_good_wire_changes_nothing() {
        let (out, slips) = run(&Faults::default(), 3, 80);
        assert!(out.iter().zip(1_u32..).all(|(&o, n)| u32::from(o) == n % 200) && slips == 0);
    }

    #[test]
    fn noise_has_its_level() {
        let faults = Faults { noise_dbm0: Some(-30), ..Faults::default() };
        let mut way = Way::new(&faults, &Seed::new(1), 1);
        let mut out = [0; 8_000];
        way.carry(&mut out, Law::A, || Law::A.silence());
        let power = out.iter().map(|&o| f64::from(tipring_dsp::alaw_decode(o)).powi(2)).sum::<f64>() / 8_000.0;
        let peak = f64::from(tipring_dsp::peak_at(-30.0));
        let off_db = 10.0 * (power / (peak * peak / 2.0)).log10();
        assert!(off_db.abs() < 1.0, "{off_db}");
    }
}
