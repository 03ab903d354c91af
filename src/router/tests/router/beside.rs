//! Recordings under control, texts of recordings, transcriptions of live calls, Siprec, Echo, Refer.

use tipring_resources::{Code, Method, Record, RecordingStatus, Sid, TranscriptionStatus};
use tipring_router::{
    CallRecord, Effect, HttpRequest, RecordingChange, RecordingEvents, Reply, Request, SwitchCommand, Track, Track3,
    TranscriptionWish,
};

use crate::bench::*;

const CB: &str = "http://app.test/cb";

fn live(bench: &Bench) -> Sid {
    bench.router.live_calls().next().expect("a live call").sid
}

fn record(track: Track, dual: bool) -> CallRecord {
    let events = RecordingEvents { in_progress: false, completed: true, absent: true };
    CallRecord { dual, track, trim: false, callback: CB.into(), callback_method: Method::Post, events }
}

fn begins(bench: &mut Bench, track: Track, dual: bool) -> Option<Reply> {
    let request = Request::StartRecording { account: account().sid, of: live(bench), record: record(track, dual) };
    let id = bench.request_of_api(request);
    bench.wait_ms(10);
    bench.reply(id).cloned()
}

fn changes(bench: &mut Bench, recording: Option<Sid>, change: RecordingChange) -> Option<Reply> {
    let of = bench.router.live_calls().find(|call| call.parent.is_none()).map(|call| call.sid);
    let id = bench.request_of_api(Request::ChangeRecording { account: account().sid, of, recording, change });
    bench.wait_ms(10);
    bench.reply(id).cloned()
}

fn paused_call() -> Bench {
    let mut bench = Bench::with("<Say>hi</Say><Pause length='600'/>");
    bench.app(CB, &[App::Says("", String::new())]);
    bench.rings();
    bench.wait_ms(1_000);
    bench
}

#[test]
fn c7_start_stop_start_by_the_api_makes_two_recordings() {
    let mut bench = paused_call();
    for _ in 0..2 {
        let Some(Reply::Recording(begun)) = begins(&mut bench, Track::Both, false) else {
            panic!("{:?}", bench.replies())
        };
        assert_eq!((begun.status, begun.source.as_str()), (RecordingStatus::InProgress, "StartCallRecordingAPI"));
        let again = begins(&mut bench, Track::Both, false);
        assert!(matches!(again, Some(Reply::Refused { code: Code(16_108), .. })), "{again:?}");
        bench.wait_ms(2_000);
        let Some(Reply::Recording(ended)) = changes(&mut bench, None, RecordingChange::Stop) else {
            panic!("{:?}", bench.replies())
        };
        assert_eq!((ended.sid, ended.status), (begun.sid, RecordingStatus::Stopped));
        bench.wait_ms(1_000);
        let last = bench.recordings().into_iter().next_back().expect("a recording").clone();
        assert_eq!((last.sid, last.status), (begun.sid, RecordingStatus::Completed), "while the call goes on");
        assert!(!bench.has_open_recording());
    }
    assert_eq!(bench.asked_of(CB).len(), 2);
    let none = changes(&mut bench, None, RecordingChange::Stop);
    assert!(matches!(none, Some(Reply::Refused { code: Code(16_109), .. })), "{none:?}");
    let first = bench.recordings()[0].sid;
    let foreign = changes(&mut bench, Some(first), RecordingChange::Resume);
    assert_eq!(foreign, Some(Reply::NotLive), "it is over");
}

#[test]
fn c7_a_recording_of_one_party_has_only_that_party() {
    for (track, dual) in [(Track::Inbound, false), (Track::Outbound, true), (Track::Both, true), (Track::Both, false)] {
        let mut bench = paused_call();
        begins(&mut bench, track, dual);
        let said = bench.count(|e| matches!(e, Effect::Switch(SwitchCommand::Tap { both: false, .. })));
        let mixed = bench.count(|e| matches!(e, Effect::Switch(SwitchCommand::Tap { both: true, .. })));
        let heard = bench.count(|e| matches!(e, Effect::Switch(SwitchCommand::TapHeard { .. })));
        let wanted = match (track, dual) {
            (Track::Inbound, _) => (1, 0, 0),
            (Track::Outbound, _) => (0, 0, 1),
            (Track::Both, true) => (1, 0, 1),
            (Track::Both, false) => (0, 1, 0),
        };
        assert_eq!((said, mixed, heard), wanted, "{track:?} {dual}");
        assert_eq!(bench.recordings()[0].channels, if wanted == (1, 0, 1) { 2 } else { 1 });
        let call = live(&bench);
        bench.asks_to_end(call, false);
        bench.run_out();
        assert_eq!(bench.recordings().last().map(|r| r.status), Some(RecordingStatus::Completed), "kept at the end");
        bench.nothing_is_left();
    }
}

