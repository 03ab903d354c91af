//! The chip's end: a reference for whoever writes its program, and that program's core where it is written in Rust. A
//! frame that is not whole and right does nothing. A relay is energised while it is commanded **and** the watchdog has
//! food; else it is released, and so it is after power on. What drives pins reads levels ([`Firmware::relays`],
//! [`Firmware::look`]) after every [`Firmware::handle`]: a level cannot get lost. Drain [`Firmware::poll`], and handle
//! [`Input::Timer`] at [`Firmware::deadline`].
//!
//! Source: `docs/hardware/controller-protocol.md`.

mod session;
mod test;

use heapless::Deque;

use crate::codec::{Decoder, Frame, Wire};
use crate::leds::{Appliance, BOX_LED, Look};
use crate::time::Millis;
use crate::words::{
    Board, HANDSHAKE, MAX_BUTTONS, MAX_LEDS, Reading, Refusal, Reset, State, Status, ToChip, ToHost, is_to_chip,
};
use session::Session;
use test::Test;

pub use test::SETTLE;

/// Shortest and longest time of the watchdog.
pub const WATCHDOG_MS: core::ops::RangeInclusive<u16> = 500..=60_000;
/// Between two reports; without a session, between two words that the chip has started.
pub const STATE_EVERY: Millis = Millis(500);
/// Between two readings of the sensors.
pub const SENSOR_EVERY: Millis = Millis(2000);
/// Frames that wait for the line. What finds it full is lost, and asked for anew by the host.
const OUTPUTS: usize = 12;

/// What happens to the chip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input<'a> {
    /// Octets from the line.
    Octets(&'a [u8]),
    /// What the relays' sense contacts say, a bit each. Read them every millisecond.
    Contacts(u8),
    /// A button went down or up, bounce taken out.
    Button {
        /// Which.
        button: u8,
        /// Down.
        down: bool,
    },
    /// What the sensors say.
    Reading(Reading),
    /// The deadline has come.
    Timer,
}

/// What went wrong on the line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Octets that were no frame.
    pub bad_frames: u32,
    /// Frames that came again, or after a newer one.
    pub stale: u32,
    /// Frames of its own that came back.
    pub echoes: u32,
    /// Commands that were refused.
    pub refused: u32,
    /// Frames that found the queue to the line full.
    pub overruns: u32,
}

/// The chip.
pub struct Firmware {
    board: Board,
    reset: Reset,
    began: Millis,
    decoder: Decoder,
    session: Option<Session>,
    sequence: u8,
    /// Relays that are to be energised, a bit each. Empty whenever the watchdog has no food.
    commanded: u8,
    tripped: bool,
    /// The last beat that was fed.
    beat: Option<u32>,
    fed_until: Option<Millis>,
    /// There was food, and it ran out.
    starved: bool,
    watchdog_ms: u16,
    looks: [Look; MAX_LEDS],
    test: Option<Test>,
    /// The last test that is over.
    tested: Option<test::Done>,
    contacts: u8,
    reading: Reading,
    down: u8,
    presses: [u8; MAX_BUTTONS],
    trips: u16,
    state_at: Millis,
    sensor_at: Millis,
    counters: Counters,
    outputs: Deque<Wire, OUTPUTS>,
}

impl Firmware {
    /// A chip that has just begun: all relays released, nothing known of a host.
    pub fn new(now: Millis, board: Board, reset: Reset) -> Self {
        Firmware {
            board,
            reset,
            began: now,
            decoder: Decoder::default(),
            session: None,
            sequence: 0,
            commanded: 0,
            tripped: false,
            beat: None,
            fed_until: None,
            starved: false,
            watchdog_ms: *WATCHDOG_MS.start(),
            looks: [Look::DARK; MAX_LEDS],
            test: None,
            tested: None,
            contacts: 0,
            reading: Reading::default(),
            down: 0,
            presses: [0; MAX_BUTTONS],
            trips: 0,
            state_at: now,
            sensor_at: now,
            counters: Counters::default(),
            outputs: Deque::new(),
        }
    }

    /// Something happened. What is overdue is done first.
    pub fn handle(&mut self, now: Millis, input: Input<'_>) {
        self.expire(now);
        match input {
            Input::Octets(octets) => octets.iter().for_each(|octet| self.octet(now, *octet)),
            Input::Contacts(contacts) => self.contacts = contacts,
            Input::Button { button, down } => self.button(button, down),
            Input::Reading(reading) => self.reading = reading,
            Input::Timer => {}
        }
    }

