//! Calls, requests and what they carry, through the card: rows A1 to A3, A5 to A11, A13, A17, E1, E2, E9.

use tipring::daemon::app::Asked;
use tipring_webhook::{sign, verify};

use crate::sound::{HELLO, in_words, places, sound_of};
use crate::world::{caller, document, run, value};

const WORDS: &str = "the application's words";

#[test]
fn a1_a_call_rings_the_application_is_asked_and_its_answer_is_heard() {
    let run = run(&caller(&format!("<Response><Say>{HELLO}</Say></Response>"), ""));
    assert_eq!(run.paths(), ["/"], "one request");
    assert_eq!(in_words(run.octets()), WORDS);
    assert_eq!(run.end(), ("completed", 16));
    // The record is live while the caller listens: the router writes it before it asks.
    let asked = run.asked("/")[0];
    assert_eq!(value(asked, "CallSid"), Some(run.told().sid.as_str()));
    assert_eq!(value(asked, "CallStatus"), Some("ringing"));
    assert!(run.told().answered_after_ms.is_some_and(|ms| ms < 500), "{:?}", run.told().answered_after_ms);
    assert!(run.told().first_sound_ms.is_some_and(|ms| ms < 500), "{:?}", run.told().first_sound_ms);
}

#[test]
fn a2_numbers_and_names_of_the_line_are_in_the_request_and_withheld_ones_are_not() {
    let text = document("/", &format!("<Response><Say>{HELLO}</Say></Response>"))
        + "[[call]]\nid = \"named\"\nfrom = \"2025550100\"\nname = \"A CALLER\"\nto = \"100\"\n\
           does = [{ await_answer = {} }, { await_hangup = {} }]\n\
           [[call]]\nid = \"withheld\"\nfrom = \"2025550101\"\nname = \"A SECRET\"\nrestricted = true\nto = \"100\"\n\
           does = [{ await_answer = {} }, { await_hangup = {} }]\n\
           [[call]]\nid = \"nobody\"\nto = \"100\"\ndoes = [{ await_answer = {} }, { await_hangup = {} }]\n";
    let run = run(&text);
    let told = |n: usize, name: &str| value(&run.outcome.asked[n], name).map(str::to_string);
    let numbers = |n: usize| [told(n, "From"), told(n, "Caller"), told(n, "To"), told(n, "CallerName")];
    let some = |text: &str| Some(text.to_string());
    assert_eq!(numbers(0), [some("2025550100"), some("2025550100"), some("100"), some("A CALLER")]);
    assert_eq!(numbers(1), [some("anonymous"), some("anonymous"), some("100"), None]);
    assert_eq!(told(1, "CallerRestricted"), some("true"));
    assert_eq!(numbers(2), [some(""), some(""), some("100"), None]);
    let asked = format!("{:?}", run.outcome.asked[1]);
    assert!(!asked.contains("2025550101") && !asked.contains("SECRET"), "{asked}");
    for (id, heard) in &run.outcome.heard {
        assert_eq!(in_words(heard), WORDS, "{id}");
    }
}

#[test]
fn a3_each_number_has_its_own_application() {
    let text = "[[number]]\nnumber = \"100\"\nurl = \"http://one.example/one\"\n\
                [[number]]\nnumber = \"200\"\nurl = \"http://two.example/two\"\n"
        .to_string()
        + &document("/one", &format!("<Response><Say>{HELLO}</Say></Response>"))
        + &document("/two", "<Response><Play>http://two.example/a.wav</Play></Response>")
        + &document("/a.wav", "@announcement")
        + "[[call]]\nid = \"one\"\nfrom = \"1\"\nto = \"100\"\ndoes = [{ await_answer = {} }, { await_hangup = {} }]\n\
           [[call]]\nid = \"two\"\nfrom = \"2\"\nto = \"200\"\ndoes = [{ await_answer = {} }, { await_hangup = {} }]\n";
    let run = run(&text);
    let heard: Vec<_> = run.outcome.heard.iter().map(|(_, octets)| in_words(octets)).collect();
    assert_eq!(heard, [WORDS, "the announcement"]);
    let from = |path: &str| run.asked(path).iter().map(|asked| value(asked, "From")).collect::<Vec<_>>();
    assert_eq!((from("/one"), from("/two")), (vec![Some("1")], vec![Some("2")]));
    assert!(run.asked("/one")[0].url.starts_with("http://one.example/"), "{}", run.asked("/one")[0].url);
}

