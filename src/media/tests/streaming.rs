//! Sound before the end: every stage streams, what breaks is not kept.

use std::sync::Mutex;

use tipring_card::Law;
use tipring_media::{Cached, MediaRequest, Source};

use crate::origin::{Origin, Reply};
use crate::room::{Room, fixture, wave};

fn request(url: String) -> MediaRequest {
    MediaRequest { account: "AC1".into(), source: Source::Url(url), law: Law::A }
}

/// An origin that holds its body back after `first` octets, once; later requests get it whole.
async fn holding(mime: &'static str, body: Vec<u8>, first: usize) -> (Origin, tokio::sync::oneshot::Sender<()>) {
    let (held, go) = Reply::ok(mime, body.clone()).held_after(first);
    let held = Mutex::new(Some(held));
    let origin =
        Origin::start(move |_| held.lock().unwrap().take().unwrap_or_else(|| Reply::ok(mime, body.clone()))).await;
    (origin, go)
}

#[tokio::test]
async fn d18_sound_starts_before_the_origin_has_finished() {
    for (mime, body, first) in [
        ("audio/mpeg", fixture("tone.mp3"), 8_000),
        ("audio/wav", wave(44_100, 2, 1_000.0, 4.0), 200_000),
        ("audio/x-alaw", vec![0x55; 80_000], 1_000),
    ] {
        let (origin, go) = holding(mime, body, first).await;
        let room = Room::open().await;
        let mut stream = room.client.fetch(request(origin.url("/long"))).await.unwrap();
        let heard = stream.next().await.unwrap().unwrap();
        assert!(!heard.is_empty() && room.heads().is_empty(), "{mime}");
        assert_eq!(room.handle.counters().stored, 0);
        // Only now may the origin go on.
        go.send(()).unwrap();
        while let Some(piece) = stream.next().await {
            piece.unwrap();
        }
        room.handle.idle().await;
        assert_eq!(room.handle.counters().stored, 1, "{mime}");
        assert_eq!(room.plays(&origin.url("/long")).await.unwrap().cache, Cached::Hit);
        origin.was_asked(1);
    }
}

#[tokio::test]
async fn d18_a_second_caller_reads_along_from_the_first_octet() {
    let (origin, go) = holding("audio/wav", wave(16_000, 1, 1_000.0, 4.0), 64_000).await;
    let room = Room::open().await;
    let mut first = room.client.fetch(request(origin.url("/a.wav"))).await.unwrap();
    let mut heard = first.next().await.unwrap().unwrap().to_vec();
    let mut second = room.client.fetch(request(origin.url("/a.wav"))).await.unwrap();
    let mut again = second.next().await.unwrap().unwrap().to_vec();
    assert_eq!((first.cache, second.cache), (Cached::Miss, Cached::Hit));
    go.send(()).unwrap();
    while let Some(piece) = first.next().await {
        heard.extend_from_slice(&piece.unwrap());
    }
    while let Some(piece) = second.next().await {
        again.extend_from_slice(&piece.unwrap());
    }
    assert_eq!(heard.len(), 32_000);
    assert_eq!(heard, again);
    origin.was_asked(1);
    assert_eq!(room.handle.counters().conversions, 1);
}

#[tokio::test]
async fn d19_a_broken_first_play_is_not_kept() {
    for (mime, body, first) in [
        ("audio/mpeg", fixture("tone.mp3"), 9_000),
        ("audio/wav", wave(44_100, 2, 1_000.0, 4.0), 300_000),
        ("audio/ogg", fixture("tone-pages.ogg"), 5_500),
        ("audio/x-alaw", vec![0x55; 80_000], 1_000),
    ] {
        let (origin, go) = holding(mime, body, first).await;
        let room = Room::open().await;
        let mut stream = room.client.fetch(request(origin.url("/a"))).await.unwrap();
        let mut heard = stream.next().await.unwrap().unwrap().len();
        // The connection is cut here.
        drop(go);
        let broke = loop {
            match stream.next().await {
                Some(Ok(piece)) => heard += piece.len(),
                Some(Err(fault)) => break fault,
                None => panic!("{mime}: a truncated medium ended as if whole after {heard} octets"),
            }
        };
        assert_eq!(broke.code, 11200, "{mime}");
        room.handle.idle().await;
        assert!(room.files().is_empty(), "{mime}: {:?}", room.files());
        let whole = room.plays(&origin.url("/a")).await.unwrap();
        assert_eq!(whole.cache, Cached::Miss, "{mime}");
        assert!(whole.octets.len() > heard, "{mime}");
        origin.was_asked(2);
        assert_eq!(room.plays(&origin.url("/a")).await.unwrap().octets, whole.octets);
        origin.was_asked(2);
    }
}

#[tokio::test]
async fn d19_a_caller_who_leaves_does_not_spoil_the_entry() {
    let (origin, go) = holding("audio/wav", wave(16_000, 1, 1_000.0, 4.0), 64_000).await;
    let room = Room::open().await;
    let mut stream = room.client.fetch(request(origin.url("/a.wav"))).await.unwrap();
    stream.next().await.unwrap().unwrap();
    drop(stream);
    go.send(()).unwrap();
    room.handle.idle().await;
    let heard = room.plays(&origin.url("/a.wav")).await.unwrap();
    assert_eq!((heard.cache, heard.octets.len()), (Cached::Hit, 32_000));
    origin.was_asked(1);
}

#[tokio::test]
async fn a_stop_breaks_off_what_is_open_and_leaves_nothing() {
    let (origin, _go) = holding("audio/wav", wave(16_000, 1, 1_000.0, 4.0), 64_000).await;
    let mut room = Room::open().await;
    let mut stream = room.client.fetch(request(origin.url("/a.wav"))).await.unwrap();
    stream.next().await.unwrap().unwrap();
    room.restart(|_| {}).await;
    let mut last = None;
    while let Some(piece) = stream.next().await {
        last = Some(piece);
    }
    assert!(last.unwrap().is_err());
    assert!(room.files().is_empty(), "{:?}", room.files());
}
