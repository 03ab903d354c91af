//! A sound that nobody knows beforehand, measured: is it a tone, of which frequencies and level, in which rhythm? What the
//! country's tones are plays no part in it.
//!
//! Bursts are cut out by level in steps of 5 ms, each one's spectrum is looked at where networks have their tones, and the
//! shortest rhythm that explains all bursts and pauses is taken. Written in the notation of the countries' file.

use std::fmt;

use serde::{Deserialize, Serialize};
use tipring_dsp::{Cadence, RATE, Zone, dbm0_of, dbm0_of_power, level::power_of};

/// A step of the envelope.
const STEP: usize = 40;
/// Milliseconds of it.
const STEP_MS: u32 = 5;
/// Quieter than this is no tone of a network.
const FLOOR_DBM0: f32 = -45.0;
/// What is so much below the loudest is a pause.
const PAUSE_DB: f32 = 15.0;
/// A sample with this part of a burst's power belongs to it.
const RISEN: f32 = 0.06;
/// A shorter hole is the beat of two frequencies, or of a modulated one.
const HOLE_MS: u32 = 30;
/// A shorter burst is a click.
const CLICK_MS: u32 = 40;
/// A sound of this length without a pause has no rhythm.
const ENDLESS_MS: u32 = 2_500;
/// Share of a burst's power that its frequencies must have, to be a tone and no voice or music.
const PURE: f64 = 0.75;
/// So many frequencies are looked at in one go over the samples.
const AT_ONCE: usize = 8;
/// Frequencies that are looked for.
const LOWEST_HZ: f64 = 250.0;
const HIGHEST_HZ: f64 = 2_200.0;
/// So many of the strongest are looked at closely: a tone has three at most.
const TOPS: usize = 6;
/// Two of one tone are so far apart at least.
const APART_HZ: f64 = 12.0;
/// And differ by no more.
const SECOND_DB: f64 = 12.0;
/// Samples that are enough to know frequencies.
const LOOK: usize = RATE as usize / 2;
/// So many bursts are looked at for their frequencies.
const MAX_BURSTS: usize = 4;
/// Most bursts and pauses of one rhythm, together.
const MAX_SPANS: usize = 8;

/// A tone as it was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// One or two frequencies; 0: none.
    pub hz: [u16; 2],
    /// The second one modulates the first.
    pub modulated: bool,
    /// While it sounds.
    pub level_dbm0: f32,
    /// On and off in turn; empty: without end.
    pub on_off_ms: Vec<u16>,
    /// How often the whole rhythm was heard; of an endless tone 0.
    pub cycles: u32,
}

impl Measured {
    /// Whether it is one of a zone's forms, as far as a listener makes a difference.
    pub fn is_one_of(&self, forms: &[Cadence]) -> bool {
        forms.iter().any(|form| self.is(form))
    }

    fn is(&self, form: &Cadence) -> bool {
        let near = |a: u16, b: u16| a.abs_diff(b) <= 1 + a.max(b) / 66;
        let sound = self.modulated == form.modulated && near(self.hz[0], form.hz[0]) && near(self.hz[1], form.hz[1]);
        let long = |a: u16, b: u16| u32::from(a.abs_diff(b)) <= 10 + u32::from(b) * 15 / 100;
        // Where a rhythm begins nobody can hear.
        let spans = form.on_off_ms;
        let turned = |by: usize| self.on_off_ms.iter().zip(spans.iter().cycle().skip(by)).all(|(a, b)| long(*a, *b));
        let rhythm =
            self.on_off_ms.len() == spans.len() && (spans.is_empty() || (0..spans.len()).step_by(2).any(turned));
        sound && rhythm
    }

    /// Which of a country's tones it is, in a word.
    pub fn named(&self, zone: &Zone) -> Option<&'static str> {
        let named = [
            ("dial tone", zone.dial),
            ("ringback", zone.ringback),
            ("busy tone", zone.busy),
            ("congestion tone", zone.congestion),
        ];
        named.into_iter().find(|(_, forms)| self.is_one_of(forms)).map(|(name, _)| name)
    }
}

impl fmt::Display for Measured {
    /// `425 500/500`, as configuration has it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.hz[0])?;
        if self.hz[1] > 0 {
            write!(f, "{}{}", if self.modulated { '*' } else { '+' }, self.hz[1])?;
        }
        if !self.on_off_ms.is_empty() {
            let spans: Vec<String> = self.on_off_ms.iter().map(u16::to_string).collect();
            write!(f, " {}", spans.join("/"))?;
        }
        Ok(())
    }
}

