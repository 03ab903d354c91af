//! Record: what is kept, what the application is told, and in which order.

use tipring_resources::{CallStatus, RecordingStatus};
use tipring_router::{Effect, Event, SwitchCommand};

use crate::bench::*;

fn position(bench: &Bench, what: impl Fn(&Effect) -> bool) -> usize {
    bench.log.iter().position(|(_, effect)| what(effect)).expect("it never happened")
}

#[test]
fn b8_record_makes_a_recording_and_tells_its_url_length_and_key() {
    let mut bench = Bench::with("<Record action='/done' recordingStatusCallback='/cb'/>");
    bench.app("http://app.test/done", &[xml("")]);
    bench.app("http://app.test/cb", &[xml("")]);
    bench.recording_ms = 5_100;
    let lease = bench.rings();
    bench.wait_ms(5_200);
    bench.presses(lease, "#");
    bench.run_out();
    assert_eq!(bench.words(), ["beep"]);
    let sid = bench.recordings()[0].sid;
    let url = format!("http://127.0.0.1:8080/2010-04-01/Accounts/{}/Recordings/{sid}", account().sid);
    let done = bench.requests.iter().find(|(_, r)| r.url.ends_with("/done")).map(|(_, r)| r.clone()).unwrap();
    assert_eq!(value(&done, "RecordingUrl"), Some(url.as_str()));
    assert_eq!(value(&done, "RecordingSid"), Some(sid.to_string().as_str()));
    assert_eq!((value(&done, "RecordingDuration"), value(&done, "Digits")), (Some("5"), Some("#")));
    let callback = bench.callbacks()[0];
    assert_eq!(
        (value(callback, "RecordingStatus"), value(callback, "RecordingUrl")),
        (Some("completed"), Some(url.as_str()))
    );
    assert_eq!(value(callback, "RecordingStartTime"), Some("Sun, 22 Nov 2026 20:00:00 +0000"));
    assert_eq!(value(callback, "RecordingSource"), Some("RecordVerb"));
    let statuses: Vec<_> = bench.recordings().iter().map(|r| (r.status, r.duration_ms)).collect();
    assert_eq!(statuses, [(RecordingStatus::InProgress, None), (RecordingStatus::Completed, Some(5_000))]);
}

/// Tap into an open file, untap before the close, commit before anybody is told.
#[test]
fn what_is_told_of_a_recording_is_already_true() {
    let mut bench = Bench::with("<Record action='/done' recordingStatusCallback='/cb'/>");
    let lease = bench.rings();
    bench.wait_ms(2_000);
    assert!(bench.has_open_recording());
    bench.store_commits = false;
    bench.presses(lease, "1");
    bench.wait_ms(5_000);
    assert_eq!(bench.requests.len(), 1, "nothing is told before the commit");
    let write = bench.log.iter().rev().find_map(|(_, effect)| match effect {
        Effect::Write { id, .. } => Some(*id),
        _ => None,
    });
    bench.event(Event::Written { id: write.unwrap(), result: Ok(()) });
    bench.wait_ms(10);
    let told: Vec<_> = bench.requests[1..].iter().map(|(_, r)| r.url.as_str()).collect();
    assert!(told.contains(&"http://app.test/done") && told.contains(&"http://app.test/cb"), "{told:?}");
    let open = position(&bench, |e| matches!(e, Effect::OpenRecording { .. }));
    let tap =
        position(&bench, |e| matches!(e, Effect::Switch(SwitchCommand::Tap { both: false, quiet_ms: 5_000, .. })));
    let untap = position(&bench, |e| matches!(e, Effect::Switch(SwitchCommand::Untap { .. })));
    let close =
        position(&bench, |e| matches!(e, Effect::CloseRecording { trim: true, discard: false, drop_tail_ms: 100, .. }));
    assert!(open < tap && tap < untap && untap < close);
}

#[test]
fn b9_silence_time_and_emptiness_end_a_recording() {
    // Silence after speech: 4 s of speech, then 2 s.
    let mut bench = Bench::with("<Record action='/done' timeout='2'/>");
    bench.rings();
    bench.run_out();
    assert_eq!(value(bench.request(1), "RecordingDuration"), Some("4"));
    assert_eq!(value(bench.request(1), "Digits"), None);
    assert_eq!(bench.requests[1].0.as_ms(), 23 + 250 + 6_000 + 40 + 5);

    // The longest time.
    let mut bench = Bench::with("<Record action='/done' maxLength='3' playBeep='false'/>");
    bench.recording_ms = 60_000;
    bench.rings();
    bench.run_out();
    assert_eq!(bench.requests[1].0.as_ms(), 23 + 3_000 + 45);
    assert!(bench.words().first() != Some(&"beep"));

    // Nobody speaks: no request, the next verb, the sound thrown away.
    let mut bench = Bench::with(
        "<Record action='/done' timeout='3' recordingStatusCallback='/cb' \
                                 recordingStatusCallbackEvent='completed absent'/><Say>nobody?</Say>",
    );
    bench.app("http://app.test/cb", &[xml("")]);
    bench.caller_speaks = false;
    bench.rings();
    bench.run_out();
    assert_eq!((bench.asked().len(), bench.words()), (1, vec!["beep", "nobody?"]));
    let kept = bench.recordings()[1];
    assert_eq!((kept.status, kept.error_code), (RecordingStatus::Absent, Some(16102)));
    assert_eq!(value(bench.callbacks()[0], "RecordingStatus"), Some("absent"));
    assert_eq!(value(bench.callbacks()[0], "ErrorCode"), Some("16102"));
    assert!(bench.log.iter().any(|(_, e)| matches!(e, Effect::CloseRecording { discard: true, .. })));
}

