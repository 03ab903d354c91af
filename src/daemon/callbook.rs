//! What the conductor remembers of living calls for those who look at them: which verb each is in; and the one line of
//! the log at a call's begin and the one at its end. The router keeps the calls themselves.

use std::collections::HashMap;

use tipring_resources::{Call, Sid};
use tipring_router::{Trace, TraceKind};
use tokio::sync::mpsc;

use super::serve::now;
use crate::observe::state::LiveCall;
use crate::observe::{Meters, Snapshot, log::masked, meters};

/// Calls that are remembered: more than the router has at once.
const KEPT: usize = 4_096;
/// Characters of a verb that are kept.
const VERB: usize = 60;

/// Lines for the log that wait; what comes when they are too many is left out, and its number told.
const LINES: usize = 1_024;

/// Living calls and their verbs.
pub struct CallBook {
    verbs: HashMap<Sid, String>,
    lines: mpsc::Sender<Call>,
    left_out: u64,
}

impl CallBook {
    /// An empty book, and the end from which [`log`] takes its lines: a log that is slow must not hold calls up.
    pub fn new() -> (CallBook, mpsc::Receiver<Call>) {
        let (lines, told) = mpsc::channel(LINES);
        (CallBook { verbs: HashMap::new(), lines, left_out: 0 }, told)
    }

    /// A call's record is written.
    pub fn written(&mut self, call: &Call, meters: &Meters) {
        let is_new = match call.status.is_final() {
            true => {
                self.verbs.remove(&call.sid);
                meters.call_ended(call);
                true
            }
            false if self.verbs.len() < KEPT && !self.verbs.contains_key(&call.sid) => {
                self.verbs.insert(call.sid, String::new());
                true
            }
            false => false,
        };
        if is_new && self.lines.try_send(call.clone()).is_err() {
            self.left_out += 1;
        } else if self.left_out > 0 && self.lines.capacity() > LINES / 2 {
            tracing::warn!("{} lines about calls were left out: the log is slow", std::mem::take(&mut self.left_out));
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

/// Tells each call's begin and end, until the book is gone.
pub async fn log(mut calls: mpsc::Receiver<Call>) {
    while let Some(call) = calls.recv().await {
        tell(&call);
    }
}

/// One line: of a call that begins, or is over.
pub fn tell(call: &Call) {
    let (call_sid, direction) = (call.sid.to_string(), call.direction.as_str());
    let line = (!call.line.is_empty()).then_some(call.line.as_str());
    let (from, to) = (masked(&call.from), masked(&call.to));
    if call.status.is_final() {
        let (lasted_s, status, cause) = (call.duration_s().unwrap_or(0), call.status.as_str(), call.cause);
        tracing::info!(call_sid, line, direction, cause, "call over: {from} to {to}, {status}, {lasted_s} s");
    } else {
        tracing::info!(call_sid, line, direction, "new call: {from} to {to}");
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
        let ((mut book, mut lines), meters) = (CallBook::new(), Meters::default());
        let mut call = a_call(Direction::Inbound, CallStatus::InProgress, Some(10));
        let verb =
            |text: &str| Trace { at: Micros::ZERO, call: Some(call.sid), kind: TraceKind::Verb, text: text.into() };
        book.traced(&verb("Say text=\"Hi\" (1:11)"));
        assert!(book.verbs.is_empty(), "nobody knows the call yet");
        book.written(&call, &meters);
        book.traced(&verb("Gather timeout=2 (1:30)"));
        let shown = book.snapshot(std::iter::once(&call), tipring_router::Counters::default());
        assert_eq!((shown.active, shown.calls[0].verb.as_str()), ([1, 0], "Gather timeout=2 (1:30)"));
        book.traced(&verb("Gather ended: 12"));
        assert_eq!(book.verbs[&call.sid], "");
        call.status = CallStatus::Completed;
        book.written(&call, &meters);
        assert!(book.verbs.is_empty(), "nothing is kept of calls that are over");
        let told = [lines.try_recv(), lines.try_recv()].map(|call| call.map(|call| call.status));
        assert_eq!(told, [Ok(CallStatus::InProgress), Ok(CallStatus::Completed)]);
        assert!(lines.try_recv().is_err(), "one line at its begin and one at its end");
    }

    #[test]
    fn a_log_that_stands_still_holds_no_call_up() {
        let ((mut book, lines), meters) = (CallBook::new(), Meters::default());
        let call = a_call(Direction::Inbound, CallStatus::Completed, None);
        (0..5_000).for_each(|_| book.written(&call, &meters));
        assert_eq!((lines.len(), book.left_out), (LINES, 5_000 - LINES as u64));
    }
}
