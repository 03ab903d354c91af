//! Speech: names of fixed length, one entry a combination, engines as children.

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use tipring_media::{Cached, Engine, EngineCommand, EngineVoice, Gender};

use crate::room::{Room, linear};

#[tokio::test]
async fn d8_a_long_text_has_a_name_of_fixed_length_and_is_spoken_whole() {
    let room = Room::open().await;
    let text = "All our lines are busy. ".repeat(125);
    assert_eq!(text.len(), 3_000);
    let long = room.says(&text, "alice", "en-GB").await.unwrap();
    let short = room.says("Hi.", "alice", "en-GB").await.unwrap();
    // The fake voice gives 60 ms to each character.
    assert_eq!((long.octets.len(), short.octets.len()), (3_000 * 480, 3 * 480));
    let uris: Vec<_> = room.handle.entries(None, "http://speech.tipring/").into_iter().map(|it| it.uri).collect();
    assert_eq!(uris.len(), 2);
    assert_eq!(uris[0].len(), uris[1].len());
    assert!(uris.iter().all(|it| it.starts_with("http://speech.tipring/alice/")));
    assert_eq!(room.says(&"x".repeat(4_097), "man", "").await.unwrap_err().code, 13521);
    assert_eq!(room.says(" \n ", "man", "").await.unwrap_err().code, 13520);
}

#[tokio::test]
async fn d9_text_voice_language_and_speed_each_make_an_entry() {
    let room = Room::open().await;
    let cases = [("Hello", "man", "en"), ("Hallo", "man", "en"), ("Hello", "woman", "en"), ("Hello", "man", "de")];
    for round in [Cached::Miss, Cached::Hit] {
        for (text, voice, language) in cases {
            assert_eq!(room.says(text, voice, language).await.unwrap().cache, round);
        }
    }
    let counters = room.handle.counters();
    assert_eq!((counters.synthesized, counters.hits), (4, 4));
    assert_eq!(room.client.status().await.unwrap().counters, counters, "others read them over the face");
    let hash = "0".repeat(64);
    let headers = [
        ("Accept", "audio/x-alaw"),
        ("X-Speech-Text", "Hello"),
        ("X-Speech-Language", "en"),
        ("X-Speech-Speed", "200"),
    ];
    let (head, body) = room.raw(&format!("http://speech.tipring/man/{hash}"), &headers).await;
    assert!(head.starts_with("http/1.1 400") && String::from_utf8_lossy(&body).contains("sha256"), "{head}");
    let (head, fast) = room.raw(&format!("http://speech.tipring/man/{FAST}"), &headers).await;
    assert!(head.starts_with("http/1.1 200") && head.contains("x-cache: miss"), "{head}");
    assert_eq!(fast.len(), 5 * 240);
    assert_eq!(room.handle.counters().synthesized, 5);
}

/// sha256 of "Hello", "man", "en", "200", each with a NUL after it.
const FAST: &str = "44ab7a4dd51d2e883ef14183a0a65e3c861217580301057dbe90b7baf57a5a2e";

