//! What is bound to a room and what is not: who is on the way to it, what is announced, recorded, told and waited with.

use tipring_resources::{ConferenceStatus, Method, ParticipantStatus};
use tipring_router::{Announce, ParticipantChange, Reply, Request, SeatWish};

use crate::bench::*;
use crate::rooms::{EVENTS, bob_is_called, change, gathered, room};

#[test]
fn a23_events_of_a_room_wait_for_a_slow_server_and_what_is_left_out_is_noted() {
    let first = format!("statusCallback='{EVENTS}' statusCallbackEvent='mute'");
    // More than a leg's progress, less than a room's bound; and more than that.
    for (changes, told) in [(1_000, 1_000), (1_100, 1_025)] {
        let (mut bench, ports, sids) = gathered(&[&first, ""]);
        for n in 0..changes {
            let muted = Some(n % 2 == 0);
            let change = ParticipantChange { muted, ..change(sids[0]) };
            bench.request_of_api(Request::ChangeParticipant(Box::new(change)));
        }
        assert_eq!(bench.router.counters().errands_dropped, changes - told);
        bench.wait_ms(60_000);
        let numbers: Vec<String> = (1..=told).map(|n| n.to_string()).collect();
        assert_eq!(bench.told(EVENTS, "SequenceNumber"), numbers);
        let noted = if changes > told { vec![16_011] } else { vec![] };
        assert_eq!(bench.codes(), noted, "once");
        ports.iter().for_each(|port| bench.hangs_up(*port));
        bench.nothing_left();
    }
}

#[test]
fn a23_a_callback_of_a_room_that_fails_has_a_code_of_its_own() {
    let (mut bench, ports, _) = gathered(&[&format!("statusCallback='{EVENTS}' statusCallbackEvent='start'"), ""]);
    bench.app(EVENTS, &[App::Fails(11200)]);
    ports.iter().for_each(|port| bench.hangs_up(*port));
    bench.nothing_left();
    assert_eq!(bench.codes(), [0; 0], "it was told before");
    let (mut bench, ports, _) = gathered(&[&format!("statusCallback='{EVENTS}' statusCallbackEvent='end'"), ""]);
    bench.app(EVENTS, &[App::Fails(11200)]);
    ports.iter().for_each(|port| bench.hangs_up(*port));
    bench.nothing_left();
    assert_eq!(bench.codes(), [16_011], "once, after the last try");
}

#[test]
fn b15_a_rooms_recording_goes_on_when_who_began_it_hangs_up() {
    for by_api in [false, true] {
        let first = if by_api { "" } else { "record='record-from-start' recordingStatusCallback='/kept'" };
        let (mut bench, ports, sids) = gathered(&[first, "", ""]);
        bench.app("http://app.test/kept", &[App::Says("", String::new())]);
        if by_api {
            let record = tipring_router::CallRecord {
                dual: false,
                track: tipring_router::Track::Both,
                trim: true,
                callback: "http://app.test/kept".into(),
                callback_method: Method::Post,
                events: tipring_router::RecordingEvents { in_progress: false, completed: true, absent: false },
            };
            let (account, of) = (account().sid, bench.room().sid);
            bench.request_of_api(Request::StartRecording { account, of, record });
        }
        bench.wait_ms(1_000);
        let by = bench.recordings()[0].call;
        let at = sids.iter().position(|sid| *sid == by).expect("a member");
        bench.hangs_up(ports[at]);
        bench.wait_ms(5_000);
        assert!(bench.has_open_recording(), "{:#?}", bench.lines());
        assert!(bench.told("http://app.test/kept", "RecordingStatus").is_empty());
        (0..3).filter(|n| *n != at).for_each(|n| bench.hangs_up(ports[n]));
        bench.nothing_left();
        assert_eq!(bench.told("http://app.test/kept", "RecordingStatus"), ["completed"]);
        assert_eq!(bench.told("http://app.test/kept", "CallSid"), [by.to_string()]);
    }
}

