//! Calls as they go: who is told what, what answers, which document comes next.

use tipring_card::Micros;
use tipring_numbering::TypeOfNumber;
use tipring_resources::{CallStatus, Method};
use tipring_router::{Effect, LineCommand};

use crate::bench::*;

#[test]
fn a_call_says_gathers_records_and_hangs_up() {
    let mut bench = Bench::with("<Gather numDigits='1' action='/key'><Say>menu</Say></Gather>");
    bench.app("http://app.test/key", &[xml("<Record action='/done' maxLength='30'/>")]);
    bench.app("http://app.test/done", &[xml("<Say>thanks</Say><Hangup/>")]);
    let lease = bench.rings();
    bench.wait_ms(500);
    bench.presses(lease, "2");
    bench.wait_ms(3_000);
    bench.presses(lease, "#");
    bench.run_out();
    assert_eq!(bench.asked(), [APP, "http://app.test/key", "http://app.test/done"]);
    assert_eq!(value(bench.request(1), "Digits"), Some("2"));
    assert_eq!(value(bench.request(2), "Digits"), Some("#"));
    assert_eq!(value(bench.request(2), "RecordingDuration"), Some("4"));
    assert_eq!(bench.words(), ["menu", "beep", "thanks"]);
    bench.ended(CallStatus::Completed, 16);
    assert_eq!(bench.router.live_calls().count(), 0);
    assert_eq!(bench.router.deadline(), None);
}

/// The record is on its way before the line is told, and the application is asked without waiting for the commit.
#[test]
fn a3_each_number_has_its_own_application() {
    let mut bench = Bench::with("");
    let mut other = number("200");
    other.voice_url = "http://other.test/".into();
    bench.knows(other);
    bench.app("http://other.test/", &[xml("")]);
    bench.store_commits = false;
    bench.rings_for("200");
    let order: Vec<&str> = bench
        .log
        .iter()
        .filter_map(|(_, effect)| match effect {
            Effect::Write { .. } => Some("write"),
            Effect::Line(LineCommand::Alert { .. }) => Some("alert"),
            Effect::Http { .. } => Some("http"),
            _ => None,
        })
        .collect();
    assert_eq!(order[..3], ["write", "alert", "http"]);
    bench.run_out();
    bench.rings();
    bench.run_out();
    assert_eq!(bench.asked(), ["http://other.test/", APP]);
    // A port without numbers is a number by its name.
    let mut port = number("sim 1/7");
    port.voice_url = "http://port.test/".into();
    bench.knows(port);
    bench.rings_for("");
    bench.run_out();
    assert_eq!(bench.asked().last(), Some(&"http://port.test/"));
}

#[test]
fn a2_the_first_request_and_the_record_say_who_calls_whom() {
    let mut bench = Bench::with("");
    bench.rings();
    bench.run_out();
    let first = bench.request(0).clone();
    let call = bench.last_call();
    assert_eq!((value(&first, "From"), value(&first, "To")), (Some("+12025550100"), Some("100")));
    assert_eq!(value(&first, "CallerName"), Some("Ann Example"));
    assert_eq!((call.from.as_str(), call.to.as_str(), call.from_raw.as_str()), ("+12025550100", "100", "2025550100"));
    assert_eq!(call.created, EPOCH);
    assert_eq!(call.line, "sim 1/7");

    let mut bench = Bench::with("");
    let hidden = line_number("2025550100", TypeOfNumber::National, true);
    bench.rings_from("100", Some(hidden), Some("Ann Example"));
    bench.run_out();
    let first = bench.request(0);
    assert_eq!((value(first, "From"), value(first, "Caller")), (Some("anonymous"), Some("anonymous")));
    assert_eq!((value(first, "CallerName"), value(first, "CallerRestricted")), (None, Some("true")));
    assert!(!bench.transcript().contains("5550100"), "a withheld number leaves the line nowhere");

    let mut bench = Bench::with("");
    bench.rings_from("100", None, None);
    bench.run_out();
    assert_eq!((value(bench.request(0), "From"), value(bench.request(0), "Caller")), (Some(""), Some("")));
    bench.ended(CallStatus::Completed, 16);
}

#[test]
fn a5_a_request_carries_the_state_of_the_session() {
    let mut bench = Bench::with("");
    bench.rings();
    let call = bench.call_records()[0].clone();
    let request = bench.request(0);
    for (name, wanted) in [
        ("CallSid", call.sid.to_string().as_str()),
        ("AccountSid", account().sid.to_string().as_str()),
        ("Caller", "+12025550100"),
        ("Called", "100"),
        ("CallStatus", "ringing"),
        ("ApiVersion", "2010-04-01"),
        ("Direction", "inbound"),
        ("LineName", "sim 1/7"),
    ] {
        assert_eq!(value(request, name), Some(wanted), "{name}");
    }
    assert!(
        !request.params.iter().any(|(name, _)| name.contains("City") || name.contains("Zip")),
        "nothing is invented"
    );
    assert_eq!((request.session, request.account), (call.sid, account().sid));
}

