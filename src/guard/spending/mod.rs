//! What calls out may cost: rates, lines, minutes a day, and a stop where somebody dials like a fraud. A machine in virtual
//! time; it knows no line, no file and no clock. It is asked before a call begins, told of its answer and its end, and asked
//! for each minute that begins while the call is up.
//!
//! Two kinds of calls are never refused: calls for help, and calls that cost nothing (short codes and free numbers). A
//! minute counts once it has begun, as bills have it. When the minutes of a day are spent no call begins, and what is up
//! ends with the minute that it has begun: that is why a bad night has a price that is known before ([`worst_night`]).

mod limits;
mod pattern;
mod rate;
#[cfg(test)]
mod tests;
mod turns;
mod worst;

use std::collections::{BTreeMap, VecDeque};

use tipring_card::Micros;

pub use limits::{Alert, Budget, Limits, Refusal, Tariff};
pub use pattern::{FREEZE, MAX_RECENT, Pattern};
pub use turns::Turns;
pub use worst::{Night, worst_night};

use pattern::Patterns;
use rate::Rates;

/// A minute of a call.
pub const MINUTE: Micros = Micros::from_s(60);
/// A day of budgets.
pub const DAY: Micros = Micros::from_s(86_400);

/// What has been spent, and what may be.
#[derive(Clone, Debug)]
pub struct Spending {
    limits: Limits,
    /// So long after the day's begin is [`Micros::ZERO`].
    since_midnight: Micros,
    /// Days since the first.
    day: u64,
    all: Minutes,
    abroad: Minutes,
    calls: Rates,
    messages: Rates,
    patterns: Patterns,
    /// Calls that are up and cost something.
    running: BTreeMap<u64, Running>,
    alerts: VecDeque<Alert>,
}

/// The minutes of a budget that are spent today.
#[derive(Clone, Copy, Debug, Default)]
struct Minutes {
    spent: u32,
    /// It was told that few are left.
    near: bool,
    /// It was told that none is left.
    gone: bool,
}

impl Minutes {
    /// What is true of them already needs not be told again.
    fn settle(&mut self, limit: u32) {
        self.near = is_near(self.spent, limit);
        self.gone = self.spent >= limit;
    }
}

#[derive(Clone, Copy, Debug)]
struct Running {
    tariff: Tariff,
    answered: Micros,
    /// Its next minute begins then.
    next: Micros,
    /// A minute of it was counted.
    spoke: bool,
}

impl Spending {
    /// Nothing is spent. `since_midnight`: how old the day is at [`Micros::ZERO`].
    pub fn new(limits: Limits, since_midnight: Micros) -> Self {
        Spending {
            limits,
            since_midnight: Micros(since_midnight.0 % DAY.0),
            day: 0,
            all: Minutes::default(),
            abroad: Minutes::default(),
            calls: Rates::default(),
            messages: Rates::default(),
            patterns: Patterns::default(),
            running: BTreeMap::new(),
            alerts: VecDeque::new(),
        }
    }

    /// The limits in force.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Other limits, from now on. Whoever wrote them has looked: what was frozen is free again.
    pub fn configure(&mut self, now: Micros, limits: Limits) {
        self.turn(now);
        self.limits = limits;
        self.patterns = Patterns::default();
        self.all.settle(self.limits.minutes_per_day);
        self.abroad.settle(self.limits.international_minutes_per_day);
    }

    /// Minutes of today that were spent before the start.
    pub fn was_spent(&mut self, now: Micros, all: u32, abroad: u32) {
        self.turn(now);
        self.all.spent = self.all.spent.saturating_add(all);
        self.abroad.spent = self.abroad.spent.saturating_add(abroad);
        self.all.settle(self.limits.minutes_per_day);
        self.abroad.settle(self.limits.international_minutes_per_day);
    }

    /// Minutes spent today: all, and those abroad.
    pub fn spent(&mut self, now: Micros) -> (u32, u32) {
        self.turn(now);
        (self.all.spent, self.abroad.spent)
    }

    /// May an account call this number now? If so the call counts as begun.
    pub fn begins(&mut self, now: Micros, account: u128, tariff: Tariff, number: &str) -> Result<(), Refusal> {
        if !tariff.costs() {
            return Ok(());
        }
        self.turn(now);
        let watched = tariff.is_dear() && self.limits.stop_patterns;
        if watched && let Some((pattern, until)) = self.patterns.frozen(now) {
            return Err(Refusal::Frozen { pattern: pattern.clone(), opens_in: until.since(now) });
        }
        if let Some(budget) = self.empty(tariff) {
            return Err(Refusal::Spent { budget, limit: self.limit(budget), opens_in: self.rest_of_day(now) });
        }
        self.calls.may(now, account, &self.limits)?;
        if watched && let Some(pattern) = self.patterns.begins(now, number) {
            self.alerts.push_back(Alert::Frozen(pattern.clone()));
            return Err(Refusal::Frozen { pattern, opens_in: FREEZE });
        }
        self.calls.begins(now, account, &self.limits);
        Ok(())
    }

