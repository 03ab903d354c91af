//! What is kept, how long, and for whom.

use std::sync::Arc;
use std::time::Duration;

use tipring_card::Law;
use tipring_media::{Cached, Source};

use crate::origin::{Origin, Reply};
use crate::room::{Room, fixture, wave};

fn tone(hz: f64) -> Vec<u8> {
    wave(8_000, 1, hz, 0.5)
}

#[tokio::test]
async fn d3_two_plays_are_one_fetch_one_conversion_and_one_hit() {
    let origin = Origin::always("audio/mpeg", fixture("tone.mp3")).await;
    let room = Room::open().await;
    let first = room.plays(&origin.url("/menu.mp3")).await.unwrap();
    let second = room.plays(&origin.url("/menu.mp3")).await.unwrap();
    assert_eq!((first.cache, second.cache), (Cached::Miss, Cached::Hit));
    assert_eq!(first.octets, second.octets);
    origin.was_asked(1);
    let counters = room.handle.counters();
    assert_eq!((counters.fetches, counters.conversions, counters.hits, counters.misses), (1, 1, 1, 1));
}

#[tokio::test]
async fn d3_ten_callers_at_once_are_one_fetch() {
    let origin = Origin::always("audio/mpeg", fixture("tone.mp3")).await;
    let room = Room::open().await;
    let url = origin.url("/menu.mp3");
    let plays = (0..10).map(|_| room.plays(&url));
    let heard = futures_util::future::join_all(plays).await;
    let first = heard[0].as_ref().unwrap();
    assert!(heard.iter().all(|it| it.as_ref().unwrap().octets == first.octets));
    origin.was_asked(1);
    let counters = room.handle.counters();
    assert_eq!((counters.conversions, counters.hits + counters.misses), (1, 10));
}

#[tokio::test]
async fn d3_the_cache_outlives_a_restart() {
    let origin = Origin::always("audio/wav", tone(500.0)).await;
    let mut room = Room::open().await;
    let first = room.plays(&origin.url("/a.wav")).await.unwrap();
    room.restart(|_| {}).await;
    let second = room.plays(&origin.url("/a.wav")).await.unwrap();
    assert_eq!((second.cache, second.octets), (Cached::Hit, first.octets));
    origin.was_asked(1);
}

#[tokio::test]
async fn d3_accounts_share_nothing() {
    let origin = Origin::always("audio/wav", tone(500.0)).await;
    let room = Room::open().await;
    for account in ["AC1", "AC2"] {
        let heard = room.hears(account, Source::Url(origin.url("/a.wav")), Law::A).await.unwrap();
        assert_eq!(heard.cache, Cached::Miss);
    }
    origin.was_asked(2);
    assert_eq!(room.handle.entries(Some("AC1"), "http://").len(), 1);
}

#[tokio::test]
async fn d3_torn_entries_are_thrown_away_at_start() {
    let origin = Origin::always("audio/wav", tone(500.0)).await;
    let mut room = Room::open().await;
    for path in ["/a.wav", "/b.wav", "/c.wav"] {
        room.plays(&origin.url(path)).await.unwrap();
    }
    let (bodies, entries) = (room.bodies(), room.heads());
    // Three kinds of harm: a body cut short, an entry that is no JSON, a body without an entry.
    std::fs::write(&bodies[0], b"short").unwrap();
    let second = bodies[1].file_name().unwrap().to_string_lossy()[..64].to_owned();
    let torn = entries.iter().find(|it| it.to_string_lossy().contains(&second)).unwrap();
    std::fs::write(torn, b"{\"account\":").unwrap();
    std::fs::write(bodies[2].with_file_name("stray.body"), b"x").unwrap();
    std::fs::write(room.dir.join("cache/tmp/half"), b"x").unwrap();
    room.restart(|_| {}).await;
    assert_eq!(room.handle.entries(None, "").len(), 1);
    assert_eq!(room.files().len(), 2, "{:?}", room.files());
}

