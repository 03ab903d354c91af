//! Which task waits for which name. A name leaves when its task is over, or when the task says so; events about names
//! that are not here are stale.

use std::collections::{BTreeMap, BTreeSet};

use tipring_resources::Sid;
use tipring_switch::{PlayId, Port, TapId};

use crate::effects::{AttemptId, HttpId, ListenId, MediaId, StreamId, WriteId};
use crate::world::TaskId;

#[derive(Default)]
pub(crate) struct Routes {
    pub(crate) leases: BTreeMap<Port, TaskId>,
    pub(crate) attempts: BTreeMap<AttemptId, TaskId>,
    pub(crate) calls: BTreeMap<Sid, TaskId>,
    pub(crate) http: BTreeMap<HttpId, TaskId>,
    pub(crate) media: BTreeMap<MediaId, TaskId>,
    pub(crate) plays: BTreeMap<PlayId, TaskId>,
    /// Playings that nobody waits for.
    pub(crate) beeps: BTreeSet<PlayId>,
    pub(crate) taps: BTreeMap<TapId, TaskId>,
    pub(crate) recordings: BTreeMap<Sid, TaskId>,
    pub(crate) listens: BTreeMap<ListenId, TaskId>,
    pub(crate) transcriptions: BTreeMap<Sid, TaskId>,
    pub(crate) streams: BTreeMap<StreamId, TaskId>,
    pub(crate) messages: BTreeMap<Sid, TaskId>,
    pub(crate) writes: BTreeMap<WriteId, Vec<TaskId>>,
}

impl Routes {
    /// A task waits for a commit; others may wait for the same.
    pub(crate) fn await_write(&mut self, write: WriteId, task: TaskId) {
        self.writes.entry(write).or_default().push(task);
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.leases.is_empty()
            && self.attempts.is_empty()
            && self.calls.is_empty()
            && self.http.is_empty()
            && self.media.is_empty()
            && self.plays.is_empty()
            && self.beeps.is_empty()
            && self.taps.is_empty()
            && self.recordings.is_empty()
            && self.listens.is_empty()
            && self.transcriptions.is_empty()
            && self.streams.is_empty()
            && self.messages.is_empty()
            && self.writes.is_empty()
    }

    /// Everything that a task waited for.
    pub(crate) fn forget(&mut self, task: TaskId) {
        self.leases.retain(|_, waiter| *waiter != task);
        self.attempts.retain(|_, waiter| *waiter != task);
        self.calls.retain(|_, waiter| *waiter != task);
        self.http.retain(|_, waiter| *waiter != task);
        self.media.retain(|_, waiter| *waiter != task);
        self.plays.retain(|_, waiter| *waiter != task);
        self.taps.retain(|_, waiter| *waiter != task);
        self.recordings.retain(|_, waiter| *waiter != task);
        self.listens.retain(|_, waiter| *waiter != task);
        self.transcriptions.retain(|_, waiter| *waiter != task);
        self.streams.retain(|_, waiter| *waiter != task);
        self.messages.retain(|_, waiter| *waiter != task);
        for waiters in self.writes.values_mut() {
            waiters.retain(|waiter| *waiter != task);
        }
        self.writes.retain(|_, waiters| !waiters.is_empty());
    }
}
