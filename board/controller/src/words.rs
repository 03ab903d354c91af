//! The messages of the line, both ways, and their payloads. Plain values; what follows from them is the machines'.
//!
//! Octets behind those that a message is known to have are passed over: later versions append. Fewer are no message.
//! What moves a relay is said twice, the second time inverted, as a check sum of 16 bits alone is right by chance too
//! often for that.

use heapless::Vec;

use crate::codec::{MAX_PAYLOAD, Payload};
use crate::leds::{Colour, Look, Pattern};

/// The oldest version of the protocol that is understood here.
pub const OLDEST: u8 = 1;
/// The newest.
pub const NEWEST: u8 = 1;
/// The version that a handshake is written in, for ever.
pub const HANDSHAKE: u8 = 1;

/// Most LEDs of a board.
pub const MAX_LEDS: usize = 32;
/// Most relays.
pub const MAX_RELAYS: usize = 8;
/// Most buttons.
pub const MAX_BUTTONS: usize = 8;
/// Most LEDs that one message sets.
pub const MAX_LOOKS: usize = (MAX_PAYLOAD - 2) / 2;

/// Looks of LEDs that follow each other.
pub type Looks = Vec<Look, MAX_LOOKS>;

/// From the host to the chip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToChip {
    /// Begins a session: the number in the frame's head.
    Hello {
        /// Names the running service. Another one than before: all relays are released, all LEDs dark.
        service: u32,
        /// Oldest version that the host understands.
        oldest: u8,
        /// Newest.
        newest: u8,
        /// So long after its last food the watchdog releases the relays.
        watchdog_ms: u16,
    },
    /// Food for the watchdog.
    Feed {
        /// The audio path's beat; the same one again is no food.
        beat: u32,
        /// So long it lasts: the watchdog's time, less the beat's age.
        lasts_ms: u16,
    },
    /// Moves one relay.
    SetRelay {
        /// Which.
        relay: u8,
        /// The box has the line; else it is connected straight through.
        energised: bool,
    },
    /// Sets LEDs that follow each other.
    SetLed {
        /// The first.
        first: u8,
        /// What they show.
        looks: Looks,
    },
    /// Tests a relay with its sense contact.
    TestRelay {
        /// Which.
        relay: u8,
        /// Names the test: asked again under the same name it is not done again, its result is told again.
        test: u8,
    },
    /// Asks for [`ToHost::State`] and [`ToHost::Sensor`].
    Ask,
}

/// From the chip to the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToHost {
    /// Answers [`ToChip::Hello`].
    Welcome {
        /// The version that is spoken from now on; zero: there is none that both understand.
        version: u8,
        /// Oldest version that the chip understands.
        oldest: u8,
        /// Newest.
        newest: u8,
        /// What the board has.
        board: Board,
        /// Why the chip began last.
        reset: Reset,
        /// The watchdog's time as it is kept.
        watchdog_ms: u16,
        /// How things stand.
        status: Status,
    },
    /// A command was carried out.
    Ack {
        /// Sequence of its frame.
        of: u8,
        /// How things stand after it.
        status: Status,
    },
    /// A command was not carried out.
    Nak {
        /// Sequence of its frame.
        of: u8,
        /// Kind of its frame.
        kind: u8,
        /// Why.
        reason: Refusal,
        /// How things stand.
        status: Status,
    },
    /// How things stand, twice a second and at every change.
    State(State),
    /// What the sensors say.
    Sensor(Reading),
    /// A button was pressed or let go.
    Button {
        /// Which.
        button: u8,
        /// It is down.
        down: bool,
        /// How often it was pressed since the chip began, modulo 256.
        presses: u8,
    },
    /// A relay's test is over.
    TestResult {
        /// Which relay.
        relay: u8,
        /// Name of the test.
        test: u8,
        /// How it went.
        outcome: Outcome,
    },
    /// The chip has begun anew, and waits for a [`ToChip::Hello`].
    Started(Reset),
}

/// What a board has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Board {
    /// Version of the chip's program: major, minor, patch.
    pub firmware: [u8; 3],
    /// LEDs, numbered from zero; LED zero is the whole box's.
    pub leds: u8,
    /// Relays, numbered from zero.
    pub relays: u8,
    /// Buttons, numbered from zero.
    pub buttons: u8,
    /// Relays with a sense contact, a bit each, relay zero the lowest.
    pub sensed: u8,
    /// It measures its temperature.
    pub has_temperature: bool,
    /// It measures its supply.
    pub has_supply: bool,
}

