//! Tells a telephone who calls: the other side of what `handset` hears. A caller id, or that messages wait, as sound on
//! its way out, for a port towards a telephone. When it is sent (between rings, before them, after a reversal) is the
//! port's.
//!
//! Keyed: an alert tone and its pause if wanted, seizure, mark, message. In digits: a start code, the number, an end
//! code. Allocates nothing.
//!
//! Source: Telcordia GR-30-CORE (levels, seizure, mark), ETSI EN 300 659-1 (alert tone, digits).

use tipring_dsp::fsk::{Modulator, Standard};
use tipring_dsp::{KeyTone, RATE, Tone};

use crate::callerid::{CallTime, Format, Message, message_of, message_waiting};
use crate::words::{CallerId, Digits};

/// How a telephone is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Keyed at 1200 bit/s.
    Keyed {
        /// By whose frequencies.
        standard: Standard,
        /// As a number alone, or with a name.
        format: Format,
        /// The alert tone goes before: for telephones that wait for it instead of a ring.
        alert: bool,
    },
    /// In digits: the number alone, no name.
    Digits(Codes),
}

impl Default for Manner {
    /// Bell 202 with number and name.
    fn default() -> Self {
        Manner::Keyed { standard: Standard::Bell202, format: Format::Multiple, alert: false }
    }
}

/// The codes around a number in digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codes {
    /// `A` number `C`; `B10C` for one that is withheld, `B00C` for one that is not known.
    AToC,
    /// `A` number `#`; `D1#` and `D3#`.
    AToHash,
    /// `D` number `C`. Nobody says what those exchanges send without a number: `B10C` and `B00C` here.
    DToC,
}

/// What a telephone is told, going out.
#[derive(Clone, Debug)]
pub struct CallerIdTone {
    /// Samples of the alert tone and of the pause behind it that are left.
    alert: usize,
    pause: usize,
    low: Tone,
    high: Tone,
    /// What is keyed; else it goes out in digits.
    keyed: Option<Modulator>,
    digits: Digits,
    next: usize,
    key: Option<KeyTone>,
}

impl CallerIdTone {
    /// A caller. What is withheld does not go out.
    pub fn of_caller(caller: &CallerId, manner: Manner, time: CallTime) -> CallerIdTone {
        match manner {
            Manner::Keyed { standard, format, alert } => {
                CallerIdTone::keyed(standard, alert, &message_of(caller, format, time))
            }
            Manner::Digits(codes) => {
                CallerIdTone { digits: digits_of(caller, codes), ..CallerIdTone::made(false, None) }
            }
        }
    }

    /// That messages wait, or wait no more. `None`: there is no such word in digits.
    pub fn of_waiting(waiting: bool, manner: Manner) -> Option<CallerIdTone> {
        match manner {
            Manner::Keyed { standard, format, alert } => {
                Some(CallerIdTone::keyed(standard, alert, &message_waiting(waiting, format)))
            }
            Manner::Digits(_) => None,
        }
    }

    fn keyed(standard: Standard, alert: bool, message: &Message) -> CallerIdTone {
        CallerIdTone::made(alert, Modulator::new(standard, KEYED_DBM0, message))
    }

    fn made(alert: bool, keyed: Option<Modulator>) -> CallerIdTone {
        let (alert, pause) = if alert { (ALERT_SAMPLES, ALERT_PAUSE_SAMPLES) } else { (0, 0) };
        let [low, high] = ALERT_HZ.map(|hz| Tone::new(hz, ALERT_DBM0));
        CallerIdTone { alert, pause, low, high, keyed, digits: Digits::new(), next: 0, key: None }
    }

    /// Writes the next samples; tells how many. Fewer than there is room for: it is over.
    pub fn fill(&mut self, samples: &mut [i16]) -> usize {
        let alert = self.alert.min(samples.len());
        let (sounds, rest) = samples.split_at_mut(alert);
        self.low.fill(sounds);
        self.high.add_to(sounds);
        let pause = self.pause.min(rest.len());
        let (silent, rest) = rest.split_at_mut(pause);
        silent.fill(0);
        (self.alert, self.pause) = (self.alert - alert, self.pause - pause);
        let message = match &mut self.keyed {
            Some(modulator) => modulator.fill(rest),
            None => self.fill_digits(rest),
        };
        alert + pause + message
    }

