//! Where a configuration comes from: built-in < main file < `conf.d/*.toml` beside it, in byte order < environment <
//! flags. Reads them all, tells everything that is wrong with them, and where each value of a good one stands.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{Error, ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize as _;

use super::fault::{COMPLAINTS, ConfigError, Folders, Origin, Refusal, position};
use super::shape::Shape;
use super::{Config, Countries, judge, near};

/// Octets of one file; more is refused unread.
const FILE_OCTETS: u64 = 4 * 1024 * 1024;
/// The folder beside the main file.
const DROP_INS: &str = "conf.d";
/// Files in `conf.d`; more are refused.
const FILES: usize = 100;

/// Variables that begin like the configuration's and are none of it.
const OTHERS: &[&str] = &["TIPRING_LOG", "TIPRING_API", "TIPRING_ACCOUNT", "TIPRING_TOKEN"];

/// Where the operator's own profiles of boxes lie: beside the main file.
pub fn boards(file: &Path) -> PathBuf {
    file.parent().unwrap_or(Path::new("")).join("boards")
}

/// Where a configuration comes from.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The main file; `conf.d` is looked for beside it.
    pub file: PathBuf,
    /// The environment.
    pub variables: Vec<(OsString, OsString)>,
    /// Flags: keys such as `box.drain_s` with their values.
    pub flags: Vec<(String, String)>,
}

impl Sources {
    /// A file, what lies beside it, and this process's environment.
    pub fn of(file: PathBuf) -> Sources {
        Sources { file, variables: std::env::vars_os().collect(), flags: Vec::new() }
    }

    /// Where files lie that are read beside the main one.
    pub fn drop_ins(&self) -> PathBuf {
        self.file.parent().unwrap_or(Path::new("")).join(DROP_INS)
    }
}

/// A configuration that is good.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What it says.
    pub config: Config,
    /// Where each value stands that is not built-in, by its path (`box.name`, `number[1].url`).
    pub origins: BTreeMap<String, Origin>,
    /// What is allowed and most often not meant.
    pub warnings: Vec<ConfigError>,
    /// The files it was read from, the main file first.
    pub files: Vec<PathBuf>,
    /// This is the last good one: the present one is refused, and why.
    pub degraded: Option<Refusal>,
}

impl Loaded {
    /// Where a value comes from.
    pub fn origin(&self, path: &str) -> Origin {
        self.origins.get(path).cloned().unwrap_or_default()
    }
}

/// Everything that the sources say.
#[derive(Default)]
struct Reading {
    shape: Shape,
    texts: Vec<(Arc<Path>, String)>,
    /// Every file that was looked at, in order.
    files: Vec<PathBuf>,
    /// A file that is not TOML or cannot be read: what the whole means is not judged.
    torn: bool,
    warnings: Vec<ConfigError>,
}

pub(super) fn load(sources: &Sources) -> Result<Loaded, Refusal> {
    let mut reading = Reading::default();
    reading.file(&sources.file);
    match beside(&sources.file) {
        Ok(files) => files.iter().for_each(|file| reading.file(file)),
        Err(error) => reading.fault(error),
    }
    let mut variables: Vec<_> = sources.variables.iter().collect();
    variables.sort();
    for (name, value) in variables {
        reading.variable(name, value);
    }
    for (path, value) in &sources.flags {
        reading.shape.flag(path, value);
    }
    reading.end()
}

pub(super) fn of_text(file: &Path, text: &str) -> Result<Loaded, Refusal> {
    let mut reading = Reading::default();
    reading.text(file.into(), text.into());
    reading.end()
}

/// The files of `conf.d`, in byte order of their names.
fn beside(file: &Path) -> Result<Vec<PathBuf>, ConfigError> {
    let folder = file.parent().unwrap_or(Path::new("")).join(DROP_INS);
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(Vec::new()),
        Err(error) => return Err(ConfigError::unread(&folder, &error)),
    };
    let mut names: Vec<OsString> = Vec::new();
    for entry in entries {
        let name = entry.map_err(|error| ConfigError::unread(&folder, &error))?.file_name();
        let octets = name.as_encoded_bytes();
        if octets.ends_with(b".toml") && !octets.starts_with(b".") {
            names.push(name);
        }
        if names.len() > FILES {
            return Err(ConfigError::new(Origin::file(&folder), format!("more than {FILES} files; put some together")));
        }
    }
    names.sort_by(|a, b| a.as_encoded_bytes().cmp(b.as_encoded_bytes()));
    Ok(names.into_iter().map(|name| folder.join(name)).collect())
}

/// A file's text. Anything but a plain file is refused unopened: a pipe would be waited for.
pub(super) fn text_of(file: &Path) -> Result<String, ConfigError> {
    let unread = |error: Error| ConfigError::unread(file, &error);
    let about = std::fs::metadata(file).map_err(unread)?;
    if !about.is_file() {
        let what = if about.is_dir() { "this is a directory" } else { "this is not a plain file" };
        return Err(ConfigError::new(Origin::file(file), format!("cannot be read: {what}")));
    }
    let mut octets = Vec::new();
    let opened = std::fs::File::open(file).map_err(unread)?;
    opened.take(FILE_OCTETS + 1).read_to_end(&mut octets).map_err(unread)?;
    if u64::try_from(octets.len()).is_ok_and(|length| length > FILE_OCTETS) {
        let why = format!("longer than {} MiB; is this a TOML file?", FILE_OCTETS / 1024 / 1024);
        return Err(ConfigError::new(Origin::file(file), why));
    }
    let text = String::from_utf8(octets).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let octets = error.into_bytes();
        let (line, column) = position(&String::from_utf8_lossy(&octets[..at]), at);
        ConfigError::at(file, line, column, format!("octet 0x{:02X} is not UTF-8; save the file as UTF-8", octets[at]))
    })?;
    // Some editors put a mark before the first character.
    Ok(text.strip_prefix('\u{feff}').map(str::to_string).unwrap_or(text))
}

