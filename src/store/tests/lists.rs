//! Lists: pages that add up while new records arrive, filters that give exact sets.

use std::collections::BTreeSet;

use tipring_resources::{Call, CallStatus, Record, RecordingStatus, Sid};
use tipring_store::{
    Anchor, CallFilter, Listing, NotificationFilter, NumberFilter, Page, PageStart, RecordingFilter, Store, TimeRange,
};

use crate::support::*;

fn anchor(call: &Call) -> Anchor {
    Anchor { created: call.created, sid: call.sid }
}

async fn page(store: &Store, filter: &CallFilter, size: u32, start: PageStart) -> Listing<Call> {
    store.calls(me(), filter, Page { size, start }).await.unwrap()
}

async fn put_calls(store: &Store, ids: impl Iterator<Item = u128>) {
    let waiting: Vec<_> = ids
        .map(|id| {
            let status = if id % 3 == 0 { CallStatus::Busy } else { CallStatus::Completed };
            store.put(Record::Call(call(id, status)))
        })
        .collect();
    for write in waiting {
        write.await.unwrap();
    }
}

pub async fn c34_pages_add_up_while_calls_arrive(store: &Store) {
    put_calls(store, 1..=120).await;
    let filter = CallFilter::default();
    let mut seen: Vec<Sid> = Vec::new();
    let (mut start, mut pages, mut firsts) = (PageStart::Newest, 0, Vec::new());
    loop {
        let got = page(store, &filter, 50, start).await;
        put_calls(store, 1000 + pages * 10..1000 + pages * 10 + 7).await;
        pages += 1;
        assert_eq!(got.newer, pages > 1);
        seen.extend(got.items.iter().map(|call| call.sid));
        firsts.push(got.items.first().map(anchor).unwrap());
        if !got.older {
            break;
        }
        start = PageStart::OlderThan(got.items.last().map(anchor).unwrap());
    }
    assert_eq!(pages, 3);
    assert_eq!(seen.len(), 120, "50 + 50 + 20");
    assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 120, "no call came twice");
    assert!(seen.is_sorted_by(|a, b| a > b), "newest first");
    let back = page(store, &filter, 50, PageStart::NewerThan(firsts[1])).await;
    assert_eq!(back.items.iter().map(|call| call.sid).collect::<Vec<_>>(), seen[..50], "back is the first page again");
    assert!(back.newer && back.older);
}

#[tokio::test]
async fn c34_pages_add_up_on_sqlite() {
    let dir = Dir::new();
    c34_pages_add_up_while_calls_arrive(&open(&dir.0).await).await;
}

pub async fn c34_filters_give_exact_sets(store: &Store) {
    put_calls(store, 1..=120).await;
    let all = Page { size: 5000, start: PageStart::Newest };
    let busy = CallFilter { status: Some(CallStatus::Busy), ..CallFilter::default() };
    let found = store.calls(me(), &busy, all).await.unwrap();
    assert_eq!(found.items.len(), 40);
    assert!(found.items.iter().all(|call| call.status == CallStatus::Busy));
    let from = CallFilter { from: Some(call(7, CallStatus::Busy).from), ..CallFilter::default() };
    assert_eq!(store.calls(me(), &from, all).await.unwrap().items.len(), 2, "7 and 107");
    let hour = TimeRange { from: Some(at(10)), until: Some(at(20)) };
    let started = CallFilter { start: hour, ..CallFilter::default() };
    let ids: Vec<u128> = store.calls(me(), &started, all).await.unwrap().items.iter().map(|call| call.sid.id).collect();
    assert_eq!(ids, (10..20).rev().collect::<Vec<_>>());
    let ended = CallFilter { end: TimeRange { from: Some(at(124)), until: None }, ..CallFilter::default() };
    assert_eq!(store.calls(me(), &ended, all).await.unwrap().items.len(), 1, "the last ended at 124");
    let hostile = CallFilter { to: Some("' OR '1'='1".into()), ..CallFilter::default() };
    assert!(store.calls(me(), &hostile, all).await.unwrap().items.is_empty());
}

#[tokio::test]
async fn c34_filters_give_exact_sets_on_sqlite() {
    let dir = Dir::new();
    c34_filters_give_exact_sets(&open(&dir.0).await).await;
}

