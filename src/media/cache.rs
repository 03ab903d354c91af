//! The cache: whole entries only, found by the hash of (account, URI, preset). It fetches and converts nothing.
//!
//! `cache/disk` has the files, `cache/index` what is known of them in memory and what each is worth, `cache/load` brings the one
//! from the other beside the first answers, `cache/room` lets go what is worth least.

mod disk;
mod entry;
mod index;
mod load;
mod room;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};
use tokio::sync::oneshot;

use self::disk::Disk;
pub(crate) use self::entry::{Draft, Entry};
pub use self::entry::{EntryInfo, Verified};
use self::index::{Index, Worth};
pub use self::room::Room;
use crate::counters::{Tally, count};
use crate::rules::{Judgement, Rules, millis};
use crate::seal::{BodyKey, Seal};
use crate::spool::{Spool, SpoolWriter, Want};
use crate::wire::hex;

/// What the cache knows about a key.
pub(crate) enum Found {
    Nothing,
    Fresh(Entry, Spool),
    /// To be checked with these headers.
    Stale(Entry, Vec<(String, String)>),
}

/// Bounds of the cache.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Of all bodies together.
    pub octets: u64,
    /// What stays free on the file system.
    pub reserve: u64,
    /// How long what can be checked is kept after it went stale.
    pub stale_kept: Duration,
}

pub(crate) struct Cache {
    disk: Disk,
    limits: Bounds,
    tally: Arc<Tally>,
    index: Mutex<Index>,
    /// The index is read.
    loaded: Condvar,
    loader: Mutex<Option<JoinHandle<()>>>,
    closing: AtomicBool,
    writing: [Mutex<()>; WRITERS],
    /// The last medium that was to be kept found no room.
    short: AtomicBool,
}

/// The name of an entry: hash of account, URI and preset. NUL keeps the parts apart.
pub(crate) fn key_of(account: &str, uri: &str, preset: &str) -> String {
    let mut hash = Sha256::new();
    for part in [account, uri, preset] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    hex(&hash.finalize())
}

impl Cache {
    /// Opens the cache at `dir` and begins to read what is there.
    pub fn open(dir: &Path, limits: Bounds, seal: Option<Arc<Seal>>, tally: Arc<Tally>) -> io::Result<Arc<Self>> {
        let cache = Arc::new(Self {
            disk: Disk::open(dir, seal)?,
            limits,
            tally,
            index: Mutex::default(),
            loaded: Condvar::new(),
            loader: Mutex::default(),
            closing: AtomicBool::new(false),
            writing: Default::default(),
            short: AtomicBool::new(false),
        });
        cache.load()?;
        Ok(cache)
    }

    /// A name for a new temporary file.
    pub fn temporary(&self) -> PathBuf {
        self.disk.temporary()
    }

    /// A new body that grows, and who is told once it is certain that it will be no entry, for want of room. Blocks.
    pub fn create(self: &Arc<Self>) -> (SpoolWriter, Spool, oneshot::Receiver<()>) {
        let (mut writer, spool) = match self.create_file() {
            Ok(it) => it,
            Err(error) => {
                self.no_room(&error);
                Spool::past_the_disk()
            }
        };
        let cache = Arc::clone(self);
        let room = move |want| match want {
            Want::More(octets) => cache.room_for(octets),
            Want::Refused(octets) => cache.give_way(octets),
        };
        let (tell, unkept) = oneshot::channel();
        writer.asks(Arc::new(room), tell);
        (writer, spool, unkept)
    }

    fn create_file(&self) -> io::Result<(SpoolWriter, Spool)> {
        if !self.room_for(LEAST_ROOM) {
            return Err(io::Error::new(io::ErrorKind::StorageFull, "less than media.reserve_mib would be free"));
        }
        let made = || {
            let key = match self.disk.seal() {
                Some(seal) => Some(seal.new_body().ok_or_else(|| io::Error::other("no random numbers"))?),
                None => None,
            };
            Spool::create(&self.temporary().with_extension("part"), key)
        };
        made().or_else(|error| if self.give_way(LEAST_ROOM) { made() } else { Err(error) })
    }

    /// A medium goes past the disk. The log has it once, until there is room again.
    fn no_room(&self, error: &io::Error) {
        if !self.short.swap(true, Ordering::Relaxed) {
            tracing::error!(
                %error, dir = %self.disk.dir().display(), reserve_octets = self.limits.reserve,
                "the cache's disk has no room: sounds are heard, and fetched or made again each time; free some of it, or \
                 lower media.reserve_mib, which is left for recordings"
            );
        }
    }

    /// Looks a key up.
    pub fn find(self: &Arc<Self>, key: &str, uri: &str, now: SystemTime) -> Found {
        let name = self.disk.name(key);
        let Some(entry) = self.known(&name) else { return Found::Nothing };
        if let Judgement::Stale(headers) = entry.rules.judge(uri, now) {
            if entry.rules.is_of_use_stale() {
                return Found::Stale(entry, headers);
            }
            self.forget(&mut self.index(), &name);
            return Found::Nothing;
        }
        match self.open_named(&name, &entry) {
            Ok(spool) => Found::Fresh(entry, spool),
            Err(_) => Found::Nothing,
        }
    }

