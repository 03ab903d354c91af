//! The way of a request, and of its answer.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header, request};
use axum::response::Response;
use axum::routing::{any, get};
use serde_json::Value;
use tipring_resources::Account;
use tokio::sync::{Mutex, Semaphore};
use tower_http::catch_panic::CatchPanicLayer;

use crate::fault::Fault;
use crate::feed::Feed;
use crate::form::{BODY_MAX, Form};
use crate::path::{self, Path, Place, Suffix};
use crate::{State, audit, auth, csv, dispatch, docs_page, elsewhere, links, openapi, pages, xml};

/// Requests in work at once. Above it the answer is 429: a box has few clients, and calls come first.
pub const CONCURRENT_MAX: usize = 128;
/// A request that is not answered by then is answered with 503.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// The router answers within this, or the client learns that it did not.
pub const ASK_TIMEOUT: Duration = Duration::from_secs(10);

/// The API as a router: everything below `/2010-04-01`, and the pages that need no credentials: what the API is, and what
/// the error codes mean.
pub fn app(state: State) -> Router {
    let docs = docs_page::docs(&state.base);
    let desk = Arc::new(Desk {
        feed: Feed::start(&state),
        state,
        places: Arc::new(Semaphore::new(CONCURRENT_MAX)),
        changes: Arc::default(),
        ids: Ids::new(),
    });
    let api = move |request: Request<Body>| {
        let desk = Arc::clone(&desk);
        async move { desk.serve(request).await }
    };
    Router::new()
        .route("/2010-04-01", any(api.clone()))
        .route("/2010-04-01/{*rest}", any(api.clone()))
        .route("/.twilio.com/2010-04-01/{*rest}", any(api.clone()))
        .route("/v1/{*rest}", any(api))
        .route("/openapi.json", get(openapi::document))
        .route("/docs", get(move || async move { docs }))
        .route("/errors", get(pages::index))
        .route("/errors/{code}", get(pages::one))
        .layer(CatchPanicLayer::custom(after_panic))
}

/// A request that has shown who it is and what it wants.
pub(crate) struct Asking {
    pub(crate) state: State,
    /// Whose resources are asked for.
    pub(crate) account: Account,
    /// Whose credentials came: of the same account, or of the one that made it.
    pub(crate) asker: auth::Asker,
    pub(crate) path: Path,
    /// Query and body.
    pub(crate) form: Form,
    /// Where the box is reached.
    pub(crate) base: String,
    pub(crate) method: Method,
    /// Path and query as they came.
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
    /// The address that the request came from, as far as it is known.
    pub(crate) from: Option<IpAddr>,
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
    feed: Feed,
    places: Arc<Semaphore>,
    /// Held over the change of what is read before it is written: account, number, key …, its commit and its telling: what
    /// the router hears last is what the store has, two changes of one number don't lose one another, and nothing that was
    /// deleted comes back.
    changes: Arc<Mutex<()>>,
    ids: Ids,
}

