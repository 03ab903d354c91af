//! The repair after a crash, for this box alone: calls in the journal get their row or their end, calls that had not
//! ended have failed, recordings that were being made get a true header and a true length. Twice does no harm.

use sqlx::{AnyConnection, AnyPool, Row};
use tipring_resources::{Call, Sid, SidKind, Stamp};

use crate::{Blobs, Store, StoreError, rows};

/// What a repair found and did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RepairReport {
    /// Calls, or ends of calls, that only the journal knew.
    pub journaled_calls: u64,
    /// Calls that had not ended and are failed now.
    pub failed_calls: u64,
    /// Rooms that had not ended and are over now.
    pub ended_conferences: u64,
    /// Transcriptions that were being made and have failed now.
    pub failed_transcriptions: u64,
    /// Messages that the gateway had not taken and have failed now.
    pub failed_messages: u64,
    /// Recordings that were being made and are whole now, as far as their sound was written.
    pub completed_recordings: u64,
    /// Recordings that were being made and have no sound.
    pub absent_recordings: u64,
    /// Sound files that no record knows, put aside into `lost`.
    pub lost_files: u64,
    /// Files of deleted recordings that were still there.
    pub deleted_files: u64,
}

impl Store {
    /// Repairs what this box left behind. Only while it holds no call: at opening it is done already.
    pub async fn repair(&self, now: Stamp) -> Result<RepairReport, StoreError> {
        repair(&self.inner.readers, &self.inner.blobs, &self.inner.box_name, Vec::new(), now).await
    }

    /// Forgets what is kept for 90 days only. For every now and then: a box runs for years.
    pub async fn forget_old(&self, now: Stamp) -> Result<(), StoreError> {
        forget_events(&self.inner.readers, now).await
    }
}

pub(crate) async fn repair(
    pool: &AnyPool,
    blobs: &Blobs,
    box_name: &str,
    unwritten: Vec<Call>,
    now: Stamp,
) -> Result<RepairReport, StoreError> {
    let mut report = RepairReport::default();
    let mut tx = pool.begin().await?;
    for call in &unwritten {
        report.journaled_calls += rows::keep_journaled_call(call, box_name).execute(&mut *tx).await?.rows_affected();
    }
    report.failed_calls = fail_calls(&mut tx, box_name, now).await?;
    report.ended_conferences = empty_rooms(&mut tx, box_name, now).await?;
    report.failed_transcriptions = fail_transcriptions(&mut tx, box_name, now).await?;
    report.failed_messages = fail_messages(&mut tx, box_name, now).await?;
    tx.commit().await?;
    repair_recordings(pool, blobs, box_name, now, &mut report).await?;
    report.lost_files = blobs.put_lost_aside()?;
    purge_deleted(pool, blobs, box_name, now, &mut report).await?;
    if report != RepairReport::default() {
        tracing::warn!(?report, "the last run did not end in order: repaired");
    }
    Ok(report)
}

/// Calls of a box that nobody holds any more have failed.
pub(crate) async fn fail_calls(tx: &mut AnyConnection, box_name: &str, now: Stamp) -> Result<u64, StoreError> {
    let done = sqlx::query(
        "UPDATE calls SET status = 'failed', ended = $1, updated = $1
         WHERE box = $2 AND status IN ('queued', 'ringing', 'in-progress')",
    )
    .bind(now.0)
    .bind(box_name.to_string())
    .execute(tx)
    .await?;
    Ok(done.rows_affected())
}

/// Rooms of a box that nobody holds any more are over; nobody is in them, nobody waits in its queues. How many rooms.
pub(crate) async fn empty_rooms(tx: &mut AnyConnection, box_name: &str, now: Stamp) -> Result<u64, StoreError> {
    for statement in ["DELETE FROM participants WHERE box = $1", "DELETE FROM members WHERE box = $1"] {
        sqlx::query(statement).bind(box_name.to_string()).execute(&mut *tx).await?;
    }
    let done = sqlx::query(
        "UPDATE conferences SET status = 'completed', ended = $1, updated = $1
         WHERE box = $2 AND status <> 'completed'",
    )
    .bind(now.0)
    .bind(box_name.to_string())
    .execute(tx)
    .await?;
    Ok(done.rows_affected())
}

/// A recognizer that has gone with its box tells nothing any more.
pub(crate) async fn fail_transcriptions(tx: &mut AnyConnection, box_name: &str, now: Stamp) -> Result<u64, StoreError> {
    let done = sqlx::query(
        "UPDATE transcriptions SET status = 'failed', updated = $1 WHERE box = $2 AND status = 'in-progress'",
    )
    .bind(now.0)
    .bind(box_name.to_string())
    .execute(tx)
    .await?;
    Ok(done.rows_affected())
}

