//! A scripted call as a file: who rings, what they hear and press, what the application answers and after how long, and
//! what must have come of it. It is judged before anything runs, with line and column.

use std::path::Path;

use serde::Deserialize;

use super::app::Document;
use crate::config::{ConfigError, position};

/// Calls of one scenario: two spans' worth, a few times over.
const CALLS: usize = 1_000;
/// Longest scenario on virtual time.
const LIMIT_S: u64 = 3_600;

/// A whole file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// For people.
    #[serde(default)]
    pub about: String,
    /// Ends at the latest after this much virtual time.
    #[serde(default = "two_minutes")]
    pub limit_s: u64,
    /// E1 spans of the simulated card.
    #[serde(default = "one")]
    pub spans: u8,
    /// Hosts on which nobody listens: connections to them are refused.
    #[serde(default)]
    pub dead_hosts: Vec<String>,
    /// No speech engine is installed.
    #[serde(default)]
    pub voiceless: bool,
    /// The media layer does not run.
    #[serde(default)]
    pub without_media: bool,
    /// What goes wrong on the wire.
    #[serde(default)]
    pub faults: Faults,
    /// Numbers and their applications.
    #[serde(default)]
    pub number: Vec<Number>,
    /// What the applications answer. Any host name in the numbers' URLs leads to them.
    #[serde(default)]
    pub document: Vec<Document>,
    /// Who rings.
    pub call: Vec<toml::Spanned<Call>>,
    /// What an application must have been asked.
    #[serde(default)]
    pub asked: Vec<Asked>,
}

fn two_minutes() -> u64 {
    120
}

fn one() -> u8 {
    1
}

/// `[faults]`
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Faults {
    /// One frame of this many is lost on the D channel; 0 = none.
    pub frame_loss_one_in: u32,
    /// The exchange comes up this much later than the box.
    pub exchange_late_ms: u64,
    /// The cable is pulled at this moment…
    pub span_down_at_ms: Option<u64>,
    /// …for this long.
    pub span_down_for_ms: u64,
    /// No frame passes on the D channel from this moment, while audio goes on…
    pub d_channel_down_at_ms: Option<u64>,
    /// …for this long.
    pub d_channel_down_for_ms: u64,
    /// The card is taken out at this moment.
    pub card_gone_at_ms: Option<u64>,
}

/// `[[number]]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Number {
    /// As the line gives it, or E.164.
    pub number: String,
    /// The application.
    pub url: String,
    /// How it is asked.
    #[serde(default)]
    pub method: crate::config::Method,
    /// Tried in turn when it fails.
    #[serde(default)]
    pub fallback: Vec<String>,
    /// Told of the end.
    #[serde(default)]
    pub status_callback: String,
    /// `strict`: an unknown verb is an error.
    #[serde(default)]
    pub documents: crate::config::Documents,
}

/// `[[call]]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// For people and `expect`.
    pub id: String,
    /// When it rings, counted from the moment at which the line is ready (2.5 s after the start).
    #[serde(default)]
    pub at_ms: u64,
    /// Calling number; none when left out.
    #[serde(default)]
    pub from: Option<String>,
    /// The caller withholds the number.
    #[serde(default)]
    pub restricted: bool,
    /// The caller's name.
    #[serde(default)]
    pub name: Option<String>,
    /// Called number.
    pub to: String,
    /// The same call this many times, each `every_ms` later than the one before.
    #[serde(default = "once")]
    pub times: u16,
    /// See `times`.
    #[serde(default)]
    pub every_ms: u64,
    /// What the telephone does, in order.
    #[serde(default)]
    pub does: Vec<tipring_sim::Step>,
    /// What must have come of it.
    #[serde(default)]
    pub expect: Expect,
}

fn once() -> u16 {
    1
}

/// What must have come of a call; what is left out is not looked at.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Expect {
    /// Final status.
    pub status: Option<String>,
    /// Q.850 cause that the far end was told, or told us.
    pub cause: Option<u8>,
    /// Sound that was heard, at least.
    pub heard_ms_min: Option<u64>,
    /// And at most.
    pub heard_ms_max: Option<u64>,
    /// Recordings of the call.
    pub recordings: Option<usize>,
    /// Error codes that were noted, in order.
    pub errors: Option<Vec<u32>>,
}

/// `[[asked]]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// Of this path.
    pub path: String,
    /// With these parameters.
    #[serde(default)]
    pub with: std::collections::BTreeMap<String, String>,
    /// This often; at least once when left out.
    #[serde(default)]
    pub times: Option<usize>,
}

impl Scenario {
    /// Reads and judges a file.
    pub fn load(file: &Path) -> Result<Scenario, ConfigError> {
        let unread = |error: std::io::Error| ConfigError {
            file: file.to_path_buf(),
            line: 0,
            column: 0,
            text: format!("cannot be read: {error}"),
        };
        let text = std::fs::read_to_string(file).map_err(unread)?;
        let mut scenario = Scenario::parse(file, &text)?;
        scenario.read_files(file, &text)?;
        Ok(scenario)
    }

