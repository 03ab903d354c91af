//! Death in every form: dropped without a close, killed by SIGKILL under load, torn journals, foreign boxes.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use tipring_card::Law;
use tipring_resources::{Call, CallStatus, Direction, Record, RecordingStatus};
use tipring_store::{LEASE_TTL_US, RepairReport, Store, StoreError};

use crate::support::*;

#[tokio::test]
async fn c28_a_call_cut_by_a_crash_has_failed_and_the_past_is_intact() {
    let dir = Dir::new();
    let store = open(&dir.0).await;
    let (past, cut) = (call(1, CallStatus::Completed), call(2, CallStatus::InProgress));
    store.put(Record::Call(past.clone())).await.unwrap();
    store.put(Record::Call(cut.clone())).await.unwrap();
    store.journal(&call(3, CallStatus::Ringing)).unwrap();
    let (re, empty) = (recording(5, RecordingStatus::InProgress), recording(6, RecordingStatus::InProgress));
    store.put(Record::Recording(re.clone())).await.unwrap();
    store.put(Record::Recording(empty.clone())).await.unwrap();
    let mut writer = store.blobs().create(re.sid, Law::A).unwrap();
    writer.write(&vec![0x33; 8 * 3100]).unwrap();
    let mut nobodys = store.blobs().create(recording(9, RecordingStatus::InProgress).sid, Law::A).unwrap();
    nobodys.write(&[0x33; 4000]).unwrap();
    drop((writer, nobodys, store));

    let store = open(&dir.0).await;
    let report = RepairReport {
        journaled_calls: 1,
        failed_calls: 2,
        completed_recordings: 1,
        absent_recordings: 1,
        lost_files: 1,
        deleted_files: 0,
        ended_conferences: 0,
        failed_transcriptions: 0,
        failed_messages: 0,
    };
    assert_eq!(*store.repaired(), report);
    assert_eq!(store.call(me(), past.sid).await.unwrap(), Some(past));
    for id in [2, 3] {
        let failed = store.call(me(), call(id, CallStatus::Busy).sid).await.unwrap().unwrap();
        assert_eq!((failed.status, failed.ended), (CallStatus::Failed, Some(config(&dir.0).now)));
    }
    let whole = store.recording(me(), re.sid).await.unwrap().unwrap();
    assert_eq!((whole.status, whole.duration_ms), (RecordingStatus::Completed, Some(3000)), "of 3100 ms");
    assert_eq!(store.blobs().open(re.sid).unwrap().unwrap().length, 44 + 3000 * 16);
    assert_eq!(store.recording(me(), empty.sid).await.unwrap().unwrap().status, RecordingStatus::Absent);
    store.integrity_check().await.unwrap();
    assert_eq!(store.repair(at(2_000_000)).await.unwrap(), RepairReport::default(), "twice does no harm");
}

pub async fn c28_outgoing_calls_cut_by_a_crash_fail_exactly_once(open: impl AsyncFn() -> Store) {
    let store = open().await;
    let outgoing = |id: u128, status: CallStatus, direction: Direction| {
        let mut call = call(id, status);
        (call.direction, call.line, call.caller_name) = (direction, String::new(), None);
        call.started = call.started.filter(|_| status != CallStatus::Queued);
        call
    };
    let queued = outgoing(1, CallStatus::Queued, Direction::OutboundApi);
    let mut child = outgoing(2, CallStatus::Ringing, Direction::OutboundDial);
    (child.parent, child.queued_ms, child.line) = (Some(call(9, CallStatus::Busy).sid), 1200, "sim 1/2".into());
    let mut answered = outgoing(3, CallStatus::InProgress, Direction::OutboundDial);
    (answered.answered, answered.supervision) = (Some(at(3)), Some("connect".into()));
    // The first two die with their journal alone, and once more with row and journal.
    for call in [&queued, &child] {
        store.journal(call).unwrap();
    }
    store.journal(&answered).unwrap();
    store.put(Record::Call(answered.clone())).await.unwrap();
    drop(store);
    let store = open().await;
    assert_eq!((store.repaired().journaled_calls, store.repaired().failed_calls), (2, 3));
    let mut ends = Vec::new();
    for was in [&queued, &child, &answered] {
        let now = store.call(me(), was.sid).await.unwrap().unwrap();
        assert!(now.status == CallStatus::Failed && now.ended.is_some(), "{now:?}");
        let kept = Call { status: was.status, ended: was.ended, updated: was.updated, ..now.clone() };
        assert_eq!(&kept, was, "all else is as it was");
        ends.push(now);
    }
    drop(store);
    let store = open().await;
    assert_eq!(store.repaired(), &RepairReport::default(), "exactly once");
    for end in ends {
        assert_eq!(store.call(me(), end.sid).await.unwrap(), Some(end));
    }
}

