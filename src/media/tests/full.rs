//! A disk that has no room: a real, small one, in a mount namespace of its own. Where that may not be had the tests say so.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use tipring_card::Law;
use tipring_media::{Cached, Config, MediaRequest, Source};

use crate::origin::{Origin, Reply};
use crate::room::Room;

/// Names the small disk to the test that runs on it.
const DISK: &str = "TIPRING_TEST_SMALL_DISK";
const DISK_OCTETS: u64 = 4 << 20;

/// The folder of the small disk, inside of the namespace; outside the test runs itself there and answers `None`.
#[track_caller]
fn small_disk(test: &str) -> Option<PathBuf> {
    if let Some(disk) = std::env::var_os(DISK) {
        return Some(disk.into());
    }
    let dir = std::env::temp_dir().join(format!("tipring-small-{}-{test}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let mount = format!("mount -t tmpfs -o size={DISK_OCTETS} none {}", dir.display());
    let inside = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script]).env(DISK, &dir);
        command
    };
    let may = inside(&mount).output().is_ok_and(|it| it.status.success());
    if may {
        let this = std::env::current_exe().unwrap();
        let script = format!("{mount} && exec {} full::{test} --exact --nocapture", this.display());
        let told = inside(&script).output().unwrap();
        let said = String::from_utf8_lossy(&told.stdout).into_owned() + &String::from_utf8_lossy(&told.stderr);
        assert!(told.status.success() && said.contains("1 passed"), "{said}");
    } else {
        assert!(!required(), "a small disk cannot be mounted here, and TIPRING_REQUIRE names it");
        drop(writeln!(std::io::stderr(), "SKIPPED {test}: a tmpfs cannot be mounted in a namespace here"));
    }
    let _ = std::fs::remove_dir(&dir);
    None
}

fn required() -> bool {
    std::env::var("TIPRING_REQUIRE").is_ok_and(|it| it.split(',').any(|part| part == "small-disk"))
}

fn sound(path: &str, octets: usize) -> Vec<u8> {
    let seed = path.bytes().fold(7u32, |sum, it| sum.wrapping_mul(31).wrapping_add(it.into()));
    (0..octets as u32).map(|n| (n.wrapping_mul(seed) >> 7) as u8).collect()
}

/// `/<octets>/<name>`
async fn origin() -> Origin {
    Origin::start(|asked| {
        let octets = asked.path.split('/').nth(1).unwrap().parse().unwrap();
        Reply::ok("audio/x-alaw", sound(&asked.path, octets)).with("Cache-Control", "max-age=36000")
    })
    .await
}

async fn room(disk: &Path, reserve: u64, change: impl FnOnce(&mut Config)) -> Room {
    let cache = disk.join("media");
    Room::with(|it| {
        it.cache_dir = cache;
        it.limits.reserve_bytes = reserve;
        change(it);
    })
    .await
}

fn free(disk: &Path) -> u64 {
    let found = nix::sys::statvfs::statvfs(disk).unwrap();
    found.blocks_available() as u64 * found.fragment_size() as u64
}

/// Others take all that is free; what grows beside may be before them with some of it.
fn taken(disk: &Path, name: &str) -> PathBuf {
    let path = disk.join(name);
    if let Err(error) = std::fs::write(&path, vec![1; free(disk) as usize]) {
        assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
    }
    path
}

fn below(dir: &Path) -> Vec<PathBuf> {
    let (mut open, mut found) = (vec![dir.to_owned()], Vec::new());
    while let Some(dir) = open.pop() {
        for it in std::fs::read_dir(dir).unwrap() {
            let path = it.unwrap().path();
            if path.is_dir() { open.push(path) } else { found.push(path) }
        }
    }
    found
}

#[tokio::test]
async fn a_full_disk_loses_its_least_entries_and_recordings_keep_their_room() {
    let Some(disk) = small_disk("a_full_disk_loses_its_least_entries_and_recordings_keep_their_room") else { return };
    let (origin, reserve) = (origin().await, 1 << 20);
    for key in [None, Some([9; 32])] {
        let room = room(&disk, reserve, |it| it.seal_key = key).await;
        for number in 0..40 {
            let path = format!("/200000/{number}");
            let heard = room.plays(&origin.url(&path)).await.unwrap();
            assert!(heard.octets == sound(&path, 200_000), "{path}");
            assert!(free(&disk) >= reserve, "{} octets are free", free(&disk));
        }
        let counters = room.handle.counters();
        assert!(counters.evictions >= 20 && counters.stored == 40 && counters.unkept == 0, "{counters:?}");
        // What is there is whole; the disk is used.
        let kept = room.handle.entries(None, "");
        assert!(kept.len() >= 12, "{}", kept.len());
        for entry in kept {
            let heard = room.plays(&entry.uri).await.unwrap();
            assert_eq!(heard.cache, Cached::Hit);
            assert!(heard.octets == sound(entry.uri.split_at(origin.url("").len()).1, 200_000));
        }
        // A recording as large as the reserve has its room.
        std::fs::write(disk.join("recording"), vec![1; reserve as usize - 65_536]).unwrap();
        std::fs::remove_file(disk.join("recording")).unwrap();
        drop(room);
        let _ = std::fs::remove_dir_all(disk.join("media"));
    }
}

