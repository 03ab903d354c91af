//! Recordings and prompts of two boxes: what one has made the other plays, from the store that they share or from the box that made
//! it; what one deletes is gone on both.

use crate::beside::{Bucket, Origin, Way, toneness, wave};
use crate::boxes::{Cluster, Pair, TipringBox, postgres};
use crate::until;

/// Two boxes that share an S3 store, too, by this way if not directly.
fn sharing(name: &str, way: Option<&Way>) -> Option<(Pair, Bucket)> {
    let (url, bucket) = (postgres()?, Bucket::find(name)?);
    let mut cluster = Cluster::new(name, &url);
    let seal = cluster.write("seal.key", "CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=\n");
    let key = cluster.write("sounds.key", "tipring\nsecret\n");
    cluster.configure(bucket.config(&seal, &key, way.map(|way| way.at)) + MP3);
    let (a, b) = (cluster.start("a"), cluster.start("b"));
    Some((Pair { a, b, cluster }, bucket))
}

/// What passes for a program that makes mp3s.
const MP3: &str = "mp3 = [\"cat\"]\n";

/// A call that plays this and ends; the SID of its recording, which is finished.
fn recorded(on: &TipringBox, url: &str) -> String {
    let call = on.recorded_call("+442079460190", &format!("<Response><Play>{url}</Play></Response>"));
    until("the call is over", || (on.status_of(&call) == "completed").then_some(()));
    until("its recording is finished", || {
        let list = on.get(&format!("/Calls/{call}/Recordings.json"));
        let list: serde_json::Value = serde_json::from_str(&list.text).ok()?;
        let first = &list["recordings"][0];
        (first["status"] == "completed").then(|| first["sid"].as_str().map(str::to_owned))?
    })
}

fn wav(sid: &str) -> String {
    format!("/Recordings/{sid}.wav")
}

fn link(on: &TipringBox, sid: &str) -> String {
    let made = on.post(&format!("/Recordings/{sid}/Links.json"), &[]);
    assert_eq!(made.status, 201, "{}", made.text);
    made.word("url")
}

/// All forms in which a recording is had from its own box, from another one, too.
fn is_the_same(own: &TipringBox, other: &TipringBox, sid: &str) {
    let path = wav(sid);
    let (here, there) = (own.get(&path), other.get(&path));
    assert_eq!((here.status, there.status), (200, 200), "{}", there.text);
    assert!(here.body == there.body && here.body.len() > 16_000, "{} and {}", here.body.len(), there.body.len());
    let same = |method: &str, path: &str, header: &str| {
        let (here, there) = (own.get_with(method, path, header), other.get_with(method, path, header));
        assert_eq!(here.status, there.status, "{method} {path} {header}");
        let lengths = (here.body.len(), there.body.len());
        assert!(here.body == there.body, "{method} {path} {header}: {lengths:?}, {}, {}", here.head, there.head);
        for name in ["content-length", "content-type", "content-range", "accept-ranges", "content-disposition"] {
            assert_eq!(here.header(name), there.header(name), "{method} {path} {header}: {name}");
        }
        here.status
    };
    assert_eq!(same("HEAD", &path, ""), 200);
    assert_eq!(same("GET", &path, "Range: bytes=100-4099\r\n"), 206);
    assert_eq!(same("GET", &path, "Range: bytes=-44\r\n"), 206);
    assert_eq!(same("GET", &path, "Range: bytes=99999999-\r\n"), 416);
    assert_eq!(same("GET", &format!("{path}?RequestedChannels=1&Download=true"), ""), 200);
    assert_eq!(same("GET", &format!("/Recordings/{sid}"), ""), 200);
    assert_eq!(same("GET", &format!("/Recordings/{sid}.mp3"), ""), 200);
    assert_eq!(other.get_open(&format!("http://b/2010-04-01/Accounts/{}{path}", other.account)).status, 401);
    let link = link(other, sid);
    assert!(other.get_open(&link).body == here.body, "by a signed link");
    assert_eq!(other.get_open(&link.replace("signature=", "signature=0")).status, 401);
}

