//! Hears DTMF keys. It tells a key once, about 40 ms after it began, and is then deaf to it until the key was gone for
//! 30 ms. It removes no dial tone: the two tones together must be 10 dB stronger than a network's tone that sounds
//! meanwhile, and 13 dB where that is modulated.
//!
//! Every 5 ms (a hop) the samples are correlated with the eight frequencies. Four hops make a window of 20 ms with soft
//! edges; in a window the two strongest frequencies, one of each group, are fitted together, so that a strong group does
//! not colour the weak one. Four windows in a row must agree on the key, and then these are judged:
//!
//! - frequency, by the turn of phase from window to window: within 1.8 % (1.5 % is to be accepted, 3.5 % refused);
//! - purity, the two tones' share of all energy: 0.84 in every window, 0.89 over all. A window that the tone does not
//!   fill is impure, so this is also what refuses tones under 25 ms, and speech;
//! - twist and level;
//! - the column's overtone, which music has.
//!
//! Limits: ITU-T Q.24 with the AT&T column: ±1.5 %, 40 ms, twist 8 dB and 4 dB, -25 dBm0, signal to noise 15 dB.

use super::{COLUMNS_HZ, KEYS, ROWS_HZ};
use crate::RATE;
use crate::level::power_at;
use crate::math::{cos_turns, exp10, sin_turns, sqrt};

/// State of one detector. Feed it any number of samples at a time.
#[derive(Clone, Copy, Debug)]
pub struct Detector {
    /// The last hops, a ring, and the place of the one that comes in.
    sound: [[i16; HOP]; HEARD],
    coming: usize,
    fill: usize,
    /// A ring; `newest` is the place of the last one, here and in the windows.
    hops: [Hop; WINDOW],
    windows: [Window; WINDOWS],
    newest: usize,
    down: Option<u8>,
    away: u8,
}

impl Detector {
    /// A detector that has heard nothing.
    pub const fn new() -> Detector {
        Detector {
            sound: [[0; HOP]; HEARD],
            coming: 0,
            fill: 0,
            hops: [Hop::SILENT; WINDOW],
            windows: [Window::NOTHING; WINDOWS],
            newest: 0,
            down: None,
            away: 0,
        }
    }

