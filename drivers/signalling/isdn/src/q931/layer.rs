//! The calls of one D channel: the tables, the way in for messages, commands, link changes and time, and the verbs
//! that the other files of this folder share. It handles values only; octets are [`super::codec`]'s.
//!
//! Where the decisions stand: `incoming` (a SETUP), `received` (messages of a call), `status` (STATUS and the
//! unknown), `commands` (the owner), `timers`, `channels` (choice and collision), `restart`.
//!
//! Source: Q.931 §5, SDL diagrams of annex A; §5.8.8 and §5.8.9 for the link.

use heapless::{Deque, Vec};
use tipring_card::{Cause, Micros};

use super::call::{Call, Guard, MAX_CALLS, State};
use super::channels::Slot;
use super::codec::{self, MessageError};
use super::ie::{Ie, Location};
use super::message::{Kind, Message, Reference};
use super::restart::Restart;
use crate::q921::{Info, sooner};
use crate::words::{By, CallId, Command, Event, Fault};
use crate::{Config, Role};

/// Messages that one input can cause: an answer for each call and a restart for each channel.
const MESSAGES: usize = 80;
/// Events that one input can cause: two for each call and one for each channel, and what a lazy reader left.
const EVENTS: usize = 128;
/// Room that protocol errors leave for events that matter.
const EVENTS_KEPT: usize = 64;
/// Ids given out by `next_call_id` and not yet used.
const RESERVED: usize = 64;

/// What call control counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Messages cut off in their header.
    pub short_messages: u32,
    /// Messages of other protocols, e.g. maintenance.
    pub foreign_messages: u32,
    /// Call references that are too long, a dummy, or global where that cannot be.
    pub bad_references: u32,
    /// Messages for calls that do not exist (cause 81 and 101).
    pub unknown_calls: u32,
    /// RELEASE COMPLETE and null STATUS for calls that do not exist: nothing to do.
    pub late_clearings: u32,
    /// Message types that are not known (cause 97).
    pub unknown_types: u32,
    /// Messages that do not fit the state (cause 98).
    pub unexpected_messages: u32,
    /// Messages that crossed with our clearing, and others passed over as the standard says.
    pub crossed_messages: u32,
    /// NOTIFY, FACILITY and others without a use here.
    pub unused_messages: u32,
    /// Mandatory elements missing, or not known and to be understood (cause 96).
    pub missing_elements: u32,
    /// Elements with senseless contents (cause 100 when mandatory).
    pub bad_elements: u32,
    /// Segments of segmented messages, which are not supported.
    pub segments: u32,
    /// Services refused: hold, retrieve, suspend, resume.
    pub refused_services: u32,
    /// STATUS received that told of an error in a message of ours.
    pub status_errors: u32,
    /// Call states of both ends that contradict each other (cause 101).
    pub state_mismatches: u32,
    /// SETUPs refused by the trunk itself.
    pub refused_setups: u32,
    /// SETUP, RELEASE, RESTART and STATUS ENQUIRY sent again.
    pub repeated_messages: u32,
    /// Timers of calls that ran out for good.
    pub expired_timers: u32,
    /// Channels that both ends seized.
    pub collisions: u32,
    /// Channels that went to maintenance.
    pub channels_to_maintenance: u32,
    /// Restarts without acknowledgement.
    pub failed_restarts: u32,
    /// Commands for calls that are gone.
    pub stale_commands: u32,
    /// Commands that do not fit the state of their call.
    pub misplaced_commands: u32,
    /// Messages and events that nobody fetched, and messages too long for a frame.
    pub dropped: u32,
}
tipring_card::name_counters!(Counters:
    short_messages,
    foreign_messages,
    bad_references,
    unknown_calls,
    late_clearings,
    unknown_types,
    unexpected_messages,
    crossed_messages,
    unused_messages,
    missing_elements,
    bad_elements,
    segments,
    refused_services,
    status_errors,
    state_mismatches,
    refused_setups,
    repeated_messages,
    expired_timers,
    collisions,
    channels_to_maintenance,
    failed_restarts,
    stale_commands,
    misplaced_commands,
    dropped,
);

