//! What a job is asked for, as JSON, and whether it can be done. Plain data; nothing is fetched here.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::fault::MediaFault;
use crate::listen::{MAX_HINT_CHARS, MAX_HINTS};
use crate::preset::Preset;
use crate::wire::{Ask, Form, From, MAX_URI, Speech, is_tag, shown};

/// What a job does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Wish {
    /// Brings media into the cache.
    Warm {
        /// http and https URLs.
        #[serde(default)]
        urls: Vec<String>,
        /// Texts that will be said.
        #[serde(default)]
        texts: Vec<Phrase>,
        /// In which forms, as MIME types; empty: those that lines of the box play.
        #[serde(default)]
        presets: Vec<String>,
        /// Asks the origin also for what is fresh.
        #[serde(default)]
        refresh: bool,
        /// Where each medium is sent by PUT, too; for one medium at a time.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        target: Option<String>,
    },
    /// Follows the links of a directory and brings what fits into the cache.
    Crawl {
        /// The directory; nothing above or beside it is asked for.
        url: String,
        /// In which forms, as for `warm`.
        #[serde(default)]
        presets: Vec<String>,
        /// Asks the origin also for what is fresh.
        #[serde(default)]
        refresh: bool,
        /// What fits.
        #[serde(default)]
        only: Filter,
    },
    /// Asks the origins about everything that is kept under a prefix.
    Refresh {
        /// URIs that begin so.
        prefix: String,
    },
    /// Has recordings written down by a recognizer.
    Transcribe(Spoken),
}

/// Recordings, and how they are written down.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spoken {
    /// http and https URLs of sounds.
    pub urls: Vec<String>,
    /// The language tag of what is said.
    #[serde(default = "usual_language")]
    pub language: String,
    /// Words and phrases that are likely.
    #[serde(default)]
    pub hints: Vec<String>,
    /// The speech model, as the recognizer knows it.
    #[serde(default)]
    pub model: String,
    /// Where each text is sent by POST, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
}

/// A text that will be said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Phrase {
    /// The text, plain.
    pub text: String,
    /// The voice as documents name it; empty: the usual one.
    #[serde(default)]
    pub voice: String,
    /// The language tag; empty leaves it to the voice.
    #[serde(default)]
    pub language: String,
    /// Percent of the normal speed.
    #[serde(default = "normal_speed")]
    pub speed: u16,
    /// The same text with its speech markup, as it stands inside `speak`; empty: it has none.
    #[serde(default)]
    pub markup: String,
}

/// Which media of a directory are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Filter {
    /// Endings of names (`mp3`) or MIME types (`audio/mpeg`, `audio/*`); empty: every type of sound and video.
    pub types: Vec<String>,
    /// Octets at most.
    pub largest: Option<u64>,
    /// Octets at least.
    pub smallest: Option<u64>,
    /// Changed at or after this date, `2026-01-31` or `2026-01-31T08:00:00Z`.
    pub since: Option<String>,
    /// Changed before this date.
    pub until: Option<String>,
    /// Directories below that are followed: 0 is the directory alone.
    pub depth: Option<u8>,
}

/// One medium that a job asks for.
#[derive(Clone)]
pub(crate) struct Item {
    pub ask: Ask,
    pub target: Option<Url>,
}

impl Wish {
    /// Refuses what cannot be done, before anything is.
    pub(crate) fn check(&self) -> Result<(), MediaFault> {
        match self {
            Self::Warm { urls, texts, presets, target, .. } => {
                let wanted = urls.len() + texts.len();
                if !(1..=MAX_ITEMS).contains(&wanted) {
                    return Err(bad(format!("warm: name 1 to {MAX_ITEMS} urls and texts, not {wanted}")));
                }
                read_presets(presets)?;
                for url in urls {
                    read_url(url)?;
                }
                for text in texts {
                    text.speech()?;
                }
                match target {
                    Some(_) if wanted * presets.len().max(1) > 1 => {
                        Err(bad("warm: a target takes one medium: name one url or text, and one preset"))
                    }
                    Some(target) => read_url(target).map(|_| ()),
                    None => Ok(()),
                }
            }
            Self::Crawl { url, presets, only, .. } => {
                read_url(url)?;
                read_presets(presets)?;
                only.check()
            }
            Self::Refresh { prefix } if prefix.is_empty() => {
                Err(bad("refresh: prefix: say what; \"http\" is everything that was fetched"))
            }
            Self::Refresh { .. } => Ok(()),
            Self::Transcribe(spoken) => spoken.check(),
        }
    }

