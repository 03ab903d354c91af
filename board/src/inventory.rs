//! The cards of a box by names that last, and what is found of each. Pure: a tree of facts and a profile in, an inventory
//! out.
//!
//! A card is called by its hardware id where it has one that nobody else has, else by its place; a span by its card and its
//! number in it. The numbers of spans and channels follow the order in which drivers came up and are never part of a name.

mod boxes;
mod cards;
mod spans;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::Serialize;

use crate::finding::{Finding, State, Trouble};
use crate::profile::Profile;
use crate::tree::{SerialPort, Sound, Tree};
use crate::words::Kind;

/// Findings that are told; the rest are counted.
pub const MAX_FINDINGS: usize = 1000;
/// What is to be done about what is good.
const READY: &str = "ready";

/// What a box has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Inventory {
    /// The id of the box's profile.
    pub profile: String,
    /// Telephone cards, and what may be one; those that are not good first.
    pub cards: Vec<Card>,
    /// All that is to be said, the worst first; each good card has one too.
    pub findings: Vec<Finding>,
    /// Findings that are not told.
    pub more: usize,
    /// Sound cards.
    pub sound: Vec<Sound>,
    /// Serial ports.
    pub serial: Vec<SerialPort>,
}

/// A card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Card {
    /// Its name, which lasts.
    pub name: String,
    /// Where it is: `pci:0000:02:01.0`
    pub place: String,
    /// The slot of the box that it is in.
    pub slot: Option<String>,
    /// What it says of itself; may be empty.
    pub hardware_id: String,
    /// What it is, in words.
    pub what: String,
    /// The kernel module that has it.
    pub driver: Option<String>,
    /// DAHDI's name for it.
    pub device: Option<String>,
    /// Its spans, assigned or not.
    pub spans: Vec<CardSpan>,
    /// How it stands: as badly as its worst span.
    pub state: State,
    /// What to do next.
    pub next: String,
}

/// A span of a card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CardSpan {
    /// Its name, which lasts: `pci:0000:02:01.0/1`
    pub name: String,
    /// Its number in its card, from 1.
    pub local: u16,
    /// DAHDI's number since this start. `None`: it is not assigned.
    pub number: Option<u16>,
    /// What DAHDI calls its kind.
    pub kind: String,
    /// Its channels.
    pub channels: u16,
    /// The first of them since this start.
    pub first_channel: Option<u16>,
    /// Its alarm bits, DAHDI's values.
    pub alarms: u32,
    /// The box's sockets that it is behind.
    pub ports: Vec<String>,
    /// How it stands.
    pub state: State,
    /// What to do next.
    pub next: String,
}

/// A card that was seen before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its name.
    pub name: String,
    /// Where it was.
    pub place: String,
}

impl Inventory {
    /// What of a tree belongs to a box of this profile; `known` are cards of earlier times.
    pub fn of(tree: &Tree, profile: &Profile, known: &[Known]) -> Inventory {
        let mut findings = Vec::new();
        let mut cards = cards::cards(tree, profile, &mut findings);
        for card in &mut cards {
            spans::judge(tree, profile, card, &mut findings);
            moved(card, known, &mut findings);
        }
        boxes::judge(tree, profile, &cards, &mut findings);
        let worst = worst(&findings);
        for card in &mut cards {
            (card.state, card.next) = standing(&worst, &card.name);
            for span in &mut card.spans {
                (span.state, span.next) = standing(&worst, &span.name);
                if span.state < card.state {
                    (card.state, card.next) = (span.state, span.next.clone());
                }
            }
            if card.state == State::Good {
                findings.push(card.finding(State::Good, Trouble::Ready, card.what.clone(), READY));
            }
        }
        findings.sort();
        cards.sort_by(|a, b| (a.state, &a.place, &a.name).cmp(&(b.state, &b.place, &b.name)));
        let more = findings.len().saturating_sub(MAX_FINDINGS);
        findings.truncate(MAX_FINDINGS);
        Inventory {
            profile: profile.id.clone(),
            cards,
            findings,
            more,
            sound: tree.sound.clone(),
            serial: tree.serial.clone(),
        }
    }

    /// Whether there is a card and nothing is to be done.
    pub fn is_good(&self) -> bool {
        !self.cards.is_empty() && self.findings.iter().all(|finding| finding.state == State::Good)
    }

