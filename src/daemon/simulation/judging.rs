//! What came of a scenario: what its telephones heard, what the records say, and what was not as expected.

use std::io::Write;

use serde_json::{Value, json};
use tipring_card::BLOCK_US;
use tipring_resources::Call;

use super::World;
use crate::daemon::handsets::Seen;
use crate::daemon::outcome::{Called, Outcome, Told, file_of, fnv, unasked};
use crate::daemon::telephones::{Report, sound_ms};

impl<W: Write> World<'_, W> {
    pub(super) fn judge(&mut self, wall_s: f64) -> Outcome {
        let (mut failures, mut heard, mut told) = (Vec::new(), Vec::new(), Vec::new());
        for (at, telephone) in self.telephones.reports().into_iter().enumerate() {
            let call = self.calls.get(&at);
            let summary = json!({
                "telephone": telephone.id, "sid": call.map(|call| call.sid.to_string()),
                "status": call.map(|call| call.status.as_str()), "cause": telephone.cause,
                "heard_ms": telephone.heard.len() / 8, "sound_ms": telephone.sound_ms,
                "first_sound_ms": telephone.first_sound_ms, "digest": format!("{:016x}", fnv(&telephone.heard)),
                "steps": telephone.steps,
            });
            self.timeline.object(&summary);
            failures.extend(self.unmet(&telephone, call).into_iter().map(|why| format!("{}: {why}", telephone.id)));
            told.push(self.told(&telephone, call));
            heard.push((telephone.id, telephone.heard));
        }
        let (made, called, seen) = (self.made(&mut failures), self.called(), self.seen());
        failures.append(&mut self.programs.failures);
        failures.extend(unasked(self.scenario, &self.app));
        for shown in self.beyond.shown().collect::<Vec<_>>() {
            self.timeline.object(&shown);
        }
        let counters = self.media.counters();
        let channel_seconds = counters.blocks as f64 * BLOCK_US as f64 / 1e6;
        self.timeline.object(&json!({
            "ok": failures.is_empty(), "calls": heard.len(), "http": self.app.asked().len(),
            "channel_seconds": channel_seconds, "failures": failures,
        }));
        self.timeline.flush();
        let (ok, calls, asked) = (failures.is_empty(), heard.len(), self.app.asked());
        let (records, written) = (std::mem::take(&mut self.records.calls), std::mem::take(&mut self.records.written));
        let token = String::new();
        Outcome {
            examined: std::mem::take(&mut self.examined),
            ok,
            failures,
            calls,
            channel_seconds,
            wall_s,
            heard,
            told,
            made,
            called,
            seen,
            records,
            written,
            asked,
            token,
            others: std::mem::take(&mut self.records.others),
            streamed: std::mem::take(&mut self.beyond.streamed),
            messages: std::mem::take(&mut self.beyond.messages),
        }
    }

    /// What came of the calls that programs made.
    fn made(&mut self, failures: &mut Vec<String>) -> Vec<Told> {
        let mut made = Vec::new();
        for (dial, sid, refused) in self.programs.made() {
            let call = sid.and_then(|sid| self.records.calls.iter().find(|call| call.sid == sid));
            let report = Report {
                id: dial.id.clone(),
                expect: dial.expect.clone(),
                cause: call.and_then(|call| call.cause),
                ..Default::default()
            };
            // A call that was refused has no record: its code was looked at when it was answered.
            if call.is_some() {
                failures.extend(self.unmet(&report, call).into_iter().map(|why| format!("{}: {why}", dial.id)));
            }
            let line = json!({
                "dial": dial.id, "sid": sid.map(|sid| sid.to_string()), "cause": report.cause, "refused": refused,
                "status": call.map(|call| call.status.as_str()), "line": call.map(|call| call.line.as_str()),
                "supervision": call.and_then(|call| call.supervision.as_deref()),
            });
            let mut told = self.told(&report, call);
            told.errors.extend(refused.map(|(code, _)| *code));
            made.push((told, line));
        }
        let lines = made.into_iter().map(|(told, line)| {
            self.timeline.object(&line);
            told
        });
        lines.collect()
    }

    /// What the called telephones heard.
    fn called(&mut self) -> Vec<Called> {
        let mut called = Vec::new();
        for telephone in self.telephones.called() {
            let (from, to) = telephone.called.unwrap_or_default();
            self.timeline.object(&json!({
                "telephone": telephone.id, "from": from, "to": to, "cause": telephone.cause,
                "answered_after_ms": telephone.answered_after_ms, "sound_ms": telephone.sound_ms,
                "digest": format!("{:016x}", fnv(&telephone.heard)), "steps": telephone.steps,
            }));
            let (cause, answered_after_ms) = (telephone.cause, telephone.answered_after_ms);
            let (heard, moments, keys) = (telephone.heard, telephone.moments, telephone.keys);
            called.push(Called { from, to, cause, answered_after_ms, heard, moments, keys });
        }
        called
    }

    /// What the telephones on ports of the box saw.
    fn seen(&mut self) -> Vec<Seen> {
        let seen = self.telephones.seen();
        for telephone in &seen {
            self.timeline.object(&json!({
                "telephone": telephone.id, "rings": telephone.rings_ms.len(), "number": telephone.number,
                "name": telephone.name, "restricted": telephone.restricted, "lifted_ms": telephone.lifted_ms,
                "drops": telephone.drops_ms.len(), "sound_ms": sound_ms(&telephone.heard),
                "digest": format!("{:016x}", fnv(&telephone.heard)), "steps": telephone.steps,
            }));
        }
        seen
    }

    fn told(&self, telephone: &Report, call: Option<&Call>) -> Told {
        let sid = call.map(|call| call.sid);
        let recordings = sid.and_then(|sid| self.records.recordings.get(&sid)).into_iter().flatten();
        Told {
            sid: sid.map(|sid| sid.to_string()).unwrap_or_default(),
            status: call.map(|call| call.status.as_str().to_string()),
            cause: telephone.cause,
            answered_after_ms: telephone.answered_after_ms,
            first_sound_ms: telephone.first_sound_ms,
            sound_ms: telephone.sound_ms,
            errors: sid.and_then(|sid| self.records.errors.get(&sid)).cloned().unwrap_or_default(),
            recordings: recordings.filter_map(|sid| file_of(&self.hands.store, *sid)).collect(),
            moments: telephone.moments.clone(),
            keys: telephone.keys.clone(),
        }
    }

    fn unmet(&self, telephone: &Report, call: Option<&Call>) -> Vec<String> {
        let expect = &telephone.expect;
        let mut unmet = Vec::new();
        let mut check = |what: &str, wanted: Option<Value>, got: Value| {
            if let Some(wanted) = wanted
                && wanted != got
            {
                unmet.push(format!("{what}: wanted {wanted}, got {got}"));
            }
        };
        let status = call.map(|call| call.status.as_str());
        check("status", expect.status.as_deref().map(Value::from), json!(status));
        check("cause", expect.cause.map(Value::from), json!(telephone.cause));
        let sid = call.map(|call| call.sid);
        let recordings = sid.and_then(|sid| self.records.recordings.get(&sid)).map_or(0, Vec::len);
        check("recordings", expect.recordings.map(Value::from), json!(recordings));
        let none = Vec::new();
        let errors = sid.and_then(|sid| self.records.errors.get(&sid)).unwrap_or(&none);
        check("errors", expect.errors.clone().map(Value::from), json!(errors));
        if expect.heard_ms_min.is_some_and(|min| telephone.sound_ms < min) {
            unmet.push(format!("heard {} ms of sound, wanted more", telephone.sound_ms));
        }
        if expect.heard_ms_max.is_some_and(|max| telephone.sound_ms > max) {
            unmet.push(format!("heard {} ms of sound, wanted less", telephone.sound_ms));
        }
        unmet
    }
}
