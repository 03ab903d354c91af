//! The data link procedures of one D channel. It reads frames as values of the codec and never touches their octets.
//! Both ends may start; a lost SABME (the first frame after opening a channel often is) is repeated by T200.
//!
//! State 6 (awaiting release) does not exist here: we never release the link, layer 1 does or the far end does.
//! As long as layer 1 is up a link that is down is tried again after a pause.
//!
//! Source: Q.921 §5.5–§5.8 and the SDL diagrams of annex B; error letters of appendix II.

use heapless::Deque;
use tipring_card::Micros;

use super::codec::{self, Address, Frame, FrameBuf, FrameError, Info, Supervisory, Unnumbered};
use crate::{Role, Timers};

/// Messages that wait for the link or for their acknowledgement. A restart of all channels queues 30, a link that
/// comes back asks for 30 calls; more than this in one second is not signalling.
pub const QUEUE: usize = 96;
/// Frames that one input can cause: a whole window again, a poll, an acknowledgement, with room for a lazy reader.
const FRAMES: usize = 32;
/// Indications that one input can cause: one message, one change of the link.
const UPPER: usize = 8;

/// The states of Q.921 figure B.1, without those of TEI assignment and release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
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
        /// It was up before.
        reset: bool,
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

/// One data link.
#[derive(Debug)]
pub struct Link {
    role: Role,
    timers: Timers,
    state: State,
    vs: u8,
    va: u8,
    vr: u8,
    retries: u8,
    peer_busy: bool,
    reject_sent: bool,
    ack_owed: bool,
    t200: Option<Micros>,
    t203: Option<Micros>,
    /// Messages from V(A) on: those before V(S) are sent and unacknowledged.
    queue: Deque<Info, QUEUE>,
    /// Sends that were made once already, counted from V(A): what a going-back repeats.
    sent_once: u8,
    frames: Deque<FrameBuf, FRAMES>,
    upper: Deque<Upper, UPPER>,
    counters: Counters,
    same_role_seen: bool,
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

