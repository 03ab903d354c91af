//! The countries that a box may stand in: the built-in ones and the user's own. Here their tones become zones that the
//! rooms of sound use, which want them for as long as the program runs.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use tipring_countries::{Book, Country, Information, Tone, Tones};
use tipring_dsp::{Cadence, Zone, ZoneId};

use super::fault::{ConfigError, Refusal};
use super::{near, sources};

/// Zones of users' own countries, and of lines with tones of their own, in one run of the program. They are kept for ever,
/// so there is a bound: each that was ever used counts once, however often it is read.
pub(super) const MAX_ZONES: usize = 256;

/// All countries that a box knows.
#[derive(Clone, Debug, Default)]
pub struct Countries {
    book: Arc<Book>,
    /// The user's file as it was read.
    text: Arc<str>,
    /// There is a file and it is refused: what it would have had is not known.
    broken: bool,
}

impl Countries {
    /// The built-in ones and those of a text that stands in `file`.
    pub fn read(file: &Path, text: &str) -> Result<Countries, Vec<ConfigError>> {
        match Book::with(text) {
            Ok(book) => Ok(Countries { book: Arc::new(book), text: text.into(), broken: false }),
            Err(faults) => {
                let at = |fault: &tipring_countries::Fault| (fault.line, fault.column, fault.text());
                let faults =
                    faults.iter().map(at).map(|(line, column, text)| ConfigError::at(file, line, column, text));
                Err(faults.collect())
            }
        }
    }

    /// The same of a file that stands alone, for whoever wants to know whether it is good.
    pub fn of_file(file: &Path) -> Result<Countries, Refusal> {
        let refusal = |complaints: Vec<ConfigError>, texts| Refusal { complaints, texts, ..Refusal::default() };
        let text = sources::text_of(file).map_err(|error| refusal(vec![error], Vec::new()))?;
        Countries::read(file, &text).map_err(|faults| refusal(faults, vec![(file.into(), text)]))
    }

    /// The built-in ones, in place of those of a file that is refused.
    pub(super) fn broken() -> Countries {
        Countries { broken: true, ..Countries::default() }
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &Country> {
        self.book.all()
    }

    /// Those of the user's file.
    pub fn own(&self) -> &[Country] {
        self.book.own()
    }

    /// The user's file as it was read; empty: there is none.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The country of a code, in either case.
    pub fn find(&self, code: &str) -> Option<&Country> {
        self.book.find(code)
    }

    /// A country's tones, and whose they are.
    pub fn tones<'a>(&'a self, country: &'a Country) -> Option<(&'a Country, &'a Tones)> {
        self.book.tones(country)
    }

    /// The zone of a country. `None`: there is no such country, or there were too many of the user's own in this run.
    pub fn zone(&self, code: &str) -> Option<ZoneId> {
        let country = self.find(code)?;
        let (owner, tones) = self.tones(country)?;
        let own = self.own().iter().any(|own| own.code == owner.code);
        if own { made(owner, tones) } else { ZoneId::of(&owner.code) }
    }

    /// What is wrong with a country that the box is to stand in. Empty: none is named, and nothing is wrong.
    pub(super) fn fault(&self, code: &str) -> Option<String> {
        if code.is_empty() || self.zone(code).is_some() || self.broken && self.find(code).is_none() {
            return None;
        }
        if self.find(code).is_some() {
            return Some(format!(
                "more than {MAX_ZONES} countries of one's own since the start; start the service anew"
            ));
        }
        Some(self.unknown(code))
    }

    /// That there is no such country, and what may have been meant.
    pub fn unknown(&self, code: &str) -> String {
        let told = format!("\"{}\" is not known", near::shown(code));
        // Two letters are near to every other two: they suggest nothing.
        let long = code.chars().count() > 2;
        let name = near::nearest(code, self.all().map(|country| country.name.as_str())).filter(|_| long);
        let by_name =
            self.all().find(|country| Some(country.name.as_str()) == name).map(|country| country.code.as_str());
        let near = by_name.or_else(|| near::nearest(code, self.all().flat_map(Country::codes)).filter(|_| long));
        let meant = near.map(|near| format!("did you mean \"{near}\"? ")).unwrap_or_default();
        format!("{told}; {meant}`tipring country list` shows all, and a file in `box.countries` may have your own")
    }
}

/// The zone of a user's own country, or of a country's line with tones of its own, made once. `None`: there are too many.
pub(super) fn made(country: &Country, tones: &Tones) -> Option<ZoneId> {
    static MADE: Mutex<BTreeMap<(String, String, Tones), ZoneId>> = Mutex::new(BTreeMap::new());
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    let key = (country.code.clone(), country.name.clone(), tones.clone());
    if let Some(zone) = made.get(&key) {
        return Some(*zone);
    }
    if made.len() >= MAX_ZONES {
        return None;
    }
    let zone = Zone {
        code: country.code.clone().leak(),
        name: country.name.clone().leak(),
        dial: cadences(&tones.dial),
        ringback: cadences(&tones.ringback),
        busy: cadences(&tones.busy),
        congestion: cadences(&tones.congestion),
        congestion_step_db: tones.congestion_step_db,
        information: tones.information.iter().map(information).collect::<Vec<_>>().leak(),
        ring_ms: tones.ring_ms.clone().leak(),
    };
    let zone = ZoneId::made(Box::leak(Box::new(zone)));
    made.insert(key, zone);
    Some(zone)
}

fn cadences(tones: &[Tone]) -> &'static [Cadence] {
    tones.iter().map(cadence).collect::<Vec<_>>().leak()
}

/// A tone for the rooms of sound, which keep it for as long as the program runs: there must be a bound to how many.
pub(crate) fn cadence(tone: &Tone) -> Cadence {
    Cadence { hz: tone.hz, modulated: tone.modulated, on_off_ms: tone.on_off_ms.clone().leak() }
}

fn information(information: &Information) -> tipring_dsp::Information {
    match information {
        Information::Rhythm(tone) => tipring_dsp::Information::Rhythm(cadence(tone)),
        &Information::Rising { hz, ms, gap_ms, pause_ms } => {
            tipring_dsp::Information::Rising { hz, ms, gap_ms, pause_ms }
        }
    }
}
