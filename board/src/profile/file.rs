//! Reads a profile's file and judges all of it: sections, keys, kinds, bounds, and what one part says of another. One
//! fault refuses the file; all are told, with place and remedy.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::keys::{DMI, HEAD, SECTIONS, SECTIONS_MAX, Section};
use super::{MAX_FAULTS, MAX_OCTETS, Pattern, Profile, Recognised, Watchdog};
use crate::fault::{Fault, position};
use crate::near::{nearest, shown};

/// Complaints of the TOML parser that are looked at.
const MAX_ERRORS: usize = 1000;

pub(super) fn read(text: &str, file: &str) -> Result<Profile, Vec<Fault>> {
    let mut reader = Reader { text, file, faults: Vec::new(), broken: 0, places: BTreeSet::new(), unknown: 0 };
    let profile = reader.file();
    reader.faults.sort();
    match profile {
        Some(profile) if reader.broken == 0 => Ok(profile),
        _ => Err(reader.faults),
    }
}

/// A section, or one entry of a list of sections, as it stands in the text.
pub(super) struct Entry<'a, 'd> {
    pub section: &'static Section,
    /// Where it begins.
    pub at: usize,
    pub values: BTreeMap<&'static str, &'a Spanned<DeValue<'d>>>,
    /// It has no key that is not known, and all that it must have.
    pub is_whole: bool,
}

impl Entry<'_, '_> {
    /// Where a key's value stands; the entry's own beginning where it is not there.
    pub(super) fn place(&self, key: &str) -> usize {
        self.values.get(key).map_or(self.at, |value| value.span().start)
    }

    /// Where an item of a key's list stands.
    pub(super) fn place_in(&self, key: &str, index: usize) -> usize {
        let items = self.values.get(key).and_then(|value| value.get_ref().as_array());
        items.and_then(|items| items.get(index)).map_or_else(|| self.place(key), |item| item.span().start)
    }

    /// `port.kind`
    pub(super) fn name(&self, key: &str) -> String {
        if self.section.name.is_empty() { key.to_string() } else { format!("{}.{key}", self.section.name) }
    }
}

/// The entries of a list of sections, and what was read of each.
pub(super) struct Listed<'a, 'd, T> {
    pub entries: Vec<Entry<'a, 'd>>,
    pub read: Vec<T>,
    /// All of its keys were understood.
    pub is_sure: bool,
}

impl<'a, 'd, T> Listed<'a, 'd, T> {
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Entry<'a, 'd>, &T)> {
        self.entries.iter().zip(&self.read)
    }
}

pub(super) struct Reader<'t> {
    text: &'t str,
    file: &'t str,
    faults: Vec<Fault>,
    /// All faults, those too that are not told.
    pub(super) broken: usize,
    /// Where they are: what is wrong by itself is not judged beside other things.
    places: BTreeSet<usize>,
    /// Faults above all sections, and sections that are none.
    unknown: usize,
}

