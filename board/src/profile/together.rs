//! What only all parts of a profile together tell: names that stand twice, and those that name nothing.

use std::collections::BTreeMap;

use super::file::{Entry, Listed, Reader};
use super::{Led, Port, Profile, Relay, Slot};
use crate::near::{nearest, quoted, shown};

impl Reader<'_> {
    pub(super) fn together(
        &mut self,
        profile: &Profile,
        slots: &Listed<'_, '_, Slot>,
        ports: &Listed<'_, '_, Port>,
        leds: &Listed<'_, '_, Led>,
        relays: &Listed<'_, '_, Relay>,
    ) {
        self.once_each(slots.iter().map(|(entry, slot)| (entry, "name", slot.name.clone())));
        self.once_each(slots.iter().map(|(entry, slot)| (entry, "place", slot.place.text().to_string())));
        self.once_each(ports.iter().map(|(entry, port)| (entry, "label", port.label.clone())));
        self.once_each(leds.iter().map(|(entry, led)| (entry, "name", led.name.clone())));
        self.once_each(relays.iter().map(|(entry, relay)| (entry, "name", relay.name.clone())));
        let numbered = |(entry, number): (_, u8)| (entry, "number", number.to_string());
        self.once_each(leds.iter().map(|(entry, led)| numbered((entry, led.number))));
        self.once_each(relays.iter().map(|(entry, relay)| numbered((entry, relay.number))));
        self.wires(slots, ports, leds);
        self.bypasses(ports, relays);
        if profile.serial.is_some() {
            return;
        }
        let first = leds.entries.first().or(relays.entries.first());
        if let Some(entry) = first {
            let what = format!("{}: there is no board controller that drives it", entry.section);
            self.fault(entry.at, what, "write [serial] with its `device`, or take this out");
        }
    }

    /// Each word once in the file.
    fn once_each<'e, 'a: 'e, 'd: 'a>(&mut self, all: impl Iterator<Item = (&'e Entry<'a, 'd>, &'static str, String)>) {
        let mut seen = BTreeMap::new();
        for (entry, key, word) in all {
            if !entry.values.contains_key(key) || word.is_empty() || self.is_told(entry.place(key)) {
                continue;
            }
            if let Some(first) = seen.insert(word.clone(), entry.at) {
                let (line, _) = self.position(first);
                let what = format!(
                    "{}: {} of another {} is \"{}\" too",
                    entry.name(key),
                    the(key),
                    entry.section,
                    shown(&word)
                );
                self.fault(entry.place(key), what, format!("the first is in line {line}: write another one"));
            }
        }
    }

    /// Whether a list has all its names: where one is wrong already, whoever names it is not.
    fn is_sure<T>(&self, listed: &Listed<'_, '_, T>, key: &str) -> bool {
        listed.is_sure && listed.entries.iter().all(|entry| !self.is_told(entry.place(key)))
    }

    /// Which slot and lamp a port has, and that nothing has two ports.
    fn wires(&mut self, slots: &Listed<'_, '_, Slot>, ports: &Listed<'_, '_, Port>, leds: &Listed<'_, '_, Led>) {
        let (slots_sure, leds_sure) = (self.is_sure(slots, "name"), self.is_sure(leds, "name"));
        let mut taken: BTreeMap<(&str, u16, Option<u16>), &str> = BTreeMap::new();
        for (entry, port) in ports.iter() {
            match slots.read.iter().find(|slot| slot.name == port.slot) {
                Some(_) if self.is_told(entry.place("kind")) => {}
                Some(slot) if !slot.holds.is_empty() && !slot.holds.contains(&port.kind) => {
                    let held = quoted(slot.holds.iter().map(|kind| kind.word()));
                    let what = format!("port.kind: slot \"{}\" holds {held}", shown(&slot.name));
                    let remedy = format!("put \"{}\" into its `holds`, or take another slot", port.kind.word());
                    self.fault(entry.place("kind"), what, remedy);
                }
                None if slots_sure && entry.values.get("slot").is_some_and(|value| value.get_ref().is_str()) => {
                    let names = || slots.read.iter().map(|slot| slot.name.as_str());
                    self.nobody(entry, entry.place("slot"), "slot", &port.slot, "[[slot]]", names);
                }
                _ => {}
            }
            if let Some(led) = &port.led
                && leds_sure
                && !leds.read.iter().any(|one| one.name == *led)
            {
                let names = || leds.read.iter().map(|led| led.name.as_str());
                self.nobody(entry, entry.place("led"), "led", led, "[[led]]", names);
            }
            if self.is_told(entry.place("span")) || self.is_told(entry.place("position")) {
                continue;
            }
            let wire = (port.slot.as_str(), port.span, port.position);
            if let Some(first) = taken.insert(wire, &port.label)
                && first != port.label
            {
                let what = format!("[[port]]: it is wired to what port \"{}\" is wired to", shown(first));
                self.fault(entry.at, what, "write another `span` or `position`");
            }
        }
    }

    /// Which ports a relay joins.
    fn bypasses(&mut self, ports: &Listed<'_, '_, Port>, relays: &Listed<'_, '_, Relay>) {
        let ports_sure = self.is_sure(ports, "label");
        for (entry, relay) in relays.iter() {
            let mut joined = Vec::new();
            for (index, label) in relay.bypasses.iter().enumerate() {
                match ports.read.iter().find(|port| port.label == *label) {
                    Some(port) => joined.push(port),
                    None if !ports_sure => {}
                    None => {
                        let labels = || ports.read.iter().map(|port| port.label.as_str());
                        self.nobody(entry, entry.place_in("bypasses", index), "bypasses", label, "[[port]]", labels);
                    }
                }
            }
            let digital = joined.iter().filter(|port| port.kind.is_digital()).count();
            if digital != 0 && digital != joined.len() {
                let what = "relay.bypasses: a digital port and an analogue one cannot be joined";
                self.fault(entry.place("bypasses"), what, "name ports of one sort, or write a relay for each sort");
            }
        }
    }

    /// A name that nothing has.
    fn nobody<'n, N: Iterator<Item = &'n str>>(
        &mut self,
        entry: &Entry<'_, '_>,
        at: usize,
        key: &str,
        word: &str,
        section: &str,
        names: impl Fn() -> N,
    ) {
        let remedy = match nearest(word, names()) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None if names().next().is_none() => format!("write {section} with that name"),
            None => format!("take one of {}", quoted(names())),
        };
        self.fault(at, format!("{}: there is no {section} \"{}\"", entry.name(key), shown(word)), remedy);
    }
}

fn the(key: &str) -> &'static str {
    match key {
        "number" => "the number",
        "place" => "the place",
        "label" => "the label",
        _ => "the name",
    }
}
