//! The digits that a telephone dials: collected, judged by the owner, and when they are a number.

use tipring_card::Micros;

use super::state::State;
use super::words::{Event, Judgement, Output, Tone};
use super::{Fxs, WAIT_MOST};
use crate::words::Digits;

impl Fxs {
    /// A key, in tones or pulses.
    pub(super) fn key(&mut self, now: Micros, key: u8) {
        let known = matches!(key, b'0'..=b'9' | b'*' | b'#' | b'A'..=b'D');
        let (true, State::Prompted { .. } | State::Collecting { .. }) = (known, &self.state) else {
            // In a call keys are the call's.
            if !(self.state.is_lifted() && known) {
                self.unexpected();
            }
            return;
        };
        self.play(None);
        let mut digits = match &mut self.state {
            State::Collecting { digits, .. } => core::mem::take(digits),
            _ => Digits::new(),
        };
        // Behind other digits it says that the number is whole.
        if key == b'#' && !digits.is_empty() && !digits.starts_with(['*', '#']) {
            return self.dialled(digits);
        }
        if digits.push(char::from(key)).is_err() {
            // Longer than any number.
            return self.warn(now, Tone::Congestion);
        }
        self.put(Output::Judge(digits.clone()));
        self.state = State::Collecting { digits, until: now + self.config.next_digit.min(WAIT_MOST) };
    }

    /// What the owner says of the digits so far.
    pub(super) fn judged(&mut self, now: Micros, judgement: Judgement) {
        let State::Collecting { digits, until } = &mut self.state else {
            return self.unexpected();
        };
        match judgement {
            Judgement::Beginning => {}
            Judgement::Perhaps => *until = now + self.config.whole_number.min(WAIT_MOST),
            Judgement::Whole => {
                let digits = core::mem::take(digits);
                self.dialled(digits);
            }
            Judgement::Nothing => self.warn(now, Tone::Congestion),
        }
    }

    /// The number is whole.
    pub(super) fn dialled(&mut self, digits: Digits) {
        self.set_keys(false);
        self.play(None);
        self.state = State::Called;
        self.put(Output::Event(Event::Dialled(digits)));
    }
}
