//! Another configuration for a running service. All of it is judged first, and one fault refuses all; then each part is
//! taken over at its own moment: at once, when a line falls idle, or at the next start. Calls that are up notice nothing.

use serde::Serialize;
use tipring_router::{DirectoryChange, Reconfiguration};

use super::serve::Service;
use super::settings;
use super::{directory, entrance};
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

/// Takes `new` over, in place of `old`. What needs a new start is told against what the service was `started` with: a
/// second reload says it again.
pub async fn apply(service: &Service, started: &Config, old: &Config, new: &Config) -> Outcome {
    let (applied, at_next_start) = sorted(started, old, new);
    let mut outcome = Outcome { ok: true, applied, at_next_start, ..Outcome::default() };
    let certificates = match entrance::wanted(new) {
        Ok(wanted) => wanted,
        Err(error) => return Outcome::refused(vec![error.to_string()]),
    };
    let numbers = match directory::numbers(&service.store, new, service.account.sid).await {
        Ok(numbers) => numbers,
        Err(error) => {
            let text = format!("{}; numbers of the files may be taken in part: reload again", error.text);
            return Outcome::refused(vec![text]);
        }
    };
    if let Err(error) = service.entrances.take(certificates) {
        return Outcome::refused(vec![error.to_string()]);
    }
    if service.entrances.certificates.is_none() {
        let text = "the box has no certificate since its start, as its log says why: start it again for TLS";
        outcome.complaints.push(text.into());
    }
    match tipring_api::known_at_start(&service.store).await {
        Ok(known) => {
            for change in known {
                service.live.directory(change).await;
            }
        }
        Err(error) => return Outcome::refused(vec![format!("{error}; reload again")]),
    }
    for sid in numbers.gone {
        service.live.directory(DirectoryChange::NumberGone(sid)).await;
    }
    let rules =
        Reconfiguration { plan: new.dialling_plan(), zone: new.zone(), outbound: settings::outbound(&new.outbound) };
    service.live.configure(rules).await;
    outcome.complaints.extend(service.media.take(old, new));
    if service.gauges.is_some() {
        match service.live.configure_lines(settings::lines(new)).await {
            Some(configured) => {
                outcome.waiting = configured.waiting;
                outcome.complaints.extend(configured.complaints);
            }
            None => outcome.complaints.push("the lines do not answer: they go on as before".into()),
        }
    }
    outcome
}

/// What counts now (or when a line falls idle), and what waits for a new start.
fn sorted(started: &Config, old: &Config, new: &Config) -> (Vec<String>, Vec<String>) {
    let told_of = |from: &Config, restart: bool| {
        let changes = Config::changes(from, new).into_iter();
        changes.filter(|change| (change.policy == Reload::Restart) == restart).map(|change| told(&change)).collect()
    };
    (told_of(old, false), told_of(started, true))
}

/// A change in a line: `box.country: "gb", was "us"`.
fn told(change: &Change) -> String {
    match (&change.from, &change.to) {
        (Some(from), Some(to)) => format!("{}: {to}, was {from}", change.key),
        (None, Some(to)) => format!("{}: {to}", change.key),
        (_, None) => format!("{}: gone", change.key),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::outcome::ScratchDir;
    use crate::daemon::serve::Wiring;

    #[tokio::test]
    async fn e12_another_number_of_workers_counts_at_once_and_nothing_starts_anew() {
        let dir = ScratchDir::new().expect("a folder");
        let mut config = Config::default();
        config.this.state_dir = dir.path.join("state");
        config.this.cache_dir = dir.path.join("cache");
        config.this.runtime_dir = dir.path.join("run");
        config.listen.api = "127.0.0.1:0".into();
        config.media.speech_workers = 1;
        let wiring = Wiring { seed: Some(1), ..Wiring::default() };
        let service = Service::start(&config, wiring).await.expect("it starts");
        let limits = async || {
            let status = crate::daemon::media::asking(&config).expect("it is inside").status().await;
            let status = status.expect("it answers");
            (status.sounds.limit, status.speech.limit)
        };
        assert_eq!(limits().await, (64, 1));
        let mut new = config.clone();
        (new.media.sound_workers, new.media.speech_workers) = (16, 4);
        let outcome = apply(&service, &config, &config, &new).await;
        assert!(outcome.ok && outcome.at_next_start.is_empty() && outcome.complaints.is_empty(), "{outcome:?}");
        assert_eq!(outcome.applied, ["media.sound_workers: 16, was 64", "media.speech_workers: 4, was 1"]);
        assert_eq!(limits().await, (16, 4));
        service.stop(std::time::Duration::ZERO, std::future::pending()).await;
    }

    #[test]
    fn what_needs_a_new_start_is_told_until_it_was_started_or_taken_back() {
        let started = Config::default();
        let mut new = started.clone();
        new.listen.api = "127.0.0.1:9000".into();
        new.this.drain_s = 5;
        let (applied, waits) = sorted(&started, &started, &new);
        assert_eq!((applied.len(), waits.len()), (1, 1), "{applied:?} {waits:?}");
        assert!(applied[0].starts_with("box.drain_s: 5") && waits[0].starts_with("listen.api: "));
        // Again: the drain counts already, the listener still waits.
        assert_eq!(sorted(&started, &new, &new), (Vec::new(), waits));
        assert_eq!(sorted(&started, &new, &started).1, Vec::<String>::new());
    }
}
