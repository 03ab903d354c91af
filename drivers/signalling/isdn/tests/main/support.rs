//! The two benches of these tests. `Pair`: a user trunk and a network trunk with a wire between them that has latency
//! and, when asked, seeded faults. `Solo`: one trunk against a script that has a real data link and says and hears
//! single messages. Time is virtual, nothing sleeps, the same seed gives the same trace.

use tipring_card::{Cause, Law, Micros};
use tipring_isdn::q921::{Link, LinkInput, Upper};
use tipring_isdn::q931::codec;
use tipring_isdn::q931::ie::{Channel, Ie, Location};
use tipring_isdn::q931::message::{Kind, Message, Reference};
use tipring_isdn::{
    Bearer, By, CallId, ChannelState, Command, Config, Digits, Event, Input, Number, Output, Role, SetupRequest, Trunk,
};

/// xorshift64*: enough for faults, the same everywhere.
pub struct Seeded(pub u64);

impl Seeded {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 16
    }
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }
}

/// Faults in a thousand frames.
#[derive(Clone, Copy, Default)]
pub struct Faults {
    pub lost: u64,
    pub doubled: u64,
    pub garbled: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    User = 0,
    Network = 1,
}
pub use Side::{Network, User};

impl Side {
    pub fn other(self) -> Side {
        if self == User { Network } else { User }
    }
}

pub type Policy = Box<dyn FnMut(&Event) -> Vec<Command>>;

pub struct Pair {
    pub now: Micros,
    pub trunks: [Box<Trunk>; 2],
    pub events: [Vec<Event>; 2],
    pub policy: [Option<Policy>; 2],
    pub latency: Micros,
    pub faults: Faults,
    pub cut: bool,
    pub frames: u64,
    wire: Vec<(Micros, u64, Side, Vec<u8>)>,
    order: u64,
    chance: Seeded,
}

impl Pair {
    pub fn of(user: Config, network: Config) -> Pair {
        Pair {
            now: Micros::ZERO,
            trunks: [Box::new(Trunk::new(user)), Box::new(Trunk::new(network))],
            events: [Vec::new(), Vec::new()],
            policy: [None, None],
            latency: Micros::from_ms(5),
            faults: Faults::default(),
            cut: false,
            frames: 0,
            wire: Vec::new(),
            order: 0,
            chance: Seeded(0x5EED),
        }
    }

    /// Both links up, no event left.
    #[track_caller]
    pub fn up() -> Pair {
        Pair::up_with(Config::e1(Role::User), Config::e1(Role::Network))
    }

    #[track_caller]
    pub fn up_with(user: Config, network: Config) -> Pair {
        let mut pair = Pair::of(user, network);
        pair.input(User, Input::LayerOneUp);
        pair.input(Network, Input::LayerOneUp);
        pair.run_ms(500);
        assert!(pair.trunk(User).link_is_up() && pair.trunk(Network).link_is_up());
        assert_eq!(pair.take(User), [Event::LinkUp]);
        assert_eq!(pair.take(Network), [Event::LinkUp]);
        pair
    }

    pub fn seed(&mut self, seed: u64) {
        self.chance = Seeded(seed | 1);
    }

    pub fn trunk(&mut self, side: Side) -> &mut Trunk {
        &mut self.trunks[side as usize]
    }

    pub fn input(&mut self, side: Side, input: Input<'_>) {
        let now = self.now;
        self.trunk(side).handle(now, input);
        self.drain(side);
    }

    pub fn command(&mut self, side: Side, command: Command) {
        self.input(side, Input::Command(command));
    }

    fn drain(&mut self, side: Side) {
        let mut commands = Vec::new();
        while let Some(output) = self.trunk(side).poll() {
            match output {
                Output::Frame(frame) => self.transmit(side.other(), frame.to_vec()),
                Output::Event(event) => {
                    if let Some(policy) = &mut self.policy[side as usize] {
                        commands.extend(policy(&event));
                    }
                    self.events[side as usize].push(event);
                }
            }
        }
        for command in commands {
            self.command(side, command);
        }
    }

    fn transmit(&mut self, to: Side, mut frame: Vec<u8>) {
        self.frames += 1;
        if self.cut || self.chance.below(1000) < self.faults.lost {
            return;
        }
        let copies = if self.chance.below(1000) < self.faults.doubled { 2 } else { 1 };
        if self.chance.below(1000) < self.faults.garbled {
            let at = self.chance.below(frame.len() as u64) as usize;
            frame[at] = self.chance.next() as u8;
        }
        for _ in 0..copies {
            self.order += 1;
            self.wire.push((self.now + self.latency, self.order, to, frame.clone()));
        }
    }

