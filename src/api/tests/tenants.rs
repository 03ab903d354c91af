//! Families of accounts, keys and what they may do, applications, caller ids, numbers that move.

use std::future::Future as _;

use axum::body::Body;
use axum::http::{Request, header};
use serde_json::{Value, json};
use tipring_resources::{AccountStatus, Sid, SidKind};
use tipring_router::{DirectoryChange, Instructions, Request as Ask};
use tokio::io::AsyncWriteExt as _;

use crate::support::*;

/// The last number that the router was told.
fn told_number(desk: &Desk) -> tipring_resources::Number {
    let told = desk.live.told.lock().unwrap();
    let numbers = told.iter().rev().filter_map(|(change, _)| match change {
        DirectoryChange::Number(number) => Some(number.clone()),
        _ => None,
    });
    numbers.into_iter().next().unwrap()
}

fn text<'a>(body: &'a Value, name: &str) -> &'a str {
    body[name].as_str().unwrap_or_else(|| panic!("{name} of {body}"))
}

#[tokio::test]
async fn e10_a_parents_credentials_work_downwards_and_never_upwards() {
    let desk = Desk::new().await;
    let made = desk.post("/2010-04-01/Accounts.json", "FriendlyName=branch").await;
    assert_eq!(made.status, 201);
    let branch = made.json();
    assert_eq!(text(&branch, "owner_account_sid"), me().to_string());
    let (sid, token) = (text(&branch, "sid").to_string(), text(&branch, "auth_token").to_string());
    let below = format!("/2010-04-01/Accounts/{sid}");
    assert_eq!(desk.get(&format!("{below}/Calls.json")).await.status, 200, "downwards");
    let own = desk.with_credentials("GET", &format!("{below}.json"), &sid, &token, "").await;
    assert_eq!(text(&own.json(), "friendly_name"), "branch");
    let up = format!("/2010-04-01/Accounts/{}/Calls.json", me());
    assert_eq!(desk.with_credentials("GET", &up, &sid, &token, "").await.fault(), (404, 20404), "never upwards");
    let second = desk.with_credentials("POST", "/2010-04-01/Accounts.json", &sid, &token, "").await;
    assert_eq!(second.fault(), (400, 21101), "no deeper");
    let list = desk.get("/2010-04-01/Accounts.json").await.json();
    assert_eq!(list["accounts"].as_array().unwrap().len(), 2);
    let own_list = desk.with_credentials("GET", "/2010-04-01/Accounts.json", &sid, &token, "").await.json();
    assert_eq!(own_list["accounts"].as_array().unwrap().len(), 1);
    let path = format!("{below}.json");
    assert_eq!(desk.with_credentials("POST", &path, &sid, &token, "Status=closed").await.fault(), (400, 21477));
    assert_eq!(text(&desk.post(&path, "Status=suspended").await.json(), "status"), "suspended");
    assert_eq!(desk.with_credentials("GET", &path, &sid, &token, "").await.fault(), (403, 20005));
    assert_eq!(desk.post(&format!("{below}/Keys.json"), "").await.fault(), (403, 20005));
    assert_eq!(text(&desk.post(&path, "Status=closed").await.json(), "status"), "closed");
    assert_eq!(desk.post(&path, "Status=active").await.fault(), (400, 21480), "closed is final");
    assert_eq!(desk.post(&path, "Status=asleep").await.fault(), (400, 21478));
    let kept = desk.store.account(sid.parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(kept.status, AccountStatus::Closed);
}

#[tokio::test]
async fn e11_a_key_does_what_its_scope_allows_and_its_secret_is_shown_once() {
    let desk = Desk::new().await;
    desk.store.put_number(number(1, 1, "100")).await.unwrap();
    let mut keys = Vec::new();
    for scope in ["read", "control", "admin"] {
        let made = desk.post("/Keys.json", &format!("FriendlyName={scope}&Scope={scope}")).await;
        assert_eq!(made.status, 201);
        let made = made.json();
        let sid = text(&made, "sid").to_string();
        let shown = desk.get(&format!("/Keys/{sid}.json")).await.json();
        assert!(shown.get("secret").is_none() && text(&shown, "scope") == scope);
        let kept = desk.store.one::<tipring_resources::Key>(me(), sid.parse().unwrap()).await.unwrap().unwrap();
        assert!(!kept.secret_hash.contains(text(&made, "secret")), "hashed");
        keys.push((sid, text(&made, "secret").to_string()));
    }
    assert_eq!(text(&desk.post("/SigningKeys.json", "").await.json(), "scope"), "control", "if nothing is said");
    assert_eq!(desk.post("/Keys.json", "Scope=god").await.fault(), (400, 20002));
    let number = below("/IncomingPhoneNumbers/PN00000000000000000000000000000001.json");
    for ((sid, secret), [change, manage]) in keys.iter().zip([[403, 403], [200, 403], [200, 201]]) {
        let ask = async |method: &str, path: &str| desk.with_credentials(method, path, sid, secret, "").await;
        assert_eq!(ask("GET", &number).await.status, 200);
        assert_eq!(ask("POST", &number).await.status.as_u16(), change, "{sid}");
        assert_eq!(ask("POST", &below("/Keys.json")).await.status.as_u16(), manage, "{sid}");
        let shown = ask("GET", &below(".json")).await.json();
        assert_eq!(shown["auth_token"].is_null(), manage == 403, "the token only for who may sign");
    }
    let (sid, secret) = &keys[0];
    let refused = desk.with_credentials("POST", &number, sid, secret, "").await;
    assert_eq!(refused.fault(), (403, 20403));
    assert_eq!(desk.with_credentials("DELETE", &number, sid, secret, "").await.fault(), (403, 20403));
    assert_eq!(desk.with_credentials("GET", &number, sid, "wrong", "").await.fault(), (401, 20003));
    assert_eq!(desk.delete(&format!("/Keys/{sid}.json")).await.status, 204);
    assert_eq!(desk.with_credentials("GET", &number, sid, secret, "").await.fault(), (401, 20003), "gone");
}

#[tokio::test]
async fn an_application_answers_its_numbers_at_once_and_leaves_them_their_own_when_it_goes() {
    let desk = Desk::new().await;
    desk.store.put_number(number(1, 1, "100")).await.unwrap();
    let path = "/IncomingPhoneNumbers/PN00000000000000000000000000000001.json";
    let made = desk.post("/Applications.json", "FriendlyName=desk&VoiceUrl=http://one/&SmsUrl=http://sms/").await;
    assert_eq!(made.status, 201);
    let sid = text(&made.json(), "sid").to_string();
    let form = format!("VoiceApplicationSid={sid}&SmsApplicationSid={sid}");
    let shown = desk.post(path, &form).await.json();
    assert_eq!((text(&shown, "voice_application_sid"), text(&shown, "voice_url")), (sid.as_str(), "http://app/voice"));
    let told = told_number(&desk);
    assert_eq!((told.voice_url.as_str(), told.sms_url.as_str()), ("http://one/", "http://sms/"));
    let changed = desk.post(&format!("/Applications/{sid}.json"), "VoiceUrl=http://two/&VoiceMethod=GET").await;
    assert_eq!(changed.status, 200);
    assert_eq!(told_number(&desk).voice_url, "http://two/", "the router is told again");
    let known = tipring_api::known_at_start(&desk.store).await.unwrap();
    assert!(known.iter().any(|it| matches!(it, DirectoryChange::Number(number) if number.voice_url == "http://two/")));
    assert_eq!(desk.delete(&format!("/Applications/{sid}.json")).await.status, 204);
    assert_eq!(told_number(&desk).voice_url, "http://app/voice", "its own again");
    assert_eq!(desk.post(path, "VoiceApplicationSid=").await.json()["voice_application_sid"], Value::Null);
    let foreign = "VoiceApplicationSid=AP00000000000000000000000000000099";
    assert_eq!(desk.post(path, foreign).await.fault(), (400, 21218));
}

#[tokio::test]
async fn a_call_of_an_application_has_its_urls_and_none_of_the_requests() {
    let desk = Desk::new().await;
    let form = "VoiceUrl=http://app/&VoiceMethod=GET&VoiceFallbackUrl=http://b/&StatusCallback=http://c/";
    let sid = text(&desk.post("/Applications.json", form).await.json(), "sid").to_string();
    let order = format!("To=100&From=200&ApplicationSid={sid}&Url=http://other/&StatusCallback=http://x/");
    assert_eq!(desk.post("/Calls.json", &order).await.status, 201);
    let new = desk.live.last_new();
    let method = tipring_resources::Method::Get;
    assert_eq!(new.instructions, Instructions::Url { url: "http://app/".into(), method });
    assert_eq!((new.fallback_url.as_str(), new.callback.unwrap().url.as_str()), ("http://b/", "http://c/"));
    let none = "To=100&From=200&ApplicationSid=AP00000000000000000000000000000099";
    assert_eq!(desk.post("/Calls.json", none).await.fault(), (400, 21218));
}

#[tokio::test]
async fn c18_the_accounts_first_url_answers_numbers_without_one() {
    let desk = Desk::new().await;
    let mut bare = number(1, 1, "100");
    bare.voice_url.clear();
    desk.store.put_number(bare).await.unwrap();
    let shown = desk.post(".json", "VoiceUrl=http://first/&Contact=A.+Person").await.json();
    assert_eq!(shown["settings"]["voice_url"], "http://first/");
    assert_eq!(shown["settings"]["contact"], "A. Person");
    assert_eq!(told_number(&desk).voice_url, "http://first/", "at once");
    let path = "/IncomingPhoneNumbers/PN00000000000000000000000000000001.json";
    desk.post(path, "VoiceUrl=http://own/").await;
    assert_eq!(told_number(&desk).voice_url, "http://own/");
}

#[tokio::test]
async fn c19_a_caller_id_is_added_listed_renamed_and_deleted_and_the_router_knows() {
    let desk = Desk::new().await;
    let form = "PhoneNumber=%2B1+202+555+0199&FriendlyName=shop&Verify=false";
    let made = desk.post("/OutgoingCallerIds.json", form).await;
    assert_eq!(made.status, 201);
    let path = text(&made.json(), "uri").to_string();
    assert_eq!(desk.post("/OutgoingCallerIds.json", form).await.fault(), (400, 21450));
    let list = desk.get("/OutgoingCallerIds.json?PhoneNumber=%2B12025550199").await.json();
    assert_eq!(list["outgoing_caller_ids"].as_array().unwrap().len(), 1);
    assert_eq!(text(&desk.post(&path, "FriendlyName=till").await.json(), "friendly_name"), "till");
    assert_eq!(desk.delete(&path).await.status, 204);
    assert_eq!(desk.get(&path).await.fault(), (404, 20404));
    let told = desk.live.told.lock().unwrap();
    assert_eq!(told.len(), 3);
    assert!(told.iter().all(|(_, committed)| *committed));
    assert!(matches!(told[2].0, DirectoryChange::CallerIdGone(_)));
}

#[tokio::test]
async fn c21_a_number_is_proven_by_a_call_whose_code_the_answer_shows() {
    let desk = Desk::new().await;
    let form = "PhoneNumber=%2B12025550199&CallDelay=5&Extension=12%23&StatusCallback=http://c/";
    let asked = desk.post("/OutgoingCallerIds.json", form).await;
    assert_eq!(asked.status, 200);
    let body = asked.json();
    let code = text(&body, "validation_code").to_string();
    assert!(code.len() == 6 && code.bytes().all(|digit| digit.is_ascii_digit()) && body["call_sid"].is_string());
    match desk.live.requests.lock().unwrap().last() {
        Some(Ask::VerifyCallerId(wanted)) => {
            assert_eq!((wanted.code.as_str(), wanted.call_delay_s, wanted.extension.as_str()), (&*code, 5, "12#"));
        }
        other => panic!("{other:?}"),
    }
    let list = desk.get("/OutgoingCallerIds.json").await.json();
    assert_eq!(list["outgoing_caller_ids"], json!([]), "not before the code was keyed");
    assert_eq!(desk.post("/OutgoingCallerIds.json", "PhoneNumber=%2B1202&CallDelay=61").await.fault(), (400, 21456));
    assert_eq!(desk.post("/OutgoingCallerIds.json", "PhoneNumber=x").await.fault(), (400, 21401));
    let key = desk.post("/Keys.json", "").await.json();
    let (user, secret) = (text(&key, "sid"), text(&key, "secret"));
    let path = below("/OutgoingCallerIds.json");
    let refused = desk.with_credentials("POST", &path, user, secret, "PhoneNumber=%2B1202&Verify=false").await;
    assert_eq!(refused.fault(), (403, 20403), "only whoever holds the account adds without a call");
}

#[tokio::test]
async fn numbers_are_claimed_from_those_the_box_has_and_move_within_a_family() {
    let options = tipring_api::Options {
        dids: vec!["+12025550100-+12025550102".into()],
        country: "US".into(),
        mp3: vec![],
        pulse: None,
    };
    let desk = Desk::with(options).await;
    // The star is one digit: 5550100 fits, 5550101 does not.
    let free = async || {
        let list = desk.get("/AvailablePhoneNumbers/US/Local.json?Contains=55*100").await.json();
        list["available_phone_numbers"].as_array().unwrap().len()
    };
    assert_eq!(free().await, 1);
    let pages = desk.get("/AvailablePhoneNumbers/US/Local.json?PageSize=2").await.json();
    let next = desk.get(pages["next_page_uri"].as_str().unwrap()).await.json();
    assert_eq!(next["available_phone_numbers"].as_array().unwrap().len(), 1);
    assert!(next["next_page_uri"].is_null() && next["previous_page_uri"].is_string());
    assert_eq!(desk.post("/IncomingPhoneNumbers.json", "PhoneNumber=%2B12025550109").await.fault(), (400, 21422));
    let made = desk.post("/IncomingPhoneNumbers.json", "AreaCode=202").await.json();
    assert_eq!(text(&made, "phone_number"), "+12025550100");
    assert_eq!(free().await, 0);
    assert_eq!(desk.post("/IncomingPhoneNumbers.json", "AreaCode=999").await.fault(), (400, 21452));
    let branch = desk.post("/2010-04-01/Accounts.json", "").await.json();
    let other = Sid::new(SidKind::Account, 2);
    let path = text(&made, "uri").to_string();
    assert_eq!(desk.post(&path, &format!("AccountSid={other}")).await.fault(), (403, 20403), "a stranger");
    let moved = desk.post(&path, &format!("AccountSid={}", text(&branch, "sid"))).await.json();
    assert_eq!(text(&moved, "account_sid"), text(&branch, "sid"));
    assert_eq!(told_number(&desk).account.to_string(), text(&branch, "sid"));
    assert_eq!(desk.get(&path).await.fault(), (404, 20404), "not here any more");
}

#[tokio::test]
async fn e10_a_subaccount_adds_no_caller_id_without_a_call_and_its_parent_does_it_for_it() {
    let desk = Desk::new().await;
    let branch = desk.post("/2010-04-01/Accounts.json", "").await.json();
    let (sid, token) = (text(&branch, "sid").to_string(), text(&branch, "auth_token").to_string());
    let path = format!("/2010-04-01/Accounts/{sid}/OutgoingCallerIds.json");
    let form = "PhoneNumber=%2B12025550199&Verify=false";
    assert_eq!(desk.with_credentials("POST", &path, &sid, &token, form).await.fault(), (403, 20403));
    assert_eq!(desk.post(&path, form).await.status, 201);
}

#[tokio::test]
async fn a_body_that_takes_its_time_does_not_outlive_its_account() {
    let desk = Desk::new().await;
    let branch = desk.post("/2010-04-01/Accounts.json", "").await.json();
    let (sid, token) = (text(&branch, "sid").to_string(), text(&branch, "auth_token").to_string());
    let below = format!("/2010-04-01/Accounts/{sid}");
    let (mut mouth, ear) = tokio::io::duplex(256);
    let slow = Request::builder()
        .method("POST")
        .uri(format!("{below}.json"))
        .header(header::AUTHORIZATION, basic(&sid, &token))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from_stream(tokio_util::io::ReaderStream::new(ear)))
        .unwrap();
    let slow = desk.send(slow);
    tokio::pin!(slow);
    mouth.write_all(b"FriendlyName=mine&").await.unwrap();
    let path = format!("{below}.json");
    tokio::select! {
        biased;
        got = &mut slow => panic!("{got:?}"),
        suspended = desk.post(&path, "Status=suspended") => assert_eq!(suspended.status, 200),
    }
    mouth.write_all(b"a=b").await.unwrap();
    drop(mouth);
    assert_eq!(slow.await.fault(), (403, 20005));
    let kept = desk.get(&format!("{below}.json")).await.json();
    assert_eq!((text(&kept, "status"), text(&kept, "friendly_name") == "mine"), ("suspended", false));
}

