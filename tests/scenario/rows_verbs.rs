//! Verbs as a caller meets them: sound, keys, recordings, time. Rows B2 to B6, B8, B9, B16 to B18, B23 and C26.

use tipring_dsp::dbm0_of;

use crate::sound::{HELLO, find, in_words, linear, places, recorded, sound_of};
use crate::world::{caller, document, run, value};

const WORDS: &str = "the application's words";
const ANNOUNCEMENT: &str = "the announcement";

#[test]
fn b2_what_is_played_twice_is_heard_twice_and_loop_zero_until_the_end() {
    let sound = document("/a.wav", "@announcement");
    let twice = run(&(caller("<Response><Play loop=\"2\">/a.wav</Play></Response>", "") + &sound));
    let played = places(twice.octets(), sound_of(ANNOUNCEMENT));
    assert_eq!(played.len(), 2, "{}", in_words(twice.octets()));
    assert_eq!(twice.asked("/a.wav").len(), 1, "the second round comes out of the cache");

    let forever =
        caller("<Response><Play loop=\"0\">/a.wav</Play></Response>", "{ wait = { ms = 11000 } }, { hangup = {} }, ");
    let forever = run(&(forever + &sound));
    let rounds = places(forever.octets(), sound_of(ANNOUNCEMENT)).len();
    assert!((4..=5).contains(&rounds), "{rounds} rounds of 2 s in 11 s");
}

#[test]
fn b3_two_voices_and_two_languages_sound_different() {
    let body = |attributes: &str| format!("<Response><Say{attributes}>{HELLO}</Say></Response>");
    let heard = |attributes: &str| run(&caller(&body(attributes), "")).octets().to_vec();
    let usual = heard("");
    assert_eq!(in_words(&usual), WORDS);
    let others = [heard(" voice=\"man\""), heard(" language=\"de-DE\""), heard(" voice=\"man\" language=\"fr-FR\"")];
    for (at, other) in others.iter().enumerate() {
        assert!(find(other, sound_of(WORDS)).is_none(), "voice {at} is the usual one");
        let level = dbm0_of(&linear(&crate::sound::trim(other)));
        assert!((-32.0..-8.0).contains(&level), "voice {at} has {level} dBm0");
    }
}

#[test]
fn b4_an_end_key_completes_and_so_does_silence() {
    let ask = |attributes: &str| format!("<Response><Gather {attributes} action=\"/keys\"/></Response>");
    let press = |keys: &str| format!("{{ wait = {{ ms = 500 }} }}, {{ press = {{ keys = \"{keys}\" }} }}, ");
    let keys = document("/keys", "<Response/>");
    let ended = run(&(caller(&ask("finishOnKey=\"#\""), &press("12#")) + &keys));
    assert_eq!(ended.paths(), ["/", "/keys"]);
    assert_eq!(value(ended.asked("/keys")[0], "Digits"), Some("12"));

    let silent = run(&(caller(&ask("numDigits=\"5\" timeout=\"3\""), &press("123")) + &keys));
    assert_eq!(value(silent.asked("/keys")[0], "Digits"), Some("123"));
    let last_key = silent.lines("key").last().map_or(0.0, |(ms, _)| *ms);
    let asked = silent.lines("http").last().map_or(0.0, |(ms, _)| *ms);
    assert!((asked - last_key - 3_000.0).abs() < 150.0, "asked {} ms after the last key", asked - last_key);
}

#[test]
fn b5_the_first_key_cuts_the_prompt_and_counts() {
    let ask = "<Response><Gather numDigits=\"2\" action=\"/keys\"><Play loop=\"20\">/a.wav</Play></Gather></Response>";
    let does = "{ await_sound = {} }, { wait = { ms = 700 } }, { press = { keys = \"7\" } }, { wait = { ms = 1500 } }, \
                { press = { keys = \"8\" } }, ";
    let run = run(&(caller(ask, does) + &document("/a.wav", "@announcement") + &document("/keys", "<Response/>")));
    assert_eq!(value(run.asked("/keys")[0], "Digits"), Some("78"));
    assert_eq!(in_words(run.octets()), "the beginning of the announcement");
    let key = run.lines("key")[0].0;
    let begun = run.lines("media")[0].0;
    let sound_ms = run.told().sound_ms as f64;
    // What was on its way when the key was certain: the player's and the card's blocks.
    assert!(sound_ms <= key - begun + 100.0, "{sound_ms} ms of sound, the key came after {} ms", key - begun);
}

