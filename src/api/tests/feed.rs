//! Lines, spans, and the stream of what happens.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::{StatusCode, header};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tipring_api::SpanState;
use tipring_resources::{Call, CallStatus, Record};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tower::ServiceExt as _;

use crate::support::*;

fn spans() -> Vec<SpanState> {
    let pri = SpanState {
        name: "dahdi 1".into(),
        up: true,
        errors: vec![("crc4", 3)],
        lines: vec![(1, "idle"), (2, "talking")],
        ..SpanState::default()
    };
    let ports = SpanState { name: "dahdi 2".into(), analog: true, lines: vec![(1, "down")], ..SpanState::default() };
    vec![pri, ports]
}

fn telephones() -> SpanState {
    let lines = vec![(1, "idle"), (2, "idle")];
    SpanState { name: "dahdi 3".into(), analog: true, lines, telephones: vec![2], ..SpanState::default() }
}

async fn with_a_card() -> Desk {
    let desk = Desk::new().await;
    *desk.live.spans.lock().unwrap() = spans();
    desk
}

#[tokio::test]
async fn lines_and_spans_are_listed_found_and_filtered_for_the_boxs_own_account() {
    let desk = with_a_card().await;
    desk.live.goes_on(Call { line: "dahdi 1/2".into(), ..call(1, CallStatus::InProgress) });
    let all = desk.get("/Lines.json").await.json();
    let names: Vec<&Value> = all["lines"].as_array().unwrap().iter().map(|line| &line["name"]).collect();
    assert_eq!(names, ["dahdi 1/1", "dahdi 1/2", "dahdi 2/1"]);
    let one = desk.get(all["lines"][1]["uri"].as_str().unwrap()).await.json();
    assert_eq!(one, all["lines"][1]);
    assert_eq!((&one["status"], &one["call_sid"]), (&json!("talking"), &json!(call(1, CallStatus::Queued).sid)));
    let idle = desk.get("/Lines.json?Status=idle&Span=dahdi%201").await.json();
    assert_eq!(idle["lines"].as_array().unwrap().len(), 1);
    let page = desk.get("/Lines.json?PageSize=2").await.json();
    let next = desk.get(page["next_page_uri"].as_str().unwrap()).await.json();
    assert_eq!((next["lines"].as_array().unwrap().len(), &next["next_page_uri"]), (1, &Value::Null));
    let span = desk.get("/Spans/dahdi%201.json").await.json();
    assert_eq!(
        (&span["status"], &span["errors"]["crc4"], &span["signalling"]),
        (&json!("up"), &json!(3), &json!("pri"))
    );
    assert_eq!(desk.get("/Spans.json").await.json()["spans"].as_array().unwrap().len(), 2);
    for nothing in ["/Lines/dahdi%201%2F9.json", "/Spans/dahdi%203.json"] {
        assert_eq!(desk.get(nothing).await.fault(), (404, 20404));
    }
    let branch = desk.post("/2010-04-01/Accounts.json", "").await.json();
    let below = format!("/2010-04-01/Accounts/{}/Lines.json", branch["sid"].as_str().unwrap());
    assert_eq!(desk.get(&below).await.fault(), (404, 20404), "a tenant has no lines");
}

/// An event stream that is read.
struct Stream {
    body: BodyDataStream,
    text: String,
}

impl Stream {
    async fn open(desk: &Desk, query: &str, last: Option<&str>) -> Stream {
        let mut request = request("GET", &format!("/EventStream{query}"));
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let answer = desk.app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.headers()[header::CONTENT_TYPE], "text/event-stream");
        assert_eq!(answer.headers()[header::CACHE_CONTROL], "no-store");
        Stream { body: answer.into_body().into_data_stream(), text: String::new() }
    }

    /// The next block of lines; `None`: the stream is over.
    async fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_string(), rest.to_string());
                self.text = rest;
                return Some(block);
            }
            let piece = tokio::time::timeout(Duration::from_secs(20), self.body.next()).await.expect("it stands still");
            self.text.push_str(std::str::from_utf8(&piece?.unwrap()).unwrap());
        }
    }

    /// The next event, with its id.
    async fn event(&mut self) -> (String, Value) {
        let block = self.block().await.unwrap();
        let of = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().to_string();
        let told: Value = serde_json::from_str(&of("data: ")).unwrap();
        assert_eq!(told["type"], of("event: "));
        (of("id: "), told)
    }
}

