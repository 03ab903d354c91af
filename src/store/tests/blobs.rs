//! Recordings as files: what was said is what is in them, at every moment.

use tipring_card::Law;
use tipring_dsp::{alaw_decode, alaw_encode, ulaw_decode, ulaw_encode};
use tipring_resources::{CallStatus, Record, RecordingStatus};
use tipring_store::{AHEAD_MAX, Blobs, FLUSH_SAMPLES};

use crate::support::*;

fn re() -> tipring_resources::Sid {
    sid(tipring_resources::SidKind::Recording, 5)
}

/// A-law octets of a tone, or of silence.
fn tone(ms: usize, level: f64) -> Vec<u8> {
    (0..ms * 8).map(|n| alaw_encode((level * (n as f64 * 0.6).sin()) as i16)).collect()
}

fn samples(path: &std::path::Path) -> Vec<i16> {
    let bytes = std::fs::read(path).unwrap();
    assert_eq!(&bytes[..4], b"RIFF");
    let length = u32::from_le_bytes(bytes[40..44].try_into().unwrap()) as usize;
    assert_eq!(u32::from_le_bytes(bytes[4..8].try_into().unwrap()) as usize, length + 36);
    assert!(bytes.len() >= 44 + length, "the header promises no more than there is");
    bytes[44..44 + length].chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect()
}

#[test]
fn b16_what_was_said_is_in_the_file_sample_by_sample() {
    let dir = Dir::new();
    let blobs = Blobs::new(&dir.0).unwrap();
    let mut writer = blobs.create(re(), Law::A).unwrap();
    let said = tone(1234, 8000.0);
    for block in said.chunks(80) {
        writer.write(block).unwrap();
    }
    assert!(blobs.open(re()).unwrap().is_none(), "not before it is whole");
    assert_eq!(writer.finish(false, 0).unwrap(), 1234);
    let heard = samples(&dir.0.join(format!("{}.wav", re())));
    assert_eq!(heard, said.iter().map(|octet| alaw_decode(*octet)).collect::<Vec<_>>());
    assert_eq!(blobs.open(re()).unwrap().unwrap().length, 44 + heard.len() as u64 * 2);
    assert!(blobs.delete(re()).unwrap() && !blobs.delete(re()).unwrap());
}

#[test]
fn a_file_being_made_opens_at_any_moment_and_is_a_quarter_second_short_at_most() {
    let dir = Dir::new();
    let blobs = Blobs::new(&dir.0).unwrap();
    let mut writer = blobs.create(re(), Law::Mu).unwrap();
    for block in 1..=300 {
        writer.write(&[0x80; 80]).unwrap();
        let there = samples(&dir.0.join(format!("{}.part", re()))).len();
        assert!(block * 80 - there < FLUSH_SAMPLES, "block {block}: {there}");
    }
}

#[test]
fn b18_silence_is_cut_at_both_ends_and_the_key_that_ended_it_too() {
    let dir = Dir::new();
    let blobs = Blobs::new(&dir.0).unwrap();
    let mut writer = blobs.create(re(), Law::A).unwrap();
    for (ms, level) in [(900, 0.0), (1000, 6000.0), (300, 0.0), (1000, 6000.0), (700, 20.0), (120, 9000.0)] {
        writer.write(&tone(ms, level)).unwrap();
    }
    assert_eq!(writer.finish(true, 120).unwrap(), 2300 + 2 * 50, "speech with a margin of 50 ms at both ends");
    let heard = samples(&dir.0.join(format!("{}.wav", re())));
    assert_eq!(heard.len(), 2400 * 8);
    assert!(heard[..390].iter().all(|sample| sample.abs() < 50) && heard[410..500].iter().any(|s| s.abs() > 3000));
}

#[test]
fn a_recording_below_100_ms_leaves_no_file() {
    let dir = Dir::new();
    let blobs = Blobs::new(&dir.0).unwrap();
    for (ms, kept_ms) in [(99, 0), (100, 100)] {
        let mut writer = blobs.create(re(), Law::A).unwrap();
        writer.write(&tone(ms, 8000.0)).unwrap();
        assert_eq!(writer.finish(false, 0).unwrap(), kept_ms);
        let files = std::fs::read_dir(&dir.0).unwrap().count();
        assert_eq!(files, usize::from(kept_ms > 0), "{ms} ms");
    }
}

#[test]
fn a_silent_recording_leaves_no_file() {
    let dir = Dir::new();
    let blobs = Blobs::new(&dir.0).unwrap();
    let mut writer = blobs.create(re(), Law::A).unwrap();
    writer.write(&[0xd5; 8000]).unwrap();
    assert_eq!(writer.finish(true, 0).unwrap(), 0);
    let mut writer = blobs.create(re(), Law::A).unwrap();
    writer.write(&[0xd5; 800]).unwrap();
    assert_eq!(writer.finish(false, 500).unwrap(), 0, "the tail is longer than all of it");
    let writer = blobs.create(re(), Law::A).unwrap();
    assert!(blobs.create(re(), Law::A).is_err(), "nobody writes over a recording");
    writer.discard().unwrap();
    assert_eq!(std::fs::read_dir(&dir.0).unwrap().count(), 0);
}

/// Left and right of what is in a file of two channels.
fn sides(path: &std::path::Path) -> (Vec<i16>, Vec<i16>) {
    assert_eq!(std::fs::read(path).unwrap()[22..24], [2, 0], "two channels");
    let frames = samples(path);
    assert_eq!(frames.len() % 2, 0);
    frames.chunks_exact(2).map(|pair| (pair[0], pair[1])).unzip()
}

fn whole(dir: &Dir) -> std::path::PathBuf {
    dir.0.join(format!("{}.wav", re()))
}

