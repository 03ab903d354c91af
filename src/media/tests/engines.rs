//! Several speech engines: services and programs, who speaks for whom, and who takes over.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use tipring_media::{Cached, Cage, Engine, EngineCommand, EngineUrl, EngineVoice};

use crate::decoders::{Bench, can_make, notes_heard};
use crate::origin::{Origin, Reply};
use crate::room::{Room, linear, wave};

fn url(address: String, voices: &[&str]) -> Engine {
    Engine::Url(EngineUrl {
        name: "service".into(),
        url: address,
        voices: voices.iter().map(|it| EngineVoice::parse(it).unwrap()).collect(),
        markup: false,
    })
}

/// A folder with programs that speak, or do not.
struct Scripts(PathBuf);

impl Scripts {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("tipring-scripts-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::write(dir.join("spoken.wav"), wave(16_000, 1, 1_000.0, 0.5)).unwrap();
        Self(dir)
    }

    fn engine(&self, name: &str, lines: &str) -> EngineCommand {
        use std::os::unix::fs::PermissionsExt;
        let program = self.0.join(name);
        std::fs::write(&program, format!("#!/bin/sh\n{lines}\n")).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700)).unwrap();
        EngineCommand {
            name: name.into(),
            program,
            arguments: vec!["{voice}".into(), "{speed}".into(), "{language}".into()],
            voices: vec![EngineVoice::parse("en woman v").unwrap()],
            markup_arguments: Vec::new(),
            by_sentence: false,
            cage: Cage { reads: vec![self.0.clone()], writes: vec![self.0.clone()], ..Cage::usual() },
            spare: false,
        }
    }

    fn speaks(&self) -> String {
        format!("cat >/dev/null; cat {}", self.0.join("spoken.wav").display())
    }
}

