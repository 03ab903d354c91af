//! Conference rooms: who hears whom, what they wait with, how they begin and end, and what the API does to them.

use tipring_resources::{ConferenceStatus, Method, ParticipantStatus, Sid};
use tipring_router::{Announce, Gathering, NewParticipant, ParticipantChange, Reply, Request, RequestId, SeatWish};
use tipring_switch::Port;

use crate::bench::*;

pub(crate) const EVENTS: &str = "http://app.test/events";

pub(crate) fn room(attributes: &str) -> String {
    format!("<Dial action='/after'><Conference {attributes}>talk</Conference></Dial><Say>next</Say>")
}

/// So many callers, each in the room with these attributes.
pub(crate) fn gathered(attributes: &[&str]) -> (Bench, Vec<Port>, Vec<Sid>) {
    let documents: Vec<String> = attributes.iter().map(|attributes| room(attributes)).collect();
    let documents: Vec<&str> = documents.iter().map(String::as_str).collect();
    let mut bench = Bench::with_each(&documents);
    bench.app("http://app.test/after", &[xml("<Say>after</Say>")]);
    bench.app(EVENTS, &[App::Says("", String::new())]);
    let calls: Vec<(Port, Sid)> = (0..attributes.len()).map(|n| bench.calls(n)).collect();
    bench.wait_ms(200);
    let (ports, sids) = calls.into_iter().unzip();
    (bench, ports, sids)
}

pub(crate) fn change(call: Sid) -> ParticipantChange {
    ParticipantChange {
        account: Some(account().sid),
        conference: "talk".into(),
        call: call.to_string(),
        ..ParticipantChange::default()
    }
}

impl Bench {
    #[track_caller]
    pub(crate) fn changes(&mut self, change: ParticipantChange) -> Reply {
        let id = self.request_of_api(Request::ChangeParticipant(Box::new(change)));
        self.answered(id)
    }

    #[track_caller]
    pub(crate) fn answered(&mut self, id: RequestId) -> Reply {
        self.wait_ms(50);
        self.reply(id).cloned().expect("a reply")
    }

    pub(crate) fn gathers(&mut self, name: &str, calls: &[Sid]) -> RequestId {
        self.request_of_api(Request::Gather(Box::new(Gathering {
            account: account().sid,
            conference: name.into(),
            calls: calls.to_vec(),
            seat: SeatWish { beep: "false".into(), ..SeatWish::default() },
        })))
    }
}

/// All hear each other and nobody himself.
fn everybody(n: usize) -> Vec<Vec<bool>> {
    (0..n).map(|listener| (0..n).map(|talker| listener != talker).collect()).collect()
}

#[test]
fn b15_three_hear_each_other_and_a_muted_one_is_not_heard() {
    let (mut bench, ports, sids) = gathered(&["", "", "muted='true'"]);
    let mut expected = everybody(3);
    (0..3).for_each(|listener| expected[listener][2] = false);
    assert_eq!(bench.rows(&ports), expected);
    assert_eq!(bench.room().status, ConferenceStatus::InProgress);
    assert!(bench.participant(sids[2]).0.muted);
    // The beep is heard by those inside: at the second's and at the third's coming.
    assert_eq!(bench.words().iter().filter(|word| **word == "beep").count(), 2);
    bench.hangs_up(ports[0]);
    bench.wait_ms(100);
    assert_eq!(bench.rows(&ports[1..]), [[false, false], [true, false]]);
    bench.hangs_up(ports[1]);
    bench.hangs_up(ports[2]);
    bench.nothing_left();
    let room = bench.room();
    assert_eq!(
        (room.status, room.reason_ended.as_deref()),
        (ConferenceStatus::Completed, Some("last-participant-left"))
    );
    assert_eq!(room.ended_by, Some(sids[2]));
    assert!(bench.participant(sids[0]).1);
    // Who hung up: the application hears of it, and what it answers is not carried out.
    let asked: Vec<_> = bench.requests.iter().filter(|(_, r)| r.url == "http://app.test/after").collect();
    assert_eq!(asked.len(), 3);
    assert!(asked.iter().all(|(_, request)| value(request, "DialCallStatus") == Some("completed")));
    assert!(!bench.words().contains(&"after"));
}

