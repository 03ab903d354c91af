//! The asking side: what carries out the router's media requests. What is asked for by GET at a socket goes over a connection
//! that an earlier answer has left, where there is one, and once more over a new one if it has gone: a media layer that was
//! away is simply there again. Everything else has a connection of its own.

mod idle;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;
use url::{Url, form_urlencoded};

use self::idle::Idle;
use crate::answer::Cached;
use crate::desk::documents::CACHE_STATUS;
use crate::documents::{Document, MAX_DOCUMENT};
use crate::face::Status;
use crate::fault::{FETCH, MediaFault};
use crate::network::{Remote, Stream};
use crate::wire::{ACCOUNT, MediaRequest, OWN_HOST, START, Start, write};

/// Asks a media layer on a Unix socket, or one on another host.
#[derive(Debug, Clone)]
pub struct MediaClient {
    way: Way,
    start: Start,
    idle: Arc<Idle>,
}

#[derive(Debug, Clone)]
enum Way {
    Socket(PathBuf),
    Remote(Remote),
}

/// Audio that comes piece by piece. Dropped, it is no longer sent.
#[derive(Debug)]
pub struct MediaStream {
    /// How it came about.
    pub cache: Cached,
    /// Its MIME type.
    pub content_type: String,
    note: Option<String>,
    body: Incoming,
    over: bool,
}

impl MediaClient {
    /// Asks at this socket. Nothing is connected yet.
    pub fn new(socket: impl Into<PathBuf>) -> Self {
        Self { way: Way::Socket(socket.into()), start: Start::default(), idle: Arc::default() }
    }

    /// Asks a media layer at a TCP address. Nothing is connected yet.
    pub fn remote(remote: Remote) -> Self {
        Self { way: Way::Remote(remote), start: Start::default(), idle: Arc::default() }
    }

    /// Answers begin so.
    pub fn starting(self, start: Start) -> Self {
        Self { start, ..self }
    }

    /// Asks for a medium; answers when its first sound is there.
    pub async fn fetch(&self, wanted: MediaRequest) -> Result<MediaStream, MediaFault> {
        let mut request = write(&wanted)?;
        if self.start != Start::default() {
            request.headers_mut().insert(START, HeaderValue::from_static(self.start.as_str()));
        }
        let (head, body) = self.get(request).await?.into_parts();
        if !head.status.is_success() {
            return Err(self.refused(head.status, body).await);
        }
        let text = |name: &str| head.headers.get(name).and_then(|it| it.to_str().ok()).unwrap_or_default();
        let cache = match text("x-cache") {
            "hit" => Cached::Hit,
            "revalidated" => Cached::Revalidated,
            _ => Cached::Miss,
        };
        let note = head.headers.get("warning").map(|_| STALE.to_owned());
        Ok(MediaStream { cache, content_type: text("content-type").to_owned(), note, body, over: false })
    }

    /// Asks the layer about itself, for an account or (`None`) for the box: a path below its own name, with its query.
    /// Answers the status and the body.
    pub async fn desk(
        &self,
        method: Method,
        path: &str,
        account: Option<&str>,
        body: Bytes,
    ) -> Result<(StatusCode, Bytes), MediaFault> {
        let mut request = Request::builder().method(method).uri(format!("http://{OWN_HOST}{path}"));
        if let Some(account) = account {
            request = request.header(ACCOUNT, account);
        }
        let request = request.body(Full::new(body)).map_err(|error| MediaFault::request(error.to_string()))?;
        let (head, body) = self.send(request).await?.into_parts();
        if head.status == StatusCode::UNAUTHORIZED {
            return Err(self.refused(head.status, body).await);
        }
        let body = http_body_util::Limited::new(body, MAX_DESK).collect();
        let whole = tokio::time::timeout(PIECE_TIME, body).await.map_err(|_| self.away("no answer in time"))?;
        Ok((head.status, whole.map_err(|error| self.away(&error.to_string()))?.to_bytes()))
    }

