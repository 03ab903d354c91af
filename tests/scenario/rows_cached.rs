//! Documents that are kept between calls (row D13), told by the application's own access log.

use crate::desk::{visited, word};
use crate::world::{Run, document, run, value};

/// What a document says of itself, as it stands in a scenario.
fn says(headers: &str) -> String {
    format!("headers = {{ {headers} }}\n")
}

const MINUTE: &str = "Cache-Control = 'max-age=60'";
const HELLO: &str = "<Response><Pause length='1'/></Response>";

/// The number whose application is asked by this method.
fn number(method: &str) -> String {
    format!("\n[[number]]\nnumber = \"100\"\nurl = \"http://app.example/voice\"\nmethod = \"{method}\"\n")
}

/// Calls from these numbers, one after the other, each of which keys what it is to.
fn calls(from: &[(&str, &str)]) -> String {
    let mut text = String::from("limit_s = 120\n");
    for (at, (from, keys)) in from.iter().enumerate() {
        let press = if keys.is_empty() { String::new() } else { format!("{{ press = {{ keys = \"{keys}\" }} }}, ") };
        text += &format!(
            "\n[[call]]\nid = \"call-{at}\"\nfrom = \"{from}\"\nto = \"100\"\nat_ms = {}\n\
             does = [{{ await_answer = {{}} }}, {{ wait = {{ ms = 300 }} }}, {press}{{ await_hangup = {{}} }}]\n",
            at * 10_000
        );
    }
    text
}

const ANN: (&str, &str) = ("2025550100", "");
const BEN: (&str, &str) = ("2025550177", "");

/// Calls to a document that says this of itself.
fn calling(method: &str, headers: &str, from: &[(&str, &str)]) -> Run {
    let text = calls(from) + &number(method) + &document("/voice", HELLO) + &says(headers);
    let run = run(&text).met();
    assert!(run.outcome.told.iter().all(|told| told.status.as_deref() == Some("completed") && told.errors.is_empty()));
    run
}

#[test]
fn d13_a_get_document_that_may_be_kept_is_asked_for_once_and_what_is_posted_each_time() {
    let run = calling("GET", MINUTE, &[ANN, ANN]);
    assert_eq!(run.paths(), ["/voice"], "the second call asks nobody");
    let lines = run.lines("http");
    let kept: Vec<_> = lines.iter().filter(|it| it.1.contains("(kept, the application was not asked)")).collect();
    assert!(kept.len() == 1 && kept[0].0 >= 10_000.0, "the second call's: {lines:?}");
    for (method, headers, asked) in [
        ("POST", MINUTE, 2),
        ("GET", "Cache-Control = 'no-store, max-age=60'", 2),
        ("GET", "Cache-Control = 'private, max-age=60'", 2),
        ("GET", "Cache-Control = 'max-age=60', Set-Cookie = 'a=1'", 2),
        ("GET", "x-nothing = 'said'", 2),
        ("GET", "Cache-Control = 'max-age=60', Vary = 'Cookie'", 2),
    ] {
        assert_eq!(calling(method, headers, &[ANN, ANN]).paths().len(), asked, "{method} {headers}");
    }
}

#[test]
fn d13_a_document_with_a_tag_alone_is_asked_about_and_not_sent_again() {
    let run = calling("GET", "ETag = '\"1\"'", &[ANN, ANN]);
    let asked = run.asked("/voice");
    assert_eq!(asked.iter().map(|it| it.had.as_deref()).collect::<Vec<_>>(), [None, Some("\"1\"")]);
    assert!(asked[1].signature.is_some(), "signed like any other");
    let lines = run.lines("http");
    assert!(lines.iter().any(|it| it.1.contains("kept, the application says that it is unchanged")), "{lines:?}");
}

#[test]
fn d13_who_calls_and_what_he_keys_is_another_question_unless_the_application_says_otherwise() {
    assert_eq!(calling("GET", MINUTE, &[ANN, BEN, ANN]).paths().len(), 2);
    let same = "Cache-Control = 'max-age=60', No-Vary-Search = 'params=(\"From\" \"Caller\")'";
    assert_eq!(calling("GET", same, &[ANN, BEN, ANN]).paths().len(), 1, "one for all callers");
    let gather = "<Response><Gather numDigits='1' action='/chosen' method='GET'/></Response>";
    let from = [("2025550100", "1"), ("2025550100", "1"), ("2025550100", "2")];
    let text = calls(&from)
        + &number("GET")
        + &document("/voice", gather)
        + &says(MINUTE)
        + &document("/chosen", HELLO)
        + &says(MINUTE);
    let run = run(&text).met();
    assert_eq!(run.paths(), ["/voice", "/chosen", "/chosen"]);
    let keys: Vec<_> = run.asked("/chosen").iter().map(|it| value(it, "Digits")).collect();
    assert_eq!(keys, [Some("1"), Some("2")]);
}

#[test]
fn d13_calls_go_on_without_the_media_layer_and_what_was_kept_is_there_again_with_it() {
    let down = "[faults]\nmedia_down_at_ms = 6000\nmedia_down_for_ms = 14000\n\n";
    let text = "limit_s = 120\n".to_owned()
        + down
        + calls(&[ANN, ANN, ANN]).trim_start_matches("limit_s = 120\n")
        + &number("GET")
        + &document("/voice", HELLO)
        + &says(MINUTE);
    let run = run(&text).met();
    assert_eq!(run.outcome.told.len(), 3);
    assert!(run.outcome.told.iter().all(|told| told.status.as_deref() == Some("completed") && told.errors.is_empty()));
    assert_eq!(run.paths().len(), 2, "asked by the first, and by the one who called without it");
}

#[test]
fn d13_what_one_account_was_given_no_other_gets_and_a_calls_events_say_what_was_kept() {
    let mut text = String::from("limit_s = 120\n") + &document("/voice", HELLO) + &says(MINUTE);
    for (at, to) in ["201", "202", "201"].into_iter().enumerate() {
        text += &format!(
            "\n[[call]]\nid = \"to-{to}-{at}\"\nfrom = \"2025550100\"\nto = \"{to}\"\nat_ms = {}\n\
             does = [{{ await_answer = {{}} }}, {{ await_hangup = {{}} }}]\n",
            3_000 + at * 10_000
        );
    }
    let (run, events) = visited(&text, |api| async move {
        let mut tenants = Vec::new();
        for number in ["201", "202"] {
            let account = api.post("/2010-04-01/Accounts.json", &[("FriendlyName", number)]).await.ok(201);
            let tenant = api.of(&account);
            let url = "http://app.example/voice";
            let form = [("PhoneNumber", number), ("VoiceUrl", url), ("VoiceMethod", "GET")];
            tenant.post("/IncomingPhoneNumbers.json", &form).await.ok(201);
            tenants.push(tenant);
        }
        api.until(40_000).await;
        let mut told = Vec::new();
        for call in tenants[0].list("/Calls.json", "calls").await {
            let events = tenants[0].list(&format!("/Calls/{}/Events.json", word(&call, "sid")), "events").await;
            told.extend(events.iter().map(|it| word(&it["response"], "headers").to_owned()));
        }
        told
    });
    // The last call first.
    assert_eq!(events.iter().map(|it| it.starts_with("x-tipring-cached: hit\n")).collect::<Vec<_>>(), [true, false]);
    let accounts: Vec<_> = run.asked("/voice").iter().map(|it| value(it, "AccountSid")).collect();
    assert!(accounts.len() == 2 && accounts[0] != accounts[1], "{accounts:?}");
}
