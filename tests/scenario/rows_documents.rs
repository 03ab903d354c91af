//! Documents with all verbs, URLs with blanks, and calls that are told apart by who answers: rows A4, A29, B1, C17, C19
//! and C21.

use std::path::Path;

use tipring::daemon::scenario::{Scenario, Subscriber};
use tipring_sim::Step;

use crate::desk::{Client, visited, word};
use crate::legs::{BOB, BOB_DIGITS, both_kinds, called_of, program, subscriber};
use crate::sound::{HELLO, in_words, sound_of};
use crate::world::{Run, caller, document, run, run_scenario, scenario, value};

const WORDS: &str = "the application's words";

#[test]
fn a4_the_first_url_is_filled_from_the_call_percent_encoded() {
    let text = "country = \"us\"\n[[number]]\nnumber = \"+12025550190\"\nmethod = \"GET\"\n\
                url = \"http://app.example/in/{Called}/{Caller}?name={CallerName}&status={CallStatus}\"\n"
        .to_string()
        + &document("/in/%2B12025550190/%2B12025550100", &format!("<Response><Say>{HELLO}</Say></Response>"))
        + "[[call]]\nid = \"caller\"\nfrom = \"2025550100\"\nname = \"A & B/C?\"\nto = \"2025550190\"\n\
           does = [{ await_answer = {} }, { await_hangup = {} }]\n";
    let run = run(&text);
    assert_eq!(run.paths(), ["/in/%2B12025550190/%2B12025550100"], "{:?}", run.told().errors);
    let asked = &run.outcome.asked[0];
    assert!(asked.url.contains("?name=A%20%26%20B%2FC%3F&status=ringing"), "{}", asked.url);
    assert_eq!((value(asked, "name"), value(asked, "Caller")), (Some("A & B/C?"), Some("+12025550100")));
    assert_eq!(in_words(run.octets()), WORDS);
    // The signature is over what was sent.
    assert_eq!(asked.signature, Some(tipring_webhook::sign(&run.outcome.token, &asked.url, &[])));
}

#[test]
fn a29_one_answer_speaks_to_the_caller_and_sends_a_message_whose_state_can_be_asked_for() {
    let answer = format!(
        "<Response><Say>{HELLO}</Say><Message to='+12025550123' from='100'>on my way</Message><Say>{HELLO}</Say></Response>"
    );
    let (run, message) =
        visited(&(caller(&answer, "") + "\n[message_gateway]\ndelivers_after_ms = 100\n"), |api| async move {
            api.until(15_000).await;
            let messages = api.list("/Messages.json", "messages").await;
            assert_eq!(messages.len(), 1, "{messages:?}");
            api.read(word(&messages[0], "uri")).await
        });
    assert_eq!(in_words(run.octets()), format!("{WORDS}, then {WORDS}"), "before and after it");
    let [sent] = &run.outcome.messages[..] else { panic!("{:?}", run.outcome.messages) };
    assert_eq!((sent.to.as_str(), sent.body.as_str()), ("+12025550123", "on my way"));
    assert_eq!((word(&message, "status"), word(&message, "body")), ("delivered", "on my way"));
    assert_eq!(run.told().errors, [0; 0]);
}

/// Names of verbs that the paper has under a heading, of this kind.
fn verbs_of_the_paper(kind: &str) -> Vec<String> {
    let paper = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference/compatibility.md");
    let paper = std::fs::read_to_string(paper).expect("the paper");
    let documents = paper.split("\n## ").find(|part| part.starts_with("Documents")).expect("a chapter of documents");
    let headings = documents.lines().filter_map(|line| line.strip_prefix("### "));
    let mut names: Vec<String> = headings.filter_map(|name| Some(name.strip_suffix(kind)?.to_string())).collect();
    names.sort();
    names
}

