//! The sound of a recording over HTTP: whole, a part of it (RFC 9110 §14, one range), or its head; two channels as they
//! are, or mixed to one.

use std::io::{self, Cursor, Seek, SeekFrom};
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use tipring_resources::{RecordingStatus, Sid};
use tipring_store::{Blob, wav_header};
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};
use tokio_util::io::ReaderStream;

use crate::fault::Fault;
use crate::mix::Mixed;
use crate::mp3;
use crate::path::{Of, Suffix};
use crate::recordings::find;
use crate::serve::{Answer, Asking};
use crate::whereabouts::{self, Found, Held};

/// Answers with the sound, once it is whole: with the channels that it has, or mixed to one.
pub(crate) async fn sound(asking: &Asking, of: Of, sid: Sid) -> Result<Answer, Fault> {
    let recording = find(asking, of, sid, false).await?;
    let one = match asking.form.text("RequestedChannels") {
        None => false,
        Some("1") => true,
        Some("2") if recording.channels > 1 => false,
        Some("2") => return Err(Fault::plain(16113)),
        Some(_) => return Err(Fault::parameter("RequestedChannels", "1 or 2")),
    };
    if recording.status != RecordingStatus::Completed {
        let status = recording.status.as_str();
        return Err(Fault::not_found_because(format!("the recording is {status}: its sound is not there")));
    }
    if asking.path.suffix == Suffix::Mp3
        && asking.state.options.mp3.is_empty()
        && let Some(answer) = whereabouts::ask_its_box(asking, sid).await?
    {
        return Ok(answer);
    }
    let (blob, held) = match whereabouts::find(asking, sid).await? {
        Found::Here(blob, held) => (blob, held),
        Found::Answered(answer) => return Ok(answer),
    };
    let mixes = one && blob.channels > 1;
    if asking.path.suffix == Suffix::Mp3 {
        return encoded(asking, blob, mixes, sid).await;
    }
    let served = if mixes { mixed(blob, &asking.headers, held) } else { serve(blob, &asking.headers, held) };
    let mut response = served.map_err(|error| {
        tracing::error!(%error, %sid, "a recording cannot be read");
        Fault::internal()
    })?;
    name_it(asking, &mut response, sid, "wav")?;
    Ok(Answer::Raw(response))
}

/// `Download=true` names the file.
fn name_it(asking: &Asking, response: &mut Response, sid: Sid, suffix: &str) -> Result<(), Fault> {
    if asking.form.boolean("Download")?.unwrap_or(false)
        && let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{sid}.{suffix}\""))
    {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, value);
    }
    Ok(())
}

/// The sound as MP3, where a program for it is set.
async fn encoded(asking: &Asking, blob: Blob, mixes: bool, sid: Sid) -> Result<Answer, Fault> {
    let program = &asking.state.options.mp3;
    if program.is_empty() {
        return Err(Fault::not_found_because("no program for mp3 is set on this box: ask for .wav"));
    }
    let frames = blob.length.saturating_sub(wav_header(0, 1).len() as u64) / 4;
    let mut file = tokio::fs::File::from_std(blob.file);
    let mut response = if mixes {
        tokio::io::AsyncSeekExt::seek(&mut file, SeekFrom::Start(wav_header(0, 1).len() as u64))
            .await
            .map_err(|_| Fault::internal())?;
        mp3::encoded(program, Cursor::new(wav_header(frames, 1)).chain(Mixed::new(file))).await?
    } else {
        mp3::encoded(program, file).await?
    };
    name_it(asking, &mut response, sid, "mp3")?;
    Ok(Answer::Raw(response))
}

/// The file as it is.
fn serve(mut blob: Blob, headers: &HeaderMap, held: Held) -> io::Result<Response> {
    let wanted = Part::of(headers, blob.length);
    blob.file.seek(SeekFrom::Start(wanted.first))?;
    Ok(wanted.response(tokio::fs::File::from_std(blob.file), held))
}

