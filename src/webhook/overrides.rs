//! Connection overrides: `#ct=2000&rp=5xx,ct` behind a webhook's URL. Never sent, never signed. Pure.

use std::str::FromStr;

use tipring_egress::{Fault, Stage};
use tipring_resources::Code;

/// Limits and retries of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overrides {
    /// `ct`: to connect.
    pub connect_ms: u32,
    /// `rt`: to the first byte, and between two pieces.
    pub read_ms: u32,
    /// `tt`: everything, retries and redirects included.
    pub total_ms: u32,
    /// `rc`: retries after the first try.
    pub retries: u8,
    /// `rp`: what is tried again.
    pub policy: RetryPolicy,
}

/// What is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RetryPolicy {
    /// Answers 400 to 499.
    pub on_4xx: bool,
    /// Answers 500 to 599.
    pub on_5xx: bool,
    /// No connection.
    pub on_connect: bool,
    /// Connected, but no answer in time.
    pub on_read: bool,
    /// Whatever goes wrong.
    pub on_all: bool,
}

impl Default for Overrides {
    fn default() -> Self {
        let policy = RetryPolicy { on_connect: true, ..RetryPolicy::default() };
        Self { connect_ms: 5_000, read_ms: 15_000, total_ms: 15_000, retries: 1, policy }
    }
}

impl Overrides {
    /// Of a callback: nobody waits for it, and whoever is slow is not told twice.
    pub fn of_callback(fragment: Option<&str>) -> Result<Self, BadOverride> {
        Self { read_ms: CALLBACK_MS, total_ms: CALLBACK_MS, ..Self::default() }.changed_by(fragment)
    }

    /// Reads a URL's fragment. Keys that mean nothing here (`e`, `sni`, an anchor of the page) are passed over.
    pub fn read(fragment: Option<&str>) -> Result<Self, BadOverride> {
        Self::default().changed_by(fragment)
    }

    fn changed_by(self, fragment: Option<&str>) -> Result<Self, BadOverride> {
        let mut read = self;
        for pair in fragment.unwrap_or_default().split('&').take(MAX_PAIRS) {
            let Some((key, value)) = pair.split_once('=') else {
                continue;
            };
            match key {
                "ct" => read.connect_ms = within(key, value, 100, 10_000, MALFORMED)?,
                "rt" => read.read_ms = within(key, value, 100, 15_000, MALFORMED)?,
                "tt" => read.total_ms = within(key, value, 100, 15_000, MALFORMED)?,
                "rc" => read.retries = within(key, value, 0, 5, BAD_POLICY)?,
                "rp" => read.policy = RetryPolicy::read(value)?,
                _ => {}
            }
        }
        Ok(read)
    }
}

impl RetryPolicy {
    fn read(list: &str) -> Result<Self, BadOverride> {
        let mut read = Self::default();
        // A comma may come percent-encoded.
        let list = list.replace("%2C", ",").replace("%2c", ",");
        for item in list.split(',') {
            match item.trim() {
                "4xx" => read.on_4xx = true,
                "5xx" => read.on_5xx = true,
                "ct" => read.on_connect = true,
                "rt" => read.on_read = true,
                "all" => read.on_all = true,
                _ => {
                    let text = format!("#rp={} in the URL: use a list of 4xx, 5xx, ct, rt, all", shortened(&list));
                    return Err(BadOverride { code: BAD_POLICY, text });
                }
            }
        }
        Ok(read)
    }

    /// Whether an answer of this status is asked for again.
    pub fn takes_status(self, status: u16) -> bool {
        match status {
            400..=499 => self.on_4xx || self.on_all,
            500..=599 => self.on_5xx || self.on_all,
            _ => false,
        }
    }

    /// Whether a request that failed like this is tried again.
    pub fn takes_fault(self, fault: &Fault) -> bool {
        match (fault.stage(), fault) {
            (Stage::Before | Stage::Total, _) => false,
            (Stage::Connect, _) => self.on_connect || self.on_all,
            (Stage::Answer, Fault::NoAnswer { .. } | Fault::Stalled { .. }) => self.on_read || self.on_all,
            (Stage::Answer | Stage::Trust, _) => self.on_all,
        }
    }
}

