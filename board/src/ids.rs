//! Which PCI and USB ids are telephone cards, and the module that drives each.
//!
//! Source: the device tables of DAHDI's modules as Debian 12 ships them, and the ids of makers whose modules come from
//! themselves. Ids are facts; the names are ours. What has several generations under one id is named by what they share.

/// What an id means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Model {
    /// In words.
    pub name: &'static str,
    /// The kernel module that takes it.
    pub module: &'static str,
    /// The module comes from the card's maker, not with DAHDI.
    pub by_maker: bool,
}

/// Vendor, device, subsystem's vendor where it decides, module, name.
type Id = (u16, u16, Option<u16>, &'static str, &'static str);

/// Digium's own vendor id.
pub(crate) const DIGIUM: u16 = 0xd161;
/// The module that all of DAHDI's need.
pub(crate) const DAHDI: &str = "dahdi";
/// Makers that sell nothing but telephone cards; an id of theirs that is not in the table is one still.
const MAKERS: &[u16] = &[DIGIUM, 0x0b0b, 0x1923];

#[rustfmt::skip]
const PCI: &[Id] = &[
    // Digital: four, two and eight spans.
    (0x10ee, 0x0314, None, "wct4xxp", "Digium TE410P/TE405P, four E1/T1"),
    (DIGIUM, 0x0405, None, "wct4xxp", "Digium TE405P, four E1/T1"),
    (DIGIUM, 0x0410, None, "wct4xxp", "Digium TE410P, four E1/T1"),
    (DIGIUM, 0x0420, None, "wct4xxp", "Digium TE420, four E1/T1"),
    (DIGIUM, 0x1405, None, "wct4xxp", "Digium TE405P, four E1/T1"),
    (DIGIUM, 0x1410, None, "wct4xxp", "Digium TE410P, four E1/T1"),
    (DIGIUM, 0x1420, None, "wct4xxp", "Digium TE420, four E1/T1"),
    (DIGIUM, 0x0205, None, "wct4xxp", "Digium TE205P, two E1/T1"),
    (DIGIUM, 0x0210, None, "wct4xxp", "Digium TE210P, two E1/T1"),
    (DIGIUM, 0x0220, None, "wct4xxp", "Digium TE220, two E1/T1"),
    (DIGIUM, 0x1205, None, "wct4xxp", "Digium TE205P, two E1/T1"),
    (DIGIUM, 0x1210, None, "wct4xxp", "Digium TE210P, two E1/T1"),
    (DIGIUM, 0x1220, None, "wct4xxp", "Digium TE220, two E1/T1"),
    (DIGIUM, 0x1820, None, "wct4xxp", "Digium TE820, eight E1/T1"),
    (DIGIUM, 0x800e, None, "wcte43x", "Digium TE435/TE235, four or two E1/T1"),
    (DIGIUM, 0x8013, None, "wcte43x", "Digium TE436/TE236, four or two E1/T1"),
    (0x10b5, 0x9030, None, "tor2", "Tormenta 2, four E1/T1"),
    (0x10b5, 0x3001, None, "tor2", "Tormenta 2, four E1/T1"),
    (0x10b5, 0xd00d, None, "tor2", "Tormenta 2, four E1/T1"),
    (0x10b5, 0x4000, None, "tor2", "Tormenta 2, four E1/T1"),
    (0x10ee, 0x1004, None, "ap400", "Aligera AP40x, E1"),
    // Digital: one span.
    (DIGIUM, 0x0120, None, "wcte12xp", "Digium TE120P, one E1/T1"),
    (DIGIUM, 0x8000, None, "wcte12xp", "Digium TE121, one E1/T1"),
    (DIGIUM, 0x8001, None, "wcte12xp", "Digium TE122, one E1/T1"),
    (DIGIUM, 0x800a, None, "wcte13xp", "Digium TE131/TE133, one E1/T1"),
    (DIGIUM, 0x800b, None, "wcte13xp", "Digium TE132/TE134, one E1/T1"),
    (0xe159, 0x0001, Some(0x71fe), "wcte11xp", "Digium TE110P, one E1/T1"),
    (0xe159, 0x0001, Some(0x79fe), "wcte11xp", "Digium TE110P, one E1/T1"),
    (0xe159, 0x0001, Some(0x795e), "wcte11xp", "Digium TE110P, one E1/T1"),
    (0xe159, 0x0001, Some(0x79de), "wcte11xp", "Digium TE110P, one E1/T1"),
    (0xe159, 0x0001, Some(0x797e), "wcte11xp", "Digium TE110P, one E1/T1"),
    (0xe159, 0x0001, Some(0x6159), "wct1xxp", "Digium T100P/E100P, one E1/T1"),
    // Analogue.
    (DIGIUM, 0x2400, None, "wctdm24xxp", "Digium TDM2400P, 24 analogue ports"),
    (DIGIUM, 0x0800, None, "wctdm24xxp", "Digium TDM800P, eight analogue ports"),
    (DIGIUM, 0x8002, None, "wctdm24xxp", "Digium AEX800, eight analogue ports"),
    (DIGIUM, 0x8003, None, "wctdm24xxp", "Digium AEX2400, 24 analogue ports"),
    (DIGIUM, 0x8005, None, "wctdm24xxp", "Digium TDM410P, four analogue ports"),
    (DIGIUM, 0x8006, None, "wctdm24xxp", "Digium AEX410P, four analogue ports"),
    (DIGIUM, 0x8007, None, "wctdm24xxp", "Digium HA8, analogue and BRI ports"),
    (DIGIUM, 0x8008, None, "wctdm24xxp", "Digium HB8, analogue and BRI ports"),
    (DIGIUM, 0x800c, None, "wcaxx", "Digium A8A, eight analogue ports"),
    (DIGIUM, 0x800d, None, "wcaxx", "Digium A8B, eight analogue ports"),
    (DIGIUM, 0x800f, None, "wcaxx", "Digium A4A, four analogue ports"),
    (DIGIUM, 0x8010, None, "wcaxx", "Digium A4B, four analogue ports"),
    (0x1057, 0x5608, None, "wcfxo", "X100P, one analogue line"),
    (0xe159, 0x0001, Some(0x8084), "wcfxo", "X101P, one analogue line"),
    (0xe159, 0x0001, Some(0x8085), "wcfxo", "X101P, one analogue line"),
    (0xe159, 0x0001, Some(0x8086), "wcfxo", "X101P, one analogue line"),
    (0xe159, 0x0001, Some(0x8087), "wcfxo", "X101P, one analogue line"),
    (0xe159, 0x0001, Some(0x9100), "opvxa1200", "OpenVox A1200/A800, analogue ports"),
    (0xe159, 0x0001, Some(0x9519), "opvxa1200", "OpenVox A1200/A800, analogue ports"),
    (0xe159, 0x0001, Some(0x95d9), "opvxa1200", "OpenVox A1200/A800, analogue ports"),
    (0xe159, 0x0001, Some(0x9500), "opvxa1200", "OpenVox A1200/A800, analogue ports"),
    (0xe159, 0x0001, Some(0x9532), "opvxa1200", "OpenVox A1200/A800, analogue ports"),
    (0xe159, 0x0001, Some(0x8519), "opvxa1200", "OpenVox A1200/A800, analogue ports"),
    (0xe159, 0x0001, Some(0x9559), "opvxa1200", "OpenVox A1200/A800, analogue ports"),
    (0xe159, 0x0001, Some(0x9599), "opvxa1200", "OpenVox A1200/A800, analogue ports"),
    (0xe159, 0x0001, Some(0xe16b), "pciradio", "quad radio card"),
    // Everything else of that chip is a TDM400P, says its module.
    (0xe159, 0x0001, None, "wctdm", "Digium TDM400P, four analogue ports"),
    // BRI, and transcoders, which have no lines.
    (DIGIUM, 0xb410, None, "wcb4xxp", "Digium B410P, four BRI"),
    (DIGIUM, 0x8014, None, "wcb4xxp", "Digium B433, four BRI"),
    (DIGIUM, 0x8015, None, "wcb4xxp", "Digium B434, four BRI"),
    (DIGIUM, 0x8016, None, "wcb4xxp", "Digium B233, two BRI"),
    (DIGIUM, 0x8017, None, "wcb4xxp", "Digium B234, two BRI"),
    (0x1397, 0x08b4, Some(0x1397), "wcb4xxp", "HFC-4S, two or four BRI"),
    (0x1397, 0x16b8, Some(0x1397), "wcb4xxp", "HFC-8S, eight BRI"),
    (0x1397, 0x2bd0, None, "zaphfc", "HFC-S, one BRI"),
    (DIGIUM, 0x3400, None, "wctc4xxp", "Digium TC400P, transcoder"),
    (DIGIUM, 0x8004, None, "wctc4xxp", "Digium TCE400P, transcoder"),
];

