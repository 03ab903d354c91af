//! Plans: jobs that are done every day, or on some days of the week, at an hour of the box's own time zone: sounds are there
//! before the first caller is. A box that was off at that hour does it when it is on again, once.
//!
//! They lie in one small file in the layer's state directory, which is replaced as a whole.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, ZonedDateTime};
use serde::{Deserialize, Serialize};

use super::file;
use super::wish::{Wish, bad};
use crate::fault::MediaFault;
use crate::rules::millis;
use crate::service::Service;
use crate::wire::shown;

/// A job that is done again and again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Its name; of each account one.
    #[serde(default)]
    pub name: String,
    /// Whose it is.
    #[serde(default)]
    pub account: String,
    /// The hour, `03:00`.
    pub at: String,
    /// Days of the week, `mon` to `sun`; empty: every day.
    #[serde(default)]
    pub days: Vec<String>,
    /// What is done.
    pub job: Wish,
    /// When it was last begun, or made, in milliseconds since 1970.
    #[serde(default)]
    pub last_ms: u64,
    /// The job that it last began; empty: none since the start.
    #[serde(default)]
    pub last_job: String,
    /// When it is next due, in milliseconds since 1970.
    #[serde(default)]
    pub next_ms: u64,
}

pub(crate) struct Plans {
    path: PathBuf,
    zone: TimeZone,
    all: Mutex<Vec<Plan>>,
}

impl Plans {
    /// Those that there are. A file that cannot be read is put aside, not overwritten.
    pub fn open(dir: &std::path::Path, zone: TimeZone) -> Self {
        let path = dir.join("plans.json");
        let all = Mutex::new(file::read(&path).unwrap_or_default());
        Self { path, zone, all }
    }

    pub fn list(&self, account: Option<&str>) -> Vec<Plan> {
        let all = self.all();
        let own = all.iter().filter(|it| account.is_none_or(|own| own == it.account));
        let mut own: Vec<_> = own.map(|it| Plan { next_ms: self.next_ms(it), ..it.clone() }).collect();
        own.sort_by(|a, b| (&a.account, &a.name).cmp(&(&b.account, &b.name)));
        own
    }

    /// Puts a plan in place of the one of its name.
    pub fn put(&self, mut plan: Plan, now: SystemTime) -> Result<Plan, MediaFault> {
        if plan.name.is_empty() || plan.name.len() > MAX_NAME || !plan.name.chars().all(is_plain) {
            return Err(bad(format!("plan: {:?}: 1 to {MAX_NAME} letters, digits, - and _", shown(&plan.name))));
        }
        hour(&plan.at)?;
        for day in &plan.days {
            if !DAYS.contains(&day.as_str()) {
                return Err(bad(format!("plan {}: {:?}: days are {}", plan.name, shown(day), DAYS.join(", "))));
            }
        }
        plan.job.check()?;
        plan.last_ms = millis(now);
        plan.last_job.clear();
        let mut all = self.all();
        let before = all.clone();
        all.retain(|it| (&it.account, &it.name) != (&plan.account, &plan.name));
        if all.len() >= MAX_PLANS {
            *all = before;
            return Err(bad(format!("plan: there are {MAX_PLANS} already")));
        }
        all.push(plan.clone());
        if let Err(error) = file::write(&self.path, &*all) {
            *all = before;
            return Err(MediaFault::local("writing the plans", &error));
        }
        drop(all);
        Ok(Plan { next_ms: self.next_ms(&plan), ..plan })
    }

    /// Whether there was one.
    pub fn remove(&self, account: Option<&str>, name: &str) -> Result<bool, MediaFault> {
        let mut all = self.all();
        let before = all.clone();
        all.retain(|it| it.name != name || account.is_some_and(|own| own != it.account));
        if all.len() == before.len() {
            return Ok(false);
        }
        if let Err(error) = file::write(&self.path, &*all) {
            *all = before;
            return Err(MediaFault::local("writing the plans", &error));
        }
        Ok(true)
    }

    /// Those whose hour has come; they count as begun.
    fn due(&self, now: SystemTime) -> Vec<Plan> {
        let now_ms = millis(now);
        let mut all = self.all();
        let mut due = Vec::new();
        for plan in all.iter_mut() {
            // A clock that was put back by more than a day is believed: nothing waits for the old future.
            if plan.last_ms > now_ms + DAY_MS {
                plan.last_ms = now_ms;
            }
            if self.next_ms(plan) <= now_ms {
                plan.last_ms = now_ms;
                due.push(plan.clone());
            }
        }
        if !due.is_empty()
            && let Err(error) = file::write(&self.path, &*all)
        {
            tracing::warn!(%error, "the plans could not be written; after a restart they may be done once more");
        }
        due
    }

    /// The first moment after the last run at which the hour strikes on one of the days.
    fn next_ms(&self, plan: &Plan) -> u64 {
        let Ok(at) = hour(&plan.at) else { return u64::MAX };
        let last = i64::try_from(plan.last_ms).ok().and_then(|it| Timestamp::from_millisecond(it).ok());
        let Some(last) = last.map(|it| it.to_zoned_datetime(self.zone.clone())) else { return u64::MAX };
        let mut date = last.date();
        for _ in 0..=DAYS.len() {
            let strikes = date.to_datetime(at).to_zoned_datetime(self.zone.clone());
            if let Ok(strikes) = strikes
                && strikes > last
                && on_its_day(plan, &strikes)
            {
                return u64::try_from(strikes.timestamp().as_millisecond()).unwrap_or(u64::MAX);
            }
            let Ok(tomorrow) = date.checked_add(1.day()) else { break };
            date = tomorrow;
        }
        u64::MAX
    }

