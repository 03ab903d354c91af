//! Rooms, queues, texts, usage, the monitor: what is in the store is shown.

use std::sync::atomic::Ordering;

use axum::body::Body;
use axum::http::{Request, header};
use serde_json::{Value, json};
use tipring_resources::{CallStatus, Record, RecordingStatus, Sid, SidKind};

use crate::furnished::{self, furnished};
use crate::support::*;

fn items<'a>(body: &'a Value, member: &str) -> &'a Vec<Value> {
    body[member].as_array().unwrap_or_else(|| panic!("{member} of {body}"))
}

#[tokio::test]
async fn c31_rooms_and_who_is_in_them_are_found_by_name_and_label() {
    let desk = furnished().await;
    let room = desk.get("/Conferences/CF00000000000000000000000000000001.json").await.json();
    assert_eq!(desk.get("/Conferences/Room%20A.json").await.json(), room);
    assert_eq!(desk.get("/Conferences/Room%20B.json").await.fault(), (404, 20404), "that one is over");
    let over = desk.get("/Conferences/CF00000000000000000000000000000002.json").await.json();
    assert_eq!(over["reason_conference_ended"], "last-participant-left");
    for (query, count) in [("", 2), ("Status=completed", 1), ("FriendlyName=Room+A", 1), ("DateCreated=1999-01-01", 0)]
    {
        let list = desk.get(&format!("/Conferences.json?{query}")).await.json();
        assert_eq!(items(&list, "conferences").len(), count, "{query}");
    }
    assert_eq!(desk.get("/Conferences.json?Status=odd").await.fault(), (400, 20002));
    let by_call = "/Conferences/Room%20A/Participants/CA00000000000000000000000000000001.json";
    let one = desk.get(by_call).await.json();
    assert_eq!(desk.get("/Conferences/Room%20A/Participants/an%20agent.json").await.json(), one);
    for (query, count) in [("", 1), ("Muted=true", 1), ("Muted=false", 0), ("Hold=true", 0), ("Coaching=false", 1)] {
        let list = desk.get(&format!("/Conferences/Room%20A/Participants.json?{query}")).await.json();
        assert_eq!(items(&list, "participants").len(), count, "{query}");
    }
    let recordings = desk.get("/Conferences/CF00000000000000000000000000000001/Recordings.json").await.json();
    assert_eq!(items(&recordings, "recordings").len(), 1);
}

#[tokio::test]
async fn c10_a_queue_shows_who_waits_and_for_how_long() {
    let desk = furnished().await;
    let queue = "/Queues/QU00000000000000000000000000000001";
    let shown = desk.get(&format!("{queue}.json")).await.json();
    assert_eq!((shown["current_size"].as_u64(), shown["average_wait_time"].as_u64()), (Some(1), Some(400)));
    let front = desk.get(&format!("{queue}/Members/Front.json")).await.json();
    assert_eq!((front["position"].as_u64(), front["wait_time"].as_u64()), (Some(1), Some(400)));
    let list = desk.get(&format!("{queue}/Members.json")).await.json();
    assert_eq!(items(&list, "queue_members"), &vec![front]);
    assert_eq!(desk.get(&format!("{queue}/Members/Back.json")).await.fault(), (404, 20404));
}

#[tokio::test]
async fn c24_a_transcription_is_text_too_and_can_be_deleted() {
    let desk = furnished().await;
    let path = "/Transcriptions/TR00000000000000000000000000000001";
    let text = desk.get(&format!("{path}.txt")).await;
    assert_eq!(
        (&text.body[..], text.headers[header::CONTENT_TYPE].to_str().unwrap()),
        (&b"hello"[..], "text/plain; charset=utf-8")
    );
    let below = format!("/Recordings/RE00000000000000000000000000000001{path}.json");
    assert_eq!(desk.get(&below).await.json()["transcription_text"], "hello");
    let other = format!("/Recordings/RE00000000000000000000000000000002{path}.json");
    assert_eq!(desk.get(&other).await.fault(), (404, 20404), "not of that recording");
    let made = furnished::transcription();
    let status = tipring_resources::TranscriptionStatus::InProgress;
    let sid = Sid::new(SidKind::Transcription, 7);
    desk.store.put(Record::Transcription(tipring_resources::Transcription { sid, status, ..made })).await.unwrap();
    let running = format!("/Transcriptions/{sid}.json");
    assert_eq!(desk.delete(&running).await.fault(), (409, 20409), "its end would write it anew");
    assert_eq!(desk.delete(&below).await.status, 204);
    assert_eq!(desk.get(&format!("{path}.json")).await.fault(), (404, 20404));
}

