//! What calls out may cost (S15): rates, minutes, and what looks like a fraud, through the API and the card. No rows of
//! features.md here.

use serde_json::Value;

use crate::desk::{Client, visited, word};
use crate::legs::{BOB, subscriber, telephone};
use crate::world::document;

/// A box in the United States whose calls out have these limits, and somebody who answers each of these numbers.
fn box_with(limits: &str, numbers: &[&str]) -> String {
    let open = "open = [\"national\", \"mobile\", \"international\"]\ncaller_ids = [\"+12025550199\"]";
    let answers = |number: &&str| subscriber(number, "rings_ms = 500\ndoes = [{ wait = { ms = 900000 } }]");
    let subscribers: String = numbers.iter().map(answers).collect();
    format!("country = \"us\"\nlimit_s = 1000\n[outbound]\n{open}\n{limits}\n{subscribers}")
}

/// A call that says nothing for so long.
async fn calls(api: &Client, to: &str, seconds: u32) -> crate::desk::Got {
    let twiml = format!("<Response><Pause length=\"{seconds}\"/></Response>");
    api.post("/Calls.json", &[("To", to), ("From", "+12025550199"), ("Twiml", &twiml)]).await
}

/// How a call ended, and how long it lasted.
async fn ended(api: &Client, call: &Value) -> (String, u64) {
    let call = api.read(word(call, "uri")).await;
    (word(&call, "status").to_string(), word(&call, "duration").parse().expect("seconds"))
}

#[test]
fn s15_a_hundred_posts_in_a_minute_are_ten_legs_and_help_still_goes_out() {
    let text = box_with("calls_per_minute = 10", &[BOB, "911"]);
    let (run, (refused, again_s)) = visited(&text, |api| async move {
        let (mut refused, mut again_s) = (0, 0);
        for n in 0..100 {
            api.until(2_000 + n * 500).await;
            let got = calls(&api, BOB, 1).await;
            if got.status != 201 {
                assert_eq!(got.fault(), (429, 20429));
                assert!(got.text().contains("outbound.calls_per_minute"), "{}", got.text());
                again_s = got.headers["retry-after"].to_str().unwrap().parse().expect("seconds");
                refused += 1;
            }
        }
        calls(&api, "911", 1).await.ok(201);
        // As the last refusal said, and a moment before.
        let then = 2_000 + 99 * 500 + again_s * 1_000;
        api.until(then - 1_500).await;
        assert_eq!(calls(&api, BOB, 1).await.fault(), (429, 20429));
        api.until(then).await;
        calls(&api, BOB, 1).await.ok(201);
        api.until(then + 10_000).await;
        (refused, again_s)
    });
    assert_eq!(refused, 90);
    assert!((1..=60).contains(&again_s), "{again_s}");
    let dialled = |digits: &str| run.outcome.called.iter().filter(|called| called.to == digits).count();
    assert_eq!((dialled("2025550142") + dialled("12025550142"), dialled("911")), (11, 1), "{:?}", run.outcome.called);
}

#[test]
fn s15_the_last_minute_of_the_day_ends_a_call_and_none_but_help_begins() {
    let text = box_with("minutes_per_day = 4", &[BOB, "911"]);
    let (_, ()) = visited(&text, |api| async move {
        api.until(2_000).await;
        let long = calls(&api, BOB, 600).await.ok(201);
        api.until(400_000).await;
        let (status, seconds) = ended(&api, &long).await;
        assert_eq!(status, "completed");
        assert!((239..=241).contains(&seconds), "{seconds} s of four minutes");
        let told = api.list(&format!("/Calls/{}/Notifications.json", word(&long, "sid")), "notifications").await;
        let codes: Vec<&str> = told.iter().map(|one| word(one, "error_code")).collect();
        assert!(codes.contains(&"21216"), "{codes:?}");
        let got = calls(&api, BOB, 1).await;
        assert_eq!(got.fault(), (400, 21216));
        assert!(got.text().contains("outbound.minutes_per_day"), "{}", got.text());
        let help = calls(&api, "911", 1).await.ok(201);
        api.until(410_000).await;
        assert_eq!(ended(&api, &help).await.0, "completed");
    });
}

#[test]
fn s15_a_dial_without_a_minute_left_tells_its_document_and_the_caller_stays() {
    let dial = format!("<Response><Dial action='/after'>{BOB}</Dial></Response>");
    let text = box_with("minutes_per_day = 0", &[BOB])
        + &document("/", &dial)
        + &document("/after", "<Response><Pause length='3'/><Hangup/></Response>")
        + &telephone("caller", "pri", "{ await_hangup = {} }");
    let (run, codes) = visited(&text, |api| async move {
        api.until(30_000).await;
        let told = api.list("/Notifications.json", "notifications").await;
        told.iter().map(|one| word(one, "error_code").to_string()).collect::<Vec<_>>()
    });
    let after = run.asked("/after");
    assert_eq!(crate::world::value(after[0], "DialCallStatus"), Some("failed"));
    assert!(codes.iter().any(|code| code == "13225" || code == "21216"), "{codes:?}");
    assert!(run.outcome.called.is_empty(), "{:?}", run.outcome.called);
    assert_eq!(run.end(), ("completed", 16));
}

#[test]
fn s15_calls_to_one_prefix_abroad_stop_all_abroad_and_none_at_home() {
    let abroad = ["+442079460101", "+442079460102", "+442079460103", "+442079460104", "+442079460105", "+4930901820"];
    let text = box_with("stop_patterns = true", &[&abroad[..], &[BOB, "911"]].concat());
    let (run, ()) = visited(&text, move |api| async move {
        let mut stopped = 0;
        for (n, number) in (0..).zip(abroad) {
            api.until(2_000 + n * 20_000).await;
            let got = calls(&api, number, 16).await;
            if got.status != 201 {
                assert_eq!(got.fault(), (400, 21216), "{number}");
                assert!(got.text().contains("outbound.stop_patterns"), "{}", got.text());
                stopped += 1;
            }
        }
        assert_eq!(stopped, 2, "the fifth to one prefix, and then all abroad");
        calls(&api, BOB, 1).await.ok(201);
        calls(&api, "911", 1).await.ok(201);
        let told = api.list("/Notifications.json", "notifications").await;
        assert!(told.iter().any(|one| word(one, "message_text").contains("442079")), "{told:?}");
        api.until(150_000).await;
    });
    assert_eq!(run.outcome.called.len(), 6, "four abroad, one at home, one for help");
}

#[test]
fn s11_a_document_that_sends_the_box_to_its_own_inner_ports_comes_to_nothing() {
    let inner = "http://127.0.0.1:9740/metrics";
    let body = format!(
        "<Response><Play>{inner}</Play><Gather numDigits='1' timeout='1'/><Redirect>{inner}</Redirect></Response>"
    );
    let text = document("/", &body) + &crate::legs::telephone("caller", "pri", "{ await_hangup = {} }");
    let text = format!("[[number]]\nnumber = \"100\"\nurl = \"http://app.example/\"\n{text}");
    let (run, texts) = visited(&text, |api| async move {
        api.until(30_000).await;
        let told = api.list("/Notifications.json", "notifications").await;
        told.iter().map(|one| word(one, "message_text").to_string()).collect::<Vec<_>>()
    });
    let refused = texts.iter().filter(|text| text.contains("127.0.0.1:9740 is an inner listener")).count();
    assert_eq!(refused, 2, "the sound and the document: {texts:?}");
    assert_eq!(run.end(), ("completed", 16), "the caller hears an apology and the call ends");
}
