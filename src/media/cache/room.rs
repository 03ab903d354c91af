//! Room: what goes when there is too little of it, in the cache's own measure or on its file system. The entry of least
//! worth goes first; whoever is just hearing it hears it to its end, for an open file keeps its octets.

use super::Cache;
use super::index::Index;
use crate::counters::count;

/// How the cache's file system is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Room {
    /// Octets that are free on it.
    pub free: u64,
    /// Octets that the cache leaves free, for recordings and all else.
    pub reserve: u64,
    /// The last medium that was to be kept found no room.
    pub short: bool,
}

impl Cache {
    /// Lets entries go until so many octets more fit into the cache's bound.
    pub(super) fn make_room(&self, index: &mut Index, octets: u64) {
        while index.octets().saturating_add(octets) > self.limits.octets {
            if !self.evict(index) {
                return;
            }
        }
    }

    /// Whether the file system has room for so many octets beside its reserve; entries go until it has. What goes may be
    /// open and free nothing: so no more goes than would have been enough.
    pub fn room_for(&self, octets: u64) -> bool {
        let wanted = self.limits.reserve.saturating_add(octets);
        let missing = |free: u64| wanted.saturating_sub(free);
        let Some(free) = self.disk.free() else { return true };
        if missing(free) == 0 {
            return true;
        }
        let mut index = self.index();
        let mut gone = 0;
        while gone < missing(free).saturating_add(octets) {
            let before = index.octets();
            if !self.evict(&mut index) {
                break;
            }
            gone += (before - index.octets()).max(1);
            if self.disk.free().is_none_or(|free| missing(free) == 0) {
                return true;
            }
        }
        false
    }

    /// Lets entries go for a write that the file system has refused; whether any went.
    pub fn give_way(&self, octets: u64) -> bool {
        let mut index = self.index();
        let mut gone = 0;
        while gone < octets {
            let before = index.octets();
            if !self.evict(&mut index) {
                break;
            }
            gone += (before - index.octets()).max(1);
        }
        gone > 0
    }

    /// How the file system is.
    pub fn room(&self) -> Room {
        Room {
            free: self.disk.free().unwrap_or(0),
            reserve: self.limits.reserve,
            short: self.short.load(std::sync::atomic::Ordering::Relaxed),
        }
    }

    fn evict(&self, index: &mut Index) -> bool {
        let Some(name) = index.least() else { return false };
        self.forget(index, &name);
        count(&self.tally.evictions);
        true
    }
}