#[test]
fn a5_every_request_names_call_account_parties_and_status() {
    let run = run(&caller("<Response><Pause length=\"1\"/></Response>", ""));
    let asked = run.asked("/")[0];
    let has = |name: &str| value(asked, name).unwrap_or_else(|| panic!("{name} is missing: {:?}", asked.params));
    assert_eq!(has("CallSid"), run.told().sid);
    assert!(has("AccountSid").starts_with("AC") && has("AccountSid").len() == 34);
    assert_eq!((has("Caller"), has("Called"), has("Direction")), ("2025550100", "100", "inbound"));
    assert_eq!((has("CallStatus"), has("ApiVersion")), ("ringing", "2010-04-01"));
    let invented = ["City", "State", "Zip", "Country"];
    let invented = |name: &str| invented.iter().any(|end| name.ends_with(end));
    assert!(!asked.params.iter().any(|(name, _)| invented(name)), "{:?}", asked.params);
}

#[test]
fn a6_get_travels_in_the_query_and_post_in_the_body() {
    let text = "[[number]]\nnumber = \"100\"\nurl = \"http://app.example/?own=1\"\nmethod = \"GET\"\n\
                [[number]]\nnumber = \"200\"\nurl = \"http://app.example/post\"\n"
        .to_string()
        + &document("/", "<Response/>")
        + &document("/post", "<Response/>")
        + "[[call]]\nid = \"get\"\nfrom = \"1\"\nto = \"100\"\ndoes = [{ await_hangup = {} }]\n\
           [[call]]\nid = \"post\"\nfrom = \"1\"\nto = \"200\"\ndoes = [{ await_hangup = {} }]\n";
    let run = run(&text);
    let (get, post) = (run.asked("/")[0], run.asked("/post")[0]);
    assert_eq!((get.method.as_str(), get.content_type.as_deref()), ("GET", None));
    assert!(get.url.contains("?own=1&") && get.url.contains("&CallSid=CA"), "{}", get.url);
    assert_eq!(post.method, "POST");
    let form = "application/x-www-form-urlencoded";
    assert!(post.content_type.as_deref().is_some_and(|kind| kind.starts_with(form)), "{:?}", post.content_type);
    assert_eq!(post.url, "http://app.example/post", "nothing of the call is in the query");
    let names = |asked: &tipring::daemon::app::Asked| {
        let named = asked.params.iter().map(|(name, _)| name.clone()).filter(|name| name != "own");
        named.collect::<Vec<_>>()
    };
    assert_eq!(names(get), names(post), "the same fields either way");
}

#[test]
fn a7_every_request_repeats_all_that_is_needed() {
    let ask = "<Response><Gather numDigits=\"1\" action=\"/next\"/></Response>";
    let run = run(&(caller(ask, "{ wait = { ms = 500 } }, { press = { keys = \"4\" } }, ")
        + &document("/next", "<Response><Redirect method=\"GET\">/last</Redirect></Response>")
        + &document("/last", "<Response/>")));
    assert_eq!(run.paths(), ["/", "/next", "/last"]);
    for name in ["CallSid", "AccountSid", "From", "To", "Caller", "Called", "Direction", "ApiVersion"] {
        let values: Vec<_> = run.outcome.asked.iter().map(|asked| value(asked, name)).collect();
        assert!(values[0].is_some() && values.iter().all(|value| *value == values[0]), "{name}: {values:?}");
    }
    let status: Vec<_> = run.outcome.asked.iter().filter_map(|asked| value(asked, "CallStatus")).collect();
    assert_eq!(status, ["ringing", "in-progress", "in-progress"]);
}

#[test]
fn a8_keys_are_kept_back_until_there_are_enough() {
    let ask = "<Response><Gather numDigits=\"4\" action=\"/pin\"/></Response>";
    let run = run(&(caller(ask, "{ wait = { ms = 500 } }, { press = { keys = \"1W2W3W4\" } }, ")
        + &document("/pin", "<Response/>")));
    assert_eq!(run.paths(), ["/", "/pin"]);
    assert_eq!(value(run.asked("/pin")[0], "Digits"), Some("1234"));
}

