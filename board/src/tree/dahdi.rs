//! DAHDI's devices, spans and channels.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use super::files::{LeftOut, hex, lines, names, number, real, text};
use super::place_of;

/// Channels that the kernel can have.
pub const MAX_CHANNELS: usize = 1024;
/// Spans of one device.
const MAX_SPANS: usize = 128;

/// What DAHDI knows as a device.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Device {
    /// The kernel's name: `pci:0000:02:01.0`
    pub name: String,
    /// The card's own number; many cards have none.
    pub hardware_id: String,
    /// Who made it.
    pub manufacturer: String,
    /// What it is, in its driver's words.
    pub kind: String,
    /// Where its driver says that it is.
    pub location: String,
    /// Local number and type of each of its spans, assigned or not.
    pub spans: Vec<(u16, String)>,
    /// The PCI or USB device that carries it: `pci:0000:02:01.0`; its name where there is none.
    pub place: String,
}

/// What DAHDI knows as a span: one that is assigned.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Span {
    /// In the order of this start: no name to keep.
    pub number: u16,
    /// The device's name.
    pub device: String,
    /// Its number in its device, from 1.
    pub local: u16,
    /// The driver's name for it.
    pub name: String,
    /// The driver's words about it.
    pub words: String,
    /// `E1`, `ANALOG_MIXED`, `DYNAMIC`…
    pub kind: String,
    /// It is digital.
    pub digital: bool,
    /// Its first channel.
    pub first_channel: u16,
    /// Channels.
    pub channels: u16,
    /// Alarm bits.
    pub alarms: u32,
    /// `HDB3/CCS/CRC4`; empty before it is configured, and always of a span without a line.
    pub line: String,
    /// The span that it takes its clock from; 0: none.
    pub sync_source: u16,
    /// Position and signalling of each channel; empty where the kernel does not tell.
    pub signalling: BTreeMap<u16, String>,
}

pub(super) fn devices(sysfs: &Path, left_out: &mut LeftOut) -> Vec<Device> {
    let bus = sysfs.join("bus/dahdi_devices/devices");
    let device = |name: String| {
        let folder = bus.join(&name);
        let real = real(&folder)?;
        let word = |file: &str| text(&folder.join(file)).unwrap_or_default();
        let types =
            ["dahdi_spantype", "spantype"].iter().find_map(|file| lines(&folder.join(file), super::FILE_OCTETS));
        let mut spans: Vec<(u16, String)> =
            types.unwrap_or_default().iter().filter_map(|line| span_type(line)).collect();
        spans.truncate(MAX_SPANS);
        spans.sort();
        spans.dedup_by_key(|(local, _)| *local);
        let place = place_of(&real).unwrap_or_else(|| name.clone());
        Some(Device {
            hardware_id: word("hardware_id"),
            manufacturer: word("manufacturer"),
            kind: word("type"),
            location: word("location"),
            spans,
            place,
            name,
        })
    };
    names(&bus, left_out).into_iter().filter_map(device).collect()
}

/// `1:E1`
fn span_type(line: &str) -> Option<(u16, String)> {
    let (local, kind) = line.trim().split_once(':')?;
    let local: u16 = local.parse().ok()?;
    (local > 0).then(|| (local, super::files::clean(kind)))
}

pub(super) fn spans(sysfs: &Path, left_out: &mut LeftOut) -> Vec<Span> {
    let bus = sysfs.join("bus/dahdi_spans/devices");
    let mut signalling = signalling(sysfs, left_out);
    let mut spans: Vec<Span> = Vec::new();
    for name in names(&bus, left_out) {
        let Some(number) = name.strip_prefix("span-").and_then(|digits| digits.parse::<u16>().ok()) else { continue };
        let folder = bus.join(&name);
        let Some(real) = real(&folder) else { continue };
        let device = real.parent().and_then(Path::file_name).and_then(|name| name.to_str()).unwrap_or_default();
        let word = |file: &str| text(&folder.join(file)).unwrap_or_default();
        let count = |file: &str| number_of(&folder, file);
        spans.push(Span {
            number,
            device: super::files::clean(device),
            local: count("local_spanno").unwrap_or(1),
            name: word("name"),
            words: word("desc"),
            kind: word("spantype"),
            digital: count("is_digital") == Some(1),
            first_channel: count("basechan").unwrap_or(0),
            channels: count("channels").unwrap_or(0),
            alarms: hex(&folder.join("alarms")).unwrap_or(0),
            line: word("lineconfig"),
            sync_source: count("syncsrc").unwrap_or(0),
            signalling: signalling.remove(&number).unwrap_or_default(),
        });
    }
    spans.sort_by_key(|span| span.number);
    spans
}

fn number_of(folder: &Path, file: &str) -> Option<u16> {
    number(&folder.join(file))
}

/// Of each span, by the positions of its channels.
fn signalling(sysfs: &Path, left_out: &mut LeftOut) -> BTreeMap<u16, BTreeMap<u16, String>> {
    let bus = sysfs.join("bus/dahdi_channels/devices");
    let mut all: BTreeMap<u16, BTreeMap<u16, String>> = BTreeMap::new();
    for name in names(&bus, left_out).into_iter().take(MAX_CHANNELS) {
        // dahdi!chan!001!016
        let mut parts = name.rsplit('!').map(str::parse::<u16>);
        let (Some(Ok(position)), Some(Ok(span))) = (parts.next(), parts.next()) else { continue };
        if let Some(word) = text(&bus.join(&name).join("sig")) {
            all.entry(span).or_default().insert(position, word);
        }
    }
    all
}
