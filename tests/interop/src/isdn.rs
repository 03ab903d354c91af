//! Row `isdn.call`: a call from SETUP to RELEASE COMPLETE with both its ends in this thread, Q.921 and Q.931, by two of
//! our trunks and by two of libpri's. Network calls user, user proceeds, rings and answers, network hangs up. Both owners
//! do the same: give every frame to the other end at once, obey every event, ask for the deadline after every input.

use std::collections::VecDeque;

use tipring_card::{Cause, Law, Micros};
use tipring_isdn::{CallId, Calling, Command, Config, Event, Input, Number, Output, Role, SetupRequest, Trunk};

#[cfg(feature = "libpri")]
use crate::measure::in_turn;
use crate::measure::{ROUNDS, Row, cpu_of};

/// Calls a round: some tens of milliseconds.
const CALLS: u32 = 10_000;
const CALLED: &str = "0891234567";
const CALLING: &str = "030998877";

/// Two trunks with a wire between them.
struct Ours {
    /// Network, user.
    trunks: [Box<Trunk>; 2],
    ways: [VecDeque<Vec<u8>>; 2],
    spare: Vec<Vec<u8>>,
    now: Micros,
    frames: u64,
    messages: u64,
    ended: u32,
    slot: u8,
}

impl Ours {
    fn up() -> Ours {
        let trunk = |role| Box::new(Trunk::new(Config::e1(role)));
        let mut pair = Ours {
            trunks: [trunk(Role::Network), trunk(Role::User)],
            ways: [const { VecDeque::new() }; 2],
            spare: Vec::new(),
            now: Micros::ZERO,
            frames: 0,
            messages: 0,
            ended: 0,
            slot: 0,
        };
        for end in [0, 1] {
            pair.trunks[end].handle(pair.now, Input::LayerOneUp);
            pair.drain(end);
        }
        pair.exchange();
        assert!(pair.trunks.iter().all(|trunk| trunk.link_is_up()), "both links are up");
        pair
    }

    /// One whole call.
    fn call(&mut self) {
        self.now = self.now + Micros::from_ms(1);
        self.slot = next_slot(self.slot);
        let call = self.trunks[0].next_call_id();
        let called = Number::unknown(CALLED).expect("digits");
        let calling = Calling { number: Number::unknown(CALLING).expect("digits"), ..Calling::default() };
        let mut request = SetupRequest::speech(call, called, Law::A);
        (request.timeslot, request.exclusive, request.calling) = (Some(self.slot), true, Some(calling));
        self.command(0, Command::Setup(request));
        self.exchange();
    }

    fn exchange(&mut self) {
        loop {
            let mut silent = true;
            for end in [0, 1] {
                while let Some(frame) = self.ways[end].pop_front() {
                    silent = false;
                    self.trunks[end].handle(self.now, Input::Frame(&frame));
                    self.spare.push(frame);
                    self.drain(end);
                }
            }
            if silent {
                return;
            }
        }
    }

    fn command(&mut self, end: usize, command: Command) {
        self.trunks[end].handle(self.now, Input::Command(command));
        self.drain(end);
    }

    fn drain(&mut self, end: usize) {
        while let Some(output) = self.trunks[end].poll() {
            match output {
                Output::Frame(frame) => {
                    self.frames += 1;
                    self.messages += u64::from(frame.get(2).is_some_and(|control| control & 1 == 0));
                    // Written at once, as to a device: libpri's frames are kept in the same way.
                    let mut octets = self.spare.pop().unwrap_or_default();
                    octets.clear();
                    octets.extend_from_slice(&frame);
                    self.ways[1 - end].push_back(octets);
                }
                Output::Event(event) => self.event(end, event),
            }
        }
        std::hint::black_box(self.trunks[end].deadline());
    }

    fn event(&mut self, end: usize, event: Event) {
        match (end, event) {
            (1, Event::Incoming(offer)) => {
                let call: CallId = offer.call;
                self.command(1, Command::Proceeding(call));
                self.command(1, Command::Alerting(call, false));
                self.command(1, Command::Connect(call));
            }
            (0, Event::Connected { call, .. }) => self.command(0, Command::Disconnect(call, Cause::NORMAL)),
            (_, Event::Released { .. }) => self.ended += 1,
            _ => {}
        }
    }
}

fn next_slot(slot: u8) -> u8 {
    match slot {
        15 => 17,
        31 => 1,
        other => other + 1,
    }
}

/// Microseconds of a call.
fn ours(pair: &mut Ours) -> f64 {
    let before = pair.ended;
    let took = cpu_of(|| (0..CALLS).for_each(|_| pair.call()));
    assert_eq!(pair.ended - before, 2 * CALLS, "every call ended at both ends");
    took.as_secs_f64() * 1e6 / f64::from(CALLS)
}

