//! Whose call is it? Every box renews a lease; a box whose lease was not renewed for [`LEASE_TTL_US`] is dead, and its calls
//! are closed as failed by whichever box sees it first, once for each death. "Not renewed" is measured on the watcher's own
//! clock, from the moment when it last saw the lease change: clocks of boxes may differ by any amount.

use std::sync::PoisonError;

use sqlx::{Connection, Row};
use tipring_resources::Stamp;

use crate::{Store, StoreError};

/// A box without a sign of life for so long is dead. Leases are renewed every 5 s.
pub const LEASE_TTL_US: i64 = 15_000_000;

impl Store {
    /// A sign of life of this box.
    pub async fn renew_lease(&self, now: Stamp) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO box_leases (box, renewed) VALUES ($1, $2)
             ON CONFLICT (box) DO UPDATE SET renewed = excluded.renewed",
        )
        .bind(self.inner.box_name.clone())
        .bind(now.0)
        .execute(&self.inner.readers)
        .await?;
        Ok(())
    }

    /// Closes the calls of boxes that are dead. Which boxes, and how many calls of each. To be called every few seconds:
    /// the first call only takes note of who is there.
    pub async fn close_dead_boxes(&self, now: Stamp) -> Result<Vec<(String, u64)>, StoreError> {
        let rows =
            sqlx::query("SELECT box, renewed FROM box_leases WHERE box <> $1 AND (closed IS NULL OR closed < renewed)")
                .bind(self.inner.box_name.clone())
                .fetch_all(&self.inner.readers)
                .await?;
        let mut closed = Vec::new();
        for row in rows {
            let (name, renewed): (String, i64) = (row.try_get(0)?, row.try_get(1)?);
            if self.is_silent(&name, renewed, now)
                && let Some(calls) = self.close_box(&name, renewed, now).await?
            {
                tracing::warn!(dead = name, calls, "a box is dead: its calls are closed");
                closed.push((name, calls));
            }
        }
        Ok(closed)
    }

    fn is_silent(&self, name: &str, renewed: i64, now: Stamp) -> bool {
        let mut signs = self.inner.signs.lock().unwrap_or_else(PoisonError::into_inner);
        let sign = signs.entry(name.to_string()).or_insert((renewed, now));
        if sign.0 != renewed {
            *sign = (renewed, now);
        }
        now.0.saturating_sub(sign.1.0) > LEASE_TTL_US
    }

    /// `None`: another box was quicker, or the box is alive again.
    async fn close_box(&self, name: &str, renewed: i64, now: Stamp) -> Result<Option<u64>, StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        let mut tx = connection.begin_with(self.inner.engine.begin()).await?;
        let mine = sqlx::query(
            "UPDATE box_leases SET closed = renewed WHERE box = $1 AND renewed = $2
             AND (closed IS NULL OR closed < renewed)",
        )
        .bind(name.to_string())
        .bind(renewed)
        .execute(&mut *tx)
        .await?;
        if mine.rows_affected() == 0 {
            return Ok(None);
        }
        let calls = crate::repair::fail_calls(&mut tx, name, now).await?;
        crate::repair::empty_rooms(&mut tx, name, now).await?;
        crate::repair::fail_transcriptions(&mut tx, name, now).await?;
        crate::repair::fail_messages(&mut tx, name, now).await?;
        tx.commit().await?;
        Ok(Some(calls))
    }
}
