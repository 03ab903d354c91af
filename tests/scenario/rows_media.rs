//! The media layer under many calls: what is fetched, and for whom nobody waits.

use tipring::daemon::simulation::Outcome;
use tipring_resources::Record;

use crate::sound::{places, sound_of, wav};
use crate::world::{Run, caller, document, run, run_scenario, scenario, value};

/// Callers of the menu; a quarter of them chooses each of its keys.
const CALLERS: usize = 1_000;
const KEYS: usize = 4;
/// Between two callers of one key: about twenty are up at once.
const EVERY_MS: usize = 240;

/// Every sound of the menu: where it is, and its pitch.
fn sounds() -> Vec<(String, f32)> {
    let choices = (1..=KEYS).map(|key| format!("/choice-{key}.wav"));
    let all = ["/welcome.wav".to_owned(), "/menu.wav".to_owned()].into_iter().chain(choices).chain(["/bye.wav".into()]);
    all.enumerate().map(|(at, path)| (path, 400.0 + 100.0 * at as f32)).collect()
}

/// The menu, its choices, and everybody who calls it.
fn menu() -> String {
    let mut text = String::from("limit_s = 200\n");
    let play = |path: &str| format!("<Play>{path}</Play>");
    text += &document(
        "/",
        &format!(
            "<Response>{}<Gather numDigits='1' timeout='5' action='/chosen'>{}</Gather></Response>",
            play("/welcome.wav"),
            play("/menu.wav")
        ),
    );
    for key in 1..=KEYS {
        text += &format!(
            "\n[[document]]\npath = \"/chosen\"\nwhen = {{ Digits = \"{key}\" }}\nbody = '''<Response>{}{}</Response>'''\n",
            play(&format!("/choice-{key}.wav")),
            play("/bye.wav")
        );
        text += &format!(
            "\n[[call]]\nid = \"key-{key}\"\nfrom = \"202555010{key}\"\nto = \"100\"\nat_ms = {}\ntimes = {}\n\
             every_ms = {EVERY_MS}\ndoes = [{{ await_answer = {{}} }}, {{ wait = {{ ms = 300 }} }}, \
             {{ press = {{ keys = \"{key}\" }} }}, {{ await_hangup = {{ limit_ms = 20000 }} }}]\n",
            key * EVERY_MS / KEYS,
            CALLERS / KEYS
        );
    }
    for (path, _) in sounds() {
        text += &document(&path, "@tone");
    }
    text
}

/// A tone of 160 ms as an application keeps it: 16 bit, 8 kHz.
fn tone(hz: f32) -> Vec<u8> {
    let mut samples = vec![0; 1_280];
    tipring_dsp::Tone::new(hz, -10.0).fill(&mut samples);
    wav(&samples)
}

fn fetches(outcome: &Outcome, path: &str) -> usize {
    outcome.asked.iter().filter(|asked| asked.path == path).count()
}

#[test]
fn e16_a_thousand_calls_of_a_menu_fetch_each_of_its_sounds_once() {
    let mut menu = scenario(&menu());
    for (path, hz) in sounds() {
        let document = menu.document.iter_mut().find(|document| document.path == path).expect("it is there");
        document.octets = Some(tone(hz).into());
        document.content_type = Some("audio/wav".into());
    }
    let run: Run = run_scenario(&menu).met();
    let told = &run.outcome.told;
    assert_eq!(told.len(), CALLERS);
    assert!(told.iter().all(|told| told.status.as_deref() == Some("completed") && told.errors.is_empty()));
    // Every caller was asked for, chose, and heard all four sounds of the way, but what the key cut short.
    let chosen = run.asked("/chosen");
    assert_eq!((fetches(&run.outcome, "/"), chosen.len()), (CALLERS, CALLERS));
    for key in 1..=KEYS {
        let digits = key.to_string();
        let count = chosen.iter().filter(|asked| value(asked, "Digits") == Some(&digits)).count();
        assert_eq!(count, CALLERS / KEYS, "key {key}");
    }
    assert!(told.iter().all(|told| told.sound_ms >= 3 * 160), "{:?}", told.iter().map(|told| told.sound_ms).min());
    let asked: Vec<(String, usize)> =
        sounds().into_iter().map(|(path, _)| (path.clone(), fetches(&run.outcome, &path))).collect();
    assert!(asked.iter().all(|(_, times)| *times == 1), "each sound is fetched once: {asked:?}");
    let all = run.outcome.asked.len() - 2 * CALLERS;
    assert_eq!(all, sounds().len(), "and nothing else is fetched");
}

/// Everybody plays the welcome, which is kept, and hears a text that is; one hears what is new.
fn full_house() -> String {
    let mut text = String::from("limit_s = 60\n[faults]\nmedia_busy_at_ms = 6000\n");
    text += &document("/", "<Response><Play>/welcome.wav</Play><Say>Hello from the application.</Say></Response>");
    text += &document("/new", "<Response><Play>/new.wav</Play><Play>/welcome.wav</Play></Response>");
    text += &document("/welcome.wav", "@tone");
    text += &document("/new.wav", "@tone");
    for (number, path) in [("100", "/"), ("200", "/new")] {
        text += &format!("\n[[number]]\nnumber = \"{number}\"\nurl = \"http://app.example{path}\"\n");
    }
    // The first one has everything kept; the others come when all workers are busy.
    for (id, to, at_ms, times) in [("first", "100", 0, 1), ("kept", "100", 6_000, 29), ("new", "200", 6_000, 1)] {
        text += &format!(
            "\n[[call]]\nid = \"{id}\"\nfrom = \"2025550100\"\nto = \"{to}\"\nat_ms = {at_ms}\ntimes = {times}\n\
             every_ms = 20\ndoes = [{{ await_answer = {{}} }}, {{ await_hangup = {{ limit_ms = 20000 }} }}]\n"
        );
    }
    text
}

