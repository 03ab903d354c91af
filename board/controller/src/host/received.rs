//! What comes from the chip.

use super::commands::{Outstanding, Sent, mask};
use super::{Chip, Down, Event, Host, Link, REFUSED_FOR, RETRY, Up, count};
use crate::codec::Frame;
use crate::time::Millis;
use crate::words::{Board, NEWEST, OLDEST, Reading, Refusal, Reset, State, Status, ToHost, is_to_chip};

/// A contact that says something else than its relay was told is believed after so long.
const CONTACT_AFTER: Millis = Millis(300);

impl Host {
    pub(super) fn octet(&mut self, now: Millis, octet: u8) {
        match self.decoder.push(octet) {
            None => {}
            Some(Err(_)) => count(&mut self.counters.bad_frames),
            // Nobody listens to a port that is closed.
            Some(Ok(_)) if matches!(self.link, Link::Closed) => {}
            Some(Ok(frame)) => self.frame(now, &frame),
        }
    }

    fn frame(&mut self, now: Millis, frame: &Frame) {
        if is_to_chip(frame.kind) {
            count(&mut self.counters.echoes);
            if !core::mem::replace(&mut self.echoed, true) {
                self.tell(Event::Echo);
            }
            return;
        }
        match ToHost::decode(frame.kind, &frame.payload) {
            Err(_) => count(&mut self.counters.bad_messages),
            Ok(ToHost::Started(reset)) => self.started(now, reset),
            Ok(_) if frame.session != self.session => count(&mut self.counters.stale),
            Ok(ToHost::Welcome { version, oldest, newest, board, reset, status, .. }) => {
                if !matches!(self.link, Link::Greeting { .. }) {
                    count(&mut self.counters.stale);
                } else if (OLDEST..=NEWEST).contains(&version) {
                    self.welcome(now, frame, version, board, reset, status);
                } else {
                    self.link = Link::Refused { again_at: now + REFUSED_FOR };
                    self.tell(Event::Refused { ours: [OLDEST, NEWEST], theirs: [oldest, newest] });
                }
            }
            Ok(message) => self.message(now, frame, message),
        }
    }

    /// The chip has begun anew, and knows nothing.
    fn started(&mut self, now: Millis, reset: Reset) {
        if matches!(self.link, Link::Up(_)) {
            self.lose(Down::Restarted(reset));
            self.presses = None;
            self.greet_anew(now);
        }
    }

    fn welcome(&mut self, now: Millis, frame: &Frame, version: u8, board: Board, reset: Reset, status: Status) {
        // What a board has beyond what there may be stays dark and released.
        self.link = Link::Up(Up {
            version,
            board,
            state: State { status, ..State::default() },
            began: now,
            newest: frame.sequence,
            heard_at: now,
            unanswered_since: None,
            sent_at: now,
            outstanding: None,
            retry: RETRY,
            restored: false,
            doubted: 0,
            doubted_at: now,
            disagreed: 0,
        });
        self.echoed = false;
        self.tell(Event::Up { board, reset, version });
        self.tell(Event::Fed(status.fed));
        self.tell(Event::Relays(status.energised));
        if status.tripped {
            self.tell(Event::Tripped);
        }
    }

    fn message(&mut self, now: Millis, frame: &Frame, message: ToHost) {
        let Link::Up(up) = &mut self.link else { return count(&mut self.counters.stale) };
        let is_newer = (1..0x80).contains(&frame.sequence.wrapping_sub(up.newest));
        if !is_newer || frame.version != up.version {
            return count(&mut self.counters.stale);
        }
        up.newest = frame.sequence;
        up.heard_at = now;
        match message {
            ToHost::Ack { of, status } => self.answered(now, of, status, Ok(())),
            ToHost::Nak { of, kind, reason, status } => self.answered(now, of, status, Err((kind, reason))),
            ToHost::State(state) => self.state(now, state),
            ToHost::Sensor(reading) => self.reading(reading),
            ToHost::Button { button, presses, .. } => self.pressed(button, presses),
            ToHost::TestResult { relay, test, outcome } => {
                if !self.tests.result(relay, test, outcome) {
                    count(&mut self.counters.stale);
                }
            }
            ToHost::Welcome { .. } | ToHost::Started(_) => {}
        }
    }

