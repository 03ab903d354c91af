//! Documents that are kept between calls: what may be, under which name, and what is done with one that comes back.
//! Where they lie is the media layer's business; this file asks for them and judges nothing of their freshness.
//!
//! Sources: RFC 9111 (a shared cache), RFC 5861 section 4 (`stale-if-error`).

use std::fmt;
use std::pin::Pin;

use bytes::Bytes;
use tipring_egress::Response;
use tipring_resources::Sid;
use url::Url;

/// What is there soon.
pub type Soon<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Where documents are kept. Whatever ails it, it answers soon: a caller waits.
pub trait Documents: fmt::Debug + Send + Sync {
    /// What is kept for this account under this name, fresh or not.
    fn kept<'a>(&'a self, account: Sid, name: &'a Url) -> Soon<'a, Option<Kept>>;
    /// Keeps a document, if its headers allow that.
    fn keep<'a>(&'a self, account: Sid, name: &'a Url, document: &'a Kept) -> Soon<'a, ()>;
}

/// A document as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Its type, and what caches and conditional requests need; names in lower case.
    pub headers: Vec<(String, String)>,
    /// As it came.
    pub body: Bytes,
    /// Seconds for which it is fresh; zero or less: it has been stale so long.
    pub fresh_s: i64,
}

impl Kept {
    /// An answer that may be worth keeping; the rest of the judgement is whose who keeps it.
    pub(crate) fn of(response: &Response, body: &Bytes) -> Option<Self> {
        let text = |name: &str| response.header(name).unwrap_or_default().to_ascii_lowercase();
        let varies = response
            .headers_named("vary")
            .flat_map(|it| it.split(','))
            .any(|it| OURS_ALONE.contains(&it.trim().to_ascii_lowercase().as_str()));
        let whole = response.status == 200 && !body.is_empty() && response.header("content-encoding").is_none();
        let personal = response.header("set-cookie").is_some() || varies;
        let says = SAYS.iter().any(|it| response.header(it).is_some());
        if !whole || personal || !says || text("content-type").trim_start().starts_with("audio/") {
            return None;
        }
        let kept = Self { headers: kept_headers(&response.headers), body: body.clone(), fresh_s: 0 };
        (!kept.says("no-store") && !kept.says("private")).then_some(kept)
    }

    /// Its application need not be asked.
    pub(crate) fn is_fresh(&self) -> bool {
        self.fresh_s > 0
    }

    /// The first header of this name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|it| it.0 == name).map(|it| it.1.as_str())
    }

    /// Headers that ask whether it has changed; none: there is nothing to ask by.
    pub(crate) fn checks(&self) -> Vec<(String, String)> {
        let pairs = [("etag", "If-None-Match"), ("last-modified", "If-Modified-Since")];
        pairs.into_iter().filter_map(|(have, ask)| Some((ask.to_owned(), self.header(have)?.to_owned()))).collect()
    }

    /// The same document after its application has said that it is unchanged; `None`: it spoke of another one.
    pub(crate) fn confirmed(mut self, response: &Response) -> Option<Self> {
        let other = |name: &str| {
            let (ours, theirs) = (self.header(name), response.header(name));
            ours.zip(theirs).is_some_and(|(ours, theirs)| weak(ours) != weak(theirs))
        };
        if other("etag") {
            return None;
        }
        let told = kept_headers(&response.headers);
        // Its age counts from this answer.
        self.headers.retain(|(name, _)| name != "age" && name != "date" && !told.iter().any(|it| it.0 == *name));
        self.headers.extend(told);
        Some(self)
    }

    /// May be used in place of an answer that failed: its application has said for how long, and that is not over.
    pub(crate) fn stands_in(&self) -> bool {
        let forbidden = STRICT.iter().any(|it| self.says(it));
        let for_s = self.directive("stale-if-error").and_then(|it| it.parse::<i64>().ok());
        !forbidden && for_s.is_some_and(|it| -self.fresh_s <= it)
    }

    fn says(&self, directive: &str) -> bool {
        self.directive(directive).is_some()
    }

    /// The value of a directive of `Cache-Control`; empty if it has none.
    fn directive(&self, wanted: &str) -> Option<String> {
        let lines = self.headers.iter().filter(|it| it.0 == "cache-control");
        lines.flat_map(|it| it.1.split(',')).find_map(|it| {
            let (name, value) = it.split_once('=').unwrap_or((it, ""));
            let value = value.trim().trim_matches('"').to_owned();
            name.trim().eq_ignore_ascii_case(wanted).then_some(value)
        })
    }
}

