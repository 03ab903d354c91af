//! Server-Sent Events (WHATWG HTML, §9.2): text that goes on.

use std::fmt::Write as _;

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use tokio::io::{AsyncWriteExt as _, DuplexStream};
use tokio_util::io::ReaderStream;

use super::ring::Taken;
use super::{Listener, STANDSTILL};

pub(super) fn answer(listener: Listener) -> Response {
    let (mouth, ear) = tokio::io::duplex(BUFFER);
    tokio::spawn(tell(listener, mouth));
    let mut response = Response::new(Body::from_stream(ReaderStream::with_capacity(ear, BUFFER)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

/// Tells until the listener goes, is too slow, or may listen no more.
async fn tell(mut listener: Listener, mut mouth: DuplexStream) {
    let mut text = format!("retry: {RETRY_MS}\nid: {}\n", listener.reader.id());
    if listener.reader.is_reset {
        text.push_str("event: reset\ndata: {\"type\":\"reset\"}\n");
    }
    text.push('\n');
    let mut every = tokio::time::interval(listener.pulse());
    every.tick().await;
    loop {
        if !said(&mut mouth, &text).await {
            return;
        }
        text.clear();
        match listener.reader.take() {
            // He comes back, and is told then.
            Taken::Behind => return,
            Taken::Some(happenings) if happenings.is_empty() => {
                tokio::select! {
                    () = listener.reader.news() => {}
                    _ = every.tick() => {
                        if !listener.may_listen().await {
                            return;
                        }
                        text.push_str(": still here\n\n");
                    }
                    // Nothing is read from here: it only tells that the other end has gone.
                    () = gone(&mut mouth) => return,
                }
            }
            Taken::Some(happenings) => {
                for one in happenings {
                    let _ = write!(text, "id: {}\nevent: {}\ndata: {}\n\n", one.id, one.kind, one.text);
                }
            }
        }
    }
}

async fn said(mouth: &mut DuplexStream, text: &str) -> bool {
    matches!(tokio::time::timeout(STANDSTILL, mouth.write_all(text.as_bytes())).await, Ok(Ok(())))
}

async fn gone(mouth: &mut DuplexStream) {
    use tokio::io::AsyncReadExt as _;
    let _ = mouth.read_u8().await;
}

/// Octets on the way to a listener.
const BUFFER: usize = 64 * 1024;
/// A client whose connection broke comes back after so long.
const RETRY_MS: u32 = 1000;
