//! One loudness for all prompts, as ITU-R BS.1770-5 measures it: K-weighted power of blocks of 400 ms, gated. Of a sound that
//! is there as a whole two seconds are looked at before the first of them leaves, of others less (silence before goes on at
//! once); after that the gain moves too slowly to be heard.
//!
//! What stays below -50 LUFS is a pause, not a soft voice; peaks are rounded, never cut. Not here: how samples come and go.

use std::collections::VecDeque;
use std::f64::consts::PI;

/// What is looked at before the first sound leaves, in hops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ahead {
    /// Half a second; nothing is held back after that.
    Near = 5,
    /// A second; the same.
    Second = 10,
    /// Two seconds, all the time.
    Far = 20,
}

/// Brings sound to one loudness.
pub(crate) struct Leveller {
    hop: usize,
    /// `None`: the level stays as it is.
    target_db: Option<f32>,
    held: VecDeque<f32>,
    /// Of those held, how many the meter has seen.
    metered: usize,
    /// Samples that are looked at before the first of them leaves.
    ahead: usize,
    /// It looks as far ahead later too.
    stays_ahead: bool,
    begun: bool,
    /// There was something to measure.
    known: bool,
    meter: Meter,
    gain_db: f32,
    work: Vec<f32>,
}

impl Leveller {
    /// To so many LUFS; 0: the level stays as it is.
    pub fn new(rate_hz: u32, level_db: f32, ahead: Ahead) -> Self {
        let hop = (rate_hz / HOPS_A_SECOND) as usize;
        Self {
            hop,
            target_db: (level_db < 0.0).then_some(level_db),
            held: VecDeque::new(),
            metered: 0,
            ahead: hop * ahead as usize,
            stays_ahead: ahead == Ahead::Far,
            begun: false,
            known: false,
            meter: Meter::new(rate_hz),
            gain_db: 0.0,
            work: Vec::new(),
        }
    }

    /// Takes samples, gives them on. The same samples come out the same however they are cut.
    pub fn push(&mut self, samples: &[f32], last: bool, out: &mut dyn FnMut(f32)) {
        if self.target_db.is_none() {
            samples.iter().for_each(|sample| out(rounded(*sample)));
            return;
        }
        self.held.extend(samples);
        if !self.begun && self.metered == 0 {
            self.pass_silence(out);
        }
        while self.held.len() - self.metered >= self.hop || (last && self.held.len() > self.metered) {
            let upto = self.held.len().min(self.metered + self.hop);
            self.work.clear();
            self.work.extend(self.held.range(self.metered..upto));
            self.meter.push(&self.work);
            self.metered = upto;
            self.release_all_beyond(self.hop, out);
        }
        self.release_all_beyond(if last { 0 } else { self.hop }, out);
    }

    /// Gives on what need not be looked at any longer; without `least`, all of it.
    fn release_all_beyond(&mut self, least: usize, out: &mut dyn FnMut(f32)) {
        while self.metered > 0 && (least == 0 || self.metered >= self.ahead.max(least)) {
            self.release(out);
        }
    }

    /// Silence in front says nothing of the level and waits for nothing.
    fn pass_silence(&mut self, out: &mut dyn FnMut(f32)) {
        let block = self.hop / SILENT_BLOCKS_A_HOP;
        while self.held.len() >= block
            && self.held.iter().take(block).map(|it| it * it).sum::<f32>() <= SILENT * block as f32
        {
            self.held.drain(..block).for_each(&mut *out);
        }
    }

    /// Gives on one hop.
    fn release(&mut self, out: &mut dyn FnMut(f32)) {
        let from = self.gain_db;
        if let (Some(loudness), Some(target)) = (self.meter.loudness_db(), self.target_db) {
            let off = (target - loudness).clamp(MIN_GAIN_DB, MAX_GAIN_DB) - from;
            let step = if self.meter.seen < LEARNT_HOPS { EARLY_STEP_DB } else { STEP_DB };
            // Until something was louder than a pause, nothing had a level that could change.
            self.gain_db += if self.known { (off * SHARE).clamp(-step, step) } else { off };
            self.known = true;
        }
        let begins = if self.begun { from } else { self.gain_db };
        self.begun = true;
        let length = self.hop.min(self.metered);
        let (gain, slope) = (linear(begins), (linear(self.gain_db) - linear(begins)) / length as f32);
        for (n, sample) in self.held.drain(..length).enumerate() {
            out(rounded(sample * (gain + slope * n as f32)));
        }
        self.metered -= length;
        if !self.stays_ahead {
            self.ahead = 0;
        }
    }
}

/// Loudness of the last ten seconds.
struct Meter {
    shelf: Biquad,
    high_pass: Biquad,
    /// Mean squares of hops, weighted.
    hops: VecDeque<f32>,
    /// Hops that were louder than a pause.
    seen: usize,
}

