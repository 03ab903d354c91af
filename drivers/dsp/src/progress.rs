//! What the network says in tones: dial tone, ringback, busy, congestion, the information tones, a voice, silence. It
//! decides nothing about the call.
//!
//! Bursts are cut out by level (`level`), each is measured at the country's frequencies (`atom`, `sounds`), and only a
//! burst that is one of the country's sounds **alone** and steady counts; bursts and pauses together are compared with
//! the country's rhythms (`rhythm`). A voice over the tone, or a pause that is not silent, begins the counting anew.
//!
//! Source: ITU-T E.180 and E.182; the zone table.

mod atom;
mod howler;
mod level;
mod rhythm;
mod rising;
mod sounds;

use atom::HALF;
use howler::Howler;
use level::{Edge, Levels};
use rhythm::{DIAL_SPANS, History, spans_needed};
use rising::Rising;
use sounds::{Kind, Mask, Rhythm, Sounds};

use crate::ZoneId;
use crate::level::power_at;

/// Samples of one block: 10 ms.
pub const BLOCK: usize = 2 * HALF;

/// What is expected, as far as it changes how soon a thing is believed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// We have just gone off hook and wait for dial tone: believed after half a second, or when it is longer than a burst
    /// of the country's busy tone.
    BeforeDialling,
    /// After dialling and during a call: dial tone must last for more than 2 s; of one frequency alone, 3 s.
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
    /// The howler of a telephone that was left off hook: the exchange knows of no call. Told once while it lasts.
    Howler,
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
    sounds: Sounds,
    mode: Mode,
    levels: Levels,
    history: History,
    rising: Rising,
    howler: Howler,
    voice: Voice,
    burst: Burst,
    /// Mean square of the block before, and of the 20 ms before.
    power: f32,
    window: f32,
    /// The block before was a tone.
    tone: bool,
    /// Silence that is told next.
    silence_ms: u32,
    /// What is still to be told.
    told: [Option<Progressing>; TOLD],
}

/// The running burst.
#[derive(Clone, Copy, Debug, Default)]
struct Burst {
    /// Blocks since it began, or since something else than a tone was in it.
    blocks: u32,
    /// Blocks measured, and the sum of their mean squares; and of the last ones, of which it is not known yet whether
    /// the burst goes on after them.
    measured: u32,
    energy: f32,
    open: u32,
    open_energy: f32,
    /// Blocks that were no tone, in all and in a row.
    foul: u32,
    foul_row: u32,
    /// Blocks when it was last judged whether it is endless, and whether that was told.
    judged: u32,
    told: bool,
}

impl Progress {
    /// A listener for one country's tones, in [`Mode::Call`].
    pub fn new(zone: ZoneId) -> Progress {
        Progress {
            sounds: Sounds::of(zone.tones()),
            mode: Mode::Call,
            levels: Levels::new(),
            history: History::new(),
            rising: Rising::new(),
            howler: Howler::new(),
            voice: Voice::default(),
            burst: Burst::default(),
            power: 0.0,
            window: 0.0,
            tone: false,
            silence_ms: SILENCE_MS,
            told: [None; TOLD],
        }
    }

    /// Listens in this mode from now on; what was half heard is forgotten, but not how the line itself sounds.
    pub fn listen(&mut self, mode: Mode) {
        self.mode = mode;
        self.sounds.atoms.iter_mut().flatten().for_each(atom::Atom::forget);
        (self.levels, self.history, self.rising) = (self.levels.anew(), History::new(), Rising::new());
        (self.howler, self.voice, self.burst) = (Howler::new(), Voice::default(), Burst::default());
        (self.power, self.window, self.tone) = (0.0, 0.0, false);
        (self.silence_ms, self.told) = (SILENCE_MS, [None; TOLD]);
    }

    /// Takes the next 10 ms; tells what has become certain. What becomes certain in the same block comes with the next.
    pub fn block(&mut self, samples: &[i16; BLOCK]) -> Option<Progressing> {
        let mut halves = [[0.0f32; HALF]; 2];
        for (half, samples) in halves.iter_mut().zip(samples.chunks_exact(HALF)) {
            for (to, sample) in half.iter_mut().zip(samples) {
                *to = f32::from(*sample);
            }
        }
        let powers = halves.map(|half| mean_square(&half));
        self.sounds.atoms.iter_mut().flatten().for_each(|atom| atom.hear(&halves));
        let power = (powers[0] + powers[1]) / 2.0;
        let before = (self.power, self.window);
        self.window = (self.power + power) / 2.0;
        self.power = power;
        for power in powers {
            match self.levels.step(power, self.tone) {
                Edge::None => {}
                Edge::Begun { off_ms } => self.begun(off_ms),
                Edge::Ended { on_ms, power } => self.ended(on_ms, power),
            }
        }
        if self.levels.is_told() {
            self.howler.block(samples);
        }
        self.sound(before.1);
        self.silence();
        let first = self.told[0].take();
        self.told.rotate_left(1);
        first
    }

