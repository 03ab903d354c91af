//! Which cards there are: what DAHDI has a device of, and what the PCI and USB buses show beside.

use std::collections::BTreeSet;

use super::{Card, doubles};
use crate::finding::{Finding, State, Trouble};
use crate::ids::{self, Model};
use crate::profile::Profile;
use crate::tree::{Device, Pci, Tree, Usb};

/// The class of a controller for communication that says no more of itself.
const COMMUNICATION: u32 = 0x0780;
/// Vendors whose controllers of that class are no telephone cards: the chipset's own, and those of virtual machines.
const NOT_TELEPHONES: &[u16] = &[0x8086, 0x1022, 0x1af4];
/// Characters of a hardware id that can be a name.
const ID_CHARS: usize = 60;

/// The trouble of a card, in words, and what to do next.
type Told = (Trouble, String, String);

/// All cards, named; what hinders each from being a device of DAHDI's is told.
pub(super) fn cards(tree: &Tree, profile: &Profile, findings: &mut Vec<Finding>) -> Vec<Card> {
    let mut cards: Vec<(Card, Option<Told>)> = Vec::new();
    for device in &tree.devices {
        cards.push((with_device(tree, device), None));
    }
    let taken: BTreeSet<&str> = tree.devices.iter().map(|device| device.place.as_str()).collect();
    for pci in &tree.pci {
        let place = format!("pci:{}", pci.address);
        if !taken.contains(place.as_str())
            && let Some((what, trouble)) = pci_trouble(tree, pci)
        {
            cards.push((card(place, what, pci.driver.clone()), Some(trouble)));
        }
    }
    for usb in &tree.usb {
        let place = format!("usb:{}", usb.path);
        if !taken.contains(place.as_str())
            && let Some((what, trouble)) = usb_trouble(tree, usb)
        {
            cards.push((card(place, what, usb.driver.clone()), Some(trouble)));
        }
    }
    name(&mut cards, findings);
    let mut named = Vec::new();
    for (mut card, trouble) in cards {
        card.slot = profile.slot_at(&card.place).map(|slot| slot.name.clone());
        if let Some((trouble, what, next)) = trouble {
            findings.push(card.finding(State::Nearly, trouble, format!("{}: {what}", card.what), next));
        }
        named.push(card);
    }
    named
}

fn card(place: String, what: String, driver: Option<String>) -> Card {
    Card {
        name: String::new(),
        place,
        slot: None,
        hardware_id: String::new(),
        what,
        driver,
        device: None,
        spans: Vec::new(),
        state: State::Good,
        next: String::new(),
    }
}

fn with_device(tree: &Tree, device: &Device) -> Card {
    let pci = tree.pci.iter().find(|pci| device.place.strip_prefix("pci:") == Some(pci.address.as_str()));
    let usb = tree.usb.iter().find(|usb| device.place.strip_prefix("usb:") == Some(usb.path.as_str()));
    let model = pci.and_then(model_of).or_else(|| usb.and_then(|usb| ids::of_usb(usb.vendor, usb.product)));
    let says = [device.manufacturer.as_str(), device.kind.as_str()].join(" ");
    // Some drivers have no words, and the kernel then writes that there are none.
    let says = says.replace("(null)", "").trim().to_string();
    let what = match (says.is_empty(), model) {
        (false, _) => says,
        (true, Some(model)) => model.name.to_string(),
        (true, None) => "a device of DAHDI's".to_string(),
    };
    let driver = pci.and_then(|pci| pci.driver.clone()).or_else(|| usb.and_then(|usb| usb.driver.clone()));
    Card {
        hardware_id: device.hardware_id.clone(),
        device: Some(device.name.clone()),
        ..card(device.place.clone(), what, driver)
    }
}

/// Names that last: the hardware id where one card only has it, else the place, else DAHDI's name for it.
fn name(cards: &mut [(Card, Option<Told>)], findings: &mut Vec<Finding>) {
    let places: Vec<String> = cards.iter().map(|(card, _)| card.place.clone()).collect();
    let hardware: Vec<String> = cards.iter().map(|(card, _)| card.hardware_id.clone()).collect();
    let same_place = doubles(places.iter().map(String::as_str));
    let same_id = doubles(hardware.iter().map(String::as_str).filter(|id| !id.is_empty()));
    for (card, _) in cards.iter_mut() {
        let id = card.hardware_id.as_str();
        card.name = if is_name(id) && !same_id.contains(id) && !places.iter().any(|place| place == id) {
            id.to_string()
        } else if same_place.contains(card.place.as_str()) {
            card.device.clone().unwrap_or_else(|| card.place.clone())
        } else {
            card.place.clone()
        };
    }
    for (card, _) in cards.iter().filter(|(card, _)| same_id.contains(card.hardware_id.as_str())) {
        let what = format!("another card says too that it is {}", card.hardware_id);
        let next = "both are called by their places now: leave each in its slot, and ask their maker";
        findings.push(card.finding(State::Nearly, Trouble::SameId, what, next));
    }
}

