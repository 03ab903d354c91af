//! Usage: how many calls, minutes, recordings … in a span of time. Nothing costs anything here: prices are null.

use axum::http::StatusCode;
use serde_json::{Value, json};
use time::{Date, Duration, Month};
use tipring_resources::{Account, Stamp};
use tipring_store::{Page, Tally, TimeRange, Usage, Where};

use crate::dates::{begin_of, day_in, day_of, iso_day, iso8601};
use crate::fault::Fault;
use crate::path::Span;
use crate::serve::{Answer, Asking};
use crate::{paging, show};

/// What is counted: its name, in words, its units, and which part of the usage it is.
type Category = (&'static str, &'static str, &'static str, &'static str, fn(&Usage) -> Tally);

const CATEGORIES: &[Category] = &[
    ("calls", "All calls", "calls", "minutes", |usage| usage.calls_inbound.and(usage.calls_outbound)),
    ("calls-inbound", "Calls that came in", "calls", "minutes", |usage| usage.calls_inbound),
    ("calls-inbound-local", "Calls that came in to local numbers", "calls", "minutes", |usage| usage.calls_inbound),
    ("calls-outbound", "Calls that were made", "calls", "minutes", |usage| usage.calls_outbound),
    ("recordings", "Recordings", "recordings", "minutes", |usage| usage.recordings),
    ("recordingstorage", "Recordings that are kept", "recordings", "minutes", |usage| usage.recordings),
    ("transcriptions", "Transcriptions", "transcriptions", "minutes", |usage| usage.transcriptions),
    ("sms", "All messages", "messages", "segments", |usage| usage.sms_inbound.and(usage.sms_outbound)),
    ("sms-inbound", "Messages that came in", "messages", "segments", |usage| usage.sms_inbound),
    ("sms-outbound", "Messages that were sent", "messages", "segments", |usage| usage.sms_outbound),
    ("totalprice", "Total price", "", "", |_| Tally { count: 0, usage: 0 }),
];

/// What the account has left: nothing is charged.
pub(crate) fn balance(asking: &Asking) -> Answer {
    let body = json!({ "account_sid": asking.account.sid, "balance": "0.00", "currency": "USD" });
    Answer::Json(StatusCode::OK, body)
}

/// One record for each span of time and category, the newest span first.
pub(crate) async fn list(asking: &Asking, span: Span) -> Result<Answer, Fault> {
    let form = &asking.form;
    let asked = paging::asked(form)?;
    let categories: Vec<&Category> =
        CATEGORIES.iter().filter(|one| form.text("Category").is_none_or(|name| name == one.0)).collect();
    let today = day_of(asking.state.live.now());
    let first = day_in(form, "StartDate")?.unwrap_or_else(|| day_of(asking.account.created)).max(EPOCH);
    let last = day_in(form, "EndDate")?.unwrap_or(today).min(today);
    let spans = spans(span, first, last, today);
    let accounts = accounts(asking).await?;
    let (start, size) = (asked.skipped(), asked.page.size as usize);
    let total = spans.len() * categories.len();
    let mut items = Vec::new();
    let mut known: Option<(usize, Usage)> = None;
    for at in start..total.min(start.saturating_add(size)) {
        let (span_at, category) = (at / categories.len(), categories[at % categories.len()]);
        let span = spans[span_at];
        let usage = match known {
            Some((of, usage)) if of == span_at => usage,
            _ => within(asking, &accounts, span).await?,
        };
        known = Some((span_at, usage));
        items.push(shown(asking, category, span, &usage));
    }
    let more = start + items.len() < total;
    Ok(paging::numbered(asking, asked, "usage_records", items, more))
}

/// The account, and (unless `IncludeSubaccounts=false`) those that it has made.
async fn accounts(asking: &Asking) -> Result<Vec<Account>, Fault> {
    if asking.form.boolean("IncludeSubaccounts")? == Some(false) {
        return Ok(vec![asking.account.clone()]);
    }
    let all = Page { size: tipring_store::PAGE_SIZE_MAX, ..Page::default() };
    Ok(asking.state.store.list(Where::default().family(asking.account.sid), all).await?.items)
}

async fn within(asking: &Asking, accounts: &[Account], (first, last): (Date, Date)) -> Result<Usage, Fault> {
    let until = last.next_day().map_or(Stamp(i64::MAX), begin_of);
    let range = TimeRange { from: Some(begin_of(first)), until: Some(until) };
    let mut sum = Usage::default();
    for account in accounts {
        sum = sum.and(asking.state.store.usage(account.sid, range).await?);
    }
    Ok(sum)
}