    /// The document that is kept for an account under a URL, fresh or not.
    pub async fn document(&self, account: &str, url: &Url) -> Result<Option<Document>, MediaFault> {
        let request = written(Method::GET, account, url).body(Empty::new());
        let request = request.map_err(|error| MediaFault::request(error.to_string()))?;
        let (head, body) = self.get(request).await?.into_parts();
        if head.status == StatusCode::GATEWAY_TIMEOUT {
            return Ok(None);
        }
        if !head.status.is_success() {
            return Err(self.refused(head.status, body).await);
        }
        let body = http_body_util::Limited::new(body, MAX_DOCUMENT).collect();
        let whole = tokio::time::timeout(PIECE_TIME, body).await.map_err(|_| self.away("no answer in time"))?;
        let body = whole.map_err(|error| self.away(&error.to_string()))?.to_bytes();
        let text = |value: &HeaderValue| value.to_str().map(str::to_owned).ok();
        let status = head.headers.get(CACHE_STATUS).and_then(text).unwrap_or_default();
        let fresh_s = status.split(';').find_map(|it| it.trim().strip_prefix("ttl=")?.parse().ok());
        let headers = head.headers.iter().filter(|it| *it.0 != CACHE_STATUS && it.0 != "content-length");
        let headers = headers.filter_map(|(name, value)| Some((name.as_str().to_owned(), text(value)?))).collect();
        Ok(Some(Document { headers, body, fresh_s: fresh_s.unwrap_or_default() }))
    }

    /// Brings a document that an application has answered; answers whether it is kept.
    pub async fn keep_document(
        &self,
        account: &str,
        url: &Url,
        headers: &[(String, String)],
        body: Bytes,
    ) -> Result<bool, MediaFault> {
        let mut request = written(Method::PUT, account, url);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(body)).map_err(|error| MediaFault::request(error.to_string()))?;
        let (head, body) = self.send(request).await?.into_parts();
        if !head.status.is_success() {
            return Err(self.refused(head.status, body).await);
        }
        Ok(head.status == StatusCode::CREATED)
    }

    /// Counters and sizes of the media layer.
    pub async fn status(&self) -> Result<Status, MediaFault> {
        let request = Request::get(format!("http://{OWN_HOST}/status")).body(Empty::<Bytes>::new());
        let request = request.map_err(|error| MediaFault::new(FETCH, error.to_string()))?;
        let body = http_body_util::Limited::new(self.send(request).await?.into_body(), MAX_FAULT);
        let whole = body.collect().await.map_err(|error| self.away(&error.to_string()))?;
        serde_json::from_slice(&whole.to_bytes()).map_err(|error| self.away(&error.to_string()))
    }

    pub(crate) fn away(&self, what: &str) -> MediaFault {
        let text = match &self.way {
            Way::Socket(socket) => {
                format!("{}: the media layer does not answer ({what}); is it running?", socket.display())
            }
            Way::Remote(remote) => format!(
                "{remote}: the media layer does not answer ({what}); does `tipring media` run there, with media.listen \
                 and the same key in media.key_file?"
            ),
        };
        MediaFault::new(FETCH, text)
    }

    /// Why a request was refused.
    pub(crate) async fn refused(&self, status: StatusCode, body: Incoming) -> MediaFault {
        match fault_in(body).await {
            Some(fault) if status == StatusCode::UNAUTHORIZED => self.away(&fault.text),
            Some(fault) => fault,
            None => self.away(&format!("it answered {status}")),
        }
    }

    pub(crate) async fn send<B>(&self, mut request: Request<B>) -> Result<Response<Incoming>, MediaFault>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let asked = async {
            let mut sender = self.connect(&mut request).await?;
            sender.send_request(request).await.map_err(|error| self.away(&error.to_string()))
        };
        tokio::time::timeout(HEAD_TIME, asked).await.map_err(|_| self.away("no answer in time"))?
    }

    /// Asks for something that is no other for being asked for twice.
    async fn get(&self, request: Request<Empty<Bytes>>) -> Result<Response<Incoming>, MediaFault> {
        let Way::Socket(_) = self.way else { return self.send(request).await };
        let (head, body) = request.into_parts();
        let request = || Request::from_parts(head.clone(), body);
        let asked = async {
            if let Some(mut sender) = self.idle.take()
                && let Ok(answer) = sender.send_request(request()).await
            {
                self.idle.put_when_answered(sender);
                return Ok(answer);
            }
            let mut request = request();
            let mut sender = self.connect(&mut request).await?;
            let answer = sender.send_request(request).await.map_err(|error| self.away(&error.to_string()))?;
            self.idle.put_when_answered(sender);
            Ok(answer)
        };
        tokio::time::timeout(HEAD_TIME, asked).await.map_err(|_| self.away("no answer in time"))?
    }

    async fn connect<B>(&self, request: &mut Request<B>) -> Result<SendRequest<B>, MediaFault>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let away = |what: String| self.away(&what);
        let stream: Box<dyn Stream> = match &self.way {
            Way::Socket(socket) => UnixStream::connect(socket).await.map(|it| Box::new(it) as Box<dyn Stream>),
            Way::Remote(remote) => {
                remote.introduce(request);
                remote.connect().await
            }
        }
        .map_err(|error| away(error.to_string()))?;
        let (sender, connection) = hyper::client::conn::http1::Builder::new()
            .max_buf_size(MAX_BUFFER)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| away(error.to_string()))?;
        // It ends with its sender and the body, or when that is dropped.
        tokio::spawn(async move {
            let _ = connection.await;
        });
        Ok(sender)
    }
}

