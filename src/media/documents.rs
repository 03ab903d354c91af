//! Documents that calls were given by their applications, kept for later calls. The calls' side asks for them and brings
//! them (`GET` and `PUT /documents`): it signs requests with an account's key, which is not known here, so nothing is
//! fetched here. What may be kept and what is fresh is judged here, by HTTP's rules for a shared cache.
//!
//! An answer that says in `No-Vary-Search` what of the query it does not hang on is kept under a name without that; the header
//! itself lies beside, under the URL without its query, so that it is known when another query comes.

mod variance;

use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use url::Url;

use self::variance::Variance;
use crate::cache::{Draft, Entry, Found, key_of};
use crate::counters::count;
use crate::fault::MediaFault;
use crate::rules::{Rules, millis};
use crate::service::{Service, stopped};
use crate::spool::Spool;
use crate::wire::Form;

/// A document as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Its type, and what caches need; names in lower case.
    pub headers: Vec<(String, String)>,
    /// As it came.
    pub body: Bytes,
    /// Seconds for which it is fresh; zero or less: it has been stale so long.
    pub fresh_s: i64,
}

/// A name under which a document may lie.
struct Name {
    key: String,
    uri: String,
}

impl Service {
    /// What is kept for an account under a URL: what is fresh, else what is stale and of use yet.
    pub async fn document(self: &Arc<Self>, account: &str, url: &Url) -> Result<Option<Document>, MediaFault> {
        let mut names = vec![plain_name(account, url)];
        for header in self.variances(account, url).await? {
            names.extend(Variance::read(&header).map(|it| name(account, url, &header, &it)));
        }
        let mut stale: Option<(Entry, Spool)> = None;
        for name in names {
            match self.found(&name).await? {
                Some((entry, spool, true)) => {
                    count(&self.tally.documents);
                    return Ok(read(&spool).await.map(|body| self.shown(entry, body)));
                }
                Some((entry, spool, false))
                    if stale.as_ref().is_none_or(|it| it.0.rules.date_ms < entry.rules.date_ms) =>
                {
                    stale = Some((entry, spool));
                }
                _ => {}
            }
        }
        let Some((entry, spool)) = stale else { return Ok(None) };
        Ok(read(&spool).await.map(|body| self.shown(entry, body)))
    }

    /// Keeps a document; else why not.
    pub async fn keep_document(
        self: &Arc<Self>,
        account: &str,
        url: &Url,
        headers: &[(String, String)],
        body: Bytes,
    ) -> Result<Result<(), &'static str>, MediaFault> {
        let rules = Rules::document(url, headers, self.now());
        if let Some(why) = unfit(url, &rules, headers) {
            return Ok(Err(why));
        }
        let all = |wanted: &str| {
            let values: Vec<_> = headers.iter().filter(|it| it.0 == wanted).map(|it| it.1.as_str()).collect();
            values.join(", ")
        };
        let (kind, header) = (all("content-type"), all("no-vary-search"));
        let name = match Variance::read(&header) {
            Some(variance) => {
                self.note_variance(account, url, &header).await?;
                name(account, url, &header, &variance)
            }
            None => plain_name(account, url),
        };
        let kept = self.put(account, name, kind, rules, body).await?;
        if kept {
            count(&self.tally.documents_kept);
        }
        Ok(if kept { Ok(()) } else { Err("the cache's disk has no room") })
    }

    async fn put(
        self: &Arc<Self>,
        account: &str,
        name: Name,
        content_type: String,
        rules: Rules,
        body: Bytes,
    ) -> Result<bool, MediaFault> {
        let draft = Draft {
            account: account.to_owned(),
            uri: name.uri,
            preset: Form::AsIs.name(),
            original_type: content_type.clone(),
            content_type,
            rules,
            cost_ms: COST_MS,
        };
        let service = Arc::clone(self);
        let written = move || {
            let (mut writer, _spool, _unkept) = service.cache.create();
            writer.write(&body).map_err(|error| MediaFault::local("writing the cache", &error))?;
            writer.whole();
            Ok(service.cache.store(&name.key, draft, &mut writer).is_some())
        };
        tokio::task::spawn_blocking(written).await.unwrap_or_else(|_| Err(stopped()))
    }

    /// An entry, and whether it is fresh.
    async fn found(self: &Arc<Self>, name: &Name) -> Result<Option<(Entry, Spool, bool)>, MediaFault> {
        let (service, key, uri, now) = (Arc::clone(self), name.key.clone(), name.uri.clone(), self.now());
        let looked = move || match service.cache.find(&key, &uri, now) {
            Found::Fresh(entry, spool) => Some((entry, spool, true)),
            Found::Stale(entry, _) => service.cache.open_body(&key, &entry).ok().map(|spool| (entry, spool, false)),
            Found::Nothing => None,
        };
        tokio::task::spawn_blocking(looked).await.map_err(|_| stopped())
    }

    /// What answers of this URL, whatever its query, have said in `No-Vary-Search`; the last one first.
    async fn variances(self: &Arc<Self>, account: &str, url: &Url) -> Result<Vec<String>, MediaFault> {
        let Some((_, spool, _)) = self.found(&variances_name(account, url)).await? else { return Ok(Vec::new()) };
        let text = read(&spool).await.unwrap_or_default();
        Ok(String::from_utf8_lossy(&text).lines().map(str::to_owned).collect())
    }

    async fn note_variance(self: &Arc<Self>, account: &str, url: &Url, header: &str) -> Result<(), MediaFault> {
        let mut known = self.variances(account, url).await?;
        if known.first().is_some_and(|it| it == header) {
            return Ok(());
        }
        known.retain(|it| it != header);
        known.insert(0, header.to_owned());
        known.truncate(VARIANCES);
        let (rules, text) = (Rules::speech(self.now()), known.join("\n"));
        let name = variances_name(account, url);
        self.put(account, name, "text/plain".to_owned(), rules, text.into()).await?;
        Ok(())
    }

    fn shown(&self, entry: Entry, body: Bytes) -> Document {
        let left_ms = i128::from(entry.expires_ms) - i128::from(millis(self.now()));
        let age = age_s(&entry.rules, self.now());
        let mut headers = entry.rules.headers;
        headers.retain(|it| it.0 != "age");
        headers.extend([("age".to_owned(), age.to_string()), ("content-type".to_owned(), entry.content_type)]);
        Document { headers, body, fresh_s: i64::try_from(left_ms.div_euclid(1_000)).unwrap_or_default() }
    }
}

