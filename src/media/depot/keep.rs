//! Bringing entries to the depot, behind the call: one work after another from a bounded queue. What does not fit into the
//! queue is not brought, which costs another box a fetch.

use std::sync::Arc;

use bytes::Bytes;
use object_store::{Error, ObjectStoreExt, PutMode, PutOptions, PutPayload, UpdateVersion, WriteMultipart};
use tokio::io::AsyncReadExt;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::gone::Removed;
use super::{BODIES, Depot, HEADS, Lease};
use crate::cache::Entry;
use crate::counters::count;

/// What is to be done in the store.
pub(super) enum Work {
    /// A new entry is to be brought there.
    Keep(String, Box<Entry>, Option<Lease>),
    /// An entry was confirmed by its origin.
    Confirm(String, Box<Entry>),
    /// An entry is to be removed.
    Remove(String),
    /// What was removed is to be told.
    Tell(String, Removed),
    /// Nobody fetches it any more.
    Free(String),
}

/// A work counts as waiting until it is done.
struct Waiting<'a>(&'a Depot);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.send_modify(|it| *it = it.saturating_sub(1));
    }
}

impl Depot {
    /// A new entry of the disk is to be in the store too.
    pub fn keep(&self, key: &str, entry: Entry, lease: Option<Lease>) {
        self.enqueue(Work::Keep(self.cache.name(key), Box::new(entry), lease));
    }

    /// An entry's origin has confirmed it.
    pub fn confirm(&self, key: &str) {
        let name = self.cache.name(key);
        if let Some(entry) = self.cache.known_entry(&name) {
            self.enqueue(Work::Confirm(name, Box::new(entry)));
        }
    }

    /// An entry is no longer what its origin has.
    pub fn remove_key(&self, key: &str) {
        self.remove(self.cache.name(key));
    }

    /// Until it is done the name is not looked for.
    pub(super) fn remove(&self, name: String) {
        *self.leaving().entry(name.clone()).or_default() += 1;
        self.enqueue(Work::Remove(name));
    }

    fn has_left(&self, name: &str) {
        let mut leaving = self.leaving();
        let left = leaving.get_mut(name).map(|it| {
            *it -= 1;
            *it == 0
        });
        if left == Some(true) {
            leaving.remove(name);
        }
    }

    pub(super) fn enqueue(&self, work: Work) {
        self.waiting.send_modify(|it| *it += 1);
        if let Err(refused) = self.works.try_send(work) {
            self.waiting.send_modify(|it| *it = it.saturating_sub(1));
            count(&self.tally.store_lost);
            match refused.into_inner() {
                Work::Remove(name) => self.has_left(&name),
                Work::Tell(..) => tracing::error!(
                    "a removal could not be told to the shared store, for too much waits to be brought there; other boxes may \
                     play what was removed: remove it once more"
                ),
                _ => {}
            }
        }
    }

    pub(super) async fn work(self: Arc<Self>, mut works: mpsc::Receiver<Work>, stop: CancellationToken) {
        while let Some(work) = works.recv().await {
            let waiting = Waiting(&self);
            tokio::select! {
                () = self.one(work) => {}
                () = stop.cancelled() => return,
            }
            drop(waiting);
        }
    }

    async fn one(&self, work: Work) {
        // What is brought while the store is away is not brought; removals are told again and again.
        match work {
            Work::Keep(name, entry, lease) => {
                if !self.is_away() && self.bring(&name, &entry).await.is_ok() {
                    count(&self.tally.store_kept);
                }
                if let Some(lease) = lease {
                    self.free(&lease.done()).await;
                }
            }
            Work::Confirm(name, entry) if !self.is_away() => {
                let _ = self.renew(&name, &entry).await;
            }
            Work::Remove(name) => {
                if !self.is_away() {
                    self.take_away(&name).await;
                }
                self.has_left(&name);
            }
            Work::Free(name) if !self.is_away() => self.free(&name).await,
            Work::Tell(name, removed) => self.tell(name, removed).await,
            Work::Confirm(..) | Work::Free(_) => {}
        }
    }

    /// First the body, then the head.
    async fn bring(&self, name: &str, entry: &Entry) -> Result<(), Option<Error>> {
        let (seen, after) = {
            let gone = self.gone();
            (gone.count(), gone.last())
        };
        let file = format!("{name}-{}", self.unique());
        let body = self.place(BODIES, &file);
        let brought = self.upload(name, entry, &body).await;
        self.heard("bringing a body", brought)?;
        let ours = Entry { body: file, after, ..entry.clone() };
        match self.put_head(name, &ours).await {
            Ok(true) if !self.gone().since(seen, entry) => Ok(()),
            // It was removed meanwhile.
            Ok(true) => {
                self.take_away(name).await;
                Err(None)
            }
            // Another box has brought the same, or something newer.
            Ok(false) => {
                self.delete(&body).await;
                Err(None)
            }
            Err(error) => {
                self.delete(&body).await;
                Err(error)
            }
        }
    }

