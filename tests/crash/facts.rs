//! What the world outside a box has been told: every SID that stood in a request to the application or in an answer of
//! the API, and what was said of it. What was told once has to be true for ever, whenever the box dies.

use std::collections::BTreeMap;

use tipring_resources::{CallStatus, RecordingStatus, Sid, SidKind};

/// What was told.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Each call, and its final status if that was told.
    pub calls: BTreeMap<Sid, Option<CallStatus>>,
    /// Each recording.
    pub recordings: BTreeMap<Sid, Told>,
}

/// What was told of a recording.
#[derive(Clone, Copy, Debug, Default)]
pub struct Told {
    /// Completed or absent, if that was told.
    pub end: Option<RecordingStatus>,
    /// Its length, if that was told.
    pub seconds: Option<u32>,
    /// Somebody wanted it deleted.
    pub deletion_asked: bool,
    /// Its deletion was confirmed.
    pub deleted: bool,
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
        let told = self.calls.entry(sid).or_default();
        *told = told.or(status.filter(|status| status.is_final()));
    }

    /// A recording.
    pub fn recording(&mut self, sid: Sid, status: Option<RecordingStatus>, seconds: Option<u32>) {
        let told = self.recordings.entry(sid).or_default();
        let end = status.filter(|it| matches!(it, RecordingStatus::Completed | RecordingStatus::Absent));
        told.end = told.end.or(end);
        told.seconds = told.seconds.or(seconds);
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

    /// All of `other`, too.
    pub fn add(&mut self, other: &Facts) {
        for (sid, status) in &other.calls {
            self.call(*sid, *status);
        }
        for (sid, other) in &other.recordings {
            self.recording(*sid, other.end, other.seconds);
            if let Some(told) = self.recordings.get_mut(sid) {
                told.deletion_asked |= other.deletion_asked;
                told.deleted |= other.deleted;
            }
        }
    }
}

/// All SIDs among the values of a request.
pub fn sids(params: &BTreeMap<String, String>) -> Vec<Sid> {
    params.values().filter_map(|value| value.parse().ok()).collect()
}