#[tokio::test]
async fn d10_fresh_for_a_minute_then_asked_and_confirmed_without_conversion() {
    let origin = Origin::start(|asked| {
        let kept = Reply::ok("audio/wav", tone(500.0)).with("Cache-Control", "max-age=60").with("ETag", "\"one\"");
        match asked.headers.get("if-none-match").map(String::as_str) {
            Some("\"one\"") => Reply::status(304).with("Cache-Control", "max-age=60").with("ETag", "\"one\""),
            _ => kept,
        }
    })
    .await;
    let room = Room::open().await;
    let url = origin.url("/a.wav");
    let first = room.plays(&url).await.unwrap();
    room.later(59);
    assert_eq!(room.plays(&url).await.unwrap().cache, Cached::Hit);
    origin.was_asked(1);
    room.later(2);
    let third = room.plays(&url).await.unwrap();
    assert_eq!((third.cache, third.octets), (Cached::Revalidated, first.octets));
    origin.was_asked(2);
    room.later(59);
    assert_eq!(room.plays(&url).await.unwrap().cache, Cached::Hit);
    origin.was_asked(2);
    let counters = room.handle.counters();
    assert_eq!((counters.revalidations, counters.conversions + counters.passed), (1, 1));
}

#[tokio::test]
async fn d10_a_changed_file_is_heard_after_its_time() {
    let origin = Origin::start(|asked| match asked.headers.get("if-none-match") {
        None => Reply::ok("audio/wav", tone(500.0)).with("Cache-Control", "max-age=60").with("ETag", "\"one\""),
        Some(_) => Reply::ok("audio/wav", tone(900.0)).with("Cache-Control", "max-age=60").with("ETag", "\"two\""),
    })
    .await;
    let room = Room::open().await;
    let first = room.plays(&origin.url("/a.wav")).await.unwrap();
    room.later(61);
    let second = room.plays(&origin.url("/a.wav")).await.unwrap();
    assert_eq!(second.cache, Cached::Miss);
    assert_ne!(first.octets, second.octets);
    assert_eq!(room.plays(&origin.url("/a.wav")).await.unwrap().octets, second.octets);
    assert_eq!(room.files().len(), 2, "the old body stays: {:?}", room.files());
}

#[tokio::test]
async fn d10_a_stale_prompt_is_better_than_none_while_the_origin_fails() {
    for allowed in [true, false] {
        let rule = if allowed { "max-age=60" } else { "max-age=60, must-revalidate" };
        let origin = Origin::start(move |asked| match asked.headers.get("if-none-match") {
            None => Reply::ok("audio/wav", tone(500.0)).with("Cache-Control", rule).with("ETag", "\"one\""),
            Some(_) => Reply::status(503),
        })
        .await;
        let room = Room::open().await;
        let first = room.plays(&origin.url("/a.wav")).await.unwrap();
        room.later(3600);
        let second = room.plays(&origin.url("/a.wav")).await;
        if allowed {
            assert_eq!(second.unwrap().octets, first.octets);
            assert_eq!(room.handle.counters().stale_used, 1);
        } else {
            assert_eq!(second.unwrap_err().code, 11200);
        }
    }
}

/// An origin whose later answers come only once the test lets them: to a check that it is the same, or something new.
async fn hesitant(later: fn() -> Reply) -> (Origin, Arc<tokio::sync::Semaphore>) {
    let permits = Arc::new(tokio::sync::Semaphore::new(0));
    let wait = Arc::clone(&permits);
    let origin = Origin::waiting(move |asked| {
        let is_check = asked.headers.contains_key("if-none-match");
        let first = || Reply::ok("audio/wav", tone(500.0)).with("Cache-Control", "max-age=60").with("ETag", "\"one\"");
        (if is_check { later() } else { first() }, is_check.then(|| Arc::clone(&wait)))
    });
    (origin.await, permits)
}

fn impatient(config: &mut tipring_media::Config) {
    config.limits.patience = Duration::from_millis(20);
}

