//! The tones of the world's telephone networks: what dial tone, ringback, busy and congestion sound like, country by
//! country. A table and its reading; who generates and who listens stands elsewhere.
//!
//! The table is generated from `drivers/countries/countries.toml`, where the sources are named.

use core::fmt;

include!(concat!(env!("OUT_DIR"), "/zones.rs"));

/// A country's tones: a row of the table, or what somebody else keeps for as long as the program runs. Cheap to copy, so
/// that it may travel in commands. Ordered by code; equal if code and tones are.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ZoneId(&'static Zone);

/// A sound and its rhythm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cadence {
    /// One or two frequencies that sound together; 0 = none.
    pub hz: [u16; 2],
    /// The second frequency modulates the first instead of being added.
    pub modulated: bool,
    /// On and off in turn, in milliseconds; empty: without end.
    pub on_off_ms: &'static [u16],
}

/// The tones of one country.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Zone {
    /// ISO 3166 code in lower case, or `us-old`.
    pub code: &'static str,
    /// The country in English.
    pub name: &'static str,
    /// Dial tone; one entry for each form that is met.
    pub dial: &'static [Cadence],
    /// Ringback.
    pub ringback: &'static [Cadence],
    /// Busy.
    pub busy: &'static [Cadence],
    /// Congestion, reorder. Empty where no source has one.
    pub congestion: &'static [Cadence],
    /// Every second burst of congestion is stronger by so much than the first (Australia: weaker).
    pub congestion_step_db: i8,
    /// The tones that say that a number cannot be reached.
    pub information: &'static [Information],
    /// Ringing of a called telephone, on and off in turn, in milliseconds.
    pub ring_ms: &'static [u16],
}

/// How a network says that a number cannot be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Information {
    /// Three (0: two) tones, each higher than the one before.
    Rising {
        /// One after the other; 0: none.
        hz: [u16; 3],
        /// How long each is.
        ms: [u16; 3],
        /// Silence between them.
        gap_ms: u16,
        /// Silence after the last, before it begins again.
        pause_ms: u16,
    },
    /// A tone in a rhythm of its own.
    Rhythm(Cadence),
}

impl ZoneId {
    /// The zone of a country's code, in either case; of a country without tones of its own that of its stand-in.
    /// `None`: not in the table.
    pub fn of(code: &str) -> Option<ZoneId> {
        let code = ALIASES.iter().find(|(alias, _)| alias.eq_ignore_ascii_case(code)).map_or(code, |(_, code)| code);
        ZONES.iter().find(|zone| zone.code.eq_ignore_ascii_case(code)).map(ZoneId)
    }

    /// A zone that is not in the table. Whoever makes it has looked whether the listener has room for its tones.
    pub const fn made(zone: &'static Zone) -> ZoneId {
        ZoneId(zone)
    }

    /// Its tones.
    pub const fn tones(self) -> &'static Zone {
        self.0
    }

    /// All of the table.
    pub fn all() -> impl Iterator<Item = ZoneId> {
        ZONES.iter().map(ZoneId)
    }
}

impl Default for ZoneId {
    /// The United States, the first of the table.
    fn default() -> Self {
        ZoneId(&ZONES[0])
    }
}

impl fmt::Debug for ZoneId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ZoneId").field(&self.0.code).finish()
    }
}

/// The level at which networks send these tones, while they sound (E.180: -10 dBm0, 5 dB up and down).
pub const LEVEL_DBM0: f32 = -10.0;

#[cfg(test)]
mod tests {
    use super::*;
    use std::boxed::Box;
    use std::string::{String, ToString as _};
    use std::vec::Vec;
    use std::{format, panic, vec};
    use tipring_countries::{MAX_ATOMS, MAX_RHYTHMS, MAX_SOUNDS, Room, Tone, Tones};

    use crate::Progress;

