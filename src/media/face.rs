//! The face: HTTP/1.1 on a Unix socket, and at a TCP address where one is opened. It reads requests, writes answers, and
//! knows nothing of how they come about.
//!
//! Source: RFC 9112. A medium that breaks off ends without the last chunk, so that nobody takes it for whole.

use std::convert::Infallible;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue, TRAILER, WARNING, WWW_AUTHENTICATE};
use http::{Method, Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::Semaphore;

use crate::answer::Answer;
use crate::cache::Room;
use crate::counters::{Counters, count};
use crate::depot::StoreState;
use crate::fault::{BAD_REQUEST, FETCH, MediaFault};
use crate::listen::{self, ListenRequest};
use crate::network::{Entry, Stream};
use crate::service::Service;
use crate::wire::{Ask, Form, From, KEPT_KEY, LISTEN_HOST, OWN_HOST};
use crate::workers::Crew;

pub(crate) type Body = UnsyncBoxBody<Bytes, MediaFault>;

/// What `GET http://media.tipring/status` shows.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Status {
    /// Counts since the start.
    pub counters: Counters,
    /// Entries on disk.
    pub entries: usize,
    /// Octets on disk.
    pub octets: u64,
    /// All that is on the disk is counted in both.
    pub indexed: bool,
    /// Whether what is on the disk is sealed.
    pub sealed: bool,
    /// Room on the cache's file system.
    pub room: Room,
    /// The store that several boxes share.
    pub store: StoreState,
    /// Media being fetched or made.
    pub under_way: usize,
    /// The workers that convert sounds.
    pub sounds: Crew,
    /// The workers for speech.
    pub speech: Crew,
    /// What children are not kept from on this machine; nothing on a new kernel.
    pub unguarded: Vec<String>,
}

