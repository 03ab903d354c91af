//! Why a request got no answer. Each fault says where, what, and what would help; none shows credentials or the query.
//! Codes are those of the TwiML dialect, so that alerts read as its users know them.

use std::error::Error as StdError;
use std::io;

use rustls::CertificateError;
use tipring_guard::Refusal;
use url::Url;

use crate::connect::{ConnectTimeout, Unchecked};
use crate::secret;

/// A request that got no (whole) answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The client cannot be built from its configuration.
    #[error("HTTP client: {what}")]
    Config {
        /// What is wrong and where.
        what: String,
    },
    /// The request cannot be put on the wire.
    #[error("{place}: {what}")]
    Malformed {
        /// Where the request would have gone.
        place: String,
        /// What is wrong with it.
        what: String,
    },
    /// The guard refused the destination.
    #[error("{place}: destination refused: {refusal}")]
    Forbidden {
        /// Where the request would have gone.
        place: String,
        /// Why.
        refusal: Refusal,
    },
    /// The name has no address.
    #[error("{place}: host name not found ({cause}); check the spelling and this box's name server")]
    HostUnknown {
        /// Where the request would have gone.
        place: String,
        /// The resolver's words.
        cause: String,
    },
    /// No connection in time.
    #[error("{place}: no connection within {limit_ms} ms; is the server up and reachable from this box's network?")]
    ConnectTimeout {
        /// Where the request went.
        place: String,
        /// The limit that ran out.
        limit_ms: u32,
    },
    /// The port answered "nobody here".
    #[error("{place}: connection refused; is the application server running, and on this port?")]
    ConnectRefused {
        /// Where the request went.
        place: String,
    },
    /// No connection for another reason.
    #[error("{place}: no connection: {cause}; check route, firewall and port")]
    ConnectFailed {
        /// Where the request went.
        place: String,
        /// The system's words.
        cause: String,
    },
    /// The far end speaks something else.
    #[error("{place}: the answer is not HTTP ({cause}); does another service own this port, or does it want https?")]
    NotHttp {
        /// Where the request went.
        place: String,
        /// The parser's words.
        cause: String,
    },
    /// TLS did not come about.
    #[error("{place}: TLS handshake failed: {cause}; does this port speak TLS 1.2 or 1.3?")]
    TlsHandshake {
        /// Where the request went.
        place: String,
        /// The TLS library's words.
        cause: String,
    },
    /// The certificate is another host's.
    #[error("{place}: the certificate is for another name ({cause}); use the name it was issued for")]
    TlsName {
        /// Where the request went.
        place: String,
        /// The TLS library's words.
        cause: String,
    },
    /// The certificate's dates don't fit.
    #[error("{place}: certificate expired or not valid yet ({cause}); renew it, and check this box's clock")]
    TlsExpired {
        /// Where the request went.
        place: String,
        /// The TLS library's words.
        cause: String,
    },
    /// Nobody trusted has signed the certificate.
    #[error(
        "{place}: the certificate's chain leads to no trusted CA ({cause}); install its CA on this box, or send the intermediates"
    )]
    TlsChain {
        /// Where the request went.
        place: String,
        /// The TLS library's words.
        cause: String,
    },
    /// Connected, but no answer in time.
    #[error("{place}: connected, but no answer within {limit_ms} ms; the application is too slow or hangs")]
    NoAnswer {
        /// Where the request went.
        place: String,
        /// The limit that ran out.
        limit_ms: u32,
    },
    /// The body stopped half-way.
    #[error("{place}: the answer stopped for more than {limit_ms} ms")]
    Stalled {
        /// Where the request went.
        place: String,
        /// The limit that ran out.
        limit_ms: u32,
    },
    /// The total time ran out.
    #[error("{place}: not done within {limit_ms} ms in all")]
    TotalTime {
        /// Where the request went.
        place: String,
        /// The limit that ran out.
        limit_ms: u32,
    },
    /// The connection broke before or within the answer.
    #[error("{place}: the connection broke before the answer was whole: {cause}")]
    Broken {
        /// Where the request went.
        place: String,
        /// The system's words.
        cause: String,
    },
    /// More body than allowed.
    #[error("{place}: the answer has more than {limit_bytes} bytes")]
    BodyTooLarge {
        /// Where the request went.
        place: String,
        /// The limit.
        limit_bytes: usize,
    },
}

/// How far a request came. What may be tried again depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Nothing was tried: the request or its destination is wrong.
    Before,
    /// No connection: the server has seen nothing and another attempt may help.
    Connect,
    /// No trust, or no TLS: another attempt changes nothing.
    Trust,
    /// Connected, and the answer did not begin in time or broke: the server may have acted.
    Answer,
    /// All time is used up.
    Total,
}

impl Fault {
    /// The code for alerts and `ErrorCode`.
    pub fn code(&self) -> u32 {
        match self {
            Self::Malformed { .. } => 11100,
            Self::ConnectTimeout { .. } => 11201,
            Self::ConnectRefused { .. } => 11202,
            Self::TotalTime { .. } => 11203,
            Self::Forbidden { .. } | Self::ConnectFailed { .. } => 11205,
            Self::NotHttp { .. } => 11206,
            Self::HostUnknown { .. } => 11210,
            Self::TlsHandshake { .. } => 11220,
            Self::TlsName { .. } => 11235,
            Self::TlsExpired { .. } => 11236,
            Self::TlsChain { .. } => 11237,
            Self::BodyTooLarge { .. } => 11750,
            Self::Config { .. } | Self::NoAnswer { .. } | Self::Stalled { .. } | Self::Broken { .. } => 11200,
        }
    }

