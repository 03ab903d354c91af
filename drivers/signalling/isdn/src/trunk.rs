//! One D channel: the data link and the calls on it, wired together. The face that owners use; it decides nothing.
//!
//! A trunk is some hundred kilobytes of tables without any allocation: keep it in a box.
//!
//! ```
//! use tipring_card::Micros;
//! use tipring_isdn::{Command, Config, Event, Input, Output, Role, Trunk};
//!
//! let mut trunk = Box::new(Trunk::new(Config::e1(Role::User)));
//! let now = Micros::ZERO;
//! trunk.handle(now, Input::LayerOneUp);
//! while let Some(output) = trunk.poll() {
//!     match output {
//!         Output::Frame(frame) => assert_eq!(frame.as_slice(), [0x00, 0x01, 0x7F]), // SABME: write it, plus 2 octets
//!         Output::Event(Event::Incoming(offer)) => {
//!             trunk.handle(now, Input::Command(Command::Proceeding(offer.call)));
//!         }
//!         Output::Event(_) => {}
//!     }
//! }
//! assert_eq!(trunk.deadline(), Some(Micros::from_s(1))); // T200: then `Input::Timer`
//! ```

use heapless::Deque;
use tipring_card::Micros;

use crate::Config;
use crate::q921::{self, FrameBuf, Link, LinkInput, Upper, sooner};
use crate::q931::{self, Layer};
use crate::words::{CallId, ChannelState, Command, Event, Fault};

/// Link troubles that wait to be told.
const TROUBLES: usize = 4;

/// What a trunk is given.
#[allow(clippy::large_enum_variant)] // no allocator here: the variant cannot be boxed
#[derive(Clone, Debug)]
pub enum Input<'a> {
    /// The span has no alarm: the link may be established.
    LayerOneUp,
    /// The span is in alarm or closed.
    LayerOneDown,
    /// A frame of the D channel **without** its two FCS octets.
    Frame(&'a [u8]),
    /// The owner wants something.
    Command(Command),
    /// The deadline has come. Coming early does no harm.
    Timer,
}

/// What a trunk gives.
#[allow(clippy::large_enum_variant)] // no allocator here: the variant cannot be boxed
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// A frame to send, **without** FCS octets.
    Frame(FrameBuf),
    /// News for the owner.
    Event(Event),
}

/// What a trunk counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// The data link.
    pub link: q921::Counters,
    /// The calls.
    pub calls: q931::Counters,
}

/// Q.921 and Q.931 of one D channel.
#[derive(Debug)]
pub struct Trunk {
    link: Link,
    calls: Layer,
    troubles: Deque<Fault, TROUBLES>,
}

impl Trunk {
    /// A trunk without layer 1, all channels idle.
    pub fn new(config: Config) -> Self {
        Trunk { link: Link::new(config.role, config.timers), calls: Layer::new(config), troubles: Deque::new() }
    }

    /// Takes one input. Then [`Trunk::poll`] until there is nothing, then look at [`Trunk::deadline`] again.
    pub fn handle(&mut self, now: Micros, input: Input<'_>) {
        let bad_frames = self.bad_frames();
        match input {
            Input::LayerOneUp => self.link.handle(now, LinkInput::LayerOneUp),
            Input::LayerOneDown => self.link.handle(now, LinkInput::LayerOneDown),
            Input::Frame(octets) => self.link.handle(now, LinkInput::Frame(octets)),
            Input::Command(command) => self.calls.command(now, command),
            Input::Timer => {
                self.link.handle(now, LinkInput::Timer);
                self.calls.expire(now);
            }
        }
        self.settle(now);
        if self.link.take_same_role() {
            let _ = self.troubles.push_back(Fault::SameRole);
        }
        if self.bad_frames() != bad_frames {
            let _ = self.troubles.push_back(Fault::BadFrame);
        }
    }

    /// The next output; `None` when all is said.
    pub fn poll(&mut self) -> Option<Output> {
        if let Some(fault) = self.troubles.pop_front() {
            return Some(Output::Event(Event::ProtocolError { call: None, fault }));
        }
        if let Some(event) = self.calls.poll_event() {
            return Some(Output::Event(event));
        }
        // Only the octets that there are: a buffer is much longer than most frames.
        let mut frame = FrameBuf::new();
        let _ = frame.extend_from_slice(self.link.next_frame()?);
        self.link.drop_frame();
        Some(Output::Frame(frame))
    }

    /// When to come with [`Input::Timer`].
    pub fn deadline(&self) -> Option<Micros> {
        sooner(self.link.deadline(), self.calls.deadline())
    }

    /// Whether the data link is established.
    pub fn link_is_up(&self) -> bool {
        self.link.is_up()
    }

    /// Everything counted so far.
    pub fn counters(&self) -> Counters {
        Counters { link: *self.link.counters(), calls: *self.calls.counters() }
    }

    /// What a channel does.
    pub fn channel_state(&self, timeslot: u8) -> ChannelState {
        self.calls.channel_state(timeslot)
    }

    /// A fresh id for [`Command::Setup`].
    pub fn next_call_id(&mut self) -> CallId {
        self.calls.next_call_id()
    }

    /// The number of a call's state in Q.931 (user or network side, by our role); `None` when the call is gone.
    pub fn call_state(&self, call: CallId) -> Option<u8> {
        self.calls.call_state(call)
    }

    /// The channel of a call, once it has one.
    pub fn timeslot(&self, call: CallId) -> Option<u8> {
        self.calls.timeslot(call)
    }

    /// How many calls there are, in any state.
    pub fn call_count(&self) -> usize {
        self.calls.call_count()
    }

    /// Carries messages and indications between link and calls until both are silent.
    fn settle(&mut self, now: Micros) {
        // The link gives what one input brought, the calls answer; answers bring nothing back at once.
        while let Some(indication) = self.link.next_upper() {
            match indication {
                Upper::Data(message) => self.calls.receive(now, message),
                Upper::Up { reset, lost } => self.calls.link_up(now, *reset, *lost),
                Upper::Down => self.calls.link_down(now),
            }
            self.link.drop_upper();
        }
        while let Some(message) = self.calls.next_message() {
            self.link.handle(now, LinkInput::Data(message));
            self.calls.drop_message();
        }
    }

    fn bad_frames(&self) -> (u32, u32) {
        let link = self.link.counters();
        (link.invalid_frames, link.rejected_frames)
    }
}