    /// When to come with [`LinkInput::Timer`].
    pub fn deadline(&self) -> Option<Micros> {
        let again = match self.state {
            State::TeiAssigned { again } => Some(again),
            _ => None,
        };
        [self.t200, self.t203, again].into_iter().flatten().min()
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

    fn is_running(&self) -> bool {
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
        let stored =
            room && Info::from_slice(message).is_ok_and(|info| self.queue.push_back(info).is_ok());
        if !stored {
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
            State::AwaitingEstablishment { was_up } => {
                if self.retries >= self.timers.n200 {
                    bump(&mut self.counters.establish_failures);
                    self.lose(State::TeiAssigned {
                        again: now + self.timers.establish_again,
                    });
                    let _ = was_up;
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
    fn enquire(&mut self, now: Micros) {
        self.retries += 1;
        bump(&mut self.counters.polls);
        self.t203 = None;
        self.t200 = Some(now + self.timers.t200);
        self.supervise(Supervisory::Rr, true, true);
    }

    // --- frames

    fn frame(&mut self, now: Micros, octets: &[u8]) {
        if self.state == State::Off {
            bump(&mut self.counters.ignored_frames);
            return;
        }
        let (address, frame) = match codec::decode(octets) {
            Ok(read) => read,
            Err(error) => return self.no_frame(now, error),
        };
        if !self.is_for_us(address) {
            return;
        }
        let command = address.is_command_for(self.role);
        match frame {
            Frame::Unnumbered { kind, pf } => self.unnumbered(now, kind, pf, command),
            Frame::Supervisory { kind, nr, pf } => self.supervisory(now, kind, nr, pf, command),
            Frame::Information { ns, nr, poll, info } if command => {
                self.information(now, ns, nr, poll, info);
            }
            Frame::Information { .. } => self.looks_like_ours(),
        }
    }

    fn is_for_us(&mut self, address: Address) -> bool {
        let ours = address.sapi == 0 && address.tei == 0;
        if !ours {
            bump(&mut self.counters.foreign_frames);
        }
        ours
    }

    fn no_frame(&mut self, now: Micros, error: FrameError) {
        match error {
            FrameError::Short | FrameError::Address => bump(&mut self.counters.invalid_frames),
            FrameError::Control(address)
            | FrameError::Length(address)
            | FrameError::Long(address) => {
                if self.is_for_us(address) {
                    bump(&mut self.counters.rejected_frames);
                    self.reset(now); // §5.8.5: a frame rejection condition
                }
            }
        }
    }

    /// A frame that exists as a command only came as a response: our own, looped back, or the far end has our role.
    fn looks_like_ours(&mut self) {
        bump(&mut self.counters.same_role_frames);
        self.same_role_seen = true;
    }

    fn unnumbered(&mut self, now: Micros, kind: Unnumbered, pf: bool, command: bool) {
        match (kind, command) {
            (Unnumbered::Sabme | Unnumbered::Disc, false)
            | (Unnumbered::Ua | Unnumbered::Dm, true) => {
                self.looks_like_ours();
            }
            (Unnumbered::Sabme, true) => self.sabme(now, pf),
            (Unnumbered::Disc, true) => self.disc(now, pf),
            (Unnumbered::Ua, false) => self.ua(now, pf),
            (Unnumbered::Dm, false) => self.dm(now, pf),
            (Unnumbered::Frmr, _) => {
                bump(&mut self.counters.unexpected_frames); // error K
                self.reset(now);
            }
            (Unnumbered::Ui | Unnumbered::Xid, _) => bump(&mut self.counters.ignored_frames),
        }
    }

    fn sabme(&mut self, now: Micros, pf: bool) {
        match self.state {
            State::Off => {}
            State::AwaitingEstablishment { .. } => self.response(Unnumbered::Ua, pf),
            State::TeiAssigned { .. } => {
                self.response(Unnumbered::Ua, pf);
                self.come_up(now, false);
            }
            State::Established | State::TimerRecovery => {
                self.response(Unnumbered::Ua, pf);
                self.come_up(now, true); // error F
            }
        }
    }

    fn disc(&mut self, now: Micros, pf: bool) {
        match self.state {
            State::Off => {}
            State::TeiAssigned { .. } | State::AwaitingEstablishment { .. } => {
                self.response(Unnumbered::Dm, pf);
            }
            State::Established | State::TimerRecovery => {
                self.response(Unnumbered::Ua, pf);
                self.lose(State::TeiAssigned {
                    again: now + self.timers.establish_again,
                });
            }
        }
    }

    fn ua(&mut self, now: Micros, pf: bool) {
        match self.state {
            State::AwaitingEstablishment { was_up } if pf => self.come_up(now, was_up),
            _ => bump(&mut self.counters.unexpected_frames), // errors C, D
        }
    }

    fn dm(&mut self, now: Micros, pf: bool) {
        match self.state {
            State::AwaitingEstablishment { .. } if pf => {
                self.lose(State::TeiAssigned {
                    again: now + self.timers.establish_again,
                });
            }
            State::AwaitingEstablishment { .. } | State::Off => {}
            State::TeiAssigned { .. } if !pf => self.establish(now, false),
            State::Established if pf => bump(&mut self.counters.unexpected_frames), // error B
            State::TeiAssigned { .. } => bump(&mut self.counters.unexpected_frames),
            State::Established | State::TimerRecovery => {
                bump(&mut self.counters.unexpected_frames); // errors B, E
                self.reset(now);
            }
        }
    }

    fn supervisory(&mut self, now: Micros, kind: Supervisory, nr: u8, pf: bool, command: bool) {
        if !self.is_running() {
            self.not_connected(pf && command);
            return;
        }
        self.peer_busy = kind == Supervisory::Rnr;
        if command && pf {
            self.supervise(Supervisory::Rr, false, true);
        }
        let final_answer = !command && pf;
        if !self.nr_is_valid(nr) {
            return self.bad_nr(now);
        }
        if self.state == State::TimerRecovery {
            self.acknowledge(nr);
            if final_answer {
                self.recovered(now);
            }
            return;
        }
        if final_answer {
            bump(&mut self.counters.unexpected_frames); // error A
        }
        match kind {
            Supervisory::Rr => self.acknowledge_and_time(now, nr),
            Supervisory::Rnr => {
                self.acknowledge(nr);
                self.t203 = None;
                self.t200 = Some(now + self.timers.t200);
            }
            Supervisory::Rej => {
                self.acknowledge(nr);
                self.recovered(now);
            }
        }
    }

    fn information(&mut self, now: Micros, ns: u8, nr: u8, poll: bool, info: &[u8]) {
        if !self.is_running() {
            self.not_connected(poll);
            return;
        }
        if ns == self.vr {
            self.vr = (self.vr + 1) % MODULUS;
            self.reject_sent = false;
            if let Ok(message) = Info::from_slice(info) {
                self.indicate(Upper::Data(message));
            }
            if poll {
                self.supervise(Supervisory::Rr, false, true);
            } else {
                self.ack_owed = true;
            }
        } else {
            bump(&mut self.counters.out_of_order);
            if !self.reject_sent {
                self.reject_sent = true;
                self.supervise(Supervisory::Rej, false, poll);
            } else if poll {
                self.supervise(Supervisory::Rr, false, true);
            }
        }
        if !self.nr_is_valid(nr) {
            return self.bad_nr(now);
        }
        if self.state == State::TimerRecovery || self.peer_busy {
            self.acknowledge(nr);
        } else {
            self.acknowledge_and_time(now, nr);
        }
    }

    /// A numbered frame without a link: a far end that thinks it has one learns it from DM when it polls.
    fn not_connected(&mut self, poll: bool) {
        bump(&mut self.counters.unexpected_frames);
        if poll && matches!(self.state, State::TeiAssigned { .. }) {
            self.response(Unnumbered::Dm, true);
        }
    }

    // --- the window

    fn outstanding(&self) -> u8 {
        distance(self.va, self.vs)
    }

    fn nr_is_valid(&self, nr: u8) -> bool {
        distance(self.va, nr) <= self.outstanding()
    }

    fn bad_nr(&mut self, now: Micros) {
        bump(&mut self.counters.bad_nr);
        self.reset(now);
    }

    fn acknowledge(&mut self, nr: u8) {
        let count = distance(self.va, nr);
        for _ in 0..count {
            let _ = self.queue.pop_front();
        }
        self.sent_once = self.sent_once.saturating_sub(count);
        self.va = nr;
    }

    /// §5.6.3.2: all acknowledged stops T200, some acknowledged restarts it, none changes nothing.
    fn acknowledge_and_time(&mut self, now: Micros, nr: u8) {
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
    fn recovered(&mut self, now: Micros) {
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

    fn send_window(&mut self, now: Micros) {
        let k = self.timers.k.clamp(1, MODULUS - 1);
        while self.state == State::Established && !self.peer_busy && self.outstanding() < k {
            let index = self.outstanding();
            let Some(info) = self.queue.get(usize::from(index)) else {
                break;
            };
            let frame = Frame::Information {
                ns: self.vs,
                nr: self.vr,
                poll: false,
                info,
            };
            let octets = codec::encode(Address::ours(self.role, true), frame);
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
            self.emit(octets);
        }
    }

    // --- the life of the link

    fn establish(&mut self, now: Micros, was_up: bool) {
        self.state = State::AwaitingEstablishment { was_up };
        self.retries = 1;
        self.peer_busy = false;
        self.reject_sent = false;
        self.ack_owed = false;
        self.t203 = None;
        self.command(Unnumbered::Sabme, true);
        self.t200 = Some(now + self.timers.t200);
    }

    /// Establishes anew without telling above, as the standard's error recovery does.
    fn reset(&mut self, now: Micros) {
        if self.is_running() {
            self.establish(now, true);
        }
    }

    fn come_up(&mut self, now: Micros, reset: bool) {
        // Sent and unacknowledged: nobody knows whether they arrived, and a message must not arrive twice.
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
        bump(if reset {
            &mut self.counters.resets
        } else {
            &mut self.counters.ups
        });
        self.indicate(Upper::Up { reset });
    }

    /// Goes to a state without a link; tells above if that is news.
    fn lose(&mut self, next: State) {
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
        self.emit(codec::encode(Address::ours(self.role, true), frame));
    }

    fn response(&mut self, kind: Unnumbered, pf: bool) {
        let frame = Frame::Unnumbered { kind, pf };
        self.emit(codec::encode(Address::ours(self.role, false), frame));
    }

    fn supervise(&mut self, kind: Supervisory, command: bool, pf: bool) {
        let frame = Frame::Supervisory {
            kind,
            nr: self.vr,
            pf,
        };
        self.ack_owed = false;
        self.emit(codec::encode(Address::ours(self.role, command), frame));
    }

    fn emit(&mut self, frame: FrameBuf) {
        if self.frames.push_back(frame).is_err() {
            bump(&mut self.counters.dropped_outputs);
        }
    }

    fn indicate(&mut self, output: Upper) {
        if self.upper.push_back(output).is_err() {
            bump(&mut self.counters.dropped_outputs);
        }
    }
}

/// Sequence numbers count modulo 128.
const MODULUS: u8 = 128;

/// How far `to` is ahead of `from`.
const fn distance(from: u8, to: u8) -> u8 {
    to.wrapping_sub(from) % MODULUS
}

fn bump(counter: &mut u32) {
    *counter = counter.saturating_add(1);
}
