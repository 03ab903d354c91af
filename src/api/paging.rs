//! Lists in pages: what is asked, and the one envelope. All links are paths: an SDK puts its own base in front.

use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};
use tipring_resources::Stamp;
use tipring_store::{Anchor, Listing, PAGE_SIZE_MAX, Page, PageStart};

use crate::fault::Fault;
use crate::form::{Form, encode};
use crate::serve::{Answer, Asking};

/// The part of a list that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) page: Page,
    /// Its number, as the client counts.
    number: u32,
}

impl Asked {
    /// How many records come before the page, where pages are counted and have no anchor.
    pub(crate) fn skipped(self) -> usize {
        match self.page.start {
            PageStart::Skip(records) => records as usize,
            _ => 0,
        }
    }
}

/// Reads `PageSize`, `Page` and `PageToken`.
pub(crate) fn asked(form: &Form) -> Result<Asked, Fault> {
    let count = |name: &str, wanted: &str| -> Result<Option<u32>, Fault> {
        let parse = |text: &str| text.parse::<u32>().map_err(|_| Fault::parameter(name, wanted));
        form.text(name).map(parse).transpose()
    };
    let size = count("PageSize", "1 to 1000")?.unwrap_or(50);
    if size > PAGE_SIZE_MAX {
        return Err(Fault::bad(20007, format!("PageSize is {size}: use at most {PAGE_SIZE_MAX}")));
    }
    if size == 0 {
        return Err(Fault::parameter("PageSize", "1 to 1000"));
    }
    let number = count("Page", "a number from 0")?.unwrap_or(0);
    let start = match form.text("PageToken") {
        Some(token) => from_token(token).ok_or_else(|| Fault::plain(21481))?,
        None if number == 0 => PageStart::Newest,
        None => {
            let skip = number.checked_mul(size).filter(|skip| *skip <= SKIP_MAX);
            PageStart::Skip(skip.ok_or_else(|| Fault::parameter("Page", "a PageToken with it for a page so far"))?)
        }
    };
    Ok(Asked { page: Page { size, start }, number })
}

/// The envelope of a page.
pub(crate) fn envelope<T>(
    link: &str,
    form: &Form,
    asked: Asked,
    member: &str,
    listing: &Listing<T>,
    anchor: impl Fn(&T) -> Anchor,
    show: impl Fn(&T) -> Value,
) -> Answer {
    let older = listing.items.last().filter(|_| listing.older).map(|item| PageStart::OlderThan(anchor(item)));
    let newer = listing.items.first().filter(|_| listing.newer).map(|item| PageStart::NewerThan(anchor(item)));
    let links = Links { link, form, size: asked.page.size };
    let next = older.map(|at| links.to(asked.number.saturating_add(1), Some(at)));
    let previous = newer.map(|at| links.to(asked.number.saturating_sub(1), Some(at)));
    body(&links, asked, member, listing.items.iter().map(show).collect(), next, previous)
}

/// The envelope of a list whose pages are counted: one that does not change while it is read.
pub(crate) fn numbered(asking: &Asking, asked: Asked, member: &str, items: Vec<Value>, more: bool) -> Answer {
    let links = Links { link: &asking.path.link, form: &asking.form, size: asked.page.size };
    let next = more.then(|| links.to(asked.number.saturating_add(1), None));
    let previous = (asked.number > 0).then(|| links.to(asked.number - 1, None));
    body(&links, asked, member, items, next, previous)
}

