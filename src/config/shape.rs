//! The shape of a configuration: which keys there are, what each holds, where it stands. Every source is judged by the
//! table of keys and merged into one tree of values with their places. What values mean is not judged here.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::fault::{COMPLAINTS, ConfigError, Origin};
use super::keys::{self, Key, Kind, Section};
use super::near;

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Leaf {
    /// Of the key's kind.
    pub value: toml::Value,
    /// The value's place.
    pub origin: Origin,
    /// The places of a list's items.
    pub items: Vec<Origin>,
    /// A text that is written as it is, between quotes: each of its characters has a place of its own.
    pub as_it_is: bool,
}

impl Leaf {
    /// The place of a character of a text, from 1; the value's own where that is not known.
    pub fn inside(&self, character: usize) -> Origin {
        match &self.origin {
            Origin::File { file, line, column } if self.as_it_is => {
                Origin::File { file: file.clone(), line: *line, column: column.saturating_add(character) }
            }
            other => other.clone(),
        }
    }
}

/// One `[[entry]]` of a list.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Where it begins.
    pub origin: Origin,
    /// Its values by key.
    pub leaves: BTreeMap<&'static str, Leaf>,
    /// Something of it was complained about: its meaning is not judged.
    pub broken: bool,
}

impl Entry {
    /// The place of a key; the entry's own where it is not there.
    pub fn place(&self, name: &str) -> Origin {
        self.leaves.get(name).map_or_else(|| self.origin.clone(), |leaf| leaf.origin.clone())
    }
}

/// What all sources say together: later ones win, entries of lists are put one after another, those of one thing in one.
#[derive(Clone, Debug, Default)]
pub(super) struct Tree {
    /// By `section.key`.
    pub leaves: BTreeMap<String, Leaf>,
    /// By section.
    pub entries: BTreeMap<&'static str, Vec<Entry>>,
}

impl Tree {
    /// The place of a key; built-in where nobody says it.
    pub fn place(&self, path: &str) -> Origin {
        self.leaves.get(path).map(|leaf| leaf.origin.clone()).unwrap_or_default()
    }

    /// One more entry of a list, or more of one that is there.
    fn put(&mut self, section: &'static Section, entry: Entry) {
        let entries = self.entries.entry(section.name).or_default();
        let name = section.together_by.filter(|_| !entry.broken);
        let same = name.and_then(|name| {
            let value = |entry: &Entry| entry.leaves.get(name).map(|leaf| leaf.value.clone());
            entries.iter_mut().find(|known| !known.broken && value(known) == value(&entry))
        });
        match same {
            Some(known) => known.leaves.extend(entry.leaves.into_iter().filter(|(key, _)| Some(*key) != name)),
            None => entries.push(entry),
        }
    }

    /// The entries of a list whose meaning can be judged.
    pub fn sound(&self, section: &str) -> impl Iterator<Item = &Entry> {
        self.entries.get(section).into_iter().flatten().filter(|entry| !entry.broken)
    }

    /// As one table.
    pub fn table(&self) -> toml::Table {
        let mut all = toml::Table::new();
        for (path, leaf) in &self.leaves {
            let (section, name) = path.split_once('.').unwrap_or(("", path));
            let table = if section.is_empty() {
                &mut all
            } else {
                let section = all.entry(section).or_insert_with(|| toml::Value::Table(toml::Table::new()));
                section.as_table_mut().expect("sections are tables")
            };
            table.insert(name.into(), leaf.value.clone());
        }
        for section in self.entries.keys() {
            let entries = self.sound(section).map(|entry| {
                let leaves = entry.leaves.iter().map(|(name, leaf)| ((*name).to_string(), leaf.value.clone()));
                toml::Value::Table(leaves.collect())
            });
            all.insert((*section).into(), toml::Value::Array(entries.collect()));
        }
        all
    }
}

