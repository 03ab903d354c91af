//! A scripted call as a file: who rings, what they hear and press, what the application answers and after how long, and
//! what must have come of it. It is judged before anything runs, with line and column.

use std::path::Path;

use serde::Deserialize;

use super::app::Document;
use super::asks::Ask;
use super::beyond::{Incomer, MessageGateway, Recognizer, StreamServer};
use super::exchange::{AnalogExchange, LineFault, LineNumber};
use crate::config::{ConfigError, position};

/// Calls of one scenario: two spans' worth, a few times over.
const CALLS: usize = 1_000;
/// The number that programs show unless they say otherwise.
pub const SHOWN: &str = "+12025550199";
/// Longest scenario on virtual time.
const LIMIT_S: u64 = 3_600;

/// Longest tone of a stream's server: what waits to be heard is bounded.
const MAX_TONE_MS: u32 = 100_000;

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
    /// Analogue lines of the simulated card; their exchange is beside the E1's.
    #[serde(default)]
    pub analog_lines: u16,
    /// The country: tones and dialling plan.
    #[serde(default)]
    pub country: String,
    /// Who may be called; every ordinary class when left out. Limits that are not named are none.
    #[serde(default = "all_open", deserialize_with = "only_named_limits")]
    pub outbound: crate::config::Outbound,
    /// Lines that calls go out on.
    #[serde(default)]
    pub group: Vec<crate::config::Group>,
    /// Analogue lines.
    #[serde(default)]
    pub analog: crate::config::Analog,
    /// Those that differ, each once.
    #[serde(default)]
    pub line: Vec<crate::config::LineEntry>,
    /// How the exchange of the analogue lines works.
    #[serde(default)]
    pub exchange: AnalogExchange,
    /// Numbers of the analogue lines themselves.
    #[serde(default)]
    pub line_number: Vec<toml::Spanned<LineNumber>>,
    /// Analogue lines that are worse than others.
    #[serde(default)]
    pub line_fault: Vec<toml::Spanned<LineFault>>,
    /// Hosts on which nobody listens: connections to them are refused.
    #[serde(default)]
    pub dead_hosts: Vec<String>,
    /// Hosts of the wide network, which a test can unplug.
    #[serde(default)]
    pub wide_hosts: Vec<String>,
    /// No speech engine is installed.
    #[serde(default)]
    pub voiceless: bool,
    /// The only speech engine fails in this way.
    #[serde(default)]
    pub engine: Option<SickEngine>,
    /// The disk of the media layer's cache has no room.
    #[serde(default)]
    pub full_disk: bool,
    /// The media layer does not run.
    #[serde(default)]
    pub without_media: bool,
    /// The media layer is asked at a TCP address, with TLS and a key, as one on another host is.
    #[serde(default)]
    pub media_elsewhere: bool,
    /// What goes wrong on the wire.
    #[serde(default)]
    pub faults: Faults,
    /// Visits of the line doctor, in order.
    #[serde(default)]
    pub doctor: Vec<DoctorVisit>,
    /// Numbers and their applications.
    #[serde(default)]
    pub number: Vec<Number>,
    /// What the applications answer. Any host name in the numbers' URLs leads to them.
    #[serde(default)]
    pub document: Vec<Document>,
    /// Who rings.
    #[serde(default)]
    pub call: Vec<toml::Spanned<Call>>,
    /// Who can be called; the first entry that fits answers.
    #[serde(default)]
    pub subscriber: Vec<Subscriber>,
    /// Telephones on ports of the box.
    #[serde(default)]
    pub telephone: Vec<super::handsets::Telephone>,
    /// Calls that a program makes through the API.
    #[serde(default)]
    pub dial: Vec<toml::Spanned<Dial>>,
    /// What a program changes of calls through the API.
    #[serde(default)]
    pub change: Vec<toml::Spanned<Change>>,
    /// What a program asks beside that.
    #[serde(default)]
    pub ask: Vec<toml::Spanned<Ask>>,
    /// Who understands speech; the media layer's recognizers when there is none of the language.
    #[serde(default)]
    pub recognizer: Vec<Recognizer>,
    /// Servers of streams.
    #[serde(default)]
    pub stream: Vec<StreamServer>,
    /// Who takes messages; nobody when left out.
    #[serde(default)]
    pub message_gateway: Option<MessageGateway>,
    /// Messages that come in.
    #[serde(default)]
    pub message: Vec<Incomer>,
    /// What an application must have been asked.
    #[serde(default)]
    pub asked: Vec<Asked>,
}

