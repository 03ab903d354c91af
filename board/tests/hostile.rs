//! Trees that nobody's kernel shows: whatever lies there, the look at it ends and nothing panics.

use std::fs;
use std::process::Command;

use tipring_board::{MAX_ENTRIES, MAX_FINDINGS, TEXT_CHARS};

use crate::support::{grow, only, told};

#[test]
fn nothing_at_all_is_a_box_without_card_and_driver() {
    let grown = grow("");
    assert_eq!(told(&grown.inventory()), [("absent", "box", "no-card"), ("absent", "box", "no-dahdi")]);
    fs::remove_dir_all(&grown.root).expect("gone");
    assert_eq!(told(&grown.inventory()), [("absent", "box", "no-card"), ("absent", "box", "no-dahdi")]);
}

#[test]
fn files_that_are_missing_or_rubbish_are_left_out() {
    let grown = grow(include_str!("trees/three-findings.txt"));
    let rubbish: Vec<u8> = (0..=255).cycle().skip(100).take(100_000).collect();
    let mut files = Vec::new();
    let mut folders = vec![grown.root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            let kind = entry.file_type().expect("a kind");
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    assert!(files.len() > 50, "{}", files.len());
    for file in &files {
        let before = fs::read(file).expect("readable");
        fs::write(file, &rubbish).expect("written");
        let inventory = grown.inventory();
        assert!(inventory.cards.len() >= 2, "{}: {}", file.display(), inventory.text());
        fs::remove_file(file).expect("removed");
        let inventory = grown.inventory();
        assert!(inventory.cards.len() >= 2, "{}: {}", file.display(), inventory.text());
        fs::write(file, before).expect("put back");
    }
    for file in &files {
        fs::write(file, &rubbish).expect("written");
    }
    let inventory = grown.inventory();
    assert!(!inventory.is_good());
    for card in &inventory.cards {
        let all = [&card.name, &card.place, &card.what, &card.hardware_id];
        assert!(
            all.iter().all(|text| text.chars().count() <= 2 * TEXT_CHARS + 1 && !text.contains(char::is_control)),
            "{card:?}"
        );
    }
}

#[test]
fn ten_thousand_devices_are_cut_and_told() {
    let grown = grow("file sys/one/vendor = 0xd161\nfile sys/one/device = 0x8005\nfile sys/bus/pci/devices/none = x");
    // All links lead to one folder: the test is about their number.
    for index in 0..10_000 {
        let address = format!("{:04x}:{:02x}:{:02x}.0", index / 8192, index / 32 % 256, index % 32);
        std::os::unix::fs::symlink("../../../one", grown.root.join("sys/bus/pci/devices").join(address))
            .expect("a link");
    }
    let inventory = grown.inventory();
    // The entry that is no device may be among those that are looked at.
    assert!((MAX_ENTRIES - 1..=MAX_ENTRIES).contains(&inventory.cards.len()), "{}", inventory.cards.len());
    assert_eq!((inventory.findings.len(), inventory.more), (MAX_FINDINGS, inventory.cards.len() + 2 - MAX_FINDINGS));
    assert_eq!(inventory.findings[0].trouble.word(), "no-dahdi");
    assert!(only(&inventory, "left-out").what.ends_with("bus/pci/devices has more entries than are looked at"));
    assert!(inventory.text().ends_with(&format!("and {} more\n", inventory.more)));
}

#[test]
fn links_that_go_round_lead_nowhere() {
    let grown = grow(
        "link sys/bus/dahdi_devices/devices/a -> b\nlink sys/bus/dahdi_devices/devices/b -> a\n\
         link sys/bus/dahdi_spans/devices/span-1 -> span-1\nlink sys/class/sound/card0/device -> ../card0/device\n\
         file sys/class/sound/card0/id = X\nlink sys/bus/pci/devices/0000:00:00.0 -> ../devices\n\
         link sys/bus/dahdi_devices/devices/up -> ../../../..\nlink sys/class/tty/ttyS0/device -> /dev/null",
    );
    let inventory = grown.inventory();
    assert_eq!(inventory.sound[0].place, "");
    // A folder that is no device of DAHDI's has no spans, and that is said.
    assert_eq!(told(&inventory), [("nearly works", "up", "no-device")]);
}

#[test]
fn a_pipe_in_place_of_a_file_is_not_opened() {
    let grown = grow("pci 0000:02:01.0 d161:8005");
    let vendor = grown.root.join("sys/devices/pci0000:00/0000:02:01.0/class");
    fs::remove_file(&vendor).expect("removed");
    let made = Command::new("mkfifo").arg(&vendor).status().expect("mkfifo is there");
    assert!(made.success());
    assert_eq!(grown.inventory().cards.len(), 1);
}

#[test]
fn numbers_beyond_all_bounds_are_left_out() {
    let grown = grow(include_str!("trees/three-findings.txt"));
    let device = "sys/devices/pci0000:00/0000:02:01.0/pci:0000:02:01.0";
    let many: String = (0..60_000).map(|local| format!("{local}:E1\n")).collect();
    grown.file(format!("{device}/dahdi_spantype"), many);
    for file in ["local_spanno", "basechan", "channels", "alarms"] {
        grown.file(format!("{device}/span-1/{file}"), "99999999999999999999999");
    }
    grown.file("proc/sys/kernel/osrelease", "../../../../etc");
    grown.file("proc/self/status", "Uid:\t-1\nGid:\n");
    let inventory = grown.inventory();
    let card = inventory.cards.iter().find(|card| card.name == "1TE235F0001").expect("there");
    assert!((100..=128).contains(&card.spans.len()), "{}", card.spans.len());
    assert!(grown.tree().built.is_none() && grown.tree().user.is_none());
}
