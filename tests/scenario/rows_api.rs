//! Resources of the API while calls come and go, as a program on the same network meets them: rows C1 to C3, C18, C27, C29,
//! C30, C32 and C34. Methods and codes are those of the published description, not of our code.

use serde_json::Value;

use crate::desk::{Client, visited, visited_amid, word};
use crate::files::Folder;
use crate::sound::{HELLO, in_words};
use crate::world::{CALL, NUMBER, caller, document, scenario};

const WORDS: &str = "the application's words";
/// A call that lasts for eight seconds.
const TALK: &str = "<Response><Gather timeout='8'/></Response>";

/// A call to a number, at a moment.
fn calls(id: &str, to: &str, at_ms: u64) -> String {
    format!(
        "\n[[call]]\nid = \"{id}\"\nfrom = \"2025550100\"\nto = \"{to}\"\nat_ms = {at_ms}\n\
         does = [{{ await_answer = {{}} }}, {{ await_hangup = {{ limit_ms = 90000 }} }}]\n"
    )
}

/// The only call of the account.
async fn only_call(api: &Client) -> Value {
    let calls = api.list("/Calls.json", "calls").await;
    assert_eq!(calls.len(), 1, "{calls:?}");
    calls[0].clone()
}

#[test]
fn c1_the_address_of_a_call_is_good_while_it_lives_after_it_and_after_a_restart() {
    let folder = Folder::new("c1");
    let (run, (uri, live, after)) = visited_amid(&scenario(&caller(TALK, "")), 1, folder.kept(), |api| async move {
        api.until(4_000).await;
        let uri = word(&only_call(&api).await, "uri").to_string();
        let live = api.read(&uri).await;
        api.until(15_000).await;
        let after = api.read(&uri).await;
        (uri, live, after)
    });
    assert_eq!(live["sid"], run.told().sid.as_str());
    assert_eq!(
        (&live["status"], &live["end_time"], &live["duration"]),
        (&"in-progress".into(), &Value::Null, &Value::Null)
    );
    assert_eq!((&after["status"], &after["duration"]), (&"completed".into(), &"8".into()));
    for name in ["sid", "from", "to", "start_time", "uri", "direction", "account_sid"] {
        assert_eq!(live[name], after[name], "{name}");
    }
    let (_, (again, lists)) = visited_amid(&scenario(&caller(TALK, "")), 2, folder.kept(), {
        let uri = uri.clone();
        |api| async move { (api.read(&uri).await, api.list("/Calls.json", "calls").await) }
    });
    assert_eq!(again, after, "the same after a restart");
    assert_eq!(lists, [after]);
}

/// What the published description says of each resource: its path, and the methods that it has.
async fn described(api: &Client) -> Vec<(String, &'static str)> {
    let call = word(&only_call(api).await, "sid").to_string();
    let recording = api.post(&format!("/Calls/{call}/Recordings.json"), &[]).await.ok(201);
    let recording = word(&recording, "sid").to_string();
    let made = async |path: &str, form: &[(&str, &str)]| word(&api.post(path, form).await.ok(201), "sid").to_string();
    let queue = made("/Queues.json", &[("FriendlyName", "help")]).await;
    let number = made("/IncomingPhoneNumbers.json", &[("PhoneNumber", "300")]).await;
    let application = made("/Applications.json", &[("FriendlyName", "one")]).await;
    let shown = made("/OutgoingCallerIds.json", &[("PhoneNumber", "+12025550177"), ("Verify", "false")]).await;
    let key = made("/Keys.json", &[]).await;
    let paths = [
        (".json".to_string(), "GET POST"),
        ("/Calls.json".into(), "GET POST"),
        (format!("/Calls/{call}.json"), "GET POST DELETE"),
        (format!("/Calls/{call}/Recordings.json"), "GET POST"),
        (format!("/Calls/{call}/Recordings/{recording}.json"), "GET POST DELETE"),
        (format!("/Calls/{call}/Notifications.json"), "GET"),
        (format!("/Calls/{call}/Events.json"), "GET"),
        ("/Recordings.json".into(), "GET"),
        (format!("/Recordings/{recording}.json"), "GET DELETE"),
        ("/Transcriptions.json".into(), "GET"),
        ("/Conferences.json".into(), "GET POST"),
        ("/Queues.json".into(), "GET POST"),
        (format!("/Queues/{queue}.json"), "GET POST DELETE"),
        (format!("/Queues/{queue}/Members.json"), "GET"),
        ("/IncomingPhoneNumbers.json".into(), "GET POST"),
        (format!("/IncomingPhoneNumbers/{number}.json"), "GET POST DELETE"),
        ("/Applications.json".into(), "GET POST"),
        (format!("/Applications/{application}.json"), "GET POST DELETE"),
        ("/OutgoingCallerIds.json".into(), "GET POST"),
        (format!("/OutgoingCallerIds/{shown}.json"), "GET POST DELETE"),
        ("/Notifications.json".into(), "GET"),
        ("/Keys.json".into(), "GET POST"),
        (format!("/Keys/{key}.json"), "GET POST DELETE"),
        ("/Messages.json".into(), "GET POST"),
        ("/Usage/Records.json".into(), "GET"),
        ("/Balance.json".into(), "GET"),
        ("/AvailablePhoneNumbers.json".into(), "GET"),
    ];
    paths.into()
}

