//! Rooms and queues, through the card: what each telephone hears while the API moves calls about. Rows B15, C5 to C7, C10
//! to C12, C31.

use crate::crowd::{HZ, ROOM, all_completed, ask, crowd, everybody, in_a_room, rows};
use crate::legs::{BOB, called_of, subscriber, tones};
use crate::sound::recorded;
use crate::world::{document, run, value};

#[test]
fn b15_three_callers_hear_each_other_and_a_muted_fourth_only_hears() {
    let muted = ROOM.replace("beep=", "muted='true' beep=");
    let run = crowd(4, 12_000, &(in_a_room(3) + &document("/3", &muted)));
    // Two seconds after the last one came.
    let mut expected = everybody(4);
    (0..3).for_each(|listener| expected[listener][3] = false);
    assert_eq!(rows(&run, 6_000, 8_000), expected);
    all_completed(&run);
}

#[test]
fn b15_coaching_is_heard_by_the_coached_one_alone() {
    let coach = "join = { room = \"talk\", calls = [\"2\"], beep = \"false\" }";
    let turns = "participant = { room = \"talk\", of = \"2\", coaching = true, coached = \"0\" }";
    let run = crowd(
        3,
        14_000,
        &(in_a_room(2)
            + &document("/2", "<Response><Pause length='60'/></Response>")
            + &ask(5_000, coach)
            + &ask(7_000, turns)),
    );
    assert_eq!(rows(&run, 5_300, 6_900), everybody(3));
    assert_eq!(rows(&run, 7_300, 9_000), [[false, true, true], [true, false, false], [true, true, false]]);
    all_completed(&run);
}

#[test]
fn c5_two_separate_calls_are_joined_by_one_request() {
    let busy = document("/0", "<Response><Pause length='100'/></Response>")
        + &document("/1", "<Response><Gather timeout='60'/></Response>");
    let run =
        crowd(2, 10_000, &(busy + &ask(5_000, "join = { room = \"both\", calls = [\"0\", \"1\"], beep = \"false\" }")));
    assert_eq!(rows(&run, 3_000, 4_900), vec![vec![false; 2]; 2]);
    assert_eq!(rows(&run, 5_200, 9_000), everybody(2));
    all_completed(&run);
}

#[test]
fn c6_a_room_of_four_becomes_two_private_pairs() {
    let mut asks = String::new();
    for of in [1, 3] {
        asks += &ask(7_000, &format!("participant = {{ room = \"talk\", of = \"{of}\", move_to = \"aside\" }}"));
    }
    let run = crowd(4, 14_000, &(in_a_room(4) + &asks));
    assert_eq!(rows(&run, 5_000, 6_900), everybody(4));
    let pairs: Vec<Vec<bool>> = (0..4).map(|a| (0..4).map(|b| a != b && a % 2 == b % 2).collect()).collect();
    assert_eq!(rows(&run, 7_100, 9_000), pairs);
    // Nobody is heard in both rooms for a moment: what a telephone hears of the others ends where the move was.
    for (listener, talker) in [(0, 1), (2, 3)] {
        let heard = &run.outcome.heard[listener].1;
        let last = tones(heard, HZ[talker]).last().map(|tone| tone.from_ms + tone.ms).expect("it was heard before");
        let began = run.outcome.told[listener].moments.heard_from_ms.expect("answered") as usize;
        assert!(began + last <= 2_500 + 7_100, "{talker} is heard by {listener} until {} ms", began + last);
    }
    all_completed(&run);
}

#[test]
fn c12_two_go_aside_and_come_back() {
    let mut asks = String::new();
    for (ms, room, to) in [(6_000, "talk", "aside"), (9_000, "aside", "talk")] {
        for of in [0, 1] {
            asks += &ask(ms, &format!("participant = {{ room = \"{room}\", of = \"{of}\", move_to = \"{to}\" }}"));
        }
    }
    let run = crowd(4, 16_000, &(in_a_room(4) + &asks));
    let aside: Vec<Vec<bool>> = (0..4).map(|a| (0..4).map(|b| a != b && (a < 2) == (b < 2)).collect()).collect();
    assert_eq!(rows(&run, 6_200, 8_900), aside);
    assert_eq!(rows(&run, 9_200, 11_000), everybody(4));
    all_completed(&run);
}

#[test]
fn c31_mute_hold_and_removal_by_the_api_are_heard() {
    let of = |what: &str| format!("participant = {{ room = \"talk\", of = \"1\", {what} }}");
    let asks = ask(5_000, &of("muted = true"))
        + &ask(7_000, &of("muted = false, hold = true, hold_url = \"http://app.example/hold\""))
        + &ask(9_000, &of("hold = false"))
        + &ask(11_000, "remove = { room = \"talk\", of = \"1\" }");
    let run =
        crowd(3, 16_000, &(in_a_room(3) + &document("/hold", "<Response><Pause length='1'/></Response>") + &asks));
    let mut muted = everybody(3);
    (muted[0][1], muted[2][1]) = (false, false);
    let mut held = muted.clone();
    held[1] = vec![false; 3];
    assert_eq!(rows(&run, 5_200, 6_900), muted);
    assert_eq!(rows(&run, 7_200, 8_900), held);
    assert_eq!(rows(&run, 9_200, 10_900), everybody(3));
    assert_eq!(rows(&run, 11_200, 12_000), held, "and the others go on");
    assert!(!run.asked("/hold").is_empty());
}