#[tokio::test]
async fn messages_are_filtered_emptied_and_deleted() {
    let desk = furnished().await;
    let path = "/Messages/SM00000000000000000000000000000001.json";
    assert_eq!(items(&desk.get("/Messages.json?To=%2B2").await.json(), "messages").len(), 1);
    assert_eq!(items(&desk.get("/Messages.json?To=%2B3").await.json(), "messages").len(), 0);
    assert_eq!(desk.post(path, "Body=other").await.fault(), (400, 20002));
    assert_eq!(desk.post(path, "Body=").await.json()["body"], "");
    assert_eq!(desk.post(path, "Status=canceled").await.fault(), (400, 20009));
    assert_eq!(desk.post("/Messages.json", "To=%2B2&From=%2B1&Body=x").await.fault(), (503, 20503));
    assert_eq!(desk.delete(path).await.status, 204);
    assert_eq!(desk.get(path).await.fault(), (404, 20404));
}

#[tokio::test]
async fn c32_call_events_and_alerts_show_what_was_asked_and_answered() {
    let desk = furnished().await;
    let list = desk.get("/Calls/CA00000000000000000000000000000001/Events.json").await.json();
    let one = &items(&list, "events")[0];
    assert_eq!(
        (one["request"]["parameters"]["A"].as_str(), one["response"]["response_code"].as_u64()),
        (Some("1"), Some(200))
    );
    let alerts = desk.get("/2010-04-01/../v1/Alerts").await;
    assert_eq!(alerts.status, 404);
    let get = async |path: &str| {
        let request = Request::builder().uri(path).header(header::AUTHORIZATION, basic(&me().to_string(), "token-1"));
        desk.send(request.body(Body::empty()).unwrap()).await
    };
    let alerts = get("/v1/Alerts?LogLevel=warning&PageSize=1").await.json();
    assert_eq!(items(&alerts, "alerts").len(), 1);
    assert!(alerts["meta"]["url"].as_str().unwrap().starts_with("http://box/v1/Alerts?"));
    assert_eq!((alerts["meta"]["key"].as_str(), alerts["meta"]["next_page_url"].is_null()), (Some("alerts"), true));
    assert!(items(&get("/v1/Alerts?LogLevel=error").await.json(), "alerts").is_empty());
    assert_eq!(get("/v1/Alerts/NO00000000000000000000000000000001").await.json()["log_level"], "warning");
    desk.post("/Keys.json", "").await;
    desk.store.settled().await.unwrap();
    let events = get("/v1/Events?EventType=key.created").await.json();
    assert_eq!(items(&events, "events")[0]["actor_sid"], me().to_string());
    assert!(items(&events, "events")[0]["resource_sid"].as_str().unwrap().starts_with("SK"));
    assert_eq!(items(&events, "events")[0]["source_ip_address"], Value::Null, "nobody has said from where");
    assert_eq!(get("/v1/Nothing").await.fault(), (404, 20404));
    let mut request = request("POST", "/Keys.json").body(Body::from("FriendlyName=x")).unwrap();
    request.headers_mut().insert(header::CONTENT_TYPE, "application/x-www-form-urlencoded".parse().unwrap());
    let from: std::net::SocketAddr = "[::ffff:192.0.2.7]:50000".parse().unwrap();
    request.extensions_mut().insert(axum::extract::ConnectInfo(from));
    assert_eq!(desk.send(request).await.status, 201);
    desk.store.settled().await.unwrap();
    let events = get("/v1/Events?EventType=key.created").await.json();
    assert_eq!(items(&events, "events")[0]["source_ip_address"], "192.0.2.7");
}

