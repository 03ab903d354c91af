//! Programs and services that make and understand sound, by configuration: `[[preset]]`, `[[decoder]]`, `[[speech]]`, and what
//! a child may do. Opens nothing: whether a program is installed is seen at start.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// `[[preset]]`
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct PresetEntry {
    /// What it is asked for by.
    pub name: String,
    /// `alaw`, `mulaw` or `l16`.
    pub coding: String,
    /// Samples a second.
    #[serde(default = "telephone_hz")]
    pub rate_hz: u32,
}

/// `[[decoder]]`
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct DecoderEntry {
    /// Its name in the log and in faults.
    pub name: String,
    /// MIME types that it is for.
    #[serde(default)]
    pub types: Vec<String>,
    /// What its media begin with.
    #[serde(default)]
    pub magic: Vec<String>,
    /// A program and its arguments.
    pub command: Vec<String>,
    /// Files and folders that it reads beside the system's.
    #[serde(default)]
    pub reads: Vec<PathBuf>,
    /// Its address space.
    #[serde(default = "usual_memory_mib")]
    pub memory_mib: u64,
}

/// `[[speech]]`
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SpeechEntry {
    /// Its name in the log, in faults and in the names of what is kept.
    pub name: String,
    /// A program and its arguments.
    #[serde(default)]
    pub command: Vec<String>,
    /// A service in place of a program.
    #[serde(default)]
    pub url: String,
    /// Its voices: language, `woman` or `man`, its own name of it, names of documents that it stands for.
    #[serde(default)]
    pub voices: Vec<String>,
    /// Further arguments for a text with markup; none: it understands none.
    #[serde(default)]
    pub markup: Vec<String>,
    /// It begins only when all is spoken.
    #[serde(default)]
    pub by_sentence: bool,
    /// It may open sockets.
    #[serde(default)]
    pub network: bool,
    /// Files and folders that it reads beside the system's.
    #[serde(default)]
    pub reads: Vec<PathBuf>,
    /// Files and folders that it writes.
    #[serde(default)]
    pub writes: Vec<PathBuf>,
    /// Its address space.
    #[serde(default = "usual_memory_mib")]
    pub memory_mib: u64,
}

fn telephone_hz() -> u32 {
    8_000
}

pub(super) fn usual_memory_mib() -> u64 {
    4_096
}

/// A key and what is wrong with it.
type Fault = (&'static str, String);

impl PresetEntry {
    /// The form, as a MIME type.
    pub fn mime(&self) -> String {
        let coding = match self.coding.as_str() {
            "alaw" => "x-alaw",
            "mulaw" => "x-mulaw",
            _ => "l16",
        };
        format!("audio/{coding};rate={}", self.rate_hz)
    }

    pub(super) fn faults(&self) -> Vec<Fault> {
        let mut faults = named(&self.name);
        if tipring_media::Preset::parse(&self.mime()).is_none() {
            faults.push(("rate_hz", "8000, 16000, 22050, 32000, 44100 or 48000 is wanted".into()));
        }
        faults
    }
}

impl DecoderEntry {
    pub(super) fn faults(&self) -> Vec<Fault> {
        let mut faults = named(&self.name);
        if self.command.first().is_none_or(String::is_empty) {
            faults.push(("command", "a program is wanted".into()));
        }
        if self.types.is_empty() && self.magic.is_empty() {
            faults.push(("types", "`types` or `magic`: one of them is wanted".into()));
        }
        if self.magic.iter().any(|it| tipring_media::Magic::parse(it).is_none()) {
            faults.push(("magic", "text, or an offset and octets, such as \"MThd\" or \"4:0x66747970\"".into()));
        }
        faults.extend(absolute("reads", &self.reads));
        faults
    }
}

impl SpeechEntry {
    pub(super) fn faults(&self, is_http: impl Fn(&str) -> bool) -> Vec<Fault> {
        let mut faults = named(&self.name);
        let program = self.command.first().is_some_and(|it| !it.is_empty());
        // What stands in braces is filled in before it is a URL.
        let url = self.url.replace(['{', '}'], "");
        match (program, self.url.is_empty()) {
            (true, true) => {}
            (false, false) if is_http(&url) => {}
            (false, false) => faults.push(("url", "an absolute http or https URL is wanted".into())),
            (true, false) => faults.push(("url", "`command` or `url`: not both".into())),
            (false, true) => faults.push(("url", "`command` or `url`: one of them is wanted".into())),
        }
        if program && self.voices.is_empty() {
            faults.push(("voices", "a program needs one, such as \"en-GB woman alba\"".into()));
        }
        if self.voices.iter().any(|it| tipring_media::EngineVoice::parse(it).is_none()) {
            faults.push((
                "voices",
                "a language, woman or man, and a name, such as \"en-GB woman alba Polly.Amy\"".into(),
            ));
        }
        faults.extend(absolute("reads", &self.reads));
        faults.extend(absolute("writes", &self.writes));
        faults
    }
}

fn named(name: &str) -> Vec<Fault> {
    match name.is_empty() || name.len() > 40 {
        true => vec![("name", "1 to 40 characters are wanted".into())],
        false => Vec::new(),
    }
}

pub(super) fn absolute(key: &'static str, paths: &[PathBuf]) -> Option<Fault> {
    paths.iter().any(|it| !it.is_absolute()).then(|| (key, "absolute paths are wanted".into()))
}
