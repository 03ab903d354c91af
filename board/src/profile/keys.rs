//! The sections and keys of a profile: one table, from which it is read, judged and complained of.

use std::fmt;

/// Entries of one `[[section]]`.
pub const SECTIONS_MAX: usize = 64;

/// What a key holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    Text,
    Texts,
    Whole,
    Flag,
}

impl Holds {
    pub(super) fn wanted(self) -> &'static str {
        match self {
            Holds::Text => "a text in quotes",
            Holds::Texts => "a list of texts",
            Holds::Whole => "a whole number",
            Holds::Flag => "true or false",
        }
    }
}

/// A key.
#[derive(Debug)]
pub(super) struct Key {
    pub name: &'static str,
    pub holds: Holds,
    pub needed: bool,
    pub example: &'static str,
}

/// A section.
#[derive(Debug)]
pub(super) struct Section {
    /// Empty: what stands above all sections.
    pub name: &'static str,
    /// `[[name]]`, several times.
    pub many: bool,
    pub keys: &'static [Key],
}

impl Section {
    pub(super) fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }

    pub(super) fn example(&self, name: &str) -> String {
        self.key(name).map_or_else(String::new, |key| format!("{} = {}", key.name, key.example))
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.name, self.many) {
            ("", _) => f.write_str("the file's head"),
            (name, true) => write!(f, "[[{name}]]"),
            (name, false) => write!(f, "[{name}]"),
        }
    }
}

const fn must(name: &'static str, holds: Holds, example: &'static str) -> Key {
    Key { name, holds, needed: true, example }
}

const fn may(name: &'static str, holds: Holds, example: &'static str) -> Key {
    Key { name, holds, needed: false, example }
}

/// Fields of `/sys/class/dmi/id` by which an appliance may be recognised. Serial numbers are none: they are one box's.
pub(crate) const DMI: &[&str] = &[
    "sys_vendor",
    "product_name",
    "product_version",
    "product_family",
    "product_sku",
    "board_vendor",
    "board_name",
    "board_version",
    "chassis_vendor",
    "bios_vendor",
];

pub(super) const HEAD: Section = Section {
    name: "",
    many: false,
    keys: &[
        must("id", Holds::Text, "\"desk-4-1\""),
        must("name", Holds::Text, "\"Four lines and one E1\""),
        must("manufacturer", Holds::Text, "\"reference design\""),
        may("about", Holds::Text, "\"A small box for the wall.\""),
    ],
};

#[rustfmt::skip]
pub(super) const SECTIONS: &[Section] = &[
    Section { name: "recognised", many: false, keys: &[
        may("sys_vendor", Holds::Text, "\"Elsewhere Boxes\""),
        may("product_name", Holds::Text, "\"Desk*\""),
        may("product_version", Holds::Text, "\"1.*\""),
        may("product_family", Holds::Text, "\"Desk\""),
        may("product_sku", Holds::Text, "\"4-1\""),
        may("board_vendor", Holds::Text, "\"Elsewhere Boxes\""),
        may("board_name", Holds::Text, "\"DESK-41\""),
        may("board_version", Holds::Text, "\"B\""),
        may("chassis_vendor", Holds::Text, "\"Elsewhere Boxes\""),
        may("bios_vendor", Holds::Text, "\"coreboot\""),
        may("model", Holds::Text, "\"Elsewhere Desk*\""),
        may("compatible", Holds::Texts, "[\"elsewhere,desk\"]"),
        may("anything", Holds::Flag, "true"),
    ] },
    Section { name: "slot", many: true, keys: &[
        must("name", Holds::Text, "\"A\""),
        must("place", Holds::Text, "\"pci:0000:02:01.0\""),
        must("holds", Holds::Texts, "[\"fxo\", \"fxs\"]"),
        may("wanted", Holds::Flag, "true"),
    ] },
    Section { name: "port", many: true, keys: &[
        must("label", Holds::Text, "\"1\""),
        must("slot", Holds::Text, "\"A\""),
        must("kind", Holds::Text, "\"fxo\""),
        may("span", Holds::Whole, "1"),
        may("position", Holds::Whole, "1"),
        may("led", Holds::Text, "\"line 1\""),
    ] },
    Section { name: "led", many: true, keys: &[
        must("name", Holds::Text, "\"line 1\""),
        must("number", Holds::Whole, "0"),
        must("colours", Holds::Texts, "[\"green\", \"red\"]"),
    ] },
    Section { name: "relay", many: true, keys: &[
        must("name", Holds::Text, "\"bypass 1\""),
        must("number", Holds::Whole, "0"),
        must("bypasses", Holds::Texts, "[\"1\", \"2\"]"),
        may("sense", Holds::Flag, "true"),
        may("self_test", Holds::Flag, "true"),
    ] },
    Section { name: "watchdog", many: false, keys: &[
        must("ms", Holds::Whole, "10000"),
    ] },
    Section { name: "serial", many: false, keys: &[
        must("device", Holds::Text, "\"/dev/serial/by-path/pci-0000:00:14.0-usb-0:3:1.0-port0\""),
        may("baud", Holds::Whole, "115200"),
    ] },
];