/// The envelope of the monitor's lists: absolute addresses, in a member of their own.
pub(crate) fn meta<T>(
    asking: &Asking,
    asked: Asked,
    member: &str,
    listing: &Listing<T>,
    anchor: impl Fn(&T) -> Anchor,
    show: impl Fn(&T) -> Value,
) -> Answer {
    let link = format!("{}{}", asking.base, asking.path.link);
    let links = Links { link: &link, form: &asking.form, size: asked.page.size };
    let older = listing.items.last().filter(|_| listing.older).map(|item| PageStart::OlderThan(anchor(item)));
    let newer = listing.items.first().filter(|_| listing.newer).map(|item| PageStart::NewerThan(anchor(item)));
    let body = json!({
        "meta": {
            "page": asked.number,
            "page_size": asked.page.size,
            "first_page_url": links.to(0, None),
            "url": links.to(asked.number, Some(asked.page.start)),
            "next_page_url": older.map(|at| links.to(asked.number.saturating_add(1), Some(at))),
            "previous_page_url": newer.map(|at| links.to(asked.number.saturating_sub(1), Some(at))),
            "key": member,
        },
        member: listing.items.iter().map(show).collect::<Vec<Value>>(),
    });
    Answer::Json(StatusCode::OK, body)
}

/// Makes links to pages of one list.
struct Links<'a> {
    link: &'a str,
    form: &'a Form,
    size: u32,
}

impl Links<'_> {
    fn to(&self, number: u32, start: Option<PageStart>) -> Value {
        let others = self.form.without(PAGING);
        let mut query: Vec<String> =
            others.map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
        query.push(format!("PageSize={}&Page={number}", self.size));
        query.extend(start.and_then(to_token).map(|token| format!("PageToken={token}")));
        Value::String(format!("{}?{}", self.link, query.join("&")))
    }
}

fn body(
    links: &Links<'_>,
    asked: Asked,
    member: &str,
    items: Vec<Value>,
    next: Option<Value>,
    previous: Option<Value>,
) -> Answer {
    let start = u64::from(asked.number) * u64::from(asked.page.size);
    let mut body = Map::new();
    body.insert("page".into(), json!(asked.number));
    body.insert("page_size".into(), json!(asked.page.size));
    body.insert("start".into(), json!(start));
    body.insert("end".into(), json!((start + items.len() as u64).saturating_sub(1).max(start)));
    body.insert("uri".into(), links.to(asked.number, Some(asked.page.start)));
    body.insert("first_page_uri".into(), links.to(0, None));
    body.insert("next_page_uri".into(), next.unwrap_or_default());
    body.insert("previous_page_uri".into(), previous.unwrap_or_default());
    body.insert(member.into(), Value::Array(items));
    Answer::Json(StatusCode::OK, Value::Object(body))
}

fn to_token(start: PageStart) -> Option<String> {
    let (way, anchor) = match start {
        PageStart::OlderThan(anchor) => ('o', anchor),
        PageStart::NewerThan(anchor) => ('n', anchor),
        PageStart::Newest | PageStart::Skip(_) => return None,
    };
    Some(format!("PT{}", URL_SAFE_NO_PAD.encode(format!("{way}{}.{}", anchor.created.0, anchor.sid))))
}

fn from_token(token: &str) -> Option<PageStart> {
    let bytes = URL_SAFE_NO_PAD.decode(token.strip_prefix("PT")?).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (created, sid) = text.get(1..)?.split_once('.')?;
    let anchor = Anchor { created: Stamp(created.parse().ok()?), sid: sid.parse().ok()? };
    match text.as_bytes().first()? {
        b'o' => Some(PageStart::OlderThan(anchor)),
        b'n' => Some(PageStart::NewerThan(anchor)),
        _ => None,
    }
}

const PAGING: &[&str] = &["PageSize", "Page", "PageToken"];
/// Records that a page number without token may skip: the database has to walk them.
const SKIP_MAX: u32 = 100_000;

#[cfg(test)]
mod tests {
    use super::*;
    use tipring_resources::{Sid, SidKind};

    #[test]
    fn a_token_reads_back_and_a_forged_one_does_not() {
        let start = PageStart::NewerThan(Anchor { created: Stamp(-5), sid: Sid::new(SidKind::Call, 9) });
        assert_eq!(from_token(&to_token(start).unwrap()), Some(start));
        for forged in ["", "PT", "PTabc", "PT!!!!", "XX", "PTb29vb28"] {
            assert_eq!(from_token(forged), None, "{forged}");
        }
    }
}
