//! Recognition behind the face: a caller's sound comes in while it is spoken, results go out as soon as they are there.
//!
//! It knows no call and no document. Each recognition has a place of a bounded number, a longest sound, and a time after
//! the sound's end; whoever asked and went away ends it.

mod ask;
mod grammar;
mod recognizer;
mod results;
mod sound;
mod work;

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Body;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

pub use ask::ListenRequest;
pub(crate) use ask::{MAX_HINT_CHARS, MAX_HINTS};
pub(crate) use recognizer::pick;
pub use recognizer::{Grammar, Recognizer, RecognizerCommand, RecognizerUrl};
pub use results::Heard;
pub(crate) use results::Line;
use sound::Intake;
use work::Work;

use crate::counters::count;
use crate::fault::MediaFault;
use crate::service::Service;

/// One of the recognitions that there may be at a time.
pub(crate) struct Place(#[expect(dead_code, reason = "it is held")] OwnedSemaphorePermit);

impl Place {
    /// For a caller, who cannot wait.
    pub fn now(service: &Service) -> Result<Self, MediaFault> {
        Arc::clone(&service.recognitions).try_acquire_owned().map(Self).map_err(|_| {
            let most = service.config.limits.recognitions;
            MediaFault::recognizer(format!("listen: {most} callers are listened to at once already"))
        })
    }

    /// Once there is one.
    pub async fn later(service: &Service) -> Result<Self, MediaFault> {
        let place = Arc::clone(&service.recognitions).acquire_owned().await;
        place.map(Self).map_err(|_| MediaFault::recognizer("the media layer was stopped"))
    }
}

/// Begins a recognition of a body. The results come until the queue ends.
pub(crate) fn begin<B>(
    place: Place,
    service: &Arc<Service>,
    request: ListenRequest,
    body: B,
) -> Result<mpsc::Receiver<Line>, MediaFault>
where
    B: Body<Data = Bytes, Error: Display> + Send + Unpin + 'static,
{
    let recognizer = pick(&service.recognizers, &request.language)?.clone();
    let limits = &service.config.limits;
    let intake = Intake::new(request.form, recognizer.rate_hz())?;
    let most = request.form.octets_per_second() * limits.listened.as_secs();
    count(&service.tally.recognitions);
    let (results, told) = mpsc::channel(RESULTS);
    let (sender, samples) = mpsc::unbounded_channel();
    let service = Arc::clone(service);
    tokio::spawn(async move {
        let _place = place;
        let limits = &service.config.limits;
        let scratch = service.scratch("gram");
        let work = Work {
            request: &request,
            samples,
            results: &results,
            after: limits.recognition,
            scratch: &scratch,
            egress: &service.config.egress,
        };
        let all = limits.listened * 2 + limits.recognition;
        let run = async {
            let work = work.run(&recognizer);
            tokio::pin!(work);
            tokio::select! {
                heard = &mut work => heard,
                taken = take(body, intake, most, sender) => match taken {
                    Taken::Whole => work.await,
                    Taken::Broken(why) => Err(MediaFault::recognizer(format!("listen: the sound broke off: {why}"))),
                    Taken::TooLong => work.await.and_then(|()| {
                        let text = format!("listen: only the first {} s are heard", limits.listened.as_secs());
                        Err(MediaFault::recognizer(text))
                    }),
                }
            }
        };
        let outcome = tokio::select! {
            heard = tokio::time::timeout(all, run) => heard.unwrap_or_else(|_| {
                let text = format!("listen: {}: not done after {} s", recognizer.name(), all.as_secs());
                Err(MediaFault::recognizer(text))
            }),
            // Nobody waits for the results any more.
            () = results.closed() => Ok(()),
            () = service.stop.cancelled() => Err(MediaFault::recognizer("the media layer was stopped")),
        };
        let _ = tokio::fs::remove_file(&scratch).await;
        if let Err(fault) = outcome {
            tracing::warn!(%fault, account = %request.account, "a recognition failed");
            count(&service.tally.faults);
            let _ = results.send(fault.into()).await;
        }
    });
    Ok(told)
}

/// How a sound ended.
enum Taken {
    /// It is over, stands still, or the recognizer has had enough.
    Whole,
    /// Who asked has gone away in the middle of it, or whoever sends it has failed.
    Broken(String),
    /// There is more of it than is heard.
    TooLong,
}

/// Takes the sound to its end.
async fn take<B>(mut body: B, mut intake: Intake, most: u64, samples: mpsc::UnboundedSender<Vec<i16>>) -> Taken
where
    B: Body<Data = Bytes, Error: Display> + Unpin,
{
    let mut taken = 0u64;
    loop {
        let frame = tokio::select! {
            frame = tokio::time::timeout(STANDSTILL, body.frame()) => frame,
            () = samples.closed() => return Taken::Whole,
        };
        let frame = match frame {
            Ok(Some(Ok(frame))) => frame,
            Ok(Some(Err(error))) => return Taken::Broken(error.to_string()),
            Ok(None) | Err(_) => return Taken::Whole,
        };
        let Ok(piece) = frame.into_data() else { continue };
        taken += piece.len() as u64;
        if taken > most {
            return Taken::TooLong;
        }
        if samples.send(intake.take(&piece)).is_err() {
            return Taken::Whole;
        }
    }
}

/// Results that wait for a slow reader; then the recognizer waits.
const RESULTS: usize = 64;
/// A caller's sound comes every 10 ms, silence too; what stands still so long is over.
const STANDSTILL: Duration = Duration::from_secs(30);
