//! Fetching an original: one GET, its redirects, its body as pieces.
//!
//! Source: RFC 9110 section 15.4. What may be fetched at all is the outgoing client's decision, asked anew at every hop.

use tipring_egress::{Client, Limits, Request, Response, hidden};
use tokio::sync::mpsc;
use url::Url;

use crate::convert::Piece;
use crate::fault::{FETCH, MediaFault, REDIRECTS};
use crate::wire::shown;

/// An original whose head has arrived.
pub(crate) struct Original {
    pub response: Response,
    /// A redirect on the way forbade keeping.
    pub forbidden: bool,
}

/// Fetches. Redirects are followed if `follow` says so.
pub(crate) async fn fetch(
    client: &Client,
    url: &Url,
    headers: &[(String, String)],
    max_body: usize,
    (follow, within): (bool, Option<&Url>),
) -> Result<Original, MediaFault> {
    let limits = Limits {
        connect_ms: 5_000,
        first_byte_ms: FIRST_BYTE_MS,
        between_ms: BETWEEN_MS,
        total_ms: TOTAL_MS,
        attempts: 2,
        max_body,
    };
    let mut url = url.clone();
    let mut forbidden = false;
    for _ in 0..=MAX_REDIRECTS {
        let request = Request { headers: headers.to_vec(), limits, ..Request::get(url.clone()) };
        let response = client.send(request).await?;
        let redirected = follow && matches!(response.status, 301 | 302 | 303 | 307 | 308);
        let Some(location) = response.header("location").filter(|_| redirected) else {
            return Ok(Original { response, forbidden });
        };
        let next = url.join(location).map_err(|error| {
            MediaFault::new(FETCH, format!("{}: redirected to {}: {error}", response.url, shown(&hidden(location))))
        })?;
        if !matches!(next.scheme(), "http" | "https") {
            let text =
                format!("{}: redirected to {}, which is not http or https", response.url, shown(&hidden(location)));
            return Err(MediaFault::new(FETCH, text));
        }
        if within.is_some_and(|root| !is_inside(root, &next)) {
            return Err(MediaFault::new(FETCH, format!("{}: redirected out of its directory", response.url)));
        }
        forbidden |=
            response.headers_named("cache-control").any(|it| it.contains("no-store") || it.contains("private"));
        url = next;
    }
    let text = format!("{}: more than {MAX_REDIRECTS} redirects", tipring_egress::redacted(&url));
    Err(MediaFault::new(REDIRECTS, text))
}

/// Whether a URL is in a directory, whose own ends with a slash.
pub(crate) fn is_inside(root: &Url, url: &Url) -> bool {
    url.origin() == root.origin() && url.path().starts_with(root.path())
}

/// Passes the body into the queue until it ends, breaks, or nobody takes it.
pub(crate) async fn pump(mut response: Response, pieces: mpsc::Sender<Piece>) {
    loop {
        let piece = match response.chunk().await {
            Ok(Some(octets)) => Piece::Data(octets),
            Ok(None) => Piece::End,
            Err(fault) => Piece::Broken(fault.into()),
        };
        let last = !matches!(piece, Piece::Data(_));
        if pieces.send(piece).await.is_err() || last {
            return;
        }
    }
}

/// Passes a file of the layer's own into the queue.
pub(crate) async fn pump_file(path: &std::path::Path, pieces: mpsc::Sender<Piece>) {
    use tokio::io::AsyncReadExt;

    let broken = |error: std::io::Error| Piece::Broken(MediaFault::local("reading a recording", &error));
    let mut file = match tokio::fs::File::open(path).await {
        Ok(file) => file,
        Err(error) => {
            let _ = pieces.send(broken(error)).await;
            return;
        }
    };
    loop {
        let mut octets = bytes::BytesMut::with_capacity(FILE_OCTETS);
        let piece = match file.read_buf(&mut octets).await {
            Ok(0) => Piece::End,
            Ok(_) => Piece::Data(octets.freeze()),
            Err(error) => broken(error),
        };
        let last = !matches!(piece, Piece::Data(_));
        if pieces.send(piece).await.is_err() || last {
            return;
        }
    }
}

/// Octets of a file that are read at once.
const FILE_OCTETS: usize = 16 * 1024;
/// Browsers follow twenty; a prompt needs one or two.
const MAX_REDIRECTS: usize = 5;
/// Servers that make a file on demand need some seconds.
const FIRST_BYTE_MS: u32 = 15_000;
/// A medium that stands still so long has failed.
const BETWEEN_MS: u32 = 15_000;
/// The longest medium in real time, and some.
const TOTAL_MS: u32 = 3 * 3600 * 1000;
