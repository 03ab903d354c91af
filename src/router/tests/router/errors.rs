//! Applications that fail: fallbacks in turn, what they are told, and the last words when all fail.

use tipring_resources::{CallStatus, Code, Level, Method};
use tipring_router::Effect;

use crate::bench::*;

const SPARE: &str = "http://spare.test/";
const SPARE_2: &str = "http://spare2.test/";

fn with_fallbacks(urls: &str) -> Bench {
    let mut bench = Bench::with("");
    let mut number = number("100");
    number.voice_fallback_url = urls.into();
    number.voice_fallback_method = Method::Get;
    bench.knows(number);
    bench
}

#[test]
fn a18_a_loop_of_documents_is_broken() {
    let mut bench = Bench::with("<Redirect/>");
    bench.rings();
    bench.run_out();
    assert_eq!((bench.words(), bench.codes()), (vec!["sorry"], vec![11215]));
    assert_eq!(bench.asked().len(), 101);
    assert_eq!(bench.router.counters().documents_exceeded, 1);
    bench.ended(CallStatus::Completed, 16);

    // A queue that asks every few seconds is none.
    let mut bench = Bench::with("<Say>please wait</Say><Redirect/>");
    let lease = bench.rings();
    bench.wait_ms(600_000);
    assert!(bench.asked().len() > 500 && bench.codes().is_empty());
    bench.hangs_up(lease);
    bench.run_out();
}

#[test]
fn a19_an_application_that_cannot_be_reached_is_replaced_by_its_fallback() {
    for app in [App::Fails(11202), App::Fails(11200), App::Hangs] {
        let mut bench = with_fallbacks(SPARE);
        bench.app(APP, std::slice::from_ref(&app));
        bench.app(SPARE, &[xml("<Say>spare</Say>")]);
        bench.rings();
        bench.run_out();
        let code = if let App::Fails(code) = app { code } else { 11203 };
        assert_eq!((bench.words(), bench.codes()), (vec!["spare"], vec![code]));
        let request = bench.request(1);
        assert_eq!(request.method, Method::Get);
        assert_eq!(value(request, "ErrorCode"), Some(code.to_string().as_str()));
        assert_eq!(value(request, "ErrorUrl"), Some(APP));
        assert!(bench.requests[1].0.as_ms() <= 16_000);
        let cancelled = bench.log.iter().filter(|(_, e)| matches!(e, Effect::CancelHttp { .. })).count();
        assert_eq!(cancelled, usize::from(code == 11203));
        let counters = bench.router.counters();
        assert_eq!((counters.fallbacks_server, counters.fallbacks_document, counters.apologies), (1, 0, 0));
        bench.ended(CallStatus::Completed, 16);
    }
}

#[test]
fn a20_bad_instructions_go_to_the_fallback_too() {
    for (strict, app, code) in [
        (false, xml("<Say>"), 12100),
        (true, xml("<Sai>x</Sai>"), 12200),
        (false, App::Says("text/xml", String::new()), 11770),
        (false, App::Says("text/xml", "<x/>".into()), 12102),
        (false, App::Says("text/xml", " ".repeat(70_000)), 11750),
    ] {
        let mut bench = Bench::with("");
        let mut number = number("100");
        (number.voice_fallback_url, number.strict_documents) = (SPARE.into(), strict);
        bench.knows(number);
        bench.app(APP, &[app]);
        bench.app(SPARE, &[xml("<Say>spare</Say>")]);
        bench.rings();
        bench.run_out();
        assert_eq!((bench.words(), bench.codes()), (vec!["spare"], vec![code]));
        assert_eq!(value(bench.request(1), "ErrorCode"), Some(code.to_string().as_str()));
        let note = bench.notifications()[0];
        assert_eq!((note.level, note.request_url.as_str()), (Level::Error, APP));
        assert!(!note.text.contains("passed over"), "{}", note.text);
        let counters = bench.router.counters();
        assert_eq!((counters.fallbacks_server, counters.fallbacks_document, counters.apologies), (0, 1, 0));
    }
}

#[test]
fn a21_the_fallback_gets_what_the_failed_request_had_and_may_lead_back() {
    let mut bench = with_fallbacks(SPARE);
    bench.app(APP, &[xml("<Gather numDigits='2' action='/k'/>")]);
    bench.app("http://app.test/k", &[App::Fails(11200)]);
    bench.app(SPARE, &[xml("<Redirect>http://app.test/resume</Redirect>")]);
    bench.app("http://app.test/resume", &[xml("<Say>again</Say>")]);
    let lease = bench.rings();
    bench.wait_ms(100);
    bench.presses(lease, "42");
    bench.run_out();
    assert_eq!(bench.asked(), [APP, "http://app.test/k", SPARE, "http://app.test/resume"]);
    assert_eq!(value(bench.request(2), "Digits"), Some("42"));
    assert_eq!(value(bench.request(2), "ErrorUrl"), Some("http://app.test/k"));
    assert_eq!(value(bench.request(3), "ErrorCode"), None);
    assert_eq!(bench.words(), ["again"]);
}

