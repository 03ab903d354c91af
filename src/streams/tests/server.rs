//! A server that is driven by the test: one connection, with or without TLS.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use tipring_card::Law;
use tipring_egress::{Client, Config};
use tipring_streams::{Order, Stream, Talking, Told, Track};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};

/// Longer than anything here takes.
pub const LIMIT: Duration = Duration::from_secs(20);

pub const SID: &str = "MZ00000000000000000000000000000001";

pub struct Server<S> {
    pub socket: WebSocketStream<S>,
    /// Request line's path, and the headers in small letters.
    pub path: String,
    pub headers: Vec<(String, String)>,
}

pub async fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let at = listener.local_addr().expect("an address").to_string();
    (listener, at)
}

impl<S: AsyncRead + AsyncWrite + Unpin> Server<S> {
    #[allow(clippy::result_large_err, reason = "the library's own type")]
    pub async fn take(stream: S) -> Server<S> {
        let (mut path, mut headers) = (String::new(), Vec::new());
        let note = |request: &Request, response: Response| {
            path = request.uri().to_string();
            let all = request.headers().iter();
            headers = all.map(|(name, value)| (name.to_string(), value.to_str().expect("text").to_owned())).collect();
            Ok(response)
        };
        let socket = tokio_tungstenite::accept_hdr_async(stream, note).await.expect("an upgrade");
        Server { socket, path, headers }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str())
    }

    /// The next text, as JSON.
    pub async fn next(&mut self) -> Value {
        loop {
            let next = tokio::time::timeout(LIMIT, self.socket.next()).await.expect("in time");
            match next.expect("a message").expect("whole") {
                Message::Text(text) => return serde_json::from_str(&text).expect("JSON"),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    pub async fn say(&mut self, text: impl Into<String>) {
        self.socket.send(Message::text(text.into())).await.expect("sent");
    }
}

pub fn client() -> Client {
    Client::new(Config::default()).expect("a client")
}

pub fn order(url: String, tracks: &[Track]) -> Order {
    let signature = ("x-twilio-signature", format!("signed {}", Order::signed(&url)));
    let about = Talking {
        stream: SID.into(),
        account: "AC1".into(),
        call: "CA1".into(),
        parameters: vec![("greeting".into(), "hello ☎".into())],
        tracks: tracks.to_vec(),
    };
    Order { url, signature, about }
}

pub fn open(client: Client, order: Order) -> (Stream, mpsc::Receiver<Told>) {
    let (tell, told) = mpsc::channel(64);
    (Stream::open(client, order, tell, |told| told), told)
}

pub const MU: Track = Track { law: Law::Mu, outbound: false };

/// What is told next.
pub async fn next(told: &mut mpsc::Receiver<Told>) -> Told {
    tokio::time::timeout(LIMIT, told.recv()).await.expect("in time").expect("something")
}

/// A certificate of a private CA for `localhost`, and the CA.
pub fn certificate() -> (Arc<rustls::ServerConfig>, Vec<u8>) {
    tipring_egress::install_provider();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
    let config = rustls::ServerConfig::builder().with_no_client_auth();
    let config = config.with_single_cert(vec![made.cert.der().clone()], key).expect("they fit");
    (Arc::new(config), made.cert.pem().into_bytes())
}
