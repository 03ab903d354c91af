//! An origin server of the test: answers what it is told, keeps an access log, and can stop half-way. It speaks just
//! enough HTTP/1.1, one request a connection, so that it controls every octet.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot};

/// One request as it came.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: String,
    pub path: String,
    pub headers: HashMap<String, String>,
    pub body: Vec<u8>,
}

/// What is answered.
#[derive(Default)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    /// Sent once the test says so; dropped permission cuts the connection here.
    pub rest: Option<(oneshot::Receiver<()>, Vec<u8>)>,
    /// `Content-Length`, if it is not the truth.
    pub claimed: Option<usize>,
}

impl Reply {
    pub fn ok(mime: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { status: 200, headers: vec![("Content-Type", mime.into())], body: body.into(), ..Self::default() }
    }

    pub fn status(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Sends `first` octets now and the others after the permission.
    pub fn held_after(mut self, first: usize) -> (Self, oneshot::Sender<()>) {
        let (go, wait) = oneshot::channel();
        let rest = self.body.split_off(first);
        self.rest = Some((wait, rest));
        (self, go)
    }
}

/// What is answered, and what is waited for before that.
type Script = dyn Fn(&Asked) -> (Reply, Option<Arc<Semaphore>>) + Send + Sync;

pub struct Origin {
    pub address: SocketAddr,
    log: Arc<Mutex<Vec<Asked>>>,
}

impl Origin {
    pub async fn start(script: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        Self::waiting(move |asked| (script(asked), None)).await
    }

    /// The same, where an answer may have to wait for a permit.
    pub async fn waiting(script: impl Fn(&Asked) -> (Reply, Option<Arc<Semaphore>>) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let (script, seen): (Arc<Script>, _) = (Arc::new(script), Arc::clone(&log));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, Arc::clone(&script), Arc::clone(&seen)));
            }
        });
        Self { address, log }
    }

    /// One reply for everything, again and again.
    pub async fn always(mime: &'static str, body: Vec<u8>) -> Self {
        Self::start(move |_| Reply::ok(mime, body.clone())).await
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn log(&self) -> Vec<Asked> {
        self.log.lock().unwrap().clone()
    }

    #[track_caller]
    pub fn was_asked(&self, times: usize) {
        assert_eq!(self.log().len(), times, "access log: {:?}", self.log());
    }
}

async fn answer(mut stream: TcpStream, script: Arc<Script>, log: Arc<Mutex<Vec<Asked>>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(octet) => head.push(octet),
            Err(_) => return,
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let mut lines = head.lines();
    let mut words = lines.next().unwrap_or_default().split(' ').map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or("/".into()));
    let headers = lines.filter_map(|it| it.split_once(": ")).map(|(a, b)| (a.to_ascii_lowercase(), b.to_owned()));
    let headers: HashMap<_, _> = headers.collect();
    let mut body = vec![0; headers.get("content-length").and_then(|it| it.parse().ok()).unwrap_or(0)];
    if stream.read_exact(&mut body).await.is_err() {
        return;
    }
    let is_head = method == "HEAD";
    let asked = Asked { method, path, headers, body };
    let (reply, permits) = script(&asked);
    log.lock().unwrap().push(asked);
    if let Some(permits) = permits {
        permits.acquire().await.unwrap().forget();
    }
    let length = reply.body.len() + reply.rest.as_ref().map_or(0, |it| it.1.len());
    let mut text = format!("HTTP/1.1 {} X\r\nConnection: close\r\n", reply.status);
    if reply.status != 304 {
        text += &format!("Content-Length: {}\r\n", reply.claimed.unwrap_or(length));
    }
    for (name, value) in &reply.headers {
        text += &format!("{name}: {value}\r\n");
    }
    text += "\r\n";
    let mut octets = text.into_bytes();
    if !is_head {
        octets.extend_from_slice(&reply.body);
    }
    let _ = stream.write_all(&octets).await;
    let _ = stream.flush().await;
    if let Some((permission, rest)) = reply.rest
        && !is_head
        && permission.await.is_ok()
    {
        let _ = stream.write_all(&rest).await;
    }
    let _ = stream.shutdown().await;
}
