//! Applications that fail, through the card: rows A18 to A22 and B24. What is heard in each case stands in
//! `failures.md`; here is what the application's servers see.

use crate::sound::{HELLO, in_words};
use crate::world::{Run, document, run, value};

const WORDS: &str = "the application's words";
const SPARE: &str = "<Response><Say>This is the fallback.</Say></Response>";

/// A number with one fallback, at `/spare` of another host.
fn with_fallback(more: &str) -> String {
    format!(
        "[[number]]\nnumber = \"100\"\nurl = \"http://app.example/\"\nfallback = [\"http://spare.example/spare\"]\n{more}"
    )
}

#[track_caller]
fn assert_rescued(run: &Run, code: u32) {
    assert_eq!(in_words(run.octets()), "the fallback's words");
    let asked = run.asked("/spare")[0];
    assert_eq!(value(asked, "ErrorCode"), Some(code.to_string().as_str()));
    assert_eq!(value(asked, "ErrorUrl"), Some("http://app.example/"));
    assert_eq!(value(asked, "CallSid"), Some(run.told().sid.as_str()));
    assert!(asked.url.starts_with("http://spare.example/"), "{}", asked.url);
    assert_eq!((run.told().errors.as_slice(), run.end()), (&[code][..], ("completed", 16)));
}

#[test]
fn a18_redirects_are_followed_and_a_circle_is_left() {
    let hello = format!("<Response><Say>{HELLO}</Say></Response>");
    let moved = "[[document]]\npath = \"/\"\nstatus = 302\nlocation = \"http://other.example/moved\"\n";
    let followed = run(&(moved.to_string() + &document("/moved", &hello)));
    assert_eq!((followed.paths(), in_words(followed.octets())), (vec!["/", "/moved"], WORDS.to_string()));
    assert_eq!(followed.asked("/moved")[0].method, "GET", "as a browser does after 302");

    let circle = run(&with_fallback(&(moved.replace("/moved", "/") + &document("/spare", SPARE))));
    assert_rescued(&circle, 11215);
    assert!(circle.asked("/").len() <= 12, "{} requests", circle.asked("/").len());
}

#[test]
fn a19_an_application_that_cannot_be_reached_is_replaced_by_its_fallback() {
    let spare = document("/spare", SPARE);
    assert_rescued(&run(&format!("dead_hosts = [\"app.example\"]\n{}", with_fallback(&spare))), 11202);
    let never = run(&with_fallback(&format!("[[document]]\npath = \"/\"\nnever = true\n{spare}")));
    assert_rescued(&never, 11203);
    assert!(never.told().answered_after_ms.is_some_and(|ms| ms <= 17_000), "{:?}", never.told().answered_after_ms);
    assert_rescued(&run(&with_fallback(&format!("[[document]]\npath = \"/\"\nstatus = 500\n{spare}"))), 11200);
}

#[test]
fn a20_bad_instructions_lead_to_the_fallback() {
    let spare = document("/spare", SPARE);
    let broken = document("/", "<Response><Say>Never heard.</Response>");
    assert_rescued(&run(&with_fallback(&(broken + &spare))), 12100);

    let unknown = document("/", &format!("<Response><Sai>x</Sai><Say>{HELLO}</Say></Response>")) + &spare;
    let lenient = run(&with_fallback(&unknown));
    assert_eq!((in_words(lenient.octets()), lenient.told().errors.as_slice()), (WORDS.to_string(), &[12200][..]));
    assert_eq!(lenient.paths(), ["/"]);
    assert_rescued(&run(&with_fallback(&format!("documents = \"strict\"\n{unknown}"))), 12200);
}

#[test]
fn a21_the_fallback_knows_what_the_failed_request_knew_and_may_lead_back() {
    let text = with_fallback(
        "[[document]]\npath = \"/\"\nbody = \"<Response><Gather numDigits='2' action='/gone'/></Response>\"\n\
         [[document]]\npath = \"/spare\"\n\
         body = \"<Response><Redirect>http://app.example/resume</Redirect></Response>\"\n\
         [[call]]\nid = \"a\"\nto = \"100\"\n\
         does = [{ await_answer = {} }, { wait = { ms = 500 } }, { press = { keys = \"42\" } }, { await_hangup = {} }]\n",
    ) + &document("/resume", &format!("<Response><Say>{HELLO}</Say></Response>"));
    let run = run(&text);
    assert_eq!(run.paths(), ["/", "/gone", "/spare", "/resume"]);
    let spare = run.asked("/spare")[0];
    assert_eq!((value(spare, "Digits"), value(spare, "ErrorCode")), (Some("42"), Some("11200")));
    assert_eq!(value(spare, "ErrorUrl"), Some("http://app.example/gone"));
    assert_eq!(in_words(run.octets()), WORDS);
}

#[test]
fn a22_fallbacks_are_asked_in_turn_and_the_last_resort_is_built_in() {
    let number = "dead_hosts = [\"app.example\", \"one.example\"]\n[[number]]\nnumber = \"100\"\n\
                  url = \"http://app.example/\"\nfallback = [\"http://one.example/one\", \"http://two.example/two\"]\n";
    let second = run(&(number.to_string() + &document("/two", SPARE)));
    assert_eq!((second.paths(), in_words(second.octets())), (vec!["/two"], "the fallback's words".to_string()));
    let dead = run(number);
    assert_eq!(in_words(dead.octets()), "the built-in apology");
    assert_eq!((dead.told().errors.as_slice(), dead.end()), (&[11202, 11202, 11200][..], ("completed", 16)));
}

#[test]
fn b24_names_are_case_sensitive_and_comments_say_nothing() {
    let hello = format!("<Say>{HELLO}</Say>");
    let comments =
        run(&document("/", &format!("<!-- a --><Response><!-- <Say>b</Say> -->{hello}</Response><!-- c -->")));
    assert_eq!((in_words(comments.octets()), comments.told().errors.len()), (WORDS.to_string(), 0));
    let lower = document("/", "<Response>\n<say>Never heard.</say></Response>") + &document("/spare", SPARE);
    let strict = run(&with_fallback(&format!("documents = \"strict\"\n{lower}")));
    assert_rescued(&strict, 12200);
    let fault = strict.lines("fault")[0].1;
    assert!(fault.contains("line 2"), "{fault}");
}