    fn cadences(zone: &Zone) -> Vec<Cadence> {
        let rhythms = zone.information.iter().filter_map(|information| match information {
            Information::Rhythm(cadence) => Some(*cadence),
            Information::Rising { .. } => None,
        });
        [zone.dial, zone.ringback, zone.busy, zone.congestion].concat().into_iter().chain(rhythms).collect()
    }

    #[test]
    fn every_country_that_may_be_asked_for_is_there() {
        let asked = "at au bg br be ch cl cn cz de dk ee es fi fr gr hu il in it lt jp mx my nl no nz ph pl pt ru se sg \
                     th uk us us-old tw ve za ca gb ie tr kr hk ar ae sa";
        for code in asked.split_whitespace() {
            let zone = ZoneId::of(code).unwrap_or_else(|| panic!("{code} is missing"));
            assert_eq!(ZoneId::of(&code.to_ascii_uppercase()), Some(zone));
            assert!(!zone.tones().busy.is_empty() && !zone.tones().dial.is_empty(), "{code}");
            assert!(!zone.tones().ringback.is_empty() && !zone.tones().name.is_empty(), "{code}");
        }
        assert_eq!(ZoneId::of("uk"), ZoneId::of("gb"));
        assert_eq!(ZoneId::of("xx"), None);
        assert_eq!(ZoneId::of(""), None);
        assert!(ZoneId::all().count() >= 43);
    }

    #[test]
    fn no_code_stands_twice_and_each_finds_its_own_row() {
        for zone in ZoneId::all() {
            assert_eq!(ZoneId::of(zone.tones().code), Some(zone), "{}", zone.tones().code);
        }
        assert_eq!(ZoneId::default().tones().code, "us");
    }

    #[test]
    fn every_rhythm_is_a_rhythm_and_every_tone_a_tone() {
        for zone in ZoneId::all().map(ZoneId::tones) {
            for cadence in cadences(zone) {
                assert!(cadence.on_off_ms.len().is_multiple_of(2), "{}: {cadence:?}", zone.code);
                assert!(cadence.on_off_ms.iter().all(|ms| (100..=5000).contains(ms)), "{}: {cadence:?}", zone.code);
                assert!((350..=950).contains(&cadence.hz[0]), "{}: {cadence:?}", zone.code);
                assert!(!cadence.modulated || cadence.hz[1] > 0, "{}: {cadence:?}", zone.code);
            }
            let rhythmic = [zone.ringback, zone.busy, zone.congestion].concat();
            assert!(rhythmic.iter().all(|cadence| !cadence.on_off_ms.is_empty()), "{}", zone.code);
        }
    }

    /// The notation of the file of countries.
    fn written(cadence: &Cadence) -> String {
        let Cadence { hz, modulated, on_off_ms } = *cadence;
        Tone { hz, modulated, on_off_ms: on_off_ms.to_vec() }.to_string()
    }

    #[test]
    fn inst4_every_country_of_the_file_has_its_tones_in_the_table_and_no_other() {
        let countries = tipring_countries::built_in();
        let mut rows = ZONES.iter();
        for country in countries {
            let row = ZoneId::of(&country.code).unwrap_or_else(|| panic!("{} is not in the table", country.code));
            let Some(tones) = &country.tones else {
                assert_eq!(Some(row), country.tones_of.as_deref().and_then(ZoneId::of), "{}", country.code);
                continue;
            };
            let zone = row.tones();
            assert_eq!(rows.next(), Some(zone), "in the order of the file");
            let lists = [
                (&tones.dial, zone.dial),
                (&tones.ringback, zone.ringback),
                (&tones.busy, zone.busy),
                (&tones.congestion, zone.congestion),
            ];
            for (of_file, of_table) in lists {
                let of_file: Vec<String> = of_file.iter().map(Tone::to_string).collect();
                assert_eq!(of_file, of_table.iter().map(written).collect::<Vec<_>>(), "{}", zone.code);
            }
            assert_eq!((zone.ring_ms, zone.congestion_step_db), (&tones.ring_ms[..], tones.congestion_step_db));
            assert_eq!(zone.information.len(), tones.information.len());
        }
        assert_eq!(rows.next(), None);
    }