/// What a stretch of sound is.
#[derive(Clone, Debug, PartialEq)]
pub enum Sound {
    /// Nothing.
    Silence,
    /// A tone whose rhythm is certain, or that has none.
    Tone(Measured),
    /// A tone, and it was not heard for long enough to know its rhythm.
    Part(Measured),
    /// Something that is no tone: a voice, music, noise.
    Other {
        /// While it sounds.
        level_dbm0: f32,
    },
}

impl Sound {
    /// The tone, certain or not.
    pub fn tone(&self) -> Option<&Measured> {
        match self {
            Sound::Tone(tone) | Sound::Part(tone) => Some(tone),
            Sound::Silence | Sound::Other { .. } => None,
        }
    }
}

/// Steps from the first to the one behind the last.
#[derive(Clone, Copy, Debug)]
struct Burst {
    from: usize,
    to: usize,
}

impl Burst {
    fn ms(self) -> u32 {
        (self.to - self.from) as u32 * STEP_MS
    }
}

/// Measures samples at 8 kHz, half a minute at most.
pub fn measure(samples: &[i16]) -> Sound {
    let levels: Vec<f32> = samples.chunks_exact(STEP).map(dbm0_of).collect();
    let bursts = bursts(&levels);
    let Some(longest) = bursts.iter().max_by_key(|burst| burst.to - burst.from) else {
        return Sound::Silence;
    };
    let of = |burst: &Burst| &samples[burst.from * STEP..burst.to * STEP];
    let level_dbm0 = round_db(dbm0_of(of(longest)));
    let mut heard = Vec::new();
    let mut other_ms = 0;
    for burst in bursts.iter().take(MAX_BURSTS) {
        match spectrum_of(inner(of(burst))) {
            Some(spectrum) => heard.push((burst.ms(), spectrum)),
            None => other_ms += burst.ms(),
        }
    }
    let tone_ms: u32 = heard.iter().map(|(ms, _)| ms).sum();
    let Some(spectrum) = heard.iter().max_by_key(|(ms, _)| *ms).map(|(_, spectrum)| *spectrum) else {
        return Sound::Other { level_dbm0 };
    };
    // Clicks and a word between the bursts do not spoil them.
    if other_ms * 4 > tone_ms || heard.iter().any(|(_, of)| !of.is_like(&spectrum)) {
        return Sound::Other { level_dbm0 };
    }
    let (hz, modulated) = spectrum.rounded();
    let tone = |on_off_ms, cycles| Measured { hz, modulated, level_dbm0, on_off_ms, cycles };
    if longest.ms() >= ENDLESS_MS {
        return Sound::Tone(tone(Vec::new(), 0));
    }
    let edges: Vec<Edges> = bursts.iter().map(|burst| edges(samples, burst)).collect();
    match rhythm(&bursts, &edges, levels.len()) {
        Some((on_off_ms, cycles)) => Sound::Tone(tone(on_off_ms, cycles)),
        None => Sound::Part(tone(Vec::new(), 0)),
    }
}

/// To a tenth.
pub(crate) fn round_db(db: f32) -> f32 {
    (db * 10.0).round() / 10.0
}

/// Bursts by level; holes are closed, clicks left out.
fn bursts(levels: &[f32]) -> Vec<Burst> {
    let loudest = levels.iter().copied().fold(f32::MIN, f32::max);
    let threshold = (loudest - PAUSE_DB).max(FLOOR_DBM0);
    let mut bursts: Vec<Burst> = Vec::new();
    for (at, _) in levels.iter().enumerate().filter(|(_, level)| **level > threshold) {
        match bursts.last_mut() {
            Some(last) if (at - last.to) as u32 * STEP_MS < HOLE_MS => last.to = at + 1,
            _ => bursts.push(Burst { from: at, to: at + 1 }),
        }
    }
    bursts.retain(|burst| burst.ms() >= CLICK_MS);
    bursts
}

/// A burst without the steps in which it rises and falls.
fn inner(burst: &[i16]) -> &[i16] {
    let cut = if burst.len() > 8 * STEP { 2 * STEP } else { 0 };
    &burst[cut..burst.len() - cut]
}

/// The frequencies of a burst. Half a second is enough, where there is no more than twice that. A longer one is looked at
/// in three places of which two must agree: a click or a lost piece of sound spoils one, and a voice holds no note for so
/// long.
fn spectrum_of(burst: &[i16]) -> Option<Spectrum> {
    let length = burst.len();
    if length < 2 * LOOK {
        return spectrum(&burst[..length.min(LOOK)]);
    }
    let look = |from: usize| spectrum(&burst[from..from + LOOK]);
    let agree = |a: Option<Spectrum>, b: Option<Spectrum>| a.filter(|a| b.is_some_and(|b| a.is_like(&b)));
    let (first, last) = (look(0), look(length - LOOK));
    agree(first, last).or_else(|| {
        let middle = look((length - LOOK) / 2);
        agree(middle, last).or_else(|| agree(middle, first))
    })
}

