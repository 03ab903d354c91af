//! The files of the cache. `entries/ab/<name>.json` is an entry's head; it names its body file beside it. The body is synced
//! and in place before the head is renamed into place, so a crash leaves an entry whole or absent. With a seal key a
//! name is a keyed hash, the head is `<name>.head`, and both are ciphertext ([`crate::seal`]). It knows no worth and no rules.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ring::rand::{SecureRandom, SystemRandom};

use super::entry::Entry;
use crate::seal::{BodyKey, Seal};
use crate::spool::{Spool, SpoolWriter, length_on_disk};
use crate::wire::hex;

pub(super) struct Disk {
    dir: PathBuf,
    seal: Option<Arc<Seal>>,
    /// Of this start: bodies keep it in their names, so that none has the name of one of an earlier start.
    start: String,
    serial: AtomicU64,
}

/// What lies in one folder.
#[derive(Default)]
pub(super) struct Place {
    /// Names of entries.
    pub heads: Vec<String>,
    /// Bodies that were there before this start.
    pub bodies: Vec<PathBuf>,
    /// Heads that are not of this seal key.
    pub foreign: Vec<PathBuf>,
}

impl Disk {
    /// Takes the folder and throws away what an earlier start left half done.
    pub fn open(dir: &Path, seal: Option<Arc<Seal>>) -> io::Result<Self> {
        let temporary = dir.join("tmp");
        match fs::remove_dir_all(&temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        fs::create_dir_all(&temporary)?;
        fs::create_dir_all(dir.join("entries"))?;
        let mut start = [0; 8];
        SystemRandom::new().fill(&mut start).map_err(|_| io::Error::other("no random numbers"))?;
        Ok(Self { dir: dir.to_owned(), seal, start: hex(&start), serial: AtomicU64::new(0) })
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    pub fn seal(&self) -> Option<&Arc<Seal>> {
        self.seal.as_ref()
    }

    /// What a key is called on the disk.
    pub fn name(&self, key: &str) -> String {
        self.seal.as_ref().map_or_else(|| key.to_owned(), |seal| seal.name(key))
    }

    /// A path for a new temporary file.
    pub fn temporary(&self) -> PathBuf {
        let serial = self.serial.fetch_add(1, Ordering::Relaxed);
        self.dir.join("tmp").join(format!("{}-{serial:x}", self.start))
    }

    /// Puts a whole temporary file in its place, and answers its name there.
    pub fn adopt(&self, name: &str, body: &SpoolWriter) -> io::Result<String> {
        body.sync()?;
        let place = self.place(name);
        fs::create_dir_all(&place)?;
        let from = body.path();
        let stem = from.file_stem().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default();
        let file = format!("{name}-{stem}.body");
        fs::rename(from, place.join(&file))?;
        Ok(file)
    }

    /// Writes a head into its place, for good.
    pub fn write(&self, name: &str, entry: &Entry) -> io::Result<()> {
        let temporary = self.temporary();
        let written = File::create_new(&temporary).and_then(|mut file| {
            file.write_all(&self.closed(name, entry)?)?;
            file.sync_all()
        });
        if let Err(error) = written.and_then(|()| fs::rename(&temporary, self.head(name))) {
            let _ = fs::remove_file(&temporary);
            return Err(error);
        }
        File::open(self.place(name))?.sync_all()
    }

    /// A head as it lies on the disk, or in a store of others.
    pub fn closed(&self, name: &str, entry: &Entry) -> io::Result<Vec<u8>> {
        self.closed_text(name, &serde_json::to_vec(entry).map_err(io::Error::other)?)
    }

    /// Reads such a head.
    pub fn opened(&self, name: &str, text: &[u8]) -> Option<Entry> {
        serde_json::from_slice(&self.opened_text(name, text)?).ok()
    }

    pub fn closed_text(&self, name: &str, text: &[u8]) -> io::Result<Vec<u8>> {
        match &self.seal {
            Some(seal) => seal.close_head(name, text).ok_or_else(|| io::Error::other("a head could not be sealed")),
            None => Ok(text.to_vec()),
        }
    }

    pub fn opened_text(&self, name: &str, text: &[u8]) -> Option<Vec<u8>> {
        match &self.seal {
            Some(seal) => seal.open_head(name, text),
            None => Some(text.to_vec()),
        }
    }

    /// An entry whose body is there in full.
    pub fn read(&self, name: &str) -> Option<Entry> {
        let path = self.head(name);
        if fs::metadata(&path).ok()?.len() > MAX_HEAD_FILE {
            return None;
        }
        let entry = self.opened(name, &fs::read(&path).ok()?)?;
        // A name from the disk leads nowhere else.
        if !entry.body.starts_with(name) || entry.body.contains('/') {
            return None;
        }
        let body = fs::metadata(self.body(name, &entry)).ok()?;
        (body.len() == length_on_disk(entry.octets, entry.salt.is_some())).then_some(entry)
    }

    pub fn has(&self, name: &str) -> bool {
        self.head(name).exists()
    }

    /// The key of an entry's body; `None`: it is not sealed.
    pub fn body_key(&self, entry: &Entry) -> io::Result<Option<BodyKey>> {
        match (&self.seal, &entry.salt) {
            (None, None) => Ok(None),
            (Some(seal), Some(salt)) => seal.body(salt).map(Some).ok_or_else(|| io::ErrorKind::InvalidData.into()),
            _ => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    pub fn open_body(&self, name: &str, entry: &Entry) -> io::Result<Spool> {
        Spool::open(&self.body(name, entry), entry.octets, self.body_key(entry)?)
    }

    pub fn remove(&self, name: &str, entry: &Entry) {
        remove(&self.head(name));
        remove(&self.body(name, entry));
    }

    pub fn remove_body(&self, name: &str, file: &str) {
        remove(&self.place(name).join(file));
    }

    /// Removes a head that cannot be read; its body goes with those that no entry names.
    pub fn remove_head(&self, name: &str) {
        remove(&self.head(name));
    }

    pub fn body(&self, name: &str, entry: &Entry) -> PathBuf {
        self.place(name).join(&entry.body)
    }

    /// All folders with entries.
    pub fn places(&self) -> io::Result<Vec<PathBuf>> {
        let found = fs::read_dir(self.dir.join("entries"))?;
        Ok(found.flatten().map(|it| it.path()).filter(|it| it.is_dir()).collect())
    }

    /// What lies in one of them.
    pub fn look(&self, place: &Path) -> io::Result<Place> {
        let mut found = Place::default();
        let (own, other) = if self.seal.is_some() { ("head", "json") } else { ("json", "head") };
        for file in fs::read_dir(place)? {
            let path = file?.path();
            let kind = path.extension().and_then(|it| it.to_str()).unwrap_or_default();
            if kind == own {
                found.heads.extend(path.file_stem().and_then(|it| it.to_str()).map(str::to_owned));
            } else if kind == other {
                found.foreign.push(path);
            } else if !path.to_string_lossy().contains(&self.start) {
                found.bodies.push(path);
            }
        }
        Ok(found)
    }

    /// Octets that are free for the service on this file system; `None`: nobody knows.
    pub fn free(&self) -> Option<u64> {
        let found = rustix::fs::statvfs(&self.dir).ok()?;
        Some(found.f_bavail.saturating_mul(found.f_frsize))
    }

    fn head(&self, name: &str) -> PathBuf {
        self.place(name).join(format!("{name}.{}", if self.seal.is_some() { "head" } else { "json" }))
    }

    fn place(&self, name: &str) -> PathBuf {
        self.dir.join("entries").join(name.get(..2).unwrap_or("00"))
    }
}

pub(super) fn remove(path: &Path) {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(%error, path = %path.display(), "cache file stays");
        }
        _ => {}
    }
}

/// Entries are about 1 KiB; headers in them are bounded by the HTTP client.
const MAX_HEAD_FILE: u64 = 256 * 1024;
