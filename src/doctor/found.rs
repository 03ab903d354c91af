//! What the doctor has found on a line: figures, nothing that follows from them.

use serde::{Deserialize, Serialize};
use tipring_analog::{AnswerSign, CallerIdForm, Config, Reversal};

use crate::probe::Echo;
use crate::tone::Measured;

/// Who called whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// The other line called the examined one.
    Called,
    /// The examined line called the other one.
    Calling,
}

/// One call between the two lines; all of it is about the examined one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallFound {
    /// Who called.
    pub way: Way,
    /// Dial tone of the line that called; of the examined one where that is it.
    pub dial_tone: Option<ToneFound>,
    /// Ringback, where the examined line called.
    pub ringback: Option<ToneFound>,
    /// From the last digit to the first ring at the other end; 0: the ring came before the digits counted as out here.
    pub rang_after_ms: Option<u32>,
    /// What the line told of its caller, where it was called.
    pub caller_id: Option<CallerIdFound>,
    /// From the answer of the other line to a reversal of polarity, where the examined line called.
    pub answer_reversal_ms: Option<u32>,
    /// The level of the line when nobody speaks.
    pub noise_dbm0: Option<f32>,
    /// A tone that the other line sends at -10 dBm0, as it comes.
    pub received_dbm0: Option<f32>,
    /// The same the other way round, as it comes there.
    pub sent_dbm0: Option<f32>,
    /// What comes back of what we send.
    pub echo: Option<Echo>,
    /// How the end was told, when the other line had hung up.
    pub end: Option<EndFound>,
}

impl CallFound {
    /// Nothing yet.
    pub fn new(way: Way) -> Self {
        CallFound {
            way,
            dial_tone: None,
            ringback: None,
            rang_after_ms: None,
            caller_id: None,
            answer_reversal_ms: None,
            noise_dbm0: None,
            received_dbm0: None,
            sent_dbm0: None,
            echo: None,
            end: None,
        }
    }
}

/// A tone of the exchange.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToneFound {
    /// So long after what brought it.
    pub after_ms: u32,
    /// As measured; `None`: nothing that is a tone.
    pub tone: Option<Measured>,
    /// Its rhythm is certain.
    pub certain: bool,
    /// The line's settings know it.
    pub known: bool,
}

/// What a line tells of a caller.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CallerIdFound {
    /// How it came: `bell-202`, `v23`, `dtmf`; `None`: nothing came.
    pub form: Option<String>,
    /// A number came.
    pub number: bool,
    /// A name came.
    pub name: bool,
    /// The number is withheld, or the network has none, and it said so.
    pub withheld: bool,
    /// Before the first ring.
    pub before_ring: bool,
    /// Messages with a wrong check sum.
    pub damaged: u32,
}

/// A form in a word.
pub fn form_word(form: CallerIdForm) -> &'static str {
    match form {
        CallerIdForm::Bell202 => "bell-202",
        CallerIdForm::V23 => "v23",
        CallerIdForm::Dtmf => "dtmf",
    }
}

/// How the end of a call was told. Times are from the other line's hang-up.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EndFound {
    /// The battery was dropped.
    pub battery_ms: Option<u32>,
    /// Polarity was reversed.
    pub reversal_ms: Option<u32>,
    /// Something sounded.
    pub tone: Option<ToneFound>,
    /// What the line's own ear has taken it for.
    pub heard_as: Option<String>,
    /// The tone has another meaning in the line's country.
    pub means: Option<String>,
    /// It was listened for so long.
    pub listened_ms: u32,
}

impl EndFound {
    /// Whether anything told of it.
    pub fn is_told(&self) -> bool {
        self.battery_ms.is_some()
            || self.reversal_ms.is_some()
            || self.tone.as_ref().is_some_and(|it| it.tone.is_some())
    }
}

/// A line's settings, as far as the doctor has something to say about them; words are those of the configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Whose tones it knows.
    pub country: String,
    /// `answer`
    pub answer: String,
    /// `dial_tone_ms`
    pub dial_tone_ms: u64,
    /// `dial_anyway`
    pub dial_anyway: bool,
    /// `caller_id`
    pub caller_id: bool,
    /// `hang_up_battery`
    pub hang_up_battery: bool,
    /// `hang_up_reversal`
    pub hang_up_reversal: String,
    /// `hang_up_tones`
    pub hang_up_tones: bool,
    /// `hang_up_dial_tone`
    pub hang_up_dial_tone: bool,
    /// `hang_up_silence_s`
    pub hang_up_silence_s: u64,
    /// `receive_gain_db`
    pub receive_gain_db: i8,
}

impl Settings {
    /// Of a line that is lent.
    pub fn of(config: &Config, receive_gain_db: i8) -> Self {
        Settings {
            country: config.zone.tones().code.into(),
            answer: match config.answer {
                AnswerSign::Reversal => "reversal",
                AnswerSign::Voice => "voice",
                AnswerSign::Dialled => "dialled",
            }
            .into(),
            dial_tone_ms: config.dial_tone_limit.as_ms(),
            dial_anyway: config.dial_anyway,
            caller_id: config.caller_id,
            hang_up_battery: config.trusted.battery,
            hang_up_reversal: match config.trusted.reversal {
                Reversal::Ignored => "ignored",
                Reversal::Doubted => "doubted",
                Reversal::Certain => "certain",
            }
            .into(),
            hang_up_tones: config.trusted.tones,
            hang_up_dial_tone: config.trusted.dial_tone,
            hang_up_silence_s: config.silence_limit.as_s(),
            receive_gain_db,
        }
    }
}