#[tokio::test]
async fn dev5_events_come_after_their_commit_in_the_shape_of_their_resource_and_go_on_after_a_break() {
    let desk = Desk::new().await;
    let mut stream = Stream::open(&desk, "", None).await;
    assert!(stream.block().await.unwrap().starts_with("retry: 1000\nid: "));
    let ringing = call(1, CallStatus::Ringing);
    desk.store.put(Record::Call(ringing.clone())).await.unwrap();
    let (id, first) = stream.event().await;
    assert_eq!((&first["id"], &first["type"], &first["account_sid"]), (&json!(id), &json!("call"), &json!(me())));
    let shown = desk.get(&format!("/Calls/{}.json", ringing.sid)).await.json();
    assert_eq!(first["data"], shown);
    drop(stream);
    for id in 2..500 {
        desk.store.put(Record::Call(call(id, CallStatus::Completed))).await.unwrap();
    }
    let mut again = Stream::open(&desk, "", Some(&id)).await;
    again.block().await.unwrap();
    for id in 2..500 {
        let (_, told) = again.event().await;
        assert_eq!(told["data"]["sid"], json!(call(id, CallStatus::Completed).sid));
    }
    let mut lost = Stream::open(&desk, &format!("?LastEventId={}", "1-7"), None).await;
    assert!(lost.block().await.unwrap().contains("event: reset"), "an id of before a restart");
    let faults = [("/EventStream?Types=call,calls", (400, 20002)), ("/EventStream.csv", (404, 20404))];
    for (path, fault) in faults {
        assert_eq!(desk.get(path).await.fault(), fault, "{path}");
    }
}

#[tokio::test]
async fn a_span_in_alarm_and_a_line_that_is_taken_are_events_of_the_box() {
    let desk = with_a_card().await;
    let mut stream = Stream::open(&desk, "?Types=span,line", None).await;
    stream.block().await.unwrap();
    let mut now = spans();
    now[0].alarms = vec!["red"];
    now[0].up = false;
    now[0].lines[0].1 = "ringing";
    *desk.live.spans.lock().unwrap() = now;
    let (mut alarm, mut ringing) = (false, false);
    while !(alarm && ringing) {
        let (_, told) = stream.event().await;
        alarm |= told["type"] == "span" && told["data"]["alarms"] == json!(["red"]);
        ringing |= told["type"] == "line" && told["data"]["name"] == "dahdi 1/1" && told["data"]["status"] == "ringing";
        assert_eq!(told["account_sid"], Value::Null);
    }
}

#[tokio::test]
async fn s29_a_stream_ends_with_its_credentials_and_has_a_sign_of_life_until_then() {
    let pulse = Some(Duration::from_millis(10));
    let desk = Desk::with(tipring_api::Options { pulse, ..tipring_api::Options::default() }).await;
    let key = desk.post("/Keys.json", "").await.json();
    let (user, secret) = (key["sid"].as_str().unwrap(), key["secret"].as_str().unwrap());
    let request = axum::http::Request::builder()
        .uri(below("/EventStream"))
        .header(header::AUTHORIZATION, basic(user, secret))
        .body(Body::empty())
        .unwrap();
    let answer = desk.app.clone().oneshot(request).await.unwrap();
    let mut stream = Stream { body: answer.into_body().into_data_stream(), text: String::new() };
    stream.block().await.unwrap();
    assert_eq!(stream.block().await.unwrap(), ": still here");
    assert_eq!(desk.delete(&below(&format!("/Keys/{user}.json"))).await.status, 204);
    while let Some(block) = stream.block().await {
        assert_eq!(block, ": still here");
    }
}

