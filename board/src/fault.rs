//! What is wrong with a profile, where, and what to do.

use std::fmt;
use std::path::PathBuf;

/// A complaint about a profile.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// As the caller named it.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub what: String,
    /// What to write instead.
    pub remedy: String,
}

impl Fault {
    /// Both sentences.
    pub fn text(&self) -> String {
        format!("{}; {}", self.what, self.remedy)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.text())
    }
}

impl std::error::Error for Fault {}

/// What hinders the reading of a folder of profiles.
#[derive(Debug, thiserror::Error)]
pub enum BoardError {
    /// A file or the folder cannot be read.
    #[error("{}: {error}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// Profiles are wrong; all complaints about all of them.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Faults(Vec<Fault>),
}

impl BoardError {
    /// Whether it is a matter of rights.
    pub fn is_denied(&self) -> bool {
        matches!(self, BoardError::Unreadable { error, .. } if error.kind() == std::io::ErrorKind::PermissionDenied)
    }
}

/// Line and column, from 1, of an offset in a text.
pub(crate) fn position(text: &str, offset: usize) -> (usize, usize) {
    let offset = (0..=offset.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let before = text.get(..offset).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
    (line, column)
}
