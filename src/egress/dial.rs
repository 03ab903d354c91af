//! A bare connection, for what is no request and answer: a WebSocket, a message gateway. The same rules as for requests:
//! checked destinations, names, CAs and a limit on connecting. What is spoken over it is the caller's.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls_platform_verifier::Verifier;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use url::{Host, Url};

use crate::client::Client;
use crate::connect::Trip;
use crate::fault::{Fault, Stage};
use crate::plain::first_of;
use crate::request::Limits;
use crate::secret;

/// A connection that is up.
#[derive(Debug)]
pub struct Connection(Kind);

#[derive(Debug)]
enum Kind {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Client {
    /// Connects to the host of an `http` or `https` URL, with TLS for the latter; the URL's path is not looked at.
    /// Tried again as a request is.
    pub async fn dial(&self, url: &Url, limits: Limits) -> Result<Connection, Fault> {
        let place = || secret::place(url);
        if !url.has_host() {
            return Err(Fault::Malformed { place: place(), what: "write a host into the URL".to_owned() });
        }
        let allowed = self.destinations.check(url);
        allowed.map_err(|refusal| Fault::Forbidden { place: place(), refusal })?;
        let mut attempt = 1;
        loop {
            match self.dial_once(url, limits).await {
                Err(fault) if fault.stage() == Stage::Connect && attempt < limits.attempts => attempt += 1,
                done => return done,
            }
        }
    }

    async fn dial_once(&self, url: &Url, limits: Limits) -> Result<Connection, Fault> {
        let place = || secret::place(url);
        let late = || Fault::ConnectTimeout { place: place(), limit_ms: limits.connect_ms };
        let by = Instant::now() + Duration::from_millis(limits.connect_ms.into());
        let trip = Trip::new(self.addresses(url, by).await?, by);
        let stream = match tokio::time::timeout_at(by, first_of(&trip)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Err(Fault::of_connect(&error, place(), limits.connect_ms)),
            Err(_) => return Err(late()),
        };
        let _ = stream.set_nodelay(true);
        if url.scheme() == "http" {
            return Ok(Connection(Kind::Plain(stream)));
        }
        let connecting = TlsConnector::from(self.tls()?).connect(server_name(url)?, stream);
        match tokio::time::timeout_at(by, connecting).await {
            Ok(Ok(stream)) => Ok(Connection(Kind::Tls(Box::new(stream)))),
            Ok(Err(error)) => Err(Fault::of_tls(&error, place())),
            Err(_) => Err(late()),
        }
    }

    /// How TLS is spoken: made at its first use.
    fn tls(&self) -> Result<Arc<rustls::ClientConfig>, Fault> {
        if let Some(made) = self.tls.get() {
            return Ok(made.clone());
        }
        let made = Arc::new(tls_config(&self.extra_ca_pems)?);
        Ok(self.tls.get_or_init(|| made).clone())
    }
}

fn tls_config(extra: &[Vec<u8>]) -> Result<rustls::ClientConfig, Fault> {
    let refused = |what: String| Fault::Config { what };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let extra: Vec<CertificateDer<'static>> =
        extra.iter().flat_map(|pem| CertificateDer::pem_slice_iter(pem).flatten()).collect();
    let builder = rustls::ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| refused(error.to_string()))?;
    match Verifier::new_with_extra_roots(extra.clone(), provider) {
        Ok(verifier) => {
            Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth())
        }
        // A box without system CAs still has its own, as for requests.
        Err(error) => {
            tracing::warn!(%error, "no CAs from the system; TLS is limited to the {} installed here", extra.len());
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(extra);
            Ok(builder.with_root_certificates(roots).with_no_client_auth())
        }
    }
}

fn server_name(url: &Url) -> Result<ServerName<'static>, Fault> {
    let name = match url.host() {
        Some(Host::Domain(name)) => ServerName::try_from(name.to_owned()).ok(),
        Some(Host::Ipv4(ip)) => Some(ServerName::IpAddress(std::net::IpAddr::from(ip).into())),
        Some(Host::Ipv6(ip)) => Some(ServerName::IpAddress(std::net::IpAddr::from(ip).into())),
        None => None,
    };
    name.ok_or_else(|| Fault::Malformed { place: secret::place(url), what: "no name for a certificate".to_owned() })
}

impl AsyncRead for Connection {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().0 {
            Kind::Plain(stream) => Pin::new(stream).poll_read(cx, into),
            Kind::Tls(stream) => Pin::new(stream).poll_read(cx, into),
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().0 {
            Kind::Plain(stream) => Pin::new(stream).poll_write(cx, octets),
            Kind::Tls(stream) => Pin::new(stream).poll_write(cx, octets),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().0 {
            Kind::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Kind::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().0 {
            Kind::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Kind::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
