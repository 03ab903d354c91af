//! HTTP without TLS: one connection of the HTTP library, driven by the very task that asks. Nothing is handed from task to
//! task, so a request costs the system calls that it needs and little more. TLS goes the library's longer way.
//!
//! Kept connections wait unread; one that the server has closed meanwhile is found out when it is taken.
//! Source: RFC 9112. What may be connected to was checked by the caller and comes with the trip.

use std::collections::HashMap;
use std::future::poll_fn;
use std::io::Write as _;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use flate2::write::GzDecoder;
use http_body_util::Full;
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::http1::{Builder, Connection, SendRequest};
use hyper::header::{CONTENT_ENCODING, CONTENT_LENGTH, HeaderMap};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::Instant;
use url::Url;

use crate::connect::{Phase, Trip};
use crate::fault::Fault;
use crate::secret;

/// Connections that wait for their next request. Cheap to clone; clones share them.
#[derive(Clone, Default)]
pub(crate) struct Plain {
    kept: Arc<Mutex<Kept>>,
}

#[derive(Default)]
struct Kept {
    /// By host and port, the longest at rest first.
    links: HashMap<String, Vec<(Instant, Link)>>,
    /// Somebody looks after them.
    is_watched: bool,
}

/// One connection.
struct Link {
    sender: SendRequest<Full<Bytes>>,
    connection: Pin<Box<Connection<TokioIo<TcpStream>, Full<Bytes>>>>,
    over: bool,
}

/// An answer whose head has come.
pub(crate) struct PlainAnswer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// Of the body as it is given here, if that was said.
    pub(crate) length: Option<u64>,
    body: Incoming,
    unpacking: Option<Box<GzDecoder<Vec<u8>>>>,
    /// What has come and is still packed.
    packed: Bytes,
    link: Option<Link>,
    home: (Plain, String),
}

impl std::fmt::Debug for PlainAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PlainAnswer").field("status", &self.status).finish_non_exhaustive()
    }
}

impl Plain {
    /// Sends over a kept connection, or over a new one to the trip's addresses. `request` has its target in origin form.
    pub(crate) async fn send(
        &self,
        trip: &Trip,
        url: &Url,
        request: hyper::Request<Full<Bytes>>,
        connect_ms: u32,
    ) -> Result<PlainAnswer, Fault> {
        let key = format!("{}:{}", url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or(0));
        let mut link = match self.take(&key) {
            Some(link) => link,
            None => dial(trip, url, connect_ms).await?,
        };
        let response = link.ask(request).await.map_err(|error| Fault::of_hyper(&error, url))?;
        let (head, body) = response.into_parts();
        let mut headers = head.headers;
        let packed = headers.get(CONTENT_ENCODING).is_some_and(|it| it.as_bytes().eq_ignore_ascii_case(b"gzip"));
        let unpacking = packed.then(|| Box::new(GzDecoder::new(Vec::new())));
        if packed {
            headers.remove(CONTENT_ENCODING);
            headers.remove(CONTENT_LENGTH);
        }
        let length = if packed { None } else { body.size_hint().exact() };
        let mut link = Some(link);
        // Nothing more comes: whoever does not read the body leaves the connection to the next.
        if body.is_end_stream()
            && let Some(link) = link.take()
        {
            self.keep(key.clone(), link);
        }
        let (status, home) = (head.status.as_u16(), (self.clone(), key));
        Ok(PlainAnswer { status, headers, length, body, unpacking, packed: Bytes::new(), link, home })
    }

    /// The connection that was used last, if it still lives.
    fn take(&self, key: &str) -> Option<Link> {
        loop {
            let (since, mut link) = self.kept().links.get_mut(key)?.pop()?;
            if since.elapsed() < IDLE && link.is_ready() {
                return Some(link);
            }
        }
    }

    /// Keeps a connection for the next request.
    fn keep(&self, key: String, mut link: Link) {
        if !link.is_ready() {
            return;
        }
        let mut kept = self.kept();
        let links = kept.links.entry(key).or_default();
        if links.len() >= MAX_IDLE {
            links.remove(0);
        }
        links.push((Instant::now(), link));
        if !std::mem::replace(&mut kept.is_watched, true) {
            let plain = self.clone();
            tokio::spawn(async move { plain.watch().await });
        }
    }

