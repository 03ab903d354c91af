//! Calls that ring: the ring and its pauses, caller id, the offer, the answer. Caller id is awaited after the first ring
//! (Bellcore, most of ETSI) and, where polarity announces it, before. Not decoded here: the handset does that.

use tipring_card::{Hook, Micros};

use super::evidence::Scale;
use super::state::{State, Way};
use super::{Fxo, RING_STOPS, Record, WAIT_MOST};
use crate::words::{CallerId, Event, Listen, Output};

impl Fxo {
    /// A burst begins, or has ended. Either alone counts as a ring.
    pub(super) fn ring(&mut self, now: Micros, begins: bool) {
        match &mut self.state {
            State::Idle | State::Forewarned { .. } => self.first_ring(now, begins),
            State::Ringing { .. } => self.ring_again(now, begins),
            State::Offered { stops_at } | State::Ignored { stops_at } => {
                *stops_at = now + RING_STOPS;
                self.note_ring(now, begins);
            }
            // A ring that is answered goes on until the exchange has seen the answer.
            State::Met { .. } | State::Answering { .. } | State::InCall { way: Way::In, .. } => {
                self.note_ring(now, begins);
            }
            State::Seizing { .. } | State::AwaitingTone { .. } | State::Pausing { .. } => self.give_way(now, begins),
            // The end of a burst may be the tail of the call that has just ended.
            State::Clearing { ring, .. } if begins => *ring = Some(now),
            // Noise on the loop.
            _ => self.unexpected(),
        }
    }

    /// The line began to ring.
    pub(super) fn first_ring(&mut self, now: Micros, begins: bool) {
        if !matches!(self.state, State::Forewarned { .. }) {
            self.record = Record::default();
            self.caller = CallerId::default();
        }
        self.record.first_ring = Some(now);
        self.note_ring(now, begins);
        let stops_at = now + RING_STOPS;
        self.set_audio(true);
        if !self.config.caller_id || self.caller != CallerId::default() {
            return self.present(stops_at);
        }
        let (ended, limit) = if begins { (None, BURST_MOST) } else { (Some(now), CALLER_ID_LIMIT) };
        self.set_listen(if begins { Listen::Off } else { Listen::CallerId });
        self.state = State::Ringing { present_at: now + limit, stops_at, began: now, ended };
    }

    fn ring_again(&mut self, now: Micros, begins: bool) {
        self.note_ring(now, begins);
        let State::Ringing { present_at, stops_at, began, ended } = &mut self.state else { return };
        *stops_at = now + RING_STOPS;
        if !begins {
            (*ended, *present_at) = (Some(now), now + CALLER_ID_LIMIT);
            // The burst itself was heard too: begin afresh.
            self.listen = Listen::CallerId;
            return self.put(Output::Listen(Listen::CallerId));
        }
        if now.since(ended.unwrap_or(*began)) > SAME_RING {
            let stops_at = *stops_at;
            return self.present(stops_at);
        }
        (*began, *ended, *present_at) = (now, None, now + BURST_MOST);
        self.set_listen(Listen::Off);
    }

    fn note_ring(&mut self, now: Micros, begins: bool) {
        self.record.last_ring = Some(now);
        self.record.bursts = self.record.bursts.saturating_add(u16::from(begins));
    }

    /// A ring met our seizure. Whoever closes the loop of a line that rings has answered: the exchange stops the ring and
    /// connects the caller, and an on-hook now would let him down. So the loop stays closed, the dialled call is over,
    /// and the caller is offered at once; who he is was not told yet.
    pub(super) fn give_way(&mut self, now: Micros, begins: bool) {
        self.record = Record { first_ring: Some(now), off_hook: self.record.off_hook, ..Record::default() };
        self.note_ring(now, begins);
        self.tell(Event::Glare);
        self.set_audio(true);
        self.set_listen(Listen::Hangup);
        self.tell(Event::Incoming { caller: CallerId::default() });
        self.state = State::Met { until: now + WAIT_MOST };
    }

    /// A caller whom our seizure had answered is gone before the owner wanted him.
    pub(super) fn met_in_vain(&mut self, now: Micros) {
        self.let_go(now);
        self.tell(Event::Missed);
    }

    /// Polarity changed on an idle line.
    pub(super) fn forewarned(&mut self, now: Micros) {
        if self.config.caller_id {
            self.record = Record::default();
            self.caller = CallerId::default();
            self.set_audio(true);
            self.set_listen(Listen::CallerId);
            self.state = State::Forewarned { until: now + FOREWARNING };
        }
    }

    pub(super) fn caller_known(&mut self, now: Micros, caller: CallerId) {
        self.record.caller_id = Some(now);
        self.caller = caller;
        match &mut self.state {
            State::Ringing { stops_at, .. } => {
                let stops_at = *stops_at;
                self.present(stops_at);
            }
            State::Forewarned { until } => *until = now + FOREWARNING,
            _ => {}
        }
    }

    pub(super) fn present(&mut self, stops_at: Micros) {
        self.set_listen(Listen::Off);
        let caller = core::mem::take(&mut self.caller);
        self.tell(Event::Incoming { caller });
        self.state = State::Offered { stops_at };
    }

    pub(super) fn answer(&mut self, now: Micros) {
        match self.state {
            State::Offered { .. } => {
                self.hook(now, Hook::OffHook);
                self.state = State::Answering { until: now + REFUSAL };
            }
            State::Met { .. } => self.answered(now),
            _ => self.unexpected(),
        }
    }

    pub(super) fn answered(&mut self, now: Micros) {
        self.set_audio(true);
        self.set_listen(Listen::Hangup);
        self.record.answer = Some((now, None));
        self.tell(Event::Answered);
        self.begin_watch(now);
        self.state = State::InCall { way: Way::In, since: now, reversed: None, scale: Scale::default() };
    }
}

/// Longest burst, and the time for the card to tell its end; then it is offered without caller id.
const BURST_MOST: Micros = Micros::from_s(7);
/// From the end of the first ring to the end of the message: the longest pause between rings.
const CALLER_ID_LIMIT: Micros = Micros::from_s(5);
/// Two bursts nearer than this are one ring (ring-ring).
const SAME_RING: Micros = Micros::from_s(1);
/// From the reversal that announces caller id to the ring, or to the number, and from the number to the ring.
const FOREWARNING: Micros = Micros::from_s(4);
/// A refused hook action is told sooner than this; an off-hook that succeeds is not told at all.
const REFUSAL: Micros = Micros::from_ms(20);