#[test]
fn b15_who_is_first_hears_music_until_a_second_one_comes() {
    let (mut bench, ports, _) = gathered(&["", ""]);
    let first = bench.heard.iter().find(|heard| heard.what == "music").expect("music");
    assert!(!first.whole, "it was cut when the second came");
    assert_eq!(bench.heard.iter().filter(|heard| heard.what == "music").count(), 1, "the second one hears none");
    assert_eq!(bench.playing_to(ports[0]), None);
    assert_eq!(bench.rows(&ports), everybody(2));
    ports.iter().for_each(|port| bench.hangs_up(*port));
    bench.nothing_left();
}

#[test]
fn b15_a_room_does_not_begin_before_somebody_comes_who_may_begin_it() {
    let (mut bench, mut ports, _) = gathered(&["startConferenceOnEnter='false'", "startConferenceOnEnter='false'", ""]);
    assert_eq!(bench.rooms()[0].status, ConferenceStatus::Init);
    // Both waited with music until the third one came.
    assert_eq!(bench.heard.iter().filter(|heard| heard.what == "music" && !heard.whole).count(), 2);
    assert_eq!(bench.rows(&ports), everybody(3));
    ports.drain(..).for_each(|port| bench.hangs_up(port));
    bench.nothing_left();

    let (mut bench, ports, _) = gathered(&["startConferenceOnEnter='false'", "startConferenceOnEnter='false'"]);
    assert_eq!(bench.rows(&ports), [[false, false], [false, false]]);
    ports.iter().for_each(|port| bench.hangs_up(*port));
    bench.nothing_left();
    assert!(bench.room().started.is_none());
}

#[test]
fn b15_when_who_ends_it_leaves_the_others_go_on_behind_their_dial() {
    let (mut bench, ports, sids) = gathered(&["endConferenceOnExit='true'", "", ""]);
    bench.hangs_up(ports[0]);
    bench.nothing_left();
    assert_eq!(bench.words().iter().filter(|word| **word == "after").count(), 2);
    let room = bench.room();
    assert_eq!(room.reason_ended.as_deref(), Some("participant-with-end-conference-on-exit-left"));
    assert_eq!(room.ended_by, Some(sids[0]));
    let asked = bench.requests.iter().filter(|(_, r)| value(r, "DialCallStatus") == Some("answered"));
    assert_eq!(asked.count(), 2);
}

#[test]
fn b15_a_full_room_takes_nobody_and_the_document_goes_on() {
    let (mut bench, ports, sids) = gathered(&["maxParticipants='2'", "", ""]);
    assert_eq!(bench.codes(), [16020]);
    assert_eq!(bench.rows(&ports[..2]), everybody(2));
    let request = bench.requests.iter().find(|(_, r)| r.url.ends_with("/after")).expect("its action is asked");
    assert_eq!(
        (value(&request.1, "DialCallStatus"), value(&request.1, "CallSid")),
        (Some("failed"), Some(&*sids[2].to_string()))
    );
    ports[..2].iter().for_each(|port| bench.hangs_up(*port));
    bench.nothing_left();
}

#[test]
fn b15_a_coach_hears_all_and_only_the_coached_one_hears_him() {
    let (bench, _, sids) = gathered(&["", ""]);
    drop(bench);
    // SIDs come from the seed: the same calls have the same names again.
    let coached = format!("coach='{}'", sids[0]);
    let (mut bench, ports, again) = gathered(&["", "", &coached]);
    assert_eq!(again[0], sids[0]);
    assert_eq!(bench.rows(&ports), [[false, true, true], [true, false, false], [true, true, false]]);
    // The coach turns to another one.
    let to = ParticipantChange { coached: Some(again[1]), ..change(again[2]) };
    assert!(matches!(bench.changes(to), Reply::Participant(p) if p.coached == Some(again[1]) && p.coaching));
    assert_eq!(bench.rows(&ports), [[false, true, false], [true, false, true], [true, true, false]]);
    // On hold the coached one hears nobody, and back again.
    bench.changes(ParticipantChange { hold: Some(true), ..change(again[1]) });
    assert_eq!(bench.rows(&ports), [[false, false, false], [false, false, false], [true, false, false]]);
    bench.changes(ParticipantChange { hold: Some(false), ..change(again[1]) });
    assert_eq!(bench.rows(&ports), [[false, true, false], [true, false, true], [true, true, false]]);
    // He is a member like all others then.
    bench.changes(ParticipantChange { coaching: Some(false), ..change(again[2]) });
    assert_eq!(bench.rows(&ports), everybody(3));
    // Nobody is coached who is not there.
    let nobody = ParticipantChange { coached: Some(account().sid), ..change(again[2]) };
    assert!(matches!(bench.changes(nobody), Reply::Refused { code, .. } if code.0 == 16027));
    ports.iter().for_each(|port| bench.hangs_up(*port));
    bench.nothing_left();
}