#[test]
fn c2_a_method_that_a_resource_has_not_is_405_and_changes_nothing() {
    let text = caller("<Response><Gather timeout='30'/></Response>", "");
    let (run, refused) = visited(&text, |api| async move {
        api.until(3_000).await;
        let mut refused = 0;
        for (path, methods) in described(&api).await {
            // A PUT is a POST.
            let has = |method: &str| methods.contains(if method == "PUT" { "POST" } else { method });
            let before = api.read(&path).await;
            for method in ["POST", "PUT", "DELETE", "PATCH"].into_iter().filter(|method| !has(method)) {
                let form = [("FriendlyName", "changed"), ("Status", "completed"), ("VoiceUrl", "http://x.example/")];
                let got = api.send(method, &path, &form).await;
                assert_eq!(got.fault(), (405, 20004), "{method} {path}");
                let allow = got.headers["allow"].to_str().expect("text").to_string();
                assert!(methods.split(' ').all(|method| allow.contains(method)), "{method} {path}: {allow}");
                refused += 1;
            }
            let after = api.read(&path).await;
            assert_eq!(before, after, "{path}: nothing has changed");
        }
        refused
    });
    assert!(refused > 55, "{refused}");
    assert_eq!(run.told().status.as_deref(), Some("completed"));
    assert!(run.told().moments.ended_ms >= Some(32_000), "the call goes on: {:?}", run.told().moments);
}

#[test]
fn c2_each_resource_is_made_read_changed_and_destroyed_by_its_methods() {
    let text = caller("<Response><Gather timeout='30'/></Response>", "");
    let (run, ()) = visited(&text, |api| async move {
        for (list, form, name, other) in [
            ("/Applications", vec![("FriendlyName", "one")], "FriendlyName", "two"),
            ("/Queues", vec![("FriendlyName", "one")], "FriendlyName", "two"),
            ("/Keys", vec![("FriendlyName", "one")], "FriendlyName", "two"),
            ("/IncomingPhoneNumbers", vec![("PhoneNumber", "300"), ("FriendlyName", "one")], "FriendlyName", "two"),
            (
                "/OutgoingCallerIds",
                vec![("PhoneNumber", "+12025550177"), ("Verify", "false"), ("FriendlyName", "one")],
                "FriendlyName",
                "two",
            ),
        ] {
            let made = api.post(&format!("{list}.json"), &form).await.ok(201);
            let path = format!("{list}/{}.json", word(&made, "sid"));
            assert_eq!(api.read(&path).await["friendly_name"], "one", "{list}");
            api.post(&path, &[(name, other)]).await.ok(200);
            assert_eq!(api.read(&path).await["friendly_name"], other, "{list}");
            api.send("PUT", &path, &[(name, "three")]).await.ok(200);
            assert_eq!(api.read(&path).await["friendly_name"], "three", "{list}");
            assert_eq!(api.delete(&path).await.status, 204, "{list}");
            assert_eq!(api.get(&path).await.fault(), (404, 20404), "{list}");
            assert_eq!(api.delete(&path).await.fault(), (404, 20404), "{list}");
        }
        // A living call is changed, and its record goes once it is over.
        api.until(5_000).await;
        let call = format!("/Calls/{}.json", word(&only_call(&api).await, "sid"));
        assert_eq!(api.delete(&call).await.fault(), (400, 20009), "it lives");
        api.post(&call, &[("Status", "completed")]).await.ok(200);
        api.until(7_000).await;
        assert_eq!(api.read(&call).await["status"], "completed");
        assert_eq!(api.delete(&call).await.status, 204);
        assert_eq!(api.get(&call).await.fault(), (404, 20404));
    });
    assert!(run.told().moments.ended_ms.is_some_and(|ms| (7_500..8_500).contains(&ms)), "{:?}", run.told().moments);
}

