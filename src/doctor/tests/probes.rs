//! Levels and echoes.

use tipring_card::Law;
use tipring_doctor::probe;
use tipring_dsp::{alaw_decode, dbm0_of};

fn decoded(octets: &[u8]) -> Vec<i16> {
    octets.iter().map(|octet| alaw_decode(*octet)).collect()
}

fn scaled(samples: &[i16], db: f32) -> impl Iterator<Item = i16> + '_ {
    let by = 10_f32.powf(db / 20.0);
    samples.iter().map(move |sample| (f32::from(*sample) * by) as i16)
}

#[test]
fn inst5_a_tone_has_the_level_that_it_comes_with() {
    let sent = decoded(&probe::tone(Law::A, 600));
    for loss_db in [0.0, 3.0, 6.0, 12.0, 20.0] {
        let heard: Vec<i16> = scaled(&sent, -loss_db).collect();
        let level = probe::received_dbm0(&heard[800..4_000]);
        assert!((level + 10.0 + loss_db).abs() <= 0.2, "{loss_db} dB: {level}");
    }
    assert!(probe::received_dbm0(&[0; 4_000]) < -80.0);
}

#[test]
fn inst5_an_echo_is_found_with_its_delay_and_loss_and_none_where_there_is_none() {
    let (octets, sent) = probe::noise(Law::A, 1_000);
    assert!((dbm0_of(&decoded(&octets)) + 20.0).abs() < 3.0, "{}", dbm0_of(&sent));
    let mut state = 7_u32;
    let mut hiss = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) as i16 / 1_000
    };
    for (delay, loss_db) in [(160, 8.0), (400, 18.0), (1_000, 26.0)] {
        let mut heard: Vec<i16> = (0..sent.len() + 1_600).map(|_| hiss()).collect();
        let quiet: Vec<i16> = (0..4_000).map(|_| hiss()).collect();
        for (at, echo) in scaled(&sent, -loss_db).enumerate() {
            heard[at + delay] = heard[at + delay].saturating_add(echo);
        }
        let echo = probe::echo(&sent, &heard, &quiet).expect("an echo");
        assert!((echo.loss_db - loss_db).abs() < 1.0, "{loss_db} dB: {echo:?}");
        assert_eq!(echo.delay_ms as usize, delay / 8, "{echo:?}");
    }
    let alone: Vec<i16> = (0..sent.len() + 1_600).map(|_| hiss() * 20).collect();
    assert_eq!(probe::echo(&sent, &alone, &alone), None);
    assert_eq!(probe::echo(&sent, &sent[..100], &[]), None);
}
