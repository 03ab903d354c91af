//! What the router is told once, at its start.

use std::collections::BTreeSet;

use tipring_card::Micros;
use tipring_guard::spending::Limits;
use tipring_numbering::{Class, Plan};
use tipring_resources::{Sid, Stamp};
use tipring_switch::ZoneId;

/// What the router is told once, at its start.
#[derive(Clone, Debug)]
pub struct Config {
    /// Of the one generator: all SIDs and tokens come from it.
    pub seed: u64,
    /// The date of [`tipring_card::Micros::ZERO`].
    pub epoch: Stamp,
    /// How digits on a line become E.164.
    pub plan: Plan,
    /// Whose calls to unknown numbers are; `None`: the account with the lowest SID.
    pub owner: Option<Sid>,
    /// Sent with every request.
    pub api_version: String,
    /// Where the API is reached, without a slash at the end, e.g. `http://127.0.0.1:8080`: head of recording URLs.
    pub public_base: String,
    /// Of Say without a voice; empty: the media layer's.
    pub default_voice: String,
    /// Of Say without a language; empty: the media layer's.
    pub default_language: String,
    /// Spoken when an application and all its fallbacks fail.
    pub apology: String,
    /// Spoken when a number has no application.
    pub unconfigured: String,
    /// Whose ringback callers hear.
    pub zone: ZoneId,
    /// Who may be called, and under which numbers.
    pub outbound: Outbound,
    /// Places of the switch without a channel: voices of the box.
    pub sources: std::ops::Range<u16>,
}

/// What of the configuration may change while calls are up. Calls that are made already keep what they were judged by.
#[derive(Clone, Debug, PartialEq)]
pub struct Reconfiguration {
    /// How digits on a line become E.164.
    pub plan: Plan,
    /// Whose ringback callers hear.
    pub zone: ZoneId,
    /// Who may be called, and under which numbers.
    pub outbound: Outbound,
}

impl Config {
    pub(crate) fn take(&mut self, new: Reconfiguration) {
        (self.plan, self.zone, self.outbound) = (new.plan, new.zone, new.outbound);
    }
}

/// Who may be called, and under which numbers. Closed by default: emergency numbers are always open, all else is opened
/// by the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outbound {
    /// Classes of numbers that may be called.
    pub open: BTreeSet<Class>,
    /// Numbers beside the account's own that may be shown to the called party: verified by whoever wrote the file.
    pub caller_ids: Vec<String>,
    /// How long a call of the API waits for a free line.
    pub queue_limit: Micros,
    /// What calls may cost. By default there is no limit; whoever sets the router up has some.
    pub limits: Limits,
}

impl Default for Outbound {
    fn default() -> Self {
        Outbound {
            open: BTreeSet::new(),
            caller_ids: Vec::new(),
            queue_limit: Micros::from_s(60),
            limits: Limits::default(),
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Config {
            seed: 0,
            epoch: Stamp::default(),
            plan: Plan::default(),
            owner: None,
            api_version: "2010-04-01".into(),
            public_base: "http://127.0.0.1".into(),
            default_voice: String::new(),
            default_language: String::new(),
            apology: "We are sorry. An application error has occurred. Goodbye.".into(),
            unconfigured: "This number is not in service yet. Goodbye.".into(),
            zone: ZoneId::default(),
            outbound: Outbound::default(),
            sources: 0..0,
        }
    }
}
