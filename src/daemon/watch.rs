//! Whether the service is alive, and how it is in one line: for a supervisor, who restarts what is not. The media
//! thread's own beat counts, not the answer of a task that may be well while nobody hears anything.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tipring_lines::Gauges;

use super::conductor::Live;
use super::reload::Outcome;
use super::serve::Service;

/// The conductor's task answers within this time, or it counts as stuck.
const ANSWERS: Duration = Duration::from_secs(2);
/// A thread that has not moved for so long is spoken of in the log. Far above any pause of a loaded machine.
const STANDS: Duration = Duration::from_secs(3);

/// How the service is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// Whatever must move has moved since the last look.
    pub alive: bool,
    /// One line for people.
    pub status: String,
    /// The media thread has ended because its card is gone.
    pub card_is_gone: bool,
}

/// Looks at a service again and again.
pub struct Watch {
    live: Live,
    gauges: Option<Arc<Gauges>>,
    media: Beat,
    signalling: Beat,
    /// The card that is waited for.
    missing: Option<String>,
    /// Why the configuration is not the one in the files.
    degraded: Option<String>,
    reload_failed: bool,
}

/// A number that rises while a thread moves.
struct Beat {
    /// Spoken of under this name; the media thread is spoken of by `observe`.
    name: Option<&'static str>,
    last: u64,
    moved_at: Instant,
    said: bool,
}

impl Beat {
    fn new(name: Option<&'static str>) -> Beat {
        Beat { name, last: 0, moved_at: Instant::now(), said: false }
    }

    /// Whether it has moved since the last look. One that stands is logged once.
    fn moved(&mut self, beat: u64) -> bool {
        if beat != self.last {
            (self.last, self.moved_at, self.said) = (beat, Instant::now(), false);
            return true;
        }
        let stands = self.moved_at.elapsed();
        if stands >= STANDS
            && !std::mem::replace(&mut self.said, true)
            && let Some(name) = self.name
        {
            let s = stands.as_secs();
            tracing::error!("the {name} thread has not moved for {s} s: a supervisor restarts the service");
        }
        false
    }
}

impl Watch {
    /// Begins to look at `service`.
    pub fn new(service: &Service, missing: Option<String>, degraded: Option<String>) -> Watch {
        Watch {
            live: service.live.clone(),
            gauges: service.gauges.clone(),
            media: Beat::new(None),
            signalling: Beat::new(Some("signalling")),
            missing,
            degraded,
            reload_failed: false,
        }
    }

    /// A card is configured and was not there at the start.
    pub fn waits_for_card(&self) -> bool {
        self.missing.is_some()
    }

    /// A reload has ended so.
    pub fn reloaded(&mut self, outcome: &Outcome) {
        self.reload_failed = !outcome.ok;
        if outcome.ok {
            self.degraded = None;
        }
    }

    /// Looks once.
    pub async fn look(&mut self) -> Health {
        let calls = tokio::time::timeout(ANSWERS, self.live.live_calls()).await.ok();
        let ended = self.gauges.as_ref().is_some_and(|gauges| gauges.media_ended());
        // Both are looked at, so that both are spoken of.
        let media = self.gauges.as_ref().is_none_or(|gauges| self.media.moved(gauges.beat()));
        let signalling = self.gauges.as_ref().is_none_or(|gauges| self.signalling.moved(gauges.signalling_beat()));
        if calls.is_none() {
            tracing::error!("the conductor does not answer: a supervisor will restart the service");
        }
        Health {
            alive: calls.is_some() && (media && signalling || ended),
            status: self.status(calls.unwrap_or(0), media),
            card_is_gone: ended,
        }
    }

    fn status(&self, calls: usize, media_moves: bool) -> String {
        let spans = self.gauges.as_ref().map(|gauges| gauges.spans()).unwrap_or_default();
        let lines: usize = spans.iter().map(|span| span.channels.len()).sum();
        let up: usize = spans.iter().filter(|span| span.up).map(|span| span.channels.len()).sum();
        let of_lines = if up == lines { count(lines, "line") } else { format!("{up} of {} up", count(lines, "line")) };
        let mut status = format!("{of_lines}, {}", count(calls, "call"));
        if !media_moves {
            status += "; the media thread stands still";
        }
        if let Some(missing) = &self.missing {
            status += &format!("; waits for a card: {missing}");
        }
        if self.reload_failed {
            status += "; the last reload was refused: goes on as before";
        }
        if let Some(degraded) = &self.degraded {
            status += &format!("; runs on the last good configuration: {degraded}");
        }
        status
    }
}

fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beat_that_stands_is_not_alive_and_one_that_moves_is() {
        let mut beat = Beat::new(Some("test"));
        assert!(beat.moved(1) && beat.moved(2));
        assert!(!beat.moved(2) && !beat.said, "it may be slow");
        beat.moved_at = Instant::now() - STANDS;
        assert!(!beat.moved(2) && beat.said, "it is spoken of");
        assert!(beat.moved(3) && !beat.said);
    }

    #[test]
    fn one_is_one() {
        assert_eq!((count(1, "call"), count(0, "line")), ("1 call".to_owned(), "0 lines".to_owned()));
    }
}
