//! Bounded reading below a root: whatever lies there, however much of it, however deep its links go round.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Octets of a file that are looked at: the kernel's own are a page at most.
pub const FILE_OCTETS: u64 = 4096;
/// Octets of the lists that the system keeps: users, groups.
pub(super) const LIST_OCTETS: u64 = 256 * 1024;
/// Octets of the list of modules that are built for the kernel.
pub const MODULES_OCTETS: u64 = 8 * 1024 * 1024;
/// Entries of one folder; what is left out is told.
pub const MAX_ENTRIES: usize = 4096;
/// Characters of a text that are kept.
pub const TEXT_CHARS: usize = 120;

/// What was left out of which folder.
pub(super) type LeftOut = Vec<String>;

/// One line of a file, without what is no text.
pub(super) fn text(path: &Path) -> Option<String> {
    let all = octets(path, FILE_OCTETS)?;
    Some(line(&all))
}

/// The first line of octets, as it may be shown.
fn line(all: &[u8]) -> String {
    let first = all.split(|octet| *octet == b'\n').next().unwrap_or_default();
    clean(&String::from_utf8_lossy(first))
}

/// Printable characters of a text, as many as are kept.
pub(super) fn clean(text: &str) -> String {
    let printable = |c: &char| !c.is_control() && *c != char::REPLACEMENT_CHARACTER;
    text.trim_matches(|c: char| c.is_whitespace() || c == '\0').chars().filter(printable).take(TEXT_CHARS).collect()
}

/// All lines of a file, up to a bound.
pub(super) fn lines(path: &Path, most: u64) -> Option<Vec<String>> {
    let all = octets(path, most)?;
    Some(String::from_utf8_lossy(&all).lines().map(str::to_string).collect())
}

/// What is between the zeros of a file of the device tree.
pub(super) fn words(path: &Path) -> Vec<String> {
    let all = octets(path, FILE_OCTETS).unwrap_or_default();
    let words = all.split(|octet| *octet == 0).map(|word| clean(&String::from_utf8_lossy(word)));
    words.filter(|word| !word.is_empty()).collect()
}

/// The beginning of a plain file. A pipe or a device is none: to open it might last for ever.
fn octets(path: &Path, most: u64) -> Option<Vec<u8>> {
    if !fs::metadata(path).ok()?.is_file() {
        return None;
    }
    let mut octets = Vec::new();
    File::open(path).ok()?.take(most).read_to_end(&mut octets).ok()?;
    Some(octets)
}

/// A decimal number.
pub(super) fn number<T: std::str::FromStr>(path: &Path) -> Option<T> {
    text(path)?.parse().ok()
}

/// A hexadecimal number, with or without `0x`.
pub(super) fn hex(path: &Path) -> Option<u32> {
    let text = text(path)?;
    u32::from_str_radix(text.strip_prefix("0x").unwrap_or(&text), 16).ok()
}

/// The names in a folder, in order; those that are no text are left out.
pub(super) fn names(folder: &Path, left_out: &mut LeftOut) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> = Vec::new();
    for entry in entries {
        if names.len() == MAX_ENTRIES {
            left_out.push(folder.display().to_string());
            break;
        }
        let name = entry.ok().and_then(|entry| entry.file_name().into_string().ok());
        names.extend(name.filter(|name| !name.is_empty() && clean(name) == *name));
    }
    names.sort();
    names
}

/// Where a path leads; `None` for a loop of links and for what is not there.
pub(super) fn real(path: &Path) -> Option<PathBuf> {
    fs::canonicalize(path).ok()
}

/// The name of what a link points to.
pub(super) fn link(path: &Path) -> Option<String> {
    let target = fs::read_link(path).ok()?;
    Some(clean(target.file_name()?.to_str()?)).filter(|name| !name.is_empty())
}
