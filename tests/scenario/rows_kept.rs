//! What is kept: recordings with their sound, their links and their texts, and what a restart finds. Rows C22 to C24, C28
//! and E20.

use std::path::Path;

use serde_json::Value;
use tipring::daemon::simulation::Around;

use crate::desk::{Client, Got, visited, visited_amid, word};
use crate::files::Folder;
use crate::sound::{in_words, recorded};
use crate::world::{caller, document, run, scenario, value};

/// A caller who leaves a message of three seconds; the call goes on for a while.
fn leaves_a_message() -> String {
    let does = "{ await_quiet = { ms = 300 } }, { tone = { hz = 500.0, ms = 3000 } }, { press = { keys = \"#\" } }, ";
    caller("<Response><Record action='/kept'/></Response>", does)
        + &document("/kept", "<Response><Gather timeout='2'/></Response>")
}

/// A program that makes an MP3, in so far as a test can see it.
fn encoder() -> tipring_api::Options {
    let mp3 = ["/bin/sh", "-c", "printf ID3; cat"].map(str::to_string).to_vec();
    tipring_api::Options { mp3, ..tipring_api::Options::default() }
}

/// The only recording of the account.
async fn only_recording(api: &Client) -> Value {
    let all = api.list("/Recordings.json", "recordings").await;
    assert_eq!(all.len(), 1, "{all:?}");
    all[0].clone()
}

fn files_of(state: &Path) -> usize {
    std::fs::read_dir(state.join("recordings"))
        .map_or(0, |folder| folder.filter(|entry| entry.as_ref().is_ok_and(|entry| entry.path().is_file())).count())
}

#[test]
fn c22_a_recording_is_sound_or_a_record_by_its_ending_and_deleted_it_is_gone_from_the_disk() {
    let folder = Folder::new("c22");
    let around = Around { api: encoder(), ..folder.kept() };
    let state = folder.0.join("state");
    let (run, (wav, link)) = visited_amid(&scenario(&leaves_a_message()), 1, around, move |api| async move {
        api.until(12_000).await;
        let recording = only_recording(&api).await;
        let bare = format!("/Recordings/{}", word(&recording, "sid"));
        let kind = async |ending: &str| {
            let got = api.get(&format!("{bare}{ending}")).await;
            assert_eq!(got.status, 200, "{ending}: {}", got.text());
            got
        };
        let (wav, mp3, xml) = (kind(".wav").await, kind(".mp3").await, kind(".xml").await);
        assert_eq!([wav.kind(), mp3.kind(), xml.kind()], ["audio/x-wav", "audio/mpeg", "application/xml"]);
        assert!(mp3.octets.starts_with(b"ID3") && xml.text().contains(word(&recording, "sid")), "{}", xml.text());
        // What the program was told leads there too.
        let link = kind("").await;
        assert_eq!((link.kind(), &link.octets), ("audio/x-wav", &wav.octets));
        assert_eq!(files_of(&state), 1);
        assert_eq!(api.delete(&format!("{bare}.json")).await.status, 204);
        for ending in [".wav", ".mp3", ".xml", ".json"] {
            assert_eq!(api.get(&format!("{bare}{ending}")).await.status, 404, "{ending}");
        }
        assert!(api.list("/Recordings.json", "recordings").await.is_empty());
        assert_eq!(files_of(&state), 0, "gone from the disk");
        (wav.octets.to_vec(), bare)
    });
    let ms = recorded(&wav).len() / 8;
    assert!((2_900..=3_300).contains(&ms), "{ms} ms");
    let told = value(run.asked("/kept")[0], "RecordingUrl").expect("a link");
    assert!(told.ends_with(&link), "{told} is where it was");
}

#[test]
fn d28_what_was_said_in_a_call_is_had_by_api_when_the_call_is_over() {
    let (_, wav) = visited(&leaves_a_message(), |api| async move {
        api.until(30_000).await;
        let calls = api.list("/Calls.json", "calls").await;
        assert_eq!(word(&calls[0], "status"), "completed");
        let recordings = api.list(&format!("/Calls/{}/Recordings.json", word(&calls[0], "sid")), "recordings").await;
        api.get(&format!("/Recordings/{}.wav", word(&recordings[0], "sid"))).await.octets.to_vec()
    });
    let tone = recorded(&wav);
    assert!((2_900..=3_300).contains(&(tone.len() / 8)), "{}", tone.len());
}