#[tokio::test]
async fn without_any_room_a_medium_is_heard_all_the_same_and_not_kept() {
    let Some(disk) = small_disk("without_any_room_a_medium_is_heard_all_the_same_and_not_kept") else { return };
    let origin = origin().await;
    for reserve in [0, 256 * 1024] {
        let room = room(&disk, reserve, |_| {}).await;
        room.plays(&origin.url("/100000/first")).await.unwrap();
        let others = taken(&disk, "others");
        for (turn, path) in ["/100000/a", "/3000000/b", "/100000/a"].into_iter().enumerate() {
            let heard = room.plays(&origin.url(path)).await.unwrap();
            if reserve > 0 || turn == 1 {
                assert_eq!(heard.cache, Cached::Miss);
            }
            assert!(heard.octets == sound(path, path.split('/').nth(1).unwrap().parse().unwrap()), "{path}");
        }
        let (counters, status) = (room.handle.counters(), room.handle.status());
        // Without a reserve a short one may find the room of what went.
        let unkept = if reserve > 0 { 3..=3 } else { 1..=3 };
        assert!(unkept.contains(&counters.unkept) && counters.broken == 0, "{counters:?}");
        if reserve > 0 {
            assert!(status.room.short && status.room.free < reserve, "{:?}", status.room);
            assert!(room.handle.entries(None, "").is_empty());
            assert_eq!(below(&disk.join("media/entries")), Vec::<PathBuf>::new());
        }
        assert!(below(&disk.join("media/tmp")).is_empty());
        // With room it is kept again.
        std::fs::remove_file(others).unwrap();
        let at = room.handle.counters().stored;
        room.plays(&origin.url("/100000/new")).await.unwrap();
        assert_eq!(room.handle.counters().stored, at + 1);
        assert!(!room.handle.status().room.short);
        drop(room);
        let _ = std::fs::remove_dir_all(disk.join("media"));
    }
}

#[tokio::test]
async fn a_disk_that_fills_up_under_a_growing_medium_breaks_nobody_off() {
    let Some(disk) = small_disk("a_disk_that_fills_up_under_a_growing_medium_breaks_nobody_off") else { return };
    for (key, octets) in [(None, 600_000), (Some([9; 32]), 600_000), (None, 2_500_000)] {
        let body = sound("/x", octets);
        let (held, go) = Reply::ok("audio/x-alaw", body.clone()).held_after(100_000);
        let held = Mutex::new(Some(held));
        let origin = Origin::start(move |_| held.lock().unwrap().take().unwrap()).await;
        let room = room(&disk, 0, |it| it.seal_key = key).await;
        let request = || MediaRequest { account: "AC1".into(), source: Source::Url(origin.url("/x")), law: Law::A };
        let mut first = room.client.fetch(request()).await.unwrap();
        let mut heard = first.next().await.unwrap().unwrap().to_vec();
        let mut second = room.client.fetch(request()).await.unwrap();
        let others = taken(&disk, "others");
        go.send(()).unwrap();
        // Both at the same time: past the disk who is behind holds the other one up.
        let rest = async {
            while let Some(piece) = first.next().await {
                heard.extend_from_slice(&piece.unwrap());
            }
        };
        let beside = async {
            let mut again = Vec::new();
            while let Some(piece) = second.next().await {
                again.extend_from_slice(&piece.unwrap());
            }
            again
        };
        let ((), again) = tokio::join!(rest, beside);
        assert!(heard == body && again == body);
        // Whoever hears it is told at its end, for the call's timeline.
        for stream in [&mut first, &mut second] {
            assert_eq!(stream.take_note().as_deref(), Some("not kept: the cache's disk has no room"));
        }
        room.handle.idle().await;
        let counters = room.handle.counters();
        assert_eq!((counters.unkept, counters.stored, counters.broken), (1, 0, 0));
        assert!(below(&disk.join("media")).iter().all(|it| it.ends_with("worth")), "{:?}", below(&disk.join("media")));
        std::fs::remove_file(others).unwrap();
        drop(room);
        let _ = std::fs::remove_dir_all(disk.join("media"));
    }
}
