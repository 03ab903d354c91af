//! Recognition over the face: fake, scripts as recognizers, a service, and pocketsphinx where it is installed.

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use serde_json::json;
use tipring_card::Law;
use tipring_media::{
    Engine, Heard, ListenRequest, MediaFault, NO_RECOGNIZER, Preset, RECOGNIZER, Recognizer, RecognizerCommand,
    RecognizerUrl, Transcript,
};

use crate::origin::{Origin, Reply};
use crate::room::Room;

fn asks(language: &str, hints: &[&str]) -> ListenRequest {
    ListenRequest {
        account: "AC1".into(),
        language: language.into(),
        hints: hints.iter().map(|it| (*it).into()).collect(),
        model: String::new(),
        form: Preset::telephone(Law::A),
    }
}

/// A tone of 300 ms for a word, and a pause.
fn words(count: usize) -> Vec<u8> {
    let mut tone = tipring_dsp::Tone::new(440.0, -10.0);
    let mut octets = vec![0xD5; 2_400];
    for _ in 0..count {
        octets.extend((0..2_400).map(|_| tipring_dsp::alaw_encode(tone.next_sample() as i16)));
        octets.extend([0xD5; 4_000]);
    }
    octets
}

/// Speaks all of it, in blocks of 20 ms, and hears all that is told.
async fn hears(room: &Room, request: &ListenRequest, sound: &[u8]) -> Result<Vec<Heard>, MediaFault> {
    let (microphone, mut results) = room.client.listen(request).await?;
    let speak = async move {
        for piece in sound.chunks(160) {
            if !microphone.send(Bytes::copy_from_slice(piece)).await {
                return;
            }
        }
    };
    let hear = async {
        let mut all = Vec::new();
        while let Some(heard) = results.next().await {
            all.push(heard?);
        }
        Ok(all)
    };
    let (heard, ()) = tokio::join!(hear, speak);
    heard
}

fn finals(heard: &[Heard]) -> Vec<&str> {
    let mut texts = Vec::new();
    for it in heard {
        if let Heard::Final { text, .. } = it {
            texts.push(text.as_str());
        }
    }
    texts
}

#[tokio::test]
async fn b7_results_come_while_the_caller_still_speaks() {
    let room = Room::with(|it| it.recognizers = vec![Recognizer::Fake]).await;
    let (microphone, mut results) = room.client.listen(&asks("xx", &["sales", "yes, please"])).await.unwrap();
    for piece in words(1).chunks(160) {
        assert!(microphone.try_send(Bytes::copy_from_slice(piece)));
    }
    // The microphone is open, and what was said is told all the same.
    let partial = results.next().await.unwrap().unwrap();
    assert_eq!(partial, Heard::Partial { text: "sales".into(), stability: Some(0.5) });
    assert_eq!(results.next().await.unwrap().unwrap(), Heard::Final { text: "sales".into(), confidence: Some(0.9) });
    for piece in words(1).chunks(160) {
        assert!(microphone.send(Bytes::copy_from_slice(piece)).await);
    }
    drop(microphone);
    results.next().await.unwrap().unwrap();
    let second = results.next().await.unwrap().unwrap();
    assert_eq!(second, Heard::Final { text: "yes, please".into(), confidence: Some(0.9) });
    assert_eq!(results.next().await, None);
    assert_eq!(room.handle.counters().recognitions, 1);
}

#[tokio::test]
async fn b7_without_a_recognizer_there_is_a_code_of_its_own() {
    let room = Room::with(|it| it.recognizers = Vec::new()).await;
    assert_eq!(room.client.listen(&asks("en-US", &[])).await.err().unwrap().code, NO_RECOGNIZER);
    let absent = Recognizer::Command(RecognizerCommand {
        name: "absent".into(),
        languages: Vec::new(),
        program: "/nonexistent/recognizer".into(),
        arguments: Vec::new(),
        rate_hz: 8_000,
        grammar: None,
        cage: tipring_media::Cage { writes: vec![std::env::temp_dir()], ..Default::default() },
    });
    let room = Room::with(|it| it.recognizers = vec![absent]).await;
    assert_eq!(room.client.listen(&asks("en-US", &[])).await.err().unwrap().code, NO_RECOGNIZER);
    let fault = room.client.listen(&asks("not a tag", &[])).await.err().unwrap();
    assert_eq!(fault.code, 11100, "{fault}");
    let (head, _) = room.raw_method("GET", "http://listen.tipring/en", &[]).await;
    assert!(head.starts_with("http/1.1 400"), "{head}");
}

