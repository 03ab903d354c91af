//! The journal of born and of ended calls: one JSON line each, written before anybody may see the call's SID or its end,
//! and dropped when that is committed. A plain write(2) survives the death of the process, which is what it is for; a
//! power cut may take it, together with everything that was told about the call. A torn line is passed over.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tipring_resources::{Call, Sid};

use crate::StoreError;

/// The journal is emptied or rewritten when it is longer than this; live entries alone are some hundred octets each.
const TRIM_OCTETS: u64 = 256 * 1024;
/// Calls with something uncommitted at most: far more than a box has channels. Above it the disk is dead.
const UNWRITTEN_MAX: usize = 16_384;
/// Octets read at opening at most.
const JOURNAL_MAX: u64 = 64 * 1024 * 1024;

/// The journal, open.
pub(crate) struct Journal {
    path: PathBuf,
    state: Mutex<State>,
}

struct State {
    file: File,
    octets: u64,
    trim_at: u64,
    unwritten: HashMap<Sid, Line>,
}

/// What is not committed of a call.
struct Line {
    text: String,
    /// It is the call's end.
    last: bool,
}

impl Journal {
    /// Opens the journal and reads which calls a dead process left in it.
    pub(crate) fn open(path: &Path) -> Result<(Journal, Vec<Call>), StoreError> {
        let fault = |error: std::io::Error| StoreError::file(path, &error);
        let mut file = OpenOptions::new().create(true).append(true).read(true).open(path).map_err(fault)?;
        let mut bytes = Vec::new();
        (&mut file).take(JOURNAL_MAX).read_to_end(&mut bytes).map_err(fault)?;
        let (mut calls, mut torn) = (Vec::new(), 0usize);
        for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            match serde_json::from_slice::<Call>(line) {
                Ok(call) => calls.push(call),
                Err(_) => torn += 1,
            }
        }
        if torn > 0 {
            tracing::warn!(torn, path = %path.display(), "lines of the journal could not be read and were passed over");
        }
        let octets = bytes.len() as u64;
        let state = State { file, octets, trim_at: TRIM_OCTETS, unwritten: HashMap::new() };
        Ok((Journal { path: path.to_path_buf(), state: Mutex::new(state) }, calls))
    }

    /// Forgets everything: what was in it is in the table now.
    pub(crate) fn clear(&self) -> Result<(), StoreError> {
        let mut state = self.state();
        state.unwritten.clear();
        state.empty().map_err(|error| StoreError::file(&self.path, &error))
    }

    /// Notes a call. One line, written at once; a failed write leaves no half of a line.
    pub(crate) fn note(&self, call: &Call) -> Result<(), StoreError> {
        let fault = |error: std::io::Error| StoreError::file(&self.path, &error);
        let line = serde_json::to_string(call).map_err(|error| fault(error.into()))?;
        let mut state = self.state();
        if state.unwritten.len() >= UNWRITTEN_MAX {
            return Err(StoreError::Busy(UNWRITTEN_MAX));
        }
        let framed = format!("{line}\n");
        if let Err(error) = state.file.write_all(framed.as_bytes()) {
            let whole = state.octets;
            let _ = state.file.set_len(whole);
            return Err(fault(error));
        }
        state.octets += framed.len() as u64;
        state.unwritten.insert(call.sid, Line { text: framed, last: call.status.is_final() });
        Ok(())
    }

    /// This is committed of a call: its line is needed no more, unless it is the end and that is still to come.
    pub(crate) fn relieve(&self, call: &Call) {
        let mut state = self.state();
        if state.unwritten.get(&call.sid).is_none_or(|line| line.last && !call.status.is_final()) {
            return;
        }
        state.unwritten.remove(&call.sid);
        if state.octets < state.trim_at {
            return;
        }
        state.trim(&self.path);
        state.trim_at = TRIM_OCTETS.max(state.octets * 2);
    }

    /// Drops the lines of what is committed: once such a row is deleted, no old line may bring it back at the next
    /// start.
    pub(crate) fn forget_written(&self) {
        self.state().trim(&self.path);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Leaves only what is unwritten.
    fn trim(&mut self, path: &Path) {
        let done = if self.unwritten.is_empty() { self.empty() } else { self.rewrite(path) };
        if let Err(error) = done {
            tracing::warn!(%error, path = %path.display(), "the journal could not be trimmed");
        }
    }

    fn empty(&mut self) -> std::io::Result<()> {
        self.file.set_len(0)?;
        self.octets = 0;
        Ok(())
    }

    /// Only what is unwritten, in a new file that takes the old one's place in one step.
    fn rewrite(&mut self, path: &Path) -> std::io::Result<()> {
        let fresh = path.with_extension("new");
        let _ = std::fs::remove_file(&fresh);
        let mut file = OpenOptions::new().create_new(true).append(true).read(true).open(&fresh)?;
        let lines: String = self.unwritten.values().map(|line| line.text.as_str()).collect();
        file.write_all(lines.as_bytes())?;
        std::fs::rename(&fresh, path)?;
        self.octets = lines.len() as u64;
        self.file = file;
        Ok(())
    }
}
