//! The caller's number as DTMF digits, between a start and an end code, as several countries send it before the ring or
//! between rings. Not the detector of the digits.
//!
//! `A` number … `C` or `#`, with `D` redirecting number and `B` reason among it (`B10`: withheld); `D` number `C`; and
//! `D1#` to `D3#` for a number that is not told (1: withheld, 2: from abroad, 3: unknown); `B` reason `C` alone;
//! and, without a start code, number `#`.
//!
//! Source: ETSI EN 300 659-1 annex A; national variants as their exchanges send them.

use crate::words::{CallerId, CallerIdForm, Digits};

/// Keys that may become a number.
#[derive(Clone, Debug, Default)]
pub(super) struct Keyed {
    keys: Digits,
    quiet: u16,
}

impl Keyed {
    /// Takes one key; tells a whole number, or the reason for none.
    pub(super) fn push(&mut self, key: u8) -> Option<CallerId> {
        self.quiet = 0;
        match key {
            b'A' => self.begin(key),
            b'B' | b'D' if self.is_bare() => self.begin(key),
            b'0'..=b'9' if self.keys.is_empty() => self.begin(key),
            _ if self.keys.is_empty() => {}
            b'C' | b'#' => {
                let keys = core::mem::take(&mut self.keys);
                return caller_of(&keys, key);
            }
            _ if self.keys.push(char::from(key)).is_err() => self.keys.clear(),
            _ => {}
        }
        None
    }

    /// A block went by. Digits of one number follow each other.
    pub(super) fn block(&mut self) {
        self.quiet = self.quiet.saturating_add(1);
        if self.quiet > GAP_BLOCKS {
            self.keys.clear();
        }
    }

    /// No start code has come.
    fn is_bare(&self) -> bool {
        self.keys.bytes().next().is_none_or(|key| key.is_ascii_digit())
    }

    fn begin(&mut self, key: u8) {
        self.keys.clear();
        let _ = self.keys.push(char::from(key));
    }
}

fn caller_of(keys: &str, end: u8) -> Option<CallerId> {
    let (start, rest) = keys.split_at_checked(1)?;
    if start == "D" && end == b'#' && rest.len() == 1 {
        return Some(without_number(rest == "1"));
    }
    if !start.bytes().any(|key| key.is_ascii_alphabetic()) {
        // No start code: only digits, and more of them than noise would give.
        let is_number = end == b'#' && keys.len() >= LEAST_BARE_DIGITS && keys.bytes().all(|key| key.is_ascii_digit());
        return is_number.then(|| with_number(keys));
    }
    // A reason has two digits: what begins with it has nothing else.
    let reason = if start == "B" { Some(rest) } else { rest.rsplit_once('B').map(|(_, reason)| reason) };
    if start == "B" && !reason.is_some_and(is_reason) {
        return None;
    }
    let number =
        if start == "B" { "" } else { rest.split(|c: char| c.is_ascii_alphabetic()).next().unwrap_or_default() };
    if number.bytes().filter(u8::is_ascii_digit).count() >= LEAST_DIGITS && reason != Some(WITHHELD) {
        return Some(with_number(number));
    }
    // Neither a number nor a reason: line noise.
    reason.map(|reason| without_number(reason == WITHHELD))
}

fn with_number(number: &str) -> CallerId {
    CallerId { number: Digits::try_from(number).ok(), form: Some(CallerIdForm::Dtmf), ..CallerId::default() }
}

fn without_number(restricted: bool) -> CallerId {
    CallerId { restricted, unavailable: !restricted, form: Some(CallerIdForm::Dtmf), ..CallerId::default() }
}

fn is_reason(keys: &str) -> bool {
    keys.len() == 2 && keys.bytes().all(|key| key.is_ascii_digit())
}

/// The reason of a caller who withholds the number; every other one says that the network has none.
const WITHHELD: &str = "10";
/// A second without a digit ends a number that was not finished.
const GAP_BLOCKS: u16 = 100;
/// Shorter ones are noise.
const LEAST_DIGITS: usize = 2;
/// The same of a number without a start code.
const LEAST_BARE_DIGITS: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(keys: &str) -> Option<CallerId> {
        let mut keyed = Keyed::default();
        keys.bytes().fold(None, |found, key| found.or(keyed.push(key)))
    }

    fn number(of: &str) -> Option<CallerId> {
        Some(with_number(of))
    }

    #[test]
    fn every_variant_is_understood() {
        let (withheld, unavailable) = (Some(without_number(true)), Some(without_number(false)));
        assert_eq!(heard("A0401234567C"), number("0401234567"));
        assert_eq!(heard("A33123456#"), number("33123456"));
        assert_eq!(heard("D0223456789C"), number("0223456789"));
        assert_eq!(heard("A0401D0402B11C"), number("0401"));
        assert_eq!(heard("A12A34C"), number("34"), "begun anew");
        assert_eq!(heard("33123456#"), number("33123456"), "no start code");
        assert_eq!(heard("7D0223456789C"), number("0223456789"), "a false key before");
        assert_eq!(heard("7A0223456789C"), number("0223456789"));
        assert_eq!(heard("A0401B10C"), withheld, "a withheld number is not believed");
        for (keys, why) in [
            ("AB10C", &withheld),
            ("B10C", &withheld),
            ("D1#", &withheld),
            ("AB00C", &unavailable),
            ("B00C", &unavailable),
            ("D2#", &unavailable),
            ("D3#", &unavailable),
        ] {
            assert_eq!(&heard(keys), why, "{keys}");
        }
        assert!(withheld != unavailable && withheld.is_some_and(|it| it.restricted && !it.unavailable));
    }

    #[test]
    fn noise_and_endless_digits_are_no_number() {
        for keys in [
            "C",
            "#",
            "AC",
            "A#",
            "D#",
            "BC",
            "B1C",
            "B100C",
            "A1C",
            "123C",
            &"A1".repeat(50),
            &std::format!("A{}C", "1".repeat(60)),
        ] {
            assert_eq!(heard(keys), None, "{keys}");
        }
        let mut keyed = Keyed::default();
        assert!("A123".bytes().all(|key| keyed.push(key).is_none()));
        (0..=GAP_BLOCKS).for_each(|_| keyed.block());
        assert_eq!(keyed.push(b'C'), None);
    }
}
