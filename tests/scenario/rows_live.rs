//! What programs change of live calls, through the card: rows C4, C8 and C9. The rule of C9 stands in the header of the
//! router's `live.rs`.

use crate::legs::{BOB, both_kinds, called_of, dial, program, release_ms, subscriber, telephone};
use crate::sound::{HELLO, in_words, places, sound_of, sound_on};
use crate::world::{Run, document, run, value};

const WORDS: &str = "the application's words";

/// From the start to the moment from which a scenario counts.
const READY_MS: u64 = 2_500;

fn change(of: &str, at_ms: u64, what: &str) -> String {
    format!("\n[[change]]\nof = \"{of}\"\nat_ms = {at_ms}\n{what}\n")
}

#[test]
fn c4_a_call_is_ended_while_it_waits_for_a_line() {
    let hold = "twiml = \"<Response><Pause length='20'/></Response>\"\ngroup = \"one\"";
    let told = "status_callback = \"http://app.example/told\"\nat_ms = 100\n";
    let text = program("first", hold)
        + &program("second", &format!("{told}{hold}"))
        + &document("/told", "")
        + &subscriber(BOB, "never = true")
        + &change("second", 3_000, "end = true")
        + &change("first", 9_000, "end = true");
    let run = run(&both_kinds("", &text)).met();
    let second = &run.outcome.made[1];
    assert_eq!(second.status.as_deref(), Some("canceled"));
    assert_eq!(run.outcome.called.len(), 1, "nobody was called for it");
    let told: Vec<_> = run.asked("/told").iter().filter_map(|asked| value(asked, "CallStatus")).collect();
    assert_eq!(told.last(), Some(&"canceled"));
}

#[test]
fn c4_a_call_is_ended_while_it_rings_and_while_it_lasts() {
    for (group, reply, at_ms, status) in [
        ("pri", "never = true", 4_000, "canceled"),
        ("fxo", "never = true", 15_000, "canceled"),
        ("pri", "rings_ms = 500", 4_000, "completed"),
        (
            "fxo",
            "rings_ms = 3000\ndoes = [{ tone = { hz = 700.0, ms = 500 } }, { await_hangup = {} }]",
            18_000,
            "completed",
        ),
    ] {
        let text =
            program("made", &format!("twiml = \"<Response><Pause length='60'/></Response>\"\ngroup = \"{group}\""))
                + &subscriber(BOB, reply)
                + &change("made", at_ms, "end = true");
        let run = run(&both_kinds("", &text)).met();
        assert_eq!(run.made().status.as_deref(), Some(status), "{group}");
        let ended = called_of(&run.outcome.called, BOB).moments.ended_ms.expect("over");
        let asked = READY_MS + at_ms;
        assert!(ended >= asked && ended - asked <= release_ms(group), "{group}: ended at {ended}, asked at {asked}");
    }
}

#[test]
fn c4_both_legs_of_a_bridge_are_ended_and_a_dialled_leg_alone_lets_the_document_go_on() {
    let body = format!("<Response><Dial><Number trunk=\"pri\">{BOB}</Number></Dial><Say>{HELLO}</Say></Response>");
    let talk = |what: &str| {
        let text = document("/", &body)
            + &subscriber(BOB, "rings_ms = 1000")
            + &telephone("caller", "pri", "{ await_hangup = {} }")
            + &change("caller", 6_000, what);
        run(&both_kinds("", &text)).met()
    };
    let whole = talk("end = true");
    let (told, called) = (whole.told(), called_of(&whole.outcome.called, BOB));
    for ended in [told.moments.ended_ms, called.moments.ended_ms] {
        assert!(ended.is_some_and(|ms| (8_500..9_500).contains(&ms)), "{ended:?}");
    }
    assert_eq!((told.status.as_deref(), whole.legs_of(&told.sid)[0].status.as_str()), (Some("completed"), "completed"));
    assert!(!in_words(whole.octets()).contains(WORDS));

    let leg = talk("dialled = true\nend = true");
    let ended = called_of(&leg.outcome.called, BOB).moments.ended_ms;
    assert!(ended.is_some_and(|ms| (8_500..9_500).contains(&ms)), "{ended:?}");
    assert!(in_words(leg.octets()).ends_with(WORDS), "{}", in_words(leg.octets()));
    assert_eq!(leg.told().status.as_deref(), Some("completed"));
}

