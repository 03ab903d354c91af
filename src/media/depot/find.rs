//! Looking for an entry in the depot, and bringing it to the disk, where it is heard while it comes.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};
use object_store::{Error, ObjectStoreExt};
use tokio::sync::{mpsc, oneshot};

use super::{BODIES, Depot, HEADS, MAX_HEAD, written_ms};
use crate::cache::{Cache, Draft, Entry};
use crate::counters::count;
use crate::fault::{FETCH, MediaFault};
use crate::seal::{BodyKey, TAG_OCTETS};
use crate::spool::{CHUNK, SpoolWriter, length_on_disk};

/// An entry of the depot, whose body begins to come.
pub(crate) struct Brought {
    pub entry: Entry,
    /// Else from another layer.
    pub from_depot: bool,
    key: Option<BodyKey>,
    body: BoxStream<'static, Result<Bytes, String>>,
}

/// A head, and by what it can be replaced.
pub(super) struct Head {
    pub entry: Option<Entry>,
    pub version: object_store::UpdateVersion,
}

impl Depot {
    /// Looks a key up; within the patience of a caller.
    pub async fn find(self: &Arc<Self>, key: &str) -> Option<Brought> {
        let name = self.cache.name(key);
        let found = self.look_up(&name).await;
        count(if found.is_some() { &self.tally.store_hits } else { &self.tally.store_misses });
        found
    }

    async fn look_up(self: &Arc<Self>, name: &str) -> Option<Brought> {
        if self.leaving().contains_key(name) {
            return None;
        }
        if !self.gone().known {
            // What was removed is not known yet.
            self.look().await;
            if !self.gone().known {
                return None;
            }
        }
        let head = self.soon("looking up", self.head(name)).await.ok()?;
        let entry = head.entry?;
        let at = self.place(BODIES, &entry.body);
        let body = match self.soon("reading", self.store.get(&at)).await {
            Ok(body) => body,
            Err(Some(Error::NotFound { .. })) => {
                self.remove(name.to_owned());
                return None;
            }
            Err(_) => return None,
        };
        if self.gone().covers(&entry, written_ms(&body.meta))
            || body.meta.size != length_on_disk(entry.octets, entry.salt.is_some())
        {
            self.remove(name.to_owned());
            return None;
        }
        let key = self.cache.body_key(&entry).ok()?;
        let body = body.into_stream().map_err(|error| error.to_string()).boxed();
        Some(Brought { entry, from_depot: true, key, body })
    }

    /// Reads a head. One that cannot be read, as it is of another seal key, is none.
    pub(super) async fn head(&self, name: &str) -> Result<Head, Error> {
        let got = self.store.get(&self.place(HEADS, name)).await?;
        let version = object_store::UpdateVersion { e_tag: got.meta.e_tag.clone(), version: got.meta.version.clone() };
        if got.meta.size > MAX_HEAD {
            return Ok(Head { entry: None, version });
        }
        let text = got.bytes().await?;
        let entry = self.cache.opened(name, &text).filter(|it| it.body.starts_with(name) && !it.body.contains('/'));
        Ok(Head { entry, version })
    }
}

impl Brought {
    /// One that comes in plain.
    pub fn plain(entry: Entry, body: BoxStream<'static, Result<Bytes, String>>) -> Self {
        Self { entry, from_depot: false, key: None, body }
    }

    /// Brings the body into `writer` and makes it an entry of the disk. Told as soon as it can be heard: what is short when all
    /// of it is there and good, else with its first chunk.
    pub async fn fill(
        self,
        cache: Arc<Cache>,
        key: String,
        draft: Draft,
        writer: SpoolWriter,
        heard: oneshot::Sender<()>,
    ) -> Result<(), MediaFault> {
        let Self { entry, key: sealed, mut body, .. } = self;
        let (pieces, taken) = mpsc::channel(PIECES);
        let filling = tokio::task::spawn_blocking(move || {
            let filler =
                Filler { writer, sealed, heard: Some(heard), octets: entry.octets, number: 0, rest: Vec::new() };
            filler.run(taken, &cache, &key, draft)
        });
        while let Some(piece) = body.next().await {
            if pieces.send(piece).await.is_err() {
                break;
            }
        }
        drop(pieces);
        filling.await.unwrap_or_else(|_| Err(MediaFault::new(FETCH, "the media layer was stopped")))
    }
}

struct Filler {
    writer: SpoolWriter,
    sealed: Option<BodyKey>,
    heard: Option<oneshot::Sender<()>>,
    octets: u64,
    number: u64,
    rest: Vec<u8>,
}

impl Filler {
    fn run(
        mut self,
        mut pieces: mpsc::Receiver<Result<Bytes, String>>,
        cache: &Arc<Cache>,
        key: &str,
        draft: Draft,
    ) -> Result<(), MediaFault> {
        let filled = self.fill(&mut pieces);
        match filled {
            Ok(()) => {
                self.writer.whole();
                self.tell();
                cache.store(key, draft, &mut self.writer);
                Ok(())
            }
            Err(fault) => {
                self.writer.broken(fault.clone());
                Err(fault)
            }
        }
    }

    fn fill(&mut self, pieces: &mut mpsc::Receiver<Result<Bytes, String>>) -> Result<(), MediaFault> {
        let size = if self.sealed.is_some() { CHUNK + TAG_OCTETS } else { CHUNK } as usize;
        while let Some(piece) = pieces.blocking_recv() {
            self.rest.extend_from_slice(&piece.map_err(|error| broken(&error))?);
            while self.rest.len() >= size {
                let after = self.rest.split_off(size);
                let chunk = std::mem::replace(&mut self.rest, after);
                self.take(chunk)?;
            }
        }
        let last = std::mem::take(&mut self.rest);
        if !last.is_empty() {
            self.take(last)?;
        }
        if self.writer.octets() != self.octets {
            return Err(broken(&"a body has another length"));
        }
        Ok(())
    }

    fn take(&mut self, mut chunk: Vec<u8>) -> Result<(), MediaFault> {
        if let Some(key) = &self.sealed
            && !key.open(self.number, &mut chunk)
        {
            return Err(broken(&"a sealed piece was changed"));
        }
        self.number += 1;
        // Whoever sends more than its head says does not fill the disk.
        if self.writer.octets() + chunk.len() as u64 > self.octets {
            return Err(broken(&"a body is longer than its head says"));
        }
        self.writer.write(&chunk).map_err(|error| MediaFault::local("writing the cache", &error))?;
        if self.octets > AT_ONCE {
            self.tell();
        }
        Ok(())
    }

    fn tell(&mut self) {
        if let Some(heard) = self.heard.take() {
            let _ = heard.send(());
        }
    }
}

fn broken(what: &dyn std::fmt::Display) -> MediaFault {
    MediaFault::new(FETCH, format!("brought from elsewhere: {what}"))
}

/// Pieces between the store and the disk.
const PIECES: usize = 16;
/// What is no longer, 16 s of telephone audio, is heard when it is there and good.
const AT_ONCE: u64 = 128 * 1024;
