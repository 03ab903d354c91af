//! The routes by which the box is looked at. None needs a log-in, so none tells whose call it is; `/state` does, and is
//! on the control socket alone, as is what happened on a line.

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::exposition::Form;
use super::health::Verdict;
use super::observer::Observer;

/// For the API's listener: `/livez`, `/readyz`, `/healthz`.
pub fn health(observer: Observer) -> Router {
    Router::new()
        .route("/livez", get(lives))
        .route("/readyz", get(ready))
        .route("/healthz", get(ready))
        .with_state(observer)
}

/// For `listen.metrics`: health, and `/metrics` with `/metrics/bounds`.
pub fn public(observer: Observer) -> Router {
    let pages = Router::new().route("/metrics", get(metrics)).route("/metrics/bounds", get(bounds));
    pages.with_state(observer.clone()).merge(health(observer))
}

/// For the control socket: all that, `/state`, `/board`, and `/lines/trace` and `/lines/habits` of one line.
pub fn control(observer: Observer) -> Router {
    let owners = Router::new()
        .route("/state", get(state))
        .route("/board", get(board))
        .route("/lines/trace", get(line_trace))
        .route("/lines/habits", get(line_habits));
    owners.with_state(observer.clone()).merge(public(observer))
}

/// Which line is asked about.
#[derive(serde::Deserialize)]
struct Asked {
    line: String,
}

async fn line_trace(State(observer): State<Observer>, Query(asked): Query<Asked>) -> Response {
    match observer.line_trace(&asked.line) {
        Ok(trace) => ([NOT_KEPT], axum::Json(trace)).into_response(),
        Err(unknown) => (StatusCode::NOT_FOUND, axum::Json(unknown)).into_response(),
    }
}

async fn line_habits(State(observer): State<Observer>, Query(asked): Query<Asked>) -> Response {
    match observer.line_habits(&asked.line) {
        Ok(habits) => ([NOT_KEPT], axum::Json(habits)).into_response(),
        Err(unknown) => (StatusCode::NOT_FOUND, axum::Json(unknown)).into_response(),
    }
}

async fn metrics(State(observer): State<Observer>, headers: HeaderMap) -> Response {
    let form = wanted(&headers);
    page(form, observer.metrics(form).await)
}

async fn bounds(State(observer): State<Observer>, headers: HeaderMap) -> Response {
    let form = wanted(&headers);
    page(form, observer.bounds(form).await)
}

async fn state(State(observer): State<Observer>) -> Response {
    axum::Json(&*observer.state().await).into_response()
}

async fn board(State(observer): State<Observer>) -> Response {
    match observer.board() {
        Some(board) => ([NOT_KEPT], axum::Json(board)).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn lives(State(observer): State<Observer>) -> Response {
    judged(&observer.lives().await)
}

async fn ready(State(observer): State<Observer>) -> Response {
    judged(&observer.is_ready().await)
}

fn judged(verdict: &Verdict) -> Response {
    let status = if verdict.is_good() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), NOT_KEPT], verdict.text()).into_response()
}

fn wanted(headers: &HeaderMap) -> Form {
    Form::wanted(headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default())
}

fn page(form: Form, text: String) -> Response {
    ([(header::CONTENT_TYPE, form.content_type()), NOT_KEPT], text).into_response()
}

const NOT_KEPT: (header::HeaderName, &str) = (header::CACHE_CONTROL, "no-store");
