//! A call as a readable timeline: one line for each thing that happened, as text for people or as JSON for programs.

use std::io::Write;

use serde_json::json;
use tipring_router::{Trace, TraceKind};

/// How lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// For a terminal.
    Text,
    /// One object a line.
    Json,
    /// Not at all.
    Silent,
}

/// Writes a timeline.
pub struct Timeline<W: Write> {
    out: W,
    form: Form,
    lines: u64,
}

impl<W: Write> Timeline<W> {
    /// A timeline into `out`.
    pub fn new(out: W, form: Form) -> Self {
        Timeline { out, form, lines: 0 }
    }

    /// Lines written.
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// One thing that happened.
    pub fn trace(&mut self, trace: &Trace) {
        let call = trace.call.map(|sid| sid.to_string());
        self.line(trace.at.0, call.as_deref(), trace.kind.as_str(), &trace.text);
    }

    /// A thing that no trace of the router tells, e.g. of the far end.
    pub fn note(&mut self, at_us: u64, text: &str) {
        self.line(at_us, None, TraceKind::Line.as_str(), text);
    }

    /// One line. A reader that went away does not stop the calls.
    pub fn line(&mut self, at_us: u64, call: Option<&str>, kind: &str, text: &str) {
        self.lines += 1;
        let _ = match self.form {
            Form::Silent => Ok(()),
            Form::Json => {
                let ms = at_us as f64 / 1_000.0;
                writeln!(self.out, "{}", json!({"ms": ms, "call": call, "kind": kind, "text": text}))
            }
            Form::Text => {
                let short = call.map_or("        ", |sid| sid.get(2..10).unwrap_or("        "));
                writeln!(self.out, "{:>9.3}  {short}  {kind:<5}  {text}", at_us as f64 / 1_000_000.0)
            }
        };
    }

    /// A whole object of its own (JSON form only).
    pub fn object(&mut self, value: &serde_json::Value) {
        if self.form == Form::Json {
            self.lines += 1;
            let _ = writeln!(self.out, "{value}");
        }
    }

    /// Hands over what was buffered.
    pub fn flush(&mut self) {
        let _ = self.out.flush();
    }
}