#[test]
fn c4_a_call_that_is_over_cannot_be_ended_again() {
    let text = document("/", "<Response/>")
        + &telephone("caller", "pri", "{ await_hangup = {} }")
        + &change("caller", 9_000, "end = true\nrefused = 21220")
        + &change("caller", 9_100, "url = \"http://app.example/other\"\nrefused = 21220");
    let run = run(&both_kinds("", &text)).met();
    assert_eq!(run.paths(), ["/"]);
}

#[test]
fn c8_a_live_call_goes_to_another_application_in_the_middle_of_a_play_and_back() {
    for way in ["pri", "fxo"] {
        let text = document("/", "<Response><Play loop=\"0\">http://app.example/a.wav</Play></Response>")
            + &document("/a.wav", "@announcement")
            + &document("/two", &format!("<Response><Say loop=\"0\">{HELLO}</Say></Response>"))
            + &telephone("caller", way, "{ await_hangup = { limit_ms = 120000 } }")
            + &change("caller", 9_000, "url = \"http://two.example/two\"")
            + &change("caller", 18_000, "url = \"http://app.example/\"")
            + &change("caller", 26_000, "end = true");
        let run = run(&both_kinds("", &text)).met();
        assert_eq!(
            run.paths().iter().filter(|path| !path.ends_with(".wav")).collect::<Vec<_>>(),
            [&"/", &"/two", &"/"]
        );
        let (announcement, words) =
            (places(run.octets(), sound_on(way, "the announcement")), places(run.octets(), sound_on(way, WORDS)));
        let from = run.told().moments.heard_from_ms.expect("heard") as usize;
        let ms = |at: &usize| from + at / 8;
        let other = 11_500..20_600;
        assert!(!words.is_empty() && words.iter().all(|at| other.contains(&ms(at))), "{way}: {words:?}");
        let before = announcement.iter().filter(|at| ms(at) < other.start).count();
        let after = announcement.iter().filter(|at| ms(at) > 20_400).count();
        assert!(before >= 1 && after >= 2 && before + after == announcement.len(), "{way}: {announcement:?}");
        // No seam is silent for long: the cut is at once.
        let between = words[0].saturating_sub(announcement[before - 1] + sound_on(way, "the announcement").len()) / 8;
        assert!(between < 2_600, "{way}: {between} ms between the two");
    }
}

/// Callers of one run, each changed at a moment of its own.
const TRIES: u64 = 20;

/// Twenty moments between two, by seed.
fn moments(seed: u64, from_ms: u64, to_ms: u64) -> Vec<u64> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        from_ms + (state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % (to_ms - from_ms)
    };
    (0..TRIES).map(|_| next()).collect()
}

/// Twenty callers in the middle of a verb, each given another document at its own moment. Checks what holds for every
/// verb: the other document is asked at that moment, once, with nothing of the verb; it is heard to its end; the verb's
/// action is never asked.
fn twenty(verb: &str, does: &str, seed: u64, span_ms: (u64, u64), more: &str) -> Run {
    let at_ms = moments(seed, span_ms.0, span_ms.1);
    let mut text = document("/", &format!("<Response>{verb}<Say>Never heard.</Say></Response>"))
        + &document("/other", &format!("<Response><Say>{HELLO}</Say></Response>"))
        + &document("/a.wav", "@announcement")
        + &document("/action", "<Response><Say>Never heard.</Say></Response>")
        + &document("/kept", "")
        + &subscriber("", more);
    for (n, at_ms) in at_ms.iter().enumerate() {
        text += &format!(
            "[[call]]\nid = \"{n}\"\nfrom = \"20255502{n:02}\"\nto = \"100\"\n\
             does = [{{ await_answer = {{ limit_ms = 60000 }} }}, {does}{{ await_hangup = {{ limit_ms = 120000 }} }}]\n"
        );
        text += &change(&n.to_string(), *at_ms, "url = \"http://other.example/other\"");
    }
    let run = run(&both_kinds("spans = 2\nlimit_s = 300", &text)
        .replace("\"sim 2\"", "\"sim 3\"")
        .replace("\"sim 2/", "\"sim 3/")
        .replace("\"sim 1\"", "\"sim 2\""));
    let run = run.met();
    assert!(run.asked("/action").is_empty(), "{verb}: the action of a verb that was cut is asked");
    let others = run.asked("/other");
    assert_eq!(others.len(), TRIES as usize, "{verb}");
    let times: Vec<_> = (0..others.len()).map(|n| run.asked_at("/other", n).round() as u64).collect();
    let mut wanted: Vec<_> = at_ms.iter().map(|ms| READY_MS + ms).collect();
    wanted.sort_unstable();
    assert_eq!(times, wanted, "{verb}: asked at the moment of the change");
    for asked in others {
        let foreign = ["Digits", "RecordingUrl", "RecordingSid", "DialCallStatus", "DialCallSid", "LastErrorCode"];
        assert!(foreign.iter().all(|name| value(asked, name).is_none()), "{verb}: {:?}", asked.params);
    }
    for ((id, heard), told) in run.outcome.heard.iter().zip(&run.outcome.told) {
        let words = in_words(heard);
        assert!(words.ends_with(WORDS), "{verb}, caller {id}: {words}");
        assert_eq!((told.status.as_deref(), told.cause), (Some("completed"), Some(16)), "{verb}, caller {id}");
    }
    run
}