    /// Takes samples; calls `told` for each key that has become certain.
    pub fn feed(&mut self, samples: &[i16], mut told: impl FnMut(u8)) {
        let mut rest = samples;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(HOP - self.fill));
            self.sound[self.coming][self.fill..self.fill + now.len()].copy_from_slice(now);
            self.fill += now.len();
            rest = later;
            if self.fill == HOP {
                self.fill = 0;
                if let Some(key) = self.hop() {
                    told(key);
                }
                self.coming = (self.coming + 1) % HEARD;
            }
        }
    }

    /// The key that is being held, as far as it was told.
    pub fn down(&self) -> Option<u8> {
        self.down
    }

    /// 5 ms are complete.
    fn hop(&mut self) -> Option<u8> {
        self.newest = (self.newest + 1) % WINDOW;
        self.hops[self.newest] = Hop::of(&self.sound[self.coming]);
        self.windows[self.newest] = Window::of(&self.hops, self.newest + 1);
        let heard = self.windows[self.newest].place;
        self.away = if heard.is_some() && heard == self.down { 0 } else { self.away.saturating_add(1) };
        if self.away >= AWAY_HOPS {
            self.down = None;
        }
        let place = heard?;
        if self.down == Some(place) || !self.certain(place) {
            return None;
        }
        (self.down, self.away) = (Some(place), 0);
        Some(KEYS[usize::from(place)])
    }

    /// Whether the last windows together are this key and nothing else.
    fn certain(&self, place: u8) -> bool {
        if self.windows.iter().any(|window| window.place != Some(place)) {
            return false;
        }
        let (row, column) = (usize::from(place / 4), 4 + usize::from(place % 4));
        let Some(low_kept) = self.on_frequency(row, |window| window.low) else {
            return false;
        };
        let Some(high_kept) = self.on_frequency(column, |window| window.high) else {
            return false;
        };
        let (mut low_power, mut high_power, mut power) = (0.0, 0.0, 0.0);
        for window in &self.windows {
            let low = 2.0 * window.low.square() / low_kept;
            let high = 2.0 * window.high.square() / high_kept;
            if low + high < PURITY * window.power {
                return false;
            }
            low_power += low / WINDOWS as f32;
            high_power += high / WINDOWS as f32;
            power += window.power / WINDOWS as f32;
        }
        low_power + high_power >= PURITY_OF_ALL * power
            && low_power.min(high_power) >= LOWEST_TONE
            && low_power <= high_power * LOW_STRONGER
            && high_power <= low_power * HIGH_STRONGER
            && self.overtone(column) <= high_power * OVERTONE
    }

    /// Power at twice a column's frequency, over all that the windows span: a voice or an instrument that holds the two
    /// notes of a key has it, a telephone has not. Not of a row: twice its frequency is another key's column.
    fn overtone(&self, column: usize) -> f32 {
        let (even, odd) = (&OVERTONE_EVEN[column - 4], &OVERTONE_ODD[column - 4]);
        let (mut all, mut turn) = (Complex { re: 0.0, im: 0.0 }, Complex { re: 1.0, im: 0.0 });
        for n in 1..HEARD {
            let (sums, differences) = folded(&self.sound[(self.coming + 1 + n) % HEARD]);
            let hop = Complex { re: dot(&sums, even), im: dot(&differences, odd) }.times(turn);
            all = Complex { re: all.re + hop.re, im: all.im + hop.im };
            turn = turn.times(OVERTONE_TURN[column - 4]);
        }
        all.square() * (2.0 / (SPANNED * SPANNED))
    }

    /// If one tone is near enough to its frequency: the share of its power that the window keeps at that distance.
    fn on_frequency(&self, tone: usize, of: impl Fn(&Window) -> Complex) -> Option<f32> {
        let mut turn = Complex { re: 0.0, im: 0.0 };
        for n in 1..WINDOWS {
            let (earlier, later) =
                (&self.windows[(self.newest + n) % WINDOWS], &self.windows[(self.newest + n + 1) % WINDOWS]);
            let step = of(later).times(of(earlier).mirrored()).times(BACK_ONE_HOP[tone]);
            turn = Complex { re: turn.re + step.re, im: turn.im + step.im };
        }
        let limit = FARTHEST_TURN[tone];
        if turn.re <= 0.0 || turn.im.abs() * limit.re > turn.re * limit.im {
            return None;
        }
        let cos_turn = turn.re / sqrt(f64::from(turn.square())) as f32;
        // By half a turn: the window's response is (4x³ - x)/3 over its hops and very nearly (2 + x)/3 within one.
        let x = sqrt(f64::from((1.0 + cos_turn) / 2.0)) as f32;
        let kept = (4.0 * x * x * x - x) / 3.0 * (2.0 + x) / 3.0;
        Some(kept * kept)
    }
}

impl Default for Detector {
    fn default() -> Self {
        Detector::new()
    }
}

/// 5 ms against the eight frequencies, phases counted from its own middle.
#[derive(Clone, Copy, Debug)]
struct Hop {
    re: [f32; 8],
    im: [f32; 8],
    energy: f32,
}

impl Hop {
    const SILENT: Hop = Hop { re: [0.0; 8], im: [0.0; 8], energy: 0.0 };

    /// A cosine about the middle of the hop is even and a sine odd: samples that lie equally far from it are added and
    /// subtracted first, and half of the products remain.
    fn of(samples: &[i16; HOP]) -> Hop {
        let (sums, differences) = folded(samples);
        let energy = (dot(&sums, &sums) + dot(&differences, &differences)) / 2.0;
        if energy < QUIET_HOP {
            return Hop { energy, ..Hop::SILENT };
        }
        let (mut re, mut im) = ([0f32; 8], [0f32; 8]);
        for n in 0..HALF {
            for f in 0..8 {
                re[f] += sums[n] * EVEN[n][f];
                im[f] += differences[n] * ODD[n][f];
            }
        }
        Hop { re, im, energy }
    }
}

