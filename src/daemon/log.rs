//! The timeline in the log: what happened to lines is told, what happened in calls only to who wants to debug them (a
//! call's begin and end are told by `callbook`), what went wrong in them is a warning with its code.

use tipring_guard::spending::Alert;
use tipring_router::{Trace, TraceKind};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::observe::events;

/// Logs the timeline to its end, the last calls' included.
pub async fn timeline(mut traces: Receiver<Trace>) {
    loop {
        match traces.recv().await {
            Ok(trace) => tell(&trace),
            Err(RecvError::Lagged(missed)) => tracing::warn!(missed, "timeline lines were missed"),
            Err(RecvError::Closed) => return,
        }
    }
}

/// One line of it.
pub fn tell(trace: &Trace) {
    let (call_sid, kind, text) = (trace.call.map(|sid| sid.to_string()), trace.kind.as_str(), trace.text.as_str());
    match trace.kind {
        TraceKind::Fault => {
            let (is_error, code) = fault(text);
            // A warning of the document is the developer's business; the notification has it.
            if is_error {
                tracing::warn!(message_id = events::CALL_FAULT.id, call_sid, kind, code, "{text}");
            } else {
                tracing::debug!(call_sid, kind, code, "{text}");
            }
        }
        TraceKind::Http if text.starts_with("fallback: ") => {
            tracing::warn!(message_id = events::FALLBACK_USED.id, call_sid, kind, "{text}");
        }
        TraceKind::Guard => {
            let id = match text {
                text if text.starts_with(Alert::NEAR) => events::MINUTES_LOW.id,
                text if text.starts_with(Alert::SPENT) => events::MINUTES_SPENT.id,
                _ => events::CALLS_STOPPED.id,
            };
            tracing::warn!(message_id = id, call_sid, kind, "{text}");
        }
        TraceKind::Line if trace.call.is_none() => note(text),
        _ => tracing::debug!(call_sid, kind, "{text}"),
    }
}

/// Something about a line and no call.
fn note(text: &str) {
    let line = line(text);
    match line.map(|line| &text[line.len() + 2..]) {
        Some(tipring_lines::D_CHANNEL_UP) => tracing::info!(message_id = events::D_CHANNEL_UP.id, line, "{text}"),
        Some(tipring_lines::D_CHANNEL_DOWN) => tracing::warn!(message_id = events::D_CHANNEL_DOWN.id, line, "{text}"),
        _ => tracing::info!(line, "{text}"),
    }
}

/// `error 11200 …`, `warning 12200 …`: whether it is an error, and its code. What has no code is an error of the box.
fn fault(text: &str) -> (bool, Option<u32>) {
    let mut words = text.split(' ');
    let (level, code) = (words.next(), words.next().and_then(|code| code.parse().ok()));
    (level != Some("warning"), code)
}

/// `sim 1: …`: the line that the note is about.
fn line(text: &str) -> Option<&str> {
    let (name, _) = text.split_once(": ")?;
    let last = name.split(' ').next_back()?;
    last.starts_with(|c: char| c.is_ascii_digit()).then_some(name).filter(|name| name.len() < 40)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    use tipring_card::Micros;
    use tracing::{Level, Subscriber};
    use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

    use super::*;
    use crate::daemon::callbook::{self, CallBook};
    use crate::daemon::{scenario::Scenario, simulation};

    /// Counts lines at each level from `info` up, and below it.
    #[derive(Clone, Default)]
    struct Levels(Arc<[AtomicUsize; 2]>);

    impl<S: Subscriber> Layer<S> for Levels {
        fn on_event(&self, event: &tracing::Event<'_>, _context: Context<'_, S>) {
            self.0[usize::from(*event.metadata().level() > Level::INFO)].fetch_add(1, Relaxed);
        }
    }

    const FIVE_VERBS: &str = r#"
[[document]]
path = "/"
body = """<Response><Pause length="1"/><Gather numDigits="2" timeout="2" action="/two"/><Hangup/></Response>"""

[[document]]
path = "/two"
body = """<Response><Pause length="1"/><Record maxLength="2" action="/three"/></Response>"""

[[document]]
path = "/three"
body = "<Response><Hangup/></Response>"

[[number]]
number = "100"
url = "http://app.example/"

[[call]]
id = "caller"
from = "2025550100"
to = "100"
does = [{ await_answer = {} }, { wait = { ms = 500 } }, { press = { keys = "12" } }, { tone = { hz = 440.0, ms = 4000 } }, { await_hangup = { limit_ms = 60000 } }]
"#;

    #[tokio::test]
    async fn a_call_of_five_verbs_tells_at_most_twelve_lines_at_info() {
        let scenario = Scenario::parse(std::path::Path::new("five.toml"), FIVE_VERBS).expect("a scenario");
        let options = simulation::Options { seed: 1, json: true, heard: None };
        let mut text = Vec::new();
        let outcome = simulation::run(&scenario, &options, &mut text).await.expect("it runs");
        let levels = Levels::default();
        let ((mut book, mut calls), meters, mut verbs) = (CallBook::new(), crate::observe::Meters::default(), 0);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(levels.clone()), || {
            outcome.written.iter().for_each(|call| book.written(call, &meters));
            while let Ok(call) = calls.try_recv() {
                callbook::tell(&call);
            }
            for line in text.split(|octet| *octet == b'\n').filter(|line| !line.is_empty()) {
                let line: serde_json::Value = serde_json::from_slice(line).expect("JSON");
                let (Some(kind), Some(text)) = (line["kind"].as_str(), line["text"].as_str()) else { continue };
                let kinds = [
                    TraceKind::Line,
                    TraceKind::Http,
                    TraceKind::Verb,
                    TraceKind::Key,
                    TraceKind::Media,
                    TraceKind::File,
                    TraceKind::Fault,
                    TraceKind::Guard,
                ];
                let Some(kind) = kinds.into_iter().find(|known| known.as_str() == kind) else { continue };
                verbs += usize::from(kind == TraceKind::Verb && text.ends_with(')'));
                let call = line["call"].as_str().and_then(|sid| sid.parse().ok());
                tell(&Trace { at: Micros::ZERO, call, kind, text: text.to_owned() });
            }
        });
        let [info, debug] = [levels.0[0].load(Relaxed), levels.0[1].load(Relaxed)];
        let shown = String::from_utf8_lossy(&text);
        assert_eq!(verbs, 5, "{shown}");
        assert!((2..=12).contains(&info), "{info} lines at info:\n{shown}");
        assert!(debug > 10, "the rest is there for who wants it: {debug}");
    }

    #[test]
    fn a_fault_says_how_bad_it_is_and_its_code() {
        assert_eq!(fault("error 11200 404 Not Found"), (true, Some(11200)));
        assert_eq!(fault("warning 12200 <Foo>"), (false, Some(12200)));
        assert_eq!(fault("a record could not be kept: disk"), (true, None));
    }

    #[test]
    fn a_note_says_which_line_it_is_about() {
        assert_eq!(line("sim 1: the link is up"), Some("sim 1"));
        assert_eq!(line("dahdi 2/7: no battery"), Some("dahdi 2/7"));
        assert_eq!(line("in on a line: refused"), None);
        assert_eq!(line("no colon"), None);
    }
}