#[test]
fn b6_without_input_the_next_verb_follows_and_nobody_is_asked() {
    let ask = format!("<Response><Gather timeout=\"2\" action=\"/keys\"/><Say>{HELLO}</Say></Response>");
    let run = run(&caller(&ask, ""));
    assert_eq!((run.paths(), in_words(run.octets())), (vec!["/"], WORDS.to_string()));
    let first = run.told().first_sound_ms.unwrap_or(0);
    assert!((2_000..2_700).contains(&first), "the next verb is heard {first} ms after the answer");
}

#[test]
fn b8_a_recording_has_the_length_and_the_level_of_what_was_said() {
    let ask = "<Response><Record action=\"/kept\" finishOnKey=\"#\"/></Response>";
    let does = "{ await_quiet = { ms = 300 } }, { tone = { hz = 500.0, ms = 5000, level_dbm0 = -13.0 } }, \
                { press = { keys = \"#\" } }, ";
    let run = run(&(caller(ask, does) + &document("/kept", &format!("<Response><Say>{HELLO}</Say></Response>"))));
    let asked = run.asked("/kept")[0];
    assert_eq!(value(asked, "Digits"), Some("#"));
    let seconds: u32 = value(asked, "RecordingDuration").and_then(|text| text.parse().ok()).unwrap_or(0);
    assert!((4..=6).contains(&seconds), "{seconds} s");
    let url = value(asked, "RecordingUrl").unwrap_or_default();
    assert!(url.starts_with("http://") && url.contains("/Recordings/RE"), "{url}");
    let [file] = &run.told().recordings[..] else {
        panic!("{} recordings", run.told().recordings.len());
    };
    let samples = recorded(file);
    let loud: Vec<&[i16]> = samples.chunks_exact(80).filter(|block| dbm0_of(block) > -30.0).collect();
    assert!((490..=505).contains(&loud.len()), "{} blocks of 10 ms have the tone", loud.len());
    let middle = loud[50..450].concat();
    let level = dbm0_of(&middle);
    assert!((level + 13.0).abs() < 0.5, "{level} dBm0");
    let crossings = middle.windows(2).filter(|pair| (pair[0] < 0) != (pair[1] < 0)).count();
    let hz = crossings as f64 / 2.0 / (middle.len() as f64 / 8_000.0);
    assert!((hz - 500.0).abs() < 3.0, "{hz} Hz");
    assert_eq!(in_words(run.octets()), format!("the beep, then {WORDS}"));
}

#[test]
fn b9_silence_and_the_longest_time_end_a_recording_and_an_empty_one_asks_nobody() {
    let body =
        |attributes: &str| format!("<Response><Record action=\"/kept\" {attributes}/><Say>{HELLO}</Say></Response>");
    let silent = run(&caller(&body("timeout=\"3\" playBeep=\"false\""), ""));
    assert_eq!((silent.paths(), in_words(silent.octets())), (vec!["/"], WORDS.to_string()));
    let first = silent.told().first_sound_ms.unwrap_or(0);
    assert!((3_000..3_700).contains(&first), "silence ended it after {first} ms");
    assert!(silent.told().recordings.is_empty());

    let whistle = "{ await_quiet = { ms = 200 } }, { tone = { hz = 500.0, ms = 9000 } }, ";
    let long = run(&(caller(&body("maxLength=\"4\""), whistle) + &document("/kept", "<Response/>")));
    let asked = long.asked("/kept")[0];
    assert_eq!((value(asked, "RecordingDuration"), value(asked, "Digits")), (Some("4"), None));
    assert_eq!(in_words(long.octets()), "the beep");

    let pause = "{ await_quiet = { ms = 200 } }, { tone = { hz = 500.0, ms = 2000 } }, ";
    let ended = run(&(caller(&body("timeout=\"2\""), pause) + &document("/kept", "<Response/>")));
    let asked = ended.asked("/kept").len();
    assert_eq!((asked, ended.told().recordings.len()), (1, 1), "two seconds of silence end it");
}

