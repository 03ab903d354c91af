//! Our end of the line to the board controller. It is told what relays and LEDs are to be, and keeps at it: what the chip
//! has not acknowledged is asked for again, from what is wanted *then*, so nothing old is ever repeated. One command is under
//! way at a time; the chip says in every answer how its relays stand. It feeds the chip's watchdog only while it is told
//! that the audio path's beat advances. It opens no port and keeps no clock.
//!
//! Handle every octet that came, drain [`Host::poll`] to `None` after every [`Host::handle`], and handle [`Input::Timer`] at
//! [`Host::deadline`].
//!
//! Source: `docs/hardware/controller-protocol.md`.

mod commands;
mod food;
mod levels;
mod received;
mod selftest;
mod words;

pub use levels::{Heat, Limits, Supply};
pub use selftest::{Date, Policy, Report};
pub use words::*;

use heapless::Deque;

use crate::codec::{Decoder, Frame};
use crate::leds::Look;
use crate::time::Millis;
use crate::words::{Board, HANDSHAKE, MAX_BUTTONS, MAX_LEDS, MAX_RELAYS, NEWEST, OLDEST, State, ToChip};
use commands::Outstanding;
use food::Food;
use levels::Levels;
use selftest::SelfTest;

/// Between two hellos while nobody answers.
pub const HELLO_EVERY: Millis = Millis(100);
/// The first answer to a command is waited for so long; twice as long each time, up to [`RETRY_MOST`].
pub const RETRY: Millis = Millis(60);
/// See [`RETRY`].
pub const RETRY_MOST: Millis = Millis(240);
/// Nothing heard, or nothing answered, for so long: the link is lost.
pub const LOST_AFTER: Millis = Millis(1000);
/// A chip that speaks no version of ours is asked again after so long: it may get another program.
pub const REFUSED_FOR: Millis = Millis(5000);
/// Without anything to command, the chip is asked how it is after so long.
pub const ASK_EVERY: Millis = Millis(400);
/// Events and frames that wait for their owner; the oldest events go.
const OUTPUTS: usize = 64;

/// Our end.
pub struct Host {
    config: Config,
    link: Link,
    /// Of the last handshake.
    session: u16,
    sequence: u8,
    decoder: Decoder,
    /// What LEDs are to show.
    looks: [Look; MAX_LEDS],
    /// Those that have acknowledged it, a bit each.
    shown: u32,
    /// Relays that are to be energised, a bit each.
    wanted: u8,
    /// Relays of which the chip does not take what is wanted.
    refused: u8,
    food: Food,
    levels: Levels,
    tests: SelfTest,
    /// Presses of buttons have been told up to here; `None`: the chip was not heard since it began.
    presses: Option<[u8; MAX_BUTTONS]>,
    uptime_s: u32,
    counters: Counters,
    /// The chip gives back what we send: told once.
    echoed: bool,
    outputs: Deque<Output, OUTPUTS>,
}

/// Where the link is.
enum Link {
    /// There is no port.
    Closed,
    /// Nobody has answered yet.
    Greeting { again_at: Millis },
    /// The chip speaks no version of ours.
    Refused { again_at: Millis },
    /// In a session.
    Up(Up),
}

/// A session.
struct Up {
    version: u8,
    board: Board,
    state: State,
    began: Millis,
    /// Sequence of the chip's newest frame.
    newest: u8,
    heard_at: Millis,
    /// A command is under way since then, and none was answered.
    unanswered_since: Option<Millis>,
    /// When the last command went out.
    sent_at: Millis,
    outstanding: Option<Outstanding>,
    retry: Millis,
    /// All that is wanted was so once.
    restored: bool,
    /// Contacts that disagree with their relay, since when, and those that were told of.
    doubted: u8,
    doubted_at: Millis,
    disagreed: u8,
}

impl Host {
    /// Our end, without a port yet.
    pub fn new(config: Config) -> Self {
        let watchdog_ms =
            config.watchdog_ms.clamp(*crate::firmware::WATCHDOG_MS.start(), *crate::firmware::WATCHDOG_MS.end());
        let config = Config { watchdog_ms, ..config };
        Host {
            link: Link::Closed,
            session: config.first_session,
            sequence: 0,
            decoder: Decoder::default(),
            looks: [Look::DARK; MAX_LEDS],
            shown: 0,
            wanted: 0,
            refused: 0,
            food: Food::new(watchdog_ms),
            levels: Levels::new(config.limits),
            tests: SelfTest::new(config.self_test, config.last_test),
            presses: None,
            uptime_s: 0,
            counters: Counters::default(),
            echoed: false,
            outputs: Deque::new(),
            config,
        }
    }

