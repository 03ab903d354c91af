//! Trees of the kernel's files, grown in a folder of their own from a compact description; a line a thing:
//!
//!     kernel RELEASE · dmi FIELD WORDS · model WORDS
//!     pci ADDRESS VENDOR:DEVICE [class=078000] [subsystem=VENDOR] [driver=NAME]
//!     usb PATH VENDOR:PRODUCT [driver=NAME]
//!     device NAME [on=PCI or USB] [id=…] [maker=…] [kind=…] [spans=1:E1,2:E1]
//!     span NUMBER of=DEVICE [local=1] [kind=E1] [base=1] [channels=31] [alarms=0x0] [line=…] [sig=Clear]
//!     built MODULE… · loaded MODULE… · sound NUMBER ID on=PCI
//!     user UID GID · node NAME MODE
//!     file PATH = TEXT · link PATH -> TARGET

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use tipring_board::{Book, Finding, Inventory, Roots, Tree};

/// A tree; it is gone when it is dropped.
pub struct Grown {
    pub root: PathBuf,
}

impl Drop for Grown {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

/// Grows a tree of a description.
#[track_caller]
pub fn grow(description: &str) -> Grown {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = format!("tipring-board-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let root = std::env::temp_dir().join(name);
    let _ = fs::remove_dir_all(&root);
    fs::create_dir_all(root.join("sys")).expect("a folder");
    let grown = Grown { root };
    for line in description.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        grown.line(line);
    }
    grown
}

impl Grown {
    pub fn roots(&self) -> Roots {
        Roots::of_sysfs(&self.root.join("sys"))
    }

    pub fn tree(&self) -> Tree {
        Tree::read(&self.roots())
    }

    /// What is found in a box of the recognised profile.
    pub fn inventory(&self) -> Inventory {
        let (tree, book) = (self.tree(), Book::default());
        Inventory::of(&tree, book.recognise(&tree.machine), &[])
    }

    #[track_caller]
    pub fn file(&self, path: impl AsRef<Path>, octets: impl AsRef<[u8]>) {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, octets).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }

