//! The sound of a recording as MP3: a program that the operator names makes it, a child with its ends in our hands.

use std::io::{Cursor, Error, ErrorKind};
use std::pin::Pin;
use std::process::Stdio;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf};
use tokio::process::Command;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio_util::io::ReaderStream;

use crate::fault::Fault;

/// Encodes a WAV: the program reads it and writes the MP3.
pub(crate) async fn encoded(program: &[String], wav: impl AsyncRead + Unpin) -> Result<Response, Fault> {
    let Ok(place) = HELD.try_acquire() else {
        return Err(Fault { status: StatusCode::TOO_MANY_REQUESTS, ..Fault::plain(20429) });
    };
    let work = async {
        let _processor = AT_ONCE.acquire().await.map_err(Error::other)?;
        run(program, wav).await
    };
    match tokio::time::timeout(PATIENCE, work).await {
        Ok(Ok(octets)) => Ok(response(Held { octets: Cursor::new(octets), _place: place })),
        Ok(Err(error)) => {
            tracing::error!(%error, program = program.first().map(String::as_str), "the mp3 program failed");
            Err(Fault::unavailable("the mp3 could not be made: ask for .wav"))
        }
        Err(_) => Err(Fault::unavailable("the mp3 was not made in time: ask for .wav")),
    }
}

fn response(sound: Held) -> Response {
    let length = sound.octets.get_ref().len();
    let mut response = Response::new(Body::from_stream(ReaderStream::with_capacity(sound, CHUNK)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("audio/mpeg"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    response
}

/// An MP3 that is sent, and its place among those that are held.
struct Held {
    octets: Cursor<Vec<u8>>,
    _place: SemaphorePermit<'static>,
}

impl AsyncRead for Held {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.octets).poll_read(cx, into)
    }
}

async fn run(program: &[String], mut wav: impl AsyncRead + Unpin) -> std::io::Result<Vec<u8>> {
    let (name, arguments) = program.split_first().ok_or_else(|| Error::other("no program"))?;
    let mut child = Command::new(name)
        .args(arguments)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let (Some(mut into), Some(out)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(Error::other("a pipe is missing"));
    };
    let feed = async {
        // A program that has enough closes its end: its exit tells whether it is well.
        match tokio::io::copy(&mut wav, &mut into).await {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => return Err(error),
            _ => {}
        }
        let _ = into.shutdown().await;
        drop(into);
        Ok(())
    };
    let drain = async {
        let mut octets = Vec::new();
        out.take(MP3_MAX + 1).read_to_end(&mut octets).await?;
        match octets.len() as u64 {
            ..=MP3_MAX => Ok(octets),
            _ => Err(Error::other("its output is too long")),
        }
    };
    let ((), octets) = tokio::try_join!(feed, drain)?;
    let status = child.wait().await?;
    if !status.success() {
        return Err(Error::other(format!("it ended with {status}")));
    }
    Ok(octets)
}

/// Encoders at once: they share the processors with the calls.
static AT_ONCE: Semaphore = Semaphore::const_new(2);
/// Less than a request may last.
const PATIENCE: Duration = Duration::from_secs(25);
/// Octets of an MP3 at most: more than four hours of speech.
const MP3_MAX: u64 = 64 << 20;
/// MP3s in memory at once: a slow reader keeps his, and no processor.
static HELD: Semaphore = Semaphore::const_new(8);
/// Octets written at once.
const CHUNK: usize = 32 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_slow_reader_keeps_his_place_and_a_program_without_end_none() {
        let response = encoded(&["cat".into()], &b"sound"[..]).await.unwrap();
        assert_eq!(HELD.available_permits(), 7);
        let fault = encoded(&["yes".into()], tokio::io::repeat(0)).await.unwrap_err();
        assert_eq!((fault.status, HELD.available_permits()), (StatusCode::SERVICE_UNAVAILABLE, 7));
        let body = axum::body::to_bytes(response.into_body(), 100).await.unwrap();
        assert_eq!((&body[..], HELD.available_permits()), (&b"sound"[..], 8));
    }
}
