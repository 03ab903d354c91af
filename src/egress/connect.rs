//! Between the HTTP library and the network: only checked addresses, and a clock for each phase.
//!
//! A request resolves and checks its addresses itself and carries them in a task-local [`Trip`]. The library's
//! resolver hands out exactly these, so what was checked is what is connected to. A connection that is asked for
//! outside a trip is refused.

use std::error::Error as StdError;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::time::Instant;
use tower::{Layer, Service};

/// One attempt of one request.
#[derive(Debug)]
pub(crate) struct Trip {
    addrs: Vec<SocketAddr>,
    connect_by: Instant,
    phase: Mutex<Phase>,
}

/// How far the trip is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Nothing dialled: the request goes over a connection that was open already.
    Reusing,
    /// Dialling.
    Connecting,
    /// Dialled, at this moment.
    Connected(Instant),
}

tokio::task_local! {
    /// The trip of the request that is being sent.
    static TRIP: Arc<Trip>;
}

impl Trip {
    pub(crate) fn new(addrs: Vec<SocketAddr>, connect_by: Instant) -> Arc<Self> {
        Arc::new(Self { addrs, connect_by, phase: Mutex::new(Phase::Reusing) })
    }

    pub(crate) fn phase(&self) -> Phase {
        *self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn enter(&self, phase: Phase) {
        *self.phase.lock().unwrap_or_else(PoisonError::into_inner) = phase;
    }

    /// The checked addresses.
    pub(crate) fn addrs(&self) -> &[SocketAddr] {
        &self.addrs
    }

    /// When it must be connected.
    pub(crate) fn connect_by(&self) -> Instant {
        self.connect_by
    }

    /// Runs a request of the library as this trip.
    pub(crate) fn run<F: Future>(self: &Arc<Self>, request: F) -> impl Future<Output = F::Output> + use<F> {
        TRIP.scope(self.clone(), request)
    }
}

/// Resolver that knows the trip's checked addresses and nothing else.
pub(crate) struct CheckedOnly;

impl Resolve for CheckedOnly {
    fn resolve(&self, _name: Name) -> Resolving {
        let trip = TRIP.try_with(Arc::clone);
        Box::pin(async move {
            let trip = trip.map_err(|_| Unchecked)?;
            Ok(Box::new(trip.addrs.clone().into_iter()) as Addrs)
        })
    }
}

/// Layer around the library's connector: notes the phases and enforces the connect limit of each request.
#[derive(Debug, Clone)]
pub(crate) struct WatchLayer;

/// See [`WatchLayer`].
#[derive(Debug, Clone)]
pub(crate) struct Watch<S>(S);

impl<S> Layer<S> for WatchLayer {
    type Service = Watch<S>;

    fn layer(&self, inner: S) -> Watch<S> {
        Watch(inner)
    }
}

type BoxError = Box<dyn StdError + Send + Sync>;

impl<S, R> Service<R> for Watch<S>
where
    S: Service<R, Error = BoxError>,
    S::Future: Send + 'static,
    S::Response: 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, target: R) -> Self::Future {
        let Ok(trip) = TRIP.try_with(Arc::clone) else {
            return Box::pin(async { Err(Unchecked.into()) });
        };
        let dialling = self.0.call(target);
        Box::pin(async move {
            trip.enter(Phase::Connecting);
            let dialled = tokio::time::timeout_at(trip.connect_by, dialling).await;
            trip.enter(Phase::Connected(Instant::now()));
            dialled.unwrap_or_else(|_| Err(ConnectTimeout.into()))
        })
    }
}

/// The connect limit ran out.
#[derive(Debug, thiserror::Error)]
#[error("connect limit")]
pub(crate) struct ConnectTimeout;

/// A connection without a checked address.
#[derive(Debug, thiserror::Error)]
#[error("no checked address for this connection")]
pub(crate) struct Unchecked;