#[test]
fn e14_e15_a_kept_prompt_begins_within_150_ms_and_without_a_gap_in_thirty_calls_while_all_workers_are_busy() {
    let mut house = scenario(&full_house());
    for document in house.document.iter_mut().filter(|document| document.body == "@tone") {
        document.octets = Some(tone(500.0).into());
        document.content_type = Some("audio/wav".into());
    }
    let run: Run = run_scenario(&house).met();
    let told = &run.outcome.told;
    assert_eq!(told.len(), 31);
    assert!(told.iter().all(|told| told.status.as_deref() == Some("completed")));
    // From the first one on, whose prompt was fetched.
    let (kept, new) = (&told[..30], &told[30]);
    let waits: Vec<Option<u64>> = kept.iter().map(|told| told.first_sound_ms).collect();
    assert!(waits.iter().all(|wait| wait.is_some_and(|ms| ms <= 150)), "{waits:?}");
    assert!(kept.iter().all(|told| told.errors.is_empty() && told.sound_ms > 1_000), "prompt and text");
    let gaps: Vec<_> = run.lines("media").into_iter().filter(|(_, text)| text.contains("gap")).collect();
    assert!(gaps.is_empty(), "{gaps:?}");
    assert_eq!(fetches(&run.outcome, "/welcome.wav"), 1);
    // What is not kept is refused at once, told, and the call goes on with what is.
    assert_eq!(new.errors, [11200]);
    assert!(new.first_sound_ms.is_some_and(|ms| ms <= 150), "{new:?}");
}

#[test]
fn d1_e12_e17_a_media_layer_elsewhere_speaks_may_stop_in_a_call_and_is_used_again() {
    let say = "<Say>Hello from the application.</Say><Pause length='4'/>";
    let text = "media_elsewhere = true\n[faults]\nmedia_down_at_ms = 6000\nmedia_down_for_ms = 5000\n".to_owned()
        + &caller(&format!("<Response>{}</Response>", say.repeat(3)), "");
    let run = run(&text).met();
    assert_eq!(run.told().status.as_deref(), Some("completed"), "the call is not dropped");
    // Before it stopped, and when it was back.
    assert_eq!(places(run.octets(), sound_of("the application's words")).len(), 2);
    assert_eq!(run.told().errors, [11200]);
    let texts: Vec<&str> = run.outcome.others.iter().filter_map(text_of).collect();
    let [text] = texts[..] else { panic!("one is told: {texts:?}") };
    let wanted = ["https://127.0.0.1:", "the media layer does not answer", "media.listen", "media.key_file"];
    assert!(wanted.iter().all(|part| text.contains(part)), "{text}");
}

fn text_of(record: &Record) -> Option<&str> {
    match record {
        Record::Notification(notification) => Some(&notification.text),
        _ => None,
    }
}

/// The layer as it runs on a box, with a clock that is turned here: a load step, and its end.
#[test]
fn e13_workers_come_with_a_load_step_and_go_when_it_has_been_over_for_the_set_time() {
    let folder = crate::files::Folder::new("e13");
    let turned = std::sync::Arc::new(std::sync::Mutex::new(std::time::SystemTime::now()));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let egress = tipring_egress::Client::new(tipring_egress::Config::default()).expect("a client");
        let socket = folder.0.join("media.sock");
        let mut config = tipring_media::Config::new(&socket, folder.0.join("cache"), egress);
        (config.limits.sound_workers, config.limits.speech_workers) = (6, 3);
        let (rest, clock) = (config.limits.rest, std::sync::Arc::clone(&turned));
        config.clock = std::sync::Arc::new(move || *clock.lock().unwrap());
        let layer = tipring_media::MediaService::start(config).await.expect("the media layer");
        let asked = tipring_media::MediaClient::new(socket);
        let status = async || asked.status().await.expect("it answers");
        assert_eq!((status().await.sounds.workers, status().await.speech.workers), (0, 0), "nobody is needed yet");
        let load = layer.occupy();
        let busy = status().await;
        assert_eq!((busy.sounds.workers, busy.sounds.busy, busy.speech.workers), (6, 6, 3), "to the limit");
        assert!(busy.sounds.queued > 0, "and the others wait: {busy:?}");
        drop(load);
        while status().await.sounds.busy + status().await.speech.busy > 0 {
            tokio::task::yield_now().await;
        }
        layer.relieve();
        assert_eq!(status().await.sounds.workers, 6, "they stay for a while");
        *turned.lock().unwrap() += rest;
        layer.relieve();
        assert_eq!((status().await.sounds.workers, status().await.speech.workers), (1, 1));
        layer.shutdown().await;
    });
}
