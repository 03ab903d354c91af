//! A connection's way: TLS where there is TLS, then HTTP/1.1 with limits on its head, then the application.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::uri::{Authority, PathAndQuery, Scheme};
use axum::http::{Request, Response, Uri, header};
use axum::routing::get;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

use crate::doors::{Bounds, Doors, HEADER_OCTETS};

/// Serves plain HTTP, for ever.
pub async fn plain(mut doors: Doors, app: Router) {
    loop {
        let (visitor, from) = doors.next().await;
        let (app, bounds) = (app.clone(), doors.bounds);
        tokio::spawn(http(visitor, bounds, move |request| ask(app.clone(), Scheme::HTTP, from, request)));
    }
}

/// Serves HTTPS, for ever.
pub async fn tls(mut doors: Doors, server: Arc<ServerConfig>, app: Router) {
    let acceptor = TlsAcceptor::from(server);
    loop {
        let (visitor, from) = doors.next().await;
        tokio::spawn(encrypted((visitor, from), acceptor.clone(), doors.bounds, app.clone()));
    }
}

/// The authority's certificate at `/ca.pem`, for those who are to trust it. It is no secret.
pub fn ca_page(pem: &str) -> Router {
    let pem: Arc<str> = pem.into();
    let page = move || {
        let pem = pem.to_string();
        async move { ([(header::CONTENT_TYPE, "application/x-pem-file")], pem) }
    };
    Router::new().route("/ca.pem", get(page))
}

/// The handshake with whoever is there, then HTTP in it.
pub(crate) async fn encrypted<S>((stream, from): (S, SocketAddr), acceptor: TlsAcceptor, bounds: Bounds, app: Router)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    match tokio::time::timeout(bounds.handshake, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => http(stream, bounds, move |request| ask(app.clone(), Scheme::HTTPS, from, request)).await,
        Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
        Err(_) => tracing::debug!("a TLS handshake was not finished in time"),
    }
}

/// HTTP/1.1 on a stream, to its end.
pub(crate) async fn http<S, A, F>(stream: S, bounds: Bounds, answer: A)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    A: Fn(Request<Incoming>) -> F + Send + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    let service = service_fn(move |request| {
        let answered = answer(request);
        async move { Ok::<_, Infallible>(answered.await) }
    });
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(bounds.header).max_buf_size(HEADER_OCTETS);
    if let Err(error) = http.serve_connection(TokioIo::new(stream), service).with_upgrades().await {
        tracing::debug!(%error, "a connection ended");
    }
}

/// Asks the application, with the whole URI as the client meant it and the address it comes from.
pub(crate) async fn ask(
    app: Router,
    scheme: Scheme,
    from: SocketAddr,
    mut request: Request<Incoming>,
) -> Response<Body> {
    request.extensions_mut().insert(ConnectInfo(from));
    if let Some(uri) = whole(&request, scheme) {
        *request.uri_mut() = uri;
    }
    match app.oneshot(request.map(Body::new)).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

/// The URI with scheme and authority; `None` where the request does not say which host it means.
fn whole<B>(request: &Request<B>, scheme: Scheme) -> Option<Uri> {
    let host = request.headers().get(header::HOST).and_then(|host| Authority::try_from(host.as_bytes()).ok());
    let mut parts = request.uri().clone().into_parts();
    parts.authority = Some(parts.authority.or(host)?);
    parts.scheme = Some(scheme);
    parts.path_and_query = parts.path_and_query.or(Some(PathAndQuery::from_static("/")));
    Uri::from_parts(parts).ok()
}
