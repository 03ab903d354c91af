//! What runs beside a call, through the card: streams, recognizers, messages, pauses of a recording, machine detection.

use tipring_dsp::{a_to_mu, dbm0_of, ulaw_decode};
use tipring_resources::{MessageStatus, Record};

use crate::sound::{linear, recorded};
use crate::world::{caller, document, run, value};

/// Milliseconds of sound in µ-law octets, by blocks of 20 ms.
fn loud_ms(octets: &[u8]) -> usize {
    let loud = |block: &&[u8]| {
        let linear: Vec<i16> = block.iter().map(|octet| ulaw_decode(*octet)).collect();
        dbm0_of(&linear) > -40.0
    };
    octets.chunks(160).filter(loud).count() * 20
}

const TALK: &str = "<Response><Connect action='/after'><Stream url='wss://bot.example/talk'>\
                    <Parameter name='who' value='me'/></Stream></Connect></Response>";

#[test]
fn a_server_hears_the_caller_is_heard_gets_keys_and_marks_and_its_close_leads_on() {
    let does = "{ wait = { ms = 500 } }, { tone = { hz = 700.0, ms = 1000 } }, { wait = { ms = 1500 } }, \
                { press = { keys = \"5\" } }, { wait = { ms = 500 } }, { press = { keys = \"#\" } }, ";
    let server = "\n[[stream]]\nurl = \"wss://bot.example/talk\"\necho = true\nmark = \"begun\"\nclose_on = \"#\"\n";
    let text = caller(TALK, does) + &document("/after", "<Response><Hangup/></Response>") + server;
    let run = run(&text).met();
    assert_eq!(run.asked("/after").len(), 1, "the document goes on");
    let streamed = &run.outcome.streamed[0];
    let events: Vec<&str> = streamed.texts.iter().filter_map(|text| text["event"].as_str()).collect();
    assert_eq!(events[..3], ["connected", "start", "mark"]);
    assert_eq!(streamed.texts[1]["start"]["customParameters"]["who"], "me");
    let keys: Vec<&str> = streamed.texts.iter().filter_map(|text| text["dtmf"]["digit"].as_str()).collect();
    assert_eq!(keys, ["5", "#"]);
    let said = loud_ms(&streamed.sound["inbound"]);
    assert!((1_100..=1_300).contains(&said), "{said} ms of tone and keys");
    // The echo: what the caller said comes back once.
    let heard: Vec<u8> = run.octets().iter().map(|octet| a_to_mu(*octet)).collect();
    let back = loud_ms(&heard);
    assert!((1_000..=1_300).contains(&back), "{back} ms came back");
}

#[test]
fn what_a_forked_stream_gets_is_what_the_caller_said_octet_by_octet() {
    let document =
        "<Response><Start><Stream name='ear' url='wss://bot.example/ear'/></Start><Pause length='4'/></Response>";
    let does = "{ wait = { ms = 1000 } }, { tone = { hz = 1004.0, ms = 500 } }, ";
    let run = run(&(caller(document, does) + "\n[[stream]]\n")).met();
    let streamed = &run.outcome.streamed[0];
    let sound = &streamed.sound["inbound"];
    let from = sound.iter().position(|octet| ulaw_decode(*octet).abs() > 300).expect("a tone");
    let mut whole = vec![0i16; 4_000];
    tipring_dsp::Tone::new(1004.0, -10.0).fill(&mut whole);
    let wanted: Vec<u8> = whole.iter().map(|it| a_to_mu(tipring_dsp::alaw_encode(*it))).collect();
    let at = (from.saturating_sub(40)..=from).find(|at| sound[*at..].starts_with(&wanted[..3_900]));
    assert!(at.is_some(), "the tone is another one: {:?} and {:?}", &sound[from..from + 10], &wanted[..10]);
    assert_eq!(streamed.texts.last().map(|text| text["event"].clone()), Some("stop".into()), "the call's end ends it");
}

#[test]
fn a_stream_that_fails_is_told_with_its_code_and_the_call_goes_on() {
    let text =
        caller(TALK, "") + &document("/after", "<Response><Hangup/></Response>") + "\n[[stream]]\nfails = 31902\n";
    let run = run(&text).met();
    assert_eq!(run.asked("/after").len(), 1);
    assert_eq!(run.told().errors, [31902]);
}

#[test]
fn b7_speech_is_understood_and_arrives_as_text_with_its_confidence() {
    let gather = "<Response><Gather input='speech' action='/said' speechTimeout='1'/></Response>";
    let does = "{ wait = { ms = 500 } }, { tone = { hz = 500.0, ms = 800 } }, { wait = { ms = 3000 } }, ";
    let recognizer = "\n[[recognizer]]\nsays = [\"open the door\"]\nconfidence = 0.75\n";
    let text = caller(gather, does) + &document("/said", "<Response><Hangup/></Response>") + recognizer;
    let run = run(&text).met();
    let said = run.asked("/said");
    assert_eq!(said.len(), 1, "{:?}", run.paths());
    assert_eq!(value(said[0], "SpeechResult"), Some("open the door"));
    assert!(value(said[0], "Confidence").is_some_and(|it| it.starts_with("0.75")));
}

