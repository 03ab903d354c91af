//! Where messages go: to the journal with their fields where systemd reads standard error, as JSON where that is asked
//! for, else as text. Floods are folded on the way ([`super::fold`]).

use std::os::unix::fs::MetadataExt as _;
use std::sync::OnceLock;

use tracing_subscriber::fmt::format::{self, Writer};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, Registry};

use super::fold::Folding;

/// In which form messages go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Form {
    /// To the journal where standard error leads there, else as text.
    Auto,
    /// Lines for people, on standard error.
    Text,
    /// One object a line, on standard error.
    Json,
    /// To the journal, with fields.
    Journal,
}

static FOLDING: OnceLock<Folding> = OnceLock::new();

/// Starts the log of this process, once. `level` is a filter such as `info` or `tipring_webhook=debug`; the environment's
/// `TIPRING_LOG` is stronger.
pub fn start(form: Form, level: &str) {
    let filter = EnvFilter::try_from_env("TIPRING_LOG")
        .or_else(|_| EnvFilter::try_new(level))
        .unwrap_or_else(|_| EnvFilter::new("info"));
    let folding = FOLDING.get_or_init(Folding::default).clone();
    // The journal may be away though systemd started us: then as text, which is better than nothing.
    let journal = match form {
        Form::Journal => tracing_journald::layer().ok(),
        Form::Auto if leads_to_journal() => tracing_journald::layer().ok(),
        Form::Auto | Form::Text | Form::Json => None,
    };
    let out: Box<dyn Layer<_> + Send + Sync> = match (journal, form) {
        // Our names are the journal's: call_sid becomes CALL_SID=.
        (Some(journal), _) => {
            let journal = journal.with_field_prefix(None).with_syslog_identifier("tipring".into());
            journal.with_priority_mappings(priorities()).boxed()
        }
        (None, Form::Json) => {
            tracing_subscriber::fmt::layer().json().flatten_event(true).with_writer(std::io::stderr).boxed()
        }
        (None, _) => text(std::io::stderr, std::io::IsTerminal::is_terminal(&std::io::stderr())).boxed(),
    };
    // A second start in one process (a test) keeps the first one's log.
    let _ = tracing_subscriber::registry().with(out).with(folding).with(filter).try_init();
}

/// Tells how many messages were left out since; called once a second by whoever watches over the service.
pub fn tell_folded() {
    if let Some(folding) = FOLDING.get() {
        folding.tell();
    }
}

/// The words of syslog for ours: what is told of a call is information, not a notice.
fn priorities() -> tracing_journald::PriorityMappings {
    use tracing_journald::{Priority, PriorityMappings};
    PriorityMappings { info: Priority::Informational, debug: Priority::Debug, ..PriorityMappings::new() }
}

/// Whether standard error is the stream that systemd says leads to the journal.
fn leads_to_journal() -> bool {
    let stderr = std::fs::metadata("/proc/self/fd/2").map(|stderr| (stderr.dev(), stderr.ino()));
    let said = std::env::var("JOURNAL_STREAM").unwrap_or_default();
    stderr.is_ok_and(|(device, inode)| said == format!("{device}:{inode}"))
}

/// Lines for people: a `MESSAGE_ID` is for the journal and says nothing here.
fn text<W>(out: W, colours: bool) -> impl Layer<Registry> + Send + Sync
where
    W: for<'a> tracing_subscriber::fmt::MakeWriter<'a> + Send + Sync + 'static,
{
    let fields = format::debug_fn(|writer: &mut Writer<'_>, field, value| match field.name() {
        "message" => write!(writer, "{value:?}"),
        "message_id" => Ok(()),
        name => write!(writer, "{name}={value:?}"),
    });
    let fields = tracing_subscriber::field::MakeExt::delimited(fields, " ");
    let no_colour = std::env::var_os("NO_COLOR").is_some_and(|set| !set.is_empty());
    tracing_subscriber::fmt::layer().with_ansi(colours && !no_colour).fmt_fields(fields).with_writer(out)
}

/// A telephone number as it may stand in a log that many read: its begin and its last two digits.
pub fn masked(number: &str) -> String {
    let shown: Vec<char> = number.chars().collect();
    let digits = shown.iter().filter(|c| c.is_ascii_digit()).count();
    // Extensions and emergency numbers name nobody.
    if digits < 6 {
        return number.to_owned();
    }
    let (head, tail) = (3.min(shown.len() - 2), shown.len() - 2);
    let dots = (head..tail).map(|_| '•');
    shown[..head].iter().copied().chain(dots).chain(shown[tail..].iter().copied()).collect()
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::observe::events;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, octets: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("one thread").write(octets)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn logged(speak: impl FnOnce(&Folding)) -> String {
        let (kept, folding) = (Kept::default(), Folding::default());
        let out = kept.clone();
        let subscriber = tracing_subscriber::registry()
            .with(text(move || out.clone(), false))
            .with(folding.clone())
            .with(EnvFilter::new("info"));
        tracing::subscriber::with_default(subscriber, || speak(&folding));
        let octets = kept.0.lock().expect("one thread").clone();
        String::from_utf8(octets).expect("text")
    }

    #[test]
    fn text_has_the_fields_but_not_the_id() {
        let text = logged(|_| {
            tracing::warn!(message_id = events::DISK_LOW.id, line = "sim 1/7", code = 11200, "is {}", "full");
            tracing::debug!("not at this level");
        });
        assert!(text.contains("is full") && text.contains("line=\"sim 1/7\"") && text.contains("code=11200"), "{text}");
        assert!(!text.contains("message_id") && !text.contains(events::DISK_LOW.id), "{text}");
        assert_eq!(text.lines().count(), 1, "{text}");
    }

    #[test]
    fn a_flood_is_five_lines_and_another_source_is_heard_through_it() {
        let text = logged(|_| {
            for ms in 0..4_317 {
                tracing::info!(line = "sim 2/1", "ring of {ms} ms");
            }
            tracing::info!(line = "sim 2/2", "ring of 1 ms");
        });
        assert_eq!(text.lines().count(), 6, "{text}");
        assert!(text.contains("sim 2/2"));
    }

    #[test]
    fn numbers_are_masked_but_short_ones_that_name_nobody_are_not() {
        assert_eq!(masked("+31201234589"), "+31•••••••89");
        assert_eq!(masked("112"), "112");
        assert_eq!(masked("12345"), "12345", "an extension");
        assert_eq!(masked("anonymous"), "anonymous");
        assert_eq!(masked(""), "");
    }
}
