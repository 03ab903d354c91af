//! Calls as resources.

use axum::body::Body;
use tipring_resources::{CallStatus, Code, Level, Method, Notification, Record, Sid, SidKind};

use crate::support::*;

fn path_of(id: u128) -> String {
    format!("/Calls/{}.json", call(id, CallStatus::Busy).sid)
}

#[tokio::test]
async fn c1_a_call_has_one_lasting_address() {
    let desk = Desk::new().await;
    desk.put_calls(1..2, CallStatus::InProgress).await;
    let live = desk.get(&path_of(1)).await.json();
    assert_eq!(
        (live["status"].as_str(), live["uri"].as_str()),
        (Some("in-progress"), Some(below(&path_of(1)).as_str()))
    );
    desk.put_calls(1..2, CallStatus::Completed).await;
    assert_eq!(desk.get(live["uri"].as_str().unwrap()).await.json()["status"], "completed");
    let bare = desk.get(&path_of(1).replace(".json", "")).await;
    assert_eq!(bare.json()["status"], "completed", "no suffix is JSON too");
    assert_eq!(desk.get(&path_of(2)).await.fault(), (404, 20404));
}

#[tokio::test]
async fn c2_the_method_decides_and_a_wrong_one_changes_nothing() {
    let desk = Desk::new().await;
    desk.put_calls(1..2, CallStatus::Completed).await;
    for (method, path) in [
        ("DELETE", "/Calls.json".to_string()),
        ("PATCH", path_of(1)),
        ("DELETE", ".json".into()),
        ("POST", "/Recordings.json".into()),
        ("PUT", "/Notifications.json".into()),
        ("OPTIONS", "/Calls.json".into()),
        ("DELETE", "/IncomingPhoneNumbers.json".into()),
        ("DELETE", "/Conferences.json".into()),
    ] {
        let got = desk.send(request(method, &path).body(Body::empty()).unwrap()).await;
        assert_eq!(got.fault(), (405, 20004), "{method} {path}");
        assert!(got.headers.contains_key("allow"));
    }
    assert_eq!(desk.get(&path_of(1)).await.json()["status"], "completed");
    let head = desk.send(request("HEAD", &path_of(1)).body(Body::empty()).unwrap()).await;
    assert_eq!((head.status.as_u16(), head.body.len()), (200, 0));
    assert_eq!(desk.delete(&path_of(1)).await.status, 204);
    assert_eq!(desk.get(&path_of(1)).await.fault(), (404, 20404));
}

#[tokio::test]
async fn c4_status_completed_ends_a_living_call_and_only_that() {
    let desk = Desk::new().await;
    let living = call(1, CallStatus::InProgress);
    desk.store.put(Record::Call(living.clone())).await.unwrap();
    desk.live.living.lock().unwrap().insert(living.sid, living);
    assert_eq!(desk.delete(&path_of(1)).await.fault(), (400, 20009), "not while it lives");
    assert_eq!(desk.post(&path_of(1), "Status=ended").await.fault(), (400, 20002));
    assert_eq!(desk.post(&path_of(1), "Unknown=1").await.json()["status"], "in-progress", "unknown is passed over");
    let ended = desk.post(&path_of(1), "Status=completed&Url=http%3A%2F%2Fapp%2F").await;
    assert_eq!((ended.status.as_u16(), ended.json()["status"].as_str()), (200, Some("completed")));
    assert_eq!(desk.get(&path_of(1)).await.json()["status"], "completed", "the answer waited for the commit");
    assert_eq!(desk.post(&path_of(1), "Status=completed").await.fault(), (400, 21220));
    assert_eq!(desk.post(&path_of(1), "Twiml=%3CResponse%2F%3E").await.fault(), (400, 21220));
    assert_eq!(desk.post(&path_of(9), "Status=completed").await.fault(), (404, 20404));
    desk.put_calls(2..3, CallStatus::InProgress).await;
    assert_eq!(desk.post(&path_of(2), "Status=canceled").await.fault(), (503, 20503), "another box has it");
}

