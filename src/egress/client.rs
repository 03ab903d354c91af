//! The client: resolve, check, connect to what was checked, send, answer a challenge. No redirects, no cookies.

use std::fmt;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http_body_util::Full;
use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_LENGTH, HOST, HeaderMap, HeaderName, HeaderValue,
    TRANSFER_ENCODING, USER_AGENT,
};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tipring_guard::Destinations;
use tokio::time::Instant;
use url::{Host, Url};

use crate::auth;
use crate::connect::{CheckedOnly, Phase, Trip, WatchLayer};
use crate::fault::{Fault, Stage};
use crate::names::Names;
use crate::plain::{IDLE, MAX_IDLE, Plain};
use crate::request::{Method, Request};
use crate::response::{Inner, Response};
use crate::secret::{self, Credentials};

/// What a client is built from.
#[derive(Debug, Clone)]
pub struct Config {
    /// CAs beside the system's, as PEM; a file may hold several.
    pub extra_ca_pems: Vec<Vec<u8>>,
    /// Skip the verification of certificates. Off; an account that needs it has a client of its own.
    pub insecure: bool,
    /// Where requests may go.
    pub destinations: Destinations,
    /// `User-Agent` of requests that bring none.
    pub user_agent: String,
    /// Names that lead to an address whatever the name server says; its port stands in for a URL without one. The
    /// address is checked like any other.
    pub hosts: Vec<(String, SocketAddr)>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            extra_ca_pems: Vec::new(),
            insecure: false,
            destinations: Destinations::open(),
            user_agent: concat!("tipring/", env!("CARGO_PKG_VERSION")).to_owned(),
            hosts: Vec::new(),
        }
    }
}

/// The HTTP client. Cheap to clone; clones share connections.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    plain: Plain,
    user_agent: HeaderValue,
    pub(crate) destinations: Arc<Destinations>,
    names: Names,
    hosts: Arc<[(String, SocketAddr)]>,
    pub(crate) extra_ca_pems: Arc<[Vec<u8>]>,
    /// For bare connections.
    pub(crate) tls: Arc<OnceLock<Arc<rustls::ClientConfig>>>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("destinations", &self.destinations).finish_non_exhaustive()
    }
}

impl Client {
    /// Builds a client. Installs the TLS provider if nobody has.
    pub fn new(config: Config) -> Result<Self, Fault> {
        crate::install_provider();
        let extra = authorities(&config.extra_ca_pems)?;
        let http = match builder(&config)?.tls_certs_merge(extra.clone()).build() {
            Ok(http) => http,
            // A box without system CAs still speaks http, and https with its own CAs.
            Err(error) => {
                tracing::warn!(%error, "no CAs from the system; https is limited to the {} installed here", extra.len());
                let alone = builder(&config)?.tls_certs_only(extra).build();
                alone.map_err(|error| Fault::Config { what: error.to_string() })?
            }
        };
        let (plain, user_agent) = (Plain::default(), user_agent(&config)?);
        Ok(Self {
            http,
            plain,
            user_agent,
            destinations: Arc::new(config.destinations),
            names: Names::new(),
            hosts: config.hosts.into(),
            extra_ca_pems: config.extra_ca_pems.into(),
            tls: Arc::default(),
        })
    }