    /// The span that has a number of DAHDI's since this start.
    pub fn span(&self, number: u16) -> Option<(&Card, &CardSpan)> {
        let spans = self.cards.iter().flat_map(|card| card.spans.iter().map(move |span| (card, span)));
        spans.into_iter().find(|(_, span)| span.number == Some(number))
    }

    /// For a person: a finding a line.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let on_the_back = self.on_the_back();
        for finding in &self.findings {
            let place = match (finding.place == finding.about, finding.place.as_str()) {
                (true, _) | (_, "") => String::new(),
                (false, place) => format!(" at {place}"),
            };
            let back = on_the_back.get(finding.about.as_str()).map_or("", String::as_str);
            let (state, about) = (finding.state.word(), &finding.about);
            let _ = writeln!(text, "{state:12}  {about}{place}{back}: {}; {}", finding.what, finding.next);
        }
        if self.more > 0 {
            let _ = writeln!(text, "and {} more", self.more);
        }
        text
    }

    /// Of each card and span in a slot: the slot, and what is printed beside its sockets.
    fn on_the_back(&self) -> BTreeMap<&str, String> {
        let words = |slot: &str, ports: Vec<&str>| match ports.as_slice() {
            [] => format!(" in slot {slot}"),
            [one] => format!(" in slot {slot}, port {one}"),
            more => format!(" in slot {slot}, ports {}", more.join(", ")),
        };
        let mut all = BTreeMap::new();
        for (card, slot) in self.cards.iter().filter_map(|card| Some((card, card.slot.as_deref()?))) {
            let ports = card.spans.iter().flat_map(|span| &span.ports).map(String::as_str).collect();
            all.insert(card.name.as_str(), words(slot, ports));
            for span in &card.spans {
                all.insert(span.name.as_str(), words(slot, span.ports.iter().map(String::as_str).collect()));
            }
        }
        all
    }
}

impl Card {
    /// Its name, its place and what it says of itself: whoever names it may use any of them.
    pub fn names(&self) -> [&str; 3] {
        [&self.name, &self.place, &self.hardware_id]
    }

    fn finding(&self, state: State, trouble: Trouble, what: impl Into<String>, next: impl Into<String>) -> Finding {
        let (about, place) = (self.name.clone(), self.place.clone());
        Finding { state, about, place, trouble, what: what.into(), next: next.into() }
    }
}

/// A card that was elsewhere keeps its name; that it moved is told.
fn moved(card: &Card, known: &[Known], findings: &mut Vec<Finding>) {
    let before = known.iter().find(|one| one.name == card.name && one.place != card.place);
    if let Some(before) = before {
        let what = format!("it was at {} before", before.place);
        let next = "its lines are called what they were; if it was not meant, put it back into its slot";
        findings.push(card.finding(State::Nearly, Trouble::Moved, what, next));
    }
}

/// The worst finding of each name.
fn worst(findings: &[Finding]) -> BTreeMap<String, (State, String)> {
    let mut worst: BTreeMap<String, (State, String)> = BTreeMap::new();
    for finding in findings {
        let entry = worst.entry(finding.about.clone()).or_insert((State::Good, READY.to_string()));
        if finding.state < entry.0 {
            *entry = (finding.state, finding.next.clone());
        }
    }
    worst
}

fn standing(worst: &BTreeMap<String, (State, String)>, name: &str) -> (State, String) {
    worst.get(name).cloned().unwrap_or((State::Good, READY.to_string()))
}

/// The kinds of port that a span of DAHDI's can be. Empty: its type does not tell.
fn kinds(kind: &str) -> &'static [Kind] {
    match kind.to_ascii_uppercase().as_str() {
        "E1" => &[Kind::E1],
        "T1" | "J1" => &[Kind::T1],
        "FXO" => &[Kind::Fxo],
        "FXS" => &[Kind::Fxs],
        "ANALOG_MIXED" => &[Kind::Fxo, Kind::Fxs],
        _ => &[],
    }
}

/// Names that stand more than once.
fn doubles<'a>(names: impl Iterator<Item = &'a str>) -> BTreeSet<&'a str> {
    let mut seen = BTreeSet::new();
    names.filter(|name| !seen.insert(*name)).collect()
}