#[test]
fn a9_the_type_of_the_answer_decides() {
    let mut text = String::new();
    for (number, path) in [("1", "/xml"), ("2", "/sound"), ("3", "/text"), ("4", "/page")] {
        text += &format!("[[number]]\nnumber = \"{number}\"\nurl = \"http://app.example{path}\"\n");
        text += &format!("[[call]]\nid = \"{number}\"\nfrom = \"9\"\nto = \"{number}\"\n");
        text += "does = [{ await_answer = {} }, { await_hangup = {} }]\n";
    }
    text += &document("/xml", &format!("<Response><Say>{HELLO}</Say></Response>"));
    text += &document("/sound", "@announcement");
    text += &(document("/text", HELLO) + "type = \"text/plain\"\n");
    text += &(document("/page", "<html><body>Hello</body></html>") + "type = \"text/html\"\n");
    let run = run(&text);
    let heard: Vec<_> = run.outcome.heard.iter().map(|(_, octets)| in_words(octets)).collect();
    assert_eq!(heard, [WORDS, "the announcement", WORDS, "the built-in apology"]);
    assert!(run.outcome.told.iter().all(|told| told.status.as_deref() == Some("completed") && told.cause == Some(16)));
    let errors: Vec<_> = run.outcome.told.iter().map(|told| told.errors.clone()).collect();
    assert!(errors[..3].iter().all(Vec::is_empty) && matches!(errors[3][..], [12100 | 12102]), "{errors:?}");
}

#[test]
fn a10_sounds_follow_each_other_in_order_without_overlap() {
    let body = format!("<Response><Say>{HELLO}</Say><Play>/a.wav</Play><Say>{HELLO}</Say><Pause/></Response>");
    let run = run(&(caller(&body, "") + &document("/a.wav", "@announcement")));
    let (words, announcement) = (sound_of(WORDS), sound_of("the announcement"));
    let heard = run.octets();
    let (said, played) = (places(heard, words), places(heard, announcement));
    let (&[first, second], &[played]) = (&said[..], &played[..]) else {
        panic!("said at {said:?}, played at {played:?}");
    };
    // Exact octets: where one sound is whole, no other lies over it.
    let gaps = [played.checked_sub(first + words.len()), second.checked_sub(played + announcement.len())];
    for gap in gaps {
        // Speech has silence of its own at both ends.
        let ms = gap.expect("they overlap or change places") / 8;
        assert!(ms < 300, "a gap of {ms} ms");
    }
    assert_eq!(in_words(heard), format!("{WORDS}, then the announcement, then {WORDS}"));
}

#[test]
fn a11_what_has_no_action_asks_for_its_own_document_again() {
    let run = run("[[document]]\npath = \"/\"\nwhen = { Digits = \"5\" }\nbody = \"<Response><Pause/></Response>\"\n\
                   [[document]]\npath = \"/\"\nbody = \"<Response><Say>Hello from the application.</Say><Gather \
                   numDigits='1'/></Response>\"\n[[call]]\nid = \"a\"\nto = \"100\"\n\
                   does = [{ await_answer = {} }, { await_quiet = {} }, { press = { keys = \"5\" } }, { await_hangup = {} }]");
    assert_eq!(run.paths(), ["/", "/"], "Say asks nothing, Gather asks again");
    assert_eq!(value(run.asked("/")[1], "Digits"), Some("5"));
}

#[test]
fn a17_cookies_belong_to_one_call() {
    let text = document("/", "<Response><Redirect>/again</Redirect></Response>")
        + "cookie = \"basket=7; Path=/\"\n"
        + &document("/again", "<Response/>")
        + "[[call]]\nid = \"a\"\nfrom = \"1\"\nto = \"100\"\ndoes = [{ await_hangup = {} }]\n\
           [[call]]\nid = \"b\"\nat_ms = 900\nfrom = \"2\"\nto = \"100\"\ndoes = [{ await_hangup = {} }]\n";
    let run = run(&text);
    let cookies: Vec<_> =
        run.outcome.asked.iter().map(|asked| (asked.path.as_str(), asked.cookies.as_deref())).collect();
    let basket = Some("basket=7");
    assert_eq!(cookies, [("/", None), ("/again", basket), ("/", None), ("/again", basket)]);
}

#[test]
fn e1_requests_are_signed_over_url_and_fields() {
    let get = "<Response><Redirect method=\"GET\">/get?a=%C3%A9&amp;b=&amp;a=2</Redirect></Response>";
    let run = run(&(caller(get, "") + &document("/get", "<Response/>")));
    let (post, get) = (run.asked("/")[0], run.asked("/get")[0]);
    let token = &run.outcome.token;
    assert_eq!(post.signature, Some(sign(token, &post.url, &post.params)));
    assert_eq!(get.signature, Some(sign(token, &get.url, &[])), "{}", get.url);
    assert!(get.url.contains("a=%C3%A9") && get.url.contains("&b=&"), "{}", get.url);
}