impl Reading {
    fn fault(&mut self, error: ConfigError) {
        self.torn = true;
        self.shape.faults.push(error);
    }

    fn file(&mut self, file: &Path) {
        self.files.push(file.to_path_buf());
        match text_of(file) {
            Ok(text) => self.text(file.into(), text),
            Err(error) => self.fault(error),
        }
    }

    fn text(&mut self, file: Arc<Path>, text: String) {
        self.torn |= !self.shape.file(file.clone(), &text);
        self.texts.push((file, text));
    }

    fn variable(&mut self, name: &OsString, value: &OsString) {
        let Some(name) = name.to_str().filter(|name| name.starts_with("TIPRING_")) else {
            return;
        };
        let Some(value) = value.to_str() else {
            let origin = Origin::Variable(name.into());
            self.shape.faults.push(ConfigError::new(origin, "its value is not UTF-8"));
            return;
        };
        if !self.shape.variable(name, value)
            && !OTHERS.contains(&name)
            && let Some(why) = near::mistyped_variable(name)
        {
            self.warnings.push(ConfigError::new(Origin::Variable(name.into()), why));
        }
    }

    fn end(mut self) -> Result<Loaded, Refusal> {
        let tree = std::mem::take(&mut self.shape.tree);
        // A value that was refused is judged as if it were not there: one complaint for one mistake.
        let config = Config::deserialize(toml::Value::Table(tree.table()));
        let mut config = match config {
            Ok(config) => config,
            Err(error) => {
                self.shape.faults.push(ConfigError::new(Origin::BuiltIn, error.message()));
                return Err(self.refusal(Box::default()));
            }
        };
        for (entry, number) in tree.sound("number").zip(&mut config.number) {
            number.origin = entry.origin.clone();
        }
        if !self.torn && !config.this.countries.as_os_str().is_empty() {
            config.countries = self.countries(&config.this.countries, tree.place("box.countries"));
        }
        if !self.torn {
            let mut verdict = judge::judge(&config, &tree);
            self.shape.faults.append(&mut verdict.faults);
            self.warnings.append(&mut verdict.warnings);
        }
        if !self.shape.faults.is_empty() {
            let folder = |path: &str, folder: &mut PathBuf| {
                let named = tree.leaves.get(path).and_then(|leaf| leaf.value.as_str()).filter(|dir| !dir.is_empty());
                named.into_iter().for_each(|named| *folder = named.into());
            };
            let mut folders = Box::<Folders>::default();
            folder("box.state_dir", &mut folders.state_dir);
            folder("box.cache_dir", &mut folders.cache_dir);
            folder("box.runtime_dir", &mut folders.runtime_dir);
            return Err(self.refusal(folders));
        }
        in_order(&mut self.warnings, &self.files);
        let mut origins: BTreeMap<String, Origin> =
            tree.leaves.iter().map(|(path, leaf)| (path.clone(), leaf.origin.clone())).collect();
        for (section, entries) in &tree.entries {
            for (at, entry) in entries.iter().enumerate() {
                for (name, leaf) in &entry.leaves {
                    origins.insert(format!("{section}[{}].{name}", at + 1), leaf.origin.clone());
                }
            }
        }
        Ok(Loaded { config, origins, warnings: self.warnings, files: self.files, degraded: None })
    }

    /// The countries of the file that `box.countries` names. A faulty one is complained about, and nobody else then of a
    /// country that it may have.
    fn countries(&mut self, file: &Path, named: Origin) -> Countries {
        if !file.is_absolute() {
            let why = "box.countries: an absolute path is wanted, such as \"/etc/tipring/countries.toml\"";
            self.shape.faults.push(ConfigError::new(named, why));
            return Countries::broken();
        }
        self.files.push(file.to_path_buf());
        let text = match text_of(file) {
            Ok(text) => text,
            Err(error) => {
                self.shape.faults.push(error);
                return Countries::broken();
            }
        };
        let read = Countries::read(file, &text);
        self.texts.push((file.into(), text));
        read.unwrap_or_else(|mut faults| {
            self.shape.faults.append(&mut faults);
            Countries::broken()
        })
    }

    fn refusal(self, folders: Box<Folders>) -> Refusal {
        let mut complaints = self.shape.faults;
        in_order(&mut complaints, &self.files);
        complaints.dedup();
        let more = complaints.len().saturating_sub(COMPLAINTS);
        complaints.truncate(COMPLAINTS);
        Refusal { complaints, more, folders, texts: self.texts }
    }
}

/// Files in the order they were read, each from top to bottom; then the environment, then flags.
fn in_order(complaints: &mut [ConfigError], files: &[PathBuf]) {
    complaints.sort_by_key(|complaint| match &complaint.origin {
        Origin::File { file, line, column } => {
            (files.iter().position(|name| **name == **file).unwrap_or(0), *line, *column)
        }
        Origin::Variable(_) => (usize::MAX - 1, 0, 0),
        Origin::Flag(_) | Origin::BuiltIn => (usize::MAX, 0, 0),
    });
}
