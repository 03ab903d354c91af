//! Connections whose answer was read to its end, for the next request. They are few and used soon: each takes a place at the
//! layer, which closes what is silent for ten seconds.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Empty;
use hyper::client::conn::http1::SendRequest;
use tokio::runtime::{Handle, Id};

type Sender = SendRequest<Empty<Bytes>>;

#[derive(Debug, Default)]
pub(super) struct Idle(Mutex<Vec<Waiting>>);

#[derive(Debug)]
struct Waiting {
    sender: Sender,
    /// What drives the connection: it may stand still while another one asks.
    runtime: Id,
    since: Instant,
}

impl Idle {
    /// The one that was used last.
    pub fn take(&self) -> Option<Sender> {
        let runtime = Handle::current().id();
        let mut all = self.fresh();
        let at = all.iter().rposition(|it| it.runtime == runtime && it.sender.is_ready())?;
        Some(all.remove(at).sender)
    }

    /// Keeps it once the answer under way was read. One that nobody reads to its end is closed.
    pub fn put_when_answered(self: &Arc<Self>, mut sender: Sender) {
        let idle = Arc::clone(self);
        tokio::spawn(async move {
            if sender.ready().await.is_ok() {
                let waiting = Waiting { sender, runtime: Handle::current().id(), since: Instant::now() };
                let mut all = idle.fresh();
                if all.len() >= KEPT {
                    all.remove(0);
                }
                all.push(waiting);
            }
        });
    }

    fn fresh(&self) -> MutexGuard<'_, Vec<Waiting>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|it| !it.sender.is_closed() && it.since.elapsed() < KEPT_FOR);
        all
    }
}

/// Connections of one client.
const KEPT: usize = 8;
/// Half of what the layer allows.
const KEPT_FOR: Duration = Duration::from_secs(5);
