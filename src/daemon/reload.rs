//! Another configuration for a running service. All of it is judged first, and one fault refuses all; then each part is
//! taken over at its own moment: at once, when a line falls idle, or at the next start. Calls that are up notice nothing.

use serde::Serialize;
use tipring_router::{DirectoryChange, Reconfiguration};

use super::directory::{self, Numbers};
use super::serve::Service;
use super::settings;
use crate::config::{Change, Config, Reload};

/// How a reload went, as `tipring reload` shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// Taken over. Otherwise nothing has changed.
    pub ok: bool,
    /// Why not, one complaint each.
    pub faults: Vec<String>,
    /// Keys that count from now on.
    pub applied: Vec<String>,
    /// Spans and lines that go on as before until their calls are over.
    pub waiting: Vec<String>,
    /// Keys that need a new start.
    pub at_next_start: Vec<String>,
    /// What was taken and fits nothing.
    pub complaints: Vec<String>,
}

impl Outcome {
    /// Nothing was taken.
    pub fn refused(faults: Vec<String>) -> Outcome {
        Outcome { faults, ..Outcome::default() }
    }
}

/// Takes `new` over, in place of `old`.
pub async fn apply(service: &Service, old: &Config, new: &Config) -> Outcome {
    let mut outcome = Outcome { ok: true, ..Outcome::default() };
    let numbers = match directory::numbers(&service.store, new, service.account.sid).await {
        Ok(numbers) => numbers,
        Err(error) => return Outcome::refused(vec![error.text]),
    };
    let Numbers { known, gone } = numbers;
    for number in known {
        service.live.directory(DirectoryChange::Number(number)).await;
    }
    for sid in gone {
        service.live.directory(DirectoryChange::NumberGone(sid)).await;
    }
    let rules = Reconfiguration {
        plan: new.dialling_plan(),
        zone: settings::zone(&new.this.country),
        outbound: settings::outbound(&new.outbound),
    };
    service.live.configure(rules).await;
    if service.gauges.is_some() {
        match service.live.configure_lines(settings::lines(new)).await {
            Some(configured) => {
                outcome.waiting = configured.waiting;
                outcome.complaints = configured.complaints;
            }
            None => outcome.complaints.push("the lines do not answer: they go on as before".into()),
        }
    }
    for change in Config::changes(old, new) {
        let list = match change.policy {
            Reload::Restart => &mut outcome.at_next_start,
            Reload::AtOnce | Reload::LineIdle => &mut outcome.applied,
        };
        list.push(told(&change));
    }
    outcome
}

/// A change in a line: `box.country: "gb", was "us"`.
fn told(change: &Change) -> String {
    match (&change.from, &change.to) {
        (Some(from), Some(to)) => format!("{}: {to}, was {from}", change.key),
        (None, Some(to)) => format!("{}: {to}", change.key),
        (_, None) => format!("{}: gone", change.key),
    }
}
