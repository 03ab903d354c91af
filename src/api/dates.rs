//! Dates: RFC 2822 in UTC on the way out; days and ISO 8601 moments in filters.

use time::format_description::well_known::{Rfc2822, Rfc3339};
use time::{Date, Month, OffsetDateTime};
use tipring_resources::Stamp;
use tipring_store::TimeRange;

use crate::fault::Fault;
use crate::form::Form;

/// `Fri, 18 Oct 2019 17:00:00 +0000`.
pub(crate) fn rfc2822(stamp: Stamp) -> Option<String> {
    OffsetDateTime::from_unix_timestamp(stamp.unix_s()).ok()?.format(&Rfc2822).ok()
}

/// `2019-10-18T17:00:00Z`.
pub(crate) fn iso8601(stamp: Stamp) -> Option<String> {
    OffsetDateTime::from_unix_timestamp(stamp.unix_s()).ok()?.format(&Rfc3339).ok()
}

/// `2019-10-18`.
pub(crate) fn iso_day(date: Date) -> String {
    format!("{:04}-{:02}-{:02}", date.year(), u8::from(date.month()), date.day())
}

/// The day of a moment, in UTC.
pub(crate) fn day_of(stamp: Stamp) -> Date {
    OffsetDateTime::from_unix_timestamp(stamp.unix_s()).map_or(Date::MIN, OffsetDateTime::date)
}

/// The moment at which a day begins, in UTC.
pub(crate) fn begin_of(date: Date) -> Stamp {
    Stamp(date.midnight().assume_utc().unix_timestamp().saturating_mul(1_000_000))
}

/// A day of a form.
pub(crate) fn day_in(form: &Form, name: &str) -> Result<Option<Date>, Fault> {
    let read = |text: &str| day(text).ok_or_else(|| Fault::parameter(name, "YYYY-MM-DD"));
    form.text(name).map(read).transpose()
}

/// The range from one parameter's day or second to another's; both are in it.
pub(crate) fn range_between(form: &Form, first: &str, last: &str) -> Result<TimeRange, Fault> {
    let read = |name: &str| {
        let span = |text: &str| span(text).ok_or_else(|| Fault::parameter(name, "YYYY-MM-DD or YYYY-MM-DDTHH:MM:SSZ"));
        form.text(name).map(span).transpose()
    };
    Ok(TimeRange { from: read(first)?.map(|span| span.0), until: read(last)?.map(|span| span.1) })
}

/// The range that `Name`, `Name<` and `Name>` ask for. Both inequalities include the named day or second.
pub(crate) fn range(form: &Form, name: &str) -> Result<TimeRange, Fault> {
    let mut range = TimeRange::default();
    let (before, after) = (format!("{name}<"), format!("{name}>"));
    for (key, lower, upper) in [(name, true, true), (&before, false, true), (&after, true, false)] {
        let Some(text) = form.text(key) else { continue };
        let (from, until) = span(text).ok_or_else(|| Fault::parameter(key, "YYYY-MM-DD or YYYY-MM-DDTHH:MM:SSZ"))?;
        if lower {
            range.from = Some(range.from.map_or(from, |known| known.max(from)));
        }
        if upper {
            range.until = Some(range.until.map_or(until, |known| known.min(until)));
        }
    }
    Ok(range)
}

/// A day, or a second.
fn span(text: &str) -> Option<(Stamp, Stamp)> {
    let (begin, length_s) = match day(text) {
        Some(date) => (date.midnight().assume_utc(), 86_400),
        None => (OffsetDateTime::parse(text, &Rfc3339).ok()?, 1),
    };
    let begin_us = begin.unix_timestamp().checked_mul(1_000_000)?;
    Some((Stamp(begin_us), Stamp(begin_us.checked_add(length_s * 1_000_000)?)))
}

fn day(text: &str) -> Option<Date> {
    let (year, rest) = text.split_once('-')?;
    let (month, day) = rest.split_once('-')?;
    let digits = |text: &str, count: usize| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(year, 4) || !digits(month, 2) || !digits(day, 2) {
        return None;
    }
    let month = Month::try_from(month.parse::<u8>().ok()?).ok()?;
    Date::from_calendar_date(year.parse().ok()?, month, day.parse().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_written_as_every_sdk_reads_it() {
        assert_eq!(rfc2822(Stamp(1_571_418_000_999_999)).as_deref(), Some("Fri, 18 Oct 2019 17:00:00 +0000"));
        assert_eq!(rfc2822(Stamp(0)).as_deref(), Some("Thu, 01 Jan 1970 00:00:00 +0000"));
    }

    #[test]
    fn inequalities_include_the_named_day_or_second() {
        let asked = |query: &str| {
            let mut form = Form::default();
            form.read(query.as_bytes()).unwrap();
            range(&form, "T")
        };
        let day = 86_400_000_000;
        let (first, second) = (Some(Stamp(day)), Some(Stamp(2 * day)));
        assert_eq!(asked("T=1970-01-02"), Ok(TimeRange { from: first, until: second }));
        assert_eq!(asked("T<=1970-01-02"), Ok(TimeRange { from: None, until: second }));
        assert_eq!(asked("T>=1970-01-02"), Ok(TimeRange { from: first, until: None }));
        assert_eq!(asked("T>=1970-01-02&T<=1970-01-02"), asked("T=1970-01-02"));
        assert_eq!(asked("T<=1970-01-02T00:00:00Z").unwrap().until, Some(Stamp(day + 1_000_000)));
        assert_eq!(asked("T>=1970-01-02T01:00:00%2B01:00").unwrap().from, first);
        for bad in ["T=yesterday", "T=1970-02-30", "T=1970-1-2", "T>=1970-01-02T00:00", "T=99999-01-01"] {
            assert!(asked(bad).is_err(), "{bad}");
        }
    }
}