impl Desk {
    async fn serve(&self, request: Request<Body>) -> Response {
        let began = Instant::now();
        let is_head = request.method() == Method::HEAD;
        let (parts, body) = request.into_parts();
        let base = self.base(&parts);
        let path = path::parse(parts.uri.path());
        let (form, names, has_csv) = (path.suffix, path.place.names(), path.place.has_csv());
        let work = self.work(&parts, path, body, &base);
        let answer = match tokio::time::timeout(REQUEST_TIMEOUT, work).await {
            Ok(answer) => answer,
            Err(_) => Err(Fault::unavailable("the box did not answer in time: try again later")),
        };
        let mut response = match answer {
            Ok(Answer::Json(status, body)) if form == Suffix::Xml => as_xml(status, &body, names),
            Ok(Answer::Json(status, body)) if form == Suffix::Csv && has_csv => {
                text(status, csv::document(&body, names.1), "text/csv; charset=utf-8")
            }
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
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            return Err(Fault { status: StatusCode::TOO_MANY_REQUESTS, ..Fault::plain(20429) });
        };
        if let Some(answer) = links::open(&self.state, parts, &path, base).await? {
            return Ok(answer);
        }
        let asker = auth::asker(&self.state.store, &parts.headers).await;
        if asker.as_ref().is_err_and(|fault| fault.status == StatusCode::UNAUTHORIZED) {
            self.state.live.credentials_refused();
        }
        let asker = asker?;
        let account = auth::target(&self.state.store, &asker, path.account).await?;
        if path.place == Place::Nothing {
            return Err(Fault::not_found());
        }
        let allow = path.place.allow(path.suffix);
        let (mut form, mut sent) = (Form::default(), Bytes::new());
        if parts.method == Method::POST || (parts.method == Method::PUT && allow.contains("POST")) {
            sent = form_body(&parts.headers, body).await?;
            form.read(&sent)?;
        }
        form.read(parts.uri.query().unwrap_or_default().as_bytes())?;
        let verb = verb(&parts.method, &form, allow)?;
        let (state, headers, base) = (self.state.clone(), parts.headers.clone(), base.to_string());
        let (method, target) = (parts.method.clone(), target_of(parts));
        let from = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(from)| from.ip().to_canonical());
        if verb == Verb::Read {
            let asking = Asking { state, account, asker, path, form, base, method, target, headers, from };
            return match asking.path.place {
                Place::EventStream => self.feed.open(&asking, parts).await,
                _ => dispatch::dispatch(&asking, verb).await,
            };
        }
        let changes = if is_shared(&path.place) { Some(Arc::clone(&self.changes).lock_owned().await) } else { None };
        // The body, and the turn, may have taken their time: the account may be suspended by now, the key be gone.
        let asker = auth::asker(&state.store, &headers).await?;
        let account = auth::target(&state.store, &asker, path.account).await?;
        auth::allowed(&asker, &account, &path.place, verb)?;
        let asking = Asking { state, account, asker, path, form, base, method, target, headers, from };
        if let Some(answer) = elsewhere::passed_on(&asking, parts, sent).await? {
            return Ok(answer);
        }
        // Store, router and audit trail hear of a change together, also if whoever asked hangs up in the middle.
        let work = async move {
            let _held = (changes, place);
            let answer = dispatch::dispatch(&asking, verb).await?;
            audit::note(&asking, verb, &answer);
            Ok(answer)
        };
        tokio::spawn(work).await.unwrap_or_else(|_| Err(Fault::internal()))
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

/// Path and query as they came.
pub(crate) fn target_of(parts: &request::Parts) -> String {
    parts.uri.path_and_query().map_or("/", |it| it.as_str()).to_owned()
}

/// Which verb, if the place knows it. A HEAD is a read whose body is not sent; a POST with `_method=DELETE` is a DELETE, for
/// clients that can do no other.
fn verb(method: &Method, form: &Form, allow: &'static str) -> Result<Verb, Fault> {
    let wanted = match form.text(OVERRIDE) {
        Some("DELETE") if *method == Method::POST => &Method::DELETE,
        Some(_) if *method == Method::POST => return Err(Fault::parameter(OVERRIDE, "DELETE")),
        _ => method,
    };
    match *wanted {
        Method::GET | Method::HEAD if allow.contains("GET") => Ok(Verb::Read),
        Method::POST | Method::PUT if allow.contains("POST") => Ok(Verb::Write),
        Method::DELETE if allow.contains("DELETE") => Ok(Verb::Delete),
        _ => Err(Fault::method(allow)),
    }
}

/// Names another method than the request's own.
pub(crate) const OVERRIDE: &str = "_method";

/// What is read, changed in the store and told to the router: one change after another.
fn is_shared(place: &Place) -> bool {
    use Place::{
        Account, Accounts, Application, Applications, CallerId, CallerIds, Key, Keys, Message, Number, Numbers,
    };
    matches!(
        place,
        Accounts
            | Account
            | Numbers
            | Number(_)
            | Applications
            | Application(_)
            | CallerIds
            | CallerId(_)
            | Keys(_)
            | Key(..)
            | Message(_)
    )
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

/// A text of a kind.
pub(crate) fn text(status: StatusCode, text: String, kind: &'static str) -> Response {
    octets(status, text.into_bytes(), kind)
}

/// Octets of a kind.
pub(crate) fn octets(status: StatusCode, octets: Vec<u8>, kind: &'static str) -> Response {
    let length = octets.len();
    let mut response = Response::new(Body::from(octets));
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
        headers.insert(header::RETRY_AFTER, HeaderValue::from(fault.again_s.unwrap_or(1)));
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