/// Whether a hardware id can stand in a configuration.
fn is_name(id: &str) -> bool {
    let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '\'' | '\\' | '`');
    !id.is_empty() && id != "(null)" && id.len() <= ID_CHARS && id.chars().all(plain)
}

fn model_of(pci: &Pci) -> Option<Model> {
    ids::of_pci(pci.vendor, pci.device, pci.subsystem_vendor)
}

/// What a PCI device is that DAHDI has none of, and why. `None`: it is no telephone card.
fn pci_trouble(tree: &Tree, pci: &Pci) -> Option<(String, Told)> {
    let id = format!("PCI {:04x}:{:04x}", pci.vendor, pci.device);
    if let Some(model) = model_of(pci) {
        return Some((format!("{} ({id})", model.name), trouble(tree, model, pci.driver.as_deref(), &pci.address)));
    }
    let unknown = pci.class >> 8 == COMMUNICATION && pci.driver.is_none() && !NOT_TELEPHONES.contains(&pci.vendor);
    (ids::is_maker(pci.vendor) || unknown).then(|| {
        let next =
            format!("`lspci -s {}` has its name: if it is a telephone card, ask its maker for the driver", pci.address);
        (
            format!("a card that is not known ({id})"),
            (Trouble::UnknownCard, "it may be a telephone card".to_string(), next),
        )
    })
}

fn usb_trouble(tree: &Tree, usb: &Usb) -> Option<(String, Told)> {
    let id = format!("USB {:04x}:{:04x}", usb.vendor, usb.product);
    if ids::waits_for_firmware(usb.vendor, usb.product) {
        let next = "install dahdi-firmware-nonfree and the package dahdi, then plug it in anew".to_string();
        let what = "it waits for its firmware".to_string();
        return Some((format!("Xorcom Astribank ({id})"), (Trouble::NoFirmware, what, next)));
    }
    let model = ids::of_usb(usb.vendor, usb.product)?;
    Some((format!("{} ({id})", model.name), trouble(tree, model, usb.driver.as_deref(), "")))
}

/// Why DAHDI has no device of a card that is known.
fn trouble(tree: &Tree, model: Model, driver: Option<&str>, address: &str) -> Told {
    let module = model.module;
    match driver {
        Some(driver) if driver == module || driver.replace('-', "_") == module => {
            let next = format!("`dmesg | grep {module}` says why; most often its firmware is missing");
            return (Trouble::NoDevice, format!("{driver} has it, and DAHDI has no device of it"), next);
        }
        Some(driver) => {
            let next = format!(
                "write `blacklist {driver}` into /etc/modprobe.d/dahdi.conf, then `echo {address} > \
                 /sys/bus/pci/drivers/{driver}/unbind` and `modprobe {module}`"
            );
            return (Trouble::OtherDriver, format!("the driver {driver} has it, and {module} should"), next);
        }
        None => {}
    }
    if tree.loaded.contains(module) {
        let next = format!("`dmesg | grep {module}` says why");
        return (Trouble::NotTaken, format!("{module} is loaded and does not take it"), next);
    }
    let kernel = if tree.machine.kernel.is_empty() { "this kernel" } else { tree.machine.kernel.as_str() };
    let is_built = tree.built.as_ref().map(|built| (built.contains(module), built.contains(ids::DAHDI)));
    let (what, next) = match is_built {
        Some((false, _)) if model.by_maker => {
            let next = format!("get {module} from the card's maker, build it for {kernel} and `modprobe {module}`");
            (format!("its module {module} is not built for {kernel}"), next)
        }
        Some((false, false)) => {
            let next = format!("`apt install dahdi-dkms linux-headers-{kernel}` builds it, then `modprobe {module}`");
            (format!("dahdi-dkms is not built for {kernel}"), next)
        }
        Some((false, true)) => {
            let next = "take a version of DAHDI that has it: old cards were dropped from some".to_string();
            (format!("DAHDI is built for {kernel} without {module}"), next)
        }
        Some((true, _)) => {
            let next = format!("`modprobe {module}`, and write {module} into /etc/dahdi/modules for the next start");
            return (Trouble::NotLoaded, "no driver has it".to_string(), next);
        }
        None => {
            let next = format!("`modprobe {module}`; if there is no such module, `apt install dahdi-dkms` builds it");
            return (Trouble::NotLoaded, "no driver has it".to_string(), next);
        }
    };
    (Trouble::NotBuilt, what, next)
}
