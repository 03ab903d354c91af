//! The event stream: what happens on the box, as it happens, over Server-Sent Events or a WebSocket. An event is a record
//! after its commit, in the shape of its resource, or the state of a span or a line. Everybody who listens reads from one
//! ring of bounded size with a place of his own: a slow reader costs nobody anything, and is let go.

mod gather;
mod ring;
mod shape;
mod socket;
mod stream;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::extract::ws::WebSocketUpgrade;
use axum::http::{HeaderMap, StatusCode, header, request};
use axum::response::Response;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::fault::Fault;
use crate::form::Form;
use crate::path::{Path, Suffix};
use crate::serve::{Answer, Asking};
use crate::{State, auth};
use ring::{Reader, Ring};

/// What has happened, and who may still come to listen.
pub(crate) struct Feed {
    ring: Arc<Ring>,
    places: Arc<Semaphore>,
}

impl Feed {
    /// Begins to gather; ends when the feed is dropped.
    pub(crate) fn start(state: &State) -> Feed {
        let ring = Arc::new(Ring::new(state.live.now()));
        gather::start(state, &ring);
        Feed { ring, places: Arc::new(Semaphore::new(LISTENERS_MAX)) }
    }

    /// Answers with the stream.
    pub(crate) async fn open(&self, asking: &Asking, parts: &request::Parts) -> Result<Answer, Fault> {
        if !matches!(asking.path.suffix, Suffix::None | Suffix::Json) {
            return Err(Fault::not_found_because("events come as a stream of JSON; other forms are not available"));
        }
        let wanted = wanted(&asking.form)?;
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            let text = format!("{LISTENERS_MAX} listen already: close a stream that nobody reads");
            return Err(Fault { status: StatusCode::TOO_MANY_REQUESTS, ..Fault::bad(20429, text) });
        };
        // A browser says where a page comes from: only the box's own may listen with its user's credentials.
        if foreign(&asking.headers) {
            return Err(Fault::forbidden("the page is of another origin: listen from the application's own server"));
        }
        let account = asking.account.sid;
        let whole_box = asking.account.parent.is_none();
        let last = asking.headers.get("last-event-id").and_then(|value| value.to_str().ok());
        let last = last.or_else(|| asking.form.text("LastEventId"));
        let reader = Reader::new(&self.ring, account, whole_box, wanted, last);
        let listener = Listener {
            state: asking.state.clone(),
            headers: asking.headers.clone(),
            path: asking.path.clone(),
            reader,
            _place: place,
        };
        Ok(Answer::Raw(listener.answer(parts).await))
    }
}

/// Somebody who listens.
struct Listener {
    state: State,
    headers: HeaderMap,
    path: Path,
    reader: Reader,
    _place: OwnedSemaphorePermit,
}

impl Listener {
    async fn answer(self, parts: &request::Parts) -> Response {
        let mut parts = parts.clone();
        match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
            Ok(upgrade) => socket::answer(self, upgrade),
            Err(_) => stream::answer(self),
        }
    }

    fn pulse(&self) -> Duration {
        self.state.options.pulse.unwrap_or(PULSE)
    }

    /// Whether his credentials still hold: a stream lasts for longer than a key.
    async fn may_listen(&self) -> bool {
        match auth::asker(&self.state.store, &self.headers).await {
            Ok(asker) => auth::target(&self.state.store, &asker, self.path.account).await.is_ok(),
            // A store that does not answer says nothing about anybody.
            Err(fault) => fault.status.is_server_error(),
        }
    }
}

fn wanted(form: &Form) -> Result<Option<Vec<&'static str>>, Fault> {
    let Some(list) = form.text("Types") else { return Ok(None) };
    let known = |name: &str| shape::TYPES.into_iter().find(|known| *known == name);
    let read: Option<Vec<&str>> = list.split([',', ' ']).filter(|name| !name.is_empty()).map(known).collect();
    read.map(Some).ok_or_else(|| Fault::parameter("Types", &format!("a list of {}", shape::TYPES.join(", "))))
}

fn foreign(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(origin) = text(header::ORIGIN) else { return false };
    let host = origin.split_once("://").map(|(_, host)| host);
    host.is_none() || host != text(header::HOST)
}

/// Streams at once.
const LISTENERS_MAX: usize = 64;
/// A listener that takes nothing for so long is let go.
const STANDSTILL: Duration = Duration::from_secs(30);
/// How often a sign of life is sent, and the credentials are looked at.
const PULSE: Duration = Duration::from_secs(15);
