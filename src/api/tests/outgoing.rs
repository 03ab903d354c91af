//! Calls that programs make and change.

use serde_json::Value;
use tipring_resources::{CallStatus, Direction, Method, Sid};
use tipring_router::{
    CallCallback, CallChange, CallEvents, CallRecord, Instructions, NewCall, RecordingEvents, Request as Ask, Track,
};

use crate::support::*;

const FORM: &str = "To=%2B12025550111&From=%2B12025550100";

fn url(url: &str, method: Method) -> Instructions {
    Instructions::Url { url: url.into(), method }
}

async fn created(desk: &Desk, form: &str) -> Value {
    let got = desk.post("/Calls.json", form).await;
    assert_eq!(got.status, 201, "{form}: {got:?}");
    got.json()
}

/// Codes of the warnings of a call, in the order of their numbers.
async fn warnings(desk: &Desk, call: &Value) -> Vec<(String, String)> {
    let path = format!("/Calls/{}/Notifications.json?Log=1", call["sid"].as_str().unwrap());
    let list = desk.get(&path).await.json();
    let text = |one: &Value, name: &str| one[name].as_str().unwrap().to_string();
    let mut found: Vec<_> = list["notifications"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (text(one, "error_code"), text(one, "message_text")))
        .collect();
    found.sort();
    found
}

#[tokio::test]
async fn c13_a_call_that_is_made_is_one_more_in_the_list_with_an_address_of_its_own() {
    let desk = Desk::new().await;
    desk.put_calls(1..4, CallStatus::Completed).await;
    let made = created(&desk, &format!("{FORM}&Url=http://app/voice")).await;
    let uri = made["uri"].as_str().unwrap();
    assert_eq!(desk.get(uri).await.json()["sid"], made["sid"]);
    let list = desk.get("/Calls.json").await.json();
    let uris: Vec<&str> = list["calls"].as_array().unwrap().iter().map(|call| call["uri"].as_str().unwrap()).collect();
    let of = |id| below(&format!("/Calls/{}.json", call(id, CallStatus::Busy).sid));
    assert_eq!(uris.iter().map(|uri| uri.to_string()).collect::<std::collections::BTreeSet<_>>().len(), 4);
    assert!(uris.contains(&uri) && [1, 2, 3].iter().all(|id| uris.contains(&of(*id).as_str())));
    assert_eq!(desk.get("/Calls.json?Status=queued&To=%2B12025550111").await.json()["calls"][0]["sid"], made["sid"]);
}

#[tokio::test]
async fn c14_caller_number_and_a_url_reach_the_router_with_the_defaults() {
    let desk = Desk::new().await;
    created(&desk, &format!("{FORM}&Url=http%3A%2F%2Fapp%2Fvoice%3Fx%3D1")).await;
    let plain = NewCall {
        account: me(),
        to: "+12025550111".into(),
        from: "+12025550100".into(),
        group: String::new(),
        instructions: url("http://app/voice?x=1", Method::Post),
        fallback_url: String::new(),
        fallback_method: Method::Post,
        callback: None,
        timeout_s: 60,
        time_limit_s: 14_400,
        send_digits: String::new(),
        record: None,
        machine: None,
    };
    assert_eq!(desk.live.last_new(), plain);
    let form = "To=dahdi/pstn/0301234567&From=%2B12025550100&CallerId=%2B12025550122&Url=http://app/v&Method=get\
        &FallbackUrl=http://a/+http://b/&FallbackMethod=GET&StatusCallback=http://app/s&StatusCallbackMethod=GET\
        &StatusCallbackEvent=initiated&StatusCallbackEvent=ringing+answered&Timeout=600&TimeLimit=30&SendDigits=1w2Wa%23\
        &Record=True&RecordingChannels=dual&RecordingTrack=inbound&Trim=do-not-trim&RecordingStatusCallback=http://app/r\
        &RecordingStatusCallbackMethod=GET&RecordingStatusCallbackEvent=in-progress+absent";
    let made = created(&desk, form).await;
    let full = NewCall {
        to: "0301234567".into(),
        from: "+12025550122".into(),
        group: "pstn".into(),
        instructions: url("http://app/v", Method::Get),
        fallback_url: "http://a/ http://b/".into(),
        fallback_method: Method::Get,
        callback: Some(CallCallback {
            url: "http://app/s".into(),
            method: Method::Get,
            events: CallEvents { initiated: true, ringing: true, answered: true, completed: false },
        }),
        timeout_s: 600,
        time_limit_s: 30,
        send_digits: "1w2WA#".into(),
        record: Some(CallRecord {
            dual: true,
            track: Track::Inbound,
            trim: false,
            callback: "http://app/r".into(),
            callback_method: Method::Get,
            events: RecordingEvents { in_progress: true, completed: false, absent: true },
        }),
        ..plain
    };
    assert_eq!(desk.live.last_new(), full);
    assert_eq!(warnings(&desk, &made).await, []);
    created(&desk, &format!("{FORM}&Url=http://app/v&Trunk=pstn&Record=true")).await;
    let record = desk.live.last_new().record.unwrap();
    assert!(record.trim && !record.dual && record.track == Track::Both && record.callback.is_empty());
    assert!(record.events.completed && !record.events.absent && desk.live.last_new().group == "pstn");
}

