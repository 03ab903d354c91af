//! Several boxes and one store behind their disks: a folder, and an S3 server where there is one (`scripts/with-s3`).

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::TryStreamExt;
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt, PutMode, UpdateVersion};
use tipring_card::Law;
use tipring_media::{Cached, Config, Source};

use crate::origin::{Origin, Reply};
use crate::room::{Room, Shared, fixture, wave};

static SERIAL: AtomicU64 = AtomicU64::new(0);

/// Every kind of store that can be had here.
#[track_caller]
pub fn stores() -> Vec<Shared> {
    let name = || {
        let started = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_nanos();
        format!("shared-{}-{started:x}-{}", std::process::id(), SERIAL.fetch_add(1, Ordering::Relaxed))
    };
    let folder = std::env::temp_dir().join(format!("tipring-media-{}", name()));
    let in_a_folder = Shared { url: format!("file://{}", folder.display()), endpoint: String::new() };
    let on_s3 = Shared::on_s3(&name());
    if on_s3.is_none() {
        let required = std::env::var("TIPRING_REQUIRE").is_ok_and(|it| it.split(',').any(|part| part == "s3"));
        assert!(!required, "there is no S3 server (scripts/with-s3), and TIPRING_REQUIRE names it");
        let skipped = "SKIPPED: there is no S3 server for this test (scripts/with-s3): a folder only";
        drop(std::io::Write::write_all(&mut std::io::stderr(), format!("{skipped}\n").as_bytes()));
    }
    std::iter::once(in_a_folder).chain(on_s3).collect()
}

/// The store, as a stranger sees it.
pub fn opened(shared: &Shared) -> (Box<dyn ObjectStore>, Path) {
    if let Some(folder) = shared.url.strip_prefix("file://") {
        std::fs::create_dir_all(folder).unwrap();
        return (Box::new(LocalFileSystem::new_with_prefix(folder).unwrap()), Path::default());
    }
    let url = url::Url::parse(&shared.url).unwrap();
    let builder = AmazonS3Builder::new()
        .with_bucket_name(url.host_str().unwrap())
        .with_endpoint(&shared.endpoint)
        .with_region("us-east-1")
        .with_access_key_id("tipring")
        .with_secret_access_key("secret")
        .with_allow_http(true);
    (Box::new(builder.build().unwrap()), Path::from(url.path()))
}

/// All objects: names and contents.
pub async fn objects(shared: &Shared) -> Vec<(String, Vec<u8>)> {
    let (store, base) = opened(shared);
    let listed: Vec<_> = store.list(Some(&base)).try_collect().await.unwrap();
    let mut found = Vec::new();
    for meta in listed {
        let text = store.get(&meta.location).await.unwrap().bytes().await.unwrap();
        found.push((meta.location.to_string(), text.to_vec()));
    }
    found.sort();
    found
}

pub fn count(objects: &[(String, Vec<u8>)], folder: &str) -> usize {
    objects.iter().filter(|it| it.0.contains(&format!("{folder}/"))).count()
}

async fn share(shared: &Shared, change: impl FnOnce(&mut Config)) -> Room {
    let config = shared.config();
    Room::with(|it| {
        it.seal_key = None;
        it.store = Some(config);
        change(it);
    })
    .await
}

/// Plays, and waits until the store has it.
async fn plays(room: &Room, url: &str) -> (Cached, Vec<u8>) {
    let heard = room.plays(url).await.unwrap();
    room.handle.stored().await;
    (heard.cache, heard.octets)
}

/// The folder of a store goes when its test is over.
pub struct Folder(pub String);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn tone() -> Vec<u8> {
    wave(8_000, 1, 500.0, 0.5)
}

/// An origin whose sound is fresh for a minute, and then the same.
async fn confirming() -> Origin {
    Origin::start(|asked| {
        let reply = match asked.headers.get("if-none-match").map(String::as_str) {
            Some("\"one\"") => Reply::status(304),
            _ => Reply::ok("audio/wav", tone()),
        };
        reply.with("Cache-Control", "max-age=60").with("ETag", "\"one\"")
    })
    .await
}

