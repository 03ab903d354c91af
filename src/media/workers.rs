//! Workers: threads that carry works out, as many as the queue asks for, to a limit. A work that finds no
//! worker free and the limit not reached hires one; otherwise it waits, in order. Who had nothing to do for a declared time
//! leaves, down to one. The limit can be changed at any time: what is under way is not touched.
//!
//! They are no threads of the runtime: whatever they do, requests are read and kept media are served.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::config::{Clock, Limits};

/// How much the workers of one kind have to do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Crew {
    /// Workers at most.
    pub limit: usize,
    /// Workers that there are.
    pub workers: usize,
    /// Workers that work.
    pub busy: usize,
    /// Works that wait for a worker.
    pub queued: usize,
    /// Works begun since the start.
    pub begun: u64,
    /// Milliseconds that they waited for their workers, all together.
    pub waited_ms: u64,
    /// Works turned away because too many waited.
    pub turned_away: u64,
}

pub(crate) struct Workers(Arc<Shared>);

/// A place for one work. Dropped without one, it is free again.
pub(crate) struct Place {
    shared: Arc<Shared>,
    filled: bool,
}

pub(crate) type Work = Box<dyn FnOnce() + Send>;

struct Shared {
    name: &'static str,
    /// How much lower they are.
    steps: i32,
    clock: Clock,
    /// Works that wait at most.
    waiting: usize,
    /// Who had nothing to do for so long leaves.
    rest: Duration,
    roster: Mutex<Roster>,
}

#[derive(Default)]
struct Roster {
    limit: usize,
    workers: usize,
    /// Who rests, longest first.
    idle: Vec<Idle>,
    queue: VecDeque<(Work, SystemTime)>,
    /// Places that were given and not filled yet.
    promised: usize,
    begun: u64,
    waited: Duration,
    turned_away: u64,
    stopped: bool,
}

/// A worker that rests. Without its bell it leaves.
struct Idle {
    since: SystemTime,
    bell: Sender<Work>,
}

impl Workers {
    /// None yet; `limit` at most (one at least), so many `steps` lower; and what else of the limits is for both crews.
    pub fn new(name: &'static str, limit: usize, steps: i32, limits: &Limits, clock: Clock) -> Self {
        let roster = Mutex::new(Roster { limit: limit.max(LEAST), ..Roster::default() });
        Self(Arc::new(Shared { name, steps, clock, waiting: limits.waiting, rest: limits.rest, roster }))
    }

    /// A place for one more work; `None`: too many wait already.
    pub fn place(&self) -> Option<Place> {
        let mut roster = self.0.roster();
        if roster.busy() + roster.queue.len() + roster.promised >= roster.limit + self.0.waiting {
            roster.turned_away += 1;
            return None;
        }
        roster.promised += 1;
        Some(Place { shared: Arc::clone(&self.0), filled: false })
    }

    /// Another limit, from now on. Who is too many leaves after the work that is under way.
    pub fn set_limit(&self, limit: usize) {
        let mut roster = self.0.roster();
        roster.limit = limit.max(LEAST);
        while roster.workers > roster.limit && !roster.idle.is_empty() {
            roster.workers -= 1;
            roster.idle.remove(0);
        }
        while roster.workers < roster.limit
            && let Some((work, since)) = roster.queue.pop_front()
        {
            if let Err(work) = self.0.hire(&mut roster, work, since) {
                roster.queue.push_front((work, since));
                return;
            }
        }
    }

    /// Lets those go who had nothing to do for long.
    pub fn relieve(&self) {
        let now = self.0.now();
        let mut roster = self.0.roster();
        while roster.workers > LEAST && roster.idle.first().is_some_and(|it| since(it.since, now) >= self.0.rest) {
            roster.workers -= 1;
            roster.idle.remove(0);
        }
    }

    /// Fills every place with works that go on until their gates are dropped.
    pub fn occupy(&self) -> Vec<Sender<()>> {
        let mut gates = Vec::new();
        while let Some(place) = self.place() {
            let (gate, dropped) = channel();
            gates.push(gate);
            place.fill(Box::new(move || {
                let _ = dropped.recv();
            }));
        }
        gates
    }

    /// As it is now.
    pub fn crew(&self) -> Crew {
        let roster = self.0.roster();
        Crew {
            limit: roster.limit,
            workers: roster.workers,
            busy: roster.busy(),
            queued: roster.queue.len(),
            begun: roster.begun,
            waited_ms: u64::try_from(roster.waited.as_millis()).unwrap_or(u64::MAX),
            turned_away: roster.turned_away,
        }
    }