#[test]
fn c22_d35_what_one_box_brought_in_or_recorded_the_other_plays_even_after_kill_9() {
    let Some((Pair { a, b, mut cluster }, bucket)) = sharing("shared", None) else { return };
    let origin = Origin::start();
    let prompt = origin.url("/prompt.wav");
    let sid = recorded(&a, &prompt);
    // The prompt is fetched once for both.
    assert_eq!(origin.asked(), 1, "by the first box");
    until("the prompt is in the store", || (!bucket.objects("heads").is_empty()).then_some(()));
    let own = recorded(&b, &prompt);
    assert_eq!(origin.asked(), 1, "the other box has it from the store");
    until("both recordings are in the store", || (bucket.objects("recordings").len() == 2).then_some(()));
    assert!(a.has_recording(&sid) && !b.has_recording(&sid) && b.has_recording(&own));
    is_the_same(&a, &b, &sid);
    is_the_same(&b, &a, &own);
    let whole = a.get(&wav(&sid)).body;
    assert!(toneness(&whole) > 0.8, "{}", toneness(&whole));
    cluster.kill("a");
    assert!(b.get(&wav(&sid)).body == whole, "its box is dead");
    // A call on the other box plays it, and is recorded doing so.
    let replayed = recorded(&b, &link(&b, &sid).replace('&', "&amp;"));
    let heard = b.get(&wav(&replayed));
    assert!(heard.status == 200 && toneness(&heard.body) > 0.8, "{}", toneness(&heard.body));
    // Deleted where it never was, it is gone from the store at once, and from its box when that is there again.
    until("the third recording is in the store", || (bucket.objects("recordings").len() == 3).then_some(()));
    assert_eq!(b.delete(&format!("/Recordings/{sid}.json")).status, 204);
    assert_eq!(b.get(&wav(&sid)).status, 404);
    until("its object is gone", || (bucket.objects("recordings").len() == 2).then_some(()));
    assert!(a.has_recording(&sid));
    let a = cluster.start("a");
    until("its file is gone", || (!a.has_recording(&sid)).then_some(()));
    assert_eq!(a.get(&wav(&sid)).status, 404);
}

#[test]
fn c22_what_one_box_deletes_is_gone_on_the_other_and_in_the_store() {
    let Some((Pair { a, b, cluster: _cluster }, bucket)) = sharing("deleted", None) else { return };
    let origin = Origin::start();
    let sid = recorded(&a, &origin.url("/a.wav"));
    until("it is in the store", || (bucket.objects("recordings").len() == 1).then_some(()));
    // What somebody spoils there is never served: its own box has it, and brings it anew.
    let whole = a.get(&wav(&sid)).body;
    bucket.spoil(&bucket.objects("recordings")[0]);
    assert!(b.get(&wav(&sid)).body == whole, "from its own box");
    assert_eq!(b.delete(&format!("/Recordings/{sid}.json")).status, 204);
    until("its file is gone", || (!a.has_recording(&sid)).then_some(()));
    until("its object is gone", || bucket.objects("recordings").is_empty().then_some(()));
    for on in [&a, &b] {
        assert_eq!(on.get(&wav(&sid)).status, 404);
    }
}

#[test]
fn c22_without_a_shared_store_the_box_that_made_it_answers() {
    let Some(url) = postgres() else { return };
    let mut cluster = Cluster::new("asked", &url);
    // One of them alone makes mp3s.
    cluster.configure(format!("[media]\n{MP3}"));
    let a = cluster.start("a");
    cluster.configure(String::new());
    let b = cluster.start("b");
    let origin = Origin::start();
    let sid = recorded(&a, &origin.url("/a.wav"));
    is_the_same(&a, &b, &sid);
    // Longer than any other answer of a box.
    let long: Vec<i16> = (0..3_000_000u32).map(|it| (it.wrapping_mul(2_654_435_761) >> 17) as i16).collect();
    std::fs::write(a.state.join(format!("recordings/{sid}.wav")), wave(&long)).expect("written");
    is_the_same(&a, &b, &sid);
    cluster.kill("a");
    for method in ["GET", "HEAD"] {
        let away = b.get_with(method, &wav(&sid), "");
        assert_eq!(away.status, 503, "{}", away.text);
        assert!(!away.header("retry-after").is_empty(), "{}", away.head);
    }
    assert!(b.get(&wav(&sid)).text.contains("box a"));
    assert_eq!(b.get(&format!("/Recordings/{sid}.json")).status, 200, "its record is there");
}

#[test]
fn c28_a_store_that_is_away_hinders_no_recording_and_what_waits_outlives_kill_9() {
    let Some(to) = Bucket::find("away").map(|bucket| bucket.address()) else { return };
    let way = Way::closed(to);
    let Some((Pair { a, b, mut cluster }, bucket)) = sharing("away", Some(&way)) else { return };
    let origin = Origin::start();
    let first = recorded(&a, &origin.url("/a.wav"));
    until("the log says so", || cluster.log("a").contains("recordings stay on their boxes").then_some(()));
    // The other box gets it from its own meanwhile; dead, that is no 404.
    let whole = a.get(&wav(&first)).body;
    assert!(b.get(&wav(&first)).body == whole);
    cluster.kill("a");
    let away = b.get(&wav(&first));
    assert!(away.status == 503 && !away.header("retry-after").is_empty(), "{}", away.text);
    assert!(bucket.objects("recordings").is_empty());
    way.open();
    let a = cluster.start("a");
    until("it is brought after all", || (bucket.objects("recordings").len() == 1).then_some(()));
    assert!(a.get(&wav(&first)).body == whole);
    cluster.kill("a");
    until("the other box asks the store again", || (b.get(&wav(&first)).body == whole).then_some(()));
}
