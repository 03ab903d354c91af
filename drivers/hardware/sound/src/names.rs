//! Which sound device is meant. Card numbers change with the order in which the kernel finds cards, so a device is named
//! by what stays: the card's id, the USB port or serial number, the place on the PCI bus. Names are resolved each time the
//! device is opened, through sysfs. It opens no device.
//!
//! | name | is |
//! | --- | --- |
//! | `hw:CARD=Loopback,DEV=0,SUBDEV=1`, `hw:Loopback,0,1` | by the card's id |
//! | `usb:1-1.4`, `usb:1-1.4,DEV=1` | what is plugged into that USB port |
//! | `usb:0d8c:0014`, `usb:0d8c:0014:A1B2` | by vendor and product, and by serial number too |
//! | `pci:0000:00:1f.3` | by its place on the PCI bus |
//! | `hw:0,0` | by the card's number: accepted, and complained of |
//!
//! Source: Linux `Documentation/ABI/testing/sysfs-bus-usb`, the layout of `/sys/class/sound`.

use std::path::{Path, PathBuf};

use thiserror::Error;

/// Where the kernel shows its sound cards.
pub const SYSFS: &str = "/sys";
/// Longest name that is taken.
const LONGEST: usize = 128;
/// Cards that are looked at: the kernel's own bound.
const MOST_CARDS: usize = 32;
/// Octets of a file of sysfs that are looked at.
const MOST_OCTETS: usize = 256;

/// Why a name is none.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NameFault {
    /// It begins like none.
    #[error(
        "{0:?} is no sound device: hw:CARD=<id>,DEV=0, usb:<port>, usb:<vendor>:<product>[:<serial>] or pci:<place> is wanted (`tipring sound list` shows them)"
    )]
    Unknown(String),
    /// A part of it is wrong.
    #[error("{name:?}: {part:?} is not understood; {wanted}")]
    Part {
        /// The whole.
        name: String,
        /// What is wrong in it.
        part: String,
        /// What could stand there.
        wanted: &'static str,
    },
}

/// By what a card is found.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Id(String),
    Number(u32),
    UsbPort(String),
    UsbProduct { vendor: String, product: String, serial: Option<String> },
    Pci(String),
}

/// A device of a card, by a name that stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    name: String,
    place: Place,
    device: u32,
    subdevice: Option<u32>,
}

impl Device {
    /// Reads a name.
    pub fn parse(name: &str) -> Result<Device, NameFault> {
        let unknown = || NameFault::Unknown(name.chars().take(LONGEST).collect());
        if name.len() > LONGEST || name.chars().any(char::is_control) {
            return Err(unknown());
        }
        let (kind, rest) = name.split_once(':').ok_or_else(unknown)?;
        let mut parts = rest.split(',');
        let first = parts.next().unwrap_or_default();
        let place = match kind {
            "hw" => Place::of_card(first),
            "usb" => Place::of_usb(first),
            "pci" => is_word(first, ":.").then(|| Place::Pci(first.to_ascii_lowercase())),
            _ => return Err(unknown()),
        };
        let wrong = |part: &str, wanted| NameFault::Part { name: name.into(), part: part.into(), wanted };
        let place = place.ok_or_else(|| wrong(first, "letters, digits and `-_.:` are wanted"))?;
        let mut numbers = [None; 2];
        for (at, part) in parts.enumerate() {
            let (at, number) = match part.split_once('=') {
                Some(("DEV", number)) => (0, number),
                Some(("SUBDEV", number)) => (1, number),
                Some(_) => return Err(wrong(part, "DEV=<number> or SUBDEV=<number> is wanted")),
                None => (at, part),
            };
            let place = numbers.get_mut(at).ok_or_else(|| wrong(part, "a device and a subdevice are all"))?;
            *place = Some(number.parse::<u32>().map_err(|_| wrong(part, "a number is wanted"))?);
        }
        Ok(Device { name: name.into(), place, device: numbers[0].unwrap_or(0), subdevice: numbers[1] })
    }

    /// As it was written.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// It is named by a number that may be another card's after the next start.
    pub fn is_by_number(&self) -> bool {
        matches!(self.place, Place::Number(_))
    }

