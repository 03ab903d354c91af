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

/// A server that answers each request in its way, a connection each; and where it is.
fn server(answers: impl Fn(&str, &mut std::net::TcpStream) + Send + 'static) -> std::net::SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut head = [0; 4096];
            let read = stream.read(&mut head).unwrap_or(0);
            answers(&String::from_utf8_lossy(&head[..read]), &mut stream);
        }
    });
    address
}

fn sends(stream: &mut std::net::TcpStream, mime: &str, body: &[u8]) {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {mime}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
}

/// Half a second of 16 bits at 8 kHz, loud enough.
fn wave() -> Vec<u8> {
    let mut out =
        b"RIFF\xFF\xFF\xFF\xFFWAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data\x40\x1f\0\0"
            .to_vec();
    out.extend((0..4_000_i32).flat_map(|n| ((n % 16 - 8) * 900).to_le_bytes()[..2].to_vec()));
    out
}

async fn hears(folder: &Folder, source: tipring_media::Source) -> Result<usize, tipring_media::MediaFault> {
    let client = tipring_media::MediaClient::new(folder.0.join("run/media.sock"));
    let request = tipring_media::MediaRequest { account: "AC1".into(), source, law: tipring_card::Law::A };
    let mut stream = client.fetch(request).await?;
    let mut octets = 0;
    while let Some(piece) = stream.next().await {
        octets += piece?.len();
    }
    Ok(octets)
}

fn says(text: &str, voice: &str) -> tipring_media::Source {
    tipring_media::Source::Speech { text: text.into(), voice: voice.into(), language: "en".into(), markup: None }
}

#[test]
fn d32_d33_another_engine_and_another_kind_of_media_are_two_entries_of_the_configuration() {
    let turned: Vec<u8> = wave().iter().map(|it| !it).collect();
    let kind = server(move |_, stream| sends(stream, "audio/x-turned", &turned));
    let speech = server(|asked, stream| {
        assert!(asked.starts_with("GET /say?t=Hello&v=alba "), "{asked}");
        sends(stream, "audio/wav", &wave());
    });
    let folder = Folder::new("media-added");
    folder.write("turn", "#!/bin/sh\nexec perl -e 'binmode STDIN; binmode STDOUT; while (<STDIN>) { print ~$_ }'\n");
    let program = folder.0.join("turn");
    std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o700)).expect("it may run");
    folder.a_box(&format!(
        "[media]\nbundled_speech = false\n\
         [[speech]]\nname = \"own\"\nurl = \"http://{speech}/say?t={{text}}&v={{voice}}\"\nvoices = [\"en woman alba\"]\n\
         [[decoder]]\nname = \"turned\"\ntypes = [\"audio/x-turned\"]\ncommand = [\"{}\"]\n",
        program.display()
    ));
    let serving = Serving::start(&folder, "media");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        assert_eq!(hears(&folder, says("Hello", "woman")).await.expect("it speaks"), 4_000);
        let url = tipring_media::Source::Url(format!("http://{kind}/a"));
        assert_eq!(hears(&folder, url).await.expect("it is decoded"), 4_000);
    });
    assert_eq!(serving.end().0, Some(0));
}

#[test]
fn d17_what_is_coded_is_read_by_a_child_of_the_process() {
    let mp3 =
        std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/src/media/tests/fixtures/tone.mp3")).expect("a sound");
    let (tell, told) = std::sync::mpsc::channel::<()>();
    let origin = server(move |_, stream| {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", mp3.len());
        let half = mp3.len() / 2;
        let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&mp3[..half]));
        let _ = told.recv_timeout(Duration::from_secs(20));
        let _ = stream.write_all(&mp3[half..]);
    });
    let folder = Folder::new("media-child");
    folder.a_box("");
    let serving = Serving::start(&folder, "media");
    let children = || {
        let all = std::fs::read_dir("/proc").expect("processes").flatten();
        let line = |it: std::fs::DirEntry| std::fs::read(it.path().join("cmdline")).ok();
        all.filter_map(line).filter(|it| it.ends_with(b"\0decode\0mpeg\0")).count()
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let heard = hears(&folder, tipring_media::Source::Url(format!("http://{origin}/tone.mp3")));
        let seen = async {
            while children() == 0 {
                tokio::task::yield_now().await;
            }
            tell.send(()).expect("it waits");
        };
        let (heard, ()) = tokio::join!(heard, seen);
        assert!(heard.expect("it is heard") > 11_000);
    });
    assert_eq!(serving.end().0, Some(0));
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
