//! Programs that speak with the whole REST API while a scenario runs, and requests that read like a client's. No rows here.

use std::sync::{Arc, Mutex};

use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderMap, Request, header};
use base64::Engine as _;
use serde_json::Value;
use tipring::daemon::scenario::{Scenario, Subscriber};
use tipring::daemon::simulation::{Around, Desk};
use tower::ServiceExt as _;

use crate::world::{Run, run_amid, scenario};

/// Most of an answer that is kept.
const ANSWER_MAX: usize = 16 << 20;
/// Type of a form.
const FORM: &str = "application/x-www-form-urlencoded";

/// Runs a scenario with a program beside it, and gives what the program came to.
pub fn visited<T, F>(text: &str, visit: impl FnOnce(Client) -> F + Send + 'static) -> (Run, T)
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    visited_amid(&scenario(text), 1, Around::default(), visit)
}

/// The same, with a seed and what else is around the box.
pub fn visited_amid<T, F>(
    scenario: &Scenario,
    seed: u64,
    mut around: Around,
    visit: impl FnOnce(Client) -> F + Send + 'static,
) -> (Run, T)
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let result = Arc::new(Mutex::new(None));
    let kept = Arc::clone(&result);
    around.visitor = Some(Box::new(move |desk| {
        let visit = visit(Client::first(desk));
        Box::pin(async move {
            let came_to = visit.await;
            *kept.lock().unwrap() = Some(came_to);
        })
    }));
    let run = run_amid(scenario, seed, around);
    let came_to = result.lock().unwrap().take().expect("the program came to its end");
    (run, came_to)
}

/// Somebody with credentials, before the resources of an account. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    desk: Arc<Desk>,
    /// Whose resources a bare path is of.
    pub account: String,
    /// User and password; nobody's when empty.
    pub who: (String, String),
}

impl Client {
    fn first(desk: Desk) -> Client {
        let (account, token) = (desk.account.sid.to_string(), desk.account.token.clone());
        Client { desk: Arc::new(desk), account: account.clone(), who: (account, token) }
    }

    /// The API, for whoever serves it at an entrance of its own.
    pub fn api(&self) -> axum::Router {
        self.desk.api.clone()
    }

    /// Another's credentials, before the same account.
    pub fn with(&self, user: &str, password: &str) -> Client {
        Client { who: (user.into(), password.into()), ..self.clone() }
    }

    /// An account with its own credentials, by its resource.
    pub fn of(&self, account: &Value) -> Client {
        let word = |name: &str| account[name].as_str().unwrap_or_else(|| panic!("{name} of {account}")).to_string();
        Client { account: word("sid"), who: (word("sid"), word("auth_token")), ..self.clone() }
    }

    /// A key of the same account, by the answer that made it.
    pub fn keyed(&self, key: &Value) -> Client {
        self.with(key["sid"].as_str().expect("a SID"), key["secret"].as_str().expect("a secret"))
    }

    /// Sleeps until a moment, counted as `at_ms` is.
    pub async fn until(&self, at_ms: u64) {
        self.desk.until(at_ms).await;
    }

    /// Somebody more who can be called.
    pub fn subscribe(&self, subscriber: Subscriber) {
        self.desk.subscribe(subscriber);
    }

    /// The wide network is gone.
    pub fn unplug(&self) {
        self.desk.unplug();
    }

    /// `/Calls.json` is of the account, `/2010-04-01/…` and everything with a host is as it stands.
    pub fn path(&self, path: &str) -> String {
        let path = path.split_once("://").map_or(path, |(_, rest)| &rest[rest.find('/').unwrap_or(rest.len())..]);
        if ["/2010", "/v1", "/openapi", "/errors", "/docs"].iter().any(|top| path.starts_with(top)) {
            return path.to_string();
        }
        format!("/2010-04-01/Accounts/{}{path}", self.account)
    }

    /// One request.
    pub async fn send(&self, method: &str, path: &str, form: &[(&str, &str)]) -> Got {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let mut request = Request::builder().method(method).uri(self.path(path)).header(header::HOST, "box.lan:8080");
        if !self.who.0.is_empty() {
            request = request.header(header::AUTHORIZATION, basic(&self.who));
        }
        if !body.is_empty() {
            request = request.header(header::CONTENT_TYPE, FORM);
        }
        let request = request.body(Body::from(body)).expect("a request");
        let response = self.desk.api.clone().oneshot(request).await.expect("an answer");
        let (parts, body) = response.into_parts();
        let octets = to_bytes(body, ANSWER_MAX).await.expect("a body");
        Got { asked: format!("{method} {path}"), status: parts.status.as_u16(), headers: parts.headers, octets }
    }

    pub async fn get(&self, path: &str) -> Got {
        self.send("GET", path, &[]).await
    }

    pub async fn post(&self, path: &str, form: &[(&str, &str)]) -> Got {
        self.send("POST", path, form).await
    }

    pub async fn delete(&self, path: &str) -> Got {
        self.send("DELETE", path, &[]).await
    }

    /// What a read shows.
    pub async fn read(&self, path: &str) -> Value {
        self.get(path).await.ok(200)
    }

    /// The members of a list, newest first.
    pub async fn list(&self, path: &str, member: &str) -> Vec<Value> {
        self.read(path).await[member].as_array().unwrap_or_else(|| panic!("{path} has no {member}")).clone()
    }
}

/// `Authorization` of a user with a password.
pub fn basic((user, password): &(String, String)) -> String {
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}")))
}

/// A whole answer.
#[derive(Debug)]
pub struct Got {
    asked: String,
    pub status: u16,
    pub headers: HeaderMap,
    pub octets: Bytes,
}

impl Got {
    /// Its type, without parameters.
    pub fn kind(&self) -> &str {
        let kind = self.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        kind.split(';').next().unwrap_or_default()
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.octets).into_owned()
    }

    /// What was answered, with this status.
    #[track_caller]
    pub fn ok(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}: {}", self.asked, self.text());
        if self.octets.is_empty() {
            return Value::Null;
        }
        serde_json::from_slice(&self.octets).unwrap_or_else(|error| panic!("{}: {error}: {}", self.asked, self.text()))
    }

    /// Status and code of an error, which is of the one shape.
    #[track_caller]
    pub fn fault(&self) -> (u16, u64) {
        let body: Value = serde_json::from_slice(&self.octets).unwrap_or_default();
        let has = |name: &str| body[name].is_string();
        assert!(body["status"] == self.status && has("message") && has("more_info"), "{}: {}", self.asked, self.text());
        (self.status, body["code"].as_u64().expect("a code"))
    }
}

/// A member of a resource as text.
#[track_caller]
pub fn word<'a>(resource: &'a Value, name: &str) -> &'a str {
    resource[name].as_str().unwrap_or_else(|| panic!("{name} of {resource}"))
}