#[test]
fn b15_when_the_coached_one_leaves_the_coach_speaks_to_nobody() {
    let (_, _, sids) = gathered(&["", ""]);
    let (mut bench, ports, _) = gathered(&["", "", &format!("coach='{}'", sids[1])]);
    bench.hangs_up(ports[1]);
    bench.wait_ms(100);
    assert_eq!(bench.rows(&[ports[0], ports[2]]), [[false, false], [true, false]]);
    bench.hangs_up(ports[0]);
    bench.hangs_up(ports[2]);
    bench.nothing_left();
}

#[test]
fn a23_the_callback_is_told_everything_in_order() {
    let all = "start end join leave mute hold modify speaker announcement";
    let first = format!("statusCallback='{EVENTS}' statusCallbackEvent='{all}' participantLabel='ann'");
    let (mut bench, ports, sids) = gathered(&[&first, "endConferenceOnExit='true'"]);
    bench.changes(ParticipantChange { muted: Some(true), ..change(sids[0]) });
    // The same again is no change.
    bench.changes(ParticipantChange { muted: Some(true), ..change(sids[0]) });
    bench.changes(ParticipantChange { muted: Some(false), hold: Some(true), ..change(sids[0]) });
    bench.changes(ParticipantChange { hold: Some(false), end_on_exit: Some(true), ..change(sids[0]) });
    bench.wait_ms(100);
    bench.hangs_up(ports[1]);
    bench.nothing_left();
    let events = [
        "participant-join",
        "participant-join",
        "conference-start",
        "participant-mute",
        "participant-unmute",
        "participant-hold",
        "participant-unhold",
        "participant-modify",
        "participant-leave",
        "participant-leave",
        "conference-end",
    ];
    assert_eq!(bench.told(EVENTS, "StatusCallbackEvent"), events);
    let numbers: Vec<String> = (1..=events.len()).map(|n| n.to_string()).collect();
    assert_eq!(bench.told(EVENTS, "SequenceNumber"), numbers);
    assert_eq!(bench.told(EVENTS, "ReasonParticipantLeft"), ["participant_hung_up", "moderator_ended_conference"]);
    assert_eq!(bench.told(EVENTS, "ParticipantLabel").len(), 7, "where it is about ann");
    assert_eq!(bench.told(EVENTS, "ReasonConferenceEnded"), ["participant-with-end-conference-on-exit-left"]);
    let end = bench.callbacks().into_iter().rfind(|request| request.url == EVENTS).expect("told");
    for name in ["ConferenceSid", "FriendlyName", "AccountSid", "Timestamp", "CallSidEndingConference"] {
        assert!(value(end, name).is_some_and(|value| !value.is_empty()), "{name}");
    }
    // The second one's wishes for the room do not count: it is there already.
    assert_eq!(bench.codes(), [0; 0]);
}