    #[track_caller]
    pub fn link(&self, path: impl AsRef<Path>, target: impl AsRef<Path>) {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        symlink(target, &path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }

    #[track_caller]
    fn line(&self, line: &str) {
        let (what, rest) = line.split_once(' ').unwrap_or((line, ""));
        let words: Vec<&str> = rest.split_whitespace().collect();
        let keys: BTreeMap<&str, &str> = words.iter().filter_map(|word| word.split_once('=')).collect();
        let key = |name: &str, otherwise: &'static str| keys.get(name).map_or(otherwise, |value| *value).to_string();
        match what {
            "kernel" => self.file("proc/sys/kernel/osrelease", rest),
            "model" => self.file("sys/firmware/devicetree/base/model", format!("{rest}\0")),
            "dmi" => self.file(format!("sys/class/dmi/id/{}", words[0]), format!("{}\n", words[1..].join(" "))),
            "pci" => self.pci(words[0], words[1], &key),
            "usb" => self.usb(words[0], words[1], &key),
            "device" => self.device(words[0], &key),
            "span" => self.span(words[0], &key),
            "built" => {
                let lines =
                    words.iter().map(|module| format!("updates/dkms/{module}.ko.xz: updates/dkms/dahdi.ko.xz\n"));
                let kernel = fs::read_to_string(self.root.join("proc/sys/kernel/osrelease")).expect("a kernel first");
                self.file(format!("lib/modules/{kernel}/modules.dep"), lines.collect::<String>());
            }
            "loaded" => words.iter().for_each(|module| self.file(format!("sys/module/{module}/refcnt"), "1")),
            "sound" => {
                let folder = format!("sys/devices/pci0000:00/{}/sound/card{}", key("on", ""), words[0]);
                self.file(format!("{folder}/id"), words[1]);
                self.link(format!("{folder}/device"), "../..");
                self.link(format!("sys/class/sound/card{}", words[0]), self.root.join(folder));
            }
            "user" => self.file(
                "proc/self/status",
                format!("Uid:\t{0}\t{0}\t{0}\t{0}\nGid:\t{1}\t{1}\t{1}\t{1}\nGroups:\t{1}\n", words[0], words[1]),
            ),
            "node" => {
                let path = format!("dev/dahdi/{}", words[0]);
                self.file(&path, "");
                let mode = u32::from_str_radix(words[1], 8).expect("a mode");
                fs::set_permissions(self.root.join(path), fs::Permissions::from_mode(mode)).expect("changed");
            }
            "file" => {
                let (path, text) = rest.split_once(" = ").expect("file PATH = TEXT");
                self.file(path, text);
            }
            "link" => {
                let (path, target) = rest.split_once(" -> ").expect("link PATH -> TARGET");
                self.link(path, target);
            }
            other => panic!("no such thing as {other}"),
        }
    }

    fn pci(&self, address: &str, id: &str, key: &dyn Fn(&str, &'static str) -> String) {
        let folder = format!("sys/devices/pci0000:00/{address}");
        let (vendor, device) = id.split_once(':').expect("VENDOR:DEVICE");
        self.file(format!("{folder}/vendor"), format!("0x{vendor}\n"));
        self.file(format!("{folder}/device"), format!("0x{device}\n"));
        self.file(format!("{folder}/subsystem_vendor"), format!("0x{}\n", key("subsystem", "0000")));
        self.file(format!("{folder}/class"), format!("0x{}\n", key("class", "028000")));
        let driver = key("driver", "");
        if !driver.is_empty() {
            self.link(format!("{folder}/driver"), format!("../../../bus/pci/drivers/{driver}"));
        }
        self.link(format!("sys/bus/pci/devices/{address}"), format!("../../../devices/pci0000:00/{address}"));
    }

    fn usb(&self, path: &str, id: &str, key: &dyn Fn(&str, &'static str) -> String) {
        let folder = format!("sys/devices/pci0000:00/0000:00:14.0/usb1/{path}");
        let (vendor, product) = id.split_once(':').expect("VENDOR:PRODUCT");
        self.file(format!("{folder}/idVendor"), format!("{vendor}\n"));
        self.file(format!("{folder}/idProduct"), format!("{product}\n"));
        let interface = format!("{folder}/{path}:1.0");
        self.file(format!("{interface}/bInterfaceNumber"), "00\n");
        let driver = key("driver", "");
        if !driver.is_empty() {
            self.link(format!("{interface}/driver"), format!("../../../../../../bus/usb/drivers/{driver}"));
        }
        let to = "../../../devices/pci0000:00/0000:00:14.0/usb1";
        self.link(format!("sys/bus/usb/devices/{path}"), format!("{to}/{path}"));
        self.link(format!("sys/bus/usb/devices/{path}:1.0"), format!("{to}/{path}/{path}:1.0"));
    }

    fn device(&self, name: &str, key: &dyn Fn(&str, &'static str) -> String) {
        let on = key("on", "");
        let parent = match on.as_str() {
            "" => "devices".to_string(),
            usb if !usb.contains(':') => format!("devices/pci0000:00/0000:00:14.0/usb1/{usb}/{usb}:1.0/xbus-00"),
            pci => format!("devices/pci0000:00/{pci}"),
        };
        let folder = format!("sys/{parent}/{name}");
        self.file(format!("{folder}/hardware_id"), format!("{}\n", key("id", "")));
        self.file(format!("{folder}/manufacturer"), format!("{}\n", key("maker", "")));
        self.file(format!("{folder}/type"), format!("{}\n", key("kind", "")));
        self.file(format!("{folder}/location"), "\n");
        let spans = key("spans", "");
        self.file(
            format!("{folder}/dahdi_spantype"),
            spans.split(',').map(|span| format!("{span}\n")).collect::<String>(),
        );
        self.link(format!("sys/bus/dahdi_devices/devices/{name}"), format!("../../../{parent}/{name}"));
    }

    fn span(&self, number: &str, key: &dyn Fn(&str, &'static str) -> String) {
        let device = key("of", "");
        let home =
            fs::canonicalize(self.root.join("sys/bus/dahdi_devices/devices").join(&device)).expect("its device first");
        let folder = home
            .strip_prefix(fs::canonicalize(&self.root).expect("there"))
            .expect("inside")
            .join(format!("span-{number}"));
        let kind = key("kind", "E1");
        let digital = u8::from(!matches!(kind.as_str(), "FXO" | "FXS" | "ANALOG_MIXED"));
        for (file, text) in [
            ("local_spanno", key("local", "1")),
            ("spantype", kind),
            ("is_digital", digital.to_string()),
            ("basechan", key("base", "1")),
            ("channels", key("channels", "31")),
            ("alarms", key("alarms", "0x0")),
            ("lineconfig", key("line", "HDB3/CCS/CRC4")),
            ("syncsrc", "0".to_string()),
            ("name", format!("SPAN/{number}")),
            ("desc", format!("Span {number}")),
        ] {
            self.file(folder.join(file), format!("{text}\n"));
        }
        let target = Path::new("../../..").join(folder.strip_prefix("sys").expect("below sys"));
        self.link(format!("sys/bus/dahdi_spans/devices/span-{number}"), target);
        for (index, sig) in key("sig", "Clear").split(',').enumerate() {
            let name = format!("dahdi!chan!{:03}!{:03}", number.parse::<u16>().expect("a number"), index + 1);
            self.file(folder.join(&name).join("sig"), format!("{sig}\n"));
            self.link(format!("sys/bus/dahdi_channels/devices/{name}"), self.root.join(folder.join(&name)));
        }
    }
}

/// The finding of a word.
#[track_caller]
pub fn only<'a>(inventory: &'a Inventory, trouble: &str) -> &'a Finding {
    let mut found = inventory.findings.iter().filter(|finding| finding.trouble.word() == trouble);
    let first = found.next().unwrap_or_else(|| panic!("no {trouble} in\n{}", inventory.text()));
    assert!(found.next().is_none(), "{trouble} twice in\n{}", inventory.text());
    first
}

/// State, name and trouble of each finding.
pub fn told(inventory: &Inventory) -> Vec<(&str, &str, &str)> {
    inventory.findings.iter().map(|one| (one.state.word(), one.about.as_str(), one.trouble.word())).collect()
}
