//! What an entry says about its body: written beside it as JSON. No file is touched here.

use serde::{Deserialize, Serialize};

use crate::rules::Rules;

/// A stored medium.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub account: String,
    /// The persistent URI; credentials are replaced.
    pub uri: String,
    pub preset: String,
    pub content_type: String,
    pub original_type: String,
    pub octets: u64,
    pub expires_ms: u64,
    pub rules: Rules,
    /// The body's file name.
    pub body: String,
    /// What it took to have it: fetching and converting, or speaking.
    #[serde(default)]
    pub cost_ms: u64,
    /// Of the key that its body is sealed with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub salt: Option<String>,
    /// In a store of others: the last removal that was known to who brought it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub after: String,
}

/// What reading all entries has shown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Verified {
    /// Entries that are whole.
    pub entries: u64,
    /// Octets that were read.
    pub octets: u64,
    /// Entries that were not, and are no more.
    pub damaged: Vec<EntryInfo>,
}

/// What is known of an entry before it is stored.
#[derive(Clone)]
pub(crate) struct Draft {
    pub account: String,
    pub uri: String,
    pub preset: String,
    pub content_type: String,
    pub original_type: String,
    pub rules: Rules,
    pub cost_ms: u64,
}

/// One entry as operators see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryInfo {
    /// Whose it is.
    pub account: String,
    /// The persistent URI, without credentials.
    pub uri: String,
    /// The form it is stored in.
    pub preset: String,
    /// Octets of sound.
    pub size: u64,
    /// When it was fetched or confirmed, in milliseconds since 1970.
    pub date_ms: u64,
    /// When it goes stale, in milliseconds since 1970.
    pub expires_ms: u64,
}

impl Entry {
    pub fn new(draft: Draft, octets: u64, body: String, salt: Option<String>) -> Self {
        Self {
            expires_ms: draft.rules.fresh_until_ms(&draft.uri),
            account: draft.account,
            uri: shown_uri(&draft.uri),
            preset: draft.preset,
            content_type: draft.content_type,
            original_type: draft.original_type,
            octets,
            rules: draft.rules,
            body,
            cost_ms: draft.cost_ms,
            salt,
            after: String::new(),
        }
    }

    pub fn info(&self) -> EntryInfo {
        EntryInfo {
            account: self.account.clone(),
            uri: self.uri.clone(),
            preset: self.preset.clone(),
            size: self.octets,
            date_ms: self.rules.date_ms,
            expires_ms: self.expires_ms,
        }
    }

    /// Whether it is of this account (`None`: of any) and its URI begins so.
    pub fn matches(&self, account: Option<&str>, prefix: &str) -> bool {
        self.uri.starts_with(prefix) && account.is_none_or(|account| account == self.account)
    }

    /// Whether it is of no further use: it went stale and can neither be checked nor stand in, or was not asked for since long.
    pub fn is_over(&self, now_ms: u64, stale_kept_ms: u64) -> bool {
        let kept_ms = if self.rules.is_of_use_stale() { stale_kept_ms } else { 0 };
        self.expires_ms.saturating_add(kept_ms) <= now_ms
    }
}

fn shown_uri(uri: &str) -> String {
    match url::Url::parse(uri) {
        Ok(url) => tipring_egress::redacted(&url).to_string(),
        Err(_) => crate::wire::shown(uri),
    }
}
