//! A scenario from a text, run to its end, with what came of it in a handy form.

use std::path::Path;

use serde_json::Value;
use tipring::daemon::app::Asked;
use tipring::daemon::scenario::Scenario;
use tipring::daemon::simulation::{self, Around, Options, Outcome, Told};
use tipring_resources::Call;

use crate::sound;

/// The number that most scenarios call, and who calls.
pub const NUMBER: &str = "\n[[number]]\nnumber = \"100\"\nurl = \"http://app.example/\"\n";
/// Waits for the answer, listens, waits for the end.
pub const CALL: &str = "\n[[call]]\nid = \"caller\"\nfrom = \"2025550100\"\nto = \"100\"\n\
                        does = [{ await_answer = {} }, { await_hangup = { limit_ms = 120000 } }]\n";

/// What came of a scenario.
pub struct Run {
    pub outcome: Outcome,
    /// The timeline, line by line.
    pub lines: Vec<Value>,
}

/// A scenario from its text. The usual number and the usual call are added where it names none (no call
/// where a program makes one, or a telephone of the box is lifted); a document whose body
/// is `@announcement` answers [`sound::announcement`].
pub fn scenario(text: &str) -> Scenario {
    let mut text = text.to_string();
    if !text.contains("[[number]]") {
        text.push_str(NUMBER);
    }
    if !["[[call]]", "[[dial]]", "lifts_at_ms"].iter().any(|calls| text.contains(calls)) {
        text.push_str(CALL);
    }
    let mut scenario = Scenario::parse(Path::new("test.toml"), &text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    for document in &mut scenario.document {
        if document.body == "@announcement" {
            document.octets = Some(sound::announcement().into());
            document.content_type.get_or_insert("audio/wav".into());
        }
    }
    scenario
}

/// One document at `/`, the usual number, and what the caller does.
pub fn caller(document: &str, does: &str) -> String {
    let call = CALL.replace("{ await_hangup", &format!("{does}{{ await_hangup"));
    format!("[[document]]\npath = \"/\"\nbody = '''{document}'''\n{call}")
}

/// One more document.
pub fn document(path: &str, body: &str) -> String {
    format!("\n[[document]]\npath = \"{path}\"\nbody = '''{body}'''\n")
}

/// Runs a scenario with seed 1.
pub fn run(text: &str) -> Run {
    run_scenario(&scenario(text))
}

/// Runs a scenario that has been read.
pub fn run_scenario(scenario: &Scenario) -> Run {
    run_amid(scenario, 1, Around::default())
}

/// The same, with a seed and what is around the box.
pub fn run_amid(scenario: &Scenario, seed: u64, around: Around) -> Run {
    let (text, outcome) = render_amid(scenario, seed, 1, around);
    let lines = text.split(|&octet| octet == b'\n').filter(|line| !line.is_empty());
    let lines = lines.map(|line| serde_json::from_slice(line).expect("a line is JSON")).collect();
    Run { outcome, lines }
}

/// The JSON lines of a run, octet by octet; `workers` threads carry effects out.
pub fn render(scenario: &Scenario, seed: u64, workers: usize) -> (Vec<u8>, Outcome) {
    render_amid(scenario, seed, workers, Around::default())
}

fn render_amid(scenario: &Scenario, seed: u64, workers: usize, around: Around) -> (Vec<u8>, Outcome) {
    let mut builder = match workers {
        1 => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    let runtime = builder.worker_threads(workers.max(1)).enable_all().build().expect("a runtime");
    let mut text = Vec::new();
    let options = Options { seed, json: true, heard: None };
    let outcome =
        runtime.block_on(simulation::run_amid(scenario, &options, around, &mut text)).expect("the scenario runs");
    runtime.shutdown_timeout(std::time::Duration::from_millis(200));
    (text, outcome)
}

impl Run {
    /// What came of the only call, or of the first.
    pub fn told(&self) -> &Told {
        &self.outcome.told[0]
    }

    /// What the only caller heard, or the first, as it came over the line.
    pub fn octets(&self) -> &[u8] {
        &self.outcome.heard[0].1
    }

    /// What the application was asked at a path.
    pub fn asked(&self, path: &str) -> Vec<&Asked> {
        self.outcome.asked.iter().filter(|asked| asked.path == path).collect()
    }

    /// The paths that were asked, in order.
    pub fn paths(&self) -> Vec<&str> {
        self.outcome.asked.iter().map(|asked| asked.path.as_str()).collect()
    }

    /// Lines of one kind, in order: time and text.
    pub fn lines(&self, kind: &str) -> Vec<(f64, &str)> {
        let of_kind = self.lines.iter().filter(|line| line["kind"] == kind);
        of_kind.filter_map(|line| Some((line["ms"].as_f64()?, line["text"].as_str()?))).collect()
    }

    /// The call that a program made, or the first.
    pub fn made(&self) -> &Told {
        &self.outcome.made[0]
    }

    /// The last record of a call.
    pub fn record(&self, sid: &str) -> &Call {
        let found = self.outcome.records.iter().find(|call| call.sid.to_string() == sid);
        found.unwrap_or_else(|| panic!("no record of {sid:?}"))
    }

    /// The legs that the box called for a call, in order.
    pub fn legs_of(&self, sid: &str) -> Vec<&Call> {
        let of = |call: &&Call| call.parent.is_some_and(|parent| parent.to_string() == sid);
        self.outcome.records.iter().filter(of).collect()
    }

    /// When a request was sent, in milliseconds from the start: the `n`th of a path, by the timeline.
    pub fn asked_at(&self, path: &str, n: usize) -> f64 {
        let fits = |text: &str| {
            let url = text.split_whitespace().find(|word| word.starts_with("http"));
            let path_of = |url: &str| url.splitn(4, '/').nth(3).map(|rest| format!("/{rest}"));
            url.and_then(path_of).is_some_and(|asked| asked.split('?').next() == Some(path))
        };
        let times: Vec<f64> = self.lines("http").into_iter().filter(|(_, text)| fits(text)).map(|(ms, _)| ms).collect();
        *times.get(n).unwrap_or_else(|| panic!("{path} was asked {} times", times.len()))
    }

    /// Fails unless the scenario itself found everything as it expects.
    #[track_caller]
    pub fn met(self) -> Self {
        assert_eq!(self.outcome.failures, [""; 0]);
        self
    }

    /// The final status and cause of the only call.
    pub fn end(&self) -> (&str, u8) {
        (self.told().status.as_deref().unwrap_or("none"), self.told().cause.unwrap_or(0))
    }
}

/// A parameter of a request.
pub fn value<'a>(asked: &'a Asked, name: &str) -> Option<&'a str> {
    asked.params.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}
