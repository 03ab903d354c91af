//! Restart of channels in both directions: ours with T316 and N316, the far end's at once. Channels wait in line, one
//! RESTART unanswered at a time, for there is one global call reference; once the far end lets one run out, the rest
//! goes without waiting, so that thirty deaf channels take minutes and not hours.
//!
//! T317 has nothing to guard: clearing inside takes no time here.
//! Source: Q.931 §5.5.

use tipring_card::{Cause, Micros};

use super::channels::Slot;
use super::ie::{Channel, Ie, RestartClass, Selection};
use super::layer::{Layer, bump};
use super::message::{Kind, Message, Reference};
use crate::q921::sooner;
use crate::words::{By, Event, Fault};

/// A restart of ours on one channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Restart {
    None,
    /// Waits in line, or for the link.
    Waiting,
    /// RESTART is out.
    Sent {
        due: Micros,
        times: u8,
        /// A SETUP for the channel came meanwhile.
        setup_seen: bool,
    },
}

impl Layer {
    /// Restarts a channel or all; calls on them end.
    pub(super) fn restart(&mut self, now: Micros, timeslot: Option<u8>) {
        let channels = self.config.channels;
        for slot in channels.iter().filter(|&slot| timeslot.is_none_or(|only| only == slot)) {
            self.end_call_on(slot);
            if self.restarts[usize::from(slot)] == Restart::None {
                self.restarts[usize::from(slot)] = Restart::Waiting;
            }
        }
        if timeslot.is_some_and(|only| !channels.contains(only)) {
            bump(&mut self.counters.misplaced_commands);
        }
        self.send_restarts(now);
    }

    /// A channel whose far end did not confirm that it is free.
    pub(super) fn withdraw(&mut self, now: Micros, timeslot: u8) {
        let slot = usize::from(timeslot % 32);
        bump(&mut self.counters.channels_to_maintenance);
        self.slots[slot] = Slot::Maintenance;
        if self.config.heal && self.restarts[slot] == Restart::None {
            self.restarts[slot] = Restart::Waiting;
            self.send_restarts(now);
        }
    }

    /// Puts every channel in maintenance in line.
    pub(super) fn heal_channels(&mut self) {
        self.peer_is_deaf = false;
        for slot in 0..self.slots.len() {
            let broken = self.slots[slot] == Slot::Maintenance;
            if self.config.heal && broken && self.restarts[slot] == Restart::None {
                self.restarts[slot] = Restart::Waiting;
            }
        }
    }

    /// Without a link no RESTART goes out and none runs out.
    pub(super) fn pause_restarts(&mut self) {
        self.restarts_out = 0;
        for restart in &mut self.restarts {
            if *restart != Restart::None {
                *restart = Restart::Waiting;
            }
        }
    }

    pub(super) fn send_restarts(&mut self, now: Micros) {
        if !self.is_link_up() {
            return;
        }
        let mut out = self.restarts.iter().any(|restart| matches!(restart, Restart::Sent { .. }));
        for timeslot in self.config.channels.iter() {
            if out && !self.peer_is_deaf {
                return;
            }
            if self.restarts[usize::from(timeslot)] == Restart::Waiting {
                self.send_restart(now, timeslot, 1);
                out = true;
            }
        }
    }

    fn send_restart(&mut self, now: Micros, timeslot: u8, times: u8) {
        let due = now + self.config.timers.t316;
        self.restarts[usize::from(timeslot % 32)] = Restart::Sent { due, times, setup_seen: false };
        self.restarts_out |= 1 << (timeslot % 32);
        self.transmit(&mut Message {
            channel: Ie::Is(Channel::slot(timeslot, false)),
            restart: Ie::Is(RestartClass::Channels),
            ..Message::new(Kind::Restart)
        });
    }

    fn end_restart(&mut self, timeslot: u8) {
        self.restarts[usize::from(timeslot % 32)] = Restart::None;
        self.restarts_out &= !(1 << (timeslot % 32));
    }

    pub(super) fn restart_deadline(&self) -> Option<Micros> {
        let (mut first, mut out) = (None, self.restarts_out);
        while out != 0 {
            if let Restart::Sent { due, .. } = self.restarts[out.trailing_zeros() as usize] {
                first = sooner(first, Some(due));
            }
            out &= out - 1;
        }
        first
    }

    pub(super) fn expire_restarts(&mut self, now: Micros) {
        for timeslot in self.config.channels.iter() {
            let Restart::Sent { due, times, .. } = self.restarts[usize::from(timeslot)] else {
                continue;
            };
            if due > now {
                continue;
            }
            if times < self.config.timers.n316 {
                bump(&mut self.counters.repeated_messages);
                self.send_restart(now, timeslot, times + 1);
            } else {
                bump(&mut self.counters.failed_restarts);
                bump(&mut self.counters.channels_to_maintenance);
                self.peer_is_deaf = true;
                self.end_restart(timeslot);
                self.slots[usize::from(timeslot)] = Slot::Maintenance;
                self.event(Event::RestartFailed { timeslot });
            }
        }
        self.send_restarts(now);
    }