    /// The body of an entry. One that is not as it was written is thrown away.
    pub fn open_body(self: &Arc<Self>, key: &str, entry: &Entry) -> io::Result<Spool> {
        self.open_named(&self.disk.name(key), entry)
    }

    fn open_named(self: &Arc<Self>, name: &str, entry: &Entry) -> io::Result<Spool> {
        match self.disk.open_body(name, entry) {
            Ok(spool) => {
                let (cache, name, body) = (Arc::clone(self), name.to_owned(), entry.body.clone());
                Ok(spool.tells(Arc::new(move |error: &io::Error| cache.spoiled(&name, &body, error))))
            }
            Err(error) => {
                self.spoiled(name, &entry.body, &error);
                Err(error)
            }
        }
    }

    /// A body is gone, or not as it was written.
    fn spoiled(&self, name: &str, body: &str, error: &io::Error) {
        let mut index = self.index();
        if index.get(name).is_some_and(|it| it.body == body) {
            tracing::warn!(%error, name, "a cache entry is damaged; it is thrown away and fetched anew");
            count(&self.tally.damaged);
            self.forget(&mut index, name);
        }
    }

    /// Makes a whole body an entry; `None`: there was no room for it. Blocks until it is on the disk.
    pub fn store(&self, key: &str, draft: Draft, body: &mut SpoolWriter) -> Option<Entry> {
        if body.octets() > self.limits.octets {
            body.discard();
            return None;
        }
        body.finish();
        let stored = if body.is_kept() {
            self.put(&self.disk.name(key), draft, body)
        } else {
            Err(io::Error::new(io::ErrorKind::StorageFull, "it was left while a medium came"))
        };
        match stored {
            Ok(entry) => {
                count(&self.tally.stored);
                if self.short.swap(false, Ordering::Relaxed) {
                    tracing::info!("the cache's disk has room again");
                }
                Some(entry)
            }
            Err(error) => {
                body.discard();
                self.no_room(&error);
                count(&self.tally.unkept);
                None
            }
        }
    }

    fn put(&self, name: &str, draft: Draft, body: &SpoolWriter) -> io::Result<Entry> {
        let file = self.disk.adopt(name, body)?;
        let entry = Entry::new(draft, body.octets(), file, body.salt().map(str::to_owned));
        // One head of a name is written at a time, so that the last one on the disk is the last one in memory.
        let _writing = self.writing(name);
        let again = || if self.give_way(LEAST_ROOM) { self.disk.write(name, &entry) } else { Err(NO_MORE.into()) };
        if let Err(error) = self.disk.write(name, &entry).or_else(|_| again()) {
            self.disk.remove_body(name, &entry.body);
            return Err(error);
        }
        let mut index = self.index();
        // The loader may have found it already.
        if let Some(old) = index.take(name).filter(|it| it.body != entry.body) {
            self.disk.remove_body(name, &old.body);
        }
        self.make_room(&mut index, entry.octets);
        index.put(name.to_owned(), entry.clone(), None);
        Ok(entry)
    }

    fn writing(&self, name: &str) -> MutexGuard<'_, ()> {
        let which = name.bytes().next().map_or(0, |it| usize::from(it) % WRITERS);
        self.writing[which].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An origin has confirmed the entry: new rules, same body.
    pub fn confirm(&self, key: &str, rules: Rules, uri: &str) -> io::Result<()> {
        let name = self.disk.name(key);
        let _writing = self.writing(&name);
        let Some(mut entry) = self.index().get(&name).cloned() else { return Ok(()) };
        entry.expires_ms = rules.fresh_until_ms(uri);
        entry.rules = rules;
        self.disk.write(&name, &entry)?;
        let mut index = self.index();
        if index.get(&name).is_some() {
            index.replace(&name, entry);
        } else {
            // It went meanwhile: a head without its body would be the damage of another day.
            self.disk.remove_head(&name);
        }
        Ok(())
    }

    /// Removes one entry, if it is there.
    pub fn remove(&self, key: &str) {
        let name = self.disk.name(key);
        if self.known(&name).is_some() {
            self.forget(&mut self.index(), &name);
        }
    }

    /// Removes all entries of this account and URI prefix (`exact`: of this URI alone) that came before; `None` means every
    /// account. Answers their names. Waits for the index.
    pub fn take_matching(&self, account: Option<&str>, uri: &str, exact: bool, before_ms: u64) -> Vec<String> {
        let mut index = self.wait_loaded();
        let matching = index.iter().filter(|(_, it)| it.matches(account, uri) && it.rules.date_ms < before_ms);
        let matching = matching.filter(|(_, it)| !exact || it.uri == uri);
        let names: Vec<_> = matching.map(|(name, _)| name.clone()).collect();
        for name in &names {
            self.forget(&mut index, name);
        }
        names
    }

