//! A client of the API: lists, ends calls, deletes calls and recordings, sets the number's callback. Whatever a 2xx told it is a
//! fact from then on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::Value;
use tipring_egress::{Client, Limits, Method, Request};
use tipring_resources::{CallStatus, RecordingStatus, Sid, SidKind};

use crate::application::Shared;

/// Between two rounds of lists.
const EVERY: Duration = Duration::from_millis(50);
/// One of so many that have ended is deleted.
const DELETED: u128 = 4;

/// The client of one box.
#[derive(Clone)]
pub struct Api {
    client: Client,
    base: url::Url,
    shared: Arc<Shared>,
    /// Answers with 2xx.
    pub answers: Arc<AtomicU64>,
}

impl Api {
    /// A client; `state` is what the box says of itself.
    pub fn new(state: &Value, shared: Arc<Shared>) -> Result<Api, String> {
        let word = |key: &str| state[key].as_str().unwrap_or_default();
        let (account, token) = (word("account"), word("token"));
        let base = format!("{}/2010-04-01/Accounts/{account}/", word("api"));
        let mut base = url::Url::parse(&base).map_err(|error| format!("{base}: {error}"))?;
        base.set_username(account)
            .and_then(|()| base.set_password(Some(token)))
            .map_err(|()| "bad base".to_string())?;
        let client = Client::new(tipring_egress::Config::default()).map_err(|fault| fault.to_string())?;
        Ok(Api { client, base, shared, answers: Arc::default() })
    }

    /// Asks until the box is dead, or this is dropped.
    pub async fn pester(self) {
        loop {
            while let Some(call) = self.shared.next_to_end() {
                let _ = self.end(call).await;
            }
            let _ = self.list("Calls", "calls").await;
            let _ = self.list("Recordings", "recordings").await;
            for sid in self.shared.deletable().into_iter().filter(|sid| sid.id % DELETED == 0) {
                let _ = self.delete(sid).await;
            }
            // How a client behaves; nothing waits for it to be over.
            tokio::time::sleep(EVERY).await;
        }
    }

    /// The number's status callback; the number's SID.
    pub async fn set_callback(&self, url: &str) -> Result<Sid, String> {
        let listed = self.ask(Method::Get, "IncomingPhoneNumbers.json", "").await?;
        let sid = listed["incoming_phone_numbers"][0]["sid"].as_str().unwrap_or_default().to_string();
        let form = url::form_urlencoded::Serializer::new(String::new()).append_pair("StatusCallback", url).finish();
        self.ask(Method::Post, &format!("IncomingPhoneNumbers/{sid}.json"), &form).await?;
        sid.parse().map_err(|_| format!("the number has no SID: {listed}"))
    }

    /// One resource as it is shown.
    pub async fn show(&self, path: &str) -> Result<Value, String> {
        self.ask(Method::Get, path, "").await
    }

    /// A recording's sound.
    pub async fn sound(&self, recording: Sid) -> Result<Vec<u8>, String> {
        self.octets(Method::Get, &format!("Recordings/{recording}.wav"), "").await
    }

    async fn end(&self, call: Sid) -> Result<(), String> {
        let shown = self.ask(Method::Post, &format!("Calls/{call}.json"), "Status=completed").await?;
        self.note(&shown);
        Ok(())
    }

    async fn delete(&self, sid: Sid) -> Result<(), String> {
        let path = match sid.kind {
            SidKind::Call => format!("Calls/{sid}.json"),
            _ => format!("Recordings/{sid}.json"),
        };
        self.shared.tell(&[sid], |facts| facts.deletion(sid, false));
        self.octets(Method::Delete, &path, "").await?;
        self.shared.tell(&[sid], |facts| facts.deletion(sid, true));
        Ok(())
    }

    async fn list(&self, path: &str, key: &str) -> Result<(), String> {
        let listed = self.ask(Method::Get, &format!("{path}.json?PageSize=50"), "").await?;
        for item in listed[key].as_array().into_iter().flatten() {
            self.note(item);
        }
        Ok(())
    }

    fn note(&self, item: &Value) {
        let Some(Ok(sid)) = item["sid"].as_str().map(str::parse::<Sid>) else {
            return;
        };
        let status = item["status"].as_str().unwrap_or_default();
        let seconds = item["duration"].as_str().and_then(|text| text.parse().ok());
        self.shared.tell(&[sid], |facts| match sid.kind {
            SidKind::Call => facts.call(sid, CallStatus::from_wire(status)),
            SidKind::Recording => facts.recording(sid, RecordingStatus::from_wire(status), seconds),
            _ => {}
        });
    }

    async fn ask(&self, method: Method, path: &str, form: &str) -> Result<Value, String> {
        let octets = self.octets(method, path, form).await?;
        serde_json::from_slice(&octets).map_err(|error| format!("{path}: {error}"))
    }

    async fn octets(&self, method: Method, path: &str, form: &str) -> Result<Vec<u8>, String> {
        let url = self.base.join(path).map_err(|error| format!("{path}: {error}"))?;
        let headers = match method {
            Method::Post => vec![("Content-Type".to_string(), "application/x-www-form-urlencoded".to_string())],
            _ => Vec::new(),
        };
        let limits = Limits { max_body: 4 * 1024 * 1024, ..Limits::default() };
        let request = Request { method, url, headers, body: form.to_string().into(), limits };
        let response = self.client.send(request).await.map_err(|fault| format!("{path}: {fault}"))?;
        let status = response.status;
        let octets = response.bytes().await.map_err(|fault| format!("{path}: {fault}"))?;
        if !(200..300).contains(&status) {
            return Err(format!("{path}: {status} {}", String::from_utf8_lossy(&octets)));
        }
        self.answers.fetch_add(1, Ordering::Relaxed);
        Ok(octets.to_vec())
    }
}
