//! How an office works: plain values. Nothing happens here.

use tipring_card::Micros;
use tipring_dsp::{Cadence, ZoneId};

use crate::{
    exchange::Subscriber,
    lossy::LineFault,
    tones::{OfficeTone, Playing},
};

/// How an office works.
#[derive(Clone, Debug)]
pub struct OfficeConfig {
    /// The country: its tones and the cadence of its rings.
    pub zone: ZoneId,
    /// It does nothing before this moment.
    pub starts_at: Micros,
    /// What a seizure gets.
    pub dial_tone: DialTone,
    /// Digits of a whole number; none: only a pause ends the number. A subscriber's number that is dialled in full
    /// ends it too, unless a longer one begins the same.
    pub number_length: Option<usize>,
    /// A pause this long after a digit ends the number.
    pub digit_pause: Micros,
    /// Dial tone lasts this long, then congestion tone.
    pub first_digit: Micros,
    /// From the last digit to the first tone.
    pub switching: Micros,
    /// The numbers of its own lines, each with its line: from 1, in the order of [`crate::Office::lines`]. Such a number,
    /// dialled on a line, rings the box on the other one. The first entry of a number counts, and it goes before a
    /// subscriber's; the first number of a line is the one that it shows when it calls.
    pub line_numbers: Vec<(String, u8)>,
    /// Who answers calls of the box: the first entry that fits. A number that fits none gets the information tone.
    pub subscribers: Vec<Subscriber>,
    /// The polarity turns when a subscriber answers.
    pub reversal_on_answer: bool,
    /// The polarity turns when the box seizes the line, and stays so until something turns it again.
    pub reversal_on_seizure: bool,
    /// How the box is told that the far end has hung up.
    pub clearing: Clearing,
    /// It is told so much later; in between it hears silence. A call that rings ends at once.
    pub clearing_after: Micros,
    /// In place of the country's busy tone, wherever that would be played.
    pub busy_tone: Option<Cadence>,
    /// In place of the country's dial tone.
    pub dial_tone_form: Option<Cadence>,
    /// In place of the country's ringback.
    pub ringback_tone: Option<Cadence>,
    /// Lines that are worse than others; the first entry of a line counts.
    pub lines_differ: Vec<LineFault>,
    /// How it says who calls.
    pub caller_id: CallerIdForm,
    /// From a call's moment to its first ring. Whoever seizes the line meanwhile has the caller on it: glare.
    pub ring_delay: Micros,
    /// How long a call waits for its line before the caller hears busy (cause 17).
    pub line_wait: Micros,
    /// Keeps a line for every turn of a call.
    pub keeps_trace: bool,
}

impl Default for OfficeConfig {
    fn default() -> Self {
        OfficeConfig {
            zone: ZoneId::default(),
            starts_at: Micros::ZERO,
            dial_tone: DialTone::After(Micros::from_ms(300)),
            number_length: None,
            digit_pause: Micros::from_ms(2_500),
            first_digit: Micros::from_s(16),
            switching: Micros::from_ms(400),
            line_numbers: Vec::new(),
            subscribers: Vec::new(),
            reversal_on_answer: false,
            reversal_on_seizure: false,
            clearing: Clearing::BatteryDrop,
            clearing_after: Micros::ZERO,
            busy_tone: None,
            dial_tone_form: None,
            ringback_tone: None,
            lines_differ: Vec::new(),
            caller_id: CallerIdForm::Bell202,
            ring_delay: Micros::ZERO,
            line_wait: Micros::from_s(5),
            keeps_trace: true,
        }
    }
}

impl OfficeConfig {
    /// The line that has a number.
    pub(super) fn line_of(&self, digits: &str) -> Option<u8> {
        self.line_numbers.iter().find(|(number, _)| number == digits).map(|(_, line)| *line)
    }

    /// The number that a line shows.
    pub(super) fn number_of(&self, line: u8) -> Option<&str> {
        self.line_numbers.iter().find(|(_, of)| *of == line).map(|(number, _)| number.as_str())
    }

    /// A tone as it is played here.
    pub(super) fn tone(&self, tone: OfficeTone) -> Playing {
        let own = match tone {
            OfficeTone::Dial => self.dial_tone_form,
            OfficeTone::Ringback => self.ringback_tone,
            OfficeTone::Busy => self.busy_tone,
            OfficeTone::Congestion if self.zone.tones().congestion.is_empty() => self.busy_tone,
            OfficeTone::Congestion | OfficeTone::Information => None,
        };
        own.map_or_else(|| Playing::new(tone, self.zone), Playing::of)
    }
}

/// What a seizure gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DialTone {
    /// Dial tone after this long. Digits that come before it are not heard.
    After(Micros),
    /// No tone, but digits are heard at once.
    Silent,
    /// Nothing at all: the line is dead as far as it can hear.
    Dead,
}

/// How the box is told that the far end has hung up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clearing {
    /// The battery is dropped for half a second; then dial tone, if the box is still off hook.
    BatteryDrop,
    /// The battery is dropped for half a second; then busy tone until the box hangs up.
    BatteryDropThenBusyTone,
    /// Busy tone until the box hangs up; the battery stays. Usual in Europe.
    BusyTone,
    /// The polarity is turned once more, nothing else.
    Reversal,
    /// The polarity is turned once more, with busy tone behind it until the box hangs up.
    ReversalThenBusyTone,
    /// Dial tone, as for a fresh line.
    DialTone,
    /// Not at all: silence.
    Nothing,
}

/// How an office says who calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallerIdForm {
    /// Not at all.
    Nothing,
    /// Multiple data message format, Bell 202, between the first and the second ring.
    Bell202,
    /// The same message with the frequencies of V.23.
    V23,
    /// Bell 202 with a byte that was hurt on the way: the check sum does not fit.
    Damaged,
    /// Digits before the first ring, announced by a reversal of polarity: number only.
    Dtmf,
}
