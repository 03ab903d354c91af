//! What the nouns that call somebody have in common: whom the progress is told, and whether a machine answered.

use crate::attributes::{Attributes, Number};
use crate::diagnostic::Notes;
use crate::verb::Method;

/// Which events of a call a callback wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallEvents {
    /// The attempt begins.
    pub initiated: bool,
    /// It rings.
    pub ringing: bool,
    /// It is answered.
    pub answered: bool,
    /// It is over.
    pub completed: bool,
}

impl Default for CallEvents {
    fn default() -> Self {
        CallEvents { initiated: false, ringing: false, answered: false, completed: true }
    }
}

/// How it is found out whether a machine has answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MachineDetection {
    /// When there is a verdict.
    pub mode: MachineMode,
    /// Seconds without a verdict after which there is none.
    pub timeout_s: u32,
    /// Speech that is longer is a machine's.
    pub speech_threshold_ms: u32,
    /// Silence after speech that ends it.
    pub speech_end_threshold_ms: u32,
    /// Silence from the answer on after which there is no verdict.
    pub silence_timeout_ms: u32,
}

/// When there is a verdict on a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MachineMode {
    /// As soon as it is known.
    Enable,
    /// When the machine's greeting is over.
    DetectMessageEnd,
}

/// What every noun that calls somebody says of the leg.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CalledLeg {
    /// A document for the called party before both are connected.
    pub url: Option<String>,
    /// How it is asked.
    pub method: Method,
    /// Told of the leg's progress.
    pub callback: Option<String>,
    /// How.
    pub callback_method: Method,
    /// Of what.
    pub callback_events: CallEvents,
}

/// Whether a machine has answered: how it is found out, and who is told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Amd {
    /// `None`: it is not to be found out.
    pub detection: Option<MachineDetection>,
    /// Told the verdict.
    pub callback: Option<String>,
    /// How.
    pub callback_method: Method,
}

/// `url`, `statusCallback` and their companions. `code`: of a wrong method or event.
pub(crate) fn called_leg(attributes: &mut Attributes<'_>, code: u32, notes: &mut Notes<'_>) -> CalledLeg {
    let url = attributes.given("url");
    let method = attributes.method("method", code, notes);
    let callback = attributes.given("statusCallback");
    let callback_method = attributes.method("statusCallbackMethod", code, notes);
    let words = ["initiated", "ringing", "answered", "completed"];
    let events = attributes.several("statusCallbackEvent", code, words, notes);
    let callback_events = events.map_or_else(CallEvents::default, |[initiated, ringing, answered, completed]| {
        CallEvents { initiated, ringing, answered, completed }
    });
    CalledLeg { url, method, callback, callback_method, callback_events }
}

/// `machineDetection`, `amdStatusCallback` and their companions.
pub(crate) fn amd(attributes: &mut Attributes<'_>, code: u32, notes: &mut Notes<'_>) -> Amd {
    let detection = machine(attributes, notes);
    let callback = attributes.given("amdStatusCallback");
    let callback_method = attributes.method("amdStatusCallbackMethod", code, notes);
    Amd { detection, callback, callback_method }
}

/// `machineDetection` and its settings; without it they have no effect.
fn machine(attributes: &mut Attributes<'_>, notes: &mut Notes<'_>) -> Option<MachineDetection> {
    let words = [("Enable", Some(MachineMode::Enable)), ("DetectMessageEnd", Some(MachineMode::DetectMessageEnd))];
    let mode = attributes.one_of("machineDetection", BAD_MODE, &words, None, notes);
    let mut number = |name, range, default| attributes.number(name, Number { code: BAD_VALUE, range, default }, notes);
    let timeout_s = number("machineDetectionTimeout", 3..=60, 30);
    let speech_threshold_ms = number("machineDetectionSpeechThreshold", 1_000..=6_000, 2_400);
    let speech_end_threshold_ms = number("machineDetectionSpeechEndThreshold", 500..=5_000, 1_200);
    let silence_timeout_ms = number("machineDetectionSilenceTimeout", 2_000..=10_000, 5_000);
    Some(MachineDetection { mode: mode?, timeout_s, speech_threshold_ms, speech_end_threshold_ms, silence_timeout_ms })
}

const BAD_MODE: u32 = 21234;
const BAD_VALUE: u32 = 21263;