#[test]
fn b15_a_room_is_recorded_from_its_start_to_its_end() {
    let (mut bench, ports, sids) = gathered(&["record='record-from-start' recordingStatusCallback='/kept'", ""]);
    bench.app("http://app.test/kept", &[App::Says("", String::new())]);
    bench.wait_ms(5_000);
    let [recording] = bench.recordings()[..] else { panic!("{:?}", bench.recordings()) };
    assert_eq!((recording.conference, recording.source.as_str()), (Some(bench.room().sid), "Conference"));
    assert_eq!(recording.call, sids[1], "of the call that began it");
    ports.iter().for_each(|port| bench.hangs_up(*port));
    bench.nothing_left();
    let last = *bench.recordings().last().expect("a recording");
    assert_eq!(last.status, tipring_resources::RecordingStatus::Completed);
    assert_eq!(bench.told("http://app.test/kept", "RecordingStatus"), ["completed"]);
    assert_eq!(bench.told("http://app.test/kept", "RecordingSource"), ["Conference"]);
    assert_eq!(bench.told("http://app.test/kept", "ConferenceSid"), [bench.room().sid.to_string()]);
}

#[test]
fn b15_a_document_of_waiting_is_asked_again_when_it_has_run_out() {
    let mut bench = Bench::with_each(&[&room("waitUrl='/wait'")]);
    bench.app("http://app.test/wait", &[xml("<Say>please wait</Say><Dial>+12025550123</Dial><Pause length='2'/>")]);
    let (port, sid) = bench.calls(0);
    bench.wait_ms(10_000);
    assert!(bench.words().iter().filter(|word| **word == "please wait").count() >= 3, "{:?}", bench.words());
    let asked = bench.requests.iter().find(|(_, r)| r.url.ends_with("/wait")).expect("asked");
    assert_eq!(value(&asked.1, "CallSid"), Some(&*sid.to_string()));
    assert!(value(&asked.1, "ConferenceSid").is_some_and(|sid| sid.starts_with("CF")));
    assert!(bench.codes().contains(&13238), "a Dial may not stand there: {:?}", bench.codes());
    assert!(bench.called.is_empty());
    bench.hangs_up(port);
    bench.nothing_left();
}

#[test]
fn b15_a_document_of_waiting_that_fails_or_is_empty_costs_nobody_the_call() {
    for (attributes, answers) in [
        ("waitUrl=''", App::Fails(11200)),
        ("waitUrl='/wait'", App::Fails(11200)),
        ("waitUrl='/wait'", App::Hangs),
        ("waitUrl='/wait'", xml("")),
        ("waitUrl='/wait'", xml("<Redirect>/wait</Redirect>")),
        ("waitUrl='/wait' waitMethod='GET'", App::Says("audio/mpeg", String::new())),
    ] {
        let mut bench = Bench::with_each(&[&room(attributes), &room("")]);
        bench.app("http://app.test/wait", std::slice::from_ref(&answers));
        let (first, _) = bench.calls(0);
        bench.wait_ms(60_000);
        assert!(bench.requests.len() < 150, "{attributes} {answers:?}: {} requests", bench.requests.len());
        assert_eq!(bench.router.live_calls().count(), 1);
        let (second, _) = bench.calls(1);
        bench.wait_ms(100);
        assert_eq!(bench.rows(&[first, second]), everybody(2), "{attributes} {answers:?}");
        assert_eq!(bench.playing_to(first), None);
        bench.hangs_up(first);
        bench.hangs_up(second);
        bench.nothing_left();
    }
}

#[test]
fn c5_two_separate_calls_hear_each_other_after_one_request() {
    let mut bench = Bench::with_each(&["<Say>long</Say>", "<Gather numDigits='4'><Say>long</Say></Gather>"]);
    bench.sound("long", SoundIs::Long(60_000));
    let ((a, first), (b, second)) = (bench.calls(0), bench.calls(1));
    bench.presses(b, "12");
    let id = bench.gathers("together", &[first, second]);
    bench.wait_ms(100);
    assert_eq!(bench.rows(&[a, b]), everybody(2), "{:#?}", bench.lines());
    let Some(Reply::Participants(room, participants)) = bench.reply(id).cloned() else {
        panic!("{:?}", bench.replies())
    };
    assert_eq!((room.friendly_name.as_str(), participants.len()), ("together", 2));
    for (sid, port) in [(first, a), (second, b)] {
        assert_eq!(bench.playing_to(port), None);
        let (participant, gone) = bench.participant(sid);
        assert!(!gone && participant.status == ParticipantStatus::Connected);
    }
    // Nothing of what was cut is delivered, and neither call was dropped on the way.
    assert!(bench.requests.iter().all(|(_, request)| value(request, "Digits").is_none()));
    assert_eq!(bench.router.live_calls().count(), 2);
    bench.hangs_up(a);
    bench.hangs_up(b);
    bench.nothing_left();
}

