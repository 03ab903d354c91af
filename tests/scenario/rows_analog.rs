//! Analogue lines through the card: who calls, which line, what is taken for an answer, and how the end is noticed.
//! Rows A2, A3, A16 and the voicemail that is not a minute of busy tone.

use crate::legs::{BOB, both_kinds, called_of, program, subscriber, tones};
use crate::sound::{HELLO, in_words, linear, recorded};
use crate::world::{Run, document, run, value};

const WORDS: &str = "the application's words";

#[test]
fn a2_an_analogue_line_tells_who_calls_and_a_withheld_number_stays_withheld() {
    let rings = |n: u32, who: &str| {
        format!(
            "\n[[call]]\nid = \"{n}\"\nat_ms = {}\nline = 1\n{who}\ndoes = [{{ await_answer = {{}} }}, {{ await_hangup = {{}} }}]\n",
            n * 15_000
        )
    };
    let text = document("/", &format!("<Response><Say>{HELLO}</Say></Response>"))
        + &rings(0, "from = \"2025550100\"\nname = \"A CALLER\"")
        + &rings(1, "from = \"2025550101\"\nname = \"A SECRET\"\nrestricted = true")
        + &rings(2, "");
    let run = run(&both_kinds("", &text)).met();
    let told = |n: usize, name: &str| value(&run.outcome.asked[n], name).map(str::to_string);
    let some = |text: &str| Some(text.to_string());
    let numbers = |n: usize| [told(n, "From"), told(n, "Caller"), told(n, "To"), told(n, "CallerName")];
    assert_eq!(numbers(0), [some("+12025550100"), some("+12025550100"), some("sim 2/1"), some("A CALLER")]);
    assert_eq!(numbers(1), [some("anonymous"), some("anonymous"), some("sim 2/1"), None]);
    assert_eq!(told(1, "CallerRestricted"), some("true"));
    assert_eq!(numbers(2), [some(""), some(""), some("sim 2/1"), None]);
    let asked = format!("{:?} {:?}", run.outcome.asked[1], run.outcome.records[1]);
    assert!(!asked.contains("2025550101") && !asked.contains("SECRET"), "{asked}");
    assert_eq!(
        (run.outcome.records[0].from.as_str(), run.outcome.records[0].line.as_str()),
        ("+12025550100", "sim 2/1")
    );
    for (id, heard) in &run.outcome.heard {
        assert_eq!(in_words(heard), WORDS, "{id}");
    }
}

#[test]
fn a3_each_analogue_line_has_its_own_application() {
    let text = "analog_lines = 2\ncountry = \"us\"\n\
                [[number]]\nnumber = \"sim 2/1\"\nurl = \"http://one.example/one\"\n\
                [[number]]\nnumber = \"sim 2/2\"\nurl = \"http://two.example/two\"\n"
        .to_string()
        + &document("/one", &format!("<Response><Say>{HELLO}</Say></Response>"))
        + &document("/two", "<Response><Play>http://two.example/a.wav</Play></Response>")
        + &document("/a.wav", "@announcement")
        + "[[call]]\nid = \"one\"\nfrom = \"2025550101\"\nline = 1\ndoes = [{ await_answer = {} }, { await_hangup = {} }]\n\
           [[call]]\nid = \"two\"\nfrom = \"2025550102\"\nline = 2\ndoes = [{ await_answer = {} }, { await_hangup = {} }]\n";
    let run = run(&text);
    let heard: Vec<_> = run.outcome.heard.iter().map(|(_, octets)| in_words(octets)).collect();
    assert_eq!(heard, [WORDS, "the announcement"]);
    let from = |path: &str| run.asked(path).iter().map(|asked| value(asked, "From")).collect::<Vec<_>>();
    assert_eq!((from("/one"), from("/two")), (vec![Some("+12025550101")], vec![Some("+12025550102")]));
}

