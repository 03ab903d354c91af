//! The data link procedures of one D channel. It reads frames as values of the codec and never touches their octets.
//! Both ends may start; a lost SABME (the first frame after opening a channel often is) is repeated by T200.
//!
//! State 6 (awaiting release) does not exist here: we never release the link, layer 1 does or the far end does.
//! As long as layer 1 is up a link that is down is tried again after a pause. Frames are taken in `received`, the window is
//! in `window`.
//!
//! Source: Q.921 §5.5–§5.8 and the SDL diagrams of annex B; error letters of appendix II.

use heapless::Deque;
use tipring_card::Micros;

use super::codec::{self, Address, Frame, FrameBuf, Info, Supervisory, Unnumbered};
use crate::{Role, Timers};

/// Messages that wait for the link or for their acknowledgement. A restart of all channels queues 30, a link that
/// comes back asks for 30 calls; more than this in one second is not signalling.
pub const QUEUE: usize = 96;
/// Frames that one input can cause: a whole window again, a poll, an acknowledgement, with room for a lazy reader.
const FRAMES: usize = 32;
/// Indications that one input can cause: one message, one change of the link.
const UPPER: usize = 8;

/// Frames to send.
pub(super) type Frames = Deque<FrameBuf, FRAMES>;

/// The states of Q.921 figure B.1, without those of TEI assignment and release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// No layer 1.
    Off,
    /// 4: TEI assigned, link released. SABME again at the given moment.
    TeiAssigned { again: Micros },
    /// 5: SABME sent. `was_up`: the layer above has not been told of a loss.
    AwaitingEstablishment { was_up: bool },
    /// 7: multiple frame established.
    Established,
    /// 8: timer recovery, a poll is out.
    TimerRecovery,
}

/// What the link is given.
#[derive(Clone, Copy, Debug)]
pub enum LinkInput<'a> {
    /// The span has no alarm.
    LayerOneUp,
    /// The span is in alarm or closed.
    LayerOneDown,
    /// A frame without FCS.
    Frame(&'a [u8]),
    /// A message to send.
    Data(&'a [u8]),
    /// The deadline has come.
    Timer,
}

/// What the link tells the layer above.
#[allow(clippy::large_enum_variant)] // no allocator here: the variant cannot be boxed
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Upper {
    /// A message received.
    Data(Info),
    /// The link is established, or (`reset`) was without having been reported lost: messages may be missing.
    Up {
        /// It was up before: the far end may have started anew.
        reset: bool,
        /// Messages of ours were under way and are lost.
        lost: bool,
    },
    /// The link is lost.
    Down,
}

/// What the link counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Frames received that are no frames: too short, or address bits out of place.
    pub invalid_frames: u32,
    /// Frames with an undefined control field, a wrong length, or more than 260 octets of information.
    pub rejected_frames: u32,
    /// Frames for another SAPI or TEI.
    pub foreign_frames: u32,
    /// Commands that look like our own: a loop, or two ends of the same role.
    pub same_role_frames: u32,
    /// UI, XID and other frames without a use here.
    pub ignored_frames: u32,
    /// Frames that do not fit the state, and FRMR (errors A–F, K).
    pub unexpected_frames: u32,
    /// N(R) outside the window (error J).
    pub bad_nr: u32,
    /// Information frames out of order (duplicates and gaps).
    pub out_of_order: u32,
    /// Information frames sent again.
    pub retransmissions: u32,
    /// SABMEs sent again and polls sent.
    pub polls: u32,
    /// Establishments given up after N200 (error G).
    pub establish_failures: u32,
    /// Polls without an answer after N200 (error I).
    pub recovery_failures: u32,
    /// Times the link came up.
    pub ups: u32,
    /// Times the link was lost.
    pub downs: u32,
    /// Times the link was established anew while it counted as up.
    pub resets: u32,
    /// Messages thrown away: queue full, link down, or lost in a reset.
    pub dropped_messages: u32,
    /// Frames and indications that nobody fetched.
    pub dropped_outputs: u32,
}
tipring_card::name_counters!(Counters:
    invalid_frames,
    rejected_frames,
    foreign_frames,
    same_role_frames,
    ignored_frames,
    unexpected_frames,
    bad_nr,
    out_of_order,
    retransmissions,
    polls,
    establish_failures,
    recovery_failures,
    ups,
    downs,
    resets,
    dropped_messages,
    dropped_outputs,
);

/// One data link.
#[derive(Debug)]
pub struct Link {
    pub(super) role: Role,
    pub(super) timers: Timers,
    pub(super) state: State,
    pub(super) vs: u8,
    pub(super) va: u8,
    pub(super) vr: u8,
    pub(super) retries: u8,
    pub(super) peer_busy: bool,
    pub(super) reject_sent: bool,
    pub(super) ack_owed: bool,
    pub(super) t200: Option<Micros>,
    pub(super) t203: Option<Micros>,
    /// Messages from V(A) on: those before V(S) are sent and unacknowledged.
    pub(super) queue: Deque<Info, QUEUE>,
    /// Sends that were made once already, counted from V(A): what a going-back repeats.
    pub(super) sent_once: u8,
    pub(super) frames: Frames,
    pub(super) upper: Deque<Upper, UPPER>,
    pub(super) counters: Counters,
    pub(super) same_role_seen: bool,
}

