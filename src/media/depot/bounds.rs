//! What the store holds, and how long: every box looks through it now and then and removes what is too old, too much, or belongs to
//! nothing. Two that do so at once remove the same.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::TryStreamExt;
use object_store::{Error, ObjectMeta, ObjectStore};

use super::gone::GONE;
use super::lease::LEASES;
use super::{BODIES, Depot, HEADS, now_ms, written_ms};
use crate::counters::count;

/// All that lies there.
#[derive(Default)]
struct Inventory {
    heads: HashMap<String, ObjectMeta>,
    bodies: HashMap<String, Vec<ObjectMeta>>,
    others: Vec<(&'static str, ObjectMeta)>,
    octets: u64,
}

impl Depot {
    /// Keeps the store's bounds.
    pub async fn tidy(self: &Arc<Self>) {
        if self.is_away() {
            return;
        }
        let found = self.inventory().await;
        let Ok(found) = self.heard("looking through", found) else { return };
        for meta in found.surplus(now_ms(), self.config.octets, self.age_ms()) {
            count(&self.tally.store_evictions);
            self.delete(&meta.location).await;
        }
    }

    fn age_ms(&self) -> u64 {
        u64::try_from(self.config.age.as_millis()).unwrap_or(u64::MAX)
    }

    async fn inventory(&self) -> Result<Inventory, Error> {
        let mut found = Inventory::default();
        let mut seen = 0;
        for folder in [HEADS, BODIES, GONE, LEASES] {
            let mut listing = self.store.list(Some(&self.folder(folder)));
            while let Some(meta) = listing.try_next().await? {
                seen += 1;
                if seen > MAX_OBJECTS {
                    tracing::warn!(store = %self.config.url, "more than a million objects: not all are looked at");
                    return Ok(found);
                }
                let name = meta.location.filename().unwrap_or_default().to_owned();
                found.octets += meta.size;
                match folder {
                    HEADS => drop(found.heads.insert(name, meta)),
                    BODIES => {
                        let owner = name.split('-').next().unwrap_or_default().to_owned();
                        found.bodies.entry(owner).or_default().push(meta);
                    }
                    other => found.others.push((other, meta)),
                }
            }
        }
        Ok(found)
    }
}

impl Inventory {
    /// What goes: heads before their bodies.
    fn surplus(mut self, now_ms: u64, octets: u64, age_ms: u64) -> Vec<ObjectMeta> {
        let older = |meta: &ObjectMeta, than_ms: u64| written_ms(meta).saturating_add(than_ms) <= now_ms;
        let mut goes = Vec::new();
        for (folder, meta) in self.others {
            let life_ms = if folder == GONE { age_ms.saturating_add(DAY_MS) } else { HOUR_MS };
            if older(&meta, life_ms) {
                goes.push(meta);
            }
        }
        // A head that was confirmed is young again. The newest body is that of the head, or will be.
        for (owner, bodies) in &mut self.bodies {
            bodies.sort_by_key(|it| std::cmp::Reverse(written_ms(it)));
            let kept = usize::from(self.heads.contains_key(owner));
            for orphan in bodies.drain(kept.min(bodies.len())..).filter(|it| older(it, HOUR_MS)) {
                self.octets -= orphan.size;
                goes.push(orphan);
            }
        }
        let mut heads: Vec<_> = self.heads.into_iter().collect();
        heads.sort_by_key(|(_, meta)| written_ms(meta));
        for (name, head) in heads {
            if !older(&head, age_ms) && self.octets <= octets {
                break;
            }
            let bodies = self.bodies.remove(&name).unwrap_or_default();
            self.octets -= head.size + bodies.iter().map(|it| it.size).sum::<u64>();
            goes.push(head);
            goes.extend(bodies);
        }
        goes
    }
}

/// Objects that are looked at.
const MAX_OBJECTS: usize = 1_000_000;
/// A body without a head, and a lease, are looked at again after so long.
const HOUR_MS: u64 = 3_600_000;
/// Removals are told for longer than what was removed can be there.
const DAY_MS: u64 = 24 * HOUR_MS;
