//! What tests and the bench measure of sounds: how far two are from one another, how loud one is. Used by both.

/// A sound that a telephone carries whole: sixty tones from 300 to 3200 Hz, at -20 dBov.
pub fn band(rate_hz: u32, seconds: f64) -> Vec<f64> {
    let tones: Vec<(f64, f64)> =
        (0..60_u32).map(|n| (310.0 + f64::from(n) * 48.7, f64::from(n * n * 7 % 360).to_radians())).collect();
    let size = 0.1 * (2.0 / tones.len() as f64).sqrt();
    let one = |n: usize| {
        let at = n as f64 / f64::from(rate_hz) * std::f64::consts::TAU;
        tones.iter().map(|(hz, phase)| (at * hz + phase).sin()).sum::<f64>() * size
    };
    (0..(seconds * f64::from(rate_hz)) as usize).map(one).collect()
}

/// A mono WAVE of 16 bits.
pub fn wave_mono(rate_hz: u32, samples: &[f64]) -> Vec<u8> {
    let octets = samples.len() as u32 * 2;
    let mut out = b"RIFF".to_vec();
    out.extend_from_slice(&(36 + octets).to_le_bytes());
    out.extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    out.extend_from_slice(&rate_hz.to_le_bytes());
    out.extend_from_slice(&(rate_hz * 2).to_le_bytes());
    out.extend_from_slice(b"\x02\0\x10\0data");
    out.extend_from_slice(&octets.to_le_bytes());
    out.extend(samples.iter().flat_map(|it| ((it * 32_767.0).round() as i16).to_le_bytes()));
    out
}

/// How far `ours` is from `theirs`, in dB below it, at the best delay and gain; the edges aside.
pub fn difference_db(ours: &[f64], theirs: &[f64]) -> f64 {
    let length = ours.len().min(theirs.len());
    let (from, to) = (length / 8, length * 7 / 8);
    let at = |lag: i32| {
        let (mut cross, mut own, mut other) = (0.0, 0.0, 0.0);
        for (n, ours) in ours.iter().enumerate().take(to).skip(from) {
            let Some(theirs) = theirs.get((n as i32 + lag) as usize) else { continue };
            cross += ours * theirs;
            own += ours * ours;
            other += theirs * theirs;
        }
        10.0 * ((other - cross * cross / own).max(1e-30) / other).log10()
    };
    (-40..=40).map(at).fold(0.0, f64::min)
}

/// Linear samples of 16 bits, most significant octet first.
pub fn l16(octets: &[u8]) -> Vec<f64> {
    octets.chunks_exact(2).map(|it| f64::from(i16::from_be_bytes([it[0], it[1]])) / 32_768.0).collect()
}

/// Mean power in dBov.
pub fn power_db(samples: &[f64]) -> f64 {
    10.0 * (samples.iter().map(|it| it * it).sum::<f64>() / samples.len() as f64 + 1e-12).log10()
}