pub async fn other_lists(store: &Store) {
    store.put_account(account()).await.unwrap();
    for (id, digits) in [(1, "+12025550100"), (2, "+12025550177"), (3, "100")] {
        store.put_number(number(id, digits)).await.unwrap();
    }
    let count = async |pattern: &str| {
        let filter = NumberFilter { phone_number: Some(pattern.into()), friendly_name: None };
        store.numbers(me(), &filter, Page::default()).await.unwrap().items.len()
    };
    assert_eq!(count("+1*0177").await, 1);
    assert_eq!(count("555").await, 2);
    assert_eq!(count("100").await, 2);
    assert_eq!(count("%").await, 0);
    for id in 1..=3 {
        store.put(Record::Recording(recording(id, RecordingStatus::Completed))).await.unwrap();
        store.put(Record::Notification(notification(id))).await.unwrap();
    }
    assert!(store.delete_recording(me(), recording(2, RecordingStatus::Absent).sid, at(9)).await.unwrap());
    assert!(!store.delete_recording(me(), recording(2, RecordingStatus::Absent).sid, at(9)).await.unwrap());
    let mut filter = RecordingFilter { call: Some(call(1, CallStatus::Busy).sid), ..RecordingFilter::default() };
    assert_eq!(store.recordings(me(), &filter, Page::default()).await.unwrap().items.len(), 2);
    filter.with_deleted = true;
    assert_eq!(store.recordings(me(), &filter, Page::default()).await.unwrap().items.len(), 3);
    let filter = NotificationFilter { level: Some(tipring_resources::Level::Warning), ..NotificationFilter::default() };
    assert_eq!(store.notifications(me(), &filter, Page::default()).await.unwrap().items.len(), 0);
    let late = NotificationFilter { at: TimeRange { from: Some(at(3)), until: None }, ..NotificationFilter::default() };
    assert_eq!(store.notifications(me(), &late, Page::default()).await.unwrap().items, vec![notification(3)]);
}

#[tokio::test]
async fn the_other_lists_on_sqlite() {
    let dir = Dir::new();
    other_lists(&open(&dir.0).await).await;
}

#[tokio::test]
async fn calls_of_the_same_microsecond_are_neither_lost_nor_repeated() {
    let dir = Dir::new();
    let store = open(&dir.0).await;
    for id in 1..=25 {
        let mut twin = call(id, CallStatus::Completed);
        twin.created = at(77);
        store.put(Record::Call(twin)).await.unwrap();
    }
    let (mut start, mut seen) = (PageStart::Newest, Vec::new());
    loop {
        let got = page(&store, &CallFilter::default(), 10, start).await;
        seen.extend(got.items.iter().map(|call| call.sid.id));
        start = PageStart::OlderThan(got.items.last().map(anchor).unwrap());
        if !got.older {
            break;
        }
    }
    assert_eq!(seen, (1..=25).rev().collect::<Vec<_>>());
}

/// A year of a busy box: `cargo test -p tipring-store --release -- --ignored --nocapture a_hundred_thousand`.
#[tokio::test]
#[ignore = "figures, not a judgement"]
async fn a_hundred_thousand_calls() {
    let dir = Dir::new();
    let store = open(&dir.0).await;
    let began = std::time::Instant::now();
    for round in 0..20u128 {
        put_calls(&store, round * 5000..round * 5000 + 5000).await;
    }
    println!("100000 writes: {:?}, {:?}", began.elapsed(), store.writer_counters());
    let filter = CallFilter::default();
    let middle = Anchor { created: at(50_000), sid: call(50_000, CallStatus::Busy).sid };
    for (what, start) in [("newest", PageStart::Newest), ("middle", PageStart::OlderThan(middle))] {
        let began = std::time::Instant::now();
        let got = page(&store, &filter, 50, start).await;
        println!("{what} page of {}: {:?}", got.items.len(), began.elapsed());
    }
    let began = std::time::Instant::now();
    let busy = CallFilter { status: Some(CallStatus::Queued), ..CallFilter::default() };
    assert!(page(&store, &busy, 50, PageStart::Newest).await.items.is_empty());
    println!("a filter that finds nothing: {:?}", began.elapsed());
    let began = std::time::Instant::now();
    store.close().await;
    let store = open(&dir.0).await;
    println!("close and open: {:?}", began.elapsed());
    drop(store);
}