/// Frequencies of a burst.
#[derive(Clone, Copy, Debug)]
struct Spectrum {
    hz: [f64; 2],
    modulated: bool,
    /// It was too short to tell close ones apart.
    coarse: bool,
}

impl Spectrum {
    fn is_like(&self, other: &Spectrum) -> bool {
        let near = |a: f64, b: f64| (a - b).abs() <= if self.coarse || other.coarse { 12.0 } else { 5.0 };
        let both = near(self.hz[0], other.hz[0]) && near(self.hz[1], other.hz[1]);
        both || (self.coarse || other.coarse) && (near(self.hz[0], other.hz[0]) || near(self.hz[0], other.hz[1]))
    }

    /// As written: networks use round figures, and lines hardly move them.
    fn rounded(&self) -> ([u16; 2], bool) {
        let hz = self.hz.map(|hz| {
            let five = (hz / 5.0).round() * 5.0;
            // A third of a hundred is what a measurement of a short burst may be off.
            if hz > 0.0 && (hz - five).abs() <= 1.0 + hz / 300.0 && hz > 100.0 {
                five as u16
            } else {
                hz.round() as u16
            }
        });
        (hz, self.modulated)
    }
}

/// The frequencies of a tone; `None`: it is none.
fn spectrum(samples: &[i16]) -> Option<Spectrum> {
    let length = samples.len();
    if length < 8 * STEP {
        return None;
    }
    let all = f64::from(power_of(samples));
    let window: Vec<f64> = (0..length)
        .map(|at| 0.5 - 0.5 * (std::f64::consts::TAU * at as f64 / (length - 1) as f64).cos())
        .zip(samples)
        .map(|(weight, sample)| weight * f64::from(*sample))
        .collect();
    let power = |hz: f64| powers_at(&window, [hz])[0];
    let width = f64::from(RATE) / length as f64;
    let step = (width * 1.5).clamp(2.0, 10.0);
    let count = ((HIGHEST_HZ - LOWEST_HZ) / step) as usize;
    let place = |n: usize| LOWEST_HZ + n as f64 * step;
    let scan: Vec<(f64, f64)> = (0..=count)
        .step_by(AT_ONCE)
        .flat_map(|first| {
            let hz: [f64; AT_ONCE] = std::array::from_fn(|k| place(first + k));
            let powers = powers_at(&window, hz);
            hz.into_iter().zip(powers)
        })
        .collect();
    let tops = scan.windows(3).filter(|near| near[1].1 >= near[0].1 && near[1].1 > near[2].1).map(|near| near[1]);
    let mut tops: Vec<(f64, f64)> = tops.collect();
    tops.sort_by(|a, b| b.1.total_cmp(&a.1));
    let mut peaks: Vec<(f64, f64)> = tops.iter().take(TOPS).map(|top| refine(&power, top.0, step)).collect();
    peaks.sort_by(|a, b| b.1.total_cmp(&a.1));
    let (first, strongest) = *peaks.first()?;
    let apart = APART_HZ.max(width * 1.5);
    let rivals: Vec<(f64, f64)> = peaks
        .iter()
        .skip(1)
        .copied()
        .filter(|(hz, power)| (hz - first).abs() >= apart && *power >= strongest / 10_f64.powf(SECOND_DB / 10.0))
        .take(2)
        .collect();
    let in_peaks: f64 = strongest + rivals.iter().map(|(_, power)| power).sum::<f64>();
    if in_peaks < all * PURE {
        return None;
    }
    let coarse = length < RATE as usize / 4;
    let spectrum = match rivals[..] {
        [] => Spectrum { hz: [first, 0.0], modulated: false, coarse },
        // Two side bands at the same distance: the strongest is modulated.
        [(a, pa), (b, pb)] if ((a + b) / 2.0 - first).abs() < 4.0 && pa / pb < 2.5 => {
            Spectrum { hz: [first, (a - b).abs() / 2.0], modulated: true, coarse }
        }
        [(second, _)] | [(second, _), _] if rivals.len() == 1 || rivals[1].1 < strongest / 10.0 => {
            Spectrum { hz: [first.min(second), first.max(second)], modulated: false, coarse }
        }
        _ => return None,
    };
    Some(spectrum)
}

/// The strongest place near a peak of the scan.
fn refine(power: &impl Fn(f64) -> f64, hz: f64, step: f64) -> (f64, f64) {
    let (mut low, mut high) = (hz - step, hz + step);
    for _ in 0..12 {
        let third = (high - low) / 3.0;
        if power(low + third) < power(high - third) { low += third } else { high -= third }
    }
    let hz = (low + high) / 2.0;
    (hz, power(hz))
}