/// Sums and differences of the samples that lie equally far from the middle, from there outwards.
#[inline]
fn folded(samples: &[i16; HOP]) -> ([f32; HALF], [f32; HALF]) {
    let (mut sums, mut differences) = ([0f32; HALF], [0f32; HALF]);
    for n in 0..HALF {
        let (before, after) = (f32::from(samples[HALF - 1 - n]), f32::from(samples[HALF + n]));
        (sums[n], differences[n]) = (after + before, after - before);
    }
    (sums, differences)
}

/// The sum of products, four at a time.
#[inline]
fn dot(a: &[f32; HALF], b: &[f32; HALF]) -> f32 {
    let mut lanes = [0f32; 4];
    for (a, b) in a.as_chunks::<4>().0.iter().zip(b.as_chunks::<4>().0) {
        for (n, lane) in lanes.iter_mut().enumerate() {
            *lane += a[n] * b[n];
        }
    }
    lanes.iter().sum()
}

/// 20 ms: which key it may be, and how strong its two tones are.
#[derive(Clone, Copy, Debug)]
struct Window {
    /// Index into the keys; nothing if no two tones stand out.
    place: Option<u8>,
    low: Complex,
    high: Complex,
    /// Mean square of all there is.
    power: f32,
}

impl Window {
    const NOTHING: Window =
        Window { place: None, low: Complex { re: 0.0, im: 0.0 }, high: Complex { re: 0.0, im: 0.0 }, power: 0.0 };

    /// Of a ring of hops whose oldest is at a place.
    fn of(hops: &[Hop; WINDOW], oldest: usize) -> Window {
        let power = (0..WINDOW).map(|n| hops[(oldest + n) % WINDOW].energy * EDGES[n]).sum::<f32>() * (1.0 / WEIGHT);
        if power < LOWEST_TONE {
            return Window::NOTHING;
        }
        let mut sums = Sums { re: [0.0; 8], im: [0.0; 8], size: [0.0; 8] };
        sums.weigh(hops, oldest);
        let Sums { re, im, size } = sums;
        let better = |a: usize, b: usize| if size[b] > size[a] { b } else { a };
        let strongest = |from: usize| better(better(from, from + 1), better(from + 2, from + 3));
        let (row, column) = (strongest(0), strongest(4));
        // Most sound ends here: what the two take from each other below changes this by a few hundredths.
        if 2.0 * (size[row] + size[column]) < 0.8 * ROUGH_PURITY * power * (WEIGHT * WEIGHT) {
            return Window::NOTHING;
        }
        let (a, b) = (Complex { re: re[row], im: im[row] }, Complex { re: re[column], im: im[column] });
        // The two are not quite independent in 20 ms: solve for both at once.
        let leak = LEAK[row][column - 4];
        let scale = SCALE[row][column - 4];
        let (from_high, from_low) = (b.times(leak), a.times(leak.mirrored()));
        let low = Complex { re: (WEIGHT * a.re - from_high.re) * scale, im: (WEIGHT * a.im - from_high.im) * scale };
        let high = Complex { re: (WEIGHT * b.re - from_low.re) * scale, im: (WEIGHT * b.im - from_low.im) * scale };
        if 2.0 * (low.square() + high.square()) < ROUGH_PURITY * power {
            return Window::NOTHING;
        }
        let place = (row * 4 + column - 4) as u8;
        Window { place: Some(place), low, high, power }
    }
}

/// A window against the eight frequencies, and the squares.
struct Sums {
    re: [f32; 8],
    im: [f32; 8],
    size: [f32; 8],
}