#[test]
fn c3_a_number_or_a_port_is_claimed_and_works_from_the_next_call_on_until_it_is_given_back() {
    let line = calls("port", "", 14_000).replace("to = \"\"", "line = 1");
    let text = format!("analog_lines = 1\ncountry = \"us\"\n{NUMBER}")
        + &document("/new", &format!("<Response><Say>{HELLO}</Say></Response>"))
        + &document("/other", "<Response><Pause/></Response>")
        + &calls("before", "200", 0)
        + &calls("claimed", "200", 3_000)
        + &calls("changed", "200", 9_000)
        + &line
        + &calls("gone", "200", 24_000);
    let (run, ()) = visited(&text, |api| async move {
        api.until(2_000).await;
        let form = [("PhoneNumber", "200"), ("VoiceUrl", "http://app.example/new")];
        let number = api.post("/IncomingPhoneNumbers.json", &form).await.ok(201);
        assert_eq!((word(&number, "phone_number"), word(&number, "voice_url")), ("200", "http://app.example/new"));
        let form = [("PhoneNumber", "sim 2/1"), ("VoiceUrl", "http://app.example/new")];
        api.post("/IncomingPhoneNumbers.json", &form).await.ok(201);
        api.until(8_000).await;
        api.post(word(&number, "uri"), &[("VoiceUrl", "http://app.example/other")]).await.ok(200);
        api.until(23_000).await;
        assert_eq!(api.delete(word(&number, "uri")).await.status, 204);
        assert_eq!(api.list("/IncomingPhoneNumbers.json", "incoming_phone_numbers").await.len(), 2);
    });
    let heard: Vec<String> = run.outcome.heard.iter().map(|(_, octets)| in_words(octets)).collect();
    assert_eq!((heard[1].as_str(), heard[2].as_str()), (WORDS, "nothing"));
    let port = crate::sound::places(&run.outcome.heard[3].1, crate::sound::sound_on("fxo", WORDS));
    assert_eq!(port.len(), 1, "the port answers too");
    assert_eq!(run.paths(), ["/new", "/other", "/new"]);
    for refused in [0, 4] {
        let told = &run.outcome.told[refused];
        assert_eq!((told.answered_after_ms, told.cause), (None, Some(1)), "{refused}: unallocated, and never answered");
    }
}

#[test]
fn c18_the_accounts_first_url_answers_from_the_next_call_on_and_usage_counts_the_calls() {
    let text = NUMBER.to_string()
        + &document("/one", "<Response><Gather timeout='2'/></Response>")
        + &document("/two", "<Response><Gather timeout='61'/></Response>")
        + &calls("first", "200", 3_000)
        + &calls("second", "200", 9_000);
    let (run, (account, before, after)) = visited(&text, |api| async move {
        let used = async || {
            let records = api.list("/Usage/Records.json?PageSize=100", "usage_records").await;
            let of = |name: &str| records.iter().find(|one| one["category"] == name).cloned().unwrap_or_default();
            ["calls", "calls-inbound", "calls-outbound"]
                .map(|name| (of(name)["count"].clone(), of(name)["usage"].clone()))
        };
        let before = used().await;
        let form = [("FriendlyName", "Desk"), ("Contact", "desk@box.lan"), ("VoiceUrl", "http://app.example/one")];
        api.post(".json", &form).await.ok(200);
        api.post("/IncomingPhoneNumbers.json", &[("PhoneNumber", "200")]).await.ok(201);
        api.until(8_000).await;
        api.post(".json", &[("VoiceUrl", "http://app.example/two")]).await.ok(200);
        api.until(80_000).await;
        (api.read(".json").await, before, used().await)
    });
    assert_eq!(run.paths(), ["/one", "/two"], "each call asks what the account says then");
    assert_eq!((word(&account, "friendly_name"), word(&account["settings"], "contact")), ("Desk", "desk@box.lan"));
    assert_eq!(word(&account["settings"], "voice_url"), "http://app.example/two");
    let figures = |count: &str, usage: &str| (Value::from(count), Value::from(usage));
    assert_eq!(before, [figures("0", "0"), figures("0", "0"), figures("0", "0")]);
    // Minutes are whole ones that have begun: one call of two seconds, one of sixty-one.
    assert_eq!(after, [figures("2", "3"), figures("2", "3"), figures("0", "0")]);
}