#[test]
fn a3_a_line_with_a_number_of_its_own_is_called_by_it_and_one_without_by_its_name() {
    let rings = |n: u32| {
        format!(
            "[[call]]\nid = \"{n}\"\nfrom = \"2025550101\"\nline = {n}\ndoes = [{{ await_answer = {{}} }}, {{ await_hangup = {{}} }}]\n"
        )
    };
    let number =
        |number: &str, path: &str| format!("[[number]]\nnumber = \"{number}\"\nurl = \"http://app.example{path}\"\n");
    let text = "analog_lines = 3\ncountry = \"us\"\n".to_owned()
        + "[[line]]\nline = \"sim 2/1\"\nnumber = \"2025550177\"\n[[line]]\nline = \"sim 2/2\"\nnumber = \"22\"\n"
        + &number("+12025550177", "/own")
        + &number("22", "/extension")
        + &number("sim 2/3", "/name")
        + &["/own", "/extension", "/name"].map(|path| document(path, "<Response><Hangup/></Response>")).concat()
        + &[1, 2, 3].map(rings).concat();
    let run = run(&text);
    let to = |path: &str| run.asked(path).iter().map(|asked| value(asked, "To")).collect::<Vec<_>>();
    assert_eq!(to("/own"), [Some("+12025550177")]);
    assert_eq!(to("/extension"), [Some("22")]);
    assert_eq!(to("/name"), [Some("sim 2/3")]);
    let mut raw: Vec<_> = run.outcome.records.iter().map(|call| (call.line.as_str(), call.to_raw.as_str())).collect();
    raw.sort();
    assert_eq!(raw, [("sim 2/1", "2025550177"), ("sim 2/2", "22"), ("sim 2/3", "")]);
}

#[test]
fn b8_the_busy_tone_of_one_lines_exchange_ends_its_calls_and_those_of_no_other_line() {
    let ends = |line: &str| {
        let (run, after_s) = gone(
            &format!("[exchange]\nclears_by = \"busy-tone\"\ncountry = \"gb\"\n{line}"),
            &format!("<Response><Say>{HELLO}</Say><Pause length=\"200\"/></Response>"),
        );
        (run.record(&run.told().sid).hangup_evidence.clone(), after_s < 6.0)
    };
    // A tone that nobody knows is a voice that never stops.
    assert_eq!(ends(""), (None, false));
    for line in ["hang_up_tone = \"400 375/375\"\n", "country = \"gb\"\n"] {
        let told = ends(&format!("[[line]]\nline = \"sim 2/1\"\n{line}"));
        assert_eq!(told, (Some("busy-tone".into()), true), "{line}");
        let told = ends(&format!("[[line]]\nline = \"sim 2/2\"\n{line}"));
        assert_eq!(told, (None, false), "{line}");
    }
}

/// A program's call over an analogue line to somebody who answers after three seconds of ringing and speaks.
fn answered(top: &str, more: &str, subscribes: &str) -> Run {
    let text = document("/made", &format!("<Response><Say>{HELLO}</Say></Response>"))
        + &program("made", &format!("group = \"fxo\"\nurl = \"http://app.example/made\"\n{more}"))
        + &subscriber(BOB, subscribes);
    run(&both_kinds("", &format!("{top}{text}"))).met()
}

#[test]
fn a16_what_an_analogue_line_takes_for_the_answer_is_documented_and_said() {
    let speaks =
        "rings_ms = 6500\ndoes = [{ wait = { ms = 800 } }, { tone = { hz = 700.0, ms = 600 } }, { await_hangup = {} }]";
    let reversal = "[exchange]\nreverses_polarity = true\n[analog]\nanswer = \"reversal\"\n";
    let dialled = "[analog]\nanswer = \"dialled\"\n";
    for (top, word) in [(reversal, "reversal"), ("", "guessed-voice"), (dialled, "guessed-dialled")] {
        let run = answered(top, "", speaks);
        let called = called_of(&run.outcome.called, BOB);
        let picked_up = called.moments.answered_ms.map_or(f64::INFINITY, |ms| ms as f64);
        let asked = run.asked_at("/made", 0);
        let request = run.asked("/made")[0];
        assert_eq!(value(request, "AnswerSupervision"), Some(word));
        assert_eq!(value(request, "CallStatus"), Some("in-progress"), "{word}");
        assert_eq!(run.record(&run.made().sid).supervision.as_deref(), Some(word));
        match word {
            // The end of dialling has to do: nobody has picked up yet.
            "guessed-dialled" => assert!(asked < picked_up, "{asked} {picked_up}"),
            "reversal" => assert!(asked >= picked_up && asked - picked_up < 1_000.0, "{asked} {picked_up}"),
            // After the first word.
            _ => assert!(asked >= picked_up + 800.0 && asked - picked_up < 2_000.0, "{asked} {picked_up}"),
        }
    }
}

