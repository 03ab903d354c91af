//! The browser of calls against scripted application servers on loopback.

mod credentials;
mod examples;
mod faults;
mod kept;
mod python;
mod redirects;
mod requests;
mod samples;
#[allow(dead_code)]
#[path = "../../egress/tests/server.rs"]
mod server;
mod sessions;

use tipring_egress::{Client, Config};
use tipring_resources::{Method, Sid, SidKind};
use tipring_router::{Exchange, HttpAnswer, HttpRequest, Purpose};
use tipring_webhook::Webhook;

/// The account's token in all tests.
const KEY: &str = "a-token-of-an-account";

fn webhook() -> Webhook {
    Webhook::new(Client::new(Config::default()).expect("a client"))
}

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// A document's request of call `call`.
fn request(call: u128, method: Method, url: &str, params: &[(&str, &str)]) -> HttpRequest {
    HttpRequest {
        session: Sid::new(SidKind::Call, call),
        account: Sid::new(SidKind::Account, 1),
        method,
        url: url.to_owned(),
        params: pairs(params),
        purpose: Purpose::Document,
        idempotency: format!("token-{call}"),
    }
}

fn post(url: &str) -> HttpRequest {
    request(1, Method::Post, url, &[("CallSid", "CA1"), ("Digits", "1")])
}

fn get(url: &str) -> HttpRequest {
    request(1, Method::Get, url, &[])
}

fn callback(url: &str) -> HttpRequest {
    HttpRequest { purpose: Purpose::Callback, ..post(url) }
}

/// The body of a good answer.
#[track_caller]
fn body(answer: &HttpAnswer) -> &str {
    match answer {
        HttpAnswer::Document { body, .. } => std::str::from_utf8(body).expect("UTF-8"),
        HttpAnswer::Failed { text, .. } => panic!("{text}"),
    }
}

/// Code, text and record of a bad one.
#[track_caller]
fn failed(answer: &HttpAnswer) -> (u32, &str, &Exchange) {
    match answer {
        HttpAnswer::Failed { code, text, exchange } => (code.0, text, exchange),
        HttpAnswer::Document { .. } => panic!("a good answer: {answer:?}"),
    }
}

fn exchange(answer: &HttpAnswer) -> &Exchange {
    match answer {
        HttpAnswer::Document { exchange, .. } | HttpAnswer::Failed { exchange, .. } => exchange,
    }
}