#[test]
fn c5_both_legs_of_a_bridge_and_a_third_call_are_merged() {
    let dial = format!("<Dial action='/after'>{BOB}</Dial>");
    let mut bench = Bench::with_each(&[&dial, "<Pause length='60'/>"]);
    bench.far_end(BOB, FarEnd::answers(500));
    let (a, first) = bench.calls(0);
    bench.wait_ms(2_000);
    let (b, bob) = (bench.called[0].0, bench.call_to(BOB).sid);
    assert_eq!(bench.rows(&[a, b]), everybody(2));
    let (c, third) = bench.calls(1);
    bench.gathers("all", &[first, bob, third]);
    bench.wait_ms(200);
    assert_eq!(bench.rows(&[a, b, c]), everybody(3), "{:#?}", bench.lines());
    assert_eq!(bench.router.live_calls().count(), 3);
    assert!(bench.requests.iter().all(|(_, request)| !request.url.ends_with("/after")), "the Dial was cut");
    [a, b, c].into_iter().for_each(|port| bench.hangs_up(port));
    bench.nothing_left();
}

#[test]
fn c5_a_request_that_names_a_call_that_is_over_moves_nobody() {
    let (mut bench, ports, sids) = gathered(&["", ""]);
    let id = bench.gathers("other", &[sids[0], account().sid]);
    assert!(matches!(bench.answered(id), Reply::Refused { code, .. } if code.0 == 21220));
    assert_eq!(bench.rows(&ports), everybody(2));
    ports.iter().for_each(|port| bench.hangs_up(*port));
    bench.nothing_left();
    assert_eq!(bench.room().friendly_name, "talk");
}

#[test]
fn c6_a_room_of_four_is_split_into_two_private_pairs() {
    let (mut bench, ports, sids) = gathered(&[""; 4]);
    assert_eq!(bench.rows(&ports), everybody(4));
    for call in [sids[1], sids[3]] {
        let reply = bench.changes(ParticipantChange { move_to: Some("aside".into()), ..change(call) });
        assert!(matches!(reply, Reply::Participant(p) if p.call == call), "{:?}", bench.replies());
    }
    bench.wait_ms(100);
    let pair = |a: usize, b: usize| (a + b).is_multiple_of(2) && a != b;
    let expected: Vec<Vec<bool>> = (0..4).map(|a| (0..4).map(|b| pair(a, b)).collect()).collect();
    assert_eq!(bench.rows(&ports), expected);
    assert_eq!(
        bench.router.live_calls().map(|call| call.sid).collect::<std::collections::BTreeSet<_>>(),
        sids.iter().copied().collect()
    );
    assert_eq!(bench.requests.iter().filter(|(_, r)| r.url.ends_with("/after")).count(), 0, "their Dial goes on");
    ports.iter().for_each(|port| bench.hangs_up(*port));
    bench.nothing_left();
}

#[test]
fn c12_two_go_aside_and_back_and_the_others_hear_neither_meanwhile() {
    let (mut bench, ports, sids) = gathered(&[""; 4]);
    for (room, names) in [("aside", [0, 1]), ("talk", [0, 1])] {
        for n in names {
            let conference = if room == "aside" { "talk" } else { "aside" };
            let change =
                ParticipantChange { conference: conference.into(), move_to: Some(room.into()), ..change(sids[n]) };
            assert!(matches!(bench.changes(change), Reply::Participant(_)), "{:?}", bench.replies().last());
            for (listener, row) in bench.rows(&ports).iter().enumerate().skip(2) {
                assert!(!row[listener] && row[5 - listener], "the two others always hear each other");
            }
        }
        let rows = bench.rows(&ports);
        let private = room == "aside";
        assert!(rows[0][1] && rows[1][0] && rows[2][0] != private && rows[0][3] != private, "{room}: {rows:?}");
    }
    assert_eq!(bench.rows(&ports), everybody(4));
    ports.iter().for_each(|port| bench.hangs_up(*port));
    bench.nothing_left();
}

