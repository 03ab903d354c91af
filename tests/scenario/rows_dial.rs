//! What a Dial came to, through the card: rows B12 and B22.

use crate::legs::{BOB, both_kinds, subscriber, telephone};
use crate::sound::{HELLO, in_words};
use crate::world::{Run, document, run, value};

/// A Dial with an action, or without one and a word behind it.
fn dials(group: &str, reply: &str, has_action: bool) -> Run {
    let action = if has_action { "action=\"/after\"" } else { "" };
    let body = format!(
        "<Response><Dial timeout=\"20\" {action}><Number trunk=\"{group}\">{BOB}</Number></Dial><Say>{HELLO}</Say></Response>"
    );
    let text = document("/", &body)
        + &document("/after", "<Response/>")
        + &subscriber(BOB, reply)
        + &telephone("caller", "pri", "{ await_hangup = {} }");
    run(&both_kinds("", &text)).met()
}

#[test]
fn b12_every_outcome_has_its_word_and_without_an_action_the_next_verb_runs() {
    let answers = "rings_ms = 3000\ndoes = [{ tone = { hz = 700.0, ms = 500 } }, { hangup = {} }]";
    for (group, reply, word, bridged) in [
        ("pri", answers, "completed", "true"),
        ("pri", "refuse = 17", "busy", "false"),
        ("pri", "never = true", "no-answer", "false"),
        ("pri", "refuse = 1", "failed", "false"),
        ("fxo", answers, "completed", "true"),
        ("fxo", "refuse = 17", "busy", "false"),
        ("fxo", "never = true", "no-answer", "false"),
        ("fxo", "refuse = 34", "failed", "false"),
        ("nowhere", answers, "failed", "false"),
    ] {
        let what = format!("{group}, {reply}");
        let run = dials(group, reply, true);
        let [asked] = run.asked("/after")[..] else { panic!("{what}: {:?}", run.paths()) };
        assert_eq!(value(asked, "DialCallStatus"), Some(word), "{what}");
        assert_eq!(value(asked, "DialBridged"), Some(bridged), "{what}");
        assert!(!in_words(run.octets()).contains("words"), "{what}: what stands behind a Dial with an action runs");

        let run = dials(group, reply, false);
        assert!(run.asked("/after").is_empty(), "{what}");
        assert!(in_words(run.octets()).ends_with("the application's words"), "{what}: {}", in_words(run.octets()));
    }
}

#[test]
fn b12_the_limit_of_ringing_is_kept() {
    let run = dials("pri", "never = true", true);
    let leg = run.legs_of(&run.told().sid)[0];
    let rang_us = leg.ended.zip(leg.started).map(|(ended, started)| ended.0 - started.0);
    assert!(rang_us.is_some_and(|us| (19_900_000..20_200_000).contains(&us)), "{rang_us:?}");
}

#[test]
fn b22_the_next_request_tells_what_failed() {
    let fails = |verb: &str| {
        let text = document("/", &format!("<Response>{verb}<Redirect>/next</Redirect></Response>"))
            + &document("/next", "<Response><Redirect>/last</Redirect></Response>")
            + &document("/last", "<Response/>")
            + &subscriber(BOB, "")
            + &telephone("caller", "pri", "{ await_hangup = {} }");
        run(&both_kinds("", &text))
    };
    let closed = "<Dial><Number>+19005550142</Number></Dial>";
    let foreign = format!("<Dial callerId=\"+12025550777\"><Number>{BOB}</Number></Dial>");
    let nowhere = format!("<Dial><Number trunk=\"nowhere\">{BOB}</Number></Dial>");
    for (verb, code) in [
        ("<Play>/gone.wav</Play>", "11200"),
        ("<Say language=\"tlh\">Qapla</Say>", "13512"),
        (closed, "13227"),
        (foreign.as_str(), "13214"),
        (nowhere.as_str(), "13224"),
    ] {
        let run = fails(verb);
        assert_eq!(value(run.asked("/next")[0], "LastErrorCode"), Some(code), "{verb}");
        assert_eq!(value(run.asked("/last")[0], "LastErrorCode"), None, "{verb}: told once");
    }
}
