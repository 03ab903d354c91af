//! Origins that let a check wait: a stale entry that may stand in does so after a second, and for a while at once. What the
//! origin says after that is learned beside the call. Nothing here is about origins that answer, be it with an error.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::cache::Entry;
use crate::fault::{FETCH, MediaFault};
use crate::flights::Flight;
use crate::origin::Original;
use crate::service::Service;
use crate::wire::{Ask, From};

/// Origins that were waited for in vain, and when.
#[derive(Default)]
pub(crate) struct Silent(Mutex<HashMap<String, Instant>>);

impl Silent {
    fn is(&self, origin: &str) -> bool {
        self.lock().get(origin).is_some_and(|since| since.elapsed() < SILENT)
    }

    fn note(&self, origin: String) {
        let mut known = self.lock();
        if known.len() >= MAX_SILENT {
            known.retain(|_, since| since.elapsed() < SILENT);
        }
        if known.len() < MAX_SILENT {
            known.insert(origin, Instant::now());
        }
    }

    fn forget(&self, origin: &str) {
        self.lock().remove(origin);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Service {
    /// Fetches, where a stale entry stands in for an origin that does not answer soon.
    pub(crate) async fn fetch_soon(
        self: &Arc<Self>,
        flight: &Flight,
        stale: &Entry,
        checks: Vec<(String, String)>,
    ) -> Result<Original, MediaFault> {
        let origin = origin_of(&flight.ask);
        if self.silent.is(&origin) {
            return Err(MediaFault::new(FETCH, format!("{origin} let a request wait a moment ago: it is not asked")));
        }
        let (told, answer) = oneshot::channel();
        let (service, ask, key, stale) = (Arc::clone(self), flight.ask.clone(), flight.key.clone(), stale.clone());
        tokio::spawn(async move {
            let fetched = service.fetch(&ask, checks).await;
            if let Err(Ok(late)) = told.send(fetched) {
                service.learn(&key, &ask, &stale, &late).await;
            }
        });
        match tokio::time::timeout(self.config.limits.patience, answer).await {
            Ok(Ok(fetched)) => fetched,
            Ok(Err(_)) => Err(MediaFault::new(FETCH, format!("{origin}: the request broke"))),
            Err(_) => {
                let text = format!("{origin} does not answer in time");
                self.silent.note(origin);
                Err(MediaFault::new(FETCH, text))
            }
        }
    }

    /// An origin has answered when nobody waited any more: it speaks again. An unchanged entry is good; one that has changed
    /// goes, and who asks next fetches it.
    async fn learn(&self, key: &str, ask: &Ask, stale: &Entry, late: &Original) {
        self.silent.forget(&origin_of(ask));
        match late.response.status {
            304 => {
                let now = (self.config.clock)();
                if let Some(rules) = stale.rules.confirmed(&ask.uri(), 304, &late.response.headers, now) {
                    let _ = self.confirm(key, ask, rules).await;
                }
            }
            200 | 203 | 404 | 410 => self.forget(key),
            _ => {}
        }
    }
}

/// Whom a request goes to: scheme, host and port.
fn origin_of(ask: &Ask) -> String {
    match &ask.from {
        From::Origin(url) => url.origin().ascii_serialization(),
        From::Speech(_) => String::new(),
    }
}

/// For so long a silent origin is not asked where a stale entry stands in.
const SILENT: Duration = Duration::from_secs(30);
/// Silent origins that are remembered: far more than a box's applications have.
const MAX_SILENT: usize = 512;
