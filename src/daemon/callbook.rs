//! What the conductor remembers of living calls for those who look at them: which verb each is in; and the one line of
//! the log at a call's begin and the one at its end. The router keeps the calls themselves.

use std::collections::HashMap;

use tipring_resources::{Call, Sid};
use tipring_router::{Trace, TraceKind};

use super::serve::now;
use crate::observe::state::LiveCall;
use crate::observe::{Meters, Snapshot, log::masked, meters};

/// Calls that are remembered: more than the router has at once.
const KEPT: usize = 4_096;
/// Characters of a verb that are kept.
const VERB: usize = 60;

/// Living calls and their verbs.
#[derive(Default)]
pub struct CallBook {
    verbs: HashMap<Sid, String>,
}

impl CallBook {
    /// A call's record is written.
    pub fn written(&mut self, call: &Call, meters: &Meters) {
        let (sid, direction) = (call.sid.to_string(), call.direction.as_str());
        let line = (!call.line.is_empty()).then_some(call.line.as_str());
        let (from, to) = (masked(&call.from), masked(&call.to));
        if call.status.is_final() {
            self.verbs.remove(&call.sid);
            meters.call_ended(call);
            let lasted_s = call.duration_s().unwrap_or(0);
            let (status, cause) = (call.status.as_str(), call.cause);
            tracing::info!(call_sid = sid, line, direction, cause, "call over: {from} to {to}, {status}, {lasted_s} s");
        } else if self.verbs.len() < KEPT && !self.verbs.contains_key(&call.sid) {
            self.verbs.insert(call.sid, String::new());
            tracing::info!(call_sid = sid, line, direction, "new call: {from} to {to}");
        }
    }

    /// A line of the timeline.
    pub fn traced(&mut self, trace: &Trace) {
        let known = trace.call.and_then(|call| self.verbs.get_mut(&call));
        if let Some(verb) = known.filter(|_| trace.kind == TraceKind::Verb) {
            // "Gather ended: 12" is not a verb any more; what follows it says itself.
            let over = trace.text.contains(" ended: ") || trace.text == "end of the document";
            *verb = if over { String::new() } else { trace.text.chars().take(VERB).collect() };
        }
    }

    /// All of it, with the router's own figures.
    pub fn snapshot<'a>(&self, calls: impl Iterator<Item = &'a Call>, router: tipring_router::Counters) -> Snapshot {
        let (mut active, now) = ([0; 2], now());
        let mut calls: Vec<(i64, LiveCall)> = calls
            .map(|call| {
                active[meters::direction(call.direction)] += 1;
                let seconds = u64::try_from((now.0 - call.created.0) / 1_000_000).unwrap_or(0);
                let shown = LiveCall {
                    sid: call.sid.to_string(),
                    direction: call.direction.as_str().into(),
                    from: call.from.clone(),
                    to: call.to.clone(),
                    line: call.line.clone(),
                    status: call.status.as_str().into(),
                    verb: self.verbs.get(&call.sid).cloned().unwrap_or_default(),
                    seconds,
                };
                (call.created.0, shown)
            })
            .collect();
        calls.sort_by_key(|(created, _)| *created);
        Snapshot { calls: calls.into_iter().map(|(_, call)| call).collect(), active, router }
    }
}

#[cfg(test)]
mod tests {
    use tipring_card::Micros;
    use tipring_resources::{CallStatus, Direction};

    use super::*;
    use crate::observe::meters::a_call;

    #[test]
    fn a_call_is_shown_with_its_verb_and_forgotten_with_its_end() {
        let (mut book, meters) = (CallBook::default(), Meters::default());
        let mut call = a_call(Direction::Inbound, CallStatus::InProgress, Some(10));
        let verb =
            |text: &str| Trace { at: Micros::ZERO, call: Some(call.sid), kind: TraceKind::Verb, text: text.into() };
        book.traced(&verb("Say (line 2)"));
        assert!(book.verbs.is_empty(), "nobody knows the call yet");
        book.written(&call, &meters);
        book.traced(&verb("Gather (line 2)"));
        let shown = book.snapshot(std::iter::once(&call), tipring_router::Counters::default());
        assert_eq!((shown.active, shown.calls[0].verb.as_str()), ([1, 0], "Gather (line 2)"));
        book.traced(&verb("Gather ended: 12"));
        assert_eq!(book.verbs[&call.sid], "");
        call.status = CallStatus::Completed;
        book.written(&call, &meters);
        assert!(book.verbs.is_empty(), "nothing is kept of calls that are over");
    }
}