/// Every verb of the core, in documents of two numbers: what must come of each is seen at the telephones and in the log.
#[test]
fn b1_a_document_with_every_verb_of_the_core_runs_and_there_are_twelve() {
    let all = format!(
        "<Response><Say>{HELLO}</Say><Play>/a.wav</Play><Pause length='1'/><Gather timeout='1'><Say>{HELLO}</Say></Gather>\
         <Message to='+12025550123' from='100'>all of them</Message><Dial callerId='+12025550199'>{BOB}</Dial>\
         <Enqueue waitUrl='/wait'>help</Enqueue><Record action='/kept' maxLength='2'/><Hangup/></Response>"
    );
    let text = document("/", &all)
        + &document("/a.wav", "@announcement")
        + &document("/wait", "<Response><Leave/></Response>")
        + &document("/kept", "<Response><Redirect>/last</Redirect></Response>")
        + &document("/last", "<Response><Hangup/></Response>")
        + &document("/no", "<Response><Reject reason='busy'/></Response>")
        + &subscriber(BOB, "rings_ms = 500\ndoes = [{ wait = { ms = 1000 } }, { hangup = {} }]")
        + "\n[message_gateway]\n[[number]]\nnumber = \"100\"\nurl = \"http://app.example/\"\n\
           [[number]]\nnumber = \"200\"\nurl = \"http://app.example/no\"\n\
           [[call]]\nid = \"all\"\nfrom = \"2025550100\"\nto = \"100\"\n\
           does = [{ await_answer = {} }, { wait = { ms = 10000 } }, { tone = { hz = 500.0, ms = 30000 } }, { await_hangup = {} }]\n\
           [[call]]\nid = \"refused\"\nfrom = \"2025550100\"\nto = \"200\"\ndoes = [{ await_hangup = {} }]\n";
    let run = run(&format!("country = \"us\"\n{text}"));
    let heard = in_words(run.octets());
    assert!(heard.starts_with(&format!("{WORDS}, then the announcement, then {WORDS}")), "{heard}");
    assert!(heard.ends_with("the beep"), "{heard}");
    assert_eq!(run.outcome.messages.len(), 1);
    assert_eq!(called_of(&run.outcome.called, BOB).to, BOB_DIGITS);
    let paths: Vec<_> = run.paths().into_iter().filter(|path| *path != "/no").collect();
    assert_eq!(paths, ["/", "/a.wav", "/wait", "/kept", "/last"]);
    assert_eq!(value(run.asked("/kept")[0], "RecordingDuration"), Some("2"));
    assert_eq!(run.told().errors, [0; 0]);
    let refused = &run.outcome.told[1];
    assert_eq!((refused.answered_after_ms, refused.cause, refused.status.as_deref()), (None, Some(17), Some("busy")));

    let named = "Dial Enqueue Gather Hangup Leave Message Pause Play Record Redirect Reject Say";
    assert_eq!(verbs_of_the_paper(" (core)").join(" "), named);
    let named = "Connect Echo Pay Prompt Refer Sms Start Stop";
    assert_eq!(verbs_of_the_paper(" (extension)").join(" "), named);
}

#[test]
fn b1_the_extensions_run_too_and_what_this_box_has_not_is_passed_over_with_a_word() {
    let all = format!(
        "<Response><Start><Stream name='ear' url='wss://bot.example/ear'/></Start><Say>{HELLO}</Say>\
         <Stop><Stream name='ear'/></Stop><Sms to='+12025550123' from='100'>on my way</Sms><Pay/><Prompt/>\
         <Connect><Stream url='wss://bot.example/talk'/></Connect><Echo/></Response>"
    );
    let refer = format!("<Response><Refer><Sip>sip:a@b.example</Sip></Refer><Say>{HELLO}</Say></Response>");
    let text = document("/", &all)
        + &document("/refer", &refer)
        + "\n[message_gateway]\n[[stream]]\nurl = \"wss://bot.example/ear\"\n\
           [[stream]]\nurl = \"wss://bot.example/talk\"\nclose_after_ms = 800\n\
           [[number]]\nnumber = \"100\"\nurl = \"http://app.example/\"\n\
           [[number]]\nnumber = \"200\"\nurl = \"http://app.example/refer\"\n\
           [[call]]\nid = \"all\"\nto = \"100\"\ndoes = [{ await_answer = {} }, { wait = { ms = 6000 } }, \
           { tone = { hz = 700.0, ms = 1000 } }, { wait = { ms = 1000 } }, { hangup = {} }]\n\
           [[call]]\nid = \"refer\"\nto = \"200\"\ndoes = [{ await_answer = {} }, { await_hangup = {} }]\n";
    let run = run(&text);
    assert_eq!(in_words(run.octets()), format!("{WORDS}, then a tone of 700 Hz"), "its words, then its own whistle");
    assert_eq!(run.outcome.messages.len(), 1);
    let [ear, talk] = &run.outcome.streamed[..] else { panic!("{} streams", run.outcome.streamed.len()) };
    for stream in [ear, talk] {
        let events: Vec<&str> = stream.texts.iter().filter_map(|text| text["event"].as_str()).collect();
        assert_eq!(events[..2], ["connected", "start"]);
    }
    assert_eq!(ear.texts.last().map(|text| text["event"].clone()), Some("stop".into()), "<Stop> has ended it");
    // Cards are not taken here, and a line of the telephone network cannot be referred to a SIP address.
    assert_eq!(run.told().errors, [12200, 12200]);
    assert!(run.outcome.told[1].errors.contains(&13801), "{:?}", run.outcome.told[1].errors);
}

