//! `/documents?url=`: what calls' applications answered, had from the cache and brought into it.

use std::sync::Arc;

use http::header::{HeaderName, HeaderValue};
use http::{HeaderMap, Method, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use serde_json::json;

use super::wish::{bad, read_url};
use super::{Asked, whole};
use crate::documents::{Document, MAX_DOCUMENT};
use crate::face::{Body, json_answer};
use crate::fault::{FETCH, MediaFault};
use crate::service::Service;
use crate::wire::ACCOUNT;

pub(super) async fn answer(
    service: &Arc<Service>,
    asked: &Asked,
    headers: &HeaderMap,
    body: Incoming,
) -> Result<Response<Body>, MediaFault> {
    let Some(account) = asked.account() else {
        return Err(bad(format!("/documents: name the account in {ACCOUNT}: a document is an account's own")));
    };
    let url = asked.word("url").ok_or_else(|| bad("/documents: name the URL by ?url="))?;
    let url = read_url(url)?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(bad("/documents: what is answered to a user and a password is not kept"));
    }
    match asked.method {
        Method::GET => match service.document(account, &url).await? {
            Some(document) => Ok(shown(document)),
            None => Ok(json_answer(StatusCode::GATEWAY_TIMEOUT, &MediaFault::new(FETCH, "it is not kept here"))),
        },
        Method::PUT => {
            let headers = texts(headers)?;
            let kind = headers.iter().find(|it| it.0 == "content-type").map(|it| it.1.to_ascii_lowercase());
            if kind.is_none_or(|it| it.trim_start().starts_with("audio/")) {
                return Err(bad("PUT /documents: Content-Type names the type of a document, which is no sound"));
            }
            let body = whole(body, MAX_DOCUMENT).await?;
            if body.is_empty() {
                return Err(bad("PUT /documents: the body is the document as its application answered it"));
            }
            Ok(match service.keep_document(account, &url, &headers, body).await? {
                Ok(()) => json_answer(StatusCode::CREATED, &json!({ "kept": true })),
                Err(why) => json_answer(StatusCode::OK, &json!({ "kept": false, "why": why })),
            })
        }
        _ => Err(asked.odd()),
    }
}

fn shown(document: Document) -> Response<Body> {
    let body = Full::new(document.body).map_err(|never| match never {}).boxed_unsync();
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    for (name, value) in &document.headers {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
            headers.append(name, value);
        }
    }
    if let Ok(value) = HeaderValue::from_str(&format!("tipring; hit; ttl={}", document.fresh_s)) {
        headers.insert(CACHE_STATUS, value);
    }
    response
}

/// Headers of a document, names in lower case.
fn texts(headers: &HeaderMap) -> Result<Vec<(String, String)>, MediaFault> {
    let mut texts = Vec::new();
    let mut octets = 0;
    for (name, value) in headers {
        let value = value.to_str().map_err(|_| bad(format!("{name}: this header is not ASCII")))?;
        octets += name.as_str().len() + value.len();
        texts.push((name.as_str().to_owned(), value.to_owned()));
    }
    if octets > MAX_HEADERS {
        return Err(bad(format!("the headers of a document have at most {MAX_HEADERS} octets together")));
    }
    Ok(texts)
}

/// RFC 9211: for how long it is fresh.
pub(crate) const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");
/// Headers of one document: who asks for it reads heads of 8 KiB.
const MAX_HEADERS: usize = 4 * 1024;