/// What the name of a kept document leaves out: who the call, its legs and its messages are. No later call has the same, so
/// that an answer which is declared fresh for later calls cannot hang on it. What a call has brought forth (a recording,
/// a text of it) stays in the name: an answer about one caller's words is no other caller's. A channel of a span is the
/// network's choice for this call; an analogue line has a name without a timeslot, and says who was called.
pub(crate) fn is_once_only(parameter: &str, value: &str) -> bool {
    let timeslot = value.rsplit_once('/').map_or("", |it| it.1);
    let channel = !timeslot.is_empty() && timeslot.bytes().all(|it| it.is_ascii_digit());
    ONCE_ONLY.contains(&parameter) || (parameter == "LineName" && channel)
}

/// Tags are compared weakly: a document is the same if it means the same.
fn weak(tag: &str) -> &str {
    let tag = tag.trim();
    tag.strip_prefix("W/").unwrap_or(tag)
}

fn kept_headers(headers: &[(String, String)]) -> Vec<(String, String)> {
    headers.iter().filter(|it| KEPT.contains(&it.0.as_str())).cloned().collect()
}

const ONCE_ONLY: [&str; 6] = ["CallSid", "ParentCallSid", "DialCallSid", "DequeingCallSid", "MessageSid", "SmsSid"];
/// Headers that are kept with a document.
const KEPT: [&str; 10] = [
    "age",
    "cache-control",
    "content-type",
    "date",
    "etag",
    "expires",
    "last-modified",
    "no-vary-search",
    "pragma",
    "vary",
];
/// An answer without any of these is not to be kept: most are.
const SAYS: [&str; 4] = ["cache-control", "expires", "etag", "last-modified"];
/// Directives that forbid to use what is stale.
const STRICT: [&str; 4] = ["must-revalidate", "proxy-revalidate", "no-cache", "s-maxage"];
/// Headers of a request that no later one repeats, and those that we keep nothing for; all others of ours are always
/// the same.
const OURS_ALONE: [&str; 5] = ["*", "cookie", "authorization", "x-twilio-signature", "i-twilio-idempotency-token"];

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(control: &str, fresh_s: i64) -> Kept {
        let headers = vec![("cache-control".to_owned(), control.to_owned())];
        Kept { headers, body: Bytes::from_static(b"<Response/>"), fresh_s }
    }

    #[test]
    fn d13_what_is_stale_stands_in_for_as_long_as_its_application_said() {
        assert!(kept("max-age=5, Stale-If-Error=\"60\"", -60).stands_in());
        assert!(!kept("max-age=5, stale-if-error=60", -61).stands_in());
        assert!(!kept("max-age=5", -1).stands_in());
        for strict in STRICT {
            assert!(!kept(&format!("stale-if-error=60, {strict}=1"), -1).stands_in(), "{strict}");
        }
        assert!(!kept("x-stale-if-error=60", -1).stands_in());
    }

    #[test]
    fn d13_names_leave_out_who_the_call_is_and_nothing_else() {
        for out in ["CallSid", "ParentCallSid", "DialCallSid", "MessageSid"] {
            assert!(is_once_only(out, "x"), "{out}");
        }
        for stays in ["From", "To", "Digits", "SpeechResult", "RecordingUrl", "RecordingSid", "AccountSid", "QueueTime"]
        {
            assert!(!is_once_only(stays, "x"), "{stays}");
        }
        assert!(is_once_only("LineName", "sim 1/7") && is_once_only("LineName", "dahdi 2/31"));
        assert!(!is_once_only("LineName", "front desk") && !is_once_only("LineName", "sim 33"));
    }
}
