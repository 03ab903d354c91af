//! The exchange of a scenario's analogue lines: what the file says of it, of the lines' own numbers and of lines that are
//! worse than others. How such an exchange works is `tipring_sim`'s; who can be called there stands with the subscribers.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use serde::Deserialize;
use serde::de::Error as _;
use tipring_card::Micros;
use tipring_countries::Tone;
use tipring_sim::{Clearing, DialTone, MAX_ECHO_MS, OfficeConfig};

use super::scenario::Scenario;
use super::settings::zone;
use crate::config::cadence;

/// Digits of a number, as in Q.931.
const MAX_DIGITS: usize = 40;
/// The latest sign of an end.
const MAX_CLEARS_AFTER_MS: u64 = 600_000;
/// Loss of a line; less than nothing is a gain.
const LOSS_DB: RangeInclusive<f32> = -20.0..=60.0;
/// Loss of an echo.
const ECHO_LOSS_DB: RangeInclusive<f32> = 0.0..=60.0;
/// Level of noise.
const NOISE_DBM0: RangeInclusive<f32> = -90.0..=0.0;

/// `[exchange]`: how the exchange of the analogue lines works.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AnalogExchange {
    /// Whose tones it plays; empty: those of the box's country.
    pub country: String,
    /// The polarity of the loop is reversed at the called party's answer.
    pub reverses_polarity: bool,
    /// How the box is told that the far end has hung up.
    pub clears_by: Clears,
    /// It is told so much later.
    pub clears_after_ms: u64,
    /// Dial tone comes this long after the seizure; -1: never.
    #[serde(deserialize_with = "or_never")]
    pub dial_tone_ms: Option<u64>,
    /// In place of the country's dial tone.
    #[serde(deserialize_with = "tone")]
    pub dial_tone: Option<Tone>,
    /// In place of the country's ringback.
    #[serde(deserialize_with = "rhythm")]
    pub ringback_tone: Option<Tone>,
    /// In place of the country's busy tone.
    #[serde(deserialize_with = "rhythm")]
    pub busy_tone: Option<Tone>,
    /// From a call's moment to its first ring: who seizes the line meanwhile has the caller on it.
    pub ring_delay_ms: u64,
}

impl Default for AnalogExchange {
    fn default() -> Self {
        AnalogExchange {
            country: String::new(),
            reverses_polarity: false,
            clears_by: Clears::default(),
            clears_after_ms: 0,
            dial_tone_ms: Some(300),
            dial_tone: None,
            ringback_tone: None,
            busy_tone: None,
            ring_delay_ms: 0,
        }
    }
}

fn or_never<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    Ok(u64::try_from(i64::deserialize(from)?).ok())
}

fn tone<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Tone>, D::Error> {
    let tone = String::deserialize(from)?.parse::<Tone>().map_err(|fault| D::Error::custom(fault.text()))?;
    Ok(Some(tone))
}

/// A tone that has a rhythm: a country's file has no other ones for them either.
fn rhythm<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Tone>, D::Error> {
    match tone(from)? {
        Some(tone) if tone.on_off_ms.is_empty() => {
            let why = format!("\"{tone}\" has no rhythm; only dial tone is endless: write \"{tone} 500/500\"");
            Err(D::Error::custom(why))
        }
        tone => Ok(tone),
    }
}

/// How an exchange tells that the far end has hung up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Clears {
    /// The battery is dropped for half a second.
    #[default]
    Battery,
    /// The same, then busy tone until the box hangs up.
    BatteryThenBusyTone,
    /// Busy tone until the box hangs up.
    BusyTone,
    /// The polarity is reversed once more.
    Reversal,
    /// The same, then busy tone until the box hangs up.
    ReversalThenBusyTone,
    /// Dial tone.
    DialTone,
    /// Not at all.
    Nothing,
}

impl Clears {
    fn clearing(self) -> Clearing {
        match self {
            Clears::Battery => Clearing::BatteryDrop,
            Clears::BatteryThenBusyTone => Clearing::BatteryDropThenBusyTone,
            Clears::BusyTone => Clearing::BusyTone,
            Clears::Reversal => Clearing::Reversal,
            Clears::ReversalThenBusyTone => Clearing::ReversalThenBusyTone,
            Clears::DialTone => Clearing::DialTone,
            Clears::Nothing => Clearing::Nothing,
        }
    }
}

/// `[[line_number]]`: the number of an analogue line. Dialled on another one, it rings the box on this one.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineNumber {
    /// The digits as they arrive.
    pub number: String,
    /// Which line, from 1.
    pub line: u8,
}

/// `[[line_fault]]`: an analogue line that is worse than others.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineFault {
    /// Which line, from 1.
    pub line: u8,
    /// What the exchange sends to the box is weaker by so much.
    #[serde(default)]
    pub loss_db: f32,
    /// What the box sends is weaker by so much.
    #[serde(default)]
    pub send_loss_db: f32,
    /// What the box sends comes back to it.
    #[serde(default)]
    pub echo: Option<Echo>,
    /// White noise in the direction of the box.
    #[serde(default)]
    pub noise_dbm0: Option<f32>,
}

