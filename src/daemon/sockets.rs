//! Which lamp and which relay of the board belong to which line of the box, as the box's profile says: the sockets on its
//! back, and what of the cards is behind each. A relay takes its sockets from the box, so the box holds it while it drives
//! at least one of their lines; where no profile says whose it is, while there is a card.

use std::path::Path;
use std::time::{Duration, Instant};

use tipring_board::{Behind, Book, Inventory, Known, Profile, Roots, Serial, Tree, Wiring};
use tipring_lines::SpanGauge;
use tipring_serial::controller::leds::{Line, Look};
use tipring_serial::controller::words::{MAX_LEDS, MAX_RELAYS};

use super::lamps::{self, Condition};
use crate::config::SpanEntry;

/// A relay lets go of lines that are nobody's any more after so long: a reload takes some away and gives them back.
const LETS_GO: Duration = Duration::from_secs(5);

/// The box's profile, and where the machine is looked at.
#[derive(Clone)]
pub struct Back {
    profile: Profile,
    roots: Roots,
    spans: Vec<SpanEntry>,
}

impl Back {
    /// The profile that is named, else the one that is recognised; `boards` has those of the operator. What is wrong with
    /// them is logged and stops nothing: telephones come before lamps.
    pub fn of(named: &str, boards: &Path, roots: Roots, spans: &[SpanEntry]) -> Back {
        let book = Book::with_folder(boards).unwrap_or_else(|error| {
            tracing::error!("{error}; the profiles in {} are not used", boards.display());
            Book::default()
        });
        if !named.is_empty() && book.find(named).is_none() {
            tracing::error!("board.profile: {}; the box is what it is recognised as", book.unknown(named));
        }
        let recognised = || book.recognise(&tipring_board::Machine::read(&roots)).clone();
        let profile = book.find(named).cloned().unwrap_or_else(recognised);
        Back { profile, roots, spans: spans.to_vec() }
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.profile.id
    }

    /// Where its board controller is.
    pub fn serial(&self) -> Option<&Serial> {
        self.profile.serial.as_ref()
    }

    /// What is printed beside the sockets of each relay, from relay 0.
    pub fn relay_labels(&self) -> Vec<String> {
        let of = |number: usize| self.profile.relays.iter().find(|relay| usize::from(relay.number) == number);
        let most = self.profile.relays.iter().map(|relay| usize::from(relay.number) + 1).max().unwrap_or(0);
        (0..most.min(MAX_RELAYS))
            .map(|number| of(number).map_or_else(String::new, |it| it.bypasses.join(", ")))
            .collect()
    }

    /// What is in the machine now. Reads files: not on the runtime.
    pub fn inventory(&self, known: &[Known]) -> Inventory {
        Inventory::of(&Tree::read(&self.roots), &self.profile, known)
    }

    /// Its sockets, likewise.
    pub fn look(&self) -> Sockets {
        Sockets::of(&Wiring::of(&self.profile, &self.inventory(&[])), &self.spans)
    }
}

/// The sockets, with the lines behind them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sockets {
    all: Vec<Socket>,
    box_leds: Vec<u8>,
    /// The profile says which lamp shows what.
    has_leds: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Socket {
    led: Option<u8>,
    relays: Vec<u8>,
    /// Name of a span, and the place in it; without a place all of it.
    line: Option<(String, Option<u16>)>,
}

impl Sockets {
    /// Of a box whose spans have these numbers with us.
    fn of(wiring: &Wiring, spans: &[SpanEntry]) -> Sockets {
        let all = wiring.sockets.iter().map(|socket| Socket {
            led: socket.led,
            relays: socket.relays.clone(),
            line: socket.behind.as_ref().and_then(|behind| {
                let number = our_number(behind, spans)?;
                Some((format!("dahdi {number}"), behind.position))
            }),
        });
        Sockets { all: all.collect(), box_leds: wiring.box_leds.clone(), has_leds: wiring.has_leds() }
    }

    /// What every LED is to show.
    pub fn looks(&self, condition: Condition, spans: &[SpanGauge]) -> [Look; MAX_LEDS] {
        if !self.has_leds {
            return lamps::looks(condition, spans);
        }
        let mut looks = lamps::dark();
        let mut light = |led: u8, look: Look| {
            if let Some(place) = looks.get_mut(usize::from(led)) {
                *place = look;
            }
        };
        for (led, socket) in self.all.iter().filter_map(|socket| Some((socket.led?, socket))) {
            light(led, socket.state(spans).unwrap_or(Line::Disabled).look());
        }
        self.box_leds.iter().for_each(|led| light(*led, lamps::whole(condition).look()));
        looks
    }

