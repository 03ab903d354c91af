//! Verbs, one by one: what is heard, which keys count, how long things take.

use tipring_card::Micros;
use tipring_resources::CallStatus;
use tipring_router::{Effect, MediaSource, SwitchCommand};

use crate::bench::*;

fn media(bench: &Bench) -> Vec<MediaSource> {
    let sources = bench.log.iter().filter_map(|(_, effect)| match effect {
        Effect::Media { source, .. } => Some(source.clone()),
        _ => None,
    });
    sources.collect()
}

#[test]
fn b2_play_repeats_a_sound_as_often_as_asked() {
    let mut bench = Bench::with("<Play loop='2'>/m.mp3</Play>");
    bench.rings();
    bench.run_out();
    assert_eq!(bench.words(), ["http://app.test/m.mp3"; 2]);
    bench.ended(CallStatus::Completed, 16);

    let mut bench = Bench::with("<Play loop='0'>/m.mp3</Play>");
    let lease = bench.rings();
    bench.wait_ms(60_000);
    bench.hangs_up(lease);
    bench.run_out();
    assert!((58..=60).contains(&bench.words().len()), "until hang-up: {}", bench.words().len());
    bench.ended(CallStatus::Completed, 16);
}

#[test]
fn play_sends_keys_with_pauses_between() {
    let mut bench = Bench::with("<Play digits='12w#'/><Say>a</Say>");
    bench.rings();
    bench.run_out();
    assert_eq!(bench.words(), ["12w#", "a"]);
    assert_eq!(bench.heard[0].to_ms - bench.heard[0].from_ms, 3 * 160 + 500);
}

#[test]
fn b3_say_takes_voice_and_language_from_the_document_or_the_box() {
    let mut bench = Bench::with("<Say voice='alice' language='en-GB'>One</Say><Say>Two</Say>");
    bench.rings();
    bench.run_out();
    let speech = |text: &str, voice: &str, language: &str| MediaSource::Speech {
        markup: None,
        text: text.into(),
        voice: voice.into(),
        language: language.into(),
    };
    assert_eq!(media(&bench), [speech("One", "alice", "en-GB"), speech("Two", "", "")]);
}

#[test]
fn b4_gather_ends_by_key_by_number_and_by_time() {
    let mut bench = Bench::with("<Gather finishOnKey='#' action='/k'/>");
    let lease = bench.rings();
    bench.wait_ms(100);
    bench.presses(lease, "#12#");
    bench.wait_ms(100);
    assert_eq!(bench.requests.len(), 2);
    assert_eq!(value(bench.request(1), "Digits"), Some("12"), "a # before any digit says nothing");

    let mut bench = Bench::with("<Gather numDigits='5' timeout='3' action='/k'/>");
    let lease = bench.rings();
    bench.wait_ms(1_000);
    bench.presses(lease, "1");
    bench.wait_ms(2_900);
    bench.presses(lease, "2");
    bench.wait_ms(2_900);
    bench.presses(lease, "3");
    bench.wait_ms(2_999);
    assert_eq!(bench.requests.len(), 1, "each key gives the whole time again");
    bench.wait_ms(1);
    assert_eq!(value(bench.request(1), "Digits"), Some("123"));

    let mut bench = Bench::with("<Gather finishOnKey='' numDigits='2' action='/k'/>");
    let lease = bench.rings();
    bench.wait_ms(100);
    bench.presses(lease, "*#");
    bench.wait_ms(10);
    assert_eq!(value(bench.request(1), "Digits"), Some("*#"));
}