#[test]
fn c9_say_play_and_pause_are_cut_at_once() {
    for (seed, verb, heard) in [
        (1, format!("<Say>{HELLO} {HELLO} {HELLO} {HELLO}</Say>"), None),
        (2, "<Play loop=\"0\">/a.wav</Play>".to_string(), Some("the announcement")),
        (3, "<Pause length=\"60\"/>".to_string(), Some("nothing")),
    ] {
        let run = twenty(&verb, "", seed, (100, 7_000), "");
        let at_ms = moments(seed, 100, 7_000);
        for ((_, octets), (told, at_ms)) in run.outcome.heard.iter().zip(run.outcome.told.iter().zip(&at_ms)) {
            // From the cut to the new words: only what was in the card, then the beginning of the words.
            let words = *places(octets, sound_of(WORDS)).last().expect("the words");
            let from = told.moments.heard_from_ms.expect("heard");
            let gap = (from + words as u64 / 8).abs_diff(READY_MS + at_ms);
            assert!(gap < 700, "{verb} at {at_ms}: the new words come {gap} ms later");
            if heard == Some("nothing") {
                assert_eq!(in_words(octets), WORDS);
            }
        }
    }
}

#[test]
fn c9_a_gather_is_cut_and_its_keys_are_never_delivered() {
    let gather = "<Gather numDigits=\"5\" timeout=\"30\" action=\"/action\"/>";
    let run = twenty(gather, "{ wait = { ms = 200 } }, { press = { keys = \"12\" } }, ", 4, (1_000, 9_000), "");
    assert!(run.outcome.asked.iter().all(|asked| value(asked, "Digits").is_none()));
}

#[test]
fn c9_a_record_keeps_what_was_said_and_does_not_ask_its_action() {
    let record = "<Record action=\"/action\" recordingStatusCallback=\"/kept\" maxLength=\"60\" timeout=\"60\"/>";
    let does = "{ await_quiet = { ms = 200 } }, { tone = { hz = 700.0, ms = 500 } }, ";
    let run = twenty(record, does, 5, (2_500, 9_000), "");
    assert!(run.outcome.told.iter().all(|told| told.recordings.len() == 1));
    let kept = run.asked("/kept");
    assert_eq!(kept.len(), TRIES as usize);
    assert!(kept.iter().all(|asked| value(asked, "RecordingStatus") == Some("completed")));
}

#[test]
fn c9_a_dial_cancels_who_rings_and_hangs_up_who_is_bridged() {
    for (seed, reply, status) in [(6, "never = true", "canceled"), (7, "rings_ms = 500", "completed")] {
        let verb = dial("pri", "action=\"/action\"").replace("<Response>", "").replace("</Response>", "");
        let run = twenty(&verb, "", seed, (1_500, 9_000), reply);
        let legs: Vec<_> = run.outcome.records.iter().filter(|call| call.parent.is_some()).collect();
        assert_eq!(legs.len(), TRIES as usize);
        assert!(legs.iter().all(|leg| leg.status.as_str() == status), "{status}");
        let mut at_ms: Vec<_> = moments(seed, 1_500, 9_000).iter().map(|ms| READY_MS + ms).collect();
        let mut ended: Vec<_> = run.outcome.called.iter().filter_map(|called| called.moments.ended_ms).collect();
        at_ms.sort_unstable();
        ended.sort_unstable();
        for (ended, at) in ended.iter().zip(&at_ms) {
            assert!(ended >= at && ended - at < 500, "{status}: changed at {at}, hung up at {ended}");
        }
    }
}

