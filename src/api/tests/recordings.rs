//! Recordings and their sound.

use axum::body::Body;
use axum::http::header;
use tipring_resources::{CallStatus, Record, RecordingStatus};
use tipring_store::Law;

use crate::support::*;

async fn with_sound() -> (Desk, String) {
    let desk = Desk::new().await;
    desk.put_calls(1..2, CallStatus::Completed).await;
    let re = recording(1, RecordingStatus::Completed);
    let mut writer = desk.store.blobs().create(re.sid, Law::A).unwrap();
    writer.write(&[0x33; 8000]).unwrap();
    writer.finish(false, 0).unwrap();
    desk.store.put(Record::Recording(re.clone())).await.unwrap();
    (desk, format!("/Recordings/{}", re.sid))
}

#[tokio::test]
async fn c22_sound_and_record_by_suffix_and_delete_removes_both() {
    let (desk, path) = with_sound().await;
    let wav = desk.get(&format!("{path}.wav")).await;
    assert_eq!((wav.status.as_u16(), wav.headers[header::CONTENT_TYPE].to_str().unwrap()), (200, "audio/x-wav"));
    assert_eq!((&wav.body[..4], wav.body.len()), (&b"RIFF"[..], 44 + 16_000));
    assert_eq!(wav.headers[header::CONTENT_LENGTH], "16044");
    assert_eq!(desk.get(&path).await.body, wav.body, "no suffix is the sound");
    let of_call = format!("/Calls/{}{path}", call(1, CallStatus::Busy).sid);
    assert_eq!(desk.get(&of_call).await.body, wav.body);
    let record = desk.get(&format!("{path}.json")).await.json();
    assert_eq!((record["duration"].as_str(), record["status"].as_str()), (Some("1"), Some("completed")));
    assert_eq!(record["media_url"], format!("http://box{}", below(&path)));
    assert_eq!(desk.get(&format!("{of_call}.json")).await.json()["track"], "both");
    let xml = desk.get(&format!("{path}.xml")).await;
    assert_eq!(xml.headers[header::CONTENT_TYPE], "application/xml; charset=utf-8");
    assert!(String::from_utf8_lossy(&xml.body).contains("<Recording><AccountSid>"));
    assert_eq!(desk.get(&format!("{path}.mp3")).await.fault(), (404, 20404));
    assert_eq!(desk.get(&format!("{path}.wav?RequestedChannels=2")).await.fault(), (400, 16113));
    let download = desk.get(&format!("{path}.wav?Download=true")).await;
    assert!(download.headers[header::CONTENT_DISPOSITION].to_str().unwrap().starts_with("attachment"));
    assert_eq!(desk.delete(&format!("{path}.json")).await.status, 204);
    for suffix in ["", ".json", ".wav"] {
        assert_eq!(desk.get(&format!("{path}{suffix}")).await.fault(), (404, 20404), "{suffix}");
    }
    assert!(
        desk.store.blobs().open(recording(1, RecordingStatus::Absent).sid).unwrap().is_none(),
        "gone from the disk"
    );
    assert_eq!(desk.delete(&format!("{path}.json")).await.fault(), (404, 20404));
    let kept = desk.get(&format!("{path}.json?IncludeSoftDeleted=true")).await.json();
    assert_eq!(kept["status"], "deleted");
}

#[tokio::test]
async fn a_part_of_the_sound_and_its_head() {
    let (desk, path) = with_sound().await;
    let whole = desk.get(&format!("{path}.wav")).await.body;
    let part = async |range: &str| {
        let request = request("GET", &format!("{path}.wav")).header(header::RANGE, range);
        desk.send(request.body(Body::empty()).unwrap()).await
    };
    let got = part("bytes=100-199").await;
    assert_eq!((got.status.as_u16(), &got.body[..]), (206, &whole[100..200]));
    assert_eq!(got.headers[header::CONTENT_RANGE], "bytes 100-199/16044");
    assert_eq!(part("bytes=-44").await.body, whole[whole.len() - 44..]);
    let impossible = part("bytes=20000-").await;
    assert_eq!(
        (impossible.status.as_u16(), impossible.headers[header::CONTENT_RANGE].to_str().unwrap()),
        (416, "bytes */16044")
    );
    let head = desk.send(request("HEAD", &format!("{path}.wav")).body(Body::empty()).unwrap()).await;
    assert_eq!(
        (head.status.as_u16(), head.body.len(), head.headers[header::CONTENT_LENGTH].to_str().unwrap()),
        (200, 0, "16044")
    );
}

