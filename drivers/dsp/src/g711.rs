//! G.711: 8-bit A-law and µ-law against linear samples, and each law into the other. It is not a codec with states: one
//! octet is one sample. Source: ITU-T G.711 (11/88) tables 1a to 2b, with the scaling of G.191's reference programs:
//! negative samples by ones' complement, so that -1 falls into the first negative interval.

/// Which of the two laws.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Companding {
    /// A-law, with the even bits inverted on the wire.
    A,
    /// µ-law, with all bits inverted on the wire.
    Mu,
}

impl Companding {
    /// The linear sample of an octet.
    pub fn decode(self, octet: u8) -> i16 {
        self.decoding()[usize::from(octet)]
    }

    /// The octet of a linear sample.
    pub fn encode(self, sample: i16) -> u8 {
        match self {
            Companding::A => alaw_encode(sample),
            Companding::Mu => ulaw_encode(sample),
        }
    }

    /// Linear samples of as many octets as both slices hold.
    pub fn decode_into(self, octets: &[u8], samples: &mut [i16]) {
        let table = self.decoding();
        for (sample, octet) in samples.iter_mut().zip(octets) {
            *sample = table[usize::from(*octet)];
        }
    }

    /// Octets of as many linear samples as both slices hold.
    pub fn encode_into(self, samples: &[i16], octets: &mut [u8]) {
        match self {
            Companding::A => octets.iter_mut().zip(samples).for_each(|(o, s)| *o = alaw_encode(*s)),
            Companding::Mu => octets.iter_mut().zip(samples).for_each(|(o, s)| *o = ulaw_encode(*s)),
        }
    }

    /// Octets of this law as octets of `other`, as many as both slices hold. Equal laws copy.
    pub fn transcode_into(self, other: Companding, from: &[u8], to: &mut [u8]) {
        let table = match (self, other) {
            (Companding::A, Companding::Mu) => &A_TO_MU,
            (Companding::Mu, Companding::A) => &MU_TO_A,
            _ => {
                to.iter_mut().zip(from).for_each(|(t, f)| *t = *f);
                return;
            }
        };
        to.iter_mut().zip(from).for_each(|(t, f)| *t = table[usize::from(*f)]);
    }

    /// What each octet becomes when it is made louder by `db` decibels (softer, where negative). What is louder than the law
    /// can say is as loud as it can say; what is nothing stays nothing.
    pub fn louder(self, db: f64) -> [u8; 256] {
        let factor = crate::math::exp10(db / 20.0);
        // A-law has no zero: its least sample stands for silence, and made louder it would be a hum.
        let nothing = match self {
            Companding::A => A_LEAST,
            Companding::Mu => 0,
        };
        let mut table = [0; 256];
        for (octet, louder) in (0..=u8::MAX).zip(&mut table) {
            let sample = self.decode(octet);
            let is_nothing = sample.unsigned_abs() <= nothing;
            *louder = if is_nothing { octet } else { self.encode(saturated(f64::from(sample) * factor)) };
        }
        table
    }

    fn decoding(self) -> &'static [i16; 256] {
        match self {
            Companding::A => &A_DECODED,
            Companding::Mu => &MU_DECODED,
        }
    }
}

/// The linear sample of an A-law octet.
pub fn alaw_decode(octet: u8) -> i16 {
    A_DECODED[usize::from(octet)]
}

/// The A-law octet of a linear sample.
pub fn alaw_encode(sample: i16) -> u8 {
    A_ENCODED[usize::from(sample as u16 >> 4)]
}

/// The linear sample of a µ-law octet. Both zeroes (0xFF and 0x7F) are 0.
pub fn ulaw_decode(octet: u8) -> i16 {
    MU_DECODED[usize::from(octet)]
}

/// The µ-law octet of a linear sample. 0 is 0xFF.
pub fn ulaw_encode(sample: i16) -> u8 {
    MU_ENCODED[usize::from(sample as u16 >> 2)]
}

