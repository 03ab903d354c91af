//! From linear mono samples of any rate to what a telephone plays: band, loudness, coding. Piece by piece; the same
//! samples give the same octets however they are cut.
//!
//! Source: ITU-T G.711 through `tipring-dsp`. It reads no file and knows no container; how loud is `loudness`' affair.

use rubato::audioadapter_buffers::direct::SequentialSliceOfVecs;
use rubato::{Fft, FixedSync, Indexing, Resampler, WindowFunction};
use tipring_card::Law;
use tipring_dsp::{alaw_encode, ulaw_encode};

use crate::fault::MediaFault;
use crate::loudness::{Ahead, Leveller};
use crate::preset::{Coding, Preset};

/// Makes telephone audio of linear samples.
pub(crate) struct Shaper {
    resampler: Option<Rate>,
    high_pass: HighPass,
    level: Leveller,
    coding: Coding,
    linear: Vec<f32>,
}

impl Shaper {
    pub fn new(from_hz: u32, to: Preset, level_db: f32, ahead: Ahead) -> Result<Self, MediaFault> {
        let resampler = (from_hz != to.rate_hz).then(|| Rate::new(from_hz, to.rate_hz)).transpose()?;
        Ok(Self {
            resampler,
            high_pass: HighPass::new(HIGH_PASS_HZ, to.rate_hz),
            level: Leveller::new(to.rate_hz, level_db, ahead),
            coding: to.coding,
            linear: Vec::new(),
        })
    }

    /// Takes samples, appends octets.
    pub fn push(&mut self, samples: &[f32], out: &mut Vec<u8>) -> Result<(), MediaFault> {
        self.linear.clear();
        match &mut self.resampler {
            Some(rate) => rate.push(samples, &mut self.linear)?,
            None => self.linear.extend_from_slice(samples),
        }
        self.emit(false, out);
        Ok(())
    }

    /// No more samples: what is still inside comes out.
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), MediaFault> {
        self.linear.clear();
        if let Some(rate) = &mut self.resampler {
            rate.finish(&mut self.linear)?;
        }
        self.emit(true, out);
        Ok(())
    }

    fn emit(&mut self, last: bool, out: &mut Vec<u8>) {
        for sample in &mut self.linear {
            *sample = self.high_pass.next(*sample);
        }
        let coding = self.coding;
        self.level.push(&self.linear, last, &mut |sample| encode(coding, sample, out));
    }
}

/// Writes one sample.
fn encode(coding: Coding, sample: f32, out: &mut Vec<u8>) {
    let linear = (sample * 32_767.0).round().clamp(-32_768.0, 32_767.0) as i16;
    match coding {
        Coding::G711(Law::A) => out.push(alaw_encode(linear)),
        Coding::G711(Law::Mu) => out.push(ulaw_encode(linear)),
        Coding::L16 => out.extend_from_slice(&linear.to_be_bytes()),
    }
}

/// The resampler, fed in any pieces; its delay is cut off and its rest flushed.
struct Rate {
    inner: Fft<f32>,
    pending: Vec<Vec<f32>>,
    produced: Vec<Vec<f32>>,
    to_skip: usize,
    taken: u64,
    given: u64,
    ratio: (u64, u64),
}

impl Rate {
    fn new(from_hz: u32, to_hz: u32) -> Result<Self, MediaFault> {
        let (from, to) = (from_hz as usize, to_hz as usize);
        // An even number of the smallest whole steps: the filter's delay is then whole samples on both sides.
        let step = 2 * from / common_divisor(from, to);
        let chunk = ((from_hz / CHUNKS_A_SECOND) as usize).div_ceil(step) * step;
        let inner = Fft::new_custom(from, to, chunk, 1, 1, WindowFunction::BlackmanHarris2, FixedSync::Both)
            .map_err(|error| MediaFault::unsupported(format!("{from_hz} Hz to {to_hz} Hz: {error}")))?;
        let produced = vec![vec![0.0; inner.output_frames_max()]];
        let to_skip = inner.output_delay();
        let ratio = (u64::from(to_hz), u64::from(from_hz));
        Ok(Self { inner, pending: vec![Vec::new()], produced, to_skip, taken: 0, given: 0, ratio })
    }