impl Sums {
    /// Not inlined: the compiler then computes four frequencies at once, instead of a row with a column.
    #[inline(never)]
    fn weigh(&mut self, hops: &[Hop; WINDOW], oldest: usize) {
        let (mut re, mut im) = ([0f32; 8], [0f32; 8]);
        for (n, turns) in TURNS.iter().enumerate() {
            let hop = &hops[(oldest + n) % WINDOW];
            for f in 0..8 {
                re[f] += hop.re[f] * turns.re[f] - hop.im[f] * turns.im[f];
                im[f] += hop.re[f] * turns.im[f] + hop.im[f] * turns.re[f];
            }
        }
        for f in 0..8 {
            self.size[f] = re[f] * re[f] + im[f] * im[f];
        }
        (self.re, self.im) = (re, im);
    }
}

#[derive(Clone, Copy, Debug)]
struct Complex {
    re: f32,
    im: f32,
}

impl Complex {
    fn times(self, by: Complex) -> Complex {
        Complex { re: self.re * by.re - self.im * by.im, im: self.re * by.im + self.im * by.re }
    }

    fn mirrored(self) -> Complex {
        Complex { re: self.re, im: -self.im }
    }

    fn square(self) -> f32 {
        self.re * self.re + self.im * self.im
    }

    const fn at(turns: f64) -> Complex {
        Complex { re: cos_turns(turns) as f32, im: sin_turns(turns) as f32 }
    }
}

struct Turns {
    re: [f32; 8],
    im: [f32; 8],
}

/// Samples a hop: 5 ms.
const HOP: usize = 40;
/// Hops a window.
const WINDOW: usize = 4;
/// Windows that must agree: together they span 35 ms, which lies in every tone of 40 ms wherever the hops fall.
const WINDOWS: usize = 4;
const _: () = assert!(WINDOW == WINDOWS);
/// Hops whose samples are kept: those that the windows that must agree span, and one that is the oldest by then.
const HEARD: usize = WINDOW + WINDOWS;
/// Most that a column's overtone may have of its power: telephones have a hundredth at most (Q.23), strings a fortieth.
const OVERTONE: f32 = exp10(-1.8) as f32;
/// Weight of a window's hops.
const EDGES: [f32; WINDOW] = [0.5, 1.0, 1.0, 0.5];
/// Their sum over all samples.
const WEIGHT: f32 = 120.0;
/// Hops without the key after which it may be told again. A pause of 20 ms shows as 3 to 5 of them, one of 35 ms as 6.
const AWAY_HOPS: u8 = 6;
/// The two tones' least share of a window's energy. Noise 15 dB down leaves 0.97, a dial tone 10 dB down 0.91.
const PURITY: f32 = 0.84;
/// Their least share over all windows together.
const PURITY_OF_ALL: f32 = 0.89;
/// The same before the frequency is known: at 1.5 % off the upper frequencies lose nearly half.
const ROUGH_PURITY: f32 = 0.35;
/// Farthest that a tone may be from its frequency.
const FARTHEST: f64 = 0.018;
/// A tone of -25 dBm0 with 8 dB of twist beside it, and 26 dB below a usual -11 dBm0, with 5 dB to spare.
const LOWEST_TONE: f32 = power_at(-42.0);
/// 8 dB is to be accepted.
const LOW_STRONGER: f32 = exp10(0.95) as f32;
/// 4 dB is to be accepted; telephones behind bad lines have 6.
const HIGH_STRONGER: f32 = exp10(0.7) as f32;
/// Less than this in a hop is not worth looking at.
const QUIET_HOP: f32 = power_at(-52.0) * HOP as f32;

/// Turns of one frequency in one sample.
const fn turns_a_sample(tone: usize) -> f64 {
    let hz = if tone < 4 { ROWS_HZ[tone] } else { COLUMNS_HZ[tone - 4] };
    hz as f64 / RATE as f64
}

/// Half of a hop.
const HALF: usize = HOP / 2;

/// The conjugate waves of the eight frequencies from a hop's middle on: cosines.
static EVEN: [[f32; 8]; HALF] = waves(true);
/// And sines, negative.
static ODD: [[f32; 8]; HALF] = waves(false);

const fn waves(even: bool) -> [[f32; 8]; HALF] {
    let mut table = [[0.0; 8]; HALF];
    let mut n = 0;
    while n < HALF {
        let mut f = 0;
        while f < 8 {
            let wave = Complex::at(-(turns_a_sample(f) * (n as f64 + 0.5)));
            table[n][f] = if even { wave.re } else { wave.im };
            f += 1;
        }
        n += 1;
    }
    table
}