    /// Whoever rests leaves, what waits is dropped, nothing new is begun.
    pub fn stop(&self) {
        let (idle, queue) = {
            let mut roster = self.0.roster();
            roster.stopped = true;
            roster.workers -= roster.idle.len();
            (std::mem::take(&mut roster.idle), std::mem::take(&mut roster.queue))
        };
        // A work that is dropped may tell somebody so: not under the lock.
        drop((idle, queue));
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Place {
    /// Gives the place its work. It is dropped undone if the workers are stopped.
    pub fn fill(mut self, work: Work) {
        let now = self.shared.now();
        let mut roster = self.shared.roster();
        self.filled = true;
        roster.promised -= 1;
        if roster.stopped {
            drop(roster);
            return;
        }
        let mut work = work;
        // Who rested last: the others may leave.
        while let Some(idle) = roster.idle.pop() {
            match idle.bell.send(work) {
                Ok(()) => return roster.began(now, now),
                Err(back) => {
                    roster.workers -= 1;
                    work = back.0;
                }
            }
        }
        if roster.workers < roster.limit {
            match self.shared.hire(&mut roster, work, now) {
                Ok(()) => return,
                Err(back) => work = back,
            }
        }
        roster.queue.push_back((work, now));
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.filled {
            self.shared.roster().promised -= 1;
        }
    }
}

impl Shared {
    fn roster(&self) -> MutexGuard<'_, Roster> {
        self.roster.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> SystemTime {
        (self.clock)()
    }

    /// One more worker, who begins with this work; it comes back if the system has no thread.
    fn hire(self: &Arc<Self>, roster: &mut Roster, work: Work, since: SystemTime) -> Result<(), Work> {
        let (bell, first) = channel();
        let shared = Arc::clone(self);
        let hired = std::thread::Builder::new().name(self.name.into()).spawn(move || shared.serve(&first));
        if let Err(error) = hired {
            tracing::warn!(%error, "a worker of the media layer could not be started");
            return Err(work);
        }
        roster.workers += 1;
        roster.began(since, self.now());
        bell.send(work).map_err(|back| back.0)
    }

    /// A worker's life.
    fn serve(&self, first: &Receiver<Work>) {
        lower_priority(self.steps);
        let mut next = first.recv().ok();
        while let Some(work) = next {
            if catch_unwind(AssertUnwindSafe(work)).is_err() {
                tracing::error!("a work of the media layer panicked");
            }
            next = match self.next() {
                Next::Work(work) => Some(work),
                // Whoever takes the bell off the list has counted us out.
                Next::Rest(bell) => bell.recv().ok(),
                Next::Leave => None,
            };
        }
    }

    fn next(&self) -> Next {
        let mut roster = self.roster();
        if roster.stopped || roster.workers > roster.limit {
            roster.workers -= 1;
            return Next::Leave;
        }
        if let Some((work, since)) = roster.queue.pop_front() {
            roster.began(since, self.now());
            return Next::Work(work);
        }
        let (bell, rung) = channel();
        roster.idle.push(Idle { since: self.now(), bell });
        Next::Rest(rung)
    }
}

/// What a worker does after a work.
enum Next {
    Work(Work),
    Rest(Receiver<Work>),
    Leave,
}

impl Roster {
    fn busy(&self) -> usize {
        self.workers - self.idle.len()
    }

    fn began(&mut self, since_then: SystemTime, now: SystemTime) {
        self.begun += 1;
        self.waited += since(since_then, now);
    }
}

fn since(then: SystemTime, now: SystemTime) -> Duration {
    // A clock that was put back has shown nothing.
    now.duration_since(then).unwrap_or_default()
}

/// The calling thread is so many steps lower from now on: the thread alone, on Linux.
fn lower_priority(steps: i32) {
    if let Err(error) = rustix::process::nice(steps) {
        tracing::warn!(%error, "a worker of the media layer keeps its priority");
    }
}

/// One is always there.
const LEAST: usize = 1;
/// Conversions are ten steps below calls: a tenth of their share of a processor that both want.
pub(crate) const SOUND_STEPS: i32 = 10;
/// Speech is not: a conversion is ahead of who hears it, while a caller waits for the words, and for the next sentence when
/// the first one is over. Where the layer has a process of its own, that is as low as its unit says.
pub(crate) const SPEECH_STEPS: i32 = 0;
