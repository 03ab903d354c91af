//! Queues of callers and the agents who take them; and the document that a called party hears before it is connected.

use tipring_resources::{CallStatus, Sid};
use tipring_router::{Reply, Request, RequestId};
use tipring_switch::Port;

use crate::bench::*;

const CALLER: &str = "<Enqueue action='/queued' waitUrl='/wait'>sales</Enqueue><Say>next</Say>";
const AGENT: &str = "<Dial action='/served' timeout='20'><Queue url='/about'>sales</Queue></Dial><Say>next</Say>";
const EVE_RINGS: &str = "+12025550124";

/// Callers, then agents; their documents are asked at 101, 102…
fn bench(callers: usize, agents: usize) -> Bench {
    let documents: Vec<&str> = [vec![CALLER; callers], vec![AGENT; agents]].concat();
    let mut bench = Bench::with_each(&documents);
    bench.app("http://app.test/wait", &[xml("<Say>please hold</Say><Pause length='5'/>")]);
    bench.app("http://app.test/about", &[xml("<Say>you are connected</Say>")]);
    bench.app("http://app.test/queued", &[xml("<Say>after queue</Say>")]);
    bench.app("http://app.test/served", &[xml("<Say>after call</Say>")]);
    bench
}

impl Bench {
    fn talk(&self, a: Port, b: Port) -> bool {
        self.hears(a, b) && self.hears(b, a)
    }

    fn told_of(&self, path: &str, name: &str) -> Vec<String> {
        let of = self.requests.iter().filter(|(_, request)| request.url == format!("http://app.test{path}"));
        of.filter_map(|(_, request)| value(request, name).map(str::to_owned)).collect()
    }

    #[track_caller]
    fn done(&mut self, request: Request) -> Reply {
        let id: RequestId = self.request_of_api(request);
        self.wait_ms(50);
        self.reply(id).cloned().expect("a reply")
    }
}

#[test]
fn c10_who_waits_longest_is_connected_first_and_the_others_go_on_waiting() {
    let mut bench = bench(3, 1);
    let callers: Vec<(Port, Sid)> = (0..3)
        .map(|n| {
            bench.wait_ms(1_000);
            bench.calls(n)
        })
        .collect();
    assert_eq!(bench.waiting(), callers.iter().map(|(_, sid)| *sid).collect::<Vec<_>>());
    bench.wait_ms(10_000);
    let (agent, agent_call) = bench.calls(3);
    assert_eq!(bench.waiting().len(), 2, "out of the queue at once");
    bench.wait_ms(1_500);
    assert!(bench.talk(agent, callers[0].0), "{:#?}", bench.lines());
    // What he heard before, and what its server was told.
    assert_eq!(bench.words().iter().filter(|word| **word == "you are connected").count(), 1);
    assert_eq!(bench.told_of("/about", "DequeingCallSid"), [agent_call.to_string()]);
    assert_eq!(bench.told_of("/about", "CallSid"), [callers[0].1.to_string()]);
    assert!(bench.told_of("/about", "QueueTime")[0].parse::<u32>().is_ok_and(|s| (10..20).contains(&s)));
    // The others hear the sound of waiting, and their places have moved up.
    bench.wait_ms(12_000);
    let positions: Vec<String> = bench.told_of("/wait", "QueuePosition");
    assert_eq!(&positions[..3], ["1", "2", "3"]);
    assert!(positions[positions.len() - 2..].iter().all(|place| place == "1" || place == "2"));
    for name in ["QueueSid", "QueueTime", "AvgQueueTime", "CurrentQueueSize", "MaxQueueSize"] {
        assert_eq!(bench.told_of("/wait", name).len(), positions.len(), "{name}");
    }
    // The caller hangs up: the agent goes on, the caller's application hears of it.
    bench.hangs_up(callers[0].0);
    bench.wait_ms(3_000);
    assert_eq!(bench.told_of("/served", "DialCallStatus"), ["completed"]);
    assert_eq!(bench.told_of("/served", "DialCallSid"), [callers[0].1.to_string()]);
    assert_eq!(bench.told_of("/queued", "QueueResult"), ["hangup"]);
    assert!(bench.words().contains(&"after call"));
    bench.hangs_up(callers[1].0);
    bench.hangs_up(callers[2].0);
    bench.nothing_left();
    assert!(bench.waiting().is_empty());
}