/// How relays and watchdog stand. In every answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Relays that are commanded to be energised, a bit each.
    pub energised: u8,
    /// The watchdog has food.
    pub fed: bool,
    /// The watchdog has released the relays, and none was commanded since.
    pub tripped: bool,
    /// A relay is being tested.
    pub testing: bool,
}

/// How everything stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// Relays and watchdog.
    pub status: Status,
    /// Sense contacts that say "energised", a bit each; without one the bit is zero.
    pub contacts: u8,
    /// Since the chip began.
    pub uptime_s: u32,
    /// How often the watchdog has released relays since then.
    pub trips: u16,
    /// How many times octets were no frame, or a frame was not for now.
    pub faults: u16,
    /// Buttons that are down, a bit each.
    pub down: u8,
    /// How often each button was pressed since the chip began, modulo 256.
    pub presses: [u8; MAX_BUTTONS],
}

/// What the sensors say; `None` where there is none, or it is broken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Tenths of a degree Celsius.
    pub temperature_c10: Option<i16>,
    /// Thousandths of a volt.
    pub supply_mv: Option<u16>,
}

macro_rules! octets {
    ($(#[$of:meta])* $name:ident { $($(#[$doc:meta])* $value:ident = $octet:literal $word:literal),+ $(,)? }) => {
        $(#[$of])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum $name { $($(#[$doc])* $value = $octet),+ }

        impl $name {
            /// From its octet.
            pub const fn from_octet(octet: u8) -> Option<Self> {
                match octet { $($octet => Some($name::$value),)+ _ => None }
            }

            /// In words.
            pub const fn word(self) -> &'static str {
                match self { $($name::$value => $word),+ }
            }
        }
    };
}

octets! {
    /// Why a command was not carried out.
    Refusal {
        /// The frame is of no session, or of another: a handshake is wanted.
        NoSession = 1 "no session",
        /// Another version than the one agreed.
        Version = 2 "another version than agreed",
        /// No such kind.
        Kind = 3 "an unknown kind",
        /// The payload is not of its kind, or does not say the same twice.
        Payload = 4 "a payload that makes no sense",
        /// The board has no such LED, relay, contact.
        Number = 5 "the board has none of that number",
        /// No relay is energised while the watchdog has no food.
        Hungry = 6 "the watchdog has no food",
        /// A test is under way.
        Busy = 7 "a test is under way",
    }
}

octets! {
    /// Why the chip began.
    Reset {
        /// Nobody knows.
        Unknown = 0 "unknown",
        /// The power came.
        PowerOn = 1 "power on",
        /// The power was too low for a moment.
        Brownout = 2 "brownout",
        /// The chip's program hung.
        Watchdog = 3 "the chip's own watchdog",
        /// Its reset pin.
        Pin = 4 "reset pin",
        /// Its program wanted it: an update.
        Software = 5 "its own program",
    }
}

octets! {
    /// How a relay's test went.
    Outcome {
        /// Its contact followed both ways.
        Passed = 1 "passed",
        /// Released, its contact still says energised: the box cannot let go of the line.
        StuckEnergised = 2 "it does not release",
        /// Energised, its contact still says released: the box cannot have the line.
        StuckReleased = 3 "it does not energise",
        /// It has no contact.
        NoContact = 4 "it has no sense contact",
        /// A command for it came, or the watchdog let go.
        Interrupted = 5 "interrupted",
    }
}

/// Octets of kinds. From the chip the highest bit is set, so a line that gives back what is sent is known by it.
mod kind {
    pub const HELLO: u8 = 0x01;
    pub const FEED: u8 = 0x02;
    pub const SET_RELAY: u8 = 0x03;
    pub const SET_LED: u8 = 0x04;
    pub const TEST_RELAY: u8 = 0x05;
    pub const ASK: u8 = 0x06;
    pub const WELCOME: u8 = 0x81;
    pub const ACK: u8 = 0x82;
    pub const NAK: u8 = 0x83;
    pub const STATE: u8 = 0x84;
    pub const SENSOR: u8 = 0x85;
    pub const BUTTON: u8 = 0x86;
    pub const TEST_RESULT: u8 = 0x87;
    pub const STARTED: u8 = 0x88;
}

/// Why a frame is no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// There is no such kind in this direction.
    Kind,
    /// The payload is not of its kind.
    Payload,
}

/// How a relay's state is said.
const ENERGISE: u8 = 0xa5;
const RELEASE: u8 = 0x5a;
const NO_TEMPERATURE: i16 = i16::MIN;
const NO_SUPPLY: u16 = u16::MAX;

/// Whether a kind is of the host's messages: come back to the host, they are its own.
pub const fn is_to_chip(kind: u8) -> bool {
    kind & 0x80 == 0
}

