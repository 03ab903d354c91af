//! What the world outside a box has been told: every SID that stood in a request to the application or in an answer of
//! the API, and what was said of it. What was told once has to be true for ever, whenever the box dies.

use std::collections::BTreeMap;

use tipring_resources::{CallStatus, RecordingStatus, Sid, SidKind};

/// What was told.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Each call.
    pub calls: BTreeMap<Sid, Told<CallStatus>>,
    /// Each recording.
    pub recordings: BTreeMap<Sid, Told<RecordingStatus>>,
}

/// What was told of one.
#[derive(Clone, Copy, Debug)]
pub struct Told<Status> {
    /// Its final status, if that was told.
    pub end: Option<Status>,
    /// A recording's length, if that was told.
    pub seconds: Option<u32>,
    /// Somebody wanted it deleted.
    pub deletion_asked: bool,
    /// Its deletion was confirmed.
    pub deleted: bool,
}

impl<Status> Default for Told<Status> {
    fn default() -> Self {
        Told { end: None, seconds: None, deletion_asked: false, deleted: false }
    }
}

impl<Status> Told<Status> {
    fn add(&mut self, other: Told<Status>) {
        self.end = self.end.take().or(other.end);
        self.seconds = self.seconds.or(other.seconds);
        self.deletion_asked |= other.deletion_asked;
        self.deleted |= other.deleted;
    }
}

impl Facts {
    /// Any SID.
    pub fn sid(&mut self, sid: Sid) {
        match sid.kind {
            SidKind::Call => self.call(sid, None),
            SidKind::Recording => self.recording(sid, None, None),
            _ => {}
        }
    }

    /// A call.
    pub fn call(&mut self, sid: Sid, status: Option<CallStatus>) {
        let end = status.filter(|status| status.is_final());
        self.calls.entry(sid).or_default().add(Told { end, ..Told::default() });
    }

    /// A recording.
    pub fn recording(&mut self, sid: Sid, status: Option<RecordingStatus>, seconds: Option<u32>) {
        let end = status.filter(|it| matches!(it, RecordingStatus::Completed | RecordingStatus::Absent));
        self.recordings.entry(sid).or_default().add(Told { end, seconds, ..Told::default() });
    }

    /// The parameters of a request to the application.
    pub fn request(&mut self, params: &BTreeMap<String, String>) {
        for sid in sids(params) {
            self.sid(sid);
        }
        let sid = |name: &str| params.get(name).and_then(|value| value.parse::<Sid>().ok());
        let text = |name: &str| params.get(name).map(String::as_str).unwrap_or_default();
        if let Some(call) = sid("CallSid") {
            self.call(call, CallStatus::from_wire(text("CallStatus")));
        }
        if let Some(recording) = sid("RecordingSid") {
            // The request of a verb tells no status: it is sent for whole recordings alone.
            let status = match params.get("RecordingStatus") {
                Some(status) => RecordingStatus::from_wire(status),
                None => Some(RecordingStatus::Completed),
            };
            self.recording(recording, status, text("RecordingDuration").parse().ok());
        }
    }

    /// Somebody wants a call or a recording deleted, or was told that it is.
    pub fn deletion(&mut self, sid: Sid, deleted: bool) {
        let (call, recording) = (self.calls.get_mut(&sid), self.recordings.get_mut(&sid));
        if let Some(told) = call {
            (told.deletion_asked, told.deleted) = (true, deleted);
        }
        if let Some(told) = recording {
            (told.deletion_asked, told.deleted) = (true, deleted);
        }
    }

    /// All of `other`, too.
    pub fn add(&mut self, other: &Facts) {
        for (sid, told) in &other.calls {
            self.calls.entry(*sid).or_default().add(*told);
        }
        for (sid, told) in &other.recordings {
            self.recordings.entry(*sid).or_default().add(*told);
        }
    }
}

/// All SIDs among the values of a request.
pub fn sids(params: &BTreeMap<String, String>) -> Vec<Sid> {
    params.values().filter_map(|value| value.parse().ok()).collect()
}
