//! Fetching from the vault: into a file without a name, looked at to the last octet before anybody has it.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::time::Duration;

use futures_util::TryStreamExt;
use object_store::{Error, ObjectStoreExt};
use sha2::{Digest, Sha256};

use super::{CHUNK, Head, MAX_HEAD, Vault, VaultFault, length_there, local};
use crate::seal::{BodyKey, TAG_OCTETS};
use crate::wire::hex;

pub(super) async fn fetch(vault: &Vault, name: &str) -> Result<Option<File>, VaultFault> {
    let got = match tokio::time::timeout(PATIENCE, vault.store.get(&vault.place(name))).await {
        Ok(Ok(got)) => got,
        Ok(Err(Error::NotFound { .. })) => {
            vault.answered();
            return Ok(None);
        }
        Ok(Err(error)) => return Err(vault.fault("fetching a recording", &error)),
        Err(_) => return Err(vault.fault("fetching a recording", &"it took too long")),
    };
    let size = got.meta.size;
    let mut coming = Coming::Head(Vec::new());
    let mut stream = got.into_stream();
    loop {
        match stream.try_next().await {
            Ok(Some(piece)) => coming = coming.take(vault, name, size, &piece).await?,
            Ok(None) => break,
            Err(error) => return Err(vault.fault("fetching a recording", &error)),
        }
    }
    vault.answered();
    let Coming::Body(body) = coming else { return Err(damaged("it ends in its head")) };
    body.whole(vault).await.map(Some)
}

fn damaged(why: &str) -> VaultFault {
    VaultFault::Damaged(why.to_owned())
}

/// An object as far as it has come.
enum Coming {
    Head(Vec<u8>),
    Body(Box<Body>),
}

impl Coming {
    async fn take(self, vault: &Vault, name: &str, size: u64, piece: &[u8]) -> Result<Self, VaultFault> {
        match self {
            Coming::Head(mut text) => {
                text.extend_from_slice(piece);
                let Some(length) = text.first_chunk::<4>().map(|it| u32::from_be_bytes(*it) as usize) else {
                    return Ok(Coming::Head(text));
                };
                if length > MAX_HEAD {
                    return Err(damaged("its head is too long"));
                }
                if text.len() < 4 + length {
                    return Ok(Coming::Head(text));
                }
                let head = opened(vault, name, &text[4..4 + length]).ok_or_else(|| {
                    damaged("its head cannot be read; was it sealed with another media.seal_key_file?")
                })?;
                let behind =
                    size.checked_sub(4 + length as u64).ok_or_else(|| damaged("it is shorter than its head"))?;
                let mut body = Box::new(Body::begin(vault, head, behind)?);
                body.take(vault, &text[4 + length..]).await?;
                Ok(Coming::Body(body))
            }
            Coming::Body(mut body) => {
                body.take(vault, piece).await?;
                Ok(Coming::Body(body))
            }
        }
    }
}

fn opened(vault: &Vault, name: &str, text: &[u8]) -> Option<Head> {
    let plain = match &vault.seal {
        Some(seal) => seal.open_head(name, text)?,
        None => text.to_vec(),
    };
    serde_json::from_slice::<Head>(&plain).ok().filter(|head| head.name == name)
}

struct Body {
    head: Head,
    key: Option<BodyKey>,
    file: File,
    /// What is not a whole chunk yet.
    rest: Vec<u8>,
    number: u64,
    octets: u64,
    hash: Sha256,
}

impl Body {
    /// `size` is what lies in the store behind the head.
    fn begin(vault: &Vault, head: Head, size: u64) -> Result<Self, VaultFault> {
        let key = vault.body_key(head.salt.as_deref());
        let key = key.ok_or_else(|| damaged("it is sealed, or not, other than media.seal_key_file says"))?;
        if size != length_there(head.octets, key.is_some()) {
            return Err(damaged("it has another length than its head says"));
        }
        if !vault.has_room(head.octets) {
            let why = format!("less than 64 MiB would stay free beside a recording of {} octets", head.octets);
            return Err(local("there is no room", &vault.scratch, &why));
        }
        let file = vault.nameless().map_err(|error| local("cannot be written", &vault.scratch, &error))?;
        Ok(Self { head, key, file, rest: Vec::new(), number: 0, octets: 0, hash: Sha256::new() })
    }

    async fn take(&mut self, vault: &Vault, piece: &[u8]) -> Result<(), VaultFault> {
        self.rest.extend_from_slice(piece);
        let size = CHUNK + if self.key.is_some() { TAG_OCTETS as usize } else { 0 };
        let whole = self.rest.len() / size * size;
        let rest = self.rest.split_off(whole);
        let chunks = std::mem::replace(&mut self.rest, rest);
        self.write(vault, &chunks, size).await
    }

    /// Opens these chunks and writes them.
    async fn write(&mut self, vault: &Vault, chunks: &[u8], size: usize) -> Result<(), VaultFault> {
        let mut plain = Vec::with_capacity(chunks.len());
        for chunk in chunks.chunks(size) {
            let mut chunk = chunk.to_vec();
            if let Some(key) = &self.key
                && !key.open(self.number, &mut chunk)
            {
                return Err(damaged("a sealed piece was changed"));
            }
            self.number += 1;
            plain.append(&mut chunk);
        }
        if plain.is_empty() {
            return Ok(());
        }
        self.octets += plain.len() as u64;
        if self.octets > self.head.octets {
            return Err(damaged("it is longer than its head says"));
        }
        self.hash.update(&plain);
        let copied = self.file.try_clone();
        let written = tokio::task::spawn_blocking(move || copied.and_then(|mut file| file.write_all(&plain))).await;
        let written = written.map_err(std::io::Error::other).and_then(|it| it);
        written.map_err(|error| local("cannot be written", &vault.scratch, &error))
    }

    async fn whole(mut self: Box<Self>, vault: &Vault) -> Result<File, VaultFault> {
        let last = std::mem::take(&mut self.rest);
        let size = last.len().max(1);
        self.write(vault, &last, size).await?;
        if self.octets != self.head.octets {
            return Err(damaged("it has another length than its head says"));
        }
        if hex(&self.hash.finalize()) != self.head.sha256 {
            return Err(damaged("its sum is another than its head says"));
        }
        let begun = self.file.seek(SeekFrom::Start(0));
        begun.map_err(|error| local("cannot be read", &vault.scratch, &error))?;
        Ok(self.file)
    }
}

/// To the first octet: somebody waits.
const PATIENCE: Duration = Duration::from_secs(5);