#[tokio::test]
async fn c16_fields_appear_when_they_are_true() {
    let desk = Desk::new().await;
    for (id, status) in [(1, CallStatus::Queued), (2, CallStatus::InProgress), (3, CallStatus::Completed)] {
        desk.put_calls(id..id + 1, status).await;
    }
    desk.put_calls(4..5, CallStatus::NoAnswer).await;
    let mut calls = Vec::new();
    for id in 1..=4 {
        calls.push(desk.get(&path_of(id)).await.json());
    }
    let given = |id: usize, name: &str| !calls[id - 1][name].is_null();
    assert_eq!([1, 2, 3, 4].map(|id| given(id, "start_time")), [false, true, true, true]);
    assert_eq!([1, 2, 3, 4].map(|id| given(id, "end_time")), [false, false, true, true]);
    assert_eq!([1, 2, 3, 4].map(|id| given(id, "duration")), [false, false, true, true]);
    assert!(calls.iter().all(|call| call["price"].is_null()));
    assert_eq!((calls[2]["duration"].as_str(), calls[3]["duration"].as_str()), (Some("4"), Some("0")));
    assert_eq!(calls[2]["start_time"], "Thu, 01 Jan 1970 00:16:43 +0000");
}

#[tokio::test]
async fn every_field_of_the_peers_call_is_there() {
    let desk = Desk::new().await;
    desk.put_calls(1..2, CallStatus::Ringing).await;
    let shown = desk.get(&path_of(1)).await.json();
    let mut names: Vec<&str> = shown.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    let wanted = "account_sid answer_certainty answer_supervision answered_by api_version caller_name date_created date_updated direction duration end_time \
        forwarded_from from from_formatted group_sid hangup_cause hangup_evidence line parent_call_sid phone_number_sid price price_unit queue_time sid \
        start_time status subresource_uris to to_formatted trunk trunk_sid uri";
    assert_eq!(names, wanted.split_whitespace().collect::<Vec<_>>());
}

#[tokio::test]
async fn c34_120_calls_add_up_over_pages_while_others_arrive() {
    let desk = Desk::new().await;
    desk.put_calls(1..121, CallStatus::Completed).await;
    let (mut path, mut sizes, mut seen) =
        ("/Calls.json?PageSize=50&Status=completed".to_string(), Vec::new(), Vec::new());
    let mut second_previous = None;
    loop {
        let page = desk.get(&path).await.json();
        desk.put_calls(500 + 10 * sizes.len() as u128..503 + 10 * sizes.len() as u128, CallStatus::Completed).await;
        let calls = page["calls"].as_array().unwrap();
        assert_eq!((page["page"].as_u64(), page["page_size"].as_u64()), (Some(sizes.len() as u64), Some(50)));
        assert_eq!(page["start"].as_u64(), Some(50 * sizes.len() as u64));
        assert_eq!(page["end"].as_u64(), Some(50 * sizes.len() as u64 + calls.len() as u64 - 1));
        assert_eq!(page["previous_page_uri"].is_null(), sizes.is_empty());
        if sizes.len() == 1 {
            second_previous = page["previous_page_uri"].as_str().map(String::from);
        }
        sizes.push(calls.len());
        seen.extend(calls.iter().map(|call| call["sid"].as_str().unwrap().to_string()));
        match page["next_page_uri"].as_str() {
            Some(next) => {
                assert!(next.starts_with("/2010-04-01/") && next.contains("Status=completed"), "{next}");
                path = next.to_string();
            }
            None => break,
        }
    }
    assert_eq!(sizes, [50, 50, 20]);
    let distinct: std::collections::BTreeSet<_> = seen.iter().collect();
    assert_eq!((seen.len(), distinct.len()), (120, 120));
    let back = desk.get(&second_previous.unwrap()).await.json();
    let sids: Vec<&str> = back["calls"].as_array().unwrap().iter().map(|call| call["sid"].as_str().unwrap()).collect();
    assert_eq!(sids, seen[..50], "back is the first page again");
    let far = desk.get("/Calls.json?PageSize=50&Page=2").await.json();
    assert_eq!(far["calls"].as_array().unwrap().len(), 29, "129 calls by number alone");
}

