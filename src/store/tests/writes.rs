//! The writer: order, groups, refusals; and that every record reads back as it was put.

use tipring_resources::{CallStatus, NumberOrigin, Record, RecordingStatus};
use tipring_store::{Store, StoreError};

use crate::support::*;

pub async fn every_record_reads_back(store: &Store) {
    store.put_account(account()).await.unwrap();
    let mut fixed = number(7, "100");
    fixed.origin = NumberOrigin::File { file: "/etc/tipring.toml".into(), line: 12 };
    store.put_number(fixed.clone()).await.unwrap();
    let mut ended = call(1, CallStatus::Completed);
    store.put(Record::Call(ended.clone())).await.unwrap();
    (ended.supervision, ended.queued_ms) = (Some("reversal".into()), u32::MAX);
    store.put(Record::Call(ended.clone())).await.unwrap();
    store.put(Record::Recording(recording(3, RecordingStatus::Completed))).await.unwrap();
    store.put(Record::Notification(notification(4))).await.unwrap();
    assert_eq!(store.account(me()).await.unwrap(), Some(account()));
    assert_eq!(store.accounts().await.unwrap(), vec![account()]);
    assert_eq!(store.number(fixed.sid).await.unwrap(), Some(fixed));
    assert_eq!(store.call(me(), ended.sid).await.unwrap(), Some(ended));
    let kept = recording(3, RecordingStatus::Completed);
    assert_eq!(store.recording(me(), kept.sid).await.unwrap(), Some(kept));
    assert_eq!(store.notification(me(), notification(4).sid).await.unwrap(), Some(notification(4)));
}

#[tokio::test]
async fn every_record_reads_back_on_sqlite() {
    let dir = Dir::new();
    every_record_reads_back(&open(&dir.0).await).await;
}

#[tokio::test]
async fn a_foreign_account_sees_nothing_of_it() {
    let dir = Dir::new();
    let store = open(&dir.0).await;
    store.put(Record::Call(call(1, CallStatus::Completed))).await.unwrap();
    let stranger = sid(tipring_resources::SidKind::Account, 2);
    assert_eq!(store.call(stranger, call(1, CallStatus::Busy).sid).await.unwrap(), None);
    assert!(!store.delete_call(stranger, call(1, CallStatus::Busy).sid).await.unwrap());
    assert!(store.delete_call(me(), call(1, CallStatus::Busy).sid).await.unwrap());
}

pub async fn writes_are_grouped_and_keep_their_order(store: &Store) {
    let mut waiting = Vec::new();
    for id in 1..=600 {
        waiting.push(store.put(Record::Call(call(id, CallStatus::Ringing))));
        waiting.push(store.put(Record::Call(call(id, CallStatus::InProgress))));
        waiting.push(store.put(Record::Call(call(id, CallStatus::Completed))));
    }
    for write in waiting {
        write.await.unwrap();
    }
    let counters = store.writer_counters();
    assert_eq!(counters.commands, 1800);
    assert!(counters.transactions <= 100, "{counters:?}: hardly grouped");
    for id in [1, 300, 600] {
        let found = store.call(me(), call(id, CallStatus::Busy).sid).await.unwrap().unwrap();
        assert_eq!(found.status, CallStatus::Completed);
    }
}

#[tokio::test]
async fn writes_are_grouped_and_keep_their_order_on_sqlite() {
    let dir = Dir::new();
    writes_are_grouped_and_keep_their_order(&open(&dir.0).await).await;
}

pub async fn a_refused_write_fails_alone(store: &Store) {
    store.put_account(account()).await.unwrap();
    let mut orphan = number(8, "101");
    orphan.account = sid(tipring_resources::SidKind::Account, 99);
    let before = store.put(Record::Call(call(1, CallStatus::Ringing)));
    let poisoned = store.put_number(orphan);
    let twice = (store.put_number(number(9, "102")), store.put_number(number(10, "102")));
    let after = store.put(Record::Call(call(2, CallStatus::Ringing)));
    before.await.unwrap();
    assert!(matches!(poisoned.await, Err(StoreError::Database(_))), "its account does not exist");
    twice.0.await.unwrap();
    assert_eq!(twice.1.await, Err(StoreError::NumberInUse(number(9, "").sid)));
    after.await.unwrap();
    assert_eq!(store.writer_counters().refused, 2);
}

#[tokio::test]
async fn a_refused_write_fails_alone_on_sqlite() {
    let dir = Dir::new();
    a_refused_write_fails_alone(&open(&dir.0).await).await;
}

#[tokio::test]
async fn an_ended_call_is_not_brought_back_by_a_late_write() {
    let dir = Dir::new();
    let store = open(&dir.0).await;
    store.put(Record::Call(call(1, CallStatus::Failed))).await.unwrap();
    store.put(Record::Call(call(1, CallStatus::InProgress))).await.unwrap();
    assert_eq!(store.call(me(), call(1, CallStatus::Busy).sid).await.unwrap().unwrap().status, CallStatus::Failed);
}

#[tokio::test]
async fn a_full_queue_turns_a_write_away_and_says_so() {
    let dir = Dir::new();
    let store = open(&dir.0).await;
    let waiting: Vec<_> = (0..tipring_store::WRITE_QUEUE as u128 + 600)
        .map(|id| store.put(Record::Call(call(id, CallStatus::Busy))))
        .collect();
    let turned_away = store.writer_counters().turned_away;
    assert!(turned_away > 0, "the queue has a bound");
    drop(waiting);
    store.settled().await.unwrap_err();
    while store.settled().await.is_err() {
        tokio::task::yield_now().await;
    }
    assert_eq!(store.writer_counters().commands, tipring_store::WRITE_QUEUE as u64 + 1);
}

#[tokio::test]
async fn a_closed_store_has_written_all_and_takes_no_more() {
    let dir = Dir::new();
    let store = open(&dir.0).await;
    drop(store.put(Record::Call(call(1, CallStatus::Completed))));
    store.close().await;
    assert_eq!(store.put(Record::Call(call(2, CallStatus::Completed))).await, Err(StoreError::Closed));
    let store = open(&dir.0).await;
    assert!(store.call(me(), call(1, CallStatus::Busy).sid).await.unwrap().is_some());
    assert_eq!(*store.repaired(), tipring_store::RepairReport::default());
}

#[tokio::test]
async fn a_number_that_left_its_file_can_be_deleted() {
    let dir = Dir::new();
    let store = open(&dir.0).await;
    store.put_account(account()).await.unwrap();
    let mut fixed = number(7, "100");
    fixed.origin = NumberOrigin::File { file: "/etc/tipring.toml".into(), line: 12 };
    store.put_number(fixed.clone()).await.unwrap();
    assert!(store.delete_number(me(), fixed.sid).await.unwrap());
    assert_eq!(store.number(fixed.sid).await.unwrap(), None);
}