    /// Until nothing happens for `ms` more.
    pub fn run_ms(&mut self, ms: u64) {
        let end = self.now + Micros::from_ms(ms);
        loop {
            let frame = self.wire.iter().map(|(at, order, ..)| (*at, *order)).min();
            let timer = [User, Network]
                .into_iter()
                .filter_map(|side| self.trunks[side as usize].deadline().map(|at| (at, side)))
                .min_by_key(|(at, _)| *at);
            let next = frame.map(|(at, _)| at).into_iter().chain(timer.map(|(at, _)| at)).min();
            let Some(next) = next.filter(|next| *next <= end) else {
                self.now = end;
                return;
            };
            self.now = self.now.max(next);
            if let Some((at, order)) = frame.filter(|(at, _)| *at <= self.now) {
                let index = self.wire.iter().position(|entry| (entry.0, entry.1) == (at, order)).unwrap();
                let (_, _, to, octets) = self.wire.swap_remove(index);
                self.input(to, Input::Frame(&octets));
            } else if let Some((_, side)) = timer {
                self.input(side, Input::Timer);
            }
        }
    }

    pub fn settle(&mut self) {
        self.run_ms(200);
    }

    pub fn take(&mut self, side: Side) -> Vec<Event> {
        std::mem::take(&mut self.events[side as usize])
    }

    /// Calls from a side; the events stay.
    pub fn dial(&mut self, from: Side, called: &str) -> CallId {
        self.dial_with(from, called, |_| {})
    }

    pub fn dial_with(&mut self, from: Side, called: &str, change: impl FnOnce(&mut SetupRequest)) -> CallId {
        let call = self.trunk(from).next_call_id();
        let mut request = SetupRequest::speech(call, number(called), Law::A);
        change(&mut request);
        self.command(from, Command::Setup(request));
        call
    }

    /// The one call that was offered to a side.
    #[track_caller]
    pub fn offered(&mut self, side: Side) -> CallId {
        let events = self.take(side);
        let calls: Vec<_> = events.iter().filter_map(incoming).collect();
        assert_eq!(calls.len(), 1, "one call is offered: {events:?}");
        calls[0]
    }

    /// A call from a side that is answered; both ids, caller's first. No event is left.
    #[track_caller]
    pub fn connected(&mut self, from: Side) -> (CallId, CallId) {
        let to = from.other();
        let caller = self.dial(from, "100");
        self.settle();
        let called = self.offered(to);
        self.command(to, Command::Proceeding(called));
        self.command(to, Command::Alerting(called, false));
        self.command(to, Command::Connect(called));
        self.settle();
        assert!(self.take(from).iter().any(|e| matches!(e, Event::Connected { call, .. } if *call == caller)));
        assert!(self.take(to).iter().any(|e| matches!(e, Event::Connected { call, .. } if *call == called)));
        (caller, called)
    }

    /// Nothing is left of any call.
    #[track_caller]
    pub fn assert_idle(&mut self) {
        for side in [User, Network] {
            assert_eq!(self.trunk(side).call_count(), 0, "{side:?} holds a call");
            for slot in (1..=31).filter(|slot| *slot != 16) {
                assert_eq!(self.trunk(side).channel_state(slot), ChannelState::Idle, "{side:?} channel {slot}");
            }
        }
    }
}

pub fn incoming(event: &Event) -> Option<CallId> {
    match event {
        Event::Incoming(offer) => Some(offer.call),
        _ => None,
    }
}

pub fn number(digits: &str) -> Number {
    Number::unknown(digits).unwrap()
}

pub fn digits(digits: &str) -> Digits {
    Digits::try_from(digits).unwrap()
}

pub fn released(call: CallId, cause: u8, by: By) -> Event {
    Event::Released { call, cause: Cause(cause), by }
}

/// One trunk against a script.
pub struct Solo {
    pub now: Micros,
    pub trunk: Box<Trunk>,
    pub events: Vec<Event>,
    pub link: Link,
    pub heard: Vec<Message>,
    /// The far end's link answers nothing while deaf.
    pub deaf: bool,
}

impl Solo {
    #[track_caller]
    pub fn up(config: Config) -> Solo {
        let far = match config.role {
            Role::User => Role::Network,
            Role::Network => Role::User,
        };
        let mut solo = Solo {
            now: Micros::ZERO,
            trunk: Box::new(Trunk::new(config)),
            events: Vec::new(),
            link: Link::new(far, config.timers),
            heard: Vec::new(),
            deaf: false,
        };
        solo.link.handle(solo.now, LinkInput::LayerOneUp);
        solo.input(Input::LayerOneUp);
        solo.run_ms(100);
        assert!(solo.trunk.link_is_up() && solo.link.is_up());
        solo.events.clear();
        solo
    }

    pub fn input(&mut self, input: Input<'_>) {
        let now = self.now;
        self.trunk.handle(now, input);
        self.exchange();
    }

    pub fn command(&mut self, command: Command) {
        self.input(Input::Command(command));
    }