#[tokio::test]
async fn s29_a_page_of_another_origin_hears_nothing_and_sixty_five_do_not_fit() {
    let desk = Desk::new().await;
    let from = |origin: &str| request("GET", "/EventStream").header("origin", origin).header("host", "box:8080");
    for origin in ["http://evil.test", "null", "http://box", "http://box:8080.evil.test"] {
        let got = desk.send(from(origin).body(Body::empty()).unwrap()).await;
        assert_eq!(got.fault(), (403, 20403), "{origin}");
    }
    let own = desk.app.clone().oneshot(from("http://box:8080").body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(own.status(), 200);
    let mut open = vec![Stream { body: own.into_body().into_data_stream(), text: String::new() }];
    for _ in 1..64 {
        open.push(Stream::open(&desk, "", None).await);
    }
    assert_eq!(desk.get("/EventStream").await.fault(), (429, 20429));
    for mut stream in open {
        stream.block().await.unwrap();
    }
    while desk.app.clone().oneshot(from("http://box:8080").body(Body::empty()).unwrap()).await.unwrap().status() != 200
    {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn dev5_the_same_over_a_websocket() {
    let desk = Desk::new().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = desk.app.clone();
    tokio::spawn(async move { axum::serve(listener, app).await });
    let connect = async |query: &str, token: &str| {
        let mut request = format!("ws://{address}{}{query}", below("/EventStream")).into_client_request().unwrap();
        request.headers_mut().insert(header::AUTHORIZATION, basic(&me().to_string(), token).parse().unwrap());
        let stream = tokio::net::TcpStream::connect(address).await.unwrap();
        tokio_tungstenite::client_async(request, stream).await.map(|(socket, _)| socket)
    };
    assert!(connect("", "wrong").await.is_err());
    let mut socket = connect("?Types=call", "token-1").await.unwrap();
    let mut next = async || loop {
        match socket.next().await {
            Some(Ok(Message::Text(text))) => return serde_json::from_str::<Value>(&text).unwrap(),
            Some(Ok(_)) => {}
            other => panic!("{other:?}"),
        }
    };
    let hello = next().await;
    assert_eq!(hello["type"], "open");
    desk.store.put(Record::Call(call(1, CallStatus::Ringing))).await.unwrap();
    desk.store.put(Record::Call(call(1, CallStatus::Completed))).await.unwrap();
    assert_eq!(next().await["data"]["status"], "ringing");
    assert_eq!(next().await["data"]["status"], "completed");
    let mut again = connect(&format!("?LastEventId={}", hello["id"].as_str().unwrap()), "token-1").await.unwrap();
    let mut types = Vec::new();
    for _ in 0..3 {
        if let Some(Ok(Message::Text(text))) = again.next().await {
            types.push(serde_json::from_str::<Value>(&text).unwrap()["type"].clone());
        }
    }
    assert_eq!(types, ["open", "call", "call"]);
    again.send(Message::Close(None)).await.unwrap();
    let end = again.next().await;
    assert!(matches!(end, Some(Ok(Message::Close(_)))), "{end:?}");
}

#[tokio::test]
async fn a_telephone_of_the_box_is_told_that_messages_wait_and_no_other_line_is() {
    let desk = with_a_card().await;
    desk.live.spans.lock().unwrap().push(telephones());
    for (name, signalling) in [("dahdi%203%2F1", "analog"), ("dahdi%203%2F2", "telephone")] {
        assert_eq!(desk.get(&format!("/Lines/{name}.json")).await.json()["signalling"], signalling);
    }
    for (form, waiting) in [("MessagesWaiting=true", true), ("MessagesWaiting=False", false)] {
        desk.live.requests.lock().unwrap().clear();
        let _ = desk.post("/Lines/dahdi%203%2F2.json", form).await;
        let wanted = tipring_router::Request::MessagesWait { line: "dahdi 3/2".into(), waiting };
        assert_eq!(desk.live.requests.lock().unwrap()[..], [wanted]);
    }
    desk.live.requests.lock().unwrap().clear();
    for (name, form, fault) in [
        ("dahdi%203%2F1", "MessagesWaiting=true", (400, 20001)),
        ("dahdi%201%2F1", "MessagesWaiting=true", (400, 20001)),
        ("dahdi%203%2F9", "MessagesWaiting=true", (404, 20404)),
    ] {
        assert_eq!(desk.post(&format!("/Lines/{name}.json"), form).await.fault(), fault, "{name}");
    }
    for form in ["", "MessagesWaiting=maybe"] {
        assert_eq!(desk.post("/Lines/dahdi%203%2F2.json", form).await.fault().0, 400, "{form}");
    }
    assert!(desk.live.requests.lock().unwrap().is_empty());
}