    fn answered(&mut self, now: Millis, of: u8, status: Status, done: Result<(), (u8, Refusal)>) {
        let Link::Up(up) = &mut self.link else { return };
        let Some(Outstanding { sent, .. }) = up.outstanding.take_if(|waiting| waiting.sequence == of) else {
            return count(&mut self.counters.stale);
        };
        up.unanswered_since = None;
        up.retry = RETRY;
        match done {
            Ok(()) => {
                self.status(status);
                match sent {
                    Sent::Feed(portion) => self.food.eaten(now, portion, status.fed),
                    Sent::Leds { first, looks } => self.leds_shown(first, &looks),
                    Sent::Relay(_) | Sent::Test | Sent::Ask => {}
                }
            }
            Err((_, Refusal::NoSession | Refusal::Version)) => {
                count(&mut self.counters.refused);
                self.lose(Down::Forgotten);
                self.presses = None;
                self.greet_anew(now);
            }
            Err((kind, reason)) => {
                count(&mut self.counters.refused);
                self.status(status);
                self.not_done(now, sent, kind, reason);
            }
        }
    }

    /// A command was refused. What would be refused again is not tried again in this session, unless another thing is wanted.
    fn not_done(&mut self, now: Millis, sent: Sent, kind: u8, reason: Refusal) {
        match sent {
            // The status says that it has no food: it is energised when it has.
            Sent::Relay(_) if reason == Refusal::Hungry => return,
            // It is asked for again by itself.
            Sent::Test => return,
            Sent::Relay(relay) => self.refused |= 1 << relay,
            Sent::Feed(portion) => self.food.eaten(now, portion, true),
            Sent::Leds { first, looks } => self.leds_shown(first, &looks),
            Sent::Ask => {}
        }
        self.tell(Event::NotDone { kind, reason });
    }

    fn status(&mut self, status: Status) {
        let Link::Up(up) = &mut self.link else { return };
        let before = core::mem::replace(&mut up.state.status, status);
        if status.fed != before.fed {
            self.tell(Event::Fed(status.fed));
        }
        if status.tripped && !before.tripped {
            self.tell(Event::Tripped);
        }
        if status.energised != before.energised {
            self.tell(Event::Relays(status.energised));
        }
    }

    fn state(&mut self, now: Millis, state: State) {
        self.status(state.status);
        if state.uptime_s < self.uptime_s {
            self.presses = None;
        }
        self.uptime_s = state.uptime_s;
        if self.presses.is_none() {
            self.presses = Some(state.presses);
        }
        for (button, presses) in (0..).zip(state.presses) {
            self.pressed(button, presses);
        }
        let Link::Up(up) = &mut self.link else { return };
        up.state = state;
        self.contacts(now);
    }

    /// Whether the contacts follow their relays.
    fn contacts(&mut self, now: Millis) {
        let Link::Up(up) = &mut self.link else { return };
        let status = up.state.status;
        let sensed = up.board.sensed & mask(up.board.relays);
        let doubted = if status.testing { 0 } else { (up.state.contacts ^ status.energised) & sensed };
        if doubted != up.doubted {
            (up.doubted, up.doubted_at) = (doubted, now);
        }
        up.disagreed &= doubted;
        if now.since(up.doubted_at) < CONTACT_AFTER {
            return;
        }
        let new = doubted & !up.disagreed;
        up.disagreed |= doubted;
        for relay in (0..8).filter(|relay| new & (1 << relay) != 0) {
            self.tell(Event::ContactDisagrees { relay, energised: status.energised & (1 << relay) != 0 });
        }
    }

    fn reading(&mut self, reading: Reading) {
        let (heat, supply) = self.levels.read(reading);
        if let Some(heat) = heat {
            self.tell(Event::Heat(heat));
        }
        if let Some(supply) = supply {
            self.tell(Event::Supply(supply));
        }
    }

    /// A button's count of presses as the chip has it.
    fn pressed(&mut self, button: u8, presses: u8) {
        // Until the first report there is nothing to compare with.
        let known = self.presses.as_mut().and_then(|known| known.get_mut(usize::from(button)));
        let Some(known) = known else { return };
        let times = presses.wrapping_sub(core::mem::replace(known, presses));
        if times > 0 {
            self.tell(Event::Pressed { button, times });
        }
    }

    /// What is known of the chip; `None` while there is no session.
    pub fn chip(&self) -> Option<Chip> {
        let Link::Up(up) = &self.link else { return None };
        Some(Chip {
            board: up.board,
            state: up.state,
            version: up.version,
            reading: self.levels.reading,
            heat: self.levels.heat,
            supply: self.levels.supply,
        })
    }
}
