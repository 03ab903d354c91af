//! What the kernel shows of the machine, its cards and DAHDI's spans, and what the system says of users, modules and
//! Asterisk: facts only, read below a given root and judged elsewhere.
//!
//! Sources: the attributes of DAHDI's `dahdi_devices`, `dahdi_spans` and `dahdi_channels` buses as its modules write them
//! (a device's are `dahdi_spantype` and `dahdi_registration_time` since kernel 4.13, `spantype` and `registration_time`
//! before); the kernel's documentation of PCI, USB, sound and DMI in sysfs. A span's folder lies in its device's, and
//! that in the folder of the PCI or USB device that carries it: so a real path tells who belongs to whom.

mod dahdi;
mod files;
mod system;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Serialize;

pub use dahdi::{Device, MAX_CHANNELS, Span};
pub use files::{FILE_OCTETS, MAX_ENTRIES, MODULES_OCTETS, TEXT_CHARS};
pub use system::{Asterisk, Node, User};

use crate::profile::{is_pci, is_usb};
use files::{LeftOut, hex, link, names, real, text};

/// Where to look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roots {
    /// The kernel's files: `/sys`.
    pub sysfs: PathBuf,
    /// All else: the root of the system that they are mounted in.
    pub system: PathBuf,
}

impl Roots {
    /// This machine.
    pub fn host() -> Roots {
        Roots { sysfs: "/sys".into(), system: "/".into() }
    }

    /// A `sys` folder, and the folder that it lies in as the system's root.
    pub fn of_sysfs(folder: &Path) -> Roots {
        let sysfs = real(folder).unwrap_or_else(|| folder.to_path_buf());
        let system = sysfs.parent().map_or_else(|| PathBuf::from("/"), Path::to_path_buf);
        Roots { sysfs, system }
    }
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tree {
    /// The machine.
    pub machine: Machine,
    /// All PCI devices.
    pub pci: Vec<Pci>,
    /// All USB devices that are no hubs of the kernel's own.
    pub usb: Vec<Usb>,
    /// DAHDI is in the kernel.
    pub dahdi: bool,
    /// What DAHDI knows as a device.
    pub devices: Vec<Device>,
    /// What DAHDI knows as a span.
    pub spans: Vec<Span>,
    /// Sound cards.
    pub sound: Vec<Sound>,
    /// Serial ports.
    pub serial: Vec<SerialPort>,
    /// DAHDI's device nodes.
    pub nodes: Vec<Node>,
    /// Whoever is to open them. `None`: not known.
    pub user: Option<User>,
    /// Another program that wants the cards.
    pub asterisk: Asterisk,
    /// Modules of telephone cards that are built for this kernel. `None`: the list cannot be read.
    pub built: Option<BTreeSet<String>>,
    /// Those that are loaded.
    pub loaded: BTreeSet<String>,
    /// Folders with more entries than were looked at.
    pub left_out: Vec<String>,
}

/// The machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Machine {
    /// Fields of `/sys/class/dmi/id` that are not empty.
    pub dmi: BTreeMap<String, String>,
    /// The device tree's model.
    pub model: String,
    /// The device tree's `compatible`, the nearest first.
    pub compatible: Vec<String>,
    /// The kernel's release; may be empty.
    pub kernel: String,
}

/// A PCI device.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Pci {
    /// `0000:02:01.0`
    pub address: String,
    /// Its vendor.
    pub vendor: u16,
    /// Its id.
    pub device: u16,
    /// Its subsystem's vendor.
    pub subsystem_vendor: u16,
    /// Its subsystem's id.
    pub subsystem_device: u16,
    /// Its class, three octets.
    pub class: u32,
    /// The driver that has it.
    pub driver: Option<String>,
}

/// A USB device.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Usb {
    /// `1-1.4`
    pub path: String,
    /// Its vendor.
    pub vendor: u16,
    /// Its id.
    pub product: u16,
    /// Its own words about itself.
    pub words: String,
    /// The driver of its first interface that has one.
    pub driver: Option<String>,
}

/// A sound card.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Sound {
    /// `Loopback`: what ALSA calls it by.
    pub id: String,
    /// In the order of this start: no name to keep.
    pub number: u16,
    /// `pci:0000:00:1f.3`; empty for one that is software.
    pub place: String,
}

/// A serial port.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SerialPort {
    /// `ttyS1`
    pub name: String,
    /// `usb:1-3`; empty for one of the machine's own.
    pub place: String,
    /// The driver that has it.
    pub driver: Option<String>,
}