    /// Closes what has waited for too long, until nothing waits.
    async fn watch(&self) {
        loop {
            tokio::time::sleep(IDLE).await;
            let mut kept = self.kept();
            kept.links.retain(|_, links| {
                links.retain(|(since, _)| since.elapsed() < IDLE);
                !links.is_empty()
            });
            if kept.links.is_empty() {
                kept.is_watched = false;
                return;
            }
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Connects to the first of the trip's addresses that takes us, within its limit.
async fn dial(trip: &Trip, url: &Url, connect_ms: u32) -> Result<Link, Fault> {
    trip.enter(Phase::Connecting);
    let dialled = tokio::time::timeout_at(trip.connect_by(), first_of(trip)).await;
    trip.enter(Phase::Connected(Instant::now()));
    let place = || secret::place(url);
    let stream = match dialled {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return Err(Fault::of_connect(&error, place(), connect_ms)),
        Err(_) => return Err(Fault::ConnectTimeout { place: place(), limit_ms: connect_ms }),
    };
    // Without it a request in two pieces waits for an acknowledgement.
    let _ = stream.set_nodelay(true);
    let made = Builder::new().title_case_headers(true).handshake(TokioIo::new(stream)).await;
    let (sender, connection) = made.map_err(|error| Fault::of_hyper(&error, url))?;
    Ok(Link { sender, connection: Box::pin(connection), over: false })
}

/// An address that does not answer leaves time for the next one.
pub(crate) async fn first_of(trip: &Trip) -> std::io::Result<TcpStream> {
    let mut refused = std::io::Error::from(std::io::ErrorKind::AddrNotAvailable);
    for (at, address) in trip.addrs().iter().enumerate() {
        let left = trip.connect_by().saturating_duration_since(Instant::now());
        let others = u32::try_from(trip.addrs().len() - at).unwrap_or(u32::MAX);
        match tokio::time::timeout(left / others, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => refused = error,
            Err(_) => refused = std::io::ErrorKind::TimedOut.into(),
        }
    }
    Err(refused)
}

impl Link {
    /// Lets the connection work; it has no task of its own.
    fn work(&mut self, cx: &mut Context<'_>) {
        if !self.over {
            self.over = self.connection.as_mut().poll(cx).is_ready();
        }
    }

    /// Whether it takes a request. Not in a task: whoever is woken by it asks again anyway.
    fn is_ready(&mut self) -> bool {
        self.work(&mut Context::from_waker(std::task::Waker::noop()));
        !self.over && self.sender.is_ready()
    }

    async fn ask(&mut self, request: hyper::Request<Full<Bytes>>) -> hyper::Result<hyper::Response<Incoming>> {
        let mut answer = pin!(self.sender.send_request(request));
        let (connection, over) = (&mut self.connection, &mut self.over);
        poll_fn(move |cx| {
            // What ends the connection also ends the answer, with its reason.
            if !*over {
                *over = connection.as_mut().poll(cx).is_ready();
            }
            answer.as_mut().poll(cx)
        })
        .await
    }
}

impl PlainAnswer {
    /// The next piece of the body, unpacked; `None` when it is whole. Unpacked, a piece may be somewhat above `most`, and
    /// tells so that more than that has come.
    pub(crate) async fn chunk(&mut self, url: &Url, most: usize) -> Result<Option<Bytes>, Fault> {
        loop {
            if let Some(piece) = self.unpacked(url, most)? {
                return Ok(Some(piece));
            }
            let piece = poll_fn(|cx| self.poll_piece(cx)).await.map_err(|error| Fault::of_hyper_body(&error, url))?;
            match (piece, &mut self.unpacking) {
                (Some(piece), None) => return Ok(Some(piece)),
                (Some(piece), Some(_)) => self.packed = piece,
                (None, unpacking) => {
                    if let Some(link) = self.link.take() {
                        self.home.0.keep(std::mem::take(&mut self.home.1), link);
                    }
                    let Some(decoder) = unpacking.take() else { return Ok(None) };
                    let rest = decoder.finish().map_err(|error| broken(&error, url))?;
                    return Ok(Some(Bytes::from(rest)).filter(|rest| !rest.is_empty()));
                }
            }
        }
    }

    /// Unpacks what has come, little by little: a small piece may hold a thousand times its size.
    fn unpacked(&mut self, url: &Url, most: usize) -> Result<Option<Bytes>, Fault> {
        let Some(decoder) = &mut self.unpacking else { return Ok(None) };
        while !self.packed.is_empty() && decoder.get_ref().len() <= most {
            let take = self.packed.len().min(UNPACKED_AT_ONCE);
            decoder.write_all(&self.packed[..take]).map_err(|error| broken(&error, url))?;
            self.packed.advance(take);
        }
        let whole = std::mem::take(decoder.get_mut());
        Ok(Some(Bytes::from(whole)).filter(|piece| !piece.is_empty()))
    }

    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<hyper::Result<Option<Bytes>>> {
        loop {
            if let Some(link) = &mut self.link {
                link.work(cx);
            }
            match Pin::new(&mut self.body).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(piece) if !piece.is_empty() => return Poll::Ready(Ok(Some(piece))),
                    _ => {}
                },
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(error)),
                Poll::Ready(None) => return Poll::Ready(Ok(None)),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

fn broken(error: &std::io::Error, url: &Url) -> Fault {
    Fault::Broken { place: secret::place(url), cause: error.to_string() }
}

/// Idle connections are given up before common servers do it (their shortest habit is 2 s), so a request seldom meets
/// a closing one.
pub(crate) const IDLE: Duration = Duration::from_millis(1_900);
/// Idle connections kept per host: a busy span sends a few documents a second.
pub(crate) const MAX_IDLE: usize = 8;
/// Packed octets that are unpacked at once: 264 KB at the very most.
const UNPACKED_AT_ONCE: usize = 256;
