//! Reads a file of countries and judges all of it: keys, kinds, bounds, notation, what must be there, what contradicts
//! another entry, and whether the listener has room. One fault refuses the file; all are told, with place and remedy.

mod fields;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::{Range, RangeInclusive};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::fault::{Fault, position};
use crate::near::{nearest, quoted, shown};
use crate::room::{MAX_ATOMS, MAX_RHYTHMS, MAX_SOUNDS, Room};
use crate::tone::Wrong;
use crate::words::{CallerId, FXO_MODES, Framing, HangUp, Law};
use crate::{Country, Information, SPAN_MS, Tone, Tones};

/// Octets of a file.
pub const MAX_OCTETS: usize = 256 * 1024;
/// Entries of a file.
pub const MAX_COUNTRIES: usize = 300;
/// Complaints about a file; the rest is not told.
pub const MAX_FAULTS: usize = 100;
/// Complaints of the TOML parser that are looked at.
const MAX_ERRORS: usize = 1000;
/// Characters of a code.
pub const CODE_CHARS: RangeInclusive<usize> = 2..=8;
/// Digits of a number that calls help: calls to it always pass, so it must not hide a whole number.
pub const EMERGENCY_DIGITS: RangeInclusive<usize> = 2..=6;
/// Forms of one tone, further codes, forms of caller id, signs.
pub const FORMS: usize = 8;
/// Numbers that call help.
const MAX_EMERGENCY: usize = 16;
/// Characters of a name.
const NAME_CHARS: usize = 60;
/// Every second burst of congestion is stronger, or weaker, by so much.
pub const STEP_DB: RangeInclusive<i64> = -20..=20;

/// The countries of a file that stands alone.
pub fn read(text: &str) -> Result<Vec<Country>, Vec<Fault>> {
    read_beside(text, &[])
}

/// The countries of a file whose stand-ins may also be among those that are known already.
pub fn read_beside(text: &str, known: &[Country]) -> Result<Vec<Country>, Vec<Fault>> {
    let mut reader = Reader { text, known, faults: Vec::new(), broken: 0 };
    let countries = reader.file();
    reader.faults.sort();
    if reader.faults.is_empty() { Ok(countries) } else { Err(reader.faults) }
}

/// What a key holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Texts,
    Whole,
    Wholes,
}

/// Whether an entry must have a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    Always,
    /// If it has tones of its own, and only then.
    WithTones,
    /// It may, if it has tones of its own.
    MayWithTones,
    May,
}

/// Name, kind, need and an example.
type Key = (&'static str, Kind, Need, &'static str);

#[rustfmt::skip]
const KEYS: &[Key] = &[
    ("name", Kind::Text, Need::Always, "\"Norway\""),
    ("also", Kind::Texts, Need::May, "[\"uk\"]"),
    ("tones_of", Kind::Text, Need::May, "\"us\""),
    ("dial", Kind::Texts, Need::WithTones, "[\"425\"]"),
    ("ringback", Kind::Texts, Need::WithTones, "[\"425 1000/4000\"]"),
    ("busy", Kind::Texts, Need::WithTones, "[\"425 500/500\"]"),
    ("congestion", Kind::Texts, Need::MayWithTones, "[\"425 200/200\"]"),
    ("congestion_step_db", Kind::Whole, Need::MayWithTones, "-10"),
    ("information", Kind::Texts, Need::MayWithTones, "[\"950>1400>1800 330\"]"),
    ("ring_ms", Kind::Wholes, Need::WithTones, "[1000, 4000]"),
    ("caller_id", Kind::Texts, Need::Always, "[\"v23-after-ring\"]"),
    ("fxo_mode", Kind::Text, Need::Always, "\"TBR21\""),
    ("law", Kind::Text, Need::Always, "\"a\""),
    ("hang_up", Kind::Texts, Need::Always, "[\"tone\", \"battery\"]"),
    ("emergency", Kind::Texts, Need::Always, "[\"112\"]"),
    ("framing", Kind::Text, Need::Always, "\"e1\""),
];

/// A value and its place in the text.
type Placed<T> = (Range<usize>, T);

/// An entry on its way to a country.
struct Entry<'a, 'd> {
    code: &'a str,
    /// Where its code stands.
    at: usize,
    values: BTreeMap<&'static str, &'a Spanned<DeValue<'d>>>,
}

struct Reader<'t> {
    text: &'t str,
    known: &'t [Country],
    faults: Vec<Fault>,
    /// All faults, those too that are not told.
    broken: usize,
}