    /// Entries of this account and URI prefix, by URI. Waits for the index.
    pub fn list(&self, account: Option<&str>, prefix: &str) -> Vec<EntryInfo> {
        let index = self.wait_loaded();
        let matching = index.iter().filter(|(_, it)| it.matches(account, prefix));
        let mut found: Vec<_> = matching.map(|(_, it)| it.info()).collect();
        drop(index);
        found.sort_by(|a, b| (&a.uri, &a.preset, &a.account).cmp(&(&b.uri, &b.preset, &b.account)));
        found
    }

    /// Reads every body to its end. Who is not as it was written goes. Blocks, for as long as the disk takes; look-ups go on
    /// beside.
    pub fn verify(&self) -> Verified {
        let all: Vec<_> = self.wait_loaded().iter().map(|(name, it)| (name.clone(), it.clone())).collect();
        let mut verified = Verified::default();
        for (name, entry) in all {
            match self.disk.open_body(&name, &entry).and_then(|it| it.read_through(entry.octets)) {
                Ok(()) => {
                    verified.entries += 1;
                    verified.octets += entry.octets;
                }
                Err(error) => {
                    // It may have been replaced or removed meanwhile.
                    if self.index().get(&name).is_some_and(|it| it.body == entry.body) {
                        self.spoiled(&name, &entry.body, &error);
                        verified.damaged.push(entry.info());
                    }
                }
            }
        }
        verified
    }

    /// Removes what is over, and writes down what the others are worth.
    pub fn sweep(&self, now: SystemTime) {
        let now_ms = millis(now);
        let kept_ms = u64::try_from(self.limits.stale_kept.as_millis()).unwrap_or(u64::MAX);
        let mut index = self.wait_loaded();
        let over = index.iter().filter(|(_, it)| it.is_over(now_ms, kept_ms));
        let names: Vec<_> = over.map(|(name, _)| name.clone()).collect();
        for name in names {
            self.forget(&mut index, &name);
        }
        drop(index);
        self.note_worth();
    }

    /// Entries and octets, as far as the index is read.
    pub fn size(&self) -> (usize, u64) {
        let index = self.index();
        (index.count(), index.octets())
    }

    /// What a key is called on the disk, and in a store of others.
    pub fn name(&self, key: &str) -> String {
        self.disk.name(key)
    }

    /// The entry of a name, which is not used by that.
    pub fn known_entry(&self, name: &str) -> Option<Entry> {
        self.index().get(name).cloned()
    }

    /// Where the body of an entry lies.
    pub fn body_path(&self, name: &str, entry: &Entry) -> PathBuf {
        self.disk.body(name, entry)
    }

    /// A head as it lies in a store of others, and back; and any other text under a name.
    pub fn closed(&self, name: &str, entry: &Entry) -> io::Result<Vec<u8>> {
        self.disk.closed(name, entry)
    }

    pub fn opened(&self, name: &str, text: &[u8]) -> Option<Entry> {
        self.disk.opened(name, text)
    }

    pub fn closed_text(&self, name: &str, text: &[u8]) -> io::Result<Vec<u8>> {
        self.disk.closed_text(name, text)
    }

    pub fn opened_text(&self, name: &str, text: &[u8]) -> Option<Vec<u8>> {
        self.disk.opened_text(name, text)
    }

    pub fn body_key(&self, entry: &Entry) -> io::Result<Option<BodyKey>> {
        self.disk.body_key(entry)
    }

    /// Whether all that is on the disk is known.
    pub fn is_loaded(&self) -> bool {
        self.index().loaded
    }

    /// The entry of this name, which is used. While the index is still read it is looked for in its own place.
    fn known(&self, name: &str) -> Option<Entry> {
        let mut index = self.index();
        if let Some(entry) = index.used(name) {
            return Some(entry);
        }
        if index.loaded {
            return None;
        }
        drop(index);
        let entry = self.disk.read(name)?;
        self.take_in(name, entry, None)
    }

    /// Takes an entry in that was just read, unless it went meanwhile or another one is there.
    fn take_in(&self, name: &str, entry: Entry, worth: Option<Worth>) -> Option<Entry> {
        let mut index = self.index();
        if let Some(known) = index.get(name) {
            return Some(known.clone());
        }
        if !self.disk.has(name) {
            return None;
        }
        index.put(name.to_owned(), entry.clone(), worth);
        Some(entry)
    }

    fn forget(&self, index: &mut Index, name: &str) {
        if let Some(old) = index.take(name) {
            self.disk.remove(name, &old);
        }
    }

    fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Heads that are written at the same time, at most.
const WRITERS: usize = 16;
/// A body is begun where there is room for so much.
const LEAST_ROOM: u64 = 128 * 1024;
const NO_MORE: io::ErrorKind = io::ErrorKind::StorageFull;
