//! The few functions of a mathematics library that sound needs, usable in constants. Not for a sample's path: that uses
//! the tables made from them. Accurate to better than 1e-9, which is far below a G.711 step.

/// Sine of `turns` full circles.
pub(crate) const fn sin_turns(turns: f64) -> f64 {
    let whole = turns as i64;
    let mut t = turns - whole as f64;
    if t > 0.5 {
        t -= 1.0;
    } else if t < -0.5 {
        t += 1.0;
    }
    if t > 0.25 {
        t = 0.5 - t;
    } else if t < -0.25 {
        t = -0.5 - t;
    }
    let x = t * core::f64::consts::TAU;
    let square = x * x;
    let mut term = x;
    let mut sum = x;
    let mut n = 1;
    while n < 10 {
        term *= -square / ((2 * n) * (2 * n + 1)) as f64;
        sum += term;
        n += 1;
    }
    sum
}

/// Cosine of `turns` full circles.
pub(crate) const fn cos_turns(turns: f64) -> f64 {
    sin_turns(turns + 0.25)
}

/// The angle of (x, y) in full circles, from -½ to ½, within 1e-6; 0 for what has none.
pub(crate) fn atan2_turns(y: f32, x: f32) -> f32 {
    let (long, short) = if x.abs() > y.abs() { (x.abs(), y.abs()) } else { (y.abs(), x.abs()) };
    if long <= 0.0 || !(long + short).is_finite() {
        return 0.0;
    }
    // Of a ratio up to tan 22.5° the series is short; beyond it the angle is taken from 45°.
    let ratio = short / long;
    let (base, t) = if ratio > 0.414_213_56 { (0.125, (ratio - 1.0) / (ratio + 1.0)) } else { (0.0, ratio) };
    let square = t * t;
    let series = t * (1.0 - square * (1.0 / 3.0 - square * (0.2 - square * (1.0 / 7.0 - square * (1.0 / 9.0)))));
    let small = base + series / core::f32::consts::TAU;
    let first = if x.abs() > y.abs() { small } else { 0.25 - small };
    let half = if x < 0.0 { 0.5 - first } else { first };
    if y < 0.0 { -half } else { half }
}

/// 2 to the power of `x`; 0 and the largest number where that does not fit.
pub(crate) const fn exp2(x: f64) -> f64 {
    if x < -1000.0 {
        return 0.0;
    }
    if x > 1000.0 {
        return f64::MAX;
    }
    let whole = if x < 0.0 { (x - 0.5) as i64 } else { (x + 0.5) as i64 };
    let y = (x - whole as f64) * core::f64::consts::LN_2;
    let mut term = 1.0;
    let mut sum = 1.0;
    let mut n = 1;
    while n < 14 {
        term *= y / n as f64;
        sum += term;
        n += 1;
    }
    sum * f64::from_bits(((whole + 1023) as u64) << 52)
}

/// Base-10 logarithm of a positive number; -300 for anything that has none.
pub(crate) const fn log10(x: f64) -> f64 {
    if !(x >= 1e-300 && x <= f64::MAX) {
        return -300.0;
    }
    let bits = x.to_bits();
    let mut exponent = ((bits >> 52) & 0x7FF) as i64 - 1023;
    let mut mantissa = f64::from_bits((bits & 0x000F_FFFF_FFFF_FFFF) | (1023 << 52));
    if mantissa > core::f64::consts::SQRT_2 {
        mantissa /= 2.0;
        exponent += 1;
    }
    let s = (mantissa - 1.0) / (mantissa + 1.0);
    let square = s * s;
    let mut power = s;
    let mut sum = 0.0;
    let mut n = 1;
    while n < 26 {
        sum += power / n as f64;
        power *= square;
        n += 2;
    }
    (exponent as f64 * core::f64::consts::LN_2 + 2.0 * sum) * core::f64::consts::LOG10_E
}

/// 10 to the power of `x`.
pub(crate) const fn exp10(x: f64) -> f64 {
    exp2(x * core::f64::consts::LOG2_10)
}

/// Square root; 0 for anything that has none.
pub(crate) const fn sqrt(x: f64) -> f64 {
    if x.is_nan() || x <= 0.0 || x > f64::MAX {
        return 0.0;
    }
    let mut y = f64::from_bits((x.to_bits() >> 1) + (1023u64 << 51));
    let mut n = 0;
    while n < 5 {
        y = 0.5 * (y + x / y);
        n += 1;
    }
    y
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_host_library() {
        for n in -4000..4000 {
            let x = f64::from(n) * 0.001_7;
            assert!((sin_turns(x) - (x * core::f64::consts::TAU).sin()).abs() < 1e-9, "sin {x}");
            assert!((cos_turns(x) - (x * core::f64::consts::TAU).cos()).abs() < 1e-9, "cos {x}");
            assert!((exp10(x) / 10f64.powf(x) - 1.0).abs() < 1e-9, "exp {x}");
            let positive = 10f64.powf(x);
            assert!((log10(positive) - x).abs() < 1e-9, "log {x}");
            assert!((sqrt(positive) / positive.sqrt() - 1.0).abs() < 1e-9, "sqrt {x}");
        }
    }

    #[test]
    fn angles_agree_with_the_host_library() {
        for n in -720..=720 {
            let angle = f64::from(n) * core::f64::consts::TAU / 1440.0;
            let (y, x) = angle.sin_cos();
            let (y, x) = (3.0 * y as f32, 3.0 * x as f32);
            let turns = y.atan2(x) / core::f32::consts::TAU;
            let off = (atan2_turns(y, x) - turns).abs();
            assert!(off < 1e-5 || (off - 1.0).abs() < 1e-5, "{angle}: {} {turns}", atan2_turns(y, x));
        }
        for (y, x) in [(0.0, 0.0), (f32::NAN, 1.0), (1.0, f32::NAN), (f32::INFINITY, 1.0)] {
            assert!(atan2_turns(y, x).is_finite());
        }
    }

    #[test]
    fn has_an_answer_for_every_bit_pattern() {
        for x in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, 0.0, f64::MIN_POSITIVE, f64::MAX] {
            assert!(log10(x).is_finite());
            assert!(sqrt(x).is_finite());
            assert!(exp2(x).is_finite() || x.is_nan());
        }
    }
}