#[test]
fn a16_a_line_that_should_reverse_and_does_not_is_not_answered() {
    let speaks = "rings_ms = 3000\ndoes = [{ tone = { hz = 700.0, ms = 9000 } }, { await_hangup = {} }]";
    let run = answered("[analog]\nanswer = \"reversal\"\n", "timeout_s = 20", speaks);
    assert!(run.asked("/made").is_empty());
    assert_eq!(run.made().status.as_deref(), Some("no-answer"));
}

/// Without a sign of the battery the country's busy tone is the only sign. A recording keeps at most a few beats of it.
#[test]
fn b8_a_voicemail_on_a_european_line_is_not_a_minute_of_busy_tone() {
    for country in ["de", "at", "ch", "fr", "it", "es", "nl", "be", "gb", "se", "pl", "cz", "au", "us"] {
        let text = format!("analog_lines = 1\ncountry = \"{country}\"\n[exchange]\nclears_by = \"busy-tone\"\n")
            + "[[number]]\nnumber = \"sim 2/1\"\nurl = \"http://app.example/\"\n"
            + &document("/", "<Response><Record timeout=\"60\" maxLength=\"120\" action=\"/kept\"/></Response>")
            + &document("/kept", "<Response/>")
            + "[[call]]\nid = \"caller\"\nline = 1\ndoes = [{ await_answer = {} }, { await_sound = {} }, \
               { await_quiet = { ms = 300 } }, { tone = { hz = 700.0, ms = 4000 } }, { hangup = {} }]\n";
        let run = run(&text);
        let [file] = &run.told().recordings[..] else {
            panic!("{country}: {} recordings", run.told().recordings.len())
        };
        let samples = recorded(file);
        let heard: Vec<u8> = samples.iter().map(|&sample| tipring_dsp::alaw_encode(sample)).collect();
        let message = tones(&heard, 700.0);
        assert!(message.iter().map(|tone| tone.ms).sum::<usize>() >= 3_900, "{country}: {message:?}");
        let ms = samples.len() / 8;
        assert!(ms < 10_000, "{country}: {ms} ms are kept of a message of 4 s");
        assert_eq!((run.told().status.as_deref(), run.record(&run.told().sid).cause), (Some("completed"), Some(16)));
    }
}

#[test]
fn b8_the_gains_of_a_line_are_in_what_is_recorded_there_and_in_what_its_caller_hears() {
    let on = |line: u8| {
        let text = "analog_lines = 2\ncountry = \"gb\"\n".to_owned()
            + "[[line]]\nline = \"sim 2/2\"\nreceive_gain_db = 6\nsend_gain_db = -6\n"
            + &format!("[[number]]\nnumber = \"sim 2/{line}\"\nurl = \"http://app.example/\"\n")
            + &document(
                "/",
                &format!(
                    "<Response><Say>{HELLO}</Say><Record maxLength=\"3\" playBeep=\"false\" action=\"/kept\"/></Response>"
                ),
            )
            + &document("/kept", "<Response/>")
            + &format!(
                "[[call]]\nid = \"caller\"\nline = {line}\ndoes = [{{ await_answer = {{}} }}, {{ await_sound = {{}} }}, \
                {{ await_quiet = {{ ms = 300 }} }}, {{ tone = {{ hz = 700.0, ms = 9000, level_dbm0 = -20.0 }} }}]\n"
            );
        let run = run(&text);
        let [file] = &run.told().recordings[..] else { panic!("{} recordings", run.told().recordings.len()) };
        let recorded = recorded(file);
        let heard = linear(&run.outcome.heard[0].1);
        let words = heard.chunks_exact(800).map(tipring_dsp::dbm0_of).fold(f32::MIN, f32::max);
        (tipring_dsp::dbm0_of(&recorded[recorded.len() - 8_000..]), words)
    };
    let (plain, gained) = (on(1), on(2));
    assert!((plain.0 + 20.0).abs() < 0.3, "{plain:?}");
    assert!((gained.0 - plain.0 - 6.0).abs() < 0.3, "recorded: {plain:?} {gained:?}");
    assert!((gained.1 - plain.1 + 6.0).abs() < 0.5, "heard: {plain:?} {gained:?}");
}