    /// What is to go over the line, until `None`.
    pub fn poll(&mut self) -> Option<Wire> {
        self.outputs.pop_front()
    }

    /// When to handle [`Input::Timer`].
    pub fn deadline(&self) -> Option<Millis> {
        let reports = self.session.as_ref().map(|_| self.sensor_at);
        let test = self.test.as_ref().map(Test::until);
        [Some(self.state_at), reports, self.fed_until, test].into_iter().flatten().min()
    }

    /// Relays whose coils are to have current, a bit each.
    pub fn relays(&self) -> u8 {
        self.test.as_ref().map_or(self.commanded, |test| test.level(self.commanded))
    }

    /// What an LED is to show. Without food nothing is known of the lines: theirs are dark, and the box's tells it.
    pub fn look(&self, led: u8) -> Look {
        match (self.fed_until, led) {
            (Some(_), _) => self.looks.get(usize::from(led)).copied().unwrap_or_default(),
            (None, BOX_LED) if self.starved => Appliance::RelayReleased.look(),
            (None, BOX_LED) => Appliance::Starting.look(),
            (None, _) => Look::DARK,
        }
    }

    /// Relays and watchdog.
    pub fn status(&self) -> Status {
        Status {
            energised: self.commanded,
            fed: self.fed_until.is_some(),
            tripped: self.tripped,
            testing: self.test.is_some(),
        }
    }

