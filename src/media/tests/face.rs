//! The face itself: refusals, faults, limits, its own state.

use tipring_card::Law;
use tipring_media::{MediaClient, MediaRequest, Source, Status};

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
