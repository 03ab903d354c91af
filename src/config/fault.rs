//! Where a value comes from, and why a configuration is refused: one complaint a line, each with its place.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::ThisBox;

/// Complaints that are told of one configuration; of the rest only how many there are.
pub const COMPLAINTS: usize = 20;
/// Characters of a line that are shown under a complaint.
const EXCERPT: usize = 160;

/// Where a value comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// Nobody said otherwise.
    #[default]
    BuiltIn,
    /// A place in a file, line and column from 1; 0 where it is the whole file.
    File {
        /// Which file.
        file: Arc<Path>,
        /// Line.
        line: usize,
        /// Column, in characters.
        column: usize,
    },
    /// An environment variable.
    Variable(String),
    /// A flag of the command.
    Flag(String),
}

impl Origin {
    /// A file as a whole.
    pub fn file(file: &Path) -> Origin {
        Origin::File { file: file.into(), line: 0, column: 0 }
    }

    /// The file and line, if it is a place in a file.
    pub fn line(&self) -> Option<(&Path, usize)> {
        match self {
            Origin::File { file, line, .. } => Some((file, *line)),
            _ => None,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::BuiltIn => f.write_str("built-in"),
            Origin::File { file, line: 0, .. } => write!(f, "{}", file.display()),
            Origin::File { file, line, column } => write!(f, "{}:{line}:{column}", file.display()),
            Origin::Variable(name) | Origin::Flag(name) => f.write_str(name),
        }
    }
}

/// A complaint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// Where.
    pub origin: Origin,
    /// In words, with the remedy.
    pub text: String,
    /// It is a matter of rights, not of words.
    pub denied: bool,
}

impl ConfigError {
    /// A complaint about what stands at `origin`.
    pub fn new(origin: Origin, text: impl Into<String>) -> ConfigError {
        ConfigError { origin, text: text.into(), denied: false }
    }

    /// A complaint about a place in a file, line and column from 1.
    pub fn at(file: &Path, line: usize, column: usize, text: impl Into<String>) -> ConfigError {
        ConfigError::new(Origin::File { file: file.into(), line, column }, text)
    }

    /// A file that cannot be read.
    pub fn unread(file: &Path, error: &std::io::Error) -> ConfigError {
        let denied = error.kind() == std::io::ErrorKind::PermissionDenied;
        ConfigError { origin: Origin::file(file), text: format!("cannot be read: {error}"), denied }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.origin, self.text)
    }
}

impl std::error::Error for ConfigError {}

/// A configuration that is refused.
#[derive(Clone, Debug, Default)]
pub struct Refusal {
    /// Why, in the order of the files and lines; never empty, at most [`COMPLAINTS`].
    pub complaints: Vec<ConfigError>,
    /// So many more.
    pub more: usize,
    /// The box's directories, as far as the refused configuration names them: the last good one lies there.
    pub folders: Box<Folders>,
    /// What the files say, for the line under a complaint.
    pub texts: Vec<(Arc<Path>, String)>,
}

/// A box's directories.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folders {
    /// Store and recordings.
    pub state_dir: PathBuf,
    /// May be deleted.
    pub cache_dir: PathBuf,
    /// Sockets.
    pub runtime_dir: PathBuf,
}

impl Default for Folders {
    fn default() -> Self {
        let ThisBox { state_dir, cache_dir, runtime_dir, .. } = ThisBox::default();
        Folders { state_dir, cache_dir, runtime_dir }
    }
}

impl Refusal {
    /// One complaint a line.
    pub fn lines(&self) -> Vec<String> {
        let more = (self.more > 0).then(|| format!("and {} more", self.more));
        self.complaints.iter().map(ToString::to_string).chain(more).collect()
    }

    /// The exit code: 77 where a right is missing and nothing else, 78 otherwise.
    pub fn exit(&self) -> u8 {
        if self.complaints.iter().all(|complaint| complaint.denied) { 77 } else { 78 }
    }

    /// Complaints for a person at a terminal: each with its line, and a mark under the column.
    pub fn marked(&self) -> String {
        let mut told = String::new();
        for complaint in &self.complaints {
            told.push_str(&format!("{complaint}\n"));
            told.push_str(&self.excerpt(&complaint.origin).unwrap_or_default());
        }
        if self.more > 0 {
            told.push_str(&format!("and {} more\n", self.more));
        }
        told
    }

    fn excerpt(&self, origin: &Origin) -> Option<String> {
        let Origin::File { file, line, column } = origin else {
            return None;
        };
        let (_, text) = self.texts.iter().find(|(name, _)| name == file)?;
        let words = text.lines().nth(line.checked_sub(1)?)?;
        // Long lines are cut, and no octet of the file reaches the terminal that would move its cursor.
        let plain = |c: char| if c.is_control() && c != '\t' { '\u{fffd}' } else { c };
        let shown: String = words.chars().take(EXCERPT).map(plain).collect();
        let before = shown.chars().take(column.checked_sub(1)?).map(|c| if c == '\t' { '\t' } else { ' ' });
        Some(format!("{line:>5} | {shown}\n      | {}^\n", before.collect::<String>()))
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lines().join("\n"))
    }
}

impl std::error::Error for Refusal {}

/// Line and column, from 1, of an offset in a text.
pub fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
    (line, column)
}