impl Reader<'_> {
    fn fault(&mut self, at: usize, what: impl Into<String>, remedy: impl Into<String>) {
        self.broken += 1;
        if self.faults.len() < MAX_FAULTS {
            let (line, column) = position(self.text, at);
            self.faults.push(Fault { line, column, what: what.into(), remedy: remedy.into() });
        }
    }

    fn file(&mut self) -> Vec<Country> {
        if self.text.len() > MAX_OCTETS {
            let what = format!("{} octets are more than the {MAX_OCTETS} that are read", self.text.len());
            self.fault(0, what, "is this a file of countries? Keep in it what differs from the built-in ones");
            return Vec::new();
        }
        let (document, errors) = DeTable::parse_recoverable(self.text);
        if !errors.is_empty() {
            self.not_toml(&errors);
            return Vec::new();
        }
        let mut entries: Vec<_> = document.get_ref().iter().collect();
        entries.sort_by_key(|(code, _)| code.span().start);
        if entries.is_empty() {
            self.fault(0, "there is no country in this file", "write an entry: [xx], and its keys below");
        }
        if let Some((code, _)) = entries.get(MAX_COUNTRIES) {
            let what = format!("more than {MAX_COUNTRIES} countries");
            self.fault(code.span().start, what, "keep in the file what differs from the built-in ones");
        }
        let mut read = Vec::new();
        for (code, value) in entries.into_iter().take(MAX_COUNTRIES) {
            let at = code.span().start;
            match value.get_ref() {
                DeValue::Table(table) => read.extend(self.country(code.get_ref(), at, table)),
                value => {
                    let what = format!("`{}` is {} and no country", shown(code.get_ref()), type_of(value));
                    self.fault(at, what, "a country is written [xx], with its keys below");
                }
            }
        }
        self.together(&read);
        read.into_iter().map(|(_, country)| country).collect()
    }

    fn not_toml(&mut self, errors: &[toml::de::Error]) {
        // What follows on the same line is most often of the parser's own making.
        let mut last = 0;
        // Of an entry that stands twice every key does too.
        let mut twice = 0..0;
        for error in errors.iter().take(MAX_ERRORS) {
            let at = error.span().unwrap_or_default().start;
            let line = position(self.text, at).0;
            if line == std::mem::replace(&mut last, line) || twice.contains(&at) {
                continue;
            }
            if error.message() != "duplicate key" {
                let remedy = "a line is `key = \"text\"`, `key = [\"text\", \"text\"]` or `[xx]`";
                self.fault(at, format!("not TOML: {}", error.message()), remedy);
                continue;
            }
            let written = self.text.lines().nth(line - 1).unwrap_or_default().trim();
            if written.starts_with('[') {
                let rest = self.text.get(at..).unwrap_or_default();
                twice = at..rest.find("\n[").map_or(self.text.len(), |next| at + next);
                let first = self.text.lines().position(|line| line.trim() == written).map_or(line, |first| first + 1);
                let what = format!("{} stands twice", shown(written));
                self.fault(at, what, format!("the first is in line {first}: put both together, or take one out"));
            } else {
                let word = self.text.get(error.span().unwrap_or_default()).unwrap_or_default();
                self.fault(at, format!("`{}` stands twice", shown(word)), "take one out");
            }
        }
    }

    /// What only all entries together tell.
    fn together(&mut self, read: &[(usize, Country)]) {
        let known = self.known;
        let mut codes: BTreeMap<&str, &str> = BTreeMap::new();
        for (at, country) in read {
            for code in country.codes() {
                if let Some(owner) = codes.insert(code, &country.code) {
                    let what = format!("[{}]: `{code}` is a code of [{owner}] already", country.code);
                    self.fault(*at, what, "a code means one country: take another one");
                }
                let owner = known.iter().find(|one| one.is(code) && one.code != country.code);
                if let Some(owner) = owner {
                    let what = format!("[{}]: `{code}` means the built-in [{}]", country.code, owner.code);
                    self.fault(*at, what, format!("write [{}] to replace it, or take another code", owner.code));
                }
            }
        }
        let own = || read.iter().map(|(_, country)| country);
        for (at, country) in read {
            let Some(named) = &country.tones_of else { continue };
            // An entry of this file stands in the place of a built-in one.
            let stand_in = own().find(|one| one.is(named)).or_else(|| known.iter().find(|one| one.is(named)));
            match stand_in {
                Some(one) if one.tones.is_some() => {}
                Some(one) => {
                    let what = format!("[{}] tones_of: [{}] has no tones of its own", country.code, one.code);
                    let next = one.tones_of.as_deref().filter(|next| *next != country.code);
                    let remedy = next.map_or_else(
                        || "give one of both its tones".to_string(),
                        |next| format!("name whose tones it uses: \"{next}\""),
                    );
                    self.fault(*at, what, remedy);
                }
                None => {
                    let all = || own().chain(known).filter(|one| one.tones.is_some());
                    let near = nearest(named, all().flat_map(Country::codes));
                    let remedy = match near {
                        Some(near) => format!("did you mean \"{near}\"?"),
                        None => "`tipring country list` shows all; or give the country tones of its own".to_string(),
                    };
                    let what = format!("[{}] tones_of: there is no country \"{}\"", country.code, shown(named));
                    self.fault(*at, what, remedy);
                }
            }
        }
    }

    /// A country and the place that a complaint about all of it names, if nothing is wrong with it.
    fn country(&mut self, code: &str, at: usize, table: &DeTable<'_>) -> Option<(usize, Country)> {
        let before = self.broken;
        self.code(code, at, "a code");
        let mut entry = Entry { code, at, values: BTreeMap::new() };
        for (name, value) in table {
            match KEYS.iter().find(|key| key.0 == name.get_ref()) {
                Some(key) => {
                    entry.values.insert(key.0, value);
                }
                None => self.unknown_key(code, name),
            }
        }
        // With a wrong key the right one is missing too: one complaint for one mistake.
        if self.broken == before {
            self.needs(&entry);
        }
        let country = Country {
            code: code.to_string(),
            name: self.name(&entry),
            also: self.further_codes(&entry),
            tones_of: self.text_of(&entry, "tones_of").map(|(_, named)| named),
            tones: (!entry.values.contains_key("tones_of")).then(|| self.tones(&entry)),
            caller_id: self.words(
                &entry,
                "caller_id",
                CallerId::of,
                &CallerId::ALL.iter().map(|one| one.word()).collect::<Vec<_>>(),
            ),
            fxo_mode: self.fxo_mode(&entry),
            law: self.word(&entry, "law", Law::of, &["a", "mu"]).unwrap_or(Law::A),
            hang_up: self.hang_up(&entry),
            emergency: self.emergency(&entry),
            framing: self.word(&entry, "framing", Framing::of, &["e1", "t1"]).unwrap_or(Framing::E1),
        };
        if self.broken == before
            && let Some(tones) = &country.tones
        {
            self.room(&entry, tones);
        }
        let named = entry.values.get("tones_of").or(entry.values.get("also"));
        let place = named.map_or(at, |value| value.span().start);
        (self.broken == before).then_some((place, country))
    }

    fn code(&mut self, code: &str, at: usize, what: &str) {
        let plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
        let good =
            CODE_CHARS.contains(&code.len()) && code.bytes().all(plain) && code.as_bytes()[0].is_ascii_lowercase();
        if !good {
            let lower = code.to_ascii_lowercase();
            let remedy = if CODE_CHARS.contains(&lower.len()) && lower != code && lower.bytes().all(plain) {
                format!("write \"{lower}\"")
            } else {
                "take two letters of ISO 3166 in lower case, or up to eight letters, digits and hyphens".to_string()
            };
            self.fault(at, format!("\"{}\" is not {what}", shown(code)), remedy);
        }
    }

    fn unknown_key(&mut self, code: &str, name: &Spanned<Cow<'_, str>>) {
        let names = || KEYS.iter().map(|key| key.0);
        let remedy = match nearest(name.get_ref(), names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("its keys are {}", names().collect::<Vec<_>>().join(", ")),
        };
        let what = format!("[{}] has no key `{}`", shown(code), shown(name.get_ref()));
        self.fault(name.span().start, what, remedy);
    }

    /// Keys that are missing, and those that contradict a stand-in.
    fn needs(&mut self, entry: &Entry<'_, '_>) {
        let stands_in = entry.values.contains_key("tones_of");
        for (name, _, need, example) in KEYS {
            match (need, entry.values.get(name)) {
                (Need::Always, None) => self.missing(entry, name, &format!("write `{name} = {example}`")),
                (Need::WithTones, None) if !stands_in => {
                    let remedy = format!("write `{name} = {example}`, or `tones_of = \"us\"` in place of all tones");
                    self.missing(entry, name, &remedy);
                }
                (Need::WithTones | Need::MayWithTones, Some(value)) if stands_in => {
                    let what = format!("[{}] {name}: `tones_of` names another country's tones", entry.code);
                    self.fault(value.span().start, what, "take out one of both");
                }
                _ => {}
            }
        }
    }

    fn missing(&mut self, entry: &Entry<'_, '_>, name: &str, remedy: &str) {
        self.fault(entry.at, format!("[{}]: `{name}` is missing", entry.code), remedy);
    }
}

fn type_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a section",
    }
}
