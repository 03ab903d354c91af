//! All profiles that a box knows: the built-in ones, and those of a folder of the user's, which add to them or replace
//! them.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::{MAX_OCTETS, Profile};
use crate::fault::BoardError;
use crate::near::{nearest, shown};
use crate::{Fault, Machine};

/// Profiles of a folder.
pub const MAX_PROFILES: usize = 64;

/// Id and text of what is shipped: every file of `board/profiles`.
const BUILT_IN: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/built_in.rs"));

/// All profiles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Book {
    own: Vec<Profile>,
}

impl Book {
    /// The texts of the built-in profiles.
    pub fn built_in_texts() -> &'static [(&'static str, &'static str)] {
        BUILT_IN
    }

    /// The built-in profiles and those of a folder: each `*.toml` in it. A folder that is not there has none.
    pub fn with_folder(folder: &Path) -> Result<Book, BoardError> {
        let mut files: Vec<PathBuf> = match fs::read_dir(folder) {
            Ok(entries) => {
                let paths = entries.take(MAX_PROFILES * 16).filter_map(|entry| entry.ok().map(|entry| entry.path()));
                paths.filter(|path| path.extension().is_some_and(|extension| extension == "toml")).collect()
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(BoardError::Unreadable { path: folder.to_path_buf(), error }),
        };
        files.sort();
        if let Some(file) = files.get(MAX_PROFILES) {
            let what = format!("more than {MAX_PROFILES} profiles in {}", folder.display());
            let fault =
                Fault { file: file.display().to_string(), line: 1, column: 1, what, remedy: "take some out".into() };
            return Err(BoardError::Faults(vec![fault]));
        }
        let mut texts = Vec::new();
        for path in files {
            texts.push((path.display().to_string(), text_of(&path)?));
        }
        Book::with(texts.iter().map(|(file, text)| (file.as_str(), text.as_str()))).map_err(BoardError::Faults)
    }

    /// The built-in profiles and those of texts, each with the name of its file.
    pub fn with<'a>(texts: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Book, Vec<Fault>> {
        let (mut own, mut faults, mut files) = (Vec::new(), Vec::new(), BTreeMap::new());
        for (file, text) in texts {
            match Profile::read(text, file) {
                Ok(profile) => {
                    if let Some(first) = files.insert(profile.id.clone(), file) {
                        let what = format!("id: \"{}\" is the id of {first} too", profile.id);
                        let remedy = "an id means one box: write another one, or take one file out".to_string();
                        let (line, column) = place_of_id(text);
                        faults.push(Fault { file: file.to_string(), line, column, what, remedy });
                    }
                    own.push(profile);
                }
                Err(wrong) => faults.extend(wrong),
            }
        }
        if faults.is_empty() { Ok(Book { own }) } else { Err(faults) }
    }

    /// The user's own ones.
    pub fn own(&self) -> &[Profile] {
        &self.own
    }

    /// All, each once: the user's own ones first, `generic` last.
    pub fn all(&self) -> impl Iterator<Item = &Profile> {
        let replaced = |id: &str| self.own.iter().any(|own| own.id == id);
        let known = built_in().iter().filter(move |known| !replaced(&known.id));
        let all = move || self.own.iter().chain(known.clone());
        all().filter(|one| !one.recognised.anything).chain(all().filter(|one| one.recognised.anything))
    }

    /// The profile of an id.
    pub fn find(&self, id: &str) -> Option<&Profile> {
        self.all().find(|profile| profile.id == id)
    }

    /// That there is no such profile, and what may have been meant.
    pub fn unknown(&self, id: &str) -> String {
        let meant = nearest(id, self.all().map(|profile| profile.id.as_str()));
        let meant = meant.map(|near| format!("did you mean \"{near}\"? ")).unwrap_or_default();
        format!("\"{}\" is not known; {meant}`tipring board list` shows all", shown(id))
    }

    /// What the machine is: the profile of which most is said and all fits; the user's own before a built-in one.
    pub fn recognise(&self, machine: &Machine) -> &Profile {
        let mut best: Option<(usize, &Profile)> = None;
        for profile in self.all() {
            if let Some(conditions) = profile.fits(machine)
                && best.is_none_or(|(most, _)| conditions > most)
            {
                best = Some((conditions, profile));
            }
        }
        match best {
            Some((_, profile)) => profile,
            // Whoever replaced `generic` by one that fits less.
            None => fallback(),
        }
    }
}

/// What is shipped; that it is right is what the tests are for.
fn built_in() -> &'static [Profile] {
    static PROFILES: OnceLock<Vec<Profile>> = OnceLock::new();
    PROFILES.get_or_init(|| BUILT_IN.iter().filter_map(|(id, text)| Profile::read(text, id).ok()).collect())
}

fn fallback() -> &'static Profile {
    static NOTHING: OnceLock<Profile> = OnceLock::new();
    NOTHING.get_or_init(|| Profile {
        id: "generic".into(),
        name: "Any box".into(),
        manufacturer: String::new(),
        about: String::new(),
        recognised: super::Recognised { anything: true, ..super::Recognised::default() },
        slots: Vec::new(),
        ports: Vec::new(),
        leds: Vec::new(),
        relays: Vec::new(),
        watchdog: None,
        serial: None,
    })
}

fn text_of(path: &Path) -> Result<String, BoardError> {
    let unreadable = |error| BoardError::Unreadable { path: path.to_path_buf(), error };
    if !fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(unreadable(std::io::Error::other("this is no file")));
    }
    let mut octets = Vec::new();
    // One more than is taken, so that a file that is too long is refused and not cut.
    let file = fs::File::open(path).map_err(unreadable)?;
    file.take(MAX_OCTETS as u64 + 1).read_to_end(&mut octets).map_err(unreadable)?;
    String::from_utf8(octets).map_err(|error| {
        let (line, column) =
            crate::fault::position(&String::from_utf8_lossy(error.as_bytes()), error.utf8_error().valid_up_to());
        let remedy = "save it as UTF-8".to_string();
        let what = "this is no text".to_string();
        BoardError::Faults(vec![Fault { file: path.display().to_string(), line, column, what, remedy }])
    })
}

fn place_of_id(text: &str) -> (usize, usize) {
    let at = text.lines().position(|line| line.trim_start().starts_with("id"));
    (at.map_or(1, |line| line + 1), 1)
}

impl Profile {
    /// The profile of a file of its own.
    pub fn of_file(path: &Path) -> Result<Profile, BoardError> {
        let text = text_of(path)?;
        Profile::read(&text, &path.display().to_string()).map_err(BoardError::Faults)
    }
}
