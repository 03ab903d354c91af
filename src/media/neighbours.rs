//! Other media layers that are asked before an origin is: what they keep, and nothing else (`Cache-Control: only-if-cached`, RFC 9111
//! section 5.2.1.7). They ask nobody on, so there are no loops. By what rules the entry is kept comes along, and the copy is
//! judged by them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt};
use http::StatusCode;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use tokio::time::Instant;

use crate::cache::Entry;
use crate::client::MediaClient;
use crate::counters::{Tally, count};
use crate::depot::Brought;
use crate::network::Remote;
use crate::wire::{Ask, write_for_layer};

/// All of them, in the order in which they are asked.
pub(crate) struct Neighbours(Vec<Neighbour>);

struct Neighbour {
    name: String,
    client: MediaClient,
    /// It is not asked until then.
    away: Arc<Mutex<Option<Instant>>>,
}

impl Neighbours {
    pub fn new(remotes: &[Remote]) -> Self {
        let one = |remote: &Remote| Neighbour {
            name: remote.to_string(),
            client: MediaClient::remote(remote.clone()),
            away: Arc::default(),
        };
        Self(remotes.iter().map(one).collect())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Asks one after another; the first that has it.
    pub async fn ask(&self, key: &str, ask: &Ask, tally: &Tally) -> Option<Brought> {
        for neighbour in self.0.iter().filter(|it| !it.is_away()) {
            match tokio::time::timeout(PATIENCE, neighbour.ask(key, ask)).await {
                Ok(Ok(Some(brought))) => {
                    count(&tally.asked_hits);
                    return Some(brought);
                }
                Ok(Ok(None)) => count(&tally.asked_misses),
                Ok(Err(why)) => neighbour.fault(tally, &why),
                Err(_) => neighbour.fault(tally, "it took too long"),
            }
        }
        None
    }
}

impl Neighbour {
    async fn ask(&self, key: &str, ask: &Ask) -> Result<Option<Brought>, String> {
        let request = write_for_layer::<Empty<Bytes>>(ask, key).map_err(|fault| fault.text)?;
        let answer = self.client.send(request).await.map_err(|fault| fault.text)?;
        let (head, body) = answer.into_parts();
        if head.status == StatusCode::GATEWAY_TIMEOUT {
            self.answered();
            return Ok(None);
        }
        // A document keeps the status that its server gave it.
        let told = head.headers.get(KEPT).and_then(|it| STANDARD.decode(it.as_bytes()).ok());
        let entry: Option<Entry> = told.and_then(|it| serde_json::from_slice(&it).ok());
        let Some(entry) = entry.filter(|it| it.account == ask.account) else {
            return Err(format!("it answered {}", head.status));
        };
        self.answered();
        Ok(Some(Brought::plain(entry, pieces(body))))
    }

    fn is_away(&self) -> bool {
        self.away.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|until| Instant::now() < until)
    }

    fn answered(&self) {
        if self.away.lock().unwrap_or_else(PoisonError::into_inner).take().is_some() {
            tracing::info!(layer = self.name, "a media layer that is asked first answers again");
        }
    }

    fn fault(&self, tally: &Tally, why: &str) {
        count(&tally.asked_faults);
        let until = Instant::now() + AWAY;
        if self.away.lock().unwrap_or_else(PoisonError::into_inner).replace(until).is_none() {
            tracing::warn!(
                layer = self.name,
                why,
                "a media layer of media.ask_first does not answer: what it may have is fetched; does it run, with \
                 media.listen and the same key in media.key_file?"
            );
        }
    }
}

/// What an entry says of itself to another layer. Where it lies here is nobody's business, and its URI is known to who asks.
pub(crate) fn told(entry: &Entry) -> Option<(String, String)> {
    let entry = Entry { uri: String::new(), body: String::new(), salt: None, ..entry.clone() };
    let text = serde_json::to_vec(&entry).ok()?;
    Some((KEPT.to_owned(), STANDARD.encode(text)))
}

fn pieces(body: Incoming) -> BoxStream<'static, Result<Bytes, String>> {
    stream::unfold(Some(body), |body| async move {
        let mut body = body?;
        loop {
            let frame = match tokio::time::timeout(PIECE_TIME, body.frame()).await {
                Ok(None) => return None,
                Ok(Some(Ok(frame))) => frame,
                Ok(Some(Err(error))) => return Some((Err(error.to_string()), None)),
                Err(_) => return Some((Err("it stands still".to_owned()), None)),
            };
            if let Ok(octets) = frame.into_data() {
                return Some((Ok(octets), Some(body)));
            }
        }
    })
    .boxed()
}

const KEPT: &str = "x-kept";
/// One of them is waited for so long: a caller waits.
const PATIENCE: Duration = Duration::from_secs(1);
/// One that has not answered is not asked for so long.
const AWAY: Duration = Duration::from_secs(10);
/// Between two pieces of what it has.
const PIECE_TIME: Duration = Duration::from_secs(10);
