//! Whose call is it? Every box renews a lease; a box whose lease has run out is dead, and its calls are closed as failed
//! by whichever box sees it first, once for each death.

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

    /// Closes the calls of boxes that are dead. Which boxes, and how many calls of each.
    pub async fn close_dead_boxes(&self, now: Stamp) -> Result<Vec<(String, u64)>, StoreError> {
        let dead_before = now.0.saturating_sub(LEASE_TTL_US);
        let rows = sqlx::query(
            "SELECT box, renewed FROM box_leases WHERE renewed < $1 AND box <> $2
             AND (closed IS NULL OR closed < renewed)",
        )
        .bind(dead_before)
        .bind(self.inner.box_name.clone())
        .fetch_all(&self.inner.readers)
        .await?;
        let mut closed = Vec::new();
        for row in rows {
            let (name, renewed): (String, i64) = (row.try_get(0)?, row.try_get(1)?);
            if let Some(calls) = self.close_box(&name, renewed, now).await? {
                closed.push((name, calls));
            }
        }
        Ok(closed)
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
        tx.commit().await?;
        Ok(Some(calls))
    }
}