    /// A SETUP on a channel whose RESTART is unanswered. The first may have crossed with it; the second shows that
    /// the far end is done and its acknowledgement lost. A RESTART that still waits for its turn is not needed: the far
    /// end holds the channel for idle, or it would not offer a call on it.
    pub(super) fn setup_during_restart(&mut self, timeslot: u8) -> bool {
        match &mut self.restarts[usize::from(timeslot % 32)] {
            Restart::Waiting | Restart::Sent { setup_seen: true, .. } => {
                self.end_restart(timeslot);
                true
            }
            Restart::Sent { setup_seen, .. } => {
                *setup_seen = true;
                false
            }
            Restart::None => false,
        }
    }

    /// A message with the global call reference.
    pub(super) fn global_message(&mut self, now: Micros, message: &Message) {
        match message.kind {
            Kind::Restart => self.restarted_by_peer(message),
            Kind::RestartAck => self.restart_acknowledged(now, message),
            Kind::Status => bump(&mut self.counters.status_errors),
            Kind::ReleaseComplete | Kind::Release => bump(&mut self.counters.bad_references),
            _ => {
                bump(&mut self.counters.bad_references);
                self.global_status(message.reference, INVALID_REFERENCE);
            }
        }
    }

    fn global_status(&mut self, to: Reference, cause: Cause) {
        let message = Message { call_state: Ie::Is(0), ..self.with_cause(Kind::Status, cause) };
        self.answer(to, message);
    }

    /// The channels that a RESTART or its acknowledgement covers; an error is the cause to answer with.
    fn covered(&self, message: &Message) -> Result<u32, Cause> {
        let class = match message.restart {
            Ie::Is(class) => class,
            Ie::Absent => return Err(MISSING_ELEMENT),
            Ie::Bad => return Err(BAD_ELEMENT),
        };
        match (class, &message.channel) {
            (RestartClass::Interface | RestartClass::All, _) => Ok(u32::MAX),
            (RestartClass::Channels, Ie::Absent) => Err(MISSING_ELEMENT),
            (RestartClass::Channels, Ie::Bad) => Err(BAD_ELEMENT),
            (RestartClass::Channels, Ie::Is(channel)) => match channel.selection {
                Selection::Slots(bits) => Ok(bits),
                Selection::None | Selection::Any => Err(BAD_ELEMENT),
            },
        }
    }

    fn restarted_by_peer(&mut self, message: &Message) {
        let bits = match self.covered(message) {
            Ok(bits) => bits,
            Err(cause) => {
                bump(if cause == MISSING_ELEMENT {
                    &mut self.counters.missing_elements
                } else {
                    &mut self.counters.bad_elements
                });
                self.fault(None, if cause == MISSING_ELEMENT { Fault::MissingElement } else { Fault::BadElement });
                return self.global_status(message.reference, cause);
            }
        };
        let mut any = false;
        for timeslot in self.config.channels.iter().filter(|slot| bits & (1u32 << slot) != 0) {
            any = true;
            self.end_call_on(timeslot);
            let slot = &mut self.slots[usize::from(timeslot)];
            if *slot == Slot::Maintenance {
                *slot = Slot::Idle; // the far end says itself that it is free
            }
            self.event(Event::ChannelRestarted { timeslot });
        }
        if !any {
            bump(&mut self.counters.bad_elements);
            return self.global_status(message.reference, NO_SUCH_CHANNEL);
        }
        let answer = Message {
            channel: message.channel.clone(),
            restart: message.restart.clone(),
            ..Message::new(Kind::RestartAck)
        };
        self.answer(message.reference, answer);
    }

    fn restart_acknowledged(&mut self, now: Micros, message: &Message) {
        let Ok(bits) = self.covered(message) else {
            bump(&mut self.counters.bad_elements);
            return self.fault(None, Fault::BadElement);
        };
        let mut any = false;
        for timeslot in self.config.channels.iter().filter(|slot| bits & (1u32 << slot) != 0) {
            let slot = usize::from(timeslot);
            if !matches!(self.restarts[slot], Restart::Sent { .. }) {
                continue;
            }
            any = true;
            self.peer_is_deaf = false;
            self.end_restart(timeslot);
            if self.slots[slot] == Slot::Maintenance {
                self.slots[slot] = Slot::Idle;
            }
            self.event(Event::ChannelRestarted { timeslot });
        }
        if !any {
            bump(&mut self.counters.unexpected_messages);
        }
        self.send_restarts(now);
    }

    /// Ends the call on a channel without a message: RESTART speaks for it.
    fn end_call_on(&mut self, timeslot: u8) {
        if let Some(index) = self.calls.iter().position(|call| call.timeslot == Some(timeslot)) {
            self.finish(index, Cause::TEMPORARY_FAILURE, By::Restart);
        }
    }
}

/// 81: invalid call reference value.
const INVALID_REFERENCE: Cause = Cause(81);
/// 82: identified channel does not exist.
const NO_SUCH_CHANNEL: Cause = Cause(82);
/// 96: mandatory information element is missing.
const MISSING_ELEMENT: Cause = Cause(96);
/// 100: invalid information element contents.
const BAD_ELEMENT: Cause = Cause(100);