fn script(name: &str, lines: &str) -> (PathBuf, Recognizer) {
    use std::os::unix::fs::PermissionsExt;
    let path = std::env::temp_dir().join(format!("tipring-recognizer-{}-{name}", std::process::id()));
    std::fs::write(&path, format!("#!/bin/sh\n{lines}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
    let recognizer = Recognizer::Command(RecognizerCommand {
        name: name.into(),
        languages: vec!["en".into()],
        program: path.clone(),
        arguments: ["{language}", "{hints}", "{model}", "{rate}"].map(Into::into).into(),
        rate_hz: 16_000,
        grammar: None,
        cage: tipring_media::Cage { writes: vec![std::env::temp_dir()], ..Default::default() },
    });
    (path, recognizer)
}

#[tokio::test]
async fn b7_a_recognizer_hears_linear_sound_and_foreign_words_as_words_only() {
    let lines = "echo \"$# $1 $2 $3 $4 $(env | grep -c TIPRING)\"\n\
        echo '{\"partial\":\"al\",\"stability\":0.3}'\necho '{\"text\":\"'$(wc -c)'\",\"confidence\":0.75}'";
    let (path, recognizer) = script("listens", lines);
    let room = Room::with(|it| it.recognizers = vec![recognizer]).await;
    let request = ListenRequest { model: "--phone".into(), ..asks("en-GB", &["--help", "$(reboot)"]) };
    let heard = hears(&room, &request, &[0xD5; 8_000]).await.unwrap();
    let first = "4 en-GB help,$(reboot) phone 16000 0";
    assert_eq!(heard[0], Heard::Final { text: first.into(), confidence: None });
    assert_eq!(heard[1], Heard::Partial { text: "al".into(), stability: Some(0.3) });
    // A second of 16 bits at 16 kHz.
    assert_eq!(heard[2], Heard::Final { text: "32000".into(), confidence: Some(0.75) });
    std::fs::remove_file(path).unwrap();
}

#[tokio::test]
async fn b7_a_recognizer_that_fails_hangs_or_babbles_is_an_error_event() {
    for (name, lines, part) in [
        ("fails", "cat >/dev/null; exit 3", "ended with"),
        ("dies", "kill -9 $$", "ended with"),
        ("hangs", "exec sleep 600", "no answer"),
        ("closes", "exec >&-; exec sleep 600", "does not end"),
        ("endless", "exec tr '\\0' x </dev/zero", "no end"),
        ("babbles", "yes '{}'", "does not stop"),
    ] {
        let (path, recognizer) = script(name, lines);
        let room = Room::with(|it| {
            it.recognizers = vec![recognizer];
            it.limits.recognition = Duration::from_millis(if name == "babbles" { 20_000 } else { 300 });
        })
        .await;
        let fault = hears(&room, &asks("en", &[]), &words(1)).await.unwrap_err();
        assert_eq!(fault.code, RECOGNIZER, "{name}: {fault}");
        assert!(fault.text.contains(part), "{name}: {fault}");
        assert_eq!(room.handle.counters().faults, 1);
        assert!(room.files().is_empty(), "{name}");
        std::fs::remove_file(path).unwrap();
    }
}

#[tokio::test]
async fn b7_the_whole_process_group_goes_with_who_asked() {
    let seen = std::env::temp_dir().join(format!("tipring-group-{}", std::process::id()));
    let lines = format!("sleep 600 &\necho $! > {}\necho ready\nwait", seen.display());
    let (path, recognizer) = script("group", &lines);
    let room = Room::with(|it| it.recognizers = vec![recognizer]).await;
    let (microphone, mut results) = room.client.listen(&asks("en", &[])).await.unwrap();
    results.next().await.unwrap().unwrap();
    drop(results);
    let grandchild = std::fs::read_to_string(&seen).unwrap();
    let status = PathBuf::from(format!("/proc/{}/cmdline", grandchild.trim()));
    let gone = async {
        while std::fs::read_to_string(&status).is_ok_and(|it| it.contains("sleep")) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), gone).await.expect("the recognizer's child is still alive");
    drop(microphone);
    std::fs::remove_file(seen).unwrap();
    std::fs::remove_file(path).unwrap();
}

#[tokio::test]
async fn b7_places_and_the_longest_sound_are_bounded() {
    let room = Room::with(|it| {
        it.recognizers = vec![Recognizer::Fake];
        it.limits.recognitions = 1;
        it.limits.listened = Duration::from_secs(2);
    })
    .await;
    let (microphone, results) = room.client.listen(&asks("en", &[])).await.unwrap();
    let fault = room.client.listen(&asks("en", &[])).await.err().unwrap();
    assert_eq!(fault.code, RECOGNIZER, "{fault}");
    drop((microphone, results));
    let free = async {
        loop {
            match room.client.listen(&asks("en", &[])).await {
                Err(_) => tokio::task::yield_now().await,
                Ok(both) => break both,
            }
        }
    };
    let (microphone, mut results) =
        tokio::time::timeout(Duration::from_secs(5), free).await.expect("the place is not given back");
    let refused = room.handle.counters().faults;
    let speak = async move {
        for piece in words(9).chunks(160) {
            if !microphone.send(Bytes::copy_from_slice(piece)).await {
                return;
            }
        }
    };
    let hear = async {
        let mut all = Vec::new();
        while let Some(heard) = results.next().await {
            all.push(heard);
        }
        all
    };
    let (mut heard, ()) = tokio::join!(hear, speak);
    let fault = heard.pop().unwrap().expect_err("what is longer is a fault");
    assert_eq!(fault.code, RECOGNIZER, "{fault}");
    assert!(fault.text.contains("first 2 s"), "{fault}");
    let heard: Vec<_> = heard.into_iter().map(Result::unwrap).collect();
    assert!((2..=4).contains(&finals(&heard).len()), "two seconds of eight: {heard:?}");
    assert_eq!(room.handle.counters().faults, refused + 1);
}

#[tokio::test]
async fn b7_a_service_is_a_recognizer_too() {
    let origin = Origin::start(|asked| match asked.path.as_str() {
        "/de?language=de-DE" => Reply::ok("application/json", br#"{"text":"guten Tag","confidence":0.8}"#.to_vec()),
        "/en?language=en" => Reply::ok("text/plain", b"good day\n".to_vec()),
        _ => Reply::status(500),
    })
    .await;
    let at = |language: &str| {
        let url = origin.url(&format!("/{language}")).parse().unwrap();
        Recognizer::Url(RecognizerUrl { name: language.into(), languages: vec![language.into()], url })
    };
    let room = Room::with(|it| it.recognizers = ["de", "en", "fr"].map(at).into()).await;
    let heard = hears(&room, &asks("de-DE", &["Tag"]), &words(1)).await.unwrap();
    assert_eq!(heard, [Heard::Final { text: "guten Tag".into(), confidence: Some(0.8) }]);
    assert_eq!(finals(&hears(&room, &asks("en", &[]), &words(1)).await.unwrap()), ["good day"]);
    assert_eq!(hears(&room, &asks("fr", &[]), &words(1)).await.unwrap_err().code, RECOGNIZER);
}

fn recording(room: &Room, channels: u16, samples: &[i16]) -> PathBuf {
    let path = room.dir.join("recording.wav");
    let spec =
        hound::WavSpec { channels, sample_rate: 8_000, bits_per_sample: 16, sample_format: hound::SampleFormat::Int };
    let mut writer = hound::WavWriter::create(&path, spec).unwrap();
    for sample in samples {
        (0..channels).for_each(|_| writer.write_sample(*sample / channels as i16).unwrap());
    }
    writer.finalize().unwrap();
    path
}

#[tokio::test]
async fn b10_c24_a_recording_becomes_text() {
    let room = Room::with(|it| it.recognizers = vec![Recognizer::Fake]).await;
    let samples: Vec<_> = words(3).iter().map(|it| tipring_dsp::alaw_decode(*it)).collect();
    for channels in [1, 2] {
        let path = recording(&room, channels, &samples);
        let transcript = room.client.transcribe("AC1", "en-US", &path).await.unwrap();
        assert_eq!(transcript.text, "word word word");
        assert!(transcript.confidence.is_some_and(|it| (it - 0.9).abs() < 0.001));
    }
    let path = recording(&room, 1, &[0; 8_000]);
    let silent = room.client.transcribe("AC1", "en-US", &path).await.unwrap();
    assert_eq!(silent, Transcript { text: String::new(), confidence: None });
    let fault = room.client.transcribe("AC1", "en-US", &room.dir.join("none.wav")).await.unwrap_err();
    assert_eq!(fault.code, RECOGNIZER);
    assert!(fault.text.contains("none.wav"), "{fault}");
}

/// What espeak-ng says of it, as the telephone carries it; `None`, aloud, where something is not installed.
async fn spoken(texts: &[&str]) -> Option<Vec<Vec<u8>>> {
    if !Recognizer::pocketsphinx().installed() || !Engine::espeak().installed() {
        drop(writeln!(
            std::io::stderr(),
            "SKIPPED: pocketsphinx or espeak-ng is not installed; recognition is not tested here"
        ));
        return None;
    }
    let room = Room::with(|it| it.engines = vec![Engine::espeak()]).await;
    let mut all = Vec::new();
    for text in texts {
        all.push(room.says(text, "man", "en-US").await.unwrap().octets);
    }
    Some(all)
}

#[tokio::test]
async fn b7_pocketsphinx_hears_each_hint_at_the_telephone() {
    let texts = ["sales", "support", "operator", "yes", "no"];
    let Some(sounds) = spoken(&texts).await else { return };
    let room = Room::with(|_| {}).await;
    let mut right = 0;
    for (text, sound) in texts.iter().zip(&sounds) {
        let whole = [&[0xD5; 4_000], &sound[..], &[0xD5; 8_000]].concat();
        let heard = hears(&room, &asks("en-US", &texts), &whole).await.unwrap();
        right += usize::from(finals(&heard).join(" ") == *text);
        println!("{text}: {heard:?}");
    }
    assert!(right >= 4, "{right} of {}", texts.len());
    assert!(room.files().is_empty(), "a grammar stays");
}

#[tokio::test]
async fn b7_pocketsphinx_tells_what_was_said_at_the_pause() {
    let Some(sounds) = spoken(&["operator"]).await else { return };
    let room = Room::with(|_| {}).await;
    let (microphone, mut results) = room.client.listen(&asks("en-US", &["operator", "sales"])).await.unwrap();
    let whole = [&[0xD5; 4_000], &sounds[0][..], &[0xD5; 16_000]].concat();
    for piece in whole.chunks(160) {
        microphone.send(Bytes::copy_from_slice(piece)).await;
    }
    let first = tokio::time::timeout(Duration::from_secs(60), results.next()).await.expect("told before the end");
    let first = [first.unwrap().unwrap()];
    assert_eq!(finals(&first), ["operator"]);
    drop(microphone);
}

/// A-law as a WAVE file.
fn recorded(sound: &[u8]) -> Vec<u8> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 8_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut file = std::io::Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut file, spec).unwrap();
    for octet in sound {
        writer.write_sample(tipring_dsp::alaw_decode(*octet)).unwrap();
    }
    writer.finalize().unwrap();
    file.into_inner()
}

