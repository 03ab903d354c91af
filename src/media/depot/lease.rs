//! Who is just fetching what: an object that only one box can make, with an end of its own. Whoever finds it waits a moment for
//! the other box's entry. It saves fetches and promises nothing: a box that is tired of waiting fetches by itself.

use std::sync::Arc;

use object_store::{Error, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload};
use tokio::time::Instant;

use super::keep::Work;
use super::{Brought, Depot, now_ms};

/// This box fetches. Given back when its entry is in the store, or will not be.
pub(crate) struct Lease {
    depot: Arc<Depot>,
    name: String,
}

/// Whose turn it is to fetch.
pub(crate) enum Turn {
    /// This box's.
    Ours(Option<Lease>),
    /// Another one has fetched it meanwhile.
    There(Box<Brought>),
}

impl Lease {
    /// It is freed by who calls this.
    pub(super) fn done(mut self) -> String {
        std::mem::take(&mut self.name)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if !self.name.is_empty() {
            self.depot.enqueue(Work::Free(std::mem::take(&mut self.name)));
        }
    }
}

impl Depot {
    /// Waits for its turn to fetch what the store has not.
    pub async fn turn(self: &Arc<Self>, key: &str) -> Turn {
        let name = self.cache.name(key);
        let until = Instant::now() + self.config.other_box;
        let mut waited = false;
        loop {
            match self.take(&name, Instant::now() >= until).await {
                Ok(true) => {
                    // Between the look and the lease the other box may have come to its end.
                    if waited && let Some(brought) = self.find(key).await {
                        self.enqueue(Work::Free(name));
                        return Turn::There(Box::new(brought));
                    }
                    return Turn::Ours(Some(Lease { depot: Arc::clone(self), name }));
                }
                Ok(false) => waited = true,
                Err(()) => return Turn::Ours(None),
            }
            tokio::time::sleep(AGAIN).await;
            if let Some(brought) = self.find(key).await {
                return Turn::There(Box::new(brought));
            }
        }
    }

    /// Takes the lease; `false`: another box has it. `tired`: it is taken all the same.
    async fn take(&self, name: &str, tired: bool) -> Result<bool, ()> {
        let at = self.place(LEASES, name);
        let text = PutPayload::from((now_ms() + LEASE_MS).to_string());
        let mode = if tired { PutMode::Overwrite } else { PutMode::Create };
        match self.soon("taking a lease", self.store.put_opts(&at, text, PutOptions::from(mode))).await {
            Ok(_) => Ok(true),
            Err(Some(Error::AlreadyExists { .. } | Error::Precondition { .. })) => {
                let read = async { self.store.get(&at).await?.bytes().await };
                let until = match self.soon("reading a lease", read).await {
                    Ok(text) => std::str::from_utf8(&text).ok().and_then(|it| it.parse::<u64>().ok()),
                    Err(Some(_)) => None,
                    Err(None) => return Err(()),
                };
                // One that is over belongs to a box that is gone.
                if until.is_some_and(|until| until < now_ms()) {
                    self.delete(&at).await;
                }
                Ok(false)
            }
            Err(_) => Err(()),
        }
    }

    pub(super) async fn free(&self, name: &str) {
        self.delete(&self.place(LEASES, name)).await;
    }
}

pub(super) const LEASES: &str = "leases";
/// A box that is gone is waited for no longer.
const LEASE_MS: u64 = 30_000;
/// Between two looks for the other box's entry.
const AGAIN: std::time::Duration = std::time::Duration::from_millis(100);
