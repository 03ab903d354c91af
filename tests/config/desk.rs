//! `tipring media …` as an operator types it, against a layer that runs.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use super::exits::Serving;
use super::{Folder, run, text};

/// A real web server.
struct Files(Child, String);

impl Files {
    fn serve(dir: &std::path::Path) -> Files {
        let mut child = Command::new("python3")
            .args(["-u", "-m", "http.server", "--bind", "127.0.0.1", "0"])
            .current_dir(dir)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("python3");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("it says where");
        let address = line.split("http://").nth(1).and_then(|it| it.split('/').next()).expect("an address").to_owned();
        Files(child, address)
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// How `tipring media` ended, and what it said.
fn media(folder: &Folder, words: &[&str]) -> (Option<i32>, String, String) {
    let ran = run(&folder.0, &[&["media"], words].concat());
    (ran.status.code(), text(&ran.stdout), text(&ran.stderr))
}

/// A sound of a second and a half.
const SOUND: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/media/tests/fixtures/tone.mp3");

#[test]
fn d23_d24_d25_d26_the_command_line_lists_brings_in_and_removes() {
    let folder = Folder::new("desk");
    folder.a_box("[media]\nphrase_threshold = 0\n");
    let web = folder.0.join("web");
    std::fs::create_dir_all(web.join("prompts")).expect("a folder");
    std::fs::copy(SOUND, web.join("prompts/a.mp3")).expect("a copy");
    std::fs::write(web.join("prompts/b.txt"), "no sound").expect("a file");
    std::fs::write(web.join("menu.xml"), "<Response><Say>Hello</Say><Play>prompts/a.mp3</Play></Response>")
        .expect("a file");
    let files = Files::serve(&web);
    let url = |path: &str| format!("http://{}/{path}", files.1);
    let serving = Serving::start(&folder, "media");
    let media = |words: &[&str]| media(&folder, words);
    assert_eq!(media(&["ls"]), (Some(0), String::new(), String::new()));
    let (code, said, _) = media(&["crawl", &url("prompts/"), "--preset", "audio/x-alaw;rate=8000"]);
    assert!(code == Some(0) && said.contains("1 made"), "{said}");
    let (code, said, _) = media(&["warm", &url("prompts/a.mp3"), &url("none.mp3")]);
    assert!(code == Some(1) && said.contains("404") && said.contains("1 there already"), "{said}");
    let menu = web.join("menu.xml");
    let words = ["warm", "--document", &menu.to_string_lossy(), "--base", &url("menu"), "--json"];
    let (_, said, _) = media(&words);
    let job: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!(job[0]["found"], 4, "a sound and a text in both laws: {said}");
    let (code, said, _) = media(&["ls", &url("")]);
    assert!(code == Some(0) && said.lines().count() == 2 && said.contains("12000"), "{said}");
    assert_eq!(media(&["ls", "--exact", &url("none.mp3")]).0, Some(1));
    let heard = folder.0.join("heard.wav");
    let (code, _, said) = media(&["get", &url("prompts/a.mp3"), "-o", &heard.to_string_lossy()]);
    assert!(code == Some(0) && said.contains("Hit, 1.5 s"), "{said}");
    assert_eq!(std::fs::metadata(&heard).expect("it is there").len(), 12_000 + 46);
    // A file that somebody has cut off is found out, and is fetched anew.
    let body = std::fs::read_dir(folder.0.join("cache/media/entries")).expect("a cache").flatten();
    let body = body.flat_map(|it| std::fs::read_dir(it.path()).expect("a folder").flatten());
    let body = body.map(|it| it.path()).find(|it| it.extension().is_some_and(|it| it == "body")).expect("a body");
    std::fs::File::options().write(true).open(body).and_then(|it| it.set_len(100)).expect("it is cut");
    let (code, said, _) = media(&["verify"]);
    assert!(code == Some(1) && said.contains("damaged and removed"), "{said}");
    assert_eq!(media(&["verify"]).0, Some(0));
    let (code, said, _) = media(&["rm", "--prefix", "http"]);
    assert!(code == Some(0) && said.contains("removed"), "{said}");
    assert_eq!(media(&["rm"]).0, Some(2));
    assert_eq!(serving.end().0, Some(0));
    let (code, _, said) = media(&["ls"]);
    assert!(code == Some(69) && said.contains("does not answer"), "{said}");
}

#[test]
fn d27_d30_plans_and_phrases_outlive_the_layer() {
    let folder = Folder::new("desk-kept");
    folder.a_box("");
    let media = |words: &[&str]| media(&folder, words);
    let serving = Serving::start(&folder, "media");
    let set = ["plan", "set", "night", "--at", "03:00", "--day", "mon,fri", "--crawl", "http://127.0.0.1:1/prompts/"];
    let (code, said, _) = media(&set);
    assert!(code == Some(0) && said.contains("night  03:00 mon,fri  crawl"), "{said}");
    let (code, _, said) = media(&["plan", "set", "night", "--at", "3", "http://127.0.0.1:1/a"]);
    assert!(code == Some(1) && said.contains("03:00"), "{said}");
    let (_, said, _) = media(&["phrase", "choose", "We are closed", "--json"]);
    let phrase: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    let id = phrase[0]["id"].as_str().expect("an id");
    let (code, _, said) = media(&["phrase", "record", id, concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")]);
    assert!(code == Some(1) && said.contains("not playable"), "{said}");
    assert_eq!(media(&["phrase", "record", id, SOUND]).0, Some(0));
    assert_eq!(serving.end().0, Some(0));
    let serving = Serving::start(&folder, "media");
    assert!(media(&["plan", "ls"]).1.contains("night"));
    assert!(media(&["phrase", "ls"]).1.contains("recorded"));
    let heard = folder.0.join("heard.wav");
    let (_, _, said) = media(&["get", "--say", "We are closed", "-o", &heard.to_string_lossy()]);
    assert!(said.contains("1.5 s"), "the recording's length: {said}");
    assert_eq!(media(&["plan", "rm", "night"]).0, Some(0));
    assert_eq!(media(&["plan", "rm", "night"]).0, Some(1));
    assert_eq!(serving.end().0, Some(0));
}

#[test]
fn d29_the_command_line_has_a_recording_written_down() {
    let folder = Folder::new("desk-written");
    folder.a_box("[[recognizer]]\nname = \"counter\"\nlanguages = [\"en\"]\ncommand = [\"/usr/bin/wc\", \"-c\"]\nrate_hz = 16000\n");
    let web = folder.0.join("web");
    std::fs::create_dir_all(&web).expect("a folder");
    std::fs::copy(SOUND, web.join("a.mp3")).expect("a copy");
    let files = Files::serve(&web);
    let url = |path: &str| format!("http://{}/{path}", files.1);
    let serving = Serving::start(&folder, "media");
    let media = |words: &[&str]| media(&folder, words);
    let (code, said, _) = media(&["transcribe", &url("a.mp3"), "--language", "en-GB", "--hint", "a word"]);
    assert!(code == Some(0) && said.contains(&format!("{}  audio/l16;rate=16000  48000\n", url("a.mp3"))), "{said}");
    let (code, said, _) = media(&["transcribe", &url("none.mp3")]);
    assert!(code == Some(1) && said.contains("404"), "{said}");
    let (code, said, _) = media(&["transcribe", &url("a.mp3"), "--language", "tlh"]);
    assert!(code == Some(1) && said.contains("[[recognizer]]"), "{said}");
    let (code, _, said) = media(&["transcribe", &url("a.mp3"), "--target", "mailto:who@example.org"]);
    assert!(code == Some(1) && said.contains("no mail"), "{said}");
    // A text may be sent nowhere: the web server takes no POST.
    let (code, said, _) = media(&["transcribe", &url("a.mp3"), "--target", &url("texts")]);
    assert!(code == Some(1) && said.contains("501"), "{said}");
    assert_eq!(serving.end().0, Some(0));
}
