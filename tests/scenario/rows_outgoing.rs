//! Calls that programs make, through the card: rows A15, A16, A23 to A25, A31, C13 to C16, C20.

use tipring_resources::CallStatus;
use tipring_sim::{Wire, WireConfig};

use crate::legs::{BOB, both_kinds, called_of, program, subscriber, telephone};
use crate::sound::{HELLO, in_words};
use crate::world::{Run, document, run, value};

const WORDS: &str = "the application's words";

/// Documents that the tests of this file share.
fn documents() -> String {
    document("/made", &format!("<Response><Say>{HELLO}</Say></Response>"))
        + &document("/told", "<Response><Say>Never heard.</Say></Response>")
        + &document("/", &format!("<Response><Say>{HELLO}</Say></Response>"))
}

/// One call of a program, told of every step.
fn makes(group: &str, more: &str, subscribes: &str) -> Run {
    let ask = format!(
        "group = \"{group}\"\nurl = \"http://app.example/made\"\nstatus_callback = \"http://app.example/told\"\n{more}"
    );
    run(&both_kinds("", &(documents() + &program("made", &ask) + &subscriber(BOB, subscribes))))
}

/// What `/told` was told, in the order of the requests.
fn statuses(run: &Run) -> Vec<&str> {
    run.asked("/told").iter().filter_map(|asked| value(asked, "CallStatus")).collect()
}

#[test]
fn a15_a_call_of_a_program_rings_its_answer_is_followed_by_the_request_and_its_document_runs() {
    for (group, line) in [("pri", "sim 1/31"), ("fxo", "sim 2/2")] {
        let run =
            makes(group, "", "rings_ms = 3000\ndoes = [{ tone = { hz = 700.0, ms = 500 } }, { await_hangup = {} }]");
        let run = run.met();
        let called = called_of(&run.outcome.called, BOB);
        assert!(called.answered_after_ms >= Some(3_000), "{group}: {:?}", called.answered_after_ms);
        assert!(in_words(&called.heard).ends_with(WORDS), "{group}: {}", in_words(&called.heard));
        let [asked] = run.asked("/made")[..] else { panic!("{group}: {:?}", run.paths()) };
        let has = |name: &str| value(asked, name).unwrap_or_else(|| panic!("{group}: no {name}: {:?}", asked.params));
        assert_eq!((has("To"), has("Called")), (BOB, BOB));
        assert_eq!((has("From"), has("Caller")), ("+12025550199", "+12025550199"));
        assert_eq!((has("Direction"), has("CallStatus")), ("outbound-api", "in-progress"));
        assert_eq!((has("CallSid"), has("LineName")), (run.made().sid.as_str(), line));
        assert!(has("AccountSid").starts_with("AC") && has("ApiVersion") == "2010-04-01");
        assert!(asked.signature.is_some(), "{group}: the request is signed like any other");
        assert_eq!(run.made().status.as_deref(), Some("completed"));
        if group == "pri" {
            // An analogue line shows its own number, whatever we would like.
            assert!(called.from.ends_with("2025550199"), "{}", called.from);
        }
    }
}

#[test]
fn a16_nobody_is_asked_before_the_answer_and_at_once_after_it() {
    let run = makes("pri", "", "rings_ms = 8000").met();
    let answered = called_of(&run.outcome.called, BOB).moments.answered_ms.expect("answered");
    let asked = run.asked_at("/made", 0);
    assert!(asked >= answered as f64 && asked - answered as f64 <= 1_000.0, "answered at {answered}, asked at {asked}");
    assert_eq!(value(run.asked("/made")[0], "AnswerSupervision"), Some("connect"));
    for reply in ["never = true", "refuse = 17", "ignores = true"] {
        for group in ["pri", "fxo"] {
            let run = makes(group, "timeout_s = 20", reply);
            assert!(run.asked("/made").is_empty(), "{group}, {reply}: asked without an answer");
        }
    }
}