#[tokio::test]
async fn c14_an_inline_document_is_handed_over_as_it_came() {
    let desk = Desk::new().await;
    created(&desk, &format!("{FORM}&Twiml=%3CResponse%3E%3CSay%3EGr%C3%BC%C3%9F+Gott%3C/Say%3E%3C/Response%3E")).await;
    let document = Instructions::Document("<Response><Say>Grüß Gott</Say></Response>".into());
    assert_eq!(desk.live.last_new().instructions, document);
    created(&desk, &format!("{FORM}&Twiml={}", "%C3%BC".repeat(4000))).await;
    let long = desk.post("/Calls.json", &format!("{FORM}&Twiml={}", "x".repeat(4001))).await;
    assert_eq!(long.fault(), (400, 32018));
    let both = created(&desk, &format!("{FORM}&Url=http://app/v&Twiml=%3CResponse/%3E")).await;
    assert_eq!(desk.live.last_new().instructions, url("http://app/v", Method::Post), "Url wins");
    assert_eq!(warnings(&desk, &both).await[0].0, "32019");
}

#[tokio::test]
async fn c15_the_answer_comes_before_the_call_does_and_later_reads_show_its_progress() {
    let desk = Desk::new().await;
    let made = created(&desk, &format!("{FORM}&Url=http://app/voice")).await;
    assert_eq!((made["status"].as_str(), made["direction"].as_str()), (Some("queued"), Some("outbound-api")));
    for name in ["start_time", "end_time", "duration", "price", "answered_by", "line", "answer_supervision"] {
        assert!(made[name].is_null(), "{name} is not true yet");
    }
    let sid: Sid = made["sid"].as_str().unwrap().parse().unwrap();
    let mut now = desk.store.call(me(), sid).await.unwrap().unwrap();
    let path = format!("/Calls/{sid}.json");
    for status in [CallStatus::Ringing, CallStatus::InProgress, CallStatus::Completed] {
        now.status = status;
        desk.live.goes_on(now.clone());
        desk.store.settled().await.unwrap();
        assert_eq!(desk.get(&path).await.json()["status"], status.as_str());
    }
}

#[tokio::test]
async fn c13_a_call_that_cannot_be_recorded_is_named_so_that_nobody_makes_it_twice() {
    let desk = Desk::new().await;
    desk.live.closes_store.store(true, std::sync::atomic::Ordering::Relaxed);
    let got = desk.post("/Calls.json", &format!("{FORM}&Url=http://app/voice")).await;
    assert_eq!(got.fault(), (503, 20503));
    let text = got.json()["message"].as_str().unwrap().to_string();
    assert!(text.starts_with("CA") && text.contains("is on its way"), "{text}");
}