impl Link {
    /// A link without layer 1.
    pub fn new(role: Role, timers: Timers) -> Self {
        Link {
            role,
            timers,
            state: State::Off,
            vs: 0,
            va: 0,
            vr: 0,
            retries: 0,
            peer_busy: false,
            reject_sent: false,
            ack_owed: false,
            t200: None,
            t203: None,
            queue: Deque::new(),
            sent_once: 0,
            frames: Deque::new(),
            upper: Deque::new(),
            counters: Counters::default(),
            same_role_seen: false,
        }
    }

    /// Takes one input.
    pub fn handle(&mut self, now: Micros, input: LinkInput<'_>) {
        match input {
            LinkInput::LayerOneUp => self.layer_one_up(now),
            LinkInput::LayerOneDown => self.layer_one_down(),
            LinkInput::Frame(octets) => self.frame(now, octets),
            LinkInput::Data(message) => self.data(message),
            LinkInput::Timer => self.expire(now),
        }
        self.send_window(now);
        if core::mem::take(&mut self.ack_owed) && self.is_running() {
            self.supervise(Supervisory::Rr, false, false);
        }
    }

    /// The next frame to send, without FCS.
    pub fn poll_frame(&mut self) -> Option<FrameBuf> {
        self.frames.pop_front()
    }

    /// The next thing for the layer above.
    pub fn poll_upper(&mut self) -> Option<Upper> {
        self.upper.pop_front()
    }

    /// The same, left in its place.
    pub(crate) fn next_upper(&self) -> Option<&Upper> {
        self.upper.front()
    }

    pub(crate) fn drop_upper(&mut self) {
        drop(self.upper.pop_front());
    }

    /// The next frame, left in its place.
    pub(crate) fn next_frame(&self) -> Option<&FrameBuf> {
        self.frames.front()
    }

    pub(crate) fn drop_frame(&mut self) {
        drop(self.frames.pop_front());
    }

    /// When to come with [`LinkInput::Timer`].
    pub fn deadline(&self) -> Option<Micros> {
        let again = match self.state {
            State::TeiAssigned { again } => Some(again),
            _ => None,
        };
        sooner(sooner(self.t200, self.t203), again)
    }

    /// Whether messages flow, or will as soon as a recovery is through.
    pub fn is_up(&self) -> bool {
        self.is_running() || matches!(self.state, State::AwaitingEstablishment { was_up: true })
    }

    /// What was counted so far.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Whether a frame came in that only our own role sends; told once, then forgotten until the next.
    pub fn take_same_role(&mut self) -> bool {
        core::mem::take(&mut self.same_role_seen)
    }

    pub(super) fn is_running(&self) -> bool {
        matches!(self.state, State::Established | State::TimerRecovery)
    }

    // --- layer 1 and messages from above

    fn layer_one_up(&mut self, now: Micros) {
        if self.state == State::Off {
            self.establish(now, false);
        }
    }

    fn layer_one_down(&mut self) {
        self.lose(State::Off);
    }

    fn data(&mut self, message: &[u8]) {
        let room = self.is_up() && message.len() <= codec::MAX_INFO;
        // Here as below: the place first, then its contents, so that no long buffer is moved about.
        let stored = room && self.queue.push_back(Info::new()).is_ok();
        if let Some(place) = self.queue.back_mut().filter(|_| stored) {
            let _ = place.extend_from_slice(message);
        } else {
            bump(&mut self.counters.dropped_messages);
        }
    }

    // --- timers

    fn expire(&mut self, now: Micros) {
        if let State::TeiAssigned { again } = self.state {
            if again <= now {
                self.establish(now, false);
            }
            return;
        }
        if self.t200.is_some_and(|at| at <= now) {
            self.t200 = None;
            self.t200_expired(now);
        } else if self.t203.is_some_and(|at| at <= now) {
            self.t203 = None;
            self.enter_recovery(now);
        }
    }

    fn t200_expired(&mut self, now: Micros) {
        match self.state {
            State::AwaitingEstablishment { .. } => {
                if self.retries >= self.timers.n200 {
                    bump(&mut self.counters.establish_failures);
                    self.lose(State::TeiAssigned { again: now + self.timers.establish_again });
                } else {
                    self.retries += 1;
                    bump(&mut self.counters.polls);
                    self.command(Unnumbered::Sabme, true);
                    self.t200 = Some(now + self.timers.t200);
                }
            }
            State::Established => self.enter_recovery(now),
            State::TimerRecovery => {
                if self.retries >= self.timers.n200 {
                    bump(&mut self.counters.recovery_failures);
                    self.establish(now, true);
                } else {
                    self.enquire(now);
                }
            }
            State::Off | State::TeiAssigned { .. } => {}
        }
    }