    /// May an account send a message now? If so it counts as sent.
    pub fn sends(&mut self, now: Micros, account: u128) -> Result<(), Refusal> {
        self.messages.may(now, account, &self.limits)?;
        self.messages.begins(now, account, &self.limits);
        Ok(())
    }

    /// A call is answered. [`goes_on`](Self::goes_on) says whether it may go on, now and minute by minute.
    pub fn answered(&mut self, now: Micros, call: u64, tariff: Tariff) {
        if tariff.costs() {
            self.running.insert(call, Running { tariff, answered: now, next: now, spoke: false });
        }
    }

    /// Until when a call may go on, if it may begin the minute that is due: then it is to be asked again. Of a call that
    /// costs nothing for ever.
    pub fn goes_on(&mut self, now: Micros, call: u64) -> Result<Micros, Budget> {
        self.turn(now);
        loop {
            let Some(Running { tariff, next, .. }) = self.running.get(&call).copied() else {
                return Ok(Micros::FOREVER);
            };
            if now < next {
                return Ok(next);
            }
            if let Some(budget) = self.empty(tariff) {
                return Err(budget);
            }
            if let Some(running) = self.running.get_mut(&call) {
                running.next = next + MINUTE;
                running.spoke = true;
            }
            self.spend(tariff);
        }
    }

    /// A call is over. One that was never answered needs not be told.
    pub fn ends(&mut self, now: Micros, call: u64) {
        self.turn(now);
        let Some(running) = self.running.remove(&call) else {
            return;
        };
        if running.spoke
            && running.tariff.is_dear()
            && self.limits.stop_patterns
            && let Some(pattern) = self.patterns.ends(now, now.since(running.answered))
        {
            self.alerts.push_back(Alert::Frozen(pattern));
        }
    }

    /// How many of the box's lines calls out may have at once. Of an unknown number of lines: all.
    pub fn most_lines(&self, lines: u32) -> u32 {
        match lines {
            0 => u32::MAX,
            lines => self.limits.most_lines(lines),
        }
    }

    /// What somebody should be told of, until `None`.
    pub fn poll(&mut self) -> Option<Alert> {
        self.alerts.pop_front()
    }

    /// A new day has new minutes.
    fn turn(&mut self, now: Micros) {
        let day = (self.since_midnight + now).0 / DAY.0;
        if day != self.day {
            self.day = day;
            (self.all, self.abroad) = (Minutes::default(), Minutes::default());
        }
    }

    fn rest_of_day(&self, now: Micros) -> Micros {
        Micros(DAY.0 - (self.since_midnight + now).0 % DAY.0)
    }

    const fn limit(&self, budget: Budget) -> u32 {
        match budget {
            Budget::All => self.limits.minutes_per_day,
            Budget::Abroad => self.limits.international_minutes_per_day,
        }
    }

    /// The budget that has no minute left for such a call.
    fn empty(&self, tariff: Tariff) -> Option<Budget> {
        let abroad = tariff == Tariff::Abroad && self.abroad.spent >= self.limit(Budget::Abroad);
        let all = self.all.spent >= self.limit(Budget::All);
        abroad.then_some(Budget::Abroad).or(all.then_some(Budget::All))
    }

    fn spend(&mut self, tariff: Tariff) {
        self.count(Budget::All);
        if tariff == Tariff::Abroad {
            self.count(Budget::Abroad);
        }
    }

    /// One more minute of a budget is spent; a person is told once a day that few are left, and once that none is.
    fn count(&mut self, budget: Budget) {
        let limit = self.limit(budget);
        let minutes = match budget {
            Budget::All => &mut self.all,
            Budget::Abroad => &mut self.abroad,
        };
        minutes.spent = minutes.spent.saturating_add(1);
        let spent = minutes.spent;
        if is_near(spent, limit) && !std::mem::replace(&mut minutes.near, true) {
            self.alerts.push_back(Alert::Near { budget, spent, limit });
        }
        if spent >= limit && !std::mem::replace(&mut minutes.gone, true) {
            self.alerts.push_back(Alert::Spent { budget, limit });
        }
    }
}

/// Four of five minutes are spent.
fn is_near(spent: u32, limit: u32) -> bool {
    u64::from(spent) * 5 >= u64::from(limit) * 4
}
