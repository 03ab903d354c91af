//! Requests about the media layer itself, at `http://media.tipring/`: its state, what it keeps, documents, jobs, plans and
//! phrases. HTTP in, JSON out; who may ask is the face's business. A request that names an account sees and changes what is that account's.
//!
//! Source of the shapes: `docs/reference/media-api.md`.

mod crawl;
pub(crate) mod documents;
mod file;
mod forms;
mod jobs;
mod kept;
mod links;
mod phrases;
mod plans;
mod transcribe;
mod warm;
mod wish;

use std::sync::Arc;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use serde::de::DeserializeOwned;
use serde_json::json;

pub(crate) use forms::Forms;
pub(crate) use jobs::Jobs;
pub use jobs::{ItemState, JobState, JobStatus};
pub(crate) use phrases::Phrases;
pub use phrases::{PhraseState, Recording};
pub use plans::Plan;
pub(crate) use plans::Plans;
pub use wish::{Filter, Phrase, Spoken, Wish};

use crate::face::{Body, json_answer, refusal, status};
use crate::fault::MediaFault;
use crate::preset::{Coding, Preset, TELEPHONE_HZ};
use crate::service::Service;
use crate::wire::{ACCOUNT, MUSIC, NO_ACCOUNT, OWN_HOST};
use wish::bad;

/// A request about the layer itself, read as far as its query.
struct Asked {
    method: Method,
    path: Vec<String>,
    query: Vec<(String, String)>,
    account: Option<String>,
}

/// Answers it.
pub(crate) async fn answer(service: &Arc<Service>, request: Request<Incoming>) -> Response<Body> {
    let (head, body) = request.into_parts();
    let path = head.uri.path().trim_matches('/').split('/').map(str::to_owned).collect();
    let query = url::form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let account = head.headers.get(ACCOUNT).and_then(|it| it.to_str().ok()).map(str::to_owned);
    let asked = Asked { method: head.method, path, query, account };
    let path: Vec<&str> = asked.path.iter().map(String::as_str).collect();
    let answered = match (&asked.method, path.as_slice()) {
        (&Method::GET, ["status"]) => Ok(json_answer(StatusCode::OK, &status(service))),
        (&Method::GET, [path]) if *path == MUSIC.trim_matches('/') => Ok(music(head.headers.get(ACCEPT))),
        (_, ["entries"]) => entries(service, &asked).await,
        (_, ["documents"]) => documents::answer(service, &asked, &head.headers, body).await,
        (&Method::POST, ["verify"]) => Ok(json_answer(StatusCode::OK, &service.verified().await)),
        (_, ["jobs", ..]) => jobs(service, &asked, &path, body).await,
        (_, ["plans", ..]) => plans(service, &asked, &path, body).await,
        (_, ["phrases", ..]) => phrases(service, &asked, &path, body).await,
        _ => Err(asked.odd()),
    };
    answered.unwrap_or_else(|fault| refusal(&fault))
}

impl Asked {
    fn word(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|it| it.0 == name).map(|it| it.1.as_str())
    }

    fn account(&self) -> Option<&str> {
        self.account.as_deref()
    }

    /// Whose what is made will be.
    fn owner(&self) -> &str {
        self.account().unwrap_or(NO_ACCOUNT)
    }

    fn odd(&self) -> MediaFault {
        bad(format!(
            "{} /{}: the target is an absolute URI of a medium, or http://{OWN_HOST}/status, /entries, /documents, \
             /verify, /jobs, /plans or /phrases",
            self.method,
            self.path.join("/")
        ))
    }
}

