//! Recordings in the store that boxes share, below `recordings/`: a file is brought as one object, fetched whole, removed. Who
//! asks says its name; no record is known here, and nothing is fetched or kept by itself. What it has beside the cache's depot
//! is no copy of anything: it has no bound and no age, and goes when it is told to.
//!
//! An object is a head behind its length (4 octets, big-endian), and the body. The head is JSON: name, octets, SHA-256, and
//! with a seal key the salt of the body's key. Then it is ciphertext, and the body too, chunk by chunk ([`crate::seal`]), and
//! what the object is called is a keyed hash. What was fetched is compared with its head to the last octet before anybody
//! has it.

mod bring;
mod fetch;

use std::fs::File;
use std::io;
use std::path::{Path as FilePath, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use crate::depot::StoreConfig;
use crate::seal::{BodyKey, SEAL_OCTETS, Seal, TAG_OCTETS};
use crate::wire::hex;

/// Recordings in a store that boxes share.
pub struct Vault {
    store: Box<dyn ObjectStore>,
    base: Path,
    url: String,
    seal: Option<Arc<Seal>>,
    /// Where what is fetched lies, without a name.
    scratch: PathBuf,
    serial: AtomicU64,
    /// It is not asked until then.
    away: Mutex<Option<Instant>>,
}

/// Why the vault did not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VaultFault {
    /// The store does not answer, or refuses.
    #[error("the shared store (media.store) does not answer: {0}")]
    Away(String),
    /// What lies there is not what was brought.
    #[error("what lies in the shared store (media.store) is damaged: {0}")]
    Damaged(String),
    /// The file on this box cannot be read or written.
    #[error("{0}")]
    Local(String),
}

/// What an object says of itself.
#[derive(Serialize, Deserialize)]
struct Head {
    name: String,
    octets: u64,
    sha256: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    salt: Option<String>,
}

impl Vault {
    /// Makes ready to ask the store; nothing is asked yet. `scratch` is a folder of this vault's own for what is fetched: what
    /// is in it goes.
    pub fn open(
        config: &StoreConfig,
        seal_key: Option<[u8; SEAL_OCTETS]>,
        scratch: impl Into<PathBuf>,
    ) -> io::Result<Arc<Self>> {
        let (store, base) = config.opened()?;
        let refused = || io::Error::other("the seal key is refused");
        let seal = seal_key.map(|key| Seal::new(&key).ok_or_else(refused)).transpose()?.map(Arc::new);
        let scratch = scratch.into();
        match std::fs::remove_dir_all(&scratch) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        std::fs::create_dir_all(&scratch)?;
        let (serial, away) = (AtomicU64::new(0), Mutex::default());
        Ok(Arc::new(Self { store, base, url: config.url.clone(), seal, scratch, serial, away }))
    }

    /// Brings a file, whole or not at all. What was there under this name is replaced.
    pub async fn bring(&self, name: &str, file: File) -> Result<(), VaultFault> {
        self.asked()?;
        bring::bring(self, name, file).await
    }

    /// A copy of what lies there under this name, whole and as it was brought, at its beginning; `None`: nothing does. The copy
    /// has no name, and is gone when it is closed.
    pub async fn fetch(&self, name: &str) -> Result<Option<File>, VaultFault> {
        self.asked()?;
        fetch::fetch(self, name).await
    }

    /// Removes what lies there under this name, if anything does.
    pub async fn remove(&self, name: &str) -> Result<(), VaultFault> {
        self.asked()?;
        match self.store.delete(&self.place(name)).await {
            Ok(()) | Err(Error::NotFound { .. }) => {
                self.answered();
                Ok(())
            }
            Err(error) => Err(self.fault("removing a recording", &error)),
        }
    }

    /// Whether it did not answer just now, and is left alone for a while.
    pub fn is_away(&self) -> bool {
        self.away().is_some_and(|until| Instant::now() < until)
    }

    fn asked(&self) -> Result<(), VaultFault> {
        if self.is_away() { Err(VaultFault::Away("it did not a moment ago".into())) } else { Ok(()) }
    }

    fn answered(&self) {
        if self.away().take().is_some() {
            tracing::info!(store = %self.url, "the shared store takes and gives recordings again");
        }
    }

    fn fault(&self, what: &str, error: &dyn std::fmt::Display) -> VaultFault {
        if self.away().replace(Instant::now() + AWAY).is_none() {
            tracing::warn!(
                %error, what, store = %self.url,
                "the shared store does not answer: recordings stay on their boxes and are brought when it does; see \
                 media.store, and whether it can be reached from here"
            );
        }
        VaultFault::Away(error.to_string())
    }

    fn away(&self) -> MutexGuard<'_, Option<Instant>> {
        self.away.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn place(&self, name: &str) -> Path {
        let sealed = self.seal.as_ref().map(|seal| seal.name(&format!("{FOLDER} {name}")));
        let name = sealed.unwrap_or_else(|| name.to_owned());
        // Names of recordings begin with the same letters; the last ones tell them apart.
        let end = name.get(name.len().saturating_sub(2)..).unwrap_or("00").to_owned();
        self.base.clone().join(FOLDER).join(end).join(name)
    }

    /// A file that grows and has no name any more.
    fn nameless(&self) -> io::Result<File> {
        let path = self.scratch.join(format!("{:x}", self.serial.fetch_add(1, Ordering::Relaxed)));
        let file = File::options().create_new(true).read(true).write(true).open(&path)?;
        std::fs::remove_file(&path)?;
        Ok(file)
    }

    /// Whether so many octets find room here, beside what must stay free.
    fn has_room(&self, octets: u64) -> bool {
        rustix::fs::statvfs(&self.scratch)
            .is_ok_and(|it| it.f_bavail.saturating_mul(it.f_frsize) >= octets.saturating_add(RESERVE))
    }

    /// The key of a body with this salt; both or none.
    fn body_key(&self, salt: Option<&str>) -> Option<Option<BodyKey>> {
        match (&self.seal, salt) {
            (None, None) => Some(None),
            (Some(seal), Some(salt)) => seal.body(salt).map(Some),
            _ => None,
        }
    }
}

/// Octets of a body in the store.
fn length_there(octets: u64, sealed: bool) -> u64 {
    // What a head says may be any number.
    let tags = if sealed { octets.div_ceil(CHUNK as u64).saturating_mul(TAG_OCTETS) } else { 0 };
    octets.saturating_add(tags)
}

/// Length and SHA-256 of a file from its beginning. Blocks.
fn measured(file: &File) -> io::Result<(u64, String)> {
    let (mut octets, mut hash) = (0, Sha256::new());
    let mut piece = vec![0; CHUNK];
    loop {
        let read = std::os::unix::fs::FileExt::read_at(file, &mut piece, octets)?;
        if read == 0 {
            return Ok((octets, hex(&hash.finalize())));
        }
        hash.update(&piece[..read]);
        octets += read as u64;
    }
}

fn local(what: &str, at: &FilePath, error: &dyn std::fmt::Display) -> VaultFault {
    VaultFault::Local(format!("{}: {what}: {error}", at.display()))
}

const FOLDER: &str = "recordings";
/// Octets that are sealed together.
const CHUNK: usize = 64 * 1024;
/// A head has 200 octets.
const MAX_HEAD: usize = 4096;
/// What must stay free for everything else.
const RESERVE: u64 = 64 << 20;
/// A store that has not answered is left alone for so long.
const AWAY: Duration = Duration::from_secs(10);
