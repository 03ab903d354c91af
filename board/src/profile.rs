//! A profile: what an appliance has, as its file says it.

mod book;
mod fields;
mod file;
mod keys;
mod pattern;
mod together;

use serde::Serialize;

use crate::words::{Colour, Kind};
use crate::{Fault, Machine};

pub(crate) use fields::{is_pci, is_usb};
pub(crate) use keys::DMI;

pub use book::{Book, MAX_PROFILES};
pub use keys::SECTIONS_MAX;
pub use pattern::Pattern;

/// Octets of a file.
pub const MAX_OCTETS: usize = 64 * 1024;
/// Complaints about a file; the rest is not told.
pub const MAX_FAULTS: usize = 100;

/// What an appliance is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Profile {
    /// Short and lasting: `reference-4-1`.
    pub id: String,
    /// What is printed on it.
    pub name: String,
    /// Who makes it.
    pub manufacturer: String,
    /// The maker's words about it; may be empty.
    pub about: String,
    /// How it is known.
    pub recognised: Recognised,
    /// Where cards are put in.
    pub slots: Vec<Slot>,
    /// Seen from the back, left to right.
    pub ports: Vec<Port>,
    /// Lamps of the board controller.
    pub leds: Vec<Led>,
    /// Relays of the board controller.
    pub relays: Vec<Relay>,
    /// What puts the box back when it hangs.
    pub watchdog: Option<Watchdog>,
    /// Where the board controller is.
    pub serial: Option<Serial>,
}

/// How an appliance is recognised: all that is said must fit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Recognised {
    /// Fields of `/sys/class/dmi/id`.
    pub dmi: Vec<(String, Pattern)>,
    /// `model` of the device tree.
    pub model: Option<Pattern>,
    /// One of these is among the device tree's `compatible`.
    pub compatible: Vec<Pattern>,
    /// It fits every machine, and is taken when no other does.
    pub anything: bool,
}

/// Where a card is put in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Slot {
    /// As printed on the back.
    pub name: String,
    /// What it is wired to: `pci:0000:02:01.0`, with `*` for what may be anything.
    pub place: Pattern,
    /// What may be in it.
    pub holds: Vec<Kind>,
    /// That it is empty is a finding.
    pub wanted: bool,
}

/// A socket on the back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Port {
    /// As printed beside it.
    pub label: String,
    /// The slot whose card it belongs to.
    pub slot: String,
    /// What it is.
    pub kind: Kind,
    /// The card's span, counted in the card from 1.
    pub span: u16,
    /// The channel in that span, from 1; of a digital port none: it is the whole span.
    pub position: Option<u16>,
    /// Its lamp.
    pub led: Option<String>,
}

/// A lamp.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Led {
    /// What it is called.
    pub name: String,
    /// Its number on the board controller.
    pub number: u8,
    /// What it can show.
    pub colours: Vec<Colour>,
}

/// A relay that joins ports with each other while the box does not hold it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Relay {
    /// What it is called.
    pub name: String,
    /// Its number on the board controller.
    pub number: u8,
    /// Labels of the ports that it takes from the box.
    pub bypasses: Vec<String>,
    /// It has a contact that tells where it stands.
    pub sense: bool,
    /// It is to be tried from time to time.
    pub self_test: bool,
}

/// What puts the box back when it hangs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Watchdog {
    /// How long it may go without a sign.
    pub ms: u32,
}

/// Where the board controller is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Serial {
    /// By a path that does not change.
    pub device: String,
    /// Of its line.
    pub baud: u32,
}

impl Profile {
    /// What a file says, or everything that is wrong with it; `file` is how complaints name it.
    pub fn read(text: &str, file: &str) -> Result<Profile, Vec<Fault>> {
        file::read(text, file)
    }

    /// How surely this is what the machine is: conditions that fit. `None`: it is something else.
    pub fn fits(&self, machine: &Machine) -> Option<usize> {
        let of = &self.recognised;
        if of.anything {
            return Some(0);
        }
        let dmi = of.dmi.iter().all(|(field, pattern)| pattern.fits(machine.dmi.get(field).map_or("", String::as_str)));
        let model = of.model.as_ref().is_none_or(|pattern| pattern.fits(&machine.model));
        let known = |pattern: &Pattern| machine.compatible.iter().any(|one| pattern.fits(one));
        let compatible = of.compatible.is_empty() || of.compatible.iter().any(known);
        let conditions = of.dmi.len() + usize::from(of.model.is_some()) + usize::from(!of.compatible.is_empty());
        (dmi && model && compatible && conditions > 0).then_some(conditions)
    }

    /// The slot that is wired to a place.
    pub fn slot_at(&self, place: &str) -> Option<&Slot> {
        let of = |exact: bool| move |slot: &&Slot| slot.place.is_exact() == exact && slot.place.fits(place);
        self.slots.iter().find(of(true)).or_else(|| self.slots.iter().find(of(false)))
    }

    /// The ports of a span of the card in a slot.
    pub fn ports_of<'a>(&'a self, slot: &'a str, span: u16) -> impl Iterator<Item = &'a Port> {
        self.ports.iter().filter(move |port| port.slot == slot && port.span == span)
    }
}
