//! Sounds of recordings beyond this box's disk: the store that boxes share, as this box's configuration has it. Fetches what others
//! have brought; bringing is `carrier`'s, and where a sound is looked for first is the API's.

use std::sync::Arc;
use std::time::Duration;

use tipring_api::{Fetched, Later};
use tipring_media::{Vault, VaultFault};
use tipring_resources::Sid;
use tipring_store::Store;
use tokio::sync::Semaphore;

use super::media::shared_store;
use crate::config::Config;
use crate::observe::{Meters, Sharing};

/// The way to sounds in the shared store. Cheap to clone.
#[derive(Clone)]
pub struct Sounds {
    store: Store,
    pub(super) vault: Arc<Vault>,
    meters: Meters,
    places: Arc<Semaphore>,
}

impl Sounds {
    /// Where the configuration has a shared store that recordings go to. One that cannot be used costs no call: the log says so,
    /// and recordings stay on this box.
    pub fn open(config: &Config, store: &Store, meters: &Meters) -> Option<Sounds> {
        match vault(config) {
            Ok(vault) => vault.map(|vault| Sounds {
                store: store.clone(),
                vault,
                meters: meters.clone(),
                places: Arc::new(Semaphore::new(HELD)),
            }),
            Err(why) => {
                tracing::error!(
                    "{why}; recordings stay on this box: the service must be able to read what the media layer reads for \
                     media.store, or set media.store_recordings to false"
                );
                None
            }
        }
    }

    /// A copy of a recording's sound; `None`: the store does not have it.
    pub async fn fetch(&self, recording: Sid) -> Result<Option<Fetched>, String> {
        let place = tokio::time::timeout(PATIENCE, Arc::clone(&self.places).acquire_owned()).await;
        let Ok(Ok(place)) = place else { return Err(format!("{HELD} recordings are being fetched and sent already")) };
        match self.vault.fetch(&name(recording)).await {
            Ok(None) => {
                // It was brought, and somebody has emptied the store, or it is another one.
                self.anew(recording).await;
                Ok(None)
            }
            Ok(Some(file)) => {
                self.meters.shared(Sharing::Fetched);
                Ok(Some(Fetched { file, held: Some(Box::new(place)) }))
            }
            Err(fault) => {
                self.meters.shared(Sharing::Failed);
                if let VaultFault::Damaged(_) = fault {
                    tracing::error!(
                        %recording, %fault, "a recording in the shared store is not as it was brought: its box brings it anew"
                    );
                    self.anew(recording).await;
                }
                Err(fault.to_string())
            }
        }
    }

    /// Its own box brings it once more, if it still has it.
    async fn anew(&self, recording: Sid) {
        if let Err(error) = self.store.recording_is_to_be_shared_anew(recording).await {
            tracing::warn!(%error, %recording, "its box could not be told");
        }
    }
}

impl tipring_api::SharedSounds for Sounds {
    fn fetch(&self, recording: Sid) -> Later<'_, Result<Option<Fetched>, String>> {
        Box::pin(self.fetch(recording))
    }
}

/// What a recording is called in the store.
pub(super) fn name(recording: Sid) -> String {
    format!("{recording}.wav")
}

fn vault(config: &Config) -> Result<Option<Arc<Vault>>, String> {
    if !config.media.store_recordings {
        return Ok(None);
    }
    let Some(settings) = shared_store(config).map_err(|error| error.text)? else { return Ok(None) };
    let seal = config.seal_key().map_err(|error| error.to_string())?;
    // Not in the cache's folder: that may be the media layer's, which is another user.
    let scratch = config.this.state_dir.join("fetched");
    let vault = Vault::open(&settings, seal, &scratch);
    vault.map(Some).map_err(|error| format!("media.store {}, {}: {error}", settings.url, scratch.display()))
}

/// Copies on this box's disk at once, until they are sent.
const HELD: usize = 16;
/// For a place among them.
const PATIENCE: Duration = Duration::from_secs(10);
