//! What a bad night can cost: the most minutes that can be spent under the present limits, whoever holds the credentials.

use super::limits::Limits;

/// A night, and what could be done in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Night {
    /// Its minutes, day by day: 22:00 to 06:00 is 120 of one day and 360 of the next.
    pub parts: Vec<u32>,
    /// Lines of the box; 0: it is not known how many.
    pub lines: u32,
    /// Accounts that can call.
    pub accounts: u32,
    /// Numbers of the own country, premium or unknown ones are open.
    pub home: bool,
    /// Numbers abroad are open.
    pub abroad: bool,
}

impl Night {
    /// From 22:00 to 06:00.
    pub fn usual(lines: u32, accounts: u32) -> Night {
        Night { parts: vec![120, 360], lines, accounts, home: true, abroad: true }
    }
}

/// The most minutes of a night; `None`: nothing bounds them. The stop of patterns is left out of it: who knows it can keep
/// below it.
pub fn worst_night(limits: &Limits, night: &Night) -> Option<u64> {
    let budget = u64::from(match (night.home, night.abroad) {
        (false, false) => 0,
        (false, true) => limits.minutes_per_day.min(limits.international_minutes_per_day),
        (true, _) => limits.minutes_per_day,
    });
    let mut minute = 0;
    let mut all = 0_u64;
    for part in &night.parts {
        let mut possible = Some(0_u64);
        for _ in 0..*part {
            possible = possible.zip(in_minute(limits, night, minute)).map(|(sum, more)| sum.saturating_add(more));
            minute += 1;
        }
        all += match possible {
            Some(possible) => possible.min(budget),
            None if budget < u64::from(u32::MAX) => budget,
            None => return None,
        };
    }
    Some(all)
}

/// The most minutes that can begin in the `minute`th of a night: as many calls as the rate allows, and each line may go on
/// with a call that it has, if it was not cut because it is as long as it may be. `None`: any number of calls may begin.
fn in_minute(limits: &Limits, night: &Night, minute: u64) -> Option<u64> {
    let per_account = match (u64::from(limits.calls_per_second) * 60, u64::from(limits.calls_per_minute)) {
        (0, 0) => return None,
        (0, rate) | (rate, 0) => rate,
        (a, b) => a.min(b),
    };
    let begun = per_account.saturating_mul(u64::from(night.accounts));
    let lines = if night.lines == 0 { u64::MAX } else { u64::from(limits.most_lines(night.lines)) };
    let minutes_of_a_call = limits.longest.0.div_ceil(super::MINUTE.0);
    let before = minute.min(minutes_of_a_call.saturating_sub(1));
    Some(begun.saturating_add(lines.min(begun.saturating_mul(before))))
}
