//! Complaints about a document, with their place in it: line and column as an editor counts them (from 1, in
//! characters), the line itself, and words that say what to do.

use std::cell::OnceCell;
use std::fmt;
use std::ops::Range;

use crate::verb::{Place, Placed, Verb};
use crate::{MAX_NOTES, shown};

/// Characters of the source shown beside a complaint.
const EXCERPT: usize = 80;
/// Characters of it that stand before the place.
const EXCERPT_BEFORE: usize = 30;

/// Complaints of the grammar: an unknown name, a known one in the wrong place.
pub(crate) const GRAMMAR: [u32; 2] = [12200, 13320];

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Level {
    /// The document cannot be run.
    Error,
    /// It is run without this piece, or with a default.
    Warning,
}

/// One complaint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Error code, e.g. 12200.
    pub code: u32,
    /// Error or warning.
    pub level: Level,
    /// From 1.
    pub line: u32,
    /// From 1, in characters.
    pub column: u32,
    /// The source around the place, one line.
    pub excerpt: String,
    /// What is wrong and what to do.
    pub text: String,
}

impl Diagnostic {
    /// An error about the document as a whole.
    pub(crate) fn at_start(code: u32, text: String) -> Self {
        Diagnostic { code, level: Level::Error, line: 1, column: 1, excerpt: String::new(), text }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, line {} column {}: {}", self.code, self.line, self.column, self.text)?;
        if !self.excerpt.is_empty() {
            write!(f, " [{}]", self.excerpt)?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostic {}

/// A document's text, with an index of its lines.
pub(crate) struct Source<'a> {
    pub(crate) text: &'a str,
    lines: Vec<usize>,
    /// What no excerpt shows.
    secrets: OnceCell<Vec<Range<usize>>>,
}

impl<'a> Source<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        let after_break = text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(at, _)| at + 1);
        let lines = std::iter::once(0).chain(after_break).collect();
        Source { text, lines, secrets: OnceCell::new() }
    }

    /// Line and column of an offset. An offset inside a character counts as that character's.
    pub(crate) fn place(&self, at: usize) -> Place {
        let at = self.floor(at);
        let line = self.lines.partition_point(|start| *start <= at).max(1);
        let start = self.lines.get(line - 1).copied().unwrap_or(0);
        let column = self.text.get(start..at).map_or(0, |before| before.chars().count()) + 1;
        Place { line: u32::try_from(line).unwrap_or(u32::MAX), column: u32::try_from(column).unwrap_or(u32::MAX) }
    }

    pub(crate) fn placed(&self, verb: Verb, at: usize) -> Placed {
        Placed { verb, place: self.place(at) }
    }

    pub(crate) fn error(&self, code: u32, at: usize, text: String) -> Diagnostic {
        self.diagnostic(code, Level::Error, at, text)
    }

    pub(crate) fn diagnostic(&self, code: u32, level: Level, at: usize, text: String) -> Diagnostic {
        let Place { line, column } = self.place(at);
        Diagnostic { code, level, line, column, excerpt: self.excerpt(at), text }
    }

    fn floor(&self, at: usize) -> usize {
        let mut at = at.min(self.text.len());
        while !self.text.is_char_boundary(at) {
            at -= 1;
        }
        at
    }

    fn excerpt(&self, at: usize) -> String {
        let at = self.floor(at);
        let before = self.text[..at].chars().rev().take(EXCERPT_BEFORE).take_while(|c| *c != '\n');
        let start = at - before.map(char::len_utf8).sum::<usize>();
        let after = self.text[at..].chars().take(EXCERPT - EXCERPT_BEFORE).take_while(|c| *c != '\n');
        let end = at + after.map(char::len_utf8).sum::<usize>();
        let secrets = self.secrets.get_or_init(|| shown::secrets(self.text));
        let mut excerpt = String::new();
        let mut from = start;
        for secret in secrets.iter().filter(|it| it.end > start && it.start < end && !it.is_empty()) {
            excerpt.push_str(&self.text[from..secret.start.max(from)]);
            excerpt.push_str(shown::HIDDEN);
            from = secret.end.min(end);
        }
        excerpt.push_str(&self.text[from..end]);
        excerpt.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>().trim().to_owned()
    }
}

/// Collects warnings, at most [`MAX_NOTES`].
pub(crate) struct Notes<'a> {
    source: &'a Source<'a>,
    notes: Vec<Diagnostic>,
    left_out: usize,
    last_at: usize,
    last_code: u32,
}

impl<'a> Notes<'a> {
    pub(crate) fn new(source: &'a Source<'a>) -> Self {
        Notes { source, notes: Vec::new(), left_out: 0, last_at: 0, last_code: 0 }
    }

    pub(crate) fn source(&self) -> &'a Source<'a> {
        self.source
    }

    pub(crate) fn warn(&mut self, code: u32, at: usize, text: String) {
        self.warn_with(code, at, || text);
    }

    /// The same, where the text costs something and is wanted only if the complaint is kept.
    pub(crate) fn warn_with(&mut self, code: u32, at: usize, text: impl FnOnce() -> String) {
        if self.notes.len() + 1 < MAX_NOTES {
            self.notes.push(self.source.diagnostic(code, Level::Warning, at, text()));
        } else {
            self.left_out += 1;
            self.last_at = at;
            // One that counts where grammar is strict must not be lost among others.
            if !GRAMMAR.contains(&self.last_code) {
                self.last_code = code;
            }
        }
    }

    /// Complains of text where only verbs may stand; white space may.
    pub(crate) fn stray_text(&mut self, text: &str, at: usize, inside: &str) {
        let skipped = text.len() - text.trim_start().len();
        if skipped < text.len() {
            let text = format!("text directly inside <{inside}> is passed over; put it into <Say>");
            self.warn(12200, at + skipped, text);
        }
    }

    pub(crate) fn take(mut self) -> Vec<Diagnostic> {
        if self.left_out > 0 {
            let text = format!("{} more complaints are left out; correct those before", self.left_out);
            self.notes.push(self.source.diagnostic(self.last_code, Level::Warning, self.last_at, text));
        }
        self.notes
    }
}