/// Takes the socket. One that a dead process has left is replaced; one that answers is not.
pub(crate) async fn bind(path: &Path) -> io::Result<UnixListener> {
    if path.exists() {
        if UnixStream::connect(path).await.is_ok() {
            let text = format!("{}: another media layer answers here", path.display());
            return Err(io::Error::new(io::ErrorKind::AddrInUse, text));
        }
        std::fs::remove_file(path)?;
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Serves until the service stops.
pub(crate) async fn serve(listener: UnixListener, service: Arc<Service>) {
    accepting(listener, service, |stream, service| connection(stream, None, service)).await;
}

/// Serves who enters, until the service stops. Strangers take no place from who asks over the socket.
pub(crate) async fn serve_network(listener: TcpListener, entry: Entry, service: Arc<Service>) {
    let entry = Arc::new(entry);
    let entered = move |stream, service| {
        let entry = Arc::clone(&entry);
        async move {
            if let Some(stream) = entry.enter(stream).await {
                connection(stream, Some(entry), service).await;
            }
        }
    };
    accepting(listener, service, entered).await;
}

/// Where connections come from.
trait Listener {
    type Connection;

    fn poll(&self, context: &mut Context<'_>) -> Poll<io::Result<Self::Connection>>;
}

impl Listener for UnixListener {
    type Connection = UnixStream;

    fn poll(&self, context: &mut Context<'_>) -> Poll<io::Result<UnixStream>> {
        self.poll_accept(context).map_ok(|(stream, _)| stream)
    }
}

impl Listener for TcpListener {
    type Connection = TcpStream;

    fn poll(&self, context: &mut Context<'_>) -> Poll<io::Result<TcpStream>> {
        self.poll_accept(context).map_ok(|(stream, _)| stream)
    }
}

async fn accepting<L, F>(listener: L, service: Arc<Service>, serve: impl Fn(L::Connection, Arc<Service>) -> F)
where
    L: Listener,
    F: Future<Output = ()> + Send + 'static,
{
    let places = Arc::new(Semaphore::new(service.config.limits.connections));
    loop {
        // With all places taken, callers wait in the socket's own queue.
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let accepted = tokio::select! {
            accepted = std::future::poll_fn(|context| listener.poll(context)) => accepted,
            () = service.stop.cancelled() => return,
        };
        match accepted {
            Ok(stream) => {
                let (stop, served) = (service.stop.clone(), serve(stream, Arc::clone(&service)));
                tokio::spawn(async move {
                    let _place = place;
                    tokio::select! {
                        () = served => {}
                        () = stop.cancelled() => {}
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "media socket");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn connection(stream: impl Stream + 'static, entry: Option<Arc<Entry>>, service: Arc<Service>) {
    let answer = service_fn(move |mut request: Request<Incoming>| {
        let service = Arc::clone(&service);
        let known = entry.as_ref().is_none_or(|entry| entry.knows(request.headers_mut()));
        async move { Ok::<_, Infallible>(if known { respond(&service, request).await } else { stranger(&service) }) }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), answer)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "media connection");
    }
}

async fn respond(service: &Arc<Service>, request: Request<Incoming>) -> Response<Body> {
    let (method, uri, headers) = (request.method(), request.uri(), request.headers());
    let named = headers.get("host").and_then(|it| it.to_str().ok());
    let host = uri.host().or(named).unwrap_or_default();
    if host.eq_ignore_ascii_case(LISTEN_HOST) {
        return listened(service, request);
    }
    if host.eq_ignore_ascii_case(OWN_HOST) || uri.host().is_none() {
        return crate::desk::answer(service, request).await;
    }
    let accept = headers.get(ACCEPT).and_then(|it| it.to_str().ok());
    let default = crate::preset::wanted(accept, &service.config.presets, service.config.default_preset);
    let answer = match default.and_then(|default| Ask::read(method, uri, headers, default)) {
        Ok(ask) if ask.only_kept => return only_kept(service, &ask, headers.get(KEPT_KEY)).await,
        Ok(ask) => {
            if let (From::Speech(speech), false) = (&ask.from, ask.private) {
                service.phrases.said(&ask.account, speech);
            }
            if let Form::Audio(preset, _) = ask.form {
                service.forms.asked(preset);
            }
            service.answer(ask).await
        }
        Err(fault) => Err(fault),
    };
    match answer {
        Ok(answer) => medium(answer),
        Err(fault) => {
            count(&service.tally.faults);
            refusal(&fault)
        }
    }
}

/// What is kept here, or 504 (RFC 9111 section 5.2.1.7): nobody else is asked.
async fn only_kept(service: &Arc<Service>, ask: &Ask, wanted: Option<&HeaderValue>) -> Response<Body> {
    let key = service.key(ask).ok().map(|it| it.0);
    let key = key.filter(|key| wanted.is_none_or(|wanted| wanted.as_bytes() == key.as_bytes()));
    let answer = match &key {
        Some(key) => service.kept(ask, key).await,
        None => None,
    };
    match answer {
        Some(answer) => medium(answer),
        None => json_answer(StatusCode::GATEWAY_TIMEOUT, &MediaFault::new(FETCH, "it is not kept here")),
    }
}

/// Who does not say the word gets nothing, and is not told what there is.
fn stranger(service: &Service) -> Response<Body> {
    count(&service.tally.strangers);
    let fault = MediaFault::new(FETCH, "the key is not this media layer's");
    let mut response = json_answer(StatusCode::UNAUTHORIZED, &fault);
    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"tipring media\""));
    response
}

/// A recognition: the sound is the body of the request, which goes on while results are sent.
fn listened(service: &Arc<Service>, request: Request<Incoming>) -> Response<Body> {
    let (head, sound) = request.into_parts();
    let begun = if head.method == Method::POST {
        ListenRequest::read(&head.uri, &head.headers)
            .and_then(|request| listen::begin(listen::Place::now(service)?, service, request, sound))
    } else {
        Err(MediaFault::request(format!("{}: listening is asked for by POST", head.method)))
    };
    let told = match begun {
        Ok(told) => told,
        Err(fault) => {
            count(&service.tally.faults);
            return refusal(&fault);
        }
    };
    let lines = stream::unfold(told, |mut told| async move {
        let line = told.recv().await?;
        Some((Ok(Frame::data(Bytes::from(line.written()))), told))
    });
    let mut response = Response::new(StreamBody::new(lines).boxed_unsync());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    response
}

fn medium(answer: Answer) -> Response<Body> {
    let pieces = stream::unfold(Some(answer.body), |body| async move {
        let mut body = body?;
        match body.next().await {
            Some(Ok(piece)) => Some((Ok(Frame::data(piece)), Some(body))),
            Some(Err(fault)) => {
                // An error ends the connection at once, with what is not written yet: a pause lets it be written.
                tokio::task::yield_now().await;
                Some((Err(fault), None))
            }
            None => body.note().and_then(noted).map(|it| (Ok(Frame::trailers(it)), None)),
        }
    });
    let mut response = Response::new(StreamBody::new(pieces).boxed_unsync());
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::BAD_GATEWAY);
    let headers = response.headers_mut();
    for (name, value) in &answer.headers {
        if let (Ok(name), Ok(value)) = (name.parse::<http::HeaderName>(), HeaderValue::from_str(value)) {
            headers.append(name, value);
        }
    }
    headers.insert("x-cache", HeaderValue::from_static(answer.cached.as_str()));
    headers.insert(TRAILER, HeaderValue::from_static(WARNING.as_str()));
    if answer.stale {
        headers.insert(WARNING, HeaderValue::from_static("111 - \"Revalidation Failed\""));
    }
    let texts = [("content-type", answer.content_type), ("x-original-type", answer.original_type)];
    for (name, text) in texts {
        if let Ok(value) = HeaderValue::from_str(&text)
            && !text.is_empty()
        {
            headers.insert(name, value);
        }
    }
    response
}

/// What follows a body: a warning of RFC 7234 section 5.5.7.
fn noted(note: &str) -> Option<HeaderMap> {
    let value = HeaderValue::from_str(&format!("199 - \"{note}\"")).ok()?;
    Some(HeaderMap::from_iter([(WARNING, value)]))
}

pub(crate) fn refusal(fault: &MediaFault) -> Response<Body> {
    let status = if fault.code == BAD_REQUEST { StatusCode::BAD_REQUEST } else { StatusCode::BAD_GATEWAY };
    json_answer(status, fault)
}

pub(crate) fn status(service: &Service) -> Status {
    let (entries, octets) = service.cache.size();
    Status {
        counters: service.tally.snapshot(),
        entries,
        octets,
        indexed: service.cache.is_loaded(),
        sealed: service.config.seal_key.is_some(),
        room: service.cache.room(),
        store: service.depot.as_ref().map_or_else(StoreState::default, |it| it.state()),
        under_way: service.flights.count(),
        sounds: service.sounds.crew(),
        speech: service.speech.crew(),
        unguarded: crate::child::unguarded().to_vec(),
    }
}

/// An answer of JSON.
pub(crate) fn json_answer<T: serde::Serialize + ?Sized>(status: StatusCode, value: &T) -> Response<Body> {
    let text = serde_json::to_vec(value).unwrap_or_default();
    let body = Full::new(Bytes::from(text)).map_err(|never| match never {}).boxed_unsync();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// A head holds 4096 characters of text and 16 KiB of markup, percent-encoded: 96 KiB at most, and a URI of 8 KiB.
const MAX_HEAD: usize = 192 * 1024;
/// Callers are on this machine.
const HEADER_TIME: Duration = Duration::from_secs(10);
/// After a failure to accept (no file descriptors): others may end meanwhile.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::{self, Cached};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    #[tokio::test]
    async fn what_came_before_a_break_is_written_before_the_connection_ends() {
        let service = hyper::service::service_fn(async |_: Request<Incoming>| {
            let (pieces, body) = tokio::sync::mpsc::channel(2);
            pieces.try_send(Ok(Bytes::from_static(b"eight oc"))).expect("room");
            let broken = MediaFault::request("it broke off");
            pieces.try_send(Err(broken)).expect("room");
            Ok::<_, std::convert::Infallible>(medium(Answer {
                status: 200,
                cached: Cached::Miss,
                stale: false,
                content_type: "audio/x-alaw;rate=8000".into(),
                original_type: String::new(),
                headers: Vec::new(),
                body: answer::Body::Direct(body),
            }))
        });
        let (mut client, server) = tokio::io::duplex(64 * 1024);
        let server = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(server), service);
        let server = tokio::spawn(async move { server.await.is_err() });
        client.write_all(b"GET http://a/b HTTP/1.1\r\nhost: a\r\n\r\n").await.expect("sent");
        let mut told = Vec::new();
        client.read_to_end(&mut told).await.expect("read");
        let told = String::from_utf8_lossy(&told);
        assert!(told.starts_with("HTTP/1.1 200") && told.contains("eight oc"), "{told:?}");
        // The last chunk is missing: it is not taken for whole.
        assert!(!told.ends_with("0\r\n\r\n") && server.await.expect("ended"), "{told:?}");
    }
}