#[tokio::test]
async fn c18_usage_is_told_by_category_and_span() {
    let desk = furnished().await;
    let get = async |query: &str| desk.get(&format!("/Usage/Records{query}")).await.json();
    let all = get(".json?Category=calls").await;
    let one = &items(&all, "usage_records")[0];
    assert_eq!(
        (one["count"].as_str(), one["usage"].as_str(), one["start_date"].as_str()),
        (Some("2"), Some("1"), Some("1970-01-01"))
    );
    assert_eq!(items(&get(".json").await, "usage_records").len(), 11, "one of each category");
    assert_eq!(items(&get("/Yesterday.json?Category=calls").await, "usage_records")[0]["count"], "0");
    let bad = desk.get("/Usage/Records.json?StartDate=soon").await;
    assert_eq!(bad.fault(), (400, 20002));
    let page = get(".json?PageSize=10").await;
    let next = desk.get(page["next_page_uri"].as_str().unwrap()).await.json();
    assert_eq!((items(&next, "usage_records").len(), next["next_page_uri"].is_null()), (1, true));
}

#[tokio::test]
async fn c27_lists_come_as_csv_too() {
    let desk = furnished().await;
    for list in ["Calls", "Messages", "Notifications", "Recordings", "Usage/Records"] {
        let got = desk.get(&format!("/{list}.csv")).await;
        assert_eq!(got.headers[header::CONTENT_TYPE], "text/csv; charset=utf-8", "{list}");
        let text = String::from_utf8(got.body.to_vec()).unwrap();
        let json = desk.get(&format!("/{list}.json")).await.json();
        let count = json.as_object().unwrap().values().find_map(Value::as_array).unwrap().len();
        assert_eq!(text.lines().count(), count + 1, "{list}: {text}");
    }
    assert_eq!(desk.get("/Queues.csv").await.fault(), (404, 20404));
}

#[tokio::test]
async fn c30_a_delete_by_parameter_is_a_delete() {
    let desk = furnished().await;
    let path = "/Messages/SM00000000000000000000000000000001.json";
    assert_eq!(desk.post(path, "_method=PATCH").await.fault(), (400, 20002));
    assert_eq!(desk.get(&format!("{path}?_method=DELETE")).await.status, 200, "a GET changes nothing");
    assert_eq!(desk.post(&format!("{path}?_method=DELETE"), "").await.status, 204);
    assert_eq!(desk.get(path).await.fault(), (404, 20404));
    let recording = "/Recordings/RE00000000000000000000000000000001.json";
    assert_eq!(desk.post(recording, "_method=DELETE").await.status, 204, "where POST is not known too");
    let wrong = desk.post("/Calls/CA00000000000000000000000000000001/Events.json", "_method=DELETE").await;
    assert_eq!((wrong.fault(), wrong.headers[header::ALLOW].to_str().unwrap()), ((405, 20004), "GET"));
}

#[tokio::test]
async fn c23_sound_is_had_with_credentials_by_a_signed_link_or_openly() {
    let desk = Desk::new().await;
    desk.put_calls(1..2, CallStatus::Completed).await;
    let re = recording(1, RecordingStatus::Completed);
    let mut writer = desk.store.blobs().create(re.sid, tipring_store::Law::A).unwrap();
    writer.write(&[0x33; 8000]).unwrap();
    writer.finish(false, 0).unwrap();
    desk.store.put(Record::Recording(re.clone())).await.unwrap();
    let bare = async |path: &str| desk.send(Request::builder().uri(path).body(Body::empty()).unwrap()).await;
    let sound = below(&format!("/Recordings/{}.wav", re.sid));
    assert_eq!(bare(&sound).await.fault(), (401, 20003));
    let refused = desk.live.refused.load(Ordering::Relaxed);
    let made = desk.post(&format!("/Recordings/{}/Links.json", re.sid), "ExpiresIn=60").await;
    assert_eq!(made.status, 201);
    let link = made.json()["url"].as_str().unwrap().strip_prefix("http://box").unwrap().to_string();
    assert_eq!(bare(&link).await.body.len(), 16_044);
    assert_eq!(desk.live.refused.load(Ordering::Relaxed), refused);
    let later = link.replace("expires=1560", "expires=9999");
    assert_ne!(later, link);
    for changed in [later, format!("{link}0"), link.replace("expires=1560", "expires=x")] {
        assert_eq!(bare(&changed).await.fault(), (401, 20003), "{changed}");
    }
    let other = link.replace("RE00000000000000000000000000000001", "RE00000000000000000000000000000002");
    assert_eq!(bare(&other).await.fault(), (401, 20003), "good for one recording");
    assert_eq!(bare(&link.replace(".wav", ".json")).await.fault(), (401, 20003), "good for the sound alone");
    for odd in ["0", "604801", "x"] {
        let asked = desk.post(&format!("/Recordings/{}/Links.json", re.sid), &format!("ExpiresIn={odd}")).await;
        assert_eq!(asked.fault(), (400, 20002));
    }
    desk.post(".json", "PublicMedia=true").await;
    assert_eq!(bare(&sound).await.body.len(), 16_044, "open at its URI");
    assert_eq!(bare(&sound.replace(".wav", ".json")).await.fault(), (401, 20003), "its record is not");
}

