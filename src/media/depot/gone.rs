//! What was removed: told to all boxes by objects below `gone/`, each with an end of life of its own. A box looks for new ones every
//! few seconds, removes what it has of them, and takes nothing from the store any more that was there before.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt;
use object_store::path::Path;
use object_store::{Error, ObjectMeta, ObjectStore, ObjectStoreExt, PutPayload};
use serde::{Deserialize, Serialize};

use super::keep::Work;
use super::{Depot, now_ms, written_ms};
use crate::cache::Entry;
use crate::counters::count;

/// All that is known of it.
#[derive(Default)]
pub(super) struct Gone {
    /// It was asked once.
    pub known: bool,
    told: VecDeque<Removal>,
    /// Removals that were forgotten were not later than this, and this was the last of their names.
    floor_ms: u64,
    floor: String,
    /// How many came.
    count: u64,
    /// Names of objects that were seen.
    seen: BTreeSet<String>,
}

struct Removal {
    /// Of its object: begins with the time at which it was said.
    name: String,
    what: Removed,
    at_ms: u64,
    count: u64,
}

/// The content of such an object.
#[derive(Serialize, Deserialize, Clone)]
pub(super) struct Removed {
    account: Option<String>,
    prefix: String,
    /// Of this URI alone.
    #[serde(default)]
    exact: bool,
}

impl Removed {
    fn is_of(&self, entry: &Entry) -> bool {
        entry.matches(self.account.as_deref(), &self.prefix) && (!self.exact || entry.uri == self.prefix)
    }
}

impl Gone {
    fn add(&mut self, name: String, what: Removed, at_ms: u64) {
        self.count += 1;
        self.seen.insert(name.clone());
        self.told.push_back(Removal { name, what, at_ms, count: self.count });
        while self.told.len() > MAX_REMOVALS {
            let Some(oldest) = self.told.pop_front() else { return };
            self.floor_ms = self.floor_ms.max(oldest.at_ms);
            self.floor = std::mem::take(&mut self.floor).max(oldest.name);
        }
    }

    /// Whether an entry whose body was written then was removed since. Stores tell time in seconds: who brought it knew of the
    /// removals up to one.
    pub fn covers(&self, entry: &Entry, written_ms: u64) -> bool {
        let said = |name: &str, at_ms: u64| written_ms <= at_ms && *entry.after < *name;
        said(&self.floor, self.floor_ms) || self.told.iter().any(|it| said(&it.name, it.at_ms) && it.what.is_of(entry))
    }

    /// The last removal that is known.
    pub fn last(&self) -> String {
        self.seen.last().cloned().unwrap_or_default()
    }

    pub fn count(&self) -> u64 {
        self.count
    }

    /// Whether an entry was removed after so many removals had come.
    pub fn since(&self, count: u64, entry: &Entry) -> bool {
        self.told.iter().any(|it| it.count > count && it.what.is_of(entry))
    }
}

impl Depot {
    /// Tells all boxes that this was removed here.
    pub fn removed(&self, account: Option<String>, prefix: String, exact: bool, names: Vec<String>) {
        let name = format!("{:013}-{}", now_ms(), self.unique());
        let removed = Removed { account, prefix, exact };
        // Until it is told nothing that may be meant is taken from the store.
        self.gone().add(name.clone(), removed.clone(), now_ms() + SKEW_MS);
        self.enqueue(Work::Tell(name, removed));
        names.into_iter().for_each(|name| self.remove(name));
    }

    pub(super) async fn tell(&self, name: String, removed: Removed) {
        let at = self.folder(GONE).join(name.as_str());
        for _ in 0..TELLINGS {
            let Ok(text) = serde_json::to_vec(&removed).map_err(std::io::Error::other) else { return };
            let Ok(text) = self.cache.closed_text(&name, &text) else { return };
            let told = self.store.put(&at, PutPayload::from(text)).await;
            if self.heard("telling a removal", told).is_ok() {
                // The store's clock counts from here on.
                if let Ok(meta) = self.store.head(&at).await {
                    let mut gone = self.gone();
                    let ours = gone.told.iter_mut().filter(|it| it.name == name);
                    ours.for_each(|it| it.at_ms = written_ms(&meta));
                }
                return;
            }
            tokio::time::sleep(TELL_AGAIN).await;
        }
        count(&self.tally.store_lost);
        tracing::error!(
            prefix = removed.prefix,
            "a removal could not be told to the shared store; other boxes may play what was removed: remove it there too"
        );
    }

    /// Looks for removals of other boxes.
    pub async fn look(self: &Arc<Self>) {
        if self.is_away() {
            return;
        }
        let listed = self.list_new().await;
        let Ok(mut listed) = self.heard("looking for removals", listed) else { return };
        listed.sort_by(|a, b| a.location.cmp(&b.location));
        let first = !self.gone().known;
        for meta in listed {
            let Some(name) = meta.location.filename().map(str::to_owned) else { continue };
            if self.gone().seen.contains(&name) {
                continue;
            }
            let got = async { self.store.get(&meta.location).await?.bytes().await }.await;
            let text = match self.heard("reading a removal", got) {
                Ok(text) => text,
                Err(Some(_)) => continue,
                Err(None) => return,
            };
            let opened = self.cache.opened_text(&name, &text);
            if let Some(removed) = opened.and_then(|text| serde_json::from_slice::<Removed>(&text).ok()) {
                self.apply(name.clone(), removed, written_ms(&meta), first).await;
            }
            let mut gone = self.gone();
            gone.seen.insert(name);
            while gone.seen.len() > MAX_REMOVALS {
                gone.seen.pop_first();
            }
        }
        self.gone().known = true;
    }

    /// At the first look only what is older than the removal goes: it was told while this box was off.
    async fn apply(&self, name: String, removed: Removed, at_ms: u64, first: bool) {
        self.gone().add(name, removed.clone(), at_ms);
        let cache = Arc::clone(&self.cache);
        let before_ms = if first { at_ms } else { u64::MAX };
        let taken = tokio::task::spawn_blocking(move || {
            cache.take_matching(removed.account.as_deref(), &removed.prefix, removed.exact, before_ms)
        });
        for name in taken.await.unwrap_or_default() {
            self.remove(name);
        }
    }

    async fn list_new(&self) -> Result<Vec<ObjectMeta>, Error> {
        let folder = self.folder(GONE);
        let last = self.gone().seen.last().cloned();
        // Clocks of boxes differ: what was named a little earlier may have come later.
        let from = last.and_then(|it| it.get(..13)?.parse::<u64>().ok()).map(|it| it.saturating_sub(SKEW_MS));
        let listing = match from {
            Some(from) => {
                let offset: Path = folder.clone().join(format!("{from:013}"));
                self.store.list_with_offset(Some(&folder), &offset)
            }
            None => self.store.list(Some(&folder)),
        };
        listing.try_collect().await
    }
}

pub(super) const GONE: &str = "gone";
/// Removals that are remembered; of older ones all that was there before counts as removed.
const MAX_REMOVALS: usize = 1024;
/// So far clocks of boxes may be apart.
const SKEW_MS: u64 = 60_000;
/// How often a removal is told anew to a store that does not answer, and when.
const TELLINGS: usize = 30;
const TELL_AGAIN: Duration = Duration::from_secs(2);
