//! What somebody may have meant: the nearest key, section or word to one that is not known.

use super::keys::{self, KEYS, SECTIONS, Section};

/// Characters of an unknown word that are repeated in a complaint.
const SHOWN: usize = 60;

/// The nearest of `known`: at most one slip in three letters.
pub(super) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |text: &str| text.to_lowercase().replace('-', "_");
    let length = word.chars().count();
    if length > SHOWN {
        return None;
    }
    let slips = |other: &str| strsim::osa_distance(&plain(word), &plain(other));
    let (slips, nearest) = known.into_iter().map(|other| (slips(other), other)).min_by_key(|(slips, _)| *slips)?;
    (slips <= (length / 3).max(1)).then_some(nearest)
}

/// A word as it may be repeated: one line, not too long.
pub(super) fn shown(word: &str) -> String {
    let cut: String = word.chars().take(SHOWN).flat_map(char::escape_debug).collect();
    if word.chars().count() > SHOWN { cut + "…" } else { cut }
}

fn meant(nearest: Option<String>) -> String {
    nearest.map(|nearest| format!("; did you mean {nearest}?")).unwrap_or_default()
}

/// What the parser says of a line that is not TOML, with the remedy where the mistake is a common one.
pub(super) fn not_toml(message: &str, words: &str, line: &str) -> String {
    if message == "duplicate key" {
        return format!("`{}` stands twice in this file", shown(words));
    }
    let told = format!("not TOML: {message}");
    let line = line.trim();
    let word = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'));
    if line.contains(['\u{201c}', '\u{201d}', '\u{201e}', '\u{2018}', '\u{2019}']) {
        return format!("{told}; quotes are plain ones: \"");
    }
    let colon = line.split_once(':').filter(|(name, _)| word(name.trim_end()) && !line.contains('='));
    if let Some((name, _)) = colon {
        return format!("{told}; write `{} = …`", shown(name.trim_end()));
    }
    match line.split_once('=').map(|(name, value)| (name.trim(), value.trim())) {
        Some((name, value)) if word(name) && word(value) => {
            format!("{told}; a text stands in quotes: `{} = \"{}\"`", shown(name), shown(value))
        }
        _ => told,
    }
}

/// A key that its section does not have.
pub(super) fn unknown_key(section: &str, name: &str) -> String {
    let place = keys::section(section).map(|section| format!(" in {}", section.written())).unwrap_or_default();
    let told = format!("unknown key `{}`{place}", shown(name));
    let owners = KEYS.iter().filter(|key| key.name == name).filter_map(|key| keys::section(key.section));
    let owners: Vec<String> = owners.map(Section::written).collect();
    if !owners.is_empty() {
        return format!("{told}; `{name}` belongs to {}", owners.join(" or "));
    }
    if let Some(nearest) = nearest(name, keys::of(section).map(|key| key.name)) {
        return format!("{told}; did you mean `{nearest}`?");
    }
    let elsewhere = nearest(name, KEYS.iter().map(|key| key.name).filter(|name| name.len() > 4));
    let elsewhere = elsewhere.and_then(|name| KEYS.iter().find(|key| key.name == name));
    if let Some((key, owner)) = elsewhere.and_then(|key| Some((key, keys::section(key.section)?))) {
        return format!("{told}; did you mean `{}` of {}?", key.name, owner.written());
    }
    if section.is_empty() {
        return format!("{told}; {}", sections());
    }
    let has: Vec<String> = keys::of(section).map(|key| format!("`{}`", key.name)).collect();
    format!("{told}; it has {}", has.join(", "))
}

/// A section that there is not.
pub(super) fn unknown_section(name: &str, list: bool) -> String {
    let told = if list { format!("[[{}]]", shown(name)) } else { format!("[{}]", shown(name)) };
    match nearest(name, SECTIONS.iter().map(|section| section.name)).and_then(keys::section) {
        Some(section) => format!("unknown section {told}{}", meant(Some(section.written()))),
        None => format!("unknown section {told}; {}", sections()),
    }
}

fn sections() -> String {
    let all: Vec<String> = SECTIONS.iter().map(Section::written).collect();
    format!("the sections are {}", all.join(", "))
}

/// A word that is none of a key's.
pub(super) fn unknown_word(words: &[&str], word: &str) -> String {
    let told = format!("\"{}\" is none of {}", shown(word), keys::quoted(words));
    told + &meant(nearest(word, words.iter().copied()).map(|word| format!("\"{word}\"")))
}

/// A variable of a section that names no key of it.
pub(super) fn unknown_variable(section: &Section, name: &str) -> String {
    if section.list {
        return format!("{} can only be written in a file", section.written());
    }
    let known: Vec<String> = keys::of(section.name).filter_map(keys::Key::variable).collect();
    let nearest = nearest(name, known.iter().map(String::as_str)).map(str::to_string);
    format!("no key of {} has this variable{}", section.written(), meant(nearest))
}

/// A variable that looks as if it were meant for a key.
pub(super) fn mistyped_variable(name: &str) -> Option<String> {
    let known: Vec<String> = KEYS.iter().filter_map(keys::Key::variable).collect();
    let slips = |known: &&String| strsim::osa_distance(name, known);
    let nearest = known.iter().min_by_key(slips).filter(|known| slips(known) <= 2)?;
    Some(format!("is not known; did you mean {nearest}?"))
}