#[tokio::test]
async fn a26_d10_a_stale_prompt_waits_for_no_silent_origin_and_learns_what_it_says_at_last() {
    let same = || Reply::status(304).with("Cache-Control", "max-age=60").with("ETag", "\"one\"");
    let other = || Reply::ok("audio/wav", tone(900.0)).with("Cache-Control", "max-age=60").with("ETag", "\"two\"");
    for (later, changed) in [(same as fn() -> Reply, false), (other, true)] {
        let (origin, permits) = hesitant(later).await;
        let room = Room::with(impatient).await;
        let url = origin.url("/a.wav");
        let first = room.plays(&url).await.unwrap();
        room.later(3600);
        // It is asked once, in vain; then it is left alone for a while.
        for used in 1..=3 {
            assert_eq!(room.plays(&url).await.unwrap().octets, first.octets);
            assert_eq!(room.handle.counters().stale_used, used);
        }
        origin.was_asked(2);
        // Its late answer is learned beside that: what is the same is good again, what has changed is fetched.
        permits.add_permits(9);
        while room.handle.counters().revalidations == 0 && !room.handle.entries(None, "").is_empty() {
            tokio::task::yield_now().await;
        }
        let again = room.plays(&url).await.unwrap();
        assert_eq!((again.octets, again.cache), (first.octets, if changed { Cached::Miss } else { Cached::Hit }));
        assert_eq!(room.handle.counters().stale_used, 3);
    }
}

#[tokio::test]
async fn d11_what_must_not_be_stored_is_fetched_each_time_and_never_on_disk() {
    for rule in ["no-store", "private, max-age=600"] {
        let origin = Origin::start(move |_| Reply::ok("audio/wav", tone(500.0)).with("Cache-Control", rule)).await;
        let room = Room::open().await;
        for _ in 0..2 {
            assert_eq!(room.plays(&origin.url("/a.wav")).await.unwrap().cache, Cached::Miss);
        }
        origin.was_asked(2);
        assert!(room.files().is_empty(), "{:?}", room.files());
    }
}

#[tokio::test]
async fn d11_what_must_not_be_stored_is_not_shared_either() {
    let origin = Origin::start(|_| Reply::ok("audio/wav", tone(500.0)).with("Cache-Control", "no-store")).await;
    let room = Room::open().await;
    let url = origin.url("/balance.wav");
    let heard = futures_util::future::join_all((0..5).map(|_| room.plays(&url))).await;
    assert!(heard.iter().all(|it| it.as_ref().is_ok_and(|it| it.cache == Cached::Miss)));
    origin.was_asked(5);
}

#[tokio::test]
async fn d10_many_askers_are_one_conditional_request() {
    let origin = Origin::start(|asked| match asked.headers.get("if-none-match") {
        None => Reply::ok("audio/wav", tone(500.0)).with("Cache-Control", "max-age=60").with("ETag", "\"one\""),
        Some(_) => Reply::status(304).with("Cache-Control", "max-age=60").with("ETag", "\"one\""),
    })
    .await;
    let room = Room::open().await;
    let url = origin.url("/a.wav");
    let first = room.plays(&url).await.unwrap();
    room.later(61);
    let heard = futures_util::future::join_all((0..8).map(|_| room.plays(&url))).await;
    assert!(heard.iter().all(|it| it.as_ref().is_ok_and(|it| it.octets == first.octets)));
    origin.was_asked(2);
    assert_eq!(room.handle.counters().revalidations, 1);
}

#[tokio::test]
async fn d11_a_short_life_ends() {
    let origin = Origin::start(|_| Reply::ok("audio/wav", tone(500.0)).with("Cache-Control", "max-age=5")).await;
    let room = Room::open().await;
    room.plays(&origin.url("/a.wav")).await.unwrap();
    room.handle.sweep().await;
    assert_eq!(room.files().len(), 2);
    room.later(6);
    room.handle.sweep().await;
    assert!(room.files().is_empty(), "{:?}", room.files());
    assert_eq!(room.plays(&origin.url("/a.wav")).await.unwrap().cache, Cached::Miss);
}