/// The µ-law octet nearest to an A-law octet.
pub fn a_to_mu(octet: u8) -> u8 {
    A_TO_MU[usize::from(octet)]
}

/// The A-law octet nearest to a µ-law octet.
pub fn mu_to_a(octet: u8) -> u8 {
    MU_TO_A[usize::from(octet)]
}

/// The nearest sample.
fn saturated(value: f64) -> i16 {
    let rounded = if value < 0.0 { value - 0.5 } else { value + 0.5 };
    // A cast of a float keeps within the type's bounds.
    rounded as i16
}

/// Magnitude bits of a sample, negative by ones' complement.
const fn magnitude(sample: i16) -> u16 {
    if sample < 0 { !sample as u16 } else { sample as u16 }
}

const fn a_rule(sample: i16) -> u8 {
    let steps = magnitude(sample) >> 4;
    let code = if steps < 32 {
        steps
    } else {
        let segment = 16 - steps.leading_zeros() as u16 - 5;
        (segment + 1) * 16 + ((steps >> segment) & 15)
    };
    let sign = if sample < 0 { 0 } else { 0x80 };
    (code as u8 | sign) ^ A_EVEN_BITS
}

const fn a_value(octet: u8) -> i16 {
    let code = octet ^ A_EVEN_BITS;
    let segment = (code >> 4) & 7;
    let interval = (code & 15) as i32;
    let value = if segment == 0 { interval * 16 + 8 } else { ((interval + 16) * 16 + 8) << (segment - 1) };
    if code & 0x80 == 0 { -value as i16 } else { value as i16 }
}

const fn mu_rule(sample: i16) -> u8 {
    let biased = (magnitude(sample) >> 2) + MU_BIAS;
    let biased = if biased > 0x1FFF { 0x1FFF } else { biased };
    let segment = 16 - biased.leading_zeros() as u16 - 6;
    let code = segment * 16 + ((biased >> (segment + 1)) & 15);
    let sign = if sample < 0 { 0x80 } else { 0 };
    !(code as u8 | sign)
}

const fn mu_value(octet: u8) -> i16 {
    let code = !octet;
    let segment = (code >> 4) & 7;
    let interval = (code & 15) as i32;
    let value = ((interval * 2 + MU_BIAS as i32) << segment) - MU_BIAS as i32;
    if code & 0x80 == 0 { (value * 4) as i16 } else { (-value * 4) as i16 }
}

/// The least magnitude of A-law.
const A_LEAST: u16 = 8;
/// A-law inverts its even bits, so that silence has many ones and zeroes.
const A_EVEN_BITS: u8 = 0x55;
/// Added to a 14-bit magnitude before the segment is looked for (G.711 table 2a: 33 of 8159).
const MU_BIAS: u16 = 33;

static A_DECODED: [i16; 256] = {
    let mut table = [0; 256];
    let mut n = 0;
    while n < 256 {
        table[n] = a_value(n as u8);
        n += 1;
    }
    table
};

static MU_DECODED: [i16; 256] = {
    let mut table = [0; 256];
    let mut n = 0;
    while n < 256 {
        table[n] = mu_value(n as u8);
        n += 1;
    }
    table
};

/// By the 12 upper bits of a sample: the rule looks at no others.
static A_ENCODED: [u8; 4096] = {
    let mut table = [0; 4096];
    let mut n = 0;
    while n < 4096 {
        table[n] = a_rule(((n as u16) << 4) as i16);
        n += 1;
    }
    table
};

/// By the 14 upper bits of a sample.
static MU_ENCODED: [u8; 16384] = {
    let mut table = [0; 16384];
    let mut n = 0;
    while n < 16384 {
        table[n] = mu_rule(((n as u16) << 2) as i16);
        n += 1;
    }
    table
};

