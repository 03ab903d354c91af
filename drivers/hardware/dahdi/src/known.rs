//! Which span is which, whatever numbers the kernel gives: a card that was taken away and came back, or that was found in
//! another order at the next start, has the same numbers with us as before. It reads facts below `/sys`; who gets which
//! number is decided without any device.
//!
//! Source: DAHDI's sysfs (`dahdi_spans`, `dahdi_devices`): the directory of a span lies in that of its card.

use std::path::Path;

use tipring_card::{ChannelId, SpanId};

use crate::raw;
use crate::setup::{Place, SpanSetup};

/// Numbers of channels that would meet another one's begin here: above all of the kernel's.
const OWN_CHANNELS: u16 = raw::CHANNELS;
/// A fact of sysfs is a line of at most this many octets.
const FACT_OCTETS: usize = 256;

/// Which span it is: its card, and which one of the card.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// The hardware id of its card; without one the card's place.
    pub card: String,
    /// Where the card is: `pci:0000:02:01.0`.
    pub place: String,
    /// The place in the card's own words: `PCI Bus 02 Slot 02`.
    pub location: String,
    /// Which span of the card, from 1.
    pub port: u8,
}

impl Identity {
    /// What sysfs tells of a span; what it does not tell comes from the kernel's own word of it.
    pub(crate) fn read(sysfs: &Path, number: u16, name: &str) -> Identity {
        let span = sysfs.join(format!("bus/dahdi_spans/devices/span-{number}"));
        let port = fact(&span, "local_spanno").and_then(|text| text.parse().ok()).unwrap_or(1);
        let device = std::fs::canonicalize(&span).ok().and_then(|path| path.parent().map(Path::to_path_buf));
        let of_device = |what: &str| device.as_deref().and_then(|path| fact(path, what)).unwrap_or_default();
        let place = device.as_deref().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
        let place = place.unwrap_or_else(|| name.to_owned());
        let hardware = of_device("hardware_id");
        let card = if hardware.is_empty() { place.clone() } else { hardware };
        Identity { card, place, location: of_device("location"), port }
    }

    /// Whether a configuration that names a card means this span.
    fn is_at(&self, place: &Place) -> bool {
        match place {
            Place::Card { card, port } => {
                *port == self.port
                    && !card.is_empty()
                    && [&self.card, &self.place, &self.location].into_iter().any(|known| known == card)
            }
            Place::Number(_) => false,
        }
    }
}

/// Devices of which one is looked for by the name of its card.
const DEVICES: usize = 256;

/// Gives a card's spans to DAHDI that its driver has left without a number (`auto_assign_spans=0`), where a configuration
/// names them. What the kernel then calls them is its own affair. Those that could not be given, with the reason.
pub(crate) fn assign(sysfs: &Path, setups: &[SpanSetup]) -> Vec<(SpanId, String)> {
    let dir = sysfs.join("bus/dahdi_devices/devices");
    let devices: Vec<_> = std::fs::read_dir(dir).into_iter().flatten().flatten().take(DEVICES).collect();
    let mut refused = Vec::new();
    for setup in setups {
        let Place::Card { card, port } = &setup.place else {
            continue;
        };
        for device in &devices {
            let path = device.path();
            let facts = [fact(&path, "hardware_id"), fact(&path, "location")];
            let is_it = facts.iter().flatten().any(|fact| fact == card) || device.file_name().to_str() == Some(card);
            if !is_it || has_span(&path, *port) {
                continue;
            }
            // Any number, any first channel.
            if let Err(error) = std::fs::write(path.join("assign_span"), format!("{port}:0:0")) {
                let why = format!(
                    "port {port} of {card} has no number yet, and may not be given one: {error}; as root: \
                     echo {port}:0:0 > '{}'",
                    path.join("assign_span").display()
                );
                refused.push((setup.id, why));
            }
        }
    }
    refused
}

/// Whether a card's span has a number: then its directory lies in that of the card.
fn has_span(device: &Path, port: u8) -> bool {
    let below = std::fs::read_dir(device).into_iter().flatten().flatten().take(DEVICES);
    let mut spans = below.filter(|entry| entry.file_name().to_string_lossy().starts_with("span-"));
    spans.any(|span| fact(&span.path(), "local_spanno").is_some_and(|local| local == port.to_string()))
}

/// One line of a file of sysfs, if there is anything in it.
fn fact(dir: &Path, name: &str) -> Option<String> {
    use std::io::Read as _;
    let mut octets = Vec::new();
    std::fs::File::open(dir.join(name)).ok()?.take(FACT_OCTETS as u64).read_to_end(&mut octets).ok()?;
    let text = String::from_utf8_lossy(&octets).trim().to_owned();
    (!text.is_empty()).then_some(text)
}