fn script(room: &str, lines: &str) -> (PathBuf, Engine) {
    use std::os::unix::fs::PermissionsExt;
    let path = std::env::temp_dir().join(format!("tipring-engine-{}-{room}", std::process::id()));
    std::fs::write(&path, format!("#!/bin/sh\n{lines}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
    let voice = EngineVoice { language: "en".into(), gender: Gender::Woman, name: "v".into(), stands_for: Vec::new() };
    let engine = Engine::Command(EngineCommand {
        name: room.into(),
        program: path.clone(),
        arguments: vec!["{voice}".into(), "{speed}".into()],
        voices: vec![voice],
        markup_arguments: Vec::new(),
        by_sentence: false,
        spare: false,
        cage: tipring_media::Cage { writes: vec![std::env::temp_dir()], ..Default::default() },
    });
    (path, engine)
}

#[tokio::test]
async fn d8_an_engine_that_fails_hangs_or_babbles_is_a_fault() {
    for (name, lines) in [
        ("fails", "exit 3"),
        ("mute", "cat >/dev/null"),
        ("babbles", "yes"),
        ("hangs", "exec sleep 600"),
        ("dies", "kill -9 $$"),
    ] {
        let (path, engine) = script(name, lines);
        let room = Room::with(|it| {
            it.engines = vec![engine];
            it.limits.synthesis = Duration::from_millis(300);
        })
        .await;
        let fault = room.says("Hello", "alice", "en").await.unwrap_err();
        assert!(matches!(fault.code, 13520), "{name}: {fault}");
        assert!(room.files().is_empty(), "{name}");
        assert_eq!(room.says("Hallo", "alice", "de").await.unwrap_err().code, 13512);
        std::fs::remove_file(path).unwrap();
    }
}

#[tokio::test]
async fn d8_a_text_reaches_the_engine_as_text_only() {
    let seen = std::env::temp_dir().join(format!("tipring-seen-{}", std::process::id()));
    let lines = format!("{{ echo \"$# $1 $2\"; cat; }} > {}; exit 1", seen.display());
    let (path, engine) = script("listens", &lines);
    let room = Room::with(|it| it.engines = vec![engine]).await;
    let text = "--version; $(reboot) `id` | <break/> [[h@]] \u{1}5P";
    let _ = room.says(text, "alice", "en").await;
    let heard = std::fs::read_to_string(&seen).unwrap();
    assert_eq!(heard, "2 v 100\n--version; $(reboot) `id` | <break/> [ [h@]]  5P\n");
    std::fs::remove_file(seen).unwrap();
    std::fs::remove_file(path).unwrap();
}

#[tokio::test]
async fn d8_a_child_that_overstays_is_killed() {
    let seen = std::env::temp_dir().join(format!("tipring-pid-{}", std::process::id()));
    let (path, engine) = script("stays", &format!("echo $$ > {}; exec sleep 600", seen.display()));
    let room = Room::with(|it| {
        it.engines = vec![engine];
        it.limits.synthesis = Duration::from_millis(500);
    })
    .await;
    assert_eq!(room.says("Hello", "alice", "en").await.unwrap_err().code, 13520);
    let pid = std::fs::read_to_string(&seen).unwrap();
    let status = PathBuf::from(format!("/proc/{}/cmdline", pid.trim()));
    // The signal is on its way; a dead or buried process has no command line.
    let gone = async {
        while std::fs::read_to_string(&status).is_ok_and(|it| it.contains("sleep")) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), gone).await.expect("the engine is still alive");
    std::fs::remove_file(seen).unwrap();
    std::fs::remove_file(path).unwrap();
}

pub fn installed(engine: &Engine, name: &str) -> bool {
    let there = engine.installed();
    if !there {
        drop(writeln!(std::io::stderr(), "SKIPPED: {name} is not installed; its speech is not tested here"));
    }
    there
}

#[tokio::test]
async fn d8_espeak_ng_speaks_every_word_of_many_languages() {
    let engine = Engine::espeak();
    if !installed(&engine, "espeak-ng") {
        return;
    }
    let room = Room::with(|it| it.engines = vec![engine]).await;
    for (language, text) in [
        ("en-GB", "Hello, how are you?"),
        ("de-DE", "Guten Tag, wie geht es Ihnen?"),
        ("fr-FR", "Bonjour, ça va bien?"),
        ("sv", "God dag, hur mår du?"),
        ("cmn-CN", "你好"),
        ("es-MX", "Buenos días"),
    ] {
        let heard = room.says(text, "alice", language).await.unwrap();
        speaks(&heard.octets, 0.4, 6.0, language);
    }
    let once = room.says("Please hold the line.", "man", "en").await.unwrap().octets.len();
    let often = room.says(&"Please hold the line. ".repeat(20), "man", "en").await.unwrap().octets.len();
    assert!(often > once * 15, "{often} octets for twenty times {once}");
    // Option-like and marked-up text is spoken.
    speaks(&room.says("--version", "man", "en").await.unwrap().octets, 0.3, 4.0, "dashes");
    speaks(&room.says("<speak><break time='9s'/>five</speak>", "man", "en").await.unwrap().octets, 0.5, 8.0, "markup");
}

#[tokio::test]
async fn d9_markup_is_part_of_the_name_and_reaches_engines_that_understand_it() {
    let seen = std::env::temp_dir().join(format!("tipring-marked-{}", std::process::id()));
    let (path, engine) = script("marks", &format!("{{ echo $3; cat; }} > {}; exit 1", seen.display()));
    let Engine::Command(command) = engine else { panic!("a script is a command") };
    for (arguments, told) in
        [(vec!["-m".to_owned()], "-m\n<speak>one <break time=\"1s\"/>two</speak>\n"), (Vec::new(), "\none\n")]
    {
        let engine = Engine::Command(EngineCommand { markup_arguments: arguments, ..command.clone() });
        let room = Room::with(|it| it.engines = vec![engine]).await;
        let markup = "one <break time='1s'/><audio src='/etc/passwd'>two</audio>";
        let _ = room.says_marked("one two", "alice", "en", Some(markup)).await;
        assert_eq!(std::fs::read_to_string(&seen).unwrap(), told);
    }
    std::fs::remove_file(seen).unwrap();
    std::fs::remove_file(path).unwrap();
    let room = Room::open().await;
    for markup in [None, Some("<p>x</p>"), Some("<s>x</s>")] {
        assert_eq!(room.says_marked("x", "man", "en", markup).await.unwrap().cache, Cached::Miss);
        assert_eq!(room.says_marked("x", "man", "en", markup).await.unwrap().cache, Cached::Hit);
    }
    let long = "<p>x</p>".repeat(2_049);
    assert_eq!(room.says_marked("x", "man", "en", Some(&long)).await.unwrap_err().code, 13521);
}

#[tokio::test]
async fn d8_espeak_ng_keeps_the_pauses_of_markup() {
    let engine = Engine::espeak();
    if !installed(&engine, "espeak-ng") {
        return;
    }
    let room = Room::with(|it| it.engines = vec![engine]).await;
    let length =
        async |markup: Option<&str>| room.says_marked("hello there", "man", "en", markup).await.unwrap().octets.len();
    let plain = length(None).await;
    let paused = length(Some("hello <break time=\"2s\"/> there")).await;
    assert!((plain + 12_000..plain + 24_000).contains(&paused), "{paused} octets for {plain} and 2 s");
    assert!(length(Some("<prosody rate=\"x-slow\">hello there</prosody>")).await > plain * 5 / 4);
    assert_eq!(length(Some("<p>hello there")).await, plain, "broken markup is left out");
}

#[tokio::test]
async fn d8_flite_speaks_sentence_by_sentence() {
    let engine = Engine::flite();
    if !installed(&engine, "flite") {
        return;
    }
    let room = Room::with(|it| it.engines = vec![engine]).await;
    let one = room.says("Please hold the line.", "alice", "").await.unwrap();
    speaks(&one.octets, 0.8, 3.0, "woman");
    let three = room.says(&"Please hold the line. ".repeat(3), "alice", "").await.unwrap();
    assert!(three.octets.len() > one.octets.len() * 5 / 2);
    let man = room.says("Please hold the line.", "man", "").await.unwrap();
    speaks(&man.octets, 0.8, 3.0, "man");
    assert_ne!(man.octets, one.octets);
    let tmp = std::fs::read_dir(room.dir.join("cache/tmp")).unwrap().count();
    assert_eq!(tmp, 0, "a scratch file stays");
}

#[track_caller]
fn speaks(octets: &[u8], least_s: f64, most_s: f64, what: &str) {
    let seconds = octets.len() as f64 / 8_000.0;
    assert!((least_s..most_s).contains(&seconds), "{what}: {seconds} s");
    let samples = linear(octets);
    let loud = samples.chunks(160).filter(|it| it.iter().any(|it| it.unsigned_abs() > 1_500)).count();
    assert!(loud * 3 > samples.len() / 160, "{what}: hardly a sound");
}