#[tokio::test]
async fn c29_the_legs_that_a_call_dialled_are_found_by_it() {
    let desk = Desk::new().await;
    desk.put_calls(1..3, CallStatus::InProgress).await;
    let mut child = call(3, CallStatus::Ringing);
    (child.parent, child.direction) = (Some(call(1, CallStatus::Busy).sid), Direction::OutboundDial);
    desk.live.goes_on(child.clone());
    desk.store.settled().await.unwrap();
    let list = desk.get(&format!("/Calls.json?ParentCallSid={}", call(1, CallStatus::Busy).sid)).await.json();
    assert_eq!(list["calls"].as_array().map(Vec::len), Some(1));
    assert_eq!(list["calls"][0]["direction"], "outbound-dial");
    assert_eq!(list["calls"][0]["parent_call_sid"], call(1, CallStatus::Busy).sid.to_string());
}

#[tokio::test]
async fn c16_what_an_outgoing_call_knows_of_itself_appears_when_it_is_true() {
    let desk = Desk::new().await;
    let made = created(&desk, &format!("{FORM}&Url=http://app/voice")).await;
    assert_eq!(made["queue_time"], "0");
    let sid: Sid = made["sid"].as_str().unwrap().parse().unwrap();
    let mut now = desk.store.call(me(), sid).await.unwrap().unwrap();
    now.started = Some(at(1400));
    desk.live.goes_on(now.clone());
    let path = format!("/Calls/{sid}.json");
    assert!(desk.get(&path).await.json()["start_time"].is_null(), "not while it is queued");
    (now.status, now.queued_ms, now.line) = (CallStatus::Ringing, 2300, "sim 1/7".into());
    desk.live.goes_on(now.clone());
    desk.store.settled().await.unwrap();
    let ringing = desk.get(&path).await.json();
    assert_eq!((ringing["queue_time"].as_str(), ringing["line"].as_str()), (Some("2300"), Some("sim 1/7")));
    assert!(!ringing["start_time"].is_null() && ringing["answer_supervision"].is_null());
    (now.status, now.answered, now.supervision) = (CallStatus::InProgress, Some(at(1402)), Some("reversal".into()));
    now.cause = Some(16);
    desk.live.goes_on(now.clone());
    desk.store.settled().await.unwrap();
    let answered = desk.get(&path).await.json();
    assert_eq!(answered["answer_supervision"], "reversal");
    assert!(answered["hangup_cause"].is_null() && answered["duration"].is_null());
    let ended = desk.post(&path, "Status=completed").await.json();
    assert_eq!((ended["hangup_cause"].as_u64(), ended["duration"].as_str()), (Some(16), Some("598")));
}

#[tokio::test]
async fn c20_the_routers_refusal_of_a_foreign_number_is_the_answer_and_nothing_is_made() {
    let desk = Desk::new().await;
    for (code, status) in
        [(21210, 400), (21212, 400), (21211, 400), (21215, 400), (20503, 503), (20403, 403), (20005, 403)]
    {
        *desk.live.refuses.lock().unwrap() = Some((code, "the number is another's: verify it"));
        let got = desk.post("/Calls.json", &format!("{FORM}&Url=http://app/voice")).await;
        assert_eq!(got.fault(), (status, u64::from(code)));
        assert_eq!(got.json()["message"], "the number is another's: verify it");
        assert_eq!(desk.live.last_new().from, "+12025550100", "who may be shown, the router knows");
    }
    assert_eq!(desk.get("/Calls.json").await.json()["calls"], serde_json::json!([]));
    assert_eq!(desk.get("/Notifications.json").await.json()["notifications"], serde_json::json!([]));
}

