//! How many an account has begun within the last second and the last minute. Every beginning is remembered for a minute, so
//! that no minute, wherever it is laid, has more than are allowed.

use std::collections::{BTreeMap, VecDeque};

use tipring_card::Micros;

use super::MINUTE;
use super::limits::{Limits, Refusal};

/// Accounts of which beginnings are remembered before those that have none within a minute are looked for.
const TIDY_AT: usize = 1_000;
const SECOND: Micros = Micros::from_s(1);

/// Beginnings by account: of each at most as many as a minute may have.
#[derive(Clone, Debug, Default)]
pub(super) struct Rates {
    begun: BTreeMap<u128, VecDeque<Micros>>,
}

impl Rates {
    /// Whether an account may begin one more.
    pub fn may(&mut self, now: Micros, account: u128, limits: &Limits) -> Result<(), Refusal> {
        let (second, minute) = (limits.calls_per_second, limits.calls_per_minute);
        // Where only seconds are counted nothing older is kept.
        let kept = if minute == 0 { SECOND } else { MINUTE };
        let Some(begun) = self.begun.get_mut(&account) else {
            return Ok(());
        };
        while begun.front().is_some_and(|at| now.since(*at) >= kept) {
            begun.pop_front();
        }
        let full = |span: Micros, limit: u32| {
            let first = begun.len().checked_sub(usize::try_from(limit).unwrap_or(usize::MAX))?;
            // The oldest of the last `limit` ones must have left the span.
            let oldest = begun.get(first).copied().filter(|_| limit > 0)?;
            (now.since(oldest) < span).then(|| (oldest + span).since(now))
        };
        let refused = |key, limit, opens_in| Err(Refusal::Rate { key, limit, opens_in });
        if let Some(opens_in) = full(MINUTE, minute) {
            return refused("outbound.calls_per_minute", minute, opens_in);
        }
        if let Some(opens_in) = full(SECOND, second) {
            return refused("outbound.calls_per_second", second, opens_in);
        }
        if second == 0 && minute == 0 {
            self.begun.remove(&account);
        }
        Ok(())
    }

    /// An account begins one; [`may`](Self::may) was asked before.
    pub fn begins(&mut self, now: Micros, account: u128, limits: &Limits) {
        if limits.calls_per_second == 0 && limits.calls_per_minute == 0 {
            return;
        }
        if self.begun.len() >= TIDY_AT && !self.begun.contains_key(&account) {
            self.begun.retain(|_, begun| begun.back().is_some_and(|at| now.since(*at) < MINUTE));
        }
        self.begun.entry(account).or_default().push_back(now);
    }
}