    /// Which relays are to be held, a bit each.
    pub fn held(&self, spans: &[SpanGauge], has_card: bool) -> u8 {
        let bit = |relay: u8| 1_u8.checked_shl(relay.into()).unwrap_or(0);
        let of_profile = self.all.iter().flat_map(|socket| &socket.relays).fold(0, |bits, relay| bits | bit(*relay));
        let driven = self.all.iter().filter(|socket| socket.is_driven(spans));
        let held = driven.flat_map(|socket| &socket.relays).fold(0, |bits, relay| bits | bit(*relay));
        held | if has_card { !of_profile } else { 0 }
    }
}

impl Socket {
    /// Of its line, if there is one with us.
    fn state(&self, spans: &[SpanGauge]) -> Option<Line> {
        let (name, position) = self.line.as_ref()?;
        let span = spans.iter().find(|span| span.name == *name)?;
        match position {
            Some(position) => lamps::line_at(span, *position),
            None => Some(lamps::span_as_one(span)),
        }
    }

    fn is_driven(&self, spans: &[SpanGauge]) -> bool {
        !matches!(self.state(spans), None | Some(Line::Gone | Line::Disabled))
    }
}

/// The number of a span with us: a [[span]] may have given it another one than DAHDI.
fn our_number(behind: &Behind, spans: &[SpanEntry]) -> Option<u16> {
    let is_it = |entry: &&SpanEntry| u16::from(entry.port) == behind.local && behind.card.contains(&entry.card);
    let named = spans.iter().filter(|entry| !entry.card.is_empty()).find(is_it);
    named.map(|entry| entry.number).or(behind.number)
}

/// Relays as they are held: taken at once, let go a while later.
#[derive(Debug, Default)]
pub struct Holding {
    bits: u8,
    unwanted_since: [Option<Instant>; MAX_RELAYS],
}

impl Holding {
    /// What is held now, where this is wanted.
    pub fn turn(&mut self, wanted: u8, now: Instant) -> u8 {
        for (relay, since) in self.unwanted_since.iter_mut().enumerate() {
            let bit = 1_u8 << relay;
            if wanted & bit != 0 {
                (*since, self.bits) = (None, self.bits | bit);
            } else if now.duration_since(*since.get_or_insert(now)) >= LETS_GO {
                self.bits &= !bit;
            }
        }
        self.bits
    }
}

#[cfg(test)]
mod tests {
    use tipring_board::{Colour, Kind, Led, Pattern, Port, Relay, Slot};
    use tipring_card::Alarms;
    use tipring_serial::controller::leds::Appliance;

    use super::*;

    const WELL: Condition = Condition { ready: true, still: false, released: false };

    /// The design to build from, with its card of lines, and its E1 under another number than DAHDI's.
    fn wiring() -> Wiring {
        let book = Book::default();
        let profile = book.find("reference-4-1").expect("built in").clone();
        let card = |place: &str, slot: &str, kind: &str, number: u16, channels: u16| tipring_board::Card {
            name: format!("{place}-id"),
            place: place.into(),
            slot: Some(slot.into()),
            hardware_id: String::new(),
            what: String::new(),
            driver: None,
            device: None,
            spans: vec![tipring_board::CardSpan {
                name: String::new(),
                local: 1,
                number: Some(number),
                kind: kind.into(),
                channels,
                first_channel: Some(1),
                alarms: 0,
                ports: Vec::new(),
                state: tipring_board::State::Good,
                next: String::new(),
            }],
            state: tipring_board::State::Good,
            next: String::new(),
        };
        let cards =
            vec![card("pci:0000:02:01.0", "A", "ANALOG_MIXED", 1, 4), card("pci:0000:02:02.0", "B", "E1", 2, 31)];
        Wiring::of(&profile, &Inventory { cards, ..Inventory::default() })
    }

