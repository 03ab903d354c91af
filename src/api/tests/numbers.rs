//! Incoming numbers: effective at once, and safe against themselves.

use axum::body::Body;
use serde_json::Value;
use tipring_resources::NumberOrigin;
use tipring_router::DirectoryChange;

use crate::support::*;

#[tokio::test]
async fn c3_a_number_is_committed_then_told_then_answered() {
    let desk = Desk::new().await;
    let made = desk
        .post("/IncomingPhoneNumbers.json", "PhoneNumber=%2B1+202-555-0177&VoiceUrl=http%3A%2F%2Fapp%2Fv%3Fx%3D1")
        .await;
    assert_eq!(made.status, 201);
    let made = made.json();
    assert_eq!(
        (made["phone_number"].as_str(), made["voice_url"].as_str()),
        (Some("+12025550177"), Some("http://app/v?x=1"))
    );
    assert_eq!(made["capabilities"]["voice"], Value::Bool(true));
    let path = made["uri"].as_str().unwrap();
    assert_eq!(desk.get(path).await.json(), made);
    let changed = desk.post(path, "VoiceMethod=get&FriendlyName=desk&Odd=1").await.json();
    assert_eq!((changed["voice_method"].as_str(), changed["friendly_name"].as_str()), (Some("GET"), Some("desk")));
    assert_eq!(changed["voice_url"], made["voice_url"], "what is not given stays");
    let put = desk.send(request("PUT", &format!("{path}?VoiceMethod=POST")).body(Body::empty()).unwrap()).await;
    assert_eq!(put.json()["voice_method"], "POST", "PUT is POST");
    assert_eq!(desk.post(path, "VoiceUrl=").await.json()["voice_url"], Value::Null, "empty clears");
    assert_eq!(desk.delete(path).await.status, 204);
    assert_eq!(desk.delete(path).await.fault(), (404, 20404));
    let told = desk.live.told.lock().unwrap();
    assert!(told.iter().all(|(_, committed)| *committed), "each change was committed before the router heard of it");
    assert_eq!(told.len(), 5);
    assert!(matches!(told[4].0, DirectoryChange::NumberGone(_)));
}

#[tokio::test]
async fn a_wrong_number_is_refused_with_its_code() {
    let desk = Desk::new().await;
    desk.store.put_number(number(1, 2, "+12025550100")).await.unwrap();
    for (form, fault) in [
        ("VoiceUrl=http://a/", (400, 21421)),
        ("PhoneNumber=bogus", (400, 21421)),
        ("PhoneNumber=%2B12025550100", (400, 21422)),
        ("PhoneNumber=100&VoiceUrl=app", (400, 21402)),
        ("PhoneNumber=100&VoiceMethod=PATCH", (400, 21403)),
        ("PhoneNumber=100&VoiceFallbackUrl=http://a/", (400, 21405)),
        ("PhoneNumber=100&VoiceUrl=http://a/&VoiceApplicationSid=AP1", (400, 21218)),
        ("PhoneNumber=%zz", (400, 20002)),
        ("PhoneNumber=%ff", (400, 20002)),
    ] {
        assert_eq!(desk.post("/IncomingPhoneNumbers.json", form).await.fault(), fault, "{form}");
    }
    assert!(desk.live.told.lock().unwrap().is_empty());
    assert_eq!(desk.get("/IncomingPhoneNumbers.json").await.json()["incoming_phone_numbers"], serde_json::json!([]));
}

#[tokio::test]
async fn a_number_set_in_a_file_is_read_only_and_the_error_names_the_line() {
    let desk = Desk::new().await;
    let mut fixed = number(1, 1, "100");
    fixed.origin = NumberOrigin::File { file: "/etc/tipring.toml".into(), line: 12 };
    desk.store.put_number(fixed.clone()).await.unwrap();
    let path = format!("/IncomingPhoneNumbers/{}.json", fixed.sid);
    for got in [desk.post(&path, "VoiceUrl=").await, desk.delete(&path).await] {
        assert_eq!(got.fault(), (403, 20403));
        assert!(got.json()["message"].as_str().unwrap().contains("/etc/tipring.toml:12"));
    }
    assert_eq!(desk.get(&path).await.json()["phone_number"], "100");
}

#[tokio::test]
async fn numbers_are_found_by_a_part() {
    let desk = Desk::new().await;
    for (id, digits) in [(1, "+12025550100"), (2, "+12025550177"), (3, "200")] {
        desk.store.put_number(number(id, 1, digits)).await.unwrap();
    }
    for (query, count) in
        [("PhoneNumber=%2B1*77", 1), ("PhoneNumber=555", 2), ("PhoneNumber=00", 2), ("FriendlyName=200", 1)]
    {
        for list in ["", "/Local", "/Mobile", "/TollFree"] {
            let got = desk.get(&format!("/IncomingPhoneNumbers{list}.json?{query}")).await.json();
            assert_eq!(got["incoming_phone_numbers"].as_array().unwrap().len(), count, "{list} {query}");
        }
    }
}

#[tokio::test]
async fn changes_of_one_number_at_once_lose_nothing_and_are_told_in_their_order() {
    let desk = std::sync::Arc::new(Desk::new().await);
    desk.store.put_number(number(1, 1, "100")).await.unwrap();
    let path = format!("/IncomingPhoneNumbers/{}.json", number(1, 1, "").sid);
    let forms = ["FriendlyName=a", "VoiceMethod=GET", "VoiceUrl=http://b/", "StatusCallback=http://c/"];
    let waiting = forms.map(|form| {
        let (desk, path) = (std::sync::Arc::clone(&desk), path.clone());
        tokio::spawn(async move { desk.post(&path, form).await.status })
    });
    for answer in waiting {
        assert_eq!(answer.await.unwrap(), 200);
    }
    let kept = desk.store.number(number(1, 1, "").sid).await.unwrap().unwrap();
    let shown = (kept.friendly_name.as_str(), kept.voice_method.as_str(), kept.voice_url.as_str());
    assert_eq!(shown, ("a", "GET", "http://b/"));
    assert_eq!(kept.status_callback, "http://c/");
    let told = desk.live.told.lock().unwrap();
    assert_eq!(told.last().map(|(change, _)| change.clone()), Some(DirectoryChange::Number(kept)));
}
