//! The face itself: refusals, faults, limits, its own state.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tipring_card::Law;
use tipring_media::{MediaClient, MediaRequest, Source, Status};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

use crate::origin::{Origin, Reply};
use crate::room::{Room, wave};

#[tokio::test]
async fn d1_without_the_media_layer_there_is_a_fault_and_with_it_sound_again() {
    let origin = Origin::always("audio/wav", wave(8_000, 1, 500.0, 0.5)).await;
    let mut room = Room::open().await;
    let away = MediaClient::new(room.dir.join("nobody.sock"));
    let wanted = MediaRequest { account: "AC1".into(), source: Source::Url(origin.url("/a.wav")), law: Law::A };
    let fault = away.fetch(wanted).await.unwrap_err();
    assert_eq!(fault.code, 11200);
    assert!(fault.text.contains("is it running"), "{fault}");
    let client = room.client.clone();
    room.restart(|_| {}).await;
    let wanted = MediaRequest { account: "AC1".into(), source: Source::Url(origin.url("/a.wav")), law: Law::A };
    assert!(client.fetch(wanted).await.unwrap().next().await.unwrap().is_ok());
}

/// A socket before the layer's own, and how many have come to it.
fn counted(room: &Room) -> (std::path::PathBuf, Arc<AtomicUsize>) {
    let (before, behind) = (room.dir.join("counted.sock"), room.dir.join("media.sock"));
    let (listener, connections) = (UnixListener::bind(&before).unwrap(), Arc::new(AtomicUsize::new(0)));
    let came = Arc::clone(&connections);
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            came.fetch_add(1, Ordering::Relaxed);
            let Ok(mut far) = UnixStream::connect(&behind).await else { continue };
            tokio::spawn(async move { tokio::io::copy_bidirectional(&mut near, &mut far).await });
        }
    });
    (before, connections)
}

