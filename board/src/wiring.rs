//! What of the board controller belongs to which socket of the box: its lamp, and the relays that take it from the box.
//! Pure: a profile and an inventory in.

use crate::inventory::{Card, Inventory};
use crate::profile::{Port, Profile};

/// A socket on the back, with what is behind it at the moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Socket {
    /// As printed beside it.
    pub label: String,
    /// Number of its lamp on the board controller.
    pub led: Option<u8>,
    /// Numbers of the relays that join it with another while the box does not hold them.
    pub relays: Vec<u8>,
    /// What is behind it. `None`: its slot is empty, or the card in it has no such span.
    pub behind: Option<Behind>,
}

/// A span, or one channel of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Behind {
    /// Its card, by [`Card::names`].
    pub card: [String; 3],
    /// The span's number in its card, from 1.
    pub local: u16,
    /// DAHDI's number of the span since this start. `None`: it is not assigned.
    pub number: Option<u16>,
    /// The channel in the span, from 1. `None`: all of it.
    pub position: Option<u16>,
}

/// All sockets of a box, and what belongs to none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wiring {
    /// In the order of the profile.
    pub sockets: Vec<Socket>,
    /// Lamps of no socket: they are the whole box's.
    pub box_leds: Vec<u8>,
}

impl Wiring {
    /// Of a box of this profile with these cards in it.
    pub fn of(profile: &Profile, inventory: &Inventory) -> Wiring {
        let socket = |port: &Port| {
            let led = port.led.as_ref().and_then(|name| profile.leds.iter().find(|led| led.name == *name));
            let relays = profile.relays.iter().filter(|relay| relay.bypasses.contains(&port.label));
            let card = inventory.cards.iter().find(|card| card.slot.as_deref() == Some(&port.slot));
            Socket {
                label: port.label.clone(),
                led: led.map(|led| led.number),
                relays: relays.map(|relay| relay.number).collect(),
                behind: card.and_then(|card| behind(card, port)),
            }
        };
        let is_no_ports = |name: &String| !profile.ports.iter().any(|port| port.led.as_ref() == Some(name));
        let of_box = profile.leds.iter().filter(|led| is_no_ports(&led.name));
        Wiring { sockets: profile.ports.iter().map(socket).collect(), box_leds: of_box.map(|led| led.number).collect() }
    }

    /// Whether the profile says which lamp shows what.
    pub fn has_leds(&self) -> bool {
        !self.box_leds.is_empty() || self.sockets.iter().any(|socket| socket.led.is_some())
    }
}

fn behind(card: &Card, port: &Port) -> Option<Behind> {
    let span = card.spans.iter().find(|span| span.local == port.span)?;
    // How many channels a span has is known when it is assigned.
    let exists = span.number.is_none() || port.position.is_none_or(|position| position <= span.channels);
    exists.then(|| Behind {
        card: card.names().map(String::from),
        local: span.local,
        number: span.number,
        position: port.position,
    })
}