#[test]
fn b5_the_first_key_stops_the_prompt_and_is_kept() {
    let mut bench = Bench::with("<Gather numDigits='2' action='/k'><Say>a</Say><Say>b</Say></Gather>");
    let lease = bench.rings();
    bench.wait_ms(500);
    bench.presses(lease, "7");
    assert_eq!(bench.heard.iter().map(|h| (h.to_ms, h.whole)).collect::<Vec<_>>(), [(500, false)]);
    assert!(bench.log.iter().any(|(_, e)| matches!(e, Effect::Switch(SwitchCommand::Stop { .. }))));
    assert!(bench.log.iter().any(|(_, e)| matches!(e, Effect::CancelMedia { .. })));
    bench.wait_ms(100);
    bench.presses(lease, "8");
    bench.wait_ms(10);
    assert_eq!(value(bench.request(1), "Digits"), Some("78"));

    let text = "<Gather bargeIn='false' numDigits='2' action='/k'><Say>a</Say><Pause/><Say>b</Say></Gather>";
    let mut bench = Bench::with(text);
    let lease = bench.rings();
    bench.wait_ms(500);
    bench.presses(lease, "789");
    bench.wait_ms(2_000);
    assert_eq!(bench.requests.len(), 1, "the prompts go on to their end");
    bench.wait_ms(1_000);
    assert_eq!(bench.words(), ["a", "b"]);
    assert_eq!(value(bench.request(1), "Digits"), Some("78"));
}

#[test]
fn b6_without_input_the_next_verb_follows_and_nothing_is_asked() {
    let mut bench = Bench::with("<Gather timeout='2'><Say>menu</Say></Gather><Say>nobody?</Say>");
    bench.rings();
    bench.run_out();
    assert_eq!((bench.requests.len(), bench.words()), (1, vec!["menu", "nobody?"]));
    assert_eq!(bench.heard[1].from_ms - bench.heard[0].to_ms, 2_010, "the time runs from the prompts' end");

    let mut bench = Bench::with("<Gather timeout='2' actionOnEmptyResult='true' action='/k'/>");
    bench.rings();
    bench.wait_ms(3_000);
    assert_eq!(value(bench.request(1), "Digits"), Some(""));
}

/// What is told late is late: a timer that was due before the key has the word.
#[test]
fn a_key_after_the_time_is_no_input() {
    let mut bench = Bench::with("<Gather numDigits='1' timeout='2' action='/k'/><Pause length='9'/>");
    let lease = bench.rings();
    bench.wait_ms(100);
    bench.now = Micros::from_s(5);
    bench.presses(lease, "1");
    bench.wait_ms(100);
    assert_eq!((bench.asked(), bench.router.counters().keys_unheard), (vec![APP], 1));
}

#[test]
fn speech_input_falls_through_and_says_so() {
    let mut bench = Bench::with("<Gather input='speech' timeout='1'/><Say>on</Say>");
    let lease = bench.rings();
    bench.wait_ms(500);
    bench.presses(lease, "1");
    bench.run_out();
    assert_eq!((bench.words(), bench.codes()), (vec!["on"], vec![13326]));
}

#[test]
fn b18_pause_is_exact() {
    let mut bench = Bench::with("<Say>a</Say><Pause length='3'/><Say>b</Say>");
    let lease = bench.rings();
    bench.wait_ms(2_000);
    bench.presses(lease, "5");
    bench.run_out();
    let effects = bench.log.iter().filter(|(_, effect)| matches!(effect, Effect::Media { .. }));
    let begun: Vec<u64> = effects.map(|(at, _)| at.as_ms()).collect();
    assert_eq!(begun[1] - bench.heard[0].to_ms, 3_000);
    assert_eq!(bench.router.counters().keys_unheard, 1);
}

#[test]
fn a_sound_that_fails_is_skipped_and_the_next_request_says_so() {
    for (is, code) in [(SoundIs::Broken(13420), 13420), (SoundIs::BreaksAfter(400), 13420), (SoundIs::Silent, 11200)] {
        let mut bench = Bench::with("<Play loop='5'>/gone.mp3</Play><Say>on</Say><Redirect>/2</Redirect>");
        bench.sound("gone", is);
        bench.app("http://app.test/2", &[xml("")]);
        bench.rings();
        bench.run_out();
        assert_eq!(bench.words().last(), Some(&"on"));
        assert_eq!(bench.codes(), [code]);
        assert_eq!(value(bench.request(1), "LastErrorCode"), Some(code.to_string().as_str()));
        assert_eq!(value(bench.request(1), "LastErrorUrl"), Some("http://app.test/gone.mp3"));
        bench.ended(CallStatus::Completed, 16);
    }
}