/// An echo of what the box sends.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Echo {
    /// Weaker by so much.
    pub loss_db: f32,
    /// So much later.
    pub delay_ms: u16,
}

impl LineFault {
    /// Why it makes no sense.
    fn complaint(&self) -> Option<String> {
        let echo = self.echo.unwrap_or(Echo { loss_db: 0.0, delay_ms: 0 });
        for (key, figure, bounds) in [
            ("loss_db", self.loss_db, LOSS_DB),
            ("send_loss_db", self.send_loss_db, LOSS_DB),
            ("echo.loss_db", echo.loss_db, ECHO_LOSS_DB),
            ("noise_dbm0", self.noise_dbm0.unwrap_or_default(), NOISE_DBM0),
        ] {
            if !bounds.contains(&figure) {
                return Some(format!("line_fault: {key}: {} to {}", bounds.start(), bounds.end()));
            }
        }
        (echo.delay_ms > MAX_ECHO_MS).then(|| format!("line_fault: echo.delay_ms: at most {MAX_ECHO_MS}"))
    }

    fn fault(&self) -> tipring_sim::LineFault {
        tipring_sim::LineFault {
            line: self.line,
            loss_db: self.loss_db,
            send_loss_db: self.send_loss_db,
            echo: self.echo.map(|echo| tipring_sim::Echo { loss_db: echo.loss_db, delay_ms: echo.delay_ms }),
            noise_dbm0: self.noise_dbm0,
        }
    }
}

/// Why the lines and the exchange of a scenario make no sense, and where in the text; none: at no place of its own.
pub(super) fn complaint(scenario: &Scenario) -> Option<(Option<usize>, String)> {
    if scenario.exchange.clears_after_ms > MAX_CLEARS_AFTER_MS {
        return Some((None, format!("clears_after_ms: at most {MAX_CLEARS_AFTER_MS}")));
    }
    let is_there = |line: u8| line > 0 && u16::from(line) <= scenario.analog_lines;
    let mut numbers = BTreeSet::new();
    for entry in &scenario.line_number {
        let (at, entry) = (entry.span().start, entry.get_ref());
        let digits = |number: &str| number.bytes().all(|key| matches!(key, b'0'..=b'9' | b'*' | b'#' | b'A'..=b'D'));
        let why = match entry.number.as_str() {
            _ if !is_there(entry.line) => "line: 1 to analog_lines",
            number if number.is_empty() || number.len() > MAX_DIGITS || !digits(number) => {
                "number: 1 to 40 of 0-9, *, #, A-D"
            }
            number if !numbers.insert(number) => "number: it is a line's already",
            _ => continue,
        };
        return Some((Some(at), format!("line_number: {why}")));
    }
    let mut lines = BTreeSet::new();
    for entry in &scenario.line_fault {
        let (at, entry) = (entry.span().start, entry.get_ref());
        let why = match entry.line {
            line if !is_there(line) => Some("line_fault: line: 1 to analog_lines".to_owned()),
            line if !lines.insert(line) => Some("line_fault: line: it has one already".to_owned()),
            _ => entry.complaint(),
        };
        if let Some(why) = why {
            return Some((Some(at), why));
        }
    }
    None
}

/// The exchange as it is to be, with those who can be called there.
pub fn office_config(scenario: &Scenario, subscribers: Vec<tipring_sim::Subscriber>) -> OfficeConfig {
    let exchange = &scenario.exchange;
    let numbers = scenario.line_number.iter().map(toml::Spanned::get_ref);
    OfficeConfig {
        zone: zone(if scenario.exchange.country.is_empty() { &scenario.country } else { &scenario.exchange.country }),
        line_numbers: numbers.map(|entry| (entry.number.clone(), entry.line)).collect(),
        subscribers,
        reversal_on_answer: exchange.reverses_polarity,
        clearing: exchange.clears_by.clearing(),
        clearing_after: Micros::from_ms(exchange.clears_after_ms),
        dial_tone: match exchange.dial_tone_ms {
            Some(ms) => DialTone::After(Micros::from_ms(ms)),
            None => DialTone::Dead,
        },
        dial_tone_form: exchange.dial_tone.as_ref().map(cadence),
        ringback_tone: exchange.ringback_tone.as_ref().map(cadence),
        busy_tone: exchange.busy_tone.as_ref().map(cadence),
        lines_differ: scenario.line_fault.iter().map(|entry| entry.get_ref().fault()).collect(),
        ring_delay: Micros::from_ms(exchange.ring_delay_ms),
        keeps_trace: false,
        ..OfficeConfig::default()
    }
}