/// Cards whose module their maker has.
#[rustfmt::skip]
const PCI_BY_MAKER: &[Id] = &[
    (0x1923, 0x0040, None, "wanpipe", "Sangoma A200, analogue ports"),
    (0x1923, 0x0100, None, "wanpipe", "Sangoma A104, four E1/T1"),
    (0x1923, 0x0300, None, "wanpipe", "Sangoma A101, one E1/T1"),
    (0x1923, 0x0400, None, "wanpipe", "Sangoma A104, four E1/T1"),
    (0x0b0b, 0x0105, None, "r1t1", "Rhino R1T1, one T1"),
    (0x0b0b, 0x0206, None, "rcbfx", "Rhino RCB4FXO, four analogue lines"),
    (0x0b0b, 0x0305, None, "rxt1", "Rhino R4T1, four T1"),
    (0x0b0b, 0x0406, None, "rcbfx", "Rhino RCB8FXX, eight analogue ports"),
    (0x0b0b, 0x0605, None, "rxt1", "Rhino R2T1, two T1"),
    (0x0b0b, 0x0906, None, "rcbfx", "Rhino RCB24FXX, 24 analogue ports"),
];

#[rustfmt::skip]
const USB: &[Id] = &[
    (0xe4e4, 0x1132, None, "xpp_usb", "Xorcom Astribank-8/16"),
    (0xe4e4, 0x1142, None, "xpp_usb", "Xorcom Astribank, BRI"),
    (0xe4e4, 0x1152, None, "xpp_usb", "Xorcom Astribank, several kinds"),
    (0xe4e4, 0x1162, None, "xpp_usb", "Xorcom Astribank, modular"),
];