#[tokio::test]
async fn c28_outgoing_calls_cut_by_a_crash_fail_exactly_once_on_sqlite() {
    let dir = Dir::new();
    c28_outgoing_calls_cut_by_a_crash_fail_exactly_once(async || open(&dir.0).await).await;
}

#[tokio::test]
async fn c28_an_end_that_only_the_journal_knows_is_kept() {
    let dir = Dir::new();
    let store = open(&dir.0).await;
    let lasting = [call(1, CallStatus::InProgress), call(2, CallStatus::Ringing)];
    let ended = [call(1, CallStatus::Completed), call(2, CallStatus::Busy), call(3, CallStatus::NoAnswer)];
    store.journal(&lasting[0]).unwrap();
    store.journal(&ended[0]).unwrap();
    // The commit of what it was before does not relieve its end, however short the journal is made.
    store.put(Record::Call(lasting[0].clone())).await.unwrap();
    store.put(Record::Call(call(4, CallStatus::Completed))).await.unwrap();
    assert!(store.delete_call(me(), call(4, CallStatus::Completed).sid).await.unwrap());
    store.put(Record::Call(lasting[1].clone())).await.unwrap();
    for end in &ended[1..] {
        store.journal(end).unwrap();
    }
    drop(store);
    let store = open(&dir.0).await;
    assert_eq!((store.repaired().journaled_calls, store.repaired().failed_calls), (3, 0));
    for end in ended {
        assert_eq!(store.call(me(), end.sid).await.unwrap(), Some(end));
    }
    assert_eq!(store.call(me(), call(4, CallStatus::Completed).sid).await.unwrap(), None);
    drop(store);
    assert_eq!(open(&dir.0).await.repaired(), &RepairReport::default(), "twice does no harm");
}

#[tokio::test]
async fn an_end_in_an_old_line_of_the_journal_changes_nothing_that_is_committed() {
    let dir = Dir::new();
    let store = open(&dir.0).await;
    let (first, second) = (call(1, CallStatus::Completed), call(1, CallStatus::Failed));
    store.put(Record::Call(first.clone())).await.unwrap();
    store.journal(&second).unwrap();
    drop(store);
    let store = open(&dir.0).await;
    assert_eq!(store.repaired(), &RepairReport::default());
    assert_eq!(store.call(me(), first.sid).await.unwrap(), Some(first));
}

#[tokio::test]
async fn a_journal_of_the_version_before_outgoing_calls_is_read() {
    let dir = Dir::new();
    let store = open(&dir.0).await;
    store.journal(&call(1, CallStatus::Ringing)).unwrap();
    drop(store);
    let path = dir.0.join("born.journal");
    let text = std::fs::read_to_string(&path).unwrap();
    let old = text.replace(",\"supervision\":null,\"hangup_evidence\":null,\"queued_ms\":0", "");
    assert_ne!(old, text);
    std::fs::write(&path, old).unwrap();
    assert_eq!(open(&dir.0).await.repaired().journaled_calls, 1);
}

#[tokio::test]
async fn a_torn_line_of_the_journal_is_passed_over_and_hides_no_other() {
    let dir = Dir::new();
    let store = open(&dir.0).await;
    store.journal(&call(1, CallStatus::Ringing)).unwrap();
    store.journal(&call(2, CallStatus::Ringing)).unwrap();
    drop(store);
    let path = dir.0.join("born.journal");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes.truncate(bytes.len() - 40);
    std::fs::write(&path, bytes).unwrap();
    let store = open(&dir.0).await;
    assert_eq!(store.repaired().journaled_calls, 1);
    assert_eq!(std::fs::metadata(&path).unwrap().len(), 0, "what is in the table is needed no more");
    std::fs::write(&path, b"\xff\x00{]\n\n{}\n").unwrap();
    drop(store);
    assert_eq!(open(&dir.0).await.repaired().journaled_calls, 0);
}