#[test]
fn c10_who_is_on_hold_hears_the_hold_document_and_nobody_hears_him() {
    let (mut bench, ports, sids) = gathered(&[""; 3]);
    bench.app("http://app.test/hold", &[xml("<Say>on hold</Say><Pause length='3'/>")]);
    let hold = ("http://app.test/hold".to_owned(), Method::Get);
    let reply = bench.changes(ParticipantChange { hold: Some(true), hold_document: Some(hold), ..change(sids[1]) });
    assert!(matches!(reply, Reply::Participant(p) if p.hold));
    bench.wait_ms(9_000);
    assert!(bench.words().iter().filter(|word| **word == "on hold").count() >= 2);
    assert_eq!(bench.rows(&ports), [[false, false, true], [false; 3], [true, false, false]]);
    // The room's other changes don't cut what he hears.
    let before = bench.words().len();
    bench.changes(ParticipantChange { muted: Some(true), ..change(sids[0]) });
    assert_eq!(bench.words().len(), before);
    bench.changes(ParticipantChange { hold: Some(false), ..change(sids[1]) });
    bench.changes(ParticipantChange { muted: Some(false), ..change(sids[0]) });
    assert_eq!((bench.rows(&ports), bench.playing_to(ports[1])), (everybody(3), None));
    // On hold without a document: music.
    bench.changes(ParticipantChange { hold: Some(true), ..change(sids[0]) });
    bench.wait_ms(100);
    assert_eq!(bench.playing_to(ports[0]), Some("music"));
    ports.iter().for_each(|port| bench.hangs_up(*port));
    bench.nothing_left();
}

#[test]
fn c31_a_member_is_taken_out_and_its_document_goes_on() {
    let (mut bench, ports, sids) = gathered(&["", "participantLabel='bob'", ""]);
    let id = bench.request_of_api(Request::RemoveParticipant {
        account: account().sid,
        conference: bench.room().sid.to_string(),
        call: "bob".into(),
    });
    assert_eq!(bench.answered(id), Reply::Done);
    assert!(bench.participant(sids[1]).1);
    assert_eq!(bench.rows(&ports), [[false, false, true], [false; 3], [true, false, false]]);
    bench.wait_ms(3_000);
    assert!(bench.words().contains(&"after"), "{:#?}", bench.lines());
    // Nobody is there twice.
    let again = Request::RemoveParticipant { account: account().sid, conference: "talk".into(), call: "bob".into() };
    let id = bench.request_of_api(again);
    assert_eq!(bench.answered(id), Reply::NotLive);
    bench.hangs_up(ports[0]);
    bench.hangs_up(ports[2]);
    bench.nothing_left();
}

#[test]
fn c31_the_api_ends_a_room_for_everybody() {
    let (mut bench, _, _) = gathered(&[&format!("statusCallback='{EVENTS}' statusCallbackEvent='end'"), ""]);
    let request =
        Request::ChangeConference { account: account().sid, conference: "talk".into(), end: true, announce: None };
    let id = bench.request_of_api(request);
    let Reply::Conference(room) = bench.answered(id) else { panic!("{:?}", bench.replies()) };
    assert_eq!(room.status, ConferenceStatus::Completed);
    bench.nothing_left();
    assert_eq!(bench.words().iter().filter(|word| **word == "after").count(), 2);
    assert_eq!(bench.told(EVENTS, "ReasonConferenceEnded"), ["conference-ended-via-api"]);
    assert_eq!(bench.room().reason_ended.as_deref(), Some("conference-ended-via-api"));
}

