//! Which entries stay when not all can, and what a start does with those that are there.

use std::os::unix::fs::FileTypeExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tipring_card::Law;
use tipring_media::{Cached, MediaRequest, Source};

use crate::origin::{Origin, Reply};
use crate::room::Room;

/// An origin whose sounds of 8,000 octets take as many seconds of the room's clock as their path says.
async fn slow_origin() -> (Origin, Arc<std::sync::Mutex<Arc<AtomicU64>>>) {
    let clock = Arc::new(std::sync::Mutex::new(Arc::new(AtomicU64::new(0))));
    let turned = Arc::clone(&clock);
    let origin = Origin::start(move |asked| {
        let seconds = asked.path.split('-').nth(1).and_then(|it| it.parse().ok()).unwrap_or(0);
        turned.lock().unwrap().fetch_add(seconds, Ordering::Relaxed);
        Reply::ok("audio/x-alaw", vec![0x55; 8_000]).with("Cache-Control", "max-age=36000")
    });
    (origin.await, clock)
}

fn kept(room: &Room) -> Vec<String> {
    let paths = room.handle.entries(None, "");
    paths.into_iter().map(|it| it.uri.rsplit('/').next().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn what_was_dear_to_have_or_is_often_used_stays_when_there_is_no_room() {
    let (origin, clock) = slow_origin().await;
    let mut room = Room::with(|it| it.limits.cache_bytes = 33_000).await;
    *clock.lock().unwrap() = room.clock();
    for path in ["/dear-9", "/used", "/once", "/other"] {
        room.plays(&origin.url(path)).await.unwrap();
    }
    for _ in 0..5 {
        room.plays(&origin.url("/used")).await.unwrap();
    }
    room.plays(&origin.url("/new")).await.unwrap();
    assert_eq!(kept(&room), ["dear-9", "new", "other", "used"]);
    // It is known after a restart as well.
    room.restart(|it| it.limits.cache_bytes = 33_000).await;
    *clock.lock().unwrap() = room.clock();
    for path in ["/new2", "/new3", "/new4"] {
        room.plays(&origin.url(path)).await.unwrap();
    }
    assert_eq!(kept(&room), ["dear-9", "new3", "new4", "used"]);
}

#[tokio::test]
async fn an_entry_that_goes_is_heard_to_its_end() {
    let body: Vec<u8> = (0..1_500_000u32).map(|it| (it % 251) as u8).collect();
    let origin = Origin::always("audio/x-alaw", body.clone()).await;
    let room = Room::open().await;
    room.plays(&origin.url("/long")).await.unwrap();
    let request = MediaRequest { account: "AC1".into(), source: Source::Url(origin.url("/long")), law: Law::A };
    let mut stream = room.client.fetch(request).await.unwrap();
    assert_eq!(stream.cache, Cached::Hit);
    let mut heard = stream.next().await.unwrap().unwrap().to_vec();
    assert_eq!(room.handle.remove(None, ""), 1);
    assert!(room.files().is_empty(), "{:?}", room.files());
    while let Some(piece) = stream.next().await {
        heard.extend_from_slice(&piece.unwrap());
    }
    assert!(heard == body, "{} octets", heard.len());
}

#[tokio::test]
async fn a_start_answers_before_all_entries_are_read_and_a_list_waits_for_them() {
    let origin = Origin::always("audio/x-alaw", vec![0x55; 8_000]).await;
    let mut room = Room::open().await;
    for path in ["/a", "/b"] {
        room.plays(&origin.url(path)).await.unwrap();
    }
    // A head that nobody can read to its end until the test lets him.
    let slow = room.dir.join("cache/entries/00");
    std::fs::create_dir_all(&slow).unwrap();
    let end = if room.heads()[0].extension().is_some_and(|it| it == "json") { "json" } else { "head" };
    let slow = slow.join(format!("00.{end}"));
    let mode = nix::sys::stat::Mode::S_IRWXU;
    nix::unistd::mkfifo(&slow, mode).unwrap();
    room.restart(|_| {}).await;
    for path in ["/a", "/b"] {
        assert_eq!(room.plays(&origin.url(path)).await.unwrap().cache, Cached::Hit);
    }
    assert!(!room.handle.status().indexed);
    // What is removed meanwhile does not come back, what is new is not lost.
    room.plays(&origin.url("/c")).await.unwrap();
    assert!(std::fs::symlink_metadata(&slow).unwrap().file_type().is_fifo());
    let writer = tokio::task::spawn_blocking(move || {
        let writer = std::fs::File::options().write(true).open(&slow)?;
        std::fs::remove_file(slow).map(|()| writer)
    });
    let (listed, written) =
        tokio::join!(room.raw("http://media.tipring/entries", &[]), async { writer.await.map(drop) });
    written.unwrap();
    let listed = listed.1;
    let listed: Vec<tipring_media::EntryInfo> = serde_json::from_slice(&listed).unwrap();
    assert_eq!(listed.len(), 3);
    assert!(room.handle.status().indexed);
    origin.was_asked(3);
    // A file that is being written counts when it has its name.
    let parts = room.dir.join("cache/tmp");
    let whole: Vec<_> = room.files().into_iter().filter(|file| !file.starts_with(&parts)).collect();
    assert_eq!(whole.len(), 6, "{whole:?}");
}