#[tokio::test]
async fn the_journal_stays_short_however_many_calls_are_born() {
    let dir = Dir::new();
    let store = open(&dir.0).await;
    let stuck = call(99_999, CallStatus::Ringing);
    store.journal(&stuck).unwrap();
    for round in 0..20u128 {
        let mut waiting = Vec::new();
        for id in round * 100..round * 100 + 100 {
            store.journal(&call(id, CallStatus::Ringing)).unwrap();
            waiting.push(store.put(Record::Call(call(id, CallStatus::Ringing))));
        }
        for write in waiting {
            write.await.unwrap();
        }
    }
    let length = std::fs::metadata(dir.0.join("born.journal")).unwrap().len();
    assert!(length < 400_000, "{length} octets for one unwritten call");
    drop(store);
    assert_eq!(open(&dir.0).await.repaired().journaled_calls, 1, "the stuck one is still in it");
}

#[tokio::test]
async fn a_deleted_call_does_not_come_back_out_of_the_journal() {
    let dir = Dir::new();
    let store = open(&dir.0).await;
    let (gone, kept) = (call(1, CallStatus::Completed), call(2, CallStatus::Completed));
    for whole in [&gone, &kept] {
        store.journal(&call(if whole.sid == gone.sid { 1 } else { 2 }, CallStatus::Ringing)).unwrap();
        store.put(Record::Call(whole.clone())).await.unwrap();
    }
    store.journal(&call(3, CallStatus::Ringing)).unwrap();
    assert!(store.delete_call(me(), gone.sid).await.unwrap());
    drop(store);
    let store = open(&dir.0).await;
    assert_eq!(store.call(me(), gone.sid).await.unwrap(), None);
    assert_eq!(store.call(me(), kept.sid).await.unwrap(), Some(kept));
    assert_eq!(store.repaired().journaled_calls, 1, "the third, which had no row yet");
}

pub async fn another_boxs_calls_are_closed_once_it_is_dead(a: &Store, b: &Store) {
    a.put(Record::Call(call(1, CallStatus::InProgress))).await.unwrap();
    b.put(Record::Call(call(2, CallStatus::InProgress))).await.unwrap();
    a.renew_lease(at(100)).await.unwrap();
    b.renew_lease(at(100)).await.unwrap();
    assert_eq!(b.repair(at(101)).await.unwrap().failed_calls, 1, "start-up repair touches its own box only");
    let after = |seconds: i64| tipring_resources::Stamp(at(seconds).0 + LEASE_TTL_US + 1);
    // The watcher's clock is far ahead of the other's: only what it sees itself counts.
    assert!(b.close_dead_boxes(at(9_000)).await.unwrap().is_empty(), "the first look takes note");
    a.renew_lease(at(105)).await.unwrap();
    assert!(b.close_dead_boxes(after(9_000)).await.unwrap().is_empty(), "it was renewed meanwhile");
    assert!(b.close_dead_boxes(after(9_010)).await.unwrap().is_empty(), "10 s later");
    assert_eq!(b.close_dead_boxes(after(9_020)).await.unwrap(), vec![("box-a".to_string(), 1)]);
    assert!(b.close_dead_boxes(after(9_100)).await.unwrap().is_empty(), "once");
    assert_eq!(b.call(me(), call(1, CallStatus::Busy).sid).await.unwrap().unwrap().status, CallStatus::Failed);
    a.renew_lease(at(300)).await.unwrap();
    a.put(Record::Call(call(3, CallStatus::InProgress))).await.unwrap();
    assert!(b.close_dead_boxes(at(9_200)).await.unwrap().is_empty(), "alive again");
    assert_eq!(
        b.close_dead_boxes(after(9_200)).await.unwrap(),
        vec![("box-a".to_string(), 1)],
        "a second death counts anew"
    );
}

#[tokio::test]
async fn another_boxs_calls_are_closed_once_it_is_dead_on_sqlite() {
    let dir = Dir::new();
    let a = open(&dir.0).await;
    let mut config = config(&dir.0.join("b"));
    config.box_name = "box-b".into();
    config.url = Some(format!("sqlite:{}", dir.0.join("tipring.db").display()));
    another_boxs_calls_are_closed_once_it_is_dead(&a, &Store::open(config).await.unwrap()).await;
}

