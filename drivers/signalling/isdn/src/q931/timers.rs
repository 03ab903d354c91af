//! Timers of calls that run out: one function, one arm a timer, as in tables 9-1 and 9-2 of Q.931.

use tipring_card::{Cause, Micros};

use super::call::{Guard, MAX_CALLS, State};
use super::layer::{Layer, LinkState, bump};
use super::message::Kind;
use crate::words::{By, Digits, Event};

impl Layer {
    /// Deals with every timer that is due.
    pub(super) fn expire_calls(&mut self, now: Micros) {
        if let LinkState::Down { t309: Some(due) } = self.link
            && due <= now
        {
            self.t309(now);
        }
        // Each round removes a due timer or moves it ahead; a call has two.
        for _ in 0..2 * MAX_CALLS {
            let due = |at: Option<Micros>| at.is_some_and(|at| at <= now);
            let guard = self.calls.iter().position(|call| due(call.guard.map(|(_, at)| at)));
            let enquiry = self.calls.iter().position(|call| due(call.enquiry.map(|(at, _)| at)));
            match (guard, enquiry) {
                (Some(index), _) => self.guard_expired(now, index),
                (None, Some(index)) => self.t322(now, index),
                (None, None) => return,
            }
        }
    }

    /// The link did not come back: what was kept ends (§5.8.9).
    fn t309(&mut self, _now: Micros) {
        self.link = LinkState::Down { t309: None };
        bump(&mut self.counters.expired_timers);
        while !self.calls.is_empty() {
            self.finish(0, Cause::OUT_OF_ORDER, By::Link);
        }
    }

    fn guard_expired(&mut self, now: Micros, index: usize) {
        let Some((guard, _)) = self.calls[index].guard.take() else {
            return;
        };
        let repeated = core::mem::replace(&mut self.calls[index].repeated, true);
        match (guard, repeated) {
            (Guard::T303, false) => {
                bump(&mut self.counters.repeated_messages);
                let setup = self.calls[index].setup.clone();
                self.transmit_octets(&setup);
                self.guard(now, index, Guard::T303, self.config.timers.t303);
            }
            (Guard::T308, false) => {
                bump(&mut self.counters.repeated_messages);
                let cause = self.calls[index].end(Cause::NORMAL, By::Local).0;
                let message = self.with_cause(Kind::Release, cause);
                self.send(index, message);
                self.guard(now, index, Guard::T308, self.config.timers.t308);
            }
            (Guard::T302, false) => {
                // No digit for a while: is the number complete? The owner knows, or the next T302 ends it.
                let call = self.calls[index].id;
                self.event(Event::Digits { call, digits: Digits::new(), complete: true });
                self.guard(now, index, Guard::T302, self.config.timers.t302);
            }
            _ => {
                bump(&mut self.counters.expired_timers);
                self.expired_for_good(now, index, guard);
            }
        }
    }

    fn expired_for_good(&mut self, now: Micros, index: usize, guard: Guard) {
        match guard {
            Guard::T303 => self.complete(index, Cause::TIMER_EXPIRY, By::Timer),
            Guard::T308 => self.t308(now, index),
            Guard::T305 | Guard::T306 => {
                let cause = self.calls[index].end(Cause::TIMER_EXPIRY, By::Timer).0;
                self.release(now, index, cause);
            }
            Guard::T301 => self.time_out(now, index, Cause::NO_ANSWER),
            Guard::T302 => self.time_out(now, index, INVALID_NUMBER),
            Guard::T304 | Guard::T310 | Guard::T313 => self.time_out(now, index, Cause::TIMER_EXPIRY),
            Guard::Offer if self.calls[index].state == State::Offered => {
                self.complete(index, Cause::TEMPORARY_FAILURE, By::Timer);
            }
            Guard::Offer => self.time_out(now, index, Cause::TEMPORARY_FAILURE),
        }
    }

    fn time_out(&mut self, now: Micros, index: usize, cause: Cause) {
        let call = self.calls[index].id;
        self.disconnect(now, index, cause, By::Timer);
        self.event(Event::Disconnecting { call, cause, inband: false });
    }

    /// The far end does not confirm the release: nobody knows whether the channel is free (§5.3.3).
    fn t308(&mut self, now: Micros, index: usize) {
        let timeslot = self.calls[index].timeslot;
        self.finish(index, Cause::TIMER_EXPIRY, By::Timer);
        if let Some(timeslot) = timeslot {
            self.withdraw(now, timeslot);
        }
    }

    /// No STATUS: asked again, then the far end counts as having lost the call (§5.8.10).
    fn t322(&mut self, now: Micros, index: usize) {
        let Some((_, times)) = self.calls[index].enquiry else {
            return;
        };
        if times < self.config.timers.n322 {
            bump(&mut self.counters.repeated_messages);
            self.enquire(now, index);
        } else {
            bump(&mut self.counters.expired_timers);
            self.calls[index].enquiry = None;
            self.time_out(now, index, Cause::TEMPORARY_FAILURE);
        }
    }
}

/// 28: invalid number format.
const INVALID_NUMBER: Cause = Cause(28);