#[test]
fn c27_one_address_has_the_same_data_in_each_form_and_errors_say_what_is_wrong() {
    let (_, ()) = visited(&caller(TALK, ""), |api| async move {
        api.until(15_000).await;
        let call = only_call(&api).await;
        let bare = format!("/Calls/{}", word(&call, "sid"));
        let (none, json, xml) =
            (api.get(&bare).await, api.get(&format!("{bare}.json")).await, api.get(&format!("{bare}.xml")).await);
        let csv = api.get("/Calls.csv").await;
        assert_eq!([none.kind(), json.kind()], ["application/json"; 2]);
        assert_eq!((xml.kind(), csv.kind()), ("application/xml", "text/csv"));
        assert_eq!(none.ok(200), json.ok(200));
        let (xml, csv) = (xml.text(), csv.text());
        let (head, row) = csv.split_once('\n').expect("a head and a row");
        for (name, element) in [
            ("sid", "Sid"),
            ("status", "Status"),
            ("from", "From"),
            ("duration", "Duration"),
            ("direction", "Direction"),
        ] {
            let value = word(&call, name);
            assert!(xml.contains(&format!("<{element}>{value}</{element}>")), "{name}: {xml}");
            let at = head.trim().split(',').position(|column| column.eq_ignore_ascii_case(element));
            let at = at.unwrap_or_else(|| panic!("{element} is no column of {head}"));
            assert!(row.contains(value), "{name}, column {at}: {row}");
        }
        // Errors have status, message and code, in the form that was asked for.
        let bad =
            api.post("/Calls.json", &[("To", "nobody"), ("From", "+12025550199"), ("Twiml", "<Response/>")]).await;
        assert_eq!(bad.fault(), (400, 21211));
        let missing = api.post("/Calls.json", &[("From", "+12025550199"), ("Twiml", "<Response/>")]).await;
        assert_eq!(missing.fault(), (400, 21201));
        let bad = api.post("/Calls.xml", &[("To", "nobody"), ("From", "+12025550199"), ("Twiml", "<Response/>")]).await;
        assert_eq!((bad.status, bad.kind()), (400, "application/xml"));
        for part in ["<RestException>", "<Code>21211</Code>", "<Status>400</Status>", "<Message>", "<MoreInfo>"] {
            assert!(bad.text().contains(part), "{part}: {}", bad.text());
        }
    });
}

#[test]
fn c29_a_third_program_with_a_key_reads_and_ends_a_call_that_another_began() {
    let text = NUMBER.to_string()
        + &document("/told", "")
        + &document("/made", "<Response><Pause length='60'/></Response>")
        + "\n[[dial]]\nid = \"made\"\nto = \"+12025550142\"\nurl = \"http://app.example/made\"\n\
           status_callback = \"http://app.example/told\"\n[[subscriber]]\nrings_ms = 500\n";
    let (run, after) = visited(&text, |api| async move {
        let third = api.keyed(&api.post("/Keys.json", &[]).await.ok(201));
        third.until(6_000).await;
        let call = only_call(&third).await;
        let uri = word(&call, "uri");
        assert_eq!((word(&call, "status"), word(&call, "direction")), ("in-progress", "outbound-api"));
        third.post(uri, &[("Status", "completed")]).await.ok(200);
        third.until(9_000).await;
        let events = third.list(&uri.replace(".json", "/Events.json"), "events").await;
        assert!(!events.is_empty(), "what was asked of the application of another");
        third.read(uri).await
    });
    assert_eq!(after["status"], "completed");
    let ended = run.outcome.called[0].moments.ended_ms.expect("over");
    assert!((8_500..9_500).contains(&ended), "asked at 8500, cleared at {ended}");
    let told: Vec<_> = run.asked("/told").iter().filter_map(|asked| crate::world::value(asked, "CallStatus")).collect();
    assert_eq!(told.last(), Some(&"completed"));
}