#[test]
fn b22_the_failure_of_an_action_is_told_once() {
    let mut bench = Bench::with("<Play>file:///etc/passwd</Play><Redirect>/2</Redirect>");
    bench.app("http://app.test/2", &[xml("<Redirect>/3</Redirect>")]);
    bench.app("http://app.test/3", &[xml("")]);
    bench.rings();
    bench.run_out();
    assert_eq!(value(bench.request(1), "LastErrorCode"), Some("11100"));
    assert_eq!(value(bench.request(2), "LastErrorCode"), None);
    assert!(media(&bench).is_empty(), "only the web is played");
}

#[test]
fn b24_grammar_is_strict_about_case_and_nesting_and_blind_to_comments() {
    let plain = "<Gather numDigits='1'><Say>m</Say></Gather>";
    let commented = "<!-- a --><Gather numDigits='1'><!-- b --><Say>m<!-- c --></Say></Gather><?pi x?>";
    let transcripts = [plain, commented].map(|text| {
        let mut bench = Bench::with(text);
        bench.rings();
        bench.run_out();
        (bench.words().join(","), bench.codes())
    });
    assert_eq!(transcripts[0], transcripts[1]);

    for text in ["<say>m</say><Say>n</Say>", "<Gather timeout='1'><Hangup/></Gather><Say>n</Say>"] {
        let mut bench = Bench::with(text);
        bench.rings();
        bench.run_out();
        assert_eq!(bench.words(), ["n"], "passed over with a notification");
        let note = &bench.notifications()[0].text;
        assert!(note.starts_with("line 2 column "), "{note}");

        let mut bench = Bench::with(text);
        let mut strict = number("100");
        strict.strict_documents = true;
        bench.knows(strict);
        bench.rings();
        bench.run_out();
        assert_eq!(bench.words(), ["sorry"], "the error path");
        assert!(matches!(bench.codes()[..], [12200 | 13320]));
    }
    let mut bench = Bench::with("<Say>a<Play/></Response>");
    bench.rings();
    bench.run_out();
    assert_eq!((bench.words(), bench.codes()), (vec!["sorry"], vec![12100]), "bad nesting of tags");
}

#[test]
fn verbs_that_are_not_here_are_passed_over() {
    let mut bench = Bench::with("<Pay/><Connect><Room>r</Room></Connect><Say>on</Say>");
    bench.rings();
    bench.run_out();
    assert_eq!((bench.words(), bench.codes()), (vec!["on"], vec![12200, 12200]));
    assert!(bench.notifications()[0].text.contains("not available on this box"));
}

#[test]
fn reject_refuses_before_the_answer_with_its_cause() {
    for (text, cause, status) in [
        ("<Reject/>", 21, CallStatus::NoAnswer),
        ("<Reject reason='busy'/>", 17, CallStatus::Busy),
        ("<Reject cause='34'/>", 34, CallStatus::NoAnswer),
        ("<Reject reason='rejected' cause='17'/>", 17, CallStatus::Busy),
        ("<Pause length='2'/><Reject/>", 21, CallStatus::NoAnswer),
    ] {
        let mut bench = Bench::with(text);
        bench.rings();
        bench.run_out();
        assert!(!bench.was_answered());
        bench.ended(status, cause);
    }
    let mut bench = Bench::with("<Say>a</Say><Reject/>");
    bench.rings();
    bench.run_out();
    bench.ended(CallStatus::Completed, 16);
}

/// A caller with a stuck key must not fill the memory, nor hold the line.
#[test]
fn endless_keys_complete_the_input() {
    let mut bench = Bench::with("<Gather finishOnKey='' action='/k'/>");
    let lease = bench.rings();
    bench.wait_ms(100);
    bench.presses(lease, &"5".repeat(1_000));
    bench.wait_ms(10);
    assert_eq!(value(bench.request(1), "Digits").map(str::len), Some(256));
}
