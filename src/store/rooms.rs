//! Rows of rooms, queues and who is in them.

use sqlx::any::AnyRow;
use tipring_resources::{Conference, ConferenceStatus, Member, Participant, ParticipantStatus, Queue, Sid, Stamp};

use crate::kept::{Order, kept};
use crate::rows::{Cells, Statement, plain, upsert};
use crate::{Kept, StoreError};

const CONFERENCE_COLUMNS: &str = "sid, account, friendly_name, status, region, created, updated, started, ended, \
    reason_ended, ended_by, box";
const PARTICIPANT_COLUMNS: &str = "conference, call, account, label, muted, hold, coaching, coached, start_on_enter, \
    end_on_exit, status, created, updated, queue_ms, box";
const QUEUE_COLUMNS: &str = "sid, account, friendly_name, max_size, created, updated";
const MEMBER_COLUMNS: &str = "queue, call, account, enqueued, box";

/// A room that is over stays over.
pub(crate) fn put_conference(conference: &Conference, box_name: &str) -> Statement {
    upsert(
        "conferences",
        CONFERENCE_COLUMNS,
        &["sid"],
        "conferences.status <> 'completed' OR excluded.status = 'completed'",
    )
    .bind(conference.sid.to_string())
    .bind(conference.account.to_string())
    .bind(plain(&conference.friendly_name))
    .bind(conference.status.as_str())
    .bind(plain(&conference.region))
    .bind(conference.created.0)
    .bind(conference.updated.0)
    .bind(conference.started.map(|stamp| stamp.0))
    .bind(conference.ended.map(|stamp| stamp.0))
    .bind(conference.reason_ended.as_deref().map(plain))
    .bind(conference.ended_by.map(|sid| sid.to_string()))
    .bind(plain(box_name))
}

pub(crate) fn put_participant(participant: &Participant, box_name: &str) -> Statement {
    upsert("participants", PARTICIPANT_COLUMNS, &["conference", "call"], "")
        .bind(participant.conference.to_string())
        .bind(participant.call.to_string())
        .bind(participant.account.to_string())
        .bind(plain(&participant.label))
        .bind(i64::from(participant.muted))
        .bind(i64::from(participant.hold))
        .bind(i64::from(participant.coaching))
        .bind(participant.coached.map(|sid| sid.to_string()))
        .bind(i64::from(participant.start_on_enter))
        .bind(i64::from(participant.end_on_exit))
        .bind(participant.status.as_str())
        .bind(participant.created.0)
        .bind(participant.updated.0)
        .bind(i64::from(participant.queue_ms))
        .bind(plain(box_name))
}

pub(crate) fn put_queue(queue: &Queue) -> Statement {
    upsert("queues", QUEUE_COLUMNS, &["sid"], "")
        .bind(queue.sid.to_string())
        .bind(queue.account.to_string())
        .bind(plain(&queue.friendly_name))
        .bind(i64::from(queue.max_size))
        .bind(queue.created.0)
        .bind(queue.updated.0)
}

pub(crate) fn put_member(member: &Member, box_name: &str) -> Statement {
    upsert("members", MEMBER_COLUMNS, &["queue", "call"], "")
        .bind(member.queue.to_string())
        .bind(member.call.to_string())
        .bind(member.account.to_string())
        .bind(member.enqueued.0)
        .bind(plain(box_name))
}

pub(crate) fn participant_gone(conference: Sid, call: Sid) -> Statement {
    sqlx::query("DELETE FROM participants WHERE conference = $1 AND call = $2")
        .bind(conference.to_string())
        .bind(call.to_string())
}

pub(crate) fn member_gone(queue: Sid, call: Sid) -> Statement {
    sqlx::query("DELETE FROM members WHERE queue = $1 AND call = $2").bind(queue.to_string()).bind(call.to_string())
}

pub(crate) fn queue_gone(queue: Sid) -> Statement {
    sqlx::query("DELETE FROM queues WHERE sid = $1").bind(queue.to_string())
}

/// A queue with who waits in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueState {
    /// The queue itself.
    pub queue: Queue,
    /// How many wait.
    pub size: u32,
    /// The mean moment at which they came; `None`: nobody waits.
    pub mean_enqueued: Option<Stamp>,
}