#[test]
fn c10_an_agent_waits_for_a_caller_and_goes_on_behind_his_dial() {
    let mut bench = bench(1, 1);
    // Nobody has made the queue yet.
    bench.done(Request::CreateQueue { account: account().sid, name: "sales".into(), max_size: 7 });
    let (agent, _) = bench.calls(1);
    bench.wait_ms(5_000);
    let (caller, _) = bench.calls(0);
    bench.wait_ms(2_000);
    assert!(bench.talk(agent, caller));
    // The agent hangs up: the caller is not dropped with him.
    bench.hangs_up(agent);
    bench.wait_ms(3_000);
    assert_eq!(bench.told_of("/queued", "QueueResult"), ["bridged"]);
    assert!(bench.words().contains(&"after queue"));
    bench.nothing_left();
}

#[test]
fn c10_an_agent_whom_nobody_calls_gives_up_in_time() {
    let mut bench = bench(0, 1);
    bench.done(Request::CreateQueue { account: account().sid, name: "sales".into(), max_size: 7 });
    bench.calls(0);
    bench.wait_ms(25_000);
    assert_eq!(bench.told_of("/served", "DialCallStatus"), ["no-answer"]);
    bench.nothing_left();

    // There is no such queue at all.
    let mut bench = bench_of_nobody();
    bench.calls(0);
    bench.wait_ms(2_000);
    assert_eq!(bench.told_of("/served", "DialCallStatus"), ["failed"]);
    assert_eq!(bench.codes(), [14219]);
    bench.nothing_left();
}

fn bench_of_nobody() -> Bench {
    bench(0, 1)
}

#[test]
fn c10_a_caller_whose_agent_is_gone_before_they_speak_is_first_again() {
    for at_ms in [1, 50, 300, 700, 900] {
        let mut bench = bench(2, 2);
        let (first, _) = bench.calls(0);
        bench.wait_ms(1_000);
        let (second, _) = bench.calls(1);
        let lease = bench.rings_for("103");
        bench.wait_ms(60 + at_ms);
        bench.hangs_up(lease);
        bench.wait_ms(2_000);
        let (agent, _) = bench.calls(3);
        bench.wait_ms(2_000);
        assert!(bench.talk(agent, first), "{at_ms}: {:#?}", bench.lines());
        assert!(!bench.hears(agent, second));
        bench.hangs_up(agent);
        bench.hangs_up(second);
        bench.nothing_left();
    }
}

#[test]
fn c10_a_caller_who_hangs_up_while_he_is_told_makes_room_for_the_next() {
    let mut bench = bench(2, 1);
    let (first, _) = bench.calls(0);
    let (second, _) = bench.calls(1);
    let (agent, _) = bench.calls(2);
    bench.wait_ms(200);
    bench.hangs_up(first);
    bench.wait_ms(2_500);
    assert!(bench.talk(agent, second), "{:#?}", bench.lines());
    bench.hangs_up(agent);
    bench.nothing_left();
}

#[test]
fn c10_a_document_of_waiting_may_leave_hang_up_and_take_keys() {
    let mut bench = bench(1, 0);
    let gather = "<Gather numDigits='1' timeout='2' action='/key'><Say>press one to leave</Say></Gather>";
    bench.app("http://app.test/wait", &[xml(gather)]);
    bench.app("http://app.test/key", &[xml("<Leave/><Say>never</Say>")]);
    let (caller, _) = bench.calls(0);
    bench.wait_ms(7_000);
    bench.presses(caller, "1");
    bench.wait_ms(3_000);
    assert_eq!(bench.told_of("/key", "Digits"), ["1"]);
    assert_eq!(bench.told_of("/queued", "QueueResult"), ["leave"]);
    assert!(bench.words().contains(&"after queue") && !bench.words().contains(&"never"));
    bench.nothing_left();

    let mut bench = self::bench(1, 0);
    bench.app("http://app.test/wait", &[xml("<Say>closed</Say><Hangup/>")]);
    bench.calls(0);
    bench.nothing_left();
    bench.ended(CallStatus::Completed, 16);
    assert_eq!(bench.told_of("/queued", "QueueResult"), ["hangup"]);
}

