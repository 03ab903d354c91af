//! Which cards the box has had, by names that last. One that is in another slot than before is told: its lines keep their
//! names, and the cables in the sockets may not be the ones that are meant.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tipring_board::{Known, Trouble};

use super::run::write_secret;
use super::sockets::Back;

/// The file in the state directory, its most octets, and the most cards in it.
const FILE: &str = "cards.json";
const OCTETS: u64 = 64 * 1024;
const MOST: usize = 128;

/// One of the file's cards.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    name: String,
    place: String,
}

/// The cards that there were when the service last started. What cannot be read is nothing.
pub fn known(state_dir: &Path) -> Vec<Known> {
    kept(&state_dir.join(FILE)).into_iter().map(|Kept { name, place }| Known { name, place }).collect()
}

fn kept(file: &Path) -> Vec<Kept> {
    let mut text = String::new();
    let read = std::fs::File::open(file).and_then(|file| file.take(OCTETS).read_to_string(&mut text));
    read.ok().and_then(|_| serde_json::from_str(&text).ok()).unwrap_or_default()
}

/// Tells of those that are elsewhere, and keeps where all are now. Reads files: not on the runtime.
pub fn remember(back: &Back, state_dir: PathBuf) {
    let (file, before) = (state_dir.join(FILE), known(&state_dir));
    let inventory = back.inventory(&before);
    for moved in inventory.findings.iter().filter(|finding| finding.trouble == Trouble::Moved) {
        tracing::warn!("card {}: {}, it is at {} now; {}", moved.about, moved.what, moved.place, moved.next);
    }
    let now: Vec<Kept> =
        inventory.cards.iter().map(|card| Kept { name: card.name.clone(), place: card.place.clone() }).collect();
    // One that is not there may come back.
    let is_there = |known: &Known| now.iter().any(|card| card.name == known.name);
    let absent = before.into_iter().filter(|known| !is_there(known)).map(|Known { name, place }| Kept { name, place });
    let absent: Vec<Kept> = absent.collect();
    let all: Vec<&Kept> = now.iter().chain(&absent).take(MOST).collect();
    if all.iter().copied().eq(kept(&file).iter()) {
        return;
    }
    let written = serde_json::to_string(&all).map_err(std::io::Error::from);
    if let Err(error) = written.and_then(|text| write_secret(&file, &text)) {
        tracing::warn!("{}: {error}; a card that moves is not noticed", file.display());
    }
}

#[cfg(test)]
mod tests {
    use super::super::outcome::ScratchDir;
    use super::*;
    use tipring_board::Roots;

    /// A machine with one card of this hardware id there.
    fn machine(root: &Path, place: &str) {
        let _ = std::fs::remove_dir_all(root);
        let (pci, dahdi) = (root.join(format!("devices/pci0000:00/{place}")), root.join("devices/dahdi-one"));
        for folder in [&pci, &dahdi, &root.join("bus/pci/devices"), &root.join("bus/dahdi_devices/devices")] {
            std::fs::create_dir_all(folder).expect("a folder");
        }
        for (file, text) in [("vendor", "0xd161\n"), ("device", "0x800e\n"), ("class", "0x028000\n")] {
            std::fs::write(pci.join(file), text).expect("written");
        }
        for (file, text) in [("hardware_id", "1TE235F0001\n"), ("spantype", "1:E1\n")] {
            std::fs::write(dahdi.join(file), text).expect("written");
        }
        let link = |from: PathBuf, to: &Path| std::os::unix::fs::symlink(to, from).expect("linked");
        link(root.join(format!("bus/pci/devices/{place}")), &pci);
        link(root.join(format!("bus/dahdi_devices/devices/pci:{place}")), &dahdi);
        link(dahdi.join("device"), &pci);
    }

    #[test]
    fn inst3_where_each_card_was_is_kept_and_one_that_is_away_is_not_forgotten() {
        let dir = ScratchDir::new().expect("a folder");
        let (root, state) = (dir.path.join("sys"), dir.path.clone());
        let back = Back::of("", &dir.path.join("boards"), Roots::of_sysfs(&root), &[]);
        let is_at = |place: &str| [Known { name: "1TE235F0001".into(), place: format!("pci:{place}") }];
        machine(&root, "0000:02:01.0");
        remember(&back, state.clone());
        assert_eq!(known(&state), is_at("0000:02:01.0"));
        machine(&root, "0000:05:00.0");
        let found = back.inventory(&known(&state)).findings;
        assert!(found.iter().any(|finding| finding.trouble == Trouble::Moved), "{found:?}");
        remember(&back, state.clone());
        assert_eq!(known(&state), is_at("0000:05:00.0"));
        std::fs::remove_dir_all(&root).expect("removed");
        remember(&back, state.clone());
        assert_eq!(known(&state), is_at("0000:05:00.0"), "it may come back");
        std::fs::write(state.join(FILE), "{\"rubbish").expect("written");
        assert_eq!(known(&state), []);
    }
}
