//! May it be kept, is it fresh, how is it checked: HTTP's cache rules for one stored answer.
//!
//! Source: RFC 9111 through `http-cache-semantics`. Two rules are our own: a converted medium whose origin says
//! nothing about keeping is fresh for a configured while, and credentials in the URL count as `Authorization`.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_cache_semantics::{AfterResponse, BeforeRequest, CacheOptions, CachePolicy};
use serde::{Deserialize, Serialize};
use url::Url;

/// What is remembered of an origin's answer in order to judge it later.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Rules {
    /// When the answer came, in milliseconds since 1970.
    pub date_ms: u64,
    pub status: u16,
    /// The headers that matter to a cache.
    pub headers: Vec<(String, String)>,
    /// The origin said nothing about keeping; the freshness is ours.
    pub unsaid: bool,
    /// The request carried credentials.
    pub authorized: bool,
    /// Fresh by its origin's word alone.
    #[serde(default)]
    pub explicit: bool,
}

/// The judgement about a stored answer.
pub(crate) enum Judgement {
    Fresh,
    /// To be checked with these headers; none if there is nothing to check by.
    Stale(Vec<(String, String)>),
}

impl Rules {
    pub fn new(
        url: &Url,
        status: u16,
        headers: &[(String, String)],
        now: SystemTime,
        unsaid_fresh: Option<Duration>,
    ) -> Self {
        let mut headers: Vec<_> = headers.iter().filter(|(name, _)| KEPT.contains(&name.as_str())).cloned().collect();
        // Directives are the same in capitals; who reads them here does not know that.
        headers.iter_mut().filter(|it| it.0 == "cache-control").for_each(|it| it.1.make_ascii_lowercase());
        let says = |it: &(String, String)| ["cache-control", "expires", "pragma"].contains(&it.0.as_str());
        let unsaid = unsaid_fresh.is_some() && !headers.iter().any(says);
        if let Some(fresh) = unsaid_fresh.filter(|_| unsaid) {
            headers.push(("cache-control".into(), format!("max-age={}", fresh.as_secs())));
        }
        let authorized = !url.username().is_empty() || url.password().is_some();
        Self { date_ms: millis(now), status, headers, unsaid, authorized, explicit: false }
    }

    /// Of a document that a call was given by its application.
    pub fn document(url: &Url, headers: &[(String, String)], now: SystemTime) -> Self {
        Self { explicit: true, ..Self::new(url, 200, headers, now, None) }
    }

    /// Spoken text keeps for ever: the same text has the same sound.
    pub fn speech(now: SystemTime) -> Self {
        let headers = vec![("cache-control".into(), format!("public, max-age={FOR_EVER_S}"))];
        Self { date_ms: millis(now), status: 200, headers, unsaid: false, authorized: false, explicit: false }
    }

    pub fn storable(&self, url: &str) -> bool {
        let vary_all = self.headers.iter().any(|(name, value)| name == "vary" && value.contains('*'));
        !vary_all && self.policy(url).is_storable()
    }

    pub fn judge(&self, url: &str, now: SystemTime) -> Judgement {
        match self.policy(url).before_request(&self.request(url), now) {
            BeforeRequest::Fresh(_) => Judgement::Fresh,
            BeforeRequest::Stale { request, .. } => Judgement::Stale(
                ["if-none-match", "if-modified-since"]
                    .into_iter()
                    .filter_map(|name| Some((name.to_owned(), request.headers.get(name)?.to_str().ok()?.to_owned())))
                    .collect(),
            ),
        }
    }

    /// Headers that ask the origin whether it is still so.
    pub fn checks(&self) -> Vec<(String, String)> {
        let pairs = [("etag", "if-none-match"), ("last-modified", "if-modified-since")];
        let find = |name: &str| self.headers.iter().find(|it| it.0 == name).map(|it| it.1.clone());
        pairs.into_iter().filter_map(|(have, ask)| Some((ask.to_owned(), find(have)?))).collect()
    }

    /// What says whether two answers are the same.
    pub fn validators(&self) -> Vec<&(String, String)> {
        self.headers.iter().filter(|(name, _)| name == "etag" || name == "last-modified").collect()
    }

    /// The rules after a 304; `None` if it speaks of something else than what is stored.
    pub fn confirmed(&self, url: &str, status: u16, headers: &[(String, String)], now: SystemTime) -> Option<Self> {
        let mut answer = Response::new(());
        *answer.status_mut() = http::StatusCode::from_u16(status).ok()?;
        *answer.headers_mut() = header_map(headers);
        let after = self.policy(url).after_response(&self.request(url), &answer, now);
        let AfterResponse::NotModified(_, parts) = after else { return None };
        let mut merged = Vec::new();
        for (name, value) in &parts.headers {
            if let Ok(value) = value.to_str() {
                merged.push((name.as_str().to_owned(), value.to_owned()));
            }
        }
        merged.retain(|(name, _)| KEPT.contains(&name.as_str()) && name != "age");
        merged.extend(headers.iter().filter(|(name, _)| name == "age").cloned());
        Some(Self { date_ms: millis(now), headers: merged, ..self.clone() })
    }