    fn push(&mut self, samples: &[f32], out: &mut Vec<f32>) -> Result<(), MediaFault> {
        self.pending[0].extend_from_slice(samples);
        self.taken += samples.len() as u64;
        let mut used = 0;
        while self.pending[0].len() - used >= self.inner.input_frames_next() {
            used += self.chunk(used, None, out)?;
        }
        self.pending[0].drain(..used);
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<f32>) -> Result<(), MediaFault> {
        let due = (self.taken * self.ratio.0).div_ceil(self.ratio.1);
        let mut left = self.pending[0].len();
        self.pending[0].resize(self.inner.input_frames_max(), 0.0);
        // One chunk with the rest, then silence until the delay has come out; two are enough by construction.
        for _ in 0..MAX_FLUSHES {
            if self.given >= due {
                break;
            }
            self.chunk(0, Some(left), out)?;
            left = 0;
        }
        let over = usize::try_from(self.given.saturating_sub(due)).unwrap_or(0).min(out.len());
        out.truncate(out.len() - over);
        Ok(())
    }

    fn chunk(&mut self, from: usize, partial: Option<usize>, out: &mut Vec<f32>) -> Result<usize, MediaFault> {
        let failed = |what: String| MediaFault::unsupported(format!("resampling: {what}"));
        let frames = self.pending[0].len();
        let room = self.produced[0].len();
        let input = SequentialSliceOfVecs::new(&self.pending, 1, frames).map_err(|it| failed(it.to_string()))?;
        let mut output =
            SequentialSliceOfVecs::new_mut(&mut self.produced, 1, room).map_err(|it| failed(it.to_string()))?;
        let mut indexing = Indexing::new().input_offset(from);
        if let Some(left) = partial {
            indexing = indexing.partial_len(left);
        }
        let (used, made) = self
            .inner
            .process_into_buffer(&input, &mut output, Some(&indexing))
            .map_err(|it| failed(it.to_string()))?;
        let skipped = self.to_skip.min(made);
        self.to_skip -= skipped;
        out.extend_from_slice(&self.produced[0][skipped..made]);
        self.given += (made - skipped) as u64;
        Ok(used)
    }
}

fn common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a.max(1) } else { common_divisor(b, a % b) }
}

/// Second-order Butterworth high-pass: takes off direct current, rumble and hum, which only eat headroom.
struct HighPass {
    b: [f64; 3],
    a: [f64; 2],
    x: [f64; 2],
    y: [f64; 2],
}

impl HighPass {
    fn new(cutoff_hz: f64, rate_hz: u32) -> Self {
        let k = (std::f64::consts::PI * cutoff_hz / f64::from(rate_hz)).tan();
        let norm = 1.0 / (1.0 + std::f64::consts::SQRT_2 * k + k * k);
        Self {
            b: [norm, -2.0 * norm, norm],
            a: [2.0 * (k * k - 1.0) * norm, (1.0 - std::f64::consts::SQRT_2 * k + k * k) * norm],
            x: [0.0; 2],
            y: [0.0; 2],
        }
    }

    fn next(&mut self, sample: f32) -> f32 {
        let x = f64::from(sample);
        let y = self.b[0] * x + self.b[1] * self.x[0] + self.b[2] * self.x[1]
            - self.a[0] * self.y[0]
            - self.a[1] * self.y[1];
        self.x = [x, self.x[0]];
        self.y = [y, self.y[0]];
        y as f32
    }
}

