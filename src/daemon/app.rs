//! A small application server of documents, for the demonstration and for scenarios: which document answers is decided
//! by path and by the request's parameters, as any web application would. It keeps a log of what it was asked.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use serde::Deserialize;

/// A connection that is to be cut has sent what it was given by then.
const FLUSH: std::time::Duration = std::time::Duration::from_millis(50);
/// Requests that the log keeps.
const LOG: usize = 10_000;

/// One document.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Document {
    /// Path, e.g. `/menu`.
    pub path: String,
    /// Answers only if each of these parameters has this value.
    pub when: BTreeMap<String, String>,
    /// HTTP status; 200 when left out.
    pub status: Option<u16>,
    /// Content type; `text/xml` when left out, none when empty.
    #[serde(rename = "type")]
    pub content_type: Option<String>,
    /// The document.
    pub body: String,
    /// `Location` of a redirect.
    pub location: Option<String>,
    /// `Set-Cookie`.
    pub cookie: Option<String>,
    /// Further headers.
    pub headers: BTreeMap<String, String>,
    /// Only who brings this user and password (`user:password`, HTTP Basic) is answered so; others get 401.
    pub password: Option<String>,
    /// Scenarios: how long the answer takes on virtual time.
    pub latency_ms: u64,
    /// Scenarios: the answer never comes.
    pub never: bool,
    /// Scenarios: the connection is closed without an answer.
    pub hang_up: bool,
    /// Repeats the body up to this many octets, to make a huge one.
    pub pad_to: usize,
    /// The connection is cut after this many octets of the body, which was announced whole.
    pub cut_at: Option<usize>,
    /// Scenarios: the octets of this file instead of `body`; its name counts from the scenario's folder.
    pub file: Option<std::path::PathBuf>,
    /// What was in the file.
    #[serde(skip)]
    pub octets: Option<Bytes>,
}

/// One request that the application was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// GET or POST.
    pub method: String,
    /// Without query.
    pub path: String,
    /// Query and form, in order.
    pub params: Vec<(String, String)>,
    /// The URL as it went over the wire.
    pub url: String,
    /// The request's signature, if it carried one.
    pub signature: Option<String>,
    /// Type of the body, if there was one.
    pub content_type: Option<String>,
    /// Cookies that came with it.
    pub cookies: Option<String>,
    /// The tag of the document that is had already, `If-None-Match`.
    pub had: Option<String>,
}

/// A running application.
pub struct App {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: tokio::task::JoinHandle<()>,
    wide: Option<Wide>,
}

/// Its other place, in the wide network.
struct Wide {
    /// Nobody is reached there any more.
    unplugged: Arc<AtomicBool>,
    task: tokio::task::AbortHandle,
}

struct Shared {
    documents: Vec<Document>,
    log: Mutex<Vec<Asked>>,
}

impl App {
    /// Serves documents on a loopback address; the first one that fits answers.
    pub async fn start(documents: Vec<Document>, address: &str) -> std::io::Result<App> {
        let listener = tokio::net::TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared { documents, log: Mutex::default() });
        let router = axum::Router::new().fallback(answer).with_state(shared.clone());
        let task = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "the application server stopped");
            }
        });
        Ok(App { address, shared, task, wide: None })
    }

    /// Serves the same in the wide network too, at a second address, until that is unplugged.
    pub async fn goes_wide(&mut self) -> std::io::Result<SocketAddr> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let (address, unplugged) = (listener.local_addr()?, Arc::new(AtomicBool::new(false)));
        let gone = Arc::clone(&unplugged);
        let answers = move |shared, method, uri, headers, body| async move {
            // A connection that stands is worth nothing any more.
            if gone.load(Ordering::Relaxed) { hung_up() } else { answer(shared, method, uri, headers, body).await }
        };
        let router = axum::Router::new().fallback(answers).with_state(self.shared.clone());
        let serve = async move { axum::serve(listener, router).await };
        self.wide = Some(Wide { unplugged, task: tokio::spawn(serve).abort_handle() });
        Ok(address)
    }

    /// The wide network is gone.
    pub fn unplug(&self) {
        if let Some(wide) = &self.wide {
            wide.unplugged.store(true, Ordering::Relaxed);
            wide.task.abort();
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.shared.log.lock().map(|log| log.clone()).unwrap_or_default()
    }
}

impl Drop for App {
    fn drop(&mut self) {
        self.task.abort();
        self.unplug();
    }
}