/// A file's text, with the beginnings of its lines.
pub(super) struct Text<'a> {
    file: Arc<Path>,
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Text<'a> {
    pub fn new(file: Arc<Path>, text: &'a str) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Text { file, text, starts }
    }

    /// The place of an offset.
    pub fn place(&self, offset: usize) -> Origin {
        let offset = (0..=offset.min(self.text.len())).rev().find(|at| self.text.is_char_boundary(*at)).unwrap_or(0);
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = self.starts[line.saturating_sub(1)];
        let column = self.text[start..offset].chars().count() + 1;
        Origin::File { file: self.file.clone(), line, column }
    }
}

/// Judges one source after another.
#[derive(Default)]
pub(super) struct Shape {
    /// What was good.
    pub tree: Tree,
    /// What was not.
    pub faults: Vec<ConfigError>,
}

impl Shape {
    fn fault(&mut self, origin: Origin, text: String) {
        self.faults.push(ConfigError::new(origin, text));
    }

    /// A file. Returns whether it is TOML at all.
    pub fn file(&mut self, file: Arc<Path>, text: &str) -> bool {
        let text = Text::new(file, text);
        let odd = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
        if let Some((at, odd)) = text.text.char_indices().find(|(_, c)| odd(*c)) {
            let why = format!("the character U+{:04X} has no place in a text; is this a TOML file?", u32::from(odd));
            self.fault(text.place(at), why);
            return false;
        }
        let (document, errors) = DeTable::parse_recoverable(text.text);
        let mut told = std::collections::BTreeSet::new();
        for error in &errors {
            let span = error.span().unwrap_or_default();
            let origin = text.place(span.start);
            let line = origin.line().map_or(0, |(_, line)| line);
            // What follows on the same line is most often of the parser's own making.
            if told.insert(line) && told.len() <= COMPLAINTS {
                let words = text.text.get(span).unwrap_or_default();
                let written = text.text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
                self.fault(origin, near::not_toml(error.message(), words, written));
            }
        }
        let whole = errors.is_empty();
        if whole {
            self.document(&text, document.get_ref());
        } else {
            // Only to find the box's directories: what a parser guesses is not complained about.
            let mut guess = Shape::default();
            guess.document(&text, document.get_ref());
            self.tree.leaves.extend(guess.tree.leaves.into_iter().filter(|(path, _)| path.ends_with("_dir")));
        }
        whole
    }

    fn document(&mut self, text: &Text<'_>, document: &DeTable<'_>) {
        for (name, value) in document {
            let place = text.place(name.span().start);
            match (keys::section(name.get_ref()), value.get_ref()) {
                (Some(section), DeValue::Table(table)) if !section.list => {
                    for (name, value) in table {
                        if let Some((key, leaf)) = self.pair(text, section.name, name, value) {
                            self.tree.leaves.insert(key.path(), leaf);
                        }
                    }
                }
                (Some(section), DeValue::Array(entries))
                    if section.list && entries.iter().all(|entry| entry.get_ref().is_table()) =>
                {
                    for entry in entries.iter() {
                        let entry = self.entry(text, section, entry);
                        self.tree.put(section, entry);
                    }
                }
                (Some(section), value) => {
                    let kind = if value.is_table() { "a section" } else { type_of(value) };
                    let many = if section.list { ", once for each" } else { "" };
                    let why = format!("`{}` is written {}{many}; this is {kind}", section.name, section.written());
                    self.fault(place, why);
                }
                (None, DeValue::Table(_)) => self.fault(place, near::unknown_section(name.get_ref(), false)),
                (None, DeValue::Array(items)) if items.iter().any(|item| item.get_ref().is_table()) => {
                    self.fault(place, near::unknown_section(name.get_ref(), true));
                }
                (None, _) => {
                    if let Some((key, leaf)) = self.pair(text, "", name, value) {
                        self.tree.leaves.insert(key.path(), leaf);
                    }
                }
            }
        }
    }