/// What a gateway makes of a message that it had taken in the last moment, nobody learns any more.
pub(crate) async fn fail_messages(tx: &mut AnyConnection, box_name: &str, now: Stamp) -> Result<u64, StoreError> {
    let done = sqlx::query(
        "UPDATE messages SET status = 'failed', error_code = 30008,
         error_message = 'the box ended before the gateway had answered', updated = $1
         WHERE box = $2 AND status IN ('accepted', 'queued', 'sending')",
    )
    .bind(now.0)
    .bind(box_name.to_string())
    .execute(tx)
    .await?;
    Ok(done.rows_affected())
}

async fn repair_recordings(
    pool: &AnyPool,
    blobs: &Blobs,
    box_name: &str,
    now: Stamp,
    report: &mut RepairReport,
) -> Result<(), StoreError> {
    let rows =
        sqlx::query("SELECT sid FROM recordings WHERE box = $1 AND status IN ('in-progress', 'paused', 'stopped')")
            .bind(box_name.to_string())
            .fetch_all(pool)
            .await?;
    for row in rows {
        let Some(sid) = recording_sid(&row)? else {
            continue;
        };
        let length = blobs.repair(sid)?;
        let (status, error) = match length {
            Some(_) => ("completed", None),
            None => ("absent", Some(TOO_SHORT)),
        };
        sqlx::query(
            "UPDATE recordings SET status = $1, duration_ms = $2, error_code = $3, updated = $4 WHERE sid = $5",
        )
        .bind(status)
        .bind(length.map(i64::from))
        .bind(error)
        .bind(now.0)
        .bind(sid.to_string())
        .execute(pool)
        .await?;
        match length {
            Some(_) => report.completed_recordings += 1,
            None => report.absent_recordings += 1,
        }
    }
    Ok(())
}

/// Finishes deletions that were cut between the commit and the file, and forgets deleted recordings in the end: of another box
/// only once that has cleared its file away, or is gone for a year; none whose sound may be in the shared store.
async fn purge_deleted(
    pool: &AnyPool,
    blobs: &Blobs,
    box_name: &str,
    now: Stamp,
    report: &mut RepairReport,
) -> Result<(), StoreError> {
    let rows =
        sqlx::query("SELECT sid FROM recordings WHERE status = 'deleted' AND cleared = 0").fetch_all(pool).await?;
    for row in rows {
        let Some(sid) = recording_sid(&row)? else {
            continue;
        };
        if blobs.delete(sid)? {
            report.deleted_files += 1;
        }
    }
    sqlx::query(
        "DELETE FROM recordings WHERE status = 'deleted'
         AND shared NOT IN ('begun', 'there')
         AND ((updated < $1 AND (cleared > 0 OR box = $2)) OR updated < $3)",
    )
    .bind(now.0.saturating_sub(DELETED_KEPT_US))
    .bind(box_name.to_string())
    .bind(now.0.saturating_sub(UNCLEARED_KEPT_US))
    .execute(pool)
    .await?;
    forget_events(pool, now).await
}

/// Forgets what applications were asked and who changed what, 90 days after. A clock that is ahead takes nothing away: the
/// newest row must be so much younger, too.
async fn forget_events(pool: &AnyPool, now: Stamp) -> Result<(), StoreError> {
    for old in [
        "DELETE FROM call_events WHERE created < $1 AND created < (SELECT MAX(created) FROM call_events) - $2",
        "DELETE FROM audit WHERE created < $1 AND created < (SELECT MAX(created) FROM audit) - $2",
    ] {
        sqlx::query(old).bind(now.0.saturating_sub(EVENTS_KEPT_US)).bind(EVENTS_KEPT_US).execute(pool).await?;
    }
    Ok(())
}

fn recording_sid(row: &sqlx::any::AnyRow) -> Result<Option<Sid>, StoreError> {
    let text: String = row.try_get(0)?;
    Ok(text.parse::<Sid>().ok().filter(|sid| sid.kind == SidKind::Recording))
}

/// The record of a deleted recording is shown on demand for 40 days.
const DELETED_KEPT_US: i64 = 40 * 24 * 3600 * 1_000_000;
/// After a year nobody comes back who could clear it away.
const UNCLEARED_KEPT_US: i64 = 365 * 24 * 3600 * 1_000_000;
/// What applications were asked during calls, and who changed what, is kept for 90 days.
const EVENTS_KEPT_US: i64 = 90 * 24 * 3600 * 1_000_000;
/// The error code of a recording without sound.
const TOO_SHORT: i64 = 16101;