    /// What went wrong on the line.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    fn octet(&mut self, now: Millis, octet: u8) {
        match self.decoder.push(octet) {
            None => {}
            Some(Ok(frame)) => self.frame(now, &frame),
            Some(Err(_)) => count(&mut self.counters.bad_frames),
        }
    }

    fn frame(&mut self, now: Millis, frame: &Frame) {
        if !is_to_chip(frame.kind) {
            // Its own word that came back. An answer would come back too, and so on.
            return count(&mut self.counters.echoes);
        }
        let message = ToChip::decode(frame.kind, &frame.payload);
        if let Ok(ToChip::Hello { service, oldest, newest, watchdog_ms }) = message {
            // The handshake is the same in all versions; a zero is no session's number.
            if frame.version == HANDSHAKE && frame.session != 0 {
                self.hello(now, frame, service, [oldest, newest], watchdog_ms);
            }
            return;
        }
        if let Err(refusal) = self.admit(frame) {
            return self.refuse(frame, refusal);
        }
        if self.is_stale(frame.sequence) {
            return count(&mut self.counters.stale);
        }
        let done = match message {
            Ok(message) => self.command(now, frame.sequence, message),
            Err(crate::words::Fault::Kind) => Err(Refusal::Kind),
            Err(crate::words::Fault::Payload) => Err(Refusal::Payload),
        };
        if let Err(refusal) = done {
            self.refuse(frame, refusal);
        }
    }

    fn command(&mut self, now: Millis, of: u8, message: ToChip) -> Result<(), Refusal> {
        match message {
            ToChip::Feed { beat, lasts_ms } => self.feed(now, beat, lasts_ms),
            ToChip::SetRelay { relay, energised } => self.set_relay(relay, energised)?,
            ToChip::SetLed { first, looks } => self.set_leds(first, &looks)?,
            ToChip::TestRelay { relay, test } => {
                let over = self.begin_test(now, relay, test)?;
                self.acknowledge(of);
                if let Some(done) = over {
                    self.tell(done.message());
                }
                return Ok(());
            }
            ToChip::Ask => {
                self.acknowledge(of);
                self.report(now);
                self.read_out(now);
                return Ok(());
            }
            // It was answered before.
            ToChip::Hello { .. } => return Ok(()),
        }
        self.acknowledge(of);
        Ok(())
    }

    /// Food is a beat behind the last one. The first beat of a service is none: somebody who says hello again and again,
    /// with a beat that stands still, must not keep the relays.
    fn feed(&mut self, now: Millis, beat: u32, lasts_ms: u16) {
        let ahead = self.beat.map(|last| beat.wrapping_sub(last));
        match ahead {
            None => self.beat = Some(beat),
            Some(ahead) if (1..1 << 31).contains(&ahead) => {
                self.beat = Some(beat);
                let lasts_ms = lasts_ms.min(self.watchdog_ms);
                if lasts_ms > 0 {
                    self.fed_until = Some(now + Millis(lasts_ms.into()));
                }
            }
            Some(_) => {}
        }
    }

    fn set_relay(&mut self, relay: u8, energised: bool) -> Result<(), Refusal> {
        let bit = self.bit_of(relay)?;
        if energised && self.fed_until.is_none() {
            return Err(Refusal::Hungry);
        }
        if self.test.as_ref().is_some_and(|test| test.is_of(relay)) {
            self.interrupt_test();
        }
        self.commanded = if energised { self.commanded | bit } else { self.commanded & !bit };
        self.tripped = false;
        Ok(())
    }

    fn set_leds(&mut self, first: u8, looks: &[Look]) -> Result<(), Refusal> {
        let end = usize::from(first) + looks.len();
        if end > usize::from(self.board.leds) {
            return Err(Refusal::Number);
        }
        self.looks.get_mut(usize::from(first)..end).ok_or(Refusal::Number)?.copy_from_slice(looks);
        Ok(())
    }

    fn bit_of(&self, relay: u8) -> Result<u8, Refusal> {
        let has = relay < self.board.relays;
        1_u8.checked_shl(relay.into()).filter(|_| has).ok_or(Refusal::Number)
    }

    fn button(&mut self, button: u8, down: bool) {
        let Some(presses) = self.presses.get_mut(usize::from(button)) else { return };
        let bit = 1 << button;
        if (self.down & bit != 0) == down {
            return;
        }
        self.down ^= bit;
        *presses = presses.wrapping_add(u8::from(down));
        let presses = *presses;
        self.tell(ToHost::Button { button, down, presses });
    }

    fn expire(&mut self, now: Millis) {
        if self.fed_until.is_some_and(|until| until <= now) {
            self.starve(now);
        }
        self.test_on(now);
        if self.state_at <= now {
            match self.session {
                Some(_) => self.report(now),
                None => {
                    self.state_at = now + STATE_EVERY;
                    self.tell(ToHost::Started(self.reset));
                }
            }
        }
        if self.sensor_at <= now && self.session.is_some() {
            self.read_out(now);
        }
    }

    /// The food is eaten: every relay lets go, and stays so until it is commanded again.
    fn starve(&mut self, now: Millis) {
        self.fed_until = None;
        self.starved = true;
        self.interrupt_test();
        if core::mem::take(&mut self.commanded) != 0 {
            self.tripped = true;
            self.trips = self.trips.saturating_add(1);
        }
        self.report(now);
    }

    fn report(&mut self, now: Millis) {
        self.state_at = now + STATE_EVERY;
        let faults = self.counters.bad_frames.saturating_add(self.counters.stale);
        self.tell(ToHost::State(State {
            status: self.status(),
            contacts: self.contacts & self.board.sensed,
            uptime_s: u32::try_from(now.since(self.began).0 / 1000).unwrap_or(u32::MAX),
            trips: self.trips,
            faults: u16::try_from(faults).unwrap_or(u16::MAX),
            down: self.down,
            presses: self.presses,
        }));
    }

    fn read_out(&mut self, now: Millis) {
        self.sensor_at = now + SENSOR_EVERY;
        self.tell(ToHost::Sensor(self.reading));
    }

    fn acknowledge(&mut self, of: u8) {
        self.tell(ToHost::Ack { of, status: self.status() });
    }

    fn refuse(&mut self, frame: &Frame, reason: Refusal) {
        count(&mut self.counters.refused);
        let refusal = ToHost::Nak { of: frame.sequence, kind: frame.kind, reason, status: self.status() };
        // In the session that was meant, so that its host knows itself addressed.
        self.tell_in(frame.session, frame.version, &refusal);
    }

    fn tell(&mut self, message: ToHost) {
        let (session, version) = self.session.as_ref().map_or((0, HANDSHAKE), Session::head);
        self.tell_in(session, version, &message);
    }

    fn tell_in(&mut self, session: u16, version: u8, message: &ToHost) {
        let (kind, payload) = message.encode();
        self.sequence = self.sequence.wrapping_add(1);
        let frame = Frame { version, session, sequence: self.sequence, kind, payload };
        if self.outputs.push_back(frame.encode()).is_err() {
            count(&mut self.counters.overruns);
        }
    }
}

fn count(counter: &mut u32) {
    *counter = counter.saturating_add(1);
}