/// What is ready to happen happens.
async fn settles() {
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_connection_is_used_again_until_a_caller_leaves_or_the_layer_does() {
    let origin = Origin::always("audio/wav", wave(8_000, 1, 500.0, 40.0)).await;
    let mut room = Room::open().await;
    room.plays(&origin.url("/a.wav")).await.unwrap();
    let (socket, connections) = counted(&room);
    let client = MediaClient::new(&socket);
    let fetch = async || {
        let source = Source::Url(origin.url("/a.wav"));
        client.fetch(MediaRequest { account: "AC1".into(), source, law: Law::A }).await.unwrap()
    };
    let whole = async || {
        let (mut stream, mut octets) = (fetch().await, 0);
        while let Some(piece) = stream.next().await {
            octets += piece.unwrap().len();
        }
        assert_eq!(octets, 320_000);
        settles().await;
    };
    for _ in 0..5 {
        whole().await;
    }
    assert_eq!(connections.load(Ordering::Relaxed), 1);
    // Two at once are two connections, and both are used again.
    for _ in 0..2 {
        tokio::join!(whole(), whole());
    }
    assert_eq!(connections.load(Ordering::Relaxed), 2);
    // Whoever leaves in the middle leaves no half of an answer to the next one.
    for _ in 0..3 {
        let mut left = fetch().await;
        left.next().await.unwrap().unwrap();
        drop(left);
        settles().await;
    }
    whole().await;
    let before = connections.load(Ordering::Relaxed);
    assert!((3..=5).contains(&before), "{before}");
    room.restart(|_| {}).await;
    whole().await;
    assert_eq!(connections.load(Ordering::Relaxed), before + 1);
}

#[tokio::test]
async fn a_request_that_a_dying_layer_has_taken_is_asked_again() {
    let room = Room::open().await;
    let socket = room.dir.join("dies.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let dies = tokio::spawn(async move {
        let mut read = vec![0; 4_096];
        for (answers, dies) in [(1, true), (2, false)] {
            let (mut stream, _) = listener.accept().await.unwrap();
            for _ in 0..answers {
                assert!(stream.read(&mut read).await.unwrap() > 0);
                let answer = "HTTP/1.1 200 OK\r\nX-Cache: hit\r\nContent-Length: 5\r\n\r\nsound";
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
            if dies {
                assert!(stream.read(&mut read).await.unwrap() > 0, "the second request comes the same way");
            }
        }
    });
    let client = MediaClient::new(&socket);
    for _ in 0..3 {
        let source = Source::Url("http://app.example/a.wav".into());
        let wanted = MediaRequest { account: "AC1".into(), source, law: Law::A };
        let mut stream = client.fetch(wanted).await.unwrap();
        assert_eq!(&stream.next().await.unwrap().unwrap()[..], b"sound");
        assert!(stream.next().await.is_none());
        settles().await;
    }
    dies.await.unwrap();
}

#[tokio::test]
async fn d1_faults_name_code_place_and_remedy() {
    let origin = Origin::start(|asked| match asked.path.as_str() {
        "/loop" => Reply::status(302).with("Location", "/loop"),
        "/away" => Reply::status(302).with("Location", "ftp://elsewhere/x"),
        it => Reply::status(it.trim_start_matches('/').parse().unwrap()),
    })
    .await;
    let room = Room::open().await;
    let mut closed = String::from("http://127.0.0.1:");
    closed += &std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    for (url, code, part) in [
        (origin.url("/404"), 11200, "answered 404"),
        (origin.url("/500"), 11200, "answered 500"),
        (origin.url("/loop"), 11215, "redirects"),
        (origin.url("/away"), 11200, "ftp"),
        (closed, 11202, "refused"),
        ("http://no-such-host.invalid/a".into(), 11210, "not found"),
        ("gopher://x/".into(), 11100, "http and https"),
        ("not a url".into(), 11100, "not a url"),
    ] {
        let fault = room.plays(&url).await.unwrap_err();
        assert_eq!(fault.code, code, "{fault}");
        assert!(fault.text.contains(part), "{fault}");
    }
    assert!(room.files().is_empty());
}

#[tokio::test]
async fn d2_redirects_are_followed_and_the_key_stays_the_first_url() {
    let origin = Origin::start(|asked| match asked.path.as_str() {
        "/b.wav" => Reply::ok("audio/wav", wave(8_000, 1, 500.0, 0.5)),
        _ => Reply::status(302).with("Location", "b.wav"),
    })
    .await;
    let room = Room::open().await;
    room.plays(&origin.url("/a.wav")).await.unwrap();
    room.plays(&origin.url("/a.wav")).await.unwrap();
    origin.was_asked(2);
    assert_eq!(room.handle.entries(None, "")[0].uri, origin.url("/a.wav"));
}

#[tokio::test]
async fn d2_strange_requests_are_refused_with_words() {
    let room = Room::open().await;
    for (method, target, headers) in [
        ("GET", "/menu.mp3", vec![]),
        ("POST", "http://origin/a", vec![]),
        ("GET", "http://origin/a", vec![("X-Origin-Scheme", "file")]),
        ("GET", "http://speech.tipring/man", vec![]),
        ("GET", "http://speech.tipring/man/00", vec![("X-Speech-Text", "%ff")]),
        ("DELETE", "http://media.tipring/entries", vec![]),
    ] {
        let (head, body) = room.raw_method(method, target, &headers).await;
        assert!(head.starts_with("http/1.1 400"), "{method} {target}: {head}");
        let fault: tipring_media::MediaFault = serde_json::from_slice(&body).unwrap();
        assert_eq!(fault.code, 11100, "{fault}");
    }
    let (head, body) = room.raw("http://origin/a", &[("Accept", "audio/x-alaw;rate=1")]).await;
    assert!(head.starts_with("http/1.1 502") && String::from_utf8_lossy(&body).contains("13420"), "{head}");
}

#[tokio::test]
async fn an_original_and_a_medium_have_a_largest_size() {
    let origin = Origin::always("audio/x-alaw", vec![0x55; 40_000]).await;
    let room = Room::with(|it| it.limits.original_bytes = 30_000).await;
    assert_eq!(room.plays(&origin.url("/a")).await.unwrap_err().code, 11750);
    let room = Room::with(|it| it.limits.audio = std::time::Duration::from_secs(2)).await;
    let fault = room.plays(&origin.url("/a")).await.unwrap_err();
    assert!([11200, 11750].contains(&fault.code), "{fault}");
    assert!(room.files().is_empty());
}

#[tokio::test]
async fn the_state_is_readable_over_the_face() {
    let origin = Origin::always("audio/wav", wave(8_000, 1, 500.0, 0.5)).await;
    let room = Room::open().await;
    room.plays(&origin.url("/a.wav")).await.unwrap();
    let (_, body) = room.raw("http://media.tipring/status", &[]).await;
    let status: Status = serde_json::from_slice(&body).unwrap();
    assert_eq!((status.counters.fetches, status.entries, status.octets), (1, 1, 4_000));
    assert_eq!(status.counters, room.handle.counters());
}

#[tokio::test]
async fn the_socket_is_the_owners_and_a_second_service_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let room = Room::open().await;
    let socket = room.dir.join("media.sock");
    assert_eq!(std::fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);
    let egress = tipring_egress::Client::new(tipring_egress::Config::default()).unwrap();
    let second =
        tipring_media::MediaService::start(tipring_media::Config::new(&socket, room.dir.join("other"), egress));
    assert_eq!(second.await.err().unwrap().kind(), std::io::ErrorKind::AddrInUse);
}

#[tokio::test]
async fn c10_who_waits_hears_the_boxs_own_music_in_the_law_of_the_line() {
    let room = Room::open().await;
    for law in [Law::A, Law::Mu] {
        let wanted = MediaRequest { account: "AC1".into(), source: Source::Music, law };
        let mut stream = room.client.fetch(wanted).await.unwrap();
        assert!(stream.content_type.contains(if law == Law::A { "alaw" } else { "mulaw" }));
        let mut octets = 0;
        while let Some(piece) = stream.next().await {
            octets += piece.unwrap().len();
        }
        assert_eq!(octets, 240_000, "half a minute");
    }
}
