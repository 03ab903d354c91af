//! What the world outside a box has been told: every SID that stood in a request to the application or in an answer of
//! the API, and what was said of it. What was told once has to be true for ever, whenever the box dies.

use std::collections::BTreeMap;
use std::fmt::Debug;

use tipring_resources::{CallStatus, RecordingStatus, Sid, SidKind};

/// What was told.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Each call.
    pub calls: BTreeMap<Sid, Told<CallStatus>>,
    /// Each recording.
    pub recordings: BTreeMap<Sid, Told<RecordingStatus>>,
    /// The last callback of each call's progress: its number and what it said.
    progress: BTreeMap<Sid, (u32, String)>,
    /// What was told in two ways.
    pub contradictions: Vec<String>,
}

/// What was told of one.
#[derive(Clone, Copy, Debug)]
pub struct Told<Status> {
    /// Its final status, if that was told.
    pub end: Option<Status>,
    /// Its length, if that was told.
    pub seconds: Option<u32>,
    /// The call that dialled it, if that was told.
    pub parent: Option<Sid>,
    /// A 201 told of it.
    pub made: bool,
    /// Somebody wanted it deleted.
    pub deletion_asked: bool,
    /// Its deletion was confirmed.
    pub deleted: bool,
}

impl<Status> Default for Told<Status> {
    fn default() -> Self {
        Told { end: None, seconds: None, parent: None, made: false, deletion_asked: false, deleted: false }
    }
}

impl<Status: Copy + PartialEq + Debug> Told<Status> {
    /// False: it does not fit what was told before, which stays.
    fn add(&mut self, other: Told<Status>) -> bool {
        self.made |= other.made;
        self.deletion_asked |= other.deletion_asked;
        self.deleted |= other.deleted;
        agree(&mut self.end, other.end)
            & agree(&mut self.seconds, other.seconds)
            & agree(&mut self.parent, other.parent)
    }
}

fn agree<T: PartialEq>(known: &mut Option<T>, told: Option<T>) -> bool {
    match (known.as_ref(), told) {
        (Some(known), Some(told)) => *known == told,
        (None, told) => {
            *known = told;
            true
        }
        (Some(_), None) => true,
    }
}

impl Facts {
    /// Any SID.
    pub fn sid(&mut self, sid: Sid) {
        match sid.kind {
            SidKind::Call => self.call(sid, None, Told::default()),
            SidKind::Recording => self.recording(sid, None, None),
            _ => {}
        }
    }

    /// A call; `rest` has all but its end.
    pub fn call(&mut self, sid: Sid, status: Option<CallStatus>, rest: Told<CallStatus>) {
        let told = Told { end: status.filter(|status| status.is_final()), ..rest };
        self.add_call(sid, told);
    }

    /// A recording.
    pub fn recording(&mut self, sid: Sid, status: Option<RecordingStatus>, seconds: Option<u32>) {
        let end = status.filter(|it| matches!(it, RecordingStatus::Completed | RecordingStatus::Absent));
        self.add_recording(sid, Told { end, seconds, ..Told::default() });
    }

    fn add_call(&mut self, sid: Sid, told: Told<CallStatus>) {
        let known = self.calls.entry(sid).or_default();
        if !known.add(told) {
            self.contradictions.push(format!("{sid}: {known:?} was told, and now {told:?}"));
        }
    }

    fn add_recording(&mut self, sid: Sid, told: Told<RecordingStatus>) {
        let known = self.recordings.entry(sid).or_default();
        if !known.add(told) {
            self.contradictions.push(format!("{sid}: {known:?} was told, and now {told:?}"));
        }
    }

    /// The parameters of a request to the application.
    pub fn request(&mut self, params: &BTreeMap<String, String>) {
        for sid in sids(params) {
            self.sid(sid);
        }
        let sid = |name: &str| params.get(name).and_then(|value| value.parse::<Sid>().ok());
        let text = |name: &str| params.get(name).map(String::as_str).unwrap_or_default();
        if let Some(call) = sid("CallSid") {
            let seconds = text("CallDuration").parse().ok();
            let told = Told { seconds, parent: sid("ParentCallSid"), ..Told::default() };
            self.call(call, CallStatus::from_wire(text("CallStatus")), told);
            if text("CallbackSource") == "call-progress-events" {
                self.progress(call, text("SequenceNumber"), text("CallStatus"));
            }
        }
        if let Some(dialled) = sid("DialCallSid") {
            let seconds = text("DialCallDuration").parse().ok();
            let told = Told { seconds, parent: sid("CallSid"), ..Told::default() };
            self.call(dialled, CallStatus::from_wire(text("DialCallStatus")), told);
        }
        if let Some(recording) = sid("RecordingSid") {
            // The request of a verb tells no status, nor does a call's last callback, which comes whether its recording
            // is closed or not.
            let status = match params.get("RecordingStatus") {
                Some(status) => RecordingStatus::from_wire(status),
                None if text("CallbackSource") == "call-progress-events" => None,
                None => Some(RecordingStatus::Completed),
            };
            self.recording(recording, status, text("RecordingDuration").parse().ok());
        }
    }

