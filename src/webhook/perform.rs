//! One request of the router from first try to answer.

use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use tipring_egress::{Client, Credentials, Fault, Limits, Request, Response, Stage, redacted};
use tipring_resources::{Code, Method};
use tipring_router::{Cached, Exchange, HttpAnswer, HttpRequest, Purpose};
use url::Url;

use crate::again::{or_kept, use_kept};
use crate::exchange;
use crate::kept::{Documents, Kept, is_once_only};
use crate::overrides::Overrides;
use crate::session::Sessions;
use crate::sign::{self, sign};

/// The browser of all calls. Cheap to clone; clones share cookies and connections.
#[derive(Debug, Clone)]
pub struct Webhook {
    client: Client,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) documents: Option<Arc<dyn Documents>>,
}

impl Webhook {
    /// A browser over this client.
    pub fn new(client: Client) -> Self {
        Self { client, sessions: Arc::default(), documents: None }
    }

    /// The same, where documents that may be kept are kept.
    pub fn keeping(self, documents: Arc<dyn Documents>) -> Self {
        Self { documents: Some(documents), ..self }
    }

    /// Drops what was remembered for a call: its cookies and logins.
    pub fn forget(&self, session: tipring_resources::Sid) {
        self.sessions.forget(session);
    }

    /// Carries out a request, signed with the account's token `key`.
    pub async fn perform(&self, request: &HttpRequest, key: &str) -> HttpAnswer {
        let begun = Instant::now();
        let mut record = exchange::begin(request);
        let done = Errand { webhook: self, request, key, begun }.run(&mut record).await;
        record.duration_ms = elapsed_ms(begun);
        let (session, ms) = (request.session, record.duration_ms);
        match done {
            Ok(page) => {
                let cached = record.cached.map(Cached::as_str);
                tracing::debug!(%session, url = shown(&record.url), status = record.status, ms, cached, "application answered");
                let Page { url, content_type, body } = page;
                HttpAnswer::Document { url, content_type, body: body.to_vec(), exchange: record }
            }
            Err(Failure { code, text, .. }) => {
                tracing::warn!(%session, url = shown(&record.url), status = record.status, ms, code = code.0, "{text}");
                HttpAnswer::Failed { code, text, exchange: record }
            }
        }
    }
}

/// An answer that will do.
pub(crate) struct Page {
    pub url: String,
    pub content_type: Option<String>,
    pub body: Bytes,
}

/// Why there is none.
pub(crate) struct Failure {
    pub code: Code,
    pub text: String,
    /// The server or the way to it failed, and may do better another time.
    pub passing: bool,
}

/// One request under way.
pub(crate) struct Errand<'a> {
    pub webhook: &'a Webhook,
    pub request: &'a HttpRequest,
    key: &'a str,
    begun: Instant,
}

/// One hop of it: where, and with or without the form.
pub(crate) struct Hop {
    pub url: Url,
    method: Method,
    /// The form of a POST, signed and sent. A GET has its parameters in the URL.
    params: Vec<(String, String)>,
    /// The name under which its answer may be kept.
    pub name: Option<Url>,
}

