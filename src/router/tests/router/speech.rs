//! Gather with speech: what is told, what wins, what happens without a recognizer.

use tipring_router::{Effect, HttpRequest, SwitchCommand};

use crate::bench::*;

const DONE: &str = "http://app.test/done";

fn gathers(attributes: &str, says: Option<Utterance>) -> Bench {
    let mut bench = Bench::with(&format!("<Gather {attributes} action='/done'><Say>long</Say></Gather><Say>on</Say>"));
    bench.app(DONE, &[xml("")]);
    bench.app("http://app.test/partial", &[App::Says("", String::new())]);
    bench.sound("long", SoundIs::Long(10_000));
    bench.beside.says = says;
    bench
}

#[track_caller]
fn done(bench: &Bench) -> &HttpRequest {
    bench.asked_of(DONE).first().copied().expect("the action was not asked")
}

#[test]
fn b7_speech_cuts_the_prompt_and_its_text_is_told() {
    let mut bench =
        gathers("input='speech' speechTimeout='auto' language='en-GB' hints='yes, no'", Some(Utterance::of("yes")));
    bench.rings();
    bench.run_out();
    assert_eq!((bench.heard[0].whole, bench.heard[0].to_ms), (false, 1_023), "cut when he began to speak");
    let told = done(&bench);
    assert_eq!((value(told, "SpeechResult"), value(told, "Confidence")), (Some("yes"), Some("0.5")));
    assert_eq!((value(told, "Language"), value(told, "Digits")), (Some("en-GB"), None));
    // A second, a second of speech, 800 ms of silence, 200 ms until the last word.
    let (at, _) = bench.requests.iter().find(|(_, request)| request.url == DONE).expect("asked");
    assert_eq!(at.as_ms(), 23 + 1_000 + 1_000 + 800 + 200);
    let listen = bench.log.iter().find_map(|(_, effect)| match effect {
        Effect::Listen { listen, .. } => Some(listen.clone()),
        _ => None,
    });
    let listen = listen.expect("nobody listens");
    assert_eq!((listen.language.as_str(), listen.continuous, listen.partial), ("en-GB", false, false));
    assert_eq!(listen.hints, ["yes", "no"]);
    assert_eq!(bench.words(), ["long"]);
    bench.nothing_is_left();
}

#[test]
fn b7_without_barge_in_the_prompt_is_heard_to_its_end() {
    let mut bench = gathers("input='speech' bargeIn='false' speechTimeout='1'", Some(Utterance::of("yes")));
    bench.rings();
    bench.run_out();
    assert!(bench.heard[0].whole);
    let at = bench.requests.iter().find(|(_, request)| request.url == DONE).expect("asked").0;
    assert_eq!(at.as_ms(), 23 + 10_010);
    assert_eq!(value(done(&bench), "SpeechResult"), Some("yes"));
    bench.nothing_is_left();
}

#[test]
fn b7_keys_win_and_drop_the_recognizer() {
    for at_ms in [500, 1_500, 6_900] {
        // While nobody has spoken, while he speaks, while the last word is waited for.
        let says = Utterance { final_ms: Some(4_000), ..Utterance::of("yes") };
        let mut bench = gathers("input='dtmf speech' numDigits='1' timeout='4'", Some(says));
        let lease = bench.rings();
        bench.wait_ms(at_ms);
        bench.presses(lease, "7");
        bench.run_out();
        assert_eq!((value(done(&bench), "Digits"), value(done(&bench), "SpeechResult")), (Some("7"), None), "{at_ms}");
        assert_eq!(bench.count(|effect| matches!(effect, Effect::EndListen { dropped: true, .. })), 1, "{at_ms}");
        bench.nothing_is_left();
    }
}

#[test]
fn b6_without_words_the_next_verb_follows() {
    let attributes = "input='speech' timeout='3'";
    let mute = Utterance { at_ms: 3_600_000, ..Utterance::of("") };
    let cough = Utterance::of("");
    let silent = Utterance { final_ms: None, ..Utterance::of("yes") };
    for (says, code) in [(Some(mute), None), (Some(cough), None), (Some(silent), Some(94_101)), (None, Some(13_326))] {
        let mut bench = gathers(attributes, says.clone());
        bench.rings();
        bench.run_out();
        assert!(bench.asked_of(DONE).is_empty(), "{says:?}");
        assert_eq!((bench.words().last(), bench.codes().first().copied()), (Some(&"on"), code), "{says:?}");
        bench.nothing_is_left();
    }
    let mut bench = gathers("input='speech' actionOnEmptyResult='true'", None);
    bench.rings();
    bench.run_out();
    assert_eq!((value(done(&bench), "SpeechResult"), value(done(&bench), "Digits")), (Some(""), Some("")));
    assert_eq!(value(done(&bench), "LastErrorCode"), Some("13326"));
}

#[test]
fn b7_endless_speech_ends_after_the_longest_time() {
    let says = Utterance { length_ms: 3_600_000, ..Utterance::of("and so on") };
    let mut bench = gathers("input='speech' maxSpeechTime='7'", Some(says));
    bench.rings();
    bench.run_out();
    let at = bench.requests.iter().find(|(_, request)| request.url == DONE).expect("asked").0;
    assert_eq!(at.as_ms(), 23 + 1_000 + 7_000 + 200);
    bench.nothing_is_left();
}

#[test]
fn a8_what_is_understood_so_far_is_told_in_order_beside_the_call() {
    let partials = vec![(100, "y", 0.25), (300, "ye", 0.5), (500, "yes", 0.95)];
    let says = Utterance { partials, ..Utterance::of("yes") };
    let mut bench = gathers("input='speech' speechTimeout='auto' partialResultCallback='/partial'", Some(says));
    // A slow server: what comes meanwhile waits.
    bench.app("http://app.test/partial", &[App::After(2_000, Box::new(App::Says("", String::new())))]);
    bench.rings();
    bench.run_out();
    let told: Vec<_> = bench
        .asked_of("http://app.test/partial")
        .iter()
        .map(|request| {
            let of = |name: &str| value(request, name).unwrap_or("-").to_owned();
            [of("SequenceNumber"), of("UnstableSpeechResult"), of("StableSpeechResult"), of("Stability")].join(" ")
        })
        .collect();
    assert_eq!(told, ["0 y  0.25", "1 ye  0.5", "2  yes 0.95"]);
    let at = bench.requests.iter().find(|(_, request)| request.url == DONE).expect("asked").0;
    assert_eq!(at.as_ms(), 3_023, "the call is not delayed by it");
    bench.nothing_is_left();
}

#[test]
fn a_caller_who_hangs_up_while_he_speaks_leaves_no_ear_behind() {
    for at_ms in [10, 500, 1_500, 2_900] {
        let mut bench = gathers("input='dtmf speech' speechTimeout='auto'", Some(Utterance::of("yes")));
        let lease = bench.rings();
        bench.wait_ms(at_ms);
        bench.hangs_up(lease);
        bench.run_out();
        assert!(bench.asked_of(DONE).is_empty());
        let ears = bench.count(|e| matches!(e, Effect::Switch(SwitchCommand::Listen { .. })));
        assert_eq!(ears, bench.count(|e| matches!(e, Effect::EndListen { .. })).min(1), "{at_ms}");
        bench.nothing_is_left();
    }
}
