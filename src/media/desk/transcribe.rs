//! Recordings as text: each is asked for as a call would ask, heard by a recognizer, and its words stand in the job. Where a
//! target is named, they are sent there too. Nothing of it is kept: who wants the words again, asks again.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, Stream};
use http_body_util::StreamBody;
use hyper::body::Frame;
use tipring_egress::{Method, Request};
use url::Url;

use super::jobs::{ItemState, Job};
use super::wish::{Spoken, ask, read_url};
use crate::answer::Answer;
use crate::fault::{MediaFault, TOO_LARGE};
use crate::listen::{self, Line, ListenRequest};
use crate::preset::{Coding, Preset};
use crate::service::Service;
use crate::wire::{Ask, From, Start};

/// One after the other: callers who are listened to have the other places.
pub(super) async fn run(service: &Arc<Service>, job: &Job, spoken: &Spoken) -> Result<(), MediaFault> {
    let form = Preset { coding: Coding::L16, rate_hz: listen::pick(&service.recognizers, &spoken.language)?.rate_hz() };
    let target = spoken.target.as_deref().map(read_url).transpose()?;
    job.expects(spoken.urls.len());
    for url in &spoken.urls {
        let url = read_url(url)?;
        let uri = tipring_egress::redacted(&url).to_string();
        let mut item = ItemState { uri, preset: form.to_string(), ..ItemState::default() };
        match one(service, job, spoken, (url, form), &mut item).await {
            Ok(()) => item.fault = send_on(service, target.as_ref(), spoken, &item).await.err(),
            Err(fault) => item.fault = Some(fault),
        }
        if item.fault.is_some() {
            item.cached.clear();
        }
        job.had(item);
    }
    Ok(())
}

/// What was heard before a fault is in the item too.
async fn one(
    service: &Arc<Service>,
    job: &Job,
    spoken: &Spoken,
    (url, form): (Url, Preset),
    item: &mut ItemState,
) -> Result<(), MediaFault> {
    let place = listen::Place::later(service).await?;
    let sound = Ask { private: true, start: Start::Live, ..ask(&job.account, From::Origin(url), form, false) };
    let answer = service.answer(sound).await?;
    item.cached = answer.cached.as_str().to_owned();
    let request = ListenRequest {
        account: job.account.clone(),
        language: spoken.language.clone(),
        hints: spoken.hints.clone(),
        model: spoken.model.clone(),
        form,
    };
    let mut told = listen::begin(place, service, request, StreamBody::new(Box::pin(pieces(answer))))?;
    while let Some(line) = told.recv().await {
        match line {
            Line::Partial { .. } => (),
            Line::Final { text, .. } if item.text.len() + text.len() >= MAX_TEXT => {
                let text = format!("the text has more than {} KiB: cut the recording in pieces", MAX_TEXT / 1024);
                return Err(MediaFault::new(TOO_LARGE, text));
            }
            Line::Final { text, .. } => {
                if !item.text.is_empty() {
                    item.text.push(' ');
                }
                item.text += &text;
            }
            Line::Error { code, text } => return Err(MediaFault::new(code, text)),
        }
    }
    Ok(())
}

/// The sound as a body. One that stands still is broken, not over: half a text would look like a whole one.
fn pieces(answer: Answer) -> impl Stream<Item = Result<Frame<Bytes>, MediaFault>> {
    stream::unfold(Some(answer.body), |body| async move {
        let mut body = body?;
        match tokio::time::timeout(STANDSTILL, body.next()).await {
            Ok(Some(Ok(piece))) => Some((Ok(Frame::data(piece)), Some(body))),
            Ok(Some(Err(fault))) => Some((Err(fault), None)),
            Ok(None) => None,
            Err(_) => {
                let text = format!("nothing came for {} s", STANDSTILL.as_secs());
                Some((Err(MediaFault::new(crate::fault::FETCH, text)), None))
            }
        }
    })
}

/// To the destination that was named, which takes it or says why not.
async fn send_on(service: &Service, target: Option<&Url>, spoken: &Spoken, item: &ItemState) -> Result<(), MediaFault> {
    let Some(target) = target else { return Ok(()) };
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let request = Request {
        method: Method::Post,
        headers: vec![
            header("content-type", "text/plain; charset=utf-8"),
            header("content-language", &spoken.language),
            header("content-location", &item.uri),
        ],
        body: item.text.clone().into(),
        ..Request::get(target.clone())
    };
    super::warm::delivered(service.config.egress.send(request).await?)
}

/// An hour without a breath has some 50 KiB.
const MAX_TEXT: usize = 64 * 1024;
/// Less than a caller's sound may stand still: that one is taken as over.
const STANDSTILL: Duration = Duration::from_secs(25);
