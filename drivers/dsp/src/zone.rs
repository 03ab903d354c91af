//! The tones of the world's telephone networks: what dial tone, ringback, busy and congestion sound like, country by
//! country. A table and its reading; who generates and who listens stands elsewhere.
//!
//! Source: ITU-T E.180 supplement 2 and the zone table of DAHDI's tools, compared.

mod table;

use table::ZONES;

/// A country's place in the table. Cheap to copy, so that it may travel in commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ZoneId(u8);

/// A sound and its rhythm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cadence {
    /// One or two frequencies that sound together; 0 = none.
    pub hz: [u16; 2],
    /// The second frequency modulates the first instead of being added.
    pub modulated: bool,
    /// On and off in turn, in milliseconds; empty: without end.
    pub on_off_ms: &'static [u16],
}

/// The tones of one country.
#[derive(Clone, Copy, Debug, PartialEq)]
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
#[derive(Clone, Copy, Debug, PartialEq)]
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
    /// The zone of a country's code, in either case; `us-old`, `uk` and `ca` too. `None`: not in the table.
    pub fn of(code: &str) -> Option<ZoneId> {
        let code = ALIASES.iter().find(|(alias, _)| alias.eq_ignore_ascii_case(code)).map_or(code, |(_, code)| code);
        let at = ZONES.iter().position(|zone| zone.code.eq_ignore_ascii_case(code))?;
        u8::try_from(at).ok().map(ZoneId)
    }

    /// Its tones.
    pub fn tones(self) -> &'static Zone {
        ZONES.get(usize::from(self.0)).unwrap_or(&ZONES[0])
    }

    /// All of them.
    pub fn all() -> impl Iterator<Item = ZoneId> {
        (0..ZONES.len()).filter_map(|at| u8::try_from(at).ok()).map(ZoneId)
    }
}

impl Default for ZoneId {
    /// The United States, the first of the table.
    fn default() -> Self {
        ZoneId(0)
    }
}

/// Codes that stand for another row.
const ALIASES: [(&str, &str); 2] = [("uk", "gb"), ("ca", "us")];

/// The level at which networks send these tones, while they sound (E.180: -10 dBm0, 5 dB up and down).
pub const LEVEL_DBM0: f32 = -10.0;

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

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
}
