//! Flights under way, by key: who leads one, who reads along, and when a key is free again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use tokio::sync::{oneshot, watch};

use crate::answer::{Answer, Shared};
use crate::cache::Entry;
use crate::depot::Lease;
use crate::desk::Recording;
use crate::fault::MediaFault;
use crate::speech::Chosen;
use crate::wire::{Ask, From};

/// All flights.
#[derive(Default)]
pub(crate) struct Flights {
    shared: Mutex<HashMap<String, watch::Receiver<Stage>>>,
    under_way: watch::Sender<usize>,
}

/// How far a shared flight is.
#[derive(Clone)]
pub(crate) enum Stage {
    Pending,
    Begun(Arc<Shared>),
    /// It must not be shared.
    Alone,
    Failed(MediaFault),
}

/// What an asker is for a key.
pub(crate) enum Role {
    /// The flight is the asker's own.
    Lead(Place),
    /// Another one's is under way.
    Join(watch::Receiver<Stage>),
}

/// A key that is taken. Dropped, also by a panic, the key is free again.
pub(crate) struct Place {
    flights: Arc<Flights>,
    key: String,
    stage: watch::Sender<Stage>,
}

/// What speaks a text.
pub(crate) enum Voice {
    Engine(Chosen),
    /// A recording of this very text.
    Recorded(std::path::PathBuf, Recording),
}

/// Counts one flight while it lives.
pub(crate) struct UnderWay(Arc<Flights>);

/// One trip for a medium.
pub(crate) struct Flight {
    pub key: String,
    pub ask: Ask,
    /// When it began: what the medium has cost is reckoned from here.
    pub began: SystemTime,
    pub voice: Option<Voice>,
    /// `None`: alone.
    pub place: Option<Place>,
    pub lead: Option<oneshot::Sender<Result<Answer, MediaFault>>>,
    pub stale: Option<Entry>,
    /// It is this box's turn to fetch, among those that share a store.
    pub lease: Option<Lease>,
}

impl Flights {
    /// Takes the key, or finds who has it.
    pub fn enter(self: &Arc<Self>, key: &str) -> Role {
        let mut shared = self.shared();
        if let Some(stage) = shared.get(key) {
            return Role::Join(stage.clone());
        }
        let (stage, seen) = watch::channel(Stage::Pending);
        shared.insert(key.to_owned(), seen);
        Role::Lead(Place { flights: Arc::clone(self), key: key.to_owned(), stage })
    }

    /// Waits until nobody flies for this key.
    pub async fn landed(&self, key: &str) {
        let stage = self.shared().get(key).cloned();
        if let Some(mut stage) = stage {
            // Its place goes with the flight.
            while stage.changed().await.is_ok() {}
        }
    }

    /// Counts a flight from now on.
    pub fn started(self: &Arc<Self>) -> UnderWay {
        self.under_way.send_modify(|it| *it += 1);
        UnderWay(Arc::clone(self))
    }

    /// Flights under way, shared and alone.
    pub fn count(&self) -> usize {
        *self.under_way.borrow()
    }

    /// Waits until there are none.
    pub async fn idle(&self) {
        let _ = self.under_way.subscribe().wait_for(|it| *it == 0).await;
    }

    fn shared(&self) -> MutexGuard<'_, HashMap<String, watch::Receiver<Stage>>> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Frees the key; a later flight that has it is left alone.
    fn free(&self) {
        let mut shared = self.flights.shared();
        if shared.get(&self.key).is_some_and(|it| it.same_channel(&self.stage.subscribe())) {
            shared.remove(&self.key);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.free();
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.send_modify(|it| *it -= 1);
    }
}

impl Flight {
    /// Takes it off the map: who asks from now on starts anew.
    pub fn land(&self) {
        if let Some(place) = &self.place {
            place.free();
        }
    }

    /// Tells those who wait with it.
    pub fn publish(&self, stage: Stage) {
        if let Some(place) = &self.place {
            place.stage.send_replace(stage);
        }
    }

    /// Tells the one who has asked first; it may have gone.
    pub fn answer(&mut self, answer: Result<Answer, MediaFault>) {
        if let Some(lead) = self.lead.take() {
            let _ = lead.send(answer);
        }
    }

    /// The end without a medium.
    pub fn failed(&mut self, fault: MediaFault) {
        self.land();
        self.publish(Stage::Failed(fault.clone()));
        self.answer(Err(fault));
    }

    /// The URI without credentials.
    pub fn shown_uri(&self) -> String {
        match &self.ask.from {
            From::Origin(url) => tipring_egress::redacted(url).to_string(),
            From::Speech(_) => self.ask.uri(),
        }
    }
}