#[test]
fn c30_a_delete_by_parameter_destroys_what_a_delete_does() {
    let (_, ()) = visited(&caller(TALK, ""), |api| async move {
        api.until(15_000).await;
        let path = format!("/Calls/{}.json", word(&only_call(&api).await, "sid"));
        assert_eq!(api.get(&format!("{path}?_method=DELETE")).await.status, 200, "a GET changes nothing");
        assert_eq!(api.post(&format!("{path}?_method=DELETE"), &[]).await.status, 204);
        assert_eq!(api.get(&path).await.fault(), (404, 20404));
        let queue = api.post("/Queues.json", &[("FriendlyName", "one")]).await.ok(201);
        assert_eq!(api.post(word(&queue, "uri"), &[("_method", "DELETE")]).await.status, 204);
        assert_eq!(api.get(word(&queue, "uri")).await.fault(), (404, 20404));
    });
}

#[test]
fn c32_a_broken_document_leaves_a_notification_with_url_code_and_the_body_received() {
    let broken = "<Response><Say>Never heard.</Response>";
    let (run, (list, one)) = visited(&caller(broken, ""), |api| async move {
        api.until(20_000).await;
        let call = only_call(&api).await;
        let list = api.list(&format!("/Calls/{}/Notifications.json", word(&call, "sid")), "notifications").await;
        let one = api.read(word(&list[0], "uri")).await;
        (list, one)
    });
    assert_eq!(list.len(), 1, "{list:?}");
    assert_eq!((word(&one, "error_code"), word(&one, "log")), ("12100", "0"));
    assert_eq!((word(&one, "request_url"), word(&one, "request_method")), ("http://app.example/", "POST"));
    assert_eq!(word(&one, "response_body"), broken);
    assert_eq!(word(&one, "call_sid"), run.told().sid);
    assert!(word(&one, "request_variables").contains("CallSid=CA"), "{one}");
}

#[test]
fn c34_120_calls_add_up_over_pages_and_filters_give_exact_sets() {
    let many = CALL.replace("to = \"100\"", "to = \"100\"\ntimes = 120\nevery_ms = 250");
    let text = document("/", "<Response/>") + &many + &calls("unknown", "900", 100);
    let (run, ()) = visited(&text, |api| async move {
        api.until(45_000).await;
        let (mut next, mut seen, mut pages) = ("/Calls.json?PageSize=50".to_string(), Vec::new(), 0);
        loop {
            let page = api.read(&next).await;
            let calls = page["calls"].as_array().expect("calls");
            assert_eq!(page["page_size"], 50);
            seen.extend(calls.iter().map(|call| word(call, "sid").to_string()));
            pages += 1;
            match page["next_page_uri"].as_str() {
                Some(uri) => next = uri.to_string(),
                None => break,
            }
        }
        assert_eq!((seen.len(), pages), (121, 3));
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 121, "none twice");
        let count = async |filter: &str| api.list(&format!("/Calls.json?PageSize=1000&{filter}"), "calls").await.len();
        assert_eq!(count("Status=completed").await, 120);
        assert_eq!((count("Status=failed").await, count("Status=busy").await), (1, 0), "a number that nobody has");
        assert_eq!((count("To=900").await, count("To=900&Status=completed").await), (1, 0));
        assert_eq!(count("StartTime=2026-01-01").await, 121);
        assert_eq!(count("StartTime%3E=2026-01-02").await, 0);
        // Four a second from 2.5 s on, and the one beside them.
        assert_eq!(count("StartTime%3C=2026-01-01T00:00:16Z&Status=completed").await, 58);
        assert_eq!(count("StartTime%3E=2026-01-01T00:00:17Z&Status=completed").await, 62);
        assert_eq!(api.get("/Calls.json?PageSize=1001").await.fault(), (400, 20007));
    });
    assert_eq!(run.outcome.records.len(), 121);
}
