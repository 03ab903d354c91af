//! What comes back: the head at once, the body piece by piece under the request's limits.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::time::Instant;
use url::Url;

use crate::fault::Fault;
use crate::plain::PlainAnswer;
use crate::request::Limits;
use crate::secret;

/// Which way the answer comes.
#[derive(Debug)]
pub(crate) enum Inner {
    /// Over TLS: the library's.
    Library(Box<reqwest::Response>),
    /// Without.
    Plain(Box<PlainAnswer>),
}

/// An answer whose head has arrived.
#[derive(Debug)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// Headers in order of arrival, names in lower case. Octets beyond ASCII are read as Latin-1.
    pub headers: Vec<(String, String)>,
    /// The URL that answered, without credentials and fragment.
    pub url: Url,
    inner: Inner,
    limits: Limits,
    total_by: Instant,
    taken: usize,
    over: bool,
}

impl Response {
    pub(crate) fn new(inner: Inner, url: &Url, limits: Limits, total_by: Instant) -> Self {
        let text = |value: &[u8]| match std::str::from_utf8(value) {
            Ok(text) => text.to_owned(),
            Err(_) => value.iter().map(|&it| char::from(it)).collect(),
        };
        let (status, headers) = match &inner {
            Inner::Library(it) => (it.status().as_u16(), it.headers()),
            Inner::Plain(it) => (it.status, &it.headers),
        };
        let headers = headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value.as_bytes()))).collect();
        Self { status, headers, url: secret::redacted(url), inner, limits, total_by, taken: 0, over: false }
    }

    /// The first header of this name (lower case).
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str())
    }

    /// All headers of this name (lower case), in order.
    pub fn headers_named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(it, _)| it == name).map(|(_, value)| value.as_str())
    }

    /// The next piece of the body, decompressed; `None` when it is whole. After a fault the body is over.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Fault> {
        if self.over {
            return Ok(None);
        }
        let piece = self.next_piece().await;
        self.over = !matches!(piece, Ok(Some(_)));
        piece
    }

    async fn next_piece(&mut self) -> Result<Option<Bytes>, Fault> {
        let place = || secret::place(&self.url);
        let piece_by = Instant::now() + Duration::from_millis(self.limits.between_ms.into());
        let coming = async {
            match &mut self.inner {
                Inner::Library(it) => it.chunk().await.map_err(|error| Fault::read_body(&error, &self.url)),
                Inner::Plain(it) => it.chunk(&self.url, self.limits.max_body).await,
            }
        };
        let piece = match tokio::time::timeout_at(piece_by.min(self.total_by), coming).await {
            Ok(Ok(piece)) => piece,
            Ok(Err(fault)) => return Err(fault),
            Err(_) if Instant::now() >= self.total_by => {
                return Err(Fault::TotalTime { place: place(), limit_ms: self.limits.total_ms });
            }
            Err(_) => {
                return Err(Fault::Stalled { place: place(), limit_ms: self.limits.between_ms });
            }
        };
        let Some(piece) = piece else { return Ok(None) };
        self.taken = self.taken.saturating_add(piece.len());
        if self.taken > self.limits.max_body {
            return Err(Fault::BodyTooLarge { place: place(), limit_bytes: self.limits.max_body });
        }
        Ok(Some(piece))
    }

    /// The whole body. A declared length over the limit is refused before anything is read.
    pub async fn bytes(mut self) -> Result<Bytes, Fault> {
        let length = match &self.inner {
            Inner::Library(it) => it.content_length(),
            Inner::Plain(it) => it.length,
        };
        if length.is_some_and(|it| it > self.limits.max_body as u64) {
            return Err(Fault::BodyTooLarge { place: secret::place(&self.url), limit_bytes: self.limits.max_body });
        }
        let mut whole = BytesMut::new();
        while let Some(piece) = self.chunk().await? {
            whole.extend_from_slice(&piece);
        }
        Ok(whole.freeze())
    }
}
