//! The API's listener with a bound: so many connections at once, and none that is silent for long. Without it a client
//! that opens a thousand connections and says nothing takes the files that calls need. Not TLS, not credentials.

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

/// Connections at once: twice the requests that are worked on at once, and a quarter of the files that a process may
/// usually open. More wait in the system's queue.
pub const MAX_CONNECTIONS: usize = 256;
/// A connection on which nothing moves for so long is closed; above every answer's own limit.
pub const SILENCE: Duration = Duration::from_secs(60);

/// A listener with a bound.
pub struct Doors {
    listener: TcpListener,
    slots: Arc<Semaphore>,
    silence: Duration,
}

impl Doors {
    /// With the bounds of this box.
    pub fn new(listener: TcpListener) -> Doors {
        Doors::bounded(listener, MAX_CONNECTIONS, SILENCE)
    }

    fn bounded(listener: TcpListener, connections: usize, silence: Duration) -> Doors {
        Doors { listener, slots: Arc::new(Semaphore::new(connections)), silence }
    }
}

impl axum::serve::Listener for Doors {
    type Io = Visitor;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Visitor, SocketAddr) {
        // The semaphore is never closed: without a slot it only waits.
        let slot = self.slots.clone().acquire_owned().await.ok();
        let (stream, from) = axum::serve::Listener::accept(&mut self.listener).await;
        let quiet = Box::pin(tokio::time::sleep(self.silence));
        (Visitor { stream, quiet, silence: self.silence, _slot: slot }, from)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection that gives its place back at its end.
pub struct Visitor {
    stream: TcpStream,
    quiet: Pin<Box<Sleep>>,
    silence: Duration,
    _slot: Option<OwnedSemaphorePermit>,
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

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test]
    async fn silent_connections_are_closed_and_leave_their_place_to_others() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let at = listener.local_addr().expect("an address");
        let app = axum::Router::new().route("/", axum::routing::get(|| async { "here" }));
        let doors = Doors::bounded(listener, 2, Duration::from_millis(200));
        tokio::spawn(async move { axum::serve(doors, app).await });
        let mut silent = Vec::new();
        for _ in 0..5 {
            let mut one = TcpStream::connect(at).await.expect("a connection");
            one.write_all(b"GET / HTTP/1.1\r\nHost: x").await.expect("half a request");
            silent.push(one);
        }
        let mut asks = TcpStream::connect(at).await.expect("a connection");
        asks.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.expect("a request");
        let mut answer = String::new();
        let read = tokio::time::timeout(Duration::from_secs(20), asks.read_to_string(&mut answer)).await;
        assert!(matches!(read, Ok(Ok(_))) && answer.ends_with("here"), "{read:?} {answer}");
        for one in &mut silent {
            let mut rest = Vec::new();
            let read = tokio::time::timeout(Duration::from_secs(20), one.read_to_end(&mut rest)).await;
            assert!(read.is_ok(), "a silent connection is closed");
        }
    }
}