    fn spans() -> Vec<SpanGauge> {
        let words = |words: &[&'static str]| (1..).zip(words.iter().copied()).collect();
        let lines = ["idle", "in call", "alarm", "gone"];
        let analog =
            SpanGauge { name: "dahdi 1".into(), analog: true, channels: words(&lines), ..SpanGauge::default() };
        let mut e1 =
            SpanGauge { name: "dahdi 7".into(), up: true, channels: words(&["ringing"]), ..SpanGauge::default() };
        e1.status.alarms = Alarms(0);
        vec![e1, analog]
    }

    fn sockets() -> Sockets {
        let seven = SpanEntry { number: 7, card: "pci:0000:02:02.0-id".into(), ..SpanEntry::default() };
        Sockets::of(&wiring(), &[seven])
    }

    #[test]
    fn every_lamp_of_the_profile_shows_the_line_behind_its_socket() {
        let looks = sockets().looks(WELL, &spans());
        let shown = [Line::Idle, Line::InCall, Line::Unplugged, Line::Gone, Line::Ringing].map(Line::look);
        assert_eq!(looks[..5], shown);
        assert_eq!(looks[5], Appliance::Ready.look(), "the lamp of no socket is the box's");
        assert_eq!(looks[6], Line::Disabled.look());
    }

    #[test]
    fn a_socket_without_a_card_is_dark_and_its_relay_is_let_go() {
        let mut without = wiring();
        without.sockets[0].behind = None;
        let sockets = Sockets::of(&without, &[]);
        assert_eq!(sockets.looks(WELL, &spans())[0], Line::Disabled.look());
        assert_eq!(sockets.held(&spans(), true) & 1, 0);
    }

    #[test]
    fn a_relay_is_held_for_a_line_that_the_box_drives_and_for_no_other() {
        // Free, in a call, without a cable; the fourth is gone. Four relays nobody speaks of follow the card.
        assert_eq!(sockets().held(&spans(), true), 0b1111_0111);
        assert_eq!(sockets().held(&spans(), false), 0b0000_0111);
        assert_eq!(sockets().held(&[], true), 0b1111_0000);
        assert_eq!(Sockets::default().held(&[], true), 0xff);
    }

    #[test]
    fn a_relay_of_two_sockets_is_held_for_either() {
        let kind = |position| Port {
            label: format!("line {position}"),
            slot: "A".into(),
            kind: Kind::Fxo,
            span: 1,
            position: Some(position),
            led: None,
        };
        let profile = Profile {
            slots: vec![Slot { name: "A".into(), place: Pattern::of("pci:*"), holds: vec![Kind::Fxo], wanted: false }],
            ports: vec![kind(3), kind(4)],
            leds: vec![Led { name: "box".into(), number: 9, colours: vec![Colour::Green] }],
            relays: vec![Relay {
                name: "both".into(),
                number: 2,
                bypasses: vec!["line 3".into(), "line 4".into()],
                sense: false,
                self_test: false,
            }],
            ..Book::default().find("generic").expect("built in").clone()
        };
        let mut wiring = Wiring::of(&profile, &Inventory::default());
        for (socket, position) in wiring.sockets.iter_mut().zip([3, 4]) {
            let card = ["x", "y", ""].map(String::from);
            socket.behind = Some(Behind { card, local: 1, number: Some(1), position: Some(position) });
        }
        let sockets = Sockets::of(&wiring, &[]);
        assert_eq!(sockets.held(&spans(), true) & 0b100, 0b100, "line 3 has no cable and is the box's");
        let none = [SpanGauge { channels: vec![(3, "gone"), (4, "gone")], ..spans().remove(1) }];
        assert_eq!(sockets.held(&none, true) & 0b100, 0);
    }

    #[test]
    fn relays_are_taken_at_once_and_let_go_a_while_later() {
        let (mut holding, start) = (Holding::default(), Instant::now());
        let at = |ms| start + Duration::from_millis(ms);
        assert_eq!(holding.turn(0b11, at(0)), 0b11);
        assert_eq!(holding.turn(0b01, at(100)), 0b11);
        assert_eq!(holding.turn(0b11, at(4_000)), 0b11, "a reload has given it back");
        assert_eq!(holding.turn(0b01, at(5_200)), 0b11);
        assert_eq!(holding.turn(0b01, at(10_100)), 0b11);
        assert_eq!(holding.turn(0b01, at(10_300)), 0b01);
    }
}
