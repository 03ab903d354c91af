//! What a country's network may sound like: its tones by frequency, and its rhythms. Made once from the zone table; it
//! also says which of the sounds a measured stretch is.

use super::atom::{Atom, HALF, passed};
use crate::zone::Information;
use crate::{Cadence, Zone};

/// Frequencies of one country with those of the three rising tones; a test holds the table to it.
pub(super) const MAX_ATOMS: usize = 10;
/// Different sounds of one country.
pub(super) const MAX_SOUNDS: usize = 6;
/// Rhythms of one country, endless tones among them.
pub(super) const MAX_RHYTHMS: usize = 10;

/// One sound of a network: frequencies that sound together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sound {
    hz: [u16; 2],
    modulated: bool,
    /// Which atoms, the first `count`.
    atoms: [usize; 3],
    count: usize,
    /// Of a wide atom: how far the frequencies are from its middle, and how much of their power it hears.
    spread_hz: f32,
    heard: f32,
}

/// What a rhythm means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Dial,
    Ringback,
    Busy,
    Congestion,
    Information,
}

/// One rhythm of one sound.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rhythm {
    pub kind: Kind,
    /// Place among the sounds.
    pub sound: usize,
    /// Empty: endless.
    pub on_off_ms: &'static [u16],
    /// Every second burst is so much stronger, in dB.
    pub step_db: i8,
}

/// All sounds of one country.
#[derive(Clone, Debug)]
pub(super) struct Sounds {
    pub atoms: [Option<Atom>; MAX_ATOMS],
    sounds: [Option<Sound>; MAX_SOUNDS],
    /// In order of preference where two fit equally well.
    rhythms: [Option<Rhythm>; MAX_RHYTHMS],
    /// The places of the three rising tones among the atoms.
    pub rising: [usize; 3],
    /// The country says the same with two tones.
    pub two_rising: bool,
    /// Everything found its place.
    pub complete: bool,
}

/// Which of a country's sounds something is: one bit each.
pub(super) type Mask = u16;

impl Sounds {
    pub fn of(zone: &'static Zone) -> Sounds {
        let mut all = Sounds {
            atoms: [const { None }; MAX_ATOMS],
            sounds: [None; MAX_SOUNDS],
            rhythms: [None; MAX_RHYTHMS],
            rising: [0; 3],
            two_rising: false,
            complete: true,
        };
        for (place, hz) in RISING_HZ.iter().enumerate() {
            all.rising[place] = all.atom(*hz, true);
        }
        // Busy before congestion, the commoner form before the other source's.
        let forms = zone.busy.len().max(zone.congestion.len());
        for form in 0..forms {
            all.rhythm(Kind::Busy, zone.busy.get(form), 0);
            all.rhythm(Kind::Congestion, zone.congestion.get(form), zone.congestion_step_db);
        }
        for information in zone.information {
            match information {
                Information::Rhythm(cadence) => all.rhythm(Kind::Information, Some(cadence), 0),
                Information::Rising { hz, .. } => all.two_rising |= hz[2] == 0,
            }
        }
        zone.ringback.iter().for_each(|cadence| all.rhythm(Kind::Ringback, Some(cadence), 0));
        zone.dial.iter().for_each(|cadence| all.rhythm(Kind::Dial, Some(cadence), 0));
        for cadence in zone.dial.iter().filter(|cadence| !cadence.on_off_ms.is_empty()) {
            // Longer than any of its bursts without a pause: the dial tone of an exchange that has no rhythm.
            all.rhythm(Kind::Dial, Some(&Cadence { on_off_ms: &[], ..*cadence }), 0);
        }
        debug_assert!(all.complete, "a country of the table has more than there is room for");
        all
    }

    pub fn rhythms(&self) -> impl Iterator<Item = &Rhythm> {
        self.rhythms.iter().flatten()
    }

    /// Which sounds the running burst is, whose mean square is `energy` over `count` blocks.
    pub fn burst(&self, energy: f32, count: u32) -> Mask {
        self.mask(|sound| self.is_burst(sound, energy, count))
    }

    /// Whether the last 20 ms, of this mean square, are mostly one of the sounds, or one of the rising tones.
    pub fn is_tone(&self, energy: f32) -> bool {
        let needed = energy * NOW_SHARE;
        self.mask(|sound| self.parts(sound).map(Atom::lately).sum::<f32>() >= needed * sound.heard) != 0
            || self.rising.iter().any(|place| self.at(*place).is_some_and(|atom| atom.lately() >= needed))
    }

    /// Whether a sound is one frequency.
    pub fn is_lone(&self, place: usize) -> bool {
        self.sounds.get(place).is_some_and(|sound| sound.is_some_and(|sound| sound.hz[1] == 0))
    }

    fn mask(&self, is: impl Fn(&Sound) -> bool) -> Mask {
        let sounds = self.sounds.iter().enumerate();
        sounds.filter(|(_, sound)| sound.as_ref().is_some_and(&is)).fold(0, |mask, (n, _)| mask | 1 << n)
    }