#[test]
fn b15_a_slow_server_of_waiting_is_not_asked_more_often_than_a_quick_one() {
    let slow = |app: App| App::After(300, Box::new(app));
    for answer in [xml(""), xml("<Redirect>/wait</Redirect>"), xml("<Play>/gone.wav</Play>"), App::Fails(11200)] {
        let mut bench = Bench::with_each(&[&room("waitUrl='/wait'")]);
        bench.app("http://app.test/wait", &[slow(answer.clone())]);
        bench.sound("gone", SoundIs::Broken(13420));
        let (port, _) = bench.calls(0);
        bench.wait_ms(60_000);
        let asked: Vec<u64> =
            bench.requests.iter().filter(|(_, r)| r.url.ends_with("/wait")).map(|(at, _)| at.as_ms()).collect();
        assert!((5..=60).contains(&asked.len()), "{answer:?}: {asked:?}");
        // Those that lead to the next one may do so a few times.
        let close = asked.windows(2).filter(|pair| pair[1] - pair[0] < 1_300).count();
        assert!(close <= 4 * 3, "{answer:?}: {asked:?}");
        bench.hangs_up(port);
        bench.nothing_left();
    }
}

#[test]
fn an_exchange_is_kept_only_with_a_call_that_lives() {
    let (mut bench, ports, sids) = gathered(&["", ""]);
    bench.app("http://app.test/say", &[xml("<Say>five minutes</Say>")]);
    bench.hangs_up(ports[1]);
    bench.wait_ms(5_000);
    let kept = |bench: &Bench| {
        let events = bench.records(|record| match record {
            tipring_resources::Record::CallEvent(event) => Some(event),
            _ => None,
        });
        sids.iter().map(|sid| events.iter().filter(|event| event.call == *sid).count()).collect::<Vec<_>>()
    };
    let before = kept(&bench);
    // The room was last seen with the call that is over: its announcement is not that call's.
    let announce = Some(Announce { url: "http://app.test/say".into(), method: Method::Post });
    let request = Request::ChangeConference { account: account().sid, conference: "talk".into(), end: false, announce };
    bench.request_of_api(request);
    bench.wait_ms(5_000);
    assert!(bench.words().contains(&"five minutes"));
    assert_eq!(kept(&bench), before);
    // Nor is anything kept of an account that is closed meanwhile.
    let closed = tipring_resources::Account { status: tipring_resources::AccountStatus::Closed, ..account() };
    bench.event(tipring_router::Event::Directory(tipring_router::DirectoryChange::Account(closed)));
    bench.redirects(sids[0], url("http://app.test/say"));
    bench.wait_ms(5_000);
    assert_eq!(kept(&bench), before);
    bench.nothing_left();
}

#[test]
fn b15_who_may_not_sit_down_leaves_no_empty_room() {
    // Whom he is to coach is nowhere.
    let coach = format!("coach='{}'", account().sid).replace("AC", "CA");
    let (mut bench, _, _) = gathered(&[&coach]);
    bench.nothing_left();
    assert_eq!((bench.codes(), bench.rooms().len()), (vec![16_027], 0), "{:#?}", bench.lines());

    // Nor does somebody who was called into it, and it was made for him.
    let mut bench = Bench::bare(1);
    bench.far_end(BOB, FarEnd::answers(500));
    let coached = Some(tipring_resources::Sid::new(tipring_resources::SidKind::Call, 9));
    let id = bench.request_of_api(bob_is_called(SeatWish { coached, ..SeatWish::default() }));
    let Reply::Participant(bob) = bench.answered(id) else { panic!("{:?}", bench.replies()) };
    bench.nothing_left();
    assert_eq!(bench.room().status, ConferenceStatus::Completed);
    assert!(bench.participant(bob.call).1 && bench.codes() == [16_027]);
}

#[test]
fn c31_a_call_that_is_on_its_way_to_a_room_may_be_called_there_again() {
    let mut bench = Bench::bare(1);
    bench.far_end(BOB, FarEnd::answers(3_000));
    let id = bench.request_of_api(bob_is_called(SeatWish::default()));
    let Reply::Participant(bob) = bench.answered(id) else { panic!("{:?}", bench.replies()) };
    bench.wait_ms(1_000);
    let id = bench.gathers("talk", &[bob.call]);
    let Reply::Participants(room, participants) = bench.answered(id) else { panic!("{:?}", bench.replies()) };
    assert_eq!((room.sid, room.status), (bob.conference, ConferenceStatus::Init));
    let [again] = &participants[..] else { panic!("{participants:?}") };
    assert_eq!((again.call, again.status), (bob.call, ParticipantStatus::Ringing));
    bench.wait_ms(3_000);
    assert_eq!(bench.participant(bob.call).0.status, ParticipantStatus::Connected, "{:#?}", bench.lines());
    assert_eq!(bench.room().sid, bob.conference, "the same room");
    // To another room: the first one is over then, and not before he has a place in the other.
    let mut bench = Bench::bare(1);
    bench.far_end(BOB, FarEnd::answers(3_000));
    let id = bench.request_of_api(bob_is_called(SeatWish::default()));
    let Reply::Participant(bob) = bench.answered(id) else { panic!("{:?}", bench.replies()) };
    let id = bench.gathers("other", &[bob.call]);
    assert!(matches!(bench.answered(id), Reply::Participants(room, _) if room.friendly_name == "other"));
    bench.wait_ms(4_000);
    let statuses: Vec<_> = bench.rooms().iter().map(|room| (room.friendly_name.as_str(), room.status)).collect();
    assert!(statuses.contains(&("talk", ConferenceStatus::Completed)), "{statuses:?}");
    let (there, gone) = bench.participant(bob.call);
    assert!(!gone && there.status == ParticipantStatus::Connected && there.conference != bob.conference);
    let callee = bench.lease_to(BOB);
    bench.hangs_up(callee);
    bench.nothing_left();
}