impl Errand<'_> {
    async fn run(&self, record: &mut Exchange) -> Result<Page, Failure> {
        let mut hop = self.first_hop()?;
        let read = match self.request.purpose {
            Purpose::Callback => Overrides::of_callback,
            _ => Overrides::read,
        };
        let overrides =
            read(hop.url.fragment()).map_err(|it| Failure { code: it.code, text: it.text, passing: false })?;
        let mut retries = overrides.retries;
        let mut kept = self.look_up(&mut hop).await;
        loop {
            record.method = hop.method;
            record.url = redacted(&hop.url).into();
            if let Some(fresh) = kept.take_if(|it| it.is_fresh()) {
                return Ok(use_kept(fresh, Cached::Hit, record));
            }
            let failure = match self.once(&hop, &overrides, kept.as_ref()).await {
                Ok(response) if response.status == 304 && kept.is_some() => {
                    match self.confirm(kept.take(), &response, &hop).await {
                        Some(confirmed) => return Ok(use_kept(confirmed, Cached::Revalidated, record)),
                        // It spoke of another document: once more, without a condition.
                        None => continue,
                    }
                }
                Ok(response) => match self.judge(response, &hop, record, &overrides, retries > 0).await {
                    Verdict::Done(page) => return Ok(page),
                    Verdict::Failed(failure) => return or_kept(failure, kept, record),
                    Verdict::Redirect(next) if record.redirects >= MAX_REDIRECTS => return Err(too_many(&next)),
                    Verdict::Redirect(next) => {
                        record.redirects += 1;
                        hop = next;
                        kept = self.look_up(&mut hop).await;
                        continue;
                    }
                    Verdict::Retry(failure) => failure,
                },
                Err(fault) if overrides.policy.takes_fault(&fault) && retries > 0 => fault.into(),
                Err(fault) => return or_kept(fault.into(), kept, record),
            };
            if elapsed_ms(self.begun) >= overrides.total_ms {
                return or_kept(failure, kept, record);
            }
            retries -= 1;
            tracing::debug!(session = %self.request.session, "trying again after: {}", failure.text);
        }
    }

    fn first_hop(&self) -> Result<Hop, Failure> {
        let malformed = |why: &str| {
            let text = format!(
                "{:?} is no URL to fetch: {why}; use an absolute http or https URL",
                tipring_egress::hidden(&self.request.url)
            );
            Failure { code: MALFORMED, text, passing: false }
        };
        let mut url = Url::parse(&self.request.url).map_err(|it| malformed(&it.to_string()))?;
        if !url.has_host() {
            return Err(malformed("it names no host"));
        }
        let method = self.request.method;
        let mut params = self.request.params.clone();
        let mut name = None;
        if method == Method::Get {
            // Only what is ours is left out of the name: what an application has put into its URL stays.
            let (_, lasting): (Vec<_>, Vec<_>) = params.iter().cloned().partition(|it| is_once_only(&it.0, &it.1));
            name = Some(with_query(url.clone(), &lasting));
            url = with_query(url, &params);
            params.clear();
        }
        Ok(Hop { url, method, params, name })
    }

    /// Sends one hop once; with a condition, if something is kept that it may still be.
    async fn once(&self, hop: &Hop, overrides: &Overrides, kept: Option<&Kept>) -> Result<Response, Fault> {
        let session = self.request.session;
        let sessions = &self.webhook.sessions;
        let wire = redacted(&hop.url);
        let who = self.login(&hop.url);
        let mut headers = vec![
            ("User-Agent".to_owned(), USER_AGENT.to_owned()),
            ("Accept".to_owned(), "*/*".to_owned()),
            (sign::SIGNATURE_HEADER.to_owned(), sign(self.key, wire.as_str(), &hop.params)),
            ("I-Twilio-Idempotency-Token".to_owned(), self.request.idempotency.clone()),
        ];
        headers.extend(self.cookies(&wire).map(|it| ("Cookie".to_owned(), it)));
        headers.extend(kept.map(Kept::checks).unwrap_or_default());
        let (method, body) = match hop.method {
            Method::Get => (tipring_egress::Method::Get, Bytes::new()),
            Method::Post => {
                headers.push(("Content-Type".to_owned(), FORM.to_owned()));
                (tipring_egress::Method::Post, exchange::form(&hop.params).into())
            }
        };
        let limits = Limits {
            connect_ms: overrides.connect_ms,
            first_byte_ms: overrides.read_ms,
            between_ms: overrides.read_ms,
            total_ms: overrides.total_ms.saturating_sub(elapsed_ms(self.begun)),
            attempts: 1,
            max_body: MAX_DOCUMENT,
        };
        let url = who.as_ref().map_or(wire.clone(), |it| it.into_url(wire.clone()));
        let sent = self.webhook.client.send(Request { method, url, headers, body, limits }).await;
        let response = sent.map_err(|it| whole_total(it, overrides))?;
        sessions.store(session, &wire, response.headers_named("set-cookie"), now());
        if let Some(who) = who.filter(|_| response.status != 401) {
            sessions.log_in(session, &wire, &who);
        }
        Ok(response)
    }

    /// Credentials that go with a request.
    pub(crate) fn login(&self, url: &Url) -> Option<Credentials> {
        Credentials::of(url).or_else(|| self.webhook.sessions.login(self.request.session, url))
    }

    /// Cookies that go with it.
    pub(crate) fn cookies(&self, url: &Url) -> Option<String> {
        self.webhook.sessions.cookies(self.request.session, url, now())
    }

    async fn judge(
        &self,
        mut response: Response,
        hop: &Hop,
        record: &mut Exchange,
        overrides: &Overrides,
        may_retry: bool,
    ) -> Verdict {
        exchange::note_head(record, &response);
        if let Some(next) = redirect(&response, hop) {
            return Verdict::Redirect(next);
        }
        let status = response.status;
        let content_type = response.header("content-type").map(str::to_owned);
        let audio =
            content_type.as_deref().is_some_and(|it| it.trim_start().to_ascii_lowercase().starts_with("audio/"));
        let good = (200..300).contains(&status);
        // Audio is played by its URL: its body would be fetched for nothing.
        let (body, cut) = if good && audio { (Bytes::new(), None) } else { read(&mut response).await };
        exchange::note_body(record, &body);
        if !good {
            let failure = self.bad_status(status, &record.url);
            let again = may_retry && overrides.policy.takes_status(status);
            return if again { Verdict::Retry(failure) } else { Verdict::Failed(failure) };
        }
        let url = response.url.to_string();
        match (self.request.purpose, cut) {
            // A notice is delivered with the head of its answer.
            (Purpose::Callback, _) => Verdict::Done(Page { url, content_type, body }),
            (Purpose::Document, Some(fault)) => {
                let again = may_retry && overrides.policy.takes_fault(&fault);
                let failure = whole_total(fault, overrides).into();
                if again { Verdict::Retry(failure) } else { Verdict::Failed(failure) }
            }
            (Purpose::Document, None) if body.is_empty() && !audio => {
                let text =
                    format!("{url} answered {status} with an empty body; answer a document, <Response/> ends the call");
                Verdict::Failed(Failure { code: EMPTY, text, passing: false })
            }
            (Purpose::Document, None) => {
                self.keep(hop, &response, &body).await;
                Verdict::Done(Page { url, content_type, body })
            }
        }
    }

    fn bad_status(&self, status: u16, url: &str) -> Failure {
        let remedy = match status {
            300..=399 => "it names no place to go on to: send Location with a redirect",
            401 => "put user and password into the URL, https://user:password@host/, or correct them",
            403 => "does the application refuse the signature? It needs this account's token and the URL as sent",
            404 | 410 => "correct the path in the URL",
            405 => "use the other method, GET or POST",
            400..=499 => "see the body of the answer",
            _ => "see the application's log",
        };
        let code = match self.request.purpose {
            Purpose::Document => FETCH_FAILED,
            Purpose::Callback => CALLBACK_FAILED,
        };
        let passing = matches!(status, 500 | 502..=504);
        Failure { code, text: format!("{url} answered {status}; {remedy}"), passing }
    }
}

