//! Queues of callers: first come, first served. One owner: a queue is here; the callers' own verb is Enqueue, the agents'
//! is a Dial with a Queue in it. Whoever is taken out of a queue is lent to the agent's Dial as a called leg would be, so
//! that the bridge and its end are the same; when the Dial is over he goes on behind his Enqueue.

mod requests;

use std::collections::{BTreeMap, VecDeque};

use tipring_resources::{Call, Member, Method, Queue, Record, Sid, SidKind, Stamp};

use crate::bridge::{Child, ChildState};
use crate::limits::MAX_QUEUES;
use crate::params::{Params, param};
use crate::world::{Input, TaskId, World};

/// A queue and who waits there, on both sides.
pub(crate) struct CallQueue {
    pub(crate) record: Queue,
    /// Who waits longest comes first.
    waiting: VecDeque<Waiting>,
    /// Agents that wait for a caller.
    agents: VecDeque<Agent>,
}

struct Waiting {
    task: TaskId,
    member: Member,
}

struct Agent {
    task: TaskId,
    /// What the caller hears before he is connected.
    whisper: Option<(String, Method)>,
}

/// All queues.
#[derive(Default)]
pub(crate) struct Queues {
    all: BTreeMap<Sid, CallQueue>,
    names: BTreeMap<(Sid, String), Sid>,
}

/// A caller's time in a queue, as his leg knows it.
#[derive(Clone, Debug)]
pub(crate) struct Queued {
    pub(crate) queue: Sid,
    pub(crate) since: Stamp,
    /// An agent has him.
    pub(crate) taken: Option<Taken>,
    /// They were connected.
    pub(crate) bridged: bool,
}

impl Queued {
    /// How long he has waited: until an agent took him.
    pub(crate) fn waited_s(&self, now: Stamp) -> i64 {
        waited_s(self.taken.as_ref().map_or(now, |taken| taken.at), self.since)
    }
}

/// By whom a caller was taken out of a queue.
#[derive(Clone, Debug)]
pub(crate) struct Taken {
    pub(crate) by: Sid,
    pub(crate) at: Stamp,
    pub(crate) whisper: Option<(String, Method)>,
}

impl Queues {
    /// Learns a queue, or its new name and size.
    pub(crate) fn learn(&mut self, record: Queue) {
        if let Some(old) = self.all.get(&record.sid) {
            self.names.remove(&(old.record.account, old.record.friendly_name.clone()));
        }
        self.names.insert((record.account, record.friendly_name.clone()), record.sid);
        match self.all.get_mut(&record.sid) {
            Some(queue) => queue.record = record,
            None => {
                let queue = CallQueue { waiting: VecDeque::new(), agents: VecDeque::new(), record };
                self.all.insert(queue.record.sid, queue);
            }
        }
    }

    /// A queue of an account, by its SID or its name.
    pub(crate) fn find(&self, account: Sid, named: &str) -> Option<Sid> {
        let by_sid = named.parse::<Sid>().ok().filter(|sid| sid.kind == SidKind::Queue);
        let by_sid = by_sid.filter(|sid| self.all.get(sid).is_some_and(|queue| queue.record.account == account));
        by_sid.or_else(|| self.names.get(&(account, named.to_owned())).copied())
    }

    /// Whether anybody waits anywhere.
    #[cfg(test)]
    pub(crate) fn is_idle(&self) -> bool {
        self.all.values().all(|queue| queue.waiting.is_empty() && queue.agents.is_empty())
    }
}

impl World {
    /// A queue of that name, made if there is none. `None`: there are too many.
    pub(crate) fn queue_of(&mut self, account: Sid, name: &str, max_size: u32) -> Option<Sid> {
        if let Some(sid) = self.queues.find(account, name) {
            return Some(sid);
        }
        if self.queues.all.len() >= MAX_QUEUES {
            return None;
        }
        let now = self.stamp();
        let sid = self.sid(SidKind::Queue);
        let record = Queue { sid, account, friendly_name: name.to_owned(), max_size, created: now, updated: now };
        self.write(Record::Queue(record.clone()));
        self.queues.learn(record);
        Some(sid)
    }

    /// A caller joins a queue, at its end. `false`: it is full.
    pub(crate) fn enqueue(&mut self, task: TaskId, sid: Sid, most: Option<u32>) -> bool {
        let now = self.stamp();
        let Some(session) = self.sessions.get_mut(&task) else { return false };
        let Some(queue) = self.queues.all.get_mut(&sid) else { return false };
        let most = most.map_or(queue.record.max_size, |most| most.min(queue.record.max_size));
        if queue.waiting.len() >= usize::try_from(most).unwrap_or(usize::MAX) {
            return false;
        }
        let member = Member { queue: sid, account: session.call.account, call: session.call.sid, enqueued: now };
        session.queued = Some(Queued { queue: sid, since: now, taken: None, bridged: false });
        queue.waiting.push_back(Waiting { task, member: member.clone() });
        self.write(Record::Member(member));
        self.watch_silence(task);
        self.serve_agents(sid);
        true
    }

    /// A caller waits no more, whatever the reason. How long he has waited.
    pub(crate) fn dequeue(&mut self, task: TaskId) -> Option<Queued> {
        let queued = self.sessions.get_mut(&task)?.queued.take()?;
        self.take_out(task, queued.queue);
        self.watch_silence(task);
        Some(queued)
    }