#[tokio::test]
async fn c14_a_wrong_parameter_has_its_own_code_and_the_router_is_not_asked() {
    let desk = Desk::new().await;
    for (form, fault) in [
        ("From=1&Url=http://a/", (400, 21201)),
        ("To=1&Url=http://a/", (400, 21213)),
        ("To=1&From=1", (400, 21205)),
        ("To=1&From=1&Url=&Twiml=", (400, 21205)),
        ("To=1&From=1&Url=a", (400, 21205)),
        ("To=1&From=1&Url=http://a/&FallbackUrl=b", (400, 21205)),
        ("To=1&From=1&ApplicationSid=AP00000000000000000000000000000001", (400, 21218)),
        ("To=1&From=1&Url=http://a/&ApplicationSid=x", (400, 21218)),
        ("To=sip:a@b&From=1&Url=http://a/", (400, 21211)),
        ("To=client:bob&From=1&Url=http://a/", (400, 21211)),
        ("To=bob&From=1&Url=http://a/", (400, 21211)),
        ("To=1&From=sip:a@b&Url=http://a/", (400, 21212)),
        ("To=dahdi/a/1&Trunk=b&From=1&Url=http://a/", (400, 20002)),
        ("To=1&From=1&Url=http://a/&Method=PUT", (400, 21209)),
        ("To=1&From=1&Url=http://a/&StatusCallbackMethod=PUT", (400, 21209)),
        ("To=1&From=1&Url=http://a/&StatusCallback=b", (400, 21609)),
        ("To=1&From=1&Url=http://a/&RecordingStatusCallback=b", (400, 21609)),
        ("To=1&From=1&Url=http://a/&Timeout=0", (400, 21208)),
        ("To=1&From=1&Url=http://a/&Timeout=601", (400, 21208)),
        ("To=1&From=1&Url=http://a/&Timeout=soon", (400, 21208)),
        ("To=1&From=1&Url=http://a/&TimeLimit=0", (400, 20002)),
        ("To=1&From=1&Url=http://a/&TimeLimit=86401", (400, 20002)),
        ("To=1&From=1&Url=http://a/&SendDigits=12x", (400, 21206)),
        ("To=1&From=1&Url=http://a/&SendDigits=123456789012345678901234567890123", (400, 21206)),
        ("To=1&From=1&Url=http://a/&Record=maybe", (400, 20002)),
        ("To=1&From=1&Url=http://a/&RecordingChannels=3", (400, 20002)),
        ("To=1&From=1&Url=http://a/&RecordingTrack=all", (400, 20002)),
        ("To=1&From=1&Url=http://a/&Trim=yes", (400, 20002)),
    ] {
        assert_eq!(desk.post("/Calls.json", form).await.fault(), fault, "{form}");
    }
    assert_eq!(desk.live.requests.lock().unwrap().len(), 0);
}

#[tokio::test]
async fn what_is_passed_over_is_a_warning_of_the_call() {
    let desk = Desk::new().await;
    let form = format!(
        "{FORM}&Url=http://me:pw@app/voice&SendDigits=4711&StatusCallback=http://app/s&StatusCallbackEvent=soon+ringing\
        &RecordingStatusCallbackEvent=never&MachineDetection=Enable&AsyncAmd=true&CallReason=x&Colour=red&IfMachine=Hangup"
    );
    let made = created(&desk, &form).await;
    let events = desk.live.last_new().callback.unwrap().events;
    assert!(events.ringing && !events.completed && !events.initiated && !events.answered);
    let found = warnings(&desk, &made).await;
    let codes: Vec<&str> = found.iter().map(|(code, _)| code.as_str()).collect();
    assert_eq!(codes, ["20001", "21262", "21626", "21626"]);
    assert_eq!(found[0].1, "passed over: CallReason, Colour, IfMachine");
    assert!(found[2].1.contains("RecordingStatusCallbackEvent \"never\"") && found[3].1.contains("\"soon\""));
    let list = desk.get("/Notifications.json").await.json();
    let one = desk.get(list["notifications"][0]["uri"].as_str().unwrap()).await.json();
    assert_eq!(one["call_sid"], made["sid"]);
    assert_eq!(one["request_url"], format!("http://box{}", below("/Calls.json")));
    let variables = one["request_variables"].as_str().unwrap();
    assert!(
        variables.contains("Colour=red") && !variables.contains("4711") && !variables.contains("pw"),
        "{variables}"
    );
    let none =
        created(&desk, &format!("{FORM}&Url=http://app/v&StatusCallback=http://app/s&StatusCallbackEvent=x")).await;
    assert_eq!(
        desk.live.last_new().callback.unwrap().events,
        CallEvents::default(),
        "completed, if nothing else is left"
    );
    assert_eq!(warnings(&desk, &none).await.len(), 1);
}

