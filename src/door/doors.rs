//! A listener with bounds: so many connections at once, and none that is silent for long. Without it a client that opens a
//! thousand connections and says nothing takes the files that calls need. Not TLS, not credentials.

use std::future::Future as _;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep};

/// Connections at once on a loopback listener: twice the requests that are worked on at once, and a quarter of the files
/// that a process may usually open. More wait in the system's queue.
pub const MAX_CONNECTIONS: usize = 256;
/// Connections at once on the listeners that the network reaches, all of them together: half of those files. The loopback
/// listeners have places of their own, so whoever floods these does not close the box to its own programs.
pub const LAN_CONNECTIONS: usize = 512;
/// A connection on which nothing moves for so long is closed; above every answer's own limit.
pub const SILENCE: Duration = Duration::from_secs(60);
/// The head of a request is there within this time, counted from where it is waited for.
pub const HEADER_LIMIT: Duration = Duration::from_secs(10);
/// And is no longer than this.
pub const HEADER_OCTETS: usize = 32 * 1024;
/// A TLS handshake is over by then.
pub const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);

/// How long is waited for what a client owes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// [`SILENCE`]
    pub silence: Duration,
    /// [`HEADER_LIMIT`]
    pub header: Duration,
    /// [`HANDSHAKE_LIMIT`]
    pub handshake: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Bounds { silence: SILENCE, header: HEADER_LIMIT, handshake: HANDSHAKE_LIMIT }
    }
}

/// A listener with bounds.
pub struct Doors {
    listener: TcpListener,
    places: Arc<Semaphore>,
    pub(crate) bounds: Bounds,
}

impl Doors {
    /// With [`MAX_CONNECTIONS`] places of its own.
    pub fn new(listener: TcpListener) -> Doors {
        Doors::sharing(listener, Arc::new(Semaphore::new(MAX_CONNECTIONS)))
    }

    /// With places that other listeners take from too. A listener that waits for a client has one in its hand.
    pub fn sharing(listener: TcpListener, places: Arc<Semaphore>) -> Doors {
        Doors { listener, places, bounds: Bounds::default() }
    }

    /// With other limits.
    pub fn with(self, bounds: Bounds) -> Doors {
        Doors { bounds, ..self }
    }

    /// The next connection, as soon as there is a place for it.
    pub(crate) async fn next(&mut self) -> (Visitor, SocketAddr) {
        // The semaphore is never closed: without a place it only waits.
        let place = Arc::clone(&self.places).acquire_owned().await.ok();
        // Out of files and the like: it waits and tries again.
        let (stream, from) = axum::serve::Listener::accept(&mut self.listener).await;
        // Answers are small and are waited for.
        let _ = stream.set_nodelay(true);
        let quiet = Box::pin(tokio::time::sleep(self.bounds.silence));
        (Visitor { stream, quiet, silence: self.bounds.silence, _place: place }, from)
    }
}

/// A connection that gives its place back at its end.
pub(crate) struct Visitor {
    stream: TcpStream,
    quiet: Pin<Box<Sleep>>,
    silence: Duration,
    _place: Option<OwnedSemaphorePermit>,
}

impl Visitor {
    /// Something moved, or it has been quiet for too long.
    fn watched<T>(&mut self, cx: &mut Context<'_>, moved: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if moved.is_ready() {
            self.quiet.as_mut().reset(Instant::now() + self.silence);
            return moved;
        }
        match self.quiet.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl AsyncRead for Visitor {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let moved = Pin::new(&mut self.stream).poll_read(cx, into);
        self.watched(cx, moved)
    }
}

impl AsyncWrite for Visitor {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        let moved = Pin::new(&mut self.stream).poll_write(cx, octets);
        self.watched(cx, moved)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