    /// What ALSA calls it at this moment; `None`: no such card is there. `sysfs` is `/sys`, or a test's.
    pub fn resolve(&self, sysfs: &Path) -> Option<String> {
        let card = match &self.place {
            Place::Number(number) => *number,
            _ => cards(sysfs).into_iter().find(|card| self.place.fits(card))?.number,
        };
        let device = self.device;
        Some(match self.subdevice {
            Some(subdevice) => format!("hw:{card},{device},{subdevice}"),
            None => format!("hw:{card},{device}"),
        })
    }
}

impl Place {
    fn of_card(text: &str) -> Option<Place> {
        let id = text.strip_prefix("CARD=").unwrap_or(text);
        if let Ok(number) = id.parse() {
            return Some(Place::Number(number));
        }
        is_word(id, "_-").then(|| Place::Id(id.into()))
    }

    fn of_usb(text: &str) -> Option<Place> {
        let parts: Vec<&str> = text.splitn(3, ':').collect();
        match parts[..] {
            [port] => is_word(port, "-.").then(|| Place::UsbPort(port.into())),
            [vendor, product] | [vendor, product, _] if is_hex(vendor) && is_hex(product) => {
                let serial = parts.get(2).filter(|serial| !serial.is_empty()).map(|serial| (*serial).to_owned());
                let lower = str::to_ascii_lowercase;
                Some(Place::UsbProduct { vendor: lower(vendor), product: lower(product), serial })
            }
            _ => None,
        }
    }

    fn fits(&self, card: &Card) -> bool {
        match self {
            Place::Id(id) => card.id == *id,
            Place::Number(number) => card.number == *number,
            Place::Pci(place) => card.pci.as_ref() == Some(place),
            Place::UsbPort(port) => card.usb.as_ref().is_some_and(|usb| usb.port == *port),
            Place::UsbProduct { vendor, product, serial } => card.usb.as_ref().is_some_and(|usb| {
                usb.vendor == *vendor && usb.product == *product && (serial.is_none() || usb.serial == *serial)
            }),
        }
    }
}

fn is_word(text: &str, also: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || also.contains(c))
}

fn is_hex(text: &str) -> bool {
    text.len() == 4 && text.chars().all(|c| c.is_ascii_hexdigit())
}

/// A card as sysfs shows it.
struct Card {
    number: u32,
    id: String,
    usb: Option<Usb>,
    pci: Option<String>,
}

struct Usb {
    port: String,
    vendor: String,
    product: String,
    serial: Option<String>,
    /// For people.
    name: Option<String>,
}

/// A device that is there, with the names by which it can be configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The card's number at this moment.
    pub card: u32,
    /// What it is, for people.
    pub title: String,
    /// Its device on the card.
    pub device: u32,
    /// It has a loudspeaker or a line out.
    pub plays: bool,
    /// It has a microphone or a line in.
    pub captures: bool,
    /// Names that stay, the best first.
    pub names: Vec<String>,
}

/// All devices that are there.
pub fn found(sysfs: &Path) -> Vec<Found> {
    let mut all = Vec::new();
    for card in cards(sysfs) {
        for (device, plays, captures) in devices(sysfs, card.number) {
            let title = card.usb.as_ref().and_then(|usb| usb.name.clone()).unwrap_or_else(|| card.id.clone());
            let names = card.names().into_iter().map(|name| format!("{name},DEV={device}")).collect();
            all.push(Found { card: card.number, title, device, plays, captures, names });
        }
    }
    all
}

impl Card {
    fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        if let Some(usb) = &self.usb {
            let serial = usb.serial.as_ref().filter(|serial| !serial.contains(',') && !serial.is_empty());
            names.extend(serial.map(|serial| format!("usb:{}:{}:{serial}", usb.vendor, usb.product)));
            names.push(format!("usb:{}", usb.port));
        }
        names.extend(self.pci.as_ref().map(|place| format!("pci:{place}")));
        names.push(format!("hw:CARD={}", self.id));
        names
    }
}

fn cards(sysfs: &Path) -> Vec<Card> {
    let class = sysfs.join("class/sound");
    let mut numbers: Vec<u32> = names_in(&class).filter_map(|name| name.strip_prefix("card")?.parse().ok()).collect();
    numbers.sort_unstable();
    numbers.truncate(MOST_CARDS);
    numbers.into_iter().filter_map(|number| card(&class.join(format!("card{number}")), number)).collect()
}

