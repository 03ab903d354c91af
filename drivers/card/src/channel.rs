//! The two traits of a card driver. `Card` is the slow side (find, open, ask), `Channel` one opened channel: audio or
//! frames, events, hook. A `Channel` is moved to the thread that reads and writes it; nobody shares one.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::Maintenance;
use crate::{ChannelId, ChannelInfo, Event, Hook, Law, SpanId, SpanInfo, SpanStatus, Use};

/// The clock that paces a card's samples. Two cards of one domain never slip against each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClockDomain {
    /// DAHDI's timing master: every DAHDI span of the box.
    Dahdi,
    /// The simulated card's own clock (virtual or the host's).
    Sim,
    /// A clock of its own, e.g. a sound device: reached through a resampling buffer only.
    Own(u16),
}

/// What can go wrong between us and a card. Everything else a driver sees it must map to one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CardError {
    /// Nothing to read, or no room to write, at the moment.
    Again,
    /// An event waits: fetch events until there is none, then try again (DAHDI's errno 500).
    EventPending,
    /// Somebody else has the channel open.
    Busy,
    /// The card or the channel was taken away: drop the channel, its number may come back as another thing.
    Gone,
    /// No such channel, or it is not configured.
    NoSuchChannel,
    /// The channel cannot do this (wrong signalling, wrong state).
    Invalid,
    /// No tone zone is loaded.
    NoToneZone,
    /// We may not.
    Permission,
    /// Any other error number of the operating system.
    Os(i32),
}

impl core::fmt::Display for CardError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            CardError::Again => f.write_str("nothing to do yet"),
            CardError::EventPending => f.write_str("an event waits on the channel"),
            CardError::Busy => f.write_str("the channel is in use by another program"),
            CardError::Gone => f.write_str("the card was removed"),
            CardError::NoSuchChannel => f.write_str("no such channel, or not configured"),
            CardError::Invalid => f.write_str("the channel cannot do this"),
            CardError::NoToneZone => f.write_str("no tone zone is loaded"),
            CardError::Permission => f.write_str("no permission for the device node"),
            CardError::Os(errno) => write!(f, "system error {errno}"),
        }
    }
}

impl core::error::Error for CardError {}

/// How an opened channel is to work. A close forgets it: it is given again after every open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setup {
    /// Voice: G.711 octets of this law, in blocks of [`crate::BLOCK`], eight buffers, sent as soon as written.
    Audio(Law),
    /// HDLC frames: 32 buffers of 1024 octets.
    Frames,
}

/// Whether an action is done or will be reported by an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Done.
    Done,
    /// Under way; [`Event::HookComplete`] follows (DAHDI's EINPROGRESS, which is success).
    Pending,
}

/// A card: the slow side. Used by its signalling thread only.
pub trait Card: Send {
    /// The name by which configuration and people know it, e.g. `dahdi` or `sim`.
    fn name(&self) -> &str;
    /// The clock its samples follow.
    fn clock(&self) -> ClockDomain;
    /// Its spans, in order.
    fn spans(&self) -> &[SpanInfo];
    /// Its channels, in order of their numbers.
    fn channels(&self) -> &[ChannelInfo];
    /// The name by which configuration and people know a span.
    fn span_name(&self, span: SpanId) -> String {
        format!("{} {}", self.name(), span.0)
    }
    /// The name by which configuration and people know a line.
    fn line_name(&self, channel: &ChannelInfo) -> String {
        format!("{} {}/{}", self.name(), channel.span.0, channel.timeslot)
    }
    /// Alarms and counters of a span, as they are now.
    fn span_status(&mut self, span: SpanId) -> Result<SpanStatus, CardError>;
    /// Opens a channel for the caller alone. Everything about it is at its default: set it up next.
    fn open(&mut self, channel: ChannelId) -> Result<Box<dyn Channel>, CardError>;
    /// Gives a closed channel another use; what goes on on the others notices nothing. `Busy`: it is open, here or
    /// elsewhere. `Invalid`: the channel cannot be that, or the card's channels are what they are. What it is then stands in
    /// [`Card::channels`].
    fn assign(&mut self, _span: SpanId, _timeslot: u8, _to: Use) -> Result<(), CardError> {
        Err(CardError::Invalid)
    }
    /// What is wrong with the card's spans and channels and was not told yet, for people; each complaint once, for as long as
    /// it lasts.
    fn complaints(&mut self) -> Vec<String> {
        Vec::new()
    }
    /// What the card's own driver counts, with the name of its room: nothing, where what it sees goes to its user.
    fn counted(&self) -> Vec<(&'static str, &'static str, u64)> {
        Vec::new()
    }
    /// A loop or a test on a digital span, until another one, or none, is asked for. `Invalid`: the card has none such.
    fn maintain(&mut self, _span: SpanId, _what: Maintenance) -> Result<(), CardError> {
        Err(CardError::Invalid)
    }
    /// A new ticker on the card's clock, one tick a block, for the media thread.
    fn pace(&mut self) -> Result<Box<dyn Pace>, CardError>;
}