#[tokio::test]
async fn the_s3_server_of_these_tests_refuses_what_a_condition_forbids() {
    for shared in stores().iter().filter(|it| !it.endpoint.is_empty()) {
        let (store, base) = opened(shared);
        let at = base.join("condition");
        let first = store.put_opts(&at, "one".into(), PutMode::Create.into()).await.unwrap();
        let again = store.put_opts(&at, "two".into(), PutMode::Create.into()).await;
        assert!(matches!(again, Err(Error::AlreadyExists { .. })), "{again:?}");
        let seen = |it: object_store::PutResult| UpdateVersion { e_tag: it.e_tag, version: it.version };
        let first = seen(first);
        store.put_opts(&at, "three".into(), PutMode::Update(first.clone()).into()).await.unwrap();
        let late = store.put_opts(&at, "four".into(), PutMode::Update(first).into()).await;
        assert!(matches!(late, Err(Error::Precondition { .. })), "{late:?}");
        assert_eq!(store.get(&at).await.unwrap().bytes().await.unwrap(), "three");
    }
}

#[tokio::test]
async fn d35_what_one_box_has_fetched_or_spoken_is_a_hit_on_the_other() {
    for shared in stores() {
        let _folder = Folder(shared.url.replace("file://", ""));
        let origin = Origin::always("audio/mpeg", fixture("tone.mp3")).await;
        let (one, two) = (share(&shared, |_| {}).await, share(&shared, |_| {}).await);
        let url = origin.url("/menu.mp3");
        let (first, heard) = plays(&one, &url).await;
        let (second, again) = plays(&two, &url).await;
        assert_eq!((first, second), (Cached::Miss, Cached::Hit));
        assert_eq!(heard, again);
        assert_eq!(plays(&two, &url).await.0, Cached::Hit);
        origin.was_asked(1);
        let spoken = one.says("You are welcome", "man", "en-US").await.unwrap();
        one.handle.stored().await;
        let said = two.says("You are welcome", "man", "en-US").await.unwrap();
        assert_eq!((said.cache, said.octets), (Cached::Hit, spoken.octets));
        let counters = two.handle.counters();
        assert_eq!((counters.conversions, counters.synthesized, counters.store_hits), (0, 0, 2));
        // It is on the disk now: without the store too.
        let config = shared.config();
        let mut two = two;
        two.restart(|it| {
            it.seal_key = None;
            it.store = None;
        })
        .await;
        assert_eq!(two.plays(&url).await.unwrap().cache, Cached::Hit);
        drop(config);
        origin.was_asked(1);
        // Another account has nothing of it.
        let other = one.hears("AC2", Source::Url(url), Law::A).await.unwrap();
        assert_eq!(other.cache, Cached::Miss);
    }
}

#[tokio::test]
async fn d35_a_long_sound_is_heard_while_it_comes_from_the_store() {
    let body: Vec<u8> = (0..1_200_000u32).map(|it| (it.wrapping_mul(2_654_435_761) >> 9) as u8).collect();
    for (shared, key) in stores().into_iter().flat_map(|it| [(it.clone(), None), (it, Some([3; 32]))]) {
        let origin = Origin::always("audio/x-alaw", body.clone()).await;
        let url = origin.url(if key.is_some() { "/sealed" } else { "/long" });
        let (one, two) = (share(&shared, |it| it.seal_key = key).await, share(&shared, |it| it.seal_key = key).await);
        plays(&one, &url).await;
        let heard = futures_util::future::join_all((0..6).map(|_| two.plays(&url))).await;
        assert!(heard.iter().all(|it| it.as_ref().is_ok_and(|it| it.octets == body && it.cache == Cached::Hit)));
        assert_eq!(two.handle.counters().store_hits, 1);
        origin.was_asked(1);
    }
}

#[tokio::test]
async fn d35_two_boxes_that_ask_at_the_same_moment_are_one_fetch() {
    for shared in stores() {
        let _folder = Folder(shared.url.replace("file://", ""));
        let origin = Origin::always("audio/mpeg", fixture("tone.mp3")).await;
        let mut config = shared.config();
        config.other_box = Duration::from_secs(60);
        let patient = |it: &mut Config| it.store = Some(config.clone());
        let (one, two) = (share(&shared, patient).await, share(&shared, patient).await);
        let url = origin.url("/menu.mp3");
        let (a, b) = tokio::join!(one.plays(&url), two.plays(&url));
        assert_eq!(a.unwrap().octets, b.unwrap().octets);
        origin.was_asked(1);
        one.handle.stored().await;
        two.handle.stored().await;
        assert_eq!(count(&objects(&shared).await, "leases"), 0);
    }
}