    /// Whether the block before was mostly one of the network's tones, whatever its rhythm.
    pub fn hears_tone(&self) -> bool {
        self.tone
    }

    fn begun(&mut self, off_ms: u32) {
        self.silence_ms = SILENCE_MS;
        self.history.pause(off_ms);
        self.howler.begun(off_ms);
        self.tell_rhythm();
    }

    fn ended(&mut self, on_ms: u32, power: f32) {
        let mask = if self.burst.foul <= 1 + self.burst.measured / 20 { self.mask() } else { 0 };
        if mask != 0 {
            self.levels.was_tone();
        }
        self.burst = Burst::default();
        self.history.burst(on_ms, mask, power);
        self.tell_rhythm();
        self.tell_ringback();
        if self.howler.ended(on_ms) {
            self.tell(Progressing::Howler);
        }
    }

    /// Which sounds the burst is by what was measured of it.
    fn mask(&self) -> Mask {
        self.sounds.burst(self.burst.energy / self.burst.measured.max(1) as f32, self.burst.measured)
    }

    /// The part of the work that looks at the block's sound, whether it belongs to a burst or not.
    fn sound(&mut self, window_before: f32) {
        let loud = self.levels.is_loud();
        let alone = self.window >= TONE_FLOOR && self.sounds.is_tone(self.window);
        // In the dips of a beating tone a share says nothing.
        let dip = self.window * self.burst.measured as f32 <= self.burst.energy * DIP;
        let tone = loud && (alone || dip && self.burst.measured > 0);
        self.tone = alone || tone;
        let voice = loud && !tone && self.power >= VOICE_FLOOR && self.levels.knows_noise() && !self.howler.is_likely();
        if self.voice.block(voice) {
            self.tell(Progressing::Voice);
        }
        let rising = self.sounds.rising.map(|place| self.sounds.at(place));
        if self.rising.block(rising, if loud { self.power } else { 0.0 }, self.sounds.two_rising) {
            self.tell(Progressing::Information);
        }
        if !self.levels.is_on() {
            self.burst = Burst::default();
            return;
        }
        self.measure(tone, loud, window_before);
        if loud && !self.burst.told && self.burst.blocks >= self.burst.judged + JUDGED_BLOCKS {
            self.burst.judged = self.burst.blocks;
            self.tell_endless();
        }
    }

    /// Makes the block before part of the burst, if that goes on: in a gap it is not known yet whether it does.
    fn measure(&mut self, tone: bool, loud: bool, window_before: f32) {
        let burst = &mut self.burst;
        burst.blocks = burst.blocks.saturating_add(1);
        if burst.blocks == 1 {
            self.sounds.atoms.iter_mut().flatten().for_each(atom::Atom::begin);
        }
        if burst.blocks <= SETTLING_BLOCKS {
            return;
        }
        if loud {
            burst.foul += u32::from(!tone);
            burst.foul_row = if tone { 0 } else { burst.foul_row + 1 };
        }
        if burst.foul_row > 1 {
            // Something else is in it: what comes after that may be a tone of its own, but the burst is none.
            *burst = Burst { foul: burst.foul, foul_row: 1, ..Burst::default() };
            return;
        }
        burst.open += 1;
        burst.open_energy += window_before;
        if loud {
            burst.measured = burst.measured.saturating_add(burst.open);
            burst.energy += burst.open_energy;
            (burst.open, burst.open_energy) = (0, 0.0);
        }
        self.sounds.atoms.iter_mut().flatten().for_each(|atom| atom.commit(loud));
    }

    /// Dial tone and whatever else has no end.
    fn tell_endless(&mut self) {
        let ms = self.burst.blocks.saturating_mul(10);
        if ms < LEAST_DIAL_MS {
            return;
        }
        let mask = self.mask();
        let endless = |rhythm: &&Rhythm| {
            rhythm.on_off_ms.is_empty() && mask >> rhythm.sound & 1 == 1 && ms >= self.endless_ms(rhythm)
        };
        let Some(kind) = self.sounds.rhythms().find(endless).map(|rhythm| rhythm.kind) else { return };
        self.burst.told = true;
        self.tell(if kind == Kind::Dial { Progressing::DialTone } else { Progressing::Information });
    }

    /// From when on a tone is endless: longer than any burst of the same sound that could be meant.
    fn endless_ms(&self, endless: &Rhythm) -> u32 {
        let expected = self.mode == Mode::BeforeDialling && endless.kind == Kind::Dial;
        let same = |rhythm: &&Rhythm| {
            rhythm.sound == endless.sound && !(expected && rhythm.is(&[Kind::Ringback, Kind::Information]))
        };
        let longest = self.sounds.rhythms().filter(same).map(Rhythm::longest_ms).max().unwrap_or(0);
        let least = match (expected, self.sounds.is_lone(endless.sound)) {
            (true, _) => LEAST_DIAL_MS,
            (false, false) => LEAST_ENDLESS_MS,
            (false, true) => LEAST_LONE_MS,
        };
        least.max(longest + longest * 3 / 20)
    }