/// Why a document is not kept.
fn unfit(url: &Url, rules: &Rules, headers: &[(String, String)]) -> Option<&'static str> {
    let fresh = rules.fresh_until_ms(url.as_str()) > rules.date_ms;
    if headers.iter().any(|it| it.0 == "set-cookie") {
        Some("it sets a cookie")
    } else if !rules.storable(url.as_str()) {
        Some("its Cache-Control or Vary forbids it")
    } else if !fresh && !rules.is_of_use_stale() {
        Some("it says neither for how long it is fresh nor how it can be checked")
    } else {
        None
    }
}

/// Seconds since its origin has made or confirmed it.
fn age_s(rules: &Rules, now: SystemTime) -> u64 {
    let then = rules.headers.iter().find(|it| it.0 == "age").and_then(|it| it.1.trim().parse::<u64>().ok());
    then.unwrap_or_default().saturating_add(millis(now).saturating_sub(rules.date_ms) / 1_000)
}

/// The body of an entry; `None`: it is damaged.
async fn read(spool: &Spool) -> Option<Bytes> {
    let (mut reader, mut body) = (spool.reader(), Vec::new());
    while let Some(piece) = reader.next().await {
        body.extend_from_slice(&piece.ok()?);
    }
    Some(body.into())
}

fn plain_name(account: &str, url: &Url) -> Name {
    Name { key: key_of(account, url.as_str(), DOCUMENT), uri: url.to_string() }
}

fn name(account: &str, url: &Url, header: &str, variance: &Variance) -> Name {
    let uri = variance.name(url);
    Name { key: key_of(account, &uri, &format!("{DOCUMENT} {header}")), uri }
}

fn variances_name(account: &str, url: &Url) -> Name {
    let mut bare = url.clone();
    bare.set_query(None);
    Name { key: key_of(account, bare.as_str(), "no-vary-search"), uri: bare.into() }
}

/// Other than what the layer has fetched unchanged: that was not asked for with an account's signature.
const DOCUMENT: &str = "document";
/// What a document takes at most: as many octets as a call takes of one.
pub(crate) const MAX_DOCUMENT: usize = 64 * 1024;
/// What it costs to have one again: an answer of an application, more or less.
const COST_MS: u64 = 100;
/// Different headers of one URL that are known at a time: an application has one for each of its pages.
const VARIANCES: usize = 4;