    async fn upload(&self, name: &str, entry: &Entry, to: &object_store::path::Path) -> Result<(), Error> {
        let local = |error: std::io::Error| Error::NotFound { path: name.to_owned(), source: Box::new(error) };
        let mut file = tokio::fs::File::open(self.cache.body_path(name, entry)).await.map_err(local)?;
        let length = file.metadata().await.map_err(local)?.len();
        if length <= PART_OCTETS as u64 {
            let mut text = Vec::with_capacity(length as usize);
            file.read_to_end(&mut text).await.map_err(local)?;
            return self.store.put(to, PutPayload::from(text)).await.map(drop);
        }
        let mut parts = WriteMultipart::new_with_chunk_size(self.store.put_multipart(to).await?, PART_OCTETS);
        loop {
            let mut piece = vec![0; PIECE_OCTETS];
            let read = file.read(&mut piece).await.map_err(local)?;
            if read == 0 {
                return parts.finish().await.map(drop);
            }
            piece.truncate(read);
            parts.wait_for_capacity(PARTS_AT_ONCE).await?;
            parts.put(Bytes::from(piece));
        }
    }

    /// Puts a head where there is none, or an older one; `false`: what is there is as good.
    async fn put_head(&self, name: &str, ours: &Entry) -> Result<bool, Option<Error>> {
        for _ in 0..TRIES {
            let there = match self.heard("reading a head", self.head(name).await) {
                Ok(head) => Some(head),
                Err(Some(Error::NotFound { .. })) => None,
                Err(error) => return Err(error),
            };
            let (mode, old) = match there {
                None => (PutMode::Create, None),
                Some(head) => match head.entry {
                    Some(entry) if entry.rules.date_ms >= ours.rules.date_ms => return Ok(false),
                    old => (PutMode::Update(head.version), old),
                },
            };
            match self.put(name, ours, mode).await {
                Ok(()) => {
                    if let Some(old) = old.filter(|it| it.body != ours.body) {
                        self.delete(&self.place(BODIES, &old.body)).await;
                    }
                    return Ok(true);
                }
                // Somebody else was faster: once more.
                Err(Some(Error::AlreadyExists { .. } | Error::Precondition { .. } | Error::NotFound { .. })) => {}
                Err(error) => return Err(error),
            }
        }
        Err(None)
    }

    async fn put(&self, name: &str, entry: &Entry, mode: PutMode) -> Result<(), Option<Error>> {
        let text = self.cache.closed(name, entry).map_err(|_| None)?;
        let (at, payload) = (self.place(HEADS, name), PutPayload::from(text));
        let put = self.store.put_opts(&at, payload.clone(), PutOptions::from(mode)).await;
        // A mounted folder replaces files at one stroke, and cannot be asked for more.
        let put = match put {
            Err(Error::NotImplemented { .. } | Error::NotSupported { .. }) => {
                self.store.put_opts(&at, payload, PutOptions::from(PutMode::Overwrite)).await
            }
            other => other,
        };
        self.heard("writing a head", put.map(drop))
    }

    /// Other rules for the same body; where the store has none it is brought.
    async fn renew(&self, name: &str, entry: &Entry) -> Result<(), Option<Error>> {
        let there: Option<(Entry, UpdateVersion)> = match self.heard("reading a head", self.head(name).await) {
            Ok(head) => head.entry.map(|it| (it, head.version)),
            Err(Some(Error::NotFound { .. })) => None,
            Err(error) => return Err(error),
        };
        let Some((there, version)) = there else { return self.bring(name, entry).await };
        if there.rules.date_ms >= entry.rules.date_ms {
            return Ok(());
        }
        if there.octets != entry.octets || there.rules.validators() != entry.rules.validators() {
            return self.bring(name, entry).await;
        }
        let renewed = Entry { expires_ms: entry.expires_ms, rules: entry.rules.clone(), ..there };
        self.put(name, &renewed, PutMode::Update(version)).await
    }

    async fn take_away(&self, name: &str) {
        let head = self.heard("reading a head", self.head(name).await);
        if let Ok(head) = head {
            self.delete(&self.place(HEADS, name)).await;
            if let Some(entry) = head.entry {
                self.delete(&self.place(BODIES, &entry.body)).await;
            }
        }
    }
}

/// A body that is longer goes in parts, each no shorter than S3 allows.
const PART_OCTETS: usize = 8 << 20;
const PIECE_OCTETS: usize = 256 * 1024;
/// Parts under way: two of them are in memory.
const PARTS_AT_ONCE: usize = 1;
/// As often another box may be faster.
const TRIES: usize = 4;
