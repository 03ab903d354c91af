//! The window of information frames: what is out, what is acknowledged, what may go next.
//!
//! Source: Q.921 §3.5.2 (state variables), §5.6 (information transfer).

use tipring_card::Micros;

use super::codec::{Address, Frame};
use super::layer::{Link, State, bump, emit};

impl Link {
    pub(super) fn outstanding(&self) -> u8 {
        distance(self.va, self.vs)
    }

    pub(super) fn nr_is_valid(&self, nr: u8) -> bool {
        distance(self.va, nr) <= self.outstanding()
    }

    pub(super) fn bad_nr(&mut self, now: Micros) {
        bump(&mut self.counters.bad_nr);
        self.reset(now);
    }

    pub(super) fn acknowledge(&mut self, nr: u8) {
        let count = distance(self.va, nr);
        for _ in 0..count {
            let _ = self.queue.pop_front();
        }
        self.sent_once = self.sent_once.saturating_sub(count);
        self.va = nr;
    }

    /// §5.6.3.2: all acknowledged stops T200, some acknowledged restarts it, none changes nothing.
    pub(super) fn acknowledge_and_time(&mut self, now: Micros, nr: u8) {
        let moved = nr != self.va;
        self.acknowledge(nr);
        if self.va == self.vs {
            self.t200 = None;
            self.t203 = Some(now + self.timers.t203);
        } else if moved {
            self.t200 = Some(now + self.timers.t200);
        }
    }

    /// Back to state 7, sending from V(A) on.
    pub(super) fn recovered(&mut self, now: Micros) {
        self.state = State::Established;
        self.vs = self.va;
        self.t200 = None;
        if self.peer_busy {
            self.t200 = Some(now + self.timers.t200);
            self.t203 = None;
        } else {
            self.t203 = Some(now + self.timers.t203);
        }
    }

    pub(super) fn send_window(&mut self, now: Micros) {
        let k = self.timers.k.clamp(1, MODULUS - 1);
        while self.state == State::Established && !self.peer_busy && self.outstanding() < k {
            let index = self.outstanding();
            let Some(info) = self.queue.get(usize::from(index)) else {
                break;
            };
            let frame = Frame::Information { ns: self.vs, nr: self.vr, poll: false, info };
            emit(&mut self.frames, &mut self.counters, Address::ours(self.role, true), frame);
            if index < self.sent_once {
                bump(&mut self.counters.retransmissions);
            } else {
                self.sent_once = index + 1;
            }
            self.vs = (self.vs + 1) % MODULUS;
            self.ack_owed = false;
            self.t203 = None;
            if self.t200.is_none() {
                self.t200 = Some(now + self.timers.t200);
            }
        }
    }
}

/// Sequence numbers count modulo 128.
pub(super) const MODULUS: u8 = 128;

/// How far `to` is ahead of `from`.
const fn distance(from: u8, to: u8) -> u8 {
    to.wrapping_sub(from) % MODULUS
}