    fn fill_digits(&mut self, samples: &mut [i16]) -> usize {
        let mut done = 0;
        while done < samples.len() {
            let Some(tone) = &mut self.key else {
                let Some(digit) = self.digits.as_bytes().get(self.next) else { break };
                self.next += 1;
                self.key = KeyTone::with(*digit, DIGIT_LOW_DBM0, DIGIT_HIGH_DBM0, DIGIT_MS, DIGIT_MS);
                continue;
            };
            done += tone.fill(&mut samples[done..]);
            if tone.left() == 0 {
                self.key = None;
            }
        }
        done
    }
}

/// A number between its codes. One that does not fit between them is cut.
fn digits_of(caller: &CallerId, codes: Codes) -> Digits {
    let (start, end) = match codes {
        Codes::AToC => ('A', 'C'),
        Codes::AToHash => ('A', '#'),
        Codes::DToC => ('D', 'C'),
    };
    let number = caller.number.as_ref().filter(|_| !caller.restricted);
    // What a telephone takes for a code is no digit of a number.
    let number = number.map(|number| number.chars().filter(char::is_ascii_digit).take(MAX_NUMBER));
    let told = match (number, codes) {
        (Some(number), _) => return core::iter::once(start).chain(number).chain(core::iter::once(end)).collect(),
        (None, Codes::AToHash) if caller.restricted => "D1#",
        (None, Codes::AToHash) => "D3#",
        (None, _) if caller.restricted => "B10C",
        (None, _) => "B00C",
    };
    Digits::try_from(told).unwrap_or_default()
}

/// Digits of a number beside its two codes.
const MAX_NUMBER: usize = crate::words::MAX_DIGITS - 2;
/// Level of what is keyed (GR-30: -13.5 dBm at the exchange).
const KEYED_DBM0: f32 = -13.5;
/// The alert tone, 100 ms, and the pause between it and what it announces, 60 ms (45 to 75).
const ALERT_HZ: [f32; 2] = [2130.0, 2750.0];
const ALERT_DBM0: f32 = -15.0;
const ALERT_SAMPLES: usize = RATE as usize / 10;
const ALERT_PAUSE_SAMPLES: usize = 60 * RATE as usize / 1000;
/// A digit, and the pause behind it.
const DIGIT_MS: u16 = 70;
const DIGIT_LOW_DBM0: f32 = -13.0;
const DIGIT_HIGH_DBM0: f32 = -11.0;

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;

    fn caller(number: Option<&str>, restricted: bool) -> CallerId {
        CallerId { number: number.and_then(|it| it.try_into().ok()), restricted, ..CallerId::default() }
    }

    #[test]
    fn each_code_has_its_own_words_for_a_number_and_for_none() {
        for (codes, said) in [
            (Codes::AToC, ["A123C", "B10C", "B00C"]),
            (Codes::AToHash, ["A123#", "D1#", "D3#"]),
            (Codes::DToC, ["D123C", "B10C", "B00C"]),
        ] {
            let callers = [caller(Some("+12*3"), false), caller(Some("123"), true), caller(None, false)];
            assert_eq!(callers.map(|it| digits_of(&it, codes)), said, "{codes:?}");
        }
        let long = caller(Some(&"9".repeat(40)), false);
        assert_eq!(digits_of(&long, Codes::AToC), *std::format!("A{}C", "9".repeat(38)));
    }

    #[test]
    fn pieces_of_any_size_are_one_sound_and_have_their_length() {
        let keyed = Manner::Keyed { standard: Standard::V23, format: Format::Multiple, alert: true };
        let bits = 300 + 180 + 10 * (2 + 5 + 1) + 1;
        for (manner, count) in [(keyed, 800 + 480 + bits * 8000 / 1200), (Manner::Digits(Codes::AToHash), 5 * 140 * 8)]
        {
            let whole = CallerIdTone::of_caller(&caller(Some("123"), false), manner, CallTime::default());
            let mut samples = vec![0; 20_000];
            let written = whole.clone().fill(&mut samples);
            assert!(written.abs_diff(count) <= 1, "{written} of {count}");
            for size in [1, 7, 80, 1_000] {
                let (mut tone, mut parts) = (whole.clone(), vec![0; 20_000]);
                let sum: usize = parts.chunks_mut(size).map(|piece| tone.fill(piece)).sum();
                assert_eq!(sum, written, "pieces of {size}");
                assert!(parts == samples, "pieces of {size}");
            }
        }
    }
}
