//! Which recordings are to be brought to the store that boxes share, and what of deleted ones is to be cleared away.

use tipring_card::Law;
use tipring_resources::{Record, RecordingStatus, Sid};
use tipring_store::{Living, Store};

use crate::support::*;

fn re(id: u128) -> Sid {
    recording(id, RecordingStatus::Completed).sid
}

async fn made(store: &Store, id: u128, status: RecordingStatus) -> Sid {
    let mut record = recording(id, status);
    record.created = at(i64::try_from(id).unwrap());
    store.put(Record::Recording(record)).await.unwrap();
    re(id)
}

/// `a` and `b` are two boxes of one store.
pub async fn c22_recordings_are_brought_once_and_cleared_away_everywhere(a: &Store, b: &Store) {
    for id in [1, 2, 3] {
        made(a, id, RecordingStatus::Completed).await;
    }
    made(a, 4, RecordingStatus::InProgress).await;
    made(b, 5, RecordingStatus::Completed).await;
    assert_eq!(
        a.recordings_to_share(10).await.unwrap(),
        [re(3), re(2), re(1)],
        "its own that are whole, the newest first"
    );
    assert_eq!(a.recordings_to_share(1).await.unwrap(), [re(3)]);
    assert_eq!(b.recordings_to_share(10).await.unwrap(), [re(5)]);
    // Begun and cut: it is brought once more. Brought: it is not.
    assert!(a.recording_begins_to_be_shared(re(3)).await.unwrap());
    assert_eq!(a.recordings_to_share(1).await.unwrap(), [re(3)]);
    assert!(a.recording_is_shared(re(3)).await.unwrap());
    assert!(a.recording_has_no_sound(re(2)).await.unwrap());
    assert_eq!(a.recordings_to_share(10).await.unwrap(), [re(1)]);
    a.absent_recordings_are_tried_again().await.unwrap();
    assert_eq!(a.recordings_to_share(10).await.unwrap(), [re(2), re(1)]);
    // Whoever finds it damaged has it brought anew; what was never there is not.
    assert!(b.recording_is_to_be_shared_anew(re(3)).await.unwrap());
    assert!(!b.recording_is_to_be_shared_anew(re(1)).await.unwrap());
    assert_eq!(a.recordings_to_share(1).await.unwrap(), [re(3)]);
    assert!(a.recording_is_shared(re(3)).await.unwrap());
    // A late write of its end takes nothing back.
    made(a, 3, RecordingStatus::Completed).await;
    assert_eq!(a.recordings_to_share(10).await.unwrap(), [re(2), re(1)]);
    // Deleted by the other box: the store's part is anybody's, the file is its box's.
    let mut writer = a.blobs().create(re(3), Law::A).unwrap();
    writer.write(&[0x33; 8000]).unwrap();
    writer.finish(false, 0).unwrap();
    for id in [1, 3] {
        assert!(b.delete_recording(me(), re(id), at(100)).await.unwrap());
    }
    assert!(a.blobs().open(re(3)).unwrap().is_some(), "the other box cannot reach it");
    assert_eq!(a.recordings_to_clear(10).await.unwrap(), [re(1), re(3)]);
    assert!(b.recordings_to_clear(10).await.unwrap().is_empty());
    for store in [a, b] {
        assert_eq!(store.recordings_to_remove(10).await.unwrap(), [re(3)]);
    }
    assert!(!a.recording_is_shared(re(1)).await.unwrap(), "who has just brought it hears that it has to go");
    assert!(!a.recording_begins_to_be_shared(re(1)).await.unwrap());
    assert!(b.recording_is_removed(re(3)).await.unwrap());
    assert!(a.recordings_to_remove(10).await.unwrap().is_empty());
    assert_eq!(a.recordings_to_clear(10).await.unwrap(), [re(1), re(3)], "by its own box, all the same");
    for id in [1, 3] {
        a.recording_is_cleared(re(id), true, at(101)).await.unwrap();
    }
    assert!(a.recordings_to_clear(10).await.unwrap().is_empty());
    // Whose is the sound?
    a.announce("https://box-a:8444", at(102)).await.unwrap();
    let owner = b.owner(Living::Sound(re(2)), at(102)).await.unwrap().unwrap();
    assert_eq!((owner.name.as_str(), owner.address.as_str(), owner.silent), ("box-a", "https://box-a:8444", false));
    assert_eq!(a.owner(Living::Sound(re(2)), at(102)).await.unwrap(), None);
}

#[tokio::test]
async fn c22_recordings_are_brought_once_and_cleared_away_everywhere_on_sqlite() {
    let dir = Dir::new();
    let a = open(&dir.0).await;
    let b = beside(&dir).await;
    c22_recordings_are_brought_once_and_cleared_away_everywhere(&a, &b).await;
}

/// A second box on the same database.
async fn beside(dir: &Dir) -> Store {
    let mut config = config(&dir.0.join("b"));
    config.box_name = "box-b".into();
    config.url = Some(format!("sqlite:{}", dir.0.join("tipring.db").display()));
    Store::open(config).await.unwrap()
}

#[tokio::test]
async fn c28_a_deletion_on_another_box_is_finished_when_its_box_starts_and_is_forgotten_only_then() {
    let dir = Dir::new();
    let a = open(&dir.0).await;
    made(&a, 1, RecordingStatus::Completed).await;
    let mut writer = a.blobs().create(re(1), Law::A).unwrap();
    writer.write(&[0x33; 8000]).unwrap();
    writer.finish(false, 0).unwrap();
    drop(a);
    let b = beside(&dir).await;
    assert!(b.delete_recording(me(), re(1), at(200)).await.unwrap());
    // Fifty days later its box is still off: the record stays, or its file would stay for ever.
    let later = at(200 + 50 * 24 * 3600);
    b.repair(later).await.unwrap();
    assert!(b.recording(me(), re(1)).await.unwrap().is_some());
    let mut started = config(&dir.0);
    started.now = later;
    let a = Store::open(started).await.unwrap();
    assert_eq!(a.repaired().deleted_files, 1);
    assert!(a.blobs().open(re(1)).unwrap().is_none());
    assert!(a.recording(me(), re(1)).await.unwrap().is_none(), "and now it is forgotten");
}

#[tokio::test]
async fn c28_a_deleted_recording_that_may_be_in_the_shared_store_is_never_forgotten() {
    let dir = Dir::new();
    let a = open(&dir.0).await;
    made(&a, 1, RecordingStatus::Completed).await;
    assert!(a.recording_begins_to_be_shared(re(1)).await.unwrap());
    assert!(a.delete_recording(me(), re(1), at(200)).await.unwrap());
    a.recording_is_cleared(re(1), false, at(201)).await.unwrap();
    let years_later = at(200 + 3 * 365 * 24 * 3600);
    a.repair(years_later).await.unwrap();
    assert_eq!(a.recordings_to_remove(10).await.unwrap(), [re(1)], "nobody would remove it any more");
    a.recording_is_removed(re(1)).await.unwrap();
    a.repair(years_later).await.unwrap();
    assert!(a.recording(me(), re(1)).await.unwrap().is_none());
}
