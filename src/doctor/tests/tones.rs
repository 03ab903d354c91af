//! Tones that nobody knows beforehand.

use tipring_doctor::{Sound, measure};
use tipring_dsp::{Cadence, CadenceTone, ZoneId, alaw_decode, alaw_encode};

const SECOND: usize = 8_000;

/// A cadence as it comes over a line: from some moment of its rhythm, through the law, with noise.
pub fn heard(cadence: Cadence, seconds: usize, skipped_ms: usize, level_dbm0: f32) -> Vec<i16> {
    let mut samples = vec![0; seconds * SECOND + skipped_ms * 8];
    CadenceTone::new(cadence, level_dbm0).fill(&mut samples);
    let mut noise = 1_u32;
    let mut through = |sample: i16| {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let hiss = ((noise >> 16) as i16) / 1_500;
        alaw_decode(alaw_encode(sample.saturating_add(hiss)))
    };
    samples[skipped_ms * 8..].iter().map(|sample| through(*sample)).collect()
}

#[test]
fn inst5_every_countrys_tones_are_measured_without_knowing_them() {
    let (mut told, mut wrong) = (0, Vec::new());
    for zone in ZoneId::all() {
        let tones = zone.tones();
        for cadence in [tones.dial, tones.ringback, tones.busy, tones.congestion].concat() {
            let turn: usize = cadence.on_off_ms.iter().map(|ms| usize::from(*ms)).sum();
            let seconds = (turn * 3).div_ceil(1_000).max(4);
            let sound = measure(&heard(cadence, seconds, 130, -14.0));
            told += 1;
            match &sound {
                Sound::Tone(tone) if tone.is_one_of(&[cadence]) => {}
                _ => wrong.push(format!("{}: {cadence:?}: {sound:?}", tones.code)),
            }
        }
    }
    assert!(told > 150, "{told}");
    assert!(wrong.is_empty(), "{} of {told}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn inst5_a_rhythm_is_told_as_it_is_wherever_its_bursts_begin() {
    let busy = Cadence { hz: [425, 0], modulated: false, on_off_ms: &[480, 480] };
    let sound = heard(busy, 6, 600, -14.0);
    for samples_later in [0, 9, 17, 26, 39] {
        let told = measure(&sound[samples_later..]).tone().map(ToString::to_string);
        assert_eq!(told.as_deref(), Some("425 480/480"), "{samples_later} samples later");
    }
}

#[test]
fn inst5_a_lost_piece_of_a_steady_tone_does_not_spoil_it() {
    // As long as half a turn of it: what comes after cancels what was before.
    let dial = Cadence { hz: [425, 0], modulated: false, on_off_ms: &[] };
    for lost_at_ms in [100, 260, 500, 1_900, 3_600] {
        let mut sound = heard(dial, 4, 0, -13.0);
        sound.drain(lost_at_ms * 8..lost_at_ms * 8 + 9);
        let told = measure(&sound).tone().map(ToString::to_string);
        assert_eq!(told.as_deref(), Some("425"), "lost at {lost_at_ms} ms");
    }
}

#[test]
fn inst5_one_held_note_in_a_long_sound_is_no_tone() {
    let note = |hz: u16| heard(Cadence { hz: [hz, 0], modulated: false, on_off_ms: &[] }, 2, 0, -13.0);
    let glide = [note(425), note(475), note(530), note(600)].concat();
    assert!(matches!(measure(&glide), Sound::Other { .. }), "{:?}", measure(&glide));
}
