//! What can be asked about the layer itself: what it keeps, jobs, plans, phrases; and when an answer begins.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tipring_card::Law;
use tipring_media::{Cached, EntryInfo, JobStatus, Source, Start};

use crate::origin::{Origin, Reply};
use crate::room::{Room, linear, purity_db, wave};

fn tone(hz: f64) -> Vec<u8> {
    wave(8_000, 1, hz, 0.5)
}

fn heard(octets: &[u8], hz: f64) -> bool {
    purity_db(&linear(octets)[800..3_200], hz) > -1.0
}

fn query(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[tokio::test]
async fn d23_the_state_of_one_or_of_many_matches_the_disk() {
    let origin = Origin::start(|asked| match asked.path.as_str() {
        "/app/none.wav" => Reply::ok("audio/wav", tone(500.0)).with("Cache-Control", "no-store"),
        _ => Reply::ok("audio/wav", tone(500.0)).with("Cache-Control", "max-age=60"),
    });
    // What is sealed is a little longer than its sound.
    let (origin, room) = tokio::join!(origin, Room::with(|it| it.seal_key = None));
    for path in ["/app/a.wav", "/app/a.wav?x=1", "/app/none.wav", "/other.wav"] {
        room.plays(&origin.url(path)).await.unwrap();
    }
    let listed = async |what: &str| {
        let (status, list) = room.desk("GET", &format!("/entries?{what}"), Value::Null).await;
        assert_eq!(status, 200);
        serde_json::from_value::<Vec<EntryInfo>>(list).unwrap()
    };
    let all = listed(&format!("prefix={}", query(&origin.url("/app/")))).await;
    let uris: Vec<_> = all.iter().map(|it| it.uri.clone()).collect();
    assert_eq!(uris, [origin.url("/app/a.wav"), origin.url("/app/a.wav?x=1")]);
    let one = listed(&format!("url={}", query(&origin.url("/app/a.wav")))).await;
    let on_disk: Vec<u64> = (room.files().iter())
        .filter(|it| it.extension().is_some_and(|it| it == "body"))
        .map(|it| it.metadata().unwrap().len())
        .collect();
    assert_eq!(on_disk, [one[0].size; 3]);
    assert_eq!((one.len(), one[0].date_ms, one[0].expires_ms), (1, 1_700_000_000_000, 1_700_000_060_000));
    assert!(listed(&format!("url={}", query(&origin.url("/app/none.wav")))).await.is_empty());
    assert_eq!(listed("prefix=&limit=1").await.len(), 1);
    let after = format!("prefix=&after={}", query(&origin.url("/app/a.wav")));
    assert_eq!(listed(&after).await.len(), 2);
}

#[tokio::test]
async fn d24_what_is_removed_is_fetched_once_more() {
    let origin = Origin::always("audio/wav", tone(500.0)).await;
    let room = Room::open().await;
    for path in ["/a.wav", "/a.wav2"] {
        room.plays(&origin.url(path)).await.unwrap();
    }
    // Of another account, nothing.
    room.hears("AC2", Source::Url(origin.url("/a.wav")), Law::A).await.unwrap();
    let (_, removed) =
        room.desk("DELETE", &format!("/entries?url={}", query(&origin.url("/a.wav"))), Value::Null).await;
    assert_eq!(removed, json!({ "removed": 1 }));
    origin.was_asked(3);
    for _ in 0..2 {
        room.plays(&origin.url("/a.wav")).await.unwrap();
        room.plays(&origin.url("/a.wav2")).await.unwrap();
        room.hears("AC2", Source::Url(origin.url("/a.wav")), Law::A).await.unwrap();
    }
    origin.was_asked(4);
}

#[tokio::test]
async fn d25_what_was_brought_in_beforehand_plays_without_its_origin() {
    let origin = Origin::start(|asked| match asked.path.as_str() {
        "/gone.wav" => Reply::status(404),
        "/secret.wav" => Reply::ok("audio/wav", tone(500.0)).with("Cache-Control", "private"),
        _ => Reply::ok("audio/wav", tone(500.0)),
    });
    let (origin, room) = tokio::join!(origin, Room::open());
    // A line of A-law has asked before: that is what is made.
    room.says("Hello", "man", "en").await.unwrap();
    let urls = ["/a.wav", "/b.wav", "/gone.wav", "/secret.wav"].map(|it| origin.url(it));
    let texts = json!([{ "text": "Good morning", "voice": "woman", "language": "en-GB" }]);
    let job = room.job(json!({ "kind": "warm", "urls": urls, "texts": texts })).await;
    assert_eq!(job.status, JobStatus::Completed);
    assert_eq!((job.found, job.made, job.failed, job.unkept), (5, 4, 1, 1), "{job:?}");
    let failed = job.items.iter().find(|it| it.fault.is_some()).unwrap();
    assert!(failed.uri.ends_with("/gone.wav") && failed.fault.as_ref().unwrap().text.contains("404"));
    assert_eq!(job.octets, 8_000 + job.items.iter().find(|it| it.uri.contains("speech")).unwrap().octets);
    let fetched = origin.log().len();
    drop(origin);
    for url in &urls[..2] {
        assert_eq!(room.plays(url).await.unwrap().cache, Cached::Hit);
    }
    assert_eq!(room.says("Good morning", "woman", "en-GB").await.unwrap().cache, Cached::Hit);
    assert_eq!(fetched, 4);
    // Once more is no work, and a third account has nothing of it.
    let again = room.job(json!({ "kind": "warm", "urls": urls[..2] })).await;
    assert_eq!((again.hits, again.made), (2, 0));
}

#[tokio::test]
async fn d25_what_the_box_brings_in_is_there_for_every_account() {
    let origin = Origin::always("audio/wav", tone(500.0)).await;
    let room = Room::open().await;
    let wish = json!({ "kind": "warm", "urls": [origin.url("/a.wav")], "texts": [{ "text": "Hello" }] });
    let (_, body) = room.raw_with("POST", "http://media.tipring/jobs", &[], wish.to_string().as_bytes()).await;
    let id = serde_json::from_slice::<Value>(&body).unwrap()["id"].as_str().unwrap().to_owned();
    let (_, mine) = room.desk("GET", "/jobs", Value::Null).await;
    assert_eq!(mine, json!([]));
    while room.handle.entries(Some("-"), "").len() < 4 {
        tokio::task::yield_now().await;
    }
    for account in ["AC1", "AC2"] {
        for source in [Source::Url(origin.url("/a.wav")), text_of("Hello")] {
            assert_eq!(room.hears(account, source, Law::Mu).await.unwrap().cache, Cached::Hit, "{account} {id}");
        }
    }
    origin.was_asked(2);
    // When its time is over, it is confirmed for all, and where its server is gone it stands in for all.
    room.later(700);
    let job = room.hears("AC1", Source::Url(origin.url("/a.wav")), Law::Mu).await.unwrap();
    assert_eq!(job.cache, Cached::Miss);
    assert_eq!(room.hears("AC2", Source::Url(origin.url("/a.wav")), Law::Mu).await.unwrap().cache, Cached::Hit);
    origin.was_asked(3);
    assert!(room.handle.entries(Some("AC1"), "").is_empty());
    // What an account fetched is its own.
    room.plays(&origin.url("/b.wav")).await.unwrap();
    assert_eq!(room.hears("AC2", Source::Url(origin.url("/b.wav")), Law::A).await.unwrap().cache, Cached::Miss);
    assert_eq!(room.hears("-", Source::Url(origin.url("/b.wav")), Law::A).await.unwrap().cache, Cached::Miss);
}

fn text_of(text: &str) -> Source {
    Source::Speech { text: text.into(), voice: String::new(), language: String::new(), markup: None }
}

#[tokio::test]
async fn a_wish_that_cannot_be_done_is_refused_and_a_job_can_be_taken_back() {
    let gate = std::sync::Arc::new(tokio::sync::Semaphore::new(0));
    let held = std::sync::Arc::clone(&gate);
    let origin = Origin::waiting(move |_| (Reply::ok("audio/wav", tone(500.0)), Some(std::sync::Arc::clone(&held))));
    let (origin, room) = tokio::join!(origin, Room::open());
    for (wish, word) in [
        (json!({ "kind": "warm" }), "name 1 to"),
        (json!({ "kind": "warm", "urls": ["file:///etc/passwd"] }), "only http"),
        (json!({ "kind": "juggle" }), "juggle"),
        (json!([1]), "not what is wanted"),
    ] {
        let (status, fault) = room.desk("POST", "/jobs", wish).await;
        assert_eq!(status, 400);
        assert!(fault["message"].as_str().unwrap().contains(word), "{fault}");
    }
    // Not by the way that waits until nothing is under way.
    let ask = async |method: http::Method, path: &str, body: Value| {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let (_, answer) = room.client.desk(method, path, Some("AC1"), body.into()).await.unwrap();
        serde_json::from_slice::<Value>(&answer).unwrap()
    };
    let wish = json!({ "kind": "warm", "urls": [origin.url("/slow.wav")] });
    let job = ask(http::Method::POST, "/jobs", wish).await;
    let id = job["id"].as_str().unwrap();
    ask(http::Method::DELETE, &format!("/jobs/{id}"), Value::Null).await;
    while ask(http::Method::GET, &format!("/jobs/{id}"), Value::Null).await["status"] != "canceled" {
        tokio::task::yield_now().await;
    }
    gate.add_permits(1);
    let (status, _) = room.desk("GET", "/jobs/none", Value::Null).await;
    assert_eq!(status, 404);
    // Another account sees none of it.
    let target = format!("http://media.tipring/jobs/{id}");
    let (head, _) = room.raw(&target, &[("X-Tipring-Account", "AC2")]).await;
    assert!(head.starts_with("http/1.1 404"));
}

/// A real web server with real directory listings.
struct Files {
    child: Child,
    address: String,
    dir: std::path::PathBuf,
}

impl Files {
    fn serve(dir: std::path::PathBuf) -> Self {
        let mut child = Command::new("python3")
            .args(["-u", "-m", "http.server", "--bind", "127.0.0.1", "0"])
            .current_dir(&dir)
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(dir.with_extension("log")).unwrap())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.split("http://").nth(1).unwrap().split('/').next().unwrap().to_owned();
        Self { child, address, dir }
    }

    /// Its access log.
    fn log(&self) -> String {
        std::fs::read_to_string(self.dir.with_extension("log")).unwrap()
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn d26_a_directory_is_crawled_by_type_size_and_date_and_never_left() {
    let room = Room::open().await;
    room.says("Hello", "man", "en").await.unwrap();
    let dir = room.dir.join("www");
    std::fs::create_dir_all(dir.join("prompts/de")).unwrap();
    std::fs::create_dir_all(dir.join("prompts2")).unwrap();
    let mp3 = crate::room::fixture("tone.mp3");
    let write = |path: &str, octets: &[u8]| std::fs::write(dir.join(path), octets).unwrap();
    write("prompts/a.mp3", &mp3);
    write("prompts/b.wav", &tone(500.0));
    write("prompts/large.mp3", &[mp3.clone(), vec![0; 1 << 20]].concat());
    write("prompts/old.mp3", &mp3);
    write("prompts/text.mp3", b"<html>no sound</html>");
    write("prompts/de/c.mp3", &mp3);
    write("prompts2/d.mp3", &mp3);
    write("prompts/more.html", b"<a href='/prompts2/d.mp3'><a href='../prompts2/'><a href='de/../../prompts2/d.mp3'>");
    let old = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    std::fs::File::options().append(true).open(dir.join("prompts/old.mp3")).unwrap().set_modified(old).unwrap();
    let files = Files::serve(dir);
    let url = |path: &str| format!("http://{}{path}", files.address);
    let only = json!({ "types": ["mp3"], "largest": 1 << 20, "since": "2020-01-01" });
    let job = room.job(json!({ "kind": "crawl", "url": url("/prompts/"), "only": only })).await;
    assert_eq!((job.status, job.made, job.failed, job.passed_over), (JobStatus::Completed, 2, 1, 2), "{job:?}");
    let kept: Vec<_> = room.handle.entries(Some("AC1"), &url("/")).into_iter().map(|it| it.uri).collect();
    assert_eq!(kept, [url("/prompts/a.mp3"), url("/prompts/de/c.mp3")]);
    assert!(!files.log().contains("prompts2"), "{}", files.log());
    assert!(!files.log().contains("b.wav"), "{}", files.log());
    assert!(!files.log().contains("GET /prompts/large.mp3"), "{}", files.log());
    // What it leads to is there for a call.
    assert_eq!(room.plays(&url("/prompts/a.mp3")).await.unwrap().cache, Cached::Hit);
    // A page without links, and one that is none.
    let none = room.job(json!({ "kind": "crawl", "url": url("/prompts/a.mp3"), "only": {} })).await;
    assert!(none.fault.unwrap().text.contains("a page with links"));
    let missing = room.job(json!({ "kind": "crawl", "url": url("/nowhere/") })).await;
    assert!(missing.fault.unwrap().text.contains("404"));
}

#[tokio::test]
async fn d26_redirects_lead_nowhere_else() {
    let listing = "<a href='moved.mp3'><a href='late.mp3'><a href='grown.mp3'><a href='sub/'>";
    let origin = Origin::start(move |asked| match (asked.method.as_str(), asked.path.as_str()) {
        (_, "/in/") => Reply::ok("text/html", listing),
        (_, "/in/moved.mp3" | "/in/sub/") => Reply::status(302).with("Location", "/out/x.mp3"),
        ("HEAD", _) => Reply::status(501),
        (_, "/in/late.mp3") => Reply::status(302).with("Location", "/out/x.mp3"),
        _ => Reply::ok("audio/wav", tone(500.0)),
    });
    let (origin, room) = tokio::join!(origin, Room::open());
    room.says("Hello", "man", "en").await.unwrap();
    let only = json!({ "largest": 100 });
    let job = room.job(json!({ "kind": "crawl", "url": origin.url("/in/"), "only": only })).await;
    let asked: Vec<_> = origin.log().into_iter().map(|it| format!("{} {}", it.method, it.path)).collect();
    assert!(!asked.iter().any(|it| it.contains("/out/")), "{asked:?}");
    assert!(asked.contains(&"GET /in/late.mp3".to_owned()), "{asked:?}");
    // Without a size in advance, it is found out by what comes.
    assert_eq!((job.made, job.failed, job.passed_over), (0, 2, 2), "{job:?}");
    assert!(room.handle.entries(None, &origin.url("/")).is_empty());
    // No line has asked for µ-law: a box that has had no call yet makes both.
    let fresh = Room::open().await;
    let job = fresh.job(json!({ "kind": "warm", "texts": [{ "text": "Hello" }] })).await;
    let mut presets: Vec<_> = job.items.into_iter().map(|it| it.preset).collect();
    presets.sort();
    assert_eq!(presets, ["audio/x-alaw;rate=8000", "audio/x-mulaw;rate=8000"]);
}

#[tokio::test]
async fn d27_at_three_in_the_morning_all_is_asked_for_and_the_first_call_has_no_miss() {
    let origin = Origin::start(|asked| match asked.headers.get("if-none-match") {
        Some(_) => Reply::status(304).with("Cache-Control", "max-age=36000"),
        None => Reply::ok("audio/wav", tone(500.0)).with("ETag", "\"1\"").with("Cache-Control", "max-age=36000"),
    });
    // 1700000000 is 14 November 2023, 22:13:20 UTC.
    let zone = || jiff::tz::TimeZone::posix("CET-1").unwrap();
    let (origin, mut room) = tokio::join!(origin, Room::with(|it| it.zone = zone()));
    let warm = json!({ "at": "03:00", "job": { "kind": "warm", "urls": [origin.url("/a.wav")] } });
    let (status, plan) = room.desk("PUT", "/plans/first", warm).await;
    assert_eq!((status, &plan["next_ms"]), (200, &json!(1_700_013_600_000_u64)), "{plan}");
    let refresh = json!({ "at": "03:00", "job": { "kind": "refresh", "prefix": origin.url("/") } });
    room.desk("PUT", "/plans/again", refresh).await;
    assert_eq!(room.handle.begin_plans().await, 0);
    origin.was_asked(0);
    room.later(13_600);
    assert_eq!((room.handle.begin_plans().await, room.handle.begin_plans().await), (2, 0));
    let over = async |room: &Room| {
        let (_, plans) = room.desk("GET", "/plans", Value::Null).await;
        for plan in plans.as_array().unwrap() {
            room.job_over(plan["last_job"].as_str().unwrap()).await;
        }
    };
    over(&room).await;
    let before = origin.log().len();
    assert_eq!(room.plays(&origin.url("/a.wav")).await.unwrap().cache, Cached::Hit);
    origin.was_asked(before);
    // The next night it is stale by far, and the box was off at three: it is done when it is on again, once.
    let zone = zone();
    room.restart(|it| it.zone = zone).await;
    room.later(30 * 3_600);
    assert_eq!((room.handle.begin_plans().await, room.handle.begin_plans().await), (2, 0));
    over(&room).await;
    let confirmed = origin.log().iter().filter(|it| it.headers.contains_key("if-none-match")).count();
    assert!(confirmed >= 1);
    assert_eq!(room.plays(&origin.url("/a.wav")).await.unwrap().cache, Cached::Hit);
    let (status, _) = room.desk("DELETE", "/plans/again", Value::Null).await;
    assert_eq!(status, 200);
    let (_, plans) = room.desk("GET", "/plans", Value::Null).await;
    assert_eq!(plans.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn d30_a_frequent_phrase_is_listed_and_its_recording_takes_the_engines_place() {
    let mut room = Room::with(|it| it.phrase_threshold = 3).await;
    let listed = async |room: &Room| room.desk("GET", "/phrases", Value::Null).await.1;
    for count in 1..=3 {
        assert_eq!(listed(&room).await, json!([]), "said {count} times");
        room.says("Welcome", "woman", "en").await.unwrap();
    }
    room.says("Your balance is 12 pounds", "woman", "en").await.unwrap();
    let list = listed(&room).await;
    assert_eq!((list.as_array().unwrap().len(), &list[0]["count"]), (1, &json!(3)), "{list}");
    assert_eq!(list[0]["phrase"]["text"], "Welcome");
    let id = list[0]["id"].as_str().unwrap().to_owned();
    let upload = async |room: &Room, sound: &[u8]| {
        let target = format!("http://media.tipring/phrases/{id}/recording");
        room.raw_with("PUT", &target, &[("X-Tipring-Account", "AC1")], sound).await
    };
    let (head, fault) = upload(&room, b"<html>").await;
    assert!(head.starts_with("http/1.1 502"), "{head} {}", String::from_utf8_lossy(&fault));
    let (head, _) = upload(&room, &wave(44_100, 2, 700.0, 0.5)).await;
    assert!(head.starts_with("http/1.1 200"), "{head}");
    let synthesized = room.handle.counters().synthesized;
    let first = room.says("Welcome", "woman", "en").await.unwrap();
    assert!(heard(&first.octets, 700.0) && first.cache == Cached::Miss);
    assert_eq!(room.says("Welcome", "woman", "en").await.unwrap().cache, Cached::Hit);
    assert_eq!(room.handle.counters().synthesized, synthesized);
    // Another voice, and another account, are other phrases.
    assert!(!heard(&room.says("Welcome", "man", "en").await.unwrap().octets, 700.0));
    // It outlives a restart, with no engine at all; what was said once is not in the clear anywhere.
    room.restart(|it| it.engines = Vec::new()).await;
    assert!(heard(&room.says("Welcome", "woman", "en").await.unwrap().octets, 700.0));
    let state = std::fs::read_to_string(room.dir.join("cache.state/phrases/phrases.json")).unwrap();
    assert!(state.contains("Welcome") && !state.contains("pounds"), "{state}");
    room.restart(|_| {}).await;
    room.desk("DELETE", &format!("/phrases/{id}/recording"), Value::Null).await;
    assert!(!heard(&room.says("Welcome", "woman", "en").await.unwrap().octets, 700.0));
}

#[tokio::test]
async fn d30_a_phrase_can_be_chosen_before_it_was_ever_said() {
    let room = Room::open().await;
    let (_, phrase) = room.desk("POST", "/phrases", json!({ "text": "We are closed", "voice": "man" })).await;
    assert_eq!((&phrase["chosen"], &phrase["count"]), (&json!(true), &json!(0)));
    let target = format!("http://media.tipring/phrases/{}/recording", phrase["id"].as_str().unwrap());
    let sound = tone(700.0);
    let (head, _) = room.raw_with("PUT", &target, &[], &sound).await;
    assert!(head.starts_with("http/1.1 200"));
    assert!(heard(&room.says("We are closed", "man", "").await.unwrap().octets, 700.0));
    assert_eq!(room.raw(&target, &[]).await.1, sound);
    let (status, _) = room.desk("DELETE", &format!("/phrases/{}", phrase["id"].as_str().unwrap()), Value::Null).await;
    assert_eq!(status, 200);
    assert!(!heard(&room.says("We are closed", "man", "").await.unwrap().octets, 700.0));
}

#[tokio::test]
async fn d31_a_uri_with_the_calls_own_state_is_an_entry_of_its_own() {
    let origin = Origin::start(|asked| {
        let hz = if asked.path.ends_with("CallSid=CA1") { 500.0 } else { 900.0 };
        Reply::ok("audio/wav", tone(hz))
    });
    let (origin, room) = tokio::join!(origin, Room::open());
    for _ in 0..2 {
        for (call, hz) in [("CA1", 500.0), ("CA2", 900.0)] {
            let url = origin.url(&format!("/balance.wav?CallSid={call}"));
            assert!(heard(&room.plays(&url).await.unwrap().octets, hz), "{call}");
        }
    }
    origin.was_asked(2);
    assert_eq!(room.handle.entries(None, "").len(), 2);
}

#[tokio::test]
async fn d34_the_answer_may_go_to_another_destination() {
    let origin = Origin::start(|asked| match (asked.method.as_str(), asked.path.as_str()) {
        ("PUT", "/full") => Reply::status(507),
        ("PUT", _) => Reply::status(201),
        _ => Reply::ok("audio/wav", tone(500.0)),
    });
    let (origin, room) = tokio::join!(origin, Room::open());
    let wish = |target: &str| {
        let presets = ["audio/x-mulaw;rate=8000"];
        json!({ "kind": "warm", "urls": [origin.url("/a.wav")], "presets": presets, "target": origin.url(target) })
    };
    let job = room.job(wish("/taken")).await;
    assert_eq!((job.made, job.failed), (1, 0), "{job:?}");
    let taken = origin.log().into_iter().find(|it| it.method == "PUT").unwrap();
    assert_eq!(taken.headers["content-type"], "audio/x-mulaw;rate=8000");
    assert_eq!(taken.headers["content-location"], origin.url("/a.wav"));
    let heard = room.hears("AC1", Source::Url(origin.url("/a.wav")), Law::Mu).await.unwrap();
    assert!(heard.cache == Cached::Hit && heard.octets == taken.body);
    let refused = room.job(wish("/full")).await;
    assert!(refused.items[0].fault.as_ref().unwrap().text.contains("507"), "{refused:?}");
}

#[tokio::test]
async fn d20_a_medium_is_heard_live_while_it_grows_or_when_it_is_whole() {
    let (asks, mut asked) = tokio::sync::mpsc::unbounded_channel();
    let origin = Origin::start(move |_| {
        let (reply, go) = Reply::ok("audio/wav", wave(8_000, 1, 500.0, 4.0)).held_after(40_000);
        asks.send(go).unwrap();
        reply
    });
    let (origin, room) = tokio::join!(origin, Room::open());
    // While it grows, and live: the first sound comes while the origin holds the rest back. When it is whole: it does not.
    for (start, path) in [(Start::Growing, "/g"), (Start::Live, "/l"), (Start::Whole, "/w")] {
        let client = room.client.clone().starting(start);
        let wanted =
            tipring_media::MediaRequest { account: "AC1".into(), source: Source::Url(origin.url(path)), law: Law::A };
        let mut fetched = tokio::spawn(async move { client.fetch(wanted).await });
        let go = asked.recv().await.unwrap();
        let mut stream = if start == Start::Whole {
            // Whatever is ready to happen happens before the origin goes on.
            for _ in 0..1_000 {
                tokio::task::yield_now().await;
            }
            assert!(!fetched.is_finished());
            go.send(()).unwrap();
            (&mut fetched).await.unwrap().unwrap()
        } else {
            let stream = (&mut fetched).await.unwrap().unwrap();
            go.send(()).unwrap();
            stream
        };
        let mut octets = 0;
        while let Some(piece) = stream.next().await {
            octets += piece.unwrap().len();
        }
        assert_eq!(octets, 32_000, "{start:?}");
        room.handle.idle().await;
    }
    // What is live leaves nothing behind, and is asked for each time.
    let kept: Vec<_> = room.handle.entries(None, "").into_iter().map(|it| it.uri).collect();
    assert_eq!(kept, [origin.url("/g"), origin.url("/w")]);
}

#[tokio::test]
async fn d20_what_breaks_off_is_never_begun_where_it_is_waited_for() {
    let origin = Origin::start(|asked| {
        let reply = Reply::ok("audio/wav", wave(8_000, 1, 500.0, 4.0));
        let reply = if asked.path == "/kept" { reply } else { reply.with("Cache-Control", "no-store") };
        let (reply, go) = reply.held_after(40_000);
        drop(go);
        reply
    });
    let (origin, room) = tokio::join!(origin, Room::open());
    let client = room.client.clone().starting(Start::Whole);
    for path in ["/kept", "/unkept"] {
        let source = Source::Url(origin.url(path));
        let wanted = tipring_media::MediaRequest { account: "AC1".into(), source, law: Law::A };
        assert!(client.fetch(wanted).await.is_err(), "{path}");
    }
    assert!(room.handle.entries(None, "").is_empty());
}
