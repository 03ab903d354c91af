//! A client of the API: makes calls, lists, ends calls, deletes calls and recordings, sets the numbers' callback. Whatever
//! a 2xx told it is a fact from then on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::Value;
use tipring_egress::{Client, Limits, Method, Request};
use tipring_resources::{CallStatus, RecordingStatus, Sid, SidKind};

use crate::application::Shared;
use crate::facts::Told;
use crate::orders::{Made, Order, Orders};

/// Between two rounds of lists.
const EVERY: Duration = Duration::from_millis(50);
/// The callers' numbers: one on the PRI, one of each analogue line.
const NUMBERS_MIN: usize = 3;
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
    pub async fn pester(self, mut orders: Orders) {
        loop {
            for order in orders.due(&self.shared) {
                if let Ok(sid) = self.make(&order).await {
                    orders.made(Made { sid, order });
                }
            }
            for (sid, how) in orders.to_end(&self.shared) {
                let _ = self.change(sid, how).await;
            }
            while let Some(call) = self.shared.next_to_end() {
                let _ = self.change(call, "completed").await;
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

    /// The status callback of the numbers that the callers ring; their SIDs.
    pub async fn set_callback(&self, url: &str) -> Result<Vec<Sid>, String> {
        let listed = self.ask(Method::Get, "IncomingPhoneNumbers.json", "").await?;
        let form = url::form_urlencoded::Serializer::new(String::new()).append_pair("StatusCallback", url).finish();
        let mut numbers = Vec::new();
        for number in listed["incoming_phone_numbers"].as_array().into_iter().flatten() {
            let sid = number["sid"].as_str().unwrap_or_default();
            self.ask(Method::Post, &format!("IncomingPhoneNumbers/{sid}.json"), &form).await?;
            numbers.push(sid.parse().map_err(|_| format!("a number has no SID: {listed}"))?);
        }
        if numbers.len() < NUMBERS_MIN { Err(format!("numbers are missing: {listed}")) } else { Ok(numbers) }
    }

    /// One resource as it is shown.
    pub async fn show(&self, path: &str) -> Result<Value, String> {
        self.ask(Method::Get, path, "").await
    }

    /// A recording's sound.
    pub async fn sound(&self, recording: Sid) -> Result<Vec<u8>, String> {
        self.octets(Method::Get, &format!("Recordings/{recording}.wav"), "").await
    }

    /// A call of the API; its SID.
    async fn make(&self, order: &Order) -> Result<Sid, String> {
        let made = self.ask(Method::Post, "Calls.json", &order.form).await?;
        let sid = made["sid"].as_str().and_then(|sid| sid.parse::<Sid>().ok()).ok_or("a 201 without a SID")?;
        self.shared.tell(&[sid], |facts| facts.call(sid, None, Told { made: true, ..Told::default() }));
        self.note(&made);
        Ok(sid)
    }

    async fn change(&self, call: Sid, status: &str) -> Result<(), String> {
        let shown = self.ask(Method::Post, &format!("Calls/{call}.json"), &format!("Status={status}")).await?;
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
            SidKind::Call => {
                let parent = item["parent_call_sid"].as_str().and_then(|text| text.parse().ok());
                facts.call(sid, CallStatus::from_wire(status), Told { seconds, parent, ..Told::default() });
            }
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