impl MediaStream {
    /// What is to be known of it beside its sound, once: at its beginning that it is stale, at its end that it is not kept.
    pub fn take_note(&mut self) -> Option<String> {
        self.note.take()
    }

    /// The next piece; `None` when it is whole. After a fault it is over.
    pub async fn next(&mut self) -> Option<Result<Bytes, MediaFault>> {
        while !self.over {
            let fault = match tokio::time::timeout(PIECE_TIME, self.body.frame()).await {
                Ok(Some(Ok(frame))) => match frame.into_data() {
                    Ok(piece) if piece.is_empty() => continue,
                    Ok(piece) => return Some(Ok(piece)),
                    Err(frame) => {
                        let last = frame.into_trailers().unwrap_or_default();
                        let text = last.get("warning").and_then(|it| it.to_str().ok());
                        self.note = text.and_then(|it| it.split('"').nth(1)).map(str::to_owned);
                        continue;
                    }
                },
                Ok(Some(Err(_))) => "the medium broke off before its end".to_owned(),
                Ok(None) => break,
                Err(_) => format!("the medium stood still for {} s", PIECE_TIME.as_secs()),
            };
            self.over = true;
            return Some(Err(MediaFault::new(FETCH, fault)));
        }
        self.over = true;
        None
    }
}

/// A request for a document, or with one.
fn written(method: Method, account: &str, url: &Url) -> http::request::Builder {
    let path = form_urlencoded::Serializer::new(String::new()).append_pair("url", url.as_str()).finish();
    Request::builder().method(method).uri(format!("http://{OWN_HOST}/documents?{path}")).header(ACCOUNT, account)
}

async fn fault_in(body: Incoming) -> Option<MediaFault> {
    let body = http_body_util::Limited::new(body, MAX_FAULT);
    let whole = tokio::time::timeout(PIECE_TIME, body.collect()).await.ok()?.ok()?;
    serde_json::from_slice(&whole.to_bytes()).ok()
}

const STALE: &str = "stale: its origin could not be asked";
/// Longer than any limit inside the media layer before the first sound: two origins' heads and a synthesis.
const HEAD_TIME: Duration = Duration::from_secs(90);
/// Longer than the media layer itself waits for its origin.
const PIECE_TIME: Duration = Duration::from_secs(30);
/// A thousand entries, or a recording of a phrase.
const MAX_DESK: usize = 32 << 20;
/// A fault is one sentence.
const MAX_FAULT: usize = 16 * 1024;
/// Read ahead for a player that takes 8 KB a second: a second a call.
const MAX_BUFFER: usize = 8 * 1024;