fn card(node: &Path, number: u32) -> Option<Card> {
    let id = line(&node.join("id"))?;
    // The card hangs on an interface of a USB device, or on a device of the PCI bus; others have neither.
    let device = std::fs::canonicalize(node.join("device")).ok();
    let usb = device.as_deref().and_then(Path::parent).and_then(usb);
    let pci = device.as_deref().filter(|_| usb.is_none()).and_then(|device| {
        let place = device.file_name()?.to_str()?;
        let (domain, rest) = place.split_once(':')?;
        (domain.len() == 4 && rest.contains(':') && rest.contains('.')).then(|| place.to_ascii_lowercase())
    });
    Some(Card { number, id, usb, pci })
}

fn usb(device: &Path) -> Option<Usb> {
    let vendor = line(&device.join("idVendor"))?;
    let product = line(&device.join("idProduct"))?;
    let port = device.file_name()?.to_str()?.to_owned();
    let (serial, name) = (line(&device.join("serial")), line(&device.join("product")));
    Some(Usb { port, vendor: vendor.to_ascii_lowercase(), product: product.to_ascii_lowercase(), serial, name })
}

/// Devices of a card: number, plays, captures.
fn devices(sysfs: &Path, card: u32) -> Vec<(u32, bool, bool)> {
    let mut devices: Vec<(u32, bool, bool)> = Vec::new();
    for name in names_in(&sysfs.join("class/sound")) {
        let Some(rest) = name.strip_prefix(&format!("pcmC{card}D")) else {
            continue;
        };
        let Some((number, way)) = rest.split_at_checked(rest.len().saturating_sub(1)) else {
            continue;
        };
        let Ok(number) = number.parse::<u32>() else {
            continue;
        };
        let at = devices.iter().position(|device| device.0 == number).unwrap_or_else(|| {
            devices.push((number, false, false));
            devices.len() - 1
        });
        devices[at].1 |= way == "p";
        devices[at].2 |= way == "c";
    }
    devices.sort_unstable();
    devices
}

fn names_in(folder: &Path) -> impl Iterator<Item = String> {
    let entries = std::fs::read_dir::<PathBuf>(folder.into()).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok())
}

