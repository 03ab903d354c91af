//! Every answer has the one shape, however odd the question.

use std::sync::atomic::Ordering;

use axum::body::Body;
use axum::http::{Request, header};
use tipring_resources::Code;

use crate::support::*;

#[tokio::test]
async fn lists_have_the_one_envelope_with_one_member() {
    let desk = Desk::new().await;
    let envelope = ["page", "page_size", "start", "end", "uri", "first_page_uri", "next_page_uri", "previous_page_uri"];
    for (list, member) in [
        ("Calls", "calls"),
        ("Recordings", "recordings"),
        ("Conferences", "conferences"),
        ("Messages", "messages"),
        ("Transcriptions", "transcriptions"),
        ("OutgoingCallerIds", "outgoing_caller_ids"),
        ("Keys", "keys"),
        ("SigningKeys", "signing_keys"),
        ("SIP/Domains", "domains"),
        ("SIP/CredentialLists", "credential_lists"),
        ("SIP/IpAccessControlLists", "ip_access_control_lists"),
        ("AvailablePhoneNumbers/ZZ/Local", "available_phone_numbers"),
        ("Queues", "queues"),
        ("Applications", "applications"),
        ("IncomingPhoneNumbers", "incoming_phone_numbers"),
        ("Notifications", "notifications"),
    ] {
        let body = desk.get(&format!("/{list}.json?PageSize=1&To=%2B1")).await.json();
        let names: Vec<&str> = body.as_object().unwrap().keys().map(String::as_str).collect();
        assert!(envelope.iter().all(|name| names.contains(name)), "{names:?}");
        assert_eq!(names.len(), envelope.len() + 1, "{names:?}");
        assert_eq!(body[member], serde_json::json!([]));
        assert_eq!(body["uri"], below(&format!("/{list}.json?To=%2B1&PageSize=1&Page=0")));
        assert!(body["next_page_uri"].is_null() && body["previous_page_uri"].is_null());
    }
}

#[tokio::test]
async fn xml_has_the_same_members_and_its_own_errors() {
    let desk = Desk::new().await;
    desk.put_calls(1..4, tipring_resources::CallStatus::Completed).await;
    let shown = async |path: &str| {
        let got = desk.get(path).await;
        assert!(got.headers[header::CONTENT_TYPE].to_str().unwrap().starts_with("application/xml"), "{path}");
        (got.status.as_u16(), String::from_utf8(got.body.to_vec()).unwrap())
    };
    let (status, one) = shown("/Calls/CA00000000000000000000000000000001.xml").await;
    assert_eq!(status, 200);
    assert!(one.contains("<TwilioResponse><Call><AccountSid>AC") && one.contains("<Duration>4</Duration>"), "{one}");
    let (_, list) = shown("/Calls.xml?PageSize=2").await;
    assert!(list.contains("<Calls end=\"1\"") && list.matches("<Call>").count() == 2, "{list}");
    assert!(list.contains("/Calls.xml?PageSize=2&amp;Page=1&amp;PageToken="), "{list}");
    let (status, fault) = shown("/Calls/CA00000000000000000000000000000009.xml").await;
    assert_eq!(status, 404);
    assert!(fault.contains("<RestException><Code>20404</Code><Message>"), "{fault}");
}

#[tokio::test]
async fn what_is_not_there_is_404_whatever_it_is() {
    let desk = Desk::new().await;
    for path in [
        "/2010-04-01",
        "/2010-04-01/Nothing.json",
        "/2010-04-01/Accounts/AC00000000000000000000000000000001/Nothing.json",
        "/2010-04-01/Accounts/AC00000000000000000000000000000002/Calls.json",
        "/2010-04-01/Accounts/zz/Calls.json",
        "/2010-04-01/Accounts/%ff/Calls.json",
        "/2010-04-01/Accounts/%zz",
        "/2010-04-01/Accounts.html",
    ] {
        assert_eq!(desk.get(path).await.fault(), (404, 20404), "{path}");
    }
    for path in ["/Calls/CA1.json", "/Calls/../Calls.json", "/Conferences/CF1/Participants.json", "/Queues.csv"] {
        assert_eq!(desk.get(path).await.fault(), (404, 20404), "{path}");
    }
}

#[tokio::test]
async fn a_body_is_a_form_of_bounded_size() {
    let desk = Desk::new().await;
    let huge = format!("FriendlyName={}", "a".repeat(tipring_api::BODY_MAX));
    assert_eq!(desk.post(".json", &huge).await.fault(), (413, 20413));
    let unannounced = Body::from_stream(tokio_util::io::ReaderStream::new(tokio::io::repeat(b'a')));
    let request = request("POST", ".json").header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    assert_eq!(desk.send(request.body(unannounced).unwrap()).await.fault(), (413, 20413), "even without an end");
    for kind in ["application/json", "multipart/form-data; boundary=x", "text/plain"] {
        let request = crate::support::request("POST", ".json").header(header::CONTENT_TYPE, kind);
        assert_eq!(desk.send(request.body(Body::from("{}")).unwrap()).await.fault(), (415, 20415), "{kind}");
    }
    assert_eq!(desk.post(".json", &"a=1&".repeat(1000)).await.fault(), (413, 20413));
    assert_eq!(desk.post(".json", "FriendlyName=a%0d%0ab").await.fault(), (400, 20002));
    assert_eq!(desk.post(".json", "FriendlyName=%c3").await.fault(), (400, 20002));
    assert_eq!(desk.get("/Calls.json?To=%").await.fault(), (400, 20002));
    assert_eq!(desk.post(".json", "").await.status, 200, "nothing to change is no error");
}

