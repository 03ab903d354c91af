//! Keeps a log readable when something errs in a loop: the same words again and again become one line with their number,
//! and no source tells more than fifty lines in a second. A machine without a clock; the layer below gives it one.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

/// The same words of one source are shown so often …
const SHOWN: u32 = 5;
/// … in this time; then their number is told.
const WINDOW_MS: u64 = 5_000;
/// Lines of one source in a second.
const LINES_A_SECOND: u32 = 50;
/// Words, and sources, that are watched at once. What comes when they are full is one source together.
const KEPT: usize = 1_024;
/// Characters of a folded message that are shown with its number.
const EXCERPT: usize = 120;
/// The lines of this room's own are never folded.
const OWN: &str = "tipring::folded";

/// One message, as far as folding needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Where in the program it is written.
    pub place: u64,
    /// The line or call that it is about; empty: nothing in particular.
    pub about: String,
    /// Its words.
    pub text: String,
    /// How bad.
    pub level: Level,
}

/// Messages that were left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folded {
    /// How many.
    pub more: u64,
    /// The message, or its source.
    pub text: String,
    /// How bad the first one was.
    pub level: Level,
}

/// What is being said at the moment.
#[derive(Default)]
pub struct Fold {
    words: HashMap<u64, Repeated>,
    sources: HashMap<u64, Source>,
    told: Vec<Folded>,
}

struct Repeated {
    since_ms: u64,
    shown: u32,
    held: u64,
    text: String,
    level: Level,
}

struct Source {
    since_ms: u64,
    shown: u32,
    held: u64,
    about: String,
    level: Level,
}

impl Fold {
    /// Whether the message is to be shown.
    pub fn shows(&mut self, now_ms: u64, message: &Message) -> bool {
        self.is_new(now_ms, message) && self.has_room(now_ms, message)
    }

    /// What was left out and is to be told now.
    pub fn folded(&mut self, now_ms: u64) -> Vec<Folded> {
        let mut told = std::mem::take(&mut self.told);
        self.words.retain(|_, words| {
            let over = now_ms.saturating_sub(words.since_ms) >= WINDOW_MS;
            if over {
                told.extend(words.take());
            }
            !over
        });
        self.sources.retain(|_, source| {
            let over = now_ms.saturating_sub(source.since_ms) >= 1_000;
            if over {
                told.extend(source.take());
            }
            !over
        });
        told
    }

    fn is_new(&mut self, now_ms: u64, message: &Message) -> bool {
        let key = hash(message.place, &message.about, message.text.chars().filter(|c| !c.is_ascii_digit()));
        if self.words.len() >= KEPT && !self.words.contains_key(&key) {
            return true;
        }
        let words = self.words.entry(key).or_insert_with(|| Repeated {
            since_ms: now_ms,
            shown: 0,
            held: 0,
            text: String::new(),
            level: message.level,
        });
        if now_ms.saturating_sub(words.since_ms) >= WINDOW_MS {
            self.told.extend(words.take());
            (words.since_ms, words.shown) = (now_ms, 0);
        }
        if words.shown < SHOWN {
            words.shown += 1;
            return true;
        }
        if words.held == 0 {
            words.text = message.text.chars().take(EXCERPT).collect();
        }
        words.held += 1;
        false
    }

    fn has_room(&mut self, now_ms: u64, message: &Message) -> bool {
        let place = if message.about.is_empty() { message.place } else { 0 };
        let mut key = hash(place, &message.about, std::iter::empty());
        if self.sources.len() >= KEPT && !self.sources.contains_key(&key) {
            key = 0;
        }
        let source = self.sources.entry(key).or_insert_with(|| Source {
            since_ms: now_ms,
            shown: 0,
            held: 0,
            about: message.about.clone(),
            level: message.level,
        });
        if now_ms.saturating_sub(source.since_ms) >= 1_000 {
            self.told.extend(source.take());
            (source.since_ms, source.shown) = (now_ms, 0);
        }
        if source.shown < LINES_A_SECOND {
            source.shown += 1;
            return true;
        }
        source.held += 1;
        false
    }
}

impl Repeated {
    fn take(&mut self) -> Option<Folded> {
        let more = std::mem::take(&mut self.held);
        (more > 0).then(|| Folded { more, text: self.text.clone(), level: self.level })
    }
}

impl Source {
    fn take(&mut self) -> Option<Folded> {
        let more = std::mem::take(&mut self.held);
        let text = if self.about.is_empty() { "other lines of one place" } else { &self.about };
        (more > 0).then(|| Folded { more, text: text.to_owned(), level: self.level })
    }
}

fn hash(place: u64, about: &str, text: impl Iterator<Item = char>) -> u64 {
    let mut hasher = DefaultHasher::new();
    place.hash(&mut hasher);
    about.hash(&mut hasher);
    text.for_each(|character| character.hash(&mut hasher));
    hasher.finish()
}