    /// A name for lists.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Warm { .. } => "warm",
            Self::Crawl { .. } => "crawl",
            Self::Refresh { .. } => "refresh",
            Self::Transcribe(_) => "transcribe",
        }
    }
}

impl Spoken {
    fn check(&self) -> Result<(), MediaFault> {
        let wanted = self.urls.len();
        if !(1..=MAX_SPOKEN).contains(&wanted) {
            return Err(bad(format!("transcribe: name 1 to {MAX_SPOKEN} urls, not {wanted}")));
        }
        if !is_tag(&self.language) || self.language.is_empty() {
            let text = format!("transcribe: {:?} is not a language tag such as en-GB", shown(&self.language));
            return Err(bad(text));
        }
        let long = self.hints.iter().chain([&self.model]).any(|it| it.chars().count() > MAX_HINT_CHARS);
        if long || self.hints.len() > MAX_HINTS {
            let text = format!("transcribe: at most {MAX_HINTS} hints, and {MAX_HINT_CHARS} characters of each");
            return Err(bad(text));
        }
        for url in &self.urls {
            read_url(url)?;
        }
        match self.target.as_deref().map(|it| (it, read_url(it))) {
            Some((target, Err(_))) if target.starts_with("mailto:") => {
                Err(bad("transcribe: target: no mail is sent from here; name an http or https URL that takes the text"))
            }
            Some((_, read)) => read.map(|_| ()),
            None => Ok(()),
        }
    }
}

impl Phrase {
    pub(crate) fn speech(&self) -> Result<Speech, MediaFault> {
        let speech = Speech {
            text: self.text.clone(),
            voice: self.voice.clone(),
            language: self.language.clone(),
            speed: self.speed,
            markup: self.markup.clone(),
        };
        speech.check()?;
        Ok(speech)
    }
}

impl std::convert::From<&Speech> for Phrase {
    fn from(it: &Speech) -> Self {
        Self {
            text: it.text.clone(),
            voice: it.voice.clone(),
            language: it.language.clone(),
            speed: it.speed,
            markup: it.markup.clone(),
        }
    }
}

impl Filter {
    fn check(&self) -> Result<(), MediaFault> {
        if self.types.len() > MAX_TYPES {
            return Err(bad(format!("crawl: at most {MAX_TYPES} types")));
        }
        for date in [&self.since, &self.until].into_iter().flatten() {
            read_date(date)?;
        }
        if self.depth.is_some_and(|it| it > MAX_DEPTH) {
            return Err(bad(format!("crawl: depth is at most {MAX_DEPTH}")));
        }
        Ok(())
    }

    pub(crate) fn depth(&self) -> u8 {
        self.depth.unwrap_or(USUAL_DEPTH)
    }

    /// Whether a file of this name, or of this type where it is known, is wanted.
    pub(crate) fn takes_type(&self, url: &Url, mime: Option<&str>) -> bool {
        let name = url.path().rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
        let ending = name.rsplit_once('.').map(|it| it.1).unwrap_or_default();
        let mime = mime.map(|it| it.split(';').next().unwrap_or_default().trim().to_ascii_lowercase());
        if self.types.is_empty() {
            return match mime.as_deref() {
                Some("" | "application/octet-stream") | None => SOUNDS.contains(&ending),
                Some(mime) => mime.starts_with("audio/") || mime.starts_with("video/") || mime == "application/ogg",
            };
        }
        self.types.iter().any(|wanted| {
            let wanted = wanted.trim_start_matches('.').to_ascii_lowercase();
            match (wanted.split_once('/'), &mime) {
                (None, _) => wanted == ending,
                (Some((family, "*")), Some(mime)) => mime.split('/').next() == Some(family),
                (Some(_), Some(mime)) => wanted == *mime,
                // A type is asked for and the server has not said it yet.
                (Some(_), None) => true,
            }
        })
    }

    /// Whether a size fits; one that is not known may.
    pub(crate) fn takes_size(&self, octets: Option<u64>) -> bool {
        octets.is_none_or(|it| self.largest.is_none_or(|most| it <= most))
            && octets.is_none_or(|it| self.smallest.is_none_or(|least| it >= least))
    }

