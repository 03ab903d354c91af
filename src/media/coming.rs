//! An entry that comes from another media layer or from the shared store: it is heard while it comes, and then it is the disk's.
//! Where neither has it, it is said whose turn it is to fetch. Nothing else is decided here.

use std::sync::Arc;

use tokio::sync::oneshot;

use crate::answer::{Cached, Shared};
use crate::cache::Draft;
use crate::counters::count;
use crate::depot::{Brought, Turn};
use crate::fault::MediaFault;
use crate::flights::{Flight, Stage};
use crate::rules::Judgement;
use crate::service::{Service, stopped};

/// An entry that can be heard, and is still on its way.
pub(crate) struct Coming {
    shared: Shared,
    filling: oneshot::Receiver<Result<(), MediaFault>>,
    unkept: oneshot::Receiver<()>,
    from_depot: bool,
}

impl Service {
    /// Asks other layers and the shared store for the flight's key. A fresh entry comes; one that has to be checked is on the
    /// disk when this answers `None`, as if it had been there. Else it is this flight's turn to fetch.
    pub(crate) async fn coming(self: &Arc<Self>, flight: &mut Flight) -> Result<Option<Coming>, MediaFault> {
        let own = (flight.key.clone(), flight.ask.clone());
        let Some(brought) = self.elsewhere(flight).await else { return Ok(None) };
        let uri = flight.ask.uri();
        let fresh = matches!(brought.entry.rules.judge(&uri, self.now()), Judgement::Fresh);
        if !fresh && !brought.entry.rules.can_be_checked() {
            (flight.key, flight.ask) = own;
            return Ok(None);
        }
        let from_depot = brought.from_depot;
        let (coming, heard) = self.fill(flight, brought, uri).await?;
        if heard.await.is_err() {
            // It was not what it said, and nobody has heard anything of it.
            if let (true, Some(depot)) = (from_depot, &self.depot) {
                depot.remove_key(&flight.key);
            }
            // What is fetched now is its asker's, and nobody else's.
            (flight.key, flight.ask) = own;
            return Ok(None);
        }
        if fresh {
            return Ok(Some(coming));
        }
        let _ = coming.filling.await;
        Ok(None)
    }

    async fn elsewhere(&self, flight: &mut Flight) -> Option<Brought> {
        if let Some(brought) = self.neighbours.ask(&flight.key, &flight.ask, &self.tally).await {
            return Some(brought);
        }
        let depot = self.depot.as_ref()?;
        if let Some(brought) = depot.find(&flight.key).await {
            return Some(brought);
        }
        if let Some((key, ask)) = self.as_the_boxs(&flight.ask, flight.voice.as_ref())
            && let Some(brought) = depot.find(&key).await
        {
            // From here on it is the box's: it is kept and checked as such, and heard by who asked.
            (flight.key, flight.ask) = (key, ask);
            return Some(brought);
        }
        match depot.turn(&flight.key).await {
            Turn::There(brought) => Some(*brought),
            Turn::Ours(lease) => {
                flight.lease = lease;
                None
            }
        }
    }

    async fn fill(
        self: &Arc<Self>,
        flight: &Flight,
        brought: Brought,
        uri: String,
    ) -> Result<(Coming, oneshot::Receiver<()>), MediaFault> {
        let cache = Arc::clone(&self.cache);
        let created = tokio::task::spawn_blocking(move || cache.create()).await;
        let (writer, spool, unkept) = created.map_err(|_| stopped())?;
        let (entry, from_depot) = (brought.entry.clone(), brought.from_depot);
        let draft = Draft {
            account: flight.ask.account.clone(),
            uri,
            preset: entry.preset.clone(),
            content_type: entry.content_type.clone(),
            original_type: entry.original_type.clone(),
            rules: entry.rules.clone(),
            cost_ms: entry.cost_ms,
        };
        let (tell, heard) = oneshot::channel();
        let (end, filling) = oneshot::channel();
        let (service, key) = (Arc::clone(self), flight.key.clone());
        tokio::spawn(async move {
            tokio::select! {
                filled = brought.fill(Arc::clone(&service.cache), key, draft, writer, tell) => drop(end.send(filled)),
                () = service.stop.cancelled() => {}
            }
        });
        Ok((Coming { shared: Shared::stored(entry, spool), filling, unkept, from_depot }, heard))
    }

    /// It can be heard.
    pub(crate) async fn brought(&self, mut flight: Flight, coming: Coming) {
        let Coming { shared, mut filling, unkept, from_depot } = coming;
        let shared = Arc::new(shared);
        flight.publish(Stage::Begun(Arc::clone(&shared)));
        count(&self.tally.hits);
        let answer = shared.answer(&flight.ask, Cached::Hit);
        flight.answer(Ok(answer));
        let filled = tokio::select! {
            biased;
            filled = &mut filling => filled,
            Ok(()) = unkept => {
                flight.land();
                filling.await
            }
        };
        if let Ok(Err(fault)) = filled {
            tracing::warn!(%fault, uri = %flight.shown_uri(), "a medium from another layer or the shared store broke off");
            count(&self.tally.broken);
            if let (true, Some(depot)) = (from_depot, &self.depot) {
                depot.remove_key(&flight.key);
            }
        }
    }
}
