//! Recordings as files: what was said is what is in them, at every moment.

use tipring_card::Law;
use tipring_dsp::{alaw_decode, alaw_encode};
use tipring_store::{Blobs, FLUSH_SAMPLES};

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