    /// A stale entry without this is of no further use.
    pub fn can_be_checked(&self) -> bool {
        self.unsaid || self.headers.iter().any(|(name, _)| name == "etag" || name == "last-modified")
    }

    /// Stale, it may still be confirmed, or stand in for an origin that fails.
    pub fn is_of_use_stale(&self) -> bool {
        let stands_in = |it: &(String, String)| it.0 == "cache-control" && it.1.contains("stale-if-error");
        self.can_be_checked() || self.headers.iter().any(stands_in)
    }

    /// May be used stale while the origin cannot be asked (RFC 9111 section 4.2.4).
    pub fn may_serve_stale(&self) -> bool {
        !self.headers.iter().any(|(name, value)| {
            name == "cache-control"
                && ["must-revalidate", "no-cache", "proxy-revalidate", "s-maxage"].iter().any(|it| value.contains(it))
        })
    }

    /// When it goes stale, in milliseconds since 1970.
    pub fn fresh_until_ms(&self, url: &str) -> u64 {
        let stored = self.stored_at();
        let fresh = self.policy(url).time_to_live(stored);
        self.date_ms.saturating_add(u64::try_from(fresh.as_millis()).unwrap_or(u64::MAX))
    }

    fn stored_at(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(self.date_ms)
    }

    fn policy(&self, url: &str) -> CachePolicy {
        let mut answer = Response::new(());
        *answer.status_mut() = http::StatusCode::from_u16(self.status).unwrap_or(http::StatusCode::BAD_GATEWAY);
        *answer.headers_mut() = header_map(&self.headers);
        let mut options = CacheOptions { shared: true, ..CacheOptions::default() };
        if self.explicit {
            (options.cache_heuristic, options.immutable_min_time_to_live) = (0.0, Duration::ZERO);
        }
        CachePolicy::new_options(&self.request(url), &answer, self.stored_at(), options)
    }

    fn request(&self, url: &str) -> Request<()> {
        let mut request = Request::new(());
        if let Ok(uri) = url.parse() {
            *request.uri_mut() = uri;
        }
        if self.authorized {
            request.headers_mut().insert("authorization", HeaderValue::from_static("by URL"));
        }
        request
    }
}

pub(crate) fn millis(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn header_map(headers: &[(String, String)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
            map.append(name, value);
        }
    }
    map
}

/// The headers that HTTP's cache rules look at.
const KEPT: [&str; 9] =
    ["age", "cache-control", "date", "etag", "expires", "last-modified", "no-vary-search", "pragma", "vary"];
/// Ten years: longer than the disk lives.
const FOR_EVER_S: u64 = 10 * 365 * 24 * 3600;

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(headers: &[(&str, &str)]) -> Rules {
        let headers: Vec<_> = headers.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        Rules::new(&Url::parse(URL).unwrap(), 200, &headers, at(0), Some(Duration::from_secs(600)))
    }

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000 + seconds)
    }

    fn fresh(rules: &Rules, seconds: u64) -> bool {
        matches!(rules.judge(URL, at(seconds)), Judgement::Fresh)
    }

    const URL: &str = "http://origin/a.mp3";

    #[test]
    fn what_is_unsaid_is_ours() {
        let it = rules(&[]);
        assert!(it.storable(URL) && fresh(&it, 599) && !fresh(&it, 601));
    }

    #[test]
    fn what_is_said_counts() {
        let it = rules(&[("cache-control", "max-age=60"), ("etag", "\"1\"")]);
        assert!(it.storable(URL) && fresh(&it, 59) && !fresh(&it, 61));
        let Judgement::Stale(headers) = it.judge(URL, at(61)) else { panic!("fresh") };
        assert_eq!(headers, [("if-none-match".to_owned(), "\"1\"".to_owned())]);
        assert!(!rules(&[("cache-control", "no-store")]).storable(URL));
        assert!(!rules(&[("cache-control", "private, max-age=60")]).storable(URL));
    }

    #[test]
    fn a_confirmation_starts_the_time_anew() {
        let it = rules(&[("cache-control", "max-age=60"), ("etag", "\"1\"")]);
        let headers = [("etag".to_owned(), "\"1\"".to_owned())];
        let after = it.confirmed(URL, 304, &headers, at(100)).unwrap();
        assert!(fresh(&after, 159) && !fresh(&after, 161));
        let other = [("etag".to_owned(), "\"2\"".to_owned())];
        assert!(it.confirmed(URL, 304, &other, at(100)).is_none());
    }
}
