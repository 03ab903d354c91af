//! Which bearer channel a call gets, and what happens when both ends want the same one. It sends nothing.
//!
//! The network takes the lowest idle channel, the user the highest: they meet in the middle of a full trunk only.
//! Source: Q.931 §5.1.2 and §5.2.3 (selection), §5.7 (collisions).

use tipring_card::Cause;

use super::call::State;
use super::ie::{Channel, Selection};
use super::layer::{Layer, bump};
use super::restart::Restart;
use crate::Role;
use crate::words::{CallId, ChannelState};

/// What holds a channel. Restarts are kept beside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    Idle,
    Held(CallId),
    Maintenance,
}

impl Layer {
    /// What a channel does.
    pub fn channel_state(&self, timeslot: u8) -> ChannelState {
        if !self.config.channels.contains(timeslot) {
            return ChannelState::Absent;
        }
        match self.slots[usize::from(timeslot)] {
            Slot::Held(call) => ChannelState::InCall(call),
            Slot::Maintenance => ChannelState::Maintenance,
            Slot::Idle if self.restarts[usize::from(timeslot)] != Restart::None => ChannelState::Restarting,
            Slot::Idle => ChannelState::Idle,
        }
    }

    fn is_idle(&self, timeslot: u8) -> bool {
        self.channel_state(timeslot) == ChannelState::Idle
    }

    pub(super) fn hold(&mut self, timeslot: u8, call: CallId) {
        self.slots[usize::from(timeslot % 32)] = Slot::Held(call);
    }

    /// Frees a channel if that call holds it.
    pub(super) fn free(&mut self, timeslot: u8, call: CallId) {
        let slot = &mut self.slots[usize::from(timeslot % 32)];
        if *slot == Slot::Held(call) {
            *slot = Slot::Idle;
        }
    }

    fn any_idle(&self) -> Result<u8, Cause> {
        let mut idle = self.config.channels.iter().filter(|&slot| self.is_idle(slot));
        match self.config.role {
            Role::Network => idle.next(),
            Role::User => idle.next_back(),
        }
        .ok_or(Cause::NO_CHANNEL)
    }

    /// An idle channel for a call of the far end; else one that only waits in line for its RESTART, which the far end
    /// shows to be needless by having a call for it.
    fn any_for_incoming(&mut self) -> Result<u8, Cause> {
        let idle = self.any_idle();
        if idle.is_ok() {
            return idle;
        }
        let mut waiting = self.config.channels.iter();
        let slot = waiting.find(|&slot| {
            self.slots[usize::from(slot)] == Slot::Idle && self.restarts[usize::from(slot)] == Restart::Waiting
        });
        let slot = slot.ok_or(Cause::NO_CHANNEL)?;
        self.restarts[usize::from(slot)] = Restart::None;
        Ok(slot)
    }

    /// A channel for a call that we make.
    pub(super) fn choose_outgoing(&self, wish: Option<u8>, exclusive: bool) -> Result<u8, Cause> {
        match wish {
            Some(slot) if self.is_idle(slot) => Ok(slot),
            Some(slot) if exclusive && !self.config.channels.contains(slot) => Err(NO_SUCH_CHANNEL),
            Some(_) if exclusive => Err(Cause::CHANNEL_UNAVAILABLE),
            _ => self.any_idle(),
        }
    }

    /// A channel for a call that the far end makes.
    pub(super) fn choose_incoming(&mut self, offered: Option<Channel>) -> Result<u8, Cause> {
        let Some(channel) = offered else {
            return self.any_for_incoming();
        };
        let Some(slot) = channel.first() else {
            return match channel.selection {
                Selection::None => Err(Cause::NO_CHANNEL),
                Selection::Any | Selection::Slots(_) => self.any_for_incoming(),
            };
        };
        let otherwise = |cause: Cause, layer: &mut Layer| {
            if channel.exclusive { Err(cause) } else { layer.any_for_incoming() }
        };
        match self.channel_state(slot) {
            ChannelState::Idle => Ok(slot),
            ChannelState::Absent => otherwise(NO_SUCH_CHANNEL, self),
            ChannelState::InCall(holder) => {
                if self.yields(holder) {
                    return Ok(slot);
                }
                otherwise(Cause::CHANNEL_UNAVAILABLE, self)
            }
            ChannelState::Restarting if self.setup_during_restart(slot) => Ok(slot),
            ChannelState::Restarting | ChannelState::Maintenance => otherwise(Cause::CHANNEL_UNAVAILABLE, self),
        }
    }

    /// Both ends seized the channel: the user's call, not yet answered, gives it up and waits for another one.
    fn yields(&mut self, holder: CallId) -> bool {
        let role = self.config.role;
        let Some(call) = self.calls.iter_mut().find(|call| call.id == holder) else {
            return false;
        };
        if !call.placed || call.settled || call.state != State::Offered {
            return false;
        }
        bump(&mut self.counters.collisions);
        if role == Role::Network {
            return false;
        }
        call.timeslot = None;
        true
    }

    /// Takes the channel that the first answer to our SETUP names. An error is the cause to break off with.
    pub(super) fn adopt_channel(&mut self, index: usize, named: Option<Channel>) -> Result<(), Cause> {
        let call = &mut self.calls[index];
        let first_answer = !call.settled;
        call.settled = true;
        let (id, current, exclusive) = (call.id, call.timeslot, call.exclusive);
        let Some(slot) = named.and_then(Channel::first) else {
            return Ok(());
        };
        if current == Some(slot) {
            return Ok(());
        }
        if !first_answer && current.is_some() {
            bump(&mut self.counters.unexpected_messages); // the channel is settled: not changed any more
            return Ok(());
        }
        if exclusive || !self.is_idle(slot) {
            return Err(match self.config.role {
                Role::User => CHANNEL_UNACCEPTABLE,
                Role::Network => Cause::CHANNEL_UNAVAILABLE,
            });
        }
        if let Some(old) = current {
            self.free(old, id);
        }
        self.hold(slot, id);
        self.calls[index].timeslot = Some(slot);
        Ok(())
    }
}

/// 6: channel unacceptable.
const CHANNEL_UNACCEPTABLE: Cause = Cause(6);
/// 82: identified channel does not exist.
const NO_SUCH_CHANNEL: Cause = Cause(82);
