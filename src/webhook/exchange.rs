//! The record of what went over the wire, for people: bounded, and without credentials.

use tipring_egress::{Response, hidden};
use tipring_router::{Cached, Exchange, HttpRequest};
use url::form_urlencoded::Serializer;

use crate::kept::Kept;

/// Name and value pairs as `application/x-www-form-urlencoded`.
pub(crate) fn form(params: &[(String, String)]) -> String {
    Serializer::new(String::new()).extend_pairs(params).finish()
}

/// The record of a request that is about to start.
pub(crate) fn begin(request: &HttpRequest) -> Exchange {
    let url = hidden(&request.url);
    let request_variables = form(&request.params);
    Exchange { method: request.method, url, request_variables, ..Exchange::default() }
}

/// Notes the head of an answer; the body of an earlier one goes.
pub(crate) fn note_head(exchange: &mut Exchange, response: &Response) {
    exchange.status = Some(response.status);
    exchange.url = response.url.to_string();
    exchange.response_body.clear();
    exchange.response_headers.clear();
    for (name, value) in &response.headers {
        let value = if name == "location" { hidden(value) } else { value.clone() };
        if exchange.response_headers.len() + name.len() + value.len() > MAX_HEADERS_SHOWN {
            break;
        }
        exchange.response_headers.push_str(&format!("{name}: {value}\n"));
    }
}

/// Notes that a kept document is the answer: nobody wonders then why its application knows nothing of it.
pub(crate) fn note_kept(exchange: &mut Exchange, kept: &Kept, cached: Cached) {
    exchange.status = Some(200);
    exchange.cached = Some(cached);
    exchange.response_headers = format!("{CACHED}: {}\n", cached.as_str());
    for (name, value) in &kept.headers {
        exchange.response_headers.push_str(&format!("{name}: {value}\n"));
    }
    note_body(exchange, &kept.body);
}

/// Notes the body of an answer, or what came of it.
pub(crate) fn note_body(exchange: &mut Exchange, body: &[u8]) {
    let shown = body.get(..MAX_BODY_SHOWN).unwrap_or(body);
    exchange.response_body = String::from_utf8_lossy(shown).into_owned();
}

/// Not a server's word: what a box says of a document that it had.
const CACHED: &str = "x-tipring-cached";
/// Bytes of a body that are kept for people: as much as a document may have.
const MAX_BODY_SHOWN: usize = 64 * 1024;
/// Bytes of headers that are kept for people.
const MAX_HEADERS_SHOWN: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_encoded_as_browsers_do() {
        let params = [("a b", "ü&="), ("", ""), ("a b", "☎")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(form(&params), "a+b=%C3%BC%26%3D&=&a+b=%E2%98%8E");
    }
}