#[tokio::test]
async fn d12_what_needs_a_password_is_not_kept() {
    let origin = Origin::start(|asked| match asked.headers.get("authorization") {
        Some(_) => Reply::ok("audio/wav", tone(500.0)),
        None => Reply::status(401).with("WWW-Authenticate", "Basic realm=\"mail\""),
    })
    .await;
    let room = Room::open().await;
    let url = origin.url("/voicemail.wav").replace("http://", "http://ann:secret@");
    for _ in 0..2 {
        assert_eq!(room.plays(&url).await.unwrap().cache, Cached::Miss);
    }
    assert!(room.files().is_empty(), "{:?}", room.files());
}

#[tokio::test]
async fn d12_the_asker_may_forbid_keeping() {
    let origin = Origin::always("audio/wav", tone(500.0)).await;
    let room = Room::open().await;
    let headers = [("Accept", "audio/x-alaw"), ("Cache-Control", "no-store")];
    let (head, _) = room.raw(&origin.url("/a.wav"), &headers).await;
    room.handle.idle().await;
    assert!(head.contains("x-cache: miss"), "{head}");
    assert!(room.files().is_empty());
}

#[tokio::test]
async fn d13_documents_pass_unchanged_and_are_kept_only_if_said() {
    let xml = "<?xml version=\"1.0\"?><Response><Say>Grüße</Say></Response>";
    let origin = Origin::start(move |asked| {
        let reply = Reply::ok("text/xml; charset=utf-8", xml).with("X-Own", "kept");
        if asked.path == "/kept" { reply.with("Cache-Control", "max-age=60") } else { reply }
    })
    .await;
    let room = Room::open().await;
    for (path, asked) in [("/plain", 2), ("/kept", 3)] {
        for _ in 0..2 {
            let (head, body) = room.raw(&origin.url(path), &[("X-Signature", "abc")]).await;
            room.handle.idle().await;
            assert!(head.contains("content-type: text/xml; charset=utf-8"), "{head}");
            assert_eq!(body, xml.as_bytes());
        }
        origin.was_asked(asked);
    }
    assert_eq!(origin.log()[0].headers.get("x-signature").map(String::as_str), Some("abc"));
    assert!(!origin.log()[0].headers.contains_key("x-tipring-account"));
}

#[tokio::test]
async fn the_cache_has_a_size_and_the_least_used_goes() {
    let origin = Origin::always("audio/x-alaw", vec![0x55; 8_000]).await;
    let room = Room::with(|it| it.limits.cache_bytes = 20_000).await;
    for path in ["/a", "/b", "/a", "/c"] {
        room.plays(&origin.url(path)).await.unwrap();
    }
    let kept: Vec<_> = room.handle.entries(None, "").into_iter().map(|it| it.uri).collect();
    assert_eq!(kept, [origin.url("/a"), origin.url("/c")]);
    assert_eq!(room.handle.counters().evictions, 1);
    assert_eq!(room.files().len(), 4);
}

#[tokio::test]
async fn d23_d24_entries_are_listed_and_removed_by_prefix() {
    let origin = Origin::always("audio/wav", tone(500.0)).await;
    let room = Room::open().await;
    for path in ["/app/a.wav", "/app/b.wav", "/other.wav"] {
        room.plays(&origin.url(path)).await.unwrap();
    }
    let prefix: String = url::form_urlencoded::byte_serialize(origin.url("/app/").as_bytes()).collect();
    let target = format!("http://media.tipring/entries?prefix={prefix}");
    let (_, body) = room.raw(&target, &[]).await;
    let listed: Vec<tipring_media::EntryInfo> = serde_json::from_slice(&body).unwrap();
    assert_eq!(listed.len(), 2);
    assert!(listed.iter().all(|it| it.size == 4_000 && it.date_ms == 1_700_000_000_000), "{listed:?}");
    room.raw_method("DELETE", &target, &[]).await;
    assert_eq!(room.files().len(), 2);
    room.plays(&origin.url("/app/a.wav")).await.unwrap();
    origin.was_asked(4);
}
