//! A box whose wide network is gone: row A26. The application, the callbacks and the API are on the box and beside it, the
//! prompts came from afar while that was there.

use crate::desk::{visited, word};
use crate::legs::{BOB, called_of, subscriber};
use crate::sound::{HELLO, in_words, places, recorded, sound_of};
use crate::world::{document, value};

const WORDS: &str = "the application's words";
const PROMPT: &str = "the announcement";

/// A prompt of the wide network, with what its origin says about keeping it.
fn prompt(path: &str, cache: &str) -> String {
    document(path, "@announcement") + &format!("headers = {{ etag = '\"1\"', cache-control = \"{cache}\" }}\n")
}

/// Two callers: the first fetches the prompts, the second comes when the wide network is gone.
fn two_calls(does: &str) -> String {
    let call = |id: &str, number: &str, at_ms: u32, does: &str| {
        format!(
            "\n[[call]]\nid = \"{id}\"\nfrom = \"2025550100\"\nto = \"{number}\"\nat_ms = {at_ms}\n\
             does = [{{ await_answer = {{}} }}, {does}{{ await_hangup = {{ limit_ms = 90000 }} }}]\n"
        )
    };
    "wide_hosts = [\"cdn.example\"]\ncountry = \"us\"\n\
     [[number]]\nnumber = \"101\"\nurl = \"http://localhost/first\"\n\
     [[number]]\nnumber = \"100\"\nurl = \"http://localhost/\"\nstatus_callback = \"http://desk.lan/told\"\n"
        .to_string()
        + &call("first", "101", 0, "")
        + &call("second", "100", 15_000, does)
}

#[test]
fn a26_without_the_wide_network_a_whole_call_with_all_that_it_needs_runs_to_its_end() {
    let all = format!(
        "<Response><Say>{HELLO}</Say><Play>http://cdn.example/fresh.wav</Play><Play>http://cdn.example/stale.wav</Play>\
         <Gather numDigits='1' timeout='10' action='http://desk.lan/key'/></Response>"
    );
    let record = format!("<Response><Dial callerId='+12025550199' action='/after'>{BOB}</Dial></Response>");
    let after = "<Response><Record action='/kept' maxLength='3' recordingStatusCallback='http://desk.lan/recorded'/></Response>";
    let first =
        "<Response><Play>http://cdn.example/fresh.wav</Play><Play>http://cdn.example/stale.wav</Play></Response>";
    let text =
        two_calls("{ wait = { ms = 9000 } }, { press = { keys = \"5\" } }, { tone = { hz = 500.0, ms = 20000 } }, ")
            + &document("/first", first)
            + &document("/", &all)
            + &document("/key", &record)
            + &document("/after", after)
            + &document("/kept", &format!("<Response><Say>{HELLO}</Say><Gather timeout='8'/></Response>"))
            + &document("/told", "")
            + &document("/recorded", "")
            + &prompt("/fresh.wav", "max-age=3600")
            + &prompt("/stale.wav", "max-age=0")
            + &subscriber(BOB, "rings_ms = 500\ndoes = [{ wait = { ms = 1500 } }, { hangup = {} }]");
    let (run, sound) = visited(&text, |api| async move {
        api.until(14_000).await;
        api.unplug();
        api.until(38_000).await;
        let call = api.list("/Calls.json?Status=in-progress", "calls").await;
        assert_eq!(call.len(), 1, "{call:?}");
        let recordings = api.list("/Recordings.json", "recordings").await;
        let sound = api.get(&format!("/Recordings/{}.wav", word(&recordings[0], "sid"))).await;
        api.post(word(&call[0], "uri"), &[("Status", "completed")]).await.ok(200);
        sound.octets.to_vec()
    });
    let [first, second] = &run.outcome.told[..] else { panic!("two calls") };
    assert_eq!((first.errors.as_slice(), second.errors.as_slice()), (&[][..], &[][..]));
    let heard = in_words(&run.outcome.heard[1].1);
    assert!(heard.starts_with(&format!("{WORDS}, then {PROMPT}, then {PROMPT}")), "{heard}");
    assert!(heard.ends_with(&format!("the beep, then {WORDS}")), "{heard}");
    let lines = run.lines("media");
    let stale: Vec<_> =
        lines.iter().filter(|it| it.1.ends_with("stale.wav: stale: its origin could not be asked")).collect();
    assert!(stale.len() == 1 && stale[0].0 > 15_000.0, "{lines:?}");
    // The origin heard of the first call alone: nothing that was asked of it later came through.
    assert_eq!((run.asked("/fresh.wav").len(), run.asked("/stale.wav").len()), (1, 1));
    let local: Vec<_> = run.paths().into_iter().filter(|path| !path.ends_with(".wav")).collect();
    assert_eq!(local, ["/first", "/", "/key", "/after", "/kept", "/recorded", "/told"]);
    assert_eq!(value(run.asked("/key")[0], "Digits"), Some("5"));
    assert_eq!(value(run.asked("/after")[0], "DialCallStatus"), Some("completed"));
    assert!(called_of(&run.outcome.called, BOB).answered_after_ms.is_some());
    assert_eq!(value(run.asked("/told")[0], "CallStatus"), Some("completed"));
    let ms = recorded(&sound).len() / 8;
    assert!((2_800..=3_200).contains(&ms), "{ms} ms of sound by the API");
    // Nothing waits for what is not there.
    assert!(second.answered_after_ms.is_some_and(|ms| ms < 500) && second.first_sound_ms.is_some_and(|ms| ms < 500));
    let (words, prompts) =
        (places(&run.outcome.heard[1].1, sound_of(WORDS)), places(&run.outcome.heard[1].1, sound_of(PROMPT)));
    let gaps = [prompts[0] - (words[0] + sound_of(WORDS).len()), prompts[1] - (prompts[0] + sound_of(PROMPT).len())];
    assert!(gaps.iter().all(|octets| octets / 8 < 300), "{gaps:?} octets between the sounds");
}

#[test]
fn a26_a_prompt_that_must_be_asked_about_is_passed_over_with_a_word_and_the_call_goes_on() {
    let both = format!("<Response><Play>http://cdn.example/strict.wav</Play><Say>{HELLO}</Say></Response>");
    let text = two_calls("")
        + &document("/first", &both)
        + &document("/", &both)
        + &document("/told", "")
        + &prompt("/strict.wav", "max-age=0, must-revalidate");
    let (run, ()) = visited(&text, |api| async move {
        api.until(14_000).await;
        api.unplug();
    });
    assert_eq!(in_words(&run.outcome.heard[0].1), format!("{PROMPT}, then {WORDS}"));
    assert_eq!(in_words(&run.outcome.heard[1].1), WORDS, "its origin forbids what cannot be asked about");
    let second = &run.outcome.told[1];
    assert!(matches!(second.errors[..], [11200..=11205]), "{:?}", second.errors);
    assert_eq!(second.status.as_deref(), Some("completed"));
}