/// Power of the sines of these frequencies in windowed samples (Hann: its mean is a half). Several at once, since each
/// step of one waits for the one before.
fn powers_at<const N: usize>(windowed: &[f64], hz: [f64; N]) -> [f64; N] {
    let twice_cos = hz.map(|hz| 2.0 * (std::f64::consts::TAU * hz / f64::from(RATE)).cos());
    let (mut last, mut before) = ([0.0; N], [0.0; N]);
    for sample in windowed {
        for k in 0..N {
            (last[k], before[k]) = (sample + twice_cos[k] * last[k] - before[k], last[k]);
        }
    }
    let length = windowed.len() as f64 / 2.0;
    // The amplitude is two over the length times the sum; half its square is the power.
    std::array::from_fn(|k| {
        let square = last[k] * last[k] + before[k] * before[k] - twice_cos[k] * last[k] * before[k];
        2.0 * square / (length * length)
    })
}

/// A burst at the sample.
#[derive(Clone, Copy, Debug)]
struct Edges {
    from: usize,
    to: usize,
}

impl Edges {
    fn ms(self) -> u32 {
        ms_between(self.from, self.to)
    }
}

fn ms_between(from: usize, to: usize) -> u32 {
    ((to.saturating_sub(from) * 1_000 + RATE as usize / 2) / RATE as usize) as u32
}

/// Where a burst rises and falls: it fills its first and its last step in part only, which would make every burst longer and
/// every pause shorter.
fn edges(samples: &[i16], burst: &Burst) -> Edges {
    let of = &samples[burst.from * STEP..burst.to * STEP];
    let risen = power_of(of) * RISEN;
    let sounds = |sample: &i16| f32::from(*sample).powi(2) > risen;
    let from = of.iter().take(STEP).position(sounds).unwrap_or(0);
    let silent = of.iter().rev().take(STEP).position(sounds).unwrap_or(0);
    Edges { from: burst.from * STEP + from, to: burst.to * STEP - silent }
}

/// The shortest rhythm that explains all bursts and pauses that are whole, and how often it was heard. Two turns at least.
fn rhythm(bursts: &[Burst], edges: &[Edges], steps: usize) -> Option<(Vec<u16>, u32)> {
    // What was under way at the beginning is of unknown length, and so is what is at the end.
    let cut_in = bursts.first().is_some_and(|first| first.from <= 2);
    let (bursts, edges) = if cut_in { (&bursts[1..], &edges[1..]) } else { (bursts, edges) };
    let mut spans: Vec<u32> = Vec::new();
    for pair in edges.windows(2) {
        spans.extend([pair[0].ms(), ms_between(pair[0].to, pair[1].from)]);
    }
    if let Some((last, edges)) = bursts.last().zip(edges.last()).filter(|(last, _)| last.to + 4 < steps) {
        spans.push(edges.ms());
        // The pause that goes on may be the long one of the rhythm.
        if (steps - last.to) as u32 * STEP_MS > spans.iter().skip(1).step_by(2).max().map_or(u32::MAX, |most| most * 2)
        {
            return None;
        }
    }
    let like = |a: u32, b: u32| a.abs_diff(b) <= 30 + a.max(b) / 10;
    (2..=MAX_SPANS).step_by(2).find_map(|length| {
        let fits = spans.len() >= 2 * length - 1 && (length..spans.len()).all(|at| like(spans[at], spans[at - length]));
        let mean = |place: usize| {
            let turns: Vec<u32> = spans.iter().copied().skip(place).step_by(length).collect();
            let mean = turns.iter().sum::<u32>() as f64 / turns.len() as f64;
            ((mean / 5.0).round() * 5.0) as u16
        };
        fits.then(|| (from_its_beginning((0..length).map(mean).collect()), spans.len().div_ceil(length) as u32))
    })
}

/// The same rhythm, its longest pause last, as it is written everywhere.
fn from_its_beginning(mut on_off_ms: Vec<u16>) -> Vec<u16> {
    let pauses = || on_off_ms.iter().enumerate().skip(1).step_by(2);
    let most = pauses().map(|(_, ms)| *ms).max().unwrap_or(0);
    // Of pauses that are alike the last one stays last.
    let longest = pauses().rev().find(|(_, ms)| **ms + 20 >= most).map_or(0, |(at, _)| at + 1);
    let by = longest % on_off_ms.len().max(1);
    on_off_ms.rotate_left(by);
    on_off_ms
}

/// The level of everything, for people: dBm0 to a tenth.
pub fn level_dbm0(samples: &[i16]) -> f32 {
    round_db(dbm0_of_power(power_of(samples)))
}