#[test]
fn c10_a_full_queue_takes_nobody() {
    let full = "<Enqueue maxQueueSize='1' action='/queued'>sales</Enqueue>";
    let mut bench = Bench::with_each(&[full, full, "<Leave/><Say>on</Say>"]);
    bench.app("http://app.test/queued", &[xml("<Say>after queue</Say>")]);
    let (first, _) = bench.calls(0);
    bench.calls(1);
    bench.wait_ms(2_000);
    assert_eq!(bench.told_of("/queued", "QueueResult"), ["queue-full"]);
    assert_eq!(bench.codes(), [14207]);
    // Leave elsewhere is passed over with a word.
    bench.calls(2);
    bench.wait_ms(2_000);
    assert!(bench.words().contains(&"on") && bench.codes().contains(&12200));
    bench.hangs_up(first);
    bench.nothing_left();
}

#[test]
fn c10_the_api_makes_changes_and_deletes_queues() {
    let mut bench = bench(1, 0);
    let owner = account().sid;
    let Reply::Queue(queue, members) =
        bench.done(Request::CreateQueue { account: owner, name: "sales".into(), max_size: 7 })
    else {
        panic!("{:?}", bench.replies())
    };
    assert_eq!((queue.friendly_name.as_str(), queue.max_size, members.len()), ("sales", 7, 0));
    let twice = bench.done(Request::CreateQueue { account: owner, name: "sales".into(), max_size: 7 });
    assert!(matches!(twice, Reply::Refused { code, .. } if code.0 == 22003));
    // A caller of that name is in that queue.
    let (caller, call) = bench.calls(0);
    bench.wait_ms(500);
    let change =
        Request::ChangeQueue { account: owner, queue: queue.sid, name: Some("support".into()), max_size: Some(9) };
    let Reply::Queue(changed, members) = bench.done(change) else { panic!("{:?}", bench.replies()) };
    assert_eq!((changed.sid, changed.max_size), (queue.sid, 9));
    assert_eq!(members.iter().map(|member| member.call).collect::<Vec<_>>(), [call]);
    let delete = Request::DeleteQueue { account: owner, queue: queue.sid };
    assert!(matches!(bench.done(delete.clone()), Reply::Refused { .. }), "somebody waits");
    bench.hangs_up(caller);
    bench.wait_ms(100);
    assert_eq!(bench.done(delete.clone()), Reply::Done);
    assert_eq!(bench.done(delete), Reply::NotLive);
    bench.nothing_left();
}

#[test]
fn c10_the_api_takes_who_waits_longest_out_of_a_queue() {
    let mut bench = bench(2, 0);
    bench.app("http://other.test/", &[xml("<Say>other</Say>")]);
    let (_, first) = bench.calls(0);
    bench.wait_ms(1_000);
    let (second, _) = bench.calls(1);
    bench.wait_ms(1_000);
    let instructions = url("http://other.test/");
    let front = Request::MoveMember { account: account().sid, queue: "sales".into(), call: None, instructions };
    let Reply::Member(member, position) = bench.done(front) else { panic!("{:?}", bench.replies()) };
    assert_eq!((member.call, position), (first, 1));
    bench.wait_ms(3_000);
    assert!(bench.words().contains(&"other") && !bench.words().contains(&"after queue"));
    assert_eq!(bench.told_of("/queued", "QueueResult"), ["redirected"]);
    bench.hangs_up(second);
    bench.nothing_left();
    let nobody = Request::MoveMember {
        account: account().sid,
        queue: "sales".into(),
        call: None,
        instructions: url("http://other.test/"),
    };
    assert_eq!(bench.done(nobody), Reply::NotLive);
}

