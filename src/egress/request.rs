//! What goes out: a request and the limits it runs under. Plain data.

use std::fmt;

use bytes::Bytes;
use url::Url;

use crate::secret;

/// One request.
#[derive(Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Where to. `user:password@` is taken out, answers a challenge and is never sent or shown as part of the URL.
    /// The fragment is not sent.
    pub url: Url,
    /// Headers, in this order. `Host`, `Content-Length` and `Accept-Encoding` are the client's own.
    pub headers: Vec<(String, String)>,
    /// The body; empty for none.
    pub body: Bytes,
    /// How long and how much.
    pub limits: Limits,
}

impl Request {
    /// A GET under the default limits.
    pub fn get(url: Url) -> Self {
        Self { method: Method::Get, url, headers: Vec::new(), body: Bytes::new(), limits: Limits::default() }
    }
}

/// Shows no credentials, and no header or body: these may hold a caller's secrets.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = secret::redacted(&self.url);
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("url", &url.as_str())
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// Methods that leave the box.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// GET.
    Get,
    /// POST.
    Post,
    /// HEAD.
    Head,
    /// PUT.
    Put,
    /// DELETE.
    Delete,
}

impl Method {
    /// The method as it stands in the request line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Head => "HEAD",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

/// Limits of one request. Every one is always in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Name resolution, TCP and TLS of one attempt.
    pub connect_ms: u32,
    /// From the connection to the answer's head.
    pub first_byte_ms: u32,
    /// Between two pieces of the body.
    pub between_ms: u32,
    /// Everything: all attempts, challenges and the whole body.
    pub total_ms: u32,
    /// Attempts to connect; an answer or a broken connection is never tried again.
    pub attempts: u8,
    /// Largest body accepted, after decompression.
    pub max_body: usize,
}

impl Default for Limits {
    /// The limits of webhooks: 5 s to connect, twice; 15 s in all; 64 KiB.
    fn default() -> Self {
        Self {
            connect_ms: 5_000,
            first_byte_ms: 15_000,
            between_ms: 15_000,
            total_ms: 15_000,
            attempts: 2,
            max_body: 64 * 1024,
        }
    }
}
