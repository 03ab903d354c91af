//! What the API wants of queues and of those who wait there (row C10).

use tipring_resources::{Record, Sid};

use crate::effects::{Effect, RequestId, TraceKind};
use crate::limits::MAX_QUEUES;
use crate::requests::{Instructions, Reply};
use crate::world::{Input, World};

/// Characters of a queue's name.
const MAX_NAME: usize = 64;

impl World {
    fn queue_name_fault(&self, account: Sid, name: &str, own: Option<Sid>) -> Option<(u32, String)> {
        if name.trim().is_empty() || name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
            return Some((20002, format!("FriendlyName: a name of 1 to {MAX_NAME} characters is expected")));
        }
        let other = self.queues.names.get(&(account, name.to_owned()))?;
        (Some(*other) != own).then(|| (22003, format!("the account has a queue named \"{name}\" already: {other}")))
    }

    pub(crate) fn create_queue(&mut self, id: RequestId, account: Sid, name: &str, max_size: u32) {
        if let Some((code, text)) = self.queue_name_fault(account, name, None) {
            return self.refuse(id, code, text);
        }
        match self.queue_of(account, name, max_size) {
            Some(sid) => self.reply_queue(id, sid),
            None => self.refuse(id, 20503, format!("the box has {MAX_QUEUES} queues: delete some")),
        }
    }

    /// Writes the queue as it is now and answers with it after the commit.
    fn reply_queue(&mut self, id: RequestId, sid: Sid) {
        let Some(queue) = self.queues.all.get(&sid) else { return };
        let (record, members) = (queue.record.clone(), queue.members());
        let write = self.write(Record::Queue(record.clone()));
        self.reply_with(id, sid, Reply::Queue(Box::new(record), members), write);
    }

    pub(crate) fn change_queue(
        &mut self,
        id: RequestId,
        account: Sid,
        sid: Sid,
        name: Option<String>,
        max_size: Option<u32>,
    ) {
        let now = self.stamp();
        let Some(queue) = self.queues.all.get(&sid).filter(|queue| queue.record.account == account) else {
            return self.emit(Effect::Reply { id, reply: Reply::NotLive });
        };
        let mut record = queue.record.clone();
        if let Some(name) = name {
            if let Some((code, text)) = self.queue_name_fault(account, &name, Some(sid)) {
                return self.refuse(id, code, text);
            }
            record.friendly_name = name;
        }
        record.max_size = max_size.unwrap_or(record.max_size);
        record.updated = now;
        self.queues.learn(record);
        self.reply_queue(id, sid);
    }

    pub(crate) fn delete_queue(&mut self, id: RequestId, account: Sid, sid: Sid) {
        let Some(queue) = self.queues.all.get(&sid).filter(|queue| queue.record.account == account) else {
            return self.emit(Effect::Reply { id, reply: Reply::NotLive });
        };
        if !queue.waiting.is_empty() || !queue.agents.is_empty() {
            let text = format!("{} wait in the queue: a queue is deleted when nobody waits", queue.waiting.len());
            return self.refuse(id, 20001, text);
        }
        let name = (account, queue.record.friendly_name.clone());
        self.queues.all.remove(&sid);
        self.queues.names.remove(&name);
        let write = self.write(Record::QueueGone(sid));
        self.reply_with(id, sid, Reply::Done, write);
    }

    /// Takes somebody out of a queue: he goes on with another document.
    pub(crate) fn move_member(
        &mut self,
        id: RequestId,
        account: Sid,
        named: &str,
        call: Option<Sid>,
        instructions: Instructions,
    ) {
        let sid = self.queues.find(account, named);
        let Some(queue) = sid.and_then(|sid| self.queues.all.get(&sid)) else {
            return self.emit(Effect::Reply { id, reply: Reply::NotLive });
        };
        let at = match call {
            None => (!queue.waiting.is_empty()).then_some(0),
            Some(call) => queue.waiting.iter().position(|waiting| waiting.member.call == call),
        };
        let Some((at, waiting)) = at.and_then(|at| Some((at, queue.waiting.get(at)?))) else {
            return self.emit(Effect::Reply { id, reply: Reply::NotLive });
        };
        let (task, member) = (waiting.task, waiting.member.clone());
        let Some(session) = self.sessions.get_mut(&task) else { return };
        session.redirect = Some(instructions);
        self.trace(Some(member.call), TraceKind::Line, "is taken out of its queue by the API");
        // He is out of it in this moment; his own verb learns of it afterwards.
        self.take_out(task, member.queue);
        let write = self.write(Record::MemberGone { queue: member.queue, call: member.call });
        self.deliver(task, Input::Line);
        let position = u32::try_from(at + 1).unwrap_or(u32::MAX);
        self.reply_with(id, member.call, Reply::Member(Box::new(member), position), write);
    }
}