/// A span that was seen at some time.
#[derive(Clone, Debug)]
struct Seen {
    id: SpanId,
    identity: Identity,
    /// Its number in the kernel, while it is there.
    number: Option<u16>,
    /// Timeslot, our number, and the kernel's while it is there.
    channels: Vec<(u8, ChannelId, Option<u16>)>,
}

/// Every span that was ever seen, with its numbers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    spans: Vec<Seen>,
}

impl Known {
    /// The spans that are there now, in the kernel's order, each with a number of ours: what the configuration says; else
    /// the one that it had; else the kernel's, unless another one has that.
    pub(crate) fn meet(&mut self, found: &[(u16, Identity)], setups: &[SpanSetup]) {
        for seen in &mut self.spans {
            seen.number = None;
            seen.channels.iter_mut().for_each(|channel| channel.2 = None);
        }
        for (number, identity) in found {
            let pinned = setups.iter().find(|setup| identity.is_at(&setup.place)).map(|setup| setup.id);
            let before = || self.spans.iter().find(|seen| seen.identity == *identity).map(|seen| seen.id);
            let counted = || setups.iter().find(|setup| setup.place == Place::Number(*number)).map(|setup| setup.id);
            let id = pinned.or_else(before).or_else(counted).unwrap_or_else(|| self.free(*number, found, setups));
            match self.spans.iter_mut().find(|seen| seen.id == id) {
                Some(seen) => (seen.number, seen.identity) = (Some(*number), identity.clone()),
                None => self.spans.push(Seen {
                    id,
                    identity: identity.clone(),
                    number: Some(*number),
                    channels: Vec::new(),
                }),
            }
        }
    }

    /// The kernel's number if nobody has it or will have it, else the next one above all of the kernel's.
    fn free(&self, number: u16, found: &[(u16, Identity)], setups: &[SpanSetup]) -> SpanId {
        let taken = |id: SpanId| {
            self.spans.iter().any(|seen| seen.id == id)
                || setups.iter().any(|setup| setup.id == id && setup.place != Place::Number(id.0))
        };
        let above = found.iter().map(|(number, _)| *number).max().unwrap_or(number);
        let mut id = SpanId(number);
        while taken(id) {
            id = SpanId(id.0.max(above).saturating_add(1));
        }
        id
    }

    /// Our number for a channel of a span that is there, by its timeslot.
    pub(crate) fn channel(&mut self, span: SpanId, timeslot: u8, number: u16) -> Option<ChannelId> {
        let taken = |id: ChannelId| self.spans.iter().any(|seen| seen.channels.iter().any(|known| known.1 == id));
        let mut fresh = ChannelId(number);
        if taken(fresh) {
            fresh = ChannelId(OWN_CHANNELS);
            while taken(fresh) {
                fresh.0 = fresh.0.checked_add(1)?;
            }
        }
        let seen = self.spans.iter_mut().find(|seen| seen.id == span)?;
        match seen.channels.iter_mut().find(|known| known.0 == timeslot) {
            Some(known) => {
                known.2 = Some(number);
                Some(known.1)
            }
            None => {
                seen.channels.push((timeslot, fresh, Some(number)));
                Some(fresh)
            }
        }
    }

    /// Our number of the span with this number in the kernel.
    pub(crate) fn id_of(&self, number: u16) -> Option<SpanId> {
        self.spans.iter().find(|seen| seen.number == Some(number)).map(|seen| seen.id)
    }

    /// Its number in the kernel, if it is there.
    pub(crate) fn span(&self, id: SpanId) -> Option<u16> {
        self.spans.iter().find(|seen| seen.id == id)?.number
    }

    /// Which one it is.
    pub(crate) fn identity(&self, id: SpanId) -> Option<&Identity> {
        self.spans.iter().find(|seen| seen.id == id).map(|seen| &seen.identity)
    }

    /// The number in the kernel of a channel, if it is there.
    pub(crate) fn number(&self, channel: ChannelId) -> Option<u16> {
        let mut channels = self.spans.iter().flat_map(|seen| &seen.channels);
        channels.find(|known| known.1 == channel)?.2
    }

    /// The same by its place.
    pub(crate) fn number_at(&self, span: SpanId, timeslot: u8) -> Option<(ChannelId, u16)> {
        let seen = self.spans.iter().find(|seen| seen.id == span)?;
        let known = seen.channels.iter().find(|known| known.0 == timeslot)?;
        Some((known.1, known.2?))
    }
}

#[cfg(test)]
mod tests {
    use tipring_card::SpanKind;

    use super::*;

    fn of(card: &str, port: u8) -> Identity {
        Identity { card: card.into(), place: format!("pci:{card}"), location: String::new(), port }
    }

    fn pinned(id: u16, card: &str, port: u8) -> SpanSetup {
        let place = Place::Card { card: card.into(), port };
        SpanSetup { id: SpanId(id), place, kind: SpanKind::E1, line: None, uses: Vec::new() }
    }

