//! What is kept, in memory, and what each of it is worth: GreedyDual-Size-Frequency (Cherkasova, HPL-98-69 R.1, 1998).
//! No file is touched here.
//!
//! The worth of an entry at its last use is `age + uses × cost / size`: what an octet of room has saved of callers' waiting. The
//! entry of least worth goes first, and its worth becomes the `age` of all that are used from then on. So what was often
//! used once and is forgotten is overtaken, without anything being counted down.

use std::collections::{BTreeMap, HashMap};

use super::entry::Entry;

#[derive(Default)]
pub(super) struct Index {
    entries: HashMap<String, Held>,
    /// Entries by worth, the least first. Worth is never negative, so that its bits are in its order.
    queue: BTreeMap<(u64, u64), String>,
    /// The worth of what went last.
    age: f64,
    octets: u64,
    serial: u64,
    /// All that is on the disk is here.
    pub loaded: bool,
    /// Something was used since the worth of all was written down.
    pub changed: bool,
}

struct Held {
    entry: Entry,
    uses: u32,
    place: (u64, u64),
}

/// What outlives a restart of an entry's worth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Worth {
    pub worth: f64,
    pub uses: u32,
}

impl Index {
    /// Takes an entry in, with the worth that it had before a restart.
    pub fn put(&mut self, name: String, entry: Entry, before: Option<Worth>) {
        self.take(&name);
        let before = before.unwrap_or_else(|| Worth { worth: self.age + gain(&entry, 1), uses: 1 });
        self.octets += entry.octets;
        let place = self.placed(&name, before.worth);
        self.entries.insert(name, Held { entry, uses: before.uses, place });
        self.changed = true;
    }

    /// Looks one up, which is a use of it.
    pub fn used(&mut self, name: &str) -> Option<Entry> {
        let held = self.entries.get_mut(name)?;
        held.uses = held.uses.saturating_add(1).min(MOST_USES);
        let (worth, old, entry) = (self.age + gain(&held.entry, held.uses), held.place, held.entry.clone());
        self.queue.remove(&old);
        let place = self.placed(name, worth);
        if let Some(held) = self.entries.get_mut(name) {
            held.place = place;
        }
        self.changed = true;
        Some(entry)
    }

    pub fn get(&self, name: &str) -> Option<&Entry> {
        self.entries.get(name).map(|it| &it.entry)
    }

    /// Other rules for the same body.
    pub fn replace(&mut self, name: &str, entry: Entry) {
        if let Some(held) = self.entries.get_mut(name)
            && held.entry.body == entry.body
        {
            held.entry = entry;
        }
    }

    pub fn take(&mut self, name: &str) -> Option<Entry> {
        let held = self.entries.remove(name)?;
        self.queue.remove(&held.place);
        self.octets = self.octets.saturating_sub(held.entry.octets);
        Some(held.entry)
    }

    /// The one of least worth, which makes all others older.
    pub fn least(&mut self) -> Option<String> {
        let ((bits, _), name) = self.queue.first_key_value()?;
        self.age = self.age.max(f64::from_bits(*bits));
        Some(name.clone())
    }

    pub fn octets(&self) -> u64 {
        self.octets
    }

    pub fn count(&self) -> usize {
        self.entries.len()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&String, &Entry)> {
        self.entries.iter().map(|(name, held)| (name, &held.entry))
    }

    /// The worth of all, to be written down.
    pub fn worths(&self) -> Vec<(String, Worth)> {
        let of = |held: &Held| Worth { worth: f64::from_bits(held.place.0), uses: held.uses };
        self.entries.iter().map(|(name, held)| (name.clone(), of(held))).collect()
    }

    pub fn age(&self) -> f64 {
        self.age
    }

    /// As it was before a restart.
    pub fn grown(&mut self, age: f64) {
        self.age = self.age.max(age);
    }

    fn placed(&mut self, name: &str, worth: f64) -> (u64, u64) {
        self.serial += 1;
        let place = (worth.max(0.0).to_bits(), self.serial);
        self.queue.insert(place, name.to_owned());
        place
    }
}

/// What an octet of it has saved, in milliseconds. A small one takes a block of the disk all the same, and asking an origin
/// is never for nothing.
fn gain(entry: &Entry, uses: u32) -> f64 {
    f64::from(uses) * (entry.cost_ms.max(LEAST_COST_MS) as f64) / (entry.octets.max(BLOCK_OCTETS) as f64)
}

/// More uses than this make nothing more worth: a prompt of every call would outlive its application by months.
const MOST_USES: u32 = 10_000;
/// Less is noise: a request on the same network, a disk, a processor that was busy.
const LEAST_COST_MS: u64 = 50;
/// A block of usual file systems.
const BLOCK_OCTETS: u64 = 4096;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Rules;

    fn entry(octets: u64, cost_ms: u64) -> Entry {
        Entry {
            account: "AC1".into(),
            uri: "http://origin/a".into(),
            preset: "audio/x-alaw;rate=8000".into(),
            content_type: String::new(),
            original_type: String::new(),
            octets,
            expires_ms: 0,
            rules: Rules::speech(std::time::SystemTime::UNIX_EPOCH),
            body: "body".into(),
            cost_ms,
            salt: None,
            after: String::new(),
        }
    }

    fn evicted(index: &mut Index) -> String {
        let name = index.least().unwrap();
        index.take(&name);
        name
    }

    #[test]
    fn what_is_dear_used_and_small_stays() {
        let mut index = Index::default();
        index.put("dear".into(), entry(8_000, 2_000), None);
        index.put("cheap".into(), entry(8_000, 20), None);
        index.put("large".into(), entry(8_000_000, 2_000), None);
        index.put("used".into(), entry(8_000, 20), None);
        for _ in 0..5 {
            index.used("used");
        }
        let order: Vec<_> = (0..4).map(|_| evicted(&mut index)).collect();
        assert_eq!(order, ["large", "cheap", "used", "dear"]);
        assert_eq!((index.octets(), index.count(), index.least()), (0, 0, None));
    }

    #[test]
    fn of_equal_worth_the_least_recently_used_goes() {
        let mut index = Index::default();
        for name in ["a", "b", "c"] {
            index.put(name.into(), entry(8_000, 50), None);
        }
        index.used("a");
        assert_eq!([evicted(&mut index), evicted(&mut index)], ["b", "c"]);
    }

    #[test]
    fn what_was_dear_once_is_overtaken_by_what_is_used_now() {
        let mut index = Index::default();
        index.put("old".into(), entry(8_000, 500), None);
        let mut rounds = 0;
        while index.get("old").is_some() {
            rounds += 1;
            index.put(format!("new {rounds}"), entry(8_000, 100), None);
            index.used(&format!("new {rounds}"));
            evicted(&mut index);
            assert!(rounds < 100, "it stays for ever");
        }
        assert!(rounds > 2, "it goes at once");
    }

    #[test]
    fn worth_outlives_a_restart() {
        let mut index = Index::default();
        index.put("a".into(), entry(8_000, 50), None);
        index.put("b".into(), entry(8_000, 50), None);
        (0..9).for_each(|_| drop(index.used("a")));
        let mut again = Index::default();
        again.grown(index.age());
        let worths: HashMap<_, _> = index.worths().into_iter().collect();
        for name in ["a", "b"] {
            again.put(name.into(), entry(8_000, 50), worths.get(name).copied());
        }
        again.put("c".into(), entry(8_000, 100), None);
        assert_eq!([evicted(&mut again), evicted(&mut again), evicted(&mut again)], ["b", "c", "a"]);
    }
}