    fn take_out(&mut self, task: TaskId, sid: Sid) {
        let Some(queue) = self.queues.all.get_mut(&sid) else { return };
        if let Some(at) = queue.waiting.iter().position(|waiting| waiting.task == task)
            && let Some(gone) = queue.waiting.remove(at)
        {
            self.write(Record::MemberGone { queue: sid, call: gone.member.call });
        }
    }

    /// A leg that is over waits on neither side; its verb still knows where it has waited.
    pub(crate) fn leave_queues(&mut self, task: TaskId) {
        if let Some(sid) = self.sessions.get(&task).and_then(|session| session.queued.as_ref()).map(|q| q.queue) {
            self.take_out(task, sid);
        }
        self.agent_leaves(task);
    }

    /// An agent waits for a caller of a queue. `false`: there is no such queue any more.
    pub(crate) fn agent_waits(&mut self, task: TaskId, sid: Sid, whisper: Option<(String, Method)>) -> bool {
        let Some(queue) = self.queues.all.get_mut(&sid) else { return false };
        queue.agents.push_back(Agent { task, whisper });
        self.serve_agents(sid);
        true
    }

    /// An agent waits no more.
    pub(crate) fn agent_leaves(&mut self, task: TaskId) {
        for queue in self.queues.all.values_mut() {
            queue.agents.retain(|agent| agent.task != task);
        }
        let offered = self.sessions.get_mut(&task).and_then(|session| session.offered.take());
        if let Some(caller) = offered.filter(|caller| self.child_of(task, *caller).is_some()) {
            self.give_back(caller);
            self.children.remove(&caller);
        }
    }

    /// Brings together who waits longest on both sides, as long as there are both.
    fn serve_agents(&mut self, sid: Sid) {
        let at = self.stamp();
        loop {
            let Some(queue) = self.queues.all.get_mut(&sid) else { return };
            if queue.waiting.is_empty() || queue.agents.is_empty() {
                return;
            }
            let (Some(waiting), Some(agent)) = (queue.waiting.pop_front(), queue.agents.pop_front()) else { return };
            let call = waiting.member.call;
            let by = self.sessions.get(&agent.task).map(|session| session.call.sid);
            self.write(Record::MemberGone { queue: sid, call });
            if let (Some(by), Some(session)) = (by, self.sessions.get_mut(&waiting.task))
                && let Some(queued) = &mut session.queued
            {
                queued.taken = Some(Taken { by, at, whisper: agent.whisper });
            }
            let child = Child { parent: agent.task, state: ChildState::Screening, screened: false, lent: true };
            self.children.insert(waiting.task, child);
            if let Some(session) = self.sessions.get_mut(&agent.task) {
                session.offered = Some(waiting.task);
            }
            self.call_away(waiting.task);
            self.deliver(agent.task, Input::Child);
        }
    }

    /// The agent that has had a caller is done with him.
    pub(crate) fn give_back(&mut self, task: TaskId) {
        self.child_leaves(task);
        self.call_away(task);
    }

    /// Who was taken and not connected waits again, before all others, as long as he has. `false`: his queue was deleted
    /// meanwhile.
    pub(crate) fn waits_again(&mut self, task: TaskId) -> bool {
        self.children.remove(&task);
        let Some(session) = self.sessions.get_mut(&task) else { return false };
        let (call, account) = (session.call.sid, session.call.account);
        let Some(queued) = &mut session.queued else { return false };
        let (sid, since) = (queued.queue, queued.since);
        let Some(queue) = self.queues.all.get_mut(&sid) else { return false };
        queued.taken = None;
        let member = Member { queue: sid, account, call, enqueued: since };
        queue.waiting.push_front(Waiting { task, member: member.clone() });
        self.write(Record::Member(member));
        self.watch_silence(task);
        self.serve_agents(sid);
        true
    }

    /// What the document of those who wait is told beside what all are told.
    pub(crate) fn of_queue(&mut self, task: TaskId) -> Params {
        let now = self.stamp();
        let Some(queued) = self.sessions.get(&task).and_then(|session| session.queued.clone()) else {
            return Params::new();
        };
        let Some(queue) = self.queues.all.get(&queued.queue) else { return Params::new() };
        let position = queue.waiting.iter().position(|waiting| waiting.task == task).map_or(0, |at| at + 1);
        vec![
            param("QueueSid", queued.queue),
            param("QueuePosition", position),
            param("QueueTime", queued.waited_s(now)),
            param("AvgQueueTime", queue.average_s(now)),
            param("CurrentQueueSize", queue.waiting.len()),
            param("MaxQueueSize", queue.record.max_size),
        ]
    }
}

impl CallQueue {
    /// How long those who are there have waited, on average.
    fn average_s(&self, now: Stamp) -> i64 {
        let waited: i64 = self.waiting.iter().map(|waiting| waited_s(now, waiting.member.enqueued)).sum();
        waited / i64::try_from(self.waiting.len().max(1)).unwrap_or(1)
    }

    fn members(&self) -> Vec<Member> {
        self.waiting.iter().map(|waiting| waiting.member.clone()).collect()
    }
}

/// Whole seconds.
fn waited_s(now: Stamp, since: Stamp) -> i64 {
    now.0.saturating_sub(since.0).max(0) / 1_000_000
}

/// A called leg's record, for those who look at it as a Dial does.
pub(crate) fn call_of(world: &World, task: TaskId) -> Option<Call> {
    world.sessions.get(&task).map(|session| session.call.clone())
}