#[tokio::test]
async fn c8_a_living_call_is_redirected_and_only_that() {
    let desk = Desk::new().await;
    let living = call(1, CallStatus::InProgress);
    desk.live.goes_on(living.clone());
    let path = format!("/Calls/{}.json", living.sid);
    let nothing = CallChange {
        account: me(),
        call: living.sid,
        instructions: None,
        fallback: None,
        callback: None,
        time_limit_s: None,
    };
    let got = desk.post(&path, "Url=http://app/other&Method=GET").await;
    assert_eq!((got.status.as_u16(), got.json()["status"].as_str()), (200, Some("in-progress")));
    let redirect = url("http://app/other", Method::Get);
    assert_eq!(desk.live.last_change(), CallChange { instructions: Some(redirect), ..nothing.clone() });
    desk.post(&path, "Twiml=%3CResponse/%3E").await.json();
    let document = Some(Instructions::Document("<Response/>".into()));
    assert_eq!(desk.live.last_change(), CallChange { instructions: document, ..nothing.clone() });
    desk.post(&path, "FallbackUrl=http://a/&FallbackMethod=GET&StatusCallback=http://s/&TimeLimit=90").await.json();
    let others = CallChange {
        fallback: Some(("http://a/".into(), Method::Get)),
        callback: Some(CallCallback { url: "http://s/".into(), method: Method::Post, events: CallEvents::default() }),
        time_limit_s: Some(90),
        ..nothing.clone()
    };
    assert_eq!(desk.live.last_change(), others);
    let both = desk.post(&path, "Url=http://app/first&Twiml=%3CResponse/%3E&FallbackUrl=").await.json();
    assert_eq!(desk.live.last_change().instructions, Some(url("http://app/first", Method::Post)));
    assert_eq!(desk.live.last_change().fallback, Some((String::new(), Method::Post)), "given but empty: nobody");
    assert_eq!(warnings(&desk, &both).await[0].0, "32019");
    let asked = desk.live.requests.lock().unwrap().len();
    for (form, fault) in [
        ("Url=other", (400, 21205)),
        ("Url=http://a/&Method=PUT", (400, 21209)),
        ("Twiml=<Response/>&TimeLimit=never", (400, 20002)),
        ("ApplicationSid=AP1", (400, 21218)),
        ("StatusCallback=s", (400, 21609)),
    ] {
        assert_eq!(desk.post(&path, form).await.fault(), fault, "{form}");
    }
    assert_eq!(desk.post(&path, "Method=GET").await.json()["status"], "in-progress", "nothing to change");
    assert_eq!(desk.live.requests.lock().unwrap().len(), asked);
}

#[tokio::test]
async fn c8_what_cannot_be_redirected_says_why() {
    let desk = Desk::new().await;
    desk.put_calls(1..2, CallStatus::Completed).await;
    desk.put_calls(2..3, CallStatus::InProgress).await;
    let to =
        async |id: u128| desk.post(&format!("/Calls/{}.json", call(id, CallStatus::Busy).sid), "Url=http://a/").await;
    assert_eq!(to(1).await.fault(), (400, 21220), "it has ended");
    assert_eq!(to(2).await.fault(), (503, 20503), "another box has it");
    assert_eq!(to(3).await.fault(), (404, 20404), "it never was");
    let mut foreign = call(4, CallStatus::InProgress);
    foreign.account = account(2).sid;
    desk.live.goes_on(foreign);
    assert_eq!(to(4).await.fault(), (404, 20404), "another account's");
    *desk.live.refuses.lock().unwrap() = Some((21220, "the call has ended"));
    assert_eq!(to(2).await.fault(), (400, 21220));
}

#[tokio::test]
async fn c4_a_call_that_rings_is_canceled_and_status_goes_before_url() {
    let desk = Desk::new().await;
    let made = created(&desk, &format!("{FORM}&Url=http://app/voice")).await;
    let path = made["uri"].as_str().unwrap().to_string();
    let ended = desk.post(&path, "Status=canceled&Url=http://app/other").await;
    assert_eq!((ended.status.as_u16(), ended.json()["status"].as_str()), (200, Some("canceled")));
    let last = desk.live.requests.lock().unwrap().last().cloned();
    assert!(matches!(last, Some(Ask::EndCall { only_unanswered: true, .. })), "{last:?}");
    assert_eq!(desk.post(&path, "Url=http://app/other").await.fault(), (400, 21220));
    assert_eq!(desk.delete(&path).await.status, 204);
}