/// [`Fold`] as a layer of the log. Cheap to clone: all clones are one.
#[derive(Clone)]
pub struct Folding {
    fold: Arc<Mutex<Fold>>,
    began: Instant,
}

impl Default for Folding {
    fn default() -> Self {
        Folding { fold: Arc::default(), began: Instant::now() }
    }
}

impl Folding {
    fn now_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Tells what was left out; called once a second.
    pub fn tell(&self) {
        let folded = self.fold.lock().unwrap_or_else(PoisonError::into_inner).folded(self.now_ms());
        let id = super::events::LINES_FOLDED.id;
        for Folded { more, text, level } in folded {
            match level {
                Level::ERROR => tracing::error!(target: OWN, message_id = id, "… {more} more: {text}"),
                Level::WARN => tracing::warn!(target: OWN, message_id = id, "… {more} more: {text}"),
                Level::INFO => tracing::info!(target: OWN, message_id = id, "… {more} more: {text}"),
                _ => tracing::debug!(target: OWN, message_id = id, "… {more} more: {text}"),
            }
        }
    }
}

impl<S: Subscriber> Layer<S> for Folding {
    fn event_enabled(&self, event: &Event<'_>, _context: Context<'_, S>) -> bool {
        let metadata = event.metadata();
        if metadata.target() == OWN {
            return true;
        }
        let mut read = Reading::default();
        event.record(&mut read);
        let mut place = DefaultHasher::new();
        metadata.callsite().hash(&mut place);
        let about = if read.line.is_empty() { read.call_sid } else { read.line };
        let message = Message { place: place.finish(), about, text: read.text, level: *metadata.level() };
        self.fold.lock().unwrap_or_else(PoisonError::into_inner).shows(self.now_ms(), &message)
    }
}

#[derive(Default)]
struct Reading {
    text: String,
    line: String,
    call_sid: String,
}

impl Visit for Reading {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "line" => value.clone_into(&mut self.line),
            "call_sid" => value.clone_into(&mut self.call_sid),
            "message" => value.clone_into(&mut self.text),
            _ => {}
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(about: &str, text: &str) -> Message {
        Message { place: 1, about: about.into(), text: text.into(), level: Level::INFO }
    }

    #[test]
    fn a_line_that_bounces_at_a_kilohertz_for_a_minute_tells_at_most_600_lines_and_how_many_there_were() {
        let (mut fold, mut lines, mut told) = (Fold::default(), 0_u64, 0_u64);
        let words = ["ring began", "ring ended after 1 ms", "battery lost", "battery back"];
        for ms in 0..60_000 {
            let text = words[ms % words.len()].replace('1', &ms.to_string());
            lines += u64::from(fold.shows(ms as u64, &message("sim 2/1", &text)));
            if ms % 1_000 == 999 {
                let folded = fold.folded(ms as u64 + 1);
                lines += folded.len() as u64;
                told += folded.iter().map(|folded| folded.more).sum::<u64>();
            }
        }
        let last = fold.folded(70_000);
        told += last.iter().map(|folded| folded.more).sum::<u64>();
        lines += last.len() as u64;
        assert!((100..=600).contains(&lines), "{lines} lines");
        let shown = 60_000 - told;
        assert!(shown < lines && shown > 100, "{shown} shown, {told} told of: nothing is lost without a number");
    }

    #[test]
    fn one_bouncing_line_takes_nothing_from_another() {
        let mut fold = Fold::default();
        let shown = (0..10_000).filter(|_| fold.shows(0, &message("sim 2/1", "ring began"))).count();
        assert_eq!(shown, 5);
        assert!(fold.shows(0, &message("sim 2/2", "ring began")));
        assert!(fold.shows(0, &Message { place: 2, ..message("sim 2/9", "ring began") }));
    }

    #[test]
    fn a_source_that_always_says_something_else_is_cut_to_fifty_lines_in_a_second() {
        let mut fold = Fold::default();
        let word = |n: u32| message("CA1", &format!("{:?}", char::from_u32(0x4E00 + n)));
        let shown = (0..900).filter(|n| fold.shows(10, &word(*n))).count();
        assert_eq!(shown, 50);
        let folded = fold.folded(1_010);
        assert_eq!(folded, [Folded { more: 850, text: "CA1".into(), level: Level::INFO }]);
        assert!(fold.shows(1_020, &word(950)), "the next second is a new one");
    }

    #[test]
    fn what_is_watched_has_a_bound() {
        let mut fold = Fold::default();
        let shown = (0..100_000).filter(|n| fold.shows(0, &message(&format!("CA{n}"), "x"))).count();
        assert_eq!((fold.words.len(), fold.sources.len()), (KEPT, KEPT + 1));
        assert_eq!(shown, KEPT + LINES_A_SECOND as usize);
        fold.folded(10_000);
        assert!(fold.words.is_empty() && fold.sources.is_empty());
    }
}
