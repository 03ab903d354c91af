//! Media layers that ask other ones first.

use std::net::TcpListener;

use tipring_card::Law;
use tipring_media::{Cached, Config, Entry, Remote, Source};

use crate::origin::{Origin, Reply};
use crate::room::{Room, fixture, wave};

const WORD: &str = "a word that both layers know";

/// A layer that is asked over loopback, and how.
async fn asked() -> (Room, Remote) {
    let mut room = Room::with(alone).await;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    room.handle.open_to_network(listener, Entry { token: WORD.into(), tls: None }).unwrap();
    let port = room.handle.network().unwrap().port();
    (room, Remote { host: "127.0.0.1".into(), port, token: WORD.into(), tls: None })
}

fn alone(config: &mut Config) {
    config.store = None;
}

async fn asking(first: Vec<Remote>) -> Room {
    Room::with(|it| {
        alone(it);
        it.ask_first = first;
    })
    .await
}

#[tokio::test]
async fn d35_a_layer_that_asks_another_one_first_spares_the_origin_a_fetch() {
    let origin = Origin::always("audio/mpeg", fixture("tone.mp3")).await;
    let (first, remote) = asked().await;
    let second = asking(vec![remote]).await;
    let url = origin.url("/menu.mp3");
    // It has nothing yet, and fetches nothing for another layer.
    let missed = second.plays(&origin.url("/other.mp3")).await.unwrap();
    assert_eq!((missed.cache, first.handle.counters().fetches), (Cached::Miss, 0));
    let heard = first.plays(&url).await.unwrap();
    let copy = second.plays(&url).await.unwrap();
    assert_eq!((copy.cache, &copy.octets), (Cached::Hit, &heard.octets));
    assert_eq!(second.plays(&url).await.unwrap().octets, heard.octets);
    origin.was_asked(2);
    let spoken = first.says("You are welcome", "man", "en-US").await.unwrap();
    assert_eq!(second.says("You are welcome", "man", "en-US").await.unwrap().octets, spoken.octets);
    let counters = second.handle.counters();
    assert_eq!((counters.asked_hits, counters.asked_misses, counters.synthesized), (2, 1, 0));
    assert_eq!(first.handle.counters().told, 2);
    // Another account has nothing of it.
    second.hears("AC2", Source::Url(url), Law::A).await.unwrap();
    origin.was_asked(3);
}

#[tokio::test]
async fn d35_validators_travel_along_and_the_copy_is_judged_by_the_same_rules() {
    let origin = Origin::start(|asked| {
        let reply = match asked.headers.get("if-none-match").map(String::as_str) {
            Some("\"one\"") => Reply::status(304),
            _ => Reply::ok("audio/wav", wave(8_000, 1, 500.0, 0.5)),
        };
        reply.with("Cache-Control", "max-age=60").with("ETag", "\"one\"")
    })
    .await;
    let (first, remote) = asked().await;
    let second = asking(vec![remote]).await;
    let heard = first.plays(&origin.url("/a.wav")).await.unwrap();
    [&first, &second].into_iter().for_each(|it| it.later(40));
    assert_eq!(second.plays(&origin.url("/a.wav")).await.unwrap().cache, Cached::Hit);
    origin.was_asked(1);
    // Its minute began when it was fetched, wherever that was.
    second.later(30);
    assert_eq!(second.plays(&origin.url("/a.wav")).await.unwrap().cache, Cached::Revalidated);
    origin.was_asked(2);
    // What is stale over there is checked, not fetched.
    first.later(600);
    let third = asking(vec![Remote { port: first.handle.network().unwrap().port(), ..word() }]).await;
    third.later(640);
    let checked = third.plays(&origin.url("/a.wav")).await.unwrap();
    assert_eq!((checked.cache, checked.octets), (Cached::Revalidated, heard.octets));
    assert_eq!(third.handle.counters().conversions, 0);
}

fn word() -> Remote {
    Remote { host: "127.0.0.1".into(), port: 0, token: WORD.into(), tls: None }
}

#[tokio::test]
async fn d35_two_layers_that_ask_each_other_first_ask_nobody_on() {
    let origin = Origin::always("audio/wav", wave(8_000, 1, 500.0, 0.5)).await;
    let ports: Vec<_> = (0..2).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    let remote = |at: usize| Remote { port: ports[at].local_addr().unwrap().port(), ..word() };
    let (mut one, mut two) = (asking(vec![remote(1)]).await, asking(vec![remote(0)]).await);
    for (room, listener) in [&mut one, &mut two].into_iter().zip(&ports) {
        let entry = Entry { token: WORD.into(), tls: None };
        room.handle.open_to_network(listener.try_clone().unwrap(), entry).unwrap();
    }
    assert_eq!(one.plays(&origin.url("/a")).await.unwrap().cache, Cached::Miss);
    assert_eq!(two.plays(&origin.url("/a")).await.unwrap().cache, Cached::Hit);
    origin.was_asked(1);
    let (head, _) = one.raw(&origin.url("/none"), &[("Cache-Control", "only-if-cached"), ("Accept", "audio/*")]).await;
    assert!(head.starts_with("http/1.1 504"), "{head}");
    origin.was_asked(1);
}

#[tokio::test]
async fn d35_a_layer_that_is_away_or_does_not_know_the_word_costs_one_patience() {
    let origin = Origin::always("audio/wav", wave(8_000, 1, 500.0, 0.5)).await;
    let (_first, good) = asked().await;
    for remote in [Remote { port: 1, ..word() }, Remote { token: "another".into(), ..good }] {
        let before = origin.log().len();
        let room = asking(vec![remote]).await;
        for path in ["/a", "/b"] {
            room.plays(&origin.url(path)).await.unwrap();
        }
        assert_eq!((origin.log().len() - before, room.handle.counters().asked_faults), (2, 1));
    }
}