    fn entry(&mut self, text: &Text<'_>, section: &'static Section, entry: &Spanned<DeValue<'_>>) -> Entry {
        let origin = text.place(entry.span().start);
        let mut made = Entry { origin, leaves: BTreeMap::new(), broken: false };
        let DeValue::Table(table) = entry.get_ref() else {
            return made;
        };
        for (name, value) in table {
            match self.pair(text, section.name, name, value) {
                Some((key, leaf)) => {
                    made.leaves.insert(key.name, leaf);
                }
                None => made.broken = true,
            }
        }
        // With a wrong key the right one is missing too: one complaint for one mistake.
        if !made.broken {
            for key in keys::of(section.name).filter(|key| key.must && !made.leaves.contains_key(key.name)) {
                made.broken = true;
                let why = format!("{}: `{} = {}` is missing", section.written(), key.name, key.example);
                self.fault(made.origin.clone(), why);
            }
        }
        made
    }

    /// A key with its value, if both are good.
    fn pair(
        &mut self,
        text: &Text<'_>,
        section: &'static str,
        name: &Spanned<std::borrow::Cow<'_, str>>,
        value: &Spanned<DeValue<'_>>,
    ) -> Option<(&'static Key, Leaf)> {
        let Some(key) = keys::find(section, name.get_ref()) else {
            self.fault(text.place(name.span().start), near::unknown_key(section, name.get_ref()));
            return None;
        };
        let origin = text.place(value.span().start);
        let mut items = Vec::new();
        if let DeValue::Array(array) = value.get_ref() {
            items = array.iter().map(|item| text.place(item.span().start)).collect();
        }
        let written = text.text.get(value.span()).unwrap_or_default();
        let within = |quote: char| written.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
        let as_it_is = value
            .get_ref()
            .as_str()
            .is_some_and(|said| ['"', '\''].into_iter().any(|quote| within(quote) == Some(said)));
        match of_kind(key, value.get_ref()) {
            Ok(value) => Some((key, Leaf { value, origin, items, as_it_is })),
            Err((item, why)) => {
                let origin = item.and_then(|item| items.get(item).cloned()).unwrap_or(origin);
                self.fault(origin, format!("{}: {why}", key.path()));
                None
            }
        }
    }

    /// An environment variable. Those that name no section are somebody else's: false.
    pub fn variable(&mut self, name: &str, value: &str) -> bool {
        let rest = name.strip_prefix("TIPRING_").unwrap_or_default();
        let section = keys::SECTIONS.iter().find(|section| {
            let upper = section.name.to_uppercase();
            rest.strip_prefix(&upper).is_some_and(|after| after.starts_with('_'))
        });
        let Some(section) = section else {
            return false;
        };
        let origin = Origin::Variable(name.into());
        let known = keys::KEYS.iter().find(|key| key.variable().as_deref() == Some(name));
        match known {
            Some(key) => self.words(key, value, origin),
            None => self.fault(origin, near::unknown_variable(section, name)),
        }
        true
    }

    /// A flag that sets a key.
    pub fn flag(&mut self, path: &str, value: &str) {
        let origin = Origin::Flag(format!("--set {path}"));
        match keys::find_path(path) {
            Some(key) if key.section.is_empty() || key.variable().is_some() => self.words(key, value, origin),
            Some(key) => self.fault(origin, format!("[[{}]] can only be written in a file", key.section)),
            None => {
                let (section, name) = path.split_once('.').unwrap_or(("", path));
                let why = match keys::section(section) {
                    Some(section) => near::unknown_key(section.name, name),
                    None if section.is_empty() => near::unknown_key("", name),
                    None => near::unknown_section(section, false),
                };
                self.fault(origin, why);
            }
        }
    }