#[test]
fn a7_every_request_is_self_sufficient() {
    let mut bench = Bench::with("<Say>a</Say><Redirect>/2</Redirect>");
    bench.app("http://app.test/2", &[xml("<Gather numDigits='1'/>")]);
    let lease = bench.rings();
    bench.wait_ms(2_000);
    bench.presses(lease, "1");
    bench.wait_ms(100);
    let common = |n: usize| {
        let own = ["CallStatus", "Digits"];
        let all = bench.request(n).params.iter();
        all.filter(|(name, _)| !own.contains(&name.as_str())).cloned().collect::<Vec<_>>()
    };
    assert_eq!(common(0), common(1));
    assert_eq!(common(0), common(2));
    assert_eq!(value(bench.request(1), "CallStatus"), Some("in-progress"));
    let tokens: Vec<_> = bench.requests.iter().map(|(_, r)| r.idempotency.clone()).collect();
    assert!(tokens[0] != tokens[1] && tokens[1] != tokens[2], "another request, another token");
}

/// Whichever server answers, it gets all that it needs; nothing of an earlier answer but its URL steers the next.
#[test]
fn e9_no_call_memory_is_needed_at_either_end() {
    let mut bench = Bench::with("<Gather numDigits='1' action='/step?n=1'/>");
    for n in 1..=5 {
        let next = n + 1;
        let document = format!("<Gather numDigits='1' action='/step?n={next}'/>");
        bench.app(&format!("http://app.test/step?n={n}"), &[xml(&document)]);
    }
    bench.app("http://app.test/step?n=6", &[xml("<Say>done</Say>")]);
    let lease = bench.rings();
    for key in ["1", "2", "3", "4", "5", "6"] {
        bench.wait_ms(300);
        bench.presses(lease, key);
    }
    bench.run_out();
    assert_eq!(bench.words(), ["done"]);
    let digits: Vec<_> = bench.requests[1..].iter().map(|(_, r)| value(r, "Digits")).collect();
    assert_eq!(digits, [Some("1"), Some("2"), Some("3"), Some("4"), Some("5"), Some("6")]);
    assert!(bench.requests.iter().all(|(_, r)| value(r, "CallSid").is_some() && value(r, "From").is_some()));
}

#[test]
fn a8_incomplete_input_is_kept_back() {
    let mut bench = Bench::with("<Gather numDigits='4' action='/pin'/>");
    let lease = bench.rings();
    bench.wait_ms(100);
    for key in ["1", "2", "3"] {
        bench.presses(lease, key);
        bench.wait_ms(1_000);
    }
    assert_eq!(bench.requests.len(), 1);
    bench.presses(lease, "4");
    bench.wait_ms(100);
    assert_eq!(bench.requests.len(), 2);
    assert_eq!(value(bench.request(1), "Digits"), Some("1234"));
}

#[test]
fn a9_the_type_of_the_answer_decides() {
    for kind in ["text/xml", "application/xml; charset=utf-8", "TEXT/HTML"] {
        let mut bench = Bench::with("");
        bench.app(APP, &[App::Says(kind, "<Response><Say>hi</Say></Response>".into())]);
        bench.rings();
        bench.run_out();
        assert_eq!(bench.words(), ["hi"], "{kind}");
    }
    let mut bench = Bench::with("");
    bench.app(APP, &[App::Says("text/plain", "good morning".into())]);
    bench.rings();
    bench.run_out();
    assert_eq!((bench.words(), bench.cleared()), (vec!["good morning"], vec![16]));
    let mut bench = Bench::with("");
    bench.app(APP, &[App::Says("audio/mpeg", String::new())]);
    bench.rings();
    bench.run_out();
    assert_eq!((bench.words(), bench.cleared()), (vec![APP], vec![16]));
    for kind in ["", "application/json"] {
        let mut bench = Bench::with("");
        bench.app(APP, &[App::Says(kind, "{}".into())]);
        bench.rings();
        bench.run_out();
        assert_eq!((bench.words(), bench.codes()), (vec!["sorry"], vec![12300]), "{kind}");
    }
    let mut bench = Bench::with("");
    bench.app(APP, &[App::Says("text/html", "<html><body>It works!</body></html>".into())]);
    bench.rings();
    bench.run_out();
    assert_eq!((bench.words(), bench.codes()), (vec!["sorry"], vec![12102]));
}

#[test]
fn a10_verbs_follow_each_other_without_gap_or_overlap() {
    let mut bench = Bench::with("<Say>A</Say><Play>b.wav</Play><Say>C</Say>");
    bench.rings();
    bench.run_out();
    assert_eq!(bench.words(), ["A", "http://app.test/b.wav", "C"]);
    for pair in bench.heard.windows(2) {
        let gap = pair[1].from_ms - pair[0].to_ms;
        assert!(gap <= 10, "a gap of {gap} ms");
    }
}

