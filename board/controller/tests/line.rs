//! A serial line between both ends: 115200 bit/s, a seeded machine of its faults, and an eye that is on the relays. A relay
//! may move by a frame that the host sent whole, in a test that such a frame began, or when the watchdog's food has run
//! out; any other move fails the test, whatever it was about.

use std::collections::{BTreeMap, VecDeque};

use tipring_controller::Millis;
use tipring_controller::codec::{Decoder, Wire};
use tipring_controller::firmware::{self, Firmware};
use tipring_controller::host::{Config, Date, Event, Host, Input, Limits, Output, Policy, Report};
use tipring_controller::leds::Look;
use tipring_controller::words::{Board, Reading, Reset, ToChip};

pub struct Seed(pub u64);

impl Seed {
    pub fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }

    pub fn once_in(&mut self, one_in: u64) -> bool {
        one_in != 0 && self.next(one_in) == 0
    }
}

/// So many runs of a fuzz; a million with `TIPRING_SOAK`.
pub fn runs(few: u64) -> u64 {
    if std::env::var_os("TIPRING_SOAK").is_some() { 1_000_000 } else { few }
}

/// What is wrong with one direction; one octet, or one frame, in so many. Zero: none.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    pub cut: bool,
    pub flipped: u64,
    pub lost: u64,
    pub noise: u64,
    pub twice: u64,
    pub half: u64,
    /// Pause behind each octet.
    pub slow_us: u64,
    /// What a frame takes beside its octets.
    pub delay_us: u64,
}

/// One direction.
pub struct Way {
    pub faults: Faults,
    octets: VecDeque<(u64, u8)>,
    free_us: u64,
}

/// 115200 bit/s, ten bits an octet.
const OCTET_US: u64 = 87;

impl Way {
    fn new() -> Self {
        Way { faults: Faults::default(), octets: VecDeque::new(), free_us: 0 }
    }

    /// The line is well again; what a slow one had not brought yet is lost, in the middle of a frame or not.
    pub fn heal(&mut self) {
        *self = Way::new();
    }

    fn send(&mut self, now_us: u64, frame: &[u8], seed: &mut Seed) {
        let faults = self.faults;
        let half = seed.once_in(faults.half);
        let frame = if half { &frame[..seed.next(frame.len() as u64) as usize] } else { frame };
        let times = if seed.once_in(faults.twice) { 2 } else { 1 };
        for octet in frame.repeat(times) {
            if seed.once_in(faults.noise) {
                self.put(now_us, seed.next(256) as u8);
            }
            if seed.once_in(faults.lost) {
                continue;
            }
            let flip = if seed.once_in(faults.flipped) { 1 << seed.next(8) } else { 0 };
            self.put(now_us, octet ^ flip);
        }
    }

    fn put(&mut self, now_us: u64, octet: u8) {
        if self.faults.cut {
            return;
        }
        let begins = self.free_us.max(now_us + self.faults.delay_us);
        self.free_us = begins + OCTET_US + self.faults.slow_us;
        self.octets.push_back((self.free_us, octet));
    }

    fn arrived(&mut self, now_us: u64) -> Option<u8> {
        if self.octets.front()?.0 > now_us {
            return None;
        }
        self.octets.pop_front().map(|(_, octet)| octet).filter(|_| !self.faults.cut)
    }
}

/// What the eye knows of the relays.
#[derive(Default)]
struct Eye {
    /// Frames that the host sent, between their delimiters.
    sent: BTreeMap<Vec<u8>, ToChip>,
    /// What came since the last delimiter.
    coming: Vec<u8>,
    /// Until then there is food, by the first frame of each beat that came.
    fed_until_ms: u64,
    beat: u32,
}

impl Eye {
    fn sent(&mut self, wire: &Wire) {
        let mut decoder = Decoder::default();
        let frame = wire.iter().find_map(|octet| decoder.push(*octet)).expect("a frame").expect("whole");
        let message = ToChip::decode(frame.kind, &frame.payload).expect("a message");
        self.sent.insert(wire[1..wire.len() - 1].to_vec(), message);
    }