impl ToChip {
    /// Kind and payload.
    pub fn encode(&self) -> (u8, Payload) {
        let mut out = Writer::default();
        let kind = match self {
            ToChip::Hello { service, oldest, newest, watchdog_ms } => {
                out.long(*service);
                out.long(!*service);
                out.octets(&[*oldest, *newest]);
                out.short(*watchdog_ms);
                kind::HELLO
            }
            ToChip::Feed { beat, lasts_ms } => {
                out.long(*beat);
                out.short(*lasts_ms);
                kind::FEED
            }
            ToChip::SetRelay { relay, energised } => {
                let state = if *energised { ENERGISE } else { RELEASE };
                out.octets(&[*relay, state, !*relay, !state]);
                kind::SET_RELAY
            }
            ToChip::SetLed { first, looks } => {
                out.octets(&[*first, looks.len() as u8]);
                looks.iter().for_each(|look| out.octets(&[look.pattern as u8, look.colour as u8]));
                kind::SET_LED
            }
            ToChip::TestRelay { relay, test } => {
                out.octets(&[*relay, *test, !*relay, !*test]);
                kind::TEST_RELAY
            }
            ToChip::Ask => kind::ASK,
        };
        (kind, out.0)
    }

    /// From a frame's kind and payload.
    pub fn decode(kind: u8, payload: &[u8]) -> Result<ToChip, Fault> {
        let mut rest = Reader(payload);
        let message = match kind {
            kind::HELLO => rest.hello(),
            kind::FEED => rest.feed(),
            kind::SET_RELAY => rest.twice().and_then(|[relay, state]| {
                let energised = match state {
                    ENERGISE => true,
                    RELEASE => false,
                    _ => return None,
                };
                Some(ToChip::SetRelay { relay, energised })
            }),
            kind::SET_LED => rest.set_led(),
            kind::TEST_RELAY => rest.twice().map(|[relay, test]| ToChip::TestRelay { relay, test }),
            kind::ASK => Some(ToChip::Ask),
            _ => return Err(Fault::Kind),
        };
        message.ok_or(Fault::Payload)
    }
}

impl ToHost {
    /// Kind and payload.
    pub fn encode(&self) -> (u8, Payload) {
        let mut out = Writer::default();
        let kind = match self {
            ToHost::Welcome { version, oldest, newest, board, reset, watchdog_ms, status } => {
                out.octets(&[*version, *oldest, *newest]);
                out.octets(&board.firmware);
                let sensors = u8::from(board.has_temperature) | u8::from(board.has_supply) << 1;
                out.octets(&[board.leds, board.relays, board.buttons, board.sensed, sensors, *reset as u8]);
                out.short(*watchdog_ms);
                out.status(status);
                kind::WELCOME
            }
            ToHost::Ack { of, status } => {
                out.octets(&[*of]);
                out.status(status);
                kind::ACK
            }
            ToHost::Nak { of, kind, reason, status } => {
                out.octets(&[*of, *kind, *reason as u8]);
                out.status(status);
                kind::NAK
            }
            ToHost::State(state) => {
                out.status(&state.status);
                out.octets(&[state.contacts]);
                out.long(state.uptime_s);
                out.short(state.trips);
                out.short(state.faults);
                out.octets(&[state.down]);
                out.octets(&state.presses);
                kind::STATE
            }
            ToHost::Sensor(reading) => {
                out.octets(&reading.temperature_c10.unwrap_or(NO_TEMPERATURE).to_be_bytes());
                out.short(reading.supply_mv.unwrap_or(NO_SUPPLY));
                kind::SENSOR
            }
            ToHost::Button { button, down, presses } => {
                out.octets(&[*button, u8::from(*down), *presses]);
                kind::BUTTON
            }
            ToHost::TestResult { relay, test, outcome } => {
                out.octets(&[*relay, *test, *outcome as u8]);
                kind::TEST_RESULT
            }
            ToHost::Started(reset) => {
                out.octets(&[*reset as u8]);
                kind::STARTED
            }
        };
        (kind, out.0)
    }

    /// From a frame's kind and payload.
    pub fn decode(kind: u8, payload: &[u8]) -> Result<ToHost, Fault> {
        let mut rest = Reader(payload);
        let message = match kind {
            kind::WELCOME => rest.welcome(),
            kind::ACK => rest.ack(),
            kind::NAK => rest.nak(),
            kind::STATE => rest.state().map(ToHost::State),
            kind::SENSOR => rest.reading().map(ToHost::Sensor),
            kind::BUTTON => rest.button(),
            kind::TEST_RESULT => rest.test_result(),
            // A cause of a later version is no reason not to be heard.
            kind::STARTED => {
                rest.octet().map(|reset| ToHost::Started(Reset::from_octet(reset).unwrap_or(Reset::Unknown)))
            }
            _ => return Err(Fault::Kind),
        };
        message.ok_or(Fault::Payload)
    }
}

