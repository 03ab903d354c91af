//! Bringing a file to the vault: one object, which is there in full or not at all.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use bytes::Bytes;
use object_store::path::Path;
use object_store::{Error, ObjectStoreExt, PutPayload, WriteMultipart};

use super::{CHUNK, Head, Vault, VaultFault, length_there, local, measured};
use crate::seal::BodyKey;

pub(super) async fn bring(vault: &Vault, name: &str, file: File) -> Result<(), VaultFault> {
    let at = std::path::Path::new(name);
    let file = Arc::new(file);
    let looked = Arc::clone(&file);
    let looked = tokio::task::spawn_blocking(move || measured(&looked)).await;
    let measured = looked.map_err(std::io::Error::other).and_then(|it| it);
    let (octets, sha256) = measured.map_err(|error| local("cannot be read", at, &error))?;
    let key = vault.seal.as_ref().map(|seal| seal.new_body().ok_or("no random numbers")).transpose();
    let (key, salt) = key.map_err(|why| local("cannot be sealed", at, &why))?.unzip();
    let head = Head { name: name.to_owned(), octets, sha256, salt };
    let head = closed(vault, &head).ok_or_else(|| local("cannot be sealed", at, &"its head"))?;
    let length = head.len() as u64 + length_there(octets, key.is_some());
    let pieces = Pieces { file, key, at: 0, octets, number: 0 };
    let put = upload(vault, &vault.place(name), head, length, pieces).await;
    match put {
        Ok(()) => {
            vault.answered();
            Ok(())
        }
        Err(Trouble::Local(error)) => Err(local("cannot be read", at, &error)),
        Err(Trouble::Store(error)) => Err(vault.fault("bringing a recording", &error)),
    }
}

/// The head behind its length.
fn closed(vault: &Vault, head: &Head) -> Option<Vec<u8>> {
    let text = serde_json::to_vec(head).ok()?;
    let text = match &vault.seal {
        Some(seal) => seal.close_head(&head.name, &text)?,
        None => text,
    };
    let mut all = u32::try_from(text.len()).ok()?.to_be_bytes().to_vec();
    all.extend(text);
    Some(all)
}

enum Trouble {
    Store(Error),
    Local(std::io::Error),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Trouble::Store(error)
    }
}

async fn upload(vault: &Vault, to: &Path, head: Vec<u8>, length: u64, mut pieces: Pieces) -> Result<(), Trouble> {
    if length <= PART_OCTETS as u64 {
        let mut all = head;
        while let Some(piece) = pieces.next().await.map_err(Trouble::Local)? {
            all.extend_from_slice(&piece);
        }
        return Ok(vault.store.put(to, PutPayload::from(all)).await.map(drop)?);
    }
    let mut parts = WriteMultipart::new_with_chunk_size(vault.store.put_multipart(to).await?, PART_OCTETS);
    parts.put(Bytes::from(head));
    loop {
        match pieces.next().await {
            Ok(Some(piece)) => {
                parts.wait_for_capacity(PARTS_AT_ONCE).await?;
                parts.put(piece);
            }
            Ok(None) => return Ok(parts.finish().await.map(drop)?),
            Err(error) => {
                let _ = parts.abort().await;
                return Err(Trouble::Local(error));
            }
        }
    }
}

/// The body, chunk by chunk, as it lies in the store.
struct Pieces {
    file: Arc<File>,
    key: Option<BodyKey>,
    at: u64,
    octets: u64,
    number: u64,
}

impl Pieces {
    async fn next(&mut self) -> std::io::Result<Option<Bytes>> {
        let wanted = usize::try_from(self.octets - self.at).unwrap_or(usize::MAX).min(CHUNK);
        if wanted == 0 {
            return Ok(None);
        }
        let (file, at) = (Arc::clone(&self.file), self.at);
        let read = tokio::task::spawn_blocking(move || {
            let mut chunk = vec![0; wanted];
            file.read_exact_at(&mut chunk, at).map(|()| chunk)
        });
        let mut chunk = read.await.map_err(std::io::Error::other)??;
        self.at += wanted as u64;
        if let Some(key) = &self.key
            && !key.close(self.number, &mut chunk)
        {
            return Err(std::io::Error::other("a piece could not be sealed"));
        }
        self.number += 1;
        Ok(Some(Bytes::from(chunk)))
    }
}

/// What is longer goes in parts, each no shorter than S3 allows.
const PART_OCTETS: usize = 8 << 20;
/// Parts under way: two of them are in memory.
const PARTS_AT_ONCE: usize = 1;
