//! Who converts and who speaks: how many, since when, how low, and for whom nobody waits. Works stand still at an origin
//! that holds the rest of its answer back, so nothing here depends on how fast a machine is.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use futures_util::future::join_all;
use tipring_card::Law;
use tipring_media::{Cached, Crew, MediaRequest, Source};
use tokio::sync::oneshot;

use crate::origin::{Origin, Reply};
use crate::room::{Room, wave};

/// An origin that sends the beginning of every `/held…` and then waits; everything else comes at once.
struct Holding {
    origin: Origin,
    held: Arc<Mutex<VecDeque<oneshot::Sender<()>>>>,
}

impl Holding {
    async fn start() -> Self {
        let held = Arc::new(Mutex::new(VecDeque::new()));
        let kept = Arc::clone(&held);
        let origin = Origin::start(move |asked| {
            let sound = Reply::ok("audio/wav", wave(8_000, 1, 500.0, 0.5));
            if !asked.path.starts_with("/held") {
                return sound;
            }
            let (reply, go) = sound.held_after(200);
            kept.lock().unwrap().push_back(go);
            reply
        })
        .await;
        Self { origin, held }
    }

    /// Lets go of all that is held.
    fn let_go(&self) {
        for go in self.held.lock().unwrap().drain(..) {
            go.send(()).unwrap();
        }
    }

    /// Urls that are held.
    fn urls(&self, count: usize) -> Vec<String> {
        (0..count).map(|at| self.origin.url(&format!("/held-{at}.wav"))).collect()
    }
}

fn room(sound_workers: usize, waiting: usize) -> impl Future<Output = Room> {
    Room::with(move |config| {
        config.limits.sound_workers = sound_workers;
        config.limits.waiting = waiting;
    })
}

/// Waits until the workers for sounds are so; they get there by themselves.
async fn until(room: &Room, holds: impl Fn(&Crew) -> bool) -> Crew {
    for _ in 0..100_000 {
        let crew = room.handle.status().sounds;
        if holds(&crew) {
            return crew;
        }
        tokio::task::yield_now().await;
    }
    panic!("they stay so: {:?}", room.handle.status().sounds)
}

/// Hears all of these to their ends, and meanwhile does this.
async fn while_playing<T>(room: &Room, urls: &[String], meanwhile: impl Future<Output = T>) -> T {
    let (heard, done) = tokio::join!(join_all(urls.iter().map(|url| room.plays(url))), meanwhile);
    for heard in heard {
        assert_eq!(heard.unwrap().octets.len(), 4_000, "whole");
    }
    done
}

#[tokio::test]
async fn e12_more_workers_on_a_living_layer_do_more_at_once() {
    let holding = Holding::start().await;
    let room = room(1, 256).await;
    while_playing(&room, &holding.urls(4), async {
        let crew = until(&room, |crew| crew.queued == 3).await;
        assert_eq!((crew.limit, crew.workers, crew.busy), (1, 1, 1));
        room.handle.set_workers(4, 8);
        let crew = until(&room, |crew| crew.busy == 4).await;
        assert_eq!((crew.limit, crew.workers, crew.queued), (4, 4, 0));
        holding.let_go();
    })
    .await;
    let crew = until(&room, |crew| crew.busy == 0).await;
    assert_eq!((crew.workers, crew.begun, room.handle.counters().broken), (4, 4, 0));
}