/// How a call ends at the far end, and what must be said of it everywhere.
#[test]
fn a31_request_callback_and_record_agree_about_every_outcome() {
    let speaks = "rings_ms = 3000\ndoes = [{ tone = { hz = 700.0, ms = 500 } }, { await_hangup = {} }]";
    for (group, reply, status, causes) in [
        ("pri", speaks, "completed", vec![16]),
        ("pri", "refuse = 17", "busy", vec![17]),
        ("pri", "refuse = 21", "busy", vec![21]),
        ("pri", "refuse = 1", "failed", vec![1]),
        ("pri", "refuse = 42", "failed", vec![42]),
        ("pri", "refuse = 18", "no-answer", vec![18]),
        ("pri", "never = true", "no-answer", vec![19]),
        ("pri", "ignores = true", "failed", vec![102]),
        ("fxo", speaks, "completed", vec![16]),
        ("fxo", "refuse = 17", "busy", vec![17]),
        ("fxo", "refuse = 1", "failed", vec![1]),
        ("fxo", "refuse = 42", "failed", vec![34, 42]),
        ("fxo", "never = true", "no-answer", vec![19]),
    ] {
        let what = format!("{group}, {reply}");
        // A call of a program…
        let run = makes(group, "timeout_s = 25", reply);
        let record = run.record(&run.made().sid);
        assert_eq!(record.status.as_str(), status, "{what}");
        assert!(record.cause.is_some_and(|cause| causes.contains(&cause)), "{what}: {:?}", record.cause);
        assert_eq!(statuses(&run).last(), Some(&status), "{what}");
        let told = run.asked("/told");
        let last = told.last().expect("told");
        assert_eq!(value(last, "HangupCause"), record.cause.map(|cause| cause.to_string()).as_deref(), "{what}");
        assert_eq!(run.asked("/made").len(), usize::from(status == "completed"), "{what}");
        if let [asked] = run.asked("/made")[..] {
            assert_eq!(value(asked, "CallStatus"), Some("in-progress"), "{what}");
        }
        // … and the leg of a Dial.
        let body = format!(
            "<Response><Dial timeout=\"25\" action=\"/after\"><Number trunk=\"{group}\" \
             statusCallback=\"/told\">{BOB}</Number></Dial></Response>"
        );
        let text = document("/", &body)
            + &document("/told", "")
            + &document("/after", "<Response/>")
            + &subscriber(BOB, &reply.replace("await_hangup", "hangup"))
            + &telephone("caller", "pri", "{ await_hangup = {} }");
        let run = crate::world::run(&both_kinds("", &text));
        let leg = run.legs_of(&run.told().sid)[0];
        assert_eq!(leg.status.as_str(), status, "{what}, dialled");
        assert_eq!(value(run.asked("/after")[0], "DialCallStatus"), Some(status), "{what}, dialled");
        assert_eq!(statuses(&run), [status], "{what}, dialled");
        assert_eq!(run.told().status.as_deref(), Some("completed"), "{what}: the caller's own");
    }
}

#[test]
fn a31_a_call_that_is_given_up_is_canceled_everywhere() {
    let text = documents()
        + &program(
            "made",
            "group = \"pri\"\nurl = \"http://app.example/made\"\nstatus_callback = \"http://app.example/told\"",
        )
        + &subscriber(BOB, "never = true")
        + "\n[[change]]\nof = \"made\"\nat_ms = 4000\nend = true\n";
    let run = run(&both_kinds("", &text)).met();
    assert_eq!(statuses(&run), ["initiated", "ringing", "canceled"]);
    assert_eq!(run.made().status.as_deref(), Some("canceled"));
    assert!(run.asked("/made").is_empty());
}

