//! The cache on disk: whole entries only, found by the hash of (account, URI, preset).
//!
//! `entries/ab/<hash>.json` is the entry; it names its body file beside it. The body is synced and in place before the
//! entry is renamed into place, so a crash leaves an entry whole or absent. At start, temporary files, bodies without
//! an entry and entries without their body are removed. It fetches and converts nothing.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::counters::{Tally, count};
use crate::rules::{Judgement, Rules, millis};
use crate::spool::{Spool, SpoolWriter};
use crate::wire::hex;

/// A stored medium.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub account: String,
    /// The persistent URI; credentials are replaced.
    pub uri: String,
    pub preset: String,
    pub content_type: String,
    pub original_type: String,
    pub octets: u64,
    pub expires_ms: u64,
    pub rules: Rules,
    /// The body's file name.
    body: String,
}

/// What is known of an entry before it is stored.
pub(crate) struct Draft {
    pub account: String,
    pub uri: String,
    pub preset: String,
    pub content_type: String,
    pub original_type: String,
    pub rules: Rules,
}

/// One entry as operators see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryInfo {
    /// Whose it is.
    pub account: String,
    /// The persistent URI, without credentials.
    pub uri: String,
    /// The form it is stored in.
    pub preset: String,
    /// Octets on disk.
    pub size: u64,
    /// When it was fetched or confirmed, in milliseconds since 1970.
    pub date_ms: u64,
    /// When it goes stale, in milliseconds since 1970.
    pub expires_ms: u64,
}

/// What reading all entries has shown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Verified {
    /// Entries that are whole.
    pub entries: u64,
    /// Octets that were read.
    pub octets: u64,
    /// Entries that were not, and are no more.
    pub damaged: Vec<EntryInfo>,
}

/// What the cache knows about a key.
pub(crate) enum Found {
    Nothing,
    Fresh(Entry, Spool),
    /// To be checked with these headers.
    Stale(Entry, Vec<(String, String)>),
}

pub(crate) struct Cache {
    dir: PathBuf,
    limit_bytes: u64,
    stale_kept: Duration,
    tally: Arc<Tally>,
    index: Mutex<Index>,
    serial: AtomicU64,
}

#[derive(Default)]
struct Index {
    entries: HashMap<String, Held>,
    octets: u64,
    uses: u64,
}