/// A visit of the line doctor.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DoctorVisit {
    /// After the lines are ready.
    pub at_ms: u64,
    /// The line to be examined: `sim 2/1`.
    pub line: String,
    /// Its number, as it is dialled.
    pub number: String,
    /// The line that helps.
    pub with: String,
    /// Its number.
    pub with_number: String,
}

fn all_open() -> crate::config::Outbound {
    use crate::config::NumberClass::{International, Mobile, National, Short, TollFree, Unknown};
    crate::config::Outbound {
        open: vec![Short, TollFree, National, Mobile, International, Unknown],
        caller_ids: vec![SHOWN.into()],
        ..crate::config::Outbound::without_limits()
    }
}

/// A simulation has the limits that it names and no others: most want to see something else.
fn only_named_limits<'de, D: serde::Deserializer<'de>>(from: D) -> Result<crate::config::Outbound, D::Error> {
    use serde::de::Error as _;
    let mut named = toml::Table::deserialize(from)?;
    for (key, value) in toml::Table::try_from(crate::config::Outbound::without_limits()).map_err(D::Error::custom)? {
        named.entry(key).or_insert(value);
    }
    named.try_into().map_err(D::Error::custom)
}

fn two_minutes() -> u64 {
    120
}

fn one() -> u8 {
    1
}

/// How a speech engine fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SickEngine {
    /// It writes nothing and does not end.
    Hangs,
    /// It is killed.
    Crashes,
    /// It writes without end what is no sound.
    Babbles,
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
    /// From this moment on all workers of the media layer are busy, and as much waits for them as may.
    pub media_busy_at_ms: Option<u64>,
    /// The media layer stops at this moment…
    pub media_down_at_ms: Option<u64>,
    /// …for this long.
    pub media_down_for_ms: u64,
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
    /// Asked what to do with a message.
    #[serde(default)]
    pub sms_url: String,
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
    /// Called number; an analogue line's is the line itself.
    #[serde(default)]
    pub to: String,
    /// Rings this analogue line, from 1, instead of the E1.
    #[serde(default)]
    pub line: Option<u8>,
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

/// `[[subscriber]]`: somebody whom the box can call.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Subscriber {
    /// The digits as they arrive; empty: every number.
    pub number: String,
    /// Only on analogue lines, or only on the E1; on both when left out.
    pub analog: Option<bool>,
    /// Rings this long, then answers.
    pub rings_ms: u64,
    /// What the telephone does then, in order; without a word it listens until the end.
    pub does: Option<Vec<tipring_sim::Step>>,
    /// Refuses with this Q.850 cause, on an analogue line with the tone for it.
    pub refuse: Option<u8>,
    /// Rings and is never answered.
    pub never: bool,
    /// Says nothing at all.
    pub ignores: bool,
}

/// `[[dial]]`: a call that a program makes through the API.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Dial {
    /// For people and `expect`.
    pub id: String,
    /// When, as for `[[call]]`.
    pub at_ms: u64,
    /// Whom.
    pub to: String,
    /// The number shown; the scenario's own when empty.
    pub from: String,
    /// The group of lines.
    pub group: String,
    /// Asked once it is answered…
    pub url: String,
    /// …or this is carried out.
    pub twiml: String,
    /// How long it may ring.
    pub timeout_s: Option<u32>,
    /// How long it may last.
    pub time_limit_s: Option<u32>,
    /// Keys sent after the answer.
    pub send_digits: String,
    /// Record it.
    pub record: bool,
    /// Whether a machine answers: `Enable`, or `DetectMessageEnd`.
    pub machine_detection: String,
    /// Told of every step.
    pub status_callback: String,
    /// What must have come of it; `cause` is the record's.
    pub expect: Expect,
}

