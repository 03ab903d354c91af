//! What belongs to an account beside its numbers: applications, caller ids, keys.

use serde::{Deserialize, Serialize};

use crate::{Method, Sid, Stamp};

/// A set of URLs under one name, which numbers and calls refer to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Application {
    /// `AP…`
    pub sid: Sid,
    /// Whose.
    pub account: Sid,
    /// For people.
    pub friendly_name: String,
    /// Asked when a call comes in.
    pub voice_url: String,
    /// How it is asked.
    pub voice_method: Method,
    /// Asked when that fails.
    pub voice_fallback_url: String,
    /// How that is asked.
    pub voice_fallback_method: Method,
    /// Told of the call's end.
    pub status_callback: String,
    /// How it is told.
    pub status_callback_method: Method,
    /// Asked when a message comes in.
    pub sms_url: String,
    /// How it is asked.
    pub sms_method: Method,
    /// Asked when that fails.
    pub sms_fallback_url: String,
    /// How that is asked.
    pub sms_fallback_method: Method,
    /// Told what became of a message, the older way.
    pub sms_status_callback: String,
    /// Told what became of a message.
    pub message_status_callback: String,
    /// Made.
    pub created: Stamp,
    /// Changed.
    pub updated: Stamp,
}

/// A number that an account may show when it calls, though it is not one of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallerId {
    /// `PN…`
    pub sid: Sid,
    /// Whose.
    pub account: Sid,
    /// E.164, or the digits as the line knows them.
    pub phone_number: String,
    /// For people.
    pub friendly_name: String,
    /// Made.
    pub created: Stamp,
    /// Changed.
    pub updated: Stamp,
}

/// What a key may do. Each includes those before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Look.
    Read,
    /// Make calls and change them, numbers, queues….
    #[default]
    Control,
    /// Keys and accounts too.
    Admin,
}

impl Scope {
    /// All of them.
    pub const ALL: [Scope; 3] = [Scope::Read, Scope::Control, Scope::Admin];

    /// As on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Scope::Read => "read",
            Scope::Control => "control",
            Scope::Admin => "admin",
        }
    }

    /// From the wire.
    pub fn from_wire(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == text)
    }
}

/// A key of the API: user name `SK…`, and a secret that is shown once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// `SK…`
    pub sid: Sid,
    /// Whose.
    pub account: Sid,
    /// For people.
    pub friendly_name: String,
    /// SHA-256 of the secret, in hex. The secret has 128 random bits and more, so that no slower hash is needed.
    pub secret_hash: String,
    /// What it may do.
    pub scope: Scope,
    /// Made.
    pub created: Stamp,
    /// Changed.
    pub updated: Stamp,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key").field("sid", &self.sid).field("scope", &self.scope).finish_non_exhaustive()
    }
}

/// Who changed what by the API: the audit trail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEvent {
    /// `AE…`
    pub sid: Sid,
    /// In which account.
    pub account: Sid,
    /// Whose credentials: an account or a key.
    pub actor: Sid,
    /// What was done to what, e.g. `call.created`.
    pub kind: String,
    /// To which.
    pub resource: Option<Sid>,
    /// From which address, if it is known.
    pub source: String,
    /// When.
    pub at: Stamp,
}