/// First and last day of each span, the newest first.
fn spans(span: Span, first: Date, last: Date, today: Date) -> Vec<(Date, Date)> {
    let month_of = |day: Date| (first_of_month(day), last_of_month(day));
    let yesterday = today - Duration::days(1);
    match span {
        Span::All if first <= last => vec![(first, last)],
        Span::All => Vec::new(),
        Span::Today => vec![(today, today)],
        Span::Yesterday => vec![(yesterday, yesterday)],
        Span::ThisMonth => vec![(first_of_month(today), today)],
        Span::LastMonth => vec![month_of(first_of_month(today) - Duration::days(1))],
        Span::Daily => cut(first, last, |day| (day, day)),
        Span::Monthly => cut(first, last, month_of),
        Span::Yearly => cut(first, last, |day| {
            let on = |month, of_month| Date::from_calendar_date(day.year(), month, of_month).unwrap_or(day);
            (on(Month::January, 1), on(Month::December, 31))
        }),
    }
}

/// Cuts a time into spans, from its end back to its beginning.
fn cut(first: Date, last: Date, around: impl Fn(Date) -> (Date, Date)) -> Vec<(Date, Date)> {
    let (mut spans, mut at) = (Vec::new(), last);
    while at >= first && spans.len() < SPANS_MAX {
        let (begin, end) = around(at);
        spans.push((begin.max(first), end.min(last)));
        match begin.previous_day() {
            Some(before) => at = before,
            None => break,
        }
    }
    spans
}

fn first_of_month(day: Date) -> Date {
    day.replace_day(1).unwrap_or(day)
}

fn last_of_month(day: Date) -> Date {
    day.replace_day(day.month().length(day.year())).unwrap_or(day)
}

fn shown(asking: &Asking, category: &Category, (first, last): (Date, Date), usage: &Usage) -> Value {
    let (name, words, count_unit, usage_unit, part) = *category;
    let tally = part(usage);
    let (first, last) = (iso_day(first), iso_day(last));
    let path = format!("{}/Usage/Records", show::account_path(asking.account.sid));
    let query = format!("Category={name}&StartDate={first}&EndDate={last}");
    let below = |list: &str| Value::String(format!("{path}/{list}.json?Category={name}"));
    json!({
        "account_sid": asking.account.sid,
        "api_version": show::VERSION,
        "as_of": iso8601(asking.state.live.now()),
        "category": name,
        "description": words,
        "count": tally.count.to_string(),
        "count_unit": count_unit,
        "usage": tally.usage.to_string(),
        "usage_unit": usage_unit,
        "price": null,
        "price_unit": null,
        "start_date": first,
        "end_date": last,
        "uri": format!("{path}.json?{query}"),
        "subresource_uris": {
            "all_time": below("AllTime"),
            "daily": below("Daily"),
            "last_month": below("LastMonth"),
            "monthly": below("Monthly"),
            "this_month": below("ThisMonth"),
            "today": below("Today"),
            "yearly": below("Yearly"),
            "yesterday": below("Yesterday"),
        },
    })
}

/// Nothing was before.
const EPOCH: Date = time::macros::date!(1970 - 01 - 01);
/// Spans of a list at most: ten years of days.
const SPANS_MAX: usize = 3660;

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::date;

    #[test]
    fn spans_are_cut_at_their_edges_and_the_newest_comes_first() {
        let (first, last) = (date!(2023 - 12 - 30), date!(2024 - 02 - 29));
        let of = |span| spans(span, first, last, last);
        let months = [
            (date!(2024 - 02 - 01), last),
            (date!(2024 - 01 - 01), date!(2024 - 01 - 31)),
            (first, date!(2023 - 12 - 31)),
        ];
        assert_eq!(of(Span::Monthly), months);
        assert_eq!(of(Span::Daily).len(), 2 + 31 + 29);
        assert_eq!(of(Span::Yearly), [(date!(2024 - 01 - 01), last), (first, date!(2023 - 12 - 31))]);
        assert_eq!(of(Span::LastMonth), [months[1]]);
        assert_eq!(of(Span::Yesterday), [(date!(2024 - 02 - 28), date!(2024 - 02 - 28))]);
        assert_eq!(spans(Span::All, last, first, last), []);
    }
}