/// What an answer means.
enum Verdict {
    Done(Page),
    Failed(Failure),
    Redirect(Hop),
    Retry(Failure),
}

/// The next hop, if the answer is a redirect to somewhere. As browsers do: 301, 302 and 303 make a GET without form.
fn redirect(response: &Response, hop: &Hop) -> Option<Hop> {
    let keeps = match response.status {
        301..=303 => false,
        307 | 308 => true,
        _ => return None,
    };
    let url = redacted(&hop.url).join(response.header("location")?).ok()?;
    let (method, params) = if keeps { (hop.method, hop.params.clone()) } else { (Method::Get, Vec::new()) };
    let name = (method == Method::Get).then(|| url.clone());
    Some(Hop { url, method, params, name })
}

/// Parameters behind what the URL has already: appended as text, so that what was there stays byte for byte.
fn with_query(mut url: Url, params: &[(String, String)]) -> Url {
    let pairs = exchange::form(params);
    match url.query() {
        _ if params.is_empty() => {}
        Some(query) if !query.is_empty() => {
            let query = format!("{query}&{pairs}");
            url.set_query(Some(&query));
        }
        _ => url.set_query(Some(&pairs)),
    }
    url
}

/// The body as far as it came, and what ended it early.
async fn read(response: &mut Response) -> (Bytes, Option<Fault>) {
    let mut whole = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(piece)) => whole.extend_from_slice(&piece),
            Ok(None) => return (whole.into(), None),
            Err(fault) => return (whole.into(), Some(fault)),
        }
    }
}

/// A hop's total time is what the hops before it have left; the limit that people know is the whole.
fn whole_total(fault: Fault, overrides: &Overrides) -> Fault {
    match fault {
        Fault::TotalTime { place, .. } => Fault::TotalTime { place, limit_ms: overrides.total_ms },
        other => other,
    }
}

fn too_many(next: &Hop) -> Failure {
    let text = format!("more than {MAX_REDIRECTS} redirects, the last to {}; {ANSWER_ITSELF}", redacted(&next.url));
    Failure { code: TOO_MANY_REDIRECTS, text, passing: false }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        let passing = matches!(fault.stage(), Stage::Connect | Stage::Answer | Stage::Total);
        Self { code: Code(fault.code()), text: fault.to_string(), passing }
    }
}

/// A URL for the log: its query may hold what a caller has keyed in.
fn shown(url: &str) -> &str {
    url.split('?').next().unwrap_or_default()
}

fn elapsed_ms(begun: Instant) -> u32 {
    u32::try_from(begun.elapsed().as_millis()).unwrap_or(u32::MAX)
}

/// Seconds since 1970, for cookies.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |it| it.as_secs());
    i64::try_from(since).unwrap_or(i64::MAX)
}

/// What application servers have learned to expect.
const USER_AGENT: &str = "TwilioProxy/1.1";
const FORM: &str = "application/x-www-form-urlencoded; charset=UTF-8";
/// Redirects followed: a chain of more is a loop.
const MAX_REDIRECTS: u8 = 10;
/// Largest document: hundreds of verbs, and no file by mistake.
const MAX_DOCUMENT: usize = 64 * 1024;
const ANSWER_ITSELF: &str = "let the application answer itself";
const MALFORMED: Code = Code(11100);
const FETCH_FAILED: Code = Code(11200);
const TOO_MANY_REDIRECTS: Code = Code(11215);
const EMPTY: Code = Code(11770);
const CALLBACK_FAILED: Code = Code(15003);