/// An override that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadOverride {
    /// 11243 for the retry policy, else 11100.
    pub code: Code,
    /// Which, and what is allowed.
    pub text: String,
}

fn within<N: FromStr + PartialOrd + ToString>(
    key: &str,
    value: &str,
    low: N,
    high: N,
    code: Code,
) -> Result<N, BadOverride> {
    let bad = || {
        let text = format!("#{key}={} in the URL: use {} to {}", shortened(value), low.to_string(), high.to_string());
        BadOverride { code, text }
    };
    let number: N = value.parse().map_err(|_| bad())?;
    if number < low || number > high { Err(bad()) } else { Ok(number) }
}

fn shortened(text: &str) -> String {
    text.chars().take(MAX_SHOWN).collect()
}

const BAD_POLICY: Code = Code(11243);
const MALFORMED: Code = Code(11100);
/// The whole time of a callback.
const CALLBACK_MS: u32 = 30_000;
/// Pairs read of one fragment: seven keys exist.
const MAX_PAIRS: usize = 32;
/// Characters of a bad value that an error repeats.
const MAX_SHOWN: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a23_a_callback_has_twice_the_time_unless_its_url_says_otherwise() {
        let read = Overrides::of_callback(None).expect("nothing");
        assert_eq!((read.connect_ms, read.read_ms, read.total_ms), (5_000, 30_000, 30_000));
        let read = Overrides::of_callback(Some("tt=2000")).expect("a limit");
        assert_eq!((read.read_ms, read.total_ms), (30_000, 2_000));
        assert_eq!(Overrides::read(None).expect("nothing").total_ms, 15_000);
    }

    #[test]
    fn defaults_and_a_full_set() {
        for plain in [None, Some(""), Some("section-2"), Some("e=ashburn&sni=y"), Some("x=1&y"), Some("&&=&")] {
            assert_eq!(Overrides::read(plain), Ok(Overrides::default()), "{plain:?}");
        }
        let read = Overrides::read(Some("ct=100&rt=15000&tt=1000&rc=0&rp=4xx%2C5xx,rt")).expect("overrides");
        assert_eq!((read.connect_ms, read.read_ms, read.total_ms, read.retries), (100, 15_000, 1_000, 0));
        assert_eq!(read.policy, RetryPolicy { on_4xx: true, on_5xx: true, on_read: true, ..RetryPolicy::default() });
    }

    #[test]
    fn bad_values_are_named_with_their_range() {
        for (fragment, code, part) in [
            ("ct=99", 11100, "100 to 10000"),
            ("ct=10001", 11100, "100 to 10000"),
            ("rt=", 11100, "100 to 15000"),
            ("tt=-1", 11100, "100 to 15000"),
            ("tt=99999999999999999999", 11100, "tt=9999"),
            ("rc=6", 11243, "0 to 5"),
            ("rp=", 11243, "4xx, 5xx, ct, rt, all"),
            ("rp=3xx", 11243, "3xx"),
            ("rp=5xx,,ct", 11243, "use a list"),
        ] {
            let bad = Overrides::read(Some(fragment)).expect_err(fragment);
            assert_eq!(bad.code, Code(code), "{fragment}");
            assert!(bad.text.contains(part), "{fragment}: {}", bad.text);
        }
    }

    #[test]
    fn a_policy_takes_what_it_names() {
        let place = String::from("http://app/");
        let connect = Fault::ConnectRefused { place: place.clone() };
        let read = Fault::NoAnswer { place: place.clone(), limit_ms: 1 };
        let total = Fault::TotalTime { place: place.clone(), limit_ms: 1 };
        let broken = Fault::Broken { place, cause: String::new() };
        let policy = |list: &str| RetryPolicy::read(list).expect("a policy");
        let taken = |list: &str| [&connect, &read, &total, &broken].map(|it| policy(list).takes_fault(it));
        assert_eq!(taken("ct"), [true, false, false, false]);
        assert_eq!(taken("rt"), [false, true, false, false]);
        assert_eq!(taken("all"), [true, true, false, true]);
        assert_eq!([399, 404, 500, 600].map(|it| policy("4xx").takes_status(it)), [false, true, false, false]);
        assert_eq!([302, 404, 503, 200].map(|it| policy("all").takes_status(it)), [false, true, true, false]);
    }
}
