//! Who may ask, and what the others learn: nothing.

use std::sync::atomic::Ordering;

use axum::body::Body;
use axum::http::{Request, header};
use tipring_resources::{AccountStatus, CallStatus, Record, RecordingStatus};

use crate::support::*;

const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"];

#[tokio::test]
async fn e5_no_or_wrong_credentials_are_401_on_every_path_and_method() {
    let desk = Desk::new().await;
    desk.put_calls(1..2, CallStatus::Completed).await;
    desk.store.put(Record::Recording(recording(1, RecordingStatus::Completed))).await.unwrap();
    let there = call(1, CallStatus::Completed).sid;
    let paths = [
        "/2010-04-01".to_string(),
        "/2010-04-01/Accounts.json".into(),
        "/2010-04-01/Nothing/at/all".into(),
        below(".json"),
        below("/Calls.json"),
        below(&format!("/Calls/{there}.json")),
        below("/Calls/CA00000000000000000000000000000099.json"),
        below("/Recordings/RE00000000000000000000000000000001.wav"),
        below("/Recordings/RE00000000000000000000000000000001"),
        below("/IncomingPhoneNumbers.json"),
        below("/Queues.json"),
    ];
    let unknown = "AC00000000000000000000000000000077".to_string();
    let credentials = [
        None,
        Some(basic(&me().to_string(), "token-2")),
        Some(basic(&me().to_string(), "")),
        Some(basic(&unknown, "token-1")),
        Some(basic("", "")),
        Some("Basic !!!".into()),
        Some("Bearer token-1".into()),
        Some(format!("Basic {}", "A".repeat(9000))),
    ];
    for path in &paths {
        for method in METHODS {
            let mut bodies = Vec::new();
            for value in &credentials {
                let mut request = Request::builder().method(method).uri(path);
                if let Some(value) = value {
                    request = request.header(header::AUTHORIZATION, value);
                }
                let got = desk.send(request.body(Body::empty()).unwrap()).await;
                assert_eq!(got.status, 401, "{method} {path} {value:?}");
                assert!(got.headers[header::WWW_AUTHENTICATE].to_str().unwrap().starts_with("Basic realm="));
                if method != "HEAD" {
                    assert_eq!(got.fault(), (401, 20003));
                }
                bodies.push(got.body);
            }
            assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]), "they tell nothing apart");
        }
    }
    let asked = paths.len() * METHODS.len() * credentials.len();
    assert_eq!(desk.live.refused.load(Ordering::Relaxed), asked as u64, "each is counted");
}

#[tokio::test]
async fn e10_another_accounts_things_look_like_missing_ones() {
    let desk = Desk::new().await;
    desk.put_calls(1..2, CallStatus::Completed).await;
    desk.store.put(Record::Recording(recording(1, RecordingStatus::Completed))).await.unwrap();
    desk.store.put_number(number(1, 1, "+12025550100")).await.unwrap();
    let (call, re) = ("CA00000000000000000000000000000001", "RE00000000000000000000000000000001");
    let stranger = account(2);
    let other = "/2010-04-01/Accounts/AC00000000000000000000000000000002";
    let own = "/2010-04-01/Accounts/AC00000000000000000000000000000001";
    let missing = "/2010-04-01/Accounts/AC00000000000000000000000000000099";
    let rests = [
        format!("/Calls/{call}.json"),
        format!("/Recordings/{re}.json"),
        format!("/Recordings/{re}.wav"),
        format!("/Calls/{call}/Recordings.json"),
        format!("/Calls/{call}/Notifications.json"),
        "/IncomingPhoneNumbers/PN00000000000000000000000000000001.json".into(),
    ];
    for rest in &rests {
        let mut told = Vec::new();
        for base in [own, missing, other] {
            for method in ["GET", "DELETE", "POST"] {
                let request = Request::builder().method(method).uri(format!("{base}{rest}"));
                let request = request.header(header::AUTHORIZATION, basic(&stranger.sid.to_string(), &stranger.token));
                let got = desk.send(request.body(Body::empty()).unwrap()).await;
                if got.status != 405 {
                    assert_eq!(got.fault(), (404, 20404), "{method} {base}{rest}");
                    told.push(got.body);
                }
            }
        }
        assert!(told.windows(2).all(|pair| pair[0] == pair[1]), "{rest}");
        assert_eq!(
            desk.get(&format!("{own}{rest}")).await.status == 200,
            !rest.ends_with(".wav"),
            "still there: {rest}"
        );
    }
    let lists = desk.send(
        Request::builder()
            .uri(format!("{other}/Calls.json"))
            .header(header::AUTHORIZATION, basic(&stranger.sid.to_string(), &stranger.token))
            .body(Body::empty())
            .unwrap(),
    );
    assert_eq!(lists.await.json()["calls"], serde_json::json!([]));
}

#[tokio::test]
async fn a_suspended_account_is_told_so() {
    let desk = Desk::new().await;
    let mut suspended = account(1);
    suspended.status = AccountStatus::Suspended;
    desk.store.put_account(suspended).await.unwrap();
    assert_eq!(desk.get("/Calls.json").await.fault(), (403, 20005));
}

#[tokio::test]
async fn the_account_is_shown_and_renamed() {
    let desk = Desk::new().await;
    let shown = desk.get(".json").await.json();
    assert_eq!((shown["sid"].as_str(), shown["status"].as_str()), (Some(me().to_string().as_str()), Some("active")));
    assert_eq!(shown["date_created"], "Thu, 01 Jan 1970 00:00:00 +0000");
    assert_eq!(shown["subresource_uris"]["calls"], below("/Calls.json"));
    let renamed = desk.post(".json", "FriendlyName=M%C3%BCller+%26+S%C3%B6hne").await;
    assert_eq!((renamed.status.as_u16(), renamed.json()["friendly_name"].as_str()), (200, Some("Müller & Söhne")));
    assert_eq!(desk.live.told.lock().unwrap().len(), 1, "and the router was told");
    assert!(desk.live.told.lock().unwrap()[0].1);
    assert_eq!(desk.post(".json", "Status=closed").await.fault(), (400, 21477));
    let list = desk.get("/2010-04-01/Accounts.json").await.json();
    assert_eq!(list["accounts"].as_array().unwrap().len(), 1, "its own only");
}