#[test]
fn c7_a_pause_leaves_the_file_open_and_shows_in_the_record() {
    let mut bench = paused_call();
    begins(&mut bench, Track::Both, false);
    for silence in [true, false] {
        let paused = changes(&mut bench, None, RecordingChange::Pause { silence });
        assert!(matches!(paused, Some(Reply::Recording(r)) if r.status == RecordingStatus::Paused));
        let resumed = changes(&mut bench, None, RecordingChange::Resume);
        assert!(matches!(resumed, Some(Reply::Recording(r)) if r.status == RecordingStatus::InProgress));
    }
    let told = bench.log.iter().filter_map(|(_, effect)| match effect {
        Effect::PauseRecording { paused, silence, .. } => Some((*paused, *silence)),
        _ => None,
    });
    let told = told.collect::<Vec<_>>();
    assert_eq!(told, [(true, true), (false, false), (true, false), (false, false)]);
    assert_eq!(bench.count(|e| matches!(e, Effect::CloseRecording { .. })), 0);
}

/// A Record and a Dial are recordings of the call like others.
#[test]
fn c7_what_verbs_record_can_be_ended_too() {
    let mut bench = Bench::with("<Record action='/done'/>");
    bench.app("http://app.test/done", &[xml("")]);
    bench.recording_ms = 60_000;
    bench.rings();
    bench.wait_ms(2_000);
    changes(&mut bench, None, RecordingChange::Stop);
    bench.run_out();
    let done = bench.asked_of("http://app.test/done");
    assert_eq!((done.len(), value(done[0], "Digits")), (1, None));
    assert!(bench.requests.iter().any(|(at, r)| r.url.ends_with("/done") && at.as_ms() < 2_100), "at once");

    let mut bench =
        Bench::with(&format!("<Dial record='record-from-answer' recordingStatusCallback='/cb'>{BOB}</Dial>"));
    bench.app(CB, &[App::Says("", String::new())]);
    bench.rings();
    bench.wait_ms(5_000);
    changes(&mut bench, None, RecordingChange::Stop);
    bench.wait_ms(1_000);
    assert_eq!(bench.recordings().last().map(|r| r.status), Some(RecordingStatus::Completed));
    assert_eq!((bench.asked_of(CB).len(), bench.router.live_calls().count()), (1, 2), "the bridge goes on");
}

#[test]
fn start_recording_and_stop_by_the_document() {
    let mut bench = Bench::with(
        "<Start><Recording recordingStatusCallback='/cb' channels='mono'/></Start><Say>a</Say>\
         <Start><Recording/></Start><Stop><Recording/></Stop><Say>b</Say><Stop><Recording/></Stop><Say>c</Say>",
    );
    bench.app(CB, &[App::Says("", String::new())]);
    bench.rings();
    bench.run_out();
    assert_eq!((bench.words(), bench.codes()), (vec!["a", "b", "c"], vec![16_108, 16_109]));
    let kept: Vec<_> = bench.recordings().iter().map(|r| r.status).collect();
    use RecordingStatus::{Completed, InProgress, Stopped};
    assert_eq!(kept.iter().filter(|status| **status != InProgress).collect::<Vec<_>>(), [&Stopped, &Completed]);
    assert_eq!(value(bench.asked_of(CB)[0], "RecordingSource"), Some("StartCallRecordingAPI"));
    bench.nothing_is_left();
}

fn texts(bench: &Bench) -> Vec<(TranscriptionStatus, &str)> {
    let texts = bench.records(|record| match record {
        Record::Transcription(text) => Some(text),
        _ => None,
    });
    texts.iter().map(|text| (text.status, text.text.as_str())).collect()
}