#[test]
fn c11_an_announcement_is_heard_by_everybody_in_the_room_and_then_forgotten() {
    let (mut bench, ports, _) =
        gathered(&[&format!("statusCallback='{EVENTS}' statusCallbackEvent='announcement'"), "", ""]);
    bench.app("http://app.test/say", &[xml("<Say>five minutes</Say><Pause length='1'/><Say>goodbye</Say>")]);
    let announce = Some(Announce { url: "http://app.test/say".into(), method: Method::Post });
    let request = Request::ChangeConference { account: account().sid, conference: "talk".into(), end: false, announce };
    let id = bench.request_of_api(request);
    bench.wait_ms(500);
    assert!(matches!(bench.reply(id), Some(Reply::Conference(_))));
    let voice = *bench.voices.iter().find(|voice| bench.playing_to(**voice) == Some("five minutes")).expect("a voice");
    assert!(ports.iter().all(|port| bench.hears(*port, voice)));
    assert_eq!(bench.rows(&ports), everybody(3), "and each other");
    bench.wait_ms(5_000);
    assert!(!bench.voices.contains(&voice) && bench.words().contains(&"goodbye"));
    assert_eq!(bench.told(EVENTS, "StatusCallbackEvent"), ["announcement-end"]);
    ports.iter().for_each(|port| bench.hangs_up(*port));
    bench.nothing_left();
}

#[test]
fn c11_a_notice_is_heard_by_both_sides_of_a_bridge_which_stays() {
    let mut bench = Bench::with_each(&[&format!("<Dial>{BOB}</Dial>")]);
    bench.far_end(BOB, FarEnd::answers(500));
    bench.app("http://app.test/say", &[xml("<Say>a notice</Say>")]);
    let (a, first) = bench.calls(0);
    bench.wait_ms(2_000);
    let (b, bob) = (bench.called[0].0, bench.call_to(BOB).sid);
    for call in [first, bob] {
        let announce = Announce { url: "http://app.test/say".into(), method: Method::Post };
        let id = bench.request_of_api(Request::Notice { account: account().sid, call, announce });
        bench.wait_ms(500);
        assert!(matches!(bench.reply(id), Some(Reply::Call(_))));
        let [voice] = bench.voices.iter().copied().collect::<Vec<_>>()[..] else { panic!("one voice") };
        assert!(bench.hears(a, voice) && bench.hears(b, voice) && !bench.hears(voice, a));
        assert_eq!(bench.rows(&[a, b]), everybody(2));
        bench.wait_ms(3_000);
        assert!(bench.voices.is_empty());
        assert_eq!(bench.rows(&[a, b]), everybody(2));
    }
    bench.hangs_up(b);
    bench.nothing_left();
}

#[test]
fn c11_one_member_alone_hears_an_announcement_beside_the_others() {
    let (mut bench, ports, sids) = gathered(&["", ""]);
    bench.app("http://app.test/say", &[xml("<Say>only you</Say>")]);
    let announce = Some(Announce { url: "http://app.test/say".into(), method: Method::Post });
    bench.changes(ParticipantChange { announce, ..change(sids[1]) });
    bench.wait_ms(300);
    assert_eq!((bench.playing_to(ports[1]), bench.playing_to(ports[0])), (Some("only you"), None));
    assert_eq!(bench.rows(&ports), everybody(2), "while the others talk on");
    bench.wait_ms(3_000);
    ports.iter().for_each(|port| bench.hangs_up(*port));
    bench.nothing_left();
}

pub(crate) fn bob_is_called(seat: SeatWish) -> Request {
    let call = Bench::order(inline(""));
    Request::CreateParticipant(Box::new(NewParticipant { call, conference: "talk".into(), seat }))
}

#[test]
fn c31_somebody_is_called_into_a_room() {
    let (mut bench, ports, _) = gathered(&[""]);
    bench.far_end(BOB, FarEnd { ringing_ms: Some(500), ..FarEnd::answers(3_000) });
    let id = bench.request_of_api(bob_is_called(SeatWish { label: "bob".into(), ..SeatWish::default() }));
    let Reply::Participant(bob) = bench.answered(id) else { panic!("{:?}", bench.replies()) };
    assert_eq!((bob.conference, bob.label.as_str()), (bench.room().sid, "bob"));
    let mut statuses = Vec::new();
    for _ in 0..50 {
        let status = bench.participant(bob.call).0.status;
        if statuses.last() != Some(&status) {
            statuses.push(status);
        }
        bench.wait_ms(100);
    }
    assert_eq!(statuses, [ParticipantStatus::Connecting, ParticipantStatus::Ringing, ParticipantStatus::Connected]);
    let both = [ports[0], bench.called[0].0];
    assert_eq!(bench.rows(&both), everybody(2));
    // By its label, in any request.
    let muted = ParticipantChange { call: "bob".into(), muted: Some(true), ..change(bob.call) };
    assert!(matches!(bench.changes(muted), Reply::Participant(p) if p.muted));
    bench.hangs_up(both[1]);
    bench.wait_ms(100);
    bench.hangs_up(both[0]);
    bench.nothing_left();
    assert_eq!(bench.call_to(BOB).direction, tipring_resources::Direction::OutboundApi);
}