#[tokio::test]
async fn d35_two_boxes_that_fill_the_same_key_at_once_leave_one_whole_entry() {
    for shared in stores() {
        let _folder = Folder(shared.url.replace("file://", ""));
        let origin = Origin::always("audio/wav", tone()).await;
        let mut config = shared.config();
        config.other_box = Duration::ZERO;
        let hasty = |it: &mut Config| it.store = Some(config.clone());
        let boxes = [share(&shared, hasty).await, share(&shared, hasty).await, share(&shared, hasty).await];
        for path in ["/a", "/b", "/c"] {
            let url = origin.url(path);
            let heard = futures_util::future::join_all(boxes.iter().map(|it| plays(it, &url))).await;
            assert!(heard.iter().all(|it| it.1 == heard[0].1));
            let last = share(&shared, |_| {}).await;
            assert_eq!(plays(&last, &url).await, (Cached::Hit, heard[0].1.clone()));
        }
        let there = objects(&shared).await;
        assert_eq!((count(&there, "heads"), count(&there, "bodies")), (3, 3), "{:?}", there.iter().map(|it| &it.0));
    }
}

#[tokio::test]
async fn d22_the_store_has_ciphertext_only_and_without_the_key_nobody_reads_it() {
    for shared in stores() {
        let _folder = Folder(shared.url.replace("file://", ""));
        let body: Vec<u8> = (0..20_000u32).map(|it| (it.wrapping_mul(2_654_435_761) >> 9) as u8).collect();
        let origin = Origin::always("audio/x-alaw", body.clone()).await;
        let url = origin.url("/secret-menu.wav");
        let one = share(&shared, |it| it.seal_key = Some([1; 32])).await;
        plays(&one, &url).await;
        one.handle.remove(Some("AC-other"), "http://secret-prefix/");
        one.handle.stored().await;
        let there = objects(&shared).await;
        assert_eq!((count(&there, "heads"), count(&there, "bodies"), count(&there, "gone")), (1, 1, 1));
        let secrets: [&[u8]; 6] =
            [&body[..24], &body[8_192..8_216], &body[19_970..], b"secret", b"127.0.0.1", b"account"];
        for (name, text) in there.iter().filter(|it| !it.0.contains("leases")) {
            for secret in secrets {
                let tells = |it: &[u8]| it.windows(secret.len()).any(|it| it == secret);
                assert!(!tells(text) && !tells(name.as_bytes()), "{name} tells {secret:?}");
            }
        }
        // Who has another key or none has nothing of it, and spoils nothing.
        for key in [Some([2; 32]), None] {
            let stranger = share(&shared, |it| it.seal_key = key).await;
            assert_eq!(plays(&stranger, &url).await, (Cached::Miss, body.clone()));
        }
        let friend = share(&shared, |it| it.seal_key = Some([1; 32])).await;
        assert_eq!(plays(&friend, &url).await, (Cached::Hit, body.clone()));
        origin.was_asked(3);
    }
}

#[tokio::test]
async fn d35_what_was_changed_in_the_store_is_thrown_away_and_fetched_anew() {
    for (shared, octets) in stores().into_iter().flat_map(|it| [(it.clone(), 20_000), (it, 400_000)]) {
        let body: Vec<u8> = (0..octets).map(|it: u32| (it.wrapping_mul(2_654_435_761) >> 9) as u8).collect();
        let origin = Origin::always("audio/x-alaw", body.clone()).await;
        for (turn, harm) in ["flipped", "cut", "gone", "flipped late", "head"].into_iter().enumerate() {
            let url = origin.url(&format!("/{turn}"));
            let sealed = |it: &mut Config| it.seal_key = Some([1; 32]);
            let one = share(&shared, sealed).await;
            let before = objects(&shared).await;
            plays(&one, &url).await;
            let (store, _) = opened(&shared);
            let new = objects(&shared).await.into_iter().filter(|it| !before.contains(it));
            let folder = if harm == "head" { "heads/" } else { "bodies/" };
            let (at, mut text) = new.into_iter().find(|it| it.0.contains(folder)).unwrap();
            let at = Path::from(at);
            let last = text.len() - 1;
            match harm {
                "flipped" | "head" => text[9] ^= 1,
                "flipped late" => text[last - 20] ^= 1,
                _ => drop(text.pop()),
            }
            if harm == "gone" {
                store.delete(&at).await.unwrap();
            } else {
                store.put(&at, text.into()).await.unwrap();
            }
            let two = share(&shared, sealed).await;
            match two.plays(&url).await {
                Ok(heard) => assert!(heard.octets == body, "{harm}"),
                Err(_) => assert!(harm == "flipped late" && octets > 128 * 1024, "{harm}"),
            }
            two.handle.stored().await;
            assert!(plays(&two, &url).await.1 == body, "{harm}");
            // And the store has a good one again.
            let three = share(&shared, sealed).await;
            assert_eq!(plays(&three, &url).await, (Cached::Hit, body.clone()), "{harm}");
        }
    }
}

