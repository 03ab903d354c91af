//! The other boxes that share this one's store: the port at which they ask, asking them, and hearing what their API has changed of
//! tenants. Whose a call is and what is done then is the API's (`tipring_api::Neighbours`).
//!
//! Who enters has the boxes' key: it is the word inside of TLS that marks a request as passed on. Credentials of the one who asked
//! first are judged again, here, by the store that both have.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, Method, Response, StatusCode};
use axum::middleware::{Next, from_fn};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tipring_api::Later;
use tipring_door::{Doors, Shared};
use tipring_resources::Sid;
use tipring_router::DirectoryChange;
use tipring_store::Store;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::conductor::Live;
use super::serve::{StartError, failed, listen, now};
use crate::config::Config;

/// The word of a box.
const WORD: HeaderName = HeaderName::from_static("x-tipring-word");
/// Another box answers within this, or is away.
const ANSWER_TIME: Duration = Duration::from_secs(12);
/// A connection in the same building takes milliseconds.
const CONNECT_TIME: Duration = Duration::from_secs(3);
/// Octets of the answer to a change: one resource.
const ANSWER_MAX: usize = 1 << 20;
/// A change of a number on another box is in force here within this.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// What this box needs to ask the others, and to be asked.
pub struct Neighbourhood {
    shared: Shared,
    client: Arc<rustls::ClientConfig>,
    listener: tokio::net::TcpListener,
    /// Where the others find this box.
    address: String,
}

/// Asks the others.
#[derive(Clone)]
pub struct Asking {
    word: HeaderValue,
    client: Arc<rustls::ClientConfig>,
}

impl Neighbourhood {
    /// Takes the port, where the configuration has one.
    pub async fn open(config: &Config) -> Result<Option<Neighbourhood>, StartError> {
        if config.boxes.listen.is_empty() {
            return Ok(None);
        }
        let refused = |text: String| StartError { exit: 78, text };
        let (file, text) = config.boxes_key().map_err(|error| StartError {
            exit: if error.denied { 77 } else { 78 },
            text: format!("{error}; all boxes have the same file, made once by `openssl rand -base64 32`"),
        })?;
        let least = tipring_door::SHARED_LEAST;
        let shared = Shared::new(&text).ok_or_else(|| {
            refused(format!("boxes.key_file: {}: at least {least} characters are wanted", file.display()))
        })?;
        let client = shared.client().map_err(|error| failed("the boxes' key")(&error))?;
        let listener = listen("boxes.listen", &config.boxes.listen).await?;
        let mut address = config.boxes.found_at();
        // Port 0 is any that is free.
        if let Ok(taken) = listener.local_addr()
            && config.boxes.address.is_empty()
        {
            address = address.replace(&config.boxes.listen, &taken.to_string());
        }
        Ok(Some(Neighbourhood { shared, client, listener, address }))
    }

    /// How the others are asked.
    pub fn asking(&self) -> Asking {
        let word = HeaderValue::from_str(self.shared.token()).unwrap_or(HeaderValue::from_static(""));
        Asking { word, client: Arc::clone(&self.client) }
    }

    /// Serves the API to the other boxes, and tells them where.
    pub fn serve(self, app: Router, store: &Store) -> Result<(), StartError> {
        let word = self.shared.token().to_owned();
        let app = app.layer(from_fn(move |request: Request, next: Next| {
            let known = request.headers().get(WORD).is_some_and(|it| same(it.as_bytes(), word.as_bytes()));
            async move { if known { next.run(request).await } else { stranger() } }
        }));
        let loopback = self.listener.local_addr().is_ok_and(|it: SocketAddr| it.ip().is_loopback());
        let doors = Doors::new(self.listener);
        if loopback {
            tokio::spawn(tipring_door::plain(doors, app));
        } else {
            let tls = self.shared.server().map_err(|error| failed("the boxes' key")(&error))?;
            tokio::spawn(tipring_door::tls(doors, tls, app));
        }
        let (store, address) = (store.clone(), self.address);
        tokio::spawn(async move {
            while let Err(error) = store.announce(&address, now()).await {
                tracing::warn!(%error, "the other boxes could not be told where this one is asked; tried again");
                tokio::time::sleep(LOOK_EVERY).await;
            }
        });
        Ok(())
    }
}

/// Compared to the end, whatever the first difference is.
fn same(said: &[u8], word: &[u8]) -> bool {
    said.len() == word.len() && said.iter().zip(word).fold(0, |all, (a, b)| all | (a ^ b)) == 0
}

fn stranger() -> axum::response::Response {
    let mut response = axum::response::Response::new(Body::from("this port is for the other boxes of this system\n"));
    *response.status_mut() = StatusCode::UNAUTHORIZED;
    response
}