    fn note(&self, plan: &Plan, job: &str) {
        let mut all = self.all();
        if let Some(it) = all.iter_mut().find(|it| (&it.account, &it.name) == (&plan.account, &plan.name)) {
            it.last_job = job.to_owned();
        }
    }

    fn all(&self) -> MutexGuard<'_, Vec<Plan>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Service {
    /// Begins what is due; answers how many jobs.
    pub(crate) fn begin_plans(self: &Arc<Self>) -> usize {
        let due = self.plans.due(self.now());
        for plan in &due {
            match self.take_on(&plan.account, plan.job.clone(), &plan.name) {
                Ok(job) => self.plans.note(plan, &job.state().id),
                Err(fault) => tracing::warn!(plan = plan.name, %fault, "a plan could not be begun today"),
            }
        }
        due.len()
    }
}

fn on_its_day(plan: &Plan, at: &ZonedDateTime) -> bool {
    let day = usize::try_from(at.weekday().to_monday_zero_offset()).ok().and_then(|it| DAYS.get(it).copied());
    plan.days.is_empty() || plan.days.iter().any(|it| Some(it.as_str()) == day)
}

fn hour(text: &str) -> Result<Time, MediaFault> {
    let wrong = || bad(format!("plan: at: {:?} is not an hour such as 03:00", shown(text)));
    let (hour, minute) = text.split_once(':').ok_or_else(wrong)?;
    let digits = |it: &str| it.len() == 2 && it.bytes().all(|it| it.is_ascii_digit());
    let number = |it: &str| digits(it).then(|| it.parse::<i8>().ok()).flatten();
    let (hour, minute) = number(hour).zip(number(minute)).ok_or_else(wrong)?;
    Time::new(hour, minute, 0, 0).map_err(|_| wrong())
}

fn is_plain(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "-_".contains(letter)
}

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const DAY_MS: u64 = 24 * 3600 * 1000;
/// Plans of all accounts.
const MAX_PLANS: usize = 256;
/// Octets of a plan's name.
const MAX_NAME: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> u64 {
        millis(SystemTime::try_from(text.parse::<Timestamp>().unwrap()).unwrap())
    }

    fn next(zone: &str, hour: &str, days: &[&str], last: &str) -> String {
        let plans = Plans { path: PathBuf::new(), zone: TimeZone::posix(zone).unwrap(), all: Mutex::default() };
        let plan = Plan {
            name: "night".into(),
            account: String::new(),
            at: hour.into(),
            days: days.iter().map(|it| (*it).into()).collect(),
            job: Wish::Refresh { prefix: "http".into() },
            last_ms: at(last),
            last_job: String::new(),
            next_ms: 0,
        };
        Timestamp::from_millisecond(plans.next_ms(&plan) as i64).unwrap().to_string()
    }

    const BERLIN: &str = "CET-1CEST,M3.5.0,M10.5.0/3";

    #[test]
    fn the_hour_is_the_boxs_own() {
        assert_eq!(next(BERLIN, "03:00", &[], "2026-11-30T01:59:59Z"), "2026-11-30T02:00:00Z");
        assert_eq!(next(BERLIN, "03:00", &[], "2026-11-30T02:00:00Z"), "2026-12-01T02:00:00Z");
        assert_eq!(next(BERLIN, "03:00", &[], "2026-07-01T12:00:00Z"), "2026-07-02T01:00:00Z");
        assert_eq!(next("UTC0", "00:00", &[], "2026-12-31T00:00:00Z"), "2027-01-01T00:00:00Z");
    }

    #[test]
    fn an_hour_that_summer_time_leaves_out_or_repeats_strikes_once() {
        // 02:30 does not exist on 29 March; on 25 October it comes twice.
        assert_eq!(next(BERLIN, "02:30", &[], "2026-03-28T12:00:00Z"), "2026-03-29T01:30:00Z");
        assert_eq!(next(BERLIN, "02:30", &[], "2026-10-24T12:00:00Z"), "2026-10-25T00:30:00Z");
        assert_eq!(next(BERLIN, "02:30", &[], "2026-10-25T00:30:00Z"), "2026-10-26T01:30:00Z");
    }

    #[test]
    fn days_of_the_week_count() {
        // 30 November 2026 is a Monday.
        assert_eq!(next("UTC0", "03:00", &["sat", "mon"], "2026-11-30T03:00:00Z"), "2026-12-05T03:00:00Z");
        assert_eq!(next("UTC0", "03:00", &["mon"], "2026-11-30T03:00:00Z"), "2026-12-07T03:00:00Z");
    }

    #[test]
    fn what_is_no_hour_is_refused() {
        for text in ["", "3", "24:00", "3:00", "03:60", "03:00:00", "-1:00", "+3:00", "aa:bb"] {
            assert!(hour(text).is_err(), "{text}");
        }
    }
}