/// The data link as call control knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LinkState {
    Up,
    /// Lost; with active calls T309 runs.
    Down {
        t309: Option<Micros>,
    },
}

/// The calls of one D channel.
#[derive(Debug)]
pub struct Layer {
    pub(super) config: Config,
    pub(super) calls: Vec<Call, MAX_CALLS>,
    pub(super) slots: [Slot; 32],
    pub(super) restarts: [Restart; 32],
    /// Bit n: the RESTART of timeslot n is out, so that the deadline need not look at all of them.
    pub(super) restarts_out: u32,
    /// A restart was not answered: the others do not wait in line any more.
    pub(super) peer_is_deaf: bool,
    pub(super) link: LinkState,
    next_id: u32,
    next_reference: u16,
    pub(super) reserved: Vec<u32, RESERVED>,
    messages: Deque<Info, MESSAGES>,
    events: Deque<Event, EVENTS>,
    pub(super) counters: Counters,
}

impl Layer {
    /// All channels idle, link down.
    pub fn new(config: Config) -> Self {
        Layer {
            config,
            calls: Vec::new(),
            slots: [Slot::Idle; 32],
            restarts: [Restart::None; 32],
            restarts_out: 0,
            peer_is_deaf: false,
            link: LinkState::Down { t309: None },
            next_id: 1,
            next_reference: 1,
            reserved: Vec::new(),
            messages: Deque::new(),
            events: Deque::new(),
            counters: Counters::default(),
        }
    }

    /// A message came.
    pub fn receive(&mut self, now: Micros, octets: &[u8]) {
        let mut message = Message::default();
        match codec::decode_into(&mut message, octets) {
            Ok(()) => self.message(now, &message),
            Err(error) => {
                bump(match error {
                    MessageError::Short => &mut self.counters.short_messages,
                    MessageError::Discriminator(_) => &mut self.counters.foreign_messages,
                    MessageError::Reference => &mut self.counters.bad_references,
                });
                self.fault(None, Fault::BadMessage);
            }
        }
    }

    /// The owner wants something.
    pub fn command(&mut self, now: Micros, command: Command) {
        self.obey(now, command);
    }

    /// Time has passed.
    pub fn expire(&mut self, now: Micros) {
        self.expire_calls(now);
        self.expire_restarts(now);
    }

    /// The next message to send, left in its place until [`Layer::drop_message`].
    pub fn next_message(&self) -> Option<&Info> {
        self.messages.front()
    }

    /// The message is sent.
    pub fn drop_message(&mut self) {
        drop(self.messages.pop_front());
    }

    /// The next event for the owner.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When to come with [`Layer::expire`].
    pub fn deadline(&self) -> Option<Micros> {
        let mut first = match self.link {
            LinkState::Down { t309 } => t309,
            LinkState::Up => None,
        };
        for call in &self.calls {
            first = sooner(first, call.guard.map(|(_, at)| at));
            first = sooner(first, call.enquiry.map(|(at, _)| at));
        }
        sooner(first, self.restart_deadline())
    }

    /// What was counted so far.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// A fresh id for a call to make.
    pub fn next_call_id(&mut self) -> CallId {
        let id = self.fresh_id();
        if self.reserved.is_full() {
            self.reserved.remove(0);
        }
        let _ = self.reserved.push(id.0);
        id
    }

    /// The standard's number of a call's state; `None` when the call is gone.
    pub fn call_state(&self, call: CallId) -> Option<u8> {
        self.calls.iter().find(|held| held.id == call).map(|held| held.number(self.config.role))
    }

    /// The channel of a call.
    pub fn timeslot(&self, call: CallId) -> Option<u8> {
        self.calls.iter().find(|held| held.id == call)?.timeslot
    }

    /// How many calls there are, in any state.
    pub fn call_count(&self) -> usize {
        self.calls.len()
    }

    // --- the link