#[test]
fn c8_a_caller_that_is_connected_with_an_agent_gets_another_document() {
    let mut bench = bench(1, 1);
    bench.app("http://other.test/", &[xml("<Say>other</Say>")]);
    let (caller, call) = bench.calls(0);
    let (agent, _) = bench.calls(1);
    bench.wait_ms(2_000);
    assert!(bench.talk(agent, caller));
    bench.redirects(call, url("http://other.test/"));
    assert!(!bench.hears(agent, caller) && !bench.hears(caller, agent));
    bench.wait_ms(3_000);
    assert_eq!(bench.told_of("/queued", "QueueResult"), ["redirected-from-bridged"]);
    assert_eq!(bench.told_of("/served", "DialCallStatus"), ["answered"]);
    assert!(bench.words().contains(&"other") && bench.words().contains(&"after call"));
    bench.nothing_left();
}

/// An agent in a queue of his own; its name is the first caller's second queue.
const OTHER_AGENT: &str = "<Dial action='/served' timeout='60'><Queue>other</Queue></Dial>";

#[test]
fn c10_an_agent_who_had_a_caller_once_does_not_take_him_from_another_agent() {
    // The first agent waits on, presses the star, hangs up: none of it is the second agent's.
    for leaves in ["hangs up", "star", "timeout"] {
        let first_agent = AGENT.replace("timeout='20'", "timeout='8' hangupOnStar='true'");
        let mut bench = Bench::with_each(&[CALLER, &first_agent, OTHER_AGENT]);
        bench.app("http://app.test/about", &[xml("<Say>you are connected</Say><Pause length='30'/>")]);
        bench.app("http://app.test/elsewhere", &[xml("<Enqueue action='/queued'>other</Enqueue>")]);
        bench.app("http://app.test/queued", &[xml("<Say>after queue</Say>")]);
        bench.app("http://app.test/served", &[xml("<Say>after call</Say>")]);
        bench.done(Request::CreateQueue { account: account().sid, name: "other".into(), max_size: 7 });
        let (caller, call) = bench.calls(0);
        let (first, _) = bench.calls(1);
        bench.wait_ms(500);
        // He goes to the other queue in the middle of what the first agent lets him hear.
        bench.redirects(call, inline("<Enqueue action='http://app.test/queued'>other</Enqueue>"));
        let (second, _) = bench.calls(2);
        bench.wait_ms(500);
        assert!(bench.talk(second, caller), "{leaves}: {:#?}", bench.lines());
        match leaves {
            "hangs up" => bench.hangs_up(first),
            "star" => bench.presses(first, "*"),
            _ => {}
        }
        bench.wait_ms(10_000);
        assert!(bench.talk(second, caller) && !bench.hears(first, caller), "{leaves}: {:#?}", bench.lines());
        bench.hangs_up(caller);
        bench.wait_ms(100);
        assert!(bench.told_of("/served", "DialCallStatus").contains(&"completed".to_owned()), "{leaves}");
        bench.nothing_left();
    }
}

#[test]
fn c10_a_star_in_what_the_caller_is_told_ends_the_agents_dial_and_he_takes_nobody_else() {
    let agent = AGENT.replace("timeout='20'", "hangupOnStar='true'");
    let mut bench = Bench::with_each(&[CALLER, CALLER, &agent]);
    bench.app("http://app.test/wait", &[xml("<Say>please hold</Say><Pause length='5'/>")]);
    bench.app("http://app.test/about", &[xml("<Say>you are connected</Say><Pause length='5'/>")]);
    bench.app("http://app.test/served", &[xml("<Say>after call</Say><Pause length='60'/>")]);
    let (first, first_call) = bench.calls(0);
    bench.wait_ms(1_000);
    let (second, second_call) = bench.calls(1);
    let (agent, _) = bench.calls(2);
    bench.wait_ms(1_500);
    bench.presses(agent, "*");
    bench.wait_ms(500);
    assert_eq!(bench.told_of("/served", "DialCallStatus"), ["canceled"], "{:#?}", bench.lines());
    assert_eq!(bench.waiting(), [first_call, second_call], "the first one is the first again");
    assert_eq!(bench.told_of("/about", "CallSid"), [first_call.to_string()], "nobody else is told anything");
    bench.wait_ms(10_000);
    assert!(bench.bridges.is_empty());
    // While nobody is there the star ends it too.
    [first, second, agent].into_iter().for_each(|port| bench.hangs_up(port));
    let (agent, _) = bench.calls(2);
    bench.wait_ms(1_000);
    bench.presses(agent, "*");
    bench.wait_ms(500);
    assert_eq!(bench.told_of("/served", "DialCallStatus"), ["canceled", "canceled"]);
    bench.hangs_up(agent);
    bench.nothing_left();
}