#[test]
fn c31_the_end_of_a_room_ends_the_calls_that_ring_for_it() {
    for ends in ["api", "who ends it"] {
        let (mut bench, ports, _) = gathered(&["endConferenceOnExit='true'", ""]);
        bench.far_end(BOB, FarEnd::answers(5_000));
        let id = bench.request_of_api(bob_is_called(SeatWish::default()));
        let Reply::Participant(bob) = bench.answered(id) else { panic!("{:?}", bench.replies()) };
        bench.wait_ms(1_000);
        match ends {
            "api" => {
                let (account, conference) = (account().sid, "talk".to_owned());
                let end = Request::ChangeConference { account, conference, end: true, announce: None };
                let id = bench.request_of_api(end);
                assert!(matches!(bench.answered(id), Reply::Conference(_)));
            }
            _ => bench.hangs_up(ports[0]),
        }
        bench.wait_ms(100);
        assert_eq!(bench.call_to(BOB).status, tipring_resources::CallStatus::Canceled, "{:#?}", bench.lines());
        assert!(bench.participant(bob.call).1);
        bench.nothing_left();
        // There is one room, and it was not made again.
        assert_eq!(bench.room().status, ConferenceStatus::Completed);
    }
}

#[test]
fn c11_an_announcement_ends_with_its_room() {
    for (notice, at_once) in [(false, false), (false, true), (true, false)] {
        let (mut bench, _, sids) = gathered(&["", ""]);
        bench.app("http://app.test/after", &[xml("<Pause length='300'/>")]);
        bench.app("http://app.test/say", &[xml("<Say>a long story</Say><Say>goodbye</Say>")]);
        bench.sound("long story", SoundIs::Long(60_000));
        let announce = Announce { url: "http://app.test/say".into(), method: Method::Post };
        let account = account().sid;
        let change = |end, announce| Request::ChangeConference { account, conference: "talk".into(), end, announce };
        match notice {
            true => drop(bench.request_of_api(Request::Notice { account, call: sids[0], announce })),
            false => drop(bench.request_of_api(change(at_once, Some(announce)))),
        }
        bench.wait_ms(1_000);
        if !at_once {
            assert!(bench.voices.iter().any(|voice| bench.playing_to(*voice) == Some("a long story")));
            bench.request_of_api(change(true, None));
        }
        bench.wait_ms(1_000);
        assert!(bench.voices.is_empty(), "{notice} {at_once}: {:#?}", bench.lines());
        assert!(!bench.words().contains(&"goodbye"));
        assert_eq!(bench.router.live_calls().count(), 2, "who was there goes on");
        bench.event(tipring_router::Event::EndAll);
        bench.nothing_left();
    }
}

#[test]
fn b12_the_time_limit_ends_what_a_member_hears_meanwhile() {
    for holds in [false, true] {
        let limited = "<Dial timeLimit='5'><Conference>talk</Conference></Dial><Pause length='9'/>";
        let mut bench = Bench::with_each(&[limited, &room("")]);
        let (first, sid) = bench.calls(0);
        let second = holds.then(|| bench.calls(1).0);
        if holds {
            bench.wait_ms(100);
            bench.changes(ParticipantChange { hold: Some(true), ..change(sid) });
        }
        // Long music, as it is.
        bench.sound("music", SoundIs::Long(60_000));
        bench.wait_ms(2_500);
        assert_eq!(bench.playing_to(first), Some("music"));
        bench.wait_ms(4_000);
        assert_eq!(bench.playing_to(first), None, "{:#?}", bench.lines());
        second.into_iter().for_each(|port| bench.hangs_up(port));
        bench.nothing_left();
    }
}
