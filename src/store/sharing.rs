//! Where the sound of recordings lies beside the disk of the box that made it, and what of a deleted one is still to be cleared
//! away. It marks; bringing, fetching and removing is another's. Every mark can be set twice without harm, and each step is marked before
//! it is begun and after it is done: a kill in between is found by the next look.
//!
//! `recordings.shared` is empty: it was not brought; `begun`: it may be there; `there`: it is; `absent`: there is nothing to
//! bring. `recordings.cleared` is when its own box had cleared away all of a deleted one; 0: not yet.

use sqlx::Row;
use sqlx::any::AnyRow;
use tipring_resources::{Sid, SidKind, Stamp};

use crate::rows::Statement;
use crate::{Store, StoreError};

impl Store {
    /// Finished recordings of this box that are not in the shared store, the newest first: they are asked for soonest.
    pub async fn recordings_to_share(&self, most: u32) -> Result<Vec<Sid>, StoreError> {
        let asked = sqlx::query(
            "SELECT sid FROM recordings WHERE status = 'completed' AND shared IN ('', 'begun') AND box = $2
             ORDER BY created DESC, sid LIMIT $1",
        );
        self.sids(asked.bind(i64::from(most)).bind(self.inner.box_name.clone())).await
    }

    /// A recording is being brought from now on. False: it is not to be, as it was deleted.
    pub async fn recording_begins_to_be_shared(&self, sid: Sid) -> Result<bool, StoreError> {
        self.mark(sid, "begun", "status = 'completed' AND shared IN ('', 'begun')").await
    }

    /// A recording was brought. False: it was deleted meanwhile, and what was brought has to go.
    pub async fn recording_is_shared(&self, sid: Sid) -> Result<bool, StoreError> {
        self.mark(sid, "there", "status = 'completed'").await
    }

    /// A recording has no sound on this box that could be brought.
    pub async fn recording_has_no_sound(&self, sid: Sid) -> Result<bool, StoreError> {
        self.mark(sid, "absent", "status = 'completed'").await
    }

    /// What was brought is damaged: its box brings it once more.
    pub async fn recording_is_to_be_shared_anew(&self, sid: Sid) -> Result<bool, StoreError> {
        self.mark(sid, "", "status = 'completed' AND shared = 'there'").await
    }

    /// What this box could not bring is looked for once more.
    pub async fn absent_recordings_are_tried_again(&self) -> Result<(), StoreError> {
        sqlx::query("UPDATE recordings SET shared = '' WHERE status = 'completed' AND shared = 'absent' AND box = $1")
            .bind(self.inner.box_name.clone())
            .execute(&self.inner.readers)
            .await?;
        Ok(())
    }

    /// Deleted recordings of this box of which something may be left: the file here, the sound in the shared store.
    pub async fn recordings_to_clear(&self, most: u32) -> Result<Vec<Sid>, StoreError> {
        let asked = sqlx::query(
            "SELECT sid FROM recordings WHERE status = 'deleted' AND cleared = 0 AND box = $2
             ORDER BY updated, sid LIMIT $1",
        );
        self.sids(asked.bind(i64::from(most)).bind(self.inner.box_name.clone())).await
    }

    /// Nothing is left of a deleted recording of this box. `from_store`: in the shared store neither.
    pub async fn recording_is_cleared(&self, sid: Sid, from_store: bool, now: Stamp) -> Result<(), StoreError> {
        if from_store {
            self.recording_is_removed(sid).await?;
        }
        sqlx::query("UPDATE recordings SET cleared = $2 WHERE sid = $1 AND status = 'deleted'")
            .bind(sid.to_string())
            .bind(now.0.max(1))
            .execute(&self.inner.readers)
            .await?;
        Ok(())
    }

    /// Deleted recordings of any box whose sound may be in the shared store.
    pub async fn recordings_to_remove(&self, most: u32) -> Result<Vec<Sid>, StoreError> {
        let asked = sqlx::query(
            "SELECT sid FROM recordings WHERE status = 'deleted' AND shared IN ('begun', 'there')
             ORDER BY updated, sid LIMIT $1",
        );
        self.sids(asked.bind(i64::from(most))).await
    }

    /// The sound of a deleted recording is in the shared store no more.
    pub async fn recording_is_removed(&self, sid: Sid) -> Result<bool, StoreError> {
        self.mark(sid, "", "status = 'deleted'").await
    }

    /// `condition` is one of our own words.
    async fn mark(&self, sid: Sid, shared: &'static str, condition: &'static str) -> Result<bool, StoreError> {
        let sql = format!("UPDATE recordings SET shared = $2 WHERE sid = $1 AND {condition}");
        let done = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(sid.to_string()).bind(shared.to_owned());
        Ok(done.execute(&self.inner.readers).await?.rows_affected() > 0)
    }

    async fn sids(&self, asked: Statement) -> Result<Vec<Sid>, StoreError> {
        let rows = asked.fetch_all(&self.inner.readers).await?;
        rows.iter().filter_map(|row| sid(row).transpose()).collect()
    }
}

fn sid(row: &AnyRow) -> Result<Option<Sid>, StoreError> {
    let text: String = row.try_get(0)?;
    Ok(text.parse::<Sid>().ok().filter(|sid| sid.kind == SidKind::Recording))
}