/// Below, a telephone carries nothing (300 Hz is the nominal edge); gentle.
const HIGH_PASS_HZ: f64 = 120.0;
/// Resampler chunks: 50 ms, so that the filter is steep enough to keep 3.4 kHz and reject 4.6 kHz.
const CHUNKS_A_SECOND: u32 = 20;
/// Chunks flushed at the end, at most: the rest, and the delay of half a block.
const MAX_FLUSHES: usize = 4;
#[cfg(test)]
mod tests {
    use super::*;

    fn power_of(samples: &[f32]) -> f32 {
        samples.iter().map(|it| it * it).sum::<f32>() / samples.len() as f32
    }

    fn tone(rate_hz: u32, hz: f32, size: f32, seconds: f32) -> Vec<f32> {
        let step = std::f32::consts::TAU * hz / rate_hz as f32;
        (0..(seconds * rate_hz as f32) as usize).map(|n| size * (n as f32 * step).sin()).collect()
    }

    fn shaped(from_hz: u32, samples: &[f32], piece: usize) -> Vec<f32> {
        shaped_to(-22.0, from_hz, samples, piece)
    }

    fn shaped_to(level_db: f32, from_hz: u32, samples: &[f32], piece: usize) -> Vec<f32> {
        let to = Preset { coding: Coding::L16, rate_hz: 8_000 };
        let mut shaper = Shaper::new(from_hz, to, level_db, Ahead::Far).unwrap();
        let mut out = Vec::new();
        for piece in samples.chunks(piece) {
            shaper.push(piece, &mut out).unwrap();
        }
        shaper.finish(&mut out).unwrap();
        out.chunks_exact(2).map(|it| f32::from(i16::from_be_bytes([it[0], it[1]])) / 32_768.0).collect()
    }

    fn db(power: f32) -> f32 {
        10.0 * power.log10()
    }

    #[test]
    fn every_rate_keeps_its_length_and_the_cut_does_not_matter() {
        for rate_hz in [4_000, 8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000, 192_000] {
            let samples = tone(rate_hz, 1_000.0, 0.3, 1.25);
            let whole = shaped(rate_hz, &samples, samples.len());
            assert_eq!(whole.len(), 10_000, "{rate_hz}");
            assert_eq!(whole, shaped(rate_hz, &samples, 777), "{rate_hz}");
        }
    }

    #[test]
    fn speech_band_passes_and_what_would_alias_does_not() {
        for rate_hz in [16_000, 44_100, 48_000] {
            let left_of = |hz| power_of(&shaped_to(0.0, rate_hz, &tone(rate_hz, hz, 0.5, 2.0), 4_096)[4_000..14_000]);
            let (pass, alias) = (db(left_of(3_300.0)), db(left_of(4_700.0) + 1e-12));
            assert!((pass + 9.0).abs() < 1.0, "{rate_hz}: {pass}");
            assert!(alias < -69.0, "{rate_hz}: {alias}");
        }
    }

    #[test]
    fn silence_in_front_does_not_hide_how_loud_it_is() {
        for size in [0.9, 0.05] {
            let mut samples = vec![0.0; 8_000];
            samples.extend(tone(8_000, 440.0, size, 1.0));
            let heard = shaped(8_000, &samples, 333);
            let first = db(power_of(&heard[8_400..15_000]));
            assert!((first + 22.0).abs() < 1.0, "{size}: {first}");
            assert_eq!(heard.len(), samples.len());
            assert_eq!(heard, shaped(8_000, &samples, samples.len()));
        }
    }

    #[test]
    fn loud_and_soft_files_come_out_alike_and_silence_stays() {
        for size in [0.9, 0.3, 0.05] {
            let level = db(power_of(&shaped(8_000, &tone(8_000, 440.0, size, 3.0), 160)[8_000..]));
            assert!((level + 22.0).abs() < 1.0, "{size}: {level}");
        }
        assert!(shaped(8_000, &[0.0; 8_000], 160).iter().all(|it| *it == 0.0));
    }
}