/// A caller over an analogue line who goes while the document waits; what ended it, and when after his going.
fn gone(top: &str, document_of: &str) -> (Run, f64) {
    let text = format!("limit_s = 300\nanalog_lines = 1\ncountry = \"us\"\n{top}")
        + "[[number]]\nnumber = \"sim 2/1\"\nurl = \"http://app.example/\"\nstatus_callback = \"http://app.example/over\"\n"
        + &document("/", document_of)
        + &document("/over", "")
        + "[[call]]\nid = \"caller\"\nline = 1\ndoes = [{ await_answer = {} }, { wait = { ms = 4000 } }, \
           { tone = { hz = 700.0, ms = 1000 } }, { hangup = {} }]\n";
    let run = run(&text);
    let record = run.record(&run.told().sid);
    let (ended, answered) = (record.ended.map_or(0, |at| at.0), record.answered.map_or(0, |at| at.0));
    let after_s = (ended - answered) as f64 / 1e6 - 5.0;
    (run, after_s)
}

#[test]
fn b17_what_told_of_a_hang_up_is_on_the_call_and_in_its_last_request() {
    for (clears, word, most_s) in [
        ("battery", "battery-drop", 1.0),
        ("busy-tone", "busy-tone", 5.0),
        ("reversal", "reversal", 5.0),
        ("nothing", "silence", 65.0),
    ] {
        let top = format!("[exchange]\nclears_by = \"{clears}\"\n");
        let (run, after_s) = gone(&top, &format!("<Response><Say>{HELLO}</Say><Pause length=\"200\"/></Response>"));
        let record = run.record(&run.told().sid);
        assert_eq!(record.hangup_evidence.as_deref(), Some(word), "{clears}: {:?}", run.lines("line"));
        assert!(after_s <= most_s, "{clears}: freed {after_s} s after he went");
        assert_eq!(value(run.asked("/over")[0], "HangupEvidence"), Some(word), "{clears}");
        let lines = run.lines("line");
        assert!(lines.iter().any(|(_, text)| text.contains(&format!("told by {word}"))), "{clears}: {lines:?}");
        if word == "silence" {
            assert!(lines.iter().any(|(_, text)| text.contains("silence on both sides: the call ends in 10 s")));
        }
    }
}

#[test]
fn b17_a_line_that_is_told_so_waits_longer_for_a_silent_caller() {
    let top = "[analog]\nhang_up_silence_s = 90\n[exchange]\nclears_by = \"nothing\"\n";
    let (run, after_s) = gone(top, &format!("<Response><Say>{HELLO}</Say><Pause length=\"250\"/></Response>"));
    assert_eq!(run.record(&run.told().sid).hangup_evidence.as_deref(), Some("silence"));
    assert!((85.0..=95.0).contains(&after_s), "{after_s} s");
}

/// Two callers over analogue lines in a room, one muted and both silent: 30 minutes long nobody is taken to be gone.
#[test]
fn b17_a_muted_member_of_a_room_and_a_caller_in_a_queue_stay_for_thirty_minutes() {
    let number =
        |n: u32, path: &str| format!("[[number]]\nnumber = \"sim 2/{n}\"\nurl = \"http://app.example{path}\"\n");
    let waits = |n: u32| {
        format!(
            "[[call]]\nid = \"{n}\"\nline = {n}\ndoes = [{{ await_answer = {{}} }}, {{ wait = {{ ms = 1810000 }} }}, {{ hangup = {{}} }}]\n"
        )
    };
    let room = |muted| {
        format!(
            "<Response><Dial><Conference muted=\"{muted}\" beep=\"false\" waitUrl=\"\">quiet</Conference></Dial></Response>"
        )
    };
    let text = "limit_s = 1900\nanalog_lines = 3\ncountry = \"de\"\n[exchange]\nclears_by = \"busy-tone\"\n".to_owned()
        + &number(1, "/speaker")
        + &number(2, "/muted")
        + &number(3, "/queue")
        + &document("/speaker", &room("false"))
        + &document("/muted", &room("true"))
        + &document("/queue", "<Response><Enqueue waitUrl=\"/silence\">line</Enqueue></Response>")
        + &document("/silence", "<Response><Pause length=\"600\"/></Response>")
        + &waits(1)
        + &waits(2)
        + &waits(3);
    let run = run(&text);
    for record in &run.outcome.records {
        let lasted = record.ended.zip(record.answered).map_or(0, |(ended, answered)| ended.0 - answered.0) / 1_000_000;
        assert!(lasted >= 1_800, "{}: {lasted} s, {:?}", record.line, record.hangup_evidence);
        assert_eq!(record.hangup_evidence.as_deref(), Some("busy-tone"), "{}", record.line);
    }
    assert_eq!(run.outcome.records.len(), 3);
}