impl tipring_api::Neighbours for Asking {
    fn pass_on(
        &self,
        address: String,
        request: axum::http::Request<Bytes>,
    ) -> Later<'_, Result<Response<Body>, String>> {
        Box::pin(async move {
            let asked = tokio::time::timeout(ANSWER_TIME, self.ask(&address, request)).await;
            asked.unwrap_or_else(|_| Err(format!("{address}: no answer within {} s", ANSWER_TIME.as_secs())))
        })
    }
}

impl Asking {
    async fn ask(&self, address: &str, request: axum::http::Request<Bytes>) -> Result<Response<Body>, String> {
        let failed = |what: &dyn std::fmt::Display| format!("{address}: {what}");
        let url = url::Url::parse(address).map_err(|error| failed(&error))?;
        let (host, port) = (url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or(443));
        let host = host.trim_matches(['[', ']']).to_owned();
        let stream = tokio::time::timeout(CONNECT_TIME, TcpStream::connect((host.as_str(), port))).await;
        let stream = stream.map_err(|_| failed(&"no connection in time"))?.map_err(|error| failed(&error))?;
        let _ = stream.set_nodelay(true);
        let (mut head, body) = request.into_parts();
        head.headers.insert(WORD, self.word.clone());
        let request = axum::http::Request::from_parts(head, Full::new(body));
        let answer = if url.scheme() == "http" {
            send(TokioIo::new(stream), request).await
        } else {
            let name = ServerName::try_from(host).map_err(|error| failed(&error))?;
            let stream = TlsConnector::from(Arc::clone(&self.client)).connect(name, stream).await;
            send(TokioIo::new(stream.map_err(|error| failed(&error))?), request).await
        };
        answer.map_err(|error| failed(&error))
    }
}

async fn send<S>(stream: TokioIo<S>, request: axum::http::Request<Full<Bytes>>) -> Result<Response<Body>, String>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static,
{
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(stream).await.map_err(|error| error.to_string())?;
    tokio::spawn(async move {
        let _ = connection.await;
    });
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let (mut head, body) = sender.send_request(request).await.map_err(|error| error.to_string())?.into_parts();
    if head.status == StatusCode::UNAUTHORIZED && !head.headers.contains_key("www-authenticate") {
        return Err("it has another boxes.key_file".into());
    }
    for name in ["connection", "transfer-encoding"] {
        head.headers.remove(name);
    }
    if reads {
        // The sound of a recording: as long as it is said to be, or cut off for who reads it, too.
        return Ok(Response::from_parts(head, Body::new(body)));
    }
    head.headers.remove("content-length");
    let body = Limited::new(body, ANSWER_MAX).collect().await.map_err(|error| error.to_string())?.to_bytes();
    Ok(Response::from_parts(head, Body::from(body)))
}

/// Tells the router what the APIs of other boxes have changed of tenants.
pub fn watch_tenants(store: Store, live: Live) {
    tokio::spawn(async move {
        let mut every = tokio::time::interval(LOOK_EVERY);
        let mut known: Option<(String, Vec<DirectoryChange>)> = None;
        loop {
            every.tick().await;
            let looked = async {
                let mark = store.tenants_mark().await?;
                if known.as_ref().is_some_and(|(before, _)| *before == mark) {
                    return Ok(None);
                }
                Ok(Some((mark, tipring_api::known_at_start(&store).await?)))
            };
            let (mark, now) = match looked.await {
                Ok(None) => continue,
                Ok(Some(looked)) => looked,
                Err(error) => {
                    let error: tipring_store::StoreError = error;
                    tracing::debug!(%error, "what other boxes have changed could not be looked at");
                    continue;
                }
            };
            if let Some((_, before)) = &known {
                for change in differences(before, &now) {
                    live.directory(change).await;
                }
            }
            known = Some((mark, now));
        }
    });
}

/// What has to be told so that who knows `before` knows `now`.
fn differences(before: &[DirectoryChange], now: &[DirectoryChange]) -> Vec<DirectoryChange> {
    let sid = |change: &DirectoryChange| -> Option<Sid> {
        match change {
            DirectoryChange::Number(number) => Some(number.sid),
            DirectoryChange::CallerId(caller_id) => Some(caller_id.sid),
            _ => None,
        }
    };
    let there: HashSet<Sid> = now.iter().filter_map(sid).collect();
    let gone = before.iter().filter(|it| sid(it).is_some_and(|sid| !there.contains(&sid))).filter_map(|it| match it {
        DirectoryChange::Number(number) => Some(DirectoryChange::NumberGone(number.sid)),
        DirectoryChange::CallerId(caller_id) => Some(DirectoryChange::CallerIdGone(caller_id.sid)),
        _ => None,
    });
    gone.chain(now.iter().filter(|it| !before.contains(it)).cloned()).collect()
}