    /// The message of the host's that this octet has made whole.
    fn whole(&mut self, octet: u8) -> Option<&ToChip> {
        if octet != 0 {
            self.coming.push(octet);
            return None;
        }
        self.sent.get(&std::mem::take(&mut self.coming))
    }
}

/// Both ends.
pub struct Pair {
    pub now: Millis,
    pub host: Host,
    pub chip: Firmware,
    pub board: Board,
    pub to_chip: Way,
    pub to_host: Way,
    /// The audio path: its beat, and how often it beats.
    pub beat: u64,
    pub beat_every_ms: u64,
    /// Contacts that do not follow: these bits say so always.
    pub welded: u8,
    pub dead: u8,
    pub events: Vec<(Millis, Event)>,
    pub seed: Seed,
    eye: Eye,
    contacts: VecDeque<u8>,
}

pub const BOARD: Board = Board {
    firmware: [1, 0, 0],
    leds: 24,
    relays: 4,
    buttons: 2,
    sensed: 0x0f,
    has_temperature: true,
    has_supply: true,
};

pub fn config(watchdog_ms: u16) -> Config {
    Config {
        service: 0x00c0_ffee,
        first_session: 0xfff0,
        watchdog_ms,
        self_test: Policy::Never,
        last_test: None,
        limits: Limits::default(),
    }
}

pub fn day(year: u16, month: u8, day: u8) -> Date {
    Date { year, month, day }
}

impl Pair {
    pub fn new(watchdog_ms: u16, seed: u64) -> Self {
        Pair::of(config(watchdog_ms), BOARD, seed)
    }

    pub fn of(config: Config, board: Board, seed: u64) -> Self {
        let now = Millis(1000);
        let mut pair = Pair {
            now,
            host: Host::new(config),
            chip: Firmware::new(now, board, Reset::PowerOn),
            board,
            to_chip: Way::new(),
            to_host: Way::new(),
            beat: 0,
            beat_every_ms: 10,
            welded: 0,
            dead: 0,
            events: Vec::new(),
            seed: Seed(seed),
            eye: Eye::default(),
            contacts: VecDeque::from([0; 6]),
        };
        pair.tell(Input::Opened);
        pair
    }

    /// The state that tests want: all kinds of looks, relays 0 and 2.
    pub fn wants(&mut self) {
        for led in 0..self.board.leds {
            let look = tipring_controller::leds::Line::ALL[usize::from(led) % 14].look();
            self.tell(Input::Led { led, look });
        }
        self.tell(Input::Relay { relay: 0, energised: true });
        self.tell(Input::Relay { relay: 2, energised: true });
    }

    pub fn is_as_wanted(&self) -> bool {
        let look = |led: u8| -> Look { tipring_controller::leds::Line::ALL[usize::from(led) % 14].look() };
        self.chip.relays() == 0b101 && (0..self.board.leds).all(|led| self.chip.look(led) == look(led))
    }

    /// Something happens to the host.
    pub fn tell(&mut self, input: Input<'_>) {
        self.host.handle(self.now, input);
        while let Some(output) = self.host.poll() {
            match output {
                Output::Event(event) => self.events.push((self.now, event)),
                Output::Send(wire) => {
                    self.eye.sent(&wire);
                    self.to_chip.send(self.now.0 * 1000, &wire, &mut self.seed);
                }
            }
        }
    }

    /// Something happens to the chip that is no frame of the host's.
    pub fn happens(&mut self, input: firmware::Input<'_>) {
        let (before, testing) = (self.chip.relays(), self.chip.status().testing);
        self.chip.handle(self.now, input);
        let after = self.chip.relays();
        let starved = after == 0 && self.now.0 >= self.eye.fed_until_ms;
        let fed_until_ms = self.eye.fed_until_ms;
        assert!(
            before == after || testing || starved,
            "{:?}: {before:b} → {after:b} by itself, with food until {fed_until_ms}",
            self.now
        );
        self.drain();
    }