    fn is_burst(&self, sound: &Sound, energy: f32, count: u32) -> bool {
        if energy <= 0.0 || count < MIN_BLOCKS {
            return false;
        }
        let count_f = count as f32;
        if sound.spread_hz > 0.0 {
            return self.parts(sound).all(|atom| {
                let off = atom.off_hz(&atom.sum);
                let share = atom.sum.power / count_f / sound.heard / energy;
                off.abs() <= atom.hz * TOLERANCE + sound.spread_hz * 0.7
                    && share >= WIDE_SHARE
                    && atom.sum.beating(count) >= BEATING
            });
        }
        let least = if sound.modulated { LEAST_SIDE } else { LEAST_PART };
        let steady = if sound.count == 1 { STEADY_ALONE } else { STEADY_TOGETHER };
        let mut whole = 0.0;
        for atom in self.parts(sound) {
            let share = atom.whole(&atom.sum) / count_f / energy;
            let off = atom.off_hz(&atom.sum).abs() > atom.hz * TOLERANCE;
            if share < least || off || atom.sum.unsteadiness(count) > steady {
                return false;
            }
            whole += share;
        }
        whole >= SHARE
    }

    fn parts(&self, sound: &Sound) -> impl Iterator<Item = &Atom> {
        sound.atoms[..sound.count].iter().filter_map(|place| self.at(*place))
    }

    pub fn at(&self, place: usize) -> Option<&Atom> {
        self.atoms.get(place)?.as_ref()
    }

    fn rhythm(&mut self, kind: Kind, cadence: Option<&Cadence>, step_db: i8) {
        let Some(cadence) = cadence else { return };
        let sound = self.sound(cadence);
        let rhythm = Rhythm { kind, sound, on_off_ms: cadence.on_off_ms, step_db };
        match self.rhythms.iter_mut().find(|place| place.is_none()) {
            Some(place) => *place = Some(rhythm),
            None => self.complete = false,
        }
    }

    /// The place of a cadence's sound, made if it is new.
    fn sound(&mut self, cadence: &Cadence) -> usize {
        let same = |sound: &Sound| sound.hz == cadence.hz && sound.modulated == cadence.modulated;
        if let Some(place) = self.sounds.iter().position(|sound| sound.as_ref().is_some_and(same)) {
            return place;
        }
        let sound = self.sound_of(cadence);
        let Some(place) = self.sounds.iter().position(Option::is_none) else {
            self.complete = false;
            return 0;
        };
        self.sounds[place] = Some(sound);
        place
    }

    fn sound_of(&mut self, cadence: &Cadence) -> Sound {
        let [first, second] = cadence.hz.map(f32::from);
        let mut sound =
            Sound { hz: cadence.hz, modulated: cadence.modulated, atoms: [0; 3], count: 1, spread_hz: 0.0, heard: 1.0 };
        let (apart, middle) =
            if cadence.modulated { (second, first) } else { (second - first, (first + second) / 2.0) };
        if second == 0.0 {
            sound.atoms[0] = self.atom(first, false);
        } else if apart < if cadence.modulated { WIDE_MODULATED_HZ } else { WIDE_PAIR_HZ } {
            sound.atoms[0] = self.atom(middle, true);
            sound.spread_hz = if cadence.modulated { apart } else { apart / 2.0 };
            // Of a carrier modulated to the full a third of the power is beside it, of a pair all.
            let beside = passed(sound.spread_hz, HALF);
            sound.heard = if cadence.modulated { (2.0 + beside) / 3.0 } else { beside };
        } else if cadence.modulated {
            sound.atoms = [self.atom(first, false), self.atom(first - second, false), self.atom(first + second, false)];
            sound.count = 3;
        } else {
            sound.atoms = [self.atom(first, false), self.atom(second, false), 0];
            sound.count = 2;
        }
        sound
    }

    fn atom(&mut self, hz: f32, wide: bool) -> usize {
        let same = |atom: &Atom| atom.hz == hz && atom.wide == wide;
        if let Some(place) = self.atoms.iter().position(|atom| atom.as_ref().is_some_and(same)) {
            return place;
        }
        let Some(place) = self.atoms.iter().position(Option::is_none) else {
            self.complete = false;
            return 0;
        };
        self.atoms[place] = Some(Atom::new(hz, wide));
        place
    }
}

/// The middle of the bands of the three rising tones.
pub(super) const RISING_HZ: [f32; 3] = [950.0, 1410.0, 1815.0];
/// Frequencies nearer than this are heard as one that beats.
const WIDE_PAIR_HZ: f32 = 38.0;
const WIDE_MODULATED_HZ: f32 = 45.0;
/// Blocks of a burst that must have been measured.
const MIN_BLOCKS: u32 = 4;
/// Off frequency: 1.5 % and what noise and a short burst add.
const TOLERANCE: f32 = 0.022;
/// Share of a sound in all energy: the tone alone, noise 9 dB below it.
const SHARE: f32 = 0.88;
const WIDE_SHARE: f32 = 0.8;
/// Share of the weaker of two, and of a side of a modulated one.
const LEAST_PART: f32 = 0.1;
const LEAST_SIDE: f32 = 0.04;
/// Unsteadiness that a tone may have (a note that fades by 5 dB has more), and the beating that a beating one must have.
const STEADY_ALONE: f32 = 0.12;
const STEADY_TOGETHER: f32 = 0.4;
const BEATING: f32 = 0.2;
/// Share of a sound in 20 ms that is not a voice's.
const NOW_SHARE: f32 = 0.6;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ZoneId;

    #[test]
    fn every_country_has_room() {
        for zone in ZoneId::all() {
            let sounds = Sounds::of(zone.tones());
            assert!(sounds.complete, "{}", zone.tones().code);
        }
    }

    #[test]
    fn a_burst_of_nothing_is_nothing() {
        let sounds = Sounds::of(ZoneId::default().tones());
        assert_eq!(sounds.burst(0.0, 100), 0);
        assert_eq!(sounds.burst(f32::NAN, 100), 0);
        assert_eq!(sounds.burst(1e6, 0), 0);
        assert!(!sounds.is_tone(f32::NAN));
    }
}