#[tokio::test]
async fn a_change_is_whole_also_when_its_asker_hangs_up() {
    let desk = Desk::new().await;
    let made = desk.post("/IncomingPhoneNumbers.json", "PhoneNumber=%2B12025550100").await.json();
    let path = text(&made, "uri").to_string();
    for polls in 1..40 {
        let form = format!("VoiceUrl=http://a/{polls}");
        let mut work = Box::pin(desk.post(&path, &form));
        for _ in 0..polls {
            if std::future::poll_fn(|cx| std::task::Poll::Ready(work.as_mut().poll(cx).is_ready())).await {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(work);
        // Whoever changes something next waits for it.
        let none = "/IncomingPhoneNumbers/PN00000000000000000000000000000099.json";
        assert_eq!(desk.post(none, "FriendlyName=shop").await.fault(), (404, 20404));
        let kept = desk.get(&path).await.json();
        assert_eq!(told_number(&desk).voice_url, kept["voice_url"].as_str().unwrap_or_default(), "{polls}");
    }
}

#[tokio::test]
async fn e10_a_key_that_is_deleted_does_not_come_back_renamed() {
    let desk = Desk::new().await;
    for _ in 0..20 {
        let key = desk.post("/Keys.json", "").await.json();
        let path = below(&format!("/Keys/{}.json", text(&key, "sid")));
        let (_, gone) = tokio::join!(desk.post(&path, "FriendlyName=new"), desk.delete(&path));
        assert_eq!(gone.status, 204);
        assert_eq!(desk.get(&path).await.fault(), (404, 20404));
    }
}