#[test]
fn c10_a_queue_that_is_deleted_while_an_agent_has_its_caller_keeps_nobody() {
    let mut bench = bench(1, 1);
    bench.app("http://app.test/about", &[xml("<Say>you are connected</Say><Pause length='30'/>")]);
    let (_, _) = bench.calls(0);
    let (agent, _) = bench.calls(1);
    bench.wait_ms(500);
    let queue = bench.told_of("/about", "QueueSid")[0].parse().expect("a queue");
    assert_eq!(bench.done(Request::DeleteQueue { account: account().sid, queue }), Reply::Done);
    bench.hangs_up(agent);
    bench.wait_ms(500);
    assert_eq!(bench.told_of("/queued", "QueueResult"), ["system-error"], "{:#?}", bench.lines());
    assert!(bench.codes().contains(&12400));
    bench.nothing_left();
    assert!(bench.words().contains(&"after queue"));

    // The caller hangs up: the agent does not wait for another one of a queue that is gone.
    let mut bench = self::bench(1, 1);
    bench.app("http://app.test/about", &[xml("<Say>you are connected</Say><Pause length='30'/>")]);
    let (caller, _) = bench.calls(0);
    bench.calls(1);
    bench.wait_ms(500);
    let queue = bench.told_of("/about", "QueueSid")[0].parse().expect("a queue");
    bench.done(Request::DeleteQueue { account: account().sid, queue });
    bench.hangs_up(caller);
    bench.wait_ms(500);
    assert_eq!(bench.told_of("/served", "DialCallStatus"), ["failed"]);
    assert!(bench.codes().contains(&14219));
    bench.nothing_left();
}

#[test]
fn c10_times_of_a_queue_are_the_wait_and_the_talk_and_not_both() {
    for ends in ["caller", "agent", "api"] {
        let mut bench = bench(1, 1);
        bench.app("http://other.test/", &[xml("<Say>other</Say>")]);
        let (caller, call) = bench.calls(0);
        bench.wait_ms(20_000);
        let (agent, _) = bench.calls(1);
        bench.wait_ms(2_000);
        assert!(bench.talk(agent, caller));
        bench.wait_ms(30_000);
        match ends {
            "caller" => bench.hangs_up(caller),
            "agent" => bench.hangs_up(agent),
            _ => drop(bench.redirects(call, url("http://other.test/"))),
        }
        bench.wait_ms(500);
        let seconds = |path: &str, name: &str| bench.told_of(path, name)[0].parse::<u32>().expect("seconds");
        assert!(
            (20..=21).contains(&seconds("/queued", "QueueTime")),
            "{ends}: {:?}",
            bench.told_of("/queued", "QueueTime")
        );
        let talked = seconds("/served", "DialCallDuration");
        assert!((30..=32).contains(&talked), "{ends}: {talked}");
        let result = [("caller", "hangup"), ("agent", "bridged"), ("api", "redirected-from-bridged")];
        assert!(result.contains(&(ends, &bench.told_of("/queued", "QueueResult")[0])));
        bench.nothing_left();
    }
}

#[test]
fn c10_an_agent_who_hangs_up_before_they_speak_has_served_nobody() {
    let mut bench = bench(1, 1);
    let (caller, call) = bench.calls(0);
    let (agent, _) = bench.calls(1);
    bench.wait_ms(300);
    bench.hangs_up(agent);
    bench.wait_ms(500);
    assert_eq!(bench.told_of("/served", "DialCallStatus"), ["canceled"]);
    assert_eq!(bench.told_of("/served", "DialCallDuration"), ["0"]);
    assert_eq!(bench.waiting(), [call]);
    bench.hangs_up(caller);
    bench.nothing_left();
}