    /// Sends a request and returns the head of the answer, whatever its status; redirects are the caller's.
    ///
    /// Failures to connect are tried again up to `limits.attempts` attempts; a 401 is answered once, if the URL has
    /// credentials (twice if the server calls the nonce stale).
    pub async fn send(&self, request: Request) -> Result<Response, Fault> {
        let total_by = Instant::now() + ms(request.limits.total_ms);
        let who = Credentials::of(&request.url);
        let journey = Journey { client: self, url: secret::redacted(&request.url), request: &request, total_by };
        if !request.url.has_host() {
            return Err(Fault::Malformed {
                place: journey.place(),
                what: "write http://host/ or https://host/".to_owned(),
            });
        }
        self.destinations
            .check(&journey.url)
            .map_err(|refusal| Fault::Forbidden { place: journey.place(), refusal })?;
        let headers = journey.headers()?;
        let mut response = journey.connected(headers.clone()).await?;
        let Some(who) = who else { return Ok(response) };
        for answers in 0..MAX_CHALLENGE_ANSWERS {
            if response.status != 401 {
                break;
            }
            let Some(challenge) = auth::best(response.headers_named("www-authenticate")) else {
                break;
            };
            if answers > 0 && !challenge.is_stale() {
                break;
            }
            let method = request.method.as_str();
            let answer = auth::answer(&challenge, &who, method, &target(&journey.url), &fresh_nonce()?);
            let Some(mut value) = answer.and_then(|it| HeaderValue::from_bytes(it.as_bytes()).ok()) else {
                break;
            };
            value.set_sensitive(true);
            let mut headers = headers.clone();
            headers.insert(AUTHORIZATION, value);
            response = journey.connected(headers).await?;
        }
        Ok(response)
    }

    /// The checked addresses of a URL's host.
    pub(crate) async fn addresses(&self, url: &Url, by: Instant) -> Result<Vec<SocketAddr>, Fault> {
        let place = || secret::place(url);
        let port = url.port_or_known_default().unwrap_or(0);
        let (found, host) = match url.host() {
            Some(Host::Ipv4(ip)) => (vec![SocketAddr::new(ip.into(), port)], ip.to_string()),
            Some(Host::Ipv6(ip)) => (vec![SocketAddr::new(ip.into(), port)], ip.to_string()),
            Some(Host::Domain(name)) => {
                let fixed = self.hosts.iter().find(|(host, _)| host == name);
                let found = match fixed {
                    // A port in the URL wins, here as in the connector: what is checked is what is dialled.
                    Some((_, addr)) => Ok(vec![SocketAddr::new(addr.ip(), url.port().unwrap_or(addr.port()))]),
                    None => self.names.look_up(name, port, by).await,
                };
                let found = found.map_err(|cause| Fault::HostUnknown { place: place(), cause })?;
                (found, name.to_owned())
            }
            None => {
                return Err(Fault::Malformed { place: place(), what: "no host".to_owned() });
            }
        };
        let mut refused = None;
        let mut passed = Vec::new();
        for addr in found {
            match self.destinations.check_addr(addr, &host) {
                Ok(()) => passed.push(addr),
                Err(refusal) => refused = Some(refusal),
            }
        }
        match (passed.is_empty(), refused) {
            (false, _) => Ok(passed),
            (true, Some(refusal)) => Err(Fault::Forbidden { place: place(), refusal }),
            (true, None) => Err(Fault::HostUnknown { place: place(), cause: "no address".to_owned() }),
        }
    }
}

/// The CAs of these files, each one tried so that a bad one is named by its number.
fn authorities(pems: &[Vec<u8>]) -> Result<Vec<reqwest::Certificate>, Fault> {
    let mut found = Vec::new();
    for (index, pem) in pems.iter().enumerate() {
        let bad = |why: String| Fault::Config {
            what: format!("CA file {}: {why}; a PEM certificate is expected", index + 1),
        };
        let before = found.len();
        for der in CertificateDer::pem_slice_iter(pem) {
            let der = der.map_err(|it| bad(it.to_string()))?;
            RootCertStore::empty().add(der.clone()).map_err(|it| bad(it.to_string()))?;
            found.push(reqwest::Certificate::from_der(&der).map_err(|it| bad(it.to_string()))?);
        }
        if found.len() == before {
            return Err(bad("no certificate in it".to_owned()));
        }
    }
    Ok(found)
}

fn user_agent(config: &Config) -> Result<HeaderValue, Fault> {
    HeaderValue::from_str(&config.user_agent)
        .map_err(|_| Fault::Config { what: "the user agent has characters that no header can carry".to_owned() })
}