impl Drop for Scripts {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn d32_a_service_speaks_in_place_of_the_bundled_engines_by_configuration_alone() {
    let origin = Origin::start(|_| Reply::ok("audio/wav", wave(22_050, 1, 1_000.0, 0.5))).await;
    let asked = origin.url("/say?t={text}&v={voice}&l={language}&s={speed}");
    let room = Room::with(|it| it.engines = vec![url(asked, &["en-GB woman alba Polly.Amy", "de man otto"])]).await;
    assert_eq!(room.says("Hi & bye?", "Polly.Amy-Neural", "").await.unwrap().octets.len(), 4_000);
    room.says("Guten Tag", "man", "de-AT").await.unwrap();
    let paths: Vec<_> = origin.log().into_iter().map(|it| it.path).collect();
    assert_eq!(paths[0], "/say?t=Hi%20%26%20bye%3F&v=alba&l=en-gb&s=100");
    assert_eq!(paths[1], "/say?t=Guten%20Tag&v=otto&l=de-at&s=100");
    assert_eq!(room.says("Bonjour", "woman", "fr").await.unwrap_err().code, 13512);
    assert_eq!(room.says("Guten Tag", "man", "de-AT").await.unwrap().cache, Cached::Hit);
}

#[tokio::test]
async fn d32_a_service_answers_any_sound_and_is_posted_the_text() {
    let origin = Origin::start(|asked| {
        assert_eq!(asked.headers["content-type"], "application/json");
        match asked.path.as_str() {
            "/raw" => Reply::ok("audio/x-alaw;rate=8000", vec![0xD5; 4_000]),
            "/mp3" => Reply::ok("audio/mpeg", crate::room::fixture("tone.mp3")),
            "/page" => Reply::ok("text/html", b"<html>".to_vec()),
            "/empty" => Reply::ok("audio/wav", Vec::new()),
            _ => Reply::status(503),
        }
    })
    .await;
    for (path, octets) in [("/raw", 4_000), ("/mp3", 11_900)] {
        let room = Room::with(|it| it.engines = vec![url(origin.url(path), &[])]).await;
        let heard = room.says("Hello", "anyone", "tlh").await.unwrap();
        assert!((octets..octets + 1_000).contains(&heard.octets.len()), "{path}: {}", heard.octets.len());
    }
    for (path, part) in [("/page", "no sound"), ("/empty", "nothing"), ("/down", "503")] {
        let room = Room::with(|it| it.engines = vec![url(origin.url(path), &[])]).await;
        let fault = room.says("Hello", "man", "en").await.unwrap_err();
        assert_eq!(fault.code, 13520);
        assert!(fault.text.contains("Say: service") && fault.text.contains(part), "{fault}");
        assert!(room.files().is_empty());
    }
    if can_make() {
        let bench = Bench::new("engine");
        let opus = bench.make("opus", "-c:a libopus");
        let origin = Origin::always("audio/ogg", opus).await;
        let room = Room::with(|it| it.engines = vec![url(origin.url("/"), &[])]).await;
        assert!(notes_heard(&room.says("Hello", "man", "en").await.unwrap().octets) >= 9);
    }
}

#[tokio::test]
async fn d8_an_engine_that_fails_hangs_or_babbles_gives_way_to_the_next_one() {
    let scripts = Scripts::new("gives-way");
    let head =
        "printf 'RIFF....WAVEfmt \\020\\0\\0\\0\\001\\0\\001\\0\\200\\076\\0\\0\\0\\175\\0\\0\\002\\0\\020\\0data....'";
    for (name, lines) in [
        ("fails", "exit 3".to_owned()),
        ("hangs", "exec sleep 600".into()),
        ("hangs-after-its-head", format!("{head}; exec sleep 600")),
        ("crashes", "kill -9 $$".into()),
        ("crashes-after-its-head", format!("{head}; kill -9 $$")),
        ("babbles", "exec yes".into()),
        ("noise", "exec head -c 300000 /dev/urandom".into()),
        ("nothing", "cat >/dev/null".into()),
    ] {
        let first = Engine::Command(scripts.engine(name, &lines));
        let second = Engine::Command(scripts.engine("second", &scripts.speaks()));
        let room = Room::with(|it| {
            it.engines = vec![first.clone(), second];
            it.limits.first_word = Duration::from_millis(400);
        })
        .await;
        let began = Instant::now();
        let heard = room.says("Hello", "woman", "en").await.unwrap_or_else(|fault| panic!("{name}: {fault}"));
        assert_eq!(heard.octets.len(), 4_000, "{name}");
        assert!(began.elapsed() < Duration::from_secs(4), "{name}: {:?}", began.elapsed());
        assert_eq!(room.handle.entries(None, "").len(), 0, "{name}: kept under the name of another voice");
        // Who failed just now is not waited for: the next one speaks under its own name, and that is kept.
        let again = room.says("Hello again", "woman", "en").await.unwrap();
        assert_eq!((again.octets.len(), room.handle.entries(None, "").len()), (4_000, 1), "{name}");
        let alone = Room::with(|it| {
            it.engines = vec![first];
            it.limits.synthesis = Duration::from_millis(400);
        })
        .await;
        let fault = alone.says("Hello", "woman", "en").await.unwrap_err();
        assert!(fault.code == 13520 && fault.text.contains(name), "{name}: {fault}");
    }
}

#[tokio::test]
async fn d9_what_an_engine_has_spoken_is_heard_while_it_ails() {
    let scripts = Scripts::new("ails");
    let broken = scripts.0.join("broken");
    let first = Engine::Command(
        scripts.engine("first", &format!("[ -e {} ] && exit 3; {}", broken.display(), scripts.speaks())),
    );
    let second = Engine::Command(scripts.engine("second", &scripts.speaks()));
    let room = Room::with(|it| it.engines = vec![first, second]).await;
    let says = async |text: &str| room.says(text, "woman", "en").await.unwrap().cache;
    assert_eq!(says("Hello").await, Cached::Miss);
    std::fs::write(&broken, "").unwrap();
    assert_eq!(says("This is new").await, Cached::Miss);
    // It ails: what it has spoken is still there, what is new is another one's and is kept.
    assert_eq!(says("Hello").await, Cached::Hit);
    assert_eq!((says("And this").await, says("And this").await), (Cached::Miss, Cached::Hit));
    // Half a minute later it is asked again, and is well.
    std::fs::remove_file(&broken).unwrap();
    room.later(31);
    assert_eq!((says("Hello").await, says("And this").await), (Cached::Hit, Cached::Miss));
}

#[tokio::test]
async fn d8_words_that_were_heard_are_not_spoken_twice() {
    let scripts = Scripts::new("not-twice");
    let begun = format!("{}; exec sleep 600", scripts.speaks());
    let engines = vec![
        Engine::Command(scripts.engine("stops", &begun)),
        Engine::Command(scripts.engine("second", &scripts.speaks())),
    ];
    let room = Room::with(|it| {
        it.engines = engines;
        it.limits.synthesis = Duration::from_millis(1_500);
        it.limits.first_word = Duration::from_millis(900);
    })
    .await;
    let fault = room.says("Hello", "woman", "en").await.unwrap_err();
    assert!(fault.text.contains("stops took more than 1.5 s"), "{fault}");
}

#[tokio::test]
async fn d9_an_engine_without_markup_gets_words_pauses_and_speed() {
    let scripts = Scripts::new("plain");
    let seen = scripts.0.join("seen");
    let lines =
        format!("{{ echo \"$1 $2\"; cat; }} >>{}; cat {}", seen.display(), scripts.0.join("spoken.wav").display());
    let engine = Engine::Command(scripts.engine("plain", &lines));
    let room = Room::with(|it| it.engines = vec![engine]).await;
    let markup = "Call <say-as interpret-as=\"digits\">120</say-as><break time=\"2s\"/>\
        <prosody rate=\"slow\">the <sub alias=\"World Wide Web\">W3</sub></prosody>";
    let heard = room.says_marked("Call 120 the W3", "woman", "en", Some(markup)).await.unwrap();
    assert_eq!(std::fs::read_to_string(&seen).unwrap(), "v 100\nCall  1 2 0\nv 75\nthe World Wide Web\n");
    // Half a second, two seconds of nothing, half a second.
    assert_eq!(heard.octets.len(), 24_000);
    let middle = &linear(&heard.octets)[4_400..19_600];
    assert!(middle.iter().all(|it| it.unsigned_abs() < 40), "the pause is none");
}

#[tokio::test]
async fn d8_twelve_languages_are_spoken_each_in_its_own_way() {
    if !Engine::espeak().installed() {
        return;
    }
    let room = Room::with(|it| it.engines = vec![Engine::espeak()]).await;
    let mut all: Vec<Vec<u8>> = Vec::new();
    for language in
        ["en-US", "en-GB", "de-DE", "fr-FR", "es-ES", "it-IT", "pt-BR", "nl-NL", "pl-PL", "sv-SE", "tr-TR", "fi-FI"]
    {
        let octets = room.says("Radio 27", "woman", language).await.unwrap().octets;
        let loud = linear(&octets).iter().filter(|it| it.unsigned_abs() > 1_500).count();
        assert!(octets.len() > 4_000 && loud * 8 > octets.len(), "{language}: {loud} of {}", octets.len());
        assert!(all.iter().all(|it| *it != octets), "{language} sounds like another");
        all.push(octets);
    }
    let man = room.says("Radio 27", "man", "de-DE").await.unwrap().octets;
    assert_ne!(man, all[2]);
}
