//! What went over the D channels and what became of the calls, line by line, for people and for comparing two runs.

use tipring_card::{Micros, SpanId};
use tipring_isdn::{Event, Role, describe};

/// Lines that are kept; later ones are dropped.
pub const MAX_TRACE: usize = 200_000;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceLine {
    /// When.
    pub at: Micros,
    /// On which span.
    pub span: SpanId,
    /// What.
    pub text: String,
}

impl std::fmt::Display for TraceLine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:>10.3} span {} {}", self.at.0 as f64 / 1e6, self.span.0, self.text)
    }
}

/// The lines so far.
pub(crate) struct Trace {
    keeps: bool,
    lines: Vec<TraceLine>,
}

impl Trace {
    pub fn new(keeps: bool) -> Trace {
        Trace { keeps, lines: Vec::new() }
    }

    pub fn lines(&self) -> &[TraceLine] {
        &self.lines
    }

    /// A frame without FCS, sent by us or received.
    pub fn frame(&mut self, at: Micros, span: SpanId, role: Role, sent: bool, frame: &[u8]) {
        if !self.has_room() {
            return;
        }
        let mut text = String::from(match (role, sent) {
            (Role::Network, true) => "network > user ",
            (Role::Network, false) => "network < user ",
            (Role::User, true) => "user > network ",
            (Role::User, false) => "user < network ",
        });
        describe(frame, &mut text);
        self.lines.push(TraceLine { at, span, text });
    }

    /// Something that the trunk told.
    pub fn event(&mut self, at: Micros, span: SpanId, event: &Event) {
        if self.has_room() {
            let text = format!("{event:?}");
            self.lines.push(TraceLine { at, span, text });
        }
    }

    /// Anything else.
    pub fn note(&mut self, at: Micros, span: SpanId, text: impl FnOnce() -> String) {
        if self.has_room() {
            self.lines.push(TraceLine { at, span, text: text() });
        }
    }

    fn has_room(&self) -> bool {
        self.keeps && self.lines.len() < MAX_TRACE
    }
}