#[test]
fn a23_progress_is_told_in_order_beside_the_call_and_what_is_answered_changes_nothing() {
    let slow = "latency_ms = 20000\n";
    let text = document(
        "/",
        "<Response><Record action=\"/kept\" recordingStatusCallback=\"/recorded\" maxLength=\"2\"/></Response>",
    ) + &document("/kept", &format!("<Response><Say>{HELLO}</Say></Response>"))
        + &document("/recorded", "<Response><Say>Never heard.</Say></Response>")
        + slow
        + &document("/told", "<Response><Hangup/></Response>")
        + slow
        + &program(
            "made",
            "group = \"pri\"\nurl = \"http://app.example/\"\nstatus_callback = \"http://app.example/told\"",
        )
        + &subscriber(
            BOB,
            "rings_ms = 2000\ndoes = [{ await_sound = {} }, { await_quiet = { ms = 200 } }, \
                            { tone = { hz = 700.0, ms = 4000 } }, { await_hangup = {} }]",
        );
    let run = run(&both_kinds("", &text)).met();
    assert_eq!(statuses(&run), ["initiated", "ringing", "in-progress", "completed"]);
    let numbers: Vec<_> = run.asked("/told").iter().filter_map(|asked| value(asked, "SequenceNumber")).collect();
    assert_eq!(numbers, ["0", "1", "2", "3"]);
    assert!(run.asked("/told").iter().all(|asked| value(asked, "CallSid") == Some(run.made().sid.as_str())));
    // Once, with its data, although its server takes 20 s; and the call went on meanwhile.
    let [recorded] = run.asked("/recorded")[..] else { panic!("{:?}", run.paths()) };
    assert_eq!(value(recorded, "RecordingStatus"), Some("completed"));
    assert!(value(recorded, "RecordingUrl").is_some_and(|url| url.contains("/Recordings/RE")));
    let called = called_of(&run.outcome.called, BOB);
    assert_eq!(in_words(&called.heard), format!("the beep, then {WORDS}"));
    let lasted = called.moments.ended_ms.zip(called.moments.answered_ms).map(|(end, begin)| end - begin);
    assert!(lasted < Some(9_000), "the call waited for its callbacks: {lasted:?} ms");
}

#[test]
fn a24_callbacks_are_for_every_call_of_a_number_or_for_one_call() {
    let text =
        "[[number]]\nnumber = \"100\"\nurl = \"http://app.example/\"\nstatus_callback = \"http://app.example/all\"\n"
            .to_string()
            + &documents()
            + &document("/all", "")
            + &program("told", "status_callback = \"http://app.example/told\"\nurl = \"http://app.example/made\"")
            + &program("untold", "at_ms = 9000\nurl = \"http://app.example/made\"")
            + &subscriber(BOB, "")
            + "[[call]]\nid = \"caller\"\nto = \"100\"\ntimes = 2\nevery_ms = 8000\n\
           does = [{ await_answer = {} }, { await_hangup = {} }]\n";
    let run = run(&format!("country = \"us\"\n{text}")).met();
    let of = |path: &str| run.asked(path).iter().filter_map(|asked| value(asked, "CallSid")).collect::<Vec<_>>();
    let inbound: Vec<_> = run.outcome.told.iter().map(|told| told.sid.as_str()).collect();
    assert_eq!(of("/all"), inbound, "once for each call of the number");
    assert!(of("/told").len() == 4 && of("/told").iter().all(|sid| *sid == run.made().sid), "{:?}", of("/told"));
}

#[test]
fn a25_the_next_call_begins_at_the_numbers_own_url_again() {
    let text = document("/", "<Response><Redirect>http://other.example/moved</Redirect></Response>")
        + &document(
            "/moved",
            "<Response><Gather numDigits=\"1\" timeout=\"1\"/><Redirect>/moved/on</Redirect></Response>",
        )
        + &document("/moved/on", &format!("<Response><Say>{HELLO}</Say></Response>"))
        + "[[call]]\nid = \"caller\"\nto = \"100\"\ntimes = 2\nevery_ms = 9000\n\
           does = [{ await_answer = {} }, { await_hangup = {} }]\n";
    let run = run(&text);
    assert_eq!(run.paths(), ["/", "/moved", "/moved/on", "/", "/moved", "/moved/on"]);
    let second = &run.outcome.asked[3];
    assert_eq!(
        (second.url.as_str(), value(second, "CallSid")),
        ("http://app.example/", Some(run.outcome.told[1].sid.as_str()))
    );
}