#[cfg(feature = "libpri")]
struct Theirs {
    pair: crate::libpri::Pair,
    slot: u8,
    ended: u32,
}

#[cfg(feature = "libpri")]
impl Theirs {
    fn up() -> Theirs {
        let mut pair = crate::libpri::Pair::new();
        let mut up = 0;
        // Each end that has a frame takes it; both tell once that the link is up.
        for _ in 0..100 {
            for end in [0, 1] {
                up += usize::from(pair.take(end) == Some(crate::libpri::News::Up));
            }
        }
        assert_eq!(up, 2, "both of libpri's links are up");
        Theirs { pair, slot: 0, ended: 0 }
    }

    fn call(&mut self) {
        use crate::libpri::News;
        self.slot = next_slot(self.slot);
        let placed = self.pair.call(0, self.slot, c"0891234567", c"030998877");
        self.pair.deadline(0);
        let mut offered = None;
        while self.pair.waits(0) || self.pair.waits(1) {
            for end in [0, 1] {
                if !self.pair.waits(end) {
                    continue;
                }
                let news = self.pair.take(end);
                self.pair.deadline(end);
                match (end, news) {
                    (1, Some(News::Ring(call))) => {
                        offered = Some(call);
                        self.pair.proceeding(1, call, self.slot);
                        self.pair.deadline(1);
                        self.pair.alerting(1, call, self.slot);
                        self.pair.deadline(1);
                        self.pair.answer(1, call, self.slot);
                        self.pair.deadline(1);
                    }
                    (0, Some(News::Answered)) => {
                        self.pair.hang_up(0, placed);
                        self.pair.deadline(0);
                    }
                    (1, Some(News::HangupRequest)) => {
                        self.pair.hang_up(1, offered.expect("a call was offered"));
                        self.pair.deadline(1);
                    }
                    (0, Some(News::Hangup)) => {
                        self.pair.hang_up(0, placed);
                        self.pair.deadline(0);
                        self.ended += 1;
                    }
                    (1, Some(News::HangupAck)) => {
                        // The library keeps a call until its owner takes leave of it.
                        self.pair.hang_up(1, offered.take().expect("a call was offered"));
                        self.ended += 1;
                    }
                    _ => {}
                }
            }
        }
    }
}

#[cfg(feature = "libpri")]
fn theirs(pair: &mut Theirs) -> f64 {
    let before = pair.ended;
    let took = cpu_of(|| (0..CALLS).for_each(|_| pair.call()));
    assert_eq!(pair.ended - before, 2 * CALLS, "every call of libpri's ended at both ends");
    took.as_secs_f64() * 1e6 / f64::from(CALLS)
}

/// The row.
#[cfg(feature = "libpri")]
pub fn row() -> Row {
    let (mut pair, mut peer) = (Ours::up(), Theirs::up());
    ours(&mut pair);
    theirs(&mut peer);
    let (frames, messages, peers) = (pair.frames, pair.messages, peer.pair.passed());
    let (a, b) = in_turn(ROUNDS, || ours(&mut pair), || theirs(&mut peer));
    let calls = f64::from(CALLS) * ROUNDS as f64;
    let now = peer.pair.passed();
    let a_call = |now: u64, before: u64| (now - before) as f64 / calls;
    let (our_messages, their_messages) = (a_call(pair.messages, messages), a_call(now.1, peers.1));
    let note = format!(
        "messages a call {our_messages} and {their_messages}, frames {} and {}",
        a_call(pair.frames, frames),
        a_call(now.0, peers.0)
    );
    let row = Row::new("isdn.call", a, "us/call").beside("libpri", b).at_most_of_peer(1.0);
    row.holds("as many messages as libpri", our_messages == their_messages).note(note)
}

/// The row without a peer.
#[cfg(not(feature = "libpri"))]
pub fn row() -> Row {
    let mut pair = Ours::up();
    let figures = (0..=ROUNDS).map(|_| ours(&mut pair)).skip(1).collect();
    Row::new("isdn.call", crate::measure::median(figures), "us/call").at_most_of_peer(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_eight_messages_and_ends_at_both_ends() {
        let mut pair = Ours::up();
        let before = pair.messages;
        (0..100).for_each(|_| pair.call());
        assert_eq!((pair.messages - before, pair.ended), (800, 200));
        assert!(pair.trunks.iter().all(|trunk| trunk.call_count() == 0));
    }

    #[cfg(feature = "libpri")]
    #[test]
    fn a_call_of_libpris_is_the_same_eight_messages() {
        let mut peer = Theirs::up();
        let before = peer.pair.passed().1;
        (0..100).for_each(|_| peer.call());
        assert_eq!((peer.pair.passed().1 - before, peer.ended), (800, 200));
    }
}
