//! The way of a request, and of its answer.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header, request};
use axum::response::Response;
use axum::routing::{any, get};
use serde_json::Value;
use tipring_resources::Account;
use tokio::sync::{Mutex, Semaphore};
use tower_http::catch_panic::CatchPanicLayer;

use crate::fault::Fault;
use crate::form::{BODY_MAX, Form};
use crate::path::{self, Path, Place, Suffix};
use crate::{State, accounts, auth, calls, create, media, notifications, numbers, pages, recordings, xml};

/// Requests in work at once. Above it the answer is 429: a box has few clients, and calls come first.
pub const CONCURRENT_MAX: usize = 128;
/// A request that is not answered by then is answered with 503.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// The router answers within this, or the client learns that it did not.
pub const ASK_TIMEOUT: Duration = Duration::from_secs(10);

/// The API as a router: everything below `/2010-04-01`, and the pages of the error codes.
pub fn app(state: State) -> Router {
    let desk =
        Arc::new(Desk { state, places: Semaphore::new(CONCURRENT_MAX), changes: Mutex::default(), ids: Ids::new() });
    let api = move |request: Request<Body>| {
        let desk = Arc::clone(&desk);
        async move { desk.serve(request).await }
    };
    Router::new()
        .route("/2010-04-01", any(api.clone()))
        .route("/2010-04-01/{*rest}", any(api.clone()))
        .route("/.twilio.com/2010-04-01/{*rest}", any(api))
        .route("/errors", get(pages::index))
        .route("/errors/{code}", get(pages::one))
        .layer(CatchPanicLayer::custom(after_panic))
}

/// A request that has shown who it is and what it wants.
pub(crate) struct Asking {
    pub(crate) state: State,
    pub(crate) account: Account,
    pub(crate) path: Path,
    /// Query and body.
    pub(crate) form: Form,
    /// Where the box is reached.
    pub(crate) base: String,
    pub(crate) headers: HeaderMap,
}

/// What is done with a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Read,
    Write,
    Delete,
}

/// What a request comes to.
pub(crate) enum Answer {
    Json(StatusCode, Value),
    NoContent,
    Raw(Response),
}

struct Desk {
    state: State,
    places: Semaphore,
    /// Held over the change of an account or number, its commit and its telling: what the router hears last is what the
    /// store has, and two changes of one number don't lose one another.
    changes: Mutex<()>,
    ids: Ids,
}

impl Desk {
    async fn serve(&self, request: Request<Body>) -> Response {
        let began = Instant::now();
        let is_head = request.method() == Method::HEAD;
        let (parts, body) = request.into_parts();
        let base = self.base(&parts);
        let path = path::parse(parts.uri.path());
        let (form, names) = (path.suffix, path.place.names());
        let work = self.work(&parts, path, body, &base);
        let answer = match tokio::time::timeout(REQUEST_TIMEOUT, work).await {
            Ok(answer) => answer,
            Err(_) => Err(Fault::unavailable("the box did not answer in time: try again later")),
        };
        let mut response = match answer {
            Ok(Answer::Json(status, body)) if form == Suffix::Xml => as_xml(status, &body, names),
            Ok(answer) => answer.into_response(),
            Err(fault) => refuse(&fault, &base, form),
        };
        self.mark(&parts, &mut response, began);
        if is_head {
            *response.body_mut() = Body::empty();
        }
        response
    }

    async fn work(&self, parts: &request::Parts, path: Path, body: Body, base: &str) -> Result<Answer, Fault> {
        let Ok(_place) = self.places.try_acquire() else {
            return Err(Fault { status: StatusCode::TOO_MANY_REQUESTS, ..Fault::plain(20429) });
        };
        let account = auth::account(&self.state.store, &parts.headers).await;
        if account.as_ref().is_err_and(|fault| fault.status == StatusCode::UNAUTHORIZED) {
            self.state.live.credentials_refused();
        }
        let account = account?;
        if path.account.is_some_and(|named| named != account.sid) || path.place == Place::Nothing {
            return Err(Fault::not_found());
        }
        let verb = verb(&parts.method, &path)?;
        let mut form = Form::default();
        if verb == Verb::Write {
            form.read(&form_body(&parts.headers, body).await?)?;
        }
        form.read(parts.uri.query().unwrap_or_default().as_bytes())?;
        let headers = parts.headers.clone();
        let asking = Asking { state: self.state.clone(), account, path, form, base: base.to_string(), headers };
        let shared = matches!(asking.path.place, Place::Account | Place::Numbers | Place::Number(_));
        let _changes = if shared && verb != Verb::Read { Some(self.changes.lock().await) } else { None };
        dispatch(&asking, verb).await
    }