    fn enter_recovery(&mut self, now: Micros) {
        if self.state == State::Established {
            self.state = State::TimerRecovery;
            self.retries = 0;
            self.enquire(now);
        }
    }

    /// Transmit enquiry: RR command with P=1.
    pub(super) fn enquire(&mut self, now: Micros) {
        self.retries += 1;
        bump(&mut self.counters.polls);
        self.t203 = None;
        self.t200 = Some(now + self.timers.t200);
        self.supervise(Supervisory::Rr, true, true);
    }

    // --- the life of the link

    pub(super) fn establish(&mut self, now: Micros, was_up: bool) {
        self.state = State::AwaitingEstablishment { was_up };
        self.retries = 0;
        self.peer_busy = false;
        self.reject_sent = false;
        self.ack_owed = false;
        self.t203 = None;
        self.command(Unnumbered::Sabme, true);
        self.t200 = Some(now + self.timers.t200);
    }

    /// Establishes anew without telling above, as the standard's error recovery does.
    pub(super) fn reset(&mut self, now: Micros) {
        if self.is_running() {
            self.establish(now, true);
        }
    }

    pub(super) fn come_up(&mut self, now: Micros, reset: bool) {
        // Sent and unacknowledged: nobody knows whether they arrived, and a message must not arrive twice.
        let lost = self.outstanding() > 0;
        for _ in 0..self.outstanding() {
            let _ = self.queue.pop_front();
            bump(&mut self.counters.dropped_messages);
        }
        self.vs = 0;
        self.va = 0;
        self.vr = 0;
        self.sent_once = 0;
        self.retries = 0;
        self.peer_busy = false;
        self.reject_sent = false;
        self.ack_owed = false;
        self.t200 = None;
        self.t203 = Some(now + self.timers.t203);
        self.state = State::Established;
        bump(if reset { &mut self.counters.resets } else { &mut self.counters.ups });
        self.indicate(Upper::Up { reset, lost });
    }

    /// Goes to a state without a link; tells above if that is news.
    pub(super) fn lose(&mut self, next: State) {
        let was_up = self.is_up();
        for _ in 0..self.queue.len() {
            let _ = self.queue.pop_front();
            bump(&mut self.counters.dropped_messages);
        }
        self.vs = 0;
        self.va = 0;
        self.vr = 0;
        self.sent_once = 0;
        self.ack_owed = false;
        self.t200 = None;
        self.t203 = None;
        self.state = next;
        if was_up {
            bump(&mut self.counters.downs);
            self.indicate(Upper::Down);
        }
    }

    // --- small verbs

    fn command(&mut self, kind: Unnumbered, pf: bool) {
        let frame = Frame::Unnumbered { kind, pf };
        emit(&mut self.frames, &mut self.counters, Address::ours(self.role, true), frame);
    }

    pub(super) fn response(&mut self, kind: Unnumbered, pf: bool) {
        let frame = Frame::Unnumbered { kind, pf };
        emit(&mut self.frames, &mut self.counters, Address::ours(self.role, false), frame);
    }

    pub(super) fn supervise(&mut self, kind: Supervisory, command: bool, pf: bool) {
        let frame = Frame::Supervisory { kind, nr: self.vr, pf };
        self.ack_owed = false;
        emit(&mut self.frames, &mut self.counters, Address::ours(self.role, command), frame);
    }

    pub(super) fn indicate(&mut self, output: Upper) {
        if self.upper.push_back(output).is_err() {
            bump(&mut self.counters.dropped_outputs);
        }
    }

    pub(super) fn indicate_data(&mut self, message: &[u8]) {
        if self.upper.push_back(Upper::Data(Info::new())).is_err() {
            bump(&mut self.counters.dropped_outputs);
        } else if let Some(Upper::Data(place)) = self.upper.back_mut() {
            let _ = place.extend_from_slice(message); // the codec lets nothing pass that is longer
        }
    }
}

/// Queues a frame, written where it stands in the queue.
pub(super) fn emit(frames: &mut Frames, counters: &mut Counters, address: Address, frame: Frame<'_>) {
    if frames.push_back(FrameBuf::new()).is_err() {
        bump(&mut counters.dropped_outputs);
    } else if let Some(place) = frames.back_mut() {
        codec::encode_into(place, address, frame);
    }
}

/// The earlier of two moments that may not be.
pub(crate) fn sooner(a: Option<Micros>, b: Option<Micros>) -> Option<Micros> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (some, None) | (None, some) => some,
    }
}

pub(super) fn bump(counter: &mut u32) {
    *counter = counter.saturating_add(1);
}