/// A called telephone that says something, in the law of the line.
fn speaks(octets: Vec<u8>) -> Run {
    let text = program(
        "made",
        "url = \"http://app.example/\"\nmachine_detection = \"Enable\"\nstatus_callback = \"http://app.example/told\"",
    ) + &document("/", "<Response><Pause length='1'/><Hangup/></Response>")
        + &document("/told", "")
        + &subscriber(BOB, "rings_ms = 500\ndoes = []");
    let mut scenario: Scenario = scenario(&format!("country = \"us\"\n{text}"));
    scenario.subscriber[0].does =
        Some(vec![Step::Wait { ms: 400 }, Step::Say { octets }, Step::AwaitHangup { limit_ms: 60_000 }]);
    run_scenario(&scenario)
}

#[test]
fn c17_a_long_greeting_is_a_machine_and_a_short_hello_a_person() {
    let greeting = [sound_of("the built-in notice"), sound_of("the built-in apology"), sound_of(WORDS)].concat();
    let hello = sound_of(WORDS)[..6_400].to_vec();
    for (octets, word) in [(greeting, "machine_start"), (hello, "human")] {
        let run = speaks(octets);
        let asked = run.asked("/");
        assert_eq!(asked.len(), 1, "{word}: it is asked once the verdict is there");
        assert_eq!(value(asked[0], "AnsweredBy"), Some(word));
        let ms: u64 = value(asked[0], "MachineDetectionDuration").and_then(|ms| ms.parse().ok()).expect("how long");
        assert!((1_000..10_000).contains(&ms), "{word}: {ms} ms");
        let last = *run.asked("/told").last().expect("told");
        assert_eq!((value(last, "CallStatus"), value(last, "AnsweredBy")), (Some("completed"), Some(word)));
        let record = run.record(&run.made().sid);
        assert_eq!(record.answered_by.as_deref(), Some(word));
    }
}

/// Whether a call that shows a number goes out.
async fn goes_out(api: &Client, from: &str) -> u64 {
    let form = [("To", BOB), ("From", from), ("Twiml", "<Response><Hangup/></Response>")];
    let got = api.post("/Calls.json", &form).await;
    if got.status == 201 { 0 } else { got.fault().1 }
}

#[test]
fn c19_caller_ids_are_registered_listed_renamed_and_after_their_deletion_of_no_use() {
    let text = both_kinds(
        "",
        &(subscriber(BOB, "rings_ms = 500") + &crate::legs::telephone("caller", "pri", "{ hangup = {} }")),
    );
    let (run, ()) = visited(&text, |api| async move {
        api.until(3_000).await;
        let number = "+12025550177";
        assert_eq!(goes_out(&api, number).await, 21210, "not registered");
        let form = [("PhoneNumber", number), ("FriendlyName", "Desk"), ("Verify", "false")];
        let one = api.post("/OutgoingCallerIds.json", &form).await.ok(201);
        let list = async || {
            let list = api.list("/OutgoingCallerIds.json", "outgoing_caller_ids").await;
            list.iter()
                .map(|one| (word(one, "phone_number").to_string(), word(one, "friendly_name").to_string()))
                .collect::<Vec<_>>()
        };
        assert_eq!(list().await, [(number.to_string(), "Desk".to_string())]);
        assert_eq!(api.post("/OutgoingCallerIds.json", &form).await.fault(), (400, 21450), "it is there");
        api.post(word(&one, "uri"), &[("FriendlyName", "Door")]).await.ok(200);
        assert_eq!(list().await, [(number.to_string(), "Door".to_string())]);
        assert_eq!(goes_out(&api, number).await, 0);
        api.until(8_000).await;
        assert_eq!(api.delete(word(&one, "uri")).await.status, 204);
        assert_eq!(list().await, []);
        assert_eq!(goes_out(&api, number).await, 21210);
    });
    let [called] = &run.outcome.called[..] else { panic!("{} were called", run.outcome.called.len()) };
    assert!(called.from.ends_with("2025550177"), "{}", called.from);
}