    /// Something happened. What is overdue is done first.
    pub fn handle(&mut self, now: Millis, input: Input<'_>) {
        self.expire(now);
        match input {
            Input::Opened => self.opened(now),
            Input::Closed => self.closed(),
            Input::Octets(octets) => octets.iter().for_each(|octet| self.octet(now, *octet)),
            Input::Beat(beat) => self.food.beat(now, beat),
            Input::Led { led, look } => self.want_look(led, look),
            Input::Relay { relay, energised } => self.want_relay(relay, energised),
            Input::Calls(calls) => self.tests.calls(calls),
            Input::Today(date) => self.tests.today(date),
            Input::TestNow => self.tests.ask(),
            Input::Timer => {}
        }
        self.go_on(now);
    }

    /// What is to be done or told, until `None`.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to handle [`Input::Timer`].
    pub fn deadline(&self) -> Option<Millis> {
        match &self.link {
            Link::Closed => None,
            Link::Greeting { again_at } | Link::Refused { again_at } => Some(*again_at),
            Link::Up(up) => {
                let lost_at = up.unanswered_since.map_or(up.heard_at, |since| since.min(up.heard_at)) + LOST_AFTER;
                let next = match &up.outstanding {
                    Some(outstanding) => Some(outstanding.until),
                    None => [self.food.next_at(), self.tests.next_at(), Some(up.sent_at + ASK_EVERY)]
                        .into_iter()
                        .flatten()
                        .min(),
                };
                next.map(|next| next.min(lost_at))
            }
        }
    }

    /// The link in a word, for people.
    pub fn link(&self) -> &'static str {
        match self.link {
            Link::Closed => "closed",
            Link::Greeting { .. } => "silent",
            Link::Refused { .. } => "refused",
            Link::Up(_) => "up",
        }
    }

    /// What went wrong on the line.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    fn opened(&mut self, now: Millis) {
        self.lose(Down::Reopened);
        self.echoed = false;
        self.greet_anew(now);
    }

    fn closed(&mut self) {
        self.lose(Down::Closed);
        self.link = Link::Closed;
    }

    fn want_look(&mut self, led: u8, look: Look) {
        let Some(wanted) = self.looks.get_mut(usize::from(led)) else { return };
        if *wanted != look {
            *wanted = look;
            self.shown &= !(1 << led);
        }
    }

    fn want_relay(&mut self, relay: u8, energised: bool) {
        if usize::from(relay) >= MAX_RELAYS {
            return;
        }
        let bit = 1 << relay;
        if (self.wanted & bit != 0) != energised {
            self.wanted ^= bit;
            self.refused &= !bit;
        }
    }

    /// What time alone does.
    fn expire(&mut self, now: Millis) {
        match &mut self.link {
            Link::Closed => {}
            Link::Greeting { again_at } | Link::Refused { again_at } if *again_at > now => {}
            Link::Greeting { .. } => self.greet(now),
            Link::Refused { .. } => self.greet_anew(now),
            Link::Up(up) => {
                if now.since(up.heard_at) >= LOST_AFTER {
                    self.lose(Down::Silent);
                    self.greet_anew(now);
                } else if up.unanswered_since.is_some_and(|since| now.since(since) >= LOST_AFTER) {
                    self.lose(Down::Unanswered);
                    self.greet_anew(now);
                } else if up.outstanding.as_ref().is_some_and(|outstanding| outstanding.until <= now) {
                    up.outstanding = None;
                    up.retry = Millis(up.retry.0 * 2).min(RETRY_MOST);
                    count(&mut self.counters.retries);
                }
            }
        }
    }

    /// A new handshake under a number of its own.
    fn greet_anew(&mut self, now: Millis) {
        self.session = match self.session.wrapping_add(1) {
            0 => 1,
            next => next,
        };
        self.decoder.clear();
        self.greet(now);
    }

    fn greet(&mut self, now: Millis) {
        self.link = Link::Greeting { again_at: now + HELLO_EVERY };
        let hello = ToChip::Hello {
            service: self.config.service,
            oldest: OLDEST,
            newest: NEWEST,
            watchdog_ms: self.config.watchdog_ms,
        };
        self.transmit(HANDSHAKE, &hello);
    }

    /// The session is over; what was acknowledged in it counts no more.
    fn lose(&mut self, why: Down) {
        if matches!(self.link, Link::Up(_)) {
            count(&mut self.counters.losses);
            self.tell(Event::Down(why));
        }
        self.shown = 0;
        self.refused = 0;
        self.tests.unanswered();
    }

    /// Sends a message; the sequence of its frame.
    fn transmit(&mut self, version: u8, message: &ToChip) -> u8 {
        self.sequence = self.sequence.wrapping_add(1);
        let (kind, payload) = message.encode();
        let frame = Frame { version, session: self.session, sequence: self.sequence, kind, payload };
        self.put(Output::Send(frame.encode()));
        self.sequence
    }

    fn tell(&mut self, event: Event) {
        self.put(Output::Event(event));
    }

    fn put(&mut self, output: Output) {
        if self.outputs.is_full() {
            count(&mut self.counters.overruns);
            self.outputs.pop_front();
        }
        // There is room now.
        let _ = self.outputs.push_back(output);
    }
}

fn count(counter: &mut u32) {
    *counter = counter.saturating_add(1);
}
