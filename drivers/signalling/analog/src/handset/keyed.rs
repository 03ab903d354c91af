//! The caller's number as DTMF digits, between a start and an end code, as several countries send it before the ring or
//! between rings. Not the detector of the digits.
//!
//! `A` number … `C` or `#`, with `D` redirecting number and `B` reason among it (`B10`: withheld); `D` number `C`; and
//! `D1#` to `D3#` for a number that is not told (1: withheld).
//!
//! Source: ETSI EN 300 659-1 annex A; national variants as their exchanges send them.

use crate::words::{CallerId, Digits};

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
            b'D' if self.keys.is_empty() => self.begin(key),
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

    fn begin(&mut self, key: u8) {
        self.keys.clear();
        let _ = self.keys.push(char::from(key));
    }
}

fn caller_of(keys: &str, end: u8) -> Option<CallerId> {
    let (start, rest) = keys.split_at_checked(1)?;
    if start == "D" && end == b'#' && rest.len() == 1 {
        return Some(CallerId { restricted: rest == "1", ..CallerId::default() });
    }
    let number = rest.split(|c: char| c.is_ascii_alphabetic()).next().unwrap_or_default();
    let reason = rest.rsplit_once('B').map(|(_, reason)| reason);
    let restricted = reason == Some("10");
    let told = number.len() >= LEAST_DIGITS && !restricted;
    // Neither a number nor a reason: line noise.
    if !told && reason.is_none() {
        return None;
    }
    Some(CallerId { number: Digits::try_from(number).ok().filter(|_| told), name: None, restricted })
}

/// A second without a digit ends a number that was not finished.
const GAP_BLOCKS: u16 = 100;
/// Shorter ones are noise.
const LEAST_DIGITS: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(keys: &str) -> Option<CallerId> {
        let mut keyed = Keyed::default();
        keys.bytes().fold(None, |found, key| found.or(keyed.push(key)))
    }

    fn number(of: &str) -> Option<CallerId> {
        Some(CallerId { number: of.try_into().ok(), ..CallerId::default() })
    }

    #[test]
    fn every_variant_is_understood() {
        assert_eq!(heard("A0401234567C"), number("0401234567"));
        assert_eq!(heard("A33123456#"), number("33123456"));
        assert_eq!(heard("D0223456789C"), number("0223456789"));
        assert_eq!(heard("A0401D0402B11C"), number("0401"));
        assert_eq!(heard("A12A34C"), number("34"), "begun anew");
        assert_eq!(heard("B10C"), None);
        assert_eq!(heard("AB10C"), Some(CallerId { restricted: true, ..CallerId::default() }));
        assert_eq!(heard("AB00C"), Some(CallerId::default()));
        assert_eq!(heard("D1#").map(|c| c.restricted), Some(true));
        assert_eq!(heard("D2#").map(|c| c.restricted), Some(false));
    }

    #[test]
    fn noise_and_endless_digits_are_no_number() {
        for keys in ["C", "#", "AC", "A#", "D#", "A1C", "123C", &"A1".repeat(50), &std::format!("A{}C", "1".repeat(60))]
        {
            assert_eq!(heard(keys), None, "{keys}");
        }
        let mut keyed = Keyed::default();
        assert!("A123".bytes().all(|key| keyed.push(key).is_none()));
        (0..=GAP_BLOCKS).for_each(|_| keyed.block());
        assert_eq!(keyed.push(b'C'), None);
    }
}
