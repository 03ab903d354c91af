//! What the desk asks the service: what is kept, whether a sound is one.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use crate::cache::Verified;
use crate::convert::{Comes, Job, Piece, Sink};
use crate::fault::{FETCH, MediaFault};
use crate::service::Service;
use crate::wire::{Ask, Form};

impl Service {
    /// Reads all that is kept; what is damaged goes.
    pub(crate) async fn verified(self: &Arc<Self>) -> Verified {
        let service = Arc::clone(self);
        tokio::task::spawn_blocking(move || service.cache.verify()).await.unwrap_or_default()
    }

    /// Whether what was just asked for is in the cache, once its flight has landed.
    pub(crate) async fn keeps(self: &Arc<Self>, ask: &Ask) -> bool {
        let Ok((key, voice)) = self.key(ask) else { return false };
        let other = self.instead(ask, voice.as_ref()).map(|it| it.0);
        self.keeps_key(ask, key).await || if let Some(other) = other { self.keeps_key(ask, other).await } else { false }
    }

    async fn keeps_key(self: &Arc<Self>, ask: &Ask, key: String) -> bool {
        self.flights.landed(&key).await;
        let (service, uri, now) = (Arc::clone(self), ask.uri(), self.now());
        let found = tokio::task::spawn_blocking(move || {
            !matches!(service.cache.find(&key, &uri, now), crate::cache::Found::Nothing)
        });
        found.await.unwrap_or_default()
    }

    /// Converts it once from end to end: its kind, or why it cannot be played.
    pub(crate) async fn is_sound(self: &Arc<Self>, sound: Bytes) -> Result<String, MediaFault> {
        let Some(place) = self.sounds.place() else {
            return Err(MediaFault::new(FETCH, "too many sounds wait for the media layer's workers; try again"));
        };
        let preset = self.config.default_preset;
        let (feed, pieces) = mpsc::channel(2);
        let (converted, mut heard) = mpsc::channel(1);
        let (begun, first) = oneshot::channel();
        let job = Job {
            pieces,
            declared: String::new(),
            form: Form::Audio(preset, false),
            max_octets: preset.octets_per_second() * self.config.limits.audio.as_secs(),
            begun: Some(begun),
            tally: Arc::clone(&self.tally),
            decoders: Arc::clone(&self.decoders),
            scratch: self.scratch("original"),
            level_db: self.config.level_db,
            comes: Comes::Within(self.config.limits.gather),
            runtime: tokio::runtime::Handle::current(),
        };
        let (end, ended) = oneshot::channel();
        place.fill(Box::new(move || {
            let _ = end.send(job.run(Sink::Direct(converted)).1);
        }));
        let fed = async {
            let _ = feed.send(Piece::Data(sound)).await;
            let _ = feed.send(Piece::End).await;
        };
        tokio::join!(fed, async { while heard.recv().await.is_some() {} });
        let stopped = || MediaFault::new(FETCH, "the media layer was stopped");
        ended.await.unwrap_or_else(|_| Err(stopped()))?;
        first.await.unwrap_or_else(|_| Err(stopped())).map(|it| it.original_type)
    }
}
