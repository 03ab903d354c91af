//! What is kept, as others than callers ask for it: an operator who lists or removes, another layer that wants what is there.
//! Nothing is fetched or made for them.

use std::sync::Arc;

use crate::answer::{Answer, Cached, Shared};
use crate::cache::{EntryInfo, Found};
use crate::counters::count;
use crate::neighbours;
use crate::service::Service;
use crate::wire::Ask;

impl Service {
    /// What is kept here under a key, for another layer: nothing is fetched, made or asked on.
    pub async fn kept(&self, ask: &Ask, key: &str) -> Option<Answer> {
        let found = match self.find(key, ask).await.ok()? {
            Found::Fresh(entry, spool) => Some((entry, spool)),
            Found::Stale(entry, _) => {
                let (cache, key) = (Arc::clone(&self.cache), key.to_owned());
                let opened = tokio::task::spawn_blocking(move || cache.open_body(&key, &entry).map(|it| (entry, it)));
                opened.await.ok()?.ok()
            }
            Found::Nothing => None,
        };
        let (entry, spool) = found?;
        let told = neighbours::told(&entry);
        let mut answer = Shared::stored(entry, spool).answer(ask, Cached::Hit);
        answer.headers.extend(told);
        count(&self.tally.told);
        Some(answer)
    }

    /// An entry is not what its origin has any more.
    pub fn forget(&self, key: &str) {
        self.cache.remove(key);
        if let Some(depot) = &self.depot {
            depot.remove_key(key);
        }
    }

    /// Stored media of this account (`None`: of all) whose URI begins so.
    pub async fn entries(&self, account: Option<String>, prefix: String) -> Vec<EntryInfo> {
        let cache = Arc::clone(&self.cache);
        let listed = tokio::task::spawn_blocking(move || cache.list(account.as_deref(), &prefix)).await;
        listed.unwrap_or_default()
    }

    /// Removes such media, here and on all boxes of a shared store; answers how many were here.
    /// `exact`: of this URI alone.
    pub async fn remove_matching(self: &Arc<Self>, account: Option<String>, uri: String, exact: bool) -> usize {
        let service = Arc::clone(self);
        let removed = tokio::task::spawn_blocking(move || service.remove_now(account, uri, exact)).await;
        removed.unwrap_or_default()
    }

    /// The same. Blocks.
    pub fn remove_now(&self, account: Option<String>, uri: String, exact: bool) -> usize {
        let names = self.cache.take_matching(account.as_deref(), &uri, exact, u64::MAX);
        let removed = names.len();
        if let Some(depot) = &self.depot {
            depot.removed(account, uri, exact, names);
        }
        removed
    }
}