    /// The link came up; `reset` when it was not reported lost before, `lost` when messages of ours were under way.
    pub fn link_up(&mut self, now: Micros, reset: bool, lost: bool) {
        if reset && self.link == LinkState::Up {
            self.link_was_reset(now, lost);
            return;
        }
        self.link = LinkState::Up;
        self.event(Event::LinkUp);
        // What both ends think of the calls that survived is compared; a call that was ended meanwhile goes now.
        for index in 0..self.calls.len() {
            match self.calls[index].state {
                State::Active => self.enquire(now, index),
                State::ReleaseRequest => {
                    let cause = self.calls[index].end(Cause::NORMAL, By::Local).0;
                    self.release(now, index, cause);
                }
                _ => {}
            }
        }
        self.heal_channels();
        self.send_restarts(now);
    }

    /// The link is lost: active calls are kept for T309, all others end (§5.8.9).
    pub fn link_down(&mut self, now: Micros) {
        let mut index = 0;
        while index < self.calls.len() {
            if self.calls[index].state == State::Active {
                self.calls[index].enquiry = None;
                index += 1;
            } else {
                self.finish(index, Cause::OUT_OF_ORDER, By::Link);
            }
        }
        let t309 = (!self.calls.is_empty()).then_some(now + self.config.timers.t309);
        self.link = LinkState::Down { t309 };
        self.pause_restarts();
        self.messages.clear();
        self.event(Event::LinkDown);
    }

    /// Messages may be missing: calls that still collect digits cannot know which (§5.8.8). The far end may have started
    /// anew and forgotten everything: it is asked about the active calls.
    fn link_was_reset(&mut self, now: Micros, lost: bool) {
        for index in 0..self.calls.len() {
            match self.calls[index].state {
                State::Overlap if lost => self.disconnect(now, index, Cause::TEMPORARY_FAILURE, By::Link),
                State::Active => self.enquire(now, index),
                _ => {}
            }
        }
        // A RESTART may be among what was lost; twice does no harm, two minutes without the channel do.
        self.pause_restarts();
        self.send_restarts(now);
    }

    pub(super) fn is_link_up(&self) -> bool {
        self.link == LinkState::Up
    }

    // --- messages in

    fn message(&mut self, now: Micros, message: &Message) {
        if message.bad_elements > 0 {
            self.counters.bad_elements = self.counters.bad_elements.saturating_add(u32::from(message.bad_elements));
        }
        if message.reference.dummy {
            bump(&mut self.counters.bad_references);
            return;
        }
        if message.reference.value == 0 {
            return self.global_message(now, message);
        }
        let placed = message.reference.to_origin;
        let value = message.reference.value;
        let known = self.calls.iter().position(|call| call.placed == placed && call.reference == value);
        match known {
            Some(index) => self.call_message(now, index, message),
            None => self.stray_message(now, message),
        }
    }

    // --- verbs

    /// Sends a message of a call.
    pub(super) fn send(&mut self, index: usize, mut message: Message) {
        let call = &self.calls[index];
        message.reference = Reference { value: call.reference, to_origin: !call.placed, dummy: false };
        self.transmit(&mut message);
    }

    /// Answers a message that belongs to no call.
    pub(super) fn answer(&mut self, to: Reference, mut message: Message) {
        message.reference = Reference { to_origin: !to.to_origin, ..to };
        self.transmit(&mut message);
    }

    pub(super) fn transmit(&mut self, message: &mut Message) {
        message.location = self.location();
        let Some(place) = self.place_for_message() else { return };
        if codec::encode_into(place, message).is_none() {
            drop(self.messages.pop_back());
            bump(&mut self.counters.dropped);
        }
    }

    pub(super) fn transmit_octets(&mut self, octets: &[u8]) {
        if let Some(place) = self.place_for_message() {
            let _ = place.extend_from_slice(octets); // both are as long as a message may be
        }
    }

    /// An empty place at the end of the queue: a message is written where it stands, so that no long buffer is moved
    /// about. `None`, counted, when the link is down or the queue full.
    fn place_for_message(&mut self) -> Option<&mut Info> {
        if !self.is_link_up() || self.messages.push_back(Info::new()).is_err() {
            bump(&mut self.counters.dropped);
            return None;
        }
        self.messages.back_mut()
    }