    fn base(&self, parts: &request::Parts) -> String {
        if !self.state.base.is_empty() {
            return self.state.base.clone();
        }
        let named = |host: &axum::http::uri::Authority| host.as_str().to_string();
        let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok()).map(str::to_string);
        let host = host.or_else(|| parts.uri.authority().map(named)).unwrap_or_default();
        // The door says in the URI how the request came.
        let scheme = if parts.uri.scheme_str() == Some("https") { "https" } else { "http" };
        let sound = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
        if host.is_empty() || !host.bytes().all(sound) { String::new() } else { format!("{scheme}://{host}") }
    }

    fn mark(&self, parts: &request::Parts, response: &mut Response, began: Instant) {
        let id = self.ids.next();
        let took = began.elapsed();
        let status = response.status().as_u16();
        tracing::debug!(method = %parts.method, path = parts.uri.path(), status, ?took, request_id = id, "api");
        let headers = response.headers_mut();
        if let Ok(value) = HeaderValue::from_str(&id) {
            headers.insert("twilio-request-id", value);
        }
        if let Ok(value) = HeaderValue::from_str(&format!("{:.3}", took.as_secs_f64())) {
            headers.insert("twilio-request-duration", value);
        }
    }
}

/// Which verb, if the place knows it. A HEAD is a read whose body is not sent.
fn verb(method: &Method, path: &Path) -> Result<Verb, Fault> {
    let allow = match path.place {
        Place::Recording(..) | Place::CallRecordings(_) if path.suffix == Suffix::Wav => "GET, HEAD",
        Place::Accounts | Place::Account | Place::Calls | Place::Numbers => "GET, POST",
        Place::Call(_) | Place::Number(_) => "GET, POST, DELETE",
        Place::Recording(..) => "GET, HEAD, DELETE",
        Place::Empty("queues" | "applications" | "outgoing_caller_ids") => "GET, POST",
        _ => "GET",
    };
    match *method {
        Method::GET | Method::HEAD => Ok(Verb::Read),
        Method::POST | Method::PUT if allow.contains("POST") => Ok(Verb::Write),
        Method::DELETE if allow.contains("DELETE") => Ok(Verb::Delete),
        _ => Err(Fault::method(allow)),
    }
}

async fn dispatch(asking: &Asking, verb: Verb) -> Result<Answer, Fault> {
    if let Place::Recording(call, sid) = asking.path.place {
        return match (verb, asking.path.suffix) {
            (Verb::Delete, _) => recordings::delete(asking, call, sid).await,
            (_, Suffix::Json | Suffix::Xml) => recordings::one(asking, call, sid).await,
            (_, Suffix::None | Suffix::Wav) => media::sound(asking, call, sid).await,
            (_, Suffix::Other) => Err(Fault::not_found_because(
                "a recording comes as .wav, its record as .json or .xml; other forms are not available",
            )),
        };
    }
    if matches!(asking.path.suffix, Suffix::Wav | Suffix::Other) {
        return Err(Fault::not_found_because("this comes as .json or .xml; other forms are not available"));
    }
    match (asking.path.place, verb) {
        (Place::Accounts, Verb::Read) => accounts::list(asking),
        (Place::Account, Verb::Read) => Ok(accounts::one(asking)),
        (Place::Account, _) => accounts::update(asking).await,
        (Place::Calls, Verb::Read) => calls::list(asking).await,
        (Place::Calls, _) => create::create(asking).await,
        (Place::Call(sid), Verb::Read) => calls::one(asking, sid).await,
        (Place::Call(sid), Verb::Write) => calls::update(asking, sid).await,
        (Place::Call(sid), Verb::Delete) => calls::delete(asking, sid).await,
        (Place::CallRecordings(call), _) => recordings::list(asking, Some(call)).await,
        (Place::Recordings, _) => recordings::list(asking, None).await,
        (Place::CallNotifications(call), _) => notifications::list(asking, Some(call)).await,
        (Place::Notifications, _) => notifications::list(asking, None).await,
        (Place::Notification(call, sid), _) => notifications::one(asking, call, sid).await,
        (Place::Numbers, Verb::Read) => numbers::list(asking).await,
        (Place::Numbers, _) => numbers::create(asking).await,
        (Place::Number(sid), Verb::Read) => numbers::one(asking, sid).await,
        (Place::Number(sid), Verb::Write) => numbers::update(asking, sid).await,
        (Place::Number(sid), Verb::Delete) => numbers::delete(asking, sid).await,
        (Place::Empty(member), Verb::Read) => accounts::empty(asking, member),
        (Place::Accounts | Place::Empty(_), _) => Err(Fault::unavailable("creating these is not available yet")),
        (Place::Recording(..) | Place::Nothing, _) => Err(Fault::not_found()),
    }
}