    /// Reads the files that documents and telephones name; they lie beside the scenario.
    fn read_files(&mut self, file: &Path, text: &str) -> Result<(), ConfigError> {
        let folder = file.parent().unwrap_or(Path::new("."));
        let refuse = |name: &str, why: String| {
            let (line, column) = position(text, text.find(name).unwrap_or(0));
            ConfigError { file: file.to_path_buf(), line, column, text: format!("{name}: {why}") }
        };
        for document in &mut self.document {
            if let Some(name) = &document.file {
                let octets = std::fs::read(folder.join(name));
                let octets = octets.map_err(|error| refuse(&name.display().to_string(), error.to_string()))?;
                document.octets = Some(octets.into());
            }
        }
        for call in &mut self.call {
            let load = |name: &str| speech_of(&folder.join(name)).map_err(|why| refuse(name, why));
            tipring_sim::script::resolve(&mut call.get_mut().does, load)?;
        }
        Ok(())
    }

    /// Judges a text as if it stood in `file`.
    pub fn parse(file: &Path, text: &str) -> Result<Scenario, ConfigError> {
        let refuse = |offset: usize, why: &str| {
            let (line, column) = position(text, offset);
            ConfigError { file: file.to_path_buf(), line, column, text: why.to_string() }
        };
        let scenario: Scenario =
            toml::from_str(text).map_err(|error| refuse(error.span().map_or(0, |span| span.start), error.message()))?;
        if scenario.limit_s == 0 || scenario.limit_s > LIMIT_S {
            return Err(refuse(text.find("limit_s").unwrap_or(0), "limit_s: 1 to 3600"));
        }
        if !(1..=4).contains(&scenario.spans) {
            return Err(refuse(text.find("spans").unwrap_or(0), "spans: 1 to 4"));
        }
        let calls: usize = scenario.call.iter().map(|call| usize::from(call.get_ref().times)).sum();
        if calls > CALLS {
            return Err(refuse(text.find("times").unwrap_or(0), "more than 1000 calls in all"));
        }
        for call in &scenario.call {
            let at = call.span().start;
            let call = call.get_ref();
            if let Some(why) = call.does.iter().find_map(tipring_sim::Step::complaint) {
                return Err(refuse(at, &format!("call {}: {why}", call.id)));
            }
            let status = call.expect.status.as_deref();
            if status.is_some_and(|word| tipring_resources::CallStatus::from_wire(word).is_none()) {
                return Err(refuse(at, &format!("call {}: expect.status: no such status", call.id)));
            }
        }
        Ok(scenario)
    }

    /// The host names of its applications.
    pub fn hosts(&self) -> Vec<String> {
        let urls = self
            .number
            .iter()
            .flat_map(|number| std::iter::once(&number.url).chain(&number.fallback).chain([&number.status_callback]));
        let documents = self.document.iter().map(|document| document.body.as_str());
        let mut hosts: Vec<String> = urls
            .chain(self.document.iter().filter_map(|document| document.location.as_ref()))
            .filter_map(|text| url::Url::parse(text).ok())
            .chain(documents.flat_map(urls_in))
            .filter_map(|url| url.host_str().map(str::to_string))
            .filter(|host| host.parse::<std::net::IpAddr>().is_err())
            .collect();
        hosts.sort();
        hosts.dedup();
        hosts
    }
}

/// What a telephone says: a WAV of 8 kHz, mono, 16 bits, as the A-law of the simulated span.
fn speech_of(file: &Path) -> Result<Vec<u8>, String> {
    let mut reader = hound::WavReader::open(file).map_err(|error| error.to_string())?;
    let spec = reader.spec();
    if (spec.channels, spec.sample_rate, spec.bits_per_sample) != (1, 8_000, 16) {
        return Err(format!(
            "{} channel(s), {} Hz, {} bits: give 1 channel, 8000 Hz, 16 bits",
            spec.channels, spec.sample_rate, spec.bits_per_sample
        ));
    }
    let samples: Result<Vec<i16>, _> = reader.samples().collect();
    let samples = samples.map_err(|error| error.to_string())?;
    Ok(samples.into_iter().map(tipring_dsp::alaw_encode).collect())
}

/// Absolute URLs that stand in a document.
fn urls_in(body: &str) -> impl Iterator<Item = url::Url> + '_ {
    body.match_indices("http").filter_map(|(at, _)| {
        let rest = &body[at..];
        let end = rest.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>')).unwrap_or(rest.len());
        url::Url::parse(&rest[..end]).ok().filter(|url| url.has_host())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_of_a_file_are_named_with_their_place() {
        let refused = |text: &str| Scenario::parse(Path::new("s.toml"), text).expect_err("refused").to_string();
        assert!(refused("call = []\nlimit_s = 0\n").starts_with("s.toml:2:1: limit_s"));
        let keys = "[[call]]\nid = \"a\"\nto = \"1\"\ndoes = [{ press = { keys = \"x\" } }]\n";
        assert!(refused(keys).starts_with("s.toml:1:1: call a: 'x' is no key"), "{}", refused(keys));
        assert!(refused("[[call]]\nid = \"a\"\nto = \"1\"\ndoes = [{ shout = 1 }]\n").contains("s.toml:4:"));
    }

    #[test]
    fn host_names_come_from_numbers_and_documents() {
        let text = r#"
call = []
[[number]]
number = "1"
url = "http://app.example/menu"
[[document]]
path = "/menu"
body = "<Response><Play>http://cdn.example/a.wav</Play></Response>"
location = "http://moved.example/menu"
"#;
        let scenario = Scenario::parse(Path::new("s.toml"), text).expect("good");
        assert_eq!(scenario.hosts(), ["app.example", "cdn.example", "moved.example"]);
    }
}