/// The file as if both sides had been recorded in one channel: a header of its own, then sums.
fn mixed(mut blob: Blob, headers: &HeaderMap, held: Held) -> io::Result<Response> {
    let head = wav_header(0, 1).len() as u64;
    let frames = blob.length.saturating_sub(head) / 4;
    let wanted = Part::of(headers, head + frames * 2);
    let sound = wanted.first.saturating_sub(head);
    blob.file.seek(SeekFrom::Start(head + sound / 2 * 4))?;
    let mut samples = Mixed::new(tokio::fs::File::from_std(blob.file));
    let before: Vec<u8> =
        wav_header(frames, 1).into_iter().skip(usize::try_from(wanted.first).unwrap_or(usize::MAX)).collect();
    if sound % 2 == 1 {
        samples.skip_octet();
    }
    Ok(wanted.response(Cursor::new(before).chain(samples), held))
}

/// The part of a sound that is sent.
struct Part {
    status: StatusCode,
    first: u64,
    count: u64,
    /// Octets of the whole.
    length: u64,
}

impl Part {
    fn of(headers: &HeaderMap, length: u64) -> Part {
        let asked = headers.get(header::RANGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let (status, first, count) = match range(asked, length) {
            Wanted::All => (StatusCode::OK, 0, length),
            Wanted::Part(first, last) => (StatusCode::PARTIAL_CONTENT, first, last - first + 1),
            Wanted::Impossible => (StatusCode::RANGE_NOT_SATISFIABLE, 0, 0),
        };
        Part { status, first, count, length }
    }

    /// The answer; `sound` stands at its first octet, and `held` goes with its last.
    fn response(self, sound: impl AsyncRead + Unpin + Send + 'static, held: Held) -> Response {
        let Part { status, first, count, length } = self;
        let sound = Holding { sound, _held: held };
        let body = Body::from_stream(ReaderStream::with_capacity(sound.take(count), CHUNK));
        let mut response = Response::new(body);
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("audio/x-wav"));
        headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(count));
        let place = match status {
            StatusCode::PARTIAL_CONTENT => format!("bytes {first}-{}/{length}", first + count - 1),
            StatusCode::RANGE_NOT_SATISFIABLE => format!("bytes */{length}"),
            _ => return response,
        };
        if let Ok(value) = HeaderValue::from_str(&place) {
            headers.insert(header::CONTENT_RANGE, value);
        }
        response
    }
}

/// A sound that is sent, and what goes with it.
struct Holding<R> {
    sound: R,
    _held: Held,
}

impl<R: AsyncRead + Unpin> AsyncRead for Holding<R> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.sound).poll_read(cx, into)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    All,
    /// First and last octet.
    Part(u64, u64),
    Impossible,
}

/// What a `Range` asks for. What cannot be understood, and more than one range, is answered with all.
fn range(text: &str, length: u64) -> Wanted {
    let Some((first, last)) = text.strip_prefix("bytes=").and_then(|spec| spec.trim().split_once('-')) else {
        return Wanted::All;
    };
    match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(first), _) if first >= length && (last.is_empty() || last.parse::<u64>().is_ok()) => Wanted::Impossible,
        (Ok(first), Ok(last)) if first <= last => Wanted::Part(first, last.min(length - 1)),
        (Ok(first), Err(_)) if last.is_empty() => Wanted::Part(first, length - 1),
        (Err(_), Ok(0)) if first.is_empty() => Wanted::Impossible,
        (Err(_), Ok(tail)) if first.is_empty() && length > 0 => Wanted::Part(length.saturating_sub(tail), length - 1),
        _ => Wanted::All,
    }
}

/// Octets read at once.
const CHUNK: usize = 32 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_what_the_standard_says() {
        for (text, wanted) in [
            ("", Wanted::All),
            ("bytes=0-0", Wanted::Part(0, 0)),
            ("bytes=10-", Wanted::Part(10, 99)),
            ("bytes=90-500", Wanted::Part(90, 99)),
            ("bytes=-5", Wanted::Part(95, 99)),
            ("bytes=-500", Wanted::Part(0, 99)),
            ("bytes=-0", Wanted::Impossible),
            ("bytes=100-", Wanted::Impossible),
            ("bytes=100-200", Wanted::Impossible),
            ("bytes=5-2", Wanted::All),
            ("bytes=0-1,5-6", Wanted::All),
            ("bytes=x-y", Wanted::All),
            ("bytes=99999999999999999999-", Wanted::All),
            ("items=0-1", Wanted::All),
        ] {
            assert_eq!(range(text, 100), wanted, "{text}");
        }
        assert_eq!(range("bytes=0-", 0), Wanted::Impossible);
        assert_eq!(range("bytes=-1", 0), Wanted::All);
    }
}