#[test]
fn b10_a_recording_is_written_down_while_the_call_goes_on() {
    let mut bench = Bench::with("<Record timeout='2' transcribeCallback='/cb' action='/done'/>");
    bench.app("http://app.test/done", &[xml("<Say>on</Say>")]);
    bench.app(CB, &[App::Says("", String::new())]);
    bench.beside.text = Some("call me back");
    bench.rings();
    bench.run_out();
    use TranscriptionStatus::{Completed, InProgress};
    assert_eq!(texts(&bench), [(InProgress, ""), (Completed, "call me back")]);
    let told = bench.asked_of(CB)[0];
    assert_eq!(
        (value(told, "TranscriptionText"), value(told, "TranscriptionStatus")),
        (Some("call me back"), Some("completed"))
    );
    for name in [
        "TranscriptionSid",
        "TranscriptionUrl",
        "RecordingSid",
        "RecordingUrl",
        "CallSid",
        "AccountSid",
        "From",
        "To",
        "CallStatus",
        "ApiVersion",
        "Direction",
    ] {
        assert!(value(told, name).is_some_and(|value| !value.is_empty()), "{name}");
    }
    let asked = bench.requests.iter().position(|(_, r)| r.url.ends_with("/done"));
    let later = bench.requests.iter().position(|(_, r)| r.url == CB);
    assert!(asked < later && bench.words().contains(&"on"));
    // The recording is committed before anybody listens to it.
    let completed = bench.log.iter().position(|(_, e)| {
        matches!(e, Effect::Write { record, .. } if matches!(record.as_ref(), Record::Recording(r) if r.status == RecordingStatus::Completed))
    });
    let listens = bench.log.iter().position(|(_, e)| matches!(e, Effect::Transcribe { .. }));
    assert!(completed.is_some() && completed < listens);
    bench.nothing_is_left();
}

#[test]
fn b10_too_short_and_too_long_recordings_and_a_missing_recognizer_are_told() {
    for (ms, code) in [(1_900, 13_617), (120_100, 13_615), (4_000, 13_618)] {
        let mut bench = Bench::with("<Record timeout='2' maxLength='600' transcribeCallback='/cb' action='/done'/>");
        bench.app("http://app.test/done", &[xml("")]);
        bench.app(CB, &[App::Says("", String::new())]);
        bench.recording_ms = ms;
        bench.rings();
        bench.run_out();
        assert_eq!(bench.codes(), [code]);
        let failed = bench.asked_of(CB).first().and_then(|told| value(told, "TranscriptionStatus"));
        assert_eq!(failed, (code == 13_618).then_some("failed"));
        bench.nothing_is_left();
    }
}

#[test]
fn c24_the_api_has_a_recording_written_down_after_its_call() {
    let mut bench = Bench::with("<Record timeout='2' action='/done'/>");
    bench.app("http://app.test/done", &[xml("")]);
    bench.app(CB, &[App::Says("", String::new())]);
    bench.beside.text = Some("hello");
    bench.rings();
    bench.run_out();
    let recording = Box::new((*bench.recordings().last().expect("a recording")).clone());
    let ask = |recording| Request::Transcribe {
        recording,
        language: "en-GB".into(),
        callback: CB.into(),
        callback_method: Method::Post,
    };
    let id = bench.request_of_api(ask(recording.clone()));
    assert_eq!(bench.reply(id), None, "not before the commit");
    bench.run_out();
    assert!(
        matches!(bench.reply(id), Some(Reply::Transcription(t)) if t.status == TranscriptionStatus::InProgress && t.language == "en-GB")
    );
    assert_eq!(texts(&bench)[1], (TranscriptionStatus::Completed, "hello"));
    assert_eq!(value(bench.asked_of(CB)[0], "TranscriptionText"), Some("hello"));
    let id = bench.request_of_api(ask(Box::new(tipring_resources::Recording { duration_ms: Some(500), ..*recording })));
    assert!(matches!(bench.reply(id), Some(Reply::Refused { code: Code(94_104), .. })));
    bench.nothing_is_left();
}

/// Event, track, transcript and finality of each callback.
fn said(request: &HttpRequest) -> String {
    let of = |name: &str| value(request, name).unwrap_or("-");
    format!(
        "{} {} {} {} {}",
        of("SequenceId"),
        of("TranscriptionEvent"),
        of("Track"),
        of("TranscriptionData"),
        of("Final")
    )
}

#[test]
fn a_live_call_is_written_down_on_both_tracks() {
    let mut bench = Bench::with(
        "<Start><Transcription statusCallbackUrl='/cb' inboundTrackLabel='caller' partialResults='true' \
         languageCode='de-DE'/></Start><Pause length='5'/>",
    );
    bench.app(CB, &[App::Says("", String::new())]);
    bench.beside.says = Some(Utterance { partials: vec![(500, "say \"y", 0.5)], ..Utterance::of("yes") });
    bench.rings();
    bench.run_out();
    let told: Vec<String> = bench.asked_of(CB).into_iter().map(said).collect();
    assert_eq!(
        told,
        [
            "1 transcription-started - - -",
            "2 transcription-content caller {\"transcript\":\"say \\\"y\"} false",
            "3 transcription-content outbound_track {\"transcript\":\"say \\\"y\"} false",
            "4 transcription-content caller {\"transcript\":\"yes\",\"confidence\":0.5} true",
            "5 transcription-content outbound_track {\"transcript\":\"yes\",\"confidence\":0.5} true",
            "6 transcription-stopped - - -",
        ]
    );
    assert_eq!(value(bench.asked_of(CB)[0], "LanguageCode"), Some("de-DE"));
    bench.nothing_is_left();
}