    /// Whether a date of change fits; where one is asked for, an unknown one does not.
    pub(crate) fn takes_date(&self, changed: Option<SystemTime>) -> bool {
        let read = |it: &Option<String>| it.as_deref().and_then(|it| read_date(it).ok());
        let (since, until) = (read(&self.since), read(&self.until));
        let Some(changed) = changed else { return since.is_none() && until.is_none() };
        since.is_none_or(|it| changed >= it) && until.is_none_or(|it| changed < it)
    }
}

/// The media of a `warm`.
pub(crate) fn items(
    account: &str,
    wish: (&[String], &[Phrase], &[String]),
    usual: &[Preset],
    (refresh, target): (bool, Option<&str>),
) -> Result<Vec<Item>, MediaFault> {
    let (urls, texts, presets) = wish;
    let presets = if presets.is_empty() { usual.to_vec() } else { read_presets(presets)? };
    let mut sources = Vec::new();
    for url in urls {
        sources.push(From::Origin(read_url(url)?));
    }
    for text in texts {
        sources.push(From::Speech(text.speech()?));
    }
    let target = target.map(read_url).transpose()?;
    let presets: &[Preset] = if target.is_some() { presets.get(..1).unwrap_or_default() } else { &presets };
    let items = sources.iter().flat_map(|from| {
        let target = &target;
        presets
            .iter()
            .map(move |preset| Item { ask: ask(account, from.clone(), *preset, refresh), target: target.clone() })
    });
    Ok(items.collect())
}

pub(crate) fn ask(account: &str, from: From, preset: Preset, recheck: bool) -> Ask {
    Ask {
        account: account.to_owned(),
        from,
        form: Form::Audio(preset, false),
        private: false,
        recheck,
        start: crate::wire::Start::Growing,
        only_kept: false,
        largest: None,
        within: None,
        headers: Vec::new(),
    }
}

pub(crate) fn read_presets(texts: &[String]) -> Result<Vec<Preset>, MediaFault> {
    let read = |text: &String| {
        Preset::parse(text).ok_or_else(|| {
            bad(format!("presets: {}: ask for audio/x-alaw, audio/x-mulaw or audio/l16, with ;rate=", shown(text)))
        })
    };
    if texts.len() > MAX_PRESETS {
        return Err(bad(format!("presets: at most {MAX_PRESETS}")));
    }
    texts.iter().map(read).collect()
}

pub(crate) fn read_url(text: &str) -> Result<Url, MediaFault> {
    let wrong = |what: &str| bad(format!("{}: {what}", shown(&tipring_egress::hidden(text))));
    if text.len() > MAX_URI {
        return Err(wrong("longer than 8 KiB"));
    }
    let mut url = Url::parse(text).map_err(|error| wrong(&error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong("only http and https can be fetched"));
    }
    url.set_fragment(None);
    Ok(url)
}

/// A day, or a moment with its offset from UTC.
fn read_date(text: &str) -> Result<SystemTime, MediaFault> {
    let moment = text.parse::<jiff::Timestamp>().ok();
    let day = || text.parse::<jiff::civil::Date>().ok()?.to_zoned_datetime(jiff::tz::TimeZone::UTC).ok();
    let read = moment.or_else(|| day().map(|it| it.timestamp()));
    read.and_then(|it| SystemTime::try_from(it).ok())
        .ok_or_else(|| bad(format!("{}: not a date such as 2026-01-31 or 2026-01-31T08:00:00Z", shown(text))))
}

pub(crate) fn bad(text: impl Into<String>) -> MediaFault {
    MediaFault::request(text)
}

fn usual_language() -> String {
    "en-US".to_owned()
}

fn normal_speed() -> u16 {
    crate::wire::NORMAL_SPEED
}

