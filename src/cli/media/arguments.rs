//! What `tipring media` is told.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use tipring_card::Law;
use tipring_media::{Filter, Spoken, Wish};

use super::super::asked::Asked;

/// Whose media, and how they are shown.
#[derive(Debug, Default, Args)]
pub struct At {
    /// Whose: an account SID; without one all accounts' are shown, and what is made is the box's own
    #[arg(long, value_name = "SID", env = "TIPRING_ACCOUNT")]
    pub account: Option<String>,
    /// As JSON
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub asked: Asked,
}

impl Command {
    /// The configuration that it names itself.
    pub fn asked(&mut self) -> &mut Asked {
        let at = match self {
            Command::Ls { at, .. }
            | Command::Get { at, .. }
            | Command::Warm { at, .. }
            | Command::Crawl { at, .. }
            | Command::Refresh { at, .. }
            | Command::Transcribe { at, .. }
            | Command::Rm { at, .. }
            | Command::Verify { at }
            | Command::Jobs { at, .. } => at,
            Command::Plan {
                command: PlanCommand::Ls { at } | PlanCommand::Set { at, .. } | PlanCommand::Rm { at, .. },
            } => at,
            Command::Phrase {
                command:
                    PhraseCommand::Ls { at }
                    | PhraseCommand::Choose { at, .. }
                    | PhraseCommand::Record { at, .. }
                    | PhraseCommand::Unrecord { at, .. }
                    | PhraseCommand::Rm { at, .. },
            } => at,
        };
        &mut at.asked
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// What the cache keeps
    Ls {
        /// URIs that begin so; all without it
        prefix: Option<String>,
        /// This very URI; ends with 1 if it is not kept
        #[arg(long, requires = "prefix")]
        exact: bool,
        #[command(flatten)]
        at: At,
    },
    /// Write a sound or a text, as a line would hear it, into a WAVE file
    Get {
        #[command(flatten)]
        sought: Sought,
        /// Where to; `-` is standard output
        #[arg(short, long, value_name = "FILE", default_value = "-")]
        output: PathBuf,
        /// The law of the line
        #[arg(long, value_enum, default_value = "a")]
        law: LawWord,
        #[command(flatten)]
        at: At,
    },
    /// Bring sounds and texts into the cache
    Warm {
        #[command(flatten)]
        what: Beforehand,
        #[command(flatten)]
        at: At,
    },
    /// Bring the sounds of a directory of a web server into the cache
    Crawl {
        #[command(flatten)]
        what: Directory,
        #[command(flatten)]
        at: At,
    },
    /// Ask the origins about everything that is kept under a prefix
    Refresh {
        /// URIs that begin so
        prefix: String,
        #[command(flatten)]
        at: At,
    },
    /// Have recordings written down by a recognizer
    Transcribe {
        #[command(flatten)]
        what: Recordings,
        #[command(flatten)]
        at: At,
    },
    /// Remove what the cache keeps
    Rm {
        /// This very URI
        #[arg(conflicts_with_all = ["prefix", "all"])]
        uri: Option<String>,
        /// URIs that begin so
        #[arg(long, conflicts_with = "all")]
        prefix: Option<String>,
        /// Everything
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        at: At,
    },
    /// Read everything that is kept, and remove what is damaged; ends with 1 if something was
    Verify {
        #[command(flatten)]
        at: At,
    },
    /// Jobs that run, wait, or are over
    Jobs {
        /// One job, with what became of each sound
        id: Option<String>,
        /// Take it back
        #[arg(long, requires = "id")]
        cancel: bool,
        #[command(flatten)]
        at: At,
    },
    /// What is brought in every day
    Plan {
        #[command(subcommand)]
        command: PlanCommand,
    },
    /// Texts that are said often, and their recordings
    Phrase {
        #[command(subcommand)]
        command: PhraseCommand,
    },
}

/// A sound or a text.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub struct Sought {
    /// A sound
    #[arg(conflicts_with = "say")]
    pub uri: Option<String>,
    /// A text
    #[arg(long, value_name = "TEXT")]
    pub say: Option<String>,
    /// Its voice, as documents name it
    #[arg(long, requires = "say")]
    pub voice: Option<String>,
    /// Its language
    #[arg(long, requires = "say")]
    pub language: Option<String>,
}

/// What is brought in.
#[derive(Debug, Args)]
pub struct Beforehand {
    /// Sounds
    #[arg(value_name = "URI")]
    pub uris: Vec<String>,
    /// A file with a URI a line; `-` is standard input
    #[arg(long, value_name = "FILE")]
    pub list: Vec<PathBuf>,
    /// A document: every sound and text that it plays and says
    #[arg(long, value_name = "FILE")]
    pub document: Vec<PathBuf>,
    /// Where the documents come from: relative URIs are read from there
    #[arg(long, value_name = "URL")]
    pub base: Option<String>,
    /// A text
    #[arg(long, value_name = "TEXT")]
    pub say: Vec<String>,
    /// The voice of texts that name none
    #[arg(long)]
    pub voice: Option<String>,
    /// The language of texts
    #[arg(long)]
    pub language: Option<String>,
    /// A form, such as audio/x-alaw;rate=8000; without one those that lines have asked for
    #[arg(long, value_name = "MIME")]
    pub preset: Vec<String>,
    /// Ask the origins also about what is fresh
    #[arg(long)]
    pub refresh: bool,
    /// Send the sound there too, by PUT
    #[arg(long, value_name = "URL")]
    pub target: Option<String>,
}