#[test]
fn a_transcription_without_a_recognizer_says_so_and_the_call_goes_on() {
    let mut bench = Bench::with(
        "<Start><Transcription statusCallbackUrl='/cb' track='inbound_track'/></Start><Pause length='5'/><Say>on</Say>",
    );
    bench.app(CB, &[App::Says("", String::new())]);
    bench.rings();
    bench.run_out();
    let told: Vec<_> = bench.asked_of(CB).iter().map(|r| value(r, "TranscriptionEvent").unwrap_or("-")).collect();
    assert_eq!(told, ["transcription-started", "transcription-error", "transcription-stopped"]);
    assert_eq!((bench.words(), bench.codes()), (vec!["on"], vec![13_326]));
    bench.nothing_is_left();
}

#[test]
fn the_api_starts_and_stops_transcriptions() {
    let mut bench = paused_call();
    bench.beside.says = Some(Utterance::of("yes"));
    let (account, call) = (account().sid, live(&bench));
    let wish = TranscriptionWish {
        name: "t".into(),
        track: Track3::Inbound,
        callback: CB.into(),
        callback_method: Method::Post,
        language: String::new(),
        partial: false,
        hints: vec![],
        inbound_label: String::new(),
        outbound_label: String::new(),
    };
    let id = bench.request_of_api(Request::StartTranscription { account, call, wish: Box::new(wish) });
    assert!(matches!(bench.reply(id), Some(Reply::Beside { running: true, name, .. }) if name == "t"));
    bench.wait_ms(3_000);
    let id = bench.request_of_api(Request::StopTranscription { account, call, transcription: "t".into() });
    assert!(matches!(bench.reply(id), Some(Reply::Beside { running: false, .. })));
    bench.wait_ms(1_000);
    assert_eq!(bench.asked_of(CB).len(), 3);
    bench.asks_to_end(call, false);
    bench.run_out();
    bench.nothing_is_left();
}

#[test]
fn a_siprec_has_no_recording_server_and_its_callback_is_told() {
    let mut bench = Bench::with("<Start><Siprec name='r' statusCallback='/cb'/></Start><Say>on</Say>");
    bench.app(CB, &[App::Says("", String::new())]);
    bench.rings();
    bench.run_out();
    let told = bench.asked_of(CB)[0];
    assert_eq!((value(told, "SiprecEvent"), value(told, "SiprecName")), (Some("siprec-error"), Some("r")));
    assert!(value(told, "SiprecSid").is_some_and(|sid| sid.starts_with("SR")));
    assert_eq!((bench.words(), bench.codes()), (vec!["on"], vec![14_300]));
}

#[test]
fn echo_lets_the_caller_hear_himself_until_he_hangs_up() {
    for redirected in [false, true] {
        let mut bench = Bench::with("<Echo/><Say>never</Say>");
        let lease = bench.rings();
        bench.wait_ms(1_000);
        assert!(bench.connected.contains(&(lease, lease)));
        bench.presses(lease, "123#");
        let call = live(&bench);
        match redirected {
            true => drop(bench.redirects(call, inline("<Say>other</Say>"))),
            false => bench.hangs_up(lease),
        }
        assert!(bench.connected.is_empty());
        bench.run_out();
        assert_eq!(bench.words(), if redirected { vec!["other"] } else { vec![] });
        bench.nothing_is_left();
    }
}

#[test]
fn a_refer_on_a_telephone_line_fails_and_its_action_is_told() {
    let mut bench = Bench::with("<Refer action='/done'><Sip>sip:a@b.test</Sip></Refer><Say>never</Say>");
    bench.app("http://app.test/done", &[xml("<Say>on</Say>")]);
    bench.rings();
    bench.run_out();
    assert_eq!((bench.words(), bench.codes()), (vec!["on"], vec![13_801]));
    assert_eq!(value(bench.asked_of("http://app.test/done")[0], "ReferCallStatus"), Some("failed"));
}
