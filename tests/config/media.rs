//! `tipring media` as a process: its key, its port, and a reload.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use super::exits::Serving;
use super::{Folder, run, text};

const KEY: &str = "0123456789abcdef0123456789abcdef";

/// How many texts its workers may speak at once, as it says itself.
fn speech_workers(folder: &Folder) -> u64 {
    let mut stream = UnixStream::connect(folder.0.join("run/media.sock")).expect("it listens");
    let request = b"GET http://media.tipring/status HTTP/1.1\r\nHost: media.tipring\r\nConnection: close\r\n\r\n";
    stream.write_all(request).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    let body = answer.split_once("\r\n\r\n").expect("a body").1;
    let status: serde_json::Value = serde_json::from_str(body).expect("JSON");
    status["speech"]["limit"].as_u64().expect("a number")
}

#[test]
fn e12_a_media_layer_that_runs_apart_takes_its_workers_from_a_hangup_signal() {
    let folder = Folder::new("media-workers");
    folder.a_box("[media]\nspeech_workers = 1\n");
    let serving = Serving::start(&folder, "media");
    assert_eq!(speech_workers(&folder), 1);
    folder.a_box("[media]\nspeech_workers = 4\n");
    serving.hang_up();
    let until = Instant::now() + Duration::from_secs(20);
    while speech_workers(&folder) != 4 {
        assert!(Instant::now() < until, "it takes them");
    }
    // A broken one is told, and it goes on.
    folder.a_box("[media]\nspeech_workers = 0\n");
    serving.hang_up();
    assert_eq!(speech_workers(&folder), 4);
    let (exit, said) = serving.end();
    assert_eq!(exit, Some(0), "{said}");
}

#[test]
fn e17_a_port_for_another_host_needs_the_key_of_both() {
    let folder = Folder::new("media-key");
    let key = folder.0.join("key");
    let set = format!("[media]\nlisten = \"127.0.0.1:0\"\nkey_file = \"{}\"\n", key.display());
    folder.a_box(&set);
    let refused = run(&folder.0, &["media"]);
    assert_eq!(refused.status.code(), Some(78), "{}", text(&refused.stderr));
    let said = text(&refused.stderr);
    assert!(said.contains("key: ") && said.contains("openssl rand -base64 32"), "{said}");
    folder.write("key", "short\n");
    let refused = run(&folder.0, &["media"]);
    assert_eq!(refused.status.code(), Some(78), "{}", text(&refused.stderr));
    assert!(text(&refused.stderr).contains("media.key_file: "), "{}", text(&refused.stderr));
    folder.write("key", KEY);
    let serving = Serving::start(&folder, "media");
    let said = serving.said().to_owned();
    assert!(said.contains("media.sock and 127.0.0.1:"), "{said}");
    assert_eq!(serving.end().0, Some(0));
    // And whoever asks.
    folder.a_box(&format!("[media]\nface = \"https://127.0.0.1:7443\"\nkey_file = \"{}-none\"\n", key.display()));
    let refused = run(&folder.0, &["serve"]);
    assert_eq!(refused.status.code(), Some(78), "{}", text(&refused.stderr));
    assert!(text(&refused.stderr).contains("key-none: "), "{}", text(&refused.stderr));
}

#[test]
fn d21_d22_a_cache_that_is_sealed_needs_its_key_and_a_store_of_others_an_access_key() {
    let folder = Folder::new("media-seal");
    let (seal, access, shared) = (folder.0.join("seal"), folder.0.join("access"), folder.0.join("shared"));
    let set = format!("[media]\nseal_key_file = \"{}\"\nstore = \"file://{}\"\n", seal.display(), shared.display());
    folder.a_box(&set);
    for (text_of_key, said) in
        [(None, "seal: "), (Some("c2hvcnQ=\n"), "32 octets in base64"), (Some("?\n"), "32 octets")]
    {
        if let Some(text_of_key) = text_of_key {
            folder.write("seal", text_of_key);
        }
        let refused = run(&folder.0, &["media"]);
        assert_eq!(refused.status.code(), Some(78), "{}", text(&refused.stderr));
        assert!(text(&refused.stderr).contains(said), "{}", text(&refused.stderr));
    }
    folder.write("seal", "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n");
    let serving = Serving::start(&folder, "media");
    assert_eq!(serving.end().0, Some(0));
    assert!(shared.is_dir());
    let bucket = "store = \"s3://sounds/x\"\nstore_endpoint = \"https://127.0.0.1:1\"\n";
    let keys = format!("seal_key_file = \"{}\"\nstore_key_file = \"{}\"\n", seal.display(), access.display());
    folder.a_box(&format!("[media]\n{bucket}{keys}"));
    folder.write("access", "name only\n");
    let refused = run(&folder.0, &["media"]);
    assert_eq!(refused.status.code(), Some(78), "{}", text(&refused.stderr));
    assert!(text(&refused.stderr).contains("media.store_key_file: two lines"), "{}", text(&refused.stderr));
    // A store that is away keeps nobody from starting.
    folder.write("access", "name\nsecret\n");
    let serving = Serving::start(&folder, "media");
    let (exit, said) = serving.end();
    assert_eq!(exit, Some(0), "{said}");
}