/// What is written down.
#[derive(Debug, Args)]
pub struct Recordings {
    /// Sounds
    #[arg(value_name = "URI", required = true)]
    pub uris: Vec<String>,
    /// The language that is spoken
    #[arg(long, value_name = "TAG", default_value = "en-US")]
    pub language: String,
    /// Words that are likely
    #[arg(long = "hint", value_name = "WORDS")]
    pub hints: Vec<String>,
    /// The speech model, as the recognizer knows it
    #[arg(long, value_name = "NAME", default_value = "")]
    pub model: String,
    /// Send each text there too, by POST
    #[arg(long, value_name = "URL")]
    pub target: Option<String>,
}

impl Recordings {
    pub fn wish(self) -> Wish {
        let Recordings { uris: urls, language, hints, model, target } = self;
        Wish::Transcribe(Spoken { urls, language, hints, model, target })
    }
}

/// A directory and what is wanted of it.
#[derive(Debug, Args)]
pub struct Directory {
    /// Its URL; nothing above or beside it is asked for
    pub url: String,
    /// Endings of names (mp3) or MIME types (audio/*)
    #[arg(long = "type", value_name = "TYPE", value_delimiter = ',')]
    pub types: Vec<String>,
    /// Octets at most; k and M are understood
    #[arg(long, value_name = "OCTETS", value_parser = octets)]
    pub largest: Option<u64>,
    /// Octets at least
    #[arg(long, value_name = "OCTETS", value_parser = octets)]
    pub smallest: Option<u64>,
    /// Changed on this day or later
    #[arg(long, value_name = "DATE")]
    pub since: Option<String>,
    /// Changed before this day
    #[arg(long, value_name = "DATE")]
    pub until: Option<String>,
    /// Directories below that are followed
    #[arg(long)]
    pub depth: Option<u8>,
    /// A form, such as audio/x-alaw;rate=8000; without one those that lines have asked for
    #[arg(long, value_name = "MIME")]
    pub preset: Vec<String>,
    /// Ask the origins also about what is fresh
    #[arg(long)]
    pub refresh: bool,
}

impl Directory {
    pub fn wish(self) -> Wish {
        let Directory { url, types, largest, smallest, since, until, depth, preset, refresh } = self;
        let only = Filter { types, largest, smallest, since, until, depth };
        Wish::Crawl { url, presets: preset, refresh, only }
    }
}

#[derive(Debug, Subcommand)]
pub enum PlanCommand {
    /// All plans
    Ls {
        #[command(flatten)]
        at: At,
    },
    /// Make a plan, or put it in place of the one of its name
    Set {
        /// Its name
        name: String,
        /// The hour, in the box's time zone
        #[arg(long = "at", value_name = "HH:MM")]
        hour: String,
        /// On these days only: mon to sun
        #[arg(long, value_delimiter = ',')]
        day: Vec<String>,
        /// Crawl this directory
        #[arg(long, value_name = "URL", conflicts_with_all = ["keep", "uris"])]
        crawl: Option<String>,
        /// Ask about everything that is kept under this prefix
        #[arg(long = "keep", id = "keep", value_name = "PREFIX", conflicts_with = "uris")]
        refresh: Option<String>,
        #[command(flatten)]
        what: Box<Beforehand>,
        #[command(flatten)]
        at: At,
    },
    /// Remove a plan
    Rm {
        /// Its name
        name: String,
        #[command(flatten)]
        at: At,
    },
}

#[derive(Debug, Subcommand)]
pub enum PhraseCommand {
    /// Texts past the threshold, chosen ones, and those that have a recording
    Ls {
        #[command(flatten)]
        at: At,
    },
    /// Choose a text for recording, be it said often or never
    Choose {
        /// The text, as it is said
        text: String,
        /// Its voice, as documents name it
        #[arg(long)]
        voice: Option<String>,
        /// Its language
        #[arg(long)]
        language: Option<String>,
        #[command(flatten)]
        at: At,
    },
    /// Have a recording heard in its place, from the next call on
    Record {
        /// The phrase
        id: String,
        /// A sound file; `-` is standard input
        file: PathBuf,
        #[command(flatten)]
        at: At,
    },
    /// Have it spoken by an engine again
    Unrecord {
        /// The phrase
        id: String,
        #[command(flatten)]
        at: At,
    },
    /// Forget a phrase and its recording
    Rm {
        /// The phrase
        id: String,
        #[command(flatten)]
        at: At,
    },
}

/// A law as it is typed.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum LawWord {
    /// A-law
    A,
    /// µ-law
    Mu,
}

impl From<LawWord> for Law {
    fn from(word: LawWord) -> Law {
        match word {
            LawWord::A => Law::A,
            LawWord::Mu => Law::Mu,
        }
    }
}

/// A number of octets, or of a thousand or a million of them.
fn octets(text: &str) -> Result<u64, String> {
    let (digits, factor) = match text.trim_end_matches(['B', 'b']) {
        it if it.ends_with(['k', 'K']) => (&it[..it.len() - 1], 1_000),
        it if it.ends_with(['m', 'M']) => (&it[..it.len() - 1], 1_000_000),
        it => (it, 1),
    };
    let number = digits.parse::<u64>().ok().and_then(|it| it.checked_mul(factor));
    number.ok_or_else(|| format!("{text}: octets such as 500k or 1M are wanted"))
}

#[cfg(test)]
mod tests {
    use super::octets;

    #[test]
    fn octets_are_read() {
        assert_eq!((octets("12"), octets("500k"), octets("1MB")), (Ok(12), Ok(500_000), Ok(1_000_000)));
        for text in ["", "k", "-1", "1G", "99999999999999999999M", "é"] {
            assert!(octets(text).is_err(), "{text}");
        }
    }
}
