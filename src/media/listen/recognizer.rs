//! Ways to recognise speech, and which of them is for a language.

use std::path::PathBuf;

use super::ask::primary;
use crate::child::{Cage, found};
use crate::fault::{MediaFault, NO_RECOGNIZER};

/// A way to recognise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recognizer {
    /// A program that hears while the caller speaks.
    Command(RecognizerCommand),
    /// A service that is given the whole sound when it is over.
    Url(RecognizerUrl),
    /// Each stretch of sound is the next of the hints, or `word`: for tests and demonstrations.
    Fake,
}

/// A recognizer program: samples of 16 bits, least significant octet first, on standard input until it is closed; a
/// line a result on standard output, plain words or JSON. In its arguments stand `{language}`, `{hints}` (a comma
/// list), `{model}` and `{rate}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecognizerCommand {
    /// Its name in logs and faults.
    pub name: String,
    /// Tags that it understands, such as `en` or `de-CH`; empty: all.
    pub languages: Vec<String>,
    /// The program: a path, or a name looked for in `PATH`.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Samples a second: 8000 or 16000.
    pub rate_hz: u32,
    /// How hints become a grammar, where they do.
    pub grammar: Option<Grammar>,
    /// What it may do beyond reading a sound and writing lines.
    pub cage: Cage,
}

/// A program that takes a grammar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grammar {
    /// Further arguments if there is a grammar, with `{grammar}` for its file (JSGF).
    pub arguments: Vec<String>,
    /// The dictionary, whose words alone a grammar may have.
    pub dictionary: PathBuf,
}

/// A recognizer behind HTTP. It is posted a WAVE file, with `language` in the query and `X-Listen-Hints` and
/// `X-Listen-Model` as they came, and answers JSON or plain words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecognizerUrl {
    /// Its name in logs and faults.
    pub name: String,
    /// Tags that it understands; empty: all.
    pub languages: Vec<String>,
    /// Where it is.
    pub url: url::Url,
}

impl Recognizer {
    /// pocketsphinx for English: right with hints, poor without.
    pub fn usual() -> Vec<Self> {
        vec![Self::pocketsphinx()]
    }

    /// pocketsphinx with Debian's English model. It hears a pause by itself and tells what was said before it.
    pub fn pocketsphinx() -> Self {
        let words = |all: &[&str]| all.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
        Self::Command(RecognizerCommand {
            name: "pocketsphinx".into(),
            languages: words(&["en"]),
            program: "pocketsphinx_continuous".into(),
            arguments: words(&["-infile", "/dev/stdin", "-logfn", "/dev/null"]),
            rate_hz: 16_000,
            grammar: Some(Grammar {
                arguments: words(&["-jsgf", "{grammar}"]),
                dictionary: "/usr/share/pocketsphinx/model/en-us/cmudict-en-us.dict".into(),
            }),
            cage: Cage::lone(),
        })
    }

    /// Whether it can be started on this machine.
    pub fn installed(&self) -> bool {
        match self {
            Self::Command(it) => found(&it.program) && it.grammar.as_ref().is_none_or(|it| it.dictionary.is_file()),
            Self::Url(_) | Self::Fake => true,
        }
    }

    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Command(it) => &it.name,
            Self::Url(it) => &it.name,
            Self::Fake => "fake",
        }
    }

    /// Samples a second that it is given.
    pub(crate) fn rate_hz(&self) -> u32 {
        match self {
            Self::Command(it) => it.rate_hz,
            Self::Url(_) => 16_000,
            Self::Fake => 8_000,
        }
    }

    fn languages(&self) -> &[String] {
        match self {
            Self::Command(it) => &it.languages,
            Self::Url(it) => &it.languages,
            Self::Fake => &[],
        }
    }

    /// Smaller is nearer: the very tag, the same language, any language.
    fn rank(&self, tag: &str) -> Option<u8> {
        let same = |it: &String| it.replace('_', "-").eq_ignore_ascii_case(&tag.replace('_', "-"));
        match self.languages() {
            [] => Some(2),
            all if all.iter().any(same) => Some(0),
            all if all.iter().any(|it| primary(it) == primary(tag)) => Some(1),
            _ => None,
        }
    }
}

/// The recognizer for a language; of equally near ones the first.
pub(crate) fn pick<'a>(all: &'a [Recognizer], tag: &str) -> Result<&'a Recognizer, MediaFault> {
    let ranked = all.iter().filter_map(|it| Some((it.rank(tag)?, it)));
    ranked.min_by_key(|it| it.0).map(|it| it.1).ok_or_else(|| {
        let text = format!("listen: no recognizer hears {tag:?}; install one, or name it in [[recognizer]]");
        MediaFault::new(NO_RECOGNIZER, text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_recognizer_is_picked() {
        let named = |name: &str, languages: &[&str]| {
            Recognizer::Url(RecognizerUrl {
                name: name.into(),
                languages: languages.iter().map(|it| (*it).into()).collect(),
                url: url::Url::parse("http://h/").unwrap(),
            })
        };
        let mut all = vec![named("german", &["de"]), named("swiss", &["de-CH"]), named("english", &["en_US", "en"])];
        let picked = |all: &[Recognizer], tag: &str| pick(all, tag).map(|it| it.name().to_owned());
        assert_eq!(picked(&all, "de-DE").unwrap(), "german");
        assert_eq!(picked(&all, "de-ch").unwrap(), "swiss");
        assert_eq!(picked(&all, "en-US").unwrap(), "english");
        assert_eq!(picked(&all, "fr").unwrap_err().code, NO_RECOGNIZER);
        all.push(named("any", &[]));
        assert_eq!(picked(&all, "fr").unwrap(), "any");
        assert_eq!(picked(&all, "de-AT").unwrap(), "german");
        assert_eq!(pick(&[], "en").unwrap_err().code, NO_RECOGNIZER);
    }
}