#[tokio::test]
async fn a_damaged_or_newer_database_is_refused_with_the_remedy() {
    let dir = Dir::new();
    open(&dir.0).await.close().await;
    let path = dir.0.join("tipring.db");
    let sound = std::fs::read(&path).unwrap();
    let mut bytes = sound.clone();
    let middle = bytes.len() / 2;
    bytes[middle..].fill(0xa5);
    std::fs::write(&path, bytes).unwrap();
    let error = Store::open(config(&dir.0)).await.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt(_) | StoreError::Database(_)), "{error}");
    std::fs::write(&path, sound).unwrap();
    for left in ["tipring.db-wal", "tipring.db-shm"] {
        let _ = std::fs::remove_file(dir.0.join(left));
    }
    sqlx::any::install_default_drivers();
    let pool = sqlx::AnyPool::connect(&format!("sqlite:{}", path.display())).await.unwrap();
    sqlx::query("INSERT INTO schema_steps (step) VALUES (99)").execute(&pool).await.unwrap();
    pool.close().await;
    assert!(matches!(Store::open(config(&dir.0)).await, Err(StoreError::TooNew { found: 99, .. })));
}

#[tokio::test]
async fn an_older_database_is_brought_up_to_date_and_keeps_its_calls() {
    let dir = Dir::new();
    let store = open(&dir.0).await;
    store.put(Record::Call(call(1, CallStatus::Completed))).await.unwrap();
    store.put_account(account()).await.unwrap();
    store.put_number(number(7, "100")).await.unwrap();
    store.close().await;
    let pool = sqlx::AnyPool::connect(&format!("sqlite:{}", dir.0.join("tipring.db").display())).await.unwrap();
    sqlx::query("DELETE FROM schema_steps WHERE step > 1").execute(&pool).await.unwrap();
    for undo in [
        "DROP INDEX calls_by_status",
        "ALTER TABLE calls DROP COLUMN supervision",
        "ALTER TABLE calls DROP COLUMN queued_ms",
        "ALTER TABLE calls DROP COLUMN answered_by",
        "ALTER TABLE calls DROP COLUMN line_group",
        "ALTER TABLE calls DROP COLUMN hangup_evidence",
        "DROP INDEX recordings_of_conference",
        "ALTER TABLE recordings DROP COLUMN conference",
        "ALTER TABLE recordings DROP COLUMN track",
        "DROP INDEX accounts_of",
        "ALTER TABLE accounts DROP COLUMN parent",
        "ALTER TABLE accounts DROP COLUMN contact",
        "ALTER TABLE accounts DROP COLUMN voice",
        "ALTER TABLE accounts DROP COLUMN public_media",
        "ALTER TABLE numbers DROP COLUMN voice_application",
        "ALTER TABLE numbers DROP COLUMN sms_url",
        "ALTER TABLE numbers DROP COLUMN sms_method",
        "ALTER TABLE numbers DROP COLUMN sms_fallback_url",
        "ALTER TABLE numbers DROP COLUMN sms_fallback_method",
        "ALTER TABLE numbers DROP COLUMN sms_application",
        "DROP TABLE conferences",
        "DROP TABLE participants",
        "DROP TABLE queues",
        "DROP TABLE members",
        "DROP TABLE applications",
        "DROP TABLE caller_ids",
        "DROP TABLE api_keys",
        "DROP TABLE transcriptions",
        "DROP TABLE messages",
        "DROP TABLE call_events",
        "DROP TABLE audit",
        "ALTER TABLE box_leases DROP COLUMN address",
        "DROP INDEX recordings_by_sharing",
        "DROP INDEX recordings_to_clear",
        "ALTER TABLE recordings DROP COLUMN shared",
        "ALTER TABLE recordings DROP COLUMN cleared",
    ] {
        sqlx::query(undo).execute(&pool).await.unwrap();
    }
    pool.close().await;
    let store = open(&dir.0).await;
    let found = store.call(me(), call(1, CallStatus::Busy).sid).await.unwrap();
    assert_eq!(found, Some(call(1, CallStatus::Completed)), "nothing supervised it, and it never waited");
    assert_eq!(store.account(me()).await.unwrap(), Some(account()));
    assert_eq!(store.number(number(7, "").sid).await.unwrap(), Some(number(7, "100")));
    store.close().await;
    open(&dir.0).await;
}

