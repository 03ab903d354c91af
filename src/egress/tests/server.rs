//! A scripted application server: threads and plain sockets, so that it can answer with any bytes at any moment.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A request as the server heard it.
#[derive(Debug, Clone)]
pub struct Heard {
    /// `GET /x?y HTTP/1.1`.
    pub line: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
    /// Names exactly as sent.
    pub raw_head: String,
    /// Which connection it came over, from 0.
    pub connection: usize,
}

impl Heard {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str())
    }

    /// Path and query.
    pub fn target(&self) -> &str {
        self.line.split(' ').nth(1).unwrap_or_default()
    }

    pub fn method(&self) -> &str {
        self.line.split(' ').next().unwrap_or_default()
    }
}

/// What the server does with a request.
#[derive(Debug, Clone)]
pub enum Reply {
    /// These bytes, and the connection stays open for the next request.
    Keep(Vec<u8>),
    /// These bytes, then the connection closes.
    Close(Vec<u8>),
    /// These bytes, then silence until the client gives up.
    Hang(Vec<u8>),
    /// These bytes again and again until the client gives up.
    Endless(Vec<u8>, Vec<u8>),
}

/// A whole answer with headers (`"Name: value\r\n…"`) and body.
pub fn answer(status: u16, headers: &str, body: &str) -> Reply {
    answer_bytes(status, headers, body.as_bytes())
}

pub fn answer_bytes(status: u16, headers: &str, body: &[u8]) -> Reply {
    let mut bytes =
        format!("HTTP/1.1 {status} Scripted\r\n{headers}Content-Length: {}\r\n\r\n", body.len()).into_bytes();
    bytes.extend_from_slice(body);
    Reply::Keep(bytes)
}

pub fn ok(body: &str) -> Reply {
    answer(200, "Content-Type: text/xml\r\n", body)
}

/// The server; it ends with the test's process.
pub struct Server {
    pub addr: SocketAddr,
    scheme: &'static str,
    heard: Arc<Mutex<Vec<Heard>>>,
}

type Script = dyn Fn(&Heard, usize) -> Reply + Send + Sync;

impl Server {
    /// A plain server. The script gets the request and how many came before it.
    pub fn plain(script: impl Fn(&Heard, usize) -> Reply + Send + Sync + 'static) -> Self {
        Self::plain_on("127.0.0.1:0", script).expect("a port")
    }

    /// A plain server at another address, if the host has it.
    pub fn plain_on(at: &str, script: impl Fn(&Heard, usize) -> Reply + Send + Sync + 'static) -> Option<Self> {
        Some(Self::start(TcpListener::bind(at).ok()?, None, Arc::new(script)))
    }

    /// A TLS server.
    pub fn tls(config: ServerConfig, script: impl Fn(&Heard, usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        Self::start(listener, Some(Arc::new(config)), Arc::new(script))
    }

    fn start(listener: TcpListener, tls: Option<Arc<ServerConfig>>, script: Arc<Script>) -> Self {
        let addr = listener.local_addr().expect("an address");
        let heard = Arc::new(Mutex::new(Vec::new()));
        let scheme = if tls.is_some() { "https" } else { "http" };
        let all = heard.clone();
        std::thread::spawn(move || {
            for (connection, stream) in listener.incoming().enumerate() {
                let Ok(stream) = stream else { return };
                let (tls, script, all) = (tls.clone(), script.clone(), all.clone());
                std::thread::spawn(move || match tls {
                    None => converse(stream, connection, &*script, &all),
                    Some(config) => {
                        let Ok(session) = ServerConnection::new(config) else {
                            return;
                        };
                        converse(StreamOwned::new(session, stream), connection, &*script, &all);
                    }
                });
            }
        });
        Self { addr, scheme, heard }
    }

    /// `http(s)://127.0.0.1:port` + path.
    pub fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.addr)
    }

    /// The same with another host, and whatever stands before it: `at("user:secret@localhost", "/x")`.
    pub fn at(&self, host: &str, path: &str) -> String {
        format!("{}://{host}:{}{path}", self.scheme, self.addr.port())
    }

    pub fn heard(&self) -> Vec<Heard> {
        self.heard.lock().expect("heard").clone()
    }
}

fn converse(mut stream: impl Read + Write, connection: usize, script: &Script, all: &Mutex<Vec<Heard>>) {
    while let Some(request) = hear(&mut stream, connection) {
        let before = {
            let mut all = all.lock().expect("heard");
            all.push(request.clone());
            all.len() - 1
        };
        let reply = if request.line.is_empty() { Reply::Close(BAD_REQUEST.to_vec()) } else { script(&request, before) };
        match reply {
            Reply::Keep(bytes) => {
                if stream.write_all(&bytes).and_then(|()| stream.flush()).is_err() {
                    return;
                }
            }
            Reply::Close(bytes) => {
                let _ = stream.write_all(&bytes).and_then(|()| stream.flush());
                return;
            }
            Reply::Hang(bytes) => {
                let _ = stream.write_all(&bytes).and_then(|()| stream.flush());
                while matches!(stream.read(&mut [0; 256]), Ok(1..)) {}
                return;
            }
            Reply::Endless(first, again) => {
                let _ = stream.write_all(&first);
                while stream.write_all(&again).is_ok() {}
                return;
            }
        }
    }
}

fn hear(stream: &mut impl Read, connection: usize) -> Option<Heard> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        head.push(byte[0]);
        if head == [TLS_HANDSHAKE] {
            return Some(Heard {
                line: String::new(),
                headers: Vec::new(),
                body: String::new(),
                raw_head: String::new(),
                connection,
            });
        }
    }
    let raw_head = String::from_utf8(head).expect("a head in UTF-8");
    let mut lines = raw_head.split("\r\n");
    let line = lines.next().unwrap_or_default().to_owned();
    let headers: Vec<(String, String)> = lines
        .filter_map(|it| it.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let length =
        headers.iter().find(|(name, _)| name == "content-length").and_then(|(_, it)| it.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    let body = String::from_utf8(body).expect("a body in UTF-8");
    Some(Heard { line, headers, body, raw_head, connection })
}

/// First octet of a TLS ClientHello: a plain server answers it at once with a 400.
const TLS_HANDSHAKE: u8 = 0x16;
const BAD_REQUEST: &[u8] = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";

/// A port where nobody listens.
pub fn closed_port() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address")
}

/// A port that the kernel accepts on and nobody answers. Gives the connections that were made.
pub struct Silent(TcpListener);

impl Silent {
    pub fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("non-blocking");
        Self(listener)
    }

    pub fn addr(&self) -> SocketAddr {
        self.0.local_addr().expect("an address")
    }

    pub fn connections(&self) -> Vec<TcpStream> {
        std::iter::from_fn(|| self.0.accept().ok()).map(|(stream, _)| stream).collect()
    }
}
