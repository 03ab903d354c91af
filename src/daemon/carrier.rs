//! Carries finished recordings to the store that boxes share, behind the calls and one at a time, and clears away what is left of
//! deleted ones: the file on this box, the object in the store. What is to be done stands in the table of recordings, so that a
//! kill at any moment loses nothing of it; a store that is away is asked again until it answers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tipring_media::VaultFault;
use tipring_resources::{Record, RecordingStatus, Sid};
use tipring_store::{Store, StoreError};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::serve::now;
use super::sounds::{Sounds, name};
use crate::observe::{Meters, Sharing};

/// Carries until the service ends.
pub fn start(store: Store, sounds: Option<Sounds>, meters: Meters) {
    tokio::spawn(Carrier { store, sounds, meters, complained: None }.run());
}

struct Carrier {
    store: Store,
    /// Without them only this box's own files are cleared away.
    sounds: Option<Sounds>,
    meters: Meters,
    /// When the log last said that the records could not be read.
    complained: Option<Instant>,
}

impl Carrier {
    async fn run(mut self) {
        let mut news = self.store.news();
        let mut every = tokio::time::interval(LOOK_EVERY);
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        if self.sounds.is_some()
            && let Err(error) = self.store.absent_recordings_are_tried_again().await
        {
            tracing::debug!(%error, "recordings that could not be brought are not tried again");
        }
        loop {
            let goes_on = tokio::select! {
                _ = every.tick() => true,
                goes_on = finished(&mut news) => goes_on,
            };
            if !goes_on {
                return;
            }
            while self.turn().await {}
        }
    }

    /// Does some of what is to be done; whether there is more of it.
    async fn turn(&mut self) -> bool {
        match self.work().await {
            Ok(more) => more,
            Err(error) => {
                if self.complained.is_none_or(|at| at.elapsed() > COMPLAIN_EVERY) {
                    tracing::warn!(
                        %error,
                        "the records could not be looked through for recordings to bring to the shared store or to clear away: \
                         tried again until the database (box.store) answers"
                    );
                    self.complained = Some(Instant::now());
                }
                false
            }
        }
    }

    async fn work(&self) -> Result<bool, StoreError> {
        let to_clear = self.store.recordings_to_clear(CLEARED).await?;
        let mut more = to_clear.len() >= CLEARED as usize;
        for sid in to_clear {
            // A store that is away keeps no file here.
            more &= self.clear(sid).await?;
        }
        let Some(sounds) = &self.sounds else { return Ok(more) };
        for sid in self.store.recordings_to_remove(BATCH).await? {
            if sounds.vault.remove(&name(sid)).await.is_err() {
                return Ok(false);
            }
            self.meters.shared(Sharing::Removed);
            self.store.recording_is_removed(sid).await?;
        }
        let to_share = self.store.recordings_to_share(BATCH).await?;
        more |= to_share.len() >= BATCH as usize;
        for sid in to_share {
            if sounds.vault.is_away() || !self.bring(sounds, sid).await? {
                return Ok(false);
            }
        }
        Ok(more)
    }

    /// Nothing of a deleted recording of this box stays. False: it was not possible now.
    async fn clear(&self, sid: Sid) -> Result<bool, StoreError> {
        let blobs = self.store.blobs().clone();
        match tokio::task::spawn_blocking(move || blobs.delete(sid)).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => {
                tracing::error!(%error, %sid, "a deleted recording's file stays: see the rights of its folder");
                return Ok(false);
            }
            Err(_) => return Ok(false),
        }
        let from_store = match &self.sounds {
            // It may have been on its way when it was deleted: it is removed whatever the mark says.
            Some(sounds) if sounds.vault.remove(&name(sid)).await.is_err() => return Ok(false),
            sounds => sounds.is_some(),
        };
        self.store.recording_is_cleared(sid, from_store, now()).await?;
        Ok(true)
    }

    /// Brings one. False: the store is away.
    async fn bring(&self, sounds: &Sounds, sid: Sid) -> Result<bool, StoreError> {
        if !self.store.recording_begins_to_be_shared(sid).await? {
            return Ok(true);
        }
        let blobs = self.store.blobs().clone();
        let opened = tokio::task::spawn_blocking(move || blobs.open(sid)).await;
        let brought = match opened {
            Ok(Ok(Some(blob))) => sounds.vault.bring(&name(sid), blob.file).await,
            Ok(Ok(None)) => Err(VaultFault::Local("there is no such file".to_owned())),
            Ok(Err(error)) => Err(VaultFault::Local(error.to_string())),
            Err(error) => Err(VaultFault::Local(error.to_string())),
        };
        match brought {
            Ok(()) => {
                self.meters.shared(Sharing::Brought);
                if !self.store.recording_is_shared(sid).await? {
                    // Deleted meanwhile. Were this cut, the look for what is to be cleared would do it.
                    let _ = sounds.vault.remove(&name(sid)).await;
                }
                Ok(true)
            }
            Err(VaultFault::Local(why)) => {
                self.meters.shared(Sharing::Failed);
                tracing::warn!(
                    %sid, why,
                    "a recording cannot be brought to the shared store and is left out until the next start: see the folder \
                     recordings below box.state_dir"
                );
                self.store.recording_has_no_sound(sid).await?;
                Ok(true)
            }
            Err(VaultFault::Away(_) | VaultFault::Damaged(_)) => {
                self.meters.shared(Sharing::Failed);
                Ok(false)
            }
        }
    }
}

/// Until a recording is finished, or so much has happened that one may have been. False: the store is closed.
async fn finished(news: &mut Receiver<Arc<Record>>) -> bool {
    loop {
        match news.recv().await {
            Ok(record) => match &*record {
                Record::Recording(recording) if recording.status == RecordingStatus::Completed => return true,
                _ => {}
            },
            Err(RecvError::Lagged(_)) => return true,
            Err(RecvError::Closed) => return false,
        }
    }
}

/// What was deleted on another box, and what was left over, is seen within this.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Recordings of one look: brought, or removed from the store.
const BATCH: u32 = 16;
/// Deleted recordings of one look.
const CLEARED: u32 = 256;
/// The log says it once in so long.
const COMPLAIN_EVERY: Duration = Duration::from_secs(300);
