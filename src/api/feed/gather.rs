//! Where events come from: the store's news, and a look at the spans every quarter of a second.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use serde_json::json;
use tipring_resources::{ConferenceStatus, Queue, Record, Sid};
use tokio::sync::broadcast::error::RecvError;

use super::ring::Ring;
use super::shape;
use crate::State;
use crate::lines::{LineState, SpanState};

/// Gathers until the ring is dropped.
pub(super) fn start(state: &State, ring: &Arc<Ring>) {
    let mut news = state.store.news();
    let spans = state.live.spans();
    let (state, ring) = (state.clone(), Arc::downgrade(ring));
    tokio::spawn(async move {
        let mut gatherer = Gatherer { owners: owners(&state).await, spans, state, ring };
        let mut every = tokio::time::interval(LOOK);
        loop {
            let goes_on = tokio::select! {
                told = news.recv() => match told {
                    Ok(record) => gatherer.record(&record),
                    Err(RecvError::Lagged(missed)) => gatherer.missed(missed),
                    Err(RecvError::Closed) => false,
                },
                _ = every.tick() => gatherer.look(),
            };
            if !goes_on {
                return;
            }
        }
    });
}

struct Gatherer {
    state: State,
    ring: Weak<Ring>,
    /// Whose rooms and queues are, for what their records do not say when they are gone.
    owners: HashMap<Sid, Sid>,
    /// At the last look.
    spans: Vec<SpanState>,
}

impl Gatherer {
    /// `false`: nobody can listen any more.
    fn record(&mut self, record: &Record) -> bool {
        let Some(ring) = self.ring.upgrade() else { return false };
        match record {
            Record::Conference(room) if room.status != ConferenceStatus::Completed => {
                self.owners.insert(room.sid, room.account);
            }
            Record::Participant(one) => {
                self.owners.insert(one.conference, one.account);
            }
            Record::Queue(queue) => {
                self.owners.insert(queue.sid, queue.account);
            }
            _ => {}
        }
        let owner = |sid: Sid| self.owners.get(&sid).copied();
        let (kind, account, data) = shape::of_record(&self.state, record, owner);
        if account.is_some() {
            ring.tell(kind, account, self.state.live.now(), &data);
        }
        match record {
            // Its last participants go before it, and what comes after is too late for a room anyway.
            Record::Conference(room) if room.status == ConferenceStatus::Completed => self.owners.remove(&room.sid),
            Record::QueueGone(sid) => self.owners.remove(sid),
            _ => None,
        };
        true
    }

    fn missed(&self, missed: u64) -> bool {
        let Some(ring) = self.ring.upgrade() else { return false };
        tracing::warn!(missed, "the event stream is behind the store: its readers begin anew");
        ring.break_off();
        true
    }

    /// Tells what is other than at the last look.
    fn look(&mut self) -> bool {
        let Some(ring) = self.ring.upgrade() else { return false };
        let now = self.state.live.now();
        let spans = self.state.live.spans();
        for span in &spans {
            let before = self.spans.iter().find(|before| before.name == span.name);
            if before.is_none_or(|before| (before.up, &before.alarms) != (span.up, &span.alarms)) {
                ring.tell("span", None, now, &shape::of_span(span));
            }
            for line in changed(before, span) {
                ring.tell("line", None, now, &shape::of_line(span, line));
            }
        }
        for gone in self.spans.iter().filter(|before| spans.iter().all(|span| span.name != before.name)) {
            ring.tell("span", None, now, &json!({ "name": gone.name, "status": "gone" }));
        }
        self.spans = spans;
        true
    }
}

fn changed<'a>(before: Option<&'a SpanState>, span: &'a SpanState) -> impl Iterator<Item = LineState> + 'a {
    let same = move |line: &LineState| before.is_some_and(|before| before.lines.contains(line));
    span.lines.iter().copied().filter(move |line| !same(line))
}

async fn owners(state: &State) -> HashMap<Sid, Sid> {
    // Rooms of before the start are over.
    let queues = state.store.all::<Queue>().await.unwrap_or_default();
    queues.into_iter().map(|queue| (queue.sid, queue.account)).collect()
}

/// Between two looks at the spans; what is shown of them is as old.
const LOOK: Duration = Duration::from_millis(250);