    /// Frames go over at once, both ways, until both are silent.
    fn exchange(&mut self) {
        for _ in 0..200 {
            let mut silent = true;
            while let Some(output) = self.trunk.poll() {
                silent = false;
                match output {
                    Output::Event(event) => self.events.push(event),
                    Output::Frame(frame) if !self.deaf => self.link.handle(self.now, LinkInput::Frame(&frame)),
                    Output::Frame(_) => {}
                }
            }
            while let Some(upper) = self.link.poll_upper() {
                silent = false;
                if let Upper::Data(octets) = upper {
                    assert_ascending(&octets);
                    self.heard.push(codec::decode(&octets).unwrap());
                }
            }
            while let Some(frame) = self.link.poll_frame() {
                silent = false;
                if !self.deaf {
                    self.trunk.handle(self.now, Input::Frame(&frame));
                }
            }
            if silent {
                return;
            }
        }
        panic!("the two never fall silent");
    }

    pub fn run_ms(&mut self, ms: u64) {
        let end = self.now + Micros::from_ms(ms);
        for _ in 0..100_000 {
            let next = self.trunk.deadline().into_iter().chain(self.link.deadline()).min();
            let Some(next) = next.filter(|next| *next <= end) else {
                self.now = end;
                return;
            };
            self.now = self.now.max(next);
            self.link.handle(self.now, LinkInput::Timer);
            self.input(Input::Timer);
        }
        panic!("a deadline does not move");
    }

    /// The script says a message.
    pub fn say(&mut self, message: &Message) {
        self.say_octets(&codec::encode(message).unwrap());
    }

    pub fn say_octets(&mut self, octets: &[u8]) {
        self.link.handle(self.now, LinkInput::Data(octets));
        self.exchange();
    }

    /// What the script heard since the last time.
    pub fn hear(&mut self) -> Vec<Message> {
        std::mem::take(&mut self.heard)
    }

    /// The one message that the script heard.
    #[track_caller]
    pub fn hears(&mut self, kind: Kind) -> Message {
        let mut heard = self.hear();
        let kinds: Vec<_> = heard.iter().map(|message| message.kind).collect();
        assert_eq!(kinds, [kind]);
        heard.remove(0)
    }

    pub fn take(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// The trunk calls 100 on timeslot 7; its id and the reference that the script answers with.
    #[track_caller]
    pub fn trunk_calls(&mut self) -> (CallId, Reference) {
        let call = self.trunk.next_call_id();
        let mut request = SetupRequest::speech(call, number("100"), Law::A);
        request.timeslot = Some(7);
        self.command(Command::Setup(request));
        let setup = self.hears(Kind::Setup);
        (call, Reference { to_origin: true, ..setup.reference })
    }

    /// The script calls 200 on timeslot 9; the trunk's id and the script's reference.
    #[track_caller]
    pub fn script_calls(&mut self) -> (CallId, Reference) {
        let reference = Reference { value: 77, to_origin: false, dummy: false };
        self.say(&setup(reference, Some(Channel::slot(9, true))));
        let call = self.take().iter().find_map(incoming).expect("the call is offered");
        (call, reference)
    }
}

pub fn setup(reference: Reference, channel: Option<Channel>) -> Message {
    Message {
        reference,
        bearer: Ie::Is(Bearer::Speech(Law::A)),
        channel: Ie::of(channel),
        called: Ie::Is(number("200")),
        sending_complete: true,
        ..Message::new(Kind::Setup)
    }
}

pub fn plain(reference: Reference, kind: Kind) -> Message {
    Message { reference, ..Message::new(kind) }
}

pub fn with_cause(reference: Reference, kind: Kind, cause: u8) -> Message {
    Message { cause: Ie::Is((Cause(cause), Location(0))), ..plain(reference, kind) }
}

#[track_caller]
pub fn cause_of(message: &Message) -> u8 {
    message.cause.value().expect("a cause").0.0
}

pub fn is_release_of(event: &Event, of: CallId) -> bool {
    matches!(event, Event::Released { call, .. } if *call == of)
}

impl Solo {
    /// The far end says a frame that its link would not.
    pub fn say_frame(&mut self, frame: &[u8]) {
        let deaf = std::mem::replace(&mut self.deaf, true);
        self.input(Input::Frame(frame));
        self.deaf = deaf;
    }
}

/// Q.931 §4.5.1: elements of more than one octet ascend.
#[track_caller]
fn assert_ascending(octets: &[u8]) {
    let (mut at, mut last) = (5, 0);
    while let (Some(&identifier), length) = (octets.get(at), octets.get(at + 1)) {
        if identifier & 0x80 != 0 {
            at += 1;
            continue;
        }
        assert!(identifier >= last, "elements out of order: {octets:02x?}");
        last = identifier;
        at += 2 + usize::from(*length.expect("a length"));
        assert!(at <= octets.len(), "an element is cut off: {octets:02x?}");
    }
}
