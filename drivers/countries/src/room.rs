//! How much room a country's tones need in the listener of `dsp`, which allocates nothing and so has bounds. It counts
//! as that listener does; a test of `dsp` shows that both agree.

use crate::{Information, Tone, Tones};

/// Frequencies, those of the three rising tones among them; two that beat count as one.
pub const MAX_ATOMS: usize = 10;
/// Different sounds, whatever their rhythms.
pub const MAX_SOUNDS: usize = 6;
/// Rhythms, endless tones among them; a dial tone with a rhythm counts as two.
pub const MAX_RHYTHMS: usize = 10;

/// The middle of the bands of the three rising tones, which every country has.
const RISING_HZ: [u32; 3] = [950, 1410, 1815];
/// Frequencies nearer than this are heard as one that beats.
const WIDE_PAIR_HZ: u16 = 38;
const WIDE_MODULATED_HZ: u16 = 45;

/// What a country's tones need.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Room {
    /// Frequencies.
    pub atoms: usize,
    /// Sounds.
    pub sounds: usize,
    /// Rhythms.
    pub rhythms: usize,
}

/// A frequency in half Hz, and whether it is heard over a wide band.
type Atom = (u32, bool);

impl Room {
    /// Of a country's tones.
    pub fn of(tones: &Tones) -> Room {
        let mut atoms: Vec<Atom> = RISING_HZ.iter().map(|hz| (2 * hz, true)).collect();
        let mut sounds: Vec<([u16; 2], bool)> = Vec::new();
        let mut rhythms = 0;
        let information = tones.information.iter().filter_map(|information| match information {
            Information::Rhythm(tone) => Some(tone),
            Information::Rising { .. } => None,
        });
        let lists = [&tones.busy, &tones.congestion, &tones.ringback, &tones.dial];
        for tone in lists.into_iter().flatten().chain(information) {
            rhythms += 1;
            if !sounds.contains(&(tone.hz, tone.modulated)) {
                sounds.push((tone.hz, tone.modulated));
                for atom in atoms_of(tone) {
                    if !atoms.contains(&atom) {
                        atoms.push(atom);
                    }
                }
            }
        }
        rhythms += tones.dial.iter().filter(|tone| !tone.on_off_ms.is_empty()).count();
        Room { atoms: atoms.len(), sounds: sounds.len(), rhythms }
    }

    /// Whether the listener has as much.
    pub fn is_there(self) -> bool {
        self.atoms <= MAX_ATOMS && self.sounds <= MAX_SOUNDS && self.rhythms <= MAX_RHYTHMS
    }
}

fn atoms_of(tone: &Tone) -> Vec<Atom> {
    let [first, second] = tone.hz;
    let one = |hz: u16| (2 * u32::from(hz), false);
    match (second, tone.modulated) {
        (0, _) => vec![one(first)],
        (by, true) if by < WIDE_MODULATED_HZ => vec![(2 * u32::from(first), true)],
        (by, true) => vec![one(first), one(first.saturating_sub(by)), one(first.saturating_add(by))],
        (_, false) if second.saturating_sub(first) < WIDE_PAIR_HZ => {
            vec![(u32::from(first) + u32::from(second), true)]
        }
        (_, false) => vec![one(first), one(second)],
    }
}