/// Samples that the windows which must agree span.
const SPANNED: f32 = ((HEARD - 1) * HOP) as f32;

/// The same for twice the frequencies of the columns, a row each.
static OVERTONE_EVEN: [[f32; HALF]; 4] = overtones(true);
static OVERTONE_ODD: [[f32; HALF]; 4] = overtones(false);

const fn overtones(even: bool) -> [[f32; HALF]; 4] {
    let mut table = [[0.0; HALF]; 4];
    let mut n = 0;
    while n < 4 * HALF {
        let (column, at) = (n / HALF, n % HALF);
        let wave = Complex::at(-(2.0 * turns_a_sample(4 + column) * (at as f64 + 0.5)));
        table[column][at] = if even { wave.re } else { wave.im };
        n += 1;
    }
    table
}

/// What an overtone turns in a hop, backwards.
static OVERTONE_TURN: [Complex; 4] = {
    let mut table = [Complex { re: 0.0, im: 0.0 }; 4];
    let mut column = 0;
    while column < 4 {
        table[column] = Complex::at(-(2.0 * turns_a_sample(4 + column) * HOP as f64));
        column += 1;
    }
    table
};

/// Brings the phase of each hop of a window, which counts from the hop's middle, back to the window's beginning, and
/// weighs it.
static TURNS: [Turns; WINDOW] = {
    let mut table = [const { Turns { re: [0.0; 8], im: [0.0; 8] } }; WINDOW];
    let mut n = 0;
    while n < WINDOW {
        let mut f = 0;
        while f < 8 {
            let turn = Complex::at(-(turns_a_sample(f) * ((n * HOP + HALF) as f64 - 0.5)));
            table[n].re[f] = turn.re * EDGES[n];
            table[n].im[f] = turn.im * EDGES[n];
            f += 1;
        }
        n += 1;
    }
    table
};

/// What a tone on its frequency turns from one window to the next, backwards.
static BACK_ONE_HOP: [Complex; 8] = {
    let mut table = [Complex { re: 0.0, im: 0.0 }; 8];
    let mut f = 0;
    while f < 8 {
        table[f] = Complex::at(-(turns_a_sample(f) * HOP as f64));
        f += 1;
    }
    table
};

/// Cosine and sine of the farthest turn that is still the key. Under a quarter of a circle for all eight.
static FARTHEST_TURN: [Complex; 8] = {
    let mut table = [Complex { re: 0.0, im: 0.0 }; 8];
    let mut f = 0;
    while f < 8 {
        table[f] = Complex::at(turns_a_sample(f) * HOP as f64 * FARTHEST);
        f += 1;
    }
    table
};

/// Determinants of the pairs of equations, inverted.
static SCALE: [[f32; 4]; 4] = {
    let mut table = [[0.0; 4]; 4];
    let mut n = 0;
    while n < 16 {
        let leak = LEAK[n / 4][n % 4];
        table[n / 4][n % 4] = 1.0 / (WEIGHT * WEIGHT - leak.re * leak.re - leak.im * leak.im);
        n += 1;
    }
    table
};

/// How much of a column's tone a row's correlation sees.
const LEAK: [[Complex; 4]; 4] = {
    let mut table = [[Complex { re: 0.0, im: 0.0 }; 4]; 4];
    let mut row = 0;
    while row < 4 {
        let mut column = 0;
        while column < 4 {
            let apart = turns_a_sample(4 + column) - turns_a_sample(row);
            let (mut re, mut im) = (0.0, 0.0);
            let mut n = 0;
            while n < HOP * WINDOW {
                let wave = Complex::at(apart * n as f64);
                re += wave.re * EDGES[n / HOP];
                im += wave.im * EDGES[n / HOP];
                n += 1;
            }
            table[row][column] = Complex { re, im };
            column += 1;
        }
        row += 1;
    }
    table
};
