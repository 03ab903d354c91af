//! The REST face: resources of the 2010-04-01 shape over HTTP. It shows what the store keeps, and asks the router (through
//! [`Live`]) to change what lives. It decides nothing about calls, and opens no socket: [`app`] is a router of axum.
//!
//! A request passes, in this order: limit, clock, credentials, path, method, parameters, resource. Every answer below
//! `/2010-04-01` is of the one envelope or the one error shape, as JSON, or as XML where `.xml` is asked for.

mod accounts;
mod applications;
mod audit;
mod auth;
mod available;
mod beside;
mod call_events;
mod caller_ids;
mod calls;
mod catalogue;
mod conferences;
mod create;
mod csv;
mod dates;
mod directory;
mod dispatch;
mod docs_page;
mod elsewhere;
mod fault;
mod feed;
mod form;
mod keys;
mod lines;
mod links;
mod live;
mod media;
mod members;
mod messages;
mod mix;
mod monitor;
mod mp3;
mod notifications;
mod numbers;
mod openapi;
mod pages;
mod paging;
mod participants;
mod path;
mod queues;
mod recordings;
mod secret;
mod serve;
mod show;
mod sip;
mod transcriptions;
mod usage;
mod warnings;
mod whereabouts;
mod wishes;
mod xml;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use tipring_resources::{Sid, SidKind, Stamp};
use tipring_router::{DirectoryChange, Reply, Request};
use tipring_store::Store;

pub use catalogue::{Kind as RowKind, Row, Standing, catalogue};
pub use directory::known_at_start;
pub use elsewhere::{Neighbours, PASSED_ON};
pub use form::{BODY_MAX, PARAMETERS_MAX};
pub use lines::{LineState, SpanState};
pub use openapi::openapi;
pub use serve::{ASK_TIMEOUT, CONCURRENT_MAX, REQUEST_TIMEOUT, app};
pub use whereabouts::{Fetched, SharedSounds};

/// What comes later.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The living half of the box, as the API sees it.
pub trait Live: Send + Sync + 'static {
    /// Asks the router. The API gives up after [`ASK_TIMEOUT`].
    fn ask(&self, request: Request) -> Later<'_, Reply>;

    /// Tells the router of a change that is committed. Resolves when every later call will see it.
    fn directory_changed(&self, change: DirectoryChange) -> Later<'_, ()>;

    /// The spans of the card, and their lines, as they were a quarter of a second ago; without a card none.
    fn spans(&self) -> Vec<SpanState> {
        Vec::new()
    }

    /// The lines that carry a call, by name, and which.
    fn calls_on_lines(&self) -> Later<'_, Vec<(String, Sid)>> {
        Box::pin(std::future::ready(Vec::new()))
    }

    /// A SID from the one generator.
    fn new_sid(&self, kind: SidKind) -> Sid;

    /// The one clock.
    fn now(&self) -> Stamp;

    /// The other boxes that share the store; `None`: there are none.
    fn neighbours(&self) -> Option<&dyn Neighbours> {
        None
    }

    /// The sounds of recordings that are in a store that boxes share; `None`: there is none.
    fn shared_sounds(&self) -> Option<&dyn SharedSounds> {
        None
    }

    /// Somebody asked with wrong credentials or none: for whoever counts it.
    fn credentials_refused(&self) {}
}

/// What the API works with.
#[derive(Clone)]
pub struct State {
    /// The records.
    pub store: Store,
    /// The router.
    pub live: Arc<dyn Live>,
    /// Where this API is reached from outside, without a slash at the end, e.g. `http://box.lan:8080`; links in `more_info`
    /// and `media_url` begin with it. Empty: as the request's `Host` and the scheme of its URI say.
    pub base: String,
    /// What the operator has set beside that.
    pub options: Options,
}

/// What the operator has set. The default is a box that knows nothing of its numbers and makes no mp3.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The inbound numbers that this box has: each one by itself, or the first and last of a range (`+4930100-+4930199`).
    /// Empty: any may be claimed.
    pub dids: Vec<String>,
    /// Two letters of the country that they are in; empty: unknown, shown as `ZZ`.
    pub country: String,
    /// A program and its arguments that makes MP3 of a WAV: from its standard input to its standard output.
    pub mp3: Vec<String>,
    /// How often a listener to events has a sign of life and his credentials are looked at; `None`: every 15 s.
    pub pulse: Option<std::time::Duration>,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State").field("store", &self.store).field("base", &self.base).finish_non_exhaustive()
    }
}