/// One opened channel. Never blocks. Dropping it closes it: on hook, no echo canceller, no buffers, no events.
pub trait Channel: Send {
    /// What was opened.
    fn info(&self) -> &ChannelInfo;
    /// Sets the channel up; discards what is queued.
    fn setup(&mut self, setup: Setup) -> Result<(), CardError>;
    /// One block of audio or one frame **with its two FCS octets**. A buffer shorter than what waits loses the rest.
    fn read(&mut self, into: &mut [u8]) -> Result<usize, CardError>;
    /// One block of audio, or one frame **followed by two octets of room** for the FCS. Ends any tone or dialling.
    fn write(&mut self, from: &[u8]) -> Result<usize, CardError>;
    /// Discards queued audio in both directions and queued events.
    fn flush(&mut self) -> Result<(), CardError>;
    /// The oldest event.
    fn event(&mut self) -> Result<Option<Event>, CardError>;
    /// Moves our hook. `Invalid` on bearer, HDLC and CAS channels.
    fn hook(&mut self, hook: Hook) -> Result<Progress, CardError>;
    /// Dials by the card's own generator, e.g. `T123`; [`Event::DialComplete`] follows.
    fn dial(&mut self, digits: &str) -> Result<(), CardError>;
    /// Whether [`Channel::dial`] is still sending.
    fn dialing(&mut self) -> Result<bool, CardError>;
    /// The slow half of a channel with a hook, for the thread that signals while another one reads and writes. It works
    /// as long as the channel is open: after the channel was dropped every call answers `Invalid`. It does not keep the
    /// channel open.
    fn control(&self) -> Result<Box<dyn Control>, CardError>;
    /// A file descriptor that polls readable when there is something to read and with priority when an event waits;
    /// `None` where there is none (a simulation on virtual time). Only with the feature `std`.
    #[cfg(feature = "std")]
    fn fd(&self) -> Option<std::os::fd::BorrowedFd<'_>> {
        None
    }
}

/// Hooks and card-made digits of a channel that somebody else reads and writes: see [`Channel::control`].
pub trait Control: Send {
    /// As [`Channel::hook`].
    fn hook(&mut self, hook: Hook) -> Result<Progress, CardError>;
    /// As [`Channel::dial`]. The reader must not write meanwhile: a write ends it.
    fn dial(&mut self, digits: &str) -> Result<(), CardError>;
    /// As [`Channel::dialing`].
    fn dialing(&mut self) -> Result<bool, CardError>;
    /// Whether the telephone at a port for one (`FxoKs`) is off hook at this moment, told by an event or not: what happened
    /// while the channel was closed is told by none. `Invalid` on a port towards an exchange, and where the card cannot
    /// tell.
    fn lifted(&mut self) -> Result<bool, CardError> {
        Err(CardError::Invalid)
    }
    /// Lifts the telephone at a port, or puts it down, where the driver plays it. `Invalid` where a person's hand is needed.
    fn lift(&mut self, _lifted: bool) -> Result<(), CardError> {
        Err(CardError::Invalid)
    }
}

/// Ticks of a card's clock.
pub trait Pace: Send {
    /// Waits for the next tick and tells how many have passed since the last call (more than one: we were late).
    fn wait(&mut self) -> Result<u32, CardError>;
}