/// A fallback that leads back to what is still dead must not keep the caller waiting for ever.
#[test]
fn a21_a_fallback_that_only_leads_back_to_the_failure_comes_to_an_end() {
    let mut bench = with_fallbacks(SPARE);
    bench.app(APP, &[App::Hangs]);
    bench.app(SPARE, &[xml(&format!("<Redirect>{APP}</Redirect>"))]);
    bench.rings();
    bench.run_out();
    assert_eq!(bench.words(), ["sorry"]);
    assert_eq!(bench.asked().len(), 12);
    assert_eq!(bench.codes().last(), Some(&11215));
    bench.ended(CallStatus::Completed, 16);
}

#[test]
fn a22_fallbacks_are_tried_in_turn_and_the_last_resort_is_built_in() {
    let mut bench = with_fallbacks(&format!("{SPARE}  {SPARE_2}"));
    bench.app(APP, &[App::Fails(11202)]);
    bench.app(SPARE_2, &[xml("<Say>second</Say>")]);
    bench.rings();
    bench.run_out();
    assert_eq!(bench.asked(), [APP, SPARE, SPARE_2]);
    assert_eq!(bench.words(), ["second"]);

    let mut bench = with_fallbacks(&format!("{SPARE}  {SPARE_2}"));
    bench.app(APP, &[App::Fails(11202)]);
    bench.rings();
    bench.run_out();
    assert_eq!((bench.words(), bench.codes()), (vec!["sorry"], vec![11202, 11200, 11200]));
    assert_eq!((bench.router.counters().fallbacks_server, bench.router.counters().apologies), (2, 1));
    bench.ended(CallStatus::Completed, 16);

    // With the voice dead too, a tone and a cause are all that is left to say.
    let mut bench = with_fallbacks("");
    bench.app(APP, &[App::Fails(11202)]);
    bench.sound("sorry", SoundIs::Silent);
    bench.rings();
    bench.run_out();
    assert_eq!(bench.words(), ["congestion us"]);
    bench.ended(CallStatus::Completed, 41);
}

#[test]
fn a_number_without_an_application_speaks_for_itself() {
    let mut bench = Bench::with("");
    let mut number = number("100");
    number.voice_url = String::new();
    bench.knows(number);
    bench.rings();
    bench.run_out();
    assert_eq!((bench.words(), bench.requests.len()), (vec!["no application"], 0));
    bench.ended(CallStatus::Completed, 16);
}

#[test]
fn an_error_leaves_what_a_developer_needs() {
    let mut bench = Bench::with("<Say>hi</Say>\n<Pley>x</Pley>");
    bench.rings();
    bench.run_out();
    let note = bench.notifications()[0];
    let wanted =
        "line 3 column 1: there is no verb <Pley>: passed over; did you mean Play? [<Pley>x</Pley></Response>]";
    assert_eq!((note.level, note.code.0, note.text.as_str()), (Level::Warning, 12200, wanted));
    assert_eq!((note.request_method, note.request_url.as_str()), (Some(Method::Post), APP));
    assert_eq!(note.call, Some(bench.last_call().sid));
    assert!(bench.lines().iter().any(|line| line.contains("fault warning 12200 line 3 column 1")));
}

/// Every code that stands in the sources of the two crates can be looked up.
#[test]
fn every_code_that_is_uttered_is_in_the_table() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![root.to_owned(), root.join("../instructions")];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
            let name = entry.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
            if entry.is_dir() && name != "tests" {
                folders.push(entry);
            } else if name.ends_with(".rs") && !name.contains("tests") && !["limits.rs"].contains(&name.as_str()) {
                sources.push(std::fs::read_to_string(entry).expect("a source"));
            }
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    for source in &sources {
        let words = source.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let numbers = words.filter(|word| word.len() == 5).filter_map(|word| word.parse::<u32>().ok());
        seen.extend(numbers.filter(|code| (10_000..33_000).contains(code) || (94_000..95_000).contains(code)));
    }
    assert!(seen.len() > 60, "{seen:?}");
    let unknown: Vec<u32> = seen.into_iter().filter(|code| Code(*code).meaning() == "unknown code").collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}