/// `[[change]]`: what a program changes of a call through the API.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Change {
    /// Id of the `[[call]]` or `[[dial]]`.
    pub of: String,
    /// The leg that it dialled, not itself.
    pub dialled: bool,
    /// When, as for `[[call]]`.
    pub at_ms: u64,
    /// Goes on with this document…
    pub url: String,
    /// …or this one…
    pub twiml: String,
    /// …or is ended.
    pub end: bool,
    /// The error code that the API answers with; 0: it is done.
    pub refused: u32,
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
        let text = std::fs::read_to_string(file).map_err(|error| ConfigError::unread(file, &error))?;
        let mut scenario = Scenario::parse(file, &text)?;
        scenario.read_files(file, &text)?;
        Ok(scenario)
    }

    /// Reads the files that documents and telephones name; they lie beside the scenario.
    fn read_files(&mut self, file: &Path, text: &str) -> Result<(), ConfigError> {
        let folder = file.parent().unwrap_or(Path::new("."));
        let refuse = |name: &str, why: String| {
            let (line, column) = position(text, text.find(name).unwrap_or(0));
            ConfigError::at(file, line, column, format!("{name}: {why}"))
        };
        for document in &mut self.document {
            if let Some(name) = &document.file {
                let octets = std::fs::read(folder.join(name));
                let octets = octets.map_err(|error| refuse(&name.display().to_string(), error.to_string()))?;
                document.octets = Some(octets.into());
            }
        }
        let calls = self.call.iter_mut().map(|call| &mut call.get_mut().does);
        let called = self.subscriber.iter_mut().filter_map(|subscriber| subscriber.does.as_mut());
        let telephones = self.telephone.iter_mut().map(|telephone| &mut telephone.does);
        for steps in calls.chain(called).chain(telephones) {
            let load = |name: &str| speech_of(&folder.join(name)).map_err(|why| refuse(name, why));
            tipring_sim::script::resolve(steps, load)?;
        }
        Ok(())
    }

    /// Judges a text as if it stood in `file`.
    pub fn parse(file: &Path, text: &str) -> Result<Scenario, ConfigError> {
        let refuse = |offset: usize, why: &str| {
            let (line, column) = position(text, offset);
            ConfigError::at(file, line, column, why)
        };
        let scenario: Scenario =
            toml::from_str(text).map_err(|error| refuse(error.span().map_or(0, |span| span.start), error.message()))?;
        if scenario.limit_s == 0 || scenario.limit_s > LIMIT_S {
            return Err(refuse(text.find("limit_s").unwrap_or(0), "limit_s: 1 to 3600"));
        }
        if !(1..=4).contains(&scenario.spans) {
            return Err(refuse(text.find("spans").unwrap_or(0), "spans: 1 to 4"));
        }
        let lifts = scenario.telephone.iter().any(|telephone| telephone.lifts_at_ms.is_some());
        if scenario.call.is_empty() && scenario.dial.is_empty() && !lifts {
            return Err(refuse(0, "nobody calls: give a [[call]], a [[dial]] or a [[telephone]] that is lifted"));
        }
        if let Some(why) = super::handsets::complaint(&scenario.telephone) {
            return Err(refuse(text.find("[[telephone]]").unwrap_or(0), &why));
        }
        if scenario.analog_lines > 24 {
            return Err(refuse(text.find("analog_lines").unwrap_or(0), "analog_lines: at most 24"));
        }
        let config = crate::config::Config::of_place(&scenario.country);
        if let Some(why) = scenario.line.iter().find_map(|line| line.complaint(&config)) {
            return Err(refuse(text.find("[[line]]").unwrap_or(0), &why));
        }
        if let Some((at, why)) = super::exchange::complaint(&scenario) {
            return Err(refuse(at.or(text.find("[exchange]")).unwrap_or(0), &why));
        }
        scenario.check_dialled(&refuse)?;
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

    /// Calls and changes of programs, subscribers.
    fn check_dialled(&self, refuse: &impl Fn(usize, &str) -> ConfigError) -> Result<(), ConfigError> {
        let steps = self.subscriber.iter().flat_map(|subscriber| subscriber.does.iter().flatten());
        if let Some(why) = steps.filter_map(tipring_sim::Step::complaint).next() {
            return Err(refuse(0, &format!("subscriber: {why}")));
        }
        for call in &self.call {
            if call.get_ref().line.is_some_and(|line| line == 0 || u16::from(line) > self.analog_lines) {
                return Err(refuse(call.span().start, "line: 1 to analog_lines"));
            }
        }
        for dial in &self.dial {
            let (at, dial) = (dial.span().start, dial.get_ref());
            if dial.id.is_empty() || dial.url.is_empty() == dial.twiml.is_empty() {
                return Err(refuse(at, "dial: an id, and either url or twiml"));
            }
        }
        let known = |id: &str| {
            self.call.iter().any(|call| call.get_ref().id == id) || self.dial.iter().any(|dial| dial.get_ref().id == id)
        };
        for change in &self.change {
            let (at, change) = (change.span().start, change.get_ref());
            if !known(&change.of) {
                return Err(refuse(at, &format!("change: there is no call {:?}", change.of)));
            }
            let wishes = [!change.url.is_empty(), !change.twiml.is_empty(), change.end];
            if wishes.iter().filter(|wish| **wish).count() != 1 {
                return Err(refuse(at, "change: one of url, twiml and end"));
            }
        }
        if let Some(ask) = self.ask.iter().find(|ask| ask.get_ref().kinds() != 1) {
            return Err(refuse(ask.span().start, "ask: one of its kinds, such as join or record"));
        }
        if self.stream.iter().any(|server| server.tone_ms > MAX_TONE_MS) {
            return Err(refuse(0, "stream: tone_ms: at most 100000"));
        }
        Ok(())
    }

    /// The host names of its applications.
    pub fn hosts(&self) -> Vec<String> {
        let urls = self.number.iter().flat_map(|number| {
            std::iter::once(&number.url).chain(&number.fallback).chain([&number.status_callback, &number.sms_url])
        });
        let documents = self.document.iter().map(|document| document.body.as_str());
        let mut hosts: Vec<String> = urls
            .chain(self.document.iter().filter_map(|document| document.location.as_ref()))
            .filter_map(|text| url::Url::parse(text).ok())
            .chain(documents.flat_map(urls_in))
            .chain(self.programs().flat_map(urls_in))
            .filter_map(|url| url.host_str().map(str::to_string))
            .filter(|host| host.parse::<std::net::IpAddr>().is_err())
            .collect();
        hosts.sort();
        hosts.dedup();
        hosts
    }

    /// Every text of a program that may hold a URL.
    fn programs(&self) -> impl Iterator<Item = &str> {
        let dials = self.dial.iter().map(toml::Spanned::get_ref);
        let dials = dials.flat_map(|dial| [dial.url.as_str(), dial.twiml.as_str(), dial.status_callback.as_str()]);
        let changes = self.change.iter().map(toml::Spanned::get_ref);
        let changes = changes.flat_map(|change| [change.url.as_str(), change.twiml.as_str()]);
        dials.chain(changes).chain(self.ask.iter().flat_map(|ask| ask.get_ref().urls()))
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
        let line = "[[line]]\nline = \"sim 2/1\"\nhang_up_tone = \"425\"\n[[call]]\nid = \"a\"\nto = \"1\"\n";
        assert!(refused(line).starts_with("s.toml:1:1: line sim 2/1: hang_up_tone: \"425\" has no rhythm"));
    }

    #[test]
    fn host_names_come_from_numbers_and_documents() {
        let text = r#"
[[call]]
id = "a"
to = "1"
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
