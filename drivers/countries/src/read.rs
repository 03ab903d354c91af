//! Reads a file of countries and judges all of it: keys, kinds, bounds, notation, what must be there, what contradicts
//! another entry, and whether the listener has room. One fault refuses the file; all are told, with place and remedy.

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
        for error in errors {
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

    fn name(&mut self, entry: &Entry<'_, '_>) -> String {
        let Some((span, name)) = self.text_of(entry, "name") else { return String::new() };
        let chars = name.chars().count();
        if chars == 0 || chars > NAME_CHARS || name.chars().any(char::is_control) {
            let what = format!("[{}] name: \"{}\" is no name", entry.code, shown(&name));
            self.fault(span.start, what, format!("write 1 to {NAME_CHARS} characters, such as \"Norway\""));
        }
        name
    }

    fn further_codes(&mut self, entry: &Entry<'_, '_>) -> Vec<String> {
        let codes = self.texts_of(entry, "also", 0..=FORMS);
        for (span, code) in &codes {
            self.code(code, self.inside(span, code, 0), "a code");
        }
        codes.into_iter().map(|(_, code)| code).collect()
    }

    fn fxo_mode(&mut self, entry: &Entry<'_, '_>) -> String {
        let Some((span, mode)) = self.text_of(entry, "fxo_mode") else { return String::new() };
        if !FXO_MODES.contains(&mode.as_str()) {
            let remedy = match nearest(&mode, FXO_MODES.iter().copied()) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => "where none fits take \"TBR21\" in Europe, else \"FCC\"".to_string(),
            };
            let what = format!("[{}] fxo_mode: \"{}\" is no mode of DAHDI's drivers", entry.code, shown(&mode));
            self.fault(self.inside(&span, &mode, 0), what, remedy);
        }
        mode
    }

    fn hang_up(&mut self, entry: &Entry<'_, '_>) -> Vec<HangUp> {
        let words: Vec<&str> = HangUp::ALL.iter().map(|one| one.word()).collect();
        let signs = self.words(entry, "hang_up", HangUp::of, &words);
        if let ([HangUp::Silence], Some(value)) = (signs.as_slice(), entry.values.get("hang_up")) {
            let what = format!("[{}] hang_up: silence alone ends calls of people who listen", entry.code);
            self.fault(value.span().start, what, "put a sign before it: [\"tone\", \"silence\"]");
        }
        signs
    }

    fn emergency(&mut self, entry: &Entry<'_, '_>) -> Vec<String> {
        let numbers = self.texts_of(entry, "emergency", 1..=MAX_EMERGENCY);
        for (span, number) in &numbers {
            let digits = number.bytes().all(|c| c.is_ascii_digit());
            if !digits || !EMERGENCY_DIGITS.contains(&number.len()) {
                let (least, most) = (EMERGENCY_DIGITS.start(), EMERGENCY_DIGITS.end());
                let what = format!("[{}] emergency: \"{}\" is no number that calls help", entry.code, shown(number));
                self.fault(
                    self.inside(span, number, 0),
                    what,
                    format!("write {least} to {most} digits, such as \"112\""),
                );
            }
        }
        numbers.into_iter().map(|(_, number)| number).collect()
    }

    fn tones(&mut self, entry: &Entry<'_, '_>) -> Tones {
        let tones = Tones {
            dial: self.tones_of(entry, "dial", 1, Tone::read),
            ringback: self.tones_of(entry, "ringback", 1, Tone::read),
            busy: self.tones_of(entry, "busy", 1, Tone::read),
            congestion: self.tones_of(entry, "congestion", 0, Tone::read),
            congestion_step_db: self.step_db(entry),
            information: self.tones_of(entry, "information", 0, Information::read),
            ring_ms: self.ring_ms(entry),
        };
        let lists = [("ringback", &tones.ringback), ("busy", &tones.busy), ("congestion", &tones.congestion)];
        for (name, list) in lists {
            if let Some(tone) = list.iter().find(|tone| tone.on_off_ms.is_empty()) {
                let at = entry.values.get(name).map_or(entry.at, |value| value.span().start);
                let what = format!("[{}] {name}: \"{tone}\" has no rhythm", entry.code);
                self.fault(at, what, format!("only dial tone is endless: write \"{tone} 500/500\""));
            }
        }
        tones
    }

    fn tones_of<T: PartialEq>(
        &mut self,
        entry: &Entry<'_, '_>,
        name: &str,
        least: usize,
        read: fn(&str) -> Result<T, Wrong>,
    ) -> Vec<T> {
        let mut tones = Vec::new();
        for (span, text) in self.texts_of(entry, name, least..=FORMS) {
            match read(&text) {
                Ok(tone) => tones.push(tone),
                Err(Wrong { at, what, remedy }) => {
                    let at = self.inside(&span, &text, at);
                    self.fault(at, format!("[{}] {name}: {what}", entry.code), remedy);
                }
            }
        }
        tones
    }

    fn step_db(&mut self, entry: &Entry<'_, '_>) -> i8 {
        let Some(value) = entry.values.get("congestion_step_db") else { return 0 };
        let at = value.span().start;
        match whole(value.get_ref()).filter(|step| STEP_DB.contains(step)) {
            None => {
                let what = format!("[{}] congestion_step_db: this is no step", entry.code);
                let remedy = format!("write a whole number from {} to {}", STEP_DB.start(), STEP_DB.end());
                self.fault(at, what, remedy);
            }
            Some(step) if step != 0 && !entry.values.contains_key("congestion") => {
                let what = format!("[{}] congestion_step_db: there is no congestion tone", entry.code);
                self.fault(at, what, "write `congestion`, or take this out");
            }
            Some(step) => return i8::try_from(step).unwrap_or(0),
        }
        0
    }

    fn ring_ms(&mut self, entry: &Entry<'_, '_>) -> Vec<u16> {
        let Some(value) = entry.values.get("ring_ms") else { return Vec::new() };
        let Some(array) = value.get_ref().as_array() else {
            self.kind(entry, "ring_ms", value);
            return Vec::new();
        };
        let mut times = Vec::new();
        for item in array.iter().take(crate::MAX_SPANS + 1) {
            let ms = whole(item.get_ref()).and_then(|ms| u16::try_from(ms).ok()).filter(|ms| SPAN_MS.contains(ms));
            match ms {
                Some(ms) => times.push(ms),
                None => {
                    let what = format!("[{}] ring_ms: this is no time of ringing or of silence", entry.code);
                    let remedy = format!("write whole numbers from {} to {}", SPAN_MS.start(), SPAN_MS.end());
                    self.fault(item.span().start, what, remedy);
                    return times;
                }
            }
        }
        if times.is_empty() || times.len() % 2 == 1 || times.len() > crate::MAX_SPANS {
            let what = format!("[{}] ring_ms: on and off come in pairs, one to five of them", entry.code);
            self.fault(value.span().start, what, "write `ring_ms = [1000, 4000]`");
        }
        times
    }

    fn room(&mut self, entry: &Entry<'_, '_>, tones: &Tones) {
        let room = Room::of(tones);
        if !room.is_there() {
            let what = format!(
                "[{}]: its tones need {} frequencies, {} sounds and {} rhythms; the listener has room for {MAX_ATOMS}, \
                 {MAX_SOUNDS} and {MAX_RHYTHMS}",
                entry.code, room.atoms, room.sounds, room.rhythms
            );
            let remedy = "take out the rarest forms (three frequencies are those of rising tones; a dial tone with a \
                          rhythm counts as two)";
            self.fault(entry.at, what, remedy);
        }
    }

    /// A word of few.
    fn word<T>(&mut self, entry: &Entry<'_, '_>, name: &str, of: fn(&str) -> Option<T>, all: &[&str]) -> Option<T> {
        let (span, word) = self.text_of(entry, name)?;
        let found = of(&word);
        if found.is_none() {
            self.unknown_word(entry, name, (span, &word), all);
        }
        found
    }

    /// A list of words of few.
    fn words<T>(&mut self, entry: &Entry<'_, '_>, name: &str, of: fn(&str) -> Option<T>, all: &[&str]) -> Vec<T> {
        let mut found = Vec::new();
        for (span, word) in self.texts_of(entry, name, 1..=FORMS) {
            match of(&word) {
                Some(one) => found.push(one),
                None => self.unknown_word(entry, name, (span, &word), all),
            }
        }
        found
    }

    fn unknown_word(&mut self, entry: &Entry<'_, '_>, name: &str, (span, word): Placed<&str>, all: &[&str]) {
        let at = self.inside(&span, word, 0);
        let remedy = match nearest(word, all.iter().copied()) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!("take one of {}", quoted(all.iter().copied())),
        };
        self.fault(at, format!("[{}] {name}: \"{}\" is not known", entry.code, shown(word)), remedy);
    }

    fn text_of(&mut self, entry: &Entry<'_, '_>, name: &str) -> Option<Placed<String>> {
        let value = entry.values.get(name)?;
        match value.get_ref().as_str() {
            Some(text) => Some((value.span(), text.to_string())),
            None => {
                self.kind(entry, name, value);
                None
            }
        }
    }

    /// Different texts, as many as may be.
    fn texts_of(&mut self, entry: &Entry<'_, '_>, name: &str, count: RangeInclusive<usize>) -> Vec<Placed<String>> {
        let Some(value) = entry.values.get(name) else { return Vec::new() };
        let Some(array) = value.get_ref().as_array() else {
            self.kind(entry, name, value);
            return Vec::new();
        };
        if !count.contains(&array.len()) {
            let (what, remedy) = if array.is_empty() {
                (format!("[{}] {name}: the list is empty", entry.code), format!("write `{name} = {}`", example(name)))
            } else {
                let what = format!("[{}] {name}: {} entries", entry.code, array.len());
                (what, format!("keep the {} most usual ones", count.end()))
            };
            self.fault(value.span().start, what, remedy);
            return Vec::new();
        }
        let mut texts: Vec<Placed<String>> = Vec::new();
        for item in array.iter() {
            match item.get_ref().as_str() {
                None => {
                    self.kind(entry, name, item);
                    return Vec::new();
                }
                Some(text) if texts.iter().any(|(_, other)| other == text) => {
                    let what = format!("[{}] {name}: \"{}\" stands twice", entry.code, shown(text));
                    self.fault(item.span().start, what, "take one out");
                }
                Some(text) => texts.push((item.span(), text.to_string())),
            }
        }
        texts
    }

    /// A value is of another kind than its key.
    fn kind(&mut self, entry: &Entry<'_, '_>, name: &str, value: &Spanned<DeValue<'_>>) {
        let kind = KEYS.iter().find(|key| key.0 == name).map_or(Kind::Text, |key| key.1);
        let wanted = match kind {
            Kind::Text => "a text in quotes",
            Kind::Texts => "a list of texts",
            Kind::Whole => "a whole number",
            Kind::Wholes => "a list of whole numbers",
        };
        let what = format!("[{}] {name}: {wanted} is wanted, and this is {}", entry.code, type_of(value.get_ref()));
        self.fault(value.span().start, what, format!("write `{name} = {}`", example(name)));
    }

    /// The place of an octet of a text; its beginning where the text is not written as it is.
    fn inside(&self, span: &Range<usize>, text: &str, at: usize) -> usize {
        let written = self.text.get(span.clone()).unwrap_or_default();
        let plain = ['"', '\'']
            .iter()
            .any(|quote| written.strip_prefix(*quote).and_then(|rest| rest.strip_suffix(*quote)) == Some(text));
        if plain { span.start + 1 + at } else { span.start }
    }
}

fn example(name: &str) -> &'static str {
    KEYS.iter().find(|key| key.0 == name).map_or("", |key| key.3)
}

fn whole(value: &DeValue<'_>) -> Option<i64> {
    let number = value.as_integer()?;
    i64::from_str_radix(number.as_str(), number.radix()).ok()
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