/// What is kept: listed and removed by a URL or a prefix.
async fn entries(service: &Arc<Service>, asked: &Asked) -> Result<Response<Body>, MediaFault> {
    let (url, prefix) = (asked.word("url"), asked.word("prefix"));
    match asked.method {
        Method::GET => {
            let limit = asked.word("limit").map_or(Ok(MAX_LISTED), |it| {
                it.parse().map_err(|_| bad(format!("limit: a number up to {MAX_LISTED}")))
            })?;
            let mut found = service.entries(asked.account.clone(), url.or(prefix).unwrap_or_default().to_owned()).await;
            if let Some(url) = url {
                found.retain(|it| it.uri == url);
            }
            if let Some(after) = asked.word("after") {
                found.retain(|it| it.uri.as_str() > after);
            }
            let mut end = limit.clamp(1, MAX_LISTED).min(found.len());
            // Entries of one URI stay together: the next answer begins behind it.
            while end < found.len() && end > 0 && found[end].uri == found[end - 1].uri {
                end += 1;
            }
            let more = found.len() > end;
            found.truncate(end);
            let mut response = json_answer(StatusCode::OK, &found);
            if more {
                response.headers_mut().insert("x-more", HeaderValue::from_static("true"));
            }
            Ok(response)
        }
        Method::DELETE => {
            let removed = match (url, prefix) {
                (Some(url), _) => service.remove_matching(asked.account.clone(), url.to_owned(), true).await,
                (None, Some(prefix)) => service.remove_matching(asked.account.clone(), prefix.to_owned(), false).await,
                (None, None) => {
                    return Err(bad(
                        "DELETE /entries: name what to remove by ?url= or ?prefix=; an empty prefix means all",
                    ));
                }
            };
            Ok(json_answer(StatusCode::OK, &json!({ "removed": removed })))
        }
        _ => Err(asked.odd()),
    }
}

async fn jobs(
    service: &Arc<Service>,
    asked: &Asked,
    path: &[&str],
    body: Incoming,
) -> Result<Response<Body>, MediaFault> {
    match (&asked.method, path) {
        (&Method::GET, [_]) => Ok(json_answer(StatusCode::OK, &service.jobs.list(asked.account()))),
        (&Method::POST, [_]) => {
            let wish = read(body).await?;
            let job = service.take_on(asked.owner(), wish, "")?;
            Ok(json_answer(StatusCode::ACCEPTED, &job.state()))
        }
        (method, [_, id]) => {
            let Some(job) = service.jobs.find(asked.account(), id) else { return Ok(absent("job", id)) };
            if *method == Method::DELETE {
                job.taken_back.cancel();
            } else if *method != Method::GET {
                return Err(asked.odd());
            }
            Ok(json_answer(StatusCode::OK, &job.state()))
        }
        _ => Err(asked.odd()),
    }
}

async fn plans(
    service: &Arc<Service>,
    asked: &Asked,
    path: &[&str],
    body: Incoming,
) -> Result<Response<Body>, MediaFault> {
    match (&asked.method, path) {
        (&Method::GET, [_]) => Ok(json_answer(StatusCode::OK, &service.plans.list(asked.account()))),
        (&Method::PUT, [_, name]) => {
            let plan: Plan = read(body).await?;
            let plan = Plan { name: (*name).to_owned(), account: asked.owner().to_owned(), ..plan };
            let (service, now) = (Arc::clone(service), service.now());
            let kept = blocking(move || service.plans.put(plan, now)).await?;
            Ok(json_answer(StatusCode::OK, &kept))
        }
        (&Method::GET, [_, name]) => {
            match service.plans.list(asked.account()).into_iter().find(|it| it.name == *name) {
                Some(plan) => Ok(json_answer(StatusCode::OK, &plan)),
                None => Ok(absent("plan", name)),
            }
        }
        (&Method::DELETE, [_, name]) => {
            let (service, account, own) = (Arc::clone(service), asked.account.clone(), (*name).to_owned());
            match blocking(move || service.plans.remove(account.as_deref(), &own)).await? {
                true => Ok(json_answer(StatusCode::OK, &json!({ "removed": 1 }))),
                false => Ok(absent("plan", name)),
            }
        }
        _ => Err(asked.odd()),
    }
}

