//! What the appliance is and what is in it. A *profile* is one file that says how a box is recognised, which slots and
//! ports it has, which lamps, relays and watchdog; [`Profile::read`] judges such a file with the place and the remedy of
//! every complaint. [`Tree::read`] looks at the kernel's files below a given root; [`Inventory::of`] makes of both, without
//! looking anywhere, the cards by names that last, and says of each whether it is good, nearly works or is absent, and
//! what to do next; [`Wiring::of`] says which lamp and which relays belong to which of its lines.
//!
//! Not here: what opens a card or speaks with the board's controller. Nothing is written and no device is opened.
#![forbid(unsafe_code)]

mod fault;
mod finding;
mod ids;
mod inventory;
mod near;
mod page;
mod profile;
mod tree;
mod wiring;
mod words;

pub use fault::{BoardError, Fault};
pub use finding::{Finding, State, Trouble};
pub use ids::{Model, of_pci, of_usb};
pub use inventory::{Card, CardSpan, Inventory, Known, MAX_FINDINGS};
pub use page::page;
pub use profile::{
    Book, Led, MAX_FAULTS, MAX_OCTETS, MAX_PROFILES, Pattern, Port, Profile, Recognised, Relay, SECTIONS_MAX, Serial,
    Slot, Watchdog,
};
pub use tree::{
    Device, FILE_OCTETS, MAX_CHANNELS, MAX_ENTRIES, MODULES_OCTETS, Machine, Node, Pci, Roots, SerialPort, Sound, Span,
    TEXT_CHARS, Tree, Usb, User,
};
pub use wiring::{Behind, Socket, Wiring};
pub use words::{Colour, Kind};
