//! What came of a scenario: judged against what it expects, kept for whoever asks. Nothing runs here.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use tipring_resources::Sid;

use super::app::{App, Asked};
use super::scenario::Scenario;
use super::serve::StartError;

/// What came of it.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Everything that the scenario expects came true.
    pub ok: bool,
    /// What did not.
    pub failures: Vec<String>,
    /// Calls that rang.
    pub calls: usize,
    /// Seconds of audio computed, over all channels.
    pub channel_seconds: f64,
    /// Wall time that the loop took.
    pub wall_s: f64,
    /// What the doctor found, visit by visit.
    pub examined: Vec<tipring_doctor::Report>,
    /// What each telephone heard, by call: G.711 octets.
    pub heard: Vec<(String, Vec<u8>)>,
    /// What came of each call, in the order of `heard`.
    pub told: Vec<Told>,
    /// What came of each call that a program made, in the order of the scenario.
    pub made: Vec<Told>,
    /// The telephones that the box called, those of the E1 first.
    pub called: Vec<Called>,
    /// What the telephones on ports of the box saw, in the order of the scenario.
    pub seen: Vec<super::handsets::Seen>,
    /// The last record of every call, in the order of their birth.
    pub records: Vec<tipring_resources::Call>,
    /// Every call each time that its record was written.
    pub written: Vec<tipring_resources::Call>,
    /// What the applications were asked.
    pub asked: Vec<Asked>,
    /// Key of the account that signs requests.
    pub token: String,
    /// Every record but those of calls, each time that it was written.
    pub others: Vec<tipring_resources::Record>,
    /// What the servers of streams got, in the order in which these were opened.
    pub streamed: Vec<super::beyond::Streamed>,
    /// What the message gateway was given.
    pub messages: Vec<tipring_resources::Message>,
}

/// What came of one call.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// Its SID; empty if the box never knew of it.
    pub sid: String,
    /// Its final status.
    pub status: Option<String>,
    /// Q.850 cause of the end as the far end knows it.
    pub cause: Option<u8>,
    /// From the ring to the answer.
    pub answered_after_ms: Option<u64>,
    /// From the answer to the first sound.
    pub first_sound_ms: Option<u64>,
    /// How much of what was heard was sound.
    pub sound_ms: u64,
    /// Error codes that were noted, in order.
    pub errors: Vec<u32>,
    /// The files of its recordings, in order: each a WAV.
    pub recordings: Vec<Vec<u8>>,
    /// When what happened at its telephone.
    pub moments: Moments,
    /// Keys that its telephone heard.
    pub keys: String,
}

/// When what happened at a telephone, in milliseconds from the scenario's start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Moments {
    /// It dialled, or began to be called.
    pub began_ms: u64,
    /// It rang, or heard that the other side does.
    pub rang_ms: Option<u64>,
    /// It was answered.
    pub answered_ms: Option<u64>,
    /// It was over.
    pub ended_ms: Option<u64>,
    /// The first octet was heard.
    pub heard_from_ms: Option<u64>,
    /// The end of each of its steps.
    pub steps_ms: Vec<u64>,
}

/// A telephone that the box called.
#[derive(Clone, Debug, Default)]
pub struct Called {
    /// The number that it was shown; empty: none.
    pub from: String,
    /// The digits that were dialled.
    pub to: String,
    /// Q.850 cause of the end as it was told.
    pub cause: Option<u8>,
    /// From the first ring to its answer.
    pub answered_after_ms: Option<u64>,
    /// What it heard: G.711 octets.
    pub heard: Vec<u8>,
    /// When what happened.
    pub moments: Moments,
    /// Keys that it heard.
    pub keys: String,
}

/// A recording's whole file.
pub(super) fn file_of(store: &tipring_store::Store, sid: Sid) -> Option<Vec<u8>> {
    let mut blob = store.blobs().open(sid).ok().flatten()?;
    let mut octets = Vec::new();
    blob.file.read_to_end(&mut octets).ok()?;
    Some(octets)
}

/// What the applications should have been asked and were not.
pub(super) fn unasked(scenario: &Scenario, app: &App) -> Vec<String> {
    let log = app.asked();
    let mut failures = Vec::new();
    for wanted in &scenario.asked {
        let has = |params: &[(String, String)]| {
            wanted.with.iter().all(|(name, value)| params.iter().any(|(n, v)| n == name && v == value))
        };
        let got = log.iter().filter(|asked| asked.path == wanted.path && has(&asked.params)).count();
        let met = wanted.times.map_or(got > 0, |times| got == times);
        if !met {
            let with: Vec<_> = wanted.with.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let times = wanted.times.map_or("at least once".to_string(), |times| format!("{times} time(s)"));
            failures.push(format!("{} with {}: wanted {times}, asked {got} time(s)", wanted.path, with.join(" ")));
        }
    }
    failures
}

/// FNV-1a, 64 bits: names a sound in a line of text.
pub(super) fn fnv(octets: &[u8]) -> u64 {
    octets.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &octet| (hash ^ u64::from(octet)).wrapping_mul(0x0100_0000_01b3))
}

pub(super) fn write_heard(dir: &Path, outcome: &Outcome) -> Result<(), StartError> {
    let failed = |error: &dyn std::fmt::Display| StartError { exit: 1, text: format!("{}: {error}", dir.display()) };
    std::fs::create_dir_all(dir).map_err(|error| failed(&error))?;
    let called = (1..).zip(&outcome.called).map(|(n, called)| (format!("called-{n}"), &called.heard));
    let seen = outcome.seen.iter().map(|seen| (seen.id.clone(), &seen.heard));
    for (id, octets) in outcome.heard.iter().map(|(id, octets)| (id.clone(), octets)).chain(called).chain(seen) {
        let name: String = id.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect();
        super::telephones::write_wav(&dir.join(format!("{name}.wav")), octets).map_err(|error| failed(&error))?;
    }
    Ok(())
}

/// A folder of one run, removed at its end.
pub(crate) struct ScratchDir {
    /// Where it is.
    pub(crate) path: PathBuf,
}

impl ScratchDir {
    /// A fresh one.
    pub(crate) fn new() -> Result<Self, StartError> {
        let name = format!("tipring-sim-{}-{:016x}", std::process::id(), u64::from_le_bytes(super::serve::random()?));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path)
            .map_err(|error| StartError { exit: 1, text: format!("{}: {error}", path.display()) })?;
        Ok(ScratchDir { path })
    }
}

impl Drop for ScratchDir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.path);
    }
}