impl Reader<'_> {
    pub(super) fn fault(&mut self, at: usize, what: impl Into<String>, remedy: impl Into<String>) {
        self.broken += 1;
        self.places.insert(at);
        if self.faults.len() < MAX_FAULTS {
            let (line, column) = position(self.text, at);
            let file = self.file.to_string();
            self.faults.push(Fault { file, line, column, what: what.into(), remedy: remedy.into() });
        }
    }

    /// Whether something was said of this place already.
    pub(super) fn is_told(&self, at: usize) -> bool {
        self.places.contains(&at)
    }

    pub(super) fn position(&self, at: usize) -> (usize, usize) {
        position(self.text, at)
    }

    fn file(&mut self) -> Option<Profile> {
        if self.text.len() > MAX_OCTETS {
            let what = format!("{} octets are more than the {MAX_OCTETS} that are read", self.text.len());
            self.fault(0, what, "is this a profile? It says slots, ports, lamps and relays, and little else");
            return None;
        }
        let (document, errors) = DeTable::parse_recoverable(self.text);
        if !errors.is_empty() {
            self.not_toml(&errors);
            return None;
        }
        let table = document.get_ref();
        self.unknown_names(table);
        self.unknown = self.broken;
        let head = self.entry(&HEAD, 0, table);
        let slots = self.listed(table, "slot", Self::slot);
        let ports = self.listed(table, "port", Self::port);
        let leds = self.listed(table, "led", Self::led);
        let relays = self.listed(table, "relay", Self::relay);
        let recognised = self.once(table, "recognised");
        let watchdog = self.once(table, "watchdog");
        let serial = self.once(table, "serial");
        if self.unknown == 0 && !table.contains_key("recognised") {
            let remedy = "write [recognised] and below it what the box says of itself, such as `product_name = \"Desk*\"`; \
                          /sys/class/dmi/id has it";
            self.fault(0, "[recognised] is missing", remedy);
        }
        let profile = Profile {
            id: self.id(&head),
            name: self.line_of(&head, "name"),
            manufacturer: self.line_of(&head, "manufacturer"),
            about: self.about(&head),
            recognised: recognised.map(|entry| self.recognised(&entry)).unwrap_or_default(),
            watchdog: watchdog.map(|entry| Watchdog { ms: self.watchdog_ms(&entry) }),
            serial: serial.and_then(|entry| self.serial(&entry)),
            slots: Vec::new(),
            ports: Vec::new(),
            leds: Vec::new(),
            relays: Vec::new(),
        };
        self.together(&profile, &slots, &ports, &leds, &relays);
        Some(Profile { slots: slots.read, ports: ports.read, leds: leds.read, relays: relays.read, ..profile })
    }

    fn not_toml(&mut self, errors: &[toml::de::Error]) {
        // What follows on the same line is most often of the parser's own making.
        let mut last = 0;
        for error in errors.iter().take(MAX_ERRORS) {
            let span = error.span().unwrap_or_default();
            let line = position(self.text, span.start).0;
            if line == std::mem::replace(&mut last, line) {
                continue;
            }
            if error.message() == "duplicate key" {
                let word = self.text.get(span.clone()).unwrap_or_default();
                let remedy =
                    "take one out; what there are several of is written [[slot]], [[port]], [[led]], [[relay]]";
                self.fault(span.start, format!("`{}` stands twice", shown(word)), remedy);
                continue;
            }
            let remedy = "a line is `key = \"text\"`, `key = [\"text\", \"text\"]`, `key = 1`, `key = true`, [section] or \
                          [[section]]";
            self.fault(span.start, format!("not TOML: {}", error.message()), remedy);
        }
    }

    /// What stands above all sections and is neither key nor section.
    fn unknown_names(&mut self, table: &DeTable<'_>) {
        for (name, value) in table {
            let word = name.get_ref();
            if HEAD.key(word).is_some() || SECTIONS.iter().any(|section| section.name == word) {
                continue;
            }
            let at = name.span().start;
            let is_section = matches!(value.get_ref(), DeValue::Table(_))
                || value.get_ref().as_array().is_some_and(|items| {
                    items.iter().next().is_some_and(|item| matches!(item.get_ref(), DeValue::Table(_)))
                });
            if is_section {
                let known = nearest(word, SECTIONS.iter().map(|section| section.name));
                let near = SECTIONS.iter().find(|section| Some(section.name) == known);
                let all = SECTIONS.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                let remedy =
                    near.map_or_else(|| format!("its sections are {all}"), |near| format!("did you mean {near}?"));
                self.fault(at, format!("there is no section `{}`", shown(word)), remedy);
            } else {
                self.unknown_key(&HEAD, name);
            }
        }
    }

    fn unknown_key(&mut self, section: &'static Section, name: &Spanned<Cow<'_, str>>) {
        let word = name.get_ref().as_ref();
        let owners: Vec<String> =
            SECTIONS.iter().filter(|other| other.key(word).is_some()).map(ToString::to_string).collect();
        let remedy = match nearest(word, section.keys.iter().map(|key| key.name)) {
            Some(near) => format!("did you mean `{near}`?"),
            None if !owners.is_empty() => format!("it belongs to {}", owners.join(" or ")),
            None => {
                format!("its keys are {}", section.keys.iter().map(|key| key.name).collect::<Vec<_>>().join(", "))
            }
        };
        self.fault(name.span().start, format!("{section} has no key `{}`", shown(word)), remedy);
    }

    /// A section's keys. With a wrong key the right one is missing too: one complaint for one mistake.
    fn entry<'a, 'd>(&mut self, section: &'static Section, at: usize, table: &'a DeTable<'d>) -> Entry<'a, 'd> {
        // Above all sections what is not known has been told.
        let before = if section.name.is_empty() { 0 } else { self.broken };
        let mut entry = Entry { section, at, values: BTreeMap::new(), is_whole: true };
        for (name, value) in table {
            match section.key(name.get_ref()) {
                Some(key) => {
                    entry.values.insert(key.name, value);
                }
                None if section.name.is_empty() => {}
                None => self.unknown_key(section, name),
            }
        }
        if self.broken == before {
            for key in section.keys.iter().filter(|key| key.needed && !entry.values.contains_key(key.name)) {
                let what = match section.name {
                    "" => format!("`{}` is missing", key.name),
                    _ => format!("{section}: `{}` is missing", key.name),
                };
                self.fault(at, what, format!("write `{} = {}`", key.name, key.example));
            }
        }
        entry.is_whole = self.broken == before;
        entry
    }

    /// A section that stands once.
    fn once<'a, 'd>(&mut self, table: &'a DeTable<'d>, name: &str) -> Option<Entry<'a, 'd>> {
        let section = SECTIONS.iter().find(|section| section.name == name)?;
        let value = table.get(name)?;
        match value.get_ref() {
            DeValue::Table(inner) => Some(self.entry(section, value.span().start, inner)),
            _ => {
                let what = format!("{section} is a section and stands once");
                self.fault(value.span().start, what, format!("write {section}, and its keys below"));
                None
            }
        }
    }

    /// Sections that may stand several times.
    fn listed<'a, 'd, T>(
        &mut self,
        table: &'a DeTable<'d>,
        name: &str,
        read: impl Fn(&mut Self, &Entry<'a, 'd>) -> T,
    ) -> Listed<'a, 'd, T> {
        let mut listed = Listed { entries: Vec::new(), read: Vec::new(), is_sure: self.unknown == 0 };
        let Some(section) = SECTIONS.iter().find(|section| section.name == name) else { return listed };
        let Some(value) = table.get(name) else { return listed };
        let Some(items) = value.get_ref().as_array() else {
            let what = format!("there may be several of `{name}`");
            self.fault(value.span().start, what, format!("write {section}, and its keys below, once for each"));
            listed.is_sure = false;
            return listed;
        };
        if let Some(item) = items.get(SECTIONS_MAX) {
            let what = format!("more than {SECTIONS_MAX} times {section}");
            self.fault(item.span().start, what, "no box has so many: take some out");
        }
        for item in items.iter().take(SECTIONS_MAX) {
            let DeValue::Table(inner) = item.get_ref() else {
                let what = format!("an entry of {section} is a section");
                self.fault(item.span().start, what, format!("write {section}, and its keys below"));
                continue;
            };
            let entry = self.entry(section, item.span().start, inner);
            listed.is_sure &= entry.is_whole;
            listed.read.push(read(self, &entry));
            listed.entries.push(entry);
        }
        listed
    }

    fn recognised(&mut self, entry: &Entry<'_, '_>) -> Recognised {
        let anything = self.flag(entry, "anything");
        let mut dmi = Vec::new();
        for field in DMI {
            dmi.extend(self.pattern(entry, field).map(|pattern| ((*field).to_string(), pattern)));
        }
        let recognised = Recognised {
            dmi,
            model: self.pattern(entry, "model"),
            compatible: self.texts(entry, "compatible", 8).into_iter().map(Pattern::of).collect(),
            anything,
        };
        for (index, pattern) in recognised.compatible.iter().enumerate() {
            self.vague(entry, "compatible", entry.place_in("compatible", index), pattern);
        }
        let more = entry.values.keys().find(|key| **key != "anything");
        match more {
            Some(more) if anything => {
                let what = format!("[recognised]: a box that is anything is not known by `{more}`");
                self.fault(entry.place(more), what, "take one of both out");
            }
            None if !anything && entry.is_whole => {
                let remedy = "write what the box says of itself, such as `product_name = \"Desk*\"`; /sys/class/dmi/id \
                              has it";
                self.fault(entry.at, "[recognised] says nothing by which the box is known", remedy);
            }
            _ => {}
        }
        recognised
    }
}