    fn tell_rhythm(&mut self) {
        let expected = self.mode == Mode::BeforeDialling;
        let needed = |rhythm: &Rhythm| match rhythm.kind {
            Kind::Ringback => None,
            Kind::Dial if expected => Some(DIAL_SPANS),
            _ => Some(spans_needed(rhythm)),
        };
        let Some(kind) = self.history.rhythm(&self.sounds, needed).map(|rhythm| rhythm.kind) else { return };
        self.history.forget();
        self.tell(match kind {
            Kind::Dial => Progressing::DialTone,
            Kind::Busy => Progressing::Busy,
            Kind::Congestion => Progressing::Congestion,
            Kind::Information => Progressing::Information,
            Kind::Ringback => Progressing::Ringback,
        });
    }

    /// A burst has ended: a ring, if it can be nothing else; of a double ring, both with the pause between.
    fn tell_ringback(&mut self) {
        let ambiguous =
            self.sounds.rhythms().any(|rhythm| rhythm.kind != Kind::Ringback && self.history.is_burst_of(rhythm));
        let needed = |rhythm: &Rhythm| match (rhythm.kind, rhythm.on_off_ms.len()) {
            (Kind::Ringback, 2) if !ambiguous => Some(1),
            (Kind::Ringback, 2..) => Some(3),
            _ => None,
        };
        // The long pause is not between the two bursts of a double ring.
        if self.history.rhythm(&self.sounds, needed).is_some_and(|rhythm| self.history.is_group(rhythm)) {
            self.tell(Progressing::Ringback);
        }
    }

    fn silence(&mut self) {
        let ms = self.levels.quiet_ms();
        if ms >= self.silence_ms {
            self.tell(Progressing::Silence { ms: self.silence_ms });
            self.silence_ms = self.silence_ms.saturating_add(SILENCE_MS);
        }
    }

    /// More than fit at once are not told: there are never that many.
    fn tell(&mut self, what: Progressing) {
        if let Some(place) = self.told.iter_mut().find(|place| place.is_none()) {
            *place = Some(what);
        }
    }
}

/// Sound that is no tone, by a sum that grows with it and falls without.
#[derive(Clone, Copy, Debug, Default)]
struct Voice {
    sum: u32,
    /// Blocks without, since the stretch was told; `None`: no stretch runs.
    without: Option<u32>,
}

impl Voice {
    /// Takes a block; `true` when a stretch of voice has begun.
    fn block(&mut self, heard: bool) -> bool {
        self.sum = if heard { (self.sum + 2).min(VOICE_SUM) } else { self.sum.saturating_sub(1) };
        if let Some(without) = &mut self.without {
            *without = if heard { 0 } else { *without + 1 };
            if *without >= VOICE_OVER_BLOCKS {
                self.without = None;
            }
            return false;
        }
        let begins = self.sum >= VOICE_SUM;
        if begins {
            self.without = Some(0);
        }
        begins
    }
}

fn mean_square(samples: &[f32; HALF]) -> f32 {
    let mut sums = [0.0f32; 8];
    for piece in samples.chunks_exact(8) {
        for (sum, sample) in sums.iter_mut().zip(piece) {
            *sum += sample * sample;
        }
    }
    sums.iter().sum::<f32>() / HALF as f32
}

/// Things that may become certain in one block.
const TOLD: usize = 4;
/// Silence is told each time it has become so much longer.
const SILENCE_MS: u32 = 1000;
/// Blocks at a burst's beginning that are not measured: the first is not whole, and the window is two blocks.
const SETTLING_BLOCKS: u32 = 3;
/// Blocks from one judgement to the next.
const JUDGED_BLOCKS: u32 = 4;
/// What is so much weaker than its burst is a dip.
const DIP: f32 = 0.35;
/// Dial tone when it is expected, and any endless tone when it is not.
const LEAST_DIAL_MS: u32 = 500;
const LEAST_ENDLESS_MS: u32 = 2000;
/// One frequency alone may be a note.
const LEAST_LONE_MS: u32 = 3000;
/// A voice: 200 ms of sound, pauses counting half.
const VOICE_SUM: u32 = 40;
const VOICE_OVER_BLOCKS: u32 = 100;
/// What is weaker is not taken for a tone that hides the line's noise.
const TONE_FLOOR: f32 = power_at(-55.0);
/// What is weaker is no voice, even while the line's noise is not yet known.
const VOICE_FLOOR: f32 = power_at(-40.0);