impl Meter {
    /// The two filters of BS.1770-5 (annex 1, tables 1 and 2, are for 48 kHz) for any rate, from the analogue ones behind them.
    fn new(rate_hz: u32) -> Self {
        let rate_hz = f64::from(rate_hz);
        let (k, q) = ((PI * 1_681.974_450_955_533 / rate_hz).tan(), 0.707_175_236_955_419_6);
        let high = 10_f64.powf(3.999_843_853_973_347 / 20.0);
        let middle = high.powf(0.499_666_774_154_541_6);
        let norm = 1.0 + k / q + k * k;
        let shelf = Biquad::new(
            [
                (high + middle * k / q + k * k) / norm,
                2.0 * (k * k - high) / norm,
                (high - middle * k / q + k * k) / norm,
            ],
            [2.0 * (k * k - 1.0) / norm, (1.0 - k / q + k * k) / norm],
        );
        let (k, q) = ((PI * 38.135_470_876_024_44 / rate_hz).tan(), 0.500_327_037_323_877_3);
        let norm = 1.0 + k / q + k * k;
        let high_pass = Biquad::new([1.0, -2.0, 1.0], [2.0 * (k * k - 1.0) / norm, (1.0 - k / q + k * k) / norm]);
        Self { shelf, high_pass, hops: VecDeque::new(), seen: 0 }
    }

    fn push(&mut self, hop: &[f32]) {
        let mut sum = 0.0;
        for sample in hop {
            let weighted = self.high_pass.next(self.shelf.next(f64::from(*sample)));
            sum += weighted * weighted;
        }
        let power = (sum / hop.len().max(1) as f64) as f32;
        self.seen += usize::from(loudness_of(power) > PAUSE_DB);
        self.hops.push_back(power);
        if self.hops.len() > REMEMBERED_HOPS {
            self.hops.pop_front();
        }
    }

    /// LUFS; `None`: only pauses so far. Blocks of 400 ms that overlap by three quarters; those more than 10 LU below the
    /// others do not count.
    fn loudness_db(&self) -> Option<f32> {
        let mean = |powers: &mut dyn Iterator<Item = f32>| {
            let (count, sum) = powers.fold((0, 0.0), |(count, sum), power| (count + 1, sum + power));
            (count > 0).then(|| sum / count as f32)
        };
        let long = BLOCK_HOPS.min(self.hops.len()).max(1);
        let blocks = || {
            let ends = self.hops.len().saturating_sub(long) + usize::from(!self.hops.is_empty());
            let block = move |at: usize| self.hops.range(at..at + long).sum::<f32>() / long as f32;
            (0..ends).map(block).filter(|power| loudness_of(*power) > PAUSE_DB)
        };
        let all = mean(&mut blocks())?;
        let gate = all * RELATIVE_GATE;
        mean(&mut blocks().filter(|power| *power > gate)).map(loudness_of)
    }
}

fn loudness_of(power: f32) -> f32 {
    OFFSET_DB + 10.0 * power.max(1e-12).log10()
}

fn linear(db: f32) -> f32 {
    10_f32.powf(db / 20.0)
}

/// A filter of second order, transposed.
struct Biquad {
    b: [f64; 3],
    a: [f64; 2],
    state: [f64; 2],
}

impl Biquad {
    fn new(b: [f64; 3], a: [f64; 2]) -> Self {
        Self { b, a, state: [0.0; 2] }
    }

    fn next(&mut self, x: f64) -> f64 {
        let y = self.b[0] * x + self.state[0];
        self.state[0] = self.b[1] * x - self.a[0] * y + self.state[1];
        self.state[1] = self.b[2] * x - self.a[1] * y;
        y
    }
}

/// Straight up to the knee, then bending towards full scale.
fn rounded(sample: f32) -> f32 {
    let size = sample.abs();
    if size <= KNEE {
        return sample;
    }
    let rest = 1.0 - KNEE;
    (KNEE + rest * ((size - KNEE) / rest).tanh()).copysign(sample)
}