#[tokio::test]
async fn e12_who_is_too_many_ends_what_he_does() {
    let holding = Holding::start().await;
    let room = room(3, 256).await;
    while_playing(&room, &holding.urls(5), async {
        until(&room, |crew| crew.busy == 3 && crew.queued == 2).await;
        room.handle.set_workers(1, 8);
        let crew = room.handle.status().sounds;
        assert_eq!((crew.limit, crew.busy, crew.queued), (1, 3, 2), "nothing is cut");
        holding.let_go();
        until(&room, |crew| crew.workers == 1 && crew.queued < 2).await;
        loop {
            // The two that waited are held when they are begun.
            holding.let_go();
            if room.handle.status().sounds.begun == 5 && room.handle.status().sounds.busy == 0 {
                break;
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!((room.handle.status().sounds.workers, room.handle.counters().broken), (1, 0));
}

#[tokio::test]
async fn e13_workers_come_with_the_queue_to_the_limit_and_go_after_a_rest() {
    let holding = Holding::start().await;
    let room = room(4, 256).await;
    assert_eq!(room.handle.status().sounds, Crew { limit: 4, ..Crew::default() });
    while_playing(&room, &holding.urls(1), async {
        until(&room, |crew| crew.busy == 1).await;
        assert_eq!(room.handle.status().sounds.workers, 1, "one is enough for one");
        while_playing(&room, &holding.urls(7)[1..], async {
            let crew = until(&room, |crew| crew.queued == 3).await;
            assert_eq!((crew.workers, crew.busy, crew.waited_ms), (4, 4, 0));
            room.later(3);
            loop {
                holding.let_go();
                if room.handle.status().sounds.begun == 7 && room.handle.status().sounds.busy == 0 {
                    break;
                }
                tokio::task::yield_now().await;
            }
        })
        .await;
    })
    .await;
    let crew = room.handle.status().sounds;
    assert_eq!((crew.workers, crew.queued, crew.waited_ms), (4, 0, 9_000), "three waited three seconds each");
    room.later(29);
    room.handle.relieve();
    assert_eq!(room.handle.status().sounds.workers, 4, "half a minute is not over");
    room.later(1);
    room.handle.relieve();
    assert_eq!(room.handle.status().sounds.workers, 1, "one stays");
    // And again.
    room.plays(&holding.origin.url("/plain.wav")).await.unwrap();
    assert_eq!(room.handle.status().sounds.workers, 1);
}

/// The nice values of the threads of this process that are called so.
fn niceness_of(name: &str) -> Vec<i32> {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    let stats = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("stat")).ok());
    let of_name = stats.filter(|stat| stat.contains(&format!("({name})")));
    // proc(5): the 19th field; the name ends with the second.
    of_name.map(|stat| stat.rsplit_once(')').unwrap().1.split_whitespace().nth(16).unwrap().parse().unwrap()).collect()
}

#[tokio::test]
async fn e14_sounds_are_made_by_threads_of_their_own_that_yield_to_calls() {
    let holding = Holding::start().await;
    let room = room(8, 256).await;
    while_playing(&room, &holding.urls(8), async {
        // A thread lowers itself before anything else; other tests' threads may just be doing so.
        let lowered = |workers: Vec<i32>| workers.len() >= 8 && workers.iter().all(|nice| *nice >= 10);
        until(&room, |crew| crew.busy == 8 && lowered(niceness_of("media-sound"))).await;
        holding.let_go();
    })
    .await;
    let own = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
    assert!(own.rsplit_once(')').unwrap().1.split_whitespace().nth(16) == Some("0"), "and nobody else's is lowered");
}

#[tokio::test]
async fn e15_a_kept_prompt_waits_for_no_worker() {
    let holding = Holding::start().await;
    let room = room(1, 1).await;
    let kept = holding.origin.url("/kept.wav");
    room.plays(&kept).await.unwrap();
    let urls = holding.urls(2);
    let stuck = join_all(urls.iter().map(|url| room.client.fetch(wanted(url))));
    let meanwhile = async {
        until(&room, |crew| crew.busy == 1 && crew.queued == 1).await;
        let fault = room.client.fetch(wanted(&holding.origin.url("/new.wav"))).await.unwrap_err();
        assert!(fault.code == 11200 && fault.text.contains("media.sound_workers"), "{fault}");
        for _ in 0..50 {
            let mut stream = room.client.fetch(wanted(&kept)).await.unwrap();
            assert_eq!(stream.cache, Cached::Hit);
            assert!(stream.next().await.unwrap().is_ok());
        }
        // Speech has workers of its own: it waits for no sound.
        let source = Source::Speech { text: "x".into(), voice: "man".into(), language: "en".into(), markup: None };
        let said = MediaRequest { account: "AC1".into(), source, law: Law::A };
        assert!(room.client.fetch(said).await.unwrap().next().await.unwrap().is_ok());
        let crew = room.handle.status();
        assert_eq!((crew.sounds.busy, crew.sounds.queued, crew.sounds.turned_away), (1, 1, 1));
        room.handle.counters()
    };
    let counters = tokio::select! {
        counters = meanwhile => counters,
        _ = stuck => panic!("they are held"),
    };
    assert_eq!(counters.hits, 50);
}

fn wanted(url: &str) -> MediaRequest {
    MediaRequest { account: "AC1".into(), source: Source::Url(url.into()), law: Law::A }
}