#[test]
fn c23_sound_is_had_with_credentials_openly_or_by_a_signed_link_that_nobody_can_change() {
    let (_, ()) = visited(&leaves_a_message(), |api| async move {
        api.until(12_000).await;
        let recording = only_recording(&api).await;
        let (sid, nobody) = (word(&recording, "sid"), api.with("", ""));
        let sound = format!("/Recordings/{sid}.wav");
        let whole = api.get(&sound).await.octets;
        assert_eq!(nobody.get(&sound).await.fault(), (401, 20003), "closed at first");
        let made = api.post(&format!("/Recordings/{sid}/Links.json"), &[("ExpiresIn", "60")]).await.ok(201);
        let link = word(&made, "url").to_string();
        assert!(link.starts_with("http://box.lan:8080/"), "{link}");
        assert_eq!(nobody.get(&link).await.octets, whole, "the link is enough");
        let (path, query) = link.split_once('?').expect("a query");
        let signature = query.split("signature=").nth(1).expect("a signature");
        let flipped = if signature.starts_with('A') { "B" } else { "A" };
        for changed in [
            link.replace("expires=1", "expires=2"),
            link.replace(signature, &format!("{flipped}{}", &signature[1..])),
            format!("{link}x"),
            format!("{}?{query}", path.replace(sid, &format!("RE{}", "f".repeat(32)))),
            format!("{path}?signature={signature}"),
        ] {
            assert_ne!(changed, link);
            assert_eq!(nobody.get(&changed).await.fault(), (401, 20003), "{changed}");
        }
        api.until(73_000).await;
        assert_eq!(nobody.get(&link).await.fault(), (401, 20003), "its minute is over");
        // Open: whoever knows the address, which nobody can guess.
        api.post(".json", &[("PublicMedia", "true")]).await.ok(200);
        assert_eq!(nobody.get(&sound).await.octets, whole);
        assert_eq!(
            nobody.get(&format!("/Recordings/{sid}.json")).await.fault(),
            (401, 20003),
            "the record is not open"
        );
        assert_eq!(nobody.get("/Recordings.json").await.fault(), (401, 20003), "nor the list");
        api.post(".json", &[("PublicMedia", "false")]).await.ok(200);
        assert_eq!(nobody.get(&sound).await.fault(), (401, 20003), "closed again");
    });
}

#[test]
fn c24_a_transcription_is_begun_is_pending_then_has_its_text_and_is_deleted() {
    let text = leaves_a_message() + &document("/told", "") + "\n[[recognizer]]\nsays = [\"call me back\"]\n";
    let (run, ()) = visited(&text, |api| async move {
        api.until(12_000).await;
        let of = format!("/Recordings/{}/Transcriptions", word(&only_recording(&api).await, "sid"));
        let form = [("StatusCallback", "http://app.example/told")];
        let begun = api.post(&format!("{of}.json"), &form).await.ok(201);
        assert_eq!((word(&begun, "status"), &begun["transcription_text"]), ("in-progress", &Value::Null));
        api.until(14_000).await;
        let path = word(&begun, "uri").to_string();
        let done = api.read(&path).await;
        assert_eq!((word(&done, "status"), word(&done, "transcription_text")), ("completed", "call me back"));
        assert_eq!(api.get(&path.replace(".json", ".txt")).await.text(), "call me back");
        assert_eq!(api.list(&format!("{of}.json"), "transcriptions").await.len(), 1);
        assert_eq!(api.list("/Transcriptions.json", "transcriptions").await.len(), 1);
        assert_eq!(api.delete(&path).await.status, 204);
        assert_eq!(api.get(&path).await.fault(), (404, 20404));
        assert!(api.list(&format!("{of}.json"), "transcriptions").await.is_empty());
    });
    let told = run.asked("/told");
    assert_eq!(told.len(), 1, "{:?}", run.paths());
    assert_eq!(value(told[0], "TranscriptionText"), Some("call me back"));
}

/// Nothing that matters: the second box of a test has to be called by somebody.
fn afterwards() -> String {
    caller("<Response><Gather timeout='1'/></Response>", "")
}