/// Media of one job: a large application's prompts.
pub(crate) const MAX_ITEMS: usize = 2_000;
/// Recordings of one job: their texts are held until it is forgotten.
const MAX_SPOKEN: usize = 100;
/// Forms of one job: both laws and what sound devices take.
const MAX_PRESETS: usize = 8;
/// Types of one filter.
const MAX_TYPES: usize = 32;
/// Directories below the one that is named.
const MAX_DEPTH: u8 = 8;
/// A folder for each language, and one for each menu.
const USUAL_DEPTH: u8 = 3;
/// Endings of files that hold sound, for servers that do not say what they send.
const SOUNDS: [&str; 30] = [
    "mp3", "wav", "wave", "mp2", "mpga", "aac", "m4a", "mp4", "m4v", "ogg", "oga", "opus", "flac", "aif", "aiff",
    "aifc", "au", "snd", "gsm", "ulaw", "alaw", "sln", "wma", "ra", "amr", "webm", "mkv", "avi", "mov", "3gp",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn types_are_judged_by_name_or_by_what_the_server_says() {
        let mp3 = Filter { types: vec![".MP3".into()], ..Filter::default() };
        assert!(mp3.takes_type(&url("http://h/a/B.mp3?x=.wav"), Some("application/octet-stream")));
        assert!(!mp3.takes_type(&url("http://h/a/b.wav"), Some("audio/mpeg")));
        let mime = Filter { types: vec!["audio/*".into(), "video/mp4".into()], ..Filter::default() };
        assert!(mime.takes_type(&url("http://h/x"), Some("Audio/MPEG; q=1")));
        assert!(!mime.takes_type(&url("http://h/x"), Some("text/html")));
        let any = Filter::default();
        assert!(any.takes_type(&url("http://h/a.mp3"), None) && !any.takes_type(&url("http://h/a.txt"), None));
        assert!(any.takes_type(&url("http://h/get?id=1"), Some("audio/mpeg")));
        assert!(!any.takes_type(&url("http://h/a.mp3"), Some("text/html")));
    }

    #[test]
    fn dates_and_sizes_are_bounds() {
        let only = Filter {
            largest: Some(10),
            since: Some("2026-01-31".into()),
            until: Some("2026-02-01T00:00:00+01:00".into()),
            ..Filter::default()
        };
        only.check().unwrap();
        let at = |text: &str| Some(read_date(text).unwrap());
        assert!(only.takes_date(at("2026-01-31T00:00:00Z")) && !only.takes_date(at("2026-01-31T23:00:00Z")));
        assert!(!only.takes_date(None) && Filter::default().takes_date(None));
        assert!(only.takes_size(Some(10)) && !only.takes_size(Some(11)) && only.takes_size(None));
        assert!(Filter { since: Some("yesterday".into()), ..Filter::default() }.check().is_err());
    }

    #[test]
    fn what_cannot_be_done_is_refused_with_words() {
        let wish = |text: &str| serde_json::from_str::<Wish>(text).map_err(|it| it.to_string());
        let refused = |text: &str| wish(text).unwrap().check().unwrap_err().text;
        assert!(refused(r#"{"kind":"warm"}"#).contains("name 1 to"));
        assert!(refused(r#"{"kind":"warm","urls":["ftp://h/a"]}"#).contains("only http"));
        assert!(!refused(r#"{"kind":"warm","urls":["http://u:secret@["]}"#).contains("secret"));
        assert!(refused(r#"{"kind":"warm","urls":["http://h/a"],"presets":["audio/mpeg"]}"#).contains("audio/x-alaw"));
        assert!(refused(r#"{"kind":"warm","urls":["http://h/a","http://h/b"],"target":"http://t/"}"#).contains("one"));
        assert!(refused(r#"{"kind":"refresh","prefix":""}"#).contains("prefix"));
        assert!(refused(r#"{"kind":"warm","texts":[{"text":" "}]}"#).contains("no text"));
        assert!(refused(r#"{"kind":"transcribe","urls":[]}"#).contains("name 1 to"));
        assert!(refused(r#"{"kind":"transcribe","urls":["http://h/a"],"language":"en/x"}"#).contains("language tag"));
        let mail = r#"{"kind":"transcribe","urls":["http://h/a"],"target":"mailto:who@example.org"}"#;
        assert!(refused(mail).contains("no mail"));
        let hints = format!(r#"{{"kind":"transcribe","urls":["http://h/a"],"hints":["{}"]}}"#, "x".repeat(101));
        assert!(refused(&hints).contains("100 characters"));
        assert!(wish(r#"{"kind":"transcribe","urls":["http://h/a"],"voice":""}"#).unwrap_err().contains("voice"));
        assert!(wish(r#"{"kind":"dance"}"#).unwrap_err().contains("warm"));
        assert!(wish(r#"{"kind":"warm","uris":[]}"#).unwrap_err().contains("uris"));
    }
}