#[tokio::test]
async fn c22_mp3_is_made_by_the_program_that_is_set() {
    let program = |words: &[&str]| words.iter().map(|word| (*word).to_string()).collect::<Vec<_>>();
    for (mp3, status) in [
        (program(&["/bin/sh", "-c", "printf ID3; cat"]), 200),
        (program(&["/bin/sh", "-c", "exit 3"]), 503),
        (program(&["/nowhere/lame"]), 503),
    ] {
        let options = tipring_api::Options { mp3, ..tipring_api::Options::default() };
        let desk = Desk::with(options).await;
        let re = recording(1, RecordingStatus::Completed);
        let mut writer = desk.store.blobs().create(re.sid, tipring_store::Law::A).unwrap();
        writer.write(&[0x33; 8000]).unwrap();
        writer.finish(false, 0).unwrap();
        desk.store.put(Record::Recording(re.clone())).await.unwrap();
        let got = desk.get(&format!("/Recordings/{}.mp3", re.sid)).await;
        assert_eq!(got.status.as_u16(), status);
        if status == 200 {
            assert_eq!((&got.body[..7], got.body.len()), (&b"ID3RIFF"[..], 3 + 16_044));
            assert_eq!(got.headers[header::CONTENT_TYPE], "audio/mpeg");
        }
    }
}

#[tokio::test]
async fn sip_has_nothing_and_says_so() {
    let desk = Desk::new().await;
    for list in ["Domains", "CredentialLists", "IpAccessControlLists"] {
        assert_eq!(desk.get(&format!("/SIP/{list}.json")).await.status, 200);
        assert_eq!(desk.post(&format!("/SIP/{list}.json"), "FriendlyName=x").await.fault(), (400, 21229));
    }
    assert_eq!(
        desk.get("/Balance.json").await.json(),
        json!({"account_sid": me(), "balance": "0.00", "currency": "USD"})
    );
}

#[tokio::test]
async fn events_that_no_room_has_are_passed_over_and_the_others_kept() {
    let desk = furnished().await;
    let form = "To=%2B12025550101&From=%2B12025550100&ConferenceStatusCallback=http://app/&\
                ConferenceStatusCallbackEvent=join+soon&ConferenceRecordingStatusCallback=http://app/&\
                ConferenceRecordingStatusCallbackEvent=absent+never";
    desk.post("/Conferences/Room%20A/Participants.json", form).await;
    let requests = desk.live.requests.lock().unwrap();
    let [tipring_router::Request::CreateParticipant(new)] = &requests[..] else { panic!("{requests:?}") };
    assert_eq!(new.seat.callback_events, ["join"]);
    let events = new.seat.recording_events.unwrap();
    assert!(events.absent && !events.completed && !events.in_progress, "{events:?}");
}

#[tokio::test]
async fn what_is_no_stream_says_why() {
    let desk = Desk::new().await;
    let living = call(1, CallStatus::InProgress);
    desk.live.goes_on(living.clone());
    let streams = format!("/Calls/{}/Streams.json", living.sid);
    for (form, code) in [
        ("", 31923),
        ("Url=/echo", 31923),
        ("Url=wss:a", 31923),
        ("Url=wss://app/echo?a=b", 31923),
        ("Url=https://app/echo", 31922),
        ("Url=javascript:alert(1)", 31922),
        ("Url=wss://app/&Parameter1.Name=a&Parameter1.Value=b%0d%0ac", 20002),
        ("Url=wss://app/&Parameter1.Name=a%00&Parameter1.Value=b", 20002),
    ] {
        assert_eq!(desk.post(&streams, form).await.fault(), (400, code), "{form}");
    }
    assert!(desk.live.requests.lock().unwrap().is_empty());
}