fn builder(config: &Config) -> Result<reqwest::ClientBuilder, Fault> {
    Ok(reqwest::Client::builder()
        .user_agent(user_agent(config)?)
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        // A proxy from the environment would connect for us, unchecked.
        .no_proxy()
        .retry(reqwest::retry::never())
        .http1_only()
        .http1_title_case_headers()
        .gzip(true)
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(MAX_IDLE)
        .tcp_nodelay(true)
        .dns_resolver(CheckedOnly)
        .connector_layer(WatchLayer)
        .tls_danger_accept_invalid_certs(config.insecure))
}

/// One request on its way.
struct Journey<'a> {
    client: &'a Client,
    request: &'a Request,
    /// The URL without credentials and fragment.
    url: Url,
    total_by: Instant,
}

impl Journey<'_> {
    fn place(&self) -> String {
        secret::place(&self.url)
    }

    fn headers(&self) -> Result<HeaderMap, Fault> {
        let malformed =
            |name: &str, why: &str| Fault::Malformed { place: self.place(), what: format!("header {name:?} {why}") };
        let mut headers = HeaderMap::new();
        for (name, value) in &self.request.headers {
            let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| malformed(name, "is no header name"))?;
            if [HOST, CONTENT_LENGTH, TRANSFER_ENCODING].contains(&key) {
                return Err(malformed(name, "is set by the client itself"));
            }
            let value = HeaderValue::from_bytes(value.as_bytes())
                .map_err(|_| malformed(name, "has characters that no header can carry"))?;
            headers.try_append(key, value).map_err(|_| malformed(name, "is one too many"))?;
        }
        Ok(headers)
    }

    /// Connects, up to the allowed attempts, and sends once.
    async fn connected(&self, headers: HeaderMap) -> Result<Response, Fault> {
        let mut attempt = 1;
        loop {
            match self.attempt(&headers).await {
                Err(fault) if fault.stage() == Stage::Connect && attempt < self.request.limits.attempts => {
                    if Instant::now() >= self.total_by {
                        return Err(fault);
                    }
                    tracing::debug!(%fault, attempt, "trying to connect again");
                    attempt += 1;
                }
                done => return done,
            }
        }
    }

    async fn attempt(&self, headers: &HeaderMap) -> Result<Response, Fault> {
        let limits = self.request.limits;
        let connect_by = (Instant::now() + ms(limits.connect_ms)).min(self.total_by);
        let addrs = self.client.addresses(&self.url, connect_by).await.map_err(|it| self.or_total(it))?;
        let mut repeats = 0;
        loop {
            let trip = Trip::new(addrs.clone(), connect_by);
            let sent = self.sent(&trip, headers.clone()).await;
            match sent {
                Ok(inner) => return Ok(Response::new(inner, &self.url, limits, self.total_by)),
                // The server closed an idle connection while the request was under way: like browsers, repeat it.
                Err(Fault::Broken { .. }) if trip.phase() == Phase::Reusing && repeats < MAX_IDLE => repeats += 1,
                Err(fault) => {
                    if let (Stage::Connect, Some(Host::Domain(name))) = (fault.stage(), self.url.host()) {
                        self.client.names.doubt(name, self.url.port_or_known_default().unwrap_or(0));
                    }
                    return Err(self.or_total(fault));
                }
            }
        }
    }

    /// Sends over TLS, the library's way.
    async fn over_tls(&self, trip: &Arc<Trip>, headers: HeaderMap) -> Result<Inner, Fault> {
        let limits = self.request.limits;
        let mut request = self.client.http.request(method(self.request.method), self.url.clone()).headers(headers);
        if !self.request.body.is_empty() {
            request = request.body(self.request.body.clone());
        } else if matches!(self.request.method, Method::Post | Method::Put) {
            // The library sends nothing here, and some servers answer 411 to that.
            request = request.header(CONTENT_LENGTH, 0);
        }
        let read = |it: reqwest::Error| Fault::read(&it, &self.url, limits.connect_ms);
        let request = request.build().map_err(read)?;
        let sent = trip.run(self.client.http.execute(request)).await;
        sent.map(|it| Inner::Library(Box::new(it))).map_err(read)
    }

    /// Sends without TLS.
    async fn plainly(&self, trip: &Arc<Trip>, mut headers: HeaderMap) -> Result<Inner, Fault> {
        let malformed = |what: String| Fault::Malformed { place: self.place(), what };
        let host = match (self.url.host_str().unwrap_or_default(), self.url.port()) {
            (host, Some(port)) => HeaderValue::from_str(&format!("{host}:{port}")),
            (host, None) => HeaderValue::from_str(host),
        };
        headers.insert(HOST, host.map_err(|_| malformed("a host that no header can carry".to_owned()))?);
        headers.entry(USER_AGENT).or_insert_with(|| self.client.user_agent.clone());
        headers.entry(ACCEPT).or_insert(HeaderValue::from_static("*/*"));
        headers.entry(ACCEPT_ENCODING).or_insert(HeaderValue::from_static("gzip"));
        if self.request.body.is_empty() && matches!(self.request.method, Method::Post | Method::Put) {
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        let target = hyper::Uri::try_from(target(&self.url)).map_err(|error| malformed(error.to_string()))?;
        let mut request = hyper::Request::new(Full::new(self.request.body.clone()));
        *request.method_mut() = method(self.request.method);
        *request.uri_mut() = target;
        *request.headers_mut() = headers;
        let sent = self.client.plain.send(trip, &self.url, request, self.request.limits.connect_ms).await;
        sent.map(|it| Inner::Plain(Box::new(it)))
    }

    /// Sends, watching the limit of the phase that the trip is in.
    async fn sent(&self, trip: &Arc<Trip>, headers: HeaderMap) -> Result<Inner, Fault> {
        let limits = self.request.limits;
        let begun = Instant::now();
        let mut answer = pin!(async {
            if self.url.scheme() == "http" {
                self.plainly(trip, headers).await
            } else {
                self.over_tls(trip, headers).await
            }
        });
        loop {
            let phase = trip.phase();
            let phase_by = match phase {
                Phase::Reusing => begun + ms(limits.first_byte_ms),
                // The connector watches its own limit.
                Phase::Connecting => self.total_by,
                Phase::Connected(at) => at + ms(limits.first_byte_ms),
            };
            match tokio::time::timeout_at(phase_by.min(self.total_by), &mut answer).await {
                Ok(done) => return done,
                Err(_) if Instant::now() >= self.total_by => return Err(self.total_time()),
                Err(_) if trip.phase() != phase => {}
                Err(_) => {
                    return Err(Fault::NoAnswer { place: self.place(), limit_ms: limits.first_byte_ms });
                }
            }
        }
    }

    fn total_time(&self) -> Fault {
        Fault::TotalTime { place: self.place(), limit_ms: self.request.limits.total_ms }
    }

    /// A phase that ended because all time was used up ended for that reason.
    fn or_total(&self, fault: Fault) -> Fault {
        let timed_out =
            matches!(fault, Fault::ConnectTimeout { .. } | Fault::HostUnknown { .. } | Fault::NoAnswer { .. });
        if timed_out && Instant::now() >= self.total_by { self.total_time() } else { fault }
    }
}

fn method(method: Method) -> reqwest::Method {
    match method {
        Method::Get => reqwest::Method::GET,
        Method::Post => reqwest::Method::POST,
        Method::Head => reqwest::Method::HEAD,
        Method::Put => reqwest::Method::PUT,
        Method::Delete => reqwest::Method::DELETE,
    }
}

/// Path and query as in the request line.
fn target(url: &Url) -> String {
    match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    }
}

fn fresh_nonce() -> Result<String, Fault> {
    let mut bytes = [0; 16];
    let random = rustls::crypto::ring::default_provider().secure_random;
    random.fill(&mut bytes).map_err(|_| Fault::Config { what: "the system gives no random numbers".to_owned() })?;
    Ok(auth::hex(&bytes))
}

fn ms(value: u32) -> Duration {
    Duration::from_millis(value.into())
}

/// The answer to a challenge, and one more if its nonce was stale.
const MAX_CHALLENGE_ANSWERS: usize = 2;
