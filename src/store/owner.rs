//! Whose is what lives? Calls, rooms and who waits in a queue are some box's own; a change of them is that box's business. Where
//! the others are found stands beside their leases.

use std::sync::PoisonError;

use sqlx::Row;
use tipring_resources::{Sid, Stamp};

use crate::lease::LEASE_TTL_US;
use crate::{Store, StoreError};

/// Something that lives on one box.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Living {
    /// A call that has not ended.
    Call(Sid),
    /// A room of an account, by its SID or its name.
    Room(Sid, String),
    /// Somebody who waits in a queue; `None`: who is first.
    Waiting(Sid, Option<Sid>),
    /// The sound of a recording: it lies on the box that made it.
    Sound(Sid),
}

/// Another box.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Its name.
    pub name: String,
    /// Where it is asked; empty: it has not said so.
    pub address: String,
    /// It has given no sign of life for too long.
    pub silent: bool,
}

impl Store {
    /// Tells the other boxes where this one is asked.
    pub async fn announce(&self, address: &str, now: Stamp) -> Result<(), StoreError> {
        self.renew_lease(now).await?;
        sqlx::query("UPDATE box_leases SET address = $1 WHERE box = $2")
            .bind(address.to_owned())
            .bind(self.inner.box_name.clone())
            .execute(&self.inner.readers)
            .await?;
        Ok(())
    }

    /// The other box that something lives on; `None`: it is this box's own, or lives nowhere.
    pub async fn owner(&self, living: Living, now: Stamp) -> Result<Option<Owner>, StoreError> {
        let own_first = matches!(living, Living::Room(..));
        let statement = match living {
            Living::Call(call) => {
                sqlx::query("SELECT box FROM calls WHERE sid = $1 AND ended IS NULL").bind(call.to_string())
            }
            Living::Room(account, name) => sqlx::query(
                "SELECT box FROM conferences WHERE account = $1 AND (sid = $2 OR friendly_name = $2) AND ended IS NULL
                 ORDER BY created DESC",
            )
            .bind(account.to_string())
            .bind(name),
            Living::Sound(recording) => {
                sqlx::query("SELECT box FROM recordings WHERE sid = $1").bind(recording.to_string())
            }
            Living::Waiting(queue, None) => {
                sqlx::query("SELECT box FROM members WHERE queue = $1 ORDER BY enqueued, call").bind(queue.to_string())
            }
            Living::Waiting(queue, Some(call)) => sqlx::query("SELECT box FROM members WHERE queue = $1 AND call = $2")
                .bind(queue.to_string())
                .bind(call.to_string()),
        };
        let rows = statement.fetch_all(&self.inner.readers).await?;
        let mut names = rows.iter().map(|row| row.try_get::<String, _>(0)).collect::<Result<Vec<_>, _>>()?;
        // Of rooms of one name, this box's own goes first; of a queue, whoever came first.
        let own = own_first && names.contains(&self.inner.box_name);
        names.truncate(1);
        match names.pop() {
            Some(name) if !own && name != self.inner.box_name => self.other(name, now).await.map(Some),
            _ => Ok(None),
        }
    }

    async fn other(&self, name: String, now: Stamp) -> Result<Owner, StoreError> {
        let row = sqlx::query("SELECT address, renewed FROM box_leases WHERE box = $1")
            .bind(name.clone())
            .fetch_optional(&self.inner.readers)
            .await?;
        let Some(row) = row else { return Ok(Owner { name, address: String::new(), silent: true }) };
        let (address, renewed): (String, i64) = (row.try_get(0)?, row.try_get(1)?);
        // As the watch has it: by this box's own clock, since the lease was last seen to change.
        let signs = self.inner.signs.lock().unwrap_or_else(PoisonError::into_inner);
        let silent = signs
            .get(&name)
            .is_some_and(|(seen, since)| *seen == renewed && now.0.saturating_sub(since.0) > LEASE_TTL_US);
        Ok(Owner { name, address, silent })
    }

    /// Other boxes may have a part in this store.
    pub fn is_shared(&self) -> bool {
        self.inner.engine == crate::store::Engine::Postgres
    }

    /// Changes when what the router knows of tenants has changed in the store: accounts, numbers, applications, caller ids.
    pub async fn tenants_mark(&self) -> Result<String, StoreError> {
        let row = sqlx::query(
            "SELECT (SELECT COUNT(*) FROM accounts), (SELECT COALESCE(MAX(updated), 0) FROM accounts),
                    (SELECT COUNT(*) FROM numbers), (SELECT COALESCE(MAX(updated), 0) FROM numbers),
                    (SELECT COUNT(*) FROM applications), (SELECT COALESCE(MAX(updated), 0) FROM applications),
                    (SELECT COUNT(*) FROM caller_ids), (SELECT COALESCE(MAX(updated), 0) FROM caller_ids)",
        )
        .fetch_one(&self.inner.readers)
        .await?;
        let figures = (0..8).map(|at| row.try_get::<i64, _>(at).map(|it| it.to_string()));
        Ok(figures.collect::<Result<Vec<_>, _>>()?.join(" "))
    }
}