#[test]
fn c7_recordings_of_a_live_call_hold_only_the_periods_in_which_they_were_on() {
    let document = document("/0", "<Response><Gather timeout='60'/></Response>") + &document("/kept", "");
    // Two recordings of the caller's voice, the second with a pause in its middle.
    let record = "record = { of = \"0\", track = \"inbound\", callback = \"http://app.example/kept\" }";
    let change = |change: &str| format!("recording = {{ of = \"0\", change = \"{change}\" }}");
    let asks = ask(2_000, record)
        + &ask(4_000, &change("stop"))
        + &ask(6_000, record)
        + &ask(7_000, &change("pause"))
        + &ask(9_000, &change("resume"))
        + &ask(10_000, &change("stop"));
    let run = crowd(1, 14_000, &(document + &asks));
    let lengths: Vec<usize> = run.told().recordings.iter().map(|file| recorded(file).len() / 8).collect();
    assert_eq!(lengths.len(), 2, "{:?} {:#?}", run.outcome.failures, run.lines("file"));
    // The pause leaves nothing behind: one second before it, one after.
    assert!(lengths.iter().all(|ms| ms.abs_diff(2_000) <= 60), "{lengths:?}");
    for file in &run.told().recordings {
        let octets: Vec<u8> = recorded(file).iter().map(|&sample| tipring_dsp::alaw_encode(sample)).collect();
        let all: usize = tones(&octets, HZ[0]).iter().map(|tone| tone.ms).sum();
        assert!(all.abs_diff(2_000) <= 80, "{all} ms of the caller's tone");
    }
    let kept = run.asked("/kept");
    let told: Vec<&str> = kept.iter().filter_map(|asked| value(asked, "RecordingDuration")).collect();
    assert_eq!(told, ["2", "2"]);
    all_completed(&run);
}

#[test]
fn c10_three_wait_in_a_queue_and_the_first_gets_the_agent() {
    let wait = "<Response><Enqueue waitUrl='/wait' action='/after'>help</Enqueue></Response>";
    let agent = "<Response><Dial><Queue>help</Queue></Dial></Response>";
    let documents: String = (0..3).map(|n| document(&format!("/{n}"), wait)).collect();
    let rest = documents
        + &document("/3", agent)
        + &document("/wait", "<Response><Pause length='30'/></Response>")
        + &document("/after", "<Response/>");
    let run = crowd(4, 10_000, &rest);
    let mut expected = vec![vec![false; 4]; 4];
    (expected[0][3], expected[3][0]) = (true, true);
    assert_eq!(rows(&run, 4_500, 8_500), expected, "the agent came at 3 s");
    let result = |asked: &&tipring::daemon::app::Asked| value(asked, "QueueResult").map(str::to_owned);
    let results: Vec<_> = run.asked("/after").iter().filter_map(result).collect();
    assert!(results.contains(&"hangup".to_owned()), "{results:?}");
}

#[test]
fn c11_both_sides_of_a_bridge_hear_a_notice_and_the_bridge_stays() {
    let dial = format!("<Response><Dial>{BOB}</Dial></Response>");
    let text = document("/", &dial)
        + &document("/notice", "<Response><Play>/tone.wav</Play></Response>")
        + "\n[[document]]\npath = \"/tone.wav\"\nbody = \"@announcement\"\n"
        + &subscriber(
            BOB,
            "rings_ms = 500\ndoes = [{ wait = { ms = 12000 } }, { tone = { hz = 700.0, ms = 1000 } }, { hangup = {} }]",
        )
        + "\n[[call]]\nid = \"caller\"\nfrom = \"2025550100\"\nto = \"100\"\n\
           does = [{ await_answer = {} }, { wait = { ms = 11000 } }, { tone = { hz = 900.0, ms = 1000 } }, { await_hangup = {} }]\n"
        + &ask(4_000, "notice = { of = \"caller\", url = \"http://app.example/notice\" }");
    let run = run(&text);
    let called = called_of(&run.outcome.called, BOB);
    let sounds = [run.octets(), &called.heard].map(|heard| {
        let samples = crate::sound::linear(heard);
        samples.chunks_exact(80).filter(|block| tipring_dsp::dbm0_of(block) > -40.0).count() * 10
    });
    assert!(sounds.iter().all(|ms| *ms > 1_500), "both hear the announcement and the other's tone: {sounds:?} ms");
    // They still hear each other after it.
    assert!(!tones(&called.heard, 900.0).is_empty() && !tones(run.octets(), 700.0).is_empty());
    assert_eq!(run.told().status.as_deref(), Some("completed"));
}