static A_TO_MU: [u8; 256] = {
    let mut table = [0; 256];
    let mut n = 0;
    while n < 256 {
        table[n] = mu_rule(a_value(n as u8));
        n += 1;
    }
    table
};

static MU_TO_A: [u8; 256] = {
    let mut table = [0; 256];
    let mut n = 0;
    while n < 256 {
        table[n] = a_rule(mu_value(n as u8));
        n += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    /// Decision values of table 1a, 12-bit magnitude: where each of the 128 positive intervals begins.
    fn a_decision(code: u32) -> u32 {
        let (segment, interval) = (code / 16, code % 16);
        if segment == 0 { interval } else { (16 + interval) * (1 << (segment - 1)) }
    }

    /// Decision values of table 2a, 13-bit magnitude: 0, 1, 3, 5 … 31, 35 … 8159.
    fn mu_decision(code: u32) -> u32 {
        if code == 0 {
            return 0;
        }
        let (segment, interval) = (code / 16, code % 16);
        // Sum of the steps below: a segment has 16 steps of 2 << segment, but the very first step is half of one.
        let below: u32 = (0..segment).map(|s| 16 * (2 << s)).sum();
        below + interval * (2 << segment) - 1
    }

    #[test]
    fn a_law_follows_the_decision_values_for_every_sample() {
        for sample in i16::MIN..=i16::MAX {
            let size = (if sample < 0 { -1 - i32::from(sample) } else { i32::from(sample) }) as u32 / 16;
            let code = (0..128).rev().find(|code| a_decision(*code) <= size).unwrap_or(0) as u8;
            let wire = (if sample < 0 { code } else { code | 0x80 }) ^ 0x55;
            assert_eq!(alaw_encode(sample), wire, "{sample}");
        }
    }

    #[test]
    fn mu_law_follows_the_decision_values_for_every_sample() {
        for sample in i16::MIN..=i16::MAX {
            let size = (if sample < 0 { -1 - i32::from(sample) } else { i32::from(sample) }) as u32 / 4;
            let code = (0..128).rev().find(|code| mu_decision(*code) <= size).unwrap_or(0) as u8;
            let wire = !(if sample < 0 { code | 0x80 } else { code });
            assert_eq!(ulaw_encode(sample), wire, "{sample}");
        }
    }

    #[test]
    fn every_code_comes_back() {
        for octet in 0..=255u8 {
            assert_eq!(alaw_encode(alaw_decode(octet)), octet, "A {octet:02x}");
            let mu = ulaw_encode(ulaw_decode(octet));
            // The negative zero has no sample of its own: it comes back as the positive one.
            assert_eq!(mu, if octet == 0x7F { 0xFF } else { octet }, "mu {octet:02x}");
        }
    }

    #[test]
    fn known_points_of_the_standard() {
        assert_eq!((alaw_encode(0), alaw_encode(-1)), (0xD5, 0x55));
        assert_eq!((ulaw_encode(0), ulaw_encode(-1)), (0xFF, 0x7F));
        assert_eq!((alaw_decode(0xAA), alaw_decode(0x2A)), (32256, -32256));
        assert_eq!((ulaw_decode(0x80), ulaw_decode(0x00)), (32124, -32124));
        assert_eq!((alaw_encode(i16::MAX), alaw_encode(i16::MIN)), (0xAA, 0x2A));
        assert_eq!((ulaw_encode(i16::MAX), ulaw_encode(i16::MIN)), (0x80, 0x00));
        // One period of 1 kHz at 0 dBm0: tables 5 and 6 of the standard.
        let a = [0x34, 0x21, 0x21, 0x34, 0xB4, 0xA1, 0xA1, 0xB4];
        let mu = [0x1E, 0x0B, 0x0B, 0x1E, 0x9E, 0x8B, 0x8B, 0x9E];
        for (octets, law) in [(a, Companding::A), (mu, Companding::Mu)] {
            let mean: f64 = octets.iter().map(|o| f64::from(law.decode(*o)).powi(2)).sum::<f64>() / 8.0;
            assert!(crate::level::dbm0_of_power_in(mean as f32, law).abs() < 0.15, "{law:?}");
        }
    }

    #[test]
    fn the_error_is_at_most_half_a_step() {
        for sample in (-32000..32000).step_by(7) {
            let size = f64::from(i32::from(sample).abs());
            assert!(
                f64::from((i32::from(alaw_decode(alaw_encode(sample))) - i32::from(sample)).abs()) <= 8.0 + size / 32.0
            );
            assert!(
                f64::from((i32::from(ulaw_decode(ulaw_encode(sample))) - i32::from(sample)).abs()) <= 4.0 + size / 30.0
            );
        }
    }

    #[test]
    fn transcoding_keeps_sign_and_size_and_settles() {
        for octet in 0..=255u8 {
            let (a, mu) = (i32::from(alaw_decode(octet)), i32::from(ulaw_decode(a_to_mu(octet))));
            assert!((a - mu).abs() <= 8 + a.abs() / 30, "A {octet:02x}: {a} became {mu}");
            let (mu, a) = (i32::from(ulaw_decode(octet)), i32::from(alaw_decode(mu_to_a(octet))));
            assert!((a - mu).abs() <= 8 + mu.abs() / 30, "mu {octet:02x}: {mu} became {a}");
            // A second crossing changes nothing more.
            assert_eq!(a_to_mu(mu_to_a(a_to_mu(octet))), a_to_mu(octet));
            assert_eq!(mu_to_a(a_to_mu(mu_to_a(octet))), mu_to_a(octet));
        }
        let mut out = [0; 2];
        Companding::A.transcode_into(Companding::A, &[1, 2], &mut out);
        assert_eq!(out, [1, 2]);
    }

    #[test]
    fn a_gain_is_as_many_decibels_as_it_says_and_silence_stays_silent() {
        let mut sine = [0; 8_000];
        for law in [Companding::A, Companding::Mu] {
            for (level, db) in [(-30.0, 12.0), (-20.0, 3.0), (-10.0, -12.0), (-10.0, 0.0), (-15.0, 12.0), (-24.0, -6.0)]
            {
                crate::Tone::new(1_004.0, level).fill(&mut sine);
                let table = law.louder(f64::from(db));
                let louder = sine.map(|sample| law.decode(table[usize::from(law.encode(sample))]));
                let measured = crate::dbm0_of(&louder) - crate::dbm0_of(&sine);
                assert!((measured - db).abs() < 0.2, "{law:?}: {level} dBm0 and {db} dB: {measured}");
            }
            for db in [-12.0, 12.0] {
                assert_eq!(
                    [0, -1].map(|silent| law.louder(db)[usize::from(law.encode(silent))]),
                    [0, -1].map(|s| law.encode(s))
                );
            }
            assert_eq!(
                law.louder(0.0).map(|octet| law.decode(octet)),
                core::array::from_fn(|octet| law.decode(octet as u8))
            );
        }
    }

    #[test]
    fn what_is_too_loud_is_as_loud_as_it_can_be_and_never_turns_over() {
        for law in [Companding::A, Companding::Mu] {
            let table = law.louder(12.0);
            let loudest = law.decode(law.encode(i16::MAX));
            for octet in 0..=255_u8 {
                let (before, after) = (law.decode(octet), law.decode(table[usize::from(octet)]));
                assert!(i32::from(before) * i32::from(after) >= 0, "{law:?} {octet:02x}: {before} becomes {after}");
                assert!(after.unsigned_abs() >= before.unsigned_abs(), "{law:?} {octet:02x}: {before} becomes {after}");
                let full = before.unsigned_abs() > 8_200;
                assert!(!full || after.unsigned_abs() == loudest.unsigned_abs(), "{law:?} {octet:02x}: {after}");
            }
        }
    }
}