async fn phrases(
    service: &Arc<Service>,
    asked: &Asked,
    path: &[&str],
    body: Incoming,
) -> Result<Response<Body>, MediaFault> {
    match (&asked.method, path) {
        (&Method::GET, [_]) => return Ok(json_answer(StatusCode::OK, &service.phrases.list(asked.account()))),
        (&Method::POST, [_]) => {
            let speech = read::<Phrase>(body).await?.speech()?;
            let (service, owner) = (Arc::clone(service), asked.owner().to_owned());
            let chosen = blocking(move || service.phrases.choose(&owner, &speech)).await?;
            return Ok(json_answer(StatusCode::OK, &chosen));
        }
        _ => {}
    }
    let [_, id, rest @ ..] = path else { return Err(asked.odd()) };
    let Some(phrase) = service.phrases.find(asked.account(), id) else { return Ok(absent("phrase", id)) };
    let (owned, id) = (Arc::clone(service), phrase.id.clone());
    match (&asked.method, rest) {
        (&Method::GET, []) => {}
        (&Method::DELETE, []) => blocking(move || owned.phrases.forget(&id)).await?,
        (&Method::PUT, ["recording"]) => {
            let sound = whole(body, service.config.limits.original_bytes.min(MAX_RECORDING)).await?;
            let kind = service.is_sound(sound.clone()).await?;
            let now = service.now();
            let recorded = blocking(move || owned.phrases.record(&id, &sound, &kind, now)).await?;
            return Ok(json_answer(StatusCode::OK, &recorded));
        }
        (&Method::GET, ["recording"]) => return recording(service, asked, &id).await,
        (&Method::DELETE, ["recording"]) => blocking(move || owned.phrases.unrecord(&id)).await?,
        _ => return Err(asked.odd()),
    }
    Ok(json_answer(StatusCode::OK, &service.phrases.find(asked.account(), &phrase.id).unwrap_or(phrase)))
}

/// The file that was sent in, as it came.
async fn recording(service: &Arc<Service>, asked: &Asked, id: &str) -> Result<Response<Body>, MediaFault> {
    let (owned, account, own) = (Arc::clone(service), asked.account.clone(), id.to_owned());
    let read = blocking(move || {
        let Some((mut file, recording)) = owned.phrases.sound_of(account.as_deref(), &own) else { return Ok(None) };
        let mut octets = Vec::new();
        std::io::Read::read_to_end(&mut file, &mut octets)
            .map_err(|error| MediaFault::local("reading a recording", &error))?;
        Ok(Some((octets, recording.content_type)))
    });
    let Some((octets, kind)) = read.await? else { return Ok(absent("recording of phrase", id)) };
    let mut response = Response::new(Full::new(Bytes::from(octets)).map_err(|never| match never {}).boxed_unsync());
    if let Ok(kind) = HeaderValue::from_str(&kind) {
        response.headers_mut().insert(CONTENT_TYPE, kind);
    }
    Ok(response)
}

/// The box's own music, in the law that is asked for.
fn music(accept: Option<&HeaderValue>) -> Response<Body> {
    let accept = accept.and_then(|it| it.to_str().ok()).unwrap_or_default();
    let wanted = accept.split(',').find_map(Preset::parse);
    let Some(preset @ Preset { coding: Coding::G711(law), rate_hz: TELEPHONE_HZ }) = wanted else {
        return refusal(&bad("music: ask for audio/x-alaw or audio/x-mulaw, with ;rate=8000"));
    };
    let body = Full::new(crate::music::octets(law)).map_err(|never| match never {}).boxed_unsync();
    let mut response = Response::new(body);
    if let Ok(value) = HeaderValue::from_str(&preset.to_string()) {
        response.headers_mut().insert(CONTENT_TYPE, value);
    }
    response.headers_mut().insert("x-cache", HeaderValue::from_static("hit"));
    response
}

fn absent(what: &str, id: &str) -> Response<Body> {
    json_answer(StatusCode::NOT_FOUND, &bad(format!("there is no {what} {}", crate::wire::shown(id))))
}

/// A body of JSON.
async fn read<T: DeserializeOwned>(body: Incoming) -> Result<T, MediaFault> {
    let octets = whole(body, MAX_WISH).await?;
    serde_json::from_slice(&octets).map_err(|error| bad(format!("the body is not what is wanted here: {error}")))
}

async fn whole(body: Incoming, most: usize) -> Result<Bytes, MediaFault> {
    let read = tokio::time::timeout(BODY_TIME, Limited::new(body, most).collect()).await;
    let read = read.map_err(|_| bad("the body did not come in time"))?;
    Ok(read.map_err(|_| bad(format!("the body broke off, or is longer than {most} octets")))?.to_bytes())
}

/// On a thread that may wait for the disk.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, MediaFault> + Send + 'static,
) -> Result<T, MediaFault> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| Err(bad("the media layer was stopped")))
}

/// Entries of one answer.
const MAX_LISTED: usize = 1_000;
/// A wish of two thousand URLs, or of some hundred texts.
const MAX_WISH: usize = 4 << 20;
/// A recording of one phrase: some minutes of the best sound.
const MAX_RECORDING: usize = 20 << 20;
/// A recording comes over a slow line.
const BODY_TIME: std::time::Duration = std::time::Duration::from_secs(120);