#[tokio::test]
async fn c26_no_sound_before_it_is_whole_and_a_link_in_its_place() {
    let desk = Desk::new().await;
    desk.put_calls(1..2, CallStatus::InProgress).await;
    let re = recording(1, RecordingStatus::InProgress);
    desk.store.put(Record::Recording(re.clone())).await.unwrap();
    let shown = desk.get(&format!("/Recordings/{}.json", re.sid)).await;
    assert!(shown.body.len() < 2000, "a small record with a link");
    assert!(shown.json()["duration"].is_null());
    let link = shown.json()["media_url"].as_str().unwrap().replace("http://box", "");
    assert_eq!(desk.get(&link).await.fault(), (404, 20404));
    assert_eq!(desk.delete(&format!("/Recordings/{}.json", re.sid)).await.fault(), (409, 20409));
}

#[tokio::test]
async fn recordings_are_listed_by_call_and_date() {
    let (desk, path) = with_sound().await;
    let sid = call(1, CallStatus::Busy).sid;
    for (list, count) in [
        ("/Recordings.json".to_string(), 1),
        (format!("/Recordings.json?CallSid={sid}"), 1),
        ("/Recordings.json?CallSid=CA00000000000000000000000000000009".into(), 0),
        ("/Recordings.json?DateCreated=1970-01-01".into(), 1),
        ("/Recordings.json?DateCreated%3E=1970-01-02".into(), 0),
        (format!("/Calls/{sid}/Recordings.json"), 1),
    ] {
        assert_eq!(desk.get(&list).await.json()["recordings"].as_array().unwrap().len(), count, "{list}");
    }
    let other = path.replace("/Recordings", "/Calls/CA00000000000000000000000000000009/Recordings");
    assert_eq!(desk.get(&format!("{other}.json")).await.fault(), (404, 20404), "not of that call");
}

#[tokio::test]
async fn c22_two_channels_are_served_as_two_or_mixed_to_one_on_demand() {
    let desk = Desk::new().await;
    desk.put_calls(1..2, CallStatus::Completed).await;
    let mut re = recording(1, RecordingStatus::Completed);
    re.channels = 2;
    let mut writer = desk.store.blobs().create2(re.sid, Law::A, Law::Mu).unwrap();
    let voice = |step: usize| (0..8000).map(|n| (n * step / 50) as u8).collect::<Vec<u8>>();
    writer.write2(&voice(3), &voice(7)).unwrap();
    writer.finish(false, 0).unwrap();
    desk.store.put(Record::Recording(re.clone())).await.unwrap();
    let path = format!("/Recordings/{}", re.sid);
    assert_eq!(desk.get(&format!("{path}.json")).await.json()["channels"], 2);
    let both = desk.get(&format!("{path}.wav")).await.body;
    assert_eq!((both.len(), &both[22..24]), (44 + 32_000, &[2, 0][..]));
    assert_eq!(desk.get(&format!("{path}.wav?RequestedChannels=2")).await.body, both);
    let one = desk.get(&format!("{path}.wav?RequestedChannels=1")).await;
    assert_eq!((one.headers[header::CONTENT_LENGTH].to_str().unwrap(), one.body.len()), ("16044", 16_044));
    assert_eq!((&one.body[22..24], &one.body[40..44]), (&[1, 0][..], &16_000u32.to_le_bytes()[..]));
    let sample = |bytes: &[u8], at: usize| i16::from_le_bytes([bytes[at], bytes[at + 1]]);
    for n in 0..8000 {
        let sum = sample(&both, 44 + n * 4).saturating_add(sample(&both, 46 + n * 4));
        assert_eq!(sample(&one.body, 44 + n * 2), sum, "sample {n}");
    }
    for range in [(0, 0), (0, 43), (10, 60), (43, 44), (44, 45), (45, 45), (45, 1000), (1001, 1004), (16_043, 16_043)] {
        let request = request("GET", &format!("{path}.wav?RequestedChannels=1"))
            .header(header::RANGE, format!("bytes={}-{}", range.0, range.1));
        let got = desk.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!((got.status.as_u16(), &got.body[..]), (206, &one.body[range.0..=range.1]), "{range:?}");
        assert_eq!(got.headers[header::CONTENT_RANGE], format!("bytes {}-{}/16044", range.0, range.1));
    }
    assert_eq!(desk.get(&format!("{path}.wav?RequestedChannels=3")).await.fault(), (400, 20002));
}

#[tokio::test]
async fn c22_one_channel_cannot_be_asked_for_as_two() {
    let (desk, path) = with_sound().await;
    let whole = desk.get(&format!("{path}.wav")).await.body;
    assert_eq!(desk.get(&format!("{path}.wav?RequestedChannels=1")).await.body, whole);
    assert_eq!(desk.get(&format!("{path}.wav?RequestedChannels=2")).await.fault(), (400, 16113));
}