    /// A value that comes as a bare text.
    fn words(&mut self, key: &'static Key, value: &str, origin: Origin) {
        let parts = || value.split(',').map(str::trim).filter(|part| !part.is_empty());
        let texts = || toml::Value::Array(parts().map(|part| toml::Value::String(part.into())).collect());
        let whole = |text: &str| text.trim().parse::<i64>().map(toml::Value::Integer);
        let read = match key.kind {
            Kind::Text | Kind::Word(_) => Some(toml::Value::String(value.into())),
            Kind::Truth => value.trim().parse::<bool>().ok().map(toml::Value::Boolean),
            Kind::Whole(..) => whole(value).ok(),
            Kind::Texts | Kind::Words(_) => Some(texts()),
            Kind::Wholes(..) => parts().map(whole).collect::<Result<Vec<_>, _>>().ok().map(toml::Value::Array),
        };
        let Some(read) = read else {
            self.fault(origin, format!("{}: {value:?} is not {}", key.path(), key.kind.wanted()));
            return;
        };
        match within(key, &read) {
            Ok(()) => {
                let items = read.as_array().map_or(0, Vec::len);
                let leaf = Leaf { value: read, items: vec![origin.clone(); items], origin, as_it_is: false };
                self.tree.leaves.insert(key.path(), leaf);
            }
            Err((_, why)) => self.fault(origin, format!("{}: {why}", key.path())),
        }
    }
}

/// What is wrong, and with which item of a list.
type Wrong = (Option<usize>, String);

/// A value of the file as a value of the key's kind.
fn of_kind(key: &Key, value: &DeValue<'_>) -> Result<toml::Value, Wrong> {
    let whole = |value: &DeValue<'_>| {
        let digits = value.as_integer()?;
        i64::from_str_radix(digits.as_str(), digits.radix()).ok().map(toml::Value::Integer)
    };
    let text = |value: &DeValue<'_>| value.as_str().map(|text| toml::Value::String(text.into()));
    let list = |array: &DeArray<'_>, item: &dyn Fn(&DeValue<'_>) -> Option<toml::Value>| {
        let made = array.iter().enumerate().map(|(at, value)| item(value.get_ref()).ok_or((at, value)));
        made.collect::<Result<Vec<_>, _>>().map(toml::Value::Array).map_err(|(at, value)| {
            let value = value.get_ref();
            (Some(at), wrong_type(key, value))
        })
    };
    let read = match (key.kind, value) {
        (Kind::Text | Kind::Word(_), value) => text(value),
        (Kind::Truth, value) => value.as_bool().map(toml::Value::Boolean),
        (Kind::Whole(..), value) => whole(value),
        (Kind::Texts | Kind::Words(_), DeValue::Array(array)) => Some(list(array, &text)?),
        (Kind::Wholes(..), DeValue::Array(array)) => Some(list(array, &whole)?),
        _ => None,
    };
    let read = read.ok_or_else(|| (None, wrong_type(key, value)))?;
    within(key, &read)?;
    Ok(read)
}

fn wrong_type(key: &Key, value: &DeValue<'_>) -> String {
    if let (DeValue::Integer(number), Kind::Whole(least, most) | Kind::Wholes(least, most)) = (value, key.kind) {
        return format!("{} is outside its range: {}", near::shown(&number.to_string()), keys::range(least, most));
    }
    let wanted = key.kind.wanted();
    format!("{wanted} is wanted, such as `{} = {}`; this is {}", key.name, key.example, type_of(value))
}

/// Ranges and words.
fn within(key: &Key, value: &toml::Value) -> Result<(), Wrong> {
    let items = value.as_array().map_or_else(
        || vec![(None, value)],
        |items| items.iter().enumerate().map(|(at, item)| (Some(at), item)).collect(),
    );
    for (at, item) in items {
        let why = match (key.kind, item) {
            (Kind::Whole(least, most) | Kind::Wholes(least, most), toml::Value::Integer(number))
                if !(least..=most).contains(number) =>
            {
                format!("{number} is outside its range: {}", keys::range(least, most))
            }
            (Kind::Word(words) | Kind::Words(words), toml::Value::String(word)) if !words.contains(&word.as_str()) => {
                near::unknown_word(words, word)
            }
            _ => continue,
        };
        return Err((at, why));
    }
    Ok(())
}

fn type_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a point",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
