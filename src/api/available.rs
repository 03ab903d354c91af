//! Numbers that could be claimed: those that the operator says this box has, less those that are claimed.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::fault::Fault;
use crate::path::Kind;
use crate::serve::{Answer, Asking};
use crate::{State, paging, show};

/// The one country of this box.
pub(crate) fn countries(asking: &Asking) -> Answer {
    let country = country(&asking.state);
    let path = format!("{}/AvailablePhoneNumbers", show::account_path(asking.account.sid));
    let one = json!({
        "country_code": country,
        "country": country,
        "beta": false,
        "uri": format!("{path}/{country}.json"),
        "subresource_uris": { "local": format!("{path}/{country}/Local.json") },
    });
    let countries = if asking.state.options.dids.is_empty() { vec![] } else { vec![one] };
    Answer::Json(StatusCode::OK, json!({ "countries": countries, "uri": format!("{path}.json") }))
}

fn country(state: &State) -> &str {
    Some(state.options.country.as_str()).filter(|country| !country.is_empty()).unwrap_or("ZZ")
}

/// Numbers that nobody has claimed, in their order; `Contains` and `AreaCode`.
pub(crate) async fn list(asking: &Asking, named: &str, kind: Kind) -> Result<Answer, Fault> {
    let form = &asking.form;
    let asked = paging::asked(form)?;
    if !named.eq_ignore_ascii_case(country(&asking.state)) {
        return Err(Fault::not_found());
    }
    let free = if kind == Kind::Local { unclaimed(&asking.state).await? } else { Vec::new() };
    let wanted: Vec<String> = free
        .into_iter()
        .filter(|number| form.text("Contains").is_none_or(|part| contains(number, part)))
        .filter(|number| form.text("AreaCode").is_none_or(|area| in_area(number, area)))
        .collect();
    let (start, size) = (asked.skipped(), asked.page.size as usize);
    let items: Vec<Value> = wanted.iter().skip(start).take(size).map(|number| shown(asking, number)).collect();
    let more = start + items.len() < wanted.len();
    Ok(paging::numbered(asking, asked, "available_phone_numbers", items, more))
}

fn shown(asking: &Asking, number: &str) -> Value {
    json!({
        "friendly_name": number,
        "phone_number": number,
        "lata": null,
        "locality": null,
        "rate_center": null,
        "latitude": null,
        "longitude": null,
        "region": null,
        "postal_code": null,
        "iso_country": country(&asking.state),
        "address_requirements": "none",
        "beta": false,
        "capabilities": { "voice": true, "SMS": false, "MMS": false, "fax": false },
    })
}

/// The numbers of the box that are nobody's, in their order.
pub(crate) async fn unclaimed(state: &State) -> Result<Vec<String>, Fault> {
    let claimed: BTreeSet<String> =
        state.store.all_numbers().await?.into_iter().map(|number| number.phone_number).collect();
    Ok(all(&state.options.dids).into_iter().filter(|number| !claimed.contains(number)).collect())
}

/// Whether the box has such a number, if it knows which it has.
pub(crate) fn is_ours(state: &State, number: &str) -> bool {
    state.options.dids.is_empty() || all(&state.options.dids).iter().any(|ours| ours == number)
}

/// Whether a number is of an area: its digits, after the country's code if there is one, begin so.
pub(crate) fn in_area(number: &str, area: &str) -> bool {
    let digits = number.trim_start_matches('+');
    digits.starts_with(area) || (0..=3).any(|code| digits.get(code..).is_some_and(|rest| rest.starts_with(area)))
}

/// A part of a number; `*` stands for any one digit.
fn contains(number: &str, part: &str) -> bool {
    let (number, part) = (number.as_bytes(), part.as_bytes());
    let fits = |at: &[u8]| at.iter().zip(part).all(|(have, want)| *want == b'*' || have == want);
    !part.is_empty() && number.len() >= part.len() && number.windows(part.len()).any(fits)
}

/// All numbers of a list of numbers and ranges.
fn all(dids: &[String]) -> Vec<String> {
    let mut numbers = Vec::new();
    for entry in dids {
        match range(entry) {
            Some((plus, width, first, last)) => {
                let room = NUMBERS_MAX.saturating_sub(numbers.len());
                numbers.extend((first..=last).take(room).map(|number| format!("{plus}{number:0width$}")));
            }
            None => numbers.push(entry.clone()),
        }
    }
    numbers.truncate(NUMBERS_MAX);
    numbers
}

/// `+4930100-+4930199`: plus, digits, first and last.
fn range(entry: &str) -> Option<(&'static str, usize, u64, u64)> {
    let (first, last) = entry.split_once('-')?;
    let (first, last) = (first.trim(), last.trim());
    let plus = if first.starts_with('+') { "+" } else { "" };
    let (low, high) = (first.trim_start_matches('+'), last.trim_start_matches('+'));
    let digits = |text: &str| !text.is_empty() && text.len() <= 15 && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(low) || !digits(high) || low.len() != high.len() {
        return None;
    }
    let (first, last) = (low.parse::<u64>().ok()?, high.parse::<u64>().ok()?);
    (first <= last).then_some((plus, low.len(), first, last))
}

/// Numbers of a box at most: ten thousand on a trunk are many.
const NUMBERS_MAX: usize = 20_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_all_its_numbers_and_a_port_is_itself() {
        let dids = ["+4930100-+4930102".to_string(), "0098-0101".into(), "fxo/1-a".into(), "5-4".into()];
        let wanted = ["+4930100", "+4930101", "+4930102", "0098", "0099", "0100", "0101", "fxo/1-a", "5-4"];
        assert_eq!(all(&dids), wanted);
        assert_eq!(all(&["0000000-9999999".to_string()]).len(), NUMBERS_MAX, "a bound");
    }

    #[test]
    fn a_part_and_an_area_are_found() {
        assert!(contains("+12025550177", "555*1") && !contains("+12025550177", "556") && !contains("1", "11"));
        assert!(in_area("+12025550177", "202") && in_area("+4930100", "30") && !in_area("+12025550177", "555"));
    }
}
