//! The face at a TCP address: for a media layer on another host. Whoever asks says a word that both hosts know, whatever he
//! asks for; without it he is told so and nothing is done for him. TLS is around it where the caller of this crate puts it.
//!
//! It is no way into a network: what may be fetched is what the layer may fetch for its own host.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use http::header::{AUTHORIZATION, HeaderValue};
use http::{HeaderMap, Request};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ServerConfig};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// A media layer at a TCP address, as who asks knows it.
#[derive(Clone)]
pub struct Remote {
    /// A name or an address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// What both hosts know.
    pub token: String,
    /// TLS to it; `None`: plain HTTP, which is for loopback.
    pub tls: Option<Arc<ClientConfig>>,
}

/// How a media layer is entered at a TCP address.
#[derive(Clone)]
pub struct Entry {
    /// What both hosts know.
    pub token: String,
    /// TLS; `None`: plain HTTP, which is for loopback.
    pub tls: Option<Arc<ServerConfig>>,
}

/// A connection, whatever it is made of.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

impl Remote {
    /// Connects, within a limit of its own: a host that is off answers nothing.
    pub(crate) async fn connect(&self) -> io::Result<Box<dyn Stream>> {
        let connected = tokio::time::timeout(CONNECT_TIME, self.connect_at_leisure()).await;
        connected.unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::TimedOut, "no connection in time")))
    }

    async fn connect_at_leisure(&self) -> io::Result<Box<dyn Stream>> {
        let stream = TcpStream::connect((self.host.trim_matches(['[', ']']), self.port)).await?;
        stream.set_nodelay(true)?;
        let Some(tls) = &self.tls else { return Ok(Box::new(stream)) };
        let name = ServerName::try_from(self.host.trim_matches(['[', ']']).to_owned()).map_err(io::Error::other)?;
        Ok(Box::new(TlsConnector::from(Arc::clone(tls)).connect(name, stream).await?))
    }

    /// Says the word.
    pub(crate) fn introduce<B>(&self, request: &mut Request<B>) {
        if let Ok(mut value) = HeaderValue::from_str(&format!("{BEARER}{}", self.token)) {
            value.set_sensitive(true);
            request.headers_mut().insert(AUTHORIZATION, value);
        }
    }
}

impl Entry {
    /// The handshake, where there is one; `None`: it came to nothing.
    pub(crate) async fn enter(&self, stream: TcpStream) -> Option<Box<dyn Stream>> {
        let _ = stream.set_nodelay(true);
        let Some(tls) = &self.tls else { return Some(Box::new(stream)) };
        match tokio::time::timeout(CONNECT_TIME, TlsAcceptor::from(Arc::clone(tls)).accept(stream)).await {
            Ok(Ok(stream)) => Some(Box::new(stream)),
            Ok(Err(error)) => {
                tracing::debug!(%error, "media: a TLS handshake failed");
                None
            }
            Err(_) => None,
        }
    }

    /// Whether the word was said. It goes no further.
    pub(crate) fn knows(&self, headers: &mut HeaderMap) -> bool {
        let said = headers.remove(AUTHORIZATION);
        let said = said.as_ref().and_then(|it| it.to_str().ok()?.strip_prefix(BEARER));
        // Digests are compared: how long that takes says nothing of the word.
        said.is_some_and(|said| Sha256::digest(said) == Sha256::digest(&self.token))
    }
}

impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}:{}", if self.tls.is_some() { "https" } else { "http" }, self.host, self.port)
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Remote({self})")
    }
}

const BEARER: &str = "Bearer ";
/// A connection in the same building takes milliseconds.
const CONNECT_TIME: Duration = Duration::from_secs(5);