    pub(super) fn with_cause(&self, kind: Kind, cause: Cause) -> Message {
        Message { cause: Ie::Is((cause, self.location())), ..Message::new(kind) }
    }

    fn location(&self) -> Location {
        match self.config.role {
            Role::User => Location(0),
            Role::Network => Location(2),
        }
    }

    /// STATUS with our state of the call.
    pub(super) fn send_status(&mut self, index: usize, cause: Cause) {
        let state = self.calls[index].number(self.config.role);
        let message = Message { call_state: Ie::Is(state), ..self.with_cause(Kind::Status, cause) };
        self.send(index, message);
    }

    pub(super) fn guard(&mut self, now: Micros, index: usize, guard: Guard, after: Micros) {
        self.calls[index].guard = Some((guard, now + after));
    }

    /// Sends DISCONNECT; RELEASE follows when T305 runs out.
    pub(super) fn disconnect(&mut self, now: Micros, index: usize, cause: Cause, by: By) {
        let message = self.with_cause(Kind::Disconnect, cause);
        self.send(index, message);
        let call = &mut self.calls[index];
        call.clear_for(cause, by);
        call.enquiry = None;
        call.enter(State::WeDisconnect);
        self.guard(now, index, Guard::T305, self.config.timers.t305);
    }

    /// Sends RELEASE; without an answer it is repeated once by T308.
    pub(super) fn release(&mut self, now: Micros, index: usize, cause: Cause) {
        let message = self.with_cause(Kind::Release, cause);
        self.send(index, message);
        self.calls[index].enquiry = None;
        self.calls[index].enter(State::ReleaseRequest);
        self.guard(now, index, Guard::T308, self.config.timers.t308);
    }

    /// Sends RELEASE because of something wrong, and tells the owner.
    pub(super) fn break_off(&mut self, now: Micros, index: usize, cause: Cause, by: By) {
        let call = self.calls[index].id;
        self.calls[index].clear_for(cause, by);
        self.release(now, index, cause);
        self.event(Event::Disconnecting { call, cause, inband: false });
    }

    /// Sends RELEASE COMPLETE and forgets the call.
    pub(super) fn complete(&mut self, index: usize, cause: Cause, by: By) {
        let message = self.with_cause(Kind::ReleaseComplete, cause);
        self.send(index, message);
        self.finish(index, cause, by);
    }

    /// Forgets the call and frees its channel. Its index now belongs to another call.
    pub(super) fn finish(&mut self, index: usize, cause: Cause, by: By) {
        let call = self.calls.swap_remove(index);
        if let Some(timeslot) = call.timeslot {
            self.free(timeslot, call.id);
        }
        let (cause, by) = call.end(cause, by);
        self.event(Event::Released { call: call.id, cause, by });
    }

    pub(super) fn event(&mut self, event: Event) {
        if self.events.push_back(event).is_err() {
            bump(&mut self.counters.dropped);
        }
    }

    /// For the log; gives way to events that matter.
    pub(super) fn fault(&mut self, call: Option<CallId>, fault: Fault) {
        if self.events.len() < EVENTS - EVENTS_KEPT {
            self.event(Event::ProtocolError { call, fault });
        }
    }

    pub(super) fn fresh_id(&mut self) -> CallId {
        let id = CallId(self.next_id);
        self.next_id = self.next_id.wrapping_add(1).max(1);
        id
    }

    /// A call reference of ours that is not in use: 1–32767 in turn.
    pub(super) fn fresh_reference(&mut self) -> u16 {
        // At most MAX_CALLS are taken, so that many steps find a free one.
        for _ in 0..=MAX_CALLS {
            let value = self.next_reference;
            self.next_reference = if value >= 0x7FFF { 1 } else { value + 1 };
            if !self.calls.iter().any(|call| call.placed && call.reference == value) {
                return value;
            }
        }
        self.next_reference
    }
}

pub(super) fn bump(counter: &mut u32) {
    *counter = counter.saturating_add(1);
}