#[test]
fn b16_a_redirect_is_relative_to_its_document_and_nothing_after_it_runs() {
    let number = "[[number]]\nnumber = \"100\"\nurl = \"http://app.example/a/b/c\"\n".to_string();
    let body = format!("<Response><Redirect>../x?y=1</Redirect><Say>{HELLO}</Say></Response>");
    let run = run(&(number + &document("/a/b/c", &body) + &document("/a/x", "<Response><Pause/></Response>")));
    assert_eq!(run.paths(), ["/a/b/c", "/a/x"]);
    assert_eq!(value(run.asked("/a/x")[0], "y"), Some("1"));
    assert_eq!(in_words(run.octets()), "nothing");
}

#[test]
fn b17_the_end_of_a_document_clears_the_line_and_it_can_be_used_at_once() {
    let hangup = format!("<Response><Say>{HELLO}</Say><Hangup/><Say>Never heard.</Say></Response>");
    let text = document("/", "<Response/>")
        + &document("/hangup", &hangup)
        + "[[number]]\nnumber = \"100\"\nurl = \"http://app.example/\"\n\
           [[number]]\nnumber = \"200\"\nurl = \"http://app.example/hangup\"\n\
           [[call]]\nid = \"empty\"\nto = \"100\"\ntimes = 40\nevery_ms = 250\ndoes = [{ await_hangup = {} }]\n\
           [[call]]\nid = \"hangup\"\nat_ms = 10500\nto = \"200\"\n\
           does = [{ await_answer = {} }, { await_hangup = {} }]\n";
    let run = run(&text);
    assert_eq!(run.outcome.told.len(), 41);
    for (told, (id, _)) in run.outcome.told.iter().zip(&run.outcome.heard) {
        assert_eq!((told.status.as_deref(), told.cause), (Some("completed"), Some(16)), "{id}");
    }
    assert_eq!(in_words(&run.outcome.heard[40].1), WORDS);
}

#[test]
fn b17_the_last_octet_is_heard_before_the_line_is_cleared() {
    for end in ["", "<Hangup/>"] {
        let body = format!("<Response><Play>/a.wav</Play>{end}</Response>");
        let run = run(&(caller(&body, "") + &document("/a.wav", "@announcement")));
        assert_eq!(places(run.octets(), sound_of(ANNOUNCEMENT)).len(), 1, "{end}: {}", in_words(run.octets()));
    }
}

#[test]
fn b18_a_pause_is_as_long_as_it_says() {
    let body = "<Response><Play>/a.wav</Play><Pause length=\"3\"/><Play>/a.wav</Play><Pause/></Response>";
    let run = run(&(caller(body, "") + &document("/a.wav", "@announcement")));
    let announcement = sound_of(ANNOUNCEMENT);
    let played = places(run.octets(), announcement);
    let [first, second] = played[..] else {
        panic!("played at {played:?}");
    };
    let ms = (second - first - announcement.len()) / 8;
    assert!((2_800..=3_200).contains(&ms), "{ms} ms");
    let between = &run.octets()[first + announcement.len()..second];
    let loudest = linear(between).into_iter().map(i16::unsigned_abs).max();
    assert!(loudest <= Some(8), "the pause has a sample of {loudest:?}");
}

#[test]
fn b23_each_verb_chooses_get_or_post() {
    for method in ["GET", "POST"] {
        let ask = format!("<Response><Gather numDigits=\"1\" method=\"{method}\" action=\"/keys\"/></Response>");
        let does = "{ wait = { ms = 500 } }, { press = { keys = \"3\" } }, ";
        let run = run(&(caller(&ask, does) + &document("/keys", "<Response/>")));
        let asked = run.asked("/keys")[0];
        assert_eq!((asked.method.as_str(), value(asked, "Digits")), (method, Some("3")));
        assert_eq!(asked.url.contains("Digits=3"), method == "GET", "{}", asked.url);
    }
}

/// Links go between router and application, never the sound itself.
#[test]
fn c26_the_request_after_a_recording_is_a_small_form_with_a_link() {
    let does = "{ await_quiet = { ms = 300 } }, { tone = { hz = 500.0, ms = 2000 } }, { press = { keys = \"#\" } }, ";
    let run =
        run(&(caller("<Response><Record action=\"/kept\"/></Response>", does) + &document("/kept", "<Response/>")));
    let asked = run.asked("/kept")[0];
    let octets: usize = asked.params.iter().map(|(name, value)| name.len() + value.len()).sum();
    assert!(octets < 1_500, "{octets} octets");
    assert!(value(asked, "RecordingUrl").is_some_and(|url| url.contains("/Recordings/RE")));
}