#[tokio::test]
async fn c19_the_list_of_caller_ids_has_its_envelope() {
    let desk = Desk::new().await;
    let list = desk.get("/OutgoingCallerIds.json?PageSize=1").await.json();
    assert_eq!((list["outgoing_caller_ids"].as_array().map(Vec::len), list["page_size"].as_u64()), (Some(0), Some(1)));
    assert_eq!(list.as_object().unwrap().len(), 9, "the envelope and one list: {list}");
    *desk.live.refuses.lock().unwrap() = Some((20503, "no calls to prove numbers yet"));
    assert_eq!(desk.post("/OutgoingCallerIds.json", "PhoneNumber=1").await.fault(), (503, 20503));
}

#[tokio::test]
async fn hostile_parameters_are_refused_or_passed_over_and_never_a_fault_of_ours() {
    let desk = Desk::new().await;
    let names = "To From CallerId Trunk Byoc Url Method Twiml FallbackUrl FallbackMethod StatusCallback \
        StatusCallbackMethod StatusCallbackEvent Timeout TimeLimit SendDigits Record RecordingChannels RecordingTrack Trim \
        RecordingStatusCallback RecordingStatusCallbackMethod RecordingStatusCallbackEvent ApplicationSid Status";
    let names: Vec<&str> = names.split_whitespace().collect();
    let values = "+1 100 http://app/ <Response/> dahdi/ dahdi/a/1 dahdi//// sip:x : / %00 %F0%9F%93%9E %E2%80%AE \
        99999999999999999999 -1 0 1.5 true GET completed ringing mono dual both %0D%0AX:1 http://[::1 http://u:p@h/#x \
        wWwW9 ' \" ;-- ../../etc/passwd %25 AP00000000000000000000000000000001";
    let values: Vec<String> =
        values.split_whitespace().map(|value| value.replace('+', "%2B")).chain(["9".repeat(5000)]).collect();
    let path = format!("/Calls/{}.json", call(1, CallStatus::Busy).sid);
    desk.live.goes_on(call(1, CallStatus::InProgress));
    // A step of a linear generator: the same forms in every run.
    let mut seed = 7u64;
    let mut pick = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % below
    };
    let mut seen = std::collections::BTreeMap::<u16, u32>::new();
    for round in 0..3000 {
        let mut form = if round % 2 == 0 { format!("{FORM}&Url=http://app/") } else { String::new() };
        for _ in 0..pick(5) {
            let pair = format!("{}={}", names[pick(names.len())], values[pick(values.len())]);
            form = if pick(2) == 0 { format!("{form}&{pair}") } else { format!("{pair}&{form}") };
        }
        let place = if pick(4) == 0 { path.as_str() } else { "/Calls.json" };
        let got = desk.post(place, &form).await;
        *seen.entry(got.status.as_u16()).or_default() += 1;
        match got.status.as_u16() {
            200 | 201 => assert_eq!(got.json()["account_sid"], me().to_string(), "{form}"),
            400 => assert!(got.fault().1 >= 20_000, "{form}"),
            other => panic!("{other} for {form}"),
        }
        desk.live.goes_on(call(1, CallStatus::InProgress));
    }
    assert!(seen[&201] > 300 && seen[&200] > 100 && seen[&400] > 1000, "{seen:?}");
    for new in desk.live.requests.lock().unwrap().iter().filter_map(|ask| match ask {
        Ask::CreateCall(new) => Some(new),
        _ => None,
    }) {
        let digits = new.to.strip_prefix('+').unwrap_or(&new.to);
        assert!(
            !digits.is_empty() && digits.bytes().all(|key| key.is_ascii_digit() || b"*#".contains(&key)),
            "{new:?}"
        );
        assert!(!new.from.chars().any(char::is_control) && (1..=600).contains(&new.timeout_s), "{new:?}");
        assert!((1..=86_400).contains(&new.time_limit_s) && new.send_digits.len() <= 32, "{new:?}");
    }
}