/// The body of a form, within its bound and of the right kind.
async fn form_body(headers: &HeaderMap, body: Body) -> Result<Bytes, Fault> {
    let kind = headers.get(header::CONTENT_TYPE).map(|value| value.to_str().unwrap_or_default());
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|octets| octets > BODY_MAX) {
        return Err(Fault::too_large("the body", BODY_MAX));
    }
    let bytes = to_bytes(body, BODY_MAX).await.map_err(|_| Fault::too_large("the body", BODY_MAX))?;
    let essence = kind.unwrap_or(FORM).split(';').next().unwrap_or_default().trim();
    if !bytes.is_empty() && !essence.eq_ignore_ascii_case(FORM) {
        return Err(Fault::media_type(essence));
    }
    Ok(bytes)
}

impl Answer {
    fn into_response(self) -> Response {
        match self {
            Answer::Json(status, body) => json(status, &body),
            Answer::NoContent => {
                let mut response = Response::new(Body::empty());
                *response.status_mut() = StatusCode::NO_CONTENT;
                response
            }
            Answer::Raw(response) => response,
        }
    }
}

fn json(status: StatusCode, body: &Value) -> Response {
    text(status, body.to_string(), "application/json")
}

fn as_xml(status: StatusCode, body: &Value, (one, member): (&str, &str)) -> Response {
    text(status, xml::document(body, one, member), "application/xml; charset=utf-8")
}

fn text(status: StatusCode, text: String, kind: &'static str) -> Response {
    let length = text.len();
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn refuse(fault: &Fault, base: &str, form: Suffix) -> Response {
    let body = fault.body(base);
    let mut response = match form {
        Suffix::Xml => as_xml(fault.status, &body, ("RestException", "")),
        _ => json(fault.status, &body),
    };
    let headers = response.headers_mut();
    if fault.status == StatusCode::UNAUTHORIZED {
        headers
            .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"tipring\", charset=\"UTF-8\""));
    }
    if matches!(fault.status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    if let Some(allow) = fault.allow {
        headers.insert(header::ALLOW, HeaderValue::from_static(allow));
    }
    response
}

fn after_panic(_: Box<dyn std::any::Any + Send>) -> Response {
    tracing::error!("a request of the API panicked");
    refuse(&Fault::internal(), "", Suffix::Json)
}

/// Names of requests: not guessable from one another, and not drawn from the generator of the SIDs.
struct Ids {
    seed: RandomState,
    count: AtomicU64,
}

impl Ids {
    fn new() -> Self {
        Ids { seed: RandomState::new(), count: AtomicU64::new(0) }
    }

    fn next(&self) -> String {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let half = |salt: u64| {
            let mut hasher = self.seed.build_hasher();
            hasher.write_u64(count);
            hasher.write_u64(salt);
            hasher.finish()
        };
        format!("RQ{:016x}{:016x}", half(0), half(1))
    }
}

const FORM: &str = "application/x-www-form-urlencoded";