struct Held {
    entry: Entry,
    used: u64,
    /// When its use was last noted on the disk.
    noted: Option<SystemTime>,
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
    /// Opens the cache at `dir` and puts it in order.
    pub fn open(dir: &Path, limit_bytes: u64, stale_kept: Duration, tally: Arc<Tally>) -> io::Result<Self> {
        let temporary = dir.join("tmp");
        match fs::remove_dir_all(&temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        fs::create_dir_all(&temporary)?;
        fs::create_dir_all(dir.join("entries"))?;
        let cache = Self {
            dir: dir.to_owned(),
            limit_bytes,
            stale_kept,
            tally,
            index: Mutex::default(),
            serial: AtomicU64::new(0),
        };
        cache.recover()?;
        Ok(cache)
    }

    /// A name for a new temporary file. Bodies keep it, so it is unlike any earlier start's.
    pub fn temporary(&self, now: SystemTime) -> PathBuf {
        let serial = self.serial.fetch_add(1, Ordering::Relaxed);
        self.dir.join("tmp").join(format!("{:x}-{}-{serial:x}", millis(now), std::process::id()))
    }

    /// Looks a key up.
    pub fn find(&self, key: &str, uri: &str, now: SystemTime) -> Found {
        let mut index = self.index();
        index.uses += 1;
        let uses = index.uses;
        let Some(held) = index.entries.get_mut(key) else { return Found::Nothing };
        held.used = uses;
        let noted_lately = held.noted.is_some_and(|at| now.duration_since(at).is_ok_and(|since| since < NOTE_EVERY));
        if !noted_lately {
            held.noted = Some(now);
        }
        let entry = held.entry.clone();
        let judgement = entry.rules.judge(uri, now);
        if let Judgement::Stale(headers) = judgement {
            if !entry.rules.can_be_checked() {
                self.forget(&mut index, key);
                return Found::Nothing;
            }
            return Found::Stale(entry, headers);
        }
        if !noted_lately {
            self.note_use(key, &entry);
        }
        match self.open_body(key, &entry) {
            Ok(spool) => Found::Fresh(entry, spool),
            Err(error) => {
                tracing::warn!(%error, key, "cache entry without its body; it will be fetched again");
                self.forget(&mut index, key);
                Found::Nothing
            }
        }
    }

    pub fn open_body(&self, key: &str, entry: &Entry) -> io::Result<Spool> {
        Spool::open(&self.place(key).join(&entry.body), entry.octets)
    }

    /// The order of use outlives a restart by the body's time stamp; losing it costs an eviction at most.
    fn note_use(&self, key: &str, entry: &Entry) {
        if let Ok(file) = File::options().append(true).open(self.place(key).join(&entry.body)) {
            let _ = file.set_modified(SystemTime::now());
        }
    }

    /// Makes a whole body an entry. Blocks until it is on the disk.
    pub fn store(&self, key: &str, draft: Draft, body: &SpoolWriter) -> io::Result<()> {
        let octets = body.octets();
        if octets > self.limit_bytes {
            body.discard();
            return Ok(());
        }
        body.sync()?;
        let place = self.place(key);
        fs::create_dir_all(&place)?;
        let serial = body.path().file_name().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default();
        let name = format!("{key}-{serial}.body");
        fs::rename(body.path(), place.join(&name))?;
        let entry = Entry {
            expires_ms: draft.rules.fresh_until_ms(&draft.uri),
            account: draft.account,
            uri: shown_uri(&draft.uri),
            preset: draft.preset,
            content_type: draft.content_type,
            original_type: draft.original_type,
            octets,
            rules: draft.rules,
            body: name,
        };
        self.write_entry(key, &entry)?;
        let mut index = self.index();
        if let Some(old) = index.take(key) {
            remove(&place.join(&old.entry.body));
        }
        index.put(key.to_owned(), entry);
        self.make_room(&mut index);
        count(&self.tally.stored);
        Ok(())
    }

    /// An origin has confirmed the entry: new rules, same body.
    pub fn confirm(&self, key: &str, rules: Rules, uri: &str) -> io::Result<()> {
        let Some(mut entry) = self.index().entries.get(key).map(|it| it.entry.clone()) else { return Ok(()) };
        entry.expires_ms = rules.fresh_until_ms(uri);
        entry.rules = rules;
        self.write_entry(key, &entry)?;
        if let Some(held) = self.index().entries.get_mut(key)
            && held.entry.body == entry.body
        {
            held.entry = entry;
        }
        Ok(())
    }

    /// Removes one entry, if it is there.
    pub fn remove(&self, key: &str) {
        let mut index = self.index();
        self.forget(&mut index, key);
    }

    /// Removes all entries of this account and URI prefix; `None` means every account. Answers how many.
    pub fn remove_matching(&self, account: Option<&str>, prefix: &str) -> usize {
        let mut index = self.index();
        let keys: Vec<_> = index.matching(account, prefix).map(|(key, _)| key.clone()).collect();
        for key in &keys {
            self.forget(&mut index, key);
        }
        keys.len()
    }

    /// Removes all entries of this account and this very URI; `None` means every account. Answers how many.
    pub fn remove_uri(&self, account: Option<&str>, uri: &str) -> usize {
        let mut index = self.index();
        let keys: Vec<_> =
            index.matching(account, uri).filter(|(_, it)| it.entry.uri == uri).map(|(key, _)| key.clone()).collect();
        for key in &keys {
            self.forget(&mut index, key);
        }
        keys.len()
    }

    /// Entries of this account and URI prefix, by URI.
    pub fn list(&self, account: Option<&str>, prefix: &str) -> Vec<EntryInfo> {
        let mut found: Vec<_> = self.index().matching(account, prefix).map(|(_, it)| it.entry.info()).collect();
        found.sort_by(|a, b| (&a.uri, &a.preset, &a.account).cmp(&(&b.uri, &b.preset, &b.account)));
        found
    }

    /// Reads every body to its end. Who is not whole goes. Blocks, for as long as the disk takes; look-ups go on beside.
    pub fn verify(&self) -> Verified {
        let all: Vec<_> = self.index().entries.iter().map(|(key, it)| (key.clone(), it.entry.clone())).collect();
        let mut verified = Verified::default();
        for (key, entry) in all {
            let read = File::open(self.place(&key).join(&entry.body))
                .and_then(|mut file| io::copy(&mut file, &mut io::sink()));
            if read.as_ref().is_ok_and(|it| *it == entry.octets) {
                verified.entries += 1;
                verified.octets += entry.octets;
                continue;
            }
            let mut index = self.index();
            // It may have been replaced or removed meanwhile.
            if index.entries.get(&key).is_some_and(|it| it.entry.body == entry.body) {
                tracing::warn!(uri = entry.uri, ?read, "a cache entry is damaged; it is fetched anew");
                self.forget(&mut index, &key);
                verified.damaged.push(entry.info());
            }
        }
        verified
    }

    /// Removes what has expired and cannot be checked, or was not asked for since long.
    pub fn sweep(&self, now: SystemTime) {
        let now_ms = millis(now);
        let kept_ms = u64::try_from(self.stale_kept.as_millis()).unwrap_or(u64::MAX);
        let mut index = self.index();
        let over = |it: &Entry| {
            let kept = if it.rules.can_be_checked() { kept_ms } else { 0 };
            it.expires_ms.saturating_add(kept) <= now_ms
        };
        let keys: Vec<_> = index.entries.iter().filter(|(_, it)| over(&it.entry)).map(|(key, _)| key.clone()).collect();
        for key in keys {
            self.forget(&mut index, &key);
        }
    }

    /// Entries and octets.
    pub fn size(&self) -> (usize, u64) {
        let index = self.index();
        (index.entries.len(), index.octets)
    }

    fn recover(&self) -> io::Result<()> {
        let mut found: Vec<(SystemTime, String, Entry)> = Vec::new();
        let mut bodies: Vec<PathBuf> = Vec::new();
        for place in fs::read_dir(self.dir.join("entries"))? {
            let place = place?.path();
            if !place.is_dir() {
                continue;
            }
            for file in fs::read_dir(&place)? {
                let path = file?.path();
                if path.extension().is_some_and(|it| it == "json") {
                    match read_entry(&path) {
                        Some((used, key, entry)) => found.push((used, key, entry)),
                        None => remove(&path),
                    }
                } else {
                    bodies.push(path);
                }
            }
        }
        found.sort_by_key(|it| it.0);
        let mut index = self.index();
        for (_, key, entry) in found {
            index.put(key, entry);
        }
        for body in bodies {
            let name = body.file_name().unwrap_or_default().to_string_lossy();
            let owner = name.split('-').next().and_then(|key| index.entries.get(key));
            if owner.is_none_or(|it| it.entry.body != name) {
                remove(&body);
            }
        }
        self.make_room(&mut index);
        Ok(())
    }

    fn make_room(&self, index: &mut Index) {
        while index.octets > self.limit_bytes {
            let Some(key) = index.entries.iter().min_by_key(|(_, it)| it.used).map(|(key, _)| key.clone()) else {
                return;
            };
            self.forget(index, &key);
            count(&self.tally.evictions);
        }
    }

    fn forget(&self, index: &mut Index, key: &str) {
        if let Some(old) = index.take(key) {
            let place = self.place(key);
            remove(&place.join(format!("{key}.json")));
            remove(&place.join(&old.entry.body));
        }
    }

    fn write_entry(&self, key: &str, entry: &Entry) -> io::Result<()> {
        let place = self.place(key);
        let temporary = self.temporary(SystemTime::now());
        let mut file = File::create_new(&temporary)?;
        file.write_all(&serde_json::to_vec(entry).map_err(io::Error::other)?)?;
        file.sync_all()?;
        fs::rename(&temporary, place.join(format!("{key}.json")))?;
        File::open(&place)?.sync_all()
    }

    fn place(&self, key: &str) -> PathBuf {
        self.dir.join("entries").join(key.get(..2).unwrap_or("00"))
    }

    fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Index {
    fn put(&mut self, key: String, entry: Entry) {
        self.uses += 1;
        self.octets += entry.octets;
        self.entries.insert(key, Held { entry, used: self.uses, noted: None });
    }

    fn take(&mut self, key: &str) -> Option<Held> {
        let held = self.entries.remove(key)?;
        self.octets = self.octets.saturating_sub(held.entry.octets);
        Some(held)
    }

    fn matching<'a>(
        &'a self,
        account: Option<&'a str>,
        prefix: &'a str,
    ) -> impl Iterator<Item = (&'a String, &'a Held)> {
        self.entries.iter().filter(move |(_, it)| {
            it.entry.uri.starts_with(prefix) && account.is_none_or(|account| account == it.entry.account)
        })
    }
}

impl Entry {
    fn info(&self) -> EntryInfo {
        EntryInfo {
            account: self.account.clone(),
            uri: self.uri.clone(),
            preset: self.preset.clone(),
            size: self.octets,
            date_ms: self.rules.date_ms,
            expires_ms: self.expires_ms,
        }
    }
}

/// An entry whose body is there in full, with the time of its last use.
fn read_entry(path: &Path) -> Option<(SystemTime, String, Entry)> {
    let key = path.file_stem()?.to_str()?.to_owned();
    if fs::metadata(path).ok()?.len() > MAX_ENTRY_FILE {
        return None;
    }
    let entry: Entry = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
    // A name from the disk leads nowhere else.
    if !entry.body.starts_with(&key) || entry.body.contains('/') {
        return None;
    }
    let body = fs::metadata(path.with_file_name(&entry.body)).ok()?;
    (body.len() == entry.octets).then(|| (body.modified().unwrap_or(SystemTime::UNIX_EPOCH), key, entry))
}

fn remove(path: &Path) {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(%error, path = %path.display(), "cache file stays");
        }
        _ => {}
    }
}

fn shown_uri(uri: &str) -> String {
    match url::Url::parse(uri) {
        Ok(url) => tipring_egress::redacted(&url).to_string(),
        Err(_) => crate::wire::shown(uri),
    }
}

/// The use of an entry is noted on the disk at most this often.
const NOTE_EVERY: Duration = Duration::from_secs(60);
/// Entries are about 1 KiB; headers in them are bounded by the HTTP client.
const MAX_ENTRY_FILE: u64 = 256 * 1024;