/// The first line of a small file, without what people must not see.
fn line(file: &Path) -> Option<String> {
    let text = std::fs::read(file).ok()?;
    let text = String::from_utf8_lossy(&text[..text.len().min(MOST_OCTETS)]).into_owned();
    let line: String = text.lines().next()?.trim().chars().filter(|c| !c.is_control()).collect();
    (!line.is_empty()).then_some(line)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    /// A `/sys` with a USB headset, a card on the PCI bus and one that is nowhere.
    struct Sys(PathBuf);

    impl Sys {
        fn new(test: &str) -> Sys {
            let root = std::env::temp_dir().join(format!("tipring-sound-{test}-{}", std::process::id()));
            let _ = fs::remove_dir_all(&root);
            fs::create_dir_all(root.join("class/sound")).expect("a folder");
            Sys(root)
        }

        fn write(&self, file: &str, text: &str) {
            let file = self.0.join(file);
            fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
            fs::write(file, text).expect("written");
        }

        fn card(&self, number: u32, id: &str, device: Option<&str>, pcms: &[&str]) {
            self.write(&format!("class/sound/card{number}/id"), &format!("{id}\n"));
            if let Some(device) = device {
                fs::create_dir_all(self.0.join(device)).expect("a folder");
                let node = self.0.join(format!("class/sound/card{number}/device"));
                symlink(self.0.join(device), node).expect("a link");
            }
            for pcm in pcms {
                fs::create_dir_all(self.0.join(format!("class/sound/pcmC{number}{pcm}"))).expect("a folder");
            }
        }

        fn headset(&self, number: u32, port: &str, serial: Option<&str>) {
            let usb = format!("devices/pci0000:00/0000:00:14.0/usb1/{port}");
            self.card(number, "Headset", Some(&format!("{usb}/{port}:1.0")), &["D0p", "D0c"]);
            self.write(&format!("{usb}/idVendor"), "0D8C\n");
            self.write(&format!("{usb}/idProduct"), "0014\n");
            self.write(&format!("{usb}/product"), "USB Audio\u{7} Device\n");
            serial.into_iter().for_each(|serial| self.write(&format!("{usb}/serial"), serial));
        }

        fn house() -> Sys {
            let sys = Sys::new("house");
            sys.card(0, "PCH", Some("devices/pci0000:00/0000:00:1f.3"), &["D0p", "D0c", "D3p"]);
            sys.headset(1, "1-1.4", Some("A1B2"));
            sys.card(2, "Loopback", None, &["D0p", "D0c", "D1p", "D1c"]);
            sys
        }

        fn is(&self, name: &str) -> Option<String> {
            Device::parse(name).expect("a name").resolve(&self.0)
        }
    }

    impl Drop for Sys {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_device_is_found_by_each_of_its_names() {
        let sys = Sys::house();
        for (name, is) in [
            ("hw:CARD=Loopback,DEV=1,SUBDEV=3", "hw:2,1,3"),
            ("hw:Loopback,0,1", "hw:2,0,1"),
            ("hw:CARD=PCH", "hw:0,0"),
            ("usb:1-1.4", "hw:1,0"),
            ("usb:0d8c:0014", "hw:1,0"),
            ("usb:0D8C:0014:A1B2", "hw:1,0"),
            ("pci:0000:00:1F.3,DEV=3", "hw:0,3"),
            ("hw:7,2", "hw:7,2"),
        ] {
            assert_eq!(sys.is(name).as_deref(), Some(is), "{name}");
        }
        for name in ["usb:0d8c:0014:OTHER", "usb:1-1", "hw:CARD=Other", "pci:0000:00:1b.0"] {
            assert_eq!(sys.is(name), None, "{name}");
        }
    }

    #[test]
    fn a_name_stays_where_the_number_does_not() {
        let sys = Sys::new("moved");
        sys.headset(1, "1-2", None);
        assert_eq!(sys.is("usb:1-2").as_deref(), Some("hw:1,0"));
        fs::remove_dir_all(sys.0.join("class")).expect("unplugged");
        assert_eq!(sys.is("usb:1-2"), None);
        fs::create_dir_all(sys.0.join("class/sound")).expect("a folder");
        sys.headset(4, "1-2", None);
        assert_eq!(sys.is("usb:1-2").as_deref(), Some("hw:4,0"));
        assert!(Device::parse("hw:1,0").expect("a name").is_by_number());
    }

    #[test]
    fn every_device_is_shown_with_names_that_find_it_again() {
        let sys = Sys::house();
        let all = found(&sys.0);
        assert_eq!(all.len(), 5);
        for device in &all {
            assert!(!device.names.is_empty());
            for name in &device.names {
                let again = sys.is(name).expect("found again");
                assert_eq!(again, format!("hw:{},{}", device.card, device.device), "{name}");
            }
        }
        let headset = all.iter().find(|device| device.card == 1).expect("shown");
        assert_eq!(headset.names, ["usb:0d8c:0014:A1B2,DEV=0", "usb:1-1.4,DEV=0", "hw:CARD=Headset,DEV=0"]);
        assert_eq!((headset.title.as_str(), headset.plays, headset.captures), ("USB Audio Device", true, true));
        let hdmi = all.iter().find(|device| device.device == 3).expect("shown");
        assert!(hdmi.plays && !hdmi.captures);
    }

    #[test]
    fn what_is_no_name_is_refused_with_what_would_be_one() {
        for name in ["", "hw", "default", "plughw:0", "hw:", "hw:../../etc", "usb:", "usb:0d8c:zzzz", "pci:", "hw:a\nb"]
        {
            let fault = Device::parse(name).expect_err(name).to_string();
            assert!(fault.contains("wanted"), "{name:?}: {fault}");
        }
        for name in ["hw:PCH,x", "hw:PCH,0,1,2", "hw:PCH,RATE=8000", "hw:PCH,DEV=-1", "hw:PCH,DEV=99999999999"] {
            assert!(matches!(Device::parse(name), Err(NameFault::Part { .. })), "{name}");
        }
        assert!(Device::parse(&"x".repeat(10_000)).is_err());
    }

    #[test]
    fn a_machine_without_sound_has_no_devices() {
        assert_eq!(found(Path::new("/nowhere/at/all")), []);
        assert_eq!(Device::parse("usb:1-1").expect("a name").resolve(Path::new("/nowhere")), None);
    }
}