/// Waits for the end of what is asked.
const LISTENS: Step = Step::AwaitQuiet { ms: 600, limit_ms: 20_000 };
/// Waits for the end of the call.
const ENDS: Step = Step::AwaitHangup { limit_ms: 60_000 };

/// Proves a number: the telephone presses what `keys` makes of the code, or hangs up.
fn proof(keys: impl FnOnce(&str) -> Vec<Step> + Send + 'static) -> (Run, (usize, u64)) {
    let text = document("/told", "") + &crate::legs::telephone("caller", "pri", "{ hangup = {} }");
    visited(&both_kinds("", &text), move |api| async move {
        let form = [("PhoneNumber", BOB), ("CallDelay", "5"), ("StatusCallback", "http://app.example/told")];
        api.until(1_000).await;
        let asked = api.post("/OutgoingCallerIds.json", &form).await.ok(200);
        let code = word(&asked, "validation_code").to_string();
        assert!(code.len() == 6 && code.bytes().all(|digit| digit.is_ascii_digit()), "{code}");
        assert_eq!(api.read(&format!("/Calls/{}.json", word(&asked, "call_sid"))).await["status"], "queued");
        assert!(api.list("/OutgoingCallerIds.json", "outgoing_caller_ids").await.is_empty(), "nothing is proved yet");
        api.subscribe(Subscriber {
            number: BOB_DIGITS.into(),
            rings_ms: 500,
            does: Some(keys(&code)),
            ..Subscriber::default()
        });
        api.until(60_000).await;
        let proved = api.list("/OutgoingCallerIds.json", "outgoing_caller_ids").await;
        assert!(proved.iter().all(|one| one["phone_number"] == BOB), "{proved:?}");
        api.subscribe(Subscriber { number: BOB_DIGITS.into(), ..Subscriber::default() });
        (proved.len(), goes_out(&api, BOB).await)
    })
}

#[test]
fn c21_a_number_is_proved_by_the_code_that_the_called_person_keys_and_by_nothing_else() {
    let right = proof(|code| vec![LISTENS, Step::press(code), ENDS]);
    assert_eq!(right.1, (1, 0), "listed, and of use");
    let told = right.0.asked("/told");
    assert_eq!(told.iter().filter_map(|asked| value(asked, "VerificationStatus")).collect::<Vec<_>>(), ["success"]);
    assert!(value(told[0], "OutgoingCallerIdSid").is_some_and(|sid| sid.starts_with("PN")));
    // It rang after its delay, and somebody was asked for something before the keys.
    let called = &right.0.outcome.called[0];
    assert!((8_500..10_000).contains(&called.moments.began_ms), "{:?}", called.moments);
    assert!(
        called.from.is_empty() || !called.from.ends_with("5550142"),
        "it shows no unproved number: {}",
        called.from
    );

    let other = proof(|code| {
        let other = format!("{:06}", (code.parse::<u32>().expect("digits") + 1) % 1_000_000);
        (0..3).flat_map(|_| [LISTENS, Step::press(&other)]).chain([ENDS]).collect()
    });
    let hangs_up = proof(|_| vec![Step::Wait { ms: 2_000 }, Step::hangup()]);
    for (run, came_to) in [other, hangs_up] {
        assert_eq!(came_to, (0, 21210), "neither listed nor of use");
        let told: Vec<_> = run.asked("/told").iter().filter_map(|asked| value(asked, "VerificationStatus")).collect();
        assert_eq!(told, ["failed"]);
        assert_eq!(run.outcome.called.len(), 1, "and no second call goes out");
    }
}