#[test]
fn e2_a_changed_request_does_not_verify() {
    let run = run(&caller("<Response/>", ""));
    let asked = run.asked("/")[0];
    let (token, signature) = (&run.outcome.token, asked.signature.clone().unwrap_or_default());
    assert!(verify(token, &asked.url, &asked.params, &signature));
    for at in 0..asked.params.len() {
        let mut changed = asked.params.clone();
        changed[at].1.push('1');
        assert!(!verify(token, &asked.url, &changed, &signature), "{} may be changed", changed[at].0);
    }
    assert!(!verify(token, &asked.url.replace("app.", "other."), &asked.params, &signature));
    assert!(!verify("another account's key", &asked.url, &asked.params, &signature));
}

/// Two instances that share nothing answer by turns, blind: what a request says is enough to go on.
#[test]
fn e9_six_steps_go_on_whichever_instance_answers() {
    let mut text = String::new();
    for step in 1..=6 {
        let (from, to) = (["a.example", "b.example"][step % 2], ["a.example", "b.example"][(step + 1) % 2]);
        let next = format!("http://{to}/step?at={}&amp;from={from}", step + 1);
        let body = match step {
            6 => format!("<Response><Say>{HELLO}</Say></Response>"),
            _ => format!("<Response><Gather numDigits='1' action='{next}'><Say>{step}</Say></Gather></Response>"),
        };
        let when = if step == 1 {
            String::new()
        } else {
            format!("when = {{ at = \"{step}\", Digits = \"{}\" }}\n", step - 1)
        };
        let path = if step == 1 { "/" } else { "/step" };
        text += &format!("[[document]]\npath = \"{path}\"\n{when}body = \"{body}\"\n");
    }
    let presses: String =
        (1..=5).map(|key| format!("{{ await_quiet = {{}} }}, {{ press = {{ keys = \"{key}\" }} }}, ")).collect();
    text += &format!(
        "[[call]]\nid = \"a\"\nto = \"100\"\ndoes = [{{ await_answer = {{}} }}, {presses}{{ await_hangup = {{}} }}]\n"
    );
    let run = run(&text);
    assert_eq!(run.outcome.asked.len(), 6, "{:?}", run.paths());
    let hosts: Vec<_> = run.outcome.asked.iter().filter_map(|asked| asked.url.split('/').nth(2)).collect();
    assert_eq!(hosts, ["app.example", "a.example", "b.example", "a.example", "b.example", "a.example"]);
    assert!(in_words(run.octets()).ends_with(WORDS), "{}", in_words(run.octets()));
    assert_eq!(run.told().errors, [0; 0]);
}

#[test]
fn a13_another_server_gets_the_call_under_the_same_names_and_the_first_hears_no_more() {
    let names = |asked: &Asked| -> Vec<String> {
        let mut names: Vec<String> = asked.params.iter().map(|(name, _)| name.clone()).collect();
        names.sort();
        names
    };
    let gather = "<Gather numDigits='1' action='http://second.example/taken'><Say>press</Say></Gather>";
    let run = run(&(caller(
        &format!("<Response>{gather}</Response>"),
        "{ await_quiet = {} }, { press = { keys = \"4\" } }, ",
    ) + &document("/taken", "<Response><Redirect>on</Redirect></Response>")
        + &document("/on", &format!("<Response><Say>{HELLO}</Say></Response>"))));
    let hosts: Vec<_> = run.outcome.asked.iter().filter_map(|asked| asked.url.split('/').nth(2)).collect();
    assert_eq!(hosts, ["app.example", "second.example", "second.example"], "{:?}", run.paths());
    let (first, taken, on) = (run.asked("/")[0], run.asked("/taken")[0], run.asked("/on")[0]);
    for name in ["CallSid", "AccountSid", "From", "To", "Caller", "Called", "Direction", "ApiVersion"] {
        assert!(value(first, name).is_some_and(|it| !it.is_empty()), "{name}");
        assert_eq!([value(taken, name), value(on, name)], [value(first, name); 2], "{name}");
    }
    assert_eq!(value(taken, "Digits"), Some("4"));
    // What is said of a verb comes on top; nothing of the call is left out or has another name.
    let first = names(first);
    for later in [taken, on] {
        let later = names(later);
        assert!(first.iter().all(|name| later.contains(name)), "{first:?} {later:?}");
    }
    assert!(in_words(run.octets()).ends_with(WORDS), "{}", in_words(run.octets()));
    assert_eq!(run.told().errors, [0; 0]);
}