#[test]
fn c31_a_room_is_made_by_whom_is_called_into_it_and_is_over_if_he_does_not_come() {
    for end in [FarEnd::refuses(500, 17), FarEnd::rings(), FarEnd::no_line(34, false)] {
        let mut bench = Bench::bare(1);
        bench.far_end(BOB, end.clone());
        let id = bench.request_of_api(bob_is_called(SeatWish::default()));
        let Reply::Participant(bob) = bench.answered(id) else { panic!("{:?}", bench.replies()) };
        bench.nothing_left();
        assert!(bench.participant(bob.call).1, "{end:?}");
        assert_eq!(bench.room().status, ConferenceStatus::Completed);
    }
    // Whom nobody may call makes no room.
    let mut bench = Bench::bare(1);
    let Request::CreateParticipant(mut new) = bob_is_called(SeatWish::default()) else { panic!("a participant") };
    new.call.to = "+19005550100".into();
    let id = bench.request_of_api(Request::CreateParticipant(new));
    assert!(matches!(bench.answered(id), Reply::Refused { .. }));
    assert!(bench.rooms().is_empty());
}

#[test]
fn c8_a_member_that_gets_another_document_leaves_the_room_at_once() {
    let (mut bench, ports, sids) = gathered(&["", "", ""]);
    bench.app("http://other.test/", &[xml("<Say>other</Say>")]);
    bench.redirects(sids[1], url("http://other.test/"));
    assert_eq!(bench.rows(&ports), [[false, false, true], [false; 3], [true, false, false]]);
    bench.wait_ms(5_000);
    assert!(bench.words().contains(&"other") && !bench.words().contains(&"after"));
    bench.hangs_up(ports[0]);
    bench.hangs_up(ports[2]);
    bench.nothing_left();
}

#[test]
fn b12_the_time_limit_takes_a_member_out_wherever_it_is() {
    for with_second in [false, true] {
        let limited = "<Dial timeLimit='5' action='/after'><Conference>talk</Conference></Dial>";
        let mut bench = Bench::with_each(&[limited, &room("")]);
        bench.app("http://app.test/after", &[xml("<Say>after</Say>")]);
        bench.calls(0);
        let second = with_second.then(|| bench.calls(1).0);
        bench.wait_ms(8_000);
        assert!(bench.words().contains(&"after"), "{:#?}", bench.lines());
        if let Some(second) = second {
            bench.hangs_up(second);
        }
        bench.nothing_left();
    }
}

#[test]
fn a_box_without_voices_has_rooms_without_beeps() {
    let mut config = config(1);
    config.sources = 0..0;
    let (mut bench, _, _) = {
        let documents = [room(""), room("record='record-from-start'")];
        let mut bench = Bench::with_each(&[&documents[0], &documents[1]]);
        bench.router = tipring_router::Router::new(config);
        bench.event(tipring_router::Event::Directory(tipring_router::DirectoryChange::Account(account())));
        for n in 0..2 {
            let phone = (101 + n).to_string();
            let voice_url = format!("http://app.test/{phone}");
            bench.knows(tipring_resources::Number { voice_url, ..number(&phone) });
        }
        bench.app("http://app.test/after", &[xml("")]);
        let (a, b) = (bench.calls(0), bench.calls(1));
        bench.wait_ms(100);
        assert_eq!(bench.rows(&[a.0, b.0]), everybody(2));
        bench.hangs_up(a.0);
        bench.hangs_up(b.0);
        (bench, a, b)
    };
    bench.nothing_left();
    assert!(bench.router.counters().voices_missing > 0);
}