    fn ids(known: &Known, numbers: &[u16]) -> Vec<u16> {
        numbers.iter().map(|number| known.id_of(*number).map_or(0, |id| id.0)).collect()
    }

    #[test]
    fn inst3_two_cards_found_in_another_order_have_the_numbers_that_the_configuration_gave_them() {
        let setups = [pinned(1, "red", 1), pinned(2, "red", 2), pinned(3, "blue", 1)];
        for found in [
            [(1, of("red", 1)), (2, of("red", 2)), (3, of("blue", 1))],
            [(1, of("blue", 1)), (2, of("red", 1)), (3, of("red", 2))],
        ] {
            let mut known = Known::default();
            known.meet(&found, &setups);
            for (number, identity) in &found {
                let id = known.id_of(*number).expect("it is there");
                assert_eq!(known.identity(id), Some(identity));
                let wanted = setups.iter().find(|setup| identity.is_at(&setup.place)).expect("all are pinned");
                assert_eq!(id, wanted.id);
            }
        }
    }

    #[test]
    fn a_card_that_comes_back_with_other_numbers_is_the_one_that_it_was() {
        let mut known = Known::default();
        known.meet(&[(1, of("red", 1)), (2, of("blue", 1))], &[]);
        assert_eq!(ids(&known, &[1, 2]), [1, 2]);
        let red = known.channel(SpanId(1), 5, 5).expect("there");
        let blue = known.channel(SpanId(2), 5, 36).expect("there");
        known.meet(&[(2, of("blue", 1))], &[]);
        known.channel(SpanId(2), 5, 36);
        assert_eq!((known.span(SpanId(1)), known.number(red), known.number(blue)), (None, None, Some(36)));
        known.meet(&[(2, of("blue", 1)), (3, of("red", 1))], &[]);
        assert_eq!(ids(&known, &[2, 3]), [2, 1]);
        // The kernel gives a number again that another channel has with us.
        assert_eq!(known.channel(SpanId(2), 5, 5), Some(blue));
        assert_eq!(known.channel(SpanId(1), 5, 36), Some(red));
        assert_eq!((known.number(red), known.number(blue)), (Some(36), Some(5)));
        assert_eq!(known.number_at(SpanId(1), 5), Some((red, 36)));
        let third = known.channel(SpanId(1), 6, 5).expect("there");
        assert!(third != red && third != blue, "no two channels have one number");
    }

    #[test]
    fn a_stranger_gets_no_number_that_somebody_has() {
        let mut known = Known::default();
        known.meet(&[(1, of("green", 1)), (2, of("red", 1))], &[pinned(1, "red", 1)]);
        assert_eq!(ids(&known, &[1, 2]), [3, 1]);
        known.meet(&[(1, of("green", 1)), (2, of("white", 1))], &[pinned(1, "red", 1)]);
        assert_eq!(ids(&known, &[1, 2]), [3, 2]);
    }

    #[test]
    fn a_span_that_has_no_number_is_given_one_and_what_cannot_be_is_said_with_the_command() {
        let root = std::env::temp_dir().join(format!("tipring-assign-{}", std::process::id()));
        let device = root.join("bus/dahdi_devices/devices/pci:0000:02:01.0");
        std::fs::create_dir_all(device.join("span-7")).expect("a folder");
        std::fs::write(device.join("hardware_id"), "red\n").expect("a fact");
        std::fs::write(device.join("span-7/local_spanno"), "1\n").expect("a fact");
        std::fs::write(device.join("assign_span"), "").expect("a file");
        let setups = [pinned(1, "red", 1), pinned(2, "red", 2), pinned(3, "blue", 1)];
        let mut by_place = pinned(2, "pci:0000:02:01.0", 2);
        for setups in [&setups[..], std::slice::from_ref(&by_place)] {
            assert_eq!(assign(&root, setups), []);
            let asked = std::fs::read_to_string(device.join("assign_span")).expect("written");
            assert_eq!(asked, "2:0:0", "the one that has none, and no other");
        }
        std::fs::remove_file(device.join("assign_span")).expect("ours");
        std::fs::create_dir(device.join("assign_span")).expect("a folder takes no text");
        by_place.place = Place::Card { card: "red".into(), port: 3 };
        let refused = assign(&root, &[by_place]);
        std::fs::remove_dir_all(&root).expect("ours");
        assert_eq!(refused.len(), 1);
        assert!(refused[0].1.contains("echo 3:0:0 > '"), "{refused:?}");
    }

    #[test]
    fn without_sysfs_a_span_is_known_by_its_name() {
        let identity = Identity::read(Path::new("/nonexistent"), 3, "WCTDM/4");
        assert_eq!((identity.card.as_str(), identity.port), ("WCTDM/4", 1));
    }
}