#[tokio::test]
async fn c34_filters_by_state_and_date_give_exact_sets() {
    let desk = Desk::new().await;
    desk.put_calls(1..11, CallStatus::Completed).await;
    desk.put_calls(11..14, CallStatus::Busy).await;
    let count =
        async |query: &str| desk.get(&format!("/Calls.json?{query}")).await.json()["calls"].as_array().unwrap().len();
    assert_eq!(count("Status=busy").await, 3);
    assert_eq!(count("Status=busy&StartTime%3E=1970-01-01T00:16:52Z").await, 2);
    assert_eq!(count("StartTime%3C=1970-01-01T00:16:42Z").await, 2);
    assert_eq!(count("StartTime=1970-01-01").await, 13);
    assert_eq!(count("StartTime%3E=1970-01-02").await, 0);
    assert_eq!(count("To=%2B19995550000").await, 0);
    assert_eq!(count("From=%2B12025550123&EndTime%3C=1970-01-01").await, 13);
    assert_eq!(count("Status=&Nonsense=1").await, 13);
    for bad in ["Status=odd", "StartTime=soon", "ParentCallSid=RE1", "PageSize=x", "PageSize=0", "Page=-1"] {
        assert_eq!(desk.get(&format!("/Calls.json?{bad}")).await.fault(), (400, 20002), "{bad}");
    }
    assert_eq!(desk.get("/Calls.json?PageSize=1001").await.fault(), (400, 20007));
    assert_eq!(desk.get("/Calls.json?PageToken=PTx").await.fault(), (400, 21481));
}

#[tokio::test]
async fn c32_a_notification_names_url_code_and_the_body_received() {
    let desk = Desk::new().await;
    desk.put_calls(1..2, CallStatus::Completed).await;
    let notification = Notification {
        sid: Sid::new(SidKind::Notification, 1),
        account: me(),
        call: Some(call(1, CallStatus::Busy).sid),
        level: Level::Error,
        code: Code(12100),
        text: "line 1, column 11: </Say> is missing".into(),
        at: at(1001),
        request_url: "http://app/voice".into(),
        request_method: Some(Method::Post),
        request_variables: "CallSid=CA1".into(),
        response_headers: "content-type: text/xml".into(),
        response_body: "<Response><Say>".into(),
    };
    desk.store.put(Record::Notification(notification)).await.unwrap();
    let of_call = path_of(1).replace(".json", "/Notifications.json");
    let list = desk.get(&format!("{of_call}?Log=0")).await.json();
    let entry = &list["notifications"][0];
    assert_eq!((entry["error_code"].as_str(), entry["log"].as_str()), (Some("12100"), Some("0")));
    assert_eq!(entry["more_info"], "http://box/errors/12100");
    assert!(entry.get("response_body").is_none(), "the list is short");
    let whole = desk.get(entry["uri"].as_str().unwrap()).await.json();
    assert_eq!(whole["request_url"], "http://app/voice");
    assert_eq!(whole["response_body"], "<Response><Say>");
    assert_eq!(desk.get("/Notifications.json?Log=1").await.json()["notifications"], serde_json::json!([]));
    assert_eq!(
        desk.get("/Notifications.json?MessageDate=1970-01-01").await.json()["notifications"][0]["sid"],
        entry["sid"]
    );
    assert_eq!(desk.get(&path_of(9).replace(".json", "/Notifications.json")).await.fault(), (404, 20404));
}