#[test]
fn c13_four_calls_are_made_and_each_has_a_record_of_its_own() {
    let made: String = (0..4)
        .map(|n| {
            program(&format!("made-{n}"), &format!("at_ms = {}\ntwiml = \"<Response><Pause/></Response>\"", n * 100))
        })
        .collect();
    let run = run(&both_kinds("", &(made + &subscriber(BOB, "rings_ms = 500")))).met();
    let mut sids: Vec<_> = run.outcome.made.iter().map(|told| told.sid.clone()).collect();
    sids.sort();
    sids.dedup();
    assert_eq!((sids.len(), run.outcome.records.len(), run.outcome.called.len()), (4, 4, 4));
    assert!(run.outcome.records.iter().all(|call| call.status == CallStatus::Completed && call.to == BOB));
}

#[test]
fn c14_an_inline_document_runs_on_the_answer_and_nobody_is_asked() {
    for group in ["pri", "fxo"] {
        let twiml = format!("twiml = \"<Response><Say>{HELLO}</Say></Response>\"\ngroup = \"{group}\"");
        let answers = "rings_ms = 3000\ndoes = [{ tone = { hz = 700.0, ms = 500 } }, { await_hangup = {} }]";
        let run = run(&both_kinds("", &(program("made", &twiml) + &subscriber(BOB, answers)))).met();
        let called = called_of(&run.outcome.called, BOB);
        assert!(in_words(&called.heard).ends_with(WORDS), "{group}: {}", in_words(&called.heard));
        assert_eq!(run.paths(), [""; 0]);
    }
}

#[test]
fn c15_the_first_answer_is_queued_and_later_reads_show_how_far_it_is() {
    let run = makes("pri", "", "rings_ms = 5000\ndoes = [{ await_hangup = {} }]").met();
    let written: Vec<_> = run.outcome.written.iter().map(|call| call.status).collect();
    use CallStatus::{Completed, InProgress, Queued, Ringing};
    let mut seen = written.clone();
    seen.dedup();
    assert_eq!(seen, [Queued, Ringing, InProgress, Completed]);
    // With 30 channels taken, the next one waits for one and is then as good as any.
    let hold = "twiml = \"<Response><Pause length='10'/></Response>\"\ngroup = \"one\"";
    let text = program("first", hold)
        + &program("second", &hold.replace("10", "1").replace("group", "at_ms = 100\ngroup"))
        + &subscriber(BOB, "rings_ms = 3000\ndoes = [{ tone = { hz = 700.0, ms = 500 } }, { await_hangup = {} }]");
    let run = crate::world::run(&both_kinds("", &text)).met();
    let [first, second] = &run.outcome.records[..] else { panic!("{} records", run.outcome.records.len()) };
    assert_eq!((first.status, second.status), (Completed, Completed));
    assert!(second.started >= first.ended && second.queued_ms > 10_000, "{} ms in the queue", second.queued_ms);
}

#[test]
fn c16_a_record_has_only_what_is_true_already() {
    let run = makes("pri", "", "rings_ms = 2000\ndoes = [{ wait = { ms = 1500 } }, { hangup = {} }]").met();
    for call in &run.outcome.written {
        let (rings, lives) = (call.status != CallStatus::Queued, call.status == CallStatus::InProgress);
        let over = call.status.is_final();
        assert!(call.started.is_some() || !rings, "{:?}", call.status);
        assert_eq!(call.answered.is_some(), lives || over, "{:?}", call.status);
        assert_eq!(call.ended.is_some(), over, "{:?}", call.status);
        assert_eq!(call.duration_s().is_some(), over, "{:?}", call.status);
        assert_eq!(call.cause.is_some(), over, "{:?}", call.status);
    }
    for (told, status) in run.asked("/told").iter().zip(statuses(&run)) {
        assert_eq!(value(told, "CallDuration").is_some(), status == "completed", "{status}");
        assert_eq!(value(told, "HangupCause").is_some(), status == "completed", "{status}");
    }
    assert_eq!(value(run.asked("/told")[3], "CallDuration"), Some("2"));
    // Who is never answered has lasted no time.
    let run = makes("pri", "", "refuse = 17");
    let record = run.record(&run.made().sid);
    assert_eq!((record.answered, record.duration_s()), (None, Some(0)));
}

/// Nothing is seized for what is refused.
#[track_caller]
fn assert_untouched(run: &Run, code: u32) {
    assert_eq!(run.made().errors, [code]);
    assert!(run.outcome.called.is_empty() && run.outcome.records.is_empty());
    assert!(!run.lines("line").iter().any(|(_, text)| text.contains("out to")));
    assert!(run.paths().is_empty());
}