/// A recording of another box, which says that it is asked at this address.
async fn of_another_box(desk: &Desk, address: &str) -> String {
    let config = tipring_store::Config {
        url: Some(format!("sqlite:{}", desk.dir.join("tipring.db").display())),
        box_name: "other".into(),
        data_dir: desk.dir.join("other"),
        now: at(1),
    };
    let other = tipring_store::Store::open(config).await.unwrap();
    other.announce(address, at(1)).await.unwrap();
    let re = recording(7, RecordingStatus::Completed);
    other.put(Record::Recording(re.clone())).await.unwrap();
    other.close().await;
    format!("/Recordings/{}", re.sid)
}

#[tokio::test]
async fn c22_a_sound_is_looked_for_on_the_disk_in_the_shared_store_and_on_its_box() {
    let (desk, own) = with_sound().await;
    let (of_disk, beside) = (desk.get(&format!("{own}.wav")).await.body, &desk.live.beside);
    let path = of_another_box(&desk, "https://other:8444").await;
    // Nobody can be asked: it is there, and cannot be had.
    let nobody = desk.get(&format!("{path}.wav")).await;
    assert_eq!(nobody.fault(), (503, 20503));
    assert_eq!(nobody.headers[header::RETRY_AFTER], "1");
    // Its own box.
    beside.boxes.store(true, std::sync::atomic::Ordering::Relaxed);
    let passed = desk.get(&format!("{path}.wav?Download=true")).await;
    assert_eq!((passed.status.as_u16(), &passed.body[..]), (200, &b"the other box's sound"[..]));
    let target = below(&format!("{path}.wav?Download=true"));
    let known = ("https://other:8444".to_owned(), "GET".to_owned(), target);
    assert_eq!(beside.passed_on.lock().unwrap().pop(), Some(known));
    // A request that was passed on already goes no further.
    let again = request("GET", &format!("{path}.wav")).header(tipring_api::PASSED_ON, "third");
    assert_eq!(desk.send(again.body(Body::empty()).unwrap()).await.fault(), (503, 20503));
    // What the shared store has not, or nobody knows of it, is asked for there too; what it has is not.
    for there in [Ok(None), Err("away".to_owned())] {
        *beside.sounds.lock().unwrap() = Some(there);
        assert_eq!(desk.get(&format!("{path}.wav")).await.body, passed.body);
    }
    assert_eq!(beside.passed_on.lock().unwrap().drain(..).count(), 2);
    *beside.sounds.lock().unwrap() = Some(Ok(Some(of_disk.to_vec())));
    assert_eq!(desk.get(&format!("{path}.wav")).await.body, of_disk);
    let part = request("GET", &format!("{path}.wav")).header(header::RANGE, "bytes=40-49");
    assert_eq!(desk.send(part.body(Body::empty()).unwrap()).await.body, of_disk[40..50]);
    // An mp3, for which there is no program here, its box may have.
    assert!(beside.passed_on.lock().unwrap().is_empty());
    assert_eq!(desk.get(&format!("{path}.mp3")).await.body, passed.body);
    // This box's own, whose file is gone: the store may have it; nobody else is asked.
    std::fs::remove_file(desk.dir.join(format!("recordings/{}.wav", own.rsplit('/').next().unwrap()))).unwrap();
    assert_eq!(desk.get(&format!("{own}.wav")).await.body, of_disk);
    *beside.sounds.lock().unwrap() = Some(Err("away".to_owned()));
    assert_eq!(desk.get(&format!("{own}.wav")).await.fault(), (503, 20503), "nobody knows");
    *beside.sounds.lock().unwrap() = Some(Ok(None));
    assert_eq!(desk.get(&format!("{own}.wav")).await.fault(), (404, 20404), "now it is known");
}

#[tokio::test]
async fn c22_a_box_that_is_away_is_no_404() {
    let (desk, _) = with_sound().await;
    desk.live.beside.boxes.store(true, std::sync::atomic::Ordering::Relaxed);
    for address in ["https://away:8444", ""] {
        let path = of_another_box(&desk, address).await;
        let away = desk.get(&format!("{path}.wav")).await;
        assert_eq!(away.fault(), (503, 20503), "{address}");
        assert!(String::from_utf8_lossy(&away.body).contains("the box other"));
        assert_eq!(desk.get(&format!("{path}.mp3")).await.fault(), (503, 20503), "{address}");
    }
}