#[tokio::test]
async fn links_begin_as_the_requests_own_address_did() {
    let desk = Desk::nameless().await;
    for (uri, host, link) in [
        (
            "https://api.twilio.com/2010-04-01/Accounts.json",
            Some("api.twilio.com"),
            "https://api.twilio.com/errors/20003",
        ),
        ("https://box.lan:8443/2010-04-01/Accounts.json", None, "https://box.lan:8443/errors/20003"),
        ("http://box.lan/2010-04-01/Accounts.json", Some("box.lan"), "http://box.lan/errors/20003"),
        ("/2010-04-01/Accounts.json", Some("box.lan"), "http://box.lan/errors/20003"),
        ("/2010-04-01/Accounts.json", Some("a\"b"), "/errors/20003"),
    ] {
        let mut request = Request::builder().uri(uri);
        if let Some(host) = host {
            request = request.header("host", host);
        }
        let got = desk.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(got.json()["more_info"], link, "{uri} {host:?}");
    }
}

#[tokio::test]
async fn more_info_resolves_for_every_code_without_credentials() {
    let desk = Desk::new().await;
    let fault = desk.get("/Calls/CA1.json").await.json();
    let link = fault["more_info"].as_str().unwrap().strip_prefix("http://box").unwrap().to_string();
    assert_eq!(link, "/errors/20404");
    for (code, meaning, _) in Code::all() {
        let got = desk.send(Request::builder().uri(format!("/errors/{code}")).body(Body::empty()).unwrap()).await;
        assert_eq!(got.status, 200);
        let page = String::from_utf8(got.body.to_vec()).unwrap().replace("&lt;", "<").replace("&gt;", ">");
        assert!(page.contains(meaning), "{code}");
    }
    let unknown = desk.send(Request::builder().uri("/errors/%3Cscript%3E").body(Body::empty()).unwrap()).await;
    assert_eq!(unknown.status, 404);
    assert!(!String::from_utf8(unknown.body.to_vec()).unwrap().contains("<script>"));
}

#[tokio::test]
async fn a_rate_says_when_the_next_may_come() {
    let desk = Desk::new().await;
    *desk.live.refuses.lock().unwrap() = Some((20429, "outbound.calls_per_minute"));
    for (again_s, told) in [(Some(55), "55"), (None, "1")] {
        *desk.live.again_s.lock().unwrap() = again_s;
        let got = desk.post("/Calls.json", "To=%2B12025550101&From=%2B12025550100&Url=http://app/").await;
        assert_eq!((got.fault(), &got.headers[header::RETRY_AFTER]), ((429, 20429), &told.parse().unwrap()));
    }
    *desk.live.refuses.lock().unwrap() = Some((21216, "spent"));
    let got = desk.post("/Calls.json", "To=%2B12025550101&From=%2B12025550100&Url=http://app/").await;
    assert!(got.fault() == (400, 21216) && !got.headers.contains_key(header::RETRY_AFTER), "{:?}", got.fault());
}

#[tokio::test]
async fn too_many_requests_at_once_are_turned_away_and_the_next_is_served() {
    let desk = std::sync::Arc::new(Desk::new().await);
    desk.live.hangs.store(true, Ordering::Relaxed);
    let path = "/Calls/CA00000000000000000000000000000001.json";
    let waiting: Vec<_> = (0..tipring_api::CONCURRENT_MAX)
        .map(|_| {
            let desk = std::sync::Arc::clone(&desk);
            tokio::spawn(async move { desk.post(path, "Status=completed").await })
        })
        .collect();
    while desk.live.asked.load(Ordering::Relaxed) < tipring_api::CONCURRENT_MAX as u64 {
        tokio::task::yield_now().await;
    }
    let turned_away = desk.get(".json").await;
    assert_eq!(turned_away.fault(), (429, 20429));
    assert_eq!(turned_away.headers[header::RETRY_AFTER], "1");
    waiting[0].abort();
    while !waiting[0].is_finished() {
        tokio::task::yield_now().await;
    }
    assert_eq!(desk.get(".json").await.fault(), (429, 20429), "the work of a client that left goes on");
    desk.live.hangs.store(false, Ordering::Relaxed);
    desk.live.released.notify_waiters();
    for request in waiting.into_iter().skip(1) {
        request.await.unwrap();
    }
    assert_eq!(desk.get(".json").await.status, 200);
}

#[tokio::test]
async fn a_fault_of_ours_is_500_in_the_same_shape_and_nothing_hangs_after_it() {
    let desk = Desk::new().await;
    desk.live.panics.store(true, Ordering::Relaxed);
    assert_eq!(desk.post("/IncomingPhoneNumbers.json", "PhoneNumber=100").await.fault(), (500, 20500));
    desk.live.panics.store(false, Ordering::Relaxed);
    assert_eq!(desk.post("/IncomingPhoneNumbers.json", "PhoneNumber=100").await.status, 201);
    desk.store.close().await;
    let closed = desk.get(".json").await;
    assert_eq!(closed.fault(), (503, 20503));
    assert!(!closed.json()["message"].as_str().unwrap().contains("sql"), "nothing of the inside");
}

#[tokio::test]
async fn answers_carry_a_request_id_and_its_duration() {
    let desk = Desk::new().await;
    let (first, second) = (desk.get(".json").await, desk.get(".json").await);
    let id = |got: &Got| got.headers["twilio-request-id"].to_str().unwrap().to_string();
    assert!(id(&first).starts_with("RQ") && id(&first).len() == 34 && id(&first) != id(&second));
    assert!(first.headers["twilio-request-duration"].to_str().unwrap().parse::<f64>().unwrap() < 10.0);
}