/// Puts values behind each other. The longest message, 64 octets of LEDs, fits by its type; a test tries all.
#[derive(Default)]
struct Writer(Payload);

impl Writer {
    fn octets(&mut self, octets: &[u8]) {
        let _ = self.0.extend_from_slice(octets);
    }

    fn short(&mut self, value: u16) {
        self.octets(&value.to_be_bytes());
    }

    fn long(&mut self, value: u32) {
        self.octets(&value.to_be_bytes());
    }

    fn status(&mut self, status: &Status) {
        let flags = u8::from(status.fed) | u8::from(status.tripped) << 1 | u8::from(status.testing) << 2;
        self.octets(&[status.energised, flags]);
    }
}

/// Takes values off the front.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*array)
    }

    fn octet(&mut self) -> Option<u8> {
        self.array::<1>().map(|[octet]| octet)
    }

    fn short(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    fn long(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    /// Two octets, and the same again inverted.
    fn twice(&mut self) -> Option<[u8; 2]> {
        let [first, second, first_inverted, second_inverted] = self.array()?;
        (first == !first_inverted && second == !second_inverted).then_some([first, second])
    }

    fn hello(&mut self) -> Option<ToChip> {
        let service = self.long()?;
        if service != !self.long()? {
            return None;
        }
        let [oldest, newest] = self.array()?;
        Some(ToChip::Hello { service, oldest, newest, watchdog_ms: self.short()? })
    }

    fn feed(&mut self) -> Option<ToChip> {
        Some(ToChip::Feed { beat: self.long()?, lasts_ms: self.short()? })
    }

    fn set_led(&mut self) -> Option<ToChip> {
        let [first, count] = self.array()?;
        let mut looks = Looks::new();
        for _ in 0..count {
            let [pattern, colour] = self.array()?;
            let look = Look { pattern: Pattern::from_octet(pattern)?, colour: Colour::from_octet(colour)? };
            looks.push(look).ok()?;
        }
        Some(ToChip::SetLed { first, looks })
    }

    fn status(&mut self) -> Option<Status> {
        let [energised, flags] = self.array()?;
        Some(Status { energised, fed: flags & 1 != 0, tripped: flags & 2 != 0, testing: flags & 4 != 0 })
    }

    fn welcome(&mut self) -> Option<ToHost> {
        let [version, oldest, newest] = self.array()?;
        let firmware = self.array()?;
        let [leds, relays, buttons, sensed, sensors, reset] = self.array()?;
        let (has_temperature, has_supply) = (sensors & 1 != 0, sensors & 2 != 0);
        let board = Board { firmware, leds, relays, buttons, sensed, has_temperature, has_supply };
        let reset = Reset::from_octet(reset).unwrap_or(Reset::Unknown);
        let watchdog_ms = self.short()?;
        Some(ToHost::Welcome { version, oldest, newest, board, reset, watchdog_ms, status: self.status()? })
    }

    fn ack(&mut self) -> Option<ToHost> {
        Some(ToHost::Ack { of: self.octet()?, status: self.status()? })
    }

    fn nak(&mut self) -> Option<ToHost> {
        let [of, kind, reason] = self.array()?;
        Some(ToHost::Nak { of, kind, reason: Refusal::from_octet(reason)?, status: self.status()? })
    }

    fn state(&mut self) -> Option<State> {
        let status = self.status()?;
        let contacts = self.octet()?;
        let uptime_s = self.long()?;
        let (trips, faults) = (self.short()?, self.short()?);
        Some(State { status, contacts, uptime_s, trips, faults, down: self.octet()?, presses: self.array()? })
    }

    fn reading(&mut self) -> Option<Reading> {
        let temperature_c10 = Some(i16::from_be_bytes(self.array()?)).filter(|tenths| *tenths != NO_TEMPERATURE);
        Some(Reading { temperature_c10, supply_mv: Some(self.short()?).filter(|mv| *mv != NO_SUPPLY) })
    }

    fn button(&mut self) -> Option<ToHost> {
        let [button, down, presses] = self.array()?;
        Some(ToHost::Button { button, down: down != 0, presses })
    }

    fn test_result(&mut self) -> Option<ToHost> {
        let [relay, test, outcome] = self.array()?;
        Some(ToHost::TestResult { relay, test, outcome: Outcome::from_octet(outcome)? })
    }
}

#[cfg(test)]
#[path = "words_tests.rs"]
mod tests;