#[test]
fn c20_a_foreign_number_and_a_closed_class_are_refused_and_nothing_is_seized() {
    for group in ["pri", "fxo"] {
        let foreign = makes(group, "from = \"+12025550777\"\nexpect = { errors = [21210] }", "").met();
        assert_untouched(&foreign, 21210);
    }
    for (to, open, code) in [
        ("+19005550142", "[\"national\", \"mobile\", \"international\"]", 21215),
        ("+442079460000", "[\"national\"]", 21215),
        ("+12025550142", "[]", 21215),
        ("not a number", "[\"national\"]", 21211),
    ] {
        let text = format!("[outbound]\nopen = {open}\ncaller_ids = [\"+12025550199\"]\n")
            + &documents()
            + &program("made", &format!("url = \"http://app.example/made\"\nexpect = {{ errors = [{code}] }}"))
                .replace(BOB, to)
            + &subscriber("", "");
        assert_untouched(&run(&both_kinds("", &text)).met(), code);
    }
}

/// Help is dialled here and nowhere else: the number comes from a wire of the simulation.
#[test]
fn c20_a_call_for_help_is_always_open() {
    let help = Wire::new(WireConfig::default()).emergency_number("911");
    for group in ["pri", "fxo"] {
        let text = "[outbound]\nopen = []\ncaller_ids = [\"+12025550199\"]\n".to_string()
            + &documents()
            + &program("made", &format!("group = \"{group}\"\nurl = \"http://app.example/made\""))
                .replace(BOB, help.digits())
            + &subscriber(
                help.digits(),
                "rings_ms = 3000\ndoes = [{ tone = { hz = 700.0, ms = 500 } }, { await_hangup = {} }]",
            );
        let run = run(&both_kinds("", &text)).met();
        let called = called_of(&run.outcome.called, help.digits());
        assert_eq!(called.to, help.digits(), "neither changed nor prefixed");
        assert!(called.answered_after_ms.is_some());
        assert_eq!(run.made().status.as_deref(), Some("completed"));
        // And from a document, with a caller id that would be refused for anybody else.
        let body = format!(
            "<Response><Dial callerId=\"+12025550777\"><Number trunk=\"{group}\">{help}</Number></Dial></Response>"
        );
        let text = "[outbound]\nopen = []\n".to_string()
            + &document("/", &body)
            + &subscriber(
                help.digits(),
                "rings_ms = 3000\ndoes = [{ tone = { hz = 700.0, ms = 500 } }, { hangup = {} }]",
            )
            + &telephone("caller", "pri", "{ await_hangup = {} }");
        let run = crate::world::run(&both_kinds("", &text));
        assert_eq!(called_of(&run.outcome.called, help.digits()).to, help.digits());
    }
}

/// The same in a country that has no dialling plan, with a number that calls help nowhere else.
#[test]
fn inst4_help_of_a_country_without_a_plan_is_always_open() {
    let help = Wire::new(WireConfig::default()).emergency_number("113");
    let text = |group: &str| {
        "[outbound]\nopen = []\ncaller_ids = [\"+12025550199\"]\n".to_string()
            + &documents()
            + &program("made", &format!("group = \"{group}\"\nurl = \"http://app.example/made\""))
                .replace(BOB, help.digits())
            + &subscriber(help.digits(), "rings_ms = 3000\ndoes = [{ await_hangup = {} }]")
    };
    for group in ["pri", "fxo"] {
        let in_the_us = both_kinds("", &text(group));
        let run = crate::world::run(&in_the_us.replace("country = \"us\"", "country = \"no\""));
        let called = called_of(&run.outcome.called, help.digits());
        assert_eq!(called.to, help.digits(), "neither changed nor prefixed");
        assert!(called.answered_after_ms.is_some());
        // Elsewhere it is a number like others, and those are closed.
        let run = crate::world::run(&in_the_us);
        assert!(run.outcome.called.iter().all(|called| called.to != help.digits()), "{:?}", run.outcome.called);
    }
}
