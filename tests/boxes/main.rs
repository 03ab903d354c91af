//! Several boxes on one store: real processes, each with a simulated card, on a PostgreSQL of the tests. Whose is a call, who
//! hears of a change, who closes what a dead box has left.

mod beside;
mod boxes;
mod recordings;

use std::time::{Duration, Instant};

use boxes::{Cluster, Pair, postgres};

/// Far longer than anything here takes on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);

/// Asks until the answer is as wanted. The pause spares the boxes; nothing is right or wrong for its length.
pub fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + LIMIT;
    loop {
        if let Some(found) = ask() {
            return found;
        }
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn a_live_call_is_changed_from_any_box_and_ends_on_its_own() {
    let Some(url) = postgres() else { return };
    let Pair { a, b, cluster: _cluster } = Cluster::pair("change", &url);
    let call = a.call("+442079460190");
    until("it is answered", || (a.status_of(&call) == "in-progress").then_some(()));
    assert_eq!(b.status_of(&call), "in-progress", "the store is shared");
    // Another document, from the box that does not have it.
    let other = b.post(&format!("/Calls/{call}.json"), &[("Twiml", "<Response><Pause length='300'/></Response>")]);
    assert_eq!(other.status, 200, "{}", other.text);
    assert_eq!(other.word("status"), "in-progress");
    // What is wrong is judged where the call is.
    let wrong = b.post(&format!("/Calls/{call}.json"), &[("Status", "juggling")]);
    assert_eq!(wrong.status, 400, "{}", wrong.text);
    let recording = b.post(&format!("/Calls/{call}/Recordings.json"), &[]);
    assert_eq!(recording.status, 201, "{}", recording.text);
    let sid = recording.word("sid");
    assert!(a.has_recording(&sid) && !b.has_recording(&sid), "it is made where the call is");
    let stopped = b.post(&format!("/Calls/{call}/Recordings/{sid}.json"), &[("Status", "stopped")]);
    assert_eq!(stopped.status, 200, "{}", stopped.text);
    // Without credentials nothing is passed on, and a stranger's port answers nobody.
    assert_eq!(b.without_credentials(&format!("/Calls/{call}.json")).status, 401);
    let over = b.post(&format!("/Calls/{call}.json"), &[("Status", "completed")]);
    assert_eq!((over.status, over.word("status").as_str()), (200, "completed"), "{}", over.text);
    until("it is over", || (a.status_of(&call) == "completed").then_some(()));
    // And back again.
    let call = b.call("+442079460190");
    until("it is answered", || (b.status_of(&call) == "in-progress").then_some(()));
    assert_eq!(a.post(&format!("/Calls/{call}.json"), &[("Status", "completed")]).status, 200);
}

#[test]
fn what_one_box_is_told_of_numbers_the_others_hear() {
    let Some(url) = postgres() else { return };
    let Pair { a, b, cluster: _cluster } = Cluster::pair("numbers", &url);
    let (from, to) = ("+442079460177", "+442079460190");
    let call = |at: &boxes::TipringBox| {
        at.post("/Calls.json", &[("To", to), ("From", from), ("Twiml", "<Response><Pause length='9'/></Response>")])
    };
    let refused = call(&a);
    assert_eq!(refused.status, 400, "{}", refused.text);
    let number = b.post("/IncomingPhoneNumbers.json", &[("PhoneNumber", from)]);
    assert_eq!(number.status, 201, "{}", number.text);
    let made = until("it may be shown", || Some(call(&a)).filter(|it| it.status == 201));
    assert_eq!(a.post(&format!("/Calls/{}.json", made.word("sid")), &[("Status", "completed")]).status, 200);
    assert_eq!(b.delete(&format!("/IncomingPhoneNumbers/{}.json", number.word("sid"))).status, 204);
    until("it may not be shown any more", || (call(&a).status == 400).then_some(()));
    // What a file of one box fixes stays when the other one starts.
    let fixed = a.get("/IncomingPhoneNumbers.json");
    assert!(fixed.text.contains("+442079460100"), "{}", fixed.text);
}

#[test]
fn a_dead_boxs_calls_are_closed_once() {
    let Some(url) = postgres() else { return };
    let Pair { a, b, mut cluster } = Cluster::pair("dead", &url);
    let c = cluster.start("c");
    let call = a.call("+442079460190");
    until("it is answered", || (a.status_of(&call) == "in-progress").then_some(()));
    cluster.kill("a");
    // Not dead for the others yet, but not to be asked: a plain answer, with the moment to come back.
    let away = b.post(&format!("/Calls/{call}.json"), &[("Status", "completed")]);
    assert_eq!((away.status, away.text.contains("box a")), (503, true), "{}", away.text);
    assert!(away.head.contains("retry-after"), "{}", away.head);
    until("it is closed", || (b.status_of(&call) == "failed").then_some(()));
    let (first, ended) = (b.get(&format!("/Calls/{call}.json")), c.get(&format!("/Calls/{call}.json")));
    assert_eq!(first.word("end_time"), ended.word("end_time"));
    let closed = |log: String| log.matches("a box is silent: its calls are closed").count();
    let times = closed(cluster.log("b")) + closed(cluster.log("c"));
    assert_eq!(times, 1, "{}\n{}", cluster.log("b"), cluster.log("c"));
    // What has ended is anybody's: nothing is passed on any more.
    assert_eq!(b.delete(&format!("/Calls/{call}.json")).status, 204);
}

#[test]
fn a_box_with_another_key_is_not_let_in() {
    let Some(url) = postgres() else { return };
    let mut cluster = Cluster::new("key", &url);
    let a = cluster.start("a");
    cluster.write_key("a key of another system, with enough letters");
    let b = cluster.start("b");
    let call = a.call("+442079460190");
    until("it is answered", || (b.status_of(&call) == "in-progress").then_some(()));
    let refused = b.post(&format!("/Calls/{call}.json"), &[("Status", "completed")]);
    assert_eq!(refused.status, 503, "{}", refused.text);
    assert!(cluster.log("b").contains("boxes.key_file"), "{}", cluster.log("b"));
    assert_eq!(a.status_of(&call), "in-progress");
}