    #[test]
    fn a_zone_that_was_made_elsewhere_is_one_like_all_others() {
        let de = ZoneId::of("de").expect("in the table");
        let same: &'static Zone = Box::leak(Box::new(*de.tones()));
        assert_eq!(ZoneId::made(same), de);
        let other: &'static Zone = Box::leak(Box::new(Zone { busy: &[], ..*same }));
        assert_ne!(ZoneId::made(other), de, "whoever looks for a change sees this one");
        let first: &'static Zone = Box::leak(Box::new(Zone { code: "aa", ..*same }));
        assert!(ZoneId::made(first) < de && de < ZoneId::default());
        assert_eq!(format!("{de:?}"), "ZoneId(\"de\")");
    }

    /// A zone of a country's tones, made as a configuration makes it.
    fn made(tones: &Tones) -> ZoneId {
        let list = |tones: &[Tone]| -> &'static [Cadence] {
            let made = |tone: &Tone| Cadence {
                hz: tone.hz,
                modulated: tone.modulated,
                on_off_ms: tone.on_off_ms.clone().leak(),
            };
            tones.iter().map(made).collect::<Vec<_>>().leak()
        };
        ZoneId::made(Box::leak(Box::new(Zone {
            dial: list(&tones.dial),
            ringback: list(&tones.ringback),
            busy: list(&tones.busy),
            congestion: list(&tones.congestion),
            information: &[],
            ..*ZoneId::default().tones()
        })))
    }

    #[test]
    fn inst4_the_room_that_the_file_is_judged_by_is_the_room_that_the_listener_has() {
        // The listener's own complaint is a debug assertion: it must fall exactly where the room is said to end.
        if !cfg!(debug_assertions) {
            return;
        }
        let mut seed = 1_u32;
        let mut next = |below: u32| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 8) % below
        };
        let (mut full, mut over, mut wrong) = ([0; 3], 0, vec![]);
        for _ in 0..4_000 {
            let mut tone = |rhythm: bool| {
                // Few frequencies, so that many share them; some pairs beat.
                let first = 400 + 20 * next(6) as u16;
                let hz = match next(4) {
                    0 | 1 => ([first, 0], false),
                    2 => ([first, first + 20 * (1 + next(4) as u16)], false),
                    _ => ([first, 25 + 25 * next(2) as u16], true),
                };
                let on_off_ms = if rhythm { vec![500, 200 + 10 * next(50) as u16] } else { vec![] };
                Tone { hz: hz.0, modulated: hz.1, on_off_ms }
            };
            let mut list = |rhythm: bool, count: u32| (0..count).map(|_| tone(rhythm)).collect::<Vec<_>>();
            let mut tones = Tones {
                dial: [list(false, 1), list(true, 1)].concat(),
                ringback: list(true, 2),
                busy: list(true, 2),
                congestion: list(true, 2),
                ..Tones::default()
            };
            for list in [&mut tones.dial, &mut tones.busy, &mut tones.congestion, &mut tones.ringback] {
                list.truncate(1 + next(2) as usize);
            }
            let more = (0..next(4)).filter_map(|_| tones.busy.first().cloned()).collect::<Vec<_>>();
            tones.congestion.extend(more);
            let room = Room::of(&tones);
            let zone = made(&tones);
            let fits = panic::catch_unwind(|| Progress::new(zone)).is_ok();
            if fits != room.is_there() {
                wrong.push((room, tones));
            }
            over += u32::from(!fits);
            let bounds = [(room.atoms, MAX_ATOMS), (room.sounds, MAX_SOUNDS), (room.rhythms, MAX_RHYTHMS)];
            for (full, (used, most)) in full.iter_mut().zip(bounds) {
                *full += u32::from(fits && used == most);
            }
        }
        assert!(wrong.is_empty(), "{} of them, first {:?}", wrong.len(), wrong[0]);
        assert!(over > 200 && full.iter().all(|times| *times > 10), "{over} too many, {full:?} exactly full");
    }
}