#[tokio::test]
async fn d35_confirmations_reach_the_store_and_validators_travel_along() {
    for shared in stores() {
        let _folder = Folder(shared.url.replace("file://", ""));
        let origin = confirming().await;
        let (one, two, three) =
            (share(&shared, |_| {}).await, share(&shared, |_| {}).await, share(&shared, |_| {}).await);
        let url = origin.url("/a.wav");
        let (_, heard) = plays(&one, &url).await;
        [&one, &two].into_iter().for_each(|it| it.later(61));
        assert_eq!(plays(&one, &url).await.0, Cached::Revalidated);
        origin.was_asked(2);
        // It is fresh for the other one too, who was not there before.
        assert_eq!(plays(&two, &url).await, (Cached::Hit, heard.clone()));
        origin.was_asked(2);
        // Where it is stale the origin is asked whether it is still so, and nothing is converted.
        three.later(200);
        assert_eq!(plays(&three, &url).await, (Cached::Revalidated, heard));
        origin.was_asked(3);
        assert_eq!(three.handle.counters().conversions, 0);
    }
}

#[tokio::test]
async fn d35_what_is_removed_on_one_box_is_gone_on_all() {
    for shared in stores() {
        let _folder = Folder(shared.url.replace("file://", ""));
        let origin = Origin::always("audio/wav", tone()).await;
        let mut boxes = [share(&shared, |_| {}).await, share(&shared, |_| {}).await, share(&shared, |_| {}).await];
        for it in &boxes {
            for path in ["/app/a.wav", "/other.wav"] {
                plays(it, &origin.url(path)).await;
            }
        }
        origin.was_asked(2);
        // Of these the third one is off when it happens.
        let config = shared.config();
        let off = |it: &mut Config| (it.store, it.seal_key) = (None, None);
        boxes[2].restart(off).await;
        assert_eq!(boxes[0].handle.remove(None, &origin.url("/app/")), 1);
        boxes[0].handle.stored().await;
        assert_eq!(count(&objects(&shared).await, "bodies"), 1);
        boxes[1].handle.look_at_store().await;
        assert_eq!(boxes[1].handle.entries(None, "").len(), 1);
        boxes[2]
            .restart(|it| {
                it.seal_key = None;
                it.store = Some(config);
            })
            .await;
        while boxes[2].handle.entries(None, "").len() != 1 {
            boxes[2].handle.look_at_store().await;
        }
        for (it, cached) in boxes.iter().zip([Cached::Miss, Cached::Hit, Cached::Hit]) {
            assert_eq!(plays(it, &origin.url("/app/a.wav")).await.0, cached);
            assert_eq!(plays(it, &origin.url("/other.wav")).await.0, Cached::Hit);
        }
        origin.was_asked(3);
    }
}

#[tokio::test]
async fn d35_a_store_that_is_away_costs_one_patience_and_no_call() {
    let gone = Shared { url: "s3://bucket/prefix".into(), endpoint: "http://127.0.0.1:1".into() };
    let origin = Origin::always("audio/wav", tone()).await;
    let room = share(&gone, |_| {}).await;
    room.plays(&origin.url("/a")).await.unwrap();
    room.handle.stored().await;
    let faults = room.handle.counters().store_faults;
    for path in ["/b", "/a"] {
        room.plays(&origin.url(path)).await.unwrap();
    }
    origin.was_asked(2);
    room.handle.stored().await;
    let (counters, state) = (room.handle.counters(), room.handle.status().store);
    assert!((1..=3).contains(&faults) && counters.store_faults == faults, "{counters:?}");
    assert!(state.used && state.away, "{state:?}");
    assert_eq!((counters.hits, counters.misses, counters.stored), (1, 2, 2));
}