#[test]
fn c28_after_a_cut_in_the_middle_of_a_call_what_was_is_intact_and_the_call_has_a_final_status() {
    let folder = Folder::new("c28");
    let cut = "limit_s = 20\n".to_string()
        + &leaves_a_message()
        + "\n[[call]]\nid = \"cut\"\nfrom = \"2025550101\"\nto = \"100\"\nat_ms = 10000\n\
           does = [{ await_answer = {} }, { tone = { hz = 500.0, ms = 30000 } }, { await_hangup = {} }]\n";
    let (_, (past, sound, cut)) = visited_amid(&scenario(&cut), 1, folder.kept(), |api| async move {
        api.until(16_000).await;
        let calls = api.list("/Calls.json", "calls").await;
        assert_eq!([word(&calls[0], "status"), word(&calls[1], "status")], ["in-progress", "completed"]);
        let recordings = api.list("/Recordings.json", "recordings").await;
        let past = recordings.iter().find(|one| one["status"] == "completed").expect("the message").clone();
        let sound = api.get(&format!("/Recordings/{}.wav", word(&past, "sid"))).await.octets;
        ((calls[1].clone(), past), sound, word(&calls[0], "uri").to_string())
    });
    let (_, ()) = visited_amid(&scenario(&afterwards()), 2, folder.kept(), |api| async move {
        let (call, recording) = past;
        assert_eq!(api.read(word(&call, "uri")).await, call);
        assert_eq!(api.read(word(&recording, "uri")).await, recording);
        let same = api.get(&format!("/Recordings/{}.wav", word(&recording, "sid"))).await;
        assert!(same.status == 200 && same.octets == sound, "its sound is the same, octet by octet");
        let cut = api.read(&cut).await;
        assert_eq!(word(&cut, "status"), "failed", "{cut}");
        assert!(cut["end_time"].is_string() && cut["duration"].is_string(), "{cut}");
        // What the caller had said by then is there, and whole as a file.
        let of = format!("/Calls/{}/Recordings.json", word(&cut, "sid"));
        let half = api.list(&of, "recordings").await;
        assert_eq!(half.len(), 1, "{half:?}");
        for one in &half {
            assert_eq!(one["status"], "completed", "{one}");
            let got: Got = api.get(&format!("/Recordings/{}.wav", word(one, "sid"))).await;
            let ms = recorded(&got.octets).len() / 8;
            assert!((3_000..=9_000).contains(&ms), "{ms} ms of what was said before the cut");
        }
        let live = api.list("/Calls.json?Status=in-progress", "calls").await;
        assert!(live.is_empty(), "{live:?}");
    });
}

#[test]
fn e20_a_cut_in_ten_calls_leaves_no_call_under_way_no_stuck_line_and_no_half_entry() {
    let folder = Folder::new("e20");
    let ten = "limit_s = 12\n[[document]]\npath = \"/\"\nbody = \"<Response><Record maxLength='60' timeout='60'/></Response>\"\n\
               [[call]]\nid = \"caller\"\nfrom = \"2025550100\"\nto = \"100\"\ntimes = 10\nevery_ms = 200\n\
               does = [{ await_answer = {} }, { tone = { hz = 500.0, ms = 60000 } }, { await_hangup = {} }]\n";
    let (_, live) = visited_amid(&scenario(ten), 1, folder.kept(), |api| async move {
        api.until(8_000).await;
        api.list("/Calls.json?Status=in-progress", "calls").await.len()
    });
    assert_eq!(live, 10);
    // Every channel of the span is good for a call again: thirty at once.
    let full = afterwards().replace("to = \"100\"", "to = \"100\"\ntimes = 30\nevery_ms = 10");
    let (run, ()) = visited_amid(&scenario(&full), 2, folder.kept(), |api| async move {
        let calls = api.list("/Calls.json?PageSize=100", "calls").await;
        assert_eq!(calls.len(), 10);
        for call in &calls {
            assert!(call["status"] == "failed" && call["end_time"].is_string(), "{call}");
        }
        let recordings = api.list("/Recordings.json?PageSize=100", "recordings").await;
        assert_eq!(recordings.len(), 10);
        for one in &recordings {
            assert_eq!(one["status"], "completed", "{one}");
            let sound = api.get(&format!("/Recordings/{}.wav", word(one, "sid"))).await;
            assert!(recorded(&sound.octets).len() > 8_000, "{one}");
        }
    });
    assert_eq!(run.outcome.told.len(), 30);
    assert!(run.outcome.told.iter().all(|told| told.status.as_deref() == Some("completed")));
}

#[test]
fn a_sound_that_a_full_disk_cannot_keep_is_heard_each_time_and_the_timeline_says_so() {
    let text = "full_disk = true\n".to_string()
        + &caller("<Response><Play>/prompt.wav</Play><Play>/prompt.wav</Play></Response>", "")
        + &document("/prompt.wav", "@announcement")
        + "headers = { cache-control = 'max-age=3600' }\n";
    let run = run(&text).met();
    assert_eq!(in_words(&run.outcome.heard[0].1), "the announcement, then the announcement");
    // Who asks while the first listener is still being let go of, on a busy machine, hears what that one has.
    let asked = run.asked("/prompt.wav").len();
    assert!((1..=2).contains(&asked), "{asked}");
    let lines = run.lines("media");
    let told = lines.iter().filter(|it| it.1.ends_with("/prompt.wav: not kept: the cache's disk has no room")).count();
    assert!(told >= asked, "{told}: {lines:?}");
    assert!(run.outcome.told[0].status.as_deref() == Some("completed") && run.outcome.told[0].errors.is_empty());
}