#[test]
fn a_caller_who_hangs_up_while_recording_has_left_a_message() {
    let mut bench = Bench::with("<Record action='/done'/><Say>never</Say>");
    bench.app("http://app.test/done", &[xml("<Say>never</Say>")]);
    let lease = bench.rings();
    bench.wait_ms(3_000);
    bench.hangs_up(lease);
    bench.run_out();
    let done = bench.request(1);
    assert_eq!((value(done, "Digits"), value(done, "CallStatus")), (Some("hangup"), Some("completed")));
    assert_eq!(value(done, "RecordingDuration"), Some("4"));
    assert_eq!(bench.words(), ["beep"]);
    assert_eq!(bench.recordings()[1].status, RecordingStatus::Completed);
    bench.ended(CallStatus::Completed, 16);
    let forget = position(&bench, |e| matches!(e, Effect::ForgetSession { .. }));
    assert_eq!(forget, bench.log.len() - 1, "cookies are kept until the last request");
}

#[test]
fn a_file_that_cannot_be_written_costs_the_recording_and_not_the_call() {
    for closes in [true, false] {
        let mut bench = Bench::with("<Record action='/done'/><Say>on</Say>");
        bench.files_close = false;
        let lease = bench.rings();
        bench.wait_ms(3_000);
        bench.presses(lease, "1");
        if closes {
            let sid = bench.recordings()[0].sid;
            bench.event(Event::RecordingClosed { sid, duration_ms: None, text: "the disk is full".into() });
        }
        bench.run_out();
        assert_eq!((bench.asked().len(), bench.words(), bench.codes()), (1, vec!["beep", "on"], vec![12400]));
        let kept = bench.recordings()[1];
        assert_eq!((kept.status, kept.error_code), (RecordingStatus::Absent, Some(12400)));
    }
}

#[test]
fn a_disk_that_takes_no_more_is_told_at_once_and_once_and_what_it_took_is_kept() {
    for kept in [true, false] {
        let mut bench = Bench::with("<Record action='/done'/><Say>on</Say>");
        bench.app("http://app.test/done", &[xml("")]);
        bench.files_close = false;
        let lease = bench.rings();
        bench.wait_ms(3_000);
        let sid = bench.recordings()[0].sid;
        for _ in 0..3 {
            bench.event(Event::RecordingBroken { sid, text: "the disk is full".into() });
        }
        assert_eq!(bench.codes(), [12400], "it is told while the call is up");
        bench.presses(lease, "1");
        let (duration_ms, text) = if kept { (Some(2_000), "") } else { (None, "the disk is full") };
        bench.event(Event::RecordingClosed { sid, duration_ms, text: text.into() });
        bench.run_out();
        let (status, error) =
            if kept { (RecordingStatus::Completed, None) } else { (RecordingStatus::Absent, Some(12400)) };
        let written = bench.recordings()[1];
        assert_eq!((written.status, written.error_code, written.duration_ms), (status, error, duration_ms));
        assert_eq!(bench.codes(), [12400], "and no second time");
    }
}

#[test]
fn a_transcription_is_not_available_and_the_call_goes_on() {
    let mut bench = Bench::with("<Record action='/done' transcribe='true'/>");
    bench.rings();
    bench.app("http://app.test/done", &[xml("")]);
    bench.wait_ms(20_000);
    assert_eq!(bench.codes(), [13618]);
    assert_eq!(bench.asked().get(1), Some(&"http://app.test/done"));
}

#[test]
fn a_callback_may_be_told_of_the_beginning_too() {
    let mut bench = Bench::with("<Record recordingStatusCallback='/cb' recordingStatusCallbackEvent='in-progress'/>");
    bench.app("http://app.test/cb", &[xml("")]);
    let lease = bench.rings();
    bench.wait_ms(1_000);
    assert_eq!(value(bench.callbacks()[0], "RecordingStatus"), Some("in-progress"));
    assert_eq!(value(bench.callbacks()[0], "RecordingDuration"), None);
    bench.hangs_up(lease);
    bench.run_out();
    assert_eq!(bench.callbacks().iter().filter(|r| r.url.ends_with("/cb")).count(), 1);
}