#[tokio::test]
async fn d29_a_recording_is_written_down_and_its_text_sent_to_the_destination() {
    let (one, two) = (recorded(&words(1)), recorded(&words(2)));
    let origin = Origin::start(move |asked| match (asked.method.as_str(), asked.path.as_str()) {
        ("POST", "/full") => Reply::status(507),
        ("POST", _) => Reply::status(202),
        (_, "/one.wav") => Reply::ok("audio/wav", one.clone()),
        (_, "/two.wav") => Reply::ok("application/octet-stream", two.clone()),
        (_, "/cut.wav") => {
            let (reply, go) = Reply::ok("audio/wav", two.clone()).held_after(12_000);
            drop(go);
            reply
        }
        _ => Reply::status(404),
    });
    let (origin, room) = tokio::join!(origin, Room::with(|it| it.recognizers = vec![Recognizer::Fake]));
    let wish = |paths: &[&str], target: &str| {
        let urls: Vec<_> = paths.iter().map(|it| origin.url(it)).collect();
        json!({ "kind": "transcribe", "urls": urls, "language": "de-CH", "hints": ["grüezi", "ja"], "target": target })
    };
    let sent = || -> Vec<_> { origin.log().into_iter().filter(|it| it.method == "POST").collect() };

    let job = room.job(wish(&["/one.wav", "/two.wav"], &origin.url("/taken"))).await;
    assert_eq!((job.kind.as_str(), job.found, job.made, job.failed, job.unkept), ("transcribe", 2, 2, 0, 0), "{job:?}");
    let texts: Vec<_> = job.items.iter().map(|it| it.text.as_str()).collect();
    assert_eq!(texts, ["grüezi", "grüezi ja"]);
    let [first, second] = &sent()[..] else { panic!("{:?}", origin.log()) };
    assert_eq!((&first.body[..], &second.body[..]), ("grüezi".as_bytes(), "grüezi ja".as_bytes()));
    assert_eq!(second.headers["content-type"], "text/plain; charset=utf-8");
    assert_eq!(second.headers["content-language"], "de-CH");
    assert_eq!(second.headers["content-location"], origin.url("/two.wav"));
    assert!(room.files().is_empty() && room.handle.entries(None, "").is_empty(), "a recording stays");

    // Half a text is never sent as if it were one, and each that fails says why.
    let job = room.job(wish(&["/cut.wav", "/none.wav", "/one.wav"], &origin.url("/full"))).await;
    assert_eq!((job.made, job.failed, sent().len()), (0, 3, 3), "{job:?}");
    let faults: Vec<_> = job.items.iter().map(|it| it.fault.as_ref().unwrap().text.as_str()).collect();
    for (fault, word) in faults.iter().zip(["broke off", "404", "507"]) {
        assert!(fault.contains(word), "{faults:?}");
    }
    assert_eq!(job.items[2].text, "grüezi");

    let (status, refused) = room.desk("POST", "/jobs", wish(&["/one.wav"], "mailto:who@example.org")).await;
    assert!(status == 400 && refused["message"].as_str().unwrap().contains("no mail"), "{refused}");
    let room = Room::with(|it| it.recognizers = Vec::new()).await;
    let job = room.job(wish(&["/one.wav"], &origin.url("/taken"))).await;
    assert_eq!(job.fault.unwrap().code, NO_RECOGNIZER);
}

#[tokio::test]
async fn d29_recordings_wait_for_a_place_and_take_one_at_a_time() {
    let sound = recorded(&words(1));
    let origin = Origin::start(move |_| Reply::ok("audio/wav", sound.clone()));
    let room = Room::with(|it| {
        it.recognizers = vec![Recognizer::Fake];
        it.limits.recognitions = 1;
    });
    let (origin, room) = tokio::join!(origin, room);
    let (microphone, mut results) = room.client.listen(&asks("en", &[])).await.unwrap();
    let urls: Vec<_> = (0..3).map(|it| origin.url(&format!("/{it}.wav"))).collect();
    let (_, job) = room.desk("POST", "/jobs", json!({ "kind": "transcribe", "urls": urls })).await;
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    origin.was_asked(0);
    drop(microphone);
    assert_eq!(results.next().await, None);
    let job = room.job_over(job["id"].as_str().unwrap()).await;
    assert_eq!((job.made, job.failed), (3, 0), "{job:?}");
}