#[tokio::test]
async fn d35_a_store_has_a_size_and_an_age() {
    for shared in stores() {
        let _folder = Folder(shared.url.replace("file://", ""));
        let origin = Origin::always("audio/x-alaw", vec![0x55; 50_000]).await;
        let small = |octets, age_s| {
            let mut config = shared.config();
            (config.octets, config.age) = (octets, Duration::from_secs(age_s));
            move |it: &mut Config| it.store = Some(config)
        };
        let room = share(&shared, small(170_000, 3_600)).await;
        for number in 0..5 {
            plays(&room, &origin.url(&format!("/{number}"))).await;
        }
        room.handle.tidy_store().await;
        let there = objects(&shared).await;
        assert_eq!((count(&there, "heads"), count(&there, "bodies")), (3, 3));
        assert_eq!(room.handle.counters().store_evictions, 4);
        // What is left is whole.
        let other = share(&shared, |_| {}).await;
        let mut hits = 0;
        for number in 0..5 {
            hits += usize::from(plays(&other, &origin.url(&format!("/{number}"))).await.0 == Cached::Hit);
        }
        assert_eq!(hits, 3);
        let old = share(&shared, small(1 << 30, 0)).await;
        old.handle.tidy_store().await;
        let there = objects(&shared).await;
        assert_eq!((count(&there, "heads"), count(&there, "bodies")), (0, 0));
    }
}

#[tokio::test]
async fn d35_what_one_box_was_told_to_bring_in_is_there_for_every_account_of_the_others() {
    for shared in stores() {
        let _folder = Folder(shared.url.replace("file://", ""));
        let origin = confirming().await;
        let (one, two) = (share(&shared, |_| {}).await, share(&shared, |_| {}).await);
        let url = origin.url("/a.wav");
        let brought = one.hears("-", Source::Url(url.clone()), Law::A).await.unwrap();
        one.handle.stored().await;
        for account in ["AC1", "AC2"] {
            let heard = two.hears(account, Source::Url(url.clone()), Law::A).await.unwrap();
            assert_eq!((heard.cache, &heard.octets), (Cached::Hit, &brought.octets), "{account}");
        }
        origin.was_asked(1);
        assert!(two.handle.entries(Some("AC1"), "").is_empty(), "it is the box's there too");
        assert_eq!(two.handle.entries(Some("-"), "").len(), 1);
        // Stale, it is checked as the box's; a third box that was not there takes it so from the store.
        let three = share(&shared, |_| {}).await;
        three.later(100);
        assert_eq!(plays(&three, &url).await, (Cached::Revalidated, brought.octets.clone()));
        origin.was_asked(2);
        assert!(three.handle.entries(Some("AC1"), "").is_empty() && three.handle.entries(Some("-"), "").len() == 1);
        // What an account has fetched stays its own, and its own goes before the box's.
        let own = origin.url("/b.wav");
        plays(&one, &own).await;
        assert_eq!(two.hears("AC2", Source::Url(own.clone()), Law::A).await.unwrap().cache, Cached::Miss);
        assert_eq!(two.hears("-", Source::Url(own), Law::A).await.unwrap().cache, Cached::Miss);
    }
}

#[tokio::test]
async fn d35_an_entry_of_the_boxs_that_is_damaged_in_the_store_makes_nobodys_fetch_the_boxs() {
    for shared in stores() {
        let _folder = Folder(shared.url.replace("file://", ""));
        let origin = Origin::always("audio/x-alaw", vec![0x55; 20_000]).await;
        let (one, two) = (share(&shared, |_| {}).await, share(&shared, |_| {}).await);
        let url = origin.url("/a");
        one.hears("-", Source::Url(url.clone()), Law::A).await.unwrap();
        one.handle.stored().await;
        let (store, _) = opened(&shared);
        let body = objects(&shared).await.into_iter().find(|it| it.0.contains("bodies/")).unwrap();
        store.put(&Path::from(body.0), vec![0x55; 19_999].into()).await.unwrap();
        assert_eq!(plays(&two, &url).await.0, Cached::Miss);
        origin.was_asked(2);
        assert!(two.handle.entries(Some("-"), "").is_empty());
        assert_eq!(two.handle.entries(Some("AC1"), "").len(), 1);
    }
}