/// Somebody who waits, and at which place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The call.
    pub member: Member,
    /// From 1.
    pub position: u32,
}

fn conference(row: &AnyRow) -> Result<Conference, StoreError> {
    let cells = Cells { table: "conferences", row };
    let status: String = cells.value("status")?;
    Ok(Conference {
        sid: cells.sid("sid")?,
        account: cells.sid("account")?,
        friendly_name: cells.value("friendly_name")?,
        status: ConferenceStatus::from_wire(&status).ok_or_else(|| cells.strange("status", &status))?,
        region: cells.value("region")?,
        created: cells.stamp("created")?,
        updated: cells.stamp("updated")?,
        started: cells.stamp_or_none("started")?,
        ended: cells.stamp_or_none("ended")?,
        reason_ended: cells.value("reason_ended")?,
        ended_by: cells.sid_or_none("ended_by")?,
    })
}

fn queue(row: &AnyRow) -> Result<Queue, StoreError> {
    let cells = Cells { table: "queues", row };
    Ok(Queue {
        sid: cells.sid("sid")?,
        account: cells.sid("account")?,
        friendly_name: cells.value("friendly_name")?,
        max_size: cells.small("max_size")?.unwrap_or(0),
        created: cells.stamp("created")?,
        updated: cells.stamp("updated")?,
    })
}

fn queue_state(row: &AnyRow) -> Result<QueueState, StoreError> {
    let cells = Cells { table: "queues", row };
    Ok(QueueState {
        queue: queue(row)?,
        size: cells.small("size")?.unwrap_or(0),
        mean_enqueued: cells.stamp_or_none("mean_enqueued")?,
    })
}

impl Kept for Participant {
    const TABLE: &'static str = "participants";
    const COLUMNS: &'static str = PARTICIPANT_COLUMNS;
    const ORDER: Order = Order { time: "created", sid: "call", oldest_first: false };

    fn read(row: &AnyRow) -> Result<Self, StoreError> {
        let cells = Cells { table: "participants", row };
        let status: String = cells.value("status")?;
        Ok(Participant {
            conference: cells.sid("conference")?,
            account: cells.sid("account")?,
            call: cells.sid("call")?,
            label: cells.value("label")?,
            muted: cells.flag("muted")?,
            hold: cells.flag("hold")?,
            coaching: cells.flag("coaching")?,
            coached: cells.sid_or_none("coached")?,
            start_on_enter: cells.flag("start_on_enter")?,
            end_on_exit: cells.flag("end_on_exit")?,
            status: ParticipantStatus::from_wire(&status).ok_or_else(|| cells.strange("status", &status))?,
            created: cells.stamp("created")?,
            updated: cells.stamp("updated")?,
            queue_ms: cells.small("queue_ms")?.unwrap_or(0),
        })
    }
}

impl Kept for Waiting {
    const TABLE: &'static str = "members";
    const COLUMNS: &'static str = "queue, call, account, enqueued, (SELECT COUNT(*) FROM members AS ahead \
        WHERE ahead.queue = members.queue AND (ahead.enqueued < members.enqueued \
        OR (ahead.enqueued = members.enqueued AND ahead.call <= members.call))) AS place";
    const ORDER: Order = Order { time: "enqueued", sid: "call", oldest_first: true };

    fn read(row: &AnyRow) -> Result<Self, StoreError> {
        let cells = Cells { table: "members", row };
        let member = Member {
            queue: cells.sid("queue")?,
            account: cells.sid("account")?,
            call: cells.sid("call")?,
            enqueued: cells.stamp("enqueued")?,
        };
        Ok(Waiting { member, position: cells.small("place")?.unwrap_or(1) })
    }
}

kept! {
    Conference: "conferences", CONFERENCE_COLUMNS, conference;
    Queue: "queues", QUEUE_COLUMNS, queue;
    QueueState: "queues", QUEUE_STATE, queue_state;
}

const QUEUE_STATE: &str = "sid, account, friendly_name, max_size, created, updated, \
    (SELECT COUNT(*) FROM members WHERE members.queue = queues.sid) AS size, \
    (SELECT CAST(AVG(enqueued) AS BIGINT) FROM members WHERE members.queue = queues.sid) AS mean_enqueued";