    /// Callbacks of progress come in the order of their numbers; a repeated one says what it said before.
    fn progress(&mut self, call: Sid, number: &str, status: &str) {
        let Ok(number) = number.parse::<u32>() else {
            self.contradictions.push(format!("{call}: a callback has the number {number:?}"));
            return;
        };
        let told = (number, status.to_string());
        let over = |status: &str| CallStatus::from_wire(status).is_some_and(CallStatus::is_final);
        match self.progress.get(&call) {
            Some(last) if *last == told => {}
            Some((last, said)) if *last >= number || over(said) => {
                self.contradictions.push(format!("{call}: callback {last} said {said:?}, then {number} {status:?}"));
            }
            _ => drop(self.progress.insert(call, told)),
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
            self.add_call(*sid, *told);
        }
        for (sid, told) in &other.recordings {
            self.add_recording(*sid, *told);
        }
        for (sid, (number, status)) in &other.progress {
            self.progress(*sid, &number.to_string(), status);
        }
        self.contradictions.extend(other.contradictions.iter().cloned());
    }
}

/// All SIDs among the values of a request.
pub fn sids(params: &BTreeMap<String, String>) -> Vec<Sid> {
    params.values().filter_map(|value| value.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALL: &str = "CA00000000000000000000000000000001";
    const PARENT: &str = "CA00000000000000000000000000000002";

    fn told(requests: &[&[(&str, &str)]]) -> Facts {
        let mut facts = Facts::default();
        for request in requests {
            facts.request(&request.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect());
        }
        facts
    }

    fn callback<'a>(number: &'a str, status: &'a str) -> Vec<(&'a str, &'a str)> {
        let source = ("CallbackSource", "call-progress-events");
        vec![("CallSid", CALL), ("CallStatus", status), source, ("SequenceNumber", number)]
    }

    #[test]
    fn what_is_told_twice_must_be_the_same() {
        let ends = |first: &[(&str, &str)], second: &[(&str, &str)]| told(&[first, second]).contradictions.len();
        let completed = [("CallSid", CALL), ("CallStatus", "completed"), ("CallDuration", "3")];
        let dialled = |status| [("CallSid", PARENT), ("DialCallSid", CALL), ("DialCallStatus", status)];
        assert_eq!(ends(&completed, &completed), 0);
        assert_eq!(ends(&completed, &[("CallSid", CALL), ("CallStatus", "failed")]), 1);
        assert_eq!(ends(&completed, &[("CallSid", CALL), ("CallStatus", "completed"), ("CallDuration", "4")]), 1);
        assert_eq!((ends(&completed, &dialled("completed")), ends(&completed, &dialled("failed"))), (0, 1));
        assert_eq!(ends(&dialled("busy"), &[("CallSid", CALL), ("ParentCallSid", CALL)]), 1, "another parent");
        let (mut past, life) = (told(&[&completed]), told(&[&[("CallSid", CALL), ("CallStatus", "failed")]]));
        past.add(&life);
        assert_eq!(past.contradictions.len(), 1, "and in another life");
    }

    #[test]
    fn callbacks_come_in_order_and_nothing_comes_after_the_end() {
        let order = |second: Vec<(&str, &str)>| {
            told(&[&callback("0", "initiated"), &callback("1", "completed"), &second]).contradictions.len()
        };
        assert_eq!(order(callback("1", "completed")), 0, "a repeated try");
        assert_eq!(order(callback("0", "initiated")), 1);
        assert_eq!(order(callback("2", "completed")), 1);
        assert_eq!(order(callback("2", "in-progress")), 1);
        assert_eq!(order(callback("1", "busy")), 2, "it contradicts the end as well");
    }
}
