//! The asking side of a recognition: where a caller's sound goes, and where what was heard comes from.

use bytes::{Bytes, BytesMut};
use futures_util::stream;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use tokio::sync::{mpsc, oneshot};

use crate::client::MediaClient;
use crate::fault::{FETCH, MediaFault};
use crate::listen::{Heard, Line, ListenRequest};

/// Takes the sound of a recognition. Dropped, the sound is over.
#[derive(Debug, Clone)]
pub struct Microphone {
    pieces: mpsc::Sender<Bytes>,
}

impl Microphone {
    /// The next piece, in the form that was announced; `false`: nobody listens any more.
    pub async fn send(&self, piece: Bytes) -> bool {
        self.pieces.send(piece).await.is_ok()
    }

    /// The same without waiting; `false` too if the media layer is 256 pieces behind: then this one is lost.
    pub fn try_send(&self, piece: Bytes) -> bool {
        self.pieces.try_send(piece).is_ok()
    }
}

/// Results as they come. Dropped, the recognition ends.
#[derive(Debug)]
pub struct Results {
    body: Incoming,
    rest: BytesMut,
    over: bool,
    /// Goes with this: the sound breaks off then, whoever still holds the microphone.
    _wanted: oneshot::Sender<()>,
}

impl Results {
    /// The next result; `None` when all is told, which is after the sound's end or the recognizer's. After a fault it
    /// is over.
    pub async fn next(&mut self) -> Option<Result<Heard, MediaFault>> {
        while !self.over {
            if let Some(end) = self.rest.iter().position(|it| *it == b'\n') {
                let line = self.rest.split_to(end + 1);
                let heard = Line::read(&line);
                self.over = heard.is_err();
                return Some(heard);
            }
            let fault = match self.body.frame().await {
                Some(Ok(frame)) => {
                    if let Ok(piece) = frame.into_data() {
                        self.rest.extend_from_slice(&piece);
                    }
                    if self.rest.len() <= MAX_LINE {
                        continue;
                    }
                    "a result has no end"
                }
                Some(Err(_)) => "the media layer went away",
                None => break,
            };
            self.over = true;
            return Some(Err(MediaFault::new(FETCH, format!("listen: {fault}"))));
        }
        self.over = true;
        None
    }
}

impl MediaClient {
    /// Asks for recognition; answers when the recognizer may be spoken to. A language that no recognizer hears is
    /// [`NO_RECOGNIZER`](crate::NO_RECOGNIZER).
    pub async fn listen(&self, wanted: &ListenRequest) -> Result<(Microphone, Results), MediaFault> {
        let (pieces, taken) = mpsc::channel::<Bytes>(PIECES);
        let (still, unwanted) = oneshot::channel::<()>();
        let sound = stream::unfold(Some((taken, unwanted)), |state| async move {
            let (mut taken, mut unwanted) = state?;
            tokio::select! {
                piece = taken.recv() => Some((Ok(Frame::data(piece?)), Some((taken, unwanted)))),
                _ = &mut unwanted => Some((Err(std::io::Error::from(std::io::ErrorKind::ConnectionAborted)), None)),
            }
        });
        let answer = self.send(wanted.write(StreamBody::new(Box::pin(sound)))?).await?;
        let (head, body) = answer.into_parts();
        if !head.status.is_success() {
            return Err(self.refused(head.status, body).await);
        }
        Ok((Microphone { pieces }, Results { body, rest: BytesMut::new(), over: false, _wanted: still }))
    }
}

/// Pieces on the way: 2.56 s of a switch's blocks of 10 ms.
const PIECES: usize = 256;
/// A result of the longest text, and its JSON.
const MAX_LINE: usize = 256 * 1024;