    /// How far the request came.
    pub fn stage(&self) -> Stage {
        match self {
            Self::Config { .. } | Self::Malformed { .. } | Self::Forbidden { .. } => Stage::Before,
            Self::HostUnknown { .. }
            | Self::ConnectTimeout { .. }
            | Self::ConnectRefused { .. }
            | Self::ConnectFailed { .. } => Stage::Connect,
            Self::TlsHandshake { .. } | Self::TlsName { .. } | Self::TlsExpired { .. } | Self::TlsChain { .. } => {
                Stage::Trust
            }
            Self::NotHttp { .. }
            | Self::NoAnswer { .. }
            | Self::Stalled { .. }
            | Self::Broken { .. }
            | Self::BodyTooLarge { .. } => Stage::Answer,
            Self::TotalTime { .. } => Stage::Total,
        }
    }

    /// Reads an error of the HTTP library. `connect_ms` is the limit that a connect timeout ran into.
    pub(crate) fn read(error: &reqwest::Error, url: &Url, connect_ms: u32) -> Self {
        let place = secret::place(url);
        let causes = causes(error);
        let cause = causes.last().map(|it| clean(&it.to_string())).unwrap_or_else(|| clean(&error.to_string()));
        for it in &causes {
            if it.is::<ConnectTimeout>() {
                return Self::ConnectTimeout { place, limit_ms: connect_ms };
            }
            if it.is::<Unchecked>() {
                return Self::ConnectFailed { place, cause };
            }
            if let Some(tls) = it.downcast_ref::<rustls::Error>() {
                return Self::tls(tls, place);
            }
        }
        // The innermost is the system's own.
        let io = causes.iter().rev().find_map(|it| it.downcast_ref::<io::Error>());
        if error.is_connect() {
            return match io.map(io::Error::kind) {
                Some(io::ErrorKind::ConnectionRefused) => Self::ConnectRefused { place },
                Some(io::ErrorKind::TimedOut) => Self::ConnectTimeout { place, limit_ms: connect_ms },
                _ if url.scheme() == "https" && io.is_some_and(is_broken) => Self::TlsHandshake { place, cause },
                _ => Self::ConnectFailed { place, cause },
            };
        }
        if error.is_builder() {
            return Self::Malformed { place, what: cause };
        }
        let http = causes.iter().find_map(|it| it.downcast_ref::<hyper::Error>());
        match http.is_some_and(hyper::Error::is_parse) {
            true => Self::NotHttp { place, cause },
            false => Self::Broken { place, cause },
        }
    }

    /// Reads an error of the HTTP library that ended a body.
    pub(crate) fn read_body(error: &reqwest::Error, url: &Url) -> Self {
        let cause = causes(error).last().map_or_else(|| error.to_string(), |it| it.to_string());
        Self::Broken { place: secret::place(url), cause: clean(&cause) }
    }

    /// Reads an error of a plain connection before or at the answer's head.
    pub(crate) fn of_hyper(error: &hyper::Error, url: &Url) -> Self {
        let (place, cause) = (secret::place(url), innermost(error));
        if error.is_parse() { Self::NotHttp { place, cause } } else { Self::Broken { place, cause } }
    }

    /// Reads an error of a plain connection that ended a body.
    pub(crate) fn of_hyper_body(error: &hyper::Error, url: &Url) -> Self {
        Self::Broken { place: secret::place(url), cause: innermost(error) }
    }

    /// Reads why a plain connection did not come about. `connect_ms` is the limit that a timeout ran into.
    pub(crate) fn of_connect(error: &io::Error, place: String, connect_ms: u32) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Self::ConnectRefused { place },
            io::ErrorKind::TimedOut => Self::ConnectTimeout { place, limit_ms: connect_ms },
            _ => Self::ConnectFailed { place, cause: clean(&error.to_string()) },
        }
    }

    /// Reads why a TLS handshake of a bare connection failed.
    pub(crate) fn of_tls(error: &io::Error, place: String) -> Self {
        match error.get_ref().and_then(|it| it.downcast_ref::<rustls::Error>()) {
            Some(tls) => Self::tls(tls, place),
            None => Self::TlsHandshake { place, cause: clean(&error.to_string()) },
        }
    }

    fn tls(error: &rustls::Error, place: String) -> Self {
        let cause = clean(&error.to_string());
        let rustls::Error::InvalidCertificate(why) = error else {
            return Self::TlsHandshake { place, cause };
        };
        match why {
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                Self::TlsName { place, cause }
            }
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => Self::TlsExpired { place, cause },
            _ => Self::TlsChain { place, cause },
        }
    }
}

/// The chain of causes, with what an `io::Error` wraps (which its own `source` leaves out).
fn causes<'a>(error: &'a (dyn StdError + 'static)) -> Vec<&'a (dyn StdError + 'static)> {
    let mut found: Vec<&'a (dyn StdError + 'static)> = Vec::new();
    let mut next = error.source();
    while let Some(it) = next.filter(|_| found.len() < MAX_CAUSES) {
        found.push(it);
        next = match it.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => it.source(),
        };
    }
    found
}

/// The words of the innermost cause.
fn innermost(error: &(dyn StdError + 'static)) -> String {
    clean(&causes(error).last().map_or_else(|| error.to_string(), |it| it.to_string()))
}

fn is_broken(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, InvalidData, UnexpectedEof};
    matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | InvalidData | UnexpectedEof)
}

/// Foreign words on one line and of bounded length: parts of them may come from the far end.
fn clean(text: &str) -> String {
    text.chars().map(|it| if it.is_control() { ' ' } else { it }).take(MAX_CAUSE_CHARS).collect()
}

/// Causes followed downwards; real chains have about six.
const MAX_CAUSES: usize = 16;
/// Length of a foreign text inside ours: a line or two.
const MAX_CAUSE_CHARS: usize = 200;