impl Document {
    /// Whether it answers a request.
    pub fn fits(&self, path: &str, params: &[(String, String)]) -> bool {
        let has = |(name, value): (&String, &String)| params.iter().any(|(n, v)| n == name && v == value);
        self.path == path && self.when.iter().all(has)
    }

    /// Its `ETag`: who has it already is answered 304.
    fn tag(&self) -> Option<&str> {
        self.headers.iter().find(|it| it.0.eq_ignore_ascii_case("etag")).map(|it| it.1.as_str())
    }

    fn is_open_to(&self, headers: &HeaderMap) -> bool {
        let Some(password) = &self.password else { return true };
        let wanted = format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(password));
        headers.get(header::AUTHORIZATION).is_some_and(|given| given.as_bytes() == wanted.as_bytes())
    }
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut params: Vec<(String, String)> = Vec::new();
    let form = if method == Method::POST { &body[..] } else { &[] };
    for text in [uri.query().unwrap_or("").as_bytes(), form] {
        params.extend(url::form_urlencoded::parse(text).into_owned());
    }
    let document = shared.documents.iter().find(|document| document.fits(uri.path(), &params)).cloned();
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_string);
    let asked = Asked {
        method: method.to_string(),
        path: uri.path().to_string(),
        params,
        url: format!("http://{}{uri}", text("host").unwrap_or_default()),
        signature: text("x-twilio-signature"),
        content_type: text("content-type"),
        cookies: text("cookie"),
        had: text("if-none-match"),
    };
    let had = asked.had.clone();
    if let Ok(mut log) = shared.log.lock()
        && log.len() < LOG
    {
        log.push(asked);
    }
    match document {
        Some(document) if !document.is_open_to(&headers) => {
            let challenge = [(header::WWW_AUTHENTICATE, "Basic realm=\"documents\"")];
            (StatusCode::UNAUTHORIZED, challenge, "who are you?").into_response()
        }
        Some(document) if had.is_some() && document.tag() == had.as_deref() => {
            Document { status: Some(304), body: String::new(), octets: None, pad_to: 0, ..document }.into_response()
        }
        Some(document) => document.into_response(),
        None => (StatusCode::NOT_FOUND, "no document here").into_response(),
    }
}

impl IntoResponse for Document {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status.unwrap_or(200)).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut body = self.octets.clone().unwrap_or_else(|| Bytes::from(self.body.clone()));
        if self.hang_up {
            return hung_up();
        }
        if self.pad_to > body.len() && !body.is_empty() {
            let times = self.pad_to.div_ceil(body.len());
            body = Bytes::from(body.repeat(times));
        }
        let mut response = match self.cut_at.filter(|&at| at < body.len()) {
            Some(at) => (status, [(header::CONTENT_LENGTH, body.len())], cut(body.slice(..at))).into_response(),
            None => (status, body).into_response(),
        };
        let headers = response.headers_mut();
        headers.remove(header::CONTENT_TYPE);
        let wanted = self.content_type.as_deref().unwrap_or("text/xml");
        if !wanted.is_empty()
            && let Ok(value) = wanted.parse()
        {
            headers.insert(header::CONTENT_TYPE, value);
        }
        if let Some(Ok(value)) = self.location.as_deref().map(str::parse) {
            headers.insert(header::LOCATION, value);
        }
        if let Some(Ok(value)) = self.cookie.as_deref().map(str::parse) {
            headers.insert(header::SET_COOKIE, value);
        }
        for (name, value) in &self.headers {
            if let (Ok(name), Ok(value)) = (name.parse::<header::HeaderName>(), value.parse()) {
                headers.insert(name, value);
            }
        }
        response
    }
}

/// A body that breaks off: the connection ends before its length is reached.
fn hung_up() -> Response {
    let broken = futures_util::stream::iter([Err::<Bytes, _>(std::io::Error::other("hung up"))]);
    Response::new(axum::body::Body::from_stream(broken))
}

/// A body that ends before its time. What is there has left by then.
fn cut(part: Bytes) -> axum::body::Body {
    let parts = futures_util::stream::unfold(Some(part), |part| async move {
        match part {
            Some(part) => Some((Ok(part), None)),
            None => {
                tokio::time::sleep(FLUSH).await;
                Some((Err(std::io::Error::other("cut")), None))
            }
        }
    });
    axum::body::Body::from_stream(parts)
}