/// Hops of 100 ms: a quarter of the standard's blocks.
const HOPS_A_SECOND: u32 = 10;
const BLOCK_HOPS: usize = 4;
/// Ten seconds are remembered: a longer sound may change its passages.
const REMEMBERED_HOPS: usize = 100;
/// Silence in front is looked for in steps of 20 ms; -50 dBov.
const SILENT_BLOCKS_A_HOP: usize = 5;
const SILENT: f32 = 1e-5;
/// What is softer than this, in LUFS, is a pause.
const PAUSE_DB: f32 = -50.0;
/// -10 LU.
const RELATIVE_GATE: f32 = 0.1;
/// So that a sine of 997 Hz has the loudness of its power.
const OFFSET_DB: f32 = -0.691;
/// 20 dB up; a softer file is meant to be soft, or is noise. 24 dB down: a sine at full scale needs 19.
const MAX_GAIN_DB: f32 = 20.0;
const MIN_GAIN_DB: f32 = -24.0;
/// A quarter of what is missing a hop, at most 5 dB a second while less than three are known, then 2.
const SHARE: f32 = 0.25;
const LEARNT_HOPS: usize = 30;
const EARLY_STEP_DB: f32 = 0.5;
const STEP_DB: f32 = 0.2;
/// Peaks above -2 dB are rounded.
const KNEE: f32 = 0.8;

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(hz: f32, size: f32, seconds: f32) -> Vec<f32> {
        let step = std::f32::consts::TAU * hz / 8_000.0;
        (0..(seconds * 8_000.0) as usize).map(|n| size * (n as f32 * step).sin()).collect()
    }

    fn levelled(samples: &[f32], piece: usize, ahead: Ahead) -> Vec<f32> {
        let (mut level, mut heard) = (Leveller::new(8_000, -22.0, ahead), Vec::new());
        samples.chunks(piece).for_each(|it| level.push(it, false, &mut |sample| heard.push(sample)));
        level.push(&[], true, &mut |sample| heard.push(sample));
        heard
    }

    fn loudness(samples: &[f32]) -> f32 {
        let mut meter = Meter::new(8_000);
        samples.chunks(800).for_each(|hop| meter.push(hop));
        meter.loudness_db().expect("it is no pause")
    }

    #[test]
    fn a_sine_of_997_hz_has_the_loudness_of_its_power_and_low_ones_count_less() {
        for rate_hz in [8_000, 48_000] {
            let mut meter = Meter::new(rate_hz);
            let step = std::f32::consts::TAU * 997.0 / rate_hz as f32;
            let tone: Vec<f32> = (0..rate_hz * 2).map(|n| (n as f32 * step).sin() * 0.1).collect();
            tone.chunks(rate_hz as usize / 10).for_each(|hop| meter.push(hop));
            let heard = meter.loudness_db().expect("it is no pause");
            assert!((heard + 23.01).abs() < 0.05, "{rate_hz}: {heard}");
        }
        assert!(loudness(&tone(60.0, 0.1, 2.0)) < loudness(&tone(997.0, 0.1, 2.0)) - 2.0);
        assert!(loudness(&tone(3_000.0, 0.1, 2.0)) > loudness(&tone(997.0, 0.1, 2.0)) + 2.0);
    }

    #[test]
    fn the_cut_does_not_matter_and_nothing_is_lost() {
        let mut samples = tone(440.0, 0.05, 1.3);
        samples.extend(tone(900.0, 0.6, 4.0));
        let whole = levelled(&samples, samples.len(), Ahead::Far);
        assert_eq!(whole.len(), samples.len());
        for piece in [1, 333, 800, 16_000] {
            assert_eq!(levelled(&samples, piece, Ahead::Far), whole, "{piece}");
        }
        assert_eq!(levelled(&samples, 333, Ahead::Near).len(), samples.len());
    }

    #[test]
    fn short_prompts_with_a_soft_beginning_are_as_loud_as_others() {
        for (soft, loud) in [(0.6, 0.4), (0.6, 0.6), (1.0, 0.5), (1.0, 1.0), (1.5, 3.0), (0.3, 8.0)] {
            let mut samples = tone(500.0, 0.02, soft);
            samples.extend(tone(500.0, 0.2, loud));
            let heard = loudness(&levelled(&samples, 160, Ahead::Far));
            assert!((heard + 22.0).abs() < 1.0, "{soft} s, {loud} s: {heard}");
        }
    }

    #[test]
    fn a_pause_in_front_that_is_no_silence_says_nothing_of_the_level() {
        let mut samples = tone(500.0, 0.004, 0.8);
        samples.extend(tone(500.0, 0.02, 3.0));
        let heard = levelled(&samples, 160, Ahead::Near);
        let level = loudness(&heard[8_000..]);
        assert!((level + 22.0).abs() < 1.0, "{level}");
    }

    #[test]
    fn what_comes_slowly_is_heard_after_half_a_second() {
        let (mut level, mut heard) = (Leveller::new(8_000, -22.0, Ahead::Near), 0);
        for block in tone(500.0, 0.2, 0.48).chunks(160) {
            level.push(block, false, &mut |_| heard += 1);
        }
        assert_eq!(heard, 0);
        for block in tone(500.0, 0.2, 1.0).chunks(160) {
            level.push(block, false, &mut |_| heard += 1);
        }
        assert!(heard >= 11_200, "{heard}: nothing is held any more");
    }

    #[test]
    fn pauses_are_not_lifted() {
        let noise: Vec<f32> = tone(500.0, 0.001, 2.0);
        assert_eq!(levelled(&noise, 160, Ahead::Far), noise);
    }
}
