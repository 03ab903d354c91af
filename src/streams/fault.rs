//! Why a stream could not be opened, or broke. Codes are those of the dialect.

use tipring_egress::Fault as Egress;

/// Why a stream is over that was not closed in order.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The URL is none that a stream can have; without its credentials.
    #[error("{0:?} is no URL of a stream; write wss://host/path")]
    Url(String),
    /// Neither `ws` nor `wss`.
    #[error("scheme {0:?} is no scheme of a stream; use wss, or ws inside the own network")]
    Scheme(String),
    /// No connection.
    #[error("{0}")]
    Connect(Egress),
    /// The server did not take the upgrade in time.
    #[error("{place}: connected, but no answer to the upgrade within {limit_ms} ms")]
    Slow {
        /// Where.
        place: String,
        /// The limit that ran out.
        limit_ms: u32,
    },
    /// The server answered something else than 101.
    #[error("{place}: the upgrade was not taken: {cause}; answer 101 with the WebSocket's headers")]
    Handshake {
        /// Where.
        place: String,
        /// In words.
        cause: String,
    },
    /// The connection ended without a close.
    #[error("the connection broke: {0}")]
    Broken(String),
    /// The server breaks the rules of WebSockets.
    #[error("the server broke the protocol: {0}; send text frames with JSON")]
    Protocol(String),
    /// It does not take what is sent.
    #[error("the server reads too slowly: {0} ms of sound wait for it")]
    Slack(u32),
}

impl Fault {
    /// The code for notifications.
    pub fn code(&self) -> u32 {
        match self {
            Fault::Url(_) => 31923,
            Fault::Scheme(_) => 31922,
            Fault::Connect(fault) => of_connect(fault),
            Fault::Slow { .. } => 31901,
            Fault::Handshake { .. } => 31920,
            Fault::Broken(_) => 31921,
            Fault::Protocol(_) => 31924,
            Fault::Slack(_) => 31930,
        }
    }
}

fn of_connect(fault: &Egress) -> u32 {
    match fault {
        Egress::ConnectTimeout { .. } => 31901,
        Egress::ConnectRefused { .. } => 31902,
        Egress::TlsHandshake { .. } | Egress::TlsName { .. } | Egress::TlsExpired { .. } | Egress::TlsChain { .. } => {
            31910
        }
        Egress::Malformed { .. } => 31923,
        _ => 31900,
    }
}