impl Tree {
    /// Looks below the roots. What is missing, wrong or too much is left out; nothing stops it.
    pub fn read(roots: &Roots) -> Tree {
        let mut left_out = LeftOut::new();
        let sys = |path: &str| roots.sysfs.join(path);
        let machine = machine(roots);
        let pci = names(&sys("bus/pci/devices"), &mut left_out);
        let usb = names(&sys("bus/usb/devices"), &mut left_out);
        let tree = Tree {
            pci: pci.iter().filter_map(|name| pci_of(&sys("bus/pci/devices").join(name), name)).collect(),
            usb: usb.iter().filter_map(|name| usb_of(&sys("bus/usb/devices"), name, &usb)).collect(),
            dahdi: sys("bus/dahdi_devices").is_dir(),
            devices: dahdi::devices(&roots.sysfs, &mut left_out),
            spans: dahdi::spans(&roots.sysfs, &mut left_out),
            sound: sound(&sys("class/sound"), &mut left_out),
            serial: serial(&sys("class/tty"), &mut left_out),
            nodes: system::nodes(&roots.system),
            user: system::user(&roots.system),
            asterisk: system::asterisk(&roots.system),
            built: system::built(&roots.system, &machine.kernel),
            loaded: crate::ids::modules()
                .filter(|module| sys("module").join(module).is_dir())
                .map(str::to_string)
                .collect(),
            machine,
            left_out: Vec::new(),
        };
        Tree { left_out, ..tree }
    }
}

impl Machine {
    /// What the machine says of itself, and nothing else of the tree.
    pub fn read(roots: &Roots) -> Machine {
        machine(roots)
    }
}

fn machine(roots: &Roots) -> Machine {
    let mut dmi = BTreeMap::new();
    for field in crate::profile::DMI {
        let value = text(&roots.sysfs.join("class/dmi/id").join(field)).filter(|value| !value.is_empty());
        dmi.extend(value.map(|value| ((*field).to_string(), value)));
    }
    let base = roots.sysfs.join("firmware/devicetree/base");
    Machine {
        dmi,
        model: files::words(&base.join("model")).into_iter().next().unwrap_or_default(),
        compatible: files::words(&base.join("compatible")),
        kernel: text(&roots.system.join("proc/sys/kernel/osrelease")).unwrap_or_default(),
    }
}

fn pci_of(folder: &Path, address: &str) -> Option<Pci> {
    let id = |file: &str| hex(&folder.join(file)).and_then(|id| u16::try_from(id).ok());
    is_pci(address).then_some(())?;
    Some(Pci {
        address: address.to_string(),
        vendor: id("vendor")?,
        device: id("device")?,
        subsystem_vendor: id("subsystem_vendor").unwrap_or(0),
        subsystem_device: id("subsystem_device").unwrap_or(0),
        class: hex(&folder.join("class")).unwrap_or(0),
        driver: link(&folder.join("driver")),
    })
}

fn usb_of(bus: &Path, path: &str, all: &[String]) -> Option<Usb> {
    is_usb(path).then_some(())?;
    let folder = bus.join(path);
    let id = |file: &str| hex(&folder.join(file)).and_then(|id| u16::try_from(id).ok());
    let (vendor, product) = (id("idVendor")?, id("idProduct")?);
    let words = ["manufacturer", "product"].iter().filter_map(|file| text(&folder.join(file)));
    let of_it = |name: &&String| name.strip_prefix(path).is_some_and(|rest| rest.starts_with(':'));
    let driver = all.iter().filter(of_it).find_map(|name| link(&bus.join(name).join("driver")));
    Some(Usb { path: path.to_string(), vendor, product, words: words.collect::<Vec<_>>().join(" "), driver })
}

fn sound(class: &Path, left_out: &mut LeftOut) -> Vec<Sound> {
    let card = |name: String| {
        let number: u16 = name.strip_prefix("card")?.parse().ok()?;
        let folder = class.join(&name);
        let id = text(&folder.join("id")).filter(|id| !id.is_empty())?;
        Some(Sound { id, number, place: place(&folder.join("device")).unwrap_or_default() })
    };
    names(class, left_out).into_iter().filter_map(card).collect()
}

fn serial(class: &Path, left_out: &mut LeftOut) -> Vec<SerialPort> {
    let port = |name: String| {
        let folder = class.join(&name);
        let device = folder.join("device");
        // A port of the kernel's table behind which there is no chip has type 0; a terminal has no device.
        let is_there = device.exists() && text(&folder.join("type")).is_none_or(|kind| kind != "0");
        is_there.then(|| SerialPort {
            place: place(&device).unwrap_or_default(),
            driver: link(&device.join("driver")),
            name,
        })
    };
    names(class, left_out).into_iter().filter_map(port).collect()
}

/// The PCI or USB device that carries something, the nearest one.
fn place(path: &Path) -> Option<String> {
    place_of(&real(path)?)
}

fn place_of(real: &Path) -> Option<String> {
    let parts = real.components().rev().filter_map(|part| part.as_os_str().to_str());
    parts.take(64).find_map(|part| match part {
        part if is_usb(part) => Some(format!("usb:{part}")),
        part if is_pci(part) => Some(format!("pci:{part}")),
        _ => None,
    })
}