#[test]
fn c7_a_recording_is_begun_paused_and_ended_by_a_program() {
    let ask = |at_ms: u32, what: &str| format!("\n[[ask]]\nat_ms = {at_ms}\n{what}\n");
    let does = "{ tone = { hz = 600.0, ms = 9000 } }, ";
    let text = caller("<Response><Play digits='1'/><Pause length='12'/></Response>", does)
        + &ask(2_000, "record = { of = \"caller\" }")
        + &ask(4_000, "recording = { of = \"caller\", change = \"pause\" }")
        + &ask(6_000, "recording = { of = \"caller\", change = \"resume\" }")
        + &ask(7_000, "recording = { of = \"caller\", change = \"stop\" }");
    let run = run(&text).met();
    let recordings = &run.told().recordings;
    assert_eq!(recordings.len(), 1);
    let ms = recorded(&recordings[0]).len() / 8;
    assert!((2_900..=3_100).contains(&ms), "{ms} ms: two seconds, and one after the pause");
}

#[test]
fn a28_a_message_goes_out_and_one_that_comes_in_is_answered() {
    let sms = "<Response><Sms to='+12025550123' from='100'>on my way</Sms><Pause length='1'/></Response>";
    let number =
        "\n[[number]]\nnumber = \"100\"\nurl = \"http://app.example/\"\nsms_url = \"http://app.example/sms\"\n";
    let gateway = "\n[message_gateway]\ndelivers_after_ms = 100\n";
    let message = "\n[[message]]\nat_ms = 500\nfrom = \"+12025550144\"\nto = \"100\"\nbody = \"where are you?\"\n";
    let reply = document("/sms", "<Response><Message>near</Message></Response>");
    let run = run(&(caller(sms, "") + &reply + number + gateway + message)).met();
    let bodies: Vec<&str> = run.outcome.messages.iter().map(|message| message.body.as_str()).collect();
    assert!(bodies.contains(&"on my way") && bodies.contains(&"near"), "{bodies:?}");
    let asked = run.asked("/sms");
    assert_eq!(value(asked[0], "Body"), Some("where are you?"));
    let delivered = |record: &Record| matches!(record, Record::Message(it) if it.status == MessageStatus::Delivered);
    assert!(run.outcome.others.iter().any(delivered));
}

#[test]
fn b19_without_a_gateway_a_message_fails_with_a_code_and_the_call_goes_on() {
    let sms = "<Response><Sms to='+12025550123' from='100' action='/sent'>x</Sms></Response>";
    let run = run(&(caller(sms, "") + &document("/sent", "<Response><Hangup/></Response>"))).met();
    assert_eq!(run.asked("/sent").len(), 1);
    assert_eq!(value(run.asked("/sent")[0], "SmsStatus"), Some("failed"));
    assert!(run.told().errors.contains(&14108), "{:?}", run.told().errors);
}

#[test]
fn four_callers_at_once_each_with_a_name_hear_their_own() {
    let mut text = "[[document]]\npath = \"/\"\nbody = '''<Response><Pause length='6'/></Response>'''\n".to_owned();
    for (n, id) in ["ann", "ben", "cleo", "dan"].into_iter().enumerate() {
        let (from, keys) = (2_025_550_101 + n as u64, n + 1);
        text += &format!(
            "\n[[call]]\nid = \"{id}\"\nfrom = \"{from}\"\nto = \"100\"\ndoes = [{{ await_answer = {{}} }}, \
             {{ await_hangup = {{ limit_ms = 20000 }} }}]\nexpect = {{ status = \"completed\", errors = [] }}\n\
             [[change]]\nof = \"{id}\"\nat_ms = 2000\ntwiml = \"<Response><Play digits='{keys}'/><Pause length='1'/></Response>\"\n"
        );
    }
    let run = run(&text).met();
    let keys: Vec<&str> = run.outcome.told.iter().map(|told| told.keys.as_str()).collect();
    assert_eq!(keys, ["1", "2", "3", "4"]);
}

#[test]
fn a_called_machine_is_told_from_a_person_by_its_long_greeting() {
    let text = "[[dial]]\nid = \"made\"\nto = \"+12025550111\"\nat_ms = 100\nurl = \"http://app.example/\"\n\
                machine_detection = \"Enable\"\n[[document]]\npath = \"/\"\nbody = '<Response><Hangup/></Response>'\n\
                [[subscriber]]\nnever = false\ndoes = [{ await_hangup = { limit_ms = 30000 } }]\n";
    let run = run(text).met();
    let asked = run.asked("/");
    assert_eq!(value(asked[0], "AnsweredBy"), Some("unknown"), "nobody says a word");
    let linear = linear(&run.outcome.called[0].heard);
    assert!(dbm0_of(&linear) < -50.0);
}