#[test]
fn b22_each_side_has_its_own_channel_whatever_the_law_of_its_line() {
    let dir = Dir::new();
    let blobs = Blobs::new(&dir.0).unwrap();
    let mut writer = blobs.create2(re(), Law::A, Law::Mu).unwrap();
    let left = tone(1500, 8000.0);
    let right: Vec<u8> = (0..1500 * 8).map(|n| ulaw_encode((n % 400) as i16 * 40)).collect();
    for (n, (here, there)) in left.chunks(80).zip(right.chunks(80)).enumerate() {
        // The two taps of one tick come in any order.
        if n % 3 == 0 {
            writer.write_right(there).unwrap();
            writer.write(here).unwrap();
        } else {
            writer.write2(here, there).unwrap();
        }
        assert_eq!(writer.samples(), (n as u64 + 1) * 80);
    }
    assert_eq!((writer.channels(), writer.finish(false, 0).unwrap()), (2, 1500));
    let (here, there) = sides(&whole(&dir));
    assert_eq!(here, left.iter().map(|octet| alaw_decode(*octet)).collect::<Vec<_>>());
    assert_eq!(there, right.iter().map(|octet| ulaw_decode(*octet)).collect::<Vec<_>>());
    let blob = blobs.open(re()).unwrap().unwrap();
    assert_eq!((blob.channels, blob.length), (2, 44 + 1500 * 32));
}

#[test]
fn a_side_that_comes_late_or_ends_early_is_silent_and_holds_nothing_up() {
    let dir = Dir::new();
    let blobs = Blobs::new(&dir.0).unwrap();
    let mut writer = blobs.create2(re(), Law::A, Law::A).unwrap();
    let voice = tone(500, 8000.0);
    for (n, block) in voice.chunks(80).enumerate() {
        writer.write(block).unwrap();
        assert_eq!(writer.samples(), ((n as u64 + 1) * 80).saturating_sub(AHEAD_MAX as u64));
    }
    writer.write2(&voice, &voice).unwrap();
    for block in voice.chunks(80) {
        writer.write_right(block).unwrap();
    }
    assert_eq!(writer.finish(false, 0).unwrap(), 1490, "a block late, no more");
    let (left, right) = sides(&whole(&dir));
    let silent = |sound: &[i16]| sound.iter().all(|sample| *sample == 0);
    assert!(silent(&right[..3920]) && !silent(&right[3920..4000]));
    assert!(!silent(&left[7920..8000]) && silent(&left[8000..]) && !silent(&right[8000..]));
}

#[test]
fn b18_both_channels_are_trimmed_together() {
    let dir = Dir::new();
    let blobs = Blobs::new(&dir.0).unwrap();
    let mut writer = blobs.create2(re(), Law::A, Law::A).unwrap();
    let said = |parts: &[(usize, f64)]| parts.iter().flat_map(|(ms, level)| tone(*ms, *level)).collect::<Vec<u8>>();
    let left = said(&[(600, 0.0), (400, 8000.0), (2000, 0.0)]);
    let right = said(&[(1500, 0.0), (500, 8000.0), (1000, 0.0)]);
    writer.write2(&left, &right).unwrap();
    assert_eq!(writer.finish(true, 0).unwrap(), 1400 + 2 * 50, "from the first sound of one to the last of the other");
    let (left, right) = sides(&whole(&dir));
    assert!(left[410..500].iter().any(|s| s.abs() > 3000) && right[..7000].iter().all(|s| s.abs() < 50));
    assert!(right[11_000..11_500].iter().any(|s| s.abs() > 3000));
    blobs.delete(re()).unwrap();
    let mut writer = blobs.create2(re(), Law::A, Law::Mu).unwrap();
    writer.write2(&[0xd5; 8000], &[0xff; 8000]).unwrap();
    assert_eq!(writer.finish(true, 0).unwrap(), 0, "both were silent");
    assert_eq!(std::fs::read_dir(&dir.0).unwrap().count(), 0);
}

#[tokio::test]
async fn c28_a_cut_recording_of_two_channels_keeps_whole_frames() {
    let dir = Dir::new();
    let store = open(&dir.0).await;
    store.put(Record::Call(call(1, CallStatus::InProgress))).await.unwrap();
    let mut record = recording(5, RecordingStatus::InProgress);
    record.channels = 2;
    store.put(Record::Recording(record.clone())).await.unwrap();
    let mut writer = store.blobs().create2(record.sid, Law::A, Law::Mu).unwrap();
    let mut nobodys = store.blobs().create2(recording(9, RecordingStatus::InProgress).sid, Law::A, Law::A).unwrap();
    for writer in [&mut writer, &mut nobodys] {
        writer.write2(&tone(1100, 8000.0), &tone(1100, 8000.0)).unwrap();
    }
    drop((writer, nobodys, store));
    let folder = dir.0.join("recordings");
    let part = folder.join(format!("{}.part", record.sid));
    let length = std::fs::metadata(&part).unwrap().len();
    assert_eq!((length - 44) % 4, 0);
    std::fs::OpenOptions::new().write(true).open(&part).unwrap().set_len(length - 3).unwrap();
    let store = open(&dir.0).await;
    let blob = store.blobs().open(record.sid).unwrap().unwrap();
    assert_eq!((blob.length, blob.channels), (length - 4, 2), "the torn frame is left out");
    let (left, right) = sides(&folder.join(format!("{}.wav", record.sid)));
    assert_eq!(left.len(), right.len());
    let kept = store.recording(me(), record.sid).await.unwrap().unwrap();
    assert_eq!((kept.duration_ms, kept.channels), (Some(999), 2));
    let lost = folder.join("lost").join(format!("{}.wav", recording(9, RecordingStatus::Absent).sid));
    assert_eq!(sides(&lost).0.len(), 8000);
}