/// An Astribank that has not got its firmware yet shows another id, which no driver takes.
const USB_WITHOUT_FIRMWARE: &[u16] = &[0x1130, 0x1131, 0x1140, 0x1141, 0x1150, 0x1151, 0x1160, 0x1161];

/// What a PCI id is. `None`: no telephone card that is known.
pub fn of_pci(vendor: u16, device: u16, subsystem_vendor: u16) -> Option<Model> {
    let of = |table: &'static [Id], by_maker| {
        let mut found = table.iter().filter(move |id| id.0 == vendor && id.1 == device);
        let exact = found.clone().find(|id| id.2 == Some(subsystem_vendor));
        let model = exact.or_else(|| found.find(|id| id.2.is_none()));
        model.map(|&(_, _, _, module, name)| Model { name, module, by_maker })
    };
    of(PCI, false).or_else(|| of(PCI_BY_MAKER, true))
}

/// Whether a vendor sells nothing but telephone cards.
pub(crate) fn is_maker(vendor: u16) -> bool {
    MAKERS.contains(&vendor)
}

/// All modules that are named here, and the one that all of DAHDI's need.
pub(crate) fn modules() -> impl Iterator<Item = &'static str> {
    let all: std::collections::BTreeSet<&str> = PCI.iter().chain(PCI_BY_MAKER).chain(USB).map(|id| id.3).collect();
    std::iter::once(DAHDI).chain(all)
}

/// What a USB id is.
pub fn of_usb(vendor: u16, product: u16) -> Option<Model> {
    let found = USB.iter().find(|id| id.0 == vendor && id.1 == product);
    found.map(|&(_, _, _, module, name)| Model { name, module, by_maker: false })
}

/// Whether it is a device that waits for its firmware.
pub(crate) fn waits_for_firmware(vendor: u16, product: u16) -> bool {
    vendor == 0xe4e4 && USB_WITHOUT_FIRMWARE.contains(&product)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_subsystem_decides_where_one_chip_is_in_many_cards() {
        assert_eq!(of_pci(0xe159, 1, 0x8085).map(|model| model.module), Some("wcfxo"));
        assert_eq!(of_pci(0xe159, 1, 0x71fe).map(|model| model.module), Some("wcte11xp"));
        assert_eq!(of_pci(0xe159, 1, 0x1234).map(|model| model.module), Some("wctdm"));
        assert_eq!(of_pci(DIGIUM, 0x8005, 0).map(|model| model.module), Some("wctdm24xxp"));
        assert_eq!(of_pci(0x1397, 0x08b4, 0x1234), None, "the chip alone is no telephone card of DAHDI's");
        assert_eq!(of_pci(0x1923, 0x0100, 0).map(|model| model.by_maker), Some(true));
        assert_eq!(of_pci(0x8086, 0x100e, 0), None);
    }

    #[test]
    fn no_id_stands_twice_in_the_tables() {
        let all = PCI.iter().chain(PCI_BY_MAKER).chain(USB).map(|id| (id.0, id.1, id.2));
        let count = all.clone().count();
        assert_eq!(all.collect::<BTreeSet<_>>().len(), count);
    }
}
