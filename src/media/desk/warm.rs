//! Carries a job out: asks the service for each medium as a call would, and throws the sound away. Nothing here knows how a
//! medium comes about; what is asked for twice at the same moment is one flight, also with a call.

use std::sync::Arc;

use futures_util::stream::{self, StreamExt};
use tipring_egress::{Method, Request};
use url::Url;

use super::jobs::{ItemState, Job};
use super::wish::{Item, Wish, ask, items};
use super::{crawl, wish};
use crate::fault::{FETCH, MediaFault, TOO_LARGE};
use crate::preset::Preset;
use crate::service::Service;
use crate::wire::{Ask, From};

/// To its end.
pub(crate) async fn run(service: &Arc<Service>, job: &Arc<Job>) -> Result<(), MediaFault> {
    let account = &job.account;
    match &job.wish {
        Wish::Warm { urls, texts, presets, refresh, target } => {
            let usual = &service.forms.usual();
            let wanted = items(account, (urls, texts, presets), usual, (*refresh, target.as_deref()))?;
            warm(service, job, wanted).await;
            Ok(())
        }
        Wish::Crawl { url, presets, refresh, only } => {
            let presets = if presets.is_empty() { service.forms.usual() } else { wish::read_presets(presets)? };
            let start = wish::read_url(url)?;
            let root = crawl::directory(&start);
            let found = crawl::crawl(service, job, start, only).await?;
            let wanted = found.into_iter().flat_map(|url| {
                let (account, root) = (account.as_str(), &root);
                presets.iter().map(move |preset| {
                    let ask = ask(account, From::Origin(url.clone()), *preset, *refresh);
                    Item { ask: Ask { largest: only.largest, within: Some(root.clone()), ..ask }, target: None }
                })
            });
            warm(service, job, wanted.collect()).await;
            Ok(())
        }
        Wish::Transcribe(spoken) => super::transcribe::run(service, job, spoken).await,
        Wish::Refresh { prefix } => {
            let kept = service.entries(Some(account.clone()), prefix.clone()).await;
            let wanted = kept.into_iter().filter_map(|entry| {
                // Spoken texts never change, and documents are the applications' own business.
                let preset = Preset::parse(&entry.preset)?;
                let url = wish::read_url(&entry.uri).ok()?;
                Some(Item { ask: ask(account, From::Origin(url), preset, true), target: None })
            });
            let wanted: Vec<_> = wanted.filter(|it| !it.ask.uri().starts_with(SPOKEN)).collect();
            warm(service, job, wanted).await;
            Ok(())
        }
    }
}

async fn warm(service: &Arc<Service>, job: &Arc<Job>, wanted: Vec<Item>) {
    job.expects(wanted.len());
    let each = stream::iter(wanted).map(|item| async move { job.had(one(service, item).await) });
    each.buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
}

async fn one(service: &Arc<Service>, item: Item) -> ItemState {
    let preset = item.ask.form.name();
    let mut state = ItemState { uri: item.shown_uri(), preset, ..ItemState::default() };
    match had(service, &item).await {
        Ok((cached, octets)) => {
            state.cached = cached;
            state.octets = octets;
        }
        Err(fault) => state.fault = Some(fault),
    }
    state.kept = service.keeps(&item.ask).await;
    state
}

/// How it came about, and its octets.
async fn had(service: &Arc<Service>, item: &Item) -> Result<(String, u64), MediaFault> {
    let mut answer = service.answer(item.ask.clone()).await?;
    let (mut octets, mut sound) = (0, Vec::new());
    while let Some(piece) = answer.body.next().await {
        let piece = piece?;
        octets += piece.len() as u64;
        if item.target.is_some() {
            if octets > SENT_OCTETS {
                let text = format!("the medium has more than the {SENT_OCTETS} octets that are sent on at once");
                return Err(MediaFault::new(TOO_LARGE, text));
            }
            sound.extend_from_slice(&piece);
        }
    }
    if let Some(target) = &item.target {
        send_on(service, target, item, &answer.content_type, sound).await?;
    }
    Ok((answer.cached.as_str().to_owned(), octets))
}

/// To the destination that was named, which takes it or says why not.
async fn send_on(
    service: &Service,
    target: &Url,
    item: &Item,
    content_type: &str,
    sound: Vec<u8>,
) -> Result<(), MediaFault> {
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let request = Request {
        method: Method::Put,
        headers: vec![header("content-type", content_type), header("content-location", &item.shown_uri())],
        body: sound.into(),
        ..Request::get(target.clone())
    };
    delivered(service.config.egress.send(request).await?)
}

/// Whether a target took what it was sent.
pub(super) fn delivered(response: tipring_egress::Response) -> Result<(), MediaFault> {
    if !(200..300).contains(&response.status) {
        let text = format!("{}: the target answered {}", response.url, response.status);
        return Err(MediaFault::new(FETCH, text));
    }
    Ok(())
}

impl Item {
    fn shown_uri(&self) -> String {
        match &self.ask.from {
            From::Origin(url) => tipring_egress::redacted(url).to_string(),
            From::Speech(_) => self.ask.uri(),
        }
    }
}

/// Media of one job at the same time: a small server with a slow line serves callers beside it.
const AT_ONCE: usize = 4;
/// What a target is sent: an hour of telephone sound.
const SENT_OCTETS: u64 = 32 << 20;
/// What spoken texts' URIs begin with.
const SPOKEN: &str = "http://speech.tipring/";