/// Not a test of its own: the process that [`c28_killed_under_load`] kills.
#[tokio::test]
#[ignore = "the victim of c28_killed_under_load"]
async fn victim() {
    let Some(dir) = std::env::var_os("TIPRING_STORE_VICTIM") else {
        return;
    };
    let store = open(dir.as_ref()).await;
    let base = u128::from(std::process::id()) * 1_000_000;
    let re = recording(base, RecordingStatus::InProgress);
    store.put(Record::Recording(re.clone())).await.unwrap();
    let mut sound = store.blobs().create(re.sid, Law::A).unwrap();
    for id in base.. {
        sound.write(&[0x33; 80]).unwrap();
        println!("sound {} {}", re.sid, sound.samples());
        let mut ringing = call(id, CallStatus::Ringing);
        if id % 3 == 0 {
            (ringing.status, ringing.direction) = (CallStatus::Queued, Direction::OutboundApi);
        }
        store.journal(&ringing).unwrap();
        println!("born {}", ringing.sid);
        let first = store.put(Record::Call(ringing));
        if id % 2 == 0 {
            store.put(Record::Call(call(id, CallStatus::Completed))).await.unwrap();
            println!("done {}", call(id, CallStatus::Busy).sid);
        } else if id % 16 == 1 {
            first.await.unwrap();
        }
    }
}

#[tokio::test]
async fn c28_killed_under_load() {
    let dir = Dir::new();
    for lines in [90, 181, 300, 733] {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "crash::victim", "--ignored", "--nocapture"])
            .env("TIPRING_STORE_VICTIM", &dir.0)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut told = String::new();
        for _ in 0..lines {
            assert!(output.read_line(&mut told).unwrap() > 0, "the victim ended by itself");
        }
        child.kill().unwrap();
        child.wait().unwrap();
        output.read_to_string(&mut told).unwrap();
        let store = open(&dir.0).await;
        store.integrity_check().await.unwrap();
        let mut seen = 0;
        sound_is_a_quarter_second_short_at_most(&store, &told).await;
        for line in told.lines() {
            let Some((word, sid)) = line.split_once(' ') else {
                continue;
            };
            let (Ok(sid), true) = (sid.parse(), matches!(word, "born" | "done")) else {
                continue;
            };
            let found = store.call(me(), sid).await.unwrap();
            let status = found.unwrap_or_else(|| panic!("{sid} was seen and is gone")).status;
            assert!(status.is_final(), "{sid} is {status:?}");
            assert!(word == "born" || status == CallStatus::Completed, "{sid} was committed as completed");
            seen += 1;
        }
        assert!(seen > 20, "the victim did too little to prove anything: {seen}");
        store.close().await;
    }
}

/// The recording that the victim was making: what it had said to have written last, against what is in the file.
async fn sound_is_a_quarter_second_short_at_most(store: &Store, told: &str) {
    let last = told.lines().filter_map(|line| line.strip_prefix("sound ")).next_back().expect("the victim recorded");
    let (sid, samples) = last.split_once(' ').unwrap();
    let (sid, samples): (tipring_resources::Sid, u64) = (sid.parse().unwrap(), samples.parse().unwrap());
    let found = store.recording(me(), sid).await.unwrap().unwrap();
    if samples < tipring_store::FLUSH_SAMPLES as u64 + 80 && found.status == RecordingStatus::Absent {
        return;
    }
    assert_eq!(found.status, RecordingStatus::Completed);
    let there = u64::from(found.duration_ms.unwrap()) * 8;
    assert!(there + tipring_store::FLUSH_SAMPLES as u64 + 80 > samples, "{there} of {samples} samples");
    assert!(store.blobs().open(sid).unwrap().unwrap().length >= 44 + there * 2);
}

#[tokio::test]
async fn a_deletion_that_was_cut_before_the_file_is_finished_at_the_next_start() {
    let dir = Dir::new();
    let store = open(&dir.0).await;
    let re = recording(5, RecordingStatus::Completed);
    let mut writer = store.blobs().create(re.sid, Law::A).unwrap();
    writer.write(&[0x33; 8000]).unwrap();
    writer.finish(false, 0).unwrap();
    let mut deleted = re.clone();
    deleted.status = RecordingStatus::Deleted;
    deleted.updated = config(&dir.0).now;
    store.put(Record::Recording(deleted)).await.unwrap();
    store.put(Record::Recording(re.clone())).await.unwrap();
    assert_eq!(store.recording(me(), re.sid).await.unwrap().unwrap().status, RecordingStatus::Deleted, "it stays so");
    drop(store);
    let store = open(&dir.0).await;
    assert_eq!(store.repaired().deleted_files, 1);
    assert!(store.blobs().open(re.sid).unwrap().is_none());
}