#[test]
fn c9_a_request_under_way_is_cancelled_and_its_answer_ignored() {
    let redirect = "<Pause length=\"1\"/><Redirect>/slow</Redirect>";
    let text = "\n[[document]]\npath = \"/slow\"\nlatency_ms = 9500\nbody = \"<Response><Say>Never heard.</Say></Response>\"\n";
    let run = twenty(redirect, "", 8, (1_200, 9_000), text);
    for (_, heard) in &run.outcome.heard {
        assert_eq!(in_words(heard), WORDS);
    }
    assert_eq!(run.asked("/slow").len(), TRIES as usize);
}

#[test]
fn c9_a_bridged_leg_goes_its_own_way_and_the_dial_goes_on() {
    let body = format!("<Response><Dial action=\"/after\"><Number trunk=\"pri\">{BOB}</Number></Dial></Response>");
    for at_ms in moments(9, 2_500, 8_000).into_iter().take(5) {
        let text = document("/", &body)
            + &document("/after", "<Response><Pause length=\"2\"/></Response>")
            + &document("/other", &format!("<Response><Say>{HELLO}</Say></Response>"))
            + &subscriber(BOB, "rings_ms = 500")
            + &telephone("caller", "pri", "{ await_hangup = {} }")
            + &change("caller", at_ms, "dialled = true\nurl = \"http://other.example/other\"");
        let run = run(&both_kinds("", &text)).met();
        assert_eq!(value(run.asked("/after")[0], "DialCallStatus"), Some("answered"), "{at_ms}");
        assert!(in_words(&called_of(&run.outcome.called, BOB).heard).ends_with(WORDS), "{at_ms}");
        assert!(!in_words(run.octets()).contains(WORDS), "{at_ms}: the caller hears the leg's document");
    }
}

#[test]
fn c9_a_call_that_is_not_answered_yet_keeps_ringing_and_the_new_document_waits_for_its_answer() {
    let text = program("made", "group = \"pri\"\nurl = \"http://app.example/first\"")
        + &document("/first", "<Response><Say>Never heard.</Say></Response>")
        + &document("/other", &format!("<Response><Say>{HELLO}</Say></Response>"))
        + &subscriber(BOB, "rings_ms = 6000")
        + &change("made", 3_000, "url = \"http://other.example/other\"");
    let run = run(&both_kinds("", &text)).met();
    let called = called_of(&run.outcome.called, BOB);
    assert_eq!((run.paths(), in_words(&called.heard)), (vec!["/other"], WORDS.to_string()));
    assert!(called.answered_after_ms >= Some(6_000), "{:?}", called.answered_after_ms);
}

/// In every state of a dialling: before dial tone, among the digits, waiting for the network, ringing.
#[test]
fn c4_a_dialling_on_an_analogue_line_is_ended_at_any_moment_and_the_line_works_again() {
    let run = |at_ms: u64| {
        let text = program("first", "twiml = \"<Response><Pause length='60'/></Response>\"\ngroup = \"one\"")
            + &program("second", &format!("at_ms = {}\ntwiml = \"<Response/>\"\ngroup = \"one\"", at_ms + 10))
            + &subscriber(BOB, "rings_ms = 3000\ndoes = [{ tone = { hz = 700.0, ms = 500 } }, { await_hangup = {} }]")
            + &change("first", at_ms, "end = true");
        crate::world::run(&both_kinds("", &text)).met()
    };
    for at_ms in moments(10, 20, 12_000) {
        let run = run(at_ms);
        let statuses: Vec<_> = run.outcome.made.iter().filter_map(|told| told.status.as_deref()).collect();
        assert!(matches!(statuses[..], ["canceled" | "completed", "completed"]), "{at_ms}: {statuses:?}");
    }
}
