//! The sound of a recording as MP3: a program that the operator names makes it, a child with its ends in our hands.

use std::process::Stdio;
use std::time::Duration;

use axum::http::StatusCode;
use axum::response::Response;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;
use tokio::sync::Semaphore;

use crate::fault::Fault;

/// Encodes a WAV: the program reads it and writes the MP3.
pub(crate) async fn encoded(program: &[String], wav: impl AsyncRead + Unpin) -> Result<Response, Fault> {
    let Ok(_place) = AT_ONCE.acquire().await else { return Err(Fault::internal()) };
    match tokio::time::timeout(PATIENCE, run(program, wav)).await {
        Ok(Ok(octets)) => Ok(crate::serve::octets(StatusCode::OK, octets, "audio/mpeg")),
        Ok(Err(error)) => {
            tracing::error!(%error, program = program.first().map(String::as_str), "the mp3 program failed");
            Err(Fault::unavailable("the mp3 could not be made: ask for .wav"))
        }
        Err(_) => Err(Fault::unavailable("the mp3 was not made in time: ask for .wav")),
    }
}

async fn run(program: &[String], mut wav: impl AsyncRead + Unpin) -> std::io::Result<Vec<u8>> {
    let (name, arguments) = program.split_first().ok_or_else(|| std::io::Error::other("no program"))?;
    let mut child = Command::new(name)
        .args(arguments)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let (Some(mut into), Some(out)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(std::io::Error::other("a pipe is missing"));
    };
    let feed = async {
        // A program that has enough closes its end: its exit tells whether it is well.
        let _ = tokio::io::copy(&mut wav, &mut into).await;
        let _ = into.shutdown().await;
        drop(into);
    };
    let mut octets = Vec::new();
    let mut bounded = out.take(MP3_MAX + 1);
    let ((), read) = tokio::join!(feed, bounded.read_to_end(&mut octets));
    read?;
    if octets.len() as u64 > MP3_MAX {
        return Err(std::io::Error::other("its output is too long"));
    }
    let status = child.wait().await?;
    if !status.success() {
        return Err(std::io::Error::other(format!("it ended with {status}")));
    }
    Ok(octets)
}

/// Encoders at once: they share the processors with the calls.
static AT_ONCE: Semaphore = Semaphore::const_new(2);
/// Less than a request may last.
const PATIENCE: Duration = Duration::from_secs(25);
/// Octets of an MP3 at most: more than four hours of speech.
const MP3_MAX: u64 = 64 << 20;
