//! Whose turn it is: who waits for the same thing gets it by turns, however many wishes each of them has.

use std::collections::BTreeMap;

/// When each of those who wait has had it last.
#[derive(Clone, Debug)]
pub struct Turns<K> {
    had: BTreeMap<K, u64>,
    count: u64,
}

impl<K> Default for Turns<K> {
    fn default() -> Self {
        Turns { had: BTreeMap::new(), count: 0 }
    }
}

impl<K: Ord + Clone> Turns<K> {
    /// Of those who wait, in the order in which they came, whose turn it is: who never had one, else who had his longest ago.
    pub fn next(&self, waiting: impl Iterator<Item = K>) -> Option<K> {
        waiting.min_by_key(|who| self.had.get(who).copied().unwrap_or(0))
    }

    /// Somebody has had his turn.
    pub fn had(&mut self, who: K) {
        self.count += 1;
        self.had.insert(who, self.count);
    }

    /// Nobody waits: who has had what is of no interest any more.
    pub fn forget(&mut self) {
        self.had.clear();
    }
}
