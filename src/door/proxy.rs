//! The port for programs that keep their address of the cloud: they ask it, as an HTTP proxy, for `api.twilio.com:443`,
//! and are answered in place. It speaks only for this box: no connection leaves it, no other host is reached through it.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::uri::{Authority, Scheme};
use axum::http::{Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use tokio_rustls::TlsAcceptor;

use crate::certificates::Certificates;
use crate::doors::{Bounds, Doors};
use crate::names::is_service;
use crate::serve::{ask, ca_page, encrypted, http};

const HTTPS: u16 = 443;
const HTTP: u16 = 80;
/// What is quoted of a name that is refused.
const SHOWN: usize = 100;

/// What is behind the port.
#[derive(Clone)]
pub struct Proxy {
    /// TLS as the box speaks it.
    pub server: Arc<ServerConfig>,
    /// Whose names are the box's own.
    pub certificates: Arc<Certificates>,
    /// What is asked.
    pub app: Router,
    /// Ports of the box's own listeners, which its own names may be asked with.
    pub ports: Vec<u16>,
    /// Plain requests (`GET http://api.twilio.com/…`) are answered too: the port is on loopback, or the owner allows it.
    pub plain: bool,
}

impl Proxy {
    /// Serves the port, for ever.
    pub async fn serve(self, mut doors: Doors) {
        loop {
            let (visitor, from) = doors.next().await;
            let (proxy, bounds) = (self.clone(), doors.bounds);
            tokio::spawn(http(visitor, bounds, move |request| proxy.clone().answer(bounds, from, request)));
        }
    }

    async fn answer(self, bounds: Bounds, from: SocketAddr, request: Request<Incoming>) -> Response<Body> {
        if request.method() == Method::CONNECT {
            return self.connect(bounds, from, request);
        }
        if request.uri().path() == "/ca.pem" {
            return ask(ca_page(self.certificates.authority().pem()), Scheme::HTTP, from, request).await;
        }
        let uri = request.uri();
        match uri.authority() {
            Some(target) if uri.scheme() == Some(&Scheme::HTTP) => {
                if !self.speaks_for(target, HTTP) {
                    return refused(target);
                }
                if !self.plain {
                    return says(
                        StatusCode::FORBIDDEN,
                        "plain HTTP is answered on loopback only: ask https, or set `plain = true` in [listen]\n",
                    );
                }
                ask(self.app, Scheme::HTTP, from, request).await
            }
            _ => says(
                StatusCode::NOT_FOUND,
                "this port is an HTTP proxy for api.twilio.com; the API itself is at listen.api and listen.tls\n",
            ),
        }
    }

    /// The tunnel that a client asks for ends here.
    fn connect(self, bounds: Bounds, from: SocketAddr, request: Request<Incoming>) -> Response<Body> {
        let Some(target) = request.uri().authority().cloned() else {
            return says(StatusCode::BAD_REQUEST, "CONNECT wants host:port, such as api.twilio.com:443\n");
        };
        if !self.speaks_for(&target, HTTPS) {
            return refused(&target);
        }
        tokio::spawn(async move {
            match hyper::upgrade::on(request).await {
                Ok(tunnel) => {
                    let tunnel = (TokioIo::new(tunnel), from);
                    encrypted(tunnel, TlsAcceptor::from(self.server), bounds, self.app).await;
                }
                Err(error) => tracing::debug!(%error, "a tunnel did not come about"),
            }
        });
        Response::new(Body::empty())
    }

    /// Whether a target is this box, or is the service whose place it takes.
    fn speaks_for(&self, target: &Authority, usual: u16) -> bool {
        let host = target.host().to_ascii_lowercase();
        // No port where one is written: it is none.
        let port = match target.as_str().strip_prefix(target.host()) {
            Some("") => Some(usual),
            Some(_) => target.port_u16(),
            None => None,
        };
        match port {
            Some(port) if is_service(&host) => port == usual,
            Some(port) => (port == usual || self.ports.contains(&port)) && self.certificates.is_own(&host),
            None => false,
        }
    }
}

fn refused(target: &Authority) -> Response<Body> {
    // Whatever stands before an @ may be a password.
    let place = target.as_str().rsplit('@').next().unwrap_or_default();
    let shown: String = place.chars().take(SHOWN).collect();
    let why = "this port speaks for api.twilio.com and for the box itself, and for no other host";
    says(StatusCode::FORBIDDEN, &format!("{shown} is not reached from here: {why}\n"))
}

fn says(status: StatusCode, text: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(text.to_string()));
    *response.status_mut() = status;
    let kind = header::HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
