//! Calls that we dial: seizure, dial tone, digits, progress, and what is taken for the answer.
//!
//! Causes, where a tone is all there is to go by: busy 17; congestion 34, as the network has no circuit; information
//! tones 1, their most common meaning: which of the three sequences it was is not known.

use tipring_card::{Cause, Hook, Micros, Supervision};

use super::evidence::Scale;
use super::state::{State, Way};
use super::{Fxo, Record, WAIT_MOST};
use crate::words::{AnswerSign, Digits, Event, Heard, Listen, Output, Sign};

impl Fxo {
    pub(super) fn dial(&mut self, now: Micros, digits: Digits) {
        let refusal = match self.state {
            State::Closed | State::Lost => Some((Cause::OUT_OF_ORDER, Sign::Lost)),
            State::Ringing { .. } | State::Offered { .. } | State::Ignored { .. } => {
                Some((Cause::CHANNEL_UNAVAILABLE, Sign::Glare))
            }
            State::Clearing { .. } => Some((Cause::CHANNEL_UNAVAILABLE, Sign::Refused)),
            State::Idle | State::Forewarned { .. } if self.dead => Some((Cause::OUT_OF_ORDER, Sign::BatteryDrop)),
            State::Idle | State::Forewarned { .. } if !is_dialable(&digits) => Some((INVALID_NUMBER, Sign::Refused)),
            State::Idle | State::Forewarned { .. } => None,
            // A call is on the line: its owner would take an end for that call's.
            _ => return self.unexpected(),
        };
        if let Some((cause, sign)) = refusal {
            return self.tell(Event::Ended { cause, sign });
        }
        self.record = Record::default();
        self.set_listen(Listen::Off);
        self.hook(now, Hook::Start);
        self.state = State::Seizing { digits, until: now + SEIZURE_LIMIT };
    }

    pub(super) fn seized(&mut self, now: Micros) {
        let State::Seizing { digits, .. } = &mut self.state else { return };
        let digits = core::mem::take(digits);
        self.record.seized = Some(now);
        self.set_audio(true);
        self.state = if self.config.dial_tone_limit == Micros::ZERO {
            State::Pausing { digits, until: now + self.config.dial_pause.min(WAIT_MOST) }
        } else {
            self.set_listen(Listen::DialTone);
            State::AwaitingTone { digits, until: now + self.config.dial_tone_limit.min(WAIT_MOST) }
        };
    }

    pub(super) fn dial_tone(&mut self, now: Micros) {
        self.record.dial_tone = Some(now);
        self.send(now);
    }

    pub(super) fn send(&mut self, now: Micros) {
        let (State::AwaitingTone { digits, .. } | State::Pausing { digits, .. }) = &mut self.state else { return };
        let digits = core::mem::take(digits);
        self.record.sent = Some(now);
        // Our own digits come back from the line.
        self.set_listen(Listen::Off);
        let until = now + Micros::from_s(digits.len() as u64) + DIALLING_SPARE;
        self.put(Output::Send(digits));
        self.state = State::Dialling { until };
    }

    pub(super) fn dialled(&mut self, now: Micros) {
        self.record.dialled = Some(now);
        self.tell(Event::Dialled);
        if self.config.answer == AnswerSign::Dialled {
            return self.connected(now, Supervision::GuessedDialled);
        }
        self.set_listen(Listen::Progress);
        self.state = State::Progress { until: now + PROGRESS_LIMIT, rang: false };
    }

    pub(super) fn progress(&mut self, now: Micros, heard: Heard) {
        let State::Progress { rang, .. } = &mut self.state else { return };
        let guesses = self.config.answer != AnswerSign::Reversal;
        match heard {
            Heard::Ringback => {
                if !core::mem::replace(rang, true) {
                    self.record.ringback = Some(now);
                    self.tell(Event::Ringback);
                }
            }
            Heard::Busy => self.finish(now, Cause::USER_BUSY, Sign::BusyTone),
            Heard::Congestion => self.finish(now, Cause::NO_CHANNEL, Sign::CongestionTone),
            Heard::Information => self.finish(now, Cause::UNALLOCATED, Sign::InformationTone),
            // The exchange has given up on us.
            Heard::Howler => self.finish(now, Cause::TEMPORARY_FAILURE, Sign::Howler),
            // The exchange has forgotten our digits.
            Heard::DialTone => self.finish(now, Cause::TEMPORARY_FAILURE, Sign::DialTone),
            Heard::Voice if guesses => self.connected(now, Supervision::GuessedVoice),
            Heard::Silence(ms) if guesses && *rang && ms >= SILENT_ANSWER_MS => {
                self.connected(now, Supervision::GuessedSilence);
            }
            Heard::Voice | Heard::Silence(_) | Heard::BothSilent(_) | Heard::Level(_) => {}
            Heard::CallerId(_)
            | Heard::BadCallerId
            | Heard::MessageWaiting(_)
            | Heard::Dialled
            | Heard::Broken
            | Heard::Key(_)
            | Heard::Told => {
                self.unexpected();
            }
        }
    }

    pub(super) fn connected(&mut self, now: Micros, by: Supervision) {
        self.set_listen(Listen::Hangup);
        self.record.answer = Some((now, Some(by)));
        self.tell(Event::Connected(by));
        let reversed = (by == Supervision::Reversal).then_some(now);
        self.begin_watch(now);
        self.state = State::InCall { way: Way::Out, since: now, reversed, scale: Scale::default() };
    }
}

/// Whether every character is a key or a pause, and one at least is a key.
fn is_dialable(digits: &str) -> bool {
    let is_key = |c: char| c.is_ascii_digit() || matches!(c, '*' | '#' | 'A'..='D');
    digits.chars().all(|c| is_key(c) || matches!(c, 'w' | 'W')) && digits.chars().any(is_key)
}

/// Q.850: invalid number format.
const INVALID_NUMBER: Cause = Cause(28);
/// The card's seizure takes two seconds.
const SEIZURE_LIMIT: Micros = Micros::from_s(5);
/// No digit or pause takes more than a second; so much more before it is given up.
const DIALLING_SPARE: Micros = Micros::from_s(5);
/// Ringing has stopped and nobody speaks: longer than any pause of ringback.
const SILENT_ANSWER_MS: u32 = 6_600;
/// Exchanges end a call that nobody answers within some minutes; after this we do.
const PROGRESS_LIMIT: Micros = Micros::from_s(300);