#[test]
fn a11_without_a_url_of_its_own_an_instruction_asks_the_current_document_again() {
    let mut bench = Bench::with("<Redirect>/menu?x=1</Redirect>");
    let menu = "http://app.test/menu?x=1";
    bench.app(menu, &[xml("<Play>m.wav</Play><Say>hi</Say><Gather numDigits='1'/>"), xml("<Record/>"), xml("")]);
    let lease = bench.rings();
    bench.wait_ms(3_000);
    assert_eq!(bench.asked(), [APP, menu], "Play and Say ask nothing");
    bench.presses(lease, "1");
    bench.run_out();
    assert_eq!(bench.asked(), [APP, menu, menu, menu], "Gather and Record do");
}

#[test]
fn b16_redirect_resolves_against_the_current_document_and_ends_it() {
    let mut bench = Bench::with("<Redirect method='GET'>../x?y=1</Redirect><Say>never</Say>");
    let mut deep = number("100");
    deep.voice_url = "http://u:p@app.test/a/b/c".into();
    bench.knows(deep);
    bench.app("http://u:p@app.test/a/b/c", &[xml("<Redirect method='GET'>../x?y=1</Redirect><Say>never</Say>")]);
    bench.app("http://u:p@app.test/a/x?y=1", &[xml("<Say>there</Say>")]);
    bench.rings();
    bench.run_out();
    assert_eq!(bench.words(), ["there"]);
    assert_eq!(bench.request(1).method, Method::Get);
    assert!(!bench.lines().iter().any(|line| line.contains("u:p")), "credentials are not shown");
}

#[test]
fn b17_an_empty_document_ends_the_call_and_frees_the_line() {
    let mut bench = Bench::with("");
    bench.rings();
    bench.wait_ms(10);
    assert_eq!((bench.cleared(), bench.was_answered()), (vec![16], false));
    bench.rings();
    bench.run_out();
    assert_eq!(bench.asked().len(), 2);
    let mut bench = Bench::with("<Say>bye</Say><Hangup/><Say>never</Say>");
    bench.rings();
    bench.run_out();
    assert_eq!((bench.words(), bench.cleared()), (vec!["bye"], vec![16]));
    bench.ended(CallStatus::Completed, 16);
}

#[test]
fn b23_each_instruction_chooses_get_or_post() {
    for (word, method) in [("GET", Method::Get), ("POST", Method::Post)] {
        let mut bench = Bench::with(&format!("<Gather numDigits='1' action='/k' method='{word}'/>"));
        let lease = bench.rings();
        bench.wait_ms(100);
        bench.presses(lease, "9");
        bench.wait_ms(10);
        assert_eq!((bench.request(1).method, value(bench.request(1), "Digits")), (method, Some("9")));
    }
}

#[test]
fn c16_a_time_stands_in_the_record_once_it_is_true() {
    let mut bench = Bench::with("<Say>a</Say>");
    bench.rings();
    bench.run_out();
    let records = bench.call_records();
    let times: Vec<_> = records.iter().map(|call| (call.answered.is_some(), call.ended.is_some())).collect();
    assert_eq!(times, [(false, false), (true, false), (true, true)]);
    assert_eq!((records[0].duration_s(), records[2].duration_s()), (None, Some(2)));
    assert_eq!(records[1].answered.map(|at| at.0 - EPOCH.0), Some(23_000));
    assert!(records.windows(2).all(|pair| pair[0].updated <= pair[1].updated));
}

#[test]
fn the_timeline_reads_as_the_call_went() {
    let mut bench = Bench::with("<Gather numDigits='1' action='/k'><Say>menu</Say></Gather>");
    bench.app("http://app.test/k", &[xml("<Hangup/>")]);
    let lease = bench.rings();
    bench.wait_ms(500);
    bench.presses(lease, "2");
    bench.run_out();
    assert_eq!(
        bench.lines(),
        [
            "     0 line in from +12025550100 to 100 on sim 1/7",
            "     3 http POST http://app.test/voice → 200 text/xml 101 B in 3 ms",
            "     3 verb Gather numDigits=1 timeout=5 (2:11)",
            "    23 line answered",
            "    23 media begins: speech",
            "   500 key 2",
            "   500 verb Gather ended: Digits=2",
            "   503 http POST http://app.test/k → 200 text/xml 52 B in 3 ms",
            "   503 verb Hangup (2:11)",
            "   503 line cleared: normal call clearing (16), completed",
        ]
    );
}

/// Time of a call is the box's, not the host's.
#[test]
fn pauses_before_the_answer_delay_it() {
    let mut bench = Bench::with("<Pause length='4'/><Say>hi</Say>");
    bench.rings();
    bench.wait_ms(4_002);
    assert!(!bench.was_answered());
    bench.wait_ms(1);
    assert!(bench.was_answered());
    assert_eq!(bench.now, Micros::from_ms(4_003));
}