    fn arrives(&mut self, octet: u8) {
        self.happens(firmware::Input::Timer);
        let before = self.chip.relays();
        self.chip.handle(self.now, firmware::Input::Octets(&[octet]));
        let (after, now) = (self.chip.relays(), self.now.0);
        let whole = self.eye.whole(octet).cloned();
        if let Some(ToChip::Feed { beat, lasts_ms }) = whole
            && beat > self.eye.beat
        {
            (self.eye.beat, self.eye.fed_until_ms) = (beat, now + u64::from(lasts_ms));
        }
        let moving = matches!(whole, Some(ToChip::SetRelay { .. } | ToChip::TestRelay { .. } | ToChip::Hello { .. }));
        assert!(before == after || moving, "{:?}: {before:b} → {after:b} by {whole:?}", self.now);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(wire) = self.chip.poll() {
            self.to_host.send(self.now.0 * 1000, &wire, &mut self.seed);
        }
    }

    /// Octets that nobody sent.
    pub fn noise(&mut self, octets: &[u8]) {
        octets.iter().for_each(|octet| self.arrives(*octet));
    }

    /// The chip begins anew.
    pub fn reset(&mut self, reset: Reset) {
        self.chip = Firmware::new(self.now, self.board, reset);
        self.eye.coming.clear();
        (self.eye.beat, self.eye.fed_until_ms) = (0, 0);
    }

    /// The service begins anew.
    pub fn restart(&mut self, config: Config) {
        self.eye.beat = 0;
        self.host = Host::new(config);
        self.tell(Input::Opened);
    }

    /// A millisecond passes.
    pub fn step(&mut self) {
        self.now = self.now + Millis(1);
        let now_us = self.now.0 * 1000;
        if self.beat_every_ms != 0 && self.now.0.is_multiple_of(self.beat_every_ms) {
            self.beat += 1;
        }
        if self.now.0.is_multiple_of(20) {
            self.tell(Input::Beat(self.beat));
        }
        self.contacts.push_back(self.chip.relays());
        let contacts = self.contacts.pop_front().unwrap_or(0);
        self.happens(firmware::Input::Contacts(contacts & !self.dead | self.welded));
        while let Some(octet) = self.to_chip.arrived(now_us) {
            self.arrives(octet);
        }
        while let Some(octet) = self.to_host.arrived(now_us) {
            self.tell(Input::Octets(&[octet]));
        }
        for _ in 0..16 {
            match self.host.deadline() {
                Some(at) if at <= self.now => self.tell(Input::Timer),
                _ => return,
            }
        }
        panic!("{:?}: the host does not come to rest", self.now);
    }

    pub fn pass(&mut self, ms: u64) {
        (0..ms).for_each(|_| self.step());
    }

    /// Milliseconds until it is so.
    #[track_caller]
    pub fn until(&mut self, limit_ms: u64, what: &str, is_so: impl Fn(&Pair) -> bool) -> u64 {
        for passed in 0..=limit_ms {
            if is_so(self) {
                return passed;
            }
            self.step();
        }
        panic!("{what}: not within {limit_ms} ms; host {}, {:?}", self.host.link(), self.host.counters());
    }

    /// Events that were told since the last call.
    pub fn told(&mut self) -> Vec<Event> {
        self.events.drain(..).map(|(_, event)| event).collect()
    }

    pub fn reports(&self) -> Vec<Report> {
        let report = |(_, event): &(Millis, Event)| match event {
            Event::SelfTest(report) => Some(*report),
            _ => None,
        };
        self.events.iter().filter_map(report).collect()
    }

    pub fn reading(&mut self, temperature_c10: i16, supply_mv: u16) {
        let reading = Reading { temperature_c10: Some(temperature_c10), supply_mv: Some(supply_mv) };
        self.happens(firmware::Input::Reading(reading));
    }
}