fn screened(attributes: &str) -> Bench {
    let numbers = format!("<Number url='/screen'>{BOB}</Number><Number url='/screen'>{EVE_RINGS}</Number>");
    let mut bench = Bench::with_each(&[&format!("<Dial action='/after' {attributes}>{numbers}</Dial>")]);
    let gather = "<Gather numDigits='1' timeout='3' action='/key'><Say>press one</Say></Gather><Hangup/>";
    bench.app("http://app.test/screen", &[xml(gather)]);
    bench.app("http://app.test/key", &[xml("<Say>thank you</Say>")]);
    bench.app("http://app.test/after", &[xml("<Say>after</Say>")]);
    bench.far_end(BOB, FarEnd::answers(1_000));
    bench.far_end(EVE_RINGS, FarEnd::answers(1_500));
    bench
}

/// A mailbox that answers does not swallow the call: who presses a key has it.
#[test]
fn b13_of_two_who_answer_the_one_who_confirms_is_connected() {
    let mut bench = screened("");
    let (caller, _) = bench.calls(0);
    bench.wait_ms(2_500);
    let (bob, eve) = (bench.called[0].0, bench.called[1].0);
    assert_eq!(bench.rows(&[caller, bob, eve]), vec![vec![false; 3]; 3], "nobody hears what is confirmed");
    assert!(bench.playing_to(caller).is_some_and(|what| what.starts_with("ringback")));
    bench.presses(eve, "1");
    bench.wait_ms(2_000);
    assert!(bench.talk(caller, eve), "{:#?}", bench.lines());
    assert!(bench.words().contains(&"thank you"));
    assert_eq!(bench.call_to(BOB).status, CallStatus::Completed, "hung up: he had answered");
    bench.hangs_up(eve);
    bench.nothing_left();
    assert_eq!(bench.told_of("/after", "DialCallStatus"), ["completed"]);
    assert_eq!(bench.told_of("/after", "DialBridged"), ["true"]);
    let asked = bench.requests.iter().find(|(_, r)| r.url.ends_with("/screen")).expect("asked");
    assert!(value(&asked.1, "ParentCallSid").is_some());
}

#[test]
fn b13_if_nobody_confirms_nobody_has_answered() {
    let mut bench = screened("");
    bench.calls(0);
    bench.wait_ms(10_000);
    assert_eq!(bench.told_of("/after", "DialCallStatus"), ["no-answer"], "{:#?}", bench.lines());
    assert_eq!(bench.told_of("/after", "DialBridged"), ["false"]);
    bench.nothing_left();

    // One after the other: the next is called when the first has declined.
    let mut bench = screened("sequential='true'");
    let (caller, _) = bench.calls(0);
    bench.wait_ms(6_500);
    assert_eq!(bench.called.len(), 2, "{:#?}", bench.lines());
    bench.wait_ms(1_000);
    let eve = bench.called[1].0;
    bench.presses(eve, "1");
    bench.wait_ms(2_000);
    assert!(bench.talk(caller, eve));
    bench.hangs_up(caller);
    bench.nothing_left();
}

#[test]
fn b13_a_document_for_the_called_party_that_fails_connects_all_the_same() {
    let mut bench = screened("");
    bench.app("http://app.test/screen", &[App::Fails(11200)]);
    let (caller, _) = bench.calls(0);
    bench.wait_ms(1_500);
    assert!(bench.talk(caller, bench.called[0].0), "{:#?}", bench.lines());
    bench.hangs_up(caller);
    bench.nothing_left();
}

#[test]
fn c4_a_called_party_that_is_ended_in_its_document_is_no_answer() {
    let mut bench = screened("");
    bench.calls(0);
    bench.wait_ms(1_300);
    let bob = bench.call_to(BOB).sid;
    bench.asks_to_end(bob, false);
    bench.wait_ms(1_000);
    let eve = bench.called[1].0;
    bench.hangs_up(eve);
    bench.wait_ms(2_000);
    assert_eq!(bench.told_of("/after", "DialCallStatus"), ["no-answer"]);
    bench.nothing_left();
}
