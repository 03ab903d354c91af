//! A box with doors, and clients that trust it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::extract::ConnectInfo;
use axum::http::Uri;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tipring_door::{Bounds, Certificates, Doors, Proxy, Wanted};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Longer than anything here takes.
pub const LIMIT: Duration = Duration::from_secs(20);
/// Bounds that a test can wait for.
pub const SHORT: Duration = Duration::from_millis(300);

/// A folder that is gone afterwards.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Folder {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("tipring-door-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("a folder");
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What the application answers: the URI as it came out of the door.
pub fn app() -> Router {
    let from = |ConnectInfo(from): ConnectInfo<SocketAddr>| async move { from.to_string() };
    Router::new().route("/from", axum::routing::get(from)).fallback(|uri: Uri| async move { uri.to_string() })
}

/// A box whose TLS and proxy ports are open.
pub struct TheBox {
    pub certificates: Arc<Certificates>,
    pub tls: SocketAddr,
    pub proxy: SocketAddr,
    pub folder: Folder,
}

impl TheBox {
    pub async fn open(bounds: Bounds, places: usize) -> TheBox {
        TheBox::with(bounds, places, false).await
    }

    pub async fn with(bounds: Bounds, places: usize, plain: bool) -> TheBox {
        TheBox::made(bounds, places, plain, SystemTime::now()).await
    }

    /// A box whose clock shows this at its first start.
    pub async fn at(clock: SystemTime) -> TheBox {
        TheBox::made(Bounds::default(), 8, false, clock).await
    }

    async fn made(bounds: Bounds, places: usize, plain: bool, clock: SystemTime) -> TheBox {
        let folder = Folder::new();
        let wanted = Wanted { names: vec!["phone.office.lan".into()], owned: None };
        let certificates = Certificates::open(&folder.0.join("tls"), wanted, clock).expect("certificates");
        let server = certificates.server().expect("TLS");
        let places = Arc::new(Semaphore::new(places));
        let (listener, tls) = listen().await;
        let doors = Doors::sharing(listener, Arc::clone(&places)).with(bounds);
        tokio::spawn(tipring_door::tls(doors, Arc::clone(&server), app()));
        let (listener, proxy) = listen().await;
        let doors = Doors::sharing(listener, places).with(bounds);
        let port =
            Proxy { server, certificates: Arc::clone(&certificates), app: app(), ports: vec![tls.port()], plain };
        tokio::spawn(port.serve(doors));
        TheBox { certificates, tls, proxy, folder }
    }

    /// A client that trusts this box and nobody else.
    pub fn trusting(&self) -> Arc<ClientConfig> {
        trusting(self.certificates.authority().pem())
    }

    /// A handshake on the TLS port under this name.
    pub async fn shake(&self, name: &str) -> std::io::Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(self.tls).await.expect("a connection");
        shake(stream, self.trusting(), name).await
    }

    /// What the proxy port says to these lines, and the connection.
    pub async fn asks(&self, request: &str) -> (String, TcpStream) {
        let mut stream = TcpStream::connect(self.proxy).await.expect("a connection");
        stream.write_all(request.as_bytes()).await.expect("sent");
        let head = head(&mut stream).await;
        (head, stream)
    }
}

pub async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let at = listener.local_addr().expect("an address");
    (listener, at)
}

pub fn trusting(pem: &str) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).expect("a certificate")).expect("an authority");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("versions");
    Arc::new(builder.with_root_certificates(roots).with_no_client_auth())
}

pub async fn shake<S>(stream: S, client: Arc<ClientConfig>, name: &str) -> std::io::Result<TlsStream<S>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let name = ServerName::try_from(name.to_string()).expect("a name");
    let shaken = tokio::time::timeout(LIMIT, TlsConnector::from(client).connect(name, stream)).await;
    shaken.expect("a handshake ends")
}

/// The head of an answer.
pub async fn head(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut octets = Vec::new();
    while !octets.ends_with(b"\r\n\r\n") {
        let read = tokio::time::timeout(LIMIT, stream.read_u8()).await.expect("an answer comes");
        let Ok(octet) = read else { break };
        octets.push(octet);
    }
    String::from_utf8(octets).expect("text")
}

/// One request with its answer's body; the connection is good for another one.
pub async fn get<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, host: &str, path: &str) -> (String, String) {
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let head = head(stream).await;
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).expect("a length");
    let mut body = vec![0; length.parse().expect("a number")];
    stream.read_exact(&mut body).await.expect("a body");
    (head, String::from_utf8(body).expect("text"))
}

/// Waits until the other side closes, and gives what it said before.
pub async fn to_the_end(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut octets = Vec::new();
    let read = tokio::time::timeout(LIMIT, stream.read_to_end(&mut octets)).await;
    let _ = read.expect("the connection is closed");
    String::from_utf8_lossy(&octets).into_owned()
}
